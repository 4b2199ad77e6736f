/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/wire/ofpact.h"

#include <assert.h>

void *ofpact_put(struct buf *b, enum ofpact_kind kind, const void *payload, size_t len)
{
	struct ofpact *a;

	assert(len <= UINT16_MAX);
	a = buf_put_zeros(b, sizeof(*a) + ROUND_UP(len, 8));
	a->kind = (uint16_t)kind;
	a->len = (uint16_t)len;
	if (payload && len)
		memcpy(a + 1, payload, len);
	return a + 1;
}

void ofpact_set_raw(void *payload, uint8_t raw)
{
	((struct ofpact *)payload - 1)->raw = raw;
}

void ofpact_put_set_field(struct buf *b, enum field_id id, const union field_value *v,
			  const union field_value *mask, uint8_t raw)
{
	const struct field *f = field_get(id);
	struct ofpact_set_field sf = { .field = (uint16_t)id };

	memcpy(&sf.value, v, f->n_bytes);
	if (mask)
		memcpy(&sf.mask, mask, f->n_bytes);
	else
		field_ones(f, &sf.mask);
	for (unsigned i = 0; i < f->n_bytes; i++)
		sf.value.b[i] &= sf.mask.b[i];
	ofpact_set_raw(ofpact_put(b, OFPACT_SET_FIELD, &sf, sizeof(sf)), raw);
}

bool ofpacts_equal(struct ofpacts a, struct ofpacts b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static bool outputs_to_port(const struct ofpact *a, struct ofp_port port)
{
	const void *p = ofpact_payload(a);

	if (a->kind == OFPACT_OUTPUT)
		return ((const struct ofpact_output *)p)->port.v == port.v;
	if (a->kind == OFPACT_ENQUEUE)
		return ((const struct ofpact_enqueue *)p)->port.v == port.v;
	if (a->kind == OFPACT_OUTPUT_TRUNC)
		return ((const struct ofpact_output_trunc *)p)->port.v == port.v;
	return a->kind == OFPACT_CONTROLLER && port.v == OFPP_CONTROLLER_;
}

bool ofpacts_output_to_port(struct ofpacts l, struct ofp_port port)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH_FLATTENED (a, l) {
		if (outputs_to_port(a, port))
			return true;
	}
	return false;
}

bool ofpacts_output_to_group(struct ofpacts l, uint32_t group)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH_FLATTENED (a, l) {
		if (a->kind == OFPACT_GROUP &&
		    ((const struct ofpact_group *)ofpact_payload(a))->id == group)
			return true;
	}
	return false;
}

/* --- bits of a value ------------------------------------------------------------------------- */

uint64_t field_value_get_bits(const union field_value *v, unsigned n_bytes, unsigned ofs,
			      unsigned n)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned bit = ofs + i;

		x |= (uint64_t)(v->b[n_bytes - 1 - bit / 8] >> bit % 8 & 1) << i;
	}
	return x;
}

void field_value_set_bits(union field_value *v, unsigned n_bytes, unsigned ofs, unsigned n,
			  uint64_t x)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned bit = ofs + i;
		uint8_t *byte = &v->b[n_bytes - 1 - bit / 8], m = (uint8_t)(1u << bit % 8);

		*byte = (uint8_t)((*byte & ~m) | (x >> i & 1 ? m : 0));
	}
}

bool field_value_run(const union field_value *mask, unsigned n_bytes, unsigned from, unsigned *ofs,
		     unsigned *n)
{
	unsigned end = 8 * n_bytes;

	while (from < end && !field_value_get_bits(mask, n_bytes, from, 1))
		from++;
	*ofs = from;
	while (from < end && field_value_get_bits(mask, n_bytes, from, 1))
		from++;
	*n = from - *ofs;
	return *n;
}
