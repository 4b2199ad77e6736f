/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/dp_features.h"

/* Labels and their order are those of ovs-vswitchd 3.1. */
enum kind { HAS, NUMBER, ACTION };
static const struct row {
	const char *label;
	enum kind kind;
	uint16_t of; /* HAS, NUMBER: offset of a bool, a uint32_t; ACTION: enum dp_action_kind */
} rows[] = {
#define MEMBER(NAME) offsetof(struct dp_features, NAME)
	{ "Masked set action", HAS, MEMBER(set_masked) },
	{ "Tunnel push pop", HAS, MEMBER(tnl_push_pop) },
	{ "Ufid", HAS, MEMBER(ufid) },
	{ "Truncate action", ACTION, DP_ACT_TRUNC },
	{ "Clone action", ACTION, DP_ACT_CLONE },
	{ "Sample nesting", NUMBER, MEMBER(sample_depth) },
	{ "Conntrack eventmask", HAS, MEMBER(ct_eventmask) },
	{ "Conntrack clear", ACTION, DP_ACT_CT_CLEAR },
	{ "Max dp_hash algorithm", NUMBER, MEMBER(max_hash_alg) },
	{ "Check pkt length action", ACTION, DP_ACT_CHECK_PKT_LEN },
	{ "Conntrack timeout policy", HAS, MEMBER(ct_timeout) },
	{ "Explicit Drop action", ACTION, DP_ACT_DROP },
	{ "Optimized Balance TCP mode", HAS, MEMBER(lb_output) },
	{ "Conntrack all-zero IP SNAT", HAS, MEMBER(ct_zero_snat) },
	{ "MPLS Label add", HAS, MEMBER(mpls_add) },
	{ "Max VLAN headers", NUMBER, MEMBER(max_vlans) },
	{ "Max MPLS depth", NUMBER, MEMBER(max_mpls) },
	{ "Recirc", HAS, MEMBER(recirc) },
	{ "CT state", HAS, MEMBER(ct_state) },
	{ "CT zone", HAS, MEMBER(ct_zone) },
	{ "CT mark", HAS, MEMBER(ct_mark) },
	{ "CT label", HAS, MEMBER(ct_label) },
	{ "CT state NAT", HAS, MEMBER(ct_state_nat) },
	{ "CT orig tuple", HAS, MEMBER(ct_orig_tuple) },
	{ "CT orig tuple for IPv6", HAS, MEMBER(ct_orig_tuple6) },
	{ "IPv6 ND Extension", HAS, MEMBER(nd_ext) },
#undef MEMBER
};

static void put_has(struct str *out, bool has)
{
	str_puts(out, has ? "Yes" : "No");
}

static void put_value(const struct dp_features *f, const struct row *r, struct str *out)
{
	const uint8_t *p = (const uint8_t *)f + r->of;

	switch (r->kind) {
	case HAS: put_has(out, *(const bool *)p); break;
	case NUMBER: str_printf(out, "%u", *(const uint32_t *)(const void *)p); break;
	case ACTION: put_has(out, dp_features_have(f, (enum dp_action_kind)r->of)); break;
	}
}

void dp_features_format(const struct dp_features *f, struct str *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		str_printf(out, "%s: ", rows[i].label);
		put_value(f, &rows[i], out);
		str_putc(out, '\n');
	}
}
