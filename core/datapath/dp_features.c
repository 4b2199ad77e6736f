/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/dp_features.h"

/* Labels and their order are those of ovs-vswitchd 3.1, keys those of Datapath.capabilities there.
 */
enum kind { HAS, NUMBER, ACTION };
static const struct row {
	const char *label, *key;
	enum kind kind;
	uint16_t of; /* HAS, NUMBER: offset of a bool, a uint32_t; ACTION: enum dp_action_kind */
} rows[] = {
#define MEMBER(NAME) offsetof(struct dp_features, NAME)
	{ "Masked set action", "masked_set_action", HAS, MEMBER(set_masked) },
	{ "Tunnel push pop", "tnl_push_pop", HAS, MEMBER(tnl_push_pop) },
	{ "Ufid", "ufid", HAS, MEMBER(ufid) },
	{ "Truncate action", "trunc", ACTION, DP_ACT_TRUNC },
	{ "Clone action", "clone", ACTION, DP_ACT_CLONE },
	{ "Sample nesting", "sample_nesting", NUMBER, MEMBER(sample_depth) },
	{ "Conntrack eventmask", "ct_eventmask", HAS, MEMBER(ct_eventmask) },
	{ "Conntrack clear", "ct_clear", ACTION, DP_ACT_CT_CLEAR },
	{ "Max dp_hash algorithm", "max_hash_alg", NUMBER, MEMBER(max_hash_alg) },
	{ "Check pkt length action", "check_pkt_len", ACTION, DP_ACT_CHECK_PKT_LEN },
	{ "Conntrack timeout policy", "ct_timeout", HAS, MEMBER(ct_timeout) },
	{ "Explicit Drop action", "explicit_drop_action", ACTION, DP_ACT_DROP },
	{ "Optimized Balance TCP mode", "lb_output_action", HAS, MEMBER(lb_output) },
	{ "Conntrack all-zero IP SNAT", "ct_zero_snat", HAS, MEMBER(ct_zero_snat) },
	{ "MPLS Label add", "add_mpls", HAS, MEMBER(mpls_add) },
	{ "Max VLAN headers", "max_vlan_headers", NUMBER, MEMBER(max_vlans) },
	{ "Max MPLS depth", "max_mpls_depth", NUMBER, MEMBER(max_mpls) },
	{ "Recirc", "recirc", HAS, MEMBER(recirc) },
	{ "CT state", "ct_state", HAS, MEMBER(ct_state) },
	{ "CT zone", "ct_zone", HAS, MEMBER(ct_zone) },
	{ "CT mark", "ct_mark", HAS, MEMBER(ct_mark) },
	{ "CT label", "ct_label", HAS, MEMBER(ct_label) },
	{ "CT state NAT", "ct_state_nat", HAS, MEMBER(ct_state_nat) },
	{ "CT orig tuple", "ct_orig_tuple", HAS, MEMBER(ct_orig_tuple) },
	{ "CT orig tuple for IPv6", "ct_orig_tuple6", HAS, MEMBER(ct_orig_tuple6) },
	{ "IPv6 ND Extension", "nd_ext", HAS, MEMBER(nd_ext) },
#undef MEMBER
};

static uint32_t value_of(const struct dp_features *f, const struct row *r)
{
	const uint8_t *p = (const uint8_t *)f + r->of;

	switch (r->kind) {
	case HAS: return *(const bool *)p;
	case NUMBER: return *(const uint32_t *)(const void *)p;
	case ACTION: return dp_features_have(f, (enum dp_action_kind)r->of);
	}
	return 0;
}

static void put_value(const struct dp_features *f, const struct row *r, const char *const words[2],
		      struct str *out)
{
	uint32_t v = value_of(f, r);

	if (r->kind == NUMBER)
		str_printf(out, "%u", v);
	else
		str_puts(out, words[v]);
}

void dp_features_format(const struct dp_features *f, struct str *out)
{
	static const char *const words[] = { "No", "Yes" };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		str_printf(out, "%s: ", rows[i].label);
		put_value(f, &rows[i], words, out);
		str_putc(out, '\n');
	}
}

void dp_features_visit(const struct dp_features *f,
		       void (*fn)(const char *key, const char *value, void *arg), void *arg)
{
	static const char *const words[] = { "false", "true" };
	struct str value = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		str_clear(&value);
		put_value(f, &rows[i], words, &value);
		fn(rows[i].key, str_cstr(&value), arg);
	}
	str_done(&value);
}
