noinst_LIBRARIES += ofproto/flows/libflows.a
ofproto_flows_libflows_a_SOURCES = \
	ofproto/flows/adopt.c \
	ofproto/flows/flows.c \
	ofproto/flows/flows.h \
	ofproto/flows/flows_priv.h \
	ofproto/flows/handler.c \
	ofproto/flows/packet_out.c \
	ofproto/flows/revalidator.c \
	ofproto/flows/sync.c
