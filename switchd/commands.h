/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the control commands. */
#pragma once

#include "core/base/str.h"
#include "switchd/config.h"

/* The bridge, or NULL after an error has been sent. */
struct bridge *command_bridge(struct switchd *sw, struct ctl_conn *conn, const char *name);
/* Sends the text and frees it. */
void command_done(struct ctl_conn *conn, struct str *out);

void commands_ofproto_register(struct switchd *sw);
void commands_dp_register(struct switchd *sw);
void commands_ct_register(struct switchd *sw);
void commands_tunnel_register(struct switchd *sw);
void commands_offload_register(struct switchd *sw);
