#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs every test, part by part, and adds up what they counted. A part that
# fails does not keep the others from running.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" tree build kunit qemu check
"$here/tree.sh"

summary=()
part() # NAME SCRIPT
{
	local began=$SECONDS rc=0

	say "=== $1"
	"$here/$2" 2>&1 | tee "$build/test-$1.log" || rc=$?
	add_up "$build/test-$1.log" "$rc"
	summary+=("$(printf '%-10s %s, %s' "$1" "$sum" "$(took "$began")")")
}

part tree check-tree.sh
part kunit kunit.sh
part kselftest kselftest.sh
part series check-series.sh
part check check.sh

say "=== $(took) in all"
printf '%s\n' "${summary[@]}"
finish
