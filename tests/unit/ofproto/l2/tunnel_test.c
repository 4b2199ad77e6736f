/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnel options from text and back, and the map of tunnels against a list that is searched from
 * end to end. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "ofproto/l2/tunnel.h"
#include "tests/unit/seed.h"

/* --- options --- */

#define MAX_OPTIONS 8

/* `key=value key=value` */
static int parse(const char *text, struct tunnel_conf *c, struct error *err)
{
	const char *keys[MAX_OPTIONS], *values[MAX_OPTIONS];
	struct port_config cfg = { .name = "t0", .type = "vxlan", .keys = keys, .values = values };
	char *copy = strdup(text), *save = NULL;
	int rc;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(w, '=');

		ck_assert(eq && cfg.n_options < MAX_OPTIONS);
		*eq = '\0';
		keys[cfg.n_options] = w;
		values[cfg.n_options++] = eq + 1;
	}
	rc = tunnel_conf_parse(c, &cfg, err);
	free(copy);
	return rc;
}

static const struct {
	const char *in, *out;
} good[] = {
	{ "remote_ip=1.2.3.4", "remote_ip=1.2.3.4" },
	{ "remote_ip=1.2.3.4 key=0", "key=0, remote_ip=1.2.3.4" },
	{ "remote_ip=flow key=flow local_ip=flow", "key=flow, local_ip=flow, remote_ip=flow" },
	{ "remote_ip=fd00::1 in_key=0x10 out_key=17", "in_key=16, out_key=17, remote_ip=fd00::1" },
	{ "remote_ip=1.2.3.4 key=5 out_key=flow", "in_key=5, out_key=flow, remote_ip=1.2.3.4" },
	{ "remote_ip=1.2.3.4 dst_port=8472 csum=true df_default=false",
	  "csum=true, df_default=false, dst_port=8472, remote_ip=1.2.3.4" },
	{ "remote_ip=1.2.3.4 local_ip=4.3.2.1 tos=inherit ttl=inherit",
	  "local_ip=4.3.2.1, remote_ip=1.2.3.4, tos=inherit, ttl=inherit" },
	{ "remote_ip=1.2.3.4 tos=0x10 ttl=9 exts=gbp",
	  "exts=gbp, remote_ip=1.2.3.4, tos=0x10, ttl=9" },
	{ "remote_ip=flow local_ip=fd00::1 ttl=64 tos=0 csum=false df_default=true",
	  "local_ip=fd00::1, remote_ip=flow" },
	{ "remote_ip=1.2.3.4 nobody_knows=this", "remote_ip=1.2.3.4" },
};

START_TEST(options_are_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct error err = ERROR_INIT;
		struct str s = STR_INIT;
		struct tunnel_conf c;

		ck_assert_msg(!parse(good[i].in, &c, &err), "%s: %s", good[i].in, err.cause);
		tunnel_conf_format(&c, &s);
		ck_assert_str_eq(str_cstr(&s), good[i].out);
		ck_assert(tunnel_conf_equal(&c, &c) && tunnel_conf_clash(&c, &c));
		str_done(&s);
	}
}
END_TEST

static const struct {
	const char *in, *field;
} bad[] = {
	{ "key=5", "options:remote_ip" },
	{ "remote_ip=host.example", "options:remote_ip" },
	{ "remote_ip=224.0.0.1", "options:remote_ip" },
	{ "remote_ip=ff02::1", "options:remote_ip" },
	{ "remote_ip=0.0.0.0", "options:remote_ip" },
	{ "remote_ip=::", "options:remote_ip" },
	{ "remote_ip=::ffff:1.2.3.4", "options:remote_ip" },
	{ "remote_ip=1.2.3.4 local_ip=flow", "options:local_ip" },
	{ "remote_ip=1.2.3.4 local_ip=fd00::1", "options:local_ip" },
	{ "remote_ip=1.2.3.4 local_ip=1.2.3", "options:local_ip" },
	{ "remote_ip=1.2.3.4 key=0x1000000", "options:key" },
	{ "remote_ip=1.2.3.4 key=", "options:key" },
	{ "remote_ip=1.2.3.4 in_key=-1", "options:in_key" },
	{ "remote_ip=1.2.3.4 out_key=zz", "options:out_key" },
	{ "remote_ip=1.2.3.4 dst_port=0", "options:dst_port" },
	{ "remote_ip=1.2.3.4 dst_port=65536", "options:dst_port" },
	{ "remote_ip=1.2.3.4 tos=3", "options:tos" },
	{ "remote_ip=1.2.3.4 tos=256", "options:tos" },
	{ "remote_ip=1.2.3.4 ttl=0", "options:ttl" },
	{ "remote_ip=1.2.3.4 ttl=256", "options:ttl" },
	{ "remote_ip=1.2.3.4 csum=yes", "options:csum" },
	{ "remote_ip=1.2.3.4 df_default=1", "options:df_default" },
	{ "remote_ip=1.2.3.4 exts=gbp,gpe", "options:exts" },
};

START_TEST(bad_options_are_named)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;
		struct tunnel_conf c;

		ck_assert_msg(parse(bad[i].in, &c, &err) == -EINVAL, "%s", bad[i].in);
		ck_assert_str_eq(err.field, bad[i].field);
	}
}
END_TEST

/* --- the map --- */

#define MAX_TUNNELS 60
#define N_DPS 3

static struct be128 pick_addr(struct rng *r)
{
	struct be128 a = { .w = { htonl(0xfd000000), 0, 0, htonl((uint32_t)rng_below(r, 3)) } };

	return rng_below(r, 3) ? ip_addr4(htonl(0x0a000000 + (uint32_t)rng_below(r, 3))) : a;
}

static void random_conf(struct rng *r, struct tunnel_conf *c)
{
	*c = (struct tunnel_conf){ .ttl = TUNNEL_TTL };
	c->in_key_flow = !rng_below(r, 3);
	if (!c->in_key_flow)
		c->in_key = hton64(rng_below(r, 3));
	c->remote_flow = !rng_below(r, 3);
	if (!c->remote_flow)
		c->remote = pick_addr(r);
	c->local_set = !rng_below(r, 2);
	if (c->local_set)
		c->local = pick_addr(r);
	else
		c->local_flow = c->remote_flow && rng_below(r, 2);
}

struct list {
	struct tunnel_conf conf[MAX_TUNNELS];
	struct tunnel_entry e[MAX_TUNNELS];
	size_t n;
};

static void random_list(struct rng *r, struct list *l)
{
	size_t want = rng_below(r, MAX_TUNNELS);

	l->n = 0;
	for (size_t i = 0; i < want; i++) {
		struct dp_port dp = { 1 + (uint32_t)rng_below(r, N_DPS - 1) };
		bool clash = false;

		random_conf(r, &l->conf[l->n]);
		l->conf[l->n].dst_port = (uint16_t)dp.v;
		for (size_t j = 0; j < l->n; j++)
			clash |= tunnel_conf_clash(&l->conf[j], &l->conf[l->n]);
		if (clash)
			continue;
		l->e[l->n] = (struct tunnel_entry){ dp, &l->conf[l->n], &l->conf[l->n] };
		l->n++;
	}
}

static bool same_addr(const struct be128 *a, struct be128 b)
{
	return !memcmp(a, &b, sizeof(b));
}

static bool takes(const struct tunnel_conf *c, const struct flow_tnl *t)
{
	return (c->in_key_flow || c->in_key == t->tun_id) &&
	       (c->remote_flow || same_addr(&c->remote, tunnel_src(t))) &&
	       (!c->local_set || same_addr(&c->local, tunnel_dst(t)));
}

/* Larger is more specific. */
static unsigned rank(const struct tunnel_conf *c)
{
	return (unsigned)!c->in_key_flow * 8 + (unsigned)!c->remote_flow * 4 +
	       (c->local_set    ? 2u
		: c->local_flow ? 0u
				: 1u);
}

static void *search(const struct list *l, const struct flow_key *k)
{
	const struct tunnel_conf *best = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (l->e[i].dp.v == ntohl(k->in_port) && takes(&l->conf[i], &k->tunnel) &&
		    (!best || rank(&l->conf[i]) > rank(best)))
			best = &l->conf[i];
	return (void *)(uintptr_t)best;
}

static void random_packet(struct rng *r, struct flow_key *k)
{
	struct be128 src = pick_addr(r), dst = pick_addr(r);

	memset(k, 0, sizeof(*k));
	k->in_port = htonl((uint32_t)rng_below(r, N_DPS));
	k->tunnel.tun_id = hton64(rng_below(r, 4));
	k->tunnel.ttl = (uint8_t)rng_next(r);
	k->tunnel.tos = (uint8_t)rng_next(r);
	if (ip_addr_is4(&src) != ip_addr_is4(&dst))
		dst = src;
	tunnel_set_src(&k->tunnel, &src);
	tunnel_set_dst(&k->tunnel, &dst);
}

START_TEST(packets_find_the_most_specific_port)
{
	struct rng r = rng_start("tunnel_test");
	unsigned found = 0, missed = 0;
	struct list l;

	for (unsigned round = 0; round < 2000; round++) {
		struct tunnel_map *m;

		random_list(&r, &l);
		m = tunnel_map_new(l.e, l.n);
		for (unsigned i = 0; i < 50; i++) {
			struct flow_key k, mask = { 0 }, other, ignored = { 0 };
			void *port;

			random_packet(&r, &k);
			port = tunnel_map_find(m, &k, &mask);
			ck_assert_ptr_eq(port, search(&l, &k));
			found += port != NULL;
			missed += !port;
			/* Whoever agrees in the bits that were looked at is in the same port. */
			mask.in_port = ~0u;
			random_packet(&r, &other);
			if (flow_key_equal_masked(&k, &other, &mask))
				ck_assert_ptr_eq(tunnel_map_find(m, &other, &ignored), port);
		}
		tunnel_map_free(m);
	}
	ck_assert_uint_gt(found, 1000);
	ck_assert_uint_gt(missed, 1000);
}
END_TEST

START_TEST(only_what_ports_tell_apart_is_looked_at)
{
	struct tunnel_conf any = { .in_key_flow = true, .remote_flow = true };
	struct tunnel_entry e = { { 1 }, &any, &any };
	struct flow_key k = { .in_port = htonl(1) }, mask = { 0 };
	struct tunnel_map *m = tunnel_map_new(&e, 1);

	k.tunnel.src = htonl(1);
	ck_assert_ptr_eq(tunnel_map_find(m, &k, &mask), &any);
	ck_assert_uint_eq(flow_map_of(&mask), 0);
	ck_assert(tunnel_map_has(m, (struct dp_port){ 1 }));
	ck_assert(!tunnel_map_has(m, (struct dp_port){ 2 }));
	ck_assert(!tunnel_map_has(NULL, (struct dp_port){ 1 }));
	tunnel_map_free(m);
	ck_assert_ptr_null(tunnel_map_new(NULL, 0));
	tunnel_map_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunnel");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_test(c, options_are_read);
	tcase_add_test(c, bad_options_are_named);
	tcase_add_test(c, packets_find_the_most_specific_port);
	tcase_add_test(c, only_what_ports_tell_apart_is_looked_at);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
