noinst_LIBRARIES += ofproto/text/libtext.a
ofproto_text_libtext_a_SOURCES = \
	ofproto/text/ct_text.c \
	ofproto/text/flow_format.c \
	ofproto/text/flow_parse.c \
	ofproto/text/flow_text.h \
	ofproto/text/group_parse.c \
	ofproto/text/learn_text.c \
	ofproto/text/msg_text.c \
	ofproto/text/msg_text.h \
	ofproto/text/names.c \
	ofproto/text/names.h \
	ofproto/text/ofpact_format.c \
	ofproto/text/ofpact_impl.h \
	ofproto/text/ofpact_parse.c \
	ofproto/text/ofpact_text.h \
	ofproto/text/steer_text.c \
	ofproto/text/token.c \
	ofproto/text/token.h
