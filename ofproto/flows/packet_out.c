/* SPDX-License-Identifier: Apache-2.0 */
/* One packet of a controller's or of the switch's own through translation and out. */
#include <errno.h>

#include "core/base/clock.h"
#include "core/packet/parse.h"
#include "ofproto/flows/flows_priv.h"

/* Translates and counts.  False: no such bridge. */
static bool translate(struct flows *f, uint64_t bridge_id, struct xlate_in *in,
		      struct xlate_out *out, struct dp_port *in_dp)
{
	struct flow_stats one = { .packets = 1,
				  .bytes = in->packet->len,
				  .used_ns = clock_mono_ns(),
				  .tcp_flags = ntohs(in->key.tcp_flags) };
	const struct xl_port *p;

	pthread_rwlock_rdlock(&f->in_flight);
	rcu_read_lock();
	in->snap = flows_snapshot(f);
	in->bridge = xl_bridge_by_id(in->snap, bridge_id);
	if (!in->bridge) {
		rcu_read_unlock();
		pthread_rwlock_unlock(&f->in_flight);
		return false;
	}
	p = xl_port_by_ofp(in->bridge, flow_in_ofp(&in->key));
	in_dp->v = p ? p->dp.v : DP_PORT_NONE;
	xlate(in, out);
	rcu_read_unlock();
	effects_apply(&out->effects, &one);
	pthread_rwlock_unlock(&f->in_flight);
	return true;
}

static int send_out(struct flows *f, struct packet *p, const struct flow_key *md,
		    struct xlate_in *in, uint64_t bridge_id)
{
	struct dp_execute ex = { .packet = p, .done_with = true, .key = *md };
	struct xlate_out out;
	struct dp_port in_dp;
	int rc = 0;

	if (!translate(f, bridge_id, in, &out, &in_dp))
		return -ENODEV;
	ex.key.in_port = htonl(in_dp.v);
	ex.actions = xlate_actions_for_packet(&out);
	if (ex.actions.len)
		rc = f->dp->ops->execute(f->dp, &ex, 1) ? ex.result : 0;
	if (out.packet_ins) {
		f->ops.packet_in(f->ctx, out.packet_ins);
		out.packet_ins = NULL;
	}
	xlate_out_done(&out);
	return rc;
}

int flows_packet_out(struct flows *f, uint64_t bridge_id, const struct packet *packet,
		     const struct flow_key *md, struct ofpacts actions, bool has_actions)
{
	struct packet *copy;
	struct xlate_in in = { .key = *md, .actions = actions, .has_actions = has_actions };
	int rc;

	copy = packet_clone(packet);
	if (packet_parse(copy, &in.key, NULL) == PARSE_SHORT_ETH) {
		packet_free(copy);
		return -EINVAL;
	}
	in.packet = copy;
	rc = send_out(f, copy, md, &in, bridge_id);
	packet_free(copy);
	return rc;
}
