# The same answer on every tier: agree_test where there is no kernel to ask, the others in guests of the lab.
AGREE = \
	tests/agree/agree.c \
	tests/agree/agree.h \
	tests/agree/case.c \
	tests/agree/case.h \
	tests/agree/gen.c \
	tests/agree/gen.h \
	tests/agree/gen_ct.c \
	tests/agree/gen_packet.c \
	tests/agree/load.c \
	tests/agree/shrink.c \
	tests/agree/shrink.h \
	tests/agree/tier.c \
	tests/agree/tier.h \
	tests/agree/tier_priv.h \
	tests/agree/tracking.c \
	tests/agree/translation.c \
	tests/agree/wires.c \
	tests/agree/wires.h
AGREE_DEVICES = tests/agree/wires_device.c $(TC_LAB)
check_PROGRAMS += tests/agree/agree_test tests/agree/agree_kernel_test tests/agree/agree_nic_test
TESTS += tests/agree/agree_test
KERNEL_TESTS += tests/agree/agree_kernel_test
NIC_TESTS += tests/agree/agree_nic_test
EXTRA_DIST += \
	tests/agree/cases/again.case \
	tests/agree/cases/cut.case \
	tests/agree/cases/force.case \
	tests/agree/cases/fragments.case \
	tests/agree/cases/labels.case \
	tests/agree/cases/nat.case \
	tests/agree/cases/readable.case \
	tests/agree/cases/tagged.case
tests_agree_agree_test_SOURCES = tests/agree/agree_test.c $(AGREE)
tests_agree_agree_kernel_test_SOURCES = tests/agree/agree_kernel_test.c $(AGREE) $(AGREE_DEVICES)
tests_agree_agree_nic_test_SOURCES = tests/agree/agree_nic_test.c $(AGREE) $(AGREE_DEVICES)
