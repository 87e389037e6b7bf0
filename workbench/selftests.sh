#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selftests.sh [x86-debug]: builds the x86 kernel, or x86-debug, and the kselftests,
# in build/kselftest/kselftest, for a run in QEMU.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build qemu
kernel=${1:-x86}
"$here/kernel.sh" "$kernel"

programs()
{
	kmake "$tree" "$build/$kernel" ARCH=x86 headers &&
	make -C "$tree/tools/testing/selftests" TARGETS="pci vfio" O="$build/kselftest" CC="ccache gcc" \
		KHDR_INCLUDES="-isystem $build/$kernel/usr/include" EXTRA_CFLAGS=-static FORCE_TARGETS=1
}
mkdir -p "$build/kselftest"
step kselftest "building the kselftests" programs || die "the kselftests do not build"
