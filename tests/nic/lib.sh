# What the tests of the whole switch on nicsim stand on, sourced after tests/kernel/lib.sh or what sources that: a NIC whose
# functions are in hosts a and b.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

mount -t debugfs none /sys/kernel/debug # of this /sys, which is of the namespaces of the test
[[ -e /sys/kernel/debug/nicsim/control ]] || { echo "skipped: the module nicsim is not loaded: make check-nic"; exit 77; }

nic_host() { # DEVICE HOST ADDRESS/LEN: a function of the NIC, in a host of its own
	ip netns add "$2"
	in_host "$2" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link set dev "$1" netns "$2" name eth0
	ip -n "$2" link set lo up
	ip -n "$2" link set eth0 up
	ip -n "$2" addr add "$3" dev eth0
}
# The NIC n: its representors are nr0 for host a, nr1 for host b…
nic() { # PORTS [OPTION…]
	local i names=(a b c d)
	echo "add n ports=$1 ${*:2}" >/sys/kernel/debug/nicsim/control
	for ((i = 0; i < $1; i++)); do
		nic_host "nv$i" "${names[i]}" "10.0.0.$((i + 1))/24"
		ip link set dev "nr$i" up
	done
	ip link set dev n up
}
nic_command() { echo "$*" >/sys/kernel/debug/nicsim/n/command; }
nic_info() { awk -v name="$1" '$1 == name { print $2 }' /sys/kernel/debug/nicsim/n/info; }
nic_rules() { grep -vc forgotten /sys/kernel/debug/nicsim/n/rules || true; }

# --- who switched it ---

# Of the packets that came in by a port, those that the NIC, TC's software and the kernel's datapath switched.
who_switched() { # PORT
	tc -s -j filter show dev "$1" ingress chain 0 | python3 -c '
import json, sys
last = [f["options"]["actions"][-1]["stats"] for f in json.load(sys.stdin) if "actions" in f.get("options", {})]
hardware = sum(s.get("hw_packets", 0) for s in last)
print(hardware, sum(s["packets"] for s in last) - hardware, end=" ")'
	ovs-dpctl dump-flows | sed -n "/recirc_id(0),.*in_port($1)/s/.*packets:\([0-9]*\).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'
}
# How many flows that enter by the port have these words in match or actions and are in the state.
flows_in() { # STATE PORT WORDS
	ctl offload flows --json | python3 -c '
import json, sys
state, port, words = sys.argv[1:]
print(sum(f["state"] == state and f["port"] == port and words in f["match"] + " " + f["actions"] for f in json.load(sys.stdin)))' "$@"
}
has_flow() { [[ $(flows_in "$@") != 0 ]]; }
# The command's packets by nr0 and nr1, at least so many each way: this share of them, in percent, is the NIC's.
by_nic() { # PACKETS PERCENT COMMAND…
	local port earlier=() now=() ours others i
	for port in nr0 nr1; do earlier+=("$(who_switched $port)"); done
	"${@:3}" >"$TMPDIR/by_nic" 2>&1 || fail "${*:3}: $(tail -n 3 "$TMPDIR/by_nic")"
	for port in nr0 nr1; do now+=("$(who_switched $port)"); done
	for i in 0 1; do
		read -r ours others < <(awk -v a="${now[i]}" -v b="${earlier[i]}" \
			'BEGIN { split(a, n); split(b, w); print n[1] - w[1], n[2] - w[2] + n[3] - w[3] }')
		echo "nr$i: $ours packets by the NIC, $others by software"
		((ours >= $1 && ours * 100 >= (ours + others) * $2)) || fail "nr$i: the NIC switched $ours packets, software $others"
	done
}

# --- programs that send and are answered ---

# b serves; a and b know each other's link address and that of the address that NAT uses, so that no ARP makes a flow.
mac() { in_host "$1" cat /sys/class/net/eth0/address; }
know_each_other() { # [DEVICE of b]
	local address
	in_host a ip neigh replace 10.0.0.2 lladdr "$(mac b)" nud permanent dev eth0
	for address in 10.0.0.1 10.0.0.77; do in_host b ip neigh replace $address lladdr "$(mac a)" nud permanent dev "${1:-eth0}"; done
}
serve() {
	in_host b iperf3 -s >/dev/null 2>&1 &
	eventually in_host b bash -c 'ss -Hltn sport = :5201 | grep -q .'
}
tcp() { in_host a iperf3 -c 10.0.0.2 -t 1 -b 20M; }
ping20() { in_host a ping -q -c 20 -i 0.02 -W 2 10.0.0.2; }
