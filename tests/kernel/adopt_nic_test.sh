#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Restarts with flows in a NIC.
# shellcheck source=tests/kernel/adopt.sh
. "${srcdir:-.}/tests/kernel/adopt.sh"

mount -t debugfs none /sys/kernel/debug # of this /sys, which is of the namespaces of the test
[[ -e /sys/kernel/debug/nicsim/control ]] || { echo "skipped: the module nicsim is not loaded: make check-nic"; exit 77; }
function_in() { # DEVICE HOST ADDRESS/LEN
	ip netns add "$2"
	in_host "$2" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link set dev "$1" netns "$2" name eth0
	ip -n "$2" link set lo up
	ip -n "$2" link set eth0 up
	ip -n "$2" addr add "$3" dev eth0
}

echo "add n ports=2 table=100" >/sys/kernel/debug/nicsim/control
function_in nv0 a 10.0.0.1/24
function_in nv1 b 10.0.0.2/24
for device in n nr0 nr1; do ip link set dev "$device" up; done
adopt_bridge nr0 nr1
adopt_steps hardware
