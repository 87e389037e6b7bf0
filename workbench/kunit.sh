#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the KUnit suites in UML, in virtual time.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build kunit
"$here/kernel.sh" uml

say "kunit: the suites in UML"
rc=0
(cd "$tree" && tools/testing/kunit/kunit.py exec --arch=um --build_dir="$build/uml" \
	--kernel_args=time-travel=inf-cpu) 2>&1 | tee "$build/kunit.log" || rc=$?

# kunit.py sums up as "Ran 4 tests: passed: 2, failed: 1, skipped: 1"; a crash
# or an error counts as a failure, and no such line does too.
sum=$(sed -n 's/.*Testing complete\. Ran [0-9]* tests: //p' "$build/kunit.log")
of() { sed -nE "s/.*\b$1: ([0-9]+).*/\1/p" <<<"$sum" | grep . || echo 0; }
passed=$(of passed) skipped=$(of skipped)
failed=$(($(of failed) + $(of crashed) + $(of errors)))
((rc == 0 || failed > 0)) || count fail "kunit.py found something to be wrong, see build/kunit.log"
[[ $sum ]] || count fail "KUnit did not run, see build/kunit.log"
finish
