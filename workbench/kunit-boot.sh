#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit-boot.sh OBJ LOGS [PARAMETER...]: boots the UML kernel in OBJ once for all KUnit suites
# of PCI, once for that of genirq, and once more for those of hotplug and genirq
# with forced threading of interrupts. If the kernel crashes or hangs, each of
# these suites gets a boot of its own, and in a suite that does not get to its
# end, each test. The kernel's log of each boot goes to LOGS/*.log; what came
# from a boot that was replaced in this way ends in .crashed.

. "$(dirname "$0")/lib.sh"

obj=$(realpath "$1") logs=$2
shift 2
parameters=("$@")
# Seconds of real time that a boot may take, and that it may say nothing
limit=${KUNIT_TIMEOUT:-300} silence=${KUNIT_SILENCE:-60}
mkdir -p "$logs"
rm -f "$logs"/*.log "$logs"/*.crashed

# UML would call itself something else in each run, and log it. It takes that
# name in ~/.uml, so each run gets a home of its own, which is logged once.
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT

# As kunit.py does it, which takes half as long again to pass on 70 MB of log.
# The kernel fails if it panics: whether a test did is in the log. One that says
# nothing for long hangs in a loop, in which virtual time does not pass.
boot() # LOG GLOB [PARAMETER...]
{
	local log=$1 glob=$2 pid silent=0 size=0 was=-1

	shift 2
	timeout --foreground --kill-after=5 "$limit" "$obj/linux" mem=1G console=tty kunit_shutdown=halt \
		umid=kunit time-travel=inf-cpu "${parameters[@]}" "$@" "kunit.filter_glob=$glob" kunit.enable=1 \
		</dev/null >"$log" 2>&1 &
	pid=$!
	while sleep 0.2 && kill -0 "$pid" 2>/dev/null; do
		size=$(stat -c %s "$log")
		silent=$((size == was ? silent + 1 : 0)) was=$size
		((silent < 5 * silence)) || kill "$pid" 2>/dev/null || true
	done
	wait "$pid" || true
} 2>/dev/null # what the shell says of boots that are aborted or killed

# The result of the last suite that was announced is in the log.
complete() # LOG
{
	local suites

	suites=$(sed -n 's/^\[[^]]*\] 1\.\.\([0-9]*\)\r\{0,1\}$/\1/p' "$1" | head -n 1)
	[[ $suites ]] && grep -qE "^\[[^]]*\] (not )?ok $suites " "$1"
}

tests_of() # GLOB
{
	boot "$logs/list" "$1" kunit.action=list
	sed -n 's/^\[[^]]*\] \([a-z0-9_-]*\.[a-z0-9_]*\)\r\{0,1\}$/\1/p' "$logs/list"
	rm "$logs/list"
}

# A boot of all that GLOB stands for, or if that does not end, of each part of it
run() # NAME GLOB [PARAMETER...]
{
	local name=$1 glob=$2 tests part parts

	shift 2
	boot "$logs/$name.log" "$glob" "$@"
	if [[ $glob == *.* ]] || complete "$logs/$name.log"; then
		return 0
	fi

	tests=$(tests_of "$glob")
	[[ $tests ]] || die "the kernel in $obj lists no test for $glob"
	mv "$logs/$name.log" "$logs/$name.crashed"
	parts=$tests
	[[ $glob != *'*'* ]] || parts=$(cut -d. -f1 <<<"$tests" | uniq)
	while read -r part; do
		run "${name%%.*}.$part" "$part" "$@"
	done <<<"$parts"
}

run all 'pci_*'
run genirq irq_test_cases
run threadirqs 'pci_*hotplug' threadirqs
run genirq-threadirqs irq_test_cases threadirqs
sed -i '/ mconsole .* initialized on /d' "$logs"/*.log
