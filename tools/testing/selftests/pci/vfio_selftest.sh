#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vfio_selftest.sh PROGRAM BDF: bind the device to vfio-pci, run this program of
# tools/testing/selftests/vfio on it, and bind the device to its driver again.

if [ $# -ne 2 ] || [ ! -e "/sys/bus/pci/devices/$2" ]; then
	sed -n 's/^# \{0,1\}//; 4,5p' "$0"
	exit 2
fi
if [ "${PCI_SELFTESTS_VM-}" != 1 ]; then
	printf '1..0 # SKIP %s: %s\n' "${0##*/} resets devices" \
		'use run_vm_tests.sh, or set PCI_SELFTESTS_VM=1 to run it on this machine'
	exit 4
fi
if ! command -v "$1" > /dev/null; then
	echo "1..0 # SKIP no $1: build tools/testing/selftests/vfio, statically"
	exit 4
fi
device=/sys/bus/pci/devices/$2

bind() { # DRIVER, or "" for the one that matches
	[ ! -e "$device/driver" ] || echo "$2" > "$device/driver/unbind"
	echo "$1" > "$device/driver_override"
	echo "$2" > /sys/bus/pci/drivers_probe
}

bind vfio-pci "$2"
"$1" "$2"
status=$?
bind "" "$2"
exit $status
