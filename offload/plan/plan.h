/* SPDX-License-Identifier: Apache-2.0 */
/* What a NIC would take of flows that it does not have: the engine's decisions without an engine.
 *
 * Flows come as the text of a dump (dump.h), of this switch or of an Open vSwitch.  Each is judged
 * as placement would judge it (ports, actions that need the switch itself, then what the profile
 * says that the NIC can match and do: the same function that the sim NIC plans by), and what fits
 * is put into the table by the traffic that it carries for each entry until the table is full.
 *
 * Where the dump is read twice, some time apart, flows have rates and are ranked by them; else by
 * what they have counted.  A flow in neither reading's way (it came in between) has its whole count
 * as the difference.
 *
 * Which ports the NIC has is the caller's to say; unless he does, all are its own but the devices
 * of tunnels (vxlan_sys_4789, genev_sys_6081, gre_sys …).
 *
 * Memory: some 100 bytes a flow, PLAN_FLOWS_MAX flows.  Pure but for malloc(); one thread. */
#pragma once

#include <json-c/json.h>

#include "core/base/err.h"
#include "offload/sim/profile.h"

#define PLAN_FLOWS_MAX 4000000u
#define PLAN_UNREADABLE_SHOWN 20 /* lines that are told one by one */

struct plan;

/* ports: the NIC's, separated by commas or blanks; NULL: see above. */
struct plan *plan_new(const struct sim_profile *profile, const char *ports);
/* The same for a profile by its name, or by its file's where that has a slash or ends in ".conf";
 * ports NULL: those that it names itself.
 * NULL and *err when it cannot be had. */
struct plan *plan_new_named(const char *profile, const char *ports, struct error *err);
void plan_free(struct plan *p);

/* A whole dump.  source: a file's name or the like, for the places of lines.  -EFBIG when there are
 * too many flows. */
int plan_read(struct plan *p, const char *source, const char *text, size_t len,
	      struct error *err) MUST_CHECK;
/* What has been read is the first of two readings, which lie `seconds` apart: the next plan_read()
 * begins the second. */
void plan_again(struct plan *p, double seconds);

/* {profile, description, sources: [{source, flows}], seconds (0: read once), ports: [{port, nic}],
 *   capacity, entries (needed by all that fits), used,
 *   total, fits, hardware, outside: SUM,
 *   offloaded: SUM of what the dumped switch had in hardware itself,
 *   reasons: [{reason, field, action, word, text, advice, SUM…, limit, example: {place, ufid,
 * match, actions, why}}], the costliest first, unreadable: {lines, shown: [{place, why, line}]}}
 * SUM: {flows, packets, bytes, pps, bps}; rates are null where the dump was read once.  The caller
 * puts it. */
struct json_object *plan_report(struct plan *p);
