# Tests in kernels of our own.  Folders add what runs there to KERNEL_TESTS (needs a kernel with openvswitch and TC) and to
# NIC_TESTS (needs nicsim too): a program or a script a word; see run-tests for what it finds and how it ends.
LAB_FILES = \
	docs/LAB.md \
	tests/lab/guest-init \
	tests/lab/guest.sh \
	tests/lab/net.sh \
	tests/lab/run-tests \
	tests/lab/uml-kernel \
	tests/lab/uml-registers.c \
	tests/lab/uml-run \
	tests/lab/uml.config
LAB_KERNEL_TESTS = tests/lab/kernel_test.sh
LAB_HOST_TESTS = tests/lab/check_kernel_test.sh tests/lab/uml_run_test.sh
EXTRA_DIST += $(LAB_FILES) $(LAB_KERNEL_TESTS)
dist_check_SCRIPTS += $(LAB_HOST_TESTS)
TESTS += $(LAB_HOST_TESTS)
KERNEL_TESTS += $(LAB_KERNEL_TESTS)
check_DATA = tests/lab/kernel.list
CLEANFILES += tests/lab/kernel.list

# A test a line, for what runs them.
tests/lab/kernel.list: Makefile
	@$(MKDIR_P) tests/lab
	@printf '%s\n' $(KERNEL_TESTS) >$@

.PHONY: check-kernel clean-lab
check-kernel: all
	@$(MAKE) $(AM_MAKEFLAGS) $(filter $(KERNEL_TESTS),$(check_PROGRAMS)) tests/lab/kernel.list >/dev/null
	@srcdir=$(srcdir) $(srcdir)/tests/lab/run-tests kernel uml-run tests/lab/kernel.list

clean-local: clean-lab
clean-lab:
	rm -rf tests/lab/logs
