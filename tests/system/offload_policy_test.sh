#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who gets a NIC's entries, live: limits, the policies, pins by cookie, bridge and port; a bad value is said and left
# out of account; and every packet is counted through all of it.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
host a 10.0.0.1/24
host b 10.0.0.2/24
ip -n b addr add 10.0.0.3/24 dev eth0
vsctl add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 pa -- set Interface pa other_config:offload=sim:generic \
	-- add-port br0 pb -- set Interface pb other_config:offload=sim:generic
ofctl del-flows br0
ofctl add-flow br0 "priority=10,actions=NORMAL"
for address in nw_src nw_dst; do
	ofctl add-flow br0 "cookie=0xaa2,priority=50,icmp,$address=10.0.0.2,actions=NORMAL"
	ofctl add-flow br0 "cookie=0xaa3,priority=50,icmp,$address=10.0.0.3,actions=NORMAL"
done
# Two entries: for a stream's two directions, and no more.
vsctl set Open_vSwitch . other_config:offload-max-entries=2 other_config:offload-min-residency=0 other_config:offload-fair-share=0

# Which addresses of b have flows in hardware.
in_hw() { ctl offload flows icmp --json | python3 -c '
import json, re, sys
hw = [f for f in json.load(sys.stdin) if f["state"] == "hardware"]
print(*sorted(set(re.findall("10\\.0\\.0\\.[23]", json.dumps(hw)))))'; }
on_fail() { ctl offload flows icmp || true; }
are() { [[ $(in_hw) == "$1" ]]; }
limited() { ctl offload flows icmp --json | grep -q port_limit; }
background() { # ADDRESS INTERVAL
	in_host a sh -c "echo \$\$ >'$dir/pid.$1'; exec ping -q -i $2 -w 300 $1" >"$dir/ping.$1" &
}
background 10.0.0.2 0.01
background 10.0.0.3 0.2

eventually are 10.0.0.2 # which carries more
vsctl set Open_vSwitch . other_config:offload-policy=pinned -- set Bridge br0 other_config:offload-pin=cookie=0xaa3/0xfff
eventually are 10.0.0.3
vsctl set Bridge br0 other_config:offload-pin=cookie=2/0xf
eventually are 10.0.0.2
vsctl remove Bridge br0 other_config offload-pin -- set Open_vSwitch . other_config:offload-pin=cookie=0xff,cookie=0xaa3
eventually are 10.0.0.3
vsctl set Open_vSwitch . other_config:offload-policy=rate # where pins mean nothing
eventually are 10.0.0.2
vsctl set Open_vSwitch . other_config:offload-policy=greedy # first come stays
sleep 2
equal "$(in_hw)" 10.0.0.2 "flows in hardware, first come"

# A limit of a port, and then room for all.
vsctl set Open_vSwitch . other_config:offload-max-entries=8 other_config:offload-policy=rate \
	-- set Interface pa other_config:offload-max-entries=1
eventually limited
vsctl remove Interface pa other_config offload-max-entries
eventually are "10.0.0.2 10.0.0.3"

# A limit of the whole switch below what is there: what carries less leaves, and comes back.
vsctl set Open_vSwitch . other_config:offload-max-total=2
eventually are 10.0.0.2
[[ $(ctl offload status) == *"limits allow 2"* ]] || fail "the status does not tell the limit"
vsctl remove Open_vSwitch . other_config offload-max-total
eventually are "10.0.0.2 10.0.0.3"

for key in offload-policy=best offload-fair-share=101 offload-max-churn=-1 offload-max-total=-1 offload-pin=cookie=x offload-min-residency=1s; do
	vsctl set Open_vSwitch . "other_config:$key"
	eventually grep -q "Open_vSwitch: other_config:${key%%=*}: \"${key#*=}\" is not" "$dir/shuntd.log"
	vsctl remove Open_vSwitch . other_config "${key%%=*}"
done
vsctl set Interface pa other_config:offload-pin=maybe
eventually grep -q 'pa: other_config:offload-pin: "maybe" is not true or false' "$dir/shuntd.log"
are "10.0.0.2 10.0.0.3" || fail "a bad value changes something"
evictions=$(curl -sf http://127.0.0.1:9310/metrics | sed -n 's/^shunt_offload_operations_total{.*operation="eviction".*} //p')
[[ $evictions -ge 6 ]] || fail "$evictions evictions are counted"

kill -INT "$(<"$dir/pid.10.0.0.2")" "$(<"$dir/pid.10.0.0.3")" # which says what it has sent
ended() { grep -q transmitted "$dir/ping.10.0.0.2" && grep -q transmitted "$dir/ping.10.0.0.3"; }
eventually ended
counted() { ofctl dump-flows br0 "cookie=$1/-1" | sed -n 's/.*n_packets=\([0-9]*\),.*/\1/p' | paste -sd+ | bc; }
sent() { awk '/packets transmitted/ { print $1 + $4 }' "$dir/ping.$1"; }
all_counted() { [[ $(counted 0xaa2) == "$(sent 10.0.0.2)" && $(counted 0xaa3) == "$(sent 10.0.0.3)" ]]; }
eventually all_counted
