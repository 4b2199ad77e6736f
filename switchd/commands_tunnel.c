/* SPDX-License-Identifier: Apache-2.0 */
/* Control commands about the network under the user datapath's tunnels: tnl/…, ovs/route/show
 * (ovs-appctl(8), ovs-vswitchd(8)). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/port/kinds.h"
#include "core/port/underlay.h"
#include "switchd/commands.h"

#define DUMP_TRIES 5
#define IP_COLUMN 46 /* characters of the longest IPv6 address, and one */

/* --- tnl/ports/show --- */

struct listening {
	struct backend *be;
	struct str *out;
	const struct dp_port_info *dp;
	unsigned users;
	bool verbose;
};

static void count_user(const struct bridge_port_info *p, void *aux)
{
	struct listening *l = aux;

	l->users += p->tunnel && p->dp.v == l->dp->no.v;
}

static void show_listening(const struct dp_port_info *p, void *aux)
{
	static const char *const matches[] = { "eth_type(0x0800),ipv4(proto=17,frag=no)",
					       "eth_type(0x86dd),ipv6(proto=17,frag=no)" };
	const char *number = strrchr(p->name, '_');
	struct listening *l = aux;

	if (!p->port || !port_vxlan_underlay(p->port))
		return;
	l->dp = p;
	l->users = 0;
	for (struct bridge *br = NULL; (br = backend_bridge_next(l->be, br));)
		bridge_ports_visit(br, count_user, l);
	if (!l->verbose)
		str_printf(l->out, "%s (%" PRIu32 ") ref_cnt=%u\n", p->name, p->no.v, l->users);
	for (size_t i = 0; l->verbose && i < ARRAY_SIZE(matches); i++)
		str_printf(l->out, "%s (%" PRIu32 ") : %s,udp(dst=%s)\n", p->name, p->no.v,
			   matches[i], number ? number + 1 : "0");
}

static void do_ports_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct str out = STR_INIT;
	struct listening l = { .out = &out, .verbose = argc > 1 && !strcmp(argv[1], "-v") };

	str_puts(&out, "Listening ports:\n");
	while ((l.be = switchd_backend_next(aux, l.be)))
		backend_tunnels_visit(l.be, show_listening, &l);
	command_done(conn, &out);
}

/* --- tnl/neigh/show --- */

struct neighbours {
	struct switchd *sw;
	struct str *out;
	struct {
		struct be128 addr;
		int ifindex;
	} * seen; /* owned: far ends share next hops */
	size_t n, cap;
};

static bool is_new(struct neighbours *s, const struct underlay_path *path)
{
	int ifindex = underlay_path_ifindex(path);

	for (size_t i = 0; i < s->n; i++)
		if (s->seen[i].ifindex == ifindex && ip_addr_equal(&s->seen[i].addr, &path->next))
			return false;
	if (s->n == s->cap)
		s->seen = xgrow(s->seen, &s->cap, s->n + 1, sizeof(*s->seen));
	s->seen[s->n].addr = path->next;
	s->seen[s->n++].ifindex = ifindex;
	return true;
}

static void show_neighbour(const struct underlay_path *path, void *aux)
{
	struct neighbours *s = aux;
	const struct link_info *link = rtnl_by_index(s->sw->rtnl, underlay_path_ifindex(path));
	const uint8_t *m = path->dl_dst.b;
	char text[IP_ADDR_TEXT];

	if (is_new(s, path))
		str_printf(s->out, "%-*s%02x:%02x:%02x:%02x:%02x:%02x   %s\n", IP_COLUMN,
			   ip_addr_text(&path->next, text), m[0], m[1], m[2], m[3], m[4], m[5],
			   link ? link->name : "?");
}

static void show_neighbours(const struct dp_port_info *p, void *aux)
{
	struct underlay *u = p->port ? port_vxlan_underlay(p->port) : NULL;

	if (u)
		underlay_visit(u, show_neighbour, aux);
}

static void do_neigh_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct str out = STR_INIT;
	struct neighbours s = { .sw = aux, .out = &out };
	struct backend *be = NULL;

	str_printf(&out, "%-*sMAC                 Bridge\n", IP_COLUMN, "IP");
	for (unsigned i = 0; i < 74; i++)
		str_putc(&out, '=');
	str_putc(&out, '\n');
	while ((be = switchd_backend_next(aux, be)))
		backend_tunnels_visit(be, show_neighbours, &s);
	free(s.seen);
	command_done(conn, &out);
}

/* --- ovs/route/show --- */

struct table {
	struct route_entry *entries; /* owned */
	size_t n, cap;
};

static void add_entry(const struct route_entry *e, void *aux)
{
	struct table *t = aux;

	if (t->n == t->cap)
		t->entries = xgrow(t->entries, &t->cap, t->n + 1, sizeof(*t->entries));
	t->entries[t->n++] = *e;
}

/* What packets by this route are sent from. */
static struct be128 source_of(struct switchd *sw, const struct route_entry *e)
{
	static const struct be128 any;
	struct route r;

	if (e->to.local)
		return e->dst;
	if (!ip_addr_is_zero(&e->to.src))
		return e->to.src;
	return route_lookup(sw->routes, e->has_gateway ? &e->to.next : &e->dst, &any, &r) ? any
											  : r.src;
}

static void show_route(struct switchd *sw, const struct route_entry *e, struct str *out)
{
	const struct link_info *link = rtnl_by_index(sw->rtnl, e->to.ifindex);
	struct be128 src = source_of(sw, e);
	char text[IP_ADDR_TEXT];

	str_printf(out, "Cached: %s/%u dev %s", ip_addr_text(&e->dst, text), e->prefix,
		   link ? link->name : "?");
	if (e->has_gateway)
		str_printf(out, " GW %s", ip_addr_text(&e->to.next, text));
	if (!ip_addr_is_zero(&src))
		str_printf(out, " SRC %s", ip_addr_text(&src, text));
	str_puts(out, e->to.local ? " local\n" : "\n");
}

/* Again where the table changed meanwhile; of one that does so all the time the last try is shown.
 */
static void read_table(struct routes *r, struct table *t)
{
	int rc = -EINTR;

	for (unsigned i = 0; rc == -EINTR && i < DUMP_TRIES; i++) {
		t->n = 0;
		rc = routes_visit(r, add_entry, t);
	}
}

static void do_route_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct switchd *sw = aux;
	struct str out = STR_INIT;
	struct table t = { .n = 0 };

	str_puts(&out, "Route Table:\n");
	if (sw->routes)
		read_table(sw->routes, &t);
	for (size_t i = 0; i < t.n; i++)
		show_route(sw, &t.entries[i], &out);
	free(t.entries);
	command_done(conn, &out);
}

static const struct ctl_command commands[] = {
	{ "tnl/ports/show", "[-v]", 0, 1, do_ports_show },
	{ "tnl/arp/show", "", 0, 0, do_neigh_show },
	{ "tnl/neigh/show", "", 0, 0, do_neigh_show },
	{ "ovs/route/show", "", 0, 0, do_route_show },
};

void commands_tunnel_register(struct switchd *sw)
{
	ctl_register_all(sw->ctl, commands, ARRAY_SIZE(commands), sw);
}
