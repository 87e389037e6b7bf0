#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stress.sh [SECONDS [SEED]]: runs reset_stress on a simulated fabric, in a kernel
# with KASAN, lockdep and kmemleak, for 600 s by default.

. "$(dirname "$0")/lib.sh"

"$here/selftests.sh" x86-debug

seconds=${1:-600}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "S=$seconds is not a number of seconds"
say "stress: $seconds s, log in build/kselftest/log/stress"
check "stress for $seconds s" "$tree/tools/testing/selftests/pci/vmtest.sh" \
	--kernel "$build/x86-debug/vmlinux" --modules "$build/x86-debug" --topology stress \
	--file "$build/kselftest/kselftest/pci/reset_stress" --out "$build/kselftest/log/stress" \
	--timeout $((seconds + 900)) -- reset_stress "seconds=$seconds" ${2:+"seed=$2"}
finish
