noinst_LIBRARIES += core/port/libport.a
core_port_libport_a_SOURCES = \
	core/port/count.h \
	core/port/fake.c \
	core/port/fake.h \
	core/port/kinds.c \
	core/port/kinds.h \
	core/port/port.c \
	core/port/port.h
