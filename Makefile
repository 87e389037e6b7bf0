# SPDX-License-Identifier: GPL-2.0
#
# What a person types. The work is done by the scripts in workbench/.

export LINUX CACHE J UPTO ONLY FULL KERNEL SEEDS

define help_text
make demo        boot the patched kernel in QEMU and reset devices with it
make test        every test there is; the last line counts them
make kunit       the KUnit suites, in UML (K=uml, uml-debug, uml-preempt: only there;
                 SEEDS=20: random tests, see campaign)
make kselftest   the kselftests, in QEMU (T=regex: only some)
make stress      resets against hotplug, errors and drivers, with KASAN (S=600, SEED=n)
make campaign    random operations on random fabrics, in UML (SEEDS=1000, FROM=1,
                 KERNEL=uml-preempt or uml-debug), see workbench/campaign.sh
make mutants     small faults in the queue, one at a time: does a test notice each?
                 (W='words': only those, see workbench/mutants)
make shell       a shell in UML, with a simulated fabric (C='command': run that)
make check       checkpatch, W=1, sparse, kernel-doc, Sphinx, coccinelle, shellcheck
make cross       compile what the series touches: allmodconfig, powerpc, s390, tiny
make series      each series as mails in build/series, proven to apply and compile
                 (S='series...': only these; FULL=1: KUnit at the end of each)
make tree        build/tree: the base kernel with the series in it, to work in
make clean       remove build/

The first run fetches the kernel source (170 MB) and builds what it needs,
which takes minutes; later runs build what has changed. Missing Debian
packages are installed, or named where that is not allowed.

LINUX=DIR  use this kernel tree as the base        J=N  jobs (default: one a CPU)
UPTO=NAME  build without what follows this patch or series in patches/series
ONLY=NAMES build only these series and those that they need
CACHE=DIR  downloads and compiler cache (default: ~/.cache/pci-reset)
endef
export help_text

help:
	@printf '%s\n' "$$help_text"

demo:
	@workbench/demo.sh

test:
	@workbench/test.sh

kunit:
	@workbench/kunit.sh $(K)

kselftest:
	@workbench/kselftest.sh $(if $(T),"$(T)")

stress:
	@workbench/stress.sh $(or $(S),600) $(SEED)

campaign:
	@workbench/campaign.sh $(or $(SEEDS),1000) $(or $(FROM),1)

mutants:
	@workbench/mutants.sh $(if $(W),'$(subst ','\'',$(W))')

shell:
	@workbench/shell.sh $(if $(C),'$(subst ','\'',$(C))')

check:
	@workbench/check.sh

cross:
	@workbench/cross.sh

series:
	@workbench/check-series.sh $(S)

tree:
	@workbench/tree.sh

clean:
	@workbench/clean.sh

.PHONY: help demo test kunit kselftest stress campaign mutants shell check cross series tree clean
