noinst_LIBRARIES += ofproto/text/libtext.a
ofproto_text_libtext_a_SOURCES = \
	ofproto/text/flow_text.h \
	ofproto/text/msg_text.h \
	ofproto/text/names.h \
	ofproto/text/ofpact_text.h
