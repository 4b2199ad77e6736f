# What the system tests stand on: sourced first, by `. "${srcdir:-.}/tests/system/lib.sh"`.
#
# It runs the test again in network, mount and process namespaces of its own, so that whatever the test starts ends with it and
# nothing outside is seen.  That namespace is the switch's; host makes further ones around it.  The test reads as topology,
# action, assertion; the first assertion that does not hold ends it.  SHUNTD and SHUNTCTL name the programs (default: those of
# the current directory, which is the build's).  Skips (77) without root or a program that is needed.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

if [[ -z ${SHUNT_SYSTEM_DIR:-} ]]; then
	((EUID == 0)) || { echo "skipped: needs root for network namespaces"; exit 77; }
	for program in ip unshare ping curl python3 ovs-vsctl ovs-ofctl ovs-appctl; do
		command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
	done
	unshare -mnpf --mount-proc true 2>/dev/null || { echo "skipped: no namespaces can be made here"; exit 77; }
	SHUNT_SYSTEM_DIR=$(mktemp -d "${TMPDIR:-/tmp}/shunt-system-XXXXXX")
	export SHUNT_SYSTEM_DIR
	rc=0
	unshare -mnpf --kill-child --mount-proc bash "$0" "$@" || rc=$?
	rm -rf "$SHUNT_SYSTEM_DIR"
	exit $rc
fi

# shellcheck disable=SC2034 # tests use dir
dir=$SHUNT_SYSTEM_DIR top=$(cd "${srcdir:-.}" && pwd)
: "${SHUNTD:=$PWD/switchd/shuntd}" "${SHUNTCTL:=$PWD/tools/shuntctl}"
export OVS_RUNDIR=$dir OVS_DBDIR=$dir OVS_LOGDIR=$dir OVS_SYSCONFDIR=$dir
export SHUNT_SCHEMA=$top/dbserver/vswitch.ovsschema SHUNT_PROFILE_DIR=$top/offload/sim/profiles
shuntd_pid=

on_exit() {
	local rc=$?
	if ((rc)) && [[ -f $dir/shuntd.log ]]; then
		echo "--- the end of the log of shuntd"
		tail -n 40 "$dir/shuntd.log"
	fi
	[[ -z $shuntd_pid ]] || kill -9 "$shuntd_pid" 2>/dev/null || true
	exit $rc
}
trap on_exit EXIT

# --- assertions ---

on_fail() { :; } # a test may say more
fail() {
	echo "FAILED at line ${BASH_LINENO[1]}: $*"
	on_fail
	exit 1
}
expect() { # COMMAND…
	"$@" || fail "$*"
}
expect_not() { # COMMAND…
	if "$@"; then fail "succeeds: $*"; fi
}
# Both texts, and what they are about.
equal() { # GOT WANTED [WHAT]
	[[ $1 == "$2" ]] || fail "${3:-it} is \"$1\", not \"$2\""
}
# Tries a command until it succeeds (fails), for twenty seconds and sixty times; SHUNT_PATIENCE multiplies the seconds.
patience() { # TRIES END: whether there is any left
	(($1 < 60 || SECONDS < $2))
}
eventually() { # COMMAND…
	local tries=0 end=$((SECONDS + 20 * ${SHUNT_PATIENCE:-1}))
	while patience $((tries++)) $end; do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	"$@" || fail "still not: $*"
}

eventually_not() { # COMMAND…
	local tries=0 end=$((SECONDS + 20 * ${SHUNT_PATIENCE:-1}))
	while patience $((tries++)) $end; do
		if ! "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	fail "still: $*"
}

# --- the switch ---

start_shuntd() { # OPTION…
	"$SHUNTD" --pidfile --log-file -vconsole:off "$@" >>"$dir/stdout" 2>>"$dir/stderr" </dev/null &
	shuntd_pid=$!
	eventually answers
}
answers() { "$SHUNTCTL" version; }
alive() { kill -0 "$shuntd_pid" 2>/dev/null && "$SHUNTCTL" version >/dev/null; }
# Ends it in the orderly way, which must succeed.
stop_shuntd() {
	local rc=0
	kill "$shuntd_pid"
	wait "$shuntd_pid" || rc=$?
	shuntd_pid=
	((rc == 0)) || { cat "$dir/stderr"; fail "shuntd ended with status $rc"; }
}
kill_shuntd() {
	kill -9 "$shuntd_pid"
	wait "$shuntd_pid" 2>/dev/null || true
	shuntd_pid=
}
# Debian's tools end with SIGALRM (status 142) when there is no answer for so long.
tool_seconds=$((30 * ${SHUNT_PATIENCE:-1}))
vsctl() { ovs-vsctl --db="unix:$dir/db.sock" --timeout=$tool_seconds "$@"; }
ofctl() { ovs-ofctl --timeout=$tool_seconds "$@"; }
ctl() { "$SHUNTCTL" "$@"; }
# A column of an Interface row.
iface() { vsctl --if-exists get Interface "$1" "$2"; }
iface_is() { [[ $(iface "$1" "$2") == "$3" ]]; }
metric() { curl -sf http://127.0.0.1:9310/metrics | awk -v name="$1" 'index($0, name) == 1 { s += $NF } END { print s + 0 }'; }
# Lines of the log that say warning or worse.
complaints() { grep -E '\|(WARN|ERR|EMER)\|' "$dir/shuntd.log" || true; }

# --- hosts ---

# A namespace NAME with eth0, whose other end is NAME's port in the switch's namespace, "p" before it.
host() { # NAME ADDRESS/LEN
	ip netns add "$1"
	in_host "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link add "p$1" type veth peer name eth0 netns "$1"
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
	ip -n "$1" addr add "$2" dev eth0
	ip link set "p$1" up
}
in_host() { ip netns exec "$@"; }
# COUNT echo requests, 20 ms apart, none of which may be missing.
whole_stream() { # HOST ADDRESS COUNT [INTERVAL]
	in_host "$1" python3 "$top/tests/system/pinger.py" "$2" "$3" "${4:-0.02}" >"$dir/stream" || fail "$1 to $2: $(<"$dir/stream")"
}
# One of three is answered.
reaches() { in_host "$1" ping -q -c 3 -i 0.05 -W "${SHUNT_PATIENCE:-1}" "$2" >/dev/null; }

mkdir -p /run/netns
mount -t tmpfs none /run/netns
mount -t sysfs none /sys # this namespace's links
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link set lo up
