DBSERVER_TESTS = \
	tests/unit/dbserver/data/data_test \
	tests/unit/dbserver/engine/engine_test \
	tests/unit/dbserver/engine/model_test \
	tests/unit/dbserver/engine/store_test \
	tests/unit/dbserver/server/server_test
check_PROGRAMS += $(DBSERVER_TESTS) tests/fake/dbserver_main
TESTS += $(DBSERVER_TESTS) tests/unit/dbserver/vsctl_test
EXTRA_DIST += tests/unit/dbserver/helpers.h tests/unit/dbserver/vsctl_test
tests_fake_dbserver_main_SOURCES = tests/fake/dbserver_main.c
