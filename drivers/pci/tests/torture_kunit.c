// SPDX-License-Identifier: GPL-2.0
/*
 * Random fabrics, and random operations and faults on them
 *
 * By default a few seeds are run.  The parameters run others, and less of one:
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

static unsigned long seeds = 20;
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
	if (torture_seed - from >= seeds)
		return NULL;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "seed %lu", torture_seed);
	return &torture_seed;
}

static void torture_seeds(struct kunit *test)
{
	struct torture_plan *plan;

	plan = kunit_kzalloc(test, sizeof(*plan), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, plan);
	torture_plan_make(plan, torture_seed);
	KUNIT_ASSERT_EQ(test, 0,
			torture_plan_drop(plan, drop_steps, drop_nodes,
					  threads));
	torture_run(test, plan, seeds == 1);
}

/**
 * struct torture_past - a plan that a fault was found with
 * @what: what failed
 * @plan: plan, as "campaign.sh shrink" prints it
 */
struct torture_past {
	const char *what;
	struct torture_plan plan;
};

static const struct torture_past torture_past[] = {
	{ .what = "a card is moved to another slot during a reset", .plan = {
	  .nr_nodes = 3, .nodes = {
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .hotplug = true } },
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .hotplug = true, .irq_us = 8000 } },
		{ .type = TORTURE_ENDPOINT, .parent = 0,
		  .ep = { .dsn = 1, .ready_ms = 10 } },
	  },
	  .nr_steps = 3, .steps = {
		{ .us = 0, .thread = 0, .op = TORTURE_RESET_FUNCTION,
		  .node = 2 },
		{ .us = 50000, .thread = 1, .op = TORTURE_UNPLUG, .node = 0 },
		{ .us = 60000, .thread = 1, .op = TORTURE_PLUG, .node = 1 },
	  } } },
};

static void torture_past_desc(const struct torture_past *past, char *desc)
{
	strscpy(desc, past->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(torture_past, torture_past, torture_past_desc);

static void torture_plans(struct kunit *test)
{
	const struct torture_past *past = test->param_value;

	torture_run(test, &past->plan, false);
}

static struct kunit_case torture_cases[] = {
	KUNIT_CASE_PARAM_ATTR(torture_plans, torture_past_gen_params,
			      { .speed = KUNIT_SPEED_VERY_SLOW }),
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
