DATAPATH_TESTS = tests/unit/core/datapath/dp_ct_text_test tests/unit/core/datapath/exact_test tests/unit/core/datapath/features_test \
	tests/unit/core/datapath/kernel/codec_test tests/unit/core/datapath/kernel/fair_test \
	tests/unit/core/datapath/meter_test
check_PROGRAMS += $(DATAPATH_TESTS)
TESTS += $(DATAPATH_TESTS)
