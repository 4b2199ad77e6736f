/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/export/sflow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/htable.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "ofproto/export/sflow_target.h"
#include "ofproto/export/sflow_wire.h"

LOG_MODULE("sflow");

#define LOOK_AGAIN 5          /* ticks, for addresses */
#define IFINDEX_MAX 0xffffffu /* of a source and of an interface in this form of sample */
#define UNKNOWN_INTERFACE 0u
#define SOURCES_MAX 65536u

struct source { /* of samples: a port */
	struct hnode node;
	uint32_t ifindex;
	uint32_t flow_sequence, counter_sequence, pool;
	uint64_t seen; /* tick of the last visit or sample */
};

struct target {
	char *text; /* owned */
	int fd;     /* -1: none */
};

struct sflow {
	struct loop *loop;
	struct loop_timer *tick;
	const struct sflow_ops *ops;
	void *ctx;
	uint64_t started_ns, ticks;
	uint32_t sub_agent, sequence;
	uint32_t polling_s;

	char *agent_text; /* owned; NULL: by route */
	struct be128 agent;
	bool on;
	struct target targets[SFLOW_TARGETS_MAX];
	size_t n_targets;
	char error[400];

	struct htable sources;
	struct sflow_datagram out;
	uint32_t flows_in_out; /* samples of packets among its samples */
	struct sflow_stats stats;
};

/* --- sending --- */

static void send_out(struct sflow *s)
{
	if (!s->out.len || !s->out.n_samples)
		return;
	sflow_end(&s->out, ++s->sequence,
		  (uint32_t)((clock_mono_ns() - s->started_ns) / NSEC_PER_MSEC));
	for (size_t i = 0; i < s->n_targets; i++) {
		const struct target *t = &s->targets[i];

		if (t->fd < 0)
			continue;
		if (send(t->fd, s->out.data, s->out.len, 0) >= 0) {
			s->stats.datagrams++;
			continue;
		}
		s->stats.lost++;
		log_info_rl("%s: a datagram is lost: %s", t->text, strerror(errno));
	}
	s->stats.samples += s->flows_in_out;
	s->stats.counter_samples += s->out.n_samples - s->flows_in_out;
	s->flows_in_out = 0;
	s->out.len = 0;
}

static void begin(struct sflow *s)
{
	if (!s->out.len)
		sflow_begin(&s->out, &s->agent, s->sub_agent);
}

static void begin_next(struct sflow *s)
{
	send_out(s);
	begin(s);
}

/* --- sources --- */

static struct source *find_source(struct sflow *s, uint32_t ifindex)
{
	uint64_t hash = hash_u64(ifindex, 0);
	struct source *x;

	HTABLE_FOR_EACH_WITH (x, struct source, node, hash, &s->sources)
		if (x->ifindex == ifindex)
			return x;
	if (s->sources.n >= SOURCES_MAX)
		return NULL;
	x = xzalloc(sizeof(*x));
	x->ifindex = ifindex;
	htable_insert(&s->sources, &x->node, hash);
	return x;
}

/* Ports that were not there for a minute: their numbers begin anew when they come back. */
static void forget_sources(struct sflow *s, bool all)
{
	struct hnode *n, *next;

	for (n = htable_first(&s->sources); n; n = next) {
		struct source *x = container_of(n, struct source, node);

		next = htable_next(&s->sources, n);
		if (!all && x->seen + 60 > s->ticks)
			continue;
		htable_remove(&s->sources, n);
		free(x);
	}
}

/* --- samples --- */

static uint32_t interface(uint32_t ifindex)
{
	return ifindex <= IFINDEX_MAX ? ifindex : UNKNOWN_INTERFACE;
}

static uint32_t output_of(const struct sflow_sample *x)
{
	if ((x->what.output & SFLOW_OUT_FORM) == SFLOW_OUT_PORT)
		return interface(x->out_ifindex);
	return x->what.output;
}

void sflow_put(struct sflow *s, const struct sflow_sample *x)
{
	struct source *from;
	struct sflow_flow_sample f = {
		.rate = x->what.rate,
		.drops = (uint32_t)s->stats.drops,
		.input = interface(x->in_ifindex),
		.output = output_of(x),
		.frame_len = x->frame_len,
		.header = x->data,
		.header_len = x->data_len,
		.in_tci = x->in_tci,
		.out_tci = x->what.retagged ? x->what.tci : x->in_tci,
	};

	if (!s->on)
		return;
	from = find_source(s, interface(x->in_ifindex));
	if (!from) {
		s->stats.drops++;
		return;
	}
	from->seen = s->ticks;
	from->pool += x->what.rate;
	f.source = from->ifindex;
	f.sequence = ++from->flow_sequence;
	f.pool = from->pool;
	begin(s);
	if (!sflow_put_flow(&s->out, &f)) {
		begin_next(s);
		if (!sflow_put_flow(&s->out, &f))
			return; /* cannot be: an empty one has room */
	}
	s->flows_in_out++;
}

void sflow_dropped(struct sflow *s, uint64_t n)
{
	s->stats.drops += n;
}

/* --- counters --- */

static void put_counters(struct sflow *s, struct source *from, const struct port_state *st,
			 void *port)
{
	struct port_stats n = { 0 };
	struct sflow_counter_sample c;

	if (s->ops->port_stats(s->ctx, port, &n))
		return; /* the device is going */
	c = (struct sflow_counter_sample){
		.sequence = ++from->counter_sequence,
		.ifindex = from->ifindex,
		.speed_bps = st->speed_bps,
		.duplex_known = st->speed_bps != 0,
		.full_duplex = st->full_duplex,
		.admin_up = st->admin_up,
		.oper_up = st->admin_up && st->carrier,
		.rx_bytes = n.rx_bytes,
		.tx_bytes = n.tx_bytes,
		.rx_packets = n.rx_packets,
		.tx_packets = n.tx_packets,
		.rx_dropped = n.rx_dropped,
		.tx_dropped = n.tx_dropped,
		.rx_errors = n.rx_errors,
		.tx_errors = n.tx_errors,
		.ethernet = st->speed_bps != 0,
		.alignment_errors = n.rx_frame_err,
		.fcs_errors = n.rx_crc_err,
		.overruns = n.rx_over_err,
	};
	begin(s);
	if (!sflow_put_counters(&s->out, &c)) {
		begin_next(s);
		if (!sflow_put_counters(&s->out, &c))
			return; /* cannot be: an empty one has room */
	}
}

void sflow_visit(struct sflow *s, const struct port_state *st, void *port)
{
	uint32_t ifindex = (uint32_t)st->ifindex;
	struct source *from;

	if (!ifindex || ifindex > IFINDEX_MAX)
		return;
	from = find_source(s, ifindex);
	if (!from)
		return;
	from->seen = s->ticks;
	if (s->polling_s && ifindex % s->polling_s == s->ticks % s->polling_s)
		put_counters(s, from, st, port);
}

/* --- addresses --- */

static void open_targets(struct sflow *s)
{
	for (size_t i = 0; i < s->n_targets; i++) {
		struct target *t = &s->targets[i];
		struct error why = ERROR_INIT;
		struct sflow_address a;
		int rc;

		if (t->fd >= 0)
			continue;
		rc = sflow_target_parse(t->text, &a, &why);
		if (rc) {
			snprintf(s->error, sizeof(s->error), "%s: %s", why.field, why.cause);
			continue;
		}
		t->fd = sflow_target_open(&a);
		if (t->fd < 0)
			snprintf(s->error, sizeof(s->error),
				 "targets: no way to %s: %s: it needs a route", t->text,
				 strerror(-t->fd));
	}
}

static bool find_address(struct sflow *s, struct be128 *ip)
{
	struct error why = ERROR_INIT;

	if (s->agent_text) {
		if (!sflow_agent_address(s->agent_text, ip, &why))
			return true;
		snprintf(s->error, sizeof(s->error), "%s: %s", why.field, why.cause);
		return false;
	}
	for (size_t i = 0; i < s->n_targets; i++)
		if (s->targets[i].fd >= 0 && !sflow_local_address(s->targets[i].fd, ip))
			return true;
	if (!*s->error)
		snprintf(s->error, sizeof(s->error), "%s",
			 s->n_targets ? "agent: the address cannot be told from the targets: set it"
				      : "targets: there are none: name a collector");
	return false;
}

static bool any_target(const struct sflow *s)
{
	for (size_t i = 0; i < s->n_targets; i++)
		if (s->targets[i].fd >= 0)
			return true;
	return false;
}

static void look(struct sflow *s)
{
	struct be128 ip = s->agent;
	char was[sizeof(s->error)];
	bool on;

	memcpy(was, s->error, sizeof(was));
	*s->error = '\0';
	open_targets(s);
	on = find_address(s, &ip) && any_target(s);
	if (!ip_addr_equal(&ip, &s->agent))
		send_out(s); /* under the address that it was begun with */
	s->agent = ip;
	if (on == s->on && !strcmp(was, s->error))
		return;
	s->on = on;
	if (*s->error)
		log_warn("%s", s->error);
	s->ops->changed(s->ctx);
}

static void on_tick(void *arg)
{
	struct sflow *s = arg;

	s->ticks++;
	if (s->ticks % LOOK_AGAIN == 0)
		look(s);
	if (s->on)
		s->ops->ports(s->ctx, s);
	send_out(s);
	if (s->ticks % 60 == 0)
		forget_sources(s, false);
}

/* --- life --- */

struct sflow *sflow_new(struct loop *loop, uint32_t sub_agent, const struct sflow_ops *ops,
			void *ctx)
{
	struct sflow *s = xzalloc(sizeof(*s));

	s->loop = loop;
	s->ops = ops;
	s->ctx = ctx;
	s->sub_agent = sub_agent;
	s->started_ns = clock_mono_ns();
	htable_init(&s->sources);
	s->tick = loop_timer_new(loop, on_tick, s);
	loop_timer_every(s->tick, NSEC_PER_SEC);
	return s;
}

static void close_targets(struct sflow *s)
{
	for (size_t i = 0; i < s->n_targets; i++) {
		if (s->targets[i].fd >= 0)
			close(s->targets[i].fd);
		free(s->targets[i].text);
	}
	s->n_targets = 0;
}

void sflow_free(struct sflow *s)
{
	if (!s)
		return;
	send_out(s);
	loop_timer_free(s->tick);
	close_targets(s);
	forget_sources(s, true);
	htable_done(&s->sources);
	free(s->agent_text);
	free(s);
}

static bool same_targets(const struct sflow *s, const struct sflow_config *cfg, size_t n)
{
	if (n != s->n_targets)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(s->targets[i].text, cfg->targets[i]))
			return false;
	return true;
}

static void set_targets(struct sflow *s, const struct sflow_config *cfg)
{
	size_t n = MIN(cfg->n_targets, (size_t)SFLOW_TARGETS_MAX);

	if (n < cfg->n_targets)
		log_warn_rl("%zu targets: the first %d are told", cfg->n_targets,
			    SFLOW_TARGETS_MAX);
	if (same_targets(s, cfg, n))
		return;
	send_out(s);
	close_targets(s);
	for (; s->n_targets < n; s->n_targets++)
		s->targets[s->n_targets] =
			(struct target){ xstrdup(cfg->targets[s->n_targets]), -1 };
}

void sflow_configure(struct sflow *s, const struct sflow_config *cfg)
{
	s->polling_s = cfg->polling_s;
	set_targets(s, cfg);
	free(s->agent_text);
	s->agent_text = cfg->agent ? xstrdup(cfg->agent) : NULL;
	look(s);
}

bool sflow_is_on(const struct sflow *s)
{
	return s->on;
}

const char *sflow_error(const struct sflow *s)
{
	return s->error;
}

void sflow_get_stats(const struct sflow *s, struct sflow_stats *st)
{
	*st = s->stats;
}
