#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""/metrics as Prometheus wants it: promtool has nothing to say, counters only grow, and what they
count is what was sent."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system"))
from fault_rig import Rig, lab, until  # noqa: E402

# A request of HTTP as it is written, and the whole answer.
ASK = ("import socket, sys; s = socket.create_connection(('127.0.0.1', 9310), 10); "
       "s.sendall((sys.argv[1] + '\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n').encode()); "
       "sys.stdout.write(b''.join(iter(lambda: s.recv(65536), b'')).decode())")
PORTS, MARKED = range(1001, 1009), 1500
FAMILIES = {
    "shunt_datapath_available": "datapath", "shunt_netlink_dumps_interrupted_total": "family",
    "shunt_packets_total": "tier", "shunt_bytes_total": "tier", "shunt_flows": "tier",
    "shunt_offload_queue_depth": "device", "shunt_offload_install_latency_seconds_bucket": "le",
    "shunt_offload_refusals_total": "reason", "shunt_flows_outside_hardware": "reason",
    "shunt_upcalls_total": "kind", "shunt_drops_total": "reason", "shunt_parse_errors_total":
    "reason", "shunt_port_packets_total": "port", "shunt_port_switched_packets_total": "tier", "shunt_openflow_rules": "bridge",
    "shunt_megaflow_events_total": "event", "shunt_offload_operations_total": "operation",
}


def http(rig, line):
    head, _, body = rig.net.run([sys.executable, "-c", ASK, line]).ok().partition("\n\n")
    return head, body


def promtool(rig, when):
    head, body = http(rig, "GET /metrics HTTP/1.0")
    lab.contains(head, r"^HTTP/1.[01] 200 ", when + ": 200")
    lab.contains(head, r"(?i)^content-type: text/plain; version=0.0.4", when + ": content type")
    lab.contains(body, r"^shunt_uptime_seconds \d+$", when + ": metrics")
    r = lab.run(["promtool", "check", "metrics"], stdin=body)
    lab.equal((r.rc, r.out, r.err), (0, "", ""), when + ": promtool has nothing to say")
    return rig.metrics()


def grew(before, after, when):
    back = ["%s: %g, then %g" % (k, v, after.get(k, -1)) for k, v in before.items()
            if k.split("{")[0].endswith(("_total", "_count", "_sum", "_bucket"))
            and after.get(k, -1) < v]
    lab.check(not back, when + ": counters only grow", "\n".join(back))


def check_histogram(metrics):
    name = "shunt_offload_install_latency_seconds"
    buckets = [(float(k.split('le="')[1].split('"')[0]), v) for k, v in metrics.items()
               if k.startswith(name + "_bucket")]
    counts = [v for _, v in buckets]
    lab.equal(buckets, sorted(buckets), "the histogram's bounds go up, and so do its buckets")
    total = [v for k, v in metrics.items() if k.startswith(name + "_count")]
    lab.equal(total, counts[-1:], "the last bucket holds all")
    lab.check(total[0] >= len(PORTS), "each installation is in it", total)


def requests(rig):
    for line, want in (("GET /metrics?x=y HTTP/1.1", 200), ("HEAD /metrics HTTP/1.1", 200),
                       ("GET /nosuch HTTP/1.1", 404), ("POST /metrics HTTP/1.1", 405),
                       ("NONSENSE", 400)):
        head, _ = http(rig, line)
        lab.contains(head, r"^HTTP/1.\d %d " % want, "%s: %d" % (line, want))
    listening = rig.net.sh("ss -Hltn sport = :9310")
    lab.contains(listening, r"127\.0\.0\.1:9310", "only this machine is served")


def documented():
    """{family: its labels} of the tables in the operator's guide, whose rows tell labels of some of
    their families."""
    found = {}
    with open(os.path.join(lab.HERE, "../../docs/OPERATING.md")) as f:
        for line in f:
            cells = line.split("|")
            if line.startswith("| `shunt_"):
                for family in re.findall(r"`(shunt_\w+)`", cells[1]):
                    found[family] = set(re.findall(r"`(\w+)`", cells[2]))
    return found


def is_documented(body):
    """Each family and label is in the guide, and the guide has no other family."""
    families = set(re.findall(r"^# TYPE (\S+)", body, re.M))
    guide = documented()
    lab.equal(families, set(guide), "docs/OPERATING.md has the families that there are")
    missing = set()
    for name, labels in re.findall(r"^(\w+){(.*)} ", body, re.M):
        family = name if name in families else name.rpartition("_")[0]
        told = guide.get(family, set()) | {"datapath"}
        missing |= {family + ": " + x for x in re.findall(r'(\w+)="', labels) if x not in told}
    lab.equal(missing, set(), "and their labels")


def words_of(path):
    with open(os.path.join(lab.HERE, "../..", path)) as f:
        return f.read()


def faults(body):
    """docs/FAULTS.md: each fault's row names a test that there is, a reason that there is, and a metric
    that is served, with the label and the value that the row tells."""
    text = words_of("docs/FAULTS.md")
    served = re.findall(r"^(\w+){(.*)} ", body, re.M)
    for family, label in re.findall(r"`(shunt_\w+)(?:{(.*?)})?`", text):
        there = [x for name, x in served if name == family]
        lab.check(there, "docs/FAULTS.md: %s is served" % family)
        lab.check(not label or any(label in x.split(",") for x in there), "and %s of it" % label)
    reasons = set(re.findall(r"^### `(\w+)`", words_of("docs/REASONS.md"), re.M))
    rows = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$",
                      text.partition("## Which test makes each happen")[2], re.M)[1:]
    lab.check(len(rows) >= 14, "docs/FAULTS.md has its table of tests", len(rows))
    for what, tests, why, metric in rows:
        names = re.findall(r"`(tests/[^`]+)`", tests)
        lab.check(names, what + ": has a test")
        for t in names:
            path = os.path.join(lab.HERE, "../..", t)
            lab.check(os.path.exists(path) or os.path.exists(path + ".c"), "%s: %s is there" % (what, t))
        for r in re.findall(r"`([a-z_]+)`", why):
            lab.check(r in reasons, "%s: %s is a reason" % (what, r))
        lab.check(re.search(r"`|error|^none: ", why), what + ": says why", why)
        lab.check(re.search(r"`shunt_\w+[`{]|^none: ", metric), what + ": has a metric", metric)


lab.enter("ovs-vsctl", "ovs-ofctl", "promtool", "ss")
rig = Rig()
rig.vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=600000")  # what is counted in the end is still there
is_documented(http(rig, "GET /metrics HTTP/1.0")[1])
faults(http(rig, "GET /metrics HTTP/1.0")[1])
first = promtool(rig, "at the start")
rig.rules(PORTS)
rig.rules([MARKED], "mod_nw_ecn:3,output:2")  # a rewrite that this NIC does not have
sender = rig.send(list(PORTS) + [MARKED])
rig.all_in(PORTS)
promtool(rig, "under traffic")
a = rig.a.socket("eth0")
for _ in range(5):
    a.send(lab.eth("02:00:00:00:00:0a", "02:00:00:00:00:0b", 0x800, b"\x4f" + bytes(19)))
rig.stop_sending()
sent = sum(rig.sent().values())


def accounted():
    m = rig.metrics()
    return m if sum(v for k, v in m.items() if k.startswith("shunt_packets_total")) >= sent else None


last = until("packets by tier become what was sent", accounted)
last = promtool(rig, "with everything in it")
grew(first, last, "from the start to the end")
for family, label in FAMILIES.items():
    found = [k for k in last if k.startswith(family + "{") and label + '="' in k]
    lab.check(found, "%s by %s" % (family, label))
tiers = {k.split('tier="')[1][:-2]: v for k, v in last.items()
         if k.startswith("shunt_packets_total")}
lab.check(tiers["hardware"] > 0 and tiers["user"] > 0, "both tiers have switched", str(tiers))
lab.check(rig.metric("shunt_flows", tier="hardware") >= len(PORTS), "flows by tier")
lab.check(rig.metric("shunt_flows_outside_hardware") >= 1, "flows outside hardware by reason")
lab.check(rig.metric("shunt_upcalls_total", kind="miss") >= len(PORTS), "upcalls are counted")
lab.check(rig.metric("shunt_parse_errors_total") >= 5, "malformed packets are counted by reason")
lab.equal(rig.metric("shunt_port_packets_total", port="va", direction="rx"), sent + 5,
          "a port's packets are what was sent")
lab.check(rig.metric("shunt_port_switched_packets_total", port="va", tier="hardware") > 0 and
          rig.metric("shunt_port_switched_packets_total", port="va", tier="user") > 0,
          "and what entered by a port, by tier")
check_histogram(last)
requests(rig)
with open(os.path.join(lab.HERE, "../../docs/OPERATING.md")) as f:
    manual = f.read()
body = rig.ctl("metrics")
families = set(lab.re.findall(r"^# TYPE (\w+)", body, lab.re.M))
lab.equal({x for x in families if "`%s`" % x not in manual}, set(), "docs/OPERATING.md has them all")
lab.equal(set(lab.re.findall(r"`(shunt_\w+)`", manual)) - families, set(), "and no others")
text = rig.ctl("metrics")
lab.check(text.startswith("# HELP shunt_build_info"), "shuntctl metrics is the same text", text[:200])
lab.finish()
