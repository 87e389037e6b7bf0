// SPDX-License-Identifier: GPL-2.0
/*
 * Random fabrics, and random operations and faults on them
 *
 * What such a test finds depends on the kernel, so no seed is run by default.
 * The parameters run a range of seeds, or less of one:
 *
 *	pci_torture_kunit.from=1 pci_torture_kunit.seeds=1000
 *	pci_torture_kunit.from=17 pci_torture_kunit.seeds=1
 *	pci_torture_kunit.drop_steps=0-3,7 pci_torture_kunit.drop_nodes=4
 *	pci_torture_kunit.threads=1
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "torture-kunit.h"

static unsigned long from = 1;
module_param(from, ulong, 0444);
MODULE_PARM_DESC(from, "First seed");

static unsigned long seeds;
module_param(seeds, ulong, 0444);
MODULE_PARM_DESC(seeds, "Number of seeds");

static char *drop_steps = "";
module_param(drop_steps, charp, 0444);
MODULE_PARM_DESC(drop_steps, "List of steps that are left out");

static char *drop_nodes = "";
module_param(drop_nodes, charp, 0444);
MODULE_PARM_DESC(drop_nodes, "List of nodes that are left out");

static unsigned int threads = TORTURE_THREADS;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "Maximum number of threads");

static unsigned long torture_seed;

static const void *torture_next_seed(struct kunit *test, const void *prev,
				     char *desc)
{
	torture_seed = prev ? torture_seed + 1 : from;
	/* Without a seed there is one test, which is skipped */
	if (torture_seed - from >= max(seeds, 1))
		return NULL;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "seed %lu", torture_seed);
	return &torture_seed;
}

static void torture_seeds(struct kunit *test)
{
	struct torture_plan *plan;

	if (!seeds)
		kunit_skip(test, "pci_torture_kunit.seeds= is not given");

	plan = kunit_kzalloc(test, sizeof(*plan), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, plan);
	torture_plan_make(plan, torture_seed);
	KUNIT_ASSERT_EQ(test, 0,
			torture_plan_drop(plan, drop_steps, drop_nodes,
					  threads));
	torture_run(test, plan, seeds == 1);
}

static struct kunit_case torture_cases[] = {
	/* KUnit's limit of 5 minutes, in virtual time, is not enough */
	KUNIT_CASE_PARAM_ATTR(torture_seeds, torture_next_seed,
			      { .speed = KUNIT_SPEED_VERY_SLOW }),
	{}
};

static struct kunit_suite torture_suite = {
	.name = "pci_torture",
	.test_cases = torture_cases,
};

kunit_test_suite(torture_suite);

MODULE_DESCRIPTION("KUnit test of random operations on simulated PCIe fabrics");
MODULE_LICENSE("GPL");
