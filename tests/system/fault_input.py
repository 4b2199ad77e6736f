#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever comes in by any socket, the switch answers with an error or closes that connection alone,
and goes on switching.  The random parts print their seed; SHUNT_SEED repeats them."""
import json
import os
import random
import resource
import socket
import struct
import sys
import time

from fault_rig import MAC_A, MAC_B, Rig, lab, until

PORTS = range(1001, 1005)
HELLO, ERROR, ECHO, FLOW_MOD, BARRIER, MULTIPART = 0, 1, 2, 14, 20, 18
seed = int(os.environ.get("SHUNT_SEED", random.randrange(1 << 31)))
rng = random.Random(seed)


def unix(path, timeout=5):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(path)
    return s


def mgmt(rig, **kw):
    return lab.OpenFlow(rig.sw.path("br0.mgmt"), **kw)


def alive(rig, what):
    """It runs, and every socket answers those who ask properly."""
    lab.equal(rig.sw.daemon.poll(), None, what + ": the switch runs")
    c = mgmt(rig)
    lab.equal(c.error(ECHO, b"x"), None, what + ": OpenFlow answers")
    c.close()
    lab.equal(rig.sw.vsctl("list-br").out, "br0\n", what + ": the database answers")
    lab.equal(rig.sw.appctl("ofproto/list").out, "br0\n", what + ": the control socket answers")
    lab.check(rig.metric("shunt_build_info") == 1, what + ": metrics are served")


def memory_mib(rig):
    with open("/proc/%d/statm" % rig.sw.daemon.pid) as f:
        return int(f.read().split()[1]) * resource.getpagesize() >> 20


# --- OpenFlow ---

def flow_mod(match=b"\0\1\0\4\0\0\0\0", instructions=b"", table=0, command=0, group=0xffffffff):
    return struct.pack("!QQBBHHHIIIHxx", 0, 0, table, command, 0, 0, 10, 0xffffffff, 0xffffffff,
                       group, 0) + match + instructions


def apply(actions):
    return struct.pack("!HHxxxx", 4, 8 + len(actions)) + actions


# What is wrong, type, body, the specification's error (type, code) in OpenFlow 1.3.5 section 7.4.1
MALFORMED = [
    ("unknown type", 99, b"", (1, 1)),
    ("a message of the switch", 10, b"\0" * 40, (1, 1)),
    ("flow-mod cut short", FLOW_MOD, b"\0" * 20, (1, 6)),
    ("match longer than the message", FLOW_MOD, flow_mod(b"\0\1\0\x40\0\0\0\0"), (4, 1)),
    ("match type 7", FLOW_MOD, flow_mod(b"\0\7\0\4\0\0\0\0"), (4, 0)),
    ("field that does not exist", FLOW_MOD,
     flow_mod(b"\0\1\0\x0c\x80\0\xfe\x04\0\0\0\1" + b"\0" * 4), (4, 6)),
    ("field without its prerequisite", FLOW_MOD,
     flow_mod(b"\0\1\0\x0a\x80\0\x1c\x02\0\x50" + b"\0" * 6), (4, 9)),
    ("value outside the mask", FLOW_MOD,
     flow_mod(b"\0\1\0\x14\x80\0\x07\x0c" + b"\2" * 6 + b"\0" * 6 + b"\0" * 4), (4, 5)),
    ("unknown instruction", FLOW_MOD,
     flow_mod(instructions=struct.pack("!HHI", 77, 8, 0)), (3, 0)),
    ("instruction longer than the message", FLOW_MOD,
     flow_mod(instructions=struct.pack("!HHI", 4, 800, 0)), (3, 7)),
    ("goto a table that is not later", FLOW_MOD,
     flow_mod(instructions=struct.pack("!HHBxxx", 1, 8, 0)), (3, 2)),
    ("unknown action", FLOW_MOD,
     flow_mod(instructions=apply(struct.pack("!HHI", 555, 8, 0))), (2, 0)),
    ("action of length 0", FLOW_MOD,
     flow_mod(instructions=apply(struct.pack("!HHI", 0, 0, 0))), (2, 1)),
    ("unknown command", FLOW_MOD, flow_mod(command=9), (5, 6)),
    ("unknown multipart", MULTIPART, struct.pack("!HHxxxx", 999, 0), (1, 2)),
    ("group that does not exist", FLOW_MOD,
     flow_mod(instructions=apply(struct.pack("!HHI", 22, 8, 99))), (2, 9)),
    ("role with an unknown code", 24, struct.pack("!IxxxxQ", 77, 0), (11, 2)),
    ("packet-out from nowhere", 13, struct.pack("!IIH6x", 0xffffffff, 0, 0), (2, 4)),
]


def malformed_openflow(rig):
    rules = rig.ofctl("dump-flows", "br0", "--no-stats")
    c = mgmt(rig)
    for what, kind, body, want in MALFORMED:
        got = c.error(kind, body)
        lab.check(got == want or (want[0] == 2 and got and got[0] in (1, 2)), "OpenFlow: " + what,
                  "got %s, want %s" % (got, want))
    got = c.error(ECHO, version=9)
    lab.equal(got, (1, 0), "OpenFlow: another version's message")
    lab.equal(c.error(ECHO, b"still there"), None, "the connection stays through all of them")
    c.close()
    lab.equal(rig.ofctl("dump-flows", "br0", "--no-stats"), rules, "and no rule has changed")


def no_common_version(rig):
    c = mgmt(rig, hello=False)
    c.send(HELLO, struct.pack("!HHI", 1, 8, 1 << 3), version=3)
    m = c.recv(ERROR, 3)
    lab.check(m and struct.unpack("!HH", m[2][:4]) == (0, 0), "OpenFlow 1.2 alone: hello failed",
              "got %s" % (m,))
    lab.check(c.closed(), "and the connection is closed")


def lying_lengths(rig):
    witness = mgmt(rig)
    for n in (0, 1, 7):
        c = mgmt(rig)
        c.send(ECHO, b"", length=n)
        lab.check(c.closed(), "a header that says %d bytes closes the connection" % n)
    c = mgmt(rig)
    c.send(ECHO, b"abc", length=65535)  # the rest never comes
    lab.equal(witness.error(ECHO, b"x"), None, "another connection does not notice")
    c.sock.sendall(b"\0" * (65535 - 11))
    lab.check(c.recv(3, 3) is not None, "a message of 65535 bytes is a message")
    c.close()
    witness.close()


# --- garbage ---

def garbage(kind):
    n = rng.randrange(1, 5000)
    raw = rng.randbytes(n)
    if kind == "mgmt" and rng.random() < 0.7:  # a good header before it, many times
        out = b""
        while len(out) < n:
            body = rng.randbytes(rng.randrange(0, 120))
            out += struct.pack("!BBHI", rng.choice((1, 4)), rng.randrange(0, 30), 8 + len(body),
                               rng.randrange(1 << 32)) + body
        return struct.pack("!BBHI", 4, 0, 8, 1) + out
    if kind in ("db", "ctl") and rng.random() < 0.7:
        text = json.dumps({"id": 1, "method": rng.choice(("transact", "monitor", "list-commands")),
                           "params": ["Open_vSwitch", {"op": "select", "table": "Bridge",
                                                       "where": [["name", "==", "br0"]]}]})
        return damage(text.encode())
    if kind == "http" and rng.random() < 0.7:
        return damage(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * rng.randrange(99) +
                      b"\r\n\r\n")
    return raw


def damage(data):
    b = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        b[rng.randrange(len(b))] = rng.randrange(256)
    return bytes(b[:rng.randrange(1, len(b) + 1)])


def connect_metrics(rig):
    """From the switch's namespace."""
    back = os.open("/proc/self/ns/net", os.O_RDONLY)
    to = os.open("/proc/%d/ns/net" % rig.net.proc.pid, os.O_RDONLY)
    lab.setns(to)
    try:
        s = socket.create_connection(("127.0.0.1", 9310), 5)
    finally:
        lab.setns(back)
        os.close(to)
        os.close(back)
    return s


def ways_in(rig):
    return {
        "mgmt": lambda: unix(rig.sw.path("br0.mgmt")),
        "snoop": lambda: unix(rig.sw.path("br0.snoop")),
        "db": lambda: unix(rig.sw.path("db.sock")),
        "ctl": lambda: unix(rig.sw.path("shuntd.ctl")),
        "http": lambda: connect_metrics(rig),
    }


def garbage_everywhere(rig):
    for kind, connect in ways_in(rig).items():
        for _ in range(60):
            s = connect()
            s.settimeout(0.02)
            try:
                for _ in range(rng.randrange(1, 4)):
                    s.sendall(garbage(kind))
                    try:
                        s.recv(65536)
                    except socket.timeout:
                        pass
            except OSError:
                pass  # it closed, which is what it may do
            s.close()
        lab.equal(rig.sw.daemon.poll(), None, "garbage to %s" % kind)
    alive(rig, "after garbage everywhere")


# --- JSON ---

def rpc(rig, method, params, sock=None):
    s = sock or unix(rig.sw.path("db.sock"))
    s.sendall(json.dumps({"id": 7, "method": method, "params": params}).encode())
    data = b""
    while True:
        got = s.recv(1 << 20)
        if not got:
            return None
        data += got
        try:
            return json.loads(data)
        except ValueError:
            pass


BAD_TRANSACTIONS = [
    ("a column that does not exist", {"fail_mood": "secure"}, "fail_mood"),
    ("a value of another type", {"fail_mode": 7}, "fail_mode"),
    ("a value that is not in the enumeration", {"fail_mode": "open"}, "fail_mode"),
    ("a number outside its range", {"flood_vlans": 5000}, "flood_vlans"),
    ("more values than may be", {"datapath_id": ["set", ["a", "b"]]}, "datapath_id"),
    ("a reference to nothing", {"controller": ["named-uuid", "nowhere"]}, "nowhere"),
]


def bad_transactions(rig):
    before = rig.vsctl("list", "bridge", "br0")
    where = [["name", "==", "br0"]]
    for what, row, name in BAD_TRANSACTIONS:
        ops = ["Open_vSwitch",
               {"op": "update", "table": "Bridge", "where": where, "row": {"stp_enable": True}},
               {"op": "update", "table": "Bridge", "where": where, "row": row}]
        text = json.dumps(rpc(rig, "transact", ops))
        lab.contains(text, '"error": "', "transaction with %s: an error" % what)
        lab.contains(text, name, "transaction with %s: names it" % what)
    lab.equal(rig.vsctl("list", "bridge", "br0"), before, "and nothing has changed")


def pour(sock, data, limit):
    """Sends data again and again until `limit` bytes or the other side has enough."""
    n = 0
    sock.settimeout(10)
    try:
        while n < limit:
            sock.sendall(data)
            n += len(data)
    except OSError:
        return n, True
    return n, False


def huge_json(rig):
    before = memory_mib(rig)
    for kind in ("db", "ctl"):
        for what, head, body, limit in (
                ("a string without an end", b'{"id":1,"method":"echo","params":["', b"x" * 65536,
                 200 << 20),
                ("brackets without an end", b'{"id":1,"method":"echo","params":', b"[" * 65536,
                 8 << 20),
                ("values without an end", b'{"id":1,"method":"echo","params":[', b"1," * 32768,
                 200 << 20)):
            s = ways_in(rig)[kind]()
            s.sendall(head)
            n, closed = pour(s, body, limit)
            lab.check(closed, "%s: %s is cut off (after %d KiB)" % (kind, what, n >> 10))
            s.close()
    # Asked for something, so that an allocator that is slow to give back has an occasion.
    until("the memory that it took is given back (%d MiB before)" % before,
          lambda: rig.sw.vsctl("list-br").out and memory_mib(rig) < before + 400)
    alive(rig, "after huge JSON")


# --- too many ---

def flood(rig):
    for kind, connect in ways_in(rig).items():
        socks = []
        for _ in range(1500):
            try:
                socks.append(connect())
            except OSError:
                break
        lab.check(len(socks) > 50, "%s takes %d connections at once" % (kind, len(socks)))
        lab.equal(rig.sw.daemon.poll(), None, "a flood of connections to %s" % kind)
        others = {"mgmt": "db", "snoop": "db", "db": "mgmt", "ctl": "mgmt", "http": "mgmt"}
        if others[kind] == "db":
            lab.equal(rig.sw.vsctl("list-br").out, "br0\n", "others are served meanwhile")
        else:
            c = mgmt(rig)
            lab.equal(c.error(ECHO, b"x"), None, "others are served meanwhile")
            c.close()
        for s in socks:
            s.close()
        until("%s: they are gone" % kind, lambda: open_files(rig) < 150)
    alive(rig, "after the floods")


def open_files(rig):
    return len(os.listdir("/proc/%d/fd" % rig.sw.daemon.pid))


def requests_in_flight(rig):
    """Clients that ask for much and leave without reading."""
    for _ in range(20):
        s = unix(rig.sw.path("br0.mgmt"))
        s.sendall(struct.pack("!BBHI", 4, 0, 8, 1) +
                  struct.pack("!BBHIHHxxxxBxxxII4xQQHHxxxx", 4, MULTIPART, 56, 2, 1, 0, 255,
                              0xffffffff, 0xffffffff, 0, 0, 1, 4) * 200)
        s.close()
        s = unix(rig.sw.path("db.sock"))
        s.sendall(b'{"id":1,"method":"get_schema","params":["Open_vSwitch"]}' * 100)
        s.close()
        s = unix(rig.sw.path("shuntd.ctl"))
        s.sendall(b'{"id":1,"method":"offload/flows","params":[]}' * 100)
        s.close()
    alive(rig, "clients that leave without reading")


# --- frames ---

def short_packets(rig):
    before = rig.metric("shunt_parse_errors_total")
    good = lab.eth(MAC_A, MAC_B, 0x800, lab.udp4("10.9.0.1", "10.9.0.2", 5, 1001, b"z" * 100))
    sock = rig.a.socket("eth0")
    n = 0
    for size in list(range(14, 42)) * 5:
        sock.send(good[:size])
        n += 1
    lied = bytearray(good)
    lied[16:18] = b"\xff\xff"  # IP total length
    sock.send(bytes(lied))
    lied[14] = 0x4f  # IP header length: beyond what is said
    lied[16:18] = struct.pack("!H", 30)
    sock.send(bytes(lied))
    sock.close()
    until("packets shorter than their headers claim are counted by reason",
          lambda: rig.metric("shunt_parse_errors_total") - before >= n // 2)
    lab.check(rig.metric("shunt_drops_total", reason="parse") > 0, "and as drops")
    print("%d cut frames: %d counted" % (n + 2, rig.metric("shunt_parse_errors_total") - before))


def main():
    lab.enter("ovs-vsctl", "ovs-ofctl", "ovs-appctl")
    print("seed: SHUNT_SEED=%d" % seed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    rig = Rig()
    rig.rules(PORTS)
    before = rig.arrived()
    rig.send(PORTS)
    rig.all_in(PORTS)
    steps = [malformed_openflow, no_common_version, lying_lengths, garbage_everywhere,
             bad_transactions, huge_json, flood, requests_in_flight]
    for step in steps:
        if sys.argv[1:] and step.__name__ not in sys.argv[1:]:
            continue
        t = time.monotonic()
        step(rig)
        print("%s: %.1f s, %d MiB" % (step.__name__, time.monotonic() - t, memory_mib(rig)),
              flush=True)
    rig.stop_sending()
    rig.check_arrived("bad input", before)
    rig.check_exact("bad input")
    short_packets(rig)
    alive(rig, "at the end")
    lab.finish()


main()
