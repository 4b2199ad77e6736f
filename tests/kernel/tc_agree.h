/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own opinion of our rules, in a guest of the lab: random megaflows are asked for,
 * random frames are sent, and what comes out is compared, byte for byte, with what the user
 * datapath's edits make of the same frame.
 *
 *   - what the translators write is taken, and its echo says what was asked for (a driver may
 * refuse it in its own words);
 *   - a frame that the rule counts is one of the megaflow's, and all its copies are right;
 *   - a frame that it does not count comes out nowhere;
 *   - it counts frames as long as they are. */
#pragma once

#include "core/base/types.h"

#define TC_AGREE_PORTS 4

struct tc_agree_env {
	const char *name;
	void (*open)(void); /* makes the devices */
	void (*close)(void);
	const char *near[TC_AGREE_PORTS]; /* the ports, 1 and up */
	const char *far[TC_AGREE_PORTS];  /* what is behind them */
	bool user;                        /* ports of the user datapath: rules skip software */
	bool hardware;                    /* where the rules are expected */
	unsigned rules;
};

/* The exit status. */
int tc_agree_main(const struct tc_agree_env *env);
