/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out of a tunnel's socket, and large frames that go into one.  The first byte chooses:
 * a UDP payload to be read as VXLAN and its inner frame parsed, or a frame to be cut into segments,
 * each of which gets outer headers. */
#include <string.h>

#include "core/packet/parse.h"
#include "core/packet/segment.h"
#include "core/packet/vxlan.h"
#include "tests/fuzz/fuzz.h"

static void decapsulate(const uint8_t *data, size_t size, bool gbp)
{
	struct flow_tnl t = { .ttl = 64 };
	unsigned n = vxlan_parse(data, size, gbp, &t);
	struct flow_key k;
	struct packet *p;

	if (!n)
		return;
	FUZZ_CHECK(n <= size && ntoh64(t.tun_id) <= 0xffffff);
	p = packet_new(data + n, size - n, 0);
	memset(&k, 0, sizeof(k));
	(void)packet_parse(p, &k, NULL);
	(void)packet_flow_hash(p);
	packet_free(p);
}

static void encapsulate(const struct packet *inner, bool v6)
{
	struct flow_tnl t = { .tun_id = hton64(7), .ttl = 64, .tp_dst = htons(4789) };
	struct vxlan_outer o = { .tnl = &t, .sport = vxlan_sport(packet_flow_hash(inner)) };
	struct packet *p = packet_clone(inner);
	struct flow_key k;

	if (v6)
		t.src6.w[0] = t.dst6.w[0] = htonl(0xfd000000);
	else
		t.src = t.dst = htonl(0x0a000001);
	t.flags = htons(FLOW_TNL_F_CSUM | FLOW_TNL_F_DF);
	(void)vxlan_push(p->data, p->len, &o);
	FUZZ_CHECK(packet_push(p, vxlan_overhead(&t)));
	memset(&k, 0, sizeof(k));
	FUZZ_CHECK(packet_parse(p, &k, NULL) == PARSE_OK && k.tp_dst == t.tp_dst);
	packet_free(p);
}

static void cut(const uint8_t *data, size_t size, uint8_t how)
{
	struct packet *p = packet_new(data, size, 0);
	uint8_t *out = malloc(size + 1);
	struct segmenter s;
	struct flow_key k;
	uint32_t n;

	memset(&k, 0, sizeof(k));
	(void)packet_parse(p, &k, NULL);
	p->gso_size = (uint16_t)(1 + how * 4);
	if (segment_begin(&s, p)) {
		while ((n = segment_next(&s, out))) {
			struct packet *q = packet_new(out, n, 0);

			FUZZ_CHECK(n <= size && n <= segment_max_len(&s));
			(void)packet_parse(q, &k, NULL);
			encapsulate(q, how & 1);
			packet_free(q);
		}
	}
	free(out);
	packet_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 20000)
		return 0;
	if (data[0] & 0x80)
		cut(data + 1, size - 1, data[0] & 0x7f);
	else
		decapsulate(data + 1, size - 1, data[0] & 1);
	return 0;
}
