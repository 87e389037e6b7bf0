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
	{ .what = "a Link goes down while its port is unbound", .plan = {
	  .nr_nodes = 3, .nodes = {
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .hotplug = true, .power_ctrl = true, .intx = true,
			    .train_ms = 4, .cmd_us = 100000 } },
		{ .type = TORTURE_ENDPOINT, .parent = 0,
		  .mood = TORTURE_UNAWARE, .ep = { .ready_ms = 10 } },
		{ .type = TORTURE_FUNCTION, .parent = 1,
		  .mood = TORTURE_UNBOUND, .ep = { .dsn = 1, .ready_ms = 16 } },
	  },
	  .nr_steps = 2, .steps = {
		{ .us = 700, .thread = 0, .op = TORTURE_UNBIND_PORT, .node = 0 },
		{ .us = 4000, .thread = 1, .op = TORTURE_LINK_FLAP, .node = 0,
		  .arg = 10 },
	  } } },
	{ .what = "a Link goes down while its slot is brought up", .plan = {
	  .access_us = 200,
	  .nr_nodes = 3, .nodes = {
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .hotplug = true, .multi_msi = true,
			    .no_rrs_sv = true, .speed = 2, .cmd_us = 400,
			    .irq_us = 10 } },
		{ .type = TORTURE_PCI_BRIDGE, .parent = 0 },
		{ .type = TORTURE_ENDPOINT, .parent = 1,
		  .ep = { .conventional = true, .ready_ms = 47 } },
	  },
	  .nr_steps = 2, .steps = {
		{ .us = 30, .thread = 0, .op = TORTURE_LINK_FLAP, .node = 0,
		  .arg = 10 },
		{ .us = 70000, .thread = 0, .op = TORTURE_LINK_FLAP, .node = 0,
		  .arg = 500 },
	  } } },
	{ .what = "a slot that is off is rescanned", .plan = {
	  .nr_nodes = 2, .nodes = {
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .hotplug = true, .button = true } },
		{ .type = TORTURE_ENDPOINT, .parent = 0,
		  .ep = { .dsn = 1, .ready_ms = 52 } },
	  },
	  .nr_steps = 3, .steps = {
		{ .us = 1257308, .thread = 0, .op = TORTURE_SLOT_POWER,
		  .node = 0, .arg = 0 },
		{ .us = 1257348, .thread = 0, .op = TORTURE_RESCAN, .node = 0 },
		{ .us = 11491498, .thread = 0, .op = TORTURE_UNPLUG, .node = 0 },
	  } } },
	{ .what = "a Link below a new switch is late", .plan = {
	  .access_us = 100,
	  .nr_nodes = 4, .nodes = {
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .hotplug = true, .power_ctrl = true, .button = true,
			    .speed = 6, .train_ms = 13 } },
		{ .type = TORTURE_SWITCH, .parent = 0 },
		{ .type = TORTURE_DOWN_PORT, .parent = 1,
		  .port = { .hotplug = true, .power_ctrl = true,
			    .no_cmd_compl = true, .speed = 3, .train_ms = 3 } },
		{ .type = TORTURE_ENDPOINT, .parent = 2,
		  .mood = TORTURE_UNAWARE,
		  .ep = { .dsn = 1, .ready_ms = 11 } },
	  },
	  .nr_steps = 2, .steps = {
		{ .us = 3, .thread = 0, .op = TORTURE_FATAL, .node = 0 },
		{ .us = 60000, .thread = 0, .op = TORTURE_LINK_FLAP, .node = 2,
		  .arg = 20000 },
	  } } },
	{ .what = "a card is rescanned before it is ready", .plan = {
	  .nr_nodes = 4, .nodes = {
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .hotplug = true, .no_rrs_sv = true, .speed = 2,
			    .irq_us = 6 } },
		{ .type = TORTURE_PCI_BRIDGE, .parent = 0 },
		{ .type = TORTURE_ENDPOINT, .parent = 1,
		  .ep = { .conventional = true, .ready_ms = 50 } },
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE },
	  },
	  .nr_steps = 3, .steps = {
		{ .us = 60, .thread = 0, .op = TORTURE_UNPLUG, .node = 0 },
		{ .us = 12482773, .thread = 0, .op = TORTURE_REPLACE,
		  .node = 0, .arg = 0 },
		{ .us = 12502773, .thread = 0, .op = TORTURE_RESCAN, .node = 3 },
	  } } },
	{ .what = "a Function is removed during a recovery", .plan = {
	  .access_us = 8,
	  .nr_nodes = 3, .nodes = {
		{ .type = TORTURE_ROOT_PORT, .parent = TORTURE_NOWHERE,
		  .port = { .dpc = true, .speed = 4 } },
		{ .type = TORTURE_ENDPOINT, .parent = 0,
		  .ep = { .flr = true, .ready_ms = 45, .flr_ms = 9 } },
		/* quirk_no_bus_reset() */
		{ .type = TORTURE_FUNCTION, .parent = 1,
		  .ep = { .vendor = 0x168c, .device = 0x0030, .dsn = 1,
			  .flr = true, .ready_ms = 24, .flr_ms = 32 } },
	  },
	  .nr_steps = 2, .steps = {
		{ .us = 10229353, .thread = 0, .op = TORTURE_FATAL, .node = 1 },
		{ .us = 10232953, .thread = 0, .op = TORTURE_REMOVE, .node = 1 },
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
