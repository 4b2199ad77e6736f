/* SPDX-License-Identifier: Apache-2.0 */
/* The NIC of the shared machine: an offload provider that has hardware and software of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "offload/caps.h"
#include "tests/fake/survivor.h"

struct nic {
	struct offload_device up;
	struct survivor *w;
	_Atomic bool port[SURVIVOR_PORTS]; /* attached */
	struct survivor_rule *snap, *back; /* of a pass under way; of read_back() */
};

static struct nic *nics[4];

static struct nic *nic_of(struct offload_device *dev)
{
	return container_of(dev, struct nic, up);
}

static int nic_attach(struct port *port, const char *args, struct offload_device **dev,
		      struct error *err)
{
	struct nic *n = NULL;
	unsigned i, room = ARRAY_SIZE(nics);
	char name[64];

	if (!args && !survivor_current()->wants_all)
		return -ENODEV;
	if (!args)
		args = "auto";
	(void)snprintf(name, sizeof(name), "survivor:%.40s", args);
	for (i = 0; i < ARRAY_SIZE(nics); i++) {
		if (nics[i] && !strcmp(nics[i]->up.name, name))
			n = nics[i];
		if (!nics[i])
			room = i;
	}
	if (!n && room == ARRAY_SIZE(nics))
		return error_set(err, ENOSPC, NULL, "too many NICs");
	if (!n) {
		n = nics[room] = xzalloc(sizeof(*n));
		n->up.ops = &survivor_nic_ops;
		memcpy(n->up.name, name, sizeof(name));
		n->w = survivor_current();
	}
	n->port[port->no.v] = true;
	*dev = &n->up;
	return 0;
}

static void nic_detach(struct offload_device *dev, struct port *port)
{
	struct nic *n = nic_of(dev);

	n->port[port->no.v] = false;
	for (unsigned i = 0; i < SURVIVOR_PORTS; i++)
		if (n->port[i])
			return;
	for (unsigned i = 0; i < ARRAY_SIZE(nics); i++)
		if (nics[i] == n)
			nics[i] = NULL;
	free(n->snap);
	free(n->back);
	free(n);
}

static int nic_caps(struct offload_device *dev, struct offload_caps *caps)
{
	struct survivor *w = nic_of(dev)->w;

	memset(caps, 0, sizeof(*caps));
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		caps_field_add(caps->fields, (enum field_id)i);
		caps_field_add(caps->fields_masked, (enum field_id)i);
		caps_field_add(caps->fields_set, (enum field_id)i);
	}
	caps->actions = UINT32_MAX;
	survivor_lock(w);
	caps->software = !w->no_software;
	caps->generation = w->generation;
	survivor_unlock(w);
	return 0;
}

static bool outputs_ok(const struct nic *n, struct dp_actions acts, struct offload_refusal *why)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_output *o = dp_action_payload(a);

		if (a->kind != DP_ACT_OUTPUT || (o->port.v < SURVIVOR_PORTS && n->port[o->port.v]))
			continue;
		offload_refusal_set(why, OFFLOAD_OUT_DEVICE);
		why->action = DP_ACT_OUTPUT;
		return false;
	}
	return true;
}

static int nic_plan(struct offload_device *dev, const struct offload_rule *rule,
		    struct offload_plan *plan)
{
	plan->cost = 1;
	if (rule->mask->tunnel.tun_id) {
		offload_refusal_set(&plan->refusal, OFFLOAD_FIELD);
		plan->refusal.field = FIELD_TUN_ID;
		return -EOPNOTSUPP;
	}
	if (rule->actions.len > SURVIVOR_ACTIONS) {
		offload_refusal_set(&plan->refusal, OFFLOAD_N_ACTIONS);
		plan->refusal.limit = SURVIVOR_ACTIONS;
		return -EOPNOTSUPP;
	}
	return outputs_ok(nic_of(dev), rule->actions, &plan->refusal) ? 0 : -EOPNOTSUPP;
}

/* --- requests --- */

static struct survivor_rule *by_handle(struct survivor *w, uint64_t handle)
{
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++)
		if (w->rules[i].used && w->rules[i].handle == handle)
			return &w->rules[i];
	return NULL;
}

static unsigned n_in_hw(const struct survivor *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++)
		n += w->rules[i].used && w->rules[i].in_hw;
	return n;
}

/* Does hardware take it?  When not, why, as far as the driver says. */
static bool hardware(struct survivor *w, struct offload_req *q)
{
	const struct survivor_rule *old =
		q->kind == OFFLOAD_REPLACE ? by_handle(w, q->handle) : NULL;
	bool full = n_in_hw(w) >= w->hw_max + (old && old->in_hw);

	if (q->rule.policy == OFFLOAD_POLICY_SKIP_HW || w->hw_silent)
		return false;
	if (!w->hw_refuses && !full)
		return true;
	offload_refusal_set(&q->refusal, full ? OFFLOAD_TABLE_FULL : OFFLOAD_DRIVER_REFUSED);
	(void)snprintf(q->refusal.driver, sizeof(q->refusal.driver), "%s",
		       full ? "survivor: table full" : "survivor: not this one");
	return false;
}

static bool there(const struct survivor *w, const struct match *m)
{
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++)
		if (w->rules[i].used && !memcmp(&w->rules[i].key, &m->key, sizeof(m->key)) &&
		    !memcmp(&w->rules[i].mask, &m->mask, sizeof(m->mask)))
			return true;
	return false;
}

static int make(struct survivor *w, struct offload_req *q)
{
	const struct offload_rule *r = &q->rule;
	struct survivor_rule *slot = NULL;
	struct match m;

	match_init(&m, r->key, r->mask);
	if (q->kind == OFFLOAD_INSTALL && there(w, &m))
		return -EEXIST;
	if (w->prio_full) {
		offload_refusal_set(&q->refusal, OFFLOAD_PRIO_FULL);
		return -ENOSPC;
	}
	if (w->says_code) {
		offload_refusal_set(&q->refusal, (enum offload_reason)w->says_reason);
		(void)snprintf(q->refusal.driver, sizeof(q->refusal.driver), "survivor: so be it");
		return w->says_code;
	}
	q->in_hw = hardware(w, q);
	if (!q->in_hw && (r->policy == OFFLOAD_POLICY_SKIP_SW || w->no_software))
		return q->refusal.reason == OFFLOAD_TABLE_FULL ? -ENOSPC : -EOPNOTSUPP;
	for (unsigned i = 0; i < SURVIVOR_FLOWS && !slot; i++)
		slot = w->rules[i].used ? NULL : &w->rules[i];
	if (!slot)
		return -ENOSPC;
	memset(slot, 0, sizeof(*slot));
	slot->key = m.key;
	slot->mask = m.mask;
	slot->ufid = r->ufid;
	slot->handle = q->handle = w->next_handle++;
	slot->in_hw = q->in_hw;
	slot->policy = (uint8_t)r->policy;
	slot->acts_len = r->actions.len;
	if (r->actions.len)
		memcpy(slot->acts, r->actions.data, r->actions.len);
	slot->used = true;
	return 0;
}

static int take_out(struct survivor *w, struct offload_req *q, uint64_t handle)
{
	struct survivor_rule *r = by_handle(w, handle);

	q->final_ok = r != NULL;
	if (!r)
		return -ENOENT;
	q->final = r->st;
	r->used = false;
	return 0;
}

static int do_one(struct survivor *w, struct offload_req *q)
{
	uint64_t old = q->handle;
	int rc;

	q->final_ok = false;
	switch (q->kind) {
	case OFFLOAD_INSTALL: return make(w, q);
	case OFFLOAD_REMOVE: return take_out(w, q, old);
	case OFFLOAD_REPLACE:
		if (!by_handle(w, old))
			return -ENOENT;
		rc = make(w, q); /* the new one first */
		if (rc)
			q->handle = old;
		return rc ? rc : take_out(w, q, old);
	}
	return -EINVAL;
}

/* Every rule that leads to a chain finds a rule there. */
static void check_chains(struct survivor *w)
{
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++) {
		struct survivor_rule *r = &w->rules[i];
		struct dp_actions acts = { r->acts, r->acts_len };
		const struct dp_action *a;

		if (!r->used || !r->acts_len)
			continue;
		DP_ACTION_FOR_EACH (a, acts) {
			const struct act_recirc *re = dp_action_payload(a);
			bool found = a->kind != DP_ACT_RECIRC;

			for (unsigned k = 0; k < SURVIVOR_FLOWS && !found; k++)
				found = w->rules[k].used &&
					w->rules[k].key.recirc_id == htonl(re->id);
			w->chain_faults += !found;
		}
	}
}

static unsigned nic_apply(struct offload_device *dev, struct offload_req *reqs, size_t n)
{
	struct survivor *w = nic_of(dev)->w;
	unsigned failed = 0;

	w->in_apply++;
	while (w->hangs)
		(void)usleep(1000);
	for (size_t i = 0; i < n; i++) {
		survivor_lock(w);
		reqs[i].result = do_one(w, &reqs[i]);
		if (!reqs[i].result)
			w->applied[reqs[i].kind]++;
		if (w->watch_chains)
			check_chains(w);
		survivor_unlock(w);
		failed += reqs[i].result < 0;
	}
	w->in_apply--;
	return failed;
}

/* --- looking --- */

/* The next rule of ours at or behind the cursor, from a copy that the first call of a pass makes.
 */
static struct survivor_rule *next(struct nic *n, struct survivor_rule **snap, uint64_t *cursor)
{
	if (!*snap)
		*snap = xzalloc(sizeof(n->w->rules));
	if (!*cursor) {
		survivor_lock(n->w);
		memcpy(*snap, n->w->rules, sizeof(n->w->rules));
		survivor_unlock(n->w);
	}
	while (*cursor < SURVIVOR_FLOWS) {
		struct survivor_rule *r = &(*snap)[(*cursor)++];
		uint32_t in = flow_in_dp(&r->key).v;

		if (r->used && in < SURVIVOR_PORTS && n->port[in])
			return r;
	}
	return NULL;
}

static int nic_stats(struct offload_device *dev, uint64_t *cursor, struct offload_stat *out,
		     size_t max)
{
	struct survivor *w = nic_of(dev)->w;
	struct survivor_rule *r;
	size_t i = 0;

	if (!*cursor) {
		w->stats_passes++;
		for (uint32_t ms = 0; ms < w->stats_naps_ms; ms++)
			(void)usleep(1000);
	}
	while (i < max && (r = next(nic_of(dev), &nic_of(dev)->snap, cursor)))
		out[i++] = (struct offload_stat){ r->handle, r->ufid, r->st };
	return (int)i;
}

static struct dp_actions acts_of(const struct survivor_rule *r)
{
	return (struct dp_actions){ r->acts_len ? r->acts : NULL, r->acts_len };
}

static int nic_dump(struct offload_device *dev, uint64_t *cursor, struct offload_dump_rec *out,
		    size_t max)
{
	struct survivor_rule *r;
	size_t i = 0;

	while (i < max && (r = next(nic_of(dev), &nic_of(dev)->snap, cursor)))
		out[i++] = (struct offload_dump_rec){
			r->handle, r->ufid, offload_rule_digest(&r->key, &r->mask, acts_of(r))
		};
	return (int)i;
}

static int nic_read_back(struct offload_device *dev, uint64_t *cursor, struct offload_held *out,
			 size_t max)
{
	struct survivor_rule *r;
	size_t i = 0;

	while (i < max && (r = next(nic_of(dev), &nic_of(dev)->back, cursor)))
		out[i++] = (struct offload_held){ .handle = r->handle,
						  .ufid = r->ufid,
						  .key = r->key,
						  .mask = r->mask,
						  .actions = acts_of(r),
						  .cost = 1,
						  .in_hw = r->in_hw,
						  .policy = (enum offload_policy)r->policy,
						  .stats = r->st };
	return (int)i;
}

static int nic_usage(struct offload_device *dev, struct offload_usage *u)
{
	struct survivor *w = nic_of(dev)->w;

	survivor_lock(w);
	*u = (struct offload_usage){ .entries = n_in_hw(w), .epoch = w->epoch };
	survivor_unlock(w);
	return 0;
}

const struct offload_provider_ops survivor_nic_ops = {
	.type = "survivor",
	.attach = nic_attach,
	.detach = nic_detach,
	.caps = nic_caps,
	.plan = nic_plan,
	.apply = nic_apply,
	.stats = nic_stats,
	.dump = nic_dump,
	.read_back = nic_read_back,
	.usage = nic_usage,
};

/* --- somebody else --- */

void survivor_tell(const struct offload_event *ev)
{
	for (unsigned i = 0; i < ARRAY_SIZE(nics); i++)
		if (nics[i])
			offload_device_notify(&nics[i]->up, ev);
}

void survivor_tamper(struct survivor *w, struct ufid u, bool remove, bool tell)
{
	struct offload_event ev = { .kind = remove ? OFFLOAD_EV_RULE_GONE : OFFLOAD_EV_RULE_ALTERED,
				    .words = "by hand" };
	struct survivor_rule *r;

	survivor_lock(w);
	r = survivor_find(w->rules, u);
	if (r) {
		ev.handle = r->handle;
		if (remove)
			r->used = false;
		else
			r->acts_len = 0;
	}
	survivor_unlock(w);
	if (r && tell)
		survivor_tell(&ev);
}
