noinst_LIBRARIES += ofproto/table/libtable.a
ofproto_table_libtable_a_SOURCES = \
	ofproto/table/change.c \
	ofproto/table/conjunction.c \
	ofproto/table/cookie_index.c \
	ofproto/table/cookie_index.h \
	ofproto/table/flow_mod.c \
	ofproto/table/group.c \
	ofproto/table/group.h \
	ofproto/table/group_mod.c \
	ofproto/table/meter.h \
	ofproto/table/meter_mod.c \
	ofproto/table/rule.c \
	ofproto/table/rule.h \
	ofproto/table/select.c \
	ofproto/table/stats.c \
	ofproto/table/tables.c \
	ofproto/table/tables.h \
	ofproto/table/tables_private.h \
	ofproto/table/wheel.c \
	ofproto/table/wheel.h
