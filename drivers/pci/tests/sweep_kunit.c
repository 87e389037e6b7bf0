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
enum entry_target {
	ENTRY_FUNCTION, /* Function 0 of the Endpoint */
	ENTRY_LAST, /* its last Function */
	ENTRY_PORT, /* the port above the Endpoint */
	ENTRY_TOP, /* what is directly below the Root Port */
	ENTRY_ROOT, /* the Root Port */
};

/**
 * struct entry_point - an entry point
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
struct entry_point {
	const char *name;
	int (*reset)(struct pci_dev *pdev);
	enum entry_target target;
	enum sweep_scope scope;
	enum pci_sim_reset kind;
	const char *method;
	bool alone;
	bool raw;
	u32 extra_ms;
	struct pci_sim_ep_config ep;
};

static int entry_function_locked(struct pci_dev *pdev)
{
	guard(device)
		(&pdev->dev);

	return pci_reset_function_locked(pdev);
}

static int entry_sysfs_reset(struct pci_dev *pdev)
{
	return sim_kunit_store(pdev, "reset", "1");
}

static int entry_sysfs_subordinate(struct pci_dev *pdev)
{
	return sim_kunit_store(pdev, "reset_subordinate", "1");
}

/* Config access has to be blocked, or it warns */
static int entry_secondary_bus(struct pci_dev *pdev)
{
	guard(pci_dev)
		(pdev);

	return pci_bridge_secondary_bus_reset(pdev);
}

static const struct entry_point entry_points[] = {
	{ .name = "pci_reset_function", .reset = pci_reset_function,
	  .method = "flr", .kind = PCI_SIM_RESET_FLR },
	{ .name = "pci_reset_function", .reset = pci_reset_function,
	  .method = "af_flr", .kind = PCI_SIM_RESET_AF_FLR },
	{ .name = "pci_reset_function", .reset = pci_reset_function,
	  .method = "pm", .kind = PCI_SIM_RESET_PM },
	{ .name = "pci_reset_function", .reset = pci_reset_function,
	  .method = "bus", .kind = PCI_SIM_RESET_HOT, .alone = true },
	/* delay_250ms_after_flr() */
	{ .name = "pci_reset_function", .reset = pci_reset_function,
	  .method = "device_specific", .kind = PCI_SIM_RESET_FLR,
	  .extra_ms = 250, .ep = { .vendor = 0x8086, .device = 0x0953 } },
	{ .name = "pci_reset_function_locked", .reset = entry_function_locked,
	  .method = "flr", .kind = PCI_SIM_RESET_FLR },
	{ .name = "pci_reset_function_locked", .reset = entry_function_locked,
	  .method = "af_flr", .kind = PCI_SIM_RESET_AF_FLR },
	{ .name = "pci_reset_function_locked", .reset = entry_function_locked,
	  .method = "pm", .kind = PCI_SIM_RESET_PM },
	{ .name = "pci_reset_function_locked", .reset = entry_function_locked,
	  .method = "bus", .kind = PCI_SIM_RESET_HOT, .alone = true },
	{ .name = "pci_try_reset_function", .reset = pci_try_reset_function,
	  .method = "flr", .kind = PCI_SIM_RESET_FLR },
	{ .name = "pci_try_reset_function", .reset = pci_try_reset_function,
	  .method = "af_flr", .kind = PCI_SIM_RESET_AF_FLR },
	{ .name = "pci_try_reset_function", .reset = pci_try_reset_function,
	  .method = "pm", .kind = PCI_SIM_RESET_PM },
	{ .name = "pci_try_reset_function", .reset = pci_try_reset_function,
	  .method = "bus", .kind = PCI_SIM_RESET_HOT, .alone = true },
	{ .name = "reset in sysfs", .reset = entry_sysfs_reset, .method = "flr",
	  .kind = PCI_SIM_RESET_FLR },
	{ .name = "pci_reset_bus", .reset = pci_reset_bus, .target = ENTRY_LAST,
	  .scope = SWEEP_DEVICE, .kind = PCI_SIM_RESET_HOT },
	{ .name = "pci_reset_bus", .reset = pci_reset_bus, .target = ENTRY_TOP,
	  .scope = SWEEP_ALL, .kind = PCI_SIM_RESET_HOT },
	{ .name = "reset_subordinate in sysfs",
	  .reset = entry_sysfs_subordinate, .target = ENTRY_PORT,
	  .scope = SWEEP_DEVICE, .kind = PCI_SIM_RESET_HOT },
	{ .name = "reset_subordinate in sysfs",
	  .reset = entry_sysfs_subordinate, .target = ENTRY_ROOT,
	  .scope = SWEEP_ALL, .kind = PCI_SIM_RESET_HOT },
	{ .name = "pci_bus_error_reset", .reset = pci_bus_error_reset,
	  .target = ENTRY_PORT, .scope = SWEEP_DEVICE,
	  .kind = PCI_SIM_RESET_HOT, .raw = true },
	{ .name = "pci_bus_error_reset", .reset = pci_bus_error_reset,
	  .target = ENTRY_ROOT, .scope = SWEEP_ALL, .kind = PCI_SIM_RESET_HOT,
	  .raw = true },
	{ .name = "pci_bridge_secondary_bus_reset",
	  .reset = entry_secondary_bus, .target = ENTRY_PORT,
	  .scope = SWEEP_DEVICE, .kind = PCI_SIM_RESET_HOT, .raw = true },
	{ .name = "pci_bridge_secondary_bus_reset",
	  .reset = entry_secondary_bus, .target = ENTRY_ROOT,
	  .scope = SWEEP_ALL, .kind = PCI_SIM_RESET_HOT, .raw = true },
};

static bool entry_fill(struct sweep_case *c, unsigned int i)
{
	const struct entry_point *r = &entry_points[i];

	/* Without a switch this is the same as the reset of the device */
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

static void entry_desc(struct kunit *test, const void *param, char *desc)
{
	const struct sweep_case *c = param;
	const struct entry_point *r = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s%s: %s, %s", r->name,
		 r->scope == SWEEP_ALL ? " from the top" : r->method ? ", " : "",
		 r->method ?: "", c->topology->name, c->variant->name);
}

static struct pci_sim_func *entry_target_of(const struct sweep *s,
					    enum entry_target target)
{
	switch (target) {
	case ENTRY_FUNCTION:
		return s->ep;
	case ENTRY_LAST:
		return s->last;
	case ENTRY_PORT:
		return s->port;
	case ENTRY_TOP:
		return s->top;
	default:
		return s->root;
	}
}

static void entry_run(struct kunit *test)
{
	const struct sweep_case *c = test->param_value;
	const struct entry_point *r = c->data;
	struct pci_sim_ep_config ep = r->ep;
	struct pci_dev *pdev;
	struct sweep *s;
	ktime_t start;
	int rc = 0;

	ep.flr = true;
	ep.af_flr = true;
	ep.pm_reset = true;
	s = sim_sweep_start(test, c, ep);
	pdev = sim_kunit_dev(test, entry_target_of(s, r->target));
	if (r->method)
		rc = sim_kunit_store(pdev, "reset_method", r->method);

	start = ktime_get();
	KUNIT_EXPECT_EQ(test, c->error, rc ?: r->reset(pdev));
	sim_sweep_expect(test, c, s, ktime_us_delta(ktime_get(), start));
}

/* A Secondary Bus Reset by the port, which pciehp has to be told about */
static bool entry_is_reset_of_slot(const struct sweep_case *c)
{
	const struct entry_point *r = c->data;

	return r->reset == entry_secondary_bus && sim_sweep_below_hotplug(c);
}

/* Hotplug ports below are reset as well and must not take that for an unplug */
static bool entry_is_above_slots(const struct sweep_case *c)
{
	return !c->raw && sim_sweep_nested_hotplug(c);
}

static bool entry_fill_plain(struct sweep_case *c, unsigned int i)
{
	return entry_fill(c, i) && !entry_is_reset_of_slot(c) &&
	       !entry_is_above_slots(c);
}

static bool entry_fill_of_slot(struct sweep_case *c, unsigned int i)
{
	return entry_fill(c, i) && entry_is_reset_of_slot(c);
}

static bool entry_fill_above_slots(struct sweep_case *c, unsigned int i)
{
	return entry_fill(c, i) && entry_is_above_slots(c);
}

static int entry_init(struct kunit *test)
{
	return sim_sweep_params(test, ARRAY_SIZE(entry_points),
				entry_fill_plain, entry_desc);
}

static int entry_init_of_slot(struct kunit *test)
{
	return sim_sweep_params(test, ARRAY_SIZE(entry_points),
				entry_fill_of_slot, entry_desc);
}

static int entry_init_above_slots(struct kunit *test)
{
	return sim_sweep_params(test, ARRAY_SIZE(entry_points),
				entry_fill_above_slots, entry_desc);
}

static void sweep_reset(struct kunit *test)
{
	entry_run(test);
}

static void sweep_secondary_bus_reset_of_slot(struct kunit *test)
{
	entry_run(test);
}

static void sweep_reset_above_slots(struct kunit *test)
{
	entry_run(test);
}

/* 64 ports with four Functions below each, in two switches */
#define LARGE_PORTS	32
#define LARGE_FUNCTIONS	4

struct large_fabric {
	struct pci_sim_func *root;
	struct pci_sim_func *port[2 * LARGE_PORTS];
	struct pci_sim_func *ep[2 * LARGE_PORTS][LARGE_FUNCTIONS];
};

static void large_fabric_build(struct pci_sim *sim, struct large_fabric *l)
{
	struct pci_sim_func *up, *up2 = NULL;
	unsigned int i, j;

	l->root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, l->root);
	for (i = 0; i < ARRAY_SIZE(l->port); i++) {
		if (i % LARGE_PORTS == 0)
			up2 = pci_sim_add_switch(sim,
						 pci_sim_downstream_port(up));
		l->port[i] = pci_sim_downstream_port(up2);
		l->ep[i][0] = pci_sim_endpoint(sim, l->port[i]);
		for (j = 1; j < LARGE_FUNCTIONS; j++)
			l->ep[i][j] = pci_sim_function(l->ep[i][0]);
	}
}

/*
 * Every Function was reset @times times in total, and its driver told each time
 */
static void large_fabric_expect(struct kunit *test, struct large_fabric *l,
				unsigned int times)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(l->port); i++) {
		for (j = 0; j < LARGE_FUNCTIONS; j++) {
			struct pci_sim_func *f = l->ep[i][j];

			KUNIT_EXPECT_EQ(test, times,
					pci_sim_resets(f, PCI_SIM_RESET_HOT));
			KUNIT_EXPECT_EQ(test, times, pci_sim_resets_all(f));
			SIM_EXPECT_TOLD(test, f, times);
			SIM_EXPECT_BOUND(test, f, 1, 0);
		}
	}
}

static ktime_t large_fabric_step(struct kunit *test, const char *what,
				 ktime_t start)
{
	ktime_t now = ktime_get();

	kunit_info(test, "%s: %lld ms\n", what, ktime_ms_delta(now, start));
	return now;
}

/* Build it, reset each of its Links, all of them at once, and destroy it */
static void sweep_reset_of_large_fabric(struct kunit *test)
{
	struct large_fabric *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	struct pci_sim *sim = pci_sim_alloc();
	struct pci_dev *pdev;
	ktime_t start;
	unsigned int i;
	int rc;

	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_ASSERT_NOT_NULL(test, sim);
	start = ktime_get();
	large_fabric_build(sim, l);
	rc = pci_sim_start(sim);
	KUNIT_EXPECT_EQ(test, 0, rc);
	if (rc)
		goto destroy;
	kunit_info(test, "%zu ports, %zu Functions: %zu KiB\n",
		   ARRAY_SIZE(l->port), ARRAY_SIZE(l->port) * LARGE_FUNCTIONS,
		   (ARRAY_SIZE(l->port) * (1 + LARGE_FUNCTIONS) + 6) *
			   sizeof(struct pci_sim_func) / SZ_1K);
	start = large_fabric_step(test, "built and enumerated", start);

	for (i = 0; i < ARRAY_SIZE(l->port); i++) {
		pdev = pci_sim_get_dev(l->ep[i][0]);
		KUNIT_EXPECT_NOT_NULL(test, pdev);
		if (!pdev)
			goto destroy;
		KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
		pci_dev_put(pdev);
	}
	start = large_fabric_step(test, "each Link reset", start);
	large_fabric_expect(test, l, 1);

	/* lockdep gives up on a task that holds more than 48 locks */
	if (IS_ENABLED(CONFIG_LOCKDEP))
		goto destroy;

	pdev = pci_sim_get_dev(l->root);
	KUNIT_EXPECT_EQ(test, 0, entry_sysfs_subordinate(pdev));
	pci_dev_put(pdev);
	start = large_fabric_step(test, "reset from the top", start);
	large_fabric_expect(test, l, 2);

destroy:
	pci_sim_destroy(sim);
	large_fabric_step(test, "removed", start);
}

static struct kunit_case sweep_cases[] = {
	KUNIT_CASE_PARAM_WITH_INIT(sweep_reset, kunit_array_gen_params,
				   entry_init, NULL),
	KUNIT_CASE_PARAM_WITH_INIT(sweep_secondary_bus_reset_of_slot,
				   kunit_array_gen_params, entry_init_of_slot,
				   NULL),
	KUNIT_CASE_PARAM_WITH_INIT(sweep_reset_above_slots,
				   kunit_array_gen_params,
				   entry_init_above_slots, NULL),
	KUNIT_CASE(sweep_reset_of_large_fabric),
	{}
};

static struct kunit_suite sweep_suite = {
	.name = "pci_reset_sweep",
	.test_cases = sweep_cases,
};

kunit_test_suite(sweep_suite);
