# Unit tests mirror the source path: tests/unit/core/base/buf_test.c tests core/base/buf.c.  Each folder's fragment adds
# its programs to check_PROGRAMS and TESTS; all link the real code.
AM_CFLAGS += $(CHECK_CFLAGS)
LDADD = $(SHUNT_LIBS) $(SYSTEM_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/unit/seed.h
# Uninstalled: schema and profiles are those of the source tree.
AM_TESTS_ENVIRONMENT = \
	SHUNT_PROFILE_DIR='$(abs_top_srcdir)/offload/sim/profiles'; export SHUNT_PROFILE_DIR; \
	SHUNT_SCHEMA='$(abs_top_srcdir)/dbserver/vswitch.ovsschema'; export SHUNT_SCHEMA;
