/* SPDX-License-Identifier: Apache-2.0 */
/* Text to flow-mods: fields by match_parse(), the words around them by a table here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/text/flow_text.h"
#include "ofproto/text/token.h"

#define DEFAULT_PRIORITY 32768

/* What is being filled. */
struct parse {
	struct ofp_flow_mod *fm;
	const struct ofp_names *names;
	struct buf *acts;
	bool adds, deletes, strict;
	bool have_actions, have_priority;
};
typedef int flow_word_fn(struct parse *p, const char *value, struct error *err);

static int number(const char *key, const char *value, uint64_t max, uint64_t *x, struct error *err)
{
	if (!value)
		return error_set(err, EINVAL, key, "a value is needed");
	return token_number_of(key, value, max, x, err);
}

static int word_table(struct parse *p, const char *value, struct error *err)
{
	uint64_t x = 0;
	int e = number("table", value, 254, &x, err);

	p->fm->table = (uint8_t)x;
	return e;
}

static int word_priority(struct parse *p, const char *value, struct error *err)
{
	uint64_t x = 0;
	int e = number("priority", value, UINT16_MAX, &x, err);

	if (!e && !p->adds && !p->strict)
		return error_set(err, EINVAL, "priority",
				 "only adding and strict commands have a priority");
	p->fm->priority = (uint16_t)x;
	p->have_priority = true;
	return e;
}

static int word_idle(struct parse *p, const char *value, struct error *err)
{
	uint64_t x = 0;
	int e = number("idle_timeout", value, UINT16_MAX, &x, err);

	p->fm->idle_timeout = (uint16_t)x;
	return e;
}

static int word_hard(struct parse *p, const char *value, struct error *err)
{
	uint64_t x = 0;
	int e = number("hard_timeout", value, UINT16_MAX, &x, err);

	p->fm->hard_timeout = (uint16_t)x;
	return e;
}

static int word_importance(struct parse *p, const char *value, struct error *err)
{
	uint64_t x = 0;
	int e = number("importance", value, UINT16_MAX, &x, err);

	p->fm->importance = (uint16_t)x;
	return e;
}

/* "cookie=C" is the flow's; "cookie=C/MASK" selects flows to modify or delete. */
static int word_cookie(struct parse *p, const char *value, struct error *err)
{
	const char *slash = value ? strchr(value, '/') : NULL;
	char *first = slash ? xstrndup(value, (size_t)(slash - value)) : NULL;
	uint64_t cookie = 0, mask = UINT64_MAX;
	int e = number("cookie", first ? first : value, UINT64_MAX, &cookie, err);

	free(first);
	if (!e && slash)
		e = strcmp(slash, "/-1") ? number("cookie", slash + 1, UINT64_MAX, &mask, err) : 0;
	if (e)
		return e;
	if (slash && p->adds)
		return error_set(err, EINVAL, "cookie", "an added flow's cookie has no mask");
	if (slash || p->deletes) {
		p->fm->filter_mask = hton64(mask);
		p->fm->filter_cookie = hton64(cookie & mask);
	} else {
		p->fm->cookie = hton64(cookie);
		p->fm->set_cookie = true;
	}
	return 0;
}

static int word_out_port(struct parse *p, const char *value, struct error *err)
{
	if (!value)
		return error_set(err, EINVAL, "out_port", "a port is needed");
	return ofp_port_parse(value, p->names, &p->fm->out_port, err);
}

static int word_out_group(struct parse *p, const char *value, struct error *err)
{
	uint64_t x = 0;
	int e = number("out_group", value, UINT32_MAX, &x, err);

	p->fm->out_group = (uint32_t)x;
	return e;
}

/* A port that has a name of the bridge's: match_parse() knows the reserved ones only. */
static int word_in_port(struct parse *p, const char *value, struct error *err)
{
	union field_value v = { .b = { 0 } };
	struct ofp_port port = { 0 };
	int e = value ? ofp_port_parse(value, p->names, &port, err)
		      : error_set(err, EINVAL, "in_port", "a port is needed");

	if (e)
		return e;
	v.be32 = htonl(port.v);
	match_set_exact(&p->fm->match, field_get(FIELD_IN_PORT_OXM), &v);
	return 0;
}

static int word_actions(struct parse *p, const char *value, struct error *err)
{
	if (p->deletes)
		return error_set(err, EINVAL, "actions", "deleting takes no actions");
	p->have_actions = true;
	return value ? ofpacts_parse(value, p->names, p->acts, err) : 0;
}

/* Words of a dump that say what was counted: a dump can be read back. */
static int word_ignored(struct parse *p, const char *value, struct error *err)
{
	(void)p;
	(void)value;
	(void)err;
	return 0;
}

static const struct {
	const char *name;
	flow_word_fn *parse;
} words[] = {
	{ "table", word_table },       { "priority", word_priority },
	{ "cookie", word_cookie },     { "idle_timeout", word_idle },
	{ "hard_timeout", word_hard }, { "importance", word_importance },
	{ "out_port", word_out_port }, { "out_group", word_out_group },
	{ "in_port", word_in_port },   { "actions", word_actions },
	{ "action", word_actions },    { "duration", word_ignored },
	{ "n_packets", word_ignored }, { "n_bytes", word_ignored },
	{ "idle_age", word_ignored },  { "hard_age", word_ignored },
};

static bool flag_word(const char *key, uint16_t *flags)
{
	static const struct {
		const char *name;
		uint16_t bit;
	} names[] = {
		{ "send_flow_rem", OFPFF_SEND_FLOW_REM_ },
		{ "check_overlap", OFPFF_CHECK_OVERLAP_ },
		{ "reset_counts", OFPFF_RESET_COUNTS_ },
		{ "no_packet_counts", OFPFF_NO_PKT_COUNTS_ },
		{ "no_byte_counts", OFPFF_NO_BYT_COUNTS_ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(key, names[i].name)) {
			*flags |= names[i].bit;
			return true;
		}
	return false;
}

static int rest(void *aux, const char *key, const char *value, struct error *err)
{
	struct parse *p = aux;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(key, words[i].name))
			return words[i].parse(p, value, err);
	if (!value && flag_word(key, &p->fm->flags))
		return 0;
	return error_set(err, EINVAL, key, "unknown word");
}

static void defaults(struct ofp_flow_mod *fm, int command)
{
	memset(fm, 0, sizeof(*fm));
	fm->command = (uint8_t)command;
	fm->table = command == OFPFC_ADD_ ? 0 : OFPTT_ALL_;
	fm->priority = DEFAULT_PRIORITY;
	fm->buffer_id = OFP_NO_BUFFER_;
	fm->out_port.v = OFPP_NONE_;
	fm->out_group = OFPG_ANY_;
}

int flow_mod_parse(const char *text, int command, const struct ofp_names *names,
		   struct ofp_flow_mod *fm, struct buf *acts, struct error *err)
{
	struct parse p = {
		.fm = fm,
		.names = names,
		.acts = acts,
		.adds = command == OFPFC_ADD_,
		.deletes = command == OFPFC_DELETE_ || command == OFPFC_DELETE_STRICT_,
		.strict = command == OFPFC_MODIFY_STRICT_ || command == OFPFC_DELETE_STRICT_,
	};
	int e;

	buf_clear(acts);
	defaults(fm, command);
	e = match_parse(&fm->match, text, rest, &p, err);
	if (!e)
		e = match_check(&fm->match, err);
	if (!e && !p.deletes && !p.have_actions)
		e = error_set(err, EINVAL, "actions", "the flow needs \"actions=\"");
	if (e)
		return e;
	fm->actions = ofpacts_of(acts);
	return 0;
}
