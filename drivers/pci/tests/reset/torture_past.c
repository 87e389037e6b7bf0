// SPDX-License-Identifier: GPL-2.0
/*
 * Plans with which random testing has found a fault, see ../torture.c
 */

#include <kunit/test.h>

#include "../torture-kunit.h"

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

static struct kunit_case torture_past_cases[] = {
	KUNIT_CASE_PARAM_ATTR(torture_plans, torture_past_gen_params,
			      { .speed = KUNIT_SPEED_VERY_SLOW }),
	{}
};

static struct kunit_suite torture_past_suite = {
	.name = "pci_torture_past",
	.test_cases = torture_past_cases,
};

kunit_test_suite(torture_past_suite);
