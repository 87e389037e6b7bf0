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
	local began=$SECONDS line rc=0 p=0 f=0 s=0

	say "=== $1"
	"$here/$2" 2>&1 | tee "$build/test-$1.log" || rc=$?
	line=$(tail -n 1 "$build/test-$1.log")
	if [[ $line =~ ^([0-9]+)' passed, '([0-9]+)' failed, '([0-9]+)' skipped'$ ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
	fi
	# A part that could not run, or failed in a way that it did not count.
	((rc == 0 || f > 0)) || f=1
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	summary+=("$(printf '%-10s %s passed, %s failed, %s skipped, %s' "$1" "$p" "$f" "$s" "$(took "$began")")")
}

part tree check-tree.sh
part kunit kunit.sh
part kselftest kselftest.sh
part series check-series.sh
part check check.sh

say "=== $(took) in all"
printf '%s\n' "${summary[@]}"
finish
