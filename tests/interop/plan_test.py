#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `shuntctl offload plan` makes of real dumps.  Open vSwitch's flows, from a file and from the
running switch: every line is read, sums are its own, and each reason has the flows that it must
have.  And Shunt's own, with the NIC of the profile at its ports: the plan is what was placed."""
import collections
import json

from lab import *

enter("ovs-appctl", "ovs-ofctl", "ovs-vsctl")
SHUNTCTL = os.environ.get("SHUNTCTL", os.path.abspath("tools/shuntctl"))
A, B = "02:00:00:00:01:11", "02:00:00:00:01:22"
both = pair(ports=4)
shunt, ovs = both

TABLE = """
in_port=1,udp,tp_dst=1,actions=2
in_port=1,udp,tp_dst=2,actions=mod_vlan_vid:9,2,3
in_port=1,udp,tp_dst=3,actions=11
in_port=1,udp,tp_dst=4,actions=ct(table=1,zone=5)
in_port=1,udp,tp_dst=5,actions=mod_nw_ttl:9,mod_dl_dst:02:00:00:00:00:09,2
in_port=1,udp,tp_dst=6,actions=controller
in_port=1,udp,tp_dst=7,actions=push_mpls:0x8847,2
in_port=1,udp,tp_dst=8,actions=set_field:10.0.0.9->tun_dst,set_field:9->tun_id,12
in_port=1,udp,tp_dst=9,actions=check_pkt_larger(100)->NXM_NX_REG0[0],resubmit(,2)
in_port=1,udp,tp_dst=10,actions=clone(mod_nw_tos:4,3),2
in_port=1,udp,tp_dst=12,actions=output(port=2,max_len=100)
in_port=1,udp,tp_dst=13,actions=ct(commit,zone=7,nat(src=10.9.9.1-10.9.9.9:1000-2000),exec(set_field:1->ct_mark)),2
in_port=1,tcp,tp_dst=80,tcp_flags=+syn-ack,actions=2
in_port=1,tcp,actions=3
in_port=1,arp,actions=2,3,4
in_port=1,icmp,actions=drop
in_port=1,ipv6,actions=4
in_port=1,dl_vlan=7,actions=strip_vlan,2
in_port=1,dl_type=0x9999,actions=local
table=1,udp,actions=2
table=2,reg0=1,actions=2
table=2,reg0=0,actions=3
""".strip()


def frames():
    """(frame, how many) of each kind, told apart by their number."""
    for port in range(1, 14):
        yield eth(B, A, 0x800, udp4("10.0.0.1", "10.0.0.2", 1000, port, b"x" * 60)), port
    yield eth(B, A, 0x800, tcp4("10.0.0.1", "10.0.0.2", 1000, 80, 2)), 5
    yield eth(B, A, 0x800, tcp4("10.0.0.1", "10.0.0.2", 1000, 81, 0x18)), 6
    yield eth(B, A, 0x800, ipv4("10.0.0.1", "10.0.0.2", 1, b"\x08\0\0\0aaaa")), 7
    yield eth("ff:ff:ff:ff:ff:ff", A, 0x806, bytes.fromhex("0001080006040001") + mac(A) +
              b"\n\0\0\1" + b"\0" * 6 + b"\n\0\0\2"), 8
    yield eth(B, A, 0x9999, b"x" * 50), 9
    yield eth(B, A, 0x800, udp4("10.0.0.1", "10.0.0.2", 1000, 99), vlan=7), 4
    yield eth(B, A, 0x86dd, bytes.fromhex("6000000000083a40") + b"\xfe\x80" + b"\0" * 13 + b"\1" +
              b"\xfe\x80" + b"\0" * 13 + b"\2" + b"\x87" + b"\0" * 31), 3


def traffic(s, times=1):
    sock = s.net.socket("hp1")
    for frame, n in frames():
        for _ in range(n * times):
            sock.send(frame)
            time.sleep(0.001)
    sock.close()


def plan(s, *args):
    r = s.net.run([SHUNTCTL, "offload", "plan", "--json"] + list(args), env=s.env)
    return json.loads(r.ok() or "{}")


def reasons(p):
    """{what stays out: how many flows}"""
    return {" ".join(x for x in (r["reason"], r["field"], r["action"], r["word"]) if x): r["flows"]
            for r in p["reasons"]}


def set_up(s, offload):
    # No flow leaves while it is looked at, on a busy machine either.
    s.vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=60000").ok()
    for name, number, options in (("v1", 11, ("remote_ip=10.1.1.1", "key=5")),
                                  ("v2", 12, ("remote_ip=flow", "key=flow"))):
        s.vsctl("add-port", "br0", name, "--", "set", "Interface", name, "type=vxlan",
                "ofport_request=%d" % number, *["options:" + o for o in options]).ok()
    if offload:
        s.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true").ok()
        for i in range(1, 5):
            s.vsctl("set", "Interface", "p%d" % i, "other_config:offload=" + offload).ok()
    with open(s.path("flows"), "w") as f:
        f.write(TABLE)
    s.ofctl("add-flows", "br0", s.path("flows")).ok()


# --- Open vSwitch ---
set_up(ovs, None)
ovs.appctl("dpif/set-dp-features", "br0", "tnl_push_pop", "false").ok()
traffic(ovs)
want = sum(n for _, n in frames())
wait_for(lambda: sum(map(int, re.findall(r"packets:(\d+)", ovs.appctl(
    "dpctl/dump-flows").out))) >= want / 2, 10)
for args in (("-m",), ()):
    dump = ovs.appctl("dpctl/dump-flows", *args).ok()
    with open(ovs.path("dump"), "w") as f:
        f.write(dump)
    flows = [x for x in dump.splitlines() if "actions:" in x]
    what = "dump-flows %s: " % " ".join(args)
    for profile in ("generic", "cx6dx", "e810", "small2k"):
        p = plan(ovs, "--profile", profile, "--flows", ovs.path("dump"))
        equal(p["unreadable"], {"lines": 0, "shown": []}, what + "every line is read")
        equal(p["total"]["flows"], len(flows), what + "every flow is in it")
        for unit in ("packets", "bytes"):
            equal(p["total"][unit], sum(map(int, re.findall(unit + r":(\d+)", dump))),
                  what + unit + " are all there")
        equal(p["fits"]["flows"] + sum(r["flows"] for r in p["reasons"]), len(flows),
              what + profile + ": each flow fits or has a reason")
        equal([r["packets"] for r in p["reasons"]],
              sorted((r["packets"] for r in p["reasons"]), reverse=True),
              what + "the costliest come first")
        for r in p["reasons"]:
            place = int(r["example"]["place"].rsplit(":", 1)[1])
            check(r["example"]["actions"] in dump.splitlines()[place - 1],
                  what + "an example stands where it is said to", r["example"])
    if args:
        p = plan(ovs, "--profile", "generic", ovs.path("dump"), "--ports=p1,p2,p3,p4")
        got = reasons(p)
        for key in ("action ct", "action check_pkt_len", "slow_path userspace"):
            check(key in got, "generic: %s is a reason" % key, got)
        # The Ethertype without a header is output to br0, which is not on the NIC.
        check("out_device output" in got, "generic: what leaves by another port stays out", got)
        got = reasons(plan(ovs, "--profile", "small2k", ovs.path("dump")))
        check("field tcp_flags" in got, "small2k: TCP flags stay out", got)

target = wait_for(lambda: [x for x in os.listdir(ovs.dir) if x.startswith("ovs-vswitchd") and
                           x.endswith(".ctl")])[0]
sender = ThreadPoolExecutor(1).submit(traffic, ovs, 12)
p = plan(ovs, "--profile", "generic", "--live", "--seconds=2", "--target", ovs.path(target))
check(p["total"]["pps"] > 10 and p["hardware"]["pps"] > 5, "a running Open vSwitch has rates",
      p["total"])
check(p["hardware"]["pps"] <= p["total"]["pps"], "of which hardware's are a part", p)
sender.result()

# --- Shunt ---
set_up(shunt, "sim:generic")
traffic(shunt)


def listed():
    """{reason, or "ok" in hardware: how many flows}, once none is on its way."""
    r = shunt.net.run([SHUNTCTL, "offload", "flows", "--json", "--target",
                       shunt.path("shuntd.ctl")], env=shunt.env)
    n = collections.Counter(f["state"] if f["state"] == "hardware" else f["reason"]
                            for f in json.loads(r.ok()))
    return n if n and not n.keys() & {"pending", "ok"} else None


live = wait_for(listed, 10 * PATIENCE)
# By name, as the switch found its device to be, and by what it says of that, in a file.
told = shunt.net.run([SHUNTCTL, "offload", "profile", "sim:generic", "--target", shunt.path("shuntd.ctl")], env=shunt.env)
with open(shunt.path("told.conf"), "w") as f:
    f.write(told.ok())
for nic in (["--profile", "generic"], ["--device", "sim:generic"], ["--profile", shunt.path("told.conf")]):
    p = plan(shunt, *nic, "--live", "--seconds=0.2", "--target", shunt.path("shuntd.ctl"))
    planned = collections.Counter()
    for r in p["reasons"]:
        planned[r["reason"]] += r["flows"]
    planned["hardware"] = p["hardware"]["flows"]
    equal(p["unreadable"]["lines"], 0, "Shunt's own dump is read")
    equal(dict(planned), dict(live), "the plan is what was placed: " + " ".join(nic))
check(live["hardware"] >= 5 and len(live) >= 4, "with flows in and out of hardware", live)
equal(p["offloaded"]["flows"], p["hardware"]["flows"], "and what is offloaded says so")

# --- what is wrong ---
for args, status, words in (
        (["--flows", ovs.path("dump")], 2, "which NIC"),
        (["--profile", "generic"], 2, "which flows"),
        (["--profile", "generic", "--device", "sim:generic", "--live"], 2, "not both"),
        (["--device", "sim:nosuch", "--live", "--target", shunt.path("shuntd.ctl")], 1, "sim:nosuch"),
        (["--profile", "nosuch", ovs.path("dump")], 2, "cx6dx, e810, generic, small2k"),
        (["--profile", "generic", "--live", ovs.path("dump")], 2, "not from both"),
        (["--profile", "generic", "/nosuch"], 1, "/nosuch")):
    r = shunt.net.run([SHUNTCTL, "offload", "plan"] + args, env=shunt.env)
    equal(r.rc, status, "status of " + " ".join(args[:2]))
    contains(r.err, re.escape(words), "and its words")
finish()
