/* SPDX-License-Identifier: Apache-2.0 */
/* Actions to text: one formatter per kind. */
#include <inttypes.h>

#include "ofproto/text/ofpact_impl.h"
#include "ofproto/wire/msgs.h"

const char *const ofpact_reason_names[3] = { "no_match", "action", "invalid_ttl" };

const char *ofpact_field_name(const struct field *f)
{
	if (f->nxm_name)
		return f->nxm_name;
	return f->oxm_name ? f->oxm_name : f->name;
}

/* vlan_vid's thirteenth bit says that there is a tag; a part of the field is one of its number. */
unsigned ofpact_field_bits(const struct field *f)
{
	return f->id == FIELD_VLAN_VID ? 12 : f->n_bits;
}

void ofpact_bits_format(const struct ofpact_bits *b, struct str *out)
{
	const struct field *f = field_get((enum field_id)b->field);

	str_puts(out, ofpact_field_name(f));
	if (!b->ofs && (b->n == ofpact_field_bits(f) || b->n == f->n_bits))
		str_puts(out, "[]");
	else if (b->n == 1)
		str_printf(out, "[%u]", b->ofs);
	else
		str_printf(out, "[%u..%u]", b->ofs, b->ofs + b->n - 1u);
}

/* --- formatters --------------------------------------------------------------------------------
 */

static void format_output(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_output *o = ofpact_payload(a);

	if (o->port.v < OFPP_IN_PORT_)
		str_puts(out, "output:");
	ofp_port_format(o->port, names, out);
	if (o->port.v == OFPP_CONTROLLER_)
		str_printf(out, ":%" PRIu32, o->max_len);
}

static void format_controller(const struct ofpact *a, const struct ofp_names *names,
			      struct str *out)
{
	const struct ofpact_controller *k = ofpact_payload(a);

	(void)names;
	if (k->reason == OFPR_ACTION_ && !k->controller_id) {
		str_printf(out, "CONTROLLER:%u", k->max_len);
		return;
	}
	str_puts(out, "controller(");
	if (k->reason < ARRAY_SIZE(ofpact_reason_names) && k->reason != OFPR_ACTION_)
		str_printf(out, "reason=%s,", ofpact_reason_names[k->reason]);
	else if (k->reason != OFPR_ACTION_)
		str_printf(out, "reason=%u,", k->reason);
	if (k->max_len != UINT16_MAX)
		str_printf(out, "max_len=%u,", k->max_len);
	if (k->controller_id)
		str_printf(out, "id=%u,", k->controller_id);
	str_chomp(out, ",");
	str_putc(out, ')');
}

static void format_output_reg(const struct ofpact *a, const struct ofp_names *names,
			      struct str *out)
{
	const struct ofpact_output_reg *o = ofpact_payload(a);

	(void)names;
	str_puts(out, "output:");
	ofpact_bits_format(&o->src, out);
}

static void format_enqueue(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_enqueue *q = ofpact_payload(a);

	str_puts(out, "enqueue:");
	ofp_port_format(q->port, names, out);
	str_printf(out, ":%" PRIu32, q->queue);
}

/* The setters of 1.0 by field. */
static const struct {
	uint8_t field;
	const char *name;
} setters10[] = {
	{ FIELD_ETH_SRC, "mod_dl_src" },  { FIELD_ETH_DST, "mod_dl_dst" },
	{ FIELD_IPV4_SRC, "mod_nw_src" }, { FIELD_IPV4_DST, "mod_nw_dst" },
	{ FIELD_IP_DSCP, "mod_nw_tos" },
};
static const struct {
	uint8_t field;
	const char *name;
} mpls_setters[] = { { FIELD_MPLS_LABEL, "set_mpls_label" }, { FIELD_MPLS_TC, "set_mpls_tc" } };

static bool format_setter10(const struct ofpact_set_field *sf, struct str *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(setters10); i++)
		if (setters10[i].field == sf->field) {
			str_printf(out, "%s:", setters10[i].name);
			field_format(field_get((enum field_id)sf->field), &sf->value, NULL, out);
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(mpls_setters); i++)
		if (mpls_setters[i].field == sf->field) {
			str_printf(out, "%s(", mpls_setters[i].name);
			field_format(field_get((enum field_id)sf->field), &sf->value, NULL, out);
			str_putc(out, ')');
			return true;
		}
	return false;
}

/* The bits as loads of at most 64 each. */
static void format_load(const struct ofpact_set_field *sf, struct str *out)
{
	const struct field *f = field_get((enum field_id)sf->field);
	unsigned ofs = 0, n;

	while (field_value_run(&sf->mask, f->n_bytes, ofs, &ofs, &n)) {
		struct ofpact_bits b;

		n = MIN(n, 64u);
		b = (struct ofpact_bits){ sf->field, (uint16_t)ofs, (uint16_t)n, 0 };
		str_printf(out, "load:0x%" PRIx64 "->",
			   field_value_get_bits(&sf->value, f->n_bytes, ofs, n));
		ofpact_bits_format(&b, out);
		str_putc(out, ',');
		ofs += n;
	}
	str_chomp(out, ",");
}

static void format_set_field(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_set_field *sf = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)sf->field);

	(void)names;
	if (a->raw == OFPACT_RAW_LOAD) {
		format_load(sf, out);
	} else if (a->raw == OFPACT_RAW_TUNNEL || a->raw == OFPACT_RAW_TUNNEL64) {
		str_printf(out, "set_tunnel%s:0x%" PRIx64,
			   a->raw == OFPACT_RAW_TUNNEL64 ? "64" : "", ntoh64(sf->value.be64));
	} else if (a->raw != OFPACT_RAW_OF10 || !format_setter10(sf, out)) {
		str_puts(out, "set_field:");
		field_format(f, &sf->value, &sf->mask, out);
		str_printf(out, "->%s", f->set_name ? f->set_name : f->name);
	}
}

static void format_move(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_move *m = ofpact_payload(a);

	(void)names;
	str_puts(out, "move:");
	ofpact_bits_format(&m->src, out);
	str_puts(out, "->");
	ofpact_bits_format(&m->dst, out);
}

static void format_strip_vlan(const struct ofpact *a, const struct ofp_names *names,
			      struct str *out)
{
	(void)names;
	str_puts(out, a->raw == OFPACT_RAW_OF10 ? "strip_vlan" : "pop_vlan");
}

static void format_dec_ttl(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_dec_ttl *d = ofpact_payload(a);

	(void)names;
	str_puts(out, "dec_ttl");
	for (unsigned i = 0; i < d->n; i++)
		str_printf(out, "%c%u", i ? ',' : '(', d->ids[i]);
	if (d->n)
		str_putc(out, ')');
}

static void format_resubmit(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_resubmit *r = ofpact_payload(a);
	bool port = r->in_port.v != OFPP_IN_PORT_;

	if (r->table == 255 && !r->ct) {
		str_puts(out, "resubmit:");
		ofp_port_format(r->in_port, names, out);
		return;
	}
	str_puts(out, "resubmit(");
	if (port)
		ofp_port_format(r->in_port, names, out);
	str_printf(out, ",%u%s)", r->table, r->ct ? ",ct" : "");
}

static void format_note(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const uint8_t *p = ofpact_payload(a);

	(void)names;
	str_puts(out, "note:");
	for (unsigned i = 0; i < a->len; i++)
		str_printf(out, "%s%02x", i ? "." : "", p[i]);
}

static void format_write_actions(const struct ofpact *a, const struct ofp_names *names,
				 struct str *out)
{
	str_puts(out, "write_actions(");
	ofpacts_format(ofpact_nested(a), names, out);
	str_putc(out, ')');
}

static void format_metadata(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const struct ofpact_metadata *md = ofpact_payload(a);

	(void)names;
	str_printf(out, "write_metadata:0x%" PRIx64, ntoh64(md->value));
	if (md->mask != UINT64_MAX)
		str_printf(out, "/0x%" PRIx64, ntoh64(md->mask));
}

/* The kinds that are a word with at most one number. */
static const char *const plain_text[OFPACT_N_KINDS] = {
	[OFPACT_GROUP] = "group:%u",
	[OFPACT_SET_VLAN_VID] = "mod_vlan_vid:%u",
	[OFPACT_SET_VLAN_PCP] = "mod_vlan_pcp:%u",
	[OFPACT_PUSH_VLAN] = "push_vlan:0x%04x",
	[OFPACT_SET_L4_SRC] = "mod_tp_src:%u",
	[OFPACT_SET_L4_DST] = "mod_tp_dst:%u",
	[OFPACT_PUSH_MPLS] = "push_mpls:0x%04x",
	[OFPACT_POP_MPLS] = "pop_mpls:0x%04x",
	[OFPACT_SET_TTL] = "mod_nw_ttl:%u",
	[OFPACT_DEC_MPLS_TTL] = "dec_mpls_ttl",
	[OFPACT_SET_MPLS_TTL] = "set_mpls_ttl(%u)",
	[OFPACT_SET_QUEUE] = "set_queue:%u",
	[OFPACT_POP_QUEUE] = "pop_queue",
	[OFPACT_EXIT] = "exit",
	[OFPACT_CT_CLEAR] = "ct_clear",
	[OFPACT_METER] = "meter:%u",
	[OFPACT_CLEAR_ACTIONS] = "clear_actions",
	[OFPACT_GOTO_TABLE] = "goto_table:%u",
};

static uint32_t plain_number(const struct ofpact *a)
{
	const void *p = ofpact_payload(a);

	if (a->kind == OFPACT_PUSH_VLAN || a->kind == OFPACT_PUSH_MPLS ||
	    a->kind == OFPACT_POP_MPLS)
		return ntohs(((const struct ofpact_ethertype *)p)->v);
	if (a->len == sizeof(struct ofpact_u32))
		return ((const struct ofpact_u32 *)p)->v;
	if (a->len == sizeof(struct ofpact_u16))
		return ((const struct ofpact_u16 *)p)->v;
	return a->len ? ((const struct ofpact_u8 *)p)->v : 0;
}

/* "%u" and "%04x" of the table above, without handing it to printf. */
static void format_plain(const struct ofpact *a, const struct ofp_names *names, struct str *out)
{
	const char *t = plain_text[a->kind], *percent = strchr(t, '%');
	uint32_t v = plain_number(a);

	(void)names;
	if (!percent) {
		str_puts(out, t);
		return;
	}
	str_put(out, t, (size_t)(percent - t));
	if (percent[1] == 'u') {
		str_printf(out, "%" PRIu32, v);
		str_puts(out, percent + 2);
	} else {
		str_printf(out, "%04" PRIx32, v);
	}
}

static ofpact_format_fn *const formatters[OFPACT_N_KINDS] = {
	[OFPACT_OUTPUT] = format_output,
	[OFPACT_CONTROLLER] = format_controller,
	[OFPACT_OUTPUT_REG] = format_output_reg,
	[OFPACT_ENQUEUE] = format_enqueue,
	[OFPACT_GROUP] = format_plain,
	[OFPACT_SET_FIELD] = format_set_field,
	[OFPACT_MOVE] = format_move,
	[OFPACT_SET_VLAN_VID] = format_plain,
	[OFPACT_SET_VLAN_PCP] = format_plain,
	[OFPACT_STRIP_VLAN] = format_strip_vlan,
	[OFPACT_PUSH_VLAN] = format_plain,
	[OFPACT_SET_L4_SRC] = format_plain,
	[OFPACT_SET_L4_DST] = format_plain,
	[OFPACT_PUSH_MPLS] = format_plain,
	[OFPACT_POP_MPLS] = format_plain,
	[OFPACT_DEC_TTL] = format_dec_ttl,
	[OFPACT_SET_TTL] = format_plain,
	[OFPACT_DEC_MPLS_TTL] = format_plain,
	[OFPACT_SET_MPLS_TTL] = format_plain,
	[OFPACT_SET_QUEUE] = format_plain,
	[OFPACT_POP_QUEUE] = format_plain,
	[OFPACT_RESUBMIT] = format_resubmit,
	[OFPACT_LEARN] = ofpact_format_learn,
	[OFPACT_NOTE] = format_note,
	[OFPACT_EXIT] = format_plain,
	[OFPACT_CT] = ofpact_format_ct,
	[OFPACT_NAT] = ofpact_format_nat,
	[OFPACT_CT_CLEAR] = format_plain,
	[OFPACT_CLONE] = ofpact_format_clone,
	[OFPACT_OUTPUT_TRUNC] = ofpact_format_trunc,
	[OFPACT_PUSH] = ofpact_format_stack,
	[OFPACT_POP] = ofpact_format_stack,
	[OFPACT_CHECK_PKT_LARGER] = ofpact_format_check_len,
	[OFPACT_SAMPLE] = ofpact_format_sample,
	[OFPACT_CONJUNCTION] = ofpact_format_conjunction,
	[OFPACT_FIN_TIMEOUT] = ofpact_format_fin_timeout,
	[OFPACT_METER] = format_plain,
	[OFPACT_CLEAR_ACTIONS] = format_plain,
	[OFPACT_WRITE_ACTIONS] = format_write_actions,
	[OFPACT_WRITE_METADATA] = format_metadata,
	[OFPACT_GOTO_TABLE] = format_plain,
};

void ofpacts_format(struct ofpacts l, const struct ofp_names *names, struct str *out)
{
	const struct ofpact *a;

	if (!l.len)
		str_puts(out, "drop");
	OFPACT_FOR_EACH (a, l) {
		if (a != ofpact_first(l))
			str_putc(out, ',');
		formatters[a->kind](a, names, out);
	}
}
