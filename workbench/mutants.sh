#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [WORD...]: do the tests notice a fault? Each line of the file mutants
# is a small fault in code of the queue. Each is put in alone, and the KUnit suites
# run in UML until a test fails or the kernel complains. A fault with which they
# all pass has survived, and is a failure. With WORDs, only faults whose line has
# one of them. SEEDS=, 1000 by default, is the number of random tests. The logs are in
# build/mutants.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build kunit
"$here/series.sh" >/dev/null
"$here/kernel.sh" uml config
checkout series

src=$build/verify/tree obj=$build/verify/mutants logs=$build/mutants
# Seconds of real time that the suites may take, a multiple of what they need
limit=${KUNIT_TIMEOUT:-300}
export HOME
HOME=$(mktemp -d)
trap 'rm -rf "$HOME"; git -C "$src" checkout -q --force' EXIT
rm -rf "$logs"
mkdir -p "$obj" "$logs"
cp "$build/uml/.config" "$obj/.config"

build() { kmake "$src" "$obj" ARCH=um olddefconfig >/dev/null && kmake "$src" "$obj" ARCH=um -j"$J" linux; }

# put_in FILE PERL: the fault, which has to match exactly once
put_in()
{
	perl -0pi -e 'BEGIN { $n = 0 } $n += '"$2"'; END { exit($n != 1) }' "$src/$1"
}

failures='not ok |Kernel panic|(WARNING|BUG|INFO|Oops): |list_(add|del) corruption|nobody cared'
first_failure() { { tr -d '\r' <"$1" | grep -aE -m 1 "$failures" | sed 's/^\[[^]]*\] *//'; } || true; }

# The suites, until the first failure. It prints who has noticed the fault.
run() # LINUX LOG WHAT
{
	local pid began=$SECONDS who

	"$1" mem=1G console=tty kunit_shutdown=halt umid="mutant${2//[!0-9]/}" time-travel=inf-cpu \
		'kunit.filter_glob=pci_*' kunit.enable=1 "pci_torture_kunit.seeds=${SEEDS:-1000}" \
		</dev/null >"$2" 2>&1 &
	pid=$!
	while sleep 0.5 && kill -0 "$pid" 2>/dev/null; do
		[[ ! $(first_failure "$2") ]] || break
		((SECONDS - began < limit)) || { echo "not ok within $limit s" >>"$2"; break; }
	done
	kill -9 "$pid" 2>/dev/null || true
	wait "$pid" || true
	rm -f "$1"
	grep -qaw ok "$2" || echo 'not ok: no test has run' >>"$2"
	who=$(first_failure "$2")
	if [[ $who ]]; then
		printf 'pass\t%s (%d s): %s\n' "$3" $((SECONDS - began)) "$who"
	else
		printf 'fail\t%s: survives\n' "$3"
	fi >"$2.result"
} 2>/dev/null # what the shell says of a process that is killed

collect() # LOG
{
	local how what

	wait
	[[ -f ${1:-}.result ]] || return 0
	IFS=$'\t' read -r how what <"$1.result"
	count "$how" "$what"
}

step mutants "building UML without a fault" build || die "UML does not build, see build/mutants.log"

say "mutants: which fault does a test notice?"
n=0 last=''
while IFS=$'\t' read -r file what perl; do
	if (($#)) && ! grep -qF "$(printf '%s\n' "$@")" <<<"$file $what"; then
		continue
	fi
	n=$((n + 1)) log=$logs/$(printf '%03d' "$n").log
	if ! put_in "$file" "$perl"; then
		count fail "$what: cannot be put into $file any more"
	elif ! build >"$build/mutants.log" 2>&1; then
		count fail "$what: does not compile, see build/mutants.log"
	else
		cp "$obj/linux" "$obj/linux.$n"
		collect "$last"
		run "$obj/linux.$n" "$log" "$what" &
		last=$log
	fi
	git -C "$src" checkout -q --force
done < <(grep -v '^#' "$here/mutants")
collect "$last"
finish
