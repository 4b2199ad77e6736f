/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_action.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_ct.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_mpls.h>
#include <linux/tc_act/tc_skbedit.h>
#include <linux/tc_act/tc_vlan.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/io/nlattr.h"
#include "offload/caps.h"
#include "tc/flower_bits.h"
#include "tc/flower_ct.h"
#include "tc/flower_host.h"
#include "tc/flower_sample.h"
#include "tc/flower_set.h"
#include "tc/flower_tunnel.h"

#define VID 0x0fffu
#define PCP 0xe000u
#define TAGS_MAX 4 /* tags of a packet that are kept account of */

struct tag {
	be16 tpid;
	uint16_t tci, known; /* bits of the TCI, and which of them are known */
};

struct put {
	const struct flower_env *env;
	const struct offload_rule *r;
	const struct flower_match *m;
	struct buf *b;
	struct offload_refusal *why;
	unsigned n;    /* actions so far */
	bool named;    /* one bears the cookie */
	bool ended;    /* the packet has gone where it goes */
	bool released; /* the tunnel's header is off */

	/* the packet by now */
	be16 dl_type;
	unsigned n_tags;
	struct tag tags[TAGS_MAX]; /* the outermost last */
	struct eth_addr dst, dst_known;
	struct flower_ct_state ct;

	/* gathered, not written yet */
	struct flower_set set;
	struct {
		uint32_t value, mask;
	} lse;
	struct {
		uint16_t value, mask;
	} tci;
	struct flower_tunnel tunnel;
};

static int refuse(struct put *p, enum offload_reason reason, const struct dp_action *a)
{
	return flower_refuse(p->why, reason, -1, a->kind);
}

static int refuse_for(struct put *p, enum offload_reason reason, const struct dp_action *a,
		      const char *words)
{
	int rc = refuse(p, reason, a);

	(void)snprintf(p->why->driver, sizeof(p->why->driver), "%s", words);
	return rc;
}

static int refuse_set(struct put *p, const struct act_set *set)
{
	return flower_refuse(p->why, OFFLOAD_SET_FIELD, (int)caps_field((enum field_id)set->field),
			     DP_ACT_SET);
}

/* --- one action of the list --- */

struct nest {
	size_t action, options;
};

/* len 0: without a cookie. */
static struct nest begin_with(struct put *p, const char *kind, const void *cookie, size_t len)
{
	struct nest n;

	p->n++;
	n.action = nlattr_nest(p->b, (uint16_t)p->n);
	nlattr_put_str(p->b, TCA_ACT_KIND, kind);
	if (len)
		nlattr_put(p->b, TCA_ACT_COOKIE, cookie, len);
	n.options = nlattr_nest_flagged(p->b, TCA_ACT_OPTIONS);
	return n;
}

/* counts: in hardware too, and for this rule alone, so that the action may bear the cookie. */
static struct nest begin(struct put *p, const char *kind, bool counts)
{
	bool names = counts && !p->named;

	p->named |= names;
	return begin_with(p, kind, &p->r->ufid, names ? sizeof(p->r->ufid) : 0);
}

static void end(struct put *p, struct nest n)
{
	nlattr_nest_end(p->b, n.options);
	nlattr_nest_end(p->b, n.action);
}

static void put_gact(struct put *p, int verdict)
{
	struct tc_gact fixed = { .action = verdict };
	struct nest n = begin(p, "gact", true);

	nlattr_put(p->b, TCA_GACT_PARMS, &fixed, sizeof(fixed));
	end(p, n);
}

static void put_mirred(struct put *p, const struct flower_port *to, bool last)
{
	bool in = to->kind == FLOWER_PORT_INTERNAL;
	struct tc_mirred fixed = { .ifindex = (uint32_t)to->ifindex,
				   .action = last ? TC_ACT_STOLEN : TC_ACT_PIPE };
	struct nest n = begin(p, "mirred", true);

	if (last)
		fixed.eaction = in ? TCA_INGRESS_REDIR : TCA_EGRESS_REDIR;
	else
		fixed.eaction = in ? TCA_INGRESS_MIRROR : TCA_EGRESS_MIRROR;
	nlattr_put(p->b, TCA_MIRRED_PARMS, &fixed, sizeof(fixed));
	end(p, n);
}

/* PACKET_HOST (linux/if_packet.h) is 0. */
static void put_for_host(struct put *p)
{
	struct tc_skbedit fixed = { .action = TC_ACT_PIPE };
	struct nest n = begin(p, "skbedit", false);

	nlattr_put(p->b, TCA_SKBEDIT_PARMS, &fixed, sizeof(fixed));
	nlattr_put_u16(p->b, TCA_SKBEDIT_PTYPE, 0);
	end(p, n);
}

/* --- what was gathered --- */

static void flush_lse(struct put *p)
{
	struct tc_mpls fixed = { .action = TC_ACT_PIPE, .m_action = TCA_MPLS_ACT_MODIFY };
	uint32_t v = p->lse.value, m = p->lse.mask;
	struct nest n;

	if (!m)
		return;
	n = begin(p, "mpls", false);
	nlattr_put(p->b, TCA_MPLS_PARMS, &fixed, sizeof(fixed));
	if (m & 0xfffff000)
		nlattr_put_u32(p->b, TCA_MPLS_LABEL, v >> 12);
	if (m & 0xe00)
		nlattr_put_u8(p->b, TCA_MPLS_TC, v >> 9 & 7);
	if (m & 0xff)
		nlattr_put_u8(p->b, TCA_MPLS_TTL, (uint8_t)v);
	end(p, n);
	p->lse.mask = p->lse.value = 0;
}

static void flush_set(struct put *p)
{
	struct nest n;

	if (!p->set.any)
		return;
	n = begin(p, "pedit", true);
	flower_set_put_pedit(&p->set, p->b);
	end(p, n);
	if (p->set.csum) {
		n = begin(p, "csum", false);
		flower_set_put_csum(&p->set, p->b);
		end(p, n);
	}
	memset(&p->set, 0, sizeof(p->set));
}

static void flush_tci(struct put *p)
{
	struct tc_vlan fixed = { .action = TC_ACT_PIPE, .v_action = TCA_VLAN_ACT_MODIFY };
	const struct tag *tag;
	struct nest n;

	if (!p->tci.mask)
		return;
	tag = &p->tags[p->n_tags - 1]; /* whose bits these are */
	n = begin(p, "vlan", true);
	nlattr_put(p->b, TCA_VLAN_PARMS, &fixed, sizeof(fixed));
	nlattr_put_u16(p->b, TCA_VLAN_PUSH_VLAN_ID, tag->tci & VID);
	nlattr_put_be16(p->b, TCA_VLAN_PUSH_VLAN_PROTOCOL, tag->tpid);
	if (p->tci.mask & PCP)
		nlattr_put_u8(p->b, TCA_VLAN_PUSH_VLAN_PRIORITY, (uint8_t)(p->tci.value >> 13));
	end(p, n);
	p->tci.mask = p->tci.value = 0;
}

static void flush(struct put *p)
{
	flush_set(p);
	flush_tci(p);
	flush_lse(p);
}

/* Edits behind the Ethernet header, where the kernel would look for it in the wrong place. */
static bool behind_tags(const struct put *p)
{
	return p->env->features & FLOWER_F_SOFTWARE && p->n_tags >= 2;
}

/* --- rows --- */

static int refuse_unsure(struct put *p, const struct dp_action *a)
{
	(void)refuse(p, OFFLOAD_ACTION, a);
	(void)snprintf(p->why->driver, sizeof(p->why->driver),
		       "what is for the host is known by its dl_dst, which the rule does not look "
		       "at");
	return -EOPNOTSUPP;
}

static int put_output(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_output *o = dp_action_payload(a);
	struct flower_port to;
	struct nest n;

	if (!p->env->port(p->env->ctx, o->port, &to))
		return refuse(p, OFFLOAD_OUT_DEVICE, a);
	flush(p);
	if (flower_port_is_tunnel(&p->m->in) && !p->released) {
		n = begin(p, "tunnel_key", false);
		flower_tunnel_put_release(p->b);
		end(p, n);
		p->released = true;
	}
	if (flower_port_is_tunnel(&to)) {
		if (flower_tunnel_check(&p->tunnel, to.kind, p->env->features, p->why))
			return -EOPNOTSUPP;
		n = begin(p, "tunnel_key", false);
		flower_tunnel_put(&p->tunnel, to.kind, p->b);
		end(p, n);
	}
	if (to.kind == FLOWER_PORT_INTERNAL) {
		enum flower_for_host whose = flower_for_host(p->dst, p->dst_known, to.mac);

		if (whose == FLOWER_HOST_UNSURE)
			return refuse_unsure(p, a);
		if (whose == FLOWER_HOST_YES)
			put_for_host(p);
	}
	put_mirred(p, &to, last);
	p->ended = last;
	return 0;
}

/* A driver is told a priority whether or not one is to be set, and makes of it what it likes: what
 * works with all of them is the priority that is there. */
static bool keeps_pcp(const struct tag *tag, uint16_t v, uint16_t m)
{
	return (tag->known & PCP) == PCP && !((tag->tci ^ v) & m & PCP);
}

static int set_vlan(struct put *p, const struct act_set *set)
{
	struct tag *tag = p->n_tags ? &p->tags[p->n_tags - 1] : NULL;
	bool driver = p->env->features & FLOWER_F_DRIVER;
	struct flow_key value, mask;
	uint16_t v, m;

	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	field_write_masked(field_get((enum field_id)set->field), &set->value, &set->mask, &value);
	field_write_masked(field_get((enum field_id)set->field), &set->mask, &set->mask, &mask);
	v = ntohs(value.vlans[0].tci);
	m = ntohs(mask.vlans[0].tci);
	if (!tag || (m & VID && (m & VID) != VID) || (m & PCP && (m & PCP) != PCP) ||
	    ((m | tag->known) & VID) != VID || (m & VLAN_CFI && !(v & VLAN_CFI)) ||
	    (driver && !keeps_pcp(tag, v, m)))
		return refuse_set(p, set);
	if (driver) {
		m |= PCP;
		v |= tag->tci & PCP;
	}
	tag->tci = (uint16_t)((tag->tci & ~m) | v);
	tag->known |= m;
	if ((tag->tci & VID) == VID) /* reserved (IEEE 802.1Q); the kernel takes none of these */
		return refuse_set(p, set);
	flush_set(p);
	flush_lse(p);
	p->tci.value = (uint16_t)((p->tci.value & ~m) | v);
	p->tci.mask |= m;
	return 0;
}

/* Label 3, "implicit null", never is on the wire, and a TTL of zero ends the packet (RFC 3032). */
static bool lse_ok(uint32_t lse, uint32_t mask)
{
	return !(mask & 0xff && !(lse & 0xff)) && !(mask & 0xfffff000 && lse >> 12 == 3);
}

static int set_mpls(struct put *p, const struct act_set *set)
{
	struct flow_key value, mask;
	uint32_t v, m;

	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	field_write_masked(field_get((enum field_id)set->field), &set->value, &set->mask, &value);
	field_write_masked(field_get((enum field_id)set->field), &set->mask, &set->mask, &mask);
	v = ntohl(value.mpls_lse[0]);
	m = ntohl(mask.mpls_lse[0]);
	if ((p->dl_type != htons(ETH_P_MPLS_UC) && p->dl_type != htons(ETH_P_MPLS_MC)) ||
	    (m != 0xfffff000 && m != 0xe00 && m != 0xff) || !lse_ok(v, m) || behind_tags(p))
		return refuse_set(p, set);
	flush_set(p);
	flush_tci(p);
	p->lse.value = (p->lse.value & ~m) | v;
	p->lse.mask |= m;
	return 0;
}

static int put_set(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_set *set = dp_action_payload(a);
	enum field_id id = caps_field((enum field_id)set->field);

	if (field_get(id)->ofs >= offsetof(struct flow_key, tunnel) &&
	    field_get(id)->ofs < offsetof(struct flow_key, in_port))
		return flower_tunnel_set(&p->tunnel, set) ? 0 : refuse_set(p, set);
	if (id == FIELD_VLAN_VID || id == FIELD_VLAN_PCP)
		return set_vlan(p, set);
	if (id == FIELD_MPLS_LABEL || id == FIELD_MPLS_TC || id == FIELD_MPLS_TTL)
		return set_mpls(p, set);
	if (id != FIELD_ETH_SRC && id != FIELD_ETH_DST && behind_tags(p))
		return refuse_set(p, set);
	flower_host_set(set, &p->dst, &p->dst_known);
	flower_ct_moved(&p->ct, id);
	flush_lse(p);
	flush_tci(p);
	return flower_set_add(&p->set, set, p->m, p->dl_type, p->why);
}

static int put_push_vlan(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_push_vlan *v = dp_action_payload(a);
	struct tc_vlan fixed = { .action = TC_ACT_PIPE, .v_action = TCA_VLAN_ACT_PUSH };
	uint16_t vid = ntohs(v->tci) & VID;
	struct nest n;

	if (!flower_type_is_vlan(v->tpid) || vid == VID || p->n_tags == TAGS_MAX)
		return refuse(p, OFFLOAD_ACTION, a);
	flush(p);
	n = begin(p, "vlan", true);
	nlattr_put(p->b, TCA_VLAN_PARMS, &fixed, sizeof(fixed));
	nlattr_put_u16(p->b, TCA_VLAN_PUSH_VLAN_ID, vid);
	nlattr_put_be16(p->b, TCA_VLAN_PUSH_VLAN_PROTOCOL, v->tpid);
	nlattr_put_u8(p->b, TCA_VLAN_PUSH_VLAN_PRIORITY, (uint8_t)(ntohs(v->tci) >> 13));
	end(p, n);
	p->tags[p->n_tags++] = (struct tag){ v->tpid, ntohs(v->tci), UINT16_MAX };
	return 0;
}

static int put_pop_vlan(struct put *p, const struct dp_action *a, bool last)
{
	struct tc_vlan fixed = { .action = TC_ACT_PIPE, .v_action = TCA_VLAN_ACT_POP };
	struct nest n;

	if (!p->n_tags)
		return refuse(p, OFFLOAD_ACTION, a);
	flush(p);
	n = begin(p, "vlan", true);
	nlattr_put(p->b, TCA_VLAN_PARMS, &fixed, sizeof(fixed));
	end(p, n);
	p->n_tags--;
	return 0;
}

static int put_push_mpls(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_push_mpls *m = dp_action_payload(a);
	struct tc_mpls fixed = { .action = TC_ACT_PIPE, .m_action = TCA_MPLS_ACT_PUSH };
	uint32_t lse = ntohl(m->lse);
	struct nest n;

	if (!lse_ok(lse, UINT32_MAX) || behind_tags(p) || !p->dl_type)
		return refuse(p, OFFLOAD_ACTION, a);
	flush(p);
	n = begin(p, "mpls", false);
	nlattr_put(p->b, TCA_MPLS_PARMS, &fixed, sizeof(fixed));
	nlattr_put_be16(p->b, TCA_MPLS_PROTO, m->ethertype);
	nlattr_put_u32(p->b, TCA_MPLS_LABEL, lse >> 12);
	nlattr_put_u8(p->b, TCA_MPLS_TC, lse >> 9 & 7);
	nlattr_put_u8(p->b, TCA_MPLS_TTL, (uint8_t)lse);
	nlattr_put_u8(p->b, TCA_MPLS_BOS, lse >> 8 & 1);
	end(p, n);
	p->dl_type = m->ethertype;
	return 0;
}

static int put_pop_mpls(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_pop_mpls *m = dp_action_payload(a);
	struct tc_mpls fixed = { .action = TC_ACT_PIPE, .m_action = TCA_MPLS_ACT_POP };
	struct nest n;

	if (ntohs(m->ethertype) < ETH_P_802_3_MIN || behind_tags(p) ||
	    (p->dl_type != htons(ETH_P_MPLS_UC) && p->dl_type != htons(ETH_P_MPLS_MC)))
		return refuse(p, OFFLOAD_ACTION, a);
	flush(p);
	n = begin(p, "mpls", false);
	nlattr_put(p->b, TCA_MPLS_PARMS, &fixed, sizeof(fixed));
	nlattr_put_be16(p->b, TCA_MPLS_PROTO, m->ethertype);
	end(p, n);
	p->dl_type = m->ethertype;
	return 0;
}

static int put_recirc(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_recirc *r = dp_action_payload(a);

	if (!last)
		return refuse(p, OFFLOAD_ACTION, a);
	if (!(p->env->features & FLOWER_F_RECIRC) || !r->id || r->id >= FLOWER_CHAIN_MAX)
		return refuse(p, OFFLOAD_RECIRC, a);
	flush(p);
	put_gact(p, TC_ACT_GOTO_CHAIN | (int)r->id);
	p->ended = true;
	return 0;
}

/* --- meters --- */

/* In hardware a rule counts what it meets, in software each action what reaches it.  The action is
 * there already; if it were not, the kernel would not make one of this rate without a table. */
static int put_meter(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_meter *m = dp_action_payload(a);
	bool hw = p->env->features & FLOWER_F_SKIP_SW;
	struct tc_police fixed = { .action = TC_ACT_SHOT, .rate = { .rate = 1 } };
	const char *why = "there are no meters here";
	struct nest n;

	if (!p->env->meter || !p->env->meter(p->env->ctx, m->id, hw, &fixed.index, &why))
		return refuse_for(p, OFFLOAD_METER, a, why);
	flush(p);
	if (!hw)
		put_gact(p, TC_ACT_PIPE);
	n = begin(p, "police", false);
	nlattr_put(p->b, TCA_POLICE_TBF, &fixed, sizeof(fixed));
	nlattr_put_u32(p->b, TCA_POLICE_RESULT, TC_ACT_PIPE);
	end(p, n);
	return 0;
}

/* --- samples --- */

static int refuse_sample(struct put *p, const struct dp_action *a, const char *why)
{
	(void)refuse(p, OFFLOAD_ACTION, a);
	(void)snprintf(p->why->driver, sizeof(p->why->driver), "%s", why);
	return -EOPNOTSUPP;
}

/* The kernel tells of the frame without a tag that it keeps beside it, and of no tunnel. */
static int put_sample(struct put *p, const struct dp_action *a, bool last)
{
	uint8_t cookie[FLOWER_SAMPLE_COOKIE];
	const char *why = "nobody listens for samples of TC's";
	struct flower_sample s;
	uint32_t group;
	struct nest n;

	if (!flower_sample_of(a, &s))
		return refuse(p, OFFLOAD_ACTION, a);
	if (p->n_tags)
		return refuse_sample(p, a, "TC samples packets without their VLAN tag");
	if (flower_port_is_tunnel(&p->m->in))
		return refuse_sample(p, a, "TC samples packets without their tunnel");
	group = p->env->sample ? p->env->sample(p->env->ctx, flow_in_dp(p->r->key), &s.what, &why)
			       : 0;
	if (!group)
		return refuse_sample(p, a, why);
	flush(p);
	flower_sample_cookie(&s, cookie);
	n = begin_with(p, "sample", cookie, sizeof(cookie));
	flower_sample_put(&s, group, p->b);
	end(p, n);
	return 0;
}

/* --- conntrack --- */

static int put_ct(struct put *p, const struct dp_action *a, bool last)
{
	const struct act_ct *c = dp_action_payload(a);
	struct tc_ct fixed = { .action = TC_ACT_PIPE };
	const char *why;
	struct nest n;

	if (!flower_ct_known(c) || behind_tags(p) ||
	    (p->dl_type != htons(ETH_P_IP) && p->dl_type != htons(ETH_P_IPV6)))
		return refuse(p, OFFLOAD_ACTION, a);
	why = flower_ct_differs(&p->ct, c);
	if (why)
		return refuse_for(p, OFFLOAD_ACTION, a, why);
	flush(p);
	n = begin(p, "ct", true);
	nlattr_put(p->b, TCA_CT_PARMS, &fixed, sizeof(fixed));
	flower_ct_put(c, p->b);
	end(p, n);
	return 0;
}

static int put_ct_clear(struct put *p, const struct dp_action *a, bool last)
{
	struct tc_ct fixed = { .action = TC_ACT_PIPE };
	struct nest n;

	flush(p);
	n = begin(p, "ct", true);
	nlattr_put(p->b, TCA_CT_PARMS, &fixed, sizeof(fixed));
	nlattr_put_u16(p->b, TCA_CT_ACTION, TCA_CT_ACT_CLEAR);
	end(p, n);
	p->ct = (struct flower_ct_state){ .may = false };
	return 0;
}

/* --- lists --- */

static bool only_outputs(struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts)
		if (a->kind != DP_ACT_OUTPUT)
			return false;
	return true;
}

static int put_list(struct put *p, struct dp_actions acts, bool last);

static int put_clone(struct put *p, const struct dp_action *a, bool last)
{
	struct dp_actions nested = dp_action_nested(a, 0);

	if (!last && !only_outputs(nested))
		return refuse(p, OFFLOAD_ACTION, a);
	return put_list(p, nested, last);
}

static int put_drop(struct put *p, const struct dp_action *a, bool last)
{
	put_gact(p, TC_ACT_SHOT);
	p->ended = true;
	return 0;
}

struct row {
	int (*put)(struct put *p, const struct dp_action *a, bool last);
	enum offload_reason refuse; /* where there is no function */
};
static const struct row rows[DP_ACT_N_KINDS] = {
	[DP_ACT_OUTPUT] = { put_output, OFFLOAD_OK },
	[DP_ACT_SET] = { put_set, OFFLOAD_OK },
	[DP_ACT_PUSH_VLAN] = { put_push_vlan, OFFLOAD_OK },
	[DP_ACT_POP_VLAN] = { put_pop_vlan, OFFLOAD_OK },
	[DP_ACT_PUSH_MPLS] = { put_push_mpls, OFFLOAD_OK },
	[DP_ACT_POP_MPLS] = { put_pop_mpls, OFFLOAD_OK },
	[DP_ACT_RECIRC] = { put_recirc, OFFLOAD_OK },
	[DP_ACT_HASH] = { NULL, OFFLOAD_ACTION },
	[DP_ACT_USERSPACE] = { NULL, OFFLOAD_SLOW_PATH },
	[DP_ACT_SAMPLE] = { put_sample, OFFLOAD_OK },
	[DP_ACT_CLONE] = { put_clone, OFFLOAD_OK },
	[DP_ACT_TRUNC] = { NULL, OFFLOAD_ACTION },
	[DP_ACT_METER] = { put_meter, OFFLOAD_OK },
	[DP_ACT_CT] = { put_ct, OFFLOAD_OK },
	[DP_ACT_CT_CLEAR] = { put_ct_clear, OFFLOAD_OK },
	[DP_ACT_CHECK_PKT_LEN] = { NULL, OFFLOAD_ACTION },
	[DP_ACT_DROP] = { put_drop, OFFLOAD_OK },
};

static bool is_edit(const struct dp_action *a)
{
	return a->kind == DP_ACT_SET || a->kind == DP_ACT_PUSH_VLAN || a->kind == DP_ACT_POP_VLAN ||
	       a->kind == DP_ACT_PUSH_MPLS || a->kind == DP_ACT_POP_MPLS ||
	       a->kind == DP_ACT_CT_CLEAR;
}

/* The last action that somebody can see the effect of. */
static const struct dp_action *last_seen(struct dp_actions acts)
{
	const struct dp_action *a, *seen = NULL;

	DP_ACTION_FOR_EACH (a, acts)
		if (!is_edit(a))
			seen = a;
	return seen;
}

static int put_list(struct put *p, struct dp_actions acts, bool last)
{
	const struct dp_action *a = dp_action_first(acts), *seen = last_seen(acts);
	int rc = 0;

	for (bool more = seen; more && !rc && !p->ended; a = dp_action_next(acts, a)) {
		if (a->kind >= DP_ACT_N_KINDS || !rows[a->kind].put)
			return refuse(
				p, a->kind < DP_ACT_N_KINDS ? rows[a->kind].refuse : OFFLOAD_ACTION,
				a);
		more = a != seen;
		rc = rows[a->kind].put(p, a, last && !more);
	}
	return rc;
}

bool flower_actions_want_whole(struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_set *set = dp_action_payload(a);

		if (a->kind == DP_ACT_SET && flower_set_wants_whole((enum field_id)set->field))
			return true;
		if (a->kind == DP_ACT_CLONE && flower_actions_want_whole(dp_action_nested(a, 0)))
			return true;
	}
	return false;
}

static void start_packet(struct put *p)
{
	const struct flower_match *m = p->m;
	unsigned n = 0;

	p->dl_type = m->dl_type;
	while (n < FLOW_N_VLANS && m->tpid[n])
		n++;
	p->n_tags = n;
	flower_ct_start(&p->ct, p->r->key, p->r->mask);
	for (unsigned i = 0; i < n; i++) {
		be16 known = p->r->mask->vlans[i].tci;

		p->tags[n - 1 - i] =
			(struct tag){ m->tpid[i], ntohs(p->r->key->vlans[i].tci & known),
				      ntohs(known) };
	}
}

int flower_actions_put(const struct flower_env *env, const struct offload_rule *r,
		       const struct flower_match *m, struct buf *b, struct offload_refusal *why)
{
	struct put p = { .env = env, .r = r, .m = m, .b = b, .why = why };
	size_t acts = nlattr_nest_flagged(b, TCA_FLOWER_ACT);
	int rc;

	start_packet(&p);
	p.dst_known = r->mask->dl_dst;
	p.dst = r->key->dl_dst;
	rc = put_list(&p, r->actions, true);
	if (rc)
		return rc;
	if (!p.ended)
		put_gact(&p, TC_ACT_SHOT);
	nlattr_nest_end(b, acts);
	if (p.n > FLOWER_MAX_ACTIONS) {
		(void)flower_refuse(why, OFFLOAD_N_ACTIONS, -1, -1);
		why->limit = FLOWER_MAX_ACTIONS;
		return -EOPNOTSUPP;
	}
	return 0;
}
