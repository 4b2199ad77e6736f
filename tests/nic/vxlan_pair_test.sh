#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two switches joined by VXLAN, each with a NIC of its own that puts packets into the tunnel and takes them out.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/tunnel_lib.sh
. "${srcdir:-.}/tests/system/tunnel_lib.sh"
# shellcheck source=tests/kernel/vxlan_lib.sh
. "${srcdir:-.}/tests/kernel/vxlan_lib.sh"
# shellcheck source=tests/nic/vxlan_lib.sh
. "${srcdir:-.}/tests/nic/vxlan_lib.sh"
# shellcheck source=tests/kernel/vxlan_pair.sh
. "${srcdir:-.}/tests/kernel/vxlan_pair.sh"
tier=hardware near=nr0 far=mr0 here=n

for name in a b far mid; do
	ip netns add $name
	in_host $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n $name link set lo up
done
echo "add n ports=1 table=1000" >/sys/kernel/debug/nicsim/control
nsenter --net=/run/netns/far bash -c 'echo "add m ports=1 table=1000" >/sys/kernel/debug/nicsim/control'
ip -n far link set mv0 netns b name eth0
ip link set nv0 netns a name eth0
ip -n a addr add 10.0.0.1/24 dev eth0
ip -n b addr add 10.0.0.2/24 dev eth0
for name in a b; do ip -n $name link set eth0 mtu 1400 up; done
for device in n nr0; do ip link set dev $device up; done
for device in m mr0; do ip -n far link set dev $device up; done
ip addr add 172.16.0.1/24 dev n
ip -n far addr add 172.16.0.2/24 dev m
ip link set nw netns mid # the wire between them
ip -n far link set mw netns mid
ip -n mid link add wire type bridge
for device in nw mw; do ip -n mid link set $device master wire up; done
ip -n mid link set wire up
pair_bridges
pair_steps
