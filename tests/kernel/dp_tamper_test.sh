#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Flows of the kernel's datapath that somebody else takes out are put back, and those that somebody changes do again what they
# should; none is taken for changed because the kernel tells it in words of its own.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

changed_back() { curl -sf http://127.0.0.1:9310/metrics | awk '/^shunt_megaflow_events_total.*event="changed_back"/ { print $NF }'; }
histories() { for flow in $(kernel_flows); do ctl offload why "${flow#ufid:}"; done; }

start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
host a 10.0.0.1/24
host b 10.0.0.2/24
ofctl add-flow br0 'priority=1,ip,actions=mod_nw_tos:32,NORMAL'
for p in pa pb; do vsctl add-port br0 "$p" -- set Interface "$p" other_config:offload=none; done
expect reaches a 10.0.0.2
eventually same_flows

step "somebody takes all flows out"
in_host a ping -q -i 0.02 -c 150 -W 5 10.0.0.2 >"$dir/ping" &
pinging=$!
sleep 0.5
ovs-dpctl del-flows
wait "$pinging"
expect grep -q ' 150 received' "$dir/ping"
eventually same_flows
expect grep -q 'somebody else took out [0-9]* flows: put back' "$dir/shuntd.log"

histories >"$dir/why"
expect grep -q 'somebody else took it out of the datapath: it was put there again' "$dir/why"

step "somebody changes one: it drops now, counts on, and forwards again"
# What is counted of all that came in: the difference stays as it is.
uncounted() { echo $(($(linux_rx packets pa pb) - $(flows_count packet br0))); }
as_before() { [[ $(uncounted) == "$before" ]]; }
settled() { before=$(uncounted) && sleep 1 && as_before; }
eventually settled
flow=$(ovs-dpctl -m dump-flows | grep -m 1 'eth_type(0x0800).*actions:set')
ovs-dpctl mod-flow "${flow%%, packets*}" '' # no actions: Debian's word "drop" is an action that newer kernels have
in_host a ping -q -c 3 -i 0.1 -W 1 10.0.0.2 >"$dir/ping" || true # dropped, unless it is found out at once
eventually reaches a 10.0.0.2
eventually same_flows
eventually as_before
expect grep -q 'somebody else changed 1 flows: changed back' "$dir/shuntd.log"
expect test "$(changed_back)" = 1
histories >"$dir/why"
expect grep -q 'somebody else changed what it does in the datapath: it was changed back' "$dir/why"

stop_shuntd
