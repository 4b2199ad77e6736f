#!/usr/bin/env bash
# nicsim is a NIC as TC knows one: rules go in with skip_sw and say in_hw, frames pass between its ports unseen by the host, the
# counters are the NIC's and exact, the table fills up, what its profile lacks is refused in words.  Plain tc, ip and ping.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=tests/lab/net.sh
. "$(dirname "$0")/net.sh"
# shellcheck source=tests/lab/nic_lib.sh
. "$(dirname "$0")/nic_lib.sh"

rx() { cat "/sys/class/net/$1/statistics/rx_packets"; }
cpu_hit() { ip -s -j link show dev "$1" xstats >/dev/null 2>&1; ip -d stats show dev "$1" group offload subgroup cpu_hit | awk '/RX:/ { getline; print $2 }'; }

nic ports=2 table=4

step "one switch: the same id, names of ports, the driver"
equal "$(cat /sys/class/net/{n,nr0,nr1}/phys_switch_id | sort -u | wc -l)" 1 "switch ids"
equal "$(cat /sys/class/net/{n,nr0,nr1}/phys_port_name | xargs)" "p0 pf0vf0 pf0vf1" "port names"
equal "$(ethtool -i nr0 | head -n 1)" "driver: nicsim"
equal "$(ethtool -k nr0 | grep hw-tc-offload)" "hw-tc-offload: on"

step "without rules, frames come up at the representor"
in_host a ping -q -c 2 -i 0.05 -W 0.2 10.0.0.2 >/dev/null || true
equal "$(rx nr0)" 2 "frames at the representor"

step "rules in the NIC carry frames that the host does not see, and count them"
connect
equal "$(in_hw nr0) $(in_hw nr1)" "1/1 1/1" "rules in hardware"
seen=$(cpu_hit nr0)
expect pings a 10.0.0.2 10
equal "$(rule_packets nr0) $(rule_packets nr1)" "10 10" "packets"
equal "$(cpu_hit nr0)" "$seen" "what the host saw"
equal "$(rx nr0)" 12 "what the port counts"
text=$(tc -s filter show dev nr0 ingress)
[[ $text == *"Sent hardware 980 bytes 10 pkt"* ]] || fail "not the NIC's bytes: $text"

step "the uplink is a port like the others"
rule n ingress protocol ip flower skip_sw dst_ip 10.0.0.1 action mirred egress redirect dev nr0
disconnect
rule nr0 ingress protocol ip flower skip_sw dst_ip 10.0.0.9 action mirred egress redirect dev n
rule n ingress protocol ip flower skip_sw dst_ip 10.0.0.1 action mirred egress redirect dev nr0
expect pings a 10.0.0.9
disconnect

step "a full table says so, and takes rules again when there is room"
connect ip_proto icmp
connect ip_proto tcp
refused "nicsim: the flow table is full" n ingress protocol ip flower skip_sw action drop
equal "$(info full) $(info rules)" "1 4"
rule n ingress protocol ip flower action drop # without skip_sw it goes in all the same
equal "$(in_hw n)" "0/1" "rules in hardware of the uplink"
tc filter del dev n ingress
disconnect
equal "$(info rules)" 0 "rules in the NIC"
command table 1000

step "what the profile lacks is refused by name, until it is allowed"
command refuse vlan,police
refused "nicsim: no match on vlan" nr0 ingress protocol 802.1q flower skip_sw vlan_id 5 action drop
refused "nicsim: no action police" nr0 ingress protocol ip flower skip_sw action police rate 1mbit burst 10k conform-exceed drop/pipe action mirred egress redirect dev nr1
command allow vlan,police
rule nr0 ingress protocol 802.1q flower skip_sw vlan_id 5 action drop
disconnect
refused "do not end with an output" nr0 ingress protocol ip flower skip_sw action vlan push id 5 pipe
ip link add name other type dummy
refused "no port of this NIC" nr0 ingress protocol ip flower skip_sw action mirred egress redirect dev other
text=$(tc filter add dev nr0 ingress protocol ip flower verbose action mirred egress redirect dev other 2>&1)
[[ $text == *"no port of this NIC"* ]] || fail "verbose says: $text"
disconnect

step "hw-tc-offload cannot be turned off under rules, and no rule goes in without it"
connect
expect_not ethtool -K nr0 hw-tc-offload off
disconnect
ethtool -K nr0 hw-tc-offload on
expect ethtool -K nr0 hw-tc-offload off
refused offload nr0 ingress protocol ip flower skip_sw action drop
expect ethtool -K nr0 hw-tc-offload on

step "the first rule by priority wins"
rule nr0 ingress prio 2 protocol ip flower skip_sw dst_ip 10.0.0.0/24 action drop
rule nr0 ingress prio 1 protocol ip flower skip_sw dst_ip 10.0.0.2 action mirred egress redirect dev nr1
rule nr1 ingress protocol ip flower skip_sw action mirred egress redirect dev nr0
expect pings a 10.0.0.2
expect_not pings a 10.0.0.9 1
equal "$(rule_packets nr0)" 4
disconnect

step "a block that ports share"
tc qdisc del dev nr0 ingress
tc qdisc del dev nr1 ingress
tc qdisc add dev nr0 ingress_block 7 ingress
tc qdisc add dev nr1 ingress_block 7 ingress
tc filter add block 7 protocol ip flower skip_sw dst_ip 10.0.0.2 action mirred egress redirect dev nr1
tc filter add block 7 protocol ip flower skip_sw dst_ip 10.0.0.1 action mirred egress redirect dev nr0
equal "$(info rules)" 4 "rules, two on each of two ports"
expect pings a 10.0.0.2 5
equal "$(tc -s filter show block 7 | awk '/Sent hardware/ { s += $5 } END { print s }')" 10 "packets"
tc filter del block 7

step "a NIC that goes takes its rules along"
connect_after() { tc qdisc del dev "$1" ingress_block 7 ingress; tc qdisc add dev "$1" ingress; }
connect_after nr0
connect_after nr1
connect
in_host a ping -q -i 0.01 -w 2 10.0.0.2 >/dev/null 2>&1 &
sleep 0.3
echo "del n" >$nicsim/control
[[ ! -e /sys/class/net/nr0 && ! -e $nicsim/n ]] || fail "it is still there"
wait
echo ok
