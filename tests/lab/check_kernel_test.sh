#!/usr/bin/env bash
# "make check-kernel" as one of the tests of "make check": every suite that needs a kernel with openvswitch and TC, in the
# lab's User-mode Linux kernel, which is built first where it is missing.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
lab=${srcdir:-.}/tests/lab

skip() {
	echo "skipped: $*"
	exit 77
}
[[ $(uname -m) == x86_64 ]] || skip "the lab's kernel is for x86-64"
[[ -x /bin/busybox ]] || skip "busybox-static is not installed, which starts a guest"
if grep -q '^SHUNT_LDFLAGS = .*-fsanitize=.*address' Makefile; then
	skip "AddressSanitizer wants more address space than a process of User-mode Linux has"
fi
why=$("$lab/uml-kernel" --check 2>&1 >/dev/null) || {
	[[ $why == *"not built yet"* ]] || skip "$why"
	"$lab/uml-kernel"
}
exec "$lab/run-tests" kernel uml-run tests/lab/kernel.list
