/* SPDX-License-Identifier: Apache-2.0 */
/* Byte streams: Unix sockets, TCP and TLS, non-blocking, named as ovsdb(7) and ovs-vsctl(8) name
 * them.
 *
 * Active:  unix:PATH    tcp:HOST[:PORT]     ssl:HOST[:PORT]     ([…] around an IPv6 address)
 * Passive: punix:PATH   ptcp:[PORT][:HOST]  pssl:[PORT][:HOST]  (port 0: the kernel chooses)
 *
 * A stream calls back when bytes have come, when its backlog has gone under the low mark, and once
 * when it is over, with the reason in plain words.  After on_close nothing more is called; the
 * owner then (or at any other time) calls stream_free().  Reading: look at the bytes where they lie
 * (stream_peek), then stream_drain() what was used; what was left is offered again with the next
 * bytes.  Writing: never blocks, never sends half: either all of it is queued or -ENOBUFS says that
 * the peer does not keep up and the backlog limit stands; the owner then waits for on_drain or
 * gives up.
 *
 * TLS is 1.2 or later; a CA file makes the peer's certificate mandatory on both sides.  As usual
 * for these protocols the CA vouches for its own few members: host names are not compared.
 *
 * All calls on the loop's thread; callbacks too, never from inside a call that the owner makes. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct buf;
struct loop;
struct stream;
struct stream_listener;
struct stream_tls; /* certificates: one object shared by any number of streams, counted */

struct stream_cb {
	/* Connected (TLS: shaken hands).  Only streams of stream_connect(); may be NULL. */
	void (*on_connect)(struct stream *s, void *arg);
	/* At least one new byte.  Reading is paused meanwhile at the read limit. */
	void (*on_read)(struct stream *s, void *arg);
	/* The backlog was above the low mark and has come under it.  May be NULL. */
	void (*on_drain)(struct stream *s, void *arg);
	/* Over; *why holds until this returns. why->code is 0 when the peer closed in order. */
	void (*on_close)(struct stream *s, const struct error *why, void *arg);
};

struct stream_options {
	uint16_t default_port;  /* for tcp:HOST and ptcp: without one; 0: a port must be named */
	struct stream_tls *tls; /* borrowed for the call (a reference is kept); for ssl:/pssl: */
	size_t backlog_limit;   /* bytes queued for writing; 0: 64 MiB */
	size_t read_limit;      /* bytes held unread before reading pauses; 0: 64 MiB + 64 KiB */
	uint64_t connect_timeout_ns; /* connect and TLS handshake; 0: 15 s */
	int unix_mode;               /* permissions of a punix: socket; 0: 0700 */
	unsigned int max_streams;    /* of a listener, accepted and not freed; 0: 1,024 */
};

/* Certificate, private key and CA, PEM files.  ca NULL: peers are not checked (only for clients of
 * a test set-up).  NULL and *err that names the file. */
struct stream_tls *stream_tls_new(const char *cert, const char *key, const char *ca,
				  struct error *err);
struct stream_tls *stream_tls_ref(struct stream_tls *t);
void stream_tls_unref(struct stream_tls *t);

/* Is it a target of the active (passive) form?  A cheap look at the scheme. */
bool stream_target_is_active(const char *target);
bool stream_target_is_passive(const char *target);
/* Checks the whole of a target without opening anything: 0, or -EINVAL and *err. */
int stream_target_check(const char *target, const struct stream_options *opt, struct error *err);

/* Starts connecting.  `opt` may be NULL.  NULL and *err for a target that cannot be; a peer that
 * does not answer is on_close later. */
struct stream *stream_connect(struct loop *l, const char *target, const struct stream_options *opt,
			      const struct stream_cb *cb, void *arg, struct error *err);
/* Wraps a connected socket (a socketpair's end in tests).  Takes fd. */
struct stream *stream_from_fd(struct loop *l, int fd, const char *name,
			      const struct stream_options *opt, const struct stream_cb *cb,
			      void *arg);
/* Gives the stream new callbacks: an accepted stream has none until then, and reads nothing. `cb`
 * is borrowed for the stream's life. */
void stream_set_cb(struct stream *s, const struct stream_cb *cb, void *arg);
/* Closes at once; what was queued is lost.  NULL is fine. */
void stream_free(struct stream *s);
/* Sends what is queued, at most for `max_ns`, then closes; no callback any more, and s is the
 * module's own from now on. */
void stream_free_flushed(struct stream *s, uint64_t max_ns);

/* Bytes that wait to be read. */
size_t stream_readable(const struct stream *s);
/* The next `want` bytes in one piece (copied together only when they lie apart), or NULL when fewer
 * wait.  Good until the next call on s. */
const uint8_t *stream_peek(struct stream *s, size_t want);
/* The bytes that lie in one piece anyhow; *len is 0 when none wait. */
const uint8_t *stream_peek_piece(struct stream *s, size_t *len);
void stream_drain(struct stream *s, size_t n); /* n <= stream_readable() */
/* Stops (starts) reading: the peer feels it as a full window. */
void stream_pause(struct stream *s, bool pause);
/* The peer sends requests and waits for each answer: the next one is waited for awake, for some
 * microseconds, where that pays.  TLS streams take no notice. */
void stream_expect_requests(struct stream *s);

/* Queues n bytes, all or none.  0, -ENOBUFS (backlog limit), -ENOTCONN (over, or not connected
 * yet).
 */
int stream_write(struct stream *s, const void *data, size_t n) MUST_CHECK;
/* The same without a copy: takes b's memory when it succeeds, and leaves b empty. */
int stream_write_buf(struct stream *s, struct buf *b) MUST_CHECK;
/* Queues n bytes of somebody's memory without a copy; release(data, n, arg) when they have gone or
 * the stream has.  When it fails release is not called. */
int stream_write_ref(struct stream *s, const void *data, size_t n,
		     void (*release)(const void *data, size_t n, void *arg), void *arg) MUST_CHECK;
size_t stream_backlog(const struct stream *s); /* bytes queued and not yet taken by the kernel */
void stream_set_low_mark(struct stream *s, size_t bytes); /* for on_drain; default 64 KiB */

/* "tcp:10.0.0.1:43210", "unix#3", "ssl:[::1]:6640": the peer, for logs.  Borrowed for s's life. */
const char *stream_name(const struct stream *s);
bool stream_connected(const struct stream *s);
/* Is the peer authenticated by certificate (TLS with a CA)? */
bool stream_is_secure(const struct stream *s);

/* ---- Listeners ---------------------------------------------------------------------------- */

/* The new stream is the callee's, who calls stream_set_cb() or stream_free(). */
typedef void stream_accept_fn(struct stream *s, void *arg);

/* Opens a passive target.  A Unix socket's stale file (nobody answers) is replaced; one that
 * answers is -EADDRINUSE; it is removed when the listener is freed.  A path too long for
 * sockaddr_un works too.  NULL and *err. */
struct stream_listener *stream_listen(struct loop *l, const char *target,
				      const struct stream_options *opt, stream_accept_fn *fn,
				      void *arg, struct error *err);
void stream_listener_free(struct stream_listener *ls); /* its streams live on */
const char *stream_listener_target(const struct stream_listener *ls);
uint16_t stream_listener_port(const struct stream_listener *ls); /* 0 for punix: */
unsigned int stream_listener_count(const struct stream_listener *ls);
