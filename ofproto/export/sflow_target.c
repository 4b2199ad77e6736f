/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/export/sflow_target.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS_TEXT 64

static int bad(struct error *err, const char *text)
{
	return error_set(err, EINVAL, "targets",
			 "\"%.60s\" is no address of a collector: it is written 192.0.2.1:6343 or "
			 "[2001:db8::1]:6343",
			 text);
}

static bool parse_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	*port = (uint16_t)n;
	return !*end && n && n <= UINT16_MAX;
}

static bool fill(struct sflow_address *a, const char *ip, uint16_t port)
{
	struct sockaddr_in *v4 = (void *)&a->sa;
	struct sockaddr_in6 *v6 = (void *)&a->sa;

	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		a->len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		a->len = sizeof(*v6);
	}
	return a->len != 0;
}

/* Cuts the address off: what follows is nothing, or a colon and the port. */
static const char *cut_address(const char *text, char ip[ADDRESS_TEXT])
{
	const char *from = text, *end, *after;

	if (*text == '[') {
		from++;
		end = strchr(text, ']');
		after = end ? end + 1 : NULL;
	} else {
		end = strchr(text, ':');
		if (!end || strchr(end + 1, ':')) /* IPv6 without brackets has no port */
			end = text + strlen(text);
		after = end;
	}
	if (!end || (size_t)(end - from) >= ADDRESS_TEXT)
		return NULL;
	memcpy(ip, from, (size_t)(end - from));
	ip[end - from] = '\0';
	return after;
}

int sflow_target_parse(const char *text, struct sflow_address *a, struct error *err)
{
	char ip[ADDRESS_TEXT];
	const char *after = cut_address(text, ip);
	uint16_t port = SFLOW_PORT;

	if (!after || (*after && (*after != ':' || !parse_port(after + 1, &port))) ||
	    !fill(a, ip, port))
		return bad(err, text);
	return 0;
}

int sflow_target_open(const struct sflow_address *a)
{
	int fd = socket(a->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&a->sa, a->len))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* False: of another family, or one that means nothing elsewhere. */
static bool address_of(const struct sockaddr *sa, struct be128 *ip)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa && sa->sa_family == AF_INET) {
		*ip = ip_addr4(v4->sin_addr.s_addr);
	} else if (sa && sa->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) {
		memcpy(ip, &v6->sin6_addr, sizeof(*ip));
	} else {
		return false;
	}
	return true;
}

/* Its first IPv4 address, else its first of IPv6. */
static bool address_of_device(const char *name, struct be128 *ip)
{
	struct ifaddrs *all, *i;
	struct be128 one;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (i = all; i; i = i->ifa_next) {
		if (strcmp(i->ifa_name, name) || !address_of(i->ifa_addr, &one))
			continue;
		if (!found || (ip_addr_is4(&one) && !ip_addr_is4(ip)))
			*ip = one;
		found = true;
	}
	freeifaddrs(all);
	return found;
}

int sflow_agent_address(const char *text, struct be128 *ip, struct error *err)
{
	struct sflow_address a;

	if (fill(&a, text, 0) && address_of((const struct sockaddr *)&a.sa, ip))
		return 0;
	if (address_of_device(text, ip))
		return 0;
	return error_set(err, EADDRNOTAVAIL, "agent",
			 "\"%.60s\" is neither an IP address nor a device that has one: give it "
			 "one, or name another",
			 text);
}

int sflow_local_address(int fd, struct be128 *ip)
{
	struct sflow_address a = { .len = sizeof(a.sa) };

	if (getsockname(fd, (struct sockaddr *)&a.sa, &a.len))
		return -errno;
	return address_of((const struct sockaddr *)&a.sa, ip) && !ip_addr_is_zero(ip)
		       ? 0
		       : -EADDRNOTAVAIL;
}
