#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A database file that was cut off or damaged anywhere: the switch starts from its last whole
transaction, says what was lost, and keeps the damaged file.

Every 64th byte is tried both ways."""
import os
import re

from fault_rig import Rig, lab

STEP = int(os.environ.get("SHUNT_DB_STEP", 64))


def records(data):
    """[(start, end)] of the records of a log file: "OVSDB JSON LENGTH SHA1\\n", then so many bytes."""
    out, at = [], 0
    while at < len(data):
        head = re.match(rb"OVSDB (?:JSON|CLUSTER) (\d+) [0-9a-f]{40}\n", data[at:at + 100])
        end = at + head.end() + int(head.group(1))
        out.append((at, end))
        at = end
    return out


class Starter:
    """Starts the switch on a file again and again."""

    def __init__(self):
        self.dir = os.path.join(lab.run_dir, "db")
        os.makedirs(self.dir)
        self.net = lab.Net(own=True)
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir, OVS_LOGDIR=self.dir,
                        OVS_SYSCONFDIR=self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def files(self):
        return {f for f in os.listdir(self.dir) if f.startswith("conf.db")}

    def start(self, data):
        """(exit status, log, what a client sees of the bridges) of a start on this file."""
        for f in self.files():
            os.unlink(self.path(f))
        with open(self.path("conf.db"), "wb") as f:
            f.write(data)
        with open(self.path("log"), "w") as log:
            p = self.net.popen([lab.SHUNTD, "--db=" + self.path("conf.db"), "--no-metrics",
                                "--unixctl=" + self.path("ctl"), "--schema=" + lab.SCHEMA],
                               env=self.env, stdout=log, stderr=log)
        names = lab.run(["ovs-vsctl", "--timeout=10", "--bare", "--columns=name", "list",
                         "bridge"], env=self.env).out.split() \
            if lab.wait_for(lambda: p.poll() is not None or "started" in self.log(), 30, 0.01) \
            and p.poll() is None else None
        if p.poll() is None:
            p.terminate()
        status = p.wait(30)
        return status, self.log(), names

    def log(self):
        with open(self.path("log")) as f:
            return f.read()


def a_database():
    """A file that a switch has left behind, with bridges made one after the other."""
    rig = Rig(device=None)
    for i in range(6):
        rig.vsctl("add-br", "x%d" % i, "--", "set", "bridge", "x%d" % i, "datapath_type=netdev")
    rig.sw.stop()
    with open(rig.sw.path("conf.db"), "rb") as f:
        return f.read()


def bridges_at(starter, data, ends):
    """The bridges that there are after each whole record."""
    known = {}
    for end in ends:
        status, log, names = starter.start(data[:end])
        lab.check(status == 0 and "damaged" not in log, "starts from %d whole bytes" % end, log[-2000:])
        known[end] = set(names or [])
    return known


def damaged(starter, data, known, at, how, broken):
    """One start on a file that is wrong from `at` on."""
    whole = max(e for e in known if e <= at)
    status, log, names = starter.start(broken)
    what = "%s at byte %d of %d" % (how, at, len(data))
    if not lab.check(status == 0 and names is not None, what + ": starts", log[-3000:]):
        return
    lab.equal(set(names), known[whole], what + ": has the last whole transaction")
    lab.equal("damaged bytes" in log, len(broken) > whole, what + ": says so when bytes are lost")
    kept = starter.files() - {"conf.db", "conf.db.~lock~"}
    if len(broken) > whole:
        said = re.search(r": (\d+) damaged bytes .* kept as (\S+)", log)
        if lab.check(said, what + ": says how much, and where the file is", log[-2000:]):
            lab.equal(int(said.group(1)), len(broken) - whole, what + ": how many bytes")
            with open(said.group(2), "rb") as f:
                lab.equal(f.read() == broken, True, what + ": the copy is what there was")
    else:
        lab.equal(kept, set(), what + ": no copy of a whole file")


def another_file(starter):
    """What never was a database is not touched."""
    for data in (b"[Unit]\nDescription=something else\n", b"\x7fELF" + b"\0" * 200):
        status, log, _ = starter.start(data)
        lab.check(status == 1 and "conf.db" in log, "not a database: does not start", log[-2000:])
        with open(starter.path("conf.db"), "rb") as f:
            lab.equal(f.read() == data, True, "and leaves it as it is")


def main():
    lab.enter("ovs-vsctl")
    data = a_database()
    found = records(data)
    starter = Starter()
    known = bridges_at(starter, data, [0] + [end for _, end in found])
    another_file(starter)
    n = 0
    for at in range(STEP, len(data), STEP):
        damaged(starter, data, known, at, "cut", data[:at])
        wrong = bytearray(data)
        wrong[at] ^= 1
        damaged(starter, data, known, at, "damage", bytes(wrong))
        n += 2
        if len(lab.failures) > 20:
            break
    print("%d bytes, %d records, %d damaged files" % (len(data), len(found), n))
    lab.finish()


main()
