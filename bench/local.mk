# Programs that measure; `make bench/NAME` builds one, none is installed.
EXTRA_PROGRAMS = bench/dp_forward bench/frame_gen bench/micro_classify bench/probe
CLEANFILES += $(EXTRA_PROGRAMS)
bench_frame_gen_LDADD =
bench_probe_LDADD =
EXTRA_DIST += bench/run bench/lib.sh bench/figures.sh

# make bench: every figure beside Debian's Open vSwitch; root.
.PHONY: bench
bench: switchd/shuntd bench/frame_gen bench/probe
	$(srcdir)/bench/run --build=$(abs_builddir)
