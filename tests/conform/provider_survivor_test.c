/* SPDX-License-Identifier: Apache-2.0 */
/* The NIC of tests/fake/survivor.h, which other tests stand on. */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "tests/conform/provider_conform.h"
#include "tests/fake/survivor.h"

#define FILL 9

static struct survivor *w;
static struct port *mine[2];

static void port_close(struct port *p)
{
	free(p);
}

static const struct port_ops port_ops = { .type = "survivor", .close = port_close };

static const struct offload_provider_ops *survivor_ops(void)
{
	return &survivor_nic_ops;
}

static void open_survivor(struct port *ports[2])
{
	static const char *const names[] = { "conf0", "conf1" };

	w = survivor_new();
	w->no_software = true;
	w->hw_max = FILL;
	for (unsigned i = 0; i < 2; i++) {
		ports[i] = mine[i] = xzalloc(sizeof(struct port));
		port_init(mine[i], &port_ops, names[i]);
		mine[i]->no.v = i + 1;
	}
}

static void close_survivor(void)
{
	for (unsigned i = 0; i < 2; i++)
		free(mine[i]); /* nobody else has it */
	survivor_free(w);
}

static void traffic(const struct flow_key *key, unsigned n)
{
	ck_assert(survivor_send(w, key, n));
}

static const struct provider_env env = {
	.name = "survivor provider",
	.ops = survivor_ops,
	.open = open_survivor,
	.close = close_survivor,
	.args = "a",
	.traffic = traffic,
	.fill = FILL,
};

int main(void)
{
	return provider_conform_run(&env);
}
