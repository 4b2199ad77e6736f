/* SPDX-License-Identifier: Apache-2.0 */
/* Flows and groups to text. */
#include <inttypes.h>

#include "ofproto/text/flow_text.h"
#include "ofproto/text/ofpact_impl.h"

#define DEFAULT_PRIORITY 32768
#define NS_PER_S UINT64_C(1000000000)

/* Nanoseconds as seconds: "5", "5.250" when whole milliseconds say it, else as many digits as it
 * takes. */
static void put_duration(struct str *out, uint64_t ns)
{
	uint64_t rest = ns % NS_PER_S;

	str_printf(out, "%" PRIu64, ns / NS_PER_S);
	if (!rest)
		return;
	if (!(rest % 1000000)) {
		str_printf(out, ".%03" PRIu64, rest / 1000000);
		return;
	}
	str_printf(out, ".%09" PRIu64, rest);
	while (str_cstr(out)[out->len - 1] == '0')
		str_chomp(out, "0");
}

static void put_match(uint16_t priority, const struct match *m, const struct ofp_names *names,
		      struct str *out)
{
	size_t start = out->len;

	if (priority != DEFAULT_PRIORITY)
		str_printf(out, "priority=%u,", priority);
	match_format(m, names ? names->port_name : NULL, names ? names->aux : NULL, out);
	str_chomp(out, ",");
	if (out->len > start)
		str_putc(out, ' ');
}

static void put_flags(uint16_t flags, struct str *out)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {
		{ OFPFF_SEND_FLOW_REM_, "send_flow_rem" },
		{ OFPFF_CHECK_OVERLAP_, "check_overlap" },
		{ OFPFF_RESET_COUNTS_, "reset_counts" },
		{ OFPFF_NO_PKT_COUNTS_, "no_packet_counts" },
		{ OFPFF_NO_BYT_COUNTS_, "no_byte_counts" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].bit)
			str_printf(out, "%s ", names[i].name);
}

static void put_count(struct str *out, const char *name, uint64_t n)
{
	if (n != UINT64_MAX)
		str_printf(out, "%s=%" PRIu64 ", ", name, n);
}

void flow_stats_format(const struct ofp_flow_stats *s, const struct ofp_names *names,
		       struct str *out)
{
	str_printf(out, " cookie=0x%" PRIx64 ", duration=", ntoh64(s->cookie));
	put_duration(out, s->duration_ns);
	str_printf(out, "s, table=%u, ", s->table);
	put_count(out, "n_packets", s->packets);
	put_count(out, "n_bytes", s->bytes);
	if (s->idle_timeout)
		str_printf(out, "idle_timeout=%u, ", s->idle_timeout);
	if (s->hard_timeout)
		str_printf(out, "hard_timeout=%u, ", s->hard_timeout);
	put_flags(s->flags, out);
	put_count(out, "idle_age", s->idle_age_s);
	if (s->hard_age_s != s->duration_ns / NS_PER_S)
		put_count(out, "hard_age", s->hard_age_s);
	put_match(s->priority, &s->match, names, out);
	str_puts(out, "actions=");
	ofpacts_format(s->actions, names, out);
}

void flow_format(uint8_t table, uint16_t priority, const struct match *m, struct ofpacts actions,
		 const struct ofp_names *names, struct str *out)
{
	if (table)
		str_printf(out, "table=%u, ", table);
	put_match(priority, m, names, out);
	str_puts(out, "actions=");
	ofpacts_format(actions, names, out);
}

/* --- groups ------------------------------------------------------------------------------------
 */

const char *const group_type_names[4] = { "all", "select", "indirect", "ff" };

static void put_bucket(const struct ofp_bucket *b, uint8_t type, const struct ofp_names *names,
		       struct str *out)
{
	str_puts(out, ",bucket=");
	if (type == OFPGT_SELECT_ && b->weight != 1)
		str_printf(out, "weight:%u,", b->weight);
	if (b->watch_port.v != OFPP_NONE_) {
		str_puts(out, "watch_port:");
		ofp_port_format(b->watch_port, names, out);
		str_putc(out, ',');
	}
	if (b->watch_group != OFPG_ANY_)
		str_printf(out, "watch_group:%" PRIu32 ",", b->watch_group);
	str_puts(out, "actions=");
	ofpacts_format(b->actions, names, out);
}

void group_format(const struct ofp_group_mod *g, const struct ofp_names *names, struct str *out)
{
	str_printf(out, "group_id=%" PRIu32, g->id);
	if (g->type < ARRAY_SIZE(group_type_names))
		str_printf(out, ",type=%s", group_type_names[g->type]);
	for (size_t i = 0; i < g->n_buckets; i++)
		put_bucket(&g->buckets[i], g->type, names, out);
}

void group_stats_format(const struct ofp_group_stats *s, struct str *out)
{
	str_printf(out, "group_id=%" PRIu32 ",duration=", s->id);
	put_duration(out, s->duration_ns);
	str_printf(out, "s,ref_count=%" PRIu32 ",packet_count=%" PRIu64 ",byte_count=%" PRIu64,
		   s->ref_count, s->packets, s->bytes);
	for (size_t i = 0; i < s->n_buckets; i++)
		str_printf(out, ",bucket%zu:packet_count=%" PRIu64 ",byte_count=%" PRIu64, i,
			   s->buckets[i].packets, s->buckets[i].bytes);
}
