#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A restart, a crash and an upgrade under 10,000 flows in a NIC.
# shellcheck source=tests/kernel/upgrade.sh
. "${srcdir:-.}/tests/kernel/upgrade.sh"
# shellcheck source=tests/nic/lib.sh
. "${srcdir:-.}/tests/nic/lib.sh"
needs_two_passes

nic 3 table=20000
adopt_bridge nr0 nr1
vsctl add-port br0 nr2
upgrade_steps hardware
