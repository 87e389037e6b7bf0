// SPDX-License-Identifier: GPL-2.0
/*
 * Every reset method and every entry point for resets, on all fabrics of
 * sweep-kunit.h
 *
 * ACPI and CXL are not simulated.
 */

#include <linux/pci.h>

#include "../pci.h"
#include "../sim/sim.h"
#include "sweep-kunit.h"

/* Which device an entry point is called with */
enum sw_target {
	SW_FUNCTION,	/* Function 0 of the Endpoint */
	SW_LAST,	/* its last Function */
	SW_PORT,	/* the port above the Endpoint */
	SW_TOP,		/* what is directly below the Root Port */
	SW_ROOT,	/* the Root Port */
};

/**
 * struct sw_reset - an entry point
 * @name: for the log
 * @reset: what is called
 * @target: with which device
 * @scope: what it resets
 * @kind: by what
 * @method: is written to reset_method in sysfs before
 * @alone: needs to be the only Function of its device
 * @raw: see struct sweep_case
 * @extra_ms: the same
 * @ep: what the Endpoints are like, in addition to all methods of their own
 */
struct sw_reset {
	const char *name;
	int (*reset)(struct pci_dev *pdev);
	enum sw_target target;
	enum sweep_scope scope;
	enum pci_sim_reset kind;
	const char *method;
	bool alone;
	bool raw;
	u32 extra_ms;
	struct pci_sim_ep_config ep;
};

static int sw_function_locked(struct pci_dev *pdev)
{
	int ret;

	device_lock(&pdev->dev);
	ret = pci_reset_function_locked(pdev);
	device_unlock(&pdev->dev);
	return ret;
}

static int sw_sysfs_reset(struct pci_dev *pdev)
{
	return sim_kunit_store(pdev, "reset", "1");
}

static int sw_sysfs_subordinate(struct pci_dev *pdev)
{
	return sim_kunit_store(pdev, "reset_subordinate", "1");
}

/* As it warns if it is called in another way: with config access blocked */
static int sw_secondary_bus(struct pci_dev *pdev)
{
	int ret;

	pci_dev_lock(pdev);
	ret = pci_bridge_secondary_bus_reset(pdev);
	pci_dev_unlock(pdev);
	return ret;
}

static const struct sw_reset sw_resets[] = {
	{ "pci_reset_function", pci_reset_function, .method = "flr",
	  .kind = PCI_SIM_RESET_FLR },
	{ "pci_reset_function", pci_reset_function, .method = "af_flr",
	  .kind = PCI_SIM_RESET_AF_FLR },
	{ "pci_reset_function", pci_reset_function, .method = "pm",
	  .kind = PCI_SIM_RESET_PM },
	{ "pci_reset_function", pci_reset_function, .method = "bus",
	  .kind = PCI_SIM_RESET_HOT, .alone = true },
	/* delay_250ms_after_flr() */
	{ "pci_reset_function", pci_reset_function, .method = "device_specific",
	  .kind = PCI_SIM_RESET_FLR, .extra_ms = 250,
	  .ep = { .vendor = 0x8086, .device = 0x0953 } },
	{ "pci_reset_function_locked", sw_function_locked, .method = "flr",
	  .kind = PCI_SIM_RESET_FLR },
	{ "pci_reset_function_locked", sw_function_locked, .method = "af_flr",
	  .kind = PCI_SIM_RESET_AF_FLR },
	{ "pci_reset_function_locked", sw_function_locked, .method = "pm",
	  .kind = PCI_SIM_RESET_PM },
	{ "pci_reset_function_locked", sw_function_locked, .method = "bus",
	  .kind = PCI_SIM_RESET_HOT, .alone = true },
	{ "pci_try_reset_function", pci_try_reset_function, .method = "flr",
	  .kind = PCI_SIM_RESET_FLR },
	{ "pci_try_reset_function", pci_try_reset_function, .method = "af_flr",
	  .kind = PCI_SIM_RESET_AF_FLR },
	{ "pci_try_reset_function", pci_try_reset_function, .method = "pm",
	  .kind = PCI_SIM_RESET_PM },
	{ "pci_try_reset_function", pci_try_reset_function, .method = "bus",
	  .kind = PCI_SIM_RESET_HOT, .alone = true },
	{ "reset in sysfs", sw_sysfs_reset, .method = "flr",
	  .kind = PCI_SIM_RESET_FLR },
	{ "pci_reset_bus", pci_reset_bus, SW_LAST,
	  SWEEP_DEVICE, PCI_SIM_RESET_HOT },
	{ "pci_reset_bus", pci_reset_bus, SW_TOP,
	  SWEEP_ALL, PCI_SIM_RESET_HOT },
	{ "reset_subordinate in sysfs", sw_sysfs_subordinate, SW_PORT,
	  SWEEP_DEVICE, PCI_SIM_RESET_HOT },
	{ "reset_subordinate in sysfs", sw_sysfs_subordinate, SW_ROOT,
	  SWEEP_ALL, PCI_SIM_RESET_HOT },
	{ "pci_bus_error_reset", pci_bus_error_reset, SW_PORT,
	  SWEEP_DEVICE, PCI_SIM_RESET_HOT, .raw = true },
	{ "pci_bus_error_reset", pci_bus_error_reset, SW_ROOT,
	  SWEEP_ALL, PCI_SIM_RESET_HOT, .raw = true },
	{ "pci_bridge_secondary_bus_reset", sw_secondary_bus, SW_PORT,
	  SWEEP_DEVICE, PCI_SIM_RESET_HOT, .raw = true },
	{ "pci_bridge_secondary_bus_reset", sw_secondary_bus, SW_ROOT,
	  SWEEP_ALL, PCI_SIM_RESET_HOT, .raw = true },
};

static bool sw_fill(struct sweep_case *c, unsigned int i)
{
	const struct sw_reset *r = &sw_resets[i];

	/* Without a switch the top is the bottom */
	if (r->scope == SWEEP_ALL && !c->topology->levels)
		return false;
	/* The speed of a Link has nothing to do with the Functions' resets */
	if (c->variant->speed && r->kind != PCI_SIM_RESET_HOT)
		return false;

	c->data = r;
	c->scope = r->scope;
	c->kind = r->kind;
	c->raw = r->raw;
	c->extra_ms = r->extra_ms;
	/* reset_method does not take what the device does not support */
	if (r->alone && c->topology->functions > 1)
		c->error = -EINVAL;
	return true;
}

static void sw_desc(struct kunit *test, const void *param, char *desc)
{
	const struct sweep_case *c = param;
	const struct sw_reset *r = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s%s: %s, %s", r->name,
		 r->scope == SWEEP_ALL ? " from the top" : r->method ? ", " : "",
		 r->method ?: "", c->topology->name, c->variant->name);
}

static struct pci_sim_func *sw_target(const struct sweep *s,
				      enum sw_target target)
{
	switch (target) {
	case SW_FUNCTION:
		return s->ep;
	case SW_LAST:
		return s->last;
	case SW_PORT:
		return s->port;
	case SW_TOP:
		return s->top;
	default:
		return s->root;
	}
}

static void sw_run(struct kunit *test, bool in_time)
{
	const struct sweep_case *c = test->param_value;
	const struct sw_reset *r = c->data;
	struct pci_sim_ep_config ep = r->ep;
	struct pci_dev *pdev;
	struct sweep *s;
	ktime_t start;
	int ret = 0;

	ep.flr = true;
	ep.af_flr = true;
	ep.pm_reset = true;
	s = sweep_start(test, c, ep);
	pdev = sim_kunit_dev(test, sw_target(s, r->target));
	if (r->method)
		ret = sim_kunit_store(pdev, "reset_method", r->method);

	start = ktime_get();
	KUNIT_EXPECT_EQ(test, c->error, ret ?: r->reset(pdev));
	sweep_expect(test, c, s, ktime_us_delta(ktime_get(), start), in_time);
}

/*
 * What 7.3 gets wrong is in a suite of its own: numbers as in
 * faults_kunit.c
 */
static bool sw_fault_unannounced(const struct sweep_case *c)
{
	const struct sw_reset *r = c->data;

	return r->reset == sw_secondary_bus && sweep_below_hotplug(c);
}

static bool sw_fault_nested(const struct sweep_case *c)
{
	return !c->raw && sweep_nested_hotplug(c);
}

static bool sw_fault_sum(const struct sweep_case *c)
{
	return !c->raw && sweep_many_ports(c);
}

static bool sw_fill_good(struct sweep_case *c, unsigned int i)
{
	return sw_fill(c, i) && !sw_fault_unannounced(c) && !sw_fault_nested(c);
}

static int sw_init(struct kunit *test)
{
	return sweep_params(test, ARRAY_SIZE(sw_resets), sw_fill_good, sw_desc);
}

static void sw_reset(struct kunit *test)
{
	sw_run(test, !sw_fault_sum(test->param_value));
}

/* 64 ports with four Functions below each, in two switches */
#define SW_PORTS	32
#define SW_FUNCTIONS	4

struct sw_large {
	struct pci_sim_func *root;
	struct pci_sim_func *port[2 * SW_PORTS];
	struct pci_sim_func *ep[2 * SW_PORTS][SW_FUNCTIONS];
};

static void sw_large_build(struct pci_sim *sim, struct sw_large *l)
{
	struct pci_sim_func *up, *up2 = NULL;
	unsigned int i, j;

	l->root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, l->root);
	for (i = 0; i < ARRAY_SIZE(l->port); i++) {
		if (i % SW_PORTS == 0)
			up2 = pci_sim_add_switch(sim,
						 pci_sim_downstream_port(up));
		l->port[i] = pci_sim_downstream_port(up2);
		l->ep[i][0] = pci_sim_endpoint(sim, l->port[i]);
		for (j = 1; j < SW_FUNCTIONS; j++)
			l->ep[i][j] = pci_sim_function(l->ep[i][0]);
	}
}

/* Every Function was reset that often in total, and found nothing amiss */
static void sw_large_expect(struct kunit *test, struct sw_large *l,
			    unsigned int times)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(l->port); i++) {
		for (j = 0; j < SW_FUNCTIONS; j++) {
			struct pci_sim_func *f = l->ep[i][j];

			KUNIT_EXPECT_EQ(test, times,
					pci_sim_resets(f, PCI_SIM_RESET_HOT));
			KUNIT_EXPECT_EQ(test, times, pci_sim_resets_all(f));
			SIM_EXPECT_TOLD(test, f, times);
			SIM_EXPECT_BOUND(test, f, 1, 0);
		}
	}
}

static ktime_t sw_large_step(struct kunit *test, const char *what,
			     ktime_t start)
{
	ktime_t now = ktime_get();

	kunit_info(test, "%s: %lld ms\n", what, ktime_ms_delta(now, start));
	return now;
}

/* It can be built, each of its Links reset, all of them at once, and it goes */
static void sw_large(struct kunit *test)
{
	struct sw_large *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	struct pci_sim *sim = pci_sim_alloc();
	struct pci_dev *pdev;
	ktime_t start;
	unsigned int i;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_ASSERT_NOT_NULL(test, sim);
	start = ktime_get();
	sw_large_build(sim, l);
	ret = pci_sim_start(sim);
	KUNIT_EXPECT_EQ(test, 0, ret);
	if (ret)
		goto destroy;
	kunit_info(test, "%zu ports, %zu Functions: %zu KiB\n",
		   ARRAY_SIZE(l->port), ARRAY_SIZE(l->port) * SW_FUNCTIONS,
		   (ARRAY_SIZE(l->port) * (1 + SW_FUNCTIONS) + 6) *
		   sizeof(struct pci_sim_func) / SZ_1K);
	start = sw_large_step(test, "built and enumerated", start);

	for (i = 0; i < ARRAY_SIZE(l->port); i++) {
		pdev = pci_sim_get_dev(l->ep[i][0]);
		KUNIT_EXPECT_NOT_NULL(test, pdev);
		if (!pdev)
			goto destroy;
		KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
		pci_dev_put(pdev);
	}
	start = sw_large_step(test, "each Link reset", start);
	sw_large_expect(test, l, 1);

	/* lockdep gives up on a task that holds more than 48 locks */
	if (IS_ENABLED(CONFIG_LOCKDEP))
		goto destroy;

	pdev = pci_sim_get_dev(l->root);
	KUNIT_EXPECT_EQ(test, 0, sw_sysfs_subordinate(pdev));
	pci_dev_put(pdev);
	start = sw_large_step(test, "reset from the top", start);
	sw_large_expect(test, l, 2);

destroy:
	pci_sim_destroy(sim);
	sw_large_step(test, "removed", start);
}

static struct kunit_case sw_cases[] = {
	KUNIT_CASE_PARAM_WITH_INIT(sw_reset, kunit_array_gen_params, sw_init,
				   NULL),
	KUNIT_CASE(sw_large),
	{}
};

static struct kunit_suite sw_suite = {
	.name = "pci-sim-sweep",
	.test_cases = sw_cases,
};

kunit_test_suite(sw_suite);

#if IS_ENABLED(CONFIG_PCI_FAULTS_KUNIT_TEST)

static bool sw_fill_unannounced(struct sweep_case *c, unsigned int i)
{
	return sw_fill(c, i) && sw_fault_unannounced(c);
}

static bool sw_fill_nested(struct sweep_case *c, unsigned int i)
{
	return sw_fill(c, i) && sw_fault_nested(c);
}

static bool sw_fill_sum(struct sweep_case *c, unsigned int i)
{
	return sw_fill(c, i) && sw_fault_sum(c) && !sw_fault_nested(c);
}

static int sw_unannounced_init(struct kunit *test)
{
	return sweep_params(test, ARRAY_SIZE(sw_resets), sw_fill_unannounced,
			    sw_desc);
}

static int sw_nested_init(struct kunit *test)
{
	return sweep_params(test, ARRAY_SIZE(sw_resets), sw_fill_nested,
			    sw_desc);
}

static int sw_sum_init(struct kunit *test)
{
	return sweep_params(test, ARRAY_SIZE(sw_resets), sw_fill_sum, sw_desc);
}

/* 1: a Secondary Bus Reset by the port itself looks like an unplug */
static void sw_unannounced(struct kunit *test)
{
	sw_run(test, true);
}

/* 2: a reset above hotplug ports, which take it for an unplug */
static void sw_nested(struct kunit *test)
{
	sw_run(test, !sw_fault_sum(test->param_value));
}

/* 4: one port is waited for after the other */
static void sw_sum(struct kunit *test)
{
	sw_run(test, true);
}

static struct kunit_case sw_fault_cases[] = {
	KUNIT_CASE_PARAM_WITH_INIT(sw_unannounced, kunit_array_gen_params,
				   sw_unannounced_init, NULL),
	KUNIT_CASE_PARAM_WITH_INIT(sw_nested, kunit_array_gen_params,
				   sw_nested_init, NULL),
	KUNIT_CASE_PARAM_WITH_INIT(sw_sum, kunit_array_gen_params, sw_sum_init,
				   NULL),
	{}
};

static struct kunit_suite sw_fault_suite = {
	.name = "pci-fault-sweep",
	.attr.speed = KUNIT_SPEED_SLOW,
	.test_cases = sw_fault_cases,
};

kunit_test_suite(sw_fault_suite);

#endif
