/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow actions and instructions, in one form for all versions.
 *
 * A list is one contiguous, immutable run of records (struct ofpact + payload, 8-byte aligned),
 * compared and copied as bytes.  Instructions are records too, in this order and at most once each:
 * METER, actions…, CLEAR_ACTIONS, WRITE_ACTIONS, WRITE_METADATA, GOTO_TABLE.  One table has a row
 * per kind (name, payload size, codec for OpenFlow 1.0 and 1.1+, text, checker); translation has
 * its own.
 *
 * Sources: OpenFlow 1.0 section 5.2.4, OpenFlow 1.3.5 sections 7.2.4 and 7.2.5, ovs-actions(7). */
#pragma once

#include "core/base/buf.h"
#include "core/packet/field.h"

enum ofpact_kind {
	OFPACT_OUTPUT,       /* ofpact_output */
	OFPACT_CONTROLLER,   /* ofpact_controller */
	OFPACT_OUTPUT_REG,   /* ofpact_output_reg */
	OFPACT_ENQUEUE,      /* ofpact_enqueue */
	OFPACT_GROUP,        /* ofpact_group */
	OFPACT_SET_FIELD,    /* ofpact_set_field: set_field and load (reg_load) */
	OFPACT_MOVE,         /* ofpact_move */
	OFPACT_SET_VLAN_VID, /* ofpact_u16: OpenFlow 1.0 set_vlan_vid: adds a tag when there is none
			      */
	OFPACT_SET_VLAN_PCP, /* ofpact_u16 */
	OFPACT_STRIP_VLAN,   /* pop_vlan of 1.1+, strip_vlan of 1.0 */
	OFPACT_PUSH_VLAN,    /* ofpact_ethertype */
	OFPACT_SET_L4_SRC,   /* ofpact_u16: mod_tp_src of 1.0: TCP, UDP or SCTP as the packet is */
	OFPACT_SET_L4_DST,   /* ofpact_u16 */
	OFPACT_PUSH_MPLS,    /* ofpact_ethertype */
	OFPACT_POP_MPLS,     /* ofpact_ethertype */
	OFPACT_DEC_TTL,      /* ofpact_dec_ttl */
	OFPACT_SET_TTL,      /* ofpact_u16: mod_nw_ttl */
	OFPACT_DEC_MPLS_TTL, /* - */
	OFPACT_SET_MPLS_TTL, /* ofpact_u16 */
	OFPACT_SET_QUEUE,    /* ofpact_u32 */
	OFPACT_POP_QUEUE,    /* - */
	OFPACT_RESUBMIT,     /* ofpact_resubmit */
	OFPACT_LEARN,        /* ofpact_learn + specs */
	OFPACT_NOTE,         /* bytes (payload len) */
	OFPACT_EXIT,         /* - */
	OFPACT_CT,           /* ofpact_ct + nested list: what exec() and nat() say */
	OFPACT_NAT,          /* ofpact_nat; in a CT only */
	OFPACT_CT_CLEAR,     /* - */
	OFPACT_CLONE,        /* nested list */
	OFPACT_OUTPUT_TRUNC, /* ofpact_output_trunc */
	OFPACT_PUSH,         /* ofpact_bits: onto the stack */
	OFPACT_POP,          /* ofpact_bits */
	OFPACT_CHECK_PKT_LARGER, /* ofpact_check_len */
	OFPACT_SAMPLE,           /* ofpact_sample */
	OFPACT_CONJUNCTION,      /* ofpact_conjunction */
	OFPACT_FIN_TIMEOUT,      /* ofpact_fin_timeout */
	/* instructions */
	OFPACT_METER,          /* ofpact_u32 */
	OFPACT_CLEAR_ACTIONS,  /* - */
	OFPACT_WRITE_ACTIONS,  /* nested list */
	OFPACT_WRITE_METADATA, /* ofpact_metadata */
	OFPACT_GOTO_TABLE,     /* ofpact_u8 */
	OFPACT_N_KINDS
};

struct ofpact {
	uint16_t kind; /* enum ofpact_kind */
	uint16_t len;  /* payload bytes that follow, without padding to 8 */
	uint8_t raw;   /* spelling it came in, for an equal answer: OFPACT_RAW_* */
	uint8_t pad[3];
};
#define OFPACT_RAW_STD 0
#define OFPACT_RAW_LOAD 1 /* SET_FIELD came as NXAST_REG_LOAD ("load:…") */
#define OFPACT_RAW_OF10                                                                            \
	2 /* SET_FIELD as a 1.0 setter ("mod_nw_src:…"), STRIP_VLAN as strip_vlan                \
	   */
#define OFPACT_RAW_TUNNEL 3 /* SET_FIELD came as NXAST_SET_TUNNEL ("set_tunnel:…") */
#define OFPACT_RAW_TUNNEL64 4
#define OFPACT_RAW_RESUBMIT 5 /* RESUBMIT came without a table: NXAST_RESUBMIT */
#define OFPACT_RAW_LOAD2 6    /* SET_FIELD came as NXAST_REG_LOAD2 */
/* SET_L4_*: the IP protocol of the flow's match, 0 when it has none, for versions whose setters
 * name the protocol. */

/* Reserved ports (OpenFlow 1.3.5 section 7.2.1). */
#define OFPP_MAX_ 0xffffff00u
#define OFPP_IN_PORT_ 0xfffffff8u
#define OFPP_TABLE_ 0xfffffff9u
#define OFPP_NORMAL_ 0xfffffffau
#define OFPP_FLOOD_ 0xfffffffbu
#define OFPP_ALL_ 0xfffffffcu
#define OFPP_CONTROLLER_ 0xfffffffdu
#define OFPP_LOCAL_ 0xfffffffeu
#define OFPP_NONE_ 0xffffffffu /* OFPP_ANY */

/* Part of a field: bits [ofs, ofs + n). */
struct ofpact_bits {
	uint16_t field; /* enum field_id */
	uint16_t ofs, n;
	uint16_t pad;
};
struct ofpact_output {
	struct ofp_port port;
	uint32_t max_len; /* OFPP_CONTROLLER_ only */
};
struct ofpact_controller {
	uint16_t max_len;
	uint16_t controller_id;
	uint8_t reason; /* OFPR_* */
	uint8_t pad[3];
};
struct ofpact_output_reg {
	struct ofpact_bits src;
	uint16_t max_len, pad[3];
};
struct ofpact_enqueue {
	struct ofp_port port;
	uint32_t queue;
};
struct ofpact_group {
	uint32_t id;
};
struct ofpact_set_field {
	uint16_t field; /* enum field_id */
	uint16_t pad[3];
	union field_value value, mask;
};
struct ofpact_move {
	struct ofpact_bits src, dst;
};
struct ofpact_u8 {
	uint8_t v;
};
struct ofpact_u16 {
	uint16_t v;
};
struct ofpact_u32 {
	uint32_t v;
};
struct ofpact_ethertype {
	be16 v;
};
struct ofpact_dec_ttl {
	uint16_t n;      /* controller ids; 0 = the standard action (controller 0) */
	uint16_t ids[7]; /* limit of 7 */
};
struct ofpact_resubmit {
	struct ofp_port in_port; /* OFPP_IN_PORT_: keep */
	uint8_t table;           /* 255: the current one */
	bool ct;                 /* look up with the connection's original addresses and ports */
	uint8_t pad[2];
};
struct ofpact_metadata {
	be64 value, mask;
};
#define OFPACT_CT_COMMIT 0x1
#define OFPACT_CT_FORCE 0x2
#define OFPACT_CT_NO_TABLE 255
#define OFPACT_ALG_FTP 21 /* IANA's ports, which Nicira's action names the helpers by */
#define OFPACT_ALG_TFTP 69
struct ofpact_ct {
	uint16_t flags;              /* OFPACT_CT_* */
	uint16_t zone;               /* when zone_src.n is 0 */
	struct ofpact_bits zone_src; /* 16 bits */
	uint8_t table;               /* where the tracked packet goes on, or OFPACT_CT_NO_TABLE */
	uint8_t pad;
	uint16_t alg; /* OFPACT_ALG_*, 0: none */
};
_Static_assert(sizeof(struct ofpact_ct) % 8 == 0, "a list follows");
#define OFPACT_NAT_SRC 0x01
#define OFPACT_NAT_DST 0x02
#define OFPACT_NAT_PERSISTENT 0x04
#define OFPACT_NAT_HASH 0x08
#define OFPACT_NAT_RANDOM 0x10
#define OFPACT_NAT_FLAGS 0x1f
struct ofpact_nat {
	uint16_t flags;                  /* OFPACT_NAT_* */
	uint16_t family;                 /* AF_INET, AF_INET6; 0: the connection's own address */
	uint16_t port_min, port_max;     /* 0: none */
	struct be128 addr_min, addr_max; /* IPv4: w[0].  addr_max zero: one address */
};
struct ofpact_output_trunc {
	struct ofp_port port;
	uint32_t max_len; /* at least 14 */
};
struct ofpact_check_len {
	struct ofpact_bits dst; /* one bit */
	uint16_t len;
	uint16_t pad[3];
};
/* Which way a sampled packet goes. */
enum ofpact_sample_way { SAMPLE_WAY_DEFAULT, SAMPLE_WAY_INGRESS, SAMPLE_WAY_EGRESS };
struct ofpact_sample {
	uint32_t collector_set, domain, point;
	struct ofp_port port; /* OFPP_NONE_: none */
	uint16_t probability; /* of 65535; not 0 */
	uint8_t way;          /* enum ofpact_sample_way */
	uint8_t pad;
};
#define OFPACT_CLAUSES_MAX 64
struct ofpact_conjunction {
	uint32_t id;
	uint8_t clause, n_clauses; /* from 0; 2 to OFPACT_CLAUSES_MAX */
	uint8_t pad[2];
};
struct ofpact_fin_timeout {
	uint16_t idle, hard; /* seconds; 0: as it is */
};
#define OFPACT_LEARN_SEND_FLOW_REM 0x1
#define OFPACT_LEARN_DELETE 0x2 /* delete_learned */
struct ofpact_learn {
	uint16_t idle_timeout, hard_timeout, priority, fin_idle, fin_hard;
	uint8_t table, flags;
	be64 cookie;
	uint32_t limit, n_specs;
	/* n_specs struct ofpact_learn_spec follow */
};
enum learn_src { LEARN_SRC_FIELD, LEARN_SRC_VALUE };
enum learn_dst { LEARN_DST_MATCH, LEARN_DST_LOAD, LEARN_DST_OUTPUT };
struct ofpact_learn_spec {
	uint8_t src_type, dst_type; /* enum learn_src, learn_dst */
	uint16_t n_bits;
	uint32_t pad;
	struct ofpact_bits src, dst;
	union field_value
		value; /* LEARN_SRC_VALUE: right-aligned in ceil(n_bits / 8) bytes at the start */
};

struct ofpacts {          /* borrowed unless the holder says otherwise */
	const void *data; /* 8-byte aligned */
	uint32_t len;
};

static inline const struct ofpact *ofpact_first(struct ofpacts l)
{
	return l.len ? l.data : NULL;
}

static inline const void *ofpact_payload(const struct ofpact *a)
{
	return a + 1;
}

static inline const struct ofpact *ofpact_next(struct ofpacts l, const struct ofpact *a)
{
	const uint8_t *n = (const uint8_t *)(a + 1) + ROUND_UP((size_t)a->len, 8);

	return n < (const uint8_t *)l.data + l.len ? (const struct ofpact *)(const void *)n : NULL;
}

/* for each record A of LIST */
#define OFPACT_FOR_EACH(A, LIST) for ((A) = ofpact_first(LIST); (A); (A) = ofpact_next((LIST), (A)))

static inline struct ofpacts ofpacts_of(const struct buf *b)
{
	return (struct ofpacts){ b->data, (uint32_t)b->len };
}

#define OFPACT_MAX_DEPTH 16 /* lists in actions of lists, at most */

/* One whose payload ends in a list of actions. */
static inline bool ofpact_has_nested(const struct ofpact *a)
{
	return a->kind == OFPACT_WRITE_ACTIONS || a->kind == OFPACT_CLONE || a->kind == OFPACT_CT;
}

/* The list of one that ofpact_has_nested(). */
static inline struct ofpacts ofpact_nested(const struct ofpact *a)
{
	size_t skip = a->kind == OFPACT_CT ? sizeof(struct ofpact_ct) : 0;

	return (struct ofpacts){ (const uint8_t *)(a + 1) + skip, (uint32_t)(a->len - skip) };
}

/* The record that stands next in memory: a nested list's first, then what follows that list. */
static inline const struct ofpact *ofpact_next_flattened(struct ofpacts l, const struct ofpact *a)
{
	const uint8_t *n = ofpact_has_nested(a)
				   ? ofpact_nested(a).data
				   : (const uint8_t *)(a + 1) + ROUND_UP((size_t)a->len, 8);

	return n < (const uint8_t *)l.data + l.len ? (const struct ofpact *)(const void *)n : NULL;
}

/* for each record A of LIST and of the lists in it */
#define OFPACT_FOR_EACH_FLATTENED(A, LIST)                                                         \
	for ((A) = ofpact_first(LIST); (A); (A) = ofpact_next_flattened((LIST), (A)))

/* Appends one record and returns its payload; payload NULL: zeros.  len at most 65535. */
void *ofpact_put(struct buf *b, enum ofpact_kind kind, const void *payload, size_t len);
/* Says how the record was spelled (OFPACT_RAW_*). */
void ofpact_set_raw(void *payload, uint8_t raw);
/* SET_FIELD of the bits of `mask` (NULL: the whole field); values start at the union's start. */
void ofpact_put_set_field(struct buf *b, enum field_id id, const union field_value *v,
			  const union field_value *mask, uint8_t raw);
bool ofpacts_equal(struct ofpacts a, struct ofpacts b);
/* Some record outputs to this port / group (out_port and out_group filters of flow-mod and stats).
 */
bool ofpacts_output_to_port(struct ofpacts l, struct ofp_port port);
bool ofpacts_output_to_group(struct ofpacts l, uint32_t group);

/* Bits [ofs, ofs + n) of a value of n_bytes, n <= 64, as a host integer. */
uint64_t field_value_get_bits(const union field_value *v, unsigned n_bytes, unsigned ofs,
			      unsigned n);
void field_value_set_bits(union field_value *v, unsigned n_bytes, unsigned ofs, unsigned n,
			  uint64_t x);
/* The first run of ones at or above bit `from`; false when there is none. */
bool field_value_run(const union field_value *mask, unsigned n_bytes, unsigned from, unsigned *ofs,
		     unsigned *n);
