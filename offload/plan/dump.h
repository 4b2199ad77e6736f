/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what `dpctl/dump-flows -m` prints: of Open vSwitch 3.1 (netdev and kernel datapaths) and of
 * Shunt, a line a flow.
 *
 * The words of matches and actions are those of core/packet (ovs-fields(7), ovs-actions(7),
 * ovs-dpctl(8)); this module brings what another switch writes otherwise into that form: ports by
 * name, the upcall behind userspace(), headers that Shunt does not have.  A header or an action
 * that no NIC here could be asked for (tnl_push, nsh, Geneve options) does not make a line
 * unreadable: the flow is read, and `foreign` says what stands in its way.
 *
 * A line that is not understood is refused with the word at fault; nothing is skipped but what is
 * no flow (blank lines and "flow-dump from …" headings).  Pure: no I/O.  One reader, one thread. */
#pragma once

#include "core/datapath/dp.h"
#include "offload/reason.h"

#define DUMP_LINE_MAX 65536 /* bytes of a line; longer ones are refused */
#define DUMP_PORTS_MAX 65536

/* Ports that are named get numbers of their own, from here on. */
#define DUMP_NAMED_PORT 0x10000u

struct dump_reader {
	char **names; /* owned */
	size_t n_names, cap_names;
};

struct dump_flow {
	bool has_ufid;
	struct ufid ufid;
	struct flow_key key, mask;
	struct buf actions;
	struct str match_text, actions_text; /* as they were written */
	uint64_t packets, bytes;
	bool offloaded; /* the switch that was dumped had it in hardware, at least in part */
	struct offload_refusal foreign; /* OFFLOAD_OK: none */
};

void dump_reader_init(struct dump_reader *r);
void dump_reader_done(struct dump_reader *r);
/* "eth0", or the digits of a port that was told by number. */
void dump_port_name(const struct dump_reader *r, struct dp_port no, char name[64]);
/* The number of a port by this name: those that a dump has named, or digits. */
bool dump_port_find(const struct dump_reader *r, const char *name, struct dp_port *no);

void dump_flow_init(struct dump_flow *f);
void dump_flow_done(struct dump_flow *f);
/* 1: *f is a flow (what it held before is dropped); 0: the line is no flow; -EINVAL: neither, *err
 * says why. */
int dump_read(struct dump_reader *r, const char *line, struct dump_flow *f,
	      struct error *err) MUST_CHECK;
