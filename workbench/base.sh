#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts the base kernel into build/tree, as a git repository with one commit.
# It is the newest kernel that Debian packages, or what LINUX= names.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh"

package=linux-source-7.3
version=7.3.4
new=$build/tree.new
apt=$build/apt

# The tree appears under its name only when it is complete.
unpack() # WHAT COMMAND...: the command fills $new
{
	local what=$1

	shift
	rm -rf "$new"
	mkdir -p "$new"
	step base "unpacking $what" "$@" || die "${deb:-$what} cannot be unpacked (build/base.log): make room, or delete it if it is damaged, and run this again"
	[[ -f $new/Kbuild && -f $new/MAINTAINERS ]] || die "$what holds no kernel source"
	step base "taking it down in git" commit "$what" || die "git failed, see build/base.log"
}

# The threshold makes git write one pack instead of 90000 loose files.
commit()
{
	local git=(git -C "$new" -c core.bigFileThreshold=1 -c core.compression=1 -c core.hooksPath=/dev/null
		   -c core.autocrlf=false -c commit.gpgsign=false
		   -c user.name=base -c user.email=base@localhost)

	git init -q -b base "$new" &&
	git -C "$new" config gc.auto 0 &&
	printf '%s\n' /patches /.pc >>"$new/.git/info/exclude" &&
	"${git[@]}" add --force . &&
	"${git[@]}" commit -q --no-verify -m "base: $1"
}

applies()
{
	local patches

	mapfile -t patches < <(queue "$repo/patches")
	tree=$new GIT_INDEX_FILE=$new/.git/try index_of "$repo/patches" "${patches[@]}" 2>>"$build/base.log"
}

from_deb() { dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | tar -xJ -C "$new" --strip-components=1; }
from_git() { git -C "$1" archive HEAD | tar -x -C "$new"; }
from_dir()
{
	tar -C "$1" -c --exclude=./.git --exclude=./.pc --exclude=./patches --exclude='*.o' \
		--exclude='*.ko' --exclude='*.a' --exclude='.*.cmd' --exclude='./vmlinux*' . |
		tar -x -C "$new" &&
	make -C "$new" mrproper
}

# The private apt: the machine's mirror, proxies and keys, but lists and
# suites of its own. apt checks the signatures as it does for any package.
private_apt()
{
	local tool=$1

	shift
	"$tool" -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

# Write the sources.list for one suite, with the mirrors and the keys of the
# sources that the machine has for Debian.
sources() # SUITE
{
	local uri component origin entry keys

	# shellcheck disable=SC2016 # apt expands them
	apt-get indextargets 'Created-By: Packages' \
		--format '$(REPO_URI) $(COMPONENT) $(ORIGIN)|$(SOURCESENTRY)' |
	while IFS='|' read -r uri entry; do
		read -r uri component origin <<<"$uri"
		# An unknown origin is written as the unexpanded name.
		[[ $component == main && $origin =~ ^(Debian|)$ && $uri != *security* ]] || continue
		keys=$(sed -nE 's/.*signed-by[:=] *(\/[^] ]+).*/\1/Ip' "${entry%:*}" | sort -u | paste -sd,)
		say "deb [${keys:+signed-by=$keys }target=Packages] $uri $1 main"
	done | sort -u
}

# Look for the package, in the suite that had it last first. The file "found"
# gets lines "version suite package".
look()
{
	local suite codename name reached=

	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-sid}")
	for suite in trixie-backports forky sid forky-backports "$codename" "$codename-backports"; do
		sources "$suite" >"$apt/sources.list"
		[[ -s $apt/sources.list ]] || die "apt on this machine has no Debian mirror: give a kernel tree with LINUX="
		say "    looking for $package $version in $suite"
		private_apt apt-get -q update >>"$build/apt.log" 2>&1 || true
		name=$(private_apt apt-cache pkgnames linux-source-7. | sort -V)
		[[ -z $(find "$apt/lists" -name '*_Packages*' -print -quit) ]] || reached=y
		[[ $name ]] || continue
		# shellcheck disable=SC2086 # one word for each package
		private_apt apt-cache madison $name |
			awk -v suite="$suite" '{ print $3, suite, $1 }' >>"$apt/found"
		! grep -q "^$version-.* $package$" "$apt/found" || return 0
	done
	[[ $reached ]] || die "the Debian mirror of this machine's apt does not answer (build/apt.log): check the network or the proxy, or give a kernel tree with LINUX="
	[[ -s $apt/found ]] || die "no Debian suite has a linux-source-7.* package any more: give a kernel tree with LINUX="
}

# download VERSION SUITE PACKAGE: into the cache, and its name into $deb
download()
{
	deb=$cache/$3_${1/:/%3a}_all.deb
	[[ ! -f $deb ]] || return 0
	need_space "$cache" 400 "the kernel's source package"
	sources "$2" >"$apt/sources.list"
	private_apt apt-get -q update >>"$build/apt.log" 2>&1 || true
	(cd "$apt" && step base "downloading $3 $1 (about 170 MB)" private_apt apt-get -q download "$3=$1") ||
		die "the download of $3 failed (build/base.log): check the network and run this again"
	mv "$apt/$3"_*.deb "$deb.part"
	mv "$deb.part" "$deb"
}

# LINUX=: a tree that somebody has.
if [[ ${LINUX:-} ]]; then
	[[ -f $LINUX/Kbuild && -f $LINUX/MAINTAINERS ]] || die "LINUX=$LINUX is no kernel source tree"
	LINUX=$(cd "$LINUX" && pwd -P)
	head=
	if [[ -e $LINUX/.git ]]; then
		head=$(git -C "$LINUX" rev-parse --short=12 HEAD) || die "LINUX=$LINUX has no commit that could be taken"
	fi
	what="$LINUX${head:+ at $head}"
	if [[ -e $tree/.git ]]; then
		[[ $(git -C "$tree" log -1 --format=%s "$(base)") == "base: $what" ]] ||
			die "build/tree was made from another base than $what: run \"make clean\" first"
		exit 0
	fi
	need_space "$build" 3000 "the kernel source"
	if [[ $head ]]; then
		say "  base: the commit $head of $LINUX (what is not committed there is left out)"
		unpack "$what" from_git "$LINUX"
	else
		say "  base: a copy of $LINUX without what was built there"
		unpack "$what" from_dir "$LINUX"
	fi
	mv "$new" "$tree"
	exit 0
fi

if [[ -e $tree/.git ]]; then
	is=$(kernel_version "$tree")
	[[ $is == "$version" ]] ||
		say "  NOTE: build/tree is Linux $is, not $version: results may differ (\"make clean\" to start from $version)"
	exit 0
fi

need_space "$build" 3000 "the kernel source" "give a kernel tree with LINUX="
mkdir -p "$build" "$cache"
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
touch "$apt/found"

cached=("$cache/${package}_$version"-*_all.deb)
if [[ -f ${cached[-1]} ]]; then
	deb=${cached[-1]}
	say "  base: ${deb##*/} from the cache"
else
	command -v apt-get >/dev/null || die "no apt-get here to fetch the kernel source with: give a kernel tree with LINUX="
	look
	if read -r wanted < <(grep "^$version-.* $package$" "$apt/found" | sort -V | tail -n 1); then
		# shellcheck disable=SC2086 # three words
		download $wanted
	fi
fi

if [[ ${deb:-} ]]; then
	unpack "${deb##*/}" from_deb "$deb"
else
	say "  NOTE: Debian has no $package $version any more."
	sort -Vru "$apt/found" >"$apt/candidates"
	while read -r wanted; do
		# shellcheck disable=SC2086 # three words
		download $wanted
		unpack "${deb##*/}" from_deb "$deb"
		if applies; then
			say "  NOTE: the base is ${deb##*/} instead: results may differ."
			break
		fi
		say "  NOTE: the patches do not apply to ${deb##*/}."
		deb=
	done <"$apt/candidates"
	[[ $deb ]] || die "the patches apply to no kernel source that Debian has: give a 7.3 tree with LINUX="
fi
mv "$new" "$tree"
rm -rf "$apt"
