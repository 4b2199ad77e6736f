/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/kinds.h"

#include "core/port/af_make.h"

void ports_init(void)
{
	static const struct port_ops *const all[] = {
		&port_af_packet_ops, &port_internal_ops, &port_tap_ops,
		&port_pcap_ops,      &port_fake_ops,     &port_vxlan_ops,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		port_register(all[i]);
}

void ports_expect(unsigned n)
{
	af_rings_expect(n);
}

void ports_settle(void)
{
	af_rings_settle();
}
