/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_ct.h"

#include <linux/tc_act/tc_ct.h>
#include <sys/socket.h>

#include "core/io/nlattr.h"
#include "tc/flower_bits.h"

bool flower_ct_known(const struct act_ct *c)
{
	const unsigned known = ACT_CT_COMMIT | ACT_CT_FORCE | ACT_CT_NAT | ACT_CT_NAT_SRC |
			       ACT_CT_NAT_DST; /* force: refused with its words */

	return !(c->flags & ~known) && !c->helper[0] && !c->timeout[0] &&
	       !(c->nat_port_min && !c->nat_family);
}

static uint16_t ct_flags(const struct act_ct *c)
{
	static const struct {
		uint16_t from, to;
	} flags[] = { { ACT_CT_COMMIT, TCA_CT_ACT_COMMIT },
		      { ACT_CT_NAT, TCA_CT_ACT_NAT },
		      { ACT_CT_NAT_SRC, TCA_CT_ACT_NAT_SRC },
		      { ACT_CT_NAT_DST, TCA_CT_ACT_NAT_DST } };
	uint16_t out = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (c->flags & flags[i].from)
			out |= flags[i].to;
	return out;
}

static void put_nat(const struct act_ct *c, struct buf *b)
{
	bool v6 = c->nat_family == AF_INET6;
	unsigned len = v6 ? 16 : 4;

	if (!c->nat_family)
		return;
	nlattr_put(b, v6 ? TCA_CT_NAT_IPV6_MIN : TCA_CT_NAT_IPV4_MIN, &c->nat_min, len);
	nlattr_put(b, v6 ? TCA_CT_NAT_IPV6_MAX : TCA_CT_NAT_IPV4_MAX, &c->nat_max, len);
	if (!c->nat_port_min)
		return;
	nlattr_put_be16(b, TCA_CT_NAT_PORT_MIN, htons(c->nat_port_min));
	nlattr_put_be16(b, TCA_CT_NAT_PORT_MAX, htons(c->nat_port_max));
}

static void put_label(struct buf *b, uint16_t attr, const struct be128 *label)
{
	union field_value v = { .be128 = *label };

	flower_swap(&v, sizeof(*label));
	nlattr_put(b, attr, &v, sizeof(*label));
}

void flower_ct_put(const struct act_ct *c, struct buf *b)
{
	nlattr_put_u16(b, TCA_CT_ACTION, ct_flags(c));
	nlattr_put_u16(b, TCA_CT_ZONE, c->zone);
	if (c->mark_mask) {
		nlattr_put_u32(b, TCA_CT_MARK, c->mark & c->mark_mask);
		nlattr_put_u32(b, TCA_CT_MARK_MASK, c->mark_mask);
	}
	if (c->label_mask.d[0] | c->label_mask.d[1]) {
		put_label(b, TCA_CT_LABELS, &c->label);
		put_label(b, TCA_CT_LABELS_MASK, &c->label_mask);
	}
	put_nat(c, b);
}

void flower_ct_start(struct flower_ct_state *s, const struct flow_key *key,
		     const struct flow_key *mask)
{
	bool known = key->ct_state & mask->ct_state & htonl(CT_TRK);

	*s = (struct flower_ct_state){
		.may = key->recirc_id && (known || !(mask->ct_state & htonl(CT_TRK))),
		.known = known,
		.zone_known = mask->ct_zone == UINT16_MAX,
		.zone = ntohs(key->ct_zone),
	};
}

void flower_ct_moved(struct flower_ct_state *s, enum field_id id)
{
	size_t at = field_get(id)->ofs;

	s->moved |= s->may && (at == offsetof(struct flow_key, nw_src) ||
			       at == offsetof(struct flow_key, nw_dst) ||
			       at == offsetof(struct flow_key, ipv6_src) ||
			       at == offsetof(struct flow_key, ipv6_dst) ||
			       at == offsetof(struct flow_key, tp_src) ||
			       at == offsetof(struct flow_key, tp_dst));
}

/* The connection that the packet has with it, if any, is of another zone: nobody asks it. */
static bool elsewhere(const struct flower_ct_state *s, uint16_t zone)
{
	return s->known && s->zone_known && s->zone != zone;
}

const char *flower_ct_differs(struct flower_ct_state *s, const struct act_ct *c)
{
	if (c->flags & ACT_CT_FORCE) /* its flow table keeps what it ends, for a while */
		return "act_ct may find the connection again that it was to end by force";
	if (s->moved && !elsewhere(s, c->zone))
		return "act_ct does not see that addresses or ports were written";
	*s = (struct flower_ct_state){
		.may = true, .known = true, .zone_known = true, .zone = c->zone
	};
	return NULL;
}
