#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ovs-ofctl adds, changes, removes and prints flows: Shunt says what Open vSwitch says."""
from lab import *

enter("ovs-ofctl", "ovs-vsctl")
both = pair(ports=4)

MATCHES = """
in_port=1
in_port=LOCAL
in_port=p2
dl_src=00:11:22:33:44:55
dl_dst=01:00:00:00:00:00/01:00:00:00:00:00
dl_src=00:11:22:33:00:00/ff:ff:ff:ff:00:00,dl_dst=ff:ff:ff:ff:ff:ff
dl_type=0x88cc
dl_vlan=10
dl_vlan=10,dl_vlan_pcp=3
dl_vlan=0xffff
dl_vlan_pcp=5
vlan_tci=0x1000/0x1000
vlan_tci=0
vlan_tci=0x1123/0x1fff
ip
ip,nw_src=10.0.0.1
ip,nw_src=10.0.0.0/8,nw_dst=192.168.1.0/24
ip,nw_src=10.0.0.1/255.0.255.0
ip,nw_tos=16
ip,ip_dscp=10
ip,nw_ecn=1
ip,nw_ttl=64
ip,nw_proto=47
ip,nw_frag=no
ip,nw_frag=yes
ip,nw_frag=first
ip,nw_frag=later
ip,nw_frag=not_later
tcp
tcp,tp_src=80
tcp,tp_dst=443,nw_dst=10.1.1.1
tcp,tp_dst=0x1000/0xf000
tcp,tcp_flags=+syn-ack
tcp,tcp_flags=0x012/0x0ff
udp,tp_src=53,tp_dst=1024/0xfc00
sctp,tp_dst=9
icmp,icmp_type=8,icmp_code=0
icmp,icmp_type=3
arp
arp,arp_op=1
arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24
arp,arp_sha=00:00:00:00:00:01,arp_tha=00:00:00:00:00:02
arp,nw_src=1.2.3.4
rarp
ipv6
ipv6,ipv6_src=2001:db8::1
ipv6,ipv6_src=2001:db8::/32,ipv6_dst=fe80::/10
ipv6,ipv6_src=2001:db8::1/ffff:ffff:0:ffff::ffff
ipv6,ipv6_label=0x12345
ipv6,ipv6_label=0x300/0xf00
ipv6,nw_proto=89
ipv6,nw_tos=0x20,nw_ecn=2,nw_ttl=1
tcp6,tp_dst=80
udp6,tp_src=53
sctp6,tp_src=99
icmp6,icmp_type=128
icmp6,icmp_type=135,nd_target=fe80::1
icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::/64,nd_sll=00:00:00:00:00:09
icmp6,icmp_type=136,nd_target=fe80::1,nd_tll=00:00:00:00:00:07
mpls,mpls_label=1000
mpls,mpls_label=3,mpls_tc=5,mpls_bos=1,mpls_ttl=2
mplsm
metadata=0x1234
metadata=0x12000000000000/0xff000000000000
reg0=1
reg1=0x10/0xf0,reg15=0xffffffff
xreg0=0x100000002
xxreg1=0x1/0x3
tun_id=0x100
tun_id=0x100/0xff00
tun_src=1.1.1.1
tun_dst=1.1.0.0/16
tun_ipv6_src=fe80::3
tun_flags=+oam
tun_gbp_id=10
pkt_mark=0x5/0x7
ct_state=+trk+est
ct_state=-trk
ct_zone=5,ct_state=+trk+new
ct_mark=0x1/0x1
ct_label=0x1
ct_state=+trk+est,ip,ct_nw_src=10.0.0.1,ip
conj_id=7
recirc_id=0
actset_output=2
priority=0
priority=65535,ip
cookie=0x123456789abcdef,tcp
table=5,udp
idle_timeout=60,hard_timeout=600,ip
importance=5
send_flow_rem,ip
check_overlap,priority=7,ip
""".strip().splitlines()

ACTIONS = """
drop
output:1
1,2,3
p2
NORMAL
FLOOD
ALL
LOCAL
IN_PORT
output:in_port
CONTROLLER
CONTROLLER:128
controller(max_len=64,reason=no_match,id=7)
output:reg0
output:NXM_NX_REG0[0..15]
enqueue:1:2
set_queue:7,pop_queue,1
mod_vlan_vid:100,1
mod_vlan_pcp:3,1
mod_vlan_vid:100,mod_vlan_pcp:3,2
mod_dl_src:00:00:00:00:00:01,mod_dl_dst:00:00:00:00:00:02,1
set_field:00:11:22:33:44:55->eth_dst,1
set_field:00:11:22:33:44:55/00:ff:00:00:00:00->eth_src,1
set_field:0x5->reg3,1
set_field:0x50/0xf0->reg3,1
set_field:0x1234->metadata,1
set_field:0x7->tun_id,1
set_field:9->pkt_mark,1
load:0x5->NXM_NX_REG0[],1
load:0x5->NXM_NX_REG0[0..7],1
load:0x7b->OXM_OF_METADATA[0..31]
move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],1
move:NXM_NX_REG0[0..7]->NXM_NX_REG1[8..15]
push_mpls:0x8847,1
resubmit:3
resubmit(,5)
resubmit(2,6)
note:01.02.03.04
load:0->NXM_OF_IN_PORT[],IN_PORT
move:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]
set_field:1->in_port,1
exit
output(port=2,max_len=100)
push:NXM_NX_REG0[],pop:NXM_NX_REG1[]
push:NXM_OF_ETH_SRC[8..15],pop:NXM_NX_XXREG0[64..127]
clone(load:1->NXM_NX_REG0[],output:2),3
clone(clone(resubmit(,5)),exit),1
check_pkt_larger(1500)->NXM_NX_REG0[0]
sample(probability=100,collector_set_id=1,obs_domain_id=2,obs_point_id=3)
sample(probability=65535,sampling_port=1,egress)
conjunction(5,1/2),conjunction(6,2/3)
learn(table=1,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15])
""".strip().splitlines()

PREREQ = [
    ("ip", "ct"),
    ("ip", "ct(commit,force,zone=5,table=3)"),
    ("ip", "ct(zone=NXM_NX_REG0[0..15],table=1),ct_clear"),
    ("tcp", "ct(commit,alg=ftp),1"),
    ("udp", "ct(commit,alg=tftp),1"),
    ("ip", "ct(commit,exec(load:5->NXM_NX_CT_MARK[],load:7->NXM_NX_CT_LABEL[64..95]))"),
    ("ip", "ct(nat,table=2)"),
    ("ip", "ct(commit,nat(src=10.0.0.1))"),
    ("ip", "ct(commit,nat(dst=10.0.0.1-10.0.0.9:50-60,random))"),
    ("ipv6", "ct(commit,nat(src=[fe80::1]-[fe80::5]:5-6,hash,persistent))"),
    ("ip", "ct(commit,table=5,nat(src=1.2.3.4),zone=9,exec(load:5->NXM_NX_CT_LABEL[0..31]))"),
    ("ip,ct_state=+trk+est", "resubmit(,1,ct)"),
    ("tcp", "fin_timeout(idle_timeout=10,hard_timeout=20),1"),
    ("ip", "learn(table=2,idle_timeout=5,hard_timeout=10,priority=7,cookie=0x7,send_flow_rem,"
     "delete_learned,fin_idle_timeout=2,limit=5,eth_type=0x800,NXM_OF_IP_SRC[]=NXM_OF_IP_DST[],"
     "output:NXM_OF_IN_PORT[])"),
    ("mpls", "dec_mpls_ttl,1"),
    ("ip", "dec_ttl(1,2),1"),
    ("dl_vlan=9", "mod_vlan_vid:10,1"),
    ("ip", "mod_nw_src:1.2.3.4,mod_nw_dst:4.3.2.1,1"),
    ("ip", "mod_nw_tos:16,mod_nw_ecn:2,mod_nw_ttl:9,1"),
    ("ip", "set_field:10.0.0.1->ip_src,1"),
    ("ip", "set_field:3->ip_dscp,1"),
    ("ip", "set_field:1->ip_ecn,1"),
    ("ip", "set_field:1->nw_ttl,1"),
    ("ip", "dec_ttl,1"),
    ("ip", "dec_ttl,output:1,dec_ttl,output:2"),
    ("tcp", "mod_tp_src:1,mod_tp_dst:2,1"),
    ("tcp", "set_field:80->tcp_dst,1"),
    ("udp", "set_field:80->udp_src,1"),
    ("udp", "mod_tp_dst:53,1"),
    ("sctp", "set_field:80->sctp_src,1"),
    ("ipv6", "set_field:2001:db8::1->ipv6_dst,1"),
    ("ipv6", "set_field:0x5->ipv6_label,1"),
    ("ipv6", "load:0x1->NXM_NX_IPV6_SRC[0..63],1"),
    ("arp", "set_field:2->arp_op,1"),
    ("arp", "set_field:10.0.0.9->arp_spa,set_field:00:00:00:00:00:05->arp_sha,1"),
    ("arp", "load:0x2->NXM_OF_ARP_OP[],move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],IN_PORT"),
    ("icmp", "set_field:0->icmp_type,1"),
    ("icmp6,icmp_type=135", "set_field:fe80::5->nd_target,1"),
    ("mpls", "set_field:5->mpls_label,1"),
    ("mpls", "pop_mpls:0x0800,1"),
    ("dl_vlan=5", "set_field:3->vlan_pcp,1"),
    ("dl_vlan=5", "strip_vlan,1"),
    ("tcp", "load:0x50->NXM_OF_TCP_DST[],1"),
    ("ip", "load:0xa000001->NXM_OF_IP_DST[],1"),
    ("ip", "move:NXM_OF_IP_SRC[0..15]->NXM_OF_IP_DST[16..31],1"),
]

ONLY_OF10 = [("ip", a) for a in """
strip_vlan,1
pop_vlan,1
pop_mpls:0x0800,1
dec_mpls_ttl,1
mod_nw_src:1.2.3.4,1
mod_tp_src:1,1
""".split()]

ONLY_OF13 = [("ip", a) for a in """
push_vlan:0x8100,set_field:4196->vlan_vid,1
push_vlan:0x88a8,mod_vlan_vid:5,1
push_vlan:0x8100,set_field:4196->vlan_vid,set_field:3->vlan_pcp,pop_vlan,1
push_mpls:0x8847,set_mpls_label:100,set_mpls_tc:3,set_mpls_ttl:4,1
push_mpls:0x8847,set_field:100->mpls_label,set_field:3->mpls_tc,1
""".split()]

INSTRUCTIONS = """
goto_table:105
write_metadata:0x12,goto_table:101
write_metadata:0x12/0xff
write_actions(ct(commit,zone=3))
write_actions(resubmit(,7))
write_actions(output:2)
write_actions(set_field:1.2.3.4->ip_src,output:3),goto_table:102
clear_actions
clear_actions,write_actions(output:1),goto_table:109
output:1,write_actions(output:2),write_metadata:0x1,goto_table:103
""".strip().splitlines()


# Not of this release: refused with an error that says so, and nothing is added.
UNSUPPORTED = """
controller(userdata=01.02.03)
bundle(eth_src,0,hrw,ofport,members:1,2)
multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[])
""".strip().splitlines()


def dump(proto, *args):
    return lambda s: s.ofctl("-O", proto, "dump-flows", "br0", *args)


def lines(text):
    """What a client says of its own (numbers of messages, times) goes; order within a table is
    the switch's affair."""
    text = re.sub(r"^\d{4}-\S+Z\|\d+\|", "", normalise(text), flags=re.M)
    return "\n".join(sorted(text.splitlines()))


def clear(proto):
    for s in both:
        s.ofctl("-O", proto, "del-flows", "br0")


def add_all(proto, flows):
    """Each flow in a table of its own, in one transfer, or else one by one to see which."""
    text = "".join("cookie=%d,table=%d,%s\n" % (i + 1, i, f) for i, f in enumerate(flows))
    def send(s):
        r = s.ofctl("-O", proto, "add-flows", "br0", "-", stdin=text)
        if s.kind == "ovs":
            r.ok()
        return r

    if not same(both, "%s add-flows" % proto,
                send, lines):
        clear(proto)
        for f in text.splitlines():
            same(both, "%s add-flow %s" % (proto, f),
                 lambda s: s.ofctl("-O", proto, "add-flow", "br0", f), lines)
    same(both, "%s dump-flows" % proto, dump(proto), lines)
    clear(proto)


for proto in ("OpenFlow10", "OpenFlow13"):
    add_all(proto, [m + ",actions=1" for m in MATCHES])
    add_all(proto, ["actions=" + a for a in ACTIONS])
    add_all(proto, [m + ",actions=" + a for m, a in PREREQ])
    for a in UNSUPPORTED:
        r = both[0].ofctl("-O", proto, "add-flow", "br0", "ip,actions=" + a)
        contains(r.err, "OFPT_ERROR.*(BAC_BAD|BIC_|BAC_UNSUPP)", "%s refuses %s" % (proto, a))
for proto, more in (("OpenFlow10", ONLY_OF10), ("OpenFlow13", ONLY_OF13)):
    add_all(proto, [m + ",actions=" + a for m, a in more])
add_all("OpenFlow13", ["ip,actions=" + i for i in INSTRUCTIONS])

# One flow after another, and what is left of them.
STEPS = [
    ("add-flow", "br0", "priority=10,ip,nw_src=10.0.0.1,actions=1"),
    ("add-flow", "br0", "priority=10,ip,nw_src=10.0.0.2,actions=2"),
    ("add-flow", "br0", "cookie=0x5,priority=20,tcp,tp_dst=80,actions=1,2"),
    ("add-flow", "br0", "cookie=0x15,table=1,priority=20,tcp,tp_dst=80,actions=group:5"),
    ("add-flow", "br0", "cookie=0x15,table=1,priority=20,tcp,tp_dst=81,actions=3"),
    ("add-flow", "br0", "cookie=0x16,table=2,idle_timeout=100,actions=resubmit(,3)"),
    ("add-flow", "br0", "priority=10,ip,nw_src=10.0.0.1,actions=3"),
    ("mod-flows", "br0", "ip,actions=2,3"),
    ("mod-flows", "br0", "cookie=0x15/0x1f,actions=4"),
    ("mod-flows", "br0", "priority=77,arp,cookie=0x99,actions=4"),
    ("mod-flows", "br0", "cookie=0x77/-1,priority=78,arp,actions=4"),
    ("--strict", "mod-flows", "br0", "priority=20,tcp,tp_dst=80,cookie=0x44,actions=LOCAL"),
    ("--strict", "mod-flows", "br0", "priority=21,tcp,tp_dst=80,actions=LOCAL"),
    ("mod-flows", "br0", "table=1,tcp,idle_timeout=7,actions=drop"),
    ("add-flow", "br0", "check_overlap,priority=10,ip,actions=1"),
    ("add-flow", "br0", "check_overlap,priority=11,ip,actions=1"),
    ("add-flow", "br0", "reset_counts,priority=11,ip,actions=2"),
    ("del-flows", "br0", "out_port=4"),
    ("--strict", "del-flows", "br0", "priority=20,tcp,tp_dst=80"),
    ("--strict", "del-flows", "br0", "priority=20,tcp"),
    ("del-flows", "br0", "cookie=0x16/-1"),
    ("del-flows", "br0", "ip,nw_src=10.0.0.0/31"),
    ("del-flows", "br0", "table=0,cookie=0x0/0xf"),
    ("del-flows", "br0"),
]
for proto in ("OpenFlow10", "OpenFlow13"):
    for step in STEPS:
        same(both, "%s %s" % (proto, " ".join(step)), lambda s: s.ofctl("-O", proto, *step), lines)
        same(both, "%s after %s" % (proto, " ".join(step)), dump(proto), lines)

# What the dumps and aggregates select.
BASE = """
table=0,cookie=0x1,priority=5,ip,nw_src=10.0.0.0/24,actions=1
table=0,cookie=0x12,priority=5,tcp,tp_dst=22,actions=2
table=1,cookie=0x22,priority=6,udp,actions=1,2
table=3,cookie=0x1,priority=7,in_port=2,dl_vlan=7,actions=strip_vlan,LOCAL
table=3,priority=0,actions=drop
table=3,priority=1,hard_timeout=1000,actions=NORMAL
"""
SELECT = ["ip", "tcp", "table=3", "out_port=1", "out_port=LOCAL", "cookie=0x2/0xf", "cookie=0x1/-1",
          "table=0,ip,nw_src=10.0.0.0/24", "in_port=2", "dl_vlan=7", "arp", "table=200"]
for s in both:
    with open(s.path("base.txt"), "w") as f:
        f.write("# a comment, then an empty line\n\n" + BASE)
    with open(s.path("next.txt"), "w") as f:
        f.write(BASE.replace("actions=1,2", "actions=3").replace("priority=7", "priority=8") +
                "priority=9,arp,actions=flood\n")
for proto in ("OpenFlow10", "OpenFlow13"):
    same(both, "add-flows FILE", lambda s: s.ofctl("-O", proto, "add-flows", "br0",
                                                   s.path("base.txt")))
    for sel in SELECT:
        same(both, "%s dump-flows %s" % (proto, sel), dump(proto, sel), lines)
        same(both, "%s dump-aggregate %s" % (proto, sel),
             lambda s: s.ofctl("-O", proto, "dump-aggregate", "br0", sel), lines)
    same(both, "dump-flows --strict", lambda s: s.ofctl("-O", proto, "--strict", "dump-flows",
                                                        "br0", "table=0,priority=5,tcp,tp_dst=22"))
    same(both, "dump-flows --no-stats --sort", lambda s: s.ofctl(
        "-O", proto, "--no-stats", "--sort", "dump-flows", "br0"))
    same(both, "dump-flows --names --rsort", lambda s: s.ofctl(
        "-O", proto, "--names", "--rsort", "dump-flows", "br0"))
    same(both, "diff-flows, none", lambda s: s.ofctl("-O", proto, "diff-flows", "br0",
                                                     s.path("base.txt")), lines)
    same(both, "diff-flows, some", lambda s: s.ofctl("-O", proto, "diff-flows", "br0",
                                                     s.path("next.txt")), lines)
    same(both, "replace-flows", lambda s: s.ofctl("-O", proto, "replace-flows", "br0",
                                                  s.path("next.txt")))
    same(both, "after replace-flows", dump(proto), lines)
    same(both, "nothing to replace", lambda s: s.ofctl("-O", proto, "diff-flows", "br0",
                                                       s.path("next.txt")))
    same(both, "dump-tables", lambda s: s.ofctl("-O", proto, "dump-tables", "br0"), lines)
    clear(proto)

# What is refused.
BAD = [
    ("OpenFlow10", "actions=output:99999"),
    ("OpenFlow10", "in_port=300,actions=output:300"),
    ("OpenFlow10", "table=254,actions=1"),
    ("OpenFlow13", "table=255,actions=1"),
    ("OpenFlow13", "actions=group:77"),
    ("OpenFlow13", "ip,actions=write_actions(group:77)"),
    ("OpenFlow13", "table=7,actions=goto_table:7"),
    ("OpenFlow13", "table=7,actions=goto_table:3"),
    ("OpenFlow13", "actions=mod_nw_src:1.2.3.4,1"),
    ("OpenFlow13", "actions=dec_ttl,1"),
    ("OpenFlow13", "actions=pop_vlan,1"),
    ("OpenFlow13", "actions=set_field:5->vlan_pcp,1"),
    ("OpenFlow13", "ip,actions=set_field:80->tcp_dst,1"),
    ("OpenFlow13", "udp,actions=set_field:80->tcp_dst,1"),
    ("OpenFlow13", "actions=move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[],1"),
    ("OpenFlow10", "actions=mod_nw_src:1.2.3.4,1"),
    ("OpenFlow10", "actions=dec_ttl,1"),
    ("OpenFlow10", "actions=load:1->NXM_OF_IP_SRC[],1"),
    ("OpenFlow10", "actions=mod_tp_dst:80,1"),
    ("OpenFlow13", "actions=in_port,output:in_port"),
    ("OpenFlow13", "actions=output:ANY"),
    ("OpenFlow13", "actions=output:TABLE"),
    ("OpenFlow13", "actions=set_queue:4294967295,1"),
    ("OpenFlow13", "actions=enqueue:1:7"),
    ("OpenFlow13", "actions=push_vlan:0x0800"),
    ("OpenFlow13", "actions=learn(table=255,load:1->NXM_NX_REG0[])"),
    ("OpenFlow13", "actions=set_field:1->ct_state"),
    ("OpenFlow13", "actions=load:1->NXM_OF_ETH_TYPE[]"),
]
for proto, flow in BAD:
    same(both, "%s refused: %s" % (proto, flow),
         lambda s: s.ofctl("-O", proto, "add-flow", "br0", flow), lines)
    same(both, "dump of %s" % flow, dump(proto), lines)
    clear(proto)
finish()
