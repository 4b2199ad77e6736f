/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/reason.h"

#include <string.h>

#include "core/base/clock.h"

#define ROW(REASON, NAME, RETRY, TEXT, CAUSE, ADVICE)                                              \
	[OFFLOAD_##REASON] = { OFFLOAD_##REASON, NAME, TEXT, CAUSE, ADVICE, OFFLOAD_RETRY_##RETRY }

const struct offload_reason_info offload_reason_table[OFFLOAD_N_REASONS] = {
	ROW(OK, "ok", NOW, "nothing is wrong", "The flow is in hardware, or on its way there.",
	    "nothing to do"),
	ROW(DISABLED, "disabled", NEVER, "offload is switched off",
	    "other_config:hw-offload of the switch is false (or not set), or offload is off for "
	    "the port that the flow enters by.",
	    "set other_config:hw-offload=true, and other_config:offload of the interface"),
	ROW(TC_POLICY, "tc_policy", NEVER, "the tc-policy keeps it out of hardware",
	    "tc-policy of the switch or of the interface is skip_hw.",
	    "set other_config:tc-policy of the switch or of the interface to none or skip_sw"),
	ROW(NO_DEVICE, "no_device", NEVER, "the ingress port belongs to no offload device",
	    "No provider took the port: its device does not switch, or other_config:offload names "
	    "none; or the flow matches no port, or several.",
	    "attach the port to a NIC that switches, or name one in other_config:offload"),
	ROW(SLOW_PATH, "slow_path", NEVER, "the actions need the switch itself",
	    "Each packet must be seen here: an action sends it to a controller, or translation "
	    "does it by itself (LACP, learning that must see every packet).",
	    "look for controller, LACP or learning actions in the rules that this flow hits"),
	ROW(OUT_DEVICE, "out_device", NEVER,
	    "an output port is not on the device of the ingress port",
	    "The flow enters by one NIC and leaves by another, by a tunnel or by a port in "
	    "software; or that port is leaving the switch just now.",
	    "move both ports to one NIC"),
	ROW(NOT_WORTH, "not_worth", SPACE, "the table is full of flows that carry more",
	    "The device has no entry left, and every flow that it has carries more packets a "
	    "second for each entry than this one.",
	    "nothing, or a NIC with a larger table"),
	ROW(CHURN, "churn", SPACE, "no more evictions now",
	    "The device has no entry left. This flow carries more than some that have one, but as "
	    "many as may change in a second have changed already.",
	    "wait; or raise other_config:offload-max-churn"),
	ROW(PORT_LIMIT, "port_limit", SPACE, "its port has all the entries that it may have",
	    "The flows of its ingress port take up as many entries as other_config:"
	    "offload-max-entries of the interface allows, and carry more.",
	    "raise other_config:offload-max-entries of the interface"),
	ROW(PINNED_OVER, "pinned_over", SPACE, "the table is full of pinned flows",
	    "The flow is pinned, and every flow that has an entry is pinned too or came in just "
	    "now.",
	    "pin fewer flows (other_config:offload-pin), or a NIC with a larger table"),
	ROW(QUEUE_FULL, "queue_full", BACKOFF, "the device's request queue was full",
	    "Flows came faster than the device takes rules, and this one carried the least of "
	    "those that waited.",
	    "flows come faster than the device takes them; look at its insertion latency"),
	ROW(PENDING, "pending", NOW, "waiting for the device",
	    "Its request is in the device's queue or under way.", "wait"),
	ROW(ADOPTED, "adopted", NOW, "left by a former process, not yet checked against the tables",
	    "The switch was started again and found the flow; the OpenFlow tables of its bridge "
	    "are not loaded yet.",
	    "load the tables: a controller's barrier, or the end of "
	    "other_config:flow-restore-wait"),
	ROW(CHAIN, "chain", CHAIN, "what it leads to is not in the device",
	    "The flow recirculates, and no flow that matches that recirc_id is in the device: a "
	    "packet would come out of it half done.",
	    "find out why the flows with that recirc_id are not in hardware"),
	ROW(HUNG, "hung", DEVICE, "the device does not answer",
	    "A call to the driver has lasted longer than 5 s.",
	    "look at the system log for the NIC's driver; traffic is switched in software"),
	ROW(FIELD, "field", CAPS, "the device cannot match this field",
	    "The OpenFlow tables, as far as this traffic meets them, look at a field that the NIC "
	    "or its driver cannot match.",
	    "take the field out of the OpenFlow matches that this traffic meets"),
	ROW(MASK, "mask", CAPS, "the device can match the field, but not under this mask",
	    "The tables look at some bits of a field that the NIC matches as a whole, or under "
	    "prefixes.",
	    "match the field exactly, or under a prefix where the device has prefixes"),
	ROW(ACTION, "action", CAPS, "the device cannot do this action",
	    "The NIC or its driver lacks an action of the flow.",
	    "take the action out of the OpenFlow rules that this traffic hits"),
	ROW(SET_FIELD, "set_field", CAPS, "the device cannot rewrite this field",
	    "The NIC or its driver lacks the rewriting of a field that the flow sets.",
	    "take the rewrite out of the OpenFlow rules that this traffic hits"),
	ROW(N_ACTIONS, "n_actions", CAPS, "more actions or outputs than the device can do",
	    "The flow has more actions or outputs than one rule of the NIC, most often from a "
	    "flood or a group.",
	    "split groups and floods into fewer outputs"),
	ROW(RECIRC, "recirc", CAPS, "the device cannot look a packet up again",
	    "The flow recirculates, or is one that packets come to by recirculation, and the "
	    "device has no chains; or, in TC, others lead to the same chain with packets that "
	    "have lost or gained other tags or labels, so that bytes could not be told.",
	    "recirculation comes from conntrack, MPLS and balanced bonds"),
	ROW(METER, "meter", CAPS, "the device cannot police as the meter does",
	    "A police action of TC is one bucket: the meter has several bands or none, or a burst "
	    "that "
	    "lasts more than 274 s at its rate.",
	    "give the meter one band, and a burst of less than 274 seconds at its rate"),
	ROW(NEEDS_SOFTWARE, "needs_software", CAPS,
	    "it needs its software path beside the hardware's, and cannot have both",
	    "Hardware would take only some of the flow's packets (conntrack: those of established "
	    "connections), and the others could not go on here: the fallback datapath is not the "
	    "kernel's.",
	    "use datapath_type=system: conntrack in hardware goes together with the kernel's "
	    "datapath"),
	ROW(KERNEL_LACKS, "kernel_lacks", CAPS, "this kernel lacks a part that the rule needs",
	    "Rules are filters of the kernel's TC, and this kernel has no flower classifier, no "
	    "clsact qdisc or not the action that the rule needs: not built, or a module that is "
	    "not installed. The words name it.",
	    "modprobe it, or run a kernel with that CONFIG; it is looked for each half minute"),
	ROW(TABLE_FULL, "table_full", SPACE, "the device's table is full",
	    "The device, or its capacity as it is known, has no entry left.",
	    "wider OpenFlow matches make fewer flows"),
	ROW(PRIO_FULL, "prio_full", BACKOFF, "no rule priority is left for its mask",
	    "TC has one priority for each mask of a port's rules, and all are in use.",
	    "fewer different masks: look for many kinds of OpenFlow matches"),
	ROW(BLOCK_FULL, "block_full", BACKOFF, "no block of rules is left for its bond",
	    "The rules of a bond are in a block that its slaves share, and the numbers that Shunt "
	    "takes for blocks are all in use.",
	    "look for many bonds in the switch, or for blocks that others have: tc qdisc show"),
	ROW(QDISC, "foreign_qdisc", BACKOFF,
	    "somebody else's qdisc is where its rule would have to be",
	    "The port, or each slave of the bond, has an ingress or clsact qdisc of another "
	    "program that Shunt's rules cannot be on: without egress, or with a shared block.",
	    "take it away (tc qdisc del), or let it be: traffic is switched in software"),
	ROW(NOT_IN_HW, "not_in_hw", CAPS,
	    "the kernel runs the rule in software: the driver did not take it and did not say why",
	    "The rule is in TC without the mark that a driver gives to what it took: the driver "
	    "has no offload for it, or hw-tc-offload is off.",
	    "look at the system log for the NIC's driver, and whether hw-tc-offload is on"),
	ROW(DRIVER_REFUSED, "driver_refused", CAPS, "the driver refused the rule",
	    "The driver was asked and said no; its words are with the flow.",
	    "the driver's own words tell more"),
	ROW(SHAPE_REFUSED, "shape_refused", CAPS, "the driver refused a rule of this shape before",
	    "A rule with this mask and these kinds of actions was refused; the driver is asked "
	    "once for each shape, not once for each flow.",
	    "the driver's own words tell more; it is asked again when its capabilities change"),
	ROW(NO_NEXT_HOP, "no_next_hop", BACKOFF,
	    "the way to the tunnel's other end is not known at present",
	    "There is no route to it, or its next hop does not answer ARP or ND.",
	    "look at the route to it (ip route get) and at its next hop (ip neigh)"),
	ROW(COVERED, "covered", BACKOFF, "the rule of another flow takes its packets",
	    "Packets of two flows missed at the same moment, and both flows cover the other's "
	    "packets. Told to the device they are the same rule, which is there already: the "
	    "other flow's is named.",
	    "nothing: the other flow's rule treats and counts its packets as this one would"),
	ROW(IO_ERROR, "io_error", BACKOFF, "the device could not be reached",
	    "A request failed for a reason that has nothing to do with the rule: no memory, a lost "
	    "answer, the device busy.",
	    "look at the system log for the NIC's driver"),
	ROW(ECHO_DIFFERS, "echo_differs", BACKOFF,
	    "the device holds something else than was asked for",
	    "What was read back after the request is not the rule that was asked for.",
	    "report it to the NIC's vendor; traffic is switched in software"),
	ROW(EVICTED, "evicted", SPACE, "made room for a flow that carries more",
	    "The table was full, and a flow that waited carried clearly more for each entry.",
	    "nothing, or a NIC with a larger table"),
	ROW(OVER_LIMIT, "over_limit", SPACE, "there were more than a limit allows",
	    "The device, its ingress port or the whole switch may hold fewer entries than they "
	    "did, and the flow was one of the least valuable.",
	    "raise other_config:offload-max-entries or offload-max-total"),
	ROW(RESET, "reset", NOW, "the device was reset and lost its rules",
	    "The device began anew: firmware, driver or an operator reset it.",
	    "look at the system log for the NIC's driver"),
	ROW(FORGOTTEN, "forgotten", NOW, "the device does not hold a rule that it confirmed",
	    "The audit did not find the rule, or somebody took it out.",
	    "report it to the NIC's vendor; the rule is placed again"),
	ROW(MUTE, "mute", NOW,
	    "the rule is in hardware, and never hit while software sees its packets",
	    "The audit found that the device shows the rule as held and its counter stands still, "
	    "while the flow's entry in the fallback datapath counts: the NIC does not look at the "
	    "rule, or another one is in front of it.",
	    "report it to the NIC's vendor with the evidence that the flow's fault has; the rule "
	    "is "
	    "placed again"),
	ROW(ALTERED, "altered", NOW, "the rule in the device is not the one that was placed",
	    "The audit found another rule under its name, or somebody changed it.",
	    "find out who else writes to the NIC; the rule is placed again"),
	ROW(REPLACING, "replacing", NOW, "a newer translation takes its place",
	    "The tables changed, and the rule was exchanged for one with the new actions.", "wait"),
	ROW(GONE, "gone", DEVICE, "the device is gone",
	    "The NIC was unplugged, its driver unloaded, or it was moved to another namespace.",
	    "look for what unplugged the NIC or moved it to another namespace"),
	ROW(PUT_AGAIN, "put_again", NOW,
	    "somebody else took it out of the datapath: it was put there again",
	    "Another program deleted the flow in the kernel's datapath.",
	    "find out who else writes to the datapath"),
	ROW(CHANGED_BACK, "changed_back", NOW,
	    "somebody else changed what it does in the datapath: it was changed back",
	    "Another program gave the flow in the kernel's datapath other actions.",
	    "find out who else writes to the datapath"),
};

const char *const offload_retry_text[OFFLOAD_N_RETRIES] = {
	[OFFLOAD_RETRY_NEVER] = "when the flow or the configuration changes",
	[OFFLOAD_RETRY_CAPS] = "when the device's capabilities change",
	[OFFLOAD_RETRY_BACKOFF] =
		"after a second, then after twice as long each time, up to a minute",
	[OFFLOAD_RETRY_SPACE] = "when the table has room, or it carries more than others",
	[OFFLOAD_RETRY_CHAIN] = "when what it leads to is in the device",
	[OFFLOAD_RETRY_DEVICE] = "when the device is back",
	[OFFLOAD_RETRY_NOW] = "at once",
};

void offload_refusal_set(struct offload_refusal *r, enum offload_reason reason)
{
	memset(r, 0, sizeof(*r));
	r->reason = reason;
	r->field = -1;
	r->action = -1;
	r->at_ns = clock_wall_ns();
}

void offload_refusal_format(const struct offload_refusal *r, struct str *out)
{
	if (r->field >= 0 && r->field < FIELD_N_IDS)
		str_printf(out, "field %s: ", field_get((enum field_id)r->field)->name);
	if (r->action >= 0 && r->action < DP_ACT_N_KINDS)
		str_printf(out, "action %s: ", dp_action_table[r->action].name);
	str_puts(out, offload_reason_table[r->reason].text);
	if (r->limit && r->reason == OFFLOAD_CHAIN)
		str_printf(out, " (recirc_id %#llx)", (unsigned long long)r->limit);
	else if (r->limit)
		str_printf(out, " (limit %llu)", (unsigned long long)r->limit);
	if (r->driver[0])
		str_printf(out, "; driver: %s", r->driver);
}
