#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# VXLAN from the kernel's datapath: to a switch in user space, and to another kernel datapath; the kernel's actions and flows
# as Debian's tools read them, exact counts, a restart under traffic.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"

far_machine
underlay_ipv6 ul 1
host a 10.0.0.1/24
far_host b 10.0.0.2/24
ip -n a link set eth0 mtu 1400
ip -n b link set eth0 mtu 1400
start_shuntd
far_shuntd
system_bridge br0
vsctl add-port br0 pa
vx() { # SIDE OPTION…: the tunnel port of vsctl or far_vsctl
	local side=$1
	shift
	$side --if-exists del-port vx
	$side add-port br0 vx -- set Interface vx type=vxlan "${@/#/options:}"
	equal "$($side get Interface vx error)" "[]" "the tunnel's error"
}
tcp_passes() {
	in_host b timeout 60 iperf3 -s -1 >/dev/null 2>&1 &
	local server=$!
	eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
	in_host a timeout 40 iperf3 -c 10.0.0.2 -t 1 -J >"$dir/iperf"
	wait $server || true
	python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] > 5e6' "$dir/iperf"
}
counts_are_exact() {
	ofctl add-flow br0 priority=50,icmp,in_port=pa,actions=output:vx
	ofctl add-flow br0 priority=50,icmp,in_port=vx,actions=output:pa
	settled
	expect in_host a ping -q -c 100 -i 0.01 -W 3 10.0.0.2
	equal "$(ofctl dump-aggregate br0 icmp,in_port=pa | counted)" 100 "packets sent"
	equal "$(ofctl dump-aggregate br0 icmp,in_port=vx | counted)" 100 "packets received"
	ofctl del-flows br0 icmp
}

step "a switch in user space at the far end"
far_vsctl add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 pb
vx vsctl remote_ip=172.16.0.2 key=5
vx far_vsctl remote_ip=172.16.0.1 key=5
eventually reaches a 10.0.0.2
expect grep -q 'vxlan_sys_4789' <<<"$(ovs-dpctl show ovs-system)"
eventually iface_is vx status '{tunnel_egress_iface=ul, tunnel_egress_iface_carrier=up}'
expect reaches a 10.0.0.2
expect grep -Eq 'actions:set\(tunnel\(tun_id=0x5,dst=172.16.0.2,ttl=64,tp_dst=4789,flags\(df\|key\)\)\),[0-9]+' <<<"$(ovs-dpctl dump-flows)"
expect grep -Eq 'tunnel\(tun_id=0x5,src=172.16.0.2,.*in_port\(' <<<"$(ovs-dpctl dump-flows)"
eventually same_flows_to a 10.0.0.2
expect tcp_passes
counts_are_exact

step "ends and keys by flow, TOS and TTL inherited"
vx vsctl remote_ip=flow key=flow tos=inherit ttl=inherit
ofctl add-flow br0 priority=60,in_port=pa,actions=set_field:172.16.0.2-\>tun_dst,set_field:5-\>tun_id,output:vx
ofctl add-flow br0 priority=60,in_port=vx,tun_id=5,tun_src=172.16.0.2,actions=output:pa
eventually reaches a 10.0.0.2
expect in_host a ping -q -c 2 -t 33 -Q 0x28 10.0.0.2
expect grep -Eq 'set\(tunnel\(tun_id=0x5,dst=172.16.0.2,tos=0x28,ttl=33,' <<<"$(ovs-dpctl dump-flows)"
ofctl del-flows br0 in_port=pa
ofctl del-flows br0 in_port=vx

step "IPv6 under it, with a checksum, and group policies"
vx vsctl remote_ip=fd00:172:1::2 key=6 csum=true exts=gbp
vx far_vsctl remote_ip=fd00:172:1::1 key=6 csum=true exts=gbp
ofctl add-flow br0 priority=60,ip,in_port=pa,actions=set_field:77-\>tun_gbp_id,output:vx
far_ofctl add-flow br0 priority=60,icmp,in_port=vx,tun_gbp_id=77,actions=output:pb
eventually reaches a 10.0.0.2
expect test "$(far_ofctl dump-aggregate br0 icmp,in_port=vx,tun_gbp_id=77 | counted)" -ge 3
expect tcp_passes
ofctl del-flows br0 in_port=pa
far_ofctl del-flows br0 icmp

step "the kernel's datapath at both ends"
far_vsctl del-br br0
far_vsctl add-br br0 -- set Bridge br0 datapath_type=system -- add-port br0 pb
vx vsctl remote_ip=172.16.0.2 key=5
vx far_vsctl remote_ip=172.16.0.1 key=5
eventually reaches a 10.0.0.2
expect tcp_passes
counts_are_exact

step "the switch goes and comes back; what the kernel has goes on"
in_host a ping -q -c 300 -i 0.02 -W 3 10.0.0.2 >"$dir/ping" &
pinger=$!
sleep 1
kill_shuntd
sleep 1
start_shuntd
wait $pinger
expect grep -q '300 packets transmitted, 300 received' "$dir/ping"
expect reaches a 10.0.0.2
vsctl del-port vx
eventually_not ip link show vxlan_sys_4789
stop_far
stop_shuntd
equal "$(complaints | grep -v 'no tunnel port has these')" "" "the log's complaints"
