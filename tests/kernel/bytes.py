#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends frames of known length and kind from a device: bytes.py DEVICE COPIES.  The last byte of the destination is the kind."""
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(payload):
    udp = struct.pack("!HHHH", 1000, 2000, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def frame(kind, *layers):
    return bytes([2, 0, 0, 0, 0, kind, 2, 0, 0, 0, 1, 1]) + b"".join(layers)


TAG, OUTER = b"\x81\x00\x00\x05", b"\x88\xa8\x00\x07"
MPLS, LAST, MORE = b"\x88\x47", b"\x00\x01\x01\x40", b"\x00\x02\x00\x40"
IP = b"\x08\x00"
BODY = ipv4(bytes(50))  # 92 bytes with the Ethernet header
frames = [
    frame(1, IP, BODY),
    frame(2, TAG, IP, BODY),
    frame(3, IP, BODY),
    frame(4, OUTER, TAG, IP, BODY),
    frame(5, MPLS, LAST, BODY),
    frame(6, MPLS, MORE, LAST, BODY),
    frame(7, TAG, MPLS, LAST, BODY),
]
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind((sys.argv[1], 0))
    for _ in range(int(sys.argv[2])):
        for f in frames:
            s.send(f)
