/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/reason.h"

#include <string.h>

#include "core/base/clock.h"

#define ROW(REASON, NAME, RETRY, TEXT, ADVICE)                                                     \
	[OFFLOAD_##REASON] = { OFFLOAD_##REASON, NAME, TEXT, ADVICE, OFFLOAD_RETRY_##RETRY }

const struct offload_reason_info offload_reason_table[OFFLOAD_N_REASONS] = {
	ROW(OK, "ok", NOW, "nothing is wrong", "nothing to do"),
	ROW(DISABLED, "disabled", NEVER, "offload is switched off",
	    "set other_config:hw-offload=true, and other_config:offload of the interface"),
	ROW(TC_POLICY, "tc_policy", NEVER, "tc-policy keeps it out of hardware",
	    "set other_config:tc-policy of the switch or of the interface to none or skip_sw"),
	ROW(NO_DEVICE, "no_device", NEVER, "the ingress port belongs to no offload device",
	    "attach the port to a NIC that switches, or name one in other_config:offload"),
	ROW(SLOW_PATH, "slow_path", NEVER, "the actions need the switch itself",
	    "look for controller, LACP or learning actions in the rules that this flow hits"),
	ROW(OUT_DEVICE, "out_device", NEVER,
	    "an output port is not on the device of the ingress port",
	    "move both ports to one NIC"),
	ROW(NOT_WORTH, "not_worth", SPACE, "the table is full of flows that carry more",
	    "nothing, or a NIC with a larger table"),
	ROW(QUEUE_FULL, "queue_full", BACKOFF, "the device's request queue was full",
	    "flows come faster than the device takes them; look at its insertion latency"),
	ROW(PENDING, "pending", NOW, "waiting for the device", "wait"),
	ROW(ADOPTED, "adopted", NOW, "left by a former process, not yet checked against the tables",
	    "load the tables: a controller's barrier, or the end of "
	    "other_config:flow-restore-wait"),
	ROW(CHAIN, "chain", CHAIN, "what it leads to is not in the device",
	    "look at the flows with that recirc_id: why are they not in hardware?"),
	ROW(HUNG, "hung", BACKOFF, "the device does not answer",
	    "look at the system log for the NIC's driver; traffic is switched in software"),
	ROW(FIELD, "field", CAPS, "the device cannot match this field",
	    "take the field out of the OpenFlow matches that this traffic meets"),
	ROW(MASK, "mask", CAPS, "the device can match the field, but not under this mask",
	    "match the field exactly, or under a prefix where the device has prefixes"),
	ROW(ACTION, "action", CAPS, "the device cannot do this action",
	    "take the action out of the OpenFlow rules that this traffic hits"),
	ROW(SET_FIELD, "set_field", CAPS, "the device cannot rewrite this field",
	    "take the rewrite out of the OpenFlow rules that this traffic hits"),
	ROW(N_ACTIONS, "n_actions", CAPS, "more actions or outputs than the device can do",
	    "split groups and floods into fewer outputs"),
	ROW(RECIRC, "recirc", CAPS, "the device cannot look a packet up again",
	    "recirculation comes from conntrack, MPLS and balanced bonds"),
	ROW(NEEDS_SOFTWARE, "needs_software", CAPS,
	    "it needs its software path beside the hardware's, and cannot have both",
	    "conntrack wants tc-policy none"),
	ROW(TABLE_FULL, "table_full", SPACE, "the device's table is full",
	    "wider OpenFlow matches make fewer flows"),
	ROW(PRIO_FULL, "prio_full", BACKOFF, "no rule priority is left for its mask",
	    "fewer different masks: look for many kinds of OpenFlow matches"),
	ROW(NOT_IN_HW, "not_in_hw", CAPS,
	    "the kernel runs the rule in software: the driver did not take it and did not say why",
	    "look at the system log for the NIC's driver, and whether hw-tc-offload is on"),
	ROW(DRIVER_REFUSED, "driver_refused", CAPS, "the driver refused the rule",
	    "the driver's own words tell more"),
	ROW(SHAPE_REFUSED, "shape_refused", CAPS, "the driver refused a rule of this shape before",
	    "the driver's own words tell more; it is asked again when its capabilities change"),
	ROW(NO_NEXT_HOP, "no_next_hop", BACKOFF,
	    "the way to the tunnel's other end is not known at present",
	    "look at the route to it (ip route get) and at its next hop (ip neigh)"),
	ROW(IO_ERROR, "io_error", BACKOFF, "the device could not be reached",
	    "look at the system log for the NIC's driver"),
	ROW(ECHO_DIFFERS, "echo_differs", BACKOFF,
	    "the device holds something else than was asked for",
	    "report it to the NIC's vendor; traffic is switched in software"),
	ROW(EVICTED, "evicted", SPACE, "made room for a flow that carries more",
	    "nothing, or a NIC with a larger table"),
	ROW(RESET, "reset", NOW, "the device was reset and lost its rules",
	    "look at the system log for the NIC's driver"),
	ROW(FORGOTTEN, "forgotten", NOW, "the device does not hold a rule that it confirmed",
	    "report it to the NIC's vendor; the rule is placed again"),
	ROW(ALTERED, "altered", NOW, "the rule in the device is not the one that was placed",
	    "find out who else writes to the NIC; the rule is placed again"),
	ROW(REPLACING, "replacing", NOW, "a newer translation takes its place", "wait"),
	ROW(GONE, "gone", CAPS, "the device is gone",
	    "look for what unplugged the NIC or moved it to another namespace"),
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
	if (r->limit)
		str_printf(out, " (limit %llu)", (unsigned long long)r->limit);
	if (r->driver[0])
		str_printf(out, "; driver: %s", r->driver);
}
