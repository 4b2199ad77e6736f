/* SPDX-License-Identifier: Apache-2.0 */
/* The sim NIC at fake ports of a user datapath. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/datapath/user/dp_user.h"
#include "core/packet/parse.h"
#include "core/port/fake.h"
#include "offload/sim/sim.h"
#include "tests/conform/provider_conform.h"

#define FILL 9

static struct dp *dp;
static struct port *mine[2];
static struct dp_port no[2];

static const struct offload_provider_ops *sim_ops(void)
{
	sim_register();
	return offload_provider_find("sim", 3);
}

#define DIR_TEMPLATE "/tmp/shunt-conform-XXXXXX"
static char dir[sizeof(DIR_TEMPLATE)];

static void write_profile(void)
{
	char *path;
	FILE *f;

	memcpy(dir, DIR_TEMPLATE, sizeof(dir));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("SHUNT_PROFILE_DIR", dir, 1), 0);
	path = xasprintf("%s/conform.conf", dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(fprintf(f,
				 "fields = eth_type ip_proto nw_src\nactions = output drop\n"
				 "table_size = %d\ncounter_lag_ms = 50\n"
				 "insert_latency_us = 10\n",
				 FILL),
			 0);
	ck_assert_int_eq(fclose(f), 0);
	free(path);
}

static void open_sim(struct port *ports[2])
{
	static const char *const names[] = { "conf0", "conf1" };

	write_profile();
	dp_user_init();
	ports_init();
	ck_assert_int_eq(dp_type_find("netdev")->open("conform", &dp, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct port_config cfg = { .name = names[i], .type = "fake" };

		ck_assert_int_eq(
			dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no[i], NULL),
			0);
		ports[i] = mine[i] = fake_find(names[i]);
	}
}

static void close_sim(void)
{
	char *path;

	for (unsigned i = 0; i < 2; i++) {
		port_unref(mine[i]);
		ck_assert_int_eq(dp->ops->port_del(dp, no[i]), 0);
	}
	dp->ops->close(dp, false);
	path = xasprintf("%s/conform.conf", dir);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	free(path);
}

/* Received, and the worker has gone on to its next turn since: a packet of its own that no rule
 * takes comes behind them and is a miss. */
static void traffic(const struct flow_key *key, unsigned n)
{
	struct packet *p = packet_compose(key, 0), *last;
	struct flow_key other = *key;
	struct dp_stats before, now;

	other.nw_src = htonl(0xfefefefe);
	last = packet_compose(&other, 0);
	dp->ops->stats(dp, &before);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(fake_inject(mine[0], 0, p), 0);
	ck_assert_int_eq(fake_inject(mine[0], 0, last), 0);
	do {
		(void)usleep(1000);
		dp->ops->stats(dp, &now);
	} while (now.misses == before.misses);
	ck_assert_uint_eq(now.misses, before.misses + 1); /* the NIC took the others */
	packet_free(p);
	packet_free(last);
}

static void reset(struct offload_device *dev)
{
	static const char *const words[] = { "fault", "reset" };
	struct str out = STR_INIT;

	ck_assert_int_eq(dev->ops->command(dev, 2, words, &out, NULL), 0);
	str_done(&out);
}

static const struct provider_env env = {
	.name = "sim provider",
	.ops = sim_ops,
	.open = open_sim,
	.close = close_sim,
	.args = "conform",
	.traffic = traffic,
	.reset = reset,
	.fill = FILL,
};

int main(void)
{
	return provider_conform_run(&env);
}
