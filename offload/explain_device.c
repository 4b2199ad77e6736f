/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, ports and the whole: explain_status() and explain_caps(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/explain_priv.h"

static struct engine_device_info *devices(struct engine *e, size_t *n)
{
	size_t max = engine_devices(e, NULL, 0) + 4;
	struct engine_device_info *d = xcalloc(max, sizeof(*d));

	*n = MIN(engine_devices(e, d, max), max);
	return d;
}

static void add_share(struct json_object *o, const char *key, const uint64_t by_tier[],
		      uint64_t upcalls)
{
	uint64_t all = upcalls;

	for (unsigned t = 0; t < LEDGER_N_TIERS; t++)
		all += by_tier[t];
	json_object_object_add(
		o, key,
		json_object_new_double(all ? (double)by_tier[LEDGER_HARDWARE] / (double)all : 0));
}

static void add_tier(struct json_object *tiers, const char *name, uint64_t flows, uint64_t packets,
		     uint64_t bytes)
{
	struct json_object *one = json_object_new_object();

	explain_str(one, "tier", name);
	explain_int(one, "flows", flows);
	explain_int(one, "packets", packets);
	explain_int(one, "bytes", bytes);
	json_object_array_add(tiers, one);
}

static void add_totals(struct json_object *o, const struct engine_totals *t,
		       const struct flow_stats *upcalls)
{
	struct json_object *tiers = json_object_new_array(), *share = json_object_new_object();

	for (unsigned i = 0; i < LEDGER_N_TIERS; i++)
		add_tier(tiers, ledger_tier_name[i], t->flows[i], t->packets[i], t->bytes[i]);
	add_tier(tiers, "upcall", 0, upcalls->packets, upcalls->bytes);
	add_share(share, "packets", t->packets, upcalls->packets);
	add_share(share, "bytes", t->bytes, upcalls->bytes);
	json_object_object_add(o, "tiers", tiers);
	json_object_object_add(o, "hardware_share", share);
}

/* --- what keeps flows out, everywhere --- */

struct ranked {
	const struct engine_reason_cost *c;
	unsigned reason;
};

/* By what they carry now; where nothing comes now, by what came. */
static int costliest_now(const void *a, const void *b)
{
	const struct engine_reason_cost *x = ((const struct ranked *)a)->c;
	const struct engine_reason_cost *y = ((const struct ranked *)b)->c;

	if (x->pps != y->pps)
		return x->pps < y->pps ? 1 : -1;
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return (x->flows < y->flows) - (x->flows > y->flows);
}

static void add_ranking(struct json_object *o, struct engine *e)
{
	struct engine_reason_cost cost[OFFLOAD_N_REASONS];
	struct json_object *array = json_object_new_array();
	struct ranked v[OFFLOAD_N_REASONS];

	engine_reasons(e, cost);
	for (unsigned i = 0; i < OFFLOAD_N_REASONS; i++)
		v[i] = (struct ranked){ &cost[i], i };
	qsort(v, OFFLOAD_N_REASONS, sizeof(v[0]), costliest_now);
	for (unsigned i = 0; i < OFFLOAD_N_REASONS; i++) {
		const struct offload_reason_info *r = &offload_reason_table[v[i].reason];
		struct json_object *one;

		if (!v[i].c->flows || r->reason == OFFLOAD_OK)
			continue;
		one = json_object_new_object();
		explain_str(one, "reason", r->name);
		explain_str(one, "text", r->text);
		explain_str(one, "advice", r->advice);
		explain_int(one, "flows", v[i].c->flows);
		json_object_object_add(one, "pps", json_object_new_double(v[i].c->pps));
		json_object_object_add(one, "bps", json_object_new_double(v[i].c->bps));
		explain_int(one, "packets", v[i].c->packets);
		explain_int(one, "bytes", v[i].c->bytes);
		json_object_array_add(array, one);
	}
	json_object_object_add(o, "reasons", array);
}

/* --- faults --- */

void explain_fault(struct json_object *o, const struct engine_fault *f)
{
	char ufid[UFID_TEXT_LEN + 1];
	struct str s = STR_INIT;

	explain_str(o, "ufid", offload_ufid_print(f->ufid, ufid));
	explain_str(o, "device", f->device);
	explain_time(o, "since", f->since_ns);
	explain_time(o, "last", f->last_ns);
	if (f->ended_ns) {
		explain_time(o, "ended", f->ended_ns);
		json_object_object_add(o, "healed", json_object_new_boolean(f->healed));
	}
	explain_int(o, "times", f->times);
	explain_int(o, "window_ms", f->window_ms);
	explain_int(o, "hw_packets", f->hw_packets);
	explain_int(o, "sw_packets", f->sw_packets);
	str_printf(
		&s,
		"in hardware, never hit: the device's counter stood at %llu packets for %.1f s, in "
		"which software counted %llu",
		(unsigned long long)f->hw_packets, (double)f->window_ms / 1000,
		(unsigned long long)f->sw_packets);
	explain_str(o, "text", str_cstr(&s));
	str_done(&s);
}

static void add_faults(struct json_object *o, struct engine *e)
{
	struct engine_fault *f = xcalloc(ENGINE_FAULTS, sizeof(*f));
	size_t n = MIN(engine_faults(e, f, ENGINE_FAULTS), (size_t)ENGINE_FAULTS);
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_new_object();

		explain_fault(one, &f[i]);
		json_object_array_add(array, one);
	}
	json_object_object_add(o, "faults", array);
	free(f);
}

/* --- a device --- */

static void add_queue(struct json_object *o, const struct engine_device_info *d)
{
	struct json_object *q = json_object_new_object();

	explain_int(q, "depth", d->queue_depth);
	explain_int(q, "oldest_ms", d->queue_oldest_ns / NSEC_PER_MSEC);
	explain_int(q, "shed", d->queue_shed);
	json_object_object_add(o, "queue", q);
}

static void add_audit(struct json_object *o, const struct engine_device_info *d)
{
	struct json_object *a = json_object_new_object();

	explain_int(a, "runs", d->audit_runs);
	explain_int(a, "missing", d->audit_missing);
	explain_int(a, "orphaned", d->audit_orphaned);
	explain_int(a, "altered", d->audit_altered);
	explain_int(a, "mute", d->audit_mute);
	explain_int(a, "ran_back", d->readings_back);
	json_object_object_add(o, "audit", a);
}

static void add_events(struct json_object *o, const struct engine_device_info *d)
{
	struct json_object *ev = json_object_new_object();

	for (unsigned i = 0; i < OFFLOAD_N_EVENTS; i++)
		explain_int(ev, offload_event_name[i], d->events[i]);
	json_object_object_add(o, "events", ev);
}

static void add_latency(struct json_object *o, const struct engine_device_info *d)
{
	struct json_object *l = json_object_new_object(), *buckets = json_object_new_array();
	uint64_t le_us = 1;

	for (unsigned i = 0; i < ENGINE_LATENCY_BUCKETS; i++, le_us *= 4) {
		struct json_object *one = json_object_new_object();

		explain_int(one, "le_us", le_us);
		explain_int(one, "count", d->latency[i]);
		json_object_array_add(buckets, one);
	}
	json_object_object_add(l, "buckets", buckets);
	explain_int(l, "sum_us", d->latency_sum_ns / NSEC_PER_USEC);
	json_object_object_add(o, "latency", l);
}

struct cost {
	double pps;
	uint64_t packets, flows;
	unsigned reason;
};

static int costliest_first(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	if (x->pps != y->pps)
		return x->pps < y->pps ? 1 : -1;
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return (x->flows < y->flows) - (x->flows > y->flows);
}

static void add_reasons(struct json_object *o, const struct engine_device_info *d)
{
	struct json_object *array = json_object_new_array();
	struct cost c[OFFLOAD_N_REASONS];

	for (unsigned i = 0; i < OFFLOAD_N_REASONS; i++)
		c[i] = (struct cost){ d->pps_by_reason[i], d->packets_by_reason[i],
				      d->flows_by_reason[i], i };
	qsort(c, OFFLOAD_N_REASONS, sizeof(c[0]), costliest_first);
	for (unsigned i = 0; i < OFFLOAD_N_REASONS; i++) {
		unsigned r = c[i].reason;
		struct json_object *one;

		if (r == OFFLOAD_OK || (!d->flows_by_reason[r] && !d->refusals[r]))
			continue;
		one = json_object_new_object();
		explain_str(one, "reason", offload_reason_table[r].name);
		explain_str(one, "text", offload_reason_table[r].text);
		explain_str(one, "advice", offload_reason_table[r].advice);
		explain_int(one, "flows", d->flows_by_reason[r]);
		json_object_object_add(one, "pps", json_object_new_double(d->pps_by_reason[r]));
		explain_int(one, "packets", d->packets_by_reason[r]);
		explain_int(one, "bytes", d->bytes_by_reason[r]);
		explain_int(one, "events", d->refusals[r]);
		json_object_array_add(array, one);
	}
	json_object_object_add(o, "reasons", array);
}

static struct json_object *device_json(const struct engine_device_info *d)
{
	struct json_object *o = json_object_new_object(), *flows = json_object_new_object();

	explain_str(o, "name", d->name);
	explain_str(o, "provider", d->provider);
	explain_int(o, "entries", d->usage.entries);
	explain_int(o, "capacity", d->usage.capacity ? d->usage.capacity : d->caps.capacity);
	if (d->limited)
		explain_int(o, "allowed", d->allowed);
	for (unsigned i = 0; i < OFFLOAD_N_STATES; i++)
		explain_int(flows, offload_state_name[i], d->flows[i]);
	json_object_object_add(o, "flows", flows);
	add_queue(o, d);
	explain_int(o, "installs", d->installs);
	explain_int(o, "replaces", d->replaces);
	explain_int(o, "removes", d->removes);
	explain_int(o, "failures", d->failures);
	explain_int(o, "evictions", d->evictions);
	explain_int(o, "exchanges", d->exchanges);
	explain_int(o, "churn_limited", d->churn_limited);
	explain_int(o, "churn_bound", d->churn_bound);
	explain_int(o, "decisions", d->ticks);
	explain_int(o, "decision_us", d->ticks ? d->tick_ns / d->ticks / NSEC_PER_USEC : 0);
	explain_int(o, "decision_max_us", d->tick_max_ns / NSEC_PER_USEC);
	explain_int(o, "repairs", d->repairs);
	explain_int(o, "resets", d->resets);
	explain_int(o, "hangs", d->hangs);
	json_object_object_add(o, "hung", json_object_new_boolean(d->hung));
	if (*d->caps.lacking)
		explain_str(o, "lacking", d->caps.lacking);
	explain_int(o, "learned_shapes", d->learned_shapes);
	add_audit(o, d);
	add_events(o, d);
	add_latency(o, d);
	add_reasons(o, d);
	return o;
}

/* --- ports --- */

static void add_by_tier(struct json_object *o, const char *key, const uint64_t n[])
{
	struct json_object *by = json_object_new_object();

	for (unsigned t = 0; t < LEDGER_N_TIERS; t++)
		explain_int(by, ledger_tier_name[t], n[t]);
	json_object_object_add(o, key, by);
}

static struct json_object *port_json(const struct engine_port_info *p)
{
	struct json_object *o = json_object_new_object();

	explain_int(o, "port", p->no.v);
	explain_str(o, "name", p->name);
	explain_str(o, "device", p->device);
	json_object_object_add(o, "enabled", json_object_new_boolean(p->enabled));
	explain_int(o, "flows", p->flows);
	explain_int(o, "flows_hardware", p->flows_hw);
	explain_int(o, "flows_tc", p->flows_tc);
	add_by_tier(o, "packets", p->packets);
	add_by_tier(o, "bytes", p->bytes);
	return o;
}

/* As people number ports: eth2 in front of eth10. */
static int by_name(const void *a, const void *b)
{
	const struct engine_port_info *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

struct json_object *explain_status(struct engine *e, const struct flow_stats *upcalls)
{
	struct json_object *o = json_object_new_object(), *list;
	struct engine_device_info *d;
	struct engine_port_info *p;
	struct engine_totals totals;
	size_t n;

	engine_totals(e, &totals);
	add_totals(o, &totals, upcalls);
	add_ranking(o, e);
	add_faults(o, e);
	d = devices(e, &n);
	list = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, device_json(&d[i]));
	json_object_object_add(o, "devices", list);
	free(d);
	p = explain_ports(e, &n);
	if (n)
		qsort(p, n, sizeof(*p), by_name);
	list = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, port_json(&p[i]));
	json_object_object_add(o, "ports", list);
	free(p);
	return o;
}

/* --- capabilities --- */

static struct json_object *fields_json(const struct offload_caps *c)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		struct json_object *one;

		if (!offload_caps_has(c->fields, i))
			continue;
		one = json_object_new_object();
		explain_str(one, "field", field_table[i].name);
		explain_str(one, "match",
			    offload_caps_has(c->fields_masked, i)   ? "masked"
			    : offload_caps_has(c->fields_prefix, i) ? "prefix"
								    : "exact");
		json_object_array_add(array, one);
	}
	return array;
}

static struct json_object *caps_json(const struct engine_device_info *d)
{
	struct json_object *o = json_object_new_object();
	struct json_object *set = json_object_new_array(), *acts = json_object_new_array();
	const struct offload_caps *c = &d->caps;

	explain_str(o, "name", d->name);
	explain_str(o, "provider", d->provider);
	json_object_object_add(o, "fields", fields_json(c));
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		if (offload_caps_has(c->fields_set, i))
			json_object_array_add(set, json_object_new_string(field_table[i].name));
	json_object_object_add(o, "set_fields", set);
	for (unsigned i = 0; i < DP_ACT_N_KINDS; i++)
		if (c->actions >> i & 1)
			json_object_array_add(acts,
					      json_object_new_string(dp_action_table[i].name));
	json_object_object_add(o, "actions", acts);
	explain_int(o, "max_outputs", c->max_outputs);
	explain_int(o, "max_actions", c->max_actions);
	explain_int(o, "capacity", c->capacity);
	explain_int(o, "counter_lag_ms", c->counter_lag_ms);
	json_object_object_add(o, "software", json_object_new_boolean(c->software));
	explain_int(o, "generation", c->generation);
	return o;
}

struct json_object *explain_caps(struct engine *e, const char *device, struct error *err)
{
	struct engine_device_info *d;
	struct json_object *o = NULL;
	size_t n;

	d = devices(e, &n);
	for (size_t i = 0; i < n && !o; i++)
		if (!strcmp(d[i].name, device))
			o = caps_json(&d[i]);
	free(d);
	if (!o)
		(void)error_set(err, ENODEV, NULL, "no offload device \"%.60s\"", device);
	return o;
}
