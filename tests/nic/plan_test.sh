#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `shuntctl offload plan` says of a NIC that was probed is what becomes of the flows in it: by --device, and by its profile in a
# file.  The NIC pushes no tags.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"

nic 3 table=100 refuse=vlan_push
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
for n in 1 2 3; do vsctl add-port br0 nr$((n - 1)) -- set Interface nr$((n - 1)) ofport_request=$n; done
flows <<'END'
in_port=1,actions=output:2
in_port=2,actions=output:1
in_port=3,actions=push_vlan:0x8100,set_field:4103->vlan_vid,output:1
END
expect reaches a 10.0.0.2
in_host c ping -c 2 -i 0.2 -W 1 10.0.0.1 >/dev/null 2>&1 || true # nobody answers what comes with a tag

device=$(ctl offload status --json | python3 -c '
import json, sys
print(*(d["name"] for dp in json.load(sys.stdin)["datapaths"] for d in dp["devices"]))')
ctl offload profile "$device" >"$TMPDIR/probed.conf"
expect grep -q '^probed = yes$' "$TMPDIR/probed.conf"
expect grep -q '^ports = .*nr1' "$TMPDIR/probed.conf"
expect_not grep -q '^actions = .*push_vlan' "$TMPDIR/probed.conf"

# Flows in hardware, and those that are not for want of an action: as they are, and as the plan has it.
as_it_is() {
	ctl offload flows --json | python3 -c '
import json, sys
flows = [(f["state"], f["reason"]) for f in json.load(sys.stdin)]
print(sum(s == "hardware" for s, r in flows), sum(r == "action" for s, r in flows))'
}
as_planned() { # OPTION…
	ctl offload plan --live --seconds=0.1 --json "$@" | python3 -c '
import json, sys
plan = json.load(sys.stdin)
print(plan["hardware"]["flows"], sum(r["flows"] for r in plan["reasons"] if r["reason"] == "action"))'
}
on_fail() {
	ctl offload flows || true
	ctl offload plan --live --seconds=0.1 --device="$device" || true
	cat "$TMPDIR/probed.conf"
}
both_ways() {
	local is
	is=$(as_it_is)
	[[ $is != "0 "* && $is != *" 0" && $(as_planned --device="$device") == "$is" && $(as_planned --profile="$TMPDIR/probed.conf") == "$is" ]]
}
eventually both_ways
echo "flows in hardware, flows that lack an action: $(as_it_is)"
expect_not ctl offload plan --live --device=nosuch
expect_not ctl offload plan --live --device="$device" --profile=generic
stop_shuntd
