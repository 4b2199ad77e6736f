# Tests in kernels of our own.  Folders add what runs there to KERNEL_TESTS (needs a kernel with openvswitch and TC), to NIC_TESTS
# (needs the module nicsim too) and to LACKING_TESTS (run in kernels that lack a part): a program or a script a word; see
# run-tests for what it finds and how it ends.
LAB_FILES = \
	docs/LAB.md \
	tests/lab/check \
	tests/lab/frames.py \
	tests/lab/guest-init \
	tests/lab/guest.sh \
	tests/lab/net.sh \
	tests/lab/nic_lib.sh \
	tests/lab/nicsim-build \
	tests/lab/nicsim/Kbuild \
	tests/lab/nicsim/action.c \
	tests/lab/nicsim/ct.c \
	tests/lab/nicsim/debug.c \
	tests/lab/nicsim/edit.c \
	tests/lab/nicsim/encap.c \
	tests/lab/nicsim/exec.c \
	tests/lab/nicsim/frame.c \
	tests/lab/nicsim/main.c \
	tests/lab/nicsim/mangle.c \
	tests/lab/nicsim/match.c \
	tests/lab/nicsim/netdev.c \
	tests/lab/nicsim/nic.c \
	tests/lab/nicsim/nicsim.h \
	tests/lab/nicsim/police.c \
	tests/lab/nicsim/rule.c \
	tests/lab/nicsim/tunnel.c \
	tests/lab/qemu-init \
	tests/lab/qemu-kernel \
	tests/lab/qemu-run \
	tests/lab/run-tests \
	tests/lab/uml-kernel \
	tests/lab/uml-registers.c \
	tests/lab/uml-run \
	tests/lab/uml.config
LAB_KERNEL_TESTS = tests/lab/kernel_test.sh
LAB_NIC_TESTS = \
	tests/lab/nic_actions_test.py \
	tests/lab/nic_ct_test.sh \
	tests/lab/nic_faults_test.sh \
	tests/lab/nic_test.sh \
	tests/lab/nic_tunnel_test.sh
LAB_HOST_TESTS = \
	tests/lab/check_kernel_test.sh \
	tests/lab/check_lacking_test.sh \
	tests/lab/check_nic_test.sh \
	tests/lab/run_tests_test.sh \
	tests/lab/uml_run_test.sh
EXTRA_DIST += $(LAB_FILES) $(LAB_KERNEL_TESTS) $(LAB_NIC_TESTS)
dist_check_SCRIPTS += $(LAB_HOST_TESTS)
TESTS += $(LAB_HOST_TESTS)
KERNEL_TESTS += $(LAB_KERNEL_TESTS)
NIC_TESTS += $(LAB_NIC_TESTS)
LAB_LISTS = tests/lab/kernel.list tests/lab/lacking.list tests/lab/memory.list tests/lab/nic.list
check_DATA = $(LAB_LISTS)
CLEANFILES += $(LAB_LISTS) tests/lab/smp.list

# A test a line, for what runs them.
tests/lab/kernel.list: Makefile
	@$(MKDIR_P) tests/lab
	@printf '%s\n' $(KERNEL_TESTS) >$@
tests/lab/nic.list: Makefile
	@$(MKDIR_P) tests/lab
	@printf '%s\n' $(NIC_TESTS) >$@
tests/lab/lacking.list: Makefile
	@$(MKDIR_P) tests/lab
	@printf '%s\n' $(LACKING_TESTS) >$@

tests/lab/memory.list: Makefile
	@$(MKDIR_P) tests/lab
	@printf '%s\n' $(filter $(KERNEL_TESTS) $(NIC_TESTS),$(check_PROGRAMS)) >$@

.PHONY: check-kernel check-lacking check-memory check-nic check-smp clean-lab
check-kernel check-lacking check-memory check-nic check-smp: all
	@$(MAKE) $(AM_MAKEFLAGS) $(filter $(KERNEL_TESTS) $(NIC_TESTS),$(check_PROGRAMS)) $(LAB_LISTS) >/dev/null
	@srcdir=$(srcdir) $(srcdir)/tests/lab/check $(@:check-%=%)

clean-local: clean-lab
clean-lab:
	rm -rf tests/lab/logs
