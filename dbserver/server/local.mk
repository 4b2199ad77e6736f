noinst_LIBRARIES += dbserver/server/libdbserver.a
dbserver_server_libdbserver_a_SOURCES = \
	dbserver/dbserver.c \
	dbserver/dbserver.h \
	dbserver/server/host.c \
	dbserver/server/host.h \
	dbserver/server/limits.c \
	dbserver/server/limits.h \
	dbserver/server/lock.c \
	dbserver/server/lock.h \
	dbserver/server/monitor.c \
	dbserver/server/monitor.h \
	dbserver/server/server_db.c \
	dbserver/server/server_db.h \
	dbserver/server/session.c \
	dbserver/server/session.h \
	dbserver/server/trigger.c \
	dbserver/server/trigger.h
