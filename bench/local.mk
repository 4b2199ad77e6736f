# Programs that measure; none is installed.  `make check` builds them, so that they stay in step with the code.
check_PROGRAMS += bench/dp_forward bench/frame_gen bench/micro_classify bench/probe
bench_frame_gen_LDADD =
bench_probe_LDADD =
EXTRA_DIST += bench/run bench/lib.sh bench/figures.sh

# make bench: every figure beside Debian's Open vSwitch; root.
.PHONY: bench
bench: switchd/shuntd bench/frame_gen bench/probe
	$(srcdir)/bench/run --build=$(abs_builddir)
