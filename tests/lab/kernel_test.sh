#!/usr/bin/env bash
# The lab's kernel has what the suites stand on: openvswitch with conntrack zones, every flower match and TC action that Shunt
# writes, tunnels, all of them carrying packets.  Plain tc, ip and ping, so that a fault here is the lab's and not Shunt's.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=tests/lab/net.sh
. "$(dirname "$0")/net.sh"

host a 10.0.0.1/24
host b 10.0.0.2/24
neighbours a 10.0.0.1 b 10.0.0.2
ingress pa pb
rule() { tc filter add dev "$@"; }
flush() {
	local device chain
	for device in pa pb; do
		for chain in 0 1 2 5; do tc filter del dev "$device" ingress chain "$chain" 2>/dev/null || true; done
	done
}

step "redirects, counted to the packet"
rule pa ingress protocol ip flower ip_proto icmp action mirred egress redirect dev pb
rule pb ingress protocol ip flower ip_proto icmp action mirred egress redirect dev pa
expect pings a 10.0.0.2 20
equal "$(rule_packets pa) $(rule_packets pb)" "20 20" "packets of the rules"
flush

step "chains, VLAN tags pushed and popped, pedit with checksums, mirrors"
ip link add name mirror0 type dummy
ip link set mirror0 up
rule pa ingress protocol ip flower dst_ip 10.0.0.2 action vlan push id 7 priority 2 pipe action goto chain 5
rule pa ingress chain 5 protocol 802.1Q flower vlan_id 7 vlan_prio 2 vlan_ethtype ip ip_ttl 64 action vlan pop pipe \
	action pedit ex munge ip ttl set 9 pipe action csum ip icmp pipe action mirred egress mirror dev mirror0 pipe action mirred egress redirect dev pb
rule pb ingress protocol ip flower src_ip 10.0.0.2 action mirred egress redirect dev pa
expect pings a 10.0.0.2
equal "$(ip -s -j link show mirror0 | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["stats64"]["tx"]["packets"])')" 3 "mirrored packets"
flush

step "conntrack with zones and NAT"
rule pa ingress protocol ip flower ct_state -trk dst_ip 10.9.9.9 action ct zone 5 nat pipe action goto chain 1
rule pa ingress chain 1 protocol ip flower ct_state +trk+new action ct commit zone 5 mark 0x11 nat dst addr 10.0.0.2 pipe action mirred egress redirect dev pb
rule pa ingress chain 1 protocol ip flower ct_state +trk+est ct_zone 5 ct_mark 0x11 action mirred egress redirect dev pb
rule pb ingress protocol ip flower ct_state -trk action ct zone 5 nat pipe action goto chain 1
rule pb ingress chain 1 protocol ip flower ct_state +trk+est action mirred egress redirect dev pa
ip -n a route add 10.9.9.9/32 dev eth0
ip -n a neigh replace 10.9.9.9 lladdr "$(mac b)" dev eth0
expect pings a 10.9.9.9
equal "$(grep -c 'zone=5' /proc/net/nf_conntrack)" 1 "connections in zone 5"
flush

step "MPLS, police, sample, gate, skbedit"
rule pa ingress protocol ip flower action mpls push label 77 pipe action goto chain 2
rule pa ingress chain 2 protocol mpls_uc flower mpls_label 77 action mpls pop protocol ip pipe \
	action police rate 1gbit burst 1m conform-exceed drop/pipe pipe action sample rate 2 group 3 pipe \
	action skbedit mark 4 pipe action mirred egress redirect dev pb
rule pb ingress protocol ip flower action gate clockid CLOCK_TAI sched-entry open 200000000 -1 -1 pipe action mirred egress redirect dev pa
expect pings a 10.0.0.2
flush

step "VXLAN by tunnel_key, both ways, over a second pair of hosts' link"
ip link add ul type veth peer name ur
netns far
ip link set ur netns far
ip addr add 192.168.9.1/24 dev ul
ip link set ul up
ip -n far addr add 192.168.9.2/24 dev ur
ip -n far link set ur up
ip link add vx type vxlan dstport 4789 external
ip link set vx up
ip -n far link add vx0 type vxlan id 42 dstport 4789 remote 192.168.9.1 local 192.168.9.2 noudpcsum
ip -n far addr add 10.0.0.3/24 dev vx0
ip -n far link set vx0 up
ip -n a neigh replace 10.0.0.3 lladdr "$(mac far vx0)" dev eth0
ip -n far neigh replace 10.0.0.1 lladdr "$(mac a)" dev vx0
ingress vx
rule pa ingress protocol ip flower dst_ip 10.0.0.3 action tunnel_key set id 42 src_ip 192.168.9.1 dst_ip 192.168.9.2 dst_port 4789 pipe \
	action mirred egress redirect dev vx
rule vx ingress protocol ip flower enc_key_id 42 enc_src_ip 192.168.9.2 action tunnel_key unset pipe action mirred egress redirect dev pa
expect pings a 10.0.0.3
flush

step "modules: openvswitch, other tunnels, what tests ask for by name"
[[ $SHUNT_LAB == qemu ]] || modprobe netdevsim # Debian ships none
for module in openvswitch vport-vxlan vport-geneve vport-gre act_ct bonding nf_conntrack_ftp sch_htb sch_netem; do
	modprobe "$module" 2>/dev/null || modinfo "$module" >/dev/null 2>&1 || grep -q "/$module.ko" "/lib/modules/$(uname -r)/modules.builtin" ||
		fail "no $module"
done
ip link add ge type geneve dstport 6081 external
ip link add gr type gretap external
ip link add b0 type bond mode active-backup
echo ok
