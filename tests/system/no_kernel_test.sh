#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A kernel without openvswitch: a bridge that wants it says why it cannot be, and the others work.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
if vsctl get Open_vSwitch . datapath_types | grep -q system; then
	echo "skipped: this kernel has openvswitch"
	exit 77
fi
equal "$(metric 'shunt_datapath_available{datapath="system"}')" 0 "whether there is a kernel's datapath"
equal "$(metric 'shunt_datapath_available{datapath="netdev"}')" 1 "whether there is one of our own"
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl --no-wait add-br br1 -- set Bridge br1 datapath_type=system
eventually iface_is br1 ofport -1
expect grep -q 'no openvswitch module: use datapath_type=netdev' <<<"$(iface br1 error)"
expect grep -q 'no openvswitch module' <<<"$(vsctl get Bridge br1 status 2>/dev/null || true; complaints)"
vsctl add-br br0 -- add-port br0 pa -- add-port br0 pb
expect reaches a 10.0.0.2

# It is mended by another type.
vsctl set Bridge br1 datapath_type=netdev
eventually iface_is br1 error '[]'
vsctl del-br br1
expect reaches a 10.0.0.2
stop_shuntd
