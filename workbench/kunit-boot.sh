#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit-boot.sh OBJ LOGS: boots the UML kernel in OBJ once for all KUnit suites
# of PCI, and once for each test of the suites pci-fault*, which may take the
# kernel with it. The kernel's log of each boot goes to LOGS/*.log.

. "$(dirname "$0")/lib.sh"

obj=$(realpath "$1") logs=$2
mkdir -p "$logs"
rm -f "$logs"/*.log

# UML would call itself something else in each run, and log it. It takes that
# name in ~/.uml, so each run gets a home of its own, which is logged once.
umid=kunit
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT

# kunit.py fails when a test does: the results are in the logs. Its own lines,
# which have the time of day, are not.
kunit()
{
	(cd "$tree" && tools/testing/kunit/kunit.py exec --arch=um --build_dir="$obj" \
		--kernel_args=time-travel=inf-cpu --kernel_args="umid=$umid" "$@") 2>&1 |
		sed '/^\[[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\] /d; / mconsole .* initialized on /d' || true
}

kunit --raw_output=all 'pci-[!f]*' >"$logs/all.log"
kunit --list_tests 'pci-fault*' | sed -n 's/^\(pci-fault[^ ]*\.[^ ]*\)$/\1/p' |
	while read -r test; do
		kunit --raw_output=all "$test" >"$logs/$test.log" </dev/null
	done
