noinst_LIBRARIES += core/base/libbase.a
core_base_libbase_a_SOURCES = \
	core/base/buf.h \
	core/base/clock.h \
	core/base/err.h \
	core/base/hash.h \
	core/base/htable.h \
	core/base/lock.h \
	core/base/log.h \
	core/base/rcu.h \
	core/base/str.h \
	core/base/thread.h \
	core/base/types.h \
	core/base/xalloc.h \
	core/base/xalloc.c
