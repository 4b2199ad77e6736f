/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/l2/tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"

/* --- addresses --- */

static struct be128 addr_of(be32 v4, const struct be128 *v6)
{
	return v4 ? ip_addr4(v4) : *v6;
}

struct be128 tunnel_src(const struct flow_tnl *t)
{
	return addr_of(t->src, &t->src6);
}

struct be128 tunnel_dst(const struct flow_tnl *t)
{
	return addr_of(t->dst, &t->dst6);
}

static void set_addr(const struct be128 *a, be32 *v4, struct be128 *v6)
{
	static const struct be128 none;

	*v4 = ip_addr_get4(a);
	*v6 = ip_addr_is4(a) ? none : *a;
}

void tunnel_set_src(struct flow_tnl *t, const struct be128 *a)
{
	set_addr(a, &t->src, &t->src6);
}

void tunnel_set_dst(struct flow_tnl *t, const struct be128 *a)
{
	set_addr(a, &t->dst, &t->dst6);
}

/* --- levels --- */

enum { LOCAL_FIXED, LOCAL_ANY, LOCAL_FLOW, N_LOCALS };
#define N_LEVELS (2 * 2 * N_LOCALS)

/* What a packet or a port has of the three; an open one is zero. */
struct ident {
	struct dp_port dp;
	be64 key;
	struct be128 remote, local;
};

static unsigned level_of(const struct tunnel_conf *c)
{
	unsigned local = c->local_flow ? LOCAL_FLOW : c->local_set ? LOCAL_FIXED : LOCAL_ANY;

	return (unsigned)(c->in_key_flow * 2 + c->remote_flow) * N_LOCALS + local;
}

static bool level_has_key(unsigned level)
{
	return level / N_LOCALS < 2;
}

static bool level_has_remote(unsigned level)
{
	return level / N_LOCALS % 2 == 0;
}

static bool level_has_local(unsigned level)
{
	return level % N_LOCALS == LOCAL_FIXED;
}

static void ident_of_conf(const struct tunnel_conf *c, struct dp_port dp, struct ident *id)
{
	*id = (struct ident){ .dp = dp, .key = c->in_key, .remote = c->remote, .local = c->local };
}

static bool ident_equal(const struct ident *a, const struct ident *b)
{
	return a->dp.v == b->dp.v && a->key == b->key &&
	       !memcmp(&a->remote, &b->remote, sizeof(a->remote)) &&
	       !memcmp(&a->local, &b->local, sizeof(a->local));
}

static uint64_t ident_hash(const struct ident *id, unsigned level)
{
	uint64_t h = hash_u64(id->dp.v, level);

	h = hash_add64(h, id->key);
	h = hash_add64(hash_add64(h, id->remote.d[0]), id->remote.d[1]);
	return hash_u64(id->local.d[1], hash_add64(h, id->local.d[0]));
}

bool tunnel_conf_clash(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	struct dp_port same = { 0 };
	struct ident x, y;

	ident_of_conf(a, same, &x);
	ident_of_conf(b, same, &y);
	return a->dst_port == b->dst_port && level_of(a) == level_of(b) && ident_equal(&x, &y);
}

/* --- the map: one table of all levels, and the levels that each datapath port has --- */

struct slot {
	struct ident id;
	uint8_t level;
	void *port; /* NULL: free */
};

struct dp_levels {
	struct dp_port dp;
	uint16_t levels; /* bit per level that has an entry */
};

struct tunnel_map {
	struct slot *slots; /* owned; a power of two, at most half full */
	size_t mask;
	struct dp_levels *dps; /* owned; a handful */
	size_t n_dps;
};

static struct dp_levels *levels_of(const struct tunnel_map *m, struct dp_port dp)
{
	for (size_t i = 0; m && i < m->n_dps; i++)
		if (m->dps[i].dp.v == dp.v)
			return &m->dps[i];
	return NULL;
}

bool tunnel_map_has(const struct tunnel_map *m, struct dp_port dp)
{
	return levels_of(m, dp);
}

static void add(struct tunnel_map *m, const struct tunnel_entry *e)
{
	struct dp_levels *d = levels_of(m, e->dp);
	unsigned level = level_of(e->conf);
	struct ident id;
	size_t i;

	if (!d) {
		d = &m->dps[m->n_dps++];
		d->dp = e->dp;
	}
	d->levels |= (uint16_t)(1u << level);
	ident_of_conf(e->conf, e->dp, &id);
	for (i = ident_hash(&id, level) & m->mask; m->slots[i].port; i = (i + 1) & m->mask)
		;
	m->slots[i] = (struct slot){ .id = id, .level = (uint8_t)level, .port = e->port };
}

struct tunnel_map *tunnel_map_new(const struct tunnel_entry *e, size_t n)
{
	struct tunnel_map *m;
	size_t size = 4;

	if (!n)
		return NULL;
	while (size < 2 * n)
		size *= 2;
	m = xzalloc(sizeof(*m));
	m->mask = size - 1;
	m->slots = xcalloc(size, sizeof(*m->slots));
	m->dps = xcalloc(n, sizeof(*m->dps));
	for (size_t i = 0; i < n; i++)
		add(m, &e[i]);
	return m;
}

void tunnel_map_free(struct tunnel_map *m)
{
	if (!m)
		return;
	free(m->slots);
	free(m->dps);
	free(m);
}

static void *find_at(const struct tunnel_map *m, const struct ident *id, unsigned level)
{
	for (size_t i = ident_hash(id, level) & m->mask; m->slots[i].port; i = (i + 1) & m->mask)
		if (m->slots[i].level == level && ident_equal(&m->slots[i].id, id))
			return m->slots[i].port;
	return NULL;
}

/* An address is looked at where it stands; which of the two is set belongs to it. */
static void look_addr(be32 v4, be32 *mask4, struct be128 *mask6)
{
	if (v4)
		*mask4 = ~0u;
	else
		memset(mask6, 0xff, sizeof(*mask6));
}

/* The packet as ports of this level would name it.  A packet's source is the port's remote end. */
static void ident_of_packet(const struct flow_key *key, unsigned level, struct ident *id,
			    struct flow_key *mask)
{
	const struct flow_tnl *t = &key->tunnel;

	memset(id, 0, sizeof(*id));
	id->dp = flow_in_dp(key);
	if (level_has_key(level)) {
		id->key = t->tun_id;
		mask->tunnel.tun_id = UINT64_MAX;
	}
	if (level_has_remote(level)) {
		id->remote = tunnel_src(t);
		look_addr(t->src, &mask->tunnel.src, &mask->tunnel.src6);
	}
	if (level_has_local(level)) {
		id->local = tunnel_dst(t);
		look_addr(t->dst, &mask->tunnel.dst, &mask->tunnel.dst6);
	}
}

void *tunnel_map_find(const struct tunnel_map *m, const struct flow_key *key, struct flow_key *mask)
{
	const struct dp_levels *d = levels_of(m, flow_in_dp(key));
	struct ident id;
	void *port = NULL;

	for (unsigned level = 0; d && level < N_LEVELS && !port; level++) {
		if (!(d->levels & 1u << level))
			continue;
		ident_of_packet(key, level, &id, mask);
		port = find_at(m, &id, level);
	}
	return port;
}
