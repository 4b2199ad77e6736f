/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of one of the kernel's links (if_link.h).  A plain value. */
#pragma once

#include "core/base/types.h"

struct link_info {
	int ifindex;
	char name[16]; /* IFNAMSIZ */
	char kind[32]; /* rtnl kind: "veth", "bond", "tun", …; "" for a plain device */
	struct eth_addr mac;
	bool has_mac; /* a six-byte address */
	uint32_t mtu;
	uint32_t flags;    /* IFF_* of if.h */
	uint8_t operstate; /* IF_OPER_* of if.h */
	int master;        /* ifindex of a bridge or bond, 0: none */
	int link;          /* lower device in the same namespace, 0: none */
	bool up;           /* IFF_UP: administratively */
	bool running;      /* IFF_RUNNING: up and, as far as the driver knows, with carrier */
};
