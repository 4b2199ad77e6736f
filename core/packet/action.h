/* SPDX-License-Identifier: Apache-2.0 */
/* Datapath actions: what a megaflow does to a packet, in the same words on every tier.
 *
 * An action list is one contiguous, immutable run of variable-length records (struct dp_action +
 * payload, 8-byte aligned), so that it is hashed, compared and copied as bytes and walked without
 * pointers.  One const table has a row per kind: name, payload size, formatter, checker; tiers keep
 * their own table of the same kinds (exec in the user datapath, netlink, flower, rte_flow, sim),
 * each with an explicit "unsupported".
 *
 * OpenFlow never appears here: translation has resolved groups, tables and ports. */
#pragma once

#include "core/base/buf.h"
#include "core/packet/field.h"

enum dp_action_kind {
	DP_ACT_OUTPUT,        /* act_output */
	DP_ACT_SET,           /* act_set: one field, value and mask */
	DP_ACT_PUSH_VLAN,     /* act_push_vlan */
	DP_ACT_POP_VLAN,      /* - */
	DP_ACT_PUSH_MPLS,     /* act_push_mpls */
	DP_ACT_POP_MPLS,      /* act_pop_mpls */
	DP_ACT_RECIRC,        /* act_recirc: look up again with this recirc_id */
	DP_ACT_HASH,          /* act_hash: set dp_hash */
	DP_ACT_USERSPACE,     /* act_userspace: the packet (a copy) goes up */
	DP_ACT_SAMPLE,        /* act_sample + nested list */
	DP_ACT_CLONE,         /* nested list on a copy */
	DP_ACT_TRUNC,         /* act_trunc: the next output sends at most so many bytes */
	DP_ACT_METER,         /* act_meter */
	DP_ACT_CT,            /* act_ct (+ NAT) */
	DP_ACT_CT_CLEAR,      /* - */
	DP_ACT_CHECK_PKT_LEN, /* act_check_len + two nested lists */
	DP_ACT_DROP,          /* act_drop: explicit, with a reason for counters */
	DP_ACT_N_KINDS
};

struct dp_action {
	uint16_t kind; /* enum dp_action_kind */
	uint16_t pad;
	uint32_t len; /* bytes of payload that follows the struct, without padding to 8 */
};

struct act_output {
	struct dp_port port;
};
/* Tunnel fields (FIELD_TUN_*) are the outer header to be sent with, not what came in (flow_key's
 * tunnel words).  They are written together: SETs of them that follow one another without another
 * action in between make one outer header, in which what they leave out is zero. */
struct act_set {
	uint16_t field; /* enum field_id */
	uint16_t pad[3];
	union field_value value, mask; /* mask: bits to write */
};
struct act_push_vlan {
	be16 tpid, tci; /* tci with VLAN_CFI */
};
struct act_push_mpls {
	be16 ethertype;
	uint16_t pad;
	be32 lse;
};
struct act_pop_mpls {
	be16 ethertype;
};
struct act_recirc {
	uint32_t id;
};
enum dp_hash_alg { DP_HASH_L4, DP_HASH_SYM_L4 };
struct act_hash {
	uint32_t alg; /* enum dp_hash_alg */
	uint32_t basis;
};
/* Why a packet went up. */
enum upcall_kind {
	UPCALL_MISS,       /* no megaflow */
	UPCALL_CONTROLLER, /* OpenFlow controller action */
	UPCALL_SLOW_PATH, /* actions that only translation can do (LACP, learning that must see each
			     packet…) */
	UPCALL_SFLOW,
	UPCALL_IPFIX,
	UPCALL_N_KINDS
};
struct act_userspace {
	uint32_t kind;      /* enum upcall_kind */
	uint32_t max_len;   /* bytes of the packet to send; UINT32_MAX = all */
	uint64_t cookie[4]; /* handed back with the upcall as it is */
};
struct act_sample {
	uint32_t probability; /* of UINT32_MAX */
	uint32_t pad;
	/* nested list */
};
struct act_trunc {
	uint32_t max_len;
};
struct act_meter {
	uint32_t id;
};
#define ACT_CT_COMMIT 0x01
#define ACT_CT_FORCE 0x02
#define ACT_CT_NAT 0x04
#define ACT_CT_NAT_SRC 0x08
#define ACT_CT_NAT_DST 0x10
#define ACT_CT_NAT_PERSISTENT 0x20
#define ACT_CT_NAT_RANDOM 0x40
#define ACT_CT_NAT_HASH 0x80
struct act_ct {
	uint16_t flags, zone;
	uint32_t mark, mark_mask;
	uint32_t pad;
	struct be128 label, label_mask;
	struct be128 nat_min, nat_max; /* IPv4 in w[0] when nat_family is AF_INET */
	uint16_t nat_family, nat_port_min, nat_port_max, pad2;
	char helper[16];
	char timeout[32];
};
struct act_check_len {
	uint16_t len, pad;
	uint32_t greater_bytes; /* bytes of the first nested list; the second follows */
};
struct act_drop {
	uint32_t reason;
};

/* An action list; borrowed unless its holder says otherwise.  len 0 drops. */
struct dp_actions {
	const void *data; /* 8-byte aligned */
	uint32_t len;     /* bytes */
};

static inline const struct dp_action *dp_action_first(struct dp_actions a)
{
	return a.len ? a.data : NULL;
}

static inline const void *dp_action_payload(const struct dp_action *a)
{
	return a + 1;
}

static inline size_t dp_action_size(const struct dp_action *a)
{
	return sizeof(*a) + ROUND_UP((size_t)a->len, 8);
}

static inline const struct dp_action *dp_action_next(struct dp_actions list,
						     const struct dp_action *a)
{
	const uint8_t *n = (const uint8_t *)a + dp_action_size(a);

	return n < (const uint8_t *)list.data + list.len ? (const struct dp_action *)(const void *)n
							 : NULL;
}

/* for each action A of LIST (a struct dp_actions, evaluated more than once) */
#define DP_ACTION_FOR_EACH(A, LIST)                                                                \
	for ((A) = dp_action_first(LIST); (A); (A) = dp_action_next((LIST), (A)))

/* Nested list of SAMPLE, CLONE, CHECK_PKT_LEN (which = 0, 1). */
struct dp_actions dp_action_nested(const struct dp_action *a, unsigned which);

/* Building, into a struct buf (whose data is the list). */
void *dp_actions_put(struct buf *b, enum dp_action_kind kind, const void *payload, size_t len);
void dp_actions_put_output(struct buf *b, struct dp_port port);
void dp_actions_put_set(struct buf *b, enum field_id field, const union field_value *v,
			const union field_value *mask);
/* Opens a nested list behind `payload`; returns a mark for dp_actions_nest_end(). */
size_t dp_actions_nest_begin(struct buf *b, enum dp_action_kind kind, const void *payload,
			     size_t len);
/* Ends the first list of CHECK_PKT_LEN (greater_bytes is filled in) and opens the second. */
void dp_actions_nest_else(struct buf *b, size_t mark);
void dp_actions_nest_end(struct buf *b, size_t mark);
static inline struct dp_actions dp_actions_of(const struct buf *b)
{
	return (struct dp_actions){ b->data, (uint32_t)b->len };
}
bool dp_actions_equal(struct dp_actions a, struct dp_actions b);
/* Sizes, nesting (at most DP_ACTIONS_MAX_DEPTH levels), fields and values are sound: for lists that
 * came from outside.  -EINVAL. */
#define DP_ACTIONS_MAX_DEPTH 8
int dp_actions_check(struct dp_actions a, struct error *err) MUST_CHECK;

struct dp_action_info {
	enum dp_action_kind kind;
	const char *name;
	uint16_t payload; /* bytes of the fixed part */
	bool nested;
};
extern const struct dp_action_info dp_action_table[DP_ACT_N_KINDS];

/* Whether act_set may write the field: what a packet has in its headers, and the metadata that goes
 * with it to an output (tunnel, mark, priority). */
bool dp_field_settable(const struct field *f);
static inline bool dp_field_is_tunnel(enum field_id id)
{
	return id <= FIELD_TUN_TP_DST;
}

/* Text in the form of dpctl/dump-flows: `set(ipv4(ttl=63)),push_vlan(vid=5,pcp=0),2`; "drop" when
 * empty. */
typedef const char *dp_port_name_fn(void *aux, struct dp_port port);
void dp_actions_format(struct dp_actions a, dp_port_name_fn *name, void *aux, struct str *out);
/* The same where the packets' Ethertype is known, so that what IPv4 and IPv6 share is printed under
 * the right name: set(ipv6(hlimit=63)). */
void dp_actions_format_for(struct dp_actions a, be16 dl_type, dp_port_name_fn *name, void *aux,
			   struct str *out);
/* The reverse, for tests and dpctl/add-flow.  Ports are numbers.  Appends to *out; -EINVAL. */
int dp_actions_parse(const char *text, struct buf *out, struct error *err) MUST_CHECK;
