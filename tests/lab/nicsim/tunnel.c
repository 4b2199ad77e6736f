// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that come out of tunnels.
 *
 * Rules for them are put on the tunnel's device, which is not the NIC's: the kernel tells drivers
 * of such devices' blocks by an indirect way, and this is the NIC's end of it.  A frame that no
 * rule of its port takes and that is VXLAN, by the UDP port of a device in the NIC's namespace, is
 * looked up there by what is in it and by the outer headers.  Where no rule takes it, it goes up as
 * it came.  What missed only after some rules goes up at the tunnel's device, as if that had
 * decapsulated it.
 *
 * What software would treat in a way of its own is left to it: other flags than the device has,
 * congestion marks in the outer header, a wrong checksum.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/dst_metadata.h>
#include <net/inet_ecn.h>
#include <net/ip6_checksum.h>
#include <net/pkt_cls.h>
#include <net/vxlan.h>

#include "nicsim.h"

struct nicsim_tunnel {
	struct list_head node;
	struct nicsim_block block;
	struct net_device *dev; /* until it is unbound */
	__be16 port;
	bool gbp;
	struct rcu_head rcu;
};

const char *nicsim_tunnel_name(const struct nicsim_tunnel *tunnel)
{
	return tunnel->dev->name;
}

/* --- blocks --- */

static void release(void *priv)
{
	struct nicsim_tunnel *tunnel = container_of(priv, struct nicsim_tunnel, block);
	struct nicsim_nic *nic = tunnel->block.nic;

	mutex_lock(&nic->lock);
	list_del_rcu(&tunnel->node);
	mutex_unlock(&nic->lock);
	nicsim_block_done(&tunnel->block);
	kfree_rcu(tunnel, rcu);
}

static struct nicsim_tunnel *tunnel_of(struct nicsim_nic *nic, const struct net_device *dev)
{
	struct nicsim_tunnel *tunnel, *found = NULL;

	mutex_lock(&nic->lock);
	list_for_each_entry(tunnel, &nic->tunnels, node) {
		if (tunnel->dev == dev)
			found = tunnel;
	}
	mutex_unlock(&nic->lock);
	return found;
}

static struct nicsim_tunnel *tunnel_new(struct nicsim_nic *nic, struct net_device *dev)
{
	const struct vxlan_dev *vxlan = netdev_priv(dev);
	struct nicsim_tunnel *tunnel = kzalloc(sizeof(*tunnel), GFP_KERNEL);

	if (!tunnel)
		return NULL;
	nicsim_block_init(&tunnel->block, nic);
	tunnel->block.tunnel = tunnel;
	tunnel->dev = dev;
	tunnel->port = vxlan->cfg.dst_port;
	tunnel->gbp = vxlan->cfg.flags & VXLAN_F_GBP;
	mutex_lock(&nic->lock);
	list_add_tail_rcu(&tunnel->node, &nic->tunnels);
	mutex_unlock(&nic->lock);
	return tunnel;
}

struct binding {
	struct nicsim_nic *nic;
	struct net_device *dev;
	struct Qdisc *sch;
	struct flow_block_offload *bo;
	void *data;
	void (*cleanup)(struct flow_block_cb *block_cb);
};

static int bind(const struct binding *b)
{
	struct nicsim_tunnel *tunnel;
	struct flow_block_cb *cb;

	if (tunnel_of(b->nic, b->dev))
		return -EEXIST;
	tunnel = tunnel_new(b->nic, b->dev);
	if (!tunnel)
		return -ENOMEM;
	cb = flow_indr_block_cb_alloc(nicsim_block_cb, tunnel, &tunnel->block, release, b->bo,
				      b->dev, b->sch, b->data, b->nic, b->cleanup);
	if (IS_ERR(cb)) {
		release(&tunnel->block);
		return PTR_ERR(cb);
	}
	b->bo->unlocked_driver_cb = true;
	flow_block_cb_add(cb, b->bo);
	list_add_tail(&cb->driver_list, &b->nic->block_cbs);
	return 0;
}

static int unbind(const struct binding *b)
{
	struct nicsim_tunnel *tunnel = tunnel_of(b->nic, b->dev);
	struct flow_block_cb *cb;

	cb = tunnel ? flow_block_cb_lookup(b->bo->block, nicsim_block_cb, tunnel) : NULL;
	if (!cb)
		return -ENOENT;
	flow_indr_block_cb_remove(cb, b->bo);
	list_del(&cb->driver_list);
	return 0;
}

/* The kernel's word about any device that is no driver's, and about actions by themselves. */
static int setup(struct net_device *dev, struct Qdisc *sch, void *priv, enum tc_setup_type type,
		 void *type_data, void *data, void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *bo = type_data;
	struct binding b = {
		.nic = priv, .dev = dev, .sch = sch, .bo = bo, .data = data, .cleanup = cleanup
	};

	if (!dev)
		return type == TC_SETUP_ACT ? nicsim_police_offload(priv, data) : -EOPNOTSUPP;
	if (type != TC_SETUP_BLOCK || !netif_is_vxlan(dev) || !net_eq(dev_net(dev), b.nic->net) ||
	    bo->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
		return -EOPNOTSUPP;
	return bo->command == FLOW_BLOCK_BIND ? bind(&b) : unbind(&b);
}

int nicsim_tunnels_init(struct nicsim_nic *nic)
{
	return flow_indr_dev_register(setup, nic);
}

/* Without RTNL, which the kernel takes here. */
void nicsim_tunnels_done(struct nicsim_nic *nic)
{
	flow_indr_dev_unregister(setup, nic, release);
}

/* --- frames --- */

struct outer {
	const struct nicsim_tunnel *tunnel;
	struct nicsim_enc enc;
	unsigned int length;
};

static bool sum_is_right(const struct sk_buff *skb, int l3, int l4, const struct udphdr *udp)
{
	unsigned int length = ntohs(udp->len);
	const struct iphdr *ip = (void *)(skb->data + l3);
	const struct ipv6hdr *ip6 = (void *)ip;
	__wsum sum;

	if (length < sizeof(*udp) || l4 + length > skb->len)
		return false;
	if (!udp->check)
		return ip->version == 4;
	sum = skb_checksum(skb, l4, length, 0);
	if (ip->version == 4)
		return !csum_tcpudp_magic(ip->saddr, ip->daddr, length, IPPROTO_UDP, sum);
	return !csum_ipv6_magic(&ip6->saddr, &ip6->daddr, length, IPPROTO_UDP, sum);
}

static const struct nicsim_tunnel *by_port(const struct nicsim_nic *nic, __be16 port)
{
	const struct nicsim_tunnel *tunnel;

	list_for_each_entry_rcu(tunnel, &nic->tunnels, node) {
		if (tunnel->port == port)
			return tunnel;
	}
	return NULL;
}

/* What VXLAN's header says; false when software is to look at it. */
static bool read_vxlan(const struct vxlanhdr *vxlan, bool gbp, struct nicsim_enc *enc)
{
	const struct vxlanhdr_gbp *policy = (const void *)vxlan;

	enc->id = cpu_to_be32(ntohl(vxlan->vx_vni) >> 8);
	if (vxlan->vx_vni & htonl(0xff) || !(vxlan->vx_flags & VXLAN_HF_VNI))
		return false;
	if (!gbp || !(vxlan->vx_flags & VXLAN_HF_GBP))
		return vxlan->vx_flags == VXLAN_HF_VNI;
	enc->gbp = ntohs(policy->policy_id);
	if (policy->dont_learn)
		enc->gbp |= VXLAN_GBP_DONT_LEARN;
	if (policy->policy_applied)
		enc->gbp |= VXLAN_GBP_POLICY_APPLIED;
	return !(vxlan->vx_flags & ~(VXLAN_HF_VNI | VXLAN_GBP_USED_BITS));
}

/* The key of the frame as it came is in run. */
static bool read_outer(const struct nicsim_run *run, struct outer *o)
{
	const struct nicsim_key *key = &run->key;
	const struct sk_buff *skb = run->skb;
	int l3 = nicsim_frame_l3(skb), l4;
	u8 protocol;

	if (key->ip_proto != IPPROTO_UDP || key->frag || INET_ECN_is_ce(key->tos))
		return false;
	o->tunnel = by_port(run->nic, key->dport);
	l4 = o->tunnel ? nicsim_frame_l4(skb, l3, &protocol) : -ENOENT;
	if (l4 < 0 || skb->len < l4 + sizeof(struct udphdr) + sizeof(struct vxlanhdr) + ETH_HLEN ||
	    !sum_is_right(skb, l3, l4, (void *)(skb->data + l4)))
		return false;
	memset(&o->enc, 0, sizeof(o->enc));
	o->enc.src = key->src;
	o->enc.dst = key->dst;
	o->enc.sport = key->sport;
	o->enc.dport = key->dport;
	o->enc.tos = key->tos;
	o->enc.ttl = key->ttl;
	o->enc.family = key->n_proto == htons(ETH_P_IP) ? AF_INET : AF_INET6;
	o->length = l4 + sizeof(struct udphdr) + sizeof(struct vxlanhdr);
	return read_vxlan((void *)(skb->data + l4 + sizeof(struct udphdr)), o->tunnel->gbp,
			  &o->enc);
}

/* If the frame is a tunnel's, goes on with what is in it, in the rules of the tunnel's device. */
bool nicsim_tunnel_enter(struct nicsim_run *run)
{
	struct outer o;

	if (run->in->uplink && !list_empty(&run->nic->tunnels) && read_outer(run, &o)) {
		run->block = (struct nicsim_block *)&o.tunnel->block;
		run->enc = o.enc;
		run->outer = o.length;
		skb_pull(run->skb, o.length);
		skb_reset_mac_header(run->skb);
		run->stale = true;
		return true;
	}
	return false;
}

/* Undoes it, as long as nothing was done to the frame. */
void nicsim_tunnel_leave(struct nicsim_run *run)
{
	skb_push(run->skb, run->outer);
	skb_reset_mac_header(run->skb);
	run->block = &run->in->block;
}

static struct metadata_dst *metadata_of(const struct nicsim_enc *enc, bool gbp)
{
	__be16 flags = TUNNEL_KEY | (gbp ? TUNNEL_VXLAN_OPT : 0);
	unsigned int size = gbp ? sizeof(struct vxlan_metadata) : 0;
	__be64 id = key32_to_tunnel_id(enc->id);
	struct metadata_dst *md;

	if (enc->family == AF_INET)
		md = __ip_tun_set_dst(enc->src.s6_addr32[0], enc->dst.s6_addr32[0], enc->tos,
				      enc->ttl, enc->dport, flags, id, size);
	else
		md = __ipv6_tun_set_dst(&enc->src, &enc->dst, enc->tos, enc->ttl, enc->dport, 0,
					flags, id, size);
	if (!md)
		return NULL;
	md->u.tun_info.key.tp_src = enc->sport;
	if (gbp) {
		((struct vxlan_metadata *)ip_tunnel_info_opts(&md->u.tun_info))->gbp = enc->gbp;
		md->u.tun_info.options_len = size;
	}
	return md;
}

/* A frame out of a tunnel, after some rules: the tunnel's device has received it. */
void nicsim_tunnel_deliver_up(struct nicsim_run *run, struct sk_buff *skb, u32 chain)
{
	const struct nicsim_tunnel *tunnel = run->block->tunnel;
	struct metadata_dst *md = NULL;

	nicsim_anonymous(skb);
	nicsim_ct_restore(run, skb);
	if (run->enc.family) {
		md = metadata_of(&run->enc, tunnel->gbp);
		if (!md) {
			atomic64_inc(&run->nic->lost);
			kfree_skb(skb);
			return;
		}
		skb_dst_set(skb, &md->dst);
	}
	if (nicsim_go_on_in(run->nic, skb, chain))
		nicsim_deliver(tunnel->dev, skb);
}
