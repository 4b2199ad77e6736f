/* SPDX-License-Identifier: Apache-2.0 */
/* Flow keys and masks as openvswitch.ko speaks of them: OVS_KEY_ATTR_* (linux/openvswitch.h).
 *
 * One table has a row for each piece of an attribute and where it stands in struct flow_key;
 * writing and reading loop over it.  What does not fit such a row (VLAN tags nest, tunnel flags are
 * attributes that are there or not, MPLS is a list) has a function of its own.  Another table says
 * for each match field by which attribute it travels, or that the kernel cannot match it.
 *
 * The kernel wants more in a mask than a megaflow needs: it always matches the input port, the
 * EtherType and whether there are tags, and it takes the mask of a header only together with an
 * exact match on what says that the header is there.  kdp_key_fit() adds those bits: the flow that
 * it makes is narrower than asked for, and never wider.
 *
 * Pure; any thread. */
#pragma once

#include "core/io/nlattr.h"
#include "core/packet/field.h"

/* What a mask becomes so that the kernel takes it.  -EINVAL: the mask has OpenFlow's own words.
 * -EOPNOTSUPP: a bit that the kernel cannot match (IGMP's fields, GBP of a packet without). */
int kdp_key_fit(const struct flow_key *key, const struct flow_key *mask,
		struct flow_key *fit) MUST_CHECK;
/* Appends the attributes of a flow's key / of its mask, which kdp_key_fit() gave for this key. */
void kdp_key_put(struct buf *b, const struct flow_key *key, const struct flow_key *fit);
void kdp_key_put_mask(struct buf *b, const struct flow_key *key, const struct flow_key *fit);
/* The words that come with a packet and are not in its bytes: for execute. */
void kdp_key_put_metadata(struct buf *b, const struct flow_key *key);
/* The tunnel alone, as OVS_TUNNEL_KEY_ATTR_*: for set(tunnel(...)). */
void kdp_key_put_tunnel(struct buf *b, const struct flow_tnl *tnl);

/* Reads a key.  Attributes that it does not know are passed over: the kernel sees more than we.
 * -EBADMSG: cut short, or an attribute of another length. */
int kdp_key_get(const void *p, size_t len, struct flow_key *key) MUST_CHECK;
/* Reads the mask of a flow with this key (as kdp_key_get() gave it).  -EBADMSG; -EOPNOTSUPP: it
 * matches what we have no field for. */
int kdp_key_get_mask(const void *p, size_t len, const struct flow_key *key,
		     struct flow_key *mask) MUST_CHECK;
/* OVS_TUNNEL_KEY_ATTR_* of len bytes; `mask`: of a mask.  -EBADMSG; -EOPNOTSUPP: options. */
int kdp_key_get_tunnel(const void *p, size_t len, bool mask, struct flow_tnl *tnl) MUST_CHECK;

/* The attribute of one kind of header (OVS_KEY_ATTR_IPV4, …) in its wire form, for
 * set_masked(): bytes of a payload; 0 = it has no such form. */
size_t kdp_key_attr_size(unsigned attr);
/* Writes the payload (kdp_key_attr_size() bytes) from the key's members / the reverse; `mask`:
 * these are masks. */
void kdp_key_attr_write(unsigned attr, const struct flow_key *key, bool mask, void *payload);
void kdp_key_attr_read(unsigned attr, const void *payload, bool mask, struct flow_key *key);

/* A connection's label between our order (as the other fields) and the kernel's: 16 bytes. */
void kdp_label_swap(const void *from, void *to);

/* By which attribute a field is matched; set: whether an action may write it there.  For fields
 * that IPv4 and IPv6 share it is OVS_KEY_ATTR_IPV4. */
struct kdp_field {
	uint8_t attr; /* OVS_KEY_ATTR_*; 0 = why says why not */
	bool set;
	const char *why; /* NULL when the kernel matches it */
};
extern const struct kdp_field kdp_field_table[FIELD_N_IDS];
