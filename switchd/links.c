/* SPDX-License-Identifier: Apache-2.0 */
/* Network devices that appear, vanish, are renamed or change state while the switch runs. */
#include <string.h>

#include "switchd/config.h"

static bool is_ours(struct switchd *sw, const char *name)
{
	struct sw_bridge *b;

	cds_list_for_each_entry (b, &sw->bridges, node)
		if (sw_iface_find(b, name))
			return true;
	return false;
}

static void refresh(struct switchd *sw, const char *name)
{
	struct sw_bridge *b;

	cds_list_for_each_entry (b, &sw->bridges, node) {
		if (!b->br || !sw_iface_find(b, name))
			continue;
		bridge_port_refresh(b->br, name);
		switchd_status_soon(sw);
	}
}

static void on_link(enum rtnl_change change, const struct link_info *was,
		    const struct link_info *now, void *arg)
{
	struct switchd *sw = arg;
	bool renamed;

	switch (change) {
	case RTNL_NEW:
		if (is_ours(sw, now->name))
			switchd_reconfigure(sw);
		break;
	case RTNL_GONE:
		if (is_ours(sw, was->name))
			switchd_reconfigure(sw);
		break;
	case RTNL_CHANGED:
		renamed = strcmp(was->name, now->name) != 0;
		if (!renamed)
			refresh(sw, now->name);
		/* Internal devices follow the MTU of the others. */
		if ((renamed || was->mtu != now->mtu) &&
		    (is_ours(sw, was->name) || is_ours(sw, now->name)))
			switchd_reconfigure(sw);
		break;
	}
}

int switchd_links_start(struct switchd *sw, struct error *err)
{
	sw->rtnl = rtnl_new(sw->loop, err);
	if (!sw->rtnl)
		return err ? -err->code : -1;
	sw->link_watch = rtnl_watch_new(sw->rtnl, on_link, sw);
	sw->routes = routes_new(sw->loop, switchd_status_soon, sw, NULL); /* for status alone */
	return 0;
}
