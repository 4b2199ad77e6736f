/* SPDX-License-Identifier: Apache-2.0 */
/* A megaflow's match as flower's attributes, and back.
 *
 * The translator consumes the mask: what it has expressed, and what needs no expression, is cleared
 * from a copy; a bit that is left refuses the flow with the field's name (OFFLOAD_FIELD, or
 * OFFLOAD_MASK where another mask would do).  Without expression hold: metadata that is zero in
 * every frame that comes from a port, and headers that the match rules out, where it asks for
 * zeros.
 *
 * Where flower cannot tell packets apart that a megaflow takes together, the filter takes one sort:
 *   - frames without a tag, where no tag was looked at (the Ethertype belongs to one depth);
 *   - packets that are no fragments, where ports are looked at or `whole` is asked for: the
 * kernel's dissector shows zeros instead of a first fragment's ports. Where it would take a packet
 * for another the flow is refused: ARP other than requests and replies looks like zeros to it. What
 * conntrack calls a related connection in its established state is just established to flower; this
 * is how every kernel has it.
 *
 * Drivers want to see the UDP port of a tunnel's rules: it is said always, and what every packet of
 * the device has is not read back as a match.
 *
 * Pure; any thread. */
#pragma once

#include "core/base/buf.h"
#include "offload/provider.h"
#include "tc/flower.h"

#define FLOWER_VLANS_ANY 0xff
#define FLOWER_FRAG_ALL 0xff /* else nw_frag's value, FLOW_FRAG_* */

struct flower_match {  /* what the filter takes */
	be16 protocol; /* for tcm_info; ETH_P_ALL in network order: any */
	uint32_t chain;
	struct flower_port in;
	be16 dl_type;     /* 0: any */
	uint8_t nw_proto; /* where has_proto */
	bool has_proto;
	uint8_t n_vlans; /* tags that each packet has; 0..2, FLOWER_VLANS_ANY */
	be16 tpid[FLOW_N_VLANS];
	uint8_t frag; /* FLOWER_FRAG_ALL: not an IP packet, or any */
	/* What was expressed, for those who know what a driver can do: by caps_field(). */
	uint64_t fields[DIV_ROUND_UP(FIELD_N_IDS, 64)];
	uint64_t masked[DIV_ROUND_UP(FIELD_N_IDS, 64)]; /* under another mask than all ones */
};

/* Appends the attributes that TCA_OPTIONS wants for the match of `r`.  `whole`: the actions want no
 * fragment.  0, or -EOPNOTSUPP and the refusal; what was appended is the caller's to drop then. */
int flower_match_put(const struct flower_env *env, const struct offload_rule *r, bool whole,
		     struct buf *b, struct flower_match *m, struct offload_refusal *why) MUST_CHECK;

struct flower_at {     /* where a filter that is read back stands */
	be16 protocol; /* tcm_info's */
	uint32_t chain;
	struct dp_port in;
	enum flower_port_kind kind; /* of that port */
	be16 udp_port;              /* likewise */
};

/* Reads TCA_OPTIONS' payload of a filter: key and mask are what it takes, with zeros for the
 * metadata that nothing at that place can have.  -EBADMSG: cut short or malformed; -EOPNOTSUPP: it
 * matches what this folder never writes. */
int flower_match_get(const void *options, size_t len, const struct flower_at *at,
		     struct flow_key *key, struct flow_key *mask) MUST_CHECK;
