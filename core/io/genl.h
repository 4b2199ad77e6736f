/* SPDX-License-Identifier: Apache-2.0 */
/* Generic netlink families (linux/genetlink.h): their number and multicast groups by name.
 *
 * Numbers are given out when a module is loaded and stay until it is unloaded; asking for a family
 * has the kernel load its module where it can. */
#pragma once

#include "core/io/nl.h"

#define GENL_GROUPS 8u /* more than any family that we use has */

struct genl_family {
	uint16_t id;
	uint32_t version; /* the kernel's */
	unsigned n_groups;
	struct {
		char name[16];
		uint32_t id;
	} groups[GENL_GROUPS];
};

/* On a NETLINK_GENERIC channel.  -ENOENT: this kernel has no such family. */
int genl_find(struct nl_chan *c, const char *name, struct genl_family *ret,
	      struct error *err) MUST_CHECK;
/* For nl_chan_join(); 0 when the family has no such group. */
uint32_t genl_group(const struct genl_family *f, const char *name);
/* Begins a request: nl_batch_add() with the generic header; attributes or a family's own header
 * follow in b->buf. */
size_t genl_add(struct nl_batch *b, uint16_t family, uint8_t cmd, uint8_t version, uint16_t flags);
/* The payload behind the generic header and `own` bytes of the family's header (NULL when it is
 * shorter); *len gets its length. */
const void *genl_payload(const struct nlmsghdr *h, size_t own, size_t *len);
/* The command of a message; 0 when it is too short to have one. */
uint8_t genl_cmd(const struct nlmsghdr *h);
