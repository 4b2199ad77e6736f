/* SPDX-License-Identifier: Apache-2.0 */
/* From a case's lines to tables, groups and ports, and their counters. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/text/flow_text.h"
#include "ofproto/wire/ofpact_codec.h"
#include "tests/agree/tier_priv.h"

#define N_TABLES 254

/* The rule of line i has this cookie. */
static be64 cookie_of(unsigned i)
{
	return hton64(i + 1);
}

static struct ofpacts_check check_for(const struct match *m, uint8_t table)
{
	return (struct ofpacts_check){ .match = m,
				       .table = table,
				       .n_tables = N_TABLES,
				       .max_ports = OFPP_MAX_,
				       .meters = true,
				       .version = OFP10 };
}

static int refused(struct error *why, enum ofperr e)
{
	return e == OFPERR_OK ? 0 : error_set(why, EINVAL, NULL, "%s", ofperr_name(e));
}

static int load_flow(struct tier *t, unsigned i, const char *text, struct error *why)
{
	struct ofpacts_check check;
	struct ofp_flow_mod fm;
	struct buf acts = BUF_INIT;
	enum ofperr e;
	int rc = flow_mod_parse(text, OFPFC_ADD_, NULL, &fm, &acts, why);

	if (!rc) {
		fm.cookie = cookie_of(i);
		check = check_for(&fm.match, fm.table);
		e = ofpacts_check(fm.actions, &check);
		rc = refused(why, e ? e : tables_flow_mod(t->tables, &fm, NULL));
	}
	buf_done(&acts);
	return rc;
}

static int load_group(struct tier *t, const char *text, struct error *why)
{
	struct buf acts = BUF_INIT, buckets = BUF_INIT;
	struct ofpacts_check check = check_for(NULL, 0);
	struct ofp_group_mod gm;
	enum ofperr e = OFPERR_OK;
	int rc = group_mod_parse(text, OFPGC_ADD_, NULL, &gm, &acts, &buckets, why);

	for (size_t i = 0; !rc && !e && i < gm.n_buckets; i++)
		e = ofpacts_check(gm.buckets[i].actions, &check);
	if (!rc)
		rc = refused(why, e ? e : tables_group_mod(t->tables, &gm));
	buf_done(&acts);
	buf_done(&buckets);
	return rc;
}

/* "2 access tag=5" */
static int read_port(const char *text, unsigned *no, struct vlan_conf *v, struct error *why)
{
	unsigned tag = 0;
	char mode[24];
	int m;

	if (sscanf(text, "%u %23s tag=%u", no, mode, &tag) != 3 || !*no || *no > AGREE_PORTS ||
	    tag > VLAN_VID_MAX)
		return error_set(why, EINVAL, NULL, "not PORT MODE tag=VLAN: %s", text);
	m = vlan_mode_parse(mode);
	if (m < 0)
		return error_set(why, EINVAL, NULL, "%s is no VLAN mode", mode);
	*v = (struct vlan_conf){ .mode = (uint8_t)m, .tag = (uint16_t)tag };
	return 0;
}

static int load_line(struct tier *t, unsigned i, const char *line, struct error *why)
{
	struct vlan_conf v;
	unsigned no;

	if (!strncmp(line, "flow ", 5))
		return load_flow(t, i, line + 5, why);
	if (!strncmp(line, "group ", 6))
		return load_group(t, line + 6, why);
	return read_port(line + 5, &no, &v, why);
}

static void add_port(struct tier *t, struct xl_bridge *x, unsigned i)
{
	struct xl_port *p = &x->ports[i];
	struct xl_bundle *b = &x->bundles[i];

	(void)snprintf(p->name, sizeof(p->name), "p%u", i + 1);
	p->ofp.v = i + 1;
	p->dp = t->no[i];
	p->up = true;
	p->bundle = b;
	(void)snprintf(b->name, sizeof(b->name), "p%u", i + 1);
	b->id = i;
	b->ports = xcalloc(1, sizeof(struct xl_port *));
	b->ports[0] = p;
	b->n_ports = 1;
}

/* A meter that never has enough: it drops nothing, on any tier. */
void tier_add_meter(struct tier *t)
{
	struct ofp_meter_band band = { .type = OFPMBT_DROP_, .rate = UINT32_MAX };
	struct ofp_meter_mod mm = {
		.flags = OFPMF_KBPS_, .id = AGREE_METER, .bands = &band, .n_bands = 1
	};
	struct dp_meter m = { .n_bands = 1, .bands = { { band.rate, 0 } } };

	tables_meter_put(t->tables, &mm, AGREE_METER);
	if (!t->dp)
		return;
	ck_assert_int_eq(t->dp->ops->meters->set(t->dp, AGREE_METER, &m, NULL, NULL), 0);
	offload_meter_set(t->dp, AGREE_METER, &m, true);
}

void tier_del_meter(struct tier *t)
{
	offload_meter_del(t->dp, AGREE_METER);
	(void)t->dp->ops->meters->del(t->dp, AGREE_METER, NULL); /* it goes with the datapath */
}

struct xl_snapshot *tier_snapshot(struct tier *t, const struct agree_case *c)
{
	struct xl_snapshot *s = xl_snapshot_new(1);
	struct xl_bridge *x = &s->bridges[0];

	(void)snprintf(x->name, sizeof(x->name), "br0");
	x->id = 1;
	x->tables = t->tables;
	x->macs = t->macs;
	x->n_bundles = x->n_ports = AGREE_PORTS;
	x->ports = xcalloc(x->n_ports, sizeof(*x->ports));
	x->bundles = xcalloc(x->n_bundles, sizeof(*x->bundles));
	for (unsigned i = 0; i < AGREE_PORTS; i++)
		add_port(t, x, i);
	for (unsigned i = 0; c && i < c->n_lines; i++) {
		struct vlan_conf v;
		unsigned no;

		if (!strncmp(c->line[i], "port ", 5) && !read_port(c->line[i] + 5, &no, &v, NULL))
			x->bundles[no - 1].vlan = v;
	}
	xl_snapshot_link(s);
	s->features.actions = UINT32_MAX;
	s->features.sample_depth = DP_ACTIONS_MAX_DEPTH;
	if (t->dp)
		s->features = t->dp->features;
	s->recirc = t->recirc;
	return s;
}

static void clear(struct tier *t)
{
	struct ofp_group_mod all = { .command = OFPGC_DELETE_, .id = OFPG_ALL_ };

	tables_flush(t->tables, false);
	ck_assert_int_eq(tables_group_mod(t->tables, &all), OFPERR_OK);
	mac_flush(t->macs);
	if (t->dp)
		ck_assert(flows_purge(t->flows, TIER_SYNC_MS));
}

bool tier_load(struct tier *t, const struct agree_case *c, unsigned *line, struct error *why)
{
	struct xl_snapshot *s;

	clear(t);
	for (unsigned i = 0; i < c->n_lines; i++) {
		if (!load_line(t, i, c->line[i], why))
			continue;
		if (line)
			*line = i;
		return false;
	}
	s = tier_snapshot(t, c);
	if (t->dp) {
		flows_set_snapshot(t->flows, s);
		return true;
	}
	xl_snapshot_free(t->snap);
	t->snap = s;
	return true;
}

/* --- counters --- */

struct counting {
	struct outcome *o;
	const struct agree_case *c;
};

static bool count_rule(struct rule *r, void *aux)
{
	struct counting *x = aux;
	uint64_t i = ntoh64(r->cookie) - 1;

	if (i < AGREE_LINES)
		x->o->count[i] = (struct agree_count){ r->stats->packets, r->stats->bytes };
	return true;
}

static bool count_group(struct group *g, void *aux)
{
	struct counting *x = aux;

	for (unsigned i = 0; i < x->c->n_lines; i++) {
		unsigned id;

		if (sscanf(x->c->line[i], "group group_id=%u", &id) == 1 && id == g->id)
			x->o->count[i] = (struct agree_count){ g->stats->packets, g->stats->bytes };
	}
	return true;
}

void tier_count(struct tier *t, const struct agree_case *c, struct outcome *o)
{
	struct ofp_flow_stats_request all = { .table = OFPTT_ALL_,
					      .out_port = { OFPP_NONE_ },
					      .out_group = OFPG_ANY_ };
	struct counting x = { o, c };

	match_init_catchall(&all.match);
	tables_visit(t->tables, &all, count_rule, &x);
	tables_group_visit(t->tables, OFPG_ALL_, count_group, &x);
}
