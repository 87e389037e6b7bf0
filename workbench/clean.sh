#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Removes build/, unless that would lose changes in build/tree.

. "$(dirname "$0")/lib.sh"

if [[ -e $tree/.git ]]; then
	"$here/tree.sh" >/dev/null || die "build/ stays: to lose what is in build/tree, \"rm -rf build\""
fi
rm -rf "$build"
