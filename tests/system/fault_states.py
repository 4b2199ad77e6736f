#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each fault of the simulated NIC leads to its state, reason and metric of docs/FAULTS.md, with
traffic running: packets go on arriving, and OpenFlow's counters are exact when it is over."""
import sys

from fault_rig import Rig, lab, until

OLD, NEW = range(1001, 1009), range(1009, 1013)


def history(rig, ufid):
    return [(h["to"], h["reason"]) for h in rig.why(ufid)["history"]]


def passed(rig, ufid, *steps):
    """The flow's history has these (state, reason), in this order."""
    left = list(steps)
    for step in history(rig, ufid):
        if left and step == left[0]:
            left.pop(0)
    return not left


def ufids(rig, ports):
    flows = rig.udp_flows()
    return [flows[p]["ufid"] for p in ports]


def states_of(rig, ports):
    flows = rig.udp_flows()
    return [(flows[p]["state"], flows[p]["reason"]) if p in flows else None for p in ports]


def named(answer):
    """The flow that `fault forget any` and its kin say they chose."""
    return answer.split()[-1] if answer else ""


def full(rig):
    rig.fault("full")
    rig.send(NEW)
    until("new flows are refused: the table is full, and others carry as much",
          lambda: set(states_of(rig, NEW)) <= {("refused", "table_full"), ("refused", "not_worth")})
    one = ufids(rig, NEW)[0]
    until("its history tells of the full table",
          lambda: passed(rig, one, ("refused", "table_full")))
    lab.contains(rig.ctl("offload", "why", one), "full", "why speaks of the full table")
    lab.check(rig.metric("shunt_offload_refusals_total", reason="table_full") >= len(NEW),
              "refusals are counted")
    lab.check(rig.metric("shunt_offload_operations_total", operation="failure") >= 1,
              "the driver's failures are counted")
    # The new ones, or old ones that had to make room for them.
    until("the flows outside hardware are counted by reason", lambda: sum(
        rig.metric("shunt_flows_outside_hardware", reason=r) for r in (
            "table_full", "not_worth", "evicted")) >= len(NEW))
    rig.fault("clear")


def slow(rig):
    rig.fault("slow", "1500")
    rig.send(NEW)
    until("new flows wait in the queue", lambda: ("queued", "pending") in states_of(rig, NEW))
    lab.check(rig.metric("shunt_offload_queue_depth") >= 1, "the queue's depth is a metric")
    until("the oldest request's age is a metric",
          lambda: rig.metric("shunt_offload_queue_oldest_seconds") >= 0.3)
    until("a slow request counts as a slow one",
          lambda: rig.metric("shunt_offload_install_latency_seconds_sum") >= 1.5)
    rig.fault("clear")


def refuse(kind, name):
    def run(rig):
        rig.fault("refuse", kind, name)
        rig.send([NEW[0]])
        until("a flow is refused by the driver",
              lambda: states_of(rig, NEW[:1]) == [("refused", "driver_refused")])
        lab.contains(rig.ctl("offload", "why", ufids(rig, NEW[:1])[0]),
                     "refuses %s %s" % (kind, name), "why has the driver's words")
        asked = rig.metric("shunt_offload_operations_total", operation="failure")
        rig.send(NEW[1:])
        until("further flows of the shape are refused without asking",
              lambda: set(states_of(rig, NEW[1:])) == {("refused", "shape_refused")})
        lab.equal(rig.metric("shunt_offload_operations_total", operation="failure"), asked,
                  "the driver was not asked again")
        lab.check(rig.metric("shunt_offload_learned_shapes") >= 1, "learned shapes are a metric")
        for reason in ("driver_refused", "shape_refused"):
            lab.check(rig.metric("shunt_offload_refusals_total", reason=reason) >= 1,
                      "refusals by %s are counted" % reason)
        rig.fault("clear")
    return run


def reset(rig):
    before = ufids(rig, OLD)
    rig.fault("reset")
    for u in before:
        until("a flow is lost, repaired and back in hardware",
              lambda: passed(rig, u, ("lost", "reset"), ("software", "reset"), ("hardware", "ok")))
    lab.equal(rig.metric("shunt_offload_resets_total"), 1, "the reset is counted")
    until("the repairs are counted", lambda: rig.metric(
        "shunt_offload_operations_total", operation="repair") >= len(OLD))
    lab.check(rig.metric("shunt_offload_refusals_total", reason="reset") >= len(OLD),
              "the losses are counted by reason")
    rig.send(NEW)


def found_by_audit(fault, reason, finding, words, *way_back):
    def run(rig):
        was = rig.metric("shunt_offload_audit_findings_total", finding=finding)
        repairs = rig.metric("shunt_offload_operations_total", operation="repair")
        u = named(rig.fault(fault, "any"))

        def audit():
            rig.ctl("offload", "audit", "--repair")
            return passed(rig, u, ("lost", reason), *way_back, ("hardware", "ok"))
        until("%s: found by the audit and repaired" % fault, audit, 20)
        lab.contains(rig.ctl("offload", "why", u), words, "why says what happened")
        lab.check(rig.metric("shunt_offload_audit_findings_total", finding=finding) > was,
                  "the finding is counted")
        lab.check(rig.metric("shunt_offload_operations_total", operation="repair") > repairs,
                  "the repair is counted")
        rig.send(NEW)
    return run


def rewind(rig):
    until("there is something to lose", lambda: min(rig.n_packets()[p] for p in OLD) > 400)
    u = named(rig.fault("rewind", "any"))
    until("a counter that ran back is counted", lambda: rig.metric(
        "shunt_offload_audit_findings_total", finding="ran_back") >= 1)
    rig.ctl("offload", "audit", "--repair")
    lab.equal(rig.why(u)["state"], "hardware", "the flow stays in hardware")
    rig.send(NEW)


# name, what it does, does every packet arrive, is every packet counted
FAULTS = [
    ("full", full, True, True),
    ("slow", slow, True, True),
    ("refuse field", refuse("field", "udp_dst"), True, True),
    ("refuse action", refuse("action", "output"), True, True),
    ("refuse shape", refuse("shape", "udp_dst,output"), True, True),
    ("reset", reset, True, True),
    ("forget", found_by_audit("forget", "forgotten", "missing", "forg", ("software", "forgotten")),
     True, True),
    ("mute", found_by_audit("mute", "mute", "mute", "never hit: the device's counter stood",
                            ("software", "mute")),
     True, True),
    ("alter", found_by_audit("alter", "altered", "altered", "alter"), False, True),
    ("rewind", rewind, True, False),
]


def run(name, fault, arrives, exact):
    rig = Rig("sim:cx6dx/" + name.replace(" ", "_"))
    rig.rules(list(OLD) + list(NEW))
    before = rig.arrived()
    rig.send(OLD)
    rig.all_in(OLD)
    was_exact = dict(rig.n_packets())
    lab.check(sum(was_exact.values()) > 0, name + ": hardware's packets are OpenFlow's")
    fault(rig)
    rig.all_in(list(OLD) + list(NEW))
    now = rig.arrived()
    until(name + ": traffic goes on", lambda: rig.arrived() > now + 100)
    rig.stop_sending()
    sent = sum(rig.sent().values())
    rig.check_arrived(name, before, 0 if arrives else sent // 4)
    if exact:
        rig.check_exact(name)
    else:
        until(name + ": counts are near what was sent", lambda: 0 <= sum(rig.sent().values()) -
              sum(rig.n_packets().values()) <= 800)
    print("%s: %d sent, %d arrived, %d counted" % (name, sent, rig.arrived() - before,
                                                   sum(rig.n_packets().values())), flush=True)
    rig.sw.stop()


def main():
    lab.enter("ovs-vsctl", "ovs-ofctl")
    chosen = sys.argv[1:]
    for name, *how in FAULTS:
        if not chosen or name in chosen:
            run(name, *how)
    lab.finish()


main()
