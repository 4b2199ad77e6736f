/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that steer a flow's processing as text, both ways (ovs-actions(7)): clone, the stack,
 * packet length, truncated output, samples, conjunctions, TCP's end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ofproto/text/ofpact_impl.h"
#include "ofproto/wire/ofpact_codec.h"

/* --- clone --- */

void ofpact_format_clone(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	str_puts(out, "clone(");
	ofpacts_format(ofpact_nested(a), names, out);
	str_putc(out, ')');
}

int ofpact_word_clone(struct act_word *w)
{
	struct buf nested = BUF_INIT;
	int e = ofpact_parse_nested(w, w->t->value, &nested);

	if (!e && nested.len > UINT16_MAX)
		e = error_set(w->err, EINVAL, "clone", "the list is too long");
	if (!e)
		ofpact_put(w->list, OFPACT_CLONE, nested.data, nested.len);
	buf_done(&nested);
	return e;
}

/* --- stack --- */

void ofpact_format_stack(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	(void)names;
	str_puts(out, a->kind == OFPACT_PUSH ? "push:" : "pop:");
	ofpact_bits_format(ofpact_payload(a), out);
}

static int need_writable(const struct ofpact_bits *b, struct error *err)
{
	const struct field *f = field_get((enum field_id)b->field);

	return f->writable ? 0 : error_set(err, EINVAL, f->name, "the field cannot be written");
}

int ofpact_word_stack(struct act_word *w)
{
	struct ofpact_bits b = { 0, 0, 0, 0 };
	int e = ofpact_bits_parse(w->t->value, &b, w->err);

	if (!e && w->kind == OFPACT_POP)
		e = need_writable(&b, w->err);
	if (!e)
		ofpact_put(w->list, (enum ofpact_kind)w->kind, &b, sizeof(b));
	return e;
}

/* --- packet length --- */

void ofpact_format_check_len(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_check_len *k = ofpact_payload(a);

	(void)names;
	str_printf(out, "check_pkt_larger(%u)->", k->len);
	ofpact_bits_format(&k->dst, out);
}

/* "check_pkt_larger(LEN)->FIELD[BIT]": the arrow stands behind the word. */
int ofpact_word_check_len(struct act_word *w)
{
	struct ofpact_check_len k = { .len = 0 };
	char *dst = *w->rest, *end;
	uint64_t len = 0;
	int e = token_number_of("check_pkt_larger", w->t->value, UINT16_MAX, &len, w->err);

	if (e)
		return e;
	if (strncmp(dst, "->", 2))
		return error_set(w->err, EINVAL, "check_pkt_larger", "it lacks \"->FIELD[BIT]\"");
	dst += 2;
	end = dst + strcspn(dst, ", \t\r\n");
	*w->rest = *end ? end + 1 : end;
	*end = '\0';
	k.len = (uint16_t)len;
	e = ofpact_bits_parse(dst, &k.dst, w->err);
	if (!e)
		e = need_writable(&k.dst, w->err);
	if (!e && k.dst.n != 1)
		e = error_set(w->err, EINVAL, "check_pkt_larger", "%u bits, not 1", k.dst.n);
	if (!e)
		ofpact_put(w->list, OFPACT_CHECK_PKT_LARGER, &k, sizeof(k));
	return e;
}

void ofpact_format_trunc(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_output_trunc *t = ofpact_payload(a);

	str_puts(out, "output(port=");
	ofp_port_format(t->port, names, out);
	str_printf(out, ",max_len=%" PRIu32 ")", t->max_len);
}

int ofpact_word_trunc(struct act_word *w)
{
	struct ofpact_output_trunc out = { { OFPP_NONE_ }, 0 };
	char *pos = w->t->value;
	uint64_t max_len = 0;
	struct token t;
	int e = 0;

	while (!e && token_next(&pos, &t, w->err)) {
		if (!strcmp(t.key, "port"))
			e = ofp_port_parse(t.value, w->names, &out.port, w->err);
		else if (!strcmp(t.key, "max_len"))
			e = token_number_of("max_len", t.value, UINT32_MAX, &max_len, w->err);
		else
			e = error_set(w->err, EINVAL, "output", "unknown option \"%.64s\"", t.key);
	}
	if (!e && (out.port.v == OFPP_NONE_ || max_len < OFPACT_TRUNC_MIN))
		e = error_set(w->err, EINVAL, "output",
			      "a port, and a max_len of at least %d, are needed", OFPACT_TRUNC_MIN);
	out.max_len = (uint32_t)max_len;
	if (!e)
		ofpact_put(w->list, OFPACT_OUTPUT_TRUNC, &out, sizeof(out));
	return e;
}

/* --- samples --- */

static const char *const sample_ways[] = { NULL, "ingress", "egress" }; /* enum ofpact_sample_way */

void ofpact_format_sample(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_sample *s = ofpact_payload(a);

	str_printf(out,
		   "sample(probability=%u,collector_set_id=%" PRIu32 ",obs_domain_id=%" PRIu32
		   ",obs_point_id=%" PRIu32,
		   s->probability, s->collector_set, s->domain, s->point);
	if (s->port.v != OFPP_NONE_) {
		str_puts(out, ",sampling_port=");
		ofp_port_format(s->port, names, out);
	}
	if (s->way)
		str_printf(out, ",%s", sample_ways[s->way]);
	str_putc(out, ')');
}

static int sample_option(struct act_word *w, const struct token *t, struct ofpact_sample *s)
{
	static const struct {
		const char *name;
		size_t ofs;
	} ids[] = {
		{ "collector_set_id", offsetof(struct ofpact_sample, collector_set) },
		{ "obs_domain_id", offsetof(struct ofpact_sample, domain) },
		{ "obs_point_id", offsetof(struct ofpact_sample, point) },
	};
	uint64_t x = 0;
	int e;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (!strcmp(t->key, ids[i].name)) {
			uint32_t v;

			e = token_number_of(t->key, t->value, UINT32_MAX, &x, w->err);
			v = (uint32_t)x;
			memcpy((char *)s + ids[i].ofs, &v, sizeof(v));
			return e;
		}
	if (!strcmp(t->key, "sampling_port"))
		return ofp_port_parse(t->value, w->names, &s->port, w->err);
	if (!strcmp(t->key, "probability")) {
		e = token_number_of(t->key, t->value, UINT16_MAX, &x, w->err);
		s->probability = (uint16_t)x;
		return e;
	}
	for (unsigned i = SAMPLE_WAY_INGRESS; i < ARRAY_SIZE(sample_ways); i++)
		if (!strcmp(t->key, sample_ways[i])) {
			s->way = (uint8_t)i;
			return 0;
		}
	return error_set(w->err, EINVAL, "sample", "unknown option \"%.64s\"", t->key);
}

int ofpact_word_sample(struct act_word *w)
{
	struct ofpact_sample s = { .port = { OFPP_NONE_ } };
	char *pos = w->t->value;
	struct token t;
	int e = 0;

	while (!e && token_next(&pos, &t, w->err))
		e = sample_option(w, &t, &s);
	if (!e && !s.probability)
		e = error_set(w->err, EINVAL, "sample", "a probability of 1 to 65535 is needed");
	if (!e)
		ofpact_put(w->list, OFPACT_SAMPLE, &s, sizeof(s));
	return e;
}

/* --- conjunctions --- */

void ofpact_format_conjunction(const struct ofpact *a, const struct ofp_names *names,
			       struct str *out)
{
	const struct ofpact_conjunction *k = ofpact_payload(a);

	(void)names;
	str_printf(out, "conjunction(%" PRIu32 ",%u/%u)", k->id, k->clause + 1u, k->n_clauses);
}

/* "conjunction(ID,K/N)" */
int ofpact_word_conjunction(struct act_word *w)
{
	struct ofpact_conjunction k = { .id = 0 };
	char *comma = strchr(w->t->value, ','), *slash = comma ? strchr(comma, '/') : NULL;
	uint64_t id = 0, clause = 0, n = 0;
	int e;

	if (!slash)
		return error_set(w->err, EINVAL, "conjunction", "an id and K/N are needed");
	*comma++ = *slash++ = '\0';
	comma += strspn(comma, " ");
	e = token_number_of("conjunction", w->t->value, UINT32_MAX, &id, w->err);
	if (!e)
		e = token_number_of("conjunction", comma, OFPACT_CLAUSES_MAX, &clause, w->err);
	if (!e)
		e = token_number_of("conjunction", slash, OFPACT_CLAUSES_MAX, &n, w->err);
	if (!e && (n < 2 || !clause || clause > n))
		e = error_set(w->err, EINVAL, "conjunction",
			      "there are 2 to %d clauses, numbered from 1", OFPACT_CLAUSES_MAX);
	k.id = (uint32_t)id;
	k.clause = (uint8_t)(clause - 1);
	k.n_clauses = (uint8_t)n;
	if (!e)
		ofpact_put(w->list, OFPACT_CONJUNCTION, &k, sizeof(k));
	return e;
}

/* --- TCP's end --- */

void ofpact_format_fin_timeout(const struct ofpact *a, const struct ofp_names *names,
			       struct str *out)
{
	const struct ofpact_fin_timeout *t = ofpact_payload(a);

	(void)names;
	str_puts(out, "fin_timeout(");
	if (t->idle)
		str_printf(out, "idle_timeout=%u,", t->idle);
	if (t->hard)
		str_printf(out, "hard_timeout=%u,", t->hard);
	str_chomp(out, ",");
	str_putc(out, ')');
}

int ofpact_word_fin_timeout(struct act_word *w)
{
	struct ofpact_fin_timeout f = { 0, 0 };
	char *pos = w->t->value;
	struct token t;
	int e = 0;

	while (!e && token_next(&pos, &t, w->err)) {
		bool idle = !strcmp(t.key, "idle_timeout");
		uint64_t x = 0;

		if (!idle && strcmp(t.key, "hard_timeout"))
			return error_set(w->err, EINVAL, "fin_timeout", "unknown option \"%.64s\"",
					 t.key);
		e = token_number_of(t.key, t.value, UINT16_MAX, &x, w->err);
		*(idle ? &f.idle : &f.hard) = (uint16_t)x;
	}
	if (!e)
		ofpact_put(w->list, OFPACT_FIN_TIMEOUT, &f, sizeof(f));
	return e;
}
