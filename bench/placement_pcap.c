/* SPDX-License-Identifier: Apache-2.0 */
/* A trace from a capture: every 5-tuple in one direction is a flow, every source MAC address a port
 * (those beyond PORTS_MAX share one), as on a switch between the hosts of one link. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/htable.h"
#include "core/packet/parse.h"

#include "bench/placement.h"

struct pflow {
	struct hnode node;
	struct flow_key key;
	uint32_t id;
	uint64_t packets, bytes;
};

struct reading {
	struct trace *t;
	struct htable flows;
	struct eth_addr macs[PORTS_MAX];
	uint32_t n_macs;
	uint64_t begin_ns;
	uint32_t *active; /* ids with packets in this step */
	size_t n_active, cap_active;
};

static uint32_t port_of(struct reading *r, struct eth_addr mac)
{
	for (uint32_t i = 0; i < r->n_macs; i++)
		if (eth_addr_equal(r->macs[i], mac))
			return i;
	if (r->n_macs == PORTS_MAX)
		return PORTS_MAX - 1;
	r->macs[r->n_macs] = mac;
	return r->n_macs++;
}

/* What tells connections apart. */
static void five_tuple(const struct flow_key *k, struct flow_key *out)
{
	memset(out, 0, sizeof(*out));
	out->dl_src = k->dl_src;
	out->dl_dst = k->dl_dst;
	out->dl_type = k->dl_type;
	out->nw_src = k->nw_src;
	out->nw_dst = k->nw_dst;
	out->ipv6_src = k->ipv6_src;
	out->ipv6_dst = k->ipv6_dst;
	out->nw_proto = k->nw_proto;
	out->tp_src = k->tp_src;
	out->tp_dst = k->tp_dst;
}

static struct pflow *find(struct reading *r, const struct flow_key *key)
{
	struct flow_key k;
	uint64_t hash;
	struct pflow *f;

	five_tuple(key, &k);
	hash = hash_bytes(&k, sizeof(k), 0);
	HTABLE_FOR_EACH_WITH (f, struct pflow, node, hash, &r->flows)
		if (!memcmp(&f->key, &k, sizeof(k)))
			return f;
	f = xzalloc(sizeof(*f));
	f->key = k;
	f->id = trace_flow(r->t, port_of(r, k.dl_src), 0, 1, r->t->n_steps);
	htable_insert(&r->flows, &f->node, hash);
	return f;
}

static void end_step(struct reading *r)
{
	for (size_t i = 0; i < r->n_active; i++) {
		struct tflow *f = &r->t->flows[r->active[i]];

		trace_count(r->t, r->active[i], f->packets);
		f->packets = 0;
	}
	r->n_active = 0;
	trace_step_end(r->t);
}

static void take_frame(struct reading *r, const struct pcap_pkthdr *h, const uint8_t *frame)
{
	uint64_t at = (uint64_t)h->ts.tv_sec * NSEC_PER_SEC + (uint64_t)h->ts.tv_usec;
	struct packet *p = packet_new(frame, h->caplen, 0);
	struct flow_key key;
	struct pflow *f;

	if (!r->begin_ns)
		r->begin_ns = at;
	while (at >= r->begin_ns + (r->t->n_steps + 1) * STEP_NS)
		end_step(r);
	memset(&key, 0, sizeof(key));
	(void)packet_parse(p, &key, NULL); /* what was readable tells it apart */
	packet_free(p);
	f = find(r, &key);
	f->packets++;
	f->bytes += h->len;
	if (!r->t->flows[f->id].packets++) {
		if (r->n_active == r->cap_active)
			r->active = xgrow(r->active, &r->cap_active, r->n_active + 1,
					  sizeof(*r->active));
		r->active[r->n_active++] = f->id;
	}
}

static void finish(struct reading *r)
{
	struct pflow *f;

	end_step(r);
	HTABLE_FOR_EACH (f, struct pflow, node, &r->flows) {
		r->t->flows[f->id].frame = (uint16_t)MIN(f->bytes / f->packets, UINT16_MAX);
		htable_remove(&r->flows, &f->node);
		free(f);
	}
	htable_done(&r->flows);
	free(r->active);
}

int trace_pcap(struct trace *t, const char *file, struct error *err)
{
	struct reading r = { .t = t };
	char text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const uint8_t *frame;
	pcap_t *in;
	int rc;

	/* tv_usec is nanoseconds then, as pcap-savefile(5) has it. */
	in = pcap_open_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!in)
		return error_set(err, EIO, file, "%s", text);
	if (pcap_datalink(in) != DLT_EN10MB) {
		pcap_close(in);
		return error_set(err, EOPNOTSUPP, file, "not a capture of Ethernet frames");
	}
	trace_init(t, file);
	t->source = "a capture";
	htable_init(&r.flows);
	while ((rc = pcap_next_ex(in, &h, &frame)) == 1)
		take_frame(&r, h, frame);
	if (rc == PCAP_ERROR)
		rc = error_set(err, EIO, file, "%s", pcap_geterr(in));
	else
		rc = 0;
	finish(&r);
	pcap_close(in);
	return rc;
}
