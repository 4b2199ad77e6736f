// SPDX-License-Identifier: GPL-2.0
/* Making a NIC with its ports and devices, and taking it away. */
#include <linux/random.h>
#include <linux/rtnetlink.h>

#include "nicsim.h"

static void port_init(struct nicsim_nic *nic, unsigned int i)
{
	struct nicsim_port *port = &nic->ports[i];

	port->nic = nic;
	port->index = i;
	port->uplink = i < nic->n_uplinks;
	if (port->uplink)
		snprintf(port->phys_name, sizeof(port->phys_name), "p%u", i);
	else
		snprintf(port->phys_name, sizeof(port->phys_name), "pf0vf%u", i - nic->n_uplinks);
	nicsim_block_init(&port->block, nic);
	port->block.port = port;
}

/* NAME, NAMEw; NAMEu1, NAMEu1w; NAMEr0, NAMEv0. */
static void device_name(const struct nicsim_port *port, bool far, char name[IFNAMSIZ])
{
	const struct nicsim_nic *nic = port->nic;

	if (!port->uplink)
		snprintf(name, IFNAMSIZ, "%.10s%c%u", nic->name, far ? 'v' : 'r',
			 port->index - nic->n_uplinks);
	else if (port->index)
		snprintf(name, IFNAMSIZ, "%.10su%u%s", nic->name, port->index, far ? "w" : "");
	else
		snprintf(name, IFNAMSIZ, "%.10s%s", nic->name, far ? "w" : "");
}

static struct net_device *device_new(struct nicsim_port *port, bool far)
{
	char name[IFNAMSIZ];

	device_name(port, far, name);
	return nicsim_netdev_new(port, name, far);
}

static int devices_new(struct nicsim_nic *nic)
{
	unsigned int i;

	for (i = 0; i < nic->n_ports; i++) {
		struct nicsim_port *port = &nic->ports[i];

		port->far = device_new(port, true);
		if (IS_ERR(port->far))
			return PTR_ERR(port->far);
		port->host = device_new(port, false);
		if (IS_ERR(port->host))
			return PTR_ERR(port->host);
	}
	return 0;
}

static void unregister_one(struct net_device *dev, struct list_head *list)
{
	if (!IS_ERR_OR_NULL(dev))
		unregister_netdevice_queue(dev, list);
}

static void free_one(struct net_device *dev)
{
	if (!IS_ERR_OR_NULL(dev))
		free_netdev(dev);
}

/* With the devices go their queueing disciplines, which makes TC take its rules back. */
static void devices_free(struct nicsim_nic *nic)
{
	LIST_HEAD(list);
	unsigned int i;

	rtnl_lock();
	for (i = 0; i < nic->n_ports; i++) {
		unregister_one(nic->ports[i].host, &list);
		unregister_one(nic->ports[i].far, &list);
	}
	unregister_netdevice_many(&list);
	rtnl_unlock();
	for (i = 0; i < nic->n_ports; i++) {
		free_one(nic->ports[i].host);
		free_one(nic->ports[i].far);
	}
}

static void rules_free(struct nicsim_nic *nic)
{
	unsigned int i;

	for (i = 0; i < nic->n_ports; i++)
		nicsim_block_done(&nic->ports[i].block);
	synchronize_net();
	nicsim_rules_done(nic);
}

struct nicsim_nic *nicsim_nic_new(struct net *net, const struct nicsim_options *options)
{
	unsigned int i, n_ports = options->uplinks + options->ports;
	struct nicsim_nic *nic;
	int err;

	if (!options->uplinks || options->uplinks > 8 || n_ports > NICSIM_MAX_PORTS)
		return ERR_PTR(-EINVAL);
	nic = kvzalloc(struct_size(nic, ports, n_ports), GFP_KERNEL);
	if (!nic)
		return ERR_PTR(-ENOMEM);
	strscpy(nic->name, options->name, sizeof(nic->name));
	nic->net = net;
	nic->n_ports = n_ports;
	nic->n_uplinks = options->uplinks;
	nic->table_size = options->table_size;
	nic->refused_keys = options->refused_keys;
	bitmap_copy(nic->refused_actions, options->refused_actions, NUM_FLOW_ACTIONS);
	nic->no_chains = options->no_chains;
	nic->switch_id.id_len = 8;
	get_random_bytes(nic->switch_id.id, nic->switch_id.id_len);
	INIT_LIST_HEAD(&nic->block_cbs);
	INIT_LIST_HEAD(&nic->tunnels);
	err = nicsim_rules_init(nic);
	if (err)
		goto free_nic;
	for (i = 0; i < n_ports; i++)
		port_init(nic, i);
	err = devices_new(nic);
	if (!err)
		err = nicsim_tunnels_init(nic);
	if (err)
		goto free_devices;
	return nic;

free_devices:
	devices_free(nic);
	rules_free(nic);
free_nic:
	kvfree(nic);
	return ERR_PTR(err);
}

void nicsim_nic_free(struct nicsim_nic *nic)
{
	nicsim_tunnels_done(nic);
	devices_free(nic);
	rules_free(nic);
	kvfree(nic);
}
