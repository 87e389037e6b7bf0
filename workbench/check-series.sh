#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-series.sh [SERIES...]: proves that build/series is what it claims. "git
# am" of the mails of a series, on the base with the series that it needs and no
# other, gives its branch; every commit compiles; all of them in order are the
# kernel in build/tree. With FULL=1 UML is built at the end of each series, with
# what it needs and with all that come before it, and the KUnit suites that there
# are by then are run.
#
# What was compiled or run is written down in the cache, under the sum of all that
# it depends on, and is not done again as long as that is the same.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build ${FULL:+kunit}
"$here/series.sh" "$@"
for kernel in x86 uml; do
	"$here/kernel.sh" $kernel config
done
checkout "$(base)"
read_stack
all=
(($#)) || { set -- "${stack[@]}"; all=y; }

verify=$build/verify
proven=$cache/proven
mkdir -p "$proven"
find "$proven" -type f -mtime +60 -delete
git="git -C $verify/tree -c core.hooksPath=/dev/null -c user.name=am -c user.email=am@localhost"
rm -rf "$($git rev-parse --git-path rebase-apply)"

below() { say "stack/$1~$(wc -w <<<"${members[$1]}")"; }

am_gives() # FROM TO SERIES...
{
	$git checkout -q --force --detach "$1"
	# shellcheck disable=SC2046 # one word for each patch
	$git am -q $(mails "${@:3}") || { $git am --abort; false; } &&
	$git diff --exit-code --stat HEAD "$2"
}

# The files that lie in build/tree, through the links.
same_as_tree()
{
	local file differ=()

	while read -r file; do
		cmp -s "$verify/tree/$file" "$tree/$file" || differ+=("$file")
	done < <($git diff --name-only "$(base)" HEAD; git -C "$tree" diff --name-only "$(base)"; new_files)
	((${#differ[@]} == 0)) || printf '    %s differs\n' "${differ[@]}"
	((${#differ[@]} == 0))
}

touched() { $git diff-tree -r --no-commit-id --name-only --diff-filter=d "$@"; } # COMMIT [-- PATH...]

# What a commit touches is compiled by folder: a Kconfig or a Makefile counts
# as well, and what includes a header that it changes in its own folder. A
# header in include/ stands for the folders below, which include most of them.
# Not a folder inside another one: given both, Kbuild does not build the outer whole.
folders() # COMMIT
{
	touched "$1" | while read -r file; do
		case $file in
		Documentation/* | tools/* | MAINTAINERS | arch/[!x]*) ;;
		include/*) say drivers/pci/ drivers/vfio/pci/ ;;
		*/*) say "$(dirname "$file")/" ;;
		esac
	done | tr ' ' '\n' | while read -r folder; do
		[[ -f $verify/tree/${folder}Makefile ]] && say "$folder"
	done | LC_ALL=C sort -u | awk '!outer || index($0, outer) != 1 { print; outer = $0 }'
}

# The source files of a commit that these kernels' configurations leave out.
left_out() # COMMIT KERNEL...
{
	local commit=$1 file kernel

	shift
	touched "$commit" -- '*.c' ':!tools' |
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
# those of the PCI core. Its own files are compiled by FULL=1.
compiles() # COMMIT
{
	local targets

	$git checkout -q --detach "$1"
	mapfile -t targets < <(folders "$1")
	compile x86 "${targets[@]}" &&
	{ [[ ! $(left_out "$1" x86) =~ (^|$'\n')drivers/pci/ ]] || compile uml "${targets[@]}"; }
}

# Which options the Kconfig files have that the stack changes.
mapfile -t kconfigs < <($git diff --name-only "$(base)" series -- '*Kconfig*')
options() # COMMIT
{
	$git grep -hoE '^(menu)?config [A-Z0-9_]+' "$1" -- "${kconfigs[@]}" | sed 's/.* /CONFIG_/' | sort -u
}

# What is never compiled; in UML, although the stack changes it.
never='Documentation/|MAINTAINERS$|scripts/coccinelle/|tools/testing/'
not_in_uml='drivers/(crypto|infiniband|net|scsi|vfio|xen)/|arch/(powerpc|s390)/'
not_in_uml+='|include/(linux/vfio_pci_core|uapi/linux/vfio)\.h$'

# content COMMIT KERNEL...: what the kernels at COMMIT are made of, without the
# options that only later series have.
content()
{
	local kernel without=$never

	[[ ${*:2} != uml ]] || without+="|$not_in_uml"
	$git ls-tree -r "$1" | grep -vE $'\t'"($without)"
	for kernel in "${@:2}"; do
		grep -vwF -f <(comm -23 <(options series) <(options "$1")) "$build/$kernel/.config"
	done
	gcc --version
	ld --version
	declare -f kmake compile
}

# Run the suites that a kernel has. Those of PCI need the simulator.
run_suites() # COMMIT LOGS SERIES...
{
	$git checkout -q --detach "$1"
	compile uml linux || return 1
	# That content() leaves it out is right.
	! find "$verify/uml" -name '*.o' | grep -E "^$verify/uml/($not_in_uml)" || return 1
	[[ -d $verify/tree/drivers/pci/tests ]] || { say "0 passed, for lack of suites"; return; }
	"$here/kunit-boot.sh" "$verify/uml" "$2" &&
	SERIES=${*:3} "$here/kunit-results" "$2"/*.log "$here/needs-series"
}

# full COMMIT LOGS TITLE SERIES...: UML at COMMIT, which has these SERIES
full()
{
	local began=$SECONDS how="proven before" title="$3: UML is built and its KUnit suites pass"
	local has=${*:4} record

	# What a test needs is of interest only as long as it is missing.
	record=$proven/$({ content "$1" uml; declare -f run_suites
		cat "$here"/{kunit-boot.sh,kunit-results}
		grep -vP "^#|\t(${has// /|})\t" "$here/needs-series" || true; } | sum_of)
	if [[ ! -e $record ]]; then
		if ! step series-kunit "$3: UML and its KUnit suites" run_suites "$1" "$build/series-kunit/$2" "${@:4}"; then
			count fail "$title"
			return
		fi
		tail -n 1 "$build/series-kunit.log" >"$record"
		how="in $(took "$began")"
	fi
	count pass "$title ($how): $(cat "$record")"
	touch "$record"
}

say "series: does each apply, and does every commit compile?"
for name; do
	check "$name: git am on the base${below[$name]:+ with ${below[$name]% }} gives its branch" \
		am_gives "$(below "$name")" "stack/$name" "$name"
done
if [[ $all ]]; then
	check "git am of all series in order gives the branch series" am_gives "$(base)" series "$@"
	check "the result is the kernel in build/tree" same_as_tree
fi

for name; do
	for commit in $($git rev-list --reverse "$(below "$name")..stack/$name"); do
		began=$SECONDS
		title="$name: $($git log -1 --format=%s "$commit")"
		record=$proven/$({ content "$commit" x86 uml; touched "$commit"; declare -f compiles folders; } | sum_of)
		if [[ -e $record ]]; then
			how="proven before"
		elif step verify "compiling $title" compiles "$commit"; then
			left_out "$commit" x86 uml >"$record.new"
			mv "$record.new" "$record"
			how="in $(took "$began")"
		else
			count fail "does not compile: $title"
			continue
		fi
		count pass "compiles ($how): $title"
		touch "$record"
		while read -r file; do
			count skip "$file is in neither kernel's configuration"
		done <"$record"
	done
	# shellcheck disable=SC2046 # one word for each series
	[[ ! ${FULL:-} ]] || full "stack/$name" "$name" "$name" $(closure "$name")
done

# The same with all series up to one, in the order in which they are mailed.
if [[ ${FULL:-} && $all ]]; then
	commit=$(base) upto=()
	for name; do
		upto+=("$name")
		commit=$($git rev-list --reverse "$commit..series" | sed -n "$(wc -w <<<"${members[$name]}")p")
		[[ ${upto[*]} == "$(closure "$name" | sed 's/ $//')" ]] ||
			full "$commit" "upto-$name" "all up to $name" "${upto[@]}"
	done
fi
[[ ${FULL:-} ]] || say "left out: UML and the KUnit suites at the end of each series (make series FULL=1)"
finish
