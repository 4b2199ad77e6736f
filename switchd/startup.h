/* SPDX-License-Identifier: Apache-2.0 */
/* What is compiled in: kinds of ports, datapaths and offload providers, registered once at the
 * start. */
#pragma once

void startup_register(void);
/* SHUNT_SCHEMA from the environment, else the installed schema. */
const char *startup_schema_path(void);
