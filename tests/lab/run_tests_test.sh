#!/usr/bin/env bash
# What run-tests says of tests that pass, skip, fail, fail once and take the guest down, with one try and with two.
# Skipped where the lab's kernel is not there.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
lab=$(realpath "${srcdir:-.}/tests/lab")
[[ -x /bin/busybox ]] || { echo "skipped: busybox-static is not installed"; exit 77; }
"$lab/uml-kernel" --check >/dev/null || { echo "skipped: no kernel to run"; exit 77; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/shunt-run-tests-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export srcdir=$dir RUN_OPTIONS="-w $dir/seen"

fail() {
	echo "FAILED at line ${BASH_LINENO[0]}: $*"
	cat "$dir/out"
	exit 1
}
# A test of the guest: its lines follow on stdin.  Each run of it leaves the boot's identity in seen/NAME.
a_test() { # NAME
	{
		echo '#!/bin/bash'
		# shellcheck disable=SC2016 # the guest's shell expands
		echo 'cat /proc/sys/kernel/random/boot_id >>seen/${0##*/}; runs=$(wc -l <seen/${0##*/})'
		cat
	} >"$1"
	chmod +x "$1"
}
a_test steady <<<'exit 0'
a_test absent <<<'echo "skipped: not today"; exit 77'
# shellcheck disable=SC2016
a_test once <<<'((runs > 1)) || { echo "once, for the first time"; exit 3; }'
# shellcheck disable=SC2016
a_test deadly <<<'((runs > 1)) || echo c >/proc/sysrq-trigger'
# shellcheck disable=SC2016
a_test hides <<<'((runs > 1)) || exit 4; exit 77'
a_test broken <<<'echo "broken for good"; exit 5'

run() { # TRIES TEST…: leaves the output in out and the status in rc
	rm -rf seen
	mkdir seen
	printf '%s\n' "${@:2}" >list
	rc=0
	SHUNT_TRIES=$1 "$lab/run-tests" try uml-run list >out 2>&1 || rc=$?
}
said() { grep -qF -- "$1" out || fail "it does not say: $1"; }
runs() { # TEST TIMES BOOTS
	(($(wc -l <"seen/$1") == $2)) || fail "$1 ran $(wc -l <"seen/$1") times, not $2"
	(($(sort -u "seen/$1" | wc -l) == $3)) || fail "$1 ran in $(sort -u "seen/$1" | wc -l) boots, not $3"
}

# One try: each runs once, and what fails is failed; the death of a guest is the fault of one.
run 1 steady absent once deadly broken
((rc == 1)) || fail "status $rc"
said "PASS: steady"
said "SKIP: absent: skipped: not today"
said "FAIL: once (status 3"
said "FAIL: deadly (status died"
said "  | broken for good"
said "1 passed, 3 failed, 1 skipped"
for t in steady absent once deadly broken; do runs "$t" 1 1; done

# Two: what failed runs again, alone in a boot of its own, and its first failure is still told.
run 2 once steady deadly absent
((rc == 0)) || fail "status $rc"
said "FAIL: once (status 3"
said "  | once, for the first time"
said "PASS (second try): once"
said "FAIL: deadly (status died"
said "PASS (second try): deadly"
said "3 passed, 0 failed, 1 skipped"
runs once 2 2
runs deadly 2 2
runs steady 1 1
runs absent 1 1
(($(sort -u seen/* | wc -l) == 4)) || fail "not four boots"
grep -qx "once, for the first time" tests/lab/logs/try/once.log.first || fail "the log of the first failure is gone"

# What fails twice is failed, and so is what skips after it failed.
run 2 broken hides steady
((rc == 1)) || fail "status $rc"
said "FAIL (second try): broken (status 5"
said "FAIL (second try): hides (status 77"
said "1 passed, 2 failed, 0 skipped"
runs broken 2 2

# So many do not fail by chance.
for n in 1 2 3 4 5 6; do cp broken broken$n; done
run 2 broken{1..6}
((rc == 1)) || fail "status $rc"
said "no second try"
for n in 1 2 3 4 5 6; do runs broken$n 1 1; done
