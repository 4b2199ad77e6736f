/* SPDX-License-Identifier: Apache-2.0 */
/* Text to a match.  The text is split in place, in one private copy: words end at commas and white
 * space outside of parentheses and quotes, and `actions=` takes all that is left. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "core/packet/protocols.h"

#define SEPARATORS ", \t\r\n"

struct word {
	char *key, *value; /* value NULL: the word stands alone */
};

/* The end of a value: parentheses and quotes protect separators. */
static char *value_end(char *s)
{
	bool quoted = false;
	int depth = 0;

	for (; *s; s++) {
		if (quoted && *s == '\\' && s[1])
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (*s == '(')
			depth++;
		else if (*s == ')')
			depth--;
		else if (depth <= 0 && strchr(SEPARATORS, *s))
			break;
	}
	return s;
}

static bool is_actions(const char *key)
{
	return !strcasecmp(key, "actions") || !strcasecmp(key, "action");
}

/* The next word at *pos, which moves behind it; false at the end. */
static bool next_word(char **pos, struct word *w)
{
	char *s = *pos + strspn(*pos, SEPARATORS), *end;

	if (!*s)
		return false;
	w->key = s;
	w->value = NULL;
	s += strcspn(s, "=" SEPARATORS);
	if (*s != '=') {
		end = s;
	} else {
		*s++ = '\0';
		w->value = s;
		end = is_actions(w->key) ? s + strlen(s) : value_end(s);
	}
	*pos = end + (*end != '\0');
	*end = '\0';
	return true;
}

/* "p1" in quotes is a name; the quotes go. */
static void unquote(char *s)
{
	size_t len = strlen(s);

	if (len >= 2 && s[0] == '"' && s[len - 1] == '"') {
		memmove(s, s + 1, len - 2);
		s[len - 2] = '\0';
	}
}

static bool set_protocol(struct match *m, const char *name)
{
	for (const struct protocol *p = protocol_table; p->name; p++) {
		if (strcmp(p->name, name))
			continue;
		m->key.dl_type = htons(p->dl_type);
		m->mask.dl_type = htons(0xffff);
		if (p->nw_proto) {
			m->key.nw_proto = p->nw_proto;
			m->mask.nw_proto = 0xff;
		}
		return true;
	}
	return !strcmp(name, "eth"); /* every packet here is an Ethernet frame */
}

/* NAME[], NAME[3] or NAME[0..15]; *name_len is the name's part. */
static int parse_range(const char *key, size_t *name_len, unsigned *from, unsigned *to,
		       struct error *err)
{
	const char *s = strchr(key, '[');
	char *end;

	*name_len = s ? (size_t)(s - key) : strlen(key);
	*from = 0;
	*to = UINT16_MAX;
	if (!s || !strcmp(s, "[]"))
		return 0;
	if (!isdigit((unsigned char)s[1]))
		return error_set(err, EINVAL, key, "a bit range is written [FROM..TO]");
	*from = *to = (unsigned)strtoul(s + 1, &end, 10);
	if (!strncmp(end, "..", 2) && isdigit((unsigned char)end[2]))
		*to = (unsigned)strtoul(end + 2, &end, 10);
	if (strcmp(end, "]") || *to < *from)
		return error_set(err, EINVAL, key, "a bit range is written [FROM..TO]");
	return 0;
}

static int set_range(struct match *m, const struct field *f, unsigned from, unsigned to,
		     const char *value, struct error *err)
{
	unsigned n = to - from + 1;
	uint64_t x;

	if (to >= f->n_bits || n > 64)
		return error_set(err, EINVAL, f->name,
				 "bits %u to %u are not in the field's %u (64 at once)", from, to,
				 f->n_bits);
	if (!f->maskable && n < f->n_bits)
		return error_set(err, EINVAL, f->name, "the field cannot be masked");
	if (!field_parse_number(value, &x) || (n < 64 && x >> n))
		return error_set(err, EINVAL, f->name, "\"%s\" is not a number of %u bits", value,
				 n);
	field_write_bits(f, from, n, x, &m->key);
	field_write_bits(f, from, n, UINT64_MAX, &m->mask);
	return 0;
}

static bool is_port(const struct field *f)
{
	return f->fmt == FIELD_FMT_OFP_PORT || f->fmt == FIELD_FMT_OFP_PORT_OXM;
}

static int set_field(struct match *m, const struct field *f, const char *value, struct error *err)
{
	union field_value v, mask;
	int r = field_parse(f, value, &v, &mask, err);

	if (r)
		return r;
	/* Ethernet is what all matches mean. */
	if (f->id == FIELD_PACKET_TYPE && !v.be32)
		return 0;
	match_set(m, f, &v, &mask);
	return 0;
}

static int parse_word(struct match *m, struct word *w, match_rest_fn *rest, void *aux,
		      struct error *err)
{
	const struct field *f;
	unsigned from, to;
	size_t len;
	int r;

	if (!w->value && set_protocol(m, w->key))
		return 0;
	r = parse_range(w->key, &len, &from, &to, err);
	if (r)
		return r;
	f = field_by_name(w->key, len);
	if (!f)
		return rest ? rest(aux, w->key, w->value, err)
			    : error_set(err, EINVAL, NULL, "there is no field \"%s\"", w->key);
	if (!w->value)
		return error_set(err, EINVAL, f->name, "the field has no value");
	if (to != UINT16_MAX)
		return set_range(m, f, from, to, w->value, err);
	unquote(w->value);
	if (is_port(f) && rest) {
		struct error ignored = ERROR_INIT; /* a name is not this function's business */
		union field_value v, mask;

		if (field_parse(f, w->value, &v, &mask, &ignored) &&
		    !isdigit((unsigned char)*w->value))
			return rest(aux, f->name, w->value, err);
	}
	return set_field(m, f, w->value, err);
}

/* tp_src and tp_dst are also ways to write an ICMP type and code, of 8 bits each. */
static void narrow_icmp(struct match *m)
{
	if ((flow_is_ipv4(&m->key) && m->key.nw_proto == 1) ||
	    (flow_is_ipv6(&m->key) && m->key.nw_proto == 58)) {
		m->key.tp_src &= htons(0xff);
		m->key.tp_dst &= htons(0xff);
		m->mask.tp_src &= htons(0xff);
		m->mask.tp_dst &= htons(0xff);
	}
}

int match_parse(struct match *m, const char *text, match_rest_fn *rest, void *aux,
		struct error *err)
{
	char *copy = xstrdup(text), *pos = copy;
	struct word w;
	int r = 0;

	match_init_catchall(m);
	while (!r && next_word(&pos, &w))
		r = parse_word(m, &w, rest, aux, err);
	narrow_icmp(m);
	free(copy);
	return r;
}
