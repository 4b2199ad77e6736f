# SPDX-License-Identifier: Apache-2.0
"""A learning switch as an os-ken application, and a way for a test to look into it.

OpenFlow 1.3, or 1.0 when OSKEN_VERSION says so.  Each host that is heard is learnt; a packet
between two known ports gets a flow of both addresses and the port it came in by, so that further
ones never come here.  Flows leave after OSKEN_IDLE seconds without a packet, and say so.

What happens goes into OSKEN_DIR/events, one JSON object a line.  OSKEN_DIR/ask is a socket: one
JSON object {"call": NAME, "args": {…}} a connection, NAME being a function of os_ken.lib.ofctl_v1_X
or one of `role`, `miss_send_len` and `drop`.
"""
import inspect
import json
import os
import socket

import eventlet
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, DEAD_DISPATCHER, MAIN_DISPATCHER
from os_ken.controller.handler import set_ev_cls
from os_ken.lib import hub, ofctl_v1_0, ofctl_v1_3
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_0, ofproto_v1_3

DIR = os.environ["OSKEN_DIR"]
IDLE = int(os.environ.get("OSKEN_IDLE", "60"))
OF10 = os.environ.get("OSKEN_VERSION") == "1.0"
OFCTL = ofctl_v1_0 if OF10 else ofctl_v1_3
STATS_REPLIES = [getattr(ofp_event, "EventOFP" + name) for name in (
    "DescStatsReply", "FlowStatsReply", "AggregateStatsReply", "TableStatsReply",
    "TableFeaturesStatsReply", "PortStatsReply", "PortDescStatsReply", "QueueStatsReply",
    "QueueGetConfigReply", "GroupStatsReply", "GroupDescStatsReply", "GroupFeaturesStatsReply",
    "MeterStatsReply", "MeterFeaturesStatsReply", "MeterConfigStatsReply", "RoleReply",
    "SwitchFeatures")]


class Learner(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_0.OFP_VERSION if OF10 else ofproto_v1_3.OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.dp = None
        self.ports = {}  # address: port
        self.waiters = {}
        self.happened = open(os.path.join(DIR, "events"), "a")
        hub.spawn(self.serve)

    def say(self, what, **more):
        self.happened.write(json.dumps(dict(more, event=what)) + "\n")
        self.happened.flush()

    # --- the test asks ---

    def serve(self):
        path = os.path.join(DIR, "ask")
        if os.path.exists(path):
            os.unlink(path)
        server = eventlet.listen(path, family=socket.AF_UNIX)
        while True:
            conn, _ = server.accept()
            with conn, conn.makefile("rw") as f:
                ask = json.loads(f.readline())
                f.write(json.dumps(self.answer(ask["call"], ask["args"]), default=str))

    def answer(self, call, args):
        if hasattr(self, "do_" + call):
            return getattr(self, "do_" + call)(**args)
        fn = getattr(OFCTL, call)
        if "waiters" in inspect.signature(fn).parameters:
            return fn(self.dp, self.waiters, **args)
        fn(self.dp, **args)
        return self.do_barrier()

    def do_barrier(self):
        self.dp.send_msg(self.dp.ofproto_parser.OFPBarrierRequest(self.dp))

    def do_role(self, role, generation):
        msg = self.dp.ofproto_parser.OFPRoleRequest(self.dp, role, generation)
        self.dp.send_msg(msg)

    def do_miss_send_len(self, n):
        self.dp.send_msg(self.dp.ofproto_parser.OFPSetConfig(self.dp, 0, n))

    def do_drop(self):
        self.dp.close()

    @set_ev_cls(STATS_REPLIES, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def on_stats(self, ev):
        msg = ev.msg
        waiting = self.waiters.get(getattr(msg.datapath, "id", None), {})
        if msg.xid not in waiting:
            if msg.__class__.__name__ == "OFPRoleReply":
                self.say("role", role=msg.role, generation=msg.generation_id)
            return
        lock, msgs = waiting[msg.xid]
        msgs.append(msg)
        if getattr(msg, "flags", 0) & 1:  # more of it comes
            return
        del waiting[msg.xid]
        lock.set()

    # --- the switch says ---

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def on_state(self, ev):
        if ev.state == MAIN_DISPATCHER:
            self.dp = ev.datapath
            self.ports.clear()
            self.say("connected", dpid="%016x" % ev.datapath.id,
                     version=ev.datapath.ofproto.OFP_VERSION)
            if not OF10:
                self.table_miss()
        elif ev.datapath is self.dp and ev.datapath is not None:
            self.say("disconnected")

    def table_miss(self):
        ofp, parser = self.dp.ofproto, self.dp.ofproto_parser
        actions = [parser.OFPActionOutput(ofp.OFPP_CONTROLLER, ofp.OFPCML_NO_BUFFER)]
        inst = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)]
        self.dp.send_msg(parser.OFPFlowMod(datapath=self.dp, priority=0, cookie=0xfee,
                                           match=parser.OFPMatch(), instructions=inst))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def on_packet_in(self, ev):
        msg = ev.msg
        dp, parser = msg.datapath, msg.datapath.ofproto_parser
        port = msg.in_port if OF10 else msg.match["in_port"]
        eth = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        self.say("packet_in", port=port, src=eth.src, dst=eth.dst, reason=msg.reason,
                 type="0x%04x" % eth.ethertype, buffer=msg.buffer_id, total_len=msg.total_len,
                 len=len(msg.data))
        self.ports[eth.src] = port
        out = self.ports.get(eth.dst, dp.ofproto.OFPP_FLOOD)
        actions = [parser.OFPActionOutput(out)]
        if out != dp.ofproto.OFPP_FLOOD:
            self.add_flow(port, eth.src, eth.dst, actions)
        data = msg.data if msg.buffer_id == dp.ofproto.OFP_NO_BUFFER else None
        dp.send_msg(parser.OFPPacketOut(datapath=dp, buffer_id=msg.buffer_id, in_port=port,
                                        actions=actions, data=data))

    def add_flow(self, port, src, dst, actions):
        ofp, parser = self.dp.ofproto, self.dp.ofproto_parser
        common = {"datapath": self.dp, "priority": 10, "idle_timeout": IDLE, "cookie": 0xbee,
                  "command": ofp.OFPFC_ADD, "flags": ofp.OFPFF_SEND_FLOW_REM}
        if OF10:
            match = parser.OFPMatch(in_port=port, dl_src=bytes.fromhex(src.replace(":", "")),
                                    dl_dst=bytes.fromhex(dst.replace(":", "")))
            self.dp.send_msg(parser.OFPFlowMod(match=match, actions=actions, **common))
            return
        inst = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)]
        match = parser.OFPMatch(in_port=port, eth_src=src, eth_dst=dst)
        self.dp.send_msg(parser.OFPFlowMod(match=match, instructions=inst, **common))

    @set_ev_cls(ofp_event.EventOFPFlowRemoved, MAIN_DISPATCHER)
    def on_flow_removed(self, ev):
        self.say("flow_removed", reason=ev.msg.reason, packets=ev.msg.packet_count,
                 bytes=ev.msg.byte_count, cookie=ev.msg.cookie, idle=ev.msg.idle_timeout)

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def on_port_status(self, ev):
        desc = ev.msg.desc
        self.say("port", reason=ev.msg.reason, port=desc.port_no, config=desc.config,
                 state=desc.state, name=desc.name.decode())

    @set_ev_cls(ofp_event.EventOFPErrorMsg, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def on_error(self, ev):
        self.say("error", type=ev.msg.type, code=ev.msg.code)
