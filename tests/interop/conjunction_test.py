#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Conjunctive matches beside Open vSwitch: the same random rules, given by ovs-ofctl, take the same
packets to the same rule.  SHUNT_SEED repeats a run."""
import random

from lab import *

enter("ovs-appctl", "ovs-ofctl", "ovs-vsctl")
seed = int(os.environ.get("SHUNT_SEED", random.randrange(1 << 31)))
rng = random.Random(seed)
print("SHUNT_SEED=%d" % seed)
both = pair(ports=2)
SOURCES = ["10.0.0.%d" % i for i in range(1, 5)]
PORTS = [80, 81, 90]


def clauses(i):
    """How many clauses conjunction i has."""
    return 2 + i % 2


def match():
    words = ["tcp"]
    if rng.random() < .6:
        words.append("nw_src=%s" % rng.choice(SOURCES + ["10.0.0.0/30", "10.0.0.2/31"]))
    if rng.random() < .6:
        words.append("tp_dst=%s" % rng.choice(PORTS + ["0x50/0xfffe"]))
    if rng.random() < .2:
        words.append("nw_ttl=%d" % rng.choice((7, 64)))
    return ",".join(words)


def rules():
    """Where one packet completes two conjunctions of a priority, which goes first is nobody's: each
    has a priority to itself.  And none says what to do with the match of a clause (reg1=0 sees to
    that): behind such a clause Open vSwitch does not find it when it looks again."""
    flows = ["priority=0,actions=output:2"]
    for priority, i in ((100, 1), (80, 2), (60, 3), (40, 4)):
        for clause in range(1, clauses(i) + 1):
            for _ in range(rng.randrange(1, 4)):
                flows.append("priority=%d,%s,actions=conjunction(%d,%d/%d)" % (
                    priority, match(), i, clause, clauses(i)))
        if rng.random() < .9:
            flows.append("priority=%d,conj_id=%d,%s,actions=output:1" % (
                rng.choice((priority, 1)) + 1 + i, i, match()))
    for n in range(5):
        flows.append("priority=%d,reg1=0,%s,actions=output:2" % (11 + rng.randrange(5) * 20 + n, match()))
    return flows


def hit(text):
    """Rules on the way, in words that both have, and what is done."""
    m = re.search(r"^Datapath actions: (.*)", text, re.M)
    return "\n".join(re.findall(r"^ *\d+\. .*", text, re.M) + [m.group(1) if m else text])


for r in range(6):
    for s in both:
        s.ofctl("del-flows", "br0").ok()
    flows = "\n".join(rules())
    for s in both:
        s.ofctl("add-flows", "br0", "-", stdin=flows).ok()
    same(both, "round %d: dump-flows" % r,
         lambda s: "\n".join(sorted(s.ofctl("--no-stats", "dump-flows", "br0").ok().splitlines())))
    for source in SOURCES + ["10.9.9.9"]:
        for port in PORTS + [22]:
            packet = "in_port=1,tcp,nw_src=%s,tcp_dst=%d,nw_ttl=%d" % (source, port,
                                                                        rng.choice((7, 64)))
            same(both, "round %d: trace %s" % (r, packet),
                 lambda s: s.appctl("ofproto/trace", "br0", packet), hit)
    if failures:
        print(flows)
        break

# What stands beside other actions is no conjunction.
for bad in ("conjunction(1,1/2),output:1", "conjunction(1,3/2)", "conjunction(1,1/1)"):
    same(both, "refused: " + bad, lambda s: "status %d" % s.ofctl("add-flow", "br0",
                                                                  "actions=" + bad).rc)
finish()
