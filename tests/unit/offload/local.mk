OFFLOAD_TESTS = \
	tests/unit/offload/account_test \
	tests/unit/offload/adopt_test \
	tests/unit/offload/beside_test \
	tests/unit/offload/chain_test \
	tests/unit/offload/conns_test \
	tests/unit/offload/engine_test \
	tests/unit/offload/fault_test \
	tests/unit/offload/hang_test \
	tests/unit/offload/limits_test \
	tests/unit/offload/lost_test \
	tests/unit/offload/altered_test \
	tests/unit/offload/parts_test \
	tests/unit/offload/place_test \
	tests/unit/offload/policy/outlook_test \
	tests/unit/offload/policy/rank_test \
	tests/unit/offload/policy/shrink_test \
	tests/unit/offload/reasons_test \
	tests/unit/offload/shares_test \
	tests/unit/offload/survive_test \
	tests/unit/offload/tiers_test \
	tests/unit/offload/closing_test \
	tests/unit/offload/unknown_test \
	tests/unit/offload/plan/dump_test \
	tests/unit/offload/plan/plan_test \
	tests/unit/offload/sim/agree_test \
	tests/unit/offload/sim/profile_test
check_PROGRAMS += $(OFFLOAD_TESTS)
TESTS += $(OFFLOAD_TESTS)
OFFLOAD_LAB = tests/unit/offload/lab.c tests/unit/offload/lab.h
tests_unit_offload_account_test_SOURCES = tests/unit/offload/account_test.c $(OFFLOAD_LAB)
tests_unit_offload_plan_plan_test_SOURCES = tests/unit/offload/plan/plan_test.c $(OFFLOAD_LAB)
tests_unit_offload_limits_test_SOURCES = tests/unit/offload/limits_test.c $(OFFLOAD_LAB)
tests_unit_offload_place_test_SOURCES = tests/unit/offload/place_test.c $(OFFLOAD_LAB)
tests_unit_offload_engine_test_SOURCES = tests/unit/offload/engine_test.c $(OFFLOAD_LAB)
tests_unit_offload_sim_agree_test_SOURCES = tests/unit/offload/sim/agree_test.c $(OFFLOAD_LAB)
tests_unit_offload_shares_test_SOURCES = tests/unit/offload/shares_test.c $(OFFLOAD_LAB)
tests_unit_offload_fault_test_SOURCES = tests/unit/offload/fault_test.c $(OFFLOAD_LAB)
SURVIVOR = tests/fake/survivor.c tests/fake/survivor_nic.c tests/fake/survivor.h
OFFLOAD_RIG = tests/unit/offload/rig.c tests/unit/offload/rig.h $(SURVIVOR)
tests_unit_offload_reasons_test_SOURCES = tests/unit/offload/reasons_test.c $(OFFLOAD_LAB) $(OFFLOAD_RIG)
tests_unit_offload_tiers_test_SOURCES = tests/unit/offload/tiers_test.c $(OFFLOAD_RIG)
tests_unit_offload_beside_test_SOURCES = tests/unit/offload/beside_test.c $(OFFLOAD_RIG)
tests_unit_offload_adopt_test_SOURCES = tests/unit/offload/adopt_test.c $(OFFLOAD_RIG)
tests_unit_offload_chain_test_SOURCES = tests/unit/offload/chain_test.c $(OFFLOAD_RIG)
tests_unit_offload_hang_test_SOURCES = tests/unit/offload/hang_test.c $(OFFLOAD_RIG)
tests_unit_offload_altered_test_SOURCES = tests/unit/offload/altered_test.c $(OFFLOAD_RIG)
tests_unit_offload_lost_test_SOURCES = tests/unit/offload/lost_test.c $(OFFLOAD_RIG)
tests_unit_offload_closing_test_SOURCES = tests/unit/offload/closing_test.c $(OFFLOAD_RIG)
tests_unit_offload_unknown_test_SOURCES = tests/unit/offload/unknown_test.c $(OFFLOAD_RIG)
tests_unit_offload_survive_test_SOURCES = tests/unit/offload/survive_test.c $(OFFLOAD_RIG)
dist_check_SCRIPTS += tests/unit/offload/reasons_md_test.sh
TESTS += tests/unit/offload/reasons_md_test.sh
