# A switch whose port is a bond, sourced by tests that bring the slaves: frames come in by either, their flows are in the tier that
# the test names, and every packet and byte is counted once while slaves leave, come back, and take turns.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

STREAMS=${STREAMS:-4} PPS=${PPS:-200}
# shellcheck source=tests/kernel/exact.sh
. "${srcdir:-.}/tests/kernel/exact.sh"

enslave() { # [-n NETNS] BOND SLAVE…
	local ns=()
	[[ $1 != -n ]] || { ns=(-n "$2"); shift 2; }
	local slave
	for slave in "${@:2}"; do
		ip "${ns[@]}" link set dev "$slave" down
		ip "${ns[@]}" link set dev "$slave" master "$1"
		ip "${ns[@]}" link set dev "$slave" up
	done
}
# Host a, whose eth0 is a bond itself, so that its frames take turns: wires are the far ends of the slaves.
bond_host() { # WIRE…
	ip netns add a
	in_host a sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n a link set lo up
	ip -n a link add eth0 type bond mode balance-rr miimon 100
	for wire; do ip link set dev "$wire" netns a; done
	enslave -n a eth0 "$@"
	ip -n a link set eth0 up
	ip -n a addr add 10.0.0.1/24 dev eth0
}
the_bond() { # SLAVE…
	ip link add bond0 type bond mode balance-rr miimon 100
	enslave bond0 "$@"
	ip link set bond0 up
}
block_of() { # SLAVE: the number of its block, or nothing
	local words
	words=$(tc qdisc show dev "$1" clsact)
	[[ $words != *ingress_block* ]] || { words=${words#*ingress_block } && echo "${words%% *}"; }
}
bound() { # SLAVE…: all are in one block
	[[ -n $(block_of "$1") && $(for s; do block_of "$s"; done | sort -u) == "$(block_of "$1")" ]]
}
block_rules() { tc filter show block "$(block_of "$1")" | grep -c 'cookie' || true; }
all_rules() { # SLAVE
	[[ $(block_rules "$1") -ge $STREAMS ]]
}
rx_of() { cat "/sys/class/net/$1/statistics/rx_packets"; }

unbound() { [[ -z $(for s; do block_of "$s"; done) ]]; } # SLAVE…
# What comes in meanwhile comes in by the other one, as the far end sees to in life, too.
leave_and_return() { # SLAVE WIRE OTHER
	ip -n a link set dev "$2" nomaster
	ip link set dev "$1" nomaster
	eventually unbound "$1"
	expect all_rules "$3"
	sleep 0.3
	enslave bond0 "$1"
	eventually bound "$1" "$3"
	enslave -n a eth0 "$2"
	sleep 0.3
	eventually all_in "$state"
}

bond_steps() { # STATE SLAVE SLAVE WIRE WIRE
	local state=$1 s0=$2 s1=$3 w0=$4 w1=$5 before0 before1

	restart_and_count "$state" kill_shuntd
	expect bound "$s0" "$s1"
	expect all_rules "$s0"
	if [[ $state == hardware ]]; then expect in_nic; fi
	equal "$(tc qdisc show dev bond0 clsact)" "" "what is at the bond itself"

	step "frames come in by both; a slave leaves under traffic, and comes back"
	before0=$(rx_of "$s0") before1=$(rx_of "$s1")
	streams_on
	sleep 0.5
	expect test $(($(rx_of "$s0") - before0)) -gt 5 -a $(($(rx_of "$s1") - before1)) -gt 5
	leave_and_return "$s0" "$w0" "$s1"
	leave_and_return "$s1" "$w1" "$s0"
	streams_off
	exact "slaves that left and came back"

	step "the last slave leaves: no rule, no block, no count is lost"
	for s in "$s0" "$s1"; do ip link set dev "$s" nomaster; done
	eventually unbound "$s0" "$s1"
	eventually all_in refused
	ctl offload flows --json >"$dir/states"
	expect grep -q 'bond0 has no slave that takes packets' "$dir/states"
	exact "no slaves"
	enslave bond0 "$s0" "$s1"
	streams_on
	eventually all_in "$state"
	expect bound "$s0" "$s1"
	streams_off
	exact "slaves again"

	step "what others do heals"
	tc filter del block "$(block_of "$s0")"
	eventually all_rules "$s0"
	eventually all_in "$state"
	tc qdisc del dev "$s0" clsact
	eventually bound "$s0" "$s1"
	eventually all_in "$state"

	step "offload off: the rules and the block's qdiscs go"
	vsctl set Open_vSwitch . other_config:hw-offload=false
	eventually all_in software
	equal "$(tc filter show dev "$s0" ingress | grep -c cookie)" 0 "rules that are left"
	vsctl remove Open_vSwitch . other_config hw-offload
	eventually all_in "$state"

	step "a slave with a qdisc of somebody else's is left alone, and said"
	ip link set dev "$s1" nomaster
	eventually unbound "$s1"
	tc qdisc add dev "$s1" clsact
	enslave bond0 "$s1"
	eventually grep -q "$s1 has a clsact qdisc of somebody else's" "$dir/shuntd.log"
	expect unbound "$s1"
	expect all_rules "$s0"
	streams_on
	sleep 0.5
	streams_off
	exact "one slave is the datapath's"
}
