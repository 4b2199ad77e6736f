/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind core/io/stream.h share. */
#pragma once

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/types.h>

#include "core/io/loop.h"
#include "core/io/stream.h"

/* How many streams of a listener live; outlives the listener as long as one of them does. */
struct stream_quota {
	unsigned int n, max, refs;
};

/* What has been read and not been used (stream_in.c); TLS keeps that in the bufferevent. */
struct stream_in {
	struct event *ev; /* owned; NULL until reading starts */
	uint8_t *data;    /* owned; moves */
	size_t head, tail, cap;
	uint32_t piece; /* bytes to ask for */
	bool full;      /* the read limit is reached: not listening */

	bool lingers;              /* stream_expect_requests() */
	unsigned int misses, skip; /* in vain so often in a row; times not to try */
	bool *gone;                /* set when the stream is freed by its own on_read */
};

struct stream {
	struct loop *loop;       /* borrowed for life */
	struct bufferevent *bev; /* owned; NULL when opening failed at once */
	struct stream_in in;
	const struct stream_cb *cb; /* borrowed; NULL: none yet */
	void *arg;
	char *name;                   /* owned */
	struct stream_tls *tls;       /* counted; NULL: plain */
	struct stream_quota *quota;   /* counted; NULL: not of a listener */
	struct loop_timer *timer;     /* owned; connecting, then lingering */
	struct loop_cleanup *cleanup; /* owned; while lingering */
	size_t backlog_limit, read_limit, low_mark;
	uint64_t connect_timeout_ns;
	bool connected, over, paused;
	bool above; /* the backlog has been above the low mark since on_drain */
	struct error why;
};

#define STREAM_CONNECT_TIMEOUT_NS (15 * NSEC_PER_SEC)

enum stream_role { STREAM_PLAIN, STREAM_TLS_CLIENT, STREAM_TLS_SERVER };

/* A stream without a socket. */
struct stream *stream_alloc(struct loop *l, const char *name, const struct stream_options *opt);
/* Gives it a socket (taken; -1: bufferevent_socket_connect…() opens it).  0, or -errno and *err. */
int stream_attach(struct stream *s, int fd, enum stream_role role, struct error *err) MUST_CHECK;
/* Ends it: on_close with this reason before the loop sleeps next. */
void stream_fail(struct stream *s, const struct error *why);
/* The same for what libevent (BEV_EVENT_*) or a system call (code: its errno) says. */
void stream_explain(struct stream *s, short what, int code);
void stream_start_timeout(struct stream *s);
/* Reading on and off, of any kind of stream that is connected. */
void stream_in_start(struct stream *s);
void stream_in_stop(struct stream *s);
void stream_in_done(struct stream *s);
void stream_in_drain(struct stream *s, size_t n); /* without TLS */
void stream_quota_unref(struct stream_quota *q);

SSL *stream_tls_session(struct stream_tls *t); /* owned by the caller; NULL without memory */
bool stream_tls_verifies(const struct stream_tls *t);
