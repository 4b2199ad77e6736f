noinst_LIBRARIES += dbserver/engine/libdbengine.a
dbserver_engine_libdbengine_a_SOURCES = \
	dbserver/engine/commit.c \
	dbserver/engine/commit.h \
	dbserver/engine/db.c \
	dbserver/engine/db.h \
	dbserver/engine/exec.c \
	dbserver/engine/exec.h \
	dbserver/engine/integrity.c \
	dbserver/engine/integrity.h \
	dbserver/engine/log.c \
	dbserver/engine/log.h \
	dbserver/engine/opargs.c \
	dbserver/engine/opargs.h \
	dbserver/engine/ops.c \
	dbserver/engine/ops.h \
	dbserver/engine/record.c \
	dbserver/engine/record.h \
	dbserver/engine/rowset.c \
	dbserver/engine/rowset.h \
	dbserver/engine/store.c \
	dbserver/engine/store.h \
	dbserver/engine/symtab.c \
	dbserver/engine/symtab.h \
	dbserver/engine/table.c \
	dbserver/engine/table.h \
	dbserver/engine/txn.c \
	dbserver/engine/txn.h \
	dbserver/engine/view.c \
	dbserver/engine/view.h
