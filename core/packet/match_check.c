/* SPDX-License-Identifier: Apache-2.0 */
/* Is a match one that OpenFlow allows?  The check consumes the mask: fields whose prerequisites
 * hold account for their bits, and what is left over is at fault.  It goes by the words that the
 * mask has, through a list of the fields in each word, because every flow-mod comes through here.
 */
#include <errno.h>

#include "core/packet/match.h"

/* A field's part in one word of the key. */
struct part {
	uint64_t bits;
	const struct field *field;
};

#define MAX_PARTS (2 * FIELD_N_IDS) /* a field is in two words at most */
static struct part parts[MAX_PARTS];
static uint16_t first_part[FLOW_WORDS + 1]; /* of each word, into parts[] */

/* Before main(); constant from then on. */
static void __attribute__((constructor)) parts_fill(void)
{
	uint16_t n = 0;

	for (unsigned w = 0; w < FLOW_WORDS; w++) {
		first_part[w] = n;
		for (unsigned i = 0; i < FIELD_N_IDS; i++) {
			struct flow_key mask;

			memset(&mask, 0, sizeof(mask));
			field_mask_set(&field_table[i], &mask);
			if (flow_words(&mask)[w])
				parts[n++] = (struct part){ flow_words(&mask)[w], &field_table[i] };
		}
	}
	first_part[FLOW_WORDS] = n;
}

static const char *const prereq_text[] = {
	[FIELD_PRE_NONE] = "nothing",
	[FIELD_PRE_ARP] = "arp or rarp",
	[FIELD_PRE_VLAN] = "a VLAN tag (vlan_vid or vlan_tci)",
	[FIELD_PRE_IPV4] = "ip",
	[FIELD_PRE_IPV6] = "ipv6",
	[FIELD_PRE_IP] = "ip or ipv6",
	[FIELD_PRE_MPLS] = "mpls or mplsm",
	[FIELD_PRE_TCP] = "tcp, udp, sctp or their IPv6 forms, and not nw_frag=later",
	[FIELD_PRE_UDP] = "udp or udp6, and not nw_frag=later",
	[FIELD_PRE_SCTP] = "sctp or sctp6, and not nw_frag=later",
	[FIELD_PRE_ICMPV4] = "icmp, and not nw_frag=later",
	[FIELD_PRE_ICMPV6] = "icmp6, and not nw_frag=later",
	[FIELD_PRE_ND] = "icmp6,icmp_type=135 or 136,icmp_code=0",
	[FIELD_PRE_ND_SOL] = "icmp6,icmp_type=135,icmp_code=0",
	[FIELD_PRE_ND_ADV] = "icmp6,icmp_type=136,icmp_code=0",
	[FIELD_PRE_CT] = "a ct_state that says that there is a connection",
};

/* Bits of word w that fields of this match account for; *masked: those of maskable fields. */
static uint64_t legal_bits(const struct match *m, unsigned w, uint64_t *masked)
{
	uint64_t mask = flow_words_const(&m->mask)[w], legal = 0;

	*masked = 0;
	for (unsigned i = first_part[w]; i < first_part[w + 1]; i++) {
		const struct part *p = &parts[i];

		if (!(mask & p->bits) || !field_prereq_matched(p->field->prereq, &m->key, &m->mask))
			continue;
		legal |= p->bits;
		if (p->field->maskable)
			*masked |= p->bits;
	}
	return legal;
}

static int refuse_leftover(unsigned w, uint64_t left, struct error *err)
{
	for (unsigned i = first_part[w]; i < first_part[w + 1]; i++)
		if (left & parts[i].bits)
			return error_set(err, EINVAL, parts[i].field->name, "the match needs %s",
					 prereq_text[parts[i].field->prereq]);
	return error_set(err, EINVAL, NULL,
			 "no OpenFlow field matches on this (word %u of the key)", w);
}

/* A field that cannot be masked is matched whole; its value is one that it can have. */
static int check_part(const struct match *m, const struct part *p, uint64_t mask, uint64_t masked,
		      struct error *err)
{
	uint64_t rest = mask & p->bits & ~masked;
	union field_value v;

	if (!(mask & p->bits))
		return 0;
	if (!p->field->maskable && rest && rest != (p->bits & ~masked))
		return error_set(err, EINVAL, p->field->name, "the field cannot be masked");
	if (!field_prereq_matched(p->field->prereq, &m->key, &m->mask))
		return 0;
	field_read(p->field, &m->key, &v);
	if (!field_value_ok(p->field, &v))
		return error_set(err, EINVAL, p->field->name,
				 "the value is not one of the field's");
	return 0;
}

int match_check(const struct match *m, struct error *err)
{
	uint64_t map = flow_map_of(&m->mask);
	unsigned w;

	FLOW_MAP_FOR_EACH (w, map) {
		uint64_t mask = flow_words_const(&m->mask)[w], masked;
		uint64_t left = mask & ~legal_bits(m, w, &masked);
		int r = 0;

		if (left)
			return refuse_leftover(w, left, err);
		for (unsigned i = first_part[w]; !r && i < first_part[w + 1]; i++)
			r = check_part(m, &parts[i], mask, masked, err);
		if (r)
			return r;
	}
	return 0;
}

bool match_normalize(struct match *m)
{
	bool changed = false, again;
	unsigned w;

	/* A field that goes may have been what another one needed. */
	do {
		uint64_t map = flow_map_of(&m->mask);

		again = false;
		FLOW_MAP_FOR_EACH (w, map) {
			uint64_t masked, legal = legal_bits(m, w, &masked);

			if (!(flow_words(&m->mask)[w] & ~legal))
				continue;
			flow_words(&m->mask)[w] &= legal;
			flow_words(&m->key)[w] &= legal;
			changed = again = true;
		}
	} while (again);
	return changed;
}
