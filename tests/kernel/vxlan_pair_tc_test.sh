#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two switches joined by VXLAN with all flows in TC's software, at both ends.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"
# shellcheck source=tests/kernel/vxlan_lib.sh
. "${srcdir:-.}/tests/kernel/vxlan_lib.sh"
# shellcheck source=tests/kernel/vxlan_pair.sh
. "${srcdir:-.}/tests/kernel/vxlan_pair.sh"
tier=tc near=pa far=pb here=ul

far_machine
host a 10.0.0.1/24
far_host b 10.0.0.2/24
ip -n a link set eth0 mtu 1400
ip -n b link set eth0 mtu 1400
pair_bridges other_config:offload=tc
pair_steps
