# Exact accounting, sourced by tests that say on which tier: random streams from host a to host b through a bridge, disturbed in
# every way in which flows move; afterwards the generator, the ports of Linux and of OpenFlow and the rules of OpenFlow agree to
# the packet and byte.  SHUNT_SEED repeats a run.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

: "${SHUNT_SEED:=$RANDOM}"
echo "seed: SHUNT_SEED=$SHUNT_SEED"
STREAMS=${STREAMS:-8} PPS=${PPS:-500} FIRST=1000
sender='' runs=0

# --- the generator ---

streams_on() { # [N [PPS]]: streams, each to a port of its own
	ip netns exec a python3 "$top/tests/kernel/stream.py" eth0 "$mac_b" $((SHUNT_SEED + runs)) "${1:-$STREAMS}" "${2:-$PPS}" $FIRST \
		>"$dir/sent.$runs" & # itself, to be told to end
	sender=$!
	eventually test -s "$dir/sent.$runs"
	runs=$((runs + 1))
}
streams_off() {
	kill "$sender"
	wait "$sender" || fail "the generator ended with status $?"
	sender=''
}
# "PORT PACKETS BYTES" of all runs since the counts began, and their sums.
sent_by_port() { cat "$dir"/sent.* | awk '/^[0-9]/ { p[$1] += $2; b[$1] += $3 } END { for (k in p) print k, p[k], b[k] }' | sort; }
sum() { awk '{ p += $(NF - 1); b += $NF } END { print p + 0, b + 0 }'; }

# --- who else counts ---

# Rules of OpenFlow, a rule for each port of a stream; "PORT PACKETS BYTES".
rules_by_port() {
	ofctl dump-flows br0 | sed -n 's/.*n_packets=\([0-9]*\), n_bytes=\([0-9]*\),.*tp_dst=\([0-9]*\) .*/\3 \1 \2/p' |
		awk '{ p[$1] += $2; b[$1] += $3 } END { for (k in p) if (p[k]) print k, p[k], b[k] }' | sort
}
of_port() { # rx|tx PORT: packets and bytes
	ofctl dump-ports br0 "$2" | sed -n "s/.*$1 pkts=\([0-9]*\), bytes=\([0-9]*\),.*/\1 \2/p"
}
linux_port() { # NETNS DEVICE rx|tx
	in_host "$1" cat "/sys/class/net/$2/statistics/$3_packets" "/sys/class/net/$2/statistics/$3_bytes" | xargs
}
minus() { awk -v now="$1" -v then="$2" 'BEGIN { split(now, a); split(then, b); print a[1] - b[1], a[2] - b[2] }'; }

# Counting begins (again): the ports' counts are taken off from now on.  Rules' counts are from zero.
base() {
	base_of_rx=$(of_port rx "$port_a") base_of_tx=$(of_port tx "$port_b") base_b=$(linux_port b eth0 rx)
}
rules_agree() { [[ $(rules_by_port) == "$(sent_by_port)" ]]; }
ports_agree() {
	local sent
	sent=$(sent_by_port | sum)
	[[ $(minus "$(of_port rx "$port_a")" "$base_of_rx") == "$sent" && $(minus "$(of_port tx "$port_b")" "$base_of_tx") == "$sent" &&
		$(minus "$(linux_port b eth0 rx)" "$base_b") == "$sent" ]]
}
# While nothing is sent.  What a NIC still has to tell comes by and by.
exact() { # WHAT
	if ! (eventually rules_agree && eventually ports_agree) >/dev/null; then
		echo "port, packets and bytes that were sent | that the rules counted"
		join -a 1 <(sent_by_port) <(rules_by_port)
		echo "sums: sent $(sent_by_port | sum), rules $(rules_by_port | sum), arrived $(minus "$(linux_port b eth0 rx)" "$base_b")," \
			"OpenFlow rx $(minus "$(of_port rx "$port_a")" "$base_of_rx"), tx $(minus "$(of_port tx "$port_b")" "$base_of_tx")"
		echo "lost on the way up: $(metric shunt_upcall_overruns_total)"
		fail "not exact: $1"
	fi
	echo "exact: $1: $(sent_by_port | sum) packets and bytes so far"
}

# --- the switch ---

# Where each flow is: "STATE" a line.
states() { ctl offload flows --json | grep -o '"state": *"[a-z]*"' | grep -o '[a-z]*"$' | tr -d '"'; }
all_in() { # STATE [N]: all flows are, at least N of them
	states >"$dir/states"
	[[ $(wc -l <"$dir/states") -ge ${2:-$STREAMS} && $(sort -u "$dir/states") == "$1" ]]
}
some_in() { # STATE
	states >"$dir/states"
	grep -qx "$1" "$dir/states"
}

# A rule for each stream, so that a stream is a flow.
put_rules() { # [ACTIONS]
	local p
	for ((p = FIRST; p < FIRST + STREAMS; p++)); do
		echo "priority=10,udp,in_port=$port_a,tp_dst=$p,actions=${1:-output:$port_b}"
	done >"$dir/rules"
	ofctl add-flows br0 "$dir/rules"
}
exact_bridge() { # PORT PORT [SETTINGS…]: of each Interface
	port_a=$1 port_b=$2
	in_host b ip addr flush dev eth0 # nobody answers
	start_shuntd
	system_bridge br0
	vsctl set-fail-mode br0 secure
	vsctl set Open_vSwitch . other_config:max-idle=600000
	for port in "$port_a" "$port_b"; do
		vsctl add-port br0 "$port" ${3:+-- set Interface "$port" "${@:3}"}
	done
	mac_b=$(in_host b cat /sys/class/net/eth0/address)
	put_rules
	base
}

# --- disturbances, all under traffic ---

place_and_count() { # STATE
	step "placement: from the first packet into \"$1\""
	streams_on
	eventually all_in "$1"
	sleep 1
	streams_off
	exact "placement"
}

replace_and_count() { # STATE
	step "replacement: other actions, again and again, and back"
	streams_on
	local tos
	for tos in 4 8 12 16; do
		put_rules_mod "mod_nw_tos:$tos,output:$port_b"
		sleep 0.4
	done
	put_rules_mod "output:$port_b"
	eventually all_in "$1"
	streams_off
	exact "replacement"
}
put_rules_mod() { ofctl mod-flows br0 "udp,in_port=$port_a,actions=$1"; } # counts go on

remove_and_count() { # STATE
	step "removal: a rule that nothing meets makes other flows of all, again and again"
	streams_on
	local n
	for n in 1 2 3; do
		ofctl add-flow br0 "priority=20,udp,in_port=$port_a,tp_src=$n,nw_tos=$((n * 4)),actions=drop"
		sleep 0.5
		ofctl del-flows br0 "udp,in_port=$port_a,tp_src=$n"
		sleep 0.5
	done
	eventually all_in "$1"
	streams_off
	exact "removal"
}

# Off and on, for the port and for all, so that all flows leave their tier under traffic and come back.
toggle_and_count() { # STATE
	step "offload goes off and on under traffic"
	streams_on
	local n
	for n in 1 2; do
		vsctl set Interface "$port_a" other_config:hw-offload=false
		eventually all_in software
		vsctl remove Interface "$port_a" other_config hw-offload
		eventually all_in "$1"
		vsctl set Open_vSwitch . other_config:hw-offload=false
		eventually all_in software
		vsctl remove Open_vSwitch . other_config hw-offload
		eventually all_in "$1"
	done
	streams_off
	exact "off and on"
}

# What a process has switched itself, on the way up: packets and bytes.
upcalls() {
	curl -sf http://127.0.0.1:9310/metrics | awk '/^shunt_packets.*tier="upcall"/ { p += $2 }
		/^shunt_bytes.*tier="upcall"/ { b += $2 }
		END { print p + 0, b + 0 }'
}
# After a restart rules count what their flows have kept, which is all but what former processes have switched themselves.
kept_agree() {
	[[ $(minus "$(sent_by_port | sum)" "$former") == "$(rules_by_port | sum)" ]] && ports_agree
}
numbers() { ofctl show br0 | grep -o '[0-9]*(p[a-z]*)\|[0-9]*(nr[0-9]*)' | sort | xargs; }
# Counting begins again.
fresh_counts() {
	ofctl del-flows br0
	put_rules
	rm "$dir"/sent.*
	base
}
restart_and_count() { # STATE HOW…
	local how former="0 0" up numbers
	numbers=$(numbers)
	streams_on
	eventually all_in "$1" $STREAMS
	for how in "${@:2}"; do
		step "restart under traffic: $how"
		streams_off # so that what the process has switched itself is known
		up=$(upcalls)
		former="$((${former% *} + ${up% *})) $((${former#* } + ${up#* }))"
		vsctl set Open_vSwitch . other_config:flow-restore-wait=true
		streams_on
		sleep 0.5
		"$how"
		sleep 0.5
		start_shuntd
		put_rules
		vsctl remove Open_vSwitch . other_config flow-restore-wait
		equal "$(numbers)" "$numbers" "OpenFlow's numbers of the ports"
		eventually all_in "$1"
		streams_off
		(eventually kept_agree) >/dev/null || true
		equal "$(rules_by_port | sum)" "$(minus "$(sent_by_port | sum)" "$former")" "packets and bytes that rules counted"
		expect ports_agree
		streams_on
	done
	streams_off
	fresh_counts
}
