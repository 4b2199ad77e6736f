noinst_LIBRARIES += tools/libtools.a
tools_libtools_a_SOURCES = \
	tools/args.c \
	tools/args.h \
	tools/command.c \
	tools/command.h \
	tools/commands.c \
	tools/commands.h \
	tools/jread.c \
	tools/jread.h \
	tools/layout.h \
	tools/layout_audit.c \
	tools/layout_caps.c \
	tools/layout_conns.c \
	tools/layout_flows.c \
	tools/layout_plan.c \
	tools/layout_show.c \
	tools/layout_status.c \
	tools/layout_top.c \
	tools/layout_top_lists.c \
	tools/layout_top_priv.h \
	tools/layout_top_sums.c \
	tools/out.c \
	tools/out.h \
	tools/peer.c \
	tools/peer.h \
	tools/plan.c \
	tools/plan.h \
	tools/table.c \
	tools/table.h \
	tools/term.c \
	tools/term.h \
	tools/top.c \
	tools/top.h \
	tools/units.c \
	tools/units.h \
	tools/view.c \
	tools/view.h
bin_PROGRAMS += tools/shuntctl
tools_shuntctl_SOURCES = tools/shuntctl.c
tools_shuntctl_LDADD = tools/libtools.a offload/liboffload.a core/packet/libpacket.a core/io/libio.a core/base/libbase.a $(SYSTEM_LIBS)
