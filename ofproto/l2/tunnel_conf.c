/* SPDX-License-Identifier: Apache-2.0 */
/* A tunnel port's options, one row each: from text and back. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/packet/field.h"
#include "ofproto/l2/tunnel.h"

static int bad(struct error *err, const char *option, const char *text, const char *want)
{
	char field[64];

	snprintf(field, sizeof(field), "options:%s", option);
	return error_set(err, EINVAL, field, "options:%s: \"%s\" is not %s", option, text, want);
}

static bool parse_addr(const char *text, struct be128 *a)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*a = ip_addr4(v4.s_addr);
		return v4.s_addr != 0;
	}
	return inet_pton(AF_INET6, text, a) == 1 && !ip_addr_is_zero(a) && !ip_addr_is4(a);
}

static int parse_remote(struct tunnel_conf *c, const char *text, struct error *err)
{
	c->remote_flow = !strcmp(text, "flow");
	if (c->remote_flow)
		return 0;
	if (!parse_addr(text, &c->remote) || ip_addr_is_multicast(&c->remote))
		return bad(err, "remote_ip", text, "a unicast IPv4 or IPv6 address, or flow");
	return 0;
}

static int parse_local(struct tunnel_conf *c, const char *text, struct error *err)
{
	c->local_flow = !strcmp(text, "flow");
	if (c->local_flow)
		return 0;
	if (!parse_addr(text, &c->local) || ip_addr_is_multicast(&c->local))
		return bad(err, "local_ip", text, "a unicast IPv4 or IPv6 address, or flow");
	c->local_set = true;
	return 0;
}

static int parse_key(const char *option, const char *text, bool *flow, be64 *key, struct error *err)
{
	uint64_t x = 0;

	*flow = !strcmp(text, "flow");
	if (!*flow && (!field_parse_number(text, &x) || x > TUNNEL_KEY_MAX))
		return bad(err, option, text, "a number of at most 24 bits, or flow");
	*key = hton64(x);
	return 0;
}

static int parse_in_key(struct tunnel_conf *c, const char *text, struct error *err)
{
	return parse_key("in_key", text, &c->in_key_flow, &c->in_key, err);
}

static int parse_out_key(struct tunnel_conf *c, const char *text, struct error *err)
{
	c->out_key_set = true;
	return parse_key("out_key", text, &c->out_key_flow, &c->out_key, err);
}

static int parse_both_keys(struct tunnel_conf *c, const char *text, struct error *err)
{
	int rc = parse_key("key", text, &c->in_key_flow, &c->in_key, err);

	c->out_key_flow = c->in_key_flow;
	c->out_key = c->in_key;
	c->out_key_set = true;
	return rc;
}

static int parse_dst_port(struct tunnel_conf *c, const char *text, struct error *err)
{
	uint64_t x;

	if (!field_parse_number(text, &x) || !x || x > UINT16_MAX)
		return bad(err, "dst_port", text, "a UDP port, 1 to 65535");
	c->dst_port = (uint16_t)x;
	return 0;
}

static int parse_tos(struct tunnel_conf *c, const char *text, struct error *err)
{
	uint64_t x = 0;

	c->tos_inherit = !strcmp(text, "inherit");
	if (!c->tos_inherit && (!field_parse_number(text, &x) || x & ~UINT64_C(0xfc)))
		return bad(err, "tos", text, "a number below 256 without ECN bits, or inherit");
	c->tos = (uint8_t)x;
	return 0;
}

static int parse_ttl(struct tunnel_conf *c, const char *text, struct error *err)
{
	uint64_t x = TUNNEL_TTL;

	c->ttl_inherit = !strcmp(text, "inherit");
	if (!c->ttl_inherit && (!field_parse_number(text, &x) || !x || x > UINT8_MAX))
		return bad(err, "ttl", text, "a number, 1 to 255, or inherit");
	c->ttl = (uint8_t)x;
	return 0;
}

static int parse_bool(const char *option, const char *text, bool *value, struct error *err)
{
	*value = !strcmp(text, "true");
	if (!*value && strcmp(text, "false") != 0)
		return bad(err, option, text, "true or false");
	return 0;
}

static int parse_df(struct tunnel_conf *c, const char *text, struct error *err)
{
	return parse_bool("df_default", text, &c->df, err);
}

static int parse_csum(struct tunnel_conf *c, const char *text, struct error *err)
{
	return parse_bool("csum", text, &c->csum, err);
}

static int parse_exts(struct tunnel_conf *c, const char *text, struct error *err)
{
	while (*text) {
		size_t n = strcspn(text, ", ");

		if (n == 3 && !strncmp(text, "gbp", n))
			c->gbp = true;
		else if (n)
			return bad(err, "exts", text, "gbp, the one extension that there is");
		text += n + strspn(text + n, ", ");
	}
	return 0;
}

/* In this order, so that in_key and out_key go before key. */
static const struct {
	const char *name;
	int (*parse)(struct tunnel_conf *c, const char *text, struct error *err);
} options[] = {
	{ "remote_ip", parse_remote }, { "local_ip", parse_local },  { "key", parse_both_keys },
	{ "in_key", parse_in_key },    { "out_key", parse_out_key }, { "dst_port", parse_dst_port },
	{ "tos", parse_tos },          { "ttl", parse_ttl },         { "df_default", parse_df },
	{ "csum", parse_csum },        { "exts", parse_exts },
};

static int check(const struct tunnel_conf *c, const char *name, struct error *err)
{
	if (!c->remote_flow && ip_addr_is_zero(&c->remote))
		return error_set(err, EINVAL, "options:remote_ip",
				 "%s: a tunnel needs options:remote_ip, an address or flow", name);
	if (c->local_flow && !c->remote_flow)
		return error_set(err, EINVAL, "options:local_ip",
				 "%s: options:local_ip=flow needs options:remote_ip=flow", name);
	if (c->local_set && !c->remote_flow && ip_addr_is4(&c->local) != ip_addr_is4(&c->remote))
		return error_set(err, EINVAL, "options:local_ip",
				 "%s: options:local_ip and options:remote_ip are of different "
				 "address families",
				 name);
	return 0;
}

int tunnel_conf_parse(struct tunnel_conf *c, const struct port_config *cfg, struct error *err)
{
	*c = (struct tunnel_conf){ .dst_port = TUNNEL_VXLAN_PORT, .ttl = TUNNEL_TTL, .df = true };
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *text = port_config_get(cfg, options[i].name);
		int rc = text ? options[i].parse(c, text, err) : 0;

		if (rc)
			return rc;
	}
	return check(c, cfg->name, err);
}

bool tunnel_conf_equal(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	return tunnel_conf_clash(a, b) && a->gbp == b->gbp && a->out_key_flow == b->out_key_flow &&
	       a->out_key_set == b->out_key_set && a->out_key == b->out_key && a->tos == b->tos &&
	       a->ttl == b->ttl && a->tos_inherit == b->tos_inherit &&
	       a->ttl_inherit == b->ttl_inherit && a->df == b->df && a->csum == b->csum;
}

/* --- text --- */

static void put_addr(struct str *out, const char *name, const struct be128 *a, bool flow)
{
	char text[IP_ADDR_TEXT];

	if (flow)
		str_printf(out, "%s=flow, ", name);
	else if (!ip_addr_is_zero(a))
		str_printf(out, "%s=%s, ", name, ip_addr_text(a, text));
}

static void put_key(struct str *out, const char *name, be64 key, bool flow)
{
	if (flow)
		str_printf(out, "%s=flow, ", name);
	else
		str_printf(out, "%s=%" PRIu64 ", ", name, ntoh64(key));
}

static void put_keys(struct str *out, const struct tunnel_conf *c)
{
	if (c->in_key == c->out_key && c->in_key_flow == c->out_key_flow) {
		if (c->out_key_set)
			put_key(out, "key", c->in_key, c->in_key_flow);
		return;
	}
	put_key(out, "in_key", c->in_key, c->in_key_flow);
	put_key(out, "out_key", c->out_key, c->out_key_flow);
}

void tunnel_conf_format(const struct tunnel_conf *c, struct str *out)
{
	if (c->csum)
		str_puts(out, "csum=true, ");
	if (!c->df)
		str_puts(out, "df_default=false, ");
	if (c->dst_port != TUNNEL_VXLAN_PORT)
		str_printf(out, "dst_port=%u, ", c->dst_port);
	if (c->gbp)
		str_puts(out, "exts=gbp, ");
	put_keys(out, c);
	put_addr(out, "local_ip", &c->local, c->local_flow);
	put_addr(out, "remote_ip", &c->remote, c->remote_flow);
	if (c->tos_inherit)
		str_puts(out, "tos=inherit, ");
	else if (c->tos)
		str_printf(out, "tos=0x%x, ", c->tos);
	if (c->ttl_inherit)
		str_puts(out, "ttl=inherit, ");
	else if (c->ttl != TUNNEL_TTL)
		str_printf(out, "ttl=%u, ", c->ttl);
	str_chomp(out, ", ");
}
