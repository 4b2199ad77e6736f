/* SPDX-License-Identifier: Apache-2.0 */
/* Handler threads: upcalls in, megaflows and packets out.  A batch is translated in one RCU
 * section, installed in one call of the engine, then each packet is sent on. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/counter.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/base/xalloc.h"
#include "ofproto/flows/flows_priv.h"
#include "ofproto/xlate/pins.h"

LOG_MODULE("flows.handler");

#define HANDLER_BATCH 32

COUNTER_DEFINE(upcall_handled);
COUNTER_DEFINE(megaflow_added);

struct work {
	struct dp_upcall up;
	struct xlate_out out;
	struct megaflow *mf; /* being installed, or NULL */
	bool pinned;         /* xlate/pins.h */
	bool count;          /* the packet has not been switched yet: count it and send it on */
};

/* The tables are at fault: their owner is told, not for each packet. */
static void complain(const struct work *w)
{
	struct str s = STR_INIT;

	match_format_dp(&w->up.key, NULL, NULL, NULL, &s);
	log_warn_rl("a packet is dropped: %s: %s", xlate_error_text[w->out.error], str_cstr(&s));
	str_done(&s);
}

static void translate(struct handler *h, struct work *w, const struct xl_snapshot *snap)
{
	struct xlate_in in = { .snap = snap, .key = w->up.key, .packet = w->up.packet };

	xlate(&in, &w->out);
	w->pinned = xl_is_pinned(snap, &w->out.effects);
	w->count = w->up.kind == UPCALL_MISS || w->up.kind == UPCALL_SLOW_PATH;
	if (w->out.error == XLATE_OK)
		return;
	if (w->out.error == XLATE_NO_PORT) {
		h->no_port++;
		return;
	}
	h->xlate_errors[w->out.error]++;
	complain(w);
}

/* A port that no snapshot names yet gets no megaflow: its next packet asks again. */
static bool wants_megaflow(struct handler *h, const struct work *w)
{
	if (w->up.kind != UPCALL_MISS || xlate_is_stray(&w->out))
		return false;
	if (h->f->n_flows < h->f->limit)
		return true;
	h->over_limit++;
	return false;
}

void megaflow_hand_over(struct flows *f, struct megaflow *mf)
{
	uint64_t n = ++f->n_flows;

	counter_inc(megaflow_added);
	if (n > f->max_flows)
		f->max_flows = n;
	lock_take(&f->lock);
	cds_list_add_tail(&mf->node, &f->incoming);
	lock_give(&f->lock);
}

static void installed(struct handler *h, struct work *w, const struct engine_put *put, uint64_t seq)
{
	if (put->result == 0) {
		megaflow_init(w->mf, &w->out, seq);
		w->mf->ef = put->flow;
		megaflow_hand_over(h->f, w->mf);
		h->installed++;
		return;
	}
	free(w->mf);
	w->mf = NULL;
	if (put->result == -EEXIST) /* another packet of the same megaflow was quicker */
		h->duplicate++;
	else
		h->install_failed++;
}

static void install(struct handler *h, struct work *works, unsigned n, uint64_t seq)
{
	struct engine_put puts[HANDLER_BATCH];
	struct work *of[HANDLER_BATCH];
	unsigned n_puts = 0;

	for (unsigned i = 0; i < n; i++) {
		struct work *w = &works[i];

		if (!wants_megaflow(h, w))
			continue;
		w->mf = xzalloc(sizeof(*w->mf));
		w->mf->pinned = w->pinned;
		of[n_puts] = w;
		puts[n_puts++] = (struct engine_put){
			.ufid = ufid_new(),
			.key = &w->up.key,
			.mask = &w->out.mask,
			.actions = dp_actions_of(&w->out.actions),
			.hw_ok = !w->out.to_controller,
			.pinned = w->pinned,
			.aux = w->mf,
		};
	}
	if (!n_puts)
		return;
	(void)engine_put(h->f->engine, puts, n_puts); /* each has its result */
	for (unsigned i = 0; i < n_puts; i++)
		installed(h, of[i], &puts[i], seq);
}

/* The first packet counts itself; the megaflow's counters begin with the next one. */
static void count(struct handler *h, struct work *works, unsigned n)
{
	uint64_t now = clock_mono_ns(), packets = 0, bytes = 0;

	counter_add(upcall_handled, n);
	for (unsigned i = 0; i < n; i++) {
		struct flow_stats one = { .packets = 1,
					  .bytes = works[i].up.packet->len,
					  .used_ns = now,
					  .tcp_flags = ntohs(works[i].up.key.tcp_flags) };

		if (!works[i].count)
			continue;
		effects_apply(&works[i].out.effects, &one);
		packets++;
		bytes += one.bytes;
	}
	h->packets += packets;
	h->bytes += bytes;
}

static void send_on(struct flows *f, struct work *works, unsigned n)
{
	struct dp_execute ex[HANDLER_BATCH];
	unsigned n_ex = 0;

	for (unsigned i = 0; i < n; i++) {
		struct work *w = &works[i];
		struct dp_actions actions = xlate_actions_for_packet(&w->out);

		if (!w->count || !actions.len)
			continue;
		ex[n_ex].packet = w->up.packet;
		ex[n_ex].done_with = true;
		ex[n_ex].key = w->up.key;
		ex[n_ex++].actions = actions;
	}
	if (n_ex)
		(void)f->dp->ops->execute(f->dp, ex, n_ex); /* it counts what cannot be sent */
}

static void send_packet_ins(struct flows *f, struct xlate_out *out)
{
	if (!out->packet_ins)
		return;
	f->ops.packet_in(f->ctx, out->packet_ins);
	out->packet_ins = NULL;
	out->packet_ins_tail = &out->packet_ins;
}

static void process(struct handler *h, struct work *works, unsigned n)
{
	struct flows *f = h->f;
	const struct xl_snapshot *snap;
	uint64_t seq, after;

	pthread_rwlock_rdlock(&f->in_flight);
	rcu_read_lock();
	snap = flows_snapshot(f);
	seq = flows_seq(snap);
	for (unsigned i = 0; i < n; i++)
		translate(h, &works[i], snap);
	rcu_read_unlock();
	count(h, works, n);
	install(h, works, n, seq);
	rcu_read_lock();
	after = flows_seq(flows_snapshot(f));
	rcu_read_unlock();
	pthread_rwlock_unlock(&f->in_flight);
	if (after != seq)
		flows_kick(f);
	send_on(f, works, n);
	for (unsigned i = 0; i < n; i++) {
		send_packet_ins(f, &works[i].out);
		xlate_out_done(&works[i].out);
		packet_free(works[i].up.packet);
	}
	h->upcalls += n;
}

static void wait_for_word(struct handler *h)
{
	struct pollfd fd = { .fd = h->thread.wake_fd, .events = POLLIN };

	(void)poll(&fd, 1, 1000); /* spurious returns only look again */
	thread_woken(&h->thread);
}

static void wait_for_upcalls(struct handler *h)
{
	struct pollfd fds[2] = {
		{ .fd = h->f->dp->ops->recv_fd(h->f->dp, h->index), .events = POLLIN },
		{ .fd = h->thread.wake_fd, .events = POLLIN },
	};

	(void)poll(fds, 2, 1000); /* spurious returns only look again */
	if (fds[1].revents)
		thread_woken(&h->thread);
}

/* It has been switched. */
void flows_sampled(struct flows *f, const struct dp_upcall *up)
{
	if (f->ops.sample)
		f->ops.sample(f->ctx, up);
	else
		packet_free(up->packet);
}

/* Those to be translated; returns how many. */
static unsigned sort_out(struct handler *h, const struct dp_upcall *ups, unsigned n,
			 struct work *works)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		if (ups[i].kind == UPCALL_SFLOW) {
			h->upcalls++;
			flows_sampled(h->f, &ups[i]);
			continue;
		}
		works[left].up = ups[i];
		works[left++].mf = NULL;
	}
	return left;
}

void handler_main(struct thread *t, void *arg)
{
	struct handler *h = arg;
	struct work *works = xcalloc(HANDLER_BATCH, sizeof(*works));
	struct dp_upcall ups[HANDLER_BATCH];

	while (!t->stop) {
		int n;

		if (h->f->held || h->f->paused) {
			wait_for_word(h);
			continue;
		}
		n = h->f->dp->ops->recv(h->f->dp, h->index, ups, HANDLER_BATCH);

		if (n <= 0) {
			wait_for_upcalls(h);
			continue;
		}
		n = (int)sort_out(h, ups, (unsigned)n, works);
		if (n)
			process(h, works, (unsigned)n);
	}
	free(works);
}
