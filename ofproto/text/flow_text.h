/* SPDX-License-Identifier: Apache-2.0 */
/* Flows, groups and their statistics as text, in the form of ovs-ofctl(8), both ways.  Pure. */
#pragma once

#include "ofproto/text/ofpact_text.h"
#include "ofproto/wire/msgs.h"

/* One line of dump-flows, without the newline:
 * ` cookie=0x0, duration=1.5s, table=0, n_packets=0, n_bytes=0, idle_age=1, priority=5,ip
 * actions=NORMAL`. */
void flow_stats_format(const struct ofp_flow_stats *s, const struct ofp_names *names,
		       struct str *out);
/* The flow alone: `table=1,priority=5,ip actions=NORMAL`; table 0 and priority 32768 are not said.
 */
void flow_format(uint8_t table, uint16_t priority, const struct match *m, struct ofpacts actions,
		 const struct ofp_names *names, struct str *out);

/* `table=…,priority=…,cookie=…[/mask],idle_timeout=…,out_port=…,FIELDS actions=…` for `command`
 * (OFPFC_*_).  fm->actions borrows `acts`, which is cleared first.  Adding needs "actions=";
 * deleting refuses it.  A strict delete or modify has a priority (32768 when not said); a loose one
 * must have none. */
int flow_mod_parse(const char *text, int command, const struct ofp_names *names,
		   struct ofp_flow_mod *fm, struct buf *acts, struct error *err) MUST_CHECK;

/* `group_id=1,type=select,bucket=weight:5,actions=output:1,bucket=…`.  gm->buckets is an array in
 * `buckets`, lists are in `acts`; both are cleared first. */
int group_mod_parse(const char *text, int command, const struct ofp_names *names,
		    struct ofp_group_mod *gm, struct buf *acts, struct buf *buckets,
		    struct error *err) MUST_CHECK;
/* The line of dump-groups. */
void group_format(const struct ofp_group_mod *g, const struct ofp_names *names, struct str *out);
/* The line of dump-group-stats. */
void group_stats_format(const struct ofp_group_stats *s, struct str *out);
