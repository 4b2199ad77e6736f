noinst_LIBRARIES += dbserver/engine/libdbengine.a
dbserver_engine_libdbengine_a_SOURCES = \
	dbserver/engine/commit.c \
	dbserver/engine/commit.h \
	dbserver/engine/db.c \
	dbserver/engine/db.h \
	dbserver/engine/integrity.c \
	dbserver/engine/integrity.h \
	dbserver/engine/table.c \
	dbserver/engine/table.h \
	dbserver/engine/txn.c \
	dbserver/engine/txn.h \
	dbserver/engine/view.c \
	dbserver/engine/view.h
