noinst_LIBRARIES += core/io/libio.a
core_io_libio_a_SOURCES = \
	core/io/ctl.c \
	core/io/ctl.h \
	core/io/ctl_builtin.c \
	core/io/ctl_call.c \
	core/io/ctl_priv.h \
	core/io/daemon.c \
	core/io/daemon.h \
	core/io/dirs.c \
	core/io/http.c \
	core/io/http.h \
	core/io/json_scan.c \
	core/io/json_scan.h \
	core/io/link_info.h \
	core/io/loop.c \
	core/io/loop.h \
	core/io/pidfile.c \
	core/io/pidfile.h \
	core/io/reconnect.c \
	core/io/reconnect.h \
	core/io/rpc.c \
	core/io/rpc.h \
	core/io/rpc_parse.c \
	core/io/rtnl.c \
	core/io/rtnl.h \
	core/io/rtnl_msg.c \
	core/io/rtnl_msg.h \
	core/io/stream.c \
	core/io/stream_in.c \
	core/io/stream.h \
	core/io/stream_listen.c \
	core/io/stream_priv.h \
	core/io/stream_tls.c \
	core/io/target.c \
	core/io/target.h \
	core/io/unix_sock.c \
	core/io/unix_sock.h
