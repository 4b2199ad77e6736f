check_PROGRAMS += tests/fake/dbserver_main
tests_fake_dbserver_main_SOURCES = tests/fake/dbserver_main.c
