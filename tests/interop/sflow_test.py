#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sFlow beside Open vSwitch: the same frames through the same rules, at rate 1, and tshark reads the same of what both tell their
collectors: the frame's length and what is stripped of it, the header, the ports, what becomes of the frame, the tags before and after."""
import random
import struct

from lab import *

enter("ovs-vsctl", "ovs-ofctl", "tshark")
SFLOW = os.path.join(HERE, "../system/sflow.py")
seed = int(os.environ.get("SHUNT_SEED", random.randrange(1 << 31)))
rng = random.Random(seed)
print("SHUNT_SEED=%d" % seed)
HEADER = 96
KEYS = ("sampling_rate", "header_protocol", "header_frame_length", "header_payload_stripped", "header_sampled_header_length",
        "input_interface", "output_interface", "output_interface_format", "output_interface_value", "vlan_in", "pri_in",
        "vlan_out", "pri_out")
RULES = """
priority=9,dl_dst=02:00:00:00:0a:01 actions=2
priority=9,dl_dst=02:00:00:00:0a:02 actions=drop
priority=9,dl_dst=02:00:00:00:0a:03 actions=2,3
priority=9,dl_dst=02:00:00:00:0a:04,vlan_tci=0 actions=mod_vlan_vid:7,mod_vlan_pcp:3,2
priority=9,dl_dst=02:00:00:00:0a:05,vlan_tci=0x1000/0x1000 actions=strip_vlan,3
priority=9,dl_dst=02:00:00:00:0a:06,vlan_tci=0x1000/0x1000 actions=mod_vlan_vid:9,3
"""


def source(i):
    return "02:00:00:00:09:%02x" % i


def frame(i, to, tagged, length):
    tag = struct.pack("!HH", 0x8100, rng.randrange(8) << 13 | rng.randrange(1, 4095)) if tagged else b""
    head = bytes((2, 0, 0, 0, 10, to)) + bytes((2, 0, 0, 0, 9, i)) + tag + struct.pack("!H", 0x88b5)
    return (head + rng.randbytes(length))[:length]


LENGTHS = (60, 61, HEADER - 1, HEADER, HEADER + 1, rng.randrange(60, 1514), 1514)
WAYS = ((1, False), (1, True), (2, False), (3, True), (4, False), (5, True), (6, True))  # rule, tagged
frames = [frame(i, *WAYS[i % len(WAYS)], LENGTHS[i // len(WAYS)]) for i in range(len(WAYS) * len(LENGTHS))]
both = pair(ports=3)
collectors = []
for s in both:
    s.ofctl("add-flows", "br0", "-", stdin=RULES.strip()).ok()
    s.names = {s.net.sh("ip -o link show dev p%d" % i).split(":")[0]: "p%d" % i for i in (1, 2, 3)}
    s.pcap = s.path("sflow.pcap")
    collectors.append(s.net.popen([sys.executable, SFLOW, "collect", "127.0.0.1", "6343", s.pcap]))
    check(wait_for(lambda: os.path.exists(s.pcap), 20 * PATIENCE), "%s: a collector listens" % s.name)
    s.vsctl("--id=@s", "create", "sFlow", "agent=127.0.0.1", 'targets="127.0.0.1:6343"', "sampling=1", "header=%d" % HEADER,
            "polling=0", "--", "set", "Bridge", "br0", "sflow=@s").ok()


def samples(s):
    """By the frame's source, all samples of it; ports by their names."""
    out = {}
    for text in run([sys.executable, SFLOW, "samples", s.pcap]).ok().splitlines():
        got = dict(word.split("=", 1) for word in text.split())
        for key in ("input_interface", "output_interface", "output_interface_value"):
            value = got.get(key, "")
            got[key] = s.names.get(str(int(value, 0)) if value else "", value)
        out.setdefault(got["eth_src"], []).append({k: got.get(k) for k in KEYS})
    return out


for s in both:
    host = s.net.socket("hp1")
    for f in frames:
        host.send(f)
    s.told = wait_for(lambda: (lambda x: x if len(x) == len(frames) else None)(samples(s)), 20 * PATIENCE, 0.5) or samples(s)
    equal({k: len(v) for k, v in s.told.items()}, {source(i): 1 for i in range(len(frames))}, "%s: a sample of each frame" % s.name)
for i, f in enumerate(frames):
    what = "frame %d of %d bytes by rule %d" % (i, len(f), f[5])
    mine, theirs = (s.told.get(source(i), [{}])[0] for s in both)
    equal(mine, theirs, what)
    equal((mine.get("header_frame_length"), mine.get("header_payload_stripped")), (str(len(f) + 4), "4"), what + ": with its FCS")
for c in collectors:
    c.kill()
    c.wait()
finish()
