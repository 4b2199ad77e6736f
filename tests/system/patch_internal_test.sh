#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two bridges joined by patch ports, an internal port with an address, and the bridges' own ports.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
host a 10.0.0.1/24
vsctl add-br br0 -- add-port br0 pa
vsctl add-br br1 -- add-port br1 int1 -- set Interface int1 type=internal
eventually ip link show int1
ip addr add 10.0.0.2/24 dev int1
ip link set int1 up
expect_not reaches a 10.0.0.2

# One end alone leads nowhere; with both, traffic passes.
vsctl add-port br0 to1 -- set Interface to1 type=patch options:peer=to0
expect_not reaches a 10.0.0.2
vsctl add-port br1 to0 -- set Interface to0 type=patch options:peer=to1
eventually reaches a 10.0.0.2
eventually iface_is int1 link_state up

# The bridge's own port is a device with an address as well.
ip addr add 10.0.1.1/24 dev br1
ip link set br1 up
ip -n a addr add 10.0.1.2/24 dev eth0
eventually reaches a 10.0.1.1

# A megaflow goes through both bridges at once: patch ports cost nothing in the datapath.
reaches a 10.0.0.2
expect_not grep -E 'to0|to1' <<<"$(ctl offload flows)"

# OpenFlow on the second bridge decides about packets that came by the first.
ofctl add-flow br1 priority=100,icmp,nw_src=10.0.0.1,actions=drop
eventually_not reaches a 10.0.0.2
ofctl del-flows br1 icmp
eventually reaches a 10.0.0.2

vsctl del-port br1 to0
eventually_not reaches a 10.0.0.2
vsctl del-br br1
eventually_not ip link show int1
expect_not ip link show br1

# Internal devices have the least MTU of the others, unless they ask for one.
mtu_is() { [[ $(cat "/sys/class/net/$1/mtu") == "$2" ]]; }
vsctl add-port br0 int0 -- set Interface int0 type=internal -- add-port br0 int9 -- set Interface int9 type=internal mtu_request=9000
ip link set pa mtu 1400
eventually mtu_is br0 1400
eventually mtu_is int0 1400
expect mtu_is int9 9000
host b 10.0.0.3/24
ip link set pb mtu 1300
vsctl add-port br0 pb
eventually mtu_is int0 1300
vsctl del-port pb
eventually mtu_is int0 1400
ip link set int0 mtu 1200
eventually mtu_is int0 1400
ip link set pa mtu 9000
eventually mtu_is br0 9000
eventually iface_is int0 mtu 9000

# Devices of ours may be made anew in the moment in which they went.
for _ in 1 2 3 4 5; do
	vsctl add-br br1 -- add-port br1 int1 -- set Interface int1 type=internal
	vsctl del-port int1
	vsctl add-port br1 int1 -- set Interface int1 type=internal
	vsctl del-br br1 -- add-br br1
	vsctl del-br br1
done 2>"$dir/said"
equal "$(<"$dir/said")" "" "what ovs-vsctl says"
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
