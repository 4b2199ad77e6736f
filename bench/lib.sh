# SPDX-License-Identifier: Apache-2.0
# What bench/run measures on: two namespaces of our own, and one switch at a time in one of them:
# Shunt, Open vSwitch or (forwarding only) DPDK's testpmd.
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

# ---- a switch: `use KIND`, then switch_start, switch_configure, switch_stop ----

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

in_wire_favoured() { favoured timeout "$patience" ip netns exec "$wire" "$@"; }

# Prints the nanoseconds that a command takes.  The clock is read in the favoured session: reading it
# out here could itself have to wait for a CPU.
timed() {
	# shellcheck disable=SC2016 # the inner shell's
	favoured timeout "$patience" bash -c 't=${EPOCHREALTIME/./}; "$@" >/dev/null && echo $((${EPOCHREALTIME/./} - t))000' bash "$@"
}

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

switch_is_up() {
	if [ "$kind" = testpmd ]; then wait_for 20 grep -q 'packet forwarding - ports=2' "$run/stdout"
	else wait_for 20 [ -S "$run/switch.ctl" ] && wait_for 20 vsctl --no-wait show; fi
}

switch_start() {
	[ -e "$run/conf.db" ] || [ "$kind" != ovs ] || ovsdb-tool create "$run/conf.db" "$ovs_schema"
	ip netns exec "$switch" setsid "$run/start" &
	disown # or bash would tell how it ended
	switch_is_up || {
		echo "bench: $kind does not start; $run/stderr:" >&2
		cat "$run/stderr" >&2
		return 1
	}
	pid=$(cat "$run/switch.pid")
}

# A script of its own for each switch, so that a program can start it too (start to first packet).
write_start_script() {
	{
		cat <<-END
			#!/bin/sh
			exec 2>>'$run/stderr'
			echo -20 >/proc/self/autogroup
			echo \$\$ >'$run/switch.pid'
		END
		case $kind in
		shunt) cat <<-END ;;
			exec '$build/switchd/shuntd' --db='$run/conf.db' --no-metrics --unixctl='$run/switch.ctl' --log-file='$run/switchd.log' -vconsole:off
		END
		ovs) cat <<-END ;;
			ovsdb-server '$run/conf.db' --remote=punix:'$run/db.sock' --unixctl='$run/db.ctl' --log-file='$run/ovsdb-server.log' -vconsole:off --pidfile='$run/db.pid' --detach --no-chdir
			exec ovs-vswitchd unix:'$run/db.sock' --unixctl='$run/switch.ctl' --log-file='$run/switchd.log' -vconsole:off
		END
		testpmd) cat <<-END ;;
			exec dpdk-testpmd -l 0,1 -m 256 --no-huge --no-pci --no-shconf --no-telemetry \
				--vdev=net_af_packet0,iface=p0 --vdev=net_af_packet1,iface=p1 -- \
				--forward-mode=io --total-num-mbufs=16384 --no-lsc-interrupt --stats-period=1 </dev/null >'$run/stdout'
		END
		esac
	} >"$run/start"
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
	switch_start || return
	[ "$kind" = testpmd ] || switch_configure
}

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }
