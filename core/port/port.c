/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/port.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

#define MAX_KINDS 16

const char *const port_drop_name[PORT_N_DROPS] = {
	[PORT_DROP_RX_RING] = "rx_ring",
	[PORT_DROP_RX_TRUNC] = "rx_truncated",
	[PORT_DROP_RX_BAD_TUNNEL] = "rx_bad_tunnel",
	[PORT_DROP_TX_RING] = "tx_ring",
	[PORT_DROP_TX_LEN] = "tx_too_long",
	[PORT_DROP_TX_DOWN] = "tx_link_down",
	[PORT_DROP_TX_NO_TUNNEL] = "tx_no_outer_header",
	[PORT_DROP_TX_NO_ROUTE] = "tx_no_route",
	[PORT_DROP_TX_NO_NEIGHBOUR] = "tx_no_neighbour",
	[PORT_DROP_TX_WAIT] = "tx_unresolved",
};

static const struct port_ops *kinds[MAX_KINDS];
static unsigned n_kinds;

const char *port_config_get(const struct port_config *cfg, const char *key)
{
	for (size_t i = 0; i < cfg->n_options; i++) {
		if (!strcmp(cfg->keys[i], key))
			return cfg->values[i];
	}
	return NULL;
}

static const struct port_ops *kind_find(const char *type)
{
	for (unsigned i = 0; i < n_kinds; i++) {
		if (!strcmp(kinds[i]->type, type))
			return kinds[i];
	}
	return NULL;
}

void port_register(const struct port_ops *ops)
{
	if (kind_find(ops->type))
		return;
	assert(n_kinds < MAX_KINDS);
	kinds[n_kinds++] = ops;
}

bool port_type_known(const char *type)
{
	return kind_find(type);
}

int port_open(const struct port_config *cfg, struct port **portp, struct error *err)
{
	const char *type = cfg->type && *cfg->type ? cfg->type : "system";
	const struct port_ops *ops = kind_find(type);

	if (!ops)
		return error_set(err, EAFNOSUPPORT, "type", "no port type \"%s\"", type);
	if (!*cfg->name || strlen(cfg->name) >= sizeof((*portp)->name))
		return error_set(err, ENAMETOOLONG, "name", "a port's name has 1 to %zu bytes",
				 sizeof((*portp)->name) - 1);
	return ops->open(cfg, portp, err);
}

void port_init(struct port *p, const struct port_ops *ops, const char *name)
{
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	p->no.v = DP_PORT_NONE;
	p->refs = 1;
}

struct port *port_ref(struct port *p)
{
	if (p)
		atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

static bool drop_ref(struct port *p)
{
	return p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1;
}

static void close_deferred(void *arg)
{
	struct port *p = arg;

	p->ops->close(p);
}

void port_unref(struct port *p)
{
	if (drop_ref(p))
		rcu_defer(close_deferred, p);
}

void port_release(struct port *p)
{
	if (!drop_ref(p))
		return;
	rcu_wait();
	p->ops->close(p);
}

struct port_ingress *port_set_ingress(struct port *p, struct port_ingress *in)
{
	return rcu_xchg_pointer(&p->ingress, in);
}
