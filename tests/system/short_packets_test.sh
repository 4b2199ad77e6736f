#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Frames that are shorter than their headers claim are dropped and counted by reason; others pass meanwhile.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 pa -- add-port br0 pb
eventually reaches a 10.0.0.2

cat >"$dir/send.py" <<'EOF'
import socket, struct, sys

eth = bytes.fromhex("ffffffffffff 020000000001 0800")
ip = lambda proto, length, ihl=5, version=4: struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0, length, 1, 0, 64, proto, 0,
                                                        bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
frames = {
    "ip header cut": eth + ip(17, 28)[:12],
    "total length beyond the frame": eth + ip(17, 1500) + bytes(8),
    "header length beyond the total": eth + ip(17, 24, ihl=15) + bytes(4),
    "header length too small": eth + ip(17, 28, ihl=3) + bytes(8),
    "udp cut": eth + ip(17, 24) + bytes(4),
    "tcp cut": eth + ip(6, 28) + bytes(8),
    "vlan cut": eth[:12] + bytes.fromhex("8100000a"),
    "ipv6 cut": eth[:12] + bytes.fromhex("86dd60000000"),
    "arp cut": eth[:12] + bytes.fromhex("08060001080006"),
    "only addresses": eth[:14],
}
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for name, frame in frames.items():
    for _ in range(100):
        s.send(frame)
print(len(frames) * 100)
EOF
before=$(cat /sys/class/net/pa/statistics/rx_packets)
sent=$(in_host a python3 "$dir/send.py")
expect reaches a 10.0.0.2
expect alive

# The kernel handed over each of them, and OpenFlow counted each of them in at the port.
got=$(($(cat /sys/class/net/pa/statistics/rx_packets) - before))
expect test "$got" -ge "$sent"
port_counts() { # OpenFlow's of pa and the kernel's
	[[ $(ofctl dump-ports br0 "$(iface pa ofport)" | sed -n 's/.*rx pkts=\([0-9]*\).*/\1/p') == \
		$(cat /sys/class/net/pa/statistics/rx_packets) ]]
}
eventually port_counts
curl -sf http://127.0.0.1:9310/metrics | grep -E '^shunt_(drops|parse_errors)_total' | grep -v ' 0$' | tee "$dir/reasons"
expect test "$(metric shunt_parse_errors_total)" -ge 500
expect test "$(grep -c . "$dir/reasons")" -ge 2
stop_shuntd
equal "$(complaints)" "" "the log's complaints"
