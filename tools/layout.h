/* SPDX-License-Identifier: Apache-2.0 */
/* From the daemon's JSON (switchd's control commands, offload/explain.h) to text: one function per
 * answer.
 *
 * Pure: they read the object, write to the view, and touch nothing else, so that a test or a fuzzer
 * calls them with any JSON.  An answer that lacks a member or has one of the wrong type gives
 * -EPROTO with *err naming it; what was written until then is the caller's to throw away. */
#pragma once

#include <json-c/json.h>

#include "core/base/err.h"
#include "tools/view.h"

typedef int layout_fn(struct view *v, struct json_object *answer, struct error *err);

layout_fn layout_show;        /* shunt/show */
layout_fn layout_status;      /* offload/status */
layout_fn layout_flows;       /* offload/flows */
layout_fn layout_why;         /* offload/why */
layout_fn layout_caps;        /* offload/caps */
layout_fn layout_audit;       /* offload/audit */
layout_fn layout_plan;        /* plan_report() of offload/plan/plan.h */
layout_fn layout_connections; /* offload/connections */

enum layout_order { /* of flows */
		    LAYOUT_BY_RATE,
		    LAYOUT_BY_BITS,
		    LAYOUT_BY_PACKETS,
		    LAYOUT_BY_AGE,
		    LAYOUT_N_ORDERS
};
extern const char *const layout_order_name[LAYOUT_N_ORDERS];

enum layout_section { /* of the live view, from above */
		      LAYOUT_TIERS,
		      LAYOUT_DEVICES,
		      LAYOUT_REASONS,
		      LAYOUT_PORTS,
		      LAYOUT_MOVES,
		      LAYOUT_FLOWS,
		      LAYOUT_N_SECTIONS
};

/* What a live view shows at one moment, and an answer of some time before, which rates come
 * from. */
struct layout_frame {
	struct json_object *now, *before; /* offload/top; before NULL: this is the first frame */
	double seconds;                   /* between the two; > 0 */
	unsigned rows;                    /* that there are for it; 0: as many as it takes */
	enum layout_order order;
	enum layout_section only; /* one alone, below the tiers; LAYOUT_N_SECTIONS: all */
};
int layout_top(struct view *v, const struct layout_frame *f, struct error *err);

/* --- shared by the layouts --- */

/* The tone of a flow's state; plain for one that is not known here. */
enum view_tone layout_state_tone(const char *state);
/* "3 hardware, 1 refused" of {state: n}; "none" when all are 0.  Appends. */
void layout_states(struct json_object *by_state, struct str *s, struct error *err);
/* A flow's description: match, actions, and why it is not in hardware. */
void layout_flow_text(struct view *v, struct json_object *flow, struct error *err);
