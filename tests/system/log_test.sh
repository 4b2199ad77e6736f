#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The log as people's scripts parse it: one form, three destinations, levels by module and destination, a file that is moved
# away while it is written.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

# A /dev of our own, whose log is a socket that a process writes down.
mkdir -p "$dir/dev/net"
for node in null zero full random urandom net/tun; do
	touch "$dir/dev/$node"
	mount --bind "/dev/$node" "$dir/dev/$node" 2>/dev/null || rm "$dir/dev/$node"
done
mount --rbind "$dir/dev" /dev
python3 - "$dir/syslog" <<-'EOP' &
	import socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind("/dev/log")
	with open(sys.argv[1], "wb", buffering=0) as out:
	    while True:
	        out.write(s.recv(65536).rstrip(b"\0\n") + b"\n")
EOP
eventually test -S /dev/log

form='^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}Z\|[0-9]{5}\|[a-z][a-z_.]*(\([a-z0-9]+\))?\|(EMER|ERR|WARN|INFO|DBG)\|.+$'
well_formed() { expect_not grep -vE "$form" "$1"; }

start_shuntd -vconsole:info
host a 10.0.0.1/24
vsctl add-br br0 -- add-port br0 pa
vsctl add-port br0 nodev 2>/dev/null || true
well_formed "$dir/shuntd.log"
# Numbered without a gap, and standard error has the same lines.
equal "$(cut -d'|' -f2 "$dir/shuntd.log" | awk '$1 != NR { print; exit }')" "" "the first number that is not the line's"
same_lines() { cmp -s "$dir/shuntd.log" "$dir/stderr"; }
eventually same_lines
eventually grep -qE '\|config_ports\|WARN\|.*nodev' "$dir/shuntd.log"
# Syslog: <facility * 8 + severity>, the program, and the line without its time.
eventually grep -qE '^<28>.*shuntd.*: ovs\|[0-9]{5}\|config_ports\|WARN\|.*nodev' "$dir/syslog"
expect grep -qE '^<29>.*ovs\|[0-9]{5}\|bridge\|INFO\|bridge br0: created' "$dir/syslog"

# Tables that go in circles: which packet, and why.
ofctl add-flow br0 'actions=resubmit(,0)'
expect_not in_host a ping -q -c 1 -W 1 10.0.0.2 >/dev/null
eventually grep -qE '\|flows.handler\(handler[0-9]+\)\|WARN\|a packet is dropped: over 64 nested.*eth_type\(0x0806\)' \
	"$dir/shuntd.log"
well_formed "$dir/shuntd.log"
ofctl del-flows br0

# Levels: a module at a destination, everything at one, and back.
lines() { grep -c "|$1|" "$2" || true; }
in_syslog() { grep -c ' shuntd' "$dir/syslog" || true; } # ovs-vsctl writes there as well
marks=0
syslog_is_written() { # all that was sent to it so far
	marks=$((marks + 1))
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), "/dev/log")' "mark $marks."
	eventually grep -q "^mark $marks\.$" "$dir/syslog"
}
set_level() { ovs-appctl -t shuntd vlog/set "$1"; }
touch_bridge() {
	vsctl add-br br7
	vsctl del-br br7
}
set_level bridge:file:warn
set_level ANY:syslog:off
file=$(lines bridge "$dir/shuntd.log") console=$(lines bridge "$dir/stderr")
syslog_is_written # what came before
syslog=$(in_syslog)
touch_bridge
equal "$(lines bridge "$dir/shuntd.log")" "$file" "lines of the module in the file, where it is at warn"
expect test "$(lines bridge "$dir/stderr")" -gt "$console"
syslog_is_written
equal "$(in_syslog)" "$syslog" "lines in syslog, which is off"
set_level ANY:ANY:dbg
touch_bridge
eventually grep -q '|DBG|' "$dir/shuntd.log"
eventually grep -q ' shuntd.*|DBG|' "$dir/syslog"
set_level ANY:ANY:info
set_level ANY:console:off
console=$(wc -l <"$dir/stderr")

# A log file that is moved away: it goes on in the old one until it is opened anew, by command and by signal.
for how in "ovs-appctl -t shuntd vlog/reopen" "kill -HUP $shuntd_pid"; do
	mv "$dir/shuntd.log" "$dir/old.log"
	old=$(wc -l <"$dir/old.log")
	touch_bridge
	expect test "$(wc -l <"$dir/old.log")" -gt "$old"
	$how
	eventually test -s "$dir/shuntd.log"
	touch_bridge
	eventually grep -q '|bridge|INFO|' "$dir/shuntd.log"
	well_formed "$dir/shuntd.log"
	well_formed "$dir/old.log"
done
equal "$(wc -l <"$dir/stderr")" "$console" "lines on standard error, which is off"
stop_shuntd
equal "$(complaints)" "" "the log's complaints at the end"
