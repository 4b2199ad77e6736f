#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exact accounting in the kernel's datapath.
# shellcheck source=tests/kernel/exact.sh
. "${srcdir:-.}/tests/kernel/exact.sh"

host a 10.0.0.1/24
host b 10.0.0.2/24
exact_bridge pa pb other_config:offload=none
in_kernel() { # that Debian's tools see there, too
	[[ $(ovs-dpctl dump-flows | grep -c 'udp(.*dst=') -ge $STREAMS ]] && all_in software
}
restart_and_count software kill_shuntd stop_shuntd
place_and_count software
expect in_kernel
replace_and_count software
remove_and_count software

step "a smaller limit of flows, under traffic: they come and go"
vsctl set Open_vSwitch . other_config:flow-limit=4
streams_on
sleep 3
streams_off
exact "flows that come and go"
vsctl remove Open_vSwitch . other_config flow-limit
expect test -z "$(complaints | grep -v limit)"
stop_shuntd
