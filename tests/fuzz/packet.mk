FUZZ_TARGETS += tests/fuzz/dp_actions_text_fuzz tests/fuzz/match_text_fuzz tests/fuzz/packet_parse_fuzz
tests_fuzz_dp_actions_text_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_dp_actions_text_fuzz_LDADD = $(FUZZ_LIBS)
tests_fuzz_match_text_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_match_text_fuzz_LDADD = $(FUZZ_LIBS)
tests_fuzz_packet_parse_fuzz_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_packet_parse_fuzz_LDADD = $(FUZZ_LIBS)
