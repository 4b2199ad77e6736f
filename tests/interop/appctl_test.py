#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ovs-appctl, and ofproto/trace above all: for the same tables the same datapath actions."""
from lab import *

enter("ovs-appctl", "ovs-ofctl", "ovs-vsctl")
both = pair(ports=4)
shunt = both[0]


def ctl(*args):
    return lambda s: s.appctl(*args)


# Tables that touch what translation does; the packets below walk them.
TABLES = """
table=0,priority=100,in_port=1,ip,nw_dst=10.0.0.0/24,actions=mod_nw_dst:1.2.3.4,output:2
table=0,priority=100,in_port=1,ip,nw_dst=10.0.1.0/24,actions=dec_ttl,mod_dl_src:00:00:00:00:00:01,mod_dl_dst:00:00:00:00:00:02,3
table=0,priority=100,in_port=1,tcp,tp_dst=80,actions=mod_tp_dst:8080,mod_nw_src:9.9.9.9,output:2,output:3
table=0,priority=100,in_port=1,udp,tp_dst=53,actions=resubmit(,5)
table=0,priority=100,in_port=1,arp,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],mod_dl_src:00:00:00:00:00:09,load:0x2->NXM_OF_ARP_OP[],move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],load:0x000000000009->NXM_NX_ARP_SHA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],load:0x0a000001->NXM_OF_ARP_SPA[],IN_PORT
table=0,priority=100,in_port=1,ipv6,ipv6_dst=2001:db8::/32,actions=set_field:2001:db8::99->ipv6_src,load:3->NXM_NX_IPV6_LABEL[],2
table=0,priority=100,in_port=1,dl_vlan=7,actions=strip_vlan,2
table=0,priority=100,in_port=1,dl_vlan=8,actions=mod_vlan_vid:9,2
table=0,priority=100,in_port=1,dl_vlan=9,actions=mod_vlan_pcp:3,2,strip_vlan,3
table=0,priority=100,in_port=1,dl_vlan=10,actions=output:2,mod_vlan_vid:20,output:3,strip_vlan,output:4
table=0,priority=90,in_port=1,icmp,actions=mod_vlan_vid:5,2
table=0,priority=90,in_port=1,sctp,actions=mod_tp_src:5,mod_tp_dst:6,2
table=0,priority=90,in_port=1,icmp6,icmp_type=135,actions=set_field:fe80::9->nd_target,set_field:00:00:00:00:00:08->nd_sll,2
table=0,priority=90,in_port=1,dl_type=0x88cc,actions=drop
table=0,priority=80,in_port=1,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=flood
table=0,priority=70,in_port=1,dl_type=0x1111,actions=all
table=0,priority=70,in_port=1,dl_type=0x1112,actions=in_port
table=0,priority=70,in_port=1,dl_type=0x1113,actions=output:1,output:2
table=0,priority=70,in_port=1,dl_type=0x1114,actions=LOCAL,output:2
table=0,priority=70,in_port=1,dl_type=0x1115,actions=load:2->NXM_NX_REG0[],resubmit(,7)
table=0,priority=70,in_port=1,dl_type=0x1116,actions=load:3->NXM_NX_REG0[],output:NXM_NX_REG0[]
table=0,priority=70,in_port=1,dl_type=0x1117,actions=resubmit(2,8),resubmit(3,8),resubmit(,8)
table=0,priority=70,in_port=1,dl_type=0x1118,actions=mod_dl_src:00:00:00:00:00:03,mod_dl_src:00:00:00:00:00:04,2
table=0,priority=70,in_port=1,dl_type=0x1119,actions=mod_dl_src:00:00:00:00:00:03,2,exit,3
table=0,priority=70,in_port=1,dl_type=0x111a,actions=set_tunnel:5,2
table=0,priority=70,in_port=1,dl_type=0x111b,actions=load:0->NXM_OF_IN_PORT[],output:1
table=0,priority=70,in_port=1,dl_type=0x111c,actions=resubmit(,60)
table=0,priority=70,in_port=1,dl_type=0x111d,actions=note:01.02,2
table=0,priority=70,in_port=1,dl_type=0x111e,actions=learn(table=50,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),2
table=0,priority=70,in_port=1,dl_type=0x111f,actions=set_field:5->metadata,resubmit(,9)
table=0,priority=70,in_port=1,dl_type=0x1120,actions=mod_vlan_vid:11,resubmit(,10),2
table=0,priority=70,in_port=1,dl_type=0x1121,actions=output:9
table=0,priority=70,in_port=1,dl_type=0x1122,actions=set_field:6->pkt_mark,2
table=0,priority=60,in_port=1,mpls,mpls_label=5,actions=load:6->OXM_OF_MPLS_LABEL[],2
table=0,priority=60,in_port=1,mpls,mpls_label=6,actions=dec_mpls_ttl,2
table=0,priority=60,in_port=1,mpls,mpls_label=7,actions=pop_mpls:0x0800,2
table=0,priority=50,in_port=2,ip,actions=mod_nw_tos:32,mod_nw_ecn:1,mod_nw_ttl:5,3
table=0,priority=50,in_port=3,actions=NORMAL
table=5,priority=10,nw_src=1.0.0.0/8,udp,actions=2
table=5,priority=5,actions=3
table=7,reg0=2,actions=mod_dl_dst:00:00:00:00:00:22,2
table=7,reg0=3,actions=3
table=8,in_port=2,actions=3
table=8,in_port=3,actions=2
table=8,in_port=1,actions=4
table=9,metadata=5,actions=4
table=9,metadata=6,actions=3
table=10,dl_vlan=11,actions=3
table=10,actions=4
table=60,actions=resubmit(,60),2
"""
TABLES13 = """
table=0,priority=100,in_port=4,tcp,actions=write_actions(output:2),goto_table:20
table=0,priority=100,in_port=4,udp,actions=output:3,write_actions(set_field:1.1.1.1->ip_src,output:2),goto_table:20
table=0,priority=100,in_port=4,icmp,actions=group:1
table=0,priority=100,in_port=4,arp,actions=group:2
table=0,priority=100,in_port=4,sctp,actions=group:4,output:3
table=0,priority=90,in_port=4,ipv6,actions=push_vlan:0x8100,set_field:4106->vlan_vid,set_field:5->vlan_pcp,output:1
table=0,priority=90,in_port=4,dl_type=0x2001,actions=push_mpls:0x8847,set_field:77->mpls_label,output:1
table=0,priority=90,in_port=4,dl_type=0x2002,actions=write_actions(group:1,output:2)
table=0,priority=90,in_port=4,dl_type=0x2003,actions=write_metadata:0x7,goto_table:21
table=0,priority=90,in_port=4,dl_type=0x2004,actions=push_vlan:0x88a8,set_field:4197->vlan_vid,output:1
table=0,priority=90,in_port=4,vlan_tci=0x1000/0x1000,actions=pop_vlan,output:1,push_vlan:0x8100,set_field:4098->vlan_vid,output:2
table=20,tcp,tp_dst=1,actions=clear_actions
table=20,tcp,tp_dst=2,actions=write_actions(output:3)
table=20,udp,tp_dst=3,actions=write_actions(set_field:5->nw_ttl,push_vlan:0x8100)
table=20,priority=0,actions=drop
table=21,metadata=0x7,actions=output:2
"""
GROUPS = ["group_id=1,type=all,bucket=set_field:00:00:00:00:00:31->eth_dst,output:1,bucket="
          "set_field:00:00:00:00:00:32->eth_dst,output:2,bucket=output:3",
          "group_id=2,type=indirect,bucket=output:2",
          "group_id=4,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"]
for s in both:
    s.net.sh("ip link set br0 up")  # Shunt sends nothing to a port that is down
    for g in GROUPS:
        s.ofctl("-O", "OpenFlow13", "add-group", "br0", g).ok()
    s.ofctl("add-flows", "br0", "-", stdin=TABLES).ok()
    s.ofctl("-O", "OpenFlow13", "add-flows", "br0", "-", stdin=TABLES13).ok()

L2 = "dl_src=00:00:00:00:0a:01,dl_dst=00:00:00:00:0a:02,"
PACKETS = [L2 + p for p in """
in_port=1,tcp,nw_src=1.0.0.1,nw_dst=10.0.0.1,nw_ttl=64,tp_src=5,tp_dst=99
in_port=1,udp,nw_src=1.0.0.1,nw_dst=10.0.1.1,nw_ttl=64,udp_src=5,udp_dst=99
in_port=1,udp,nw_src=1.0.0.1,nw_dst=10.0.1.1,nw_ttl=1,udp_src=5,udp_dst=99
in_port=1,tcp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_src=5,tp_dst=80
in_port=1,udp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,udp_src=5,udp_dst=53
in_port=1,udp,nw_src=2.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,udp_src=5,udp_dst=53
in_port=1,arp,arp_op=1,arp_spa=10.0.0.5,arp_tpa=10.0.0.1,arp_sha=00:00:00:00:0a:01
in_port=1,tcp6,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::2,ipv6_label=5,nw_ttl=64,tp_dst=80
in_port=1,tcp,dl_vlan=7,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=81
in_port=1,tcp,dl_vlan=8,dl_vlan_pcp=5,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=81
in_port=1,tcp,dl_vlan=9,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=81
in_port=1,tcp,dl_vlan=10,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=81
in_port=1,icmp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,icmp_type=8
in_port=1,sctp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,sctp_src=1,sctp_dst=81
in_port=1,icmp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=255,icmpv6_type=135,nd_target=fe80::5
in_port=1,dl_type=0x88cc
in_port=1,dl_type=0x1111
in_port=1,dl_type=0x1112
in_port=1,dl_type=0x1113
in_port=1,dl_type=0x1114
in_port=1,dl_type=0x1115
in_port=1,dl_type=0x1116
in_port=1,dl_type=0x1117
in_port=1,dl_type=0x1118
in_port=1,dl_type=0x1119
in_port=1,dl_type=0x111a
in_port=1,dl_type=0x111b
in_port=1,dl_type=0x111c
in_port=1,dl_type=0x111d
in_port=1,dl_type=0x111e
in_port=1,dl_type=0x111f
in_port=1,dl_type=0x1120
in_port=1,dl_type=0x1121
in_port=1,dl_type=0x1122
in_port=1,mpls,mpls_label=5,mpls_ttl=9,mpls_bos=1
in_port=1,mpls,mpls_label=6,mpls_ttl=9,mpls_bos=1
in_port=1,mpls,mpls_label=7,mpls_ttl=9,mpls_bos=1
in_port=1,dl_type=0x9999
in_port=2,tcp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=81
in_port=3,tcp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=81
in_port=4,tcp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=1
in_port=4,tcp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=2
in_port=4,tcp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=4
in_port=4,udp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,udp_dst=3
in_port=4,udp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,udp_dst=4
in_port=4,icmp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,icmp_type=8
in_port=4,arp,arp_op=1
in_port=4,sctp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,sctp_dst=4
in_port=4,tcp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=9,tp_dst=4
in_port=4,dl_type=0x2001
in_port=4,dl_type=0x2002
in_port=4,dl_type=0x2003
in_port=4,dl_type=0x2004
in_port=4,dl_vlan=5,dl_type=0x3000
in_port=LOCAL,tcp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,tp_dst=4
in_port=1,udp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,nw_frag=first,udp_src=5,udp_dst=53
in_port=1,udp,nw_src=1.0.0.1,nw_dst=11.0.0.1,nw_ttl=64,nw_frag=later
""".strip().splitlines()] + [
    "dl_src=00:00:00:00:0a:01,dl_dst=01:00:5e:00:00:01,in_port=1,dl_type=0x4000",
    "dl_src=00:00:00:00:0a:01,dl_dst=01:80:c2:00:00:00,in_port=3,dl_type=0x4000",
    "dl_src=00:00:00:00:0a:01,dl_dst=ff:ff:ff:ff:ff:ff,in_port=3,dl_type=0x4000",]


def actions(text):
    m = re.search(r"^Datapath actions: (.*)", text, re.M)
    return sort_outputs(m.group(1)) if m else text


def sort_outputs(text):
    """A run of outputs, in the order of the ports."""
    return re.sub(r"\d+(?:,\d+)+(?=,|$)",
                  lambda m: ",".join(sorted(m.group(0).split(","), key=int)), text)


def walk(text):
    """The rules on the way: `table. match, priority`."""
    return "\n".join(re.sub(r", cookie 0x\w+", "", x) for x in
                     re.findall(r"^ *(\d+\. .*)", text, re.M))


# Where the two have a line of their own: a packet for controllers only is dropped by the datapath
# here; a setter of MPLS names what it sets, also behind a push; the depth at which a loop is cut differs.
OWN = {"nw_ttl=1,": "drop", "mpls_label=5": "set(mpls(label=6)),3",
       "mpls_label=6": "set(mpls(ttl=8)),3", "0x111c": "drop",
       "0x2001": "push_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),set(mpls(label=77)),2"}
for p in PACKETS:
    own = [v for k, v in OWN.items() if k in p]
    if own:
        equal(actions(shunt.appctl("ofproto/trace", "br0", p).ok()), own[0], "trace " + p)
        continue
    same(both, "trace " + p, ctl("ofproto/trace", "br0", p), actions)
    same(both, "rules of " + p, ctl("ofproto/trace", "br0", p), walk)

# Actions that branch, keep values or need another pass; what a resubmit's port and an expired TTL reach.
STEER = """
table=0,priority=95,in_port=2,dl_type=0x5001,actions=clone(mod_dl_dst:00:00:00:00:00:41,output:1),3
table=0,priority=95,in_port=2,dl_type=0x5002,actions=clone(mod_vlan_vid:9,output:1,clone(mod_dl_src:00:00:00:00:00:42,3)),4
table=0,priority=95,in_port=2,dl_type=0x5003,actions=push:NXM_OF_ETH_SRC[0..7],pop:NXM_NX_REG0[0..7],resubmit(,30),1
table=0,priority=95,in_port=2,dl_type=0x5004,actions=output(port=3,max_len=60),output(port=9,max_len=60),output(port=2,max_len=60),4
table=0,priority=95,in_port=2,dl_type=0x5005,actions=resubmit(3,31),1
table=0,priority=95,in_port=2,dl_type=0x5006,actions=load:3->NXM_NX_REG1[],clone(load:4->NXM_NX_REG1[],exit),output:NXM_NX_REG1[],1
table=0,priority=95,in_port=2,mpls,mpls_bos=1,actions=pop_mpls:0x0800,resubmit(,32),4
table=0,priority=95,in_port=2,mpls,mpls_bos=0,actions=pop_mpls:0x8847,1
table=30,reg0=0x01,actions=3
table=31,in_port=3,actions=in_port
table=32,ip,actions=3
table=32,priority=0,actions=1
"""
STEERED = ["in_port=2,dl_type=0x500%d" % i for i in range(1, 7)] + [
    "in_port=2,mpls,mpls_label=5,mpls_ttl=9,mpls_bos=0"]
POPPED = "in_port=2,mpls,mpls_label=5,mpls_ttl=9,mpls_bos=1"


def passes(text):
    """What the datapath does, pass by pass; the numbers of the passes are each switch's own."""
    return "\n".join(sort_outputs(re.sub(r"recirc\(0x\w+\)", "recirc", a))
                     for a in re.findall(r"^Datapath actions: (.*)", text, re.M))


for s in both:
    s.ofctl("add-flows", "br0", "-", stdin=STEER).ok()
for p in STEERED:
    same(both, "trace " + p, ctl("ofproto/trace", "br0", L2 + p), passes)
same(both, "trace " + POPPED, ctl("ofproto/trace", "br0", L2 + POPPED), lambda t: passes(t).splitlines()[0])
equal(passes(shunt.appctl("ofproto/trace", "br0", L2 + POPPED).ok()), "pop_mpls(eth_type=0x800),recirc\n4,5",
      "the pass behind the popped label")
LONG = "in_port=2,dl_type=0x5010"
shunt.ofctl("add-flow", "br0", "table=0,priority=95,%s,actions=check_pkt_larger(100)->NXM_NX_REG0[4],"
            "resubmit(,33),1" % LONG).ok()
shunt.ofctl("add-flow", "br0", "table=33,reg0=0x10/0x10,actions=3").ok()
equal(passes(shunt.appctl("ofproto/trace", "br0", L2 + LONG).ok()),
      "check_pkt_len(size=100,gt(recirc),le(recirc))\n2", "trace of a short packet")
equal(passes(shunt.appctl("ofproto/trace", "br0", "in_port=2",
                          eth("00:00:00:00:0a:01", "00:00:00:00:0a:02", 0x5010, bytes(90)).hex()).ok()),
      "check_pkt_len(size=100,gt(recirc),le(recirc))\n2,4", "trace of a long packet")
contains(shunt.appctl("ofproto/trace", "br0", L2 + LONG).ok(),
         r"\n\n\n={79}\nrecirc\(0x\w+\)\n={79}\n\nFlow: recirc_id=0x\w+,.*\n\nbridge\(\"br0\"\)\n-+\n    thaw\n",
         "the form of a second pass")
p = PACKETS[0]
same(both, "trace's Flow line", ctl("ofproto/trace", "br0", p),
     lambda t: re.search(r"^Flow: .*", t, re.M).group(0))
same(both, "trace's Final flow line", ctl("ofproto/trace", "br0", p),
     lambda t: re.search(r"^Final flow: .*", t, re.M).group(0))
got = shunt.appctl("ofproto/trace", "br0", p).out
contains(got, r'^Flow: .*\n\nbridge\("br0"\)\n-+\n 0\. .*, priority 100\n    \S.*\n(.*\n)*\n'
         r"Final flow: .*\nMegaflow: recirc_id=0,eth,.*\nDatapath actions: \S+\n",
         "the form of a trace")

# Forms of asking.
FRAME = eth("00:00:00:00:0a:01", "00:00:00:00:0a:02", 0x800, tcp4("1.0.0.1", "10.0.0.1", 5, 99))
DP_FLOW = ("in_port(2),eth(src=00:00:00:00:0a:01,dst=00:00:00:00:0a:02),eth_type(0x0800),"
           "ipv4(src=1.0.0.1,dst=10.0.0.1,proto=6,tos=0,ttl=64,frag=no),tcp(src=5,dst=99)")
for args in (("br0", "in_port=1", FRAME.hex()),
             ("br0", "in_port=p1," + p.replace("in_port=1,", "")),
             (DP_FLOW,),
             ("br0", PACKETS[3], "-generate")):
    same(both, "ofproto/trace " + " ".join(args)[:60], ctl("ofproto/trace", *args), actions)
contains(shunt.appctl("ofproto/trace", "netdev@ovs-netdev", DP_FLOW).ok(),
         r"^Datapath actions: set\(ipv4\(dst=1.2.3.4\)\),3$", "with the datapath's name")
for args in (("br9", "in_port=1"), ("br0", "in_port=zz"), ("br0", "colour=red"), ("br0",),
             ("br0", "in_port=1,tp_src=5")):
    r = shunt.appctl("ofproto/trace", *args)
    check(r.rc != 0 and r.err.strip(), "ofproto/trace refuses " + " ".join(args), r.out)

# A traced packet teaches, a traced flow does not.
TEACH = "in_port=1,dl_src=00:00:00:00:0a:77,dl_dst=00:00:00:00:0a:02,dl_type=0x111e"
for args in ((TEACH,), (TEACH, "-generate")):
    same(both, "ofproto/trace with learn " + " ".join(args), ctl("ofproto/trace", "br0", *args),
         actions)
    same(both, "what it taught", lambda s: s.ofctl("dump-flows", "br0", "table=50"))

# Packets that really go, so that megaflows and addresses are there.
for s in both:
    s.ofctl("del-flows", "br0")
    s.ofctl("add-flow", "br0", "actions=NORMAL")
    s.socks = {i: s.net.socket("hp%d" % i) for i in range(1, 5)}
    s.vsctl("set", "port", "p3", "tag=10")
A, B = "00:00:00:00:0a:01", "00:00:00:00:0b:01"
for s in both:
    s.socks[1].send(eth(A, B, 0x800, udp4("10.0.0.1", "10.0.0.2", 1, 2)))
    time.sleep(0.1)
    for _ in range(5):
        s.socks[2].send(eth(B, A, 0x800, udp4("10.0.0.2", "10.0.0.1", 2, 1)))
        time.sleep(0.02)
    s.socks[3].send(eth("00:00:00:00:0c:01", B, 0x800, udp4("10.0.0.3", "10.0.0.2", 2, 1)))
    time.sleep(0.3)


def fdb(text):
    return "\n".join(sorted(re.sub(r"(\S+) +\d+$", r"\1", x) for x in text.splitlines()))


same(both, "fdb/show", ctl("fdb/show", "br0"), fdb)
same(both, "dpif/show", ctl("dpif/show"), lambda t: "\n".join(sorted(
    re.sub(r"hit:\d+ missed:\d+|\((tap|internal)\)", "", t).splitlines())))
same(both, "ofproto/list", ctl("ofproto/list"))


def megaflows(text):
    """What a flow of the datapath is about; which of its fields a switch looks at is its own."""
    return "\n".join(sorted(set(re.findall(r"in_port\(\w+\)|eth_type\(\w+\)", text))))


for args in ((), ("-m",), ("--names",), ("-m", "--names")):
    same(both, "dpctl/dump-flows " + " ".join(args), ctl("dpctl/dump-flows", *args), megaflows)
plain = shunt.appctl("dpctl/dump-flows").ok()
contains(plain, r"^(flow-dump from .*\n)?recirc_id\(0\),in_port\(\d+\),.*eth_type\(0x0800\).*, "
         r"packets:\d+, bytes:\d+, used:(never|[0-9.]+s), actions:\S+$", "a flow's line")
contains(shunt.appctl("dpctl/dump-flows", "-m").ok(), r"ufid:[0-9a-f-]{36}, ", "-m shows the ufid")
contains(shunt.appctl("dpctl/dump-flows", "--names").ok(), r"in_port\(p2\).*actions:.*p1",
         "--names shows names")
contains(shunt.appctl("dpif/dump-flows", "br0").ok(), r"in_port\(\d+\)", "dpif/dump-flows")
for args in (("br0",), ("-m", "br0"), ("--names", "br0")):
    same(both, "dpif/dump-flows " + " ".join(args), ctl("dpif/dump-flows", *args), megaflows)
same(both, "dpif/dump-flows of no bridge", ctl("dpif/dump-flows", "br9"),
     lambda t: t.split("\n")[0])
same(both, "fdb/flush", ctl("fdb/flush", "br0"))
same(both, "fdb/show, flushed", ctl("fdb/show", "br0"), fdb)
same(both, "fdb/show of no bridge", ctl("fdb/show", "br9"),
     lambda t: t.replace(shunt.path("shuntd.ctl"), "T").replace("ovs-vswitchd", "T")
     .replace("DIR/shuntd.ctl", "T"))

# Logging.
listed = shunt.appctl("vlog/list").ok()
contains(listed, r"^ +console +syslog +file\n +-+ +-+ +-+\n(\w[\w.]* +(OFF|EMER|ERR|WARN|INFO|DBG)"
         r" +\w+ +\w+\n)+", "vlog/list")
for spec in ("connmgr:file:dbg", "rconn:console:err", "ANY:syslog:off", "dbg"):
    same(both, "vlog/set " + spec, ctl("vlog/set", spec))
for spec in ("nosuch:dbg", "connmgr:nowhere:dbg", "connmgr:file:loud"):
    same(both, "vlog/set " + spec, ctl("vlog/set", spec), lambda t: t.split("\n")[0])
contains(shunt.appctl("vlog/list").ok(), r"^connmgr +DBG +DBG +DBG", "levels set")
same(both, "vlog/set info", ctl("vlog/set", "info"))
same(both, "vlog/reopen", ctl("vlog/reopen"), lambda t: t.split("\n")[1])

# The rest.
contains(shunt.appctl("version").ok(), r"^shuntd \(Shunt\) \d+\.\d+", "version")
commands = shunt.appctl("list-commands").ok()
for c in ("version", "list-commands", "exit", "vlog/set", "vlog/list", "fdb/show",
          "dpctl/dump-flows", "dpif/show", "ofproto/trace", "ofproto/list", "coverage/show",
          "memory/show"):
    contains(commands, r"^  %s\b" % c, "list-commands has " + c)
contains(commands, r"^The available commands are:\n  \S", "list-commands' head")
contains(shunt.appctl("coverage/show").ok(), r"^Event coverage, avg rate over last: 5 seconds, "
         r"last minute, last hour,  hash=[0-9a-f]{8}:\n(\w+ +[0-9.]+/sec +[0-9.]+/sec +[0-9.]+/sec"
         r"   total: \d+\n)+\d+ events never hit", "coverage/show")
n = int(shunt.appctl("coverage/read-counter", "upcall_handled").ok())
check(n >= 3, "upcalls were counted", n)
contains(shunt.appctl("memory/show").ok(), r"^(\S+:\d+ ?)+$", "memory/show")
same(both, "a command that is not there", ctl("nosuch/command"), lambda t: t.split("\n")[1])
same(both, "too few arguments", ctl("fdb/show"), lambda t: t.split("\n")[1])
same(both, "too many arguments", ctl("version", "a", "b"), lambda t: t.split("\n")[1])
r = shunt.net.run(["ovs-appctl", "-t", "shuntd", "version"], env=shunt.env)
check(r.rc != 0, "by name, there is no pid file", r.out)
shunt.appctl("exit").ok()
check(wait_for(lambda: shunt.daemon.poll() is not None, 10), "exit ends the switch")
equal(shunt.daemon.poll(), 0, "exit's status")
contains(shunt.log(), "stopping", "the log tells of it")
check(not re.search(r"\|(WARN|ERR|EMER)\|", shunt.log()), "no warning in all that",
      "\n".join(x for x in shunt.log().splitlines() if re.search(r"\|(WARN|ERR)\|", x)))
finish()
