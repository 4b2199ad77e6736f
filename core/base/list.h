/* SPDX-License-Identifier: Apache-2.0 */
/* Doubly linked lists: liburcu's cds_list_head, plain and under RCU (cds_list_for_each_entry() and
 * kin).  Included instead of <urcu/list.h>, because liburcu's own way from member to object casts
 * `const` away, of which clang warns at each use. */
#pragma once

#include <urcu/list.h>
#include <urcu/rculist.h>

#include "core/base/types.h"

#undef caa_container_of
#define caa_container_of(PTR, TYPE, MEMBER) container_of(PTR, TYPE, MEMBER)
