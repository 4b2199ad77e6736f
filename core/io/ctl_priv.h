/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind core/io/ctl.h share. */
#pragma once

#include "core/io/ctl.h"

struct str;

void ctl_register_builtins(struct ctl *c);
void ctl_list_commands(const struct ctl *c, struct str *out);
