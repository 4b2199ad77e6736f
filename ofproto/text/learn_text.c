/* SPDX-License-Identifier: Apache-2.0 */
/* The learn action as text, both ways (ovs-actions(7), "The learn action"). */
#include <inttypes.h>
#include <strings.h>

#include "ofproto/text/ofpact_impl.h"
#include "ofproto/wire/ofpact_codec.h"

#define DEFAULT_PRIORITY 32768

/* --- to text -----------------------------------------------------------------------------------
 */

static void format_fixed(const struct ofpact_learn *l, struct str *out)
{
	static const struct {
		const char *name;
		size_t ofs;
	} numbers[] = {
		{ "idle_timeout", offsetof(struct ofpact_learn, idle_timeout) },
		{ "hard_timeout", offsetof(struct ofpact_learn, hard_timeout) },
		{ "fin_idle_timeout", offsetof(struct ofpact_learn, fin_idle) },
		{ "fin_hard_timeout", offsetof(struct ofpact_learn, fin_hard) },
	};

	str_printf(out, "learn(table=%u", l->table);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint16_t v;

		memcpy(&v, (const char *)l + numbers[i].ofs, sizeof(v));
		if (v)
			str_printf(out, ",%s=%u", numbers[i].name, v);
	}
	if (l->priority != DEFAULT_PRIORITY)
		str_printf(out, ",priority=%u", l->priority);
	if (l->flags & OFPACT_LEARN_SEND_FLOW_REM)
		str_puts(out, ",send_flow_rem");
	if (l->flags & OFPACT_LEARN_DELETE)
		str_puts(out, ",delete_learned");
	if (l->cookie)
		str_printf(out, ",cookie=0x%" PRIx64, ntoh64(l->cookie));
	if (l->limit)
		str_printf(out, ",limit=%" PRIu32, l->limit);
}

/* A constant as the destination field would be written, or in hexadecimal for a part of one. */
static void format_match_value(const struct ofpact_learn_spec *s, struct str *out)
{
	const struct field *f = field_get((enum field_id)s->dst.field);

	if (s->dst.ofs || s->n_bits != f->n_bits) {
		ofpact_bits_format(&s->dst, out);
		str_puts(out, "=0x");
		for (unsigned i = 0, n = DIV_ROUND_UP(s->n_bits, 8u), on = 0; i < n; i++) {
			on |= s->value.b[i];
			if (on || i + 1 == n)
				str_printf(out, on == s->value.b[i] ? "%x" : "%02x", s->value.b[i]);
		}
	} else {
		union field_value v = { .b = { 0 } };
		size_t keep = DIV_ROUND_UP(s->n_bits, 8u);

		memcpy(v.b + f->n_bytes - keep, &s->value, keep);
		str_printf(out, "%s=", f->set_name ? f->set_name : f->name);
		field_format(f, &v, NULL, out);
	}
}

static void format_spec(const struct ofpact_learn_spec *s, struct str *out)
{
	bool value = s->src_type == LEARN_SRC_VALUE;

	str_putc(out, ',');
	if (s->dst_type == LEARN_DST_MATCH && value) {
		format_match_value(s, out);
		return;
	}
	if (s->dst_type == LEARN_DST_MATCH) {
		ofpact_bits_format(&s->dst, out);
		if (s->src.field == s->dst.field && s->src.ofs == s->dst.ofs)
			return;
		str_putc(out, '=');
		ofpact_bits_format(&s->src, out);
		return;
	}
	str_puts(out, s->dst_type == LEARN_DST_LOAD ? "load:" : "output:");
	if (value) {
		unsigned n = MIN(s->n_bits, (uint16_t)64);

		str_printf(out, "0x%" PRIx64,
			   field_value_get_bits(&s->value, DIV_ROUND_UP(s->n_bits, 8u), 0, n));
	} else {
		ofpact_bits_format(&s->src, out);
	}
	if (s->dst_type == LEARN_DST_LOAD) {
		str_puts(out, "->");
		ofpact_bits_format(&s->dst, out);
	}
}

void ofpact_format_learn(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_learn *l = ofpact_payload(a);
	const struct ofpact_learn_spec *s = (const void *)(l + 1);

	(void)names;
	format_fixed(l, out);
	for (uint32_t i = 0; i < l->n_specs; i++)
		format_spec(&s[i], out);
	str_putc(out, ')');
}

/* --- from text ---------------------------------------------------------------------------------
 */

/* The low n bits of a number or of a whole field's value, where read_value() of the wire puts them.
 */
static int constant(const char *text, const struct ofpact_bits *dst, union field_value *value,
		    struct error *err)
{
	const struct field *f = field_get((enum field_id)dst->field);
	size_t keep = DIV_ROUND_UP(dst->n, 8u);
	union field_value v = { .b = { 0 } }, mask;
	uint64_t x;
	int e;

	memset(value, 0, sizeof(*value));
	if (!dst->ofs && dst->n == f->n_bits) {
		e = field_parse(f, text, &v, &mask, err);
		if (e)
			return e;
		memcpy(value, v.b + f->n_bytes - keep, keep);
		return 0;
	}
	e = token_number_of(ofpact_field_name(f), text,
			    dst->n >= 64 ? UINT64_MAX : (UINT64_C(1) << dst->n) - 1, &x, err);
	if (e)
		return e;
	field_value_set_bits(value, (unsigned)keep, 0, MIN(dst->n, (uint16_t)64), x);
	return 0;
}

/* "FIELD" or "FIELD=…" where … is a constant or another field. */
static int parse_match(const struct token *t, struct ofpact_learn_spec *s, struct error *err)
{
	struct error ignored = ERROR_INIT;
	int e = ofpact_bits_parse(t->key, &s->dst, err);

	if (e)
		return e;
	s->dst_type = LEARN_DST_MATCH;
	if (!t->delim) {
		s->src_type = LEARN_SRC_FIELD;
		s->src = s->dst;
	} else if (!ofpact_bits_parse(t->value, &s->src, &ignored)) {
		s->src_type = LEARN_SRC_FIELD;
		if (s->src.n != s->dst.n)
			return error_set(err, EINVAL, "learn",
					 "%s and %s have different numbers of bits", t->key,
					 t->value);
	} else {
		s->src_type = LEARN_SRC_VALUE;
		e = constant(t->value, &s->dst, &s->value, err);
	}
	s->n_bits = s->dst.n;
	return e;
}

static int parse_load(char *text, struct ofpact_learn_spec *s, struct error *err)
{
	struct error ignored = ERROR_INIT;
	char *behind = NULL;
	int e = ofpact_split_arrow(text, &behind, err);

	if (!e)
		e = ofpact_bits_parse(behind, &s->dst, err);
	if (e)
		return e;
	if (!field_get((enum field_id)s->dst.field)->writable)
		return error_set(err, EINVAL, "learn", "%s cannot be written", behind);
	s->dst_type = LEARN_DST_LOAD;
	s->n_bits = s->dst.n;
	if (ofpact_bits_parse(text, &s->src, &ignored)) {
		s->src_type = LEARN_SRC_VALUE;
		return constant(text, &s->dst, &s->value, err);
	}
	s->src_type = LEARN_SRC_FIELD;
	if (s->src.n != s->dst.n)
		return error_set(err, EINVAL, "learn", "%s and %s have different numbers of bits",
				 text, behind);
	return 0;
}

static int parse_spec(const struct token *t, struct ofpact_learn_spec *s, struct error *err)
{
	int e;

	memset(s, 0, sizeof(*s));
	if (!strcmp(t->key, "load"))
		return parse_load(t->value, s, err);
	if (strcmp(t->key, "output"))
		return parse_match(t, s, err);
	e = ofpact_bits_parse(t->value, &s->src, err);
	s->src_type = LEARN_SRC_FIELD;
	s->dst_type = LEARN_DST_OUTPUT;
	s->n_bits = s->src.n;
	return e;
}

/* Words of the fixed part.  1: it was one; 0: it is a spec. */
static int parse_fixed(const struct token *t, struct ofpact_learn *l, struct error *err)
{
	static const struct {
		const char *name;
		uint64_t max;
	} numbers[] = {
		{ "table", 254 },
		{ "idle_timeout", UINT16_MAX },
		{ "hard_timeout", UINT16_MAX },
		{ "fin_idle_timeout", UINT16_MAX },
		{ "fin_hard_timeout", UINT16_MAX },
		{ "priority", UINT16_MAX },
		{ "cookie", UINT64_MAX },
		{ "limit", UINT32_MAX },
	};
	uint64_t x;

	if (!strcmp(t->key, "send_flow_rem") || !strcmp(t->key, "delete_learned")) {
		l->flags |= *t->key == 's' ? OFPACT_LEARN_SEND_FLOW_REM : OFPACT_LEARN_DELETE;
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		int e;

		if (strcmp(numbers[i].name, t->key))
			continue;
		e = token_number_of(t->key, t->value, numbers[i].max, &x, err);
		if (e)
			return e;
		switch (i) {
		case 0: l->table = (uint8_t)x; break;
		case 1: l->idle_timeout = (uint16_t)x; break;
		case 2: l->hard_timeout = (uint16_t)x; break;
		case 3: l->fin_idle = (uint16_t)x; break;
		case 4: l->fin_hard = (uint16_t)x; break;
		case 5: l->priority = (uint16_t)x; break;
		case 6: l->cookie = hton64(x); break;
		default: l->limit = (uint32_t)x; break;
		}
		return 1;
	}
	return 0;
}

int ofpact_parse_learn(char *text, struct buf *list, struct error *err)
{
	struct ofpact_learn l = { .priority = DEFAULT_PRIORITY, .table = 1 };
	struct ofpact_learn_spec specs[OFPACT_MAX_LEARN_SPECS];
	struct error broken = ERROR_INIT;
	struct token t;
	uint8_t *p;

	while (token_next(&text, &t, &broken)) {
		int e = parse_fixed(&t, &l, err);

		if (!e && l.n_specs == OFPACT_MAX_LEARN_SPECS)
			return error_set(err, EINVAL, "learn", "more than %u parts",
					 OFPACT_MAX_LEARN_SPECS);
		if (!e)
			e = parse_spec(&t, &specs[l.n_specs++], err);
		if (e < 0)
			return e;
	}
	if (broken.code)
		return error_set(err, EINVAL, "learn", "%s", broken.cause);
	p = ofpact_put(list, OFPACT_LEARN, NULL, sizeof(l) + l.n_specs * sizeof(*specs));
	memcpy(p, &l, sizeof(l));
	memcpy(p + sizeof(l), specs, l.n_specs * sizeof(*specs));
	return 0;
}
