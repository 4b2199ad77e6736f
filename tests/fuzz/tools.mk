FUZZ_TARGETS += tests/fuzz/layout_fuzz
tests_fuzz_layout_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_layout_fuzz_LDADD = $(FUZZ_LIBS)
FUZZ_TARGETS += tests/fuzz/dump_fuzz
tests_fuzz_dump_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_dump_fuzz_LDADD = $(FUZZ_LIBS)
