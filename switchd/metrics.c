/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics in the Prometheus text format (version 0.0.4): one row per family, one function that
 * prints its samples. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "core/datapath/kernel/dp_kernel.h"
#include "core/io/nl_dumps.h"
#include "core/packet/parse.h"
#include "offload/conns.h"
#include "switchd/switchd.h"

#define DEVICES_MAX 64

#define BACKENDS_MAX 4

/* One backend, read once for a whole scrape, and where the text goes. */
struct scrape {
	struct str out;
	const char *family;
	struct backend *be;
	const char *dp; /* label of be */
	struct dp_stats dp_stats;
	struct flows_stats flows;
	struct engine_totals totals;
	struct engine_device_info *devices;
	size_t n_devices;
};

typedef void sample_fn(struct scrape *s);

struct family {
	const char *name, *type, *help;
	sample_fn *fn; /* called for each backend */
};

static void put_label_value(struct str *out, const char *v)
{
	for (; *v; v++) {
		if (*v == '\\' || *v == '"')
			str_putc(out, '\\');
		if (*v == '\n')
			str_puts(out, "\\n");
		else
			str_putc(out, *v);
	}
}

/* `family{datapath="…",name="value"} x`; name NULL: no second label. */
static void sample(struct scrape *s, const char *suffix, const char *name, const char *value,
		   uint64_t x)
{
	str_printf(&s->out, "%s%s{datapath=\"%s\"", s->family, suffix, s->dp);
	if (name) {
		str_printf(&s->out, ",%s=\"", name);
		put_label_value(&s->out, value);
		str_putc(&s->out, '"');
	}
	str_printf(&s->out, "} %" PRIu64 "\n", x);
}

static void device_sample(struct scrape *s, const struct engine_device_info *d, const char *name,
			  const char *value, uint64_t x)
{
	str_printf(&s->out, "%s{datapath=\"%s\",device=\"", s->family, s->dp);
	put_label_value(&s->out, d->name);
	str_putc(&s->out, '"');
	if (name)
		str_printf(&s->out, ",%s=\"%s\"", name, value);
	str_printf(&s->out, "} %" PRIu64 "\n", x);
}

/* --- tiers --- */

static void tier_flows(struct scrape *s)
{
	for (unsigned t = 0; t < LEDGER_N_TIERS; t++)
		sample(s, "", "tier", ledger_tier_name[t], s->totals.flows[t]);
}

static void tier_packets(struct scrape *s)
{
	for (unsigned t = 0; t < LEDGER_N_TIERS; t++)
		sample(s, "", "tier", ledger_tier_name[t], s->totals.packets[t]);
	sample(s, "", "tier", "upcall", s->flows.switched.packets);
}

static void tier_bytes(struct scrape *s)
{
	for (unsigned t = 0; t < LEDGER_N_TIERS; t++)
		sample(s, "", "tier", ledger_tier_name[t], s->totals.bytes[t]);
	sample(s, "", "tier", "upcall", s->flows.switched.bytes);
}

static void outside(struct scrape *s)
{
	for (unsigned r = 1; r < OFFLOAD_N_REASONS; r++)
		sample(s, "", "reason", offload_reason_table[r].name, s->totals.no_device[r]);
}

static void connections(struct scrape *s)
{
	const struct conns *c = conns_recent(flows_engine(backend_flows(s->be)));

	for (unsigned i = 0; c && i < CONN_N_WHYS; i++)
		sample(s, "", "reason", conn_why_table[i].name, c->connections[i]);
}

/* --- datapath --- */

static void dp_hits(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->dp_stats.hits);
}

static void dp_misses(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->dp_stats.misses);
}

static void dp_drops(struct scrape *s)
{
	for (unsigned i = 0; i < DP_N_DROPS; i++)
		sample(s, "", "reason", dp_drop_name[i], s->dp_stats.drops[i]);
}

static void dp_parse(struct scrape *s)
{
	for (unsigned i = PARSE_OK + 1; i < PARSE_N_RESULTS; i++)
		sample(s, "", "reason", parse_result_name[i], s->dp_stats.parse[i]);
}

static void dp_upcalls(struct scrape *s)
{
	static const char *const names[UPCALL_N_KINDS] = { "miss", "controller", "slow_path",
							   "sflow", "ipfix" };

	for (unsigned i = 0; i < UPCALL_N_KINDS; i++)
		sample(s, "", "kind", names[i], s->dp_stats.upcalls[i]);
}

static void dp_overruns(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->dp_stats.overruns);
}

static void dp_masks(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->dp_stats.n_masks);
}

static void packet_ins_dropped(struct scrape *s)
{
	sample(s, "", NULL, NULL, backend_packet_ins_dropped(s->be));
}

/* --- megaflows --- */

static void megaflows(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->flows.n_flows);
}

static void megaflow_limit(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->flows.flow_limit);
}

static void megaflow_events(struct scrape *s)
{
	sample(s, "", "event", "installed", s->flows.installed);
	sample(s, "", "event", "install_failed", s->flows.install_failed);
	sample(s, "", "event", "over_limit", s->flows.over_limit);
	sample(s, "", "event", "duplicate", s->flows.duplicate);
	sample(s, "", "event", "modified", s->flows.modified);
	sample(s, "", "event", "unknown_removed", s->totals.unknown_removed);
	sample(s, "", "event", "put_again", s->totals.put_again);
	sample(s, "", "event", "changed_back", s->totals.changed_back);
	sample(s, "", "event", "deleted_idle", s->flows.deleted_idle);
	sample(s, "", "event", "deleted_changed", s->flows.deleted_changed);
	sample(s, "", "event", "adopted", s->flows.adopted);
	sample(s, "", "event", "adopt_kept", s->flows.adopt_kept);
	sample(s, "", "event", "adopt_changed", s->flows.adopt_changed);
	sample(s, "", "event", "adopt_removed", s->flows.adopt_removed);
}

static void megaflows_unchecked(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->flows.adopt_waiting);
}

static void adopt_uncredited(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->flows.adopt_uncredited);
}

static void readings_late(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->flows.readings_late);
}

static void revalidation_rounds(struct scrape *s)
{
	sample(s, "", NULL, NULL, s->flows.rounds);
}

static void revalidation_seconds(struct scrape *s)
{
	str_printf(&s->out, "%s{datapath=\"%s\"} %.3f\n", s->family, s->dp,
		   (double)s->flows.round_ms / 1000);
}

static void xlate_errors(struct scrape *s)
{
	for (unsigned i = 1; i < XLATE_N_ERRORS; i++)
		sample(s, "", "error", xlate_error_name[i],
		       i == XLATE_NO_PORT ? s->flows.no_port : s->flows.xlate_errors[i]);
}

/* --- devices --- */

#define FOR_EACH_DEVICE(S, D)                                                                      \
	for (const struct engine_device_info *D = (S)->devices; D < (S)->devices + (S)->n_devices; \
	     D++)

static void dev_entries(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->usage.entries);
}

static void dev_capacity(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->usage.capacity);
}

static void dev_flows(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	for (unsigned i = 0; i < OFFLOAD_N_STATES; i++)
		device_sample(s, d, "state", offload_state_name[i], d->flows[i]);
}

static void dev_queue(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->queue_depth);
}

static void dev_shed(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->queue_shed);
}

static void dev_operations(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	{
		device_sample(s, d, "operation", "install", d->installs);
		device_sample(s, d, "operation", "replace", d->replaces);
		device_sample(s, d, "operation", "remove", d->removes);
		device_sample(s, d, "operation", "failure", d->failures);
		device_sample(s, d, "operation", "eviction", d->evictions);
		device_sample(s, d, "operation", "exchange", d->exchanges);
		device_sample(s, d, "operation", "repair", d->repairs);
	}
}

static void dev_churn_bound(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->churn_bound);
}

static void dev_allowed(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	if (d->limited)
		device_sample(s, d, NULL, NULL, d->allowed);
}

static void dev_ticks(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->ticks);
}

static void dev_churn_limited(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->churn_limited);
}

static void dev_refusals(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	for (unsigned r = 1; r < OFFLOAD_N_REASONS; r++)
		device_sample(s, d, "reason", offload_reason_table[r].name, d->refusals[r]);
}

static void dev_audit(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	{
		device_sample(s, d, "finding", "missing", d->audit_missing);
		device_sample(s, d, "finding", "orphaned", d->audit_orphaned);
		device_sample(s, d, "finding", "altered", d->audit_altered);
		device_sample(s, d, "finding", "mute", d->audit_mute);
		device_sample(s, d, "finding", "ran_back", d->readings_back);
	}
}

static void dev_drift(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	for (unsigned i = 0; i < ENGINE_N_FINDINGS; i++)
		device_sample(s, d, "finding", engine_finding_name[i], d->audit_drift[i]);
}

static void dev_audit_runs(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->audit_runs);
}

static void dev_audit_age(struct scrape *s)
{
	uint64_t now = clock_mono_ns();

	FOR_EACH_DEVICE(s, d)
	if (d->audit_ended_ns)
		device_sample(s, d, NULL, NULL, (now - MIN(now, d->audit_ended_ns)) / NSEC_PER_SEC);
}

static void dev_faults(struct scrape *s)
{
	struct engine_fault *f = xcalloc(ENGINE_FAULTS, sizeof(*f));
	size_t n = MIN(engine_faults(flows_engine(backend_flows(s->be)), f, ENGINE_FAULTS),
		       (size_t)ENGINE_FAULTS);

	FOR_EACH_DEVICE(s, d)
	{
		uint64_t open = 0;

		for (size_t i = 0; i < n; i++)
			open += !f[i].ended_ns && !strcmp(f[i].device, d->name);
		device_sample(s, d, NULL, NULL, open);
	}
	free(f);
}

static void dev_hangs(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->hangs);
}

static void dev_lacking(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, *d->caps.lacking != '\0');
}

static void dev_events(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	for (unsigned k = 0; k < OFFLOAD_N_EVENTS; k++)
		device_sample(s, d, "event", offload_event_name[k], d->events[k]);
}

static void dev_resets(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->resets);
}

static void dev_shapes(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	device_sample(s, d, NULL, NULL, d->learned_shapes);
}

static void dev_queue_age(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	str_printf(&s->out, "%s{datapath=\"%s\",device=\"%s\"} %.3f\n", s->family, s->dp, d->name,
		   (double)d->queue_oldest_ns / 1e9);
}

static void dev_latency(struct scrape *s)
{
	FOR_EACH_DEVICE(s, d)
	{
		double bound = 1e-6;
		uint64_t count = 0;

		for (unsigned i = 0; i < ENGINE_LATENCY_BUCKETS; i++, bound *= 4) {
			count += d->latency[i];
			str_printf(&s->out, "%s_bucket{datapath=\"%s\",device=\"%s\",le=\"",
				   s->family, s->dp, d->name);
			if (i + 1 < ENGINE_LATENCY_BUCKETS)
				str_printf(&s->out, "%g\"} %" PRIu64 "\n", bound, count);
			else
				str_printf(&s->out, "+Inf\"} %" PRIu64 "\n", count);
		}
		str_printf(&s->out, "%s_sum{datapath=\"%s\",device=\"%s\"} %.9f\n", s->family,
			   s->dp, d->name, (double)d->latency_sum_ns / 1e9);
		str_printf(&s->out, "%s_count{datapath=\"%s\",device=\"%s\"} %" PRIu64 "\n",
			   s->family, s->dp, d->name, count);
	}
}

/* --- ports, bridges --- */

struct port_walk {
	struct scrape *s;
	const char *bridge;
	bool bytes;
};

static void put_port(const struct port_walk *w, const char *port, const char *direction, uint64_t x)
{
	str_printf(&w->s->out, "%s{datapath=\"%s\",bridge=\"", w->s->family, w->s->dp);
	put_label_value(&w->s->out, w->bridge);
	str_puts(&w->s->out, "\",port=\"");
	put_label_value(&w->s->out, port);
	str_printf(&w->s->out, "\",direction=\"%s\"} %" PRIu64 "\n", direction, x);
}

static void port_sample(const struct bridge_port_info *p, void *aux)
{
	const struct port_walk *w = aux;

	put_port(w, p->name, "rx", w->bytes ? p->stats.rx_bytes : p->stats.rx_packets);
	put_port(w, p->name, "tx", w->bytes ? p->stats.tx_bytes : p->stats.tx_packets);
}

static void port_drop_sample(const struct bridge_port_info *p, void *aux)
{
	const struct port_walk *w = aux;

	put_port(w, p->name, "rx", p->stats.rx_dropped);
	put_port(w, p->name, "tx", p->stats.tx_dropped);
}

static void walk_ports(struct scrape *s, bool bytes, bridge_port_visit_fn *fn)
{
	struct port_walk w = { .s = s, .bytes = bytes };
	struct bridge *br = NULL;

	while ((br = backend_bridge_next(s->be, br))) {
		w.bridge = bridge_name(br);
		bridge_ports_visit(br, fn, &w);
	}
}

static void port_packets(struct scrape *s)
{
	walk_ports(s, false, port_sample);
}

static void port_bytes(struct scrape *s)
{
	walk_ports(s, true, port_sample);
}

static void port_dropped(struct scrape *s)
{
	walk_ports(s, false, port_drop_sample);
}

/* What enters by a port, by the tier that switches it. */
static void by_tier(struct scrape *s, bool bytes)
{
	struct engine *e = flows_engine(backend_flows(s->be));
	size_t max = engine_ports(e, NULL, 0) + 16, n;
	struct engine_port_info *p = xcalloc(max, sizeof(*p));

	n = MIN(engine_ports(e, p, max), max);
	for (size_t i = 0; i < n; i++)
		for (unsigned t = 0; t < LEDGER_N_TIERS; t++) {
			str_printf(&s->out, "%s{datapath=\"%s\",port=\"", s->family, s->dp);
			put_label_value(&s->out, p[i].name);
			str_printf(&s->out, "\",tier=\"%s\"} %" PRIu64 "\n", ledger_tier_name[t],
				   bytes ? p[i].bytes[t] : p[i].packets[t]);
		}
	free(p);
}

static void port_tier_packets(struct scrape *s)
{
	by_tier(s, false);
}

static void port_tier_bytes(struct scrape *s)
{
	by_tier(s, true);
}

static void tunnel_sample(const struct dp_port_info *p, void *aux)
{
	struct scrape *s = aux;

	for (unsigned i = 0; i < PORT_N_DROPS; i++) {
		str_printf(&s->out, "%s{datapath=\"%s\",port=\"", s->family, s->dp);
		put_label_value(&s->out, p->name);
		str_printf(&s->out, "\",reason=\"%s\"} %" PRIu64 "\n", port_drop_name[i],
			   p->stats.drops[i]);
	}
}

static void tunnel_dropped(struct scrape *s)
{
	backend_tunnels_visit(s->be, tunnel_sample, s);
}

static void bridge_rules(struct scrape *s)
{
	struct bridge *br = NULL;

	while ((br = backend_bridge_next(s->be, br)))
		sample(s, "", "bridge", bridge_name(br), tables_n_rules(bridge_tables(br)));
}

static void put_sflow(struct scrape *s, size_t member)
{
	struct bridge *br = NULL;
	struct sflow_stats st;

	while ((br = backend_bridge_next(s->be, br)))
		if (bridge_sflow_stats(br, &st))
			sample(s, "", "bridge", bridge_name(br),
			       *(const uint64_t *)(const void *)((const uint8_t *)&st + member));
}

static void sflow_samples(struct scrape *s)
{
	put_sflow(s, offsetof(struct sflow_stats, samples));
}

static void sflow_dropped_samples(struct scrape *s)
{
	put_sflow(s, offsetof(struct sflow_stats, drops));
}

static void sflow_datagrams(struct scrape *s)
{
	put_sflow(s, offsetof(struct sflow_stats, datagrams));
}

static void sflow_lost(struct scrape *s)
{
	put_sflow(s, offsetof(struct sflow_stats, lost));
}

static const struct family families[] = {
	{ "shunt_flows", "gauge", "Megaflows by the tier that switches them", tier_flows },
	{ "shunt_packets_total", "counter", "Packets switched, by tier", tier_packets },
	{ "shunt_bytes_total", "counter", "Bytes switched (frames without FCS), by tier",
	  tier_bytes },
	{ "shunt_flows_outside_hardware", "gauge", "Megaflows that are not in hardware, by reason",
	  outside },
	{ "shunt_offload_entries", "gauge", "Table entries in use", dev_entries },
	{ "shunt_offload_capacity", "gauge", "Table entries that the device has; 0 is unknown",
	  dev_capacity },
	{ "shunt_offload_allowed", "gauge",
	  "Table entries that the limits leave the device now; none: no limit", dev_allowed },
	{ "shunt_offload_decisions_total", "counter", "Ticks in which placement was decided",
	  dev_ticks },
	{ "shunt_offload_flows", "gauge", "Megaflows of the device's ports, by state", dev_flows },
	{ "shunt_offload_queue_depth", "gauge", "Requests waiting for the device", dev_queue },
	{ "shunt_offload_queue_oldest_seconds", "gauge",
	  "How long the oldest waiting request has waited", dev_queue_age },
	{ "shunt_offload_churn_bound", "gauge", "Evictions that may be made in a second",
	  dev_churn_bound },
	{ "shunt_offload_churn_limited_total", "counter",
	  "Times that a flow was worth an entry and the bound on evictions kept it out",
	  dev_churn_limited },
	{ "shunt_offload_queue_shed_total", "counter", "Requests that a full queue gave up",
	  dev_shed },
	{ "shunt_offload_operations_total", "counter", "Requests carried out", dev_operations },
	{ "shunt_offload_refusals_total", "counter",
	  "Times that a megaflow was kept or put out of hardware, by reason", dev_refusals },
	{ "shunt_offload_audit_findings_total", "counter",
	  "Rules, and counters, that were found wrong", dev_audit },
	{ "shunt_offload_audit_drift", "gauge", "Rules that the last whole audit found wrong",
	  dev_drift },
	{ "shunt_offload_audit_runs_total", "counter", "Audits that came to their end",
	  dev_audit_runs },
	{ "shunt_offload_audit_age_seconds", "gauge", "Since the last audit ended", dev_audit_age },
	{ "shunt_offload_faulty_flows", "gauge",
	  "Megaflows in hardware that are never hit there while software sees their packets",
	  dev_faults },
	{ "shunt_offload_connections", "gauge",
	  "Tracked connections of zones that flows name: in hardware, or what keeps them out",
	  connections },
	{ "shunt_offload_hangs_total", "counter",
	  "Times that the device did not come back from a call and was cut off", dev_hangs },
	{ "shunt_offload_kernel_lacks", "gauge",
	  "Whether the kernel lacks a part of TC that the device's rules may need", dev_lacking },
	{ "shunt_offload_events_total", "counter", "What the provider told of its own accord",
	  dev_events },
	{ "shunt_offload_resets_total", "counter", "Times that the device lost all its rules",
	  dev_resets },
	{ "shunt_offload_learned_shapes", "gauge",
	  "Shapes of flow that the driver refused and is not asked for again", dev_shapes },
	{ "shunt_offload_install_latency_seconds", "histogram",
	  "Time that the device took for a request", dev_latency },
	{ "shunt_megaflows", "gauge", "Megaflows", megaflows },
	{ "shunt_megaflow_limit", "gauge", "The limit on megaflows that is in force",
	  megaflow_limit },
	{ "shunt_megaflow_events_total", "counter", "What happened to megaflows", megaflow_events },
	{ "shunt_megaflows_unchecked", "gauge",
	  "Megaflows of a former process that wait for the tables to be loaded",
	  megaflows_unchecked },
	{ "shunt_adopted_packets_uncredited_total", "counter",
	  "Packets of adopted megaflows that belong to no rule of today", adopt_uncredited },
	{ "shunt_revalidation_rounds_total", "counter", "Rounds of the revalidator",
	  revalidation_rounds },
	{ "shunt_answers_without_reading_total", "counter",
	  "Answers about counters that did not wait longer for a device to tell its own",
	  readings_late },
	{ "shunt_revalidation_seconds", "gauge", "Length of the last round", revalidation_seconds },
	{ "shunt_translation_errors_total", "counter", "Translations that ended in a drop",
	  xlate_errors },
	{ "shunt_datapath_hits_total", "counter", "Packets that a megaflow of the datapath covered",
	  dp_hits },
	{ "shunt_datapath_misses_total", "counter", "Packets without a megaflow", dp_misses },
	{ "shunt_datapath_masks", "gauge", "Distinct masks of the datapath's megaflows", dp_masks },
	{ "shunt_upcalls_total", "counter", "Packets that went up to translation", dp_upcalls },
	{ "shunt_upcall_overruns_total", "counter",
	  "Times that the kernel found a handler's socket full", dp_overruns },
	{ "shunt_drops_total", "counter", "Packets that the datapath dropped, by reason",
	  dp_drops },
	{ "shunt_parse_errors_total", "counter",
	  "Packets with a header that is cut short or malformed", dp_parse },
	{ "shunt_packet_ins_dropped_total", "counter", "Packet-ins that found no room",
	  packet_ins_dropped },
	{ "shunt_port_packets_total", "counter", "Packets through a port", port_packets },
	{ "shunt_port_bytes_total", "counter", "Bytes through a port (frames without FCS)",
	  port_bytes },
	{ "shunt_port_switched_packets_total", "counter",
	  "Packets that entered by a port, by the tier that switched them", port_tier_packets },
	{ "shunt_port_switched_bytes_total", "counter",
	  "Bytes that entered by a port (frames without FCS), by the tier that switched them",
	  port_tier_bytes },
	{ "shunt_port_drops_total", "counter", "Packets that a port lost", port_dropped },
	{ "shunt_tunnel_drops_total", "counter", "Packets that a port of tunnels lost, by reason",
	  tunnel_dropped },
	{ "shunt_openflow_rules", "gauge", "OpenFlow rules of a bridge", bridge_rules },
	{ "shunt_sflow_samples_total", "counter", "Sampled packets that collectors were told of",
	  sflow_samples },
	{ "shunt_sflow_dropped_total", "counter",
	  "Sampled packets that found no room on their way to the sFlow agent",
	  sflow_dropped_samples },
	{ "shunt_sflow_datagrams_total", "counter", "Datagrams sent, each to a collector",
	  sflow_datagrams },
	{ "shunt_sflow_datagrams_lost_total", "counter",
	  "Datagrams that could not be sent to a collector", sflow_lost },
};

static void read_backend(struct scrape *s, struct backend *be)
{
	struct engine *e = flows_engine(backend_flows(be));

	s->be = be;
	s->dp = backend_dp(be)->ops->type;
	backend_dp(be)->ops->stats(backend_dp(be), &s->dp_stats);
	flows_stats(backend_flows(be), &s->flows);
	engine_totals(e, &s->totals);
	s->devices = xcalloc(DEVICES_MAX, sizeof(*s->devices));
	s->n_devices = MIN(engine_devices(e, s->devices, DEVICES_MAX), (size_t)DEVICES_MAX);
}

/* A family's samples stand together, whatever backend they come from. */
static void put_family(struct str *out, const struct family *f, struct scrape *s, size_t n)
{
	str_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", f->name, f->help, f->name, f->type);
	for (size_t i = 0; i < n; i++) {
		str_clear(&s[i].out);
		s[i].family = f->name;
		f->fn(&s[i]);
		str_puts(out, str_cstr(&s[i].out));
	}
}

static void put_process(struct str *out, const struct switchd *sw)
{
	str_printf(out,
		   "# HELP shunt_build_info The version that runs.\n# TYPE shunt_build_info gauge\n"
		   "shunt_build_info{version=\"%s\"} 1\n"
		   "# HELP shunt_uptime_seconds Time since the start.\n# TYPE shunt_uptime_seconds "
		   "gauge\n"
		   "shunt_uptime_seconds %" PRIu64 "\n",
		   PACKAGE_VERSION, (uint64_t)((clock_mono_ns() - sw->started_ns) / NSEC_PER_SEC));
	str_printf(
		out,
		"# HELP shunt_datapath_available Whether bridges of a datapath_type can be made: "
		"system wants the kernel's openvswitch.\n"
		"# TYPE shunt_datapath_available gauge\n"
		"shunt_datapath_available{datapath=\"netdev\"} 1\n"
		"shunt_datapath_available{datapath=\"system\"} %d\n",
		dp_kernel_there());
	str_puts(out,
		 "# HELP shunt_netlink_dumps_interrupted_total Readings of a table of the kernel "
		 "that changed meanwhile, and were begun again.\n"
		 "# TYPE shunt_netlink_dumps_interrupted_total counter\n");
	for (unsigned i = 0; i < NL_N_DUMPS; i++)
		str_printf(out,
			   "shunt_netlink_dumps_interrupted_total{family=\"%s\"} %" PRIu64 "\n",
			   nl_dumps_name[i], nl_dumps_interruptions((enum nl_dumps)i));
}

void switchd_metrics_text(struct switchd *sw, struct str *out)
{
	struct scrape s[BACKENDS_MAX];
	struct backend *be = NULL;
	size_t n = 0;

	memset(s, 0, sizeof(s));
	while (n < BACKENDS_MAX && (be = switchd_backend_next(sw, be)))
		read_backend(&s[n++], be);
	put_process(out, sw);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		put_family(out, &families[i], s, n);
	for (size_t i = 0; i < n; i++) {
		free(s[i].devices);
		str_done(&s[i].out);
	}
}

static void serve(struct http_request *r, void *arg)
{
	struct str out = STR_INIT;

	switchd_metrics_text(arg, &out);
	http_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", str_cstr(&out), out.len);
	str_done(&out);
}

void switchd_metrics_register(struct switchd *sw)
{
	http_route(sw->http, "/metrics", serve, sw);
}
