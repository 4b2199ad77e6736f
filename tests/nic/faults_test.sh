#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a NIC's driver and the NIC's owner may do: no memory, no room, words that refuse, a device that moves to another namespace,
# one that is unplugged under traffic.  Each time the traffic goes on where it can, a reason is told, a metric counts it, and it
# ends by itself.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"

on_fail() { ctl offload flows; ctl offload why port=nr0; }
metrics() { curl -sf http://127.0.0.1:9310/metrics; }
# Sum of a metric over its rows that have the label.
count_of() { metrics | awk -v name="$1{" -v label="$2" 'index($0, name) == 1 && index($0, label) { s += $NF } END { print s + 0 }'; }
# Flows by state and reason, as "STATE REASON" lines.
places() { ctl offload flows --json | python3 -c '
import json, sys
for f in json.load(sys.stdin): print(f["state"], f["reason"])' | sort | uniq -c; }
in_hardware() { in_state hardware && ! places | grep -qv ' hardware '; }
# It is told, and counted, for one flow at least.
told() { # REASON COUNTED-BEFORE
	more() { (($(refused_before "$1") > $2)); }
	eventually more "$@"
	eventually in_state tc
}
in_state() { places | grep -q " $1 "; }
refused_before() { count_of shunt_offload_refusals_total "reason=\"$1\""; }
ends() { # WHAT: all is in the NIC again, and answers
	eventually in_hardware
	eventually reaches a 10.0.0.2
}
again() { # all flows leave the NIC and are asked for anew
	vsctl set Open_vSwitch . other_config:hw-offload=false
	eventually_not in_state hardware
	vsctl remove Open_vSwitch . other_config hw-offload
}

nic 2 table=100
start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
for p in nr0 nr1; do vsctl add-port br0 $p; done
know_each_other
in_host a ping -q -i 0.05 10.0.0.2 >/dev/null &
eventually reaches a 10.0.0.2
eventually in_hardware

step "the driver has no memory: the kernel's software takes the rules until it has"
was=$(refused_before io_error)
nic_command fail 1000
again
told io_error "$was"
expect reaches a 10.0.0.2
nic_command fail 0
ends

step "no room for all: what does not fit is in the kernel's software"
was=$(refused_before table_full)
nic_command table 1
again
told table_full "$was"
eventually in_state hardware
expect reaches a 10.0.0.2
nic_command table 100
again
ends

step "the driver takes no longer what it took when it was tried: its words are kept, and it is not asked for each flow"
was=$(refused_before driver_refused)
nic_command refuse redirect
again
told driver_refused "$was"
expect grep -q 'nicsim: ' <<<"$(ctl offload why port=nr0)"
expect reaches a 10.0.0.2
nic_command allow redirect
for on in off on; do ethtool -K nr1 hw-tc-offload $on; done # then it is tried anew
ends

step "a port moves to another namespace, and comes back"
was=$(count_of shunt_offload_events_total 'event="rules"')
ip netns add away
ip link set nr0 netns away
eventually iface_is nr0 ofport -1
expect_not iface_is nr0 error '[]'
expect test "$(count_of shunt_offload_events_total 'event="rules"')" -gt "$was"
expect_not reaches a 10.0.0.2
nr1_only() { ! places | grep -q . || ! ctl offload flows --json | grep -q '"port": *"nr0"'; }
eventually nr1_only
ip -n away link set nr0 netns 1
ip link set nr0 up
eventually iface_is nr0 error '[]'
ends

step "the NIC is unplugged while flows come and go, and is plugged in again"
for ((i = 0; i < 40; i++)); do echo "priority=20,udp,in_port=nr0,tp_dst=$((2000 + i)),actions=output:nr1"; done >"$dir/rules"
ofctl add-flows br0 "$dir/rules"
ip netns exec a python3 - <<'END' &
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    while True:
        for port in range(2000, 2040):
            s.sendto(b"x", ("10.0.0.2", port))
        time.sleep(0.02)
except OSError:
    pass
END
eventually in_state hardware
echo "del n" >/sys/kernel/debug/nicsim/control
eventually iface_is nr1 ofport -1
expect_not iface_is nr1 error '[]'
eventually_not in_state hardware
expect alive
ip netns del a
ip netns del b
nic 2 table=100
know_each_other
for p in nr0 nr1; do eventually iface_is $p error '[]'; done
eventually reaches a 10.0.0.2
ends
stop_shuntd
