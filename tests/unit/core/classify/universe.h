/* SPDX-License-Identifier: Apache-2.0 */
/* Random keys and masks from a world so small that rules and packets meet often. */
#pragma once

#include <string.h>

#include "core/packet/match.h"
#include "tests/unit/seed.h"

/* An address of which most leading bits are the same, so that prefixes nest. */
static inline uint32_t some_addr(struct rng *r)
{
	uint32_t a = 0x0a000000u | rng_below(r, 4) << 16 | rng_below(r, 4) << 8 | rng_below(r, 4);

	return rng_below(r, 8) ? a : a ^ (1u << rng_below(r, 32));
}

static inline void some_packet(struct rng *r, struct flow_key *k)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x0800, 0x86dd, 0x0806 };
	static const uint16_t ports[] = { 80, 81, 443, 0x8000, 53 };
	static const uint8_t protos[] = { 6, 17 };
	uint16_t type = types[rng_below(r, 5)];

	memset(k, 0, sizeof(*k));
	k->regs[0] = htonl(rng_below(r, 2));
	k->in_port = htonl(1 + rng_below(r, 3));
	k->dl_dst.b[5] = (uint8_t)rng_below(r, 3);
	k->dl_src.b[5] = (uint8_t)rng_below(r, 3);
	k->dl_type = htons(type);
	if (!rng_below(r, 3))
		k->vlans[0] = (struct flow_vlan){ htons(0x8100),
						  htons((uint16_t)(VLAN_CFI | rng_below(r, 3))) };
	if (type == 0x86dd) {
		k->ipv6_src.w[0] = htonl(0x20010db8);
		k->ipv6_src.w[3] = htonl(some_addr(r));
		k->ipv6_dst.w[1] = htonl(some_addr(r));
		k->ipv6_dst.w[2] = htonl(rng_below(r, 2) << 31);
	} else {
		k->nw_src = htonl(some_addr(r));
		k->nw_dst = htonl(some_addr(r));
	}
	if (type == 0x0806) {
		k->nw_proto = (uint8_t)(1 + rng_below(r, 2));
		return;
	}
	k->nw_proto = protos[rng_below(r, 2)];
	k->nw_ttl = 64;
	k->tp_src = htons(ports[rng_below(r, 5)]);
	k->tp_dst = htons((uint16_t)(ports[rng_below(r, 5)] + rng_below(r, 2)));
}

/* Random bits over n bytes: all of them, a prefix, or anything. */
static inline void some_bits(struct rng *r, void *bytes, unsigned n)
{
	unsigned how = rng_below(r, 5), len = rng_below(r, n * 8 + 1);
	uint8_t *b = bytes;

	for (unsigned i = 0; i < n; i++) {
		if (how == 0)
			b[i] = (uint8_t)rng_next(r);
		else if (how < 3)
			b[i] = 0xff;
		else
			b[i] = len >= (i + 1) * 8 ? 0xff
			       : len > i * 8      ? (uint8_t)(0xff00 >> (len - i * 8))
						  : 0;
	}
}

static inline void some_mask(struct rng *r, struct flow_key *m)
{
	static const struct {
		size_t ofs;
		unsigned n, one_in;
	} fields[] = {
#define FIELD(MEMBER, ONE_IN)                                                                      \
	{ offsetof(struct flow_key, MEMBER), sizeof(((struct flow_key *)0)->MEMBER), ONE_IN }
		FIELD(regs[0], 4),  FIELD(in_port, 2),  FIELD(dl_dst, 5),   FIELD(dl_src, 6),
		FIELD(dl_type, 2),  FIELD(vlans[0], 6), FIELD(nw_src, 3),   FIELD(nw_dst, 2),
		FIELD(ipv6_src, 6), FIELD(ipv6_dst, 5), FIELD(nw_proto, 3), FIELD(tp_src, 4),
		FIELD(tp_dst, 3),
#undef FIELD
	};

	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (!rng_below(r, fields[i].one_in))
			some_bits(r, (uint8_t *)m + fields[i].ofs, fields[i].n);
}

/* p with bits outside the mask changed: to another packet's, or at random. */
static inline void mutate_outside(struct rng *r, const struct flow_key *p,
				  const struct flow_key *mask, struct flow_key *out)
{
	unsigned how = rng_below(r, 3);
	struct flow_key other;

	some_packet(r, &other);
	for (unsigned i = 0; i < FLOW_WORDS; i++) {
		uint64_t pw = flow_words_const(p)[i], mw = flow_words_const(mask)[i];
		uint64_t ow = how == 0   ? flow_words_const(&other)[i]
			      : how == 1 ? rng_next(r)
					 : pw ^ (UINT64_C(1) << rng_below(r, 64));

		flow_words(out)[i] = (pw & mw) | (ow & ~mw);
	}
}
