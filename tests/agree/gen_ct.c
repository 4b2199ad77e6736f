/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, for cases that track them: packets that answer each other, ct actions in two zones
 * of the case's own, and matches on what they find. */
#include <string.h>

#include "core/packet/parse.h"
#include "core/packet/wire.h"
#include "tests/agree/gen.h"

static uint32_t pick(struct rng *r, uint32_t n)
{
	return (uint32_t)rng_below(r, n);
}

static void begin(struct rng *r, struct flow_key *k)
{
	static const uint8_t protos[] = { IPP_UDP, IPP_UDP, IPP_UDP, IPP_ICMP, IPP_TCP };
	unsigned src = 1 + pick(r, 2), dst = 3 + pick(r, 2);

	k->dl_src.b[0] = k->dl_dst.b[0] = 2;
	k->dl_src.b[5] = (uint8_t)(1 + pick(r, 3));
	k->dl_dst.b[5] = (uint8_t)(1 + pick(r, 3));
	k->nw_proto = protos[pick(r, ARRAY_SIZE(protos))];
	k->nw_ttl = 64;
	if (pick(r, 4) || k->nw_proto == IPP_ICMP) {
		k->dl_type = htons(ETH_IPV4);
		k->nw_src = htonl(0x0a000000 + src);
		k->nw_dst = htonl(0x0a000000 + dst);
	} else {
		k->dl_type = htons(ETH_IPV6);
		k->ipv6_src.b[0] = k->ipv6_dst.b[0] = 0xfd;
		k->ipv6_src.b[15] = (uint8_t)src;
		k->ipv6_dst.b[15] = (uint8_t)dst;
	}
	/* Hosts have ports of their own: behind one address they seldom want the same. */
	k->tp_src = htons((uint16_t)(k->nw_proto == IPP_ICMP ? 8 : 1000 + 10 * src + pick(r, 2)));
	k->tp_dst = htons((uint16_t)(k->nw_proto == IPP_ICMP ? 0 : 80 + 10 * dst + pick(r, 2)));
}

/* To one of the addresses that sources are translated to. */
static void redirect(struct rng *r, struct flow_key *k)
{
	uint8_t host = (uint8_t)(8 + pick(r, 2));

	if (flow_is_ipv4(k))
		k->nw_dst = htonl(0x0a000000 + host);
	else
		k->ipv6_dst.b[15] = host;
}

/* What the other end sends back. */
static void answer(const struct flow_key *k, struct flow_key *back)
{
	*back = *k;
	back->dl_src = k->dl_dst;
	back->dl_dst = k->dl_src;
	back->nw_src = k->nw_dst;
	back->nw_dst = k->nw_src;
	back->ipv6_src = k->ipv6_dst;
	back->ipv6_dst = k->ipv6_src;
	if (k->nw_proto == IPP_ICMP) {
		back->tp_src = k->tp_src ? 0 : htons(8);
		return;
	}
	back->tp_src = k->tp_dst;
	back->tp_dst = k->tp_src;
}

static bool can_answer(const struct flow_key *k)
{
	return (k->nw_proto == IPP_UDP || k->nw_proto == IPP_TCP ||
		(k->nw_proto == IPP_ICMP && flow_is_ipv4(k))) &&
	       !k->nw_frag;
}

void gen_ct_packet(struct rng *r, const struct flow_key *keys, unsigned n, struct agree_packet *p)
{
	static const uint16_t flags[] = { 0x02, 0x12, 0x10, 0x10, 0x18, 0x11, 0x04 };
	const struct flow_key *to = n ? &keys[pick(r, n)] : NULL;
	struct packet *frame;
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	if (to && can_answer(to) && pick(r, 3))
		answer(to, &k);
	else
		begin(r, &k);
	if (!pick(r, 4))
		redirect(r, &k);
	k.in_port = 0;
	if (k.nw_proto == IPP_TCP)
		k.tcp_flags = htons(flags[pick(r, ARRAY_SIZE(flags))]);
	frame = packet_compose(&k, pick(r, 30));
	memset(p, 0, sizeof(*p));
	p->port = 1 + pick(r, AGREE_PORTS);
	p->len = MIN(frame->len, (uint32_t)AGREE_FRAME);
	memcpy(p->data, frame->data, p->len);
	packet_free(frame);
}

void gen_ct_match(struct rng *r, uint16_t zone, struct flow_key *from, struct flow_key *mask)
{
	static const uint32_t states[] = { CT_TRK,          CT_TRK | CT_NEW,
					   CT_TRK | CT_NEW, CT_TRK | CT_EST,
					   CT_TRK | CT_EST, CT_TRK | CT_EST | CT_RPL,
					   CT_TRK | CT_INV, 0 };
	uint32_t state = states[pick(r, ARRAY_SIZE(states))];
	bool connected = state & (CT_NEW | CT_EST);

	from->ct_state = htonl(state);
	mask->ct_state = htonl(state | CT_TRK | (pick(r, 3) ? 0 : CT_EST | CT_INV));
	if (state && !pick(r, 3)) {
		from->ct_zone = htons((uint16_t)(zone + pick(r, 2)));
		mask->ct_zone = 0xffff;
	}
	if (connected && !pick(r, 3)) {
		from->ct_mark = htonl(pick(r, 3));
		mask->ct_mark = htonl(pick(r, 2) ? UINT32_MAX : 2);
	}
	if (connected && !pick(r, 4)) {
		from->ct_label.b[15] = (uint8_t)pick(r, 3);
		mask->ct_label.b[15] = 3;
	}
}

static void put_exec(struct rng *r, struct str *s)
{
	static const char *const words[] = {
		"set_field:1->ct_mark",
		"set_field:2/2->ct_mark",
		"set_field:1->ct_label",
		"set_field:2->ct_mark,set_field:2/3->ct_label",
		"move:NXM_OF_ETH_SRC[0..1]->NXM_NX_CT_MARK[0..1]",
	};

	str_printf(s, ",exec(%s)", words[pick(r, ARRAY_SIZE(words))]);
}

/* Of one address, or of some, among which source, destination and zone decide; of one port, as the
 * kernel draws among several by lot.  So it does where no port is said and another connection has
 * the packet's: agree.c leaves such cases out. */
static void put_nat(struct rng *r, bool v6, struct str *s)
{
	static const char *const to[][2] = {
		{ "src=10.0.0.8", "src=fd00::8" },
		{ "src=10.0.0.8:5000", "src=[fd00::8]:5000" },
		{ "src=10.0.0.8-10.0.0.9", "src=fd00::8-fd00::9" },
		{ "src=10.0.0.9:6000", "src=[fd00::9]:6000" },
		{ "dst=10.0.0.4", "dst=fd00::4" },
		{ "dst=10.0.0.3:110", "dst=[fd00::3]:110" },
		{ "dst=10.0.0.3-10.0.0.6", "dst=fd00::3-fd00::6" },
	};

	str_puts(s, ",nat");
	if (pick(r, 4))
		str_printf(s, "(%s)", to[pick(r, ARRAY_SIZE(to))][v6]);
}

void gen_ct_action(struct rng *r, uint16_t zone, int next, struct str *s)
{
	bool commit = pick(r, 3);

	if (!pick(r, 12)) {
		str_puts(s, "ct_clear");
		return;
	}
	str_printf(s, "ct(zone=%u", zone + pick(r, 2));
	if (commit)
		str_puts(s, pick(r, 3) ? ",commit" : ",commit,force");
	if (next >= 0)
		str_printf(s, ",table=%d", next);
	if (commit && !pick(r, 3))
		put_nat(r, !pick(r, 5), s);
	else if (!pick(r, 5))
		str_puts(s, ",nat");
	if (commit && pick(r, 2))
		put_exec(r, s);
	str_puts(s, ")");
}
