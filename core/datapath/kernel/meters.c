/* SPDX-License-Identifier: Apache-2.0 */
/* Meters: the family ovs_meter (linux/openvswitch.h). */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/datapath/kernel/kernel.h"

static const struct nlattr_policy policy[] = {
	[OVS_METER_ATTR_ID] = NLATTR_EXACT(4),
	[OVS_METER_ATTR_STATS] = NLATTR_EXACT(sizeof(struct ovs_flow_stats)),
	[OVS_METER_ATTR_BANDS] = NLATTR_ANY,
	[OVS_METER_ATTR_USED] = NLATTR_EXACT(8),
	[OVS_METER_ATTR_MAX_METERS] = NLATTR_EXACT(4),
	[OVS_METER_ATTR_MAX_BANDS] = NLATTR_EXACT(4),
};
#define N_ATTRS ARRAY_SIZE(policy)

/* Begins a request about meter id; NULL: the kernel has no meters, or no socket is left (*rc). */
static struct kdp_work *begin(struct kdp *d, uint8_t cmd, int *rc)
{
	struct kdp_work *w;

	*rc = -EOPNOTSUPP;
	if (!d->fam->meter.id)
		return NULL;
	w = kdp_work_get(d, rc);
	if (w)
		(void)kdp_add(&w->batch, d, &d->fam->meter, cmd, 0);
	return w;
}

static int finish(struct kdp *d, struct kdp_work *w, const struct nlattr *a[])
{
	const struct nlmsghdr *h;
	size_t len = 0;
	const void *p;
	int rc = nl_chan_do(w->chan, &w->batch);

	if (!rc)
		rc = nl_batch_code(&w->batch, 0);
	if (rc)
		return rc;
	h = nl_batch_data(&w->batch, 0);
	p = h ? kdp_attrs(d, &d->fam->meter, h, &len) : NULL;
	rc = p ? nlattr_parse(p, len, policy, N_ATTRS, a) : -EBADMSG;
	return rc < 0 ? rc : 0;
}

static void meter_caps(struct dp *dp, struct dp_meter_caps *caps)
{
	struct kdp *d = kdp_of(dp);
	const struct nlattr *a[N_ATTRS];
	int rc;
	struct kdp_work *w = begin(d, OVS_METER_CMD_FEATURES, &rc);

	memset(caps, 0, sizeof(*caps));
	if (!w)
		return;
	if (!finish(d, w, a)) {
		if (a[OVS_METER_ATTR_MAX_METERS])
			caps->max_meters = nlattr_u32(a[OVS_METER_ATTR_MAX_METERS]);
		if (a[OVS_METER_ATTR_MAX_BANDS])
			caps->max_bands =
				MIN(nlattr_u32(a[OVS_METER_ATTR_MAX_BANDS]), DP_METER_MAX_BANDS);
		caps->packets = true;
	}
	kdp_work_put(d, w);
}

static void read_bands(const struct nlattr *bands, struct dp_meter_stats *st)
{
	static const struct nlattr_policy band_policy[] = {
		[OVS_BAND_ATTR_STATS] = NLATTR_EXACT(sizeof(struct ovs_flow_stats)),
	};
	const struct nlattr *band, *a[ARRAY_SIZE(band_policy)];
	struct ovs_flow_stats s;
	bool bad = false;

	NLATTR_FOR_EACH(band, nlattr_data(bands), nlattr_len(bands), &bad)
	{
		if (st->n_bands == DP_METER_MAX_BANDS ||
		    nlattr_parse_nested(band, band_policy, ARRAY_SIZE(band_policy), a) < 0 ||
		    !a[OVS_BAND_ATTR_STATS])
			return;
		memcpy(&s, nlattr_data(a[OVS_BAND_ATTR_STATS]), sizeof(s));
		st->bands[st->n_bands].packets = s.n_packets;
		st->bands[st->n_bands++].bytes = s.n_bytes;
	}
}

static void read_meter(const struct nlattr *const a[], struct dp_meter_stats *st)
{
	struct ovs_flow_stats s;

	memset(st, 0, sizeof(*st));
	if (a[OVS_METER_ATTR_STATS]) {
		memcpy(&s, nlattr_data(a[OVS_METER_ATTR_STATS]), sizeof(s));
		st->packets = s.n_packets;
		st->bytes = s.n_bytes;
	}
	if (a[OVS_METER_ATTR_USED])
		st->used_ns = nlattr_u64(a[OVS_METER_ATTR_USED]) * NSEC_PER_MSEC;
	if (a[OVS_METER_ATTR_BANDS])
		read_bands(a[OVS_METER_ATTR_BANDS], st);
}

static void put_band(struct buf *b, const struct dp_meter_band *band)
{
	size_t nest = nlattr_nest(b, OVS_BAND_ATTR_UNSPEC);

	nlattr_put_u32(b, OVS_BAND_ATTR_TYPE, OVS_METER_BAND_TYPE_DROP);
	nlattr_put_u32(b, OVS_BAND_ATTR_RATE, band->rate);
	nlattr_put_u32(b, OVS_BAND_ATTR_BURST, band->burst ? band->burst : band->rate);
	nlattr_nest_end(b, nest);
}

/* A meter that is changed begins anew; the answer has the old one's counts. */
static int meter_set(struct dp *dp, uint32_t id, const struct dp_meter *m,
		     struct dp_meter_stats *lost, struct error *err)
{
	struct kdp *d = kdp_of(dp);
	const struct nlattr *a[N_ATTRS];
	char what[48];
	size_t nest;
	int rc;
	struct kdp_work *w;

	if (m->n_bands > DP_METER_MAX_BANDS)
		return error_set(err, EINVAL, "bands", "at most %u bands", DP_METER_MAX_BANDS);
	w = begin(d, OVS_METER_CMD_SET, &rc);
	if (!w)
		return error_set(err, -rc, NULL, "meter %u: %s", id, strerrordesc_np(-rc));
	nlattr_put_u32(&w->batch.buf, OVS_METER_ATTR_ID, id);
	if (!m->packets)
		nlattr_put_flag(&w->batch.buf, OVS_METER_ATTR_KBPS);
	nest = nlattr_nest(&w->batch.buf, OVS_METER_ATTR_BANDS);
	for (unsigned i = 0; i < m->n_bands; i++)
		put_band(&w->batch.buf, &m->bands[i]);
	nlattr_nest_end(&w->batch.buf, nest);
	rc = finish(d, w, a);
	(void)snprintf(what, sizeof(what), "meter %u", id);
	if (rc && !nl_batch_error(&w->batch, 0, err, what))
		(void)error_set(err, -rc, NULL, "%s: %s", what, strerrordesc_np(-rc));
	if (!rc && lost)
		read_meter(a, lost);
	kdp_work_put(d, w);
	return rc;
}

/* A meter that is not there is answered without its number, or without anything. */
static int ask(struct dp *dp, uint8_t cmd, uint32_t id, struct dp_meter_stats *st)
{
	struct kdp *d = kdp_of(dp);
	const struct nlattr *a[N_ATTRS];
	int rc;
	struct kdp_work *w = begin(d, cmd, &rc);

	if (!w)
		return rc;
	nlattr_put_u32(&w->batch.buf, OVS_METER_ATTR_ID, id);
	rc = finish(d, w, a);
	if (!rc && !a[OVS_METER_ATTR_STATS])
		rc = -ENOENT;
	if (!rc && st)
		read_meter(a, st);
	kdp_work_put(d, w);
	return rc;
}

static int meter_get(struct dp *dp, uint32_t id, struct dp_meter_stats *st)
{
	return ask(dp, OVS_METER_CMD_GET, id, st);
}

static int meter_del(struct dp *dp, uint32_t id, struct dp_meter_stats *last)
{
	return ask(dp, OVS_METER_CMD_DEL, id, last);
}

const struct dp_meter_ops kdp_meter_ops = {
	.caps = meter_caps,
	.set = meter_set,
	.get = meter_get,
	.del = meter_del,
};
