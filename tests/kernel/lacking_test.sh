#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A kernel whose TC lacks a part, in a guest that was started without it (tests/lab/check lacking) or whose modules cannot be
# loaded: what an operator sees, that traffic goes on in the datapath, and that what does not need the part is in TC all the same.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"

loader=/proc/sys/kernel/modprobe load=no
if [[ $SHUNT_LAB == qemu ]]; then # Debian's kernel, where it is a module
	was=$(<$loader) load=yes
	trap 'echo "$was" >$loader; on_exit' EXIT
	modprobe -a openvswitch veth sch_ingress act_{gact,mirred,pedit,csum,vlan,mpls,tunnel_key,ct,police}
	echo /bin/false >$loader
	[[ ! -d /sys/module/cls_flower ]] || expect rmmod cls_flower
fi
case $load$(grep -o 'initcall_blacklist=[a-z_]*' /proc/cmdline || true) in
yes | *=cls_fl_init) lacks='cls_flower (CONFIG_NET_CLS_FLOWER)' plain=refused ;;
*=ingress_module_init) lacks='sch_ingress (CONFIG_NET_SCH_INGRESS)' plain=refused ;;
*=pedit_init_module) lacks='act_pedit (CONFIG_NET_ACT_PEDIT)' plain=tc ;;
*) echo "skipped: this kernel lacks nothing: make check-lacking"; exit 77 ;;
esac
sentence="this kernel's TC lacks $lacks: load or build it"

# "STATE REASON" of the flows of UDP to this port of b's.
flow_is() { # PORT STATE [REASON [WORDS]]
	ctl offload flows --json | python3 -c '
import json, sys
port, want = sys.argv[1], sys.argv[2:]
found = [f for f in json.load(sys.stdin) if "tp_dst=" + port in f["match"] or "dst=%s)" % port in f["match"]]
print(found)
sys.exit(not found or any([f["state"], f["reason"], f.get("driver", "")][:len(want)] != want for f in found))' "$@"
}
send() { # PORT
	in_host a python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(5):
    s.sendto(b"x", ("10.0.0.2", int(sys.argv[1])))' "$1"
}
sent_and_is() { send "$1" && flow_is "$@"; }

host a 10.0.0.1/24
host b 10.0.0.2/24
start_shuntd
system_bridge br0
for p in pa pb; do vsctl add-port br0 $p -- set Interface $p other_config:offload=tc; done
flows <<-END
	priority=0,actions=normal
	priority=9,udp,tp_dst=1000,actions=output:pb
	priority=9,udp,tp_dst=2000,actions=mod_nw_tos:8,output:pb
END
expect reaches a 10.0.0.2

step "what flows say"
eventually sent_and_is 2000 refused kernel_lacks "$sentence"
[[ $plain == tc ]] || eventually sent_and_is 1000 refused kernel_lacks "$sentence"
[[ $plain != tc ]] || eventually sent_and_is 1000 tc

step "what the switch says"
expect grep -qF "$sentence" <<<"$(ctl offload status)"
equal "$(metric 'shunt_offload_kernel_lacks{')" 1 "whether the kernel lacks something"
equal "$(grep -cF "$sentence" "$dir/shuntd.log")" 1 "lines of the log"
if [[ $plain == tc ]]; then # nothing to be told of a port
	equal "$(vsctl get Interface pa status | grep -o offload_error || true)" "" "status of pa"
	equal "$(complaints)" "" "warnings"
else
	eventually iface_is pa status:offload_error "\"$sentence\""
	expect grep -qF "$sentence" <<<"$(ctl show)"
fi

step "traffic goes on, and where nothing can be placed nothing is asked for"
whole_stream a 10.0.0.2 50
[[ $plain == tc ]] || equal "$(metric 'shunt_offload_operations_total{')" 0 "requests for rules"

if [[ $load == yes ]]; then
	step "it can be loaded: within half a minute the rules are in TC"
	echo "$was" >$loader
	lacks_nothing() { [[ $(metric 'shunt_offload_kernel_lacks{') == 0 ]]; }
	(eventually lacks_nothing) || eventually lacks_nothing # half a minute is more than most things take
	eventually sent_and_is 2000 tc
	no_error() { [[ $(vsctl get Interface pa status) != *offload_error* ]]; }
	eventually no_error
fi
stop_shuntd
