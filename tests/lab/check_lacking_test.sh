#!/bin/sh
# "make check-lacking" as one of the tests of "make check"; see check.
# SPDX-License-Identifier: Apache-2.0
exec "${srcdir:-.}/tests/lab/check" --or-skip lacking
