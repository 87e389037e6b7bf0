#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vfio_selftest.sh PROGRAM BDF: bind the device to vfio-pci, run this program of
# tools/testing/selftests/vfio on it, and bind the device to its driver again.

# What run_vm_tests.sh copies into the VM
# Files: vfio_lib.sh

# shellcheck source=vfio_lib.sh
. "$(dirname "$0")/vfio_lib.sh"

if [ $# -ne 2 ] || [ ! -e "$pci/$2" ]; then
	usage
fi
require_vm
command -v "$1" > /dev/null ||
	skip "no $1: build tools/testing/selftests/vfio, statically"

bind "$2" vfio-pci
"$1" "$2"
status=$?
bind "$2" ''
exit $status
