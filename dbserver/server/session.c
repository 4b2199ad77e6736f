/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/rpc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"
#include "dbserver/server/monitor.h"

LOG_MODULE("dbserver");

struct session {
	struct cds_list_head link; /* struct db_host.sessions */
	struct db_host *host;
	const void *origin; /* borrowed, only compared */
	struct rpc *rpc;    /* owned */
	bool dead;          /* to be freed before the loop sleeps */

	struct cds_list_head monitors; /* struct monitor.link */
	size_t n_monitors;
	struct cds_list_head pending; /* struct db_trigger.in_owner */
	struct db_trigger_cb trigger_cb, trigger_cb_read_only;
	struct db_lock_owner locks;

	uint64_t probe_ns;
	struct loop_timer *probe; /* owned; NULL without probes */
	bool heard;               /* anything since the timer was set */
	bool probing;             /* an echo request is out */
};

static void free_dead(void *arg)
{
	session_free(arg);
}

/* Ends the session soon: callers may be in the middle of its lists. */
static void fail(struct session *s, const char *why)
{
	if (s->dead)
		return;
	s->dead = true;
	log_warn_rl("%s: closed: %s", rpc_name(s->rpc), why);
	loop_defer(s->host->loop, free_dead, s);
}

static void check_sent(struct session *s, int rc)
{
	if (rc == -ENOBUFS)
		fail(s, "the client does not read what it asked for");
	else if (rc == -EMSGSIZE || rc == -E2BIG)
		fail(s, "an answer is too large to send");
}

static void notify(struct session *s, const char *method, struct json_object *params)
{
	if (s->dead)
		json_object_put(params);
	else
		check_sent(s, rpc_notify(s->rpc, method, params));
}

static void reply(struct session *s, struct json_object *id, struct json_object *result)
{
	if (s->dead)
		json_object_put(result);
	else
		check_sent(s, rpc_reply(s->rpc, id, result));
}

static void reply_error_json(struct session *s, struct json_object *id, struct json_object *error)
{
	if (s->dead)
		json_object_put(error);
	else
		check_sent(s, rpc_error(s->rpc, id, error));
}

static void reply_error(struct session *s, struct json_object *id, const struct error *err)
{
	reply_error_json(s, id, dberr_to_json(err));
}

static void reply_empty(struct session *s, struct json_object *id)
{
	reply(s, id, json_object_new_object());
}

/* Element i of the parameters, NULL when there are fewer. */
static struct json_object *param(const struct rpc_msg *m, size_t i)
{
	return i < json_object_array_length(m->params) ? json_object_array_get_idx(m->params, i)
						       : NULL;
}

static int want_params(const struct rpc_msg *m, size_t min, size_t max, struct error *err)
{
	size_t n = json_object_array_length(m->params);

	if (n >= min && n <= max)
		return 0;
	return error_set(err, DBE_SYNTAX, NULL, "\"%s\" takes %zu parameters, not %zu", m->method,
			 min, n);
}

/* The database that the first parameter names. */
static struct served_db *find_db(struct session *s, const struct rpc_msg *m, struct error *err)
{
	const char *name = json_text(param(m, 0));
	struct served_db *d = db_host_find(s->host, name);

	if (!name)
		error_set(err, DBE_SYNTAX, NULL, "\"%s\" needs the name of a database", m->method);
	else if (!d)
		error_set(err, DBE_UNKNOWN_DATABASE, NULL, "\"%s\": no database \"%.64s\"",
			  m->method, name);
	return d;
}

/* --- The small methods: each 0 when it has replied, or a negative errno and *err ------------- */
static int do_echo(struct session *s, const struct rpc_msg *m, struct error *err)
{
	reply(s, m->id, json_object_get(m->params));
	return 0;
}

static int do_list_dbs(struct session *s, const struct rpc_msg *m, struct error *err)
{
	struct json_object *list = json_object_new_array();
	struct served_db *d;

	/* What a client came for goes before _Server: some take the first. */
	for (int internal = 0; internal < 2; internal++)
		cds_list_for_each_entry (d, &s->host->dbs, link)
			if (d->read_only == internal)
				json_object_array_add(list, json_object_new_string(db_name(d->db)));
	reply(s, m->id, list);
	return 0;
}

static int do_get_schema(struct session *s, const struct rpc_msg *m, struct error *err)
{
	struct served_db *d = find_db(s, m, err);

	if (!d)
		return -err->code;
	reply(s, m->id, db_schema_to_json(d->db->schema));
	return 0;
}

static int do_get_server_id(struct session *s, const struct rpc_msg *m, struct error *err)
{
	char text[UUID_TEXT_LEN + 1];

	reply(s, m->id, json_object_new_string(uuid_print(&s->host->server_id, text)));
	return 0;
}

/* Databases do not come and go while the server runs, so there is nothing to be told of. */
static int do_set_db_change_aware(struct session *s, const struct rpc_msg *m, struct error *err)
{
	int rc = want_params(m, 1, 1, err);

	if (!rc && json_kind_of(param(m, 0)) != JK_BOOLEAN)
		rc = error_set(err, DBE_SYNTAX, NULL, "\"%s\" takes true or false", m->method);
	if (!rc)
		reply_empty(s, m->id);
	return rc;
}

/* --- Transactions -------------------------------------------------------------------------- */
static bool has_lock(void *arg, const char *name)
{
	struct session *s = arg;

	return db_lock_is_held(&s->host->locks, &s->locks, name);
}

static void transact_done(void *arg, struct json_object *id, struct json_object *result,
			  const struct error *err)
{
	if (err)
		reply_error(arg, id, err);
	else
		reply(arg, id, result);
}

static size_t count_pending(const struct session *s)
{
	struct cds_list_head *p;
	size_t n = 0;

	cds_list_for_each(p, &s->pending) n++;
	return n;
}

static int do_transact(struct session *s, const struct rpc_msg *m, struct error *err)
{
	struct served_db *d = find_db(s, m, err);

	if (!d)
		return -err->code;
	(void)db_trigger_submit(&d->triggers,
				d->read_only ? &s->trigger_cb_read_only : &s->trigger_cb, m->params,
				m->id, &s->pending, count_pending(s) < s->host->limits.pending);
	return 0;
}

/* "cancel" is a notification; it is the cancelled request that gets a reply. */
static void do_cancel(struct session *s, const struct rpc_msg *m)
{
	struct db_trigger *t;

	if (json_object_array_length(m->params) != 1)
		return;
	cds_list_for_each_entry (t, &s->pending, in_owner) {
		if (!json_object_equal(t->id, param(m, 0)))
			continue;
		reply_error_json(s, t->id, json_object_new_string("canceled"));
		db_trigger_cancel(t);
		return;
	}
}

/* --- Monitors ------------------------------------------------------------------------------ */
static void send_update(void *arg, const char *method, struct json_object *params)
{
	notify(arg, method, params);
}

static struct monitor *find_monitor(const struct session *s, struct json_object *id)
{
	struct monitor *m;

	cds_list_for_each_entry (m, &s->monitors, link)
		if (monitor_has_id(m, id))
			return m;
	return NULL;
}

static int start_monitor(struct session *s, const struct rpc_msg *m, enum monitor_method method,
			 struct error *err)
{
	struct served_db *d = find_db(s, m, err);
	struct monitor *mon;
	int rc;

	if (!d)
		return -err->code;
	rc = method == MONITOR_COND_SINCE ? want_params(m, 4, 4, err) : want_params(m, 3, 3, err);
	if (rc)
		return rc;
	if (find_monitor(s, param(m, 1)))
		return error_set(err, DBE_SYNTAX, NULL, "\"%s\": the id names a monitor already",
				 m->method);
	if (s->n_monitors >= s->host->limits.monitors)
		return error_set(err, DBE_RESOURCES, NULL, "a client may have %zu monitors",
				 s->host->limits.monitors);
	mon = monitor_new(d->db, method, param(m, 1), param(m, 2), send_update, s, err);
	if (!mon)
		return -err->code;
	cds_list_add_tail(&mon->link, &s->monitors);
	s->n_monitors++;
	reply(s, m->id, monitor_initial(mon));
	return 0;
}

static int do_monitor(struct session *s, const struct rpc_msg *m, struct error *err)
{
	return start_monitor(s, m, MONITOR, err);
}

static int do_monitor_cond(struct session *s, const struct rpc_msg *m, struct error *err)
{
	return start_monitor(s, m, MONITOR_COND, err);
}

static int do_monitor_cond_since(struct session *s, const struct rpc_msg *m, struct error *err)
{
	return start_monitor(s, m, MONITOR_COND_SINCE, err);
}

static int do_monitor_cond_change(struct session *s, const struct rpc_msg *m, struct error *err)
{
	int rc = want_params(m, 3, 3, err);
	struct monitor *mon, *other;

	if (rc)
		return rc;
	mon = find_monitor(s, param(m, 0));
	if (!mon || mon->method == MONITOR)
		return error_set(err, DBE_SYNTAX, NULL, "unknown monitor session");
	other = find_monitor(s, param(m, 1));
	if (other && other != mon)
		return error_set(err, DBE_SYNTAX, NULL, "the new id names another monitor");
	if (json_kind_of(param(m, 2)) != JK_OBJECT)
		return error_set(err, DBE_SYNTAX, NULL, "the conditions must be a JSON object");
	rc = monitor_change(mon, param(m, 1), param(m, 2), err);
	if (!rc)
		reply_empty(s, m->id);
	return rc;
}

static int do_monitor_cancel(struct session *s, const struct rpc_msg *m, struct error *err)
{
	int rc = want_params(m, 1, 1, err);
	struct monitor *mon;

	if (rc)
		return rc;
	mon = find_monitor(s, param(m, 0));
	if (!mon) {
		reply_error_json(s, m->id, json_object_new_string("unknown monitor"));
		return 0;
	}
	monitor_free(mon);
	s->n_monitors--;
	reply_empty(s, m->id);
	return 0;
}

/* --- Locks --------------------------------------------------------------------------------- */
static void on_lock_event(struct db_lock_owner *owner, const char *what, const char *name)
{
	struct session *s = container_of(owner, struct session, locks);
	struct json_object *params = json_object_new_array();

	json_object_array_add(params, json_object_new_string(name));
	notify(s, what, params);
}

static int lock_name(const struct rpc_msg *m, const char **name, struct error *err)
{
	int rc = want_params(m, 1, 1, err);

	*name = rc ? NULL : json_text(param(m, 0));
	if (!rc && (!*name || !**name || strlen(*name) > 256))
		rc = error_set(err, DBE_SYNTAX, NULL, "\"%s\" takes the name of a lock", m->method);
	return rc;
}

static int claim_lock(struct session *s, const struct rpc_msg *m, bool steal, struct error *err)
{
	struct json_object *result;
	const char *name;
	int rc = lock_name(m, &name, err);

	if (rc)
		return rc;
	if (s->locks.n >= s->host->limits.locks)
		return error_set(err, DBE_RESOURCES, NULL, "a client may claim %zu locks",
				 s->host->limits.locks);
	rc = db_lock_claim(&s->host->locks, &s->locks, name, steal, err);
	if (rc < 0) {
		err->code = DBE_SYNTAX;
		return -DBE_SYNTAX;
	}
	result = json_object_new_object();
	json_object_object_add(result, "locked", json_object_new_boolean(rc));
	reply(s, m->id, result);
	return 0;
}

static int do_lock(struct session *s, const struct rpc_msg *m, struct error *err)
{
	return claim_lock(s, m, false, err);
}

static int do_steal(struct session *s, const struct rpc_msg *m, struct error *err)
{
	return claim_lock(s, m, true, err);
}

static int do_unlock(struct session *s, const struct rpc_msg *m, struct error *err)
{
	const char *name;
	int rc = lock_name(m, &name, err);

	if (rc)
		return rc;
	rc = db_lock_release(&s->host->locks, &s->locks, name, err);
	if (rc) {
		err->code = DBE_SYNTAX;
		return -DBE_SYNTAX;
	}
	reply_empty(s, m->id);
	return 0;
}

/* --- Messages ------------------------------------------------------------------------------ */
static const struct {
	const char *name;
	int (*run)(struct session *s, const struct rpc_msg *m, struct error *err);
} methods[] = {
	{ "transact", do_transact },
	{ "echo", do_echo },
	{ "monitor", do_monitor },
	{ "monitor_cond", do_monitor_cond },
	{ "monitor_cond_since", do_monitor_cond_since },
	{ "monitor_cond_change", do_monitor_cond_change },
	{ "monitor_cancel", do_monitor_cancel },
	{ "list_dbs", do_list_dbs },
	{ "get_schema", do_get_schema },
	{ "get_server_id", do_get_server_id },
	{ "set_db_change_aware", do_set_db_change_aware },
	{ "lock", do_lock },
	{ "steal", do_steal },
	{ "unlock", do_unlock },
};

static void on_request(struct session *s, const struct rpc_msg *m)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, m->method))
			continue;
		if (methods[i].run(s, m, &err))
			reply_error(s, m->id, &err);
		return;
	}
	reply_error_json(s, m->id, json_object_new_string("unknown method"));
}

static void on_message(struct rpc *r, const struct rpc_msg *m, void *arg)
{
	struct session *s = arg;

	s->heard = true;
	s->probing = false;
	if (s->dead)
		return;
	switch (m->kind) {
	case RPC_REQUEST: on_request(s, m); break;
	case RPC_NOTIFY:
		if (!strcmp(m->method, "cancel"))
			do_cancel(s, m);
		break;
	case RPC_REPLY:
	case RPC_ERROR: break; /* of an echo request */
	}
}

static void on_close(struct rpc *r, const struct error *why, void *arg)
{
	struct session *s = arg;
	char text[512];

	if (s->dead)
		return; /* said already */
	if (why->code)
		log_info_rl("%s: connection lost: %s", rpc_name(r),
			    error_text(why, text, sizeof(text)));
	else
		log_dbg("%s: closed by the client", rpc_name(r));
	s->dead = true;
	loop_defer(s->host->loop, free_dead, s);
}

static const struct rpc_cb rpc_callbacks = { .on_message = on_message, .on_close = on_close };

/* --- Life ---------------------------------------------------------------------------------- */
static void on_probe(void *arg)
{
	struct session *s = arg;

	if (!s->heard && s->probing) {
		fail(s, "the client does not answer");
		return;
	}
	if (!s->heard) {
		s->probing = true;
		check_sent(s, rpc_request(s->rpc, "echo", json_object_new_array(), NULL));
	}
	s->heard = false;
	loop_timer_in(s->probe, s->probe_ns);
}

struct session *session_new(struct db_host *host, struct stream *take, const void *origin,
			    uint64_t probe_ns)
{
	struct rpc_limits limits = { .message_bytes = host->limits.message_bytes };
	struct session *s = xzalloc(sizeof(*s));

	s->host = host;
	s->origin = origin;
	CDS_INIT_LIST_HEAD(&s->monitors);
	CDS_INIT_LIST_HEAD(&s->pending);
	s->trigger_cb = (struct db_trigger_cb){ has_lock, transact_done, s, false };
	s->trigger_cb_read_only = (struct db_trigger_cb){ has_lock, transact_done, s, true };
	db_lock_owner_init(&s->locks, on_lock_event);
	s->probe_ns = probe_ns;
	s->rpc = rpc_new(take, &limits, &rpc_callbacks, s);
	if (probe_ns) {
		s->probe = loop_timer_new(host->loop, on_probe, s);
		loop_timer_in(s->probe, probe_ns);
	}
	cds_list_add_tail(&s->link, &host->sessions);
	host->n_sessions++;
	return s;
}

void session_free(struct session *s)
{
	loop_defer_cancel(s->host->loop, free_dead, s);
	s->dead = true;
	while (!cds_list_empty(&s->monitors))
		monitor_free(cds_list_first_entry(&s->monitors, struct monitor, link));
	while (!cds_list_empty(&s->pending))
		db_trigger_cancel(cds_list_first_entry(&s->pending, struct db_trigger, in_owner));
	db_lock_owner_done(&s->host->locks, &s->locks);
	loop_timer_free(s->probe);
	rpc_free(s->rpc);
	cds_list_del(&s->link);
	s->host->n_sessions--;
	free(s);
}

void sessions_free(struct db_host *host, const void *origin)
{
	struct session *s, *next;

	cds_list_for_each_entry_safe (s, next, &host->sessions, link)
		if (!origin || s->origin == origin)
			session_free(s);
}
