# Programs that measure; none is installed.  `make check` builds them, so that they stay in step with the code.
check_PROGRAMS += bench/dp_forward bench/frame_gen bench/kernel_rules bench/load bench/micro_classify bench/placement bench/probe bench/reconcile
bench_frame_gen_LDADD =
bench_probe_LDADD =
bench_reconcile_SOURCES = bench/reconcile.c $(OFFLOAD_LAB)
bench_load_SOURCES = bench/load.c bench/load_switch.c bench/load_switch.h bench/load_traffic.c bench/load_traffic.h
bench_placement_SOURCES = bench/placement.c bench/placement.h bench/placement_pcap.c bench/placement_rivals.c \
	bench/placement_shunt.c bench/placement_synth.c bench/placement_trace.c
dist_check_SCRIPTS += bench/placement_test.sh
TESTS += bench/placement_test.sh
EXTRA_DIST += bench/run bench/lib.sh bench/figures.sh bench/kernel bench/kernel_guest.sh

# make bench: every figure beside Debian's Open vSwitch; root.
.PHONY: bench
bench: switchd/shuntd bench/frame_gen bench/probe
	$(srcdir)/bench/run --build=$(abs_builddir)

# make bench-kernel: the kernel's tiers likewise, in a guest of the lab; root.
.PHONY: bench-kernel
bench-kernel: switchd/shuntd bench/kernel_rules bench/probe
	$(srcdir)/bench/kernel --build=$(abs_builddir)
