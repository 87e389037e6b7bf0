#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Demonstrate pci_reset_bus_flags(): boot some topologies, reset devices by each
# interface, and print the results.

set -u

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
me=${0##*/}

usage() {
	cat <<-END
	usage: $me --kernel PATH --modules DIR [options]

	  --kernel PATH    vmlinux (with CONFIG_PVH) or bzImage
	  --modules DIR    build directory with the modules, pci-reset-test among them
	  --tests DIR      where reset_demo was built (the directory of this script)
	  --out DIR        keep logs here, one directory for each machine

	Exit status: 0 if all results were as expected, 1 if not, 2 for wrong arguments.
	END
}

die() { # STATUS MESSAGE
	echo "$me: $2" >&2
	exit "$1"
}

kernel='' modules='' tests=$here out='' failed=''

while [ $# -gt 0 ]; do
	case $1 in
	--kernel|--modules|--tests|--out)
		[ $# -ge 2 ] || die 2 "$1 needs an argument: see $me --help" ;;
	esac
	case $1 in
	--kernel)	kernel=$2; shift ;;
	--modules)	modules=$2; shift ;;
	--tests)	tests=$2; shift ;;
	--out)		out=$2; shift ;;
	--help)		usage; exit ;;
	*)		die 2 "unknown argument '$1': see $me --help" ;;
	esac
	shift
done

[ -n "$kernel" ] || die 2 "no --kernel: see $me --help"
[ -r "$kernel" ] || die 2 "cannot read the kernel $kernel: build it or give another --kernel"
[ -n "$modules" ] || die 2 "no --modules: see $me --help"
[ -x "$tests/reset_demo" ] ||
	die 2 "no $tests/reset_demo: build it with 'make -C $here' or give --tests"
release=$(cat "$modules/include/config/kernel.release") ||
	die 2 "$modules is not the build directory of a kernel"

if [ -z "$out" ]; then
	out=$(mktemp -d "${TMPDIR:-/tmp}/reset_demo.XXXXXX") || exit 2
	trap 'rm -rf "$out"' EXIT
fi

show() { # TOPOLOGY ARGUMENTS OF reset_demo
	"$here/vmtest.sh" --kernel "$kernel" --modules "$modules" --topology "$1" \
		--file "$tests/reset_demo" --out "$out/demo-$1" -- "reset_demo ${*:2}" ||
		failed+=" $1"
}

cat <<-END
	pci_reset_bus_flags() of Linux $release, on devices and ports that QEMU emulates

	The requester says which methods are allowed; the first one that the device
	supports is used. pciehp: whether the hotplug driver logged events. cleared: on
	how many functions the reset cleared state that only a reset clears, and the
	expected number; no other function was reset, and config space was restored.
	Times are guest time.
END

show nvme-hotplug+iommu hotplug 0000:01:00.0 outside=0000:02:00.0
show two-functions neighbours 0000:01:00.0 0000:01:00.1 outside=0000:02:00.0
show switch switch 0000:01:00.0 0000:02:00.0 0000:02:01.0 0000:02:02.0 \
	0000:03:00.0 0000:04:00.0 0000:05:00.0 outside=0000:06:00.0

echo
if [ -n "$failed" ]; then
	echo "Unexpected results, see WRONG or the messages above:$failed"
	exit 1
fi
echo "All results are as expected."
