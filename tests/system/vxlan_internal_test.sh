#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The network under a tunnel is itself a bridge: the uplink is a port of br-phy, whose own port has the address.  What goes
# into the tunnel passes br-phy's tables like any other packet of this host.
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
for sw in vsctl far_vsctl; do
	$sw add-br br-phy -- add-port br-phy ul -- add-br br-int
done
for at in "ip" "ip -n far"; do
	eventually $at link show br-phy
	$at link set br-phy up
	$at addr flush dev ul
done
ip addr add 172.16.0.1/24 dev br-phy
ip -n far addr add 172.16.0.2/24 dev br-phy
eventually ping -q -c 1 -W 1 172.16.0.2

vsctl add-port br-int pa -- add-port br-int vx -- set Interface vx type=vxlan options:remote_ip=172.16.0.2 options:key=9
far_vsctl add-port br-int pb -- add-port br-int vx -- set Interface vx type=vxlan options:remote_ip=172.16.0.1 options:key=9
eventually reaches a 10.0.0.2
eventually iface_is vx status '{tunnel_egress_iface=br-phy, tunnel_egress_iface_carrier=up}'

# br-phy counts what passes: a hundred out, a hundred back.
ofctl add-flow br-phy priority=50,udp,tp_dst=4789,in_port=LOCAL,actions=normal
ofctl add-flow br-phy priority=50,udp,tp_dst=4789,in_port=ul,actions=normal
ofctl add-flow br-int priority=50,icmp,in_port=vx,actions=output:pa
settled
expect in_host a ping -q -c 100 -i 0.01 -W 2 10.0.0.2
equal "$(ofctl dump-aggregate br-int icmp,in_port=vx | counted)" 100 "packets out of the tunnel"
passed() { [[ $(ofctl dump-aggregate br-phy "udp,in_port=$1" | counted) -ge 100 ]]; }
expect passed LOCAL
expect passed ul

if command -v iperf3 >/dev/null; then
	in_host b timeout 30 iperf3 -s -1 >/dev/null 2>&1 &
	server=$!
	eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
	in_host a timeout 20 iperf3 -c 10.0.0.2 -t 1 -J >"$dir/iperf"
	wait $server || true
	expect python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] > 5e6' "$dir/iperf"
fi

# br-phy's tables decide.
ofctl mod-flows br-phy udp,tp_dst=4789,in_port=LOCAL,actions=drop
eventually_not reaches a 10.0.0.2
ofctl mod-flows br-phy udp,tp_dst=4789,in_port=LOCAL,actions=normal
eventually reaches a 10.0.0.2
stop_far
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
