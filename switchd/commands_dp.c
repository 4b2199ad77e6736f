/* SPDX-License-Identifier: Apache-2.0 */
/* Control commands about datapaths: dpif/…, dpctl/…, upcall/…, revalidator/… (ovs-vswitchd(8),
 * ovs-dpctl(8)). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "switchd/commands.h"

#define SYNC_MS 5000

static void dp_title(struct backend *be, struct str *out)
{
	const struct dp *dp = backend_dp(be);

	str_printf(out, "%s@ovs-%s", dp->ops->type, dp->ops->type);
}

/* --- dpif/show --- */

static void show_port(const struct bridge_port_info *p, void *aux)
{
	struct str *out = aux;

	str_printf(out, "    %s %" PRIu32 "/", p->name, p->ofp.v & 0xffff);
	if (p->dp.v == DP_PORT_NONE)
		str_puts(out, "none:");
	else
		str_printf(out, "%" PRIu32 ":", p->dp.v);
	str_printf(out, " (%s", *p->type ? p->type : "system");
	if (p->peer)
		str_printf(out, ": peer=%s", p->peer);
	if (p->tunnel) {
		str_puts(out, ": ");
		tunnel_conf_format(p->tunnel, out);
	}
	str_puts(out, ")\n");
}

static void show_backend(struct backend *be, struct str *out)
{
	struct bridge *br = NULL;
	struct dp_stats st;

	backend_dp(be)->ops->stats(backend_dp(be), &st);
	dp_title(be, out);
	str_printf(out, ": hit:%" PRIu64 " missed:%" PRIu64 "\n", st.hits, st.misses);
	while ((br = backend_bridge_next(be, br))) {
		str_printf(out, "  %s:\n", bridge_name(br));
		bridge_ports_visit(br, show_port, out);
	}
}

static void do_dpif_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct backend *be = NULL;
	struct str out = STR_INIT;

	while ((be = switchd_backend_next(aux, be)))
		show_backend(be, &out);
	command_done(conn, &out);
}

/* --- dpif/show-dp-features --- */

static void do_show_features(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct bridge *br = command_bridge(aux, conn, argv[1]);
	struct str out = STR_INIT;

	if (!br)
		return;
	dp_features_format(&backend_dp(bridge_backend(br))->features, &out);
	command_done(conn, &out);
}

/* --- dpctl/dump-flows --- */

struct dump {
	struct str out;
	struct backend *be;
	bool names, more, only_hw, only_sw;
	struct flow_key filter_key, filter_mask;
	bool filtered;
	const struct bridge *bridge; /* only flows that came in by its ports; NULL: all */
};

static const char *dp_name(struct dump *d, struct dp_port no)
{
	struct dp *dp = backend_dp(d->be);
	static char name[64];
	struct dp_port_info info;

	memset(&info, 0, sizeof(info));
	if (!d->names || dp->ops->port_get(dp, no, &info))
		return NULL;
	if (info.port)
		port_unref(info.port);
	memcpy(name, info.name, sizeof(name));
	return name;
}

static const char *key_port_name(void *aux, uint32_t no)
{
	return dp_name(aux, (struct dp_port){ no });
}

static const char *action_port_name(void *aux, struct dp_port no)
{
	return dp_name(aux, no);
}

static void put_used(uint64_t used_ns, struct str *out)
{
	uint64_t now = clock_mono_ns();

	if (!used_ns)
		str_puts(out, "used:never");
	else
		str_printf(out, "used:%.3fs", (double)(now > used_ns ? now - used_ns : 0) / 1e9);
}

static void put_tcp_flags(uint16_t flags, struct str *out)
{
	static const char letters[] = "FSRP.UEC";

	if (!flags)
		return;
	str_puts(out, ", flags:");
	for (unsigned i = 0; i < 8; i++)
		if (flags & 1u << i)
			str_putc(out, letters[i]);
}

static bool wanted(const struct dump *d, const struct engine_flow_info *i)
{
	bool hw = i->state == OFFLOAD_ST_HARDWARE;

	if ((d->only_hw && !hw) || (d->only_sw && hw))
		return false;
	if (d->bridge && !bridge_has_dp_port(d->bridge, flow_in_dp(&i->key)))
		return false;
	if (!d->filtered)
		return true;
	for (unsigned w = 0; w < FLOW_WORDS; w++) {
		uint64_t both =
			flow_words_const(&d->filter_mask)[w] & flow_words_const(&i->mask)[w];

		if ((flow_words_const(&d->filter_key)[w] ^ flow_words_const(&i->key)[w]) & both)
			return false;
	}
	return true;
}

static bool dump_flow(const struct engine_flow_info *i, void *aux)
{
	struct dump *d = aux;

	if (!wanted(d, i))
		return true;
	if (d->more)
		str_printf(&d->out, "ufid:%08x-%04x-%04x-%04x-%012" PRIx64 ", ",
			   (unsigned)(i->ufid.u[0] >> 32), (unsigned)(i->ufid.u[0] >> 16 & 0xffff),
			   (unsigned)(i->ufid.u[0] & 0xffff), (unsigned)(i->ufid.u[1] >> 48),
			   i->ufid.u[1] & UINT64_C(0xffffffffffff));
	match_format_dp(&i->key, &i->mask, key_port_name, d, &d->out);
	str_printf(&d->out, ", packets:%" PRIu64 ", bytes:%" PRIu64 ", ", i->total.packets,
		   i->total.bytes);
	put_used(i->total.used_ns, &d->out);
	put_tcp_flags(i->total.tcp_flags, &d->out);
	if (i->state == OFFLOAD_ST_HARDWARE)
		str_printf(&d->out, ", offloaded:yes, dp:%s", i->device);
	else if (i->state == OFFLOAD_ST_TC)
		str_puts(&d->out, ", dp:tc");
	else if (d->more)
		str_puts(&d->out, ", dp:ovs");
	str_puts(&d->out, ", actions:");
	dp_actions_format(dp_actions_of(&i->actions), action_port_name, d, &d->out);
	str_putc(&d->out, '\n');
	return true;
}

/* Returns false after an error has been sent. */
static bool parse_dump_args(struct ctl_conn *conn, int argc, const char *const argv[],
			    struct dump *d)
{
	struct error err = ERROR_INIT;
	char text[400];

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "-m") || !strcmp(a, "--more"))
			d->more = d->names = true; /* names, unless --no-names follows */
		else if (!strcmp(a, "--names"))
			d->names = true;
		else if (!strcmp(a, "--no-names"))
			d->names = false;
		else if (!strcmp(a, "type=offloaded"))
			d->only_hw = true;
		else if (!strcmp(a, "type=ovs") || !strcmp(a, "type=non-offloaded"))
			d->only_sw = true;
		else if (!strncmp(a, "filter=", 7)) {
			struct match m;

			d->filtered = true;
			if (match_parse(&m, a + 7, NULL, NULL, &err)) {
				ctl_reply_error(conn, error_text(&err, text, sizeof(text)));
				return false;
			}
			d->filter_key = m.key;
			d->filter_mask = m.mask;
		}
	}
	return true;
}

/* --- commands that tell counters: as of when they were given --- */

struct later {
	struct switchd *sw;
	struct ctl_conn *conn;
	ctl_fn *fn;
	unsigned pending; /* datapaths that are still to be read; main thread */
	int argc;
	char *argv[]; /* owned */
};

static void one_read(void *arg)
{
	struct later *l = arg;

	if (--l->pending)
		return;
	l->fn(l->conn, l->argc, (const char *const *)l->argv, l->sw);
	for (int i = 0; i < l->argc; i++)
		free(l->argv[i]);
	free(l);
}

static void round_ended(void *arg) /* revalidator thread */
{
	struct later *l = arg;

	loop_post(l->sw->loop, one_read, l);
}

/* Calls fn when all that was switched before now has been counted. */
static void after_readings(struct ctl_conn *conn, int argc, const char *const argv[],
			   struct switchd *sw, ctl_fn *fn)
{
	struct later *l = xzalloc(sizeof(*l) + (size_t)argc * sizeof(l->argv[0]));
	struct backend *be = NULL;

	*l = (struct later){ .sw = sw, .conn = conn, .fn = fn, .pending = 1, .argc = argc };
	for (int i = 0; i < argc; i++)
		l->argv[i] = xstrdup(argv[i]);
	while ((be = switchd_backend_next(sw, be))) {
		l->pending++;
		flows_after_readings(backend_flows(be), round_ended, l);
	}
	one_read(l);
}

/* --- dumps --- */

static void dump_flows(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct dump d = { .out = STR_INIT };

	if (!parse_dump_args(conn, argc, argv, &d))
		return;
	while ((d.be = switchd_backend_next(aux, d.be)))
		engine_visit(flows_engine(backend_flows(d.be)), dump_flow, &d);
	command_done(conn, &d.out);
}

static void do_dump_flows(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	after_readings(conn, argc, argv, aux, dump_flows);
}

static void bridge_flows(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct dump d = { .out = STR_INIT };
	struct bridge *br = command_bridge(aux, conn, argv[argc - 1]);

	if (!br || !parse_dump_args(conn, argc - 1, argv, &d))
		return;
	d.bridge = br;
	d.be = bridge_backend(br);
	engine_visit(flows_engine(backend_flows(d.be)), dump_flow, &d);
	command_done(conn, &d.out);
}

static void do_bridge_flows(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	after_readings(conn, argc, argv, aux, bridge_flows);
}

static void do_del_flows(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct backend *be = NULL;
	bool ok = true;

	while ((be = switchd_backend_next(aux, be)))
		ok &= flows_purge(backend_flows(be), SYNC_MS);
	if (ok)
		ctl_reply(conn, NULL);
	else
		ctl_reply_error(conn,
				"not all flows have gone within 5 s: a device does not answer");
}

/* --- dpctl/show --- */

struct show {
	struct str *out;
	struct backend *be;
};

static void show_dp_port(const struct bridge_port_info *p, void *aux)
{
	struct show *s = aux;

	if (p->dp.v == DP_PORT_NONE || p->tunnel)
		return;
	str_printf(s->out, "  port %" PRIu32 ": %s", p->dp.v, p->name);
	if (*p->type && strcmp(p->type, "system"))
		str_printf(s->out, " (%s)", p->type);
	str_putc(s->out, '\n');
}

static void show_tunnel_port(const struct dp_port_info *p, void *aux)
{
	struct show *s = aux;

	str_printf(s->out, "  port %" PRIu32 ": %s (%s)\n", p->no.v, p->name, p->type);
}

static void do_dpctl_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct str out = STR_INIT;
	struct show s = { &out, NULL };

	while ((s.be = switchd_backend_next(aux, s.be))) {
		struct bridge *br = NULL;
		struct dp_stats st;

		backend_dp(s.be)->ops->stats(backend_dp(s.be), &st);
		dp_title(s.be, &out);
		str_printf(&out,
			   ":\n  lookups: hit:%" PRIu64 " missed:%" PRIu64 " lost:%" PRIu64
			   "\n  flows: %" PRIu64 "\n",
			   st.hits, st.misses, st.lost, st.n_flows);
		while ((br = backend_bridge_next(s.be, br)))
			bridge_ports_visit(br, show_dp_port, &s);
		backend_tunnels_visit(s.be, show_tunnel_port, &s);
	}
	command_done(conn, &out);
}

/* --- ofproto/list-tunnels --- */

static void put_end(struct str *out, const struct be128 *a, bool flow)
{
	char text[IP_ADDR_TEXT];

	str_puts(out, flow ? "flow" : ip_addr_text(a, text));
}

static void put_key(struct str *out, const char *name, be64 key, bool flow)
{
	if (flow)
		str_printf(out, ", %s=flow", name);
	else
		str_printf(out, ", %s=%#" PRIx64, name, ntoh64(key));
}

static void put_inheritable(struct str *out, const char *name, bool inherit, unsigned x, bool hex)
{
	str_printf(out, ", %s=", name);
	if (inherit)
		str_puts(out, "inherit");
	else
		str_printf(out, hex ? "%#x" : "%u", x);
}

static void list_tunnel(const struct bridge_port_info *p, void *aux)
{
	const struct tunnel_conf *c = p->tunnel;
	struct str *out = aux;

	if (!c)
		return;
	str_printf(out, "port %" PRIu32 ": %s (vxlan: ", p->dp.v, p->name);
	put_end(out, &c->local, c->local_flow);
	str_puts(out, "->");
	put_end(out, &c->remote, c->remote_flow);
	put_key(out, "key", c->in_key, c->in_key_flow);
	str_printf(out, ", legacy_l2, dp port=%" PRIu32, p->dp.v);
	if (c->out_key != c->in_key || c->out_key_flow != c->in_key_flow)
		put_key(out, "out_key", c->out_key, c->out_key_flow);
	put_inheritable(out, "ttl", c->ttl_inherit, c->ttl, false);
	if (c->tos || c->tos_inherit)
		put_inheritable(out, "tos", c->tos_inherit, c->tos, true);
	str_puts(out, c->df ? "" : ", df=false");
	str_puts(out, c->csum ? ", csum=true)\n" : ")\n");
}

static void do_list_tunnels(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct backend *be = NULL;
	struct str out = STR_INIT;

	while ((be = switchd_backend_next(aux, be)))
		for (struct bridge *br = NULL; (br = backend_bridge_next(be, br));)
			bridge_ports_visit(br, list_tunnel, &out);
	command_done(conn, &out);
}

/* --- the flows layer --- */

static void do_upcall_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct backend *be = NULL;
	struct str out = STR_INIT;

	while ((be = switchd_backend_next(aux, be))) {
		struct flows_stats f;

		flows_stats(backend_flows(be), &f);
		dp_title(be, &out);
		str_printf(&out,
			   ":\n  flows         : (current %" PRIu64 ") (max %" PRIu64
			   ") (limit %" PRIu64 ")\n"
			   "  dump duration : %" PRIu64 "ms\n"
			   "  rounds %" PRIu64 ", translated anew %" PRIu64 ", changed %" PRIu64
			   ", deleted: idle %" PRIu64 ", outdated %" PRIu64 "\n"
			   "  upcalls %" PRIu64 ", installed %" PRIu64 ", already there %" PRIu64
			   ", failed %" PRIu64 ", over the limit %" PRIu64 "\n",
			   f.n_flows, f.max_flows, f.flow_limit, f.round_ms, f.rounds,
			   f.revalidated, f.modified, f.deleted_idle, f.deleted_changed, f.upcalls,
			   f.installed, f.duplicate, f.install_failed, f.over_limit);
	}
	command_done(conn, &out);
}

static void only_reply(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		       void *aux UNUSED)
{
	ctl_reply(conn, NULL);
}

static void do_revalidator_wait(struct ctl_conn *conn, int argc, const char *const argv[],
				void *aux)
{
	after_readings(conn, argc, argv, aux, only_reply);
}

static const struct ctl_command commands[] = {
	{ "dpif/show", "", 0, 0, do_dpif_show },
	{ "dpif/show-dp-features", "bridge", 1, 1, do_show_features },
	{ "ofproto/list-tunnels", "", 0, 0, do_list_tunnels },
	{ "dpctl/show", "[dp...]", 0, -1, do_dpctl_show },
	{ "dpctl/dump-flows", "[-m] [--names | --no-names] [dp] [filter=..] [type=..]", 0, 6,
	  do_dump_flows },
	{ "dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 4, do_bridge_flows },
	{ "dpctl/del-flows", "[dp]", 0, 1, do_del_flows },
	{ "revalidator/purge", "", 0, 0, do_del_flows },
	{ "revalidator/wait", "", 0, 0, do_revalidator_wait },
	{ "upcall/show", "", 0, 0, do_upcall_show },
};

void commands_dp_register(struct switchd *sw)
{
	ctl_register_all(sw->ctl, commands, ARRAY_SIZE(commands), sw);
}
