#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings of offload and threads that change while packets run: they take effect at once, no packet
is lost and none is counted wrongly; what cannot be done is said where the user looks."""
import os
import shutil

from fault_rig import TOP, Rig, lab, until

PORTS = range(1001, 1007)


def profiles_with_mistakes():
    """The shipped profiles, and two that are wrong."""
    here = os.path.join(lab.run_dir, "profiles")
    shutil.copytree(os.path.join(TOP, "offload/sim/profiles"), here)
    with open(os.path.join(here, "wrongkey.conf"), "w") as f:
        f.write("table_size = 10\n\n# a comment\nspeed = fast\n")
    with open(os.path.join(here, "wrongvalue.conf"), "w") as f:
        f.write("table_size = many\n")
    os.environ["SHUNT_PROFILE_DIR"] = here


def reasons(rig):
    return {f["reason"] for f in rig.udp_flows().values()}


def devices(rig):
    return {f["device"] for f in rig.udp_flows().values() if f["state"] == "hardware"}


def set_both(rig, text):
    for p in ("va", "vb"):
        rig.vsctl("set", "interface", p, "other_config:offload=" + text)


def devices_change(rig):
    until("no device, no hardware", lambda: reasons(rig) == {"no_device"})
    set_both(rig, "sim:cx6dx")
    rig.all_in(PORTS)
    lab.equal(devices(rig), {"sim:cx6dx"}, "the device that was set has the flows")
    set_both(rig, "sim:generic/second")
    rig.all_in(PORTS)
    lab.equal(devices(rig), {"sim:generic/second"}, "the device that was changed to has them")
    lab.equal(rig.metric("shunt_offload_entries", device="sim:cx6dx"), 0,
              "the former device is gone")
    rig.vsctl("set", "interface", "vb", "other_config:offload=sim:generic/third")
    until("an output on another device keeps flows out",
          lambda: reasons(rig) == {"out_device"})
    for p in ("va", "vb"):
        rig.vsctl("remove", "interface", p, "other_config", "offload")
    until("cleared: no device", lambda: reasons(rig) == {"no_device"})
    set_both(rig, "sim:cx6dx")
    rig.all_in(PORTS)


def switched_off_and_on(rig):
    rig.vsctl("set", "interface", "va", "other_config:hw-offload=false")
    until("off for the port that they enter by", lambda: reasons(rig) == {"disabled"})
    rig.vsctl("remove", "interface", "va", "other_config", "hw-offload")
    rig.all_in(PORTS)
    rig.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
    until("off for the whole switch", lambda: reasons(rig) == {"disabled"})
    rig.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true")
    rig.all_in(PORTS)


def threads(rig, stem):
    """How many there are of the name that a new thread gives itself, soon."""
    tasks = "/proc/%d/task" % rig.sw.daemon.pid
    names = [open(os.path.join(tasks, t, "comm")).read().strip() for t in os.listdir(tasks)]
    return len([n for n in names if n.startswith(stem) and n[len(stem):].isdigit()])


def threads_change(rig):
    lab.equal(threads(rig, "dp"), 1, "one packet thread to begin with")
    for n in (3, 2, 1):
        rig.vsctl("set", "Open_vSwitch", ".", "other_config:n-worker-threads=%d" % n)
        until("n-worker-threads=%d" % n, lambda: threads(rig, "dp") == n)
    rig.vsctl("set", "Open_vSwitch", ".", "other_config:n-handler-threads=3")
    until("n-handler-threads=3", lambda: threads(rig, "handler") == 3)
    rig.vsctl("set", "Open_vSwitch", ".", "other_config:n-worker-threads=1000")
    rig.vsctl("set", "Open_vSwitch", ".", "external_ids:x=y")
    lab.equal(rig.sw.log().count("at most 64 workers"), 1, "too many workers: said, and once")
    lab.equal(threads(rig, "dp"), 1, "what there was goes on")
    rig.vsctl("set", "Open_vSwitch", ".", "other_config:n-worker-threads=2",
              "other_config:flow-limit=5000")
    until("the flow limit is in force", lambda: rig.metric("shunt_megaflow_limit") == 5000)


def notes(rig):
    return {n["name"]: n["note"] for b in rig.json("show")["bridges"] for n in b["notes"]}


def mistake(rig, text, why):
    rig.vsctl("set", "interface", "va", "other_config:offload=" + text)
    lab.contains(notes(rig).get("va", ""), why, text + ": a note of shuntctl show")
    lab.contains(rig.ctl("show"), why, text + ": shuntctl show prints it")
    lab.contains(rig.vsctl("get", "interface", "va", "status:offload_error").replace('\\"', '"'),
                 why, text + ": in the Interface's status")
    lab.equal(rig.vsctl("get", "interface", "va", "error").strip(), "[]",
              text + ": the port works, so it has no error")
    lab.contains(rig.sw.log(), "port va: no offload: .*" + why, text + ": in the log")


def a_profile_is_mended(rig):
    path = os.path.join(lab.run_dir, "profiles/mended.conf")
    with open(path, "w") as f:
        f.write("table_size = few\n")
    mistake(rig, "sim:mended", "mended.conf:1: table_size must be a number")
    rig.vsctl("set", "open", ".", "other_config:max-idle=20000")
    lab.equal(rig.sw.log().count("mended.conf"), 1, "the same mistake is logged once")
    shutil.copy(os.path.join(lab.run_dir, "profiles/cx6dx.conf"), path)
    rig.vsctl("set", "open", ".", "other_config:max-idle=30000")
    lab.equal(notes(rig), {}, "tried again at the next change of the configuration")


def mistakes_are_explained(rig):
    mistake(rig, "sim:nosuch", 'no profile "nosuch" in ')
    mistake(rig, "sim:wrongkey", 'wrongkey.conf:4: unknown key "speed"')
    mistake(rig, "sim:wrongvalue", "wrongvalue.conf:1: table_size must be a number")
    mistake(rig, "nosuch:x", 'no offload provider "nosuch"')
    mistake(rig, "sim:../../etc/passwd", "cannot be the name of a profile")
    lab.equal(rig.sw.log().count("wrongkey.conf"), 1, "a mistake is logged once")
    until("meanwhile there is no device", lambda: reasons(rig) == {"no_device"})
    a_profile_is_mended(rig)
    rig.vsctl("set", "interface", "va", "other_config:offload=sim:cx6dx")
    lab.equal(notes(rig), {}, "no note when it works again")
    lab.check(rig.sw.vsctl("get", "interface", "va", "status:offload_error").rc != 0,
              "and no error in its status")
    rig.all_in(PORTS)


def main():
    lab.enter("ovs-vsctl", "ovs-ofctl")
    profiles_with_mistakes()
    rig = Rig(device=None)
    rig.rules(PORTS)
    before = rig.arrived()
    rig.send(PORTS, 200)
    for step in (devices_change, switched_off_and_on, threads_change, mistakes_are_explained):
        step(rig)
        now = rig.arrived()
        until("traffic goes on", lambda: rig.arrived() > now + 100)
        print("%s: %d sent, %d counted" % (step.__name__, sum(rig.sent().values()),
                                           sum(rig.n_packets().values())), flush=True)
    rig.stop_sending()
    rig.check_arrived("settings", before)
    rig.check_exact("settings")
    lab.finish()


main()
