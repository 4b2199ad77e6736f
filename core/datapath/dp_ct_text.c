/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/dp_ct_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "core/packet/field.h"

/* --- printing --- */

const char *const dp_ct_text_tcp_name[DP_CT_TEXT_N_TCP] = {
	[DP_CT_TEXT_CLOSED] = "CLOSED",           [DP_CT_TEXT_LISTEN] = "LISTEN",
	[DP_CT_TEXT_SYN_SENT] = "SYN_SENT",       [DP_CT_TEXT_SYN_RECV] = "SYN_RECV",
	[DP_CT_TEXT_ESTABLISHED] = "ESTABLISHED", [DP_CT_TEXT_CLOSE_WAIT] = "CLOSE_WAIT",
	[DP_CT_TEXT_FIN_WAIT_1] = "FIN_WAIT_1",   [DP_CT_TEXT_CLOSING] = "CLOSING",
	[DP_CT_TEXT_LAST_ACK] = "LAST_ACK",       [DP_CT_TEXT_FIN_WAIT_2] = "FIN_WAIT_2",
	[DP_CT_TEXT_TIME_WAIT] = "TIME_WAIT",
};

static enum dp_ct_text_tcp tcp_of(uint8_t state)
{
	static const uint8_t of[] = {
		[TCP_CONNTRACK_NONE] = DP_CT_TEXT_CLOSED,
		[TCP_CONNTRACK_SYN_SENT] = DP_CT_TEXT_SYN_SENT,
		[TCP_CONNTRACK_SYN_RECV] = DP_CT_TEXT_SYN_RECV,
		[TCP_CONNTRACK_ESTABLISHED] = DP_CT_TEXT_ESTABLISHED,
		[TCP_CONNTRACK_FIN_WAIT] = DP_CT_TEXT_FIN_WAIT_1,
		[TCP_CONNTRACK_CLOSE_WAIT] = DP_CT_TEXT_CLOSE_WAIT,
		[TCP_CONNTRACK_LAST_ACK] = DP_CT_TEXT_LAST_ACK,
		[TCP_CONNTRACK_TIME_WAIT] = DP_CT_TEXT_TIME_WAIT,
		[TCP_CONNTRACK_CLOSE] = DP_CT_TEXT_CLOSING,
		[TCP_CONNTRACK_SYN_SENT2] = DP_CT_TEXT_SYN_SENT,
	};

	return state < ARRAY_SIZE(of) ? of[state] : DP_CT_TEXT_CLOSED;
}

enum dp_ct_text_tcp dp_ct_text_tcp_state(const struct dp_ct_entry *e)
{
	enum dp_ct_text_tcp a = tcp_of(e->tcp_state[0]), b = tcp_of(e->tcp_state[1]),
			    last = a > b ? a : b;

	if (last == DP_CT_TEXT_SYN_RECV)
		return DP_CT_TEXT_ESTABLISHED;
	return last == DP_CT_TEXT_FIN_WAIT_2 ? DP_CT_TEXT_TIME_WAIT : last;
}

static void put_proto(uint8_t proto, struct str *out)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{ IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" },   { IPPROTO_TCP, "tcp" },
		{ IPPROTO_UDP, "udp" },   { IPPROTO_SCTP, "sctp" },       { IPPROTO_DCCP, "dccp" },
		{ IPPROTO_IGMP, "igmp" }, { IPPROTO_UDPLITE, "udplite" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].proto == proto) {
			str_puts(out, names[i].name);
			return;
		}
	str_printf(out, "%u", proto);
}

static void put_tuple(const struct dp_ct_tuple *t, struct str *out)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	str_printf(out, "src=%s,dst=%s", inet_ntop(t->family, &t->src, src, sizeof(src)),
		   inet_ntop(t->family, &t->dst, dst, sizeof(dst)));
	if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6)
		str_printf(out, ",id=%u,type=%u,code=%u", ntohs(t->sport), t->icmp_type,
			   t->icmp_code);
	else
		str_printf(out, ",sport=%u,dport=%u", ntohs(t->sport), ntohs(t->dport));
}

static void put_way(const struct dp_ct_entry *e, unsigned dir, bool stats, struct str *out)
{
	str_puts(out, dir ? ",reply=(" : ",orig=(");
	put_tuple(dir ? &e->reply : &e->orig, out);
	if (stats && e->has_counts && (e->packets[dir] || e->bytes[dir]))
		str_printf(out, ",packets=%" PRIu64 ",bytes=%" PRIu64, e->packets[dir],
			   e->bytes[dir]);
	str_putc(out, ')');
}

/* Names of bits, from bit 0 up; bits without a name are not told. */
static void put_flags(const char *title, uint32_t flags, const char *const *names, size_t n,
		      struct str *out)
{
	bool any = false;

	str_printf(out, ",%s=", title);
	for (size_t i = 0; i < n; i++)
		if (flags >> i & 1) {
			str_printf(out, any ? "|%s" : "%s", names[i]);
			any = true;
		}
	if (!any)
		str_putc(out, '0');
}

static void put_status(uint32_t status, struct str *out)
{
	static const char *const names[] = {
		"EXPECTED",      "SEEN_REPLY", "ASSURED",      "CONFIRMED",    "SRC_NAT",
		"DST_NAT",       "SEQ_ADJUST", "SRC_NAT_DONE", "DST_NAT_DONE", "DYING",
		"FIXED_TIMEOUT", "TEMPLATE",   "UNTRACKED",
	};

	put_flags("status", status, names, ARRAY_SIZE(names), out);
}

static void put_label(const struct be128 *label, struct str *out)
{
	unsigned i = 0;

	while (i < sizeof(label->b) && !label->b[i])
		i++;
	if (i == sizeof(label->b))
		return;
	str_printf(out, ",labels=0x%x", label->b[i]);
	while (++i < sizeof(label->b))
		str_printf(out, "%02x", label->b[i]);
}

static void put_tcp(const struct dp_ct_entry *e, bool more, struct str *out)
{
	static const char *const flags[] = { "WINDOW_SCALE", "SACK_PERM",           "CLOSE_INIT",
					     "BE_LIBERAL",   "DATA_UNACKNOWLEDGED", "MAXACK_SET" };

	if (!more) {
		str_printf(out, ",protoinfo=(state=%s)",
			   dp_ct_text_tcp_name[dp_ct_text_tcp_state(e)]);
		return;
	}
	str_printf(out, ",protoinfo=(state_orig=%s,state_reply=%s",
		   dp_ct_text_tcp_name[tcp_of(e->tcp_state[0])],
		   dp_ct_text_tcp_name[tcp_of(e->tcp_state[1])]);
	if (e->tcp_wscale[0] || e->tcp_wscale[1])
		str_printf(out, ",wscale_orig=%u,wscale_reply=%u", e->tcp_wscale[0],
			   e->tcp_wscale[1]);
	put_flags("flags_orig", e->tcp_flags[0], flags, ARRAY_SIZE(flags), out);
	put_flags("flags_reply", e->tcp_flags[1], flags, ARRAY_SIZE(flags), out);
	str_putc(out, ')');
}

void dp_ct_text_entry(const struct dp_ct_entry *e, bool more, bool stats, struct str *out)
{
	put_proto(e->orig.proto, out);
	put_way(e, 0, stats, out);
	put_way(e, 1, stats, out);
	if (more)
		str_printf(out, ",id=%" PRIu32, e->id);
	if (e->zone)
		str_printf(out, ",zone=%u", e->zone);
	if (more)
		put_status(e->status, out);
	if (stats)
		str_printf(out, ",timeout=%" PRIu32, e->timeout_s);
	if (e->mark)
		str_printf(out, ",mark=%" PRIu32, e->mark);
	put_label(&e->label, out);
	if (e->orig.proto == IPPROTO_TCP)
		put_tcp(e, more, out);
	if (*e->helper)
		str_printf(out, ",helper=%s", e->helper);
}

/* --- reading --- */

struct tuple_key {
	const char *name;
	uint16_t family; /* of an address; 0: a number */
	uint16_t at;     /* in struct dp_ct_tuple */
	uint8_t bytes;   /* of the number; 2 are in wire order */
};

static const struct tuple_key keys[] = {
	{ "ct_nw_src", AF_INET, offsetof(struct dp_ct_tuple, src), 0 },
	{ "ct_nw_dst", AF_INET, offsetof(struct dp_ct_tuple, dst), 0 },
	{ "ct_ipv6_src", AF_INET6, offsetof(struct dp_ct_tuple, src), 0 },
	{ "ct_ipv6_dst", AF_INET6, offsetof(struct dp_ct_tuple, dst), 0 },
	{ "ct_nw_proto", 0, offsetof(struct dp_ct_tuple, proto), 1 },
	{ "ct_tp_src", 0, offsetof(struct dp_ct_tuple, sport), 2 },
	{ "ct_tp_dst", 0, offsetof(struct dp_ct_tuple, dport), 2 },
	{ "icmp_id", 0, offsetof(struct dp_ct_tuple, sport), 2 },
	{ "icmp_type", 0, offsetof(struct dp_ct_tuple, icmp_type), 1 },
	{ "icmp_code", 0, offsetof(struct dp_ct_tuple, icmp_code), 1 },
};

static int set_address(const struct tuple_key *k, const char *value, struct dp_ct_tuple *t,
		       struct error *err)
{
	if (t->family && t->family != k->family)
		return error_set(err, EINVAL, k->name, "IPv4 and IPv6 in one tuple");
	if (inet_pton(k->family, value, (uint8_t *)t + k->at) != 1)
		return error_set(err, EINVAL, k->name, "\"%s\" is not an address of %s", value,
				 k->family == AF_INET ? "IPv4" : "IPv6");
	t->family = k->family;
	return 0;
}

static int set_number(const struct tuple_key *k, const char *value, struct dp_ct_tuple *t,
		      struct error *err)
{
	uint8_t *to = (uint8_t *)t + k->at;
	uint64_t x;
	be16 wire;

	if (!field_parse_number(value, &x) || x >> (8 * k->bytes))
		return error_set(err, EINVAL, k->name, "\"%s\" is not a number of at most %u",
				 value, (1u << 8 * k->bytes) - 1);
	if (k->bytes == 1) {
		*to = (uint8_t)x;
		return 0;
	}
	wire = htons((uint16_t)x);
	memcpy(to, &wire, sizeof(wire));
	return 0;
}

static int set_key(const char *name, const char *value, struct dp_ct_tuple *t, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].name, name))
			return keys[i].family ? set_address(&keys[i], value, t, err)
					      : set_number(&keys[i], value, t, err);
	return error_set(err, EINVAL, NULL, "\"%s\" is no field of a connection's tuple", name);
}

int dp_ct_text_parse_tuple(const char *text, struct dp_ct_tuple *t, struct error *err)
{
	char copy[512], *at = copy, *word;
	int rc = 0;

	memset(t, 0, sizeof(*t));
	if (strlen(text) >= sizeof(copy))
		return error_set(err, EINVAL, NULL, "the tuple is too long");
	memcpy(copy, text, strlen(text) + 1);
	while (!rc && (word = strsep(&at, ","))) {
		char *value = strchr(word, '=');

		if (!value)
			return error_set(err, EINVAL, NULL, "\"%s\" is not FIELD=VALUE", word);
		*value++ = '\0';
		rc = set_key(word, value, t, err);
	}
	return rc;
}
