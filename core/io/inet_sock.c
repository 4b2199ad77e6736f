/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/inet_sock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

static int bind_to(const struct addrinfo *ai, struct error *err)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return error_set(err, errno, NULL, "cannot open a socket (%s)",
				 strerrordesc_np(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, BACKLOG)) {
		int code = errno;

		close(fd);
		return error_set(err, code, NULL, "%s", strerrordesc_np(code));
	}
	return fd;
}

int inet_sock_listen(const char *host, uint16_t port, enum inet_sock_host kind, struct error *err)
{
	struct addrinfo hints = { .ai_family = *host ? AF_UNSPEC : AF_INET,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *ai;
	char service[8];
	int rc;

	if (kind == INET_SOCK_ADDRESS)
		hints.ai_flags |= AI_NUMERICHOST;
	(void)snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(*host ? host : NULL, service, &hints, &ai);
	if (rc)
		return error_set(err, EINVAL, NULL, "\"%.100s\" is not an address (%s)", host,
				 gai_strerror(rc));
	rc = bind_to(ai, err);
	freeaddrinfo(ai);
	return rc;
}

uint16_t inet_sock_port(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return 0;
	if (ss.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&ss)->sin_port);
	return ss.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&ss)->sin6_port) : 0;
}
