#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The end comes while packets run, rules change, controllers come and go and the NIC fails: the switch
ends in order, quickly, with status 0 and nothing to complain about, by a signal and by command.

Under a sanitizer build the status also says that nothing leaked and nothing raced."""
import signal
import struct
import threading
import time

from fault_rig import PATIENCE, Rig, lab, until

PORTS = range(1001, 1009)


class Controller(threading.Thread):
    """Listens, greets whoever connects, answers echoes, and hangs up after a while."""

    def __init__(self, path, stay_s):
        super().__init__(daemon=True)
        self.path, self.stay_s, self.seen, self.packet_ins = path, stay_s, 0, 0
        import socket
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(5)
        self.listener.settimeout(0.2)
        self.ending = False
        self.start()

    def run(self):
        import socket
        while not self.ending:
            try:
                s, _ = self.listener.accept()
            except socket.timeout:
                continue
            self.seen += 1
            self.talk(s, time.monotonic() + self.stay_s)
            s.close()
        self.listener.close()

    def talk(self, s, until_s):
        import socket
        s.settimeout(0.1)
        data = b""
        s.sendall(struct.pack("!BBHI", 4, 0, 8, 1) + struct.pack("!BBHI", 4, 5, 8, 2))
        while time.monotonic() < until_s and not self.ending:
            try:
                got = s.recv(65536)
            except socket.timeout:
                continue
            except OSError:
                return
            if not got:
                return
            data += got
            while len(data) >= 8:
                _, kind, n, xid = struct.unpack("!BBHI", data[:8])
                if len(data) < n:
                    break
                self.packet_ins += kind == 10
                if kind == 2:
                    s.sendall(struct.pack("!BBHI", 4, 3, n, xid) + data[8:n])
                data = data[n:]

    def stop(self):
        self.ending = True
        self.join()


class Changes(threading.Thread):
    """Keeps changing rules, groups, ports and devices until the switch is gone."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.rig, self.n, self.ending = rig, 0, False
        self.start()

    def run(self):
        of = self.rig.sw.ofctl
        while not self.ending:
            self.n += 1
            of("-O", "OpenFlow13", "add-group", "br0", "group_id=%d,type=all,bucket=output:2" % self.n)
            of("-O", "OpenFlow13", "add-flow", "br0",
               "priority=20,in_port=1,udp,tp_dst=1001,idle_timeout=1,send_flow_rem,"
               "actions=group:%d" % self.n)
            of("mod-flows", "br0", "in_port=1,udp,tp_dst=1002,actions=learn(table=1,"
               "idle_timeout=2,NXM_OF_IN_PORT[]),mod_nw_tos:%d,output:2" % (self.n % 8 * 4))
            of("add-flow", "br0", "priority=15,in_port=1,udp,tp_dst=1003,actions=controller,output:2")
            of("del-flows", "br0", "udp,tp_dst=1003,in_port=1/1" if self.n % 7 == 0 else "table=1")
            if self.n % 5 == 0:
                self.rig.ctl_result("offload", "device", self.rig.device, "fault", "reset")

    def stop(self):
        self.ending = True
        self.join()


def complaints(log):
    """What a warning or an error says, but for the resets that the test itself made."""
    return [line for line in log.splitlines()
            if ("|WARN|" in line or "|ERR|" in line or "|EMER|" in line)
            and "was reset and lost" not in line and "audit:" not in line]


def end(name, how, run_s, alone=False):
    rig = Rig("sim:cx6dx/" + name)
    controller = Controller(rig.sw.path("controller"), 0.7)
    rig.rules(PORTS)
    rig.vsctl("set-controller", "br0", "unix:" + controller.path, "--", "set", "controller", "br0",
              "max_backoff=1000")
    rig.send(PORTS, 300)
    rig.all_in(PORTS)
    changes = None if alone else Changes(rig)
    until("the controller comes and goes", lambda: controller.seen >= 2)
    time.sleep(run_s)
    complained = complaints(rig.sw.log())
    before = rig.sw.log()
    begun = time.monotonic()
    how(rig)
    gone = lab.wait_for(lambda: rig.sw.daemon.poll() is not None, 20 * PATIENCE, 0.01)
    took = time.monotonic() - begun
    if changes:
        changes.stop()
    controller.stop()
    rig.stop_sending()
    log = rig.sw.log()
    lab.check(gone, name + ": ends", log[-3000:])
    lab.equal(rig.sw.daemon.poll(), 0, name + ": with status 0\n" + log[-6000:])
    lab.equal(complained + complaints(log[len(before):]), [], name + ": without a complaint")
    lab.check(took < 5 * PATIENCE, name + ": within 5 s", "%.1f s" % took)
    print("%s: ended in %.2f s, %d rounds of changes, %d controller sessions, %d packet-ins" % (
        name, took, changes.n if changes else 0, controller.seen, controller.packet_ins), flush=True)
    rig.sw.procs = []


def main():
    lab.enter("ovs-vsctl", "ovs-ofctl", "ovs-appctl")
    end("idle_rules", lambda rig: rig.sw.daemon.send_signal(signal.SIGTERM), 0.5, alone=True)
    end("sigterm", lambda rig: rig.sw.daemon.send_signal(signal.SIGTERM), 3)
    end("ctrl_c", lambda rig: rig.sw.daemon.send_signal(signal.SIGINT), 1)
    end("command", lambda rig: rig.sw.appctl("exit"), 1)
    end("cleanup", lambda rig: rig.sw.appctl("exit", "--cleanup"), 1)
    end("slow_device", lambda rig: (rig.fault("slow", "300"),
                                    rig.sw.daemon.send_signal(signal.SIGTERM)), 1, alone=True)
    lab.finish()


main()
