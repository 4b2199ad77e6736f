sbin_PROGRAMS += switchd/shuntd
switchd_shuntd_SOURCES = \
	switchd/commands.c \
	switchd/commands.h \
	switchd/commands_ct.c \
	switchd/commands_dp.c \
	switchd/commands_tunnel.c \
	switchd/commands_offload.c \
	switchd/commands_ofproto.c \
	switchd/config.c \
	switchd/config.h \
	switchd/ct_zones.c \
	switchd/sampling.c \
	switchd/links.c \
	switchd/main.c \
	switchd/managers.c \
	switchd/metrics.c \
	switchd/placement.c \
	switchd/placement.h \
	switchd/ports.c \
	switchd/schema.c \
	switchd/schema.h \
	switchd/startup.c \
	switchd/startup.h \
	switchd/status.c \
	switchd/switchd.c \
	switchd/switchd.h \
	switchd/tunnels.c
switchd_shuntd_LDADD = $(SHUNT_LIBS) $(SYSTEM_LIBS) $(PCAP_LIBS)
