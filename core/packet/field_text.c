/* SPDX-License-Identifier: Apache-2.0 */
/* Values of fields as text, both ways: one pair of functions per format, chosen by a table. */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "core/packet/field.h"

#define VALUE_TEXT_MAX 127 /* longest value or mask that any format accepts */

typedef void format_fn(const struct field *f, const union field_value *v,
		       const union field_value *mask, struct str *out);
typedef int parse_fn(const struct field *f, const char *text, const char *mask_text,
		     union field_value *v, union field_value *mask, struct error *err);

/* --- numbers --- */

static uint64_t value_u64(const struct field *f, const union field_value *v)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < f->n_bytes; i++)
		x = x << 8 | v->b[i];
	return x;
}

static void value_set_u64(const struct field *f, uint64_t x, union field_value *v)
{
	memset(v, 0, sizeof(*v));
	for (unsigned i = f->n_bytes; i--; x >>= 8)
		v->b[i] = (uint8_t)x;
}

/* "0", or 0x and no leading zeros, of any width. */
static void put_hex(struct str *out, const uint8_t *b, unsigned n)
{
	while (n && !*b) {
		b++;
		n--;
	}
	if (!n) {
		str_putc(out, '0');
		return;
	}
	str_printf(out, "0x%x", *b);
	while (--n)
		str_printf(out, "%02x", *++b);
}

static void format_number(const struct field *f, const union field_value *v,
			  const union field_value *mask, struct str *out)
{
	if (f->fmt == FIELD_FMT_DEC)
		str_printf(out, "%llu", (unsigned long long)value_u64(f, v));
	else
		put_hex(out, v->b, f->n_bytes);
	if (mask) {
		str_putc(out, '/');
		put_hex(out, mask->b, f->n_bytes);
	}
}

static int digit_of(char c, unsigned base)
{
	int d = c >= '0' && c <= '9'   ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : 99;

	return d < (int)base ? d : -1;
}

static bool parse_u128(const char *s, unsigned __int128 *ret)
{
	const unsigned __int128 max = ~(unsigned __int128)0;
	unsigned base = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;
	unsigned __int128 x = 0;

	if (base == 16)
		s += 2;
	if (!*s)
		return false;
	for (; *s; s++) {
		int d = digit_of(*s, base);

		if (d < 0 || x > (max - (unsigned)d) / base)
			return false;
		x = x * base + (unsigned)d;
	}
	*ret = x;
	return true;
}

bool field_parse_number(const char *text, uint64_t *x)
{
	unsigned __int128 wide;

	if (!parse_u128(text, &wide) || wide >> 64)
		return false;
	*x = (uint64_t)wide;
	return true;
}

static bool number_to_value(const struct field *f, const char *s, union field_value *v)
{
	unsigned __int128 x;

	if (!parse_u128(s, &x) || (f->n_bytes < 16 && x >> (8 * f->n_bytes)))
		return false;
	memset(v, 0, sizeof(*v));
	for (unsigned i = f->n_bytes; i--; x >>= 8)
		v->b[i] = (uint8_t)x;
	return true;
}

static int parse_number(const struct field *f, const char *text, const char *mask_text,
			union field_value *v, union field_value *mask, struct error *err)
{
	if (!number_to_value(f, text, v))
		return error_set(err, EINVAL, f->name, "\"%s\" is not a number of %u bits", text,
				 f->n_bits);
	if (mask_text && !number_to_value(f, mask_text, mask))
		return error_set(err, EINVAL, f->name, "mask \"%s\" is not a number of %u bits",
				 mask_text, f->n_bits);
	return 0;
}

/* --- addresses --- */

static void put_eth(struct str *out, const uint8_t *b)
{
	str_printf(out, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

static void format_eth(const struct field *f, const union field_value *v,
		       const union field_value *mask, struct str *out)
{
	put_eth(out, v->b);
	if (mask) {
		str_putc(out, '/');
		put_eth(out, mask->b);
	}
}

static bool eth_to_value(const char *s, union field_value *v)
{
	memset(v, 0, sizeof(*v));
	for (unsigned i = 0; i < 6; i++) {
		int hi = digit_of(*s, 16), lo;

		if (hi < 0)
			return false;
		s++;
		lo = digit_of(*s, 16);
		if (lo >= 0) {
			hi = hi * 16 + lo;
			s++;
		}
		if (*s != (i < 5 ? ':' : '\0'))
			return false;
		s++;
		v->b[i] = (uint8_t)hi;
	}
	return true;
}

static int parse_eth(const struct field *f, const char *text, const char *mask_text,
		     union field_value *v, union field_value *mask, struct error *err)
{
	if (!eth_to_value(text, v))
		return error_set(err, EINVAL, f->name, "\"%s\" is not an Ethernet address", text);
	if (mask_text && !eth_to_value(mask_text, mask))
		return error_set(err, EINVAL, f->name, "mask \"%s\" is not an Ethernet address",
				 mask_text);
	return 0;
}

/* Leading ones when the rest is zeros, else -1. */
static int prefix_len(const uint8_t *b, unsigned n)
{
	unsigned len = 0;

	while (len < 8 * n && b[len / 8] & 0x80 >> len % 8)
		len++;
	for (unsigned i = len; i < 8 * n; i++)
		if (b[i / 8] & 0x80 >> i % 8)
			return -1;
	return (int)len;
}

static int ip_family(const struct field *f)
{
	return f->fmt == FIELD_FMT_IPV4 ? AF_INET : AF_INET6;
}

static void put_ip(const struct field *f, const uint8_t *b, struct str *out)
{
	char text[INET6_ADDRSTRLEN];

	str_puts(out, inet_ntop(ip_family(f), b, text, sizeof(text)));
}

static void format_ip(const struct field *f, const union field_value *v,
		      const union field_value *mask, struct str *out)
{
	int len = mask ? prefix_len(mask->b, f->n_bytes) : 0;

	put_ip(f, v->b, out);
	if (!mask)
		return;
	str_putc(out, '/');
	if (len >= 0)
		str_printf(out, "%d", len);
	else
		put_ip(f, mask->b, out);
}

static int parse_ip_mask(const struct field *f, const char *text, union field_value *mask,
			 struct error *err)
{
	uint64_t len;

	memset(mask, 0, sizeof(*mask));
	if (inet_pton(ip_family(f), text, mask->b) == 1)
		return 0;
	if (!field_parse_number(text, &len) || len > f->n_bits)
		return error_set(err, EINVAL, f->name,
				 "\"%s\" is neither a mask nor a prefix of 0 to %u bits", text,
				 f->n_bits);
	for (unsigned i = 0; i < len; i++)
		mask->b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return 0;
}

static int parse_ip(const struct field *f, const char *text, const char *mask_text,
		    union field_value *v, union field_value *mask, struct error *err)
{
	memset(v, 0, sizeof(*v));
	if (inet_pton(ip_family(f), text, v->b) != 1)
		return error_set(err, EINVAL, f->name, "\"%s\" is not an %s address", text,
				 f->fmt == FIELD_FMT_IPV4 ? "IPv4" : "IPv6");
	return mask_text ? parse_ip_mask(f, mask_text, mask, err) : 0;
}

/* --- OpenFlow ports --- */

static const struct {
	const char *name;
	uint32_t port;
} reserved_ports[] = {
	{ "UNSET", 0xfffffff7 },      { "IN_PORT", 0xfffffff8 }, { "TABLE", 0xfffffff9 },
	{ "NORMAL", 0xfffffffa },     { "FLOOD", 0xfffffffb },   { "ALL", 0xfffffffc },
	{ "CONTROLLER", 0xfffffffd }, { "LOCAL", 0xfffffffe },   { "ANY", 0xffffffff },
	{ "NONE", 0xffffffff }, /* OpenFlow 1.0's word for it */
};

const char *ofp_port_reserved_name(uint32_t port)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved_ports); i++)
		if (reserved_ports[i].port == port)
			return reserved_ports[i].name;
	return NULL;
}

bool ofp_port_reserved_parse(const char *name, uint32_t *port)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved_ports); i++) {
		if (!strcasecmp(reserved_ports[i].name, name)) {
			*port = reserved_ports[i].port;
			return true;
		}
	}
	return false;
}

static void format_port(const struct field *f, const union field_value *v,
			const union field_value *mask, struct str *out)
{
	uint32_t x = (uint32_t)value_u64(f, v);
	const char *name;

	name = ofp_port_reserved_name(f->n_bytes == 2 && x >= 0xff00 ? x | 0xffff0000 : x);
	if (name)
		str_puts(out, name);
	else
		str_printf(out, "%u", x);
}

static int parse_port(const struct field *f, const char *text, const char *mask_text,
		      union field_value *v, union field_value *mask, struct error *err)
{
	uint32_t port;
	uint64_t x;

	if (ofp_port_reserved_parse(text, &port))
		x = port;
	else if (!field_parse_number(text, &x))
		return error_set(err, EINVAL, f->name, "there is no port \"%s\"", text);
	if (f->n_bytes == 2 && x >= 0xffffff00 && x <= UINT32_MAX)
		x &= 0xffff;
	else if (f->n_bytes == 4 && x >= 0xff00 && x <= 0xffff)
		x |= 0xffff0000;
	if (x >> (8 * f->n_bytes))
		return error_set(err, EINVAL, f->name, "port %s is not in %u bits", text,
				 f->n_bits);
	value_set_u64(f, x, v);
	if (mask_text)
		return parse_number(f, mask_text, NULL, mask, NULL, err);
	return 0;
}

/* --- fragments --- */

static const struct {
	const char *name;
	uint8_t value, mask;
} frags[] = {
	{ "no", 0, 3 },
	{ "first", 1, 3 },
	{ "later", 3, 3 },
	{ "yes", 1, 1 },
	{ "not_later", 0, 2 },
	/* other masks of the same meaning, printed only */
	{ "no", 0, 1 },
	{ "later", 2, 2 },
};

static void format_frag(const struct field *f, const union field_value *v,
			const union field_value *mask, struct str *out)
{
	uint8_t m = mask ? mask->b[0] & 3 : 3;

	for (size_t i = 0; i < ARRAY_SIZE(frags); i++) {
		if (frags[i].value == (v->b[0] & m) && frags[i].mask == m) {
			str_puts(out, frags[i].name);
			return;
		}
	}
	str_printf(out, "%u/0x%x", v->b[0], m);
}

static int parse_frag(const struct field *f, const char *text, const char *mask_text,
		      union field_value *v, union field_value *mask, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(frags); i++) {
		if (!strcasecmp(frags[i].name, text) && !mask_text) {
			value_set_u64(f, frags[i].value, v);
			value_set_u64(f, frags[i].mask, mask);
			return 0;
		}
	}
	if (number_to_value(f, text, v) && (!mask_text || number_to_value(f, mask_text, mask)))
		return 0;
	return error_set(err, EINVAL, f->name,
			 "\"%s\" is not one of no, yes, first, later, not_later", text);
}

/* --- flags --- */

const char *const *field_flag_names(const struct field *f)
{
	static const char *const tcp[] = { "fin", "syn", "rst",   "psh",   "ack",   "urg", "ece",
					   "cwr", "ns",  "[200]", "[400]", "[800]", NULL };
	static const char *const ct[] = { "new", "est",  "rel",  "rpl", "inv",
					  "trk", "snat", "dnat", NULL };
	static const char *const tnl[] = { "oam", "df", "csum", "key", NULL };

	return f->fmt == FIELD_FMT_TCP_FLAGS   ? tcp
	       : f->fmt == FIELD_FMT_CT_STATE  ? ct
	       : f->fmt == FIELD_FMT_TNL_FLAGS ? tnl
					       : NULL;
}

static void put_exact_flags(const char *const *names, uint64_t x, struct str *out)
{
	if (!x)
		str_putc(out, '0');
	for (unsigned i = 0; x && names[i]; i++) {
		if (!(x >> i & 1))
			continue;
		x &= ~(UINT64_C(1) << i);
		str_printf(out, "%s%s", names[i], x ? "|" : "");
	}
}

static bool all_named(const char *const *names, uint64_t bits)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): bits end before names do */
	while (bits && *names++)
		bits >>= 1;
	return !bits;
}

static void format_flags(const struct field *f, const union field_value *v,
			 const union field_value *mask, struct str *out)
{
	const char *const *names = field_flag_names(f);
	uint64_t x = value_u64(f, v), m = mask ? value_u64(f, mask) : 0;

	if (!all_named(names, x | m)) {
		format_number(f, v, mask, out);
		return;
	}
	if (!mask) {
		put_exact_flags(names, x, out);
		return;
	}
	for (unsigned i = 0; names[i]; i++)
		if (m >> i & 1)
			str_printf(out, "%c%s", x >> i & 1 ? '+' : '-', names[i]);
}

/* The bit that the name of `n` characters stands for, or -1. */
static int flag_of(const char *const *names, const char *s, size_t n)
{
	for (int i = 0; names[i]; i++)
		if (!strncasecmp(names[i], s, n) && !names[i][n])
			return i;
	return -1;
}

/* `a|b|c` */
static bool parse_exact_flags(const char *const *names, const char *s, uint64_t *ret)
{
	uint64_t x = 0;

	for (;;) {
		size_t n = strcspn(s, "|");
		int bit = flag_of(names, s, n);

		if (bit < 0)
			return false;
		x |= UINT64_C(1) << bit;
		if (!s[n])
			break;
		s += n + 1;
	}
	*ret = x;
	return true;
}

/* `+a-b+c` */
static bool parse_masked_flags(const char *const *names, const char *s, uint64_t *ret,
			       uint64_t *mask)
{
	uint64_t x = 0, m = 0;

	while (*s) {
		bool on = *s == '+';
		size_t n = strcspn(s + 1, "+-");
		int bit = flag_of(names, s + 1, n);

		if ((!on && *s != '-') || bit < 0 || m >> bit & 1)
			return false;
		m |= UINT64_C(1) << bit;
		x |= (uint64_t)on << bit;
		s += n + 1;
	}
	*ret = x;
	*mask = m;
	return true;
}

static int parse_flags(const struct field *f, const char *text, const char *mask_text,
		       union field_value *v, union field_value *mask, struct error *err)
{
	const char *const *names = field_flag_names(f);
	uint64_t x, m;

	if ((*text == '+' || *text == '-') && !mask_text) {
		if (!parse_masked_flags(names, text, &x, &m))
			return error_set(err, EINVAL, f->name,
					 "\"%s\" has an unknown or repeated flag", text);
		value_set_u64(f, x, v);
		value_set_u64(f, m, mask);
		return 0;
	}
	if (digit_of(*text, 10) >= 0)
		return parse_number(f, text, mask_text, v, mask, err);
	if (mask_text || !parse_exact_flags(names, text, &x))
		return error_set(err, EINVAL, f->name, "\"%s\" has an unknown flag", text);
	value_set_u64(f, x, v);
	return 0;
}

/* --- packet type --- */

static void format_packet_type(const struct field *f, const union field_value *v,
			       const union field_value *mask, struct str *out)
{
	uint32_t x = ntohl(v->be32);

	str_printf(out, "(%u,%#x)", x >> 16, x & 0xffff);
}

static int parse_packet_type(const struct field *f, const char *text, const char *mask_text,
			     union field_value *v, union field_value *mask, struct error *err)
{
	char *end;
	unsigned long ns, type;

	if (*text == '(' && !mask_text) {
		ns = strtoul(text + 1, &end, 0);
		if (*end == ',') {
			type = strtoul(end + 1, &end, 0);
			if (!strcmp(end, ")") && ns <= UINT16_MAX && type <= UINT16_MAX) {
				value_set_u64(f, ns << 16 | type, v);
				return 0;
			}
		}
	}
	return error_set(err, EINVAL, f->name, "\"%s\" is not of the form (NAMESPACE,TYPE)", text);
}

/* --- any field --- */

static const struct {
	format_fn *format;
	parse_fn *parse;
} formats[] = {
	[FIELD_FMT_DEC] = { format_number, parse_number },
	[FIELD_FMT_HEX] = { format_number, parse_number },
	[FIELD_FMT_ETH] = { format_eth, parse_eth },
	[FIELD_FMT_IPV4] = { format_ip, parse_ip },
	[FIELD_FMT_IPV6] = { format_ip, parse_ip },
	[FIELD_FMT_OFP_PORT] = { format_port, parse_port },
	[FIELD_FMT_OFP_PORT_OXM] = { format_port, parse_port },
	[FIELD_FMT_FRAG] = { format_frag, parse_frag },
	[FIELD_FMT_TNL_FLAGS] = { format_flags, parse_flags },
	[FIELD_FMT_TCP_FLAGS] = { format_flags, parse_flags },
	[FIELD_FMT_CT_STATE] = { format_flags, parse_flags },
	[FIELD_FMT_PACKET_TYPE] = { format_packet_type, parse_packet_type },
};

void field_format(const struct field *f, const union field_value *v, const union field_value *mask,
		  struct str *out)
{
	if (mask && field_value_is_ones(f, mask))
		mask = NULL;
	formats[f->fmt].format(f, v, mask, out);
}

static int check_parsed(const struct field *f, union field_value *v, union field_value *mask,
			const char *text, bool masked, struct error *err)
{
	union field_value ones;

	if (!f->maskable && !field_value_is_ones(f, mask) && !field_value_is_zero(f, mask))
		return error_set(err, EINVAL, f->name, "the field cannot be masked");
	/* The low bits of a ToS are ECN's: left out, as they always were. */
	if (!masked && f->id != FIELD_IP_DSCP && !field_value_ok(f, v))
		return error_set(err, EINVAL, f->name,
				 "\"%s\" does not fit into the field's %u bits", text, f->n_bits);
	field_ones(f, &ones);
	for (unsigned i = 0; i < f->n_bytes; i++) {
		mask->b[i] &= ones.b[i];
		if (f->id != FIELD_DL_VLAN) /* whose 0xffff says that there is no tag */
			v->b[i] &= mask->b[i];
	}
	if (!field_value_ok(f, v))
		return error_set(err, EINVAL, f->name, "\"%s\" is not a value of the field", text);
	return 0;
}

int field_parse(const struct field *f, const char *text, union field_value *v,
		union field_value *mask, struct error *err)
{
	char copy[VALUE_TEXT_MAX + 1];
	size_t len = strlen(text);
	char *slash;
	int r;

	memset(v, 0, sizeof(*v));
	memset(mask, 0, sizeof(*mask));
	if (!strcmp(text, "*"))
		return 0;
	if (len > VALUE_TEXT_MAX)
		return error_set(err, EINVAL, f->name, "the value is longer than %d characters",
				 VALUE_TEXT_MAX);
	memcpy(copy, text, len + 1);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	field_ones(f, mask);
	r = formats[f->fmt].parse(f, copy, slash, v, mask, err);
	return r ? r : check_parsed(f, v, mask, text, slash, err);
}
