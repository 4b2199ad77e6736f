#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what the outer headers of VXLAN frames say that come in at a device, a line a frame (RFC 791, 8200, 768, 7348;
draft-smith-vxlan-group-policy for the group).

    vxlan_wire.py DEVICE UDP-PORT...     "listening" first, then lines until it is killed
"""
import ipaddress
import socket
import struct
import sys

GBP, VNI = 0x80, 0x08


def folded(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(source, target, udp):
    """What the sender wrote: none, right or wrong."""
    if udp[6:8] == b"\0\0":
        return "none"
    length = struct.unpack("!H", udp[4:6])[0]
    pseudo = source + target + struct.pack("!II", length, socket.IPPROTO_UDP)
    return "right" if folded(pseudo + udp[:length]) == 0xFFFF else "wrong"


def outer(frame):
    """(source, destination, TOS, TTL, DF, UDP datagram); None: no UDP over IP."""
    kind, ip = struct.unpack("!H", frame[12:14])[0], frame[14:]
    if kind == 0x0800 and ip[9] == socket.IPPROTO_UDP:
        length = struct.unpack("!H", ip[2:4])[0]
        return ip[12:16], ip[16:20], ip[1], ip[8], ip[6] >> 6 & 1, ip[(ip[0] & 15) * 4:length]
    if kind == 0x86DD and ip[6] == socket.IPPROTO_UDP:
        tos = struct.unpack("!H", ip[0:2])[0] >> 4 & 0xFF
        return ip[8:24], ip[24:40], tos, ip[7], 0, ip[40:]
    return None


def line(frame, ports):
    found = outer(frame)
    port = struct.unpack("!H", found[5][2:4])[0] if found else None
    if port not in ports:
        return None
    source, target, tos, ttl, df, udp = found
    flags, _, group, vni = struct.unpack("!BBHI", udp[8:16])
    text = f"{ipaddress.ip_address(source)}>{ipaddress.ip_address(target)} tos={tos:#x} ttl={ttl} df={df}"
    text += f" csum={checksum(source, target, udp)} vni={vni >> 8}"
    if flags & GBP:
        text += f" group={group}"
    if port != ports[0]:
        text += f" port={port}"
    return text if flags & ~GBP == VNI else text + f" flags={flags:#x}"


def main():
    device, ports = sys.argv[1], [int(word) for word in sys.argv[2:]]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((device, 0))
    print("listening", flush=True)
    while True:
        frame, address = s.recvfrom(65535)
        if address[2] != socket.PACKET_OUTGOING and len(frame) > 50:
            text = line(frame, ports)
            if text:
                print(text, flush=True)


if __name__ == "__main__":
    main()
