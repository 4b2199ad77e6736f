/* SPDX-License-Identifier: Apache-2.0 */
/* What a datapath can do, so that translation asks for nothing that it would refuse.
 *
 * Filled while the datapath is opened (the kernel's by trying each on a scratch datapath) and the
 * same for its whole life: read by any thread without a lock.  A new ability is a member here and a
 * row of the table that dpif/show-dp-features prints. */
#pragma once

#include "core/base/str.h"
#include "core/packet/action.h"

/* Kinds of tunnels that a port can be. */
enum dp_tunnel { DP_TUNNEL_VXLAN, DP_TUNNEL_GENEVE, DP_TUNNEL_GRE, DP_N_TUNNELS };

struct dp_features {
	uint32_t actions;   /* bit per enum dp_action_kind */
	uint32_t tunnels;   /* bit per enum dp_tunnel */
	uint32_t max_vlans; /* VLAN headers that a key has */
	bool exact_tags;    /* flows match their tags, or that there is none, whatever a mask says:
			       two that differ in nothing else are two */
	uint32_t max_mpls;  /* MPLS labels that a key has */
	uint32_t sample_depth; /* nested sample() and clone() */
	uint32_t max_hash_alg; /* highest enum dp_hash_alg of DP_ACT_HASH */
	bool set_masked;       /* act_set of some bits of a field */
	bool tnl_push_pop; /* the datapath makes outer headers itself, from routes that we give */
	bool ufid;         /* flows are named by their ufid alone */
	bool recirc;       /* recirc_id is matched */
	bool ct_state, ct_zone, ct_mark, ct_label; /* matched */
	bool ct_state_nat;                         /* CT_SNAT and CT_DNAT in ct_state */
	bool ct_orig_tuple, ct_orig_tuple6; /* ct_nw_src and its like, ct_ipv6_src and its like */
	bool ct_eventmask;                  /* says which events of a connection are told */
	bool ct_timeout;                    /* act_ct.timeout */
	bool ct_zero_snat; /* NAT to 0.0.0.0: a source port is found when it collides */
	bool mpls_add;     /* labels in front of the Ethernet header */
	bool nd_ext;       /* ND options type and reserved bits */
	bool lb_output;    /* a bond as an output */
};

static inline bool dp_features_have(const struct dp_features *f, enum dp_action_kind kind)
{
	return f->actions >> kind & 1;
}

/* The lines of dpif/show-dp-features (ovs-vswitchd(8)): "Ufid: Yes". */
void dp_features_format(const struct dp_features *f, struct str *out);
/* The same as Datapath.capabilities has it (ovs-vswitchd.conf.db(5)): "ufid", "true".  Both are
 * borrowed until fn returns. */
void dp_features_visit(const struct dp_features *f,
		       void (*fn)(const char *key, const char *value, void *arg), void *arg);
