/* SPDX-License-Identifier: Apache-2.0 */
/* Control commands about bridges: ofproto/…, fdb/…, bridge/… (ovs-vswitchd(8)). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/packet/parse.h"
#include "core/packet/wire.h"
#include "ofproto/text/flow_text.h"
#include "switchd/commands.h"

static const char *port_name(void *aux, uint32_t ofp)
{
	return bridge_port_name(aux, (struct ofp_port){ ofp });
}

struct name_search {
	const char *name;
	struct ofp_port *no;
	bool found;
};

static void match_name(const struct bridge_port_info *info, void *aux)
{
	struct name_search *s = aux;

	if (strcmp(info->name, s->name))
		return;
	*s->no = info->ofp;
	s->found = true;
}

static bool port_no(void *aux, const char *name, struct ofp_port *no)
{
	struct name_search s = { name, no, false };

	bridge_ports_visit(aux, match_name, &s);
	return s.found;
}

struct bridge *command_bridge(struct switchd *sw, struct ctl_conn *conn, const char *name)
{
	struct sw_bridge *b = switchd_bridge(sw, name);

	if (b && b->br)
		return b->br;
	ctl_reply_error(conn, "no such bridge");
	return NULL;
}

void command_done(struct ctl_conn *conn, struct str *out)
{
	ctl_reply(conn, str_cstr(out));
	str_done(out);
}

static void do_list(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct switchd *sw = aux;
	struct str out = STR_INIT;
	struct sw_bridge *b;

	cds_list_for_each_entry (b, &sw->bridges, node)
		if (b->br)
			str_printf(&out, "%s\n", b->name);
	command_done(conn, &out);
}

/* --- fdb --- */

static void show_entry(const struct bridge *br, const struct mac_entry *e, struct str *out)
{
	uint32_t ofp = bridge_bundle_ofp(br, e->bundle);
	char port[12] = "LOCAL";

	if (ofp != OFPP_LOCAL_)
		snprintf(port, sizeof(port), "%" PRIu32, ofp);
	str_printf(out, "%5s  %4u  %02x:%02x:%02x:%02x:%02x:%02x  %3" PRIu64 "\n", port, e->vlan,
		   e->mac.b[0], e->mac.b[1], e->mac.b[2], e->mac.b[3], e->mac.b[4], e->mac.b[5],
		   e->age_s);
}

static void do_fdb_show(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct bridge *br = command_bridge(aux, conn, argv[1]);
	struct str out = STR_INIT;
	struct mac_entry *entries;
	size_t n;

	if (!br)
		return;
	n = mac_dump(bridge_macs(br), clock_mono_ns(), &entries);
	str_puts(&out, " port  VLAN  MAC                Age\n");
	for (size_t i = 0; i < n; i++)
		show_entry(br, &entries[i], &out);
	free(entries);
	command_done(conn, &out);
}

static void do_fdb_flush(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct switchd *sw = aux;
	struct sw_bridge *b;

	if (argc > 1) {
		struct bridge *br = command_bridge(sw, conn, argv[1]);

		if (!br)
			return;
		mac_flush(bridge_macs(br));
		flows_kick(backend_flows(bridge_backend(br)));
	} else {
		cds_list_for_each_entry (b, &sw->bridges, node)
			if (b->br)
				mac_flush(bridge_macs(b->br));
	}
	ctl_reply(conn, "table successfully flushed");
}

static void do_fdb_stats(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct bridge *br = command_bridge(aux, conn, argv[1]);
	struct str out = STR_INIT;
	struct mac_stats s;

	if (!br)
		return;
	mac_table_stats(bridge_macs(br), &s);
	str_printf(&out,
		   "Statistics for bridge \"%s\":\n"
		   "  Current/maximum MAC entries in the table: %" PRIu64 "/%" PRIu64 "\n"
		   "  Total number of learned MAC entries     : %" PRIu64 "\n"
		   "  Total number of expired MAC entries     : %" PRIu64 "\n"
		   "  Total number of evicted MAC entries     : %" PRIu64 "\n"
		   "  Total number of port moved MAC entries  : %" PRIu64 "\n",
		   argv[1], s.count, s.max, s.learned, s.expired, s.evicted, s.moved);
	command_done(conn, &out);
}

/* --- flows of the tables --- */

struct dump {
	struct str out;
	const struct ofp_names *names;
};

static bool dump_rule(struct rule *r, void *aux)
{
	struct dump *d = aux;
	struct ofp_flow_stats fs;
	size_t before;

	tables_rule_stats(r, &fs);
	str_printf(&d->out, "table_id=%u, ", fs.table);
	str_printf(&d->out,
		   "duration=%" PRIu64 "s, n_packets=%" PRIu64 ", n_bytes=%" PRIu64
		   ", priority=%u,",
		   (uint64_t)(fs.duration_ns / NSEC_PER_SEC), fs.packets, fs.bytes, fs.priority);
	before = d->out.len;
	match_format(&fs.match, NULL, NULL, &d->out);
	str_puts(&d->out, d->out.len > before ? ",actions=" : "actions=");
	ofpacts_format(fs.actions, d->names, &d->out);
	str_putc(&d->out, '\n');
	return true;
}

static void do_dump_flows(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct bridge *br = command_bridge(aux, conn, argv[argc - 1]);
	struct ofp_flow_stats_request all = {
		.table = OFPTT_ALL_,
		.out_port = { OFPP_NONE_ },
		.out_group = OFPG_ANY_,
	};
	struct dump d = { STR_INIT, NULL };

	if (!br)
		return;
	match_init_catchall(&all.match);
	tables_visit(bridge_tables(br), &all, dump_rule, &d);
	command_done(conn, &d.out);
}

/* --- trace --- */

static int packet_key(const char *hex, struct flow_key *key, struct packet **packet,
		      struct error *err)
{
	struct buf b = BUF_INIT;

	for (; *hex; hex++) {
		unsigned byte;

		if (*hex == ' ' || *hex == ':')
			continue;
		if (sscanf(hex, "%2x", &byte) != 1 || !hex[1]) {
			buf_done(&b);
			return error_set(err, EINVAL, "packet", "\"%s\" is not hexadecimal", hex);
		}
		buf_put_u8(&b, (uint8_t)byte);
		hex++;
	}
	*packet = packet_new(b.data, b.len, 0);
	buf_done(&b);
	if (packet_parse(*packet, key, NULL) == PARSE_SHORT_ETH)
		return error_set(err, EINVAL, "packet", "it is shorter than an Ethernet header");
	return 0;
}

static int bridge_key(struct bridge *br, const char *text, struct flow_key *key, struct error *err)
{
	const struct ofp_names names = { .port_name = port_name, .port_no = port_no, .aux = br };
	struct buf acts = BUF_INIT;
	struct ofp_flow_mod fm;
	int rc = flow_mod_parse(text, OFPFC_DELETE_, &names, &fm, &acts, err);

	buf_done(&acts);
	if (rc)
		return rc;
	*key = fm.match.key;
	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		if (key->vlans[i].tci & htons(VLAN_CFI) && !key->vlans[i].tpid)
			key->vlans[i].tpid = htons(ETH_VLAN);
	return 0;
}

struct trace {
	const char *bridge, *flow, *packet; /* bridge NULL: the flow is a datapath's */
	bool generate;
	uint32_t ct_next[8];
	size_t n_ct_next;
};

static int run_trace(struct switchd *sw, const struct trace *t, struct str *out, struct error *err)
{
	struct sw_bridge *b = t->bridge ? switchd_bridge(sw, t->bridge) : NULL;
	struct backend *be = b && b->br ? bridge_backend(b->br) : switchd_backend_next(sw, NULL);
	struct packet *packet = NULL;
	struct flow_key key, mask;
	const struct xl_snapshot *snap;
	int rc;

	if (t->bridge && (!b || !b->br))
		return error_set(err, ENODEV, NULL, "%s: unknown bridge", t->bridge);
	if (!be)
		return error_set(err, ENODEV, NULL, "there is no bridge");
	memset(&key, 0, sizeof(key));
	rc = b ? bridge_key(b->br, t->flow, &key, err) : match_parse_dp(&key, &mask, t->flow, err);
	if (!rc && t->packet)
		rc = packet_key(t->packet, &key, &packet, err);
	if (!rc) {
		backend_publish(be);
		if (!packet && t->generate)
			packet = packet_compose(&key, 0);
		rcu_read_lock();
		snap = flows_snapshot(backend_flows(be));
		rc = xlate_trace(
			&(struct xlate_trace_in){
				.snap = snap,
				.bridge = b ? xl_bridge_by_id(snap, bridge_id(b->br)) : NULL,
				.key = &key,
				.packet = packet,
				.ct_next = t->ct_next,
				.n_ct_next = t->n_ct_next,
			},
			out, err);
		rcu_read_unlock();
	}
	packet_free(packet);
	return rc;
}

/* `--ct-next=trk,est`, or its value as the next word.  0: not this option; else the words taken. */
static int ct_next_option(struct trace *t, const char *const argv[], int left, struct error *err)
{
	const char *value = argv[0] + strlen("--ct-next");
	union field_value v, mask;
	char text[64];

	if (strncmp(argv[0], "--ct-next", strlen("--ct-next")) || (*value && *value != '='))
		return 0;
	if (!*value && left < 2)
		return error_set(err, EINVAL, "--ct-next", "a state is missing: --ct-next=trk,est");
	if (t->n_ct_next == ARRAY_SIZE(t->ct_next))
		return error_set(err, EINVAL, "--ct-next", "given more than %zu times",
				 ARRAY_SIZE(t->ct_next));
	snprintf(text, sizeof(text), "%s", *value ? value + 1 : argv[1]);
	for (char *c = text; *c; c++)
		if (*c == ',')
			*c = '|';
	if (field_parse(field_get(FIELD_CT_STATE), text, &v, &mask, err))
		return -EINVAL;
	t->ct_next[t->n_ct_next++] = ntohl(v.be32);
	return *value ? 1 : 2;
}

/* `[DP] FLOW [PACKET]` or `BRIDGE FLOW [-generate | PACKET]`; options first or last, as people
 * write them. */
static void do_trace(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct switchd *sw = aux;
	struct trace t = { 0 };
	const char *words[3] = { NULL };
	struct error err = ERROR_INIT;
	struct str out = STR_INIT;
	char text[400];
	int n = 0;

	for (int i = 1; i < argc; i++) {
		int taken = ct_next_option(&t, &argv[i], argc - i, &err);

		if (taken < 0) {
			ctl_reply_error(conn, error_text(&err, text, sizeof(text)));
			return;
		}
		if (taken)
			i += taken - 1;
		else if (!strcmp(argv[i], "-generate") || !strcmp(argv[i], "--generate"))
			t.generate = true;
		else if (n < 3)
			words[n++] = argv[i];
	}
	if (n >= 2 && switchd_bridge(sw, words[0])) {
		t.bridge = words[0];
		t.flow = words[1];
		t.packet = words[2];
	} else if (n == 1 || (n >= 2 && strchr(words[0], '('))) {
		t.flow = words[0];
		t.packet = words[1];
	} else if (n >= 2 && strchr(words[1], '(')) {
		t.flow = words[1]; /* words[0] names the datapath */
		t.packet = words[2];
	} else if (n >= 2) {
		t.bridge = words[0]; /* run_trace() says that it does not exist */
		t.flow = words[1];
	}
	if (!t.flow) {
		ctl_reply_error(conn, "a flow is missing: ofproto/trace BRIDGE FLOW");
		return;
	}
	if (run_trace(sw, &t, &out, &err)) {
		ctl_reply_error(conn, error_text(&err, text, sizeof(text)));
		str_done(&out);
		return;
	}
	command_done(conn, &out);
}

static const struct ctl_command commands[] = {
	{ "ofproto/list", "", 0, 0, do_list },
	{ "ofproto/trace",
	  "{[dp_name] odp_flow | bridge br_flow} [--ct-next=state...] [-generate | packet]", 1, 24,
	  do_trace },
	{ "bridge/dump-flows", "[--offload-stats] bridge", 1, 2, do_dump_flows },
	{ "fdb/show", "bridge", 1, 1, do_fdb_show },
	{ "fdb/flush", "[bridge]", 0, 1, do_fdb_flush },
	{ "fdb/stats-show", "bridge", 1, 1, do_fdb_stats },
};

void commands_ofproto_register(struct switchd *sw)
{
	ctl_register_all(sw->ctl, commands, ARRAY_SIZE(commands), sw);
}
