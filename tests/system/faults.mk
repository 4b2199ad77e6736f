# The whole switch under faults, bad input and changes while packets run.  Needs root for namespaces; skipped without.
FAULT_TESTS = \
	tests/system/fault_churn.py \
	tests/system/fault_db.py \
	tests/system/fault_exit.py \
	tests/system/fault_input.py \
	tests/system/fault_states.py \
	tests/system/fault_wiring.py
TESTS += $(FAULT_TESTS)
EXTRA_DIST += $(FAULT_TESTS) tests/system/fault_rig.py
