# Fuzz targets (see tests/fuzz/fuzz.h).  A target NAME adds to the end of this file, or to a fragment of its own:
#
#	FUZZ_TARGETS += tests/fuzz/NAME_fuzz
#	tests_fuzz_NAME_fuzz_LDFLAGS = $(FUZZ_LINK)
#	tests_fuzz_NAME_fuzz_LDADD = $(FUZZ_LIBS)
#
# `make check` replays the corpora.  In a build with --enable-fuzzers, `make fuzz FUZZ_SECONDS=600` runs each target.
FUZZ_TARGETS =
check_PROGRAMS += $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/fuzz.h
FUZZ_SECONDS = 60
if FUZZERS
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_LIBS = $(LDADD)
else
FUZZ_LINK = $(AM_LDFLAGS)
check_LIBRARIES = tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay_main.c tests/fuzz/fuzz.h
FUZZ_LIBS = tests/fuzz/libreplay.a $(LDADD)
TESTS += $(FUZZ_TARGETS)
endif

.PHONY: fuzz
fuzz: $(FUZZ_TARGETS)
	@for t in $(FUZZ_TARGETS); do n=$${t##*/}; n=$${n%_fuzz}; echo "FUZZ $$n"; mkdir -p fuzz-found/$$n && \
		./$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
		-artifact_prefix=fuzz-found/$$n- fuzz-found/$$n $(srcdir)/tests/fuzz/corpus/$$n || exit 1; done

FUZZ_TARGETS += tests/fuzz/rpc_fuzz
tests_fuzz_rpc_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_rpc_fuzz_LDADD = $(FUZZ_LIBS)

EXTRA_DIST += tests/fuzz/db_schema.h
FUZZ_TARGETS += tests/fuzz/dbfile_fuzz tests/fuzz/ovsdb_transact_fuzz
tests_fuzz_dbfile_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_dbfile_fuzz_LDADD = $(FUZZ_LIBS)
tests_fuzz_ovsdb_transact_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_ovsdb_transact_fuzz_LDADD = $(FUZZ_LIBS)

FUZZ_TARGETS += tests/fuzz/profile_fuzz
tests_fuzz_profile_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_profile_fuzz_LDADD = $(FUZZ_LIBS)

FUZZ_TARGETS += tests/fuzz/ofp_msg_fuzz tests/fuzz/flow_text_fuzz
tests_fuzz_ofp_msg_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_ofp_msg_fuzz_LDADD = $(FUZZ_LIBS)
tests_fuzz_flow_text_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_flow_text_fuzz_LDADD = $(FUZZ_LIBS)
