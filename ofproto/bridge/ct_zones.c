/* SPDX-License-Identifier: Apache-2.0 */
/* Timeouts of connections by zone: ct_zones of a Datapath row (ovs-vswitchd.conf.db(5)).
 *
 * A datapath has timeouts by name, each for one network and transport protocol, and a ct action
 * that commits names the one for its zone.  The name comes from the timeouts themselves: equal ones
 * are one policy, whichever zones have it; others have another name, so that what they are for a
 * name never changes, the flows that name it are translated anew as for any other change, and a
 * process that is started again finds its former life's flows say what its own would.  What no flow
 * names any more is deleted; what one names the kernel keeps, and is asked again.  That goes for
 * what a former process left, too: it is found at the first configuration by how its names are
 * made, and zones that want the same timeouts take it over. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/datapath/dp_ct.h"
#include "ofproto/bridge/bridge_priv.h"

LOG_MODULE("bridge.ct");

#define STEM "shunt_"              /* and eight hexadecimal digits */
#define LOOKS 5                    /* at a list that changes meanwhile */
#define TIDY_NS (2 * NSEC_PER_SEC) /* between two tries to delete what flows may name */

struct policy {
	struct cds_list_head node; /* in backend_ct.policies */
	char stem[16];
	uint32_t seconds[DP_CT_N_TIMEOUTS];
	uint8_t protos; /* XL_CT_* that the datapath has */
	bool wanted;
	bool former; /* a process before this one made it, and what it says is not known */
};

/* By protocol, as XL_CT_* are numbered: its timeouts are one run of the keys. */
static const struct {
	enum dp_ct_timeout_key first, last;
	uint16_t family;
	uint8_t proto;
} protos[XL_CT_N_PROTOS] = {
	[XL_CT_TCP4] = { DP_CT_TCP_SYN_SENT, DP_CT_TCP_UNACK, AF_INET, IPPROTO_TCP },
	[XL_CT_TCP6] = { DP_CT_TCP_SYN_SENT, DP_CT_TCP_UNACK, AF_INET6, IPPROTO_TCP },
	[XL_CT_UDP4] = { DP_CT_UDP_FIRST, DP_CT_UDP_MULTIPLE, AF_INET, IPPROTO_UDP },
	[XL_CT_UDP6] = { DP_CT_UDP_FIRST, DP_CT_UDP_MULTIPLE, AF_INET6, IPPROTO_UDP },
	[XL_CT_ICMP4] = { DP_CT_ICMP_FIRST, DP_CT_ICMP_REPLY, AF_INET, IPPROTO_ICMP },
	[XL_CT_ICMP6] = { DP_CT_ICMP_FIRST, DP_CT_ICMP_REPLY, AF_INET6, IPPROTO_ICMPV6 },
};

static bool has_any(const struct policy *p, unsigned proto)
{
	for (unsigned k = protos[proto].first; k <= protos[proto].last; k++)
		if (p->seconds[k])
			return true;
	return false;
}

static void make_one(struct backend *be, struct policy *p, unsigned proto)
{
	struct dp_ct_timeout t = { .family = protos[proto].family, .proto = protos[proto].proto };
	struct error err = ERROR_INIT;
	char text[400];

	xl_ct_timeout_name(p->stem, proto, t.name);
	memcpy(t.seconds, p->seconds, sizeof(t.seconds));
	if (be->dp->ops->ct->timeout_set(be->dp, &t, &err))
		log_warn_rl("datapath %s: timeouts of connections: %s", be->dp->name,
			    error_text(&err, text, sizeof(text)));
	else
		p->protos |= (uint8_t)(1u << proto);
}

static struct policy *add(struct backend *be, const char *stem)
{
	struct policy *p = xzalloc(sizeof(*p));

	(void)snprintf(p->stem, sizeof(p->stem), "%s", stem);
	cds_list_add_tail(&p->node, &be->ct.policies);
	return p;
}

static struct policy *find_stem(struct backend *be, const char *stem)
{
	struct policy *p;

	cds_list_for_each_entry (p, &be->ct.policies, node)
		if (p->former && !strcmp(p->stem, stem))
			return p;
	return NULL;
}

/* A former process's is made again under its name, whatever it was. */
static struct policy *find_or_add(struct backend *be, const uint32_t seconds[DP_CT_N_TIMEOUTS])
{
	char stem[sizeof(((struct policy *)NULL)->stem)];
	struct policy *p;

	cds_list_for_each_entry (p, &be->ct.policies, node)
		if (!p->former && !memcmp(p->seconds, seconds, sizeof(p->seconds)))
			return p;
	(void)snprintf(stem, sizeof(stem), STEM "%08x",
		       (uint32_t)hash_bytes(seconds, sizeof(p->seconds), 0));
	p = find_stem(be, stem);
	if (!p)
		p = add(be, stem);
	memcpy(p->seconds, seconds, sizeof(p->seconds));
	p->former = false;
	p->protos = 0;
	return p;
}

/* One that was on its way out may lack some. */
static struct policy *policy_for(struct backend *be, const struct ct_zone_config *z)
{
	struct policy *p = find_or_add(be, z->seconds);

	for (unsigned i = 0; i < XL_CT_N_PROTOS; i++)
		if (has_any(p, i) && !(p->protos & 1u << i))
			make_one(be, p, i);
	return p;
}

/* --- what a former process left --- */

/* Which protocol's a name of ours is, and the stem that it is made of; -1: somebody else's. */
static int parse_name(const char *name, char stem[16])
{
	char made[XL_CT_TIMEOUT_NAME];
	size_t len = strlen(STEM) + 8;

	if (strncmp(name, STEM, strlen(STEM)) != 0 ||
	    strspn(name + strlen(STEM), "0123456789abcdef") != 8)
		return -1;
	memcpy(stem, name, len);
	stem[len] = '\0';
	for (int i = 0; i < XL_CT_N_PROTOS; i++) {
		xl_ct_timeout_name(stem, (unsigned)i, made);
		if (!strcmp(made, name))
			return i;
	}
	return -1;
}

static void found(const char *name, void *arg)
{
	struct backend *be = arg;
	struct policy *p;
	char stem[16];
	int proto = parse_name(name, stem);

	if (proto < 0)
		return;
	p = find_stem(be, stem);
	if (!p)
		p = add(be, stem);
	p->former = true;
	p->protos |= (uint8_t)(1u << proto);
}

static void look_back(struct backend *be)
{
	int rc = -EINTR;

	if (be->ct.looked || !be->dp->ops->ct->timeouts)
		return;
	be->ct.looked = true;
	for (unsigned i = 0; rc == -EINTR && i < LOOKS; i++)
		rc = be->dp->ops->ct->timeouts(be->dp, found, be);
	if (rc)
		log_warn("datapath %s: cannot list the timeouts of a former process: %s",
			 be->dp->name, strerror(-rc));
}

/* --- what nobody wants any more --- */

/* True: nothing of it is left. */
static bool unmake(struct backend *be, struct policy *p)
{
	char name[XL_CT_TIMEOUT_NAME];

	for (unsigned i = 0; i < XL_CT_N_PROTOS; i++) {
		if (!(p->protos & 1u << i))
			continue;
		xl_ct_timeout_name(p->stem, i, name);
		if (be->dp->ops->ct->timeout_del(be->dp, name, NULL) != -EBUSY)
			p->protos &= (uint8_t) ~(1u << i); /* gone already is as well */
	}
	return !p->protos;
}

void backend_ct_tick(struct backend *be, uint64_t now_ns)
{
	struct policy *p, *next;

	if (now_ns < be->ct.tidy_ns)
		return;
	be->ct.tidy_ns = now_ns + TIDY_NS;
	cds_list_for_each_entry_safe (p, next, &be->ct.policies, node)
		if (!p->wanted && unmake(be, p)) {
			cds_list_del(&p->node);
			free(p);
		}
}

static int by_zone(const void *a, const void *b)
{
	const struct xl_ct_zone *x = a, *y = b;

	return (x->zone > y->zone) - (x->zone < y->zone);
}

static bool same_zones(const struct backend_ct *ct, const struct xl_ct_zone *zones, size_t n)
{
	return ct->n == n && (!n || !memcmp(ct->zones, zones, n * sizeof(*zones)));
}

void backend_configure_ct_zones(struct backend *be, const struct ct_zone_config *zones, size_t n)
{
	bool can = be->dp->ops->ct && be->dp->ops->ct->timeout_set && be->dp->features.ct_timeout;
	struct xl_ct_zone *v = xcalloc(MAX(n, (size_t)1), sizeof(*v));
	struct policy *p;

	if (n && !can)
		log_warn_rl("datapath %s: has no timeouts of connections by zone", be->dp->name);
	n = can ? n : 0;
	if (can)
		look_back(be);
	cds_list_for_each_entry (p, &be->ct.policies, node)
		p->wanted = false;
	for (size_t i = 0; i < n; i++) {
		p = policy_for(be, &zones[i]);
		p->wanted = true;
		v[i].zone = zones[i].zone;
		v[i].protos = p->protos;
		memcpy(v[i].stem, p->stem, sizeof(v[i].stem));
	}
	if (n)
		qsort(v, n, sizeof(*v), by_zone);
	if (same_zones(&be->ct, v, n)) {
		free(v);
		return;
	}
	free(be->ct.zones);
	be->ct.zones = v;
	be->ct.n = n;
	backend_mark(be);
}

void backend_ct_init(struct backend *be)
{
	CDS_INIT_LIST_HEAD(&be->ct.policies);
}

void backend_ct_done(struct backend *be)
{
	struct policy *p, *next;

	cds_list_for_each_entry_safe (p, next, &be->ct.policies, node) {
		if (!be->leaving)
			(void)unmake(be, p); /* what still names it is not ours */
		free(p);
	}
	CDS_INIT_LIST_HEAD(&be->ct.policies);
	free(be->ct.zones);
	be->ct.zones = NULL;
	be->ct.n = 0;
}
