/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what the kernel is asked for, and what its answers mean.
 *
 * Requests of one kind that follow each other go to the kernel in one send.  A replacement is two:
 * the new rule, under another priority, and when that stands the removal of the old one.
 *
 * A rule with meters is in hardware alone or in software alone, because its police actions are
 * (police.h): hardware is asked first, and where the policy leaves it open software takes what that
 * refuses, or what needs its software path. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "tc/chains.h"
#include "tc/device.h"
#include "tc/flower_number.h"
#include "tc/kernel.h"
#include "tc/meters.h"

LOG_MODULE("tc.rules");

#define CALL_NS (200 * NSEC_PER_MSEC) /* then the rest of a call is put off */
#define RULE_BYTES 512u               /* more than a rule's match and actions mostly take */
#define SEGMENT 64u                   /* requests in one go: some milliseconds */

struct op {
	struct offload_req *req;
	struct tc_rule *rule; /* INSTALL, REPLACE: the new one */
	struct tc_rule *old;  /* REPLACE, REMOVE */
	size_t msg;
	uint32_t in_hw_count; /* of the new one */
	bool sent;
	bool metered, software; /* has meters; they are software's */
	bool make_room;         /* REPLACE: the old rule has to go first */
	struct tc_leave leave;
};

/* --- planning --- */

/* Where the rule's packets come in; NULL and the refusal. */
static struct tc_port *port_in(struct tc_device *d, const struct offload_rule *r,
			       struct offload_refusal *why)
{
	struct tc_port *p = tc_port_get(d->kernel, flow_in_dp(r->key));

	if (p && p->dev == d)
		return p;
	if (p)
		tc_port_put(p);
	(void)flower_refuse(why, OFFLOAD_NO_DEVICE, -1, -1);
	return NULL;
}

static int translate(struct tc_device *d, const struct offload_rule *r, bool hw_only, struct buf *b,
		     struct flower_match *m, struct offload_refusal *why)
{
	struct flower_env env;
	int rc;

	if (hw_only)
		tc_env_hw_only(d, r->policy, &env);
	else
		tc_env(d, r->policy, &env);
	rc = flower_match_put(&env, r, flower_actions_want_whole(r->actions), b, m, why);
	return rc ? rc : flower_actions_put(&env, r, m, b, why);
}

static uint32_t cost_of(struct tc_device *d, const struct offload_rule *rule)
{
	struct tc_port *p = tc_port_get(d->kernel, flow_in_dp(rule->key));
	uint32_t cost = 1;

	if (p) {
		cost = tc_port_cost(p);
		tc_port_put(p);
	}
	return cost;
}

/* Neither the driver nor software could take it. */
static int fits_kernel(const struct buf *options, struct offload_refusal *why)
{
	uint32_t parts = tc_kernel_wants(options->data, options->len);

	if (!parts)
		return 0;
	(void)flower_refuse(why, OFFLOAD_KERNEL_LACKS, -1, -1);
	tc_kernel_words(parts, why->driver, sizeof(why->driver));
	return -EOPNOTSUPP;
}

int tc_plan(struct offload_device *dev, const struct offload_rule *rule, struct offload_plan *plan)
{
	struct tc_device *d = tc_of(dev);
	struct buf b = BUF_INIT;
	struct flower_match m;
	int rc;

	plan->cost = cost_of(d, rule);
	if (!d->kernel && offload_needs_software(rule->mask, rule->actions))
		return flower_refuse(&plan->refusal, OFFLOAD_NEEDS_SOFTWARE,
				     rule->mask->ct_state ? FIELD_CT_STATE : -1,
				     rule->mask->ct_state ? -1 : DP_ACT_CT);
	buf_put_uninit(&b, RULE_BYTES); /* grows once */
	buf_clear(&b);
	rc = translate(d, rule, false, &b, &m, &plan->refusal);
	if (!rc)
		rc = fits_kernel(&b, &plan->refusal);
	buf_done(&b);
	if (!rc && rule->policy != OFFLOAD_POLICY_SKIP_HW)
		rc = tc_fits_driver(d, rule, &m, &plan->refusal);
	return rc;
}

/* --- asking --- */

static int refuse(struct offload_req *req, int code, enum offload_reason reason, const char *words)
{
	(void)flower_refuse(&req->refusal, reason, -1, -1);
	(void)snprintf(req->refusal.driver, sizeof(req->refusal.driver), "%.127s", words);
	return code;
}

static uint32_t flags_of(const struct tc_device *d, const struct op *op)
{
	enum offload_policy policy = op->req->rule.policy;

	if (op->metered)
		return op->software ? TCA_CLS_FLAGS_SKIP_HW
				    : TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_VERBOSE;
	if (!d->kernel || policy == OFFLOAD_POLICY_SKIP_SW)
		return TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_VERBOSE;
	return policy == OFFLOAD_POLICY_SKIP_HW ? TCA_CLS_FLAGS_SKIP_HW : TCA_CLS_FLAGS_VERBOSE;
}

static int no_rule(struct offload_req *req, int rc)
{
	char text[64];

	if (rc == -ENOSPC)
		return refuse(req, rc, OFFLOAD_PRIO_FULL, "");
	return refuse(req, rc, OFFLOAD_IO_ERROR, strerror_r(-rc, text, sizeof(text)));
}

/* There is no qdisc that the port's filters can stand at. */
static int no_place(struct offload_req *req, int rc, const char *words)
{
	enum offload_reason reason = rc == -ENODEV                        ? OFFLOAD_GONE
				     : rc == -ENOSPC                      ? OFFLOAD_BLOCK_FULL
				     : rc == -EBUSY                       ? OFFLOAD_QDISC
				     : rc == -ENOENT || rc == -EOPNOTSUPP ? OFFLOAD_KERNEL_LACKS
									  : OFFLOAD_IO_ERROR;

	return refuse(req, rc, reason, words);
}

/* Whose the meters of a rule are to be, if it has any. */
static void look_at_meters(const struct tc_device *d, struct op *op)
{
	const struct offload_rule *r = &op->req->rule;

	op->metered = tc_actions_metered(r->actions);
	op->software |=
		d->kernel &&
		(r->policy == OFFLOAD_POLICY_SKIP_HW || !d->offloads ||
		 (r->policy == OFFLOAD_POLICY_NONE && offload_needs_software(r->mask, r->actions)));
}

static int need_meters(struct tc_device *d, struct op *op)
{
	struct error err = ERROR_INIT;
	int rc = tc_meters_need(d, op->req->rule.actions, !op->software, &err);

	if (!rc)
		return 0;
	rc = refuse(op->req, rc == -ENOENT ? rc : -EOPNOTSUPP,
		    op->software ? OFFLOAD_IO_ERROR : OFFLOAD_DRIVER_REFUSED, err.cause);
	error_clear(&err);
	return rc;
}

/* What software counts in the chain that it leads to can be told. */
static int join_chain(struct tc_device *d, struct op *op)
{
	const struct offload_rule *r = &op->req->rule;
	bool ok;

	if (flags_of(d, op) & TCA_CLS_FLAGS_SKIP_SW)
		return 0;
	lock_take(&d->lock);
	ok = tc_chain_join(d, op->rule, r->key, r->mask, r->actions);
	lock_give(&d->lock);
	return ok ? 0
		  : refuse(op->req, -EOPNOTSUPP, OFFLOAD_RECIRC,
			   "other rules lead there with packets of another length");
}

/* Adds the request for op's new rule. */
static int ask_new(struct tc_device *d, struct op *op, struct tc_port *p)
{
	struct offload_req *req = op->req;
	struct error err = ERROR_INIT;
	struct flower_match m;
	struct flower_env env;
	size_t options;
	int rc;

	look_at_meters(d, op);
	buf_clear(&d->scratch);
	rc = translate(d, &req->rule, op->metered && !op->software, &d->scratch, &m, &req->refusal);
	if (!rc && op->metered)
		rc = need_meters(d, op);
	if (rc)
		return rc;
	rc = tc_port_ready(p, &err);
	if (rc)
		return no_place(req, rc, err.cause);
	rc = tc_rule_new(d, p, &m, op->old ? op->old->at.prio : 0, &op->rule);
	if (rc)
		return no_rule(req, rc);
	op->rule->ufid = req->rule.ufid;
	rc = join_chain(d, op);
	if (rc)
		return rc; /* take_back() has the rule */
	tc_env(d, req->rule.policy, &env);
	tc_rule_follow(d, op->rule, &env, req->rule.actions);
	op->rule->shared = offload_needs_software(req->rule.mask, req->rule.actions);
	op->rule->digest = offload_rule_digest(req->rule.key, req->rule.mask, req->rule.actions);
	op->msg = tc_place_put(&d->batch, &op->rule->at, RTM_NEWTFILTER,
			       NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO);
	if (!d->offloads || req->rule.policy != OFFLOAD_POLICY_NONE)
		nl_batch_quiet(&d->batch, true); /* else a driver may have words beside success */
	options = nlattr_nest(&d->batch.buf, TCA_OPTIONS);
	flower_number_put(d->scratch.data, d->scratch.len);
	buf_put(&d->batch.buf, d->scratch.data, d->scratch.len);
	nlattr_put_u32(&d->batch.buf, TCA_FLOWER_FLAGS, flags_of(d, op));
	nlattr_nest_end(&d->batch.buf, options);
	op->sent = true;
	return 0;
}

static int begin_new(struct tc_device *d, struct op *op)
{
	struct tc_port *p = port_in(d, &op->req->rule, &op->req->refusal);
	int rc;

	if (!p)
		return -EOPNOTSUPP;
	rc = ask_new(d, op, p);
	tc_port_put(p);
	return rc;
}

static int begin_replace(struct tc_device *d, struct op *op)
{
	op->old = tc_rule_find(d, op->req->handle);
	return op->old ? begin_new(d, op) : -ENOENT;
}

/* One that is gone already has its last reading to give. */
static int remove_gone(struct tc_device *d, struct op *op)
{
	op->req->final = op->old->last;
	op->req->final_ok = true;
	tc_rule_free(d, op->old);
	return 0;
}

static int begin_remove(struct tc_device *d, struct op *op)
{
	op->old = tc_rule_find(d, op->req->handle);
	if (!op->old)
		return -ENOENT;
	if (op->old->gone)
		return remove_gone(d, op);
	op->sent = true;
	return 0;
}

/* --- answers --- */

/* A driver that finds no way to a tunnel's far end would take the rule at another time. */
static enum offload_reason reason_for(const struct op *op, enum offload_reason reason)
{
	return reason == OFFLOAD_DRIVER_REFUSED && op->rule && !tc_rule_is_open(op->rule)
		       ? OFFLOAD_NO_NEXT_HOP
		       : reason;
}

static bool says(const char *words, const char *what)
{
	return strstr(words, what);
}

/* The kernel swallows a driver's errno where software takes the rule; the words are left. */
static enum offload_reason reason_of(int code, const char *words)
{
	if (code == -ENOSPC || (!code && (says(words, "full") || says(words, "no space"))))
		return OFFLOAD_TABLE_FULL;
	if (code == -ENODEV)
		return OFFLOAD_GONE;
	if (tc_kernel_refused(code, words))
		return OFFLOAD_KERNEL_LACKS;
	return code == -EEXIST || code == -ENOMEM || code == -ENOBUFS || code == -EAGAIN
		       ? OFFLOAD_IO_ERROR
		       : OFFLOAD_DRIVER_REFUSED;
}

/* Flower takes no two filters with the same match, which those of two flows may have that overlap:
 * docs/decisions/0012-megaflows-that-overlap.md. */
static const struct tc_rule *covering(struct tc_device *d, const struct op *op)
{
	const uint8_t *asked = d->batch.buf.data + d->batch.reqs[op->msg].ofs;
	struct tc_filter f;
	uint64_t match;

	if (tc_filter_get((const struct nlmsghdr *)(const void *)asked, &f) ||
	    !tc_filter_digest(op->rule->port, &f, &match))
		return NULL;
	return tc_rule_covering(d, op->rule, match);
}

static int refuse_covered(struct offload_req *req, const struct tc_rule *by)
{
	char ufid[UFID_TEXT_LEN + 1], words[64];

	(void)snprintf(words, sizeof(words), "the rule of flow ufid:%s",
		       offload_ufid_print(by->ufid, ufid));
	return refuse(req, -EEXIST, OFFLOAD_COVERED, words);
}

/* A device of its own refuses with ENODEV, which nobody could tell from a port that is gone. */
static int refused(struct tc_device *d, struct op *op, int code)
{
	const char *words = nl_batch_words(&d->batch, op->msg);
	enum offload_reason reason = reason_for(op, reason_of(code, words));
	const struct tc_rule *by = code == -EEXIST && op->rule ? covering(d, op) : NULL;
	char text[64];

	if (by)
		return refuse_covered(op->req, by);
	if (!*words)
		words = strerror_r(-code, text, sizeof(text));
	if (reason == OFFLOAD_DRIVER_REFUSED || reason == OFFLOAD_KERNEL_LACKS)
		code = -EOPNOTSUPP;
	return refuse(op->req, code, reason, words);
}

/* The kernel holds what was asked for: the very rule, or what the request said of it, which may
 * match a bit more exactly. */
static bool holds_what_was_asked(struct tc_device *d, const struct op *op)
{
	const uint8_t *asked = d->batch.buf.data + d->batch.reqs[op->msg].ofs;
	const struct tc_rule *r = op->rule;
	struct tc_filter f;

	if (r->held && r->held == r->digest)
		return true;
	return !tc_filter_get((const struct nlmsghdr *)(const void *)asked, &f) && r->held &&
	       tc_filter_digest(r->port, &f, NULL) == r->held;
}

/* Where the rule is, by its echo; false: it is not what was asked for. */
static bool read_echo(struct tc_device *d, struct op *op)
{
	const struct nlmsghdr *echo = nl_batch_data(&d->batch, op->msg);
	struct tc_rule *r = op->rule;
	struct tc_filter f;
	uint64_t match;

	if (!echo || tc_filter_get(echo, &f) || !f.ours ||
	    flower_number_shared(f.acts, f.acts_len) || memcmp(&f.ufid, &r->ufid, sizeof(f.ufid)))
		return false;
	tc_rule_meters(d, r, &f);
	r->held = tc_filter_digest(r->port, &f, &match);
	r->in_hw = tc_in_hw(r->port, &f);
	op->in_hw_count = f.in_hw_count;
	r->port->news.driver |= f.flags & TCA_CLS_FLAGS_IN_HW;
	if (!holds_what_was_asked(d, op))
		return false;
	tc_rule_shown(d, r, match);
	return true;
}

/* 0, or what refuses it. */
static int settle_new(struct tc_device *d, struct op *op)
{
	int code = nl_batch_code(&d->batch, op->msg);
	const char *words;
	char some[128];

	if (code)
		return refused(d, op, code);
	if (!read_echo(d, op)) {
		log_warn_rl("%s: the kernel holds another rule than was asked for", d->up.name);
		return refuse(op->req, -EIO, OFFLOAD_ECHO_DIFFERS, "");
	}
	op->req->in_hw = op->rule->in_hw;
	if (op->metered && op->software && d->offloads &&
	    op->req->rule.policy == OFFLOAD_POLICY_NONE)
		return refuse(op->req, 0, OFFLOAD_NEEDS_SOFTWARE,
			      "a rule with meters is in hardware alone");
	words = nl_batch_words(&d->batch, op->msg);
	if (op->rule->in_hw || op->req->rule.policy != OFFLOAD_POLICY_NONE)
		return 0;
	if (*words)
		return refuse(op->req, 0, reason_for(op, reason_of(0, words)), words);
	if (op->rule->port->bond && d->offloads) {
		tc_bond_words(op->rule->port, op->in_hw_count, some, sizeof(some));
		return refuse(op->req, 0, OFFLOAD_NOT_IN_HW, some);
	}
	if (!d->offloads)
		return refuse(op->req, 0, OFFLOAD_NOT_IN_HW, tc_no_driver(d));
	/* One that takes rules, and had no memory or no time for this one. */
	return refuse(op->req, 0, OFFLOAD_IO_ERROR,
		      "the driver did not take it and did not say why");
}

/* The filter's last reading came with its removal.  0, -ENOENT: it was gone; another: it stays. */
static int read_removal(struct tc_device *d, struct op *op)
{
	int code = nl_batch_code(&d->batch, op->msg);

	if (code == -ENODEV || code == -EINVAL) /* no such device, qdisc or chain any more */
		code = -ENOENT;
	if (code && code != -ENOENT)
		return refused(d, op, code);
	if (!code && op->leave.counted) {
		tc_rule_stats(op->old, &op->leave.counts, clock_mono_ns(), &op->req->final);
		op->req->final_ok = true;
	}
	return code;
}

static int settle_removal(struct tc_device *d, struct op *op)
{
	int code = read_removal(d, op);

	if (!code || code == -ENOENT)
		tc_rule_free(d, op->old);
	return code;
}

/* --- segments --- */

static void send_batch(struct tc_device *d)
{
	if (d->batch.n && nl_chan_do(d->chan, &d->batch))
		log_warn_rl("%s: netlink lost answers", d->up.name);
}

/* The kernel has it, or the answer that would say so was lost. */
static bool may_stand(const struct op *op)
{
	int code = op->req->result;

	return op->req->refusal.reason == OFFLOAD_ECHO_DIFFERS || code == -ENOBUFS ||
	       code == -ETIMEDOUT || code == -EMSGSIZE;
}

/* Rules that were made in the kernel and must not stay there. */
static void take_back(struct tc_device *d, struct op *ops, size_t n)
{
	nl_batch_clear(&d->batch);
	for (size_t i = 0; i < n; i++) {
		struct op *op = &ops[i];

		if (!op->rule || !op->req->result)
			continue;
		if (op->sent && may_stand(op))
			(void)tc_place_put(&d->batch, &op->rule->at, RTM_DELTFILTER, 0);
	}
	send_batch(d);
	for (size_t i = 0; i < n; i++)
		if (ops[i].rule && ops[i].req->result) {
			tc_rule_free(d, ops[i].rule);
			ops[i].rule = NULL;
		}
}

static void begin_all(struct tc_device *d, struct op *ops, size_t n,
		      int (*begin)(struct tc_device *d, struct op *op))
{
	nl_batch_clear(&d->batch);
	for (size_t i = 0; i < n; i++)
		ops[i].req->result = begin(d, &ops[i]);
	send_batch(d);
}

static void settle_all(struct tc_device *d, struct op *ops, size_t n,
		       int (*settle)(struct tc_device *d, struct op *op))
{
	clock_hold();
	for (size_t i = 0; i < n; i++)
		if (ops[i].sent && !ops[i].req->result)
			ops[i].req->result = settle(d, &ops[i]);
	clock_let_go();
}

/* The police actions of a rule that was not made, or was made otherwise, may be gone. */
static void doubt_meters(const struct op *op)
{
	if (op->metered && op->req->result && op->sent &&
	    (op->req->refusal.reason == OFFLOAD_ECHO_DIFFERS || op->req->result == -ENOMEM))
		tc_meters_doubt(op->req->rule.actions);
}

/* Rules with meters that hardware does not take go into software, when they may. */
static bool wants_software(const struct tc_device *d, const struct op *op)
{
	enum offload_reason reason = op->req->refusal.reason;

	return op->metered && !op->software && op->req->result && d->kernel && !d->driver_only &&
	       op->req->rule.policy == OFFLOAD_POLICY_NONE &&
	       (reason == OFFLOAD_DRIVER_REFUSED || reason == OFFLOAD_TABLE_FULL ||
		reason == OFFLOAD_NO_NEXT_HOP);
}

static void use_software(struct tc_device *d, struct op *ops, size_t n)
{
	struct op *again[SEGMENT];
	size_t k = 0;

	nl_batch_clear(&d->batch);
	for (size_t i = 0; i < n; i++) {
		struct op *op = &ops[i];
		struct offload_refusal why = op->req->refusal;

		doubt_meters(op);
		if (!wants_software(d, op))
			continue;
		if (op->rule)
			tc_rule_free(d, op->rule);
		op->rule = NULL;
		op->software = true;
		op->req->result = begin_new(d, op);
		if (op->req->result)
			continue;
		op->req->refusal = why;
		again[k++] = op;
	}
	send_batch(d);
	for (size_t i = 0; i < k; i++) {
		struct offload_refusal why = again[i]->req->refusal;

		again[i]->req->result = settle_new(d, again[i]);
		if (!again[i]->req->result)
			again[i]->req->refusal = why;
	}
}

static void run_new(struct tc_device *d, struct op *ops, size_t n)
{
	begin_all(d, ops, n, begin_new);
	settle_all(d, ops, n, settle_new);
	use_software(d, ops, n);
	take_back(d, ops, n);
	for (size_t i = 0; i < n; i++)
		if (ops[i].rule)
			ops[i].req->handle = ops[i].rule->handle;
}

/* There is no room for both, or none in hardware, where the old one is. */
static bool wants_room(const struct op *op)
{
	if (!op->old)
		return false;
	if (op->req->result)
		return op->req->refusal.reason == OFFLOAD_TABLE_FULL;
	return op->old->in_hw && !op->rule->in_hw && op->req->refusal.reason == OFFLOAD_TABLE_FULL;
}

/* Takes out the old rules of the operations that say `sent`. */
static void take_out(struct tc_device *d, struct op *ops, size_t n)
{
	struct tc_leave *v[SEGMENT];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (!ops[i].sent)
			continue;
		ops[i].leave = (struct tc_leave){ .rule = ops[i].old };
		v[k++] = &ops[i].leave;
	}
	if (k)
		tc_leave(d, v, k);
	for (size_t i = 0; i < n; i++)
		if (ops[i].sent)
			ops[i].msg = ops[i].leave.msg;
}

/* True: it stays. */
static bool settle_old(struct tc_device *d, struct op *op)
{
	int code = settle_removal(d, op);

	return code && code != -ENOENT;
}

/* Takes out the rules that were replaced, and of those that make room, a new one that was put
 * elsewhere. */
static void remove_old(struct tc_device *d, struct op *ops, size_t n)
{
	nl_batch_clear(&d->batch);
	for (size_t i = 0; i < n; i++) {
		struct op *op = &ops[i];

		op->sent = op->rule || op->make_room;
		if (op->sent && op->old->gone) {
			op->sent = op->make_room = false;
			(void)remove_gone(d, op);
			continue;
		}
		if (op->make_room && op->rule) {
			(void)tc_place_put(&d->batch, &op->rule->at, RTM_DELTFILTER, 0);
			tc_rule_free(d, op->rule);
			op->rule = NULL;
		}
	}
	send_batch(d);
	take_out(d, ops, n);
	for (size_t i = 0; i < n; i++)
		if (ops[i].sent && ops[i].make_room)
			ops[i].req->result = read_removal(d, &ops[i]);
	/* A moment without memory leaves no rule beside the one that took its place; what stays
	 * then is an orphan for an audit. */
	for (size_t i = 0; i < n; i++)
		if (ops[i].sent)
			ops[i].sent = !ops[i].make_room && settle_old(d, &ops[i]);
	take_out(d, ops, n);
	for (size_t i = 0; i < n; i++)
		if (ops[i].sent)
			(void)settle_old(d, &ops[i]);
}

/* The new rule where the old one was; meanwhile the fallback datapath switches.  When that fails,
 * too, the old one stays in name, so that its last reading is not lost. */
static void replace_there(struct tc_device *d, struct op *ops, size_t n)
{
	nl_batch_clear(&d->batch);
	for (size_t i = 0; i < n; i++) {
		struct op *op = &ops[i];

		op->sent = false;
		if (!op->make_room || (op->req->result && op->req->result != -ENOENT))
			continue;
		op->old->gone = true;
		op->old->last = op->req->final;
		op->req->result = begin_new(d, op);
	}
	send_batch(d);
	for (size_t i = 0; i < n; i++)
		if (ops[i].sent && !ops[i].req->result)
			ops[i].req->result = settle_new(d, &ops[i]);
	use_software(d, ops, n);
	take_back(d, ops, n);
	for (size_t i = 0; i < n; i++) {
		if (!ops[i].make_room)
			continue;
		ops[i].req->final_ok &= !ops[i].req->result;
		if (ops[i].rule)
			tc_rule_free(d, ops[i].old);
	}
}

static void run_replace(struct tc_device *d, struct op *ops, size_t n)
{
	bool any = false;

	begin_all(d, ops, n, begin_replace);
	settle_all(d, ops, n, settle_new);
	use_software(d, ops, n);
	for (size_t i = 0; i < n; i++)
		any |= ops[i].make_room = wants_room(&ops[i]);
	take_back(d, ops, n);
	remove_old(d, ops, n);
	if (any)
		replace_there(d, ops, n);
	for (size_t i = 0; i < n; i++)
		if (ops[i].rule)
			ops[i].req->handle = ops[i].rule->handle;
}

static void run_remove(struct tc_device *d, struct op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ops[i].req->result = begin_remove(d, &ops[i]);
	take_out(d, ops, n);
	settle_all(d, ops, n, settle_removal);
}

static void (*const runs[])(struct tc_device *d, struct op *ops, size_t n) = {
	[OFFLOAD_INSTALL] = run_new,
	[OFFLOAD_REPLACE] = run_replace,
	[OFFLOAD_REMOVE] = run_remove,
};

/* The next requests of one kind. */
static size_t segment(const struct offload_req *reqs, size_t n)
{
	size_t len = 1;

	while (len < n && len < SEGMENT && reqs[len].kind == reqs[0].kind)
		len++;
	return len;
}

unsigned tc_apply(struct offload_device *dev, struct offload_req *reqs, size_t n)
{
	struct tc_device *d = tc_of(dev);
	uint64_t begin = clock_mono_ns(), at = begin, now;
	struct op ops[SEGMENT];
	unsigned failed = 0;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		len = segment(reqs + i, n - i);
		memset(ops, 0, sizeof(ops));
		for (size_t j = 0; j < len; j++) {
			ops[j].req = &reqs[i + j];
			reqs[i + j].final_ok = reqs[i + j].in_hw = false;
			reqs[i + j].result = -EAGAIN;
		}
		if (!i || at - begin < CALL_NS)
			runs[reqs[i].kind](d, ops, len);
		now = clock_mono_ns();
		for (size_t j = 0; j < len; j++) {
			reqs[i + j].latency_ns = (now - at) / len;
			failed += reqs[i + j].result < 0;
		}
		at = now;
	}
	return failed;
}
