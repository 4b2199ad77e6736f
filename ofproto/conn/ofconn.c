/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: bytes to messages, the handshake, the order of answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/counter.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "ofproto/conn/conn_priv.h"

LOG_MODULE("rconn");

#define MESSAGES_PER_TURN 500 /* then other connections have their turn */

#define LAST_WORDS_NS NSEC_PER_SEC

COUNTER_DEFINE(ofconn_received);
COUNTER_DEFINE(ofconn_error_sent);

static void process(struct ofconn *c);

static void ofconn_free(void *arg)
{
	struct ofconn *c = arg;

	cds_list_del(&c->node);
	if (c->last_words)
		stream_free_flushed(c->stream, LAST_WORDS_NS);
	else
		stream_free(c->stream);
	buf_done(&c->out);
	free(c);
}

void ofconn_bury(struct ofconn *c)
{
	loop_defer_cancel(c->cs->loop, ofconn_free, c);
	ofconn_free(c);
}

static void process_deferred(void *arg)
{
	struct ofconn *c = arg;

	c->deferred = false;
	process(c);
}

void ofconn_close(struct ofconn *c, const struct error *why)
{
	uint64_t now = clock_mono_ns();

	if (c->dead)
		return;
	c->dead = true;
	loop_defer_cancel(c->cs->loop, process_deferred, c);
	if (c->ctl && c->ctl->conn == c) {
		c->ctl->conn = NULL;
		ofcontroller_failed(c->ctl, why);
		log_info_rl("%s<->%s: connection closed: %s", c->cs->bridge, c->ctl->target,
			    c->ctl->last_error.cause);
		loop_timer_in(c->ctl->timer, 0);
	}
	if (c->kind == OFCONN_PRIMARY && !ofconns_primary_connected(c->cs))
		c->cs->primary_lost_ns = now;
	loop_defer(c->cs->loop, ofconn_free, c);
	ofconns_changed(c->cs);
}

static void close_for(struct ofconn *c, int code, const char *text)
{
	struct error why = ERROR_INIT;

	error_set(&why, code, NULL, "%s", text);
	ofconn_close(c, &why);
}

void ofconns_snoop(struct ofconns *cs, const void *msgs, size_t len)
{
	struct ofconn *c;

	cds_list_for_each_entry (c, &cs->conns, node)
		if (c->kind == OFCONN_SNOOP && !c->dead && ofconn_async_room(c) &&
		    stream_write(c->stream, msgs, len))
			close_for(c, ENOBUFS, "the peer does not read what it asked for");
}

void ofconn_send(struct ofconn *c)
{
	size_t len = c->out.len;
	int rc;

	if (!len)
		return;
	if (c->dead) {
		buf_clear(&c->out);
		return;
	}
	if (c->kind == OFCONN_PRIMARY)
		ofconns_snoop(c->cs, c->out.data, len);
	if (len > 16384)
		rc = stream_write_buf(c->stream, &c->out);
	else
		rc = stream_write(c->stream, c->out.data, len);
	buf_clear(&c->out);
	if (rc)
		close_for(c, -rc, "the peer does not read: the backlog limit is reached");
}

struct buf *ofconn_put(struct ofconn *c)
{
	c->cs->stats.tx_messages++;
	if (c->out.len > 1u << 20)
		ofconn_send(c);
	return &c->out;
}

void ofconn_error(struct ofconn *c, const struct ofp_msg *m, enum ofperr e)
{
	c->cs->stats.errors_sent++;
	counter_inc(ofconn_error_sent);
	log_info_rl("%s<->%s: sending %s error for %s", c->cs->bridge, ofconn_name(c),
		    ofperr_name(e), ofp_msg_name(m->kind));
	ofp_put_error(ofconn_put(c), c->proto.version, e, m->all.p, cursor_left(&m->all));
}

static void say_hello(struct ofconn *c)
{
	ofp_put_hello(&c->out, c->cs->versions, c->next_xid++);
	ofconn_send(c);
}

/* The first message has to be a hello (OpenFlow 1.3.5 section 6.3.1). */
static void take_hello(struct ofconn *c, const struct ofp_msg *m)
{
	uint32_t theirs;
	uint8_t version = 0;

	if (m->kind != OFP_HELLO || ofp_decode_hello(m, &theirs)) {
		close_for(c, EPROTO, "the first message is no hello");
		return;
	}
	version = ofp_negotiate(c->cs->versions, theirs);
	if (!version) {
		ofp_put_hello_failed(
			&c->out, ofp_negotiate(c->cs->versions, c->cs->versions), m->xid,
			"no OpenFlow version in common: see the Bridge's protocols column");
		ofconn_send(c);
		c->last_words = true;
		close_for(c, EPROTONOSUPPORT, "no OpenFlow version in common");
		return;
	}
	c->proto.version = version;
	c->hello_done = true;
	c->cs->stats.connections++;
	ofconn_async_default(c);
	if (c->ctl) {
		reconnect_connected(&c->ctl->rc, clock_mono_ns());
		error_clear(&c->ctl->last_error);
		log_info("%s<->%s: connected", c->cs->bridge, c->ctl->target);
	}
	if (c->kind == OFCONN_PRIMARY)
		c->cs->primary_lost_ns = 0;
	ofconns_changed(c->cs);
}

static void dispatch(struct ofconn *c, const struct ofp_msg *m)
{
	int rc = ofconn_own_request(c, m);
	enum ofperr e = rc < 0 ? c->cs->ops.message(c->cs->ctx, c, m) : (enum ofperr)rc;

	if (e)
		ofconn_error(c, m, e);
}

static void take_message(struct ofconn *c, const void *data, size_t len)
{
	struct ofp_msg m;
	enum ofperr e = ofp_msg_identify(data, len, &m);

	c->cs->stats.rx_messages++;
	counter_inc(ofconn_received);
	if (c->kind == OFCONN_PRIMARY)
		ofconns_snoop(c->cs, data, len);
	if (!c->hello_done) {
		if (e)
			close_for(c, EPROTO, "the first message is no hello");
		else
			take_hello(c, &m);
		return;
	}
	/* Another version's message is not understood by this one's rules, so that comes first. */
	if (*(const uint8_t *)data != c->proto.version && (e || m.kind != OFP_HELLO))
		e = OFPERR_BAD_VERSION;
	if (!e) {
		dispatch(c, &m);
		return;
	}
	c->cs->stats.errors_sent++;
	log_info_rl("%s<->%s: message type %u refused: %s", c->cs->bridge, ofconn_name(c),
		    ((const uint8_t *)data)[1], ofperr_name(e));
	ofp_put_error(ofconn_put(c), c->proto.version, e, data, len);
}

/* One message from the stream; false when there is no whole one. */
static bool take_next(struct ofconn *c)
{
	const uint8_t *head = stream_peek(c->stream, OFP_HEADER_LEN);
	const uint8_t *msg;
	int len;

	if (!head)
		return false;
	len = ofp_frame_len(head, OFP_HEADER_LEN);
	if (len < 0) {
		log_warn_rl("%s<->%s: a message's length field is shorter than its header: closing",
			    c->cs->bridge, ofconn_name(c));
		close_for(c, EPROTO, "a message's length field is shorter than its header");
		return false;
	}
	msg = stream_peek(c->stream, (size_t)len);
	if (!msg)
		return false;
	take_message(c, msg, (size_t)len);
	if (!c->dead)
		stream_drain(c->stream, (size_t)len);
	return !c->dead;
}

static void process(struct ofconn *c)
{
	unsigned n = 0;

	while (!c->paused && !c->dead && n < MESSAGES_PER_TURN && take_next(c))
		n++;
	ofconn_send(c);
	if (n == MESSAGES_PER_TURN && !c->dead && !c->paused && !c->deferred) {
		c->deferred = true;
		loop_defer(c->cs->loop, process_deferred, c);
	}
}

void ofconn_pause(struct ofconn *c)
{
	c->paused = true;
}

void ofconn_resume(struct ofconn *c)
{
	c->paused = false;
	if (!c->deferred && !c->dead) {
		c->deferred = true;
		loop_defer(c->cs->loop, process_deferred, c);
	}
}

static void on_read(struct stream *s, void *arg)
{
	struct ofconn *c = arg;

	if (c->dead)
		return;
	if (c->kind == OFCONN_SNOOP) { /* a snooper only listens; its hello is let through for its
					  handshake's sake */
		stream_drain(s, stream_readable(s));
		return;
	}
	if (c->ctl)
		reconnect_heard(&c->ctl->rc, clock_mono_ns());
	process(c);
}

static void on_close(struct stream *s, const struct error *why, void *arg)
{
	ofconn_close(arg, why);
}

static const struct stream_cb callbacks = { .on_read = on_read, .on_close = on_close };

struct ofconn *ofconn_new(struct ofconns *cs, struct stream *s, enum ofconn_kind kind,
			  struct ofcontroller *ctl)
{
	struct ofconn *c = xzalloc(sizeof(*c));

	c->cs = cs;
	c->ctl = ctl;
	c->stream = s;
	c->kind = kind;
	c->id = ++cs->next_id;
	c->role = OFPCR_EQUAL_;
	c->proto.version = ofp_negotiate(cs->versions, cs->versions);
	c->config.miss_send_len = kind == OFCONN_PRIMARY ? 128 : 0;
	c->next_xid = 1;
	cds_list_add_tail(&c->node, &cs->conns);
	stream_set_cb(s, &callbacks, c);
	stream_expect_requests(s);
	say_hello(c);
	return c;
}

const struct ofp_proto *ofconn_proto(const struct ofconn *c)
{
	return &c->proto;
}

const char *ofconn_name(const struct ofconn *c)
{
	return c->ctl && !c->ctl->listener ? c->ctl->target : stream_name(c->stream);
}

bool ofconn_is_slave(const struct ofconn *c)
{
	return c->role == OFPCR_SLAVE_;
}

uint64_t ofconn_id(const struct ofconn *c)
{
	return c->id;
}
