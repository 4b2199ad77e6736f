#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Meters as police actions in a NIC.
# shellcheck source=tests/kernel/metered.sh
. "${srcdir:-.}/tests/kernel/metered.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"

nic 2 table=100
BYTES=mean
metered_bridge nr0 nr1
in_tier() { # by iproute2 and by the NIC
	[[ $(tc filter show dev nr0 ingress | grep -cw in_hw) == "$STREAMS" &&
		$(tc filter show dev nr0 ingress | grep -c ' police ') == "$STREAMS" && $(nic_rules) -ge $STREAMS ]] &&
		! tc filter show dev nr0 ingress | grep -qw not_in_hw
}
metered_steps hardware
