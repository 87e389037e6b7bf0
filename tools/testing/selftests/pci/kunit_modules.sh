#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kunit_modules.sh MODULE...: load each of these modules, and print the results
# of the KUnit suites in it as TAP, one line for each case. What a case says,
# and each of its parameters, becomes a comment. The modules are unloaded again.

dir=/sys/kernel/debug/kunit

if [ $# -eq 0 ] || [ "$1" = --help ]; then
	sed -n 's/^# \{0,1\}//; 4,6p' "$0"
	exit 2
fi
if [ ! -d $dir ]; then
	modprobe kunit enable=1 || { echo "1..0 # SKIP no KUnit here"; exit 4; }
fi

for module; do
	# The suites run in here
	modprobe "$module" || echo "# cannot load $module"
	suites=$(ls $dir)
	if [ "$suites" ]; then
		(cd $dir && cat -- */results)
	else
		echo "    not ok 0 $module has run nothing"
	fi
	modprobe -r "$module" || echo "    not ok 0 $module does not unload"
done | awk '
	/^    (ok|not ok) / {
		sub(/^ *(not )?ok [0-9]+ /, (/^ *not/ ? "not ok " : "ok ") ++n " " suite ".")
		print
		failed += /^not/
		next
	}
	/^    # Subtest: /	{ suite = $3 }
				{ sub(/^#? */, "# "); print }
	END			{ print "1.." n + 0; exit failed > 0 }'
