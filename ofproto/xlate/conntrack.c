/* SPDX-License-Identifier: Apache-2.0 */
/* ct and ct_clear: packets through the datapath's connection tracker (ovs-actions(7), "Firewalling
 * Actions").
 *
 * What the tracker finds is seen by another pass alone, which table= asks for; the pass at hand
 * goes on with the packet as it was, its ct_* fields zero. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ofproto/xlate/xlate_priv.h"

/* What exec() writes: the actions work on the flow's own ct_mark and ct_label, which are put back.
 */
static void run_exec(struct xl *x, struct ofpacts list, struct act_ct *act)
{
	struct flow_key flow = x->f.flow, written = x->f.written, pending = x->f.pending;
	const struct flow_key *f = &x->f.flow;
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, list) {
		if (a->kind != OFPACT_NAT)
			xl_action(x, a);
	}
	act->mark_mask = ntohl(x->f.pending.ct_mark);
	act->mark = ntohl(f->ct_mark) & act->mark_mask;
	act->label_mask = x->f.pending.ct_label;
	for (size_t i = 0; i < sizeof(act->label); i++)
		act->label.b[i] = f->ct_label.b[i] & act->label_mask.b[i];
	x->f.flow = flow;
	x->f.written = written;
	x->f.pending = pending;
}

static const struct ofpact_nat *find_nat(struct ofpacts list)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, list) {
		if (a->kind == OFPACT_NAT)
			return ofpact_payload(a);
	}
	return NULL;
}

static void put_nat(const struct ofpact_nat *n, struct act_ct *act)
{
	static const struct be128 none;
	static const struct {
		uint16_t of, dp;
	} flags[] = {
		{ OFPACT_NAT_SRC, ACT_CT_NAT_SRC },
		{ OFPACT_NAT_DST, ACT_CT_NAT_DST },
		{ OFPACT_NAT_PERSISTENT, ACT_CT_NAT_PERSISTENT },
		{ OFPACT_NAT_HASH, ACT_CT_NAT_HASH },
		{ OFPACT_NAT_RANDOM, ACT_CT_NAT_RANDOM },
	};

	act->flags |= ACT_CT_NAT;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (n->flags & flags[i].of)
			act->flags |= flags[i].dp;
	act->nat_family = n->family;
	act->nat_min = n->addr_min;
	act->nat_max = memcmp(&n->addr_max, &none, sizeof(none)) ? n->addr_max : n->addr_min;
	act->nat_port_min = n->port_min;
	act->nat_port_max = n->port_max ? n->port_max : n->port_min;
}

/* A translation may have changed what the flow still shows as it was: the next write is made
 * whatever it says. */
static void doubt_addresses(struct xl *x)
{
	struct flow_key *d = &x->doubtful;

	d->nw_src = d->nw_dst = ~0u;
	memset(&d->ipv6_src, 0xff, sizeof(d->ipv6_src));
	memset(&d->ipv6_dst, 0xff, sizeof(d->ipv6_dst));
	d->tp_src = d->tp_dst = 0xffff;
}

static uint16_t zone_of(struct xl *x, const struct ofpact_ct *ct)
{
	const struct field *f = field_get((enum field_id)ct->zone_src.field);

	if (!ct->zone_src.n)
		return ct->zone;
	xl_look_bits(x, &ct->zone_src);
	return (uint16_t)field_read_bits(f, &x->f.flow, ct->zone_src.ofs, ct->zone_src.n);
}

static int ct_proto(const struct flow_key *f)
{
	static const struct {
		bool v6;
		uint8_t nw_proto;
	} protos[XL_CT_N_PROTOS] = {
		[XL_CT_TCP4] = { false, IPPROTO_TCP },   [XL_CT_TCP6] = { true, IPPROTO_TCP },
		[XL_CT_UDP4] = { false, IPPROTO_UDP },   [XL_CT_UDP6] = { true, IPPROTO_UDP },
		[XL_CT_ICMP4] = { false, IPPROTO_ICMP }, [XL_CT_ICMP6] = { true, IPPROTO_ICMPV6 },
	};

	for (int i = 0; i < XL_CT_N_PROTOS; i++)
		if (protos[i].v6 == flow_is_ipv6(f) && protos[i].nw_proto == f->nw_proto)
			return i;
	return -1;
}

/* Timeouts are by protocol, which the flow is of then. */
static void put_timeout(struct xl *x, struct act_ct *act)
{
	const struct xl_ct_zone *z = xl_ct_zone(x->in->snap, act->zone);
	int proto;

	if (!z || !flow_is_ip(&x->f.flow))
		return;
	xl_look(x, FIELD_IP_PROTO);
	proto = ct_proto(&x->f.flow);
	if (proto >= 0 && z->protos & 1u << proto)
		xl_ct_timeout_name(z->stem, (unsigned)proto, act->timeout);
}

/* The copy that the tracker has had goes on by itself. */
static void send_copy_round(struct xl *x, uint8_t table)
{
	const struct xl_cont set = { .kind = XL_CONT_ACTION_SET };
	const struct xl_cont look = {
		.outer = &set,
		.kind = XL_CONT_TABLE,
		.lookup = { table, XL_MISS_CONTROLLER, false, { OFPP_IN_PORT_ } }
	};
	bool tracked = x->f.conntracked;

	x->f.conntracked = true;
	xl_recirculate(x, &look);
	x->f.conntracked = tracked;
	xl_note(x, "-> a tracked copy goes on in table %u", table);
}

void xl_ct(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_ct *ct = ofpact_payload(a);
	const struct ofpact_nat *nat = find_nat(ofpact_nested(a));
	struct act_ct act = { .flags = 0 };

	if (!xl_can(x, DP_ACT_CT))
		return;
	act.zone = zone_of(x, ct);
	run_exec(x, ofpact_nested(a), &act);
	act.flags = (uint16_t)((ct->flags & OFPACT_CT_COMMIT ? ACT_CT_COMMIT : 0) |
			       (ct->flags & OFPACT_CT_FORCE ? ACT_CT_FORCE : 0));
	if (nat)
		put_nat(nat, &act);
	if (act.flags & ACT_CT_COMMIT)
		put_timeout(x, &act);
	if (ct->alg)
		snprintf(act.helper, sizeof(act.helper), "%s",
			 ct->alg == OFPACT_ALG_FTP ? "ftp" : "tftp");
	xl_commit(x);
	dp_actions_put(&x->out->actions, DP_ACT_CT, &act, sizeof(act));
	x->lasting = true;
	if (nat)
		doubt_addresses(x);
	if (ct->table != OFPACT_CT_NO_TABLE)
		send_copy_round(x, ct->table);
	xl_clear_conntrack(x);
	xl_note(x, "-> untracked from here on, the ct_* fields are zero");
}

/* A datapath without it never had anything to forget. */
void xl_ct_clear(struct xl *x)
{
	xl_clear_conntrack(x);
	if (!dp_features_have(&x->in->snap->features, DP_ACT_CT_CLEAR))
		return;
	dp_actions_put(&x->out->actions, DP_ACT_CT_CLEAR, NULL, 0);
	x->lasting = true;
}
