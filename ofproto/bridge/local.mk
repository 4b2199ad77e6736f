noinst_LIBRARIES += ofproto/bridge/libbridge.a
ofproto_bridge_libbridge_a_SOURCES = \
	ofproto/bridge/backend.c \
	ofproto/bridge/bridge.c \
	ofproto/bridge/bridge.h \
	ofproto/bridge/bridge_priv.h \
	ofproto/bridge/build.c \
	ofproto/bridge/bundles.c \
	ofproto/bridge/ct_zones.c \
	ofproto/bridge/dispatch.c \
	ofproto/bridge/events.c \
	ofproto/bridge/fail.c \
	ofproto/bridge/keep.c \
	ofproto/bridge/loading.c \
	ofproto/bridge/meters.c \
	ofproto/bridge/ports.c \
	ofproto/bridge/sampling.c \
	ofproto/bridge/stats.c \
	ofproto/bridge/tunnels.c
