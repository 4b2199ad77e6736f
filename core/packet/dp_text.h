/* SPDX-License-Identifier: Apache-2.0 */
/* The words of datapath text, `ipv4(src=10.0.0.1,proto=6),tcp(dst=80)`: one table, read by the
 * printer and by the parser of keys, and by those of set() actions.
 *
 * A group is a word with parentheses; its parts are fields of their own (struct field without a
 * number), because a datapath cuts headers otherwise than OpenFlow does: one tos, not DSCP and ECN.
 * A group of one part without a name has the value alone: eth_type(0x0800). */
#pragma once

#include "core/packet/field.h"

#define DP_GROUP_PARTS 12

struct dp_group {
	const char *name;
	/* This header is in a packet with such a key. */
	bool (*applies)(const struct flow_key *k);
	/* Without a mask, print it also when it is all zero. */
	bool always;
	uint8_t n;
	struct field part[DP_GROUP_PARTS];
};

/* In the order of the text. */
extern const struct dp_group dp_groups[];
extern const unsigned dp_n_groups;
/* Groups that are handled apart from the list: tags stand before eth_type and nest. */
extern const struct dp_group dp_vlan_group;
/* Where tags go, and what stands inside of encap(): from eth_type on. */
bool dp_group_is_eth_type(const struct dp_group *g);

/* The group that set() names the field in, or NULL. */
const struct dp_group *dp_group_of_field(const struct field *f);

/* `name` of n characters; NULL when there is none. */
const struct dp_group *dp_group_by_name(const char *name, size_t n);
const struct field *dp_part_by_name(const struct dp_group *g, const char *name, size_t n);

/* The group's parts under `mask`, without name and parentheses: `src=1,dst=2/0xff`. */
void dp_group_format(const struct dp_group *g, const struct flow_key *key,
		     const struct flow_key *mask, struct str *out);
/* The reverse; `body` is what stands between the parentheses, and is written to.  -EINVAL. */
int dp_group_parse(const struct dp_group *g, char *body, struct flow_key *key,
		   struct flow_key *mask, struct error *err) MUST_CHECK;

/* Cuts `name(body)` off the front of *pos, in place: *pos moves behind it and behind a comma, name
 * and body get an end.  body is NULL for a word without parentheses.  1, 0 at the end, -EINVAL when
 * parentheses do not close. */
int dp_text_next(char **pos, char **name, char **body, struct error *err) MUST_CHECK;
