#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Connections between software and a NIC, with NAT, while traffic runs: offload off and on again, connections that were there
# before, their ends, entries that age; no packet is lost, none is counted twice, and each that is not in hardware has its reason.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"
needs_two_passes

nic 2
sysctl -qw net.netfilter.nf_conntrack_acct=1
start_shuntd
system_bridge br0
vsctl add-port br0 nr0 -- set Interface nr0 ofport_request=1 -- add-port br0 nr1 -- set Interface nr1 ofport_request=2
ip -n a route add 10.9.9.9/32 dev eth0
ip -n a neigh replace 10.9.9.9 lladdr "$(in_host b cat /sys/class/net/eth0/address)" dev eth0
# a reaches b as 10.9.9.9; port 21 with a helper; the mark tells what has been let through.
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=110,udp,in_port=1,ct_state=-trk,actions=ct(zone=5,nat,table=1)
table=0,priority=110,udp,in_port=2,ct_state=-trk,actions=ct(zone=5,nat,table=1)
table=0,priority=100,ip,ct_state=-trk,actions=ct(zone=5,nat,table=1)
table=1,priority=20,in_port=1,tcp,tcp_dst=21,ct_state=+trk+new,actions=ct(commit,zone=5,alg=ftp,nat(dst=10.0.0.2)),2
table=1,priority=10,in_port=1,ip,ct_state=+trk+new,actions=ct(commit,zone=5,nat(dst=10.0.0.2)),2
table=1,priority=10,in_port=1,ip,ct_state=+trk+est,actions=2
table=1,priority=10,in_port=2,ip,ct_state=+trk+new,actions=drop
table=1,priority=10,in_port=2,ip,ct_state=+trk+est,actions=1
FLOWS

# Answers what it is told: tcp and udp.
(exec ip netns exec b python3 -) <<-'END' &
	import selectors, socket
	sel = selectors.DefaultSelector()
	u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	u.bind(("", 7))
	sel.register(u, 1)
	for port in (7, 21):
	    s = socket.create_server(("", port))
	    sel.register(s, 1)
	while True:
	    for key, _ in sel.select():
	        s = key.fileobj
	        if s is u:
	            data, who = s.recvfrom(2000)
	            s.sendto(data, who)
	        elif s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
	            sel.register(s.accept()[0], 1)
	        else:
	            try:
	                data = s.recv(65536)
	            except ConnectionResetError:
	                data = b""
	            if data:
	                s.sendall(data)
	            else:
	                sel.unregister(s)
	                s.close()
END
eventually in_host b bash -c 'ss -Hltn sport = :7 | grep -q .'

cat >"$dir/talk.py" <<'END'
# tcp|udp DIR: words there and back, 20 a second, while DIR/go is there and DIR/quiet is not; then DIR/end says how to end: fin or
# rst.  Says how many words it was; a datagram that is lost is its failure.
import os, socket, struct, sys, time
kind, d = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(30)
s.connect(("10.9.9.9", 7))
n = 0
while os.path.exists(d + "/go"):
    if not os.path.exists(d + "/quiet"):
        word = b"%08d" % n * 50
        s.sendall(word)
        got = b""
        while len(got) < len(word):
            got += s.recv(len(word) - len(got))
        assert got == word, (n, got)
        n += 1
    time.sleep(0.05)
if kind == "tcp":
    if open(d + "/end").read().strip() == "rst":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
print(n)
END
talkers=()
begins() { # KIND NAME
	mkdir "$dir/$2"
	touch "$dir/$2/go"
	echo fin >"$dir/$2/end"
	(exec ip netns exec a python3 "$dir/talk.py" "$1" "$dir/$2") >"$dir/$2/words" 2>&1 &
	talkers+=("$!")
}
ends() { # PID NAME
	rm "$dir/$2/go"
	wait "$1" || fail "$2: $(<"$dir/$2/words")"
}

# What the switch says of its connections: a number, or of a reason how many.
look() { ctl offload connections --json >"$dir/connections"; }
conns() { # PYTHON about d, the datapath, and r, the reasons' connections
	look && python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))["datapaths"][0]
r = {x["reason"]: x["connections"] for x in d["reasons"]}
assert d["connections"] == d["hardware"] + sum(r.values())
sys.exit(not eval(sys.argv[2]))' "$dir/connections" "$1"
}
on_fail() {
	ctl offload connections || true
	cat /proc/net/nf_conntrack || true
	cat "$dir"/*/words || true
}

step "established connections come into the NIC, and its own list has them"
begins tcp one
begins udp two
eventually conns 'd["hardware"] == 2 and d["zones"] == [{"zone": 5, "in_hardware": True, "connections": 2, "hardware": 2}]'
one_each_way() { [[ $(nic_info connections) == 4 ]]; }
eventually one_each_way
expect test "$(grep -c 'HW_OFFLOAD' /proc/net/nf_conntrack)" = 2
equal "$(curl -sf http://127.0.0.1:9310/metrics | grep -c 'shunt_offload_connections{datapath="system",reason="')" 9 "reasons in the metrics"

step "off and on, while they talk"
vsctl set Open_vSwitch . other_config:hw-offload=false
eventually conns 'd["hardware"] == 0 and r == {"zone": 2}'
equal "$(nic_info connections)" 0 "connections in the NIC"
vsctl set Open_vSwitch . other_config:hw-offload=true
eventually conns 'd["hardware"] == 2'

step "a connection that was there before"
sysctl -qw net.netfilter.nf_flowtable_tcp_timeout=2
vsctl set Open_vSwitch . other_config:hw-offload=false
eventually conns 'd["hardware"] == 0'
begins tcp three
eventually conns 'd["connections"] == 3 and r == {"zone": 3}'
vsctl set Open_vSwitch . other_config:hw-offload=true
eventually conns 'd["hardware"] == 3'

step "entries age, and come back with the next packets"
touch "$dir/three/quiet"
eventually conns 'd["hardware"] == 2 and r == {"waiting": 1}'
rm "$dir/three/quiet"
eventually conns 'd["hardware"] == 3'
sysctl -qw net.netfilter.nf_flowtable_tcp_timeout=30

step "ends: with FIN and with RST"
ends "${talkers[2]}" three
eventually conns 'd["hardware"] == 2'
echo rst >"$dir/one/end"
ends "${talkers[0]}" one
eventually conns 'd["hardware"] == 1'

step "each that stays out has its reason"
in_host a ping -q -c 2 -i 0.2 10.9.9.9 >/dev/null
eventually conns '"protocol" in r'
(exec ip netns exec a python3 -c 'import socket, time; s = socket.create_connection(("10.9.9.9", 21)); s.sendall(b"USER x\r\n"); time.sleep(100)') &
helped=$!
eventually conns '"helper" in r'
kill "$helped"

step "each word was counted once, there and back"
ends "${talkers[1]}" two
words=$(($(<"$dir/two/words")))
expect test "$words" -gt 100
all_counted() { # by OpenFlow, each way
	[[ $(packets table=0,udp,in_port=1) == "$words" && $(packets table=0,udp,in_port=2) == "$words" ]]
}
eventually all_counted
# The kernel's own count of the connection has what software saw and what the NIC told of its entries while they were there.
by_kernel() { # DIRECTION
	ovs-dpctl dump-conntrack -s | grep '^udp' | grep -o 'packets=[0-9]*' | sed -n "$1s/packets=//p"
}
for way in 1 2; do
	n=$(by_kernel $way)
	echo "$words datagrams, of which the kernel counted $n"
	((n <= words && n * 10 >= words * 7)) || fail "the kernel counts $n"
done
stop_shuntd
