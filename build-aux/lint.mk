# make lint: everything that can be said about the source without running it.
EXTRA_DIST += build-aux/cppcheck.cfg build-aux/lint-layers build-aux/lint-format build-aux/lint-tidy .clang-format .clang-tidy

LINT_CFLAGS = $(DEFS) -I. $(SHUNT_CPPFLAGS) -include config.h -std=gnu11 -Wno-unknown-warning-option \
	-DSHUNT_PKGDATADIR='""' -DSHUNT_SYSCONFDIR='""' -DSHUNT_LOCALSTATEDIR='""' \
	$(URCU_CFLAGS) $(XXHASH_CFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS) $(JSONC_CFLAGS) $(MNL_CFLAGS) $(NL_CFLAGS) \
	$(CAPNG_CFLAGS) $(PCAP_CFLAGS) $(CHECK_CFLAGS)
# Where cppcheck guesses and clang's analyzer, which sees every include, knows.
CPPCHECK_OFF = nullPointer nullPointerRedundantCheck uninitvar autoVariables unknownEvaluationOrder
CPPCHECK = cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j2 -I. --library=build-aux/cppcheck.cfg --enable=warning,portability \
	--suppress=missingInclude --suppress=unmatchedSuppression $(addprefix --suppress=,$(CPPCHECK_OFF)) \
	--suppress=preprocessorErrorDirective -D__GNUC__ -D__x86_64__ -DPACKAGE_VERSION='"0"' \
	-DSHUNT_PKGDATADIR='""' -DSHUNT_SYSCONFDIR='""' -DSHUNT_LOCALSTATEDIR='""'
LINT_C = 'core/*.c' 'offload/*.c' 'ofproto/*.c' 'dbserver/*.c' 'switchd/*.c' 'tc/*.c' 'tools/*.c'

.PHONY: lint lint-fast lint-tidy
lint-fast:
	@echo "lint: no conflict is left"; cd $(srcdir) && ! git grep -nE '^(<{7}|>{7})( |$$)'
	@echo "lint: layers, cycles, sizes"; cd $(srcdir) && build-aux/lint-layers
	@echo "lint: clang-format"; cd $(srcdir) && build-aux/lint-format
	@echo "lint: codespell"; cd $(srcdir) && git ls-files -z '*.c' '*.h' '*.md' '*.sh' '*.mk' '*.am' '*.ac' '*.8' \
		| xargs -0 codespell -q 3 -L 'ect,inout,te,nd,fo,ans,hist,ue,ths,mis,acn,tha,caf,sav,numer'
	@echo "lint: shellcheck"; cd $(srcdir) && git ls-files -z | xargs -0 grep -lZE '^#!/(usr/)?bin/(env )?(ba)?sh' \
		| xargs -0 -r shellcheck -x -S warning

# Of some files only: make lint-tidy LINT_C='core/io/*.c tc/probe.c'
lint-tidy:
	@echo "lint: clang-tidy (some minutes)"; \
		LINT_CFLAGS='$(subst ','\'',$(LINT_CFLAGS))' $(srcdir)/build-aux/lint-tidy $(srcdir) $(LINT_C)

lint: lint-fast
	@+$(MAKE) --no-print-directory lint-tidy
	@echo "lint: cppcheck (some minutes)"; cd $(srcdir) && git ls-files $(LINT_C) | $(CPPCHECK) --file-list=-
	@echo "lint: clean"
