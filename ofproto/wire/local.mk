noinst_LIBRARIES += ofproto/wire/libwire.a
ofproto_wire_libwire_a_SOURCES = \
	ofproto/wire/codec.h \
	ofproto/wire/msg.h \
	ofproto/wire/msgs.h \
	ofproto/wire/nx_match.h \
	ofproto/wire/ofpact.h \
	ofproto/wire/ofpact_codec.h \
	ofproto/wire/ofperr.h \
	ofproto/wire/ofperr.c
