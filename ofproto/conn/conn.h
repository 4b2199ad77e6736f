/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow connections of one bridge: the management socket, listeners, controllers, snoopers.
 *
 * What belongs to a connection is dealt with here: version negotiation, echo and probes,
 * reconnection with backoff, roles, asynchronous configuration, packet-in formats, barriers,
 * errors.  What concerns the switch is handed to the bridge as a recognised message
 * (ofconns_ops.message), which answers through ofconn_put() or ofconn_send().
 *
 * A primary connection is one that we make to a controller: it decides about fail mode and hears
 * asynchronous messages.  A service connection (management socket, ptcp:) hears them only once it
 * asks, by a miss_send_len above zero or an asynchronous configuration, as ovs-ofctl(8) `monitor`
 * does.
 *
 * Limits: OFCONNS_MAX connections a listener; OFCONN_BACKLOG_MAX bytes queued for a peer that does
 * not read (then it is closed), of which asynchronous messages may fill OFCONN_ASYNC_BACKLOG_MAX
 * (then they are dropped and counted).
 *
 * Threads: the loop's.  Sources: OpenFlow 1.0 section 5, OpenFlow 1.3.5 sections 6.3 and 7,
 * ovs-vswitchd.conf.db(5) table Controller. */
#pragma once

#include "core/io/loop.h"
#include "ofproto/wire/codec.h"

#define OFCONNS_MAX 256
#define OFCONN_BACKLOG_MAX (256u << 20)
#define OFCONN_ASYNC_BACKLOG_MAX (4u << 20)

struct ofconns;
struct ofconn;

struct ofconns_ops {
	/* A request for the switch.  OFPERR_OK, or the error to answer with.  The message is valid
	 * during the call. */
	enum ofperr (*message)(void *ctx, struct ofconn *c, const struct ofp_msg *m);
	/* A controller came or went, a version was negotiated, a role changed. */
	void (*changed)(void *ctx);
	/* A barrier: everything that the connection asked for before has been done.  primary: of a
	 * controller that we connected to.  May be NULL. */
	void (*barrier)(void *ctx, bool primary);
};

struct ofcontroller_config {     /* borrowed for the call */
	const char *target;      /* tcp:…, ssl:…, unix:…, ptcp:…, pssl:…, punix:… */
	uint32_t max_backoff_ms; /* default 8000 */
	uint32_t inactivity_probe_ms; /* default 5000; 0: none */
	bool service;                 /* an active connection that is not a primary controller's */
};

struct ofconns *ofconns_new(struct loop *loop, const char *bridge, const struct ofconns_ops *ops,
			    void *ctx);
void ofconns_free(struct ofconns *cs);
/* Opens RUNDIR/BRIDGE.mgmt and .snoop.  -errno and *err. */
int ofconns_open_sockets(struct ofconns *cs, const char *rundir, struct error *err) MUST_CHECK;
/* The controllers wanted from now on; those that stay keep their connections.  versions:
 * OFP_VERSION_BIT()s that may be negotiated.  Each target that cannot be used is reported through
 * its row's status, not here. */
void ofconns_set_controllers(struct ofconns *cs, const struct ofcontroller_config *cfg, size_t n,
			     uint32_t versions);

/* --- what the bridge asks and says --- */
bool ofconns_any_primary(const struct ofconns *cs);       /* controllers are configured */
bool ofconns_primary_connected(const struct ofconns *cs); /* at least one has shaken hands */
uint64_t ofconns_primary_lost_ns(
	const struct ofconns *cs); /* since when none; 0: one is there, or never was one */
uint32_t ofconns_probe_ms(const struct ofconns *cs); /* longest inactivity probe configured */
/* A connection older than OpenFlow 1.3 hears packets that no rule matches; *miss_send_len gets the
 * largest asked for. */
bool ofconns_wants_misses(const struct ofconns *cs, uint16_t *miss_send_len);
/* What the last SET_CONFIG of any connection wants done with fragments. */
enum ofp_frags ofconns_frags(const struct ofconns *cs);
size_t ofconns_count(const struct ofconns *cs);

struct ofcontroller_status {
	const char *target; /* borrowed until the next configuration */
	bool connected;
	enum ofp_role role;
	const char *state;                            /* "ACTIVE", "BACKOFF", …, "VOID" */
	const char *last_error;                       /* "" = none */
	uint64_t since_connect_s, since_disconnect_s; /* UINT64_MAX: never */
};
size_t ofconns_controllers(const struct ofconns *cs, struct ofcontroller_status *out, size_t max);

/* Asynchronous messages, to every connection that wants them. */
struct ofconn_packet_in {
	struct ofp_packet_in pin;
	uint16_t controller_id;
	bool is_miss;
};
void ofconns_packet_in(struct ofconns *cs, const struct ofconn_packet_in *p);
void ofconns_flow_removed(struct ofconns *cs, const struct ofp_flow_removed *r);
void ofconns_port_status(struct ofconns *cs, enum ofp_port_reason reason,
			 const struct ofp_phy_port *p);

/* --- one connection --- */
const struct ofp_proto *ofconn_proto(const struct ofconn *c);
const char *ofconn_name(const struct ofconn *c);
bool ofconn_is_slave(const struct ofconn *c);
uint64_t ofconn_id(const struct ofconn *c); /* never used again */
struct ofconn *ofconns_find(struct ofconns *cs, uint64_t id);
/* The buffer that answers are written into; flushed when the bridge returns, or by ofconn_send().
 */
struct buf *ofconn_put(struct ofconn *c);
void ofconn_send(struct ofconn *c);
void ofconn_error(struct ofconn *c, const struct ofp_msg *m, enum ofperr e);
/* Holds further messages of this connection back until ofconn_resume(): an answer is being worked
 * on.  Barriers and order need nothing else. */
void ofconn_pause(struct ofconn *c);
void ofconn_resume(struct ofconn *c);

struct ofconns_stats {
	uint64_t rx_messages, tx_messages, errors_sent, async_dropped, connections;
};
void ofconns_get_stats(const struct ofconns *cs, struct ofconns_stats *st);
