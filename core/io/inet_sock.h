/* SPDX-License-Identifier: Apache-2.0 */
/* TCP sockets that listen.
 *
 * Not by libevent's own binding: it leaves IPv4 out where no interface but loopback has an address
 * of IPv4, and then cannot even listen at 127.0.0.1.  Any thread. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

/* What a host may be given as. */
enum inet_sock_host { INET_SOCK_ADDRESS, INET_SOCK_NAME };

/* A listening, non-blocking, close-on-exec socket at host (an address without brackets, "" is any
 * of IPv4; a name too with INET_SOCK_NAME, looked up at once, which may block) and port (0: the
 * kernel chooses), or -errno and *err: -EINVAL, no such host; else of socket(), bind(), listen().
 */
int inet_sock_listen(const char *host, uint16_t port, enum inet_sock_host kind,
		     struct error *err) MUST_CHECK;
/* The port that a socket is bound to; 0 if none. */
uint16_t inet_sock_port(int fd);
