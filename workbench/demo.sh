#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots the patched kernel in QEMU and demonstrates resets.

. "$(dirname "$0")/lib.sh"

"$here/selftests.sh"

"$tree/tools/testing/selftests/pci/reset_demo.sh" --kernel "$build/x86/vmlinux" --modules "$build/x86" \
	--tests "$build/kselftest/kselftest/pci" --out "$build/kselftest/log"
