IO_TESTS = \
	tests/unit/core/io/ctl_test \
	tests/unit/core/io/http_test \
	tests/unit/core/io/loop_test \
	tests/unit/core/io/nl_test \
	tests/unit/core/io/reconnect_test \
	tests/unit/core/io/route_test \
	tests/unit/core/io/rpc_test \
	tests/unit/core/io/rtnl_test \
	tests/unit/core/io/stream_test
check_PROGRAMS += $(IO_TESTS)
TESTS += $(IO_TESTS)
tests_unit_core_io_stream_test_SOURCES = \
	tests/unit/core/io/certs.c \
	tests/unit/core/io/certs.h \
	tests/unit/core/io/stream_test.c
