#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Offload's keys of the database take effect while traffic runs, and the counters stay exact.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 pa -- set Interface pa other_config:offload=sim:generic \
	-- add-port br0 pb -- set Interface pb other_config:offload=sim:generic
ofctl del-flows br0
ofctl add-flow br0 "priority=40000,icmp,actions=NORMAL"
ofctl add-flow br0 "actions=NORMAL"
reasons() { ctl offload flows icmp --json | python3 -c '
import json, sys
print(*sorted({f["state"] + ":" + f["reason"] for f in json.load(sys.stdin) if f["port"] in ("pa", "pb")}))'; }
pings() { # [HOW-MANY]
	whole_stream a 10.0.0.2 "${1:-20}"
	sent=$((sent + 2 * ${1:-20}))
}
are() {
	pings 3
	reasons >"$dir/reasons"
	[[ $(<"$dir/reasons") =~ ^($1)$ ]]
}
on_fail() {
	[[ ! -f $dir/reasons ]] || echo "flows were last seen as: $(<"$dir/reasons")"
	ctl offload flows icmp || true
}
sent=0
counted() { ofctl dump-flows br0 icmp | sed -n 's/.*n_packets=\([0-9]*\),.*/\1/p'; }

eventually reaches a 10.0.0.2
base=-1
settled() { [[ $base == $(counted) ]] || { base=$(counted); return 1; }; }
sleep 2 # a NIC's counters are read twice a second
eventually settled
sent=0
eventually are "hardware:(ok|replacing)( hardware:replacing)?"

# The sim NIC has no software of its own, so that skip_hw leaves it nothing.
vsctl set Open_vSwitch . other_config:tc-policy=skip_hw
eventually are software:tc_policy
pings
vsctl set Interface pa other_config:tc-policy=none
eventually are "hardware:(ok|replacing) software:tc_policy"
pings
vsctl remove Interface pa other_config tc-policy -- set Open_vSwitch . other_config:tc-policy=skip_sw
eventually are "hardware:(ok|replacing)( hardware:replacing)?"
pings
vsctl set Open_vSwitch . other_config:tc-policy=nonsense
grep -q 'tc-policy: "nonsense" is not one of' "$dir/shuntd.log" || fail "nonsense is not said"
vsctl remove Open_vSwitch . other_config tc-policy
pings

vsctl set Open_vSwitch . other_config:hw-offload=false
eventually are software:disabled
equal "$(metric 'shunt_offload_entries')" 0 "entries in the device"
pings
vsctl set Open_vSwitch . other_config:hw-offload=true -- set Interface pb other_config:hw-offload=false
eventually are "hardware:(ok|replacing) software:disabled"
pings
vsctl remove Interface pb other_config hw-offload
eventually are "hardware:(ok|replacing)( hardware:replacing)?"

# Nobody by name, then nobody by order: a sim NIC is no port's by nature.
vsctl set Interface pa other_config:offload=none -- remove Interface pb other_config offload \
	-- set Open_vSwitch . other_config:hw-offload-priority=tc,rte_flow
eventually are software:no_device
pings
vsctl set Interface pa other_config:offload=sim:generic -- set Interface pb other_config:offload=sim:generic
eventually are "hardware:(ok|replacing)( hardware:replacing)?"
pings

# A provider off for the whole switch, and on again.
vsctl set Open_vSwitch . other_config:hw-offload-off=tc,sim
eventually are software:no_device
pings
vsctl set Open_vSwitch . other_config:hw-offload-off=tc
eventually are "hardware:(ok|replacing)( hardware:replacing)?"
pings
vsctl remove Open_vSwitch . other_config hw-offload-off

# A NIC that does not come back from a call is cut off: nobody waits for it, traffic goes on, and what it counts meanwhile is
# counted when it is back.
hung() { (($(metric shunt_offload_hangs_total) >= 1)); }
ctl offload device sim:generic fault read 8000
eventually hung
pings
ctl offload device sim:generic fault clear
eventually are "hardware:(ok|replacing)( hardware:replacing)?"
pings

enough() { (($(counted) - base >= sent)); }
eventually enough # a device that was slow to read rests for some seconds
equal "$(($(counted) - base))" "$sent" "packets of the rule"
stop_shuntd
