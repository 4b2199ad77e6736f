WIRE_TESTS = \
	tests/unit/ofproto/wire/check_test \
	tests/unit/ofproto/wire/codec_test \
	tests/unit/ofproto/wire/interop_test
check_PROGRAMS += $(WIRE_TESTS)
TESTS += $(WIRE_TESTS)
EXTRA_DIST += tests/unit/ofproto/wire/decode_all.h tests/unit/ofproto/wire/samples.h
