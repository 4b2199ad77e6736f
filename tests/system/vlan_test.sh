#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# VLANs by the database: access ports of two bridges, and a wire between them that is a trunk with or without a native VLAN.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
ip link add t0 type veth peer name t1
ip link set t0 up
ip link set t1 up
vsctl add-br br0 -- add-br br1 -- add-port br0 t0 trunks=10,30 -- add-port br1 t1
for n in 1 2 3 4; do host "h$n" "10.0.0.$n/24"; done
vsctl add-port br0 ph1 tag=10 -- add-port br0 ph3 tag=20 -- add-port br1 ph2 tag=10 -- add-port br1 ph4 tag=20

# 10 crosses the trunk, 20 is not in its list, until it is; the VLANs do not see each other.
eventually reaches h1 10.0.0.2
expect_not reaches h3 10.0.0.4
vsctl set Port t0 trunks=10,20
eventually reaches h3 10.0.0.4
expect_not reaches h1 10.0.0.3
expect_not reaches h1 10.0.0.4

# The forwarding table says which VLAN, the megaflows that a tag is put on.
expect grep -qE ' 20 ' <<<"$(ovs-appctl -t shuntd fdb/show br0)"
expect grep -q 'push_vlan(vid=20' <<<"$(ovs-appctl -t shuntd dpctl/dump-flows)"

# Native VLAN at one end: its frames go untagged, and an access port at the other end takes them.
vsctl set Port t0 vlan_mode=native-untagged tag=20 trunks=10 -- set Port t1 tag=20
eventually reaches h3 10.0.0.4
expect_not reaches h1 10.0.0.2
vsctl set Port t0 vlan_mode=native-tagged
eventually_not reaches h3 10.0.0.4
vsctl clear Port t1 tag
eventually reaches h3 10.0.0.4
eventually reaches h1 10.0.0.2

# An access port moves to another VLAN while traffic runs.
vsctl set Port ph1 tag=20
eventually reaches h1 10.0.0.3
expect_not reaches h1 10.0.0.2
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
