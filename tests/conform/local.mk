# One suite per vtable, run against every implementation of it.
PORT_CONFORM = tests/conform/port_conform.c tests/conform/port_conform.h tests/conform/netns.h tests/conform/wire.h
CONFORM_TESTS = \
	tests/conform/dp_device_test \
	tests/conform/dp_user_test \
	tests/conform/port_af_packet_test \
	tests/conform/port_fake_test \
	tests/conform/port_pcap_test \
	tests/conform/port_tap_test \
	tests/conform/port_vxlan_test
DP_CONFORM = tests/conform/dp_conform.c tests/conform/dp_conform.h tests/conform/dp_conform_actions.c \
	tests/conform/dp_conform_flows.c tests/conform/dp_conform_upcalls.c
check_PROGRAMS += $(CONFORM_TESTS)
TESTS += $(CONFORM_TESTS)
tests_conform_port_af_packet_test_SOURCES = tests/conform/port_af_packet_test.c $(PORT_CONFORM)
tests_conform_port_fake_test_SOURCES = tests/conform/port_fake_test.c $(PORT_CONFORM)
tests_conform_port_tap_test_SOURCES = tests/conform/port_tap_test.c $(PORT_CONFORM)
tests_conform_port_vxlan_test_SOURCES = tests/conform/port_vxlan_test.c tests/conform/netns.h tests/conform/wire.h
tests_conform_dp_user_test_SOURCES = tests/conform/dp_user_test.c $(DP_CONFORM)
CONFORM_TESTS += tests/conform/provider_sim_test
tests_conform_provider_sim_test_SOURCES = tests/conform/provider_sim_test.c tests/conform/provider_conform.c \
	tests/conform/provider_conform.h
tests_conform_dp_device_test_SOURCES = tests/conform/dp_device_test.c tests/conform/netns.h tests/conform/wire.h
CONFORM_TESTS += tests/conform/provider_survivor_test
tests_conform_provider_survivor_test_SOURCES = tests/conform/provider_survivor_test.c tests/conform/provider_conform.c \
	tests/conform/provider_conform.h $(SURVIVOR)
