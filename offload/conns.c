/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/conns.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

#define ZONES 65536
/* Looks for metrics are this far apart, and take at most a twentieth of the time. */
#define RECENT_NS (5 * NSEC_PER_SEC)
#define RECENT_COST 20

const struct conn_why_info conn_why_table[CONN_N_WHYS] = {
	[CONN_HARDWARE] = { "hardware", "a NIC carries it", "nothing to do" },
	[CONN_REFUSED] = { "refused", "the kernel offered it to the NIC, which did not take it",
			   "look whether the NIC's table of connections is full, and at the system "
			   "log for its driver" },
	[CONN_NAT] = { "nat",
		       "the kernel offered it to the NIC, which did not take a translated "
		       "connection",
		       "a NIC that translates addresses, or no nat() for this traffic" },
	[CONN_ZONE] = { "zone", "no rule with a ct action of its zone is in a NIC",
			"shuntctl offload flows shows flows with ct(zone=N), and why they are not "
			"in hardware" },
	[CONN_PROTOCOL] = { "protocol",
			    "the kernel offers connections of TCP and UDP, and GRE without NAT",
			    "nothing" },
	[CONN_HELPER] = { "helper", "a helper looks into its packets",
			  "ct(alg=...) only where the protocol needs it" },
	[CONN_SEQ_ADJUST] = { "seq_adjust", "its sequence numbers are rewritten", "nothing" },
	[CONN_STATE] = { "state", "it is not established yet, or it ends", "wait" },
	[CONN_WAITING] = { "waiting", "it is offered to the NIC with its next packet in software",
			   "wait; one that is idle stays where it is" },
};

static bool may_be_offered(const struct dp_ct_entry *e)
{
	switch (e->orig.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP: return true;
	case IPPROTO_GRE: return !(e->status & IPS_NAT_MASK);
	default: return false;
	}
}

static bool is_established(const struct dp_ct_entry *e)
{
	if (e->status & IPS_DYING || !(e->status & IPS_CONFIRMED))
		return false;
	if (e->orig.proto == IPPROTO_UDP)
		return true;
	return e->status & IPS_ASSURED &&
	       (e->orig.proto != IPPROTO_TCP || e->tcp_state[0] == TCP_CONNTRACK_ESTABLISHED);
}

enum conn_why conn_judge(const struct dp_ct_entry *e, bool in_hardware)
{
	if (e->status & IPS_HW_OFFLOAD)
		return CONN_HARDWARE;
	if (!in_hardware)
		return CONN_ZONE;
	if (e->status & IPS_OFFLOAD)
		return e->status & IPS_NAT_MASK ? CONN_NAT : CONN_REFUSED;
	if (!may_be_offered(e))
		return CONN_PROTOCOL;
	if (*e->helper || e->status & IPS_HELPER)
		return CONN_HELPER;
	if (e->status & IPS_SEQ_ADJUST)
		return CONN_SEQ_ADJUST;
	return is_established(e) ? CONN_WAITING : CONN_STATE;
}

/* --- zones --- */

struct zones {
	uint64_t named[ZONES / 64], in_hardware[ZONES / 64];
};

static void note_zones(struct zones *z, struct dp_actions list, bool in_hardware)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, list) {
		unsigned lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;

		if (a->kind == DP_ACT_CT) {
			uint16_t zone = ((const struct act_ct *)dp_action_payload(a))->zone;

			z->named[zone / 64] |= UINT64_C(1) << zone % 64;
			if (in_hardware)
				z->in_hardware[zone / 64] |= UINT64_C(1) << zone % 64;
		}
		for (unsigned i = 0; dp_action_table[a->kind].nested && i < lists; i++)
			note_zones(z, dp_action_nested(a, i), in_hardware);
	}
}

static void find_zones(struct engine *e, struct zones *z)
{
	struct engine_flow *f;

	lock_take(&e->lock);
	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows)
		note_zones(z, flow_acts_list(f->acts), f->state == OFFLOAD_ST_HARDWARE);
	lock_give(&e->lock);
}

static bool has(const uint64_t map[], unsigned zone)
{
	return map[zone / 64] >> zone % 64 & 1;
}

static void list_zones(const struct zones *z, struct conns *c)
{
	size_t cap = 0;

	for (unsigned zone = 0; zone < ZONES; zone++) {
		if (!has(z->named, zone))
			continue;
		if (c->n_zones == cap)
			c->zones = xgrow(c->zones, &cap, c->n_zones + 1, sizeof(*c->zones));
		c->zones[c->n_zones++] =
			(struct conn_zone){ .zone = (uint16_t)zone,
					    .in_hardware = has(z->in_hardware, zone) };
	}
}

/* --- connections --- */

struct counting {
	struct conns *c;
	conns_fn *fn;
	void *aux;
};

static int by_zone(const void *key, const void *member)
{
	return *(const uint16_t *)key - ((const struct conn_zone *)member)->zone;
}

static bool count(const struct dp_ct_entry *e, void *arg)
{
	struct counting *k = arg;
	struct conns *c = k->c;
	struct conn_zone *z = NULL;
	enum conn_why why;

	if (c->n_zones)
		z = bsearch(&e->zone, c->zones, c->n_zones, sizeof(*c->zones), by_zone);
	if (!z) {
		c->others++;
		return true;
	}
	why = conn_judge(e, z->in_hardware);
	z->connections++;
	z->hardware += why == CONN_HARDWARE;
	c->connections[why]++;
	c->counted |= e->has_counts;
	c->packets[why] += e->packets[0] + e->packets[1];
	c->bytes[why] += e->bytes[0] + e->bytes[1];
	if (k->fn)
		k->fn(e, why, k->aux);
	return true;
}

void conns_done(struct conns *c)
{
	free(c->zones);
	c->zones = NULL;
	c->n_zones = 0;
}

int conns_look(struct engine *e, struct conns *c, conns_fn *fn, void *aux)
{
	struct counting k = { c, fn, aux };
	struct zones *z;

	memset(c, 0, sizeof(*c));
	if (!e->dp->ops->ct)
		return -EOPNOTSUPP;
	z = xzalloc(sizeof(*z));
	find_zones(e, z);
	list_zones(z, c);
	free(z);
	return c->n_zones ? e->dp->ops->ct->dump(e->dp, NULL, count, &k) : 0;
}

/* --- for metrics --- */

struct conns_kept {
	struct conns c;
	uint64_t next_ns;
};

const struct conns *conns_recent(struct engine *e)
{
	uint64_t begun = clock_mono_ns(), now;

	if (!e->dp->ops->ct)
		return NULL;
	if (!e->conns)
		e->conns = xzalloc(sizeof(*e->conns));
	if (begun < e->conns->next_ns)
		return &e->conns->c;
	conns_done(&e->conns->c);
	(void)conns_look(e, &e->conns->c, NULL, NULL); /* what was read is better than nothing */
	now = clock_mono_ns();
	e->conns->next_ns = now + MAX(RECENT_NS, (now - begun) * RECENT_COST);
	return &e->conns->c;
}

void conns_forget(struct engine *e)
{
	if (e->conns)
		conns_done(&e->conns->c);
	free(e->conns);
}
