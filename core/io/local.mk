noinst_LIBRARIES += core/io/libio.a
core_io_libio_a_SOURCES = \
	core/io/ctl.h \
	core/io/daemon.h \
	core/io/http.h \
	core/io/loop.c \
	core/io/loop.h \
	core/io/reconnect.c \
	core/io/reconnect.h \
	core/io/rpc.h \
	core/io/rtnl.h \
	core/io/stream.h
