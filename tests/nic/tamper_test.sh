#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole switch with its flows in a NIC: where they are, by everybody's word; what others and the NIC itself do to them, which is
# noticed, said and put right; offload that goes off, live.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"
# shellcheck source=tests/kernel/tamper.sh
. "${srcdir:-.}/tests/kernel/tamper.sh"

rules() { tc filter show dev "$1" ingress | grep -c cookie || true; }
states() { ctl offload flows --json | grep -o '"state": *"[a-z]*"' | grep -o '[a-z]*"$' | tr -d '"' | sort -u; }
# By shuntctl, by iproute2 and by the NIC.
in_nic() {
	[[ $(states) == hardware && $(rules nr0) -ge 1 && $(rules nr1) -ge 1 &&
		$(tc filter show dev nr0 ingress | grep -cw in_hw) -ge $(rules nr0) && $(nic_rules) -ge 2 ]] &&
		! tc filter show dev nr0 ingress | grep -A1 cookie | grep -qw not_in_hw
}
event() { # NAME: how often the provider told of such
	curl -sf http://127.0.0.1:9310/metrics |
		awk -v e="event=\"$1\"" '/^shunt_offload_events_total/ && index($0, e) { s += $NF } END { print s + 0 }'
}
# It is noticed (metric, log), and everything is in the NIC again, while the traffic goes on.
heals() { # EVENT BEFORE
	local now
	noticed() { now=$(event "$1") && ((now > $2)); }
	eventually noticed "$1" "$2"
	expect grep -q "$1 ([0-9]*): put right" "$dir/shuntd.log"
	eventually in_nic
	expect reaches a 10.0.0.2
}

nic 2 table=100
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
for p in nr0 nr1; do vsctl add-port br0 "$p"; done
ip netns exec a ping -q -i 0.05 10.0.0.2 >/dev/null & # itself, to be stopped
traffic=$!

step "flows are in the NIC"
eventually in_nic
expect reaches a 10.0.0.2

step "what others have there stays theirs"
tc filter add dev nr0 ingress prio 7 protocol 0x88cc flower skip_sw action drop
foreign() { [[ $(tc filter show dev nr0 ingress | grep -c 'pref 7 flower.*handle 0x1') == 1 ]]; }
expect foreign

step "a filter of ours is removed"
was=$(event rule_gone)
remove_one nr0
heals rule_gone "$was"
expect grep -q 'somebody removed a filter' <<<"$(ctl offload why port=nr0)"

step "one is changed"
was=$(event rule_altered)
change_one nr0
heals rule_altered "$was"

step "a whole priority of them, the qdisc"
was=$(event rules)
remove_priority nr0
heals rules "$was"
expect foreign
was=$(event rules)
tc qdisc del dev nr1 clsact
heals rules "$was"

if two_passes; then
	step "a chain with the second pass in it"
	two_pass_flows nr0 nr1
	has_chain() { [[ -n $(second_chain nr0) ]] && ctl offload flows --json | grep -q '"match": "recirc_id(0x'; }
	eventually has_chain
	eventually in_nic
	was=$(event rules)
	remove_chain nr0
	heals rules "$was"
	eventually has_chain
	ofctl del-flows br0 "ip,in_port=nr0"
	eventually in_nic
fi

step "the NIC forgets a rule without a word: the kernel's software takes its packets, which is seen"
was=$(event rule_gone)
nic_command forget all
heals rule_gone "$was"

step "its counters stand still while it switches: nobody can tell, so nothing is done, and they catch up"
eventually in_nic
kill -STOP $traffic
was=$(event rule_gone)
before=$(packets '')
nic_command mute 1
in_host a ping -q -c 200 -i 0.02 10.0.0.2 >/dev/null
expect in_nic
nic_command mute 0
caught_up() { (($(packets '') >= before + 400)); }
eventually caught_up
equal "$(event rule_gone)" "$was" "rules that were taken for lost"
kill -CONT $traffic

step "offload goes off, live: ours go, theirs stay"
vsctl set Interface nr0 other_config:hw-offload=false
no_rules() { [[ $(rules "$1") == 0 ]]; }
eventually no_rules nr0
expect foreign
vsctl set Open_vSwitch . other_config:hw-offload=false
eventually no_rules nr1
expect foreign
expect reaches a 10.0.0.2
vsctl set Open_vSwitch . other_config:hw-offload=true -- remove Interface nr0 other_config hw-offload
eventually in_nic
stop_shuntd
