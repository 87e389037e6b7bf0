#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the KUnit suites in UML, in virtual time.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build kunit
"$here/kernel.sh" uml

say "kunit: the suites in UML"
"$here/kunit-boot.sh" "$build/uml" "$build/kunit"
"$here/kunit-results" "$build"/kunit/*.log "$repo/drivers/pci/tests/expected_failures"
