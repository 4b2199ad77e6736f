# What a restart must not disturb, sourced by tests that bring ports of one kind: flows of a bridge in the kernel's datapath
# whose rules stand in TC, in software or in a NIC, while the switch ends, is killed and comes back.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
command -v tc >/dev/null || { echo "skipped: tc is not there"; exit 77; }

# --- numbers ---

# Packets that hosts have sent, as Linux counts them there.
sent() { echo $(($(in_host a cat /sys/class/net/eth0/statistics/tx_packets) + $(in_host b cat /sys/class/net/eth0/statistics/tx_packets))); }
tier() { # NAME: packets that it has switched
	ctl offload status --json | python3 -c 'import json, sys
print(sum(t["packets"] for d in json.load(sys.stdin)["datapaths"] for t in d["tiers"] if t["tier"] == sys.argv[1]))' "$1"
}
# How many flows are in this state, of how many.
flows_in() { ctl offload flows --json | python3 -c 'import json, sys
f = json.load(sys.stdin); print(sum(x["state"] == sys.argv[1] for x in f), len(f))' "$1"; }
all_in() { # STATE
	local n of
	read -r n of < <(flows_in "$1")
	((n == of && n >= 2))
}
rules() { # PORT…: rules as the kernel tells them
	local port
	for port; do tc filter show dev "$port" ingress; done | grep -E '^filter .* handle' | sort
}
# Rules and flows as iproute2 and ovs-dpctl tell them: what is the same has the same priority, handle, action, cookie and ufid.
identities() {
	local port
	for port in "${ports[@]}"; do tc filter show dev "$port" ingress; done |
		awk '/^filter .* handle/ { rule = $0 } $1 == "index" { action = $2 } $1 == "cookie" { print rule, action, $2 }' | sort
	kernel_flows
}
counted() { flows_count packet br0; }
# former: what former processes switched by themselves, first packets of flows, is nobody's now.
same_packets() { [[ $(($(counted) + former)) == "$(sent)" ]]; }
unchecked() { metric shunt_megaflows_unchecked; }

# --- a steady stream in both directions, of which nothing may be missing ---

stream() {
	in_host a ping -q -i 0.02 -c "$1" -W 5 10.0.0.2 >"$dir/ping" &
	stream_pid=$!
}
stream_is_whole() { # PACKETS
	wait "$stream_pid" || true
	expect grep -q " $1 received, 0% packet loss" "$dir/ping"
}
again() { # HOW ([and the rest of the configuration that start_shuntd finds])
	former=$((former + $(tier upcall)))
	"$1"
	sleep 0.5
	start_shuntd
}
kept() { # COUNT: as the log says of the last start
	[[ $(grep -c 'were kept, 0 changed, 0 removed' "$dir/shuntd.log") == "$1" ]]
}

mac() { in_host "$1" cat /sys/class/net/eth0/address; }
# The bridge, whose flows do not grow idle here, and its ports.
adopt_bridge() { # PORT PORT [SETTINGS…]: of each Interface
	ports=("$1" "$2")
	start_shuntd
	system_bridge br0
	vsctl set Open_vSwitch . other_config:max-idle=600000
	for port in "${ports[@]}"; do vsctl add-port br0 "$port" ${3:+-- set Interface "$port" "$3"}; done
	# No ARP: it would make flows when it likes.
	in_host a ip neigh replace 10.0.0.2 lladdr "$(mac b)" nud permanent dev eth0
	in_host b ip neigh replace 10.0.0.1 lladdr "$(mac a)" nud permanent dev eth0
	expect reaches a 10.0.0.2
}

adopt_steps() { # STATE
	local state=$1 before n of
	former=0

	step "flows come into \"$state\""
	eventually reaches a 10.0.0.2
	eventually all_in "$state"
	eventually same_packets
	before=$(identities)
	expect grep -q "handle 0x53" <<<"$before"
	expect grep -q "^ufid:" <<<"$before"

	step "killed and back: the same rules, every packet, counted once"
	stream 150
	sleep 0.5
	again kill_shuntd
	stream_is_whole 150
	eventually kept 1
	equal "$(identities)" "$before" "rules and flows"
	expect all_in "$state"
	eventually same_packets

	step "stopped in order and back, likewise"
	stream 150
	sleep 0.5
	again stop_shuntd
	stream_is_whole 150
	eventually kept 2
	equal "$(identities)" "$before" "rules and flows"
	expect all_in "$state"
	eventually same_packets

	step "nothing is decided while somebody restores the tables"
	vsctl set Open_vSwitch . other_config:flow-restore-wait=true
	stream 250
	again stop_shuntd
	read -r n of < <(flows_in "$state")
	equal "$(unchecked)" "$of" "megaflows that wait"
	ofctl del-flows br0 # and nothing is dropped
	sleep 1
	equal "$(unchecked)" "$of" "megaflows that still wait"
	ofctl add-flow br0 actions=normal
	vsctl remove Open_vSwitch . other_config flow-restore-wait
	stream_is_whole 250
	eventually kept 3
	equal "$(unchecked)" 0 "megaflows that wait"
	equal "$(identities)" "$before" "rules and flows"
	eventually same_packets

	adopt_controller "$state"

	step "told to clean up, it leaves nothing"
	appctl exit --cleanup
	wait "$shuntd_pid" || fail "shuntd ended with status $?"
	shuntd_pid=
	equal "$(rules "${ports[@]}")" "" "rules"
	equal "$(ovs-dpctl show 2>&1)" "" "datapaths that are left"
}

# A controller that lets the bridge wait until there is a file: then one rule and a barrier, in OpenFlow 1.0.
controller() {
	python3 - "$dir/go" <<-'END' &
	import os, select, socket, struct, sys
	go = sys.argv[1]
	message = lambda kind, xid, body=b"": struct.pack("!BBHI", 1, kind, 8 + len(body), xid) + body
	normal = struct.pack("!HHHH", 0, 8, 0xfffa, 0)
	match = struct.pack("!I", 0x003fffff) + bytes(36)
	flow_mod = match + struct.pack("!QHHHHIHH", 0, 0, 0, 0, 32768, 0xffffffff, 0xffff, 0) + normal
	server = socket.create_server(("127.0.0.1", 6653))
	while True:
	    c, done = server.accept()[0], False
	    c.sendall(message(0, 1))
	    while True:
	        if not done and os.path.exists(go):
	            c.sendall(message(14, 2, flow_mod) + message(18, 3))
	            done = True
	        if not select.select([c], [], [], 0.05)[0]:
	            continue
	        head = c.recv(8, socket.MSG_WAITALL)
	        if len(head) < 8:
	            break
	        _, kind, length, xid = struct.unpack("!BBHI", head)
	        body = c.recv(length - 8, socket.MSG_WAITALL) if length > 8 else b""
	        if kind == 2:
	            c.sendall(message(3, xid, body))
	END
	controller_pid=$!
}
connected() { [[ $(vsctl get Controller br0 is_connected) == true ]]; }
adopt_controller() { # STATE
	step "a bridge with a controller waits for its barrier"
	local n of
	controller
	touch "$dir/go"
	vsctl set-fail-mode br0 secure -- set-controller br0 tcp:127.0.0.1:6653
	eventually connected
	eventually reaches a 10.0.0.2
	eventually all_in "$1"
	rm "$dir/go"
	stream 300
	again kill_shuntd
	eventually connected
	read -r n of < <(flows_in "$1")
	sleep 1
	equal "$(unchecked)" "$of" "megaflows that wait"
	equal "$(counted)" 0 "packets of a table without rules"
	touch "$dir/go"
	stream_is_whole 300
	eventually kept 4
	equal "$(unchecked)" 0 "megaflows that wait"
	expect reaches a 10.0.0.2
	kill "$controller_pid"
}
