#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Three bridges in a row in one datapath, joined by patch ports: their ports' flows go through all of them and stand in TC as one
# rule, and each bridge counts what it saw, rules and patch ports alike, wherever it was switched.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

patch() { # BRIDGE PORT PEER
	vsctl add-port "$1" "$2" -- set Interface "$2" type=patch options:peer="$3"
}
flows_of() { # PORT STATE: how many that enter by it
	ctl offload flows --json | python3 -c '
import json, sys
print(sum(f["port"] == sys.argv[1] and f["state"] == sys.argv[2] for f in json.load(sys.stdin)))' "$@"
}
all_in() { # STATE
	local port
	for port in pa pb; do (($(flows_of $port "$1") > 0)) || return 1; done
	reaches a 10.0.0.2
}
count() { # BRIDGE: packets of its rule for pings
	ofctl dump-flows "$1" icmp | sed -n 's/.*n_packets=\([0-9]*\).*/\1/p'
}
patch_rx() { ofctl dump-ports "$1" "$2" | sed -n 's/.*rx pkts=\([0-9]*\),.*/\1/p'; } # BRIDGE PORT
counts() { echo "$(count br0) $(count br1) $(count br2) $(patch_rx br1 "10") $(patch_rx br1 "12")"; }
ping_and_count() { # WHERE
	local before now i
	read -ra before < <(counts)
	in_host a ping -q -c 20 -i 0.02 10.0.0.2 >/dev/null
	read -ra now < <(counts)
	for i in 0 1 2; do equal $((now[i] - before[i])) 40 "$1: packets of br$i"; done
	for i in 3 4; do equal $((now[i] - before[i])) 20 "$1: packets that came to br1 by a patch port"; done
}

start_shuntd
vsctl set Open_vSwitch . other_config:max-idle=600000
host a 10.0.0.1/24
host b 10.0.0.2/24
for b in br0 br1 br2; do system_bridge $b; done
patch br0 p01 p10
vsctl add-port br1 p10 -- set Interface p10 type=patch options:peer=p01 ofport_request=10
vsctl add-port br1 p12 -- set Interface p12 type=patch options:peer=p21 ofport_request=12
patch br2 p21 p12
vsctl add-port br0 pa -- set Interface pa other_config:offload=none
vsctl add-port br2 pb -- set Interface pb other_config:offload=none
for b in br0 br1 br2; do ofctl add-flow $b "priority=10,icmp,actions=normal"; done
eventually reaches a 10.0.0.2

eventually all_in software
ping_and_count "kernel datapath"
for p in pa pb; do vsctl set Interface $p other_config:offload=tc; done
eventually all_in tc
ping_and_count TC
expect test "$(flows_of pa tc)" -ge 1
step "a bridge in the middle goes, and comes again"
ofctl mod-flows br1 "icmp,actions=drop"
no_way() { ! reaches a 10.0.0.2; }
eventually no_way
ofctl mod-flows br1 "icmp,actions=normal"
eventually all_in tc
ping_and_count "TC again"
stop_shuntd
