/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: what the translators can say, and of that, what the device's driver takes.
 *
 * Each field and action is tried by a rule of its own that the kernel is asked to give to the
 * driver and not to run itself (skip_sw), on a chain that no packet gets to, or, where the driver
 * knows of no chains, on the first one with an address that no frame has.  All trials go to the
 * kernel in one send, and what was taken is taken out again in another.
 *
 * A driver may still refuse a combination; then its words say so, and the engine remembers. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/caps.h"
#include "tc/device.h"
#include "tc/flower_keymap.h"
#include "tc/flower_sample.h"
#include "tc/kernel.h"
#include "tc/meters.h"
#include "tc/samples.h"

LOG_MODULE("tc.caps");

#define COUNTER_LAG_MS 0 /* the kernel asks the driver when it is asked */

enum what { TRY_ANY, TRY_FIELD, TRY_MASK, TRY_SET, TRY_ACTION, TRY_INNER };

struct trial {
	enum what what;
	unsigned id; /* enum field_id, enum dp_action_kind */
	size_t msg;  /* number in the batch */
	bool said;   /* the translators can say it */
	bool asked, took;
	bool sends; /* with an output */
};

struct probe {
	struct tc_device *d;
	struct tc_port *p;
	uint32_t chain;
	struct nl_batch batch;
	struct trial *trials; /* owned */
	size_t n, cap;
	bool sends;                /* by the port of entry */
	struct flow_key key, mask; /* of the trial that is being made */
	struct buf actions;
};

/* --- matches and actions to try --- */

/* A unicast address that nobody has: the locally administered bit, and "shunt". */
static const struct eth_addr nobody = { { 0x02, 's', 'h', 'u', 'n', 't' } };

static void match_start(struct probe *b)
{
	memset(&b->key, 0, sizeof(b->key));
	memset(&b->mask, 0, sizeof(b->mask));
	b->key.in_port = htonl(b->p->no.v);
	b->mask.in_port = b->mask.recirc_id = UINT32_MAX;
	b->key.dl_dst = nobody;
	memset(&b->mask.dl_dst, 0xff, sizeof(b->mask.dl_dst));
	buf_clear(&b->actions);
}

static void match_type(struct probe *b, uint16_t type)
{
	b->key.dl_type = htons(type);
	b->mask.dl_type = UINT16_MAX;
}

static void match_proto(struct probe *b, uint16_t type, uint8_t proto)
{
	match_type(b, type);
	b->mask.nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	b->key.nw_proto = proto;
	b->mask.nw_proto = proto ? UINT8_MAX : 0;
}

static void match_tag(struct probe *b, unsigned i, uint16_t tpid)
{
	b->key.vlans[i].tpid = htons(tpid);
	b->mask.vlans[i].tpid = UINT16_MAX;
	b->key.vlans[i].tci = htons(VLAN_CFI | 5);
	b->mask.vlans[i].tci = htons(VLAN_CFI | 0x0fff);
}

/* The least that makes the field mean something. */
static void match_prereq(struct probe *b, enum field_prereq p)
{
	switch (p) {
	case FIELD_PRE_NONE:
	case FIELD_PRE_CT: break;
	case FIELD_PRE_ARP:
		match_type(b, ETH_P_ARP);
		b->key.nw_proto = 1;
		b->mask.nw_proto = UINT8_MAX;
		break;
	case FIELD_PRE_VLAN:
		match_type(b, ETH_P_IP);
		match_tag(b, 0, ETH_P_8021Q);
		break;
	case FIELD_PRE_MPLS: match_type(b, ETH_P_MPLS_UC); break;
	case FIELD_PRE_IPV4:
	case FIELD_PRE_IP: match_proto(b, ETH_P_IP, 0); break;
	case FIELD_PRE_IPV6: match_proto(b, ETH_P_IPV6, 0); break;
	case FIELD_PRE_TCP: match_proto(b, ETH_P_IP, IPPROTO_TCP); break;
	case FIELD_PRE_UDP: match_proto(b, ETH_P_IP, IPPROTO_UDP); break;
	case FIELD_PRE_SCTP: match_proto(b, ETH_P_IP, IPPROTO_SCTP); break;
	case FIELD_PRE_ICMPV4: match_proto(b, ETH_P_IP, IPPROTO_ICMP); break;
	case FIELD_PRE_ICMPV6:
	case FIELD_PRE_ND:
	case FIELD_PRE_ND_SOL:
	case FIELD_PRE_ND_ADV: match_proto(b, ETH_P_IPV6, IPPROTO_ICMPV6); break;
	}
}

static void match_field(struct probe *b, const struct field *f, bool exact)
{
	union field_value v, m;

	match_prereq(b, (enum field_prereq)f->prereq);
	field_ones(f, &m);
	if (!exact)
		m.b[f->n_bytes - 1] &= 0x55;
	memset(&v, 0, sizeof(v));
	v.b[f->n_bytes - 1] = m.b[f->n_bytes - 1] & 1;
	field_write(f, &m, &b->mask);
	field_write_masked(f, &v, &m, &b->key);
	if (f->id == FIELD_ETH_TYPE)
		match_type(b, ETH_P_IP);
	if (f->id == FIELD_ETH_SRC)
		b->key.dl_src = nobody;
	if (f->id == FIELD_CT_STATE)
		b->key.ct_state = b->mask.ct_state = htonl(CT_TRK | CT_EST);
}

static void put_output(struct probe *b)
{
	dp_actions_put_output(&b->actions, b->p->no);
}

static void act_set(struct probe *b, const struct field *f)
{
	union field_value v, ones;

	match_prereq(b, (enum field_prereq)f->prereq);
	field_ones(f, &ones);
	memset(&v, 0, sizeof(v));
	v.b[f->n_bytes - 1] = 4 & ones.b[f->n_bytes - 1];
	dp_actions_put_set(&b->actions, f->id, &v, &ones);
	put_output(b);
}

static void act_kind(struct probe *b, enum dp_action_kind kind)
{
	struct act_push_vlan vlan = { htons(ETH_P_8021Q), htons(VLAN_CFI | 5) };
	struct act_push_mpls mpls = { htons(ETH_P_MPLS_UC), 0, htonl(5u << 12 | 0x100 | 64) };
	struct act_pop_mpls pop = { htons(ETH_P_IP) };
	struct act_recirc recirc = { FLOWER_CHAIN_MAX - 1 };
	struct act_meter meter = { TC_METER_TRIAL };
	struct flower_sample sample = { { .output = SFLOW_DROPPED_UNKNOWN, .rate = UINT32_MAX },
					64 };
	struct act_ct ct;

	memset(&ct, 0, sizeof(ct));
	match_proto(b, ETH_P_IP, 0);
	switch (kind) {
	case DP_ACT_PUSH_VLAN: dp_actions_put(&b->actions, kind, &vlan, sizeof(vlan)); break;
	case DP_ACT_POP_VLAN:
		match_tag(b, 0, ETH_P_8021Q);
		dp_actions_put(&b->actions, kind, NULL, 0);
		break;
	case DP_ACT_PUSH_MPLS: dp_actions_put(&b->actions, kind, &mpls, sizeof(mpls)); break;
	case DP_ACT_POP_MPLS:
		match_proto(b, ETH_P_MPLS_UC, 0);
		b->mask.nw_frag = 0;
		dp_actions_put(&b->actions, kind, &pop, sizeof(pop));
		break;
	case DP_ACT_CT: dp_actions_put(&b->actions, kind, &ct, sizeof(ct)); break;
	case DP_ACT_CT_CLEAR: dp_actions_put(&b->actions, kind, NULL, 0); break;
	case DP_ACT_RECIRC: dp_actions_put(&b->actions, kind, &recirc, sizeof(recirc)); return;
	case DP_ACT_DROP: return;
	case DP_ACT_CLONE: /* of outputs */
	case DP_ACT_OUTPUT:
	case DP_ACT_SET: /* by field */ break;
	case DP_ACT_METER: dp_actions_put(&b->actions, kind, &meter, sizeof(meter)); break;
	case DP_ACT_SAMPLE: flower_sample_action(&sample, &b->actions); break;
	case DP_ACT_HASH:
	case DP_ACT_USERSPACE:
	case DP_ACT_TRUNC:
	case DP_ACT_CHECK_PKT_LEN:
	case DP_ACT_N_KINDS: dp_actions_put(&b->actions, kind, &ct, dp_action_table[kind].payload);
	}
	put_output(b);
}

/* --- trials --- */

/* Adds one of what b->key, mask and actions say. */
static void try_this(struct probe *b, enum what what, unsigned id)
{
	struct offload_rule r = { .key = &b->key,
				  .mask = &b->mask,
				  .actions = dp_actions_of(&b->actions),
				  .policy = OFFLOAD_POLICY_SKIP_SW };
	struct trial *t;
	struct flower_match m;
	struct flower_env env;
	struct offload_refusal why;
	struct tc_place at;
	size_t options;

	if (b->n == b->cap)
		b->trials = xgrow(b->trials, &b->cap, b->n + 1, sizeof(*b->trials));
	t = &b->trials[b->n++];
	*t = (struct trial){ .what = what, .id = id, .sends = b->actions.len };
	tc_env_hw_only(b->d, OFFLOAD_POLICY_SKIP_SW, &env);
	env.features |= FLOWER_F_RECIRC;
	env.features &= ~FLOWER_F_DRIVER;
	buf_clear(&b->d->scratch);
	t->said = !flower_match_put(&env, &r, flower_actions_want_whole(r.actions), &b->d->scratch,
				    &m, &why) &&
		  !flower_actions_put(&env, &r, &m, &b->d->scratch, &why);
	if (!t->said || !b->d->offloads || b->n > TC_PRIO_LAST - TC_PRIO_FIRST)
		return;
	at = tc_port_place(b->p);
	at.chain = b->chain;
	at.handle = TC_HANDLE_MARK | (uint32_t)b->n;
	at.prio = (uint16_t)(TC_PRIO_LAST + 1 - b->n);
	at.protocol = m.protocol;
	t->asked = true;
	t->msg = tc_place_put(&b->batch, &at, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
	options = nlattr_nest(&b->batch.buf, TCA_OPTIONS);
	buf_put(&b->batch.buf, b->d->scratch.data, b->d->scratch.len);
	nlattr_put_u32(&b->batch.buf, TCA_FLOWER_FLAGS,
		       TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_VERBOSE);
	nlattr_nest_end(&b->batch.buf, options);
	(void)tc_place_put(&b->batch, &at, RTM_DELTFILTER, 0);
}

static void try_fields(struct probe *b)
{
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];

		if (caps_field(f->id) != f->id || flower_keymap[i].how == FLOWER_NO ||
		    flower_keymap[i].how == FLOWER_PLACE || flower_keymap[i].how == FLOWER_ABSENT)
			continue;
		match_start(b);
		match_field(b, f, true);
		try_this(b, TRY_FIELD, f->id);
		if (!f->maskable)
			continue;
		match_start(b);
		match_field(b, f, false);
		try_this(b, TRY_MASK, f->id);
	}
	match_start(b);
	match_proto(b, ETH_P_IP, 0);
	match_tag(b, 0, ETH_P_8021AD);
	match_tag(b, 1, ETH_P_8021Q);
	try_this(b, TRY_INNER, 0);
}

static void try_actions(struct probe *b)
{
	for (unsigned i = 0; i < DP_ACT_N_KINDS; i++) {
		match_start(b);
		act_kind(b, (enum dp_action_kind)i);
		try_this(b, TRY_ACTION, i);
	}
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];

		if (caps_field(f->id) != f->id || !dp_field_settable(f))
			continue;
		match_start(b);
		act_set(b, f);
		try_this(b, TRY_SET, i);
	}
}

static int ask(struct probe *b)
{
	int code, rc = b->batch.n ? nl_chan_do(b->d->chan, &b->batch) : 0;

	for (size_t i = 0; i < b->n && !rc; i++) {
		struct trial *t = &b->trials[i];

		if (!t->asked)
			continue;
		code = nl_batch_code(&b->batch, t->msg);
		t->took = !code || code == -ENOSPC;
		if (t->what == TRY_ACTION && t->id == DP_ACT_OUTPUT)
			b->sends = t->took;
	}
	return rc;
}

static void probe_start(struct probe *b, struct tc_device *d, struct tc_port *p)
{
	memset(b, 0, sizeof(*b));
	b->d = d;
	b->p = p;
	nl_batch_init(&b->batch);
	buf_init(&b->actions);
}

static void probe_done(struct probe *b)
{
	nl_batch_done(&b->batch);
	buf_done(&b->actions);
	free(b->trials);
}

/* Any rule at all, on a chain of no packets, else on the first one.  0: it was taken; what the
 * driver says stays in the device. */
static int find_chain(struct tc_device *d, struct tc_port *p, uint32_t *chain)
{
	static const uint32_t chains[] = { FLOWER_CHAIN_MAX, 0 };
	struct probe b;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		probe_start(&b, d, p);
		*chain = b.chain = chains[i];
		match_start(&b);
		match_type(&b, ETH_P_IP);
		try_this(&b, TRY_ANY, 0);
		rc = ask(&b);
		if (!rc && b.trials[0].asked) {
			rc = b.trials[0].took ? 0 : nl_batch_code(&b.batch, 0);
			(void)snprintf(d->words, sizeof(d->words), "%s",
				       nl_batch_words(&b.batch, 0));
		}
		probe_done(&b);
		if (!rc)
			return 0;
	}
	return rc;
}

/* --- results --- */

static bool fine(const struct probe *b, const struct trial *t)
{
	return t->said && (!t->asked || t->took || (t->sends && !b->sends));
}

static void note(struct probe *b, struct offload_caps *c, const struct trial *t)
{
	if (!fine(b, t))
		return;
	switch (t->what) {
	case TRY_ANY: break;
	case TRY_FIELD: caps_field_add(c->fields, (enum field_id)t->id); break;
	case TRY_MASK: caps_field_add(c->fields_masked, (enum field_id)t->id); break;
	case TRY_SET: caps_field_add(c->fields_set, (enum field_id)t->id); break;
	case TRY_ACTION: c->actions |= 1u << t->id; break;
	case TRY_INNER: b->d->inner_vlan = true; break;
	}
}

/* Tunnel fields belong to tunnel devices, which are no ports of a NIC: what the translators can say
 * is all that is known. */
static void add_tunnel(struct offload_caps *c)
{
	for (unsigned i = FIELD_TUN_ID; i <= FIELD_TUN_TP_DST; i++) {
		if (flower_keymap[i].how != FLOWER_NO) {
			caps_field_add(c->fields, (enum field_id)i);
			caps_field_add(c->fields_set, (enum field_id)i);
		}
		if (flower_keymap[i].how == FLOWER_BYTES)
			caps_field_add(c->fields_masked, (enum field_id)i);
	}
}

static void probe_all(struct tc_device *d, struct tc_port *p, struct offload_caps *c)
{
	uint32_t chain = FLOWER_CHAIN_MAX;
	struct probe b;

	memset(c, 0, sizeof(*c));
	d->inner_vlan = false;
	d->words[0] = '\0';
	if (d->offloads && find_chain(d, p, &chain)) {
		log_info("%s: the driver takes no rules: %s", d->up.name,
			 d->words[0] ? d->words : "it gives no reason");
		d->offloads = false;
	}
	probe_start(&b, d, p);
	b.chain = chain;
	if (d->offloads)
		(void)tc_meter_trial_begin(d, p->ifindex); /* else it takes no meters */
	try_fields(&b);
	try_actions(&b);
	if (ask(&b))
		log_warn("%s: cannot try what the driver takes", d->up.name);
	tc_meter_trial_end(d);
	for (size_t i = 0; i < b.n; i++)
		note(&b, c, &b.trials[i]);
	probe_done(&b);
	add_tunnel(c);
	c->fields[FIELD_IN_PORT_OXM / 64] |= UINT64_C(1) << (FIELD_IN_PORT_OXM % 64);
	if (d->recirc && (!d->offloads || chain))
		c->fields[FIELD_RECIRC_ID / 64] |= UINT64_C(1) << (FIELD_RECIRC_ID % 64);
	else
		c->actions &= ~(1u << DP_ACT_RECIRC);
	c->inner_vlan = d->inner_vlan;
	c->max_actions = FLOWER_MAX_ACTIONS;
	c->counter_lag_ms = COUNTER_LAG_MS;
	c->software = d->kernel;
}

/* --- what the kernel lacks --- */

static void tell_parts(struct tc_device *d, void *arg)
{
	struct offload_event ev = { .kind = OFFLOAD_EV_CAPS,
				    .words = "the kernel's TC is another" };

	(void)arg;
	atomic_store(&d->stale, true);
	offload_device_notify(&d->up, &ev);
}

/* Non-zero when it was to be seen at this port. */
static int look_at_kernel(struct tc_port *p, void *arg)
{
	struct tc_device *d = p->dev;
	struct error err = ERROR_INIT;
	struct tc_place at;
	int rc;

	(void)arg;
	if (!tc_kernel_is_due())
		return 1;
	if (p->bond && !atomic_load(&p->ready))
		return 0; /* it has no qdisc before it has rules */
	rc = tc_port_qdisc(p, d->chan, &err);
	error_clear(&err); /* the first rule will say so */
	at = tc_port_place(p);
	if (tc_kernel_look(d->chan, rc ? NULL : &at, rc))
		tc_devices_each(tell_parts, NULL);
	return !tc_kernel_is_due();
}

void tc_look_again(struct tc_device *d)
{
	if (tc_kernel_is_due())
		(void)tc_ports_each(d, look_at_kernel, NULL); /* a later look, else */
}

struct trial_run {
	struct offload_caps *caps;
	bool bonds; /* which ports are looked at */
};

/* The first one will do. */
static int try_port(struct tc_port *p, void *arg)
{
	struct error err = ERROR_INIT;
	struct tc_device *d = p->dev;
	struct trial_run *t = arg;

	if (p->bond != t->bonds)
		return 0;
	d->offloads =
		d->may_offload && (p->bond ? tc_bond_offloads(p) : tc_link_offloads(p->ifindex));
	if (d->offloads && tc_port_qdisc(p, d->chan, &err)) {
		log_warn("%s: %s", d->up.name, err.cause);
		d->offloads = false;
	}
	probe_all(d, p, t->caps);
	if (p->bond && !d->offloads && !d->words[0])
		(void)snprintf(d->words, sizeof(d->words), "%s",
			       atomic_load(&p->n_slaves)
				       ? "hw-tc-offload is not on at all slaves of the bond"
				       : "the bond has no slave that takes packets");
	return 1;
}

/* By a port that is no bond where there is one: a bond's slaves may change. */
static void try_ports(struct tc_device *d, struct offload_caps *c)
{
	struct trial_run t = { .caps = c };

	memset(c, 0, sizeof(*c));
	if (tc_ports_each(d, try_port, &t))
		return;
	t.bonds = true;
	(void)tc_ports_each(d, try_port, &t); /* 1, or the last port has just gone */
}

int tc_caps(struct offload_device *dev, struct offload_caps *caps)
{
	struct tc_device *d = tc_of(dev);
	struct offload_caps found;

	if (atomic_exchange(&d->stale, false)) {
		(void)tc_ports_each(d, tc_bond_look, NULL); /* never fails */
		tc_look_again(d);
		tc_samples_start(); /* its family comes with the action */
		try_ports(d, &found);
		tc_kernel_words(tc_kernel_lacking(), found.lacking, sizeof(found.lacking));
		found.no_rules = tc_kernel_needs(tc_kernel_lacking());
		lock_take(&d->lock);
		found.generation = d->caps.generation + 1;
		d->caps = found;
		lock_give(&d->lock);
	}
	*caps = d->caps;
	return 0;
}

const char *tc_no_driver(const struct tc_device *d)
{
	if (d->tunnels)
		return "no NIC's driver has taken the tunnel device's rules";
	return d->words[0] ? d->words : "hw-tc-offload is off, or the driver has none";
}

/* --- a rule against them --- */

static int missing(const uint64_t *want, const uint64_t *have)
{
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		if (offload_caps_has(want, i) && !offload_caps_has(have, i))
			return (int)i;
	return -1;
}

static int fit_actions(const struct offload_caps *c, struct dp_actions acts,
		       struct offload_refusal *why)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_set *set = dp_action_payload(a);
		enum field_id id;

		if (!(c->actions >> a->kind & 1) && a->kind != DP_ACT_SET)
			return flower_refuse(why, OFFLOAD_ACTION, -1, a->kind);
		if (a->kind == DP_ACT_CLONE && fit_actions(c, dp_action_nested(a, 0), why))
			return -EOPNOTSUPP;
		if (a->kind != DP_ACT_SET)
			continue;
		id = caps_field((enum field_id)set->field);
		if (!offload_caps_has(c->fields_set, id))
			return flower_refuse(why, OFFLOAD_SET_FIELD, (int)id, a->kind);
	}
	return 0;
}

int tc_fits_driver(struct tc_device *d, const struct offload_rule *r, const struct flower_match *m,
		   struct offload_refusal *why)
{
	bool offloads, inner;
	struct offload_caps c;
	int id;

	lock_take(&d->lock);
	if (!d->caps.generation) { /* nothing was tried yet: the driver will say */
		lock_give(&d->lock);
		return 0;
	}
	c = d->caps;
	offloads = d->offloads;
	inner = d->inner_vlan;
	lock_give(&d->lock);
	if (!offloads) {
		if (d->kernel && !d->driver_only && r->policy != OFFLOAD_POLICY_SKIP_SW)
			return 0; /* software it will be */
		(void)flower_refuse(why, OFFLOAD_DRIVER_REFUSED, -1, -1);
		(void)snprintf(why->driver, sizeof(why->driver), "%s",
			       d->tunnels ? "a tunnel device's rules stand in software too"
					  : tc_no_driver(d));
		return -EOPNOTSUPP;
	}
	id = missing(m->fields, c.fields);
	if (id >= 0)
		return flower_refuse(why, OFFLOAD_FIELD, id, -1);
	id = missing(m->masked, c.fields_masked);
	if (id >= 0)
		return flower_refuse(why, OFFLOAD_MASK, id, -1);
	if (m->tpid[1] && !inner)
		return flower_refuse(why, OFFLOAD_FIELD, FIELD_VLAN_VID, -1);
	return fit_actions(&c, r->actions, why);
}
