/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of key.h share.
 *
 *   key.c        masks that the kernel takes; writing
 *   key_get.c    reading
 *   key_attrs.c  the tables of attributes and of their pieces
 *   key_tunnel.c tunnels, both ways
 *   key_fields.c match fields and their attributes */
#pragma once

#include "core/datapath/kernel/key.h"
#include "core/packet/wire.h"

struct kdp_attr {
	uint8_t attr, size; /* OVS_KEY_ATTR_*, bytes of its payload */
	bool l3;            /* behind the VLAN tags */
	bool optional;      /* in a key only when one of its members is set there or in the mask:
			       kernels without conntrack do not know it */
	bool (*has)(const struct flow_key *k); /* NULL: always */
};
/* In the order in which they are written. */
extern const struct kdp_attr kdp_attrs_[];
extern const unsigned kdp_n_attrs_;

const struct kdp_attr *kdp_attr_of(unsigned type); /* NULL: not in the table */
/* No member is set. */
bool kdp_attr_is_zero(const struct kdp_attr *a, const struct flow_key *k, bool mask);
/* Ones wherever a header's attribute of a key like this has a member. */
void kdp_attrs_seen(const struct flow_key *key, struct flow_key *seen);

static inline bool kdp_attr_has(const struct kdp_attr *a, const struct flow_key *k)
{
	return !a->has || a->has(k);
}

static inline bool kdp_all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n && !*b)
		b++, n--;
	return !n;
}

static inline bool kdp_has_tunnel(const struct flow_tnl *t)
{
	return t->dst || t->dst6.d[0] || t->dst6.d[1];
}

static inline bool kdp_has_gbp(const struct flow_tnl *t)
{
	return t->gbp_id || t->gbp_flags;
}

static inline unsigned kdp_n_labels(const struct flow_key *key)
{
	unsigned n = 0;

	while (n < FLOW_N_MPLS && !(key->mpls_lse[n++] & htonl(MPLS_BOS)))
		;
	return n;
}

static inline bool kdp_has_l4(const struct flow_key *k, uint8_t proto)
{
	return flow_has_l4(k) && k->nw_proto == proto;
}

static inline bool kdp_has_icmpv6(const struct flow_key *k)
{
	return flow_is_ipv6(k) && kdp_has_l4(k, IPP_ICMPV6);
}

/* As a mask's: without what a key must have. */
void kdp_put_tunnel_mask(struct buf *b, const struct flow_tnl *mask);
