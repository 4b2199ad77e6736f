#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Raw bytes to the management socket: the specification's error for each fault, and nothing worse.

Both switches get the same bytes; what they answer is compared, and where the specification leaves
no doubt it is held against that too."""
from lab import *

enter("ovs-ofctl", "ovs-vsctl")
both = pair(ports=2)
shunt = both[0]
MGMT = "br0.mgmt"


def flow_mod10(command=0, wildcards=0x3fffff, flags=0, actions=b"", buffer=0xffffffff, prio=100,
               out_port=0xffff, idle=0):
    match = struct.pack("!I", wildcards) + bytes(36)
    return match + struct.pack("!QHHHHIHH", 0, command, idle, 0, prio, buffer, out_port,
                               flags) + actions


def flow_mod13(command=0, table=0, match=b"", instructions=b"", flags=0, match_type=1, prio=100,
               match_len=None, buffer=0xffffffff):
    n = 4 + len(match) if match_len is None else match_len
    m = struct.pack("!HH", match_type, n) + match
    m += bytes(-len(m) % 8)
    return struct.pack("!QQBBHHHIIIHH", 0, 0, table, command, 0, 0, prio, buffer, 0xffffffff,
                       0xffffffff, flags, 0) + m + instructions


def apply13(actions):
    return struct.pack("!HHI", 4, 8 + len(actions), 0) + actions


def oxm(cls, field, value, mask=b""):
    return struct.pack("!HBB", cls, field << 1 | bool(mask), len(value) + len(mask)) + value + mask


def out13(port, max_len=0):
    return struct.pack("!HHIH6x", 0, 16, port, max_len)


def band(kind=1, length=16, rate=1000):
    return struct.pack("!HHII4x", kind, length, rate, 0)


def meter_mod(bands=band(), command=0, flags=1, number=1):
    return struct.pack("!HHI", command, flags, number) + bands


IP4 = oxm(0x8000, 5, b"\x08\x00")
CASES13 = [
    ("unknown message type", 77, b"", {}, (1, 1)),
    ("a message for controllers", 10, bytes(64), {}, (1, 1)),
    ("wrong version", 20, b"", {"version": 1}, (1, 0)),
    ("short flow-mod", 14, bytes(20), {}, (1, 6)),
    ("empty flow-mod", 14, b"", {}, (1, 6)),
    ("unknown command", 14, flow_mod13(command=9), {}, (5, 6)),
    ("unknown match type", 14, flow_mod13(match_type=7), {}, (4, 0)),
    ("match longer than the message", 14, flow_mod13(match_len=200), {}, (4, 1)),
    ("match shorter than its header", 14, flow_mod13(match_len=2), {}, (4, 1)),
    ("OXM longer than the match", 14, flow_mod13(match=b"\x80\x00\x0a\xff\x08\x00"), {}, (4, 1)),
    ("OXM of a wrong length", 14, flow_mod13(match=oxm(0x8000, 5, b"\x08")), {}, (4, 1)),
    ("unknown OXM class", 14, flow_mod13(match=oxm(0x4444, 5, b"\x08\x00")), {}, (4, 6)),
    ("unknown OXM field", 14, flow_mod13(match=oxm(0x8000, 99, b"\x08\x00")), {}, (4, 6)),
    ("prerequisite missing", 14, flow_mod13(match=oxm(0x8000, 11, b"\x0a\x00\x00\x01")), {},
     (4, 9)),
    ("prerequisite behind", 14, flow_mod13(match=oxm(0x8000, 11, b"\x0a\x00\x00\x01") + IP4), {},
     (4, 9)),
    ("field twice", 14, flow_mod13(match=IP4 + IP4), {}, (4, 10)),
    ("bits outside the mask", 14, flow_mod13(match=IP4 + oxm(
        0x8000, 11, b"\x0a\x00\x00\x01", b"\xff\xff\x00\x00")), {}, (4, 5)),
    ("mask where none may be", 14, flow_mod13(match=oxm(0x8000, 5, b"\x08\x00", b"\xff\x00")), {},
     (4, 8)),
    ("value too large", 14, flow_mod13(match=IP4 + oxm(0x8000, 8, b"\x7f")), {}, (4, 7)),
    ("unknown instruction", 14, flow_mod13(instructions=struct.pack("!HHI", 99, 8, 0)), {}, (3, 0)),
    ("experimenter's instruction", 14, flow_mod13(
        instructions=struct.pack("!HHI", 0xffff, 8, 0x12345)), {}, (3, 5)),
    ("instruction too long", 14, flow_mod13(instructions=struct.pack("!HHI", 4, 64, 0)), {},
     (3, 7)),
    ("instruction too short", 14, flow_mod13(instructions=struct.pack("!HHI", 4, 4, 0)), {},
     (3, 7)),
    ("instruction twice", 14, flow_mod13(instructions=2 * apply13(out13(1))), {}, None),
    ("goto a table behind", 14, flow_mod13(table=5, instructions=struct.pack("!HHB3x", 1, 8, 3)),
     {}, (3, 2)),
    ("unknown action", 14, flow_mod13(instructions=apply13(struct.pack("!HHI", 999, 8, 0))), {},
     (2, 0)),
    ("action too long", 14, flow_mod13(instructions=apply13(struct.pack("!HHI", 0, 64, 0))), {},
     (2, 1)),
    ("action of length 0", 14, flow_mod13(instructions=apply13(struct.pack("!HHI", 0, 0, 0))), {},
     (2, 1)),
    ("action of odd length", 14, flow_mod13(instructions=apply13(
        struct.pack("!HHI", 0, 12, 1) + bytes(8))), {}, (2, 1)),
    ("output with a wrong length", 14, flow_mod13(instructions=apply13(
        struct.pack("!HHI", 0, 8, 1))), {}, (2, 1)),
    ("experimenter's action", 14, flow_mod13(instructions=apply13(
        struct.pack("!HHI", 0xffff, 8, 0x12345))), {}, (2, 2)),
    ("unknown Nicira action", 14, flow_mod13(instructions=apply13(
        struct.pack("!HHIHHI", 0xffff, 16, 0x2320, 999, 0, 0))), {}, (2, 3)),
    ("output to no port", 14, flow_mod13(instructions=apply13(out13(0))), {}, None),
    ("output to ANY", 14, flow_mod13(instructions=apply13(out13(0xffffffff))), {}, (2, 4)),
    ("output between 1.0's ports and the reserved", 14, flow_mod13(
        instructions=apply13(out13(0xff01))), {}, (2, 4)),
    ("output to an unknown reserved port", 14, flow_mod13(
        instructions=apply13(out13(0xffffff12))), {}, None),
    ("group that is not there", 14, flow_mod13(instructions=apply13(
        struct.pack("!HHI", 22, 8, 77))), {}, (2, 9)),
    ("set-field of no field", 14, flow_mod13(instructions=apply13(
        struct.pack("!HH", 25, 16) + oxm(0x8000, 99, b"\0\0\0\0") + bytes(4))), {}, None),
    ("set-field of a length that lies", 14, flow_mod13(instructions=apply13(
        struct.pack("!HH", 25, 16) + b"\x80\x00\x06\xff" + bytes(8))), {}, None),
    ("set-field of the frame's type", 14, flow_mod13(instructions=apply13(
        struct.pack("!HH", 25, 16) + IP4 + bytes(6))), {}, None),
    ("set-field without its prerequisite", 14, flow_mod13(instructions=apply13(
        struct.pack("!HH", 25, 16) + oxm(0x8000, 11, b"\1\2\3\4") + bytes(4))), {}, (2, 10)),
    ("push_vlan of another type", 14, flow_mod13(instructions=apply13(
        struct.pack("!HHH2x", 17, 8, 0x800))), {}, (2, 5)),
    ("a buffer nobody has", 14, flow_mod13(buffer=5), {}, (1, 8)),
    ("unknown flags", 14, flow_mod13(flags=0x8000), {}, (5, 7)),
    ("table 255 for an add", 14, flow_mod13(table=255), {}, (5, 2)),
    ("short packet-out", 13, bytes(8), {}, (1, 6)),
    ("packet-out, actions too long", 13, struct.pack("!IIH6x", 0xffffffff, 1, 400) + bytes(8), {},
     None),
    ("packet-out of a buffer", 13, struct.pack("!IIH6x", 3, 1, 16) + out13(1), {}, (1, 8)),
    ("packet-out, bad port", 13, struct.pack("!IIH6x", 0xffffffff, 0xfffffff9, 0) + bytes(60), {},
     None),
    ("packet-out of nothing", 13, struct.pack("!IIH6x", 0xffffffff, 1, 16) + out13(2), {},
     (1, 12)),
    ("packet-out of 5 bytes", 13, struct.pack("!IIH6x", 0xffffffff, 1, 16) + out13(2) + b"12345",
     {}, (1, 12)),
    ("unknown statistics", 18, struct.pack("!HH4x", 99, 0), {}, None),
    ("short statistics", 18, b"\0", {}, (1, 6)),
    ("short flow statistics", 18, struct.pack("!HH4x", 1, 0) + bytes(8), {}, (1, 6)),
    ("experimenter's statistics", 18, struct.pack("!HH4xII", 0xffff, 0, 0x12345, 1), {}, None),
    ("flow statistics of a bad table", 18, struct.pack("!HH4x", 1, 0) +
     struct.pack("!B3xII4xQQ", 254, 0xffffffff, 0xffffffff, 0, 0) + struct.pack("!HH4x", 1, 4), {},
     None),
    ("experimenter's message", 4, struct.pack("!II", 0x12345, 1), {}, (1, 3)),
    ("unknown Nicira message", 4, struct.pack("!II", 0x2320, 9999), {}, None),
    ("short group-mod", 15, bytes(4), {}, (1, 6)),
    ("group-mod: type", 15, struct.pack("!HBxI", 0, 9, 1), {}, (6, 10)),
    ("group-mod: command", 15, struct.pack("!HBxI", 77, 0, 1), {}, (6, 11)),
    ("group-mod: bucket too long", 15, struct.pack("!HBxI", 0, 0, 1) +
     struct.pack("!HHII4x", 64, 0, 0xffffffff, 0xffffffff), {}, None),
    ("group-mod: bucket of length 0", 15, struct.pack("!HBxI", 0, 0, 1) +
     struct.pack("!HHII4x", 0, 0, 0xffffffff, 0xffffffff), {}, None),
    ("port-mod: no such port", 16, struct.pack("!I4x6s2xIII4x", 99, bytes(6), 0, 0, 0), {}, (7, 0)),
    ("port-mod: other address", 16, struct.pack("!I4x6s2xIII4x", 1, b"\1\2\3\4\5\6", 0, 0, 0), {},
     (7, 1)),
    ("table-mod: no such table", 17, struct.pack("!B3xI", 254, 0), {}, (8, 0)),
    ("meter-mod: command", 29, meter_mod(command=9), {}, (12, 4)),
    ("meter-mod: number 0", 29, meter_mod(number=0), {}, (12, 2)),
    ("meter-mod: reserved number", 29, meter_mod(number=0xfffffffe), {}, (12, 2)),
    ("meter-mod: unknown flags", 29, meter_mod(flags=0x11), {}, (12, 5)),
    ("meter-mod: both rates", 29, meter_mod(flags=3), {}, (12, 5)),
    ("meter-mod: unknown band", 29, meter_mod(band(kind=9)), {}, (12, 8)),
    ("meter-mod: remark", 29, meter_mod(band(kind=2)), {}, (12, 8)),
    ("meter-mod: band's length", 29, meter_mod(band(length=24)), {}, (1, 6)),
    ("meter-mod: band cut short", 29, meter_mod(band()[:8]), {}, (1, 6)),
    ("meter-mod: no rate", 29, meter_mod(band(rate=0)), {}, (12, 6)),
    ("meter-mod: too many bands", 29, meter_mod(band() * 9), {}, (12, 11)),
    ("meter-mod: modify what is not there", 29, meter_mod(command=1), {}, (12, 3)),
    ("meter-mod: delete what is not there", 29, meter_mod(b"", command=2, number=9), {}, None),
    ("meter-mod: short", 29, bytes(4), {}, (1, 6)),
    ("statistics of a meter that is not there", 18, struct.pack("!HH4xI4x", 9, 0, 9), {}, None),
    ("configuration of a meter that is not there", 18, struct.pack("!HH4xI4x", 10, 0, 9), {}, None),
    ("statistics of meters: short", 18, struct.pack("!HH4x", 9, 0), {}, (1, 6)),
    ("role: unknown", 24, struct.pack("!I4xQ", 9, 0), {}, (11, 2)),
    ("role: short", 24, b"\0\0\0\1", {}, (1, 6)),
    ("set-config: short", 9, b"\0", {}, (1, 6)),
    ("queue-get-config: port", 22, struct.pack("!I4x", 99), {}, (9, 0)),
    ("barrier with a body", 20, b"1234", {}, None),
    ("echo of nothing", 2, b"", {}, None),
    ("set-async: short", 28, bytes(8), {}, (1, 6)),
]
CASES10 = [
    ("unknown message type", 77, b"", {}, (1, 1)),
    ("wrong version", 18, b"", {"version": 4}, (1, 0)),
    ("short flow-mod", 14, bytes(20), {}, (1, 6)),
    ("unknown command", 14, flow_mod10(command=9), {}, (3, 4)),
    ("unknown action", 14, flow_mod10(actions=struct.pack("!HHI", 999, 8, 0)), {}, (2, 0)),
    ("action too long", 14, flow_mod10(actions=struct.pack("!HHI", 0, 80, 0)), {}, (2, 1)),
    ("action of length 0", 14, flow_mod10(actions=struct.pack("!HHI", 0, 0, 0)), {}, (2, 1)),
    ("output to no port", 14, flow_mod10(actions=struct.pack("!HHHH", 0, 8, 0, 0)), {}, None),
    ("output to NONE", 14, flow_mod10(actions=struct.pack("!HHHH", 0, 8, 0xffff, 0)), {}, (2, 4)),
    ("a buffer nobody has", 14, flow_mod10(buffer=5), {}, (1, 8)),
    ("emergency flow", 14, flow_mod10(flags=4), {}, None),
    ("emergency flow with a timeout", 14, flow_mod10(flags=4, idle=5), {}, None),
    ("unknown flags", 14, flow_mod10(flags=0x80), {}, None),
    ("VLAN too large", 14, flow_mod10(actions=struct.pack("!HHH2x", 1, 8, 5000)), {}, (2, 5)),
    ("priority too large", 14, flow_mod10(actions=struct.pack("!HHB3x", 2, 8, 9)), {}, (2, 5)),
    ("TOS with ECN bits", 14, flow_mod10(actions=struct.pack("!HHB3x", 8, 8, 7)), {}, (2, 5)),
    ("enqueue to no port", 14, flow_mod10(actions=struct.pack("!HHH6xI", 11, 16, 0xffff, 1)), {},
     None),
    ("unknown vendor", 4, struct.pack("!II", 0x12345, 1), {}, (1, 3)),
    ("vendor cut short", 4, b"\0\0", {}, (1, 6)),
    ("unknown statistics", 16, struct.pack("!HH", 99, 0), {}, (1, 2)),
    ("packet-out: actions too long", 13, struct.pack("!IHH", 0xffffffff, 1, 400) + bytes(8), {},
     None),
    ("packet-out of a buffer", 13, struct.pack("!IHH", 3, 1, 0), {}, (1, 8)),
    ("port-mod: no such port", 15, struct.pack("!H6sIII4x", 99, bytes(6), 0, 0, 0), {}, (4, 0)),
    ("port-mod: other address", 15, struct.pack("!H6sIII4x", 1, b"\1\2\3\4\5\6", 0, 0, 0), {},
     (4, 1)),
    ("nx_match too long", 4, struct.pack("!IIQHHHHIHHH6x", 0x2320, 13, 0, 0, 0, 0, 9, 0xffffffff,
                                         0xffff, 0, 200) + bytes(8), {}, None),
]
for version, cases in ((4, CASES13), (1, CASES10)):
    for name, kind, body, more, want in cases:
        got = []
        for s in both:
            of = OpenFlow(s.path(MGMT), version)
            got.append(of.error(kind, body, **more))
            of.close()
        label = "%s: %s" % ("1.3" if version == 4 else "1.0", name)
        if want:
            equal(got[0], want, label)
        else:
            equal(got[0], got[1], label + ", as Open vSwitch")
        if want and got[1] != want:
            print("note: %s: Open vSwitch says %s" % (label, got[1]))
        for s in both:
            s.ofctl("del-flows", "br0")

# A lying length ends that connection, and that one alone.
other = OpenFlow(shunt.path(MGMT))
for length in (0, 4, 7):
    of = OpenFlow(shunt.path(MGMT))
    of.send(2, b"", length=length)
    check(of.closed(), "a message of length %d ends its connection" % length)
of = OpenFlow(shunt.path(MGMT))
of.send(14, b"x" * 10, length=65535)
check(of.read(0.3) is None, "a message that has not come whole is waited for")
of.close()
for version in (0, 9):
    of = OpenFlow(shunt.path(MGMT), hello=False)
    of.send(0, b"", version=version)
    got = of.recv(1, 3)
    check(version and got is None or got and struct.unpack("!HH", got[2][:4]) == (0, 0) or
          of.closed(), "a hello of version %d" % version, got)
of = OpenFlow(shunt.path(MGMT), hello=False)
of.send(0, struct.pack("!HHI", 1, 8, 1 << 2))
got = of.recv(1, 3)
check(got and struct.unpack("!HH", got[2][:4]) == (0, 0), "no version in common: HELLO_FAILED", got)
of = OpenFlow(shunt.path(MGMT), hello=False)
of.send(0, struct.pack("!HHI", 1, 8, 1 << 4 | 1 << 1) + struct.pack("!HHI", 77, 8, 0), version=6)
of.recv(0)
of.send(2, b"hi", xid=9)
got = of.recv(3)
equal(got, (3, 9, b"hi"), "a version bitmap with unknown elements")
of = OpenFlow(shunt.path(MGMT), hello=False)
of.send(14, flow_mod13())
check(of.closed(), "no hello first")
equal(other.error(2, b"still there"), None, "the other connection lives")

# The table has its limit.
shunt.ofctl("-O", "OpenFlow13", "add-flow", "br0", "priority=5,ip,actions=1")
of = OpenFlow(shunt.path(MGMT))
equal(of.error(14, flow_mod13(flags=2, prio=5)), (5, 3), "overlap")
equal(of.error(14, flow_mod13(match=IP4, flags=2, prio=5)), None, "no overlap with the identical")

# Roles: a slave may look but not touch; old generations are stale.
a, b = OpenFlow(shunt.path(MGMT)), OpenFlow(shunt.path(MGMT))
ROLE = "!I4xQ"


def role(c, r, generation):
    x = c.send(24, struct.pack(ROLE, r, generation))
    while True:
        kind, xid, body = c.read()
        if xid == x:
            return struct.unpack("!HH", body[:4]) if kind == 1 else struct.unpack(ROLE, body)


equal(role(a, 2, 10), (2, 10), "a becomes master")
equal(role(b, 2, 11), (2, 11), "b becomes master")
equal(role(a, 0, 0), (3, 11), "a is a slave now")
equal(role(a, 2, 9), (11, 0), "an old generation is stale")
equal(role(a, 0, 0), (3, 11), "and changed nothing")
equal(a.error(14, flow_mod13()), (1, 10), "a slave's flow-mod")
equal(a.error(13, struct.pack("!IIH6x", 0xffffffff, 1, 0) + bytes(60)), (1, 10),
      "a slave's packet-out")
equal(a.error(15, struct.pack("!HBxI", 0, 0, 1)), (1, 10), "a slave's group-mod")
equal(a.error(16, struct.pack("!I4x6s2xIII4x", 1, bytes(6), 0, 0, 0)), (1, 10),
      "a slave's port-mod")
equal(a.error(18, struct.pack("!HH4x", 0, 0)), None, "a slave may ask")
equal(b.error(14, flow_mod13()), None, "the master's flow-mod")
equal(role(a, 1, 0), (1, 11), "a is equal again")
equal(a.error(14, flow_mod13()), None, "and may change flows")

# Whatever comes, the switch stays.  Every message type with every length up to its usual one.
import random
seed = int(os.environ.get("SHUNT_SEED", random.randrange(1 << 32)))
print("SHUNT_SEED=%d" % seed)
rng = random.Random(seed)
for version in (1, 4):
    of = OpenFlow(shunt.path(MGMT), version)
    for i in range(4000):
        kind = rng.randrange(32)
        if kind == 0:
            continue
        body = bytes(rng.choice((0, 0, 1, 4, 8, 0xff, rng.randrange(256)))
                     for _ in range(rng.choice((0, 4, 8, 16, 40, 64, 72, 200))))
        try:
            of.send(kind, body)
            while len(of.buffer) < 1 and i % 50 == 0 and of.read(0.05):
                pass
            of.buffer = b""
        except OSError:
            of = OpenFlow(shunt.path(MGMT), version)
    of.close()
equal(shunt.daemon.poll(), None, "the switch lives")
equal(other.error(2, b"still there"), None, "and answers")
finish()
