/* SPDX-License-Identifier: Apache-2.0 */
/* The frame parser, and the edits that rely on what it found.  The first bytes choose the edits,
 * the rest is the frame, in an allocation that ends with it.  After each edit the key is what a
 * fresh parse gives. */
#include <string.h>

#include "core/packet/action_exec.h"
#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "tests/fuzz/fuzz.h"

#define CONTROL_BYTES 4

static void check_in_step(struct packet *p, const struct flow_key *key)
{
	struct flow_key again = *key;
	uint64_t map;

	(void)packet_parse(p, &again, &map);
	FUZZ_CHECK(flow_key_equal(&again, key));
	FUZZ_CHECK(map == (flow_map_of(&again) & UINT64_MAX << FLOW_L2_WORD));
	FUZZ_CHECK(p->l3_ofs == PACKET_NO_OFS || p->l3_ofs <= p->len);
	FUZZ_CHECK(p->l4_ofs == PACKET_NO_OFS ||
		   (p->l4_ofs <= p->len && p->l3_ofs != PACKET_NO_OFS));
}

static void edit(struct packet *p, struct flow_key *key, uint8_t what, uint8_t value)
{
	struct act_set set = { .field = what };

	if (what % 8 == 7) {
		switch (what >> 3 & 3) {
		case 0: (void)packet_push_vlan(p, key, htons(0x8100), htons(0x1000 | value)); break;
		case 1: (void)packet_pop_vlan(p, key); break;
		case 2: (void)packet_push_mpls(p, key, htons(0x8847), htonl(value << 8)); break;
		default: (void)packet_pop_mpls(p, key, htons(value & 1 ? 0x0800 : 0x8847)); break;
		}
		return;
	}
	set.field = (uint16_t)(what % FIELD_N_IDS);
	field_ones(field_get(set.field), &set.mask);
	memset(&set.value, value, sizeof(set.value));
	for (unsigned i = 0; i < sizeof(set.value.b); i++)
		set.value.b[i] &= set.mask.b[i];
	if (set.field == FIELD_ARP_OP)
		set.value.b[0] = 0;
	if (field_value_ok(field_get(set.field), &set.value))
		(void)packet_set_field(p, key, &set);
}

/* What was parsed can be composed, and parses again. */
static void compose(const struct flow_key *key)
{
	struct packet *p = packet_compose(key, 8);
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	(void)packet_parse(p, &k, NULL);
	csum_fix_packet(p);
	packet_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet *p;
	struct flow_key key;
	uint64_t map;

	if (size < CONTROL_BYTES || size > PACKET_MAX_LEN)
		return 0;
	p = packet_new(data + CONTROL_BYTES, size - CONTROL_BYTES, 0);
	memset(&key, 0, sizeof(key));
	FUZZ_CHECK(packet_parse(p, &key, &map) < PARSE_N_RESULTS);
	FUZZ_CHECK(map == flow_map_of(&key));
	compose(&key);
	for (unsigned i = 0; i < CONTROL_BYTES; i += 2) {
		edit(p, &key, data[i], data[i + 1]);
		check_in_step(p, &key);
	}
	csum_fix_packet(p);
	check_in_step(p, &key);
	packet_free(p);
	return 0;
}
