#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An orderly start and stop: no complaint in the log, nothing left behind, and a second switch is told about the first.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
host a 10.0.0.1/24
vsctl add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 pa -- set Interface pa other_config:offload=sim:cx6dx
expect test -S "$dir/br0.mgmt"
expect test -S "$dir/br0.snoop"
equal "$(<"$dir/shuntd.pid")" "$shuntd_pid" "the pidfile"

# Another one in the same place.
expect_not "$SHUNTD" --pidfile -vconsole:off 2>"$dir/second"
expect grep -q "already running" "$dir/second"
expect alive

stop_shuntd
equal "$(complaints)" "" "the log's complaints"
for leftover in shuntd.pid br0.mgmt br0.snoop db.sock; do expect test ! -e "$dir/$leftover"; done
expect_not compgen -G "$dir/shuntd.*.ctl"
expect_not ip link show br0

# By the control socket.
start_shuntd
ovs-appctl -t shuntd exit
rc=0
wait "$shuntd_pid" || rc=$?
shuntd_pid=
equal "$rc" 0 "status after exit"

# In the background; options that are wrong are said before that.
"$SHUNTD" --detach --pidfile -vconsole:off
answers
pid=$(<"$dir/shuntd.pid")
expect kill "$pid"
eventually test ! -e "$dir/shuntd.pid"
expect_not "$SHUNTD" --no-such-option 2>/dev/null

# After an installation none of its directories is there.
OVS_RUNDIR=$dir/var/run/sw OVS_DBDIR=$dir/etc/sw OVS_LOGDIR=$dir/var/log/sw \
	"$SHUNTD" --detach --pidfile --log-file -vconsole:off
expect test -S "$dir/var/run/sw/db.sock"
expect test -f "$dir/etc/sw/conf.db"
expect test -s "$dir/var/log/sw/shuntd.log"
expect kill "$(<"$dir/var/run/sw/shuntd.pid")"
eventually test ! -e "$dir/var/run/sw/shuntd.pid"
expect_not "$SHUNTD" --db=/nonexistent/conf.db --detach -vconsole:off 2>"$dir/said"
expect grep -q /nonexistent/conf.db "$dir/said"
equal "$(complaints)" "" "the log's complaints"
