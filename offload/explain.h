/* SPDX-License-Identifier: Apache-2.0 */
/* Where flows are and why, as JSON: what `shuntctl offload …` prints and the web page draws.
 *
 * Every function returns a new json-c object that the caller puts (json_object_put()); NULL and
 * *err when what was asked for does not exist.  Names, sentences and advice are in it, so that a
 * client only lays it out.  Numbers are JSON integers, times are milliseconds, `at` is RFC 3339 in
 * UTC.
 *
 * Any thread.  Cost: a walk over all flows for flows, why with a filter, top and status; each takes
 * the engine's lock for one flow at a time, status once for the whole walk. */
#pragma once

#include <json-c/json.h>

#include "offload/engine.h"

/* { "tiers": [{tier, flows, packets, bytes}],
 *   "hardware_share": {packets, bytes},   (0 .. 1)
 *   "reasons": [{reason, text, advice, flows, pps, bps, packets, bytes}],
 *   "faults": [{ufid, device, since, last, ended, healed, times, window_ms, hw_packets,
 *     sw_packets, text}],
 *   "devices": [{name, provider, entries, capacity, flows: {state: n},
 *     queue: {depth, oldest_ms, shed}, installs, replaces, removes, failures, evictions, exchanges,
 *     churn_limited, churn_bound, repairs, resets, hangs, hung, learned_shapes,
 *     audit: {runs, missing, orphaned, altered, mute, ran_back}, events: {kind: n},
 *     latency: {buckets: [{le_us, count}], sum_us},
 *     reasons: [{reason, text, advice, flows, pps, packets, bytes, events}]}],
 *   "ports": [{port, name, device, enabled, flows, flows_hardware, flows_tc, packets: {tier: n},
 *     bytes: {...}}] }
 * Reasons: the costliest first; of flows now outside hardware, what they carry and what was
 * switched of them there.  Faults: flows in hardware that are never hit there, the newest first;
 * one without `ended` is open.
 * upcalls: what was switched on its way through translation, by no flow; it is a tier of that name.
 */
struct json_object *explain_status(struct engine *e, const struct flow_stats *upcalls);

/* [{ufid, match, actions, state, reason, why, device, port, cost, age_ms, pps, packets, bytes,
 *   tiers: {tier: {packets, bytes}}}], the busiest first; and of the reason, where it has them,
 * field, action, limit, driver (its words) and since when it holds (`since`).
 * filter (NULL or "": all): words separated by commas or blanks, all of which must hold: state=,
 * reason=, device=, port= (a name), ufid=, pps= (at least), and a match in ovs-fields(7)'s words
 * with the datapath's port numbers, which selects flows that share a packet with it.  -EINVAL. */
struct json_object *explain_flows(struct engine *e, const char *filter, struct error *err);

/* The flows that `what` names (a ufid, or a filter of at most EXPLAIN_WHY_MAX flows), each as in
 * explain_flows() with "advice", "retry", "retry_in_ms", "retry_at", "fault" (where there is
 * or was one, as in explain_status()), "steps" (ever) and "history": [{at, from, to, reason, why,
 * field, …, packets, bytes}].  -ENOENT when there is none.
 */
#define EXPLAIN_WHY_MAX 32
struct json_object *explain_why(struct engine *e, const char *what, struct error *err);

/* {name, provider, fields: [{field, match: "exact"|"prefix"|"masked"}], set_fields: [], actions:
 * [], max_outputs, max_actions, capacity, counter_lag_ms, software, generation}; 0 = no limit.
 * -ENODEV. */
struct json_object *explain_caps(struct engine *e, const char *device, struct error *err);

/* {"connections", "hardware", "hardware_packets", "hardware_bytes", "others" (in zones that no flow
 * names), "counted", "zones": [{zone, in_hardware, connections, hardware}], "reasons": [{reason,
 * text, advice, connections, packets, bytes}], "outside": [{connection, zone, reason, packets,
 * bytes}]}: conns.h; the n busiest that are not in hardware.  packets are 0 unless `counted`.
 * -EOPNOTSUPP: the datapath tracks none; or the kernel's. */
struct json_object *explain_connections(struct engine *e, unsigned n, struct error *err);

/* One look of a live view: what explain_status() says, and
 * { "kept_out": [{reason, text, flows, pps}], (what keeps traffic out of hardware now, the
 * costliest first), "moves": {installed, tc, removed, lost, refused}, (ever) "latest_moves": [{at,
 * move, from, to, reason, why, port, ufid, match}], (the newest first, at most n; match "": the
 * flow has gone since) "flows": [as explain_flows()] }: the first n by "rate", "packets" or
 * "newest". -EINVAL: another order. */
struct json_object *explain_top(struct engine *e, const struct flow_stats *upcalls, unsigned n,
				const char *order, struct error *err);

/* Audits now, as engine_audit(): [{device, result: "audited"|"cannot_tell"|"hangs", repair, rules,
 * took_ms, found: {finding: n}, findings: [{finding, ufid, handle, evidence}]}].  Blocks; -ENODEV.
 */
struct json_object *explain_audit(struct engine *e, const char *device, bool repair,
				  struct error *err);
