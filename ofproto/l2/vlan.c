/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/l2/vlan.h"

#include <errno.h>

#define TPID_8021Q 0x8100
#define TPID_8021AD 0x88a8

static uint16_t tag_vid(const struct flow_vlan *v)
{
	return v->tpid ? ntohs(v->tci) & 0xfff : 0;
}

static uint8_t tag_pcp(const struct flow_vlan *v)
{
	return v->tpid ? (uint8_t)(ntohs(v->tci) >> 13) : 0;
}

static bool is_native(const struct vlan_conf *c)
{
	return c->mode == VLAN_NATIVE_TAGGED || c->mode == VLAN_NATIVE_UNTAGGED;
}

/* The service VLAN surrounds whatever the customer sent; nothing is taken off. */
static int tunnel_input(const struct vlan_conf *c, const struct flow_vlan *vlans,
			struct vlan_in *in)
{
	uint16_t cvid = tag_vid(&vlans[0]);

	if (!vlan_bit(c->cvlans, cvid))
		return -VLAN_DROP_CVLAN;
	*in = (struct vlan_in){ .vid = c->tag,
				.cvid = cvid,
				.tpid = c->qinq_tpid ? c->qinq_tpid : htons(TPID_8021AD) };
	return c->tag;
}

/* The VLAN of a packet whose header, if any, says vid. */
static int admit(const struct vlan_conf *c, uint16_t vid)
{
	if (c->mode == VLAN_ACCESS)
		return vid ? -VLAN_DROP_TAGGED_ON_ACCESS : c->tag;
	if (is_native(c) && (!vid || vid == c->tag))
		return c->tag;
	return vlan_bit(c->trunks, vid) ? vid : -VLAN_DROP_NOT_TRUNKED;
}

int vlan_input(const struct vlan_conf *c, const struct flow_vlan *vlans, struct vlan_in *in)
{
	bool tagged = vlans[0].tpid != 0;
	int vid;

	if (c->mode == VLAN_DOT1Q_TUNNEL)
		return tunnel_input(c, vlans, in);
	vid = admit(c, tag_vid(&vlans[0]));
	if (vid < 0)
		return vid;
	*in = (struct vlan_in){ .vid = (uint16_t)vid,
				.cvid = tag_vid(&vlans[1]),
				.pcp = tag_pcp(&vlans[0]),
				.strip = tagged,
				.tagged = tagged,
				.tpid = tagged ? vlans[0].tpid : htons(TPID_8021Q) };
	return vid;
}

bool vlan_carries(const struct vlan_conf *c, uint16_t vid, uint16_t cvid)
{
	if (c->mode == VLAN_ACCESS)
		return vid == c->tag;
	if (c->mode == VLAN_DOT1Q_TUNNEL)
		return vid == c->tag && vlan_bit(c->cvlans, cvid);
	if (is_native(c) && vid == c->tag)
		return true;
	/* Untagged, a packet of VLAN 0 would be one of the native VLAN. */
	return (vid || !is_native(c)) && vlan_bit(c->trunks, vid);
}

/* A header with VID 0 says no more than its priority. */
static bool wants_priority_tag(const struct vlan_conf *c, const struct vlan_in *in)
{
	switch ((enum vlan_priority_tags)c->priority_tags) {
	case VLAN_PRIO_IF_NONZERO: return in->pcp != 0;
	case VLAN_PRIO_ALWAYS: return in->pcp != 0 || in->tagged;
	case VLAN_PRIO_NEVER:
	case VLAN_N_PRIO: break;
	}
	return false;
}

bool vlan_output(const struct vlan_conf *c, const struct vlan_in *in, struct vlan_out *out)
{
	uint16_t vid = in->vid;

	if (!vlan_carries(c, vid, in->cvid))
		return false;
	if (c->mode == VLAN_ACCESS || c->mode == VLAN_DOT1Q_TUNNEL ||
	    (c->mode == VLAN_NATIVE_UNTAGGED && vid == c->tag))
		vid = 0;
	/* A tunnel's priority tag would read as a customer header: it never sends one. */
	out->push = vid || (c->mode != VLAN_DOT1Q_TUNNEL && wants_priority_tag(c, in));
	out->tag = (struct flow_vlan){ 0, 0 };
	if (out->push)
		out->tag = (struct flow_vlan){
			.tpid = vid ? in->tpid : htons(TPID_8021Q),
			.tci = htons((uint16_t)(vid | VLAN_CFI | in->pcp << 13)),
		};
	return true;
}

static const char *const mode_names[VLAN_N_MODES] = {
	[VLAN_TRUNK] = "trunk",
	[VLAN_ACCESS] = "access",
	[VLAN_NATIVE_TAGGED] = "native-tagged",
	[VLAN_NATIVE_UNTAGGED] = "native-untagged",
	[VLAN_DOT1Q_TUNNEL] = "dot1q-tunnel",
};

const char *vlan_mode_name(enum vlan_mode m)
{
	return (unsigned)m < VLAN_N_MODES ? mode_names[m] : NULL;
}

int vlan_mode_parse(const char *name)
{
	for (int i = 0; i < VLAN_N_MODES; i++)
		if (!strcmp(name, mode_names[i]))
			return i;
	return -EINVAL;
}

int vlan_priority_tags_parse(const char *name)
{
	static const struct {
		const char *name;
		enum vlan_priority_tags v;
	} names[] = {
		{ "never", VLAN_PRIO_NEVER },
		{ "if-nonzero", VLAN_PRIO_IF_NONZERO },
		{ "always", VLAN_PRIO_ALWAYS },
		{ "no", VLAN_PRIO_NEVER },
		{ "false", VLAN_PRIO_NEVER },
		{ "true", VLAN_PRIO_IF_NONZERO },
		{ "if-non-zero", VLAN_PRIO_IF_NONZERO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			return (int)names[i].v;
	return -EINVAL;
}

const char *vlan_drop_text(enum vlan_drop d)
{
	static const char *const texts[VLAN_N_DROPS] = {
		[VLAN_OK] = "admitted",
		[VLAN_DROP_TAGGED_ON_ACCESS] = "tagged packet on access port",
		[VLAN_DROP_NOT_TRUNKED] = "VLAN not trunked on this port",
		[VLAN_DROP_CVLAN] = "customer VLAN not carried by this tunnel port",
	};

	return (unsigned)d < VLAN_N_DROPS ? texts[d] : "unknown";
}
