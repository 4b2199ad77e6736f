/* SPDX-License-Identifier: Apache-2.0 */
/* The shared machine and its datapath; survivor_nic.c has the NIC. */
#include "tests/fake/survivor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "core/packet/parse.h"

#define RECIRC_DEPTH 8

static struct survivor *world;

struct survivor *survivor_new(void)
{
	struct survivor *w =
		mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;

	if (w == MAP_FAILED)
		abort();
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&w->m, &attr);
	pthread_mutexattr_destroy(&attr);
	w->next_handle = w->epoch = w->generation = 1;
	w->hw_max = SURVIVOR_FLOWS;
	world = w;
	return w;
}

void survivor_free(struct survivor *w)
{
	world = NULL;
	pthread_mutex_destroy(&w->m);
	(void)munmap(w, sizeof(*w));
}

struct survivor *survivor_current(void)
{
	return world;
}

void survivor_lock(struct survivor *w)
{
	if (pthread_mutex_lock(&w->m) == EOWNERDEAD)
		pthread_mutex_consistent(&w->m);
}

void survivor_unlock(struct survivor *w)
{
	pthread_mutex_unlock(&w->m);
}

/* --- packets --- */

static struct survivor_rule *look_up(struct survivor_rule *table, const struct flow_key *key)
{
	struct survivor_rule *tc = NULL;

	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++) {
		struct match m = { .key = table[i].key, .mask = table[i].mask };

		if (!table[i].used || !match_hits(&m, key))
			continue;
		if (table[i].in_hw)
			return &table[i]; /* ahead of what software has */
		tc = &table[i];
	}
	return tc;
}

static void miss(struct survivor *w, const struct flow_key *key, unsigned n)
{
	w->misses += n;
	for (unsigned i = 0; i < n; i++) {
		if (w->up_head - w->up_tail == SURVIVOR_UPCALLS) {
			w->misses_lost++;
			continue;
		}
		w->up[w->up_head++ % SURVIVOR_UPCALLS] = *key;
	}
}

/* Packets of one key on their way. */
struct trip {
	unsigned n;
	uint32_t len; /* bytes of each */
	unsigned depth;
	bool in_dp; /* the datapath has them */
};

static bool walk(struct survivor *w, struct flow_key key, struct trip t);

static void count(struct survivor_counts *c, uint32_t port, const struct trip *t)
{
	if (port >= SURVIVOR_PORTS)
		return;
	c[port].packets += t->n;
	c[port].bytes += (uint64_t)t->n * t->len;
}

static void put_out(struct survivor *w, uint32_t port, const struct trip *t)
{
	if (port < SURVIVOR_PORTS)
		w->tx[port] += t->n;
	count(w->out, port, t);
	if (t->in_dp)
		count(w->dp_out, port, t);
}

static bool carry_out(struct survivor *w, const struct flow_key *key, struct dp_actions acts,
		      struct trip t)
{
	const struct dp_action *a;
	struct flow_key again = *key;
	bool ok = true;

	if (!acts.len)
		w->dropped += t.n;
	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_output *o = dp_action_payload(a);
		const struct act_recirc *re = dp_action_payload(a);

		if (a->kind == DP_ACT_PUSH_VLAN || a->kind == DP_ACT_PUSH_MPLS)
			t.len += 4;
		if (a->kind == DP_ACT_POP_VLAN || a->kind == DP_ACT_POP_MPLS)
			t.len -= 4;
		if (a->kind == DP_ACT_OUTPUT)
			put_out(w, o->port.v, &t);
		if (a->kind == DP_ACT_CLONE)
			ok &= carry_out(w, key, dp_action_nested(a, 0), t);
		if (a->kind != DP_ACT_RECIRC)
			continue;
		again.recirc_id = htonl(re->id);
		ok &= walk(w, again, (struct trip){ t.n, t.len, t.depth + 1, t.in_dp });
	}
	return ok;
}

static bool walk(struct survivor *w, struct flow_key key, struct trip t)
{
	struct survivor_rule *r = t.in_dp ? NULL : look_up(w->rules, &key);
	struct dp_actions acts;

	if (!r && !t.in_dp) {
		t.in_dp = true;
		count(w->dp_in, flow_in_dp(&key).v, &t);
	}
	if (!r)
		r = look_up(w->flows, &key);
	if (!r || t.depth > RECIRC_DEPTH) {
		miss(w, &key, t.n);
		return false;
	}
	r->st.packets += t.n;
	r->st.bytes += (uint64_t)t.n * t.len;
	r->st.used_ns = clock_mono_ns();
	acts = (struct dp_actions){ r->acts_len ? r->acts : NULL, r->acts_len };
	return carry_out(w, &key, acts, t);
}

bool survivor_send(struct survivor *w, const struct flow_key *key, unsigned n)
{
	struct trip t = { .n = n, .len = SURVIVOR_PACKET_LEN };
	bool ok;

	survivor_lock(w);
	w->sent += n;
	count(w->in, flow_in_dp(key).v, &t);
	ok = walk(w, *key, t);
	survivor_unlock(w);
	return ok;
}

void survivor_execute(struct survivor *w, const struct flow_key *key, struct dp_actions acts,
		      unsigned n)
{
	struct trip t = { .n = n, .len = SURVIVOR_PACKET_LEN, .in_dp = true };

	survivor_lock(w);
	(void)carry_out(w, key, acts, t); /* a miss is counted and goes up */
	survivor_unlock(w);
}

struct survivor_rule *survivor_find(struct survivor_rule *table, struct ufid u)
{
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++)
		if (table[i].used && table[i].ufid.u[0] == u.u[0] && table[i].ufid.u[1] == u.u[1])
			return &table[i];
	return NULL;
}

bool survivor_rule(struct survivor *w, struct ufid u, struct survivor_rule *copy)
{
	const struct survivor_rule *r;

	survivor_lock(w);
	r = survivor_find(w->rules, u);
	if (r)
		*copy = *r;
	survivor_unlock(w);
	return r;
}

unsigned survivor_count(struct survivor *w, const struct survivor_rule *table)
{
	unsigned n = 0;

	survivor_lock(w);
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++)
		n += table[i].used;
	survivor_unlock(w);
	return n;
}

/* --- ports --- */

struct fake_dp {
	struct dp up;
	struct survivor *w;
	struct port *ports[SURVIVOR_PORTS];
	int fd;
};

static struct fake_dp *dp_of(struct dp *dp)
{
	return container_of(dp, struct fake_dp, up);
}

static void port_close(struct port *p)
{
	free(p);
}

static int port_state(struct port *p, struct port_state *st)
{
	*st = (struct port_state){ .admin_up = true, .carrier = true };
	return 0;
}

static const struct port_ops port_ops = { .type = "survivor",
					  .close = port_close,
					  .state = port_state };

static int dp_open(const char *name, struct dp **dpp, struct error *err)
{
	struct fake_dp *d = xzalloc(sizeof(*d));

	(void)err;
	d->up.ops = &survivor_dp_ops;
	(void)snprintf(d->up.name, sizeof(d->up.name), "%s", name);
	d->w = world;
	d->fd = eventfd(1, EFD_CLOEXEC); /* always readable: recv() naps itself */
	*dpp = &d->up;
	return 0;
}

static void dp_close(struct dp *dp, bool leave)
{
	struct fake_dp *d = dp_of(dp);

	for (unsigned i = 0; i < SURVIVOR_PORTS; i++)
		if (d->ports[i])
			port_unref(d->ports[i]);
	close(d->fd);
	free(d);
}

/* A name that was there keeps its number, as a vport does. */
static int dp_port_add(struct dp *dp, const struct port_config *cfg, struct dp_port wanted,
		       struct dp_port *no, struct error *err)
{
	struct fake_dp *d = dp_of(dp);
	uint32_t i, free_no = SURVIVOR_PORTS;

	(void)wanted;
	survivor_lock(d->w);
	for (i = SURVIVOR_PORTS; i-- > 1;) {
		if (!*d->w->ports[i])
			free_no = i;
		else if (!strcmp(d->w->ports[i], cfg->name))
			break;
	}
	if (!i)
		i = free_no;
	if (i < SURVIVOR_PORTS)
		(void)snprintf(d->w->ports[i], sizeof(d->w->ports[i]), "%s", cfg->name);
	survivor_unlock(d->w);
	if (i == SURVIVOR_PORTS)
		return error_set(err, ENOSPC, NULL, "no number is left");
	if (!d->ports[i]) {
		d->ports[i] = xzalloc(sizeof(struct port));
		port_init(d->ports[i], &port_ops, cfg->name);
		d->ports[i]->no.v = i;
		d->ports[i]->counts_datapath_only = d->w->blind_ports >> i & 1;
	}
	no->v = i;
	return 0;
}

static int dp_port_del(struct dp *dp, struct dp_port no)
{
	struct fake_dp *d = dp_of(dp);

	if (no.v >= SURVIVOR_PORTS || !d->ports[no.v])
		return -ENODEV;
	survivor_lock(d->w);
	*d->w->ports[no.v] = '\0';
	survivor_unlock(d->w);
	port_unref(d->ports[no.v]);
	d->ports[no.v] = NULL;
	return 0;
}

static int dp_port_get(struct dp *dp, struct dp_port no, struct dp_port_info *info)
{
	struct fake_dp *d = dp_of(dp);

	if (no.v >= SURVIVOR_PORTS || !d->ports[no.v])
		return -ENODEV;
	memset(info, 0, sizeof(*info));
	info->no = no;
	(void)snprintf(info->name, sizeof(info->name), "%s", d->ports[no.v]->name);
	info->port = port_ref(d->ports[no.v]);
	return port_state(info->port, &info->state);
}

/* --- flows --- */

static int set_actions(struct survivor_rule *r, struct dp_actions a)
{
	if (a.len > SURVIVOR_ACTIONS)
		return -EINVAL;
	if (a.len)
		memcpy(r->acts, a.data, a.len);
	r->acts_len = a.len;
	return 0;
}

bool survivor_change(struct survivor *w, struct ufid u, struct dp_actions acts)
{
	struct survivor_rule *f;
	bool ok;

	survivor_lock(w);
	f = survivor_find(w->flows, u);
	ok = f && !set_actions(f, acts);
	survivor_unlock(w);
	return ok;
}

/* Its words for what the flow (a copy) does: nothing comes of a last output to no port. */
static void reword(struct survivor *w, struct survivor_rule *f)
{
	struct buf b = BUF_INIT;

	if (!w->rewords)
		return;
	buf_put(&b, f->acts, f->acts_len);
	dp_actions_put_output(&b, (struct dp_port){ DP_PORT_NONE });
	(void)set_actions(f, dp_actions_of(&b)); /* one that is too long is told as it is */
	buf_done(&b);
}

static void tell(struct survivor *w, const struct survivor_rule *f, struct buf *told)
{
	struct survivor_rule copy = *f;

	if (!told)
		return;
	reword(w, &copy);
	buf_put(told, copy.acts, copy.acts_len);
}

static int put_flow(struct survivor *w, struct dp_flow_op *op)
{
	struct match m;

	match_init(&m, op->key, op->mask);
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++)
		if (w->flows[i].used && !memcmp(&w->flows[i].key, &m.key, sizeof(m.key)) &&
		    !memcmp(&w->flows[i].mask, &m.mask, sizeof(m.mask)))
			return -EEXIST;
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++) {
		struct survivor_rule *f = &w->flows[i];

		if (f->used)
			continue;
		memset(f, 0, sizeof(*f));
		f->ufid = op->ufid;
		f->key = m.key;
		f->mask = m.mask;
		if (set_actions(f, op->actions))
			return -EINVAL;
		f->used = true;
		return 0;
	}
	return -ENOSPC;
}

static int flow_op(struct survivor *w, struct dp_flow_op *op)
{
	struct survivor_rule *f = survivor_find(w->flows, op->ufid);

	if (w->no_memory) {
		w->no_memory--;
		return -ENOMEM;
	}
	if (op->kind == DP_FLOW_PUT)
		return f ? -EEXIST : put_flow(w, op);
	if (!f)
		return -ENOENT;
	op->stats = f->st;
	if (op->kind == DP_FLOW_MODIFY && set_actions(f, op->actions))
		return -EINVAL;
	tell(w, f, op->told);
	if (op->kind == DP_FLOW_DEL)
		f->used = false;
	return 0;
}

static unsigned dp_flow_batch(struct dp *dp, struct dp_flow_op *ops, size_t n)
{
	struct fake_dp *d = dp_of(dp);
	unsigned failed = 0;

	survivor_lock(d->w);
	for (size_t i = 0; i < n; i++) {
		ops[i].result = flow_op(d->w, &ops[i]);
		failed += ops[i].result < 0;
	}
	survivor_unlock(d->w);
	return failed;
}

static void take_time(struct survivor *w)
{
	uint64_t until = clock_thread_ns() + w->dump_works_ms * NSEC_PER_MSEC;

	(void)usleep(w->dump_naps_ms * 1000);
	while (clock_thread_ns() < until)
		continue;
}

static int dp_flow_dump(struct dp *dp, struct dp_dump *cur, struct dp_flow_rec *recs, size_t max)
{
	struct fake_dp *d = dp_of(dp);
	size_t n = 0;

	if (cur->priv && d->w->dump_interrupts) {
		d->w->dump_interrupts--;
		return -EINTR;
	}
	if (!cur->priv) {
		cur->priv = xzalloc(sizeof(d->w->flows));
		take_time(d->w);
	}
	survivor_lock(d->w);
	memcpy(cur->priv, d->w->flows, sizeof(d->w->flows)); /* actions are borrowed from here */
	survivor_unlock(d->w);
	for (; cur->pos[0] < SURVIVOR_FLOWS && n < max; cur->pos[0]++) {
		struct survivor_rule *f = (struct survivor_rule *)cur->priv + cur->pos[0];

		if (!f->used)
			continue;
		if (d->w->dump_omits) {
			d->w->dump_omits--;
			continue;
		}
		recs[n].ufid = f->ufid;
		recs[n].stats = f->st;
		recs[n].strange = false;
		if (cur->flags & (DP_DUMP_FULL | DP_DUMP_ACTIONS)) {
			reword(d->w, f);
			recs[n].key = f->key;
			recs[n].mask = f->mask;
			recs[n].actions =
				(struct dp_actions){ f->acts_len ? f->acts : NULL, f->acts_len };
		}
		n++;
	}
	return (int)n;
}

static void dp_flow_dump_end(struct dp *dp, struct dp_dump *cur)
{
	(void)dp;
	free(cur->priv);
	cur->priv = NULL;
}

/* --- packets to and from the switch --- */

static unsigned dp_execute(struct dp *dp, struct dp_execute *ex, size_t n)
{
	struct fake_dp *d = dp_of(dp);

	for (size_t i = 0; i < n; i++) {
		(void)packet_parse(ex[i].packet, &ex[i].key,
				   NULL); /* composed by us: well-formed */
		survivor_execute(d->w, &ex[i].key, ex[i].actions, 1);
		ex[i].result = 0;
	}
	return 0;
}

static int dp_set_handlers(struct dp *dp, unsigned n)
{
	(void)dp;
	return n == 1 ? 0 : -EINVAL;
}

static int dp_recv(struct dp *dp, unsigned handler, struct dp_upcall *out, unsigned max)
{
	struct fake_dp *d = dp_of(dp);
	unsigned n = 0;

	(void)handler;
	survivor_lock(d->w);
	for (; n < max && d->w->up_tail != d->w->up_head; n++) {
		out[n] = (struct dp_upcall){ .kind = UPCALL_MISS };
		out[n].key = d->w->up[d->w->up_tail++ % SURVIVOR_UPCALLS];
	}
	survivor_unlock(d->w);
	for (unsigned i = 0; i < n; i++)
		out[i].packet = packet_compose(&out[i].key, 18);
	if (!n)
		(void)usleep(1000);
	return (int)n;
}

static int dp_recv_fd(struct dp *dp, unsigned handler)
{
	(void)handler;
	return dp_of(dp)->fd;
}

static void dp_stats(struct dp *dp, struct dp_stats *st)
{
	memset(st, 0, sizeof(*st));
	st->misses = dp_of(dp)->w->misses;
}

const struct dp_ops survivor_dp_ops = {
	.type = "survivor",
	.shared = true,
	.open = dp_open,
	.close = dp_close,
	.port_add = dp_port_add,
	.port_del = dp_port_del,
	.port_get = dp_port_get,
	.flow_batch = dp_flow_batch,
	.flow_dump = dp_flow_dump,
	.flow_dump_end = dp_flow_dump_end,
	.execute = dp_execute,
	.set_handlers = dp_set_handlers,
	.recv = dp_recv,
	.recv_fd = dp_recv_fd,
	.stats = dp_stats,
};

void survivor_register(void)
{
	dp_register(&survivor_dp_ops, NULL);
	offload_provider_register(&survivor_nic_ops);
}
