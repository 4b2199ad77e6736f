#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything changes at once: rules, groups, bridges, ports, devices, threads, NIC faults and thousands
of flows, while clients look at all of it.  The flows of one rule that stays are counted exactly through
it all, and every one of their packets arrives.  SHUNT_CHURN_S is how long (10 s)."""
import os
import random
import threading
import time

from fault_rig import MAC_A, Rig, lab

PORTS = range(1001, 1009)
SECONDS = float(os.environ.get("SHUNT_CHURN_S", 10))


class Repeat(threading.Thread):
    """Does one thing again and again."""

    def __init__(self, fn):
        super().__init__(daemon=True)
        self.fn, self.n, self.ending = fn, 0, False
        self.start()

    def run(self):
        while not self.ending:
            self.fn(self.n)
            self.n += 1

    def stop(self):
        self.ending = True
        self.join()


class Stray:
    """Packets that no rule stays for, each with ports of its own: upcalls, many flows, MACs."""

    def __init__(self, rig):
        self.sock = rig.b.socket("eth0")
        self.sock.setblocking(True)
        self.rng = random.Random(1)

    def __call__(self, n):
        src = "02:00:00:00:01:%02x" % (n % 200)
        for _ in range(20):
            frame = lab.eth(src, MAC_A, 0x800, lab.udp4("10.9.0.2", "10.9.0.1",
                                                        self.rng.randrange(1, 65536),
                                                        self.rng.randrange(2000, 65536)))
            try:
                self.sock.send(frame)
            except OSError:
                pass
        time.sleep(0.01)


def rules(rig):
    def change(n):
        rig.sw.ofctl("-O", "OpenFlow13", "add-group", "br0",
                     "group_id=%d,type=all,bucket=output:1" % (n + 1))
        rig.sw.ofctl("add-flow", "br0", "priority=%d,in_port=2,udp,tp_src=%d/0x%x,idle_timeout=1,"
                     "actions=mod_nw_tos:%d,NORMAL" % (20 + n % 50, n << 6 & 0xffc0, 0xffc0,
                                                       n % 8 * 4))
        rig.sw.ofctl("add-flow", "br0", "priority=5,in_port=2,udp,actions=learn(table=2,"
                     "hard_timeout=2,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),"
                     "resubmit(,2),%s" % ("NORMAL" if n % 2 else "output:1"))
        rig.sw.ofctl("-O", "OpenFlow13", "del-groups", "br0", "group_id=%d" % n)
        if n % 10 == 9:
            rig.sw.ofctl("del-flows", "br0", "in_port=2")
    return change


def configuration(rig):
    rig.net.veth("vc", "pc")

    def change(n):
        rig.sw.vsctl("add-br", "x", "--", "set", "bridge", "x", "datapath_type=netdev")
        rig.sw.vsctl("add-port", "br0", "vc", "--", "set", "interface", "vc",
                     "other_config:offload=%s" % rig.device)
        rig.sw.vsctl("add-port", "br0", "toX", "--", "set", "interface", "toX", "type=patch",
                     "options:peer=toB", "--", "add-port", "x", "toB", "--", "set", "interface",
                     "toB", "type=patch", "options:peer=toX")
        rig.sw.vsctl("set", "Open_vSwitch", ".", "other_config:n-worker-threads=%d" % (n % 3 + 1),
                     "other_config:n-handler-threads=%d" % (n % 2 + 1))
        rig.sw.vsctl("set", "interface", "vb", "other_config:offload=%s" % (
            rig.device if n % 2 else rig.device + "-other"))
        rig.sw.vsctl("del-port", "vc", "--", "del-port", "toX", "--", "del-br", "x")
    return change


def faults(rig):
    words = ["reset", "forget any", "mute any", "full 3", "refuse field udp_dst", "slow 5",
             "clear", "refuse action set", "clear"]

    def change(n):
        rig.ctl_result("offload", "device", rig.device, "fault", *words[n % len(words)].split())
        rig.ctl_result("offload", "audit", "--repair")
        time.sleep(0.1)
    return change


def looking(rig):
    commands = [("offload", "status"), ("offload", "flows"), ("offload", "why", "state=refused"),
                ("offload", "top", "--once"), ("show",), ("metrics",)]
    appctl = [("fdb/show", "br0"), ("dpctl/dump-flows",), ("dpif/show",), ("coverage/show",),
              ("memory/show",), ("upcall/show",), ("fdb/flush", "br0"),
              ("ofproto/trace", "br0", "in_port=2,udp")]

    def look(n):
        rig.ctl_result(*commands[n % len(commands)])
        rig.sw.appctl(*appctl[n % len(appctl)])
        rig.sw.ofctl("dump-flows", "br0")
        rig.sw.ofctl("dump-ports", "br0")
        rig.metrics()
    return look


def main():
    lab.enter("ovs-vsctl", "ovs-ofctl", "ovs-appctl")
    rig = Rig()
    # Above everything that comes and goes.
    rig.ofctl("add-flows", "br0", "-", stdin="".join(
        "priority=100,in_port=1,udp,tp_dst=%d,actions=output:2\n" % p for p in PORTS))
    before = rig.arrived()
    rig.send(PORTS, 100)
    rig.all_in(PORTS)
    busy = [Repeat(f) for f in (Stray(rig), rules(rig), configuration(rig), faults(rig),
                                looking(rig))]
    time.sleep(SECONDS)
    for b in busy:
        b.stop()
    rig.fault("clear")
    rig.vsctl("set", "interface", "vb", "other_config:offload=" + rig.device)
    rig.all_in(PORTS)
    rig.stop_sending()
    rig.check_exact("churn")
    lab.check(rig.arrived() - before >= sum(rig.sent().values()), "every packet arrived",
              "%d sent, %d arrived" % (sum(rig.sent().values()), rig.arrived() - before))
    print("%d packets of the rules that stay, %d stray ones, %d changes of rules, %d of "
          "configuration, %d faults, %d looks" % (
              sum(rig.sent().values()), busy[0].n * 20, *[b.n for b in busy[1:]]))
    lab.finish()


main()
