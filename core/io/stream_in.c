/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side of streams without TLS.
 *
 * A request that waits for its answer costs what its system calls cost, so they are few: one
 * recv() when the loop says that there is something, straight into a buffer that lies in one piece
 * (libevent's own way asks the kernel first how much there is, and puts it into a chain).
 *
 * A peer that waits for each answer sends its next request some tens of microseconds after it. Most
 * of that goes into waking it up, and going to sleep meanwhile would cost us the same once more. So
 * where requests are expected the socket is asked again and again for LINGER_NS, for TURN_NS at
 * most in one turn of the loop.  When that brings nothing (the peer is done, or has no CPU to run
 * on while we have ours) it is tried ever more seldom. */
#include <errno.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/io/stream_priv.h"

#define PIECE_MIN 4096u        /* bytes read in one system call: at first, */
#define PIECE_MAX (256u << 10) /* and when there is always more */
#define KEEP_BYTES (64u << 10) /* an empty buffer larger than this is freed */

#define LINGER_NS (50 * NSEC_PER_USEC)
#define TURN_NS NSEC_PER_MSEC
#define MAX_MISSES 10u /* in vain so often in a row: each 2^10th time at least */

/* `n` bytes of room behind what is there. */
static void make_room(struct stream_in *in, size_t n)
{
	size_t len = in->tail - in->head;

	if (in->cap - in->tail >= n)
		return;
	if (in->head >= len && in->cap - len >= n) { /* each byte is moved once at most */
		memcpy(in->data, in->data + in->head, len);
	} else {
		uint8_t *data = xmalloc(MAX(len + n, 2 * len));

		if (len)
			memcpy(data, in->data + in->head, len);
		free(in->data);
		in->data = data;
		in->cap = MAX(len + n, 2 * len);
	}
	in->head = 0;
	in->tail = len;
}

static bool is_full(const struct stream *s)
{
	return s->in.tail - s->in.head >= s->read_limit;
}

static void offer(struct stream *s)
{
	if (is_full(s)) {
		s->in.full = true;
		(void)event_del(s->in.ev);
	}
	if (s->cb && s->cb->on_read)
		s->cb->on_read(s, s->arg);
}

/* Bytes that came, 0 at the end, -errno. */
static ssize_t read_piece(struct stream_in *in, int fd)
{
	ssize_t n;

	if (!in->piece)
		in->piece = PIECE_MIN;
	make_room(in, in->piece);
	n = recv(fd, in->data + in->tail, in->piece, MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	in->tail += (size_t)n;
	if ((size_t)n == in->piece && in->piece < PIECE_MAX)
		in->piece *= 2;
	return n;
}

/* ---- waiting awake for the next request ---- */

static bool may_linger(struct stream *s, uint64_t since)
{
	struct stream_in *in = &s->in;

	if (!in->lingers || !s->connected || s->paused || in->full || in->head != in->tail)
		return false;
	if (clock_mono_ns() - since >= TURN_NS)
		return false;
	if (!in->skip)
		return true;
	in->skip--;
	return false;
}

static ssize_t linger(struct stream_in *in, int fd)
{
	uint64_t start = clock_mono_ns();
	ssize_t n;

	do {
		n = read_piece(in, fd);
	} while (n == -EAGAIN && clock_mono_ns() - start < LINGER_NS);
	if (n != -EAGAIN) {
		in->misses = 0;
		return n;
	}
	in->misses = MIN(in->misses + 1, MAX_MISSES);
	in->skip = 1u << in->misses;
	return n;
}

static void on_readable(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct stream *s = arg;
	struct stream_in *in = &s->in;
	uint64_t start = in->lingers ? clock_mono_ns() : 0;
	ssize_t n = read_piece(in, fd);
	bool gone = false;

	in->gone = &gone;
	while (n > 0) {
		offer(s);
		if (gone)
			return;
		n = may_linger(s, start) ? linger(in, fd) : -EAGAIN;
	}
	in->gone = NULL;
	if (!n)
		stream_explain(s, BEV_EVENT_READING | BEV_EVENT_EOF, 0);
	else if (n != -EAGAIN && n != -EINTR)
		stream_explain(s, BEV_EVENT_READING | BEV_EVENT_ERROR, (int)-n);
}

void stream_expect_requests(struct stream *s)
{
	s->in.lingers = true;
}

void stream_in_start(struct stream *s)
{
	struct stream_in *in = &s->in;

	if (s->tls) {
		(void)bufferevent_enable(s->bev, EV_READ);
		return;
	}
	if (!in->ev)
		in->ev = event_new(loop_event_base(s->loop), bufferevent_getfd(s->bev),
				   EV_READ | EV_PERSIST, on_readable, s);
	if (!in->ev)
		abort(); /* without memory, as everywhere */
	if (!in->full)
		(void)event_add(in->ev, NULL);
}

void stream_in_stop(struct stream *s)
{
	if (s->tls)
		(void)bufferevent_disable(s->bev, EV_READ);
	else if (s->in.ev)
		(void)event_del(s->in.ev);
}

void stream_in_done(struct stream *s)
{
	if (s->in.ev)
		event_free(s->in.ev);
	if (s->in.gone)
		*s->in.gone = true;
	free(s->in.data);
	memset(&s->in, 0, sizeof(s->in));
}

void stream_in_drain(struct stream *s, size_t n)
{
	struct stream_in *in = &s->in;

	in->head += n;
	if (in->head == in->tail) {
		in->head = in->tail = 0;
		if (in->cap > KEEP_BYTES) {
			free(in->data);
			in->data = NULL;
			in->cap = 0;
			in->piece = PIECE_MIN;
		}
	}
	if (in->full && !is_full(s)) {
		in->full = false;
		if (s->connected && s->cb && !s->paused)
			stream_in_start(s);
	}
}
