#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Flows of the kernel's datapath that somebody else takes out are put back.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
host a 10.0.0.1/24
host b 10.0.0.2/24
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
stop_shuntd
