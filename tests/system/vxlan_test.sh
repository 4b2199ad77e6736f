#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two switches joined by a VXLAN tunnel: the first packet arrives, ping and TCP pass, what one counts as sent the other counts
# as received; routes and neighbours change under traffic; what cannot be sent is counted with its reason.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"

far_machine
host a 10.0.0.1/24
far_host b 10.0.0.2/24
short a b
start_shuntd
far_shuntd
vsctl add-br br0 -- add-port br0 pa -- add-port br0 vx -- set Interface vx type=vxlan options:remote_ip=172.16.0.2 options:key=5
far_vsctl add-br br0 -- add-port br0 pb -- add-port br0 vx -- set Interface vx type=vxlan options:remote_ip=flow options:key=5
far_ofctl add-flow br0 priority=10,in_port=vx,actions=output:pb
far_ofctl add-flow br0 priority=10,in_port=pb,actions=set_field:172.16.0.1-\>tun_dst,output:vx

# Nobody has asked for the neighbour yet: the packets that ask wait for the answer.
ip neigh flush dev ul
expect in_host a ping -q -c 1 -W 3 10.0.0.2
equal "$(tunnel_drops tx_unresolved)" 0 "packets that found no room to wait"
expect reaches b 10.0.0.1
eventually iface_is vx status '{tunnel_egress_iface=ul, tunnel_egress_iface_carrier=up}'
eventually iface_is vx mtu 1450

# What the switch says of the network under it, as ovs-appctl shows it.
in_order() { LC_ALL=C sort; }
port=$(appctl dpctl/show | sed -n 's/.*port \([0-9]*\): vxlan_sys_4789.*/\1/p')
equal "$(appctl tnl/ports/show)" "Listening ports:
vxlan_sys_4789 ($port) ref_cnt=1"
expect grep -qF "vxlan_sys_4789 ($port) : eth_type(0x0800),ipv4(proto=17,frag=no),udp(dst=4789)" <<<"$(appctl tnl/ports/show -v)"
equal "$(appctl tnl/neigh/show | sed 1,2d)" "172.16.0.2                                    $(in_far cat /sys/class/net/ul/address)   ul"
equal "$(appctl tnl/arp/show | head -n 1)" "IP                                            MAC                 Bridge"
equal "$(appctl ovs/route/show | grep -F 172.16 | in_order)" "Cached: 172.16.0.0/24 dev ul SRC 172.16.0.1
Cached: 172.16.0.1/32 dev ul SRC 172.16.0.1 local"

# Exact counts: a hundred out, a hundred back, here, there and in the rules.
ofctl del-flows br0
ofctl add-flow br0 priority=5,icmp,in_port=pa,actions=output:vx
ofctl add-flow br0 priority=5,icmp,in_port=vx,actions=output:pa
ofctl add-flow br0 priority=1,actions=normal
far_ofctl add-flow br0 priority=20,icmp,in_port=vx,actions=output:pb
far_ofctl add-flow br0 priority=20,icmp,in_port=pb,actions=set_field:172.16.0.1-\>tun_dst,output:vx
settled
expect in_host a ping -q -c 100 -i 0.01 -W 2 10.0.0.2
for port in pa vx; do
	equal "$(ofctl dump-aggregate br0 "icmp,in_port=$port" | counted)" 100 "packets from $port here"
done
for port in pb vx; do
	equal "$(far_ofctl dump-aggregate br0 "icmp,in_port=$port" | counted)" 100 "packets from $port there"
done
sent_is_received() {
	local here there
	here=$(ofctl dump-ports br0 vx | tr '\n' ' ' | sed -E 's/.*rx pkts=([0-9]+), bytes=([0-9]+).*tx pkts=([0-9]+), bytes=([0-9]+).*/\1 \2 \3 \4/')
	there=$(far_ofctl dump-ports br0 vx | tr '\n' ' ' |
		sed -E 's/.*rx pkts=([0-9]+), bytes=([0-9]+).*tx pkts=([0-9]+), bytes=([0-9]+).*/\3 \4 \1 \2/')
	[[ $here == "$there" && $here != "0 0 0 0" ]]
}
eventually sent_is_received

# TCP, with the large segments that hosts hand over.
if command -v iperf3 >/dev/null; then
	in_host b iperf3 -s -1 >/dev/null 2>&1 &
	server=$!
	eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
	in_host a iperf3 -c 10.0.0.2 -t 2 -J >"$dir/iperf"
	expect python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] > 1e7' "$dir/iperf"
	wait $server || true
fi

# Another way to the same end, and back again, under traffic: not a packet is lost.
underlay ul2 2
ip -n far addr add 172.16.9.9/32 dev lo
ip route add 172.16.9.9 via 172.16.0.2
far_ofctl mod-flows br0 in_port=pb,actions=set_field:172.16.0.1-\>tun_dst,output:vx
vsctl set Interface vx options:remote_ip=172.16.9.9
in_far sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ul.rp_filter=0 net.ipv4.conf.ul2.rp_filter=0
# What comes from there must be from the address that is the tunnel's far end now.
far_vsctl set Interface vx options:local_ip=172.16.9.9
eventually reaches a 10.0.0.2
in_host a ping -q -c 300 -i 0.01 -W 3 10.0.0.2 >"$dir/ping" &
pinger=$!
for _ in 1 2 3; do
	sleep 0.4
	ip route replace 172.16.9.9 via 172.16.1.2
	sleep 0.4
	ip route replace 172.16.9.9 via 172.16.0.2
done
wait $pinger
expect grep -q '300 packets transmitted, 300 received' "$dir/ping"
expect test "$(cat /sys/class/net/ul2/statistics/tx_packets)" -gt 20
eventually iface_is vx status '{tunnel_egress_iface=ul, tunnel_egress_iface_carrier=up}'

# A neighbour with another address, which it announces: the next packets carry it.
ip -n far link set ul address 02:00:00:00:00:99
new_neighbour() { grep -q 02:00:00:00:00:99 <<<"$(ip neigh show 172.16.0.2 dev ul)"; }
eventually new_neighbour
eventually reaches a 10.0.0.2

# What cannot be sent.  The far end is not to be had: it has no route, then one without a neighbour.
quiet() { in_host a ping -q -c "$1" -i 0.01 -W 1 10.0.0.2 >/dev/null || true; }
ip -n a neigh replace 10.0.0.2 lladdr 02:00:00:00:00:77 dev eth0
vsctl set Interface vx options:remote_ip=192.0.2.1
eventually iface_is vx status '{}'
before=$(tunnel_drops tx_no_route)
quiet 20
eventually drops_are tx_no_route $((before + 20))
ip route add 192.0.2.1 via 172.16.0.77
quiet 5
eventually_not drops_are tx_no_neighbour 0
ip route del 192.0.2.1

# Longer than the way there has room for.
ip -n a neigh del 10.0.0.2 dev eth0
vsctl set Interface vx options:remote_ip=172.16.9.9
eventually reaches a 10.0.0.2
ip -n a link set eth0 mtu 1500
equal "$(tunnel_drops tx_too_long)" 0 "packets that were too long before"
in_host a ping -q -c 3 -i 0.05 -W 1 -s 1472 10.0.0.2 >/dev/null || true
eventually drops_are tx_too_long 3

# The far end's packets with another key, or from somebody else, are nobody's.
before=$(metric 'shunt_translation_errors_total{datapath="netdev",error="no_tunnel"}')
far_vsctl set Interface vx options:key=6
in_host b ping -q -c 3 -i 0.05 -W 1 10.0.0.1 >/dev/null || true
expect test "$(metric 'shunt_translation_errors_total{datapath="netdev",error="no_tunnel"}')" -gt "$before"

vsctl del-port vx
tunnel_device() { grep -q vxlan_sys <<<"$(appctl dpctl/show)"; }
eventually_not tunnel_device
stop_far
stop_shuntd
equal "$(complaints | grep -v "no tunnel port has these")" "" "the log's complaints"
