/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_number.h"

#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_ct.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_mpls.h>
#include <linux/tc_act/tc_pedit.h>
#include <linux/tc_act/tc_tunnel_key.h>
#include <linux/tc_act/tc_vlan.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/random.h"
#include "core/io/nlattr.h"

#define NUMBERS (FLOWER_NUMBER_LAST - FLOWER_NUMBER_FIRST + 1)

/* Where the fixed part stands that begins with struct tc_gen. */
static const struct {
	const char *kind;
	uint16_t attr;
} kinds[] = {
	{ "mirred", TCA_MIRRED_PARMS },  { "gact", TCA_GACT_PARMS },
	{ "pedit", TCA_PEDIT_PARMS_EX }, { "csum", TCA_CSUM_PARMS },
	{ "vlan", TCA_VLAN_PARMS },      { "tunnel_key", TCA_TUNNEL_KEY_PARMS },
	{ "mpls", TCA_MPLS_PARMS },      { "ct", TCA_CT_PARMS },
};

struct fixed { /* what tc_gen is in each of them */
	tc_gen;
};

static uint32_t next_number(void)
{
	static _Atomic uint32_t last;
	uint32_t was = 0, start;

	if (!atomic_load(&last)) {
		start = (uint32_t)random_below(NUMBERS) + 1;
		(void)atomic_compare_exchange_strong(&last, &was, start); /* another was first */
	}
	return FLOWER_NUMBER_FIRST + atomic_fetch_add(&last, 1) % NUMBERS;
}

static uint16_t attr_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].kind, kind))
			return kinds[i].attr;
	return 0;
}

static const struct nlattr *find(const void *p, size_t len, uint16_t type)
{
	const struct nlattr *a;
	bool bad = false;

	NLATTR_FOR_EACH(a, p, len, &bad)
	if (nlattr_type(a) == type)
		return a;
	return NULL;
}

/* The fixed part of an action; NULL: none that has a number. */
static const struct nlattr *fixed_of(const struct nlattr *act)
{
	const struct nlattr *kind = find(nlattr_data(act), nlattr_len(act), TCA_ACT_KIND), *a;
	const struct nlattr *options = find(nlattr_data(act), nlattr_len(act), TCA_ACT_OPTIONS);
	char name[16];
	uint16_t attr;

	if (!kind || !options || !nlattr_str(kind, name, sizeof(name)))
		return NULL;
	attr = attr_of(name);
	a = attr ? find(nlattr_data(options), nlattr_len(options), attr) : NULL;
	return a && nlattr_len(a) >= sizeof(struct fixed) ? a : NULL;
}

void flower_number_put(void *options, size_t len)
{
	const struct nlattr *acts = find(options, len, TCA_FLOWER_ACT), *act;
	bool bad = false;

	if (!acts)
		return;
	NLATTR_FOR_EACH(act, nlattr_data(acts), nlattr_len(acts), &bad)
	{
		const struct nlattr *a = fixed_of(act);
		uint32_t number = next_number();

		if (a) /* in the caller's buffer; tc_gen begins with the number */
			memcpy((uint8_t *)options +
				       ((const uint8_t *)nlattr_data(a) - (const uint8_t *)options),
			       &number, sizeof(number));
	}
}

bool flower_number_shared(const void *acts, size_t len)
{
	const struct nlattr *act;
	bool bad = false;

	NLATTR_FOR_EACH(act, acts, len, &bad)
	{
		const struct nlattr *a = fixed_of(act);
		struct fixed f;

		if (!a)
			continue;
		memcpy(&f, nlattr_data(a), sizeof(f));
		if (f.bindcnt != 1)
			return true;
	}
	return false;
}
