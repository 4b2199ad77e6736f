/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "core/datapath/kernel/key_priv.h"

struct reader {
	bool mask;
	unsigned depth; /* tags so far */
	bool has_type;  /* the innermost EtherType was there */
	struct flow_key *k;
};

static int get_mpls(const struct nlattr *a, struct flow_key *k)
{
	size_t len = nlattr_len(a);

	/* Of a flow that looks at no label it is empty. */
	if (len % sizeof(be32))
		return -EBADMSG;
	memcpy(k->mpls_lse, nlattr_data(a), MIN(len, sizeof(k->mpls_lse)));
	return 0;
}

/* A mask on something that we have no field for. */
static int get_other(const struct reader *r, const struct nlattr *a)
{
	return r->mask && !kdp_all_zero(nlattr_data(a), nlattr_len(a)) ? -EOPNOTSUPP : 0;
}

static int get_plain(struct reader *r, const struct nlattr *a)
{
	const struct kdp_attr *row = kdp_attr_of(nlattr_type(a));

	if (nlattr_type(a) == OVS_KEY_ATTR_TUNNEL)
		return kdp_key_get_tunnel(nlattr_data(a), nlattr_len(a), r->mask, &r->k->tunnel);
	if (nlattr_type(a) == OVS_KEY_ATTR_MPLS)
		return get_mpls(a, r->k);
	if (!row)
		return get_other(r, a);
	if (nlattr_len(a) != row->size)
		return -EBADMSG;
	kdp_key_attr_read(row->attr, nlattr_data(a), r->mask, r->k);
	return 0;
}

/* One level: returns the nest of the next one, if any, in *encap. */
static int get_level(struct reader *r, const void *p, size_t len, const struct nlattr **encap)
{
	const struct nlattr *a, *type = NULL, *tci = NULL;
	bool bad = false;
	int rc = 0;

	*encap = NULL;
	NLATTR_FOR_EACH(a, p, len, &bad)
	{
		switch (nlattr_type(a)) {
		case OVS_KEY_ATTR_ENCAP: *encap = a; break;
		case OVS_KEY_ATTR_ETHERTYPE: type = a; break;
		case OVS_KEY_ATTR_VLAN: tci = a; break;
		default: rc = get_plain(r, a); break;
		}
		if (rc)
			return rc;
	}
	if (bad || (type && nlattr_len(type) != 2) || (tci && nlattr_len(tci) != 2))
		return -EBADMSG;
	if (*encap && r->depth < FLOW_N_VLANS) {
		r->k->vlans[r->depth].tpid = type ? nlattr_be16(type) : 0;
		r->k->vlans[r->depth++].tci = tci ? nlattr_be16(tci) : 0;
		return 0;
	}
	r->has_type = type != NULL;
	r->k->dl_type = type ? nlattr_be16(type) : 0;
	return *encap ? -EBADMSG : 0;
}

static int get_levels(struct reader *r, const void *p, size_t len)
{
	const struct nlattr *encap;
	int rc;

	do {
		rc = get_level(r, p, len, &encap);
		if (encap) {
			p = nlattr_data(encap);
			len = nlattr_len(encap);
		}
	} while (!rc && encap);
	return rc;
}

int kdp_key_get(const void *p, size_t len, struct flow_key *key)
{
	struct reader r = { .k = key };
	int rc;

	memset(key, 0, sizeof(*key));
	rc = get_levels(&r, p, len);
	if (rc)
		return rc;
	if (!r.has_type)
		key->dl_type = htons(DL_TYPE_NONE);
	if (flow_is_mpls(key)) {
		for (unsigned i = kdp_n_labels(key); i < FLOW_N_MPLS; i++)
			key->mpls_lse[i] = 0;
	}
	return 0;
}

/* ---- what a packet of this key cannot have ---- */

/* Zero in every packet that this flow has, as the EtherType says: as good as matched.  A protocol's
 * fields only when the protocol is matched, and IGMP's are there without our seeing them. */
static void add_absent(const struct flow_key *key, struct flow_key *mask)
{
	bool ports_known = !flow_is_ip(key) || mask->nw_proto == UINT8_MAX;
	struct flow_key seen, all;

	kdp_attrs_seen(key, &seen);
	memset(&all, 0, sizeof(all));
	memset((uint8_t *)&all + offsetof(struct flow_key, nw_src), 0xff,
	       offsetof(struct flow_key, pad4) - offsetof(struct flow_key, nw_src));
	all.tp_src = all.tp_dst = UINT16_MAX;
	all.igmp_group = UINT32_MAX;
	if (!ports_known || (flow_is_ipv4(key) && key->nw_proto == IPP_IGMP))
		all.tp_src = all.tp_dst = all.tcp_flags = 0, all.igmp_group = 0;
	if (!ports_known || (kdp_has_icmpv6(key) && (mask->tp_src & htons(0xff)) != htons(0xff))) {
		memset(&all.nd_target, 0, sizeof(all.nd_target));
		memset(&all.arp_sha, 0, sizeof(all.arp_sha));
		memset(&all.arp_tha, 0, sizeof(all.arp_tha));
	}
	if (!flow_is_mpls(key))
		memset(all.mpls_lse, 0xff, sizeof(all.mpls_lse));
	for (unsigned w = 0; w < FLOW_WORDS; w++)
		flow_words(mask)[w] |= flow_words_const(&all)[w] & ~flow_words_const(&seen)[w];
}

int kdp_key_get_mask(const void *p, size_t len, const struct flow_key *key, struct flow_key *mask)
{
	struct reader r = { .k = mask, .mask = true };
	int rc;

	memset(mask, 0, sizeof(*mask));
	/* Tags are always matched, also that there are none. */
	memset(mask->vlans, 0xff, sizeof(mask->vlans));
	rc = get_levels(&r, p, len);
	if (rc)
		return rc;
	add_absent(key, mask);
	return 0;
}
