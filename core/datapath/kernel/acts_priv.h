/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two directions of acts.h. */
#pragma once

/* OVS_ACTION_ATTR_DROP of Linux 6.7: older headers end before it. */
#define KDP_ACTION_DROP 24
