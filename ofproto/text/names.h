/* SPDX-License-Identifier: Apache-2.0 */
/* Names of ports and of numbers, both ways, for everything that prints or reads OpenFlow text.
 *
 * A bridge hands in a map of its port names; without one, ports are numbers.  Reserved ports have
 * their names always (ovs-ofctl(8)).  Pure; any thread. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/packet/match.h"

struct ofp_names {
	match_port_name_fn *port_name;                                     /* NULL: numbers */
	bool (*port_no)(void *aux, const char *name, struct ofp_port *no); /* NULL: numbers only */
	void *aux;
};

/* "LOCAL", "IN_PORT", a name of the map (quoted when it would read as something else), or the
 * number. */
void ofp_port_format(struct ofp_port port, const struct ofp_names *names, struct str *out);
/* The reverse, any case for reserved names; 16-bit reserved numbers of 1.0 mean the 32-bit ones. */
int ofp_port_parse(const char *text, const struct ofp_names *names, struct ofp_port *port,
		   struct error *err) MUST_CHECK;
