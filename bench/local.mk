# Programs that measure; `make bench/NAME` builds one, none is installed.
EXTRA_PROGRAMS = bench/dp_forward bench/frame_gen bench/micro_classify
CLEANFILES += $(EXTRA_PROGRAMS)
bench_frame_gen_LDADD =
