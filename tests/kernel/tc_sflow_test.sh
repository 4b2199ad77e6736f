#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sFlow of flows that TC's software switches: what act_sample takes arrives by psample, with the ports, the outcome and the length
# that the datapath would tell, once for each packet at rate 1, over a restart too; what TC would tell wrongly stays out of it.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/sflow_lib.sh
. "$top/tests/system/sflow_lib.sh"

in_tier() { # TIER N: so many flows are there
	ctl offload flows --json | python3 -c '
import json, sys
sys.exit(sum(f["state"] == sys.argv[1] for f in json.load(sys.stdin)) != int(sys.argv[2]))' "$@"
}
both_in_tc() { in_tier tc 2; }
tc_samples() { # RATE
	local port
	for port in pa pb; do [[ $(tc filter show dev $port ingress) == *"action order 1: sample rate 1/$1 "* ]] || return 1; done
}
everywhere_at() { sampled_at "$1" && both_in_tc && tc_samples "$1"; }
seen_by_action() { # packets of pa
	tc -s -j filter show dev pa ingress | python3 -c '
import json, sys
print(sum(a["stats"]["packets"] for f in json.load(sys.stdin) for a in f.get("options", {}).get("actions", ()) if a["kind"] == "sample"))'
}

start_shuntd
system_bridge br0
two_hosts
vsctl set Interface pa other_config:offload=tc -- set Interface pb other_config:offload=tc
collector c 6343

step "each packet once, those that made the flows too"
sflow_on sampling=1 header=64
every_packet_once 10
eventually both_in_tc
expect tc_samples 1
had=$(seen_by_action)
every_packet_once 10
equal "$(seen_by_action)" $((had + 10)) "what act_sample has seen"

step "one in so many"
one_in 4 150

step "a new process knows what the rules of the former one sample"
kill_shuntd
forget_collected c 6343
start_shuntd
eventually flows_sample
eventually both_in_tc
ofctl add-flow br0 in_port=1,actions=2
ofctl add-flow br0 in_port=2,actions=1
eventually both_in_tc
every_packet_once 10

step "a packet with a tag stays out of TC, and is told of with it"
three_tagged
equal "$(word vlan_in <"$dir/samples")$(word header_sampled_header_length <"$dir/samples")" "5 64 " "the tag, the header"
untagged() { [[ $(ctl offload flows reason=action) == *"without their VLAN tag"* || $(ctl offload flows --json) == *"without their VLAN tag"* ]]; }
eventually untagged

step "off"
sflow_off
eventually_not tc_samples 1
stop_shuntd
