#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kunit_modules.sh MODULE...: load each of these modules, and print the results
# of the KUnit suites in it as TAP, one line for each case. What a case says, and
# each of its parameters, becomes a comment. The modules are unloaded again.

dir=/sys/kernel/debug/kunit

case ${1:--} in
-*)
	sed -n 's/^# \{0,1\}//; 4,6p' "$0"
	exit 2
	;;
esac
if ! modprobe kunit enable=1; then
	echo "1..0 # SKIP no KUnit here"
	exit 4
fi

for module; do
	# The suites run in here
	modprobe "$module" || echo "# cannot load $module"
	if [ "$(ls $dir)" ]; then
		(cd $dir && cat -- */results)
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
