#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole switch with its flows in TC's software, and what others may do to them there.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/kernel/tamper.sh
. "${srcdir:-.}/tests/kernel/tamper.sh"

# A port of the bridge whose rules TC is to have.
tc_port() { # NAME [COLUMN=VALUE…]
	vsctl add-port br0 "$1" "${@:2}" -- set Interface "$1" other_config:offload=tc
}
# Segments are made and joined where counters do not see them: one way to count packets.
single_packets() { # HOST…
	local host
	for host; do
		in_host "$host" ethtool -K eth0 tso off gso off gro off tx off >/dev/null
		ethtool -K "p$host" tso off gso off gro off >/dev/null
	done
}
rules() { tc filter show dev "$1" ingress | grep -c cookie || true; }
# Packets that TC sent on or dropped at a port, as iproute2 tells.
tc_packets() { # PORT
	tc -s -j filter show dev "$1" ingress | python3 -c '
import json, sys
print(sum(f["options"]["actions"][0]["stats"]["packets"] for f in json.load(sys.stdin) if "options" in f))'
}
# How many flows that enter by a port are in a tier.
flows_in() { # TIER PORT
	ctl offload flows --json | python3 -c '
import json, sys
print(sum(f["state"] == sys.argv[1] and f["port"] == sys.argv[2] for f in json.load(sys.stdin)))' "$@"
}
in_tc() { # PORT: all of its flows, and TC has them
	[[ $(flows_in tc "$1") == "$(rules "$1")" && $(rules "$1") != 0 ]]
}
counts_agree() { # PORT…
	[[ $(flows_count packet br0) == "$(linux_rx packets "$@")" && $(flows_count byte br0) == "$(linux_rx bytes "$@")" ]]
}
pings=()
all_counted() { # with a pause of the traffic, so that the numbers stand still
	kill -STOP "${pings[@]}"
	eventually counts_agree pa pb pc
	kill -CONT "${pings[@]}"
}

# Asked once, OpenFlow tells each packet, if none came in meanwhile.
told_at_once() {
	local before told after=
	while before=$(linux_rx packets pa pb pc) && told=$(flows_count packet br0) && after=$(linux_rx packets pa pb pc) && [[ $before != "$after" ]]; do :; done
	[[ $told == "$before" ]] || { echo "$told packets are told of $before"; return 1; }
}

start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
host a 10.0.0.1/24
host b 10.0.0.2/24
host c 10.0.0.3/24
single_packets a b c
for p in pa pb pc; do tc_port "$p"; done
# It is there before there is traffic: as it comes, the kernel drops what is sent out at the port.
for p in pa pb pc; do eventually eval "tc qdisc show dev $p | grep -q clsact"; done

for pair in "a 10.0.0.2" "b 10.0.0.3" "c 10.0.0.1"; do # so that no flow is idle
	ip netns exec "${pair% *}" ping -q -i 0.5 "${pair#* }" >/dev/null & # itself, to be stopped
	pings+=($!)
done

step "flows are in TC, and iproute2 sees them there"
for p in pa pb pc; do eventually in_tc "$p"; done
before=$(tc_packets pa)
in_host a ping -q -c 10 -i 0.05 10.0.0.2 >/dev/null
expect test $(($(tc_packets pa) - before)) -ge 10
all_counted

step "an answer holds what TC has counted until it was asked"
kill -STOP "${pings[@]}"
ip_packets() { appctl dpctl/dump-flows | sed -n '/eth_type(0x0800)/s/.*packets:\([0-9]*\),.*/\1/p' | awk '{ s += $1 } END { print s + 0 }'; }
for n in 1 2 3 5 8; do
	before=$(ip_packets)
	in_host a ping -q -c "$n" -i 0.01 10.0.0.2 >/dev/null
	equal "$(ip_packets)" $((before + 2 * n)) "packets that megaflows tell"
	in_host a ping -q -c "$n" -i 0.01 10.0.0.2 >/dev/null
	expect told_at_once
done
kill -CONT "${pings[@]}"

step "real programs, and every packet and byte is counted once"
in_host b iperf3 -s >/dev/null 2>&1 &
eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
in_host a iperf3 -c 10.0.0.2 -t 1 >/dev/null
in_host a iperf3 -c 10.0.0.2 -t 1 -u -b 20M -l 1200 >/dev/null
all_counted
expect test "$(tc_packets pa)" -gt 1000

step "a replacement under traffic loses no packet and no count"
ofctl add-flow br0 "priority=10,icmp,nw_src=10.0.0.1,actions=normal"
sent=$(linux_rx packets pa pb pc)
in_host a ping -q -c 300 -i 0.01 10.0.0.2 >"$dir/ping" &
ping=$!
for n in 1 2 3 4 5 6; do
	ofctl mod-flows br0 "icmp,nw_src=10.0.0.1,actions=mod_nw_tos:$((n * 4)),normal"
	sleep 0.3
done
wait $ping
expect grep -q ' 0% packet loss' "$dir/ping"
expect test "$(linux_rx packets pa pb pc)" -ge $((sent + 600))
all_counted

step "rewriting, VLANs, several outputs, drops"
ofctl add-flow br0 "priority=20,udp,in_port=pa,tp_dst=7,actions=mod_dl_dst:02:00:00:00:00:77,mod_nw_dst:10.0.0.77,mod_tp_dst:77,output:pb"
ofctl add-flow br0 "priority=20,udp,in_port=pa,tp_dst=8,actions=mod_vlan_vid:9,output:pb,strip_vlan,output:pc"
ofctl add-flow br0 "priority=20,udp,in_port=pa,tp_dst=9,actions=drop"
cat >"$dir/wire.py" <<'END'
import socket, struct, sys
what = sys.argv[1]
if what == "send":  # COUNT PORT…
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for port in sys.argv[3:] * int(sys.argv[2]):
        s.sendto(b"x" * 40, ("10.0.0.2", int(port)))
else:  # prints what comes in, a line a frame
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind(("eth0", 0))
    s.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
    print("listening", flush=True)
    while True:
        frame, control, _, address = s.recvmsg(2048, 256)
        if address[2] == socket.PACKET_OUTGOING:
            continue
        tag = ""
        for _, kind, data in control:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
            tag = f" vlan {tci & 4095}" if kind == 8 and status & 16 else ""
        if frame[12:14] == b"\x08\x00" and frame[23] == 17:
            print(f"to {frame[0:6].hex()} {socket.inet_ntoa(frame[30:34])}:{struct.unpack('>H', frame[36:38])[0]}{tag}", flush=True)
END
filter_says() { [[ $(tc filter show dev pa ingress) == *"$1"* ]]; }
wire() { in_host "$1" python3 "$dir/wire.py" "${@:2}"; }
listeners=()
for h in b c; do
	ip netns exec $h python3 "$dir/wire.py" listen >"$dir/$h.seen" &
	listeners+=($!)
done
for h in b c; do eventually grep -q . "$dir/$h.seen"; done
wire a send 1 7 8 9
for port in 7 8 9; do eventually filter_says "dst_port $port"; done
wire a send 5 7 8 9
seen() { [[ $(grep -c 'to ' "$dir/b.seen") == 12 && $(grep -c 'to ' "$dir/c.seen") == 6 ]]; }
eventually seen
kill "${listeners[@]}"
equal "$(grep -c '^to 020000000077 10.0.0.77:77$' "$dir/b.seen")" 6 "rewritten packets"
equal "$(grep -c '10.0.0.2:8 vlan 9$' "$dir/b.seen")" 6 "tagged packets"
equal "$(grep -c '10.0.0.2:8$' "$dir/c.seen")" 6 "packets without the tag again"
equal "$(cat "$dir/b.seen" "$dir/c.seen" | grep -c ':9' || true)" 0 "packets that were to be dropped"
expect filter_says pedit
expect filter_says 'action order 1: gact action drop'
all_counted

step "what others have there stays theirs"
tc filter add dev pa ingress prio 7 protocol 0x88cc flower action drop
tc filter add dev pa ingress prio 53999 protocol 0x88cd flower action drop
foreign() { [[ $(tc filter show dev pa ingress | grep -cE 'pref (7|53999) flower.*handle 0x1') == 2 ]]; }
expect foreign

step "what others do to ours heals"
said() { [[ $(grep -c "$1" "$dir/shuntd.log") -ge $2 ]]; } # WORDS TIMES
expect reaches a 10.0.0.2
eventually in_tc pa
remove_one pa
eventually said 'rule_gone (1): put right' 1
expect reaches a 10.0.0.2
eventually in_tc pa
remove_priority pa
eventually said 'rules (1): put right' 1
expect reaches a 10.0.0.2
eventually in_tc pa
change_one pa
eventually said 'rule_altered (1): put right' 1
expect reaches a 10.0.0.2
eventually in_tc pa
expect foreign
tc qdisc del dev pb clsact
eventually said 'rules (1): put right' 2
expect reaches a 10.0.0.2
eventually in_tc pb
if two_passes; then
	two_pass_flows pa pb
	has_chain() { [[ -n $(second_chain pa) ]] && in_tc pa; }
	eventually has_chain
	remove_chain pa
	eventually said 'rules (1): put right' 3
	expect reaches a 10.0.0.2
	eventually has_chain
	ofctl del-flows br0 "ip,in_port=pa"
fi

step "offload goes off, live: ours go, counted to the last packet, and theirs stay"
vsctl set Interface pa other_config:hw-offload=false
no_rules() { [[ $(rules "$1") == 0 ]]; }
eventually no_rules pa
expect foreign
vsctl set Open_vSwitch . other_config:hw-offload=false
for p in pb pc; do eventually no_rules "$p"; done
expect foreign
expect reaches a 10.0.0.2
vsctl set Open_vSwitch . other_config:hw-offload=true -- remove Interface pa other_config hw-offload
for p in pa pb pc; do eventually in_tc "$p"; done

step "the port leaves: so do our rules, and the qdisc where it is ours"
vsctl del-port br0 pb
eventually_not eval 'tc qdisc show dev pb | grep clsact'
vsctl del-port br0 pa
eventually no_rules pa
expect foreign
stop_shuntd
