#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes build/series: the queue as patches to mail. Each patch of the queue is
# one commit on the base; its header is the message, and the new files that
# the header names enter with it. The commits are on the branch "series" of
# the repository in build/tree, which is otherwise left alone.

. "$(dirname "$0")/lib.sh"

"$here/tree.sh"
[[ -s $repo/patches/cover-letter ]] || die "there is no cover letter: write patches/cover-letter, first line the subject"

name=$(git -C "$repo" config user.name || git -C "$repo" log -1 --format=%an)
email=$(git -C "$repo" config user.email || git -C "$repo" log -1 --format=%ae)
[[ $name && $email ]] || die "the series needs an author: git config user.name and user.email"
export GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL=$email GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$email
export GIT_INDEX_FILE=$tree/.git/workbench/index-series

git="git -C $tree"
mapfile -t patches < <(queue "$repo/patches")
((${#patches[@]})) || die "the queue is empty: patches/series names no patch"

commit=$(base)
index_of "$repo/patches"
for patch in "${patches[@]}"; do
	$git apply --cached --whitespace=nowarn "$repo/patches/$patch"
	while read -r file; do
		[[ -f $repo/$file ]] || die "patches/$patch names $file, which does not exist"
		blob=$($git hash-object -w --no-filters "$repo/$file")
		mode=$([[ -x $repo/$file ]] && echo 100755 || echo 100644)
		$git update-index --add --cacheinfo "$mode,$blob,$file"
	done < <(named_files "$repo/patches/$patch")
	commit=$(message "$repo/patches/$patch" | git stripspace |
		git interpret-trailers --if-exists doNothing --trailer "Signed-off-by: $name <$email>" |
		$git commit-tree "$($git write-tree)" -p "$commit")
done
$git update-ref refs/heads/series "$commit"
$git config branch.series.description "$(cat "$repo/patches/cover-letter")"

rm -rf "$build/series" "$build/series.new"
$git format-patch -q -o "$build/series.new" --cover-letter --cover-from-description=subject \
	--no-base --numbered "$(base)..series"
mv "$build/series.new" "$build/series"
say "  build/series: a cover letter and ${#patches[@]} patches"
