#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The inside of bench/kernel, in a guest of the lab.  It is told by the environment: build, rows, rounds, size, format, limit,
# ovs_schema.
# shellcheck disable=SC2154
set -u
src=$(cd "$(dirname "$0")/.." && pwd)
[ -n "${SHUNT_LAB:-}" ] || { echo "bench: runs in a guest of the lab only: bench/kernel" >&2 && exit 1; }

say() { echo "$*" >&2; }
die() { say "bench: $*" && exit 1; }

if [ "$size" = full ]; then
	small=10000 large=50000 n_setups=10000 cpu_s=10 rounds=${rounds:-5}
else
	small=1000 large=5000 n_setups=1000 cpu_s=2 rounds=${rounds:-1}
fi
patience=120 # seconds for one command

row_titles="
insert.small|rules/s handed over, $small|more
insert.large|rules/s handed over, $large|more
counters|rules/s, counters of $large read|more
whole|rules/s, $large read whole|more
remove|rules/s taken out of $large|more
placed.small|rules/s from packets, $small|more
placed.large|rules/s from packets, $large|more
cpu|CPU ms/s with $large rules there|less
memory|KiB resident per 10,000 rules placed|less
upcalls|flow set-ups/s, no TC|more
"
work=$(mktemp -d /tmp/shunt-bench.XXXXXX)
# shellcheck source=bench/lib.sh
. "$src/bench/lib.sh"
# shellcheck disable=SC2034 # figures.sh's
third=tc third_title="tc"
# shellcheck source=bench/figures.sh
. "$src/bench/figures.sh"
trap lab_down EXIT

# ---- what is measured on: the namespaces of lib.sh, a bridge in the kernel's datapath ----

# Each flow needs a megaflow, hence a rule, of its own: the table reads the whole 5-tuple.
table="udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_IP_DST[]->NXM_NX_REG1[],move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],move:NXM_OF_UDP_DST[]->NXM_NX_REG3[0..15],output:2"

switch_configure() {
	local tc=()
	# Software devices: Open vSwitch takes them for TC by itself, Shunt when it is asked.
	[ "$kind" != shunt ] || [ "$offload" != true ] || tc=(other_config:offload=tc)
	vsctl set open_vswitch . "other_config:hw-offload=$offload" other_config:flow-limit=200000 other_config:max-idle=600000 &&
		vsctl --may-exist add-br br0 -- set bridge br0 datapath_type=system fail_mode=secure \
			-- --may-exist add-port br0 p0 -- set interface p0 ofport_request=1 "${tc[@]}" \
			-- --may-exist add-port br0 p1 -- set interface p1 ofport_request=2 "${tc[@]}" &&
		wait_for 20 ofctl add-flow br0 "$table" || return
	[ "$kind" = shunt ] || appctl upcall/set-flow-limit 200000 >/dev/null
}

# What a switch leaves in the kernel must not be found by the next.
switch_clean() {
	switch_stop
	in_switch ovs-dpctl del-dp ovs-system 2>/dev/null
	in_switch tc qdisc del dev p0 clsact 2>/dev/null || in_switch tc qdisc del dev p0 ingress 2>/dev/null
	in_switch tc qdisc del dev p1 clsact 2>/dev/null || in_switch tc qdisc del dev p1 ingress 2>/dev/null
	return 0
}

fresh() { # true|false: with TC
	offload=$1
	switch_clean
	switch_fresh "$kind" || die "$kind does not start"
}

# The nanoseconds that a command takes go to $took.
time_it() {
	local t=${EPOCHREALTIME/./}
	"$@" || die "$kind: does not work: $*"
	took=$(((${EPOCHREALTIME/./} - t) * 1000))
}
record_rate() { record "$1" $(($2 * 1000000000 / took)); } # ROW COUNT

rules_in_tc() { in_switch tc -brief filter show dev p0 ingress | grep -c ' handle '; }
want_rules() { # COUNT
	local n
	n=$(rules_in_tc)
	[ "$n" -ge "$1" ] || warn "$kind has $n rules in TC, not $1"
}

# ---- rules that are handed over ----

write_rules() { # FILE COUNT FORMAT: of the three last octets of the source address
	awk -v n="$2" -v f="$3\n" 'BEGIN { for (i = 0; i < n; i++) printf f, int(i / 65536), int(i / 256) % 256, i % 256 }' >"$1"
}
tc_format='filter add dev p0 ingress prio 1 protocol ip chain 0 flower src_ip 10.%d.%d.%d dst_ip 10.0.0.2 ip_proto udp src_port 1024 dst_port 9 action mirred egress redirect dev p1'
ovs_format='recirc_id(0),in_port(IN),eth(),eth_type(0x0800),ipv4(src=10.%d.%d.%d,dst=10.0.0.2,proto=17,frag=no),udp(src=1024,dst=9) OUT'

rules_tc() {
	local n
	switch_clean
	in_switch tc qdisc add dev p0 clsact
	for n in small large; do
		write_rules "$work/rules" "${!n}" "$tc_format"
		in_switch tc filter del dev p0 ingress
		time_it in_switch tc -batch "$work/rules"
		record_rate "insert.$n" "${!n}"
	done
	want_rules "$large"
	time_it in_switch tc -s -brief filter show dev p0 ingress >/dev/null
	record_rate counters "$large"
	time_it in_switch tc -s filter show dev p0 ingress >/dev/null
	record_rate whole "$large"
	time_it in_switch tc filter del dev p0 ingress
	record_rate remove "$large"
}

# A program that drives Shunt's engine and provider.
rules_shunt() {
	local n name rate _
	switch_clean
	for n in small large; do
		while read -r name rate _; do
			[ "$name" != engine.insert ] || record "insert.$n" "$rate"
			[ "$name $n" != "engine.remove large" ] || record remove "$rate"
		done < <(in_switch timeout "$patience" "$build/bench/kernel_rules" -i p0 -o p1 -n "${!n}" 2>"$work/stderr" || die "$(cat "$work/stderr")")
	done
	while read -r name rate _; do
		case $name in
		provider.counters) record counters "$rate" ;;
		provider.whole) record whole "$rate" ;;
		esac
	done < <(in_switch timeout "$patience" "$build/bench/kernel_rules" -i p0 -o p1 -n "$large" -p 2>"$work/stderr" || die "$(cat "$work/stderr")")
}

# Its revalidator would not know these flows, and take its time to ask about each: it sleeps meanwhile.
rules_ovs() {
	local n in out
	for n in small large; do
		fresh true
		vsctl set open_vswitch . other_config:max-revalidator=600000
		sleep 1
		in=$(dp_port p0) out=$(dp_port p1)
		write_rules "$work/rules" "${!n}" "$(sed "s/IN/$in/; s/OUT/$out/" <<<"$ovs_format")"
		time_it appctl dpctl/add-flows "$work/rules"
		record_rate "insert.$n" "${!n}"
		want_rules "${!n}"
	done
	time_it appctl dpctl/dump-flows type=tc >/dev/null
	record_rate whole "$large"
	time_it appctl dpctl/del-flows
	record_rate remove "$large"
}
dp_port() { appctl dpctl/show | sed -n "s/^ *port \([0-9]*\): $1\( .*\)*$/\1/p"; }

# ---- rules for the flows of packets ----

placed() { # ROW COUNT FIRST
	local out
	out=$(in_wire timeout "$patience" "$build/bench/probe" setup -g g0 -s s0 -n "$2" -f "$3" -m "$patience" -r "/run/netns/$switch") ||
		die "$kind: flows are not placed: $out"
	[ -z "$1" ] || record "$1" "${out##* }"
}

cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/$pid/stat"; } # HZ is 100

row_placed() {
	local before after
	[ "$kind" != tc ] || return 0
	fresh true
	placed '' 100 1
	placed placed.small $small 1000
	fresh true
	placed '' 100 1
	before=$(rss_kb)
	placed placed.large $large 1000
	sleep 2
	record memory $((($(rss_kb) - before) * 10000 / large))
	want_rules $large
	before=$(cpu_ms) took=${EPOCHREALTIME/./}
	sleep $cpu_s
	after=$(cpu_ms) took=$((${EPOCHREALTIME/./} - took))
	record cpu $(((after - before) * 1000000 / took))
	[ "$kind" != ovs ] || record counters "$(appctl upcall/show | awk -v n=$large '/dump duration/ { print int(n * 1000 / ($4 + 0 > 0 ? $4 + 0 : 1)) }')"
	want_rules $large
}

row_upcalls() {
	local out
	[ "$kind" != tc ] || return 0
	fresh false
	in_wire "$build/bench/probe" setup -g g0 -s s0 -n 100 >/dev/null || die "$kind: flows are not set up"
	out=$(in_wire timeout "$patience" "$build/bench/probe" setup -g g0 -s s0 -n $n_setups -f 1000) || die "$kind: flows are not set up: $out"
	record upcalls "${out##* }"
}

row_rules() { rules_"$kind"; }

# ---- the run ----

lab_up || die "cannot make the namespaces"
cpu_model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)
done_steps=0 all_steps=$((rounds * $(wc -w <<<"$rows") * 3))
# Open vSwitch makes no handler threads in the first ten seconds.
# shellcheck disable=SC2016 # awk's
wait_for 20 awk '{ exit $1 < 11 }' /proc/uptime
for round in $(seq "$rounds"); do
	if [ $SECONDS -gt "$limit" ]; then
		warn "$((round - 1)) of $rounds rounds: $((limit / 60)) minutes were over"
		break
	fi
	for row in $rows; do
		for kind in tc shunt ovs; do
			say "[$((done_steps * 100 / all_steps)) %, $SECONDS s] round $round of $rounds: $row, $kind"
			row_"$row"
			done_steps=$((done_steps + 1))
		done
	done
done
switch_clean

shunt_version=$("$build/switchd/shuntd" --version | awk '{ print $NF }')
ovs_version=$(ovs-vswitchd --version | sed -n '1s/.* //p')
if [ "$format" = json ]; then
	print_json "$shunt_version" "$ovs_version" "$rounds"
else
	echo "Shunt $shunt_version, Open vSwitch $ovs_version, $(tc -V); User-mode Linux $(uname -r) on $cpu_model; $rounds rounds in $SECONDS s"
	print_table
fi
