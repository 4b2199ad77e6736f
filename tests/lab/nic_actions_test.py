#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What nicsim does to frames is what the kernel's software does: two NICs get the same random rules, one in hardware only
(skip_sw), the other in software only (skip_hw), and the same random frames; what leaves at each port must be equal, byte for byte
and in number, and so must be the packets that the rules count.

The seed is printed; SHUNT_SEED=N runs one again, ROUNDS=N more or fewer of them."""
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from frames import ARP, IP4, IP6, MPLS, TCP, UDP, Frame, Port, settle  # noqa: E402

CONTROL = "/sys/kernel/debug/nicsim/control"
PROTOCOL = {IP4: "ip", IP6: "ipv6", ARP: "arp", MPLS: "mpls_uc", 0x8100: "802.1Q", 0x88A8: "802.1ad"}
IP_PROTO = {TCP: "tcp", UDP: "udp", 132: "sctp"}


def batch(lines):
    run = subprocess.run(["tc", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
    if run.returncode:
        sys.exit(f"tc: {run.stderr}\n" + "\n".join(lines))


def some(rng, words):
    """Each of the lists of words with an even chance."""
    return [w for group in words if rng.random() < 0.5 for w in group]


def match_ip(f, rng):
    words = some(rng, [["ip_tos", f"{f.tos:#x}/0xff"], ["ip_ttl", str(f.ttl)],
                       ["src_ip", str(f.address(f.src))], ["dst_ip", f"{f.address(f.dst)}/{'30' if f.type == IP4 else '126'}"]])
    if f.frag is not None:
        return words + some(rng, [["ip_flags", "frag/" + ("firstfrag" if f.frag == 0 else "nofirstfrag")]])
    words += ["ip_flags", "nofrag"]  # software does not mend the checksum in a first fragment, the NIC does
    if f.proto not in IP_PROTO:
        kind = "icmp" if f.type == IP4 else "icmpv6"
        value = f.icmp if f.type == IP4 else 128 + (f.icmp == 0)
        return words + ["ip_proto", kind] + some(rng, [["type", str(value)]])
    words += ["ip_proto", IP_PROTO[f.proto]] + some(rng, [["src_port", str(f.sport)], ["dst_port", f"{f.dport}/0xfffc"]])
    return words + (some(rng, [["tcp_flags", f"{f.flags:#x}/0x1f"]]) if f.proto == TCP else [])


def match_tags(f, rng):
    """VLAN tags as flower has them: the outer type is the protocol, each tag names the type after it."""
    types = [t[0] for t in f.tags] + [f.type]
    words = []
    for (_, vid, prio), c, after in zip(f.tags, ["", "c"], types[1:]):
        words += some(rng, [[f"{c}vlan_id", str(vid)], [f"{c}vlan_prio", str(prio)]])
        words += [f"{c}vlan_ethtype", PROTOCOL[after]]
    return words


def match(f, rng):
    words = some(rng, [["dst_mac", f.dmac.hex(":")], ["src_mac", f.smac.hex(":") + "/ff:ff:ff:ff:ff:fc"]])
    words += match_tags(f, rng)
    if f.type in (IP4, IP6):
        words += match_ip(f, rng)
    elif f.type == ARP:
        words += some(rng, [["arp_op", "request"], ["arp_sip", str(f.address(f.src))], ["arp_sha", f.smac.hex(":")]])
    else:
        label, tc, ttl = f.labels[0]
        words += some(rng, [["mpls_label", str(label)], ["mpls_tc", str(tc)], ["mpls_ttl", str(ttl)],
                            ["mpls_bos", str(int(len(f.labels) == 1))]])
    return words


def pedit(f, rng):
    """Rewrites what the frame has, and the checksums with it, which the NIC would do anyway."""
    choices = ["eth dst set 02:aa:bb:cc:dd:ee", "eth src set 02:aa:bb:cc:dd:ef"]
    sums = []
    if f.type in (IP4, IP6):
        v, new = ("ip", "10.9.8.7") if f.type == IP4 else ("ip6", "fd99::1234")
        choices += [f"{v} src set {new}", f"{v} dst set {new}"]
        choices += ["ip ttl set 7", "ip tos set 0x30", "ip ttl add 255"] if f.type == IP4 else ["ip6 hoplimit set 7", "ip6 hoplimit add 255"]
        sums = ["ip4h"] if f.type == IP4 else []
        if f.frag is None and f.proto in (TCP, UDP):
            l4 = IP_PROTO[f.proto]
            choices += [f"{l4} sport set 4321", f"{l4} dport set 4322"]
            sums.append(l4)
        elif f.frag is None and f.type == IP6 and f.proto not in IP_PROTO:
            sums.append("icmp")
    if f.frag is not None:
        choices = choices[:2]
    words = ["action", "pedit", "ex"]
    for munge in rng.sample(choices, rng.randrange(1, min(4, len(choices)) + 1)):
        words += ["munge"] + munge.split()
    words += ["pipe"]
    return words + (["action", "csum", *" and ".join(sums).split(), "pipe"] if sums else [])


def edit(f, rng):
    if f.tags:
        vlan = rng.choice([["pop"], ["modify", "id", "77"]])
    else:
        vlan = ["push", "id", "78", "protocol", rng.choice(["802.1Q", "802.1ad"]), "priority", "4"]
    choices = [["action", "vlan", *vlan, "pipe"], pedit(f, rng) if not f.tags else []]
    if f.type == MPLS and not f.tags:
        mpls = [["modify", "label", "99"], ["modify", "ttl", "9"], ["push", "label", "98"]]
        choices.append(["action", "mpls", *rng.choice(mpls), "pipe"])
    elif f.type == MPLS:
        choices = choices[:1]
    elif not f.tags:
        choices.append(["action", "mpls", "push", "label", "97", "tc", "3", "ttl", "20", "pipe"])
    return rng.choice(choices)


def actions(f, rng, nic, chain):
    words = edit(f, rng) if rng.random() < 0.8 else []
    if rng.random() < 0.3:
        words = ["action", "mirred", "egress", "mirror", "dev", nic, "pipe"] + words
    end = rng.choice(["redirect", "redirect", "drop", "goto"])
    if end == "goto":
        return words + ["action", "goto", "chain", str(chain + 1)]
    if end == "drop":
        return words + ["action", "drop"]
    return words + ["action", "mirred", "egress", "redirect", "dev", f"{nic}r1"]


def rules(frames, seed, nic, where):
    """The same for the same seed, but for the NIC's name and where they are."""
    rng = random.Random(seed)
    lines = []
    for prio, f in enumerate(rng.sample(frames, 8), 1):
        protocol = PROTOCOL[f.tags[0][0] if f.tags else f.type]
        lines.append(" ".join(["filter add dev", f"{nic}r0", "ingress prio", str(prio), "protocol", protocol, "flower",
                               where, *match(f, rng), *actions(f, rng, nic, 0)]))
    # What a goto leads to: everything leaves at one port or the other.
    lines += [f"filter add dev {nic}r0 ingress chain 1 prio 1 protocol all flower {where} dst_mac 02:00:00:00:00:02 "
              f"action mirred egress mirror dev {nic} pipe action mirred egress redirect dev {nic}r1",
              f"filter add dev {nic}r0 ingress chain 1 prio 2 protocol all flower {where} action mirred egress redirect dev {nic}"]
    return lines


def counted(nic):
    """By the last action: that of mpls, for one, is not told what the hardware counts (act_mpls.c)."""
    out = subprocess.run(["tc", "-s", "-j", "filter", "show", "dev", f"{nic}r0", "ingress"], check=True, capture_output=True, text=True)
    return [(f["chain"], f["pref"], f["options"]["actions"][-1]["stats"]["packets"])
            for f in json.loads(out.stdout) if "options" in f and "actions" in f["options"]]


def differ(hard, soft):
    return next((i for i, (h, s) in enumerate(zip(hard, soft)) if h != s), min(len(hard), len(soft)))


def one_round(seed, ports):
    rng = random.Random(seed)
    frames = [Frame(rng) for _ in range(40)]
    hard, soft = rules(frames, seed, "h", "skip_sw"), rules(frames, seed, "s", "skip_hw")
    batch(hard + soft)
    for f in frames:
        ports["hv0"].send(f)
        ports["sv0"].send(f)
    got = settle([ports[n] for n in ("hv1", "hw", "sv1", "sw")])
    for end in ("v1", "w"):
        h, s = got["h" + end], got["s" + end]
        if h != s:
            i = differ(h, s)
            show = [x[i].hex() if i < len(x) else "(none)" for x in (h, s)]
            sys.exit(f"seed {seed}: frame {i} of {len(h)} and {len(s)} at {end} differs\n  NIC      {show[0]}\n"
                     f"  software {show[1]}\n" + "\n".join(hard))
    if counted("h") != counted("s"):
        sys.exit(f"seed {seed}: counted {counted('h')} in the NIC, {counted('s')} in software\n" + "\n".join(hard))
    batch([f"filter del dev {nic}r0 ingress chain {chain}" for nic in "hs" for chain in (0, 1)])
    return sum(len(g) for g in got.values())


def main():
    if not os.path.exists(CONTROL):
        print("skipped: the module nicsim is not loaded: make check-nic")
        sys.exit(77)
    seed = int(os.environ.get("SHUNT_SEED", random.SystemRandom().randrange(1 << 30)))
    rounds = int(os.environ.get("ROUNDS", 30))
    subprocess.run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1", shell=True, check=True)
    for nic in "hs":
        with open(CONTROL, "w", encoding="ascii") as f:
            f.write(f"add {nic} ports=2 table=1000")
    names = [f"{nic}{end}" for nic in "hs" for end in ("", "w", "r0", "r1", "v0", "v1")]
    subprocess.run(["ip", "-batch", "-"], input="".join(f"link set dev {n} up\n" for n in names), text=True, check=True)
    batch([f"qdisc add dev {nic}r0 ingress" for nic in "hs"])
    ports = {n: Port(n) for n in names if n[1:] in ("w", "v0", "v1")}
    print(f"seed {seed}", flush=True)
    total = sum(one_round(seed + i, ports) for i in range(rounds))
    print(f"{rounds} rounds, {total} frames compared")


main()
