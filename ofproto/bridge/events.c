/* SPDX-License-Identifier: Apache-2.0 */
/* What other threads have to say to controllers: packet-ins and removed rules, brought to the loop.
 */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

/* --- packet-ins: handler threads queue, the loop sends --- */

static void send_packet_in(struct backend *be, const struct xlate_packet_in *x)
{
	struct bridge *br = backend_bridge_by_id(be, x->bridge_id);
	struct ofconn_packet_in p = {
		.pin = {
			.data = x->packet->data,
			.len = x->packet->len,
			.total_len = x->packet->len,
			.buffer_id = OFP_NO_BUFFER_,
			.reason = x->reason,
			.table = x->table,
			.cookie = x->cookie,
			.md = x->md,
		},
		.controller_id = x->controller_id,
		.is_miss = x->is_miss,
	};

	if (br)
		ofconns_packet_in(br->conns, &p);
}

static void send_packet_ins(void *arg)
{
	struct backend *be = arg;
	struct xlate_packet_in *list, *p;

	lock_take(&be->pin_lock);
	list = be->pins;
	be->pins = NULL;
	be->pins_tail = &be->pins;
	be->n_pins = 0;
	be->pins_posted = false;
	lock_give(&be->pin_lock);
	for (p = list; p; p = p->next)
		send_packet_in(be, p);
	xlate_packet_in_free(list);
}

void backend_packet_in(void *backend, struct xlate_packet_in *list)
{
	struct backend *be = backend;
	bool post = false;
	unsigned n = 0;

	for (struct xlate_packet_in *p = list; p; p = p->next)
		n++;
	lock_take(&be->pin_lock);
	if (be->n_pins + n <= PACKET_INS_MAX) {
		*be->pins_tail = list;
		while (*be->pins_tail)
			be->pins_tail = &(*be->pins_tail)->next;
		be->n_pins += n;
		list = NULL;
		post = !be->pins_posted;
		be->pins_posted = true;
	} else {
		be->pins_dropped += n;
	}
	lock_give(&be->pin_lock);
	xlate_packet_in_free(list);
	if (post)
		loop_post(be->loop, send_packet_ins, be);
}

/* --- removed rules: told when the last packets that used them have been counted --- */

static void free_events(struct cds_list_head *list)
{
	struct removed_event *ev, *next;

	cds_list_for_each_entry_safe (ev, next, list, node) {
		cds_list_del(&ev->node);
		rule_unref(ev->rule);
		free(ev);
	}
}

static void send_removed(struct bridge *br, const struct removed_event *ev)
{
	struct ofp_flow_stats fs;
	struct ofp_flow_removed r;

	rcu_read_lock();
	tables_rule_stats(ev->rule, &fs);
	rcu_read_unlock();
	r = (struct ofp_flow_removed){
		.match = fs.match,
		.cookie = fs.cookie,
		.priority = fs.priority,
		.idle_timeout = fs.idle_timeout,
		.hard_timeout = fs.hard_timeout,
		.reason = ev->reason,
		.table = fs.table,
		.duration_ns = ev->at_ns - ev->rule->created_ns,
		.packets = fs.packets,
		.bytes = fs.bytes,
	};
	ofconns_flow_removed(br->conns, &r);
}

static void round_ended(void *arg);

/* With the lock held: the new events wait for the next whole round. */
static void begin_waiting(struct bridge *br) REQUIRES(&br->removed_lock)
{
	cds_list_splice(&br->removed_new, br->removed_wait.prev);
	CDS_INIT_LIST_HEAD(&br->removed_new);
	br->removed_waiting = true;
}

static void send_round(void *arg)
{
	struct bridge *br = arg;
	CDS_LIST_HEAD(due);
	struct removed_event *ev;
	bool more;

	lock_take(&br->removed_lock);
	cds_list_splice(&br->removed_wait, &due);
	CDS_INIT_LIST_HEAD(&br->removed_wait);
	br->removed_waiting = false;
	more = !cds_list_empty(&br->removed_new) && !br->going;
	if (more)
		begin_waiting(br);
	lock_give(&br->removed_lock);
	if (!br->going)
		cds_list_for_each_entry (ev, &due, node)
			send_removed(br, ev);
	free_events(&due);
	if (more)
		flows_after_round(br->be->flows, round_ended, br);
}

static void round_ended(void *arg) /* revalidator thread */
{
	struct bridge *br = arg;

	loop_post(br->be->loop, send_round, br);
}

/* A writer of the tables, its lock held. */
void bridge_rule_removed(void *bridge, struct rule *r, enum ofp_removed_reason reason)
{
	struct bridge *br = bridge;
	struct removed_event *ev;
	bool begin;

	if (!(r->flags & OFPFF_SEND_FLOW_REM_) || r->hidden || br->going)
		return;
	ev = xzalloc(sizeof(*ev));
	ev->rule = rule_ref(r);
	ev->reason = (uint8_t)reason;
	ev->at_ns = clock_mono_ns();
	lock_take(&br->removed_lock);
	cds_list_add_tail(&ev->node, &br->removed_new);
	begin = !br->removed_waiting;
	if (begin)
		begin_waiting(br);
	lock_give(&br->removed_lock);
	if (begin)
		flows_after_round(br->be->flows, round_ended, br);
}

void bridge_drop_removed(struct bridge *br)
{
	free_events(&br->removed_new);
	free_events(&br->removed_wait);
}
