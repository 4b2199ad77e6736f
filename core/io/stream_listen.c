/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners.  A TLS stream is handed out when its handshake is done, so that whoever accepts it may
 * write at once. */
#include <errno.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/inet_sock.h"
#include "core/io/stream_priv.h"
#include "core/io/target.h"
#include "core/io/unix_sock.h"

LOG_MODULE("stream");

#define MAX_STREAMS 1024
#define PAUSE_NS (100 * NSEC_PER_MSEC) /* after accept() failed for want of descriptors */

struct stream_listener {
	struct loop *loop;
	struct evconnlistener *ev; /* owned */
	struct loop_timer *pause;  /* owned */
	struct stream_quota *quota;
	struct stream_options opt;    /* tls counted */
	struct cds_list_head shaking; /* of struct shake */
	char *target;                 /* owned */
	char *path;                   /* owned; removed at the end; NULL: not a Unix socket */
	struct stat_id {
		uint64_t dev, ino;
	} id; /* of the file at path, so that only ours is removed */
	enum target_kind kind;
	uint16_t port;
	stream_accept_fn *fn;
	void *arg;
};

/* A TLS stream whose handshake goes on. */
struct shake {
	struct cds_list_head node;
	struct stream_listener *listener;
	struct stream *stream; /* owned until handed out */
};

static void shake_done(struct stream *s, void *arg)
{
	struct shake *shake = arg;
	struct stream_listener *ls = shake->listener;

	cds_list_del(&shake->node);
	free(shake);
	s->cb = NULL;
	s->arg = NULL;
	(void)bufferevent_disable(s->bev, EV_READ);
	ls->fn(s, ls->arg);
}

static void shake_failed(struct stream *s, const struct error *why, void *arg)
{
	struct shake *shake = arg;

	log_warn_rl("%s: connection refused: %s", shake->listener->target, why->cause);
	cds_list_del(&shake->node);
	free(shake);
	stream_free(s);
}

static void hand_out(struct stream_listener *ls, struct stream *s)
{
	static const struct stream_cb shaking = { .on_connect = shake_done,
						  .on_close = shake_failed };
	struct shake *shake;

	if (!s->tls) {
		s->connected = true;
		ls->fn(s, ls->arg);
		return;
	}
	shake = xzalloc(sizeof(*shake));
	shake->listener = ls;
	shake->stream = s;
	cds_list_add_tail(&shake->node, &ls->shaking);
	s->cb = &shaking;
	s->arg = shake;
	stream_start_timeout(s);
	(void)bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

static char *peer_name(const struct stream_listener *ls, const struct sockaddr *sa, int len)
{
	static unsigned int unix_number;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (ls->kind == TARGET_UNIX)
		return xasprintf("unix#%u", ++unix_number);
	if (getnameinfo(sa, (socklen_t)len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return xstrdup(ls->target);
	return xasprintf(strchr(host, ':') ? "%s:[%s]:%s" : "%s:%s:%s",
			 ls->kind == TARGET_TLS ? "ssl" : "tcp", host, port);
}

static void on_accept(struct evconnlistener *ev UNUSED, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct stream_listener *ls = arg;
	struct error err = ERROR_INIT;
	struct stream *s;
	char *name;

	if (ls->quota->n >= ls->quota->max) {
		log_warn_rl("%s: connection refused: %u are open already", ls->target,
			    ls->quota->n);
		close(fd);
		return;
	}
	name = peer_name(ls, sa, len);
	s = stream_alloc(ls->loop, name, &ls->opt);
	free(name);
	s->quota = ls->quota;
	s->quota->n++;
	s->quota->refs++;
	if (ls->kind == TARGET_TLS)
		s->tls = stream_tls_ref(ls->opt.tls);
	if (stream_attach(s, fd, s->tls ? STREAM_TLS_SERVER : STREAM_PLAIN, &err)) {
		log_warn_rl("%s: connection refused: %s", ls->target, err.cause);
		stream_free(s);
		return;
	}
	hand_out(ls, s);
}

static void on_accept_error(struct evconnlistener *ev, void *arg)
{
	struct stream_listener *ls = arg;
	int code = EVUTIL_SOCKET_ERROR();

	log_warn_rl("%s: cannot accept a connection (%s)", ls->target, strerrordesc_np(code));
	(void)evconnlistener_disable(ev); /* it would be readable again at once */
	loop_timer_in(ls->pause, PAUSE_NS);
}

static void end_pause(void *arg)
{
	struct stream_listener *ls = arg;

	(void)evconnlistener_enable(ls->ev);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static struct stat_id file_id(const char *path)
{
	struct stat_id id = { 0, 0 };
	struct stat st;

	if (!lstat(path, &st))
		id = (struct stat_id){ st.st_dev, st.st_ino };
	return id;
}

static int open_target(struct stream_listener *ls, const struct target *t, struct error *err)
{
	int fd;

	ls->kind = t->kind;
	if (t->kind == TARGET_UNIX) {
		unsigned int mode = ls->opt.unix_mode ? (unsigned int)ls->opt.unix_mode : 0700;

		fd = unix_sock_listen(t->path, mode, err);
		if (fd < 0)
			return fd;
		ls->path = xstrdup(t->path);
		ls->id = file_id(ls->path);
	} else {
		/* An address: what a name means may change under it. */
		fd = inet_sock_listen(t->host, t->port, INET_SOCK_ADDRESS, err);
		if (fd < 0)
			return error_wrap(err, "%.200s", ls->target);
		ls->port = inet_sock_port(fd);
	}
	ls->ev = evconnlistener_new(loop_event_base(ls->loop), on_accept, ls,
				    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!ls->ev) {
		close(fd);
		return error_set(err, ENOMEM, NULL, "%.200s: cannot watch the socket", ls->target);
	}
	evconnlistener_set_error_cb(ls->ev, on_accept_error);
	return 0;
}

static int check_target(const char *target, const struct target *t,
			const struct stream_options *opt, struct error *err)
{
	if (!t->passive)
		return error_set(err, EINVAL, NULL, "%.200s: not a listener's name", target);
	if (t->kind == TARGET_TLS && (!opt || !opt->tls))
		return error_set(err, EINVAL, NULL,
				 "%.200s: no certificates are configured for TLS", target);
	return 0;
}

struct stream_listener *stream_listen(struct loop *l, const char *target,
				      const struct stream_options *opt, stream_accept_fn *fn,
				      void *arg, struct error *err)
{
	struct stream_listener *ls;
	struct target t;

	if (target_parse(target, opt ? opt->default_port : 0, &t, err))
		return NULL;
	if (check_target(target, &t, opt, err)) {
		target_done(&t);
		return NULL;
	}
	ls = xzalloc(sizeof(*ls));
	ls->loop = l;
	ls->fn = fn;
	ls->arg = arg;
	ls->target = xstrdup(target);
	CDS_INIT_LIST_HEAD(&ls->shaking);
	if (opt)
		ls->opt = *opt;
	(void)stream_tls_ref(ls->opt.tls);
	ls->quota = xzalloc(sizeof(*ls->quota));
	ls->quota->refs = 1;
	ls->quota->max = ls->opt.max_streams ? ls->opt.max_streams : MAX_STREAMS;
	ls->pause = loop_timer_new(l, end_pause, ls);
	if (open_target(ls, &t, err)) {
		stream_listener_free(ls);
		ls = NULL;
	}
	target_done(&t);
	return ls;
}

static void remove_file(const struct stream_listener *ls)
{
	struct stat_id id = file_id(ls->path);

	/* Somebody may have taken our place meanwhile. */
	if (id.ino && id.ino == ls->id.ino && id.dev == ls->id.dev)
		(void)unlink(ls->path);
}

void stream_listener_free(struct stream_listener *ls)
{
	struct shake *shake, *next;

	if (!ls)
		return;
	cds_list_for_each_entry_safe (shake, next, &ls->shaking, node) {
		stream_free(shake->stream);
		free(shake);
	}
	if (ls->ev)
		evconnlistener_free(ls->ev);
	if (ls->path)
		remove_file(ls);
	loop_timer_free(ls->pause);
	stream_quota_unref(ls->quota);
	stream_tls_unref(ls->opt.tls);
	free(ls->path);
	free(ls->target);
	free(ls);
}

const char *stream_listener_target(const struct stream_listener *ls)
{
	return ls->target;
}

uint16_t stream_listener_port(const struct stream_listener *ls)
{
	return ls->port;
}

unsigned int stream_listener_count(const struct stream_listener *ls)
{
	return ls->quota->n;
}
