# What tests on nicsim stand on, sourced after net.sh: a NIC with two functions in hosts a and b and a wire to host w.
# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0

nicsim=/sys/kernel/debug/nicsim
[[ -e $nicsim/control ]] || skip "the module nicsim is not loaded: make check-nic"

# The NIC n: its wire in host w (10.0.0.9), its functions in a (10.0.0.1) and b (10.0.0.2); its host devices are up and have a
# qdisc for rules.
nic() { # OPTION…
	echo "add n $*" >$nicsim/control
	move_in nw w 10.0.0.9/24
	move_in nv0 a 10.0.0.1/24
	move_in nv1 b 10.0.0.2/24
	neighbours a 10.0.0.1 b 10.0.0.2
	neighbours a 10.0.0.1 w 10.0.0.9
	neighbours b 10.0.0.2 w 10.0.0.9
	local device
	for device in n nr0 nr1; do ip link set dev "$device" up; done
	ingress n nr0 nr1
}
command() { echo "$*" >$nicsim/n/command; }
info() { awk -v name="$1" '$1 == name { print $2 }' $nicsim/n/info; }
# Number of the rule whose line has a text.
rule_number() { awk -v text="$1" 'index($0, text) { print $1 }' $nicsim/n/rules; }
rule() { tc filter add dev "$@"; }
# A rule is refused, and tc says why.
refused() { # TEXT RULE…
	local text
	if text=$(tc filter add dev "${@:2}" 2>&1); then fail "was taken: ${*:2}"; fi
	[[ $text == *"$1"* ]] || fail "not \"$1\" but: $text"
}
# Rules between two hosts, both ways, in the NIC alone.
connect() { # [WORD…]: of the match, both ways
	rule nr0 ingress protocol ip flower skip_sw "$@" action mirred egress redirect dev nr1
	rule nr1 ingress protocol ip flower skip_sw "$@" action mirred egress redirect dev nr0
}
# All rules of chain 0 and of others, which must be named.
disconnect() { # [CHAIN…]
	local device chain
	for device in n nr0 nr1; do
		for chain in 0 "$@"; do tc filter del dev "$device" ingress chain "$chain"; done
	done
}
in_hw() { # DEVICE: rules in hardware of all
	tc filter show dev "$1" ingress | awk '/ handle / { n++ } /in_hw_count/ { y++ } END { print y + 0 "/" n + 0 }'
}
