/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to the far ends of tunnels that a NIC puts packets into.
 *
 * Some drivers follow the host's routes and neighbours; others look at them once, when a rule goes
 * in, and send to that address ever after, whoever has it by then.  So the ways of all rules that a
 * driver may have are followed here, and who asked is told when one is another: its rules are made
 * anew.  A way is another when it has another device, next hop or link-layer address, or when it
 * opens or is cut (no route, or nobody answers).  That an address is not confirmed at the moment,
 * or that the kernel has forgotten it, changes nothing: it is asked for again.
 *
 * A NIC's packets do not show the kernel that a neighbour is in use; it is told of those in use
 * here, so that it confirms them and finds out when they are gone.
 *
 * Threads: one of its own, which resolves; the calls are for any thread and never block. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

#define TC_PATHS_MAX 4096u /* at once */

struct tc_path;

/* From the thread, no lock held.  first: it was resolved for the first time and is open; what a
 * driver has taken in the meantime is right. */
typedef void tc_path_fn(const struct tc_path *p, bool first);
/* At start; once, then nothing. */
int tc_paths_start(tc_path_fn *changed, struct error *err) MUST_CHECK;
/* Nobody has a path any more. */
void tc_paths_stop(void);

/* The way from src (zero: any) to dst, counted; NULL: there are too many. */
struct tc_path *tc_path_get(const struct be128 *dst, const struct be128 *src);
void tc_path_put(struct tc_path *p); /* NULL is fine */
/* False: it was found to lead nowhere at present. */
bool tc_path_is_open(const struct tc_path *p);
