/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of the live view.  Each shows at most so many rows under its heads, and says there how
 * many there are when that is not all. */
#pragma once

#include "tools/layout.h"
#include "tools/table.h"

struct top_section {
	unsigned least, most; /* rows, where there are so many; most 0: as many as fit */
	/* How many rows there are to show. */
	size_t (*count)(const struct layout_frame *f, struct error *err);
	void (*show)(struct view *v, const struct layout_frame *f, size_t rows, struct error *err);
};

extern const struct top_section top_tiers, top_devices, top_reasons; /* layout_top_sums.c */
extern const struct top_section top_ports, top_moves, top_flows;     /* layout_top_lists.c */

/* --- shared --- */

/* Calls fn for each object in the list `key` of each datapath; which datapath's is no matter. */
typedef void top_each_fn(struct json_object *o, void *aux, struct error *err);
void top_each(struct json_object *answer, const char *key, top_each_fn *fn, void *aux,
	      struct error *err);
size_t top_count(struct json_object *answer, const char *key, struct error *err);
/* The object in such lists of the answer whose member `by` is `name`; NULL. */
struct json_object *top_find(struct json_object *answer, const char *key, const char *by,
			     const char *name, struct error *err);
/* What has come since the frame before, a second; a number that got smaller is of a switch that
 * started anew.  0 in the first frame. */
double top_rate(const struct layout_frame *f, uint64_t now, uint64_t before);
/* Cells: a rate of packets or of bits; "-" in the first frame. */
void top_cell_rate(struct table *t, const struct layout_frame *f, double per_s);
void top_cell_bits(struct table *t, const struct layout_frame *f, double bytes_s);
/* A share as a bar and in percent, two cells. */
void top_cell_share(struct table *t, const struct view *v, enum view_tone tone, double part,
		    double whole);
/* "HEAD", or "HEAD (3 of 12)" when that is not all. */
struct top_head {
	char s[80];
};
struct top_head top_head(const char *head, size_t shown, size_t of);
