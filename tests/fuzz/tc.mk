FUZZ_TARGETS += tests/fuzz/tc_filter_fuzz
tests_fuzz_tc_filter_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_tc_filter_fuzz_LDADD = $(FUZZ_LIBS)
