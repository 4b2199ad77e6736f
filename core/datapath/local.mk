noinst_LIBRARIES += core/datapath/libdatapath.a
core_datapath_libdatapath_a_SOURCES = \
	core/datapath/dp.c \
	core/datapath/dp.h \
	core/datapath/dp_ct.h \
	core/datapath/dp_features.c \
	core/datapath/dp_features.h \
	core/datapath/dp_meter.h \
	core/datapath/kernel/acts.h \
	core/datapath/kernel/acts_get.c \
	core/datapath/kernel/acts_priv.h \
	core/datapath/kernel/acts_put.c \
	core/datapath/kernel/conn.c \
	core/datapath/kernel/dp_kernel.c \
	core/datapath/kernel/dp_kernel.h \
	core/datapath/kernel/execute.c \
	core/datapath/kernel/flows.c \
	core/datapath/kernel/kernel.h \
	core/datapath/kernel/key.c \
	core/datapath/kernel/key.h \
	core/datapath/kernel/key_attrs.c \
	core/datapath/kernel/key_fields.c \
	core/datapath/kernel/key_get.c \
	core/datapath/kernel/key_priv.h \
	core/datapath/kernel/key_tunnel.c \
	core/datapath/kernel/probe.c \
	core/datapath/kernel/tunnel.c \
	core/datapath/kernel/upcalls.c \
	core/datapath/kernel/vport.c \
	core/datapath/kernel/vports.c \
	core/datapath/user/act.c \
	core/datapath/user/dp_user.c \
	core/datapath/user/dp_user.h \
	core/datapath/user/flows.c \
	core/datapath/user/pipeline.c \
	core/datapath/user/upcalls.c \
	core/datapath/user/user.h \
	core/datapath/user/worker.c
