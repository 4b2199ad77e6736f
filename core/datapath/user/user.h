/* SPDX-License-Identifier: Apache-2.0 */
/* The user datapath's insides, shared by its modules.
 *
 *   worker.c   threads: which queues to poll, when to sleep
 *   pipeline.c a batch of packets: parse, look up, group by flow, act, send
 *   act.c      the actions that need the datapath around them
 *   flows.c    the flow table as its writers see it
 *   meter.c    token buckets
 *   upcalls.c  queues to the handlers
 *   dp_user.c  ports, workers, the vtable
 *
 * What a packet touches is either its worker's own (cache, counters, queues) or read under RCU
 * (ports, flows, actions, upcall queues): no locks, no allocation but the copies that a
 * recirculation in the middle of an action list needs.
 *
 * Exact counts: a flow has one shard of counters per worker, written by that worker alone inside
 * the RCU section in which it found the flow, and shard 0 for everybody else (locked additions).
 * Once a flow is out of the table, a grace period ends every section that may still count on it;
 * what the shards say then is final. */
#pragma once

#include "core/base/clock.h"
#include "core/base/htable.h"
#include "core/base/lock.h"
#include "core/base/rcu.h"
#include "core/base/thread.h"
#include "core/classify/flow_cache.h"
#include "core/classify/megaflow.h"
#include "core/datapath/dp.h"
#include "core/datapath/user/meter.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"
#include "core/port/count.h"

#define DPU_MAX_PORTS 65280u /* port numbers below this */
#define DPU_MAX_WORKERS 64u
#define DPU_MAX_HANDLERS 32u
#define DPU_MAX_RECIRC 8u /* recirculations of one packet */
#define DPU_OUT_PORTS 32u /* ports that a batch collects output for before it sends */
#define DPU_FLOW_LIMIT 200000u

/* ---- flows ---- */

struct dpu_acts {     /* immutable; RCU */
	uint32_t len; /* bytes of data */
	/* Offset of the first action from which on nothing changes the packet: what is sent from
	 * there may be sent later, by reference. */
	uint32_t tail;
	bool outputs_only; /* no interpreter needed */
	bool drops;        /* empty, or an explicit drop first */
	bool tunnels;      /* sets tunnel fields */
	uint64_t data[];
};

static inline struct dp_actions dpu_acts_list(const struct dpu_acts *a)
{
	return (struct dp_actions){ a->data, a->len };
}

struct dpu_shard {
	uint64_t packets, bytes, used_ns;
	uint16_t tcp_flags;
	uint16_t group; /* the owning worker's: index of the flow's group in the present batch */
};

struct dpu_flow {
	struct mflow m;
	struct hnode node; /* by ufid; in dpu.by_ufid */
	struct ufid ufid;
	struct dpu_acts *acts; /* RCU */
	uint32_t slot;         /* place in dpu.slots */
	uint16_t n_shards;
	struct dpu_shard shards[];
};

/* ---- counters ---- */

struct dpu_counters {
	uint64_t hits, cache_hits, misses, lost, mask_probes;
	uint64_t drops[DP_N_DROPS];
	uint64_t parse[DP_N_PARSE_RESULTS];
	uint64_t upcalls[UPCALL_N_KINDS];
};
/* Adds every counter of src to *dst. */
void dpu_counters_add(struct dpu_counters *dst, const struct dpu_counters *src);

/* ---- ports ---- */

struct dpu_ports { /* immutable; RCU */
	uint32_t n;
	struct port *by_no[]; /* NULL where there is none */
};

/* ---- upcalls ---- */

struct upq; /* a queue of one producer and one consumer */

struct dpu_handler {
	int fd;                /* eventfd */
	_Atomic bool sleeping; /* the handler wants the eventfd written */
	bool busy;             /* handler: its last answer had something */
	unsigned next;         /* handler: ring to look at first */
	unsigned n_rings;
	struct upq *rings[]; /* owned; by producer: 0 = everybody else, 1.. = workers */
};

struct dpu_handlers { /* immutable but for the rings' contents; RCU */
	unsigned n;
	struct dpu_handler *h[DPU_MAX_HANDLERS];
};

/* What goes up. */
struct upcall_req {
	enum upcall_kind kind;
	const struct packet *packet;
	const struct flow_key *key;
	const uint64_t *cookie; /* 4 words; NULL = zeros */
	uint32_t max_len;
};

/* Queues for the handler that `hash` chooses; false: no room, *why says which drop. */
bool dpu_upcall(struct dpu_handlers *hs, unsigned producer, const struct upcall_req *r,
		uint32_t hash, enum dp_drop *why, unsigned *handler);
/* Wakes the handler if it sleeps. */
void dpu_upcall_kick(struct dpu_handlers *hs, unsigned handler);
/* n handlers with a ring for each of n_workers + 1 producers; handlers and rings that `old` has are
 * taken over, *lost counts the upcalls of those that are no more.  NULL and errno in *rc. */
struct dpu_handlers *dpu_handlers_new(struct dpu_handlers *old, unsigned n, unsigned n_workers,
				      int *rc);
/* Frees what `next` did not take over (NULL: all), after a grace period; returns how many upcalls
 * were lost with it. */
uint64_t dpu_handlers_retire(struct dpu_handlers *old, const struct dpu_handlers *next);
unsigned dpu_upcall_recv(struct dpu_handler *h, struct dp_upcall *out, unsigned max);

/* ---- workers ---- */

struct dpu_rxq {
	struct port *port; /* the datapath's reference */
	unsigned queue;
	int fd; /* in the worker's epoll set, one shot; -1: can only be polled */
	/* the worker's own */
	bool active, muted; /* polled each turn; left alone for a while; else armed in the set */
	uint8_t errors;     /* error events since it last had a packet */
	uint64_t idle_ns;   /* active: since when it has had no packet; muted: until when */
};

/* What a worker polls.  Published by the main thread under RCU; the queues' state is the worker's.
 */
struct dpu_polls {
	uint32_t gen;
	unsigned n, n_active, n_muted;
	uint64_t unmute_ns; /* when the first muted queue is due */
	unsigned *active;   /* behind q: indices of the active queues */
	struct dpu_rxq q[];
};

struct dpu_batch {
	unsigned n;
	bool dirty; /* some key's metadata words, in_port apart, may not be zero */
	struct packet *p[PACKET_BATCH];
	uint64_t map[PACKET_BATCH];
	struct flow_key key[PACKET_BATCH];
	struct flow_tnl tnl[PACKET_BATCH]; /* of those whose actions set tunnel fields */
};

struct dpu_outq {
	struct port *port;
	unsigned n;
	struct packet *p[PACKET_BATCH];
};

/* Where actions happen: one per worker, one on the stack of an execute(). */
struct dpu_ctx {
	struct dpu *dp;
	struct dpu_worker *w; /* NULL: not a worker */
	unsigned producer;    /* of upcalls, and shard of flows; 0 = not a worker */
	struct dpu_counters *cnt;
	struct exec_ctx x;
	uint64_t now_ns;
	unsigned depth; /* recirculations so far */
	unsigned
		nested; /* of these, those that are on the stack: their packets do not outlive it */
	unsigned n_flush;
	struct port *flush[DPU_OUT_PORTS]; /* sent to, tx_flush due */
	/* the list that is being carried out */
	const struct packet *cur;
	const uint8_t *tail; /* first byte of the part that changes nothing */
};

struct dpu_worker {
	struct thread thread;
	int epfd;
	struct dpu_polls *polls; /* RCU; written by the main thread */

	/* the worker's own from here on */
	struct dpu_ctx ctx;
	struct dpu_counters cnt;
	struct flow_cache *cache;
	uint64_t looked_ns; /* when the epoll set was last asked */
	uint64_t upcall_ns; /* when it last woke handlers */

	struct dpu_batch batch[2]; /* received, recirculated; they change places */
	struct dpu_batch *next;    /* where recirculated packets go */
	uint8_t *out_slot;         /* by port number: index + 1 into out, or 0 */
	unsigned n_out;
	struct dpu_outq out[DPU_OUT_PORTS];
	unsigned n_ingress;
	struct port_ingress *ingress[DPU_OUT_PORTS]; /* called in this turn, flush due */
	uint64_t kicks;                              /* handlers to wake at the end of the turn */
};

struct dpu {
	struct dp up;
	struct dpu_ports *ports;       /* RCU */
	struct dpu_handlers *handlers; /* RCU; NULL until set_handlers */
	struct mflow_table *table;
	struct dpu_meters meters;
	_Atomic uint64_t flow_limit;
	_Atomic uint64_t ranked_ns;
	_Atomic uint32_t busy_ns;

	struct lock lock; /* "datapath tables": flows as writers see them */
	struct htable by_ufid GUARDED_BY(lock);
	struct dpu_flow **slots GUARDED_BY(lock); /* for dumps */
	size_t n_slots GUARDED_BY(lock), cap_slots GUARDED_BY(lock);
	uint32_t free_slot GUARDED_BY(lock); /* head of the list of free slots, or NO_SLOT */

	struct lock count_lock; /* what is not a running worker's */
	struct dpu_counters base GUARDED_BY(count_lock);
	uint64_t gone_tx_drops GUARDED_BY(count_lock);

	/* main thread only */
	_Atomic unsigned n_workers; /* others may read it */
	struct dpu_worker *workers[DPU_MAX_WORKERS];
	uint32_t polls_gen;
	unsigned n_handlers;
};

static inline struct dpu *dpu_of(struct dp *dp)
{
	return container_of(dp, struct dpu, up);
}

static inline struct port *dpu_port(const struct dpu *d, uint32_t no)
{
	struct dpu_ports *ps = rcu_dereference(d->ports);

	return likely(no < ps->n) ? ps->by_no[no] : NULL;
}

/* flows.c; the table's part of the vtable */
unsigned dpu_flow_batch(struct dp *dp, struct dp_flow_op *ops, size_t n);
int dpu_flow_dump(struct dp *dp, struct dp_dump *cur, struct dp_flow_rec *recs, size_t max);
void dpu_flow_dump_end(struct dp *dp, struct dp_dump *cur);
void dpu_flows_clear(struct dpu *d); /* no readers any more */
/* Whether this datapath does every action of the list.  -EINVAL, -EOPNOTSUPP. */
int dpu_acts_check(struct dp_actions a);
/* Adds n packets with together so many bytes to the flow; RCU section. */
void dpu_flow_count(struct dpu_flow *f, const struct dpu_ctx *c, uint64_t n, uint64_t bytes,
		    uint16_t tcp_flags);

/* pipeline.c; RCU section */
/* Parses, looks up and carries out a received batch of one port; leaves nothing queued. */
void dpu_receive(struct dpu_worker *w, struct port *port, struct packet *pkts[], unsigned n);
void dpu_send_queued(struct dpu_worker *w);
/* Pushes out what was sent by this context: the ports may sit on it until then. */
void dpu_flush(struct dpu_ctx *c);
/* One packet through lookup and actions, at once; for recirculation off the fast path. */
void dpu_one(struct dpu_ctx *c, struct packet *p, struct flow_key *key);
void dpu_out_queue(struct dpu_worker *w, struct port *port, struct packet *p);
/* Everything queued for this port goes now, and then p. */
void dpu_out_now(struct dpu_ctx *c, struct port *port, struct packet *p);
void dpu_miss(struct dpu_ctx *c, struct packet *p, const struct flow_key *key);
void dpu_send_up(struct dpu_ctx *c, const struct upcall_req *r);

/* act.c */
/* Carries out a list on one packet; *key follows the edits. */
void dpu_actions(struct dpu_ctx *c, struct packet *p, struct flow_key *key, struct dp_actions list,
		 uint32_t tail);
void dpu_ctx_init(struct dpu_ctx *c, struct dpu *d, struct dpu_worker *w, unsigned producer,
		  struct dpu_counters *cnt);
unsigned dpu_execute(struct dp *dp, struct dp_execute *ex, size_t n);

/* worker.c */
/* idx: 1 to DPU_MAX_WORKERS; runs with nothing to poll.  0 or -errno. */
int dpu_worker_new(struct dpu *d, unsigned idx, struct dpu_worker **ret) MUST_CHECK;
void dpu_worker_free(struct dpu_worker *w); /* stops it first; NULL is fine */
/* Main thread: adds the port's queue to what w polls, or takes all the port's queues away (a grace
 * period later w touches the port no more). */
int dpu_worker_poll(struct dpu_worker *w, uint32_t gen, struct port *port,
		    unsigned queue) MUST_CHECK;
void dpu_worker_unpoll(struct dpu_worker *w, uint32_t gen, const struct port *port);
unsigned dpu_worker_load(const struct dpu_worker *w); /* queues */
