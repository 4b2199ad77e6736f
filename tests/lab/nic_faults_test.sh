#!/usr/bin/env bash
# nicsim is wrong on command: rules that are forgotten or altered, counters that lag or stay silent, insertions that fail or take
# time, a reset.  Each is seen with plain tc, as whoever looks after a NIC would see it.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=tests/lab/net.sh
. "$(dirname "$0")/net.sh"
# shellcheck source=tests/lab/nic_lib.sh
. "$(dirname "$0")/nic_lib.sh"

nic ports=2
both() { expect pings a 10.0.0.2 "$1"; }
packets() { rule_packets nr0; }

step "mute: rules carry frames and their counters stand still; then they catch up"
connect
command mute 1
both 4
equal "$(packets)" 0 "packets told"
command mute 0
equal "$(packets)" 4 "packets told"

step "lag: a reading is good for so long"
command lag 60000
both 3
equal "$(packets)" 4 "packets told"
command lag 0
equal "$(packets)" 7 "packets told"
disconnect

step "forget: the rule is in hardware for TC, and frames come up at the host"
connect
command forget "$(rule_number 'pf0vf0 chain 0')"
expect_not pings a 10.0.0.2 1
equal "$(in_hw nr0)" "1/1" "rules in hardware"
equal "$(cat /sys/class/net/nr0/statistics/rx_packets)" 8 "frames of the port"
equal "$(awk '/pf0vf0/ { print $5 }' $nicsim/n/info)" 7 "frames that rules took"
disconnect
equal "$(info rules)" 0 "rules after their removal"

step "alter: frames leave by another port"
connect
command alter "$(rule_number 'pf0vf0 chain 0')"
before=$(cat /sys/class/net/n/statistics/tx_packets)
expect_not pings a 10.0.0.2 1
equal "$(($(cat /sys/class/net/n/statistics/tx_packets) - before))" 1 "frames at the wire"
equal "$(packets)" 1 "packets that the rule counts all the same"
disconnect

step "fail, slow"
command fail 1
refused "Cannot allocate memory" nr0 ingress protocol ip flower skip_sw action drop
command slow 300000
started=${EPOCHREALTIME/./}
rule nr0 ingress protocol ip flower skip_sw action drop
((${EPOCHREALTIME/./} - started >= 300000)) || fail "not slow"
command slow 0
disconnect

step "reset: links go down and up, rules are gone without TC knowing"
connect
link_says() { # TEXT: within ten seconds
	local i
	for ((i = 0; i < 100; i++)); do
		[[ $(ip link show dev nr0) == *"$1"* ]] && return
		sleep 0.1
	done
	fail "the link never said $1"
}
command reset
link_says NO-CARRIER
link_says LOWER_UP
equal "$(cat /sys/class/net/nr0/carrier)" 1 "carrier"
equal "$(in_hw nr0)" "1/1" "rules in hardware"
expect_not pings a 10.0.0.2 1
disconnect
connect
both 1
disconnect

step "what it does not understand, it refuses"
for words in "forget 99" "forget" "table" "lag x" "refuse nothing" "nonsense" ""; do
	if command "$words" 2>/dev/null; then fail "took: $words"; fi
done
for words in "add" "add n" "add m ports=1000" "add m colour=1" "add averylongname" "del m" "nonsense n"; do
	if echo "$words" 2>/dev/null >$nicsim/control; then fail "took: $words"; fi
done
echo ok
