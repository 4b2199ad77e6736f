/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of hardware offload: tiers, devices, what keeps flows out, ports. */
#include <inttypes.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/table.h"
#include "tools/units.h"

#define BAR_CELLS 20
#define DEVICE_LABEL 10
#define ENDED_SHOWN 3
#define SLOW_MS 1000 /* a request that waits longer than this is worth a look */

enum view_tone layout_state_tone(const char *state)
{
	static const struct {
		const char *state;
		enum view_tone tone;
	} tones[] = {
		{ "hardware", TONE_GOOD }, { "refused", TONE_WARN },   { "lost", TONE_BAD },
		{ "queued", TONE_DIM },    { "installing", TONE_DIM }, { "evicting", TONE_WARN },
		{ "removing", TONE_DIM },  { "tc", TONE_WARN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tones); i++)
		if (!strcmp(state, tones[i].state))
			return tones[i].tone;
	return TONE_PLAIN;
}

void layout_states(struct json_object *by_state, struct str *s, struct error *err)
{
	bool any = false;

	if (!by_state)
		return;
	json_object_object_foreach(by_state, state, value)
	{
		uint64_t n = jread_u64(by_state, state, err);

		(void)value;
		if (!n)
			continue;
		str_printf(s, "%s%s %s", any ? ", " : "", units_count(n).s, state);
		any = true;
	}
	if (!any)
		str_puts(s, "none");
}

/* --- tiers --- */

struct sums {
	uint64_t flows, packets, bytes;
};

static struct sums sum_tiers(struct json_object *tiers, struct error *err)
{
	struct sums sum = { 0, 0, 0 };

	for (size_t i = 0; i < jread_len(tiers); i++) {
		struct json_object *t = jread_at(tiers, i, err);

		sum.flows += jread_u64(t, "flows", err);
		sum.packets += jread_u64(t, "packets", err);
		sum.bytes += jread_u64(t, "bytes", err);
	}
	return sum;
}

static void show_tiers(struct view *v, struct json_object *tiers, struct error *err)
{
	static const struct table_column columns[] = {
		{ "SWITCHED BY" },
		{ "FLOWS", .right = true },
		{ "PACKETS", .right = true },
		{ "SHARE", .right = true },
		{ "" },
		{ "BYTES", .right = true },
		{ "SHARE", .right = true },
	};
	struct sums sum = sum_tiers(tiers, err);
	struct str bar = STR_INIT;
	struct table t;

	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < jread_len(tiers); i++) {
		struct json_object *o = jread_at(tiers, i, err);
		uint64_t flows = jread_u64(o, "flows", err), packets = jread_u64(o, "packets", err);
		uint64_t bytes = jread_u64(o, "bytes", err);
		const char *tier = jread_str(o, "tier", err);
		enum view_tone tone = flows || packets ? layout_state_tone(tier) : TONE_DIM;

		str_clear(&bar);
		view_bar(v, &bar, packets, sum.packets, BAR_CELLS);
		table_cell(&t, tone, "%s", tier);
		table_cell(&t, TONE_PLAIN, "%s", units_count(flows).s);
		table_cell(&t, TONE_PLAIN, "%s", units_count(packets).s);
		table_cell(&t, TONE_PLAIN, "%s", units_percent(packets, sum.packets).s);
		table_cell(&t, tone, "%s", str_cstr(&bar));
		table_cell(&t, TONE_PLAIN, "%s", units_bytes(bytes).s);
		table_cell(&t, TONE_PLAIN, "%s", units_percent(bytes, sum.bytes).s);
	}
	table_print(&t, v);
	table_done(&t);
	str_done(&bar);
}

/* --- what keeps flows out, everywhere --- */

static double sum_rates(struct json_object *reasons, struct error *err)
{
	double sum = 0;

	for (size_t i = 0; i < jread_len(reasons); i++)
		sum += jread_f64(jread_at(reasons, i, err), "pps", err);
	return sum;
}

static void ranking_row(struct table *t, struct json_object *r, double all, struct error *err)
{
	double pps = jread_f64(r, "pps", err);

	table_cell(t, TONE_WARN, "%s", jread_str(r, "reason", err));
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(r, "flows", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_rate(pps).s);
	table_cell(
		t, TONE_PLAIN, "%s",
		units_percent((uint64_t)(MIN(pps, 1e15) * 1000), (uint64_t)(MIN(all, 1e15) * 1000))
			.s);
	table_cell(t, TONE_PLAIN, "%s", units_bits(jread_f64(r, "bps", err) * 8).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(r, "packets", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_bytes(jread_u64(r, "bytes", err)).s);
	table_cell(t, TONE_DIM, "%s", jread_str(r, "text", err));
}

/* Reasons of all devices, and of flows that belong to none, by the traffic that they cost. */
static void show_ranking(struct view *v, struct json_object *reasons, struct error *err)
{
	static const struct table_column columns[] = {
		{ "WHY OUTSIDE HARDWARE" }, { "FLOWS", .right = true },
		{ "NOW", .right = true },   { "SHARE", .right = true },
		{ "", .right = true },      { "PACKETS", .right = true },
		{ "BYTES", .right = true }, { "", .min_view = 120, .flexible = true },
	};
	double all = sum_rates(reasons, err);
	struct table t;

	if (!jread_len(reasons))
		return;
	view_nl(v);
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < jread_len(reasons); i++)
		ranking_row(&t, jread_at(reasons, i, err), all, err);
	table_print(&t, v);
	table_done(&t);
}

/* --- faults --- */

static void show_fault(struct view *v, struct json_object *f, struct error *err)
{
	const char *ended = jread_opt_str(f, "ended", err);
	uint64_t times = jread_u64(f, "times", err);

	view_pad(v, v->indent);
	view_puts(v, ended ? TONE_DIM : TONE_BAD, ended ? "fault, ended" : "FAULT");
	view_printf(v, TONE_PLAIN, "  flow %s", jread_str(f, "ufid", err));
	view_nl(v);
	view_fieldf(v, "", TONE_PLAIN, "%s: %s", jread_str(f, "device", err),
		    jread_str(f, "text", err));
	if (ended)
		view_fieldf(v, "", TONE_DIM, "since %s, found %s time%s, %s %s",
			    jread_str(f, "since", err), units_count(times).s, units_s(times),
			    jread_bool(f, "healed", err) ? "hit again at" : "gone at", ended);
	else
		view_fieldf(v, "", TONE_DIM, "since %s, found %s time%s",
			    jread_str(f, "since", err), units_count(times).s, units_s(times));
}

/* All that are open, and the last few that are not. */
static void show_faults(struct view *v, struct json_object *faults, struct error *err)
{
	unsigned ended = 0;

	v->label_width = 3;
	for (size_t i = 0; i < jread_len(faults); i++) {
		struct json_object *f = jread_at(faults, i, err);

		if (jread_has(f, "ended") && ended++ >= ENDED_SHOWN)
			continue;
		view_nl(v);
		show_fault(v, f, err);
	}
	v->label_width = DEVICE_LABEL;
}

/* --- a device --- */

static void show_entries(struct view *v, struct json_object *d, struct error *err)
{
	uint64_t used = jread_u64(d, "entries", err), capacity = jread_u64(d, "capacity", err);
	struct str s = STR_INIT;

	if (capacity) {
		view_bar(v, &s, used, capacity, BAR_CELLS);
		str_printf(&s, "  %s of %s (%s)", units_count(used).s, units_count(capacity).s,
			   units_percent(used, capacity).s);
	} else {
		str_printf(&s, "%s; the device does not say how many it has", units_count(used).s);
	}
	if (jread_has(d, "allowed"))
		str_printf(&s, "; limits allow %s", units_count(jread_u64(d, "allowed", err)).s);
	view_field(v, "entries",
		   capacity && used >= capacity - capacity / 10 ? TONE_WARN : TONE_PLAIN,
		   str_cstr(&s));
	str_done(&s);
}

static void show_queue(struct view *v, struct json_object *d, struct error *err)
{
	struct json_object *q = jread_obj(d, "queue", err);
	uint64_t oldest = jread_u64(q, "oldest_ms", err), shed = jread_u64(q, "shed", err);
	uint64_t depth = jread_u64(q, "depth", err);
	struct str s = STR_INIT;

	if (depth)
		str_printf(&s, "%s waiting, the oldest for %s", units_count(depth).s,
			   units_ms(oldest).s);
	else
		str_puts(&s, "empty");
	if (shed)
		str_printf(&s, "; %s given up because it was full", units_count(shed).s);
	view_field(v, "queue", shed || oldest > SLOW_MS ? TONE_WARN : TONE_PLAIN, str_cstr(&s));
	str_done(&s);
}

/* "3 installs, 1 failure" of those that are not 0. */
static void counts(struct json_object *o, const char *const names[][2], size_t n, struct str *s,
		   struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t x = jread_u64(o, names[i][0], err);

		if (!x)
			continue;
		str_printf(s, "%s%s %s", any ? ", " : "", units_count(x).s, names[i][1]);
		any = true;
	}
	if (!any)
		str_puts(s, "none");
}

static void show_requests(struct view *v, struct json_object *d, struct error *err)
{
	static const char *const done[][2] = {
		{ "installs", "installed" }, { "replaces", "replaced" }, { "removes", "removed" },
		{ "evictions", "evicted" },  { "repairs", "repaired" },  { "failures", "failed" },
	};
	struct str s = STR_INIT;

	counts(d, done, ARRAY_SIZE(done), &s, err);
	view_field(v, "rules", TONE_PLAIN, str_cstr(&s));
	str_done(&s);
}

/* Below which bound do `share` of all requests lie?  0: the last bucket, which has none. */
static uint64_t bound_of(struct json_object *buckets, uint64_t all, double share, struct error *err)
{
	uint64_t seen = 0;

	for (size_t i = 0; i + 1 < jread_len(buckets); i++) {
		struct json_object *b = jread_at(buckets, i, err);

		seen += jread_u64(b, "count", err);
		if ((double)seen >= share * (double)all)
			return jread_u64(b, "le_us", err);
	}
	return 0;
}

static void put_bound(struct str *s, const char *what, uint64_t us)
{
	if (us)
		str_printf(s, ", %s within %s", what, units_us(us).s);
	else
		str_printf(s, ", %s beyond what is measured", what);
}

static void show_latency(struct view *v, struct json_object *d, struct error *err)
{
	struct json_object *l = jread_obj(d, "latency", err);
	struct json_object *buckets = jread_array(l, "buckets", err);
	uint64_t all = 0, sum_us = jread_u64(l, "sum_us", err);
	struct str s = STR_INIT;

	for (size_t i = 0; i < jread_len(buckets); i++)
		all += jread_u64(jread_at(buckets, i, err), "count", err);
	if (!all)
		return;
	str_printf(&s, "%s on average", units_us(sum_us / all).s);
	put_bound(&s, "half", bound_of(buckets, all, 0.5, err));
	put_bound(&s, "99%", bound_of(buckets, all, 0.99, err));
	view_field(v, "latency", TONE_PLAIN, str_cstr(&s));
	str_done(&s);
}

static void show_hangs(struct view *v, struct json_object *d, struct error *err)
{
	uint64_t hangs = jread_has(d, "hangs") ? jread_u64(d, "hangs", err) : 0;

	if (hangs)
		view_fieldf(v, "hangs", TONE_BAD, "%s time%s it did not come back from a call%s",
			    units_count(hangs).s, units_s(hangs),
			    jread_bool(d, "hung", err) ? ", and is in one now: cut off" : "");
}

static void show_lacking(struct view *v, struct json_object *d, struct error *err)
{
	if (jread_has(d, "lacking"))
		view_field(v, "kernel", TONE_BAD, jread_str(d, "lacking", err));
}

static void show_audit(struct view *v, struct json_object *d, struct error *err)
{
	static const char *const findings[][2] = {
		{ "missing", "missing" },
		{ "orphaned", "that nobody owns" },
		{ "altered", "altered" },
		{ "mute", "never hit though their traffic comes" },
		{ "ran_back", "counters that ran back" },
	};
	struct json_object *a = jread_obj(d, "audit", err);
	uint64_t runs = jread_u64(a, "runs", err), resets = jread_u64(d, "resets", err);
	struct str s = STR_INIT;
	bool clean;

	counts(a, findings, ARRAY_SIZE(findings), &s, err);
	clean = !strcmp(str_cstr(&s), "none");
	if (runs || !clean)
		view_fieldf(v, "audit", clean ? TONE_PLAIN : TONE_BAD, "%s run%s; found: %s",
			    units_count(runs).s, units_s(runs), str_cstr(&s));
	else
		view_field(v, "audit", TONE_DIM, "has not run yet");
	if (resets)
		view_fieldf(v, "resets", TONE_BAD, "%s; each time all rules were lost",
			    units_count(resets).s);
	show_hangs(v, d, err);
	show_lacking(v, d, err);
	str_done(&s);
}

static void show_reason(struct view *v, struct json_object *r, struct error *err)
{
	uint64_t flows = jread_u64(r, "flows", err), events = jread_u64(r, "events", err);
	uint64_t packets = jread_u64(r, "packets", err);

	v->indent = 4;
	v->label_width = 3;
	view_pad(v, v->indent);
	view_puts(v, TONE_WARN, jread_str(r, "reason", err));
	view_printf(v, TONE_PLAIN, "  %s flow%s, %s packet%s, %s", units_count(flows).s,
		    units_s(flows), units_count(packets).s, units_s(packets),
		    units_bytes(jread_u64(r, "bytes", err)).s);
	view_printf(v, TONE_DIM, "  (%s time%s so far)", units_count(events).s, units_s(events));
	view_nl(v);
	view_field(v, "", TONE_PLAIN, jread_str(r, "text", err));
	view_field(v, view_glyph(v, GLYPH_ARROW), TONE_PLAIN, jread_str(r, "advice", err));
	v->indent = 2;
	v->label_width = DEVICE_LABEL;
}

/* What keeps flows out now, each with its advice; what did so before in one line. */
static void show_reasons(struct view *v, struct json_object *reasons, struct error *err)
{
	struct str before = STR_INIT;
	bool any = false;

	for (size_t i = 0; i < jread_len(reasons); i++) {
		struct json_object *r = jread_at(reasons, i, err);

		if (jread_u64(r, "flows", err)) {
			if (!any)
				view_note(v, "What keeps flows in software, the costliest first:");
			any = true;
			show_reason(v, r, err);
		} else {
			str_printf(&before, "%s%s %s", before.len ? ", " : "",
				   units_count(jread_u64(r, "events", err)).s,
				   jread_str(r, "reason", err));
		}
	}
	if (before.len)
		view_field(v, "before", TONE_DIM, str_cstr(&before));
	str_done(&before);
}

static void show_device(struct view *v, struct json_object *d, struct error *err)
{
	uint64_t shapes = jread_u64(d, "learned_shapes", err);
	struct str s = STR_INIT;

	view_nl(v);
	view_puts(v, TONE_PLAIN, "Device ");
	view_puts(v, TONE_BOLD, jread_str(d, "name", err));
	view_printf(v, TONE_DIM, "  provider %s", jread_str(d, "provider", err));
	view_nl(v);
	v->indent = 2;
	v->label_width = DEVICE_LABEL;
	show_entries(v, d, err);
	layout_states(jread_obj(d, "flows", err), &s, err);
	view_field(v, "flows", TONE_PLAIN, str_cstr(&s));
	str_done(&s);
	show_queue(v, d, err);
	show_requests(v, d, err);
	show_latency(v, d, err);
	show_audit(v, d, err);
	if (shapes)
		view_fieldf(v, "learned", TONE_PLAIN,
			    "%s shape%s of flow that the driver refuses, not asked again",
			    units_count(shapes).s, units_s(shapes));
	show_reasons(v, jread_array(d, "reasons", err), err);
	v->indent = 0;
}

/* --- ports --- */

/* The sum of {tier: n}, and what of it is hardware's and TC's. */
static uint64_t by_tier(struct json_object *o, uint64_t *hardware, uint64_t *tc, struct error *err)
{
	uint64_t sum = 0;

	*hardware = jread_u64(o, "hardware", err);
	*tc = jread_u64(o, "tc", err);
	if (!o)
		return 0;
	json_object_object_foreach(o, tier, value)
	{
		(void)value;
		sum += jread_u64(o, tier, err);
	}
	return sum;
}

static void port_row(struct table *t, const struct view *v, struct json_object *p,
		     struct error *err)
{
	const char *device = jread_str(p, "device", err);
	bool enabled = jread_bool(p, "enabled", err);
	uint64_t hw, hw_bytes, tc, tc_bytes;
	uint64_t packets = by_tier(jread_obj(p, "packets", err), &hw, &tc, err);
	uint64_t bytes = by_tier(jread_obj(p, "bytes", err), &hw_bytes, &tc_bytes, err);
	struct str bar = STR_INIT;

	if (packets)
		view_bar(v, &bar, hw, packets, BAR_CELLS / 2);
	table_cell(t, TONE_BOLD, "%s", jread_str(p, "name", err));
	table_cell(t, *device && enabled ? TONE_PLAIN : TONE_DIM, "%s%s", *device ? device : "none",
		   enabled ? "" : " (off)");
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(p, "flows", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(jread_u64(p, "flows_hardware", err)).s);
	table_cell(t, TONE_PLAIN, "%s", units_count(packets).s);
	table_cell(t, TONE_PLAIN, "%s", units_bytes(bytes).s);
	table_cell(t, TONE_GOOD, "%s", str_cstr(&bar));
	table_cell(t, TONE_PLAIN, "%s", units_percent(hw, packets).s);
	table_cell(t, TONE_PLAIN, "%s", units_percent(hw_bytes, bytes).s);
	table_cell(t, TONE_PLAIN, "%s", units_percent(tc, packets).s);
	table_cell(t, TONE_PLAIN, "%s", units_percent(tc_bytes, bytes).s);
	table_cell(t, TONE_PLAIN, "%s", units_percent(packets - MIN(hw + tc, packets), packets).s);
	table_cell(t, TONE_PLAIN, "%s",
		   units_percent(bytes - MIN(hw_bytes + tc_bytes, bytes), bytes).s);
	str_done(&bar);
}

static void show_ports(struct view *v, struct json_object *ports, struct error *err)
{
	static const struct table_column columns[] = {
		{ "PORT", .flexible = true },
		{ "DEVICE", .flexible = true },
		{ "FLOWS", .right = true },
		{ "IN HW", .right = true },
		{ "PACKETS", .right = true },
		{ "BYTES", .right = true },
		{ "HW SHARE" },
		{ "", .right = true },
		{ "OF BYTES", .right = true, .min_view = 100 },
		{ "TC", .right = true, .min_view = 140 },
		{ "OF BYTES", .right = true, .min_view = 140 },
		{ "SOFTWARE", .right = true, .min_view = 140 },
		{ "OF BYTES", .right = true, .min_view = 140 },
	};
	struct table t;

	if (!jread_len(ports))
		return;
	view_nl(v);
	table_init(&t, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < jread_len(ports); i++)
		port_row(&t, v, jread_at(ports, i, err), err);
	table_print(&t, v);
	table_done(&t);
}

/* --- all of it --- */

static void show_verdict(struct view *v, struct json_object *dp, struct error *err)
{
	struct json_object *tiers = jread_array(dp, "tiers", err);
	struct sums sum = sum_tiers(tiers, err);
	uint64_t hw = 0, hw_bytes = 0;

	for (size_t i = 0; i < jread_len(tiers); i++) {
		struct json_object *t = jread_at(tiers, i, err);

		if (strcmp(jread_str(t, "tier", err), "hardware") != 0)
			continue;
		hw = jread_u64(t, "packets", err);
		hw_bytes = jread_u64(t, "bytes", err);
	}
	view_puts(v, TONE_PLAIN, "Datapath ");
	view_puts(v, TONE_BOLD, jread_str(dp, "datapath", err));
	if (sum.packets)
		view_printf(v, TONE_PLAIN, "  hardware has switched %s of packets, %s of bytes",
			    units_percent(hw, sum.packets).s, units_percent(hw_bytes, sum.bytes).s);
	else
		view_puts(v, TONE_DIM, "  no packet yet");
	view_nl(v);
}

int layout_status(struct view *v, struct json_object *answer, struct error *err)
{
	struct json_object *dps = jread_array(answer, "datapaths", err);

	for (size_t i = 0; i < jread_len(dps) && !err->code; i++) {
		struct json_object *dp = jread_at(dps, i, err), *devices;

		if (i)
			view_nl(v);
		show_verdict(v, dp, err);
		v->indent = 2;
		show_tiers(v, jread_array(dp, "tiers", err), err);
		show_ranking(v, jread_array(dp, "reasons", err), err);
		show_faults(v, jread_array(dp, "faults", err), err);
		v->indent = 0;
		devices = jread_array(dp, "devices", err);
		for (size_t k = 0; k < jread_len(devices); k++)
			show_device(v, jread_at(devices, k, err), err);
		if (!jread_len(devices))
			view_note(v, "No port belongs to an offload device.");
		show_ports(v, jread_array(dp, "ports", err), err);
	}
	if (!jread_len(dps))
		view_note(v, "There is no datapath: no bridge has been set up.");
	return -err->code;
}
