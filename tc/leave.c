/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that leave, and what they counted to the last packet.
 *
 * The kernel reads a filter's counters before it takes the filter out (tfilter_del_notify()), so
 * that what came in between, and what other processors still have in hand (RCU readers), is in no
 * reading that comes with the removal.  But counters are those of actions, and an action lives on
 * while a filter has it: a second filter, which no packet meets, on a chain that nothing leads to,
 * shares the action that counts (with meters, all of them).  The rule goes, a grace period passes,
 * and the second filter gives the reading with its own removal, which nothing can change any more.
 *
 * Only where it was switching packets lately does a rule make the others wait for the grace period.
 * What a driver counts between the reading and the removal only the driver knows. */
#include <linux/if_ether.h>
#include <linux/membarrier.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "tc/device.h"
#include "tc/flower_bits.h"

LOG_MODULE("tc.leave");

#define NOTHING SIZE_MAX              /* no request */
#define LATELY_NS NSEC_PER_SEC        /* it may be in another processor's hands */
#define GRACE_NS (50 * NSEC_PER_MSEC) /* where the kernel cannot be asked for a grace period */

static void send_batch(struct tc_device *d, struct nl_batch *b)
{
	if (b->n && nl_chan_do(d->chan, b))
		log_warn_rl("%s: netlink lost answers", d->up.name);
}

/* --- the second filter --- */

/* Keeps the action that counts, as the kernel shows it, in d->scratch. */
static void keep_action(struct tc_device *d, const struct nlmsghdr *h, struct tc_leave *l)
{
	struct tc_filter f;

	l->ofs = d->scratch.len;
	if (h && !tc_filter_get(h, &f) && f.ours && !(f.flags & TCA_CLS_FLAGS_SKIP_SW) &&
	    flower_actions_share(f.acts, f.acts_len, &d->scratch))
		d->scratch.len = l->ofs;
	l->len = d->scratch.len - l->ofs;
}

static void look_at_all(struct tc_device *d, struct tc_leave *const v[], size_t n)
{
	struct nl_batch *b = &d->side;

	nl_batch_clear(b);
	for (size_t i = 0; i < n; i++) {
		(void)tc_place_put(b, &v[i]->rule->at, RTM_GETTFILTER, 0);
		nl_batch_quiet(b, true);
	}
	send_batch(d, b);
	buf_clear(&d->scratch);
	for (size_t i = 0; i < n; i++)
		keep_action(d, nl_batch_code(b, i) ? NULL : nl_batch_data(b, i), v[i]);
}

static struct tc_place place_beside(const struct tc_rule *r)
{
	return (struct tc_place){ .ifindex = r->at.ifindex,
				  .parent = r->at.parent,
				  .chain = FLOWER_CHAIN_MAX,
				  .handle = r->at.handle,
				  .prio = TC_PRIO_LAST,
				  .protocol = htons(ETH_P_ALL) };
}

/* Flower takes no two with one match: each has an address of its own. */
static size_t put_beside(struct tc_device *d, const struct tc_leave *l)
{
	struct tc_place at = place_beside(l->rule);
	uint8_t address[6] = { 0 }, all[6];
	struct nl_batch *b = &d->batch;
	size_t i, options;

	memcpy(address + 2, &at.handle, sizeof(at.handle));
	memset(all, 0xff, sizeof(all));
	i = tc_place_put(b, &at, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
	nl_batch_quiet(b, false);
	options = nlattr_nest(&b->buf, TCA_OPTIONS);
	nlattr_put(&b->buf, TCA_FLOWER_KEY_ETH_DST, address, sizeof(address));
	nlattr_put(&b->buf, TCA_FLOWER_KEY_ETH_DST_MASK, all, sizeof(all));
	buf_put(&b->buf, d->scratch.data + l->ofs, l->len);
	nlattr_put_u32(&b->buf, TCA_FLOWER_FLAGS, TCA_CLS_FLAGS_SKIP_HW);
	nlattr_nest_end(&b->buf, options);
	return i;
}

/* --- readings --- */

static bool read_counts(const struct nl_batch *b, size_t i, struct tc_leave *l)
{
	const struct nlmsghdr *h = nl_batch_code(b, i) ? NULL : nl_batch_data(b, i);
	struct tc_filter f;

	if (!h || tc_filter_get(h, &f) || !f.ours)
		return false;
	tc_rule_meters_read(l->rule, &f);
	l->counts = f.counts;
	l->counted = true;
	return true;
}

static bool lately(const struct tc_leave *l, uint64_t now)
{
	return l->counts.packets != l->rule->packets ||
	       (l->rule->used_ns && now - l->rule->used_ns < LATELY_NS);
}

/* Every processor has done with what it had in hand (membarrier(2): an RCU grace period). */
static void grace_period(void)
{
	struct timespec t = { .tv_nsec = GRACE_NS };

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		(void)nanosleep(&t, NULL);
}

static void read_last(struct tc_device *d, struct tc_leave *const v[], size_t n)
{
	struct nl_batch *b = &d->side;

	nl_batch_clear(b);
	for (size_t i = 0; i < n; i++) {
		struct tc_place at = place_beside(v[i]->rule);

		if (v[i]->beside == NOTHING)
			continue;
		v[i]->beside = tc_place_put(b, &at, RTM_DELTFILTER, NLM_F_ECHO);
		nl_batch_quiet(b, true);
	}
	send_batch(d, b);
	for (size_t i = 0; i < n; i++)
		if (v[i]->beside != NOTHING)
			(void)read_counts(b, v[i]->beside, v[i]); /* else the first reading holds */
}

void tc_leave(struct tc_device *d, struct tc_leave *const v[], size_t n)
{
	uint64_t now = clock_mono_ns();
	bool wait = false;

	look_at_all(d, v, n);
	nl_batch_clear(&d->batch);
	for (size_t i = 0; i < n; i++) {
		v[i]->beside = v[i]->len ? put_beside(d, v[i]) : NOTHING;
		v[i]->msg = tc_place_put(&d->batch, &v[i]->rule->at, RTM_DELTFILTER, NLM_F_ECHO);
		nl_batch_quiet(&d->batch, true);
	}
	send_batch(d, &d->batch);
	for (size_t i = 0; i < n; i++) {
		if (v[i]->beside != NOTHING && nl_batch_code(&d->batch, v[i]->beside))
			v[i]->beside = NOTHING;
		if (read_counts(&d->batch, v[i]->msg, v[i]) && v[i]->beside != NOTHING)
			wait |= lately(v[i], now);
	}
	if (wait)
		grace_period();
	read_last(d, v, n);
}
