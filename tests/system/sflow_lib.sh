# What the tests of sFlow share, on whichever datapath: sourced behind lib.sh, with br0 there.  A collector writes what comes into
# $dir/NAME.pcap; tshark says what is in it (sflow.py).
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

command -v tshark >/dev/null || { echo "skipped: tshark is not installed"; exit 77; }
SHUNT_SEED=${SHUNT_SEED:-$RANDOM}
echo "SHUNT_SEED=$SHUNT_SEED"

sflow() { python3 "$top/tests/system/sflow.py" "$@" 2>"$dir/sflow.err" || { cat "$dir/sflow.err"; return 1; }; }
collector() { # NAME PORT
	python3 "$top/tests/system/sflow.py" collect 127.0.0.1 "$2" "$dir/$1.pcap" 2>>"$dir/stderr" &
	collector_pid=$!
	eventually test -s "$dir/$1.pcap"
}
# As the counts of another process begin with nothing.
forget_collected() { # NAME PORT, of the last collector
	kill "$collector_pid"
	wait "$collector_pid" 2>/dev/null || true
	rm "$dir/$1.pcap"
	collector "$@"
}
sflow_on() { # COLUMN=VALUE…
	vsctl --id=@s create sFlow agent=127.0.0.1 'targets="127.0.0.1:6343"' polling=0 "$@" -- set Bridge br0 sflow=@s >/dev/null
}
set_sflow() { vsctl set sFlow "$(vsctl get Bridge br0 sflow)" "$@"; }
sflow_off() { vsctl clear Bridge br0 sflow; }
# So many samples have been told of since sFlow was turned on, and have come.
told() { metric shunt_sflow_samples_total; }
told_is() { [[ $(told) == "$1" ]] && all_came; }
all_came() { [[ $(metric shunt_sflow_datagrams_total) == "$(sflow count "$dir"/*.pcap)" ]]; }
# Those behind the first so many, into $dir/samples.
take_samples() { sflow samples "$dir/c.pcap" | tail -n +$(($1 + 1)) >"$dir/samples"; }
ifindex() { cat "/sys/class/net/$1/ifindex"; }
# Of all lines, the values of a word, each once.
word() { grep -o "\b$1=[^ ]*" | cut -d= -f2 | sort -u | tr '\n' ' '; }

# Two hosts that need not ask for each other, and rules that send between them.
two_hosts() {
	local x
	host a 10.0.0.1/24
	host b 10.0.0.2/24
	vsctl set-fail-mode br0 secure -- add-port br0 pa -- set Interface pa ofport_request=1 -- add-port br0 pb \
		-- set Interface pb ofport_request=2
	for x in a:10.0.0.2:b b:10.0.0.1:a; do
		IFS=: read -r from address to <<<"$x"
		in_host "$from" ip neigh replace "$address" lladdr "$(in_host "$to" cat /sys/class/net/eth0/address)" nud permanent dev eth0
	done
	vsctl set Open_vSwitch . other_config:max-idle=600000 # the flows are there when they are looked for
	ofctl add-flow br0 in_port=1,actions=2
	ofctl add-flow br0 in_port=2,actions=1
}
of_packets() { ofctl dump-aggregate br0 | sed 's/.*packet_count=\([0-9]*\).*/\1/'; }
of_packets_is() { [[ $(of_packets) == "$1" ]]; }
# As a datapath, a list of actions that goes up has it.
flows_sample() { [[ $(ovs-appctl -t "$dir/shuntd.$shuntd_pid.ctl" dpctl/dump-flows) == *"sample("* ]]; }

# Rate 1: each packet is told of once, those that made the flows too, and OpenFlow counts what it counted.
every_packet_once() { # PINGS
	local had before
	had=$(told) before=$(of_packets)
	expect pings -q -c "$1" -i 0.02 -W 5 10.0.0.2
	eventually told_is $((had + 2 * $1))
	eventually of_packets_is $((before + 2 * $1))
	take_samples "$had"
	equal "$(word sampling_rate <"$dir/samples")" "1 " "the rate"
	equal "$(word dropped_packets <"$dir/samples")" "0 " "what is dropped"
	equal "$(word header_frame_length <"$dir/samples")" "102 " "the frames' length, with FCS"
	equal "$(word header_payload_stripped <"$dir/samples")" "4 " "what is stripped"
	equal "$(word header_sampled_header_length <"$dir/samples")" "64 " "the header's length"
	for type in 8:pa:pb 0:pb:pa; do # requests and replies
		IFS=: read -r type in out <<<"$type"
		grep "icmp_type=$type\b" "$dir/samples" >"$dir/ways" || fail "no sample of type $type"
		equal "$(wc -l <"$dir/ways")" "$1" "samples of type $type"
		equal "$(grep -o 'icmp_seq=[0-9]*' "$dir/ways" | sort -u | wc -l)" "$1" "different ones"
		equal "$(word input_interface <"$dir/ways")" "$(ifindex $in) " "the input"
		equal "$(word index <"$dir/ways")" "$(ifindex $in) " "the source"
		equal "$((0x$(word output_interface <"$dir/ways" | sed 's/0x//; s/ //')))" "$(ifindex $out)" "the output"
		# Numbers go on by one, and at this rate the pool is of as many.
		grep -o '\bsequence_number=[0-9]*' "$dir/ways" | cut -d= -f2 |
			awk 'NR > 1 && $1 != was + 1 { exit 1 } { was = $1 }' || fail "the numbers of type $type have gaps"
		grep -q '\bsequence_number=\([0-9]*\) .*sample_pool=\1 ' "$dir/ways" || fail "the pool is not the number of samples"
	done
}

# Another rate, live: the samples of many packets are as many as chance lets be believed, and say the rate.  Behind them comes a
# packet of each direction at rate 1: a direction's samples keep their order, so when these are there all are.
one_in() { # RATE PACKETS
	local had before
	at_rate "$1"
	had=$(told) before=$(of_packets)
	expect pings -q -f -c "$2" -W 5 10.0.0.2
	eventually of_packets_is $((before + 2 * $2))
	at_rate 1
	expect pings -q -c 1 -W 5 10.0.0.2
	eventually both_ways_at_1 "$had"
	equal "$(grep -c 'sampling_rate=1 ' "$dir/samples")" 2 "samples at rate 1"
	expect sflow within $((2 * $2)) "$1" "$(grep -c "sampling_rate=$1 " "$dir/samples")"
	equal "$(word sampling_rate <"$dir/samples")" "1 $1 " "the rates"
}
at_rate() { # RATE
	set_sflow "sampling=$1"
	eventually everywhere_at "$1"
}
everywhere_at() { sampled_at "$1"; } # a test may know more places
both_ways_at_1() { # SAMPLES-BEFORE
	take_samples "$1" && grep -q 'sampling_rate=1 .*icmp_type=8\b' "$dir/samples" && grep -q 'sampling_rate=1 .*icmp_type=0\b' "$dir/samples"
}
sampled_at() { # all flows that there are, and one at least
	local flows
	flows=$(ovs-appctl -t "$dir/shuntd.$shuntd_pid.ctl" dpctl/dump-flows)
	[[ $flows == *"rate=$1)"* && -z $(grep -v "rate=$1)" <<<"$flows") ]]
}
pings() { in_host a ping "$@" >/dev/null; }
# Three frames with tag 5, to nobody; their samples.
three_tagged() {
	local had
	in_host a ip link add link eth0 name v5 up type vlan id 5
	in_host a ip addr add 10.5.0.1/24 dev v5
	in_host a ip neigh replace 10.5.0.2 lladdr 02:00:00:00:00:05 dev v5
	had=$(told)
	expect_not pings -q -c 3 -i 0.02 -W 0.2 10.5.0.2
	eventually told_is $((had + 3))
	take_samples "$had"
}
