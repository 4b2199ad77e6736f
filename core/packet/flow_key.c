/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/flow_key.h"

#include "core/base/hash.h"

bool flow_key_equal_masked(const struct flow_key *a, const struct flow_key *b,
			   const struct flow_key *mask)
{
	const uint64_t *x = flow_words_const(a), *y = flow_words_const(b),
		       *m = flow_words_const(mask);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		if ((x[i] ^ y[i]) & m[i])
			return false;
	return true;
}

void flow_key_mask(struct flow_key *dst, const struct flow_key *key, const struct flow_key *mask)
{
	const uint64_t *k = flow_words_const(key), *m = flow_words_const(mask);
	uint64_t *d = flow_words(dst);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		d[i] = k[i] & m[i];
}

void flow_mask_or(struct flow_key *dst, const struct flow_key *src)
{
	const uint64_t *s = flow_words_const(src);
	uint64_t *d = flow_words(dst);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		d[i] |= s[i];
}

bool flow_mask_within(const struct flow_key *a, const struct flow_key *b)
{
	const uint64_t *x = flow_words_const(a), *y = flow_words_const(b);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		if (x[i] & ~y[i])
			return false;
	return true;
}

uint64_t flow_key_hash(const struct flow_key *k, uint64_t seed)
{
	const uint64_t *w = flow_words_const(k);
	uint64_t h = seed;

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		if (w[i])
			h = hash_add64(h + i, w[i]);
	return hash_u64(h, seed);
}

static uint64_t fold_addrs(const struct flow_key *k, bool symmetric)
{
	uint64_t s, d;

	if (flow_is_ipv6(k)) {
		s = k->ipv6_src.d[0] * 31 + k->ipv6_src.d[1];
		d = k->ipv6_dst.d[0] * 31 + k->ipv6_dst.d[1];
	} else {
		s = k->nw_src;
		d = k->nw_dst;
	}
	return symmetric ? hash_u64(s, 1) + hash_u64(d, 1) : hash_add64(hash_u64(s, 1), d);
}

uint32_t flow_hash_5tuple(const struct flow_key *k, uint32_t basis)
{
	uint64_t h = basis;

	if (!flow_is_ip(k))
		return (uint32_t)hash_u64(h, 2);
	h = hash_add64(h, fold_addrs(k, false));
	h = hash_add64(h, k->nw_proto);
	if (!k->nw_frag)
		h = hash_add64(h, ((uint64_t)k->tp_src << 16) | k->tp_dst);
	return (uint32_t)hash_u64(h, 2);
}

static uint64_t mac_u64(struct eth_addr a)
{
	uint64_t x = 0;

	memcpy(&x, a.b, sizeof(a.b));
	return x;
}

uint32_t flow_hash_symmetric_l4(const struct flow_key *k, uint32_t basis)
{
	uint64_t h = hash_u64(mac_u64(k->dl_src), 3) + hash_u64(mac_u64(k->dl_dst), 3);

	h = hash_add64(h + basis, k->dl_type);
	h = hash_add64(h, k->vlans[0].tci & htons(0x0fff));
	if (flow_is_ip(k)) {
		h = hash_add64(h, fold_addrs(k, true));
		h = hash_add64(h, k->nw_proto);
		if (!k->nw_frag && (k->nw_proto == 6 || k->nw_proto == 17 || k->nw_proto == 132))
			h = hash_add64(h, (uint64_t)k->tp_src ^ k->tp_dst);
	}
	return (uint32_t)hash_u64(h, 4);
}

static void mask_l3_l4(const struct flow_key *k, struct flow_key *mask, bool l4)
{
	if (!flow_is_ip(k))
		return;
	if (flow_is_ipv6(k)) {
		memset(&mask->ipv6_src, 0xff, sizeof(mask->ipv6_src));
		memset(&mask->ipv6_dst, 0xff, sizeof(mask->ipv6_dst));
	} else {
		mask->nw_src = mask->nw_dst = ~0u;
	}
	mask->nw_proto = 0xff;
	mask->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	if (l4 && !k->nw_frag)
		mask->tp_src = mask->tp_dst = htons(0xffff);
}

void flow_mask_hash_5tuple(const struct flow_key *k, struct flow_key *mask)
{
	mask->dl_type = htons(0xffff);
	mask_l3_l4(k, mask, true);
}

void flow_mask_hash_symmetric_l4(const struct flow_key *k, struct flow_key *mask)
{
	memset(&mask->dl_src, 0xff, sizeof(mask->dl_src));
	memset(&mask->dl_dst, 0xff, sizeof(mask->dl_dst));
	mask->dl_type = htons(0xffff);
	mask->vlans[0].tci |= htons(0x0fff);
	mask_l3_l4(k, mask, k->nw_proto == 6 || k->nw_proto == 17 || k->nw_proto == 132);
}
