// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that are put into VXLAN, on the way out by a port.
 *
 * Where they go is what the host's routes and neighbours say at the moment, since a driver follows
 * those; while there is no next hop, or one that is not behind a port of this NIC, the rule misses
 * and the host's tunnel device does the work, which makes the host ask for its neighbour.  When a
 * rule is put in there must be a route by a port of this NIC.  Some drivers look at the next hop
 * once, when a rule goes in, and never again: so does this one while the NIC is told to "pin".
 *
 * Outer headers are those that the host's device would make: RFC 7348; the UDP source port from the
 * inner frame; ECN as RFC 6040 says.
 */
#include <linux/if_ether.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6_stubs.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/vxlan.h>

#include "nicsim.h"

/* What a route and a neighbour say. */
struct way {
	struct dst_entry *dst;
	struct in6_addr src; /* IPv4 in the first word */
	u8 hop_limit;
	u8 from[ETH_ALEN], to[ETH_ALEN];
	struct nicsim_port *port; /* NULL: not by one of ours */
};

struct nicsim_encap {
	struct rcu_head rcu;
	bool ipv6;
	bool pinned; /* the way is this, whatever the host says by now */
	struct way way;
	u32 gbp;
	struct ip_tunnel_key key;
};

static int route4(struct nicsim_nic *nic, const struct nicsim_encap *e, struct way *way)
{
	struct flowi4 fl = {
		.daddr = e->key.u.ipv4.dst,
		.saddr = e->key.u.ipv4.src,
		.flowi4_tos = RT_TOS(e->key.tos),
		.flowi4_proto = IPPROTO_UDP,
	};
	struct rtable *rt = ip_route_output_key(nic->net, &fl);

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	way->dst = &rt->dst;
	way->src.s6_addr32[0] = fl.saddr;
	way->hop_limit = ip4_dst_hoplimit(&rt->dst);
	return 0;
}

static int route6(struct nicsim_nic *nic, const struct nicsim_encap *e, struct way *way)
{
	struct flowi6 fl = {
		.daddr = e->key.u.ipv6.dst,
		.saddr = e->key.u.ipv6.src,
		.flowlabel = ip6_make_flowinfo(RT_TOS(e->key.tos), e->key.label),
		.flowi6_proto = IPPROTO_UDP,
	};
	struct dst_entry *dst = ipv6_stub->ipv6_dst_lookup_flow(nic->net, NULL, &fl, NULL);

	if (IS_ERR(dst))
		return PTR_ERR(dst);
	way->dst = dst;
	way->src = fl.saddr;
	way->hop_limit = ip6_dst_hoplimit(dst);
	return 0;
}

static int route(struct nicsim_nic *nic, const struct nicsim_encap *e, struct way *way)
{
	return e->ipv6 ? route6(nic, e, way) : route4(nic, e, way);
}

/* The port of a route: its device is the port's, or a bond over it.  NULL when it is none of ours.
 */
static struct nicsim_port *port_of(struct nicsim_nic *nic, const struct way *way,
				   struct sk_buff *skb)
{
	struct net_device *dev = way->dst->dev;

	if (netif_is_lag_master(dev))
		dev = netdev_get_xmit_slave(dev, skb, false);
	return nicsim_port_of(nic, dev);
}

/* The next hop's address; false while it is not known, which makes the kernel ask for it. */
static bool next_hop(const struct nicsim_encap *e, struct way *way)
{
	const void *to =
		e->ipv6 ? (const void *)&e->key.u.ipv6.dst : (const void *)&e->key.u.ipv4.dst;
	struct neighbour *n = dst_neigh_lookup(way->dst, to);
	bool known;

	if (!n)
		return false;
	neigh_event_send(n, NULL);
	known = READ_ONCE(n->nud_state) & NUD_VALID;
	if (known)
		neigh_ha_snapshot(way->to, n, way->dst->dev);
	memcpy(way->from, way->dst->dev->dev_addr, ETH_ALEN);
	neigh_release(n);
	return known;
}

struct nicsim_encap *nicsim_encap_new(struct nicsim_nic *nic, const struct ip_tunnel_info *info,
				      struct netlink_ext_ack *extack)
{
	struct nicsim_encap *e;
	struct way way;
	bool ours, known;
	int err;

	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return ERR_PTR(-ENOMEM);
	e->ipv6 = ip_tunnel_info_af(info) == AF_INET6;
	e->key = info->key;
	if (info->key.tun_flags & TUNNEL_VXLAN_OPT &&
	    info->options_len >= sizeof(struct vxlan_metadata))
		e->gbp = ((const struct vxlan_metadata *)ip_tunnel_info_opts((void *)info))->gbp;
	err = route(nic, e, &way);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no route to the tunnel's other end");
		goto free;
	}
	ours = netif_is_lag_master(way.dst->dev) || nicsim_port_of(nic, way.dst->dev);
	e->pinned = READ_ONCE(nic->pin);
	known = !e->pinned || next_hop(e, &way);
	if (e->pinned) {
		way.port = nicsim_port_of(nic, way.dst->dev);
		ours = way.port;
		e->way = way;
	}
	dst_release(way.dst);
	if (ours && known)
		return e;
	if (ours)
		NL_SET_ERR_MSG_MOD(extack, "the next hop to the tunnel's other end is not known");
	else
		NL_SET_ERR_MSG_MOD(
			extack, "the route to the tunnel's other end is not by a port of this NIC");
	err = ours ? -EHOSTUNREACH : -EOPNOTSUPP;

free:
	kfree(e);
	return ERR_PTR(err);
}

void nicsim_encap_free(struct nicsim_encap *encap)
{
	kfree_rcu(encap, rcu);
}

/* --- headers, from the inside out; there is room --- */

static u8 inner_tos(const struct sk_buff *skb)
{
	int l3 = nicsim_frame_l3(skb);
	const struct iphdr *ip = (void *)(skb->data + l3);

	if (l3 < 0 || skb->len < l3 + sizeof(*ip))
		return 0;
	if (ip->version == 4)
		return ip->tos;
	return ip->version == 6 ? ipv6_get_dsfield((void *)ip) : 0;
}

static void push_vxlan(struct sk_buff *skb, const struct nicsim_encap *e, bool gbp)
{
	struct vxlanhdr *vxlan = skb_push(skb, sizeof(*vxlan));
	struct vxlanhdr_gbp *policy = (void *)vxlan;

	vxlan->vx_flags = VXLAN_HF_VNI;
	vxlan->vx_vni = vxlan_vni_field(tunnel_id_to_key32(e->key.tun_id));
	if (!gbp || !e->gbp)
		return;
	vxlan->vx_flags |= VXLAN_HF_GBP;
	policy->dont_learn = !!(e->gbp & VXLAN_GBP_DONT_LEARN);
	policy->policy_applied = !!(e->gbp & VXLAN_GBP_POLICY_APPLIED);
	policy->policy_id = htons(e->gbp & VXLAN_GBP_ID_MASK);
}

static void push_udp(struct sk_buff *skb, const struct nicsim_encap *e, const struct way *way,
		     __be16 sport, __be16 dport)
{
	struct udphdr *udp = skb_push(skb, sizeof(*udp));
	unsigned int length = skb->len;
	__wsum sum;

	udp->source = sport;
	udp->dest = dport;
	udp->len = htons(length);
	udp->check = 0;
	if (!(e->key.tun_flags & TUNNEL_CSUM))
		return;
	sum = skb_checksum(skb, 0, length, 0);
	if (e->ipv6)
		udp->check =
			csum_ipv6_magic(&way->src, &e->key.u.ipv6.dst, length, IPPROTO_UDP, sum);
	else
		udp->check = csum_tcpudp_magic(way->src.s6_addr32[0], e->key.u.ipv4.dst, length,
					       IPPROTO_UDP, sum);
	if (!udp->check)
		udp->check = CSUM_MANGLED_0;
}

static void push_ipv4(struct sk_buff *skb, const struct nicsim_encap *e, const struct way *way,
		      u8 tos)
{
	struct iphdr *ip = skb_push(skb, sizeof(*ip));

	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tos = tos;
	ip->tot_len = htons(skb->len);
	ip->frag_off = e->key.tun_flags & TUNNEL_DONT_FRAGMENT ? htons(IP_DF) : 0;
	ip->ttl = e->key.ttl ? e->key.ttl : way->hop_limit;
	ip->protocol = IPPROTO_UDP;
	ip->saddr = way->src.s6_addr32[0];
	ip->daddr = e->key.u.ipv4.dst;
	ip_send_check(ip);
}

static void push_ipv6(struct sk_buff *skb, const struct nicsim_encap *e, const struct way *way,
		      u8 tos)
{
	unsigned int length = skb->len;
	struct ipv6hdr *ip = skb_push(skb, sizeof(*ip));

	ip6_flow_hdr(ip, tos, e->key.label);
	ip->payload_len = htons(length);
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = e->key.ttl ? e->key.ttl : way->hop_limit;
	ip->saddr = way->src;
	ip->daddr = e->key.u.ipv6.dst;
}

static void push_eth(struct sk_buff *skb, const struct nicsim_encap *e, const struct way *way)
{
	struct ethhdr *eth = skb_push(skb, sizeof(*eth));

	memcpy(eth->h_dest, way->to, ETH_ALEN);
	memcpy(eth->h_source, way->from, ETH_ALEN);
	eth->h_proto = e->ipv6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
}

/* The UDP source port spreads flows: it comes from the inner frame. */
static __be16 source_port(struct nicsim_nic *nic, struct sk_buff *skb)
{
	int l3 = nicsim_frame_l3(skb);

	skb_set_network_header(skb, max(l3, ETH_HLEN));
	skb->protocol = l3 > 0 ? *(__be16 *)(skb->data + l3 - sizeof(__be16)) : htons(ETH_P_802_3);
	skb_clear_hash(skb);
	return udp_flow_src_port(nic->net, skb, 0, 0, true);
}

static void wrap(struct nicsim_nic *nic, struct sk_buff *skb, const struct nicsim_encap *e,
		 const struct way *way, const struct nicsim_act *out)
{
	u8 tos = INET_ECN_encapsulate(e->key.tos, inner_tos(skb));
	__be16 sport = source_port(nic, skb);

	push_vxlan(skb, e, out->out.gbp);
	push_udp(skb, e, way, sport, out->out.tunnel_port);
	if (e->ipv6)
		push_ipv6(skb, e, way, tos);
	else
		push_ipv4(skb, e, way, tos);
}

/* As the host says now. */
static bool find_way(struct nicsim_run *run, struct sk_buff *skb, const struct nicsim_encap *e,
		     struct way *way)
{
	bool known;

	if (route(run->nic, e, way))
		return false;
	known = next_hop(e, way);
	way->port = known ? port_of(run->nic, way, skb) : NULL;
	dst_release(way->dst);
	return way->port;
}

/* Wraps a frame; the port that it leaves by, or NULL while it cannot. */
struct nicsim_port *nicsim_encapsulate(struct nicsim_run *run, struct sk_buff *skb,
				       const struct nicsim_act *out)
{
	const struct nicsim_encap *e = run->encap;
	struct way way = e->way;

	if (!e->pinned && !find_way(run, skb, e, &way))
		return NULL;
	if (skb_cow(skb, NICSIM_HEADROOM))
		return NULL;
	wrap(run->nic, skb, e, &way, out);
	push_eth(skb, e, &way);
	skb_reset_mac_header(skb);
	return way.port;
}
