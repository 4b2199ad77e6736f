#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Real programs through the whole switch with their flows in a NIC: plain, with tags, by groups.  Where the packets went is asked of
# shuntctl, of TC's counters (iproute2) and of the kernel's datapath (ovs-dpctl).
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"

nic 3 table=100
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
for n in 1 2 3; do vsctl add-port br0 nr$((n - 1)) -- set Interface nr$((n - 1)) ofport_request=$n; done
serve
know_each_other

step "a learning switch: all of ping and TCP is in the NIC"
expect reaches a 10.0.0.2
for p in nr0 nr1; do eventually has_flow hardware $p 'eth_type(0x0800)'; done
by_nic 20 100 ping20
by_nic 100 100 tcp

step "the NIC takes no samples, and says so: the datapath does"
vsctl --id=@s create sFlow agent=127.0.0.1 'targets="127.0.0.1:6343"' sampling=1 polling=0 -- set Bridge br0 sflow=@s >/dev/null
sampled_by_datapath() { [[ $(ctl offload flows reason=action) == *sample* ]]; }
not_sampled() { reaches a 10.0.0.2 && sampled_by_datapath; }
eventually not_sampled
for p in nr0 nr1; do eventually_not has_flow hardware $p 'eth_type(0x0800)'; done
vsctl clear Bridge br0 sflow
for p in nr0 nr1; do eventually has_flow hardware $p 'eth_type(0x0800)'; done

step "tags: an access port and a trunk"
vsctl set Port nr0 tag=7 -- set Port nr1 trunks=7
ip -n b link add link eth0 name v7 type vlan id 7
ip -n b addr flush dev eth0
ip -n b addr add 10.0.0.2/24 dev v7
ip -n b link set v7 up
know_each_other v7
eventually reaches a 10.0.0.2
eventually has_flow hardware nr0 'push_vlan(vid=7'
eventually has_flow hardware nr1 'pop_vlan'
by_nic 20 100 ping20
by_nic 100 100 tcp
expect grep -q 'vlan  push id 7' <<<"$(tc filter show dev nr0 ingress)"
expect grep -q 'vlan  pop' <<<"$(tc filter show dev nr1 ingress)"
vsctl clear Port nr0 tag -- clear Port nr1 trunks
ip -n b link del v7
ip -n b addr add 10.0.0.2/24 dev eth0
know_each_other

step "a group that selects, one that copies"
ovs-ofctl -O OpenFlow13 add-group br0 \
	'group_id=1,type=select,bucket=actions=set_field:4->ip_dscp,output:2,bucket=actions=set_field:8->ip_dscp,output:2'
ovs-ofctl -O OpenFlow13 add-group br0 'group_id=2,type=all,bucket=actions=output:1,bucket=actions=output:3'
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=group:1
table=0,priority=100,ip,in_port=2,actions=group:2
FLOWS
eventually reaches a 10.0.0.2
eventually has_flow hardware nr1 'nr0,nr2'
copies() { in_host c cat /sys/class/net/eth0/statistics/rx_packets; }
copied=$(copies)
by_nic 100 80 tcp
expect test $(($(copies) - copied)) -ge 100
expect has_flow hardware nr0 'set(ipv4(tos='
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
