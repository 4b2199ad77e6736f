#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Guests with an MTU of 1500 over VXLAN on an underlay of 1500, in the kernel's datapath and in TC's software.  The kernel answers
# what is too long and says "do not fragment", as TCP does, with ICMP "fragmentation needed", as a router would, and the guest
# sends less.  What does not say so is sent in fragments of the outer packet where these are allowed (df_default=false), else lost.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"

far_machine
host a 10.0.0.1/24
far_host b 10.0.0.2/24
start_shuntd
far_shuntd
system_bridge br0
far_vsctl add-br br0 -- set Bridge br0 datapath_type=system
far_vsctl add-port br0 pb
both() { # OFFLOAD DF: the hosts' ports and the tunnel anew
	vsctl --if-exists del-port pa -- --if-exists del-port vx
	far_vsctl --if-exists del-port vx
	vsctl add-port br0 pa -- set Interface pa "other_config:offload=$1" \
		-- add-port br0 vx -- set Interface vx type=vxlan options:remote_ip=172.16.0.2 options:key=5 "options:df_default=$2"
	far_vsctl add-port br0 vx -- set Interface vx type=vxlan options:remote_ip=172.16.0.1 options:key=5 "options:df_default=$2"
	in_host a ip route flush cache
	in_host b ip route flush cache
	eventually reaches a 10.0.0.2
}
tcp_passes() { # OPTION…
	in_host b timeout 60 iperf3 -s -1 >/dev/null 2>&1 &
	local server=$!
	eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
	expect in_host a timeout 40 iperf3 -c 10.0.0.2 -n 1M "$@"
	wait $server || true
}
# The host has learned what goes through to the other.
knows() { in_host "$1" ip route get "$2" | grep -q "mtu $3"; }

equal "$(in_host a cat /sys/class/net/eth0/mtu) $(cat /sys/class/net/ul/mtu)" "1500 1500" "MTU of guest and underlay"
# What says "do not fragment" itself: the host is told what goes through, and that much does.
is_told() {
	in_host a ping -q -M "do" -s 1472 -c 1 -W 1 10.0.0.2 >"$dir/ping" 2>&1 || true
	eventually knows a 10.0.0.2 1450
	expect in_host a ping -q -M "do" -s 1422 -c 3 -i 0.1 -W 2 10.0.0.2
	in_host a ip route flush cache
}
# What does not.
long_ping() { in_host a ping -q -M dont -s 1472 -c 3 -i 0.1 -W 1 10.0.0.2; }

step "the kernel's datapath, outer packets are not to be fragmented"
both none true
eventually iface_is vx mtu 1450
is_told
tcp_passes
tcp_passes -R
in_host a ip route flush cache
expect_not long_ping

step "the kernel's datapath, they may be"
both none false
is_told
tcp_passes
tcp_passes -R
in_host a ip route flush cache
expect long_ping

step "TC's software"
both tc false
is_told
tcp_passes
tcp_passes -R
in_host a ip route flush cache
expect long_ping
expect grep -q tunnel_key <<<"$(tc filter show dev pa ingress)"
stop_far
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
