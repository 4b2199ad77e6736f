/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that tunnels' frames leave by: a transmit ring each, shared by all far ends behind it. */
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/port/underlay_priv.h"

#define FRAME_EXTRA 18u /* Ethernet and a tag */

static struct underlay_dev *find(const struct underlay *u, int ifindex, uint32_t mtu)
{
	for (size_t i = 0; i < u->devs->n; i++)
		if (u->devs->dev[i]->ifindex == ifindex && u->devs->dev[i]->mtu == mtu)
			return u->devs->dev[i];
	return NULL;
}

static void devs_change(struct underlay *u, struct underlay_dev *more,
			const struct underlay_dev *less)
{
	struct underlay_devs *old = u->devs;
	struct underlay_devs *devs =
		xzalloc(sizeof(*devs) + (old->n + 1) * sizeof(struct underlay_dev *));

	for (size_t i = 0; i < old->n; i++)
		if (old->dev[i] != less)
			devs->dev[devs->n++] = old->dev[i];
	if (more)
		devs->dev[devs->n++] = more;
	rcu_set_pointer(&u->devs, devs);
	rcu_defer_free(old);
}

struct underlay_dev *underlay_dev_get(struct underlay *u, int ifindex, uint32_t mtu)
{
	struct underlay_dev *d = find(u, ifindex, mtu);

	if (!d) {
		d = xzalloc_cacheline(sizeof(*d));
		d->ifindex = ifindex;
		d->mtu = mtu;
		d->refs = 1;
		if (af_tx_open(&d->tx, ifindex, af_ring_start(AF_TX, mtu + FRAME_EXTRA))) {
			free(d);
			return NULL;
		}
		devs_change(u, d, NULL);
	}
	d->users++;
	return d;
}

static void unref(struct underlay_dev *d)
{
	if (--d->refs)
		return;
	af_tx_close(&d->tx);
	free(d);
}

static void is_quiet(void *dev)
{
	struct underlay_dev *d = dev;

	d->quiet = true;
	unref(d);
}

/* Whoever has it still may send by it for a grace period; its counts are taken after that. */
void underlay_dev_put(struct underlay *u, struct underlay_dev *d)
{
	if (!d || --d->users)
		return;
	devs_change(u, NULL, d);
	d->next = u->retired;
	u->retired = d;
	d->refs++;
	rcu_defer(is_quiet, d);
}

void underlay_devs_reap(struct underlay *u)
{
	for (struct underlay_dev **at = &u->retired, *d; (d = *at);) {
		if (!d->quiet) {
			at = &d->next;
			continue;
		}
		af_tx_flush(&d->tx);
		lock_take(&u->lock);
		lock_take(&d->tx.lock);
		u->gone_full += d->tx.full;
		u->gone_down += d->tx.down;
		lock_give(&d->tx.lock);
		lock_give(&u->lock);
		*at = d->next;
		unref(d);
	}
}

void underlay_devs_free(struct underlay *u)
{
	while (u->retired) {
		struct underlay_dev *d = u->retired;

		u->retired = d->next;
		unref(d);
	}
	for (size_t i = 0; i < u->devs->n; i++)
		unref(u->devs->dev[i]);
	free(u->devs);
}
