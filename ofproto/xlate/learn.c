/* SPDX-License-Identifier: Apache-2.0 */
/* The learn action (ovs-actions(7)): a flow-mod made from the packet, listed as an effect. */
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/xlate/xlate_priv.h"

/* The n_bits value of a spec, right-aligned big-endian in 16 bytes. */
static void spec_value(struct xl *x, const struct ofpact_learn_spec *s, uint8_t out[16])
{
	unsigned bytes = DIV_ROUND_UP(s->n_bits, 8u);

	memset(out, 0, 16);
	if (s->src_type == LEARN_SRC_VALUE) {
		memcpy(out + 16 - bytes, s->value.b, bytes);
		return;
	}
	for (unsigned done = 0; done < s->n_bits;) {
		unsigned n = MIN(s->n_bits - done, 8u);
		const struct field *f = field_get((enum field_id)s->src.field);

		out[15 - done / 8] = (uint8_t)field_read_bits(f, &x->f.flow, s->src.ofs + done, n);
		done += n;
	}
}

static void look_source(struct xl *x, const struct ofpact_learn_spec *s)
{
	const struct field *f = field_get((enum field_id)s->src.field);
	struct flow_key m;

	if (s->src_type != LEARN_SRC_FIELD)
		return;
	memset(&m, 0, sizeof(m));
	for (unsigned done = 0; done < s->n_bits; done += 8)
		field_write_bits(f, s->src.ofs + done, MIN(s->n_bits - done, 8u), UINT64_MAX, &m);
	xl_look_prereq(x, (enum field_prereq)f->prereq);
	xl_look_mask(x, &m);
}

static void put_bits(const struct ofpact_learn_spec *s, const uint8_t value[16],
		     struct flow_key *key, struct flow_key *mask)
{
	const struct field *f = field_get((enum field_id)s->dst.field);

	for (unsigned done = 0; done < s->n_bits;) {
		unsigned n = MIN(s->n_bits - done, 8u);

		field_write_bits(f, s->dst.ofs + done, n, value[15 - done / 8], key);
		field_write_bits(f, s->dst.ofs + done, n, UINT64_MAX, mask);
		done += n;
	}
}

static void put_load(struct buf *b, const struct ofpact_learn_spec *s, const uint8_t value[16])
{
	const struct field *f = field_get((enum field_id)s->dst.field);
	struct ofpact_set_field set = { .field = s->dst.field };
	struct flow_key key, mask;
	struct ofpact *a;

	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	put_bits(s, value, &key, &mask);
	field_read(f, &key, &set.value);
	field_read(f, &mask, &set.mask);
	a = (struct ofpact *)(void *)((uint8_t *)ofpact_put(b, OFPACT_SET_FIELD, &set,
							    sizeof(set)) -
				      sizeof(*a));
	a->raw = OFPACT_RAW_LOAD;
}

static void put_output(struct buf *b, const uint8_t value[16])
{
	uint32_t port = (uint32_t)value[12] << 24 | (uint32_t)value[13] << 16 |
			(uint32_t)value[14] << 8 | value[15];
	struct ofpact_output out = { .port = { port } };

	if (port >= 0xff00 && port <= 0xffff)
		out.port.v |= 0xffff0000u;
	ofpact_put(b, OFPACT_OUTPUT, &out, sizeof(out));
}

static void add_spec(struct xl *x, const struct ofpact_learn_spec *s, struct effect_learn *l)
{
	uint8_t value[16];

	look_source(x, s);
	spec_value(x, s, value);
	switch ((enum learn_dst)s->dst_type) {
	case LEARN_DST_MATCH: put_bits(s, value, &l->fm.match.key, &l->fm.match.mask); break;
	case LEARN_DST_LOAD: put_load(&l->actions, s, value); break;
	case LEARN_DST_OUTPUT: put_output(&l->actions, value); break;
	}
}

static void flow_mod_init(struct ofp_flow_mod *fm, const struct ofpact_learn *l)
{
	*fm = (struct ofp_flow_mod){
		.command = OFPFC_MODIFY_STRICT_,
		.table = l->table,
		.priority = l->priority,
		.idle_timeout = l->idle_timeout,
		.hard_timeout = l->hard_timeout,
		.flags = l->flags & OFPACT_LEARN_SEND_FLOW_REM ? OFPFF_SEND_FLOW_REM_ : 0,
		.cookie = l->cookie,
		.set_cookie = l->cookie != 0,
		.buffer_id = OFP_NO_BUFFER_,
		.out_port = { OFPP_NONE_ },
		.out_group = OFPG_ANY_,
	};
	match_init_catchall(&fm->match);
}

static void put_fin_timeout(struct buf *b, const struct ofpact_learn *learn)
{
	const struct ofpact_fin_timeout t = { learn->fin_idle, learn->fin_hard };

	if (t.idle || t.hard)
		ofpact_put(b, OFPACT_FIN_TIMEOUT, &t, sizeof(t));
}

void xl_learn(struct xl *x, const struct ofpact_learn *learn)
{
	const struct ofpact_learn_spec *specs = (const void *)(learn + 1);
	struct effect_learn *l = xzalloc(sizeof(*l));
	struct effect *e = effects_add(&x->out->effects, EFFECT_LEARN);

	flow_mod_init(&l->fm, learn);
	l->limit = learn->limit;
	for (uint32_t i = 0; i < learn->n_specs; i++)
		add_spec(x, &specs[i], l);
	put_fin_timeout(&l->actions, learn);
	l->fm.actions = ofpacts_of(&l->actions);
	e->learn.tables = x->f.br->tables;
	e->learn.l = l;
}
