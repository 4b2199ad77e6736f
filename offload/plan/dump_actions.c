/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of a dump: word by word into Shunt's. */
#include <errno.h>
#include <string.h>

#include "core/packet/action.h"
#include "core/packet/dp_text.h"
#include "offload/plan/dump_priv.h"

#define PID "pid="

typedef int action_fn(struct dump *d, const char *name, char *body, struct str *out,
		      unsigned depth);

static int put_as_is(struct dump *d, const char *name, char *body, struct str *out, unsigned depth)
{
	(void)d;
	(void)depth;
	if (body)
		str_printf(out, "%s(%s),", name, body);
	else
		str_printf(out, "%s,", name);
	return 0;
}

static int put_foreign(struct dump *d, const char *name, char *body, struct str *out,
		       unsigned depth)
{
	(void)body;
	(void)out;
	(void)depth;
	dump_foreign(d, OFFLOAD_ACTION, name);
	return 0;
}

/* What goes up, and why, is all that matters; Open vSwitch names the socket in front of it. */
static int put_userspace(struct dump *d, const char *name, char *body, struct str *out,
			 unsigned depth)
{
	static const char *const kinds[][2] = {
		{ "controller", "controller" }, { "slow_path", "slow_path" }, { "sFlow", "sflow" },
		{ "flow_sample", "ipfix" },     { "ipfix", "ipfix" },
	};
	const char *kind = "slow_path";
	char *word, *inner;
	int rc;

	(void)depth;
	if (body && strncmp(body, PID, strlen(PID)) != 0)
		return put_as_is(d, name, body, out, depth);
	while (body && (rc = dp_text_next(&body, &word, &inner, d->err)) != 0) {
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (!strcmp(word, kinds[i][0]))
				kind = kinds[i][1];
	}
	str_printf(out, "%s(%s),", name, kind);
	return 0;
}

static int put_list(struct dump *d, const char *name, char *body, struct str *out, unsigned depth)
{
	int rc;

	if (depth == DP_ACTIONS_MAX_DEPTH)
		return dump_bad(d, "actions are nested too deep", name);
	str_printf(out, "%s(", name);
	rc = body ? dump_actions(d, body, out, depth + 1)
		  : dump_bad(d, "its actions are missing", name);
	str_chomp(out, ",");
	str_puts(out, "),");
	return rc;
}

/* Words, and lists behind the words that have them: sample(sample=50%,actions(…)) and
 * check_pkt_len(size=N,gt(…),le(…)). */
static int put_lists(struct dump *d, const char *name, char *body, struct str *out, unsigned depth)
{
	char *word, *inner;
	int rc = 0;

	if (!body)
		return dump_bad(d, "its actions are missing", name);
	str_printf(out, "%s(", name);
	while ((rc = dp_text_next(&body, &word, &inner, d->err)) > 0) {
		rc = inner ? put_list(d, word, inner, out, depth)
			   : put_as_is(d, word, NULL, out, depth);
		if (rc)
			return rc;
	}
	str_chomp(out, ",");
	str_puts(out, "),");
	return rc;
}

static int put_set(struct dump *d, const char *name, char *body, struct str *out, unsigned depth)
{
	char *word, *inner;
	int rc;

	(void)depth;
	if (!body)
		return dump_bad(d, "what it sets is missing", name);
	rc = dp_text_next(&body, &word, &inner, d->err);
	if (rc < 0)
		return rc;
	if (!rc || !inner)
		return dump_bad(d, "what it sets is missing", name);
	if (!strcmp(word, "nsh")) {
		dump_foreign(d, OFFLOAD_SET_FIELD, word);
		return 0;
	}
	str_printf(out, "%s(%s(", name, word);
	if (strcmp(word, "tunnel") != 0)
		str_puts(out, inner);
	else
		rc = dump_tunnel(d, OFFLOAD_SET_FIELD, inner, out);
	str_puts(out, ")),");
	return rc < 0 ? rc : 0;
}

/* push_vlan's tag is there; Open vSwitch says so where it is not. */
static int put_push_vlan(struct dump *d, const char *name, char *body, struct str *out,
			 unsigned depth)
{
	if (body && strstr(body, "cfi=0"))
		return put_foreign(d, name, body, out, depth);
	return put_as_is(d, name, body, out, depth);
}

static const struct {
	const char *name;
	action_fn *fn;
} words[] = {
	{ "userspace", put_userspace }, { "sample", put_lists },     { "clone", put_list },
	{ "check_pkt_len", put_lists }, { "set", put_set },          { "push_vlan", put_push_vlan },
	{ "pop_vlan", put_as_is },      { "push_mpls", put_as_is },  { "pop_mpls", put_as_is },
	{ "recirc", put_as_is },        { "hash", put_as_is },       { "trunc", put_as_is },
	{ "meter", put_as_is },         { "ct", put_as_is },         { "ct_clear", put_as_is },
	{ "drop", put_as_is },          { "tnl_push", put_foreign }, { "tnl_pop", put_foreign },
	{ "push_eth", put_foreign },    { "pop_eth", put_foreign },  { "push_nsh", put_foreign },
	{ "pop_nsh", put_foreign },     { "add_mpls", put_foreign }, { "lb_output", put_foreign },
	{ "dec_ttl", put_foreign },     { "psample", put_foreign },
};

static int put_output(struct dump *d, const char *word, struct str *out)
{
	struct dp_port no;
	int rc = dump_port(d, word, &no);

	if (!rc)
		str_printf(out, "%u,", no.v);
	return rc;
}

static int put_action(struct dump *d, char *name, char *body, struct str *out, unsigned depth)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].name, name))
			return words[i].fn(d, name, body, out, depth);
	if (body)
		return dump_bad(d, "there is no such action", name);
	return put_output(d, name, out);
}

int dump_actions(struct dump *d, char *text, struct str *out, unsigned depth)
{
	char *name, *body;
	int rc;

	while ((rc = dp_text_next(&text, &name, &body, d->err)) > 0) {
		rc = put_action(d, name, body, out, depth);
		if (rc)
			return rc;
	}
	return rc;
}
