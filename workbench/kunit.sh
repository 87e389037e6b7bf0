#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit.sh [KERNEL...]: runs the KUnit suites in UML, in virtual time: in the
# plain kernel (uml), with KASAN and lockdep (uml-debug), and with preemption
# (uml-preempt), or only in those which are named. Each runs twice, side by side,
# and both runs must have the same log, byte for byte. With SERIES, the series
# that the kernel has (see kunit-results), each runs once: what fails for want of a
# series may log anything. SEEDS=, 20 by default, is the number of random tests.

. "$(dirname "$0")/lib.sh"

((0 < $#)) || set -- uml uml-debug uml-preempt
list=$here/needs-series
# Of the random test, see campaign.sh for more of them
seeds=pci_torture_kunit.seeds=${SEEDS:-20}
shopt -s extglob nullglob

# What lockdep, KASAN and their like say of boots that did not crash.
no_report()
{
	! grep -E '(WARNING|BUG|INFO|Oops|KASAN|UBSAN): |Kernel panic|list_(add|del) corruption|nobody cared' "$@"
}

shell_resets()
{
	# shellcheck disable=SC2016 # for the shell in the guest
	"$here/shell.sh" 'echo 1 >/sys/bus/pci/devices/$(cat port0/endpoint/address)/reset &&
		grep -qx "flr 1" port0/endpoint/resets' >"$build/shell-test.log" 2>&1
}

same() { diff -rq "$1" "$2"; }

"$here/deps.sh" build kunit

# A part of the queue only: which tests need a series that is left out?
if [[ ${UPTO:-}${ONLY:-} ]]; then
	"$here/tree.sh"
	read_stack
	SERIES=$(in_tree)
	export SERIES
fi

# The second run is in the background, where SIGINT is ignored.
trap 'kill 0' INT

for kernel; do
	"$here/kernel.sh" "$kernel"
	logs=$build/kunit/$kernel
	began=$SECONDS rc=0

	say "kunit: the suites in the kernel $kernel"
	find "$build/$kernel" -name '*.gcda' -delete
	[[ -v SERIES ]] || "$here/kunit-boot.sh" "$build/$kernel" "$logs/2" "$seeds" &
	"$here/kunit-boot.sh" "$build/$kernel" "$logs/1" "$seeds"
	wait
	"$here/kunit-results" "$logs"/1/*.log "$list" 2>&1 | tee "$logs/results" || rc=$?
	add_up "$logs/results" "$rc"
	say "  ran in $(took "$began"), logs in ${logs#"$repo"/}"

	if [[ ! -v SERIES ]]; then
		check "$kernel: no report of lockdep, KASAN and the like" no_report "$logs"/1/@(all|threadirqs)*.log
		check "$kernel: a second run has the same log, byte for byte" same "$logs/1" "$logs/2"
	fi
	[[ $kernel != uml ]] || check "uml: make shell boots, and resets a simulated device" shell_resets
	if grep -q '^CONFIG_GCOV=y' "$build/$kernel/.config"; then
		say "kunit: coverage, in full in ${logs#"$repo"/}/coverage"
		"$here/coverage" "$build/$kernel" >"$logs/coverage"
		grep -v 'never ran' "$logs/coverage"
	fi
done
finish
