/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/dbserver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/stream.h"
#include "dbserver/server/server_db.h"
#include "dbserver/server/session.h"

LOG_MODULE("dbserver.remote");

#define PORT_DEFAULT 6640 /* RFC 7047 section 9 */
#define PROBE_NS (5 * NSEC_PER_SEC)

struct remote {
	struct cds_list_head link; /* struct dbserver.remotes */
	struct dbserver *server;
	char *target;                     /* owned */
	struct stream_listener *listener; /* owned */
	uint64_t probe_ns;
};

struct dbserver {
	struct db_host host;
	struct db *server_db;   /* the host's */
	struct stream_tls *tls; /* owned reference, or NULL */
	struct cds_list_head remotes;
};

struct dbserver *dbserver_new(struct loop *loop, const struct dbserver_limits *limits)
{
	struct dbserver *s = xzalloc(sizeof(*s));

	db_host_init(&s->host, loop, limits);
	CDS_INIT_LIST_HEAD(&s->remotes);
	s->server_db = server_db_new();
	db_host_add(&s->host, s->server_db, NULL, true);
	return s;
}

static void free_remote(struct remote *r)
{
	sessions_free(&r->server->host, r);
	stream_listener_free(r->listener);
	cds_list_del(&r->link);
	free(r->target);
	free(r);
}

void dbserver_free(struct dbserver *s)
{
	struct remote *r, *next;

	if (!s)
		return;
	cds_list_for_each_entry_safe (r, next, &s->remotes, link)
		free_remote(r);
	sessions_free(&s->host, NULL);
	db_host_done(&s->host);
	stream_tls_unref(s->tls);
	free(s);
}

/* --- Databases ----------------------------------------------------------------------------- */
static void on_compact(void *arg, const struct error *err)
{
	struct db *db = arg;
	char text[512];

	if (err)
		log_warn("%s: the file could not be rewritten without its history: %s", db_name(db),
			 error_text(err, text, sizeof(text)));
	else
		log_info("%s: the file has been rewritten without its history", db_name(db));
}

int dbserver_open(struct dbserver *s, const char *path, const char *schema_path,
		  struct dbserver_open_report *report, struct error *err)
{
	struct db_limits limits = db_host_limits(&s->host);
	struct error why = ERROR_INIT;
	struct db_store *store;
	struct db *db;

	store = db_store_open(path, schema_path, &limits, report, &why);
	if (!store)
		return error_set(err, why.code, why.field, "%s", why.cause);
	db = db_store_db(store);
	if (db_host_find(&s->host, db_name(db))) {
		error_set(&why, EEXIST, NULL, "%s: a database %s is open already", path,
			  db_name(db));
		db_store_close(store);
		return error_set(err, why.code, NULL, "%s", why.cause);
	}
	db_store_on_compact(store, on_compact, db);
	db_host_add(&s->host, db, store, false);
	server_db_add(s->server_db, db);
	return 0;
}

struct db *dbserver_db(const struct dbserver *s, const char *name)
{
	struct served_db *d = db_host_find(&s->host, name);

	return d ? d->db : NULL;
}

int dbserver_compact(struct dbserver *s, const char *db_name_, struct error *err)
{
	struct served_db *d = db_host_find(&s->host, db_name_);

	if (!d || !d->store)
		return error_set(err, ENOENT, NULL, "no database \"%.64s\" in a file", db_name_);
	return db_store_compact(d->store, err);
}

/* --- Remotes ------------------------------------------------------------------------------- */
static struct remote *find_remote(const struct dbserver *s, const char *target)
{
	struct remote *r;

	cds_list_for_each_entry (r, &s->remotes, link)
		if (!strcmp(r->target, target))
			return r;
	return NULL;
}

static void on_accept(struct stream *stream, void *arg)
{
	struct remote *r = arg;
	struct db_host *h = &r->server->host;

	if (h->n_sessions >= h->limits.sessions) {
		log_warn_rl("%s: refused, %zu clients are connected already", stream_name(stream),
			    h->n_sessions);
		stream_free(stream);
		return;
	}
	session_new(h, stream, r, r->probe_ns);
}

int dbserver_set_tls(struct dbserver *s, const char *cert, const char *key, const char *ca,
		     struct error *err)
{
	struct stream_tls *tls = stream_tls_new(cert, key, ca, err);

	if (!tls)
		return err ? -err->code : -EINVAL;
	stream_tls_unref(s->tls);
	s->tls = tls;
	return 0;
}

int dbserver_add_remote(struct dbserver *s, const char *target, struct error *err)
{
	const struct stream_options opt = {
		.default_port = PORT_DEFAULT,
		.tls = s->tls,
		.backlog_limit = s->host.limits.backlog_bytes,
		.read_limit = s->host.limits.message_bytes,
		.max_streams = (unsigned int)s->host.limits.sessions,
	};
	struct error why = ERROR_INIT;
	struct remote *r;

	if (find_remote(s, target))
		return 0;
	r = xzalloc(sizeof(*r));
	r->server = s;
	r->target = xstrdup(target);
	r->probe_ns = strncmp(target, "punix:", 6) ? PROBE_NS : 0;
	r->listener = stream_listen(s->host.loop, target, &opt, on_accept, r, &why);
	if (!r->listener) {
		free(r->target);
		free(r);
		return error_set(err, why.code ? why.code : EINVAL, why.field, "%s", why.cause);
	}
	cds_list_add_tail(&r->link, &s->remotes);
	return 0;
}

void dbserver_remove_remote(struct dbserver *s, const char *target)
{
	struct remote *r = find_remote(s, target);

	if (r)
		free_remote(r);
}

uint16_t dbserver_remote_port(const struct dbserver *s, const char *target)
{
	const struct remote *r = find_remote(s, target);

	return r ? stream_listener_port(r->listener) : 0;
}

size_t dbserver_sessions(const struct dbserver *s)
{
	return s->host.n_sessions;
}
