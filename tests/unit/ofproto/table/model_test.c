/* SPDX-License-Identifier: Apache-2.0 */
/* Flow-mods, expiry and group deletion against a list of rules that is searched from end to end.
 *
 * Matches look at three fields of two values each, so that rules often contain, overlap and equal
 * each other, and every packet can be looked up. */
#include <stdlib.h>

#include "core/base/str.h"
#include "tests/unit/ofproto/table/fixture.h"
#include "tests/unit/seed.h"

#define N_FIELDS 3
#define N_TABLES 3
#define N_GROUPS 3
#define N_ACTIONS 6
#define LIMIT 40
#define MAX_RULES 64
#define ANY (-1)

struct pattern {
	int f[N_FIELDS]; /* 0, 1 or ANY */
};

struct model_rule {
	bool in;
	struct pattern p;
	uint8_t table;
	uint16_t priority, idle, hard, flags;
	be64 cookie;
	int actions;
	uint64_t created, modified, used, packets;
	int told; /* reason by which tables_ops.removed was called, or -1 */
};

struct model {
	struct ofp_tables *t;
	struct rng r;
	struct model_rule rules[MAX_RULES];
	bool groups[N_GROUPS + 1]; /* by id */
	unsigned n_told, n_expected_told;
	uint64_t now;
	struct buf actions[N_ACTIONS];
};

/* --- actions --- */

static const struct {
	uint32_t port, group;
} action_kinds[N_ACTIONS] = { { 0, 0 }, { 1, 0 }, { 2, 0 }, { 0, 1 }, { 1, 2 }, { 2, 3 } };

static void actions_init(struct model *m)
{
	for (unsigned i = 0; i < N_ACTIONS; i++) {
		buf_init(&m->actions[i]);
		if (action_kinds[i].port)
			put_output(&m->actions[i], action_kinds[i].port);
		if (action_kinds[i].group)
			put_group(&m->actions[i], action_kinds[i].group);
	}
}

static bool model_actions_ok(const struct model *m, int a)
{
	return !action_kinds[a].group || m->groups[action_kinds[a].group];
}

/* --- patterns --- */

static bool within(const struct pattern *a, const struct pattern *b)
{
	for (unsigned i = 0; i < N_FIELDS; i++)
		if (b->f[i] != ANY && a->f[i] != b->f[i])
			return false;
	return true;
}

static bool overlap(const struct pattern *a, const struct pattern *b)
{
	for (unsigned i = 0; i < N_FIELDS; i++)
		if (a->f[i] != ANY && b->f[i] != ANY && a->f[i] != b->f[i])
			return false;
	return true;
}

static void pattern_match(const struct pattern *p, struct match *m)
{
	static const be16 types[2] = { 0x0008, 0x0608 }; /* IPv4, ARP on the wire */

	memset(m, 0, sizeof(*m));
	if (p->f[0] != ANY)
		match_in_port(m, (uint32_t)p->f[0]);
	if (p->f[1] != ANY) {
		m->key.dl_type = types[p->f[1]];
		m->mask.dl_type = UINT16_MAX;
	}
	if (p->f[2] != ANY) {
		m->key.regs[0] = p->f[2] ? htonl(4) : 0;
		m->mask.regs[0] = htonl(4);
	}
}

static struct pattern pattern_of(const struct match *m)
{
	struct pattern p = { { ANY, ANY, ANY } };

	if (m->mask.in_port)
		p.f[0] = (int)ntohl(m->key.in_port);
	if (m->mask.dl_type)
		p.f[1] = m->key.dl_type == 0x0608;
	if (m->mask.regs[0])
		p.f[2] = m->key.regs[0] != 0;
	return p;
}

static struct pattern random_pattern(struct rng *r, bool exact)
{
	struct pattern p;

	for (unsigned i = 0; i < N_FIELDS; i++)
		p.f[i] = exact ? (int)rng_below(r, 2) : (int)rng_below(r, 3) - 1;
	return p;
}

static bool same_pattern(const struct pattern *a, const struct pattern *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* --- the model's flow-mods --- */

static struct model_rule *model_find(struct model *m, uint8_t table, const struct pattern *p,
				     uint16_t priority)
{
	for (unsigned i = 0; i < MAX_RULES; i++) {
		struct model_rule *r = &m->rules[i];

		if (r->in && r->table == table && r->priority == priority && same_pattern(&r->p, p))
			return r;
	}
	return NULL;
}

static unsigned model_count(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MAX_RULES; i++)
		n += m->rules[i].in;
	return n;
}

static void model_expect(struct model *m, struct model_rule *r, int reason)
{
	ck_assert_int_eq(r->told, reason);
	r->in = false;
	m->n_expected_told++;
}

struct op {
	struct ofp_flow_mod fm;
	struct pattern p;
	int actions;
};

static enum ofperr model_add(struct model *m, const struct op *o, size_t *n)
{
	uint8_t table = o->fm.table == OFPTT_ALL_ ? 0 : o->fm.table;
	struct model_rule *old = model_find(m, table, &o->p, o->fm.priority), *r = old;
	struct model_rule was = { .in = false };

	for (unsigned i = 0; i < MAX_RULES; i++)
		if (o->fm.flags & OFPFF_CHECK_OVERLAP_ && m->rules[i].in && !old &&
		    m->rules[i].table == table && m->rules[i].priority == o->fm.priority &&
		    overlap(&m->rules[i].p, &o->p))
			return OFPERR_FM_OVERLAP;
	if (!old && model_count(m) >= LIMIT)
		return OFPERR_FM_TABLE_FULL;
	for (unsigned i = 0; !r; i++)
		r = m->rules[i].in ? NULL : &m->rules[i];
	if (old && !(o->fm.flags & OFPFF_RESET_COUNTS_))
		was = *old;
	*r = (struct model_rule){
		.in = true,
		.p = o->p,
		.table = table,
		.priority = o->fm.priority,
		.idle = o->fm.idle_timeout,
		.hard = o->fm.hard_timeout,
		.flags = o->fm.flags,
		.cookie = o->fm.cookie,
		.actions = o->actions,
		.used = was.used,
		.packets = was.packets,
		.told = -1,
	};
	*n = 1;
	return OFPERR_OK;
}

static bool model_selects(const struct op *o, const struct model_rule *r)
{
	uint8_t c = o->fm.command;
	bool strict = c == OFPFC_MODIFY_STRICT_ || c == OFPFC_DELETE_STRICT_;
	bool delete = c == OFPFC_DELETE_ || c == OFPFC_DELETE_STRICT_;

	if (!r->in || (o->fm.table != OFPTT_ALL_ && o->fm.table != r->table))
		return false;
	if ((r->cookie & o->fm.filter_mask) != (o->fm.filter_cookie & o->fm.filter_mask))
		return false;
	if (strict && (r->priority != o->fm.priority || !same_pattern(&r->p, &o->p)))
		return false;
	if (delete &&o->fm.out_port.v != OFPP_NONE_ &&
	    action_kinds[r->actions].port != o->fm.out_port.v)
		return false;
	if (delete &&o->fm.out_group != OFPG_ANY_ &&
	    action_kinds[r->actions].group != o->fm.out_group)
		return false;
	return within(&r->p, &o->p);
}

static void model_modify_one(const struct op *o, struct model_rule *r)
{
	r->actions = o->actions;
	if (o->fm.set_cookie)
		r->cookie = o->fm.cookie;
	if (o->fm.flags & OFPFF_RESET_COUNTS_)
		r->packets = r->used = 0;
	r->modified = 0; /* now */
}

static enum ofperr model_flow_mod(struct model *m, const struct op *o, size_t *n)
{
	bool delete = o->fm.command == OFPFC_DELETE_ || o->fm.command == OFPFC_DELETE_STRICT_;

	*n = 0;
	if (!delete &&!model_actions_ok(m, o->actions))
		return OFPERR_BAD_OUT_GROUP;
	if (o->fm.command == OFPFC_ADD_)
		return model_add(m, o, n);
	for (unsigned i = 0; i < MAX_RULES; i++) {
		struct model_rule *r = &m->rules[i];

		if (!model_selects(o, r))
			continue;
		++*n;
		if (delete)
			model_expect(m, r, OFPRR_DELETE_);
		else
			model_modify_one(o, r);
	}
	if (!*n && !delete &&o->fm.set_cookie && !o->fm.filter_mask)
		return model_add(m, o, n);
	return OFPERR_OK;
}

/* --- both --- */

static void on_removed(void *ctx, struct rule *r, enum ofp_removed_reason reason)
{
	struct model *m = ctx;
	struct pattern p;
	struct match match;
	struct model_rule *mr;

	minimatch_expand(&r->cr.match, &match);
	p = pattern_of(&match);
	mr = model_find(m, r->table, &p, rule_priority(r));
	ck_assert_ptr_nonnull(mr);
	ck_assert_int_eq(mr->told, -1);
	ck_assert_uint_eq(r->stats->packets, mr->packets);
	mr->told = (int)reason;
	m->n_told++;
}

/* One rule of a dump is one of the model's, and its times, which only the tables know to the
 * nanosecond, are what the model goes by from here on. */
static bool check_rule(struct rule *r, void *aux)
{
	struct model *m = aux;
	struct ofp_flow_stats fs;
	struct pattern p;
	struct model_rule *mr;
	bool ok;

	tables_rule_stats(r, &fs);
	p = pattern_of(&fs.match);
	mr = model_find(m, fs.table, &p, fs.priority);
	ck_assert_ptr_nonnull(mr);
	ok = mr->cookie == fs.cookie && mr->idle == fs.idle_timeout &&
	     mr->hard == fs.hard_timeout && mr->flags == fs.flags && mr->packets == fs.packets &&
	     mr->packets * 100 == fs.bytes &&
	     ofpacts_equal(fs.actions, ofpacts_of(&m->actions[mr->actions]));
	ck_assert(ok);
	ok = (!mr->created || mr->created == r->created_ns) &&
	     (!mr->modified || mr->modified == r->modified_ns) && r->modified_ns <= clock_mono_ns();
	ck_assert(ok);
	mr->created = r->created_ns;
	mr->modified = r->modified_ns;
	m->now++; /* counts the rules seen */
	return true;
}

static void check_dump(struct model *m)
{
	struct ofp_flow_stats_request req = request_all();
	uint64_t now = m->now;

	m->now = 0;
	tables_visit(m->t, &req, check_rule, m);
	ck_assert_uint_eq(m->now, model_count(m));
	ck_assert_uint_eq(tables_n_rules(m->t), model_count(m));
	ck_assert_uint_eq(m->n_told, m->n_expected_told);
	m->now = now;
}

static void check_lookup(struct model *m, uint8_t table, unsigned packet)
{
	struct pattern p = { { packet & 1, packet >> 1 & 1, packet >> 2 & 1 } };
	struct match match;
	struct rule *r;
	int best = -1;

	pattern_match(&p, &match);
	for (unsigned i = 0; i < MAX_RULES; i++)
		if (m->rules[i].in && m->rules[i].table == table && within(&p, &m->rules[i].p))
			best = MAX(best, m->rules[i].priority);
	rcu_read_lock();
	r = tables_lookup(m->t, table, tables_version(m->t), &match.key, NULL, false);
	ck_assert_int_eq(r ? rule_priority(r) : -1, best);
	if (r) {
		minimatch_expand(&r->cr.match, &match);
		p = pattern_of(&match);
		ck_assert_ptr_nonnull(model_find(m, table, &p, (uint16_t)best));
	}
	rcu_read_unlock();
}

static void check_all(struct model *m)
{
	check_dump(m);
	for (uint8_t table = 0; table < N_TABLES; table++)
		for (unsigned packet = 0; packet < 8; packet++)
			check_lookup(m, table, packet);
}

/* --- random steps --- */

static be64 random_mask(struct rng *r)
{
	static const be64 masks[] = { 0, 0, 0, 1, 2, UINT64_MAX };

	return masks[rng_below(r, ARRAY_SIZE(masks))];
}

static void random_op(struct model *m, struct op *o)
{
	struct rng *r = &m->r;
	/* more adds than the rest, or there is nothing to choose from */
	uint8_t command = rng_below(r, 2) ? OFPFC_ADD_ : (uint8_t)rng_below(r, 5);

	o->fm = flow_mod((enum ofp_flow_mod_command)command);
	o->p = random_pattern(r, false);
	o->actions = (int)rng_below(r, N_ACTIONS);
	o->fm.table = rng_below(r, 4) ? (uint8_t)rng_below(r, N_TABLES) : OFPTT_ALL_;
	o->fm.priority = (uint16_t)rng_below(r, 3);
	o->fm.idle_timeout = rng_below(r, 3) ? 0 : (uint16_t)(5 + rng_below(r, 50));
	o->fm.hard_timeout = rng_below(r, 3) ? 0 : (uint16_t)(5 + rng_below(r, 400));
	o->fm.flags = (uint16_t)(rng_below(r, 2) ? OFPFF_SEND_FLOW_REM_ : 0);
	o->fm.flags |= (uint16_t)(rng_below(r, 2) ? OFPFF_RESET_COUNTS_ : 0);
	o->fm.flags |= (uint16_t)(rng_below(r, 4) ? 0 : OFPFF_CHECK_OVERLAP_);
	o->fm.cookie = rng_below(r, 4);
	o->fm.set_cookie = rng_below(r, 2);
	o->fm.filter_cookie = rng_below(r, 4);
	o->fm.filter_mask = random_mask(r);
	if (!rng_below(r, 3))
		o->fm.out_port.v = 1 + (uint32_t)rng_below(r, 2);
	if (!rng_below(r, 4))
		o->fm.out_group = 1 + (uint32_t)rng_below(r, N_GROUPS);
	pattern_match(&o->p, &o->fm.match);
	o->fm.actions = ofpacts_of(&m->actions[o->actions]);
}

static void step_flow_mod(struct model *m)
{
	size_t n = 0, model_n;
	enum ofperr e;
	uint64_t seq = tables_seq(m->t);
	struct op o;

	random_op(m, &o);
	e = tables_flow_mod(m->t, &o.fm, &n);
	ck_assert_int_eq(e, model_flow_mod(m, &o, &model_n));
	ck_assert_uint_eq(n, model_n);
	ck_assert((tables_seq(m->t) != seq) == (n != 0));
}

static void step_traffic(struct model *m)
{
	struct pattern p = random_pattern(&m->r, true);
	uint64_t n = 1 + rng_below(&m->r, 9);
	struct model_rule *mr;
	struct match match;
	struct rule *r;

	pattern_match(&p, &match);
	rcu_read_lock();
	r = tables_lookup(m->t, 0, tables_version(m->t), &match.key, NULL, false);
	if (r) {
		minimatch_expand(&r->cr.match, &match);
		p = pattern_of(&match);
		mr = model_find(m, 0, &p, rule_priority(r));
		rule_credit(r, n, n * 100, m->now);
		mr->packets += n;
		mr->used = MAX(mr->used, m->now);
	}
	rcu_read_unlock();
}

static void step_expire(struct model *m)
{
	uint64_t next, first = UINT64_MAX;

	clock_warp(rng_below(&m->r, 6 * NSEC_PER_SEC));
	m->now = clock_mono_ns();
	next = tables_expire(m->t, m->now, UINT64_MAX);
	for (unsigned i = 0; i < MAX_RULES; i++) {
		struct model_rule *r = &m->rules[i];
		uint64_t hard = r->hard ? r->modified + r->hard * NSEC_PER_SEC : UINT64_MAX;
		uint64_t idle =
			r->idle ? MAX(r->used, r->created) + r->idle * NSEC_PER_SEC : UINT64_MAX;

		if (!r->in)
			continue;
		if (hard <= m->now)
			model_expect(m, r, OFPRR_HARD_TIMEOUT_);
		else if (idle <= m->now)
			model_expect(m, r, OFPRR_IDLE_TIMEOUT_);
		else
			first = MIN(first, MIN(hard, idle));
	}
	ck_assert_uint_le(next, first);
	ck_assert_uint_gt(next, m->now);
}

static void step_group(struct model *m)
{
	struct ofp_group_mod gm = { .type = OFPGT_ALL_ };
	bool all = !rng_below(&m->r, 10);

	gm.id = 1 + (uint32_t)rng_below(&m->r, N_GROUPS);
	gm.command = m->groups[gm.id] || all ? OFPGC_DELETE_ : OFPGC_ADD_;
	if (all)
		gm.id = OFPG_ALL_;
	ck_assert_int_eq(tables_group_mod(m->t, &gm), OFPERR_OK);
	if (gm.command == OFPGC_ADD_) {
		m->groups[gm.id] = true;
		return;
	}
	for (unsigned i = 0; i < MAX_RULES; i++) {
		struct model_rule *r = &m->rules[i];
		uint32_t g = action_kinds[r->actions].group;

		if (r->in && g && (all || g == gm.id))
			model_expect(m, r, OFPRR_GROUP_DELETE_);
	}
	for (uint32_t id = 1; id <= N_GROUPS; id++)
		if (all || id == gm.id)
			m->groups[id] = false;
}

static void check_ref_counts(struct model *m)
{
	rcu_read_lock();
	for (uint32_t id = 1; id <= N_GROUPS; id++) {
		const struct group *g = tables_group(m->t, id);
		unsigned n = 0;

		for (unsigned i = 0; i < MAX_RULES; i++)
			n += m->rules[i].in && action_kinds[m->rules[i].actions].group == id;
		ck_assert((g != NULL) == m->groups[id]);
		ck_assert_uint_eq(g ? g->ref_count : 0, n);
	}
	rcu_read_unlock();
}

START_TEST(agrees_with_list)
{
	static const struct tables_ops ops = { .removed = on_removed };
	static struct model m;

	m.r = rng_start("tables");
	m.now = clock_mono_ns();
	m.t = tables_new(&ops, &m);
	tables_set_limit(m.t, LIMIT);
	actions_init(&m);
	for (int i = 0; i < 6000; i++) {
		uint64_t what = rng_below(&m.r, 20);

		if (what == 0)
			step_group(&m);
		else if (what < 3)
			step_expire(&m);
		else if (what < 6)
			step_traffic(&m);
		else
			step_flow_mod(&m);
		check_all(&m);
		check_ref_counts(&m);
	}
	tables_free(m.t);
	ck_assert_uint_eq(m.n_told, m.n_expected_told); /* of a flush nobody is told */
	rcu_settle();
	rcu_settle();
	rcu_settle();
	for (unsigned i = 0; i < N_ACTIONS; i++)
		buf_done(&m.actions[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tables model");
	TCase *tc = tcase_create("tables model");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, agrees_with_list);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
