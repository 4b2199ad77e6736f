/* SPDX-License-Identifier: Apache-2.0 */
/* Bonds: the filters of a port that is one stand where its packets come in, at the slaves.
 *
 * The slaves' clsact qdiscs share one block of filters (tc(8), "ingress_block"), whose number is
 * from a small range of ours; it is in every filter's name, in place of a device (filter.h).  Each
 * slave's driver is given each filter, and what they count adds up.  A rule is in hardware when all
 * of them have it.
 *
 * Slaves that take packets are those that the bond does not have wait as backups: what comes in by
 * the others the bond would drop.  The kernel gives the block's filters to the driver of a slave
 * that joins, and takes them from one that leaves; what that one has counted is read before.  The
 * last slave's qdisc would take the block with it, so the rules leave first.
 *
 * A qdisc of somebody else's stays as it is, and what comes in by its device is the fallback
 * datapath's.  One with a block of our range that no port has is what a former process left. */
#include <errno.h>
#include <linux/if.h>
#include <linux/pkt_cls.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "tc/device.h"

LOG_MODULE("tc.bond");

/* --- numbers of blocks --- */

static struct lock numbers_lock = LOCK_INIT;
static bool taken[TC_BLOCKS]; /* by ports of this process */

static bool is_ours(uint32_t block)
{
	return block - TC_BLOCK_FIRST < TC_BLOCKS;
}

/* False: another port has it. */
static bool take_number(uint32_t block) EXCLUDES(numbers_lock)
{
	bool was;

	lock_take(&numbers_lock);
	was = taken[block - TC_BLOCK_FIRST];
	taken[block - TC_BLOCK_FIRST] = true;
	lock_give(&numbers_lock);
	return !was;
}

static bool is_taken(uint32_t block) EXCLUDES(numbers_lock)
{
	bool is;

	lock_take(&numbers_lock);
	is = taken[block - TC_BLOCK_FIRST];
	lock_give(&numbers_lock);
	return is;
}

static void give_number(uint32_t block) EXCLUDES(numbers_lock)
{
	lock_take(&numbers_lock);
	taken[block - TC_BLOCK_FIRST] = false;
	lock_give(&numbers_lock);
}

/* --- what there is --- */

struct look {
	struct tc_port *p;
	struct nl_chan *c;
	struct tc_slave *v; /* owned */
	size_t n, cap;
	struct tc_qdisc_at *q; /* owned; of all devices */
	size_t n_q, cap_q;
	bool backups_count;
};

static void add_slave(const struct tc_link *l, void *arg)
{
	struct look *k = arg;

	if (l->is_backup && !k->backups_count)
		return;
	if (k->n == k->cap)
		k->v = xgrow(k->v, &k->cap, k->n + 1, sizeof(*k->v));
	k->v[k->n] = (struct tc_slave){ .ifindex = l->ifindex };
	(void)snprintf(k->v[k->n++].name, sizeof(k->v->name), "%s", l->name);
}

static void add_qdisc(const struct tc_qdisc_at *q, void *arg)
{
	struct look *k = arg;

	if (k->n_q == k->cap_q)
		k->q = xgrow(k->q, &k->cap_q, k->n_q + 1, sizeof(*k->q));
	k->q[k->n_q++] = *q;
}

static int look_once(void *arg)
{
	struct look *k = arg;
	struct tc_link bond;
	int rc = tc_link_get(k->c, k->p->ifindex, &bond);

	k->n = k->n_q = 0;
	if (rc)
		return rc;
	k->backups_count = bond.backups_count;
	rc = tc_links_each(k->c, k->p->ifindex, add_slave, k);
	return rc ? rc : tc_qdiscs_each(k->c, add_qdisc, k);
}

static int look_at(struct look *k, struct tc_port *p, struct nl_chan *c)
{
	*k = (struct look){ .p = p, .c = c };
	return tc_read_list(look_once, k);
}

static void look_done(struct look *k)
{
	free(k->v);
	free(k->q);
}

static const struct tc_qdisc_at *qdisc_at(const struct look *k, int ifindex)
{
	for (size_t i = 0; i < k->n_q; i++)
		if (k->q[i].ifindex == ifindex)
			return &k->q[i];
	return NULL;
}

static const struct tc_slave *slave_at(const struct look *k, int ifindex)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].ifindex == ifindex)
			return &k->v[i];
	return NULL;
}

/* --- binding --- */

/* The number of a block of ours that is at a slave, and no other port's; 0: there is none. */
static uint32_t find_number(const struct look *k)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct tc_qdisc_at *q = qdisc_at(k, k->v[i].ifindex);

		if (q && is_ours(q->block) && (q->block == k->p->parent || take_number(q->block)))
			return q->block;
	}
	return 0;
}

/* What a former process had there, or a number that nobody has, of this process or another. */
static int choose_number(struct look *k)
{
	uint32_t found = find_number(k);

	if (found) {
		tc_port_set_block(k->p, found);
		return 0;
	}
	for (uint32_t block = TC_BLOCK_FIRST; is_ours(block); block++) {
		bool seen = false;

		for (size_t i = 0; i < k->n_q; i++)
			seen |= k->q[i].block == block && !slave_at(k, k->q[i].ifindex);
		if (seen || !take_number(block))
			continue;
		tc_port_set_block(k->p, block);
		return 0;
	}
	return -ENOSPC;
}

static void say_foreign(struct tc_slave *s, const struct tc_qdisc_at *q)
{
	if (is_ours(q->block))
		(void)snprintf(s->words, sizeof(s->words), "%s is still in another bond's block",
			       s->name);
	else if (q->block)
		(void)snprintf(s->words, sizeof(s->words), "%s is in block %u of somebody else's",
			       s->name, q->block);
	else
		(void)snprintf(s->words, sizeof(s->words), "%s has %s qdisc of somebody else's",
			       s->name, q->kind == TC_QDISC_CLSACT ? "a clsact" : "an ingress");
}

static void bind_one(struct look *k, struct tc_slave *s)
{
	const struct tc_qdisc_at *q = qdisc_at(k, s->ifindex);
	struct nl_chan *c = k->p->dev->chan;
	struct error err = ERROR_INIT;

	if (q && q->block == k->p->parent) {
		s->bound = true;
		return;
	}
	if (q && is_ours(q->block) && !is_taken(q->block)) { /* a former process's */
		(void)tc_qdisc_del(c, s->ifindex);
		q = NULL;
	}
	if (q)
		say_foreign(s, q);
	else if (tc_qdisc_add(c, s->ifindex, k->p->parent, &err))
		(void)snprintf(s->words, sizeof(s->words), "%s: %.80s", s->name, err.cause);
	else
		s->bound = true;
}

static size_t bind_all(struct look *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		bind_one(k, &k->v[i]);
		n += k->v[i].bound;
	}
	return n;
}

/* Hands what was seen over to the port. */
static void keep(struct look *k)
{
	tc_port_set_slaves(k->p, k->v, (unsigned)k->n, k->backups_count);
	k->v = NULL;
}

static void say_unbound(const struct tc_port *p)
{
	for (size_t i = 0; i < p->n_slaves; i++)
		if (!p->slaves[i].bound)
			log_warn("%s: what comes in by a slave is not TC's: %s", p->name,
				 p->slaves[i].words);
}

int tc_bond_bind(struct tc_port *p, struct error *err)
{
	struct look k;
	size_t n = 0;
	int rc = look_at(&k, p, p->dev->chan);

	if (!rc && !k.n)
		rc = error_set(err, ENOLINK, NULL, "%s has no slave that takes packets", p->name);
	if (!rc && !p->parent && choose_number(&k))
		rc = error_set(err, ENOSPC, NULL, "%s: the %u blocks are taken", p->name,
			       TC_BLOCKS);
	if (!rc) {
		n = bind_all(&k);
		rc = n ? 0 : error_set(err, EBUSY, NULL, "%s", k.v[0].words);
		keep(&k);
		say_unbound(p);
		p->made = true;
	}
	look_done(&k);
	return rc;
}

/* --- slaves that come and go --- */

static void tell(struct tc_port *p, enum offload_event_kind kind, uint64_t handle,
		 const char *words)
{
	struct offload_event ev = { .kind = kind, .handle = handle, .words = words };

	offload_device_notify(&p->dev->up, &ev);
}

/* Reading a filter has the kernel ask all drivers what they counted. */
static void read_one(struct tc_port *p, const struct tc_filter *f, void *arg)
{
	(void)p;
	(void)f;
	(void)arg;
}

/* A slave that was in this block may belong to another bond by now, which waits for it. */
static void poke(struct tc_port *p, void *arg)
{
	(void)arg;
	if (!p->bond)
		return;
	atomic_store(&p->look, true);
	atomic_store(&p->dev->stale, true);
	tell(p, OFFLOAD_EV_CAPS, 0, "a slave is free");
}

static void unbind(struct look *k, int ifindex)
{
	struct tc_link l;

	log_info("%s: device %d has left it", k->p->name, ifindex);
	(void)tc_qdisc_del(k->p->dev->chan, ifindex); /* the device may be gone, too */
	if (!tc_link_get(k->p->dev->chan, ifindex, &l) && l.master)
		(void)tc_ports_with(l.master, poke, NULL);
}

/* Devices in the block that are no slaves that take packets.  False: there are none. */
static bool unbind_others(struct look *k, size_t n_bound)
{
	struct tc_port *p = k->p;
	bool any = false;

	for (size_t i = 0; i < k->n_q; i++)
		any |= k->q[i].block == p->parent && !slave_at(k, k->q[i].ifindex);
	if (!any)
		return false;
	if (n_bound)
		(void)tc_filters_dump(p, p->dev->chan, true, read_one, NULL); /* what came, came */
	else
		tc_rules_leave(p->dev, p);
	for (size_t i = 0; i < k->n_q; i++)
		if (k->q[i].block == p->parent && !slave_at(k, k->q[i].ifindex))
			unbind(k, k->q[i].ifindex);
	return true;
}

/* Rules that are in hardware by now, or no longer everywhere, are made anew, which says so. */
static void check_one(struct tc_port *p, const struct tc_filter *f, void *arg)
{
	struct tc_device *d = p->dev;
	struct tc_rule *r;
	uint64_t handle = 0;

	(void)arg;
	if (!f->ours)
		return;
	lock_take(&d->lock);
	r = tc_rule_of(d, f);
	if (r && r->in_hw != tc_in_hw(p, f))
		handle = r->handle;
	lock_give(&d->lock);
	if (handle)
		tell(p, OFFLOAD_EV_RULE_STALE, handle, "the bond's slaves have changed");
}

static void follow(struct look *k)
{
	struct tc_port *p = k->p;
	size_t n = bind_all(k);

	(void)unbind_others(k, n);
	keep(k);
	say_unbound(p);
	if (n) {
		(void)tc_filters_dump(p, p->dev->chan, false, check_one, NULL); /* or an audit */
		return;
	}
	atomic_store(&p->ready, false);
	tell(p, OFFLOAD_EV_RULES, 0, "no slave of the bond has its rules");
}

int tc_bond_look(struct tc_port *p, void *unused)
{
	struct look k;

	(void)unused;
	if (!p->bond || !atomic_exchange(&p->look, false))
		return 0;
	if (look_at(&k, p, p->dev->chan))
		log_warn("%s: cannot list its slaves", p->name);
	else if (atomic_load(&p->ready))
		follow(&k);
	else
		keep(&k);
	look_done(&k);
	return 0;
}

/* --- the beginning and the end --- */

bool tc_bond_find(struct tc_port *p)
{
	uint32_t block = 0;
	struct look k;

	if (!look_at(&k, p, p->dev->chan))
		block = find_number(&k);
	if (block) {
		tc_port_set_block(p, block);
		for (size_t i = 0; i < k.n; i++) {
			const struct tc_qdisc_at *q = qdisc_at(&k, k.v[i].ifindex);

			k.v[i].bound = q && q->block == block;
		}
		keep(&k);
		atomic_store(&p->look, true); /* slaves that joined and left meanwhile */
		atomic_store(&p->dev->stale, true);
	}
	look_done(&k);
	return block;
}

void tc_bond_release(struct tc_port *p, struct nl_chan *c)
{
	struct look k;

	if (!p->parent)
		return;
	if (!look_at(&k, p, c)) {
		for (size_t i = 0; i < k.n_q; i++)
			if (k.q[i].block == p->parent)
				(void)tc_qdisc_del(c, k.q[i].ifindex); /* it may be gone, too */
		keep(&k);
	}
	look_done(&k);
}

void tc_bond_end(struct tc_port *p)
{
	if (p->parent)
		give_number(p->parent);
}

/* --- what the drivers say --- */

bool tc_bond_offloads(struct tc_port *p)
{
	bool all = atomic_load(&p->n_slaves);

	for (size_t i = 0; i < p->n_slaves; i++)
		all &= tc_link_offloads(p->slaves[i].ifindex);
	return all;
}

bool tc_in_hw(const struct tc_port *p, const struct tc_filter *f)
{
	return f->flags & TCA_CLS_FLAGS_IN_HW && (!p->bond || f->in_hw_count >= p->n_slaves);
}

void tc_bond_words(const struct tc_port *p, uint32_t in_hw_count, char *words, size_t size)
{
	const char *why = "";
	unsigned n = atomic_load(&p->n_slaves);

	for (unsigned i = 0; i < n && !*why; i++)
		if (!p->slaves[i].bound)
			why = p->slaves[i].words;
	(void)snprintf(words, size, "%u of %u slaves have it%s%s", in_hw_count, n, *why ? ": " : "",
		       why);
}
