noinst_LIBRARIES += core/base/libbase.a
core_base_libbase_a_SOURCES = \
	core/base/buf.c \
	core/base/buf.h \
	core/base/clock.c \
	core/base/clock.h \
	core/base/err.c \
	core/base/err.h \
	core/base/hash.c \
	core/base/hash.h \
	core/base/htable.c \
	core/base/htable.h \
	core/base/lock.h \
	core/base/log.c \
	core/base/log.h \
	core/base/log_pattern.c \
	core/base/log_pattern.h \
	core/base/rcu.c \
	core/base/rcu.h \
	core/base/str.c \
	core/base/str.h \
	core/base/thread.c \
	core/base/thread.h \
	core/base/types.h \
	core/base/xalloc.c \
	core/base/xalloc.h
