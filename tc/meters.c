/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/meters.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "tc/device.h"
#include "tc/police.h"

LOG_MODULE("tc.meters");

#define TAPS_MAX 8u                   /* of one rule; more are not counted */
#define FORMER_NS (60 * NSEC_PER_SEC) /* then unclaimed actions may go */

enum side { SOFTWARE, HARDWARE, N_SIDES };

struct sums {
	uint64_t packets, bytes;
};

struct meter {
	struct hnode node; /* by its first action's number */
	bool kernel, wanted;
	bool claimed;  /* it was set in this process */
	bool fresh;    /* nothing that a former process counted is its */
	bool tampered; /* somebody else had his hands on an action; the inner lock */
	uint32_t id;
	struct dp_meter cfg; /* as it was set */
	const char *unfit;   /* why police cannot do it; NULL: it can */
	bool made[N_SIDES];

	/* counts; the inner lock */
	struct sums in, out;          /* of the rules' taps */
	struct sums lost, lost_drops; /* of a former process's rules that are no more */
	struct sums shown;            /* drops, which never run back */
	struct sums hw, hw_drops;
	struct police_seen hw_last; /* the reading before */
};

/* The outer lock is held across calls to the kernel and for changes of the meters, the inner one
 * for every look at them. */
static struct lock calls = LOCK_INIT;
static struct lock inner = LOCK_INIT;
static struct htable meters = HTABLE_INIT;             /* changed under both */
static struct nl_chan *chan GUARDED_BY_STATIC(&calls); /* owned */
static struct nl_batch batch GUARDED_BY_STATIC(&calls);
static _Atomic uint32_t portid; /* chan's; 0: there is none */
static uint64_t started_ns;

/* --- finding them --- */

static uint64_t hash_of(uint32_t index)
{
	return hash_u64(index, 3);
}

static uint32_t first_index(bool kernel, uint32_t id)
{
	return police_index(kernel, id, false);
}

static struct meter *find_index(uint32_t index)
{
	uint32_t first = index & ~POLICE_HW;
	struct meter *m;

	HTABLE_FOR_EACH_WITH (m, struct meter, node, hash_of(first), &meters)
		if (first_index(m->kernel, m->id) == first)
			return m;
	return NULL;
}

static struct meter *find(bool kernel, uint32_t id)
{
	return id <= POLICE_ID ? find_index(first_index(kernel, id)) : NULL;
}

static struct meter *meter_new(bool kernel, uint32_t id) REQUIRES(&calls, &inner)
{
	struct meter *m = xzalloc(sizeof(*m));

	m->kernel = kernel;
	m->id = id;
	htable_insert(&meters, &m->node, hash_of(first_index(kernel, id)));
	return m;
}

static uint32_t trial_index(uint32_t number)
{
	return POLICE_FIRST | POLICE_HW | POLICE_TRIAL | (number & POLICE_ID);
}

bool tc_meter_index(const struct tc_device *d, uint32_t id, bool hw, uint32_t *index,
		    const char **why)
{
	const struct meter *m;

	*why = "the meter is not known here";
	if (id == TC_METER_TRIAL) {
		*index = trial_index(d->trial);
		return d->trial || !d->offloads;
	}
	lock_take(&inner);
	m = find(d->kernel, id);
	if (m && m->wanted)
		*why = m->unfit;
	lock_give(&inner);
	*index = police_index(d->kernel, id & POLICE_ID, hw);
	return !*why;
}

bool tc_meter_id(const struct tc_device *d, uint32_t index, uint32_t *id)
{
	bool kernel = !(index & POLICE_USER);

	*id = index & POLICE_ID;
	return (index & POLICE_MASK) == POLICE_FIRST && !(index & POLICE_TRIAL) &&
	       kernel == d->kernel;
}

/* --- lists of actions --- */

typedef int meter_fn(uint32_t id, void *arg);

static int each_meter(struct dp_actions acts, meter_fn *fn, void *arg)
{
	const struct dp_action *a;
	int rc = 0;

	DP_ACTION_FOR_EACH (a, acts) {
		if (a->kind == DP_ACT_METER)
			rc = fn(((const struct act_meter *)dp_action_payload(a))->id, arg);
		else if (a->kind == DP_ACT_CLONE)
			rc = each_meter(dp_action_nested(a, 0), fn, arg);
		if (rc)
			return rc;
	}
	return 0;
}

static int is_one(uint32_t id, void *arg)
{
	(void)id;
	(void)arg;
	return 1;
}

bool tc_actions_metered(struct dp_actions acts)
{
	return each_meter(acts, is_one, NULL);
}

/* --- actions in the kernel --- */

static int send_batch(void) REQUIRES(&calls)
{
	int rc = chan ? nl_chan_do(chan, &batch) : -ENODEV;

	return rc ? rc : nl_batch_code(&batch, 0);
}

static int make(struct meter *m, enum side side, struct error *err) REQUIRES(&calls)
{
	uint32_t index = police_index(m->kernel, m->id, side == HARDWARE);
	int rc;

	nl_batch_clear(&batch);
	(void)police_put(&batch, index, &m->cfg, m->made[side]);
	rc = send_batch();
	if (rc == -EEXIST) { /* of a former life, and not seen */
		nl_batch_clear(&batch);
		(void)police_put(&batch, index, &m->cfg, true);
		rc = send_batch();
	}
	if (rc && (!chan || !nl_batch_error(&batch, 0, err, "police")))
		(void)error_set(err, -rc, NULL, "police: %s", strerrordesc_np(-rc));
	lock_take(&inner);
	m->made[side] = !rc || m->made[side];
	lock_give(&inner);
	return rc;
}

/* True: it is gone. */
static bool unmake(struct meter *m, enum side side) REQUIRES(&calls)
{
	int rc;

	if (!m->made[side])
		return true;
	nl_batch_clear(&batch);
	(void)police_put_del(&batch, police_index(m->kernel, m->id, side == HARDWARE));
	rc = send_batch();
	if (rc && rc != -ENOENT && rc != -EINVAL)
		return false;
	lock_take(&inner);
	m->made[side] = false;
	lock_give(&inner);
	return true;
}

static void forget(struct meter *m) REQUIRES(&calls)
{
	bool gone = unmake(m, SOFTWARE);

	if (!unmake(m, HARDWARE) || !gone)
		return;
	lock_take(&inner);
	htable_remove(&meters, &m->node);
	lock_give(&inner);
	free(m);
}

struct need {
	const struct tc_device *d;
	enum side side;
	struct error *err;
};

static int need_one(uint32_t id, void *arg) REQUIRES(&calls)
{
	const struct need *n = arg;
	struct meter *m = find(n->d->kernel, id);

	if (!m || !m->wanted)
		return error_set(n->err, ENOENT, NULL, "meter %u is gone", id);
	return m->made[n->side] ? 0 : make(m, n->side, n->err);
}

int tc_meters_need(const struct tc_device *d, struct dp_actions acts, bool hw, struct error *err)
{
	struct need n = { d, hw ? HARDWARE : SOFTWARE, err };
	int rc;

	lock_take(&calls);
	rc = each_meter(acts, need_one, &n);
	lock_give(&calls);
	return rc;
}

static int doubt_one(uint32_t id, void *arg)
{
	(void)arg;
	for (int kernel = 0; kernel <= 1; kernel++) {
		struct meter *m = find(kernel, id);

		if (m)
			m->made[SOFTWARE] = m->made[HARDWARE] = false;
	}
	return 0;
}

void tc_meters_doubt(struct dp_actions acts)
{
	lock_take(&calls);
	lock_take(&inner);
	(void)each_meter(acts, doubt_one, NULL); /* never fails */
	lock_give(&inner);
	lock_give(&calls);
}

bool tc_meter_trial_begin(struct tc_device *d, int ifindex)
{
	static const struct dp_meter any = { .n_bands = 1, .bands = { { 1000000, 0 } } };

	lock_take(&calls);
	nl_batch_clear(&batch);
	(void)police_put(&batch, trial_index((uint32_t)ifindex), &any, true);
	d->trial = send_batch() ? 0 : (uint32_t)ifindex;
	lock_give(&calls);
	return d->trial;
}

/* A filter that is removed holds its actions for a grace period more. */
void tc_meter_trial_end(struct tc_device *d)
{
	int rc;

	d->trial_left = d->trial ? d->trial : d->trial_left;
	d->trial = 0;
	if (!d->trial_left)
		return;
	lock_take(&calls);
	nl_batch_clear(&batch);
	(void)police_put_del(&batch, trial_index(d->trial_left));
	rc = send_batch();
	lock_give(&calls);
	if (rc != -EPERM)
		d->trial_left = 0;
}

/* --- counts --- */

static void add(struct sums *s, uint64_t packets, uint64_t bytes)
{
	s->packets += packets;
	s->bytes += bytes;
}

/* Bytes of `part` among packets that have these sums, by the mean. */
static uint64_t share(uint64_t part, uint64_t packets, uint64_t bytes)
{
	return packets ? (uint64_t)((unsigned __int128)bytes * part / packets) : 0;
}

struct tc_tap *tc_taps_new(const void *acts, size_t len, unsigned *n)
{
	struct flower_tap seen[TAPS_MAX];
	struct tc_tap *taps;

	*n = flower_actions_taps(acts, len, seen, TAPS_MAX);
	if (!*n)
		return NULL;
	taps = xcalloc(*n, sizeof(*taps));
	for (unsigned i = 0; i < *n; i++)
		taps[i].index = seen[i].index;
	return taps;
}

/* What a reading has that the one before had not. */
static uint64_t more(uint64_t now, uint64_t last)
{
	return now > last ? now - last : 0;
}

/* A rule that is still there has counted them.  What is dropped is known in packets. */
static void not_lost(struct meter *m, uint64_t packets, uint64_t bytes, uint64_t drops)
	REQUIRES(&inner)
{
	uint64_t left = more(m->lost_drops.packets, drops);

	m->lost.packets = more(m->lost.packets, packets);
	m->lost.bytes = m->lost.packets ? more(m->lost.bytes, bytes) : 0;
	m->lost_drops.bytes = share(left, m->lost_drops.packets, m->lost_drops.bytes);
	m->lost_drops.packets = left;
}

/* What a former process left has it in the action's own counts: those of rules that are still there
 * are not counted twice. */
static void tap_read(struct meter *m, struct tc_tap *t, const struct flower_tap *now, int l2_bytes)
	REQUIRES(&inner)
{
	uint64_t in = more(now->in_packets, t->last.in_packets);
	uint64_t out = more(now->out_packets, t->last.out_packets);
	uint64_t in_bytes = more(now->in_bytes, t->last.in_bytes) + in * l2_bytes;
	uint64_t out_bytes = more(now->out_bytes, t->last.out_bytes) + out * l2_bytes;

	add(&m->in, in, in_bytes);
	add(&m->out, out, out_bytes);
	if (!t->last.in_packets)
		not_lost(m, in, in_bytes, more(in, out));
	t->last = *now;
}

void tc_taps_read(struct tc_tap *taps, unsigned n, const void *acts, size_t len, int l2_bytes)
{
	struct flower_tap now[TAPS_MAX];

	if (!n || !acts || flower_actions_taps(acts, len, now, TAPS_MAX) != n)
		return;
	lock_take(&inner);
	for (unsigned i = 0; i < n; i++) {
		struct meter *m = find_index(taps[i].index);

		if (m)
			tap_read(m, &taps[i], &now[i], l2_bytes);
	}
	lock_give(&inner);
}

/* One that somebody took out begins again. */
static void hw_read(struct meter *m, const struct police_seen *s) REQUIRES(&inner)
{
	static const struct police_seen zero = { .packets = 0 };
	const struct police_seen *last = s->packets < m->hw_last.packets ? &zero : &m->hw_last;
	uint64_t packets = s->packets - last->packets, bytes = more(s->bytes, last->bytes);
	uint32_t drops = s->drops - last->drops;

	add(&m->hw, packets, bytes);
	add(&m->hw_drops, drops, share(drops, packets, bytes));
	m->hw_last = *s;
}

static void hw_seen(const struct police_seen *s, void *arg)
{
	struct meter *m;

	(void)arg;
	if (!s->ours || !(s->index & POLICE_HW) || s->index & POLICE_TRIAL)
		return;
	lock_take(&inner);
	m = find_index(s->index);
	if (m)
		hw_read(m, s);
	lock_give(&inner);
}

void tc_meters_read(void)
{
	struct meter *m;

	lock_take(&calls);
	nl_batch_clear(&batch);
	HTABLE_FOR_EACH (m, struct meter, node, &meters)
		if (m->made[HARDWARE])
			(void)police_put_get(&batch, police_index(m->kernel, m->id, true));
	if (chan && batch.n && !nl_chan_do(chan, &batch))
		for (size_t i = 0; i < batch.n; i++)
			if (!nl_batch_code(&batch, i) && nl_batch_data(&batch, i))
				(void)!police_get(nl_batch_data(&batch, i), hw_seen, NULL);
	lock_give(&calls);
}

/* --- what ofproto asks --- */

struct of_meter {
	bool kernel;
	uint32_t id;
	bool fits;
};

static bool has(const struct tc_rule *r, uint32_t id)
{
	for (unsigned i = 0; i < r->n_taps; i++)
		if ((r->taps[i].index & POLICE_ID) == id)
			return true;
	return false;
}

/* Its rules are made anew, or leave; flows that it kept out are looked at again. */
static void tell_device(struct tc_device *d, void *arg)
{
	struct offload_event ev = { .kind = OFFLOAD_EV_RULE_STALE };
	const struct of_meter *o = arg;
	struct tc_rule *r;

	if (d->kernel != o->kernel)
		return;
	if (o->fits) {
		ev = (struct offload_event){ .kind = OFFLOAD_EV_CAPS,
					     .words = "a meter can be policed now" };
		atomic_store(&d->stale, true);
		offload_device_notify(&d->up, &ev);
		return;
	}
	lock_take(&d->lock);
	HTABLE_FOR_EACH (r, struct tc_rule, node, &d->rules) {
		if (!has(r, o->id))
			continue;
		ev.handle = r->handle;
		offload_device_notify(&d->up, &ev);
	}
	lock_give(&d->lock);
}

/* A meter of this number is new: what another had counted is not its. */
static void start_anew(struct meter *m) REQUIRES(&inner)
{
	m->in = m->out = m->lost = m->lost_drops = m->shown = m->hw = m->hw_drops =
		(struct sums){ 0, 0 };
}

static bool change(struct meter *m) REQUIRES(&calls)
{
	struct error err = ERROR_INIT;
	bool ok = true;

	for (int side = 0; side < N_SIDES && !m->unfit; side++)
		if (m->made[side] && make(m, (enum side)side, &err)) {
			log_warn_rl("meter %u: cannot change it: %s", m->id, err.cause);
			error_clear(&err);
			ok = false;
		}
	return ok;
}

static void meter_set(bool kernel, uint32_t id, const struct dp_meter *cfg, bool fresh)
{
	struct of_meter o = { .kernel = kernel, .id = id };
	bool was_unfit, was_known, changed;
	struct meter *m;

	if (id > POLICE_ID)
		return;
	lock_take(&calls);
	lock_take(&inner);
	m = find(kernel, id);
	was_known = m && m->wanted;
	if (!m)
		m = meter_new(kernel, id);
	if (!was_known && fresh)
		start_anew(m);
	m->fresh |= fresh;
	m->claimed = true;
	was_unfit = was_known && m->unfit;
	m->wanted = true;
	m->cfg = *cfg;
	m->unfit = police_unfit(cfg);
	o.fits = !m->unfit;
	lock_give(&inner);
	changed = change(m);
	lock_give(&calls);
	if (!changed)
		o.fits = false; /* its rules shall not go on as they are */
	if (was_known && (!o.fits || was_unfit))
		tc_devices_each(tell_device, &o);
}

static void meter_get(bool kernel, uint32_t id, struct dp_meter_stats *st)
{
	struct meter *m;

	memset(st, 0, sizeof(*st));
	lock_take(&inner);
	m = find(kernel, id);
	if (m) {
		struct sums drops = m->lost_drops;

		add(&drops, more(m->in.packets, m->out.packets), more(m->in.bytes, m->out.bytes));
		m->shown.packets = MAX(m->shown.packets, drops.packets);
		m->shown.bytes = MAX(m->shown.bytes, drops.bytes);
		st->packets = m->in.packets + m->lost.packets + m->hw.packets;
		st->bytes = m->in.bytes + m->lost.bytes + m->hw.bytes;
		st->n_bands = 1;
		st->bands[0].packets = m->shown.packets + m->hw_drops.packets;
		st->bands[0].bytes = m->shown.bytes + m->hw_drops.bytes;
	}
	lock_give(&inner);
}

static void meter_del(bool kernel, uint32_t id)
{
	struct meter *m;

	lock_take(&calls);
	m = find(kernel, id);
	if (m) {
		lock_take(&inner);
		m->wanted = false;
		lock_give(&inner);
		forget(m);
	}
	lock_give(&calls);
}

const struct offload_meter_ops tc_meter_ops = {
	.set = meter_set,
	.get = meter_get,
	.del = meter_del,
};

/* --- what a former process left, and what goes --- */

static void left_behind(const struct police_seen *s, void *arg) REQUIRES(&calls)
{
	enum side side = s->index & POLICE_HW ? HARDWARE : SOFTWARE;
	uint64_t bytes = s->bytes + s->packets * ETH_HLEN;
	struct meter *m;

	(void)arg;
	if (!s->ours || s->index & POLICE_TRIAL)
		return;
	lock_take(&inner);
	m = find_index(s->index);
	if (!m)
		m = meter_new(!(s->index & POLICE_USER), s->index & POLICE_ID);
	m->made[side] = true;
	if (m->fresh) {
		if (side == HARDWARE)
			m->hw_last = *s;
	} else if (side == HARDWARE) {
		hw_read(m, s);
	} else {
		m->lost = (struct sums){ s->packets, bytes };
		m->lost_drops = (struct sums){ s->drops, share(s->drops, s->packets, bytes) };
	}
	lock_give(&inner);
}

static void look_around(void) REQUIRES(&calls)
{
	const struct nlmsghdr *h;
	struct meter *m;
	int rc;

	nl_batch_clear(&batch);
	police_put_dump(&batch);
	rc = nl_dump_begin(chan, &batch);
	while (!rc && nl_dump_next(chan, &h) > 0)
		rc = police_get(h, left_behind, NULL);
	nl_dump_end(chan);
	HTABLE_FOR_EACH (m, struct meter, node, &meters)
		if (m->wanted)
			(void)change(m); /* what does not change, the rules' echo shows */
}

int tc_meters_start(struct error *err)
{
	int rc = 0;

	lock_take(&calls);
	if (!chan) {
		rc = nl_chan_open(NETLINK_ROUTE, &chan, err);
		if (!rc) {
			nl_batch_init(&batch);
			atomic_store(&portid, nl_chan_portid(chan));
			started_ns = clock_mono_ns();
			look_around();
		}
	}
	lock_give(&calls);
	return rc;
}

/* --- somebody else's hands --- */

static bool is_made(const struct meter *m, uint32_t index)
{
	for (int side = 0; side < N_SIDES; side++)
		if (m->made[side] &&
		    (!index || index == police_index(m->kernel, m->id, side == HARDWARE)))
			return true;
	return false;
}

void tc_meters_tampered(uint32_t index)
{
	struct meter *m;

	lock_take(&inner);
	HTABLE_FOR_EACH (m, struct meter, node, &meters)
		m->tampered |= m->wanted && is_made(m, index);
	lock_give(&inner);
}

uint32_t tc_meters_portid(void)
{
	return atomic_load(&portid);
}

/* What is there is changed, what is not is made: to the meter, whatever it was. */
static void put_right(struct meter *m) REQUIRES(&calls)
{
	bool was;

	lock_take(&inner);
	was = m->tampered;
	m->tampered = false;
	lock_give(&inner);
	if (was && m->wanted && change(m))
		log_warn_rl("meter %u: somebody changed its police action: put right", m->id);
}

void tc_meters_tidy(void)
{
	struct meter *m;
	bool settled;

	lock_take(&calls);
	settled = clock_mono_ns() - started_ns >= FORMER_NS;
	HTABLE_FOR_EACH (m, struct meter, node, &meters)
		put_right(m);
	HTABLE_FOR_EACH (m, struct meter, node, &meters)
		if (!m->wanted && (settled || m->claimed))
			forget(m);
	lock_give(&calls);
}

/* Meters that are wanted are known on; their actions are left for whoever comes next, or go with
 * them. */
void tc_meters_stop(void)
{
	struct meter *m;
	bool any = false;

	lock_take(&calls);
	HTABLE_FOR_EACH (m, struct meter, node, &meters)
		any |= m->made[SOFTWARE] || m->made[HARDWARE];
	if (chan && !any) {
		nl_batch_done(&batch);
		nl_chan_close(chan);
		chan = NULL;
		atomic_store(&portid, 0);
	}
	lock_give(&calls);
}
