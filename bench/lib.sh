# SPDX-License-Identifier: Apache-2.0
# What bench/run measures on: two namespaces of our own, and one switch at a time in one of them.
#
#   wire namespace            switch namespace
#   g0 ------------- veth --- p0 (port 1)  switch
#   s0 ------------- veth --- p1 (port 2)
#
# Sourced by bench/run, which sets build, src, work, and cleans up with lab_down.
# shellcheck shell=bash disable=SC2154

wire=shb$$w
switch=shb$$s

lab_up() {
	local x
	ip netns add "$wire" && ip netns add "$switch" || return
	for x in "$wire" "$switch"; do
		ip netns exec "$x" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		ip -n "$x" link set lo up
	done
	ip -n "$switch" link add p0 numtxqueues 1 numrxqueues 1 type veth peer name g0 netns "$wire" numtxqueues 1 numrxqueues 1 &&
		ip -n "$switch" link add p1 numtxqueues 1 numrxqueues 1 type veth peer name s0 netns "$wire" numtxqueues 1 numrxqueues 1 || return
	for x in "$wire g0" "$wire s0" "$switch p0" "$switch p1"; do
		set -- $x
		ip netns exec "$1" ethtool -K "$2" tx off rx off gso off tso off >/dev/null 2>&1
		ip -n "$1" link set "$2" up
	done
	# The generator's frames come without an skb: their receiver needs NAPI.
	ip netns exec "$switch" ethtool -K p0 gro on
}

lab_down() {
	switch_stop
	ip netns del "$wire" 2>/dev/null
	ip netns del "$switch" 2>/dev/null
	rm -rf "$work"
}

# ---- a switch: `use shunt` or `use ovs`, then switch_start, switch_configure, switch_stop ----

use() {
	kind=$1
	run=$work/$kind
	mkdir -p "$run"
	export OVS_RUNDIR=$run OVS_DBDIR=$run OVS_LOGDIR=$run OVS_SYSCONFDIR=$run
	export SHUNT_SCHEMA=$src/dbserver/vswitch.ovsschema
}

in_switch() { ip netns exec "$switch" "$@"; }
in_wire() { ip netns exec "$wire" "$@"; }
vsctl() { ovs-vsctl --timeout=20 --db="unix:$run/db.sock" "$@"; }
appctl() { ovs-appctl --target="$run/switch.ctl" "$@"; }
ofctl() { ovs-ofctl "$@"; }

# Runs a command first of all on this machine.  Sessions compete as groups (sched(7), autogroup), so
# nice(1) does nothing here, and without this a busy machine's other work shows in every figure.
favoured() {
	setsid --wait sh -c 'echo -20 2>/dev/null >/proc/self/autogroup; exec "$@"' sh "$@"
}

in_wire_favoured() { favoured ip netns exec "$wire" "$@"; }

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

switch_start() {
	[ -e "$run/conf.db" ] || [ "$kind" = shunt ] || ovsdb-tool create "$run/conf.db" "$ovs_schema"
	in_switch setsid "$run/start" 2>>"$run/stderr" &
	wait_for 20 [ -S "$run/switch.ctl" ] && wait_for 20 vsctl --no-wait show || {
		echo "bench: $kind does not start; $run/stderr:" >&2
		cat "$run/stderr" >&2
		return 1
	}
	pid=$(cat "$run/switch.pid")
}

# A script of its own for each switch, so that a program can start it too (start to first packet).
write_start_script() {
	if [ "$kind" = shunt ]; then
		cat >"$run/start" <<-END
			#!/bin/sh
			echo -20 2>/dev/null >/proc/self/autogroup
			echo \$\$ >'$run/switch.pid'
			exec '$build/switchd/shuntd' --db='$run/conf.db' --no-metrics --unixctl='$run/switch.ctl' --log-file='$run/switchd.log' -vconsole:off
		END
	else
		cat >"$run/start" <<-END
			#!/bin/sh
			echo -20 2>/dev/null >/proc/self/autogroup
			ovsdb-server '$run/conf.db' --remote=punix:'$run/db.sock' --unixctl='$run/db.ctl' --log-file='$run/ovsdb-server.log' -vconsole:off --pidfile='$run/db.pid' --detach --no-chdir
			echo \$\$ >'$run/switch.pid'
			exec ovs-vswitchd unix:'$run/db.sock' --unixctl='$run/switch.ctl' --log-file='$run/switchd.log' -vconsole:off
		END
	fi
	chmod +x "$run/start"
}

switch_stop() {
	local p f
	for f in "$work"/*/switch.pid "$work"/*/db.pid; do
		[ -e "$f" ] || continue
		p=$(cat "$f")
		kill "$p" 2>/dev/null
		for _ in $(seq 100); do
			kill -0 "$p" 2>/dev/null || break
			sleep 0.05
		done
		kill -9 "$p" 2>/dev/null
		rm -f "$f"
	done
	wait 2>/dev/null
	return 0
}

# One bridge, two ports; nothing forwards until flows are added.
switch_configure() {
	vsctl --may-exist add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure \
		protocols=OpenFlow10,OpenFlow13 \
		-- --may-exist add-port br0 p0 -- set interface p0 ofport_request=1 \
		-- --may-exist add-port br0 p1 -- set interface p1 ofport_request=2 \
		-- set open_vswitch . other_config:flow-limit=200000 other_config:max-idle=600000 &&
		wait_for 20 ofctl del-flows br0 || return
	# Open vSwitch begins at 10,000 megaflows and grows by 1,000 a round; Shunt has no such limit.
	[ "$kind" = shunt ] || appctl upcall/set-flow-limit 200000 >/dev/null
}

# A fresh switch with an empty database.
switch_fresh() { # KIND
	switch_stop
	use "$1"
	rm -rf "$run"
	use "$1"
	write_start_script
	switch_start && switch_configure
}

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
sink_packets() { in_wire cat /sys/class/net/s0/statistics/rx_packets; }
now_ns() { date +%s%N; }

# ---- figures ----

# Reads numbers, prints: median min max.
summary() {
	sort -g | awk '{ v[NR] = $1 } END {
		if (!NR) exit 1
		m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
		print m, v[1], v[NR] }'
}

record() { echo "$2" >>"$work/figures.$kind.$1"; } # ROW VALUE; of the switch in use

print_head() {
	printf '%-42s %-26s %-26s %s\n' "" "Shunt" "Open vSwitch" "times as good"
}

# ROW "title" more|less: whether more is better.
print_row() {
	local s o
	s=$(summary <"$work/figures.shunt.$1") && o=$(summary <"$work/figures.ovs.$1") || return
	awk -v t="$2" -v s="$s" -v o="$o" -v way="$3" 'BEGIN {
		split(s, a); split(o, b)
		if (a[1] + 0 == 0 || b[1] + 0 == 0) r = "-"
		else r = sprintf("%.2f", way == "more" ? a[1] / b[1] : b[1] / a[1])
		printf "%-42s %-26s %-26s %s\n", t,
			sprintf("%.0f (%.0f-%.0f)", a[1], a[2], a[3]), sprintf("%.0f (%.0f-%.0f)", b[1], b[2], b[3]), r }'
}
