noinst_LIBRARIES += offload/liboffload.a
offload_liboffload_a_SOURCES = \
	offload/engine.h \
	offload/ledger.c \
	offload/ledger.h \
	offload/provider.c \
	offload/provider.h \
	offload/reason.c \
	offload/reason.h \
	offload/sim/profile.c \
	offload/sim/profile.h
# Which NICs sim resembles: PREFIX/share/shunt/profiles/NAME.conf.
profilesdir = $(pkgdatadir)/profiles
dist_profiles_DATA = \
	offload/sim/profiles/cx6dx.conf \
	offload/sim/profiles/e810.conf \
	offload/sim/profiles/generic.conf \
	offload/sim/profiles/small2k.conf
