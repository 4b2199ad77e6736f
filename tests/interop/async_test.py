#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asynchronous messages in OpenFlow 1.3: who is told what, by connection, role and configuration.

Raw connections to both switches; the same things happen in both; each connection must hear the same
from either."""
from lab import *

enter("ovs-ofctl", "ovs-vsctl")
both = pair(ports=3)
SET_CONFIG, PACKET_IN, FLOW_REMOVED, PORT_STATUS, ROLE, GET_ASYNC, SET_ASYNC = 9, 10, 11, 12, 24, 26, 28
NAMES = {PACKET_IN: "packet-in", FLOW_REMOVED: "flow-removed", PORT_STATUS: "port-status"}
EQUAL, MASTER, SLAVE = 1, 2, 3
FRAME = eth("02:00:00:00:00:aa", "02:00:00:00:00:bb", 0x800, udp4("10.0.0.1", "10.0.0.2", 7, 8))
LOW = eth("02:00:00:00:00:aa", "02:00:00:00:00:bb", 0x800, udp4("10.0.0.1", "10.0.0.2", 7, 9, ttl=1))


class Ear(OpenFlow):
    """A connection, and the asynchronous messages that it has heard."""

    def __init__(self, s, miss_send_len=None, role=None, masks=None):
        super().__init__(s.path("br0.mgmt"))
        self.heard = []
        if miss_send_len is not None:
            self.send(SET_CONFIG, struct.pack("!HH", 0, miss_send_len))
        if masks:
            self.send(SET_ASYNC, struct.pack("!6I", *masks))
        if role:
            self.role(role)

    def role(self, role):
        x = self.send(ROLE, struct.pack("!I4xQ", role, 0))
        while self.read()[1] != x:
            pass

    def config(self):
        """The six masks: packet-in, port-status, flow-removed, each for master and slave."""
        self.send(GET_ASYNC)
        return struct.unpack("!6I", self.recv(GET_ASYNC + 1)[2])

    def listen(self):
        """What has come, until it is quiet."""
        while True:
            m = self.read(0.3 if not self.heard else 0.1)
            if not m:
                break
            if m[0] == 2:
                self.send(3, m[2], xid=m[1])
            elif m[0] in NAMES:
                self.heard.append(self.what(*m))
        got, self.heard = self.heard, []
        # Open vSwitch has a new port live only a moment later.
        return sorted(set(got) - {"port-status, reason 2, port 3"})

    @staticmethod
    def what(kind, _, body):
        if kind == PACKET_IN:
            return "packet-in, reason %d, table %d" % (body[6], body[7])
        if kind == FLOW_REMOVED:
            return "flow-removed, reason %d, cookie %d" % (body[10], struct.unpack("!Q", body[:8])[0])
        return "port-status, reason %d, port %d" % (body[0], struct.unpack("!I", body[8:12])[0])


for s in both:
    s.sock = s.net.socket("hp1")


def prepare(s):
    s.ofctl("-O", "OpenFlow13", "del-flows", "br0").ok()
    s.ofctl("-O", "OpenFlow13", "add-flows", "br0", "-", stdin="""
        priority=0,cookie=1,actions=CONTROLLER:128
        priority=9,cookie=2,udp,tp_dst=8,actions=controller(reason=action)
        priority=9,cookie=3,udp,tp_dst=9,actions=dec_ttl,output:2
        """).ok()
    time.sleep(0.7)  # until no megaflow of the tables before is left


def packets(s):
    s.sock.send(FRAME)
    s.sock.send(LOW)
    s.sock.send(eth("02:00:00:00:00:aa", "02:00:00:00:00:bb", 0x9999, b"miss"))


def removals(s):
    add = "send_flow_rem,table=5,cookie=%d,%sactions=drop"
    s.ofctl("-O", "OpenFlow13", "add-group", "br0", "group_id=4,type=indirect,bucket=output:2").ok()
    for f in (add % (11, "ip,"), add % (12, "arp,hard_timeout=1,"), add % (13, "tcp,idle_timeout=1,"),
              "send_flow_rem,table=5,cookie=14,udp,actions=group:4"):
        s.ofctl("-O", "OpenFlow13", "add-flow", "br0", f).ok()
    s.ofctl("-O", "OpenFlow13", "del-flows", "br0", "cookie=11/-1").ok()
    s.ofctl("-O", "OpenFlow13", "del-groups", "br0", "group_id=4").ok()
    time.sleep(2.5)


def ports(s):
    s.vsctl("--if-exists", "del-port", "p3", "--", "add-port", "br0", "p3", "--", "set", "Interface",
            "p3", "ofport_request=3").ok()
    s.ofctl("-O", "OpenFlow13", "mod-port", "br0", "2", "no-receive").ok()
    s.ofctl("-O", "OpenFlow13", "mod-port", "br0", "2", "receive").ok()
    s.vsctl("del-port", "p3").ok()


ALL = 0xffffffff
EARS = [
    ("that has said nothing", {}),
    ("with a miss_send_len", {"miss_send_len": 128}),
    ("that takes it back", {"miss_send_len": 0}),
    ("that is master", {"miss_send_len": 128, "role": MASTER}),
    ("that is slave", {"miss_send_len": 128, "role": SLAVE}),
    ("that wants all", {"masks": (7, 7, 7, 7, 15, 15)}),
    ("that wants all as slave", {"masks": (7, 7, 7, 7, 15, 15), "role": SLAVE}),
    ("that wants misses", {"masks": (1, 0, 0, 0, 0, 0)}),
    ("that wants actions", {"masks": (2, 0, 0, 0, 0, 0)}),
    ("that wants expired TTLs", {"masks": (4, 0, 0, 0, 0, 0)}),
    ("that wants new ports", {"masks": (0, 0, 1, 0, 0, 0)}),
    ("that wants changed ports as slave only", {"masks": (0, 0, 0, 4, 0, 0), "role": SLAVE}),
    ("that wants idle rules", {"masks": (0, 0, 0, 0, 1, 0)}),
    ("that wants deleted rules", {"masks": (0, 0, 0, 0, 4, 0)}),
    ("that wants rules of deleted groups", {"masks": (0, 0, 0, 0, 8, 0)}),
    ("that wants nothing, with a miss_send_len", {"miss_send_len": 128, "masks": (0,) * 6}),
]


def attend(s, some):
    """What connections open at the same time are told: [(configuration, first, then), …]."""
    prepare(s)
    ears = [Ear(s, **args) for _, args in some]
    # What a service connection hears before it asks is nothing, which Shunt says.
    configs = [[x & 15 for x in e.config()] if args.get("miss_send_len", 1) and args else []
               for e, (_, args) in zip(ears, some)]
    for act in (packets, ports):
        act(s)
    told = [e.listen() for e in ears]
    removals(s)
    got = list(zip(configs, told, [e.listen() for e in ears]))
    for e in ears:
        e.close()
    return got


masters = [x for x in EARS if x[1].get("role") == MASTER]
for some in ([x for x in EARS if x not in masters], masters):  # a master would demote the others
    got = [attend(s, some) for s in both]
    for (name, _), ours, theirs in zip(some, *got):
        for what, i in (("configuration", 0), ("packets and ports", 1), ("removed rules", 2)):
            equal(ours[i], theirs[i], "%s, told to a connection %s" % (what, name))

# A master demotes the other one; both are told what their roles want.
got = []
for s in both:
    prepare(s)
    a, b = Ear(s, 128), Ear(s, 128)
    steps = []
    for who, role in ((a, MASTER), (b, MASTER), (a, EQUAL), (b, SLAVE)):
        who.role(role)
        packets(s)
        steps.append((a.listen(), b.listen()))
    got.append(steps)
    a.close()
    b.close()
for i, step in enumerate(("a is master", "b is master", "a is equal again", "b is slave")):
    equal(got[0][i], got[1][i], "after a change of roles: " + step)
finish()
