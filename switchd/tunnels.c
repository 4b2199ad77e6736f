/* SPDX-License-Identifier: Apache-2.0 */
/* What the network under a tunnel is like now, for its Interface row. */
#include "switchd/switchd.h"

#include <stdio.h>
#include <string.h>

#include "core/packet/vxlan.h"

void switchd_tunnel_status(struct switchd *sw, const struct tunnel_conf *c,
			   struct tunnel_status *st)
{
	uint32_t cost = ip_addr_is4(&c->remote) ? VXLAN_OVERHEAD4 : VXLAN_OVERHEAD6, mtu;
	const struct link_info *link;
	struct route r;

	memset(st, 0, sizeof(*st));
	if (!sw->routes || c->remote_flow || route_lookup(sw->routes, &c->remote, &c->local, &r))
		return;
	link = rtnl_by_index(sw->rtnl, r.ifindex);
	if (!link)
		return;
	(void)snprintf(st->egress, sizeof(st->egress), "%s", link->name);
	st->carrier = link->running;
	mtu = r.mtu ? MIN(r.mtu, link->mtu) : link->mtu;
	st->mtu = mtu > cost ? mtu - cost : 0;
}
