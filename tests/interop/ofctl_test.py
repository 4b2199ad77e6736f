#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ovs-ofctl beyond flows: the switch, ports, tables, groups, queues, packet-out, monitor, snoop."""
from lab import *

enter("ovs-ofctl", "ovs-vsctl")
both = pair(ports=4)
shunt = both[0]
PROTOCOLS = ("OpenFlow10", "OpenFlow13")


def ask(proto, *args, **kw):
    return lambda s: s.ofctl("-O", proto, *args, **kw)


def ports(text):
    """Speeds beyond the present one, and how long a port has been there, are the device's to say."""
    text = re.sub(r", \d+ Mbps max", "", normalise(text))
    return re.sub(r"duration=[0-9.]+s", "duration=D", text)


def counters(text):
    """Open vSwitch asks the kernel's device where Shunt counts itself."""
    return re.sub(r"(?:frame|over|crc|coll|errs)=[0-9?]+", "N", ports(text))


for proto in PROTOCOLS:
    same(both, proto + " show", ask(proto, "show", "br0"), ports)
    same(both, proto + " dump-ports-desc", ask(proto, "dump-ports-desc", "br0"), ports)
    same(both, proto + " dump-ports-desc p2", ask(proto, "dump-ports-desc", "br0", "p2"), ports)
    same(both, proto + " dump-tables", ask(proto, "dump-tables", "br0"))
    same(both, proto + " get-frags", ask(proto, "get-frags", "br0"))
    same(both, proto + " set-frags", ask(proto, "set-frags", "br0", "drop"))
    same(both, proto + " get-frags, set", ask(proto, "get-frags", "br0"))
    same(both, proto + " set-frags reassemble", ask(proto, "set-frags", "br0", "reassemble"))
    same(both, proto + " set-frags nx-match", ask(proto, "set-frags", "br0", "nx-match"))
    same(both, proto + " probe", ask(proto, "probe", "br0"))
    same(both, proto + " ping", ask(proto, "ping", "br0", "100"),
         lambda t: re.sub(r"[0-9.]+ ms", "T ms", normalise(t)))
    for args in ((), ("ALL",), ("1",), ("ALL", "5"), ("77",)):
        same(both, "%s queue-stats %s" % (proto, " ".join(args)),
             ask(proto, "queue-stats", "br0", *args))
    same(both, proto + " queue-get-config", ask(proto, "queue-get-config", "br0", "1"))
    same(both, proto + " dump-ports unknown", ask(proto, "dump-ports", "br0", "77"))
    same(both, proto + " mod-port unknown", ask(proto, "mod-port", "br0", "77", "down"))
    desc = shunt.ofctl("-O", proto, "dump-desc", "br0").ok()
    contains(desc, r"Manufacturer: \S.*\nHardware: .*\nSoftware: .*\nSerial Num: None\n"
             r"DP Description: br0", proto + " dump-desc")
    for flag in ("no-flood", "flood", "no-forward", "forward", "no-packet-in", "packet-in",
                 "no-receive", "receive", "down", "up"):
        same(both, "%s mod-port %s" % (proto, flag), ask(proto, "mod-port", "br0", "p3", flag))
        same(both, "%s show after %s" % (proto, flag),
             lambda s: ports(s.ofctl("-O", proto, "show", "br0").out))
same(both, "dump-table-features", ask("OpenFlow13", "dump-table-features", "br0"),
     lambda t: re.sub(r'\n(?s:.*)', "", t))
features = shunt.ofctl("-O", "OpenFlow13", "dump-table-features", "br0").ok()
for line in (r"arbitrary mask: .*\bmetadata\b.* eth_\{src,dst\}.* ip_\{src,dst\}",
             r"exact match or wildcard: .*\beth_type\b.* nw_\{proto,"):
    contains(features, line, "dump-table-features: how fields are matched")
check("must exact match" not in features, "dump-table-features: every field may be left out")
same(both, "dump-group-features", ask("OpenFlow13", "dump-group-features", "br0"),
     lambda t: "\n".join(x for x in normalise(t).splitlines()
                         if not re.search("actions|max_groups|Capabilities", x)))
same(both, "a bridge that is not there", ask("OpenFlow10", "show", "br77"))
same(both, "a version that is not spoken",
     lambda s: s.ofctl("-O", "OpenFlow10", "dump-groups", "br0").err.split("\n")[0])

# Groups.
GROUPS = [
    "group_id=1,type=all,bucket=output:1,bucket=output:2",
    "group_id=2,type=select,bucket=weight:10,output:1,bucket=weight:5,set_field:1.1.1.1->ip_dst,"
    "output:2",
    "group_id=3,type=indirect,bucket=output:3",
    "group_id=4,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2",
    "group_id=5,type=all",
    "group_id=6,type=ff,bucket=watch_group:4,group:4,bucket=watch_port:p3,output:3",
    "group_id=7,type=select,bucket=output:LOCAL",
]
for g in GROUPS:
    same(both, "add-group " + g, ask("OpenFlow13", "add-group", "br0", g))
same(both, "dump-groups", ask("OpenFlow13", "dump-groups", "br0"),
     lambda t: "\n".join(sorted(normalise(t).splitlines())))
for proto in ("OpenFlow13",):
    # Shunt counts the groups that forward to a group, as the specification has it.
    same(both, "dump-group-stats", ask(proto, "dump-group-stats", "br0"),
         lambda t: re.sub("ref_count=1", "ref_count=0",
                          "\n".join(sorted(normalise(t).splitlines()))))
    same(both, "dump-group-stats 1", ask(proto, "dump-group-stats", "br0", "group_id=1"))
    same(both, "dump-group-stats 99", ask(proto, "dump-group-stats", "br0", "group_id=99"))
BAD_GROUPS = [
    ("add-group", "group_id=1,type=all,bucket=output:1"),
    ("mod-group", "group_id=99,type=all,bucket=output:1"),
    ("mod-group", "group_id=1,type=select,bucket=output:4"),
    ("--may-create mod-group", "group_id=98,type=all,bucket=output:1"),
    ("add-group", "group_id=20,type=ff,bucket=output:1"),
    ("add-group", "group_id=21,type=indirect,bucket=output:1,bucket=output:2"),
    ("add-group", "group_id=22,type=indirect"),
    ("del-groups", "group_id=77"),
    ("add-group", "group_id=4294967040,type=all,bucket=1"),
]
for cmd, g in BAD_GROUPS:
    same(both, "%s %s" % (cmd, g), ask("OpenFlow13", *cmd.split(), "br0", g))
# Open vSwitch takes these and drops the packets.
for g, e in (("group_id=23,type=all,bucket=group:23", "OFPGMFC_LOOP"),
             ("group_id=24,type=all,bucket=group:9999", "OFPBAC_BAD_OUT_GROUP")):
    contains(shunt.ofctl("-O", "OpenFlow13", "add-group", "br0", g).err, e, "add-group " + g)
same(both, "groups after that", ask("OpenFlow13", "dump-groups", "br0"),
     lambda t: "\n".join(sorted(normalise(t).splitlines())))
same(both, "a flow to a group", ask("OpenFlow13", "add-flow", "br0", "in_port=1,actions=group:1"))
same(both, "its number of references", ask("OpenFlow13", "dump-group-stats", "br0", "group_id=1"))
same(both, "del-groups of one in use", ask("OpenFlow13", "del-groups", "br0", "group_id=1"))
same(both, "the flow went with it", ask("OpenFlow13", "dump-flows", "br0"))
same(both, "groups from a file", lambda s: s.ofctl(
    "-O", "OpenFlow13", "add-groups", "br0", "-",
    stdin="group_id=50,type=all,bucket=1\ngroup_id=51,type=select,bucket=2\n"))
same(both, "del-groups", ask("OpenFlow13", "del-groups", "br0"))
same(both, "no group is left", ask("OpenFlow13", "dump-groups", "br0"))

# Packets out, and what comes out of ports.
FRAME = eth("02:00:00:00:00:aa", "02:00:00:00:00:bb", 0x800,
            udp4("10.0.0.1", "10.0.0.2", 1000, 2000))
OUT = [
    ("OpenFlow10", "in_port=LOCAL actions=output:1"),
    ("OpenFlow13", "in_port=CONTROLLER actions=output:2"),
    ("OpenFlow13", "in_port=1 actions=set_field:3.3.3.3->ip_src,output:2"),
    ("OpenFlow10", "in_port=1 actions=mod_dl_src:00:00:00:00:00:05,all"),
    ("OpenFlow10", "in_port=1 actions=in_port"),
    ("OpenFlow10", "in_port=2 actions=output:2"),
    ("OpenFlow13", "in_port=3 actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:1"),
    ("OpenFlow13", "in_port=3 actions=table"),
    ("OpenFlow13", "in_port=99 actions=output:1"),
    ("OpenFlow13", "in_port=1 actions=output:99"),
    ("OpenFlow13", "in_port=1 actions=group:9"),
]
for s in both:
    s.socks = {i: s.net.socket("hp%d" % i) for i in range(1, 5)}
    s.ofctl("add-flow", "br0", "in_port=3,actions=dec_ttl,output:4")


def send_out(s, proto, what):
    for k in s.socks.values():
        receive(k, 0)
    r = s.ofctl("-O", proto, "packet-out", "br0", "packet=%s %s" % (FRAME.hex(), what))
    time.sleep(0.1)
    got = ["hp%d: %s" % (i, x.hex()) for i, k in s.socks.items()
           for x in receive(k, 0.15) if x[12:14] != b"\x86\xdd"]
    return "status %d\n%s%s" % (r.rc, r.err, "\n".join(got))


for proto, what in OUT:
    same(both, "%s packet-out %s" % (proto, what), lambda s: send_out(s, proto, what))


# monitor prints packet-ins until it is told to exit.
def monitor(s, args, act, seconds=1.0):
    log = s.path("monitor.log")
    for name in ("monitor.log", "monitor.ctl"):
        if os.path.exists(s.path(name)):
            os.unlink(s.path(name))
    out = open(log, "w")
    p = s.net.popen(["ovs-ofctl", "--unixctl=" + s.path("monitor.ctl")] + args, env=s.env,
                    stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(s.path("monitor.ctl")))
    time.sleep(0.4)
    act(s)
    time.sleep(seconds)
    p.terminate()
    p.wait()
    with open(log) as f:
        return f.read()


def frame_in(port, frame):
    return lambda s: s.socks[port].send(frame)


def miss(s):
    s.socks[2].send(FRAME)


def low_ttl(s):
    s.socks[3].send(eth("02:00:00:00:00:aa", "02:00:00:00:00:bb", 0x800,
                        udp4("10.0.0.1", "10.0.0.2", 1000, 2000, ttl=1)))


def two_tables(s):
    s.socks[4].send(FRAME)


for s in both:
    s.ofctl("add-flow", "br0", "in_port=1,cookie=0x77,actions=controller:32")
    s.ofctl("add-flow", "br0", "in_port=4,cookie=0x78,actions=load:5->NXM_NX_REG0[],"
            "load:7->OXM_OF_METADATA[],resubmit(,9)")
    s.ofctl("add-flow", "br0", "table=9,cookie=0x79,reg0=5,actions=controller(reason=no_match)")
    s.ofctl("add-flow", "br0", "table=9,cookie=0x80,priority=0,actions=controller(id=5)")


def pins(text):
    text = re.sub(r"^\d{4}-\S+Z\|.*\n", "", text, flags=re.M)
    text = re.sub(r"OFPT_GET_CONFIG.*\n|OFPT_SET_CONFIG.*\n|OFPT_BARRIER.*\n", "", text)
    return "\n".join(x.rstrip() for x in normalise(text).splitlines())


CASES = [
    (["monitor", "br0", "65534"], frame_in(1, FRAME), "action"),
    (["monitor", "br0", "65534"], miss, "no_match"),
    (["monitor", "br0", "65534", "invalid_ttl"], low_ttl, "invalid_ttl"),
    (["monitor", "br0", "65534", "-P", "nxt_packet_in"], two_tables, "nxt_packet_in"),
    (["monitor", "br0", "65534", "-P", "nxt_packet_in2"], two_tables, "nxt_packet_in2"),
    (["-O", "OpenFlow13", "monitor", "br0", "65534"], frame_in(1, FRAME), "1.3 action"),
    (["-O", "OpenFlow13", "monitor", "br0", "65534"], miss, "1.3 without a miss entry"),
    (["-O", "OpenFlow13", "monitor", "br0", "65534"], two_tables, "1.3 registers"),
    (["-O", "OpenFlow13", "monitor", "br0", "65534", "invalid_ttl"], low_ttl, "1.3 invalid_ttl"),
    (["-O", "OpenFlow13", "-P", "nxt_packet_in2", "monitor", "br0", "64"], two_tables,
     "1.3 packet_in2"),
]
for args, act, name in CASES:
    same(both, "monitor: " + name, lambda s: monitor(s, args, act), pins)


# Asynchronous messages that are no packets.
def link_down(s):
    s.net.sh("ip link set p4 down")
    time.sleep(0.3)
    s.net.sh("ip link set p4 up")
    time.sleep(0.3)


def flow_goes(s):
    s.ofctl("add-flow", "br0", "table=20,cookie=0x5,send_flow_rem,idle_timeout=9,ip,actions=1")
    s.ofctl("--strict", "del-flows", "br0", "table=20,ip")
    s.ofctl("add-flow", "br0", "table=20,cookie=0x6,send_flow_rem,hard_timeout=1,ip,actions=1")


def statuses(text):
    seen = [x for x in ports(pins(text)).splitlines() if "FLOW_REMOVED" in x]
    return "\n".join(re.sub(r"duration\S+", "duration", x) for x in seen)


def port_states(text):
    """State by state; how many messages there are on the way is a matter of timing, and so is
    whether Open vSwitch tells of a port that is up and not live yet."""
    seen = re.findall(r"STATUS.*: (\S+): (\d+\(\S+\)).*\n +config: +(.*)\n +state: +(.*)", text)
    if "OF1.3" in text:
        seen = [x for x in seen if x[3] != "0"]
    return "\n".join(" ".join(x) for i, x in enumerate(seen) if not i or seen[i - 1] != x)


for proto in PROTOCOLS:
    same(both, proto + " monitor: port status", lambda s: monitor(
        s, ["-O", proto, "monitor", "br0", "64"], link_down, 0.5), port_states)
    same(both, proto + " monitor: flow removed", lambda s: monitor(
        s, ["-O", proto, "monitor", "br0", "64"], flow_goes, 3), statuses)


# snoop shows what a controller and the switch say to each other.
def controller_says(s):
    time.sleep(2.5)


for s in both:
    s.net.sh("true")
    s.listener = socket.socket(socket.AF_UNIX)
    s.listener.bind(s.path("controller"))
    s.listener.listen(4)
    s.vsctl("set-controller", "br0", "unix:" + s.path("controller"), "--", "set", "controller",
            "br0", "inactivity_probe=1000").ok()
    s.listener.settimeout(10)
    s.conn, _ = s.listener.accept()
    s.conn.sendall(struct.pack("!BBHI", 1, 0, 8, 1) + struct.pack("!BBHI", 1, 5, 8, 2))


def talk(s):
    s.conn.sendall(struct.pack("!BBHI", 1, 2, 12, 3) + b"abcd")
    time.sleep(0.3)


for s in both:
    text = monitor(s, ["snoop", "br0"], talk)
    contains(text, r"OFPT_ECHO_REQUEST \(xid=0x3\): 4 bytes of payload", s.kind + " snoop: request")
    contains(text, r"OFPT_ECHO_REPLY \(xid=0x3\): 4 bytes of payload", s.kind + " snoop: reply")
finish()
