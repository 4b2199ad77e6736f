/* SPDX-License-Identifier: Apache-2.0 */
/* Text to group-mods (ovs-ofctl(8), "Group Syntax"). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/text/flow_text.h"
#include "ofproto/text/ofpact_impl.h"
#include "ofproto/wire/codec.h"

static int parse_type(const char *text, struct ofp_group_mod *gm, struct error *err)
{
	if (!strcmp(text, "fast_failover"))
		text = "ff";
	for (unsigned i = 0; i < 4; i++)
		if (!strcmp(text, group_type_names[i])) {
			gm->type = (uint8_t)i;
			return 0;
		}
	return error_set(err, EINVAL, "type", "\"%.32s\" is not all, select, indirect or ff", text);
}

static int parse_id(const char *text, int command, struct ofp_group_mod *gm, struct error *err)
{
	uint64_t x;
	int e;

	if (command == OFPGC_DELETE_ && !strcmp(text, "all")) {
		gm->id = OFPG_ALL_;
		return 0;
	}
	e = token_number_of("group_id", text, OFPG_MAX_, &x, err);
	if (!e)
		gm->id = (uint32_t)x;
	return e;
}

/* The part before the first bucket. */
static int parse_head(char *text, int command, struct ofp_group_mod *gm, struct error *err)
{
	struct error broken = ERROR_INIT;
	bool id = false, type = false;
	struct token t;

	while (token_next(&text, &t, &broken)) {
		int e;

		if (!strcmp(t.key, "group_id")) {
			e = parse_id(t.value, command, gm, err);
			id = true;
		} else if (!strcmp(t.key, "type")) {
			e = parse_type(t.value, gm, err);
			type = true;
		} else {
			e = error_set(err, EINVAL, t.key, "unknown word");
		}
		if (e)
			return e;
	}
	if (broken.code)
		return error_set(err, EINVAL, broken.field, "%s", broken.cause);
	if (!id && command != OFPGC_DELETE_)
		return error_set(err, EINVAL, "group_id", "the group needs a number");
	if (!type && command != OFPGC_DELETE_)
		return error_set(err, EINVAL, "type", "the group needs a type");
	return 0;
}

/* One word of a bucket; what is none of its own is an action. */
static int bucket_word(const struct token *t, const struct ofp_names *names, struct ofp_bucket *b,
		       struct str *actions, struct error *err)
{
	uint64_t x = 0;
	int e;

	if (!strcmp(t->key, "weight")) {
		e = token_number_of("weight", t->value, UINT16_MAX, &x, err);
		b->weight = (uint16_t)x;
		return e;
	}
	if (!strcmp(t->key, "watch_port"))
		return ofp_port_parse(t->value, names, &b->watch_port, err);
	if (!strcmp(t->key, "watch_group")) {
		e = token_number_of("watch_group", t->value, UINT32_MAX, &x, err);
		b->watch_group = (uint32_t)x;
		return e;
	}
	if (!strcmp(t->key, "bucket_id"))
		return 0; /* the place in the list says it in 1.3 */
	if (!strcmp(t->key, "actions") || !strcmp(t->key, "action"))
		str_printf(actions, "%s,", t->value);
	else if (t->delim == '(')
		str_printf(actions, "%s(%s),", t->key, t->value);
	else if (t->delim)
		str_printf(actions, "%s%c%s,", t->key, t->delim, t->value);
	else
		str_printf(actions, "%s,", t->key);
	return 0;
}

static int parse_bucket(char *text, const struct ofp_names *names, const struct ofp_group_mod *gm,
			struct ofp_bucket *b, struct buf *acts, struct error *err)
{
	struct error broken = ERROR_INIT;
	struct str actions = STR_INIT;
	size_t start = acts->len;
	struct token t;
	int e = 0;

	*b = (struct ofp_bucket){ .weight = gm->type == OFPGT_SELECT_,
				  .watch_port = { OFPP_NONE_ },
				  .watch_group = OFPG_ANY_ };
	while (!e && token_next(&text, &t, &broken))
		e = bucket_word(&t, names, b, &actions, err);
	if (!e && broken.code)
		e = error_set(err, EINVAL, "bucket", "%s", broken.cause);
	if (!e)
		e = ofpacts_parse(str_cstr(&actions), names, acts, err);
	b->actions.len = (uint32_t)(acts->len - start);
	str_done(&actions);
	return e;
}

/* "…,bucket=": cuts the text in front of the next bucket and returns what is behind the word. */
static char *next_bucket(char *text)
{
	char *p = text;

	while ((p = strstr(p, "bucket"))) {
		bool starts = p == text || strchr(", \t\n", p[-1]);

		if (starts && (p[6] == '=' || p[6] == ':')) {
			*p = '\0';
			return p + 7;
		}
		p += 6;
	}
	return NULL;
}

static void fix_pointers(struct ofp_group_mod *gm, struct buf *acts, struct buf *buckets)
{
	size_t at = 0;

	gm->buckets = (struct ofp_bucket *)(void *)buckets->data;
	gm->n_buckets = buckets->len / sizeof(struct ofp_bucket);
	for (size_t i = 0; i < gm->n_buckets; i++) {
		struct ofpacts *l = &gm->buckets[i].actions;

		l->data = l->len ? acts->data + at : NULL;
		at += l->len;
	}
}

static int parse_group(char *text, int command, const struct ofp_names *names,
		       struct ofp_group_mod *gm, struct buf *acts, struct buf *buckets,
		       struct error *err)
{
	char *bucket = next_bucket(text);
	int e = parse_head(text, command, gm, err);

	for (size_t n = 0; !e && bucket; n++) {
		char *next = next_bucket(bucket);
		struct ofp_bucket b;

		if (n == OFP_MAX_BUCKETS)
			return error_set(err, EINVAL, "bucket", "more than %u", OFP_MAX_BUCKETS);
		if (command == OFPGC_DELETE_)
			return error_set(err, EINVAL, "bucket", "deleting takes no buckets");
		e = parse_bucket(bucket, names, gm, &b, acts, err);
		if (!e)
			buf_put(buckets, &b, sizeof(b));
		bucket = next;
	}
	return e;
}

int group_mod_parse(const char *text, int command, const struct ofp_names *names,
		    struct ofp_group_mod *gm, struct buf *acts, struct buf *buckets,
		    struct error *err)
{
	char *copy = xstrdup(text);
	int e;

	buf_clear(acts);
	buf_clear(buckets);
	memset(gm, 0, sizeof(*gm));
	gm->command = (uint16_t)command;
	gm->id = OFPG_ALL_;
	e = parse_group(copy, command, names, gm, acts, buckets, err);
	free(copy);
	if (!e)
		fix_pointers(gm, acts, buckets);
	return e;
}
