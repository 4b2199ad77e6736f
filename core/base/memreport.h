/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds how many of what, for memory/show: a registry of functions that each add "name:count"
 * pairs.  Counts of one name from several reporters are summed.  All calls on the main thread. */
#pragma once

#include "core/base/types.h"

struct memreport;
struct memreporter;
struct str;

struct memreporter *memreporter_new(void (*fn)(struct memreport *m, void *arg), void *arg);
void memreporter_free(struct memreporter *r); /* NULL is fine */
/* For the functions; `name` is borrowed until the report is done. */
void memreport_add(struct memreport *m, const char *name, uint64_t count);
/* "cells:20 flows:7 rules:3\n", by name. */
void memreport_show(struct str *out);
/* Calls fn for each name of a fresh report, in order. */
void memreport_each(void (*fn)(const char *name, uint64_t count, void *arg), void *arg);
