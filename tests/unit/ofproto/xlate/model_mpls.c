/* SPDX-License-Identifier: Apache-2.0 */
/* The model's label stack: all of it, and what is under it, read from the frame once. */
#include <string.h>

#include "core/packet/action_exec.h"
#include "tests/unit/ofproto/xlate/model.h"

void model_read_labels(struct model *m, const struct packet *frame)
{
	struct packet *p = packet_clone(frame);
	uint8_t version;

	m->n_labels = 0;
	m->inner = m->key;
	while (flow_is_mpls(&m->inner)) {
		m->labels[m->n_labels++] = m->inner.mpls_lse[0];
		if (!(m->inner.mpls_lse[0] & htonl(0x100))) {
			(void)packet_pop_mpls(p, &m->inner, htons(0x8847));
			continue;
		}
		version = p->len > p->l3_ofs + 4u ? p->data[p->l3_ofs + 4] >> 4 : 0;
		(void)packet_pop_mpls(p, &m->inner,
				      htons(version == 6   ? 0x86dd
					    : version == 4 ? 0x0800
							   : 0xffff));
	}
	packet_free(p);
}

static void show_labels(struct model *m)
{
	for (unsigned i = 0; i < FLOW_N_MPLS; i++)
		m->key.mpls_lse[i] = i < m->n_labels ? m->labels[i] : 0;
}

static size_t l3_bytes(const struct flow_key *k)
{
	return sizeof(*k) - offsetof(struct flow_key, nw_src);
}

void model_push_mpls(struct model *m, be16 type)
{
	uint32_t ttl = 64, tc = 0;
	be32 lse;

	if (m->key.mpls_lse[FLOW_N_MPLS - 1]) {
		m->exit = true;
		return;
	}
	if (flow_is_ip(&m->key)) {
		ttl = m->key.nw_ttl;
		tc = m->key.nw_tos >> 5;
	}
	lse = m->n_labels ? m->labels[0] & htonl(~0x100u) : htonl(ttl | tc << 9 | 0x100u);
	if (!m->n_labels) {
		m->inner = m->key;
		if (m->natted)
			m->inner.nw_src = m->nat_src;
		m->natted = false;
		memset(&m->key.nw_src, 0, l3_bytes(&m->key));
	}
	memmove(&m->labels[1], &m->labels[0], sizeof(m->labels) - sizeof(m->labels[0]));
	m->labels[0] = lse;
	m->n_labels++;
	m->key.dl_type = type;
	show_labels(m);
}

void model_pop_mpls(struct model *m, be16 type)
{
	if (!m->n_labels)
		return;
	memmove(&m->labels[0], &m->labels[1], sizeof(m->labels) - sizeof(m->labels[0]));
	m->n_labels--;
	m->key.dl_type = type;
	m->n_passes++;
	show_labels(m);
	if (m->n_labels ? !flow_is_mpls(&m->key) : m->inner.dl_type != type)
		m->unknown = m->exit = true;
	else if (!m->n_labels)
		memcpy(&m->key.nw_src, &m->inner.nw_src, l3_bytes(&m->key));
}
