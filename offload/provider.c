/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/provider.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"

static const struct offload_provider_ops *providers[OFFLOAD_MAX_PROVIDERS];
static unsigned n_providers;

void offload_provider_register(const struct offload_provider_ops *ops)
{
	for (unsigned i = 0; i < n_providers; i++)
		if (providers[i] == ops)
			return;
	if (n_providers == OFFLOAD_MAX_PROVIDERS)
		abort(); /* a programmer's error: the array above is too short */
	providers[n_providers++] = ops;
}

const struct offload_provider_ops *offload_provider_find(const char *type, size_t len)
{
	for (unsigned i = 0; i < n_providers; i++)
		if (strlen(providers[i]->type) == len && !memcmp(providers[i]->type, type, len))
			return providers[i];
	return NULL;
}

const struct offload_provider_ops *offload_provider_at(unsigned i)
{
	return i < n_providers ? providers[i] : NULL;
}

const char *const offload_policy_name[OFFLOAD_N_POLICIES] = {
	[OFFLOAD_POLICY_NONE] = "none",
	[OFFLOAD_POLICY_SKIP_SW] = "skip_sw",
	[OFFLOAD_POLICY_SKIP_HW] = "skip_hw",
};

int offload_policy_parse(const char *text)
{
	for (int i = 0; i < OFFLOAD_N_POLICIES; i++)
		if (!strcmp(offload_policy_name[i], text))
			return i;
	return -1;
}

const char *const offload_event_name[OFFLOAD_N_EVENTS] = {
	[OFFLOAD_EV_RULE_GONE] = "rule_gone",   [OFFLOAD_EV_RULE_ALTERED] = "rule_altered",
	[OFFLOAD_EV_RULE_STALE] = "rule_stale", [OFFLOAD_EV_RULES] = "rules",
	[OFFLOAD_EV_RESET] = "reset",           [OFFLOAD_EV_CAPS] = "caps",
	[OFFLOAD_EV_CAPACITY] = "capacity",     [OFFLOAD_EV_GONE] = "gone",
};

static bool has_ct(struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		unsigned n_lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;

		if (a->kind == DP_ACT_CT)
			return true;
		for (unsigned i = 0; dp_action_table[a->kind].nested && i < n_lists; i++)
			if (has_ct(dp_action_nested(a, i)))
				return true;
	}
	return false;
}

bool offload_needs_software(const struct flow_key *mask, struct dp_actions actions)
{
	return mask->ct_state || has_ct(actions);
}

char *offload_ufid_print(struct ufid u, char text[UFID_TEXT_LEN + 1])
{
	(void)snprintf(text, UFID_TEXT_LEN + 1, "%08x-%04x-%04x-%04x-%012llx",
		       (unsigned)(u.u[0] >> 32), (unsigned)(u.u[0] >> 16 & 0xffff),
		       (unsigned)(u.u[0] & 0xffff), (unsigned)(u.u[1] >> 48),
		       (unsigned long long)(u.u[1] & UINT64_C(0xffffffffffff)));
	return text;
}

bool offload_ufid_parse(const char *text, struct ufid *u)
{
	struct ufid x = { { 0, 0 } };
	unsigned n = 0;

	if (!strncmp(text, "ufid:", 5))
		text += 5;
	for (; *text; text++) {
		const char *digits = "0123456789abcdef", *d;

		if (*text == '-')
			continue;
		d = strchr(digits, tolower((unsigned char)*text));
		if (!d || n == 32)
			return false;
		x.u[n / 16] = x.u[n / 16] << 4 | (uint64_t)(d - digits);
		n++;
	}
	if (n != 32)
		return false;
	*u = x;
	return true;
}

uint64_t offload_match_digest(const struct flow_key *key, const struct flow_key *mask)
{
	const uint64_t *k = flow_words_const(key), *m = flow_words_const(mask);
	uint64_t map = flow_map_of(mask), h = hash_u64(map, 0);
	unsigned i;

	FLOW_MAP_FOR_EACH (i, map)
		h = hash_add64(hash_add64(h, m[i]), k[i] & m[i]);
	return h;
}

uint64_t offload_rule_digest(const struct flow_key *key, const struct flow_key *mask,
			     struct dp_actions actions)
{
	uint64_t h = hash_add64(offload_match_digest(key, mask), actions.len);

	return actions.len ? hash_bytes(actions.data, actions.len, h) : h;
}
