#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A learning switch written for os-ken (osken_app.py) as the controller of Shunt, over TCP.

What the application reads back is compared with what Open vSwitch tells it; traffic between hosts,
probes, backoff and both fail modes are held against what ovs-vswitchd.conf.db(5) promises."""
import json

from lab import *

enter("ovs-ofctl", "ovs-vsctl", "osken-manager", "ping")
need_module("os_ken")
TARGET = "tcp:127.0.0.1:6653"


class App:
    """osken-manager with the application, in a switch's namespace."""

    def __init__(self, switch, version="1.3", idle=60):
        self.switch, self.version = switch, version
        self.dir = switch.path("osken-" + version)
        os.makedirs(self.dir, exist_ok=True)
        self.env = dict(os.environ, OSKEN_DIR=self.dir, OSKEN_VERSION=version,
                        OSKEN_IDLE=str(idle), PYTHONDONTWRITEBYTECODE="1")
        self.start()

    def start(self):
        with open(os.path.join(self.dir, "log"), "a") as log:
            self.proc = self.switch.net.popen(
                ["osken-manager", "--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", "6653",
                 os.path.join(HERE, "osken_app.py")], env=self.env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    def stop(self):
        self.proc.send_signal(signal.SIGCONT)
        self.proc.kill()
        self.proc.wait()

    def events(self, kind=None):
        try:
            with open(os.path.join(self.dir, "events")) as f:
                all_ = [json.loads(x) for x in f if x.endswith("\n")]
        except FileNotFoundError:
            return []
        return [e for e in all_ if kind in (None, e["event"])]

    def ask(self, call, **args):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(os.path.join(self.dir, "ask"))
            s.sendall(json.dumps({"call": call, "args": args}).encode() + b"\n")
            s.shutdown(socket.SHUT_WR)
            with s.makefile() as f:
                return json.loads(f.read())

    def log(self):
        with open(os.path.join(self.dir, "log")) as f:
            return f.read()[-3000:]


def controller(s, column):
    return s.vsctl("get", "controller", "br0", column).out.strip()


def status(s, key):
    return s.vsctl("--if-exists", "get", "controller", "br0", "status:" + key).out.strip().strip('"')


def connected(s):
    return controller(s, "is_connected") == "true"


def until(what, fn, seconds=20.0):
    got = wait_for(fn, seconds * PATIENCE, 0.1)
    check(got, what, "not within %g s" % seconds)
    return got


def pings(s, src, dst, count=3):
    return s.hosts[src].run(["ping", "-q", "-c", str(count), "-i", "0.05", "-W", "1",
                             "10.0.0.%d" % dst]).rc == 0


both = [Shunt(Net()), Ovs()] if have_ovs() else [Shunt(Net())]
shunt = both[0]
for s in both:
    s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
            "other-config:datapath-id=0000000000000abc", "fail_mode=secure",
            "other-config:hwaddr=02:00:00:00:00:01").ok()
    s.hosts = {}
    for i in (1, 2, 3):
        s.hosts[i] = Net()
        s.net.veth("p%d" % i, "eth0", s.hosts[i], "10.0.0.%d/24" % i, "02:00:00:00:00:1%d" % i)
        s.net.sh("ip link set p%d address 02:00:00:00:01:%02x" % (i, i))
        s.vsctl("add-port", "br0", "p%d" % i, "--", "set", "Interface", "p%d" % i,
                "ofport_request=%d" % i).ok()
    s.net.sh("ip link set br0 up")

# --- a learning switch, in 1.0 and 1.3 ---


def scrub(x):
    """Durations, counters of the device, and what a switch says of itself."""
    own = {"duration_sec", "duration_nsec", "mfr_desc", "hw_desc", "sw_desc", "serial_num", "length", "dp_desc",
           "max_speed", "curr_speed", "byte_count", "packet_count", "lookup_count", "matched_count"}
    if isinstance(x, dict):
        return {k: scrub(v) for k, v in x.items()
                if k not in own and not re.match(r"[rt]x_|collisions|name$", k) or k == "name"}
    if isinstance(x, list):
        return sorted((scrub(v) for v in x), key=lambda v: json.dumps(v, sort_keys=True))
    return x


def tell(fn):
    return lambda s: json.dumps(fn(s.app), indent=1, sort_keys=True)


ASK10 = [("get_desc_stats", {}), ("get_port_desc", {}), ("get_port_stats", {}),
         ("get_table_stats", {}), ("get_queue_stats", {}),
         ("get_flow_stats", {}), ("get_aggregate_flow_stats", {}),
         ("get_flow_stats", {"flow": {"match": {"in_port": 1}}}),
         ("get_aggregate_flow_stats", {"flow": {"out_port": 2}})]
ASK13 = ASK10 + [("get_group_desc", {}), ("get_group_stats", {}), ("get_role", {}),
                 ("get_queue_config", {}), ("get_port_stats", {"port": 2}),
                 ("get_flow_stats", {"flow": {"cookie": 0xbee, "cookie_mask": 0xffff}})]
GROUP = {"group_id": 7, "type": "SELECT",
         "buckets": [{"weight": 1, "actions": [{"type": "OUTPUT", "port": 2}]},
                     {"weight": 3, "actions": [{"type": "SET_FIELD", "field": "eth_src",
                                                "value": "02:00:00:00:00:77"},
                                               {"type": "OUTPUT", "port": 3}]}]}
FLOWS13 = [
    {"table_id": 4, "priority": 5, "match": {"eth_type": 0x800, "ipv4_dst": "10.1.0.0/16"},
     "actions": [{"type": "DEC_NW_TTL"}, {"type": "OUTPUT", "port": 2}]},
    {"table_id": 4, "priority": 6, "match": {"eth_type": 0x86dd, "ipv6_src": "2001:db8::/32"},
     "actions": [{"type": "GROUP", "group_id": 7}]},
    {"table_id": 4, "priority": 7, "match": {"vlan_vid": 7}, "actions": [
        {"type": "POP_VLAN"}, {"type": "GOTO_TABLE", "table_id": 9}]},
    {"table_id": 4, "priority": 8, "match": {"in_port": 3}, "actions": [
        {"type": "PUSH_VLAN", "ethertype": 33024},
        {"type": "SET_FIELD", "field": "vlan_vid", "value": 4103}, {"type": "OUTPUT", "port": 1}]},
    {"table_id": 4, "priority": 9, "match": {"eth_type": 0x806, "arp_op": 1}, "actions": [
        {"type": "WRITE_METADATA", "metadata": 5, "metadata_mask": 15},
        {"type": "WRITE_ACTIONS", "actions": [{"type": "OUTPUT", "port": "NORMAL"}]},
        {"type": "GOTO_TABLE", "table_id": 5}]},
]


def learning(version):
    for s in both:
        s.app = App(s, version)
        s.vsctl("set", "bridge", "br0", "protocols=OpenFlow%s" % version.replace(".", ""), "--",
                "set-controller", "br0", TARGET, "--", "set", "controller", "br0",
                "inactivity_probe=10000", "max_backoff=1000").ok()
    for s in both:
        what = "%s, OpenFlow %s: " % (s.kind, version)
        until(what + "is_connected", lambda: connected(s))
        until(what + "the application sees it", lambda: s.app.events("connected"))
        equal([(e["dpid"], e["version"]) for e in s.app.events("connected")],
              [("0000000000000abc", 1 if version == "1.0" else 4)], what + "once, by its id")
        equal(controller(s, "role"), "other", what + "role")
        equal(status(s, "state"), "ACTIVE", what + "status:state")
        check(pings(s, 1, 2) and pings(s, 2, 3) and pings(s, 3, 1), what + "hosts reach each other")
        before = len(s.app.events("packet_in"))
        check(pings(s, 1, 2, 20), what + "and go on to")
        heard = [e for e in s.app.events("packet_in")[before:] if e["type"] == "0x0800"]
        equal(heard, [], what + "by flows, not by the controller")
        dump = s.ofctl("-O", "OpenFlow" + version.replace(".", ""), "--names", "dump-flows", "br0")
        n = re.findall(r"n_packets=(\d+).*in_port=p1,.*dl_src=02:00:00:00:00:11,"
                       r"dl_dst=02:00:00:00:00:12", dump.out)
        check(len(n) == 1 and int(n[0]) > 0, what + "whose flow counts them", str(n))
        heard = s.app.events("packet_in")
        check(heard and all(e["total_len"] == e["len"] >= 42 for e in heard),
              what + "whole packets are heard", str(heard[:5]))
        equal(s.app.events("error"), [], what + "no errors")


def ask_all(version):
    if version == "1.3":
        for s in both:
            s.app.ask("mod_group_entry", group=GROUP, cmd=0)
            for f in FLOWS13:
                s.app.ask("mod_flow_entry", flow=f, cmd=0)
            equal(s.app.events("error"), [], s.kind + " takes the application's group and flows")
    if version == "1.3":
        tables = list(shunt.app.ask("get_table_features").values())[0]
        equal(len(tables), 254, "1.3: features of every table")
    for call, args in ASK13 if version == "1.3" else ASK10:
        answer = shunt.app.ask(call, **args)
        check(answer and list(answer.values())[0] or "queue" in call, "%s: %s is answered" % (version, call),
              json.dumps(answer))
        if len(both) == 2:
            same(both, "%s: %s %s" % (version, call, args or ""),
                 tell(lambda app: scrub(app.ask(call, **args))))
    for s in both:
        s.app.ask("mod_flow_entry", flow={"match": {"eth_type": 0x800}, "actions": [
            {"type": "SET_FIELD", "field": "tcp_dst", "value": 5}]} if version == "1.3" else
            {"match": {}, "actions": [{"type": "OUTPUT", "port": 0xff17}]}, cmd=0)
        until("%s: %s tells of an error" % (version, s.kind), lambda: s.app.events("error"), 10)
    if len(both) == 2:
        same(both, version + ": which", tell(lambda app: app.events("error")))


def end(version):
    for s in both:
        s.vsctl("del-controller", "br0").ok()
        until("%s: %s: the application sees the end" % (version, s.kind),
              lambda: s.app.events("disconnected"), 10)
        s.app.stop()
        s.ofctl("-O", "OpenFlow" + version.replace(".", ""), "del-flows", "br0").ok()


for v in ("1.0", "1.3"):
    learning(v)
    ask_all(v)
    if v == "1.0":
        end(v)

# --- what the switch says by itself ---
for s in both:
    s.app.ask("delete_flow_entry" if s.app.version == "1.0" else "mod_flow_entry",
              flow={"cookie": 0xbee, "cookie_mask": 0xffff}, cmd=3)
    until(s.kind + ": flows that are deleted say so", lambda: len(s.app.events("flow_removed")) >= 6)
    gone = s.app.events("flow_removed")
    equal({e["reason"] for e in gone}, {2}, s.kind + ": OFPRR_DELETE")
    check(max(e["packets"] for e in gone) >= 20, s.kind + ": with their last counts", str(gone))
    s.app.ask("mod_flow_entry", cmd=0, flow={
        "priority": 3, "hard_timeout": 1, "flags": 1, "cookie": 9, "match": {"in_port": 3},
        "actions": []})
    until(s.kind + ": a hard timeout says so",
          lambda: [e for e in s.app.events("flow_removed") if e["cookie"] == 9 and e["reason"] == 1])
    s.net.sh("ip link set p3 down")
    until(s.kind + ": a port that goes down says so",
          lambda: [e for e in s.app.events("port") if e["port"] == 3 and e["state"] & 1])
    s.net.sh("ip link set p3 up")
    until(s.kind + ": and up", lambda: s.app.events("port") and not
          s.app.events("port")[-1]["state"] & 1)
    s.net.veth("p4", "hp4")
    s.vsctl("add-port", "br0", "p4", "--", "set", "Interface", "p4", "ofport_request=4").ok()
    until(s.kind + ": a port that comes",
          lambda: [e for e in s.app.events("port") if e["name"] == "p4" and e["reason"] == 0])
    s.vsctl("del-port", "p4").ok()
    until(s.kind + ": and goes",
          lambda: [e for e in s.app.events("port") if e["name"] == "p4" and e["reason"] == 1])
    s.app.ask("role", role=2, generation=5)
    until(s.kind + ": master, says the switch", lambda: s.app.events("role"), 10)
    if s is shunt:  # the rows follow every few seconds
        until(s.kind + ": master, says the row", lambda: controller(s, "role") == "master", 8)
    s.app.ask("role", role=3, generation=6)
    until(s.kind + ": slave, says the switch", lambda: len(s.app.events("role")) == 2, 10)
    if s is shunt:
        until(s.kind + ": slave, says the row", lambda: controller(s, "role") == "slave", 8)
    n = len(s.app.events("error"))
    s.app.ask("mod_flow_entry", cmd=0, flow={"match": {}, "actions": []})
    until(s.kind + ": a slave's flow-mod is refused", lambda: len(s.app.events("error")) > n, 10)
    s.app.ask("role", role=1, generation=7)
    until(s.kind + ": equal again", lambda: len(s.app.events("role")) == 3, 10)
if len(both) == 2:
    same(both, "roles", tell(lambda app: app.events("role")))
    same(both, "errors", tell(lambda app: app.events("error")))

# --- probes, backoff, fail mode secure ---
app = shunt.app


def connections():
    return len(app.events("connected"))


def stays(seconds):
    """A controller that waits for a CPU may be late with an answer: the span counts."""
    n = connections()
    time.sleep(seconds)
    return connected(shunt) and connections() == n


shunt.vsctl("set", "controller", "br0", "inactivity_probe=1000").ok()
until("probes each second that are answered keep the connection", lambda: stays(3))
n = connections()
check(pings(shunt, 1, 2), "flows for what follows")
os.kill(app.proc.pid, signal.SIGSTOP)
until("a controller that does not answer is given up", lambda: not connected(shunt))
contains(status(shunt, "last_error"), "inactiv|echo|timed out", "status:last_error says so")
os.kill(app.proc.pid, signal.SIGCONT)
until("and connected to again", lambda: connected(shunt) and connections() > n)
n = connections()
app.ask("drop")
until("a connection that the controller closes comes back",
      lambda: connected(shunt) and connections() > n)
until("hosts", lambda: pings(shunt, 1, 2) and pings(shunt, 2, 3))
n = connections()
tries = shunt.log().count("cannot connect")
app.stop()
until("a controller that ends is seen", lambda: not connected(shunt), 10)
until("status:last_error says that it is not there",
      lambda: status(shunt, "last_error") == "Connection refused", 10)
# Tries that were 1, 2, 4, 8 and 8 seconds apart, as without max_backoff, would take longer.
until("the switch tries again and again, max_backoff apart",
      lambda: shunt.log().count("cannot connect: Connection refused") >= tries + 6, 20)
contains(status(shunt, "state"), "BACKOFF|CONNECTING", "status:state")
contains(status(shunt, "sec_since_disconnect"), r"^\d+$", "status:sec_since_disconnect")
check(pings(shunt, 1, 2), "secure: flows that are there go on")
shunt.ofctl("-O", "OpenFlow13", "del-flows", "br0", "cookie=0xbee/-1").ok()
until("secure: and nothing else does", lambda: not pings(shunt, 1, 2), 10)
before = shunt.ofctl("-O", "OpenFlow13", "dump-flows", "br0").out.count("cookie")
time.sleep(3)
equal(shunt.ofctl("-O", "OpenFlow13", "dump-flows", "br0").out.count("cookie"), before,
      "secure: the tables stay as they are")
app.start()
until("a controller that starts is found", lambda: connected(shunt))
until("and says so", lambda: connections() > n)
until("and hosts reach each other", lambda: pings(shunt, 1, 2))

# --- fail mode standalone ---
shunt.vsctl("set-fail-mode", "br0", "standalone").ok()
check(pings(shunt, 1, 2), "standalone: the controller decides while it is there")
shunt.ofctl("-O", "OpenFlow13", "add-flow", "br0", "priority=99,in_port=3,actions=drop").ok()
until("standalone: by its tables", lambda: not pings(shunt, 1, 3), 10)
app.stop()
until("standalone: it is seen to end", lambda: not connected(shunt), 10)
check(not pings(shunt, 1, 3), "standalone: its tables hold for the first 15 seconds")
until("standalone: then a learning switch", lambda: pings(shunt, 1, 3), 25)
contains(shunt.log(), r"\|WARN\|.*no controller", "the log says so")
app.start()
until("standalone: the controller is back", lambda: connected(shunt)) or print(app.log())
until("and decides again", lambda: not pings(shunt, 1, 3), 10)
shunt.ofctl("-O", "OpenFlow13", "--strict", "del-flows", "br0", "priority=99,in_port=3").ok()
check(pings(shunt, 1, 3), "as it likes")
shunt.vsctl("del-controller", "br0").ok()
until("no controller any more: a learning switch", lambda: "actions=NORMAL" in shunt.ofctl(
    "-O", "OpenFlow13", "dump-flows", "br0").out, 10)
check(pings(shunt, 1, 3), "at once")
finish()
