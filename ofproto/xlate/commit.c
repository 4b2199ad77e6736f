/* SPDX-License-Identifier: Apache-2.0 */
/* The commit: datapath actions that bring the packet from what it is (base) to what OpenFlow made
 * of it (flow).
 *
 * Fields that a set wrote are compared bit by bit, with the masks of xlate.h: a write is left out
 * only when every packet of the megaflow holds the value already.  VLAN tags are a stack: as soon
 * as an action touches it, both tags are known exactly, and pops and pushes follow from the
 * difference.  MPLS changes the packet's structure at once. */
#include <string.h>

#include "ofproto/xlate/xlate_priv.h"

static const enum field_id commit_fields[] = {
	FIELD_ETH_SRC,      FIELD_ETH_DST,     FIELD_MPLS_LABEL,  FIELD_MPLS_TC,
	FIELD_MPLS_TTL,     FIELD_IPV4_SRC,    FIELD_IPV4_DST,    FIELD_IPV6_SRC,
	FIELD_IPV6_DST,     FIELD_IPV6_LABEL,  FIELD_IP_DSCP,     FIELD_IP_ECN,
	FIELD_IP_TTL,       FIELD_ARP_OP,      FIELD_ARP_SPA,     FIELD_ARP_TPA,
	FIELD_ARP_SHA,      FIELD_ARP_THA,     FIELD_TCP_SRC,     FIELD_TCP_DST,
	FIELD_UDP_SRC,      FIELD_UDP_DST,     FIELD_SCTP_SRC,    FIELD_SCTP_DST,
	FIELD_ICMPV4_TYPE,  FIELD_ICMPV4_CODE, FIELD_ICMPV6_TYPE, FIELD_ICMPV6_CODE,
	FIELD_ND_TARGET,    FIELD_ND_SLL,      FIELD_ND_TLL,      FIELD_PKT_MARK,
	FIELD_SKB_PRIORITY,
};

/* Bits of `f` to emit, into *bits; false when every packet of the megaflow holds them all already.
 */
static bool bits_to_write(struct xl *x, const struct field *f, union field_value *bits)
{
	union field_value pending, flow, base, committed, mask, doubtful;
	bool any = false;

	field_read(f, &x->f.pending, &pending);
	if (field_value_is_zero(f, &pending))
		return false;
	xl_look_prereq(x, (enum field_prereq)f->prereq);
	field_read(f, &x->f.flow, &flow);
	field_read(f, &x->base, &base);
	field_read(f, &x->committed, &committed);
	field_read(f, &x->out->mask, &mask);
	field_read(f, &x->doubtful, &doubtful);
	for (unsigned i = 0; i < f->n_bytes; i++) {
		any |= pending.b[i] & (uint8_t)((flow.b[i] ^ base.b[i]) | doubtful.b[i] |
						~(committed.b[i] | mask.b[i]));
	}
	*bits = pending; /* whole, so that the set's mask stays one that hardware can do */
	return any;
}

/* What the packet held before is not known, so it cannot be put back. */
static void settle_doubt(struct xl *x, const struct field *f, const union field_value *bits)
{
	static const union field_value none;
	union field_value doubt;

	field_read(f, &x->doubtful, &doubt);
	for (unsigned i = 0; i < f->n_bytes; i++)
		if (doubt.b[i] & bits->b[i])
			x->lasting = true;
	field_write_masked(f, &none, bits, &x->doubtful);
}

static void commit_field(struct xl *x, const struct field *f)
{
	union field_value bits, value;
	struct flow_key look;

	if (!field_prereq_ok((enum field_prereq)f->prereq, &x->f.flow))
		return;
	/* What is restored after a bucket or a patch port is the packet's own: then it has to be
	 * known. */
	memset(&look, 0, sizeof(look));
	field_read(f, &x->f.pending, &bits);
	if (field_value_is_zero(f, &bits))
		return;
	field_write(f, &bits, &look);
	xl_look_mask(x, &look);
	if (bits_to_write(x, f, &bits)) {
		field_read(f, &x->f.flow, &value);
		for (unsigned i = 0; i < f->n_bytes; i++)
			value.b[i] &= bits.b[i];
		dp_actions_put_set(&x->out->actions, f->id, &value, &bits);
		field_write_masked(f, &value, &bits, &x->base);
		field_write_masked(f, &bits, &bits, &x->committed);
		settle_doubt(x, f, &bits);
	}
	memset(&value, 0, sizeof(value));
	field_write(f, &value, &x->f.pending);
}

static unsigned count_tags(const struct flow_vlan *v)
{
	unsigned n = 0;

	while (n < FLOW_N_VLANS && v[n].tci & htons(VLAN_CFI))
		n++;
	return n;
}

static void commit_vlans(struct xl *x)
{
	const struct flow_vlan *to = x->f.flow.vlans;
	struct flow_vlan *from = x->base.vlans;
	unsigned n_to = count_tags(to), n_from = count_tags(from), same = 0;

	if (!memcmp(to, from, sizeof(x->base.vlans)))
		return;
	while (same < n_to && same < n_from &&
	       !memcmp(&to[n_to - 1 - same], &from[n_from - 1 - same], sizeof(*to)))
		same++;
	for (unsigned i = same; i < n_from; i++)
		dp_actions_put(&x->out->actions, DP_ACT_POP_VLAN, NULL, 0);
	for (unsigned i = n_to - same; i-- > 0;) {
		struct act_push_vlan push = { to[i].tpid, to[i].tci };

		dp_actions_put(&x->out->actions, DP_ACT_PUSH_VLAN, &push, sizeof(push));
	}
	memcpy(from, to, sizeof(x->base.vlans));
}

void xl_commit(struct xl *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(commit_fields); i++)
		commit_field(x, field_get(commit_fields[i]));
	commit_vlans(x);
}

void xl_know_vlans(struct xl *x)
{
	memset(x->out->mask.vlans, 0xff, sizeof(x->out->mask.vlans));
}

void xl_know_mpls(struct xl *x)
{
	struct flow_key m;

	memset(&m, 0, sizeof(m));
	m.dl_type = htons(0xffff);
	if (flow_is_mpls(&x->f.flow))
		memset(m.mpls_lse, 0xff, sizeof(m.mpls_lse));
	xl_look_mask(x, &m);
}

/* The label, traffic class and TTL of a new outermost entry come from the one below, or from IP
 * (RFC 3032, 3443). */
static be32 new_lse(struct xl *x)
{
	const struct flow_key *f = &x->f.flow;
	uint32_t ttl = 64, tc = 0;

	if (flow_is_mpls(f))
		return f->mpls_lse[0] & htonl(~0x100u);
	if (flow_is_ip(f)) {
		xl_look(x, FIELD_IP_DSCP);
		xl_look(x, FIELD_IP_ECN);
		xl_look(x, FIELD_IP_TTL);
		ttl = f->nw_ttl;
		tc = f->nw_tos >> 5;
	}
	return htonl(ttl | 0x100u | tc << 9);
}

static void mpls_structure_changed(struct xl *x)
{
	x->lasting = true;
	memcpy(x->base.mpls_lse, x->f.flow.mpls_lse, sizeof(x->base.mpls_lse));
	x->base.dl_type = x->f.flow.dl_type;
	memset(x->f.written.mpls_lse, 0xff, sizeof(x->f.written.mpls_lse));
	x->f.written.dl_type = htons(0xffff);
	memset(x->committed.mpls_lse, 0xff, sizeof(x->committed.mpls_lse));
	x->committed.dl_type = htons(0xffff);
}

/* What stands behind a label is not seen. */
static void hide_l3(struct xl *x)
{
	size_t from = offsetof(struct flow_key, nw_src), n = sizeof(struct flow_key) - from;

	memset((uint8_t *)&x->f.flow + from, 0, n);
	memset((uint8_t *)&x->base + from, 0, n);
	memset((uint8_t *)&x->f.written + from, 0xff, n);
}

void xl_push_mpls(struct xl *x, be16 ethertype)
{
	struct act_push_mpls push = { .ethertype = ethertype };
	struct flow_key *f = &x->f.flow;

	xl_know_mpls(x);
	if (flow_is_mpls(f) && f->mpls_lse[FLOW_N_MPLS - 1]) {
		xl_note(x, "more than %d MPLS labels: drop", FLOW_N_MPLS);
		x->exit = true;
		return;
	}
	if (!xl_can(x, DP_ACT_PUSH_MPLS))
		return;
	push.lse = new_lse(x);
	xl_commit(x);
	dp_actions_put(&x->out->actions, DP_ACT_PUSH_MPLS, &push, sizeof(push));
	if (!flow_is_mpls(f)) {
		memset(f->mpls_lse, 0, sizeof(f->mpls_lse));
		hide_l3(x);
	}
	memmove(&f->mpls_lse[1], &f->mpls_lse[0], sizeof(f->mpls_lse[0]) * (FLOW_N_MPLS - 1));
	f->mpls_lse[0] = push.lse;
	f->dl_type = ethertype;
	mpls_structure_changed(x);
}

/* The bottom of the stack is among the labels that the key shows. */
static bool sees_bottom(const struct flow_key *f)
{
	for (unsigned i = 0; i < FLOW_N_MPLS; i++)
		if (f->mpls_lse[i] & htonl(0x100))
			return true;
	return false;
}

void xl_pop_mpls(struct xl *x, be16 ethertype)
{
	struct act_pop_mpls pop = { ethertype };
	struct flow_key *f = &x->f.flow;

	xl_know_mpls(x);
	if (!flow_is_mpls(f) || !xl_can(x, DP_ACT_POP_MPLS))
		return;
	xl_commit(x);
	dp_actions_put(&x->out->actions, DP_ACT_POP_MPLS, &pop, sizeof(pop));
	x->f.behind_mpls = f->mpls_lse[0] & htonl(0x100) || !sees_bottom(f);
	memmove(&f->mpls_lse[0], &f->mpls_lse[1], sizeof(f->mpls_lse[0]) * (FLOW_N_MPLS - 1));
	f->mpls_lse[FLOW_N_MPLS - 1] = 0;
	f->dl_type = ethertype;
	/* What a table says is behind a label that is not the last need not be so. */
	x->f.behind_mpls |= !flow_is_mpls(f);
	mpls_structure_changed(x);
}
