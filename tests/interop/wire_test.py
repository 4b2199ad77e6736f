#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire, as Wireshark's dissectors see it: whole OpenFlow and JSON-RPC messages.

ovs-ofctl and ovs-vsctl talk to Shunt over TCP while tshark captures.  A message that a dissector
cannot read to its end is marked as malformed; where the dissector itself errs, it errs about Open
vSwitch's messages as well, which is asked the same."""
from lab import *

enter("ovs-ofctl", "ovs-vsctl", "tshark", "dumpcap")
OF, DB = "tcp:127.0.0.1:6653", "tcp:127.0.0.1:6640"
both = [Shunt(Net()), Ovs()] if have_ovs() else [Shunt(Net())]
FRAME = eth("02:00:00:00:00:aa", "02:00:00:00:00:bb", 0x800,
            udp4("10.0.0.1", "10.0.0.2", 1000, 2000))
FLOWS10 = """
priority=5,in_port=1,actions=2,CONTROLLER:64
ip,nw_src=10.0.0.0/24,nw_tos=16,actions=mod_nw_dst:1.2.3.4,mod_tp_dst:80,output:2
dl_vlan=5,dl_vlan_pcp=3,actions=strip_vlan,mod_vlan_vid:7,mod_vlan_pcp:2,flood
tcp,tp_dst=80,actions=mod_dl_src:00:00:00:00:00:01,mod_dl_dst:00:00:00:00:00:02,enqueue:1:2
arp,actions=drop
send_flow_rem,idle_timeout=9,icmp,icmp_type=8,actions=NORMAL
"""
FLOWS13 = """
priority=5,in_port=1,actions=2,CONTROLLER:64
table=1,ip,nw_src=10.0.0.0/255.0.255.0,nw_ecn=1,actions=dec_ttl,set_field:1.2.3.4->ip_dst,goto_table:2
table=1,ipv6,ipv6_src=2001:db8::/32,ipv6_label=0x300/0xf00,actions=group:2
table=1,icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=00:00:00:00:00:09,actions=write_actions(group:1)
table=1,dl_vlan=5,dl_vlan_pcp=3,actions=pop_vlan,push_vlan:0x88a8,set_field:4103->vlan_vid,2
table=1,mpls,mpls_label=5,mpls_bos=1,actions=dec_mpls_ttl,pop_mpls:0x0800,1
table=2,arp,arp_op=1,arp_spa=10.0.0.1,actions=clear_actions,write_metadata:0x12/0xff,goto_table:3
table=3,metadata=0x12/0xff,tcp,tp_dst=80,actions=set_queue:3,2
table=3,sctp,tp_src=9,tun_id=0x100/0xff00,actions=set_field:7->tun_id,all
table=3,send_flow_rem,reset_counts,hard_timeout=900,udp,actions=IN_PORT
"""
GROUPS = ("group_id=1,type=select,bucket=weight:1,output:1,bucket=weight:2,output:2",
          "group_id=2,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2",
          "group_id=3,type=indirect,bucket=dec_ttl,output:3")


class Capture:
    def __init__(self, s, name):
        self.s, self.file = s, s.path(name + ".pcapng")
        self.proc = s.net.popen(["dumpcap", "-q", "-i", "lo", "-w", self.file, "-f", "tcp"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(self.file) and os.path.getsize(self.file), 10)
        time.sleep(0.5)

    def stop(self):
        time.sleep(1.5)  # dumpcap writes what it has about once a second
        self.proc.send_signal(signal.SIGINT)
        self.proc.wait()

    def read(self, port, proto, *args):
        r = run(["tshark", "-r", self.file, "-d", "tcp.port==%d,%s" % (port, proto)] + list(args))
        return r.ok()

    def bad(self, port, proto):
        """Messages with a fault, one a line: what they are and what is said of them."""
        text = self.read(port, proto, "-Y", "_ws.malformed || _ws.expert.severity == error", "-T",
                         "fields", "-e", "_ws.col.Info", "-e", "_ws.expert.message")
        return sorted(set(text.splitlines()))


def of_session(s, proto):
    def of(*args, **kw):
        return s.ofctl("-O", proto, *args, **kw)
    for args in (("show", OF), ("dump-desc", OF), ("dump-tables", OF), ("dump-ports", OF),
                 ("queue-stats", OF), ("queue-get-config", OF, "1"), ("dump-ports-desc", OF),
                 ("mod-port", OF, "1", "no-flood"), ("mod-port", OF, "1", "flood"),
                 ("get-frags", OF), ("ping", OF)):
        of(*args).ok()
    if proto == "OpenFlow13":
        for g in GROUPS:
            of("add-group", OF, g).ok()
        for cmd in ("dump-groups", "dump-group-stats", "dump-group-features"):
            of(cmd, OF).ok()
    of("add-flows", OF, "-", stdin=FLOWS13 if proto == "OpenFlow13" else FLOWS10).ok()
    log = open(s.path("monitor.log"), "w")
    watch = s.net.popen(["ovs-ofctl", "-O", proto, "-P", "standard", "monitor", OF,
                         "65534"], env=s.env,
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    time.sleep(1)
    for _ in range(3):
        s.socks.send(FRAME)
    of("packet-out", OF, "packet=%s in_port=CONTROLLER actions=output:1,output:2" % FRAME.hex()).ok()
    s.net.sh("ip link set p2 down; sleep 0.3; ip link set p2 up")
    of("dump-flows", OF).ok()
    of("dump-aggregate", OF, "ip").ok()
    of("mod-flows", OF, "arp,actions=1").ok()
    of("--strict", "mod-flows", OF, "priority=5,in_port=1,actions=3").ok()
    of("add-flow", OF, "table=254,actions=1")  # which is refused
    of("del-flows", OF).ok()
    if proto == "OpenFlow13":
        of("del-groups", OF).ok()
    time.sleep(0.5)
    watch.terminate()
    watch.wait()


def db_session(s):
    def db(*args):
        return s.net.run(["ovs-vsctl", "--timeout=20", "--db=" + DB] + list(args), env=s.env)
    for args in (("show",), ("list", "Interface"), ("set", "Port", "p1", "tag=5"),
                 ("clear", "Port", "p1", "tag"), ("find", "Interface", "ofport>0"),
                 ("wait-until", "Interface", "p1", "ofport>0"), ("get", "Open_vSwitch", ".", "_uuid"),
                 ("--may-exist", "add-port", "br0", "p1"), ("add-br", "br7"), ("del-br", "br7")):
        db(*args).ok()


TYPES = {"openflow_1_0.type": {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                              21},
         "openflow_v4.type": {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21,
                              22, 23}}
for s in both:
    s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
            "fail_mode=secure", "--", "set-controller", "br0", "ptcp:6653:127.0.0.1", "--",
            "set-manager", "ptcp:6640:127.0.0.1").ok()
    for i in (1, 2, 3):
        s.port("p%d" % i, ofport_request=i)
    s.socks = s.net.socket("hp1")
    if s.kind == "ovs":  # its database server listens where it is told
        s.net.run(["ovs-appctl", "-t", "ovsdb-server", "ovsdb-server/add-remote",
                   "ptcp:6640:127.0.0.1"], env=s.env)
    s.captures = {}
    for name, act in (("OpenFlow10", lambda: of_session(s, "OpenFlow10")),
                      ("OpenFlow13", lambda: of_session(s, "OpenFlow13"))):
        s.captures[name] = Capture(s, name)
        act()
        s.captures[name].stop()
for name, field in (("OpenFlow10", "openflow_1_0.type"), ("OpenFlow13", "openflow_v4.type")):
    found = [set(s.captures[name].bad(6653, "openflow")) for s in both]
    own = found[0] - (found[1] if len(found) > 1 else set())
    equal(own, set(), name + ": no message is malformed to Wireshark")
    types = both[0].captures[name].read(6653, "openflow", "-T", "fields", "-e", field)
    seen = {int(x) for x in re.split(r"[\s,]+", types) if x}
    want = TYPES[field]
    equal(want - seen, set(), name + ": every type of message was there")
shunt = both[0]
c = Capture(shunt, "OVSDB")
db_session(shunt)
c.stop()
equal(c.bad(6640, "json"), [], "JSON-RPC: no message is malformed to Wireshark")
text = c.read(6640, "json", "-Y", "json", "-T", "fields", "-e", "json.value.string")
for method in ("monitor_cond", "transact", "get_schema|list_dbs"):
    contains(text, method, "JSON-RPC: %s was there" % method)
finish()
