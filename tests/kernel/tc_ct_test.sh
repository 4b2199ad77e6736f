#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenFlow's ct with NAT, passes behind it, MPLS and groups in TC's software: connections live, all flows are in TC as Shunt and
# as iproute2 tell, and each packet is counted once.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
needs_two_passes

cat >"$dir/serve.py" <<'END'
import socket
server = socket.create_server(("0.0.0.0", 7000))
while True:
    c, _ = server.accept()
    while data := c.recv(100):
        c.sendall(b"hello from " + data)
    c.close()
END
cat >"$dir/talk.py" <<'END'
# ADDRESS SECONDS: one connection with many questions, each of which is answered in time.
import socket, sys, time
c = socket.create_connection((sys.argv[1], 7000), float(sys.argv[2]))
for i in range(30):
    c.sendall(b"me")
    assert c.recv(100) == b"hello from me"
    time.sleep(0.1)
END
serve() { # HOST
	in_host "$1" python3 "$dir/serve.py" &
	eventually in_host "$1" bash -c 'ss -Hltn sport = :7000 | grep -q .'
}
talks() { in_host "$1" python3 "$dir/talk.py" "$2" "${3:-60}"; } # HOST ADDRESS [SECONDS]
# There are flows at both ports, and all of them are in TC.
all_in_tc() {
	ctl offload flows --json | python3 -c '
import json, sys
sys.exit({(f["port"], f["state"]) for f in json.load(sys.stdin)} != {("pa", "tc"), ("pb", "tc")})'
}
# Some rule of TC at the port has each of the texts, and has seen packets.
rule_says() { # PORT TEXT…
	tc -s filter show dev "$1" ingress | python3 -c '
import re, sys
rules = re.split(r"(?m)^filter .*handle", sys.stdin.read())
sys.exit(not any(re.search(r"Sent \d+ bytes [1-9]", r) and all(w in r for w in sys.argv[1:]) for r in rules))' "${@:2}"
}
# A connection lives, and while it does its flows are in TC.
lives_in_tc() { # HOST ADDRESS
	talks "$1" "$2" &
	local talking=$!
	eventually all_in_tc
	wait $talking || fail "the connection did not live"
}
same() { [[ $(packets "$1") == "$(packets "$2")" ]]; }

start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
host a 10.0.0.1/24
host b 10.0.0.2/24
n=0
for p in pa pb; do
	n=$((n + 1))
	vsctl add-port br0 $p -- set Interface $p ofport_request=$n other_config:offload=tc
done
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
lives_in_tc a 10.0.0.2
expect_not talks b 10.0.0.1 2
expect rule_says pa 'ct zone 0' 'goto chain'
expect rule_says pa 'ct_state +trk-new+est' 'mirred'
eventually same table=0,ip table=1
some() { (($(packets table=1) > 60)); }
eventually some

step "marks, labels and zones"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,actions=ct(table=1,zone=9)
table=1,priority=20,ip,ct_state=+new,ct_zone=9,in_port=1,actions=ct(commit,zone=9,exec(set_field:0x2a->ct_mark,set_field:0x7->ct_label)),2
table=1,priority=10,ip,ct_state=+est,ct_mark=0x2a,ct_label=0x7,actions=resubmit(,2)
table=2,in_port=1,actions=2
table=2,in_port=2,actions=1
FLOWS
lives_in_tc a 10.0.0.2
expect rule_says pb 'ct_mark 42' 'ct_label'
expect grep -qE 'zone=9.*mark=42.*labels=0x7' <<<"$(ovs-dpctl dump-conntrack zone=9)"
eventually same table=0,ip table=1

step "addresses are translated, there and back"
in_host b ip neigh replace 10.0.0.77 lladdr "$(in_host a cat /sys/class/net/eth0/address)" dev eth0
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=ct(commit,zone=3,nat(src=10.0.0.77:5000-5999)),2
table=0,priority=100,ip,in_port=2,actions=ct(zone=3,nat,table=1)
table=1,ip,in_port=2,ct_state=+est+rpl,nw_dst=10.0.0.1,actions=1
FLOWS
lives_in_tc a 10.0.0.2
expect rule_says pa 'ct commit zone 3 nat src' '10.0.0.77'
expect rule_says pb 'ct zone 3 nat' 'goto chain'
eventually same table=0,ip,in_port=2 table=1

step "labels are pushed and taken off, and what lies behind them is looked at"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=push_mpls:0x8847,set_field:7->mpls_label,set_field:3->mpls_tc,resubmit(,1)
table=0,priority=100,ip,in_port=2,actions=1
table=1,mpls,mpls_label=7,actions=pop_mpls:0x0800,resubmit(,2)
table=2,ip,nw_dst=10.0.0.2,actions=dec_ttl,2
FLOWS
lives_in_tc a 10.0.0.2
eventually same table=0,ip,in_port=1 table=2

step "a group's bucket"
ovs-ofctl -O OpenFlow13 add-group br0 'group_id=1,type=select,bucket=actions=set_field:4->ip_dscp,output:2'
ovs-ofctl -O OpenFlow13 add-group br0 'group_id=2,type=all,bucket=actions=output:1'
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,in_port=1,actions=group:1
table=0,priority=100,ip,in_port=2,actions=group:2
FLOWS
lives_in_tc a 10.0.0.2

stop_shuntd
equal "$(complaints)" "" "the log's complaints"
