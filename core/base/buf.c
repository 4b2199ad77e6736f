/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/xalloc.h"

void buf_init(struct buf *b)
{
	*b = (struct buf)BUF_INIT;
}

void buf_done(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

void *buf_put_uninit(struct buf *b, size_t n)
{
	uint8_t *p;

	if (b->cap - b->len < n)
		b->data = xgrow(b->data, &b->cap, MAX(b->len + n, 64), 1);
	p = b->data + b->len;
	b->len += n;
	return p;
}

void *buf_put_zeros(struct buf *b, size_t n)
{
	void *p = buf_put_uninit(b, n);

	if (n)
		memset(p, 0, n);
	return p;
}

void buf_put(struct buf *b, const void *data, size_t n)
{
	if (n)
		memcpy(buf_put_uninit(b, n), data, n);
}

void buf_put_u8(struct buf *b, uint8_t x)
{
	buf_put(b, &x, sizeof(x));
}

void buf_put_be16(struct buf *b, uint16_t host)
{
	be16 x = htons(host);

	buf_put(b, &x, sizeof(x));
}

void buf_put_be32(struct buf *b, uint32_t host)
{
	be32 x = htonl(host);

	buf_put(b, &x, sizeof(x));
}

void buf_put_be64(struct buf *b, uint64_t host)
{
	be64 x = hton64(host);

	buf_put(b, &x, sizeof(x));
}

void buf_pad(struct buf *b, size_t start, size_t align)
{
	size_t used = b->len - start;

	(void)buf_put_zeros(b, ROUND_UP(used, align) - used);
}

void buf_set_be16(struct buf *b, size_t ofs, uint16_t host)
{
	be16 x = htons(host);

	assert(ofs + sizeof(x) <= b->len);
	memcpy(b->data + ofs, &x, sizeof(x));
}

void buf_set_be32(struct buf *b, size_t ofs, uint32_t host)
{
	be32 x = htonl(host);

	assert(ofs + sizeof(x) <= b->len);
	memcpy(b->data + ofs, &x, sizeof(x));
}

uint8_t *buf_steal(struct buf *b, size_t *len)
{
	uint8_t *data = b->data;

	*len = b->len;
	buf_init(b);
	return data;
}
