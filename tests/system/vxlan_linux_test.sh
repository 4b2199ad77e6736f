#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A switch at one end of a VXLAN tunnel, Linux's own vxlan device at the other: IPv4 and IPv6 under it, checksums, group
# policies, TTL and TOS, and tshark's reading of what goes between them.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"

ip link add probe type vxlan id 1 dstport 4789 2>/dev/null || { echo "skipped: this kernel has no vxlan devices"; exit 77; }
ip link del probe
command -v tshark >/dev/null || { echo "skipped: tshark is not installed"; exit 77; }

far_machine
underlay_ipv6 ul 1
host a 10.0.0.1/24
short a
start_shuntd
vsctl add-br br0 -- add-port br0 pa
# The far machine's device, whose own network stands for a host's.
far_vxlan() { # OPTION… ; 10.0.0.9 is its address
	ip -n far link del vx 2>/dev/null || true
	ip -n far link add vx address 02:00:00:00:09:09 mtu 1430 type vxlan dstport 4789 "$@"
	ip -n far addr add 10.0.0.9/24 dev vx
	ip -n far link set vx up
}
vx() { # OPTION…: the tunnel port here
	vsctl --if-exists del-port vx
	vsctl add-port br0 vx -- set Interface vx type=vxlan "${@/#/options:}"
	equal "$(iface vx error)" "[]" "the tunnel's error"
}
# What arrives there and leaves there (our own frames pass this machine's taps by) while a command runs, as tshark reads it: a
# line for each kind of packet, of the fields that are asked for.
capture() { # FILTER FIELD… -- COMMAND…
	local filter=$1 fields=() out
	shift
	while [[ $1 != -- ]]; do
		fields+=(-e "$1")
		shift
	done
	shift
	out=$dir/capture
	rm -f "$out.pcap" "$out.said"
	ip netns exec far tshark -q -i ul -c 2000 -w "$out.pcap" 2>"$out.said" &
	tshark_pid=$!
	eventually grep -q "Capture started" "$out.said"
	"$@"
	sleep 1 # what is under way
	kill -INT $tshark_pid 2>/dev/null || true # it ends by itself after 2000
	wait $tshark_pid || true
	tshark -r "$out.pcap" -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "$filter" -T fields "${fields[@]}" 2>/dev/null | sort -u
}
tcp_passes() { # to a server in the far machine
	command -v iperf3 >/dev/null || return 0
	in_far timeout 30 iperf3 -s -1 -B 10.0.0.9 >/dev/null 2>&1 &
	local server=$!
	eventually in_far bash -c 'ss -Hltn sport = :5201 | grep -q .'
	in_host a timeout 20 iperf3 -c 10.0.0.9 -t 1 -J "$@" >"$dir/iperf"
	wait $server || true
	python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] > 1e7' "$dir/iperf"
}
ping9() { in_host a ping -q -c "${1:-3}" -i 0.05 -W 2 10.0.0.9 >/dev/null; }

# IPv4, and what the outer header says.
far_vxlan id 77 remote 172.16.0.1 nolearning
vx remote_ip=172.16.0.2 key=77
expect ping9
expect tcp_passes
expect tcp_passes -R
equal "$(capture 'ip.src == 172.16.0.1 && icmp.type == 8' vxlan.vni ip.src ip.dst ip.ttl ip.dsfield ip.flags.df udp.dstport \
	udp.checksum -- ping9)" "$(printf '77\t172.16.0.1,10.0.0.1\t172.16.0.2,10.0.0.9\t64,64\t0x00,0x00\t1,1\t4789\t0x0000')" \
	"the outer header"
equal "$(capture 'ip.src == 172.16.0.1 && (ip.checksum.status == 0 || udp.checksum.status == 0 || _ws.malformed)' frame.number -- \
	tcp_passes)" "" "packets of ours that tshark finds fault with"
# Many flows have many source ports, all of them in the range; one flow has one.
udp_flows() {
	in_host a python3 -c 'import socket
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(40)]
for x in s: x.sendto(b"x", ("10.0.0.9", 9)); x.sendto(b"y", ("10.0.0.9", 9))'
}
ports=$(capture 'ip.src == 172.16.0.1 && udp.dstport == 9' udp.srcport -- udp_flows | sed 's/,.*//' | sort -u)
expect test "$(wc -l <<<"$ports")" -gt 20
expect awk '$1 < 49152 { exit 1 }' <<<"$ports"

# Exact counts: Linux's, OpenFlow's, and what was sent.
before=$(in_far cat /sys/class/net/vx/statistics/rx_packets)
ofctl del-flows br0
ofctl add-flow br0 icmp,in_port=pa,actions=output:vx
ofctl add-flow br0 icmp,in_port=vx,actions=output:pa
ofctl add-flow br0 priority=1,actions=normal
settled
expect ping9 100
equal "$(ofctl dump-aggregate br0 icmp,in_port=pa | counted)" 100 "packets sent"
equal "$(ofctl dump-aggregate br0 icmp,in_port=vx | counted)" 100 "packets received"
expect test $(($(in_far cat /sys/class/net/vx/statistics/rx_packets) - before)) -ge 100
ofctl del-flows br0
ofctl add-flow br0 priority=1,actions=normal

# TTL and TOS of the inner packet, a UDP checksum, and no DF.
vx remote_ip=172.16.0.2 key=77 tos=inherit ttl=inherit csum=true df_default=false
eventually ping9
marked() { in_host a ping -q -c 2 -i 0.05 -W 2 -t 33 -Q 0x28 10.0.0.9 >/dev/null; }
equal "$(capture 'ip.src == 172.16.0.1 && icmp.type == 8' ip.ttl ip.dsfield ip.flags.df udp.checksum.status -- marked)" \
	"$(printf '33,33\t0x28,0x28\t0,1\t1')" "the outer header, inherited"
expect tcp_passes

# The key by flow, the far end by flow.
vx remote_ip=flow key=flow
ofctl add-flow br0 priority=50,in_port=pa,actions=set_field:77-\>tun_id,set_field:172.16.0.2-\>tun_dst,output:vx
ofctl add-flow br0 priority=50,in_port=vx,tun_id=77,tun_src=172.16.0.2,actions=output:pa
ofctl add-flow br0 priority=40,in_port=vx,actions=drop
eventually ping9
far_vxlan id 78 remote 172.16.0.1
expect_not ping9
ofctl mod-flows br0 in_port=pa,actions=set_field:78-\>tun_id,set_field:172.16.0.2-\>tun_dst,output:vx
ofctl add-flow br0 priority=50,in_port=vx,tun_id=78,tun_dst=172.16.0.1,actions=output:pa
eventually ping9
ofctl del-flows br0
ofctl add-flow br0 priority=1,actions=normal

# Group policies, both ways: Linux takes a packet's mark for the group.
far_vxlan id 77 remote 172.16.0.1 gbp
vx remote_ip=172.16.0.2 key=77 exts=gbp
ofctl add-flow br0 priority=50,in_port=pa,ip,actions=set_field:300-\>tun_gbp_id,set_field:8-\>tun_gbp_flags,output:vx
ofctl add-flow br0 priority=50,in_port=vx,icmp,tun_gbp_id=7,actions=output:pa
eventually ping9
equal "$(capture 'ip.src == 172.16.0.1 && icmp.type == 8' vxlan.flag_g vxlan.gbp vxlan.flag_a vxlan.flag_d -- ping9)" \
	"$(printf '1\t300\t1\t0')" "the group policy"
equal "$(ofctl dump-aggregate br0 in_port=vx,icmp,tun_gbp_id=7 | counted)" 0 "packets of the other group"
in_far ping -q -c 3 -i 0.05 -W 2 -m 7 10.0.0.1 >/dev/null
equal "$(ofctl dump-aggregate br0 in_port=vx,icmp,tun_gbp_id=7 | counted)" 3 "packets of the group"
ofctl del-flows br0
ofctl add-flow br0 priority=1,actions=normal

# IPv6 under it, with and without the checksum that Linux wants by default.
far_vxlan id 6 remote fd00:172:1::1 udp6zerocsumtx udp6zerocsumrx
vx remote_ip=fd00:172:1::2 key=6
eventually ping9
eventually iface_is vx mtu 1430
ip -n a link set eth0 mtu 1400
expect tcp_passes
expect tcp_passes -R
equal "$(capture 'ipv6.src == fd00:172:1::1 && icmp.type == 8' vxlan.vni ipv6.dst ipv6.hlim ipv6.tclass udp.dstport udp.checksum -- \
	ping9)" "$(printf '6\tfd00:172:1::2\t64\t0x00000000\t4789\t0x0000')" "the outer header, IPv6"
far_vxlan id 6 remote fd00:172:1::1
vx remote_ip=fd00:172:1::2 key=6 csum=true
eventually ping9
equal "$(capture 'ipv6.src == fd00:172:1::1 && icmp.type == 8' udp.checksum.status -- ping9)" 1 "the checksum, IPv6"
expect tcp_passes

# What Linux's neighbour has for another address now.
ip -n far link set ul address 02:00:00:00:00:98
eventually ping9
stop_shuntd
equal "$(complaints | grep -v "no tunnel port has these")" "" "the log's complaints"
