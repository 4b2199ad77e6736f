/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel's datapath can do: each ability is tried as a flow of a datapath made for that,
 * which is gone again afterwards, so that no trial ever stands between real flows.
 *
 * A trial is a match (how many tags, how many labels, which fields) and a list of actions; what the
 * kernel takes it can do, what it refuses it cannot.  OVS_FLOW_ATTR_PROBE keeps its log quiet. */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/kernel.h"
#include "core/datapath/kernel/key.h"
#include "core/packet/wire.h"

#define PROBE_NAME "shunt-probe"
#define MAX_SAMPLES 10u

static const struct trial {
	const char *acts; /* text; NULL: none */
	int field;        /* matched exactly; FIELD_N_IDS: none */
	uint8_t tags, labels;
	bool v6;
	uint8_t what; /* BOOL: ofs is a bool's; ACTION: ofs is a kind; NUMBER: value at ofs */
	uint16_t ofs;
	uint32_t value;
} trials[] = {
#define OF(MEMBER) offsetof(struct dp_features, MEMBER)
#define BOOL 0
#define ACTION 1
#define NUMBER 2
#define CAN(KIND, TEXT)                                                                            \
	{                                                                                          \
		.acts = TEXT, .field = FIELD_N_IDS, .what = ACTION, .ofs = DP_ACT_##KIND           \
	}
#define DOES(MEMBER, TEXT)                                                                         \
	{                                                                                          \
		.acts = TEXT, .field = FIELD_N_IDS, .ofs = OF(MEMBER)                              \
	}
#define MATCHES(MEMBER, FIELD, V6)                                                                 \
	{                                                                                          \
		.field = FIELD, .v6 = V6, .ofs = OF(MEMBER)                                        \
	}
#define DEPTH(MEMBER, OF_WHAT, N)                                                                  \
	{                                                                                          \
		.field = FIELD_N_IDS, .OF_WHAT = N, .what = NUMBER, .ofs = OF(MEMBER), .value = N  \
	}
	CAN(OUTPUT, "1"),
	CAN(SET, "set(ipv4(ttl=1))"),
	DOES(set_masked, "set(ipv4(src=1.0.0.0/255.0.0.0))"),
	CAN(PUSH_VLAN, "push_vlan(vid=1,pcp=0)"),
	CAN(POP_VLAN, "pop_vlan"),
	CAN(PUSH_MPLS, "push_mpls(label=1,tc=0,ttl=1,bos=1,eth_type=0x8847)"),
	CAN(RECIRC, "recirc(0x1)"),
	CAN(HASH, "hash(l4(0))"),
	CAN(SAMPLE, "sample(sample=50.0%,actions(1))"),
	CAN(CLONE, "clone(1)"),
	CAN(TRUNC, "trunc(64),1"),
	CAN(METER, "meter(0)"),
	CAN(CT, "ct(commit,zone=1)"),
	CAN(CT_CLEAR, "ct_clear"),
	CAN(CHECK_PKT_LEN, "check_pkt_len(size=100,gt(1),le(2))"),
	CAN(DROP, "drop(1)"),
	DOES(ct_timeout, "ct(commit,zone=1,timeout=shunt-probe)"),
	MATCHES(recirc, FIELD_RECIRC_ID, false),
	MATCHES(ct_state, FIELD_CT_STATE, false),
	MATCHES(ct_zone, FIELD_CT_ZONE, false),
	MATCHES(ct_mark, FIELD_CT_MARK, false),
	MATCHES(ct_label, FIELD_CT_LABEL, false),
	MATCHES(ct_orig_tuple, FIELD_CT_NW_SRC, false),
	MATCHES(ct_orig_tuple6, FIELD_CT_IPV6_SRC, true),
	DEPTH(max_vlans, tags, 1),
	DEPTH(max_vlans, tags, 2),
	DEPTH(max_mpls, labels, 1),
	DEPTH(max_mpls, labels, 2),
	DEPTH(max_mpls, labels, 3),
};

/* ---- the scratch datapath ---- */

static int make(struct kdp *s, struct kdp_work *w, uint8_t cmd)
{
	struct ovs_header oh;
	const struct nlmsghdr *h;
	const uint8_t *p;
	size_t len;
	int rc;

	nl_batch_clear(&w->batch);
	(void)kdp_add(&w->batch, s, &s->fam->datapath, cmd, NLM_F_ECHO);
	nlattr_put_str(&w->batch.buf, OVS_DP_ATTR_NAME, PROBE_NAME);
	nlattr_put_u32(&w->batch.buf, OVS_DP_ATTR_UPCALL_PID, 0);
	rc = nl_chan_do(w->chan, &w->batch);
	if (!rc)
		rc = nl_batch_code(&w->batch, 0);
	h = rc ? NULL : nl_batch_data(&w->batch, 0);
	p = h ? kdp_attrs(s, &s->fam->datapath, h, &len) : NULL;
	if (rc || !p)
		return rc ? rc : -EBADMSG;
	memcpy(&oh, p - NLMSG_ALIGN(sizeof(oh)), sizeof(oh));
	s->ifindex = cmd == OVS_DP_CMD_NEW ? (uint32_t)oh.dp_ifindex : 0;
	return 0;
}

/* ---- trials ---- */

static struct flow_key match_of(const struct trial *t, struct flow_key *mask)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	memset(mask, 0, sizeof(*mask));
	k.dl_type = htons(t->v6 ? ETH_IPV6 : ETH_IPV4);
	k.nw_proto = IPP_TCP;
	mask->nw_proto = UINT8_MAX;
	for (unsigned i = 0; i < t->tags; i++)
		k.vlans[i] = (struct flow_vlan){ htons(i ? ETH_VLAN : ETH_QINQ), htons(VLAN_CFI) };
	if (t->labels) {
		k.dl_type = htons(ETH_MPLS);
		k.nw_proto = mask->nw_proto = 0;
		for (unsigned i = 0; i < t->labels; i++)
			k.mpls_lse[i] = mask->mpls_lse[i] = htonl(0x1000);
		k.mpls_lse[t->labels - 1] |= htonl(MPLS_BOS);
	}
	if (t->field < FIELD_N_IDS) {
		union field_value v;

		memset(&v, 0, sizeof(v));
		v.b[field_get((enum field_id)t->field)->n_bytes - 1] =
			t->field == FIELD_CT_STATE ? CT_TRK : 1;
		field_write(field_get((enum field_id)t->field), &v, &k);
		field_mask_set(field_get((enum field_id)t->field), mask);
		if (t->field == FIELD_CT_STATE)
			mask->ct_state = htonl(CT_TRK);
	}
	return k;
}

/* Adds the flow; its answer says.  `raw` (may be NULL) are actions in the kernel's words. */
static void add_flow(struct kdp *s, struct nl_batch *b, const struct flow_key *k,
		     const struct flow_key *mask, struct dp_actions acts, const struct buf *raw)
{
	struct kdp_acts_ctx ctx = { .dl_type = k->dl_type,
				    .n_tags = kdp_acts_tags(k),
				    .pid = 1,
				    .features = &s->up.features };
	struct ufid ufid = { { 1, b->n } };
	struct flow_key fit;
	int rc = kdp_key_fit(k, mask, &fit);
	size_t nest;

	(void)kdp_add(b, s, &s->fam->flow, OVS_FLOW_CMD_NEW, NLM_F_CREATE);
	nlattr_put(&b->buf, OVS_FLOW_ATTR_UFID, &ufid, sizeof(ufid));
	nlattr_put_flag(&b->buf, OVS_FLOW_ATTR_PROBE);
	nest = nlattr_nest(&b->buf, OVS_FLOW_ATTR_KEY);
	if (!rc)
		kdp_key_put(&b->buf, k, &fit);
	nlattr_nest_end(&b->buf, nest);
	nest = nlattr_nest(&b->buf, OVS_FLOW_ATTR_MASK);
	if (!rc)
		kdp_key_put_mask(&b->buf, k, &fit);
	nlattr_nest_end(&b->buf, nest);
	nest = nlattr_nest(&b->buf, OVS_FLOW_ATTR_ACTIONS);
	if (raw)
		buf_put(&b->buf, raw->data, raw->len);
	else if (!rc)
		rc = kdp_acts_put(&b->buf, acts, &ctx);
	nlattr_nest_end(&b->buf, nest);
	if (rc)
		nl_batch_fail(b, b->n - 1, rc);
	/* Each alone in the table, so that none finds another in its way. */
	(void)kdp_add(b, s, &s->fam->flow, OVS_FLOW_CMD_DEL, 0);
	nlattr_put(&b->buf, OVS_FLOW_ATTR_UFID, &ufid, sizeof(ufid));
}

static void add_trial(struct kdp *s, struct nl_batch *b, const struct trial *t)
{
	struct flow_key mask, key = match_of(t, &mask);
	struct buf acts = BUF_INIT;
	int rc = t->acts ? dp_actions_parse(t->acts, &acts, NULL) : 0;

	add_flow(s, b, &key, &mask, dp_actions_of(&acts), NULL);
	if (rc)
		nl_batch_fail(b, b->n - 2, rc);
	buf_done(&acts);
}

static void note(struct dp_features *f, const struct trial *t)
{
	uint8_t *at = (uint8_t *)f + t->ofs;

	switch (t->what) {
	case BOOL: *(bool *)at = true; break;
	case ACTION: f->actions |= 1u << t->ofs; break;
	case NUMBER: *(uint32_t *)(void *)at = t->value; break;
	default: break;
	}
}

static void try_table(struct kdp *s, struct kdp_work *w, struct dp_features *f)
{
	nl_batch_clear(&w->batch);
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
		add_trial(s, &w->batch, &trials[i]);
	(void)nl_chan_do(w->chan, &w->batch); /* each has its code */
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		if (!nl_batch_code(&w->batch, 2 * i))
			note(f, &trials[i]);
	}
}

/* ---- what the table cannot say ---- */

static bool takes(struct kdp *s, struct kdp_work *w, be16 dl_type, struct dp_actions acts,
		  const struct buf *raw)
{
	static const struct trial plain = { .field = FIELD_N_IDS };
	struct flow_key mask, key = match_of(&plain, &mask);

	key.dl_type = dl_type;
	if (dl_type != htons(ETH_IPV4))
		key.nw_proto = mask.nw_proto = 0;
	if (eth_type_is_mpls(dl_type)) {
		key.mpls_lse[0] = htonl(MPLS_BOS);
		mask.mpls_lse[0] = UINT32_MAX;
	}
	nl_batch_clear(&w->batch);
	add_flow(s, &w->batch, &key, &mask, acts, raw);
	(void)nl_chan_do(w->chan, &w->batch); /* each has its code */
	return !nl_batch_code(&w->batch, 0);
}

static bool samples(struct kdp *s, struct kdp_work *w, unsigned depth)
{
	struct buf raw = BUF_INIT;
	size_t outer[MAX_SAMPLES], inner[MAX_SAMPLES];
	bool ok;

	for (unsigned i = 0; i < depth; i++) {
		outer[i] = nlattr_nest(&raw, OVS_ACTION_ATTR_SAMPLE);
		nlattr_put_u32(&raw, OVS_SAMPLE_ATTR_PROBABILITY, UINT32_MAX);
		inner[i] = nlattr_nest(&raw, OVS_SAMPLE_ATTR_ACTIONS);
	}
	for (unsigned i = depth; i-- > 0;) {
		nlattr_nest_end(&raw, inner[i]);
		nlattr_nest_end(&raw, outer[i]);
	}
	ok = takes(s, w, htons(ETH_IPV4), (struct dp_actions){ NULL, 0 }, &raw);
	buf_done(&raw);
	return ok;
}

static bool userspace(struct kdp *s, struct kdp_work *w)
{
	struct act_userspace u = { .kind = UPCALL_CONTROLLER, .max_len = UINT32_MAX };
	struct buf acts = BUF_INIT;
	bool ok;

	dp_actions_put(&acts, DP_ACT_USERSPACE, &u, sizeof(u));
	ok = takes(s, w, htons(ETH_IPV4), dp_actions_of(&acts), NULL);
	buf_done(&acts);
	return ok;
}

static bool eventmask(struct kdp *s, struct kdp_work *w)
{
	struct buf raw = BUF_INIT;
	size_t nest = nlattr_nest(&raw, OVS_ACTION_ATTR_CT);
	bool ok;

	nlattr_put_flag(&raw, OVS_CT_ATTR_COMMIT);
	nlattr_put_u32(&raw, OVS_CT_ATTR_EVENTMASK, 1);
	nlattr_nest_end(&raw, nest);
	ok = takes(s, w, htons(ETH_IPV4), (struct dp_actions){ NULL, 0 }, &raw);
	buf_done(&raw);
	return ok;
}

static bool takes_text(struct kdp *s, struct kdp_work *w, be16 dl_type, const char *text)
{
	struct buf acts = BUF_INIT;
	bool ok = !dp_actions_parse(text, &acts, NULL) &&
		  takes(s, w, dl_type, dp_actions_of(&acts), NULL);

	buf_done(&acts);
	return ok;
}

static void try_others(struct kdp *s, struct kdp_work *w, struct dp_features *f)
{
	struct ovs_action_add_mpls mpls = { .mpls_ethertype = htons(ETH_MPLS) };
	struct buf raw = BUF_INIT;

	while (f->sample_depth < MAX_SAMPLES && samples(s, w, f->sample_depth + 1))
		f->sample_depth++;
	if (userspace(s, w))
		f->actions |= 1u << DP_ACT_USERSPACE;
	if (takes_text(s, w, htons(ETH_MPLS), "pop_mpls(eth_type=0x800)"))
		f->actions |= 1u << DP_ACT_POP_MPLS;
	f->ct_eventmask = f->actions >> DP_ACT_CT & 1 && eventmask(s, w);
	f->ct_state_nat = f->ct_state && takes_text(s, w, htons(ETH_IPV4), "ct(commit,nat(src))");
	if (takes_text(s, w, htons(ETH_IPV4), "hash(sym_l4(0))"))
		f->max_hash_alg = DP_HASH_SYM_L4;
	if (takes_text(s, w, htons(ETH_IPV4), "set(tunnel(tun_id=0x1,dst=1.1.1.1,ttl=64)),1"))
		f->tunnels = (1u << DP_N_TUNNELS) - 1;
	nlattr_put(&raw, OVS_ACTION_ATTR_ADD_MPLS, &mpls, sizeof(mpls));
	f->mpls_add = takes(s, w, htons(ETH_IPV4), (struct dp_actions){ NULL, 0 }, &raw);
	buf_done(&raw);
	f->ufid = true;       /* the trials had one */
	f->exact_tags = true; /* kdp_key_fit() */
}

int kdp_probe(struct kdp *d, struct error *err)
{
	struct kdp scratch = { .fam = d->fam, .per_cpu = true };
	struct kdp_work *w;
	int rc;

	w = kdp_work_get(d, &rc);
	if (!w)
		return error_set(err, -rc, NULL, "no netlink socket: %s", strerrordesc_np(-rc));
	scratch.up.features.actions = UINT32_MAX; /* whatever is asked is written */
	scratch.up.features.max_hash_alg = UINT32_MAX;
	rc = make(&scratch, w, OVS_DP_CMD_NEW);
	if (rc == -EEXIST) { /* one that a crash has left */
		(void)make(&scratch, w, OVS_DP_CMD_DEL);
		rc = make(&scratch, w, OVS_DP_CMD_NEW);
	}
	if (!rc) {
		try_table(&scratch, w, &d->up.features);
		try_others(&scratch, w, &d->up.features);
		(void)make(&scratch, w, OVS_DP_CMD_DEL); /* the next one would */
	}
	kdp_work_put(d, w);
	return rc ? error_set(err, -rc, NULL,
			      "the kernel makes no datapath to try its abilities on: %s",
			      strerrordesc_np(-rc))
		  : 0;
}
