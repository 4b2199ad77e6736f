noinst_LIBRARIES += dbserver/data/libdbdata.a
dbserver_data_libdbdata_a_SOURCES = \
	dbserver/data/atom.h \
	dbserver/data/datum.h \
	dbserver/data/type.h \
	dbserver/data/uuid.c \
	dbserver/data/uuid.h
