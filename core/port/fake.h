/* SPDX-License-Identifier: Apache-2.0 */
/* Ports inside the process, for tests and for measuring without I/O: what a test injects is
 * received, what the switch sends is collected.
 *
 * Options: n_rxq (1-16), discard=true (sent frames are counted and dropped: for benchmarks), mtu.
 * All calls take a port of type "fake"; any thread, but one collector at a time. */
#pragma once

#include "core/port/port.h"

#define FAKE_QUEUE 4096     /* frames injected and not received yet, per queue (a power of two) */
#define FAKE_SENT_MAX 65536 /* frames sent and not collected yet; more are dropped (TX_RING) */

/* The open fake port of this name, referenced; NULL when there is none. */
struct port *fake_find(const char *name);
/* Queues a copy for rx.  -ENOBUFS when the queue is full (nothing is counted: try again). */
int fake_inject(struct port *p, unsigned queue, const struct packet *pkt) MUST_CHECK;
/* Takes up to max sent frames, oldest first; the caller frees them. */
unsigned fake_collect(struct port *p, struct packet *out[], unsigned max);
/* Makes rx of every queue give the frames of `templates` (copied) round and round, until `total`
 * have been given.  Before the port has traffic; for benchmarks. */
void fake_replay(struct port *p, struct packet *const templates[], unsigned n, uint64_t total);
void fake_set_carrier(struct port *p, bool carrier);
/* As when the device vanishes: rx gives nothing, tx drops, state says -ENODEV. */
void fake_set_gone(struct port *p, bool gone);
