/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and the ways to their tunnels' far ends: which rule has which, and what becomes of it when
 * a way changes. */
#include <stdlib.h>

#include "core/base/ip_addr.h"
#include "core/base/xalloc.h"
#include "tc/device.h"
#include "tc/flower_tunnel.h"
#include "tc/paths.h"

struct ends {
	const struct flower_env *env;
	struct flower_tunnel tunnel; /* the header that is set by now */
	struct tc_path **path;       /* owned */
	size_t n, cap;
};

static void add(struct ends *e)
{
	const struct flow_tnl *t = &e->tunnel.value;
	struct be128 dst = t->dst ? ip_addr4(t->dst) : t->dst6;
	struct be128 src = t->src ? ip_addr4(t->src) : t->src6;
	struct tc_path *p = tc_path_get(&dst, &src);

	if (!p)
		return;
	if (e->n == e->cap)
		e->path = xgrow(e->path, &e->cap, e->n + 1, sizeof(struct tc_path *));
	e->path[e->n++] = p;
}

static void find_ends(struct ends *e, struct dp_actions acts)
{
	const struct dp_action *a;
	struct flower_port to;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_output *o = dp_action_payload(a);
		struct flower_tunnel saved = e->tunnel;

		if (a->kind == DP_ACT_SET) {
			(void)flower_tunnel_set(&e->tunnel,
						dp_action_payload(a)); /* it was taken */
		} else if (a->kind == DP_ACT_CLONE) {
			find_ends(e, dp_action_nested(a, 0));
			e->tunnel = saved;
		} else if (a->kind == DP_ACT_OUTPUT && e->env->port(e->env->ctx, o->port, &to) &&
			   flower_port_is_tunnel(&to)) {
			add(e);
		}
	}
}

void tc_rule_follow(struct tc_device *d, struct tc_rule *r, const struct flower_env *env,
		    struct dp_actions acts)
{
	struct ends e = { .env = env };

	if (!(env->features & FLOWER_F_DRIVER))
		return;
	find_ends(&e, acts);
	lock_take(&d->lock);
	r->paths = e.path;
	r->n_paths = e.n;
	lock_give(&d->lock);
}

void tc_rule_unfollow(struct tc_rule *r)
{
	for (size_t i = 0; i < r->n_paths; i++)
		tc_path_put(r->paths[i]);
	free(r->paths);
	r->paths = NULL;
	r->n_paths = 0;
}

bool tc_rule_is_open(const struct tc_rule *r)
{
	for (size_t i = 0; i < r->n_paths; i++)
		if (!tc_path_is_open(r->paths[i]))
			return false;
	return true;
}

/* --- changes --- */

struct change {
	const struct tc_path *path;
	bool first;
};

static bool goes(const struct tc_rule *r, const struct tc_path *p)
{
	for (size_t i = 0; i < r->n_paths; i++)
		if (r->paths[i] == p)
			return true;
	return false;
}

static void tell_device(struct tc_device *d, void *arg)
{
	const struct change *c = arg;
	struct offload_event ev = { .kind = OFFLOAD_EV_RULE_STALE };
	struct tc_rule *r;

	lock_take(&d->lock);
	HTABLE_FOR_EACH (r, struct tc_rule, node, &d->rules) {
		if (!goes(r, c->path) || (c->first && r->in_hw))
			continue;
		ev.handle = r->handle;
		offload_device_notify(&d->up, &ev);
	}
	lock_give(&d->lock);
}

void tc_follow_changed(const struct tc_path *p, bool first)
{
	struct change c = { p, first };

	tc_devices_each(tell_device, &c);
}
