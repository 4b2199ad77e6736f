#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ovs-vsctl against the database in the switch, beside Open vSwitch's own."""
from lab import *

enter("ovs-vsctl")
both = [Shunt(Net()), Ovs()]
shunt = both[0]


def cfg(*args, **kw):
    return lambda s: s.vsctl(*args, **kw)


def uuids(text):
    """Row identities differ; how many there are does not."""
    text = re.sub(r"^\d{4}-\S+Z\|\d+\|", "", text, flags=re.M)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


def ordered(text):
    return "\n".join(sorted(uuids(text).splitlines()))


def each(name, *args, norm=uuids, **kw):
    return same(both, "%s: %s" % (name, " ".join(args)), cfg(*args, **kw), norm)


for s in both:
    for i in range(1, 6):
        s.net.veth("v%d" % i, "hv%d" % i)
        s.net.sh("ip link set v%d address 00:16:3e:00:02:%02x" % (i, i))

# Bridges and ports.
each("one bridge", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
     "other-config:hwaddr=02:00:00:00:00:01")
each("again", "add-br", "br0")
each("again, may", "--may-exist", "add-br", "br0")
each("second bridge", "add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=netdev",
     "fail_mode=secure", "--", "br-set-external-id", "br1", "who", "me")
each("list-br", "list-br")
each("br-exists", "br-exists", "br0")
each("br-exists, not", "br-exists", "br9")
each("br-get-external-id", "br-get-external-id", "br1", "who")
each("add-port", "add-port", "br0", "v1")
each("add-port again", "add-port", "br0", "v1")
each("add-port again, may", "--may-exist", "add-port", "br0", "v1")
each("add-port elsewhere, may", "--may-exist", "add-port", "br1", "v1")
each("several commands", "add-port", "br0", "v2", "tag=5", "--", "set", "Interface", "v2",
     "ofport_request=7", "--", "add-port", "br1", "v3", "trunks=1,2,3", "vlan_mode=trunk")
each("list-ports", "list-ports", "br0")
each("list-ifaces", "list-ifaces", "br0")
each("port-to-br", "port-to-br", "v2")
each("iface-to-br", "iface-to-br", "v9")
each("a port that is not there", "add-port", "br0", "nodev")
each("its row", "get", "Interface", "nodev", "ofport", "error")
each("its state", "--columns=admin_state,link_state,mac_in_use,statistics,ifindex", "list",
     "Interface", "nodev")
each("number given", "get", "Interface", "v2", "ofport")
each("number chosen", "get", "Interface", "v1", "ofport")
each("a bridge's own address is the lowest of its ports'", "get", "Interface", "br1",
     "mac_in_use")
each("and its datapath ID", "get", "Bridge", "br1", "datapath_id")
each("datapath id", "get", "Bridge", "br0", "datapath_id")
each("show", "show", norm=lambda t: ordered(re.sub(r'^    ovs_version.*\n', "", t, flags=re.M)))

# What the datapath can do, in a row that somebody made.
each("a row for the datapath", "--", "--id=@d", "create", "Datapath", "datapath_version=x", "--", "set",
     "Open_vSwitch", ".", "datapaths:netdev=@d")


def capabilities(s):
    text = wait_for(lambda: re.search(r"\{(.+)\}", s.vsctl("get", "Datapath", ".", "capabilities").out), 20)
    check(text, "capabilities of the datapath are told")
    return dict(x.split("=") for x in text[1].replace('"', "").split(", ")) if text else {}


ours, theirs = (capabilities(s) for s in both)
equal(set(ours), set(theirs), "the same capabilities")
# Theirs has true for sample_nesting, which is a number in the manual.
for k in sorted(set(theirs) - {"sample_nesting"}):
    kind = r"(true|false)$" if theirs[k] in ("true", "false") else r"\d+$"
    check(re.match(kind, ours.get(k, "")), "%s is told in the same words" % k, ours.get(k))
features = shunt.appctl("dpif/show-dp-features", "br0").out
words = {"Yes": "true", "No": "false"}
for k, label in (("ufid", "Ufid"), ("ct_state", "CT state"), ("max_mpls_depth", "Max MPLS depth"),
                 ("lb_output_action", "Optimized Balance TCP mode"), ("sample_nesting", "Sample nesting")):
    shown = re.search(r"^%s: (.*)$" % label, features, re.M)[1]
    equal(ours.get(k), words.get(shown, shown), "%s as dpif/show-dp-features has it" % k)
shunt.vsctl("clear", "Open_vSwitch", ".", "datapaths").ok()
both[1].vsctl("clear", "Open_vSwitch", ".", "datapaths").ok()

# Rows.
each("get a list", "get", "Port", "v3", "trunks", "vlan_mode")
each("get a map's key", "get", "bridge", "br0", "other-config:hwaddr")
each("get what is not there", "get", "bridge", "br0", "other-config:none")
each("get, if", "--if-exists", "get", "bridge", "br0", "other-config:none")
each("get no column", "get", "bridge", "br0", "colour")
each("set", "set", "Port", "v1", "tag=10", "external-ids:a=b", 'external_ids:c="d e"')
each("columns", "--columns=name,tag,external_ids", "list", "Port", "v1")
each("add", "add", "Port", "v1", "trunks", "5", "6")
each("add, seen", "get", "Port", "v1", "trunks")
each("remove", "remove", "Port", "v1", "external_ids", "a")
each("remove, seen", "get", "Port", "v1", "external_ids")
each("clear", "clear", "Port", "v1", "tag", "trunks")
each("clear, seen", "--columns=name,tag,trunks", "list", "Port", "v1")
each("find", "--columns=name", "find", "Interface", "ofport>=0", norm=ordered)
each("find by map", "--columns=name", "find", "Port", "external_ids:c!=x", norm=ordered)
each("find with ()", "--columns=name", "--format=csv", "find", "Bridge", "fail_mode=secure")
each("list as json", "--format=json", "--columns=name,tag", "list", "Port", "v2")
each("list as table", "--format=table", "--columns=name,trunks", "list", "Port", "v3")
each("list as html", "--format=html", "--columns=name,tag", "list", "Port", "v3")
each("wait-until", "wait-until", "Interface", "v1", "ofport>0")
for bad in (("set", "Port", "v1", "tag=5000"), ("set", "Port", "v1", "tag=a"),
            ("set", "Port", "v1", "vlan_mode=odd"), ("set", "Bridge", "br0", "name=br1"),
            ("set", "Interface", "v1", "ofport_request=70000"),
            ("set", "Port", "none", "tag=1"),
            ("destroy", "Port", "none"), ("set", "Controller", ".", "target=x"),
            ("add-port", "br9", "v4"), ("del-port", "v9"), ("del-br", "br9"),
            ("add-br", "v1"), ("add-port", "br0", "br1")):
    each("refused", *bad, norm=lambda t: re.sub(r'"UUID"|\bUUID\b', "U", uuids(t)))
each("unchanged", "--columns=name,tag,vlan_mode", "list", "Port", "v1")
each("all or nothing", "set", "Port", "v1", "tag=11", "--", "set", "Port", "v9", "tag=12")
each("nothing", "get", "Port", "v1", "tag")

# References, made and taken away within a transaction.
each("create", "--", "--id=@m", "create", "Mirror", "name=m0", "--", "add", "bridge", "br0",
     "mirrors", "@m")
each("get by reference", "--", "--id=@p", "get", "Port", "v1", "--", "set", "Mirror", "m0",
     "select-src-port=@p")
each("list", "--columns=name,select_src_port", "list", "Mirror", "m0")
each("clear reference", "clear", "bridge", "br0", "mirrors")
each("unreferenced rows go", "list", "Mirror")
each("qos", "set", "port", "v1", "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb",
     "other-config:max-rate=1000000", "queues:0=@q0", "--", "--id=@q0", "create", "queue",
     "other-config:min-rate=1000", norm=lambda t: uuids(t))
each("destroy", "--", "clear", "port", "v1", "qos", "--", "--all", "destroy", "qos", "--",
     "--all", "destroy", "queue")
each("show tables", "list", "Open_vSwitch", norm=lambda t: "\n".join(
    x.split(":")[0] for x in uuids(t).splitlines()))

# Controllers.
each("set-controller", "set-controller", "br0", "tcp:127.0.0.1:6699", "ptcp:6698:127.0.0.1")
each("get-controller", "get-controller", "br0", norm=ordered)
each("set-fail-mode", "set-fail-mode", "br0", "secure")
each("get-fail-mode", "get-fail-mode", "br0")
each("is_connected", "--columns=target,is_connected", "find", "controller",
     'target="tcp:127.0.0.1:6699"')
each("a listener", "--columns=target,is_connected", "find", "controller",
     'target="ptcp:6698:127.0.0.1"')
same(both, "ovs-ofctl over the listener",
     lambda s: s.ofctl("-O", "OpenFlow10", "probe", "tcp:127.0.0.1:6698"))
each("del-controller", "del-controller", "br0")
each("no controller row", "list", "controller")
each("del-fail-mode", "del-fail-mode", "br0")
same(both, "no listener any more",
     lambda s: s.ofctl("probe", "tcp:127.0.0.1:6698").err.split(" (")[0])
each("set-manager", "set-manager", "ptcp:6690:127.0.0.1")
for s in both:
    up = wait_for(lambda: s.net.run(["ovs-vsctl", "--db=tcp:127.0.0.1:6690", "--timeout=2",
                                     "list-br"]).rc == 0, 5)
    check(up or s.kind == "ovs", s.kind + ": the manager's listener answers")
each("get-manager", "get-manager")
each("del-manager", "del-manager")
each("ssl", "set-ssl", "/k", "/c", "/ca")
each("get-ssl", "get-ssl")
each("del-ssl", "del-ssl")

# The switch confirms each change.
each("next_cfg has come", "get", "Open_vSwitch", ".", "cur_cfg")
for s in both:
    n = int(s.vsctl("get", "Open_vSwitch", ".", "next_cfg").ok())
    equal(int(s.vsctl("get", "Open_vSwitch", ".", "cur_cfg").ok()), n, s.kind + ": cur_cfg")
each("--no-wait", "--no-wait", "set", "bridge", "br0", "other-config:x=y")
each("--dry-run", "--dry-run", "set", "bridge", "br0", "other-config:x=z")
each("not done", "get", "bridge", "br0", "other-config:x")
each("a time limit", "--timeout=1", "wait-until", "bridge", "br0", "other-config:x=never",
     norm=lambda t: re.sub(r"\(.*", "", uuids(t)))

# What a device does while it is a port.
each("a statistic", "get", "Interface", "v1", "statistics:rx_packets")
for s in both:
    k = s.net.socket("hv1")
    for _ in range(10):
        k.send(eth("02:00:00:00:00:aa", "02:00:00:00:00:bb", 0x1234, b"x"))


def counted(s):
    r = s.vsctl("get", "Interface", "v1", "statistics:rx_packets", "statistics:rx_bytes")
    return r.out.split() == ["10", "600"]


for s in both:
    check(wait_for(lambda: counted(s), 12), s.kind + ": statistics reach the Interface row",
          s.vsctl("get", "Interface", "v1", "statistics").out)
for s in both:
    s.net.sh("ip link set v2 down")
    got = wait_for(lambda: s.vsctl("get", "Interface", "v2", "admin_state").out == "down\n")
    check(got, s.kind + ": admin_state follows")
    s.net.sh("ip link set v2 up")
    s.net.sh("ip link del v3")
equal(wait_for(lambda: shunt.vsctl("get", "Interface", "v3", "ofport").out == "-1\n"), True,
      "a device that vanishes loses its number")
contains(shunt.vsctl("get", "Interface", "v3", "error").out, "could not open network device v3",
         "and says why")
for s in both:
    s.net.veth("v3", "hv3")
    back = wait_for(lambda: s.vsctl("get", "Interface", "v3", "ofport").out not in ("-1\n", "[]\n"))
    check(back, s.kind + ": a device that comes back is a port again",
          s.vsctl("list", "Interface", "v3").out)
each("no error any more", "get", "Interface", "v3", "error")
for s in both:
    s.net.veth("nodev", "hnodev")
    got = wait_for(lambda: s.vsctl("get", "Interface", "nodev", "ofport").out not in
                   ("-1\n", "[]\n"))
    check(got, s.kind + ": a device that appears late is a port then")

# Kinds of ports.
each("internal", "add-port", "br0", "int0", "--", "set", "Interface", "int0", "type=internal")
each("internal's row", "--columns=name,type,link_state,admin_state,error", "list", "Interface",
     "int0")
each("patch", "add-port", "br0", "pa", "--", "set", "Interface", "pa", "type=patch",
     "options:peer=pb", "--", "add-port", "br1", "pb", "--", "set", "Interface", "pb", "type=patch",
     "options:peer=pa")
each("patch's rows", "--columns=name,type,options,error", "find", "Interface", "type=patch",
     norm=ordered)
each("patch without peer", "add-port", "br0", "pc", "--", "set", "Interface", "pc", "type=patch",
     norm=lambda t: t.split("\n")[0])
each("a type that is not there", "add-port", "br0", "odd", "--", "set", "Interface", "odd",
     "type=nosuch", norm=lambda t: re.sub(r"(setting up 'odd': ).*", r"\1", uuids(t)))
equal(shunt.vsctl("get", "Interface", "odd", "ofport").out, "-1\n", "a type that is not there")
contains(shunt.vsctl("get", "Interface", "odd", "error").out, "nosuch", "its error names it")
each("number asked for while it runs", "set", "Interface", "v1", "ofport_request=40")
for s in both:
    got = wait_for(lambda: s.vsctl("get", "Interface", "v1", "ofport").out == "40\n", 5)
    check(got, s.kind + ": ofport_request while the port is there",
          s.vsctl("get", "Interface", "v1", "ofport").out)
each("a number that is taken", "add-port", "br0", "v4", "--", "set", "Interface", "v4",
     "ofport_request=40")
each("another is chosen", "--columns=error", "list", "Interface", "v4")
each("mtu", "set", "Interface", "v4", "mtu_request=1400")
for s in both:
    got = wait_for(lambda: s.vsctl("get", "Interface", "v4", "mtu").out == "1400\n", 6)
    check(got, s.kind + ": mtu_request", s.vsctl("get", "Interface", "v4", "mtu").out)

# Away again.
each("del-port", "del-port", "br0", "v2")
each("del-port, if", "--if-exists", "del-port", "v2")
each("del-port of another bridge", "del-port", "br0", "v3")
each("with-iface", "--with-iface", "del-port", "br0", "v4")
each("rows went", "--columns=name", "list", "Interface", norm=ordered)
each("del-br", "del-br", "br1")
each("del-br, if", "--if-exists", "del-br", "br1")
each("emer-reset", "emer-reset")
each("all", "del-br", "br0")
each("nothing left", "list", "Interface")
each("nothing left", "list", "Port")
for s in both:
    gone = wait_for(lambda: not re.search(r" (br0|int0):", s.net.sh("ip -o link")), 3)
    check(gone, s.kind + ": internal devices went", s.net.sh("ip -o link"))

# A bridge, port and addresses as a script makes them, and again after a restart.
shunt.vsctl("add-br", "br5", "--", "add-port", "br5", "v5", "--", "set", "Interface", "v5",
            "ofport_request=5", "other_config:offload=sim:cx6dx").ok()
before = shunt.vsctl("--columns=name,ofport,mac_in_use", "list", "Interface").ok()
dpid = shunt.vsctl("get", "bridge", "br5", "datapath_id").ok()
uuid = shunt.vsctl("get", "bridge", "br5", "_uuid").ok()
shunt.restart()
got = wait_for(lambda: shunt.vsctl("get", "Interface", "v5", "ofport").out == "5\n", 10)
equal(ordered(shunt.vsctl("--columns=name,ofport,mac_in_use", "list", "Interface").ok()),
      ordered(before), "ports after a restart")
equal(shunt.vsctl("get", "bridge", "br5", "datapath_id").ok(), dpid, "datapath id, restarted")
equal(shunt.vsctl("get", "bridge", "br5", "_uuid").ok(), uuid, "row identity, restarted")
finish()
