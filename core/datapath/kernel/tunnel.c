/* SPDX-License-Identifier: Apache-2.0 */
/* Devices for tunnels: one for each kind and UDP port, in the mode in which addresses, keys and
 * flags come with each packet (collect metadata; if_link.h, if_tunnel.h).  The datapath takes them
 * as ordinary devices, and all tunnel ports of that kind share one. */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/datapath/kernel/kernel.h"
#include "core/port/linux_link.h"

#define TUNNEL_MTU 65000u /* the outer packet's fragmentation and path MTU decide */

struct kdp_tunnel {
	const char *type, *link; /* the Interface's, the kernel's */
	uint16_t dst_port;       /* default; 0 = has none */
	void (*put)(struct buf *b, const struct port_config *cfg, uint16_t dst_port);
};

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
		if (!strncmp(p, word, n) && (!p[n] || p[n] == ','))
			return true;
	}
	return false;
}

static void put_vxlan(struct buf *b, const struct port_config *cfg, uint16_t dst_port)
{
	nlattr_put_u8(b, IFLA_VXLAN_LEARNING, 0);
	nlattr_put_u8(b, IFLA_VXLAN_COLLECT_METADATA, 1);
	nlattr_put_u8(b, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1);
	nlattr_put_be16(b, IFLA_VXLAN_PORT, htons(dst_port));
	if (has_word(port_config_get(cfg, "exts"), "gbp"))
		nlattr_put_flag(b, IFLA_VXLAN_GBP);
}

static void put_geneve(struct buf *b, const struct port_config *cfg UNUSED, uint16_t dst_port)
{
	nlattr_put_flag(b, IFLA_GENEVE_COLLECT_METADATA);
	nlattr_put_u8(b, IFLA_GENEVE_UDP_ZERO_CSUM6_RX, 1);
	nlattr_put_be16(b, IFLA_GENEVE_PORT, htons(dst_port));
}

static void put_gre(struct buf *b, const struct port_config *cfg UNUSED, uint16_t dst_port UNUSED)
{
	nlattr_put_flag(b, IFLA_GRE_COLLECT_METADATA);
}

static const struct kdp_tunnel tunnels[DP_N_TUNNELS] = {
	[DP_TUNNEL_VXLAN] = { "vxlan", "vxlan", 4789, put_vxlan },
	[DP_TUNNEL_GENEVE] = { "geneve", "geneve", 6081, put_geneve },
	[DP_TUNNEL_GRE] = { "gre", "gretap", 0, put_gre },
};

const struct kdp_tunnel *kdp_tunnel_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		if (!strcmp(tunnels[i].type, type))
			return &tunnels[i];
	}
	return NULL;
}

const char *kdp_tunnel_type(const struct kdp_tunnel *t)
{
	return t->type;
}

const struct kdp_tunnel *kdp_tunnel_of_device(const char *name, uint16_t *dst_port)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		size_t n = strlen(tunnels[i].type);

		if (strncmp(name, tunnels[i].type, n) || strncmp(name + n, "_sys", 4))
			continue;
		*dst_port = name[n + 4] == '_' ? (uint16_t)strtoul(name + n + 5, NULL, 10) : 0;
		return &tunnels[i];
	}
	return NULL;
}

int kdp_tunnel_name(const struct kdp_tunnel *t, const struct port_config *cfg, char name[16],
		    uint16_t *dst_port, struct error *err)
{
	const char *text = port_config_get(cfg, "dst_port");
	unsigned long port = t->dst_port;
	char *end = NULL;

	if (text && t->dst_port) {
		port = strtoul(text, &end, 10);
		if (!*text || *end || !port || port > UINT16_MAX)
			return error_set(err, EINVAL, "options:dst_port",
					 "%s: \"%s\" is no UDP port", cfg->name, text);
	}
	*dst_port = (uint16_t)port;
	if (port)
		(void)snprintf(name, IFNAMSIZ, "%s_sys_%u", t->type, *dst_port);
	else
		(void)snprintf(name, IFNAMSIZ, "%s_sys", t->type);
	return 0;
}

/* ---- rtnetlink ---- */

static int do_link(struct nl_batch *b, struct error *err, const char *what)
{
	struct nl_chan *c;
	int rc = nl_chan_open(NETLINK_ROUTE, &c, err);

	if (rc)
		return rc;
	rc = nl_chan_do(c, b);
	rc = rc ? error_set(err, -rc, NULL, "%s: %s", what, strerrordesc_np(-rc))
		: nl_batch_error(b, 0, err, what);
	nl_chan_close(c);
	return rc;
}

static void begin(struct nl_batch *b, uint16_t type, uint16_t flags, const char *name, bool up)
{
	struct ifinfomsg m = { .ifi_family = AF_UNSPEC,
			       .ifi_flags = up ? IFF_UP : 0,
			       .ifi_change = up ? IFF_UP : 0 };

	nl_batch_init(b);
	(void)nl_batch_add(b, type, flags);
	buf_put(&b->buf, &m, sizeof(m));
	nlattr_put_str(&b->buf, IFLA_IFNAME, name);
}

static int make(const struct kdp_tunnel *t, const struct port_config *cfg, const char *name,
		uint16_t dst_port, struct error *err)
{
	struct nl_batch b;
	size_t info, data;
	char what[64];
	int rc;

	(void)snprintf(what, sizeof(what), "tunnel device %s", name);
	begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name, true);
	nlattr_put_u32(&b.buf, IFLA_MTU, TUNNEL_MTU);
	info = nlattr_nest(&b.buf, IFLA_LINKINFO);
	nlattr_put_str(&b.buf, IFLA_INFO_KIND, t->link);
	data = nlattr_nest(&b.buf, IFLA_INFO_DATA);
	t->put(&b.buf, cfg, dst_port);
	nlattr_nest_end(&b.buf, data);
	nlattr_nest_end(&b.buf, info);
	rc = do_link(&b, err, what);
	nl_batch_done(&b);
	return rc;
}

int kdp_tunnel_make(const struct kdp_tunnel *t, const struct port_config *cfg, const char *name,
		    uint16_t dst_port, struct error *err)
{
	int ifindex;

	/* One that a former life left may have other options. */
	if (!linux_link_find(name, &ifindex))
		kdp_tunnel_remove(name);
	return make(t, cfg, name, dst_port, err);
}

void kdp_tunnel_remove(const char *name)
{
	struct nl_batch b;

	begin(&b, RTM_DELLINK, 0, name, false);
	(void)do_link(&b, NULL, ""); /* gone is gone */
	nl_batch_done(&b);
}
