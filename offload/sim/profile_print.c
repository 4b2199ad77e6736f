/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as its text, which profile_parse() reads back as it was. */
#include "core/base/str.h"
#include "offload/caps.h"
#include "offload/sim/profile.h"

/* Exactly, under prefixes, under any mask: the most that holds. */
enum way { WAY_EXACT, WAY_PREFIX, WAY_MASKED };

static enum way way_of(const struct offload_caps *c, unsigned id)
{
	if (offload_caps_has(c->fields_masked, id))
		return WAY_MASKED;
	return offload_caps_has(c->fields_prefix, id) ? WAY_PREFIX : WAY_EXACT;
}

/* Both at once are written under both keys. */
static bool goes_under(const struct offload_caps *c, unsigned id, enum way way)
{
	if (caps_field((enum field_id)id) != id || !offload_caps_has(c->fields, id))
		return false;
	return way_of(c, id) == way ||
	       (way == WAY_PREFIX && offload_caps_has(c->fields_prefix, id));
}

static void print_fields(const struct offload_caps *c, enum way way, const char *key,
			 struct str *out)
{
	bool any = false;

	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		if (!goes_under(c, i, way))
			continue;
		if (!any)
			str_printf(out, "%s =", key);
		str_printf(out, " %s", field_table[i].name);
		any = true;
	}
	if (any)
		str_puts(out, "\n");
}

static void print_names(const struct sim_profile *p, struct str *out)
{
	str_puts(out, "set_fields =");
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		if (offload_caps_has(p->caps.fields_set, i) && caps_field((enum field_id)i) == i)
			str_printf(out, " %s", field_table[i].name);
	str_puts(out, "\nactions =");
	for (unsigned i = 0; i < DP_ACT_N_KINDS; i++)
		if (p->caps.actions >> i & 1)
			str_printf(out, " %s", dp_action_table[i].name);
	str_puts(out, "\n");
}

static void print_number(struct str *out, const char *key, uint64_t n)
{
	str_printf(out, "%s = %llu\n", key, (unsigned long long)n);
}

void profile_print(const struct sim_profile *p, struct str *out)
{
	str_printf(out, "description = %s\n", p->description);
	if (p->probed)
		str_puts(out, "probed = yes\n");
	if (p->ports[0])
		str_printf(out, "ports = %s\n", p->ports);
	print_fields(&p->caps, WAY_EXACT, "fields", out);
	print_fields(&p->caps, WAY_PREFIX, "fields_prefix", out);
	print_fields(&p->caps, WAY_MASKED, "fields_masked", out);
	print_names(p, out);
	str_printf(out, "inner_vlan = %s\n", p->inner_vlan ? "yes" : "no");
	if (p->caps.capacity)
		print_number(out, "table_size", p->caps.capacity);
	print_number(out, "max_outputs", p->caps.max_outputs);
	print_number(out, "max_actions", p->caps.max_actions);
	print_number(out, "insert_latency_us", p->insert_latency_us);
	print_number(out, "counter_lag_ms", p->caps.counter_lag_ms);
	if (p->caps.max_batch)
		print_number(out, "batch", p->caps.max_batch);
}
