# Stop, kill -9 and a newer binary under traffic of 10,000 flows, sourced by tests that bring a bridge's ports of one kind
# (upgrade_tc_test.sh, upgrade_nic_test.sh): no packet is lost, no rule replaced, nothing forgotten; what it takes is printed.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# shellcheck source=tests/kernel/adopt.sh
. "${srcdir:-.}/tests/kernel/adopt.sh"

FLOWS=10000
of13() { ovs-ofctl -O OpenFlow13 "$@"; }

# --- what must not change ---

identities() { # PORT…: places, handles and cookies of the rules, as the kernel tells them
	local port
	for port; do tc -s filter show dev "$port" ingress; done | grep -oE '^filter .* handle [^ ]+|cookie [0-9a-f]+' | sort
}
learned() { appctl fdb/show br0 | awk 'NR > 1 { print $1, $2, $3 }' | sort; }
connections() { # the one that b serves, with its zone, mark and NAT, without what counts or runs
	appctl dpctl/dump-conntrack | grep zone=7 | sed 's/,\(protoinfo\|timeout\).*//' | sort
}
udp_packets() { of13 dump-flows br0 udp | grep -o 'n_packets=[0-9]*' | cut -d= -f2; }
group_packets() { of13 dump-group-stats br0 group_id=1 | grep -oE 'packet_count=[0-9]+' | head -n 1 | cut -d= -f2; }
meter_packets() { of13 meter-stats br0 meter=1 | grep -oE 'packet_in_count:[0-9]+' | cut -d: -f2; }

# --- traffic: every flow in turn, from host a to an address that host b drops ---

streamer() {
	in_host a python3 - "$(mac b)" $FLOWS "$dir/sent" "$dir/stream-end" <<-'END' &
	import os, socket, struct, sys, time
	to, n, report, end = bytes.fromhex(sys.argv[1].replace(":", "")), int(sys.argv[2]), sys.argv[3], sys.argv[4]
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
	s.bind(("eth0", 0))
	ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, 17, 0, bytes((10, 0, 0, 1)), bytes((10, 0, 9, 9)))
	total = sum(struct.unpack("!10H", ip))
	total = (total & 0xffff) + (total >> 16)
	ip = ip[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + ip[12:]
	head = to + s.getsockname()[4] + b"\x08\x00" + ip
	frames = [head + struct.pack("!HHHH", 1024 + i, 9, 26, 0) + bytes(18) for i in range(n)]
	sent, begun = 0, time.monotonic()
	while sent % 1000 or not os.path.exists(end):
	    for f in frames[sent % n:sent % n + 10]:
	        s.send(f)
	    sent += 10
	    ahead = begun + sent / 2000 - time.monotonic()
	    if ahead > 0:
	        time.sleep(ahead)
	    elif ahead < -0.5:  # what was missed is not made up for: the rate stays
	        begun -= ahead
	print(sent, file=open(report, "w"))
	END
	streamer_pid=$!
}
end_stream() { # leaves in udp_sent what was sent
	touch "$dir/stream-end"
	wait "$streamer_pid" || fail "the stream ended badly"
	rm "$dir/stream-end"
	udp_sent=$(<"$dir/sent")
	sleep 2 # and counters are read
}
watch_arrivals() {
	in_host b tc qdisc add dev eth0 clsact
	in_host b tc filter add dev eth0 ingress protocol ip flower ip_proto udp dst_port 9 action drop
}
arrived() { in_host b tc -s filter show dev eth0 ingress | grep -oE 'Sent [0-9]+ bytes [0-9]+ pkt' | head -n 1 | cut -d' ' -f4; }

# --- the switch ---

tables() { # as whoever restores them has them
	of13 add-group br0 "group_id=1,type=select,bucket=output:2,bucket=output:2"
	of13 add-meter br0 meter=1,pktps,band=type=drop,rate=100000
	of13 del-flows br0
	of13 add-flows br0 - <<-END
		priority=10,udp,actions=group:1
		priority=10,icmp,actions=meter:1,normal
		priority=10,tcp,ct_state=-trk,actions=ct(table=1,zone=7)
		priority=0,actions=normal
		table=1,priority=10,tcp,ct_state=+trk+new,actions=ct(commit,zone=7,exec(load:5->NXM_NX_CT_MARK[])),normal
		table=1,priority=10,tcp,ct_state=+trk+est,actions=normal
	END
}
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
placed() { # STATE: how many flows are in it, by the device's own count
	ctl offload status --json | python3 -c 'import json, sys
print(sum(d["flows"][sys.argv[1]] for p in json.load(sys.stdin)["datapaths"] for d in p["devices"]))' "$1"
}
all_placed() { (($(placed "$1") >= FLOWS)); }
checked() { [[ $(unchecked) == 0 ]]; }
# Ends it so, starts it again, restores the tables, as ovs-ctl does at a restart; says how long each took.
over() { # WHAT HOW
	local begun ended up restored back adopted
	vsctl set Open_vSwitch . other_config:flow-restore-wait=true
	former=$((former + $(tier upcall)))
	begun=$(now_ms)
	"$2"
	ended=$(now_ms)
	start_shuntd
	up=$(now_ms)
	adopted=$(unchecked)
	tables
	restored=$(now_ms)
	vsctl remove Open_vSwitch . other_config flow-restore-wait
	eventually checked
	expect reaches c 10.0.0.1
	back=$(now_ms)
	echo "$1: ended in $((ended - begun)) ms, up with $adopted megaflows $((up - ended)) ms later," \
		"tables restored in $((restored - up)) ms, all adopted and a miss answered in $((back - restored)) ms"
}
# The same program under another version, which it tells.
next_version() {
	SHUNTD=$dir/shuntd-next
	python3 - "$PWD/switchd/shuntd" "$SHUNTD" "$("$SHUNTCTL" show --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')" <<-'END'
	import os, sys
	was = sys.argv[3].encode()
	new = b"9" + was[1:]
	program = open(sys.argv[1], "rb").read()
	assert was in program
	open(sys.argv[2], "wb").write(program.replace(was, new))
	os.chmod(sys.argv[2], 0o755)
	END
	stop_shuntd
}

unchanged() { # N: after so many restarts
	kept "$1" || fail "of the log: $(grep 'were kept' "$dir/shuntd.log" | tail -n 1)"
	equal "$(comm -23 <(echo "$rules_before") <(identities "${ports[@]}"))" "" "rules that have gone"
	equal "$(learned)" "$learned_before" "learned addresses"
	equal "$(connections)" "$connections_before" "connections"
	expect all_placed "$state"
}

upgrade_steps() { # STATE
	state=$1 former=0
	local arrived_at counted_at rules_before learned_before connections_before meter_before

	step "$FLOWS flows come into \"$state\""
	appctl vlog/set info >/dev/null || true
	vsctl set Open_vSwitch . other_config:flow-limit=200000 other_config:max-idle=1000
	tables
	expect reaches c 10.0.0.2 # learned, then silent
	in_host b python3 -c 'import socket
s = socket.create_server(("10.0.0.2", 5555)); c = s.accept()[0]
while d := c.recv(100): c.sendall(d)' &
	sleep 2 # its flows are idle and go
	vsctl set Open_vSwitch . other_config:max-idle=600000
	in_host a python3 -c 'import socket, sys, time
c = socket.create_connection(("10.0.0.2", 5555)); c.settimeout(20)
i = 0
while not __import__("os").path.exists(sys.argv[1]):
    i += 1; c.sendall(b"%d" % i); assert c.recv(100) == b"%d" % i; time.sleep(0.2)' "$dir/tcp-end" &
	tcp_pid=$!
	watch_arrivals
	streamer # a miss that a busy machine is too slow for is lost, so that this one does not count
	eventually all_placed "$state"
	end_stream
	arrived_at=$(arrived) counted_at=$(udp_packets)
	streamer
	sleep 6 # what was learned is written down
	rules_before=$(identities "${ports[@]}") learned_before=$(learned) connections_before=$(connections) meter_before=$(meter_packets)
	expect test "$(wc -l <<<"$rules_before")" -ge $FLOWS
	grep -q "$(mac c)" <<<"$learned_before" || fail "c is not learned: $learned_before"
	expect test -n "$connections_before"

	step "stopped in order, killed, replaced by a newer one"
	over "stop" stop_shuntd
	unchanged 1
	over "kill -9" kill_shuntd
	unchanged 2
	over "newer binary" next_version
	unchanged 3
	expect grep -q 'Shunt 9[^ ]*: started' "$dir/shuntd.log"

	step "every packet has arrived and is counted once"
	touch "$dir/tcp-end"
	wait "$tcp_pid" || fail "the connection did not survive"
	end_stream
	echo "$udp_sent packets of $FLOWS flows sent, $(($(arrived) - arrived_at)) arrived"
	equal "$(($(arrived) - arrived_at))" "$udp_sent" "packets that arrived"
	# What former processes switched by themselves, first packets of flows, is nobody's now.
	eventually eval '(($(udp_packets) >= counted_at - former + udp_sent))'
	(($(udp_packets) <= counted_at + udp_sent)) || fail "$(udp_packets) counted: $counted_at before, $udp_sent sent"
	equal "$(group_packets)" "$(udp_packets)" "packets of the group"
	(($(meter_packets) >= meter_before)) || fail "the meter counts $(meter_packets), no longer $meter_before"
}
