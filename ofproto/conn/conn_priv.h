/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the connections of a bridge. */
#pragma once

#include "core/base/rcu.h"
#include "core/io/reconnect.h"
#include "core/io/stream.h"
#include "ofproto/conn/conn.h"

enum ofconn_kind { OFCONN_PRIMARY, OFCONN_SERVICE, OFCONN_SNOOP };

struct ofconn {
	struct cds_list_head node; /* in ofconns->conns */
	struct ofconns *cs;
	struct ofcontroller
		*ctl; /* borrowed; the controller that this is the connection of, or NULL */
	struct stream *stream; /* owned */
	enum ofconn_kind kind;
	uint64_t id;
	bool hello_done, paused, deferred, dead;
	bool last_words; /* what is queued goes out before the connection closes */
	struct ofp_proto proto;
	enum ofp_role role;
	struct ofp_async async;
	bool async_set;  /* the peer configured it */
	bool config_set; /* the peer sent SET_CONFIG */
	struct ofp_switch_config config;
	uint16_t controller_id;
	uint32_t next_xid;
	struct buf out; /* answers not handed to the stream yet */
};

struct ofcontroller {
	struct cds_list_head node;
	struct ofconns *cs;
	char *target;                     /* owned */
	struct ofcontroller_config cfg;   /* cfg.target == target */
	struct stream_listener *listener; /* passive; owned */
	struct reconnect rc;              /* active */
	struct loop_timer *timer;         /* owned */
	struct stream *connecting;        /* owned until it is an ofconn's */
	struct ofconn *conn;              /* borrowed; the present one */
	struct error last_error;
	bool wanted; /* while a new configuration is compared */
};

struct ofconns {
	struct loop *loop;
	char *bridge;
	struct ofconns_ops ops;
	void *ctx;
	uint32_t versions;
	enum ofp_frags frags;
	struct stream_listener *mgmt, *snoop;
	struct cds_list_head conns, controllers;
	uint64_t next_id;
	uint64_t primary_lost_ns;
	uint64_t generation; /* of the last master or slave role */
	bool have_generation;
	struct ofconns_stats stats;
};

/* conns.c: the attempt or the connection is over; last_error says why, without the target. */
void ofcontroller_failed(struct ofcontroller *ctl, const struct error *why);
/* ofconn.c */
struct ofconn *ofconn_new(struct ofconns *cs, struct stream *s, enum ofconn_kind kind,
			  struct ofcontroller *ctl);
void ofconn_close(struct ofconn *c,
		  const struct error *why); /* frees in the same turn, not in this call */
void ofconn_bury(struct ofconn *c);         /* frees a closed one now */
/* Copies a message to the snoopers. */
void ofconns_snoop(struct ofconns *cs, const void *msgs, size_t len);
/* async.c */
void ofconn_async_default(struct ofconn *c);
bool ofconn_async_room(struct ofconn *c);
/* request.c: what a connection answers by itself; -1: the bridge's business. */
int ofconn_own_request(struct ofconn *c, const struct ofp_msg *m);
void ofconns_changed(struct ofconns *cs);
