/* SPDX-License-Identifier: Apache-2.0 */
/* A datapath: ports joined by a table of megaflows, in this process ("netdev") or in the kernel
 * ("system").
 *
 * It knows nothing of OpenFlow.  A packet that no megaflow covers goes up with its key; whoever
 * handles it installs a megaflow and sends the packet on.  Everything that may be many comes in
 * batches, with a result for each.
 *
 * Threads: flow operations, execute and recv may be called by any thread; ports are added and
 * removed by the main thread. */
#pragma once

#include "core/base/err.h"
#include "core/datapath/dp_features.h"
#include "core/packet/action.h"
#include "core/packet/packet.h"
#include "core/port/port.h"

struct dp;
struct dp_meter_ops; /* dp_meter.h */
struct dp_ct_ops;    /* dp_ct.h */

struct flow_stats {
	uint64_t packets, bytes; /* bytes: frames without FCS */
	uint64_t used_ns;        /* clock_mono_ns() of the last packet; 0 = never */
	uint16_t tcp_flags;      /* OR of all seen, host order */
};

enum dp_flow_op_kind { DP_FLOW_PUT, DP_FLOW_MODIFY, DP_FLOW_DEL, DP_FLOW_GET };

struct dp_flow_op {
	enum dp_flow_op_kind kind;
	struct ufid ufid; /* names the flow for all but PUT, where it is given */
	const struct flow_key *key,
		*mask;             /* PUT; key's in_port is the datapath's number.  Borrowed */
	struct dp_actions actions; /* PUT, MODIFY; copied */
	struct buf *told; /* MODIFY, GET: what it does now is appended, as the datapath tells it,
			     which may be in other words than it was given; NULL: not asked for */
	/* results */
	int result; /* 0 or -errno: -EEXIST, -ENOENT, -ENOSPC (flow limit), -EINVAL, -EOPNOTSUPP (an
		       action that this datapath lacks), -EBADMSG (done, but what it told is not in
		       our words) */
	struct flow_stats stats; /* DEL, GET: final / current reading; MODIFY: as it goes on */
};

struct dp_flow_rec { /* what a dump gives */
	struct ufid ufid;
	bool strange; /* with DP_DUMP_FULL, _ACTIONS: key, mask or actions are not in our words and
			 stay zero: somebody else's flow, or somebody else's hand */
	struct flow_stats stats;
	/* with DP_DUMP_FULL */
	struct flow_key key, mask;
	/* with DP_DUMP_FULL, _ACTIONS */
	struct dp_actions actions; /* borrowed until the next call on the cursor */
};
#define DP_DUMP_FULL 0x1
/* Counters alone, for one caller at a time: a datapath that knows that no packet has hit a flow
 * since the last dump with this flag that was read to its end began may give no record at all. */
#define DP_DUMP_NEWS 0x2
#define DP_DUMP_ACTIONS 0x4 /* what they do, and not what they match */
struct dp_dump {            /* cursor; zero it to start; the rest is the datapath's */
	unsigned flags;
	uint64_t pos[4];
	void *priv;
};

struct dp_execute {
	struct packet *packet; /* headers are parsed by the datapath */
	bool done_with;        /* the caller needs its bytes no more: they may be edited in place,
				  else in a copy */
	struct flow_key key;   /* metadata words (in_port, recirc_id, tunnel, marks); clobbered */
	struct dp_actions actions;
	int result; /* 0; -EINVAL: unsound actions; -EOPNOTSUPP: this datapath lacks one */
};

struct dp_upcall {
	enum upcall_kind kind;
	struct packet *packet; /* owned by the receiver: packet_free() */
	struct flow_key key;   /* as the datapath saw it */
	uint64_t cookie[4];    /* of act_userspace */
	uint32_t len;          /* bytes of the frame before act_userspace.max_len cut it */
};

/* Why a datapath dropped a packet; rows with names for metrics (dp_drop_name). */
enum dp_drop {
	DP_DROP_PARSE,        /* a header cut short or malformed; details in stats.parse[] */
	DP_DROP_NO_ACTIONS,   /* the megaflow says drop */
	DP_DROP_UPCALL_FULL,  /* handler's queue was full */
	DP_DROP_UPCALL_RATE,  /* over the port's fair share of the queue */
	DP_DROP_RECIRC_LIMIT, /* too many recirculations */
	DP_DROP_NO_PORT,      /* output to a port that is gone */
	DP_DROP_EDIT,         /* an edit that the packet has no header for */
	DP_DROP_TX,           /* the port's own drops */
	DP_DROP_PORT_CONFIG,  /* no_rx, admin down */
	DP_DROP_METER,
	DP_N_DROPS
};
extern const char *const dp_drop_name[DP_N_DROPS];

#define DP_N_PARSE_RESULTS 16
struct dp_stats {
	uint64_t hits, misses, lost; /* lost: misses dropped */
	uint64_t cache_hits;         /* hits of the flow cache among hits */
	uint64_t mask_probes;        /* masks tried by megaflow lookups */
	uint64_t n_flows, n_masks;
	uint64_t drops[DP_N_DROPS];
	uint64_t parse[DP_N_PARSE_RESULTS]; /* by enum parse_result */
	uint64_t upcalls[UPCALL_N_KINDS];
	uint64_t overruns; /* times that a handler's socket was too small */
};

struct dp_port_info {
	struct dp_port no;
	char name[64], type[32];
	struct port *port; /* referenced for the caller; never NULL.  The kernel datapath's have
			      neither rx nor tx */
	struct port_state state;
	struct port_stats stats;
};

struct dp_config {
	bool settled;       /* all ports that are wanted have been added: what a former life left of
			       others may go */
	unsigned n_workers; /* packet threads; 0 = 1 */
	uint64_t flow_limit;   /* most megaflows; 0 = 200000 */
	uint32_t busy_poll_us; /* how long an idle queue is polled before its worker sleeps; 0 = 25
				*/
};

struct dp_ops {
	const char *type; /* datapath_type: "netdev", "system" */
	bool shared;      /* outside of this process: others may write there, too */
	int (*open)(const char *name, struct dp **dpp, struct error *err);
	/* `leave`: what forwards without us (the kernel's ports and flows) goes on, for whoever
	 * opens it next. */
	void (*close)(struct dp *dp, bool leave);
	/* wanted->v == DP_PORT_NONE: any number; *no gets it. */
	int (*port_add)(struct dp *dp, const struct port_config *cfg, struct dp_port wanted,
			struct dp_port *no, struct error *err);
	int (*port_del)(struct dp *dp, struct dp_port no);
	int (*port_get)(struct dp *dp, struct dp_port no, struct dp_port_info *info);
	/* Does n operations in order; each has its result.  Returns how many failed.  With a DEL
	 * among them it waits for a grace period, so that the final reading misses no packet: not
	 * in a worker, not in an RCU section. */
	unsigned (*flow_batch)(struct dp *dp, struct dp_flow_op *ops, size_t n);
	/* Up to max records; 0 at the end; -EINTR when the table changed under a dump that cannot
	 * go on (start again).  While flows come and go the kernel's may tell one twice or leave
	 * one out: readings are absolute, and the next dump has it. */
	int (*flow_dump)(struct dp *dp, struct dp_dump *cur, struct dp_flow_rec *recs, size_t max);
	void (*flow_dump_end)(struct dp *dp, struct dp_dump *cur);
	/* Carries out n action lists on a packet each, in order; returns how many failed. */
	unsigned (*execute)(struct dp *dp, struct dp_execute *ex, size_t n);
	/* Number of upcall queues; each is drained by one handler thread.  Handlers that are no
	 * more must have stopped; what their queues held is counted as lost. */
	int (*set_handlers)(struct dp *dp, unsigned n);
	int (*recv)(struct dp *dp, unsigned handler, struct dp_upcall *out, unsigned max);
	int (*recv_fd)(struct dp *dp, unsigned handler); /* readable when recv has something */
	void (*stats)(struct dp *dp, struct dp_stats *st);
	/* Main thread.  Restarts the workers when their number changes (packets wait in the ports'
	 * rings meanwhile); nothing is lost or counted twice.  -EINVAL: more workers than 64. */
	int (*configure)(struct dp *dp, const struct dp_config *cfg, struct error *err);
	/* NULL: it has none. */
	const struct dp_meter_ops *meters;
	const struct dp_ct_ops *ct;
};

struct dp {
	const struct dp_ops *ops;
	struct dp_features features; /* as open() found them; never changes */
	char name[64];
};

/* `is_there` (NULL: always) tells whether open() can succeed on this machine. */
void dp_register(const struct dp_ops *ops, bool (*is_there)(void));
/* By datapath_type, there or not; "" is "system" where the kernel has it, else "netdev". */
const struct dp_ops *dp_type_find(const char *type);
/* One operation, for callers that have only one. */
int dp_flow_do(struct dp *dp, struct dp_flow_op *op);
