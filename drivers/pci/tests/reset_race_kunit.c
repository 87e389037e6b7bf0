// SPDX-License-Identifier: GPL-2.0
/*
 * A caller that holds the lock of its device resets it, and at the same time
 * somebody else resets or removes that device.  Locks rank from the bridge
 * down, and this caller comes from below: it must never wait for the bridge,
 * or it waits for one who waits for the device.
 *
 * Each case lets the other start at many points in time, from long before the
 * lock is taken until the reset is over.  A deadlock ends in a time-out, or
 * with the hung task detector.
 */

#include <linux/completion.h>
#include <linux/debug_locks.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>

#include "../pci.h"
#include "sim-kunit.h"

/* The lock is taken after RR_LEAD_MS, and the reset RR_HOLD_MS later */
#define RR_LEAD_MS	160
#define RR_HOLD_MS	30
/*
 * The other one starts up to this.  A removal starts before the reset does,
 * because the core waits a minute for a device that is pulled in its middle.
 */
#define RR_LAST_MS	400
#define RR_LAST_REMOVE_MS (RR_LEAD_MS + RR_HOLD_MS)
#define RR_STEPS	31
/* Far more than everything takes together */
#define RR_DEADLOCK_MS	(100 * MSEC_PER_SEC)

/* One race: the caller under test against its rival */
struct rr {
	struct kunit *test;
	const struct rr_rival *rival;
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
 * struct rr_rival - what goes on at the same time
 * @name: name of the parameter
 * @run: do it; returns 0, or a negative error
 * @bridge: it waits for the device with the bridge locked
 * @removes: the device is gone afterwards
 */
struct rr_rival {
	const char *name;
	int (*run)(struct rr *rr);
	bool bridge;
	bool removes;
};

static int rr_reset_bus(struct rr *rr)
{
	return pci_reset_bus(rr->pdev);
}

/* This is also what "reset" in sysfs does */
static int rr_reset_function(struct rr *rr)
{
	return pci_reset_function(rr->pdev);
}

static int rr_try_reset_function(struct rr *rr)
{
	return pci_try_reset_function(rr->pdev);
}

static int rr_reset_link(struct rr *rr)
{
	return pci_reset_bus_flags(rr->pdev, PCI_RESET_LINK);
}

static int rr_reset_func(struct rr *rr)
{
	return pci_reset_bus_flags(rr->pdev, PCI_RESET_FUNC);
}

static int rr_try_reset_link(struct rr *rr)
{
	return pci_reset_bus_flags(rr->pdev,
				   PCI_RESET_LINK | PCI_RESET_TRYLOCK);
}

/* Surprise removal */
static int rr_unplug(struct rr *rr)
{
	pci_sim_unplug(rr->port);
	return 0;
}

/* "power" of the slot in sysfs */
static int rr_power_off(struct rr *rr)
{
	return rr->slot->ops->disable_slot(rr->slot);
}

/* "remove" in sysfs */
static int rr_remove(struct rr *rr)
{
	pci_stop_and_remove_bus_device_locked(rr->pdev);
	return 0;
}

/* The same, of the port */
static int rr_remove_port(struct rr *rr)
{
	struct pci_dev *port = pci_sim_get_dev(rr->port);

	if (port)
		pci_stop_and_remove_bus_device_locked(port);
	pci_dev_put(port);
	return 0;
}

static const struct rr_rival rr_rivals[] = {
	{ "pci_reset_bus", rr_reset_bus },
	{ "pci_reset_function", rr_reset_function },
	{ "pci_try_reset_function", rr_try_reset_function },
	{ "LINK", rr_reset_link, .bridge = true },
	{ "LINK, TRYLOCK", rr_try_reset_link },
	{ "FUNC", rr_reset_func },
	{ "surprise removal", rr_unplug, .removes = true },
	{ "slot power off", rr_power_off, .removes = true },
	{ "sysfs remove", rr_remove, .removes = true },
	{ "sysfs remove of port", rr_remove_port, .removes = true },
};

KUNIT_ARRAY_PARAM_DESC(rr_rival, rr_rivals, name);

static int rr_thread(void *data)
{
	struct rr *rr = data;

	msleep(rr->start_ms);
	rr->rival_result = rr->rival->run(rr);
	complete(&rr->done);
	return 0;
}

/* With the device lock held by our caller */
static int rr_reset_locked(struct pci_dev *pdev, void *data)
{
	struct rr *rr = data;

	msleep(RR_HOLD_MS);
	rr->result = pci_reset_bus_flags(pdev, rr->mask | PCI_RESET_LOCKED |
					       PCI_RESET_ALONE);
	return 0;
}

static void rr_caller_of_lock(struct rr *rr)
{
	device_lock(&rr->pdev->dev);
	rr_reset_locked(rr->pdev, rr);
	device_unlock(&rr->pdev->dev);
}

/* The driver core holds the lock, and there is nothing to do if it is late */
static void rr_caller_in_probe(struct rr *rr)
{
	rr->result = -ENODEV;
	KUNIT_EXPECT_GE(rr->test, device_attach(&rr->pdev->dev), 0);
}

static void rr_expect(struct rr *rr)
{
	struct pci_sim_counts c = pci_sim_counts(rr->ep);
	const struct rr_rival *rival = rr->rival;
	struct kunit *test = rr->test;
	unsigned int ms = rr->start_ms;

	KUNIT_EXPECT_EQ_MSG(test, c.reset_prepare, c.reset_done, "%u ms", ms);
	SIM_EXPECT_UNTOUCHED(test, rr->other);

	if (rival->removes) {
		KUNIT_EXPECT_TRUE_MSG(test,
				      rr->result == 0 ||
				      rr->result == -ENODEV ||
				      rr->result == -ETIMEDOUT,
				      "%d, removed after %u ms", rr->result,
				      ms);
		KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove, "%u ms", ms);
		KUNIT_EXPECT_FALSE_MSG(test, sim_kunit_has_dev(rr->ep),
				       "%u ms", ms);
		return;
	}

	/* To lose is to have touched nothing */
	KUNIT_EXPECT_TRUE_MSG(test, rr->result == 0 || rr->result == -EAGAIN,
			      "%d, rival after %u ms", rr->result, ms);
	KUNIT_EXPECT_TRUE_MSG(test, rr->rival_result == 0 ||
			      rr->rival_result == -EAGAIN,
			      "rival got %d after %u ms", rr->rival_result,
			      ms);
	KUNIT_EXPECT_EQ_MSG(test, !rr->result + !rr->rival_result,
			    pci_sim_resets_all(rr->ep), "%u ms", ms);
	KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove + 1, "%u ms", ms);
}

static struct pci_sim *rr_build(struct rr *rr)
{
	struct kunit *test = rr->test;
	struct pci_sim *sim;

	sim = sim_kunit_alloc(test);
	rr->port = pci_sim_root_port(sim, .hotplug = true, .power_ctrl = true);
	rr->ep = pci_sim_endpoint(sim, rr->port, .flr = true, .flr_ms = 20);
	rr->other = pci_sim_endpoint(sim, pci_sim_root_port(sim),
				     .flr = true);
	sim_kunit_start(test, sim);
	sim_kunit_mark(test, rr->other);
	rr->pdev = sim_kunit_dev(test, rr->ep);
	rr->slot = rr->pdev->slot->hotplug;
	return sim;
}

static void rr_destroy(struct rr *rr, struct pci_sim *sim)
{
	/* Nothing to be found by pciehp when the port wakes up to be removed */
	pci_sim_unplug(rr->port);
	kunit_release_action(rr->test, sim_kunit_dev_put, rr->pdev);
	if (rr->rival->run == rr_remove_port)
		sim_kunit_expect_dead(rr->test, rr->port);
	sim_kunit_finish(rr->test, sim);
}

static void rr_start(struct rr *rr)
{
	struct task_struct *task;

	init_completion(&rr->done);
	task = kthread_run(rr_thread, rr, "%s", rr->rival->name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(rr->test, task);
}

static void rr_finish(struct rr *rr)
{
	if (!wait_for_completion_timeout(&rr->done,
					 msecs_to_jiffies(RR_DEADLOCK_MS))) {
		KUNIT_FAIL(rr->test, "deadlock, rival after %u ms",
			   rr->start_ms);
		wait_for_completion(&rr->done);
	}
	msleep(SIM_SETTLE_MS);
}

static void rr_one(struct rr *rr, bool in_probe)
{
	struct pci_sim *sim = rr_build(rr);

	if (in_probe) {
		device_release_driver(&rr->pdev->dev);
		pci_sim_on_probe(rr->ep, rr_reset_locked, rr);
	}

	rr_start(rr);
	msleep(RR_LEAD_MS);
	if (in_probe)
		rr_caller_in_probe(rr);
	else
		rr_caller_of_lock(rr);
	rr_finish(rr);

	rr_expect(rr);
	rr_destroy(rr, sim);
}

static void rr_race(struct kunit *test, pci_reset_flags_t mask, bool in_probe)
{
	struct rr rr = {
		.test = test,
		.rival = test->param_value,
		.mask = mask,
	};
	unsigned int last = rr.rival->removes ? RR_LAST_REMOVE_MS : RR_LAST_MS;
	unsigned int won = 0, lost = 0, i;

	for (i = 0; i <= RR_STEPS; i++) {
		rr.start_ms = i * last / RR_STEPS;
		rr_one(&rr, in_probe);
		won += rr.result == 0;
		lost += rr.result == -EAGAIN;
	}

	/* Both can happen, or the race has not been run */
	if (!rr.rival->removes)
		KUNIT_EXPECT_GT(test, won, 0);
	if (rr.rival->bridge && mask & PCI_RESET_LINK)
		KUNIT_EXPECT_GT(test, lost, 0);
	else
		KUNIT_EXPECT_EQ(test, lost, 0);
}

static void rr_link(struct kunit *test)
{
	rr_race(test, PCI_RESET_LINK, false);
}

static void rr_func(struct kunit *test)
{
	rr_race(test, PCI_RESET_FUNC, false);
}

static void rr_link_in_probe(struct kunit *test)
{
	rr_race(test, PCI_RESET_LINK, true);
}

/*
 * A rescan adds the device, and its driver is about to reset the slot when the
 * slot is switched off: the driver's side has pci_rescan_remove_lock, which
 * pciehp needs for the removal, and wants pciehp's reset_lock.
 */
static void rr_rescan(struct kunit *test)
{
	static const struct rr_rival power_off = {
		"slot power off", rr_power_off, .removes = true
	};
	struct rr rr = { .test = test, .rival = &power_off, .result = 1 };
	struct pci_sim *sim;
	struct pci_bus *bus;

	sim = rr_build(&rr);
	bus = rr.pdev->bus;
	pci_stop_and_remove_bus_device_locked(rr.pdev);
	rr.mask = PCI_RESET_LINK;
	rr.start_ms = RR_HOLD_MS / 2;
	pci_sim_on_probe(rr.ep, rr_reset_locked, &rr);
	rr_start(&rr);
	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
	rr_finish(&rr);

	KUNIT_EXPECT_EQ(test, 0, rr.result);
	SIM_EXPECT_BOUND(test, rr.ep, 2, 2);
	rr_destroy(&rr, sim);
}

/*
 * A bus goes away at the very moment when a reset, or a recovery from an error,
 * looks for what is below its bridge: there is nothing then, and what was there
 * is not touched any more.
 */
struct rr_vanish {
	struct pci_ops ops;
	struct pci_bus *above;
	struct pci_dev *port;
	struct completion held;
	struct completion look;
	struct completion done;
};

/* The bus operations are all that a callback is given */
static struct rr_vanish *rr_vanish(struct pci_bus *bus)
{
	return container_of(bus->ops, struct rr_vanish, ops);
}

/* With pci_bus_sem held, for which the removal waits at its last step */
static int rr_vanish_hold(struct pci_dev *pdev, void *data)
{
	struct rr_vanish *v = data;

	complete(&v->held);
	msleep(20);
	complete(&v->look);
	msleep(20);
	return 1;
}

static int rr_vanish_reader(void *data)
{
	struct rr_vanish *v = data;

	pci_walk_bus(v->above, rr_vanish_hold, v);
	complete(&v->done);
	return 0;
}

/* The bus is in no list any more, and in a moment the bridge has none */
static void rr_vanish_remove_bus(struct pci_bus *bus)
{
	struct rr_vanish *v = rr_vanish(bus);

	kthread_run(rr_vanish_reader, v, "reader");
	wait_for_completion(&v->held);
}

static int rr_vanish_remove(void *data)
{
	struct rr_vanish *v = data;

	pci_stop_and_remove_bus_device_locked(v->port);
	complete(&v->done);
	return 0;
}

static void rr_vanish_run(struct kunit *test, int expected,
			  int (*look)(struct pci_dev *bridge))
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct rr_vanish v = {};
	struct pci_sim_func *port;

	port = pci_sim_root_port(sim);
	pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);

	v.port = sim_kunit_dev(test, port);
	v.above = v.port->bus;
	v.ops = *v.port->subordinate->ops;
	v.ops.remove_bus = rr_vanish_remove_bus;
	init_completion(&v.held);
	init_completion(&v.look);
	init_completion(&v.done);
	pci_bus_set_ops(v.port->subordinate, &v.ops);

	kthread_run(rr_vanish_remove, &v, "remover");
	wait_for_completion(&v.look);
	/* Of references to what is not there any more */
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
static int rr_reset_subordinate(struct pci_dev *bridge)
{
	return sim_kunit_store(bridge, "reset_subordinate", "1");
}

static void rr_vanish_from_reset(struct kunit *test)
{
	rr_vanish_run(test, -ENOTTY, rr_reset_subordinate);
}

static pci_ers_result_t rr_no_reset(struct pci_dev *bridge)
{
	return PCI_ERS_RESULT_RECOVERED;
}

static int rr_recover(struct pci_dev *bridge)
{
	pcie_do_recovery(bridge, pci_channel_io_frozen, rr_no_reset);
	return 0;
}

static void rr_vanish_from_recovery(struct kunit *test)
{
	rr_vanish_run(test, 0, rr_recover);
}

/* Whether lockdep is there and has not given up */
static bool rr_lockdep(void)
{
	return IS_ENABLED(CONFIG_PROVE_LOCKING) && debug_locks;
}

/* One task has a lock while another resets */
struct rr_lent {
	struct kunit *test;
	struct pci_dev *pdev;
	pci_reset_flags_t flags;
	int result;
	s64 ms;
	struct completion done;
};

static int rr_lent_thread(void *data)
{
	struct rr_lent *lent = data;

	kunit_warning_suppress(lent->test) {
		lent->result = pci_reset_bus_flags(lent->pdev, PCI_RESET_FLR |
							       PCI_RESET_LOCKED);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(lent->test, 0);
	}
	complete(&lent->done);
	return 0;
}

/* As the driver core does it on the node of the device */
static int rr_lent_probe(struct pci_dev *pdev, void *data)
{
	struct rr_lent *lent = data;

	kthread_run(rr_lent_thread, lent, "probe");
	wait_for_completion(&lent->done);
	return 0;
}

static void rr_lent_init(struct kunit *test, struct rr_lent *lent,
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
static void rr_lock_of_probe(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct rr_lent lent;

	rr_lent_init(test, &lent, &ep);
	device_release_driver(&lent.pdev->dev);
	pci_sim_on_probe(ep, rr_lent_probe, &lent);
	KUNIT_EXPECT_EQ(test, 1, device_attach(&lent.pdev->dev));

	KUNIT_EXPECT_EQ(test, 0, lent.result);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ep));
}

static int rr_hold_lock(void *data)
{
	struct rr_lent *lent = data;

	device_lock(&lent->pdev->dev);
	complete(&lent->done);
	msleep(1000);
	device_unlock(&lent->pdev->dev);
	complete(&lent->done);
	return 0;
}

/* A lock that is held by who has nothing to do with the caller is reported */
static void rr_lock_of_other(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct rr_lent lent;

	if (!rr_lockdep())
		kunit_skip(test, "needs lockdep");

	rr_lent_init(test, &lent, &ep);
	kthread_run(rr_hold_lock, &lent, "holder");
	wait_for_completion(&lent.done);

	kunit_warning_suppress(test) {
		pci_reset_bus_flags(lent.pdev, PCI_RESET_FLR |
					       PCI_RESET_LOCKED);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	wait_for_completion(&lent.done);
}

static int rr_lent_reset(void *data)
{
	struct rr_lent *lent = data;
	ktime_t start = ktime_get();

	lent->result = pci_reset_bus_flags(lent->pdev, lent->flags);
	lent->ms = ktime_ms_delta(ktime_get(), start);
	complete(&lent->done);
	return 0;
}

/* A Root Port and a switch with many Endpoints */
struct rr_wide {
	struct pci_sim_func *port;
	struct pci_sim_func *up;
	struct pci_sim_func *ep[30];
};

static void rr_wide_start(struct kunit *test, struct rr_wide *w, unsigned int n)
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
static void rr_many_devices(struct kunit *test)
{
	bool lockdep = rr_lockdep();
	struct rr_wide w;

	rr_wide_start(test, &w, ARRAY_SIZE(w.ep));

	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus_flags(sim_kunit_dev(test, w.up),
						     PCI_RESET_BUS));
	KUNIT_EXPECT_EQ(test, 0,
			sim_kunit_store(sim_kunit_dev(test, w.port),
					"reset_subordinate", "1"));
	KUNIT_EXPECT_EQ(test, lockdep, rr_lockdep());
}

/* How many devices are locked by another task, each a little longer */
#define RR_IN_TURN	4
#define RR_IN_TURN_MS	900

/*
 * A reset that only tries, and would get each lock within a second, but not all
 * of them.  It gives up after a second and leaves nothing locked or resumed.
 */
static void rr_try_in_turn(struct kunit *test, struct rr_lent *lent,
			   struct pci_sim_func **funcs,
			   void (*lock)(struct pci_dev *pdev),
			   void (*unlock)(struct pci_dev *pdev))
{
	struct pci_dev *bridge = pci_upstream_bridge(lent->pdev);
	struct pci_dev *devs[RR_IN_TURN + 2] = { bridge, lent->pdev };
	int usage[ARRAY_SIZE(devs)];
	unsigned int i;

	lent->test = test;
	lent->flags |= PCI_RESET_TRYLOCK;
	init_completion(&lent->done);
	for (i = 0; i < RR_IN_TURN; i++) {
		devs[i + 2] = sim_kunit_dev(test, funcs[i]);
		lock(devs[i + 2]);
	}
	for (i = 0; i < ARRAY_SIZE(devs); i++)
		usage[i] = atomic_read(&devs[i]->dev.power.usage_count);

	kthread_run(rr_lent_reset, lent, "reset");
	for (i = 0; i < RR_IN_TURN; i++) {
		msleep(RR_IN_TURN_MS);
		unlock(devs[i + 2]);
	}
	wait_for_completion(&lent->done);
	KUNIT_EXPECT_EQ(test, -EAGAIN, lent->result);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, lent->ms, 1100);

	for (i = 0; i < RR_IN_TURN; i++) {
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
	for (i = 0; i < RR_IN_TURN; i++)
		SIM_EXPECT_TOLD(test, funcs[i], 1);
}

/* Config access, which is blocked to look at a device */
static void rr_try_looked_at(struct kunit *test)
{
	struct rr_lent lent = { .flags = PCI_RESET_BUS };
	struct rr_wide w;

	rr_wide_start(test, &w, RR_IN_TURN);
	lent.pdev = sim_kunit_dev(test, w.up);
	rr_try_in_turn(test, &lent, w.ep, pci_cfg_access_lock,
		       pci_cfg_access_unlock);
}

/* VFs that their users reset at the same time */
static void rr_try_vfs(struct kunit *test)
{
	struct rr_lent lent = { .flags = PCI_RESET_FLR };
	struct pci_sim_func *pf, *vfs[RR_IN_TURN];
	struct pci_sim *sim = sim_kunit_alloc(test);
	unsigned int i;

	pf = pci_sim_endpoint(sim, pci_sim_root_port(sim), .flr = true,
			      .vfs = RR_IN_TURN);
	sim_kunit_start(test, sim);
	lent.pdev = sim_kunit_dev(test, pf);
	KUNIT_ASSERT_EQ(test, RR_IN_TURN,
			sim_kunit_set_vfs(lent.pdev, RR_IN_TURN));
	for (i = 0; i < RR_IN_TURN; i++)
		vfs[i] = pci_sim_vf(pf, i);
	rr_try_in_turn(test, &lent, vfs, pci_dev_lock, pci_dev_unlock);
}

/* To remove a slot is not to wait for the reset of another one */
static void rr_other_slot(struct kunit *test)
{
	struct rr_lent lent = { .test = test, .flags = PCI_RESET_SLOT,
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
	kthread_run(rr_lent_reset, &lent, "reset");
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
#define RR_SLOW	{ .speed = KUNIT_SPEED_VERY_SLOW }

/* A serial number that was programmed since the device was found is its own */
static void rr_error_new_dsn(struct kunit *test)
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

static struct kunit_case rr_cases[] = {
	KUNIT_CASE_PARAM_ATTR(rr_link, rr_rival_gen_params, RR_SLOW),
	KUNIT_CASE_PARAM_ATTR(rr_func, rr_rival_gen_params, RR_SLOW),
	KUNIT_CASE_PARAM_ATTR(rr_link_in_probe, rr_rival_gen_params, RR_SLOW),
	KUNIT_CASE(rr_rescan),
	KUNIT_CASE(rr_vanish_from_reset),
	KUNIT_CASE(rr_vanish_from_recovery),
	KUNIT_CASE(rr_lock_of_probe),
	KUNIT_CASE_SLOW(rr_lock_of_other),
	KUNIT_CASE_SLOW(rr_many_devices),
	KUNIT_CASE_SLOW(rr_try_looked_at),
	KUNIT_CASE_SLOW(rr_try_vfs),
	KUNIT_CASE_SLOW(rr_other_slot),
	KUNIT_CASE(rr_error_new_dsn),
	{}
};

static struct kunit_suite rr_suite = {
	.name = "pci-reset-race",
	.test_cases = rr_cases,
};

kunit_test_suite(rr_suite);

MODULE_DESCRIPTION("KUnit tests of resets with the device lock held");
MODULE_LICENSE("GPL");
