#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The policy on small made-up traces: its bounds hold, the oracle is not beaten, and neither first
# come nor rebalancing does better.  And a capture gives the flows, ports and shares that its packets have.
set -e
bench/placement --quick --check --seed="${SHUNT_SEED:-1}"

pcap=$(mktemp)
trap 'rm -f "$pcap"' EXIT
# 20 s: two hosts, 50 connections of 20 packets a second each way, one tick after another.
python3 - "$pcap" <<'END'
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for n in range(20 * 20):
        for c in range(50):
            for way in (0, 1):
                macs = [b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"]
                ips = [b"\n\0\0\1", b"\n\0\0\2"]
                ip = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + ips[way] + ips[1 - way]
                ports = (1000 + c, 53) if way == 0 else (53, 1000 + c)
                frame = macs[1 - way] + macs[way] + b"\x08\0" + ip + struct.pack("!HHHH", *ports, 8, 0)
                f.write(struct.pack("<IIII", 1000 + n // 20, n % 20 * 50000, len(frame), len(frame)) + frame)
END
bench/placement --pcap="$pcap" --tables=50,200 --check --json | python3 -c '
import json, sys
small, large = json.load(sys.stdin)
assert (small["flows"], small["ports"]) == (100, 2), small
assert large["shunt"]["packets"] == 1 and large["oracle"]["packets"] == 1, large
assert 0.49 <= small["shunt"]["packets"] <= small["oracle"]["packets"] + 0.001 <= 0.51, small
'
if bench/placement --pcap=/dev/null 2>/dev/null; then
	echo "what is no capture is taken for one" >&2
	exit 1
fi
