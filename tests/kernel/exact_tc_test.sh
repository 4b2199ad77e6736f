#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exact accounting in TC's software.
# shellcheck source=tests/kernel/exact.sh
. "${srcdir:-.}/tests/kernel/exact.sh"
command -v tc >/dev/null || { echo "skipped: tc is not there"; exit 77; }

host a 10.0.0.1/24
host b 10.0.0.2/24
exact_bridge pa pb other_config:offload=tc
in_tc() { # by iproute2: so many rules with our mark, none of them in hardware
	[[ $(tc filter show dev pa ingress | grep -c cookie) -ge $STREAMS ]] && ! tc filter show dev pa ingress | grep -qw in_hw
}
restart_and_count tc kill_shuntd stop_shuntd
place_and_count tc
expect in_tc
replace_and_count tc
remove_and_count tc
toggle_and_count tc
stop_shuntd
