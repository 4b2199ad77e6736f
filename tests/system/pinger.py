#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pinger.py ADDRESS COUNT INTERVAL: echo requests at a steady pace; a reply may take ten seconds.

ping(8) waits two round-trip times for the last one, which on a busy machine says nothing about a switch.
Prints "N sent, M received"; succeeds when they are equal."""
import os
import select
import socket
import struct
import sys
import time

address, count, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
ident = os.getpid() & 0xffff
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def request(seq):
    data = struct.pack("!BBHHH48x", 8, 0, 0, ident, seq & 0xffff)
    return data[:2] + struct.pack("!H", checksum(data)) + data[4:]


def collect(until):
    while missing or time.monotonic() < next_at:
        left = until - time.monotonic()
        if left <= 0 or not select.select([s], [], [], left)[0]:
            return
        packet = s.recv(65535)
        icmp = packet[(packet[0] & 15) * 4:]
        if icmp[0] == 0 and struct.unpack("!H", icmp[4:6])[0] == ident:
            missing.discard(struct.unpack("!H", icmp[6:8])[0])


missing = set()
next_at = time.monotonic()
for i in range(count):
    missing.add(i & 0xffff)
    s.sendto(request(i), (address, 0))
    next_at += interval
    if i < count - 1:
        collect(next_at)
next_at = 0
collect(time.monotonic() + 10)
print("%d sent, %d received" % (count, count - len(missing)))
sys.exit(1 if missing else 0)
