/* SPDX-License-Identifier: Apache-2.0 */
/* One look of a live view: explain_top(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "offload/explain_priv.h"
#include "offload/live.h"

struct top {
	struct explain_names names;
	struct json_object *flows; /* borrowed */
};

static bool add_flow(const struct engine_flow_info *i, void *aux)
{
	struct top *t = aux;

	json_object_array_add(t->flows, explain_flow(i, &t->names));
	return true;
}

static struct json_object *moves_json(const struct live_look *look)
{
	struct json_object *o = json_object_new_object();

	for (unsigned k = 0; k < LIVE_N_KINDS; k++)
		explain_int(o, live_kind_name[k], look->moves[k]);
	return o;
}

static struct json_object *move_json(struct engine *e, const struct live_move *m, struct top *t)
{
	struct json_object *o = json_object_new_object();
	const char *port = explain_port_name(&t->names, m->port.v);
	struct engine_flow_info *info = xmalloc(sizeof(*info));
	char ufid[UFID_TEXT_LEN + 1];
	struct str s = STR_INIT;

	explain_time(o, "at", m->why.at_ns);
	explain_str(o, "move", live_kind_name[m->kind]);
	explain_str(o, "from", offload_state_name[m->from]);
	explain_str(o, "to", offload_state_name[m->to]);
	explain_str(o, "reason", offload_reason_table[m->why.reason].name);
	if (m->why.reason != OFFLOAD_OK)
		offload_refusal_format(&m->why, &s);
	explain_str(o, "why", str_cstr(&s));
	str_clear(&s);
	explain_str(o, "port", port ? port : "");
	explain_str(o, "ufid", offload_ufid_print(m->ufid, ufid));
	if (!engine_flow_info(e, m->ufid, info)) {
		explain_match(info, &t->names, &s);
		engine_flow_info_done(info);
	}
	explain_str(o, "match", str_cstr(&s)); /* "": it has gone since */
	str_done(&s);
	free(info);
	return o;
}

/* What keeps traffic out now, the costliest first. */
struct cost {
	double pps;
	uint64_t flows;
	unsigned reason;
};

static int costliest_first(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	if (x->pps != y->pps)
		return x->pps < y->pps ? 1 : -1;
	return (x->flows < y->flows) - (x->flows > y->flows);
}

static struct json_object *kept_out_json(const struct live_look *look)
{
	struct json_object *array = json_object_new_array();
	struct cost c[OFFLOAD_N_REASONS];

	for (unsigned i = 0; i < OFFLOAD_N_REASONS; i++)
		c[i] = (struct cost){ look->out[i].pps, look->out[i].flows, i };
	qsort(c, OFFLOAD_N_REASONS, sizeof(c[0]), costliest_first);
	for (unsigned i = 0; i < OFFLOAD_N_REASONS; i++) {
		struct json_object *o;

		if (!c[i].flows)
			continue;
		o = json_object_new_object();
		explain_str(o, "reason", offload_reason_table[c[i].reason].name);
		explain_str(o, "text", offload_reason_table[c[i].reason].text);
		explain_int(o, "flows", c[i].flows);
		json_object_object_add(o, "pps", json_object_new_double(c[i].pps));
		json_object_array_add(array, o);
	}
	return array;
}

static int order_of(const char *name, struct error *err)
{
	for (int i = 0; i < LIVE_N_ORDERS; i++)
		if (!strcmp(name, live_order_name[i]))
			return i;
	return error_set(err, EINVAL, "order", "\"%.40s\" is none of rate, packets and newest",
			 name);
}

struct json_object *explain_top(struct engine *e, const struct flow_stats *upcalls, unsigned n,
				const char *order, struct error *err)
{
	int by = order_of(order, err);
	struct json_object *o, *latest;
	struct live_look *look;
	struct top t;

	if (by < 0)
		return NULL;
	look = xmalloc(sizeof(*look));
	explain_names_init(&t.names, e);
	t.flows = json_object_new_array();
	engine_live(e, (enum live_order)by, n, look, add_flow, &t);
	o = explain_status(e, upcalls);
	json_object_object_add(o, "kept_out", kept_out_json(look));
	json_object_object_add(o, "moves", moves_json(look));
	latest = json_object_new_array();
	for (unsigned i = 0; i < MIN(look->n_latest, n); i++)
		json_object_array_add(latest, move_json(e, &look->latest[i], &t));
	json_object_object_add(o, "latest_moves", latest);
	json_object_object_add(o, "flows", t.flows);
	explain_names_done(&t.names);
	free(look);
	return o;
}
