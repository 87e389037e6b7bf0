#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot a kernel in QEMU with one of the topologies, run a command inside, return
# its exit status. Needs qemu-system-x86_64 and a static busybox, but neither root
# nor KVM nor a disk image. The guest is an initramfs made on the fly.
#
# Time: QEMU counts instructions (-icount) and skips idle time, so sleeps in the
# guest are short, and guest time does not depend on the load of the host. The
# drawback is that what the host does in real time (disk I/O, vm-monitor) may take
# long in guest time, so the timeouts of the drivers concerned are raised. "icount
# off" in a topology, or --realtime, turns this off.

set -u

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
me=${0##*/}

# Exit statuses besides that of the command
readonly EX_USAGE=2 EX_TIMEOUT=124 EX_KERNEL=125 EX_SETUP=126

usage() {
	cat <<-END
	usage: $me --kernel PATH --topology NAME [options] -- COMMAND
	       $me --kernel PATH --topology NAME [options] --shell
	       $me --list

	  --kernel PATH      vmlinux (with CONFIG_PVH) or bzImage
	  --topology NAME    see --list; variants are appended: nvme+iommu
	  --modules DIR      build directory with modules for the guest
	  --file SRC[:DST]   copy SRC into the guest, to DST or /test/ (repeatable)
	  --out DIR          keep console.log, output.log and qemu.log here
	  --timeout SEC      give up after SEC seconds (300)
	  --append WORDS     append to the kernel's command line
	  --realtime         run the guest in real time
	  --shell            interactive shell instead of COMMAND
	  --list             list the topologies

	COMMAND is run by the guest's shell in /test, which is in its PATH. "vm-monitor
	WORDS" in the guest runs a command of QEMU's monitor.

	Exit status: that of COMMAND, or $EX_TIMEOUT after a timeout, $EX_KERNEL if the guest
	died or the kernel's log has a report that is not in known_splats, $EX_SETUP if
	the VM could not be started, $EX_USAGE for wrong arguments.
	END
}

die() { # STATUS MESSAGE
	echo "$me: $2" >&2
	exit "$1"
}

need() { # TOOL PACKAGE
	command -v "$1" > /dev/null ||
		die $EX_SETUP "$1 not found: install it (Debian: apt install $2)"
}

# --- topologies ---------------------------------------------------------------

list_topologies() {
	sed -n 's/^\([^#	 :][^:]*\): */\1	/p' "$here/topologies" |
		awk -F '\t' '{ printf "%-16s %s\n", $1, $2 }'
}

# Print the directives of a topology, fail if there is none of that name
topology() { # NAME
	awk -v name="$1:" '
		/^[^#\t]/	{ inside = ($1 == name); found += inside }
		inside && /^\t/	{ sub(/^\t/, ""); print }
		END		{ exit !found }' "$here/topologies"
}

# Turn the directives into arguments for QEMU and the kernel
apply_topology() { # NAME[+VARIANT...]
	local name=${1%%+*} variants part directives key value words disk

	variants=${1#"$name"}
	# An IOMMU must come before the devices behind it
	for part in ${variants//+/ +} "$name"; do
		directives=$(topology "$part") ||
			die $EX_USAGE "no topology '$part': see $me --list"
		while read -r key value; do
			read -ra words <<< "$value"
			case $key in
			-*)	qemu_args+=("$key" "${words[@]}") ;;
			machine) machine+=,$value ;;
			append)	append+=" $value" ;;
			cpus)	cpus=$value ;;
			icount)	icount=$value ;;
			disk)	disk=$tmp/$value
				truncate -s 16M "$disk" || exit $EX_SETUP
				qemu_args+=(-drive "if=none,id=$value,format=raw,file=$disk") ;;
			ssdt)	make_ssdt "$value"
				qemu_args+=(-acpitable "file=$tmp/$value.aml") ;;
			*)	die $EX_SETUP "topologies: '$part' has an unknown '$key'" ;;
			esac
		done <<< "$directives"
	done
}

make_ssdt() { # FILE.asl
	need iasl acpica-tools
	iasl -p "$tmp/$1.aml" "$here/$1" > "$tmp/iasl.log" 2>&1 || {
		cat "$tmp/iasl.log" >&2
		die $EX_SETUP "iasl cannot compile $1"
	}
}

# --- the guest's files ----------------------------------------------------------

put() { # SRC DST
	[ -r "$1" ] || die $EX_USAGE "cannot read $1"
	mkdir -p "$root$(dirname "$2")" && cp -L "$1" "$root$2" || exit $EX_SETUP
	# A dynamic program needs its libraries at the same paths
	ldd "$1" 2> /dev/null | grep -o '/[^ ]*' | while read -r lib; do
		[ -e "$root$lib" ] || put "$lib" "$lib"
	done
}

put_modules() { # BUILD_DIR
	local release ko

	[ -r "$1/modules.order" ] ||
		die $EX_USAGE "$1 has no modules.order: run 'make modules' there"
	release=$(cat "$1/include/config/kernel.release") || exit $EX_SETUP
	while read -r ko; do
		put "$1/${ko%.o}.ko" "/lib/modules/$release/${ko%.o}.ko"
	done < <(sed 's/\.ko$/.o/' "$1/modules.order")
	for ko in modules.order modules.builtin modules.builtin.modinfo; do
		put "$1/$ko" "/lib/modules/$release/$ko"
	done
	busybox depmod -b "$root" "$release" 2> "$tmp/depmod.log" ||
		die $EX_SETUP "depmod failed: $(cat "$tmp/depmod.log")"
}

make_initramfs() {
	local bb ids

	root=$tmp/root
	mkdir -p "$root"/{bin,dev,proc,sys,test,vmtest} || exit $EX_SETUP
	bb=$(command -v busybox)
	! ldd "$bb" > /dev/null 2>&1 ||
		die $EX_SETUP "$bb is not static: install busybox-static"
	put "$bb" /bin/busybox
	ln -s busybox "$root/bin/sh"
	put "$here/vmtest-init" /init
	put "$here/vm-monitor" /bin/vm-monitor

	# For interactive use; the tests do not need lspci
	if command -v lspci > /dev/null; then
		put "$(command -v lspci)" /bin/lspci
		for ids in /usr/share/{misc,hwdata}/pci.ids{,.gz}; do
			[ ! -e "$ids" ] || put "$ids" "$ids"
		done
	fi

	[ -z "$modules" ] || put_modules "$modules"
	for file in "${files[@]}"; do
		case $file in
		*:*)	put "${file%%:*}" "${file#*:}" ;;
		*)	put "$file" "/test/${file##*/}" ;;
		esac
	done

	printf '%s\n' "$command" > "$root/vmtest/cmd"
	[ -z "$shell" ] || touch "$root/vmtest/shell"
	[ "$icount" != on ] || touch "$root/vmtest/icount"

	(cd "$root" && find . | busybox cpio -o -H newc 2> /dev/null) > "$tmp/initramfs" ||
		die $EX_SETUP "cannot make the initramfs in $tmp"
	rm -rf "$root"
}

# --- requests of the guest to the host -------------------------------------------------

# Run a command of the human monitor through QMP, print one line "ok OUTPUT" or
# "error REASON", with JSON escapes
hmp() { # COMMAND
	local command=${1//\\/\\\\} answer=

	printf '{"execute":"human-monitor-command","arguments":{"command-line":"%s"}}\n' \
		"${command//\"/\\\"}" >&7
	# Skip greetings, events and the answer to qmp_capabilities
	while [[ $answer != '{"return": "'* && $answer != '{"error"'* ]]; do
		read -r answer <&6 || return
	done
	answer=${answer%$'\r'}
	case $answer in
	'{"return": "'*)
		answer=${answer#'{"return": "'}
		echo "ok ${answer%'"}'}" ;;
	*)	echo "error $answer" ;;
	esac
}

# Execute what the guest writes to ttyS2: "monitor COMMAND", answered by one line,
# and "exit STATUS", which is stored in a file
serve_guest() {
	local verb words

	{
		echo '{"execute":"qmp_capabilities"}' >&7
		while read -r verb words; do
			case $verb in
			exit)	echo "$words" > "$tmp/status" ;;
			monitor) hmp "$words" >&5 ;;
			esac
		done
	} < "$tmp/guest.out" 5<> "$tmp/guest.in" 6< "$tmp/qmp.out" 7<> "$tmp/qmp.in"
}

# --- reports of the kernel ----------------------------------------------------------

# Print the first report in a kernel log that is not in known_splats, and the number
# of those that follow
check_log() { # CONSOLE.LOG
	awk -v known="$here/known_splats" '
		BEGIN {
			while ((getline line < known) > 0)
				if (line !~ /^(#|$)/)
					splats[++nr_splats] = line
		}
		function is_known(	i, j, n, part, unwanted) {
			for (i = 1; i <= nr_splats; i++) {
				n = split(splats[i], part, " // ")
				for (j = 1; j <= n; j++) {
					unwanted = sub(/^!/, "", part[j])
					if ((index(report, part[j]) > 0) == unwanted)
						break
				}
				if (j > n)
					return 1
			}
			return 0
		}
		function finish() {
			if (report != "" && !is_known() && !reports++)
				printf "%s", report
			report = ""
		}
		{
			sub(/\r$/, "")
			text = $0
			sub(/^\[ *[0-9.]+\](\[ *[TC][0-9]+\])? /, "", text)
		}
		# Two lines follow that would start another report
		text ~ /^-+\[ cut here \]/ {
			finish()
			lines = 0
			report = $0 "\n"
			next
		}
		report != "" && lines < 2 && report ~ /\[ cut here \]/ {
			report = report $0 "\n"
			lines++
			next
		}
		text ~ /^(BUG|WARNING|Oops|KASAN|UBSAN|INFO: task|INFO: rcu|rcu: INFO)/ ||
		text ~ /^\[ BUG: |^(general protection fault|Kernel panic|kernel BUG at)/ ||
		text ~ /^(list_add|list_del) corruption|^watchdog: BUG|^DEBUG_LOCKS_WARN_ON/ ||
		text ~ /^(refcount_t|ODEBUG|double fault|stack segment):/ ||
		text ~ /^(divide error|invalid opcode):/ {
			finish()
			lines = 0
			report = $0 "\n"
			next
		}
		report != "" {
			report = report $0 "\n"
			if (text ~ /---\[ end trace|<\/TASK>/ || ++lines == 250)
				finish()
		}
		END {
			finish()
			if (reports > 1)
				print "and " reports - 1 " more"
		}' "$1"
}

# --- main -------------------------------------------------------------------------

kernel='' topo='' modules='' out='' timeout=300 shell='' command='' append='' icount=on
cpus=2 machine='' files=() qemu_args=() tmp='' qemu=''

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ -z "$qemu" ] || kill "$qemu" 2> /dev/null
	[ -z "$tmp" ] || rm -rf "$tmp"
}

while [ $# -gt 0 ]; do
	case $1 in
	--kernel|--topology|--modules|--file|--out|--timeout|--append)
		[ $# -ge 2 ] || die $EX_USAGE "$1 needs an argument: see $me --help" ;;
	esac
	case $1 in
	--kernel)	kernel=$2; shift ;;
	--topology)	topo=$2; shift ;;
	--modules)	modules=$2; shift ;;
	--file)		files+=("$2"); shift ;;
	--out)		out=$2; shift ;;
	--timeout)	timeout=$2; shift ;;
	--append)	append+=" $2"; shift ;;
	--realtime)	icount=off ;;
	--shell)	shell=yes; icount=off ;;
	--list)		list_topologies; exit ;;
	--help)		usage; exit ;;
	--)		shift; command=$*; break ;;
	*)		die $EX_USAGE "unknown argument '$1': see $me --help" ;;
	esac
	shift
done

[ -n "$kernel" ] || die $EX_USAGE "no --kernel: see $me --help"
[ -r "$kernel" ] || die $EX_USAGE "cannot read the kernel $kernel: build it or name another"
[ -n "$topo" ] || die $EX_USAGE "no --topology: see $me --list"
[ -n "$shell$command" ] || die $EX_USAGE "no command: give one after --, or --shell"
[[ $timeout =~ ^[1-9][0-9]*$ ]] || die $EX_USAGE "--timeout takes seconds, not '$timeout'"
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static

trap cleanup EXIT
trap 'exit 130' INT TERM HUP
tmp=$(mktemp -d "${TMPDIR:-/tmp}/vmtest.XXXXXX") || exit $EX_SETUP
out=${out:-$tmp}
mkdir -p "$out" || die $EX_SETUP "cannot make the directory $out"
rm -f "$out/console.log" "$out/output.log"

apply_topology "$topo"
make_initramfs
mkfifo "$tmp"/{guest,qmp}.{in,out} || exit $EX_SETUP

append="console=ttyS0 panic=-1 oops=panic printk.devkmsg=on log_buf_len=4M$append"
if [ "$icount" = on ]; then
	qemu_args+=(-icount "shift=auto,sleep=off")
	append+=" nvme_core.io_timeout=3600 nvme_core.admin_timeout=3600"
fi

# Keep the pipes open for writing until QEMU has ended, so that the server reads all
# that the guest has written.
exec 8<> "$tmp/guest.out" 9<> "$tmp/qmp.out"
serve_guest 8>&- 9>&- &
server=$!

start_qemu() { # COMMAND-PREFIX...
	exec "$@" qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
		-machine "q35,accel=tcg$machine" -cpu max -m 512 -smp "$cpus" \
		-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off \
		-chardev file,id=log,path="$out/console.log" -serial chardev:log \
		-chardev stdio,id=out,signal=off,logfile="$out/output.log" -serial chardev:out \
		-chardev pipe,id=guest,path="$tmp/guest" -serial chardev:guest \
		-chardev pipe,id=qmp,path="$tmp/qmp" -mon chardev=qmp,mode=control \
		-kernel "$kernel" -initrd "$tmp/initramfs" -append "$append" \
		"${qemu_args[@]}" 2> "$out/qemu.log" 8>&- 9>&-
}

if [ -n "$shell" ]; then
	start_qemu <&0 &
else
	start_qemu timeout -k 5 "$timeout" < /dev/null &
fi
qemu=$!
wait "$qemu"
ended=$?
qemu=
exec 8>&- 9>&-
wait "$server"

log=$out/console.log
report_failure() { # MESSAGE
	echo "$me: $topo: $1; the log ends with" >&2
	tail -q -n 30 "$log" "$out/qemu.log" 2> /dev/null | sed 's/\r$//; s/^/  | /' >&2
	[ "$out" = "$tmp" ] || echo "$me: full log: $log" >&2
}

if [ "$ended" -eq 124 ] || [ "$ended" -eq 137 ]; then
	report_failure "timeout after $timeout s"
	exit $EX_TIMEOUT
fi
if [ "$ended" -ne 0 ] && [ ! -s "$log" ]; then
	die $EX_SETUP "QEMU did not start: $(tail -n 1 "$out/qemu.log")"
fi

reports=$(check_log "$log")
if [ -n "$reports" ]; then
	echo "$me: $topo: the kernel reports" >&2
	sed 's/\r$//; s/^/  | /' <<< "$reports" >&2
	[ "$out" = "$tmp" ] || echo "$me: full log: $log" >&2
	exit $EX_KERNEL
fi
if [ ! -s "$tmp/status" ]; then
	report_failure "the guest died"
	exit $EX_KERNEL
fi
grep -q 'vmtest: lockdep was off' "$log" &&
	echo "$me: $topo: lockdep was off at the end, after a report in known_splats" >&2
exit "$(cat "$tmp/status")"
