# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For shell scripts that test users of vfio-pci: their arguments, binding devices to
# vfio-pci, TAP, and whether devices were reset.

pci=/sys/bus/pci/devices

# --- arguments ----------------------------------------------------------------------

# Print the comment at the top of this script that says how it is used
usage() {
	sed -n "/^# ${0##*/}/,/^#\{0,1\}$/ { s/^# \{0,1\}//; p; }" "$0"
	exit 2
}

skip() { # REASON
	echo "1..0 # SKIP $1"
	exit 4
}

require_vm() {
	[ "${PCI_SELFTESTS_VM-}" = 1 ] || skip "${0##*/} resets devices: \
use run_vm_tests.sh, or set PCI_SELFTESTS_VM=1 to run it on this machine"
}

# Set $devices to those that are used, $outside to those that no reset may affect, and
# $method to the only method of the former that is left on
parse_args() { # BDF... outside=BDF... method=METHOD
	devices='' outside='' method=''
	for arg; do
		case $arg in
		method=*)	method=${arg#*=}
				continue ;;
		outside=*)	outside="$outside ${arg#*=}" ;;
		*)		devices="$devices $arg" ;;
		esac
		mark_register "${arg#outside=}" > /dev/null || {
			echo "$arg is no NVMe and no Ethernet controller"
			usage
		}
	done
	[ "$devices" ] || usage
}

# --- devices --------------------------------------------------------------------------

bind() { # BDF DRIVER, or "" for the driver that matches
	[ ! -e "$pci/$1/driver" ] || echo "$1" > "$pci/$1/driver/unbind"
	echo "$2" > "$pci/$1/driver_override"
	echo "$1" > /sys/bus/pci/drivers_probe
	[ -e "$pci/$1/driver" ]
}

take_devices() {
	for dev in $devices; do
		[ ! "$method" ] || echo "$method" > "$pci/$dev/reset_method" || return
		bind "$dev" vfio-pci || return
	done
}

give_back_devices() {
	for dev in $devices; do
		[ ! "$method" ] || echo default > "$pci/$dev/reset_method" || return
		bind "$dev" '' || return
	done
}

# --- TAP ------------------------------------------------------------------------------

number=0 failed=''

check() { # NAME COMMAND...
	name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number $name"
	else
		echo "not ok $number $name"
		failed=yes
	fi
}

finish() {
	echo "1..$number"
	[ ! "$failed" ]
	exit
}

# --- what was reset -------------------------------------------------------------------

# A mark is a value in a register that a reset clears
MARK=0x00460000

# Print the offset of such a register in BAR 0
mark_register() { # BDF
	case $(cat "$pci/$1/class") in
	0x010802)	echo 0x14 ;;	# NVMe: Controller Configuration
	0x020000)	echo 0x2800 ;;	# e1000e: Receive Descriptor Base Address
	*)		return 1 ;;
	esac
}

# Read or write that register of a device that has memory decoding on
mark() { # BDF [VALUE]
	read -r bar _ < "$pci/$1/resource"
	devmem $((bar + $(mark_register "$1"))) 32 ${2:+"$2"}
}

# Print the marks outside
outside_marks() {
	for dev in $outside; do
		mark "$dev" || return
	done
}

# To be called before a test. What a driver has written is as good as a mark.
watch_outside() {
	for dev in $outside; do
		[ "$(mark "$dev")" != 0x00000000 ] || mark "$dev" "$MARK" || return
	done
	marks=$(outside_marks) && logged=$(dmesg | wc -l)
}

# See that devices outside have not been reset, and that pciehp has logged nothing,
# except that it ignored an event
outside_untouched() {
	[ "$(outside_marks)" = "$marks" ] || return
	! dmesg | tail -n +$((logged + 1)) | grep 'pciehp: ' | grep -v 'Link Down/Up ignored'
}
