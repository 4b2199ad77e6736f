#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Meters as police actions in TC's software.
# shellcheck source=tests/kernel/metered.sh
. "${srcdir:-.}/tests/kernel/metered.sh"
command -v tc >/dev/null || { echo "skipped: tc is not there"; exit 77; }

host a 10.0.0.1/24
host b 10.0.0.2/24
BYTES=exact
metered_bridge pa pb other_config:offload=tc
in_tier() { # by iproute2: each flow has the police action, and it metered all that was sent since the flows were there
	[[ $(tc filter show dev pa ingress | grep -c ' police ') == "$STREAMS" ]] &&
		! tc filter show dev pa ingress | grep -qw in_hw &&
		[[ $(metered_elsewhere) == "$elsewhere" ]]
}
metered_steps tc
