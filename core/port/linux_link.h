/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux says about a network device: state, speed and features, counters (rtnetlink(7),
 * ethtool's ioctls).
 *
 * By ifindex, so that a rename does not matter.  Each call opens and closes its own socket in the
 * caller's network namespace: some tens of microseconds; any thread. */
#pragma once

#include "core/port/port.h"

/* 0 and *ret, or -ENODEV. */
int linux_link_find(const char *name, int *ret) MUST_CHECK;
/* All of *st.  -ENODEV when the device is gone. */
int linux_link_state(int ifindex, struct port_state *st) MUST_CHECK;
/* What comes in by a bond's slave is the bond's: -EBUSY, and *err says whose.  0 for any other
 * device, and where there is none. */
int linux_link_is_free(const char *name, struct error *err) MUST_CHECK;
/* The device's counters as it sees them (RTM_GETSTATS); drops[] is left zero. */
int linux_link_stats(int ifindex, struct port_stats *st) MUST_CHECK;
int linux_link_set_up(int ifindex, bool up) MUST_CHECK;
/* mac NULL, mtu 0: leave as it is. */
int linux_link_set(int ifindex, const struct eth_addr *mac, uint32_t mtu) MUST_CHECK;
/* Just the MTU; 0 when the device is gone. */
uint32_t linux_link_mtu(int ifindex);
/* Speed, duplex, driver and OFPPF bits by ethtool; what the driver does not say stays zero. */
void linux_ethtool_state(int ifindex, struct port_state *st);
