noinst_LIBRARIES += core/port/libport.a
core_port_libport_a_SOURCES = \
	core/port/af_make.c \
	core/port/af_make.h \
	core/port/af_packet.c \
	core/port/af_ring.h \
	core/port/af_rx.c \
	core/port/af_tx.c \
	core/port/count.h \
	core/port/fake.c \
	core/port/fake.h \
	core/port/kinds.c \
	core/port/kinds.h \
	core/port/linux_ethtool.c \
	core/port/linux_link.c \
	core/port/linux_link.h \
	core/port/pcap.c \
	core/port/port.c \
	core/port/port.h \
	core/port/tap.c \
	core/port/underlay.c \
	core/port/underlay.h \
	core/port/underlay_dev.c \
	core/port/underlay_priv.h \
	core/port/underlay_resolve.c \
	core/port/underlay_room.c \
	core/port/vnet.c \
	core/port/vnet.h \
	core/port/vxlan.c \
	core/port/vxlan_priv.h \
	core/port/vxlan_rx.c \
	core/port/vxlan_tx.c
