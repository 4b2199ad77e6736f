/* SPDX-License-Identifier: Apache-2.0 */
/* Inside translation: the state of one translation, and what its files offer each other. */
#pragma once

#include "ofproto/xlate/xlate.h"

enum xl_miss { XL_MISS_CONTROLLER, XL_MISS_NOTHING };

/* Whose actions are being done. */
struct xl_origin {
	uint8_t table;
	bool from_rule;    /* else a packet-out's, or nobody's */
	bool miss_rule;    /* the rule that takes what no other matches: priority 0, no match */
	be64 cookie;       /* from_rule */
	struct rule *rule; /* borrowed; NULL in another pass than the one that looked it up */
};

/* One lookup in a table. */
struct xl_lookup {
	uint8_t table;
	enum xl_miss miss;
	bool original; /* by the connection's original addresses and ports (resubmit's ct) */
	struct ofp_port in_port; /* for this lookup alone; OFPP_IN_PORT_: the flow's */
};

/* What is still to be done after the action at hand, innermost first: the rest of each enclosing
 * list.  They stand on the C stack of whoever runs the lists; a pass that has to stop writes them
 * down (freeze.c).  A bucket, a clone and a peer behind a patch port have a chain of their own:
 * what comes after those goes on with the packet as it was before. */
struct xl_cont {
	const struct xl_cont *outer;
	enum { XL_CONT_ARRIVE, XL_CONT_TABLE, XL_CONT_ACTIONS, XL_CONT_ACTION_SET } kind;
	struct xl_lookup lookup; /* XL_CONT_TABLE */
	struct xl_origin origin; /* XL_CONT_ACTIONS, and the list */
	struct ofpacts rest;
};

/* The part of the state that a nested translation (group bucket, patch port) starts from and gives
 * back. */
struct xl_frame {
	const struct xl_bridge *br;
	uint64_t version;        /* of br's tables, one for all lookups in the bridge */
	struct flow_key flow;    /* as OpenFlow sees it now */
	struct flow_key written; /* bits of flow that do not depend on the packet's own */
	struct flow_key pending; /* bits of flow to be written into the packet by the next commit */
	struct buf action_set;   /* concatenated records of write_actions, oldest first; owned */
	bool behind_mpls;        /* an MPLS stack was popped: L3 and up are unknown */
	bool conntracked;        /* the flow's ct_* fields mean something */
};

struct xl {
	const struct xlate_in *in;
	struct xlate_out *out;
	struct xl_frame f;
	struct flow_key base;      /* the packet as the actions emitted so far leave it */
	struct flow_key committed; /* bits of base that an emitted SET wrote */
	struct flow_key doubtful;  /* bits of base that the packet need not have any more (NAT) */
	struct buf stack;          /* of union field_value, NXAST_STACK_PUSH's; owned */
	struct xl_origin origin;
	const struct xl_cont *cont;   /* borrowed from the callers' frames */
	const struct xl_sflow *sflow; /* of the port that the packet comes in by; NULL: none */
	unsigned depth, nesting, indent;
	unsigned resubmits;
	unsigned round; /* recirculations that led here */
	bool stop;      /* stop doing actions of this list */
	bool exit;      /* and of those around it */
	bool frozen;    /* all that was left to do in this chain is left to another pass, or done */
	bool lasting;   /* an action was emitted that no later one can take back */
};

/* 01:80:c2:00:00:00 to :0f, which bridges do not forward (IEEE 802.1D table 7-10). */
/* xlate.c */
void xl_fail(struct xl *x, enum xlate_error e);
/* The datapath does this kind of action; else translation has failed and says so. */
bool xl_can(struct xl *x, enum dp_action_kind kind);
/* The bits of `m` of the present flow were looked at. */
void xl_look_mask(struct xl *x, const struct flow_key *m);
void xl_look(struct xl *x, enum field_id field);
void xl_look_prereq(struct xl *x, enum field_prereq p);
/* Looks a table up and does what the rule says. */
void xl_table(struct xl *x, const struct xl_lookup *l);
/* Whole pass of a bridge for a packet that came in at port (patch, entry): table 0 and the action
 * set. */
void xl_enter_bridge(struct xl *x, const struct xl_port *in);
/* The same for one that comes out of the patch port `in` (NULL: gone by now), and counts there. */
void xl_arrive(struct xl *x, const struct xl_port *in);
bool xl_descend(struct xl *x); /* false: too deep, and failed */
void xl_ascend(struct xl *x);
void xl_note_bridge(struct xl *x);
#define xl_note(X, ...) note((X)->in->notes, (X)->indent, __VA_ARGS__)

/* actions.c */
void xl_actions(struct xl *x, struct ofpacts acts);
void xl_action(struct xl *x, const struct ofpact *a); /* one */
void xl_run_action_set(struct xl *x);
/* Bits of a field, and what says that the field is there, were looked at. */
void xl_look_bits(struct xl *x, const struct ofpact_bits *b);
/* Writes bits of a field of the flow (mask: which), obeying prerequisites. */
void xl_set_field(struct xl *x, const struct field *f, const union field_value *v,
		  const union field_value *mask);
void xl_pop_vlan(struct xl *x);
bool xl_push_vlan(struct xl *x, be16 tpid, be16 tci);

/* output.c */
void xl_output(struct xl *x, struct ofp_port port, uint32_t max_len);
void xl_output_port(struct xl *x, const struct xl_port *p);
void xl_output_trunc(struct xl *x, struct ofp_port port, uint32_t max_len);
void xl_controller(struct xl *x, uint16_t max_len, uint16_t controller_id, uint8_t reason,
		   bool is_miss);
/* Runs fn on a copy of the frame and puts everything back afterwards, the packet included. */
typedef void xl_nested_fn(struct xl *x, const void *arg);
void xl_nested(struct xl *x, xl_nested_fn *fn, const void *arg);

/* sampling.c */
/* Puts the sample of x->sflow ahead of the finished actions. */
void xl_put_sample(struct xl *x);

/* tunnel.c */
/* The packet has come out of a tunnel, by port p.  False: it must be dropped. */
bool xl_out_of_tunnel(struct xl *x, const struct xl_port *p);
/* Commits, and writes the outer header for p.  False: nothing is to be sent. */
bool xl_into_tunnel(struct xl *x, const struct xl_port *p);

/* commit.c: emits what brings the packet from base to flow. */
void xl_commit(struct xl *x);
void xl_know_vlans(struct xl *x);
void xl_know_mpls(struct xl *x);
void xl_push_mpls(struct xl *x, be16 ethertype);
void xl_pop_mpls(struct xl *x, be16 ethertype);

/* freeze.c: passes and what goes from one to the next. */
/* Emits what brings the packet as it is to another pass, which does what `rest` says; the caller
 * goes on with this one. */
void xl_recirculate(struct xl *x, const struct xl_cont *rest);
/* The same, and nothing more of this chain is done here. */
void xl_freeze(struct xl *x, const struct xl_cont *rest);
/* Does what is left: all of the chain, here and now. */
void xl_continue(struct xl *x, const struct xl_cont *rest);
/* Starts a pass from what another one left under the packet's recirc_id. */
void xl_thaw(struct xl *x);
/* The ct_* fields mean nothing any more, and read as zero. */
void xl_clear_conntrack(struct xl *x);

/* conntrack.c, branch.c, meter.c */
void xl_ct(struct xl *x, const struct ofpact *a);
void xl_ct_clear(struct xl *x);
void xl_clone(struct xl *x, const struct ofpact *a);
void xl_check_len(struct xl *x, const struct ofpact *a);
void xl_push(struct xl *x, const struct ofpact *a);
void xl_pop(struct xl *x, const struct ofpact *a);

/* normal.c, group.c, learn.c */
void xl_normal(struct xl *x);
void xl_flood(struct xl *x, bool all);
void xl_group(struct xl *x, uint32_t id);
void xl_learn(struct xl *x, const struct ofpact_learn *l);
