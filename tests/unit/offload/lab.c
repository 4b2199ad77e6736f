/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/offload/lab.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/datapath/user/dp_user.h"
#include "core/packet/parse.h"
#include "core/port/fake.h"
#include "offload/sim/sim.h"

#define WAIT_MS 5000

void lab_sleep_ms(unsigned ms)
{
	(void)usleep(ms * 1000);
}

/* --- profiles --- */

#define DIR_TEMPLATE "/tmp/shunt-lab-XXXXXX"
static char dir[sizeof(DIR_TEMPLATE)];

static const char *profile_dir(void)
{
	if (!*dir) {
		memcpy(dir, DIR_TEMPLATE, sizeof(dir));
		ck_assert_ptr_nonnull(mkdtemp(dir));
		ck_assert_int_eq(setenv("SHUNT_PROFILE_DIR", dir, 1), 0);
	}
	return dir;
}

static void profile_dir_remove(void)
{
	struct dirent *de;
	DIR *d;

	if (!*dir)
		return;
	d = opendir(dir);
	ck_assert_ptr_nonnull(d);
	while ((de = readdir(d)))
		if (de->d_name[0] != '.')
			ck_assert_int_eq(unlinkat(dirfd(d), de->d_name, 0), 0);
	(void)closedir(d);
	ck_assert_int_eq(rmdir(dir), 0);
	*dir = '\0';
}

static char *shipped(const char *name)
{
	const char *src = getenv("srcdir");
	char *path = xasprintf("%s/offload/sim/profiles/%s.conf", src ? src : ".", name);
	char *text = xzalloc(65536);
	FILE *f = fopen(path, "re");

	ck_assert_msg(f != NULL, "no %s", path);
	ck_assert_uint_gt(fread(text, 1, 65535, f), 0);
	(void)fclose(f);
	free(path);
	return text;
}

void lab_profile(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s.conf", profile_dir(), name);
	char *copy = text ? xstrdup(text) : shipped(name);
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(copy, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	free(copy);
	free(path);
}

void lab_profile_generic(const char *name, unsigned size, unsigned latency_us, unsigned lag_ms)
{
	char *generic = shipped("generic");
	char *text = xasprintf("%s\ntable_size = %u\ninsert_latency_us = %u\ncounter_lag_ms = %u\n",
			       generic, size, latency_us, lag_ms);

	lab_profile(name, text);
	free(text);
	free(generic);
}

/* --- opening and closing --- */

static void gone(void *ctx, struct engine_flow *f, void *aux, const struct flow_stats *final)
{
	struct lab *l = ctx;

	(void)f;
	(void)aux;
	atomic_fetch_add(&l->gone_packets, final->packets);
	atomic_fetch_add(&l->gone_bytes, final->bytes);
	atomic_fetch_add(&l->gone_flows, 1);
	l->last_gone_packets = final->packets;
}

static void add_port(struct lab *l, unsigned i, const char *prefix, const char *device,
		     bool discard)
{
	static const char *const keys[] = { "discard" };
	static const char *const values[] = { "true" };
	char *name = xasprintf("%s%u", prefix, i);
	struct port_config cfg = {
		.name = name, .type = "fake", .keys = keys, .values = values, .n_options = discard
	};
	struct error err = ERROR_INIT;
	int rc = l->dp->ops->port_add(l->dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &l->no[i],
				      &err);

	ck_assert_msg(!rc, "port %s: %s", name, err.cause);
	l->port[i] = fake_find(name);
	rc = engine_port_add(l->e, l->port[i], device, &err);
	ck_assert_msg(!rc, "port %s: %s", name, err.cause);
	free(name);
}

struct lab *lab_open(const char *prefix, const char *device, unsigned n_sim, bool discard,
		     void (*tune)(struct engine_config *cfg))
{
	static const struct engine_ops ops = { .gone = gone };
	struct lab *l = xzalloc(sizeof(*l));
	struct error err = ERROR_INIT;
	struct engine_config cfg;

	dp_user_init();
	ports_init();
	sim_register();
	ck_assert_int_eq(dp_type_find("netdev")->open(prefix, &l->dp, &err), 0);
	l->e = engine_new(l->dp, &ops, l);
	engine_config_default(&cfg);
	cfg.stats_period_ms = 20;
	cfg.min_residency_ms = 100;
	if (tune)
		tune(&cfg);
	engine_configure(l->e, &cfg);
	for (unsigned i = 0; i < LAB_PORTS; i++)
		add_port(l, i, prefix, i < n_sim ? device : NULL, discard);
	return l;
}

void lab_close(struct lab *l)
{
	for (unsigned i = 0; i < LAB_PORTS; i++) {
		engine_port_del(l->e, l->port[i]);
		port_unref(l->port[i]);
		ck_assert_int_eq(l->dp->ops->port_del(l->dp, l->no[i]), 0);
	}
	engine_free(l->e, false);
	l->dp->ops->close(l->dp, false);
	profile_dir_remove();
	free(l);
}

/* --- flows --- */

void lab_udp(struct lab *l, unsigned in, uint32_t id, struct match *m)
{
	struct flow_key k, mask;

	memset(&k, 0, sizeof(k));
	memset(&mask, 0, sizeof(mask));
	k.in_port = htonl(l->no[in].v);
	k.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 1, (uint8_t)in } };
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 2, (uint8_t)in } };
	k.dl_type = htons(0x0800);
	k.nw_proto = 17;
	k.nw_ttl = 64;
	k.nw_src = htonl(0x0a000000 + id);
	k.nw_dst = htonl(0x0b000000 + id);
	k.tp_src = htons(1000);
	k.tp_dst = htons(2000);
	mask.in_port = mask.recirc_id = UINT32_MAX;
	mask.dl_type = UINT16_MAX;
	mask.nw_proto = UINT8_MAX;
	mask.nw_frag = UINT8_MAX & (FLOW_FRAG_ANY | FLOW_FRAG_LATER);
	mask.nw_src = mask.nw_dst = UINT32_MAX;
	mask.tp_src = mask.tp_dst = UINT16_MAX;
	m->key = k; /* whole, so that packets can be made of it */
	m->mask = mask;
}

struct ufid lab_ufid(struct lab *l)
{
	uint64_t n = ++l->ufids;

	return (struct ufid){ { hash_u64(n, 1), n } };
}

void lab_actions(const struct lab *l, const char *text, struct buf *out)
{
	struct error err = ERROR_INIT;
	struct str s = STR_INIT;
	int rc;

	for (; *text; text++) {
		if (*text == '%' && text[1])
			str_printf(&s, "%u", l->no[*++text - '0'].v);
		else
			str_putc(&s, *text);
	}
	rc = dp_actions_parse(str_cstr(&s), out, &err);
	ck_assert_msg(!rc, "%s: %s", str_cstr(&s), err.cause);
	str_done(&s);
}

struct engine_flow *lab_put_actions(struct lab *l, const struct match *m, struct dp_actions acts,
				    bool hw_ok, struct ufid *ufid)
{
	struct engine_put put = { .ufid = lab_ufid(l),
				  .key = &m->key,
				  .mask = &m->mask,
				  .actions = acts,
				  .hw_ok = hw_ok };

	ck_assert_uint_eq(engine_put(l->e, &put, 1), 0);
	ck_assert_int_eq(put.result, 0);
	if (ufid)
		*ufid = put.ufid;
	return put.flow;
}

struct engine_flow *lab_put(struct lab *l, const struct match *m, const char *actions, bool hw_ok,
			    struct ufid *ufid)
{
	struct buf b = BUF_INIT;
	struct engine_flow *f;

	lab_actions(l, actions, &b);
	f = lab_put_actions(l, m, dp_actions_of(&b), hw_ok, ufid);
	buf_done(&b);
	return f;
}

void lab_modify(struct lab *l, struct engine_flow *f, const char *actions, bool hw_ok)
{
	struct buf b = BUF_INIT;
	struct engine_modify mod = { .flow = f, .hw_ok = hw_ok };

	lab_actions(l, actions, &b);
	mod.actions = dp_actions_of(&b);
	ck_assert_uint_eq(engine_modify(l->e, &mod, 1), 0);
	buf_done(&b);
}

void lab_del(struct lab *l, struct engine_flow *f)
{
	engine_del(l->e, &f, 1);
	engine_flow_unref(f);
}

/* --- packets --- */

void lab_send(struct lab *l, unsigned in, const struct flow_key *key, size_t payload, unsigned n)
{
	struct packet *p = packet_compose(key, payload);

	for (unsigned i = 0; i < n; i++)
		while (fake_inject(l->port[in], 0, p))
			(void)usleep(100);
	packet_free(p);
}

void lab_info(struct lab *l, struct ufid u, struct engine_flow_info *i)
{
	ck_assert_int_eq(engine_flow_info(l->e, u, i), 0);
}

void lab_wait_state(struct lab *l, struct ufid u, enum offload_state st, int reason)
{
	struct engine_flow_info i;

	for (unsigned ms = 0; ms < WAIT_MS; ms += 5) {
		lab_info(l, u, &i);
		engine_flow_info_done(&i);
		if (i.state == st && (reason < 0 || (int)i.why.reason == reason))
			return;
		lab_sleep_ms(5);
	}
	ck_abort_msg("state %s (%s), not %s (%s)", offload_state_name[i.state],
		     offload_reason_table[i.why.reason].name, offload_state_name[st],
		     reason < 0 ? "any" : offload_reason_table[reason].name);
}

void lab_wait_packets(struct lab *l, struct engine_flow *f, uint64_t packets)
{
	struct flow_stats t;

	for (unsigned ms = 0; ms < WAIT_MS; ms += 5) {
		engine_refresh(l->e);
		engine_flow_total(f, &t);
		if (t.packets == packets)
			return;
		ck_assert_uint_le(t.packets, packets);
		lab_sleep_ms(5);
	}
	ck_abort_msg("%llu packets, not %llu", (unsigned long long)t.packets,
		     (unsigned long long)packets);
}

uint64_t lab_tier(struct lab *l, struct ufid u, enum ledger_tier t)
{
	struct engine_flow_info i;

	lab_info(l, u, &i);
	engine_flow_info_done(&i);
	return i.tier[t].packets;
}

/* --- devices --- */

void lab_device(struct lab *l, struct engine_device_info *d)
{
	ck_assert_uint_ge(engine_devices(l->e, d, 1), 1);
}

void lab_fault(struct lab *l, int want, const char *words)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	const char *argv[8];
	char *copy = xstrdup(words), *save = NULL;
	struct str out = STR_INIT;
	struct error err = ERROR_INIT;
	int argc = 0, rc;

	for (char *w = strtok_r(copy, " ", &save); w && argc < 8; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	lab_device(l, d);
	rc = engine_device_command(l->e, d->name, argc, argv, &out, &err);
	ck_assert_msg(rc == want, "%s: %d (%s), not %d", words, rc, err.cause, want);
	ck_assert(want || out.len);
	str_done(&out);
	free(copy);
	free(d);
}
