#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random flow-mods, strict and loose, with cookies, masks, tables and out_port: the tables of both
switches stay the same, and so do the answers.

SHUNT_SEED repeats a run; SHUNT_ROUNDS makes it longer."""
import random

from lab import *

enter("ovs-ofctl", "ovs-vsctl")
seed = int(os.environ.get("SHUNT_SEED", random.randrange(1 << 31)))
rounds = int(os.environ.get("SHUNT_ROUNDS", "4"))
rng = random.Random(seed)
print("SHUNT_SEED=%d" % seed)
both = pair(ports=3)
PROTOCOLS = ("OpenFlow10", "OpenFlow13")
# A small universe, so that matches meet, contain and overlap each other.
MATCHES = ["", "ip", "tcp", "udp", "arp", "ip,nw_src=10.0.0.0/8", "ip,nw_src=10.0.0.0/24",
           "ip,nw_src=10.0.0.1", "tcp,nw_src=10.0.0.1", "tcp,tp_dst=80", "tcp,nw_dst=10.0.0.1",
           "in_port=1", "in_port=1,ip", "dl_vlan=5", "dl_vlan=5,ip", "dl_src=02:00:00:00:00:01",
           "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "tcp,tcp_flags=+syn", "reg0=1", "reg0=1,ip",
           "ipv6", "ipv6,ipv6_src=2001:db8::/32"]
ACTIONS = ["drop", "1", "2", "1,2", "3", "NORMAL", "resubmit(,3)", "LOCAL", "CONTROLLER:64",
           "load:1->NXM_NX_REG0[],2"]


def words(*choices):
    return [c for c in choices if c]


def maybe(p, text):
    return text if rng.random() < p else ""


def cookie():
    return "cookie=0x%x" % rng.choice((0, 1, 2, 0x11, 0x12))


def cookie_mask():
    return "cookie=%s" % rng.choice(("0x1/0x1", "0x2/-1", "0x10/0xf0", "0/0xf", "0x11/-1"))


def table(p):
    return maybe(p, "table=%d" % rng.choice((0, 0, 1, 2)))


def add():
    return ["add-flow", ",".join(words(
        table(.6), maybe(.7, "priority=%d" % rng.choice((1, 5, 5, 9))), maybe(.5, cookie()),
        maybe(.2, "idle_timeout=%d" % rng.choice((10000, 20000))), maybe(.2, "hard_timeout=30000"),
        maybe(.2, "send_flow_rem"), maybe(.15, "check_overlap"), maybe(.15, "reset_counts"),
        rng.choice(MATCHES), "actions=" + rng.choice(ACTIONS)))]


def modify():
    strict = rng.random() < .5
    return words(maybe(strict, "--strict"), "mod-flows", ",".join(words(
        table(.5), maybe(.7 * strict, "priority=%d" % rng.choice((1, 5, 9))),
        maybe(.4, rng.choice((cookie, cookie_mask))()), maybe(.2, "idle_timeout=40000"),
        rng.choice(MATCHES), "actions=" + rng.choice(ACTIONS))))


def delete():
    strict = rng.random() < .5
    return words(maybe(strict, "--strict"), "del-flows", ",".join(words(
        table(.6), maybe(.8 * strict, "priority=%d" % rng.choice((1, 5, 9))),
        maybe(.3, cookie_mask()), maybe(.3, "out_port=%s" % rng.choice(("1", "2", "LOCAL"))),
        rng.choice(MATCHES))))


def dump(proto):
    """Flags and times as well as matches and actions; in no order."""
    return lambda s: s.ofctl("-O", proto, "dump-flows", "br0")


def ordered(text):
    text = re.sub(r"n_packets=\d+, n_bytes=\d+, |idle_age=\d+, ", "", normalise(text))
    return "\n".join(sorted(text.splitlines()))


def command(proto, words_):
    """The bridge stands in front of the flow; without a flow (del-flows of all) at the end."""
    at = [i for i, w in enumerate(words_) if w.endswith(("-flow", "-flows"))][0] + 1
    return lambda s: s.ofctl("-O", proto, *words_[:at], "br0", *words_[at:])


for r in range(rounds):
    for proto in PROTOCOLS:
        for s in both:
            s.ofctl("del-flows", "br0").ok()
        done = []
        for n in range(60):
            op = rng.choice((add, add, add, modify, modify, delete))()
            done.append(" ".join(op))
            ok = same(both, "%s %s" % (proto, done[-1]), command(proto, op), ordered)
            ok = same(both, "%s tables after %s" % (proto, done[-1]), dump(proto), ordered) and ok
            if not ok:
                print("after:\n" + indent("\n".join(done)))
                finish()
finish()
