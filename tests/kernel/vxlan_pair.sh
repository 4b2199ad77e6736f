# Two switches joined by a tunnel, with their flows on the same tier at both ends; sourced behind vxlan_lib.sh.
# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0

pair_bridges() { # SETTINGS…: of the hosts' Interfaces
	local settings=()
	(($# == 0)) || settings=(-- set Interface)
	start_shuntd
	far_shuntd
	system_bridge br0
	far_vsctl add-br br0 -- set Bridge br0 datapath_type=system
	vsctl set Open_vSwitch . other_config:max-idle=600000
	far_vsctl set Open_vSwitch . other_config:max-idle=600000
	vsctl add-port br0 "$near" ${1:+"${settings[@]}" "$near" "$@"}
	far_vsctl add-port br0 "$far" ${1:+"${settings[@]}" "$far" "$@"}
	vx remote_ip=172.16.0.2 key=5
	far_vsctl add-port br0 vx -- set Interface vx type=vxlan options:remote_ip=172.16.0.1 options:key=5 options:df_default=false
	in_host a ip neigh replace 10.0.0.2 lladdr "$(in_host b cat /sys/class/net/eth0/address)" nud permanent dev eth0
	in_host b ip neigh replace 10.0.0.1 lladdr "$(in_host a cat /sys/class/net/eth0/address)" nud permanent dev eth0
}
all_on_tier() { both_on_tier && on_far both_on_tier; }
pair_rules() { # OFCTL PORT
	$1 add-flow br0 "priority=50,icmp,in_port=$2,actions=output:vx"
	$1 add-flow br0 "priority=50,icmp,in_port=vx,actions=output:$2"
}
pair_steps() {
	step "flows are where they should be, at both ends"
	eventually reaches a 10.0.0.2
	eventually all_on_tier

	step "a hundred packets there and back, counted once by everybody"
	pair_rules ofctl "$near"
	pair_rules far_ofctl "$far"
	settled
	eventually reaches a 10.0.0.2
	eventually all_on_tier
	sleep 1
	local here there
	here=$(counts)
	there=$(on_far counts)
	expect in_host a ping -q -c 100 -i 0.01 -W 3 10.0.0.2
	eventually counts_grew "$here" 100
	eventually on_far counts_grew "$there" 100

	step "TCP, both ways"
	ip netns exec b iperf3 -s >/dev/null 2>&1 & # itself, to be ended
	local server=$!
	eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
	expect in_host a timeout 60 iperf3 -c 10.0.0.2 -n 2M
	expect in_host a timeout 60 iperf3 -c 10.0.0.2 -n 2M -R
	kill $server
	eventually all_on_tier
	stop_far
	stop_shuntd
	equal "$(complaints)" "" "the log's complaints"
}
