/* SPDX-License-Identifier: Apache-2.0 */
/* The ct action and the nat in it as text, both ways (ovs-actions(7), "The ct action"). */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "ofproto/text/ofpact_impl.h"
#include "ofproto/wire/ofpact_codec.h"

static const struct {
	const char *name;
	uint16_t alg;
} algs[] = { { "ftp", OFPACT_ALG_FTP }, { "tftp", OFPACT_ALG_TFTP } };

/* In the order that they are printed in. */
static const struct {
	const char *name;
	uint16_t flag;
} nat_flags[] = {
	{ "persistent", OFPACT_NAT_PERSISTENT },
	{ "hash", OFPACT_NAT_HASH },
	{ "random", OFPACT_NAT_RANDOM },
};

/* --- to text ----------------------------------------------------------------------------------
 */

static void put_address(const struct be128 *a, uint16_t family, bool brackets, struct str *out)
{
	char text[INET6_ADDRSTRLEN];

	(void)inet_ntop(family, a, text, sizeof(text)); /* the family is one of the two */
	str_printf(out, brackets ? "[%s]" : "%s", text);
}

static void put_range(const struct ofpact_nat *n, struct str *out)
{
	static const struct be128 none;
	bool brackets = n->family == AF_INET6 && n->port_min;

	if (n->family || n->port_min)
		str_putc(out, '=');
	if (n->family)
		put_address(&n->addr_min, n->family, brackets, out);
	if (n->family && memcmp(&n->addr_max, &none, sizeof(none)) &&
	    memcmp(&n->addr_max, &n->addr_min, sizeof(none))) {
		str_putc(out, '-');
		put_address(&n->addr_max, n->family, brackets, out);
	}
	if (n->port_min)
		str_printf(out, ":%u", n->port_min);
	if (n->port_max > n->port_min)
		str_printf(out, "-%u", n->port_max);
}

void ofpact_format_nat(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_nat *n = ofpact_payload(a);

	(void)names;
	str_puts(out, "nat");
	if (!(n->flags & (OFPACT_NAT_SRC | OFPACT_NAT_DST)))
		return;
	str_puts(out, n->flags & OFPACT_NAT_SRC ? "(src" : "(dst");
	put_range(n, out);
	for (size_t i = 0; i < ARRAY_SIZE(nat_flags); i++)
		if (n->flags & nat_flags[i].flag)
			str_printf(out, ",%s", nat_flags[i].name);
	str_putc(out, ')');
}

/* A nat that comes first stands beside exec(…), not in it. */
static void put_list(struct ofpacts l, const struct ofp_names *names, struct str *out)
{
	const struct ofpact *a = ofpact_first(l);

	if (a && a->kind == OFPACT_NAT) {
		size_t size = sizeof(*a) + ROUND_UP((size_t)a->len, 8);

		ofpact_format_nat(a, names, out);
		str_putc(out, ',');
		l = (struct ofpacts){ (const uint8_t *)a + size, l.len - (uint32_t)size };
	}
	if (l.len) {
		str_puts(out, "exec(");
		ofpacts_format(l, names, out);
		str_puts(out, "),");
	}
}

void ofpact_format_ct(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_ct *ct = ofpact_payload(a);

	str_puts(out, "ct(");
	if (ct->flags & OFPACT_CT_COMMIT)
		str_puts(out, "commit,");
	if (ct->flags & OFPACT_CT_FORCE)
		str_puts(out, "force,");
	if (ct->table != OFPACT_CT_NO_TABLE)
		str_printf(out, "table=%u,", ct->table);
	if (ct->zone_src.n) {
		str_puts(out, "zone=");
		ofpact_bits_format(&ct->zone_src, out);
		str_putc(out, ',');
	} else if (ct->zone) {
		str_printf(out, "zone=%u,", ct->zone);
	}
	put_list(ofpact_nested(a), names, out);
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].alg == ct->alg)
			str_printf(out, "alg=%s,", algs[i].name);
	str_chomp(out, ",");
	str_putc(out, ')');
}

/* --- from text --------------------------------------------------------------------------------
 */

static int bad_range(const char *text, struct error *err)
{
	return error_set(err, EINVAL, "nat", "\"%.64s\" is no range of addresses and ports", text);
}

/* One address: up to what stands behind it, in brackets when it has a colon and a port follows. */
static bool read_address(const char **s, uint16_t family, struct be128 *a)
{
	char text[INET6_ADDRSTRLEN];
	bool brackets = **s == '[';
	size_t n = strcspn(*s + brackets, brackets ? "]" : family == AF_INET ? "-:" : "-");

	if (n >= sizeof(text) || (brackets && (*s)[1 + n] != ']'))
		return false;
	memcpy(text, *s + brackets, n);
	text[n] = '\0';
	*s += n + 2u * brackets;
	return inet_pton(family, text, a) == 1;
}

static uint16_t family_of(const char *s)
{
	struct be128 ignored;

	return *s != '[' && read_address(&s, AF_INET, &ignored) ? AF_INET : AF_INET6;
}

static bool read_ports(const char *s, struct ofpact_nat *n)
{
	char *end;
	unsigned long min = strtoul(s, &end, 10), max = 0;

	if (end == s || !min || min > UINT16_MAX)
		return false;
	if (*end == '-') {
		s = end + 1;
		max = strtoul(s, &end, 10);
		if (end == s || max < min || max > UINT16_MAX)
			return false;
	}
	n->port_min = (uint16_t)min;
	n->port_max = (uint16_t)max;
	return !*end;
}

/* "ADDRESS[-ADDRESS][:PORT[-PORT]]" */
static bool read_range(const char *s, struct ofpact_nat *n)
{
	n->family = family_of(s);
	if (!read_address(&s, n->family, &n->addr_min))
		return false;
	if (*s == '-') {
		s++;
		if (!read_address(&s, n->family, &n->addr_max))
			return false;
	}
	return *s == ':' ? read_ports(s + 1, n) : !*s;
}

static int nat_option(const struct token *t, struct ofpact_nat *n, struct error *err)
{
	uint16_t way = !strcmp(t->key, "src")   ? OFPACT_NAT_SRC
		       : !strcmp(t->key, "dst") ? OFPACT_NAT_DST
						: 0;

	if (way) {
		n->flags |= way;
		return !*t->value || read_range(t->value, n) ? 0 : bad_range(t->value, err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(nat_flags); i++)
		if (!strcmp(t->key, nat_flags[i].name)) {
			n->flags |= nat_flags[i].flag;
			return 0;
		}
	return error_set(err, EINVAL, "nat", "unknown option \"%.64s\"", t->key);
}

static int parse_nat(char *text, struct ofpact_nat *n, struct error *err)
{
	struct token t;
	int e = 0;

	memset(n, 0, sizeof(*n));
	while (!e && token_next(&text, &t, err))
		e = nat_option(&t, n, err);
	if (!e && !ofpact_nat_ok(n))
		e = error_set(err, EINVAL, "nat",
			      "either src or dst, not both hash and random, and ranges that go up");
	return e;
}

int ofpact_word_nat(struct act_word *w)
{
	struct ofpact_nat n;
	int e = parse_nat(w->t->value, &n, w->err);

	if (!e)
		ofpact_put(w->list, OFPACT_NAT, &n, sizeof(n));
	return e;
}

struct ct_parts {
	struct ofpact_ct ct;
	struct buf nat, exec; /* owned */
};

static int parse_zone(const struct token *t, struct ofpact_ct *ct, struct error *err)
{
	uint64_t x;

	if (!token_number(t->value, UINT16_MAX, &x)) {
		ct->zone = (uint16_t)x;
		return 0;
	}
	if (ofpact_bits_parse(t->value, &ct->zone_src, err))
		return -EINVAL;
	return ct->zone_src.n == 16
		       ? 0
		       : error_set(err, EINVAL, "zone", "%u bits, not 16", ct->zone_src.n);
}

static int parse_alg(const struct token *t, struct ofpact_ct *ct, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (!strcmp(t->value, algs[i].name)) {
			ct->alg = algs[i].alg;
			return 0;
		}
	return error_set(err, EINVAL, "alg", "\"%.64s\" is neither ftp nor tftp", t->value);
}

static int ct_option(struct act_word *w, const struct token *t, struct ct_parts *p)
{
	struct ofpact_nat n;
	uint64_t x = 0;
	int e;

	if (!strcmp(t->key, "commit")) {
		p->ct.flags |= OFPACT_CT_COMMIT;
	} else if (!strcmp(t->key, "force")) {
		p->ct.flags |= OFPACT_CT_FORCE;
	} else if (!strcmp(t->key, "table")) {
		e = token_number_of("table", t->value, OFPACT_CT_NO_TABLE - 1, &x, w->err);
		p->ct.table = (uint8_t)x;
		return e;
	} else if (!strcmp(t->key, "zone")) {
		return parse_zone(t, &p->ct, w->err);
	} else if (!strcmp(t->key, "alg")) {
		return parse_alg(t, &p->ct, w->err);
	} else if (!strcmp(t->key, "exec")) {
		return ofpact_parse_nested(w, t->value, &p->exec);
	} else if (!strcmp(t->key, "nat")) {
		e = parse_nat(t->value, &n, w->err);
		if (!e)
			ofpact_put(&p->nat, OFPACT_NAT, &n, sizeof(n));
		return e;
	} else {
		return error_set(w->err, EINVAL, "ct", "unknown option \"%.64s\"", t->key);
	}
	return 0;
}

int ofpact_word_ct(struct act_word *w)
{
	struct ct_parts p = { .ct = { .table = OFPACT_CT_NO_TABLE } };
	struct buf all = BUF_INIT;
	char *pos = w->t->value;
	struct token t;
	int e = 0;

	while (!e && token_next(&pos, &t, w->err))
		e = ct_option(w, &t, &p);
	buf_put(&all, &p.ct, sizeof(p.ct));
	buf_put(&all, p.nat.data, p.nat.len);
	buf_put(&all, p.exec.data, p.exec.len);
	if (!e && all.len > UINT16_MAX)
		e = error_set(w->err, EINVAL, "ct", "the list is too long");
	if (!e)
		ofpact_put(w->list, OFPACT_CT, all.data, all.len);
	buf_done(&all);
	buf_done(&p.nat);
	buf_done(&p.exec);
	return e;
}
