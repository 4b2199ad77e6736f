#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/REASONS.md is what the table of reasons says today.
offload/reasons_md | diff -u "${srcdir:-.}/docs/REASONS.md" - || {
	echo "docs/REASONS.md is not what the table says: run make reasons" >&2
	exit 1
}
