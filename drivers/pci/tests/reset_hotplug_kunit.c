// SPDX-License-Identifier: GPL-2.0
/*
 * Resets of links, and what happens in hotplug slots at the same time
 *
 * - Nothing but the reset is ignored: a button that was pressed, a card that
 *   was put into an empty slot, a card that is pulled right after.
 * - A slot that was switched off stays off, and one that is about to be keeps
 *   its device for as long as it should.
 * - Reasons to ignore link changes may overlap.
 * - Who removes a port, or unbinds its hotplug driver, and who resets its link
 *   do not wait for each other.
 * - A rescan does not give other bus numbers to what is being reset.
 * - What DPC was about to recover when it was unbound does not stay contained.
 */

#include <linux/console.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>
#include <linux/pm_runtime.h>
#include <linux/string.h>

#include "sim-kunit.h"

/* From pressing the button until the device is gone */
#define RH_BUTTON_MS	8000
/* Far more than everything takes together */
#define RH_DEADLOCK_MS	(200 * MSEC_PER_SEC)

/* A hotplug port below a switch, and another one for what is not affected */
struct rh {
	struct pci_sim *sim;
	struct pci_sim_func *root;
	struct pci_sim_func *up;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_sim_func *other;
	struct pci_dev *bridge;
	struct task_struct *task;
	struct completion done;
	bool from_above;
	int result;
};

static void rh_start(struct kunit *test, struct rh *rh, bool occupied,
		     bool button)
{
	const struct pci_sim_port_config slot = {
		.hotplug = true, .button = button, .power_ctrl = button,
	};

	rh->sim = sim_kunit_alloc(test);
	rh->root = pci_sim_root_port(rh->sim);
	rh->up = pci_sim_add_switch(rh->sim, rh->root);
	/* Device 0 would share its INTA with the Root Port */
	pci_sim_downstream_port(rh->up);
	rh->port = pci_sim_add_downstream_port(rh->up, &slot);
	rh->ep = pci_sim_endpoint(rh->sim, occupied ? rh->port : NULL);
	rh->other = pci_sim_endpoint(rh->sim,
				     pci_sim_add_downstream_port(rh->up, &slot));
	sim_kunit_start(test, rh->sim);
	rh->bridge = sim_kunit_dev(test, rh->port);
}

/* The link of the slot, or all that is below the Root Port */
static int rh_reset(struct kunit *test, struct rh *rh)
{
	struct pci_sim_func *f = rh->from_above ? rh->up : rh->ep;

	return pci_reset_bus_flags(sim_kunit_dev(test, f), PCI_RESET_LINK);
}

static void rh_press(struct pci_sim_func *port, void *data)
{
	pci_sim_press_button(port);
}

static void rh_plug(struct pci_sim_func *port, void *ep)
{
	pci_sim_plug(port, ep);
}

/* While its link is being reset, the port itself is not */
static const unsigned int rh_during_ms[] = { 1, 10, 60, 120 };

static void rh_during_desc(const unsigned int *ms, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "after %u ms", *ms);
}

KUNIT_ARRAY_PARAM(rh_during, rh_during_ms, rh_during_desc);

/* The button is acted on five seconds after it was pressed */
static void rh_expect_button(struct kunit *test, struct rh *rh, u32 blink_ms)
{
	msleep(blink_ms);
	SIM_EXPECT_BOUND(test, rh->ep, 1, 0);
	msleep(RH_BUTTON_MS);
	SIM_EXPECT_BOUND(test, rh->ep, 1, 1);
	SIM_EXPECT_BOUND(test, rh->other, 1, 0);
}

static void rh_button(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct rh rh = {};

	rh_start(test, &rh, true, true);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(rh.port, *ms * USEC_PER_MSEC,
					    rh_press, NULL));
	KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
	rh_expect_button(test, &rh, 2000);
}

/* Five seconds to change one's mind, whatever is reset meanwhile */
static void rh_blinking(struct kunit *test)
{
	struct rh rh = {};

	for (int i = 0; i < 2; i++) {
		rh.from_above = i;
		rh_start(test, &rh, true, true);
		pci_sim_press_button(rh.port);
		msleep(1000);
		KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
		rh_expect_button(test, &rh, 1000);
	}
}

/*
 * The port is reset, and so does not signal what is put into its slot.  Where
 * there is a button, it has to be pressed.
 */
static void rh_inserted(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct rh rh = { .from_above = true };
	struct pci_sim_counts c;

	for (int button = 0; button < 2; button++) {
		rh_start(test, &rh, false, button);
		/* A port that wakes up looks for itself */
		pm_runtime_get_sync(&rh.bridge->dev);
		KUNIT_ASSERT_EQ(test, 0,
				pci_sim_at(rh.port, *ms * USEC_PER_MSEC,
					   rh_plug, rh.ep));
		KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
		msleep(2 * SIM_SETTLE_MS);
		c = pci_sim_counts(rh.ep);
		KUNIT_EXPECT_EQ(test, !button, c.probe);
		if (button)
			pci_sim_press_button(rh.port);
		msleep(RH_BUTTON_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
		SIM_EXPECT_BOUND(test, rh.other, 1, 0);
		pm_runtime_put(&rh.bridge->dev);
	}
}

static void rh_stays_off(struct kunit *test)
{
	struct rh rh = { .from_above = true };
	struct hotplug_slot *slot;

	rh_start(test, &rh, true, true);
	slot = sim_kunit_dev(test, rh.ep)->slot->hotplug;
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
	/* With the port awake, and asleep */
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
		SIM_EXPECT_BOUND(test, rh.other, 1, 0);
	}
	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, rh.ep, 2, 1);
}

static void rh_pull(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

/*
 * A slot that is off is not listened to while its port is reset.  If it was
 * found empty afterwards, what is in it next is another card.
 */
static void rh_off_swapped(struct kunit *test)
{
	struct rh rh = { .from_above = true };
	struct hotplug_slot *slot;

	rh_start(test, &rh, true, false);
	pm_runtime_get_sync(&rh.bridge->dev);
	slot = sim_kunit_dev(test, rh.ep)->slot->hotplug;
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(rh.port, 60 * USEC_PER_MSEC,
					    rh_pull, NULL));
	KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(rh.port, 60 * USEC_PER_MSEC,
					    rh_plug, rh.ep));
	KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 2, 1);
	pm_runtime_put(&rh.bridge->dev);
}

/* A reset within a section of link changes does not end that */
static void rh_nested(struct kunit *test)
{
	struct rh rh = {};

	for (int i = 0; i < 2; i++) {
		rh.from_above = i;
		rh_start(test, &rh, true, false);
		pci_hp_ignore_link_change(rh.bridge);
		KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
		msleep(SIM_SETTLE_MS);
		pci_sim_link_flap(rh.port, 20);
		msleep(SIM_SETTLE_MS);
		pci_hp_unignore_link_change(rh.bridge);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 0);

		pci_sim_unplug(rh.port);
		msleep(3 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
	}
}

static int rh_thread(void *data)
{
	struct rh *rh = data;
	struct pci_dev *pdev = pci_sim_get_dev(rh->from_above ? rh->up : rh->ep);

	rh->result = -ENODEV;
	if (pdev)
		rh->result = pci_reset_bus_flags(pdev, PCI_RESET_LINK);
	pci_dev_put(pdev);
	complete(&rh->done);
	return 0;
}

static void rh_in_thread(struct kunit *test, struct rh *rh)
{
	init_completion(&rh->done);
	rh->task = kthread_run(rh_thread, rh, "reset");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rh->task);
}

static void rh_finish(struct kunit *test, struct rh *rh)
{
	if (!wait_for_completion_timeout(&rh->done,
					 msecs_to_jiffies(RH_DEADLOCK_MS))) {
		KUNIT_FAIL(test, "deadlock");
		wait_for_completion(&rh->done);
	}
}

static void rh_put_back(struct pci_sim_func *port, void *card)
{
	pci_sim_unplug(port);
	pci_sim_plug(port, card);
}

struct rh_lost {
	struct pci_sim_func *up, *ep, *first, *late;
};

/* In a second @ep is put back, while @late, beside it, is waited for */
static struct rh_lost rh_lost_start(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port;
	struct rh_lost rh;

	rh.up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	port = pci_sim_downstream_port(rh.up, .hotplug = true);
	rh.ep = pci_sim_endpoint(sim, port);
	rh.first = pci_sim_endpoint(sim, pci_sim_downstream_port(rh.up));
	rh.late = pci_sim_function(rh.first);
	sim_kunit_start(test, sim);
	/* Links and first Functions are waited for before anything is restored */
	pci_sim_set_ready_ms(rh.late, 2000);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(port, 1000 * USEC_PER_MSEC,
					    rh_put_back, rh.ep));
	return rh;
}

/*
 * It says that it is the same, and it is, but it has lost its configuration
 * once it was restored, while the reset waits for somebody else.
 */
static void rh_lost(struct kunit *test)
{
	struct rh_lost rh = rh_lost_start(test);

	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(sim_kunit_dev(test, rh.up),
					    PCI_RESET_LINK));
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 2, 1);
	SIM_EXPECT_BOUND(test, rh.late, 1, 0);
}

/* The same in the recovery from an error, where the drivers restore */
static void rh_lost_recovery(struct kunit *test)
{
	struct rh_lost rh = rh_lost_start(test);

	pci_sim_uncor_error(rh.up, PCI_ERR_UNC_MALF_TLP);
	msleep(2000 + 5 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 2, 1);
	SIM_EXPECT_BOUND(test, rh.first, 1, 0);
	SIM_EXPECT_BOUND(test, rh.late, 1, 0);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(rh.late).resume);
}

/*
 * A Function whose driver cannot be told of errors keeps the device from being
 * recovered, once it was reset: all that helps is to add it anew.
 */
static void rh_failed_recovery(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep[2];

	ep[0] = pci_sim_endpoint(sim, pci_sim_root_port(sim, .hotplug = true));
	ep[1] = pci_sim_function(ep[0]);
	sim_kunit_start(test, sim);
	sim_kunit_bind_unaware(test, ep[1]);
	SIM_EXPECT_BOUND(test, ep[1], 1, 1);

	pci_sim_uncor_error(ep[0], PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(ep[0]).perm_failure);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(ep[0]).slot_reset);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ep[0]));
	for (int i = 0; i < ARRAY_SIZE(ep); i++) {
		SIM_EXPECT_BOUND(test, ep[i], 2, 1);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ep[i]));
	}
}

/* What is lost is a switch: all below is cut off, and waited for no longer */
static void rh_lost_switch(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *up, *ep;

	port = pci_sim_root_port(sim, .hotplug = true);
	up = pci_sim_add_switch(sim, port);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	sim_kunit_start(test, sim);
	pci_sim_set_ready_ms(ep, 2000);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(port, 1000 * USEC_PER_MSEC,
					    rh_put_back, up));
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(sim_kunit_dev(test, up),
					    PCI_RESET_LINK));
	msleep(5 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/*
 * The rescan waits for the end of the reset.  What it would do otherwise depends
 * on the architecture: here, each rescan numbers all buses anew.
 */
static void rh_rescan(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct rh rh = {};
	struct pci_bus *bus;
	u16 control;

	for (int i = 0; i < 2; i++) {
		rh.from_above = i;
		rh_start(test, &rh, true, false);
		bus = rh.bridge->subordinate;
		pm_runtime_get_sync(&rh.bridge->dev);
		rh_in_thread(test, &rh);
		/* The ports beside it are woken up first */
		msleep(10 + *ms);
		pci_lock_rescan_remove();
		pci_rescan_bus(sim_kunit_dev(test, rh.root)->bus);
		pci_unlock_rescan_remove();
		/* All that is left for the reset to do is to return */
		msleep(20);
		KUNIT_EXPECT_TRUE(test, completion_done(&rh.done));
		rh_finish(test, &rh);
		pm_runtime_put(&rh.bridge->dev);
		KUNIT_EXPECT_EQ(test, 0, rh.result);

		KUNIT_EXPECT_PTR_EQ(test, bus, rh.bridge->subordinate);
		pci_read_config_word(rh.bridge, PCI_BRIDGE_CONTROL, &control);
		KUNIT_EXPECT_EQ(test, 0, control & PCI_BRIDGE_CTL_BUS_RESET);
		SIM_EXPECT_RESET(test, rh.ep, PCI_SIM_RESET_HOT);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
		SIM_EXPECT_BOUND(test, rh.other, 1, 0);
	}
}

/* The port, or the switch, is removed while something is reset */
static void rh_port_removed(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct rh rh = {};

	for (int i = 0; i < 4; i++) {
		rh.from_above = i & 1;
		rh_start(test, &rh, true, true);
		rh_in_thread(test, &rh);
		msleep(*ms);
		pci_stop_and_remove_bus_device_locked(i & 2 ?
						      sim_kunit_dev(test, rh.up) :
						      rh.bridge);
		rh_finish(test, &rh);
		KUNIT_EXPECT_TRUE(test,
				  !rh.result || rh.result == -ENODEV ||
				  rh.result == -EBUSY);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
		sim_kunit_expect_dead(test, i & 2 ? rh.up : rh.port);
	}
}

static void rh_rescan_bus(struct pci_bus *bus)
{
	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
	msleep(SIM_SETTLE_MS);
}

/*
 * The port is removed when it has contained an error, before its interrupt, or
 * at the same time, where either may be first.
 */
static void rh_contained(struct kunit *test)
{
	struct pci_sim_func *port, *ep;
	struct pci_dev *bridge;
	struct pci_bus *bus;
	struct pci_sim *sim;

	for (int late = 0; late < 2; late++) {
		sim = sim_kunit_alloc(test);
		port = pci_sim_root_port(sim, .dpc = true);
		ep = pci_sim_endpoint(sim, port);
		sim_kunit_start(test, sim);
		bridge = sim_kunit_dev(test, port);
		bus = bridge->bus;

		if (late)
			pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_DPC,
					       10 * USEC_PER_SEC);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_dpc_trigger(port));
		pci_stop_and_remove_bus_device_locked(bridge);
		SIM_EXPECT_BOUND(test, ep, 1, 1);
		if (late)
			KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(port));
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_DPC, 0);

		/* Once to find the port, and once more when the link is up */
		rh_rescan_bus(bus);
		rh_rescan_bus(bus);
		KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(port));
		SIM_EXPECT_BOUND(test, ep, 2, 1);
	}
}

/* What the driver of a port's service is bound to, with a reference */
static struct device *rh_port_service(struct kunit *test, struct pci_dev *port,
				      const char *id)
{
	struct device *service;
	char name[32];

	snprintf(name, sizeof(name), "%s:pcie%s", pci_name(port), id);
	service = device_find_child_by_name(&port->dev, name);
	KUNIT_ASSERT_NOT_NULL(test, service);
	return service;
}

/* get_descriptor_id() of PCI_EXP_TYPE_DOWNSTREAM and the slot service */
static struct device *rh_service(struct kunit *test, struct rh *rh)
{
	return rh_port_service(test, rh->bridge, "204");
}

/*
 * The reset of a port resets its power controller.  This is about the simulator:
 * pciehp, which would switch the slot off and on, does not look.
 */
static void rh_power_fault(struct kunit *test)
{
	struct rh rh = { .from_above = true };
	struct device *service;

	rh_start(test, &rh, true, true);
	service = rh_service(test, &rh);
	device_release_driver(service);
	put_device(service);

	pci_sim_power_fault(rh.port, false);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(rh.port));
	KUNIT_EXPECT_EQ(test, 0, rh_reset(test, &rh));
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(rh.port));
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
}

/* Its slot, and what pciehp knows of it, is gone in the middle of its reset */
static void rh_unbound(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct device *service;
	struct rh rh = {};

	rh_start(test, &rh, true, true);
	service = rh_service(test, &rh);
	rh_in_thread(test, &rh);
	msleep(*ms);
	device_release_driver(service);
	KUNIT_EXPECT_NULL(test, service->driver);
	rh_finish(test, &rh);
	KUNIT_EXPECT_EQ(test, 0, rh.result);
	SIM_EXPECT_RESET(test, rh.ep, PCI_SIM_RESET_HOT);
	KUNIT_EXPECT_GE(test, device_attach(service), 0);
	KUNIT_EXPECT_NOT_NULL(test, service->driver);
	put_device(service);

	pci_sim_unplug(rh.port);
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
}

static int rh_unbind_thread(void *data)
{
	struct rh *rh = data;

	device_release_driver(&rh->bridge->dev);
	complete(&rh->done);
	return 0;
}

/*
 * A card is pulled or put in, and pciehp is kept from doing something about it
 * until somebody unbinds the port: what it has begun, it finishes.
 */
static void rh_port_unbound(struct kunit *test)
{
	struct rh rh = {};

	for (int in = 0; in < 2; in++) {
		rh_start(test, &rh, !in, false);
		pci_lock_rescan_remove();
		if (in)
			pci_sim_plug(rh.port, rh.ep);
		else
			pci_sim_unplug(rh.port);
		msleep(SIM_SETTLE_MS / 2);
		SIM_EXPECT_BOUND(test, rh.ep, !in, 0);

		init_completion(&rh.done);
		rh.task = kthread_run(rh_unbind_thread, &rh, "unbind");
		if (!IS_ERR(rh.task))
			msleep(SIM_SETTLE_MS / 2);
		pci_unlock_rescan_remove();
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rh.task);
		rh_finish(test, &rh);
		SIM_EXPECT_BOUND(test, rh.ep, 1, !in);

		KUNIT_EXPECT_EQ(test, 1, device_attach(&rh.bridge->dev));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1, !in);
		if (in)
			pci_sim_unplug(rh.port);
		else
			KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(rh.port, rh.ep));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1 + !in, 1);
	}
}

/* While it is being unbound and waits for pciehp, the port itself is removed */
static void rh_port_unbound_removed(struct kunit *test)
{
	struct rh rh = {};

	for (int in = 0; in < 2; in++) {
		rh_start(test, &rh, !in, false);
		pci_lock_rescan_remove();
		if (in)
			pci_sim_plug(rh.port, rh.ep);
		else
			pci_sim_unplug(rh.port);
		msleep(SIM_SETTLE_MS / 2);

		init_completion(&rh.done);
		rh.task = kthread_run(rh_unbind_thread, &rh, "unbind");
		if (!IS_ERR(rh.task))
			msleep(SIM_SETTLE_MS / 2);
		pci_stop_and_remove_bus_device(rh.bridge);
		pci_unlock_rescan_remove();
		sim_kunit_expect_dead(test, rh.port);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rh.task);
		rh_finish(test, &rh);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, !in, !in);
		SIM_EXPECT_BOUND(test, rh.other, 1, 0);
	}
}

static int rh_remove_thread(void *data)
{
	struct rh *rh = data;

	pci_stop_and_remove_bus_device_locked(rh->bridge);
	complete(&rh->done);
	return 0;
}

/* Link changes are ignored, which whoever unbinds or removes the port ends */
static void rh_port_ends_wait(struct kunit *test)
{
	struct rh rh = {};

	for (int removed = 0; removed < 2; removed++) {
		rh_start(test, &rh, true, false);
		pci_hp_ignore_link_change(rh.bridge);
		pci_sim_link_flap(rh.port, 20);
		msleep(SIM_SETTLE_MS);

		init_completion(&rh.done);
		rh.task = kthread_run(removed ? rh_remove_thread :
				      rh_unbind_thread, &rh, "stop");
		if (!IS_ERR(rh.task))
			msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE(test, completion_done(&rh.done));
		pci_hp_unignore_link_change(rh.bridge);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rh.task);
		rh_finish(test, &rh);
		SIM_EXPECT_BOUND(test, rh.ep, 1, removed);
		SIM_EXPECT_BOUND(test, rh.other, 1, 0);
		if (removed) {
			sim_kunit_expect_dead(test, rh.port);
			continue;
		}
		/* The link was down, which is for somebody else to see to */
		KUNIT_EXPECT_EQ(test, 0,
				pci_reset_bus(sim_kunit_dev(test, rh.ep)));
		KUNIT_EXPECT_EQ(test, 1, device_attach(&rh.bridge->dev));
	}
}

/* What happens without a driver is for the next one to see */
static void rh_changed_unbound(struct kunit *test)
{
	struct pci_sim_func *new;
	struct rh rh = {};

	for (int i = 0; i < 4; i++) {
		bool swap = i & 1, button = i & 2;

		rh_start(test, &rh, true, button);
		new = pci_sim_endpoint(rh.sim, NULL, .device = 0x99);
		device_release_driver(&rh.bridge->dev);
		pci_sim_unplug(rh.port);
		if (swap)
			KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(rh.port, new));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 0);

		KUNIT_EXPECT_EQ(test, 1, device_attach(&rh.bridge->dev));
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
		SIM_EXPECT_BOUND(test, new, swap, 0);
	}
}

/*
 * Below the same Root Port, an error which is not fatal is being recovered from
 * by the reset of another link.  That takes long, and is no reason to wait.
 */
static void rh_error_elsewhere(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *port, *ep, *slow;

	up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	slow = pci_sim_endpoint(sim, pci_sim_downstream_port(up),
				.ask_reset = true);
	port = pci_sim_downstream_port(up, .hotplug = true);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);

	pci_sim_set_ready_ms(slow, 20 * MSEC_PER_SEC);
	pci_sim_uncor_error(slow, PCI_ERR_UNC_COMP_TIME);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(slow));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(slow).resume);

	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(slow).resume);

	msleep(40 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(slow).resume);
	SIM_EXPECT_BOUND(test, slow, 1, 0);
}

/* pciehp waits for AER to take up a fatal error, unless its port is removed */
static void rh_error_port_removed(struct kunit *test)
{
	unsigned long start;
	struct rh rh = {};

	rh_start(test, &rh, true, false);
	pci_sim_set_one_irq_us(rh.root, PCI_SIM_IRQ_AER, 10 * USEC_PER_SEC);
	pci_sim_uncor_error(rh.ep, PCI_ERR_UNC_MALF_TLP);
	pci_sim_link_flap(rh.port, 20);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);

	start = jiffies;
	pci_stop_and_remove_bus_device_locked(rh.bridge);
	sim_kunit_expect_dead(test, rh.port);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, jiffies - start, HZ);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
}

/* ... or AER is unbound, so that it does not take it up any more */
static void rh_error_aer_unbound(struct kunit *test)
{
	struct device *aer;
	struct rh rh = {};

	rh_start(test, &rh, true, false);
	/* get_descriptor_id() of PCI_EXP_TYPE_ROOT_PORT and the AER service */
	aer = rh_port_service(test, sim_kunit_dev(test, rh.root), "002");
	pci_sim_set_one_irq_us(rh.root, PCI_SIM_IRQ_AER, 10 * USEC_PER_SEC);
	pci_sim_uncor_error(rh.ep, PCI_ERR_UNC_MALF_TLP);
	pci_sim_link_flap(rh.port, 20);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);

	device_release_driver(aer);
	msleep(SIM_SETTLE_MS);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		SIM_EXPECT_BOUND(test, rh.ep, 2, 1);
	msleep(5 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 2, 1);

	pci_sim_set_one_irq_us(rh.root, PCI_SIM_IRQ_AER, 1);
	KUNIT_EXPECT_EQ(test, 1, device_attach(aer));
	put_device(aer);
}

/* pciehp is not kept bound by a device that asks for more time */
static void rh_not_ready_unbound(struct kunit *test)
{
	struct device *service;
	unsigned long start;
	struct rh rh = {};

	rh_start(test, &rh, false, false);
	service = rh_service(test, &rh);
	pci_sim_set_ready_ms(rh.ep, 40000);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(rh.port, rh.ep));
	msleep(3 * SIM_SETTLE_MS);

	start = jiffies;
	device_release_driver(service);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, jiffies - start, 3 * HZ);
	SIM_EXPECT_BOUND(test, rh.ep, 0, 0);
	KUNIT_EXPECT_EQ(test, 1, device_attach(service));
	put_device(service);
	msleep(45000);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
}

/*
 * Nor by a Function that is being reset by itself, for which pciehp waits to ask
 * what is in the slot.
 */
static void rh_accessed_unbound(struct kunit *test)
{
	struct device *service;
	unsigned long start;
	struct pci_dev *pdev;
	struct rh rh = {};

	rh_start(test, &rh, true, false);
	service = rh_service(test, &rh);
	pdev = sim_kunit_dev(test, rh.ep);
	pci_cfg_access_lock(pdev);
	pci_sim_set_ready_ms(rh.ep, 40000);
	pci_hp_ignore_link_change(rh.bridge);
	pci_sim_link_flap(rh.port, 20);
	msleep(SIM_SETTLE_MS);
	pci_hp_unignore_link_change(rh.bridge);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);

	start = jiffies;
	device_release_driver(service);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, jiffies - start, HZ);
	pci_cfg_access_unlock(pdev);
	msleep(40000);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
	/* It has lost its configuration, which is for somebody else to see to */
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
	KUNIT_EXPECT_EQ(test, 1, device_attach(service));
	put_device(service);
}

/* Nothing can be seen below a port that is asleep: it is woken up to look */
static void rh_asleep(struct kunit *test)
{
	struct pci_dev *pdev;
	struct rh rh = {};

	rh_start(test, &rh, true, false);
	pdev = sim_kunit_dev(test, rh.ep);
	pm_runtime_allow(&pdev->dev);
	pm_runtime_put(&pdev->dev);
	msleep(SIM_IDLE_MS);
	if (IS_ENABLED(CONFIG_PM) && !IS_ENABLED(CONFIG_X86))
		KUNIT_EXPECT_TRUE(test, pm_runtime_suspended(&rh.bridge->dev));

	pci_hp_ignore_link_change(rh.bridge);
	pci_hp_unignore_link_change(rh.bridge);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
	pm_runtime_get_sync(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
}

static bool rh_warned;

static void rh_console_write(struct console *con, const char *s, unsigned int n)
{
	if (strnstr(s, "link changes ignored for 5 minutes", n))
		WRITE_ONCE(rh_warned, true);
}

static struct console rh_console = {
	.name = "rh",
	.write = rh_console_write,
	.flags = CON_ENABLED,
	.index = -1,
};

/* However long it takes, nothing is removed in the middle of a reset */
static void rh_long(struct kunit *test)
{
	struct rh rh = {};

	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		kunit_skip(test, "takes more than five minutes");

	rh_start(test, &rh, true, false);
	rh_warned = false;
	register_console(&rh_console);
	pci_hp_ignore_link_change(rh.bridge);
	pci_sim_unplug(rh.port);
	/* A timer that is so long may be an eighth late */
	msleep(240 * MSEC_PER_SEC);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(rh_warned));
	msleep(100 * MSEC_PER_SEC);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(rh_warned));
	unregister_console(&rh_console);

	msleep(60 * MSEC_PER_SEC);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 0);
	pci_hp_unignore_link_change(rh.bridge);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, rh.ep, 1, 1);
}

/* Without Link Active reporting, the card is all that tells of a device */
static void rh_no_link_active(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;

	port = pci_sim_root_port(sim, .hotplug = true, .no_link_active = true);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);

	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(sim_kunit_dev(test, ep)));
	msleep(SIM_SETTLE_MS);
	pci_sim_uncor_error(ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(ep).resume);
}

static struct kunit_case rh_cases[] = {
	KUNIT_CASE_PARAM(rh_button, rh_during_gen_params),
	KUNIT_CASE(rh_blinking),
	KUNIT_CASE_PARAM(rh_inserted, rh_during_gen_params),
	KUNIT_CASE(rh_stays_off),
	KUNIT_CASE(rh_off_swapped),
	KUNIT_CASE(rh_power_fault),
	KUNIT_CASE(rh_nested),
	KUNIT_CASE(rh_lost),
	KUNIT_CASE(rh_lost_recovery),
	KUNIT_CASE(rh_failed_recovery),
	KUNIT_CASE(rh_lost_switch),
	KUNIT_CASE_PARAM(rh_rescan, rh_during_gen_params),
	KUNIT_CASE_PARAM(rh_port_removed, rh_during_gen_params),
	KUNIT_CASE(rh_contained),
	KUNIT_CASE_PARAM(rh_unbound, rh_during_gen_params),
	KUNIT_CASE(rh_port_unbound),
	KUNIT_CASE(rh_port_unbound_removed),
	KUNIT_CASE(rh_port_ends_wait),
	KUNIT_CASE(rh_changed_unbound),
	KUNIT_CASE(rh_error_elsewhere),
	KUNIT_CASE(rh_error_port_removed),
	KUNIT_CASE(rh_error_aer_unbound),
	KUNIT_CASE(rh_not_ready_unbound),
	KUNIT_CASE(rh_accessed_unbound),
	KUNIT_CASE(rh_asleep),
	KUNIT_CASE(rh_long),
	KUNIT_CASE(rh_no_link_active),
	{}
};

/* Slow where time is real */
static struct kunit_suite rh_suite = {
	.name = "pci-reset-hotplug",
	.attr.speed = KUNIT_SPEED_SLOW,
	.test_cases = rh_cases,
};

kunit_test_suite(rh_suite);

MODULE_DESCRIPTION("KUnit tests of resets and hotplug at the same time");
MODULE_LICENSE("GPL");
