#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Static checks of what the series touches and adds. Where the base has
# reports of its own, only those that the series adds count.

. "$(dirname "$0")/lib.sh"

"$here/deps.sh" build check
"$here/series.sh"
read_stack
"$here/kernel.sh" x86 config

verify=$build/verify/tree
obj=$build/verify/w1
log=$build/check
git="git -C $tree"
mkdir -p "$obj" "$log"

mapfile -t touched < <($git diff --name-only --diff-filter=d "$(base)" series)
mapfile -t sources < <(printf '%s\n' "${touched[@]}" | grep '\.c$' | grep -vE '^(tools|samples)/')
mapfile -t documented < <(printf '%s\n' "${touched[@]}" | grep '\.[ch]$' | grep -vE '^(tools|samples)/')

# reports LOG: its messages about files that the series touches, without line
# numbers and colours, sorted, each as often as it came. What is left out is
# what sparse 0.6.4 says of every MODULE_*() line; gcc would not let it pass.
reports()
{
	sed -E 's/\x1b\[[0-9;]*[mK]//g' "$1" | grep -iE '(warning|error): ' |
		sed -E 's|^.*/tree/||; s/^(Warning|Error): //; s/:[0-9]+(:[0-9]+)?/:/g' |
		grep -v 'error: bad constant expression' |
		grep -F -f <(printf '%s\n' "${touched[@]}") | sort || true
}

# added NAME: what NAME reports for the series and not for the base.
added()
{
	comm -13 <(reports "$log/$1.base") <(reports "$log/$1.series") >"$log/$1.added"
	sed 's/^/    /' "$log/$1.added"
	[[ ! -s $log/$1.added ]]
}

# W=1 and sparse, for one commit: gcc's messages come with compiling, sparse
# runs on what is there already. A file need not be part of the configuration.
compile() # COMMIT base|series
{
	local object objects=() flags=(ARCH=x86 -j"$J" -k W=1 KCFLAGS=-Wno-error)

	checkout "$1"
	cp "$build/x86/.config" "$obj/.config"
	kmake "$verify" "$obj" ARCH=x86 olddefconfig || return 1
	for object in "${sources[@]/%.c/.o}"; do
		[[ ! -f $verify/${object%.o}.c ]] || objects+=("$object")
		rm -f "$obj/$object"
	done
	kmake "$verify" "$obj" "${flags[@]}" "${objects[@]}" >"$log/w1.$2" 2>&1
	kmake "$verify" "$obj" "${flags[@]}" C=2 CF=-D__typeof_unqual__=__typeof__ "${objects[@]}" >"$log/sparse.$2" 2>&1
	for object in "${objects[@]}"; do
		[[ -f $obj/$object ]] || printf '%s\n' "$object"
	done >"$log/missing.$2"
}

# Each source was compiled and looked at by sparse, or the comparison proves
# nothing. What the base cannot compile either is for another architecture.
covered()
{
	comm -13 "$log/missing.base" "$log/missing.series" | sed 's/$/ does not compile/'
	[[ -z $(comm -13 "$log/missing.base" "$log/missing.series") ]] &&
		(($(grep -c '^  CHECK ' "$log/sparse.series") >= ${#sources[@]} - $(wc -l <"$log/missing.series")))
}

# What checkpatch says that does not apply here. In the kernel: that a new file
# may need an entry in MAINTAINERS, which has patterns for these folders, that
# msleep(1) may take longer, in a line that a patch only moves, and that a commit
# is unknown: the base has no history.
kernel_ignore=FILE_PATH_CHANGES,MSLEEP,UNKNOWN_COMMIT_ID
# In tests, which are user space: errno is positive there, registers are mapped
# through a volatile pointer, kselftest_harness.h is macros that declare
# functions and types, the kernel's attribute macros do not exist, and shell
# scripts are executable, with lines like "mount -t proc proc".
tests_ignore=$kernel_ignore,USE_NEGATIVE_ERRNO,VOLATILE,COMPLEX_MACRO,MULTISTATEMENT_MACRO_USE_DO_WHILE
tests_ignore+=,MACRO_ARG_REUSE,PREFER_DEFINED_ATTRIBUTE_MACRO,EXECUTE_PERMISSIONS,REPEATED_WORD,SPACING

checkpatch()
{
	local mail ignore bad=0

	checkout series
	# Its SPDX check needs the modules of Debian's python3, not of another one.
	for mail in $(mails "${stack[@]}"); do
		ignore=$kernel_ignore
		grep -qE '^\+\+\+ b/(drivers|include|lib|arch|kernel)/' "$mail" || ignore=$tests_ignore
		(cd "$verify" && PATH=/usr/bin:$PATH perl scripts/checkpatch.pl --strict --show-types --quiet --ignore "$ignore" "$mail") || bad=1
	done >"$log/checkpatch" 2>&1
	sed 's/^/    /' "$log/checkpatch"
	((bad == 0))
}

kernel_doc() # COMMIT base|series
{
	local file

	checkout "$1"
	for file in "${documented[@]}"; do
		[[ ! -f $verify/$file ]] || (cd "$verify" && scripts/kernel-doc -none -Wall "$file")
	done >"$log/kernel-doc.$2" 2>&1 || true
}

# The folders of the documents that the series touches, as Sphinx renders them.
documents() # COMMIT base|series
{
	checkout "$1"
	PATH=/usr/bin:$PATH make -C "$verify" O="$build/verify/docs" htmldocs SPHINXDIRS="PCI driver-api/pci" >"$log/documents.$2" 2>&1
}

# Who resets a PCI device behind the PCI core's back, in the files that have a
# word of it. The base has some.
resets() # COMMIT base|series
{
	local file files words='PCI_BRIDGE_CONTROL|_secondary_bus|pci_probe_reset_|reset_function_locked|ignore_hotplug|pcie_flr|pcie_reset_flr'

	checkout "$1"
	mapfile -t files < <(git -C "$verify" grep -lE "$words" -- 'arch/*.[ch]' 'drivers/*.[ch]' 'include/*.[ch]')
	# One by one: what spatch gets together it takes for one program
	(cd "$verify" && for file in "${files[@]}"; do
		spatch -D report --very-quiet --no-show-diff --no-includes --include-headers \
			--cocci-file "$repo/scripts/coccinelle/api/pci_reset.cocci" "$file" || exit 1
	done) >"$log/resets.$2" 2>&1
}

# What is left alone: file, and why.
#  - stex: on a link inside of the card, below no hotplug port, must last longer
#    than the PCI core's, and is done without the device lock
#  - enetc, netc, ptp_netc: FLR in ->probe() before the device is enabled; the
#    addresses of its BARs are fixed
#  - ice, bnge, bnxt: the same in a kdump kernel; bnxt also in ->shutdown()
#  - nvme: FLR by the reset work, for which ->reset_prepare() and ->reset_done()
#    wait
#  - mana: FLR of a VF in the teardown of its queues, with RTNL held, which a
#    holder of the device lock may wait for
#  - qat: FLR with and without the device lock, see adf_reset_flr()
#  - liquidio: FLR of a VF that asks the PF for it, if the PCI core does not know
#    that the VF has FLR
left_alone='drivers/scsi/stex.c
drivers/net/ethernet/freescale/enetc/enetc.c
drivers/net/ethernet/freescale/enetc/enetc_pci_mdio.c
drivers/net/dsa/netc/netc_main.c
drivers/ptp/ptp_netc.c
drivers/net/ethernet/intel/ice/ice_main.c
drivers/net/ethernet/broadcom/bnge/bnge_core.c
drivers/net/ethernet/broadcom/bnxt/bnxt.c
drivers/nvme/host/pci.c
drivers/net/ethernet/microsoft/mana/mana_en.c
drivers/crypto/intel/qat/qat_common/adf_aer.c
drivers/net/ethernet/cavium/liquidio/octeon_mailbox.c'

# The files with a report
reported() # base|series
{
	sed -n 's/:.*WARNING: .*//p' "$log/resets.$1" | sort -u
}

# Each file that is left alone is reported in the base and in the series, others
# in the base only.
no_resets()
{
	local known others

	known=$(sort <<<"$left_alone")
	grep 'WARNING: ' "$log/resets.series" | grep -vF "$left_alone" | sed 's/^/    /'
	others=$(comm -13 <(printf '%s\n' "$known") <(reported base))
	[[ $(reported series) == "$known" && -n $others ]]
}

shell_files()
{
	git -C "$repo" ls-files --cached --others --exclude-standard | while read -r file; do
		if [[ $file == *.sh ]] || head -n 1 "$repo/$file" 2>/dev/null | grep -qE '^#!.*\b(ba|da)?sh\b'; then
			printf '%s\n' "$file"
		fi
	done
}

say "check: what does the series add that a tool objects to?"
for at in base series; do
	commit=series
	[[ $at == series ]] || commit=$(base)
	step check "W=1 and sparse on ${#sources[@]} files of the $at" compile "$commit" "$at" ||
		die "the $at cannot be compiled for the checks, see build/check.log"
	kernel_doc "$commit" "$at"
	step check "resets in the $at that coccinelle finds" resets "$commit" "$at" ||
		die "coccinelle fails, see build/check/resets.$at"
	mkdir -p "$build/verify/docs"
	step check "documents of the $at" documents "$commit" "$at" ||
		die "Sphinx does not render the documents of the $at, see build/check/documents.$at"
done
check "checkpatch --strict" checkpatch
check "W=1 and sparse saw every file" covered
check "W=1" added w1
check "sparse" added sparse
check "kernel-doc" added kernel-doc
check "Sphinx" added documents
check "coccinelle finds resets behind the core's back in the base, and in the series only those that are left alone" no_resets
mapfile -t scripts < <(shell_files)
cd "$repo"
check "shellcheck (${#scripts[@]} scripts)" shellcheck --external-sources "${scripts[@]}"
finish
