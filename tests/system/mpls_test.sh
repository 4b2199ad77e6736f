#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What lies behind a popped MPLS stack is matched and changed: the packets go round the datapath a second time, and every one is counted in
# each table that it met.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
vsctl add-br br0 -- add-br br1
ip link add t0 type veth peer name t1
ip link set t0 up
ip link set t1 up
for n in 1 2; do host "h$n" "10.0.0.$n/24"; done
vsctl add-port br0 ph1 -- add-port br0 t0 -- add-port br1 t1 -- add-port br1 ph2
flow() { ovs-ofctl -O OpenFlow13 add-flow "$@"; }

# br0 labels what h1 sends; br1 takes the labels off and looks at what came up: at the addresses, and at the TTL, which it counts down.
ovs-ofctl del-flows br0
ovs-ofctl del-flows br1
flow br0 'arp,actions=normal'
flow br0 'in_port=ph1,ip,actions=push_mpls:0x8847,set_field:7->mpls_label,push_mpls:0x8847,set_field:8->mpls_label,output:t0'
flow br0 'in_port=t0,ip,actions=output:ph1'
flow br1 'arp,actions=normal'
flow br1 'in_port=ph2,ip,actions=output:t1'
flow br1 'in_port=t1,mpls,mpls_label=8,actions=pop_mpls:0x8847,goto_table:1'
flow br1 'table=1,mpls,mpls_label=7,actions=pop_mpls:0x0800,goto_table:2'
flow br1 'table=2,ip,nw_dst=10.0.0.2,actions=dec_ttl,output:ph2'
flow br1 'table=2,priority=0,actions=drop'

expect reaches h1 10.0.0.2
ovs-ofctl -O OpenFlow13 mod-flows br1 'table=1,mpls,mpls_label=7,actions=pop_mpls:0x0800,goto_table:2' # the counters stay
before=$(ovs-ofctl -O OpenFlow13 dump-flows br1 table=2,ip | grep -o 'n_packets=[0-9]*')
whole_stream h1 10.0.0.2 500 0.004
after=$(ovs-ofctl -O OpenFlow13 dump-flows br1 table=2,ip | grep -o 'n_packets=[0-9]*')
equal "$((${after#*=} - ${before#*=}))" 500 "packets in table 2"
for t in 0 1; do
	equal "$(ovs-ofctl -O OpenFlow13 dump-flows br1 table=$t,mpls | grep -o 'n_packets=[0-9]*')" "$after" "packets in table $t"
done
flows=$(ovs-appctl -t shuntd dpctl/dump-flows)
expect grep -qE 'pop_mpls\(eth_type=0x800\),recirc\(0x[0-9a-f]+\)' <<<"$flows"
expect grep -qE 'recirc_id\(0x[0-9a-f]+\).*dst=10\.0\.0\.2' <<<"$flows"
expect grep -qE '^recirc\(0x' <<<"$(ovs-appctl -t shuntd ofproto/trace br1 in_port=t1,mpls,mpls_label=8,mpls_bos=0,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02)"

# Both passes follow a change of the tables.
flow br1 'table=2,ip,nw_dst=10.0.0.2,actions=drop'
eventually_not reaches h1 10.0.0.2
flow br1 'table=2,ip,nw_dst=10.0.0.2,actions=output:ph2'
eventually reaches h1 10.0.0.2
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
