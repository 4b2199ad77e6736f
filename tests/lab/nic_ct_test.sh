#!/usr/bin/env bash
# Connections in nicsim: the first packets go through software, where act_ct makes and establishes the connection; what follows goes
# through the NIC, with NAT, and comes back to software for its end.  Plain tc and python's sockets.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=tests/lab/net.sh
. "$(dirname "$0")/net.sh"
# shellcheck source=tests/lab/nic_lib.sh
. "$(dirname "$0")/nic_lib.sh"

nic ports=2
ip -n a route add 10.9.9.9/32 dev eth0
ip -n a neigh replace 10.9.9.9 lladdr "$(mac b)" dev eth0

# a reaches b as 10.9.9.9: destination NAT in zone 5.  Rules are in both, as conntrack needs.
connect_ct() { # WORD…: of the match, which rules of the NIC's chain have too
	rule nr0 ingress protocol ip flower ct_state -trk "$@" action ct zone 5 nat pipe action goto chain 1
	rule nr0 ingress chain 1 prio 1 protocol ip flower ct_state +trk+new action ct commit zone 5 mark 0x11 nat dst addr 10.0.0.2 pipe action mirred egress redirect dev nr1
	rule nr0 ingress chain 1 prio 2 protocol ip flower ct_state +trk+est ct_zone 5 ct_mark 0x11 action mirred egress redirect dev nr1
	rule nr1 ingress protocol ip flower ct_state -trk "$@" action ct zone 5 nat pipe action goto chain 1
	rule nr1 ingress chain 1 prio 2 protocol ip flower ct_state +trk+est+rpl ct_zone 5 action mirred egress redirect dev nr0
}
hits() { awk -v port="$1" '$1 == "port" && $3 == port { print $5 }' $nicsim/n/info; }

# Asks b for N datagrams one after the other, or for N bytes of a stream, and checks what comes.
talk() { # PROTOCOL N
	local patience=$((20 * ${SHUNT_PATIENCE:-1}))
	rm -f "$TMPDIR/ready"
	in_host b python3 - "$1" "$2" "$TMPDIR/ready" $patience <<-'END' &
	import socket, sys
	def ready():
	    open(sys.argv[3], "w").close()
	n = int(sys.argv[2])
	if sys.argv[1] == "udp":
	    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    s.bind(("", 7))
	    s.settimeout(float(sys.argv[-1]))
	    ready()
	    for i in range(n):
	        data, who = s.recvfrom(2000)
	        s.sendto(data, who)
	else:
	    s = socket.create_server(("", 7))
	    s.settimeout(float(sys.argv[-1]))
	    ready()
	    c, _ = s.accept()
	    while n:
	        data = c.recv(65536)
	        n -= len(data)
	        c.sendall(data)
	    c.close()
	END
	local peer=$!
	until [[ -e $TMPDIR/ready ]]; do sleep 0.1; done
	in_host a python3 - "$1" "$2" $patience <<-'END' || fail "no answer over $1"
	import socket, sys, time
	n = int(sys.argv[2])
	udp = sys.argv[1] == "udp"
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
	s.settimeout(float(sys.argv[-1]))
	s.connect(("10.9.9.9", 7))
	for i in range(n if udp else n // 1000):
	    word = b"%08d" % i * 125
	    s.sendall(word)
	    got = b""
	    while len(got) < 1000:
	        got += s.recv(1000 - len(got))
	    assert got == word
	    if i < 5:
	        time.sleep(0.2)  # connections come to the NIC from a work queue
	END
	wait $peer
}

step "rules that the NIC takes, and those that it leaves to software"
connect_ct
equal "$(in_hw nr0) $(in_hw nr1)" "2/3 2/2" "rules in hardware"
refused "committed in software" nr0 ingress chain 2 protocol ip flower skip_sw action ct commit zone 5 pipe action mirred egress redirect dev nr1
refused "only trk, est and rpl" nr0 ingress chain 2 protocol ip flower skip_sw ct_state +trk+new action mirred egress redirect dev nr1

for protocol in udp tcp; do
	step "$protocol: established connections are the NIC's"
	before=$(hits pf0vf0)
	if [[ $protocol == udp ]]; then talk udp 60; else talk tcp 200000; fi
	now=$(hits pf0vf0)
	text=$(tc -s filter show dev nr0 ingress chain 1 prio 2)
	[[ $text =~ Sent\ hardware\ [0-9]+\ bytes\ ([0-9]+)\ pkt ]] || fail "nothing in hardware: $text"
	((BASH_REMATCH[1] >= 40)) || fail "only ${BASH_REMATCH[1]} packets in hardware: $text"
	((now - before >= 40)) || fail "the port's rules took $((now - before)) frames"
	[[ $(grep -c 'zone=5' /proc/net/nf_conntrack) -ge 1 ]] || fail "no connection in zone 5"
done
text=$(grep 'zone=5' /proc/net/nf_conntrack)
[[ $text == *"dst=10.9.9.9"*"src=10.0.0.2"*"mark=17"* ]] || fail "not NAT: $text"

step "exact: what software and NIC count of udp adds up"
disconnect 1
connect_ct ip_proto udp
talk udp 50
sum() { tc -s -j filter show dev "$1" ingress chain 0 | python3 -c '
import json, sys
print(sum(f["options"]["actions"][0]["stats"]["packets"] for f in json.load(sys.stdin) if "options" in f and "actions" in f["options"]))'; }
equal "$(sum nr0) $(sum nr1)" "50 50" "packets of the first rules"

step "a reset forgets connections, and software carries on"
talk udp 20 # the one before may be too long ago
(($(info connections) > 0)) || fail "no connection in the NIC"
for ((i = 0; i < 10; i++)); do # a work queue may still be at adding some
	command forget all
	[[ $(info connections) != 0 ]] || break
	sleep 0.2
done
equal "$(info connections)" 0
talk udp 20

step "with its rules goes the zone"
disconnect 1
equal "$(info rules) $(info connections)" "0 0"
echo ok
