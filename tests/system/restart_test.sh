#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The configuration outlives the process, ended in order or killed; what a killed one left behind is no obstacle.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-br br0 -- add-port br0 pa -- set Interface pa ofport_request=7 -- add-port br0 pb \
	-- add-port br0 in0 -- set Interface in0 type=internal
eventually reaches a 10.0.0.2
id=$(vsctl get Bridge br0 datapath_id)

stop_shuntd
expect_not reaches a 10.0.0.2
expect test ! -e "$dir/shuntd.pid"
expect_not ip link show in0
start_shuntd
eventually reaches a 10.0.0.2
equal "$(iface pa ofport)" 7 "ofport"
equal "$(vsctl get Bridge br0 datapath_id)" "$id" "datapath_id"

kill_shuntd
start_shuntd
eventually reaches a 10.0.0.2
eventually ip link show in0
equal "$(iface pa ofport)" 7 "ofport"

# Changes that were answered are on disk, however soon the end comes.
for n in 1 2 3 4 5; do
	vsctl set Bridge br0 "external_ids:round=$n"
	kill_shuntd
	start_shuntd
	equal "$(vsctl get Bridge br0 external_ids:round)" "\"$n\"" "what was written"
done
stop_shuntd
