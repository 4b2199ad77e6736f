#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Interfaces that appear, vanish, rename and change state while the switch runs: the Interface rows follow.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
host b 10.0.0.2/24
vsctl add-br br0 -- add-port br0 pb

# One that is not there: an error in its row, and ovs-vsctl says so too; the rest works.
vsctl add-port br0 pa >"$dir/said" 2>&1 || true
eventually iface_is pa ofport -1
expect grep -q . <<<"$(iface pa error)"
expect_not iface_is pa error '[]'
expect grep -q 'pa' "$dir/said"

# It appears.
host a 10.0.0.1/24
eventually iface_is pa error '[]'
eventually iface_is pa admin_state up
eventually iface_is pa link_state up
ofport=$(iface pa ofport)
expect test "$ofport" -gt 0
eventually reaches a 10.0.0.2

# Its state changes, on either end.
ip link set pa down
eventually iface_is pa admin_state down
eventually bash -c "ovs-ofctl dump-ports-desc br0 | grep -A2 '(pa)' | grep -q PORT_DOWN"
ip link set pa up
eventually iface_is pa admin_state up
ip -n a link set eth0 down
eventually iface_is pa link_state down
ip -n a link set eth0 up
eventually iface_is pa link_state up
eventually reaches a 10.0.0.2

# Its MTU and address are shown.
ip link set pa mtu 1400
eventually iface_is pa mtu 1400
ip link set pa address 02:00:00:00:00:77
eventually iface_is pa mac_in_use '"02:00:00:00:00:77"'

# Renamed away it is gone, renamed back it is there, under the number that it had.
ip link set pa down
ip link set pa name other
eventually iface_is pa ofport -1
ip link set other name pa
ip link set pa up
eventually iface_is pa error '[]'
equal "$(iface pa ofport)" "$ofport" "ofport after the rename"
eventually reaches a 10.0.0.2

# It vanishes for good, and comes back as another device of that name.
ip netns del a
eventually iface_is pa ofport -1
host a 10.0.0.1/24
eventually iface_is pa error '[]'
eventually reaches a 10.0.0.2

vsctl del-port br0 pa
expect_not reaches a 10.0.0.2
stop_shuntd
