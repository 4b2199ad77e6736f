/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/sim/profile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "offload/caps.h"

/* One line on its way through the table of keys. */
struct line {
	struct sim_profile *p;
	const char *key;
	char *value; /* NUL-terminated, trimmed */
	char where[64];
	struct error *err;
};

struct key {
	const char *name;
	int (*fn)(struct line *l, const struct key *k);
	size_t ofs;
	uint64_t min, max;
	bool wide; /* 64 bits */
};

/* Calls fn for each word of the value. */
static int each_word(struct line *l, const struct key *k,
		     int (*fn)(struct line *l, const struct key *k, const char *word))
{
	char *save = NULL;

	for (char *w = strtok_r(l->value, " \t,", &save); w; w = strtok_r(NULL, " \t,", &save)) {
		int rc = fn(l, k, w);

		if (rc)
			return rc;
	}
	return 0;
}

static int add_field(struct line *l, const struct key *k, const char *word)
{
	const struct field *f = field_by_name(word, strlen(word));
	uint64_t *set = (uint64_t *)(void *)((char *)l->p + k->ofs);

	if (!f)
		return error_set(l->err, EINVAL, l->where, "\"%.40s\" is not a field", word);
	caps_field_add(set, f->id);
	if (k->max) /* a way to match: exactly is one of its cases */
		caps_field_add(l->p->caps.fields, f->id);
	return 0;
}

static int key_fields(struct line *l, const struct key *k)
{
	return each_word(l, k, add_field);
}

#define ACT(KIND) (1u << DP_ACT_##KIND)
/* What actions_exec() does without a datapath around it. */
#define SIM_ACTIONS                                                                                \
	(ACT(OUTPUT) | ACT(SET) | ACT(PUSH_VLAN) | ACT(POP_VLAN) | ACT(PUSH_MPLS) |                \
	 ACT(POP_MPLS) | ACT(CLONE) | ACT(TRUNC) | ACT(DROP))

static int add_action(struct line *l, const struct key *k, const char *word)
{
	(void)k;
	for (unsigned i = 0; i < DP_ACT_N_KINDS; i++) {
		if (strcmp(dp_action_table[i].name, word))
			continue;
		if (!l->p->probed && !(SIM_ACTIONS >> i & 1))
			return error_set(l->err, EINVAL, l->where,
					 "no sim NIC can do the action \"%s\"", word);
		l->p->caps.actions |= 1u << i;
		return 0;
	}
	return error_set(l->err, EINVAL, l->where, "\"%.40s\" is not an action", word);
}

static int key_actions(struct line *l, const struct key *k)
{
	return each_word(l, k, add_action);
}

static int key_number(struct line *l, const struct key *k)
{
	char *end;
	unsigned long long x;

	errno = 0;
	x = strtoull(l->value, &end, 10);
	if (!isdigit((unsigned char)l->value[0]) || *end || errno || x < k->min || x > k->max)
		return error_set(l->err, EINVAL, l->where, "%s must be a number from %llu to %llu",
				 k->name, (unsigned long long)k->min, (unsigned long long)k->max);
	if (k->wide)
		*(uint64_t *)(void *)((char *)l->p + k->ofs) = x;
	else
		*(uint32_t *)(void *)((char *)l->p + k->ofs) = (uint32_t)x;
	return 0;
}

static int key_bool(struct line *l, const struct key *k)
{
	bool yes = !strcmp(l->value, "yes");

	if (!yes && strcmp(l->value, "no"))
		return error_set(l->err, EINVAL, l->where, "%s must be yes or no", k->name);
	*(bool *)((char *)l->p + k->ofs) = yes;
	return 0;
}

static int key_text(struct line *l, const struct key *k)
{
	(void)snprintf((char *)l->p + k->ofs, k->max, "%s", l->value);
	return 0;
}

#define OFS(MEMBER) offsetof(struct sim_profile, MEMBER)
#define SIZE(MEMBER) sizeof(((struct sim_profile *)NULL)->MEMBER)
static const struct key keys[] = {
	{ "description", key_text, OFS(description), 0, SIZE(description), false },
	{ "probed", key_bool, OFS(probed), 0, 0, false },
	{ "ports", key_text, OFS(ports), 0, SIZE(ports), false },
	{ "fields", key_fields, OFS(caps.fields), 0, 1, false },
	{ "fields_prefix", key_fields, OFS(caps.fields_prefix), 0, 1, false },
	{ "fields_masked", key_fields, OFS(caps.fields_masked), 0, 1, false },
	{ "set_fields", key_fields, OFS(caps.fields_set), 0, 0, false },
	{ "actions", key_actions, 0, 0, 0, false },
	{ "inner_vlan", key_bool, OFS(inner_vlan), 0, 0, false },
	{ "table_size", key_number, OFS(caps.capacity), 1, 16777216, true },
	{ "max_outputs", key_number, OFS(caps.max_outputs), 0, 65535, false },
	{ "max_actions", key_number, OFS(caps.max_actions), 0, 65535, false },
	{ "insert_latency_us", key_number, OFS(insert_latency_us), 0, 10000000, false },
	{ "counter_lag_ms", key_number, OFS(caps.counter_lag_ms), 0, 60000, false },
	{ "batch", key_number, OFS(caps.max_batch), 1, 1024, false },
};

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int parse_line(struct line *l, char *text)
{
	char *hash = strchr(text, '#'), *eq;

	if (hash)
		*hash = '\0';
	text = trim(text);
	if (!*text)
		return 0;
	eq = strchr(text, '=');
	if (!eq)
		return error_set(l->err, EINVAL, l->where, "\"%.40s\" is not \"key = value\"",
				 text);
	*eq = '\0';
	l->key = trim(text);
	l->value = trim(eq + 1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].name, l->key))
			return keys[i].fn(l, &keys[i]);
	return error_set(l->err, EINVAL, l->where, "unknown key \"%.40s\"", l->key);
}

static void name_of_file(const char *file, struct sim_profile *p)
{
	const char *base = strrchr(file, '/');
	char *dot;

	(void)snprintf(p->name, sizeof(p->name), "%s", base ? base + 1 : file);
	dot = strrchr(p->name, '.');
	if (dot)
		*dot = '\0';
}

int profile_parse(const char *text, size_t len, const char *file, struct sim_profile *p,
		  struct error *err)
{
	char *copy = xstrndup(text, len), *rest = copy, *one;
	const char *base = strrchr(file, '/');
	struct line l = { .p = p, .err = err };
	int rc = 0;

	memset(p, 0, sizeof(*p));
	p->caps.max_batch = 64;
	name_of_file(file, p);
	for (unsigned n = 1; !rc && (one = strsep(&rest, "\n")); n++) {
		(void)snprintf(l.where, sizeof(l.where), "%.48s:%u", base ? base + 1 : file, n);
		rc = parse_line(&l, one);
	}
	if (!rc && !p->caps.capacity && !p->probed)
		rc = error_set(err, EINVAL, base ? base + 1 : file, "table_size is missing");
	caps_field_add(p->caps.fields, FIELD_IN_PORT);
	if (!p->probed)
		caps_field_add(p->caps.fields, FIELD_RECIRC_ID);
	free(copy);
	return rc;
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	if (!n || n >= PROFILE_NAME_MAX)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '-' && *name != '_')
			return false;
	return true;
}

static const char *profile_dir(void)
{
	const char *dir = getenv("SHUNT_PROFILE_DIR");

	return dir ? dir : SHUNT_PKGDATADIR "/profiles";
}

static int is_profile(const struct dirent *e)
{
	size_t len = strlen(e->d_name), suffix = strlen(".conf");

	return len > suffix && !strcmp(e->d_name + len - suffix, ".conf");
}

void profile_list(struct str *out)
{
	struct dirent **v;
	int n = scandir(profile_dir(), &v, is_profile, alphasort);

	for (int i = 0; i < n; i++) {
		str_printf(out, "%s%.*s", i ? ", " : "",
			   (int)(strlen(v[i]->d_name) - strlen(".conf")), v[i]->d_name);
		free(v[i]);
	}
	if (n >= 0)
		free(v);
}

static int no_profile(const char *name, int code, struct error *err)
{
	struct str s = STR_INIT;

	profile_list(&s);
	(void)error_set(err, code, NULL, "no profile \"%s\" in %s%s%s", name, profile_dir(),
			s.len ? "; there are " : "", str_cstr(&s));
	str_done(&s);
	return -code;
}

int profile_read(const char *path, struct sim_profile *p, struct error *err)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t len;
	int rc;

	if (!f)
		return error_set(err, errno, path, "%s", strerrordesc_np(errno));
	text = xmalloc(PROFILE_MAX_SIZE + 1);
	len = fread(text, 1, PROFILE_MAX_SIZE + 1, f);
	if (ferror(f))
		rc = error_set(err, EIO, NULL, "cannot read %s", path);
	else if (len > PROFILE_MAX_SIZE)
		rc = error_set(err, EFBIG, NULL, "%s is longer than %d bytes", path,
			       PROFILE_MAX_SIZE);
	else
		rc = profile_parse(text, len, path, p, err);
	free(text);
	(void)fclose(f);
	return rc;
}

int profile_load(const char *name, struct sim_profile *p, struct error *err)
{
	char path[4096];

	if (!name_ok(name))
		return error_set(err, EINVAL, NULL, "\"%.40s\" cannot be the name of a profile",
				 name);
	(void)snprintf(path, sizeof(path), "%s/%s.conf", profile_dir(), name);
	if (access(path, F_OK))
		return no_profile(name, errno, err);
	return profile_read(path, p, err);
}

/* --- what it would take --- */

static bool outputs_ok(struct dp_actions acts, profile_port_fn *has_port, void *aux,
		       struct offload_refusal *why)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_output *o = dp_action_payload(a);

		if (dp_action_table[a->kind].nested &&
		    !outputs_ok(dp_action_nested(a, 0), has_port, aux, why))
			return false;
		if (a->kind != DP_ACT_OUTPUT || has_port(aux, o->port))
			continue;
		offload_refusal_set(why, OFFLOAD_OUT_DEVICE);
		why->action = DP_ACT_OUTPUT;
		return false;
	}
	return true;
}

int profile_plan(const struct sim_profile *p, const struct offload_rule *r,
		 profile_port_fn *has_port, void *aux, struct offload_plan *plan)
{
	plan->cost = 1;
	return caps_fit_mask(&p->caps, p->inner_vlan, r, &plan->refusal) &&
			       caps_fit_actions(&p->caps, r->actions, &plan->refusal) &&
			       outputs_ok(r->actions, has_port, aux, &plan->refusal)
		       ? 0
		       : -EOPNOTSUPP;
}
