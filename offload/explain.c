/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "offload/explain_priv.h"

/* --- small pieces --- */

void explain_int(struct json_object *o, const char *key, uint64_t x)
{
	json_object_object_add(o, key, json_object_new_uint64(x));
}

void explain_str(struct json_object *o, const char *key, const char *s)
{
	json_object_object_add(o, key, json_object_new_string(s));
}

static void add_text(struct json_object *o, const char *key, struct str *s)
{
	explain_str(o, key, str_cstr(s));
	str_clear(s);
}

void explain_time(struct json_object *o, const char *key, uint64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / NSEC_PER_SEC);
	char text[64];
	struct tm tm;
	size_t n;

	(void)gmtime_r(&s, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + n, sizeof(text) - n, ".%03uZ",
		       (unsigned)(wall_ns % NSEC_PER_SEC / NSEC_PER_MSEC));
	explain_str(o, key, text);
}

/* --- names of ports --- */

struct engine_port_info *explain_ports(struct engine *e, size_t *n)
{
	size_t max = engine_ports(e, NULL, 0) + 16;
	struct engine_port_info *p = xcalloc(max, sizeof(*p));

	*n = MIN(engine_ports(e, p, max), max);
	return p;
}

void explain_names_init(struct explain_names *names, struct engine *e)
{
	names->p = explain_ports(e, &names->n);
}

void explain_names_done(struct explain_names *names)
{
	free(names->p);
}

const char *explain_port_name(const struct explain_names *names, uint32_t no)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->p[i].no.v == no)
			return names->p[i].name;
	return NULL;
}

static const char *match_name(void *aux, uint32_t no)
{
	return explain_port_name(aux, no);
}

static const char *action_name(void *aux, struct dp_port no)
{
	return explain_port_name(aux, no.v);
}

/* --- one flow --- */

static void add_tiers(struct json_object *o, const struct engine_flow_info *i)
{
	struct json_object *tiers = json_object_new_object();

	for (unsigned t = 0; t < LEDGER_N_TIERS; t++) {
		struct json_object *one;

		if (!i->tier[t].packets)
			continue;
		one = json_object_new_object();
		explain_int(one, "packets", i->tier[t].packets);
		explain_int(one, "bytes", i->tier[t].bytes);
		json_object_object_add(tiers, ledger_tier_name[t], one);
	}
	json_object_object_add(o, "tiers", tiers);
}

/* What of a refusal is more than its sentence. */
static void add_refusal(struct json_object *o, const struct offload_refusal *r)
{
	if (r->field >= 0 && r->field < FIELD_N_IDS)
		explain_str(o, "field", field_get((enum field_id)r->field)->name);
	if (r->action >= 0 && r->action < DP_ACT_N_KINDS)
		explain_str(o, "action", dp_action_table[r->action].name);
	if (r->limit)
		explain_int(o, "limit", r->limit);
	if (r->driver[0])
		explain_str(o, "driver", r->driver);
	if (r->reason != OFFLOAD_OK)
		explain_time(o, "since", r->at_ns);
}

void explain_match(const struct engine_flow_info *i, struct explain_names *names, struct str *s)
{
	match_format_dp(&i->key, &i->mask, match_name, names, s);
}

struct json_object *explain_flow(const struct engine_flow_info *i, struct explain_names *names)
{
	struct json_object *o = json_object_new_object();
	const char *port = explain_port_name(names, flow_in_dp(&i->key).v);
	char ufid[UFID_TEXT_LEN + 1];
	struct str s = STR_INIT;

	explain_str(o, "ufid", offload_ufid_print(i->ufid, ufid));
	explain_match(i, names, &s);
	add_text(o, "match", &s);
	dp_actions_format(dp_actions_of(&i->actions), action_name, names, &s);
	add_text(o, "actions", &s);
	explain_str(o, "state", offload_state_name[i->state]);
	explain_str(o, "reason", offload_reason_table[i->why.reason].name);
	offload_refusal_format(&i->why, &s);
	add_text(o, "why", &s);
	str_done(&s);
	add_refusal(o, &i->why);
	explain_str(o, "device", i->device);
	explain_str(o, "port", port ? port : "");
	explain_int(o, "cost", i->cost);
	explain_int(o, "age_ms", (clock_mono_ns() - i->created_ns) / NSEC_PER_MSEC);
	json_object_object_add(o, "pps", json_object_new_double(i->rate_pps));
	explain_int(o, "packets", i->total.packets);
	explain_int(o, "bytes", i->total.bytes);
	add_tiers(o, i);
	return o;
}

static struct json_object *step_json(const struct engine_event *ev)
{
	struct json_object *o = json_object_new_object();
	struct str s = STR_INIT;

	explain_time(o, "at", ev->at_ns);
	explain_str(o, "from", offload_state_name[ev->from]);
	explain_str(o, "to", offload_state_name[ev->to]);
	explain_str(o, "reason", offload_reason_table[ev->why.reason].name);
	if (ev->why.reason != OFFLOAD_OK)
		offload_refusal_format(&ev->why, &s);
	explain_str(o, "why", str_cstr(&s));
	str_done(&s);
	add_refusal(o, &ev->why);
	explain_int(o, "packets", ev->at_stats.packets);
	explain_int(o, "bytes", ev->at_stats.bytes);
	return o;
}

static void add_story(struct json_object *o, const struct engine_flow_info *i)
{
	const struct offload_reason_info *r = &offload_reason_table[i->why.reason];
	struct json_object *history = json_object_new_array();
	unsigned n = MIN(i->n_events, (unsigned)ENGINE_HISTORY);
	uint64_t now = clock_mono_ns();

	explain_str(o, "advice", r->advice);
	if (i->state != OFFLOAD_ST_HARDWARE)
		explain_str(o, "retry", offload_retry_text[r->retry]);
	if (i->why.retry_ns > now) {
		explain_int(o, "retry_in_ms", (i->why.retry_ns - now) / NSEC_PER_MSEC);
		explain_time(o, "retry_at", clock_wall_ns() + i->why.retry_ns - now);
	}
	if (i->faulty) {
		struct json_object *fault = json_object_new_object();

		explain_fault(fault, &i->fault);
		json_object_object_add(o, "fault", fault);
	}
	explain_int(o, "steps", i->n_events);
	for (unsigned k = 0; k < n; k++)
		json_object_array_add(history, step_json(&i->history[k]));
	json_object_object_add(o, "history", history);
}

/* --- which flows --- */

struct filter {
	struct match match;
	int state, reason; /* -1 = any */
	bool ufid_set;
	struct ufid ufid;
	char device[64], port[64];
	double pps;
};

static int find_name(const char *value, const char *const names[], int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], value))
			return i;
	return -1;
}

static int filter_state(struct filter *f, const char *value, struct error *err)
{
	f->state = find_name(value, offload_state_name, OFFLOAD_N_STATES);
	return f->state < 0 ? error_set(err, EINVAL, "state", "no state \"%.40s\"", value) : 0;
}

static int filter_reason(struct filter *f, const char *value, struct error *err)
{
	for (int i = 0; i < OFFLOAD_N_REASONS; i++)
		if (!strcmp(offload_reason_table[i].name, value)) {
			f->reason = i;
			return 0;
		}
	return error_set(err, EINVAL, "reason", "no reason \"%.40s\"", value);
}

static int filter_device(struct filter *f, const char *value, struct error *err)
{
	(void)err;
	(void)snprintf(f->device, sizeof(f->device), "%s", value);
	return 0;
}

static int filter_port(struct filter *f, const char *value, struct error *err)
{
	(void)err;
	(void)snprintf(f->port, sizeof(f->port), "%s", value);
	return 0;
}

static int filter_ufid(struct filter *f, const char *value, struct error *err)
{
	if (!offload_ufid_parse(value, &f->ufid))
		return error_set(err, EINVAL, "ufid", "\"%.40s\" is not a ufid", value);
	f->ufid_set = true;
	return 0;
}

static int filter_pps(struct filter *f, const char *value, struct error *err)
{
	char *end;

	f->pps = strtod(value, &end);
	if (end == value || *end || !(f->pps >= 0))
		return error_set(err, EINVAL, "pps", "\"%.40s\" is not a rate", value);
	return 0;
}

static const struct {
	const char *key;
	int (*fn)(struct filter *f, const char *value, struct error *err);
} filter_words[] = {
	{ "state", filter_state }, { "reason", filter_reason }, { "device", filter_device },
	{ "port", filter_port },   { "ufid", filter_ufid },     { "pps", filter_pps },
};

static int filter_word(void *aux, const char *key, const char *value, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(filter_words); i++)
		if (!strcmp(filter_words[i].key, key))
			return filter_words[i].fn(aux, value ? value : "", err);
	return error_set(err, EINVAL, NULL, "\"%.40s\" is neither a field nor a word of a filter",
			 key);
}

static int filter_parse(struct filter *f, const char *text, struct error *err)
{
	memset(f, 0, sizeof(*f));
	f->state = f->reason = -1;
	match_init_catchall(&f->match);
	if (!text || !*text)
		return 0;
	return match_parse(&f->match, text, filter_word, f, err);
}

static bool filter_takes(const struct filter *f, const struct engine_flow_info *i,
			 const struct explain_names *names)
{
	const char *port = explain_port_name(names, flow_in_dp(&i->key).v);
	struct match m;

	if ((f->state >= 0 && (int)i->state != f->state) ||
	    (f->reason >= 0 && (int)i->why.reason != f->reason) || i->rate_pps < f->pps ||
	    (*f->device && strcmp(f->device, i->device)) ||
	    (*f->port && (!port || strcmp(f->port, port))) ||
	    (f->ufid_set && (f->ufid.u[0] != i->ufid.u[0] || f->ufid.u[1] != i->ufid.u[1])))
		return false;
	match_init(&m, &i->key, &i->mask);
	return match_overlaps(&m, &f->match);
}

/* --- lists of flows --- */

struct row {
	double pps;
	struct json_object *o; /* owned */
};

struct list {
	const struct filter *filter;
	struct explain_names names;
	bool story;
	size_t n, cap, max; /* max 0 = any number */
	struct row *rows;
};

static bool visit(const struct engine_flow_info *i, void *aux)
{
	struct list *l = aux;
	struct row *r;

	if (!filter_takes(l->filter, i, &l->names))
		return true;
	if (l->n == l->cap)
		l->rows = xgrow(l->rows, &l->cap, l->n + 1, sizeof(*l->rows));
	r = &l->rows[l->n++];
	r->pps = i->rate_pps;
	r->o = explain_flow(i, &l->names);
	if (l->story)
		add_story(r->o, i);
	return !l->max || l->n < l->max;
}

static int busiest_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->pps < y->pps) - (x->pps > y->pps);
}

static struct json_object *list_take(struct list *l, size_t max)
{
	struct json_object *array = json_object_new_array();

	if (l->n)
		qsort(l->rows, l->n, sizeof(*l->rows), busiest_first);
	for (size_t i = 0; i < l->n; i++) {
		if (i < max)
			json_object_array_add(array, l->rows[i].o);
		else
			json_object_put(l->rows[i].o);
	}
	free(l->rows);
	free(l->names.p);
	return array;
}

struct json_object *explain_flows(struct engine *e, const char *filter, struct error *err)
{
	struct filter f;
	struct list l = { .filter = &f };

	if (filter_parse(&f, filter, err))
		return NULL;
	l.names.p = explain_ports(e, &l.names.n);
	engine_visit(e, visit, &l);
	return list_take(&l, SIZE_MAX);
}

struct json_object *explain_why(struct engine *e, const char *what, struct error *err)
{
	struct filter f;
	struct list l = { .filter = &f, .story = true, .max = EXPLAIN_WHY_MAX };
	bool named;
	struct ufid u;

	named = offload_ufid_parse(what, &u);
	if (filter_parse(&f, named ? NULL : what, err))
		return NULL;
	f.ufid_set = f.ufid_set || named;
	if (named)
		f.ufid = u;
	l.names.p = explain_ports(e, &l.names.n);
	if (f.ufid_set) {
		struct engine_flow_info *i = xmalloc(sizeof(*i));

		if (!engine_flow_info(e, f.ufid, i)) {
			(void)visit(i, &l); /* there is no next one to go on to */
			engine_flow_info_done(i);
		}
		free(i);
	} else {
		engine_visit(e, visit, &l);
	}
	if (l.n)
		return list_take(&l, EXPLAIN_WHY_MAX);
	json_object_put(list_take(&l, 0));
	(void)error_set(err, ENOENT, NULL,
			f.ufid_set ? "no such flow: \"%.80s\"" : "no flow now matches \"%.80s\"",
			what);
	return NULL;
}
