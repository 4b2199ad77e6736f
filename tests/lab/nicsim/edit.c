// SPDX-License-Identifier: GPL-2.0
/*
 * Tags and labels put into a frame, taken out, changed.  A frame is linear, with its Ethernet
 * header at data, before, after and between these; each returns 0 or a negative errno, on which the
 * frame is as it was.
 */
#include <linux/if_ether.h>
#include <linux/mpls.h>
#include <net/mpls.h>

#include "nicsim.h"

enum { TAG_AT = 2 * ETH_ALEN }; /* the outermost EtherType, and so the first tag */

static __be16 *type_at(struct sk_buff *skb, int offset)
{
	return (__be16 *)(skb->data + offset);
}

/* Room for n bytes at an offset, before which everything moves towards the front. */
static int open_gap(struct sk_buff *skb, int offset, int n)
{
	int err = skb_cow(skb, n);

	if (err)
		return err;
	skb_push(skb, n);
	memmove(skb->data, skb->data + n, offset);
	skb_reset_mac_header(skb);
	return 0;
}

static int close_gap(struct sk_buff *skb, int offset, int n)
{
	int err = skb_ensure_writable(skb, offset + n);

	if (err)
		return err;
	memmove(skb->data + n, skb->data, offset);
	skb_pull(skb, n);
	skb_reset_mac_header(skb);
	return 0;
}

int nicsim_vlan_push(struct sk_buff *skb, __be16 proto, u16 tci)
{
	int err = open_gap(skb, TAG_AT, VLAN_HLEN);

	if (err)
		return err;
	*type_at(skb, TAG_AT) = proto;
	*type_at(skb, TAG_AT + 2) = htons(tci);
	return 0;
}

/* Nothing to pop is no fault: software TC leaves such a frame alone, too. */
int nicsim_vlan_pop(struct sk_buff *skb)
{
	if (!eth_type_vlan(*type_at(skb, TAG_AT)) || skb->len < ETH_HLEN + VLAN_HLEN)
		return 0;
	return close_gap(skb, TAG_AT, VLAN_HLEN);
}

int nicsim_vlan_set(struct sk_buff *skb, __be16 proto, u16 vid)
{
	__be16 *tci;
	int err;

	if (!eth_type_vlan(*type_at(skb, TAG_AT)) || skb->len < ETH_HLEN + VLAN_HLEN)
		return 0;
	err = skb_ensure_writable(skb, ETH_HLEN + VLAN_HLEN);
	if (err)
		return err;
	*type_at(skb, TAG_AT) = proto;
	tci = type_at(skb, TAG_AT + 2);
	*tci = htons((ntohs(*tci) & ~VLAN_VID_MASK) | vid);
	return 0;
}

/* Labels are behind the VLAN tags. */
int nicsim_mpls_push(struct sk_buff *skb, __be16 proto, u32 lse)
{
	int l3 = nicsim_frame_l3(skb), err;

	if (l3 < 0)
		return l3;
	err = open_gap(skb, l3, MPLS_HLEN);
	if (err)
		return err;
	*type_at(skb, l3 - sizeof(__be16)) = proto;
	put_unaligned_be32(lse, skb->data + l3);
	return 0;
}

int nicsim_mpls_pop(struct sk_buff *skb, __be16 proto)
{
	int l3 = nicsim_frame_l3(skb), err;

	if (l3 < 0 || skb->len < l3 + MPLS_HLEN || !eth_p_mpls(*type_at(skb, l3 - sizeof(__be16))))
		return -EINVAL;
	err = close_gap(skb, l3, MPLS_HLEN);
	if (err)
		return err;
	*type_at(skb, l3 - sizeof(__be16)) = proto;
	return 0;
}

int nicsim_mpls_set(struct sk_buff *skb, u32 lse, u32 keep)
{
	int l3 = nicsim_frame_l3(skb), err;

	if (l3 < 0 || skb->len < l3 + MPLS_HLEN || !eth_p_mpls(*type_at(skb, l3 - sizeof(__be16))))
		return -EINVAL;
	err = skb_ensure_writable(skb, l3 + MPLS_HLEN);
	if (err)
		return err;
	put_unaligned_be32((get_unaligned_be32(skb->data + l3) & keep) | lse, skb->data + l3);
	return 0;
}
