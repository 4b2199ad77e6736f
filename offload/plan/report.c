/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan comes to, as JSON. */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "offload/plan/plan_priv.h"

/* --- the table --- */

struct ranked {
	double value;
	struct plan_rec *r;
};

static int most_first(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	return (x->r->bytes < y->r->bytes) - (x->r->bytes > y->r->bytes);
}

/* Puts what fits into the table, the best first; returns the entries in use. */
static uint64_t fill(struct plan *p, uint64_t *need)
{
	struct ranked *v = xcalloc(p->n_recs ? p->n_recs : 1, sizeof(*v));
	uint64_t capacity = p->profile.caps.capacity, used = 0;
	size_t n = 0;

	*need = 0;
	for (size_t i = 0; i < p->n_recs; i++) {
		struct plan_rec *r = p->recs[i];

		r->placed = false;
		if (r->group >= 0)
			continue;
		v[n++] = (struct ranked){ plan_value(p, r), r };
		*need += r->cost;
	}
	if (n)
		qsort(v, n, sizeof(*v), most_first);
	for (size_t i = 0; i < n; i++) {
		if (capacity && used + v[i].r->cost > capacity)
			continue;
		used += v[i].r->cost;
		v[i].r->placed = true;
	}
	free(v);
	return used;
}

/* --- pieces --- */

static void put_int(struct json_object *o, const char *key, uint64_t x)
{
	json_object_object_add(o, key, json_object_new_uint64(x));
}

static void put_str(struct json_object *o, const char *key, const char *s)
{
	json_object_object_add(o, key, json_object_new_string(s ? s : ""));
}

static void put_sums(const struct plan *p, struct json_object *o, const struct plan_sum *s)
{
	put_int(o, "flows", s->flows);
	put_int(o, "packets", s->packets);
	put_int(o, "bytes", s->bytes);
	json_object_object_add(o, "pps", p->again ? json_object_new_double(s->pps) : NULL);
	json_object_object_add(o, "bps", p->again ? json_object_new_double(s->bps) : NULL);
}

static void put_sum(const struct plan *p, struct json_object *o, const char *key,
		    const struct plan_sum *s)
{
	struct json_object *one = json_object_new_object();

	put_sums(p, one, s);
	json_object_object_add(o, key, one);
}

/* --- reasons --- */

static double cost_of(const struct plan *p, const struct plan_group *g)
{
	return p->again ? g->sum.pps : (double)g->sum.packets;
}

struct costly {
	double cost;
	const struct plan_group *g;
};

static int costliest_first(const void *a, const void *b)
{
	const struct costly *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? 1 : -1;
	return (x->g->sum.flows < y->g->sum.flows) - (x->g->sum.flows > y->g->sum.flows);
}

static struct json_object *example_json(const struct plan_group *g)
{
	struct json_object *o = json_object_new_object();
	struct str s = STR_INIT;

	put_str(o, "place", g->place);
	put_str(o, "ufid", g->ufid);
	put_str(o, "match", g->match);
	put_str(o, "actions", g->actions);
	offload_refusal_format(&g->why, &s);
	put_str(o, "why", str_cstr(&s));
	str_done(&s);
	return o;
}

static struct json_object *group_json(const struct plan *p, const struct plan_group *g)
{
	const struct offload_reason_info *r = &offload_reason_table[g->why.reason];
	struct json_object *o = json_object_new_object();

	put_str(o, "reason", r->name);
	put_str(o, "field", g->why.field >= 0 ? field_get((enum field_id)g->why.field)->name : "");
	put_str(o, "action", g->why.action >= 0 ? dp_action_table[g->why.action].name : "");
	put_str(o, "word", g->why.driver);
	put_str(o, "text", r->text);
	put_str(o, "advice", r->advice);
	put_int(o, "limit", g->why.limit);
	put_sums(p, o, &g->sum);
	if (g->place)
		json_object_object_add(o, "example", example_json(g));
	return o;
}

/* What fits, but not into the table. */
static void no_room(struct plan *p, struct plan_group *g)
{
	memset(g, 0, sizeof(*g));
	offload_refusal_set(&g->why, OFFLOAD_NOT_WORTH);
	g->why.limit = p->profile.caps.capacity;
	for (size_t i = 0; i < p->n_recs; i++)
		if (p->recs[i]->group < 0 && !p->recs[i]->placed)
			plan_sum_add(&g->sum, p->recs[i]);
}

static struct json_object *reasons_json(struct plan *p)
{
	struct json_object *array = json_object_new_array();
	struct costly *v = xcalloc(p->n_groups + 1, sizeof(*v));
	struct plan_group full;
	size_t n = 0;

	for (size_t i = 0; i < p->n_groups; i++)
		memset(&p->groups[i].sum, 0, sizeof(p->groups[i].sum));
	for (size_t i = 0; i < p->n_recs; i++)
		if (p->recs[i]->group >= 0)
			plan_sum_add(&p->groups[p->recs[i]->group].sum, p->recs[i]);
	for (size_t i = 0; i < p->n_groups; i++)
		v[n++] = (struct costly){ cost_of(p, &p->groups[i]), &p->groups[i] };
	no_room(p, &full);
	if (full.sum.flows)
		v[n++] = (struct costly){ cost_of(p, &full), &full };
	if (n)
		qsort(v, n, sizeof(*v), costliest_first);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, group_json(p, v[i].g));
	free(v);
	return array;
}

/* --- the rest --- */

static struct json_object *ports_json(const struct plan *p)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < p->reader.n_names; i++) {
		struct json_object *o = json_object_new_object();
		bool nic = plan_has_port(p, (struct dp_port){ DUMP_NAMED_PORT + (uint32_t)i });

		put_str(o, "port", p->reader.names[i]);
		json_object_object_add(o, "nic", json_object_new_boolean(nic));
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *unreadable_json(const struct plan *p)
{
	struct json_object *o = json_object_new_object(), *shown = json_object_new_array();
	uint64_t n = MIN(p->n_unreadable, (uint64_t)PLAN_UNREADABLE_SHOWN);

	for (uint64_t i = 0; i < n; i++) {
		struct json_object *one = json_object_new_object();

		put_str(one, "place", p->shown[i].place);
		put_str(one, "why", p->shown[i].why);
		put_str(one, "line", p->shown[i].text);
		json_object_array_add(shown, one);
	}
	put_int(o, "lines", p->n_unreadable);
	json_object_object_add(o, "shown", shown);
	return o;
}

static struct json_object *sources_json(const struct plan *p)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < p->n_sources; i++) {
		struct json_object *o = json_object_new_object();

		put_str(o, "source", p->sources[i].name);
		put_int(o, "flows", p->sources[i].flows);
		json_object_array_add(array, o);
	}
	return array;
}

static void put_totals(struct plan *p, struct json_object *o)
{
	struct plan_sum total = { 0 }, fits = { 0 }, hardware = { 0 }, outside = { 0 },
			offloaded = { 0 };

	for (size_t i = 0; i < p->n_recs; i++) {
		const struct plan_rec *r = p->recs[i];

		plan_sum_add(&total, r);
		plan_sum_add(r->placed ? &hardware : &outside, r);
		if (r->group < 0)
			plan_sum_add(&fits, r);
		if (r->offloaded)
			plan_sum_add(&offloaded, r);
	}
	put_sum(p, o, "total", &total);
	put_sum(p, o, "fits", &fits);
	put_sum(p, o, "hardware", &hardware);
	put_sum(p, o, "outside", &outside);
	put_sum(p, o, "offloaded", &offloaded);
}

struct json_object *plan_report(struct plan *p)
{
	struct json_object *o = json_object_new_object();
	uint64_t need, used = fill(p, &need);

	put_str(o, "profile", p->profile.name);
	put_str(o, "description", p->profile.description);
	json_object_object_add(o, "sources", sources_json(p));
	json_object_object_add(o, "seconds", json_object_new_double(p->again ? p->seconds : 0));
	json_object_object_add(o, "ports", ports_json(p));
	put_int(o, "capacity", p->profile.caps.capacity);
	put_int(o, "entries", need);
	put_int(o, "used", used);
	put_totals(p, o);
	json_object_object_add(o, "reasons", reasons_json(p));
	json_object_object_add(o, "unreadable", unreadable_json(p));
	return o;
}
