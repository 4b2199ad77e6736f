/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/samples.h"

#include <errno.h>
#include <linux/psample.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/io/genl.h"
#include "core/packet/packet.h"
#include "tc/device.h"
#include "tc/kernel.h"
#include "tc/sample_group.h"

LOG_MODULE("tc.samples");

#define TAILROOM 64u

static struct thread listener;
static struct nl_chan *heard; /* owned */
static _Atomic bool listening;

static struct lock starting = LOCK_INIT; /* of the listener */

static struct lock lock = LOCK_INIT;
static struct sample_groups groups GUARDED_BY_STATIC(lock) = { HTABLE_INIT, HTABLE_INIT,
							       SAMPLES_KEPT };

uint32_t tc_sample_group(bool kernel, struct dp_port in, const struct sflow_cookie *what,
			 const char **why)
{
	struct sample_source s = { .kernel = kernel, .in = in, .what = *what };
	uint32_t number;

	*why = "the kernel tells nobody of samples: psample does not answer";
	if (!atomic_load(&listening) && !(tc_kernel_lacking() >> TC_PART_SAMPLE & 1))
		return 0; /* what is lacking is said where all of that is */
	lock_take(&lock);
	number = sample_group_of(&groups, &s);
	lock_give(&lock);
	*why = "the number of its samples is another flow's";
	return number;
}

static bool known(uint32_t number, struct sample_source *ret)
{
	bool is;

	lock_take(&lock);
	is = sample_group_find(&groups, number, ret);
	lock_give(&lock);
	return is;
}

/* --- packets --- */

static void hand_over(struct tc_port *p, void *arg)
{
	offload_device_sampled(&p->dev->up, arg);
}

static void see(const struct nlmsghdr *h, void *arg)
{
	static const struct nlattr_policy policy[PSAMPLE_ATTR_DATA + 1] = {
		[PSAMPLE_ATTR_ORIGSIZE] = NLATTR_EXACT(4),
		[PSAMPLE_ATTR_SAMPLE_GROUP] = NLATTR_EXACT(4),
		[PSAMPLE_ATTR_DATA] = { 14, UINT16_MAX },
	};
	const struct nlattr *tb[ARRAY_SIZE(policy)], *data;
	struct dp_upcall up = { .kind = UPCALL_SFLOW };
	struct sample_source g;
	size_t len;
	const void *p = genl_payload(h, 0, &len);

	(void)arg;
	if (!p || genl_cmd(h) != PSAMPLE_CMD_SAMPLE ||
	    nlattr_parse(p, len, policy, ARRAY_SIZE(policy), tb) < 0 ||
	    !tb[PSAMPLE_ATTR_SAMPLE_GROUP] || !tb[PSAMPLE_ATTR_ORIGSIZE] ||
	    !tb[PSAMPLE_ATTR_DATA] || !known(nlattr_u32(tb[PSAMPLE_ATTR_SAMPLE_GROUP]), &g))
		return;
	data = tb[PSAMPLE_ATTR_DATA];
	up.key.in_port = htonl(g.in.v);
	up.len = nlattr_u32(tb[PSAMPLE_ATTR_ORIGSIZE]);
	sflow_cookie_pack(&g.what, up.cookie);
	up.packet = packet_new(nlattr_data(data), nlattr_len(data), TAILROOM);
	if (!tc_ports_numbered(g.kernel, g.in, hand_over, &up))
		packet_free(up.packet);
}

/* --- the thread --- */

static void tell_lost(void *arg)
{
	(void)arg;
	log_info_rl("samples were lost: they came faster than they were read");
}

static void run(struct thread *t, void *arg)
{
	nl_chan_listen(heard, t, see, tell_lost, arg);
}

static int open_up(void)
{
	struct genl_family f;
	uint32_t group;
	int rc = nl_chan_open(NETLINK_GENERIC, &heard, NULL);

	if (!rc)
		rc = genl_find(heard, PSAMPLE_GENL_NAME, &f, NULL);
	if (rc)
		return rc;
	group = genl_group(&f, PSAMPLE_NL_MCGRP_SAMPLE_NAME);
	rc = group ? nl_chan_join(heard, group) : -ENOENT;
	return rc ? rc : thread_start(&listener, "tc-samples", run, NULL);
}

void tc_samples_start(void)
{
	int rc;

	lock_take(&starting);
	rc = heard ? 0 : open_up();
	if (rc) {
		nl_chan_close(heard);
		heard = NULL;
	}
	atomic_store(&listening, !rc);
	lock_give(&starting);
	if (rc && rc != -ENOENT)
		log_warn_rl("samples of TC cannot be heard: %s", strerror(-rc));
}

void tc_samples_stop(void)
{
	lock_take(&starting);
	atomic_store(&listening, false);
	if (heard) {
		thread_stop(&listener);
		nl_chan_close(heard);
		heard = NULL;
	}
	lock_give(&starting);
	lock_take(&lock);
	sample_groups_done(&groups);
	lock_give(&lock);
}
