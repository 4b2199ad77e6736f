# A second machine for the tests of tunnels: namespace "far", reached by device ul (172.16.0.1 here, 172.16.0.2 there; and
# fd00:172::1, ::2), with a switch of its own where the test wants one.  Sourced behind lib.sh.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
FAR=$dir/far
far_pid=
mkdir -p "$FAR"

in_far() { ip netns exec far "$@"; }
far_env() { OVS_RUNDIR=$FAR OVS_DBDIR=$FAR OVS_LOGDIR=$FAR OVS_SYSCONFDIR=$FAR in_far "$@"; }

far_machine() {
	ip netns add far
	ip -n far link set lo up
	underlay ul 1
	in_far sysctl -qw net.ipv4.conf.all.arp_notify=1 net.ipv4.conf.ul.arp_notify=1
}
# A device DEV on both machines, with network 172.16.(N-1).0/24 and fd00:172:N::/64.
underlay() { # DEV N
	local net=172.16.$(($2 - 1))
	ip link add "$1" type veth peer name "$1" netns far
	ip addr add "$net.1/24" dev "$1"
	ip link set "$1" up
	ip -n far addr add "$net.2/24" dev "$1"
	ip -n far link set "$1" up
}
# The same device speaks IPv6, which lib.sh turns off.
underlay_ipv6() { # DEV N
	sysctl -qw "net.ipv6.conf.$1.disable_ipv6=0"
	in_far sysctl -qw "net.ipv6.conf.$1.disable_ipv6=0"
	ip -6 addr add "fd00:172:$2::1/64" dev "$1" nodad
	ip -n far -6 addr add "fd00:172:$2::2/64" dev "$1" nodad
}
far_shuntd() { # OPTION…
	far_env "$SHUNTD" --pidfile --log-file -vconsole:off --no-metrics "$@" >>"$FAR/stdout" 2>>"$FAR/stderr" </dev/null &
	eventually far_answers
	far_pid=$(<"$FAR/shuntd.pid")
}
far_answers() { far_env "$SHUNTCTL" version; }
far_vsctl() { ovs-vsctl --db="unix:$FAR/db.sock" --timeout=$((10 * ${SHUNT_PATIENCE:-1})) "$@"; }
far_ofctl() { OVS_RUNDIR=$FAR ovs-ofctl --timeout=$((10 * ${SHUNT_PATIENCE:-1})) "$@"; }
far_complaints() { grep -E '\|(WARN|ERR|EMER)\|' "$FAR/shuntd.log" || true; }
# Ends it in the orderly way.
stop_far() {
	kill "$far_pid"
	eventually_not kill -0 "$far_pid"
	equal "$(far_complaints)" "" "what the far switch complains of"
}
# A host of the far machine, as lib.sh's host is one of this.
far_host() { # NAME ADDRESS/LEN
	host "$1" "$2"
	ip link set "p$1" netns far
	ip -n far link set "p$1" up
}
# Hosts send what a tunnel under them has room for.
short() { # NAME…
	for h; do ip -n "$h" link set eth0 mtu 1430; done
}
# Packets that the rules of a bridge have counted.
counted() { sed 's/.*packet_count=\([0-9]*\).*/\1/'; }
tunnel_drops() { # REASON
	metric "shunt_tunnel_drops_total{datapath=\"netdev\",port=\"vxlan_sys_4789\",reason=\"$1\"}"
}
drops_are() { [[ $(tunnel_drops "$1") == "$2" ]]; }
appctl() { ovs-appctl -t "$dir/shuntd.$shuntd_pid.ctl" "$@"; }
# No megaflow is of older rules any more, on either machine.
settled() {
	appctl revalidator/wait
	[[ -z $far_pid ]] || ovs-appctl -t "$FAR/shuntd.$far_pid.ctl" revalidator/wait
}
