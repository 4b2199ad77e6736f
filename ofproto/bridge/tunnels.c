/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels' ports in the datapath: one for each UDP port, shared by all OpenFlow ports of all
 * bridges that use it, and gone with the last of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

LOG_MODULE("ofproto.tunnel");

static struct tunnel_port *find(const struct backend *be, uint16_t dst_port)
{
	struct tunnel_port *t;

	cds_list_for_each_entry (t, &be->tunnels, node)
		if (t->dst_port == dst_port)
			return t;
	return NULL;
}

static int open_port(struct backend *be, struct tunnel_port *t, struct error *err)
{
	static const char *const keys[] = { "dst_port", "exts" };
	char name[32], number[8];
	const char *const values[] = { number, "gbp" };
	struct port_config cfg = { .name = name,
				   .type = "vxlan",
				   .keys = keys,
				   .values = values,
				   .n_options = t->gbp ? 2 : 1 };
	struct dp_port_info info = { .port = NULL };
	int rc;

	(void)snprintf(name, sizeof(name), "vxlan_sys_%u", t->dst_port);
	(void)snprintf(number, sizeof(number), "%u", t->dst_port);
	rc = be->dp->ops->port_add(be->dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &t->dp, err);
	if (rc)
		return rc;
	rc = be->dp->ops->port_get(be->dp, t->dp, &info);
	if (rc) {
		(void)be->dp->ops->port_del(be->dp, t->dp); /* it has gone by itself already */
		return error_set(err, -rc, NULL, "%s vanished while it was added", name);
	}
	t->port = info.port;
	return 0;
}

/* No device is asked for: whoever offloads what goes through tunnels says so itself. */
static void add_to_engine(struct backend *be, const struct tunnel_port *t)
{
	struct error why = ERROR_INIT;
	char text[400];

	if (t->port && engine_port_add(flows_engine(be->flows), t->port, NULL, &why))
		log_warn("%s: no offload: %s", t->port->name, error_text(&why, text, sizeof(text)));
}

int tunnel_port_get(struct backend *be, const struct tunnel_conf *c, struct tunnel_port **ret,
		    struct error *err)
{
	struct tunnel_port *t = find(be, c->dst_port);
	int rc;

	if (t && t->gbp != c->gbp)
		return error_set(err, EEXIST, "options:exts",
				 "another tunnel uses UDP port %u %s exts=gbp: all or none",
				 c->dst_port, t->gbp ? "with" : "without");
	if (t) {
		t->users++;
		*ret = t;
		return 0;
	}
	t = xzalloc(sizeof(*t));
	t->dst_port = c->dst_port;
	t->gbp = c->gbp;
	t->users = 1;
	rc = open_port(be, t, err);
	if (rc) {
		free(t);
		return rc;
	}
	cds_list_add_tail(&t->node, &be->tunnels);
	add_to_engine(be, t);
	*ret = t;
	return 0;
}

void tunnel_port_put(struct backend *be, struct tunnel_port *t)
{
	if (!t || --t->users)
		return;
	cds_list_del(&t->node);
	if (t->port && !be->leaving)
		engine_port_del(flows_engine(be->flows), t->port);
	if (t->port)
		port_unref(t->port); /* the datapath's is the last: it is closed at once */
	if (!be->leaving)
		(void)be->dp->ops->port_del(be->dp, t->dp); /* -ENODEV: it went first */
	free(t);
}

void backend_tunnels_visit(struct backend *be, void (*fn)(const struct dp_port_info *, void *aux),
			   void *aux)
{
	struct tunnel_port *t;

	cds_list_for_each_entry (t, &be->tunnels, node) {
		struct dp_port_info info = { .port = NULL };

		if (be->dp->ops->port_get(be->dp, t->dp, &info))
			continue; /* it has gone by itself */
		fn(&info, aux);
		if (info.port)
			port_unref(info.port);
	}
}

const struct bridge_port *tunnel_clash(const struct backend *be, const struct tunnel_conf *c,
				       const struct bridge_port *but)
{
	const struct bridge *br;

	cds_list_for_each_entry (br, &be->bridges, node) {
		const struct bridge_port *p;

		cds_list_for_each_entry (p, &br->ports, node)
			if (p != but && p->tunnel && tunnel_conf_clash(p->tunnel, c))
				return p;
	}
	return NULL;
}
