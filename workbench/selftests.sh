#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds what a run in QEMU needs: the x86 kernel, and the programs of the
# kselftests in build/kselftest/kselftest/pci.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build qemu
"$here/kernel.sh" x86

programs()
{
	kmake "$tree" "$build/x86" ARCH=x86 headers &&
	make -C "$tree/tools/testing/selftests" TARGETS=pci O="$build/kselftest" CC="ccache gcc" \
		KHDR_INCLUDES="-isystem $build/x86/usr/include" FORCE_TARGETS=1
}
mkdir -p "$build/kselftest"
step kselftest "building the kselftests" programs || die "the kselftests do not build"
