# Unit tests mirror the source path: tests/unit/core/base/buf_test.c tests core/base/buf.c.  Each folder's fragment adds
# its programs to check_PROGRAMS and TESTS; all link the real code.
AM_CFLAGS += $(CHECK_CFLAGS)
LDADD = $(SHUNT_LIBS) $(SYSTEM_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/unit/seed.h
if SANITIZERS
# Sanitized programs are slow, and keep what they have freed back unless told not to.
SANITIZED_ENVIRONMENT = SHUNT_PATIENCE=$${SHUNT_PATIENCE-4}; export SHUNT_PATIENCE; \
	ASAN_OPTIONS=quarantine_size_mb=16:thread_local_quarantine_size_kb=64:$$ASAN_OPTIONS; export ASAN_OPTIONS;
endif
# Uninstalled: schema and profiles are those of the source tree.
AM_TESTS_ENVIRONMENT = $(SANITIZED_ENVIRONMENT) \
	SHUNT_PROFILE_DIR='$(abs_top_srcdir)/offload/sim/profiles'; export SHUNT_PROFILE_DIR; \
	SHUNT_SCHEMA='$(abs_top_srcdir)/dbserver/vswitch.ovsschema'; export SHUNT_SCHEMA;
