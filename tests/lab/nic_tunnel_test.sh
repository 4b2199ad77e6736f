#!/usr/bin/env bash
# nicsim puts frames into VXLAN and takes them out, both in the NIC: the other end is a plain Linux VXLAN device behind the wire.
# Plain tc, ip and ping; every packet is counted where it should be, and the host sees those only that it must see.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=tests/lab/net.sh
. "$(dirname "$0")/net.sh"
# shellcheck source=tests/lab/nic_lib.sh
. "$(dirname "$0")/nic_lib.sh"

nic ports=2
ip addr add 10.0.0.100/24 dev n # the tunnel's end of this side; w has 10.0.0.9
ip link add vx type vxlan dstport 4789 external
ip link set dev vx up
ingress vx

# The other end in w: a VXLAN device with an address for the guests' network 10.1.0.0/24.
far_end() { # OPTION…
	ip -n w link del fx 2>/dev/null || true
	ip -n w link add fx address 02:00:00:00:00:99 type vxlan id 42 dstport 4789 local 10.0.0.9 remote 10.0.0.100 "$@"
	ip -n w addr add 10.1.0.9/24 dev fx
	ip -n w link set dev fx up
	ip -n w neigh replace 10.1.0.1 lladdr "$(mac a)" dev fx
}
far_end
ip -n a addr add 10.1.0.1/24 dev eth0
ip -n a neigh replace 10.1.0.9 lladdr 02:00:00:00:00:99 dev eth0
ip neigh replace 10.0.0.9 lladdr "$(mac w)" dev n
ip -n w neigh replace 10.0.0.100 lladdr "$(cat /sys/class/net/n/address)" dev eth0

encap() { # WORD…: of tunnel_key
	# Checksums are what tunnel_key has unless told otherwise.
	rule nr0 ingress protocol ip flower skip_sw dst_ip 10.1.0.9 action tunnel_key set src_ip 10.0.0.100 dst_ip 10.0.0.9 dst_port 4789 id 42 "$@" pipe \
		action mirred egress redirect dev vx
}
# (The kernel takes no skip_sw on a device that is not the driver's.)
decap() { # WORD…: of the match
	rule vx ingress protocol ip flower enc_key_id 42 enc_src_ip 10.0.0.9 enc_dst_ip 10.0.0.100 enc_dst_port 4789 "$@" action tunnel_key unset pipe \
		action mirred egress redirect dev nr0
}
clear_all() {
	disconnect
	tc filter del dev vx ingress
}
host_rx() { ip -d stats show dev n group offload subgroup cpu_hit | awk '/RX:/ { getline; print $2 }'; }

step "into the tunnel and out of it, in the NIC"
encap
decap
equal "$(in_hw nr0) $(in_hw vx)" "1/1 1/1" "rules in hardware"
before=$(host_rx)
expect pings a 10.1.0.9 10
equal "$(rule_packets nr0) $(rule_packets vx)" "10 10" "packets"
equal "$(host_rx)" "$before" "frames that the host saw at the uplink"
equal "$(cat /sys/class/net/vx/statistics/rx_packets)" 0 "packets of the host's tunnel device"

step "TCP through it"
in_host w iperf3 -s -1 >/dev/null &
sleep 1
in_host a ip link set dev eth0 mtu 1400
in_host a iperf3 -c 10.1.0.9 -n 2M >"$TMPDIR/iperf" || { cat "$TMPDIR/iperf"; fail "iperf3"; }
wait
equal "$(host_rx)" "$before" "frames that the host saw at the uplink"
clear_all

step "TTL, TOS, no fragmentation, checksums"
encap tos 0x10 ttl 77
decap enc_ttl 64
tc -n w qdisc add dev eth0 ingress
tc -n w filter add dev eth0 ingress prio 1 protocol ip flower ip_proto udp dst_port 4789 ip_tos 0x10/0xff ip_ttl 77 action continue
tc -n w filter add dev eth0 ingress prio 2 protocol ip u32 match ip protocol 17 0xff match u16 0 0xffff at 26 action drop # no checksum
expect pings a 10.1.0.9
text=$(tc -n w -s filter show dev eth0 ingress prio 1)
[[ $text == *" 3 pkt"* ]] || fail "not as asked: $text"
tc -n w qdisc del dev eth0 ingress
clear_all

step "a VNI, an address, a TTL that no rule has come up at the host's device"
encap
decap enc_ttl 9
expect_not pings a 10.1.0.9 1
equal "$(rule_packets vx)" 0 "packets of the rule"
equal "$(cat /sys/class/net/vx/statistics/rx_packets)" 1 "packets of the host's tunnel device"
clear_all

step "while the next hop is not known, the rule misses and the host's device does the work; then the NIC does"
rule nr0 ingress protocol ip flower dst_ip 10.1.0.9 action tunnel_key set src_ip 10.0.0.100 dst_ip 10.0.0.9 dst_port 4789 id 42 pipe \
	action mirred egress redirect dev vx
decap
ip neigh flush dev n
ip neigh del 10.0.0.9 dev n
equal "$(in_hw nr0)" "1/1" "rules in hardware"
in_host a ping -q -c 1 -W 2 10.1.0.9 >/dev/null || fail "no answer"
text=$(tc -s filter show dev nr0 ingress)
[[ $text == *"Sent 84 bytes 1 pkt"* && $text != *hardware* ]] || fail "not in software: $text"
expect pings a 10.1.0.9 3
text=$(tc -s filter show dev nr0 ingress)
[[ $text == *"Sent hardware 294 bytes 3 pkt"* ]] || fail "not in hardware: $text"

step "the next hop moves"
ip -n w link set dev eth0 address 02:00:00:00:00:77
ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:77 dev n
expect pings a 10.1.0.9
clear_all

step "a driver that looks once: the rule goes where the next hop was"
command pin 1
encap
decap
expect pings a 10.1.0.9
ip -n w link set dev eth0 address 02:00:00:00:00:78
ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:78 dev n
expect_not pings a 10.1.0.9 1
clear_all
encap
decap
expect pings a 10.1.0.9
clear_all
ip -n w link set dev eth0 arp off
ip neigh del 10.0.0.9 dev n
refused "not known" nr0 ingress protocol ip flower skip_sw dst_ip 10.1.0.9 action tunnel_key set src_ip 10.0.0.100 dst_ip 10.0.0.9 dst_port 4789 id 42 pipe \
	action mirred egress redirect dev vx
command pin 0
ip -n w link set dev eth0 arp on address 02:00:00:00:00:77
ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:77 dev n

step "group policy"
tc qdisc del dev vx ingress
ip link del vx
ip link add vx type vxlan dstport 4789 external gbp
ip link set dev vx up
ingress vx
far_end gbp
rule nr0 ingress protocol ip flower skip_sw dst_ip 10.1.0.9 action tunnel_key set src_ip 10.0.0.100 dst_ip 10.0.0.9 dst_port 4789 id 42 vxlan_opts 0x123 pipe \
	action mirred egress redirect dev vx
decap vxlan_opts 0
expect pings a 10.1.0.9
clear_all
encap
decap vxlan_opts 0x55
expect_not pings a 10.1.0.9 1
clear_all

step "over IPv6"
sysctl -qw net.ipv6.conf.n.disable_ipv6=0
in_host w sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
ip addr add fd00::100/64 dev n nodad
ip -n w addr add fd00::9/64 dev eth0 nodad
ip -n w link del fx
ip -n w link add fx address 02:00:00:00:00:99 type vxlan id 42 dstport 4789 local fd00::9 remote fd00::100
ip -n w addr add 10.1.0.9/24 dev fx
ip -n w link set dev fx up
ip -n w neigh replace 10.1.0.1 lladdr "$(mac a)" dev fx
ip neigh replace fd00::9 lladdr 02:00:00:00:00:77 dev n
ip -n w neigh replace fd00::100 lladdr "$(cat /sys/class/net/n/address)" dev eth0
rule nr0 ingress protocol ip flower skip_sw dst_ip 10.1.0.9 action tunnel_key set src_ip fd00::100 dst_ip fd00::9 dst_port 4789 id 42 pipe \
	action mirred egress redirect dev vx
rule vx ingress protocol ip flower enc_key_id 42 enc_src_ip fd00::9 enc_dst_ip fd00::100 action tunnel_key unset pipe action mirred egress redirect dev nr0
expect pings a 10.1.0.9
equal "$(rule_packets nr0) $(rule_packets vx)" "3 3" "packets"
clear_all

step "what cannot be"
refused "without tunnel_key" nr0 ingress protocol ip flower skip_sw action mirred egress redirect dev vx
refused "not by a port of this NIC" nr0 ingress protocol ip flower skip_sw action tunnel_key set src_ip 127.0.0.1 dst_ip 127.0.0.1 dst_port 4789 id 42 pipe \
	action mirred egress redirect dev vx
refused "no route" nr0 ingress protocol ip flower skip_sw action tunnel_key set src_ip 10.0.0.100 dst_ip 172.16.0.1 dst_port 4789 id 42 pipe \
	action mirred egress redirect dev vx
refused "elsewhere" nr0 ingress protocol ip flower skip_sw action tunnel_key unset pipe action mirred egress redirect dev nr1
command refuse enc_key
text=$(tc filter add dev vx ingress protocol ip flower verbose enc_key_id 42 action drop 2>&1)
[[ $text == *"no match on enc_key"* ]] || fail "verbose says: $text"
command allow enc_key
tc filter del dev vx ingress

step "the tunnel's device goes first, then the NIC; and the other way round"
encap
rule vx ingress protocol ip flower enc_key_id 42 action drop
ip link del vx
equal "$(info rules)" 1 "rules left"
ip link add vx type vxlan dstport 4789 external
ingress vx
rule vx ingress protocol ip flower enc_key_id 42 action drop
echo "del n" >$nicsim/control
equal "$(in_hw vx)" "0/1" "rules of the tunnel in hardware"
echo ok
