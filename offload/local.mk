noinst_LIBRARIES += offload/liboffload.a
offload_liboffload_a_SOURCES = \
	offload/adopt.c \
	offload/altered.c \
	offload/audit.c \
	offload/batch.c \
	offload/batch_priv.h \
	offload/beside.c \
	offload/caps.c \
	offload/chain.c \
	offload/caps.h \
	offload/conns.c \
	offload/conns.h \
	offload/device.c \
	offload/divide.c \
	offload/engine.c \
	offload/engine.h \
	offload/engine_priv.h \
	offload/explain.c \
	offload/explain.h \
	offload/explain_audit.c \
	offload/explain_conns.c \
	offload/explain_device.c \
	offload/explain_priv.h \
	offload/explain_top.c \
	offload/finding.c \
	offload/flow.c \
	offload/hang.c \
	offload/info.c \
	offload/ledger.c \
	offload/ledger.h \
	offload/live.c \
	offload/live.h \
	offload/lost.c \
	offload/meters.c \
	offload/mute.c \
	offload/notify.c \
	offload/place.c \
	offload/past.c \
	offload/plan/dump.c \
	offload/plan/dump.h \
	offload/plan/dump_actions.c \
	offload/plan/dump_match.c \
	offload/plan/dump_priv.h \
	offload/plan/plan.c \
	offload/plan/plan.h \
	offload/plan/plan_priv.h \
	offload/plan/report.c \
	offload/policy.c \
	offload/policy/budget.c \
	offload/policy/budget.h \
	offload/policy/outlook.c \
	offload/policy/outlook.h \
	offload/policy/rank.c \
	offload/policy/rank.h \
	offload/policy/rate.c \
	offload/policy/rate.h \
	offload/policy/share.c \
	offload/policy/share.h \
	offload/policy/shelf.c \
	offload/policy/shelf.h \
	offload/policy/shrink.c \
	offload/policy/shrink.h \
	offload/ports.c \
	offload/provider.c \
	offload/provider.h \
	offload/queue.c \
	offload/queue.h \
	offload/reading.c \
	offload/reason.c \
	offload/reason.h \
	offload/settle.c \
	offload/shape.c \
	offload/shape.h \
	offload/swap.c \
	offload/sim/fault.c \
	offload/sim/ingress.c \
	offload/sim/profile.c \
	offload/sim/profile.h \
	offload/sim/profile_print.c \
	offload/sim/rules.c \
	offload/sim/sim.c \
	offload/sim/sim.h \
	offload/sim/sim_priv.h \
	offload/unknown.c
# Which NICs sim resembles: PREFIX/share/shunt/profiles/NAME.conf.
profilesdir = $(pkgdatadir)/profiles
dist_profiles_DATA = \
	offload/sim/profiles/cx6dx.conf \
	offload/sim/profiles/e810.conf \
	offload/sim/profiles/generic.conf \
	offload/sim/profiles/small2k.conf

# docs/REASONS.md is what this prints; a test compares them.
noinst_PROGRAMS += offload/reasons_md
offload_reasons_md_SOURCES = offload/reasons_md.c
offload_reasons_md_LDADD = offload/liboffload.a core/packet/libpacket.a core/base/libbase.a $(SYSTEM_LIBS)
.PHONY: reasons
reasons: offload/reasons_md$(EXEEXT)
	$(AM_V_GEN)offload/reasons_md$(EXEEXT) > $(srcdir)/docs/REASONS.md
