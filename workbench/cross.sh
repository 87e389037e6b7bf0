#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cross.sh [KERNEL...]: compiles every source file that the series touches, for
# x86, powerpc and s390 with everything on (allmodconfig), and links two kernels
# for x86 that have next to nothing on. Of a driver whose device nobody here has,
# this is what can be told.

. "$(dirname "$0")/lib.sh"

# Name, ARCH, the compiler's prefix, the configuration to start from, options on
# top of it
kernels='x86         x86     -                      allmodconfig         -
x86-least   x86     -                      tinyconfig           64BIT,PCI
x86-hotplug x86     -                      tinyconfig           64BIT,PCI,SYSFS,PCIEPORTBUS,HOTPLUG_PCI,HOTPLUG_PCI_PCIE,PM
powerpc     powerpc powerpc64le-linux-gnu- ppc64le_allmodconfig -
s390        s390    s390x-linux-gnu-       allmodconfig         -'
mapfile -t all < <(cut -d ' ' -f 1 <<<"$kernels")

(($#)) || set -- "${all[@]}"
for name; do
	grep -q "^$name " <<<"$kernels" || die "usage: cross.sh [KERNEL...], of ${all[*]}"
done

"$here/deps.sh" build cross
"$here/tree.sh"

# UML's own files are compiled for KUnit.
mapfile -t files < <({ git -C "$tree" diff --name-only --diff-filter=d "$(base)"
	git -C "$tree" ls-files --others --exclude=/.pc --exclude=/patches; } |
	grep '\.c$' | grep -vE '^(tools|arch/um)/' | sort -u)

configure()
{
	kmake "$tree" "$obj" "${make[@]}" "$from" &&
	tr , '\n' <<<"$options" | sed '/^-$/d; s/.*/CONFIG_&=y/' >"$obj/options.config" &&
	(cd "$tree" && KCONFIG_CONFIG=$obj/.config scripts/kconfig/merge_config.sh -m \
		"$obj/.config" "$obj/options.config") &&
	kmake "$tree" "$obj" "${make[@]}" olddefconfig
}

# What of the series is for ARCH: x86 has drivers for all that is not another
# architecture's own; the others also get what is below these. The tests need
# system sleep, which s390 does not have.
is_for() # ARCH FILE
{
	case $1:$2 in
	*:drivers/pci/hotplug/pnv_php.c | *:arch/powerpc/*) [[ $1 == powerpc ]] ;;
	*:drivers/pci/hotplug/s390_* | *:arch/s390/*) [[ $1 == s390 ]] ;;
	x86:* | *:kernel/* | *:drivers/iommu/*) ;;
	s390:drivers/pci/tests/*) false ;;
	*:drivers/pci/controller/* | *:drivers/pci/pci-acpi.c | *:drivers/vfio/pci/*/*) false ;;
	*:drivers/pci/* | *:drivers/vfio/pci/*) ;;
	*) false ;;
	esac
}

compile()
{
	local file targets=()

	if [[ $from == tinyconfig ]]; then
		targets=(vmlinux)
	else
		for file in "${files[@]}"; do
			! is_for "$arch" "$file" || targets+=("${file%.c}.o")
		done
	fi
	kmake "$tree" "$obj" "${make[@]}" -j"$J" "${targets[@]}" &&
	! grep -q ' warning: ' "$build/cross-$name.log"
}

while read -r name arch prefix from options; do
	[[ " $* " == *" $name "* ]] || continue
	obj=$build/cross/$name
	need_space "$build" 1000 "the objects for $name"
	rm -rf "$obj"
	mkdir -p "$obj"
	make=(ARCH="$arch")
	[[ $prefix == - ]] || make+=(CROSS_COMPILE="$prefix" CC="ccache ${prefix}gcc")

	step "cross-$name-config" "configuring $name" configure ||
		die "there is no configuration for $name"
	check "$name: what it has compiles without an error or a warning" \
		step "cross-$name" "compiling for $name" compile
done <<<"$kernels"

(($# == ${#all[@]})) || finish
for file in "${files[@]}"; do
	objects=("$build"/cross/*/"${file%.c}.o")
	check "$file: compiled for $(printf '%s\n' "${objects[@]}" |
		sed "s,^$build/cross/\([^/]*\)/.*,\1,; s/^\*$/none/" | paste -s -d ' ')" [ -e "${objects[0]}" ]
done
finish
