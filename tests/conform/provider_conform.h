/* SPDX-License-Identifier: Apache-2.0 */
/* What every offload provider must do, as one Check suite.
 *
 * A provider brings an environment: two ports of one device, how traffic gets into the first of
 * them, and a table small enough to fill.  Between open() and close() the suite is the device's
 * only user, and calls it from one thread, as the engine does.  One that can read back what a
 * former process left is detached from its ports, with rules in place, and attached again. */
#pragma once

#include <check.h>

#include "core/packet/match.h"
#include "offload/provider.h"

struct provider_env {
	const char *name;
	const struct offload_provider_ops *(*ops)(void);
	/* Two ports in place, not attached. */
	void (*open)(struct port *ports[2]);
	void (*close)(void);
	/* What attach() gets for them. */
	const char *args;
	/* n packets of this key enter by their in_port and are done with when this returns. */
	void (*traffic)(const struct flow_key *key, unsigned n);
	/* The device loses its rules; NULL: cannot be made to happen. */
	void (*reset)(struct offload_device *dev);
	uint32_t fill; /* rules that fill it; 0 = too many to try */
	/* There is no hardware: rules run in the provider's software, and must say so. */
	bool software;
};

/* Runs the suite; returns the program's exit status. */
int provider_conform_run(const struct provider_env *env);
