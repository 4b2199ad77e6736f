/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel datapath's insides, shared by its modules.
 *
 *   conn.c      generic netlink families, channels for who needs one
 *   dp_kernel.c the datapath itself: found or made, features set, closed; the vtable
 *   vports.c    ports, what a former life left of them
 *   vport.c     a port as struct port: state and counters by rtnetlink, no packets
 *   tunnel.c    devices for tunnels that take their addresses from flows (collect metadata)
 *   flows.c     flow operations in batches, dumps
 *   upcalls.c   sockets for what the kernel sends up
 *   fair.c      what came up and waits, by port
 *   execute.c   packets sent down, and actions that the kernel lacks
 *   probe.c     what this kernel can do
 *   meters.c, ct.c, ct_limits.c, ct_timeouts.c  meters; connections, beside the ct action
 *   key*.c, acts_*.c  the words for all that
 *
 * Any thread may operate on flows: it borrows a `struct kdp_work` (a channel and buffers) for the
 * time.  Ports are the main thread's, and looked up by all under a lock. */
#pragma once

#include <stdatomic.h>

#include "core/base/lock.h"
#include "core/datapath/dp.h"
#include "core/datapath/dp_ct.h"
#include "core/datapath/dp_meter.h"
#include "core/io/genl.h"

#define KDP_MAX_PORTS 65535u /* USHRT_MAX: DP_MAX_PORTS of the kernel */
#define KDP_MAX_HANDLERS 32u
#define KDP_FLOW_LIMIT 200000u
#define KDP_SPARE_WORKS 8u

struct kdp_families {
	struct genl_family datapath, vport, flow, packet;
	struct genl_family meter, ct_limit; /* id 0: not there */
};

/* What one operation needs; one thread's while it has it. */
struct kdp_work {
	struct kdp_work *next; /* spare */
	struct nl_chan *chan;  /* owned */
	struct nl_batch batch, second;
};

struct kdp_vport {
	struct port up;
	int ifindex;
	uint32_t type;     /* OVS_VPORT_TYPE_* */
	char kind[32];     /* type of the Interface: "system", "internal", "vxlan", … */
	uint16_t dst_port; /* tunnels */
	bool device_ours;  /* made for the port: goes with it */
	bool stale;        /* of a former life, and nobody has asked for it since */
};

struct kdp_handler;

struct kdp {
	struct dp up;
	const struct kdp_families *fam;
	_Atomic uint32_t ifindex; /* the datapath's name in messages */
	uint32_t user_features;
	_Atomic bool per_cpu; /* the kernel chooses the socket by CPU, else by port */

	struct lock works_lock;
	struct kdp_work *works; /* spare */
	unsigned n_works;

	struct lock heal_lock; /* one at a time puts back what somebody else took */

	struct lock ports_lock;
	struct kdp_vport **ports; /* by number; NULL where there is none */
	uint32_t n_ports;         /* size of that */

	_Atomic(struct kdp_handler *) handlers[KDP_MAX_HANDLERS]; /* never freed before close */
	_Atomic unsigned n_handlers;

	_Atomic uint64_t flow_limit;
	_Atomic uint64_t n_flows;               /* as far as we know */
	_Atomic uint64_t batches, batches_done; /* of flow operations */
	_Atomic uint64_t
		seen_hits;     /* hits + 1 when the last whole DP_DUMP_NEWS began; 0: unknown */
	_Atomic uint64_t lost; /* taken from sockets of handlers that are no more */
	_Atomic uint64_t over_share; /* of a port; fair.h */
	_Atomic uint64_t overruns;
	_Atomic uint64_t upcalls[UPCALL_N_KINDS];
	_Atomic uint64_t strange; /* messages that made no sense, flows that nobody can name */
};

static inline struct kdp *kdp_of(struct dp *dp)
{
	return container_of(dp, struct kdp, up);
}

/* ---- conn.c ---- */

/* Asked once; -ENOENT and what is missing. */
int kdp_families(const struct kdp_families **ret, struct error *err) MUST_CHECK;
/* NULL and the reason in *rc when there are no more sockets. */
struct kdp_work *kdp_work_get(struct kdp *d, int *rc);
void kdp_work_put(struct kdp *d, struct kdp_work *w);
void kdp_works_free(struct kdp *d);
/* Begins a request of this datapath. */
size_t kdp_add(struct nl_batch *b, const struct kdp *d, const struct genl_family *f, uint8_t cmd,
	       uint16_t flags);
/* The attributes behind the headers of a message that is about this datapath (`any`: about any);
 * NULL: it is not, or is no such message. */
const void *kdp_attrs(const struct kdp *d, const struct genl_family *f, const struct nlmsghdr *h,
		      size_t *len);

/* ---- dp_kernel.c ---- */

/* For tests: false does without per-CPU dispatch, as kernels before 5.16 must. */
extern bool kdp_may_per_cpu;

/* Makes the datapath again when somebody has removed it. */
int kdp_ensure(struct kdp *d, struct error *err);
/* What the kernel counts itself; false: it does not tell, and *st is zero.  A packet is counted on
 * its flow before it is among the hits. */
bool kdp_ask_stats(struct kdp *d, struct dp_stats *st);
/* Writes user features and the sockets for each CPU. */
int kdp_set_dispatch(struct kdp *d, struct error *err);

/* ---- vports.c ---- */

int kdp_vports_load(struct kdp *d, struct error *err);
void kdp_vports_free(struct kdp *d, bool leave);
void kdp_vports_drop_stale(struct kdp *d);
/* A former life's sockets are gone: each port gets ours (without per-CPU dispatch). */
int kdp_vports_set_pids(struct kdp *d);
int kdp_port_add(struct dp *dp, const struct port_config *cfg, struct dp_port wanted,
		 struct dp_port *no, struct error *err);
int kdp_port_del(struct dp *dp, struct dp_port no);
int kdp_port_get(struct dp *dp, struct dp_port no, struct dp_port_info *info);

/* ---- vport.c ---- */

struct kdp_vport *kdp_vport_new(const char *name, const char *kind, uint32_t type, int ifindex,
				uint32_t no);

/* ---- tunnel.c ---- */

/* What sort of tunnel a port type is; NULL: none. */
struct kdp_tunnel;
const struct kdp_tunnel *kdp_tunnel_find(const char *type);
/* By the name of a device that we make: "vxlan_sys_4789". */
const struct kdp_tunnel *kdp_tunnel_of_device(const char *name, uint16_t *dst_port);
const char *kdp_tunnel_type(const struct kdp_tunnel *t);
/* Name of the device for these options; -EINVAL: dst_port is no port. */
int kdp_tunnel_name(const struct kdp_tunnel *t, const struct port_config *cfg, char name[16],
		    uint16_t *dst_port, struct error *err) MUST_CHECK;
/* Makes the device, or takes one that is just like it; up. */
int kdp_tunnel_make(const struct kdp_tunnel *t, const struct port_config *cfg, const char *name,
		    uint16_t dst_port, struct error *err) MUST_CHECK;
void kdp_tunnel_remove(const char *name);

/* ---- flows.c ---- */

unsigned kdp_flow_batch(struct dp *dp, struct dp_flow_op *ops, size_t n);
int kdp_flow_dump(struct dp *dp, struct dp_dump *cur, struct dp_flow_rec *recs, size_t max);
void kdp_flow_dump_end(struct dp *dp, struct dp_dump *cur);

/* ---- execute.c ---- */

unsigned kdp_execute(struct dp *dp, struct dp_execute *ex, size_t n);

/* ---- upcalls.c ---- */

int kdp_set_handlers(struct dp *dp, unsigned n);
int kdp_recv(struct dp *dp, unsigned handler, struct dp_upcall *out, unsigned max);
int kdp_recv_fd(struct dp *dp, unsigned handler);
void kdp_handlers_free(struct kdp *d);
/* The socket for what a flow or a port sends up when the kernel does not choose by CPU; never 0. */
uint32_t kdp_upcall_pid(const struct kdp *d, uint32_t port);
/* Fills pids with a socket for each of n CPUs. */
void kdp_upcall_pids(const struct kdp *d, uint32_t *pids, unsigned n);

/* ---- probe.c ---- */

/* Fills d->up.features on a datapath of its own that is gone again afterwards. */
int kdp_probe(struct kdp *d, struct error *err);

/* ---- meters.c, ct.c ---- */

extern const struct dp_meter_ops kdp_meter_ops;
extern const struct dp_ct_ops kdp_ct_ops;

/* ---- ct_limits.c, ct_timeouts.c ---- */

int kdp_ct_limit_set(struct dp *dp, const struct dp_ct_limit *l, struct error *err);
int kdp_ct_limit_del(struct dp *dp, int zone, struct error *err);
int kdp_ct_limits(struct dp *dp, struct dp_ct_limit *l, size_t max);
int kdp_ct_limit_get(struct dp *dp, struct dp_ct_limit *l, struct error *err);
int kdp_ct_timeout_set(struct dp *dp, const struct dp_ct_timeout *t, struct error *err);
int kdp_ct_timeout_del(struct dp *dp, const char *name, struct error *err);
int kdp_ct_timeouts(struct dp *dp, void (*fn)(const char *name, void *arg), void *arg);
