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

struct stream {
	struct loop *loop;          /* borrowed for life */
	struct bufferevent *bev;    /* owned; NULL when opening failed at once */
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
void stream_start_timeout(struct stream *s);
void stream_quota_unref(struct stream_quota *q);

SSL *stream_tls_session(struct stream_tls *t); /* owned by the caller; NULL without memory */
bool stream_tls_verifies(const struct stream_tls *t);
