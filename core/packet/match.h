/* SPDX-License-Identifier: Apache-2.0 */
/* A match: a key and the mask of the bits that count.  Invariant: key bits outside the mask are
 * zero.
 *
 * struct match is flat (for building and reading); struct minimatch holds only the non-zero words
 * of the mask and their values, and is what rules and megaflows store. */
#pragma once

#include "core/packet/field.h"

struct match {
	struct flow_key key;
	struct flow_key mask;
};

void match_init_catchall(struct match *m);
/* From a key and mask: applies the invariant. */
void match_init(struct match *m, const struct flow_key *key, const struct flow_key *mask);
/* Sets a field, in place of what the match said about it (its prerequisites are the caller's
 * business; match_check() verifies them all).  A zero mask makes it a wildcard.  dl_vlan,
 * dl_vlan_pcp and vlan_pcp also demand that a tag is there; dl_vlan=0xffff that none is. */
void match_set(struct match *m, const struct field *f, const union field_value *v,
	       const union field_value *mask);
void match_set_exact(struct match *m, const struct field *f, const union field_value *v);
bool match_equal(const struct match *a, const struct match *b);
/* Every packet of `a` is one of `b`'s (b is looser): OpenFlow's non-strict rule. */
bool match_within(const struct match *a, const struct match *b);
/* Some packet could match both (OFPFF_CHECK_OVERLAP without priority). */
bool match_overlaps(const struct match *a, const struct match *b);
bool match_hits(const struct match *m, const struct flow_key *key);
/* Prerequisites of all fields hold, values legal, no bit that OpenFlow has no field for.  -EINVAL
 * (err->field = the field's name). */
int match_check(const struct match *m, struct error *err) MUST_CHECK;
/* Drops what match_check() would refuse for want of a prerequisite: OpenFlow 1.0's rule for fields
 * that do not apply.  True when it changed the match. */
bool match_normalize(struct match *m);

/* Text as ovs-ofctl prints it: `in_port=1,tcp,nw_src=10.0.0.0/8,tp_dst=80`.  port_name may be NULL;
 * else it maps an OpenFlow port number to a name or NULL. */
typedef const char *match_port_name_fn(void *aux, uint32_t ofp_port);
void match_format(const struct match *m, match_port_name_fn *port_name, void *aux, struct str *out);
/* Text of a datapath key (`recirc_id(0),in_port(2),eth(src=…,dst=…),eth_type(0x0800),ipv4(…)`), the
 * form of dpctl/dump-flows.  mask NULL: exact. */
void match_format_dp(const struct flow_key *key, const struct flow_key *mask,
		     match_port_name_fn *port_name, void *aux, struct str *out);
/* The reverse of match_format: comma- or space-separated fields and protocol shorthands (ip, tcp,
 * arp, icmp6, …). Unknown words go to `rest` (NULL: an error), e.g. priority=, actions= (whose
 * value is all that is left), which is how flow text is parsed; so does in_port=NAME
 * (actset_output=NAME) with a name that is no reserved port.  value is NULL for a word that stands
 * alone; both live until the call returns.  Fields may also be written NAME[FROM..TO]=NUMBER.
 * Prerequisites are not looked at: match_check() or match_normalize() come next.  0, -EINVAL, or
 * what rest returned. */
typedef int match_rest_fn(void *aux, const char *key, const char *value, struct error *err);
int match_parse(struct match *m, const char *text, match_rest_fn *rest, void *aux,
		struct error *err) MUST_CHECK;
/* Parses both OpenFlow style and datapath style text (ofproto/trace accepts both) into a key. */
int match_parse_dp(struct flow_key *key, struct flow_key *mask, const char *text,
		   struct error *err) MUST_CHECK;

struct minimatch {
	uint64_t map; /* words with any mask bit */
	uint64_t *kw; /* owned: n key words, then n mask words; n = popcount(map).  Never NULL, so
			 that readers may do arithmetic on it without a look at n. */
};

void minimatch_init(struct minimatch *mm, const struct match *m);
void minimatch_done(struct minimatch *mm);
void minimatch_expand(const struct minimatch *mm, struct match *m);
bool minimatch_equal(const struct minimatch *a, const struct minimatch *b);
static inline unsigned minimatch_n(const struct minimatch *mm)
{
	return (unsigned)__builtin_popcountll(mm->map);
}

static inline const uint64_t *minimatch_keys(const struct minimatch *mm)
{
	return mm->kw;
}

static inline const uint64_t *minimatch_masks(const struct minimatch *mm)
{
	return mm->kw + minimatch_n(mm);
}
bool minimatch_hits(const struct minimatch *mm, const struct flow_key *key);
