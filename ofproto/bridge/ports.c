/* SPDX-License-Identifier: Apache-2.0 */
/* A bridge's ports: in the datapath, in the engine, and as OpenFlow shows them. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

LOG_MODULE("ofproto");

#define OFPPC_PORT_DOWN 0x01
#define OFPPC_SETTABLE                                                                             \
	(OFPPC_PORT_DOWN | XL_PC_NO_STP | XL_PC_NO_RECV | XL_PC_NO_RECV_STP | XL_PC_NO_FLOOD |     \
	 XL_PC_NO_FWD | XL_PC_NO_PACKET_IN)
#define OFPPS_LINK_DOWN 0x01
#define OFPPS_LIVE 0x04

/* What there is beside ports that the datapath has one of each; borrowed. */
struct port_kind {
	const char *peer;                 /* patch ports */
	const struct tunnel_conf *tunnel; /* tunnels */
};

struct bridge_port *bridge_port_by_name(const struct bridge *br, const char *name)
{
	struct bridge_port *p;

	cds_list_for_each_entry (p, &br->ports, node)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

struct bridge_port *bridge_port_by_ofp(const struct bridge *br, struct ofp_port ofp)
{
	struct bridge_port *p;

	cds_list_for_each_entry (p, &br->ports, node)
		if (p->ofp.v == ofp.v)
			return p;
	return NULL;
}

const char *bridge_port_name(const struct bridge *br, struct ofp_port ofp)
{
	const struct bridge_port *p = bridge_port_by_ofp(br, ofp);

	return p ? p->name : NULL;
}

bool bridge_has_dp_port(const struct bridge *br, struct dp_port dp)
{
	const struct bridge_port *p;

	cds_list_for_each_entry (p, &br->ports, node)
		if (p->dp.v == dp.v)
			return true;
	return false;
}

/* The number asked for when it is free, else the lowest that is. */
static int choose_number(const struct bridge *br, uint32_t request, struct ofp_port *ofp)
{
	struct bridge_port *p;
	uint32_t next = 1;

	if (request && request <= BRIDGE_PORTS_MAX &&
	    !bridge_port_by_ofp(br, (struct ofp_port){ request })) {
		ofp->v = request;
		return 0;
	}
	cds_list_for_each_entry (p, &br->ports, node) { /* sorted */
		if (p->ofp.v == next)
			next++;
		else if (p->ofp.v > next)
			break;
	}
	ofp->v = next;
	return next <= BRIDGE_PORTS_MAX ? 0 : -ENOSPC;
}

static void insert_sorted(struct bridge *br, struct bridge_port *p)
{
	struct bridge_port *q;

	cds_list_for_each_entry (q, &br->ports, node)
		if (q->ofp.v > p->ofp.v) {
			cds_list_add_tail(&p->node, &q->node);
			return;
		}
	cds_list_add_tail(&p->node, &br->ports);
}

void bridge_port_phy(const struct bridge_port *p, struct ofp_phy_port *phy)
{
	*phy = (struct ofp_phy_port){
		.no = p->ofp,
		.mac = p->state.mac,
		.config = p->config,
		.curr = p->state.of10_curr,
		.advertised = p->state.of10_adv,
		.supported = p->state.of10_supp,
		.peer = p->state.of10_peer,
		.curr_kbps = (uint32_t)(p->state.speed_bps / 1000),
		.max_kbps = (uint32_t)(p->state.speed_bps / 1000),
	};
	snprintf(phy->name, sizeof(phy->name), "%.31s", p->name);
	if (!p->state.admin_up)
		phy->config |= OFPPC_PORT_DOWN;
	if (!p->state.admin_up || !p->state.carrier)
		phy->state |= OFPPS_LINK_DOWN;
	else
		phy->state |= OFPPS_LIVE;
}

static void read_state(struct bridge_port *p, struct port_state *st)
{
	struct eth_addr made_up = p->state.mac;
	struct dp_port_info info;

	memset(st, 0, sizeof(*st));
	if (p->peer || p->tunnel) { /* nobody's link: up as long as it is configured */
		st->admin_up = st->carrier = true;
		st->mac = made_up;
		return;
	}
	memset(&info, 0, sizeof(info));
	if (p->br->be->dp->ops->port_get(p->br->be->dp, p->dp, &info))
		return; /* vanished: down */
	*st = info.state;
	if (info.port)
		port_unref(info.port);
}

static void tell(struct bridge_port *p, enum ofp_port_reason reason)
{
	struct ofp_phy_port phy;

	bridge_port_phy(p, &phy);
	if (p->br->conns)
		ofconns_port_status(p->br->conns, reason, &phy);
}

static void adopt_local_address(struct bridge_port *p)
{
	struct bridge *br = p->br;
	uint64_t id = 0;

	if (!p->local || br->configured_dpid)
		return;
	for (unsigned i = 0; i < sizeof(p->state.mac.b); i++)
		id = id << 8 | p->state.mac.b[i];
	if (id)
		br->datapath_id = id;
}

/* Nothing that a controller is told has changed. */
static bool phy_same(const struct ofp_phy_port *a, const struct ofp_phy_port *b)
{
	return eth_addr_equal(a->mac, b->mac) && a->config == b->config && a->state == b->state &&
	       a->curr == b->curr && a->advertised == b->advertised &&
	       a->supported == b->supported && a->peer == b->peer && a->curr_kbps == b->curr_kbps;
}

static void refresh(struct bridge_port *p)
{
	struct ofp_phy_port before, after;
	struct port_state st;

	bridge_port_phy(p, &before);
	read_state(p, &st);
	st.link_resets = p->state.link_resets + (st.carrier != p->state.carrier);
	p->state = st;
	bridge_port_phy(p, &after);
	if (phy_same(&before, &after))
		return;
	adopt_local_address(p);
	tell(p, OFPPR_MODIFY_);
	backend_mark(p->br->be);
}

void bridge_port_refresh(struct bridge *br, const char *name)
{
	struct bridge_port *p = bridge_port_by_name(br, name);

	if (p)
		refresh(p);
}

/* --- coming --- */

static int add_to_datapath(struct bridge_port *p, const struct bridge_port_config *cfg,
			   struct error *err)
{
	struct backend *be = p->br->be;
	struct dp_port_info info;
	int rc;

	rc = be->dp->ops->port_add(be->dp, &cfg->port, (struct dp_port){ DP_PORT_NONE }, &p->dp,
				   err);
	if (rc)
		return rc;
	memset(&info, 0, sizeof(info));
	rc = be->dp->ops->port_get(be->dp, p->dp, &info);
	if (rc) {
		(void)be->dp->ops->port_del(be->dp, p->dp); /* it has gone by itself already */
		return error_set(err, -rc, "name", "%s vanished while it was added",
				 cfg->port.name);
	}
	p->port = info.port;
	return 0;
}

/* A device that cannot be had costs speed, not the port: remembered, said once, switched without.
 */
static void offload_answer(struct bridge_port *p, int rc, const struct error *why)
{
	char text[400], *before = p->offload_error;

	p->offload_error = rc ? xstrdup(error_text(why, text, sizeof(text))) : NULL;
	if (rc && (!before || strcmp(before, p->offload_error) != 0))
		log_warn("port %s: no offload: %s", p->name, p->offload_error);
	free(before);
}

static void add_to_engine(struct bridge_port *p, const struct bridge_port_config *cfg)
{
	struct engine *e = flows_engine(p->br->be->flows);
	struct error why = ERROR_INIT;

	if (!p->port)
		return;
	p->offload = cfg->offload ? xstrdup(cfg->offload) : NULL;
	offload_answer(p, engine_port_add(e, p->port, cfg->offload, &why), &why);
	engine_port_enable(e, p->dp, !cfg->offload_off);
	engine_port_policy(e, p->dp, cfg->tc_policy);
	engine_port_placement(e, p->dp, cfg->placement);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static void change_in_engine(struct bridge_port *p, const struct bridge_port_config *cfg)
{
	struct engine *e = flows_engine(p->br->be->flows);
	struct error why = ERROR_INIT;

	if (!p->port)
		return;
	/* What could not be had is tried again: a profile may have been mended. */
	if (p->offload_error || !same_text(p->offload, cfg->offload)) {
		free(p->offload);
		p->offload = cfg->offload ? xstrdup(cfg->offload) : NULL;
		offload_answer(p, engine_port_move(e, p->port, cfg->offload, &why), &why);
	}
	engine_port_enable(e, p->dp, !cfg->offload_off);
	engine_port_policy(e, p->dp, cfg->tc_policy);
	engine_port_placement(e, p->dp, cfg->placement);
}

static void port_free(struct bridge_port *p)
{
	tunnel_port_put(p->br->be, p->shared);
	free(p->tunnel);
	if (p->port)
		port_unref(p->port);
	xl_counters_unref(p->counters);
	free(p->name);
	free(p->type);
	free(p->peer);
	free(p->offload);
	free(p->offload_error);
	free(p);
}

/* A tunnel has no device to take an address from: one that a restart finds again. */
static struct eth_addr made_up_address(const struct bridge *br, const char *name)
{
	uint64_t h = hash_string(name, hash_string(br->name, 0));
	struct eth_addr a;

	memcpy(a.b, &h, sizeof(a.b));
	a.b[0] = (uint8_t)((a.b[0] & 0xfcu) | 0x02u); /* unicast, locally administered */
	return a;
}

static struct bridge_port *port_new(struct bridge *br, const struct bridge_port_config *cfg,
				    const struct port_kind *kind)
{
	struct bridge_port *p = xzalloc(sizeof(*p));

	p->br = br;
	p->name = xstrdup(cfg->port.name);
	p->type = xstrdup(cfg->port.type ? cfg->port.type : "");
	p->peer = kind->peer ? xstrdup(kind->peer) : NULL;
	p->tunnel = kind->tunnel ? xmemdup(kind->tunnel, sizeof(*kind->tunnel)) : NULL;
	if (p->tunnel)
		p->state.mac = made_up_address(br, p->name);
	p->dp.v = DP_PORT_NONE;
	p->local = cfg->local;
	p->created_ns = clock_mono_ns();
	if (p->peer || p->tunnel)
		p->counters = xl_counters_new();
	return p;
}

static int add_tunnel(struct bridge_port *p, struct error *err)
{
	const struct bridge_port *other = tunnel_clash(p->br->be, p->tunnel, p);
	int rc;

	if (other)
		return error_set(
			err, EEXIST, "options",
			"%s: port %s of bridge %s has the same remote_ip, local_ip and key",
			p->name, other->name, other->br->name);
	rc = tunnel_port_get(p->br->be, p->tunnel, &p->shared, err);
	if (!rc)
		p->dp = p->shared->dp;
	return rc;
}

static int port_add(struct bridge *br, const struct bridge_port_config *cfg,
		    const struct port_kind *kind, struct ofp_port *ofp, struct error *err)
{
	struct bridge_port *p = port_new(br, cfg, kind);
	int rc;

	p->ofp.v = OFPP_LOCAL_;
	rc = cfg->local ? 0
			: choose_number(br,
					cfg->ofport_request ? cfg->ofport_request : cfg->ofport_was,
					&p->ofp);
	if (rc) {
		error_set(err, -rc, "ofport", "bridge %s has all its %d ports", br->name,
			  BRIDGE_PORTS_MAX);
		goto fail;
	}
	if (p->tunnel)
		rc = add_tunnel(p, err);
	else if (!p->peer)
		rc = add_to_datapath(p, cfg, err);
	if (rc)
		goto fail;
	read_state(p, &p->state);
	adopt_local_address(p);
	insert_sorted(br, p);
	backend_mark(br->be);
	add_to_engine(p, cfg);
	tell(p, OFPPR_ADD_);
	log_info("bridge %s: added interface %s on port %u", br->name, p->name, p->ofp.v & 0xffff);
	*ofp = p->ofp;
	return 0;

fail:
	port_free(p);
	return rc;
}

/* Another UDP port is another port of the datapath. */
static int change_tunnel(struct bridge_port *p, const struct tunnel_conf *c)
{
	if (tunnel_conf_equal(p->tunnel, c))
		return 0;
	if (p->tunnel->dst_port != c->dst_port || p->tunnel->gbp != c->gbp ||
	    tunnel_clash(p->br->be, c, p))
		return -EBUSY;
	*p->tunnel = *c;
	backend_mark(p->br->be);
	return 0;
}

static int port_change(struct bridge_port *p, const struct bridge_port_config *cfg,
		       const struct port_kind *kind, struct error *err)
{
	int rc = p->tunnel && kind->tunnel ? change_tunnel(p, kind->tunnel) : 0;

	if (p->port && p->port->ops->reconfigure)
		rc = p->port->ops->reconfigure(p->port, &cfg->port, err);
	change_in_engine(p, cfg);
	refresh(p);
	return rc;
}

static bool same_kind(const struct bridge_port *p, const struct bridge_port_config *cfg,
		      const struct port_kind *kind)
{
	if (strcmp(p->type, cfg->port.type ? cfg->port.type : ""))
		return false;
	if (kind->peer && strcmp(p->peer, kind->peer))
		return false;
	return !cfg->ofport_request || cfg->local || p->ofp.v == cfg->ofport_request ||
	       bridge_port_by_ofp(p->br, (struct ofp_port){ cfg->ofport_request });
}

const char *const bridge_port_types[] = { "internal", "patch", "pcap", "system", "tap", "vxlan" };

static int no_type(const char *type, struct error *err)
{
	struct str list = STR_INIT;
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(bridge_port_types); i++)
		str_printf(&list, "%s%s", i ? ", " : "", bridge_port_types[i]);
	rc = error_set(err, EAFNOSUPPORT, "type", "no port type \"%s\"; there are: %s", type,
		       str_cstr(&list));
	str_done(&list);
	return rc;
}

static int find_kind(const struct bridge_port_config *cfg, struct port_kind *kind,
		     struct tunnel_conf *tunnel, struct error *err)
{
	const char *type = cfg->port.type ? cfg->port.type : "";

	*kind = (struct port_kind){ NULL, NULL };
	if (!strcmp(type, "patch")) {
		kind->peer = port_config_get(&cfg->port, "peer");
		if (!kind->peer || !*kind->peer)
			return error_set(err, EINVAL, "options:peer",
					 "%s: a patch port needs options:peer", cfg->port.name);
	} else if (!strcmp(type, "vxlan")) {
		kind->tunnel = tunnel;
		return tunnel_conf_parse(tunnel, &cfg->port, err);
	} else if (*type && !port_type_known(type)) {
		return no_type(type, err);
	}
	return 0;
}

int bridge_port_set(struct bridge *br, const struct bridge_port_config *cfg, struct ofp_port *ofp,
		    struct error *err)
{
	struct bridge_port *p = bridge_port_by_name(br, cfg->port.name);
	struct tunnel_conf tunnel;
	struct port_kind kind;
	int rc = find_kind(cfg, &kind, &tunnel, err);

	if (rc) {
		if (p && p->tunnel) /* what it was is not what is wanted */
			bridge_port_del(br, cfg->port.name);
		return rc;
	}
	if (p && same_kind(p, cfg, &kind)) {
		rc = port_change(p, cfg, &kind, err);
		*ofp = p->ofp;
		if (rc != -EBUSY)
			return rc;
		if (err)
			error_clear(err);
	}
	if (p)
		bridge_port_del(br, cfg->port.name);
	return port_add(br, cfg, &kind, ofp, err);
}

/* --- going --- */

static void port_remove(struct bridge_port *p, bool say)
{
	struct backend *be = p->br->be;

	if (say)
		tell(p, OFPPR_DELETE_);
	cds_list_del(&p->node);
	/* Translation forgets the port before the datapath does, so that nothing outputs to a
	 * number that is gone. */
	backend_mark(be);
	backend_publish(be);
	if (be->leaving) {
		port_free(p);
		return;
	}
	if (p->port) {
		engine_port_del(flows_engine(be->flows), p->port);
		port_unref(p->port); /* the datapath's is the last: its device is closed at once */
		p->port = NULL;
	}
	if (p->dp.v != DP_PORT_NONE && !p->shared)
		(void)be->dp->ops->port_del(be->dp, p->dp); /* -ENODEV: the device went first */
	port_free(p);
}

void bridge_port_del(struct bridge *br, const char *name)
{
	struct bridge_port *p = bridge_port_by_name(br, name);

	if (!p)
		return;
	log_info("bridge %s: deleted interface %s on port %u", br->name, p->name,
		 p->ofp.v & 0xffff);
	port_remove(p, true);
}

void bridge_ports_free(struct bridge *br)
{
	struct bridge_port *p, *next;

	cds_list_for_each_entry_safe (p, next, &br->ports, node)
		port_remove(p, false);
}

/* Why nothing of it can be offloaded; NULL. */
static const char *offload_trouble(struct bridge_port *p)
{
	if (p->offload_error || !p->port)
		return p->offload_error;
	engine_port_lacking(flows_engine(p->br->be->flows), p->dp, p->lacking, sizeof(p->lacking));
	return *p->lacking ? p->lacking : NULL;
}

/* --- as OpenFlow sees them --- */

/* Each packet is in one of the two. */
static int device_stats(struct bridge_port *p, struct port_stats *st)
{
	struct engine_beside b;
	int rc;

	engine_port_beside(flows_engine(p->br->be->flows), p->dp, &b);
	rc = p->port->ops->stats(p->port, st);
	st->rx_packets += b.rx_packets;
	st->rx_bytes += b.rx_bytes;
	st->tx_packets += b.tx_packets;
	st->tx_bytes += b.tx_bytes;
	return rc;
}

int bridge_port_stats(struct bridge_port *p, struct port_stats *st)
{
	memset(st, 0, sizeof(*st));
	if (p->counters) {
		st->rx_packets = p->counters->rx_packets;
		st->rx_bytes = p->counters->rx_bytes;
		st->tx_packets = p->counters->tx_packets;
		st->tx_bytes = p->counters->tx_bytes;
		return 0;
	}
	if (p->port)
		return device_stats(p, st);
	return -EOPNOTSUPP;
}

enum ofperr bridge_port_mod(struct bridge *br, const struct ofp_port_mod *pm)
{
	struct bridge_port *p = bridge_port_by_ofp(br, pm->no);
	uint32_t changed;

	if (!p)
		return OFPERR_PM_BAD_PORT;
	if (!eth_addr_equal(pm->mac, p->state.mac))
		return OFPERR_PM_BAD_HW_ADDR;
	if (pm->mask & ~OFPPC_SETTABLE)
		return OFPERR_PM_BAD_CONFIG;
	changed = (p->config ^ pm->config) & pm->mask;
	if (!changed)
		return OFPERR_OK;
	if (changed & OFPPC_PORT_DOWN && p->port && p->port->ops->set_up &&
	    p->port->ops->set_up(p->port, !(pm->config & OFPPC_PORT_DOWN)))
		return OFPERR_PM_EPERM;
	p->config ^= changed;
	read_state(p, &p->state);
	tell(p, OFPPR_MODIFY_);
	backend_mark(br->be);
	return OFPERR_OK;
}

static void fill_info(struct bridge_port *p, struct bridge_port_info *info)
{
	*info = (struct bridge_port_info){
		.name = p->name,
		.type = p->type,
		.ofp = p->ofp,
		.dp = p->dp,
		.state = p->state,
		.peer = p->peer,
		.tunnel = p->tunnel,
		.offload_error = offload_trouble(p),
		.config = p->config,
	};
	(void)bridge_port_stats(p, &info->stats); /* zeros where the device has gone */
}

int bridge_port_info(struct bridge *br, const char *name, struct bridge_port_info *info)
{
	struct bridge_port *p = bridge_port_by_name(br, name);

	if (!p)
		return -ENODEV;
	fill_info(p, info);
	return 0;
}

void bridge_ports_visit(struct bridge *br, bridge_port_visit_fn *fn, void *aux)
{
	struct bridge_port_info info;
	struct bridge_port *p;

	cds_list_for_each_entry (p, &br->ports, node) {
		fill_info(p, &info);
		fn(&info, aux);
	}
}
