noinst_LIBRARIES += ofproto/xlate/libxlate.a
ofproto_xlate_libxlate_a_SOURCES = \
	ofproto/xlate/actions.c \
	ofproto/xlate/branch.c \
	ofproto/xlate/commit.c \
	ofproto/xlate/conntrack.c \
	ofproto/xlate/effects.c \
	ofproto/xlate/effects.h \
	ofproto/xlate/freeze.c \
	ofproto/xlate/group.c \
	ofproto/xlate/learn.c \
	ofproto/xlate/lookup.c \
	ofproto/xlate/normal.c \
	ofproto/xlate/notes.c \
	ofproto/xlate/notes.h \
	ofproto/xlate/output.c \
	ofproto/xlate/pins.c \
	ofproto/xlate/pins.h \
	ofproto/xlate/recirc.c \
	ofproto/xlate/recirc.h \
	ofproto/xlate/sampling.c \
	ofproto/xlate/snapshot.c \
	ofproto/xlate/snapshot.h \
	ofproto/xlate/trace.c \
	ofproto/xlate/tunnel.c \
	ofproto/xlate/xlate.c \
	ofproto/xlate/xlate.h \
	ofproto/xlate/xlate_priv.h
