/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnel ports: which OpenFlow port a packet that came out of a tunnel belongs to, and what the
 * outer header of a packet says that goes into one.
 *
 * In a datapath there is one port for each UDP port that tunnels use; the OpenFlow ports that share
 * it are told apart by the outer addresses and the key (ovs-vswitchd.conf.db(5), "Tunnel Options").
 * Each of the three is fixed or open, so there are twelve levels, from the most specific to the
 * least: a fixed key before an open one, then a fixed remote address, then a fixed local one.  A
 * packet belongs to the first level that has it; only what the levels before looked at is
 * un-wildcarded.
 *
 * Addresses are of either family, as in ip_addr.h.
 *
 * Threads: a map is immutable once it is made. */
#pragma once

#include "core/base/err.h"
#include "core/base/ip_addr.h"
#include "core/base/str.h"
#include "core/packet/flow_key.h"
#include "core/port/port.h"

#define TUNNEL_TTL 64          /* of the outer header where nothing is said */
#define TUNNEL_VXLAN_PORT 4789 /* IANA's, RFC 7348 section 5 */
#define TUNNEL_KEY_MAX 0xffffffu

struct tunnel_conf { /* of one OpenFlow port; a plain value */
	uint16_t dst_port;
	bool gbp; /* VXLAN Group Based Policy extension (draft-smith-vxlan-group-policy) */

	bool in_key_flow, out_key_flow, out_key_set;
	be64 in_key, out_key; /* zero where the flow has it */
	bool remote_flow, local_flow, local_set;
	struct be128 remote, local; /* zero where the flow has it, or none is set */

	uint8_t tos, ttl; /* where they are not inherited, or the inner packet is not IP */
	bool tos_inherit, ttl_inherit;
	bool df, csum;
};

/* From an Interface's options.  -EINVAL, with the option in err->field. */
int tunnel_conf_parse(struct tunnel_conf *c, const struct port_config *cfg,
		      struct error *err) MUST_CHECK;
/* The two would take the same packets, were they of one datapath port. */
bool tunnel_conf_clash(const struct tunnel_conf *a, const struct tunnel_conf *b);
bool tunnel_conf_equal(const struct tunnel_conf *a, const struct tunnel_conf *b);
/* `remote_ip=1.2.3.4, key=5, …`: what differs from the defaults, by name. */
void tunnel_conf_format(const struct tunnel_conf *c, struct str *out);

/* The outer addresses of a packet's tunnel metadata. */
struct be128 tunnel_src(const struct flow_tnl *t);
struct be128 tunnel_dst(const struct flow_tnl *t);
void tunnel_set_src(struct flow_tnl *t, const struct be128 *a);
void tunnel_set_dst(struct flow_tnl *t, const struct be128 *a);

/* --- the map --- */

struct tunnel_map;

struct tunnel_entry {
	struct dp_port dp;
	const struct tunnel_conf *conf; /* read while the map is made */
	void *port;                     /* what tunnel_map_find() gives */
};

/* Of n entries, no two of which clash; NULL when n is 0. */
struct tunnel_map *tunnel_map_new(const struct tunnel_entry *e, size_t n);
void tunnel_map_free(struct tunnel_map *m); /* NULL is fine */
/* A datapath port that tunnels share.  NULL map: never. */
bool tunnel_map_has(const struct tunnel_map *m, struct dp_port dp);
/* The port that a packet with this key came in by, by its in_port and tunnel words; NULL: none.
 * Adds the bits that the answer depends on to *mask. */
void *tunnel_map_find(const struct tunnel_map *m, const struct flow_key *key,
		      struct flow_key *mask);
