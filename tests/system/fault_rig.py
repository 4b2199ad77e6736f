# SPDX-License-Identifier: Apache-2.0
"""Two hosts, a switch whose ports have a simulated NIC, and senders whose count is known.

Stands on the interoperability tests' lab.py: namespaces, the switch, its clients.  A Rig's host a
sends UDP to host b; rules of table 0 take each UDP port by itself, so that a port is a flow.  What
was sent, what arrived (host b's own device counter) and what OpenFlow says must agree.

Nothing here sleeps for a fixed time to be safe: until() asks again and again, up to its limit.
"""
import json
import os
import re
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../interop"))
import lab  # noqa: E402

TOP = os.path.abspath(os.path.join(HERE, "../.."))
SHUNTCTL = os.environ.get("SHUNTCTL", os.path.abspath("tools/shuntctl"))
MAC_A, MAC_B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
PATIENCE = lab.PATIENCE


def until(what, fn, seconds=15.0):
    """fn() is asked until it is true; its answer.  What never comes true is a failed check."""
    got = lab.wait_for(fn, seconds * PATIENCE)
    lab.check(got, what, "not within %g s; last answer: %s" % (seconds * PATIENCE, got))
    return got


class Rig:
    def __init__(self, device="sim:cx6dx", pmd=(), args=()):
        os.environ.setdefault("SHUNT_PROFILE_DIR", os.path.join(TOP, "offload/sim/profiles"))
        self.net, self.a, self.b = lab.Net(), lab.Net(), lab.Net()
        self.net.veth("va", "eth0", self.a, "10.9.0.1/24", MAC_A)
        self.net.veth("vb", "eth0", self.b, "10.9.0.2/24", MAC_B)
        self.sw = lab.Shunt(self.net, "shunt%d" % len(lab.switches), args)
        self.device = device
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
                   "fail_mode=secure", *pmd)
        for i, p in enumerate(("va", "vb")):
            dev = ["other_config:offload=" + device] if device else []
            self.vsctl("add-port", "br0", p, "--", "set", "interface", p,
                       "ofport_request=%d" % (i + 1), *dev)
        self.senders = []

    # --- asking the switch ---

    def vsctl(self, *args):
        return self.sw.vsctl(*args).ok()

    def ofctl(self, *args, **kw):
        return self.sw.ofctl(*args, **kw).ok()

    def ctl(self, *args):
        """shuntctl: its text; a failure is a failed check."""
        return self.ctl_result(*args).ok()

    def ctl_result(self, *args):
        return self.net.run([SHUNTCTL, "--target", self.sw.path("shuntd.ctl"), *args],
                            env=self.sw.env)

    def json(self, *args):
        return json.loads(self.ctl(*args, "--json") or "null")

    def fault(self, *words):
        return self.ctl("offload", "device", self.device, "fault", *words)

    def metrics(self):
        """{'family{labels}': value} of what /metrics serves, fetched over HTTP."""
        text = self.net.run([sys.executable, "-c", FETCH]).ok()
        out = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                out[name] = float(value)
        return out

    def metric(self, family, **labels):
        """The sum over all samples of a family that have these labels."""
        total = 0.0
        for name, value in self.metrics().items():
            if name.split("{")[0] == family and all(
                    '%s="%s"' % kv in name for kv in labels.items()):
                total += value
        return total

    def flows(self, *words):
        return self.json("offload", "flows", *words)

    def udp_flows(self):
        """Flows of the senders, by UDP port."""
        found = {}
        for f in self.flows():
            m = re.search(r"(?:tp_dst|udp_dst|udp\(dst)=(\d+)", f["match"])
            if m:
                found[int(m.group(1))] = f
        return found

    def why(self, ufid):
        return self.json("offload", "why", ufid)[0]

    # --- rules and traffic ---

    def rules(self, ports, actions="output:2"):
        """One rule for each UDP port, by which the packets go to host b."""
        self.ofctl("add-flows", "br0", "-", stdin="".join(
            "priority=10,in_port=1,udp,tp_dst=%d,actions=%s\n" % (p, actions) for p in ports))

    def n_packets(self):
        """{UDP port: n_packets} as OpenFlow counts them."""
        out = {}
        for line in self.ofctl("dump-flows", "br0").splitlines():
            m = re.search(r"n_packets=(\d+).*tp_dst=(\d+)", line)
            if m:
                out[int(m.group(2))] = out.get(int(m.group(2)), 0) + int(m.group(1))
        return out

    def arrived(self):
        """Packets that host b's device has received, ever."""
        link = json.loads(self.b.sh("ip -s -j link show eth0"))[0]
        return link["stats64"]["rx"]["packets"]

    def send(self, ports, pps=100):
        """pps: of each port."""
        s = Sender(self, ports, pps * len(ports))
        self.senders.append(s)
        return s

    def stop_sending(self):
        for s in self.senders:
            s.stop()

    def sent(self):
        """{UDP port: packets} of all senders there were."""
        out = {}
        for s in self.senders:
            for p, n in s.sent.items():
                out[p] = out.get(p, 0) + n
        return out

    def all_in(self, ports, state="hardware"):
        def there():
            got = self.udp_flows()
            return all(p in got and got[p]["state"] == state for p in ports)
        return until("flows %s are %s" % (list(ports), state), there, 30)

    def check_exact(self, what):
        """OpenFlow's counts are those of the senders, and stay so."""
        want = self.sent()

        def agree():
            got = self.n_packets()
            return got if all(got.get(p, 0) == n for p, n in want.items()) else None
        lab.wait_for(agree, 15 * PATIENCE)
        got = self.n_packets()
        lab.equal({p: got.get(p, 0) for p in want}, want, what + ": n_packets is what was sent")

    def check_arrived(self, what, before, lost=0):
        """Everything that was sent since arrived() was `before` is at host b, but for `lost`."""
        want = sum(self.sent().values())
        until(what + ": what was sent arrives (%d, %d may be missing)" % (want, lost),
              lambda: self.arrived() - before >= want - lost)
        lab.check(self.arrived() - before <= want, what + ": nothing arrives twice")


BURST = 64
FETCH = ("import urllib.request as u; print(u.urlopen('http://127.0.0.1:9310/metrics', "
         "timeout=10).read().decode())")


class Sender(threading.Thread):
    """Sends to each of the UDP ports in turn at so many packets a second, until stop()."""

    def __init__(self, rig, ports, pps):
        super().__init__(daemon=True)
        self.sock = rig.a.socket("eth0")
        self.sock.setblocking(True)
        self.pps = pps
        self.sent = {p: 0 for p in ports}
        self.frames = {p: lab.eth(MAC_A, MAC_B, 0x800,
                                  lab.udp4("10.9.0.1", "10.9.0.2", 4000 + p, p))
                       for p in ports}
        self.ending = False
        self.start()

    def run(self):
        begun, n, ports = time.monotonic(), 0, list(self.frames)
        while not self.ending:
            due = int((time.monotonic() - begun) * self.pps)
            n = max(n, due - BURST)  # after a pause not all that was due at once
            while n < due and not self.ending:
                p = ports[n % len(ports)]
                try:
                    self.sock.send(self.frames[p])
                    self.sent[p] += 1
                except OSError:
                    pass  # no room in the device: it was not sent
                n += 1
            time.sleep(0.002)

    def stop(self):
        self.ending = True
        self.join()
        self.sock.close()
