/* SPDX-License-Identifier: Apache-2.0 */
/* One question that all tiers are asked: a table in the words of ovs-ofctl(8), and frames.
 *
 * The same text is what a failure is printed as and what an example in tests/agree/cases holds:
 *
 *   port 2 access tag=5              VLAN mode and tag of a port (default: a trunk)
 *   group group_id=1,type=all,bucket=output:2
 *   flow table=0,priority=5,ip actions=dec_ttl,group:1
 *   packet 1 0200000000020200…       the port that it comes in by, and the frame
 *   packet 1 partial 0200…           its L4 checksum is begun only, as a host's stack leaves it
 *   wrong-sums                       some checksums are wrong
 *   # a comment
 *
 * A line that tables refuse is refused by all of them: agree_tier_load(). */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"

#define AGREE_PORTS 4  /* OpenFlow ports 1 to 4 */
#define AGREE_LINES 48 /* at most, of tables, groups and ports */
#define AGREE_PACKETS 16
#define AGREE_FRAME 512 /* bytes, at most */

struct agree_packet {
	unsigned port; /* from 1 */
	bool partial;
	uint32_t len;
	uint8_t data[AGREE_FRAME];
};

struct agree_case {
	unsigned n_lines, n_packets;
	bool wrong_sums;         /* some checksums are wrong: not for tiers that put them right */
	char *line[AGREE_LINES]; /* owned */
	struct agree_packet packet[AGREE_PACKETS];
};

void agree_case_init(struct agree_case *c);
void agree_case_done(struct agree_case *c);
void agree_case_copy(struct agree_case *dst, const struct agree_case *src);
void agree_case_add_line(struct agree_case *c, const char *line);
/* Line i in another's place; text NULL: it goes. */
void agree_case_set_line(struct agree_case *c, unsigned i, const char *text);
/* It has connections tracked, which not every datapath does. */
bool agree_case_tracks(const struct agree_case *c);
void agree_case_drop_packet(struct agree_case *c, unsigned i);
/* The text above.  -EINVAL: a line that is none of these. */
int agree_case_parse(struct agree_case *c, const char *text, struct error *err) MUST_CHECK;
int agree_case_read(struct agree_case *c, const char *file, struct error *err) MUST_CHECK;
void agree_case_format(const struct agree_case *c, struct str *out);
/* "word 0a0b…": hexadecimal. */
void agree_hex(struct str *s, const void *data, size_t len);
