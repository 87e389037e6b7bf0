#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# series.sh [SERIES...]: makes build/series, a folder of mails for each series of
# the stack, or only for those which are named. Each patch is one commit; its
# header is the message, and the new files that the header names enter with it.
# The commits are in the repository in build/tree, which is otherwise left alone:
# on the branch stack/SERIES those of one series, on the base and the series that
# it needs, and on the branch "series" all, in the order of patches/series.

. "$(dirname "$0")/lib.sh"

"$here/tree.sh"
read_stack
known "$@"

name=$(git -C "$repo" config user.name || git -C "$repo" log -1 --format=%an)
email=$(git -C "$repo" config user.email || git -C "$repo" log -1 --format=%ae)
[[ $name && $email ]] || die "the series needs an author: git config user.name and user.email"
export GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL=$email GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$email
export GIT_INDEX_FILE=$tree/.git/workbench/index-series
signer="$name <$email>"

git="git -C $tree"
new=$build/series.new
log=$build/series.log
indexed=	# the commit that the index holds

# What has been a commit before is it again: by parent, patch and author.
known_commits=$tree/.git/workbench/commits
touch "$known_commits"
declare -A commits=() entries=() sums=()
while read -r parent sum commit; do commits[$parent $sum]=$commit; done <"$known_commits"

# The new files that a patch names, as entries of an index.
entries() # PATCH
{
	local file mode

	named_files "$repo/patches/$1" | while read -r file; do
		[[ -f $repo/$file ]] || die "patches/$1 names $file, which does not exist"
		mode=$([[ -x $repo/$file ]] && echo 100755 || echo 100644)
		say "$mode,$($git hash-object -w --no-filters "$repo/$file"),$file"
	done
}

put() # PATCH...: on top of $commit, which moves on
{
	local patch entry key

	for patch; do
		if [[ ! ${sums[$patch]:-} ]]; then
			entries[$patch]=$(entries "$patch")
			sums[$patch]=$({ say "$signer" "${entries[$patch]}"; cat "$repo/patches/$patch"; } | sum_of)
		fi
		key="$commit ${sums[$patch]}"
		if [[ ! ${commits[$key]:-} ]]; then
			[[ $indexed == "$commit" ]] || $git read-tree "$commit"
			$git apply --cached --whitespace=nowarn "$repo/patches/$patch" 2>"$log" || does_not_apply "$patch"
			for entry in ${entries[$patch]}; do
				$git update-index --add --cacheinfo "$entry"
			done
			indexed=$(message "$repo/patches/$patch" | git stripspace |
				git interpret-trailers --if-exists doNothing --trailer "Signed-off-by: $signer" |
				$git commit-tree "$($git write-tree)" -p "$commit")
			commits[$key]=$indexed
			say "$key $indexed" >>"$known_commits"
		fi
		commit=${commits[$key]}
	done
}

# Say where, and whether it would apply if the series needed one more.
does_not_apply() # PATCH
{
	local name=${1%/*} other member upto hint

	sed 's/^error: /    /' "$log" >&2
	hint="no single earlier series makes it apply"
	for other in "${stack[@]}"; do
		[[ $other != "$name" ]] || break
		[[ " ${below[$name]}" != *" $other "* ]] || continue
		upto=()
		for member in $(closure "$name" "$other"); do
			# shellcheck disable=SC2206 # one word for each patch
			upto+=(${members[$member]%%"$1"*})
		done
		if index_of "$repo/patches" "${upto[@]}" "$1" 2>/dev/null; then
			hint="with \"Needs: $other\" in patches/$name/cover-letter it does"
			break
		fi
	done
	die "the series $name: patches/$1 does not apply to $(sed -nE 's/^error: ([^:]+): .*(apply|index)$/\1/p' "$log" | head -n 1) of the base${below[$name]:+ with ${below[$name]% }}; $hint"
}

# The cover letter to mail: the head follows the text.
cover() # SERIES
{
	local needs=${below[$1]% }

	cover_text "$1"
	printf '\nTree: %s\nStable: %s\n' "${head[$1 Tree]}" "${head[$1 Stable]}"
	say "Applies to: Linux $version${needs:+ with the series ${needs// /, }}" | fold -s -w 75
}

version=$(kernel_version "$tree")
rm -rf "$new"
if (($# == 0)); then
	set -- "${stack[@]}"
	$git for-each-ref --format='delete %(refname)' refs/heads/stack | $git update-ref --stdin
	rm -rf "$build/series"
fi
for name; do
	commit=$(base)
	# shellcheck disable=SC2086 # one word for each patch
	for needed in ${below[$name]}; do put ${members[$needed]}; done
	from=$commit
	# shellcheck disable=SC2086
	put ${members[$name]}
	$git update-ref "refs/heads/stack/$name" "$commit"
	$git config "branch.stack/$name.description" "$(cover "$name")"
	$git format-patch -q -o "$new/$name" --cover-letter --cover-from-description=subject \
		--base="$(base)" --numbered "$from..stack/$name"
	# The base is a commit that nobody else has, what comes between is in the mails.
	sed -i '/^base-commit: /d' "$new/$name"/0000-*
done
commit=$(base)
# shellcheck disable=SC2086
for name in "${stack[@]}"; do put ${members[$name]}; done
$git update-ref refs/heads/series "$commit"

mkdir -p "$build/series"
for name; do
	rm -rf "${build:?}/series/$name"
	mv "$new/$name" "$build/series/$name"
	say "  build/series/$name: a cover letter and $(mails "$name" | wc -l) patches"
done
rmdir "$new"
