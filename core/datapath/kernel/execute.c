/* SPDX-License-Identifier: Apache-2.0 */
/* Packets sent down with their actions.
 *
 * What the kernel has no words for (writing ARP or ND, say) is done here, one action after the
 * other, until what is left of the list the kernel can do. */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/kernel.h"
#include "core/datapath/kernel/key.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"

/* A request that is begun and holds everything but the packet's actions' success. */
static int add(struct kdp *d, struct nl_batch *b, const struct packet *p,
	       const struct flow_key *key, struct dp_actions acts)
{
	struct kdp_acts_ctx ctx = { .dl_type = key->dl_type,
				    .n_tags = kdp_acts_tags(key),
				    .pid = kdp_upcall_pid(d, flow_in_dp(key).v),
				    .features = &d->up.features };
	size_t nest;
	int rc;

	(void)kdp_add(b, d, &d->fam->packet, OVS_PACKET_CMD_EXECUTE, 0);
	nl_batch_quiet(b, false);
	nlattr_put(&b->buf, OVS_PACKET_ATTR_PACKET, p->data, p->len);
	nest = nlattr_nest(&b->buf, OVS_PACKET_ATTR_KEY);
	kdp_key_put_metadata(&b->buf, key);
	nlattr_nest_end(&b->buf, nest);
	nest = nlattr_nest(&b->buf, OVS_PACKET_ATTR_ACTIONS);
	rc = kdp_acts_put(&b->buf, acts, &ctx);
	nlattr_nest_end(&b->buf, nest);
	return rc;
}

/* ---- step by step ---- */

#define DROPPED 1 /* the packet has no such header: it, or its copy, ends here */
#define METERED 2 /* it was over a meter's rate, likewise */

static int send_now(struct kdp *d, struct kdp_work *w, const struct packet *p,
		    const struct flow_key *key, struct dp_actions acts)
{
	int rc;

	nl_batch_clear(&w->second);
	rc = add(d, &w->second, p, key, acts);
	if (!rc)
		rc = nl_chan_do(w->chan, &w->second);
	return rc ? rc : nl_batch_code(&w->second, 0);
}

static struct dp_actions only(const struct dp_action *a)
{
	return (struct dp_actions){ a, (uint32_t)dp_action_size(a) };
}

static struct dp_actions from(struct dp_actions list, const struct dp_action *a)
{
	const uint8_t *start = list.data, *here = (const uint8_t *)a;

	return (struct dp_actions){ a, list.len - (uint32_t)(here - start) };
}

static bool kernel_can(struct kdp *d, struct kdp_work *w, const struct flow_key *key,
		       struct dp_actions acts)
{
	struct kdp_acts_ctx ctx = { .dl_type = key->dl_type,
				    .n_tags = kdp_acts_tags(key),
				    .pid = 1,
				    .features = &d->up.features };

	nl_batch_clear(&w->second);
	return !kdp_acts_put(&w->second.buf, acts, &ctx);
}

/* Edits are ours to do; what leaves the packet as it is goes down at once; the rest would have to
 * see what the kernel makes of the packet. */
static bool is_edit(const struct dp_action *a)
{
	enum dp_action_kind kind = a->kind;
	const struct act_set *s = dp_action_payload(a);

	if (kind == DP_ACT_SET) /* where a packet shall go only the kernel can remember */
		return kdp_field_table[s->field].attr != OVS_KEY_ATTR_TUNNEL;
	return kind == DP_ACT_PUSH_VLAN || kind == DP_ACT_POP_VLAN || kind == DP_ACT_PUSH_MPLS ||
	       kind == DP_ACT_POP_MPLS || kind == DP_ACT_HASH;
}

static bool leaves_packet(enum dp_action_kind kind)
{
	return kind == DP_ACT_OUTPUT || kind == DP_ACT_USERSPACE || kind == DP_ACT_SAMPLE ||
	       kind == DP_ACT_RECIRC || kind == DP_ACT_CHECK_PKT_LEN || kind == DP_ACT_CLONE;
}

static bool nothing_leaves(struct exec_ctx *x UNUSED, struct packet *p UNUSED,
			   struct flow_key *key UNUSED, const struct dp_action *a UNUSED)
{
	return true;
}

static int step_by_step(struct kdp *d, struct kdp_work *w, struct packet *p, struct flow_key *key,
			struct dp_actions acts, unsigned depth);

static int nested(struct kdp *d, struct kdp_work *w, const struct packet *p,
		  const struct flow_key *key, struct dp_actions acts, unsigned depth)
{
	struct packet *copy = packet_clone(p);
	struct flow_key copy_key = *key;
	int rc = step_by_step(d, w, copy, &copy_key, acts, depth + 1);

	packet_free(copy);
	return rc > 0 ? 0 : rc;
}

static int drops_of(struct kdp *d, uint32_t id, uint64_t *n)
{
	struct dp_meter_stats st;
	int rc = kdp_meter_ops.get(&d->up, id, &st);

	*n = 0;
	for (unsigned i = 0; !rc && i < st.n_bands; i++)
		*n += st.bands[i].packets;
	return rc;
}

/* The kernel meters the packet and keeps its verdict for itself: that it was dropped, the meter's
 * count tells.  Where the meter drops another packet in between, this one goes with it. */
static int do_meter(struct kdp *d, struct kdp_work *w, const struct packet *p,
		    const struct flow_key *key, const struct dp_action *a)
{
	uint32_t id = ((const struct act_meter *)dp_action_payload(a))->id;
	uint64_t before, after;
	int rc = drops_of(d, id, &before);

	if (!rc)
		rc = send_now(d, w, p, key, only(a));
	if (!rc)
		rc = drops_of(d, id, &after);
	if (rc == -ENOENT)
		return METERED; /* no such meter */
	return rc ? rc : after != before ? METERED : 0;
}

static int do_one(struct kdp *d, struct kdp_work *w, struct packet *p, struct flow_key *key,
		  const struct dp_action *a, unsigned depth)
{
	struct exec_ctx x = { .side = nothing_leaves };
	const struct act_check_len *c = dp_action_payload(a);

	if (is_edit(a)) {
		actions_exec(&x, p, key, only(a));
		return x.dropped ? DROPPED : 0;
	}
	if (a->kind == DP_ACT_METER)
		return do_meter(d, w, p, key, a);
	if (a->kind == DP_ACT_CLONE && !kernel_can(d, w, key, only(a)))
		return nested(d, w, p, key, dp_action_nested(a, 0), depth);
	if (a->kind == DP_ACT_CHECK_PKT_LEN && !kernel_can(d, w, key, only(a)))
		return nested(d, w, p, key, dp_action_nested(a, p->len > c->len ? 0 : 1), depth);
	return leaves_packet(a->kind) ? send_now(d, w, p, key, only(a)) : -EOPNOTSUPP;
}

/* The output behind a trunc that the kernel has not been told. */
static int send_cut(struct kdp *d, struct kdp_work *w, const struct packet *p,
		    const struct flow_key *key, const struct dp_action *a, uint32_t cut)
{
	struct packet *copy = packet_clone(p);
	int rc;

	copy->len = MIN(copy->len, cut);
	rc = send_now(d, w, copy, key, only(a));
	packet_free(copy);
	return rc;
}

static int step_by_step(struct kdp *d, struct kdp_work *w, struct packet *p, struct flow_key *key,
			struct dp_actions acts, unsigned depth)
{
	const struct dp_action *a;
	uint32_t cut = 0; /* of the next output */
	int rc = 0;

	if (depth > DP_ACTIONS_MAX_DEPTH)
		return -EOPNOTSUPP;
	DP_ACTION_FOR_EACH (a, acts) {
		if (!cut && kernel_can(d, w, key, from(acts, a)))
			return send_now(d, w, p, key, from(acts, a));
		if (a->kind == DP_ACT_TRUNC) {
			cut = ((const struct act_trunc *)dp_action_payload(a))->max_len;
		} else if (a->kind == DP_ACT_OUTPUT && cut) {
			rc = send_cut(d, w, p, key, a, cut);
			cut = 0;
		} else {
			rc = do_one(d, w, p, key, a, depth);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- batches ---- */

static void add_one(struct kdp *d, struct kdp_work *w, struct dp_execute *ex)
{
	size_t i;
	int rc = dp_actions_check(ex->actions, NULL);

	(void)packet_parse(ex->packet, &ex->key, NULL); /* what it is; the kernel looks itself */
	if (!rc) {
		rc = add(d, &w->batch, ex->packet, &ex->key, ex->actions);
		i = w->batch.n - 1;
	} else {
		i = nl_batch_add(&w->batch, 0, 0);
	}
	if (rc)
		nl_batch_fail(&w->batch, i, rc);
}

static void do_here(struct kdp *d, struct kdp_work *w, struct dp_execute *ex)
{
	struct packet *copy = ex->done_with ? NULL : packet_clone(ex->packet);

	ex->result = step_by_step(d, w, copy ? copy : ex->packet, &ex->key, ex->actions, 0);
	if (ex->result > 0)
		ex->result = ex->result == DROPPED ? -EINVAL : 0;
	packet_free(copy);
}

unsigned kdp_execute(struct dp *dp, struct dp_execute *ex, size_t n)
{
	struct kdp *d = kdp_of(dp);
	unsigned failed = 0;
	int rc;
	struct kdp_work *w = kdp_work_get(d, &rc);

	for (size_t i = 0; i < n && w; i++)
		add_one(d, w, &ex[i]);
	if (w)
		(void)nl_chan_do(w->chan, &w->batch); /* each has its code */
	for (size_t i = 0; i < n; i++) {
		ex[i].result = w ? nl_batch_code(&w->batch, i) : rc;
		if (w && ex[i].result == -EOPNOTSUPP)
			do_here(d, w, &ex[i]);
		failed += ex[i].result != 0;
	}
	if (w)
		kdp_work_put(d, w);
	return failed;
}
