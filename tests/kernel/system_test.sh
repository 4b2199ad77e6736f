#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A bridge in the kernel's datapath, end to end: traffic, counters, devices that change, restarts.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

step "a bridge comes up and carries traffic"
start_shuntd
system_bridge br0
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-port br0 pa -- add-port br0 pb
expect reaches a 10.0.0.2
equal "$(vsctl get Open_vSwitch . datapath_types)" "[netdev, system]" "datapath_types"
expect grep -q 'port [0-9]*: pa$' <<<"$(ovs-dpctl show ovs-system)"
expect grep -q 'Recirc: Yes' <<<"$(appctl dpif/show-dp-features br0)"
expect grep -q '^system@ovs-system: hit' <<<"$(appctl dpif/show)"

step "the kernel's flows are the ones that we tell of"
eventually same_flows_to a 10.0.0.2
in_host b iperf3 -s >/dev/null 2>&1 &
eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
in_host a iperf3 -c 10.0.0.2 -t 1 -J >"$dir/iperf"
expect python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] > 1e7' "$dir/iperf"
in_host a iperf3 -c 10.0.0.2 -t 1 -u -b 20M -l 1400 >/dev/null

step "every packet and byte is counted once"
same_packets() {
	local openflow
	openflow=$(ofctl dump-ports br0 | awk -F'[=,]' '/port +"?p[ab]"?: rx|port +[0-9]+: rx/ { s += $2 } END { print s }')
	[[ $(linux_rx packets pa pb) == "$(flows_count packet br0)" && $(linux_rx packets pa pb) == "$openflow" ]]
}
same_bytes() { [[ $(linux_rx bytes pa pb) == "$(flows_count byte br0)" ]]; }
eventually same_packets
eventually same_bytes
expect test "$(linux_rx packets pa)" -gt 1000

step "the local port and an internal port are the kernel's devices"
ip addr add 10.0.0.100/24 dev br0
ip link set br0 up
expect reaches a 10.0.0.100
vsctl add-port br0 in0 -- set Interface in0 type=internal 'mac="02:00:00:00:0a:0a"' mtu_request=1400
eventually iface_is in0 error '[]'
equal "$(cat /sys/class/net/in0/address) $(cat /sys/class/net/in0/mtu)" "02:00:00:00:0a:0a 1400" "address and MTU"
ip addr add 10.0.0.101/24 dev in0
ip link set in0 up
expect reaches b 10.0.0.101
vsctl del-port br0 in0
eventually_not ip link show in0

step "tags are the kernel's work, too"
host c 10.0.1.3/24
host d 10.0.1.4/24
vsctl add-port br0 pc tag=7 -- add-port br0 pd
ip -n d link add link eth0 name v7 type vlan id 7
ip -n d addr flush dev eth0
ip -n d addr add 10.0.1.4/24 dev v7
ip -n d link set v7 up
expect reaches c 10.0.1.4
expect grep -q push_vlan <<<"$(ovs-dpctl dump-flows)"

step "devices that are not there, appear, change and vanish"
vsctl add-port br0 pz >/dev/null 2>&1 || true
eventually iface_is pz ofport -1
expect_not iface_is pz error '[]'
host z 10.0.0.9/24
eventually iface_is pz error '[]'
expect reaches z 10.0.0.1
ip link set pz down
eventually iface_is pz admin_state down
ip link set pz name other
eventually iface_is pz ofport -1
expect_not grep -q ': other$' <<<"$(ovs-dpctl show)"
ip link set other name pz
ip link set pz up
eventually iface_is pz error '[]'
expect reaches z 10.0.0.1
ip netns del z
eventually iface_is pz ofport -1
vsctl del-port br0 pz
expect reaches a 10.0.0.2

step "what somebody else takes out is put back"
number() { ovs-dpctl show | sed -n "s/ *port \([0-9]*\): $1\( .*\)\?$/\1/p"; }
was=$(number pa)
expect test -n "$was"
has_number() { [[ $(number pa) == "$was" ]]; }
expect has_number
ovs-dpctl del-if ovs-system pa
eventually has_number
eventually reaches a 10.0.0.2
ovs-dpctl del-if ovs-system br0
eventually ip link show br0
ip addr add 10.0.0.100/24 dev br0
ip link set br0 up
eventually reaches a 10.0.0.100
ovs-dpctl del-dp ovs-system
eventually reaches a 10.0.0.2
eventually ip link show br0
expect grep -q 'put back' <<<"$(complaints)"

step "killed, it goes on forwarding, and counts on when it is back"
ping_on() { in_host a ping -q -i 0.02 -c 150 10.0.0.2 >"$dir/ping"; }
expect reaches a 10.0.0.2
ping_on &
pinging=$!
sleep 0.5
kill_shuntd
sleep 0.5
start_shuntd
wait "$pinging"
expect grep -q ' 150 received' "$dir/ping"
eventually same_flows_to a 10.0.0.2
eventually grep -q 'were kept' "$dir/shuntd.log"

step "stopped in order, likewise; a port that nobody wants goes"
ping_on &
pinging=$!
sleep 0.5
stop_shuntd
ip link add stray type veth peer name stray1
ovs-dpctl add-if ovs-system stray
expect grep -q ': stray$' <<<"$(ovs-dpctl show)"
start_shuntd
wait "$pinging"
expect grep -q ' 150 received' "$dir/ping"
expect_not grep -q ': stray$' <<<"$(ovs-dpctl show)"
expect reaches c 10.0.1.4

step "told to clean up, it leaves nothing"
equal "$(complaints | grep -v 'pz\|put back')" "" "the log's complaints"
appctl exit --cleanup
wait "$shuntd_pid" || fail "shuntd ended with status $?"
shuntd_pid=
expect_not reaches a 10.0.0.2
equal "$(ovs-dpctl show 2>&1)" "" "datapaths that are left"
