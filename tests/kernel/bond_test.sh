#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A bond as a port, its rules in TC's software: they stand at the slaves.
# shellcheck source=tests/kernel/bond.sh
. "${srcdir:-.}/tests/kernel/bond.sh"

for i in 0 1; do ip link add "s$i" type veth peer name "w$i"; done
bond_host w0 w1
the_bond s0 s1
host b 10.0.0.2/24
exact_bridge bond0 pb other_config:offload=tc
bond_steps tc s0 s1 w0 w1

frame() { # DEVICE: one out of it
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
s.send(bytes(12) + b"\x12\x34" + bytes(46))' "$1"
}

step "a slave is no port of its own, nor a port a slave"
vsctl --no-wait add-port br0 s0
eventually iface_is s0 ofport -1
expect grep -q "s0 is a slave of bond0" <<<"$(iface s0 error)"
vsctl --no-wait del-port br0 s0
ip link set dev pb down
expect_not ip link set dev pb master bond0
ip link set dev pb up
streams_on
eventually all_in tc
streams_off
exact "who is a slave and who a port"

step "another bond, while all blocks are taken"
first=$((0x53480001)) # the first of the numbers that Shunt takes, 64 of them
for ((i = 0; i < 64; i++)); do
	echo "link add d$i type dummy" >&3
	((first + i == $(block_of s0))) || echo "qdisc add dev d$i ingress_block $((first + i)) clsact" >&4
done 3>"$dir/links" 4>"$dir/qdiscs"
ip -batch "$dir/links"
tc -batch "$dir/qdiscs"
ip link add s2 type veth peer name w2
ip link add bond1 type bond mode balance-rr
enslave bond1 s2
ip link set bond1 up
ip link set w2 up
vsctl add-port br0 bond1 -- set Interface bond1 other_config:offload=tc
ofctl add-flow br0 "in_port=bond1,actions=output:pb"
frame w2
has_reason() { ctl offload flows --json | grep -q "\"$1\""; }
eventually has_reason block_full
for ((i = 0; i < 64; i++)); do echo "link del d$i"; done >"$dir/links"
ip -batch "$dir/links"
eventually_not has_reason block_full
expect bound s2
expect_not test "$(block_of s2)" == "$(block_of s0)"

step "and another, at whose slave is somebody else"
ip link set dev s2 nomaster
eventually unbound s2
tc qdisc add dev s2 clsact
enslave bond1 s2
eventually has_reason foreign_qdisc

step "a bond that has one slave wait: the rules are where the packets are taken"
for i in 3 4; do
	ip link add "s$i" type veth peer name "w$i"
	ip link set "w$i" up
done
ip link add bond2 type bond mode active-backup miimon 100
enslave bond2 s3 s4
ip link set bond2 up
ip link set bond2 type bond active_slave s3
vsctl add-port br0 bond2 -- set Interface bond2 other_config:offload=tc
ofctl add-flow br0 "in_port=bond2,actions=output:pb"
frame w3
eventually bound s3
expect unbound s4
ip link set bond2 type bond active_slave s4
eventually bound s4
eventually unbound s3
frame w4
counted() { [[ $(ofctl dump-flows br0 in_port=bond2) == *n_packets=2,* ]]; }
eventually counted
stop_shuntd
expect tc qdisc del dev s2 clsact
