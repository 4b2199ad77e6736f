noinst_LIBRARIES += ofproto/export/libexport.a
ofproto_export_libexport_a_SOURCES = \
	ofproto/export/sflow.c \
	ofproto/export/sflow.h \
	ofproto/export/sflow_target.c \
	ofproto/export/sflow_target.h \
	ofproto/export/sflow_wire.c \
	ofproto/export/sflow_wire.h
