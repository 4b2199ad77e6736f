#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""NORMAL under random VLAN configurations: Shunt forwards and learns as Open vSwitch does.

Each round draws a configuration of ports and bridge, and lets both switches trace the same random
frames, which teaches them.  Compared are the ports that a frame leaves by with the tags that it has
there, and the addresses learnt.  SHUNT_SEED repeats a run; SHUNT_ROUNDS makes it longer."""
import random

from lab import *

enter("ovs-appctl", "ovs-vsctl")
seed = int(os.environ.get("SHUNT_SEED", random.randrange(1 << 31)))
rounds = int(os.environ.get("SHUNT_ROUNDS", "15"))
rng = random.Random(seed)
print("SHUNT_SEED=%d" % seed)
PORTS = range(1, 6)
both = pair(ports=len(PORTS))
VLANS = (0, 5, 6, 7, 8)
MODES = ("access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel")
MACS = ["02:00:00:00:0a:%02x" % i for i in range(4)]
RESERVED = ["01:80:c2:00:00:00", "01:80:c2:00:00:0f", "01:80:c2:00:00:10", "00:e0:2b:00:00:00",
            "00:e0:2b:00:00:04", "00:e0:2b:00:00:05", "00:e0:2b:00:00:06", "01:00:0c:cc:cc:c0",
            "01:00:0c:cc:cc:c8", "01:00:0c:cc:cc:cc", "01:00:0c:cd:cd:cd", "01:00:0c:00:00:00"]
DESTINATIONS = 4 * MACS + RESERVED + 4 * ["ff:ff:ff:ff:ff:ff"] + ["01:00:5e:00:00:09"]


def vlan_set():
    return ",".join(map(str, sorted(rng.sample((5, 6, 7, 8), rng.randrange(1, 4)))))


def port_config(i):
    """Columns of a Port, as words of ovs-vsctl; what is not named is cleared before."""
    words = ["set", "Port", "p%d" % i]
    mode = rng.choice(MODES + (None, None))
    if mode:
        words.append("vlan_mode=" + mode)
    if mode in ("access", "native-tagged", "native-untagged", "dot1q-tunnel") or rng.random() < .3:
        words.append("tag=%d" % rng.choice(VLANS if mode in (None, "access") else VLANS[1:]))
    if rng.random() < .5:
        words.append("trunks=" + vlan_set())
    if mode == "dot1q-tunnel" and rng.random() < .5:
        words.append("cvlans=" + vlan_set())
    if mode != "dot1q-tunnel" and rng.random() < .4:  # there it would read as a customer's tag
        words.append("other_config:priority-tags=" + rng.choice(
            ("if-nonzero", "never", "true", "false")))
    if rng.random() < .2:
        words.append("other_config:qinq-ethtype=" + rng.choice(("802.1q", "802.1ad")))
    if rng.random() < .15:
        words.append("protected=true")
    return words if len(words) > 3 else words + ["external_ids:plain=yes"]


def configuration():
    words = []
    for i in PORTS:
        words += ["--", "clear", "Port", "p%d" % i, "vlan_mode", "tag", "trunks", "cvlans",
                  "other_config", "--", "set", "Port", "p%d" % i, "protected=false", "--"]
        words += port_config(i)
    words += ["--", "clear", "Bridge", "br0", "flood_vlans", "--", "set", "Bridge", "br0",
              "other_config:forward-bpdu=" + rng.choice(("true", "false"))]
    if rng.random() < .25:
        words += ["flood_vlans=" + vlan_set()]
    return words[1:]


def frame(tunnels):
    """in_port, the tags from the outside in as (TPID, TCI), and ovs-appctl's words for it.

    Left out is where Shunt goes by ovs-vswitchd.conf.db(5) and Open vSwitch does not: a header with
    VID 0 and a priority (priority-tags); such a one beside another, or three of them, of which it
    loses one; and frames to the address that they come from."""
    port = rng.choice(PORTS)
    tags, pcp = [], 0 if port in tunnels else rng.choice((0, 3, 5))
    if rng.random() < .65:
        vid = rng.choice(VLANS[port in tunnels:])
        tags.append((0x8100, vid | (pcp << 13 if vid else 0)))
    if tags and tags[0][1] and port not in tunnels and rng.random() < .3:
        vid = rng.choice(VLANS[1:])
        tags = [(rng.choice((0x8100, 0x88a8)), vid), (0x8100, tags[0][1] & 0xfff)]
    src = rng.choice(MACS)
    data = mac(rng.choice([x for x in DESTINATIONS if x != src])) + mac(src)
    for tpid, tci in tags:
        data += struct.pack("!HH", tpid, tci)
    data += struct.pack("!H", 0x800) + udp4("10.0.0.1", "10.0.0.2", 1, 2)
    return port, tags, ["in_port=%d" % port, data.ljust(64, b"\0").hex()]


def leaves(text, tags):
    """(port, tags) of each copy that the datapath's actions send out."""
    m = re.search(r"^Datapath actions: (.*)", text, re.M)
    if not m:
        return text
    stack, out = list(tags), []
    for a in re.findall(r"\w+(?:\([^()]*(?:\([^()]*\))*[^()]*\))?", m.group(1)):
        if a.isdigit():
            out.append((int(a), tuple("%04x:%d:%d" % (t, c & 4095, c >> 13) for t, c in stack)))
        elif a == "pop_vlan":
            stack = stack[1:]
        elif a.startswith("push_vlan"):
            vals = dict(x.split("=") for x in a[10:-1].split(","))
            stack = [(int(vals.get("tpid", "0x8100"), 0),
                      int(vals["vid"]) | int(vals["pcp"]) << 13)] + stack
        elif a != "drop":
            out.append(a)
    return sorted(out, key=str)


def fdb(s):
    """Port, VLAN and address; ages go, and what the host itself sent by the bridge's own port."""
    rows = [tuple(x.split()[:3]) for x in s.appctl("fdb/show", "br0").ok().splitlines()[1:]]
    return sorted(x for x in rows if x[0] != "LOCAL")


for s in both:
    s.net.sh("ip link set br0 up")  # Shunt sends nothing to a port that is down
    s.vsctl("set", "Open_vSwitch", ".", "other_config:vlan-limit=2").ok()
    s.ofctl("add-flow", "br0", "actions=NORMAL").ok()
    # Both count the ports of the datapath for themselves; OpenFlow's numbers are the same.
    s.numbers = {int(b): int(a) if a.isdigit() else a for a, b in re.findall(
        r"^ +\S+ (\d+|65534)/(\d+):", s.appctl("dpif/show").ok(), re.M)}


def one_frame(n, words, tags, hidden):
    got = []
    for s in both:
        r = s.appctl("ofproto/trace", "br0", *words)
        out = leaves(r.out, tags) if r.rc == 0 else r.err
        if isinstance(out, list):
            out = [(s.numbers.get(p[0], p[0]), p[1]) if isinstance(p, tuple) else p for p in out]
            out = sorted((p for p in out if p[0] not in hidden), key=str)
        got.append(out)
    return equal(got[0], got[1], "frame %d (in %s, tags %s) leaves as from Open vSwitch"
                 % (n, words[0], ["%04x:%d" % (t, c & 4095) for t, c in tags]))


for r in range(rounds):
    words = configuration()
    same(both, "round %d: the configuration" % r, lambda s: s.vsctl(*words))
    for s in both:
        s.appctl("fdb/flush", "br0").ok()
    tunnels = {int(x[1:]) for x in re.findall(r"(p\d) vlan_mode=dot1q-tunnel", " ".join(words))}
    access = {int(x) for x in re.findall(r"set Port p(\d) (?:vlan_mode=access|tag=)",
                                         " ".join(words))}
    cvlans = {int(x) for x in re.findall(r"set Port p(\d) \S+ \S+(?: trunks=\S+)? cvlans=",
                                         " ".join(words))}
    ok = True
    for n in range(40):
        port, tags, ask = frame(tunnels)
        # Nor is looked at two tags on the way to an access port (whether the inner one is the
        # packet's own affair depends on Open vSwitch's vlan-limit), and whether a learnt address
        # excuses a packet from the cvlans of a tunnel (there it does).
        hidden = set(access if len(tags) + (port in tunnels) > 1 else ())
        hidden |= set() if int(ask[1][1], 16) & 1 else cvlans
        ok = one_frame(n, ask, tags, hidden) and ok
    tables = [fdb(s) for s in both]
    ok = equal(tables[0], tables[1], "round %d: addresses learnt" % r) and ok
    if not ok:
        print("round %d had: ovs-vsctl %s" % (r, " ".join(words).replace(" -- ", " \\\n  -- ")))
        break
finish()
