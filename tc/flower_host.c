/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_host.h"

enum flower_for_host flower_for_host(struct eth_addr dst, struct eth_addr mask,
				     struct eth_addr port)
{
	bool whole = true, other = false;

	if (eth_addr_is_multicast(mask) && eth_addr_is_multicast(dst))
		return FLOWER_HOST_NO;
	for (unsigned i = 0; i < sizeof(dst.b); i++) {
		whole &= mask.b[i] == 0xff;
		other |= (dst.b[i] ^ port.b[i]) & mask.b[i];
	}
	return other ? FLOWER_HOST_NO : whole ? FLOWER_HOST_YES : FLOWER_HOST_UNSURE;
}

void flower_host_set(const struct act_set *set, struct eth_addr *dst, struct eth_addr *mask)
{
	if (set->field != FIELD_ETH_DST)
		return;
	for (unsigned i = 0; i < sizeof(dst->b); i++) {
		dst->b[i] = (uint8_t)((dst->b[i] & ~set->mask.mac.b[i]) |
				      (set->value.mac.b[i] & set->mask.mac.b[i]));
		mask->b[i] |= set->mask.mac.b[i];
	}
}
