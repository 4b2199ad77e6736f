#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Restarts with flows in TC's software.
# shellcheck source=tests/kernel/adopt.sh
. "${srcdir:-.}/tests/kernel/adopt.sh"

host a 10.0.0.1/24
host b 10.0.0.2/24
adopt_bridge pa pb other_config:offload=tc
adopt_steps tc
