noinst_LIBRARIES += ofproto/conn/libconn.a
ofproto_conn_libconn_a_SOURCES = \
	ofproto/conn/async.c \
	ofproto/conn/conn.h \
	ofproto/conn/conn_priv.h \
	ofproto/conn/conns.c \
	ofproto/conn/ofconn.c \
	ofproto/conn/request.c
