#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bytes of frames that a NIC switches, and through moves into it and out of it.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/kernel/bytes.sh
. "${srcdir:-.}/tests/kernel/bytes.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"
needs_two_passes

nic 2
start_shuntd
vsctl set Open_vSwitch . other_config:max-idle=600000
system_bridge br0
for p in nr0 nr1; do vsctl add-port br0 $p; done
bytes_rules "$(iface nr1 ofport)"
for _ in 1 2; do
	eventually placed 10 hardware tc
	expect test "$(frames_in hardware)" -ge 7
	send_frames 20
	exact_bytes "NIC, with what it leaves to software"
	for p in nr0 nr1; do vsctl set Interface $p other_config:offload=none; done
	eventually placed 10 software
	send_frames 20
	exact_bytes "kernel datapath"
	for p in nr0 nr1; do vsctl set Interface $p other_config:offload=auto; done
done
stop_shuntd
