// SPDX-License-Identifier: GPL-2.0
/*
 * pci_reset_bus_flags() and what goes with it, against its contract: the mask
 * is a ceiling, every outcome has its own error, what was asked about is what
 * is reset, and drivers are told exactly once
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "sweep-kunit.h"

/* What a test needs to know about one Endpoint below one port */
struct rf {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_sim_func *other;
	struct pci_dev *pdev;
};

/*
 * An Endpoint, and below a port of its own another one that nothing must
 * happen to
 */
static void rf_build(struct kunit *test, struct rf *rf, bool hotplug,
		     struct pci_sim_ep_config config)
{
	struct pci_sim_func *port2;

	rf->sim = sim_kunit_alloc(test);
	rf->port = pci_sim_root_port(rf->sim, .hotplug = hotplug);
	port2 = pci_sim_root_port(rf->sim, .hotplug = hotplug);
	rf->ep = pci_sim_add_endpoint(rf->sim, rf->port, &config);
	rf->other = pci_sim_endpoint(rf->sim, port2, .flr = true);
}

static void rf_start(struct kunit *test, struct rf *rf)
{
	sim_kunit_start(test, rf->sim);
	rf->pdev = sim_kunit_dev(test, rf->ep);
	sim_kunit_mark(test, rf->ep);
	sim_kunit_mark(test, rf->other);
}

/* Each method and alias on a device that supports it */
struct rf_method {
	const char *name;
	pci_reset_flags_t mask;
	pci_reset_flags_t method;
	enum pci_sim_reset kind;
	bool hotplug;
	struct pci_sim_ep_config ep;
};

#define RF_FLR		{ .flr = true, .flr_ms = 50 }
#define RF_AF_FLR	{ .af_flr = true, .flr_ms = 50 }
#define RF_PM		{ .pm_reset = true, .d3_ms = 5 }
#define RF_PLAIN	{ .ready_ms = 30 }
/* delay_250ms_after_flr() in the table of quirks */
#define RF_QUIRK	{ .vendor = 0x8086, .device = 0x0953, .flr = true }

static const struct rf_method rf_methods[] = {
	{ "DEV_SPECIFIC", PCI_RESET_DEV_SPECIFIC, PCI_RESET_DEV_SPECIFIC,
	  PCI_SIM_RESET_FLR, .ep = RF_QUIRK },
	{ "FLR", PCI_RESET_FLR, PCI_RESET_FLR,
	  PCI_SIM_RESET_FLR, .ep = RF_FLR },
	{ "FLR on hotplug port", PCI_RESET_FLR, PCI_RESET_FLR,
	  PCI_SIM_RESET_FLR, .hotplug = true, .ep = RF_FLR },
	{ "FLR by Advanced Features", PCI_RESET_FLR, PCI_RESET_FLR,
	  PCI_SIM_RESET_AF_FLR, .ep = RF_AF_FLR },
	{ "PM", PCI_RESET_PM, PCI_RESET_PM,
	  PCI_SIM_RESET_PM, .ep = RF_PM },
	{ "SLOT", PCI_RESET_SLOT, PCI_RESET_SLOT,
	  PCI_SIM_RESET_HOT, .hotplug = true, .ep = RF_PLAIN },
	{ "BUS", PCI_RESET_BUS, PCI_RESET_BUS,
	  PCI_SIM_RESET_HOT, .ep = RF_PLAIN },
	{ "BUS on hotplug port", PCI_RESET_BUS, PCI_RESET_BUS,
	  PCI_SIM_RESET_HOT, .hotplug = true, .ep = RF_PLAIN },
	{ "FUNC is DEV_SPECIFIC", PCI_RESET_FUNC, PCI_RESET_DEV_SPECIFIC,
	  PCI_SIM_RESET_FLR, .ep = RF_QUIRK },
	{ "FUNC is FLR", PCI_RESET_FUNC, PCI_RESET_FLR,
	  PCI_SIM_RESET_FLR, .ep = RF_FLR },
	{ "FUNC is PM", PCI_RESET_FUNC, PCI_RESET_PM,
	  PCI_SIM_RESET_PM, .ep = RF_PM },
	{ "LINK is BUS", PCI_RESET_LINK, PCI_RESET_BUS,
	  PCI_SIM_RESET_HOT, .ep = RF_FLR },
	{ "LINK is SLOT", PCI_RESET_LINK, PCI_RESET_SLOT,
	  PCI_SIM_RESET_HOT, .hotplug = true, .ep = RF_FLR },
	{ "ANY is FLR", PCI_RESET_ANY, PCI_RESET_FLR,
	  PCI_SIM_RESET_FLR, .hotplug = true, .ep = RF_FLR },
	{ "ANY is SLOT", PCI_RESET_ANY, PCI_RESET_SLOT,
	  PCI_SIM_RESET_HOT, .hotplug = true, .ep = RF_PLAIN },
	{ "ANY is BUS", PCI_RESET_ANY, PCI_RESET_BUS,
	  PCI_SIM_RESET_HOT, .ep = RF_PLAIN },
	{ "PM | BUS is PM", PCI_RESET_PM | PCI_RESET_BUS, PCI_RESET_PM,
	  PCI_SIM_RESET_PM, .ep = RF_PM },
	{ "PM | BUS is BUS", PCI_RESET_PM | PCI_RESET_BUS, PCI_RESET_BUS,
	  PCI_SIM_RESET_HOT, .ep = RF_FLR },
};

KUNIT_ARRAY_PARAM_DESC(rf_method, rf_methods, name);

/* Asking resets nothing, and committing resets what was said */
static void rf_query(struct kunit *test)
{
	const struct rf_method *m = test->param_value;
	struct pci_reset_scope *scope;
	struct rf rf;

	rf_build(test, &rf, m->hotplug, m->ep);
	rf_start(test, &rf);
	scope = pci_reset_scope_get(rf.pdev, m->mask);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_TRUE(test, scope->method == m->method);
	KUNIT_EXPECT_EQ(test, 1, scope->nr_devs);
	KUNIT_EXPECT_PTR_EQ(test, rf.pdev, scope->devs[0]);
	SIM_EXPECT_UNTOUCHED(test, rf.ep);

	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, rf.ep, m->kind);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* Masks that must not reset anything, on a device that has other methods */
struct rf_refusal {
	const char *name;
	pci_reset_flags_t mask;
	int error;
	bool hotplug;
	struct pci_sim_ep_config ep;
};

#define RF_BIT(n)	((__force pci_reset_flags_t)BIT(n))

static const struct rf_refusal rf_refusals[] = {
	{ "nothing", 0, -EINVAL },
	{ "modifiers only", PCI_RESET_TRYLOCK | PCI_RESET_ALONE, -EINVAL },
	{ "unknown method", PCI_RESET_FLR | RF_BIT(7), -EINVAL, .ep = RF_FLR },
	{ "unknown modifier", PCI_RESET_FLR | RF_BIT(19), -EINVAL,
	  .ep = RF_FLR },
	{ "highest bit", PCI_RESET_ANY | RF_BIT(31), -EINVAL, .ep = RF_FLR },
	{ "lock not held", PCI_RESET_FLR | PCI_RESET_LOCKED, -EINVAL,
	  .ep = RF_FLR },
	{ "no quirk", PCI_RESET_DEV_SPECIFIC, -ENOTTY, .ep = RF_FLR },
	{ "no FLR", PCI_RESET_FLR, -ENOTTY, .hotplug = true, .ep = RF_PM },
	{ "no PM reset", PCI_RESET_PM, -ENOTTY, .hotplug = true,
	  .ep = RF_FLR },
	{ "no PM at all", PCI_RESET_PM, -ENOTTY, .ep = { .no_pm = true } },
	{ "no slot", PCI_RESET_SLOT, -ENOTTY, .ep = RF_FLR },
	{ "no ACPI", PCI_RESET_ACPI, -ENOTTY, .hotplug = true, .ep = RF_FLR },
	{ "no CXL", PCI_RESET_CXL_BUS, -ENOTTY, .hotplug = true,
	  .ep = RF_FLR },
	{ "no function reset", PCI_RESET_FUNC, -ENOTTY, .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(rf_refusal, rf_refusals, name);

static void rf_refuse(struct kunit *test)
{
	const struct rf_refusal *r = test->param_value;
	struct pci_reset_scope *scope;
	struct rf rf;

	rf_build(test, &rf, r->hotplug, r->ep);
	rf_start(test, &rf);
	KUNIT_EXPECT_EQ(test, r->error, pci_reset_bus_flags(rf.pdev, r->mask));

	/* A scope is asked for without locks, so it has no opinion on them */
	if (!(r->mask & PCI_RESET_LOCKED)) {
		scope = pci_reset_scope_get(rf.pdev, r->mask);
		KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(r->error), scope);
		pci_reset_scope_put(scope);
	}
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_UNTOUCHED(test, rf.ep);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* A Root Port has no bridge above it that could reset it */
static void rf_no_bridge(struct kunit *test)
{
	struct pci_dev *root;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_FLR);
	rf_start(test, &rf);
	root = sim_kunit_dev(test, rf.port);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_bus_flags(root, PCI_RESET_ANY));
	device_lock(&root->dev);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_bus_flags(root, PCI_RESET_LINK |
						  PCI_RESET_LOCKED));
	device_unlock(&root->dev);
	SIM_EXPECT_UNTOUCHED(test, rf.ep);
}

/* All Functions go with the Link, one alone with its own reset */
static void rf_multifunction(struct kunit *test)
{
	struct pci_reset_scope *s0, *s1;
	struct pci_sim_func *f1;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_FLR);
	f1 = pci_sim_function(rf.ep);
	rf_start(test, &rf);
	sim_kunit_mark(test, f1);

	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK |
						     PCI_RESET_ALONE));
	SIM_EXPECT_UNTOUCHED(test, rf.ep);
	SIM_EXPECT_UNTOUCHED(test, f1);

	s0 = pci_reset_scope_get(rf.pdev, PCI_RESET_LINK);
	s1 = pci_reset_scope_get(sim_kunit_dev(test, f1), PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s1);
	KUNIT_EXPECT_EQ(test, 2, s0->nr_devs);
	KUNIT_EXPECT_PTR_EQ(test, s0->id, s1->id);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_scope_commit(s0, PCI_RESET_ALONE));
	SIM_EXPECT_UNTOUCHED(test, f1);

	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(s1, 0));
	pci_reset_scope_put(s0);
	pci_reset_scope_put(s1);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, rf.ep, PCI_SIM_RESET_HOT);
	SIM_EXPECT_RESET(test, f1, PCI_SIM_RESET_HOT);

	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_FUNC |
						     PCI_RESET_ALONE));
	KUNIT_EXPECT_EQ(test, 2, pci_sim_resets_all(rf.ep));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(f1));
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* Locks that somebody else holds */
static void rf_contended(struct kunit *test)
{
	struct pci_dev *bridge;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_FLR);
	rf_start(test, &rf);
	bridge = pci_upstream_bridge(rf.pdev);

	device_lock(&rf.pdev->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_FLR |
						     PCI_RESET_TRYLOCK));
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_ANY |
						     PCI_RESET_TRYLOCK));
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK |
						     PCI_RESET_TRYLOCK));
	device_unlock(&rf.pdev->dev);

	device_lock(&bridge->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK |
						     PCI_RESET_TRYLOCK));
	device_lock(&rf.pdev->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK |
						     PCI_RESET_LOCKED));
	device_unlock(&rf.pdev->dev);
	SIM_EXPECT_UNTOUCHED(test, rf.ep);

	/* A function reset has no use for the bridge */
	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_FLR |
						     PCI_RESET_TRYLOCK));
	device_unlock(&bridge->dev);
	SIM_EXPECT_RESET(test, rf.ep, PCI_SIM_RESET_FLR);
}

/* A reset that does not end is the end of it: no other method is tried */
static void rf_flr_timeout(struct kunit *test)
{
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config){
			.flr = true, .flr_ms = PCI_SIM_NEVER,
			.pm_reset = true });
	rf_start(test, &rf);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_ANY));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, rf.ep, PCI_SIM_RESET_FLR);
}

/* The same for the function that has always been there */
static void rf_flr_timeout_old(struct kunit *test)
{
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config){
			.flr = true, .flr_ms = PCI_SIM_NEVER,
			.pm_reset = true });
	rf_start(test, &rf);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, pci_reset_function(rf.pdev));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, rf.ep, PCI_SIM_RESET_FLR);
}

static void rf_not_ready(struct kunit *test)
{
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config){});
	rf_start(test, &rf);
	pci_sim_set_ready_ms(rf.ep, PCI_SIM_NEVER);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK));
	SIM_EXPECT_TOLD(test, rf.ep, 1);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(rf.ep));
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* The Link stays down; what a hotplug port makes of that is its business */
static void rf_no_link(struct kunit *test)
{
	struct rf rf;

	rf_build(test, &rf, false, (struct pci_sim_ep_config){});
	rf_start(test, &rf);
	pci_sim_link_stuck(rf.port, true);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK));
	SIM_EXPECT_TOLD(test, rf.ep, 1);
	SIM_EXPECT_BOUND(test, rf.ep, 1, 0);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

static void rf_no_link_hotplug(struct kunit *test)
{
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config){});
	rf_start(test, &rf);
	pci_sim_link_stuck(rf.port, true);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK));
	SIM_EXPECT_TOLD(test, rf.ep, 1);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rf.ep, 1, 1);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* Between the question and the reset the device has gone */
static void rf_removed(struct kunit *test)
{
	struct pci_reset_scope *func, *link;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_FLR);
	rf_start(test, &rf);
	func = pci_reset_scope_get(rf.pdev, PCI_RESET_FUNC);
	link = pci_reset_scope_get(rf.pdev, PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, func);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, link);

	pci_sim_unplug(rf.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rf.ep, 1, 1);
	KUNIT_EXPECT_EQ(test, -ENODEV, pci_reset_scope_commit(func, 0));
	KUNIT_EXPECT_EQ(test, -ENODEV, pci_reset_scope_commit(link, 0));
	pci_reset_scope_put(func);
	pci_reset_scope_put(link);

	KUNIT_EXPECT_EQ(test, -ENODEV,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_ANY));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENODEV),
			    pci_reset_scope_get(rf.pdev, PCI_RESET_ANY));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets(rf.ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_TOLD(test, rf.ep, 0);
}

/* ... or another one is in its place, which nobody has agreed to reset */
static void rf_replaced(struct kunit *test)
{
	struct pci_reset_scope *link;
	struct pci_sim_func *new;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config){ .dsn = 1 });
	new = pci_sim_endpoint(rf.sim, NULL, .dsn = 2);
	rf_start(test, &rf);
	link = pci_reset_scope_get(rf.pdev, PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, link);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(rf.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	sim_kunit_mark(test, new);
	KUNIT_EXPECT_NE(test, 0, pci_reset_scope_commit(link, 0));
	pci_reset_scope_put(link);
	SIM_EXPECT_UNTOUCHED(test, new);
}

/* A Function was removed from, or added to, the devices that were named */
static void rf_changed(struct kunit *test)
{
	struct pci_reset_scope *two, *one;
	struct pci_sim_func *f1;
	struct pci_dev *pdev1;
	struct rf rf;

	rf_build(test, &rf, false, (struct pci_sim_ep_config){});
	f1 = pci_sim_function(rf.ep);
	rf_start(test, &rf);
	pdev1 = sim_kunit_dev(test, f1);

	two = pci_reset_scope_get(rf.pdev, PCI_RESET_BUS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, two);
	pci_stop_and_remove_bus_device_locked(pdev1);
	KUNIT_EXPECT_EQ(test, -EBUSY, pci_reset_scope_commit(two, 0));
	pci_reset_scope_put(two);
	SIM_EXPECT_UNTOUCHED(test, rf.ep);

	one = pci_reset_scope_get(rf.pdev, PCI_RESET_BUS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one);
	KUNIT_EXPECT_EQ(test, 1, one->nr_devs);
	pci_lock_rescan_remove();
	pci_rescan_bus(rf.pdev->bus);
	pci_unlock_rescan_remove();
	SIM_EXPECT_BOUND(test, f1, 2, 1);
	KUNIT_EXPECT_EQ(test, -EBUSY, pci_reset_scope_commit(one, 0));
	pci_reset_scope_put(one);
	SIM_EXPECT_UNTOUCHED(test, rf.ep);
	SIM_EXPECT_TOLD(test, f1, 0);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(f1));

	/* Not asked in advance, it is both of them */
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(rf.pdev, PCI_RESET_BUS));
	SIM_EXPECT_RESET(test, rf.ep, PCI_SIM_RESET_HOT);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(f1));
	SIM_EXPECT_TOLD(test, f1, 1);
}

/* The driver of the port has gone, and with it the slot */
static void rf_slot_gone(struct kunit *test)
{
	struct pci_reset_scope *slot;
	struct pci_dev *port;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config){});
	rf_start(test, &rf);
	port = sim_kunit_dev(test, rf.port);
	slot = pci_reset_scope_get(rf.pdev, PCI_RESET_SLOT);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, slot);

	sim_kunit_expect_unbound(test, rf.port);
	device_release_driver(&port->dev);
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_scope_commit(slot, 0));
	pci_reset_scope_put(slot);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_SLOT));
	SIM_EXPECT_UNTOUCHED(test, rf.ep);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK));
	SIM_EXPECT_RESET(test, rf.ep, PCI_SIM_RESET_HOT);
}

static void rf_unplug(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

/* Pulled in the middle: an error, the driver told once, one removal */
static void rf_pulled(struct kunit *test)
{
	/* With SBR asserted, while the Link trains, after that */
	static const unsigned int ms[] = { 1, 15, 110 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		struct rf rf;
		int ret;

		rf_build(test, &rf, true, (struct pci_sim_ep_config){});
		rf_start(test, &rf);
		pci_sim_at(rf.port, ms[i] * USEC_PER_MSEC, rf_unplug, NULL);
		ret = pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK);
		KUNIT_EXPECT_TRUE_MSG(test,
				      ret == -ETIMEDOUT || ret == -ENODEV,
				      "%d, pulled after %u ms", ret, ms[i]);
		SIM_EXPECT_TOLD(test, rf.ep, 1);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rf.ep, 1, 1);
		SIM_EXPECT_UNTOUCHED(test, rf.other);
	}
}

/*
 * The switch is not there any more, and no hotplug port says so: nobody waits
 * for what is below it longer than a Link may take.
 */
static void rf_cut_off(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root = pci_sim_root_port(sim);
	struct pci_sim_func *up = pci_sim_add_switch(sim, root);
	struct pci_sim_func *down = pci_sim_downstream_port(up);
	struct pci_sim_func *ep = pci_sim_endpoint(sim, down);
	struct pci_dev *pdev[2];
	ktime_t start;

	sim_kunit_start(test, sim);
	pdev[0] = sim_kunit_dev(test, ep);
	pdev[1] = sim_kunit_dev(test, down);
	pci_sim_unplug(root);
	for (int i = 0; i < 2; i++) {
		start = ktime_get();
		KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
				pci_reset_bus_flags(pdev[i], PCI_RESET_LINK));
		if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
			KUNIT_EXPECT_GE(test, 5000,
					ktime_ms_delta(ktime_get(), start));
		SIM_EXPECT_TOLD(test, ep, i + 1);
	}
}

/* Links that stay down are waited for together, and the others are restored */
static void rf_links_stuck(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *down[8], *ep[8];
	ktime_t start;

	up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	for (int i = 0; i < ARRAY_SIZE(ep); i++) {
		down[i] = pci_sim_downstream_port(up, .speed =
						  PCI_EXP_LNKCAP_SLS_16_0GB);
		ep[i] = pci_sim_endpoint(sim, down[i]);
	}
	sim_kunit_start(test, sim);
	for (int i = 1; i < ARRAY_SIZE(ep); i++)
		pci_sim_link_stuck(down[i], true);

	start = ktime_get();
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(sim_kunit_dev(test, up),
					    PCI_RESET_LINK));
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_GE(test, 2000, ktime_ms_delta(ktime_get(), start));
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		SIM_EXPECT_TOLD(test, ep[i], 1);
	SIM_EXPECT_RESET(test, ep[0], PCI_SIM_RESET_HOT);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ep[0]));
}

/*
 * From probe, with the device lock held and before the driver is bound: what
 * hfi1 does
 */
struct rf_probe {
	const char *name;
	bool hotplug;
	bool second;
	bool stuck;
	int error;
};

static const struct rf_probe rf_probes[] = {
	{ "plain port" },
	{ "hotplug port", .hotplug = true },
	{ "second function", .second = true, .error = -EBUSY },
	{ "hotplug port, second function", .hotplug = true, .second = true,
	  .error = -EBUSY },
	{ "no link", .stuck = true, .error = -ETIMEDOUT },
	{ "hotplug port, no link", .hotplug = true, .stuck = true,
	  .error = -ETIMEDOUT },
};

KUNIT_ARRAY_PARAM_DESC(rf_probe, rf_probes, name);

static int rf_reset_in_probe(struct pci_dev *pdev, void *data)
{
	int *result = data;

	*result = pci_reset_bus_flags(pdev, PCI_RESET_LINK | PCI_RESET_LOCKED |
					    PCI_RESET_ALONE);
	return 0;
}

static void rf_expect_probe(struct kunit *test, struct rf *rf, int result)
{
	const struct rf_probe *p = test->param_value;
	bool reset = p->error != -EBUSY;

	KUNIT_EXPECT_EQ(test, p->error, result);
	KUNIT_EXPECT_EQ(test, reset,
			pci_sim_resets(rf->ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_BOUND(test, rf->ep, 1, p->hotplug && p->stuck);
	SIM_EXPECT_UNTOUCHED(test, rf->other);
}

static void rf_probe_at_boot(struct kunit *test)
{
	const struct rf_probe *p = test->param_value;
	int result = 1;
	struct rf rf;

	if (p->stuck)
		kunit_skip(test, "would not be found at boot");

	rf_build(test, &rf, p->hotplug, (struct pci_sim_ep_config){});
	if (p->second)
		pci_sim_function(rf.ep);
	pci_sim_on_probe(rf.ep, rf_reset_in_probe, &result);
	sim_kunit_start(test, rf.sim);
	sim_kunit_mark(test, rf.other);
	msleep(SIM_SETTLE_MS);
	rf_expect_probe(test, &rf, result);
}

/* Bound later, by hand; a second function may be without a driver */
static void rf_probe_later(struct kunit *test)
{
	const struct rf_probe *p = test->param_value;
	struct pci_sim_counts counts;
	int result = 1;
	struct rf rf;

	rf_build(test, &rf, p->hotplug, (struct pci_sim_ep_config){});
	if (p->second)
		pci_sim_function(rf.ep);
	rf_start(test, &rf);

	device_release_driver(&rf.pdev->dev);
	counts = pci_sim_counts(rf.ep);
	KUNIT_ASSERT_EQ(test, 1, counts.remove);
	pci_sim_link_stuck(rf.port, p->stuck);
	pci_sim_on_probe(rf.ep, rf_reset_in_probe, &result);
	KUNIT_EXPECT_EQ(test, 1, device_attach(&rf.pdev->dev));
	KUNIT_EXPECT_EQ(test, p->error, result);
	msleep(SIM_SETTLE_MS);

	KUNIT_EXPECT_EQ(test, p->error != -EBUSY,
			pci_sim_resets(rf.ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_BOUND(test, rf.ep, 2, 1 + (p->hotplug && p->stuck));
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* Hot-added: with pci_rescan_remove_lock held by pciehp, too */
static void rf_probe_hot_added(struct kunit *test)
{
	const struct rf_probe *p = test->param_value;
	struct pci_sim_func *card;
	int result = 1;
	struct rf rf;

	if (!p->hotplug || p->stuck)
		kunit_skip(test, "nothing is hot-added here");

	rf_build(test, &rf, true, (struct pci_sim_ep_config){});
	if (p->second)
		pci_sim_function(rf.ep);
	sim_kunit_start(test, rf.sim);
	sim_kunit_mark(test, rf.other);
	card = pci_sim_unplug(rf.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rf.ep, 1, 1);

	pci_sim_on_probe(rf.ep, rf_reset_in_probe, &result);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(rf.port, card));
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, p->error, result);
	KUNIT_EXPECT_EQ(test, !p->error,
			pci_sim_resets(rf.ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_BOUND(test, rf.ep, 2, 1);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* Hotplug ports below the Link that is reset lose theirs, and stay calm */
static void rf_nested_hotplug(struct kunit *test)
{
	struct pci_sim_func *root, *up, *down[3], *ep[3];
	struct pci_reset_scope *scope;
	struct pci_sim *sim;
	unsigned int i;

	sim = sim_kunit_alloc(test);
	root = pci_sim_root_port(sim, .hotplug = true);
	up = pci_sim_add_switch(sim, root);
	for (i = 0; i < 3; i++) {
		down[i] = pci_sim_downstream_port(up, .hotplug = true);
		ep[i] = pci_sim_endpoint(sim, down[i], .ready_ms = 20 * i);
	}
	sim_kunit_start(test, sim);
	for (i = 0; i < 3; i++)
		sim_kunit_mark(test, ep[i]);

	scope = pci_reset_scope_get(sim_kunit_dev(test, up), PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_EQ(test, 7, scope->nr_devs);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	msleep(2 * SIM_SETTLE_MS);
	for (i = 0; i < 3; i++)
		SIM_EXPECT_RESET(test, ep[i], PCI_SIM_RESET_HOT);
}

/* A PF with VFs, next to it or on a bus that no bridge leads to */
struct rf_iov {
	const char *name;
	pci_reset_flags_t method;
	bool hotplug;
	u16 offset;
};

static const struct rf_iov rf_iovs[] = {
	{ "SLOT", PCI_RESET_SLOT, .hotplug = true },
	{ "SLOT, bus of their own", PCI_RESET_SLOT, .hotplug = true,
	  .offset = 0x100 },
	{ "BUS", PCI_RESET_BUS },
	{ "BUS, bus of their own", PCI_RESET_BUS, .offset = 0x100 },
	{ "BUS on hotplug port, two buses", PCI_RESET_BUS, .hotplug = true,
	  .offset = 0xfe },
	{ "FLR", PCI_RESET_FLR },
	{ "FLR, bus of their own", PCI_RESET_FLR, .offset = 0x100 },
	{ "FLR on hotplug port, two buses", PCI_RESET_FLR, .hotplug = true,
	  .offset = 0xfe },
};

KUNIT_ARRAY_PARAM_DESC(rf_iov, rf_iovs, name);

#define RF_VFS	4

/* How the PF is reset; its VFs lose their state with VF Enable in any case */
static enum pci_sim_reset rf_iov_reset(const struct rf_iov *v)
{
	return v->method == PCI_RESET_FLR ? PCI_SIM_RESET_FLR :
					    PCI_SIM_RESET_HOT;
}

static void rf_iov_start(struct kunit *test, struct rf *rf,
			 struct pci_sim_func **vf)
{
	const struct rf_iov *v = test->param_value;
	int i;

	rf_build(test, rf, v->hotplug, (struct pci_sim_ep_config){
			.flr = true, .vfs = RF_VFS + 1,
			.vf_offset = v->offset, .vf_stride = 1 });
	rf_start(test, rf);
	KUNIT_ASSERT_EQ(test, RF_VFS, sim_kunit_set_vfs(rf->pdev, RF_VFS));
	for (i = 0; i < RF_VFS; i++) {
		vf[i] = pci_sim_vf(rf->ep, i);
		sim_kunit_mark(test, vf[i]);
	}
}

static bool rf_in_scope(struct kunit *test, const struct pci_reset_scope *scope,
			struct pci_sim_func *f)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);
	unsigned int i;

	for (i = 0; i < scope->nr_devs; i++) {
		if (scope->devs[i] == pdev)
			return true;
	}
	return false;
}

/* With a PF all its VFs are reset, told, awaited and restored */
static void rf_pf(struct kunit *test)
{
	const struct rf_iov *v = test->param_value;
	struct pci_sim_func *vf[RF_VFS];
	struct pci_reset_scope *scope;
	struct sim_config before;
	struct rf rf;
	int i;

	rf_iov_start(test, &rf, vf);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_bus_flags(rf.pdev,
					    v->method | PCI_RESET_ALONE));
	SIM_EXPECT_UNTOUCHED(test, rf.ep);

	scope = pci_reset_scope_get(rf.pdev, v->method);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_EQ(test, 1 + RF_VFS, scope->nr_devs);
	KUNIT_EXPECT_TRUE(test, rf_in_scope(test, scope, rf.ep));
	for (i = 0; i < RF_VFS; i++)
		KUNIT_EXPECT_TRUE(test, rf_in_scope(test, scope, vf[i]));

	/* Longer than the 100 ms that the core waits after VF Enable */
	pci_sim_set_ready_ms(vf[RF_VFS - 1], 400);
	sim_config_get(&before, rf.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	sim_config_expect(test, &before, rf.pdev);
	for (i = 0; i < RF_VFS; i++)
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf[i]));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, rf.ep, rf_iov_reset(v));
	for (i = 0; i < RF_VFS; i++)
		SIM_EXPECT_RESET(test, vf[i], PCI_SIM_RESET_HOT);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* A VF that does not come back is reported, and the others are restored */
static void rf_vf_never(struct kunit *test)
{
	const struct rf_iov *v = test->param_value;
	struct pci_sim_func *vf[RF_VFS];
	struct rf rf;
	int i;

	rf_iov_start(test, &rf, vf);
	pci_sim_set_ready_ms(vf[1], PCI_SIM_NEVER);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(rf.pdev, v->method));
	for (i = 0; i < RF_VFS; i++) {
		SIM_EXPECT_TOLD(test, vf[i], 1);
		KUNIT_EXPECT_EQ(test, i != 1,
				sim_kunit_is_master(test, vf[i]));
	}
	SIM_EXPECT_RESET(test, rf.ep, rf_iov_reset(v));
}

/* FLR of a VF is for that VF alone, wherever it is */
static void rf_vf_alone(struct kunit *test)
{
	struct pci_sim_func *vf[RF_VFS];
	struct pci_dev *pdev;
	struct rf rf;
	int i;

	rf_iov_start(test, &rf, vf);
	pdev = sim_kunit_dev(test, vf[2]);
	pci_sim_set_flr_ms(vf[2], 500);
	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(pdev, PCI_RESET_ANY |
						  PCI_RESET_ALONE));
	SIM_EXPECT_RESET(test, vf[2], PCI_SIM_RESET_FLR);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf[2]));
	SIM_EXPECT_UNTOUCHED(test, rf.ep);
	for (i = 0; i < RF_VFS; i++) {
		if (i != 2)
			SIM_EXPECT_UNTOUCHED(test, vf[i]);
	}
}

/* VFs that came after the question are not what was agreed to */
static void rf_vfs_meanwhile(struct kunit *test)
{
	const struct rf_iov *v = test->param_value;
	struct pci_sim_func *vf[RF_VFS];
	struct pci_reset_scope *scope;
	struct rf rf;

	rf_iov_start(test, &rf, vf);
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(rf.pdev, 0));
	scope = pci_reset_scope_get(rf.pdev, v->method);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_EQ(test, 1, scope->nr_devs);
	KUNIT_EXPECT_EQ(test, 1, sim_kunit_set_vfs(rf.pdev, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	SIM_EXPECT_UNTOUCHED(test, rf.ep);
	SIM_EXPECT_TOLD(test, vf[0], 0);
}

/* Conventional devices share their bus and its reset, and are awaited too */
static void rf_conventional(struct kunit *test)
{
	struct pci_sim_func *bridge, *dev[2];
	struct pci_reset_scope *scope;
	struct pci_dev *pdev;
	struct pci_sim *sim;
	int i;

	sim = sim_kunit_alloc(test);
	bridge = pci_sim_add_pci_bridge(sim, pci_sim_root_port(sim));
	for (i = 0; i < 2; i++)
		dev[i] = pci_sim_endpoint(sim, bridge, .conventional = true);
	sim_kunit_start(test, sim);
	for (i = 0; i < 2; i++)
		sim_kunit_mark(test, dev[i]);
	pdev = sim_kunit_dev(test, dev[0]);

	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_bus_flags(pdev, PCI_RESET_FUNC));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_bus_flags(pdev, PCI_RESET_BUS |
						  PCI_RESET_ALONE));
	SIM_EXPECT_UNTOUCHED(test, dev[0]);
	SIM_EXPECT_UNTOUCHED(test, dev[1]);

	scope = pci_reset_scope_get(pdev, PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_TRUE(test, scope->method == PCI_RESET_BUS);
	KUNIT_EXPECT_EQ(test, 2, scope->nr_devs);
	pci_sim_set_ready_ms(dev[1], 900);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	for (i = 0; i < 2; i++) {
		SIM_EXPECT_RESET(test, dev[i], PCI_SIM_RESET_HOT);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, dev[i]));
	}
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(bridge));
}

/*
 * On all fabrics of sweep-kunit.h: each mask, without and with what it may be
 * combined with
 */
struct rf_mask {
	const char *name;
	pci_reset_flags_t mask;
	enum sweep_scope scope;
	enum pci_sim_reset kind;
	bool slot;
	u32 extra_ms;
	struct pci_sim_ep_config ep;
};

#define RF_MASK(mask, scope, kind, ...)					\
	{ #mask, PCI_RESET_ ## mask, SWEEP_ ## scope,			\
	  PCI_SIM_RESET_ ## kind, __VA_ARGS__ }

static const struct rf_mask rf_masks[] = {
	RF_MASK(DEV_SPECIFIC, FUNCTION, FLR, .extra_ms = 250, .ep = RF_QUIRK),
	RF_MASK(FLR, FUNCTION, FLR, .ep = RF_FLR),
	RF_MASK(PM, FUNCTION, PM, .ep = RF_PM),
	RF_MASK(FUNC, FUNCTION, AF_FLR, .ep = RF_AF_FLR),
	RF_MASK(ANY, FUNCTION, FLR, .ep = RF_FLR),
	RF_MASK(SLOT, DEVICE, HOT, .slot = true, .ep = RF_FLR),
	RF_MASK(SLOT, ALL, HOT, .slot = true, .ep = RF_FLR),
	RF_MASK(BUS, DEVICE, HOT, .ep = RF_FLR),
	RF_MASK(BUS, ALL, HOT, .ep = RF_FLR),
	RF_MASK(LINK, DEVICE, HOT, .ep = RF_FLR),
	RF_MASK(LINK, ALL, HOT, .ep = RF_FLR),
};

static const struct rf_modifiers {
	const char *name;
	pci_reset_flags_t flags;
} rf_modifiers[] = {
	{ "" },
	{ " | LOCKED", PCI_RESET_LOCKED },
	{ " | TRYLOCK", PCI_RESET_TRYLOCK },
	{ " | ALONE", PCI_RESET_ALONE },
	{ " | LOCKED | ALONE", PCI_RESET_LOCKED | PCI_RESET_ALONE },
};

struct rf_combination {
	const struct rf_mask *mask;
	const struct rf_modifiers *modifiers;
};

static struct rf_combination
rf_combinations[ARRAY_SIZE(rf_masks) * ARRAY_SIZE(rf_modifiers)];

/* The device that is reset shares the Link with others */
static bool rf_shared(const struct sweep_case *c)
{
	return c->scope != SWEEP_FUNCTION &&
	       (c->scope == SWEEP_ALL || c->topology->functions > 1);
}

static bool rf_fill(struct sweep_case *c, unsigned int i)
{
	struct rf_combination *rc = &rf_combinations[i];

	rc->mask = &rf_masks[i / ARRAY_SIZE(rf_modifiers)];
	rc->modifiers = &rf_modifiers[i % ARRAY_SIZE(rf_modifiers)];

	/* Without a switch the top is the bottom */
	if (rc->mask->scope == SWEEP_ALL && !c->topology->levels)
		return false;
	if (c->variant->speed && rc->mask->kind != PCI_SIM_RESET_HOT)
		return false;
	/* Locks do not depend on how many ports there are, or how fast */
	if (rc->modifiers->flags && (c->variant->speed || !c->topology->all))
		return false;

	c->data = rc;
	c->scope = rc->mask->scope;
	c->kind = rc->mask->kind;
	c->extra_ms = rc->mask->extra_ms;
	if (rc->mask->slot && !sweep_below_hotplug(c))
		c->error = -ENOTTY;
	else if (rc->modifiers->flags & PCI_RESET_ALONE && rf_shared(c))
		c->error = -EBUSY;
	return true;
}

static void rf_sweep_desc(struct kunit *test, const void *param, char *desc)
{
	const struct sweep_case *c = param;
	const struct rf_combination *rc = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s%s: %s, %s", rc->mask->name,
		 rc->modifiers->name,
		 c->scope == SWEEP_ALL ? " from the top" : "",
		 c->topology->name, c->variant->name);
}

static void rf_sweep(struct kunit *test)
{
	const struct sweep_case *c = test->param_value;
	const struct rf_combination *rc = c->data;
	bool locked = rc->modifiers->flags & PCI_RESET_LOCKED;
	struct sweep *s = sweep_start(test, c, rc->mask->ep);
	struct pci_dev *pdev;
	ktime_t start;
	int ret;

	pdev = sim_kunit_dev(test, c->scope == SWEEP_ALL ? s->top : s->ep);
	if (locked)
		device_lock(&pdev->dev);
	start = ktime_get();
	ret = pci_reset_bus_flags(pdev, rc->mask->mask | rc->modifiers->flags);
	if (locked) {
		KUNIT_EXPECT_FALSE(test, device_trylock(&pdev->dev));
		device_unlock(&pdev->dev);
	}
	KUNIT_EXPECT_EQ(test, c->error, ret);
	sweep_expect(test, c, s, ktime_us_delta(ktime_get(), start), true);
}

static int rf_sweep_init(struct kunit *test)
{
	return sweep_params(test, ARRAY_SIZE(rf_combinations), rf_fill,
			    rf_sweep_desc);
}

static struct kunit_case rf_sweep_cases[] = {
	KUNIT_CASE_PARAM_WITH_INIT(rf_sweep, kunit_array_gen_params,
				   rf_sweep_init, NULL),
	{}
};

static struct kunit_suite rf_sweep_suite = {
	.name = "pci-reset-flags-sweep",
	.test_cases = rf_sweep_cases,
};

kunit_test_suite(rf_sweep_suite);

/* One of several is lost: an error, and the others are back nonetheless */
struct rf_loss {
	const char *name;
	bool hotplug;
	bool late;
	u8 speed;
};

static const struct rf_loss rf_losses[] = {
	{ "no Link" },
	{ "no Link, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	{ "never ready", .late = true },
	{ "never ready, 2.5 GT/s", .late = true,
	  .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	/* The port is reset as well, and so sends no event */
	{ "no Link, hotplug", .hotplug = true },
	{ "never ready, hotplug", .hotplug = true, .late = true },
};

KUNIT_ARRAY_PARAM_DESC(rf_loss, rf_losses, name);

static void rf_one_lost(struct kunit *test)
{
	const struct rf_loss *l = test->param_value;
	struct pci_sim_func *root, *up, *down[3], *ep[3];
	struct sim_config before[3];
	struct pci_dev *pdev[3];
	struct pci_sim *sim;
	ktime_t start;
	unsigned int i;
	s64 ms;

	sim = sim_kunit_alloc(test);
	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	for (i = 0; i < 3; i++) {
		down[i] = pci_sim_downstream_port(up, .hotplug = l->hotplug,
						  .speed = l->speed);
		ep[i] = pci_sim_endpoint(sim, down[i], .ready_ms = 20 * i);
	}
	sim_kunit_start(test, sim);
	for (i = 0; i < 3; i++) {
		sim_kunit_mark(test, ep[i]);
		pdev[i] = sim_kunit_dev(test, ep[i]);
		sim_config_get(&before[i], pdev[i]);
	}

	if (l->late)
		pci_sim_set_ready_ms(ep[1], PCI_SIM_NEVER);
	else
		pci_sim_link_stuck(down[1], true);
	start = ktime_get();
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(sim_kunit_dev(test, up),
					    PCI_RESET_LINK));
	ms = ktime_ms_delta(ktime_get(), start);
	/* A minute for a device, but not for one whose Link is down */
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LE(test, ms, l->late ? 75000 : 5000);
	sim_config_expect(test, &before[0], pdev[0]);
	sim_config_expect(test, &before[2], pdev[2]);
	msleep(5 * SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ep[0], PCI_SIM_RESET_HOT);
	SIM_EXPECT_RESET(test, ep[2], PCI_SIM_RESET_HOT);
	SIM_EXPECT_TOLD(test, ep[1], 1);
	SIM_EXPECT_BOUND(test, ep[1], 1, l->hotplug);
}

/* Methods that turn out not to be supported only when the driver was told */
struct rf_order {
	const char *name;
	const char *methods;
	int (*reset)(struct pci_dev *pdev);
	enum pci_sim_reset kind;
	bool hotplug;
};

static int rf_reset_locked(struct pci_dev *pdev)
{
	int ret;

	device_lock(&pdev->dev);
	ret = pci_reset_function_locked(pdev);
	device_unlock(&pdev->dev);
	return ret;
}

static int rf_reset_any(struct pci_dev *pdev)
{
	return pci_reset_bus_flags(pdev, PCI_RESET_ANY);
}

static int rf_reset_any_alone(struct pci_dev *pdev)
{
	return pci_reset_bus_flags(pdev, PCI_RESET_ANY | PCI_RESET_ALONE);
}

static const struct rf_order rf_orders[] = {
	{ "flr bus pm", "flr bus pm", pci_reset_function,
	  PCI_SIM_RESET_HOT },
	{ "flr bus pm, hotplug", "flr bus pm", pci_reset_function,
	  PCI_SIM_RESET_HOT, .hotplug = true },
	{ "flr bus pm, try", "flr bus pm", pci_try_reset_function,
	  PCI_SIM_RESET_HOT },
	{ "flr bus pm, locked", "flr bus pm", rf_reset_locked,
	  PCI_SIM_RESET_HOT, .hotplug = true },
	{ "flr pm bus", "flr pm bus", pci_reset_function, PCI_SIM_RESET_PM },
	{ "flr pm bus, hotplug", "flr pm bus", pci_reset_function,
	  PCI_SIM_RESET_PM, .hotplug = true },
	{ "pm flr bus", "pm flr bus", pci_reset_function, PCI_SIM_RESET_PM },
	{ "bus flr", "bus flr pm", pci_reset_function, PCI_SIM_RESET_HOT,
	  .hotplug = true },
	{ "ANY, flr bus pm", "flr bus pm", rf_reset_any, PCI_SIM_RESET_PM },
	{ "ANY, flr bus", "flr bus", rf_reset_any, PCI_SIM_RESET_HOT },
	{ "ANY | ALONE, flr", "flr", rf_reset_any_alone, PCI_SIM_RESET_HOT,
	  .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(rf_order, rf_orders, name);

/* Who prepares the device for the reset notices that FLR does not work */
static void rf_break_flr(struct pci_sim_func *f, void *pdev)
{
	((struct pci_dev *)pdev)->dev_flags |= PCI_DEV_FLAGS_NO_FLR_RESET;
}

static void rf_flr_fails(struct kunit *test)
{
	const struct rf_order *o = test->param_value;
	struct sim_config before;
	struct rf rf;

	rf_build(test, &rf, o->hotplug, (struct pci_sim_ep_config){
			.flr = true, .pm_reset = true });
	rf_start(test, &rf);
	sim_config_get(&before, rf.pdev);
	KUNIT_ASSERT_EQ(test, 0,
			sim_kunit_store(rf.pdev, "reset_method", o->methods));
	pci_sim_on_write(rf.ep, PCI_COMMAND, rf_break_flr, rf.pdev);
	KUNIT_EXPECT_EQ(test, 0, o->reset(rf.pdev));
	sim_config_expect(test, &before, rf.pdev);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, rf.ep, o->kind);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* Nothing is left to be tried, and the driver has been told once */
static void rf_all_fail(struct kunit *test)
{
	struct pci_reset_scope *scope;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_FLR);
	rf_start(test, &rf);
	KUNIT_ASSERT_EQ(test, 0,
			sim_kunit_store(rf.pdev, "reset_method", "flr"));
	pci_sim_on_write(rf.ep, PCI_COMMAND, rf_break_flr, rf.pdev);
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_function(rf.pdev));
	SIM_EXPECT_TOLD(test, rf.ep, 1);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(rf.ep));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, rf.ep));

	/* Who has agreed to FLR gets nothing else, although it would work */
	rf.pdev->dev_flags &= ~PCI_DEV_FLAGS_NO_FLR_RESET;
	scope = pci_reset_scope_get(rf.pdev, PCI_RESET_ANY);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	pci_sim_on_write(rf.ep, PCI_COMMAND, rf_break_flr, rf.pdev);
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_scope_commit(scope, 0));
	SIM_EXPECT_TOLD(test, rf.ep, 2);

	/* What is known before the driver is told, it is not told */
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	SIM_EXPECT_TOLD(test, rf.ep, 2);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(rf.ep));
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(rf.pdev, PCI_RESET_ANY));
	SIM_EXPECT_TOLD(test, rf.ep, 3);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(rf.ep));
	SIM_EXPECT_BOUND(test, rf.ep, 1, 0);
}

/* The next method affects another Function as well, which is told, too */
static void rf_next_affects_more(struct kunit *test)
{
	struct sim_config before[2];
	struct pci_sim_func *f1;
	struct pci_dev *pdev1;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_FLR);
	f1 = pci_sim_function(rf.ep);
	rf_start(test, &rf);
	sim_kunit_mark(test, f1);
	pdev1 = sim_kunit_dev(test, f1);
	sim_config_get(&before[0], rf.pdev);
	sim_config_get(&before[1], pdev1);

	/* ... unless that was forbidden */
	pci_sim_on_write(rf.ep, PCI_COMMAND, rf_break_flr, rf.pdev);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_ANY |
						     PCI_RESET_ALONE));
	SIM_EXPECT_TOLD(test, rf.ep, 1);
	SIM_EXPECT_UNTOUCHED(test, f1);

	/* ... or it cannot be locked: the lock of the first is held */
	rf.pdev->dev_flags &= ~PCI_DEV_FLAGS_NO_FLR_RESET;
	pci_sim_on_write(rf.ep, PCI_COMMAND, rf_break_flr, rf.pdev);
	device_lock(&pdev1->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_ANY));
	device_unlock(&pdev1->dev);
	SIM_EXPECT_TOLD(test, rf.ep, 2);
	SIM_EXPECT_UNTOUCHED(test, f1);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(rf.ep));
	sim_config_expect(test, &before[0], rf.pdev);

	rf.pdev->dev_flags &= ~PCI_DEV_FLAGS_NO_FLR_RESET;
	pci_sim_on_write(rf.ep, PCI_COMMAND, rf_break_flr, rf.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(rf.pdev, PCI_RESET_ANY));
	SIM_EXPECT_TOLD(test, rf.ep, 3);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(rf.ep));
	sim_config_expect(test, &before[0], rf.pdev);
	sim_config_expect(test, &before[1], pdev1);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rf.ep, 1, 0);
	SIM_EXPECT_RESET(test, f1, PCI_SIM_RESET_HOT);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* What ->reset_root_port() of the host bridge says, and what becomes of it */
struct rf_host {
	const char *name;
	int says;
	int error;
};

static const struct rf_host rf_hosts[] = {
	{ "EIO", -EIO, -EIO },
	{ "ETIMEDOUT", -ETIMEDOUT, -ETIMEDOUT },
	{ "ENOTTY", -ENOTTY, -ENOTTY },
	/* By these, callers would understand that nothing was touched */
	{ "EBUSY", -EBUSY, -EIO },
	{ "EAGAIN", -EAGAIN, -EIO },
	{ "ESTALE", -ESTALE, -EIO },
	{ "EINVAL", -EINVAL, -EIO },
};

KUNIT_ARRAY_PARAM_DESC(rf_host, rf_hosts, name);

static unsigned int rf_host_calls;
static int rf_host_says;

static int rf_reset_root_port(struct pci_host_bridge *host, struct pci_dev *dev)
{
	rf_host_calls++;
	return rf_host_says;
}

static void rf_host_fails(struct kunit *test)
{
	const struct rf_host *h = test->param_value;
	struct pci_dev *bridge;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_PLAIN);
	rf_start(test, &rf);
	bridge = pci_upstream_bridge(rf.pdev);
	rf_host_says = h->says;
	rf_host_calls = 0;
	pci_find_host_bridge(bridge->bus)->reset_root_port = rf_reset_root_port;

	KUNIT_EXPECT_EQ(test, h->error,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_BUS));
	KUNIT_EXPECT_EQ(test, 1, rf_host_calls);
	SIM_EXPECT_TOLD(test, rf.ep, 1);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, rf.ep));

	/* One that is not supported leads on, here to one that is neither */
	KUNIT_EXPECT_EQ(test, h->error,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK));
	KUNIT_EXPECT_EQ(test, h->says == -ENOTTY ? 3 : 2, rf_host_calls);
	SIM_EXPECT_TOLD(test, rf.ep, 2);
	KUNIT_EXPECT_EQ(test, h->error, pci_reset_function(rf.pdev));
	SIM_EXPECT_TOLD(test, rf.ep, 3);
	KUNIT_EXPECT_EQ(test, h->error,
			sim_kunit_store(bridge, "reset_subordinate", "1"));
	SIM_EXPECT_TOLD(test, rf.ep, 4);

	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(rf.ep));
	SIM_EXPECT_BOUND(test, rf.ep, 1, 0);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
}

/* Another device is removed while the host bridge resets its Root Port */
static struct rf_removal {
	struct pci_dev *other;
	struct completion done;
	bool in_time;
} rf_removal;

static int rf_remove_other(void *data)
{
	pci_stop_and_remove_bus_device_locked(rf_removal.other);
	complete(&rf_removal.done);
	return 0;
}

static int rf_remove_meanwhile(struct pci_host_bridge *host, struct pci_dev *dev)
{
	kthread_run(rf_remove_other, NULL, "remove");
	rf_removal.in_time =
		wait_for_completion_timeout(&rf_removal.done,
					    msecs_to_jiffies(5000));
	return 0;
}

/*
 * What a host bridge does to reset a Root Port may take long or add and remove
 * devices, which takes pci_bus_sem for writing
 */
static void rf_host_sleeps(struct kunit *test)
{
	struct pci_host_bridge *host;
	struct rf rf;

	rf_build(test, &rf, true, (struct pci_sim_ep_config)RF_PLAIN);
	rf_start(test, &rf);
	rf_removal.other = sim_kunit_dev(test, rf.other);
	rf_removal.in_time = false;
	init_completion(&rf_removal.done);
	host = pci_find_host_bridge(rf.pdev->bus);
	host->reset_root_port = rf_remove_meanwhile;

	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(rf.pdev, PCI_RESET_BUS));
	KUNIT_EXPECT_TRUE(test, rf_removal.in_time);
	SIM_EXPECT_TOLD(test, rf.ep, 1);

	if (!rf_removal.in_time)
		wait_for_completion(&rf_removal.done);
	pci_lock_rescan_remove();
	pci_rescan_bus(host->bus);
	pci_unlock_rescan_remove();
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rf.other, 2, 1);
}

/* A Function that may be made invisible: it reads as all ones, without RRS */
static struct rf_hidden {
	struct pci_ops ops;
	struct pci_ops *sim;
	struct pci_dev *pdev;
	bool hidden;
} rf_hidden;

static int rf_hidden_read(struct pci_bus *bus, unsigned int devfn, int where,
			  int size, u32 *val)
{
	if (rf_hidden.hidden && devfn == rf_hidden.pdev->devfn) {
		*val = ~0;
		return PCIBIOS_SUCCESSFUL;
	}
	return rf_hidden.sim->read(bus, devfn, where, size, val);
}

static int rf_hidden_write(struct pci_bus *bus, unsigned int devfn, int where,
			   int size, u32 val)
{
	if (rf_hidden.hidden && devfn == rf_hidden.pdev->devfn)
		return PCIBIOS_SUCCESSFUL;
	return rf_hidden.sim->write(bus, devfn, where, size, val);
}

static void rf_hidden_end(void *bus)
{
	pci_bus_set_ops(bus, rf_hidden.sim);
}

static void rf_hidden_init(struct kunit *test, struct pci_dev *pdev)
{
	rf_hidden = (struct rf_hidden){
		.ops = { .read = rf_hidden_read, .write = rf_hidden_write },
		.pdev = pdev,
	};
	rf_hidden.sim = pci_bus_set_ops(pdev->bus, &rf_hidden.ops);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, rf_hidden_end,
						  pdev->bus));
}

static void rf_hide(struct pci_sim_func *f, void *hide)
{
	rf_hidden.hidden = hide;
}

struct rf_missing {
	const char *name;
	bool first;	/* Function 0 is the one that is missing, not 1 */
	bool before;	/* and is so before the reset */
	bool after;	/* and after it */
	bool asked;	/* and is the one that is to be reset */
	int error;
	unsigned int min_ms, max_ms;
};

static const struct rf_missing rf_missings[] = {
	{ "in the reset", .after = true,
	  .error = -ETIMEDOUT, .min_ms = 1000, .max_ms = 2500 },
	{ "in the reset, first", .first = true, .after = true,
	  .error = -ETIMEDOUT, .min_ms = 1000, .max_ms = 3500 },
	{ "before", .before = true, .after = true, .max_ms = 200 },
	{ "before, first", .first = true, .before = true, .after = true,
	  .max_ms = 2500 },
	{ "before, asked for", .before = true, .after = true, .asked = true,
	  .error = -ETIMEDOUT, .min_ms = 1000, .max_ms = 2500 },
	{ "before only", .before = true, .max_ms = 200 },
	{ "before only, asked for", .before = true, .asked = true,
	  .max_ms = 200 },
};

KUNIT_ARRAY_PARAM_DESC(rf_missing, rf_missings, name);

/* One Function is missing, the other one works in the end */
static void rf_missing(struct kunit *test)
{
	const struct rf_missing *m = test->param_value;
	struct pci_sim_func *f[2];
	struct sim_config before;
	struct pci_dev *pdev[2];
	int other = m->first;
	ktime_t start;
	struct rf rf;
	s64 ms;

	rf_build(test, &rf, false, (struct pci_sim_ep_config)RF_PLAIN);
	f[0] = rf.ep;
	f[1] = pci_sim_function(rf.ep);
	rf_start(test, &rf);
	pdev[0] = rf.pdev;
	pdev[1] = sim_kunit_dev(test, f[1]);
	sim_kunit_mark(test, f[other]);
	sim_config_get(&before, pdev[other]);

	rf_hidden_init(test, pdev[!other]);
	rf_hidden.hidden = m->before;
	pci_sim_on_write(rf.port, PCI_BRIDGE_CONTROL, rf_hide,
			 m->after ? test : NULL);
	start = ktime_get();
	KUNIT_EXPECT_EQ(test, m->error,
			pci_reset_bus_flags(pdev[m->asked ? !other : other],
					    PCI_RESET_LINK));
	ms = ktime_ms_delta(ktime_get(), start);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT)) {
		KUNIT_EXPECT_GE(test, ms, m->min_ms);
		KUNIT_EXPECT_LE(test, ms, m->max_ms);
	}
	sim_config_expect(test, &before, pdev[other]);
	SIM_EXPECT_RESET(test, f[other], PCI_SIM_RESET_HOT);
	SIM_EXPECT_TOLD(test, f[!other], 1);
	SIM_EXPECT_UNTOUCHED(test, rf.other);
	if (m->after)
		sim_kunit_expect_dead(test, f[!other]);
}

/* Who asks for more time gets it, although another Function is there */
static void rf_missing_other_late(struct kunit *test)
{
	struct sim_config before;
	struct pci_sim_func *f1;
	struct pci_dev *pdev1;
	struct rf rf;

	rf_build(test, &rf, false, (struct pci_sim_ep_config)RF_PLAIN);
	f1 = pci_sim_function(rf.ep);
	pci_sim_function(rf.ep);
	rf_start(test, &rf);
	sim_kunit_mark(test, f1);
	pdev1 = sim_kunit_dev(test, f1);
	sim_config_get(&before, pdev1);

	rf_hidden_init(test, rf.pdev);
	pci_sim_on_write(rf.port, PCI_BRIDGE_CONTROL, rf_hide, test);
	pci_sim_set_ready_ms(f1, 5000);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(rf.pdev, PCI_RESET_LINK));
	sim_config_expect(test, &before, pdev1);
	SIM_EXPECT_RESET(test, f1, PCI_SIM_RESET_HOT);
	sim_kunit_expect_dead(test, rf.ep);
}

/* A Link that goes down once more while the device is waited for */
struct rf_bounce {
	const char *name;
	bool hotplug;
	u8 speed;
	unsigned int ms;	/* for how long */
	int error;
};

static const struct rf_bounce rf_bounces[] = {
	{ "50 ms", .ms = 50 },
	{ "50 ms, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB, .ms = 50 },
	{ "700 ms", .ms = 700 },
	{ "700 ms, hotplug", .hotplug = true, .ms = 700 },
	{ "700 ms, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB, .ms = 700 },
	{ "4 s", .ms = 4000, .error = -ETIMEDOUT },
	{ "4 s, hotplug", .hotplug = true, .ms = 4000, .error = -ETIMEDOUT },
	{ "4 s, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB, .ms = 4000,
	  .error = -ETIMEDOUT },
};

KUNIT_ARRAY_PARAM_DESC(rf_bounce, rf_bounces, name);

static void rf_flap(struct pci_sim_func *port, void *bounce)
{
	pci_sim_link_flap(port, ((const struct rf_bounce *)bounce)->ms);
}

/* Whenever the kernel happens to look */
static void rf_link_bounces(struct kunit *test)
{
	const struct rf_bounce *b = test->param_value;
	unsigned int at;

	for (at = 300; at < 2200; at += 150) {
		struct sim_config before;
		ktime_t start;
		struct rf rf;

		rf.sim = sim_kunit_alloc(test);
		rf.port = pci_sim_root_port(rf.sim, .hotplug = b->hotplug,
					    .speed = b->speed);
		rf.ep = pci_sim_endpoint(rf.sim, rf.port);
		sim_kunit_start(test, rf.sim);
		rf.pdev = sim_kunit_dev(test, rf.ep);
		sim_config_get(&before, rf.pdev);
		pci_sim_set_ready_ms(rf.ep, 2500);
		pci_sim_at(rf.port, at * USEC_PER_MSEC, rf_flap, (void *)b);
		start = ktime_get();
		KUNIT_EXPECT_EQ_MSG(test, b->error,
				    pci_reset_bus_flags(rf.pdev,
							PCI_RESET_LINK),
				    "down after %u ms", at);
		if (b->error && IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
			KUNIT_EXPECT_LT(test,
					ktime_ms_delta(ktime_get(), start),
					at + 3700);
		if (!b->error)
			sim_config_expect(test, &before, rf.pdev);
		SIM_EXPECT_TOLD(test, rf.ep, 1);
		msleep(SIM_SETTLE_MS);
		if (!b->error)
			SIM_EXPECT_BOUND(test, rf.ep, 1, 0);
		else if (!b->hotplug)
			sim_kunit_expect_dead(test, rf.ep);
	}
}

/* Several that are cut off are not waited for one after the other */
static void rf_links_dropped(struct kunit *test)
{
	static const u8 speeds[] = { PCI_EXP_LNKCAP_SLS_2_5GB,
				     PCI_EXP_LNKCAP_SLS_16_0GB };

	for (int s = 0; s < ARRAY_SIZE(speeds); s++) {
		struct pci_sim *sim = sim_kunit_alloc(test);
		struct pci_sim_func *up, *down[8], *ep[8];
		ktime_t start;

		up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
		for (int i = 0; i < ARRAY_SIZE(ep); i++) {
			down[i] = pci_sim_downstream_port(up, .speed = speeds[s]);
			ep[i] = pci_sim_endpoint(sim, down[i]);
		}
		sim_kunit_start(test, sim);
		for (int i = 1; i < ARRAY_SIZE(ep); i++) {
			pci_sim_set_ready_ms(ep[i], 1500);
			pci_sim_at(down[i], 500 * USEC_PER_MSEC, rf_unplug,
				   NULL);
		}
		start = ktime_get();
		KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
				pci_reset_bus_flags(sim_kunit_dev(test, up),
						    PCI_RESET_LINK));
		if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
			KUNIT_EXPECT_GE(test, 4000,
					ktime_ms_delta(ktime_get(), start));
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ep[0]));
	}
}

static struct kunit_case rf_cases[] = {
	KUNIT_CASE_PARAM(rf_query, rf_method_gen_params),
	KUNIT_CASE_PARAM(rf_refuse, rf_refusal_gen_params),
	KUNIT_CASE(rf_no_bridge),
	KUNIT_CASE(rf_multifunction),
	KUNIT_CASE(rf_contended),
	KUNIT_CASE(rf_flr_timeout),
	KUNIT_CASE(rf_flr_timeout_old),
	KUNIT_CASE(rf_not_ready),
	KUNIT_CASE(rf_no_link),
	KUNIT_CASE(rf_no_link_hotplug),
	KUNIT_CASE(rf_removed),
	KUNIT_CASE(rf_replaced),
	KUNIT_CASE(rf_changed),
	KUNIT_CASE(rf_slot_gone),
	KUNIT_CASE(rf_pulled),
	KUNIT_CASE(rf_cut_off),
	KUNIT_CASE(rf_links_stuck),
	KUNIT_CASE_PARAM(rf_probe_at_boot, rf_probe_gen_params),
	KUNIT_CASE_PARAM(rf_probe_later, rf_probe_gen_params),
	KUNIT_CASE_PARAM(rf_probe_hot_added, rf_probe_gen_params),
	KUNIT_CASE(rf_nested_hotplug),
	KUNIT_CASE_PARAM(rf_one_lost, rf_loss_gen_params),
	KUNIT_CASE_PARAM(rf_pf, rf_iov_gen_params),
	KUNIT_CASE_PARAM(rf_flr_fails, rf_order_gen_params),
	KUNIT_CASE(rf_all_fail),
	KUNIT_CASE(rf_next_affects_more),
	KUNIT_CASE_PARAM(rf_host_fails, rf_host_gen_params),
	KUNIT_CASE(rf_host_sleeps),
	KUNIT_CASE_PARAM(rf_missing, rf_missing_gen_params),
	KUNIT_CASE(rf_missing_other_late),
	KUNIT_CASE_PARAM(rf_link_bounces, rf_bounce_gen_params),
	KUNIT_CASE(rf_links_dropped),
	KUNIT_CASE_PARAM(rf_vf_never, rf_iov_gen_params),
	KUNIT_CASE_PARAM(rf_vf_alone, rf_iov_gen_params),
	KUNIT_CASE_PARAM(rf_vfs_meanwhile, rf_iov_gen_params),
	KUNIT_CASE(rf_conventional),
	{}
};

static struct kunit_suite rf_suite = {
	.name = "pci-reset-flags",
	.test_cases = rf_cases,
};

kunit_test_suite(rf_suite);

MODULE_DESCRIPTION("KUnit tests of pci_reset_bus_flags()");
MODULE_LICENSE("GPL");
