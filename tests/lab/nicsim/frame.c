// SPDX-License-Identifier: GPL-2.0
/*
 * A frame's key.  What is looked at and what is left zero follows the kernel's flow dissector as
 * flower uses it, since a rule must mean the same in the NIC as in software: nothing behind a
 * fragment's IP header, nothing inside of tunnels and MPLS, IPv6 extension headers skipped.
 */
#include <linux/icmp.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mpls.h>
#include <linux/tcp.h>
#include <net/dsfield.h>
#include <net/flow_dissector.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "nicsim.h"

/* The bytes at an offset, or NULL when the frame ends before. */
static const void *at(const struct sk_buff *skb, int offset, int length)
{
	return offset >= 0 && offset + length <= skb->len ? skb->data + offset : NULL;
}

/* Where the network header is: behind the Ethernet header and all VLAN tags; negative when there is
 * no such place. */
int nicsim_frame_l3(const struct sk_buff *skb)
{
	int offset = 2 * ETH_ALEN;
	const __be16 *type;

	while ((type = at(skb, offset, sizeof(*type))) && eth_type_vlan(*type))
		offset += VLAN_HLEN;
	return type ? offset + (int)sizeof(*type) : -EINVAL;
}

/* Where the transport header is, and its protocol; negative when the frame has none here. */
int nicsim_frame_l4(const struct sk_buff *skb, int l3, u8 *protocol)
{
	const struct iphdr *ip = (void *)(skb->data + l3);
	__be16 frag_off;
	int l4;

	if (ip->version == 4 && skb->len >= l3 + sizeof(*ip)) {
		*protocol = ip->protocol;
		return ip->frag_off & htons(IP_OFFSET) ? -ENOENT : l3 + ip->ihl * 4;
	}
	if (ip->version != 6 || skb->len < l3 + sizeof(struct ipv6hdr))
		return -ENOENT;
	*protocol = ((struct ipv6hdr *)ip)->nexthdr;
	l4 = ipv6_skip_exthdr(skb, l3 + sizeof(struct ipv6hdr), protocol, &frag_off);
	return l4 < 0 || frag_off & htons(IP6_OFFSET) ? -ENOENT : l4;
}

static void parse_ports(const struct sk_buff *skb, int offset, struct nicsim_key *key)
{
	const __be16 *ports = at(skb, offset, 2 * sizeof(*ports));

	if (!ports)
		return;
	key->sport = ports[0];
	key->dport = ports[1];
	/* Offset and flags are the seventh half-word of a TCP header. */
	if (key->ip_proto == IPPROTO_TCP && at(skb, offset, sizeof(struct tcphdr)))
		key->tcp_flags = ports[6] & htons(0x0fff);
}

static void parse_l4(const struct sk_buff *skb, int offset, struct nicsim_key *key)
{
	const struct icmphdr *icmp;

	if (key->frag)
		return;
	switch (key->ip_proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE: parse_ports(skb, offset, key); break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		icmp = at(skb, offset, sizeof(*icmp));
		if (icmp) {
			key->icmp_type = icmp->type;
			key->icmp_code = icmp->code;
		}
		break;
	}
}

static bool parse_ipv4(const struct sk_buff *skb, int offset, struct nicsim_key *key)
{
	const struct iphdr *ip = at(skb, offset, sizeof(*ip));

	if (!ip || ip->ihl < 5 || !at(skb, offset, ip->ihl * 4))
		return false;
	key->src.s6_addr32[0] = ip->saddr;
	key->dst.s6_addr32[0] = ip->daddr;
	key->ip_proto = ip->protocol;
	key->tos = ip->tos;
	key->ttl = ip->ttl;
	if (ip_is_fragment(ip))
		key->frag = FLOW_DIS_IS_FRAGMENT |
			    (ip->frag_off & htons(IP_OFFSET) ? 0 : FLOW_DIS_FIRST_FRAG);
	parse_l4(skb, offset + ip->ihl * 4, key);
	return true;
}

/* Skips extension headers; the offset of what follows, or negative when the frame ends in one. */
static int skip_extensions(const struct sk_buff *skb, int offset, struct nicsim_key *key)
{
	const struct ipv6_opt_hdr *h;
	const struct frag_hdr *frag;

	for (;;) {
		switch (key->ip_proto) {
		case NEXTHDR_HOP:
		case NEXTHDR_ROUTING:
		case NEXTHDR_DEST:
			h = at(skb, offset, sizeof(*h));
			if (!h)
				return -EINVAL;
			key->ip_proto = h->nexthdr;
			offset += ipv6_optlen(h);
			break;
		case NEXTHDR_FRAGMENT:
			frag = at(skb, offset, sizeof(*frag));
			if (!frag)
				return -EINVAL;
			key->frag = FLOW_DIS_IS_FRAGMENT |
				    (frag->frag_off & htons(IP6_OFFSET) ? 0 : FLOW_DIS_FIRST_FRAG);
			key->ip_proto = frag->nexthdr;
			return offset + sizeof(*frag);
		default: return offset;
		}
	}
}

static bool parse_ipv6(const struct sk_buff *skb, int offset, struct nicsim_key *key)
{
	const struct ipv6hdr *ip = at(skb, offset, sizeof(*ip));

	if (!ip)
		return false;
	key->src = ip->saddr;
	key->dst = ip->daddr;
	key->tos = ipv6_get_dsfield(ip);
	key->ttl = ip->hop_limit;
	key->ip_proto = ip->nexthdr;
	offset = skip_extensions(skb, offset + sizeof(*ip), key);
	if (offset >= 0)
		parse_l4(skb, offset, key);
	return true;
}

static void parse_mpls(const struct sk_buff *skb, int offset, struct nicsim_key *key)
{
	const struct mpls_label *label;
	int i;

	for (i = 0; i < NICSIM_MAX_LABELS; i++) {
		label = at(skb, offset + i * (int)sizeof(*label), sizeof(*label));
		if (!label)
			return;
		key->mpls[i] = ntohl(label->entry);
		if (key->mpls[i] & MPLS_LS_S_MASK)
			return;
	}
}

static void parse_arp(const struct sk_buff *skb, int offset, struct nicsim_key *key)
{
	struct ipv4_arp {
		struct arphdr head;
		u8 sha[ETH_ALEN], sip[4], tha[ETH_ALEN], tip[4];
	} __packed;
	const struct ipv4_arp *arp = at(skb, offset, sizeof(*arp));

	if (!arp || arp->head.ar_hrd != htons(ARPHRD_ETHER) ||
	    arp->head.ar_pro != htons(ETH_P_IP) || arp->head.ar_hln != ETH_ALEN ||
	    arp->head.ar_pln != 4)
		return;
	if (arp->head.ar_op != htons(ARPOP_REQUEST) && arp->head.ar_op != htons(ARPOP_REPLY))
		return;
	key->arp_op = ntohs(arp->head.ar_op);
	memcpy(key->arp_sha, arp->sha, ETH_ALEN);
	memcpy(key->arp_tha, arp->tha, ETH_ALEN);
	memcpy(&key->src, arp->sip, 4);
	memcpy(&key->dst, arp->tip, 4);
}

/* The Ethernet header and up to two tags; where the network header is, or negative. */
static int parse_l2(const struct sk_buff *skb, struct nicsim_key *key)
{
	const struct ethhdr *eth = at(skb, 0, sizeof(*eth));
	const struct vlan_hdr *tag;
	int offset = sizeof(*eth);

	if (!eth)
		return -EINVAL;
	memcpy(key->dmac, eth->h_dest, ETH_ALEN);
	memcpy(key->smac, eth->h_source, ETH_ALEN);
	key->proto = eth->h_proto;
	key->n_proto = eth->h_proto;
	while (eth_type_vlan(key->n_proto)) {
		tag = at(skb, offset, sizeof(*tag));
		if (!tag)
			return -EINVAL;
		if (key->tags < NICSIM_MAX_TAGS) {
			key->tpid[key->tags] = key->n_proto;
			key->tci[key->tags] = ntohs(tag->h_vlan_TCI) & ~VLAN_CFI_MASK;
			key->behind[key->tags] = tag->h_vlan_encapsulated_proto;
		}
		key->tags++;
		key->n_proto = tag->h_vlan_encapsulated_proto;
		offset += sizeof(*tag);
	}
	return offset;
}

/* False when the frame is cut off within a header that it should have; the host gets such frames.
 */
bool nicsim_frame_parse(struct sk_buff *skb, struct nicsim_key *key)
{
	int offset;

	memset(key, 0, sizeof(*key));
	offset = parse_l2(skb, key);
	if (offset < 0)
		return false;
	switch (key->n_proto) {
	case htons(ETH_P_IP): return parse_ipv4(skb, offset, key);
	case htons(ETH_P_IPV6): return parse_ipv6(skb, offset, key);
	case htons(ETH_P_MPLS_UC):
	case htons(ETH_P_MPLS_MC): parse_mpls(skb, offset, key); break;
	case htons(ETH_P_ARP):
	case htons(ETH_P_RARP): parse_arp(skb, offset, key); break;
	}
	return true;
}
