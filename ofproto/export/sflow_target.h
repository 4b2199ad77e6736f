/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of sFlow: a collector's as it stands in the database, and the agent's own.
 *
 * Names of hosts are not looked up: that may take long, and the loop does not wait. */
#pragma once

#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/ip_addr.h"

#define SFLOW_PORT 6343 /* IANA's */

struct sflow_address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* IP, IP:PORT or [IP]:PORT.  -EINVAL and what it should be. */
int sflow_target_parse(const char *text, struct sflow_address *a, struct error *err) MUST_CHECK;
/* A socket that sends there and never waits, or -errno. */
int sflow_target_open(const struct sflow_address *a);
/* An IP address, or the name of a device that has one.  -EADDRNOTAVAIL: neither. */
int sflow_agent_address(const char *text, struct be128 *ip, struct error *err) MUST_CHECK;
/* The address that a socket sends from.  -errno. */
int sflow_local_address(int fd, struct be128 *ip) MUST_CHECK;
