#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tunnel ports beside Open vSwitch: the same options give the same ports, the same tables the same
outer headers, and a packet out of a tunnel is in the same port.

Open vSwitch's user space datapath would make the outer header in its actions; it is told not to, so
that both say set(tunnel(…))."""
from lab import *

enter("ovs-appctl", "ovs-ofctl", "ovs-vsctl")
both = pair(ports=2)
shunt, ovs = both


def ctl(*args):
    return lambda s: s.appctl(*args)


TUNNELS = {
    "v1": "remote_ip=1.1.1.1 key=5",
    "v2": "remote_ip=flow key=flow",
    "v3": "remote_ip=1.1.1.2 local_ip=2.2.2.2 key=flow tos=inherit ttl=inherit csum=true df_default=false",
    "v4": "remote_ip=fd00::1 key=7 dst_port=4790 exts=gbp tos=16 ttl=9",
    "v5": "remote_ip=1.1.1.1 key=flow",
    "v6": "remote_ip=flow key=6",
    "v7": "remote_ip=1.1.1.1 local_ip=2.2.2.2 key=5",
    "v8": "remote_ip=flow local_ip=2.2.2.3 key=flow",
    "v9": "remote_ip=flow local_ip=flow key=8",
    "v10": "remote_ip=1.1.1.3",
    "v11": "remote_ip=fd00::2 in_key=11 out_key=flow",
}
for s in both:
    for i, (name, options) in enumerate(TUNNELS.items()):
        s.vsctl("add-port", "br0", name, "--", "set", "Interface", name, "type=vxlan",
                "ofport_request=%d" % (i + 11),
                *["options:" + o for o in options.split()]).ok()
    s.net.sh("ip link set br0 up")
ovs.appctl("dpif/set-dp-features", "br0", "tnl_push_pop", "false").ok()

TABLE = """
in_port=1,tcp actions=11
in_port=1,udp,tp_dst=1 actions=set_field:0x77->tun_id,set_field:9.9.9.9->tun_dst,12
in_port=1,udp,tp_dst=2 actions=12
in_port=1,udp,tp_dst=3 actions=set_field:0x88->tun_id,13
in_port=1,udp,tp_dst=4 actions=14
in_port=1,udp,tp_dst=5 actions=set_field:100->tun_gbp_id,set_field:8->tun_gbp_flags,14
in_port=1,udp,tp_dst=6 actions=set_field:0x77->tun_id,set_field:fd00::7->tun_ipv6_dst,set_field:fd00::8->tun_ipv6_src,12,11,2
in_port=1,udp,tp_dst=7 actions=set_field:3.3.3.3->tun_dst,set_field:4.4.4.4->tun_src,19,18,16
in_port=1,udp,tp_dst=8 actions=mod_nw_tos:64,mod_nw_ttl:7,13,11
in_port=1,udp,tp_dst=9 actions=mod_vlan_vid:9,11,strip_vlan,2,13
in_port=1,udp,tp_dst=10 actions=20,21
in_port=1,arp actions=11,13,14,20
in_port=1,icmp actions=13,11,in_port
in_port=1,ipv6 actions=13,21
in_port=1,dl_type=0x9999 actions=flood
in_port=11 actions=1
in_port=12 actions=1,11
in_port=13 actions=1,set_field:3.3.3.3->tun_dst,12
in_port=14,tun_gbp_id=7 actions=2
in_port=14 actions=1
in_port=15,tun_id=0x15 actions=2
in_port=15 actions=1,12
in_port=16,tun_src=5.5.5.5 actions=2
in_port=16 actions=1
in_port=17 actions=1,13
in_port=18 actions=set_field:0x1->tun_id,13
in_port=19 actions=move:NXM_NX_TUN_ID[0..7]->NXM_NX_REG0[0..7],resubmit(,1)
in_port=20 actions=2,11,13,14,17,21
table=1,reg0=8 actions=2
"""
for s in both:
    s.ofctl("add-flows", "br0", "-", stdin=TABLE.strip()).ok()



for s in both:
    show = s.appctl("dpif/show").ok()
    s.tunnel_dps = {"4789": re.search(r"v1 \d+/(\d+)", show).group(1),
                    "4790": re.search(r"v4 \d+/(\d+)", show).group(1)}
    s.p_dps = {m.group(2): m.group(1) for m in re.finditer(r" (p\d|br0) \d+/(\d+)", show)}


def actions(s, text):
    m = re.search(r"^Datapath actions: (.*)", text, re.M)
    if not m:
        return text
    names = dict(s.p_dps)
    names.update({n: "vxlan_sys_" + p for p, n in s.tunnel_dps.items()})
    # An output is a number outside of parentheses.
    out, depth, word = "", 0, ""
    for c in m.group(1) + ",":
        if c in "()":
            depth += 1 if c == "(" else -1
        if c == "," and not depth:
            out += names.get(word, word) + ","
            word = ""
        else:
            word += c
    return sort_run(out.strip(","))


def sort_run(text):
    """What a flood sends to which port first is each switch's own."""
    parts = re.findall(r"(?:set\(tunnel\((?:[^()]|\([^()]*(?:\([^()]*\))?[^()]*\))*\)\),)?[\w().=]+", text)
    return "\n".join(sorted(parts)) if "flood" in text else text


def same_actions(what, *args):
    got = [actions(s, s.appctl("ofproto/trace", *[a.format(**s.tunnel_dps_named) for a in args]).out)
           for s in both]
    check(got[0] == got[1], what, diff(got[1], got[0]))


for s in both:
    s.tunnel_dps_named = {"vx": s.tunnel_dps["4789"], "gbp": s.tunnel_dps["4790"]}

L2 = "dl_src=00:00:00:00:0a:01,dl_dst=00:00:00:00:0a:02,"
IP = "nw_src=1.0.0.1,nw_dst=1.0.0.2,nw_ttl=33,nw_tos=32,nw_ecn=%d,"
PACKETS = ["in_port=1," + L2 + p for p in
           ["tcp," + IP % 1, "tcp," + IP % 3, "tcp," + IP % 0] +
           ["udp," + IP % 1 + "udp_dst=%d" % i for i in range(1, 11)] +
           ["udp," + IP % 3 + "udp_dst=3", "arp", "icmp," + IP % 2,
            "tcp6,ipv6_src=fd00::9,ipv6_dst=fd00::8,nw_ttl=9,nw_tos=8,nw_ecn=2"]]
for p in PACKETS:
    same_actions("trace " + p, "br0", p)
contains(shunt.appctl("ofproto/trace", "br0", PACKETS[0]).out,
         r"^    -> goes into tunnel v1 to 1\.1\.1\.1, key 0x5, UDP port 4789$",
         "the trace tells where a packet goes")
contains(shunt.appctl("ofproto/trace", "br0", "in_port=1,%sudp,%sudp_dst=2" % (L2, IP % 0)).out,
         "tunnel v2: the flow has no remote address for it: not sent", "or why it does not")
got = [sorted(actions(s, s.appctl("ofproto/trace", "br0",
                                  "in_port=1,%sdl_type=0x9999" % L2).out).split("),"))
       for s in both]
equal(len(got[0]), len(got[1]), "a flood into tunnels")

# Out of tunnels: which port a packet is in, and where it goes from there.
INNER = ("eth(src=00:00:00:00:0a:01,dst=00:00:00:00:0a:02),eth_type(0x0800),ipv4(src=1.0.0.1,"
         "dst=1.0.0.2,proto=17,tos=%d,ttl=64,frag=no),udp(src=5,dst=99)")
OUTERS = [("vx", "tun_id=0x%x,src=%s,dst=%s,tos=%d,ttl=60,flags(key)" % (key, src, dst, tos), inner)
          for key in (0, 5, 6, 8, 0x15)
          for src in ("1.1.1.1", "1.1.1.2", "1.1.1.3", "5.5.5.5")
          for dst in ("2.2.2.2", "2.2.2.3", "4.4.4.4")
          for tos, inner in ((0, 0),)]
OUTERS += [("vx", "tun_id=0x5,src=1.1.1.1,dst=4.4.4.4,tos=3,ttl=60,flags(key)", ecn)
           for ecn in (0, 1, 2, 3)]
OUTERS += [("vx", "tun_id=0x%x,ipv6_src=fd00::2,ipv6_dst=fd00::3,tos=0,ttl=60,flags(key)" % k, 0)
           for k in (11, 12)]
OUTERS += [("gbp", "tun_id=0x%x,ipv6_src=fd00::1,ipv6_dst=fd00::2,tos=0,ttl=60,"
            "vxlan(gbp(id=%d,flags=0)),flags(key)" % (k, g), 0) for k, g in ((7, 7), (7, 8))]


def in_ports(text):
    """What the flow and the megaflow say."""
    return [m.group(1) if m else "none" for m in
            (re.search(r"^%s: .*?in_port=(\w+)" % x, text, re.M) for x in ("Flow", "Megaflow"))]


for dp, outer, tos in OUTERS:
    flow = "tunnel(%s),in_port({%s})," % (outer, dp) + INNER % tos
    got = [s.appctl("ofproto/trace", flow.format(**s.tunnel_dps_named)) for s in both]
    rules = [re.search(r"^ 0\. (in_port=\w+|No match)", r.out, re.M) for r in got]
    rules = [m.group(1) if m else "no port" for m in rules]
    if "tos=3" not in outer or tos:  # congestion that has no room inside is dropped sooner here
        equal(rules[0], rules[1], "the port of " + outer)
    if rules[0] != "no port":
        equal(in_ports(got[0].out), in_ports(got[1].out), "the trace's ports of " + outer)
        contains(got[0].out, r"^-> came out of tunnel v\d+ from \S+ to \S+?(, key 0x\w+)?$",
                 "the trace tells the tunnel of " + outer)
        a = [actions(s, r.out) for s, r in zip(both, got)]
        check(a[0] == a[1], "actions of " + outer + " tos %d" % tos, diff(a[1], a[0]))

# What is not accepted is said in the Interface row; what Open vSwitch takes, too.
REFUSED = ["key=5", "remote_ip=foo", "remote_ip=224.0.0.1", "remote_ip=1.2.3.5 local_ip=flow",
           "remote_ip=1.2.3.6 local_ip=fd00::9", "remote_ip=1.1.1.1 key=5"]
for i, options in enumerate(REFUSED):
    for s in both:
        s.vsctl("--no-wait", "add-port", "br0", "bad%d" % i, "--", "set", "Interface", "bad%d" % i,
                "type=vxlan", *["options:" + o for o in options.split()]).ok()


def errors(s):
    return s.vsctl("-f", "csv", "--no-headings", "--columns=error", "find", "Interface",
                   "name~=bad", "error!=[]").out


for i, options in enumerate(REFUSED):
    for s in both:
        what = "%s: %s is refused" % (s.name, options)
        check(wait_for(lambda: s.vsctl("get", "Interface", "bad%d" % i, "error").out.strip() not in
                       ("", "[]"), 10), what)
        equal(s.vsctl("get", "Interface", "bad%d" % i, "ofport").out.strip(), "-1", what + ": ofport")
for options, field in (("remote_ip=1.2.3.4 key=zz", "key"), ("remote_ip=1.2.3.4 ttl=0", "ttl"),
                       ("remote_ip=1.2.3.4 dst_port=99999", "dst_port"),
                       ("remote_ip=1.2.3.4 exts=gbp", "exts=gbp")):
    shunt.vsctl("--no-wait", "add-port", "br0", "odd", "--", "set", "Interface", "odd",
                "type=vxlan", *["options:" + o for o in options.split()]).ok()
    check(wait_for(lambda: field in shunt.vsctl("get", "Interface", "odd", "error").out, 10),
          "the error names " + field, shunt.vsctl("get", "Interface", "odd", "error").out)
    shunt.vsctl("del-port", "odd").ok()
shunt.vsctl("--no-wait", "add-port", "br0", "odd", "--", "set", "Interface", "odd", "type=pigeon").ok()
types = shunt.vsctl("get", "Open_vSwitch", ".", "iface_types").ok().strip("[]\n")
check(wait_for(lambda: "there are: " + types in shunt.vsctl("get", "Interface", "odd", "error").out, 10),
      "the error names the types that there are", shunt.vsctl("get", "Interface", "odd", "error").out)
shunt.vsctl("del-port", "odd").ok()
# Good options make it good again, bad ones take it away.
shunt.vsctl("set", "Interface", "bad0", "options:remote_ip=1.9.9.9").ok()
equal(shunt.vsctl("get", "Interface", "bad0", "error").out.strip(), "[]", "put right")
shunt.vsctl("set", "Interface", "bad0", "options:key=nonsense").ok()
check(shunt.vsctl("get", "Interface", "bad0", "ofport").out.strip() == "-1", "put wrong again")

# The ports that there are, as dpif/show lists them.
show = [dict(re.findall(r"^ +(v\d+) \d+/\d+: \((.*)\)", s.appctl("dpif/show").ok(), re.M))
        for s in both]
for name in TUNNELS:
    equal(show[0][name].replace("exts=gbp, ", ""), show[1][name], "dpif/show of " + name)



def tunnels(s):
    """Each tunnel's line, without the datapath's numbers."""
    text = s.appctl("ofproto/list-tunnels").ok()
    return "\n".join(sorted(re.sub(r"port \d+: |, dp port=\d+", "", x) for x in text.splitlines()
                            if re.search(r": v\d+ ", x)))


equal(tunnels(shunt), tunnels(ovs), "ofproto/list-tunnels")

# Other options in place: the same port number, other headers.
for s in both:
    s.vsctl("set", "Interface", "v1", "options:remote_ip=7.7.7.7", "options:key=9").ok()
same_actions("trace after other options", "br0", PACKETS[0])
equal(shunt.vsctl("get", "Interface", "v1", "ofport").out.strip(), "11", "it keeps its number")
finish()
