/* SPDX-License-Identifier: Apache-2.0 */
/* What a sim NIC can do and how fast: a small text file per NIC.
 *
 * `profiles/NAME.conf` holds lines `key = value`; `#` starts a comment, blank lines are skipped, a
 * list is separated by blanks or commas and a list key that is given again adds to its list.  Keys:
 *
 *   description        free text
 *   fields             fields that it matches exactly (names of ovs-fields(7))
 *   fields_prefix      fields that it matches under prefixes too
 *   fields_masked      fields that it matches under any mask
 *   set_fields         fields that it can rewrite
 *   actions            output set push_vlan pop_vlan push_mpls pop_mpls clone trunc drop
 *   inner_vlan         yes|no: it matches a second VLAN tag
 *   table_size         entries (1 .. 16777216)
 *   max_outputs        outputs of one rule, 0 = any number
 *   max_actions        actions of one rule, 0 = any number
 *   insert_latency_us  time that one rule takes, put in, replaced or removed (0 .. 10000000)
 *   counter_lag_ms     how old a counter may be when it is read (0 .. 60000)
 *   batch              requests that one call takes (1 .. 1024)
 *   probed             yes|no: it tells what a real device was found to do (profile_print()),
 *                      for offload/plan alone; no sim NIC is made of it
 *   ports              names of the ports that a probed NIC has
 *
 * table_size is required but of what was probed, whose size may not be known; and only that has
 * actions that sim cannot do.  An unknown key, a value out of range and a name that is no field or
 * action are refused with file and line.  in_port and "not recirculated" are always matched: a NIC
 * knows the port that it is.  (What was probed says itself whether it matches later passes.)
 *
 * Fields that share bits have one name here: nw_tos counts as ip_dscp, vlan_tci as vlan_vid and
 * vlan_pcp, and the OpenFlow 1.0 names likewise (profile_field()).  Any thread; blocks for the
 * file. */
#pragma once

#include "offload/provider.h"

#define PROFILE_NAME_MAX 32
#define PROFILE_MAX_SIZE 65536 /* bytes of a file */

struct sim_profile {
	char name[PROFILE_NAME_MAX];
	char description[128];
	struct offload_caps caps; /* generation is the device's business */
	bool inner_vlan, probed;
	char ports[512];
	uint32_t insert_latency_us;
};

/* Reads a profile's text.  `file` stands in messages and names the profile (its last part without
 * ".conf").  0, or -EINVAL with err->field = "file:line". */
int profile_parse(const char *text, size_t len, const char *file, struct sim_profile *p,
		  struct error *err) MUST_CHECK;
/* The text of a profile. */
void profile_print(const struct sim_profile *p, struct str *out);
/* The names that profile_load() knows, in order, separated by ", ". */
void profile_list(struct str *out);
/* Finds NAME.conf in $SHUNT_PROFILE_DIR, else in the installed profiles.  A name has letters,
 * digits,
 * '-' and '_' only.  -ENOENT (*err names those that there are), -EINVAL, or
 * the errno of reading. */
int profile_load(const char *name, struct sim_profile *p, struct error *err) MUST_CHECK;
/* The same from a file. */
int profile_read(const char *path, struct sim_profile *p, struct error *err) MUST_CHECK;
/* Would a NIC of this profile, with the ports that has_port() says, take the rule?  0 and its cost,
 * or -EOPNOTSUPP and the refusal.  What is in its table does not matter.  Pure; any thread. */
typedef bool profile_port_fn(void *aux, struct dp_port port);
int profile_plan(const struct sim_profile *p, const struct offload_rule *r,
		 profile_port_fn *has_port, void *aux, struct offload_plan *plan) MUST_CHECK;
