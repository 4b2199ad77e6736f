/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text/names.h"

#include <errno.h>
#include <inttypes.h>

#include "ofproto/text/token.h"
#include "ofproto/wire/ofpact.h"

/* A name that reads as a number, a reserved port, or has punctuation in it, goes in quotes. */
static bool needs_quotes(const char *name)
{
	uint32_t no;

	if (!*name || strchr("0123456789", *name) || ofp_port_reserved_parse(name, &no))
		return true;
	for (; *name; name++)
		if (strchr(" ,:=()[]\"\\/>", *name) || (uint8_t)*name < ' ')
			return true;
	return false;
}

void ofp_port_format(struct ofp_port port, const struct ofp_names *names, struct str *out)
{
	const char *name = ofp_port_reserved_name(port.v);

	if (name) {
		str_puts(out, name);
		return;
	}
	if (names && names->port_name)
		name = names->port_name(names->aux, port.v);
	if (name)
		str_printf(out, needs_quotes(name) ? "\"%s\"" : "%s", name);
	else
		str_printf(out, "%" PRIu32, port.v);
}

static bool lookup(const char *text, const struct ofp_names *names, struct ofp_port *port)
{
	size_t n = strlen(text);
	char plain[64];

	if (!names || !names->port_no)
		return false;
	if (n < 2 || *text != '"' || text[n - 1] != '"')
		return names->port_no(names->aux, text, port);
	if (n - 2 >= sizeof(plain))
		return false;
	memcpy(plain, text + 1, n - 2);
	plain[n - 2] = '\0';
	return names->port_no(names->aux, plain, port);
}

int ofp_port_parse(const char *text, const struct ofp_names *names, struct ofp_port *port,
		   struct error *err)
{
	uint64_t no;

	if (ofp_port_reserved_parse(text, &port->v))
		return 0;
	if (lookup(text, names, port))
		return 0;
	if (token_number(text, UINT32_MAX, &no))
		return error_set(err, EINVAL, "port", "\"%s\" is no port's name or number", text);
	if (no >= 0xfff8 && no <= 0xffff)
		no |= 0xffff0000u;
	if (no >= 0xff00 && no < OFPP_IN_PORT_)
		return error_set(err, EINVAL, "port", "%s is not a number that a port can have",
				 text);
	port->v = (uint32_t)no;
	return 0;
}
