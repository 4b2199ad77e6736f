/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/kernel.h"

/* ---- families ---- */

static const struct {
	const char *name;
	uint16_t ofs;
	bool needed;
} families[] = {
#define FAMILY(NAME, MEMBER, NEEDED)                                                               \
	{                                                                                          \
		NAME, offsetof(struct kdp_families, MEMBER), NEEDED                                \
	}
	FAMILY(OVS_DATAPATH_FAMILY, datapath, true), FAMILY(OVS_VPORT_FAMILY, vport, true),
	FAMILY(OVS_FLOW_FAMILY, flow, true),         FAMILY(OVS_PACKET_FAMILY, packet, true),
	FAMILY(OVS_METER_FAMILY, meter, false),      FAMILY(OVS_CT_LIMIT_FAMILY, ct_limit, false),
};

static int find_families(struct kdp_families *f, struct error *err)
{
	struct nl_chan *c;
	int rc = nl_chan_open(NETLINK_GENERIC, &c, err);

	if (rc)
		return rc;
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < ARRAY_SIZE(families) && !rc; i++) {
		void *at = (uint8_t *)f + families[i].ofs;

		if (families[i].needed)
			rc = genl_find(c, families[i].name, at, err);
		else
			(void)!genl_find(c, families[i].name, at, NULL); /* its id stays 0 */
	}
	nl_chan_close(c);
	if (rc == -ENOENT && err) {
		error_clear(err);
		return error_set(err, ENOENT, "datapath_type",
				 "this kernel has no openvswitch module: use datapath_type=netdev");
	}
	return rc;
}

int kdp_families(const struct kdp_families **ret, struct error *err)
{
	static struct lock lock = LOCK_INIT;
	static struct kdp_families found;
	int rc = 0;

	lock_take(&lock);
	if (!found.flow.id)
		rc = find_families(&found, err);
	lock_give(&lock);
	*ret = &found;
	return rc;
}

/* ---- works ---- */

static struct kdp_work *work_new(int *rc)
{
	struct kdp_work *w = xzalloc(sizeof(*w));

	*rc = nl_chan_open(NETLINK_GENERIC, &w->chan, NULL);
	if (*rc) {
		free(w);
		return NULL;
	}
	nl_batch_init(&w->batch);
	nl_batch_init(&w->second);
	return w;
}

static void work_free(struct kdp_work *w)
{
	nl_chan_close(w->chan);
	nl_batch_done(&w->batch);
	nl_batch_done(&w->second);
	free(w);
}

struct kdp_work *kdp_work_get(struct kdp *d, int *rc)
{
	struct kdp_work *w;

	*rc = 0;
	lock_take(&d->works_lock);
	w = d->works;
	if (w) {
		d->works = w->next;
		d->n_works--;
	}
	lock_give(&d->works_lock);
	return w ? w : work_new(rc);
}

void kdp_work_put(struct kdp *d, struct kdp_work *w)
{
	nl_batch_clear(&w->batch);
	nl_batch_clear(&w->second);
	lock_take(&d->works_lock);
	if (d->n_works < KDP_SPARE_WORKS) {
		w->next = d->works;
		d->works = w;
		d->n_works++;
		w = NULL;
	}
	lock_give(&d->works_lock);
	if (w)
		work_free(w);
}

void kdp_works_free(struct kdp *d)
{
	struct kdp_work *w, *next;

	for (w = d->works; w; w = next) {
		next = w->next;
		work_free(w);
	}
	d->works = NULL;
}

/* ---- messages ---- */

size_t kdp_add(struct nl_batch *b, const struct kdp *d, const struct genl_family *f, uint8_t cmd,
	       uint16_t flags)
{
	struct ovs_header h = { .dp_ifindex = (int)d->ifindex };
	size_t i = genl_add(b, f->id, cmd, (uint8_t)MAX(f->version, 1u), flags);

	buf_put(&b->buf, &h, sizeof(h));
	return i;
}

const void *kdp_attrs(const struct kdp *d, const struct genl_family *f, const struct nlmsghdr *h,
		      size_t *len)
{
	const void *p =
		h->nlmsg_type == f->id ? genl_payload(h, sizeof(struct ovs_header), len) : NULL;
	struct ovs_header oh;

	if (!p)
		return NULL;
	memcpy(&oh, (const uint8_t *)p - NLMSG_ALIGN(sizeof(oh)), sizeof(oh));
	return !d->ifindex || oh.dp_ifindex == (int)d->ifindex ? p : NULL;
}
