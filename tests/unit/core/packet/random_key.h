/* SPDX-License-Identifier: Apache-2.0 */
/* Random keys as packets have them: what a header lacks is zero, and tags, labels and fragments are
 * as packet_compose() would build them and packet_parse() read them back. */
#pragma once

#include "core/packet/flow_key.h"
#include "tests/unit/seed.h"

static inline void random_bytes(struct rng *r, void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)rng_next(r);
}

static inline void random_l4(struct rng *r, struct flow_key *k)
{
	static const uint8_t protos[] = { 6, 6, 17, 17, 132, 1, 2, 58, 47, 50, 59 };
	bool v6 = flow_is_ipv6(k);

	k->nw_proto = protos[rng_below(r, sizeof(protos))];
	if (k->nw_frag & FLOW_FRAG_LATER)
		return;
	if (k->nw_proto == 6 || k->nw_proto == 17 || k->nw_proto == 132) {
		random_bytes(r, &k->tp_src, 4);
		if (k->nw_proto == 6)
			k->tcp_flags = (be16)rng_next(r) & htons(0x0fff);
	} else if ((!v6 && k->nw_proto <= 2) || (v6 && k->nw_proto == 58)) {
		k->tp_src = htons((uint16_t)rng_below(r, 256));
		k->tp_dst = htons((uint16_t)rng_below(r, 256));
		if (k->nw_proto == 2)
			random_bytes(r, &k->igmp_group, 4);
		if (k->nw_proto == 58 && rng_below(r, 2)) {
			k->tp_src = htons((uint16_t)(135 + rng_below(r, 2)));
			k->tp_dst = 0;
			random_bytes(r, &k->nd_target, 16);
			if (rng_below(r, 2))
				random_bytes(r, &k->arp_sha, 6);
			if (rng_below(r, 2))
				random_bytes(r, &k->arp_tha, 6);
		}
	}
}

static inline void random_ip(struct rng *r, struct flow_key *k)
{
	static const uint8_t frags[] = { 0, 0, 0, 1, 3 };

	if (flow_is_ipv4(k)) {
		random_bytes(r, &k->nw_src, 8);
	} else {
		random_bytes(r, &k->ipv6_src, 32);
		k->ipv6_label = htonl((uint32_t)rng_below(r, 1 << 20));
	}
	k->nw_tos = (uint8_t)rng_next(r);
	k->nw_ttl = (uint8_t)rng_next(r);
	k->nw_frag = frags[rng_below(r, sizeof(frags))];
	random_l4(r, k);
	if (flow_is_ipv6(k) && k->nw_frag & FLOW_FRAG_LATER)
		k->nw_proto = 44; /* the protocol is in the first one */
}

static inline void random_mpls(struct rng *r, struct flow_key *k)
{
	unsigned n = 1 + (unsigned)rng_below(r, FLOW_N_MPLS + 1);

	for (unsigned i = 0; i < n && i < FLOW_N_MPLS; i++) {
		k->mpls_lse[i] = (be32)rng_next(r) & ~htonl(0x100);
		if (i + 1 == n)
			k->mpls_lse[i] |= htonl(0x100);
	}
}

static inline void random_packet_key(struct rng *r, struct flow_key *k)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd,      0x0806,
					  0x8035, 0x8847, 0x8848, 0x88cc, DL_TYPE_NONE };
	unsigned tags = (unsigned)rng_below(r, 5);

	memset(k, 0, sizeof(*k));
	random_bytes(r, &k->dl_dst, sizeof(k->dl_dst));
	random_bytes(r, &k->dl_src, sizeof(k->dl_src));
	for (unsigned i = 0; i < FLOW_N_VLANS && tags > 2 + i; i++) {
		k->vlans[i].tpid = htons(rng_below(r, 2) ? 0x8100 : 0x88a8);
		k->vlans[i].tci = (be16)rng_next(r) | htons(VLAN_CFI);
	}
	k->dl_type = htons(types[rng_below(r, sizeof(types) / sizeof(types[0]))]);
	if (flow_is_ip(k)) {
		random_ip(r, k);
	} else if (flow_is_arp(k)) {
		random_bytes(r, &k->nw_src, 8);
		random_bytes(r, &k->arp_sha, 6);
		random_bytes(r, &k->arp_tha, 6);
		k->nw_proto = (uint8_t)rng_next(r);
	} else if (flow_is_mpls(k)) {
		random_mpls(r, k);
	}
}
