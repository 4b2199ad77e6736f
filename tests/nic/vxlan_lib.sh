# A NIC under a tunnel: n with host a behind its representor nr0, and its wire at the far machine; sourced behind
# tests/kernel/vxlan_lib.sh.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

mount -t debugfs none /sys/kernel/debug # of this /sys, which is of the namespaces of the test
[[ -e /sys/kernel/debug/nicsim/control ]] || { echo "skipped: the module nicsim is not loaded: make check-nic"; exit 77; }
nicsim_n() { echo "$*" >/sys/kernel/debug/nicsim/n/command; }

function_in() { # DEVICE HOST NAME ADDRESS/LEN
	[[ -e /run/netns/$2 ]] || ip netns add "$2"
	in_host "$2" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link set dev "$1" netns "$2" name "$3"
	ip -n "$2" link set lo up
	ip -n "$2" link set "$3" up
	ip -n "$2" addr add "$4" dev "$3"
}
nic_machine() { # OPTION…: of the NIC
	echo "add n ports=2 table=1000 $*" >/sys/kernel/debug/nicsim/control
	function_in nv0 a eth0 10.0.0.1/24
	function_in nw far ul 172.16.0.2/24
	in_far sysctl -qw net.ipv4.conf.all.arp_notify=1 net.ipv4.conf.ul.arp_notify=1 net.ipv6.conf.ul.disable_ipv6=0
	ip -n a link set eth0 mtu 1400
	for device in n nr0 nr1; do ip link set dev "$device" up; done
	ip addr add 172.16.0.1/24 dev n
	sysctl -qw net.ipv6.conf.n.disable_ipv6=0
	ip -6 addr add fd00:172:1::1/64 dev n nodad
	ip -n far -6 addr add fd00:172:1::2/64 dev ul nodad
}
