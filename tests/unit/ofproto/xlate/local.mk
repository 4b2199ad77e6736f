check_PROGRAMS += tests/unit/ofproto/xlate/sound_test
TESTS += tests/unit/ofproto/xlate/sound_test
tests_unit_ofproto_xlate_sound_test_SOURCES = \
	tests/unit/ofproto/xlate/sound_test.c \
	tests/unit/ofproto/xlate/world.c \
	tests/unit/ofproto/xlate/world.h
