/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a filter's actions (tcm_index of struct tc_gen, linux/pkt_cls.h).
 *
 * An action that asks for no number gets the lowest free one of its kind in the network namespace,
 * which the kernel looks for one by one from the first (Linux 6.1, tcf_idr_check_alloc()): at
 * 50,000 rules that is most of what a rule costs.  So ours ask for numbers of their own: one after
 * the other from a place that chance chose, in a range where the kernel gives none by itself, and
 * none again until all have been had.
 *
 * A number that somebody has already would bind the filter to his action, counters and all.  The
 * echo tells how many are bound to each action, and must say one: flower_number_shared().
 *
 * Any thread. */
#pragma once

#include "core/base/types.h"

#define FLOWER_NUMBER_FIRST 0x40000000u
#define FLOWER_NUMBER_LAST 0x7fffffffu

/* Writes numbers into the actions among a request's flower options, TCA_FLOWER_* of `len` bytes. */
void flower_number_put(void *options, size_t len);
/* True when an action in TCA_FLOWER_ACT's payload, as the kernel shows it, is not this filter's
 * alone.  Meters are shared by intent and not looked at. */
bool flower_number_shared(const void *acts, size_t len);
