/* SPDX-License-Identifier: Apache-2.0 */
/* What a way into a NIC must offer: sim, TC flower, rte_flow.
 *
 * A provider attaches ports; ports of one NIC share one offload_device, which is what has a table,
 * capabilities and a queue thread of its own inside the engine.  All calls for one device come from
 * that thread, except attach and detach (main thread, also while the thread is in another call for
 * the device), read_back (main thread) and plan (any thread; pure).  Calls may block: nobody on a
 * packet path waits for them, and a device that does not come back is cut off (OFFLOAD_HUNG).
 *
 * The translator inside a provider consumes the mask: it clears every bit that it has expressed,
 * and refuses the flow when a bit is left (OFFLOAD_FIELD, or OFFLOAD_MASK where the field itself is
 * known).
 *
 * Where a rule is.  A request that went well says where the rule now takes its packets: in_hw set
 * when the driver said so and an echo agrees, else in the provider's own software (TC in the
 * kernel), which is a tier of its own, ahead of the fallback datapath.  The absence of a flag is
 * never read as hardware.  A provider without software of its own (caps.software false) must fail
 * the request instead.
 *
 * Chains.  A rule whose actions recirculate leads to the rules that match that recirc_id.  The
 * engine asks for a rule only when something that it leads to is there, and has it removed before
 * the last of that is; requests of a batch stand in that order too, so the provider's only duty is
 * to carry them out in order.  A packet that finds no rule in a chain must go on in the fallback
 * datapath with that recirc_id, as if the fallback had done what came before; a device that cannot
 * do so lacks DP_ACT_RECIRC in its capabilities.
 *
 * What happens on its own (somebody else changes a rule, the device is reset or unplugged) comes
 * from offload_device_notify(). */
#pragma once

#include "core/datapath/dp.h"
#include "core/datapath/dp_meter.h"
#include "offload/reason.h"

struct offload_provider_ops;

struct offload_device {
	const struct offload_provider_ops *ops;
	char name[64];             /* "sim:cx6" or a NIC's name; unique */
	void *_Atomic engine_priv; /* the engine's; NULL until it knows the device */
};

/* Interface and Open_vSwitch other_config:tc-policy (ovs-vswitchd.conf.db(5)). */
enum offload_policy {
	OFFLOAD_POLICY_NONE,    /* into hardware and into the provider's software */
	OFFLOAD_POLICY_SKIP_SW, /* into hardware, or not at all */
	OFFLOAD_POLICY_SKIP_HW, /* into the provider's software only */
	OFFLOAD_N_POLICIES
};
extern const char *const offload_policy_name[OFFLOAD_N_POLICIES]; /* "none", "skip_sw", "skip_hw" */
int offload_policy_parse(const char *text);                       /* -1: none of them */

struct offload_caps {
	uint64_t fields[DIV_ROUND_UP(FIELD_N_IDS, 64)];        /* matchable */
	uint64_t fields_masked[DIV_ROUND_UP(FIELD_N_IDS, 64)]; /* under any mask */
	uint64_t fields_prefix[DIV_ROUND_UP(FIELD_N_IDS, 64)]; /* under prefix masks */
	uint64_t fields_set[DIV_ROUND_UP(FIELD_N_IDS, 64)];    /* rewritable */
	uint32_t actions;                                      /* bit per enum dp_action_kind */
	uint32_t max_outputs;                                  /* of one flow; 0 = no limit */
	uint32_t max_actions;
	uint64_t capacity;       /* entries; 0 = unknown, learned from "full" */
	bool inner_vlan;         /* a second VLAN tag is matched */
	uint32_t max_batch;      /* requests of one apply(); 0 = any number */
	uint32_t counter_lag_ms; /* how old a reading may be */
	char lacking[256];       /* what the kernel lacks of what rules need: a sentence for the
				    operator; "" = nothing */
	bool no_rules;           /* it lacks what each rule needs */
	bool software;           /* rules that the device does not take run in the provider's own
				    software; without it OFFLOAD_POLICY_SKIP_HW is never asked for */
	uint64_t generation;     /* changes when any of this does */
};

static inline bool offload_caps_has(const uint64_t *set, unsigned id)
{
	return set[id / 64] >> (id % 64) & 1;
}

struct offload_rule { /* borrowed for the call */
	struct ufid ufid;
	const struct flow_key *key, *mask; /* datapath's terms: in_port is a dp_port */
	struct dp_actions actions;
	uint32_t priority; /* 0: any; rules of one flow never overlap others but during a
			      replacement */
	/* What holds for this rule: the configuration's, but never SKIP_SW for a flow that needs
	 * its software path beside the hardware's (conntrack). */
	enum offload_policy policy;
};

/* True when a flow with these actions must have a software path beside the hardware's, because
 * hardware takes only some of its packets: conntrack, whose new connections the kernel sees. */
bool offload_needs_software(const struct flow_key *mask, struct dp_actions actions);

struct offload_plan {
	uint32_t cost; /* table entries */
	struct offload_refusal refusal;
};

enum offload_req_kind { OFFLOAD_INSTALL, OFFLOAD_REPLACE, OFFLOAD_REMOVE };

struct offload_req {
	enum offload_req_kind kind;
	struct offload_rule rule; /* REMOVE: only the ufid */
	uint64_t handle;          /* REPLACE, REMOVE: the rule's; on return the new rule's */
	/* results */
	/* 0, or -errno: -ENOSPC, -EOPNOTSUPP, -EEXIST, -ENOENT, -EIO; -EAGAIN: not looked at, the
	 * call has lasted long enough, ask again */
	int result;
	/* When result < 0; and when it is 0 without in_hw, why hardware did not take it (what the
	 * driver said about a rule that now runs in software), OFFLOAD_OK: it did not say. */
	struct offload_refusal refusal;
	bool in_hw;              /* the driver said so and the echo agrees */
	struct flow_stats final; /* REMOVE, REPLACE: the old rule's last reading */
	bool final_ok;           /* false: the rule was gone, no reading to be had */
	uint64_t latency_ns;     /* of this request */
};

struct offload_stat {
	uint64_t handle;
	struct ufid ufid;
	struct flow_stats stats; /* absolute since the handle was made */
};

struct offload_dump_rec {
	uint64_t handle;
	struct ufid ufid;
	uint64_t digest; /* offload_rule_digest() of what the device holds */
};

struct offload_held { /* a whole rule of ours, for adoption */
	uint64_t handle;
	struct ufid ufid;
	struct flow_key key, mask; /* datapath's terms, as in offload_rule */
	struct dp_actions actions; /* borrowed until the next call on the cursor */
	uint32_t cost;             /* as plan() would say */
	bool in_hw;
	enum offload_policy policy;
	struct flow_stats stats; /* absolute, as stats() gives them for this handle */
};

struct offload_usage {
	uint64_t entries, capacity;
	uint64_t epoch; /* changes when the device lost all its rules (reset) */
};

/* Meters of the datapaths, which a provider polices as they do: for all its devices at once.  Main
 * thread; they block as long as the kernel does. */
struct offload_meter_ops {
	/* The kernel's or the user datapath's meter has these rates.  fresh: it is new, and what a
	 * former process counted under this number is not its. */
	void (*set)(bool kernel, uint32_t id, const struct dp_meter *m, bool fresh);
	/* What it has counted here; all zero when it is not known. */
	void (*get)(bool kernel, uint32_t id, struct dp_meter_stats *st);
	/* It is no more: no flow names it. */
	void (*del)(bool kernel, uint32_t id);
};

struct offload_provider_ops {
	const char *type;
	/* args: what follows "type:" in the Interface's other_config:offload, or NULL when the user
	 * named no provider and the port itself must tell.  -ENODEV: not a port of ours.  Ports of
	 * one NIC give the same *dev. */
	int (*attach)(struct port *port, const char *args, struct offload_device **dev,
		      struct error *err);
	/* After the last rule on it was removed or abandoned.  Frees the device with its last port.
	 */
	void (*detach)(struct offload_device *dev, struct port *port);
	int (*caps)(struct offload_device *dev, struct offload_caps *caps);
	/* 0 and cost, or -EOPNOTSUPP and the refusal.  Asks no hardware. */
	int (*plan)(struct offload_device *dev, const struct offload_rule *rule,
		    struct offload_plan *plan);
	/* Carries out n requests in order, a result in each.  Returns how many failed.
	 * REMOVE: `final` is read after the last packet that the rule took, so that it is exact
	 * (to what a device can tell: docs/decisions/0008-last-counts.md).
	 * REPLACE: make-before-break.  The new rule has a handle of its own and counts from zero;
	 * `final` is the old one's.  One that fails leaves the old rule and its handle in place. */
	unsigned (*apply)(struct offload_device *dev, struct offload_req *reqs, size_t n);
	/* Bulk read: up to max records from *cursor (0 = start) on; 0 at the end.  Each pass is
	 * gone through to its end, with requests in its midst, and a pass of dump().  A record may
	 * be of a rule that has been removed since the pass began; a rule that has counted nothing
	 * since its last record, or since it was made or read back, need have none.  A reading may
	 * be counter_lag_ms old.  After a reset the next whole pass still has, once, the final and
	 * exact readings of the rules that were lost with it; a device that cannot know them leaves
	 * them out, and those packets are lost to accounting. */
	int (*stats)(struct offload_device *dev, uint64_t *cursor, struct offload_stat *out,
		     size_t max);
	/* What the device really holds (audit, after a reset).  NULL: cannot tell. */
	int (*dump)(struct offload_device *dev, uint64_t *cursor, struct offload_dump_rec *out,
		    size_t max);
	/* The rules that a former process left on the attached ports, known by their owner's mark,
	 * in full; from then on their handles are as good as those of apply().  Cursor and return
	 * as for dump.  A rule that cannot be told whole is taken out by the provider and left out.
	 * Called once, after the ports of the start are attached and before any request, by the
	 * main thread, between calls of the device's; NULL: rules do not outlive the process. */
	int (*read_back)(struct offload_device *dev, uint64_t *cursor, struct offload_held *out,
			 size_t max);
	int (*usage)(struct offload_device *dev, struct offload_usage *u);
	/* Test and operator commands of this provider ("fault …"); text answer. NULL: none. */
	int (*command)(struct offload_device *dev, int argc, const char *const argv[],
		       struct str *out, struct error *err);
	const struct offload_meter_ops *meters; /* NULL: it has none */
};

/* --- meters --- */

/* All providers are to be told of each meter that is set in the datapath or deleted, whatever uses
 * it (offload_meter_ops).  Main thread. */
void offload_meter_set(const struct dp *dp, uint32_t id, const struct dp_meter *m, bool fresh);
void offload_meter_del(const struct dp *dp, uint32_t id);
/* Adds what providers have counted, as of the last readings. */
void offload_meter_add(const struct dp *dp, uint32_t id, struct dp_meter_stats *st);

/* --- what happens on its own --- */

enum offload_event_kind {
	OFFLOAD_EV_RULE_GONE,    /* somebody took a rule of ours out */
	OFFLOAD_EV_RULE_ALTERED, /* or changed it */
	OFFLOAD_EV_RULE_STALE,   /* what the driver made of it may be out of date: make it anew */
	OFFLOAD_EV_RULES,        /* something happened to rules, it is not known to which: audit */
	OFFLOAD_EV_RESET,        /* usage().epoch has changed */
	OFFLOAD_EV_CAPS,         /* caps().generation has changed; also when a device is back */
	OFFLOAD_EV_CAPACITY,     /* there may be room again */
	OFFLOAD_EV_GONE,         /* unplugged, or in another namespace: its rules are no more */
	OFFLOAD_N_EVENTS
};
extern const char *const offload_event_name[OFFLOAD_N_EVENTS];

struct offload_event {
	enum offload_event_kind kind;
	uint64_t handle;   /* RULE_GONE, RULE_ALTERED, RULE_STALE */
	const char *words; /* what is known of it, for the operator; borrowed; NULL = nothing */
};

/* The engine looks into it at once, puts right what was done to rules of ours, and says so.  Any
 * thread, also within a call of the device's own; never blocks.  From attach() of the first port
 * until detach() of the last.  Not for what the engine itself has asked for.  Events that cannot be
 * remembered one by one become OFFLOAD_EV_RULES; stale rules that cannot be, all of the device's.
 */
void offload_device_notify(struct offload_device *dev, const struct offload_event *ev);

/* A packet that a rule has sampled, as a datapath hands up what userspace() actions send
 * (UPCALL_SFLOW): key has the port alone, and up->packet becomes the callee's.  Any thread, under
 * any lock but the engine's; never blocks.  From attach() of the first port until detach() of the
 * last. */
void offload_device_sampled(struct offload_device *dev, const struct dp_upcall *up);

/* A flow's name as people write it: 8-4-4-4-12 hexadecimal digits.  Parsing takes it with or
 * without hyphens, and "ufid:" before it; false leaves *u alone. */
#define UFID_TEXT_LEN 36 /* without the NUL */
char *offload_ufid_print(struct ufid u, char text[UFID_TEXT_LEN + 1]);
bool offload_ufid_parse(const char *text, struct ufid *u) MUST_CHECK;

/* A digest of match and actions, to compare an echo with its request; and of the match alone. */
uint64_t offload_match_digest(const struct flow_key *key, const struct flow_key *mask);
uint64_t offload_rule_digest(const struct flow_key *key, const struct flow_key *mask,
			     struct dp_actions actions);
/* At start-up, main thread; at most OFFLOAD_MAX_PROVIDERS. */
#define OFFLOAD_MAX_PROVIDERS 8
void offload_provider_register(const struct offload_provider_ops *ops);
/* By the first `len` bytes of `type`; NULL when there is none. */
const struct offload_provider_ops *offload_provider_find(const char *type, size_t len);
/* The i-th in the order of registration; NULL behind the last. */
const struct offload_provider_ops *offload_provider_at(unsigned i);
