// SPDX-License-Identifier: GPL-2.0
/*
 * The network devices: the host's side of a port, and its far side.
 *
 * They have no offloads of transmission, so that a frame in the NIC is a frame as it is on a wire:
 * whole, its checksums filled in, its tags in it, no longer than the MTU.  The host's device counts
 * all of its port's traffic, also what the host did not see, as a switch port does (its "cpu_hit"
 * statistics count what the host saw).
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

#include "nicsim.h"

struct side {
	struct nicsim_port *port;
	bool far;
	struct pcpu_sw_netstats __percpu *host_saw; /* of the host's device */
};

static const struct net_device_ops host_ops;

static struct nicsim_port *port_of(const struct net_device *dev)
{
	return ((struct side *)netdev_priv(dev))->port;
}

/* The port whose host device this is; NULL when it is none of this NIC. */
struct nicsim_port *nicsim_port_of(const struct nicsim_nic *nic, const struct net_device *dev)
{
	if (!dev || dev->netdev_ops != &host_ops || port_of(dev)->nic != nic)
		return NULL;
	return port_of(dev);
}

static void count(struct pcpu_sw_netstats __percpu *stats, unsigned int length, bool tx)
{
	struct pcpu_sw_netstats *s = this_cpu_ptr(stats);

	u64_stats_update_begin(&s->syncp);
	if (tx) {
		u64_stats_inc(&s->tx_packets);
		u64_stats_add(&s->tx_bytes, length);
	} else {
		u64_stats_inc(&s->rx_packets);
		u64_stats_add(&s->rx_bytes, length);
	}
	u64_stats_update_end(&s->syncp);
}

/* Takes what belongs to the sender off a frame. */
void nicsim_anonymous(struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_scrub_packet(skb, true);
	skb->ip_summed = CHECKSUM_NONE;
	skb->priority = 0;
}

/* Gives a frame (with its Ethernet header at data) to the stack as received by dev. */
void nicsim_deliver(struct net_device *dev, struct sk_buff *skb)
{
	if (!(dev->flags & IFF_UP)) {
		dev_core_stats_rx_dropped_inc(dev);
		kfree_skb(skb);
		return;
	}
	skb->protocol = eth_type_trans(skb, dev);
	netif_rx(skb);
}

/* Marks a frame for TC to go on with in a chain; without memory the frame is lost, and false
 * returned. */
bool nicsim_go_on_in(struct nicsim_nic *nic, struct sk_buff *skb, u32 chain)
{
#if IS_ENABLED(CONFIG_NET_TC_SKB_EXT)
	struct tc_skb_ext *ext;

	if (!chain)
		return true;
	ext = tc_skb_ext_alloc(skb);
	if (!ext) {
		atomic64_inc(&nic->lost);
		kfree_skb(skb);
		return false;
	}
	ext->chain = chain;
#endif
	return true;
}

/* What the NIC has no rule for.  The port has counted it already. */
void nicsim_deliver_up(struct nicsim_run *run, struct sk_buff *skb, u32 chain)
{
	struct nicsim_port *port = run->in;
	struct side *side = netdev_priv(port->host);

	nicsim_anonymous(skb);
	nicsim_ct_restore(run, skb);
	if (!nicsim_go_on_in(port->nic, skb, chain))
		return;
	count(side->host_saw, skb->len, false);
	nicsim_deliver(port->host, skb);
}

/* A frame leaves by the port that skb->dev is the far side of. */
void nicsim_send_out(struct sk_buff *skb)
{
	struct net_device *far = skb->dev;
	struct nicsim_port *port = port_of(far);

	if (skb->len > far->mtu + ETH_HLEN + 2 * VLAN_HLEN) {
		atomic64_inc(&port->nic->oversize);
		kfree_skb(skb);
		return;
	}
	count(port->host->tstats, skb->len, true);
	count(far->tstats, skb->len, false);
	nicsim_anonymous(skb);
	nicsim_deliver(far, skb);
}

/* A frame from the host or from the far side. */
static netdev_tx_t transmit(struct sk_buff *skb, struct net_device *dev)
{
	struct side *side = netdev_priv(dev);
	struct nicsim_port *port = side->port;

	skb_tx_timestamp(skb);
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb || skb_linearize(skb)) {
		dev_core_stats_tx_dropped_inc(dev);
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}
	skb_reset_mac_header(skb);
	rcu_read_lock();
	if (!side->far) {
		count(side->host_saw, skb->len, true);
		skb->dev = port->far;
		nicsim_send_out(skb);
	} else {
		count(dev->tstats, skb->len, true);
		count(port->host->tstats, skb->len, false);
		nicsim_receive(port, skb);
	}
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

static int device_init(struct net_device *dev)
{
	struct side *side = netdev_priv(dev);

	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	side->host_saw = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (dev->tstats && side->host_saw)
		return 0;
	free_percpu(dev->tstats);
	free_percpu(side->host_saw);
	return -ENOMEM;
}

static void device_uninit(struct net_device *dev)
{
	free_percpu(dev->tstats);
	free_percpu(((struct side *)netdev_priv(dev))->host_saw);
}

static int device_open(struct net_device *dev)
{
	netif_carrier_on(dev);
	netif_start_queue(dev);
	return 0;
}

static int device_stop(struct net_device *dev)
{
	netif_stop_queue(dev);
	return 0;
}

static int setup_tc(struct net_device *dev, enum tc_setup_type type, void *type_data)
{
	struct nicsim_port *port = port_of(dev);
	struct flow_block_offload *bo = type_data;

	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;
	bo->unlocked_driver_cb = true;
	return flow_block_cb_setup_simple(bo, &port->nic->block_cbs, nicsim_block_cb, &port->block,
					  &port->block, true);
}

static bool has_rules(struct nicsim_port *port)
{
	bool yes;

	mutex_lock(&port->nic->lock);
	yes = port->block.n_rules;
	mutex_unlock(&port->nic->lock);
	return yes;
}

static int set_features(struct net_device *dev, netdev_features_t features)
{
	if ((dev->features & NETIF_F_HW_TC) && !(features & NETIF_F_HW_TC) &&
	    has_rules(port_of(dev))) {
		netdev_err(dev, "rules are offloaded: hw-tc-offload stays on\n");
		return -EBUSY;
	}
	return 0;
}

static int parent_id(struct net_device *dev, struct netdev_phys_item_id *id)
{
	*id = port_of(dev)->nic->switch_id;
	return 0;
}

static int phys_port_name(struct net_device *dev, char *name, size_t size)
{
	return strscpy(name, port_of(dev)->phys_name, size) < 0 ? -EOVERFLOW : 0;
}

static bool has_offload_stats(const struct net_device *dev, int id)
{
	return id == IFLA_OFFLOAD_XSTATS_CPU_HIT;
}

static int offload_stats(int id, const struct net_device *dev, void *to)
{
	if (id != IFLA_OFFLOAD_XSTATS_CPU_HIT)
		return -EINVAL;
	dev_fetch_sw_netstats(to, ((struct side *)netdev_priv(dev))->host_saw);
	return 0;
}

static const struct net_device_ops far_ops = {
	.ndo_init = device_init,
	.ndo_uninit = device_uninit,
	.ndo_open = device_open,
	.ndo_stop = device_stop,
	.ndo_start_xmit = transmit,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static const struct net_device_ops host_ops = {
	.ndo_init = device_init,
	.ndo_uninit = device_uninit,
	.ndo_open = device_open,
	.ndo_stop = device_stop,
	.ndo_start_xmit = transmit,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_setup_tc = setup_tc,
	.ndo_set_features = set_features,
	.ndo_get_port_parent_id = parent_id,
	.ndo_get_phys_port_name = phys_port_name,
	.ndo_has_offload_stats = has_offload_stats,
	.ndo_get_offload_stats = offload_stats,
};

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, nicsim_driver, sizeof(info->driver));
	strscpy(info->bus_info, port_of(dev)->nic->name, sizeof(info->bus_info));
}

static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	settings->base.speed = SPEED_25000;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

static const struct ethtool_ops device_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
};

struct net_device *nicsim_netdev_new(struct nicsim_port *port, const char *name, bool far)
{
	struct net_device *dev;
	struct side *side;
	int err;

	dev = alloc_netdev(sizeof(*side), name, NET_NAME_USER, ether_setup);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	side = netdev_priv(dev);
	side->port = port;
	side->far = far;
	dev_net_set(dev, port->nic->net);
	dev->netdev_ops = far ? &far_ops : &host_ops;
	dev->ethtool_ops = &device_ethtool_ops;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
	dev->features |= NETIF_F_LLTX | NETIF_F_HIGHDMA;
	if (!far) {
		dev->features |= NETIF_F_HW_TC;
		dev->hw_features |= NETIF_F_HW_TC;
	}
	dev->max_mtu = ETH_MAX_MTU;
	/* As a tag is added by whoever sends, it need not fit beside a whole payload. */
	dev->needed_headroom = 64;
	eth_hw_addr_random(dev);
	err = register_netdev(dev);
	if (err) {
		free_netdev(dev);
		return ERR_PTR(err);
	}
	return dev;
}
