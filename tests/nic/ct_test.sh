#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a NIC can do is found out by trying it, and the trials leave nothing; OpenFlow's ct in a NIC: what is new is the kernel's,
# what is established the NIC's.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"
needs_two_passes

can() { # PYTHON about the set f of fields that are matched, the set r of those rewritten, the set a of actions
	ctl offload caps "$device" --json | python3 -c '
import json, sys
c = json.load(sys.stdin)
f, r, a = {x["field"] for x in c["fields"]}, set(c["set_fields"]), set(c["actions"])
sys.exit(not eval(sys.argv[1]))' "$1"
}

nic 2 refuse=vlan,vlan_push
start_shuntd
system_bridge br0
vsctl add-port br0 nr0 -- set Interface nr0 ofport_request=1 -- add-port br0 nr1 -- set Interface nr1 ofport_request=2
device=tc:$(</sys/class/net/nr0/phys_switch_id)

step "capabilities are this device's own, and the trials are gone"
eventually can '"recirc" in a'
expect can '{"ct", "ct_clear", "output", "drop", "set", "meter"} <= a and not {"push_vlan", "pop_vlan", "sample"} & a'
expect can '{"dl_src", "nw_dst", "tcp_dst", "ct_state"} <= f and not {"vlan_vid", "vlan_pcp"} & f and "nw_dst" in r'
equal "$(nic_rules)" 0 "rules in the NIC"
equal "$(tc filter show dev nr0 ingress)$(tc chain show dev nr0 ingress | grep -vw 'chain 0')" "" "what the trials left"

step "a firewall with memory, in the NIC"
flows <<'FLOWS'
table=0,priority=10,arp,actions=normal
table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)
table=1,in_port=1,ip,ct_state=+trk+new,actions=ct(commit),2
table=1,in_port=1,ip,ct_state=+trk+est,actions=2
table=1,in_port=2,ip,ct_state=+trk+new,actions=drop
table=1,in_port=2,ip,ct_state=+trk+est,actions=1
FLOWS
in_host b iperf3 -s >/dev/null 2>&1 &
eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
in_host a iperf3 -c 10.0.0.2 -t 3 -b 20M >/dev/null
hardware_share() { # of the packets of established connections, as iproute2 tells; in percent
	tc -s filter show dev nr0 ingress | python3 -c '
import re, sys
rule = [r for r in re.split(r"(?m)^filter .*handle", sys.stdin.read()) if "ct_state +trk-new+est" in r and re.search(r"\bin_hw\b", r)][0]
total = int(re.search(r"Sent \d+ bytes (\d+) pkt", rule)[1])
print(100 * int(re.search(r"Sent hardware \d+ bytes (\d+) pkt", rule)[1]) // total)'
}
expect test "$(hardware_share)" -ge 80
many() { (($(packets table=1,in_port=1) > 1000)); }
eventually many
same() { [[ $(packets table=0,ip) == "$(packets table=1)" ]]; }
eventually same
expect_not in_host b timeout 3 python3 -c 'import socket; socket.create_connection(("10.0.0.1", 5201), 2)'
stop_shuntd
