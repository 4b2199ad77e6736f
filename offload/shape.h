/* SPDX-License-Identifier: Apache-2.0 */
/* Which shapes of rules a device's driver has refused.
 *
 * A shape is what a driver decides by when it decides by kind rather than by value: the mask, what
 * the packet is (EtherType, IP protocol, VLAN tags) and the kinds of the actions with the fields
 * that they set.  A refusal is remembered for its shape, so that the driver is asked once and not
 * once a flow, until the device's capabilities change.
 *
 * Bounded: SHAPES_MAX shapes, the oldest leaves first.  One thread. */
#pragma once

#include "offload/provider.h"

#define SHAPES_MAX 4096

struct shapes;
struct shapes *shapes_new(void);
void shapes_free(struct shapes *s);
/* What the driver said about rules like this one, or NULL.  Borrowed until the next call that
 * changes the set. */
const struct offload_refusal *shapes_find(const struct shapes *s, const struct offload_rule *r);
void shapes_learn(struct shapes *s, const struct offload_rule *r,
		  const struct offload_refusal *why);
void shapes_forget(struct shapes *s);
size_t shapes_count(const struct shapes *s);
