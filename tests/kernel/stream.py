#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random streams whose packets and bytes are known: UDP frames of random lengths to N ports, in random bursts, some ports much
busier than others.

  stream.py DEVICE MAC SEED N PPS FIRST    sends frames from DEVICE to MAC until it is told to end (SIGTERM)

It prints "# sending" and begins with one frame to each port FIRST…FIRST+N-1.  At its end it prints a line for each port,
"PORT PACKETS BYTES", of frames that the device took; bytes without FCS.
"""
import random
import signal
import socket
import struct
import sys
import time

HEAD = 14 + 20 + 8


def checksum(header):
    s = sum(struct.unpack("!10H", header))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff


def frame(macs, port, length):
    ip = [0x45, 0, length - 14, 0, 0, 64, 17, 0, socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")]
    ip[7] = checksum(struct.pack("!BBHHHBBH4s4s", *ip))
    udp = struct.pack("!HHHH", 4000, port, length - 34, 0)
    return macs + b"\x08\x00" + struct.pack("!BBHHHBBH4s4s", *ip) + udp + bytes(length - HEAD)


def main():
    device, mac, seed, n, pps, first = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
    rng = random.Random(seed)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((device, 0))
    macs = bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4]
    ports = range(first, first + n)
    weights = [1 << rng.randrange(6) for _ in ports]
    # Frames are made before: while they are sent there is time for nothing else.
    frames = {p: [frame(macs, p, rng.randrange(HEAD, 1500)) for _ in range(8)] for p in ports}
    packets, octets = dict.fromkeys(ports, 0), dict.fromkeys(ports, 0)
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(1))

    def send(port):
        f = rng.choice(frames[port])
        try:
            s.send(f)
        except OSError:  # the device had no room: it was not sent
            return
        packets[port] += 1
        octets[port] += len(f)

    print("# sending", flush=True)
    for p in ports:
        send(p)
    begun, total = time.monotonic(), 0
    while not ending:
        due = int((time.monotonic() - begun) * pps)
        total = max(total, due - 256)  # after a pause not all at once
        while total < due and not ending:
            port, burst = rng.choices(ports, weights)[0], rng.randrange(1, 17)
            for _ in range(burst):
                send(port)
            total += burst
        time.sleep(0.002)
    for p in ports:
        print(p, packets[p], octets[p])


main()
