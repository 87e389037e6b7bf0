#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vfio_qemu.sh hot_reset|device_reset BDF... [outside=BDF...] [method=METHOD]: give
# devices to a QEMU inside this VM, by vfio-pci, reset its machine from its monitor some
# times, and see that QEMU has reset the devices, by which of vfio's ioctls, and that
# nothing outside was reset.
#
# QEMU takes VFIO_DEVICE_RESET for functions that have FLR, or no reset by power
# management, and VFIO_DEVICE_PCI_HOT_RESET for others. No CPU runs in its machine: the
# test accesses devices there by qtest, which takes commands like "outl ADDRESS VALUE".

# What run_vm_tests.sh copies into the VM. QEMU finds files relative to its own path.
# Files: vfio_lib.sh /usr/bin/qemu-system-x86_64 /usr/lib/*/qemu/accel-tcg-x86_64.so
# Files: /usr/share/qemu/kvmvapic.bin

# shellcheck source=vfio_lib.sh
. "$(dirname "$0")/vfio_lib.sh"

# --- the machine in QEMU ----------------------------------------------------------------

start() {
	mkfifo "$tmp/qtest.in" "$tmp/qtest.out" "$tmp/qmp.in" "$tmp/qmp.out" || return
	exec 3<> "$tmp/qtest.in" 4<> "$tmp/qtest.out" 5<> "$tmp/qmp.in" 6<> "$tmp/qmp.out"
	# QEMU wants a BIOS
	truncate -s 64K "$tmp/bios"
	slot=3
	for dev in $devices; do
		slot=$((slot + 1))
		set -- "$@" -device "vfio-pci,host=$dev,addr=$slot.0"
	done
	{
		timeout 600 "$qemu" -M q35 -accel tcg -m 32 -S -nodefaults -display none \
			-bios "$tmp/bios" -qtest "pipe:$tmp/qtest" -qtest-log none \
			-qmp "pipe:$tmp/qmp" -D "$tmp/trace" -trace 'vfio_pci_reset*' \
			-trace 'vfio_pci_hot_reset*' "$@"
		# An answer for whoever waits for one, and a mark for all others
		echo "ended with $?" | tee "$tmp/ended" "$tmp/qtest.out" > "$tmp/qmp.out"
	} &
	qmp qmp_capabilities '{"return":*'
}

# Execute a command of the monitor, wait for a line that matches the pattern
qmp() { # COMMAND PATTERN
	[ ! -e "$tmp/ended" ] || return
	echo "{\"execute\": \"$1\"}" >&5
	while read -r line <&6; do
		# shellcheck disable=SC2254 # it is a pattern
		case $line in
		$2)				return 0 ;;
		'{"error":'* | 'ended with '*)	break ;;
		esac
	done
	echo "# QEMU's answer to $1: $line"
	return 1
}

qtest() { # COMMAND ARGUMENT...
	[ ! -e "$tmp/ended" ] && echo "$*" >&3 &&
		read -r status value <&4 && [ "$status" = OK ]
}

config_write() { # SLOT OFFSET VALUE
	qtest outl 0xcf8 $((0x80000000 | $1 << 11 | $2)) && qtest outl 0xcfc "$3"
}

# Call a function with the address of the mark of each device
for_each_mark() { # FUNCTION
	slot=3
	for dev in $devices; do
		slot=$((slot + 1))
		bar=$((0xe0000000 + slot * 0x100000))
		# BAR 0, and COMMAND with memory decoding
		config_write "$slot" 0x10 "$bar" && config_write "$slot" 0x04 0x2 &&
			"$1" $((bar + $(mark_register "$dev"))) || return
	done
}

set_mark() { # ADDRESS
	qtest writel "$1" "$MARK" && qtest readl "$1" && [ $((value)) -eq $((MARK)) ]
}

# The next mark shows that it was the device that answered
mark_is_gone() { # ADDRESS
	qtest readl "$1" && [ $((value)) -eq 0 ] && set_mark "$1"
}

# How many resets have succeeded, by QEMU's trace
successes() {
	case $ioctl in
	hot_reset)	grep -c 'vfio_pci_hot_reset_result.*: Success' "$tmp/trace" ;;
	device_reset)	grep -c 'vfio_pci_reset_flr' "$tmp/trace" ;;
	esac
}

reset() {
	before=$(successes)
	for_each_mark set_mark &&
		qmp system_reset '*"event": "RESET"*' &&
		for_each_mark mark_is_gone &&
		[ "$(successes)" -gt "$before" ]
}

no_failures() {
	! grep vfio_pci_hot_reset_result "$tmp/trace" | grep -v ': Success'
}

# --- main ---------------------------------------------------------------------------

ioctl=${1-}
case $ioctl in
hot_reset | device_reset)	shift ;;
*)				usage ;;
esac
parse_args "$@"
require_vm
qemu=/usr/bin/qemu-system-x86_64
[ -x "$qemu" ] || skip "the host has no $qemu (Debian: apt install qemu-system-x86)"

tmp=$(mktemp -d) && take_devices && watch_outside || exit 1

check "QEMU starts" start
for i in 1 2 3 4 5; do
	check "reset $i of QEMU's machine resets its devices" reset
done
check "no hot reset failed" no_failures
check "QEMU's monitor answers" qmp query-status '*"status": "prelaunch"*'
check "QEMU ends" qmp quit 'ended with 0'
check "nothing outside was reset, and no slot had an event" outside_untouched
check "the kernel's drivers take the devices back" give_back_devices

[ ! "$failed" ] || sed 's/^/# /' "$tmp/trace"
rm -r "$tmp"
finish
