/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/offload/rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/random.h"
#include "core/base/xalloc.h"

#define WAIT_MS 10000

static void gone(void *ctx, struct engine_flow *f, void *aux, const struct flow_stats *final)
{
	struct rig *r = ctx;

	(void)f;
	(void)aux;
	r->gone_packets += final->packets; /* before it is seen to be gone */
	r->gone_flows++;
}

static void *adopted(void *ctx, struct engine_flow *f)
{
	struct rig *r = ctx;

	r->flows[r->n_flows++] = f;
	return r;
}

static void add_port(struct rig *r, unsigned i)
{
	char name[] = { 's', 'p', (char)('0' + i), '\0' };
	struct port_config cfg = { .name = name, .type = "survivor" };
	struct dp_port_info info;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(r->dp->ops->port_add(r->dp, &cfg, (struct dp_port){ DP_PORT_NONE },
					      &r->no[i], &err),
			 0);
	ck_assert_int_eq(r->dp->ops->port_get(r->dp, r->no[i], &info), 0);
	ck_assert_int_eq(engine_port_add(r->e, info.port, "survivor:a", &err), 0);
	port_unref(info.port);
}

static void open_rig(struct rig *r, bool hold)
{
	static const struct engine_ops ops = { .gone = gone };
	struct error err = ERROR_INIT;

	memset(r, 0, sizeof(*r));
	survivor_register();
	r->w = survivor_current() ? survivor_current() : survivor_new();
	ck_assert_int_eq(dp_type_find("survivor")->open("rig", &r->dp, &err), 0);
	r->e = engine_new(r->dp, &ops, r);
	engine_config_default(&r->cfg);
	r->cfg.stats_period_ms = 20;
	r->cfg.audit_period_ms = 0;
	r->cfg.min_residency_ms = 0;
	engine_configure(r->e, &r->cfg);
	if (hold)
		engine_hold(r->e);
	for (unsigned i = 0; i < RIG_PORTS; i++)
		add_port(r, i);
}

void rig_open_held(struct rig *r)
{
	open_rig(r, true);
}

void rig_open(struct rig *r, bool adopt)
{
	open_rig(r, adopt);
	if (adopt)
		ck_assert_int_eq(engine_adopt(r->e, adopted, r, &r->adopted), 0);
}

void rig_close(struct rig *r, bool leave)
{
	for (unsigned i = 0; i < r->n_flows; i++)
		engine_flow_unref(r->flows[i]);
	engine_free(r->e, leave);
	r->dp->ops->close(r->dp, leave);
}

void rig_end(struct rig *r)
{
	survivor_free(r->w);
}

void rig_match(const struct rig *r, unsigned in, uint32_t id, uint32_t recirc, struct match *m)
{
	struct flow_key k, mask;

	memset(&k, 0, sizeof(k));
	memset(&mask, 0, sizeof(mask));
	k.in_port = htonl(r->no[in].v);
	k.recirc_id = htonl(recirc);
	k.dl_type = htons(0x0800);
	k.nw_proto = 17;
	k.nw_src = htonl(0x0a000000 + id);
	mask.in_port = mask.recirc_id = mask.nw_src = UINT32_MAX;
	mask.dl_type = UINT16_MAX;
	mask.nw_proto = UINT8_MAX;
	match_init(m, &k, &mask);
}

void rig_actions(const struct rig *r, const char *text, struct buf *out)
{
	struct error err = ERROR_INIT;
	struct str s = STR_INIT;

	for (; *text; text++) {
		if (*text == '%')
			str_printf(&s, "%u", r->no[*++text - '0'].v);
		else
			str_putc(&s, *text);
	}
	ck_assert_msg(!dp_actions_parse(str_cstr(&s), out, &err), "%s: %s", str_cstr(&s),
		      err.cause);
	str_done(&s);
}

struct engine_flow *rig_put(struct rig *r, const struct match *m, const char *actions,
			    struct ufid *u)
{
	struct buf b = BUF_INIT;
	struct engine_put put = { .key = &m->key, .mask = &m->mask, .hw_ok = true };

	rig_actions(r, actions, &b);
	put.actions = dp_actions_of(&b);
	put.ufid = ufid_new();
	ck_assert_uint_eq(engine_put(r->e, &put, 1), 0);
	buf_done(&b);
	if (u)
		*u = put.ufid;
	return put.flow;
}

void rig_modify(struct rig *r, struct engine_flow *f, const char *actions)
{
	struct engine_modify mod = { .flow = f, .hw_ok = true };
	struct buf b = BUF_INIT;

	rig_actions(r, actions, &b);
	mod.actions = dp_actions_of(&b);
	ck_assert_uint_eq(engine_modify(r->e, &mod, 1), 0);
	buf_done(&b);
}

void rig_del(struct rig *r, struct engine_flow *f)
{
	engine_del(r->e, &f, 1);
	engine_flow_unref(f);
}

void rig_configure(struct rig *r)
{
	engine_configure(r->e, &r->cfg);
}

void rig_info(struct rig *r, struct ufid u, struct engine_flow_info *i)
{
	ck_assert_int_eq(engine_flow_info(r->e, u, i), 0);
	engine_flow_info_done(i);
}

void rig_wait(struct rig *r, struct ufid u, enum offload_state st, int reason)
{
	struct engine_flow_info i;

	for (unsigned ms = 0; ms < WAIT_MS; ms += 5) {
		rig_info(r, u, &i);
		if (i.state == st && (reason < 0 || (int)i.why.reason == reason))
			return;
		(void)usleep(5000);
	}
	ck_abort_msg("state %s (%s), not %s (%s)", offload_state_name[i.state],
		     offload_reason_table[i.why.reason].name, offload_state_name[st],
		     reason < 0 ? "any" : offload_reason_table[reason].name);
}

void rig_wait_packets(struct rig *r, struct engine_flow *f, uint64_t packets)
{
	struct flow_stats t;

	for (unsigned ms = 0; ms < WAIT_MS; ms += 5) {
		engine_refresh(r->e);
		engine_flow_total(f, &t);
		if (t.packets == packets)
			return;
		ck_assert_uint_le(t.packets, packets);
		(void)usleep(5000);
	}
	ck_abort_msg("%llu packets, not %llu", (unsigned long long)t.packets,
		     (unsigned long long)packets);
}

void rig_wait_gone(struct rig *r, uint64_t flows)
{
	for (unsigned ms = 0; ms < WAIT_MS && r->gone_flows < flows; ms++)
		(void)usleep(1000);
	ck_assert_uint_eq(r->gone_flows, flows);
}

uint64_t rig_tier(struct rig *r, struct ufid u, enum ledger_tier t)
{
	struct engine_flow_info i;

	rig_info(r, u, &i);
	return i.tier[t].packets;
}

void rig_device(struct rig *r, struct engine_device_info *d)
{
	ck_assert_uint_eq(engine_devices(r->e, d, 1), 1);
}

void rig_finish(struct rig *r)
{
	rig_close(r, false);
	rig_end(r);
}

uint64_t rig_total(struct rig *r, struct engine_flow *f)
{
	struct flow_stats t;

	engine_refresh(r->e);
	engine_flow_total(f, &t);
	return t.packets;
}
