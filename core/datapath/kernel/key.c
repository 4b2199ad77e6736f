/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "core/datapath/kernel/key_priv.h"

#define CT_STATE_BITS 0xffu /* that there are; others are refused */

/* ---- fitting a mask ---- */

static int fit_tunnel(const struct flow_tnl *key, struct flow_tnl *fit)
{
	if (!kdp_has_tunnel(key)) {
		/* Whether there is one depends on the port, which is matched. */
		memset(fit, 0, sizeof(*fit));
		return 0;
	}
	/* The outer packet is of one version, and has no addresses of the other. */
	if (key->dst) {
		memset(&fit->src6, 0, sizeof(fit->src6));
		memset(&fit->dst6, 0, sizeof(fit->dst6));
	} else {
		fit->src = fit->dst = 0;
	}
	return kdp_has_gbp(fit) && !kdp_has_gbp(key) ? -EOPNOTSUPP : 0;
}

static void fit_vlans(const struct flow_key *key, struct flow_key *fit)
{
	for (unsigned i = 0; i < FLOW_N_VLANS; i++) {
		fit->vlans[i].tpid = UINT16_MAX;
		if (key->vlans[i].tci & htons(VLAN_CFI))
			fit->vlans[i].tci |= htons(VLAN_CFI);
		else
			fit->vlans[i].tci = UINT16_MAX;
	}
}

/* That a label is not there is seen by the bottom of the stack above it. */
static void fit_mpls(const struct flow_key *key, struct flow_key *fit)
{
	unsigned n = kdp_n_labels(key);

	for (unsigned i = n; i < FLOW_N_MPLS; i++) {
		if (fit->mpls_lse[i])
			fit->mpls_lse[n - 1] |= htonl(MPLS_BOS);
		fit->mpls_lse[i] = 0;
	}
}

static bool looks_at_nd(const struct flow_key *fit)
{
	return !kdp_all_zero(&fit->nd_target, sizeof(fit->nd_target)) ||
	       !kdp_all_zero(&fit->arp_sha, sizeof(fit->arp_sha)) ||
	       !kdp_all_zero(&fit->arp_tha, sizeof(fit->arp_tha));
}

/* Fields that this protocol's header has in a packet that is no later fragment. */
static bool looks_at_own(const struct flow_key *key, const struct flow_key *fit)
{
	bool ports = fit->tp_src || fit->tp_dst;

	switch (key->nw_proto) {
	case IPP_TCP: return ports || fit->tcp_flags;
	case IPP_UDP:
	case IPP_SCTP: return ports;
	case IPP_ICMP: return flow_is_ipv4(key) && ports;
	case IPP_IGMP: return flow_is_ipv4(key) && (ports || fit->igmp_group);
	case IPP_ICMPV6: return flow_is_ipv6(key) && (ports || looks_at_nd(fit));
	default: return false;
	}
}

static int fit_ip(const struct flow_key *key, struct flow_key *fit)
{
	if (fit->nw_frag)
		fit->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	if (!fit->tp_src && !fit->tp_dst && !fit->igmp_group && !fit->tcp_flags &&
	    !looks_at_nd(fit))
		return 0;
	/* What other protocols have is not there because it is this one. */
	fit->nw_proto = UINT8_MAX;
	if (!looks_at_own(key, fit))
		return 0;
	if (key->nw_frag & FLOW_FRAG_LATER)
		fit->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	else if (key->nw_proto == IPP_IGMP)
		return -EOPNOTSUPP;
	if (kdp_has_icmpv6(key) && looks_at_nd(fit))
		fit->tp_src |= htons(UINT8_MAX);
	return 0;
}

int kdp_key_fit(const struct flow_key *key, const struct flow_key *mask, struct flow_key *fit)
{
	int rc;

	if (!kdp_all_zero(mask, offsetof(struct flow_key, tunnel)))
		return -EINVAL;
	*fit = *mask;
	fit->in_port = UINT32_MAX;
	fit->dl_type = UINT16_MAX;
	fit->ct_state &= htonl(CT_STATE_BITS);
	fit_vlans(key, fit);
	rc = fit_tunnel(&key->tunnel, &fit->tunnel);
	if (!rc && flow_is_ip(key))
		rc = fit_ip(key, fit);
	if (!rc && flow_is_mpls(key))
		fit_mpls(key, fit);
	return rc;
}

/* ---- writing ---- */

static void put_attr(struct buf *b, const struct kdp_attr *a, const struct flow_key *k, bool mask)
{
	kdp_key_attr_write(a->attr, k, mask, nlattr_put_zeros(b, a->attr, a->size));
}

/* Attributes of one side of the tags, of a key (mask NULL: it is a key) or a mask. */
static void put_attrs(struct buf *b, bool l3, const struct flow_key *key,
		      const struct flow_key *fit, bool mask)
{
	for (unsigned i = 0; i < kdp_n_attrs_; i++) {
		const struct kdp_attr *a = &kdp_attrs_[i];

		if (a->l3 != l3 || !kdp_attr_has(a, key))
			continue;
		if (mask ? kdp_attr_is_zero(a, fit, true)
			 : a->optional && kdp_attr_is_zero(a, key, false) &&
				    kdp_attr_is_zero(a, fit, true))
			continue;
		put_attr(b, a, mask ? fit : key, mask);
	}
}

static void put_mpls(struct buf *b, const struct flow_key *key, const struct flow_key *k)
{
	unsigned n = flow_is_mpls(key) ? kdp_n_labels(key) : 0;

	if (n && !kdp_all_zero(k->mpls_lse, n * sizeof(be32)))
		nlattr_put(b, OVS_KEY_ATTR_MPLS, k->mpls_lse, n * sizeof(be32));
}

/* The frame from its EtherType on, with the tags around it; k is key or its mask. */
static void put_frame(struct buf *b, const struct flow_key *key, const struct flow_key *fit,
		      bool mask)
{
	const struct flow_key *k = mask ? fit : key;
	size_t marks[FLOW_N_VLANS];
	unsigned n = 0;

	for (; n < FLOW_N_VLANS && key->vlans[n].tci & htons(VLAN_CFI); n++) {
		nlattr_put_be16(b, OVS_KEY_ATTR_ETHERTYPE, k->vlans[n].tpid);
		nlattr_put_be16(b, OVS_KEY_ATTR_VLAN, k->vlans[n].tci);
		marks[n] = nlattr_nest(b, OVS_KEY_ATTR_ENCAP);
	}
	/* An 802.3 frame has none in its key, but is matched exactly all the same. */
	if (mask || key->dl_type != htons(DL_TYPE_NONE))
		nlattr_put_be16(b, OVS_KEY_ATTR_ETHERTYPE, k->dl_type);
	put_attrs(b, true, key, fit, mask);
	put_mpls(b, key, k);
	while (n)
		nlattr_nest_end(b, marks[--n]);
}

void kdp_key_put(struct buf *b, const struct flow_key *key, const struct flow_key *fit)
{
	put_attrs(b, false, key, fit, false);
	if (kdp_has_tunnel(&key->tunnel)) {
		size_t mark = nlattr_nest(b, OVS_KEY_ATTR_TUNNEL);

		kdp_key_put_tunnel(b, &key->tunnel);
		nlattr_nest_end(b, mark);
	}
	put_frame(b, key, fit, false);
}

void kdp_key_put_metadata(struct buf *b, const struct flow_key *key)
{
	for (unsigned i = 0; i < kdp_n_attrs_; i++) {
		const struct kdp_attr *a = &kdp_attrs_[i];

		if (a->attr == OVS_KEY_ATTR_IN_PORT && flow_in_dp(key).v == DP_PORT_NONE)
			continue; /* made here */
		if (!a->l3 && a->attr != OVS_KEY_ATTR_ETHERNET && kdp_attr_has(a, key) &&
		    !(a->optional && kdp_attr_is_zero(a, key, false)))
			put_attr(b, a, key, false);
	}
	if (kdp_has_tunnel(&key->tunnel)) {
		size_t mark = nlattr_nest(b, OVS_KEY_ATTR_TUNNEL);

		kdp_key_put_tunnel(b, &key->tunnel);
		nlattr_nest_end(b, mark);
	}
}

void kdp_key_put_mask(struct buf *b, const struct flow_key *key, const struct flow_key *fit)
{
	put_attrs(b, false, key, fit, true);
	if (!kdp_all_zero(&fit->tunnel, sizeof(fit->tunnel))) {
		size_t mark = nlattr_nest(b, OVS_KEY_ATTR_TUNNEL);

		kdp_put_tunnel_mask(b, &fit->tunnel);
		nlattr_nest_end(b, mark);
	}
	put_frame(b, key, fit, true);
}
