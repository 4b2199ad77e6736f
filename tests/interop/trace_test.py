#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random tables and packets: Shunt's translation comes to the same datapath actions as Open
vSwitch's, by way of the same rules.

A round loads the same flows and groups into both and traces the same packets.  SHUNT_SEED repeats a
run; SHUNT_ROUNDS makes it longer."""
import random

from lab import *

enter("ovs-appctl", "ovs-ofctl", "ovs-vsctl")
seed = int(os.environ.get("SHUNT_SEED", random.randrange(1 << 31)))
rounds = int(os.environ.get("SHUNT_ROUNDS", "10"))
rng = random.Random(seed)
print("SHUNT_SEED=%d" % seed)
both = pair(ports=5)
for s in both:
    s.net.sh("ip link set br0 up")  # Shunt sends nothing to a port that is down
    s.net.sh("ip link set hp5 down")  # and neither does a group that watches it
MACS = ["02:00:00:00:0a:%02x" % i for i in range(3)]
ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.1.1", "192.168.7.7"]
ADDRESSES6 = ["2001:db8::1", "2001:db8::2", "fe80::9"]
TABLES = 6


def pick(*choices):
    return rng.choice(choices)


def port():
    return pick(1, 2, 3, 4)


# --- matches: a kind of packet, and what more may be asked of it ---
L2 = [lambda: "in_port=%d" % port(), lambda: "dl_src=" + rng.choice(MACS),
      lambda: "dl_dst=" + rng.choice(MACS), lambda: "dl_dst=02:00:00:00:00:00/02:00:00:00:00:01",
      lambda: "vlan_tci=0x0000/0x1fff", lambda: "dl_vlan=%d" % pick(5, 6),
      lambda: "reg0=%d" % pick(0, 1, 2), lambda: "reg1=%d/%d" % (pick(0, 1), 1),
      lambda: "metadata=%d/0xf" % pick(0, 3, 5)]
L3 = [lambda: "nw_src=" + rng.choice(ADDRESSES), lambda: "nw_dst=10.0.0.0/%d" % pick(8, 24, 31),
      lambda: "nw_tos=%d" % pick(0, 32), lambda: "nw_ttl=%d" % pick(1, 2, 64),
      lambda: "nw_ecn=%d" % pick(0, 1)]
L4 = [lambda: "tp_src=%d" % pick(5, 80), lambda: "tp_dst=%d" % pick(53, 80),
      lambda: "tp_dst=0x40/0xff40"]
KINDS = {
    "": (L2, []), "ip": (L2 + L3, ["ip"]), "tcp": (L2 + L3 + L4, ["ip", "l4"]),
    "udp": (L2 + L3 + L4, ["ip", "l4"]), "icmp": (L2 + L3, ["ip"]),
    "arp": (L2 + [lambda: "arp_op=%d" % pick(1, 2), lambda: "arp_tpa=" + rng.choice(ADDRESSES)],
            ["arp"]),
    "ipv6": (L2 + [lambda: "ipv6_dst=" + rng.choice(ADDRESSES6), lambda: "nw_ttl=%d" % pick(1, 64),
                   lambda: "ipv6_label=%d" % pick(0, 7)], ["ip6"]),
}


def match(kind):
    fields, _ = KINDS[kind]
    chosen = {}
    for f in rng.sample(fields, rng.randrange(0, 3)):
        text = f()
        chosen[text.split("=")[0].replace("dl_vlan", "vlan_tci")] = text
    return ",".join(([kind] if kind else []) + sorted(chosen.values()))


# --- actions: those of any packet, and those that a kind of packet has in addition ---
ANY = [lambda t: "output:%d" % port(), lambda t: "output:%d" % port(), lambda t: "IN_PORT",
       lambda t: "LOCAL", lambda t: "FLOOD", lambda t: "ALL",
       lambda t: "set_field:%s->eth_src" % rng.choice(MACS),
       lambda t: "mod_dl_dst:" + rng.choice(MACS),
       lambda t: "load:%d->NXM_NX_REG0[]" % pick(1, 2, 4),
       lambda t: "load:%d->NXM_NX_REG1[0..3]" % pick(1, 2), lambda t: "output:NXM_NX_REG0[]",
       lambda t: "move:NXM_OF_ETH_SRC[0..15]->NXM_OF_ETH_DST[16..31]",
       lambda t: "move:NXM_NX_REG0[0..7]->NXM_NX_REG1[8..15]",
       lambda t: "set_field:%d->metadata" % pick(3, 5), lambda t: "note:01.02",
       lambda t: "resubmit(,%d)" % rng.randrange(t + 1, TABLES + 2),
       lambda t: "resubmit(%d,%d)" % (port(), t + 1),
       lambda t: "group:%d" % pick(1, 2, 3, 4)]
MORE = {
    "vlan": [lambda t: "mod_vlan_vid:%d" % pick(5, 8), lambda t: "strip_vlan",
             lambda t: "mod_vlan_pcp:%d" % pick(0, 3)],
    "ip": [lambda t: "mod_nw_src:" + rng.choice(ADDRESSES), lambda t: "dec_ttl",
           lambda t: "set_field:%s->ip_dst" % rng.choice(ADDRESSES), lambda t: "mod_nw_tos:64",
           lambda t: "mod_nw_ecn:%d" % pick(0, 2), lambda t: "mod_nw_ttl:%d" % pick(1, 9),
           lambda t: "move:NXM_OF_IP_SRC[0..7]->NXM_OF_IP_DST[8..15]"],
    "l4": [lambda t: "mod_tp_src:%d" % pick(80, 99), lambda t: "mod_tp_dst:%d" % pick(53, 8080)],
    "arp": [lambda t: "set_field:2->arp_op", lambda t: "set_field:10.0.0.9->arp_spa",
            lambda t: "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]"],
    "ip6": [lambda t: "set_field:2001:db8::77->ipv6_src", lambda t: "dec_ttl",
            lambda t: "set_field:3->ipv6_label", lambda t: "mod_nw_ttl:%d" % pick(1, 5)],
}


def actions(more, table, n):
    """Behind a strip_vlan nothing may want a tag."""
    choice = ANY + [a for g in more for a in 2 * MORE[g]]
    acts = [rng.choice(choice)(table) for _ in range(n)]
    return sorted(acts, key=lambda a: a == "strip_vlan")


def flow(table, exits):
    """A round has exit or action sets: ovs-actions(7) says that these are done after an exit, as
    Shunt does and Open vSwitch does not."""
    kind = rng.choice(list(KINDS) + [""])
    m = match(kind)
    groups_of = KINDS[kind][1] + (["vlan"] if "dl_vlan" in m else [])
    acts = actions(groups_of, table, rng.randrange(1, 5))
    if exits and rng.random() < .2:
        acts.insert(rng.randrange(len(acts) + 1), "exit")
    tail = []
    if "vlan_tci=0" in m:  # a new tag's fields are copied from the old one's, says the standard
        acts.insert(0, "push_vlan:0x8100,set_field:%d->vlan_vid" % (4096 + pick(5, 7)))
    if rng.random() < .1:
        tail.append("clear_actions")
    if not exits and rng.random() < .3:
        tail.append("write_actions(%s)" % ",".join(
            x for x in actions(groups_of, TABLES, 2) if not x.startswith(
                ("resubmit", "note", "group", "output:NXM", "move"))))
    if rng.random() < .2:
        tail.append("write_metadata:%d/0xf" % pick(3, 5))
    if table < TABLES and rng.random() < .4:
        tail.append("goto_table:%d" % rng.randrange(table + 1, TABLES + 1))
    tail = [x for x in tail if x != "write_actions()"]
    return "table=%d,priority=%d%s,actions=%s" % (
        table, rng.randrange(1, 1000), "," + m if m else "", ",".join(acts + tail))


def groups():
    """All, indirect, fast failover by port and by group; none chooses by a hash of its own."""
    def bucket():
        return "bucket=" + ",".join(actions([], TABLES, rng.randrange(1, 3)))

    def plain():
        while True:
            b = bucket()
            if not re.search("resubmit|group|note", b):
                return b
    return ["group_id=1,type=all," + ",".join(plain() for _ in range(rng.randrange(1, 4))),
            "group_id=2,type=indirect," + plain(),
            "group_id=3,type=ff,bucket=watch_port:5,output:%d,bucket=watch_port:%d,output:%d" % (
                port(), port(), port()),
            "group_id=4,type=ff,bucket=watch_group:3,%s,bucket=watch_port:1,output:1"
            % plain()[7:]]


def packet():
    words = ["in_port=%d" % port(), "dl_src=" + rng.choice(MACS), "dl_dst=" + rng.choice(
        MACS + ["ff:ff:ff:ff:ff:ff"])]
    if rng.random() < .3:
        words.append("dl_vlan=%d,dl_vlan_pcp=%d" % (pick(5, 6, 9), pick(0, 3)))
    kind = rng.choice(["tcp", "tcp", "udp", "udp", "icmp", "arp", "tcp6", "dl_type=0x1234"])
    words.append(kind)
    if kind in ("tcp", "udp", "icmp"):
        words.append("nw_src=%s,nw_dst=%s,nw_ttl=%d,nw_tos=%d" % (
            rng.choice(ADDRESSES), rng.choice(ADDRESSES), pick(2, 3, 64), pick(0, 32)))
    if kind in ("tcp", "udp"):
        words.append("%s_src=%d,%s_dst=%d" % (kind, pick(5, 80), kind, pick(53, 80, 64)))
    if kind == "icmp":
        words.append("icmp_type=8")
    if kind == "arp":
        words.append("arp_op=1,arp_spa=%s,arp_tpa=%s,arp_sha=%s" % (
            rng.choice(ADDRESSES), rng.choice(ADDRESSES), MACS[0]))
    if kind == "tcp6":
        words.append("ipv6_src=%s,ipv6_dst=%s,ipv6_label=%d,nw_ttl=64,tp_dst=80" % (
            rng.choice(ADDRESSES6), rng.choice(ADDRESSES6), pick(0, 7)))
    return ",".join(words)


# --- what datapath actions do to a packet ---
FIELD = {"eth": {"src": "dl_src", "dst": "dl_dst"}, "tcp": {"src": "tp_src", "dst": "tp_dst"},
         "ipv4": {"src": "nw_src", "dst": "nw_dst", "tos": "nw_tos", "ttl": "nw_ttl"},
         "ipv6": {"src": "ipv6_src", "dst": "ipv6_dst", "tclass": "nw_tos", "hlimit": "nw_ttl",
                  "label": "ipv6_label"},
         "arp": {"sip": "arp_spa", "tip": "arp_tpa", "op": "arp_op", "sha": "arp_sha",
                 "tha": "arp_tha"}}
FIELD["udp"] = FIELD["tcp"]


def number(text):
    if text.count(":") == 5 and "::" not in text:
        return int(text.replace(":", ""), 16)
    if ":" in text:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    if "." in text:
        return int.from_bytes(socket.inet_aton(text), "big")
    return int(text, 0)


def parse(words):
    """The packet that ofproto/trace is asked about: its fields as numbers, and its tag."""
    fields, tags = {}, []
    for w in words.split(","):
        k, _, v = w.partition("=")
        if k == "dl_vlan":
            tags = [[number(v), 0]]
        elif k == "dl_vlan_pcp":
            tags[0][1] = number(v)
        elif v:
            fields[re.sub("^(tcp|udp)_", "tp_", k)] = number(v)
    return fields, tags


def change(fields, what):
    """set(…) of the datapath: VALUE or VALUE/MASK for each of a header's fields."""
    header, _, body = what[4:-1].partition("(")
    for item in body.rstrip(")").split(","):
        k, _, v = item.partition("=")
        value, _, mask = v.partition("/")
        name = FIELD[header][k]
        keep = ~number(mask) if mask else 0
        fields[name] = fields.get(name, 0) & keep | number(value)


def sent(acts, words):
    """Each copy that leaves: port, tags, and what its fields have become.

    What goes up to a controller because its TTL is up is not: Shunt does that on its way there.
    Port 5, which is number 6 of both datapaths, has no carrier: Open vSwitch sends to it, Shunt
    does not."""
    fields, tags = parse(words)
    out = []
    for a in re.findall(r"\w+(?:\([^()]*(?:\([^()]*\))*[^()]*\))?", acts):
        if a.isdigit():
            out.append("%s %s %s" % (a, tags, sorted((k, hex(v)) for k, v in fields.items() if v)))
        elif a.startswith("set("):
            change(fields, a)
        elif a == "pop_vlan":
            tags = tags[1:]
        elif a.startswith("push_vlan"):
            v = dict(x.split("=") for x in a[10:-1].split(","))
            tags = [[int(v["vid"]), int(v["pcp"])]] + tags
        elif a != "drop" and not a.startswith("userspace"):
            out.append(a)
    return "\n".join(sorted(x for x in out if not x.startswith("6 ")))


def result(text, words):
    """What is sent, and the rules on the way."""
    m = re.search(r"^Datapath actions: (.*)", text, re.M)
    if not m:
        return text
    acts = sent(m.group(1), words)
    rules = [re.sub(r", cookie 0x\w+|(?<=vlan_tci=0x0000)/0x1fff", "", x)  # both: no tag
             for x in re.findall(r"^ *(\d+\. .*)", text, re.M)]
    return "\n".join([acts] + rules)


def both_load(r, flows):
    for s in both:
        s.ofctl("-O", "OpenFlow13", "del-flows", "br0").ok()
        s.ofctl("-O", "OpenFlow13", "del-groups", "br0").ok()
    for g in groups():
        same(both, "round %d: %s" % (r, g), lambda s: s.ofctl("-O", "OpenFlow13", "add-group",
                                                              "br0", g))
    for f in flows:
        same(both, "round %d: add-flow %s" % (r, f),
             lambda s: s.ofctl("-O", "OpenFlow13", "add-flow", "br0", f),
             lambda t: re.sub(r"(?s)\(OF1.3\).*", "", normalise(t)))


for r in range(rounds):
    flows = ["table=0,priority=0,actions=resubmit(,1)"] + [
        flow(rng.randrange(0, TABLES + 1), r % 3 == 0) for _ in range(25)]
    both_load(r, flows)
    for _ in range(25):
        p = packet()
        same(both, "round %d: trace %s" % (r, p),
             lambda s: s.appctl("ofproto/trace", "br0", p), lambda t: result(t, p))
    if failures:
        print("round %d had:\n%s" % (r, both[1].ofctl("-O", "OpenFlow13", "--no-stats", "dump-flows",
                                                      "br0").out +
                                     both[1].ofctl("-O", "OpenFlow13", "dump-groups", "br0").out))
        break
finish()
