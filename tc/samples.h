/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that TC has sampled (linux/psample.h): each comes with a number, the group, which is all
 * that says whose rule took it: sample_group.h.  A sample of a number that is not known is thrown
 * away.  What the kernel finds no room for in the socket is lost, and only the log says so.
 *
 * A kernel without the family psample tells nobody: then no rule samples.  It comes with the action
 * (kernel.h), and is asked for with the capabilities of each device.
 *
 * Threads: start a device's or the main one, stop the main one when there is no device; one of its
 * own, which hands packets to the engine under the registry's lock (device.h); tc_sample_group()
 * any.  Its own locks are taken inside all others, and nothing of TC is called under them.
 */
#pragma once

#include "core/packet/flow_key.h"
#include "core/packet/sflow_cookie.h"

#define SAMPLES_KEPT 32768u /* numbers, and up to twice as many */

/* Once; then nothing.  What fails is tried again by the next call. */
void tc_samples_start(void);
void tc_samples_stop(void);
/* The number for packets that come in by this port of the kernel's or the user datapath and of
 * which that becomes; 0, and why: there can be none. */
uint32_t tc_sample_group(bool kernel, struct dp_port in, const struct sflow_cookie *what,
			 const char **why);
