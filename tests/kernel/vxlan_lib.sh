# A bridge of the kernel's datapath with a VXLAN port vx and, at the other end, a plain Linux VXLAN device fx (10.0.0.9) in
# namespace "far", on whichever tier the flows are to be: sourced behind tunnel_lib.sh by tests that say
#
#   tier    kernel, tc or hardware
#   near    the port of the bridge that host a (10.0.0.1) is behind
#   here    the device under the tunnel, of 172.16.0.1; the other end has it as "ul", 172.16.0.2
#   far     where there is a switch at the far end, too: its port that host b is behind
#
# What leaves is judged on the wire (vxlan_wire.py), what arrives by the host that answers.
# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0

# The kernel's tunnel_key action cannot ask for "do not fragment".
df() { [[ $tier == kernel ]] && echo 1 || echo 0; }

# The tunnel port; every option anew.
vx() { # OPTION…
	local fixed=()
	[[ $tier == kernel || $* == *df_default* ]] || fixed=(options:df_default=false)
	vsctl --if-exists del-port vx -- add-port br0 vx -- set Interface vx type=vxlan "${@/#/options:}" "${fixed[@]}"
	equal "$(vsctl get Interface vx error)" "[]" "the tunnel's error"
}
# Linux's device at the far end, with an address and link address that a knows.
fx() { # WORD…: of ip link
	ip -n far link del fx 2>/dev/null || true
	ip -n far link add fx address 02:00:00:00:00:99 mtu 1400 type vxlan "$@"
	in_far sysctl -qw net.ipv6.conf.fx.disable_ipv6=1
	ip -n far addr add 10.0.0.9/24 dev fx
	ip -n far link set fx up
	ip -n far neigh replace 10.0.0.1 lladdr "$(in_host a cat /sys/class/net/eth0/address)" nud permanent dev fx
	in_host a ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:99 nud permanent dev eth0
}
ends4=(dstport 4789 local 172.16.0.2 remote 172.16.0.1)

# --- where flows are ---

# Commands run on this machine, or with on_far in front of a function on the far one.
at=(env) of=ofctl
on_far() { # FUNCTION…
	local at=(far_env) of=far_ofctl near=$far
	"$@"
}
tunnel_device() { "${at[@]}" ip -o -d link show type vxlan | grep -o 'vxlan_sys_[0-9]*' | head -n 1; }
# States of the flows of a port, each once.
states() { # PORT
	"${at[@]}" "$SHUNTCTL" offload flows | awk -v port="$1" 'length($1) == 36 { state = $2 } index($0, "port " port " ") { print state }' | sort -u
}
# Packets of filters of ours at a device by where they were counted, "software hardware", as iproute2 tells of their last action.
filters() { # DEVICE
	"${at[@]}" tc -s filter show dev "$1" ingress | awk '
		/ handle / { sum() }
		/^\tSent software/ { soft = $5; split_ = 1 }
		/^\tSent hardware/ { hard = $5; split_ = 1 }
		/^\tSent [0-9]/ { all = $4; soft = hard = split_ = 0 }
		function sum() { s += split_ ? soft : all; h += hard; all = soft = hard = split_ = 0 }
		END { sum(); print s + 0, h + 0 }'
}
in_hw() { # DEVICE: filters in hardware of all
	"${at[@]}" tc filter show dev "$1" ingress | awk '/ handle / { n++ } /in_hw_count/ { y++ } END { print y + 0 "/" n + 0 }'
}
kernel_packets() { "${at[@]}" ovs-dpctl dump-flows | sed -n 's/.*packets:\([0-9]*\),.*/\1/p' | awk '{ s += $1 } END { print s + 0 }'; }
on_tier() { # PORT DEVICE
	local n
	if [[ $tier == kernel ]]; then
		[[ $(in_hw "$2") == 0/0 ]] && ovs-dpctl dump-flows | grep -q "in_port($(dp_port "$2"))"
		return
	fi
	n=$(in_hw "$2")
	[[ $(states "$1") == "$tier" && $n == "$([[ $tier == tc ]] && echo 0 || echo "${n#*/}")/${n#*/}" && ${n#*/} != 0 ]]
}
dp_port() { ovs-dpctl show | sed -n "s/.*port \([0-9]*\): $1\( .*\)*$/\1/p"; }
both_on_tier() { on_tier "$near" "$near" && on_tier "$(tunnel_device)" "$(tunnel_device)"; }
# The tunnel carries, and by the tier that it should.
carries() {
	eventually reaches a 10.0.0.9
	eventually both_on_tier
	expect reaches a 10.0.0.9
}

# --- what is on the wire ---

# What comes to the far end by the tunnels' ports, from here on.
listen() {
	ip netns exec far python3 "$top/tests/kernel/vxlan_wire.py" ul 4789 8472 >"$dir/wire" &
	eventually grep -q listening "$dir/wire"
}
wire_lines() { tail -n +$((wire_from + 1)) "$dir/wire" | grep "vni=$1" || true; }
has_lines() { [[ $(wire_lines "$1" | wc -l) -ge $2 ]]; }
# Three packets with this VNI leave like that, each of them.
wire_says() { # VNI LINE [PING-OPTION…]
	wire_from=$(wc -l <"$dir/wire")
	expect in_host a ping -q -c 3 -i 0.05 -W 2 "${@:3}" 10.0.0.9
	eventually has_lines "$1" 3
	equal "$(wire_lines "$1" | sort -u)" "$2" "the outer header"
}

# --- what is counted ---

# Of both directions: OpenFlow's rules, the tier's own counters, the kernel's flows.
counts() {
	local n
	n="$($of dump-aggregate br0 "icmp,in_port=$near" | counted) $($of dump-aggregate br0 icmp,in_port=vx | counted)"
	echo "$n $(filters "$near") $(filters "$(tunnel_device)") $(kernel_packets)"
}
counts_grew() { # BEFORE PACKETS
	local was now i want
	read -ra was <<<"$1"
	read -ra now <<<"$(counts)"
	case $tier in
	kernel) want=(1 1 0 0 0 0 2) ;;
	tc) want=(1 1 1 0 1 0 0) ;;
	hardware) want=(1 1 0 1 0 1 0) ;;
	esac
	for i in "${!want[@]}"; do ((now[i] - was[i] == want[i] * $2)) || return 1; done
}
exact() {
	local before
	ofctl add-flow br0 "priority=50,icmp,in_port=$near,actions=output:vx"
	ofctl add-flow br0 "priority=50,icmp,in_port=vx,actions=output:$near"
	settled
	carries
	sleep 1
	before=$(counts)
	expect in_host a ping -q -c 100 -i 0.01 -W 3 10.0.0.9
	eventually counts_grew "$before" 100
	ofctl del-flows br0 icmp
}
tcp_passes() { # TO IPERF3-OPTION…: from host a
	eventually in_far bash -c 'ss -Hltn sport = :5201 | grep -q .'
	in_host a timeout 60 iperf3 -c "$@" -n 2M
}

counted_in_group() { # GROUP PACKETS
	[[ $(ofctl dump-aggregate br0 "icmp,in_port=vx,tun_gbp_id=$1" | counted) == "$2" ]]
}

# --- the options, one after the other ---

base_steps() {
	step "fixed ends and key"
	fx id 5 "${ends4[@]}"
	vx remote_ip=172.16.0.2 key=5
	carries
	wire_says 5 "172.16.0.1>172.16.0.2 tos=0x0 ttl=64 df=$(df) csum=none vni=5"
	exact

	step "TCP, both ways"
	ip netns exec far iperf3 -s >/dev/null 2>&1 & # itself, to be ended
	local server=$!
	expect tcp_passes 10.0.0.9
	expect tcp_passes 10.0.0.9 -R
	eventually both_on_tier
	kill $server
}

option_steps() {
	step "another UDP port"
	fx id 5 dstport 8472 local 172.16.0.2 remote 172.16.0.1
	vx remote_ip=172.16.0.2 key=5 dst_port=8472
	carries
	wire_says 5 "172.16.0.1>172.16.0.2 tos=0x0 ttl=64 df=$(df) csum=none vni=5 port=8472"

	step "TOS and TTL as they are set"
	fx id 5 "${ends4[@]}"
	vx remote_ip=172.16.0.2 key=5 tos=0x28 ttl=7
	carries
	wire_says 5 "172.16.0.1>172.16.0.2 tos=0x28 ttl=7 df=$(df) csum=none vni=5" -Q 0x48 -t 33

	step "TOS and TTL as the inner packet has them"
	vx remote_ip=172.16.0.2 key=5 tos=inherit ttl=inherit
	carries
	wire_says 5 "172.16.0.1>172.16.0.2 tos=0x48 ttl=33 df=$(df) csum=none vni=5" -Q 0x48 -t 33
	eventually both_on_tier

	step "fragmentation allowed, and a checksum"
	vx remote_ip=172.16.0.2 key=5 df_default=false csum=true
	carries
	wire_says 5 "172.16.0.1>172.16.0.2 tos=0x0 ttl=64 df=0 csum=right vni=5"

	step "one of our addresses"
	ip addr add 172.16.0.11/24 dev "$here"
	fx id 5 dstport 4789 local 172.16.0.2 remote 172.16.0.11
	vx remote_ip=172.16.0.2 local_ip=172.16.0.11 key=5
	carries
	wire_says 5 "172.16.0.11>172.16.0.2 tos=0x0 ttl=64 df=$(df) csum=none vni=5"
	ip addr del 172.16.0.11/24 dev "$here"

	step "keys that differ by direction"
	fx id 9 "${ends4[@]}"
	vx remote_ip=172.16.0.2 out_key=9 in_key=9
	carries
	wire_says 9 "172.16.0.1>172.16.0.2 tos=0x0 ttl=64 df=$(df) csum=none vni=9"
	vx remote_ip=172.16.0.2 out_key=9 in_key=10
	expect_not reaches a 10.0.0.9

	step "ends and keys by flow"
	fx id 77 "${ends4[@]}"
	vx remote_ip=flow key=flow
	ofctl add-flow br0 "priority=60,ip,in_port=$near,actions=set_field:172.16.0.2->tun_dst,set_field:77->tun_id,output:vx"
	ofctl add-flow br0 "priority=60,ip,in_port=vx,tun_id=77,tun_src=172.16.0.2,actions=output:$near"
	carries
	wire_says 77 "172.16.0.1>172.16.0.2 tos=0x0 ttl=64 df=$(df) csum=none vni=77"
	ofctl del-flows br0 ip

	step "IPv6 under it"
	fx id 6 dstport 4789 local fd00:172:1::2 remote fd00:172:1::1 udp6zerocsumrx
	vx remote_ip=fd00:172:1::2 key=6
	carries
	wire_says 6 "fd00:172:1::1>fd00:172:1::2 tos=0x0 ttl=64 df=0 csum=none vni=6"
	exact
	vx remote_ip=fd00:172:1::2 key=6 csum=true
	carries
	wire_says 6 "fd00:172:1::1>fd00:172:1::2 tos=0x0 ttl=64 df=0 csum=right vni=6"

	step "group policies"
	fx id 5 "${ends4[@]}" gbp
	vsctl del-port vx
	eventually_not ip link show vxlan_sys_4789
	vx remote_ip=172.16.0.2 key=5 exts=gbp
	ofctl add-flow br0 "priority=60,ip,in_port=$near,actions=set_field:66->tun_gbp_id,output:vx"
	carries
	wire_says 5 "172.16.0.1>172.16.0.2 tos=0x0 ttl=64 df=$(df) csum=none vni=5 group=66"
	ofctl add-flow br0 "priority=60,icmp,in_port=vx,tun_gbp_id=78,actions=output:$near"
	ofctl add-flow br0 "priority=50,icmp,in_port=vx,actions=drop"
	settled
	expect_not in_far ping -q -c 2 -i 0.1 -W 1 -m 77 10.0.0.1
	expect in_far ping -q -c 20 -i 0.05 -W 2 -m 78 10.0.0.1
	eventually counted_in_group 78 20
	eventually both_on_tier
	ofctl del-flows br0 ip
	ofctl del-flows br0 icmp
}

# The next hop gets another link address, under traffic: what comes next goes there, and nothing is lost.  Both addresses are the
# far machine's, so that only the counters of the second tell.
neighbour_step() { # [NOTE]
	step "the next hop's address changes${1:+, $1}"
	fx id 5 "${ends4[@]}"
	vsctl --if-exists del-port vx # with all rules of it
	eventually_not ip link show vxlan_sys_4789
	vx remote_ip=172.16.0.2 key=5
	ip -n far link add ul2 address 02:00:00:00:00:22 link ul type macvlan
	in_far sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ul2.rp_filter=0 net.ipv4.conf.ul2.arp_ignore=8
	ip -n far link set ul2 up
	ip neigh replace 172.16.0.2 lladdr "$(in_far cat /sys/class/net/ul/address)" dev "$here" nud permanent
	carries
	in_host a ping -q -c 200 -i 0.02 -W 3 10.0.0.9 >"$dir/ping" &
	local pinger=$! before
	sleep 1
	ip neigh replace 172.16.0.2 lladdr 02:00:00:00:00:22 dev "$here" nud permanent
	wait $pinger
	expect grep -q '200 packets transmitted, 200 received' "$dir/ping"
	eventually both_on_tier
	before=$(in_far cat /sys/class/net/ul2/statistics/rx_packets)
	expect test "$before" -ge 50
	expect in_host a ping -q -c 20 -i 0.02 -W 3 10.0.0.9
	expect test "$(in_far cat /sys/class/net/ul2/statistics/rx_packets)" -ge $((before + 20))
	ip -n far link del ul2
	ip neigh del 172.16.0.2 dev "$here"
}

# What TC cannot say, and why: the kernel's datapath does it.
refused_step() {
	step "\"do not fragment\" is not TC's to ask for"
	fx id 5 "${ends4[@]}"
	vsctl del-port vx
	eventually_not ip link show vxlan_sys_4789
	vx remote_ip=172.16.0.2 key=5 df_default=true
	eventually reaches a 10.0.0.9
	eventually refusal_says 'field tun_flags: action set: the device cannot rewrite this field; driver: act_tunnel_key cannot ask'
	equal "$(states "$near")" refused "the state of flows into the tunnel"
	equal "$(states "$(tunnel_device)")" "$tier" "the state of flows out of it"
	wire_says 5 "172.16.0.1>172.16.0.2 tos=0x0 ttl=64 df=1 csum=none vni=5"
}
refusal_says() { [[ $(ctl offload flows) == *"$1"* ]]; }
