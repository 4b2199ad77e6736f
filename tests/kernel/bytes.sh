# Bytes mean the same on every tier, sourced after tests/kernel/lib.sh: frames of known length go from host a through br0, and each
# rule of OpenFlow counts those that it saw, as long as they were by then, whoever switched them.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

copies=0
bytes_rules() { # OUTPUT
	flows <<EOF
table=0,cookie=1,dl_dst=02:00:00:00:00:01,ip,actions=output:$1
table=0,cookie=2,dl_dst=02:00:00:00:00:02,dl_vlan=5,actions=pop_vlan,output:$1
table=0,cookie=3,dl_dst=02:00:00:00:00:03,ip,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:$1
table=0,cookie=4,dl_dst=02:00:00:00:00:04,dl_vlan=7,actions=pop_vlan,output:$1
table=0,cookie=5,dl_dst=02:00:00:00:00:05,mpls,actions=pop_mpls:0x0800,goto_table:1
table=0,cookie=6,dl_dst=02:00:00:00:00:06,mpls,actions=pop_mpls:0x8847,goto_table:1
table=0,cookie=7,dl_dst=02:00:00:00:00:07,dl_vlan=5,actions=pop_vlan,goto_table:3
table=1,cookie=0x15,dl_dst=02:00:00:00:00:05,ip,nw_dst=10.0.0.2,actions=output:$1
table=1,cookie=0x16,dl_dst=02:00:00:00:00:06,mpls,actions=pop_mpls:0x0800,goto_table:2
table=2,cookie=0x26,dl_dst=02:00:00:00:00:06,ip,nw_dst=10.0.0.2,actions=output:$1
table=3,cookie=0x37,dl_dst=02:00:00:00:00:07,mpls,actions=pop_mpls:0x0800,goto_table:4
table=4,cookie=0x47,dl_dst=02:00:00:00:00:07,ip,nw_dst=10.0.0.2,actions=output:$1
EOF
	copies=0
}
send_frames() { # COPIES
	in_host a python3 "$top/tests/kernel/bytes.py" eth0 "$1"
	((copies += $1))
}
# "COOKIE PACKETS BYTES" of each rule; of a frame as long as it was when the datapath looked it up.
told() {
	ovs-ofctl -O OpenFlow13 dump-flows br0 | sed -n 's/.*cookie=\([^,]*\),.*n_packets=\([0-9]*\), n_bytes=\([0-9]*\),.*/\1 \2 \3/p' | sort
}
right() {
	local cookie length
	while read -r cookie length; do echo "$cookie $copies $((copies * length))"; done <<EOF | sort
0x1 92
0x2 96
0x3 92
0x4 100
0x5 96
0x6 100
0x7 100
0x15 92
0x16 100
0x26 92
0x37 100
0x47 92
EOF
}
bytes_agree() { [[ $(told) == "$(right)" ]]; }
exact_bytes() { # WHO
	echo "--- $SECONDS $1, $copies copies"
	eventually bytes_agree
}
on_fail() { diff <(right) <(told) || true; } # wanted and got
# Megaflows of frames whose state is one of these.
frames_in() { # STATE…
	ctl offload flows --json | python3 -c '
import json, sys
print(sum(f["state"] in sys.argv[1:] and "dst=02:00:00:00:00:0" in f["match"] for f in json.load(sys.stdin)))' "$@"
}
placed() { # COUNT STATE…
	send_frames 1 # they stay
	(($(frames_in "${@:2}") >= $1))
}
