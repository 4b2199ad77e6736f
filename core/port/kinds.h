/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of ports that this folder brings. */
#pragma once

#include "core/port/port.h"

extern const struct port_ops port_af_packet_ops; /* "system": a Linux interface */
extern const struct port_ops port_internal_ops;  /* "internal": a TAP device, the host's own leg */
extern const struct port_ops port_tap_ops;       /* "tap" */
extern const struct port_ops port_pcap_ops;      /* "pcap": from and to capture files */
extern const struct port_ops port_vxlan_ops;     /* "vxlan": all tunnels of a UDP port */
struct underlay;
/* The network under a port of tunnels; borrowed for as long as the port is there.  NULL: it is
 * another kind of port.  Any thread. */
struct underlay *port_vxlan_underlay(struct port *p);

extern const struct port_ops port_fake_ops; /* "fake": inside the process */
