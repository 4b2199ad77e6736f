/* SPDX-License-Identifier: Apache-2.0 */
/* Actions as dpctl/dump-flows prints them: one row a kind. */
#include "core/packet/action.h"
#include "core/packet/action_words.h"
#include "core/packet/dp_text.h"
#include "core/packet/sflow_cookie.h"
#include "core/packet/wire.h"

struct printer {
	be16 dl_type; /* of the packets, 0: not known */
	dp_port_name_fn *name;
	void *aux;
	struct str *out;
};

const struct action_word ct_flag_words[] = { { "commit", ACT_CT_COMMIT },
					     { "force_commit", ACT_CT_FORCE },
					     { NULL, 0 } };
const struct action_word nat_flag_words[] = { { "persistent", ACT_CT_NAT_PERSISTENT },
					      { "random", ACT_CT_NAT_RANDOM },
					      { "hash", ACT_CT_NAT_HASH },
					      { NULL, 0 } };
const struct action_word upcall_words[] = {
	{ "miss", UPCALL_MISS },           { "controller", UPCALL_CONTROLLER },
	{ "slow_path", UPCALL_SLOW_PATH }, { "sflow", UPCALL_SFLOW },
	{ "ipfix", UPCALL_IPFIX },         { NULL, 0 }
};
const struct action_word hash_words[] = { { "l4", DP_HASH_L4 },
					  { "sym_l4", DP_HASH_SYM_L4 },
					  { NULL, 0 } };

static void format_list(struct printer *p, struct dp_actions list);

static const char *word_of(const struct action_word *w, unsigned value)
{
	while (w->name && w->value != value)
		w++;
	return w->name ? w->name : "?";
}

static void put_output(struct printer *p, const struct dp_action *a)
{
	const struct act_output *o = dp_action_payload(a);
	const char *name = p->name ? p->name(p->aux, o->port) : NULL;

	if (name)
		str_puts(p->out, name);
	else
		str_printf(p->out, "%u", o->port.v);
}

static void put_push_vlan(struct printer *p, const struct dp_action *a)
{
	const struct act_push_vlan *v = dp_action_payload(a);
	uint16_t tci = ntohs(v->tci);

	str_puts(p->out, "push_vlan(");
	if (v->tpid != htons(ETH_VLAN))
		str_printf(p->out, "tpid=0x%04x,", ntohs(v->tpid));
	str_printf(p->out, "vid=%u,pcp=%u)", tci & 0xfff, tci >> 13);
}

static void put_push_mpls(struct printer *p, const struct dp_action *a)
{
	const struct act_push_mpls *m = dp_action_payload(a);
	uint32_t lse = ntohl(m->lse);

	str_printf(p->out, "push_mpls(label=%u,tc=%u,ttl=%u,bos=%u,eth_type=0x%x)", lse >> 12,
		   lse >> 9 & 7, lse & 0xff, lse >> 8 & 1, ntohs(m->ethertype));
}

static void put_pop_mpls(struct printer *p, const struct dp_action *a)
{
	const struct act_pop_mpls *m = dp_action_payload(a);

	str_printf(p->out, "pop_mpls(eth_type=0x%x)", ntohs(m->ethertype));
}

static void put_recirc(struct printer *p, const struct dp_action *a)
{
	str_printf(p->out, "recirc(%#x)", ((const struct act_recirc *)dp_action_payload(a))->id);
}

static void put_hash(struct printer *p, const struct dp_action *a)
{
	const struct act_hash *h = dp_action_payload(a);

	str_printf(p->out, "hash(%s(%u))", word_of(hash_words, h->alg), h->basis);
}

/* In the words of ovs-dpctl(8), but that the rate is there, and no tag where none is changed. */
static bool put_sflow(struct printer *p, const struct act_userspace *u)
{
	struct sflow_cookie c;

	if (u->kind != UPCALL_SFLOW || !sflow_cookie_unpack(u->cookie, &c))
		return false;
	str_puts(p->out, "userspace(sFlow(");
	if (c.retagged)
		str_printf(p->out, "vid=%u,pcp=%u,", c.tci & 0xfff, c.tci >> 13);
	str_printf(p->out, "output=%u,rate=%u)", c.output, c.rate);
	return true;
}

static void put_userspace(struct printer *p, const struct dp_action *a)
{
	const struct act_userspace *u = dp_action_payload(a);
	bool told = put_sflow(p, u);

	if (!told)
		str_printf(p->out, "userspace(%s", word_of(upcall_words, u->kind));
	if (u->max_len != UINT32_MAX)
		str_printf(p->out, ",max_len=%u", u->max_len);
	if (!told && (u->cookie[0] || u->cookie[1] || u->cookie[2] || u->cookie[3]))
		str_printf(p->out, ",cookie=%#llx:%#llx:%#llx:%#llx",
			   (unsigned long long)u->cookie[0], (unsigned long long)u->cookie[1],
			   (unsigned long long)u->cookie[2], (unsigned long long)u->cookie[3]);
	str_putc(p->out, ')');
}

static void put_sample(struct printer *p, const struct dp_action *a)
{
	const struct act_sample *s = dp_action_payload(a);

	str_printf(p->out, "sample(sample=%.1f%%,actions(",
		   100.0 * s->probability / (double)UINT32_MAX);
	format_list(p, dp_action_nested(a, 0));
	str_puts(p->out, "))");
}

static void put_clone(struct printer *p, const struct dp_action *a)
{
	str_puts(p->out, "clone(");
	format_list(p, dp_action_nested(a, 0));
	str_putc(p->out, ')');
}

static void put_trunc(struct printer *p, const struct dp_action *a)
{
	str_printf(p->out, "trunc(%u)", ((const struct act_trunc *)dp_action_payload(a))->max_len);
}

static void put_meter(struct printer *p, const struct dp_action *a)
{
	str_printf(p->out, "meter(%u)", ((const struct act_meter *)dp_action_payload(a))->id);
}

static void put_check_len(struct printer *p, const struct dp_action *a)
{
	str_printf(p->out, "check_pkt_len(size=%u,gt(",
		   ((const struct act_check_len *)dp_action_payload(a))->len);
	format_list(p, dp_action_nested(a, 0));
	str_puts(p->out, "),le(");
	format_list(p, dp_action_nested(a, 1));
	str_puts(p->out, "))");
}

static void put_drop(struct printer *p, const struct dp_action *a)
{
	const struct act_drop *d = dp_action_payload(a);

	str_puts(p->out, "drop");
	if (d->reason)
		str_printf(p->out, "(reason=%u)", d->reason);
}

static void put_name(struct printer *p, const struct dp_action *a)
{
	str_puts(p->out, dp_action_table[a->kind].name);
}

/* --- ct --- */

static void put_nat_flags(struct str *out, uint16_t flags)
{
	for (const struct action_word *w = nat_flag_words; w->name; w++)
		if (flags & w->value)
			str_printf(out, "%s,", w->name);
}

static void put_nat_addr(struct str *out, const struct act_ct *c, const struct be128 *addr)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(c->nat_family, addr, text, sizeof(text));
	str_puts(out, text);
}

/* `src=10.0.0.1-10.0.0.9:1000-2000`; IPv6 addresses stand in brackets before a port */
static void put_nat_range(struct str *out, const struct act_ct *c)
{
	bool bracket = c->nat_family == AF_INET6 && c->nat_port_min;

	if (bracket)
		str_putc(out, '[');
	if (c->nat_family)
		put_nat_addr(out, c, &c->nat_min);
	if (c->nat_family && memcmp(&c->nat_min, &c->nat_max, sizeof(c->nat_min))) {
		str_putc(out, '-');
		put_nat_addr(out, c, &c->nat_max);
	}
	if (bracket)
		str_putc(out, ']');
	if (c->nat_port_min)
		str_printf(out, ":%u", c->nat_port_min);
	if (c->nat_port_max > c->nat_port_min)
		str_printf(out, "-%u", c->nat_port_max);
}

static void put_nat(struct str *out, const struct act_ct *c)
{
	size_t before;

	str_puts(out, "nat");
	before = out->len;
	str_putc(out, '(');
	if (c->flags & (ACT_CT_NAT_SRC | ACT_CT_NAT_DST)) {
		str_puts(out, c->flags & ACT_CT_NAT_SRC ? "src" : "dst");
		if (c->nat_family || c->nat_port_min) {
			str_putc(out, '=');
			put_nat_range(out, c);
		}
		str_putc(out, ',');
	}
	put_nat_flags(out, c->flags);
	str_chomp(out, ",");
	if (out->len == before + 1)
		str_chomp(out, "(");
	else
		str_putc(out, ')');
	str_putc(out, ',');
}

static void put_ct_metadata(struct str *out, const struct act_ct *c)
{
	union field_value v = { .be32 = htonl(c->mark) }, m = { .be32 = htonl(c->mark_mask) };

	if (c->mark_mask) {
		str_puts(out, "mark=");
		field_format(field_get(FIELD_CT_MARK), &v, &m, out);
		str_putc(out, ',');
	}
	v.be128 = c->label;
	m.be128 = c->label_mask;
	if (!field_value_is_zero(field_get(FIELD_CT_LABEL), &m)) {
		str_puts(out, "label=");
		field_format(field_get(FIELD_CT_LABEL), &v, &m, out);
		str_putc(out, ',');
	}
}

static void put_ct(struct printer *p, const struct dp_action *a)
{
	const struct act_ct *c = dp_action_payload(a);
	size_t before;

	str_puts(p->out, "ct");
	before = p->out->len;
	str_putc(p->out, '(');
	if (c->flags & (ACT_CT_FORCE | ACT_CT_COMMIT))
		str_puts(p->out, c->flags & ACT_CT_FORCE ? "force_commit," : "commit,");
	if (c->zone)
		str_printf(p->out, "zone=%u,", c->zone);
	put_ct_metadata(p->out, c);
	if (c->helper[0])
		str_printf(p->out, "helper=%s,", c->helper);
	if (c->timeout[0])
		str_printf(p->out, "timeout=%s,", c->timeout);
	if (c->flags & ACT_CT_NAT)
		put_nat(p->out, c);
	str_chomp(p->out, ",");
	if (p->out->len == before + 1)
		str_chomp(p->out, "(");
	else
		str_putc(p->out, ')');
}

/* --- set --- */

/* Sets of one header that follow one another are printed as one, the later ones above the earlier.
 */
struct set_run {
	const struct dp_group *group;
	struct flow_key key, mask;
};

/* IPv4 and IPv6 share ttl and tos: the packet's Ethertype says which, and IPv4 where it is not
 * known. */
static const struct dp_group *set_group(const struct printer *p, const struct field *f)
{
	if (f->prereq == FIELD_PRE_IP && p->dl_type == htons(ETH_IPV6))
		return dp_group_by_name("ipv6", 4);
	return dp_group_of_field(f);
}

/* False when s does not belong to the run. */
static bool set_run_add(const struct printer *p, struct set_run *r, const struct act_set *s)
{
	const struct field *f = field_get(s->field);
	const struct dp_group *g = set_group(p, f);

	if (r->group && r->group != g)
		return false;
	r->group = g;
	field_write_masked(f, &s->value, &s->mask, &r->key);
	field_write_masked(f, &s->mask, &s->mask, &r->mask);
	return true;
}

/* Prints the run that starts at a; returns its last action. */
static const struct dp_action *put_set_run(struct printer *p, struct dp_actions list,
					   const struct dp_action *a)
{
	struct set_run r;

	memset(&r, 0, sizeof(r));
	(void)set_run_add(p, &r, dp_action_payload(a)); /* an empty run takes any */
	for (const struct dp_action *next; (next = dp_action_next(list, a)); a = next)
		if (next->kind != DP_ACT_SET || !set_run_add(p, &r, dp_action_payload(next)))
			break;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the first addition sets group */
	str_printf(p->out, "set(%s(", r.group->name);
	dp_group_format(r.group, &r.key, &r.mask, p->out);
	str_puts(p->out, "))");
	return a;
}

/* --- lists --- */

typedef void put_fn(struct printer *p, const struct dp_action *a);

static put_fn *const puts_of[DP_ACT_N_KINDS] = {
	[DP_ACT_OUTPUT] = put_output,       [DP_ACT_SET] = NULL, /* in runs */
	[DP_ACT_PUSH_VLAN] = put_push_vlan, [DP_ACT_POP_VLAN] = put_name,
	[DP_ACT_PUSH_MPLS] = put_push_mpls, [DP_ACT_POP_MPLS] = put_pop_mpls,
	[DP_ACT_RECIRC] = put_recirc,       [DP_ACT_HASH] = put_hash,
	[DP_ACT_USERSPACE] = put_userspace, [DP_ACT_SAMPLE] = put_sample,
	[DP_ACT_CLONE] = put_clone,         [DP_ACT_TRUNC] = put_trunc,
	[DP_ACT_METER] = put_meter,         [DP_ACT_CT] = put_ct,
	[DP_ACT_CT_CLEAR] = put_name,       [DP_ACT_CHECK_PKT_LEN] = put_check_len,
	[DP_ACT_DROP] = put_drop,
};

static void format_list(struct printer *p, struct dp_actions list)
{
	if (!list.len) {
		str_puts(p->out, "drop");
		return;
	}
	for (const struct dp_action *a = dp_action_first(list); a; a = dp_action_next(list, a)) {
		if (a->kind == DP_ACT_SET)
			a = put_set_run(p, list, a);
		else
			puts_of[a->kind](p, a);
		str_putc(p->out, ',');
	}
	str_chomp(p->out, ",");
}

void dp_actions_format_for(struct dp_actions a, be16 dl_type, dp_port_name_fn *name, void *aux,
			   struct str *out)
{
	struct printer p = { dl_type, name, aux, out };

	format_list(&p, a);
}

void dp_actions_format(struct dp_actions a, dp_port_name_fn *name, void *aux, struct str *out)
{
	dp_actions_format_for(a, 0, name, aux, out);
}
