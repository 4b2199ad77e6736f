/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/packet/wire.h"
#include "tc/chains.h"
#include "tc/device.h"
#include "tc/flower_bits.h"
#include "tc/meters.h"

#define PER_CLOCK 64u /* rules to a reading of the clock */
#define NEWS_RULES 64 /* fewer are read as quickly as qdiscs are */
#define MUTE_PACKETS 16
#define LEAVE_MAX 64u
#define MUTE_WINDOW_NS (3 * NSEC_PER_SEC) /* drivers read counters once a second */

/* --- by number --- */

/* Itself: the lowest free one is taken, so they are dense, and a dump goes by them in order, as
 * memory then does. */
static uint64_t hash_number(uint32_t number)
{
	return number;
}

static uint64_t block_of(const struct tc_port *p)
{
	struct tc_place at = tc_port_place(p);

	return (uint64_t)(uint32_t)at.ifindex << 32 | at.parent;
}

static struct tc_rule *find_number(const struct tc_device *d, uint32_t number) REQUIRES(&d->lock)
{
	struct tc_rule *r;

	HTABLE_FOR_EACH_WITH (r, struct tc_rule, node, hash_number(number), &d->rules)
		if (tc_number(r) == number)
			return r;
	return NULL;
}

/* What the kernel takes off a frame before TC counts it: the Ethernet header at ingress, and one
 * tag that it keeps beside the packet. */
static uint8_t l2_bytes(uint32_t parent, be16 protocol)
{
	return (uint8_t)((parent == TC_PARENT_EGRESS ? 0 : ETH_HLEN) +
			 (flower_type_is_vlan(protocol) ? VLAN_HLEN : 0));
}

static struct tc_rule *insert(struct tc_device *d, struct tc_port *p, const struct tc_place *at)
	REQUIRES(&d->lock)
{
	struct tc_rule *r = xzalloc(sizeof(*r));

	r->at = *at;
	r->port = p;
	r->handle = ++d->generation << 24 | (at->handle & TC_NUMBER_MASK);
	r->l2_bytes = l2_bytes(at->parent, at->protocol);
	htable_insert(&d->rules, &r->node, hash_number(tc_number(r)));
	atomic_fetch_add(&p->n_rules, 1);
	return r;
}

int tc_rule_new(struct tc_device *d, struct tc_port *p, const struct flower_match *m,
		uint16_t avoid, struct tc_rule **ret)
{
	struct tc_place at = tc_port_place(p);
	uint32_t number = 0;
	int rc;

	at.chain = m->chain;
	at.protocol = m->protocol;

	lock_take(&d->lock);
	rc = tc_prios_take(&d->prios, block_of(p), m->chain, m->protocol, avoid, &at.prio);
	if (!rc && !id_pool_take(&d->numbers, &number)) {
		tc_prios_give(&d->prios, block_of(p), m->chain, at.prio);
		rc = -ENOSPC;
	}
	if (!rc) {
		at.handle = TC_HANDLE_MARK | number;
		*ret = insert(d, p, &at);
	}
	lock_give(&d->lock);
	return rc;
}

/* One that is there already.  NULL: its number is another's, so that it cannot be told apart. */
static struct tc_rule *adopt(struct tc_device *d, struct tc_port *p, const struct tc_filter *f)
	REQUIRES(&d->lock)
{
	struct tc_rule *r;

	if (!id_pool_take_at(&d->numbers, f->at.handle & TC_NUMBER_MASK))
		return NULL;
	tc_prios_adopt(&d->prios, block_of(p), f->at.chain, f->at.protocol, f->at.prio);
	r = insert(d, p, &f->at);
	r->ufid = f->ufid;
	return r;
}

static void forget(struct tc_device *d, struct tc_rule *r) REQUIRES(&d->lock)
{
	htable_remove(&d->rules, &r->node);
	if (r->shown)
		htable_remove(&d->matches, &r->match);
	tc_rule_unfollow(r);
	tc_chain_leave(d, r);
	free(r->taps);
	id_pool_give(&d->numbers, tc_number(r));
	if (r->port) {
		tc_prios_give(&d->prios, block_of(r->port), r->at.chain, r->at.prio);
		atomic_fetch_sub(&r->port->n_rules, 1);
	}
	free(r);
}

void tc_rule_free(struct tc_device *d, struct tc_rule *r)
{
	lock_take(&d->lock);
	forget(d, r);
	lock_give(&d->lock);
}

struct tc_rule *tc_rule_find(struct tc_device *d, uint64_t handle)
{
	struct tc_rule *r;

	lock_take(&d->lock);
	r = find_number(d, (uint32_t)handle & TC_NUMBER_MASK);
	lock_give(&d->lock);
	return r && r->handle == handle ? r : NULL;
}

/* --- by match --- */

static void show(struct tc_device *d, struct tc_rule *r, uint64_t match) REQUIRES(&d->lock)
{
	r->shown = true;
	htable_insert(&d->matches, &r->match, match);
}

void tc_rule_shown(struct tc_device *d, struct tc_rule *r, uint64_t match)
{
	lock_take(&d->lock);
	show(d, r, match);
	lock_give(&d->lock);
}

const struct tc_rule *tc_rule_covering(struct tc_device *d, const struct tc_rule *r, uint64_t match)
{
	struct tc_rule *o;

	lock_take(&d->lock);
	HTABLE_FOR_EACH_WITH (o, struct tc_rule, match, match, &d->matches)
		if (!o->gone && o->port == r->port && o->at.chain == r->at.chain &&
		    o->at.prio == r->at.prio)
			break;
	lock_give(&d->lock);
	return o;
}

/* --- by place --- */

static bool same_place(const struct tc_place *a, const struct tc_place *b)
{
	return a->ifindex == b->ifindex && a->parent == b->parent && a->chain == b->chain &&
	       a->handle == b->handle && a->prio == b->prio && a->protocol == b->protocol;
}

struct tc_rule *tc_rule_of(struct tc_device *d, const struct tc_filter *f)
{
	struct tc_rule *r = find_number(d, f->at.handle & TC_NUMBER_MASK);

	return r && same_place(&r->at, &f->at) ? r : NULL;
}

/* What is left of a port that goes: the engine has abandoned it. */
void tc_rules_drop_port(struct tc_device *d, struct tc_port *p)
{
	struct tc_rule *r;

	lock_take(&d->lock);
	HTABLE_FOR_EACH (r, struct tc_rule, node, &d->rules)
		if (r->port == p)
			forget(d, r);
	lock_give(&d->lock);
}

/* Up to n rules of the port that are in the kernel. */
static size_t some_of(struct tc_device *d, const struct tc_port *p, struct tc_leave *v, size_t n)
	EXCLUDES(d->lock)
{
	struct tc_rule *r;
	size_t k = 0;

	lock_take(&d->lock);
	HTABLE_FOR_EACH (r, struct tc_rule, node, &d->rules)
		if (r->port == p && !r->gone && k < n)
			v[k++] = (struct tc_leave){ .rule = r };
	lock_give(&d->lock);
	return k;
}

void tc_rules_leave(struct tc_device *d, struct tc_port *p)
{
	struct tc_leave v[LEAVE_MAX], *ptr[LEAVE_MAX];
	size_t n;

	while ((n = some_of(d, p, v, LEAVE_MAX)) > 0) {
		for (size_t i = 0; i < n; i++)
			ptr[i] = &v[i];
		tc_leave(d, ptr, n);
		for (size_t i = 0; i < n; i++) {
			if (v[i].counted)
				tc_rule_stats(v[i].rule, &v[i].counts, clock_mono_ns(),
					      &v[i].rule->last);
			v[i].rule->gone = true;
		}
	}
}

/* --- counters --- */

/* Bytes of each packet, by software's counter; below 0 behind a deep stack that was popped. */
static int left_out(const struct tc_rule *r)
{
	return r->l2_bytes + tc_chain_moved(r);
}

static uint64_t frame_bytes(const struct tc_rule *r)
{
	return r->bytes + r->sw_packets * (uint64_t)left_out(r);
}

void tc_rule_stats(struct tc_rule *r, const struct flower_counts *c, uint64_t now_ns,
		   struct flow_stats *st)
{
	if (c->packets > r->packets)
		r->used_ns = now_ns;
	r->packets = c->packets;
	r->bytes = c->bytes;
	r->sw_packets = c->packets - MIN(c->packets, c->hw_packets);
	*st = (struct flow_stats){ .packets = c->packets,
				   .bytes = frame_bytes(r),
				   .used_ns = r->used_ns };
}

void tc_rule_meters(struct tc_device *d, struct tc_rule *r, const struct tc_filter *f)
{
	unsigned n;
	struct tc_tap *taps = tc_taps_new(f->acts, f->acts_len, &n);

	lock_take(&d->lock);
	free(r->taps);
	r->taps = taps;
	r->n_taps = n;
	lock_give(&d->lock);
	r->hw_only = n && f->flags & TCA_CLS_FLAGS_SKIP_SW;
}

void tc_rule_meters_read(struct tc_rule *r, const struct tc_filter *f)
{
	if (r->n_taps && !r->hw_only)
		tc_taps_read(r->taps, r->n_taps, f->acts, f->acts_len, left_out(r));
}

/* --- dumps --- */

int tc_filters_dump(struct tc_port *p, struct nl_chan *c, bool terse, tc_filter_fn *fn, void *arg)
{
	struct nla_bitfield32 flags = { TCA_DUMP_FLAGS_TERSE, TCA_DUMP_FLAGS_TERSE };
	struct tc_place at = tc_port_place(p);
	struct tcmsg t = { .tcm_ifindex = at.ifindex, .tcm_parent = at.parent };
	const struct nlmsghdr *h;
	struct nl_batch b;
	struct tc_filter f;
	int rc;

	nl_batch_init(&b);
	(void)nl_batch_add(&b, RTM_GETTFILTER, 0);
	buf_put(&b.buf, &t, sizeof(t));
	if (terse)
		nlattr_put(&b.buf, TCA_DUMP_FLAGS, &flags, sizeof(flags));
	rc = nl_dump_begin(c, &b);
	while (!rc && (rc = nl_dump_next(c, &h)) > 0) {
		rc = 0;
		if (!tc_filter_get(h, &f) && f.at.handle)
			fn(p, &f, arg);
	}
	nl_dump_end(c);
	nl_batch_done(&b);
	return rc;
}

uint64_t tc_filter_digest(struct tc_port *p, const struct tc_filter *f, uint64_t *match)
{
	struct tc_device *d = p->dev;
	struct flow_key key, mask;
	struct flower_env env;

	tc_env(d, OFFLOAD_POLICY_NONE, &env);
	buf_clear(&d->actions);
	if (tc_filter_rule(&env, f, p->no, &key, &mask, &d->actions))
		return 0;
	if (match)
		*match = offload_match_digest(&key, &mask);
	return offload_rule_digest(&key, &mask, dp_actions_of(&d->actions));
}

/* In hardware as the driver says, while the kernel's software takes its packets and the hardware
 * none: the device lost it without a word.  Only in a window that is long enough for the device's
 * counters to have caught up, and for packets that were under way. */
static bool is_mute(struct tc_rule *r, const struct flower_counts *c, uint32_t lag_ms, uint64_t now)
{
	uint64_t sw = c->packets - MIN(c->packets, c->hw_packets);
	uint64_t window = MAX(2 * lag_ms * NSEC_PER_MSEC, MUTE_WINDOW_NS);
	bool mute;

	if (!r->in_hw || r->shared || (r->mark_ns && now - r->mark_ns < window))
		return false;
	mute = r->mark_ns && c->hw_packets == r->mark_hw && sw >= r->mark_sw + MUTE_PACKETS;
	r->mark_ns = now;
	r->mark_hw = c->hw_packets;
	r->mark_sw = sw;
	return mute;
}

static void tell_mute(struct tc_device *d, uint64_t handle)
{
	struct offload_event ev = { .kind = OFFLOAD_EV_RULE_GONE,
				    .handle = handle,
				    .words = "in hardware, never hit while the kernel's software "
					     "counts" };

	offload_device_notify(&d->up, &ev);
}

/* Not a reading of the clock for each rule, which may be a system call; nor one for all, as a
 * packet must not seem to be older than it is. */
struct pass {
	uint64_t now_ns;
	unsigned n;
};

static uint64_t now_of(struct pass *p)
{
	if (!(p->n++ % PER_CLOCK))
		p->now_ns = clock_mono_ns();
	return p->now_ns;
}

static void stats_one(struct tc_port *p, const struct tc_filter *f, void *arg)
{
	struct tc_device *d = p->dev;
	struct offload_stat *s;
	struct tc_rule *r;
	uint64_t now;

	if (!f->ours)
		return;
	p->news.driver |= f->flags & TCA_CLS_FLAGS_IN_HW;
	now = now_of(arg);
	if (d->n_stats == d->cap_stats)
		d->stats = xgrow(d->stats, &d->cap_stats, d->n_stats + 1, sizeof(*d->stats));
	s = &d->stats[d->n_stats];
	lock_take(&d->lock);
	r = tc_rule_of(d, f);
	if (r) {
		s->handle = r->handle;
		s->ufid = r->ufid;
		tc_rule_stats(r, &f->counts, now, &s->stats);
		tc_rule_meters_read(r, f);
		if (is_mute(r, &f->counts, d->caps.counter_lag_ms, now))
			tell_mute(d, r->handle);
		d->n_stats++;
	}
	lock_give(&d->lock);
}

static int stats_port(struct tc_port *p, void *arg)
{
	if (!atomic_load(&p->ready) ||
	    !tc_news_any(&p->news, &p->dev->counts, p->bond ? 0 : p->ifindex, clock_mono_ns()))
		return 0;
	if (tc_filters_dump(p, p->dev->chan, true, stats_one, arg))
		p->news.known = false; /* what came, came */
	return 0;
}

static int add_rules(struct tc_port *p, void *arg)
{
	size_t *n = arg;

	*n += atomic_load(&p->n_rules);
	return 0;
}

/* What has come to the filters: asked before they are, where that is less work. */
static void look_for_news(struct tc_device *d)
{
	size_t n_rules = 0;

	(void)tc_ports_each(d, add_rules, &n_rules); /* add_rules() never fails */
	if (n_rules < NEWS_RULES || n_rules < d->counts.cap)
		tc_counts_clear(&d->counts);
	else
		tc_counts_read(&d->counts, d->chan);
}

int tc_stats(struct offload_device *dev, uint64_t *cursor, struct offload_stat *out, size_t max)
{
	struct tc_device *d = tc_of(dev);
	struct pass pass = { .n = 0 };
	size_t n;

	if (!*cursor) {
		d->n_stats = 0;
		look_for_news(d);
		(void)tc_ports_each(d, stats_port, &pass); /* stats_port() never fails */
		tc_meters_read();
	}
	if (*cursor >= d->n_stats)
		return 0;
	n = MIN(d->n_stats - (size_t)*cursor, max);
	memcpy(out, d->stats + *cursor, n * sizeof(*out));
	*cursor += n;
	return (int)n;
}

/* A filter of ours that we do not know gets a handle, so that it can be taken out. */
static void dump_one(struct tc_port *p, const struct tc_filter *f, void *arg)
{
	struct tc_device *d = p->dev;
	uint64_t held;
	struct tc_rule *r;

	(void)arg;
	if (!f->ours)
		return;
	held = tc_filter_digest(p, f, NULL);
	if (d->n_held == d->cap_held)
		d->held = xgrow(d->held, &d->cap_held, d->n_held + 1, sizeof(*d->held));
	lock_take(&d->lock);
	r = tc_rule_of(d, f);
	if (!r)
		r = adopt(d, p, f);
	if (r)
		d->held[d->n_held++] = (struct offload_dump_rec){
			r->handle, r->ufid, held && held == r->held ? r->digest : ~r->digest
		};
	lock_give(&d->lock);
}

static int dump_port(struct tc_port *p, void *arg)
{
	(void)arg;
	return atomic_load(&p->ready) ? tc_filters_dump(p, p->dev->chan, false, dump_one, NULL) : 0;
}

int tc_dump(struct offload_device *dev, uint64_t *cursor, struct offload_dump_rec *out, size_t max)
{
	struct tc_device *d = tc_of(dev);
	size_t n;
	int rc;

	if (!*cursor) {
		d->n_held = 0;
		rc = tc_ports_each(d, dump_port, NULL);
		if (rc)
			return rc;
	}
	if (*cursor >= d->n_held)
		return 0;
	n = MIN(d->n_held - (size_t)*cursor, max);
	memcpy(out, d->held + *cursor, n * sizeof(*out));
	*cursor += n;
	return (int)n;
}

/* --- what a former process left --- */

struct left {
	struct nl_batch batch; /* deletions of what cannot be told whole */
};

static enum offload_policy policy_of(uint32_t flags)
{
	return flags & TCA_CLS_FLAGS_SKIP_SW   ? OFFLOAD_POLICY_SKIP_SW
	       : flags & TCA_CLS_FLAGS_SKIP_HW ? OFFLOAD_POLICY_SKIP_HW
					       : OFFLOAD_POLICY_NONE;
}

static void back_one(struct tc_port *p, const struct tc_filter *f, void *arg)
{
	struct tc_device *d = p->dev;
	struct offload_held h = { .ufid = f->ufid,
				  .cost = tc_port_cost(p),
				  .in_hw = tc_in_hw(p, f),
				  .policy = policy_of(f->flags) };
	struct buf actions = BUF_INIT;
	struct flower_env env;
	struct left *l = arg;
	struct tc_rule *r = NULL;

	if (!f->ours)
		return;
	tc_env(d, h.policy, &env);
	if (d->n_back == d->cap_back)
		d->back = xgrow(d->back, &d->cap_back, d->n_back + 1, sizeof(*d->back));
	if (!tc_filter_rule(&env, f, p->no, &h.key, &h.mask, &actions)) {
		h.actions = dp_actions_of(&actions); /* owned by d->back until the pass ends */
		lock_take(&d->lock);
		r = adopt(d, p, f);
		if (r) {
			h.handle = r->handle;
			r->in_hw = h.in_hw;
			r->shared = offload_needs_software(&h.mask, h.actions);
			r->digest = r->held = offload_rule_digest(&h.key, &h.mask, h.actions);
			show(d, r, offload_match_digest(&h.key, &h.mask));
			(void)tc_chain_join(d, r, &h.key, &h.mask,
					    h.actions); /* it is there, anyhow */
			tc_rule_stats(r, &f->counts, clock_mono_ns(), &h.stats);
		}
		lock_give(&d->lock);
	}
	if (r) {
		tc_rule_meters(d, r, f);
		tc_rule_meters_read(r, f);
		if (r->n_taps && d->kernel)
			h.policy = OFFLOAD_POLICY_NONE; /* which made it so: apply.c */
		tc_rule_follow(d, r, &env, h.actions);
		d->back[d->n_back++] = h;
		return;
	}
	buf_done(&actions);
	(void)tc_place_put(&l->batch, &f->at, RTM_DELTFILTER, 0);
}

static int back_port(struct tc_port *p, void *arg)
{
	struct left *l = arg;
	struct tc_qdisc_at q;

	if (p->bond ? !tc_bond_find(p)
		    : tc_qdisc_find(p->dev->chan, p->ifindex, &q) || q.kind == TC_QDISC_NONE)
		return 0; /* nothing can be there */
	nl_batch_clear(&l->batch);
	if (tc_filters_dump(p, p->dev->chan, false, back_one, l))
		return 0; /* swept before the first rule */
	if (l->batch.n)
		(void)nl_chan_do(p->dev->chan, &l->batch); /* an audit finds what stays */
	p->swept = true;
	p->made = p->bond || atomic_load(&p->n_rules); /* whoever left ours made it */
	atomic_store(&p->ready, true);
	return 0;
}

void tc_back_done(struct tc_device *d)
{
	for (size_t i = 0; i < d->n_back; i++)
		free((void *)(uintptr_t)d->back[i].actions.data);
	free(d->back);
	d->back = NULL;
	d->n_back = d->cap_back = 0;
}

/* Rules were read before those that lead to them. */
static void add_moved(struct tc_device *d)
{
	for (size_t i = 0; i < d->n_back; i++) {
		const struct tc_rule *r = tc_rule_find(d, d->back[i].handle);

		if (r)
			d->back[i].stats.bytes = frame_bytes(r);
	}
}

int tc_read_back(struct offload_device *dev, uint64_t *cursor, struct offload_held *out, size_t max)
{
	struct tc_device *d = tc_of(dev);
	struct left l;
	size_t n;

	if (!*cursor) {
		nl_batch_init(&l.batch);
		(void)tc_ports_each(d, back_port, &l); /* back_port() never fails */
		add_moved(d);
		nl_batch_done(&l.batch);
	}
	if (*cursor >= d->n_back) {
		tc_back_done(d);
		return 0;
	}
	n = MIN(d->n_back - (size_t)*cursor, max);
	memcpy(out, d->back + *cursor, n * sizeof(*out));
	*cursor += n;
	return (int)n;
}
