noinst_LIBRARIES += core/classify/libclassify.a
core_classify_libclassify_a_SOURCES = \
	core/classify/classifier.c \
	core/classify/classifier.h \
	core/classify/classifier_private.h \
	core/classify/cls_rule.h \
	core/classify/flow_cache.c \
	core/classify/flow_cache.h \
	core/classify/lookup.c \
	core/classify/masked.h \
	core/classify/megaflow.c \
	core/classify/megaflow.h \
	core/classify/rank.c \
	core/classify/rank.h \
	core/classify/rtab.c \
	core/classify/rtab.h \
	core/classify/subtable.c \
	core/classify/subtable.h \
	core/classify/trie.c \
	core/classify/trie.h
