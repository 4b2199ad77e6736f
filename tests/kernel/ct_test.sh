#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenFlow's ct, clone, check_pkt_larger and passes behind a popped label, with the kernel doing the work.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

# TCP to a port of a host, which answers what it gets.
serve() { # HOST
	in_host "$1" python3 -c '
import socket
s = socket.create_server(("0.0.0.0", 7000))
while True:
    c, _ = s.accept()
    c.sendall(b"hello from " + c.recv(100))
    c.close()' &
	eventually in_host "$1" bash -c 'ss -Hltn sport = :7000 | grep -q .'
}
talks() { # HOST ADDRESS [SECONDS]
	in_host "$1" python3 -c '
import socket, sys
c = socket.create_connection((sys.argv[1], 7000), float(sys.argv[2]))
c.sendall(b"me")
assert c.recv(100) == b"hello from me"' "$2" "${3:-30}"
}

start_shuntd
system_bridge br0
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-port br0 pa -- set Interface pa ofport_request=1 -- add-port br0 pb -- set Interface pb ofport_request=2
serve a
serve b

step "a firewall with memory: a may call b, b may only answer"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)
table=1,in_port=1,ip,ct_state=+trk+new,actions=ct(commit),2
table=1,in_port=1,ip,ct_state=+trk+est,actions=2
table=1,in_port=2,ip,ct_state=+trk+new,actions=drop
table=1,in_port=2,ip,ct_state=+trk+est,actions=1
FLOWS
expect talks a 10.0.0.2
expect_not talks b 10.0.0.1 2
expect reaches a 10.0.0.2
expect grep -q 'src=10.0.0.1,dst=10.0.0.2' <<<"$(ovs-dpctl dump-conntrack)"
expect grep -qE 'actions:ct,recirc\(0x[0-9a-f]+\)' <<<"$(ovs-dpctl dump-flows)"

step "each packet is counted once in each table"
same_tables() { [[ $(packets table=0,ip) == "$(packets table=1)" ]]; }
eventually same_tables
expect test "$(packets table=1,in_port=2)" -gt 5

step "marks, labels and zones: what is committed is found again"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,actions=load:9->NXM_NX_REG3[0..15],ct(table=1,zone=NXM_NX_REG3[0..15])
table=1,priority=20,ip,ct_state=+new,ct_zone=9,in_port=1,actions=ct(commit,zone=9,exec(set_field:0x2a->ct_mark,set_field:0x7->ct_label)),2
table=1,priority=10,ip,ct_state=+est,ct_mark=0x2a,ct_label=0x7,actions=resubmit(,2)
table=2,in_port=1,actions=2
table=2,in_port=2,actions=1
FLOWS
expect talks a 10.0.0.2
expect_not talks b 10.0.0.1 2
expect grep -qE 'zone=9.*mark=42.*labels=0x7' <<<"$(ovs-dpctl dump-conntrack zone=9)"
expect test "$(packets table=2)" -gt 3

step "addresses are translated, there and back"
in_host b ip neigh replace 10.0.0.77 lladdr "$(in_host a cat /sys/class/net/eth0/address)" dev eth0
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=ct(commit,zone=3,nat(src=10.0.0.77:5000-5999)),2
table=0,priority=100,ip,in_port=2,actions=ct(zone=3,nat,table=1)
table=1,ip,in_port=2,ct_state=+est+rpl,nw_dst=10.0.0.1,actions=1
FLOWS
expect talks a 10.0.0.2
expect grep -qE 'reply=\(src=10.0.0.2,dst=10.0.0.77,sport=7000,dport=5[0-9]{3}\)' <<<"$(ovs-dpctl dump-conntrack zone=3)"
expect test "$(packets table=1)" -gt 3

step "a clone's connection is not the packet's; a long packet goes another way than a short one"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=clone(ct(commit,zone=4),ct(zone=4,table=5)),check_pkt_larger(500)->NXM_NX_REG0[1],resubmit(,1)
table=0,priority=100,ip,in_port=2,actions=1
table=1,ip,ct_state=-trk,reg0=0x2/0x2,actions=drop
table=1,ip,ct_state=-trk,reg0=0/0x2,actions=push:NXM_OF_IP_SRC[],pop:NXM_NX_REG2[],resubmit(,2)
table=2,ip,reg2=0x0a000001,actions=2
table=5,ip,ct_state=+trk,actions=drop
FLOWS
expect in_host a ping -q -c 2 -i 0.1 -W 1 -s 100 10.0.0.2
expect_not in_host a ping -q -c 2 -i 0.1 -W 1 -s 1000 10.0.0.2
same_clones() { [[ $(packets table=5) == "$(packets table=0,ip,in_port=1)" && $(packets table=5) == "$(packets table=1)" ]]; }
eventually same_clones

step "what comes up from under a label is matched"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=push_mpls:0x8847,set_field:7->mpls_label,resubmit(,1)
table=0,priority=100,ip,in_port=2,actions=1
table=1,mpls,mpls_label=7,actions=pop_mpls:0x0800,resubmit(,2)
table=2,ip,nw_dst=10.0.0.2,actions=dec_ttl,2
FLOWS
expect reaches a 10.0.0.2
expect test "$(packets table=2)" -ge 3

step "a packet that goes in circles is dropped, and that is said"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,actions=ct(table=0)
FLOWS
expect_not reaches a 10.0.0.2
expect grep -q 'over 8 recirculations' <<<"$(appctl ofproto/trace br0 in_port=1,ip,nw_dst=10.0.0.2)"
counted() { curl -sf http://127.0.0.1:9310/metrics | grep -q '^shunt_translation_errors_total{.*error="too_many_recircs"} [1-9]'; }
eventually counted

step "a controller's copy of a tracked packet shows the connection"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=ct(commit,zone=6),ct(table=1,zone=6)
table=0,priority=100,ip,in_port=2,actions=1
table=1,ip,ct_zone=6,actions=controller,2
FLOWS
ovs-ofctl -O OpenFlow13 monitor br0 65534 >"$dir/monitor" 2>&1 &
monitoring=$!
sleep 0.5
expect reaches a 10.0.0.2
eventually grep -q 'ct_state=.*trk.*ct_zone=6' "$dir/monitor"
kill "$monitoring"
stop_shuntd
equal "$(complaints | grep -v 'in circles\|over 8 recirculations')" "" "the log's complaints"
