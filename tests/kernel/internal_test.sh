#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The host's own traffic by a bridge's internal port, with its rules in TC: what the host sends is met at the egress of its device,
# what goes to the host enters at the ingress.  Every packet and byte is counted once, also by OpenFlow's port and the Interface,
# though the device sees only what TC leaves to the datapath.
STREAMS=${STREAMS:-4} PPS=${PPS:-200}
# shellcheck source=tests/kernel/exact.sh
. "${srcdir:-.}/tests/kernel/exact.sh"

# The host is the generator's place.
streams_on() {
	python3 "$top/tests/kernel/stream.py" br0 "$mac_b" $((SHUNT_SEED + runs)) "$STREAMS" "$PPS" $FIRST >"$dir/sent.$runs" &
	sender=$!
	eventually test -s "$dir/sent.$runs"
	runs=$((runs + 1))
}
device_misses() { # what the host sends: TC has it ahead of the driver
	[[ $(linux_port_here br0 tx | sum) != "$(of_port rx br0)" ]]
}
linux_port_here() { cat "/sys/class/net/$1/statistics/$2_packets" "/sys/class/net/$1/statistics/$2_bytes" | xargs; }
# Both directions, all that there is: as the rules have it, OpenFlow's port and the Interface.
by_rules() { # IN_PORT
	ofctl dump-flows br0 "$1" | sed -n 's/.*n_packets=\([0-9]*\), n_bytes=\([0-9]*\),.*/\1 \2/p' | sum
}
all_agree() {
	[[ $(minus "$(of_port rx br0)" "$base_rx") == "$(by_rules in_port=LOCAL)" && $(minus "$(of_port tx br0)" "$base_tx") == "$(by_rules in_port=pb)" ]]
}
base_both() { base_rx=$(of_port rx br0) base_tx=$(of_port tx br0); }
in_database() {
	local k now=''
	for k in rx_packets rx_bytes tx_packets tx_bytes; do
		now+="$(vsctl get Interface br0 "statistics:$k") "
	done
	[[ $now == "$(of_port rx br0) $(of_port tx br0) " ]]
}
egress_rules() { tc filter show dev br0 egress | grep -c cookie || true; }
host_sends() { # as iproute2 sees it: each rule, and nothing elsewhere
	[[ $(egress_rules) -ge $STREAMS && $(tc filter show dev br0 ingress | grep -c cookie) == 0 ]]
}

host b 10.0.0.2/24
start_shuntd
system_bridge br0
vsctl set-fail-mode br0 secure -- set Open_vSwitch . other_config:max-idle=600000
vsctl set Interface br0 other_config:offload=tc -- add-port br0 pb -- set Interface pb other_config:offload=tc
ip link set br0 up
ip addr add 10.0.0.1/24 dev br0
mac_b=$(in_host b cat /sys/class/net/eth0/address)
# shellcheck disable=SC2034 # exact.sh's
port_a=br0 port_b=pb
in_host b ip neigh replace 10.0.0.1 lladdr "$(</sys/class/net/br0/address)" nud permanent dev eth0
in_host b ip addr flush dev eth0
put_rules
base
restart_and_count tc kill_shuntd
expect host_sends
expect device_misses
replace_and_count tc
toggle_and_count tc

step "real programs, both ways"
ofctl del-flows br0
for match in in_port=LOCAL in_port=pb; do # pings have a rule of their own: the hosts may ask for addresses, too
	ofctl add-flow br0 "priority=1,$match,actions=normal"
	ofctl add-flow br0 "priority=2,$match,icmp,actions=normal"
done
base_both
pinged() { [[ $(packets in_port=LOCAL,icmp) == "$1" && $(packets in_port=pb,icmp) == "$1" ]]; }
in_host b ip addr add 10.0.0.2/24 dev eth0
ip neigh replace 10.0.0.2 lladdr "$mac_b" nud permanent dev br0 # ping's packets are all that there are
expect ping -q -c 5 -i 0.05 -W 1 10.0.0.2
eventually all_in tc 2
expect ping -q -c 20 -i 0.02 -W 1 10.0.0.2
eventually pinged 25
eventually all_agree
expect test "$(tc -s filter show dev pb ingress | grep -c 'Ingress Redirect to device br0')" -ge 1
iperf3 -s -1 -B 10.0.0.1 >/dev/null 2>&1 &
eventually bash -c 'ss -Hltn sport = :5201 | grep -q .'
in_host b iperf3 -c 10.0.0.1 -t 1 >/dev/null
eventually all_agree
eventually in_database

step "offload off for the internal port: its rules go, its qdisc too, and the host is still heard"
vsctl set Interface br0 other_config:hw-offload=false
no_egress_rules() { [[ $(egress_rules) == 0 ]]; }
eventually no_egress_rules
expect ping -q -c 3 -i 0.05 -W 1 10.0.0.2
stop_shuntd
