#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that build/tree and the repository agree.

. "$(dirname "$0")/lib.sh"

mkdir -p "$tree/.git/workbench"
export GIT_INDEX_FILE=$tree/.git/workbench/index-check
tmp=$(mktemp -d)
trap 'rm -rf "$tmp" "$GIT_INDEX_FILE"' EXIT

mapfile -t patches < <(queue "$repo/patches")
new_files >"$tmp/new-files"
created "${patches[@]/#/$repo/patches/}" | sort -u >"$tmp/created"

# Print what a test found wrong, and fail if that is anything.
nothing() { ! sed 's/^/    /' | grep .; }

all_applied() { diff "$tree/.pc/applied-patches" <(printf '%s\n' "${patches[@]}") | nothing; }

stacked() { (read_stack); }

all_queued()
{
	{ printf '%s\n' series "${patches[@]}"; printf '%s\n' "${patches[@]%/*}" | uniq | sed 's|$|/cover-letter|'; } |
		sort >"$tmp/queued"
	{
		comm -23 "$tmp/queued" <(cd "$repo/patches" && find . -type f -printf '%P\n' | sort) |
			sed 's|^|patches/|; s/$/ does not exist, or is in patches\/series twice/'
		comm -13 "$tmp/queued" <(cd "$repo/patches" && find . -type f -printf '%P\n' | sort) |
			sed 's|^|patches/|; s/$/ is not in patches\/series/'
	} | nothing
}

apply_cleanly()
{
	local patch

	mkdir "$tmp/base"
	sed -n 's/^--- a\///p' "${patches[@]/#/$repo/patches/}" | sort -u |
		comm -23 - "$tmp/created" | xargs git -C "$tree" archive "$(base)" -- | tar -x -C "$tmp/base"
	for patch in "${patches[@]}"; do
		patch -d "$tmp/base" -p1 --fuzz=0 <"$repo/patches/$patch" |
			sed -nE "/offset|fuzz|FAILED/s|^|$patch: |p"
	done | nothing
}

as_refreshed()
{
	local patch

	for patch in "${patches[@]}"; do
		{
			[[ -n $(message "$repo/patches/$patch" | sed -n '1p') &&
			   -z $(message "$repo/patches/$patch" | sed -n '2p') ]] ||
				say "$patch: the header is no subject line, empty line and text"
			! grep -nE '^(Index: |diff --git )' "$repo/patches/$patch" ||
				say "$patch: not in the form of workbench/quiltrc (QUILTRC=workbench/quiltrc quilt refresh)"
			grep -E '^(---|\+\+\+) [^ ]*/' "$repo/patches/$patch" |
				grep -vE '^(--- (a/[^[:space:]]+|/dev/null)|\+\+\+ (b/[^[:space:]]+|/dev/null))$' |
				sed "s|^|$patch: not as quilt refresh writes it: |"
		} || true
	done | nothing
}

no_other_change()
{
	index_of "$repo/patches" "${patches[@]}" || return 1
	git -C "$tree" diff-files --name-only | sed 's/$/ differs from base and queue/' | nothing
}

all_linked()
{
	local file

	while read -r file; do
		[[ -L $tree/$file && $tree/$file -ef $repo/$file ]] || say "build/tree/$file is no link to the repository's"
	done <"$tmp/new-files" | nothing
}

# What this repository ignores counts as nothing here as well. The kernel's own
# list is of no use: Debian's ignores every file.
nothing_else()
{
	comm -13 <(sort "$tmp/new-files" "$tmp/created") <(git -C "$tree" ls-files --others --exclude=/.pc --exclude=/patches \
		--exclude-from="$repo/.gitignore") |
		sed 's/$/ is only in build\/tree/' | nothing
}

named_once()
{
	local patch

	for patch in "${patches[@]}"; do
		named_files "$repo/patches/$patch"
	done | sort | uniq -c | awk '{ print $2, $1 }' >"$tmp/named"
	{
		awk '$2 > 1 { print $1 " is named by more than one patch" }' "$tmp/named"
		comm -23 <(cut -d' ' -f1 "$tmp/named") "$tmp/new-files" | sed 's/$/ is named by a patch and does not exist/'
		comm -13 <(cut -d' ' -f1 "$tmp/named") "$tmp/new-files" | sed 's/$/ is named by no patch (New-file:)/'
	} | nothing
}

say "tree: does build/tree agree with the repository?"
check "every patch of the queue is applied" all_applied
check "the queue is a stack of series, each with a cover letter, on what it needs" stacked
check "every patch file is in the queue, once" all_queued
check "the patches apply without fuzz or offset" apply_cleanly
check "the patches have a header and are as quilt refresh writes them" as_refreshed
check "no kernel file differs from base and queue" no_other_change
check "every new file is a link to the repository's" all_linked
check "build/tree has no other new file" nothing_else
check "every new file is named by exactly one patch" named_once
finish
