# What the lab's own tests stand on, sourced: assertions, hosts in namespaces, TC's and the driver's counters.  It does not use
# Shunt: these tests show that the ground is firm.  They run inside a guest, in the namespaces that run-tests makes for each.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

fail() {
	echo "FAILED at line ${BASH_LINENO[-2]}: $*"
	exit 1
}
expect() { "$@" || fail "$*"; }
expect_not() {
	if "$@"; then fail "succeeds: $*"; fi
}
equal() { # GOT WANTED [WHAT]
	[[ $1 == "$2" ]] || fail "${3:-it} is \"$1\", not \"$2\""
}
skip() {
	echo "skipped: $*"
	exit 77
}
step() { echo "--- $*"; }

[[ -n ${SHUNT_LAB:-} ]] || skip "runs in a guest of the lab only: make check-kernel, make check-nic"

# --- hosts ---

# A namespace NAME without IPv6's own chatter, so that every packet is the test's.
netns() { # NAME
	ip netns add "$1"
	ip netns exec "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$1" link set lo up
}
# Moves DEVICE into the namespace HOST as eth0 with an address; neighbours are told with neighbour().
move_in() { # DEVICE HOST ADDRESS/LEN
	netns "$2"
	ip link set dev "$1" netns "$2" name eth0
	ip -n "$2" addr add "$3" dev eth0
	ip -n "$2" link set eth0 up
}
# A host behind a veth, whose other end is pNAME here.
host() { # NAME ADDRESS/LEN
	ip link add name "p$1" type veth peer name "x$1"
	move_in "x$1" "$1" "$2"
	ip link set dev "p$1" up
}
mac() { ip -n "$1" -j link show dev "${2:-eth0}" | sed -n 's/.*"address":"\([^"]*\)".*/\1/p'; }
# Both know each other's link address, so that no ARP is needed.
neighbours() { # HOST ADDRESS HOST ADDRESS
	ip -n "$1" neigh replace "$4" lladdr "$(mac "$3")" dev eth0
	ip -n "$3" neigh replace "$2" lladdr "$(mac "$1")" dev eth0
}
in_host() { ip netns exec "$@"; }
pings() { # HOST ADDRESS [COUNT]
	in_host "$1" ping -q -c "${3:-3}" -i 0.05 -W 1 "$2" >/dev/null
}

# --- traffic control ---

ingress() { # DEVICE…
	local device
	for device; do tc qdisc add dev "$device" ingress; done
}
# Sum of a counter over the rules of a device: packets seen by their last action, in software and hardware.
rule_packets() { # DEVICE [SELECTOR…]
	tc -s -j filter show dev "$1" ingress "${@:2}" | python3 -c '
import json, sys
print(sum(f["options"]["actions"][-1]["stats"]["packets"] for f in json.load(sys.stdin) if "options" in f and "actions" in f["options"]))'
}

sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
