# SPDX-License-Identifier: Apache-2.0
"""Random frames with right checksums, and ports of AF_PACKET to send and catch them; for tests inside of a guest."""
import ipaddress
import select
import socket
import struct
import time

ETH_P_ALL = 3
IP4, IP6, ARP, MPLS = 0x0800, 0x86DD, 0x0806, 0x8847
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58


def csum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def put(data, at, value):
    return data[:at] + struct.pack(">H", value) + data[at + 2:]


class Frame:
    """What a frame is made of; bytes() makes it.  Fields that are None are not in it."""

    def __init__(self, rng):
        pick = rng.choice
        self.dmac = bytes([2, 0, 0, 0, 0, pick([1, 2, 3])])
        self.smac = bytes([2, 0, 0, 0, 1, pick([1, 2, 3])])
        self.tags = [(0x8100 if last else pick([0x8100, 0x88A8]), pick([5, 6]), pick([0, 3]))
                     for last in pick([[], [], [True], [False, True]])]
        self.type = pick([IP4, IP4, IP4, IP6, IP6, ARP, MPLS])
        self.labels = [(pick([16, 17]), pick([0, 5]), pick([2, 64])) for _ in range(pick([1, 1, 2]))]
        self.proto = pick([TCP, UDP, UDP, ICMP, 132])
        self.src, self.dst = pick([1, 2]), pick([3, 4, 5])
        self.tos, self.ttl = pick([0, 0x28, 0xB9]), pick([3, 64])
        self.frag = pick([None] * 6 + [0, 16])
        self.sport, self.dport = pick([1000, 1001]), pick([53, 80])
        self.flags = pick([0x02, 0x10, 0x18])
        self.icmp = pick([8, 0])
        self.nocheck = rng.random() < 0.2
        self.payload = rng.randbytes(rng.randrange(0, 60))

    def address(self, n):
        if self.type == IP6:
            return ipaddress.ip_address(0xFD000000000000000000000000000000 + n)
        return ipaddress.ip_address(0x0A000000 + n)

    def l4(self):
        if self.proto == TCP:
            data, at = struct.pack(">HHIIHHHH", self.sport, self.dport, 7, 8, 0x5000 | self.flags, 99, 0, 0), 16
        elif self.proto == UDP:
            data, at = struct.pack(">HHHH", self.sport, self.dport, 8 + len(self.payload), 0), 6
        elif self.proto == 132:
            return struct.pack(">HHII", self.sport, self.dport, 1, 2) + self.payload
        else:
            kind = self.icmp if self.type != IP6 else 128 + (self.icmp == 0)
            data, at = struct.pack(">BBHHH", kind, 0, 0, 5, 6), 2
        data += self.payload
        pseudo = b""
        if self.type == IP6 or self.proto != ICMP:
            pseudo = self.address(self.src).packed + self.address(self.dst).packed
            pseudo += struct.pack(">II", len(data), self.next_header())
        if self.proto == UDP and self.nocheck and self.type == IP4:
            return data
        return put(data, at, csum(pseudo + data) or 0xFFFF)

    def next_header(self):
        return ICMP6 if self.proto == ICMP and self.type == IP6 else self.proto

    def l3(self):
        if self.type == ARP:
            return (struct.pack(">HHBBH", 1, IP4, 6, 4, 1) + self.smac + self.address(self.src).packed + bytes(6) +
                    self.address(self.dst).packed)
        if self.type == MPLS:
            return b"".join(struct.pack(">I", label << 12 | tc << 9 | (i == len(self.labels) - 1) << 8 | ttl)
                            for i, (label, tc, ttl) in enumerate(self.labels)) + b"\x45" + self.payload
        body = self.l4()
        src, dst = self.address(self.src).packed, self.address(self.dst).packed
        if self.type == IP6:
            nexthdr = self.next_header()
            if self.frag is not None:
                body = struct.pack(">BBHI", nexthdr, 0, self.frag << 3 | 1, 77) + body
                nexthdr = 44
            return struct.pack(">IHBB", 6 << 28 | self.tos << 20, len(body), nexthdr, self.ttl) + src + dst + body
        off = 0 if self.frag is None else 0x2000 | self.frag
        head = struct.pack(">BBHHHBBH", 0x45, self.tos, 20 + len(body), 9, off, self.ttl, self.proto, 0) + src + dst
        return put(head, 10, csum(head)) + body

    def __bytes__(self):
        out = self.dmac + self.smac
        for tpid, vid, prio in self.tags:
            out += struct.pack(">HH", tpid, prio << 13 | vid)
        return out + struct.pack(">H", self.type) + self.l3()


class Port:
    """A device at which frames are sent, and caught with their tags in place."""

    AUXDATA, VLAN_VALID, TPID_VALID = 8, 1 << 4, 1 << 6  # packet(7), linux/if_packet.h

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(263, self.AUXDATA, 1)  # SOL_PACKET
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((name, ETH_P_ALL))

    def send(self, frame):
        self.socket.send(bytes(frame))

    def receive(self):
        """All that has arrived; the kernel takes an outermost tag out, it is put back."""
        got = []
        while select.select([self.socket], [], [], 0)[0]:
            data, aux, _, where = self.socket.recvmsg(70000, 256)
            if where[2] == socket.PACKET_OUTGOING:
                continue
            for level, kind, value in aux:
                if (level, kind) != (263, self.AUXDATA):
                    continue
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & self.VLAN_VALID:
                    tpid = tpid if status & self.TPID_VALID else 0x8100
                    data = data[:12] + struct.pack(">HH", tpid, tci) + data[12:]
            got.append(data)
        return got


def settle(ports, quiet=0.15):
    """What arrives at each port until nothing has for a while."""
    got, last = {p.name: [] for p in ports}, time.monotonic()
    while time.monotonic() - last < quiet:
        for p in ports:
            new = p.receive()
            got[p.name] += new
            if new:
                last = time.monotonic()
        time.sleep(0.01)
    return got
