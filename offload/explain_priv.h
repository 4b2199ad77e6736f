/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that the explain modules share. */
#pragma once

#include "offload/explain.h"

void explain_int(struct json_object *o, const char *key, uint64_t x);
void explain_str(struct json_object *o, const char *key, const char *s);
/* All ports; free() it. */
struct engine_port_info *explain_ports(struct engine *e, size_t *n);
