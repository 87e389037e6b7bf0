#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kselftest.sh [FILTER]: runs the kselftests of the series in QEMU: all, or
# those whose lines in vm_tests the regular expression matches.

. "$(dirname "$0")/lib.sh"

"$here/selftests.sh"
# Only one test needs this, so nobody is asked for a password.
"$here/deps.sh" dpdk </dev/null || say "  vfio_dpdk.sh is skipped without it"

say "kselftest: each topology in a virtual machine"
"$tree/tools/testing/selftests/pci/run_vm_tests.sh" --kernel "$build/x86/vmlinux" --modules "$build/x86" \
	--tests "$build/kselftest/kselftest/pci" --out "$build/kselftest/log" "$@"
