#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sFlow on the user datapath: each packet once at rate 1, the right share at others, what becomes of a packet, VLANs, counters,
# several collectors, live changes, and what is said where it cannot be.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"
# shellcheck source=tests/system/sflow_lib.sh
. "$top/tests/system/sflow_lib.sh"

start_shuntd
vsctl add-br br0 -- set Bridge br0 datapath_type=netdev
two_hosts
collector c 6343

echo "--- each packet once"
sflow_on sampling=1 header=64
every_packet_once 20

echo "--- what becomes of it"
host c 10.0.0.3/24
ip link set br0 up
vsctl add-port br0 pc -- set Interface pc ofport_request=3
outcome() { # ACTIONS FORMAT VALUE: of requests alone, that nobody answers
	local had
	ofctl add-flow br0 "priority=40000,in_port=1,actions=$1"
	ovs-appctl -t "$dir/shuntd.$shuntd_pid.ctl" revalidator/wait
	had=$(told)
	expect_not pings -q -c 3 -i 0.02 -W 0.2 10.0.0.2
	eventually told_is $((had + 3))
	take_samples "$had"
	equal "$(word output_interface_format <"$dir/samples")" "$2 " "the output's form"
	equal "$(word output_interface_value <"$dir/samples")" "$3 " "the output"
}
outcome drop 1 256
outcome 3 0 "$(ifindex pc)"
outcome LOCAL,3 2 2
outcome mod_vlan_vid:7,mod_vlan_pcp:3,3 0 "$(ifindex pc)"
equal "$(word vlan_in <"$dir/samples")$(word pri_in <"$dir/samples")" "0 0 " "the tag that it came with"
equal "$(word vlan_out <"$dir/samples")$(word pri_out <"$dir/samples")" "7 3 " "the tag that it leaves with"
ofctl --strict del-flows br0 priority=40000,in_port=1

echo "--- one in so many"
one_in 4 300

echo "--- counters, and a second collector"
collector d 6344
set_sflow polling=1 'targets=["127.0.0.1:6343","127.0.0.1:6344"]'
has_counters() { [[ $(sflow counters "$dir/d.pcap" | word ifindex) == *"$(ifindex pa) "*"$(ifindex pc) "* ]]; }
eventually has_counters
packets_told() { # PORT: the last that was told is what the device counts
	local told
	told=$(sflow counters "$dir/d.pcap" | grep "\bifindex=$(ifindex "$1")\b" | tail -n 1 | grep -o 'ifinpkt=[0-9]*' | cut -d= -f2)
	[[ $told == "$(<"/sys/class/net/$1/statistics/rx_packets")" ]]
}
eventually packets_told pa
equal "$(sflow counters "$dir/d.pcap" | word ifadmin_status)" "1 " "the ports are up"
set_sflow polling=0 sampling=1
eventually sampled_at 1
had=$(told)
expect pings -q -c 40 -i 0.02 -W 5 10.0.0.2
eventually told_is $((had + 80))
sflow datagrams "$dir/d.pcap" | grep -n numsamples >"$dir/d" || fail "the second collector got nothing"
equal "$(tail -n 1 "$dir/d" | cut -d: -f2)" "$(sflow datagrams "$dir/c.pcap" | tail -n 1)" "what both collectors got last"

echo "--- what cannot be is said"
says() { [[ $(vsctl get Bridge br0 status:sflow_error 2>/dev/null) == *"$1"* ]]; }
set_sflow agent=nosuchdevice0
eventually says nosuchdevice0
eventually_not flows_sample
set_sflow agent=lo
eventually_not says .
expect pings -q -c 2 -i 0.02 -W 5 10.0.0.2
eventually flows_sample
set_sflow 'targets="collector.example:6343"'
eventually says "it is written"
eventually_not flows_sample
sflow_off
eventually_not says .
expect pings -q -c 5 -i 0.02 -W 5 10.0.0.2
expect_not flows_sample
equal "$(metric shunt_sflow_dropped_total)" 0 "dropped samples"
stop_shuntd
