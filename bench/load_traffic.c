/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load_traffic.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/port/fake.h"

#define TICK_NS NSEC_PER_MSEC
#define WHEEL 256u       /* ticks; no pause between two packets is longer */
#define OPEN_S 2         /* room for so many seconds' connections at once */
#define PARETO_LEAST 1.5 /* packets: 4 on average */
#define PARETO_SHAPE 1.6
#define PACKETS_MAX 20000u
#define ELEPHANT 100u  /* from here on one packet in each tick */
#define MOUSE_GAP 20u  /* ticks between two packets of all others */
#define CATCH_UP_MS 20 /* what it is late by more than this is given up */
#define NOBODY UINT32_MAX

struct conn {
	uint64_t id;
	uint32_t next; /* in its slot of the wheel, or of those that are free */
	uint16_t left; /* packets */
	uint16_t gap;  /* ticks */
	uint8_t port;
};

struct traffic {
	struct traffic_config cfg;
	struct thread thread;
	struct conn *conns; /* owned */
	uint32_t free_head, wheel[WHEEL];
	uint64_t tick, next_id;
	double owed; /* connections that are due */
	struct packet *frame;
	_Atomic uint64_t opened, open_now, behind, not_taken;
	_Atomic uint64_t packets[LOAD_PORTS_MAX];
};

/* --- frames --- */

static struct packet *frame_new(void)
{
	struct flow_key k;
	struct packet *p;

	memset(&k, 0, sizeof(k));
	k.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0xbb, 2 } };
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0xaa, 1 } };
	k.dl_type = htons(0x0800);
	k.nw_dst = htonl(0x0a000001);
	k.nw_proto = 6;
	k.nw_ttl = 64;
	k.tcp_flags = htons(0x10);
	p = packet_compose(&k, LOAD_FRAME_LEN - 54);
	return p;
}

/* Source address and ports of a connection; the sums are put right by what has changed. */
static void address(struct packet *p, uint64_t id)
{
	uint8_t *ip = p->data + 14, *tcp = ip + 20;
	uint32_t src = htonl(0x0b000000 | (uint32_t)(id >> 13 & 0xffffff)), old;
	uint16_t port = htons((uint16_t)(1024 + (id & 0x1fff))), old_port;
	uint16_t ip_sum, tcp_sum;

	memcpy(&old, ip + 12, 4);
	memcpy(&old_port, tcp, 2);
	memcpy(&ip_sum, ip + 10, 2);
	memcpy(&tcp_sum, tcp + 16, 2);
	ip_sum = csum_update32(ip_sum, old, src);
	tcp_sum = csum_update32(tcp_sum, old, src);
	tcp_sum = csum_update16(tcp_sum, old_port, port);
	memcpy(ip + 12, &src, 4);
	memcpy(tcp, &port, 2);
	memcpy(ip + 10, &ip_sum, 2);
	memcpy(tcp + 16, &tcp_sum, 2);
}

/* --- connections --- */

static uint16_t packets_of(const struct traffic *t, uint64_t id)
{
	double u = (double)(hash_u64(id, t->cfg.seed) >> 11) * 0x1p-53;
	double n = PARETO_LEAST / pow(1 - u, 1 / PARETO_SHAPE);

	return (uint16_t)(n < PACKETS_MAX ? n + 0.5 : PACKETS_MAX);
}

static uint8_t port_of(const struct traffic *t, uint64_t id)
{
	uint64_t r = hash_u64(id, t->cfg.seed + 1);

	if (t->cfg.n_ports == 1 || r & 1)
		return 0;
	return (uint8_t)(1 + (r >> 1) % (t->cfg.n_ports - 1));
}

static void schedule(struct traffic *t, uint32_t i, unsigned ticks)
{
	uint32_t *slot = &t->wheel[(t->tick + ticks) % WHEEL];

	t->conns[i].next = *slot;
	*slot = i;
}

/* The next packet of a connection; false when its port had no room. */
static bool send_packet(struct traffic *t, struct conn *c)
{
	address(t->frame, c->id);
	if (fake_inject(t->cfg.ports[c->port], 0, t->frame)) {
		t->not_taken++;
		return false;
	}
	c->left--;
	t->packets[c->port]++;
	return true;
}

static void go_on(struct traffic *t, uint32_t i, bool sent)
{
	struct conn *c = &t->conns[i];

	if (c->left) {
		schedule(t, i, sent ? c->gap : 1);
		return;
	}
	c->next = t->free_head;
	t->free_head = i;
	t->open_now--;
}

/* False when there is no room for one more. */
static bool open_one(struct traffic *t)
{
	uint32_t i = t->free_head;
	struct conn *c = &t->conns[i];
	uint64_t id = t->next_id;
	uint32_t next;

	if (i == NOBODY)
		return false;
	next = c->next;
	*c = (struct conn){ .id = id, .left = packets_of(t, id), .port = port_of(t, id) };
	c->gap = c->left > ELEPHANT ? 1 : MOUSE_GAP;
	if (!send_packet(t, c)) {
		c->next = next;
		return false;
	}
	t->free_head = next;
	t->next_id++;
	t->opened++;
	t->open_now++;
	go_on(t, i, true);
	return true;
}

static void send_due(struct traffic *t)
{
	uint32_t *slot = &t->wheel[t->tick % WHEEL], i = *slot;

	*slot = NOBODY;
	while (i != NOBODY) {
		uint32_t next = t->conns[i].next;

		go_on(t, i, send_packet(t, &t->conns[i]));
		i = next;
	}
}

static void one_tick(struct traffic *t)
{
	double most = t->cfg.rate * (CATCH_UP_MS / 1000.0) + 1;

	send_due(t);
	t->owed += (double)t->cfg.rate / 1000;
	while (t->owed >= 1 && open_one(t))
		t->owed -= 1;
	if (t->owed > most) {
		t->behind += (uint64_t)(t->owed - most);
		t->owed = most;
	}
	t->tick++;
}

/* Ticks that have passed come one by one: what one machine cannot do in time is late, and the
 * rate that was reached says so. */
static void traffic_main(struct thread *thread, void *arg)
{
	struct traffic *t = arg;
	uint64_t begun = clock_mono_ns();

	while (!thread->stop) {
		uint64_t now = clock_mono_ns();

		if (now < begun + t->tick * TICK_NS) {
			struct timespec ts = { .tv_nsec = (long)(begun + t->tick * TICK_NS - now) };

			(void)nanosleep(&ts, NULL); /* a signal only makes it shorter */
			continue;
		}
		one_tick(t);
	}
}

/* --- from outside --- */

struct traffic *traffic_start(const struct traffic_config *cfg)
{
	struct traffic *t = xzalloc(sizeof(*t));
	uint32_t n = cfg->rate * OPEN_S + 1000;

	t->cfg = *cfg;
	t->frame = frame_new();
	t->conns = xcalloc(n, sizeof(*t->conns));
	for (uint32_t i = 0; i < n; i++)
		t->conns[i].next = i + 1 < n ? i + 1 : NOBODY;
	for (unsigned i = 0; i < WHEEL; i++)
		t->wheel[i] = NOBODY;
	if (thread_start(&t->thread, "traffic", traffic_main, t)) {
		(void)fprintf(stderr, "load: no thread for the traffic\n");
		exit(1);
	}
	return t;
}

void traffic_counts(const struct traffic *t, struct traffic_counts *c)
{
	*c = (struct traffic_counts){ .opened = t->opened,
				      .open_now = t->open_now,
				      .behind = t->behind,
				      .not_taken = t->not_taken };
	for (unsigned i = 0; i < t->cfg.n_ports; i++)
		c->packets[i] = t->packets[i];
}

void traffic_stop(struct traffic *t)
{
	thread_stop(&t->thread);
}

void traffic_free(struct traffic *t)
{
	packet_free(t->frame);
	free(t->conns);
	free(t);
}
