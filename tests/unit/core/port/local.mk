PORT_TESTS = tests/unit/core/port/port_test
check_PROGRAMS += $(PORT_TESTS)
TESTS += $(PORT_TESTS)
