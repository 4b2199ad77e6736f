#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A bond of the kernel's as a port of the user datapath: frames go in and out by either slave, each is counted once while slaves
# leave, come back and take turns, and a slave is no port of its own.
# shellcheck source=tests/kernel/bond.sh
. "${srcdir:-.}/tests/kernel/bond.sh"

system_bridge() { vsctl add-br "$1"; } # exact.sh's, of the user datapath
tx_of() { cat "/sys/class/net/$1/statistics/tx_packets"; }
grown() { # rx|tx SLAVE BEFORE
	(($("$1_of" "$2") > $3 + 5))
}
both_take() { # rx|tx: s0 and s1 have their part, from now on
	local n0 n1
	n0=$("$1_of" s0) n1=$("$1_of" s1)
	eventually grown "$1" s0 "$n0"
	eventually grown "$1" s1 "$n1"
}
in_use() { grep -q "^Currently Active Slave: $1" /proc/net/bonding/bond0; }
# The far end's slave leaves before and comes after, so that no frame comes in by one that is not there.
leave_and_return() { # SLAVE WIRE
	ip -n a link set dev "$2" nomaster
	ip link set dev "$1" nomaster
	sleep 0.3 # traffic goes on
	enslave bond0 "$1"
	enslave -n a eth0 "$2"
}

for i in 0 1; do ip link add "s$i" type veth peer name "w$i"; done
bond_host w0 w1
the_bond s0 s1
host b 10.0.0.2/24
exact_bridge bond0 pb

step "frames come in by both slaves; each leaves under traffic, and comes back"
streams_on
both_take rx
leave_and_return s0 w0
leave_and_return s1 w1
both_take rx
streams_off
exact "slaves that left and came back"

step "frames go out by both"
in_host b ip addr add 10.0.0.2/24 dev eth0
ofctl add-flow br0 "priority=1,actions=normal"
eventually reaches a 10.0.0.2
in_host b ping -q -i 0.02 10.0.0.1 >/dev/null &
pinger=$!
both_take tx
kill "$pinger"

step "a slave is no port of its own"
vsctl --no-wait add-port br0 s0
eventually iface_is s0 ofport -1
expect grep -q "s0 is a slave of bond0" <<<"$(iface s0 error)"
vsctl --no-wait del-port br0 s0
expect reaches a 10.0.0.2

step "one slave waits for the other to fail"
for s in s0 s1; do ip link set dev "$s" nomaster; done
ip link set bond0 down
ip link set bond0 type bond mode active-backup
enslave bond0 s0 s1
ip link set bond0 up
ip -n a link set dev w1 nomaster # what takes turns knows nothing of who waits
ip link set bond0 type bond active_slave s0
eventually reaches a 10.0.0.2
ip link set s0 down
ip -n a link set dev w0 nomaster
enslave -n a eth0 w1
eventually in_use s1
eventually reaches a 10.0.0.2
expect test -z "$(complaints | grep -v 's0 is a slave of bond0' || true)"
stop_shuntd
