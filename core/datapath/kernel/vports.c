/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/datapath/kernel/kernel.h"
#include "core/port/linux_link.h"

LOG_MODULE("dp.kernel");

/* ---- the table ---- */

static void table_set(struct kdp *d, uint32_t no, struct kdp_vport *v)
{
	lock_take(&d->ports_lock);
	if (no >= d->n_ports) {
		uint32_t n = MIN(MAX(2 * d->n_ports, no + 64), KDP_MAX_PORTS);

		d->ports = xrealloc(d->ports, n * sizeof(*d->ports));
		memset(d->ports + d->n_ports, 0, (n - d->n_ports) * sizeof(*d->ports));
		d->n_ports = n;
	}
	d->ports[no] = v;
	lock_give(&d->ports_lock);
}

static struct kdp_vport *by_name(const struct kdp *d, const char *name)
{
	for (uint32_t i = 0; i < d->n_ports; i++) {
		if (d->ports[i] && !strcmp(d->ports[i]->up.name, name))
			return d->ports[i];
	}
	return NULL;
}

/* A number that we know of no port for.  The kernel frees a number when its device vanishes; here
 * it is taken until the port is removed, so that nobody removes another's port. */
static uint32_t free_number(const struct kdp *d, uint32_t from)
{
	while (from < d->n_ports && d->ports[from])
		from++;
	return from;
}

/* ---- what the kernel says of a port ---- */

struct answer {
	uint32_t no, type;
	int ifindex;
	char name[64];
};

static int read_answer(const struct kdp *d, const struct nlmsghdr *h, struct answer *ret)
{
	static const struct nlattr_policy policy[] = {
		[OVS_VPORT_ATTR_PORT_NO] = NLATTR_EXACT(4),
		[OVS_VPORT_ATTR_TYPE] = NLATTR_EXACT(4),
		[OVS_VPORT_ATTR_NAME] = { 1, 64 },
		[OVS_VPORT_ATTR_IFINDEX] = NLATTR_EXACT(4),
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];
	size_t len = 0;
	const void *p = h ? kdp_attrs(d, &d->fam->vport, h, &len) : NULL;

	if (!p || nlattr_parse(p, len, policy, ARRAY_SIZE(policy), a) < 0 ||
	    !a[OVS_VPORT_ATTR_PORT_NO] || !a[OVS_VPORT_ATTR_TYPE] || !a[OVS_VPORT_ATTR_NAME])
		return -EBADMSG;
	ret->no = nlattr_u32(a[OVS_VPORT_ATTR_PORT_NO]);
	ret->type = nlattr_u32(a[OVS_VPORT_ATTR_TYPE]);
	(void)nlattr_str(a[OVS_VPORT_ATTR_NAME], ret->name, sizeof(ret->name));
	ret->ifindex = 0;
	if (a[OVS_VPORT_ATTR_IFINDEX])
		ret->ifindex = (int)nlattr_u32(a[OVS_VPORT_ATTR_IFINDEX]);
	else if (linux_link_find(ret->name, &ret->ifindex))
		return -ENODEV;
	return ret->no < KDP_MAX_PORTS ? 0 : -EBADMSG;
}

static const char *kind_of(const struct answer *ans, uint16_t *dst_port)
{
	const struct kdp_tunnel *t = kdp_tunnel_of_device(ans->name, dst_port);

	return ans->type == OVS_VPORT_TYPE_INTERNAL ? "internal"
	       : t                                  ? kdp_tunnel_type(t)
						    : "system";
}

static struct kdp_vport *enter(struct kdp *d, const struct answer *ans)
{
	uint16_t dst_port = 0;
	const char *kind = kind_of(ans, &dst_port);
	struct kdp_vport *v = kdp_vport_new(ans->name, kind, ans->type, ans->ifindex, ans->no);

	v->dst_port = dst_port;
	v->device_ours = kdp_tunnel_find(kind) != NULL;
	table_set(d, ans->no, v);
	return v;
}

/* ---- a former life ---- */

static int load(struct kdp *d, struct kdp_work *w)
{
	const struct nlmsghdr *h;
	struct answer ans;
	int rc;

	(void)kdp_add(&w->batch, d, &d->fam->vport, OVS_VPORT_CMD_GET, 0);
	rc = nl_dump_begin(w->chan, &w->batch);
	while (!rc && (rc = nl_dump_next(w->chan, &h)) > 0) {
		/* The datapath's own device is always there. */
		rc = read_answer(d, h, &ans);
		if (!rc && ans.no)
			enter(d, &ans)->stale = true;
		d->strange += rc != 0;
		rc = 0;
	}
	nl_dump_end(w->chan);
	return rc;
}

static void forget_all(struct kdp *d)
{
	for (uint32_t i = 0; i < d->n_ports; i++) {
		if (d->ports[i])
			port_release(&d->ports[i]->up);
		d->ports[i] = NULL;
	}
}

int kdp_vports_load(struct kdp *d, struct error *err)
{
	int rc, tries = 0;
	struct kdp_work *w = kdp_work_get(d, &rc);

	for (; w && tries < 10; tries++) {
		rc = load(d, w);
		nl_batch_clear(&w->batch);
		if (rc != -EINTR)
			break;
		forget_all(d);
	}
	if (w)
		kdp_work_put(d, w);
	return rc ? error_set(err, -rc, NULL, "the ports of datapath %s cannot be read: %s",
			      d->up.name, strerrordesc_np(-rc))
		  : 0;
}

/* ---- requests ---- */

/* One request about a port, which `fill` has begun in w->batch. */
static int do_one(struct kdp_work *w, struct error *err, const char *what)
{
	int rc = nl_chan_do(w->chan, &w->batch);

	return rc ? error_set(err, -rc, NULL, "%s: %s", what, strerrordesc_np(-rc))
		  : nl_batch_error(&w->batch, 0, err, what);
}

static int ask_new(struct kdp *d, struct kdp_work *w, const char *name, uint32_t type, uint32_t no,
		   struct answer *ans, struct error *err)
{
	char what[192];
	uint32_t pid;
	int rc;

	nl_batch_clear(&w->batch);
	(void)snprintf(what, sizeof(what), "%s cannot be a port of datapath %s", name, d->up.name);
	(void)kdp_add(&w->batch, d, &d->fam->vport, OVS_VPORT_CMD_NEW, NLM_F_ECHO);
	nlattr_put_u32(&w->batch.buf, OVS_VPORT_ATTR_TYPE, type);
	nlattr_put_str(&w->batch.buf, OVS_VPORT_ATTR_NAME, name);
	nlattr_put_u32(&w->batch.buf, OVS_VPORT_ATTR_PORT_NO, no);
	pid = d->per_cpu ? 0 : kdp_upcall_pid(d, no);
	nlattr_put_u32(&w->batch.buf, OVS_VPORT_ATTR_UPCALL_PID, pid);
	rc = do_one(w, err, what);
	if (!rc)
		rc = read_answer(d, nl_batch_data(&w->batch, 0), ans);
	return rc;
}

/* A moment without memory leaves no port behind that nobody knows of. */
#define DEL_TRIES 3
static int ask_del(struct kdp *d, uint32_t no)
{
	int rc;
	struct kdp_work *w = kdp_work_get(d, &rc);

	if (!w)
		return rc;
	for (unsigned i = 0; i < DEL_TRIES; i++) {
		nl_batch_clear(&w->batch);
		(void)kdp_add(&w->batch, d, &d->fam->vport, OVS_VPORT_CMD_DEL, 0);
		nlattr_put_u32(&w->batch.buf, OVS_VPORT_ATTR_PORT_NO, no);
		rc = do_one(w, NULL, "");
		if (i && rc == -ENODEV)
			rc = 0; /* done, and the answer was lost */
		if (rc != -ENOMEM && rc != -ENOBUFS)
			break;
	}
	kdp_work_put(d, w);
	return rc;
}

/* The answer to a request for a port was lost: when the kernel has made it, it goes again. */
static void undo_new(struct kdp *d, struct kdp_work *w, const char *name)
{
	struct answer ans;

	nl_batch_clear(&w->batch);
	(void)kdp_add(&w->batch, d, &d->fam->vport, OVS_VPORT_CMD_GET, 0);
	nlattr_put_str(&w->batch.buf, OVS_VPORT_ATTR_NAME, name);
	if (!do_one(w, NULL, "") && !read_answer(d, nl_batch_data(&w->batch, 0), &ans) && ans.no &&
	    free_number(d, ans.no) == ans.no)
		(void)ask_del(d, ans.no); /* else the next request says so */
}

/* ---- coming ---- */

static int type_of(const struct port_config *cfg, struct error *err)
{
	const char *type = cfg->type ? cfg->type : "";

	if (!*type || !strcmp(type, "system") || kdp_tunnel_find(type))
		return OVS_VPORT_TYPE_NETDEV;
	if (!strcmp(type, "internal"))
		return OVS_VPORT_TYPE_INTERNAL;
	return error_set(err, EAFNOSUPPORT, "type",
			 "the kernel datapath has no ports of type \"%s\"", type);
}

/* A port of that name from a former life, when it is what is asked for; another kind goes. */
static struct kdp_vport *take_stale(struct kdp *d, const char *name, int type, struct error *err,
				    int *rc)
{
	struct kdp_vport *v = by_name(d, name);
	int ifindex = 0;

	*rc = 0;
	if (!v)
		return NULL;
	if (!v->stale) {
		*rc = error_set(err, EEXIST, "name", "port %s is there already, as %u", name,
				v->up.no.v);
		return NULL;
	}
	if (v->type == (uint32_t)type && !linux_link_find(name, &ifindex) &&
	    ifindex == v->ifindex) {
		v->stale = false;
		return v;
	}
	(void)kdp_port_del(&d->up, v->up.no); /* the new one's error says if it is in the way */
	return NULL;
}

/* The number may be in use for a port that somebody else has added: EBUSY, as for a device that
 * belongs to a bridge. */
#define NUMBERS_TRIED 4
static int new_port(struct kdp *d, struct kdp_work *w, const char *name, int type,
		    struct dp_port wanted, struct answer *ans, struct error *err)
{
	bool any = wanted.v == DP_PORT_NONE;
	uint32_t no = any ? free_number(d, 1) : wanted.v;
	int rc = -EBUSY;

	if (no != free_number(d, no))
		return error_set(err, EBUSY, NULL, "port number %u is taken by %s", no,
				 d->ports[no]->up.name);
	for (unsigned i = 0; i < (any ? NUMBERS_TRIED : 1) && rc == -EBUSY; i++) {
		if (no >= KDP_MAX_PORTS)
			return error_set(err, ENOSPC, NULL, "port numbers end at %u",
					 KDP_MAX_PORTS - 1);
		if (err)
			error_clear(err);
		rc = ask_new(d, w, name, (uint32_t)type, no, ans, err);
		no = free_number(d, no + 1);
	}
	if (rc == -ENOBUFS)
		undo_new(d, w, name);
	return rc;
}

/* The device's address and MTU, when its port is new. */
static int settle(struct kdp *d, struct kdp_vport *v, const struct port_config *cfg,
		  struct error *err)
{
	int rc = v->up.ops->reconfigure(&v->up, cfg, err);

	if (rc == -EBUSY && err && !err->code)
		(void)error_set(err, EBUSY, NULL, "the device %s is gone again", v->up.name);
	if (rc)
		(void)kdp_port_del(&d->up, v->up.no); /* nothing was promised */
	return rc;
}

/* Is it the datapath that is not there? */
static bool made_again(struct kdp *d)
{
	uint32_t was = d->ifindex;
	bool made;

	lock_take(&d->heal_lock);
	made = !kdp_ensure(d, NULL) && d->ifindex != was;
	lock_give(&d->heal_lock);
	return made;
}

static int add(struct kdp *d, const char *name, const struct port_config *cfg,
	       struct dp_port wanted, int type, struct dp_port *no, struct error *err)
{
	struct kdp_vport *v;
	struct kdp_work *w;
	struct answer ans = { .no = 0 };
	int rc;

	w = kdp_work_get(d, &rc);
	if (!w)
		return error_set(err, -rc, NULL, "no netlink socket: %s", strerrordesc_np(-rc));
	rc = new_port(d, w, name, type, wanted, &ans, err);
	if (rc == -ENODEV && made_again(d)) {
		if (err)
			error_clear(err);
		rc = new_port(d, w, name, type, wanted, &ans, err);
	}
	kdp_work_put(d, w);
	if (rc)
		return rc;
	v = enter(d, &ans);
	(void)snprintf(v->kind, sizeof(v->kind), "%s",
		       cfg->type && *cfg->type ? cfg->type : "system");
	rc = settle(d, v, cfg, err);
	if (!rc)
		*no = v->up.no;
	return rc;
}

int kdp_port_add(struct dp *dp, const struct port_config *cfg, struct dp_port wanted,
		 struct dp_port *no, struct error *err)
{
	struct kdp *d = kdp_of(dp);
	const struct kdp_tunnel *t = kdp_tunnel_find(cfg->type ? cfg->type : "");
	int type = type_of(cfg, err), rc = 0;
	char name[64];
	uint16_t dst_port = 0;
	struct kdp_vport *v;

	if (type < 0)
		return type;
	(void)snprintf(name, sizeof(name), "%s", cfg->name);
	if (t)
		rc = kdp_tunnel_name(t, cfg, name, &dst_port, err);
	if (rc)
		return rc;
	v = take_stale(d, name, type, err, &rc);
	if (v) {
		*no = v->up.no;
		rc = v->up.ops->reconfigure(&v->up, cfg, err);
	}
	if (v || rc)
		return rc;
	if (t)
		rc = kdp_tunnel_make(t, cfg, name, dst_port, err);
	else if (type == OVS_VPORT_TYPE_NETDEV)
		rc = linux_link_is_free(name, err);
	if (!rc)
		rc = add(d, name, cfg, wanted, type, no, err);
	if (rc && t)
		kdp_tunnel_remove(name);
	return rc;
}

/* ---- going ---- */

static struct kdp_vport *take_out(struct kdp *d, uint32_t no)
{
	struct kdp_vport *v = NULL;

	lock_take(&d->ports_lock);
	if (no < d->n_ports) {
		v = d->ports[no];
		d->ports[no] = NULL;
	}
	lock_give(&d->ports_lock);
	return v;
}

int kdp_port_del(struct dp *dp, struct dp_port no)
{
	struct kdp *d = kdp_of(dp);
	struct kdp_vport *v = take_out(d, no.v);
	int rc;

	if (!v)
		return -ENODEV;
	rc = ask_del(d, no.v);
	if (v->device_ours)
		kdp_tunnel_remove(v->up.name);
	port_release(&v->up);
	return rc;
}

void kdp_vports_drop_stale(struct kdp *d)
{
	for (uint32_t i = 0; i < d->n_ports; i++) {
		if (d->ports[i] && d->ports[i]->stale)
			(void)kdp_port_del(&d->up, d->ports[i]->up.no); /* gone is gone */
	}
}

void kdp_vports_free(struct kdp *d, bool leave)
{
	for (uint32_t i = 0; i < d->n_ports && !leave; i++) {
		if (d->ports[i] && d->ports[i]->device_ours)
			(void)kdp_port_del(&d->up, d->ports[i]->up.no); /* gone is gone */
	}
	forget_all(d);
}

/* ---- looking ---- */

static struct kdp_vport *get(struct kdp *d, uint32_t no)
{
	struct kdp_vport *v = NULL;

	lock_take(&d->ports_lock);
	if (no < d->n_ports)
		v = d->ports[no];
	if (v)
		(void)port_ref(&v->up); /* the caller has v */
	lock_give(&d->ports_lock);
	return v;
}

/* Somebody else may take a port out of the datapath, or remove the datapath: while the device is
 * there it is put back.  Said by the kernel's notice that the device has no master any more, which
 * has the port looked at. */
static bool is_in_kernel(struct kdp *d, const struct kdp_vport *v)
{
	struct answer ans = { .no = 0 };
	int rc;
	struct kdp_work *w = kdp_work_get(d, &rc);

	if (!w)
		return true; /* not known */
	(void)kdp_add(&w->batch, d, &d->fam->vport, OVS_VPORT_CMD_GET, 0);
	nlattr_put_u32(&w->batch.buf, OVS_VPORT_ATTR_PORT_NO, v->up.no.v);
	rc = do_one(w, NULL, "");
	if (!rc)
		rc = read_answer(d, nl_batch_data(&w->batch, 0), &ans);
	kdp_work_put(d, w);
	return rc ? rc != -ENODEV : ans.ifindex == v->ifindex;
}

static void put_back(struct kdp *d, struct kdp_vport *v)
{
	struct error err = ERROR_INIT;
	struct answer ans;
	struct kdp_work *w;
	int rc = kdp_ensure(d, &err);

	w = rc ? NULL : kdp_work_get(d, &rc);
	if (w) {
		rc = ask_new(d, w, v->up.name, v->type, v->up.no.v, &ans, &err);
		kdp_work_put(d, w);
	}
	if (rc)
		log_warn_rl("port %s was taken out of %s by somebody else and cannot be put back: "
			    "%s",
			    v->up.name, d->up.name, err.cause);
	else
		log_warn_rl("port %s was taken out of %s by somebody else: put back", v->up.name,
			    d->up.name);
}

int kdp_port_get(struct dp *dp, struct dp_port no, struct dp_port_info *info)
{
	struct kdp *d = kdp_of(dp);
	struct kdp_vport *v = get(d, no.v);

	if (!v)
		return -ENODEV;
	memset(info, 0, sizeof(*info));
	info->no = no;
	(void)snprintf(info->name, sizeof(info->name), "%s", v->up.name);
	(void)snprintf(info->type, sizeof(info->type), "%s", v->kind);
	info->port = &v->up;
	/* A device that is gone has the zeros of memset: the caller sees carrier and ifindex. */
	if (!v->up.ops->state(&v->up, &info->state) && !is_in_kernel(d, v)) {
		lock_take(&d->heal_lock);
		if (!is_in_kernel(d, v))
			put_back(d, v);
		lock_give(&d->heal_lock);
	}
	(void)v->up.ops->stats(&v->up, &info->stats);
	return 0;
}

/* ---- sockets ---- */

int kdp_vports_set_pids(struct kdp *d)
{
	int rc;
	struct kdp_work *w = kdp_work_get(d, &rc);

	if (!w)
		return rc;
	for (uint32_t i = 0; i <= d->n_ports; i++) {
		uint32_t no = i == d->n_ports ? 0 : i;

		if (i < d->n_ports && !d->ports[i])
			continue;
		(void)kdp_add(&w->batch, d, &d->fam->vport, OVS_VPORT_CMD_SET, 0);
		nlattr_put_u32(&w->batch.buf, OVS_VPORT_ATTR_PORT_NO, no);
		nlattr_put_u32(&w->batch.buf, OVS_VPORT_ATTR_UPCALL_PID,
			       d->per_cpu ? 0 : kdp_upcall_pid(d, no));
	}
	rc = nl_chan_do(w->chan, &w->batch); /* a port that has vanished has its own code */
	kdp_work_put(d, w);
	return rc;
}
