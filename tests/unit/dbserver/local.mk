DBSERVER_TESTS = \
	tests/unit/dbserver/data/data_test \
	tests/unit/dbserver/engine/engine_test \
	tests/unit/dbserver/engine/model_test \
	tests/unit/dbserver/engine/store_test
check_PROGRAMS += $(DBSERVER_TESTS) tests/fake/dbserver_main
TESTS += $(DBSERVER_TESTS)
EXTRA_DIST += tests/unit/dbserver/helpers.h
tests_fake_dbserver_main_SOURCES = tests/fake/dbserver_main.c
