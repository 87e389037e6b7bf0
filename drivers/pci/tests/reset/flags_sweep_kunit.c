// SPDX-License-Identifier: GPL-2.0
/*
 * pci_reset_bus_flags() on all fabrics of sweep.c: each mask, without and with
 * the modifiers that it may be combined with
 */

#include <linux/ktime.h>
#include <linux/pci.h>

#include "../sweep-kunit.h"
#include "flags-kunit.h"

struct flags_mask {
	const char *name;
	pci_reset_flags_t mask;
	enum sweep_scope scope;
	enum pci_sim_reset kind;
	bool slot;
	u32 extra_ms;
	struct pci_sim_ep_config ep;
};

#define FLAGS_MASK(_mask, _scope, _kind, ...)                           \
	{                                                               \
		.name = #_mask, .mask = PCI_RESET_##_mask,              \
		.scope = SWEEP_##_scope, .kind = PCI_SIM_RESET_##_kind, \
		__VA_ARGS__                                             \
	}

static const struct flags_mask flags_masks[] = {
	FLAGS_MASK(DEV_SPECIFIC, FUNCTION, FLR, .extra_ms = 250,
		   .ep = FLAGS_QUIRK),
	FLAGS_MASK(FLR, FUNCTION, FLR, .ep = FLAGS_FLR),
	FLAGS_MASK(PM, FUNCTION, PM, .ep = FLAGS_PM),
	FLAGS_MASK(FUNC, FUNCTION, AF_FLR, .ep = FLAGS_AF_FLR),
	FLAGS_MASK(ANY, FUNCTION, FLR, .ep = FLAGS_FLR),
	FLAGS_MASK(SLOT, DEVICE, HOT, .slot = true, .ep = FLAGS_FLR),
	FLAGS_MASK(SLOT, ALL, HOT, .slot = true, .ep = FLAGS_FLR),
	FLAGS_MASK(BUS, DEVICE, HOT, .ep = FLAGS_FLR),
	FLAGS_MASK(BUS, ALL, HOT, .ep = FLAGS_FLR),
	FLAGS_MASK(LINK, DEVICE, HOT, .ep = FLAGS_FLR),
	FLAGS_MASK(LINK, ALL, HOT, .ep = FLAGS_FLR),
};

static const struct flags_modifiers {
	const char *name;
	pci_reset_flags_t flags;
} flags_modifiers[] = {
	{ .name = "" },
	{ .name = " | LOCKED", .flags = PCI_RESET_LOCKED },
	{ .name = " | TRYLOCK", .flags = PCI_RESET_TRYLOCK },
	{ .name = " | ALONE", .flags = PCI_RESET_ALONE },
	{ .name = " | LOCKED | ALONE",
	  .flags = PCI_RESET_LOCKED | PCI_RESET_ALONE },
};

struct flags_combination {
	const struct flags_mask *mask;
	const struct flags_modifiers *modifiers;
};

static struct flags_combination flags_combinations[ARRAY_SIZE(flags_masks) *
						   ARRAY_SIZE(flags_modifiers)];

/* The device that is reset shares the Link with others */
static bool flags_shared(const struct sweep_case *c)
{
	return c->scope != SWEEP_FUNCTION &&
	       (c->scope == SWEEP_ALL || c->topology->functions > 1);
}

static bool flags_fill(struct sweep_case *c, unsigned int i)
{
	struct flags_combination *combo = &flags_combinations[i];

	combo->mask = &flags_masks[i / ARRAY_SIZE(flags_modifiers)];
	combo->modifiers = &flags_modifiers[i % ARRAY_SIZE(flags_modifiers)];

	/* Without a switch this is the same as the reset of the device */
	if (combo->mask->scope == SWEEP_ALL && !c->topology->levels)
		return false;
	if (c->variant->speed && combo->mask->kind != PCI_SIM_RESET_HOT)
		return false;
	/* Locks do not depend on how many ports there are, or how fast */
	if (combo->modifiers->flags && (c->variant->speed || !c->topology->all))
		return false;

	c->data = combo;
	c->scope = combo->mask->scope;
	c->kind = combo->mask->kind;
	c->extra_ms = combo->mask->extra_ms;
	if (combo->mask->slot && !sim_sweep_below_hotplug(c))
		c->error = -ENOTTY;
	else if (combo->modifiers->flags & PCI_RESET_ALONE && flags_shared(c))
		c->error = -EBUSY;
	return true;
}

static void flags_sweep_desc(struct kunit *test, const void *param, char *desc)
{
	const struct sweep_case *c = param;
	const struct flags_combination *combo = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s%s: %s, %s",
		 combo->mask->name, combo->modifiers->name,
		 c->scope == SWEEP_ALL ? " from the top" : "",
		 c->topology->name, c->variant->name);
}

static void flags_on_all_fabrics(struct kunit *test)
{
	const struct sweep_case *c = test->param_value;
	const struct flags_combination *combo = c->data;
	bool locked = combo->modifiers->flags & PCI_RESET_LOCKED;
	struct sweep *s = sim_sweep_start(test, c, combo->mask->ep);
	struct pci_dev *pdev;
	ktime_t start;
	int rc;

	pdev = sim_kunit_dev(test, c->scope == SWEEP_ALL ? s->top : s->ep);
	if (locked)
		device_lock(&pdev->dev);
	start = ktime_get();
	rc = pci_reset_bus_flags(pdev,
				 combo->mask->mask | combo->modifiers->flags);
	if (locked) {
		KUNIT_EXPECT_FALSE(test, device_trylock(&pdev->dev));
		device_unlock(&pdev->dev);
	}
	KUNIT_EXPECT_EQ(test, c->error, rc);
	sim_sweep_expect(test, c, s, ktime_us_delta(ktime_get(), start));
}

static int flags_sweep_init(struct kunit *test)
{
	return sim_sweep_params(test, ARRAY_SIZE(flags_combinations),
				flags_fill, flags_sweep_desc);
}

static struct kunit_case flags_sweep_cases[] = {
	KUNIT_CASE_PARAM_WITH_INIT(flags_on_all_fabrics, kunit_array_gen_params,
				   flags_sweep_init, NULL),
	{}
};

static struct kunit_suite flags_sweep_suite = {
	.name = "pci_reset_flags_sweep",
	.test_cases = flags_sweep_cases,
};

kunit_test_suite(flags_sweep_suite);
