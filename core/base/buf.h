/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for and from a wire.
 *
 * struct buf grows at its end and is what an encoder writes into.  struct cursor reads somebody
 * else's bytes with a *sticky* error: a read past the end returns zeros and sets `bad`, so that a
 * parser reads straight through and checks once.  A cursor never owns memory and is valid as long
 * as the bytes are. */
#pragma once

#include <string.h>

#include "core/base/types.h"

struct buf {
	uint8_t *data; /* owned; moves when the buffer grows */
	size_t len, cap;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

void buf_init(struct buf *b);
void buf_done(struct buf *b);
void buf_clear(struct buf *b);
/* Room for n more bytes at the end, already counted in len, uninitialised (_put_uninit) or zeroed
 * (_put_zeros). The pointer is good until the next growth. */
void *buf_put_uninit(struct buf *b, size_t n);
void *buf_put_zeros(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *data, size_t n);
void buf_put_u8(struct buf *b, uint8_t x);
void buf_put_be16(struct buf *b, uint16_t host); /* converts host -> wire */
void buf_put_be32(struct buf *b, uint32_t host);
void buf_put_be64(struct buf *b, uint64_t host);
/* Zero bytes until len is a multiple of `align` counted from offset `start`. */
void buf_pad(struct buf *b, size_t start, size_t align);
void buf_set_be16(struct buf *b, size_t ofs, uint16_t host);
void buf_set_be32(struct buf *b, size_t ofs, uint32_t host);
uint8_t *buf_steal(struct buf *b, size_t *len);

struct cursor {
	const uint8_t *p, *end; /* borrowed */
	bool bad;               /* a read went past the end; stays set */
};

static inline struct cursor cursor_init(const void *data, size_t len)
{
	return (struct cursor){ (const uint8_t *)data, (const uint8_t *)data + len, false };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL and a sticky error. */
static inline const void *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || cursor_left(c) < n) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	c->p += n;
	return p;
}

static inline void cursor_copy(struct cursor *c, void *dst, size_t n)
{
	const void *p = cursor_take(c, n);

	if (p)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	uint8_t x;

	cursor_copy(c, &x, sizeof(x));
	return x;
}

static inline uint16_t cursor_be16(struct cursor *c) /* wire -> host */
{
	uint16_t x;

	cursor_copy(c, &x, sizeof(x));
	return ntohs(x);
}

static inline uint32_t cursor_be32(struct cursor *c)
{
	uint32_t x;

	cursor_copy(c, &x, sizeof(x));
	return ntohl(x);
}

static inline uint64_t cursor_be64(struct cursor *c)
{
	uint64_t x;

	cursor_copy(c, &x, sizeof(x));
	return ntoh64(x);
}

/* A cursor over the next n bytes, which the outer one skips.  Bad when there are not n. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	const void *p = cursor_take(c, n);
	struct cursor sub = cursor_init(p ? p : c->end, p ? n : 0);

	sub.bad = !p;
	return sub;
}
