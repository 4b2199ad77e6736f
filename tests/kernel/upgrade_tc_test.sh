#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A restart, a crash and an upgrade under 10,000 flows in TC's software.
# shellcheck source=tests/kernel/upgrade.sh
. "${srcdir:-.}/tests/kernel/upgrade.sh"
needs_two_passes

host a 10.0.0.1/24
host b 10.0.0.2/24
host c 10.0.0.3/24
adopt_bridge pa pb other_config:offload=tc
vsctl add-port br0 pc -- set Interface pc other_config:offload=tc
upgrade_steps tc
