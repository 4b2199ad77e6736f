/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that have much of what a rule asks for, so that some of them hit it. */
#pragma once

#include "core/packet/parse.h"
#include "tests/unit/tc/random_rule.h"

/* A mixture of keys as the parser would show it. */
static inline void near_as_packet(struct flow_key *k)
{
	struct packet *p = packet_compose(k, 16);

	(void)packet_parse(p, k, NULL); /* headers are whole */
	packet_free(p);
}

static inline void near_rule(struct rng *r, const struct offload_rule *rule, struct flow_key *k)
{
	const uint64_t *want = flow_words_const(rule->key), *mask = flow_words_const(rule->mask);
	uint64_t *w = flow_words(k);

	random_rule_key(r, k);
	for (unsigned tries = 0; tries < 64 && k->dl_type != rule->key->dl_type; tries++)
		random_rule_key(r, k);
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		if (rng_below(r, 16))
			w[i] = (w[i] & ~mask[i]) | (want[i] & mask[i]);
	if (k->in_port == htonl(RULE_VXLAN))
		k->tunnel.flags = htons((uint16_t)(FLOW_TNL_F_KEY | (rng_below(r, 2) << 1)));
	near_as_packet(k);
}
