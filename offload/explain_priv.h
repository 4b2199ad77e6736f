/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that the explain modules share. */
#pragma once

#include "offload/explain.h"

void explain_int(struct json_object *o, const char *key, uint64_t x);
/* A time of clock_wall_ns(), as RFC 3339 in UTC. */
void explain_time(struct json_object *o, const char *key, uint64_t wall_ns);
/* What is known of it, and a sentence. */
void explain_fault(struct json_object *o, const struct engine_fault *f);
void explain_str(struct json_object *o, const char *key, const char *s);
/* All ports; free() it. */
struct engine_port_info *explain_ports(struct engine *e, size_t *n);

/* Names of the datapath's ports, as they are when it is made. */
struct explain_names {
	struct engine_port_info *p; /* owned */
	size_t n;
};
void explain_names_init(struct explain_names *names, struct engine *e);
void explain_names_done(struct explain_names *names);
const char *explain_port_name(const struct explain_names *names, uint32_t no); /* NULL: none */

/* A flow as explain_flows() tells it; and its match alone, appended. */
struct json_object *explain_flow(const struct engine_flow_info *i, struct explain_names *names);
void explain_match(const struct engine_flow_info *i, struct explain_names *names, struct str *s);
