noinst_LIBRARIES += core/packet/libpacket.a
core_packet_libpacket_a_SOURCES = \
	core/packet/action.c \
	core/packet/action.h \
	core/packet/action_exec.c \
	core/packet/action_exec.h \
	core/packet/action_parse.c \
	core/packet/action_text.c \
	core/packet/action_words.h \
	core/packet/compose.c \
	core/packet/csum.c \
	core/packet/csum.h \
	core/packet/dp_text.c \
	core/packet/dp_text.h \
	core/packet/field.c \
	core/packet/field.h \
	core/packet/field_prereq.c \
	core/packet/field_table.c \
	core/packet/field_text.c \
	core/packet/flow_key.h \
	core/packet/flow_key.c \
	core/packet/match.c \
	core/packet/match.h \
	core/packet/match_check.c \
	core/packet/match_parse.c \
	core/packet/match_text.c \
	core/packet/match_text_dp.c \
	core/packet/minimatch.c \
	core/packet/packet.c \
	core/packet/packet.h \
	core/packet/packet_edit.c \
	core/packet/parse.c \
	core/packet/parse.h \
	core/packet/protocols.h \
	core/packet/wire.h
