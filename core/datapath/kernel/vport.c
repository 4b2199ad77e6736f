/* SPDX-License-Identifier: Apache-2.0 */
/* A port of the kernel datapath as everybody else sees ports: what the device is and what it
 * counted, by its number, so that a rename does not matter.  Packets do not come this way. */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/kernel.h"
#include "core/packet/wire.h"
#include "core/port/linux_link.h"

static struct kdp_vport *vport(struct port *p)
{
	return container_of(p, struct kdp_vport, up);
}

static void vport_close(struct port *p)
{
	free(vport(p));
}

static int vport_reconfigure(struct port *p, const struct port_config *cfg, struct error *err)
{
	struct kdp_vport *v = vport(p);
	const struct kdp_tunnel *t = kdp_tunnel_find(v->kind);
	char name[16];
	uint16_t dst_port;
	int rc;

	if (!linux_link_mtu(v->ifindex))
		return -EBUSY; /* the device is gone: only a new one can be had */
	if (t) {
		rc = kdp_tunnel_name(t, cfg, name, &dst_port, err);
		return rc ? rc : strcmp(name, p->name) ? -EBUSY : 0;
	}
	/* Only an internal port's address is ours to set. */
	rc = cfg->mac_set && v->type == OVS_VPORT_TYPE_INTERNAL
		     ? linux_link_set(v->ifindex, &cfg->mac, 0)
		     : 0;
	if (rc)
		return error_set(err, -rc, "mac", "%s refuses its address: %s", p->name,
				 strerrordesc_np(-rc));
	rc = linux_link_set(v->ifindex, NULL, cfg->mtu);
	return rc ? error_set(err, -rc, "mtu_request", "%s refuses MTU %u: %s", p->name, cfg->mtu,
			      strerrordesc_np(-rc))
		  : 0;
}

static int vport_state(struct port *p, struct port_state *st)
{
	return linux_link_state(vport(p)->ifindex, st);
}

static int vport_set_up(struct port *p, bool up)
{
	return linux_link_set_up(vport(p)->ifindex, up);
}

static void swap(uint64_t *a, uint64_t *b)
{
	uint64_t x = *a;

	*a = *b;
	*b = x;
}

static int vport_stats(struct port *p, struct port_stats *st)
{
	int rc = linux_link_stats(vport(p)->ifindex, st);

	if (rc || vport(p)->type != OVS_VPORT_TYPE_INTERNAL)
		return rc;
	/* An internal device counts as its host does: what it sends, we receive.  What it is given
	 * it counts without the Ethernet header (internal_dev_recv()). */
	swap(&st->rx_packets, &st->tx_packets);
	swap(&st->rx_bytes, &st->tx_bytes);
	st->tx_bytes += st->tx_packets * ETH_HLEN;
	swap(&st->rx_dropped, &st->tx_dropped);
	swap(&st->rx_errors, &st->tx_errors);
	return 0;
}

static const struct port_ops vport_ops = {
	.type = "vport",
	.reconfigure = vport_reconfigure,
	.close = vport_close,
	.state = vport_state,
	.set_up = vport_set_up,
	.stats = vport_stats,
};

struct kdp_vport *kdp_vport_new(const char *name, const char *kind, uint32_t type, int ifindex,
				uint32_t no)
{
	struct kdp_vport *v = xzalloc(sizeof(*v));

	port_init(&v->up, &vport_ops, name);
	v->up.no.v = no;
	v->type = type;
	/* TC's rules stand between the device and its host. */
	v->up.counts_datapath_only = type == OVS_VPORT_TYPE_INTERNAL;
	v->ifindex = ifindex;
	(void)snprintf(v->kind, sizeof(v->kind), "%s", kind);
	return v;
}
