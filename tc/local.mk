noinst_LIBRARIES += tc/libtc.a
tc_libtc_a_SOURCES = \
	tc/apply.c \
	tc/bond.c \
	tc/device.h \
	tc/filter.c \
	tc/filter.h \
	tc/flower.h \
	tc/flower_action.c \
	tc/flower_action.h \
	tc/flower_action_get.c \
	tc/flower_bits.c \
	tc/flower_bits.h \
	tc/flower_keymap.c \
	tc/flower_keymap.h \
	tc/flower_match.c \
	tc/flower_match.h \
	tc/flower_match_get.c \
	tc/flower_number.c \
	tc/flower_number.h \
	tc/flower_set.c \
	tc/flower_set.h \
	tc/flower_tunnel.c \
	tc/flower_tunnel.h \
	tc/follow.c \
	tc/leave.c \
	tc/link.c \
	tc/link.h \
	tc/paths.c \
	tc/paths.h \
	tc/ports.c \
	tc/prio.c \
	tc/prio.h \
	tc/probe.c \
	tc/rules.c \
	tc/tc.c \
	tc/tc.h \
	tc/watch.c
