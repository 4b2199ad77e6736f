#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rules for a tunnel follow the way to its other end: on a NIC whose driver looks at routes and neighbours itself, and on one
# whose driver has looked once, when the rule went in.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"
# shellcheck source=tests/kernel/vxlan_lib.sh
. "${srcdir:-.}/tests/kernel/vxlan_lib.sh"
# shellcheck source=tests/nic/vxlan_lib.sh
. "${srcdir:-.}/tests/nic/vxlan_lib.sh"
tier=hardware near=nr0 here=n

nic_machine uplinks=2
function_in nu1w far ulb 172.16.1.2/24
ip link set dev nu1 up
ip addr add 172.16.1.1/24 dev nu1
in_far sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ul.rp_filter=0 net.ipv4.conf.ulb.rp_filter=0
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
vsctl add-port br0 nr0
neighbour_step "which the driver sees"
nicsim_n pin 1
neighbour_step "which the driver does not see"

step "another route, which the driver does not see"
ip -n far addr add 172.16.9.9/32 dev lo
ip route add 172.16.9.9 via 172.16.0.2
fx id 5 dstport 4789 local 172.16.9.9 remote 172.16.0.1
vx remote_ip=172.16.9.9 key=5 local_ip=172.16.0.1
carries
expect ping -q -c 1 172.16.1.2
rx() { in_far cat "/sys/class/net/$1/statistics/rx_packets"; }
before=$(rx ulb)
in_host a ping -q -c 200 -i 0.02 -W 3 10.0.0.9 >"$dir/ping" &
pinger=$!
sleep 1
ip route replace 172.16.9.9 via 172.16.1.2
wait $pinger
expect grep -q '200 packets transmitted, 200 received' "$dir/ping"
expect test $(($(rx ulb) - before)) -ge 50
eventually both_on_tier
stale() { ctl offload status --json | grep -o '"rule_stale": *[0-9]*' | grep -qv ' 0$'; }
expect stale

step "nobody answers: out of hardware with the reason, and in again"
in_far ip link set ul arp off
ip route replace 172.16.9.9 via 172.16.0.2
ip neigh change 172.16.0.2 lladdr 02:00:00:00:00:33 dev n nud failed
in_tc() { [[ $(states nr0) == tc ]]; }
in_host a ping -q -c 2 -i 0.2 -W 1 10.0.0.9 >/dev/null || true
eventually in_tc
expect refusal_says "the way to the tunnel's other end is not known at present; driver: nicsim: the next hop"
ip neigh replace 172.16.0.2 lladdr "$(in_far cat /sys/class/net/ul/address)" dev n nud permanent
eventually reaches a 10.0.0.9
eventually both_on_tier
stop_shuntd
equal "$(complaints | grep -v 'no tunnel port has these')" "" "the log's complaints"
