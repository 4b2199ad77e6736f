/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "offload/plan/plan_priv.h"

#define EXAMPLE_MAX 4096 /* characters of an example's match or actions */

struct plan *plan_new(const struct sim_profile *profile, const char *ports)
{
	struct plan *p = xzalloc(sizeof(*p));

	p->profile = *profile;
	p->ports = ports ? xstrdup(ports) : NULL;
	dump_reader_init(&p->reader);
	htable_init(&p->now);
	htable_init(&p->before);
	return p;
}

struct plan *plan_new_named(const char *profile, const char *ports, struct error *err)
{
	size_t len = strlen(profile), suffix = strlen(".conf");
	bool file =
		strchr(profile, '/') || (len > suffix && !strcmp(profile + len - suffix, ".conf"));
	struct sim_profile sp;
	int rc = file ? profile_read(profile, &sp, err) : profile_load(profile, &sp, err);

	if (rc)
		return NULL;
	return plan_new(&sp, ports || !sp.ports[0] ? ports : sp.ports);
}

/* --- forgetting --- */

static void forget_groups(struct plan *p)
{
	for (size_t i = 0; i < p->n_groups; i++) {
		free(p->groups[i].place);
		free(p->groups[i].match);
		free(p->groups[i].actions);
	}
	p->n_groups = 0;
}

static void forget_lines(struct plan *p)
{
	for (size_t i = 0; i < MIN(p->n_unreadable, (uint64_t)PLAN_UNREADABLE_SHOWN); i++) {
		free(p->shown[i].place);
		free(p->shown[i].why);
		free(p->shown[i].text);
	}
	p->n_unreadable = 0;
}

static void forget_sources(struct plan *p)
{
	for (size_t i = 0; i < p->n_sources; i++)
		free(p->sources[i].name);
	p->n_sources = 0;
}

static void forget_recs(struct htable *t)
{
	struct hnode *n;

	while ((n = htable_first(t))) {
		htable_remove(t, n);
		free(container_of(n, struct plan_rec, node));
	}
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	forget_groups(p);
	forget_lines(p);
	forget_sources(p);
	forget_recs(&p->now);
	forget_recs(&p->before);
	htable_done(&p->now);
	htable_done(&p->before);
	dump_reader_done(&p->reader);
	free(p->recs);
	free(p->groups);
	free(p->sources);
	free(p->ports);
	free(p);
}

void plan_again(struct plan *p, double seconds)
{
	forget_recs(&p->before);
	for (size_t i = 0; i < p->n_recs; i++) {
		struct plan_rec *r = p->recs[i];

		htable_remove(&p->now, &r->node);
		htable_insert(&p->before, &r->node, r->id[0]);
	}
	p->n_recs = 0;
	p->again = true;
	p->seconds = seconds;
	forget_groups(p);
	forget_lines(p);
	forget_sources(p);
}

/* --- ports --- */

static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list) {
		size_t n = strcspn(list, ", \t");

		if (n == len && !strncmp(list, name, n))
			return true;
		list += n + (list[n] != '\0');
	}
	return false;
}

bool plan_has_port(const struct plan *p, struct dp_port port)
{
	char name[64];

	dump_port_name(&p->reader, port, name);
	return p->ports ? listed(p->ports, name) : !strstr(name, "_sys");
}

static bool has_port(void *aux, struct dp_port port)
{
	return plan_has_port(aux, port);
}

/* --- judging a flow --- */

static bool needs_switch(struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		unsigned n_lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;

		if (a->kind == DP_ACT_USERSPACE)
			return true;
		for (unsigned i = 0; dp_action_table[a->kind].nested && i < n_lists; i++)
			if (needs_switch(dp_action_nested(a, i)))
				return true;
	}
	return false;
}

/* As the engine decides, in its order; OFFLOAD_OK: the NIC would take it. */
static void judge(struct plan *p, const struct dump_flow *f, struct offload_plan *plan)
{
	struct offload_rule rule = { .ufid = f->ufid,
				     .key = &f->key,
				     .mask = &f->mask,
				     .actions = dp_actions_of(&f->actions) };

	plan->cost = 1;
	offload_refusal_set(&plan->refusal, OFFLOAD_OK);
	if (f->mask.in_port != UINT32_MAX || !plan_has_port(p, flow_in_dp(&f->key))) {
		offload_refusal_set(&plan->refusal, OFFLOAD_NO_DEVICE);
	} else if (needs_switch(rule.actions)) {
		offload_refusal_set(&plan->refusal, OFFLOAD_SLOW_PATH);
		plan->refusal.action = DP_ACT_USERSPACE;
	} else if (f->foreign.reason != OFFLOAD_OK) {
		plan->refusal = f->foreign;
	} else if (profile_plan(&p->profile, &rule, has_port, p, plan) == 0) {
		offload_refusal_set(&plan->refusal, OFFLOAD_OK);
	}
}

double plan_value(const struct plan *p, const struct plan_rec *r)
{
	return (p->again ? r->pps : (double)r->packets) / MAX(r->cost, 1u);
}

void plan_sum_add(struct plan_sum *s, const struct plan_rec *r)
{
	s->flows++;
	s->packets += r->packets;
	s->bytes += r->bytes;
	s->pps += r->pps;
	s->bps += r->bps;
}

static int32_t group_of(struct plan *p, const struct offload_refusal *why)
{
	struct plan_group *g;

	if (why->reason == OFFLOAD_OK)
		return -1;
	for (size_t i = 0; i < p->n_groups; i++) {
		g = &p->groups[i];
		if (g->why.reason == why->reason && g->why.field == why->field &&
		    g->why.action == why->action && !strcmp(g->why.driver, why->driver))
			return (int32_t)i;
	}
	if (p->n_groups == p->cap_groups)
		p->groups = xgrow(p->groups, &p->cap_groups, p->n_groups + 1, sizeof(*p->groups));
	g = &p->groups[p->n_groups];
	memset(g, 0, sizeof(*g));
	g->why = *why;
	g->best = -1;
	return (int32_t)p->n_groups++;
}

static const char *port_name(void *aux, uint32_t no)
{
	static _Thread_local char name[64];

	dump_port_name(aux, (struct dp_port){ no }, name);
	return name;
}

/* Without what is wildcarded, unless that leaves out what is at fault. */
static char *match_text(const struct plan *p, const struct dump_flow *f)
{
	struct str s = STR_INIT;

	if (f->foreign.reason != OFFLOAD_OK)
		return xstrndup(str_cstr(&f->match_text), EXAMPLE_MAX);
	match_format_dp(&f->key, &f->mask, port_name, (void *)(uintptr_t)&p->reader, &s);
	return str_steal(&s);
}

static void keep_example(struct plan *p, const struct plan_rec *r, const struct dump_flow *f,
			 const char *place)
{
	struct plan_group *g = &p->groups[r->group];
	double value = plan_value(p, r);

	if (value <= g->best)
		return;
	g->best = value;
	free(g->place);
	free(g->match);
	free(g->actions);
	g->place = xstrdup(place);
	g->match = match_text(p, f);
	g->actions = xstrndup(str_cstr(&f->actions_text), EXAMPLE_MAX);
	g->ufid[0] = '\0';
	if (f->has_ufid)
		(void)offload_ufid_print(f->ufid, g->ufid);
}

/* --- flows --- */

static struct plan_rec *find(struct htable *t, const uint64_t id[2])
{
	struct plan_rec *r;

	HTABLE_FOR_EACH_WITH (r, struct plan_rec, node, id[0], t)
		if (r->id[0] == id[0] && r->id[1] == id[1])
			return r;
	return NULL;
}

static void name_flow(const struct dump_flow *f, uint64_t id[2])
{
	const char *match = str_cstr(&f->match_text);

	id[0] = f->has_ufid ? f->ufid.u[0] : hash_string(match, 1);
	id[1] = f->has_ufid ? f->ufid.u[1] : hash_string(match, 2);
	id[0] = hash_u64(id[0], 0) ^ id[1];
}

/* What has come since the first reading. */
static void measure(struct plan *p, struct plan_rec *r)
{
	const struct plan_rec *old = p->again ? find(&p->before, r->id) : NULL;
	bool went_on = old && old->packets <= r->packets && old->bytes <= r->bytes;

	if (!p->again || !(p->seconds > 0))
		return;
	r->pps = (double)(r->packets - (went_on ? old->packets : 0)) / p->seconds;
	r->bps = (double)(r->bytes - (went_on ? old->bytes : 0)) / p->seconds;
}

/* A datapath of several threads tells a flow once for each; in a NIC it is one rule. */
static int add_flow(struct plan *p, const struct dump_flow *f, const char *place, struct error *err)
{
	struct offload_plan plan;
	struct plan_rec *r;
	uint64_t id[2];

	name_flow(f, id);
	r = find(&p->now, id);
	if (r) {
		r->packets += f->packets;
		r->bytes += f->bytes;
		r->offloaded |= f->offloaded;
		measure(p, r);
		return 0;
	}
	if (p->n_recs == PLAN_FLOWS_MAX)
		return error_set(err, EFBIG, NULL, "there are more than %u flows", PLAN_FLOWS_MAX);
	judge(p, f, &plan);
	r = xzalloc(sizeof(*r));
	memcpy(r->id, id, sizeof(r->id));
	r->packets = f->packets;
	r->bytes = f->bytes;
	r->offloaded = f->offloaded;
	r->cost = plan.cost;
	r->group = group_of(p, &plan.refusal);
	measure(p, r);
	htable_insert(&p->now, &r->node, r->id[0]);
	if (p->n_recs == p->cap_recs)
		p->recs = xgrow(p->recs, &p->cap_recs, p->n_recs + 1, sizeof(struct plan_rec *));
	p->recs[p->n_recs++] = r;
	if (r->group >= 0)
		keep_example(p, r, f, place);
	return 0;
}

/* --- lines --- */

static void keep_line(struct plan *p, const char *place, const char *line, const struct error *why)
{
	struct plan_line *l;
	char text[400];

	if (p->n_unreadable++ >= PLAN_UNREADABLE_SHOWN)
		return;
	l = &p->shown[p->n_unreadable - 1];
	l->place = xstrdup(place);
	l->why = xstrdup(error_text(why, text, sizeof(text)));
	l->text = xstrndup(line, EXAMPLE_MAX);
}

static int read_line(struct plan *p, struct dump_flow *f, const char *place, const char *line,
		     struct error *err)
{
	struct error why = ERROR_INIT;
	int rc = dump_read(&p->reader, line, f, &why);

	if (rc < 0)
		keep_line(p, place, line, &why);
	return rc > 0 ? add_flow(p, f, place, err) : 0;
}

int plan_read(struct plan *p, const char *source, const char *text, size_t len, struct error *err)
{
	struct plan_source *src;
	struct str place = STR_INIT;
	struct dump_flow f;
	const char *end = text + len;
	uint64_t before = p->n_recs;
	int rc = 0;

	if (p->n_sources == p->cap_sources)
		p->sources =
			xgrow(p->sources, &p->cap_sources, p->n_sources + 1, sizeof(*p->sources));
	src = &p->sources[p->n_sources++];
	src->name = xstrdup(source);
	src->flows = 0;
	dump_flow_init(&f);
	for (unsigned no = 1; !rc && text < end; no++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = nl ? (size_t)(nl - text) : (size_t)(end - text);
		char *line = xstrndup(text, n);

		str_clear(&place);
		str_printf(&place, "%s:%u", source, no);
		rc = read_line(p, &f, str_cstr(&place), line, err);
		free(line);
		text += n + (nl != NULL);
	}
	src->flows = p->n_recs - before;
	dump_flow_done(&f);
	str_done(&place);
	return rc;
}
