/* SPDX-License-Identifier: Apache-2.0 */
/* Speed, duplex, driver and link modes by ethtool's ioctls (linux/ethtool.h). */
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/port/linux_link.h"

/* <net/if.h> collides with <linux/if.h>. */
char *if_indextoname(unsigned ifindex, char *name);

#define MODE_WORDS 127u /* 32-bit words of a link mode mask: what an int8_t can count */

/* OpenFlow 1.3 section 7.2.1, enum ofp_port_features. */
enum {
	F_10HD = 1 << 0,
	F_10FD = 1 << 1,
	F_100HD = 1 << 2,
	F_100FD = 1 << 3,
	F_1GHD = 1 << 4,
	F_1GFD = 1 << 5,
	F_10GFD = 1 << 6,
	F_40GFD = 1 << 7,
	F_100GFD = 1 << 8,
	F_1TFD = 1 << 9,
	F_OTHER = 1 << 10,
	F_COPPER = 1 << 11,
	F_FIBER = 1 << 12,
	F_AUTONEG = 1 << 13,
	F_PAUSE = 1 << 14,
	F_PAUSE_ASYM = 1 << 15,
};

/* Link modes that OpenFlow has a bit for; every other speed is F_OTHER. */
static const struct {
	uint16_t mode; /* ETHTOOL_LINK_MODE_* */
	uint16_t feature;
} modes[] = {
	{ ETHTOOL_LINK_MODE_10baseT_Half_BIT, F_10HD },
	{ ETHTOOL_LINK_MODE_10baseT_Full_BIT, F_10FD },
	{ ETHTOOL_LINK_MODE_100baseT_Half_BIT, F_100HD },
	{ ETHTOOL_LINK_MODE_100baseT_Full_BIT, F_100FD },
	{ ETHTOOL_LINK_MODE_1000baseT_Half_BIT, F_1GHD },
	{ ETHTOOL_LINK_MODE_1000baseT_Full_BIT, F_1GFD },
	{ ETHTOOL_LINK_MODE_1000baseKX_Full_BIT, F_1GFD },
	{ ETHTOOL_LINK_MODE_1000baseX_Full_BIT, F_1GFD },
	{ ETHTOOL_LINK_MODE_10000baseT_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_10000baseKX4_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_10000baseKR_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_10000baseCR_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_10000baseSR_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_10000baseLR_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_10000baseLRM_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_10000baseER_Full_BIT, F_10GFD },
	{ ETHTOOL_LINK_MODE_40000baseKR4_Full_BIT, F_40GFD },
	{ ETHTOOL_LINK_MODE_40000baseCR4_Full_BIT, F_40GFD },
	{ ETHTOOL_LINK_MODE_40000baseSR4_Full_BIT, F_40GFD },
	{ ETHTOOL_LINK_MODE_40000baseLR4_Full_BIT, F_40GFD },
	{ ETHTOOL_LINK_MODE_100000baseKR4_Full_BIT, F_100GFD },
	{ ETHTOOL_LINK_MODE_100000baseSR4_Full_BIT, F_100GFD },
	{ ETHTOOL_LINK_MODE_100000baseCR4_Full_BIT, F_100GFD },
	{ ETHTOOL_LINK_MODE_100000baseLR4_ER4_Full_BIT, F_100GFD },
	{ ETHTOOL_LINK_MODE_100000baseKR2_Full_BIT, F_100GFD },
	{ ETHTOOL_LINK_MODE_100000baseSR2_Full_BIT, F_100GFD },
	{ ETHTOOL_LINK_MODE_100000baseCR2_Full_BIT, F_100GFD },
	{ ETHTOOL_LINK_MODE_TP_BIT, F_COPPER },
	{ ETHTOOL_LINK_MODE_FIBRE_BIT, F_FIBER },
	{ ETHTOOL_LINK_MODE_Autoneg_BIT, F_AUTONEG },
	{ ETHTOOL_LINK_MODE_Pause_BIT, F_PAUSE },
	{ ETHTOOL_LINK_MODE_Asym_Pause_BIT, F_PAUSE_ASYM },
};

static uint32_t features_of(const uint32_t *mask, unsigned n_words)
{
	uint32_t known[MODE_WORDS] = { 0 }, f = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		unsigned w = modes[i].mode / 32;

		known[w] |= UINT32_C(1) << modes[i].mode % 32;
		if (w < n_words && mask[w] >> modes[i].mode % 32 & 1)
			f |= modes[i].feature;
	}
	known[0] |= 1u << ETHTOOL_LINK_MODE_AUI_BIT | 1u << ETHTOOL_LINK_MODE_MII_BIT |
		    1u << ETHTOOL_LINK_MODE_BNC_BIT | 1u << ETHTOOL_LINK_MODE_Backplane_BIT;
	for (unsigned i = 0; i < n_words; i++) {
		if (mask[i] & ~known[i])
			f |= F_OTHER;
	}
	return f;
}

static uint32_t current_features(uint32_t mbps, bool full, uint8_t port, uint8_t autoneg)
{
	static const struct {
		uint32_t mbps, half, full;
	} speeds[] = {
		{ 10, F_10HD, F_10FD },       { 100, F_100HD, F_100FD },
		{ 1000, F_1GHD, F_1GFD },     { 10000, F_OTHER, F_10GFD },
		{ 40000, F_OTHER, F_40GFD },  { 100000, F_OTHER, F_100GFD },
		{ 1000000, F_OTHER, F_1TFD },
	};
	uint32_t f = mbps ? F_OTHER : 0;

	for (unsigned i = 0; i < ARRAY_SIZE(speeds); i++) {
		if (speeds[i].mbps == mbps)
			f = full ? speeds[i].full : speeds[i].half;
	}
	if (port == PORT_TP)
		f |= F_COPPER;
	else if (port == PORT_FIBRE)
		f |= F_FIBER;
	return f | (autoneg == AUTONEG_ENABLE ? F_AUTONEG : 0);
}

static int ethtool(int fd, const char *name, void *cmd)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_data = cmd;
	return ioctl(fd, SIOCETHTOOL, &ifr);
}

/* The kernel first says how many words its masks have, then wants them. */
static void get_link_settings(int fd, const char *name, struct port_state *st)
{
	/* The masks follow the struct: supported, advertised, the peer's. */
	uint32_t req[sizeof(struct ethtool_link_settings) / 4 + 3 * MODE_WORDS] = { 0 };
	const uint32_t *masks = &req[sizeof(struct ethtool_link_settings) / 4];
	struct ethtool_link_settings *s = (struct ethtool_link_settings *)(void *)req;
	unsigned n;

	s->cmd = ETHTOOL_GLINKSETTINGS;
	if (ethtool(fd, name, s) || s->link_mode_masks_nwords >= 0)
		return;
	n = (unsigned)-s->link_mode_masks_nwords;
	s->cmd = ETHTOOL_GLINKSETTINGS;
	s->link_mode_masks_nwords = (int8_t)n;
	if (n > MODE_WORDS || ethtool(fd, name, s))
		return;
	if (s->speed != (uint32_t)SPEED_UNKNOWN)
		st->speed_bps = (uint64_t)s->speed * 1000000;
	st->full_duplex = s->duplex == DUPLEX_FULL;
	st->of10_curr = current_features((uint32_t)(st->speed_bps / 1000000), st->full_duplex,
					 s->port, s->autoneg);
	st->of10_supp = features_of(masks, n);
	st->of10_adv = features_of(masks + n, n);
	st->of10_peer = features_of(masks + 2 * n, n);
}

_Static_assert(sizeof(struct ethtool_link_settings) % 4 == 0, "masks are aligned words");

void linux_ethtool_state(int ifindex, struct port_state *st)
{
	struct ethtool_drvinfo drv = { .cmd = ETHTOOL_GDRVINFO };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[IFNAMSIZ];

	if (fd < 0)
		return;
	if (if_indextoname((unsigned)ifindex, name)) {
		if (!ethtool(fd, name, &drv))
			(void)snprintf(st->driver, sizeof(st->driver), "%.31s", drv.driver);
		get_link_settings(fd, name, st);
	}
	close(fd);
}
