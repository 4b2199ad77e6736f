/* SPDX-License-Identifier: Apache-2.0 */
/* Doing datapath actions to one packet in software: the header edits.  What needs the datapath
 * around it (output, recirculation, upcall, conntrack, meters) is a callback.  Shared by the user
 * datapath, the sim NIC and packet-out.
 *
 * No allocation but for copies that CLONE and SAMPLE need (a SAMPLE of one USERSPACE needs none);
 * no locks. */
#pragma once

#include "core/packet/action.h"
#include "core/packet/packet.h"

struct exec_ctx;
/* Returns false when the packet is consumed or must not go on. */
typedef bool exec_side_fn(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			  const struct dp_action *a);

struct exec_ctx {
	/* RECIRC, USERSPACE, METER, CT, CT_CLEAR come here, and OUTPUT (p->len already cut by
	 * TRUNC, checksum of a partial packet not finished).  The packet stays the caller's. */
	exec_side_fn *side;
	void *aux;
	uint32_t trunc;      /* internal; 0 */
	uint32_t dropped;    /* out: packets that an edit could not be done to (no such header, no
				headroom) */
	uint32_t rng;        /* state for SAMPLE; non-zero seed */
	const void *tnl_end; /* internal; where a run of SETs of tunnel fields would go on */
};

/* Applies `acts` to p and keeps *key (packet-borne words) in step with the edits. */
void actions_exec(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		  struct dp_actions acts);
/* One SET on packet and key; false when the packet has no such header.  A tunnel field goes to
 * *p->tnl, or nowhere when that is NULL. */
bool packet_set_field(struct packet *p, struct flow_key *key, const struct act_set *set);
bool packet_push_vlan(struct packet *p, struct flow_key *key, be16 tpid, be16 tci);
bool packet_pop_vlan(struct packet *p, struct flow_key *key);
bool packet_push_mpls(struct packet *p, struct flow_key *key, be16 ethertype, be32 lse);
bool packet_pop_mpls(struct packet *p, struct flow_key *key, be16 ethertype);
