# Metered traffic, sourced by tests that say on which tier: random streams from host a to host b through one meter, disturbed in
# every way in which its flows move; afterwards what was sent, what the meter saw and the rules in front of it counted is the
# same to the packet and byte, and what the meter dropped is what has not arrived.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# shellcheck source=tests/kernel/exact.sh
STREAMS=4 PPS=400
. "${srcdir:-.}/tests/kernel/exact.sh"

ofctl() { ovs-ofctl -O OpenFlow13 "$@"; }
METER=meter=7,pktps,burst,stats,band=type=drop,rate=100,burst_size=50
police() { tc -s -j actions ls action police; } # iproute2's word
# Numbers of police actions, and what one of all has counted: packets, bytes, dropped packets.
police_numbers() { police | grep -o '"index": *[0-9]*' | grep -o '[0-9]*$' || true; }
police_counts() {
	police | python3 -c '
import json, sys
s = [a["stats"] for l in json.load(sys.stdin) for a in l.get("actions", []) if "stats" in a]
print(*(sum(x[k] for x in s) for k in ("packets", "bytes", "drops")))'
}
# Packets and bytes that came in, and that the band dropped.
meter_counts() {
	ofctl meter-stats br0 meter=7 | tr ' ' '\n' | awk -F: '/^packet_in_count/ { p = $2 } /^byte_in_count/ { b = $2 }
		/^packet_count/ { dp = $2 } /^byte_count/ { db = $2 } END { print p, b, dp, db }'
}
# What others than the police action metered: packets, and dropped packets.
metered_elsewhere() { awk '{ print $1 - $5, $3 - $7 }' <<<"$(meter_counts) $(police_counts)"; }
base_meter() { base_in=$(meter_counts); }
arrived() { minus "$(linux_port b eth0 rx)" "$base_b"; }
# BYTES: "exact", or "mean" where only the dropped packets' number is told, and their bytes are reckoned by the mean.
meter_agrees() {
	local in sent missing
	in=$(meter_counts) sent=$(sent_by_port | sum)
	missing=$(minus "$sent" "$(arrived)")
	case $BYTES in
		exact) [[ $in == "$sent $missing" ]] ;;
		mean) [[ ${in% *} == "$sent ${missing% *}" ]] && ((${in##* } <= ${sent#* })) ;;
	esac
}
told() { echo "$1: sent $(sent_by_port | sum), meter $(meter_counts), arrived $(arrived), police $(police_counts)"; }
same_meter() { # WHAT
	(eventually meter_agrees) >/dev/null || fail "not exact: $(told "$1")"
	equal "$(awk '{ print ($3 > 0) + ($1 > $3) }' <<<"$(meter_counts)")" 2 "kinds of packets: some dropped, some not"
	echo "exact: $(told "$1")"
}
metered() { # WHAT
	(eventually rules_agree) >/dev/null || fail "not exact: $(told "$1"), rules $(rules_by_port | sum)"
	same_meter "$1"
}
reason() { ctl offload flows --json | grep -q "\"reason\": *\"$1\""; }

metered_bridge() { # PORT PORT [SETTINGS…]
	exact_bridge "$@"
	ofctl del-flows br0
	ofctl add-meter br0 "$METER"
	put_rules "meter:7,output:$port_b"
	base
}

metered_steps() { # STATE
	local state=$1 n elsewhere

	step "placement: from the first packet into \"$state\""
	streams_on
	eventually all_in "$state"
	# Of all flows; a trial of the device's may be there for a moment.
	one_police() { [[ $(police_numbers | wc -l) == 1 ]]; }
	same_police() { [[ $(police_numbers) == "$n" ]]; }
	eventually one_police
	n=$(police_numbers)
	sleep 0.5
	streams_off
	metered "placement"
	elsewhere=$(metered_elsewhere) # before the flows were there, which may take a while
	streams_on
	sleep 0.5
	streams_off
	metered "once placed"
	expect in_tier

	step "a change of its rate, in place"
	streams_on
	ofctl mod-meter br0 meter=7,pktps,burst,stats,band=type=drop,rate=200,burst_size=10
	sleep 0.3
	ofctl mod-meter br0 meter=7,kbps,burst,stats,band=type=drop,rate=300,burst_size=100
	sleep 0.3
	expect all_in "$state"
	eventually same_police

	step "somebody changes its police action in place: said, and put right"
	limits() { tc actions ls action police | grep -o ' police 0x.*'; }
	were() { [[ $(limits) == "$before" ]]; }
	put_right() { (($(grep -c 'its police action: put right' "$dir/shuntd.log") >= $1)); }
	local before flag=skip_hw
	[[ $state == tc ]] || flag=skip_sw
	before=$(limits)
	expect tc actions change action police pkts_rate 1 pkts_burst 1 conform-exceed drop/pipe index "$n" $flag
	eventually put_right 1
	eventually were
	expect all_in "$state"

	step "flows leave and come"
	put_rules_mod "meter:7,mod_nw_tos:4,output:$port_b"
	sleep 0.3
	put_rules_mod "meter:7,output:$port_b"
	vsctl set Interface "$port_a" other_config:hw-offload=false
	eventually all_in software
	if [[ $state == tc ]]; then # one that no rule has may be taken out
		expect tc actions del action police index "$n"
		eventually put_right 2
		eventually same_police
	fi
	vsctl remove Interface "$port_a" other_config hw-offload
	eventually all_in "$state"

	step "a burst of 300 s is more than police can: its flows leave, and say why; a shorter one, and they are back"
	ofctl mod-meter br0 meter=7,pktps,burst,stats,band=type=drop,rate=1,burst_size=300
	eventually all_in refused
	expect reason meter
	ofctl mod-meter br0 "$METER"
	eventually all_in "$state"
	streams_off
	metered "all of this"

	step "another meter of that number is new"
	no_police() { [[ -z $(police_numbers) ]]; }
	ofctl del-meter br0 meter=7
	eventually no_police
	ofctl add-meter br0 "$METER"
	equal "$(meter_counts)" "0 0 0 0" "what it has counted"

	step "restart: killed, and everything goes on"
	put_rules "meter:7,output:$port_b"
	rm "$dir"/sent.*
	base
	streams_on
	eventually all_in "$state"
	sleep 0.5
	streams_off
	metered "before the restart"
	vsctl set Open_vSwitch . other_config:flow-restore-wait=true
	n=$(police_numbers)
	kill_shuntd
	start_shuntd
	eventually vsctl br-exists br0
	ofctl add-meter br0 "$METER"
	put_rules "meter:7,output:$port_b"
	vsctl remove Open_vSwitch . other_config flow-restore-wait
	eventually all_in "$state"
	eventually same_police
	same_meter "what the former process had"
	streams_on
	sleep 0.5
	streams_off
	same_meter "after the restart"

	step "the meter goes, and its police action with it"
	ofctl del-meter br0 meter=7
	eventually no_police
	stop_shuntd
	equal "$(complaints | grep -v ': put right' || true)" "" "the log's other complaints"
}
