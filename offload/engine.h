/* SPDX-License-Identifier: Apache-2.0 */
/* The placement engine: it owns where a megaflow lives, and what it counted there.
 *
 * ofproto hands it megaflows; it installs each in the fallback datapath at once and decides about
 * hardware apart from the packet path, on one queue thread per device.  A flow moves
 * make-before-break: its software entry stays in place under the hardware one for its whole life,
 * so that leaving hardware never leaves a packet without an entry.
 *
 * States (each move is remembered in the flow's history):
 *   SOFTWARE -> QUEUED -> INSTALLING -> HARDWARE -> EVICTING -> SOFTWARE
 *   INSTALLING -> TC(reason) -> HARDWARE …    a rule that the provider's software runs: ahead of
 *                                             the fallback datapath, and not hardware
 *   QUEUED, INSTALLING -> REFUSED(reason, retry) -> QUEUED …
 *   HARDWARE, TC -> LOST(reason) -> SOFTWARE (repaired)
 *   any -> REMOVING -> gone
 *
 * Accounting: ledger.h.  Totals only grow; every packet is in exactly one tier's reading.  A
 * removed flow's last readings from all tiers are complete when its `gone` callback runs.
 *
 * Threads: engine_put/modify/del from any thread (batches); callbacks come on the engine's threads
 * and must not call back into put/modify/del.  Flow pointers: referenced; the engine's own
 * reference ends with gone(). */
#pragma once

#include "core/datapath/dp.h"
#include "core/packet/match.h"
#include "offload/ledger.h"
#include "offload/policy/rank.h"
#include "offload/provider.h"

struct engine;
struct engine_flow;

enum offload_state {
	OFFLOAD_ST_SOFTWARE,
	OFFLOAD_ST_QUEUED,
	OFFLOAD_ST_INSTALLING,
	OFFLOAD_ST_HARDWARE,
	OFFLOAD_ST_TC,
	OFFLOAD_ST_EVICTING,
	OFFLOAD_ST_LOST,
	OFFLOAD_ST_REFUSED,
	OFFLOAD_ST_REMOVING,
	OFFLOAD_N_STATES
};
extern const char *const offload_state_name[OFFLOAD_N_STATES];

struct engine_config {
	bool hw_offload;            /* other_config:hw-offload */
	uint32_t queue_max;         /* requests per device (default 65536) */
	uint32_t stats_period_ms;   /* hardware counters (default 500) */
	uint32_t audit_period_ms;   /* rest between two runs of the audit, 0 = none (10000) */
	uint32_t min_residency_ms;  /* floor (default 500) */
	uint32_t max_churn_per_s;   /* evictions per device (default 4000) */
	uint32_t max_entries;       /* of ours in each device; 0: as many as it takes */
	uint32_t max_total;         /* in all devices together; 0: no limit */
	uint32_t fair_percent;      /* of a table that ports are sure of (default 50); share.h */
	enum placement placement;   /* other_config:offload-policy (default rate); rank.h */
	enum offload_policy policy; /* other_config:tc-policy */
	uint32_t hang_ms; /* a call that lasts so long cuts the device off (5000); 0: none */
};

struct engine_ops { /* callbacks */
	/* The flow is out of every tier; `final` is its grand total.  aux is the put's. */
	void (*gone)(void *ctx, struct engine_flow *f, void *aux, const struct flow_stats *final);
	/* A reading that engine_ask_readings() asked a device for has ended.  May be NULL. */
	void (*read)(void *ctx);
	/* offload_device_sampled(): providers' threads.  NULL: thrown away. */
	void (*sampled)(void *ctx, const struct dp_upcall *up);
};

struct engine *engine_new(struct dp *dp, const struct engine_ops *ops, void *ctx);
/* Removes our rules from devices unless `leave` (restart), stops threads, detaches the ports. Flows
 * that are still there get their gone() call; their datapath entries stay.  Main thread; blocks. */
void engine_free(struct engine *e, bool leave);
void engine_config_default(struct engine_config *cfg);
void engine_configure(struct engine *e, const struct engine_config *cfg); /* live */

/* A datapath port came.  provider: "TYPE" or "TYPE:ARGS" (the Interface's other_config:offload)
 * asks that provider alone, and -ENODEV, -ENOENT, -EINVAL … with a cause say why not; "none" asks
 * nobody.  NULL, "" or "auto" offers the port to each provider in turn, "auto:TYPE,TYPE…"
 * (other_config:hw-offload-priority) to these in this order, those that there are not left out; 0
 * comes back also when none wants it.  The port is then known to the engine without a device,
 * whatever is returned.  Main thread. */
int engine_port_add(struct engine *e, struct port *port, const char *provider,
		    struct error *err) MUST_CHECK;
/* Another provider text for a port that is there, live: its rules leave the former device, counted
 * to the last packet, while their software entries switch on; then it joins the new one.  Returns
 * and blocks like engine_port_add() and engine_port_del(). */
int engine_port_move(struct engine *e, struct port *port, const char *provider,
		     struct error *err) MUST_CHECK;
/* What is done now and then: devices that hung and are back are joined again.  Main thread. */
void engine_tend(struct engine *e);
/* Before the port leaves the datapath: the hardware rules that enter or leave by it are removed and
 * counted first.  Main thread; blocks; the caller holds no lock that gone() takes. */
void engine_port_del(struct engine *e, struct port *port);
/* Offload on or off for one port, live. */
void engine_port_enable(struct engine *e, struct dp_port port, bool on);
/* What holds for the port's flows instead of engine_config.policy; -1: that.  Live. */
void engine_port_policy(struct engine *e, struct dp_port port, int policy);

/* How the flows that enter by a port compete for entries.  Live. */
struct engine_port_placement {
	int placement;        /* enum placement; -1: the switch's */
	bool pinned;          /* all of them */
	uint32_t max_entries; /* at most, but for the moment of an exchange; 0: no limit */
};
/* pl NULL: nothing of its own. */
void engine_port_placement(struct engine *e, struct dp_port port,
			   const struct engine_port_placement *pl);

struct engine_put {
	struct ufid ufid;
	const struct flow_key *key, *mask; /* copied */
	struct dp_actions actions;         /* copied */
	bool hw_ok;                        /* false: slow path; never offered to hardware */
	bool pinned;                       /* ahead of all others; where PLACEMENT_PINNED holds */
	void *aux;
	/* results */
	int result;               /* of the fallback datapath: 0, -EEXIST, -ENOSPC … */
	struct engine_flow *flow; /* referenced for the caller when result == 0 */
};
/* Installs in the fallback datapath now (one batch), offers to hardware afterwards.  Returns how
 * many failed. */
unsigned engine_put(struct engine *e, struct engine_put *puts, size_t n);
/* New actions, everywhere, make-before-break. */
struct engine_modify {
	struct engine_flow *flow;
	struct dp_actions actions; /* copied */
	bool hw_ok;
	int result;
};
unsigned engine_modify(struct engine *e, struct engine_modify *mods, size_t n);
/* Whether it is pinned from now on. */
void engine_pin(struct engine *e, struct engine_flow *f, bool pinned);
/* --- taking over from a former process --- */

/* Until engine_adopt(): devices are asked for nothing, and nothing in them is taken for an orphan.
 * Right after engine_new(). */
void engine_hold(struct engine *e);
struct engine_adoption {
	uint64_t flows;    /* taken over */
	uint64_t rules;    /* of devices, taken over with their flows */
	uint64_t put_back; /* flows that only a device still had */
	uint64_t removed;  /* rules that belonged to no flow as it is */
};
/* For each flow, with its counters as they are; the flow is referenced for the callee.  Returns
 * aux, as in engine_put. */
typedef void *engine_adopted_fn(void *ctx, struct engine_flow *f);
/* Makes flows of what the datapath and the devices of the ports hold.  They forward as they did,
 * stay where they are, and are not placed elsewhere (OFFLOAD_ADOPTED) until they are confirmed,
 * modified or deleted.  Main thread, once, when the ports of the start are there; before the first
 * engine_put().  0, or -errno when the datapath could not be read to its end. */
int engine_adopt(struct engine *e, engine_adopted_fn *fn, void *ctx,
		 struct engine_adoption *report);
/* What an adopted flow matches and does is right. */
void engine_confirm(struct engine *e, struct engine_flow *f, bool hw_ok);
/* What it does now, on the fallback datapath: valid until engine_modify(). */
struct dp_actions engine_flow_actions(const struct engine_flow *f);

/* Takes flows out of all tiers; gone() follows for each, soon (hardware) or before this returns
 * (software only). */
void engine_del(struct engine *e, struct engine_flow *const flows[], size_t n);

/* Reads all software counters in bulk (dp dump) and folds in the hardware readings of the devices'
 * threads, so that engine_flow_total() is current.  One caller at a time (the revalidator).  Blocks
 * for the dump only. */
void engine_refresh(struct engine *e);
/* Has every device read its counters anew, and returns the moment from which on
 * they are to have been read (mono).  However often it is called, a device rests from one reading
 * to the next for ENGINE_READ_REST_MS, and longer where readings are long: device.c.  Any thread;
 * does not block, the engine's `read` tells when there is news. */
#define ENGINE_READ_REST_MS 50
uint64_t engine_ask_readings(struct engine *e);
/* Since when packets may have passed that a device's last reading lacks, though it does answer
 * (mono); UINT64_MAX: no device holds a rule.  Any thread. */
uint64_t engine_readings_ns(struct engine *e);
/* The fallback datapath no longer has it, as engine_refresh() found, and there another flow of the
 * same match is in its place: to be deleted. */
bool engine_flow_lost(const struct engine_flow *f);
/* Total over all tiers, as of the last readings.  Returns since when packets may have passed that
 * are not in it (mono): UINT64_MAX, engine_refresh() has just looked; else the flow has a rule in a
 * device whose last whole pass over its counters began then.  0: there was none yet. */
uint64_t engine_flow_total(struct engine_flow *f, struct flow_stats *total);
void *engine_flow_aux(const struct engine_flow *f);
/* What it was put with: key under mask.  Never changes; any thread. */
void engine_flow_match(const struct engine_flow *f, struct match *m);
struct engine_flow *engine_flow_ref(struct engine_flow *f);
void engine_flow_unref(struct engine_flow *f);
/* Waits until no request is queued or under way (tests; orderly stop); false after timeout. */
bool engine_quiesce(struct engine *e, uint64_t timeout_ms);

/* --- looking at it (any thread; copies out) --- */
struct engine_event {   /* a step of a flow's history */
	uint64_t at_ns; /* clock_wall_ns() */
	enum offload_state from, to;
	struct offload_refusal why; /* reason OK when nothing to explain */
	struct flow_stats at_stats; /* total when it happened */
};
#define ENGINE_HISTORY 16 /* the newest steps; older ones are only counted */

/* A flow in hardware that is never hit there while software sees its packets; mute.c. */
#define ENGINE_FAULTS 64
struct engine_fault {
	struct ufid ufid;
	char device[64];
	uint64_t since_ns,
		last_ns;   /* clock_wall_ns(): begin of its first window, last time found */
	uint64_t ended_ns; /* the same; 0: it is open */
	bool healed;       /* it ended because hardware counts again, not with the flow */
	uint32_t times;    /* found */
	/* The last window: its length, where the device's counter stood, what software counted. */
	uint64_t window_ms, hw_packets, sw_packets;
};

struct engine_flow_info {
	struct ufid ufid;
	struct flow_key key, mask;
	struct buf actions; /* owned by the info: engine_flow_info_done() */
	enum offload_state state;
	struct offload_refusal why; /* why it is not in hardware now */
	char device[64];            /* "" = none */
	uint32_t cost;
	uint64_t created_ns; /* mono */
	struct flow_stats total, tier[LEDGER_N_TIERS];
	double rate_pps;   /* decayed */
	unsigned n_events; /* ever; history holds the last ENGINE_HISTORY */
	struct engine_event history[ENGINE_HISTORY];
	bool faulty; /* it is or was a fault: the last one */
	struct engine_fault fault;
};
void engine_flow_info_done(struct engine_flow_info *i);
/* -ENOENT when there is no such flow. */
int engine_flow_info(struct engine *e, struct ufid ufid, struct engine_flow_info *info);
/* Every flow; false from fn ends it.  The info is valid during the call only. */
typedef bool engine_visit_fn(const struct engine_flow_info *info, void *aux);
void engine_visit(struct engine *e, engine_visit_fn *fn, void *aux);

/* What an audit finds of a device's rules. */
enum engine_finding_kind {
	ENGINE_MISSING,  /* confirmed once, not held now */
	ENGINE_ORPHANED, /* held with our mark, and no flow's */
	ENGINE_ALTERED,  /* not what was placed */
	ENGINE_MUTE,     /* its counter stands still while the flow's packets pass elsewhere */
	ENGINE_RAN_BACK, /* its counter went back since the last run */
	ENGINE_N_FINDINGS
};
extern const char *const engine_finding_name[ENGINE_N_FINDINGS];

#define ENGINE_LATENCY_BUCKETS 16 /* upper bounds 1 us * 4^i */
struct engine_device_info {
	char name[64], provider[16];
	struct offload_caps caps;
	struct offload_usage usage;
	uint64_t flows[OFFLOAD_N_STATES];
	uint64_t refusals[OFFLOAD_N_REASONS]; /* events since start */
	uint64_t flows_by_reason[OFFLOAD_N_REASONS], packets_by_reason[OFFLOAD_N_REASONS],
		bytes_by_reason[OFFLOAD_N_REASONS]; /* of flows now outside hardware, there */
	double pps_by_reason[OFFLOAD_N_REASONS];
	uint32_t queue_depth;
	uint64_t queue_oldest_ns, queue_shed;
	uint64_t installs, replaces, removes, failures, evictions, repairs;
	uint64_t exchanges; /* evictions whose replacement stood before */
	uint64_t
		churn_limited; /* flows that would have been worth it, but for the bound on churn */
	uint32_t churn_bound;  /* evictions a second at most, as it is now */
	uint64_t allowed;      /* entries of ours at most, as the limits are now */
	bool limited;          /* there is such a limit */
	uint64_t ticks, tick_ns, tick_max_ns; /* CPU time of deciding: in all, and of the longest */
	uint64_t latency[ENGINE_LATENCY_BUCKETS], latency_sum_ns;
	uint64_t audit_runs, audit_missing, audit_orphaned, audit_altered;
	uint64_t audit_mute; /* in hardware, never hit while the software twin counts */
	uint64_t audit_drift[ENGINE_N_FINDINGS]; /* what the last whole run found */
	uint64_t audit_ended_ns, audit_took_ns;  /* of that: mono; 0 = there was none */
	uint64_t readings_back;                  /* counters that ran backwards */
	uint64_t resets;                         /* times that the device lost its rules */
	uint64_t hangs;                          /* times that it did not come back from a call */
	bool hung;                               /* it is in one now, and cut off */
	uint64_t events[OFFLOAD_N_EVENTS];       /* that the provider told of */
	uint64_t learned_shapes;
};
struct engine_port_info {
	struct dp_port no;
	char name[64], device[64]; /* device "" = none */
	bool enabled;
	uint64_t flows, flows_hw, flows_tc;
	/* Of flows entering here, gone ones included.  They never run back: a port that leaves and
	 * comes again under its name goes on where it was. */
	uint64_t packets[LEDGER_N_TIERS], bytes[LEDGER_N_TIERS];
};
/* Fill up to max; return the number there is. */
size_t engine_devices(struct engine *e, struct engine_device_info *out, size_t max);
size_t engine_ports(struct engine *e, struct engine_port_info *out, size_t max);
/* What the kernel lacks, when the port's device can take no rule for want of it; else "". */
void engine_port_lacking(struct engine *e, struct dp_port port, char *words, size_t size);
/* What rules of devices took at a port (rx) and gave to it (tx), where the port's own counters
 * leave that out (port.counts_datapath_only), since engine_port_add(); else zeros.  To be added to
 * them: every packet is in one of the two.  As of the last readings; never runs back.  Adopted
 * rules bring what they had counted; what others had that are gone, a new process does not know.
 * What a meter of a rule drops counts as given, and is left out of what is taken where the rule
 * goes on in a later chain. */
struct engine_beside {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};
void engine_port_beside(struct engine *e, struct dp_port port, struct engine_beside *ret);
struct engine_totals {
	uint64_t packets[LEDGER_N_TIERS],
		bytes[LEDGER_N_TIERS];         /* gone flows included: these never run back */
	uint64_t flows[LEDGER_N_TIERS];        /* now */
	uint64_t no_device[OFFLOAD_N_REASONS]; /* flows outside hardware by reason, all devices */
	uint64_t unknown_removed; /* flows that were in the fallback datapath and nobody's */
	uint64_t put_again;       /* flows that somebody else took out of it: there again */
	uint64_t changed_back;    /* flows that somebody else changed there: as they should be */
};
void engine_totals(struct engine *e, struct engine_totals *t);
/* What each reason costs: of the flows that it keeps outside hardware now, what they carry and what
 * has been switched of them outside hardware.  Bytes a second are packets a second by the flow's
 * mean length.  Walks all flows. */
struct engine_reason_cost {
	uint64_t flows, packets, bytes;
	double pps, bps;
};
void engine_reasons(struct engine *e, struct engine_reason_cost cost[OFFLOAD_N_REASONS]);
/* Faults, the newest first; up to max are copied; returns how many there are. */
size_t engine_faults(struct engine *e, struct engine_fault *out, size_t max);
/* A provider's command on a device (faults of sim).  Any thread. */
int engine_device_command(struct engine *e, const char *device, int argc, const char *const argv[],
			  struct str *out, struct error *err);

/* --- audit: does a device hold what it should?  audit.c says what is looked for --- */
struct engine_finding {
	enum engine_finding_kind kind;
	struct ufid ufid; /* as the device says for an orphan */
	uint64_t handle;
	char evidence[160]; /* a sentence */
};
#define ENGINE_FINDINGS 1000 /* that one run tells of one by one; the rest is only counted */
struct engine_audit {
	char device[64];
	bool answered, can_tell; /* it did not hang; it knows what it holds */
	bool repair;             /* what was found is being put right */
	uint64_t rules, n[ENGINE_N_FINDINGS], took_ns;
	struct engine_finding *list; /* valid during the call */
	size_t n_list;
};
/* Audits one device (NULL: each) now, and has what was found put right if `repair`, make before
 * break; else nothing is changed.  fn for each, on the caller's thread.  Blocks for as long as the
 * devices take.  -ENODEV. */
typedef void engine_audit_fn(const struct engine_audit *a, void *aux);
int engine_audit(struct engine *e, const char *device, bool repair, engine_audit_fn *fn, void *aux,
		 struct error *err);
/* As text, a line for the device and one for each finding.  aux: a struct str. */
engine_audit_fn engine_audit_print;
