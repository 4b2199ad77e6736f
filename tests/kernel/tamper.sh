# What others may do to our rules in TC, sourced behind tests/kernel/lib.sh.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

one_of_ours() { # DEVICE: "PRIO HANDLE" of a filter for IPv4
	tc filter show dev "$1" ingress protocol ip chain 0 |
		sed -n 's/.*pref \([0-9]*\) .*handle \(0x53[0-9a-f]*\).*/\1 \2/p' | head -n 1
}
remove_one() { # DEVICE
	local prio handle
	read -r prio handle < <(one_of_ours "$1")
	tc filter del dev "$1" ingress protocol ip prio "$prio" handle "$handle" flower
}
remove_priority() { # DEVICE
	local prio handle
	read -r prio handle < <(one_of_ours "$1")
	tc filter del dev "$1" ingress protocol ip prio "$prio"
}
# As it was, but that it drops.
change_one() { # DEVICE
	local prio handle match
	read -r prio handle < <(one_of_ours "$1")
	read -ra match < <(tc filter show dev "$1" ingress protocol ip chain 0 | awk -v h="handle $handle" '/ handle / { on = index($0, h) }
		on && /^  (dst_mac|src_mac|src_ip|dst_ip|ip_flags|ip_proto|ip_ttl|ip_tos) / { printf "%s %s ", $1, $2 } END { print "" }')
	tc filter replace dev "$1" ingress protocol ip prio "$prio" handle "$handle" flower "${match[@]}" action drop
}
# The chain of the second pass, with all that is in it.
second_chain() { tc chain show dev "$1" ingress | grep -o 'chain [1-9][0-9]*' | grep -v 268435455 | head -n 1; } # DEVICE: "chain N"; the last is where rules leave (tc/leave.c)
remove_chain() { # DEVICE
	local chain
	chain=$(second_chain "$1")
	# shellcheck disable=SC2086 # two words
	tc chain del dev "$1" ingress $chain
}
# A second pass behind a label of MPLS for what goes from a port to another.
two_pass_flows() { # PORT PORT
	ofctl add-flow br0 "priority=30,ip,in_port=$1,actions=push_mpls:0x8847,resubmit(,9)"
	ofctl add-flow br0 "table=9,mpls,actions=pop_mpls:0x0800,resubmit(,8)"
	ofctl add-flow br0 "table=8,ip,nw_dst=10.0.0.2,actions=output:$2"
}
