/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses of either family in 128 bits: an IPv4 address is mapped into IPv6 (RFC 4291 section
 * 2.5.5.2), all zero is none.  Pure. */
#pragma once

#include <arpa/inet.h>
#include <string.h>

#include "core/base/types.h"

static inline struct be128 ip_addr4(be32 a)
{
	return (struct be128){ .w = { 0, 0, htonl(0xffff), a } };
}

static inline bool ip_addr_is4(const struct be128 *a)
{
	return !a->d[0] && a->w[2] == htonl(0xffff);
}

/* Zero when it is not one. */
static inline be32 ip_addr_get4(const struct be128 *a)
{
	return ip_addr_is4(a) ? a->w[3] : 0;
}

static inline bool ip_addr_is_zero(const struct be128 *a)
{
	return !(a->d[0] | a->d[1]);
}

static inline bool ip_addr_equal(const struct be128 *a, const struct be128 *b)
{
	return a->d[0] == b->d[0] && a->d[1] == b->d[1];
}

static inline bool ip_addr_is_multicast(const struct be128 *a)
{
	return ip_addr_is4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

/* Text of the family it is of; returns buf, of IP_ADDR_TEXT bytes. */
#define IP_ADDR_TEXT INET6_ADDRSTRLEN
static inline const char *ip_addr_text(const struct be128 *a, char *buf)
{
	return ip_addr_is4(a) ? inet_ntop(AF_INET, &a->w[3], buf, IP_ADDR_TEXT)
			      : inet_ntop(AF_INET6, a, buf, IP_ADDR_TEXT);
}
