/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/nlattr.h"

#include <errno.h>
#include <string.h>

/* ---- writing ---- */

void *nlattr_put_zeros(struct buf *b, uint16_t type, size_t len)
{
	struct nlattr h = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };
	size_t ofs = b->len;

	(void)buf_put_zeros(b, NLA_HDRLEN + NLA_ALIGN(len));
	memcpy(b->data + ofs, &h, sizeof(h));
	return b->data + ofs + NLA_HDRLEN;
}

void nlattr_put(struct buf *b, uint16_t type, const void *data, size_t len)
{
	void *p = nlattr_put_zeros(b, type, len);

	if (len)
		memcpy(p, data, len);
}

void nlattr_put_flag(struct buf *b, uint16_t type)
{
	nlattr_put(b, type, NULL, 0);
}

void nlattr_put_u8(struct buf *b, uint16_t type, uint8_t x)
{
	nlattr_put(b, type, &x, sizeof(x));
}

void nlattr_put_u16(struct buf *b, uint16_t type, uint16_t x)
{
	nlattr_put(b, type, &x, sizeof(x));
}

void nlattr_put_u32(struct buf *b, uint16_t type, uint32_t x)
{
	nlattr_put(b, type, &x, sizeof(x));
}

void nlattr_put_u64(struct buf *b, uint16_t type, uint64_t x)
{
	nlattr_put(b, type, &x, sizeof(x));
}

void nlattr_put_be16(struct buf *b, uint16_t type, be16 x)
{
	nlattr_put(b, type, &x, sizeof(x));
}

void nlattr_put_be32(struct buf *b, uint16_t type, be32 x)
{
	nlattr_put(b, type, &x, sizeof(x));
}

void nlattr_put_be64(struct buf *b, uint16_t type, be64 x)
{
	nlattr_put(b, type, &x, sizeof(x));
}

void nlattr_put_str(struct buf *b, uint16_t type, const char *s)
{
	nlattr_put(b, type, s, strlen(s) + 1);
}

size_t nlattr_nest(struct buf *b, uint16_t type)
{
	size_t mark = b->len;

	nlattr_put(b, type, NULL, 0);
	return mark;
}

size_t nlattr_nest_flagged(struct buf *b, uint16_t type)
{
	return nlattr_nest(b, type | NLA_F_NESTED);
}

void nlattr_nest_end(struct buf *b, size_t mark)
{
	uint16_t len = (uint16_t)(b->len - mark); /* too long: the message is, too */

	memcpy(b->data + mark + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

/* ---- reading ---- */

static const struct nlattr *at(const uint8_t *p, size_t left, bool *bad)
{
	const struct nlattr *a = (const struct nlattr *)(const void *)p;

	if (left < NLA_HDRLEN) {
		*bad |= left != 0;
		return NULL;
	}
	if (a->nla_len < NLA_HDRLEN || a->nla_len > left) {
		*bad = true;
		return NULL;
	}
	return a;
}

const struct nlattr *nlattr_first(const void *p, size_t len, bool *bad)
{
	return at(p, len, bad);
}

const struct nlattr *nlattr_next(const void *p, size_t len, const struct nlattr *a, bool *bad)
{
	const uint8_t *start = p, *here = (const uint8_t *)a;
	size_t ofs = (size_t)(here - start) + NLA_ALIGN(a->nla_len);

	return ofs < len ? at(start + ofs, len - ofs, bad) : NULL;
}

int nlattr_parse(const void *p, size_t len, const struct nlattr_policy *policy, unsigned n,
		 const struct nlattr *out[])
{
	const struct nlattr *a;
	bool bad = false;
	int others = 0;

	memset(out, 0, n * sizeof(*out));
	NLATTR_FOR_EACH(a, p, len, &bad)
	{
		uint16_t type = nlattr_type(a);

		if (type >= n || !policy[type].max) {
			others++;
			continue;
		}
		if (nlattr_len(a) < policy[type].min || nlattr_len(a) > policy[type].max)
			return -EBADMSG;
		out[type] = a;
	}
	return bad ? -EBADMSG : others;
}

int nlattr_parse_nested(const struct nlattr *a, const struct nlattr_policy *policy, unsigned n,
			const struct nlattr *out[])
{
	return nlattr_parse(nlattr_data(a), nlattr_len(a), policy, n, out);
}

/* Copied, since payloads are aligned to 4 only. */
#define READER(NAME, TYPE)                                                                         \
	TYPE NAME(const struct nlattr *a)                                                          \
	{                                                                                          \
		TYPE x;                                                                            \
                                                                                                   \
		memcpy(&x, nlattr_data(a), sizeof(x));                                             \
		return x;                                                                          \
	}

READER(nlattr_u8, uint8_t)
READER(nlattr_u16, uint16_t)
READER(nlattr_u32, uint32_t)
READER(nlattr_u64, uint64_t)
READER(nlattr_be16, be16)
READER(nlattr_be32, be32)
READER(nlattr_be64, be64)

bool nlattr_str(const struct nlattr *a, char *text, size_t size)
{
	size_t len = strnlen(nlattr_data(a), nlattr_len(a));
	size_t n = MIN(len, size - 1);

	memcpy(text, nlattr_data(a), n);
	text[n] = '\0';
	return n == len;
}
