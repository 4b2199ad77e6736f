# What the tests of the whole switch on nicsim stand on, sourced after tests/kernel/lib.sh or what sources that: a NIC whose
# functions are in hosts a and b.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

mount -t debugfs none /sys/kernel/debug # of this /sys, which is of the namespaces of the test
[[ -e /sys/kernel/debug/nicsim/control ]] || { echo "skipped: the module nicsim is not loaded: make check-nic"; exit 77; }

nic_host() { # DEVICE HOST ADDRESS/LEN: a function of the NIC, in a host of its own
	ip netns add "$2"
	in_host "$2" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link set dev "$1" netns "$2" name eth0
	ip -n "$2" link set lo up
	ip -n "$2" link set eth0 up
	ip -n "$2" addr add "$3" dev eth0
}
# The NIC n: its representors are nr0 for host a, nr1 for host b…
nic() { # PORTS [OPTION…]
	local i names=(a b c d)
	echo "add n ports=$1 ${*:2}" >/sys/kernel/debug/nicsim/control
	for ((i = 0; i < $1; i++)); do
		nic_host "nv$i" "${names[i]}" "10.0.0.$((i + 1))/24"
		ip link set dev "nr$i" up
	done
	ip link set dev n up
}
nic_command() { echo "$*" >/sys/kernel/debug/nicsim/n/command; }
nic_info() { awk -v name="$1" '$1 == name { print $2 }' /sys/kernel/debug/nicsim/n/info; }
nic_rules() { grep -vc forgotten /sys/kernel/debug/nicsim/n/rules || true; }
