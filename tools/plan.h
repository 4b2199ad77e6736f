/* SPDX-License-Identifier: Apache-2.0 */
/* `shuntctl offload plan`: reads dumps of flows, from files or from a switch, and has offload/plan
 * say what a NIC would take of them.  The judging is done here, in shuntctl's own process: the
 * switch, where there is one, is asked for nothing but its flows. */
#pragma once

struct args;
int plan_run(struct args *a); /* an exit status */
