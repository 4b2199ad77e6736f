#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rules that others have in TC beside ours, at another priority, in a chain of their own and in one of ours under the priority of one
# of ours: through audits, repairs, a restart and the end of offload they are neither touched nor taken for ours.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/kernel/tamper.sh
. "${srcdir:-.}/tests/kernel/tamper.sh"

rules() { tc filter show dev "$1" ingress | grep -c cookie || true; }
in_tc() { # PORT: all of its flows, and TC has them
	[[ $(ctl offload flows --json | python3 -c '
import json, sys
print(sum(f["state"] == "tc" and f["port"] == sys.argv[1] for f in json.load(sys.stdin)))' "$1") == "$(rules "$1")" && $(rules "$1") != 0 ]]
}
# All that is not ours, as iproute2 tells it, but for what it counted.
foreign() {
	tc -j filter show dev pa ingress | python3 -c '
import json, sys
for f in json.load(sys.stdin):
    handle = int(str(f.get("options", {}).get("handle", 0)), 0)
    if handle and handle >> 24 != 0x53:
        print(json.dumps(f, sort_keys=True))' | sort
}
theirs_stay() { # WHEN
	equal "$(foreign)" "$theirs" "$1"
}
audit_is_clean() { ctl offload audit --json | python3 -c '
import json, sys
devices = json.load(sys.stdin)
sys.exit(not devices or any(d["findings"] for d in devices))'; }
said() { [[ $(grep -c "$1" "$dir/shuntd.log") -ge $2 ]]; } # WORDS TIMES

start_shuntd
system_bridge br0
vsctl set Open_vSwitch . other_config:max-idle=600000
host a 10.0.0.1/24
host b 10.0.0.2/24
for p in pa pb; do vsctl add-port br0 "$p" -- set Interface "$p" other_config:offload=tc; done
eventually reaches a 10.0.0.2
eventually in_tc pa

step "theirs come"
read -r prio handle < <(one_of_ours pa)
tc filter add dev pa ingress prio 7 protocol 0x88cc flower action drop
tc filter add dev pa ingress prio 53999 protocol 0x88cd flower action drop
tc filter add dev pa ingress chain 99 prio 5 protocol ip flower dst_ip 10.9.9.9 action drop
tc filter add dev pa ingress prio "$prio" protocol ip handle 0x7 flower dst_mac 02:00:00:00:00:77 src_ip 10.9.9.9 action drop
theirs=$(foreign)
equal "$(wc -l <<<"$theirs")" 4 "filters of others"

step "an audit finds nothing, and a repair repairs nothing"
expect audit_is_clean
ctl offload audit --repair >/dev/null
theirs_stay "after a repair"

step "ours are put right beside them"
remove_one pa
eventually said 'rule_gone (1): put right' 1
eventually in_tc pa
theirs_stay "after one of ours was removed"
change_one pa
eventually said 'rule_altered (1): put right' 1
eventually in_tc pa
theirs_stay "after one of ours was changed"
ctl offload audit --repair >/dev/null
expect reaches a 10.0.0.2
eventually in_tc pa
expect audit_is_clean
theirs_stay "after another repair"

step "a restart takes over ours"
kill_shuntd
start_shuntd
eventually in_tc pa
expect reaches a 10.0.0.2
expect audit_is_clean
theirs_stay "after a restart"

step "ours go"
vsctl set Interface pa other_config:offload=none
no_rules() { [[ $(rules pa) == 0 ]]; }
eventually no_rules
theirs_stay "after ours have gone"
stop_shuntd
