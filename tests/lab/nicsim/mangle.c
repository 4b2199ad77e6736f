// SPDX-License-Identifier: GPL-2.0
/*
 * Header fields rewritten: TC gives words of a header, with the bits to keep and a value for the
 * others.  Which fields may be written is a table; the checksums that cover a field are put right
 * with it (RFC 1624), as a NIC does.
 */
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/flow_offload.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "nicsim.h"

/* Bits of words that may be written: header, offset of the word in it, bits in wire order as bytes.
 */
static const struct field {
	u8 htype, offset;
	u8 bits[4];
	bool pseudo; /* part of the pseudo header that L4 checksums cover */
} fields[] = {
	{ FLOW_ACT_MANGLE_HDR_TYPE_ETH, 0, { 255, 255, 255, 255 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_ETH, 4, { 255, 255, 255, 255 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_ETH, 8, { 255, 255, 255, 255 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP4, 0, { 0, 255, 0, 0 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP4, 8, { 255, 0, 0, 0 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP4, 12, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP4, 16, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 0, { 0x0f, 255, 255, 255 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 4, { 0, 0, 0, 255 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 8, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 12, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 16, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 20, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 24, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 28, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 32, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 36, { 255, 255, 255, 255 }, true },
	{ FLOW_ACT_MANGLE_HDR_TYPE_TCP, 0, { 255, 255, 255, 255 } },
	{ FLOW_ACT_MANGLE_HDR_TYPE_UDP, 0, { 255, 255, 255, 255 } },
};

static const struct field *field_of(u8 htype, u8 offset)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].htype == htype && fields[i].offset == offset)
			return &fields[i];
	}
	return NULL;
}

int nicsim_mangle_compile(const struct flow_action_entry *entry, struct nicsim_act *act,
			  struct netlink_ext_ack *extack)
{
	const struct field *field = field_of(entry->mangle.htype, entry->mangle.offset);
	u32 written = ~entry->mangle.mask, may = 0;

	if (field)
		memcpy(&may, field->bits, sizeof(may));
	if (!field || written & ~may) {
		NL_SET_ERR_MSG_MOD(extack, "pedit of a field that cannot be written");
		return -EOPNOTSUPP;
	}
	act->mangle.htype = entry->mangle.htype;
	act->mangle.offset = entry->mangle.offset;
	act->mangle.keep = (__force __be32)entry->mangle.mask;
	act->mangle.value = (__force __be32)entry->mangle.val;
	act->mangle.add = entry->id == FLOW_ACTION_ADD;
	return 0;
}

/* Where the checksum of the transport header is; NULL when there is none to keep right. */
static __sum16 *l4_check(struct sk_buff *skb, int l4, u8 protocol)
{
	struct udphdr *udp = (void *)(skb->data + l4);

	switch (protocol) {
	case IPPROTO_TCP:
		return l4 + sizeof(struct tcphdr) <= skb->len ? &((struct tcphdr *)udp)->check
							      : NULL;
	case IPPROTO_UDP: return l4 + sizeof(*udp) <= skb->len && udp->check ? &udp->check : NULL;
	case IPPROTO_ICMPV6:
		return l4 + sizeof(struct icmp6hdr) <= skb->len
			       ? &((struct icmp6hdr *)udp)->icmp6_cksum
			       : NULL;
	}
	return NULL;
}

static void fix_l4(struct sk_buff *skb, int l4, u8 protocol, __be32 from, __be32 to)
{
	__sum16 *check = l4_check(skb, l4, protocol);

	if (!check)
		return;
	csum_replace4(check, from, to);
	if (protocol == IPPROTO_UDP && !*check)
		*check = CSUM_MANGLED_0;
}

static void fix_checksums(struct sk_buff *skb, const struct nicsim_act *act, int l3, __be32 from,
			  __be32 to)
{
	const struct field *field = field_of(act->mangle.htype, act->mangle.offset);
	struct iphdr *ip = (void *)(skb->data + l3);
	u8 protocol;
	int l4;

	if (act->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_ETH)
		return;
	if (act->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_IP4)
		csum_replace4(&ip->check, from, to);
	l4 = nicsim_frame_l4(skb, l3, &protocol);
	if (l4 < 0)
		return;
	if (protocol == IPPROTO_ICMPV6 && ip->version != 6)
		return;
	if (field->pseudo || act->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_TCP ||
	    act->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_UDP)
		fix_l4(skb, l4, protocol, from, to);
}

/* Where the header is that an action writes to; negative when this frame does not have it. */
static int base_of(struct sk_buff *skb, u8 htype, int l3)
{
	u8 protocol, version = l3 > 0 && l3 < skb->len ? skb->data[l3] >> 4 : 0;
	int l4;

	switch (htype) {
	case FLOW_ACT_MANGLE_HDR_TYPE_ETH: return 0;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4: return version == 4 ? l3 : -ENOENT;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6: return version == 6 ? l3 : -ENOENT;
	default:
		l4 = version ? nicsim_frame_l4(skb, l3, &protocol) : -ENOENT;
		if (l4 < 0)
			return l4;
		return protocol == (htype == FLOW_ACT_MANGLE_HDR_TYPE_TCP ? IPPROTO_TCP
									  : IPPROTO_UDP)
			       ? l4
			       : -ENOENT;
	}
}

/* Bytes are added one by one, as TC does where the mask leaves one byte, which is all that anybody
 * asks for (a TTL less one). */
static __be32 written(const struct nicsim_act *act, __be32 from)
{
	__be32 value = act->mangle.value;

	if (act->mangle.add)
		value = (__force __be32)((__force u32)from + (__force u32)value) &
			~act->mangle.keep;
	return (from & act->mangle.keep) ^ value;
}

/* Returns 0 or a negative errno; a frame without the header is left as it is. */
int nicsim_mangle(struct sk_buff *skb, const struct nicsim_act *act)
{
	int l3 = nicsim_frame_l3(skb), at, err;
	__be32 from, to;

	at = base_of(skb, act->mangle.htype, l3);
	if (at < 0 || at + act->mangle.offset + sizeof(from) > skb->len)
		return 0;
	/* All headers whose checksum may change are within the linear part. */
	err = skb_ensure_writable(skb, skb->len);
	if (err)
		return err;
	at += act->mangle.offset;
	memcpy(&from, skb->data + at, sizeof(from));
	to = written(act, from);
	memcpy(skb->data + at, &to, sizeof(to));
	fix_checksums(skb, act, l3, from, to);
	return 0;
}
