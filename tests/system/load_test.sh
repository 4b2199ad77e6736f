#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A storm of new connections, in short: more than the limit on megaflows and many more than the NIC has entries.  bench/load
# judges memory, queues, fairness and counts.
set -e
rate=10000
[ -z "$SHUNT_PATIENCE" ] || rate=2000 # sanitizers
exec bench/load -r "$rate" -t 6 -n 2 -e 500 -f 4000 -i 2000
