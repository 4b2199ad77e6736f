/* SPDX-License-Identifier: Apache-2.0 */
/* Commands: faults on purpose, and a look at the device. */
#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "offload/caps.h"
#include "offload/sim/sim_priv.h"

#define SLOW_MAX_MS 10000

struct call {
	struct sim *s;
	int argc; /* behind the words that chose the command */
	const char *const *argv;
	struct str *out;
	struct error *err;
};

static int usage(const struct call *c, const char *text)
{
	return error_set(c->err, EINVAL, NULL, "usage: fault %s", text);
}

static int number(const struct call *c, const char *text, uint64_t max, uint64_t *x)
{
	char *end;

	errno = 0;
	*x = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || *x > max)
		return error_set(c->err, EINVAL, NULL, "\"%.40s\" is not a number from 0 to %llu",
				 text, (unsigned long long)max);
	return 0;
}

/* --- full, slow, refuse, clear --- */

static int fault_full(struct call *c)
{
	uint64_t n = UINT64_MAX;
	int rc = c->argc ? number(c, c->argv[0], UINT32_MAX, &n) : 0;

	if (rc)
		return rc;
	lock_take(&c->s->lock);
	c->s->full = true;
	c->s->full_at = c->argc ? n : c->s->n_listed;
	n = c->s->full_at;
	lock_give(&c->s->lock);
	str_printf(c->out, "full at %llu entries\n", (unsigned long long)n);
	return 0;
}

static int fault_slow(struct call *c)
{
	uint64_t ms;
	int rc;

	if (c->argc != 1)
		return usage(c, "slow MS");
	rc = number(c, c->argv[0], SLOW_MAX_MS, &ms);
	if (rc)
		return rc;
	atomic_store(&c->s->slow_ms, (uint32_t)ms);
	str_printf(c->out, "each request takes %llu ms longer\n", (unsigned long long)ms);
	return 0;
}

static int fault_read(struct call *c)
{
	uint64_t ms;
	int rc;

	if (c->argc != 1)
		return usage(c, "read MS");
	rc = number(c, c->argv[0], SLOW_MAX_MS, &ms);
	if (rc)
		return rc;
	atomic_store(&c->s->read_ms, (uint32_t)ms);
	str_printf(c->out, "each reading of counters takes %llu ms longer\n",
		   (unsigned long long)ms);
	return 0;
}

static int action_by_name(const char *name, size_t len)
{
	for (int i = 0; i < DP_ACT_N_KINDS; i++)
		if (strlen(dp_action_table[i].name) == len &&
		    !memcmp(dp_action_table[i].name, name, len))
			return i;
	return -1;
}

static bool add_word(struct sim_refusal *r, const char *word, size_t len, bool fields, bool actions)
{
	const struct field *f = fields ? field_by_name(word, len) : NULL;
	int act = actions ? action_by_name(word, len) : -1;

	if (f) {
		caps_field_add(r->fields, f->id);
		r->field = (int)caps_field(f->id);
	} else if (act >= 0) {
		r->actions |= 1u << act;
		r->action = act;
	}
	return f || act >= 0;
}

static int fault_refuse(struct call *c)
{
	struct sim_refusal r = { .field = -1, .action = -1 };
	bool field, action, shape;
	int rc = 0;

	if (c->argc != 2)
		return usage(c, "refuse field|action|shape NAME[,NAME…]");
	field = !strcmp(c->argv[0], "field");
	action = !strcmp(c->argv[0], "action");
	shape = !strcmp(c->argv[0], "shape");
	for (const char *w = c->argv[1]; *w;) {
		size_t len = strcspn(w, ",");

		if (!add_word(&r, w, len, field || shape, action || shape))
			return error_set(c->err, EINVAL, NULL,
					 "\"%.*s\" is not a name to refuse %s by",
					 (int)MIN(len, (size_t)40), w, c->argv[0]);
		w += len + (w[len] == ',');
	}
	(void)snprintf(r.text, sizeof(r.text), "%s %.60s", c->argv[0], c->argv[1]);
	lock_take(&c->s->lock);
	if (c->s->n_refusals == SIM_REFUSALS)
		rc = error_set(c->err, ENOSPC, NULL, "%d refusals are on already", SIM_REFUSALS);
	else
		c->s->refusals[c->s->n_refusals++] = r;
	lock_give(&c->s->lock);
	if (!rc)
		str_printf(c->out, "refuses %s\n", r.text);
	return rc;
}

static uint32_t kinds_of(struct dp_actions acts)
{
	const struct dp_action *a;
	uint32_t kinds = acts.len ? 0 : 1u << DP_ACT_DROP;

	DP_ACTION_FOR_EACH (a, acts)
		kinds |= 1u << a->kind;
	return kinds;
}

static bool matches_field(const struct offload_rule *r, enum field_id id)
{
	const struct field *f = field_get(id);

	return !field_mask_is_zero(f, r->mask) &&
	       field_prereq_matched((enum field_prereq)f->prereq, r->key, r->mask);
}

static bool is_refused(const struct sim_refusal *no, const struct offload_rule *r)
{
	if ((kinds_of(r->actions) & no->actions) != no->actions)
		return false;
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		if (offload_caps_has(no->fields, i) && !matches_field(r, (enum field_id)i))
			return false;
	return true;
}

bool sim_refuses(const struct sim *s, const struct offload_rule *r, struct offload_refusal *why)
{
	for (unsigned i = 0; i < s->n_refusals; i++) {
		const struct sim_refusal *no = &s->refusals[i];

		if (!is_refused(no, r))
			continue;
		offload_refusal_set(why, OFFLOAD_DRIVER_REFUSED);
		why->field = no->field;
		why->action = no->action;
		(void)snprintf(why->driver, sizeof(why->driver), "sim: refuses %s", no->text);
		return true;
	}
	return false;
}

static int fault_clear(struct call *c)
{
	atomic_store(&c->s->slow_ms, 0);
	atomic_store(&c->s->read_ms, 0);
	lock_take(&c->s->lock);
	c->s->full = false;
	c->s->n_refusals = 0;
	c->s->caps_generation++;
	lock_give(&c->s->lock);
	str_puts(c->out, "no faults\n");
	return 0;
}

static int fault_reset(struct call *c)
{
	sim_reset(c->s);
	str_puts(c->out, "reset\n");
	return 0;
}

/* --- one rule --- */

static void forget(struct sim *s, struct sim_entry *e) REQUIRES(&s->lock)
{
	sim_unhook(s, e);
	s->n_listed--;
	e->listed = false;
}

static void mute(struct sim *s, struct sim_entry *e) REQUIRES(&s->lock)
{
	sim_unhook(s, e);
}

/* What sent drops; what dropped does so in other words. */
static void alter(struct sim *s, struct sim_entry *e) REQUIRES(&s->lock)
{
	struct sim_acts *old = e->acts;
	struct dp_actions none = { NULL, 0 };
	struct flow_key key, mask;
	struct buf b = BUF_INIT;

	if (!old->len) {
		struct act_drop d = { 0 };

		(void)dp_actions_put(&b, DP_ACT_DROP, &d, sizeof(d));
		none = dp_actions_of(&b);
	}
	(void)s;
	rcu_assign_pointer(e->acts, sim_acts_new(none));
	rcu_defer_free(old);
	mflow_match(&e->rule->m, &key, &mask);
	e->digest = offload_rule_digest(&key, &mask, none);
	buf_done(&b);
}

static void rewind_counter(struct sim *s, struct sim_entry *e) REQUIRES(&s->lock)
{
	(void)s;
	e->base_packets = e->packets;
	e->base_bytes = e->bytes;
}

struct rule_fault {
	const char *name;
	void (*fn)(struct sim *s, struct sim_entry *e);
};
static const struct rule_fault rule_faults[] = {
	{ "forget", forget },
	{ "alter", alter },
	{ "mute", mute },
	{ "rewind", rewind_counter },
};

static struct sim_entry *pick(struct sim *s, const struct ufid *u) REQUIRES(&s->lock)
{
	struct sim_entry *e;

	HTABLE_FOR_EACH (e, struct sim_entry, node, &s->entries)
		if (e->rule && e->listed &&
		    (!u || (e->ufid.u[0] == u->u[0] && e->ufid.u[1] == u->u[1])))
			return e;
	return NULL;
}

static int one_rule(struct call *c, const struct rule_fault *fault)
{
	char text[UFID_TEXT_LEN + 1];
	struct sim_entry *e;
	struct ufid u;
	bool any;

	if (c->argc != 1)
		return error_set(c->err, EINVAL, NULL, "usage: fault %s UFID|any", fault->name);
	any = !strcmp(c->argv[0], "any");
	if (!any && !offload_ufid_parse(c->argv[0], &u))
		return error_set(c->err, EINVAL, NULL, "\"%.40s\" is not a flow's ufid",
				 c->argv[0]);
	lock_take(&c->s->lock);
	e = pick(c->s, any ? NULL : &u);
	if (e) {
		fault->fn(c->s, e);
		u = e->ufid;
	}
	lock_give(&c->s->lock);
	if (!e)
		return error_set(c->err, ENOENT, NULL, "%s holds no such rule", c->s->up.name);
	str_printf(c->out, "%s %s\n", fault->name, offload_ufid_print(u, text));
	return 0;
}

/* --- looking at it, and the way to a command --- */

static int status(struct call *c)
{
	static const char *const names[SIM_N_DROPS] = { "no_port", "port_config", "edit" };
	struct sim *s = c->s;

	str_printf(c->out, "%s: profile %s (%s)\n", s->up.name, s->profile.name,
		   s->profile.description);
	lock_take(&s->lock);
	str_printf(c->out, "entries %llu of %llu, epoch %llu, capabilities %llu\n",
		   (unsigned long long)s->n_listed, (unsigned long long)s->profile.caps.capacity,
		   (unsigned long long)s->epoch, (unsigned long long)s->caps_generation);
	if (s->full)
		str_printf(c->out, "fault: full at %llu\n", (unsigned long long)s->full_at);
	if (s->slow_ms)
		str_printf(c->out, "fault: slow %u ms\n", (unsigned)s->slow_ms);
	if (s->read_ms)
		str_printf(c->out, "fault: read %u ms\n", (unsigned)s->read_ms);
	for (unsigned i = 0; i < s->n_refusals; i++)
		str_printf(c->out, "fault: refuse %s\n", s->refusals[i].text);
	lock_give(&s->lock);
	for (unsigned i = 0; i < SIM_N_DROPS; i++)
		str_printf(c->out, "drops %s %llu\n", names[i], (unsigned long long)s->drops[i]);
	return 0;
}

struct verb {
	const char *name;
	int (*fn)(struct call *c);
};
static const struct verb faults[] = {
	{ "full", fault_full },     { "slow", fault_slow },   { "read", fault_read },
	{ "refuse", fault_refuse }, { "reset", fault_reset }, { "clear", fault_clear },
};

static int fault(struct call *c)
{
	const char *name;

	if (!c->argc)
		return usage(c, "full|slow|read|refuse|reset|forget|alter|mute|rewind|clear …");
	name = c->argv[0];
	c->argc--;
	c->argv++;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(faults[i].name, name))
			return faults[i].fn(c);
	for (size_t i = 0; i < ARRAY_SIZE(rule_faults); i++)
		if (!strcmp(rule_faults[i].name, name))
			return one_rule(c, &rule_faults[i]);
	return error_set(c->err, EINVAL, NULL, "no fault \"%.40s\"", name);
}

int sim_command(struct offload_device *dev, int argc, const char *const argv[], struct str *out,
		struct error *err)
{
	struct call c = { sim_of(dev), argc - 1, argv + 1, out, err };

	if (argc == 1 && !strcmp(argv[0], "status"))
		return status(&c);
	if (argc >= 1 && !strcmp(argv[0], "fault"))
		return fault(&c);
	return error_set(err, EINVAL, NULL, "sim knows the commands \"fault …\" and \"status\"");
}
