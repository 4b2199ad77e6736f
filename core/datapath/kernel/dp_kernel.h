/* SPDX-License-Identifier: Apache-2.0 */
/* The datapath in the kernel, datapath_type "system": openvswitch.ko over generic netlink.
 *
 * "system" is the kernel's datapath "ovs-system", as Open vSwitch calls it; another name is a
 * datapath of that name.  One that is there already is taken over with its ports and flows, so that
 * they forward on while the switch restarts; who dumps it finds them.
 *
 * Counters: the kernel counts a frame as it came in, its VLAN tag included also where the driver
 * keeps that beside the frame, and without FCS (ovs_flow_stats_update(), linux/openvswitch.h), as
 * Shunt does everywhere.  Port counters are the devices' own: a driver that takes tags out may
 * count four bytes less for them.
 *
 * See kernel.h for how it is built. */
#pragma once

#include "core/datapath/dp.h"

/* Registers the type where the kernel has it; at start-up.  Elsewhere it is registered all the
 * same, so that who asks for it by name hears why it cannot be had, but "" does not find it. */
void dp_kernel_init(void);
/* Whether this kernel has openvswitch; asks once. */
bool dp_kernel_there(void);
