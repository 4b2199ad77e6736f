noinst_LIBRARIES += ofproto/wire/libwire.a
ofproto_wire_libwire_a_SOURCES = \
	ofproto/wire/codec.h \
	ofproto/wire/flow_codec.c \
	ofproto/wire/flow_impl.h \
	ofproto/wire/flow_stats_codec.c \
	ofproto/wire/group_codec.c \
	ofproto/wire/meter_codec.c \
	ofproto/wire/msg.c \
	ofproto/wire/msg.h \
	ofproto/wire/msgs.h \
	ofproto/wire/nx_match.c \
	ofproto/wire/nx_match.h \
	ofproto/wire/of10_match.c \
	ofproto/wire/ofpact.c \
	ofproto/wire/ofpact.h \
	ofproto/wire/ofpact_check.c \
	ofproto/wire/ofpact_codec.h \
	ofproto/wire/ofpact_codec_impl.h \
	ofproto/wire/ofpact_ct.c \
	ofproto/wire/ofpact_decode.c \
	ofproto/wire/ofpact_encode.c \
	ofproto/wire/ofpact_flow.c \
	ofproto/wire/ofpact_learn.c \
	ofproto/wire/ofpact_nicira.c \
	ofproto/wire/ofpact_verify.c \
	ofproto/wire/ofperr.c \
	ofproto/wire/ofperr.h \
	ofproto/wire/packet_codec.c \
	ofproto/wire/port_codec.c \
	ofproto/wire/port_impl.h \
	ofproto/wire/session_codec.c \
	ofproto/wire/switch_codec.c
