// SPDX-License-Identifier: GPL-2.0
/*
 * pciehp on a simulated fabric does what it documents: insertion, removal,
 * replacement, attention button, power control and their faults
 */

#include <linux/debug_locks.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>
#include <linux/pm_runtime.h>

#include "sim-kunit.h"

/* Power is off for a second at least before anything else happens */
#define HOTPLUG_POWER_MS	(2000 + SIM_SETTLE_MS)

/* pciehp turns a slot on or off five seconds after the button was pressed */
#define HOTPLUG_BUTTON_MS	(5000 + HOTPLUG_POWER_MS)

/*
 * When a switch is pulled, pciehp waits a second for each command of the slots
 * on it
 */
#define HOTPLUG_NESTED_MS	(5000 + SIM_SETTLE_MS)

/* Where the slot is, and how its port interrupts */
struct hotplug_variant {
	const char *name;
	bool below_switch;
	bool intx;
};

static const struct hotplug_variant hotplug_variants[] = {
	{ .name = "Root Port, MSI" },
	{ .name = "Root Port, INTx", .intx = true },
	{ .name = "Downstream Port, MSI", .below_switch = true },
	{ .name = "Downstream Port, INTx", .below_switch = true, .intx = true },
};

KUNIT_ARRAY_PARAM_DESC(hotplug_variant, hotplug_variants, name);

struct hotplug_ctx {
	struct pci_sim *sim;
	struct pci_sim_func *port;
};

/* A fabric with one slot, to be filled and started */
static struct hotplug_ctx __hotplug_build(struct kunit *test,
					  struct pci_sim_port_config config)
{
	const struct hotplug_variant *v = test->param_value;
	struct pci_sim_func *root, *up;
	struct hotplug_ctx ctx;

	config.hotplug = true;
	config.intx = v && v->intx;
	ctx.sim = sim_kunit_alloc(test);
	if (v && v->below_switch) {
		root = pci_sim_root_port(ctx.sim, .intx = v->intx);
		up = pci_sim_add_switch(ctx.sim, root);
		ctx.port = pci_sim_add_downstream_port(up, &config);
	} else {
		ctx.port = pci_sim_add_root_port(ctx.sim, &config);
	}
	return ctx;
}

#define hotplug_build(test, ...) \
	__hotplug_build(test, (struct pci_sim_port_config){ __VA_ARGS__ })

static u16 hotplug_slot_control(struct pci_sim_func *port)
{
	struct pci_dev *pdev = pci_sim_get_dev(port);
	u16 pos = pci_pcie_cap(pdev);

	pci_dev_put(pdev);
	return pci_sim_peek(port, pos + PCI_EXP_SLTCTL);
}

static bool hotplug_slot_event(struct pci_sim_func *port, u16 event)
{
	struct pci_dev *pdev = pci_sim_get_dev(port);
	u16 pos = pci_pcie_cap(pdev);

	pci_dev_put(pdev);
	return pci_sim_peek(port, pos + PCI_EXP_SLTCTL) >> 16 & event;
}

static pci_power_t hotplug_power_state(struct kunit *test,
				       struct pci_sim_func *port)
{
	u16 pos = sim_kunit_dev(test, port)->pm_cap + PCI_PM_CTRL;

	return (__force pci_power_t)(pci_sim_peek(port, pos) &
				     PCI_PM_CTRL_STATE_MASK);
}

/* The slot whose "power" attribute is in sysfs, occupied or not */
static struct hotplug_slot *hotplug_slot_of(struct kunit *test,
					    struct pci_sim_func *port)
{
	struct pci_bus *bus = sim_kunit_dev(test, port)->subordinate;
	struct pci_slot *slot;

	KUNIT_ASSERT_NOT_NULL(test, bus);
	slot = list_first_entry_or_null(&bus->slots, struct pci_slot, list);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	KUNIT_ASSERT_NOT_NULL(test, slot->hotplug);
	return slot->hotplug;
}

/* On x86 the kernel leaves hotplug ports awake */
static bool hotplug_ports_sleep(void)
{
	return IS_ENABLED(CONFIG_PM) && !IS_ENABLED(CONFIG_X86);
}

/* A slot that is occupied at boot is left alone */
static void hotplug_occupied_slot_is_left_alone(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
}

/* The port of an empty slot is asleep by the time the card comes */
static void hotplug_inserted_card_is_added(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);

	sim_kunit_start(test, ctx.sim);
	SIM_EXPECT_BOUND(test, ep, 0, 0);
	if (hotplug_ports_sleep())
		KUNIT_EXPECT_TRUE(test, hotplug_power_state(test, ctx.port) ==
						PCI_D3hot);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_TRUE(test, sim_kunit_has_dev(ep));
}

static void hotplug_pulled_card_is_removed(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ep);

	KUNIT_ASSERT_PTR_EQ(test, ep, pci_sim_unplug(ctx.port));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_TRUE(test, pci_dev_is_disconnected(pdev));

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* A card that is reseated before pciehp has looked is removed and added */
static void hotplug_reseated_card_is_added_anew(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	pci_sim_unplug(ctx.port);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

static void hotplug_replaced_card_is_added(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *old = pci_sim_endpoint(ctx.sim, ctx.port);
	struct pci_sim_func *new =
		pci_sim_endpoint(ctx.sim, NULL, .device = 0x99);

	sim_kunit_start(test, ctx.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, old, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	KUNIT_EXPECT_EQ(test, 0x99, sim_kunit_dev(test, new)->device);
}

/* Two cards of the same model have different serial numbers */
static void hotplug_serial_number_tells_cards_apart(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *old =
		pci_sim_endpoint(ctx.sim, ctx.port, .dsn = 1);
	struct pci_sim_func *new = pci_sim_endpoint(ctx.sim, NULL, .dsn = 2);

	sim_kunit_start(test, ctx.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, old, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	KUNIT_EXPECT_EQ(test, 2, pci_get_dsn(sim_kunit_dev(test, new)));
}

/* A Link that drops on its own is treated like an unplugged card */
static void hotplug_link_down_is_removal(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	pci_sim_link_flap(ctx.port, 100);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
	msleep(90);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* So is a Link that was disabled and enabled again */
static void hotplug_disabled_link_is_removal(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	pcie_capability_set_word(pdev, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	pcie_capability_clear_word(pdev, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/*
 * A Secondary Bus Reset that pciehp is not told about is an unplug, although
 * the card stays in the slot.  hfi1 had this problem.
 */
static void hotplug_unannounced_reset_is_removal(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	struct pci_dev *pdev;
	u16 ctl;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	pci_read_config_word(pdev, PCI_BRIDGE_CONTROL, &ctl);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL,
			      ctl | PCI_BRIDGE_CTL_BUS_RESET);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
	fsleep(2000);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL, ctl);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* A switch is removed and added with all that is below it */
static void hotplug_switch_comes_and_goes_as_a_whole(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *up = pci_sim_add_switch(ctx.sim, ctx.port);
	struct pci_sim_func *down[2], *ep[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		down[i] = pci_sim_downstream_port(up, .hotplug = true);
		ep[i] = pci_sim_endpoint(ctx.sim, down[i]);
	}
	/* Present at boot, so that bus numbers are reserved for it */
	sim_kunit_start(test, ctx.sim);
	SIM_EXPECT_BOUND(test, ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ep[1], 1, 0);

	pci_sim_unplug(down[1]);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ep[1], 1, 1);

	pci_sim_unplug(ctx.port);
	msleep(HOTPLUG_NESTED_MS);
	SIM_EXPECT_BOUND(test, ep[0], 1, 1);
	SIM_EXPECT_BOUND(test, ep[1], 1, 1);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, up));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep[0], 2, 1);
	SIM_EXPECT_BOUND(test, ep[1], 1, 1);
}

static void hotplug_all_functions_come_and_go(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *f0 = pci_sim_endpoint(ctx.sim, NULL);
	struct pci_sim_func *f1 = pci_sim_function(f0);

	sim_kunit_start(test, ctx.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, f0));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, f0, 1, 0);
	SIM_EXPECT_BOUND(test, f1, 1, 0);

	pci_sim_unplug(ctx.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, f0, 1, 1);
	SIM_EXPECT_BOUND(test, f1, 1, 1);
}

/* The interrupt comes long after the card has gone */
static void hotplug_late_interrupt_removes(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	pci_sim_set_irq_us(ctx.port, 500 * USEC_PER_MSEC);
	pci_sim_unplug(ctx.port);
	msleep(400);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
}

static void hotplug_button_turns_slot_off_and_on(struct kunit *test)
{
	struct hotplug_ctx ctx =
		hotplug_build(test, .button = true, .power_ctrl = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	pci_sim_press_button(ctx.port);
	msleep(2000);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_BLINK,
			hotplug_slot_control(ctx.port) & PCI_EXP_SLTCTL_PIC);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	msleep(HOTPLUG_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_OFF,
			hotplug_slot_control(ctx.port) & PCI_EXP_SLTCTL_PCC);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));

	pci_sim_press_button(ctx.port);
	msleep(HOTPLUG_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_ON,
			hotplug_slot_control(ctx.port) & PCI_EXP_SLTCTL_PIC);
}

static void hotplug_second_press_cancels(struct kunit *test)
{
	struct hotplug_ctx ctx =
		hotplug_build(test, .button = true, .power_ctrl = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	pci_sim_press_button(ctx.port);
	msleep(2000);
	pci_sim_press_button(ctx.port);
	msleep(HOTPLUG_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_ON,
			hotplug_slot_control(ctx.port) & PCI_EXP_SLTCTL_PIC);
}

/* Like a write to "power" of the slot in sysfs */
static void hotplug_power_attribute(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .power_ctrl = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ep);
	KUNIT_ASSERT_NOT_NULL(test, pdev->slot);
	slot = pdev->slot->hotplug;
	KUNIT_ASSERT_NOT_NULL(test, slot);

	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));

	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 1);

	pci_sim_unplug(ctx.port);
	msleep(HOTPLUG_POWER_MS);
	KUNIT_EXPECT_NE(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 2);
}

/* The card is still there, so the slot is turned on again */
static void hotplug_power_fault_turns_slot_on_again(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .power_ctrl = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	pci_sim_power_fault(ctx.port, false);
	msleep(HOTPLUG_POWER_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
}

/*
 * The fault is permanent, so the slot stays off with its Attention Indicator on
 */
static void hotplug_lasting_power_fault_turns_slot_off(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .power_ctrl = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	pci_sim_power_fault(ctx.port, true);
	msleep(2 * HOTPLUG_POWER_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_OFF,
			hotplug_slot_control(ctx.port) & PCI_EXP_SLTCTL_PCC);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_ATTN_IND_ON,
			hotplug_slot_control(ctx.port) & PCI_EXP_SLTCTL_AIC);
}

/*
 * An open latch removes power, so the device is removed.  The slot cannot be
 * turned on before the latch is closed, and does not turn on by itself then.
 */
static void hotplug_open_latch_removes_power(struct kunit *test)
{
	struct hotplug_ctx ctx =
		hotplug_build(test, .mrl = true, .power_ctrl = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	struct hotplug_slot *slot;
	u8 open;

	sim_kunit_start(test, ctx.sim);
	slot = sim_kunit_dev(test, ep)->slot->hotplug;
	KUNIT_ASSERT_NOT_NULL(test, slot->ops->get_latch_status);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->get_latch_status(slot, &open));
	KUNIT_EXPECT_EQ(test, 0, open);

	pci_sim_mrl(ctx.port, true);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_COLD));
	KUNIT_EXPECT_TRUE(test,
			  hotplug_slot_event(ctx.port, PCI_EXP_SLTSTA_MRLSC));
	msleep(HOTPLUG_POWER_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->get_latch_status(slot, &open));
	KUNIT_EXPECT_EQ(test, 1, open);
	KUNIT_EXPECT_EQ(test, -ENODEV, slot->ops->enable_slot(slot));

	pci_sim_mrl(ctx.port, false);
	msleep(HOTPLUG_POWER_MS);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* An open latch keeps the power off, whatever is written to Slot Control */
static void hotplug_open_latch_keeps_power_off(struct kunit *test)
{
	struct hotplug_ctx ctx =
		hotplug_build(test, .mrl = true, .power_ctrl = true);
	struct pci_dev *pdev;
	unsigned int i;

	/* The loss of power is not noticed without a driver */
	sim_kunit_expect_dead(test, pci_sim_endpoint(ctx.sim, ctx.port));
	sim_kunit_expect_unbound(test, ctx.port);
	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	device_release_driver(&pdev->dev);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));

	pci_sim_mrl(ctx.port, true);
	/* Latch open, closed but not switched on again, switched on */
	for (i = 0; i < 3; i++) {
		if (i == 1)
			pci_sim_mrl(ctx.port, false);
		if (i != 1) {
			pcie_capability_set_word(pdev, PCI_EXP_SLTCTL,
						 PCI_EXP_SLTCTL_PCC);
			pcie_capability_clear_word(pdev, PCI_EXP_SLTCTL,
						   PCI_EXP_SLTCTL_PCC);
		}
		msleep(100);
		KUNIT_EXPECT_EQ_MSG(test, i == 2, pci_sim_link_is_up(ctx.port),
				    "step %u", i);
	}
}

/* A slot without a power controller only reports the latch */
static void hotplug_latch_without_power_control(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .mrl = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	KUNIT_EXPECT_FALSE(test,
			   hotplug_slot_event(ctx.port, PCI_EXP_SLTSTA_MRLSC));
	pci_sim_mrl(ctx.port, true);
	KUNIT_EXPECT_TRUE(test,
			  hotplug_slot_event(ctx.port, PCI_EXP_SLTSTA_MRLSC));
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/* A card whose Link does not train is not added, and another one is */
static void hotplug_card_without_link_is_not_added(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);

	sim_kunit_start(test, ctx.sim);
	pci_sim_link_stuck(ctx.port, true);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 0, 0);

	pci_sim_unplug(ctx.port);
	pci_sim_link_stuck(ctx.port, false);
	msleep(SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/*
 * A card that becomes ready within a second is added, one that never does is
 * not
 */
static void hotplug_card_never_ready_is_not_added(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *late, *never;

	late = pci_sim_endpoint(ctx.sim, NULL, .ready_ms = 900);
	never = pci_sim_endpoint(ctx.sim, NULL, .ready_ms = PCI_SIM_NEVER);
	sim_kunit_start(test, ctx.sim);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, late));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, late, 1, 0);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, never));
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, late, 1, 1);
	SIM_EXPECT_BOUND(test, never, 0, 0);
}

static void hotplug_pull(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

/*
 * The card in the slot is bound and a bus master.  Whether it works after its
 * driver has recovered it is left to the suites for errors.
 */
static void hotplug_expect_works(struct kunit *test, struct pci_sim_func *ep,
				 const char *when)
{
	struct pci_sim_counts c = pci_sim_counts(ep);

	KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove + 1, "%s", when);
	if (c.probe == c.remove + 1 && !c.slot_reset)
		KUNIT_EXPECT_TRUE_MSG(test, sim_kunit_is_master(test, ep), "%s",
				      when);
}

/* ... and pciehp notices when the card is pulled and inserted again */
static void hotplug_expect_notices(struct kunit *test,
				   struct pci_sim_func *port,
				   struct pci_sim_func *ep, const char *when)
{
	struct pci_sim_counts c;

	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	c = pci_sim_counts(ep);
	KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove, "%s, pulled", when);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
	msleep(SIM_SETTLE_MS);
	hotplug_expect_works(test, ep, when);
}

/*
 * A card that answers with Request Retry Status is waited for until it is
 * pulled
 */
static void hotplug_card_that_asks_for_time_gets_it(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep =
		pci_sim_endpoint(ctx.sim, NULL, .ready_ms = 5000);

	sim_kunit_start(test, ctx.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(5000 + SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	pci_sim_unplug(ctx.port);
	msleep(SIM_SETTLE_MS);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(3000);
	pci_sim_unplug(ctx.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	pci_sim_set_ready_ms(ep, 0);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/*
 * Nothing else waits for a card that is not ready; checked in virtual time only
 */
#define HOTPLUG_EXPECT_SOON(test, start)                                  \
	do {                                                              \
		if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))           \
			KUNIT_EXPECT_LT(test, jiffies - (start), 3 * HZ); \
	} while (0)

static void hotplug_turned_off_while_not_ready(struct kunit *test)
{
	struct hotplug_slot *slot;
	struct pci_sim_func *ep;
	unsigned long start;
	struct hotplug_ctx ctx;

	for (int power_ctrl = 0; power_ctrl < 2; power_ctrl++) {
		ctx = hotplug_build(test, .power_ctrl = power_ctrl);
		ep = pci_sim_endpoint(ctx.sim, NULL, .ready_ms = 40000);
		sim_kunit_start(test, ctx.sim);
		slot = hotplug_slot_of(test, ctx.port);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
		msleep(3000);

		start = jiffies;
		KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
		HOTPLUG_EXPECT_SOON(test, start);
		msleep(60000);
		KUNIT_EXPECT_EQ(test, !power_ctrl,
				pci_sim_link_is_up(ctx.port));
		SIM_EXPECT_BOUND(test, ep, 0, 0);

		pci_sim_set_ready_ms(ep, 0);
		KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
		SIM_EXPECT_BOUND(test, ep, 1, 0);
	}
}

/* Until the card is ready, another press of the button cancels the first one */
static void hotplug_button_cancels_while_not_ready(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct hotplug_ctx ctx;

	for (int power_ctrl = 0; power_ctrl < 2; power_ctrl++) {
		ctx = hotplug_build(test, .power_ctrl = power_ctrl,
				    .button = true);
		ep = pci_sim_endpoint(ctx.sim, NULL, .ready_ms = 40000);
		sim_kunit_start(test, ctx.sim);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
		/* Without power control it is the link that turns the slot on */
		if (power_ctrl)
			pci_sim_press_button(ctx.port);
		msleep(HOTPLUG_BUTTON_MS);
		KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_BLINK,
				hotplug_slot_control(ctx.port) &
					PCI_EXP_SLTCTL_PIC);

		pci_sim_press_button(ctx.port);
		msleep(HOTPLUG_POWER_MS);
		KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_OFF,
				hotplug_slot_control(ctx.port) &
					PCI_EXP_SLTCTL_PIC);
		KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_ATTN_IND_OFF,
				hotplug_slot_control(ctx.port) &
					PCI_EXP_SLTCTL_AIC);
		msleep(60000);
		KUNIT_EXPECT_EQ(test, !power_ctrl,
				pci_sim_link_is_up(ctx.port));
		SIM_EXPECT_BOUND(test, ep, 0, 0);

		pci_sim_set_ready_ms(ep, 0);
		pci_sim_press_button(ctx.port);
		msleep(HOTPLUG_BUTTON_MS);
		SIM_EXPECT_BOUND(test, ep, 1, 0);
	}
}

/* System sleep does not wait for the card, which is tried again afterwards */
static void hotplug_suspended_while_not_ready(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .power_ctrl = true);
	struct pci_sim_func *ep =
		pci_sim_endpoint(ctx.sim, NULL, .ready_ms = 40000);
	static const unsigned int ms[] = { 2000, 100 };
	struct device *dev;

	if (!IS_ENABLED(CONFIG_PM_SLEEP))
		kunit_skip(test, "without CONFIG_PM_SLEEP");

	sim_kunit_start(test, ctx.sim);
	dev = &sim_kunit_dev(test, ctx.port)->dev;
	/* Resume after pciehp has given up, and while it does */
	for (int i = 0; i < ARRAY_SIZE(ms); i++) {
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
		msleep(3000);
		/* Like the PM core before it suspends the device */
		pm_runtime_get_noresume(dev);
		KUNIT_EXPECT_EQ(test, 0, dev->bus->pm->suspend(dev));
		msleep(ms[i]);
		KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
		pci_sim_set_ready_ms(ep, 0);
		KUNIT_EXPECT_EQ(test, 0, dev->bus->pm->resume(dev));
		pm_runtime_put(dev);
		msleep(HOTPLUG_POWER_MS);
		hotplug_expect_works(test, ep, "after resume");
		pci_sim_unplug(ctx.port);
		pci_sim_set_ready_ms(ep, 40000);
		msleep(HOTPLUG_POWER_MS);
	}
	KUNIT_EXPECT_EQ(test, 2, pci_sim_counts(ep).probe);
}

/* A reset of the link does not wait for the card, which starts anew after it */
static void hotplug_reset_while_not_ready(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep =
		pci_sim_endpoint(ctx.sim, NULL, .ready_ms = 10000);
	struct hotplug_slot *slot;
	unsigned long start;

	sim_kunit_start(test, ctx.sim);
	slot = hotplug_slot_of(test, ctx.port);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(3000);
	start = jiffies;
	slot->ops->reset_slot(slot, false);
	HOTPLUG_EXPECT_SOON(test, start);
	msleep(20000);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
}

static const unsigned int hotplug_away_ms[] = { 300, 900, 1100, 2000, 8000 };

/* However long the link is down, the device is added when it is up again */
static void hotplug_device_is_back_with_its_link(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	char when[32];

	sim_kunit_start(test, ctx.sim);
	for (int i = 0; i < ARRAY_SIZE(hotplug_away_ms); i++) {
		snprintf(when, sizeof(when), "down for %u ms",
			 hotplug_away_ms[i]);
		pci_sim_link_flap(ctx.port, hotplug_away_ms[i]);
		msleep(hotplug_away_ms[i] + 2 * SIM_SETTLE_MS);
		hotplug_expect_works(test, ep, when);
		hotplug_expect_notices(test, ctx.port, ep, when);
	}
}

/* The same for a card whose link trains late */
static void hotplug_link_that_trains_late_is_noticed(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);

	sim_kunit_start(test, ctx.sim);
	pci_sim_link_stuck(ctx.port, true);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(4 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 0, 0);
	pci_sim_link_stuck(ctx.port, false);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	hotplug_expect_notices(test, ctx.port, ep, "trained late");
}

/* A card that restarts, and a port that detects an error and contains it */
struct hotplug_order {
	const char *name;
	u32 flap_us, contain_us;
	u32 slot_us, dpc_us;
};

static const struct hotplug_order hotplug_orders[] = {
	{ .name = "link, error", .flap_us = 0, .contain_us = 10, .slot_us = 1,
	  .dpc_us = 1 },
	{ .name = "link, error after 50 ms", .flap_us = 0, .contain_us = 50000,
	  .slot_us = 1, .dpc_us = 1 },
	{ .name = "error, link", .flap_us = 10, .contain_us = 0, .slot_us = 1,
	  .dpc_us = 1 },
	{ .name = "error, link after 50 ms", .flap_us = 50000, .contain_us = 0,
	  .slot_us = 1, .dpc_us = 1 },
	{ .name = "error, link once it is back", .flap_us = 500000,
	  .contain_us = 0, .slot_us = 1, .dpc_us = 1 },
	{ .name = "late slot interrupt", .flap_us = 0, .contain_us = 0,
	  .slot_us = 500000, .dpc_us = 1 },
	{ .name = "late DPC interrupt", .flap_us = 0, .contain_us = 0,
	  .slot_us = 1, .dpc_us = 500000 },
	{ .name = "very late DPC interrupt", .flap_us = 0, .contain_us = 0,
	  .slot_us = 1, .dpc_us = 3000000 },
};

KUNIT_ARRAY_PARAM_DESC(hotplug_order, hotplug_orders, name);

static void hotplug_flap(struct pci_sim_func *port, void *ms)
{
	pci_sim_link_flap(port, *(const unsigned int *)ms);
}

static void hotplug_surprise_down(struct pci_sim_func *port, void *data)
{
	pci_sim_uncor_error(port, PCI_ERR_UNC_SURPDN);
}

static void hotplug_contain(struct pci_sim_func *port, void *data)
{
	pci_sim_dpc_trigger(port);
}

static void hotplug_link_down_on_dpc_port(struct kunit *test,
					  struct pci_sim_func *port,
					  struct pci_sim_func *ep,
					  bool surprise_down)
{
	static const unsigned int ms[] = { 300, 2000, 8000 };
	const struct hotplug_order *o = test->param_value;
	char when[64];

	for (int i = 0; i < ARRAY_SIZE(ms); i++) {
		snprintf(when, sizeof(when), "%s, down for %u ms",
			 surprise_down ? "Surprise Down" : "other error", ms[i]);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_SLOT, o->slot_us);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_DPC, o->dpc_us);
		KUNIT_ASSERT_EQ(test, 0,
				pci_sim_at(port, o->flap_us, hotplug_flap,
					   (void *)&ms[i]));
		KUNIT_ASSERT_EQ(test, 0,
				pci_sim_at(port, o->contain_us,
					   surprise_down ?
						   hotplug_surprise_down :
						   hotplug_contain,
					   NULL));
		msleep(ms[i] + 5 * SIM_SETTLE_MS);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_SLOT, 1);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_DPC, 1);
		hotplug_expect_works(test, ep, when);
		hotplug_expect_notices(test, port, ep, when);
	}
}

static void hotplug_link_down_while_contained(struct kunit *test)
{
	const struct pci_sim_port_config slot = {
		.hotplug = true, .dpc = true,
	};
	struct pci_sim_func *port, *up, *ep;
	struct pci_sim *sim;

	for (int i = 0; i < 4; i++) {
		sim = sim_kunit_alloc(test);
		port = pci_sim_add_root_port(sim, &slot);
		if (i & 1) {
			up = pci_sim_add_switch(sim, port);
			port = pci_sim_add_downstream_port(up, &slot);
		}
		ep = pci_sim_endpoint(sim, port);
		sim_kunit_start(test, sim);
		hotplug_link_down_on_dpc_port(test, port, ep, i & 2);
	}
}

/* These ports signal only events that occur while the interrupt is enabled */
static void hotplug_port_without_late_events(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .no_late_events = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);

	sim_kunit_start(test, ctx.sim);
	for (int i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, i + 1, i);
		pci_sim_unplug(ctx.port);
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, i + 1, i + 1);
	}
}

static void hotplug_button_without_late_events(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .button = true,
					       .power_ctrl = true,
					       .no_late_events = true);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);

	sim_kunit_start(test, ctx.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 0, 0);
	pci_sim_press_button(ctx.port);
	msleep(HOTPLUG_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

struct hotplug_masked {
	struct pci_sim_func *ep;
	u16 slot;
	bool done;
};

/*
 * Called for each slot command: plug in the card when the interrupt is disabled
 */
static void hotplug_plug_masked(struct pci_sim_func *port, void *data)
{
	struct hotplug_masked *m = data;

	if (pci_sim_peek(port, m->slot) & PCI_EXP_SLTCTL_HPIE) {
		pci_sim_on_write(port, m->slot, hotplug_plug_masked, m);
	} else {
		m->done = true;
		pci_sim_plug(port, m->ep);
	}
}

/* A card is inserted while the port is about to suspend, too early for a PME */
static void hotplug_card_while_port_falls_asleep(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .no_late_events = true);
	struct hotplug_masked m = { .ep = pci_sim_endpoint(ctx.sim, NULL) };
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	m.slot = pci_pcie_cap(pdev) + PCI_EXP_SLTCTL;
	pm_runtime_get_sync(&pdev->dev);
	msleep(SIM_SETTLE_MS);
	pci_sim_on_write(ctx.port, m.slot, hotplug_plug_masked, &m);
	pm_runtime_put(&pdev->dev);
	msleep(2 * SIM_SETTLE_MS);
	pci_sim_on_write(ctx.port, m.slot, NULL, NULL);
	if (!m.done)
		kunit_skip(test, "the port stays awake");
	SIM_EXPECT_BOUND(test, m.ep, 1, 0);
	hotplug_expect_notices(test, ctx.port, m.ep,
			       "while the port fell asleep");
}

/* Without PME, the port of a slot that is empty or off has to stay awake */
static void hotplug_without_pme_port_stays_awake(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	pm_runtime_get_sync(&pdev->dev);
	pdev->pme_support = 0;
	pm_runtime_put(&pdev->dev);
	msleep(SIM_SETTLE_MS);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	hotplug_expect_notices(test, ctx.port, ep, "without PME");

	slot = hotplug_slot_of(test, ctx.port);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	msleep(SIM_SETTLE_MS);
	pci_sim_unplug(ctx.port);
	msleep(SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(SIM_SETTLE_MS);
	hotplug_expect_works(test, ep, "swapped while turned off");
}

/*
 * A port whose slot is on may sleep while its device does, and notices that the
 * card was pulled when it wakes up.
 */
static void hotplug_without_pme_port_in_use_sleeps(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	sim_kunit_dev(test, ctx.port)->pme_support = 0;
	pdev = sim_kunit_dev(test, ep);
	/* A port that is awake notices at once */
	for (int pull = 0; pull <= hotplug_ports_sleep(); pull++) {
		pm_runtime_allow(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(SIM_IDLE_MS);
		if (hotplug_ports_sleep())
			KUNIT_EXPECT_TRUE(test,
					  hotplug_power_state(test, ctx.port) ==
						  PCI_D3hot);
		if (pull)
			pci_sim_unplug(ctx.port);
		msleep(SIM_SETTLE_MS);
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_forbid(&pdev->dev);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, 1, pull);
	}
}

/* A card that was swapped while the port slept has another serial number */
static void hotplug_swapped_while_asleep(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *old =
		pci_sim_endpoint(ctx.sim, ctx.port, .dsn = 1);
	struct pci_sim_func *new = pci_sim_endpoint(ctx.sim, NULL, .dsn = 2);
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	sim_kunit_dev(test, ctx.port)->pme_support = 0;
	pdev = sim_kunit_dev(test, old);
	pm_runtime_allow(&pdev->dev);
	pm_runtime_put(&pdev->dev);
	msleep(SIM_IDLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, new, !hotplug_ports_sleep(), 0);
	pm_runtime_get_sync(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, old, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
}

/*
 * A port may wake the system for a card that is inserted, but not for a link
 * that comes up.  The card is noticed after resume.
 */
static void hotplug_link_does_not_wake_system(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);
	struct device *dev;
	u32 pme;

	if (!IS_ENABLED(CONFIG_PM_SLEEP) || !hotplug_ports_sleep())
		kunit_skip(test, "the port stays awake");

	sim_kunit_start(test, ctx.sim);
	dev = &sim_kunit_dev(test, ctx.port)->dev;
	pci_sim_link_stuck(ctx.port, true);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(4 * SIM_SETTLE_MS);

	KUNIT_EXPECT_EQ(test, 0, device_wakeup_enable(dev));
	/* Like the PM core before it suspends the device */
	dev->power.smart_suspend = true;
	KUNIT_EXPECT_EQ(test, 0, dev->bus->pm->suspend(dev));
	pci_sim_link_stuck(ctx.port, false);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
	KUNIT_EXPECT_TRUE(test,
			  hotplug_power_state(test, ctx.port) == PCI_D3hot);
	pme = pci_sim_peek(ctx.port, to_pci_dev(dev)->pm_cap + PCI_PM_CTRL);
	KUNIT_EXPECT_TRUE(test, pme & PCI_PM_CTRL_PME_ENABLE);
	KUNIT_EXPECT_FALSE(test, pme & PCI_PM_CTRL_PME_STATUS);
	SIM_EXPECT_BOUND(test, ep, 0, 0);

	dev->power.smart_suspend = false;
	pm_runtime_get_sync(dev);
	KUNIT_EXPECT_EQ(test, 0, dev->bus->pm->resume(dev));
	pm_runtime_put(dev);
	device_wakeup_disable(dev);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/*
 * A card that was replaced during system sleep is added, without a button press
 */
static void hotplug_replaced_while_suspended(struct kunit *test)
{
	struct pci_sim_func *old, *new;
	const struct dev_pm_ops *pm;
	struct device *dev;
	struct hotplug_ctx ctx;

	if (!IS_ENABLED(CONFIG_PM_SLEEP))
		kunit_skip(test, "without CONFIG_PM_SLEEP");

	for (int button = 0; button < 2; button++) {
		ctx = hotplug_build(test, .power_ctrl = button,
				    .button = button);
		old = pci_sim_endpoint(ctx.sim, ctx.port);
		new = pci_sim_endpoint(ctx.sim, NULL, .device = 0x99);
		sim_kunit_start(test, ctx.sim);
		dev = &sim_kunit_dev(test, ctx.port)->dev;
		pm = dev->bus->pm;

		pm_runtime_get_sync(dev);
		KUNIT_EXPECT_EQ(test, 0, pm->suspend(dev));
		KUNIT_EXPECT_EQ(test, 0, pm->suspend_noirq(dev));
		/* Like the PM core for a device that was in use */
		dev->power.must_resume = true;
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, old, 1, 0);
		KUNIT_EXPECT_EQ(test, 0, pm->resume_noirq(dev));
		KUNIT_EXPECT_EQ(test, 0, pm->resume(dev));
		pm_runtime_put(dev);
		msleep(HOTPLUG_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);
		SIM_EXPECT_BOUND(test, new, 1, 0);
	}
}

static bool hotplug_ptm_is_on(struct pci_dev *pdev)
{
	u16 ptm = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_PTM);
	u32 ctrl;

	pci_read_config_dword(pdev, ptm + PCI_PTM_CTRL, &ctrl);
	return ctrl & PCI_PTM_CTRL_ENABLE;
}

/* A device whose suspend is refused keeps Precision Time Measurement enabled */
static void hotplug_refused_suspend_keeps_ptm(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .ptm = true);
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	if (!IS_ENABLED(CONFIG_PCIE_PTM) || !hotplug_ports_sleep() ||
	    !pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_PTM))
		kunit_skip(test, "no PTM, or the port stays awake");

	pm_runtime_get_sync(&pdev->dev);
	KUNIT_ASSERT_EQ(test, 0, pci_enable_ptm(pdev));
	KUNIT_EXPECT_TRUE(test, hotplug_ptm_is_on(pdev));
	pdev->bridge_d3 = false;
	pm_runtime_put_noidle(&pdev->dev);
	KUNIT_EXPECT_EQ(test, -EBUSY, pm_runtime_suspend(&pdev->dev));
	KUNIT_EXPECT_TRUE(test, hotplug_ptm_is_on(pdev));

	pdev->bridge_d3 = true;
	KUNIT_EXPECT_EQ(test, 0, pm_runtime_suspend(&pdev->dev));
	pm_runtime_get_sync(&pdev->dev);
	KUNIT_EXPECT_TRUE(test, hotplug_ptm_is_on(pdev));
	pci_disable_ptm(pdev);
	pm_runtime_put(&pdev->dev);
}

/*
 * A slot that the user has turned off stays off when its port is woken up,
 * until another card is inserted.  A slot with a button stays off even then.
 */
static void hotplug_off_until_card_is_swapped(struct kunit *test)
{
	struct pci_sim_func *old, *new;
	struct hotplug_slot *slot;
	struct pci_dev *pdev;
	struct hotplug_ctx ctx;

	for (int i = 0; i < 4; i++) {
		bool button = i & 1;

		ctx = hotplug_build(test, .power_ctrl = true, .button = button,
				    .no_late_events = i & 2);
		old = pci_sim_endpoint(ctx.sim, ctx.port);
		new = pci_sim_endpoint(ctx.sim, NULL, .device = 0x99);
		sim_kunit_start(test, ctx.sim);
		pdev = sim_kunit_dev(test, ctx.port);
		slot = sim_kunit_dev(test, old)->slot->hotplug;

		KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
		msleep(SIM_SETTLE_MS);
		/* Like lspci */
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(HOTPLUG_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);

		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
		msleep(HOTPLUG_POWER_MS);
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(HOTPLUG_POWER_MS);
		SIM_EXPECT_BOUND(test, new, !button, 0);
		if (button) {
			KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
			SIM_EXPECT_BOUND(test, new, 1, 0);
		}
	}
}

/* The same if the card was swapped while link changes are ignored */
static void hotplug_off_swapped_while_ignored(struct kunit *test)
{
	struct pci_sim_func *old, *new;
	struct hotplug_slot *slot;
	struct pci_dev *pdev;
	struct hotplug_ctx ctx;

	for (int i = 0; i < 4; i++) {
		bool awake = i & 1;

		ctx = hotplug_build(test, .power_ctrl = i & 2);
		old = pci_sim_endpoint(ctx.sim, ctx.port);
		new = pci_sim_endpoint(ctx.sim, NULL, .device = 0x99);
		sim_kunit_start(test, ctx.sim);
		pdev = sim_kunit_dev(test, ctx.port);
		slot = hotplug_slot_of(test, ctx.port);
		if (awake)
			pm_runtime_get_sync(&pdev->dev);
		KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
		msleep(SIM_SETTLE_MS);

		pci_hp_ignore_link_change(pdev);
		pci_sim_unplug(ctx.port);
		msleep(100);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, new, 0, 0);
		pci_hp_unignore_link_change(pdev);
		msleep(HOTPLUG_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);
		SIM_EXPECT_BOUND(test, new, 1, 0);
		if (awake)
			pm_runtime_put(&pdev->dev);
	}
}

/*
 * Events of a port in D3cold are lost.  If pciehp finds the slot empty once,
 * the next card is a new one.
 */
static void hotplug_off_swapped_while_unpowered(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test, .power_ctrl = true);
	struct pci_sim_func *old = pci_sim_endpoint(ctx.sim, ctx.port);
	struct pci_sim_func *new = pci_sim_endpoint(ctx.sim, NULL);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	if (!hotplug_ports_sleep())
		kunit_skip(test, "the port stays awake");

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	slot = hotplug_slot_of(test, ctx.port);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	for (int i = 0; i < 3; i++) {
		msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE(test, pdev->current_state == PCI_D3hot);
		/* Like the platform */
		pdev->current_state = PCI_D3cold;
		if (i == 1)
			pci_sim_unplug(ctx.port);
		if (i == 2)
			KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, new));
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(HOTPLUG_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);
		SIM_EXPECT_BOUND(test, new, i == 2, 0);
	}
}

/*
 * A slot without power control keeps its link when it is turned off.  The link
 * goes down and up when the port suspends and resumes, which is not a new card.
 */
static void hotplug_off_link_sleeps_with_port(struct kunit *test)
{
	struct hotplug_ctx ctx =
		hotplug_build(test, .link_sleeps = true, .train_ms = 5);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ctx.port);
	slot = hotplug_slot_of(test, ctx.port);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	for (int i = 0; i < 2; i++) {
		msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_EQ(test, !hotplug_ports_sleep(),
				pci_sim_link_is_up(ctx.port));
		pm_runtime_get_sync(&pdev->dev);
		msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
		pm_runtime_put(&pdev->dev);
		SIM_EXPECT_BOUND(test, ep, 1, 1);
	}
	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* A card that is pulled at any stage of being added leaves nothing behind */
static void hotplug_pulled_while_added(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, NULL);
	struct pci_sim_counts counts;
	unsigned int ms;

	sim_kunit_start(test, ctx.sim);
	for (ms = 1; ms < 400; ms += 13) {
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
		KUNIT_ASSERT_EQ(test, 0,
				pci_sim_at(ctx.port, ms * USEC_PER_MSEC,
					   hotplug_pull, NULL));
		msleep(SIM_SETTLE_MS);
		counts = pci_sim_counts(ep);
		KUNIT_EXPECT_EQ_MSG(test, counts.probe, counts.remove,
				    "pulled after %u ms", ms);
	}
}

/* Events of a port without power are lost */
static void hotplug_unpowered_port_has_no_events(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *up = pci_sim_add_switch(ctx.sim, ctx.port);
	struct pci_sim_func *down, *ep;

	down = pci_sim_downstream_port(up, .hotplug = true, .button = true,
				       .dpc = true);
	ep = pci_sim_endpoint(ctx.sim, NULL);
	sim_kunit_start(test, ctx.sim);
	pci_sim_unplug(ctx.port);
	msleep(HOTPLUG_NESTED_MS);

	pci_sim_press_button(down);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(down));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(down, ep));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(ctx.port, up));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/* An event whose time overflows in ns never occurs */
static void hotplug_event_too_far_off_never_comes(struct kunit *test)
{
	struct hotplug_ctx ctx = hotplug_build(test);
	struct pci_sim_func *ep = pci_sim_endpoint(ctx.sim, ctx.port);

	sim_kunit_start(test, ctx.sim);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx.port, U64_MAX, hotplug_pull, NULL));
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx.port, U64_MAX / NSEC_PER_USEC,
				   hotplug_pull, NULL));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/*
 * EEH resets a link without the PCI core, restores config headers, and calls
 * ->slot_reset().  A hotplug port further down does not take that for an
 * unplug, unless its card is gone.
 */
static void hotplug_reset_by_eeh_is_no_removal(struct kunit *test)
{
	for (int pulled = 0; pulled < 2; pulled++) {
		struct pci_sim *sim = sim_kunit_alloc(test);
		struct pci_sim_func *root = pci_sim_root_port(sim);
		struct pci_sim_func *up = pci_sim_add_switch(sim, root);
		struct pci_sim_func *port =
			pci_sim_downstream_port(up, .hotplug = true);
		struct pci_sim_func *ep = pci_sim_endpoint(sim, port);
		struct pci_dev *root_dev, *up_dev, *port_dev, *ep_dev;
		u16 ctrl;

		sim_kunit_start(test, sim);
		root_dev = sim_kunit_dev(test, root);
		up_dev = sim_kunit_dev(test, up);
		port_dev = sim_kunit_dev(test, port);
		ep_dev = sim_kunit_dev(test, ep);
		pm_runtime_get_sync(&ep_dev->dev);
		pci_save_state(up_dev);
		pci_save_state(port_dev);
		pci_save_state(ep_dev);

		pci_read_config_word(root_dev, PCI_BRIDGE_CONTROL, &ctrl);
		pci_write_config_word(root_dev, PCI_BRIDGE_CONTROL,
				      ctrl | PCI_BRIDGE_CTL_BUS_RESET);
		msleep(20);
		if (pulled)
			pci_sim_unplug(port);
		pci_write_config_word(root_dev, PCI_BRIDGE_CONTROL, ctrl);
		msleep(SIM_SETTLE_MS);

		pci_restore_state(up_dev);
		for (int i = 0; i < ARRAY_SIZE(port_dev->saved_config_space); i++)
			pci_write_config_dword(port_dev, i * 4,
					       port_dev->saved_config_space[i]);
		KUNIT_EXPECT_TRUE(test, PCI_ERS_RESULT_RECOVERED ==
				  port_dev->driver->err_handler->slot_reset(port_dev));
		pci_restore_state(ep_dev);
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, 1, pulled);
		pm_runtime_put(&ep_dev->dev);
	}
}

/*
 * The removal of a hotplug port holds pci_rescan_remove_lock while the interrupt
 * thread of the port waits for it, to add what was plugged in.
 */
static void hotplug_port_removed_while_adding(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim, .hotplug = true);
	ep = pci_sim_endpoint(sim, NULL);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, port);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
	/* The Link is up, and the 100 ms after that are not over */
	msleep(60);
	sim_kunit_expect_dead(test, port);
	pci_stop_and_remove_bus_device_locked(pdev);
	KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(port));
	KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(ep));
}

/*
 * pciehp removes another hotplug port that shares its interrupt, in the thread of
 * that interrupt.
 */
static void hotplug_removal_of_port_with_same_interrupt(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *down, *ep;

	root = pci_sim_root_port(sim, .hotplug = true, .intx = true);
	up = pci_sim_add_switch(sim, root);
	/* Device 0 below device 0 has the INTA of the Root Port */
	down = pci_sim_downstream_port(up, .hotplug = true, .intx = true);
	ep = pci_sim_endpoint(sim, down);
	sim_kunit_start(test, sim);
	KUNIT_ASSERT_EQ(test, sim_kunit_dev(test, root)->irq,
			sim_kunit_dev(test, down)->irq);
	pci_sim_unplug(root);
	msleep(10 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
}

/* Locks of pciehp and pci_rescan_remove_lock are taken in one order */
static void hotplug_locks_have_one_order(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;

	if (!IS_ENABLED(CONFIG_PROVE_LOCKING) || !debug_locks)
		kunit_skip(test, "needs lockdep, and nothing reported before");

	port = pci_sim_root_port(sim, .hotplug = true);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);
	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, debug_locks);
}

/*
 * A switch is plugged in again, with an empty second port.  The first port must
 * get a window that is large enough for the Endpoint below it.
 */
static void hotplug_replugged_switch_has_windows(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *up, *ep;

	port = pci_sim_root_port(sim, .hotplug = true);
	up = pci_sim_add_switch(sim, port);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	pci_sim_downstream_port(up);
	sim_kunit_start(test, sim);
	pci_sim_unplug(port);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, up));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_NE(test, 0,
			pci_resource_start(sim_kunit_dev(test, ep), 0));
}

/* DMA and interrupts from below a switch do not depend on the driver of its port */
static void hotplug_switch_driver_is_unbound(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up;
	struct pci_dev *pdev;

	up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	pci_sim_downstream_port(up, .hotplug = true);
	sim_kunit_start(test, sim);

	pdev = sim_kunit_dev(test, up);
	device_release_driver(&pdev->dev);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, up));
	KUNIT_EXPECT_EQ(test, 1, device_attach(&pdev->dev));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, up));
}

static struct kunit_case hotplug_cases[] = {
	KUNIT_CASE_PARAM(hotplug_occupied_slot_is_left_alone,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_inserted_card_is_added,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_pulled_card_is_removed,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_reseated_card_is_added_anew,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_replaced_card_is_added,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_serial_number_tells_cards_apart,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_link_down_is_removal,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_disabled_link_is_removal,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_unannounced_reset_is_removal,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_switch_comes_and_goes_as_a_whole,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_all_functions_come_and_go,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_late_interrupt_removes,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_button_turns_slot_off_and_on,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_second_press_cancels,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_power_attribute, hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_power_fault_turns_slot_on_again,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_lasting_power_fault_turns_slot_off,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_open_latch_removes_power,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_open_latch_keeps_power_off,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_latch_without_power_control,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_card_without_link_is_not_added,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_card_never_ready_is_not_added,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_card_that_asks_for_time_gets_it,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_turned_off_while_not_ready,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_button_cancels_while_not_ready,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_suspended_while_not_ready,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_reset_while_not_ready,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_device_is_back_with_its_link,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_link_that_trains_late_is_noticed,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_link_down_while_contained,
			 hotplug_order_gen_params),
	KUNIT_CASE_PARAM(hotplug_port_without_late_events,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_button_without_late_events,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_card_while_port_falls_asleep,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_without_pme_port_stays_awake,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_without_pme_port_in_use_sleeps,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_swapped_while_asleep,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_link_does_not_wake_system,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_replaced_while_suspended,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_refused_suspend_keeps_ptm,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_off_until_card_is_swapped,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_off_swapped_while_ignored,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_off_swapped_while_unpowered,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_off_link_sleeps_with_port,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_pulled_while_added,
			 hotplug_variant_gen_params),
	KUNIT_CASE_PARAM(hotplug_unpowered_port_has_no_events,
			 hotplug_variant_gen_params),
	KUNIT_CASE(hotplug_event_too_far_off_never_comes),
	KUNIT_CASE(hotplug_reset_by_eeh_is_no_removal),
	KUNIT_CASE(hotplug_port_removed_while_adding),
	KUNIT_CASE(hotplug_removal_of_port_with_same_interrupt),
	KUNIT_CASE(hotplug_locks_have_one_order),
	KUNIT_CASE(hotplug_replugged_switch_has_windows),
	KUNIT_CASE(hotplug_switch_driver_is_unbound),
	{}
};

static struct kunit_suite hotplug_suite = {
	.name = "pci_hotplug",
	.test_cases = hotplug_cases,
};

kunit_test_suite(hotplug_suite);
