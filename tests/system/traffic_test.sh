#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Real programs across two veths: everything arrives and everything is counted.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
vsctl add-br br0
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-port br0 pa -- add-port br0 pb

expect reaches a 10.0.0.2
head -c 3000000 /dev/urandom >"$dir/file"
(cd "$dir" && exec ip netns exec b python3 -m http.server 80) >/dev/null 2>&1 &
eventually in_host a curl -sf -o "$dir/copy" http://10.0.0.2/file
expect cmp "$dir/file" "$dir/copy"
if command -v iperf3 >/dev/null; then
	in_host b iperf3 -s >/dev/null 2>&1 &
	eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
	in_host a iperf3 -c 10.0.0.2 -t 2 -J >"$dir/iperf"
	expect python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] > 1e7' "$dir/iperf"
	in_host a iperf3 -c 10.0.0.2 -t 1 -u -b 50M -l 1400 >/dev/null
fi

# Packets from a port, as the kernel, OpenFlow and the database count them; the last is written every few seconds.
same_counts() {
	local kernel openflow flows
	kernel=$(cat /sys/class/net/{pa,pb}/statistics/rx_packets | awk '{ s += $1 } END { print s }')
	openflow=$(ofctl dump-ports br0 | awk -F'[=,]' '/port +"?p[ab]"?: rx|port +[0-9]+: rx/ { s += $2 } END { print s }')
	flows=$(ofctl dump-aggregate br0 | sed 's/.*packet_count=\([0-9]*\).*/\1/')
	[[ $kernel == "$openflow" && $kernel == "$flows" ]]
}
eventually same_counts
expect test "$(metric shunt_port_packets_total)" -gt 1000
equal "$(complaints)" "" "the log's complaints"
stop_shuntd
equal "$(complaints)" "" "the log's complaints after the end"
