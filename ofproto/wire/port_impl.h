/* SPDX-License-Identifier: Apache-2.0 */
/* Port descriptions, which several messages carry; for the codec's own files. */
#pragma once

#include "ofproto/wire/codec.h"

#define OFP_PHY_PORT_LEN10 48
void ofp_put_phy_port(struct buf *out, uint8_t version, const struct ofp_phy_port *p);
enum ofperr ofp_get_phy_port(struct cursor *c, uint8_t version, struct ofp_phy_port *p);
