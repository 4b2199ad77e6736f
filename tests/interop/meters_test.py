#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ovs-ofctl sets meters: Shunt says what Open vSwitch says, and counts each packet that goes through one."""
from lab import *

enter("ovs-ofctl", "ovs-vsctl")
both = pair(ports=4)
shunt = both[0]
O13 = ("-O", "OpenFlow13")


def ofctl(*args):
    return lambda s: s.ofctl(*O13, *args)


def sober(text):
    """Without what differs by nature: times, transaction numbers, the order of meters."""
    text = re.sub(r"\(xid=0x\w+\)", "", text)
    text = re.sub(r"duration[:=][0-9.]+s", "duration=D", text)
    blocks = re.findall(r"^meter[:=].*(?:\n(?:bands.*|type.*|\d+:.*|.*_count.*))*", text, re.M)
    rest = re.sub(r"^(meter[:=]|type|bands|\d+:).*\n?", "", text, flags=re.M)
    return rest.strip() + "\n" + "\n".join(sorted(blocks))


def compare(*args):
    same(both, " ".join(args), ofctl(*args), sober)


# What each can do differs; that it can drop by both rates does not.
got = shunt.ofctl(*O13, "meter-features", "br0").ok()
contains(got, r"max_meter:65536 max_bands:8 max_color:0", "Shunt's limits")
contains(got, r"band_types: drop", "Shunt's bands")
contains(got, r"capabilities: kbps pktps burst stats", "Shunt's capabilities")

STEPS = [
    ("add-meter", "br0", "meter=1,kbps,band=type=drop,rate=1000"),
    ("add-meter", "br0", "meter=2,pktps,burst,stats,band=type=drop,rate=100,burst_size=200"),
    ("add-meter", "br0", "meter=3,kbps,burst,band=type=drop,rate=5,burst_size=6,band=type=drop,rate=7,burst_size=8"),
    ("add-meter", "br0", "meter=4,kbps"),
    ("add-meter", "br0", "meter=1,kbps,band=type=drop,rate=1000"),
    ("dump-meters", "br0"),
    ("dump-meters", "br0", "meter=3"),
    ("dump-meters", "br0", "meter=77"),
    ("meter-stats", "br0", "meter=2"),
    ("meter-stats", "br0", "meter=77"),
    ("mod-meter", "br0", "meter=1,pktps,band=type=drop,rate=3"),
    ("mod-meter", "br0", "meter=77,pktps,band=type=drop,rate=3"),
    ("dump-meters", "br0", "meter=1"),
    ("add-meter", "br0", "meter=5,kbps,band=type=dscp_remark,rate=5,prec_level=1"),
    ("add-meter", "br0", "meter=6,kbps,band=type=drop,rate=0"),
    ("add-flow", "br0", "in_port=1,actions=meter:1,2"),
    ("add-flow", "br0", "in_port=2,actions=meter:1,goto_table:3"),
    ("add-flow", "br0", "in_port=3,actions=meter:2,1"),
    ("add-flow", "br0", "in_port=4,actions=meter:77,1"),
    ("dump-flows", "--no-stats", "br0"),
    ("meter-stats", "br0"),
    ("mod-flows", "br0", "in_port=1,actions=meter:3,2"),
    ("mod-flows", "br0", "in_port=1,actions=meter:78,2"),
    ("meter-stats", "br0"),
    ("del-meters", "br0", "meter=1"),
    ("del-meters", "br0", "meter=77"),
    ("dump-flows", "--no-stats", "br0"),
    ("dump-meters", "br0"),
    ("del-flows", "br0", "in_port=3"),
    ("meter-stats", "br0"),
    ("del-meters", "br0"),
    ("dump-flows", "--no-stats", "br0"),
    ("dump-meters", "br0"),
]
for step in STEPS:
    compare(*step)

# Counts: what was offered is what went through and what the bands dropped, whatever is done to the meter meanwhile.
shunt.ofctl(*O13, "add-meter", "br0", "meter=9,pktps,burst,stats,band=type=drop,rate=10,burst_size=20").ok()
shunt.ofctl(*O13, "add-flow", "br0", "in_port=1,actions=meter:9,output:2").ok()
FRAME = bytes.fromhex("000000000a02000000000a015000") + bytes(86)
sender = shunt.net.socket("hp1")
receiver = shunt.net.socket("hp2")


def stats():
    text = shunt.ofctl(*O13, "meter-stats", "br0", "meter=9").ok()
    m = re.search(r"packet_in_count:(\d+) byte_in_count:(\d+) .*\n.*packet_count:(\d+) byte_count:(\d+)", text)
    return tuple(map(int, m.groups())) if m else text


def offer(n):
    for _ in range(n):
        sender.send(FRAME)
    wait_for(lambda: stats()[0] >= offer.sent + n)
    offer.sent += n


offer.sent = 0
for change in (None, "meter=9,pktps,burst,stats,band=type=drop,rate=5,burst_size=7",
               "meter=9,kbps,band=type=drop,rate=8", "meter=9,kbps,stats,band=type=drop,rate=100000000"):
    if change:
        shunt.ofctl(*O13, "mod-meter", "br0", change).ok()
    offer(200)
arrived = receive(receiver).count(FRAME)
packets, size, dropped, dropped_bytes = stats()
equal(packets, 800, "packets that the meter saw")
equal(size, 800 * len(FRAME), "bytes that the meter saw")
equal(arrived + dropped, 800, "arrived and dropped")
equal(dropped_bytes, dropped * len(FRAME), "bytes that were dropped")
check(200 <= arrived <= 600, "a rate that is kept", arrived)
wait_for(lambda: "n_packets=800," in shunt.ofctl(*O13, "dump-flows", "br0", "in_port=1").ok())
shunt.ofctl(*O13, "del-meters", "br0").ok()
equal(shunt.ofctl(*O13, "dump-flows", "br0", "in_port=1").ok().count("n_packets"), 0, "flows without their meter")
finish()
