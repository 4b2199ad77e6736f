/* SPDX-License-Identifier: Apache-2.0 */
/* Text to actions: the reverse of action_text.c, one row a word. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/packet/action.h"
#include "core/packet/action_words.h"
#include "core/packet/dp_text.h"
#include "core/packet/sflow_cookie.h"
#include "core/packet/wire.h"

struct parser {
	struct buf *out;
	struct error *err;
	unsigned depth;
};

static int parse_list(struct parser *p, char *text);

/* --- small parts --- */

static int bad(struct parser *p, const char *word, const char *why)
{
	return error_set(p->err, EINVAL, word, "%s", why);
}

/* `name=NUMBER` words; what is not given keeps its value. */
struct param {
	const char *name;
	uint64_t max;
	uint64_t value;
};

static struct param *param_find(struct param *params, unsigned n, const char *name, size_t len)
{
	for (unsigned i = 0; i < n; i++)
		if (!strncmp(params[i].name, name, len) && !params[i].name[len])
			return &params[i];
	return NULL;
}

static int parse_params(struct parser *p, const char *action, char *body, struct param *params,
			unsigned n)
{
	char *word, *inner;
	int r;

	while ((r = dp_text_next(&body, &word, &inner, p->err)) > 0) {
		size_t len = strcspn(word, "=");
		struct param *param = param_find(params, n, word, len);

		if (!param || inner || word[len] != '=')
			return error_set(p->err, EINVAL, action, "there is no parameter \"%s\"",
					 word);
		if (!field_parse_number(word + len + 1, &param->value) || param->value > param->max)
			return error_set(p->err, EINVAL, action,
					 "\"%s\" is not a number up to %llu", word,
					 (unsigned long long)param->max);
	}
	return r;
}

static int parse_one(struct parser *p, const char *action, const char *body, uint64_t max,
		     uint64_t *x)
{
	if (body && field_parse_number(body, x) && *x <= max)
		return 0;
	return error_set(p->err, EINVAL, action, "\"%s\" is not a number up to %llu",
			 body ? body : "", (unsigned long long)max);
}

/* Nothing may follow in an action's body. */
static int parse_end(struct parser *p, const char *action, char *body)
{
	char *word, *inner;
	int r = dp_text_next(&body, &word, &inner, p->err);

	return r <= 0 ? r : error_set(p->err, EINVAL, action, "\"%s\" does not belong here", word);
}

static const struct action_word *word_find(const struct action_word *w, const char *name)
{
	for (; w->name; w++)
		if (!strcmp(w->name, name))
			return w;
	return NULL;
}

/* --- one function per word --- */

static int parse_push_vlan(struct parser *p, char *body)
{
	struct param q[] = { { "vid", 0xfff, 0 },
			     { "pcp", 7, 0 },
			     { "cfi", 1, 1 },
			     { "tpid", UINT16_MAX, ETH_VLAN } };
	struct act_push_vlan v;
	int r = parse_params(p, "push_vlan", body, q, ARRAY_SIZE(q));

	if (r)
		return r;
	v.tpid = htons((uint16_t)q[3].value);
	v.tci = htons((uint16_t)(q[0].value | q[1].value << 13 | VLAN_CFI));
	dp_actions_put(p->out, DP_ACT_PUSH_VLAN, &v, sizeof(v));
	return 0;
}

static int parse_push_mpls(struct parser *p, char *body)
{
	struct param q[] = { { "label", 0xfffff, 0 },
			     { "tc", 7, 0 },
			     { "ttl", 0xff, 0 },
			     { "bos", 1, 0 },
			     { "eth_type", UINT16_MAX, ETH_MPLS } };
	struct act_push_mpls m = { 0 };
	int r = parse_params(p, "push_mpls", body, q, ARRAY_SIZE(q));

	if (r)
		return r;
	m.ethertype = htons((uint16_t)q[4].value);
	m.lse = htonl(
		(uint32_t)(q[0].value << 12 | q[1].value << 9 | q[3].value << 8 | q[2].value));
	dp_actions_put(p->out, DP_ACT_PUSH_MPLS, &m, sizeof(m));
	return 0;
}

static int parse_pop_mpls(struct parser *p, char *body)
{
	struct param q = { "eth_type", UINT16_MAX, 0 };
	struct act_pop_mpls m;
	int r = parse_params(p, "pop_mpls", body, &q, 1);

	m.ethertype = htons((uint16_t)q.value);
	if (!r)
		dp_actions_put(p->out, DP_ACT_POP_MPLS, &m, sizeof(m));
	return r;
}

/* RECIRC, TRUNC and METER: one number of 32 bits. */
static int parse_number(struct parser *p, enum dp_action_kind kind, char *body)
{
	uint64_t x = 0;
	uint32_t payload;
	int r = parse_one(p, dp_action_table[kind].name, body, UINT32_MAX, &x);

	payload = (uint32_t)x;
	if (!r)
		dp_actions_put(p->out, kind, &payload, sizeof(payload));
	return r;
}

static int parse_recirc(struct parser *p, char *body)
{
	return parse_number(p, DP_ACT_RECIRC, body);
}

static int parse_trunc(struct parser *p, char *body)
{
	return parse_number(p, DP_ACT_TRUNC, body);
}

static int parse_meter(struct parser *p, char *body)
{
	return parse_number(p, DP_ACT_METER, body);
}

static int parse_hash(struct parser *p, char *body)
{
	const struct action_word *alg;
	struct act_hash h;
	char *word, *inner;
	uint64_t basis = 0;
	int r = dp_text_next(&body, &word, &inner, p->err);

	if (r < 0)
		return r;
	alg = word_find(hash_words, word);
	if (!alg)
		return bad(p, "hash", "it is written hash(l4(BASIS)) or hash(sym_l4(BASIS))");
	r = parse_one(p, "hash", inner, UINT32_MAX, &basis);
	if (!r)
		r = parse_end(p, "hash", body);
	if (r)
		return r;
	h.alg = alg->value;
	h.basis = (uint32_t)basis;
	dp_actions_put(p->out, DP_ACT_HASH, &h, sizeof(h));
	return 0;
}

static int parse_cookie(struct parser *p, const char *text, uint64_t cookie[4])
{
	for (unsigned i = 0; i < 4; i++) {
		char number[32];
		size_t n = strcspn(text, ":");

		if (n >= sizeof(number) || (text[n] == ':') != (i < 3))
			return bad(p, "userspace", "a cookie is four numbers between colons");
		memcpy(number, text, n);
		number[n] = '\0';
		if (!field_parse_number(number, &cookie[i]))
			return bad(p, "userspace", "a cookie is four numbers between colons");
		text += n + 1;
	}
	return 0;
}

/* The body of sFlow(…): ovs-dpctl(8), with the rate. */
static int parse_sflow(struct parser *p, char *body, uint64_t cookie[4])
{
	struct param q[] = { { "vid", 0xfff, UINT64_MAX },
			     { "pcp", 7, UINT64_MAX },
			     { "output", UINT32_MAX, UINT64_MAX },
			     { "rate", UINT32_MAX, 0 } };
	struct sflow_cookie c;
	int r = parse_params(p, "userspace", body, q, ARRAY_SIZE(q));

	if (r)
		return r;
	if (q[2].value == UINT64_MAX || !q[3].value)
		return bad(p, "userspace", "sFlow() needs output= and rate=");
	c.output = (uint32_t)q[2].value;
	c.rate = (uint32_t)q[3].value;
	c.retagged = q[0].value != UINT64_MAX || q[1].value != UINT64_MAX;
	c.tci = (uint16_t)((q[0].value & 0xfff) | (q[1].value & 7) << 13);
	if (q[0].value == UINT64_MAX)
		c.tci &= 0xe000;
	if (q[1].value == UINT64_MAX)
		c.tci &= 0x0fff;
	sflow_cookie_pack(&c, cookie);
	return 0;
}

static int parse_upcall_kind(struct parser *p, const char *word, char *inner,
			     struct act_userspace *u)
{
	const struct action_word *kind = word_find(upcall_words, word);

	if (inner && !strcmp(word, "sFlow")) {
		u->kind = UPCALL_SFLOW;
		return parse_sflow(p, inner, u->cookie);
	}
	if (!kind || inner)
		return bad(p, "userspace", "its first word is none of the kinds of upcall");
	u->kind = kind->value;
	return 0;
}

static int parse_userspace(struct parser *p, char *body)
{
	struct act_userspace u = { .max_len = UINT32_MAX };
	char *word, *inner;
	uint64_t max_len;
	int r = dp_text_next(&body, &word, &inner, p->err);

	if (r < 0)
		return r;
	r = r ? parse_upcall_kind(p, word, inner, &u)
	      : bad(p, "userspace", "what goes up for what is missing");
	if (r)
		return r;
	while ((r = dp_text_next(&body, &word, &inner, p->err)) > 0) {
		if (!strncmp(word, "max_len=", 8)) {
			r = parse_one(p, "userspace", word + 8, UINT32_MAX, &max_len);
			u.max_len = (uint32_t)max_len;
		} else if (!strncmp(word, "cookie=", 7)) {
			r = parse_cookie(p, word + 7, u.cookie);
		} else {
			r = bad(p, "userspace", "only max_len= and cookie= may follow");
		}
		if (r)
			return r;
	}
	if (!r)
		dp_actions_put(p->out, DP_ACT_USERSPACE, &u, sizeof(u));
	return r;
}

/* --- nested lists --- */

static int parse_nested(struct parser *p, char *text)
{
	int r;

	if (p->depth == DP_ACTIONS_MAX_DEPTH)
		return bad(p, NULL, "actions are nested too deep");
	p->depth++;
	r = parse_list(p, text);
	p->depth--;
	return r;
}

static int parse_clone(struct parser *p, char *body)
{
	size_t mark = dp_actions_nest_begin(p->out, DP_ACT_CLONE, NULL, 0);
	int r = parse_nested(p, body);

	dp_actions_nest_end(p->out, mark);
	return r;
}

static int parse_sample(struct parser *p, char *body)
{
	struct act_sample s = { 0 };
	char *word, *inner, *end;
	double percent;
	size_t mark;
	int r = dp_text_next(&body, &word, &inner, p->err);

	if (r < 0)
		return r;
	percent = strncmp(word, "sample=", 7) ? -1 : strtod(word + 7, &end);
	if (!(percent >= 0 && percent <= 100) || end == word + 7 || strcmp(end, "%"))
		return bad(p, "sample", "it is written sample(sample=50%,actions(…))");
	s.probability = (uint32_t)(percent / 100 * UINT32_MAX + 0.5);
	r = dp_text_next(&body, &word, &inner, p->err);
	if (r < 0)
		return r;
	if (!r || !inner || strcmp(word, "actions"))
		return bad(p, "sample", "it is written sample(sample=50%,actions(…))");
	mark = dp_actions_nest_begin(p->out, DP_ACT_SAMPLE, &s, sizeof(s));
	r = parse_nested(p, inner);
	dp_actions_nest_end(p->out, mark);
	return r ? r : parse_end(p, "sample", body);
}

static int parse_branch(struct parser *p, char **body, const char *name)
{
	char *word, *inner;
	int r = dp_text_next(body, &word, &inner, p->err);

	if (r < 0)
		return r;
	if (!r || !inner || strcmp(word, name))
		return bad(p, "check_pkt_len", "it is written check_pkt_len(size=N,gt(…),le(…))");
	return parse_nested(p, inner);
}

static int parse_check_len(struct parser *p, char *body)
{
	struct act_check_len c = { 0 };
	char *word, *inner;
	uint64_t len;
	size_t mark;
	int r = dp_text_next(&body, &word, &inner, p->err);

	if (r < 0)
		return r;
	if (!r || strncmp(word, "size=", 5))
		return bad(p, "check_pkt_len", "it is written check_pkt_len(size=N,gt(…),le(…))");
	r = parse_one(p, "check_pkt_len", word + 5, UINT16_MAX, &len);
	if (r)
		return r;
	c.len = (uint16_t)len;
	mark = dp_actions_nest_begin(p->out, DP_ACT_CHECK_PKT_LEN, &c, sizeof(c));
	r = parse_branch(p, &body, "gt");
	dp_actions_nest_else(p->out, mark);
	if (!r)
		r = parse_branch(p, &body, "le");
	dp_actions_nest_end(p->out, mark);
	return r ? r : parse_end(p, "check_pkt_len", body);
}

/* --- set --- */

/* The group's bits become one set per field, in the table's order. */
static void put_sets(struct parser *p, const struct dp_group *g, const struct flow_key *key,
		     struct flow_key *mask)
{
	const struct dp_group *ipv6 = dp_group_by_name("ipv6", 4);

	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];
		union field_value v, m, zero;

		if (!dp_field_settable(f) ||
		    (dp_group_of_field(f) != g && !(g == ipv6 && f->prereq == FIELD_PRE_IP)))
			continue;
		field_read(f, mask, &m);
		if (field_value_is_zero(f, &m))
			continue;
		field_read(f, key, &v);
		dp_actions_put_set(p->out, f->id, &v, &m);
		memset(&zero, 0, sizeof(zero));
		field_write(f, &zero, mask); /* not again by a field of the same bits */
	}
}

static int parse_set(struct parser *p, char *body)
{
	const struct dp_group *g;
	struct flow_key key, mask;
	char *word, *inner;
	int r = dp_text_next(&body, &word, &inner, p->err);

	if (r < 0)
		return r;
	g = dp_group_by_name(word, strlen(word));
	if (!r || !g || !inner)
		return error_set(p->err, EINVAL, "set", "there is no header \"%s\"", word);
	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	r = dp_group_parse(g, inner, &key, &mask, p->err);
	if (!r)
		r = parse_end(p, "set", body);
	if (r)
		return r;
	put_sets(p, g, &key, &mask);
	if (flow_map_of(&mask))
		return error_set(p->err, EINVAL, "set", "a part of %s cannot be set", g->name);
	return 0;
}

/* --- ct --- */

static int parse_nat_addr(struct act_ct *c, const char *text, struct be128 *addr)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (c->nat_family && c->nat_family != family)
		return -EINVAL;
	c->nat_family = (uint16_t)family;
	return inet_pton(family, text, addr) == 1 ? 0 : -EINVAL;
}

static int parse_nat_ports(struct act_ct *c, char *text)
{
	char *dash = strchr(text, '-');
	uint64_t min, max;

	if (dash)
		*dash++ = '\0';
	if (!field_parse_number(text, &min) || !field_parse_number(dash ? dash : text, &max) ||
	    !min || min > max || max > UINT16_MAX)
		return -EINVAL;
	c->nat_port_min = (uint16_t)min;
	c->nat_port_max = (uint16_t)(dash ? max : 0);
	return 0;
}

/* ADDR[-ADDR][:PORT[-PORT]], with brackets around IPv6 addresses when ports follow */
static int parse_nat_range(struct act_ct *c, char *text)
{
	char *ports = NULL, *dash, *end;
	int r;

	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end)
			return -EINVAL;
		ports = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
		ports = strchr(text, ':');
		*ports++ = '\0';
	}
	if (*text) {
		dash = strchr(text, '-');
		if (dash)
			*dash++ = '\0';
		r = parse_nat_addr(c, text, &c->nat_min);
		if (!r)
			r = parse_nat_addr(c, dash ? dash : text, &c->nat_max);
		if (r)
			return r;
	}
	return ports ? parse_nat_ports(c, ports) : 0;
}

static int parse_nat(struct parser *p, char *body, struct act_ct *c)
{
	char *word, *inner;
	int r = 0;

	c->flags |= ACT_CT_NAT;
	while (body && (r = dp_text_next(&body, &word, &inner, p->err)) > 0) {
		const struct action_word *w = word_find(nat_flag_words, word);

		if (w) {
			c->flags |= (uint16_t)w->value;
			continue;
		}
		if (strncmp(word, "src", 3) && strncmp(word, "dst", 3))
			return error_set(p->err, EINVAL, "nat", "there is no word \"%s\"", word);
		c->flags |= *word == 's' ? ACT_CT_NAT_SRC : ACT_CT_NAT_DST;
		if (word[3] && (word[3] != '=' || parse_nat_range(c, word + 4)))
			return bad(p, "nat", "it is written src=ADDR[-ADDR][:PORT[-PORT]]");
	}
	return r;
}

static int ct_field(struct parser *p, enum field_id id, const char *text, struct be128 *v,
		    struct be128 *mask)
{
	union field_value value, m;
	int r = field_parse(field_get(id), text, &value, &m, p->err);

	*v = value.be128;
	*mask = m.be128;
	return r;
}

static int copy_name(struct parser *p, const char *text, char *to, size_t size)
{
	size_t len = strlen(text);

	if (len >= size)
		return bad(p, "ct", "the name is too long");
	memcpy(to, text, len + 1);
	return 0;
}

static int parse_ct_word(struct parser *p, char *word, char *inner, struct act_ct *c)
{
	const struct action_word *w = word_find(ct_flag_words, word);
	struct be128 v, m;
	uint64_t x;
	int r;

	if (w) {
		c->flags |= (uint16_t)w->value;
		return 0;
	}
	if (!strcmp(word, "nat"))
		return parse_nat(p, inner, c);
	if (!strncmp(word, "helper=", 7))
		return copy_name(p, word + 7, c->helper, sizeof(c->helper));
	if (!strncmp(word, "timeout=", 8))
		return copy_name(p, word + 8, c->timeout, sizeof(c->timeout));
	if (!strncmp(word, "zone=", 5)) {
		r = parse_one(p, "ct", word + 5, UINT16_MAX, &x);
		c->zone = r ? 0 : (uint16_t)x;
		return r;
	}
	if (!strncmp(word, "mark=", 5)) {
		r = ct_field(p, FIELD_CT_MARK, word + 5, &v, &m);
		c->mark = ntohl(v.w[0]);
		c->mark_mask = ntohl(m.w[0]);
		return r;
	}
	if (!strncmp(word, "label=", 6))
		return ct_field(p, FIELD_CT_LABEL, word + 6, &c->label, &c->label_mask);
	return error_set(p->err, EINVAL, "ct", "there is no word \"%s\"", word);
}

static int parse_ct(struct parser *p, char *body)
{
	struct act_ct c;
	char *word, *inner;
	int r = 0;

	memset(&c, 0, sizeof(c));
	while (body && (r = dp_text_next(&body, &word, &inner, p->err)) > 0) {
		r = parse_ct_word(p, word, inner, &c);
		if (r)
			return r;
	}
	if (!r)
		dp_actions_put(p->out, DP_ACT_CT, &c, sizeof(c));
	return r;
}

static int parse_ct_clear(struct parser *p, char *body)
{
	if (body)
		return bad(p, "ct_clear", "it has no parameters");
	dp_actions_put(p->out, DP_ACT_CT_CLEAR, NULL, 0);
	return 0;
}

static int parse_pop_vlan(struct parser *p, char *body)
{
	if (body)
		return bad(p, "pop_vlan", "it has no parameters");
	dp_actions_put(p->out, DP_ACT_POP_VLAN, NULL, 0);
	return 0;
}

static int parse_drop(struct parser *p, char *body)
{
	struct param q = { "reason", UINT32_MAX, 0 };
	struct act_drop d;
	int r = body ? parse_params(p, "drop", body, &q, 1) : 0;

	d.reason = (uint32_t)q.value;
	if (!r)
		dp_actions_put(p->out, DP_ACT_DROP, &d, sizeof(d));
	return r;
}

/* --- lists --- */

static const struct {
	const char *name;
	bool body; /* must stand in parentheses */
	int (*parse)(struct parser *p, char *body);
} words[] = {
	{ "set", true, parse_set },
	{ "push_vlan", true, parse_push_vlan },
	{ "pop_vlan", false, parse_pop_vlan },
	{ "push_mpls", true, parse_push_mpls },
	{ "pop_mpls", true, parse_pop_mpls },
	{ "recirc", true, parse_recirc },
	{ "hash", true, parse_hash },
	{ "userspace", true, parse_userspace },
	{ "sample", true, parse_sample },
	{ "clone", true, parse_clone },
	{ "trunc", true, parse_trunc },
	{ "meter", true, parse_meter },
	{ "ct", false, parse_ct },
	{ "ct_clear", false, parse_ct_clear },
	{ "check_pkt_len", true, parse_check_len },
	{ "drop", false, parse_drop },
};

static int parse_action(struct parser *p, char *name, char *body)
{
	uint64_t port;

	if (!body && field_parse_number(name, &port) && port <= UINT32_MAX) {
		dp_actions_put_output(p->out, (struct dp_port){ (uint32_t)port });
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, name))
			continue;
		if (words[i].body && !body)
			return bad(p, name, "its parameters are missing");
		return words[i].parse(p, body);
	}
	return error_set(p->err, EINVAL, NULL, "there is no action \"%s\"", name);
}

/* `drop` and no more is how the empty list is written. */
static bool is_bare_drop(const struct buf *list, size_t start)
{
	const struct dp_action *a;

	if (list->len - start != sizeof(*a) + ROUND_UP(sizeof(struct act_drop), 8))
		return false;
	a = (const void *)(list->data + start);
	return a->kind == DP_ACT_DROP && !((const struct act_drop *)dp_action_payload(a))->reason;
}

static int parse_list(struct parser *p, char *text)
{
	size_t start = p->out->len;
	char *name, *body;
	int r;

	while ((r = dp_text_next(&text, &name, &body, p->err)) > 0) {
		r = parse_action(p, name, body);
		if (r)
			return r;
	}
	if (!r && is_bare_drop(p->out, start))
		p->out->len = start;
	return r;
}

int dp_actions_parse(const char *text, struct buf *out, struct error *err)
{
	struct buf list = BUF_INIT;
	struct parser p = { &list, err, 1 };
	char *copy = xstrdup(text);
	int r = parse_list(&p, copy);

	if (!r)
		r = dp_actions_check(dp_actions_of(&list), err);
	if (!r)
		buf_put(out, list.data, list.len);
	buf_done(&list);
	free(copy);
	return r;
}
