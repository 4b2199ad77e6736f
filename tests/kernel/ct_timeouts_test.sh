#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Timeouts of connections by zone (ovs-vsctl add-zone-tp): who commits in the zone gets them, other zones do not, and a change
# holds for connections from then on; and what a killed process leaves of them.  The kernel's own are 30 s for one-sided UDP and for ICMP.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

# Seconds that the zone's connections of a protocol have left, the most of them.
left() { # ZONE PROTOCOL
	ovs-dpctl -s dump-conntrack "zone=$1" | grep "^$2," | grep -o 'timeout=[0-9]*' | cut -d= -f2 | sort -n | tail -n 1
}
between() { # LEAST MOST ZONE PROTOCOL
	local s
	s=$(left "$3" "$4") && ((s >= $1 && s <= $2))
}
# New connections of both protocols have so long, however slow the machine is: what is expected differs tenfold.
have() { # ZONE UDP-LEAST UDP-MOST ICMP-LEAST ICMP-MOST
	ovs-dpctl flush-conntrack
	in_host a ping -q -c 1 -W 2 10.0.0.2 >/dev/null || return
	in_host a python3 -c 'import socket; socket.socket(2, 2).sendto(b"x", ("10.0.0.2", 9))'
	between "$2" "$3" "$1" udp && between "$4" "$5" "$1" icmp
}

# The kernel's timeout policies by name, of this network namespace (nfnetlink_cttimeout.h); or makes one, for UDP.
policies() { # [add NAME]
	python3 - "$@" <<-'END'
		import socket, struct, sys
		NEW, GET, SUBSYS = 0, 1, 8
		def attr(kind, data):
		    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
		s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
		body, what, flags = bytes(4), GET, 0x301  # request, dump
		if sys.argv[1:]:
		    body += attr(1, sys.argv[2].encode() + b"\0") + attr(2, b"\0\2") + attr(3, b"\x11")
		    body += attr(4 | 0x8000, attr(1 | 0x4000, struct.pack(">I", 77)))
		    what, flags = NEW, 0x605  # request, acknowledge, create, exclusive
		s.send(struct.pack("=IHHII", 16 + len(body), SUBSYS << 8 | what, flags, 1, 0) + body)
		names, done = [], False
		while not done:
		    data = s.recv(65536)
		    while data:
		        length, kind = struct.unpack_from("=IH", data)
		        if kind in (2, 3):  # an error or acknowledgement, the end
		            code = struct.unpack_from("=i", data, 16)[0]
		            sys.exit("netlink: %d" % code) if code else None
		            done = True
		            break
		        names.append(data[24:].split(b"\0", 1)[0].decode())
		        data = data[(length + 3) & ~3:]
		print("\n".join(sorted(names)))
	END
}
on_fail() {
	vsctl list-zone-tp system
	policies
	ovs-dpctl dump-flows
	ovs-ofctl -O OpenFlow13 dump-flows br0
}
no_policies() { [[ -z $(policies) ]]; }

start_shuntd
system_bridge br0
host a 10.0.0.1/24
host b 10.0.0.2/24
for p in pa pb; do vsctl add-port br0 "$p" -- set Interface "$p" other_config:offload=none; done
vsctl -- --id=@d create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:system=@d >/dev/null

step "the row of the datapath says what it can do"
equal "$(metric 'shunt_datapath_available{datapath="system"}')" 1 "whether there is a kernel's datapath"
# As the other table of the same has it: a label and what the row says.
can() { # KEY LABEL
	local row shown
	row=$(vsctl get Datapath . "capabilities:$1" | tr -d '"')
	shown=$(appctl dpif/show-dp-features br0 | sed -n "s/^$2: //p")
	case $shown in Yes) shown=true ;; No) shown=false ;; esac
	equal "$row" "$shown" "$1"
}
eventually vsctl get Datapath . capabilities:ufid
can max_vlan_headers 'Max VLAN headers'
can ct_zone 'CT zone'
can ct_timeout 'Conntrack timeout policy'
can explicit_drop_action 'Explicit Drop action'
equal "$(vsctl get Datapath . capabilities:recirc)" '"true"' recirc
equal "$(vsctl get Datapath . capabilities:tnl_push_pop)" '"false"' tnl_push_pop

rules() { # ZONE
	flows <<-END
		table=0,priority=10,ip,ct_state=-trk,actions=ct(zone=$1,table=1)
		table=0,priority=1,actions=NORMAL
		table=1,ip,ct_state=+trk+new,actions=ct(commit,zone=$1),NORMAL
		table=1,ip,ct_state=+trk-new,actions=NORMAL
	END
}
rules 5

step "without a policy the kernel's own"
eventually have 5 1 30 1 30

step "with one of the zone"
vsctl add-zone-tp system zone=5 udp_single=300 udp_multiple=310 icmp_first=400
expect grep -q 'Zone:5' <(vsctl list-zone-tp system)
eventually have 5 100 300 100 400
in_datapath() { # packets keep the flows there
	in_host a ping -q -c 1 -W 2 10.0.0.2 >/dev/null || return
	grep -q 'timeout=shunt_' <(ovs-dpctl dump-flows)
}
eventually in_datapath

step "it holds for that zone alone"
rules 6
eventually have 6 1 30 1 30
rules 5

step "another one takes its place"
vsctl del-zone-tp system zone=5
vsctl add-zone-tp system zone=5 udp_single=4000
eventually have 5 1000 4000 1 30

step "the first one again, which is half gone by now"
sleep 3
vsctl del-zone-tp system zone=5
vsctl add-zone-tp system zone=5 udp_single=300 udp_multiple=310 icmp_first=400
eventually have 5 100 300 100 400

step "and none at all"
vsctl del-zone-tp system zone=5
eventually have 5 1 30 1 30
eventually no_policies

step "a process that was killed has left its policies: the next one has the same"
vsctl add-zone-tp system zone=5 udp_single=300 icmp_first=400
eventually in_datapath
left=$(policies)
expect test -n "$left"
kill_shuntd
start_shuntd
rules 5
eventually in_datapath
equal "$(policies)" "$left" "the policies"
eventually have 5 100 300 100 400

step "one that wants none takes them away, once no flow names them; somebody else's stay"
kill_shuntd
rm "$dir/conf.db"
policies add shunt_of_mine
start_shuntd
system_bridge br0
only_mine() { [[ $(policies) == shunt_of_mine ]]; }
eventually only_mine
expect test -z "$(complaints)"
stop_shuntd
