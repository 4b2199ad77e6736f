/* SPDX-License-Identifier: Apache-2.0 */
/* Matches of a dump: header by header into Shunt's words. */
#include <errno.h>
#include <string.h>

#include "core/packet/dp_text.h"
#include "core/packet/flow_key.h"
#include "offload/plan/dump_priv.h"

/* Every part of it stands under a mask of zeros: "spi=0/0,si=255/0x0". */
static bool is_wild(const char *body)
{
	while (*body) {
		size_t len = strcspn(body, ",");
		const char *slash = memchr(body, '/', len);

		if (!slash || strspn(slash + 1, "0x:.") != len - (size_t)(slash + 1 - body))
			return false;
		body += len + (body[len] == ',');
	}
	return true;
}

/* --- headers that are written otherwise, or that Shunt does not have --- */

static int put_as_is(struct dump *d, const char *name, char *body, struct str *out)
{
	(void)d;
	str_printf(out, "%s(%s),", name, body);
	return 0;
}

static int put_in_port(struct dump *d, const char *name, char *body, struct str *out)
{
	struct dp_port no;
	int rc = dump_port(d, body, &no);

	if (!rc)
		str_printf(out, "%s(%u),", name, no.v);
	return rc;
}

/* Packets that are not Ethernet frames come from tunnels of layer 3 alone. */
static int put_packet_type(struct dump *d, const char *name, char *body, struct str *out)
{
	(void)out;
	if (strcmp(body, "ns=0,id=0") != 0 && !is_wild(body))
		dump_foreign(d, OFFLOAD_FIELD, name);
	return 0;
}

static int put_foreign(struct dump *d, const char *name, char *body, struct str *out)
{
	(void)out;
	if (!is_wild(body))
		dump_foreign(d, OFFLOAD_FIELD, name);
	return 0;
}

/* "frag" under a mask of zeros is told as an error of its own kind. */
static int put_ip(struct dump *d, const char *name, char *body, struct str *out)
{
	static const char wild_frag[] = "error: partial mask not supported for frag (0)";
	char *at = strstr(body, wild_frag);

	if (!at)
		return put_as_is(d, name, body, out);
	while (at > body && (at[-1] == ',' || at[-1] == ' '))
		at--;
	*at = '\0'; /* it is the last part */
	return put_as_is(d, name, body, out);
}

/* The presence bit of a tag is what vlan() stands for. */
static int put_vlan(struct dump *d, const char *name, char *body, struct str *out)
{
	char *cfi = strstr(body, "cfi=");

	if (!cfi || (cfi != body && cfi[-1] != ','))
		return put_as_is(d, name, body, out);
	if (!strncmp(cfi, "cfi=1", 5) || is_wild(cfi)) {
		cfi[cfi == body ? 0 : -1] = '\0'; /* the last part too */
		return put_as_is(d, name, body, out);
	}
	return dump_bad(d, "a tag that is cut short", body);
}

/* One label after the other under the same names; only the first has fields here. */
static int put_mpls(struct dump *d, const char *name, char *body, struct str *out)
{
	char *second = *body ? strstr(body + 1, "label=") : NULL;

	if (second && second[-1] == ',') {
		if (!is_wild(second))
			dump_foreign(d, OFFLOAD_FIELD, "label behind the first");
		second[-1] = '\0';
	}
	return put_as_is(d, name, body, out);
}

int dump_tunnel(struct dump *d, enum offload_reason reason, char *body, struct str *out)
{
	static const char *const unknown[] = { "geneve", "erspan", "gtpu" };
	char *word, *inner;
	int rc;

	while ((rc = dp_text_next(&body, &word, &inner, d->err)) > 0) {
		bool skip = false;

		for (size_t i = 0; inner && i < ARRAY_SIZE(unknown); i++)
			if (!strcmp(word, unknown[i])) {
				skip = true;
				if (!is_wild(inner))
					dump_foreign(d, reason, unknown[i]);
			}
		if (skip)
			continue;
		if (inner)
			str_printf(out, "%s(%s),", word, inner);
		else
			str_printf(out, "%s,", word);
	}
	str_chomp(out, ",");
	return rc;
}

static int put_tunnel(struct dump *d, const char *name, char *body, struct str *out)
{
	int rc;

	str_printf(out, "%s(", name);
	rc = dump_tunnel(d, OFFLOAD_FIELD, body, out);
	str_puts(out, "),");
	return rc;
}

static const struct {
	const char *name;
	int (*fn)(struct dump *d, const char *name, char *body, struct str *out);
} groups[] = {
	{ "in_port", put_in_port }, { "packet_type", put_packet_type },
	{ "ipv4", put_ip },         { "ipv6", put_ip },
	{ "vlan", put_vlan },       { "tunnel", put_tunnel },
	{ "mpls", put_mpls },       { "nsh", put_foreign },
	{ "nd_ext", put_foreign },
};

static int put_group(struct dump *d, const char *name, char *body, struct str *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (!strcmp(groups[i].name, name))
			return groups[i].fn(d, name, body, out);
	if (!dp_group_by_name(name, strlen(name)))
		return dump_bad(d, "there is no such header", name);
	return put_as_is(d, name, body, out);
}

static int put_encap(struct dump *d, char *body, struct str *out, unsigned depth)
{
	int rc;

	if (depth == FLOW_N_VLANS) {
		dump_foreign(d, OFFLOAD_FIELD, "more tags");
		return 0;
	}
	str_puts(out, "encap(");
	rc = dump_groups(d, body, out, depth + 1);
	str_chomp(out, ",");
	str_puts(out, "),");
	return rc;
}

static void keep_text(struct dump *d, const char *name, const char *body)
{
	struct str *t = &d->flow->match_text;

	str_printf(t, "%s%s(%s)", t->len ? "," : "", name, body);
}

int dump_groups(struct dump *d, char *text, struct str *out, unsigned depth)
{
	char *name, *body;
	int rc;

	while ((rc = dp_text_next(&text, &name, &body, d->err)) > 0) {
		if (!depth && body)
			keep_text(d, name, body);
		if (!body)
			rc = depth ? dump_bad(d, "this is no header", name) : dump_word(d, name);
		else if (!strcmp(name, "encap"))
			rc = put_encap(d, body, out, depth);
		else
			rc = put_group(d, name, body, out);
		if (rc)
			return rc;
	}
	return rc;
}
