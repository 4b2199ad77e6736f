/* SPDX-License-Identifier: Apache-2.0 */
/* VLAN admission and tagging of NORMAL switching: what a Port's vlan_mode, tag, trunks, cvlans and
 * priority-tags mean for a packet that comes in or goes out through it.
 *
 * A packet is in one VLAN, a property apart from how its headers say it.  vlan_input() finds the
 * VLAN and says whether the outer header is ours to take off; vlan_output() says whether another
 * port carries that VLAN and which header to put on.  A translation takes off, then puts on; where
 * both cancel out, its commit sees no difference.
 *
 * Pure functions without state or allocation; any thread.  Bits of the packet that an answer
 * depends on, for the mask: VID and presence (CFI) of vlans[0] always; its PCP when vlan_output()
 * pushed a header or the port's priority_tags is not NEVER; vlans[1]'s VID and presence when
 * either port is a dot1q-tunnel with cvlans.
 *
 * Source: ovs-vswitchd.conf.db(5), table Port, "VLAN Configuration". */
#pragma once

#include "core/packet/flow_key.h"

#define VLAN_VID_MAX 4095
#define VLAN_BITMAP_WORDS (4096 / 64)

enum vlan_mode {
	VLAN_TRUNK,
	VLAN_ACCESS,
	VLAN_NATIVE_TAGGED,
	VLAN_NATIVE_UNTAGGED,
	VLAN_DOT1Q_TUNNEL,
	VLAN_N_MODES
};

enum vlan_priority_tags {
	VLAN_PRIO_NEVER,      /* no header with VID 0 goes out */
	VLAN_PRIO_IF_NONZERO, /* unless its priority is not 0 */
	VLAN_PRIO_ALWAYS,     /* a packet that came with a header keeps one */
	VLAN_N_PRIO
};

/* A port's configuration.  All zero: a trunk of every VLAN, the default of a Port without
 * settings. */
struct vlan_conf {
	uint8_t mode;           /* enum vlan_mode */
	uint8_t priority_tags;  /* enum vlan_priority_tags */
	uint16_t tag;           /* all modes but trunk; 0-4095 */
	be16 qinq_tpid;         /* dot1q-tunnel; 0 = 0x88a8 */
	const uint64_t *trunks; /* VLAN_BITMAP_WORDS words, borrowed; NULL: all VLANs */
	const uint64_t *cvlans; /* the same for customer VLANs of a dot1q-tunnel */
};

/* Why a packet may not come in. */
enum vlan_drop {
	VLAN_OK,
	VLAN_DROP_TAGGED_ON_ACCESS, /* a header with a VID on an access port */
	VLAN_DROP_NOT_TRUNKED,      /* a VLAN that the trunk leaves out */
	VLAN_DROP_CVLAN,            /* a customer VLAN that the tunnel leaves out */
	VLAN_N_DROPS
};

/* A packet's VLAN while it is inside the switch. */
struct vlan_in {
	uint16_t vid;  /* the VLAN */
	uint16_t cvid; /* VID of the header behind, once the outer one is off; 0: none */
	uint8_t pcp;   /* priority to send in the VLAN's header, 0-7 */
	bool strip;    /* vlans[0] encodes the VLAN: take it off before vlan_output()'s goes on */
	bool tagged;   /* the packet came with a header that is stripped */
	be16 tpid;     /* of the VLAN's header */
};

struct vlan_out {
	bool push;
	struct flow_vlan tag; /* when push; tci with VLAN_CFI */
};

/* Returns the VLAN (0-4095) and fills *in, or -(enum vlan_drop) and leaves it alone.  vlans:
 * FLOW_N_VLANS tags of the packet, as in struct flow_key. */
int vlan_input(const struct vlan_conf *c, const struct flow_vlan *vlans, struct vlan_in *in);
/* False: the port does not carry this VLAN.  True: *out says which header to push on the packet
 * whose own was stripped when in->strip. */
bool vlan_output(const struct vlan_conf *c, const struct vlan_in *in, struct vlan_out *out);
/* The port carries the VLAN (flooding; cvid 0 when unknown or none). */
bool vlan_carries(const struct vlan_conf *c, uint16_t vid, uint16_t cvid);

/* "access", "native-tagged", …; NULL for other numbers. */
const char *vlan_mode_name(enum vlan_mode m);
/* The reverse; -EINVAL. */
int vlan_mode_parse(const char *name);
/* "never", "if-nonzero", "always"; true and false of old databases are if-nonzero and never.
 * -EINVAL. */
int vlan_priority_tags_parse(const char *name);
/* A drop's reason for traces: "tagged packet on access port". */
const char *vlan_drop_text(enum vlan_drop d);

static inline bool vlan_bit(const uint64_t *bitmap, uint16_t vid)
{
	return !bitmap || (bitmap[vid / 64] >> (vid % 64) & 1);
}

static inline void vlan_bit_set(uint64_t *bitmap, uint16_t vid)
{
	bitmap[vid / 64] |= UINT64_C(1) << (vid % 64);
}
