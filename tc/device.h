/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's inside: devices, their ports and rules, and what its modules share.
 *
 *   tc.c       attaching, the vtable
 *   ports.c    ports by number and ifindex; what the translators ask about them; qdiscs
 *   bond.c     bonds, whose filters stand at their slaves
 *   apply.c    requests
 *   leave.c    removals, and the last reading that comes with them
 *   rules.c    rules by handle and number; statistics and dumps
 *   chains.c   how long packets are in a chain
 *   probe.c    capabilities, and what the kernel lacks (kernel.h)
 *   watch.c    notifications
 *   follow.c   the ways to tunnels' far ends, by paths.h
 *   meters.c   police actions, which belong to no device
 *   samples.c  sampled packets, by the numbers of sample_group.h
 *
 * Locks: the registry of ports (ports.c) and tc_device.lock; neither is held across a call to the
 * kernel, and the registry's is taken first. */
#pragma once

#include <stdatomic.h>

#include "core/base/lock.h"
#include "core/io/nl.h"
#include "core/port/port.h"
#include "offload/provider.h"
#include "tc/filter.h"
#include "tc/link.h"
#include "tc/news.h"
#include "tc/prio.h"

struct tc_path;
struct tc_tap;

struct tc_slave { /* of a bond, and takes packets */
	int ifindex;
	char name[16];
	bool bound;      /* our block is there */
	char words[100]; /* else why not */
};

struct tc_port {
	struct cds_list_head node; /* tc_device.ports; the registry's lock */
	struct hnode by_no, by_ifindex;
	unsigned refs; /* the registry's lock */
	struct tc_device *dev;
	char name[64];
	struct dp_port no;
	int ifindex;
	bool kernel;   /* of the kernel's datapath: software rules may stand here */
	bool offloads; /* as it was at attach: hw-tc-offload is on */
	enum flower_port_kind kind;
	be16 udp_port;       /* a tunnel's */
	struct eth_addr mac; /* an internal port's; the registry's lock */
	uint32_t parent;     /* TC_PARENT_*; a bond's block, 0: none yet */
	_Atomic bool ready;  /* there is a qdisc */
	bool bond;

	/* a bond's; changed by the device's thread, under the registry's lock */
	struct tc_slave *slaves; /* owned */
	_Atomic unsigned n_slaves;
	bool backups_count;
	_Atomic bool look; /* slaves have changed */

	/* the device's thread */
	struct tc_news news;
	bool made;  /* the qdisc is ours */
	bool swept; /* what a former process left is known, or gone */

	_Atomic uint32_t n_rules;
};

struct tc_rule {
	struct hnode node;    /* tc_device.rules, by number */
	struct hnode match;   /* tc_device.matches, by digest, once the kernel has shown it */
	uint64_t handle;      /* the engine's: a generation above the number */
	struct tc_port *port; /* NULL: of a port that is gone */
	struct ufid ufid;
	struct tc_place at;
	uint8_t l2_bytes;            /* of each packet that software's counter leaves out */
	struct tc_chain *in, *to;    /* chains.c; the device's lock */
	struct cds_list_head onward; /* tc_chain.onward, where it has both */
	int moved;                   /* bytes that it puts into a packet, or takes out */
	bool in_hw;
	bool shown; /* is in tc_device.matches */
	bool gone;  /* had to go before a replacement that was refused: `last` is due */
	struct flow_stats last;
	uint64_t digest;           /* of what was asked for */
	uint64_t held;             /* of what the kernel shows of it */
	uint64_t packets, used_ns; /* at the last reading; when it had grown */
	uint64_t bytes;            /* at the last reading, as the kernel tells them */
	uint64_t sw_packets;       /* of the packets, those that software counted */
	struct tc_path **paths;    /* owned: to the tunnels that it leads to; the device's lock */
	size_t n_paths;
	bool shared;         /* software takes some of its packets as a matter of course */
	bool hw_only;        /* metered, and in no software: its taps count nothing */
	struct tc_tap *taps; /* owned: its meters (meters.h); the device's lock */
	unsigned n_taps;
	uint64_t mark_ns, mark_hw, mark_sw; /* when it was looked at, and what had counted then */
};

struct tc_device {
	struct offload_device up;
	struct cds_list_head node, ports; /* the registry's lock */
	struct offload_caps caps;         /* the device's thread */
	_Atomic unsigned n_ports;
	bool kernel;                /* its ports are the kernel datapath's */
	bool may_offload;           /* not tc:software, not tc:tunnels */
	bool driver_only;           /* nobody asked for rules in software */
	bool tunnels;               /* tunnel devices: any NIC's driver may take rules of theirs */
	bool tunnel_df;             /* the kernel's tunnel action can ask for that */
	bool recirc;                /* the kernel's datapath goes on where a chain ended */
	bool offloads, inner_vlan;  /* the driver takes rules; matches a second tag */
	uint32_t trial, trial_left; /* probe.c's police action is there; is to go; 0: not */
	char words[128];            /* what the driver says when it takes none */
	_Atomic bool stale;         /* capabilities have to be asked for again */
	struct nl_chan *chan;       /* owned; the device's thread */
	struct nl_batch batch;      /* likewise */
	struct nl_batch side;       /* likewise; leave.c */
	struct buf scratch, actions;

	struct lock lock;

	struct htable rules, matches, chains;
	struct id_pool numbers;
	struct tc_prios prios;
	uint64_t generation, epoch;

	/* the device's thread: a pass under way */
	struct offload_stat *stats; /* owned */
	size_t n_stats, cap_stats;
	struct tc_counts counts;
	struct offload_dump_rec *held; /* owned */
	size_t n_held, cap_held;
	struct offload_held *back; /* owned, with their actions */
	size_t n_back, cap_back;
};

static inline struct tc_device *tc_of(struct offload_device *dev)
{
	return container_of(dev, struct tc_device, up);
}

/* Where the port's filters are. */
static inline struct tc_place tc_port_place(const struct tc_port *p)
{
	return (struct tc_place){ .ifindex = p->bond ? TC_BLOCK_IFINDEX : p->ifindex,
				  .parent = p->parent };
}

/* Entries of a rule: each slave's driver makes one. */
static inline uint32_t tc_port_cost(const struct tc_port *p)
{
	return MAX(atomic_load(&p->n_slaves), 1u);
}

static inline uint32_t tc_number(const struct tc_rule *r)
{
	return (uint32_t)r->handle & TC_NUMBER_MASK;
}

/* --- ports.c --- */
/* Takes over the caller's reference; makes the device known with its first port. */
void tc_ports_add(struct tc_port *p);
/* Nobody finds it any more; true: it was the device's last. */
bool tc_ports_del(struct tc_port *p);
void tc_port_put(struct tc_port *p);
/* A port of any device, referenced; NULL: none of ours. */
struct tc_port *tc_port_get(bool kernel, struct dp_port no);
/* For the translators: what ports there are and what rules of this policy can be. */
void tc_env(const struct tc_device *d, enum offload_policy policy, struct flower_env *env);
/* Likewise for rules of that policy with meters in hardware alone. */
void tc_env_hw_only(const struct tc_device *d, enum offload_policy policy, struct flower_env *env);
/* fn for every port of the device until it returns an error. */
int tc_ports_each(struct tc_device *d, int (*fn)(struct tc_port *p, void *arg), void *arg);
/* fn, with the registry locked, for the port with this device index; false: none of ours. */
typedef void tc_port_fn(struct tc_port *p, void *arg);
bool tc_ports_with(int ifindex, tc_port_fn *fn, void *arg);
/* Likewise for the port of this number. */
bool tc_ports_numbered(bool kernel, struct dp_port no, tc_port_fn *fn, void *arg);
/* Likewise for the port whose filters are there. */
bool tc_ports_at(const struct tc_place *at, tc_port_fn *fn, void *arg);
/* Likewise for the bonds that have this slave; or did until it became what the link says. */
void tc_bonds_with(int ifindex, tc_port_fn *fn, void *arg);
void tc_bonds_changed_by(const struct tc_link *slave, tc_port_fn *fn, void *arg);
/* What slaves a bond has: takes over v. */
void tc_port_set_slaves(struct tc_port *p, struct tc_slave *v, unsigned n, bool backups_count);
/* An internal port has another address; false: it had it, or it is no internal port. */
bool tc_port_set_mac(const struct tc_link *l);
void tc_port_set_block(struct tc_port *p, uint32_t block);
/* Likewise for every device. */
void tc_devices_each(void (*fn)(struct tc_device *d, void *arg), void *arg);
/* By name; main thread. */
struct tc_device *tc_device_find(const char *name);
/* The qdisc, whatever is on it; and with nothing of a former process's on it.  0 or -errno and the
 * cause. */
int tc_port_qdisc(struct tc_port *p, struct nl_chan *c, struct error *err) MUST_CHECK;
int tc_port_ready(struct tc_port *p, struct error *err) MUST_CHECK;
/* At detach: what is left of the port, by channel `c`, of the main thread. */
void tc_port_leave(struct tc_port *p, struct nl_chan *c);

/* --- bond.c --- */
/* The port's block at its slaves, of which one may be enough.  -ENOSPC: no number is left for it;
 * -ENOLINK: no slave takes packets; -EBUSY: somebody else's qdiscs are there. */
int tc_bond_bind(struct tc_port *p, struct error *err) MUST_CHECK;
/* After a change of slaves: the block follows, and what comes in by those that left is no longer
 * the rules'.  The device's thread, between requests. */
int tc_bond_look(struct tc_port *p, void *unused);
/* The block that a former process left at slaves; false: there is none. */
bool tc_bond_find(struct tc_port *p);
/* Takes the block off the slaves. */
void tc_bond_release(struct tc_port *p, struct nl_chan *c);
/* The number of the block is another's from now on; rules may still have it in their names. */
void tc_bond_end(struct tc_port *p);
/* Whether the drivers of all slaves can take rules. */
bool tc_bond_offloads(struct tc_port *p);
/* A line for each slave that takes packets. */
void tc_bond_status(struct tc_port *p, struct str *out);
/* Every driver that has to have the filter has it; for a device that is no bond, the driver. */
bool tc_in_hw(const struct tc_port *p, const struct tc_filter *f);
/* Why the driver of a slave has none, for a filter that not all have. */
void tc_bond_words(const struct tc_port *p, uint32_t in_hw_count, char *words, size_t size);

/* --- rules.c --- */
/* All of the port's rules leave the kernel; their last readings wait for the engine. */
void tc_rules_leave(struct tc_device *d, struct tc_port *p);
/* A rule with a number and a priority, not yet in the kernel; -ENOSPC: no priority is left. */
int tc_rule_new(struct tc_device *d, struct tc_port *p, const struct flower_match *m,
		uint16_t avoid, struct tc_rule **ret) MUST_CHECK;
/* Forgets it.  The device's thread. */
void tc_rule_free(struct tc_device *d, struct tc_rule *r);
/* By the engine's handle; the device's thread, for as long as the engine asks about it. */
struct tc_rule *tc_rule_find(struct tc_device *d, uint64_t handle);
/* By what a filter shows; NULL: not one that we know. */
struct tc_rule *tc_rule_of(struct tc_device *d, const struct tc_filter *f) REQUIRES(&d->lock);
void tc_rules_drop_port(struct tc_device *d, struct tc_port *p);
/* What was counted by now, as frames. */
void tc_rule_stats(struct tc_rule *r, const struct flower_counts *c, uint64_t now_ns,
		   struct flow_stats *st);
/* Its meters, as the kernel shows its filter; and what they have let through, with each reading. */
void tc_rule_meters(struct tc_device *d, struct tc_rule *r, const struct tc_filter *f);
void tc_rule_meters_read(struct tc_rule *r, const struct tc_filter *f);
/* Digest of a whole filter at the port, and of its match (may be NULL); 0: it says what we never
 * ask for. */
uint64_t tc_filter_digest(struct tc_port *p, const struct tc_filter *f, uint64_t *match);
/* The kernel has the rule, with a match of this digest. */
void tc_rule_shown(struct tc_device *d, struct tc_rule *r, uint64_t match);
/* The rule of another flow that is in the kernel with this match where r would be; NULL: there is
 * none that we know.  The device's thread. */
const struct tc_rule *tc_rule_covering(struct tc_device *d, const struct tc_rule *r,
				       uint64_t match);
/* fn for each filter at the port: terse ones have counters and whose they are, no more.  -errno. */
typedef void tc_filter_fn(struct tc_port *p, const struct tc_filter *f, void *arg);
int tc_filters_dump(struct tc_port *p, struct nl_chan *c, bool terse, tc_filter_fn *fn, void *arg);
int tc_stats(struct offload_device *dev, uint64_t *cursor, struct offload_stat *out, size_t max);
int tc_dump(struct offload_device *dev, uint64_t *cursor, struct offload_dump_rec *out, size_t max);
void tc_back_done(struct tc_device *d);
int tc_read_back(struct offload_device *dev, uint64_t *cursor, struct offload_held *out,
		 size_t max);

/* --- follow.c --- */
/* Follows the ways to the far ends of the tunnels that these actions lead to.  The device's thread.
 */
void tc_rule_follow(struct tc_device *d, struct tc_rule *r, const struct flower_env *env,
		    struct dp_actions acts);
void tc_rule_unfollow(struct tc_rule *r);
/* False: a far end is not to be reached at present. */
bool tc_rule_is_open(const struct tc_rule *r);
/* A way has changed: the rules that have it are made anew. */
void tc_follow_changed(const struct tc_path *p, bool first);

/* --- apply.c --- */
unsigned tc_apply(struct offload_device *dev, struct offload_req *reqs, size_t n);
int tc_plan(struct offload_device *dev, const struct offload_rule *rule, struct offload_plan *plan);

/* --- leave.c --- */
struct tc_leave { /* a rule on its way out */
	struct tc_rule *rule;
	size_t msg;   /* its removal in tc_device.batch, which has the kernel's answer */
	bool counted; /* counts: all that it ever took */
	struct flower_counts counts;
	/* leave.c's own */
	size_t beside, ofs, len;
};
/* Takes filters out of the kernel.  The rules stay known.  The device's thread; blocks for an RCU
 * grace period, some milliseconds, where one of them took packets lately. */
void tc_leave(struct tc_device *d, struct tc_leave *const v[], size_t n);

/* --- probe.c --- */
int tc_caps(struct offload_device *dev, struct offload_caps *caps);
/* Looks again for what the kernel lacked, when it is time; all devices hear of what has changed.
 * The device's thread. */
void tc_look_again(struct tc_device *d);
/* Why the driver takes no rules. */
const char *tc_no_driver(const struct tc_device *d);
/* Whether the device's driver can take such a rule, by what was tried: 0, or -EOPNOTSUPP and the
 * refusal.  Any thread. */
int tc_fits_driver(struct tc_device *d, const struct offload_rule *r, const struct flower_match *m,
		   struct offload_refusal *why);

/* --- watch.c --- */
int tc_watch_start(struct error *err) MUST_CHECK; /* once; then nothing */
void tc_watch_stop(void);
/* Devices have come or gone: the kernel need not tell of what they do. */
void tc_watch_own(void);

/* --- tc.c --- */
uint32_t tc_main_portid(void); /* of the main thread's requests */
