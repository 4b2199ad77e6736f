#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that know the database by other ways than ovs-vsctl: the Python IDL that agents are
written with, and ovsdb-client, against the database in the switch."""
import json
import re

from lab import *

enter("ovs-vsctl", "ovsdb-client")
need_module("ovs.db.idl")
import ovs.db.idl  # noqa: E402
import ovs.poller  # noqa: E402
import ovs.stream  # noqa: E402

both = [Shunt(Net()), Ovs()] if have_ovs() else [Shunt(Net())]
shunt = both[0]


class Agent:
    """An IDL of some tables, whose rows are waited for."""

    def __init__(self, s, remote=None, tables=("Open_vSwitch", "Bridge", "Port", "Interface")):
        helper = ovs.db.idl.SchemaHelper(SCHEMA)
        for t in tables:
            helper.register_table(t)
        self.idl = ovs.db.idl.Idl(remote or "unix:" + s.path("db.sock"), helper)
        self.events = []
        self.idl.notify = lambda event, row, updates=None: self.events.append(
            (event, row._table.name, getattr(row, "name", None)))
        check(self.until(lambda: self.idl.has_ever_connected()), s.kind + ": the IDL connects")

    def until(self, fn, seconds=10):
        end = time.monotonic() + seconds * PATIENCE
        while not fn() and time.monotonic() < end:
            seqno = self.idl.change_seqno
            self.idl.run()
            if self.idl.change_seqno == seqno and not fn():
                p = ovs.poller.Poller()
                self.idl.wait(p)
                p.timer_wait(100)
                p.block()
        return fn()

    def rows(self, table):
        return {getattr(r, "name", "."): r for r in self.idl.tables[table].rows.values()}

    def commit(self, fn):
        """fn(txn) changes rows; the status that the transaction comes to."""
        while True:
            txn = ovs.db.idl.Transaction(self.idl)
            fn(txn)
            status = txn.commit_block()
            if status != ovs.db.idl.Transaction.TRY_AGAIN:
                self.last = txn
                return status, txn.get_error()


def make_bridge(agent, name, *ports):
    def fn(txn):
        root = agent.rows("Open_vSwitch")["."]
        rows = []
        for p in (name,) + ports:
            iface = txn.insert(agent.idl.tables["Interface"])
            iface.name, iface.type = p, "internal"
            port = txn.insert(agent.idl.tables["Port"])
            port.name, port.interfaces = p, [iface]
            rows.append(port)
        br = txn.insert(agent.idl.tables["Bridge"])
        br.name, br.ports, br.datapath_type = name, rows, "netdev"
        br.external_ids = {"who": "agent", "quote\"d": "a b"}
        root.addvalue("bridges", br)
        root.verify("next_cfg")
        txn.add_comment("agent: a bridge")
        root.next_cfg = root.next_cfg + 1
    return fn


for s in both:
    agent = Agent(s)
    check("." in agent.rows("Open_vSwitch"), s.kind + ": the first row is there")
    equal(agent.commit(make_bridge(agent, "br1", "in1"))[0], "success", s.kind + ": a bridge is made")
    root = agent.rows("Open_vSwitch")["."]
    check(agent.until(lambda: root.cur_cfg == root.next_cfg > 0), s.kind + ": cur_cfg follows")
    check(agent.until(lambda: agent.rows("Interface")["in1"].ofport not in ([], [-1])),
          s.kind + ": the port gets its number")
    equal(agent.rows("Bridge")["br1"].external_ids, {"who": "agent", "quote\"d": "a b"},
          s.kind + ": a map comes back as it went")
    check(("create", "Bridge", "br1") in agent.events, s.kind + ": its creation is told")

    # Somebody else's changes are seen; references and sets are kept.
    s.vsctl("set", "Port", "in1", "tag=7", "trunks=3,1,2").ok()
    check(agent.until(lambda: agent.rows("Port")["in1"].tag == [7]), s.kind + ": others' changes")
    equal(sorted(agent.rows("Port")["in1"].trunks), [1, 2, 3], s.kind + ": a set")
    equal([i.name for i in agent.rows("Port")["in1"].interfaces], ["in1"], s.kind + ": a reference")

    # Changes by part: a key of a map, a member of a set; what was read must still hold.
    def by_part(txn):
        p = agent.rows("Port")["in1"]
        p.setkey("external_ids", "k", "v")
        p.addvalue("trunks", 4)
        p.delvalue("trunks", 1)
    equal(agent.commit(by_part)[0], "success", s.kind + ": by part")
    check(agent.until(lambda: sorted(agent.rows("Port")["in1"].trunks) == [2, 3, 4]),
          s.kind + ": the set by part")
    equal(agent.rows("Port")["in1"].external_ids, {"k": "v"}, s.kind + ": the map by part")

    # A condition: only these rows are told of.
    few = Agent(s)
    few.idl.cond_change("Port", [["name", "==", "in1"]])
    check(few.until(lambda: list(few.rows("Port")) == ["in1"]), s.kind + ": rows by condition")
    s.vsctl("add-port", "br1", "in2", "--", "set", "Interface", "in2", "type=internal").ok()
    few.until(lambda: "in2" in few.rows("Interface"))
    equal(list(few.rows("Port")), ["in1"], s.kind + ": and no others")
    few.idl.cond_change("Port", [True])
    check(few.until(lambda: len(few.rows("Port")) == 3), s.kind + ": until all are wanted")

    if s is shunt:  # a lock has one owner, the next in turn when it goes
        few.idl.set_lock("leader")
        check(few.until(lambda: few.idl.has_lock), "the first has the lock")
        agent.idl.set_lock("leader")
        agent.until(lambda: agent.idl.is_lock_contended)
        check(agent.idl.is_lock_contended and not agent.idl.has_lock, "the second waits")
    few.idl.close()
    check(s is not shunt or agent.until(lambda: agent.idl.has_lock), "and has it then")

    # Deleted, and told.
    s.vsctl("del-br", "br1").ok()
    check(agent.until(lambda: not agent.rows("Bridge")), s.kind + ": a bridge that goes")
    check(("delete", "Bridge", "br1") in agent.events, s.kind + ": is told")
    s.agent = agent

# A switch that is started again: the IDL comes back by itself, with all that is there.
shunt.vsctl("add-br", "br5").ok()
shunt.agent.until(lambda: "br5" in shunt.agent.rows("Bridge"))
shunt.restart()
shunt.vsctl("add-br", "br6").ok()
check(shunt.agent.until(lambda: "br6" in shunt.agent.rows("Bridge"), 20), "the IDL reconnects")
check("br5" in shunt.agent.rows("Bridge"), "and knows what was there before")
shunt.agent.idl.close()

# --- ovsdb-client ---


def client(*args, **kw):
    """Its remote, then its arguments; identities and versions go."""
    def run_it(s):
        r = s.net.run(["ovsdb-client", "--timeout=20", args[0], "unix:" + s.path("db.sock")] +
                      list(args[1:]), env=s.env, **kw)
        return Result(r.argv, r.rc, re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID",
                                           r.out), re.sub(r"^\S+Z\|\d+\|", "", r.err))
    return run_it


for s in both:
    s.vsctl("--if-exists", "del-br", "br5", "--", "--if-exists", "del-br", "br6", "--", "add-br",
            "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "external_ids:a=b").ok()
if len(both) == 2:
    ops = [{"op": "select", "table": "Bridge", "where": [["name", "==", "br0"]],
            "columns": ["name", "external_ids", "datapath_type"]},
           {"op": "mutate", "table": "Bridge", "where": [["name", "==", "br0"]],
            "mutations": [["external_ids", "insert", ["map", [["c", "d"]]]]]},
           {"op": "select", "table": "Bridge", "where": [["external_ids", "includes", [
               "map", [["c", "d"]]]]], "columns": ["external_ids"]},
           {"op": "comment", "comment": "by ovsdb-client"}]
    for what, args in (
            ("list-dbs", ("list-dbs",)), ("list-tables", ("list-tables",)),
            ("list-columns", ("list-columns", "Open_vSwitch", "Bridge")),
            ("get-schema-version", ("get-schema-version", "Open_vSwitch")),
            ("dump", ("dump", "Open_vSwitch", "Bridge", "name", "external_ids")),
            ("transact", ("transact", json.dumps(["Open_vSwitch"] + ops))),
            ("query", ("query", json.dumps(["Open_vSwitch"] + ops[:1]))),
            ("wait", ("wait", "Open_vSwitch", "connected"))):
        same(both, "ovsdb-client " + what, client(*args),
             lambda t: "\n".join(sorted(re.sub(r"^\d{4}-\S+Z\|\d+\|", "", x).rstrip()
                                        for x in t.splitlines())))
for what, where, name in (("table", {"table": "Bridges", "where": []}, "Bridges"),
                          ("column", {"table": "Bridge", "where": [["names", "==", "x"]]}, "names")):
    r = client("transact", json.dumps(["Open_vSwitch", dict(where, op="select")]))(shunt)
    contains(r.out, '"error".*|%s' % name, "ovsdb-client transact: no such " + what)
finish()
