#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests listed in vm_tests in QEMU, one VM for each topology and several of
# them at a time, and print one TAP report. Its last line is "N passed, N failed, N
# skipped". Nothing on the host is reset: the host only runs QEMU.

set -u

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
me=${0##*/}
readonly KSFT_SKIP=4

usage() {
	cat <<-END
	usage: $me [options] [FILTER]

	  --kernel PATH    kernel to test (default: vmlinux of this source tree)
	  --modules DIR    build directory with the modules for the guest (default:
	                   that of the default kernel)
	  --tests DIR      directory of the built tests (default: that of this script)
	  --out DIR        keep logs here, in one directory for each topology
	  --timeout SEC    time limit for each VM (default: 1800)
	  --jobs N         run N VMs, of 512 MiB each, at a time (default: as many
	                   as there are CPUs, but no more than 8)
	  --list           list the tests

	FILTER is a regular expression that selects lines of the list.
	Exit status: 0 if no test failed, 1 if a test failed, 2 for wrong arguments,
	$KSFT_SKIP if this machine cannot run the tests.
	END
}

die() { # STATUS MESSAGE
	echo "$me: $2" >&2
	exit "$1"
}

skip() { # REASON
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit $KSFT_SKIP
}

# Print the build directory of this source tree's kernel: $KBUILD_OUTPUT, the
# source tree itself, or the O= directory that these tests were built in
default_build_dir() {
	local dir

	for dir in ${KBUILD_OUTPUT:+"$KBUILD_OUTPUT"} "$here/../../../.." "$here/../.."; do
		if [ -r "$dir/vmlinux" ] && [ -r "$dir/.config" ]; then
			(cd -- "$dir" && pwd)
			return
		fi
	done
}

# Some options of the fragment "config", without which no test can run
require_options() { # .config
	local option

	for option in PVH BLK_DEV_INITRD SERIAL_8250_CONSOLE PCI_SIM PCI_RESET_TEST; do
		grep -q "^CONFIG_$option=[ym]" "$1" ||
			skip "$1 has no CONFIG_$option: configure the kernel with $here/config"
	done
}

require_tools() {
	local tool busybox

	for tool in qemu-system-x86_64 busybox iasl; do
		command -v $tool > /dev/null || skip "$tool is not installed"
	done
	busybox=$(command -v busybox)
	! ldd "$busybox" > /dev/null 2>&1 ||
		skip "$busybox is not statically linked"
}

# Print the lines of vm_tests that the filter selects, words separated by a blank
list_tests() {
	grep -v '^\(#\|$\)' "$here/vm_tests" | sed 's/[ 	][ 	]*/ /g' |
		grep -E -e "$filter"
}

# Turn the output of the tests of one VM into subtests and count the results
format() { # TOPOLOGY NUMBER-OF-FIRST COUNTS < output of the VM
	awk -v topology="$1" -v number="$2" -v counts="$3" '
		function finish(status,	why) {
			if (status == 4 && !passed && !failed)
				skipped += !skipped
			else if (status != 0 && !failed)
				why = "exit status " status
			else if (planned != passed + failed + skipped)
				why = "planned " planned ", saw " passed + failed + skipped
			if (why) {
				print "    # " why
				failed++
			}
			printf "%sok %d %s: %s%s\n", failed ? "not " : "", number++,
			       topology, name, passed || failed ? "" : " # SKIP"
			total["passed"] += passed
			total["failed"] += failed
			total["skipped"] += skipped
			name = ""
		}
		/^@@start / {
			sub(/^@@start /, "")
			name = $0
			passed = failed = skipped = planned = 0
			print "# Subtest: " topology ": " name
			next
		}
		/^@@end / { finish($2); next }
		/^1\.\.[0-9]/	{ planned = substr($0, 4) + 0 }
		/^ok .*# SKIP/	{ skipped++; print "    " $0; fflush(); next }
		/^ok /		{ passed++ }
		/^not ok /	{ failed++ }
				{ print "    " $0; fflush() }
		END {
			if (name != "")
				finish("unknown, the VM ended")
			print total["passed"] + 0, total["failed"] + 0,
			      total["skipped"] + 0, number > counts
		}'
}

# Print the files that a script wants in the VM, as words of "--file". It names them in
# comments, "# Files: PATTERN...": those of the host go to the same path, those of this
# directory to /test.
wanted_files() { # SCRIPT
	local file

	# shellcheck disable=SC2013 # words, and patterns to expand
	for file in $(cd "$here" && sed -n 's/^# Files: //p' "$1"); do
		case $file in
		/*)	[ ! -r "$file" ] || echo "$file:$file" ;;
		*)	echo "$here/$file" ;;
		esac
	done
}

# Print the subtests of a topology, which are numbered from FIRST to LAST, and write
# down how many of their tests passed, failed and were skipped
run_topology() { # TOPOLOGY FIRST LAST
	local topo=$1 number=$2 last=$3 start=$SECONDS
	local cmd='' test words program file files=() status p f s

	while read -r test; do
		read -ra words <<< "$test"
		# Scripts are in this directory, programs where they were built
		program=$here/${words[0]}
		[ -x "$program" ] || program=$tests/${words[0]}
		[ -x "$program" ] ||
			die 2 "no $program: build it with 'make -C $here' or give --tests"
		# Copy the test, and any vfio selftest among its arguments
		for program in "$program" "${words[@]/#/$tests/../vfio/}"; do
			[ -x "$program" ] || continue
			[[ " ${files[*]-} " == *" $program "* ]] || files+=(--file "$program")
		done
		[[ ${words[0]} != *.sh ]] || for file in $(wanted_files "$here/${words[0]}"); do
			[[ " ${files[*]-} " == *" $file "* ]] || files+=(--file "$file")
		done
		cmd+="echo '@@start $test'; $test; echo @@end \$?; "
	done < <(list_tests |
		 awk -v topo="$topo" '$1 == topo { print substr($0, length(topo) + 2) }')

	"$here/vmtest.sh" --kernel "$kernel" --topology "$topo" --timeout "$timeout" \
		${modules:+--modules "$modules"} --out "$out/$topo" \
		"${files[@]}" -- "$cmd" |
		format "$topo" "$number" "$out/$topo/counts"
	status=${PIPESTATUS[0]}

	read -r p f s number < "$out/$topo/counts"
	# Tests that the VM did not reach
	while [ "$number" -le "$last" ]; do
		echo "not ok $number $topo: not run"
		number=$((number + 1))
		f=$((f + 1))
	done
	# A failed test does not change the status of vmtest.sh: this is the kernel
	if [ "$status" -ne 0 ]; then
		echo "# $topo: vmtest.sh ended with status $status, see $out/$topo"
		f=$((f + 1))
	fi
	echo "# $topo took $((SECONDS - start)) s"
	echo "$p $f $s" > "$out/$topo/counts"
}

# Start VMs as long as fewer than $jobs are running. Each is a process group, so
# that all of it can be killed.
start_vms() {
	local topo lines first report

	while [ ${#vms[@]} -lt ${#topologies[@]} ] &&
	      [ "$(jobs -r | wc -l)" -lt "$jobs" ]; do
		topo=${topologies[${#vms[@]}]}
		lines=$(list_tests | awk -v topo="$topo" '$1 == topo' | wc -l)
		first=$number
		number=$((number + lines))
		report=$out/$topo/report
		mkdir -p "$out/$topo" || exit 2
		rm -f "$out/$topo/counts"
		# It is read from here on
		: > "$report"
		set -m
		run_topology "$topo" "$first" $((number - 1)) >> "$report" 2>&1 < /dev/null &
		set +m
		vms+=($!)
	done
}

running() { # PID
	jobs -rp | grep -qx "$1"
}

# After an interruption, VMs are still running
cleanup() {
	local vm

	for vm in $(jobs -rp); do
		kill -- "-$vm"
	done
	wait
	[ -z "$tmp" ] || rm -rf "$tmp"
}

kernel='' modules='' tests=$here out='' timeout=1800 jobs='' filter=. list=''

while [ $# -gt 0 ]; do
	case $1 in
	--kernel|--modules|--tests|--out|--timeout|--jobs)
		[ $# -ge 2 ] || die 2 "$1 needs an argument: see $me --help" ;;
	esac
	case $1 in
	--kernel)	kernel=$2; shift ;;
	--modules)	modules=$2; shift ;;
	--tests)	tests=$2; shift ;;
	--out)		out=$2; shift ;;
	--timeout)	timeout=$2; shift ;;
	--jobs)		jobs=$2; shift ;;
	--list)		list=yes ;;
	--help)		usage; exit ;;
	-*)		die 2 "unknown argument '$1': see $me --help" ;;
	*)		filter=$1 ;;
	esac
	shift
done

if [ -n "$list" ]; then
	list_tests
	exit
fi

# "make run_tests" gives no arguments: test the kernel built from this tree, if any
if [ -z "$kernel" ]; then
	dir=$(default_build_dir)
	[ -n "$dir" ] || skip "no kernel to boot: build one or give --kernel"
	require_options "$dir/.config"
	kernel=$dir/vmlinux
	[ -n "$modules" ] || [ ! -r "$dir/modules.order" ] || modules=$dir
fi
[ -r "$kernel" ] || die 2 "cannot read the kernel $kernel: build it or name another"
require_tools

mapfile -t topologies < <(list_tests | awk '!seen[$1]++ { print $1 }')
[ ${#topologies[@]} -gt 0 ] || die 2 "no test matches '$filter': see $me --list"

cpus=$(nproc)
jobs=${jobs:-$((cpus < 8 ? cpus : 8))}
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die 2 "--jobs takes a number from 1 on, not '$jobs'"

vms=() number=1 tmp=''
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
if [ -z "$out" ]; then
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/run_vm_tests.XXXXXX") || exit 2
	out=$tmp
fi
mkdir -p "$out" || die 2 "cannot make the directory $out"

passed=0 failed=0 skipped=0
echo "TAP version 13"
echo "1..$(list_tests | wc -l)"
for i in "${!topologies[@]}"; do
	start_vms
	exec 3< "$out/${topologies[i]}/report"
	# Print what is new in its report, until the VM has ended
	while running "${vms[i]}"; do
		cat <&3
		sleep 1
		start_vms
	done
	cat <&3
	if read -r p f s 2> /dev/null < "$out/${topologies[i]}/counts"; then
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	else
		failed=$((failed + 1))
	fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
