/* SPDX-License-Identifier: Apache-2.0 */
/* `offload top`: asks the switch again and again and shows what it says. */
#pragma once

struct args;

int top_run(struct args *a); /* an exit status */
