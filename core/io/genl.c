/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/genl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <string.h>

#include "core/io/nl_dumps.h"

size_t genl_add(struct nl_batch *b, uint16_t family, uint8_t cmd, uint8_t version, uint16_t flags)
{
	struct genlmsghdr g = { .cmd = cmd, .version = version };
	size_t i = nl_batch_add(b, family, flags);

	buf_put(&b->buf, &g, sizeof(g));
	return i;
}

const void *genl_payload(const struct nlmsghdr *h, size_t own, size_t *len)
{
	size_t skip = NLMSG_HDRLEN + GENL_HDRLEN + NLMSG_ALIGN(own);

	if (h->nlmsg_len < skip)
		return NULL;
	*len = h->nlmsg_len - skip;
	return (const uint8_t *)h + skip;
}

uint8_t genl_cmd(const struct nlmsghdr *h)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(h);

	return h->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN ? 0 : g->cmd;
}

static void take_group(const struct nlattr *entry, struct genl_family *f)
{
	static const struct nlattr_policy policy[] = {
		[CTRL_ATTR_MCAST_GRP_NAME] = { 1, GENL_NAMSIZ },
		[CTRL_ATTR_MCAST_GRP_ID] = NLATTR_EXACT(4),
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];

	if (f->n_groups == GENL_GROUPS ||
	    nlattr_parse_nested(entry, policy, ARRAY_SIZE(policy), a) < 0 ||
	    !a[CTRL_ATTR_MCAST_GRP_NAME] || !a[CTRL_ATTR_MCAST_GRP_ID])
		return;
	f->groups[f->n_groups].id = nlattr_u32(a[CTRL_ATTR_MCAST_GRP_ID]);
	(void)nlattr_str(a[CTRL_ATTR_MCAST_GRP_NAME], f->groups[f->n_groups].name,
			 sizeof(f->groups[0].name));
	f->n_groups++;
}

static int take_family(const struct nlmsghdr *h, struct genl_family *f)
{
	static const struct nlattr_policy policy[] = {
		[CTRL_ATTR_FAMILY_ID] = NLATTR_EXACT(2),
		[CTRL_ATTR_VERSION] = NLATTR_EXACT(4),
		[CTRL_ATTR_MCAST_GROUPS] = NLATTR_ANY,
	};
	const struct nlattr *a[ARRAY_SIZE(policy)], *g;
	size_t len = 0;
	const void *p = h ? genl_payload(h, 0, &len) : NULL;
	bool bad = false;

	memset(f, 0, sizeof(*f));
	if (!p || nlattr_parse(p, len, policy, ARRAY_SIZE(policy), a) < 0 ||
	    !a[CTRL_ATTR_FAMILY_ID])
		return -EBADMSG;
	f->id = nlattr_u16(a[CTRL_ATTR_FAMILY_ID]);
	if (a[CTRL_ATTR_VERSION])
		f->version = nlattr_u32(a[CTRL_ATTR_VERSION]);
	if (!a[CTRL_ATTR_MCAST_GROUPS])
		return 0;
	NLATTR_FOR_EACH(g, nlattr_data(a[CTRL_ATTR_MCAST_GROUPS]),
			nlattr_len(a[CTRL_ATTR_MCAST_GROUPS]), &bad)
	take_group(g, f);
	return bad ? -EBADMSG : 0;
}

int genl_find(struct nl_chan *c, const char *name, struct genl_family *ret, struct error *err)
{
	struct genl_family f;
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	(void)genl_add(&b, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
	nlattr_put_str(&b.buf, CTRL_ATTR_FAMILY_NAME, name);
	(void)nl_chan_do(c, &b); /* the request has the code, too */
	rc = nl_batch_code(&b, 0);
	if (!rc)
		rc = take_family(nl_batch_data(&b, 0), &f);
	nl_batch_done(&b);
	if (rc == -ENOENT)
		return error_set(err, ENOENT, NULL, "this kernel has no %s", name);
	if (rc)
		return error_set(err, -rc, NULL, "generic netlink family %s: %s", name,
				 strerrordesc_np(-rc));
	nl_dumps_family(name, f.id);
	*ret = f;
	return 0;
}

uint32_t genl_group(const struct genl_family *f, const char *name)
{
	for (unsigned i = 0; i < f->n_groups; i++) {
		if (!strcmp(f->groups[i].name, name))
			return f->groups[i].id;
	}
	return 0;
}
