#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sFlow on the kernel's datapath: each packet once at rate 1, the right share at another, as openvswitch.ko samples; and the
# kernel's flows go without it when it is off.
# shellcheck source=tests/kernel/lib.sh
. "${srcdir:-.}/tests/kernel/lib.sh"
# shellcheck source=tests/system/sflow_lib.sh
. "$top/tests/system/sflow_lib.sh"

start_shuntd
system_bridge br0
two_hosts
collector c 6343

step "each packet once"
sflow_on sampling=1 header=64
every_packet_once 20
kernel_samples() { [[ $(ovs-dpctl dump-flows) =~ sample\(|userspace\( ]]; }
expect kernel_samples

step "one in so many"
at_rate 4
# Debian's own tool says what the kernel does.
equal "$(ovs-dpctl dump-flows | grep -c 'sample(sample=25.0%')" 2 "flows that sample"
one_in 4 150

step "a tag is part of the header"
three_tagged
equal "$(word header_sampled_header_length <"$dir/samples")$(word header_frame_length <"$dir/samples")" "64 106 " "the header, the frame"
equal "$(word vlan_in <"$dir/samples")$(word vlan_out <"$dir/samples")" "5 5 " "the tag"

step "off"
sflow_off
eventually_not kernel_samples
before=$(of_packets)
expect pings -q -c 10 -i 0.02 -W 5 10.0.0.2
eventually of_packets_is $((before + 20))
expect_not kernel_samples
stop_shuntd
