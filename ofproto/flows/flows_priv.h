/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the flows layer: one megaflow, and what handlers and the revalidator share. */
#pragma once

#include <stdatomic.h>

#include "core/base/lock.h"
#include "core/base/thread.h"
#include "ofproto/flows/flows.h"

#define FLOWS_MAX_HANDLERS 64

struct megaflow {
	/* in flows->incoming, then the revalidator's live, then flows->deleting, then flows->gone
	 */
	struct cds_list_head node;
	struct engine_flow *ef; /* referenced */
	uint64_t seq;           /* flows_seq() before its last translation */
	uint64_t created_ns;    /* clock_mono_ns() */
	struct effects effects;
	struct flow_stats credited; /* what effects have been given of the total */
	struct flow_stats final;    /* set by the engine's gone() */
	uint64_t actions_hash;
	uint64_t bridge_id;
	uint64_t round; /* that deleted it */
	bool hw_ok;
	bool pinned;     /* to hardware; xlate/pins.h */
	bool unverified; /* adopted, not yet checked against the tables (adopt.c) */
};

struct round_waiter {
	struct cds_list_head node;
	void (*fn)(void *arg);
	void *arg;
	uint64_t round;    /* called when this round is complete */
	uint64_t asked_ns; /* with devices' readings as young as this; 0: whatever there is */
	uint64_t until_ns; /* they are waited for until then */
};

struct handler {
	struct thread thread;
	struct flows *f;
	unsigned index;
	_Atomic uint64_t upcalls, installed, duplicate, install_failed, over_limit, no_port;
	_Atomic uint64_t packets, bytes; /* that this handler itself switched */
	_Atomic uint64_t xlate_errors[XLATE_N_ERRORS];
};

struct flows {
	struct dp *dp;
	struct engine *engine;
	struct flows_ops ops;
	void *ctx;

	/* read: somebody is between translation and hand-over; write, briefly: nobody is */
	pthread_rwlock_t in_flight;
	struct xl_snapshot *snap;    /* RCU */
	struct recirc_table *recirc; /* owned */

	struct lock lock;              /* guards what follows, up to the blank line */
	struct cds_list_head incoming; /* installed, not yet the revalidator's */
	struct cds_list_head deleting; /* the engine has been told, oldest round first */
	struct cds_list_head gone;     /* the engine is done with them */
	struct cds_list_head waiters;  /* oldest first */
	uint64_t rounds_begun;
	uint64_t readings_ns;         /* engine_readings_ns() as the last round began */
	_Atomic uint64_t rounds_done; /* flows_stats() reads it without */
	_Atomic uint64_t counted_ns;  /* flows_counted_ns(); the revalidator writes */

	/* Configuration: the main thread writes. */
	_Atomic uint32_t max_limit, max_idle_ms, max_revalidator_ms;
	_Atomic uint32_t limit; /* in force */
	_Atomic uint64_t n_flows, max_flows, round_ms;
	_Atomic uint64_t revalidated, deleted_idle, deleted_changed, modified, readings_late;
	_Atomic bool kicked, purge;
	_Atomic bool held;   /* flows_begin() is still to come */
	_Atomic bool paused; /* no upcalls are taken */
	_Atomic uint64_t adopted, adopt_waiting, adopt_kept, adopt_changed, adopt_removed,
		adopt_uncredited;
	struct handler *handlers;
	unsigned n_handlers;
	struct thread revalidator;
	struct cds_list_head live; /* the revalidator's own */
};

/* A number that changes whenever a translation might: of all that `snap` names. */
uint64_t flows_seq(const struct xl_snapshot *snap);
/* Takes effects over from a translation. */
void megaflow_init(struct megaflow *mf, struct xlate_out *out, uint64_t seq);
void megaflow_set_seq(struct megaflow *mf, const struct xlate_out *out, uint64_t seq);
/* Tells the engine when another translation, or other pins, turn it. */
void megaflow_pin(struct flows *f, struct megaflow *mf, const struct effects *x);
void megaflow_free(struct megaflow *mf);
/* The translation looked at nothing that packets of this match may differ in. */
bool megaflow_covers(const struct match *m, const struct xlate_out *out);
uint64_t megaflow_actions_hash(struct dp_actions a);
void megaflow_hand_over(struct flows *f, struct megaflow *mf); /* to the revalidator */
void flows_wake_handlers(struct flows *f);

/* --- sync.c: those who wait for a round, on the revalidator's thread --- */
void flows_call_waiters(struct flows *f); /* all of them */
/* Those whose round was before `open`, and whose readings are there or too late. */
void flows_call_due(struct flows *f, uint64_t open) EXCLUDES(f->lock);
/* Somebody waits for a round that can be made now. */
bool flows_waited_for(struct flows *f) EXCLUDES(f->lock);
/* When the first of them gives up waiting for a device, or latest_ns (mono). */
uint64_t flows_wait_until(struct flows *f, uint64_t latest_ns) EXCLUDES(f->lock);

void handler_main(struct thread *t, void *handler);
/* Hands a sampled packet up; up->packet is the callee's.  Any thread. */
void flows_sampled(struct flows *f, const struct dp_upcall *up);
void revalidator_main(struct thread *t, void *flows);

/* --- a round of the revalidator, on its thread --- */
#define ROUND_BATCH 512
struct round {
	struct flows *f;
	uint64_t number, seq, now_ns, max_idle_ns;
	uint64_t counted_ns; /* before it all has been counted */
	bool purge;
	struct engine_flow *del[ROUND_BATCH];
	unsigned n_del;
};
void round_delete(struct round *r, struct megaflow *mf);
/* The engine gets what the translation says; its effects have been taken. */
void round_change_actions(struct round *r, struct megaflow *mf, const struct xlate_out *out);

/* --- adopt.c --- */
/* Before a round takes its sequence number: what is due teaches addresses. */
void adopt_teach(struct flows *f);
/* What is due is kept, changed or removed. */
void adopt_check(struct round *r);
