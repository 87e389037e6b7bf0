#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes build/tree: the base kernel with the new files of this repository
# linked in and the queue of patches pushed. Run again, it brings the tree up
# to date and leaves alone what did not change, times included.

. "$(dirname "$0")/lib.sh"

"$here/base.sh"

state=$tree/.git/workbench
export GIT_INDEX_FILE=$state/index
mkdir -p "$state"

# What differs between the tree and the index of the moment.
differences() { git -C "$tree" diff-files --name-only; }

# The files that applied patches have created: quilt keeps an empty file of each.
quilt_created()
{
	local patch

	for patch in "${pushed[@]}"; do
		find "$tree/.pc/$patch" -type f -empty ! -name .timestamp -printf '%P\n' 2>/dev/null || true
	done
}

applied() { cat "$tree/.pc/applied-patches" 2>/dev/null || true; }

# Is the tree what these patches make of the base?
holds() # DIR PATCH...
{
	index_of "$@" 2>/dev/null && [[ -z $(differences) ]]
}

# No link that leads nowhere: what a patch creates instead would go through it.
drop_links()
{
	git -C "$tree" ls-files --others --exclude=/.pc --exclude=/patches | grep -vxF -f "$state/new-files" |
		while read -r file; do
			[[ -L $tree/$file && ! -e $tree/$file ]] || continue
			rm "$tree/$file"
			rmdir -p --ignore-fail-on-non-empty "$(dirname "$tree/$file")"
			say "  removed the link $file"
		done || true
	ln -sfn ../../patches "$tree/patches"
}

# One link for every new file.
link_new_files()
{
	local file link count=0

	while read -r file; do
		link=$(realpath -sm --relative-to="$(dirname "$tree/$file")" "$repo/$file")
		[[ $(readlink "$tree/$file") != "$link" ]] || continue
		if git -C "$tree" cat-file -e "$(base):$file" 2>/dev/null; then
			die "the base has $file already: change it with a patch in patches/, not with a file of that name"
		elif [[ -e $tree/$file && ! -L $tree/$file ]] && ! cmp -s "$tree/$file" "$repo/$file"; then
			die "build/tree/$file is a file of its own, not a link to the repository's: move it to $file, or delete it"
		fi
		mkdir -p "$(dirname "$tree/$file")"
		ln -sfn "$link" "$tree/$file"
		count=$((count + 1))
	done <"$state/new-files"
	((count == 0)) || say "  linked $count new files"
}

# Back to the base and up again. What comes out as it was keeps its time, or
# every build would start from nothing.
push()
{
	local kept=$state/kept file rc=0

	touch "$state/pushing"
	if [[ ! -d $kept ]]; then
		index_of /
		rm -rf "$kept.new"
		mkdir "$kept.new"
		(cd "$tree" && { differences; quilt_created; } | while read -r file; do
			[[ ! -f $file ]] || cp -p --parents "$file" "$kept.new"
		done)
		mv "$kept.new" "$kept"
	fi
	quilt_created | while read -r file; do
		[[ -L $tree/$file ]] || rm -f "$tree/$file"
	done
	index_of /
	git -C "$tree" diff-files -z --name-only | git -C "$tree" checkout-index -f -z --stdin
	rm -rf "$tree/.pc" "$state/queue"
	# Of a queue with gaps quilt gets a series file of its own, and remembers it.
	printf '%s\n' "${patches[@]}" >"$state/series"
	((${#patches[@]} == 0)) || (
		cd "$tree"
		[[ ! ${ONLY:-} ]] || export QUILT_SERIES=$state/series
		quilt push "${patches[-1]}"
	) >"$build/tree.log" 2>&1 || rc=$?
	(cd "$kept" && find . -type f) | while read -r file; do
		! cmp -s "$kept/$file" "$tree/$file" || touch -r "$kept/$file" "$tree/$file"
	done
	cp -r "$repo/patches" "$state/queue"
	rm -rf "$kept" "$state/pushing"
	return "$rc"
}

mapfile -t patches < <(queue "$repo/patches")
# Only a part of the queue, to see what a kernel without the rest does.
[[ ! ${UPTO:-} || ! ${ONLY:-} ]] || die "give UPTO= or ONLY=, not both"
if [[ ${UPTO:-} ]]; then
	for i in "${!patches[@]}"; do
		case ${patches[i]} in
		"$UPTO" | "$UPTO.patch" | */"$UPTO" | */"$UPTO.patch" | "$UPTO"/*) upto=$((i + 1)) ;;
		esac
	done
	[[ ${upto:-} ]] || die "UPTO=$UPTO: patches/series has no such patch or series"
	patches=("${patches[@]:0:upto}")
elif [[ ${ONLY:-} ]]; then
	read_stack
	# shellcheck disable=SC2086 # one word for each series
	known $ONLY
	patches=()
	# shellcheck disable=SC2086,SC2206 # and for each patch
	for name in $(closure $ONLY); do patches+=(${members[$name]}); done
fi
new_files >"$state/new-files"
for patch in "${patches[@]}"; do
	[[ -f $repo/patches/$patch ]] || die "patches/series names $patch, which does not exist"
	grep -q '^--- ' "$repo/patches/$patch" ||
		die "patches/$patch changes no file: a new file enters the kernel with the line that builds or lists it"
	file=$(created "$repo/patches/$patch" | grep -m 1 -xF -f "$state/new-files") ||
		continue
	die "patches/$patch creates $file, which this repository has as well: keep one of them"
done

drop_links

mapfile -t pushed < <(applied)
if [[ ${patches[*]} == "${pushed[*]}" && ! -e $state/pushing ]] && holds "$repo/patches" "${patches[@]}" &&
   [[ $(quilt_created | sort) == "$(created "${patches[@]/#/$repo/patches/}" | sort)" ]]; then
	cp -rT "$repo/patches" "$state/queue"
	link_new_files
	say "  build/tree is up to date: Linux $(kernel_version "$tree"), ${#patches[@]} patches, $(wc -l <"$state/new-files") new files"
	exit 0
fi

# Edits that are in no patch must not be lost.
if [[ ! -e $state/pushing ]] &&
   ! holds "$repo/patches" "${patches[@]}" &&
   ! holds "$repo/patches" "${pushed[@]}" &&
   ! holds "$state/queue" "${pushed[@]}"; then
	index_of "$repo/patches" "${pushed[@]}" 2>/dev/null || index_of "$state/queue" "${pushed[@]}"
	differences | sed 's/^/    /' >&2
	die "build/tree has changes that are in no patch (above): run \"quilt refresh\" there, or \"git checkout\" the files to drop them"
fi

if ! push; then
	grep -vE '^(Applying|patching|Now at|$)' "$build/tree.log" | tail -n 15 | sed 's/^/    | /' >&2
	die "$(sed -n 's/^Patch \(.*\) does not apply.*/patches\/\1 does not apply to the base/p' "$build/tree.log" | head -n 1): in build/tree run \"quilt push -f\", mend the rejects, \"quilt refresh\""
fi
link_new_files
say "  build/tree is made: Linux $(kernel_version "$tree"), ${#patches[@]} patches, $(wc -l <"$state/new-files") new files"
