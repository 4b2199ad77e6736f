noinst_LIBRARIES += ofproto/l2/libl2.a
ofproto_l2_libl2_a_SOURCES = \
	ofproto/l2/mac.c \
	ofproto/l2/mac.h \
	ofproto/l2/tunnel.c \
	ofproto/l2/tunnel.h \
	ofproto/l2/tunnel_conf.c \
	ofproto/l2/vlan.c \
	ofproto/l2/vlan.h
