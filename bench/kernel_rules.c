/* SPDX-License-Identifier: Apache-2.0 */
/* Megaflows into the kernel by the way that a switch's flows take, without a switch around it, for
 * measuring: runs where there are openvswitch and flower (a guest of tests/lab).
 *
 *   kernel_rules -i DEVICE -o DEVICE -n RULES [-p]
 *
 * Each rule takes UDP packets of one 5-tuple that come in at DEVICE i and sends them out of o, as
 * probe sends them.  RULES of them are given to the placement engine 32 at a time, as a handler
 * does: the engine puts each into the kernel's datapath and then, on its device's thread, into TC;
 * what the datapath's flows do is read once.
 * With -p (provider) they are given to the TC provider alone, in batches of 64, and are then read
 * back twice: their counters, as every 0.5 s, and each of them whole and compared with what was
 * asked for, as in an audit.
 *
 * Prints a line for each figure: its name, rules a second, CPU nanoseconds a rule of this process.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/xalloc.h"
#include "core/datapath/kernel/dp_kernel.h"
#include "core/port/linux_link.h"
#include "offload/engine.h"
#include "tc/tc.h"

#define PUT_BATCH 32u   /* HANDLER_BATCH */
#define APPLY_BATCH 64u /* of the engine's device thread */
#define READ_BATCH 256u
#define PLACED_MS 120000u

struct options {
	const char *in, *out;
	unsigned rules;
	bool provider;
};

static void die(const char *what, const struct error *err)
{
	char text[512];

	(void)fprintf(stderr, "kernel_rules: %s: %s\n", what,
		      err ? error_text(err, text, sizeof(text)) : "failed");
	exit(1);
}

/* ---- figures ---- */

struct meter {
	uint64_t wall_ns, cpu_ns;
};

static uint64_t cpu_ns(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * NSEC_PER_USEC;
}

static struct meter begin(void)
{
	return (struct meter){ clock_mono_ns(), cpu_ns() };
}

static void end(const char *name, const struct meter *m, unsigned n)
{
	uint64_t wall = clock_mono_ns() - m->wall_ns, cpu = cpu_ns() - m->cpu_ns;

	printf("%s %.0f %.0f\n", name, (double)n * 1e9 / (double)MAX(wall, UINT64_C(1)),
	       (double)cpu / n);
	(void)fflush(stdout);
}

/* ---- rules: what a table that reads the 5-tuple makes of probe's frames ---- */

struct rule {
	struct ufid ufid;
	struct flow_key key;
	uint64_t handle;
};

struct rules {
	struct rule *v;
	unsigned n;
	struct flow_key mask;
	struct buf actions;
};

static void rules_init(struct rules *r, unsigned n, struct dp_port in, struct dp_port out)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.in_port = htonl(in.v);
	k.dl_type = htons(0x0800);
	k.nw_dst = htonl(0x0a000002);
	k.nw_proto = 17;
	k.tp_src = htons(1024);
	k.tp_dst = htons(9);
	memset(&r->mask, 0, sizeof(r->mask));
	r->mask.in_port = UINT32_MAX;
	r->mask.recirc_id = UINT32_MAX;
	r->mask.dl_type = UINT16_MAX;
	r->mask.nw_src = r->mask.nw_dst = UINT32_MAX;
	r->mask.nw_proto = UINT8_MAX;
	r->mask.nw_frag = UINT8_MAX;
	r->mask.tp_src = r->mask.tp_dst = UINT16_MAX;
	buf_init(&r->actions);
	dp_actions_put_output(&r->actions, out);
	r->v = xcalloc(n, sizeof(*r->v));
	r->n = n;
	for (unsigned i = 0; i < n; i++) {
		r->v[i].key = k;
		r->v[i].key.nw_src = htonl(0x0a000000 | i);
		r->v[i].ufid = (struct ufid){ { random_u64(), random_u64() } };
	}
}

/* ---- the provider alone ---- */

struct end_port {
	struct port up;
	int ifindex;
};

static int end_state(struct port *p, struct port_state *st)
{
	return linux_link_state(container_of(p, struct end_port, up)->ifindex, st);
}

/* As the kernel datapath's: no rx. */
static const struct port_ops end_ops = { .type = "bench", .state = end_state };

static void end_open(struct end_port *p, uint32_t no, const char *device)
{
	memset(p, 0, sizeof(*p));
	port_init(&p->up, &end_ops, device);
	p->up.no.v = no;
	p->ifindex = (int)if_nametoindex(device);
}

static void fill(struct offload_req *reqs, const struct rules *r, unsigned first, unsigned n,
		 enum offload_req_kind kind)
{
	memset(reqs, 0, n * sizeof(*reqs));
	for (unsigned i = 0; i < n; i++) {
		const struct rule *rule = &r->v[first + i];

		offload_refusal_set(&reqs[i].refusal, OFFLOAD_OK);
		reqs[i].kind = kind;
		reqs[i].handle = rule->handle;
		reqs[i].rule = (struct offload_rule){ .ufid = rule->ufid,
						      .key = &rule->key,
						      .mask = &r->mask,
						      .actions = dp_actions_of(&r->actions),
						      .policy = OFFLOAD_POLICY_NONE };
	}
}

static void apply_all(struct offload_device *dev, struct rules *r, enum offload_req_kind kind)
{
	struct offload_req reqs[APPLY_BATCH];

	for (unsigned i = 0; i < r->n; i += APPLY_BATCH) {
		unsigned n = MIN(r->n - i, APPLY_BATCH);

		fill(reqs, r, i, n, kind);
		if (dev->ops->apply(dev, reqs, n))
			die("a rule is refused", NULL);
		for (unsigned j = 0; j < n; j++)
			r->v[i + j].handle = reqs[j].handle;
	}
}

static void read_counters(struct offload_device *dev, unsigned n)
{
	struct offload_stat recs[READ_BATCH];
	uint64_t cursor = 0;
	int got;

	while ((got = dev->ops->stats(dev, &cursor, recs, READ_BATCH)) > 0)
		n -= MIN(n, (unsigned)got);
	if (got < 0 || n)
		die("counters are missing", NULL);
}

/* Every rule is as it was asked for. */
static void read_whole(struct offload_device *dev, const struct rules *r)
{
	struct offload_dump_rec recs[READ_BATCH];
	uint64_t cursor = 0, sum = 0, want = 0;
	unsigned n = 0;
	int got;

	while ((got = dev->ops->dump(dev, &cursor, recs, READ_BATCH)) > 0)
		for (int i = 0; i < got; i++, n++)
			sum += recs[i].digest;
	for (unsigned i = 0; i < r->n; i++)
		want += offload_rule_digest(&r->v[i].key, &r->mask, dp_actions_of(&r->actions));
	if (got < 0 || n != r->n || sum != want)
		die("the kernel holds other rules", NULL);
}

static void run_provider(const struct options *o)
{
	const struct offload_provider_ops *ops = offload_provider_find("tc", 2);
	struct error err = ERROR_INIT;
	struct offload_device *dev;
	struct offload_caps caps;
	struct end_port ports[2];
	struct rules r;
	struct meter m;

	end_open(&ports[0], 1, o->in);
	end_open(&ports[1], 2, o->out);
	for (unsigned i = 0; i < 2; i++)
		if (ops->attach(&ports[i].up, "", &dev, &err))
			die(ports[i].up.name, &err);
	if (ops->caps(dev, &caps))
		die("no capabilities", NULL);
	rules_init(&r, o->rules, ports[0].up.no, ports[1].up.no);
	m = begin();
	apply_all(dev, &r, OFFLOAD_INSTALL);
	end("provider.insert", &m, r.n);
	m = begin();
	read_counters(dev, r.n);
	end("provider.counters", &m, r.n);
	m = begin();
	read_whole(dev, &r);
	end("provider.whole", &m, r.n);
	m = begin();
	apply_all(dev, &r, OFFLOAD_REMOVE);
	end("provider.remove", &m, r.n);
	for (unsigned i = 0; i < 2; i++)
		ops->detach(dev, &ports[i].up);
}

/* ---- the engine ---- */

static struct port *add_port(struct dp *dp, struct engine *e, const char *name)
{
	struct port_config cfg = { .name = name, .type = "" };
	struct error err = ERROR_INIT;
	struct dp_port_info info;
	struct dp_port no;

	if (dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no, &err))
		die(name, &err);
	if (dp->ops->port_get(dp, no, &info) || engine_port_add(e, info.port, "tc", &err))
		die(name, &err);
	return info.port;
}

static void put_all(struct engine *e, const struct rules *r, struct engine_flow **flows)
{
	struct engine_put puts[PUT_BATCH];

	for (unsigned i = 0; i < r->n; i += PUT_BATCH) {
		unsigned n = MIN(r->n - i, PUT_BATCH);

		for (unsigned j = 0; j < n; j++)
			puts[j] = (struct engine_put){ .ufid = r->v[i + j].ufid,
						       .key = &r->v[i + j].key,
						       .mask = &r->mask,
						       .actions = dp_actions_of(&r->actions),
						       .hw_ok = true };
		if (engine_put(e, puts, n))
			die("the datapath refuses a flow", NULL);
		for (unsigned j = 0; j < n; j++)
			flows[i + j] = puts[j].flow;
	}
}

/* As when the engine looks whether somebody else changed one. */
static void read_actions(struct dp *dp, unsigned n)
{
	struct dp_dump cur = { .flags = DP_DUMP_ACTIONS };
	struct dp_flow_rec recs[READ_BATCH];
	int got;

	while ((got = dp->ops->flow_dump(dp, &cur, recs, READ_BATCH)) > 0)
		n -= MIN(n, (unsigned)got);
	dp->ops->flow_dump_end(dp, &cur);
	if (got || n)
		die("flows of the datapath are missing", NULL);
}

static void run_engine(const struct options *o)
{
	struct engine_totals totals;
	struct engine_flow **flows = xcalloc(o->rules, sizeof(struct engine_flow *));
	struct error err = ERROR_INIT;
	struct port *ports[2];
	struct engine *e;
	struct rules r;
	struct meter m;
	struct dp *dp;

	dp_kernel_init();
	if (dp_type_find("system")->open("bench", &dp, &err))
		die("no datapath", &err);
	e = engine_new(dp, NULL, NULL);
	ports[0] = add_port(dp, e, o->in);
	ports[1] = add_port(dp, e, o->out);
	rules_init(&r, o->rules, ports[0]->no, ports[1]->no);
	m = begin();
	put_all(e, &r, flows);
	end("engine.put", &m, r.n);
	if (!engine_quiesce(e, PLACED_MS))
		die("not placed in time", NULL);
	end("engine.insert", &m, r.n);
	engine_totals(e, &totals);
	if (totals.flows[LEDGER_TC] != r.n)
		die("not all are in TC", NULL);
	m = begin();
	read_actions(dp, r.n);
	end("engine.actions", &m, r.n);
	m = begin();
	for (unsigned i = 0; i < r.n; i += PUT_BATCH)
		engine_del(e, flows + i, MIN(r.n - i, PUT_BATCH));
	if (!engine_quiesce(e, PLACED_MS))
		die("not removed in time", NULL);
	end("engine.remove", &m, r.n);
	for (unsigned i = 0; i < r.n; i++)
		engine_flow_unref(flows[i]);
	engine_free(e, false);
	for (unsigned i = 0; i < 2; i++)
		port_unref(ports[i]);
	dp->ops->close(dp, false);
}

/* ---- options ---- */

static int usage(void)
{
	(void)fprintf(stderr, "kernel_rules -i DEVICE -o DEVICE -n RULES [-p]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	int c;

	while ((c = getopt(argc, argv, "i:o:n:p")) != -1) {
		switch (c) {
		case 'i': o.in = optarg; break;
		case 'o': o.out = optarg; break;
		case 'n': o.rules = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'p': o.provider = true; break;
		default: return usage();
		}
	}
	if (!o.in || !o.out || !o.rules || o.rules >= 1u << 24)
		return usage();
	heap_set_up();
	tc_register();
	if (o.provider)
		run_provider(&o);
	else
		run_engine(&o);
	return 0;
}
