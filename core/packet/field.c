/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/field.h"

#include <strings.h>

#include "core/base/hash.h"

/* --- finding a row --- */

#define NO_FIELD 0xff
#define NAME_SLOTS 1024 /* power of two, above twice the number of names */
_Static_assert(FIELD_N_IDS < NO_FIELD, "a row's number fits into a byte");

/* OXM classes with codes of fields: 0x0000, 0x0001, 0x8000, 0x8001. */
#define N_CLASSES 4
static uint8_t by_code[N_CLASSES][128];
static uint8_t by_name[NAME_SLOTS]; /* open addressing, linear */
static const char *slot_name[NAME_SLOTS];

static int class_index(uint32_t header)
{
	switch (header >> 16) {
	case 0x0000: return 0;
	case 0x0001: return 1;
	case 0x8000: return 2;
	case 0x8001: return 3;
	default: return -1;
	}
}

static size_t name_slot(const char *name, size_t len)
{
	uint64_t h = len;

	for (size_t i = 0; i < len; i++)
		h = hash_add64(h, (uint8_t)(name[i] | 0x20)); /* lower case of letters */
	return h & (NAME_SLOTS - 1);
}

static void name_add(const char *name, enum field_id id)
{
	size_t i;

	if (!name)
		return;
	for (i = name_slot(name, strlen(name)); slot_name[i]; i = (i + 1) & (NAME_SLOTS - 1))
		;
	slot_name[i] = name;
	by_name[i] = (uint8_t)id;
}

static void code_add(uint32_t header, enum field_id id)
{
	int class = class_index(header);

	if (header && class >= 0)
		by_code[class][header >> 9 & 0x7f] = (uint8_t)id;
}

/* Before main(): the maps are constant from then on, so that any thread reads them. */
static void __attribute__((constructor)) field_maps_fill(void)
{
	memset(by_code, NO_FIELD, sizeof(by_code));
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];

		name_add(f->name, f->id);
		name_add(f->extra_name, f->id);
		name_add(f->nxm_name, f->id);
		name_add(f->oxm_name, f->id);
		code_add(f->nxm, f->id);
		code_add(f->oxm, f->id);
	}
}

const struct field *field_by_name(const char *name, size_t len)
{
	for (size_t i = name_slot(name, len); slot_name[i]; i = (i + 1) & (NAME_SLOTS - 1))
		if (!strncasecmp(slot_name[i], name, len) && !slot_name[i][len])
			return &field_table[by_name[i]];
	return NULL;
}

const struct field *field_by_header(uint32_t header)
{
	int class = class_index(header);
	uint8_t id = class < 0 ? NO_FIELD : by_code[class][header >> 9 & 0x7f];

	return id == NO_FIELD ? NULL : &field_table[id];
}

uint32_t field_header(const struct field *f, uint8_t version)
{
	if (f->oxm && version >= f->oxm_version)
		return f->oxm;
	return f->nxm;
}

/* --- values --- */

static uint64_t load(const uint8_t *p, unsigned n)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < n; i++)
		x = x << 8 | p[i];
	return x;
}

static void store(uint8_t *p, unsigned n, uint64_t x)
{
	while (n--) {
		p[n] = (uint8_t)x;
		x >>= 8;
	}
}

static uint64_t low_bits(unsigned n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* Values of up to 8 bytes are integers; the 16-byte ones fill their container. */
static bool is_wide(const struct field *f)
{
	return f->n_bytes > 8;
}

/* The bits of a value that the field may use. */
static uint64_t used_bits(const struct field *f)
{
	return f->id == FIELD_IP_DSCP ? 0xfc : low_bits(f->n_bits);
}

/* Those that the container has room for: OpenFlow's arp_op has 16 bits, ours 8. */
static uint64_t kept_bits(const struct field *f)
{
	return used_bits(f) & low_bits(f->size * 8u - f->shift);
}

static const uint8_t *at(const struct field *f, const struct flow_key *k)
{
	return (const uint8_t *)k + f->ofs;
}

static uint64_t get(const struct field *f, const struct flow_key *k)
{
	return load(at(f, k), f->size) >> f->shift & kept_bits(f);
}

static void put(const struct field *f, struct flow_key *k, uint64_t x, uint64_t bits)
{
	uint8_t *p = (uint8_t *)k + f->ofs;
	uint64_t c = load(p, f->size);

	bits &= kept_bits(f);
	c = (c & ~(bits << f->shift)) | (x & bits) << f->shift;
	/* OpenFlow 1.0's reserved port numbers, and the whole mask, widen to 32 bits. */
	if (f->id == FIELD_IN_PORT)
		c = (c & 0xffff) | ((c & 0xffff) >= 0xff00 ? 0xffff0000 : 0);
	store(p, f->size, c);
}

void field_read(const struct field *f, const struct flow_key *k, union field_value *v)
{
	memset(v, 0, sizeof(*v));
	if (is_wide(f))
		memcpy(v->b, at(f, k), sizeof(v->b));
	else
		store(v->b, f->n_bytes, get(f, k));
}

void field_write(const struct field *f, const union field_value *v, struct flow_key *k)
{
	if (is_wide(f))
		memcpy((uint8_t *)k + f->ofs, v->b, sizeof(v->b));
	else
		put(f, k, load(v->b, f->n_bytes), UINT64_MAX);
}

void field_write_masked(const struct field *f, const union field_value *v,
			const union field_value *mask, struct flow_key *k)
{
	uint8_t *p = (uint8_t *)k + f->ofs;

	if (is_wide(f))
		for (unsigned i = 0; i < sizeof(v->b); i++)
			p[i] = (uint8_t)((p[i] & ~mask->b[i]) | (v->b[i] & mask->b[i]));
	else
		put(f, k, load(v->b, f->n_bytes), load(mask->b, f->n_bytes));
}

void field_ones(const struct field *f, union field_value *v)
{
	memset(v, 0, sizeof(*v));
	if (is_wide(f))
		memset(v->b, 0xff, sizeof(v->b));
	else
		store(v->b, f->n_bytes, used_bits(f));
}

bool field_value_is_ones(const struct field *f, const union field_value *mask)
{
	if (is_wide(f))
		return mask->be128.d[0] == UINT64_MAX && mask->be128.d[1] == UINT64_MAX;
	return (load(mask->b, f->n_bytes) & kept_bits(f)) == kept_bits(f);
}

bool field_value_is_zero(const struct field *f, const union field_value *v)
{
	if (is_wide(f))
		return !v->be128.d[0] && !v->be128.d[1];
	return !load(v->b, f->n_bytes);
}

void field_mask_set(const struct field *f, struct flow_key *mask)
{
	union field_value ones;

	field_ones(f, &ones);
	field_write(f, &ones, mask);
}

bool field_mask_is_zero(const struct field *f, const struct flow_key *mask)
{
	union field_value v;

	field_read(f, mask, &v);
	return field_value_is_zero(f, &v);
}

bool field_mask_is_exact(const struct field *f, const struct flow_key *mask)
{
	union field_value v;

	field_read(f, mask, &v);
	return field_value_is_ones(f, &v);
}

static bool packet_type_ok(uint32_t x)
{
	return x >> 16 <= 1 && (x >> 16 || !x); /* (0,0) or (1,Ethertype) */
}

bool field_value_ok(const struct field *f, const union field_value *v)
{
	uint64_t x;

	if (is_wide(f))
		return true;
	x = load(v->b, f->n_bytes);
	if (f->id == FIELD_DL_VLAN && x == 0xffff) /* OpenFlow 1.0's OFP_VLAN_NONE */
		return true;
	if (f->id == FIELD_ARP_OP)
		return x <= 0xff;
	if (f->fmt == FIELD_FMT_CT_STATE)
		return x <= 0xff;
	if (f->fmt == FIELD_FMT_PACKET_TYPE)
		return packet_type_ok((uint32_t)x);
	return !(x & ~used_bits(f));
}

uint64_t field_read_bits(const struct field *f, const struct flow_key *k, unsigned ofs, unsigned n)
{
	union field_value v;
	unsigned __int128 x;

	field_read(f, k, &v);
	if (is_wide(f))
		x = (unsigned __int128)load(v.b, 8) << 64 | load(v.b + 8, 8);
	else
		x = load(v.b, f->n_bytes);
	return (uint64_t)(x >> ofs) & low_bits(n);
}

void field_write_bits(const struct field *f, unsigned ofs, unsigned n, uint64_t x,
		      struct flow_key *k)
{
	unsigned __int128 bits = (unsigned __int128)low_bits(n) << ofs;
	unsigned __int128 val = (unsigned __int128)(x & low_bits(n)) << ofs;
	union field_value v, m;

	memset(&v, 0, sizeof(v));
	memset(&m, 0, sizeof(m));
	if (is_wide(f)) {
		store(v.b, 8, (uint64_t)(val >> 64));
		store(v.b + 8, 8, (uint64_t)val);
		store(m.b, 8, (uint64_t)(bits >> 64));
		store(m.b + 8, 8, (uint64_t)bits);
	} else {
		store(v.b, f->n_bytes, (uint64_t)val);
		store(m.b, f->n_bytes, (uint64_t)bits);
	}
	field_write_masked(f, &v, &m, k);
}
