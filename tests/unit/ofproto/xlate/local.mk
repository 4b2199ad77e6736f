XLATE_TESTS = \
	tests/unit/ofproto/xlate/model_test \
	tests/unit/ofproto/xlate/recirc_test \
	tests/unit/ofproto/xlate/sound_test
check_PROGRAMS += $(XLATE_TESTS)
TESTS += $(XLATE_TESTS)
tests_unit_ofproto_xlate_model_test_SOURCES = \
	tests/unit/ofproto/xlate/model.c \
	tests/unit/ofproto/xlate/model.h \
	tests/unit/ofproto/xlate/model_mpls.c \
	tests/unit/ofproto/xlate/model_test.c \
	tests/unit/ofproto/xlate/world.c \
	tests/unit/ofproto/xlate/world.h
tests_unit_ofproto_xlate_sound_test_SOURCES = \
	tests/unit/ofproto/xlate/sound_test.c \
	tests/unit/ofproto/xlate/world.c \
	tests/unit/ofproto/xlate/world.h
