CLASSIFY_TESTS = \
	tests/unit/core/classify/classifier_mask_test \
	tests/unit/core/classify/classifier_test \
	tests/unit/core/classify/megaflow_test \
	tests/unit/core/classify/rank_test \
	tests/unit/core/classify/rtab_test \
	tests/unit/core/classify/trie_test
check_PROGRAMS += $(CLASSIFY_TESTS)
TESTS += $(CLASSIFY_TESTS)
EXTRA_DIST += tests/unit/core/classify/universe.h
