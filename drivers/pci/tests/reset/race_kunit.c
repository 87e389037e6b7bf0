// SPDX-License-Identifier: GPL-2.0
/*
 * Resets with the device lock held, against other resets and removals
 *
 * The lock of a bridge is taken before those of the devices below it.  A caller
 * that already holds the lock of its device must not wait for the bridge, or it
 * deadlocks with a task that has locked the bridge and waits for the device.
 *
 * Each case starts the other task at many points in time, from long before the
 * lock is taken until the reset is over.  A deadlock ends in a time-out, or with
 * the hung task detector.
 */

#include <linux/completion.h>
#include <linux/debug_locks.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>

#include "../../pci.h"
#include "../sim-kunit.h"

/* The lock is taken after RACE_LEAD_MS, and the reset RACE_HOLD_MS later */
#define RACE_LEAD_MS	160
#define RACE_HOLD_MS	30
/*
 * The rival starts no later than this.  A removal starts before the reset,
 * because the core waits a minute for a device that is pulled during a reset.
 */
#define RACE_LAST_MS	    400
#define RACE_LAST_REMOVE_MS	(RACE_LEAD_MS + RACE_HOLD_MS)
#define RACE_STEPS	    31
/* More than all of it takes */
#define RACE_DEADLOCK_MS	(100 * MSEC_PER_SEC)

/* One race: the caller under test against its rival */
struct race_ctx {
	struct kunit *test;
	const struct race_rival *rival;
	pci_reset_flags_t mask;
	unsigned int start_ms;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_sim_func *other;
	struct pci_dev *pdev;
	struct hotplug_slot *slot;
	int result;
	int rival_result;
	struct completion done;
};

/**
 * struct race_rival - what goes on at the same time
 * @name: name of the parameter
 * @run: do it; returns 0, or a negative error
 * @bridge: it waits for the device with the bridge locked
 * @removes: the device is gone afterwards
 */
struct race_rival {
	const char *name;
	int (*run)(struct race_ctx *ctx);
	bool bridge;
	bool removes;
};

static int race_reset_bus(struct race_ctx *ctx)
{
	return pci_reset_bus(ctx->pdev);
}

/* This is also what "reset" in sysfs does */
static int race_reset_function(struct race_ctx *ctx)
{
	return pci_reset_function(ctx->pdev);
}

static int race_try_reset_function(struct race_ctx *ctx)
{
	return pci_try_reset_function(ctx->pdev);
}

static int race_reset_link(struct race_ctx *ctx)
{
	return pci_reset_bus_flags(ctx->pdev, PCI_RESET_LINK);
}

static int race_reset_func(struct race_ctx *ctx)
{
	return pci_reset_bus_flags(ctx->pdev, PCI_RESET_FUNC);
}

static int race_try_reset_link(struct race_ctx *ctx)
{
	return pci_reset_bus_flags(ctx->pdev,
				   PCI_RESET_LINK | PCI_RESET_TRYLOCK);
}

/* Surprise removal */
static int race_unplug(struct race_ctx *ctx)
{
	pci_sim_unplug(ctx->port);
	return 0;
}

/* "power" of the slot in sysfs */
static int race_power_off(struct race_ctx *ctx)
{
	return ctx->slot->ops->disable_slot(ctx->slot);
}

/* "remove" in sysfs */
static int race_remove(struct race_ctx *ctx)
{
	pci_stop_and_remove_bus_device_locked(ctx->pdev);
	return 0;
}

/* The same, of the port */
static int race_remove_port(struct race_ctx *ctx)
{
	struct pci_dev *port = pci_sim_get_dev(ctx->port);

	if (port)
		pci_stop_and_remove_bus_device_locked(port);
	pci_dev_put(port);
	return 0;
}

static const struct race_rival race_rivals[] = {
	{ .name = "pci_reset_bus", .run = race_reset_bus },
	{ .name = "pci_reset_function", .run = race_reset_function },
	{ .name = "pci_try_reset_function", .run = race_try_reset_function },
	{ .name = "LINK", .run = race_reset_link, .bridge = true },
	{ .name = "LINK, TRYLOCK", .run = race_try_reset_link },
	{ .name = "FUNC", .run = race_reset_func },
	{ .name = "surprise removal", .run = race_unplug, .removes = true },
	{ .name = "slot power off", .run = race_power_off, .removes = true },
	{ .name = "sysfs remove", .run = race_remove, .removes = true },
	{ .name = "sysfs remove of port", .run = race_remove_port,
	  .removes = true },
};

KUNIT_ARRAY_PARAM_DESC(race_rival, race_rivals, name);

static int race_thread(void *data)
{
	struct race_ctx *ctx = data;

	msleep(ctx->start_ms);
	ctx->rival_result = ctx->rival->run(ctx);
	complete(&ctx->done);
	return 0;
}

/* With the device lock held by our caller */
static void race_reset_locked(struct pci_dev *pdev, struct race_ctx *ctx)
{
	msleep(RACE_HOLD_MS);
	ctx->result = pci_reset_bus_flags(pdev, ctx->mask | PCI_RESET_LOCKED |
							PCI_RESET_ALONE);
}

static int race_reset_in_probe(struct pci_dev *pdev, enum pci_sim_call call,
			       void *ctx)
{
	if (call == PCI_SIM_PROBE)
		race_reset_locked(pdev, ctx);
	return 0;
}

static void race_caller_of_lock(struct race_ctx *ctx)
{
	guard(device)
		(&ctx->pdev->dev);

	race_reset_locked(ctx->pdev, ctx);
}

/* The driver core holds the lock; the device may already be gone */
static void race_caller_in_probe(struct race_ctx *ctx)
{
	ctx->result = -ENODEV;
	KUNIT_EXPECT_GE(ctx->test, device_attach(&ctx->pdev->dev), 0);
}

static void race_expect(struct race_ctx *ctx)
{
	struct pci_sim_counts c = pci_sim_counts(ctx->ep);
	const struct race_rival *rival = ctx->rival;
	struct kunit *test = ctx->test;
	unsigned int ms = ctx->start_ms;

	KUNIT_EXPECT_EQ_MSG(test, c.reset_prepare, c.reset_done, "%u ms", ms);
	SIM_EXPECT_UNTOUCHED(test, ctx->other);

	if (rival->removes) {
		KUNIT_EXPECT_TRUE_MSG(test,
				      ctx->result == 0 ||
					      ctx->result == -ENODEV ||
					      ctx->result == -ETIMEDOUT,
				      "%d, removed after %u ms", ctx->result,
				      ms);
		KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove, "%u ms", ms);
		KUNIT_EXPECT_FALSE_MSG(test, sim_kunit_has_dev(ctx->ep),
				       "%u ms", ms);
		return;
	}

	/* A reset that returns -EAGAIN has not touched anything */
	KUNIT_EXPECT_TRUE_MSG(test, ctx->result == 0 || ctx->result == -EAGAIN,
			      "%d, rival after %u ms", ctx->result, ms);
	KUNIT_EXPECT_TRUE_MSG(test,
			      ctx->rival_result == 0 ||
				      ctx->rival_result == -EAGAIN,
			      "rival got %d after %u ms", ctx->rival_result,
			      ms);
	KUNIT_EXPECT_EQ_MSG(test, !ctx->result + !ctx->rival_result,
			    pci_sim_resets_all(ctx->ep), "%u ms", ms);
	KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove + 1, "%u ms", ms);
}

static struct pci_sim *race_build(struct race_ctx *ctx)
{
	struct kunit *test = ctx->test;
	struct pci_sim *sim;

	sim = sim_kunit_alloc(test);
	ctx->port = pci_sim_root_port(sim, .hotplug = true, .power_ctrl = true);
	ctx->ep = pci_sim_endpoint(sim, ctx->port, .flr = true, .flr_ms = 20);
	ctx->other = pci_sim_endpoint(sim, pci_sim_root_port(sim), .flr = true);
	sim_kunit_start(test, sim);
	sim_kunit_mark(test, ctx->other);
	ctx->pdev = sim_kunit_dev(test, ctx->ep);
	ctx->slot = ctx->pdev->slot->hotplug;
	return sim;
}

static void race_destroy(struct race_ctx *ctx, struct pci_sim *sim)
{
	/* Nothing to be found by pciehp when the port wakes up to be removed */
	pci_sim_unplug(ctx->port);
	kunit_release_action(ctx->test, sim_kunit_dev_put, ctx->pdev);
	if (ctx->rival->run == race_remove_port)
		sim_kunit_expect_dead(ctx->test, ctx->port);
	sim_kunit_finish(ctx->test, sim);
}

static void race_start(struct race_ctx *ctx)
{
	struct task_struct *task;

	init_completion(&ctx->done);
	task = kthread_run(race_thread, ctx, "%s", ctx->rival->name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(ctx->test, task);
}

static void race_finish(struct race_ctx *ctx)
{
	if (!wait_for_completion_timeout(&ctx->done,
					 msecs_to_jiffies(RACE_DEADLOCK_MS))) {
		KUNIT_FAIL(ctx->test, "deadlock, rival after %u ms",
			   ctx->start_ms);
		wait_for_completion(&ctx->done);
	}
	msleep(SIM_SETTLE_MS);
}

static void race_one(struct race_ctx *ctx, bool in_probe)
{
	struct pci_sim *sim = race_build(ctx);

	if (in_probe) {
		device_release_driver(&ctx->pdev->dev);
		pci_sim_on_call(ctx->ep, race_reset_in_probe, ctx);
	}

	race_start(ctx);
	msleep(RACE_LEAD_MS);
	if (in_probe)
		race_caller_in_probe(ctx);
	else
		race_caller_of_lock(ctx);
	race_finish(ctx);

	race_expect(ctx);
	race_destroy(ctx, sim);
}

static void race_at_all_times(struct kunit *test, pci_reset_flags_t mask,
			      bool in_probe)
{
	struct race_ctx ctx = {
		.test = test,
		.rival = test->param_value,
		.mask = mask,
	};
	unsigned int last = ctx.rival->removes ? RACE_LAST_REMOVE_MS :
						 RACE_LAST_MS;
	unsigned int won = 0, lost = 0, i;

	for (i = 0; i <= RACE_STEPS; i++) {
		ctx.start_ms = i * last / RACE_STEPS;
		race_one(&ctx, in_probe);
		won += ctx.result == 0;
		lost += ctx.result == -EAGAIN;
	}

	/* Both outcomes must have occurred */
	if (!ctx.rival->removes)
		KUNIT_EXPECT_GT(test, won, 0);
	if (ctx.rival->bridge && mask & PCI_RESET_LINK)
		KUNIT_EXPECT_GT(test, lost, 0);
	else
		KUNIT_EXPECT_EQ(test, lost, 0);
}

static void race_link_reset(struct kunit *test)
{
	race_at_all_times(test, PCI_RESET_LINK, false);
}

static void race_function_reset(struct kunit *test)
{
	race_at_all_times(test, PCI_RESET_FUNC, false);
}

static void race_link_reset_in_probe(struct kunit *test)
{
	race_at_all_times(test, PCI_RESET_LINK, true);
}

/*
 * A rescan adds the device, and its driver is about to reset the slot when the
 * slot is switched off: the driver's side has pci_rescan_remove_lock, which
 * pciehp needs for the removal, and wants pciehp's reset_lock.
 */
static void race_rescan_and_power_off(struct kunit *test)
{
	static const struct race_rival power_off = {
		.name = "slot power off",
		.run = race_power_off,
		.removes = true,
	};
	struct race_ctx ctx = { .test = test,
				.rival = &power_off,
				.result = 1 };
	struct pci_sim *sim;
	struct pci_bus *bus;

	sim = race_build(&ctx);
	bus = ctx.pdev->bus;
	pci_stop_and_remove_bus_device_locked(ctx.pdev);
	ctx.mask = PCI_RESET_LINK;
	ctx.start_ms = RACE_HOLD_MS / 2;
	pci_sim_on_call(ctx.ep, race_reset_in_probe, &ctx);
	race_start(&ctx);
	sim_kunit_rescan(bus);
	race_finish(&ctx);

	KUNIT_EXPECT_EQ(test, 0, ctx.result);
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 2);
	race_destroy(&ctx, sim);
}

/*
 * A bus is removed while a reset, or a recovery from an error, looks for the
 * devices below its bridge: no device is found, and none is accessed.
 */
struct race_vanish {
	struct pci_ops ops;
	struct pci_bus *above;
	struct pci_dev *port;
	struct completion held;
	struct completion look;
	struct completion done;
};

/* The bus operations are all that a callback is given */
static struct race_vanish *race_vanish_of(struct pci_bus *bus)
{
	return container_of(bus->ops, struct race_vanish, ops);
}

/* With pci_bus_sem held, for which the removal waits at its last step */
static int race_vanish_hold(struct pci_dev *pdev, void *data)
{
	struct race_vanish *v = data;

	complete(&v->held);
	msleep(20);
	complete(&v->look);
	msleep(20);
	return 1;
}

static int race_vanish_reader(void *data)
{
	struct race_vanish *v = data;

	pci_walk_bus(v->above, race_vanish_hold, v);
	complete(&v->done);
	return 0;
}

/* The bus is no longer in any list, and about to be detached from its bridge */
static void race_vanish_remove_bus(struct pci_bus *bus)
{
	struct race_vanish *v = race_vanish_of(bus);

	kthread_run(race_vanish_reader, v, "reader");
	wait_for_completion(&v->held);
}

static int race_vanish_remove(void *data)
{
	struct race_vanish *v = data;

	pci_stop_and_remove_bus_device_locked(v->port);
	complete(&v->done);
	return 0;
}

static void race_vanish_run(struct kunit *test, int expected,
			    int (*look)(struct pci_dev *bridge))
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct race_vanish v = {};
	struct pci_sim_func *port;

	port = pci_sim_root_port(sim);
	pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);

	v.port = sim_kunit_dev(test, port);
	v.above = v.port->bus;
	v.ops = *v.port->subordinate->ops;
	v.ops.remove_bus = race_vanish_remove_bus;
	init_completion(&v.held);
	init_completion(&v.look);
	init_completion(&v.done);
	pci_bus_set_ops(v.port->subordinate, &v.ops);

	kthread_run(race_vanish_remove, &v, "remover");
	wait_for_completion(&v.look);
	/* Warnings about references to freed objects */
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, expected, look(v.port));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}

	/* The remover and the reader */
	wait_for_completion(&v.done);
	wait_for_completion(&v.done);
	KUNIT_EXPECT_PTR_EQ(test, NULL, v.port->subordinate);
	sim_kunit_expect_dead(test, port);
}

/* "reset_subordinate" in sysfs */
static int race_reset_subordinate(struct pci_dev *bridge)
{
	return sim_kunit_store(bridge, "reset_subordinate", "1");
}

static void race_bus_vanishes_from_reset(struct kunit *test)
{
	race_vanish_run(test, -ENOTTY, race_reset_subordinate);
}

static pci_ers_result_t race_no_reset(struct pci_dev *bridge)
{
	return PCI_ERS_RESULT_RECOVERED;
}

static int race_recover(struct pci_dev *bridge)
{
	pcie_do_recovery(bridge, pci_channel_io_frozen, race_no_reset);
	return 0;
}

static void race_bus_vanishes_from_recovery(struct kunit *test)
{
	race_vanish_run(test, 0, race_recover);
}

/* Whether lockdep is there and has not given up */
static bool race_lockdep(void)
{
	return IS_ENABLED(CONFIG_PROVE_LOCKING) && debug_locks;
}

/* One task has a lock while another resets */
struct race_task {
	struct kunit *test;
	struct pci_dev *pdev;
	pci_reset_flags_t flags;
	int result;
	s64 ms;
	struct completion done;
};

static int race_lent_thread(void *data)
{
	struct race_task *lent = data;

	kunit_warning_suppress(lent->test) {
		lent->result = pci_reset_bus_flags(lent->pdev, PCI_RESET_FLR |
							       PCI_RESET_LOCKED);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(lent->test, 0);
	}
	complete(&lent->done);
	return 0;
}

/* Like the driver core on the node of the device */
static int race_lent_probe(struct pci_dev *pdev, enum pci_sim_call call,
			   void *data)
{
	struct race_task *lent = data;

	if (call != PCI_SIM_PROBE)
		return 0;

	kthread_run(race_lent_thread, lent, "probe");
	wait_for_completion(&lent->done);
	return 0;
}

static void race_lent_init(struct kunit *test, struct race_task *lent,
			   struct pci_sim_func **ep)
{
	struct pci_sim *sim = sim_kunit_alloc(test);

	*ep = pci_sim_endpoint(sim, pci_sim_root_port(sim), .flr = true);
	sim_kunit_start(test, sim);
	lent->test = test;
	lent->pdev = sim_kunit_dev(test, *ep);
	lent->result = 1;
	init_completion(&lent->done);
}

/* ->probe() in another task is the holder of the lock */
static void race_lock_of_probe_is_lent(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct race_task lent;

	race_lent_init(test, &lent, &ep);
	device_release_driver(&lent.pdev->dev);
	pci_sim_on_call(ep, race_lent_probe, &lent);
	KUNIT_EXPECT_EQ(test, 1, device_attach(&lent.pdev->dev));

	KUNIT_EXPECT_EQ(test, 0, lent.result);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ep));
}

static int race_hold_lock(void *data)
{
	struct race_task *lent = data;

	device_lock(&lent->pdev->dev);
	complete(&lent->done);
	msleep(1000);
	device_unlock(&lent->pdev->dev);
	complete(&lent->done);
	return 0;
}

/* A device lock that is held by an unrelated task is reported */
static void race_lock_of_other_is_reported(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct race_task lent;

	if (!race_lockdep())
		kunit_skip(test, "needs lockdep");

	race_lent_init(test, &lent, &ep);
	kthread_run(race_hold_lock, &lent, "holder");
	wait_for_completion(&lent.done);

	kunit_warning_suppress(test) {
		pci_reset_bus_flags(lent.pdev, PCI_RESET_FLR |
					       PCI_RESET_LOCKED);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	wait_for_completion(&lent.done);
}

static int race_lent_reset(void *data)
{
	struct race_task *lent = data;
	ktime_t start = ktime_get();

	lent->result = pci_reset_bus_flags(lent->pdev, lent->flags);
	lent->ms = ktime_ms_delta(ktime_get(), start);
	complete(&lent->done);
	return 0;
}

/* A Root Port and a switch with many Endpoints */
struct race_wide {
	struct pci_sim_func *port;
	struct pci_sim_func *up;
	struct pci_sim_func *ep[30];
};

static void race_wide_start(struct kunit *test, struct race_wide *w,
			    unsigned int n)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	unsigned int i;

	w->port = pci_sim_root_port(sim);
	w->up = pci_sim_add_switch(sim, w->port);
	for (i = 0; i < n; i++)
		w->ep[i] = pci_sim_endpoint(sim, pci_sim_downstream_port(w->up));
	sim_kunit_start(test, sim);
}

/* Lockdep remembers 48 locks of a task, and gives up if there are more */
static void race_many_devices_with_lockdep(struct kunit *test)
{
	bool lockdep = race_lockdep();
	struct race_wide w;

	race_wide_start(test, &w, ARRAY_SIZE(w.ep));

	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(sim_kunit_dev(test, w.up),
						     PCI_RESET_BUS));
	KUNIT_EXPECT_EQ(test, 0,
			sim_kunit_store(sim_kunit_dev(test, w.port),
					"reset_subordinate", "1"));
	KUNIT_EXPECT_EQ(test, lockdep, race_lockdep());
}

/* How many devices are locked by another task, each a little longer */
#define RACE_IN_TURN	4
#define RACE_IN_TURN_MS	900

/*
 * A reset with PCI_RESET_TRYLOCK would get each lock within a second, but not
 * all of them.  It gives up after a second and leaves nothing locked or
 * resumed.
 */
static void race_try_in_turn(struct kunit *test, struct race_task *lent,
			     struct pci_sim_func **funcs,
			     void (*lock)(struct pci_dev *pdev),
			     void (*unlock)(struct pci_dev *pdev))
{
	struct pci_dev *bridge = pci_upstream_bridge(lent->pdev);
	struct pci_dev *devs[RACE_IN_TURN + 2] = { bridge, lent->pdev };
	int usage[ARRAY_SIZE(devs)];
	unsigned int i;

	lent->test = test;
	lent->flags |= PCI_RESET_TRYLOCK;
	init_completion(&lent->done);
	for (i = 0; i < RACE_IN_TURN; i++) {
		devs[i + 2] = sim_kunit_dev(test, funcs[i]);
		lock(devs[i + 2]);
	}
	for (i = 0; i < ARRAY_SIZE(devs); i++)
		usage[i] = atomic_read(&devs[i]->dev.power.usage_count);

	kthread_run(race_lent_reset, lent, "reset");
	for (i = 0; i < RACE_IN_TURN; i++) {
		msleep(RACE_IN_TURN_MS);
		unlock(devs[i + 2]);
	}
	wait_for_completion(&lent->done);
	KUNIT_EXPECT_EQ(test, -EAGAIN, lent->result);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, lent->ms, 1100);

	for (i = 0; i < RACE_IN_TURN; i++) {
		SIM_EXPECT_TOLD(test, funcs[i], 0);
		KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(funcs[i]));
	}
	for (i = 0; i < ARRAY_SIZE(devs); i++) {
		bool locked = pci_dev_trylock(devs[i]);

		KUNIT_EXPECT_TRUE_MSG(test, locked, "%s is still locked",
				      pci_name(devs[i]));
		if (locked)
			pci_dev_unlock(devs[i]);
		KUNIT_EXPECT_EQ(test, usage[i],
				atomic_read(&devs[i]->dev.power.usage_count));
	}

	lent->flags &= ~PCI_RESET_TRYLOCK;
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(lent->pdev, lent->flags));
	for (i = 0; i < RACE_IN_TURN; i++)
		SIM_EXPECT_TOLD(test, funcs[i], 1);
}

/* Config access is blocked to examine a device */
static void race_trylock_with_config_blocked(struct kunit *test)
{
	struct race_task lent = { .flags = PCI_RESET_BUS };
	struct race_wide w;

	race_wide_start(test, &w, RACE_IN_TURN);
	lent.pdev = sim_kunit_dev(test, w.up);
	race_try_in_turn(test, &lent, w.ep, pci_cfg_access_lock,
			 pci_cfg_access_unlock);
}

/* VFs that are reset at the same time */
static void race_trylock_with_vfs_locked(struct kunit *test)
{
	struct race_task lent = { .flags = PCI_RESET_FLR };
	struct pci_sim_func *pf, *vfs[RACE_IN_TURN];
	struct pci_sim *sim = sim_kunit_alloc(test);
	unsigned int i;

	pf = pci_sim_endpoint(sim, pci_sim_root_port(sim), .flr = true,
			      .vfs = RACE_IN_TURN);
	sim_kunit_start(test, sim);
	lent.pdev = sim_kunit_dev(test, pf);
	KUNIT_ASSERT_EQ(test, RACE_IN_TURN,
			sim_kunit_set_vfs(lent.pdev, RACE_IN_TURN));
	for (i = 0; i < RACE_IN_TURN; i++)
		vfs[i] = pci_sim_vf(pf, i);
	race_try_in_turn(test, &lent, vfs, pci_dev_lock, pci_dev_unlock);
}

/* The removal of a slot does not wait for the reset of another one */
static void race_removal_beside_reset(struct kunit *test)
{
	struct race_task lent = { .test = test,
				  .flags = PCI_RESET_SLOT,
				  .result = 1 };
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep, *other;
	u16 vendor;

	ep = pci_sim_endpoint(sim, pci_sim_root_port(sim, .hotplug = true));
	other = pci_sim_root_port(sim, .hotplug = true);
	sim_kunit_start(test, sim);
	lent.pdev = sim_kunit_dev(test, ep);
	init_completion(&lent.done);

	pci_sim_set_ready_ms(ep, 10 * MSEC_PER_SEC);
	kthread_run(race_lent_reset, &lent, "reset");
	msleep(500);
	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, other));
	sim_kunit_expect_dead(test, other);

	/* The device that is being reset is not ready yet */
	pci_read_config_word(lent.pdev, PCI_VENDOR_ID, &vendor);
	KUNIT_EXPECT_NE(test, vendor, lent.pdev->vendor);

	wait_for_completion(&lent.done);
	KUNIT_EXPECT_EQ(test, 0, lent.result);
}

/* In real time a parameter takes a minute and a half */
#define RACE_SLOW	{ .speed = KUNIT_SPEED_VERY_SLOW }

/* The serial number was programmed after the device was found */
static void race_recovery_with_new_serial_number(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_counts c;
	struct pci_sim_func *ep;

	ep = pci_sim_endpoint(sim, pci_sim_root_port(sim), .dsn = 0x1234);
	sim_kunit_start(test, sim);
	sim_kunit_dev(test, ep)->dsn = 0x4321;	/* what it had then */
	pci_sim_uncor_error(ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	c = pci_sim_counts(ep);
	KUNIT_EXPECT_EQ(test, 0, c.perm_failure);
	KUNIT_EXPECT_EQ(test, 1, c.slot_reset);
	KUNIT_EXPECT_EQ(test, 1, c.resume);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE_PARAM_ATTR(race_link_reset, race_rival_gen_params,
			      RACE_SLOW),
	KUNIT_CASE_PARAM_ATTR(race_function_reset, race_rival_gen_params,
			      RACE_SLOW),
	KUNIT_CASE_PARAM_ATTR(race_link_reset_in_probe, race_rival_gen_params,
			      RACE_SLOW),
	KUNIT_CASE(race_rescan_and_power_off),
	KUNIT_CASE(race_bus_vanishes_from_reset),
	KUNIT_CASE(race_bus_vanishes_from_recovery),
	KUNIT_CASE(race_lock_of_probe_is_lent),
	KUNIT_CASE_SLOW(race_lock_of_other_is_reported),
	KUNIT_CASE_SLOW(race_many_devices_with_lockdep),
	KUNIT_CASE_SLOW(race_trylock_with_config_blocked),
	KUNIT_CASE_SLOW(race_trylock_with_vfs_locked),
	KUNIT_CASE_SLOW(race_removal_beside_reset),
	KUNIT_CASE(race_recovery_with_new_serial_number),
	{}
};

static struct kunit_suite race_suite = {
	.name = "pci_reset_race",
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
