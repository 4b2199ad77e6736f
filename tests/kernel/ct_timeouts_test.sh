#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Timeouts of connections by zone (ovs-vsctl add-zone-tp): who commits in the zone gets them, other zones do not, and a change
# holds for connections from then on.  The kernel's own are 30 s for one-sided UDP and for ICMP.
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
expect test -z "$(complaints)"
stop_shuntd
