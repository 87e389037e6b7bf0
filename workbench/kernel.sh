#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh x86|x86-debug|uml|uml-debug|uml-preempt [config]: builds build/tree
# into build/x86... (for QEMU) or build/uml... (for KUnit), configured by fragments
# that are in the tree. With "config" it stops when the configuration is there.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
x86 | x86-debug)
	arch=(ARCH=x86) targets=(vmlinux modules) files=1700
	from=tinyconfig
	fragments=(tools/testing/selftests/pci/config)
	[[ $1 != x86-debug ]] || fragments+=(tools/testing/selftests/pci/debug.config)
	;;
uml | uml-debug | uml-preempt)
	arch=(ARCH=um) targets=(linux) files=550
	from=
	fragments=(tools/testing/kunit/configs/arch_uml.config drivers/pci/.kunitconfig
		../../workbench/small.config ../../workbench/genirq.config)
	# Also for "make shell", which wants no kernel of its own.
	[[ $1 != uml ]] || fragments+=(../../workbench/shell.config)
	[[ $1 == uml ]] || fragments+=(../../workbench/no-user.config)
	[[ $1 != uml-debug ]] || fragments+=(drivers/pci/tests/debug.config)
	# With coverage, because with preemption there are most ways through the code.
	[[ $1 != uml-preempt ]] ||
		fragments+=(drivers/pci/tests/preempt.config tools/testing/kunit/configs/coverage_uml.config
			../../workbench/coverage.config)
	;;
*)
	die "usage: kernel.sh x86|x86-debug|uml|uml-debug|uml-preempt [config]"
	;;
esac
obj=$build/$1

"$here/deps.sh" build
"$here/tree.sh"
for fragment in "${fragments[@]}"; do
	[[ -f $tree/$fragment ]] || die "there is no configuration for the $1 kernel, $fragment"
done
need_space "$build" "$([[ -d $obj ]] && echo 100 || echo 1000)" "the $1 kernel"
mkdir -p "$obj"

# The configuration is made anew beside the one in use and takes its place
# only if it differs, so that nothing is built again without a reason.
configure()
{
	local -x KCONFIG_CONFIG=$obj/.config.new

	: >"$KCONFIG_CONFIG" &&
	{ [[ ! $from ]] || kmake "$tree" "$obj" "${arch[@]}" "$from"; } &&
	(cd "$tree" && scripts/kconfig/merge_config.sh -m "$KCONFIG_CONFIG" "${fragments[@]}") &&
	kmake "$tree" "$obj" "${arch[@]}" olddefconfig &&
	dropped
}

# An option that olddefconfig did not take as it stands is an error.
dropped()
{
	local fragment line option got bad=0

	for fragment in "${fragments[@]}"; do
		while read -r line; do
			case $line in
			CONFIG_*=*) option=${line%%=*} ;;
			'# CONFIG_'*' is not set') option=${line#'# '} option=${option%' is not set'} ;;
			*) continue ;;
			esac
			got=$(grep -E "^($option=.*|# $option is not set)$" "$obj/.config.new" || echo "# $option is not set")
			if [[ $got != "$line" ]]; then
				printf 'error: %s: %s became %s\n' "$fragment" "$line" "$got"
				bad=1
			fi
		done <"$tree/$fragment"
	done
	return $bad
}

step "$1-config" "configuring the $1 kernel" configure ||
	die "the $1 kernel's configuration is not as its fragment says: an option that is named above is gone, or depends on one that is off"
cmp -s "$obj/.config.new" "$obj/.config" || cp "$obj/.config.new" "$obj/.config"
[[ ${2:-} != config ]] || exit 0

step "$1" "building the $1 kernel (about $files files the first time)" \
	kmake "$tree" "$obj" "${arch[@]}" -j"$J" "${targets[@]}" ||
	die "the $1 kernel does not build"
