// SPDX-License-Identifier: GPL-2.0
/*
 * Resets of links, and what happens in hotplug slots at the same time
 *
 * - pciehp ignores the events of the reset and no others: not a button that was
 *   pressed, a card that was inserted into an empty slot, or a card that is
 *   pulled right after the reset.
 * - A slot that was turned off stays off, and one that is about to be turned off
 *   keeps its device until then.
 * - Sections in which link changes are ignored may overlap.
 * - Resets of a link do not deadlock with the removal of its port, or the
 *   unbinding of pciehp.
 * - A rescan does not assign other bus numbers while a link is being reset.
 * - A port does not stay contained if DPC is unbound before it has recovered.
 */

#include <linux/console.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>
#include <linux/pm_runtime.h>
#include <linux/string.h>

#include "../sim-kunit.h"

/* From pressing the button until the device is gone */
#define SLOT_BUTTON_MS	8000
/* More than all of it takes */
#define SLOT_DEADLOCK_MS	(200 * MSEC_PER_SEC)

/* A hotplug port below a switch, and another one for what is not affected */
struct slot_ctx {
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

static void slot_start(struct kunit *test, struct slot_ctx *ctx, bool occupied,
		       bool button)
{
	const struct pci_sim_port_config slot = {
		.hotplug = true, .button = button, .power_ctrl = button,
	};

	ctx->sim = sim_kunit_alloc(test);
	ctx->root = pci_sim_root_port(ctx->sim);
	ctx->up = pci_sim_add_switch(ctx->sim, ctx->root);
	/* Device 0 would share its INTA with the Root Port */
	pci_sim_downstream_port(ctx->up);
	ctx->port = pci_sim_add_downstream_port(ctx->up, &slot);
	ctx->ep = pci_sim_endpoint(ctx->sim, occupied ? ctx->port : NULL);
	ctx->other =
		pci_sim_endpoint(ctx->sim,
				 pci_sim_add_downstream_port(ctx->up, &slot));
	sim_kunit_start(test, ctx->sim);
	ctx->bridge = sim_kunit_dev(test, ctx->port);
}

/* The link of the slot, or all that is below the Root Port */
static int slot_reset(struct kunit *test, struct slot_ctx *ctx)
{
	struct pci_sim_func *f = ctx->from_above ? ctx->up : ctx->ep;

	return pci_reset_bus_flags(sim_kunit_dev(test, f), PCI_RESET_LINK);
}

static void slot_press(struct pci_sim_func *port, void *data)
{
	pci_sim_press_button(port);
}

static void slot_plug(struct pci_sim_func *port, void *ep)
{
	pci_sim_plug(port, ep);
}

/* While its link is being reset, the port itself is not */
static const unsigned int slot_during_ms[] = { 1, 10, 60, 120 };

static void slot_during_desc(const unsigned int *ms, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "after %u ms", *ms);
}

KUNIT_ARRAY_PARAM(slot_during, slot_during_ms, slot_during_desc);

/* The button is acted on five seconds after it was pressed */
static void slot_expect_button(struct kunit *test, struct slot_ctx *ctx,
			       u32 blink_ms)
{
	msleep(blink_ms);
	SIM_EXPECT_BOUND(test, ctx->ep, 1, 0);
	msleep(SLOT_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ctx->ep, 1, 1);
	SIM_EXPECT_BOUND(test, ctx->other, 1, 0);
}

static void slot_button_in_reset(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct slot_ctx ctx = {};

	slot_start(test, &ctx, true, true);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx.port, *ms * USEC_PER_MSEC, slot_press,
				   NULL));
	KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
	slot_expect_button(test, &ctx, 2000);
}

/* The five seconds in which the button can be pressed again survive a reset */
static void slot_blinking_in_reset(struct kunit *test)
{
	struct slot_ctx ctx = {};

	for (int i = 0; i < 2; i++) {
		ctx.from_above = i;
		slot_start(test, &ctx, true, true);
		pci_sim_press_button(ctx.port);
		msleep(1000);
		KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
		slot_expect_button(test, &ctx, 1000);
	}
}

/*
 * The port is reset, and so does not signal what is put into its slot.  Where
 * there is a button, it has to be pressed.
 */
static void slot_card_inserted_in_reset(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct slot_ctx ctx = { .from_above = true };
	struct pci_sim_counts c;

	for (int button = 0; button < 2; button++) {
		slot_start(test, &ctx, false, button);
		/*
		 * Keep the port awake: pciehp checks the slot when its port
		 * wakes up
		 */
		pm_runtime_get_sync(&ctx.bridge->dev);
		KUNIT_ASSERT_EQ(test, 0,
				pci_sim_at(ctx.port, *ms * USEC_PER_MSEC,
					   slot_plug, ctx.ep));
		KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
		msleep(2 * SIM_SETTLE_MS);
		c = pci_sim_counts(ctx.ep);
		KUNIT_EXPECT_EQ(test, !button, c.probe);
		if (button)
			pci_sim_press_button(ctx.port);
		msleep(SLOT_BUTTON_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
		SIM_EXPECT_BOUND(test, ctx.other, 1, 0);
		pm_runtime_put(&ctx.bridge->dev);
	}
}

static void slot_stays_off_in_reset(struct kunit *test)
{
	struct slot_ctx ctx = { .from_above = true };
	struct hotplug_slot *slot;

	slot_start(test, &ctx, true, true);
	slot = sim_kunit_dev(test, ctx.ep)->slot->hotplug;
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
	/* With the port awake, and asleep */
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
		SIM_EXPECT_BOUND(test, ctx.other, 1, 0);
	}
	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 1);
}

static void slot_pull(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

/*
 * Events of a slot that is off are ignored while its port is reset.  If the
 * slot is empty afterwards, the next card is a new one.
 */
static void slot_off_swapped_in_reset(struct kunit *test)
{
	struct slot_ctx ctx = { .from_above = true };
	struct hotplug_slot *slot;

	slot_start(test, &ctx, true, false);
	pm_runtime_get_sync(&ctx.bridge->dev);
	slot = sim_kunit_dev(test, ctx.ep)->slot->hotplug;
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx.port, 60 * USEC_PER_MSEC, slot_pull,
				   NULL));
	KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx.port, 60 * USEC_PER_MSEC, slot_plug,
				   ctx.ep));
	KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 1);
	pm_runtime_put(&ctx.bridge->dev);
}

/* A reset inside a section of ignored link changes does not end the section */
static void slot_nested_ignored_sections(struct kunit *test)
{
	struct slot_ctx ctx = {};

	for (int i = 0; i < 2; i++) {
		ctx.from_above = i;
		slot_start(test, &ctx, true, false);
		pci_hp_ignore_link_change(ctx.bridge);
		KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
		msleep(SIM_SETTLE_MS);
		pci_sim_link_flap(ctx.port, 20);
		msleep(SIM_SETTLE_MS);
		pci_hp_unignore_link_change(ctx.bridge);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);

		pci_sim_unplug(ctx.port);
		msleep(3 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
	}
}

static int slot_thread(void *data)
{
	struct slot_ctx *ctx = data;
	struct pci_dev *pdev =
		pci_sim_get_dev(ctx->from_above ? ctx->up : ctx->ep);

	ctx->result = -ENODEV;
	if (pdev)
		ctx->result = pci_reset_bus_flags(pdev, PCI_RESET_LINK);
	pci_dev_put(pdev);
	complete(&ctx->done);
	return 0;
}

static void slot_in_thread(struct kunit *test, struct slot_ctx *ctx)
{
	init_completion(&ctx->done);
	ctx->task = kthread_run(slot_thread, ctx, "reset");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->task);
}

static void slot_finish(struct kunit *test, struct slot_ctx *ctx)
{
	if (!wait_for_completion_timeout(&ctx->done,
					 msecs_to_jiffies(SLOT_DEADLOCK_MS))) {
		KUNIT_FAIL(test, "deadlock");
		wait_for_completion(&ctx->done);
	}
}

static void slot_put_back(struct pci_sim_func *port, void *card)
{
	pci_sim_unplug(port);
	pci_sim_plug(port, card);
}

struct slot_lost {
	struct pci_sim_func *up, *ep, *first, *late;
};

/* After a second @ep is reseated, while @late is still waited for */
static struct slot_lost slot_lost_start(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port;
	struct slot_lost ctx;

	ctx.up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	port = pci_sim_downstream_port(ctx.up, .hotplug = true);
	ctx.ep = pci_sim_endpoint(sim, port);
	ctx.first = pci_sim_endpoint(sim, pci_sim_downstream_port(ctx.up));
	ctx.late = pci_sim_function(ctx.first);
	sim_kunit_start(test, sim);
	/* Links and first Functions are waited for before anything is restored */
	pci_sim_set_ready_ms(ctx.late, 2000);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(port, 1000 * USEC_PER_MSEC, slot_put_back,
				   ctx.ep));
	return ctx;
}

/*
 * The card is the same as before, but has lost its configuration after it was
 * restored, while the reset still waits for another device.
 */
static void slot_configuration_lost_in_reset(struct kunit *test)
{
	struct slot_lost ctx = slot_lost_start(test);

	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus_flags(sim_kunit_dev(test, ctx.up),
					    PCI_RESET_LINK));
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 1);
	SIM_EXPECT_BOUND(test, ctx.late, 1, 0);
}

/* The same in the recovery from an error, where the drivers restore */
static void slot_configuration_lost_in_recovery(struct kunit *test)
{
	struct slot_lost ctx = slot_lost_start(test);

	pci_sim_uncor_error(ctx.up, PCI_ERR_UNC_MALF_TLP);
	msleep(2000 + 5 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 1);
	SIM_EXPECT_BOUND(test, ctx.first, 1, 0);
	SIM_EXPECT_BOUND(test, ctx.late, 1, 0);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(ctx.late).resume);
}

/*
 * The recovery fails because the driver of one Function has no error handlers.
 * All Functions are removed and added anew.
 */
static void slot_failed_recovery_adds_anew(struct kunit *test)
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

/* A switch is lost: the reset no longer waits for the devices below it */
static void slot_switch_lost_in_reset(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *up, *ep;

	port = pci_sim_root_port(sim, .hotplug = true);
	up = pci_sim_add_switch(sim, port);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	sim_kunit_start(test, sim);
	pci_sim_set_ready_ms(ep, 2000);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(port, 1000 * USEC_PER_MSEC, slot_put_back,
				   up));
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_bus_flags(sim_kunit_dev(test, up),
					    PCI_RESET_LINK));
	msleep(5 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/*
 * The rescan waits for the end of the reset.  In UML each rescan numbers all
 * buses anew.
 */
static void slot_rescan_waits_for_reset(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct slot_ctx ctx = {};
	struct pci_bus *bus;
	u16 control;

	for (int i = 0; i < 2; i++) {
		ctx.from_above = i;
		slot_start(test, &ctx, true, false);
		bus = ctx.bridge->subordinate;
		pm_runtime_get_sync(&ctx.bridge->dev);
		slot_in_thread(test, &ctx);
		/* The ports beside it are woken up first */
		msleep(10 + *ms);
		sim_kunit_rescan(sim_kunit_dev(test, ctx.root)->bus);
		/* Let the reset return */
		msleep(20);
		KUNIT_EXPECT_TRUE(test, completion_done(&ctx.done));
		slot_finish(test, &ctx);
		pm_runtime_put(&ctx.bridge->dev);
		KUNIT_EXPECT_EQ(test, 0, ctx.result);

		KUNIT_EXPECT_PTR_EQ(test, bus, ctx.bridge->subordinate);
		pci_read_config_word(ctx.bridge, PCI_BRIDGE_CONTROL, &control);
		KUNIT_EXPECT_EQ(test, 0, control & PCI_BRIDGE_CTL_BUS_RESET);
		SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_HOT);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
		SIM_EXPECT_BOUND(test, ctx.other, 1, 0);
	}
}

/* The port, or the switch, is removed while something is reset */
static void slot_port_removed_in_reset(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct slot_ctx ctx = {};
	struct pci_dev *pdev;

	for (int i = 0; i < 4; i++) {
		ctx.from_above = i & 1;
		slot_start(test, &ctx, true, true);
		slot_in_thread(test, &ctx);
		msleep(*ms);
		pdev = i & 2 ? sim_kunit_dev(test, ctx.up) : ctx.bridge;
		pci_stop_and_remove_bus_device_locked(pdev);
		slot_finish(test, &ctx);
		KUNIT_EXPECT_TRUE(test, !ctx.result ||
				  ctx.result == -ENODEV ||
				  ctx.result == -EBUSY);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
		sim_kunit_expect_dead(test, i & 2 ? ctx.up : ctx.port);
	}
}

static void slot_rescan_bus(struct pci_bus *bus)
{
	sim_kunit_rescan(bus);
	msleep(SIM_SETTLE_MS);
}

/*
 * The port is removed when it has contained an error, before its interrupt, or
 * at the same time, where either may be first.
 */
static void slot_port_removed_while_contained(struct kunit *test)
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
		slot_rescan_bus(bus);
		slot_rescan_bus(bus);
		KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(port));
		SIM_EXPECT_BOUND(test, ep, 2, 1);
	}
}

/* What the driver of a port's service is bound to, with a reference */
static struct device *slot_port_service(struct kunit *test,
					struct pci_dev *port, const char *id)
{
	struct device *service;
	char name[32];

	snprintf(name, sizeof(name), "%s:pcie%s", pci_name(port), id);
	service = device_find_child_by_name(&port->dev, name);
	KUNIT_ASSERT_NOT_NULL(test, service);
	return service;
}

/* get_descriptor_id() of PCI_EXP_TYPE_DOWNSTREAM and the slot service */
static struct device *slot_service(struct kunit *test, struct slot_ctx *ctx)
{
	return slot_port_service(test, ctx->bridge, "204");
}

/*
 * The reset of a port resets its power controller.  This tests the simulator:
 * pciehp is unbound, as it would switch the slot off and on.
 */
static void slot_power_fault_ends_with_reset(struct kunit *test)
{
	struct slot_ctx ctx = { .from_above = true };
	struct device *service;

	slot_start(test, &ctx, true, true);
	service = slot_service(test, &ctx);
	device_release_driver(service);
	put_device(service);

	pci_sim_power_fault(ctx.port, false);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	KUNIT_EXPECT_EQ(test, 0, slot_reset(test, &ctx));
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
}

/* pciehp is unbound from the slot in the middle of its reset */
static void slot_pciehp_unbound_in_reset(struct kunit *test)
{
	const unsigned int *ms = test->param_value;
	struct device *service;
	struct slot_ctx ctx = {};

	slot_start(test, &ctx, true, true);
	service = slot_service(test, &ctx);
	slot_in_thread(test, &ctx);
	msleep(*ms);
	device_release_driver(service);
	KUNIT_EXPECT_NULL(test, service->driver);
	slot_finish(test, &ctx);
	KUNIT_EXPECT_EQ(test, 0, ctx.result);
	SIM_EXPECT_RESET(test, ctx.ep, PCI_SIM_RESET_HOT);
	KUNIT_EXPECT_GE(test, device_attach(service), 0);
	KUNIT_EXPECT_NOT_NULL(test, service->driver);
	put_device(service);

	pci_sim_unplug(ctx.port);
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
}

static int slot_unbind_thread(void *data)
{
	struct slot_ctx *ctx = data;

	device_release_driver(&ctx->bridge->dev);
	complete(&ctx->done);
	return 0;
}

/*
 * A card is pulled or inserted, and pciehp is blocked until the port is being
 * unbound: pciehp finishes what it has begun.
 */
static void slot_port_unbound_in_removal(struct kunit *test)
{
	struct slot_ctx ctx = {};

	for (int in = 0; in < 2; in++) {
		slot_start(test, &ctx, !in, false);
		pci_lock_rescan_remove();
		if (in)
			pci_sim_plug(ctx.port, ctx.ep);
		else
			pci_sim_unplug(ctx.port);
		msleep(SIM_SETTLE_MS / 2);
		SIM_EXPECT_BOUND(test, ctx.ep, !in, 0);

		init_completion(&ctx.done);
		ctx.task = kthread_run(slot_unbind_thread, &ctx, "unbind");
		if (!IS_ERR(ctx.task))
			msleep(SIM_SETTLE_MS / 2);
		pci_unlock_rescan_remove();
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx.task);
		slot_finish(test, &ctx);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, !in);

		KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.bridge->dev));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, !in);
		if (in)
			pci_sim_unplug(ctx.port);
		else
			KUNIT_EXPECT_EQ(test, 0,
					pci_sim_plug(ctx.port, ctx.ep));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1 + !in, 1);
	}
}

/* The port is removed while it is being unbound and waits for pciehp */
static void slot_port_removed_while_unbound(struct kunit *test)
{
	struct slot_ctx ctx = {};

	for (int in = 0; in < 2; in++) {
		slot_start(test, &ctx, !in, false);
		pci_lock_rescan_remove();
		if (in)
			pci_sim_plug(ctx.port, ctx.ep);
		else
			pci_sim_unplug(ctx.port);
		msleep(SIM_SETTLE_MS / 2);

		init_completion(&ctx.done);
		ctx.task = kthread_run(slot_unbind_thread, &ctx, "unbind");
		if (!IS_ERR(ctx.task))
			msleep(SIM_SETTLE_MS / 2);
		pci_stop_and_remove_bus_device(ctx.bridge);
		pci_unlock_rescan_remove();
		sim_kunit_expect_dead(test, ctx.port);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx.task);
		slot_finish(test, &ctx);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, !in, !in);
		SIM_EXPECT_BOUND(test, ctx.other, 1, 0);
	}
}

static int slot_remove_thread(void *data)
{
	struct slot_ctx *ctx = data;

	pci_stop_and_remove_bus_device_locked(ctx->bridge);
	complete(&ctx->done);
	return 0;
}

/* Link changes are ignored until the port is unbound or removed */
static void slot_unbind_ends_wait(struct kunit *test)
{
	struct slot_ctx ctx = {};

	for (int removed = 0; removed < 2; removed++) {
		slot_start(test, &ctx, true, false);
		pci_hp_ignore_link_change(ctx.bridge);
		pci_sim_link_flap(ctx.port, 20);
		msleep(SIM_SETTLE_MS);

		init_completion(&ctx.done);
		ctx.task = kthread_run(removed ? slot_remove_thread :
						 slot_unbind_thread,
				       &ctx, "stop");
		if (!IS_ERR(ctx.task))
			msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE(test, completion_done(&ctx.done));
		pci_hp_unignore_link_change(ctx.bridge);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx.task);
		slot_finish(test, &ctx);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, removed);
		SIM_EXPECT_BOUND(test, ctx.other, 1, 0);
		if (removed) {
			sim_kunit_expect_dead(test, ctx.port);
			continue;
		}
		/* The link was down while there was no pciehp to notice it */
		KUNIT_EXPECT_EQ(test, 0,
				pci_reset_bus(sim_kunit_dev(test, ctx.ep)));
		KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.bridge->dev));
	}
}

/* pciehp notices what has changed in the slot while it was not bound */
static void slot_changed_while_unbound(struct kunit *test)
{
	struct pci_sim_func *new;
	struct slot_ctx ctx = {};

	for (int i = 0; i < 4; i++) {
		bool swap = i & 1, button = i & 2;

		slot_start(test, &ctx, true, button);
		new = pci_sim_endpoint(ctx.sim, NULL, .device = 0x99);
		device_release_driver(&ctx.bridge->dev);
		pci_sim_unplug(ctx.port);
		if (swap)
			KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(ctx.port, new));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);

		KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.bridge->dev));
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
		SIM_EXPECT_BOUND(test, new, swap, 0);
	}
}

/*
 * The recovery from a non-fatal error below the same Root Port resets another
 * link, which takes long.  pciehp does not wait for that.
 */
static void slot_error_elsewhere_is_not_awaited(struct kunit *test)
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

/* pciehp waits for AER to handle a fatal error, unless its port is removed */
static void slot_port_removed_before_aer(struct kunit *test)
{
	unsigned long start;
	struct slot_ctx ctx = {};

	slot_start(test, &ctx, true, false);
	pci_sim_set_one_irq_us(ctx.root, PCI_SIM_IRQ_AER, 10 * USEC_PER_SEC);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	pci_sim_link_flap(ctx.port, 20);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);

	start = jiffies;
	pci_stop_and_remove_bus_device_locked(ctx.bridge);
	sim_kunit_expect_dead(test, ctx.port);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, jiffies - start, HZ);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
}

/* ... or AER is unbound */
static void slot_aer_unbound_before_error(struct kunit *test)
{
	struct device *aer;
	struct slot_ctx ctx = {};

	slot_start(test, &ctx, true, false);
	/* get_descriptor_id() of PCI_EXP_TYPE_ROOT_PORT and the AER service */
	aer = slot_port_service(test, sim_kunit_dev(test, ctx.root), "002");
	pci_sim_set_one_irq_us(ctx.root, PCI_SIM_IRQ_AER, 10 * USEC_PER_SEC);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	pci_sim_link_flap(ctx.port, 20);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);

	device_release_driver(aer);
	msleep(SIM_SETTLE_MS);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		SIM_EXPECT_BOUND(test, ctx.ep, 2, 1);
	msleep(5 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 2, 1);

	pci_sim_set_one_irq_us(ctx.root, PCI_SIM_IRQ_AER, 1);
	KUNIT_EXPECT_EQ(test, 1, device_attach(aer));
	put_device(aer);
}

/* A device that is not ready does not block the unbinding of pciehp */
static void slot_unbound_with_card_not_ready(struct kunit *test)
{
	struct device *service;
	unsigned long start;
	struct slot_ctx ctx = {};

	slot_start(test, &ctx, false, false);
	service = slot_service(test, &ctx);
	pci_sim_set_ready_ms(ctx.ep, 40000);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ctx.ep));
	msleep(3 * SIM_SETTLE_MS);

	start = jiffies;
	device_release_driver(service);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, jiffies - start, 3 * HZ);
	SIM_EXPECT_BOUND(test, ctx.ep, 0, 0);
	KUNIT_EXPECT_EQ(test, 1, device_attach(service));
	put_device(service);
	msleep(45000);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
}

/*
 * Nor by a Function that is being reset, whose config access pciehp waits for
 * to identify the card
 */
static void slot_unbound_with_card_in_reset(struct kunit *test)
{
	struct device *service;
	unsigned long start;
	struct pci_dev *pdev;
	struct slot_ctx ctx = {};

	slot_start(test, &ctx, true, false);
	service = slot_service(test, &ctx);
	pdev = sim_kunit_dev(test, ctx.ep);
	pci_cfg_access_lock(pdev);
	pci_sim_set_ready_ms(ctx.ep, 40000);
	pci_hp_ignore_link_change(ctx.bridge);
	pci_sim_link_flap(ctx.port, 20);
	msleep(SIM_SETTLE_MS);
	pci_hp_unignore_link_change(ctx.bridge);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);

	start = jiffies;
	device_release_driver(service);
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LT(test, jiffies - start, HZ);
	pci_cfg_access_unlock(pdev);
	msleep(40000);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
	/*
	 * It has lost its configuration while there was no pciehp to notice it
	 */
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
	KUNIT_EXPECT_EQ(test, 1, device_attach(service));
	put_device(service);
}

/* pciehp resumes a sleeping port before it checks what is in the slot */
static void slot_asleep_is_woken_to_look(struct kunit *test)
{
	struct pci_dev *pdev;
	struct slot_ctx ctx = {};

	slot_start(test, &ctx, true, false);
	pdev = sim_kunit_dev(test, ctx.ep);
	pm_runtime_allow(&pdev->dev);
	pm_runtime_put(&pdev->dev);
	msleep(SIM_IDLE_MS);
	if (IS_ENABLED(CONFIG_PM) && !IS_ENABLED(CONFIG_X86))
		KUNIT_EXPECT_TRUE(test, pm_runtime_suspended(&ctx.bridge->dev));

	pci_hp_ignore_link_change(ctx.bridge);
	pci_hp_unignore_link_change(ctx.bridge);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
	pm_runtime_get_sync(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
}

static bool slot_warned;

static void slot_console_write(struct console *con, const char *s,
			       unsigned int n)
{
	if (strnstr(s, "link changes ignored for 5 minutes", n))
		WRITE_ONCE(slot_warned, true);
}

static struct console slot_console = {
	.name = "pci_reset_slot",
	.write = slot_console_write,
	.flags = CON_ENABLED,
	.index = -1,
};

/* Nothing is removed while link changes are ignored, however long that takes */
static void slot_ignored_for_long_warns(struct kunit *test)
{
	struct slot_ctx ctx = {};

	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		kunit_skip(test, "takes more than five minutes");

	slot_start(test, &ctx, true, false);
	slot_warned = false;
	register_console(&slot_console);
	pci_hp_ignore_link_change(ctx.bridge);
	pci_sim_unplug(ctx.port);
	/* A timer of this length may be late by an eighth */
	msleep(240 * MSEC_PER_SEC);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(slot_warned));
	msleep(100 * MSEC_PER_SEC);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(slot_warned));
	unregister_console(&slot_console);

	msleep(60 * MSEC_PER_SEC);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 0);
	pci_hp_unignore_link_change(ctx.bridge);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.ep, 1, 1);
}

/* Without Data Link Layer Link Active Reporting only Presence Detect is used */
static void slot_without_link_active_reporting(struct kunit *test)
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

static struct kunit_case slot_cases[] = {
	KUNIT_CASE_PARAM(slot_button_in_reset, slot_during_gen_params),
	KUNIT_CASE(slot_blinking_in_reset),
	KUNIT_CASE_PARAM(slot_card_inserted_in_reset, slot_during_gen_params),
	KUNIT_CASE(slot_stays_off_in_reset),
	KUNIT_CASE(slot_off_swapped_in_reset),
	KUNIT_CASE(slot_power_fault_ends_with_reset),
	KUNIT_CASE(slot_nested_ignored_sections),
	KUNIT_CASE(slot_configuration_lost_in_reset),
	KUNIT_CASE(slot_configuration_lost_in_recovery),
	KUNIT_CASE(slot_failed_recovery_adds_anew),
	KUNIT_CASE(slot_switch_lost_in_reset),
	KUNIT_CASE_PARAM(slot_rescan_waits_for_reset, slot_during_gen_params),
	KUNIT_CASE_PARAM(slot_port_removed_in_reset, slot_during_gen_params),
	KUNIT_CASE(slot_port_removed_while_contained),
	KUNIT_CASE_PARAM(slot_pciehp_unbound_in_reset, slot_during_gen_params),
	KUNIT_CASE(slot_port_unbound_in_removal),
	KUNIT_CASE(slot_port_removed_while_unbound),
	KUNIT_CASE(slot_unbind_ends_wait),
	KUNIT_CASE(slot_changed_while_unbound),
	KUNIT_CASE(slot_error_elsewhere_is_not_awaited),
	KUNIT_CASE(slot_port_removed_before_aer),
	KUNIT_CASE(slot_aer_unbound_before_error),
	KUNIT_CASE(slot_unbound_with_card_not_ready),
	KUNIT_CASE(slot_unbound_with_card_in_reset),
	KUNIT_CASE(slot_asleep_is_woken_to_look),
	KUNIT_CASE(slot_ignored_for_long_warns),
	KUNIT_CASE(slot_without_link_active_reporting),
	{}
};

/* Slow where time is real */
static struct kunit_suite slot_suite = {
	.name = "pci_reset_hotplug",
	.attr.speed = KUNIT_SPEED_SLOW,
	.test_cases = slot_cases,
};

kunit_test_suite(slot_suite);
