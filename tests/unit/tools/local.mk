TOOLS_TESTS = \
	tests/unit/tools/args_test \
	tests/unit/tools/layout_test \
	tests/unit/tools/shuntctl_test \
	tests/unit/tools/view_test
check_PROGRAMS += $(TOOLS_TESTS)
TESTS += $(TOOLS_TESTS) tests/unit/tools/completion_test.sh
EXTRA_DIST += tests/unit/tools/completion_test.sh tests/unit/tools/samples.h
