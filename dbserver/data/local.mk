noinst_LIBRARIES += dbserver/data/libdbdata.a
dbserver_data_libdbdata_a_SOURCES = \
	dbserver/data/atom.c \
	dbserver/data/atom.h \
	dbserver/data/condition.c \
	dbserver/data/condition.h \
	dbserver/data/datum.c \
	dbserver/data/datum.h \
	dbserver/data/datum_json.c \
	dbserver/data/datum_set.c \
	dbserver/data/dberr.c \
	dbserver/data/dberr.h \
	dbserver/data/jsonx.c \
	dbserver/data/jsonx.h \
	dbserver/data/mutation.c \
	dbserver/data/mutation.h \
	dbserver/data/schema.c \
	dbserver/data/schema.h \
	dbserver/data/type.c \
	dbserver/data/type.h
