/* SPDX-License-Identifier: Apache-2.0 */
/* Control commands about a datapath's connections: dpctl/…conntrack, dpctl/ct-… (ovs-dpctl(8)).
 *
 * The datapath may be left out where one tracks connections; it has no '=' in its name, which is
 * how it is told from zone=N and tuples.  Arguments are read whole before anything is changed. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/dp_ct_text.h"
#include "core/packet/field.h"
#include "switchd/commands.h"

#define DUMP_TRIES 3 /* of a table that changes meanwhile */

struct args {
	struct dp *dp;
	struct dp_ct_filter f;       /* of zone=N */
	bool more, stats, has_tuple; /* of the original direction, in f */
	int first; /* of the arguments after the datapath, where the command has its own */
};

static void fail(struct ctl_conn *conn, const struct error *err)
{
	char text[400];

	ctl_reply_error(conn, error_text(err, text, sizeof(text)));
}

static const struct dp_ct_ops *ct_of(const struct args *a)
{
	return a->dp->ops->ct;
}

/* --- arguments --- */

/* "system@ovs-system", or "ovs-system" alone. */
static bool is_named(const struct dp *dp, const char *name)
{
	const char *at = strchr(name, '@'), *type = dp->ops->type;

	if (at && (strlen(type) != (size_t)(at - name) || memcmp(type, name, strlen(type)) != 0))
		return false;
	name = at ? at + 1 : name;
	return !strncmp(name, "ovs-", 4) && !strcmp(name + 4, type);
}

/* The datapath of that name, or, where it is NULL, any that tracks connections; NULL and *err. */
static struct dp *find_dp(struct switchd *sw, const char *name, struct error *err)
{
	struct dp *found = NULL;
	struct backend *be = NULL;

	while ((be = switchd_backend_next(sw, be))) {
		struct dp *dp = backend_dp(be);

		if (name ? is_named(dp, name) : !found || !found->ops->ct)
			found = dp;
	}
	if (!found && name)
		(void)error_set(err, ENOENT, NULL, "there is no datapath \"%s\"", name);
	else if (!found)
		(void)error_set(err, ENOENT, NULL, "there is no datapath");
	else if (!found->ops->ct)
		(void)error_set(err, EOPNOTSUPP, NULL,
				"datapath %s@ovs-%s does not track connections", found->ops->type,
				found->ops->type);
	else
		return found;
	return NULL;
}

static int parse_zone(const char *text, int *zone, struct error *err)
{
	uint64_t x;

	if (!field_parse_number(text, &x) || x > UINT16_MAX)
		return error_set(err, EINVAL, "zone", "\"%s\" is not a number of at most %u", text,
				 UINT16_MAX);
	*zone = (int)x;
	return 0;
}

static int parse_limit(const char *text, uint32_t *limit, struct error *err)
{
	uint64_t x;

	if (!field_parse_number(text, &x) || x > UINT32_MAX)
		return error_set(err, EINVAL, "limit", "\"%s\" is not a number of at most %u", text,
				 UINT32_MAX);
	*limit = (uint32_t)x;
	return 0;
}

/* False: it is no option. */
static bool take_option(const char *s, struct args *a)
{
	if (!strcmp(s, "-m") || !strcmp(s, "--more"))
		a->more = true;
	else if (!strcmp(s, "-s") || !strcmp(s, "--statistics"))
		a->stats = true;
	else
		return false;
	return true;
}

/* Options and the datapath, from which on the arguments are the command's. */
static int parse_head(struct switchd *sw, int argc, const char *const argv[], struct args *a,
		      struct error *err)
{
	const char *name = NULL;
	int i = 1;

	*a = (struct args){ .f.zone = DP_CT_ANY_ZONE };
	for (; i < argc && !strchr(argv[i], '='); i++) {
		if (take_option(argv[i], a))
			continue;
		if (*argv[i] == '-' || name) {
			(void)error_set(err, EINVAL, NULL, "\"%s\" is not understood", argv[i]);
			return -EINVAL;
		}
		name = argv[i];
	}
	a->first = i;
	a->dp = find_dp(sw, name, err);
	return a->dp ? 0 : -ENOENT;
}

/* [-m] [-s] [DP] [zone=N], options also at the end; up to `own` arguments after these. */
static int parse_filtered(struct switchd *sw, int argc, const char *const argv[], int own,
			  struct args *a, struct error *err)
{
	int rc = parse_head(sw, argc, argv, a, err);

	if (!rc && a->first < argc && !strncmp(argv[a->first], "zone=", 5))
		rc = parse_zone(argv[a->first++] + 5, &a->f.zone, err);
	while (!rc && a->first < argc && take_option(argv[a->first], a))
		a->first++;
	if (!rc && argc - a->first > own)
		rc = error_set(err, EINVAL, NULL, "\"%s\" is not understood", argv[a->first + own]);
	return rc;
}

/* --- dpctl/dump-conntrack, dpctl/ct-stats-show --- */

/* What fn has gathered of an incomplete dump `forget` takes back. */
static int dump(const struct args *a, bool (*fn)(const struct dp_ct_entry *e, void *arg),
		void (*forget)(void *arg), void *arg, struct error *err)
{
	int rc = -EINTR;

	for (unsigned i = 0; i < DUMP_TRIES && rc == -EINTR; i++) {
		forget(arg);
		rc = ct_of(a)->dump(a->dp, &a->f, fn, arg);
	}
	if (rc && rc != -EINTR) /* the last try of a busy table is an answer too */
		return error_set(err, -rc, NULL, "connections cannot be listed: %s",
				 strerrordesc_np(-rc));
	return 0;
}

struct listing {
	struct args a;
	struct str out;
};

static bool list_entry(const struct dp_ct_entry *e, void *arg)
{
	struct listing *l = arg;

	dp_ct_text_entry(e, l->a.more, l->a.stats, &l->out);
	str_putc(&l->out, '\n');
	return true;
}

static void forget_list(void *arg)
{
	struct listing *l = arg;

	str_clear(&l->out);
}

static void do_dump(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct listing l = { .out = STR_INIT };
	struct error err = ERROR_INIT;

	if (parse_filtered(aux, argc, argv, 0, &l.a, &err) ||
	    dump(&l.a, list_entry, forget_list, &l, &err)) {
		fail(conn, &err);
		str_done(&l.out);
		return;
	}
	command_done(conn, &l.out);
}

enum { BY_TCP, BY_UDP, BY_UDPLITE, BY_SCTP, BY_ICMP, BY_ICMPV6, BY_DCCP, BY_IGMP, BY_OTHER, N_BY };

struct counts {
	uint64_t all, by[N_BY], tcp[DP_CT_TEXT_N_TCP];
};

static bool count_entry(const struct dp_ct_entry *e, void *arg)
{
	static const struct {
		uint8_t proto, by;
	} of[] = {
		{ IPPROTO_TCP, BY_TCP },         { IPPROTO_UDP, BY_UDP },
		{ IPPROTO_UDPLITE, BY_UDPLITE }, { IPPROTO_SCTP, BY_SCTP },
		{ IPPROTO_ICMP, BY_ICMP },       { IPPROTO_ICMPV6, BY_ICMPV6 },
		{ IPPROTO_DCCP, BY_DCCP },       { IPPROTO_IGMP, BY_IGMP },
	};
	struct counts *c = arg;
	size_t i = 0;

	while (i < ARRAY_SIZE(of) && of[i].proto != e->orig.proto)
		i++;
	c->all++;
	c->by[i < ARRAY_SIZE(of) ? of[i].by : BY_OTHER]++;
	if (e->orig.proto == IPPROTO_TCP)
		c->tcp[dp_ct_text_tcp_state(e)]++;
	return true;
}

static void forget_counts(void *arg)
{
	*(struct counts *)arg = (struct counts){ 0 };
}

/* As ovs-dpctl does, which leaves ICMPv6 out of all lines but the first. */
static void put_counts(const struct counts *c, bool more, struct str *out)
{
	static const char *const names[N_BY] = { "TCP",    "UDP",  "UDPLITE", "SCTP", "ICMP",
						 "ICMPV6", "DCCP", "IGMP",    "Other" };

	str_printf(out, "Connections Stats:\n    Total: %" PRIu64 "\n", c->all);
	for (unsigned i = 0; i < N_BY; i++) {
		if (c->by[i])
			str_printf(out, "  %s: %" PRIu64 "\n", names[i], c->by[i]);
		if (i != BY_TCP || !more || !c->by[i])
			continue;
		str_puts(out, "    Conn per TCP states:\n");
		for (unsigned s = 0; s < DP_CT_TEXT_N_TCP; s++)
			if (c->tcp[s])
				str_printf(out, "\t  [%s]=%" PRIu64 "\n", dp_ct_text_tcp_name[s],
					   c->tcp[s]);
	}
}

static void do_stats(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct error err = ERROR_INIT;
	struct str out = STR_INIT;
	struct counts c;
	struct args a;

	if (parse_filtered(aux, argc, argv, 0, &a, &err) ||
	    dump(&a, count_entry, forget_counts, &c, &err)) {
		fail(conn, &err);
		return;
	}
	put_counts(&c, a.more, &out);
	command_done(conn, &out);
}

/* --- dpctl/flush-conntrack --- */

/* A tuple without an address is of both families. */
static int flush(const struct args *a)
{
	static const uint16_t families[] = { AF_INET, AF_INET6 };
	struct dp_ct_filter f = a->f;
	int rc = 0;

	if (f.orig.family || !a->has_tuple)
		return ct_of(a)->flush(a->dp, &f);
	for (size_t i = 0; i < ARRAY_SIZE(families) && !rc; i++) {
		f.orig.family = families[i];
		rc = ct_of(a)->flush(a->dp, &f);
	}
	return rc;
}

static int parse_flush(struct switchd *sw, int argc, const char *const argv[], struct args *a,
		       struct error *err)
{
	int rc = parse_filtered(sw, argc, argv, 1, a, err);

	if (rc || a->first == argc)
		return rc;
	if (a->f.zone == DP_CT_ANY_ZONE)
		a->f.zone = 0; /* of a tuple, as ovs-dpctl(8) has it */
	a->has_tuple = true;
	return dp_ct_text_parse_tuple(argv[a->first], &a->f.orig, err);
}

static void do_flush(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct error err = ERROR_INIT;
	struct args a;
	int rc = parse_flush(aux, argc, argv, &a, &err);

	if (!rc) {
		rc = flush(&a);
		if (rc == -ENOENT)
			(void)error_set(&err, ENOENT, NULL, "there is no such connection");
		else if (rc)
			(void)error_set(&err, -rc, NULL, "connections cannot be removed: %s",
					strerrordesc_np(-rc));
	}
	if (rc)
		fail(conn, &err);
	else
		ctl_reply(conn, NULL);
}

/* --- dpctl/ct-get-limits, dpctl/ct-set-limits, dpctl/ct-del-limits --- */

struct limits {
	/* Reads an argument into l; at least `min` of them are wanted. */
	int (*parse)(const char *text, struct limits *ls, struct error *err);
	int min;
	struct dp_ct_limit *l; /* owned */
	size_t n;
};

static struct dp_ct_limit *add_limit(struct limits *ls)
{
	ls->l = xrealloc(ls->l, (ls->n + 1) * sizeof(*ls->l));
	ls->l[ls->n] = (struct dp_ct_limit){ .zone = DP_CT_DEFAULT_ZONE };
	return &ls->l[ls->n++];
}

/* "zone=N[,N]…" */
static int parse_zones(const char *text, struct limits *ls, struct error *err)
{
	char *copy, *at, *word;
	int rc = 0;

	if (strncmp(text, "zone=", 5))
		return error_set(err, EINVAL, NULL, "\"%s\" is not zone=N[,N]...", text);
	at = copy = xstrdup(text + 5);
	while (!rc && (word = strsep(&at, ",")))
		rc = parse_zone(word, &add_limit(ls)->zone, err);
	free(copy);
	return rc;
}

/* "default=L" or "zone=N,limit=L" */
static int parse_setting(const char *text, struct limits *ls, struct error *err)
{
	const char *limit = strstr(text, ",limit=");
	struct dp_ct_limit *l = add_limit(ls);
	char zone[16] = "";

	if (!strncmp(text, "default=", 8))
		return parse_limit(text + 8, &l->limit, err);
	if (strncmp(text, "zone=", 5) || !limit || (size_t)(limit - text) - 5 >= sizeof(zone))
		return error_set(err, EINVAL, NULL, "\"%s\" is not default=L or zone=N,limit=L",
				 text);
	memcpy(zone, text + 5, (size_t)(limit - text) - 5);
	return parse_zone(zone, &l->zone, err) ?: parse_limit(limit + 7, &l->limit, err);
}

static int parse_limits(struct switchd *sw, int argc, const char *const argv[], struct args *a,
			struct limits *ls, struct error *err)
{
	int rc = parse_head(sw, argc, argv, a, err);

	if (!rc && (a->more || a->stats))
		rc = error_set(err, EINVAL, NULL, "\"%s\" is not understood",
			       a->more ? "-m" : "-s");
	if (!rc && argc - a->first < ls->min)
		rc = error_set(err, EINVAL, NULL, "no limit is named");
	for (int i = a->first; i < argc && !rc; i++)
		rc = ls->parse(argv[i], ls, err);
	return rc;
}

static void put_limit(const struct dp_ct_limit *l, struct str *out)
{
	if (l->zone == DP_CT_DEFAULT_ZONE)
		str_printf(out, "default limit=%" PRIu32 "\n", l->limit);
	else
		str_printf(out, "zone=%d,limit=%" PRIu32 ",count=%" PRIu32 "\n", l->zone, l->limit,
			   l->count);
}

static int put_zones(const struct args *a, struct limits *ls, struct str *out, struct error *err)
{
	struct dp_ct_limit l = { .zone = DP_CT_DEFAULT_ZONE };
	int rc = ct_of(a)->limit_get(a->dp, &l, err);

	if (!rc)
		put_limit(&l, out);
	for (size_t i = 0; i < ls->n && !rc; i++) {
		rc = ct_of(a)->limit_get(a->dp, &ls->l[i], err);
		if (!rc)
			put_limit(&ls->l[i], out);
	}
	return rc;
}

static int put_all(const struct args *a, struct str *out, struct error *err)
{
	struct dp_ct_limit *l = NULL;
	int n, max = 0;

	while ((n = ct_of(a)->limits(a->dp, l, (size_t)max)) > max) {
		max = n;
		l = xrealloc(l, (size_t)max * sizeof(*l));
	}
	for (int i = 0; i < n; i++)
		put_limit(&l[i], out);
	free(l);
	return n < 0 ? error_set(err, -n, NULL, "limits cannot be read: %s", strerrordesc_np(-n))
		     : 0;
}

static void do_get_limits(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct error err = ERROR_INIT;
	struct limits ls = { parse_zones, 0, NULL, 0 };
	struct str out = STR_INIT;
	struct args a;
	int rc = parse_limits(aux, argc, argv, &a, &ls, &err);

	if (!rc)
		rc = ls.n ? put_zones(&a, &ls, &out, &err) : put_all(&a, &out, &err);
	if (rc) {
		fail(conn, &err);
		str_done(&out);
	} else {
		command_done(conn, &out);
	}
	free(ls.l);
}

static void change_limits(struct ctl_conn *conn, int rc, const struct args *a, struct limits *ls,
			  bool del, struct error *err)
{
	for (size_t i = 0; i < ls->n && !rc; i++)
		rc = del ? ct_of(a)->limit_del(a->dp, ls->l[i].zone, err)
			 : ct_of(a)->limit_set(a->dp, &ls->l[i], err);
	if (rc)
		fail(conn, err);
	else
		ctl_reply(conn, NULL);
	free(ls->l);
}

static void do_set_limits(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct error err = ERROR_INIT;
	struct limits ls = { parse_setting, 1, NULL, 0 };
	struct args a;
	int rc = parse_limits(aux, argc, argv, &a, &ls, &err);

	change_limits(conn, rc, &a, &ls, false, &err);
}

static void do_del_limits(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct error err = ERROR_INIT;
	struct limits ls = { parse_zones, 1, NULL, 0 };
	struct args a;
	int rc = parse_limits(aux, argc, argv, &a, &ls, &err);

	change_limits(conn, rc, &a, &ls, true, &err);
}

static const struct ctl_command commands[] = {
	{ "dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, do_dump },
	{ "dpctl/flush-conntrack", "[dp] [zone=N] [ct-tuple]", 0, 3, do_flush },
	{ "dpctl/ct-stats-show", "[-m] [dp] [zone=N]", 0, 3, do_stats },
	{ "dpctl/ct-get-limits", "[dp] [zone=N1[,N2]...]", 0, 2, do_get_limits },
	{ "dpctl/ct-set-limits", "[dp] [default=L] [zone=N,limit=L]...", 1, -1, do_set_limits },
	{ "dpctl/ct-del-limits", "[dp] zone=N1[,N2]...", 1, 2, do_del_limits },
};

void commands_ct_register(struct switchd *sw)
{
	ctl_register_all(sw->ctl, commands, ARRAY_SIZE(commands), sw);
}
