#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# vfio_dpdk.sh BDF... [outside=BDF...] [method=METHOD]: give network devices to DPDK's
# testpmd, by vfio-pci, let it send packets and end, start it again and kill it, and see
# that the devices are clean and that it works once more.
#
# DPDK resets each device by VFIO_DEVICE_RESET before it uses it, and vfio-pci when it
# is closed. In QEMU, the reset of an e1000e by power management clears nothing: only
# with method=bus does the test see whether registers are cleared.

# What run_vm_tests.sh copies into the VM: testpmd, and plugins that it is not linked to
# Files: vfio_lib.sh /usr/bin/dpdk-testpmd /usr/lib/*/dpdk/pmds-*/librte_net_e1000.so.*.*
# Files: /usr/lib/*/dpdk/pmds-*/librte_mempool_ring.so.*.*

# shellcheck source=vfio_lib.sh
. "$(dirname "$0")/vfio_lib.sh"

# Become testpmd, without huge pages, and with little memory
testpmd() {
	for dev in $devices; do
		set -- "$@" -a "$dev"
	done
	exec dpdk-testpmd -l 0,1 --no-huge -m 64 --iova-mode=va --no-shconf "$@" -- \
		-i --total-num-mbufs=4096 --disable-link-check > "$tmp/log" 2>&1
}

# Each port sends a burst of 32 packets, and another one after it was restarted
run() {
	printf '%s\n' 'start tx_first' stop 'port stop all' 'port start all' \
		'start tx_first' stop quit | testpmd || return
	sent=$(grep -A 2 'statistics for port' "$tmp/log" | grep -c 'TX-packets: 32 ')
	[ "$sent" -eq $((2 * ports)) ] && ! grep -qi -e fail -e cannot "$tmp/log"
}

run_and_kill() {
	mkfifo "$tmp/stdin" && exec 3<> "$tmp/stdin" || return
	: > "$tmp/log"
	testpmd <&3 &
	pid=$!
	echo 'start tx_first' >&3
	for _ in $(seq 300); do
		! grep -q 'nb forwarding ports' "$tmp/log" || break
		sleep 1
	done
	all in_use
	used=$?
	kill -KILL "$pid"
	wait "$pid" 2> /dev/null
	[ $? -eq 137 ] && [ "$used" -eq 0 ]
}

all() { # FUNCTION
	for dev in $devices; do
		"$1" "$dev" || return
	done
}

command_register() { # BDF
	hexdump -s 4 -n 2 -e '"%d"' "$pci/$1/config"
}

in_use() { # BDF
	[ $(($(command_register "$1") & 4)) -ne 0 ] && [ "$(mark "$1")" != 0x00000000 ]
}

# Bus mastering is off, and if a reset was able to clear registers, it has
clean() { # BDF
	[ $(($(command_register "$1") & 4)) -eq 0 ] || return
	[ "$method" = bus ] || return 0
	echo on > "$pci/$1/power/control"
	# COMMAND, with memory decoding
	printf '\002\000' | dd of="$pci/$1/config" bs=1 seek=4 conv=notrunc 2> /dev/null
	[ "$(mark "$1")" = 0x00000000 ]
}

or_log() { # COMMAND
	"$1" || { sed 's/^/# /' "$tmp/log"; echo; return 1; }
}

# --- main ---------------------------------------------------------------------------

parse_args "$@"
ports=$(echo "$devices" | wc -w)
require_vm
command -v dpdk-testpmd > /dev/null ||
	skip "the host has no dpdk-testpmd (Debian: apt install dpdk-dev)"

tmp=$(mktemp -d) && mkdir -p /var/run && take_devices && watch_outside || exit 1

check "testpmd sends packets and ends" or_log run
check "testpmd starts again, and is killed" or_log run_and_kill
check "the devices are clean" all clean
check "testpmd sends packets and ends after that" or_log run
check "nothing outside was reset, and no slot had an event" outside_untouched
check "the kernel's drivers take the devices back" give_back_devices

rm -r "$tmp"
finish
