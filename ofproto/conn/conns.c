/* SPDX-License-Identifier: Apache-2.0 */
/* All connections of a bridge: sockets, controllers that we connect to, and what they are together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "ofproto/conn/conn_priv.h"

LOG_MODULE("connmgr");

#define OPENFLOW_PORT 6653

static const struct stream_options stream_opts = {
	.default_port = OPENFLOW_PORT,
	.backlog_limit = OFCONN_BACKLOG_MAX,
	.read_limit = 1u << 20,
	.max_streams = OFCONNS_MAX,
};

void ofconns_changed(struct ofconns *cs)
{
	cs->ops.changed(cs->ctx);
}

/* --- controllers that we connect to --- */

static void arm(struct ofcontroller *ctl)
{
	uint64_t at = reconnect_deadline(&ctl->rc);

	if (at == UINT64_MAX)
		loop_timer_stop(ctl->timer);
	else
		loop_timer_at(ctl->timer, at);
}

void ofcontroller_failed(struct ofcontroller *ctl, const struct error *why)
{
	size_t n = strlen(ctl->target);
	const char *cause = why->cause;

	if (!strncmp(cause, ctl->target, n) && !strncmp(cause + n, ": ", 2))
		cause += n + 2; /* a stream begins with its name, which everybody knows here */
	error_clear(&ctl->last_error);
	(void)error_set(&ctl->last_error, why->code, why->field, "%s", cause);
	reconnect_failed(&ctl->rc, clock_mono_ns());
}

static void connect_failed(struct stream *s, const struct error *why, void *arg)
{
	struct ofcontroller *ctl = arg;

	ofcontroller_failed(ctl, why);
	log_info_rl("%s<->%s: cannot connect: %s", ctl->cs->bridge, ctl->target,
		    ctl->last_error.cause);
	ctl->connecting = NULL;
	stream_free(s);
	arm(ctl);
}

static void connect_done(struct stream *s, void *arg)
{
	struct ofcontroller *ctl = arg;

	ctl->connecting = NULL;
	ctl->conn = ofconn_new(ctl->cs, s, ctl->cfg.service ? OFCONN_SERVICE : OFCONN_PRIMARY, ctl);
	arm(ctl);
}

static void connect_bytes(struct stream *s, void *arg)
{
	/* Bytes come to the connection that connect_done() makes. */
}

static void start_connecting(struct ofcontroller *ctl)
{
	static const struct stream_cb cb = { .on_connect = connect_done,
					     .on_read = connect_bytes,
					     .on_close = connect_failed };
	struct error err = ERROR_INIT;

	reconnect_connecting(&ctl->rc, clock_mono_ns());
	ctl->connecting = stream_connect(ctl->cs->loop, ctl->target, &stream_opts, &cb, ctl, &err);
	if (!ctl->connecting)
		ofcontroller_failed(ctl, &err);
}

static void disconnect(struct ofcontroller *ctl, const char *reason)
{
	struct error why = ERROR_INIT;

	error_set(&why, ETIMEDOUT, NULL, "%s", reason);
	if (ctl->conn) {
		ofconn_close(ctl->conn, &why);
		return;
	}
	stream_free(ctl->connecting);
	ctl->connecting = NULL;
	ofcontroller_failed(ctl, &why);
}

static void on_timer(void *arg)
{
	struct ofcontroller *ctl = arg;

	switch (reconnect_run(&ctl->rc, clock_mono_ns())) {
	case RC_CONNECT: start_connecting(ctl); break;
	case RC_PROBE:
		if (ctl->conn && ctl->conn->hello_done) {
			ofp_put_echo_request(ofconn_put(ctl->conn), ctl->conn->proto.version, 0);
			ofconn_send(ctl->conn);
		}
		break;
	case RC_DISCONNECT: disconnect(ctl, "no answer to an echo request"); break;
	case RC_NOTHING: break;
	}
	arm(ctl);
}

static void accepted_service(struct stream *s, void *arg)
{
	struct ofcontroller *ctl = arg;

	(void)ofconn_new(ctl->cs, s, OFCONN_SERVICE, NULL);
}

static void controller_start(struct ofcontroller *ctl)
{
	uint64_t now = clock_mono_ns();

	if (stream_target_is_passive(ctl->target)) {
		ctl->listener = stream_listen(ctl->cs->loop, ctl->target, &stream_opts,
					      accepted_service, ctl, &ctl->last_error);
		if (!ctl->listener)
			log_warn("%s: cannot listen on %s: %s", ctl->cs->bridge, ctl->target,
				 ctl->last_error.cause);
		return;
	}
	reconnect_enable(&ctl->rc, now);
	arm(ctl);
}

static void controller_set(struct ofcontroller *ctl, const struct ofcontroller_config *cfg)
{
	uint64_t max = cfg->max_backoff_ms ? cfg->max_backoff_ms : 8000;

	ctl->cfg = *cfg;
	ctl->cfg.target = ctl->target;
	reconnect_set_backoff(&ctl->rc, NSEC_PER_SEC, max * NSEC_PER_MSEC);
	reconnect_set_probe(&ctl->rc, cfg->inactivity_probe_ms * NSEC_PER_MSEC);
}

static struct ofcontroller *controller_new(struct ofconns *cs,
					   const struct ofcontroller_config *cfg)
{
	struct ofcontroller *ctl = xzalloc(sizeof(*ctl));

	ctl->cs = cs;
	ctl->target = xstrdup(cfg->target);
	ctl->timer = loop_timer_new(cs->loop, on_timer, ctl);
	reconnect_init(&ctl->rc);
	controller_set(ctl, cfg);
	cds_list_add_tail(&ctl->node, &cs->controllers);
	controller_start(ctl);
	return ctl;
}

static void controller_free(struct ofcontroller *ctl)
{
	struct error why = ERROR_INIT;
	struct ofconn *conn = ctl->conn;

	ctl->conn = NULL;
	if (conn) {
		conn->ctl = NULL;
		error_set(&why, ECONNABORTED, NULL,
			  "the controller was taken out of the configuration");
		ofconn_close(conn, &why);
	}
	stream_free(ctl->connecting);
	stream_listener_free(ctl->listener);
	loop_timer_free(ctl->timer);
	cds_list_del(&ctl->node);
	free(ctl->target);
	free(ctl);
}

static struct ofcontroller *controller_find(struct ofconns *cs, const char *target)
{
	struct ofcontroller *ctl;

	cds_list_for_each_entry (ctl, &cs->controllers, node)
		if (!strcmp(ctl->target, target))
			return ctl;
	return NULL;
}

void ofconns_set_controllers(struct ofconns *cs, const struct ofcontroller_config *cfg, size_t n,
			     uint32_t versions)
{
	struct ofcontroller *ctl, *next;

	cs->versions = versions;
	cds_list_for_each_entry (ctl, &cs->controllers, node)
		ctl->wanted = false;
	for (size_t i = 0; i < n; i++) {
		ctl = controller_find(cs, cfg[i].target);
		if (ctl)
			controller_set(ctl, &cfg[i]);
		else
			ctl = controller_new(cs, &cfg[i]);
		ctl->wanted = true;
	}
	cds_list_for_each_entry_safe (ctl, next, &cs->controllers, node)
		if (!ctl->wanted)
			controller_free(ctl);
	if (!ofconns_any_primary(cs))
		cs->primary_lost_ns = 0;
	else if (!ofconns_primary_connected(cs) && !cs->primary_lost_ns)
		cs->primary_lost_ns = clock_mono_ns();
}

/* --- the whole --- */

struct ofconns *ofconns_new(struct loop *loop, const char *bridge, const struct ofconns_ops *ops,
			    void *ctx)
{
	struct ofconns *cs = xzalloc(sizeof(*cs));

	cs->loop = loop;
	cs->bridge = xstrdup(bridge);
	cs->ops = *ops;
	cs->ctx = ctx;
	cs->versions = OFP_VERSIONS;
	CDS_INIT_LIST_HEAD(&cs->conns);
	CDS_INIT_LIST_HEAD(&cs->controllers);
	return cs;
}

void ofconns_free(struct ofconns *cs)
{
	struct ofcontroller *ctl, *next_ctl;
	struct ofconn *c, *next;
	struct error why = ERROR_INIT;

	if (!cs)
		return;
	cds_list_for_each_entry_safe (ctl, next_ctl, &cs->controllers, node)
		controller_free(ctl);
	error_set(&why, ESHUTDOWN, NULL, "the bridge is going away");
	cds_list_for_each_entry_safe (c, next, &cs->conns, node) {
		ofconn_close(c, &why);
		ofconn_bury(c);
	}
	stream_listener_free(cs->mgmt);
	stream_listener_free(cs->snoop);
	free(cs->bridge);
	free(cs);
}

static void accepted_mgmt(struct stream *s, void *arg)
{
	(void)ofconn_new(arg, s, OFCONN_SERVICE, NULL);
}

static void accepted_snoop(struct stream *s, void *arg)
{
	(void)ofconn_new(arg, s, OFCONN_SNOOP, NULL);
}

static struct stream_listener *listen_at(struct ofconns *cs, const char *rundir, const char *suffix,
					 stream_accept_fn *fn, struct error *err)
{
	char *target = xasprintf("punix:%s/%s.%s", rundir, cs->bridge, suffix);
	struct stream_listener *l = stream_listen(cs->loop, target, &stream_opts, fn, cs, err);

	free(target);
	return l;
}

int ofconns_open_sockets(struct ofconns *cs, const char *rundir, struct error *err)
{
	cs->mgmt = listen_at(cs, rundir, "mgmt", accepted_mgmt, err);
	if (!cs->mgmt)
		return err ? -err->code : -EIO;
	cs->snoop = listen_at(cs, rundir, "snoop", accepted_snoop, err);
	if (!cs->snoop)
		return err ? -err->code : -EIO;
	return 0;
}

bool ofconns_any_primary(const struct ofconns *cs)
{
	struct ofcontroller *ctl;

	cds_list_for_each_entry (ctl, &cs->controllers, node)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a freed one left the list */
		if (!stream_target_is_passive(ctl->target) && !ctl->cfg.service)
			return true;
	return false;
}

bool ofconns_primary_connected(const struct ofconns *cs)
{
	struct ofconn *c;

	cds_list_for_each_entry (c, &cs->conns, node)
		if (c->kind == OFCONN_PRIMARY && c->hello_done && !c->dead)
			return true;
	return false;
}

uint64_t ofconns_primary_lost_ns(const struct ofconns *cs)
{
	return cs->primary_lost_ns;
}

uint32_t ofconns_probe_ms(const struct ofconns *cs)
{
	struct ofcontroller *ctl;
	uint32_t most = 0;

	cds_list_for_each_entry (ctl, &cs->controllers, node)
		most = MAX(most, ctl->cfg.inactivity_probe_ms);
	return most;
}

bool ofconns_wants_misses(const struct ofconns *cs, uint16_t *miss_send_len)
{
	struct ofconn *c;
	bool any = false;

	*miss_send_len = 0;
	cds_list_for_each_entry (c, &cs->conns, node) {
		if (!c->hello_done || c->dead || c->proto.version >= OFP13 ||
		    c->kind == OFCONN_SNOOP ||
		    !(c->async.packet_in[c->role == OFPCR_SLAVE_] & 1u << OFPR_NO_MATCH_))
			continue;
		any = true;
		*miss_send_len = MAX(*miss_send_len, c->config.miss_send_len);
	}
	return any;
}

enum ofp_frags ofconns_frags(const struct ofconns *cs)
{
	return cs->frags;
}

size_t ofconns_count(const struct ofconns *cs)
{
	struct ofconn *c;
	size_t n = 0;

	cds_list_for_each_entry (c, &cs->conns, node)
		n += !c->dead;
	return n;
}

struct ofconn *ofconns_find(struct ofconns *cs, uint64_t id)
{
	struct ofconn *c;

	cds_list_for_each_entry (c, &cs->conns, node)
		if (c->id == id && !c->dead)
			return c;
	return NULL;
}

static uint64_t seconds_since(uint64_t then, uint64_t now)
{
	return then ? (now - then) / NSEC_PER_SEC : UINT64_MAX;
}

size_t ofconns_controllers(const struct ofconns *cs, struct ofcontroller_status *out, size_t max)
{
	uint64_t now = clock_mono_ns();
	struct ofcontroller *ctl;
	size_t n = 0;

	cds_list_for_each_entry (ctl, &cs->controllers, node) {
		if (n < max)
			out[n] = (struct ofcontroller_status){
				.target = ctl->target,
				.connected = ctl->conn && ctl->conn->hello_done,
				.role = ctl->conn ? ctl->conn->role : OFPCR_NOCHANGE_,
				.state = ctl->listener ? "ACTIVE"
						       : reconnect_state_name(ctl->rc.state),
				.last_error = ctl->last_error.cause,
				.since_connect_s = seconds_since(ctl->rc.last_connected_ns, now),
				.since_disconnect_s =
					seconds_since(ctl->rc.last_disconnected_ns, now),
			};
		n++;
	}
	return n;
}

void ofconns_get_stats(const struct ofconns *cs, struct ofconns_stats *st)
{
	*st = cs->stats;
}
