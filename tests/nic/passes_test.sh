#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What takes two passes, in a NIC: what lies behind a label that is popped, and connections whose address is translated.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"
needs_two_passes

nic 2 table=100
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
for n in 1 2; do vsctl add-port br0 nr$((n - 1)) -- set Interface nr$((n - 1)) ofport_request=$n; done
serve
know_each_other

step "labels that are pushed and taken off, and a second pass behind them"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=push_mpls:0x8847,set_field:7->mpls_label,resubmit(,1)
table=0,priority=100,ip,in_port=2,actions=1
table=1,mpls,mpls_label=7,actions=pop_mpls:0x0800,resubmit(,2)
table=2,ip,nw_dst=10.0.0.2,actions=dec_ttl,2
FLOWS
eventually reaches a 10.0.0.2
eventually has_flow hardware nr0 'push_mpls'
eventually has_flow hardware nr0 'set(ipv4(ttl=63)),nr1'
eventually has_flow hardware nr1 'nr0'
by_nic 20 100 ping20
by_nic 100 95 tcp
expect grep -q 'mpls  push' <<<"$(tc filter show dev nr0 ingress chain 0)"
expect grep -q 'goto chain' <<<"$(tc filter show dev nr0 ingress chain 0)"

step "connections with a translated address, in both directions"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,actions=ct(zone=3,nat,table=1)
table=1,in_port=1,ip,ct_state=+trk+new,actions=ct(commit,zone=3,nat(src=10.0.0.77)),2
table=1,in_port=1,ip,ct_state=+trk+est,actions=2
table=1,in_port=2,ip,ct_state=+trk+est,nw_dst=10.0.0.1,actions=1
FLOWS
expect in_host a iperf3 -c 10.0.0.2 -n 10K # so that there are rules
for p in nr0 nr1; do eventually has_flow hardware $p 'ct(zone=3,nat)'; done
eventually has_flow hardware nr0 'ct_state(-new+est'
eventually has_flow hardware nr1 'ct_state(-new+est'
by_nic 100 80 tcp
expect grep -q '10.0.0.77' <<<"$(ovs-dpctl dump-conntrack zone=3)"
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
