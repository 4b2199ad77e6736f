#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bytes of frames on the user-space datapath, on the kernel's and in TC's software, and through moves between the last two.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/kernel/bytes.sh
. "${srcdir:-.}/tests/kernel/bytes.sh"
needs_two_passes

start_shuntd
vsctl set Open_vSwitch . other_config:max-idle=600000
host a 10.0.0.1/24
host b 10.0.0.2/24

vsctl add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 pa -- add-port br0 pb
bytes_rules "$(iface pb ofport)"
send_frames 20
exact_bytes "user datapath"
vsctl del-br br0

system_bridge br0
for p in pa pb; do vsctl add-port br0 $p -- set Interface $p other_config:offload=none; done
bytes_rules "$(iface pb ofport)"
send_frames 20
exact_bytes "kernel datapath"
for _ in 1 2; do
	for p in pa pb; do vsctl set Interface $p other_config:offload=tc; done
	eventually placed 10 tc
	send_frames 20
	exact_bytes "TC in software"
	for p in pa pb; do vsctl set Interface $p other_config:offload=none; done
	eventually placed 10 software
	send_frames 20
	exact_bytes "back in the kernel datapath"
done
stop_shuntd
