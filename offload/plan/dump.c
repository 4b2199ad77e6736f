/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/plan/dump.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/dp_text.h"
#include "core/packet/match.h"
#include "offload/plan/dump_priv.h"
#include "offload/provider.h"

void dump_reader_init(struct dump_reader *r)
{
	memset(r, 0, sizeof(*r));
}

void dump_reader_done(struct dump_reader *r)
{
	for (size_t i = 0; i < r->n_names; i++)
		free(r->names[i]);
	free(r->names);
}

void dump_flow_init(struct dump_flow *f)
{
	memset(f, 0, sizeof(*f));
	buf_init(&f->actions);
	str_init(&f->match_text);
	str_init(&f->actions_text);
}

void dump_flow_done(struct dump_flow *f)
{
	buf_done(&f->actions);
	str_done(&f->match_text);
	str_done(&f->actions_text);
}

/* --- ports --- */

void dump_port_name(const struct dump_reader *r, struct dp_port no, char name[64])
{
	if (no.v >= DUMP_NAMED_PORT && no.v - DUMP_NAMED_PORT < r->n_names)
		(void)snprintf(name, 64, "%s", r->names[no.v - DUMP_NAMED_PORT]);
	else
		(void)snprintf(name, 64, "%u", no.v);
}

bool dump_port_find(const struct dump_reader *r, const char *name, struct dp_port *no)
{
	uint64_t x;

	for (size_t i = 0; i < r->n_names; i++)
		if (!strcmp(r->names[i], name)) {
			no->v = DUMP_NAMED_PORT + (uint32_t)i;
			return true;
		}
	if (!field_parse_number(name, &x) || x >= DUMP_NAMED_PORT)
		return false;
	no->v = (uint32_t)x;
	return true;
}

int dump_port(struct dump *d, const char *word, struct dp_port *no)
{
	struct dump_reader *r = d->reader;
	size_t len = strlen(word);

	if (len >= 2 && word[0] == '"' && word[len - 1] == '"') {
		word++;
		len -= 2;
	}
	if (!len || len >= 64)
		return dump_bad(d, "a port's name has 1 to 63 characters", word);
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)word[i]) || strchr("()\",", word[i]))
			return dump_bad(d, "no port has such a name", word);
	if (dump_port_find(r, word, no))
		return 0;
	if (isdigit((unsigned char)*word) && strspn(word, "0123456789") == len)
		return dump_bad(d, "no port has such a number", word);
	if (r->n_names == DUMP_PORTS_MAX)
		return dump_bad(d, "there are too many ports", word);
	if (r->n_names == r->cap_names)
		r->names = xgrow(r->names, &r->cap_names, r->n_names + 1, sizeof(*r->names));
	r->names[r->n_names] = xstrndup(word, len);
	no->v = DUMP_NAMED_PORT + (uint32_t)r->n_names++;
	return 0;
}

/* --- words of all parts --- */

int dump_bad(struct dump *d, const char *why, const char *word)
{
	return error_set(d->err, EINVAL, NULL, "%s: \"%.60s\"", why, word);
}

void dump_foreign(struct dump *d, enum offload_reason reason, const char *what)
{
	struct offload_refusal *f = &d->flow->foreign;

	if (f->reason != OFFLOAD_OK)
		return;
	offload_refusal_set(f, reason);
	(void)snprintf(f->driver, sizeof(f->driver), "%.60s", what);
}

/* --- what stands between the match and the actions --- */

static int word_ufid(struct dump *d, const char *value)
{
	d->flow->has_ufid = true;
	return offload_ufid_parse(value, &d->flow->ufid) ? 0 : dump_bad(d, "no ufid", value);
}

static int word_packets(struct dump *d, const char *value)
{
	return field_parse_number(value, &d->flow->packets) ? 0 : dump_bad(d, "no count", value);
}

static int word_bytes(struct dump *d, const char *value)
{
	return field_parse_number(value, &d->flow->bytes) ? 0 : dump_bad(d, "no count", value);
}

static int word_offloaded(struct dump *d, const char *value)
{
	d->flow->offloaded = !strcmp(value, "yes") || !strcmp(value, "partial");
	return 0;
}

static int word_ignored(struct dump *d, const char *value)
{
	(void)d;
	(void)value;
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(struct dump *d, const char *value);
} words[] = {
	{ "ufid", word_ufid },     { "packets", word_packets },     { "bytes", word_bytes },
	{ "used", word_ignored },  { "offloaded", word_offloaded }, { "dp", word_ignored },
	{ "flags", word_ignored },
};

/* "name:value" in front of, or behind, the match. */
int dump_word(struct dump *d, char *word)
{
	char *colon = strchr(word, ':');

	if (!colon)
		return dump_bad(d, "this is neither a header nor a word of a flow", word);
	*colon = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].name, word))
			return words[i].fn(d, colon + 1);
	return dump_bad(d, "this is no word of a flow", word);
}

/* --- a line --- */

static bool is_no_flow(const char *line)
{
	static const char *const starts[] = { "flow-dump from ", "#" };

	line += strspn(line, " \t\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (!strncmp(line, starts[i], strlen(starts[i])))
			return true;
	return !*line;
}

/* Cuts the line before its actions, which it returns; NULL: it has none. */
static char *cut_actions(char *line)
{
	static const char tail[] = ", dp-extra-info:";
	char *acts = strstr(line, "actions:"), *end;

	while (acts && acts != line && !strchr(" ,", acts[-1]))
		acts = strstr(acts + 1, "actions:");
	if (!acts)
		return NULL;
	*acts = '\0';
	acts += strlen("actions:");
	end = strstr(acts, tail);
	if (end)
		*end = '\0';
	end = acts + strlen(acts);
	while (end > acts && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return acts;
}

static int parse_match(struct dump *d, char *text)
{
	struct str plain = STR_INIT;
	int rc = dump_groups(d, text, &plain, 0);

	if (!rc && plain.len)
		rc = match_parse_dp(&d->flow->key, &d->flow->mask, str_cstr(&plain), d->err);
	else if (!rc)
		rc = dump_bad(d, "there is no match", "");
	str_done(&plain);
	return rc;
}

static int parse_actions(struct dump *d, char *text)
{
	struct str plain = STR_INIT;
	int rc = dump_actions(d, text, &plain, 0);

	/* What is foreign has no form here, and what is left of the list means nothing. */
	if (!rc && d->flow->foreign.reason == OFFLOAD_OK)
		rc = dp_actions_parse(str_cstr(&plain), &d->flow->actions, d->err);
	str_done(&plain);
	return rc;
}

int dump_read(struct dump_reader *r, const char *line, struct dump_flow *f, struct error *err)
{
	struct dump d = { .reader = r, .flow = f, .err = err };
	char *copy, *acts;
	int rc;

	dump_flow_done(f);
	dump_flow_init(f);
	f->foreign.reason = OFFLOAD_OK;
	if (is_no_flow(line))
		return 0;
	if (strlen(line) > DUMP_LINE_MAX)
		return error_set(err, EINVAL, NULL, "it is longer than %d bytes", DUMP_LINE_MAX);
	copy = xstrdup(line);
	acts = cut_actions(copy);
	if (!acts) {
		rc = error_set(err, EINVAL, NULL, "it has no actions");
	} else {
		str_puts(&f->actions_text, acts);
		rc = parse_match(&d, copy);
		if (!rc)
			rc = parse_actions(&d, acts);
	}
	free(copy);
	return rc ? rc : 1;
}
