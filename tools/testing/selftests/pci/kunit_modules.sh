#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kunit_modules.sh DIR [WORD...]: load and unload each module below this directory
# of the kernel that has KUnit suites, except those with one of the words in their
# names, and print their results as TAP, one line for each case. Messages of a case
# and the results of its parameters become comments.

results=/sys/kernel/debug/kunit

case ${1:--} in
-*)
	sed -n 's/^# \{0,1\}//; 4,7p' "$0"
	exit 2
	;;
esac
if [ "${PCI_SELFTESTS_VM-}" != 1 ]; then
	printf '1..0 # SKIP %s: %s\n' "${0##*/} loads test modules" \
		'use run_vm_tests.sh, or set PCI_SELFTESTS_VM=1 to run it on this machine'
	exit 4
fi
if ! modprobe kunit enable=1; then
	echo "1..0 # SKIP the kernel has no KUnit"
	exit 4
fi

kunit_modules() { # DIR [WORD...]
	dir=$1
	shift
	find "/lib/modules/$(uname -r)" -path "*/$dir/*.ko" | sort | while read -r ko; do
		name=$(basename "$ko" .ko)
		for word; do
			case $name in
			*"$word"*)	continue 2 ;;
			esac
		done
		if grep -q '\.kunit_test_suites' "$ko"; then
			echo "$name"
		fi
	done
}

modules=$(kunit_modules "$@")
if [ -z "$modules" ]; then
	echo "not ok 1 the kernel has no KUnit modules in $1"
	echo "1..1"
	exit 1
fi
for module in $modules; do
	# Loading the module runs its suites
	modprobe "$module" || echo "# cannot load $module"
	if [ "$(ls $results)" ]; then
		(cd $results && cat -- */results)
	else
		echo "    not ok 0 $module has run nothing"
	fi
	modprobe -r "$module" || echo "    not ok 0 $module does not unload"
done | awk '
	/^    # Subtest: /	{ suite = $3 ": " }
	/^    ok [0-9]/	{ sub(/^ *ok [0-9]+ /, ""); print "ok " ++n " " suite $0; next }
	/^    not ok [0-9]/ {
		sub(/^ *not ok [0-9]+ /, "")
		print "not ok " ++n " " suite $0
		failed = 1
		next
	}
				{ sub(/^[# ]*/, ""); print "# " $0 }
	END			{ print "1.." n + 0; exit failed }'
