# What the kernel suites that run the whole switch stand on, sourced: tests/system/lib.sh with a bridge in the kernel's
# datapath, in a guest of the lab (tests/lab/run-tests).  Debian's own tools, where ./quickstart has unpacked them, are judges.
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

[[ -n ${SHUNT_LAB:-} ]] || { echo "skipped: runs in a guest of the lab only: make check-kernel"; exit 77; }
[[ ! -d $PWD/openvswitch/usr/bin ]] || PATH=$PWD/openvswitch/usr/bin:$PATH
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"
command -v ovs-dpctl >/dev/null || { echo "skipped: ovs-dpctl is not there"; exit 77; }

appctl() { ovs-appctl -t "$dir/shuntd.$shuntd_pid.ctl" "$@"; }
# What takes two passes in TC needs the TC skb extension, by which the kernel's datapath goes on where TC ended.  Debian's has none.
two_passes() { [[ $SHUNT_LAB != qemu ]]; }
needs_two_passes() {
	two_passes || { echo "skipped: this kernel has no TC skb extension: what recirculates stays in its datapath"; exit 77; }
}
step() { echo "--- $SECONDS $*"; }
system_bridge() { # NAME
	vsctl add-br "$1" -- set Bridge "$1" datapath_type=system
}
# Identities of the flows, as the kernel and as Shunt tell them.
kernel_flows() { ovs-dpctl -m dump-flows | grep -o 'ufid:[0-9a-f-]*' | sort; }
shunt_flows() { appctl dpctl/dump-flows -m | grep -o 'ufid:[0-9a-f-]*' | sort; }
same_flows() { [[ -n $(kernel_flows) && $(kernel_flows) == "$(shunt_flows)" ]]; }
# Both look while the flows live: they are idle, and leave, before a busy machine has looked often.
same_flows_to() { reaches "$@" && same_flows; } # HOST ADDRESS
# Of br0 in OpenFlow 1.3: the flows on stdin take the place of those that are there; packets of the flows that a match names.
flows() { ovs-ofctl -O OpenFlow13 del-flows br0 && ovs-ofctl -O OpenFlow13 add-flows br0 -; }
packets() { ovs-ofctl -O OpenFlow13 dump-flows br0 "$1" | grep -o 'n_packets=[0-9]*' | awk -F= '{ s += $2 } END { print s + 0 }'; }
# Packets or bytes that came in by these ports, as Linux, OpenFlow's ports and OpenFlow's flows count them.
linux_rx() { # packets|bytes PORT…
	local what=$1 port sum=0
	shift
	for port; do ((sum += $(<"/sys/class/net/$port/statistics/rx_$what"))); done
	echo "$sum"
}
flows_count() { # packet|byte BRIDGE
	ofctl dump-aggregate "$2" | sed "s/.*$1_count=\([0-9]*\).*/\1/"
}
