/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections a zone may have: the family ovs_ct_limit (linux/openvswitch.h). */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "core/datapath/kernel/kernel.h"

static int do_limit(struct kdp *d, struct kdp_work *w, struct error *err)
{
	int rc = nl_chan_do(w->chan, &w->batch);

	return rc ? error_set(err, -rc, NULL, "connection limit: %s", strerrordesc_np(-rc))
		  : nl_batch_error(&w->batch, 0, err, "connection limit");
}

/* Sends cmd about one zone; the work, whose batch has the answer, or NULL. */
static struct kdp_work *ask(struct kdp *d, uint8_t cmd, const struct ovs_zone_limit *z, int *rc,
			    struct error *err)
{
	struct kdp_work *w;
	size_t nest;

	if (!d->fam->ct_limit.id) {
		*rc = error_set(err, EOPNOTSUPP, NULL, "this kernel has no connection limits");
		return NULL;
	}
	w = kdp_work_get(d, rc);
	if (!w) {
		*rc = error_set(err, -*rc, NULL, "no netlink socket: %s", strerrordesc_np(-*rc));
		return NULL;
	}
	(void)kdp_add(&w->batch, d, &d->fam->ct_limit, cmd, 0);
	nest = nlattr_nest(&w->batch.buf, OVS_CT_LIMIT_ATTR_ZONE_LIMIT);
	buf_put(&w->batch.buf, z, sizeof(*z));
	nlattr_nest_end(&w->batch.buf, nest);
	*rc = do_limit(d, w, err);
	return w;
}

static int change(struct kdp *d, uint8_t cmd, const struct ovs_zone_limit *z, struct error *err)
{
	int rc;
	struct kdp_work *w = ask(d, cmd, z, &rc, err);

	if (w)
		kdp_work_put(d, w);
	return rc;
}

int kdp_ct_limit_set(struct dp *dp, const struct dp_ct_limit *l, struct error *err)
{
	struct ovs_zone_limit z = { .zone_id = l->zone, .limit = l->limit };

	return change(kdp_of(dp), OVS_CT_LIMIT_CMD_SET, &z, err);
}

int kdp_ct_limit_del(struct dp *dp, int zone, struct error *err)
{
	struct ovs_zone_limit z = { .zone_id = zone };

	return change(kdp_of(dp), OVS_CT_LIMIT_CMD_DEL, &z, err);
}

static int read_limits(struct kdp *d, const struct nlmsghdr *h, struct dp_ct_limit *l, size_t max)
{
	static const struct nlattr_policy policy[] = {
		[OVS_CT_LIMIT_ATTR_ZONE_LIMIT] = NLATTR_ANY,
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];
	size_t len = 0, n;
	const void *p = h ? kdp_attrs(d, &d->fam->ct_limit, h, &len) : NULL;
	const uint8_t *at;

	if (!p || nlattr_parse(p, len, policy, ARRAY_SIZE(policy), a) < 0 ||
	    !a[OVS_CT_LIMIT_ATTR_ZONE_LIMIT])
		return -EBADMSG;
	at = nlattr_data(a[OVS_CT_LIMIT_ATTR_ZONE_LIMIT]);
	n = nlattr_len(a[OVS_CT_LIMIT_ATTR_ZONE_LIMIT]) / sizeof(struct ovs_zone_limit);
	for (size_t i = 0; i < MIN(n, max); i++) {
		struct ovs_zone_limit z;

		memcpy(&z, at + i * sizeof(z), sizeof(z));
		l[i] = (struct dp_ct_limit){ z.zone_id, z.limit, z.count };
	}
	return (int)n;
}

int kdp_ct_limits(struct dp *dp, struct dp_ct_limit *l, size_t max)
{
	struct kdp *d = kdp_of(dp);
	struct kdp_work *w;
	int rc;

	if (!d->fam->ct_limit.id)
		return -EOPNOTSUPP;
	w = kdp_work_get(d, &rc);
	if (!w)
		return rc;
	(void)kdp_add(&w->batch, d, &d->fam->ct_limit, OVS_CT_LIMIT_CMD_GET, 0);
	rc = do_limit(d, w, NULL);
	if (!rc)
		rc = read_limits(d, nl_batch_data(&w->batch, 0), l, max);
	kdp_work_put(d, w);
	return rc;
}

int kdp_ct_limit_get(struct dp *dp, struct dp_ct_limit *l, struct error *err)
{
	struct ovs_zone_limit z = { .zone_id = l->zone };
	struct kdp *d = kdp_of(dp);
	int rc;
	struct kdp_work *w = ask(d, OVS_CT_LIMIT_CMD_GET, &z, &rc, err);

	if (!w)
		return rc;
	if (!rc && read_limits(d, nl_batch_data(&w->batch, 0), l, 1) != 1)
		rc = error_set(err, EBADMSG, NULL, "the kernel's answer has no limit");
	kdp_work_put(d, w);
	return rc;
}
