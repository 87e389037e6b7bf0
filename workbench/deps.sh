#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh WHAT...: sees that the Debian packages are there which WHAT needs,
# and installs those that are missing if it may.

. "$(dirname "$0")/lib.sh"

# what, Debian package, command or file that shows that it is there; of
# libpython3-dev coccinelle needs the library, whose name has a version
packages='tree   git                       git
tree   quilt                     quilt
tree   xz-utils                  xz
build  build-essential           gcc
build  ccache                    ccache
build  flex                      flex
build  bison                     bison
build  bc                        bc
build  libelf-dev                /usr/include/libelf.h
kunit  python3                   python3
qemu   qemu-system-x86           qemu-system-x86_64
qemu   busybox-static            busybox
qemu   acpica-tools              iasl
qemu   pciutils                  lspci
qemu   uuid-dev                  /usr/include/uuid/uuid.h
dpdk   dpdk-dev                  dpdk-testpmd
shell  busybox-static            busybox
shell  pciutils                  lspci
check  python3                   python3
check  perl                      perl
check  python3-sphinx            sphinx-build
check  python3-ply               /usr/lib/python3/dist-packages/ply
check  python3-git               /usr/lib/python3/dist-packages/git
check  coccinelle                spatch
check  libpython3-dev            /usr/share/doc/libpython3-dev
check  sparse                    sparse
check  shellcheck                shellcheck
cross  libssl-dev                /usr/include/openssl/ssl.h
cross  gcc-powerpc64le-linux-gnu powerpc64le-linux-gnu-gcc
cross  gcc-s390x-linux-gnu       s390x-linux-gnu-gcc'

missing=()
while read -r what package probe; do
	[[ " tree $* " == *" $what "* ]] || continue
	command -v "$probe" >/dev/null || [[ -e $probe ]] || missing+=("$package")
done <<<"$packages"
((${#missing[@]})) || exit 0
mapfile -t missing < <(printf "%s\n" "${missing[@]}" | sort -u)

root=()
if ((EUID)); then
	root=(sudo)
	[[ -t 0 ]] || root+=(--non-interactive)
fi
if ! command -v apt-get >/dev/null || ! "${root[@]}" true 2>/dev/null; then
	die "these Debian packages are missing, install them: ${missing[*]}"
fi

apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }
install() { apt install --no-install-recommends "${missing[@]}"; }

# A fresh machine has no package lists and an old one has lists that are out
# of date. Both show as an install that fails: it gets a second chance.
mkdir -p "$build"
say "  installing ${missing[*]} ..."
install >"$build/deps.log" 2>&1 </dev/null ||
	{ step deps "updating the package lists" apt update && step deps "installing" install; } ||
	die "apt-get cannot install ${missing[*]} (build/deps.log): install them by hand"
