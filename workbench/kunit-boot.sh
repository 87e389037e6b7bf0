#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit-boot.sh OBJ LOGS: boots the UML kernel in OBJ once for all KUnit suites
# of PCI, once for that of genirq, once more for those of hotplug and genirq with
# forced threading of interrupts, and once for each test of the suites pci-fault*,
# which may take the kernel with it. The kernel's log of each boot goes to
# LOGS/*.log.

. "$(dirname "$0")/lib.sh"

obj=$(realpath "$1") logs=$2
mkdir -p "$logs"
rm -f "$logs"/*.log

# UML would call itself something else in each run, and log it. It takes that
# name in ~/.uml, so each run gets a home of its own, which is logged once.
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT

# As kunit.py does it, which takes half as long again to pass on 70 MB of log.
# The kernel fails if it panics: whether a test did is in the log.
boot() # GLOB [PARAMETER...]
{
	timeout --foreground 1200 "$obj/linux" mem=1G console=tty kunit_shutdown=halt umid=kunit \
		time-travel=inf-cpu "${@:2}" "kunit.filter_glob=$1" kunit.enable=1 </dev/null 2>&1 || true
}

boot 'pci-[!f]*' >"$logs/all.log"
boot 'irq_test_cases' >"$logs/genirq.log"
boot 'pci-*hotplug' threadirqs >"$logs/threadirqs.log"
boot 'irq_test_cases' threadirqs >"$logs/genirq-threadirqs.log"
faults=$(boot 'pci-fault*' kunit.action=list | sed -n 's/^\[[^]]*\] \(pci-fault[^ ]*\.[^ ]*\)$/\1/p')
[[ $faults ]] || die "the kernel in $obj lists no test of pci-fault*"
while read -r test; do
	boot "$test" >"$logs/$test.log"
done <<<"$faults"
sed -i '/ mconsole .* initialized on /d' "$logs"/*.log
