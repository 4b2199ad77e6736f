# Programs that measure; none is installed.  `make check` builds them, so that they stay in step with the code.
check_PROGRAMS += bench/decide bench/dp_forward bench/frame_gen bench/kernel_rules bench/load bench/micro_classify bench/placement bench/probe bench/reconcile
bench_frame_gen_LDADD =
bench_probe_LDADD =
bench_decide_SOURCES = bench/decide.c bench/lab_main.c bench/lab_main.h $(OFFLOAD_LAB)
bench_reconcile_SOURCES = bench/reconcile.c bench/lab_main.c bench/lab_main.h $(OFFLOAD_LAB)
bench_load_SOURCES = bench/load.c bench/load_switch.c bench/load_switch.h bench/load_traffic.c bench/load_traffic.h
PLACEMENT_BOUNDS = bench/placement.h bench/placement_bounded.c bench/placement_past.c bench/placement_past.h \
	bench/placement_rivals.c bench/placement_trace.c bench/placement_world.c bench/placement_world.h
bench_placement_SOURCES = bench/placement.c bench/placement_pcap.c bench/placement_report.c bench/placement_report.h \
	bench/placement_shunt.c bench/placement_synth.c $(PLACEMENT_BOUNDS)
check_PROGRAMS += tests/unit/bench/placement_bounds_test
TESTS += tests/unit/bench/placement_bounds_test
tests_unit_bench_placement_bounds_test_SOURCES = tests/unit/bench/placement_bounds_test.c $(PLACEMENT_BOUNDS)
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
