#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The control commands about connections, beside Debian's ovs-dpctl on the same kernel.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

# Seconds that are left go by between two calls: they are compared as words.
words() { sed 's/timeout=[0-9]*/timeout=T/' | sort; }
same_dump() { # OPTIONS…, then zone=N or nothing
	local ours theirs
	ours=$(appctl dpctl/dump-conntrack "$@" | words) theirs=$(ovs-dpctl dump-conntrack "$@" | words)
	[[ -n $ours && $ours == "$theirs" ]] && return
	printf 'ours:\n%s\ntheirs:\n%s\n' "$ours" "$theirs" >"$dir/differ"
	return 1
}
same_stats() { # ovs-dpctl counts ICMPv6 in the total alone
	appctl dpctl/ct-stats-show "$@" | grep -v ICMPV6 >"$dir/ours"
	ovs-dpctl ct-stats-show "$@" >"$dir/theirs"
	diff "$dir/ours" "$dir/theirs" >"$dir/differ"
}
on_fail() { [[ ! -f $dir/differ ]] || cat "$dir/differ"; }
connections() { appctl dpctl/dump-conntrack "$@" | wc -l; }
there_is() { appctl dpctl/dump-conntrack | grep -q "$1"; }
refused() { # WORDS COMMAND…
	local said
	if said=$(appctl "${@:2}" 2>&1); then fail "succeeds: ${*:2}"; fi
	grep -qF -- "$1" <<<"$said" || fail "${*:2} says: $said"
}

start_shuntd
vsctl add-br user0 -- set Bridge user0 datapath_type=netdev

step "a datapath without connections says so"
refused "datapath netdev@ovs-netdev does not track connections" dpctl/dump-conntrack
refused "datapath netdev@ovs-netdev does not track connections" dpctl/ct-get-limits

system_bridge br0
host a 10.0.0.1/24
host b 10.0.0.2/24
in_host a ip neigh replace 10.0.0.2 lladdr "$(in_host b cat /sys/class/net/eth0/address)" dev eth0
in_host b ip neigh replace 10.0.0.1 lladdr "$(in_host a cat /sys/class/net/eth0/address)" dev eth0
for side in "a 1 b 2" "b 2 a 1"; do
	read -r here mine there its <<<"$side"
	in_host "$here" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0
	in_host "$here" ip addr add "fd00::$mine/64" dev eth0 nodad
	in_host "$here" ip neigh replace "fd00::$its" lladdr "$(in_host "$there" cat /sys/class/net/eth0/address)" dev eth0
done
vsctl add-port br0 pa -- set Interface pa ofport_request=1 -- add-port br0 pb -- set Interface pb ofport_request=2
sysctl -qw net.netfilter.nf_conntrack_acct=1
for what in udp_timeout icmp_timeout icmpv6_timeout tcp_timeout_{close,close_wait,fin_wait,last_ack,time_wait}; do
	sysctl -qw "net.netfilter.nf_conntrack_$what=600" # nothing ends by itself here
done
ovs-ofctl -O OpenFlow13 del-flows br0
ovs-ofctl -O OpenFlow13 add-flows br0 - <<'FLOWS'
table=0,priority=100,ip,in_port=1,icmp,actions=ct(commit,zone=3),2
table=0,priority=90,ip,in_port=1,actions=ct(commit,zone=9,exec(set_field:0x2a->ct_mark,set_field:0x70000->ct_label)),2
table=0,priority=100,ip,in_port=2,icmp,actions=ct(table=1,zone=3)
table=0,priority=90,ip,in_port=2,actions=ct(table=1,zone=9)
table=0,priority=100,icmp6,icmp_type=128,in_port=1,actions=ct(commit,zone=6),2
table=0,priority=90,ipv6,in_port=1,actions=2
table=0,priority=10,in_port=2,actions=1
table=1,in_port=2,actions=1
FLOWS

step "connections of TCP in several states, of UDP and ICMP"
in_host b python3 -c '
import socket
s = socket.create_server(("0.0.0.0", 7000))
held = []
while True:
    held.append(s.accept()[0])' &
eventually in_host b bash -c 'ss -Hltn sport = :7000 | grep -q .'
in_host a python3 -c '
import signal, socket, struct
def call(): return socket.create_connection(("10.0.0.2", 7000), 60)
stays, ends, breaks = call(), call(), call()
ends.shutdown(socket.SHUT_WR)
breaks.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
breaks.close()
for port in (53, 54):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", ("10.0.0.2", port))
signal.pause()' &
expect reaches a 10.0.0.2
expect reaches a fd00::2
eventually there_is '^icmpv6.*src=fd00::1.*zone=6'
eventually there_is '^udp.*dport=54'
eventually there_is 'state=ESTABLISHED'
eventually there_is 'state=CLOSE_WAIT\|state=FIN_WAIT_1'
for options in "" -m -s "-m -s"; do
	# shellcheck disable=SC2086 # words
	eventually same_dump $options
done
eventually same_dump zone=9
expect there_is 'zone=9,mark=42,labels=0x70000'
eventually same_dump system@ovs-system zone=3
eventually same_stats
eventually same_stats -m
eventually same_stats zone=9
equal "$(appctl dpctl/ct-stats-show zone=6)" $'Connections Stats:\n    Total: 1\n  ICMPV6: 1' "the counts"
equal "$(appctl dpctl/dump-conntrack ovs-system zone=77)" "" "another zone's connections"

step "what is named is forgotten, and nothing else"
all=$(connections)
expect appctl dpctl/flush-conntrack zone=9 ct_nw_proto=17,ct_tp_dst=53
equal "$(connections)" $((all - 1)) "the number of connections"
port=$(appctl dpctl/dump-conntrack zone=9 | sed -n 's/^udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=\([0-9]*\),dport=54.*/\1/p')
one="ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=$port,ct_tp_dst=54"
refused "there is no such connection" dpctl/flush-conntrack "$one"
expect appctl dpctl/flush-conntrack system@ovs-system zone=9 "$one"
equal "$(connections)" $((all - 2)) "the number of connections"
refused "there is no such connection" dpctl/flush-conntrack zone=9 "$one"
expect appctl dpctl/flush-conntrack zone=3 ct_nw_src=10.0.0.1,icmp_type=8
equal "$(connections zone=3)" 0 "connections of zone 3"
expect test "$(connections)" -gt 0
expect appctl dpctl/flush-conntrack zone=9
equal "$(connections zone=9)" 0 "connections of zone 9"
expect reaches a 10.0.0.2
expect appctl dpctl/flush-conntrack
equal "$(appctl dpctl/ct-stats-show)" $'Connections Stats:\n    Total: 0' "the counts"

step "limits are set, hold, and go"
same_limits() { [[ $(appctl dpctl/ct-get-limits "$@") == "$(ovs-dpctl ct-get-limits "$@")" ]]; }
expect same_limits
expect appctl dpctl/ct-set-limits default=10 zone=1,limit=5 zone=3,limit=1
equal "$(appctl dpctl/ct-get-limits system@ovs-system zone=1,2)" $'default limit=10\nzone=1,limit=5,count=0\nzone=2,limit=10,count=0' "the limits"
expect same_limits
expect same_limits zone=1,2,3
expect reaches a 10.0.0.2
equal "$(connections zone=3)" 1 "connections of zone 3"
expect_not reaches a 10.0.0.2
equal "$(appctl dpctl/ct-get-limits zone=3)" $'default limit=10\nzone=3,limit=1,count=1' "the limits"
expect same_limits
expect appctl dpctl/ct-del-limits zone=1,3
expect same_limits
expect reaches a 10.0.0.2
expect appctl dpctl/ct-set-limits default=0
equal "$(appctl dpctl/ct-get-limits)" "default limit=0" "the limits"

step "what makes no sense is refused, and nothing is done"
expect reaches a 10.0.0.2
all=$(connections)
refused 'zone: "70000" is not a number of at most 65535' dpctl/flush-conntrack zone=70000
refused 'zone: "" is not a number' dpctl/dump-conntrack zone=
refused 'there is no datapath "system@other"' dpctl/dump-conntrack system@other
refused 'datapath netdev@ovs-netdev does not track connections' dpctl/flush-conntrack netdev@ovs-netdev
refused '"-x" is not understood' dpctl/dump-conntrack -x
refused '"a=b" is not understood' dpctl/dump-conntrack a=b
refused '"ct_foo" is no field' dpctl/flush-conntrack ct_foo=1
refused 'ct_nw_src: "fe80::1" is not an address of IPv4' dpctl/flush-conntrack ct_nw_src=fe80::1
refused 'ct_ipv6_dst: IPv4 and IPv6 in one tuple' dpctl/flush-conntrack ct_nw_src=10.0.0.1,ct_ipv6_dst=fe80::1
refused 'ct_nw_proto: "256" is not a number of at most 255' dpctl/flush-conntrack ct_nw_proto=256
refused '"zone=1" is not default=L or zone=N,limit=L' dpctl/ct-set-limits default=5 zone=1
refused 'limit: "x" is not a number' dpctl/ct-set-limits default=5 zone=1,limit=x
refused 'no limit is named' dpctl/ct-del-limits system@ovs-system
refused '"default=1" is not zone=N' dpctl/ct-del-limits default=1
equal "$(connections)" "$all" "the number of connections"
equal "$(appctl dpctl/ct-get-limits)" "default limit=0" "the limits"
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
