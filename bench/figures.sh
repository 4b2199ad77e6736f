# SPDX-License-Identifier: Apache-2.0
# The figures of a run: kept one a line in files by switch and row, printed as a table or as JSON.
#
# Sourced by bench/run, which sets work, kind and kinds.
# shellcheck shell=bash disable=SC2154

# Who is measured beside the two switches, and as what it heads its column.
: "${third:=testpmd}" "${third_title:=DPDK testpmd, af_packet}"

# ROW TITLE more|less: what can be recorded, in the order in which it is printed.
: "${row_titles:="
add.OpenFlow10|flow-mods/s, N_MODS added, OpenFlow 1.0|more
add.OpenFlow13|flow-mods/s, N_MODS added, OpenFlow 1.3|more
replace.OpenFlow13|flow-mods/s, the same again, OpenFlow 1.3|more
pps.64.1|packets/s, 64 bytes, 1 flow|more
pps.64.1000|packets/s, 64 bytes, 1,000 flows|more
pps.1518.1|packets/s, 1,518 bytes, 1 flow|more
setup|flow set-ups/s|more
memory|KiB resident per 10,000 megaflows|less
start|ms from start to first packet|less
"}"

record() { echo "$2" >>"$work/figures.$kind.$1"; } # ROW VALUE; of the switch in use

# Something that makes a figure doubtful; said at once and again at the end.
warn() {
	say "  note: $*"
	echo "$*" >>"$work/warnings"
}

figures_of() { cat "$work/figures.$1.$2" 2>/dev/null; } # KIND ROW

# Reads numbers, prints: median least most count; nothing for no numbers.
summary() {
	sort -g | awk '{ v[NR] = $1 } END {
		if (!NR) exit
		m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
		print m, v[1], v[NR], NR }'
}

# A more|less B: how many times as good A is, of two summaries.
times_as_good() {
	awk -v a="$1" -v way="$2" -v b="$3" 'BEGIN {
		split(a, x); split(b, y)
		if (x[1] + 0 == 0 || y[1] + 0 == 0) print "-"
		else printf "%.2f\n", way == "more" ? x[1] / y[1] : y[1] / x[1] }'
}

# Calls `DO ROW TITLE more|less` for each row that has figures.
each_row() { # DO
	local row title way
	while IFS='|' read -r row title way; do
		[ -n "$row" ] && [ -n "$(figures_of shunt "$row")" ] && "$1" "$row" "${title/N_MODS/${n_mods:-}}" "$way"
	done <<<"$row_titles"
}

cell() { # SUMMARY
	# shellcheck disable=SC2086 # median least most count
	[ -z "$1" ] || printf '%.0f (%.0f-%.0f)' ${1% *}
}

table_row() {
	local s o d
	s=$(figures_of shunt "$1" | summary) o=$(figures_of ovs "$1" | summary) d=$(figures_of "$third" "$1" | summary)
	printf '%-43s %-27s %-25s %5s' "$2" "$(cell "$s")" "$(cell "$o")" "$(times_as_good "$s" "$3" "$o")"
	[ -z "$d" ] || printf '   %-27s %5s' "$(cell "$d")" "$(times_as_good "$s" "$3" "$d")"
	printf '\n'
}

print_table() {
	printf '%-43s %-27s %-25s %5s' "median (least-most)" "Shunt" "Open vSwitch" "times"
	[ -z "$(ls "$work/figures.$third".* 2>/dev/null)" ] || printf '   %-27s %5s' "$third_title" "times"
	printf '\n'
	each_row table_row
	[ ! -s "$work/warnings" ] || sed 's/^/note: /' "$work/warnings"
}

# ---- JSON ----

json_string() {
	local s=${1//\\/\\\\}
	printf '"%s"' "${s//\"/\\\"}"
}

json_figures() { # KIND ROW
	figures_of "$1" "$2" | summary | while read -r median least most _; do
		printf ',"%s":{"median":%s,"min":%s,"max":%s,"values":[%s]}' "$1" "$median" "$least" "$most" \
			"$(figures_of "$1" "$2" | paste -sd,)"
	done
}

json_row() {
	local k s
	printf '%s{"row":"%s","title":%s,"better":"%s"' "$json_sep" "$1" "$(json_string "$2")" "$3"
	json_sep=,
	s=$(figures_of shunt "$1" | summary)
	for k in shunt ovs "$third"; do json_figures "$k" "$1"; done
	for k in ovs "$third"; do
		[ -z "$(figures_of "$k" "$1")" ] || printf ',"times_%s":%s' "$k" "$(times_as_good "$s" "$3" "$(figures_of "$k" "$1" | summary)" | sed 's/^-$/null/')"
	done
	printf '}\n'
}

print_json() { # SHUNT OVS ROUNDS
	json_sep=''
	printf '{"shunt":%s,"openvswitch":%s,"kernel":%s,"cpu":%s,"cpus":%d,"rounds":%d,"seconds":%d,"rows":[' "$(json_string "$1")" \
		"$(json_string "$2")" "$(json_string "$(uname -r)")" "$(json_string "$cpu_model")" "$(nproc)" "$3" "$SECONDS"
	each_row json_row
	printf '],"notes":['
	json_sep=''
	while read -r line; do
		printf '%s%s' "$json_sep" "$(json_string "$line")"
		json_sep=,
	done < <(cat "$work/warnings" 2>/dev/null)
	printf ']}\n'
}
