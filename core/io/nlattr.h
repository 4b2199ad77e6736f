/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink attributes (netlink(7), linux/netlink.h): writing them behind what a struct buf holds,
 * and reading somebody else's with every length checked.
 *
 * A writer cannot fail: the buffer grows.  An attribute's length has 16 bits; a nest that became
 * longer makes its message too long as well, which nl_batch (nl.h) refuses as a whole, so writers
 * need not ask.  Values are in host order unless the function says be.  Pure; any thread. */
#pragma once

#include <linux/netlink.h>

#include "core/base/buf.h"

/* ---- writing ---- */

/* Appends one attribute with a copy of len bytes, padded to 4. */
void nlattr_put(struct buf *b, uint16_t type, const void *data, size_t len);
void nlattr_put_flag(struct buf *b, uint16_t type); /* no payload */
void nlattr_put_u8(struct buf *b, uint16_t type, uint8_t x);
void nlattr_put_u16(struct buf *b, uint16_t type, uint16_t x);
void nlattr_put_u32(struct buf *b, uint16_t type, uint32_t x);
void nlattr_put_u64(struct buf *b, uint16_t type, uint64_t x);
void nlattr_put_be16(struct buf *b, uint16_t type, be16 x);
void nlattr_put_be32(struct buf *b, uint16_t type, be32 x);
void nlattr_put_be64(struct buf *b, uint16_t type, be64 x);
void nlattr_put_str(struct buf *b, uint16_t type, const char *s); /* with its NUL */
/* Room for a payload of len bytes, zeroed; good until the buffer grows. */
void *nlattr_put_zeros(struct buf *b, uint16_t type, size_t len);
/* Opens an attribute whose payload are attributes; the mark goes to nlattr_nest_end().  _flagged
 * sets NLA_F_NESTED, which newer families want and older ones do not mind. */
size_t nlattr_nest(struct buf *b, uint16_t type);
size_t nlattr_nest_flagged(struct buf *b, uint16_t type);
void nlattr_nest_end(struct buf *b, size_t mark);

/* ---- reading ---- */

static inline uint16_t nlattr_type(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

static inline const void *nlattr_data(const struct nlattr *a)
{
	return (const uint8_t *)a + NLA_HDRLEN;
}

static inline size_t nlattr_len(const struct nlattr *a)
{
	return (size_t)a->nla_len - NLA_HDRLEN;
}

/* The first attribute in len bytes at p, checked to lie within; NULL at the end (*bad is left
 * alone) and when what follows is no attribute (*bad is set). */
const struct nlattr *nlattr_first(const void *p, size_t len, bool *bad);
/* The one behind `a`, in the same len bytes at p. */
const struct nlattr *nlattr_next(const void *p, size_t len, const struct nlattr *a, bool *bad);
/* for each attribute A of LEN bytes at P; BAD tells afterwards whether it ended early */
#define NLATTR_FOR_EACH(A, P, LEN, BAD)                                                            \
	for ((A) = nlattr_first((P), (LEN), (BAD)); (A); (A) = nlattr_next((P), (LEN), (A), (BAD)))

/* What a payload may be long, by attribute type; {0, 0}: this type is not looked at. */
struct nlattr_policy {
	uint16_t min, max;
};
#define NLATTR_EXACT(N)                                                                            \
	{                                                                                          \
		(N), (N)                                                                           \
	}
#define NLATTR_ANY                                                                                 \
	{                                                                                          \
		0, UINT16_MAX                                                                      \
	}
/* Fills out[type] for types below n, NULL where absent; the last of several wins.  Returns how many
 * attributes were of types that the policy does not look at, or -EBADMSG: one is cut short or has a
 * length that the policy rules out. */
int nlattr_parse(const void *p, size_t len, const struct nlattr_policy *policy, unsigned n,
		 const struct nlattr *out[]) MUST_CHECK;
/* The same for the payload of a nest. */
int nlattr_parse_nested(const struct nlattr *a, const struct nlattr_policy *policy, unsigned n,
			const struct nlattr *out[]) MUST_CHECK;

/* Values; the policy has checked the length. */
uint8_t nlattr_u8(const struct nlattr *a);
uint16_t nlattr_u16(const struct nlattr *a);
uint32_t nlattr_u32(const struct nlattr *a);
uint64_t nlattr_u64(const struct nlattr *a);
be16 nlattr_be16(const struct nlattr *a);
be32 nlattr_be32(const struct nlattr *a);
be64 nlattr_be64(const struct nlattr *a);
/* Copies text of any payload, cut to size - 1 and always ended; false when it had to be cut. */
bool nlattr_str(const struct nlattr *a, char *text, size_t size);
