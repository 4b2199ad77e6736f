/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's inside: what its modules share.
 *
 * A flow has a wish and a place.  The wish (`want`, `acts`, `deleted`) is what the callers and the
 * policy last said; the place (`handle`, `hw_acts`) is what the device last confirmed.  Nobody
 * queues commands: a flow whose wish and place differ stands in its device's queue once, and when
 * its turn comes the device's thread does whatever makes them agree.  So requests for one flow are
 * in order by construction, ten modifications in a row cost one replacement, and the queue's length
 * is bounded by the number of flows.
 *
 * One lock (engine.lock) guards all of this; it is never held across a call to a datapath, a
 * provider or a callback.  While a flow is `busy` its device's thread works on it and nobody else
 * moves it. */
#pragma once

#include "core/base/htable.h"
#include "core/base/lock.h"
#include "core/base/thread.h"
#include "core/packet/match.h"
#include "offload/engine.h"
#include "offload/policy/budget.h"
#include "offload/policy/outlook.h"
#include "offload/policy/rank.h"
#include "offload/policy/shelf.h"
#include "offload/queue.h"
#include "offload/shape.h"

#define ENGINE_LOCKED(E) REQUIRES(&(E)->lock)

/* An action list that a flow and a request under way share; immutable. */
struct flow_acts {
	_Atomic uint32_t refs;
	uint32_t len;
	uint64_t told; /* hash of how the fallback datapath tells them, 0 = as they are; altered.c,
			  engine.lock */
	uint64_t data[];
};

/* A refusal without the weight of its text. */
struct why {
	const char *driver; /* interned in the engine; "" = none */
	uint64_t limit, at_ns, retry_ns;
	int16_t field;
	int16_t action;
	uint8_t reason; /* enum offload_reason */
};

struct event {
	struct why why;
	uint64_t packets, bytes;
	uint8_t from, to;
};

/* What follows when a rule has been taken out of the device. */
enum after_removal {
	AFTER_SOFTWARE, /* stays out; state SOFTWARE */
	AFTER_REFUSED,  /* stays out; state REFUSED */
	AFTER_REQUEUE,  /* was lost: place it again */
};

struct engine_port {
	char *provider;    /* owned: as last asked for; NULL */
	bool lost;         /* its device hung: it joins again when that is back */
	struct hnode node; /* engine.ports, by number */
	struct dp_port no;
	struct port *port;      /* referenced */
	struct engine_dev *dev; /* NULL = none */
	bool enabled, leaving;
	int8_t policy;        /* enum offload_policy; -1: the switch's */
	int8_t placement;     /* enum placement; -1: the switch's */
	bool pinned;          /* all that enters here, where the placement is PLACEMENT_PINNED */
	uint32_t max_entries; /* that its flows may take up; 0: no limit */
	uint64_t entries;     /* that they do */
	struct shelf out[2];  /* flows that wait for room; 1: the pinned ones */
	uint32_t slot;        /* its device's thread's: index in a tick */
	uint64_t flows, flows_hw, flows_tc;
	uint64_t packets[LEDGER_N_TIERS], bytes[LEDGER_N_TIERS];
	bool is_beside; /* a device's, and port->counts_datapath_only, at one time; beside.c */
	struct engine_beside beside;
};

struct engine_flow {
	struct hnode by_ufid;   /* engine.flows, until it is deleted */
	struct hnode by_handle; /* engine_dev.rules, while handle != 0 */
	struct queue_item queued;
	struct cds_list_head place; /* engine_dev.hw, .out or nowhere (empty) */
	struct engine *e;
	struct ufid ufid;
	struct minimatch match; /* immutable */
	struct flow_acts *acts; /* what software does now */
	void *aux;
	_Atomic uint32_t refs;

	uint8_t state;
	bool hw_ok, want, deleted, busy, sw_open;
	bool needs_sw; /* offload_needs_software() */
	bool dirty;    /* changed while busy: place it again */
	bool waiting;  /* on engine_dev.out, a chain's list or a shelf of its port */
	bool pinned;   /* by its rules or its bridge */
	bool swapping; /* part of an exchange; swap.c */
	bool stuck;    /* its removal failed and is tried again */
	bool gone;     /* gone() has been or is about to be called */
	bool adopted;  /* left by a former process and not confirmed: stays where it is */
	bool anew;     /* the device shall be asked again though the actions are the same */
	bool mute;     /* a fault is open; mute.c */
	uint8_t after; /* enum after_removal, when the removal was asked for */
	uint8_t backoff;
	struct why why;
	struct why leave; /* why the rule is being taken out */
	struct engine_port *port;
	struct engine_dev *dev;

	uint32_t recirc_id;       /* that it matches; 0: none */
	uint32_t wait_chain;      /* waits for a rule of this chain; 0: for none */
	struct chain_lead *leads; /* where its rule in the device leads to; chain.c */
	bool in_chain;            /* its rule is counted in its chain */

	uint64_t handle; /* 0 = no rule in the device */
	struct flow_acts *hw_acts;
	uint64_t digest, installed_ns;
	uint32_t cost, seen; /* seen: number of the last dump that showed it */
	uint32_t charged;    /* entries that are counted in port->entries */
	uint8_t tier;        /* of the rule: LEDGER_HARDWARE or LEDGER_TC */
	uint8_t hw_policy;   /* enum offload_policy that the rule was asked for with */

	struct ledger ledger;
	_Atomic bool lost; /* engine_flow_lost() */
	uint32_t shown;    /* engine.whole_run, when the fallback datapath showed it or took it */
	uint64_t created_ns;
	struct outlook_flow outlook;
	struct shelf_item shelved; /* on *shelf */
	struct shelf *shelf;       /* of its port */
	uint64_t audit_ns, audit_hw, audit_sw;
	uint32_t audit_back; /* ledger.went_back at the last audit */

	struct event *history; /* ring */
	uint32_t n_events;
	uint16_t history_cap;
};

/* Providers number their rules, and a pass over them goes by these numbers as memory does: near
 * ones shall stay near.  Nor are addresses a bad case. */
static inline uint64_t flow_hash_handle(uint64_t handle)
{
	return handle ^ handle >> 6;
}

/* What a provider told of one rule. */
#define DEVICE_NOTES 64
struct device_note {
	uint64_t handle;
	enum offload_event_kind kind;
	char words[64];
};

struct audit_job { /* of a caller who waits */
	bool repair, taken, done;
	struct engine_audit result; /* list: owned */
};

struct audit; /* audit.c */

struct batch; /* batch.c */

struct engine_dev {
	struct lock
		io; /* held around every call to the provider; never together with engine.lock */

	struct engine *e;
	struct offload_device *od;
	struct cds_list_head node; /* engine.devs */
	struct thread thread;
	struct batch *batch;   /* the thread's */
	struct shapes *shapes; /* the thread's */
	bool reading;          /* the thread's: a pass over counters is under way */
	uint64_t read_cursor, read_begun_ns, read_took_ns; /* likewise */
	struct audit *run;                                 /* the thread's */
	uint32_t dump_run;                                 /* the thread's */
	uint64_t next_stats_ns, next_tick_ns;              /* the thread's */
	uint64_t next_asked_ns;   /* the thread's: no reading that was asked for begins before */
	uint64_t stats_period_ns; /* the thread's: as it was when next_stats_ns was set */

	/* engine.lock */
	unsigned n_ports, n_users;         /* users: commands under way */
	const struct engine_port *leaving; /* takes no new rules; NULL = none */
	struct queue queue;
	struct cds_list_head hw, out;
	uint64_t n_tc_waiting; /* flows in TC that are to be tried again for hardware by time or
				  room */
	uint32_t n_out, n_busy, n_stuck; /* stuck: removals that failed and are tried again */
	struct htable rules, chains;
	bool idle; /* its thread sleeps and must be woken */
	struct offload_caps caps;
	struct offload_usage usage;
	struct budget budget;
	uint64_t read_ns;                /* when the counters were last read */
	uint64_t asked_ns;               /* a reading shall begin that is younger than this */
	uint64_t decided_ns;             /* the readings that the last decision saw */
	struct cds_list_head due, swaps; /* exchanges to be made, under way; swap.c */
	double batch_ns;                 /* measured time of a request, for the size of a batch */
	struct audit_job *audit;
	bool away; /* the provider said that the device is gone */
	bool hung; /* it has not come back from a call; hang.c */
	bool stray;
	struct port **stray_ports; /* owned, referenced: to be detached */
	unsigned n_stray_ports;
	_Atomic uint64_t call_ns;       /* since when its thread is in a call; 0 = it is in none */
	_Atomic bool ended;             /* its thread has left its loop */
	struct engine_device_info stat; /* counters only */

	struct lock notes_lock; /* innermost: providers notify from anywhere */

	uint32_t noted; /* a bit for each enum offload_event_kind */
	uint32_t noted_n[OFFLOAD_N_EVENTS];
	unsigned n_notes;
	bool deaf; /* its thread ends */
	struct device_note notes[DEVICE_NOTES];
	bool all_stale; /* more rules than notes */
};

#define ENGINE_DRIVER_TEXTS 1024
struct text {
	struct hnode node;
	char s[];
};

/* Flows that a thread is deleting from the fallback datapath, without the lock.  They are out of
 * engine.flows and still have a port and a device, for their last counts: whoever takes these away
 * looks here as well. */
struct closing {
	struct cds_list_head node; /* engine.closing */
	struct engine_flow *const *flows;
	size_t n;
};

struct engine {
	struct lock lock;
	pthread_cond_t changed; /* a queue drained, a flow left, an audit ended */

	struct dp *dp;
	enum ledger_tier sw_tier;
	unsigned n_beside; /* ports that are */
	struct engine_ops ops;
	void *ctx;
	struct engine_config cfg;
	struct htable flows, ports, texts;
	struct cds_list_head closing; /* struct closing: flows that are in no table any more */
	struct htable past;           /* past.c */
	unsigned n_faults;            /* mute.c */
	struct engine_fault faults[ENGINE_FAULTS];
	struct htable unknown;   /* unknown.c */
	struct altered *altered; /* owned; altered.c */
	uint64_t whole_ns;       /* when the fallback datapath was last told to show every flow */
	uint32_t whole_run;      /* number of that dump */
	uint64_t read_ns;        /* when the fallback datapath's counters were last read */
	struct outlook outlook;  /* what flows of each kind did next */
	uint64_t n_unseen;       /* of flows, whose `shown` is another */
	struct cds_list_head devs, strays;
	struct engine_totals totals;
	bool holding; /* engine_adopt() is still to come */
	bool frozen;  /* what is in the devices stays there: they are asked for nothing more */
	uint64_t n_removing;      /* deleted flows that a device still holds */
	struct live *live;        /* owned; live.c */
	struct conns_kept *conns; /* owned; conns.c; NULL: nobody has asked */
};

/* --- flow.c --- */
struct flow_acts *flow_acts_new(struct dp_actions a);
struct flow_acts *flow_acts_ref(struct flow_acts *a);
void flow_acts_unref(struct flow_acts *a);
static inline struct dp_actions flow_acts_list(const struct flow_acts *a)
{
	return (struct dp_actions){ a->len ? a->data : NULL, a->len };
}

/* The rule stands in the device, in its hardware or in the provider's software. */
static inline bool flow_placed(const struct engine_flow *f)
{
	return f->state == OFFLOAD_ST_HARDWARE || f->state == OFFLOAD_ST_TC;
}

/* offload_needs_software() of what it is and does now. */
bool flow_needs_software(const struct engine_flow *f);

struct engine_flow *flow_new(struct engine *e, const struct engine_put *put);
/* fn for each that may have a port and a device: those of the table, and those that a thread is
 * deleting (struct closing). */
void flow_each(struct engine *e, void (*fn)(struct engine *e, struct engine_flow *f, void *arg),
	       void *arg) ENGINE_LOCKED(e);
struct engine_flow *flow_find(struct engine *e, struct ufid ufid) ENGINE_LOCKED(e);
/* Which port and device it belongs to now. */
void flow_assign(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
/* Moves it, remembers the step, keeps the counts by state and reason. */
void flow_set_state(struct engine *e, struct engine_flow *f, enum offload_state to,
		    const struct why *why) ENGINE_LOCKED(e);
/* Remembers in its history what happened to it where it is: no step. */
void flow_remark(struct engine *e, struct engine_flow *f, enum offload_reason reason)
	ENGINE_LOCKED(e);
/* Into the table / out of it (it counts in the totals until then). */
void flow_enter(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
void flow_leave(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
/* An absolute reading of one tier; adds what is new to flow, port and totals. */
void flow_fold(struct engine *e, struct engine_flow *f, enum ledger_tier t,
	       const struct flow_stats *reading) ENGINE_LOCKED(e);
/* Packets a second, as of the last reading, for people. */
double flow_pps(const struct engine_flow *f);
/* Packets a second and entry, to rank by. */
double flow_value(const struct engine_flow *f);
/* What holds for it of the switch's and its port's. */
enum placement flow_placement(const struct engine_flow *f);
bool flow_is_pinned(const struct engine_flow *f);
/* Its rule takes up (none: no longer) so many entries, on its port's account. */
void flow_charge(struct engine_flow *f, uint32_t entries);
void flow_info_fill(struct engine *e, struct engine_flow *f, struct engine_flow_info *i)
	ENGINE_LOCKED(e);

struct why why_of(enum offload_reason reason);
struct why why_from(struct engine *e, const struct offload_refusal *r) ENGINE_LOCKED(e);
void why_to(const struct why *w, struct offload_refusal *r);
/* The text, kept until the engine ends. */
const char *why_words(struct engine *e, const char *s) ENGINE_LOCKED(e);

/* --- conns.c --- */
void conns_forget(struct engine *e);

/* --- live.c --- */
struct live *live_new(void); /* free() it */
/* The flow has come to its state from another one. */
void live_moved(struct engine *e, const struct engine_flow *f, enum offload_state from)
	ENGINE_LOCKED(e);

/* --- place.c: wishes to queue --- */
/* Looks at a flow whose wish, port, device or configuration may have changed. */
void place_flow(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
void place_all(struct engine *e, const struct engine_port *only_port,
	       const struct engine_dev *only_dev) ENGINE_LOCKED(e);
/* What the configuration and the flow's own needs make of tc-policy. */
enum offload_policy place_policy(const struct engine *e, const struct engine_flow *f)
	ENGINE_LOCKED(e);
/* Asks the device for its hardware again, for a rule that stands in software. */
void place_anew(struct engine_flow *f);
/* Asks for its rule's removal; what follows is `after` with reason `why`. */
void place_remove(struct engine *e, struct engine_flow *f, enum after_removal after,
		  enum offload_state via, const struct why *why) ENGINE_LOCKED(e);
/* Takes a flow in hardware out of it, by a decision: it waits for room from then on.  The engine's
 * lock is held. */
void place_evict(struct engine_flow *f, enum offload_reason reason);
/* Onto its port's shelf, or to where its value belongs there. */
void place_shelve(struct engine_flow *f);
/* A reading brought packets: it goes up where it waits. */
void place_counted(struct engine_flow *f);
/* What orders flows that wait has changed; only_port NULL: for all. */
void place_reshelve(struct engine *e, const struct engine_port *only_port) ENGINE_LOCKED(e);
/* Queues it for installation. */
void place_install(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
/* Onto the list of flows that are tried again (by reason), or off it. */
void place_wait(struct engine_flow *f);
void place_unwait(struct engine_flow *f);
void place_refuse(struct engine *e, struct engine_flow *f, struct why why) ENGINE_LOCKED(e);
void place_wake(struct engine_dev *d);
/* When it is tried again, where the reason says after a while. */
void place_backoff(struct engine_flow *f, struct why *w);
/* Puts it in the queue of changes unless it is queued or busy. */
void place_change(struct engine_flow *f);

/* --- device.c: the thread of a device --- */
struct engine_dev *device_start(struct engine *e, struct offload_device *od, struct error *err);
void device_stop(struct engine_dev *d);
void device_stats_pass(struct engine_dev *d);
struct engine_flow *device_flow_of(struct engine_dev *d, uint64_t handle) REQUIRES(&d->e->lock);
/* Takes flows that are out of every tier; calls gone() outside the lock. */
struct gone_list {
	struct engine_flow **v;
	size_t n, cap;
};
void gone_add(struct engine *e, struct gone_list *g, struct engine_flow *f) ENGINE_LOCKED(e);
void gone_call(struct engine *e, struct gone_list *g) EXCLUDES(e->lock);
bool device_quiet(const struct engine_dev *d);
/* By name, kept until device_release(); NULL: there is none. */
struct engine_dev *device_use(struct engine *e, const char *name);
void device_release(struct engine *e, struct engine_dev *d);
/* Looks at capabilities, usage and epoch now. */
void device_look(struct engine_dev *d) EXCLUDES(d->e->lock);

/* --- batch.c: the device's thread --- */
struct batch *batch_new(void); /* free() it */
/* One batch from the queue to the device; false when there was nothing to do. */
bool batch_step(struct engine_dev *d) EXCLUDES(d->e->lock);
/* The batch under way has been given up: what comes of it is nobody's. */
void batch_abandon(struct engine_dev *d, struct gone_list *g) REQUIRES(&d->e->lock);
/* The batch under way has a flow that enters or leaves by this port. */
bool batch_works_on(const struct engine_dev *d, const struct engine_port *p);
/* Where a rule is, as the device said. */
struct rule_place {
	uint64_t handle, digest;
	uint32_t cost;
	uint8_t tier, policy;
};
/* The device has a rule for the flow, which does `acts` (referenced by this). */
void batch_rule_here(struct engine_dev *d, struct engine_flow *f, struct flow_acts *acts,
		     const struct rule_place *p) REQUIRES(&d->e->lock);
/* The device no longer has the flow's rule: forgets its handle.  replaced: batch_rule_here() comes
 * next. */
void batch_rule_gone(struct engine_dev *d, struct engine_flow *f, bool replaced)
	REQUIRES(&d->e->lock);

/* --- beside.c: what devices' rules take and give beside a port's counters --- */
/* The port is a device's from now on; it is forgotten. */
void beside_begin(struct engine *e, struct engine_port *p) ENGINE_LOCKED(e);
void beside_end(struct engine *e, const struct engine_port *p) ENGINE_LOCKED(e);
/* What the flow's rule in a device has counted since it was last read. */
void beside_count(struct engine *e, const struct engine_flow *f, const struct flow_stats *d)
	ENGINE_LOCKED(e);

/* --- past.c: what ports that are gone have counted --- */
void past_keep(struct engine *e, const struct engine_port *p) ENGINE_LOCKED(e);
void past_take(struct engine *e, struct engine_port *p) ENGINE_LOCKED(e);
void past_done(struct engine *e);

/* --- mute.c: in hardware, never hit --- */
/* Found: for window_ns the device's counter stood at hw, while software counted sw. */
void mute_raise(struct engine_dev *d, struct engine_flow *f, uint64_t window_ns, uint64_t hw,
		uint64_t sw) REQUIRES(&d->e->lock);
/* Its rule has been hit / it is gone: ends the fault that is open. */
void mute_hit(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
void mute_gone(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
/* The last fault of the flow. */
bool mute_of(struct engine *e, const struct engine_flow *f, struct engine_fault *fault)
	ENGINE_LOCKED(e);

/* --- ports.c --- */
struct engine_port *port_find(struct engine *e, struct dp_port no) ENGINE_LOCKED(e);
/* The flow, as it is or as the device has it, enters or leaves by the port. */
bool port_touches(const struct engine_port *p, const struct engine_flow *f);
void port_forget(struct engine *e, struct engine_port *p, bool leave) EXCLUDES(e->lock);

/* --- policy.c: carries out what offload/policy/ decides --- */
void policy_tick(struct engine_dev *d, uint64_t now_ns) EXCLUDES(d->e->lock);
/* Entries of a table that are left for exchanges. */
uint64_t policy_spare(const struct engine_dev *d) REQUIRES(&d->e->lock);
/* Evictions a second, as the device is and the configuration allows. */
uint32_t policy_churn_bound(const struct engine_dev *d); /* the lock is held */
/* --- divide.c --- */
/* The part of engine_config.max_total that each device may hold. */
void divide_entries(struct engine *e) ENGINE_LOCKED(e);

/* Asks for the flow's rule, or for hardware for the one it has. */
void policy_bring_in(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);

/* --- swap.c: exchanges, make-before-break --- */
/* `in` shall have hardware and `out` leave it; -EAGAIN when one of them cannot any more. */
int swap_add(struct engine_dev *d, struct engine_flow *in, struct engine_flow *const out[],
	     uint32_t n) REQUIRES(&d->e->lock);
/* Goes on with them as far as the table has room. */
void swap_step(struct engine_dev *d, uint64_t now_ns) REQUIRES(&d->e->lock);
/* Gives up those that have not begun. */
void swap_forget(struct engine_dev *d, uint64_t now_ns) REQUIRES(&d->e->lock);
/* Gives up all; the device's thread has ended. */
void swap_done(struct engine_dev *d);

/* --- audit.c --- */
struct audit *audit_new(void);
void audit_free(struct audit *a);
/* From the start to the end, without a rest; one that is under way begins anew. */
void audit_run(struct engine_dev *d) EXCLUDES(d->e->lock);
/* The next step of what is under way or due now, if any: false when there is nothing to do. */
bool audit_step(struct engine_dev *d, uint64_t now) EXCLUDES(d->e->lock);
/* When the next step is due; UINT64_MAX: at no time. */
uint64_t audit_due_ns(const struct engine_dev *d);
/* The handle has been removed. */
void audit_gone(struct engine_dev *d, uint64_t handle) REQUIRES(&d->e->lock);
/* Something happened to rules, it is not known to which: from the start, without a rest. */
void audit_hurry(struct engine_dev *d);
/* After the device's epoch changed. */
void audit_reset(struct engine_dev *d) EXCLUDES(d->e->lock);
/* The flow's rule is not what was placed.  What was altered is replaced where it stands; else out
 * with it, and in again.  words: kept as they are, so constant or interned. */
void audit_lose(struct engine_dev *d, struct engine_flow *f, enum offload_reason reason,
		const char *words) REQUIRES(&d->e->lock);
/* Takes out rules that belong to no flow. */
void audit_remove(struct engine_dev *d, const uint64_t *handles, size_t n);

/* --- finding.c: what an audit has found --- */
/* Counts it, and tells of it while there is room. */
void finding_add(struct engine_audit *a, enum engine_finding_kind kind, struct ufid ufid,
		 uint64_t handle, const char *evidence, ...) PRINTF_LIKE(5, 6);
void finding_log(const struct engine_audit *a);

/* --- hang.c: devices that do not come back --- */
/* Around every call to the provider. */
uint64_t device_call(struct engine_dev *d) ACQUIRE(d->io); /* the time then */
void device_called(struct engine_dev *d) RELEASE(d->io);
/* Cuts off the devices whose call lasts too long.  Any thread. */
void hang_check(struct engine *e) EXCLUDES(e->lock);
void hang_check_locked(struct engine *e, struct gone_list *g) ENGINE_LOCKED(e);
/* Until something changes, but not for long, as a device may hang meanwhile. */
void hang_wait(struct engine *e, struct gone_list *g) ENGINE_LOCKED(e);
/* The device's thread, back from a call. */
void hang_recover(struct engine_dev *d) EXCLUDES(d->e->lock);
/* The flow's rule, when its device hangs: nobody can read its counters now. */
void hang_give_up(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
/* Its ports and flows leave a device that hangs. */
void hang_stray(struct engine *e, struct engine_dev *d, struct gone_list *g) ENGINE_LOCKED(e);
/* The port is still in the hands of a stray, whose name it gets. */
bool hang_has_port(struct engine *e, const struct port *port, char name[64]);
/* Takes down the strays that are back; true when none is left.  Main thread. */
bool hang_reap(struct engine *e) EXCLUDES(e->lock);

/* --- chain.c: what leads to what --- */
void chain_rule_here(struct engine_dev *d, struct engine_flow *f) REQUIRES(&d->e->lock);
void chain_rule_gone(struct engine_dev *d, struct engine_flow *f, bool replaced)
	REQUIRES(&d->e->lock);
/* The first chain that such a rule leads to and that has no rule; 0: all have one. */
uint32_t chain_missing(struct engine_dev *d, struct dp_actions acts) REQUIRES(&d->e->lock);
/* Waits for a rule in the chain that f->why names; false: it has one. */
bool chain_wait(struct engine_flow *f);
void chain_unwait(struct engine_flow *f);
enum chain_turn {
	CHAIN_NOW,   /* its rule may be taken out, behind what the batch has */
	CHAIN_LATER, /* its leaders have been asked to leave before */
	CHAIN_STUCK  /* and one does not */
};
enum chain_turn chain_may_leave(struct engine_dev *d, struct engine_flow *f) REQUIRES(&d->e->lock);
void chain_batch_done(struct engine_dev *d) REQUIRES(&d->e->lock);
/* Leaders of chains without a rule (adopted ones) leave. */
void chain_sweep(struct engine_dev *d) REQUIRES(&d->e->lock);

/* --- unknown.c: flows of the fallback datapath that are nobody's --- */
/* A dump that began at now_ns shows one / has ended. */
void unknown_see(struct engine *e, struct ufid ufid, uint64_t now_ns) ENGINE_LOCKED(e);
void unknown_sweep(struct engine *e, uint64_t now_ns) EXCLUDES(e->lock);
void unknown_done(struct engine *e);

/* --- lost.c: flows that somebody else took out of the fallback datapath --- */
/* A dump of every flow begins / shows one / came to its end. */
void lost_begin(struct engine *e) ENGINE_LOCKED(e);
void lost_seen(struct engine *e, struct engine_flow *f) ENGINE_LOCKED(e);
void lost_sweep(struct engine *e) EXCLUDES(e->lock);

/* --- altered.c: flows that somebody else changed in the fallback datapath --- */
struct altered *altered_new(void);
void altered_free(struct engine *e);
/* Reads the next part of a pass when it is time.  The refreshing thread. */
void altered_step(struct engine *e, uint64_t now_ns) EXCLUDES(e->lock);

/* --- notify.c: what providers tell of --- */
bool notify_pending(struct engine_dev *d);
/* The device's thread: does what the notes ask for. */
void notify_answer(struct engine_dev *d) EXCLUDES(d->e->lock);
/* No more notes. */
void notify_stop(struct engine_dev *d);
