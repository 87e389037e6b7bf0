#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Proves that build/series is what it claims: "git am" on the base gives the
# kernel of build/tree, and every commit compiles.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build
"$here/series.sh"
for kernel in x86 uml; do
	"$here/kernel.sh" $kernel config
done
checkout "$(base)"

verify=$build/verify
git="git -C $verify/tree -c core.hooksPath=/dev/null -c user.name=am -c user.email=am@localhost"
rm -rf "$($git rev-parse --git-path rebase-apply)"

git_am()
{
	# shellcheck disable=SC2046 # one word for each patch
	$git am -q $(mails) || { $git am --abort; false; }
}

# The commits of the branch are compared as well as the files that lie in
# build/tree, through the links.
same_as_tree()
{
	local file differ=()

	while read -r file; do
		cmp -s "$verify/tree/$file" "$tree/$file" || differ+=("$file")
	done < <($git diff --name-only "$(base)" HEAD; git -C "$tree" diff --name-only "$(base)"; new_files)
	((${#differ[@]} == 0)) || printf '    %s differs\n' "${differ[@]}"
	$git diff --exit-code --stat HEAD series && ((${#differ[@]} == 0))
}

# What a commit touches is compiled by folder: a Kconfig or a Makefile counts
# as well, and what includes a header that it changes in its own folder. A
# header in include/ stands for the folders below, which include most of them.
folders() # COMMIT
{
	$git diff-tree -r --no-commit-id --name-only --diff-filter=d "$1" | while read -r file; do
		case $file in
		Documentation/* | tools/* | MAINTAINERS | arch/[!x]*) ;;
		include/*) say drivers/pci/ drivers/vfio/pci/ ;;
		*/*) say "$(dirname "$file")/" ;;
		esac
	done | tr ' ' '\n' | while read -r folder; do
		[[ -f $verify/tree/${folder}Makefile ]] && say "$folder"
	done | sort -u
}

# The source files of a commit that these kernels' configurations leave out.
left_out() # COMMIT KERNEL...
{
	local commit=$1 file kernel

	shift
	$git diff-tree -r --no-commit-id --name-only --diff-filter=d "$commit" -- '*.c' ':!tools' |
		while read -r file; do
			for kernel; do
				[[ ! -f $verify/$kernel/${file%.c}.o ]] || continue 2
			done
			printf '%s\n' "$file"
		done
}

compile() # KERNEL FOLDER...
{
	local obj=$verify/$1 arch=ARCH=${1/uml/um}

	shift
	(($#)) || return 0
	mkdir -p "$obj"
	cp "$build/${obj##*/}/.config" "$obj/.config"
	kmake "$verify/tree" "$obj" "$arch" olddefconfig >/dev/null &&
	kmake "$verify/tree" "$obj" "$arch" -j"$J" "$@"
}

# First for x86, then for UML if x86 does not have it all. UML has no drivers but
# those of the PCI core.
compiles() # COMMIT
{
	local targets

	$git checkout -q --detach "$1"
	mapfile -t targets < <(folders "$1")
	compile x86 "${targets[@]}" &&
	{ [[ ! $(left_out "$1" x86) =~ (^|$'\n')drivers/pci/ ]] || compile uml "${targets[@]}"; }
}

say "series: does it apply, and does every commit compile?"
check "git am takes the series" git_am
check "the result is the kernel in build/tree" same_as_tree

mapfile -t commits < <($git rev-list --reverse "$(base)..series")
for commit in "${commits[@]}"; do
	began=$SECONDS
	subject=$($git log -1 --format=%s "$commit")
	if step verify "compiling $subject" compiles "$commit"; then
		count pass "compiles in $(took "$began"): $subject"
		while read -r file; do
			count skip "$file is in neither kernel's configuration"
		done < <(left_out "$commit" x86 uml)
	else
		count fail "does not compile: $subject"
	fi
done
finish
