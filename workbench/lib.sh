# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What every script of the workbench starts with: where things are, how to
# fail, how to run a long step, how to count results.

set -euo pipefail
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

# Nothing that a make, a git hook or a cross compiler around us left behind.
unset MAKEFLAGS MFLAGS MAKELEVEL ARCH CROSS_COMPILE KBUILD_OUTPUT O QUILT_PATCHES
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
here=$repo/workbench
build=$repo/build
tree=$build/tree
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pci-reset}
export J=${J:-$(nproc)}
export QUILTRC=$here/quiltrc

say() { printf '%s\n' "$*"; }

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

case $repo in
*[[:space:]:]*) die "the path $repo has a space or colon in it, which a kernel build cannot take: move the clone" ;;
esac

# took: the time since the script started, as "1 min 5 s"
took()
{
	local s=$((SECONDS - ${1:-0}))

	if ((s >= 60)); then
		printf '%d min %d s' $((s / 60)) $((s % 60))
	else
		printf '%d s' "$s"
	fi
}

# step LOG TITLE COMMAND...: run it with its output in build/LOG.log, tell
# every 20 s how far it is, and on failure show the end of the log. "set -e"
# is off inside a function that is run like this: it chains with && instead.
step()
{
	# The names are odd because the command sees them as its own.
	local _log=$build/$1.log _title=$2 _began=$SECONDS _ticker _rc=0

	shift 2
	mkdir -p "$build"
	: >"$_log"
	say "  $_title ..."
	while sleep 20 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
		say "    $(took "$_began")$(compiled "$_log")"
	done &
	_ticker=$!
	"$@" </dev/null >"$_log" 2>&1 || _rc=$?
	kill "$_ticker" 2>/dev/null || true
	wait "$_ticker" 2>/dev/null || true
	if ((_rc)); then
		{ grep -E -m 3 'error:|\*\*\* ' "$_log" || true; tail -n 15 "$_log"; } | sed 's/^/    | /' >&2
		say "  failed after $(took "$_began"): $_title (log: ${_log#"$repo"/})" >&2
		return "$_rc"
	fi
	say "    done in $(took "$_began")"
}

compiled()
{
	local n

	n=$(grep -cE '^ +(CC|HOSTCC|AS) ' "$1") || return 0
	printf ', %d files compiled' "$n"
}

# need_space DIR MEGABYTES WHAT
need_space()
{
	local free

	mkdir -p "$1"
	free=$(($(df --output=avail -k "$1" | tail -n 1) / 1024))
	((free >= $2)) ||
		die "$3 needs $2 MB in $1, $free MB are free: make room there${4:+, or $4}"
}

# Tests: each is one line, "ok" or "not ok", and finish() prints their sum.
passed=0 failed=0 skipped=0

count()
{
	case $1 in
	pass) passed=$((passed + 1)); say "ok: $2" ;;
	fail) failed=$((failed + 1)); say "not ok: $2" ;;
	skip) skipped=$((skipped + 1)); say "skipped: $2" ;;
	esac
}

# check NAME COMMAND...: one test, passed if the command succeeds
check()
{
	local name=$1

	shift
	if "$@"; then count pass "$name"; else count fail "$name"; fi
}

# add_up LOG RC: the sum at the end of the log of a part that returned RC. A part
# that could not run, or failed in a way that it did not count, is one failure.
add_up()
{
	local line p=0 f=0 s=0

	line=$(tail -n 1 "$1")
	if [[ $line =~ ^([0-9]+)' passed, '([0-9]+)' failed, '([0-9]+)' skipped'$ ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
	fi
	(($2 == 0 || f > 0)) || f=1
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	# shellcheck disable=SC2034 # for the caller
	sum="$p passed, $f failed, $s skipped"
}

finish()
{
	say "$passed passed, $failed failed, $skipped skipped"
	((failed == 0 && passed > 0))
	exit
}

# kmake SOURCE OBJECTS ARGUMENTS...: make in a kernel tree. A fixed build
# time and user and a cache that does not care where the tree lies: what was
# compiled once is not compiled again, in whichever clone. What a source includes
# the cache has from the compiler, as make has, and does not run it twice.
export CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$build CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=5G
export CCACHE_DEPEND=1
export KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=pci-reset KBUILD_BUILD_HOST=pci-reset

kmake()
{
	local src=$1 obj=$2

	shift 2
	make -C "$src" O="$obj" LOCALVERSION= CC="ccache gcc" HOSTCC="ccache gcc" "$@"
}

# The sum of what is read.
sum_of() { sha256sum | cut -d ' ' -f 1; }

# The queue. queue DIR: the names of its patches; base: the commit of the
# kernel that they apply to, the first one of the tree's own repository.
queue() { sed 's/[[:space:]#].*//; /^$/d' "$1/series" 2>/dev/null || true; }
base() { git -C "$tree" rev-list --max-parents=0 HEAD; }
kernel_version() { make -s -C "$1" kernelversion; }

# The queue is a stack of series. A patch is named SERIES/NAME.patch, and each
# series has a cover letter, whose head is read here as well.
stack=()		# the series, in order
declare -A members=()	# of each its patches,
declare -A below=()	# the series that it needs, and those that these need, in order,
declare -A head=()	# and with "SERIES KEY" a line of its cover letter's head

read_stack()
{
	local patch name='' line need cover

	for patch in $(queue "$repo/patches"); do
		if [[ ${patch%/*} != "$name" ]]; then
			name=${patch%/*} cover=patches/$name/cover-letter
			[[ $patch =~ ^[^/]+/[^/]+$ ]] || die "patches/series: $patch is in no series: its place is patches/SERIES/"
			[[ ! ${members[$name]:-} ]] || die "patches/series: the patches of $name do not stand together, see $patch"
			[[ -f $repo/$cover ]] || die "the series $name has no cover letter: write $cover (README.md says how)"
			while IFS= read -r line && [[ $line ]]; do
				[[ $line =~ ^(Tree|Needs|Stable):[[:blank:]]*(.*)$ && ! ${head[$name ${BASH_REMATCH[1]}]+set} ]] ||
					die "$cover: the head is one line each of Tree:, Needs: and Stable:, then an empty line; this is none: $line"
				head[$name ${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
			done <"$repo/$cover"
			[[ ${head[$name Tree]:-} ]] || die "$cover: no line \"Tree: where the series goes\" at its head"
			[[ ${head[$name Stable]:-} =~ ^(yes|no)($|[^a-z]) ]] || die "$cover: no line \"Stable: yes\" or \"Stable: no\" at its head"
			[[ $(cover_text "$name" | sed -n '1p') && ! $(cover_text "$name" | sed -n '2p') ]] ||
				die "$cover: below the head come the subject, an empty line, and the text"
			for need in ${head[$name Needs]:-}; do
				[[ ${members[$need]:-} ]] || die "$cover: needs $need, which is no series that comes earlier in patches/series"
			done
			# shellcheck disable=SC2086 # one word for each series
			below[$name]=$(closure ${head[$name Needs]:-})
			stack+=("$name")
		fi
		members[$name]+="$patch "
	done
	((${#stack[@]})) || die "the queue is empty: patches/series names no patch"
}

cover_text() { sed '1,/^$/d' "$repo/patches/$1/cover-letter"; }

# closure SERIES...: these and all that they need, in order
closure()
{
	local name all=' '

	for name; do all+="${below[$name]} $name "; done
	for name in "${stack[@]}"; do [[ $all != *" $name "* ]] || printf '%s ' "$name"; done
}

# known SERIES...: are they in the stack?
known()
{
	local name

	for name; do
		[[ ${members[$name]:-} ]] || die "there is no series $name in patches/series, only ${stack[*]}"
	done
}

# The series that build/tree has whole.
in_tree()
{
	local name applied

	applied=" $(paste -s -d ' ' "$tree/.pc/applied-patches") "
	for name in "${stack[@]}"; do [[ $applied != *" ${members[$name]}"* ]] || printf '%s ' "$name"; done
}

# index_of DIR PATCH...: fill $GIT_INDEX_FILE with the base plus patches of
# DIR. It starts from the tree's own index, whose file times spare git from
# reading 90000 files again.
index_of()
{
	local dir=$1

	shift
	cp "$tree/.git/index" "$GIT_INDEX_FILE"
	git -C "$tree" read-tree --reset "$(base)"
	(($# == 0)) || git -C "$tree" apply --cached --allow-empty --whitespace=nowarn "${@/#/$dir/}" || return 1
	git -C "$tree" update-index -q --refresh >/dev/null || true
}

# A patch's header, the kernel's commit message, and the new files it names.
header() { sed '/^\(--- \|diff --git \|Index: \)/,$d' "$1"; }
message() { header "$1" | sed '/^New-file: /d'; }
named_files() { header "$1" | sed -n 's/^New-file: //p'; }

# created PATCH...: the files that are new with these patches, as part of them.
created() { awk '/^--- \/dev\/null/ { getline; sub(/^\+\+\+ b\//, ""); print }' "$@" /dev/null; }

# new_files: the files of this repository that the kernel does not have, by
# their kernel paths: whatever lies below a top directory of the kernel.
new_files()
{
	local dir dirs=()

	for dir in "$repo"/*/; do
		dir=$(basename "$dir")
		if [[ $dir != build && -d $tree/$dir && ! -L $tree/$dir ]]; then
			dirs+=("$dir")
		fi
	done
	((${#dirs[@]})) || return 0
	git -C "$repo" ls-files --cached --others --exclude-standard -- "${dirs[@]}" |
		while read -r file; do
			[[ ! -f $repo/$file ]] || printf '%s\n' "$file"
		done | sort -u
}

# mails SERIES...: their patches in build/series, without the cover letters.
mails()
{
	local name

	for name; do find "$build/series/$name" -name '*.patch' ! -name '0000-*' | sort; done
}

# checkout COMMIT: build/verify/tree, a second work tree of the repository in
# build/tree, where commits of the series are compiled and checked. It has the
# same path as build/tree as seen from its objects, so that ccache knows what
# the kernel builds have compiled.
checkout()
{
	local verify=$build/verify/tree

	if ! git -C "$tree" worktree list --porcelain | grep -qxF "worktree $verify" || [[ ! -e $verify/.git ]]; then
		need_space "$build" 3000 "a second work tree"
		rm -rf "$verify"
		git -C "$tree" worktree prune
		mkdir -p "$build/verify"
		step verify "making build/verify/tree" git -C "$tree" worktree add -q --detach "$verify" "$1" ||
			die "git cannot make the work tree build/verify/tree, see build/verify.log"
	fi
	git -C "$verify" checkout -q --force --detach "$1"
	git -C "$verify" clean -q -xdff
}
