/* SPDX-License-Identifier: Apache-2.0 */
/* Text to actions: one table with a row per word. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "core/base/xalloc.h"
#include "ofproto/text/ofpact_impl.h"
#include "ofproto/wire/msgs.h"
#include "ofproto/wire/ofpact_codec.h"

static int parse_list(char *text, const struct ofp_names *names, unsigned depth, struct buf *list,
		      struct error *err) MUST_CHECK;

static int number(const struct act_word *w, uint64_t max, uint64_t *x)
{
	return token_number_of(w->t->key, w->t->value, max, x, w->err);
}

/* --- fields and parts of them ------------------------------------------------------------------
 */

static int bad_bits(const char *text, struct error *err)
{
	return error_set(err, EINVAL, "field", "\"%.64s\" is not a field or a part of one", text);
}

/* "[]", "[5]", "[0..15]" */
static int parse_range(const char *text, const struct field *f, struct ofpact_bits *b,
		       struct error *err)
{
	unsigned long first, last;
	char *end;

	if (!strcmp(text, "[]") || !*text)
		return 0;
	if (!isdigit((unsigned char)text[1]))
		return bad_bits(text, err);
	first = last = strtoul(text + 1, &end, 10);
	if (!strncmp(end, "..", 2) && isdigit((unsigned char)end[2]))
		last = strtoul(end + 2, &end, 10);
	if (strcmp(end, "]"))
		return bad_bits(text, err);
	if (first > last || last >= f->n_bits)
		return error_set(err, EINVAL, ofpact_field_name(f),
				 "bits %lu to %lu of a field of %u bits", first, last, f->n_bits);
	b->ofs = (uint16_t)first;
	b->n = (uint16_t)(last - first + 1);
	return 0;
}

int ofpact_bits_parse(const char *text, struct ofpact_bits *b, struct error *err)
{
	size_t n = strcspn(text, "[");
	const struct field *f = n ? field_by_name(text, n) : NULL;

	if (!f || (!f->nxm && !f->oxm))
		return bad_bits(text, err);
	*b = (struct ofpact_bits){ (uint16_t)f->id, 0, (uint16_t)ofpact_field_bits(f), 0 };
	return parse_range(text + n, f, b, err);
}

int ofpact_split_arrow(char *text, char **behind, struct error *err)
{
	char *arrow = strstr(text, "->");

	if (!arrow)
		return error_set(err, EINVAL, NULL, "\"%.64s\" lacks \"->\"", text);
	*arrow = '\0';
	*behind = arrow + 2;
	return 0;
}

static int check_writable(const struct field *f, struct error *err)
{
	return f->writable ? 0 : error_set(err, EINVAL, f->name, "the field cannot be written");
}

static int word_load(struct act_word *w)
{
	union field_value v = { .b = { 0 } }, mask = { .b = { 0 } };
	struct ofpact_bits b = { 0, 0, 0, 0 };
	const struct field *f;
	char *behind = w->t->value;
	uint64_t x = 0;
	int e = ofpact_split_arrow(w->t->value, &behind, w->err);

	if (!e)
		e = ofpact_bits_parse(behind, &b, w->err);
	if (e)
		return e;
	f = field_get((enum field_id)b.field);
	if (b.n > 64) {
		e = field_parse(f, w->t->value, &v, &mask, w->err);
	} else {
		e = token_number_of("load", w->t->value,
				    b.n == 64 ? UINT64_MAX : (UINT64_C(1) << b.n) - 1, &x, w->err);
		field_value_set_bits(&v, f->n_bytes, b.ofs, b.n, x);
		field_value_set_bits(&mask, f->n_bytes, b.ofs, b.n, UINT64_MAX);
	}
	if (!e)
		e = check_writable(f, w->err);
	if (!e && !field_value_ok(f, &v))
		e = error_set(w->err, EINVAL, f->name, "not a value of the field");
	if (!e)
		ofpact_put_set_field(w->list, f->id, &v, &mask, OFPACT_RAW_LOAD);
	return e;
}

static int word_set_field(struct act_word *w)
{
	union field_value v, mask;
	const struct field *f;
	char *behind = w->t->value;
	int e = ofpact_split_arrow(w->t->value, &behind, w->err);

	if (e)
		return e;
	f = field_by_name(behind, strlen(behind));
	if (!f)
		return error_set(w->err, EINVAL, "set_field", "\"%.64s\" is no field", behind);
	e = check_writable(f, w->err);
	if (!e)
		e = field_parse(f, w->t->value, &v, &mask, w->err);
	if (!e)
		ofpact_put_set_field(w->list, f->id, &v, &mask, OFPACT_RAW_STD);
	return e;
}

/* mod_nw_src and the like: arg is the field. */
static int word_setter(struct act_word *w)
{
	const struct field *f = field_get((enum field_id)w->arg);
	union field_value v, mask;
	int e = field_parse(f, w->t->value, &v, &mask, w->err);

	if (!e)
		ofpact_put_set_field(w->list, f->id, &v, NULL, OFPACT_RAW_OF10);
	return e;
}

/* set_tunnel, set_tunnel64: arg is the spelling. */
static int word_tunnel(struct act_word *w)
{
	union field_value v = { .b = { 0 } };
	uint64_t x;
	int e = number(w, UINT64_MAX, &x);

	if (e)
		return e;
	v.be64 = hton64(x);
	ofpact_put_set_field(w->list, FIELD_TUN_ID, &v, NULL,
			     x >> 32 ? OFPACT_RAW_TUNNEL64 : w->arg);
	return 0;
}

static int word_move(struct act_word *w)
{
	struct ofpact_move m = { { 0, 0, 0, 0 }, { 0, 0, 0, 0 } };
	char *behind = w->t->value;
	int e = ofpact_split_arrow(w->t->value, &behind, w->err);

	if (!e)
		e = ofpact_bits_parse(w->t->value, &m.src, w->err);
	if (!e)
		e = ofpact_bits_parse(behind, &m.dst, w->err);
	if (!e)
		e = check_writable(field_get((enum field_id)m.dst.field), w->err);
	if (e)
		return e;
	if (m.src.n != m.dst.n)
		return error_set(w->err, EINVAL, "move", "%u bits do not go into %u", m.src.n,
				 m.dst.n);
	ofpact_put(w->list, OFPACT_MOVE, &m, sizeof(m));
	return 0;
}

/* --- output ------------------------------------------------------------------------------------
 */

static void put_output(struct buf *list, struct ofp_port port, uint32_t max_len)
{
	struct ofpact_output o = { port, port.v == OFPP_CONTROLLER_ ? max_len : 0 };

	ofpact_put(list, OFPACT_OUTPUT, &o, sizeof(o));
}

static int word_output(struct act_word *w)
{
	struct error ignored = ERROR_INIT;
	struct ofpact_output_reg o = { .max_len = UINT16_MAX };
	struct ofp_port port;
	int e;

	if (w->t->delim == '(')
		return ofpact_word_trunc(w);
	if (!ofpact_bits_parse(w->t->value, &o.src, &ignored)) {
		ofpact_put(w->list, OFPACT_OUTPUT_REG, &o, sizeof(o));
		return 0;
	}
	e = ofp_port_parse(w->t->value, w->names, &port, w->err);
	if (!e)
		put_output(w->list, port, UINT16_MAX);
	return e;
}

static int controller_option(struct act_word *w, const struct token *t, struct ofpact_controller *k)
{
	uint64_t x = 0;
	int e;

	if (!strcmp(t->key, "reason")) {
		for (unsigned i = 0; i < ARRAY_SIZE(ofpact_reason_names); i++)
			if (!strcmp(t->value, ofpact_reason_names[i])) {
				k->reason = (uint8_t)i;
				return 0;
			}
		return error_set(w->err, EINVAL, "controller", "unknown reason \"%.64s\"",
				 t->value);
	}
	if (strcmp(t->key, "max_len") && strcmp(t->key, "id"))
		return error_set(w->err, EINVAL, "controller", "unknown option \"%.64s\"", t->key);
	e = token_number_of("controller", t->value, UINT16_MAX, &x, w->err);
	if (*t->key == 'm')
		k->max_len = (uint16_t)x;
	else
		k->controller_id = (uint16_t)x;
	return e;
}

static int word_controller(struct act_word *w)
{
	struct ofpact_controller k = { .max_len = UINT16_MAX, .reason = OFPR_ACTION_ };
	char *pos = w->t->value;
	struct token t;
	uint64_t x = UINT16_MAX;
	int e = 0;

	if (w->t->delim != '(') {
		if (w->t->delim)
			e = number(w, UINT16_MAX, &x);
		if (!e)
			put_output(w->list, (struct ofp_port){ OFPP_CONTROLLER_ }, (uint32_t)x);
		return e;
	}
	while (!e && token_next(&pos, &t, w->err))
		e = controller_option(w, &t, &k);
	if (!e && k.reason == OFPR_ACTION_ && !k.controller_id)
		put_output(w->list, (struct ofp_port){ OFPP_CONTROLLER_ }, k.max_len);
	else if (!e)
		ofpact_put(w->list, OFPACT_CONTROLLER, &k, sizeof(k));
	return e;
}

/* "enqueue:PORT:QUEUE", "enqueue(PORT,QUEUE)" */
static int word_enqueue(struct act_word *w)
{
	char *colon = w->t->value + strcspn(w->t->value, ":,");
	struct ofpact_enqueue q;
	uint64_t x = 0;
	int e;

	if (!*colon)
		return error_set(w->err, EINVAL, "enqueue", "a port and a queue are needed");
	*colon = '\0';
	e = ofp_port_parse(w->t->value, w->names, &q.port, w->err);
	if (!e)
		e = token_number_of("enqueue", colon + 1, UINT32_MAX, &x, w->err);
	q.queue = (uint32_t)x;
	if (!e)
		ofpact_put(w->list, OFPACT_ENQUEUE, &q, sizeof(q));
	return e;
}

/* Cuts the text at a comma; what stands behind, or NULL. */
static char *cut_at_comma(char *text)
{
	char *comma = text ? strchr(text, ',') : NULL;

	if (comma)
		*comma++ = '\0';
	return comma;
}

/* "resubmit:PORT", "resubmit([PORT],[TABLE][,ct])" */
static int word_resubmit(struct act_word *w)
{
	struct ofpact_resubmit r = { .in_port = { OFPP_IN_PORT_ }, .table = 255 };
	char *table = cut_at_comma(w->t->value), *ct = cut_at_comma(table);
	bool said_port;
	uint64_t x;
	int e = 0;

	r.ct = ct && !strcmp(ct, "ct");
	if (ct && !r.ct)
		return error_set(w->err, EINVAL, "resubmit", "unknown option \"%.64s\"", ct);
	said_port = *w->t->value;
	if (said_port)
		e = ofp_port_parse(w->t->value, w->names, &r.in_port, w->err);
	if (!e && table && *table) {
		e = token_number_of("resubmit", table, UINT8_MAX, &x, w->err);
		if (!e)
			r.table = (uint8_t)x;
	}
	if (!e && !said_port && r.table == 255)
		e = error_set(w->err, EINVAL, "resubmit", "a port or a table is needed");
	if (!e)
		ofpact_put(w->list, OFPACT_RESUBMIT, &r, sizeof(r));
	return e;
}

/* --- the others --------------------------------------------------------------------------------
 */

/* arg: bytes of the number that the record has; 0: none. */
static int word_number(struct act_word *w)
{
	static const uint16_t limits[OFPACT_N_KINDS] = { [OFPACT_SET_VLAN_VID] = 0xfff,
							 [OFPACT_SET_VLAN_PCP] = 7,
							 [OFPACT_SET_TTL] = UINT8_MAX,
							 [OFPACT_SET_MPLS_TTL] = UINT8_MAX };
	uint64_t max = limits[w->kind] ? limits[w->kind] : (UINT64_C(1) << 8 * w->arg) - 1, x = 0;
	int e = w->arg ? number(w, max, &x) : 0;
	struct ofpact_u8 u8 = { (uint8_t)x };
	struct ofpact_u16 u16 = { (uint16_t)x };
	struct ofpact_u32 u32 = { (uint32_t)x };
	const void *payload = w->arg == 1   ? (const void *)&u8
			      : w->arg == 2 ? (const void *)&u16
					    : &u32;

	if (!e)
		ofpact_put(w->list, (enum ofpact_kind)w->kind, payload, w->arg);
	return e;
}

static int word_ethertype(struct act_word *w)
{
	uint64_t x = 0;
	int e = number(w, UINT16_MAX, &x);
	struct ofpact_ethertype p = { htons((uint16_t)x) };

	if (!e && w->kind == OFPACT_PUSH_VLAN && x != 0x8100 && x != 0x88a8)
		e = error_set(w->err, EINVAL, w->t->key, "0x%04x is not a VLAN tag's type",
			      (unsigned)x);
	if (!e && w->kind == OFPACT_PUSH_MPLS && x != 0x8847 && x != 0x8848)
		e = error_set(w->err, EINVAL, w->t->key, "0x%04x is not MPLS", (unsigned)x);
	if (!e)
		ofpact_put(w->list, (enum ofpact_kind)w->kind, &p, sizeof(p));
	return e;
}

static int word_strip_vlan(struct act_word *w)
{
	ofpact_set_raw(ofpact_put(w->list, OFPACT_STRIP_VLAN, NULL, 0), w->arg);
	return 0;
}

static int word_dec_ttl(struct act_word *w)
{
	struct ofpact_dec_ttl d = { .n = 0 };
	char *pos = w->t->value;
	struct token t;

	while (token_next(&pos, &t, w->err)) {
		uint64_t x;
		int e = token_number_of("dec_ttl", t.key, UINT16_MAX, &x, w->err);

		if (!e && d.n == ARRAY_SIZE(d.ids))
			e = error_set(w->err, EINVAL, "dec_ttl", "more than %zu controllers",
				      ARRAY_SIZE(d.ids));
		if (e)
			return e;
		d.ids[d.n++] = (uint16_t)x;
	}
	ofpact_put(w->list, OFPACT_DEC_TTL, &d, sizeof(d));
	return 0;
}

static int word_learn(struct act_word *w)
{
	return ofpact_parse_learn(w->t->value, w->list, w->err);
}

/* "note:01.02.03", padded to what the wire action carries whole. */
static int word_note(struct act_word *w)
{
	const char *s = w->t->value;
	struct buf b = BUF_INIT;

	while (*s) {
		char hex[3] = { s[0], s[0] ? s[1] : '\0', '\0' };

		if (*s == '.') {
			s++;
			continue;
		}
		if (!isxdigit((unsigned char)hex[0]) || !isxdigit((unsigned char)hex[1]) ||
		    b.len >= 32768) {
			buf_done(&b);
			return error_set(w->err, EINVAL, "note", "\"%.16s\" is not a byte", s);
		}
		buf_put_u8(&b, (uint8_t)strtoul(hex, NULL, 16));
		s += 2;
	}
	while (b.len < 6 || (b.len + 10) % 8)
		buf_put_u8(&b, 0);
	ofpact_put(w->list, OFPACT_NOTE, b.data, b.len);
	buf_done(&b);
	return 0;
}

static int word_write_actions(struct act_word *w)
{
	struct buf nested = BUF_INIT;
	int e = ofpact_parse_nested(w, w->t->value, &nested);

	if (!e && nested.len > UINT16_MAX)
		e = error_set(w->err, EINVAL, w->t->key, "the list is too long");
	if (!e)
		ofpact_put(w->list, OFPACT_WRITE_ACTIONS, nested.data, nested.len);
	buf_done(&nested);
	return e;
}

static int word_metadata(struct act_word *w)
{
	char *slash = strchr(w->t->value, '/');
	struct ofpact_metadata md;
	uint64_t v, mask = UINT64_MAX;
	int e;

	if (slash)
		*slash = '\0';
	e = number(w, UINT64_MAX, &v);
	if (!e && slash)
		e = token_number_of(w->t->key, slash + 1, UINT64_MAX, &mask, w->err);
	if (e)
		return e;
	md.mask = hton64(mask);
	md.value = hton64(v) & md.mask;
	ofpact_put(w->list, OFPACT_WRITE_METADATA, &md, sizeof(md));
	return 0;
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct word_row {
	const char *name;
	uint8_t kind, arg;
	ofpact_word_fn *parse;
} words[] = {
	{ "output", OFPACT_OUTPUT, 0, word_output },
	{ "controller", OFPACT_CONTROLLER, 0, word_controller },
	{ "enqueue", OFPACT_ENQUEUE, 0, word_enqueue },
	{ "group", OFPACT_GROUP, 4, word_number },
	{ "set_field", OFPACT_SET_FIELD, 0, word_set_field },
	{ "load", OFPACT_SET_FIELD, 0, word_load },
	{ "mod_dl_src", OFPACT_SET_FIELD, FIELD_ETH_SRC, word_setter },
	{ "mod_dl_dst", OFPACT_SET_FIELD, FIELD_ETH_DST, word_setter },
	{ "mod_nw_src", OFPACT_SET_FIELD, FIELD_IPV4_SRC, word_setter },
	{ "mod_nw_dst", OFPACT_SET_FIELD, FIELD_IPV4_DST, word_setter },
	{ "mod_nw_tos", OFPACT_SET_FIELD, FIELD_IP_DSCP, word_setter },
	{ "mod_nw_ecn", OFPACT_SET_FIELD, FIELD_IP_ECN, word_setter },
	{ "set_mpls_label", OFPACT_SET_FIELD, FIELD_MPLS_LABEL, word_setter },
	{ "set_mpls_tc", OFPACT_SET_FIELD, FIELD_MPLS_TC, word_setter },
	{ "set_tunnel", OFPACT_SET_FIELD, OFPACT_RAW_TUNNEL, word_tunnel },
	{ "set_tunnel64", OFPACT_SET_FIELD, OFPACT_RAW_TUNNEL64, word_tunnel },
	{ "move", OFPACT_MOVE, 0, word_move },
	{ "mod_vlan_vid", OFPACT_SET_VLAN_VID, 2, word_number },
	{ "set_vlan_vid", OFPACT_SET_VLAN_VID, 2, word_number },
	{ "mod_vlan_pcp", OFPACT_SET_VLAN_PCP, 2, word_number },
	{ "set_vlan_pcp", OFPACT_SET_VLAN_PCP, 2, word_number },
	{ "strip_vlan", OFPACT_STRIP_VLAN, OFPACT_RAW_OF10, word_strip_vlan },
	{ "pop_vlan", OFPACT_STRIP_VLAN, OFPACT_RAW_STD, word_strip_vlan },
	{ "push_vlan", OFPACT_PUSH_VLAN, 0, word_ethertype },
	{ "mod_tp_src", OFPACT_SET_L4_SRC, 2, word_number },
	{ "mod_tp_dst", OFPACT_SET_L4_DST, 2, word_number },
	{ "push_mpls", OFPACT_PUSH_MPLS, 0, word_ethertype },
	{ "pop_mpls", OFPACT_POP_MPLS, 0, word_ethertype },
	{ "dec_ttl", OFPACT_DEC_TTL, 0, word_dec_ttl },
	{ "mod_nw_ttl", OFPACT_SET_TTL, 2, word_number },
	{ "dec_mpls_ttl", OFPACT_DEC_MPLS_TTL, 0, word_number },
	{ "set_mpls_ttl", OFPACT_SET_MPLS_TTL, 2, word_number },
	{ "set_queue", OFPACT_SET_QUEUE, 4, word_number },
	{ "pop_queue", OFPACT_POP_QUEUE, 0, word_number },
	{ "resubmit", OFPACT_RESUBMIT, 0, word_resubmit },
	{ "learn", OFPACT_LEARN, 0, word_learn },
	{ "note", OFPACT_NOTE, 0, word_note },
	{ "exit", OFPACT_EXIT, 0, word_number },
	{ "ct", OFPACT_CT, 0, ofpact_word_ct },
	{ "nat", OFPACT_NAT, 0, ofpact_word_nat },
	{ "ct_clear", OFPACT_CT_CLEAR, 0, word_number },
	{ "clone", OFPACT_CLONE, 0, ofpact_word_clone },
	{ "push", OFPACT_PUSH, 0, ofpact_word_stack },
	{ "pop", OFPACT_POP, 0, ofpact_word_stack },
	{ "check_pkt_larger", OFPACT_CHECK_PKT_LARGER, 0, ofpact_word_check_len },
	{ "sample", OFPACT_SAMPLE, 0, ofpact_word_sample },
	{ "conjunction", OFPACT_CONJUNCTION, 0, ofpact_word_conjunction },
	{ "fin_timeout", OFPACT_FIN_TIMEOUT, 0, ofpact_word_fin_timeout },
	{ "meter", OFPACT_METER, 4, word_number },
	{ "clear_actions", OFPACT_CLEAR_ACTIONS, 0, word_number },
	{ "write_actions", OFPACT_WRITE_ACTIONS, 0, word_write_actions },
	{ "write_metadata", OFPACT_WRITE_METADATA, 0, word_metadata },
	{ "goto_table", OFPACT_GOTO_TABLE, 1, word_number },
};

/* A word that is no action's: a port by itself. */
static int bare_port(struct act_word *w)
{
	struct error ignored = ERROR_INIT;
	struct ofp_port port;

	if (w->t->delim || ofp_port_parse(w->t->key, w->names, &port, &ignored))
		return error_set(w->err, EINVAL, w->t->key, "unknown action \"%.64s\"", w->t->key);
	put_output(w->list, port, UINT16_MAX);
	return 0;
}

static int parse_word(struct act_word *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(words[i].name, w->t->key)) {
			w->kind = words[i].kind;
			w->arg = words[i].arg;
			return words[i].parse(w);
		}
	return bare_port(w);
}

/* Instructions run in one order, and the text says them in it. */
static int check_order(const struct ofpact *a, unsigned depth, int *rank, struct error *err)
{
	int r = a->kind == OFPACT_METER ? 0 : a->kind < OFPACT_METER ? 1 : a->kind;

	if (depth && a->kind >= OFPACT_METER)
		return error_set(err, EINVAL, "actions", "an instruction in a list of actions");
	if (r < *rank || (r == *rank && r != 1))
		return error_set(err, EINVAL, "actions",
				 "meter, actions, clear_actions, write_actions, write_metadata, "
				 "goto_table must stand in this order, each once");
	*rank = r;
	return 0;
}

int ofpact_parse_nested(const struct act_word *w, char *text, struct buf *list)
{
	if (w->depth >= OFPACT_MAX_DEPTH)
		return error_set(w->err, EINVAL, w->t->key, "lists are nested deeper than %d",
				 OFPACT_MAX_DEPTH);
	return parse_list(text, w->names, w->depth + 1, list, w->err);
}

static int parse_list(char *text, const struct ofp_names *names, unsigned depth, struct buf *list,
		      struct error *err)
{
	struct error broken = ERROR_INIT;
	bool drop = false, any = false;
	int rank = -1;
	struct token t;

	while (token_next(&text, &t, &broken)) {
		struct act_word w = { .t = &t,
				      .rest = &text,
				      .names = names,
				      .list = list,
				      .err = err,
				      .depth = depth };
		size_t at = list->len;
		int e;

		if (drop || (any && !strcasecmp(t.key, "drop")))
			return error_set(err, EINVAL, "drop", "drop stands alone");
		any = true;
		drop = !strcasecmp(t.key, "drop");
		if (drop)
			continue;
		e = parse_word(&w);
		if (!e)
			e = check_order((const struct ofpact *)(const void *)(list->data + at),
					depth, &rank, err);
		if (e)
			return e;
	}
	return broken.code ? error_set(err, EINVAL, broken.field, "%s", broken.cause) : 0;
}

static int check_places(struct ofpacts l, struct error *err)
{
	switch ((int)ofpacts_verify(l)) {
	case OFPERR_OK: return 0;
	case OFPERR_BAD_CONJUNCTION:
		return error_set(err, EINVAL, "conjunction",
				 "only further ones and note may stand beside it");
	default:
		return error_set(err, EINVAL, "ct",
				 "ct_mark and ct_label are written, and nat stands, in a "
				 "ct(commit,…) alone, and nothing else there");
	}
}

int ofpacts_parse(const char *text, const struct ofp_names *names, struct buf *list,
		  struct error *err)
{
	size_t start = list->len;
	char *copy = xstrdup(text);
	int e = parse_list(copy, names, 0, list, err);

	free(copy);
	if (!e)
		e = check_places(
			(struct ofpacts){ list->data + start, (uint32_t)(list->len - start) }, err);
	if (e)
		list->len = start;
	return e;
}
