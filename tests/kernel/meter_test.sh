#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenFlow's meters, with the kernel doing the work.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

ofctl() { ovs-ofctl -O OpenFlow13 "$@"; }
# COUNTER of meter 7: packet_in_count, or packet_count of its band.
meter() { ofctl meter-stats br0 meter=7 | grep -oE "(^| )$1:[0-9]+" | cut -d: -f2; }
packets() { ofctl dump-flows br0 "$1" | grep -oE ' n_packets=[0-9]*' | cut -d= -f2; }
# Pings that are answered, of N.
answered() { in_host a ping -q -c "$1" -i 0.002 -W 1 10.0.0.2 | grep -oE '[0-9]+ received' | cut -d' ' -f1; }

start_shuntd
system_bridge br0
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-port br0 pa -- set Interface pa ofport_request=1 -- add-port br0 pb -- set Interface pb ofport_request=2
ofctl del-flows br0

step "what the kernel can do is what is said"
expect grep -q 'band_types: drop' <<<"$(ofctl meter-features br0)"
expect grep -q 'capabilities: kbps pktps burst stats' <<<"$(ofctl meter-features br0)"
expect_not ofctl add-flow br0 'in_port=1,actions=meter:7,2'

step "a meter drops what is too much, and counts it"
expect ofctl add-meter br0 meter=7,pktps,burst,stats,band=type=drop,rate=1,burst_size=20
ofctl add-flow br0 priority=1,actions=normal
ofctl add-flow br0 priority=10,icmp,in_port=1,actions=meter:7,2
got=$(answered 200)
expect test "$got" -ge 20 -a "$got" -lt 150
expect grep -q 'actions:meter(7),' <<<"$(ovs-dpctl dump-flows)"
equal "$(meter packet_in_count)" 200 "packets that the meter saw"
equal "$(meter packet_count)" $((200 - got)) "packets that the band dropped"
counted() { [[ $(packets icmp,in_port=1) == "$1" ]]; }
eventually counted 200

step "a change of rates keeps the counts"
expect ofctl mod-meter br0 meter=7,kbps,stats,band=type=drop,rate=1000000
equal "$(meter packet_in_count) $(meter packet_count)" "200 $((200 - got))" "counts after the change"
equal "$(answered 100)" 100 "answers within the rate"
equal "$(meter packet_in_count) $(meter packet_count)" "300 $((200 - got))" "counts after more packets"

step "a meter that goes takes its flows along"
expect ofctl del-meter br0 meter=7
expect_not grep -q meter <<<"$(ofctl dump-flows br0)"
equal "$(answered 20)" 20 "answers by the other flow"
gone() { ! ovs-dpctl dump-flows | grep -q 'meter('; }
eventually gone

step "after a restart a controller sets it all up again"
for _ in 1 2; do
	ofctl add-meter br0 meter=7,kbps,stats,band=type=drop,rate=1000000
	ofctl add-flow br0 priority=10,icmp,in_port=1,actions=meter:7,2
	equal "$(answered 20)" 20 "answers"
	equal "$(meter packet_in_count)" 20 "packets of a new meter"
	stop_shuntd
	start_shuntd
	eventually vsctl br-exists br0
done
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
