#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# shell.sh [COMMAND]: boots the plain UML kernel on the host's files, with a simulated
# fabric, and starts a shell, or runs COMMAND and returns its exit status.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build shell
"$here/kernel.sh" uml

linux=("$build/uml/linux" mem=256M root=/dev/root rootfstype=hostfs rootflags=/ ro quiet
	kunit.enable=0 con=null "con0=fd:0,fd:1" init="$here/shell-init" TERM="${TERM:-linux}")
if ((0 == $#)); then
	say "shell: Linux $(kernel_version "$tree") with a simulated fabric"
	"${linux[@]}" 2>"$build/shell.log"
	exit
fi

tmp=$(mktemp -d "$build/shell.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
printf '%s\n' "$*" >"$tmp/command"
"${linux[@]}" COMMAND="$tmp/command" </dev/null 2>"$build/shell.log" |
	tee "$tmp/output" | sed '/^exit [0-9]*\r*$/d'
status=$(sed -n 's/^exit \([0-9]*\)\r*$/\1/p' "$tmp/output" | tail -n 1)
[[ $status ]] || die "the kernel ended before the command did, see build/shell.log"
exit "$status"
