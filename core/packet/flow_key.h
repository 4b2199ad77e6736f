/* SPDX-License-Identifier: Apache-2.0 */
/* The flow key: everything about a packet that any table may look at, as one flat struct of 64-bit
 * words.
 *
 * Why flat: a field has a fixed offset, so that masks, classifiers and commits are word arithmetic;
 * and why sparse beside it: most packets use some ten of the 56 words, so `struct flow_map` says in
 * one 64-bit map which words may be non-zero, and loops run over its bits alone
 * (FLOW_MAP_FOR_EACH).
 *
 * Guarantees: **every field is in network byte order**, in_port, registers and marks included; use
 * the accessors at the end for those.  Padding is zero.  A field that a packet lacks is zero;
 * prerequisites (field.h) say when a zero means something.  The order of the words is the order of
 * the classifier's stages: metadata, L2, L3, L4.
 *
 * The same struct serves as mask ("wildcards"): a 1 bit was looked at.  In a key that is handed to
 * a datapath, in_port is the datapath's port number; in OpenFlow tables it is the OpenFlow port
 * number. */
#pragma once

#include <string.h>

#include "core/base/types.h"

#define FLOW_N_REGS 16   /* what OpenFlow tables offer: NXM reg0-15 */
#define FLOW_REG_ROOM 32 /* what the key has room for */
#define FLOW_N_VLANS 2
#define FLOW_N_MPLS 3

/* Tunnel metadata of a packet that was, or will be, encapsulated.  64 bytes. */
struct flow_tnl {
	be64 tun_id;
	be32 src, dst; /* IPv4 outer addresses; zero when the outer header is IPv6 */
	struct be128 src6, dst6;
	be16 flags; /* FLOW_TNL_F_* */
	uint8_t tos, ttl;
	be16 tp_src, tp_dst;
	be16 gbp_id;
	uint8_t gbp_flags;
	uint8_t pad[5];
};
/* The first is the only one that OpenFlow sees, and has NXM_NX_TUN_FLAGS' bit. */
#define FLOW_TNL_F_OAM 0x0001
#define FLOW_TNL_F_DF 0x0002
#define FLOW_TNL_F_CSUM 0x0004
#define FLOW_TNL_F_KEY 0x0008

struct flow_vlan {
	be16 tpid; /* 0x8100 or 0x88a8; 0 = no such tag */
	be16 tci;  /* with bit 0x1000 set whenever the tag is present */
};
#define VLAN_CFI 0x1000

/* nw_frag */
#define FLOW_FRAG_ANY 0x01   /* a fragment */
#define FLOW_FRAG_LATER 0x02 /* not the first one */

/* ct_state bits, as in OXM/NXM ct_state (ovs-fields(7)) */
#define CT_NEW 0x01
#define CT_EST 0x02
#define CT_REL 0x04
#define CT_RPL 0x08
#define CT_INV 0x10
#define CT_TRK 0x20
#define CT_SNAT 0x40
#define CT_DNAT 0x80

/* dl_type of an 802.3 frame without SNAP encapsulation of Ethernet II. */
#define DL_TYPE_NONE 0x05ff

struct flow_key {
	/* --- pipeline: OpenFlow only; a datapath never sees these words --- */
	be32 regs[FLOW_REG_ROOM]; /* words 0-15 */
	be64 metadata;            /* 16 */
	be32 actset_output;       /* 17 */
	be32 conj_id;

	/* --- metadata that comes with the packet --- */
	struct flow_tnl tunnel; /* 18-25 */
	be32 in_port;           /* 26 */
	be32 recirc_id;
	be32 dp_hash; /* 27 */
	be32 skb_priority;
	be32 pkt_mark; /* 28 */
	be32 packet_type;
	be32 ct_state; /* 29 */
	be32 ct_mark;
	struct be128 ct_label; /* 30-31 */
	be16 ct_zone;          /* 32 */
	uint8_t ct_nw_proto;
	uint8_t pad1;
	be16 ct_tp_src, ct_tp_dst;
	be32 ct_nw_src, ct_nw_dst;             /* 33 */
	struct be128 ct_ipv6_src, ct_ipv6_dst; /* 34-37 */

	/* --- L2 --- */
	struct eth_addr dl_dst, dl_src; /* 38-39 */
	be16 dl_type;                   /* behind the VLAN tags */
	be16 pad2;
	struct flow_vlan vlans[FLOW_N_VLANS]; /* 40; [0] is the outer tag */
	be32 mpls_lse[FLOW_N_MPLS];           /* 41-42; [0] is the top of the stack */
	be32 pad3;

	/* --- L3 (IPv4, IPv6, ARP, ND) --- */
	be32 nw_src, nw_dst;                       /* 43; ARP: spa, tpa */
	struct be128 ipv6_src, ipv6_dst;           /* 44-47 */
	be32 ipv6_label;                           /* 48; low 20 bits */
	uint8_t nw_frag, nw_tos, nw_ttl, nw_proto; /* ARP: opcode in nw_proto */
	struct be128 nd_target;                    /* 49-50 */
	struct eth_addr arp_sha, arp_tha; /* 51-52; ND: source and target link-layer address */
	be16 tcp_flags;                   /* low 12 bits */
	be16 pad4;

	/* --- L4 --- */
	be16 tp_src, tp_dst; /* 53; ICMP: type and code in the low byte of each */
	be32 igmp_group;
	uint64_t spare[2]; /* 54-55; zero */
} __attribute__((aligned(8)));

#define FLOW_WORDS (sizeof(struct flow_key) / 8)
_Static_assert(sizeof(struct flow_key) % 8 == 0, "flow keys are whole words");
_Static_assert(FLOW_WORDS <= 64, "one 64-bit map covers a flow key");

#define FLOW_WORD(MEMBER) (offsetof(struct flow_key, MEMBER) / 8)
/* Stages of staged lookup: the first word of each; stage i covers [start[i], start[i+1]). */
enum flow_stage { FLOW_STAGE_META, FLOW_STAGE_L2, FLOW_STAGE_L3, FLOW_STAGE_L4, FLOW_N_STAGES };
#define FLOW_L2_WORD FLOW_WORD(dl_dst)
#define FLOW_L3_WORD FLOW_WORD(nw_src)
#define FLOW_L4_WORD FLOW_WORD(tp_src)
_Static_assert(offsetof(struct flow_key, dl_dst) % 8 == 0, "stage starts on a word");
_Static_assert(offsetof(struct flow_key, nw_src) % 8 == 0, "stage starts on a word");
_Static_assert(offsetof(struct flow_key, tp_src) % 8 == 0, "stage starts on a word");
_Static_assert(offsetof(struct flow_key, tunnel) % 8 == 0, "tunnel starts on a word");

static inline uint64_t *flow_words(struct flow_key *k)
{
	return (uint64_t *)(void *)k;
}

static inline const uint64_t *flow_words_const(const struct flow_key *k)
{
	return (const uint64_t *)(const void *)k;
}

/* Which words of a key or mask are not zero. */
static inline uint64_t flow_map_of(const struct flow_key *k)
{
	const uint64_t *w = flow_words_const(k);
	uint64_t map = 0;

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		map |= (uint64_t)(w[i] != 0) << i;
	return map;
}

static inline uint64_t flow_map_of_tunnel(const struct flow_key *k)
{
	const uint64_t *w = flow_words_const(k);
	uint64_t map = 0;

	for (unsigned i = FLOW_WORD(tunnel); i < FLOW_WORD(tunnel) + sizeof(k->tunnel) / 8; i++)
		map |= (uint64_t)(w[i] != 0) << i;
	return map;
}

/* for each set bit I of MAP */
#define FLOW_MAP_FOR_EACH(I, MAP)                                                                  \
	for (uint64_t m_ = (MAP); m_ && ((I) = (unsigned)__builtin_ctzll(m_), true); m_ &= m_ - 1)

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* a and b agree on every bit of mask */
bool flow_key_equal_masked(const struct flow_key *a, const struct flow_key *b,
			   const struct flow_key *mask);
/* dst = key & mask */
void flow_key_mask(struct flow_key *dst, const struct flow_key *key, const struct flow_key *mask);
/* dst |= src (masks) */
void flow_mask_or(struct flow_key *dst, const struct flow_key *src);
/* a has no bit that b lacks: a is the wider match */
bool flow_mask_within(const struct flow_key *a, const struct flow_key *b);
uint64_t flow_key_hash(const struct flow_key *k, uint64_t seed);
/* Hash of the 5-tuple and addresses, the same in both directions when symmetric; L4 left out for
 * fragments. */
uint32_t flow_hash_5tuple(const struct flow_key *k, uint32_t basis);
uint32_t flow_hash_symmetric_l4(const struct flow_key *k, uint32_t basis);
/* Sets the mask bits that flow_hash_5tuple()/flow_hash_symmetric_l4() look at in a packet like k.
 */
void flow_mask_hash_5tuple(const struct flow_key *k, struct flow_key *mask);
void flow_mask_hash_symmetric_l4(const struct flow_key *k, struct flow_key *mask);

static inline struct ofp_port flow_in_ofp(const struct flow_key *k)
{
	return (struct ofp_port){ ntohl(k->in_port) };
}

static inline struct dp_port flow_in_dp(const struct flow_key *k)
{
	return (struct dp_port){ ntohl(k->in_port) };
}

static inline uint16_t flow_dl_type(const struct flow_key *k)
{
	return ntohs(k->dl_type);
}

static inline bool flow_is_ipv4(const struct flow_key *k)
{
	return k->dl_type == htons(0x0800);
}

static inline bool flow_is_ipv6(const struct flow_key *k)
{
	return k->dl_type == htons(0x86dd);
}

static inline bool flow_is_ip(const struct flow_key *k)
{
	return flow_is_ipv4(k) || flow_is_ipv6(k);
}

static inline bool flow_is_arp(const struct flow_key *k)
{
	return k->dl_type == htons(0x0806) || k->dl_type == htons(0x8035);
}

static inline bool flow_is_mpls(const struct flow_key *k)
{
	return k->dl_type == htons(0x8847) || k->dl_type == htons(0x8848);
}

/* Has an L4 header that the key shows: IP and not a later fragment. */
static inline bool flow_has_l4(const struct flow_key *k)
{
	return flow_is_ip(k) && !(k->nw_frag & FLOW_FRAG_LATER);
}

static inline bool eth_addr_is_multicast(struct eth_addr a)
{
	return a.b[0] & 1;
}

static inline bool eth_addr_equal(struct eth_addr a, struct eth_addr b)
{
	return !memcmp(a.b, b.b, sizeof(a.b));
}
