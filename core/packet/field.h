/* SPDX-License-Identifier: Apache-2.0 */
/* Match fields: one row of one table per field, and everything that needs to know fields loops over
 * the rows.
 *
 * A row says where the field's bits are in struct flow_key, how a person writes it, which OXM and
 * NXM codes carry it (ovs-fields(7)), what must be matched before it means something (its
 * prerequisite), whether it may be masked and whether an action may write it.  A new field is one
 * row here, one in each tier's own map, and a test that asserts that each map has the row or an
 * explicit "unsupported".
 *
 * Values travel as `union field_value`: the field's n_bytes on the wire, right-aligned bits,
 * network order, at the start of the union.  All functions are pure; any thread. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/packet/flow_key.h"

enum field_id {
	/* metadata */
	FIELD_TUN_ID,
	FIELD_TUN_SRC,
	FIELD_TUN_DST,
	FIELD_TUN_IPV6_SRC,
	FIELD_TUN_IPV6_DST,
	FIELD_TUN_FLAGS,
	FIELD_TUN_GBP_ID,
	FIELD_TUN_GBP_FLAGS,
	FIELD_TUN_TOS,
	FIELD_TUN_TTL,
	FIELD_TUN_TP_SRC, /* no OXM/NXM code: datapath keys only */
	FIELD_TUN_TP_DST, /* likewise */
	FIELD_METADATA,
	FIELD_IN_PORT,     /* 16-bit NXM_OF_IN_PORT */
	FIELD_IN_PORT_OXM, /* 32-bit OXM in_port; same bits of the key */
	FIELD_SKB_PRIORITY,
	FIELD_PKT_MARK,
	FIELD_DP_HASH,
	FIELD_RECIRC_ID,
	FIELD_CONJ_ID,
	FIELD_PACKET_TYPE,
	FIELD_ACTSET_OUTPUT,
	FIELD_CT_STATE,
	FIELD_CT_ZONE,
	FIELD_CT_MARK,
	FIELD_CT_LABEL,
	FIELD_CT_NW_PROTO,
	FIELD_CT_NW_SRC,
	FIELD_CT_NW_DST,
	FIELD_CT_IPV6_SRC,
	FIELD_CT_IPV6_DST,
	FIELD_CT_TP_SRC,
	FIELD_CT_TP_DST,
	FIELD_REG0, /* REG0 + n, n < FLOW_N_REGS */
	FIELD_REG_LAST = FIELD_REG0 + FLOW_N_REGS - 1,
	FIELD_XREG0, /* XREG0 + n: reg2n (high) and reg2n+1 (low) */
	FIELD_XREG_LAST = FIELD_XREG0 + FLOW_N_REGS / 2 - 1,
	FIELD_XXREG0, /* XXREG0 + n: reg4n..reg4n+3 */
	FIELD_XXREG_LAST = FIELD_XXREG0 + FLOW_N_REGS / 4 - 1,
	/* L2 */
	FIELD_ETH_SRC,
	FIELD_ETH_DST,
	FIELD_ETH_TYPE,
	FIELD_VLAN_TCI, /* NXM_OF_VLAN_TCI, outer tag, 16 bits with CFI */
	FIELD_DL_VLAN,  /* OpenFlow 1.0's dl_vlan: 12 bits, text and OF1.0 only */
	FIELD_DL_VLAN_PCP,
	FIELD_VLAN_VID, /* OXM: 12 bits + present (0x1000) */
	FIELD_VLAN_PCP,
	FIELD_MPLS_LABEL,
	FIELD_MPLS_TC,
	FIELD_MPLS_BOS,
	FIELD_MPLS_TTL,
	/* L3 */
	FIELD_IPV4_SRC,
	FIELD_IPV4_DST,
	FIELD_IPV6_SRC,
	FIELD_IPV6_DST,
	FIELD_IPV6_LABEL,
	FIELD_IP_PROTO,
	FIELD_IP_DSCP,         /* 8 bits, the low 2 zero: NXM_OF_IP_TOS */
	FIELD_IP_DSCP_SHIFTED, /* 6 bits: OXM ip_dscp */
	FIELD_IP_ECN,
	FIELD_IP_TTL,
	FIELD_IP_FRAG,
	FIELD_ARP_OP,
	FIELD_ARP_SPA,
	FIELD_ARP_TPA,
	FIELD_ARP_SHA,
	FIELD_ARP_THA,
	/* L4 */
	FIELD_TCP_SRC,
	FIELD_TCP_DST,
	FIELD_TCP_FLAGS,
	FIELD_UDP_SRC,
	FIELD_UDP_DST,
	FIELD_SCTP_SRC,
	FIELD_SCTP_DST,
	FIELD_ICMPV4_TYPE,
	FIELD_ICMPV4_CODE,
	FIELD_ICMPV6_TYPE,
	FIELD_ICMPV6_CODE,
	FIELD_ND_TARGET,
	FIELD_ND_SLL,
	FIELD_ND_TLL,
	FIELD_N_IDS
};

/* How text looks. */
enum field_format {
	FIELD_FMT_DEC,
	FIELD_FMT_HEX,
	FIELD_FMT_ETH,
	FIELD_FMT_IPV4,
	FIELD_FMT_IPV6,
	FIELD_FMT_OFP_PORT, /* 16-bit number or a name (LOCAL, IN_PORT, …) */
	FIELD_FMT_OFP_PORT_OXM,
	FIELD_FMT_FRAG,      /* no, yes, first, later, not_later */
	FIELD_FMT_TNL_FLAGS, /* +df-csum or df|csum */
	FIELD_FMT_TCP_FLAGS, /* +syn-ack */
	FIELD_FMT_CT_STATE,  /* +trk+est */
	FIELD_FMT_PACKET_TYPE,
};

/* What must hold in the match (exactly, unmasked) before the field may be used. */
enum field_prereq {
	FIELD_PRE_NONE,
	FIELD_PRE_ARP,  /* 0x0806 or 0x8035 */
	FIELD_PRE_VLAN, /* a tag is present */
	FIELD_PRE_IPV4,
	FIELD_PRE_IPV6,
	FIELD_PRE_IP,
	FIELD_PRE_MPLS,
	FIELD_PRE_TCP,
	FIELD_PRE_UDP,
	FIELD_PRE_SCTP,
	FIELD_PRE_ICMPV4,
	FIELD_PRE_ICMPV6,
	FIELD_PRE_ND, /* ICMPv6 135 or 136, code 0 */
	FIELD_PRE_ND_SOL,
	FIELD_PRE_ND_ADV,
	FIELD_PRE_CT, /* ct_state says that there is a connection: a bit that implies one is set, or
			 +trk-inv */
};

union field_value {
	uint8_t b[16];
	be16 be16;
	be32 be32;
	be64 be64;
	struct eth_addr mac;
	struct be128 be128;
};

struct field {
	enum field_id id;
	const char *name;       /* canonical, as printed: "nw_src" */
	const char *extra_name; /* another accepted spelling ("ip_src"), or NULL */
	const char *set_name;   /* the one of the two that set_field prints, NULL: name */
	uint16_t ofs;           /* byte offset of the container in struct flow_key */
	uint8_t size;           /* bytes of the container in the key */
	uint8_t shift;          /* bit position of the field's lowest bit in the container */
	uint16_t n_bits;        /* significant bits */
	uint8_t n_bytes;        /* bytes of a value on the wire (OXM payload without mask) */
	uint8_t fmt;            /* enum field_format */
	uint8_t prereq;         /* enum field_prereq */
	bool maskable;          /* arbitrary masks; else exact or absent */
	bool writable;          /* set-field/load/move may write it */
	uint32_t nxm;           /* 32-bit header without hasmask, NXM class 0/1; 0 = none */
	uint32_t oxm; /* 32-bit header, class 0x8000 (or ONF experimenter mapped here); 0 = none */
	uint8_t oxm_version;  /* first OpenFlow version (OFP wire number) whose OXM has it; 0 = none
			       */
	uint8_t of10;         /* 1: OpenFlow 1.0's ofp_match can carry it */
	const char *nxm_name; /* "NXM_OF_IP_SRC", or NULL */
	const char *oxm_name; /* "OXM_OF_IPV4_SRC", or NULL */
};

/* Rows by enum field_id; field_get(FIELD_X)->id == FIELD_X. */
extern const struct field field_table[FIELD_N_IDS];
static inline const struct field *field_get(enum field_id id)
{
	return &field_table[id];
}

/* By name or extra name, case-insensitive; also the OXM/NXM spelling ("NXM_OF_IP_SRC",
 * "OXM_OF_IPV4_SRC").  NULL when there is none. */
const struct field *field_by_name(const char *name, size_t len);
/* By OXM/NXM header, hasmask bit and length ignored (class and field number decide).  NULL when
 * unknown. */
const struct field *field_by_header(uint32_t header);
/* The header to send for `f` in OpenFlow `version` (OFP wire number: 1, 4, …), without the hasmask
 * bit; the NXM code where `version` is 1 or the OXM one does not exist yet.  0 when it cannot be
 * sent. */
uint32_t field_header(const struct field *f, uint8_t version);

/* Reads/writes the field's bits in a key (or mask). */
void field_read(const struct field *f, const struct flow_key *k, union field_value *v);
void field_write(const struct field *f, const union field_value *v, struct flow_key *k);
/* Writes only the bits of `mask` */
void field_write_masked(const struct field *f, const union field_value *v,
			const union field_value *mask, struct flow_key *k);
/* All of the field's bits, in a mask. */
void field_mask_set(const struct field *f, struct flow_key *mask);
bool field_mask_is_zero(const struct field *f, const struct flow_key *mask);
bool field_mask_is_exact(const struct field *f, const struct flow_key *mask);
/* A value with all bits set that the field may use (n_bits; for nw_tos the upper six of eight). */
void field_ones(const struct field *f, union field_value *v);
bool field_value_is_zero(const struct field *f, const union field_value *v);
/* No bit above n_bits is set, and enumerated fields hold a legal value. */
bool field_value_ok(const struct field *f, const union field_value *v);
/* `mask` covers the whole field. */
bool field_value_is_ones(const struct field *f, const union field_value *mask);
/* Sub-field access for load/move/learn/output:reg: bits [ofs, ofs + n) of the field, n <= 64, as a
 * host integer. */
uint64_t field_read_bits(const struct field *f, const struct flow_key *k, unsigned ofs, unsigned n);
void field_write_bits(const struct field *f, unsigned ofs, unsigned n, uint64_t x,
		      struct flow_key *k);

/* The packet's key fulfils the prerequisite (translation: "has this packet such a header?"). */
bool field_prereq_ok(enum field_prereq p, const struct flow_key *k);
/* The match (key + mask) guarantees it. */
bool field_prereq_matched(enum field_prereq p, const struct flow_key *k,
			  const struct flow_key *mask);
/* Un-wildcards what the prerequisite looks at. */
void field_prereq_mask(enum field_prereq p, const struct flow_key *k, struct flow_key *mask);

/* Text of a value, with "/mask" when the mask is not all ones (CIDR where it can be). */
void field_format(const struct field *f, const union field_value *v, const union field_value *mask,
		  struct str *out);
/* "VALUE" or "VALUE/MASK"; mask is all ones when none is given, all zeros for "*".  Bits of the
 * value outside the mask are cleared.  Numbers are decimal or 0x hexadecimal; flags are names
 * (`syn|ack`: exactly these, `+syn-ack`: these bits) or a number.  -EINVAL and a cause. */
int field_parse(const struct field *f, const char *text, union field_value *v,
		union field_value *mask, struct error *err) MUST_CHECK;

/* Names of flag bits, from bit 0 up, NULL at the end: TCP flags, ct_state, tunnel flags; NULL when
 * the field has none. */
const char *const *field_flag_names(const struct field *f);
/* "LOCAL", "IN_PORT", … for a reserved OpenFlow port number (32 bits), or NULL. */
const char *ofp_port_reserved_name(uint32_t port);
/* The reverse, any case; also "NONE" for ANY.  False when it is no such name. */
bool ofp_port_reserved_parse(const char *name, uint32_t *port);
/* A decimal or 0x number of at most 64 bits that is all of text. */
bool field_parse_number(const char *text, uint64_t *x);
