// SPDX-License-Identifier: GPL-2.0
/*
 * pci_reset_bus_flags() and what goes with it, against its contract: the mask
 * is a ceiling, every outcome has its own error, what was asked about is what
 * is reset, and drivers are told exactly once
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "../sim-kunit.h"
#include "flags-kunit.h"

/* An Endpoint, the port above it, and an unaffected Endpoint */
struct flags_ctx {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_sim_func *other;
	struct pci_dev *pdev;
};

/*
 * An Endpoint, and another one below a port of its own that must not be
 * affected
 */
static void flags_build(struct kunit *test, struct flags_ctx *ctx, bool hotplug,
			struct pci_sim_ep_config config)
{
	struct pci_sim_func *port2;

	ctx->sim = sim_kunit_alloc(test);
	ctx->port = pci_sim_root_port(ctx->sim, .hotplug = hotplug);
	port2 = pci_sim_root_port(ctx->sim, .hotplug = hotplug);
	ctx->ep = pci_sim_add_endpoint(ctx->sim, ctx->port, &config);
	ctx->other = pci_sim_endpoint(ctx->sim, port2, .flr = true);
}

static void flags_start(struct kunit *test, struct flags_ctx *ctx)
{
	sim_kunit_start(test, ctx->sim);
	ctx->pdev = sim_kunit_dev(test, ctx->ep);
	sim_kunit_mark(test, ctx->ep);
	sim_kunit_mark(test, ctx->other);
}

/* Each method and alias on a device that supports it */
struct flags_method {
	const char *name;
	pci_reset_flags_t mask;
	pci_reset_flags_t method;
	enum pci_sim_reset kind;
	bool hotplug;
	struct pci_sim_ep_config ep;
};

static const struct flags_method flags_methods[] = {
	{ .name = "DEV_SPECIFIC", .mask = PCI_RESET_DEV_SPECIFIC,
	  .method = PCI_RESET_DEV_SPECIFIC, .kind = PCI_SIM_RESET_FLR,
	  .ep = FLAGS_QUIRK },
	{ .name = "FLR", .mask = PCI_RESET_FLR, .method = PCI_RESET_FLR,
	  .kind = PCI_SIM_RESET_FLR, .ep = FLAGS_FLR },
	{ .name = "FLR on hotplug port", .mask = PCI_RESET_FLR,
	  .method = PCI_RESET_FLR, .kind = PCI_SIM_RESET_FLR, .hotplug = true,
	  .ep = FLAGS_FLR },
	{ .name = "FLR by Advanced Features", .mask = PCI_RESET_FLR,
	  .method = PCI_RESET_FLR, .kind = PCI_SIM_RESET_AF_FLR,
	  .ep = FLAGS_AF_FLR },
	{ .name = "PM", .mask = PCI_RESET_PM, .method = PCI_RESET_PM,
	  .kind = PCI_SIM_RESET_PM, .ep = FLAGS_PM },
	{ .name = "SLOT", .mask = PCI_RESET_SLOT, .method = PCI_RESET_SLOT,
	  .kind = PCI_SIM_RESET_HOT, .hotplug = true, .ep = FLAGS_PLAIN },
	{ .name = "BUS", .mask = PCI_RESET_BUS, .method = PCI_RESET_BUS,
	  .kind = PCI_SIM_RESET_HOT, .ep = FLAGS_PLAIN },
	{ .name = "BUS on hotplug port", .mask = PCI_RESET_BUS,
	  .method = PCI_RESET_BUS, .kind = PCI_SIM_RESET_HOT, .hotplug = true,
	  .ep = FLAGS_PLAIN },
	{ .name = "FUNC is DEV_SPECIFIC", .mask = PCI_RESET_FUNC,
	  .method = PCI_RESET_DEV_SPECIFIC, .kind = PCI_SIM_RESET_FLR,
	  .ep = FLAGS_QUIRK },
	{ .name = "FUNC is FLR", .mask = PCI_RESET_FUNC,
	  .method = PCI_RESET_FLR, .kind = PCI_SIM_RESET_FLR, .ep = FLAGS_FLR },
	{ .name = "FUNC is PM", .mask = PCI_RESET_FUNC, .method = PCI_RESET_PM,
	  .kind = PCI_SIM_RESET_PM, .ep = FLAGS_PM },
	{ .name = "LINK is BUS", .mask = PCI_RESET_LINK,
	  .method = PCI_RESET_BUS, .kind = PCI_SIM_RESET_HOT, .ep = FLAGS_FLR },
	{ .name = "LINK is SLOT", .mask = PCI_RESET_LINK,
	  .method = PCI_RESET_SLOT, .kind = PCI_SIM_RESET_HOT, .hotplug = true,
	  .ep = FLAGS_FLR },
	{ .name = "ANY is FLR", .mask = PCI_RESET_ANY, .method = PCI_RESET_FLR,
	  .kind = PCI_SIM_RESET_FLR, .hotplug = true, .ep = FLAGS_FLR },
	{ .name = "ANY is SLOT", .mask = PCI_RESET_ANY,
	  .method = PCI_RESET_SLOT, .kind = PCI_SIM_RESET_HOT, .hotplug = true,
	  .ep = FLAGS_PLAIN },
	{ .name = "ANY is BUS", .mask = PCI_RESET_ANY, .method = PCI_RESET_BUS,
	  .kind = PCI_SIM_RESET_HOT, .ep = FLAGS_PLAIN },
	{ .name = "PM | BUS is PM", .mask = PCI_RESET_PM | PCI_RESET_BUS,
	  .method = PCI_RESET_PM, .kind = PCI_SIM_RESET_PM, .ep = FLAGS_PM },
	{ .name = "PM | BUS is BUS", .mask = PCI_RESET_PM | PCI_RESET_BUS,
	  .method = PCI_RESET_BUS, .kind = PCI_SIM_RESET_HOT, .ep = FLAGS_FLR },
};

KUNIT_ARRAY_PARAM_DESC(flags_method, flags_methods, name);

/* Getting a scope resets nothing, and committing it resets what it names */
static void flags_query_then_commit(struct kunit *test)
{
	const struct flags_method *m = test->param_value;
	struct pci_reset_scope *scope;
	struct flags_ctx ctx;

	flags_build(test, &ctx, m->hotplug, m->ep);
	flags_start(test, &ctx);
	scope = pci_reset_scope_get(ctx.pdev, m->mask);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_TRUE(test, scope->method == m->method);
	KUNIT_EXPECT_EQ(test, 1, scope->nr_devs);
	KUNIT_EXPECT_PTR_EQ(test, ctx.pdev, scope->devs[0]);
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);

	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ctx.ep, m->kind);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* Masks that must not reset anything, on a device that has other methods */
struct flags_refusal {
	const char *name;
	pci_reset_flags_t mask;
	int error;
	bool hotplug;
	struct pci_sim_ep_config ep;
};

#define FLAGS_BIT(n) ((__force pci_reset_flags_t)BIT(n))

static const struct flags_refusal flags_refusals[] = {
	{ .name = "nothing", .mask = 0, .error = -EINVAL },
	{ .name = "modifiers only", .mask = PCI_RESET_TRYLOCK | PCI_RESET_ALONE,
	  .error = -EINVAL },
	{ .name = "unknown method", .mask = PCI_RESET_FLR | FLAGS_BIT(7),
	  .error = -EINVAL, .ep = FLAGS_FLR },
	{ .name = "unknown modifier", .mask = PCI_RESET_FLR | FLAGS_BIT(19),
	  .error = -EINVAL, .ep = FLAGS_FLR },
	{ .name = "highest bit", .mask = PCI_RESET_ANY | FLAGS_BIT(31),
	  .error = -EINVAL, .ep = FLAGS_FLR },
	{ .name = "lock not held", .mask = PCI_RESET_FLR | PCI_RESET_LOCKED,
	  .error = -EINVAL, .ep = FLAGS_FLR },
	{ .name = "no quirk", .mask = PCI_RESET_DEV_SPECIFIC, .error = -ENOTTY,
	  .ep = FLAGS_FLR },
	{ .name = "no FLR", .mask = PCI_RESET_FLR, .error = -ENOTTY,
	  .hotplug = true, .ep = FLAGS_PM },
	{ .name = "no PM reset", .mask = PCI_RESET_PM, .error = -ENOTTY,
	  .hotplug = true, .ep = FLAGS_FLR },
	{ .name = "no PM at all", .mask = PCI_RESET_PM, .error = -ENOTTY,
	  .ep = { .no_pm = true } },
	{ .name = "no slot", .mask = PCI_RESET_SLOT, .error = -ENOTTY,
	  .ep = FLAGS_FLR },
	{ .name = "no ACPI", .mask = PCI_RESET_ACPI, .error = -ENOTTY,
	  .hotplug = true, .ep = FLAGS_FLR },
	{ .name = "no CXL", .mask = PCI_RESET_CXL_BUS, .error = -ENOTTY,
	  .hotplug = true, .ep = FLAGS_FLR },
	{ .name = "no function reset", .mask = PCI_RESET_FUNC, .error = -ENOTTY,
	  .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(flags_refusal, flags_refusals, name);

static void flags_refused(struct kunit *test)
{
	const struct flags_refusal *r = test->param_value;
	struct pci_reset_scope *scope;
	struct flags_ctx ctx;

	flags_build(test, &ctx, r->hotplug, r->ep);
	flags_start(test, &ctx);
	KUNIT_EXPECT_EQ(test, r->error, pci_reset_bus_flags(ctx.pdev, r->mask));

	/*
	 * A scope is asked for without locks, so PCI_RESET_LOCKED does not
	 * apply
	 */
	if (!(r->mask & PCI_RESET_LOCKED)) {
		scope = pci_reset_scope_get(ctx.pdev, r->mask);
		KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(r->error), scope);
		pci_reset_scope_put(scope);
	}
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* A Root Port has no bridge above it that could reset it */
static void flags_root_port_has_no_method(struct kunit *test)
{
	struct pci_dev *root;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_FLR);
	flags_start(test, &ctx);
	root = sim_kunit_dev(test, ctx.port);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_bus_flags(root, PCI_RESET_ANY));
	device_lock(&root->dev);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_bus_flags(root, PCI_RESET_LINK |
						  PCI_RESET_LOCKED));
	device_unlock(&root->dev);
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
}

/* A reset of the Link affects all Functions, a function reset only one */
static void flags_link_takes_all_functions(struct kunit *test)
{
	struct pci_reset_scope *s0, *s1;
	struct pci_sim_func *f1;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_FLR);
	f1 = pci_sim_function(ctx.ep);
	flags_start(test, &ctx);
	sim_kunit_mark(test, f1);

	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_LINK | PCI_RESET_ALONE));
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
	SIM_EXPECT_UNTOUCHED(test, f1);

	s0 = pci_reset_scope_get(ctx.pdev, PCI_RESET_LINK);
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
	SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_HOT);
	SIM_EXPECT_RESET(test, f1, PCI_SIM_RESET_HOT);

	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_FUNC | PCI_RESET_ALONE));
	KUNIT_EXPECT_EQ(test, 2, pci_sim_resets_all(ctx.ep));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(f1));
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* Locks that are held by another task */
static void flags_contended_locks(struct kunit *test)
{
	struct pci_dev *bridge;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_FLR);
	flags_start(test, &ctx);
	bridge = pci_upstream_bridge(ctx.pdev);

	device_lock(&ctx.pdev->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_FLR | PCI_RESET_TRYLOCK));
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_ANY | PCI_RESET_TRYLOCK));
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_LINK |
						    PCI_RESET_TRYLOCK));
	device_unlock(&ctx.pdev->dev);

	device_lock(&bridge->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_LINK |
						    PCI_RESET_TRYLOCK));
	device_lock(&ctx.pdev->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_LINK | PCI_RESET_LOCKED));
	device_unlock(&ctx.pdev->dev);
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);

	/* A function reset does not lock the bridge */
	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_FLR | PCI_RESET_TRYLOCK));
	device_unlock(&bridge->dev);
	SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_FLR);
}

/* No other method is tried after one that timed out */
static void flags_timeout_ends_reset(struct kunit *test)
{
	struct flags_ctx ctx;

	flags_build(test, &ctx, true,
		    (struct pci_sim_ep_config){ .flr = true,
						.flr_ms = PCI_SIM_NEVER,
						.pm_reset = true });
	flags_start(test, &ctx);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_ANY));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_FLR);
}

/* The same for pci_reset_function() */
static void flags_timeout_ends_function_reset(struct kunit *test)
{
	struct flags_ctx ctx;

	flags_build(test, &ctx, true,
		    (struct pci_sim_ep_config){ .flr = true,
						.flr_ms = PCI_SIM_NEVER,
						.pm_reset = true });
	flags_start(test, &ctx);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, pci_reset_function(ctx.pdev));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_FLR);
}

static void flags_device_never_ready(struct kunit *test)
{
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config){});
	flags_start(test, &ctx);
	pci_sim_set_ready_ms(ctx.ep, PCI_SIM_NEVER);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_LINK));
	SIM_EXPECT_TOLD(test, ctx.ep, 1);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* The Link stays down, below a port without a slot */
static void flags_link_stays_down(struct kunit *test)
{
	struct flags_ctx ctx;

	flags_build(test, &ctx, false, (struct pci_sim_ep_config){});
	flags_start(test, &ctx);
	pci_sim_link_stuck(ctx.port, true);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_LINK));
	SIM_EXPECT_TOLD(test, ctx.ep, 1);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

static void flags_link_stays_down_in_slot(struct kunit *test)
{
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config){});
	flags_start(test, &ctx);
	pci_sim_link_stuck(ctx.port, true);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_LINK));
	SIM_EXPECT_TOLD(test, ctx.ep, 1);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* The device is removed after the scope was taken */
static void flags_scope_of_removed_device(struct kunit *test)
{
	struct pci_reset_scope *func, *link;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_FLR);
	flags_start(test, &ctx);
	func = pci_reset_scope_get(ctx.pdev, PCI_RESET_FUNC);
	link = pci_reset_scope_get(ctx.pdev, PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, func);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, link);

	pci_sim_unplug(ctx.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
	KUNIT_EXPECT_EQ(test, -ENODEV, pci_reset_scope_commit(func, 0));
	KUNIT_EXPECT_EQ(test, -ENODEV, pci_reset_scope_commit(link, 0));
	pci_reset_scope_put(func);
	pci_reset_scope_put(link);

	KUNIT_EXPECT_EQ(test, -ENODEV,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_ANY));
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-ENODEV),
			    pci_reset_scope_get(ctx.pdev, PCI_RESET_ANY));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets(ctx.ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_TOLD(test, ctx.ep, 0);
}

/* ... or was replaced, and the new device is not in the scope */
static void flags_scope_of_replaced_device(struct kunit *test)
{
	struct pci_reset_scope *link;
	struct pci_sim_func *new;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config){ .dsn = 1 });
	new = pci_sim_endpoint(ctx.sim, NULL, .dsn = 2);
	flags_start(test, &ctx);
	link = pci_reset_scope_get(ctx.pdev, PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, link);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	sim_kunit_mark(test, new);
	KUNIT_EXPECT_NE(test, 0, pci_reset_scope_commit(link, 0));
	pci_reset_scope_put(link);
	SIM_EXPECT_UNTOUCHED(test, new);
}

/* A Function was removed from, or added to, the devices that were named */
static void flags_scope_that_has_changed(struct kunit *test)
{
	struct pci_reset_scope *two, *one;
	struct pci_sim_func *f1;
	struct pci_dev *pdev1;
	struct flags_ctx ctx;

	flags_build(test, &ctx, false, (struct pci_sim_ep_config){});
	f1 = pci_sim_function(ctx.ep);
	flags_start(test, &ctx);
	pdev1 = sim_kunit_dev(test, f1);

	two = pci_reset_scope_get(ctx.pdev, PCI_RESET_BUS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, two);
	pci_stop_and_remove_bus_device_locked(pdev1);
	KUNIT_EXPECT_EQ(test, -EBUSY, pci_reset_scope_commit(two, 0));
	pci_reset_scope_put(two);
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);

	one = pci_reset_scope_get(ctx.pdev, PCI_RESET_BUS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one);
	KUNIT_EXPECT_EQ(test, 1, one->nr_devs);
	sim_kunit_rescan(ctx.pdev->bus);
	SIM_EXPECT_BOUND(test, f1, 2, 1);
	KUNIT_EXPECT_EQ(test, -EBUSY, pci_reset_scope_commit(one, 0));
	pci_reset_scope_put(one);
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
	SIM_EXPECT_TOLD(test, f1, 0);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(f1));

	/* Without a scope, both are reset */
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(ctx.pdev, PCI_RESET_BUS));
	SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_HOT);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(f1));
	SIM_EXPECT_TOLD(test, f1, 1);
}

/* The devices are released, and what names the set that is reset is kept */
static void flags_scope_without_devices(struct kunit *test)
{
	struct pci_reset_scope *kept, *now;
	unsigned int refs, refs1;
	struct pci_sim_func *f1;
	struct pci_dev *pdev1;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config){});
	f1 = pci_sim_function(ctx.ep);
	flags_start(test, &ctx);
	pdev1 = sim_kunit_dev(test, f1);
	sim_kunit_mark(test, f1);
	refs = kref_read(&ctx.pdev->dev.kobj.kref);
	refs1 = kref_read(&pdev1->dev.kobj.kref);

	kept = pci_reset_scope_get(ctx.pdev, PCI_RESET_LINK);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept);
	KUNIT_EXPECT_EQ(test, 2, kept->nr_devs);
	KUNIT_EXPECT_EQ(test, refs1 + 1, kref_read(&pdev1->dev.kobj.kref));
	pci_reset_scope_put_devs(kept);
	KUNIT_EXPECT_EQ(test, 0, kept->nr_devs);
	KUNIT_EXPECT_EQ(test, refs, kref_read(&ctx.pdev->dev.kobj.kref));
	KUNIT_EXPECT_EQ(test, refs1, kref_read(&pdev1->dev.kobj.kref));

	KUNIT_EXPECT_EQ(test, -EINVAL, pci_reset_scope_commit(kept, 0));
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
	SIM_EXPECT_UNTOUCHED(test, f1);

	now = pci_reset_scope_get(pdev1, kept->method);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, now);
	KUNIT_EXPECT_TRUE(test, kept->method == PCI_RESET_SLOT);
	KUNIT_EXPECT_PTR_EQ(test, kept->id, now->id);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(now, 0));
	pci_reset_scope_put(now);
	pci_reset_scope_put(kept);
	SIM_EXPECT_RESET(test, f1, PCI_SIM_RESET_HOT);
}

/* The port driver is unbound, and with it the slot is gone */
static void flags_scope_whose_slot_is_gone(struct kunit *test)
{
	struct pci_reset_scope *slot;
	struct pci_dev *port;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config){});
	flags_start(test, &ctx);
	port = sim_kunit_dev(test, ctx.port);
	slot = pci_reset_scope_get(ctx.pdev, PCI_RESET_SLOT);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, slot);

	sim_kunit_expect_unbound(test, ctx.port);
	device_release_driver(&port->dev);
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_scope_commit(slot, 0));
	pci_reset_scope_put(slot);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_SLOT));
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(ctx.pdev, PCI_RESET_LINK));
	SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_HOT);
}

static void flags_unplug(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

/* Pulled in the middle: an error, the driver told once, one removal */
static void flags_pulled_in_reset(struct kunit *test)
{
	/* With SBR asserted, while the Link trains, after that */
	static const unsigned int ms[] = { 1, 15, 110 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		struct flags_ctx ctx;
		int rc;

		flags_build(test, &ctx, true, (struct pci_sim_ep_config){});
		flags_start(test, &ctx);
		pci_sim_at(ctx.port, ms[i] * USEC_PER_MSEC, flags_unplug, NULL);
		rc = pci_reset_bus_flags(ctx.pdev, PCI_RESET_LINK);
		KUNIT_EXPECT_TRUE_MSG(test, rc == -ETIMEDOUT || rc == -ENODEV,
				      "%d, pulled after %u ms", rc, ms[i]);
		SIM_EXPECT_TOLD(test, ctx.ep, 1);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
		SIM_EXPECT_UNTOUCHED(test, ctx.other);
	}
}

/*
 * The switch is gone, and there is no hotplug port to report that.  What is below
 * it cannot be reset, and is not waited for.
 */
static void flags_below_absent_switch_is_no_reset(struct kunit *test)
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
		KUNIT_EXPECT_EQ(test, -ENODEV,
				pci_reset_bus_flags(pdev[i], PCI_RESET_LINK));
		if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
			KUNIT_EXPECT_GE(test, 1000,
					ktime_ms_delta(ktime_get(), start));
		SIM_EXPECT_TOLD(test, ep, i + 1);
	}
}

/* Links that stay down are waited for together, and the others are restored */
static void flags_stuck_links_share_a_timeout(struct kunit *test)
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
 * Resets in probe, with the device lock held and before the driver is bound, as
 * in hfi1
 */
struct flags_probe {
	const char *name;
	bool hotplug;
	bool second;
	bool stuck;
	int error;
};

static const struct flags_probe flags_probes[] = {
	{ .name = "plain port" },
	{ .name = "hotplug port", .hotplug = true },
	{ .name = "second function", .second = true, .error = -EBUSY },
	{ .name = "hotplug port, second function", .hotplug = true,
	  .second = true, .error = -EBUSY },
	{ .name = "no link", .stuck = true, .error = -ETIMEDOUT },
	{ .name = "hotplug port, no link", .hotplug = true, .stuck = true,
	  .error = -ETIMEDOUT },
};

KUNIT_ARRAY_PARAM_DESC(flags_probe, flags_probes, name);

static int flags_reset_in_probe(struct pci_dev *pdev, enum pci_sim_call call,
				void *data)
{
	int *result = data;

	if (call != PCI_SIM_PROBE)
		return 0;

	*result = pci_reset_bus_flags(pdev, PCI_RESET_LINK | PCI_RESET_LOCKED |
					    PCI_RESET_ALONE);
	return 0;
}

static void flags_expect_probe(struct kunit *test, struct flags_ctx *ctx,
			       int result)
{
	const struct flags_probe *p = test->param_value;
	bool reset = p->error != -EBUSY;

	KUNIT_EXPECT_EQ(test, p->error, result);
	KUNIT_EXPECT_EQ(test, reset,
			pci_sim_resets(ctx->ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_BOUND(test, ctx->ep, 1, p->hotplug && p->stuck);
	SIM_EXPECT_UNTOUCHED(test, ctx->other);
}

static void flags_in_probe_at_boot(struct kunit *test)
{
	const struct flags_probe *p = test->param_value;
	int result = 1;
	struct flags_ctx ctx;

	if (p->stuck)
		kunit_skip(test, "would not be found at boot");

	flags_build(test, &ctx, p->hotplug, (struct pci_sim_ep_config){});
	if (p->second)
		pci_sim_function(ctx.ep);
	pci_sim_on_call(ctx.ep, flags_reset_in_probe, &result);
	sim_kunit_start(test, ctx.sim);
	sim_kunit_mark(test, ctx.other);
	msleep(SIM_SETTLE_MS);
	flags_expect_probe(test, &ctx, result);
}

/* Bound later, by hand; a second function may be without a driver */
static void flags_in_probe_later(struct kunit *test)
{
	const struct flags_probe *p = test->param_value;
	struct pci_sim_counts counts;
	int result = 1;
	struct flags_ctx ctx;

	flags_build(test, &ctx, p->hotplug, (struct pci_sim_ep_config){});
	if (p->second)
		pci_sim_function(ctx.ep);
	flags_start(test, &ctx);

	device_release_driver(&ctx.pdev->dev);
	counts = pci_sim_counts(ctx.ep);
	KUNIT_ASSERT_EQ(test, 1, counts.remove);
	pci_sim_link_stuck(ctx.port, p->stuck);
	pci_sim_on_call(ctx.ep, flags_reset_in_probe, &result);
	KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.pdev->dev));
	KUNIT_EXPECT_EQ(test, p->error, result);
	msleep(SIM_SETTLE_MS);

	KUNIT_EXPECT_EQ(test, p->error != -EBUSY,
			pci_sim_resets(ctx.ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 1 + (p->hotplug && p->stuck));
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* Hot-added: with pci_rescan_remove_lock held by pciehp, too */
static void flags_in_probe_of_hot_added_device(struct kunit *test)
{
	const struct flags_probe *p = test->param_value;
	struct pci_sim_func *card;
	int result = 1;
	struct flags_ctx ctx;

	if (!p->hotplug || p->stuck)
		kunit_skip(test, "nothing is hot-added here");

	flags_build(test, &ctx, true, (struct pci_sim_ep_config){});
	if (p->second)
		pci_sim_function(ctx.ep);
	sim_kunit_start(test, ctx.sim);
	sim_kunit_mark(test, ctx.other);
	card = pci_sim_unplug(ctx.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);

	pci_sim_on_call(ctx.ep, flags_reset_in_probe, &result);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, card));
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, p->error, result);
	KUNIT_EXPECT_EQ(test, !p->error,
			pci_sim_resets(ctx.ep, PCI_SIM_RESET_HOT));
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 1);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/*
 * Hotplug ports below the Link that is reset lose their Links, which is not an
 * unplug
 */
static void flags_above_hotplug_ports(struct kunit *test)
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

/* A PF with VFs, on its bus or on a bus that no bridge leads to */
struct flags_iov {
	const char *name;
	pci_reset_flags_t method;
	bool hotplug;
	u16 offset;
};

static const struct flags_iov flags_iovs[] = {
	{ .name = "SLOT", .method = PCI_RESET_SLOT, .hotplug = true },
	{ .name = "SLOT, bus of their own", .method = PCI_RESET_SLOT,
	  .hotplug = true, .offset = 0x100 },
	{ .name = "BUS", .method = PCI_RESET_BUS },
	{ .name = "BUS, bus of their own", .method = PCI_RESET_BUS,
	  .offset = 0x100 },
	{ .name = "BUS on hotplug port, two buses", .method = PCI_RESET_BUS,
	  .hotplug = true, .offset = 0xfe },
	{ .name = "FLR", .method = PCI_RESET_FLR },
	{ .name = "FLR, bus of their own", .method = PCI_RESET_FLR,
	  .offset = 0x100 },
	{ .name = "FLR on hotplug port, two buses", .method = PCI_RESET_FLR,
	  .hotplug = true, .offset = 0xfe },
};

KUNIT_ARRAY_PARAM_DESC(flags_iov, flags_iovs, name);

#define FLAGS_VFS	4

/* How the PF is reset; its VFs lose their state with VF Enable in any case */
static enum pci_sim_reset flags_iov_reset(const struct flags_iov *v)
{
	return v->method == PCI_RESET_FLR ? PCI_SIM_RESET_FLR :
					    PCI_SIM_RESET_HOT;
}

static void flags_iov_start(struct kunit *test, struct flags_ctx *ctx,
			    struct pci_sim_func **vf)
{
	const struct flags_iov *v = test->param_value;
	int i;

	flags_build(test, ctx, v->hotplug,
		    (struct pci_sim_ep_config){ .flr = true,
						.vfs = FLAGS_VFS + 1,
						.vf_offset = v->offset,
						.vf_stride = 1 });
	flags_start(test, ctx);
	KUNIT_ASSERT_EQ(test, FLAGS_VFS,
			sim_kunit_set_vfs(ctx->pdev, FLAGS_VFS));
	for (i = 0; i < FLAGS_VFS; i++) {
		vf[i] = pci_sim_vf(ctx->ep, i);
		sim_kunit_mark(test, vf[i]);
	}
}

static bool flags_in_scope(struct kunit *test,
			   const struct pci_reset_scope *scope,
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
static void flags_pf_takes_its_vfs(struct kunit *test)
{
	const struct flags_iov *v = test->param_value;
	struct pci_sim_func *vf[FLAGS_VFS];
	struct pci_reset_scope *scope;
	struct sim_config before;
	struct flags_ctx ctx;
	int i;

	flags_iov_start(test, &ctx, vf);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_bus_flags(ctx.pdev,
					    v->method | PCI_RESET_ALONE));
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);

	scope = pci_reset_scope_get(ctx.pdev, v->method);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_EQ(test, 1 + FLAGS_VFS, scope->nr_devs);
	KUNIT_EXPECT_TRUE(test, flags_in_scope(test, scope, ctx.ep));
	for (i = 0; i < FLAGS_VFS; i++)
		KUNIT_EXPECT_TRUE(test, flags_in_scope(test, scope, vf[i]));

	/* Longer than the 100 ms that the core waits after VF Enable */
	pci_sim_set_ready_ms(vf[FLAGS_VFS - 1], 400);
	sim_kunit_config_get(&before, ctx.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	sim_kunit_config_expect(test, &before, ctx.pdev);
	for (i = 0; i < FLAGS_VFS; i++)
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf[i]));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ctx.ep, flags_iov_reset(v));
	for (i = 0; i < FLAGS_VFS; i++)
		SIM_EXPECT_RESET(test, vf[i], PCI_SIM_RESET_HOT);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* A VF that does not come back is reported, and the others are restored */
static void flags_vf_never_ready(struct kunit *test)
{
	const struct flags_iov *v = test->param_value;
	struct pci_sim_func *vf[FLAGS_VFS];
	struct flags_ctx ctx;
	int i;

	flags_iov_start(test, &ctx, vf);
	pci_sim_set_ready_ms(vf[1], PCI_SIM_NEVER);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(ctx.pdev, v->method));
	for (i = 0; i < FLAGS_VFS; i++) {
		SIM_EXPECT_TOLD(test, vf[i], 1);
		KUNIT_EXPECT_EQ(test, i != 1,
				sim_kunit_is_master(test, vf[i]));
	}
	SIM_EXPECT_RESET(test, ctx.ep, flags_iov_reset(v));
}

/* FLR of a VF is for that VF alone, wherever it is */
static void flags_vf_is_reset_alone(struct kunit *test)
{
	struct pci_sim_func *vf[FLAGS_VFS];
	struct pci_dev *pdev;
	struct flags_ctx ctx;
	int i;

	flags_iov_start(test, &ctx, vf);
	pdev = sim_kunit_dev(test, vf[2]);
	pci_sim_set_flr_ms(vf[2], 500);
	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(pdev, PCI_RESET_ANY |
						  PCI_RESET_ALONE));
	SIM_EXPECT_RESET(test, vf[2], PCI_SIM_RESET_FLR);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf[2]));
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
	for (i = 0; i < FLAGS_VFS; i++) {
		if (i != 2)
			SIM_EXPECT_UNTOUCHED(test, vf[i]);
	}
}

/* VFs that were enabled after the scope was taken make it stale */
static void flags_vfs_enabled_meanwhile(struct kunit *test)
{
	const struct flags_iov *v = test->param_value;
	struct pci_sim_func *vf[FLAGS_VFS];
	struct pci_reset_scope *scope;
	struct flags_ctx ctx;

	flags_iov_start(test, &ctx, vf);
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(ctx.pdev, 0));
	scope = pci_reset_scope_get(ctx.pdev, v->method);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	KUNIT_EXPECT_EQ(test, 1, scope->nr_devs);
	KUNIT_EXPECT_EQ(test, 1, sim_kunit_set_vfs(ctx.pdev, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	SIM_EXPECT_UNTOUCHED(test, ctx.ep);
	SIM_EXPECT_TOLD(test, vf[0], 0);
}

/* Conventional devices share their bus and its reset, and are awaited too */
static void flags_conventional_bus(struct kunit *test)
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

/* If one of several devices is lost, the reset fails but restores the others */
struct flags_loss {
	const char *name;
	bool hotplug;
	bool late;
	u8 speed;
};

static const struct flags_loss flags_losses[] = {
	{ .name = "no Link" },
	{ .name = "no Link, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	{ .name = "never ready", .late = true },
	{ .name = "never ready, 2.5 GT/s", .late = true,
	  .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	/* The port is reset as well, and so sends no event */
	{ .name = "no Link, hotplug", .hotplug = true },
	{ .name = "never ready, hotplug", .hotplug = true, .late = true },
};

KUNIT_ARRAY_PARAM_DESC(flags_loss, flags_losses, name);

static void flags_others_are_restored_if_one_is_lost(struct kunit *test)
{
	const struct flags_loss *l = test->param_value;
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
		sim_kunit_config_get(&before[i], pdev[i]);
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
	sim_kunit_config_expect(test, &before[0], pdev[0]);
	sim_kunit_config_expect(test, &before[2], pdev[2]);
	msleep(5 * SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ep[0], PCI_SIM_RESET_HOT);
	SIM_EXPECT_RESET(test, ep[2], PCI_SIM_RESET_HOT);
	SIM_EXPECT_TOLD(test, ep[1], 1);
	SIM_EXPECT_BOUND(test, ep[1], 1, l->hotplug);
}

/* Methods that turn out to be unsupported after the driver was told */
struct flags_order {
	const char *name;
	const char *methods;
	int (*reset)(struct pci_dev *pdev);
	enum pci_sim_reset kind;
	bool hotplug;
};

static int flags_reset_locked(struct pci_dev *pdev)
{
	guard(device)
		(&pdev->dev);

	return pci_reset_function_locked(pdev);
}

static int flags_reset_any(struct pci_dev *pdev)
{
	return pci_reset_bus_flags(pdev, PCI_RESET_ANY);
}

static int flags_reset_any_alone(struct pci_dev *pdev)
{
	return pci_reset_bus_flags(pdev, PCI_RESET_ANY | PCI_RESET_ALONE);
}

static const struct flags_order flags_orders[] = {
	{ .name = "flr bus pm", .methods = "flr bus pm",
	  .reset = pci_reset_function, .kind = PCI_SIM_RESET_HOT },
	{ .name = "flr bus pm, hotplug", .methods = "flr bus pm",
	  .reset = pci_reset_function, .kind = PCI_SIM_RESET_HOT,
	  .hotplug = true },
	{ .name = "flr bus pm, try", .methods = "flr bus pm",
	  .reset = pci_try_reset_function, .kind = PCI_SIM_RESET_HOT },
	{ .name = "flr bus pm, locked", .methods = "flr bus pm",
	  .reset = flags_reset_locked, .kind = PCI_SIM_RESET_HOT,
	  .hotplug = true },
	{ .name = "flr pm bus", .methods = "flr pm bus",
	  .reset = pci_reset_function, .kind = PCI_SIM_RESET_PM },
	{ .name = "flr pm bus, hotplug", .methods = "flr pm bus",
	  .reset = pci_reset_function, .kind = PCI_SIM_RESET_PM,
	  .hotplug = true },
	{ .name = "pm flr bus", .methods = "pm flr bus",
	  .reset = pci_reset_function, .kind = PCI_SIM_RESET_PM },
	{ .name = "bus flr", .methods = "bus flr pm",
	  .reset = pci_reset_function, .kind = PCI_SIM_RESET_HOT,
	  .hotplug = true },
	{ .name = "ANY, flr bus pm", .methods = "flr bus pm",
	  .reset = flags_reset_any, .kind = PCI_SIM_RESET_PM },
	{ .name = "ANY, flr bus", .methods = "flr bus",
	  .reset = flags_reset_any, .kind = PCI_SIM_RESET_HOT },
	{ .name = "ANY | ALONE, flr", .methods = "flr",
	  .reset = flags_reset_any_alone, .kind = PCI_SIM_RESET_HOT,
	  .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(flags_order, flags_orders, name);

/*
 * Called when the device is prepared for the reset: from now on FLR is refused
 */
static void flags_break_flr(struct pci_sim_func *f, void *pdev)
{
	((struct pci_dev *)pdev)->dev_flags |= PCI_DEV_FLAGS_NO_FLR_RESET;
}

static void flags_next_method_is_tried(struct kunit *test)
{
	const struct flags_order *o = test->param_value;
	struct sim_config before;
	struct flags_ctx ctx;

	flags_build(test, &ctx, o->hotplug,
		    (struct pci_sim_ep_config){ .flr = true,
						.pm_reset = true });
	flags_start(test, &ctx);
	sim_kunit_config_get(&before, ctx.pdev);
	KUNIT_ASSERT_EQ(test, 0,
			sim_kunit_store(ctx.pdev, "reset_method", o->methods));
	pci_sim_on_write(ctx.ep, PCI_COMMAND, flags_break_flr, ctx.pdev);
	KUNIT_EXPECT_EQ(test, 0, o->reset(ctx.pdev));
	sim_kunit_config_expect(test, &before, ctx.pdev);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ctx.ep, o->kind);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* No method works, and the driver has been told once */
static void flags_no_method_works(struct kunit *test)
{
	struct pci_reset_scope *scope;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_FLR);
	flags_start(test, &ctx);
	KUNIT_ASSERT_EQ(test, 0,
			sim_kunit_store(ctx.pdev, "reset_method", "flr"));
	pci_sim_on_write(ctx.ep, PCI_COMMAND, flags_break_flr, ctx.pdev);
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_function(ctx.pdev));
	SIM_EXPECT_TOLD(test, ctx.ep, 1);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx.ep));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.ep));

	/*
	 * A scope whose method is FLR is not reset by another method that would
	 * work
	 */
	ctx.pdev->dev_flags &= ~PCI_DEV_FLAGS_NO_FLR_RESET;
	scope = pci_reset_scope_get(ctx.pdev, PCI_RESET_ANY);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scope);
	pci_sim_on_write(ctx.ep, PCI_COMMAND, flags_break_flr, ctx.pdev);
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_scope_commit(scope, 0));
	SIM_EXPECT_TOLD(test, ctx.ep, 2);

	/* The driver is not told of a reset that is known to be impossible */
	KUNIT_EXPECT_EQ(test, -ENOTTY, pci_reset_scope_commit(scope, 0));
	pci_reset_scope_put(scope);
	SIM_EXPECT_TOLD(test, ctx.ep, 2);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx.ep));
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(ctx.pdev, PCI_RESET_ANY));
	SIM_EXPECT_TOLD(test, ctx.ep, 3);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
}

/* The next method affects another Function as well, which is told, too */
static void flags_next_method_affects_more(struct kunit *test)
{
	struct sim_config before[2];
	struct pci_sim_func *f1;
	struct pci_dev *pdev1;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_FLR);
	f1 = pci_sim_function(ctx.ep);
	flags_start(test, &ctx);
	sim_kunit_mark(test, f1);
	pdev1 = sim_kunit_dev(test, f1);
	sim_kunit_config_get(&before[0], ctx.pdev);
	sim_kunit_config_get(&before[1], pdev1);

	/* ... unless that was forbidden */
	pci_sim_on_write(ctx.ep, PCI_COMMAND, flags_break_flr, ctx.pdev);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			pci_reset_bus_flags(ctx.pdev,
					    PCI_RESET_ANY | PCI_RESET_ALONE));
	SIM_EXPECT_TOLD(test, ctx.ep, 1);
	SIM_EXPECT_UNTOUCHED(test, f1);

	/* ... or it cannot be locked: the lock of the first is held */
	ctx.pdev->dev_flags &= ~PCI_DEV_FLAGS_NO_FLR_RESET;
	pci_sim_on_write(ctx.ep, PCI_COMMAND, flags_break_flr, ctx.pdev);
	device_lock(&pdev1->dev);
	KUNIT_EXPECT_EQ(test, -EAGAIN,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_ANY));
	device_unlock(&pdev1->dev);
	SIM_EXPECT_TOLD(test, ctx.ep, 2);
	SIM_EXPECT_UNTOUCHED(test, f1);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx.ep));
	sim_kunit_config_expect(test, &before[0], ctx.pdev);

	ctx.pdev->dev_flags &= ~PCI_DEV_FLAGS_NO_FLR_RESET;
	pci_sim_on_write(ctx.ep, PCI_COMMAND, flags_break_flr, ctx.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(ctx.pdev, PCI_RESET_ANY));
	SIM_EXPECT_TOLD(test, ctx.ep, 3);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	sim_kunit_config_expect(test, &before[0], ctx.pdev);
	sim_kunit_config_expect(test, &before[1], pdev1);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
	SIM_EXPECT_RESET(test, f1, PCI_SIM_RESET_HOT);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* What ->reset_root_port() of the host bridge returns, and what callers get */
struct flags_host {
	const char *name;
	int says;
	int error;
};

static const struct flags_host flags_hosts[] = {
	{ .name = "EIO", .says = -EIO, .error = -EIO },
	{ .name = "ETIMEDOUT", .says = -ETIMEDOUT, .error = -ETIMEDOUT },
	{ .name = "ENOTTY", .says = -ENOTTY, .error = -ENOTTY },
	/*
	 * Callers take these for errors of a reset that has not touched
	 * anything
	 */
	{ .name = "EBUSY", .says = -EBUSY, .error = -EIO },
	{ .name = "EAGAIN", .says = -EAGAIN, .error = -EIO },
	{ .name = "ESTALE", .says = -ESTALE, .error = -EIO },
	{ .name = "EINVAL", .says = -EINVAL, .error = -EIO },
};

KUNIT_ARRAY_PARAM_DESC(flags_host, flags_hosts, name);

static unsigned int flags_host_calls;
static int flags_host_says;

static int flags_reset_root_port(struct pci_host_bridge *host,
				 struct pci_dev *dev)
{
	flags_host_calls++;
	return flags_host_says;
}

static void flags_host_bridge_error(struct kunit *test)
{
	const struct flags_host *h = test->param_value;
	struct pci_dev *bridge;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_PLAIN);
	flags_start(test, &ctx);
	bridge = pci_upstream_bridge(ctx.pdev);
	flags_host_says = h->says;
	flags_host_calls = 0;
	pci_find_host_bridge(bridge->bus)->reset_root_port =
		flags_reset_root_port;

	KUNIT_EXPECT_EQ(test, h->error,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_BUS));
	KUNIT_EXPECT_EQ(test, 1, flags_host_calls);
	SIM_EXPECT_TOLD(test, ctx.ep, 1);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.ep));

	/* -ENOTTY leads to the next method, which is not supported either */
	KUNIT_EXPECT_EQ(test, h->error,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_LINK));
	KUNIT_EXPECT_EQ(test, h->says == -ENOTTY ? 3 : 2, flags_host_calls);
	SIM_EXPECT_TOLD(test, ctx.ep, 2);
	KUNIT_EXPECT_EQ(test, h->error, pci_reset_function(ctx.pdev));
	SIM_EXPECT_TOLD(test, ctx.ep, 3);
	KUNIT_EXPECT_EQ(test, h->error,
			sim_kunit_store(bridge, "reset_subordinate", "1"));
	SIM_EXPECT_TOLD(test, ctx.ep, 4);

	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx.ep));
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
}

/* Another device is removed while the host bridge resets its Root Port */
static struct flags_removal {
	struct pci_dev *other;
	struct completion done;
	bool in_time;
} flags_removal;

static int flags_remove_other(void *data)
{
	pci_stop_and_remove_bus_device_locked(flags_removal.other);
	complete(&flags_removal.done);
	return 0;
}

static int flags_remove_meanwhile(struct pci_host_bridge *host,
				  struct pci_dev *dev)
{
	kthread_run(flags_remove_other, NULL, "remove");
	flags_removal.in_time =
		wait_for_completion_timeout(&flags_removal.done,
					    msecs_to_jiffies(5000));
	return 0;
}

/*
 * What a host bridge does to reset a Root Port may take long or add and remove
 * devices, which takes pci_bus_sem for writing
 */
static void flags_host_bridge_may_sleep(struct kunit *test)
{
	struct pci_host_bridge *host;
	struct flags_ctx ctx;

	flags_build(test, &ctx, true, (struct pci_sim_ep_config)FLAGS_PLAIN);
	flags_start(test, &ctx);
	flags_removal.other = sim_kunit_dev(test, ctx.other);
	flags_removal.in_time = false;
	init_completion(&flags_removal.done);
	host = pci_find_host_bridge(ctx.pdev->bus);
	host->reset_root_port = flags_remove_meanwhile;

	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(ctx.pdev, PCI_RESET_BUS));
	KUNIT_EXPECT_TRUE(test, flags_removal.in_time);
	SIM_EXPECT_TOLD(test, ctx.ep, 1);

	if (!flags_removal.in_time)
		wait_for_completion(&flags_removal.done);
	sim_kunit_rescan(host->bus);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.other, 2, 1);
}

/* A Function that may be made invisible: it reads as all ones, without RRS */
static struct flags_hidden {
	struct pci_ops ops;
	struct pci_ops *sim;
	struct pci_dev *pdev;
	bool hidden;
} flags_hidden;

static int flags_hidden_read(struct pci_bus *bus, unsigned int devfn, int where,
			     int size, u32 *val)
{
	if (flags_hidden.hidden && devfn == flags_hidden.pdev->devfn) {
		*val = ~0;
		return PCIBIOS_SUCCESSFUL;
	}
	return flags_hidden.sim->read(bus, devfn, where, size, val);
}

static int flags_hidden_write(struct pci_bus *bus, unsigned int devfn,
			      int where, int size, u32 val)
{
	if (flags_hidden.hidden && devfn == flags_hidden.pdev->devfn)
		return PCIBIOS_SUCCESSFUL;
	return flags_hidden.sim->write(bus, devfn, where, size, val);
}

static void flags_hidden_end(void *bus)
{
	pci_bus_set_ops(bus, flags_hidden.sim);
}

static void flags_hidden_init(struct kunit *test, struct pci_dev *pdev)
{
	flags_hidden = (struct flags_hidden){
		.ops = { .read = flags_hidden_read,
			 .write = flags_hidden_write },
		.pdev = pdev,
	};
	flags_hidden.sim = pci_bus_set_ops(pdev->bus, &flags_hidden.ops);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, flags_hidden_end,
						  pdev->bus));
}

static void flags_hide(struct pci_sim_func *f, void *hide)
{
	flags_hidden.hidden = hide;
}

struct flags_missing {
	const char *name;
	bool first;	/* Function 0 is the one that is missing, not 1 */
	bool before;	/* and is so before the reset */
	bool after;	/* and after it */
	bool asked;	/* and is the one that is to be reset */
	int error;
	unsigned int min_ms, max_ms;
};

static const struct flags_missing flags_missings[] = {
	{ .name = "in the reset", .after = true, .error = -ETIMEDOUT,
	  .min_ms = 1000, .max_ms = 2500 },
	{ .name = "in the reset, first", .first = true, .after = true,
	  .error = -ETIMEDOUT, .min_ms = 1000, .max_ms = 3500 },
	{ .name = "before", .before = true, .after = true, .max_ms = 200 },
	{ .name = "before, first", .first = true, .before = true, .after = true,
	  .max_ms = 2500 },
	{ .name = "before, asked for", .before = true, .after = true,
	  .asked = true, .error = -ETIMEDOUT, .min_ms = 1000, .max_ms = 2500 },
	{ .name = "before only", .before = true, .max_ms = 200 },
	{ .name = "before only, asked for", .before = true, .asked = true,
	  .max_ms = 200 },
};

KUNIT_ARRAY_PARAM_DESC(flags_missing, flags_missings, name);

/* One Function is missing, the other one works in the end */
static void flags_function_missing(struct kunit *test)
{
	const struct flags_missing *m = test->param_value;
	struct pci_sim_func *f[2];
	struct sim_config before;
	struct pci_dev *pdev[2];
	int other = m->first;
	ktime_t start;
	struct flags_ctx ctx;
	s64 ms;

	flags_build(test, &ctx, false, (struct pci_sim_ep_config)FLAGS_PLAIN);
	f[0] = ctx.ep;
	f[1] = pci_sim_function(ctx.ep);
	flags_start(test, &ctx);
	pdev[0] = ctx.pdev;
	pdev[1] = sim_kunit_dev(test, f[1]);
	sim_kunit_mark(test, f[other]);
	sim_kunit_config_get(&before, pdev[other]);

	flags_hidden_init(test, pdev[!other]);
	flags_hidden.hidden = m->before;
	pci_sim_on_write(ctx.port, PCI_BRIDGE_CONTROL, flags_hide,
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
	sim_kunit_config_expect(test, &before, pdev[other]);
	SIM_EXPECT_RESET(test, f[other], PCI_SIM_RESET_HOT);
	SIM_EXPECT_TOLD(test, f[!other], 1);
	SIM_EXPECT_UNTOUCHED(test, ctx.other);
	if (m->after)
		sim_kunit_expect_dead(test, f[!other]);
}

/*
 * A Function that is late is waited for, although another Function is missing
 */
static void flags_late_function_beside_missing_one(struct kunit *test)
{
	struct sim_config before;
	struct pci_sim_func *f1;
	struct pci_dev *pdev1;
	struct flags_ctx ctx;

	flags_build(test, &ctx, false, (struct pci_sim_ep_config)FLAGS_PLAIN);
	f1 = pci_sim_function(ctx.ep);
	pci_sim_function(ctx.ep);
	flags_start(test, &ctx);
	sim_kunit_mark(test, f1);
	pdev1 = sim_kunit_dev(test, f1);
	sim_kunit_config_get(&before, pdev1);

	flags_hidden_init(test, ctx.pdev);
	pci_sim_on_write(ctx.port, PCI_BRIDGE_CONTROL, flags_hide, test);
	pci_sim_set_ready_ms(f1, 5000);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(ctx.pdev, PCI_RESET_LINK));
	sim_kunit_config_expect(test, &before, pdev1);
	SIM_EXPECT_RESET(test, f1, PCI_SIM_RESET_HOT);
	sim_kunit_expect_dead(test, ctx.ep);
}

/* A Link that goes down once more while the device is waited for */
struct flags_bounce {
	const char *name;
	bool hotplug;
	u8 speed;
	unsigned int ms;	/* for how long */
	int error;
};

static const struct flags_bounce flags_bounces[] = {
	{ .name = "50 ms", .ms = 50 },
	{ .name = "50 ms, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB,
	  .ms = 50 },
	{ .name = "700 ms", .ms = 700 },
	{ .name = "700 ms, hotplug", .hotplug = true, .ms = 700 },
	{ .name = "700 ms, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB,
	  .ms = 700 },
	{ .name = "4 s", .ms = 4000, .error = -ETIMEDOUT },
	{ .name = "4 s, hotplug", .hotplug = true, .ms = 4000,
	  .error = -ETIMEDOUT },
	{ .name = "4 s, 2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB,
	  .ms = 4000, .error = -ETIMEDOUT },
};

KUNIT_ARRAY_PARAM_DESC(flags_bounce, flags_bounces, name);

static void flags_flap(struct pci_sim_func *port, void *bounce)
{
	pci_sim_link_flap(port, ((const struct flags_bounce *)bounce)->ms);
}

/* At any time of the wait */
static void flags_link_bounces(struct kunit *test)
{
	const struct flags_bounce *b = test->param_value;
	unsigned int at;

	for (at = 300; at < 2200; at += 150) {
		struct sim_config before;
		ktime_t start;
		struct flags_ctx ctx;

		ctx.sim = sim_kunit_alloc(test);
		ctx.port = pci_sim_root_port(ctx.sim, .hotplug = b->hotplug,
					     .speed = b->speed);
		ctx.ep = pci_sim_endpoint(ctx.sim, ctx.port);
		sim_kunit_start(test, ctx.sim);
		ctx.pdev = sim_kunit_dev(test, ctx.ep);
		sim_kunit_config_get(&before, ctx.pdev);
		pci_sim_set_ready_ms(ctx.ep, 2500);
		pci_sim_at(ctx.port, at * USEC_PER_MSEC, flags_flap, (void *)b);
		start = ktime_get();
		KUNIT_EXPECT_EQ_MSG(test, b->error,
				    pci_reset_bus_flags(ctx.pdev,
							PCI_RESET_LINK),
				    "down after %u ms", at);
		if (b->error && IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
			KUNIT_EXPECT_LT(test,
					ktime_ms_delta(ktime_get(), start),
					at + 3700);
		if (!b->error)
			sim_kunit_config_expect(test, &before, ctx.pdev);
		SIM_EXPECT_TOLD(test, ctx.ep, 1);
		msleep(SIM_SETTLE_MS);
		if (!b->error)
			SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
		else if (!b->hotplug)
			sim_kunit_expect_dead(test, ctx.ep);
	}
}

/* Several devices that are cut off are waited for at the same time */
static void flags_dropped_links_share_a_timeout(struct kunit *test)
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
			pci_sim_at(down[i], 500 * USEC_PER_MSEC, flags_unplug,
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

static struct kunit_case flags_cases[] = {
	KUNIT_CASE_PARAM(flags_query_then_commit, flags_method_gen_params),
	KUNIT_CASE_PARAM(flags_refused, flags_refusal_gen_params),
	KUNIT_CASE(flags_root_port_has_no_method),
	KUNIT_CASE(flags_link_takes_all_functions),
	KUNIT_CASE(flags_contended_locks),
	KUNIT_CASE(flags_timeout_ends_reset),
	KUNIT_CASE(flags_timeout_ends_function_reset),
	KUNIT_CASE(flags_device_never_ready),
	KUNIT_CASE(flags_link_stays_down),
	KUNIT_CASE(flags_link_stays_down_in_slot),
	KUNIT_CASE(flags_scope_of_removed_device),
	KUNIT_CASE(flags_scope_of_replaced_device),
	KUNIT_CASE(flags_scope_that_has_changed),
	KUNIT_CASE(flags_scope_without_devices),
	KUNIT_CASE(flags_scope_whose_slot_is_gone),
	KUNIT_CASE(flags_pulled_in_reset),
	KUNIT_CASE(flags_below_absent_switch_is_no_reset),
	KUNIT_CASE(flags_stuck_links_share_a_timeout),
	KUNIT_CASE_PARAM(flags_in_probe_at_boot, flags_probe_gen_params),
	KUNIT_CASE_PARAM(flags_in_probe_later, flags_probe_gen_params),
	KUNIT_CASE_PARAM(flags_in_probe_of_hot_added_device,
			 flags_probe_gen_params),
	KUNIT_CASE(flags_above_hotplug_ports),
	KUNIT_CASE_PARAM(flags_others_are_restored_if_one_is_lost,
			 flags_loss_gen_params),
	KUNIT_CASE_PARAM(flags_pf_takes_its_vfs, flags_iov_gen_params),
	KUNIT_CASE_PARAM(flags_next_method_is_tried, flags_order_gen_params),
	KUNIT_CASE(flags_no_method_works),
	KUNIT_CASE(flags_next_method_affects_more),
	KUNIT_CASE_PARAM(flags_host_bridge_error, flags_host_gen_params),
	KUNIT_CASE(flags_host_bridge_may_sleep),
	KUNIT_CASE_PARAM(flags_function_missing, flags_missing_gen_params),
	KUNIT_CASE(flags_late_function_beside_missing_one),
	KUNIT_CASE_PARAM(flags_link_bounces, flags_bounce_gen_params),
	KUNIT_CASE(flags_dropped_links_share_a_timeout),
	KUNIT_CASE_PARAM(flags_vf_never_ready, flags_iov_gen_params),
	KUNIT_CASE_PARAM(flags_vf_is_reset_alone, flags_iov_gen_params),
	KUNIT_CASE_PARAM(flags_vfs_enabled_meanwhile, flags_iov_gen_params),
	KUNIT_CASE(flags_conventional_bus),
	{}
};

static struct kunit_suite flags_suite = {
	.name = "pci_reset_flags",
	.test_cases = flags_cases,
};

kunit_test_suite(flags_suite);

MODULE_DESCRIPTION("KUnit tests of pci_reset_bus_flags()");
MODULE_LICENSE("GPL");
