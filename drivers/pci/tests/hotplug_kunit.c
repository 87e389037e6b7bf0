// SPDX-License-Identifier: GPL-2.0
/*
 * pciehp on a simulated fabric does what it documents: insertion, removal,
 * replacement, attention button, power control and their faults
 */

#include <linux/pci.h>
#include <linux/pci_hotplug.h>
#include <linux/pm_runtime.h>

#include "sim-kunit.h"

/* Power is off for a second at least before anything else happens */
#define HP_POWER_MS	(2000 + SIM_SETTLE_MS)

/* pciehp turns a slot on or off five seconds after the button was pressed */
#define HP_BUTTON_MS	(5000 + HP_POWER_MS)

/*
 * The driver of a slot that went with the switch it was on waits a second for
 * each command to complete
 */
#define HP_NESTED_MS	(5000 + SIM_SETTLE_MS)

/* Where the slot is, and how its port interrupts */
struct hp_variant {
	const char *name;
	bool below_switch;
	bool intx;
};

static const struct hp_variant hp_variants[] = {
	{ .name = "Root Port, MSI" },
	{ .name = "Root Port, INTx", .intx = true },
	{ .name = "Downstream Port, MSI", .below_switch = true },
	{ .name = "Downstream Port, INTx", .below_switch = true, .intx = true },
};

KUNIT_ARRAY_PARAM_DESC(hp_variant, hp_variants, name);

struct hp {
	struct pci_sim *sim;
	struct pci_sim_func *port;
};

/* A fabric with one slot, to be filled and started */
static struct hp hp_build(struct kunit *test,
			  struct pci_sim_port_config config)
{
	const struct hp_variant *v = test->param_value;
	struct pci_sim_func *root, *up;
	struct hp hp;

	config.hotplug = true;
	config.intx = v && v->intx;
	hp.sim = sim_kunit_alloc(test);
	if (v && v->below_switch) {
		root = pci_sim_root_port(hp.sim, .intx = v->intx);
		up = pci_sim_add_switch(hp.sim, root);
		hp.port = pci_sim_add_downstream_port(up, &config);
	} else {
		hp.port = pci_sim_add_root_port(hp.sim, &config);
	}
	return hp;
}

static u16 hp_slot_control(struct pci_sim_func *port)
{
	struct pci_dev *pdev = pci_sim_get_dev(port);
	u16 pos = pci_pcie_cap(pdev);

	pci_dev_put(pdev);
	return pci_sim_peek(port, pos + PCI_EXP_SLTCTL);
}

static bool hp_slot_event(struct pci_sim_func *port, u16 event)
{
	struct pci_dev *pdev = pci_sim_get_dev(port);
	u16 pos = pci_pcie_cap(pdev);

	pci_dev_put(pdev);
	return pci_sim_peek(port, pos + PCI_EXP_SLTCTL) >> 16 & event;
}

static pci_power_t hp_power_state(struct kunit *test,
				  struct pci_sim_func *port)
{
	u16 pos = sim_kunit_dev(test, port)->pm_cap + PCI_PM_CTRL;

	return (__force pci_power_t)(pci_sim_peek(port, pos) &
				     PCI_PM_CTRL_STATE_MASK);
}

/* What "power" in sysfs belongs to, whether there is a device or not */
static struct hotplug_slot *hp_slot(struct kunit *test,
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
static bool hp_ports_sleep(void)
{
	return IS_ENABLED(CONFIG_PM) && !IS_ENABLED(CONFIG_X86);
}

/* A slot that is occupied at boot is left alone */
static void hp_occupied(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
}

/* The port of an empty slot is asleep by the time the card comes */
static void hp_insert(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);

	sim_kunit_start(test, hp.sim);
	SIM_EXPECT_BOUND(test, ep, 0, 0);
	if (hp_ports_sleep())
		KUNIT_EXPECT_TRUE(test, hp_power_state(test, hp.port) ==
					PCI_D3hot);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_TRUE(test, sim_kunit_has_dev(ep));
}

static void hp_surprise_removal(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, ep);

	KUNIT_ASSERT_PTR_EQ(test, ep, pci_sim_unplug(hp.port));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_TRUE(test, pci_dev_is_disconnected(pdev));

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* Out and in again before anybody has looked is a removal all the same */
static void hp_bounce(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	pci_sim_unplug(hp.port);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

static void hp_replace(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *old = pci_sim_endpoint(hp.sim, hp.port);
	struct pci_sim_func *new = pci_sim_endpoint(hp.sim, NULL,
						    .device = 0x99);

	sim_kunit_start(test, hp.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, old, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	KUNIT_EXPECT_EQ(test, 0x99, sim_kunit_dev(test, new)->device);
}

/* The same model, told apart by its serial number alone */
static void hp_replace_dsn(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *old = pci_sim_endpoint(hp.sim, hp.port, .dsn = 1);
	struct pci_sim_func *new = pci_sim_endpoint(hp.sim, NULL, .dsn = 2);

	sim_kunit_start(test, hp.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, old, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	KUNIT_EXPECT_EQ(test, 2, pci_get_dsn(sim_kunit_dev(test, new)));
}

/* A Link that drops on its own is treated like an unplugged card */
static void hp_link_flap(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	pci_sim_link_flap(hp.port, 100);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
	msleep(90);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(hp.port));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* And so is one that somebody has disabled */
static void hp_link_disable(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	pcie_capability_set_word(pdev, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));
	pcie_capability_clear_word(pdev, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(hp.port));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/*
 * What nobody has announced is an unplug to pciehp, even if the card stays
 * where it is: hfi1 used to run into this.
 */
static void hp_raw_bus_reset(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	struct pci_dev *pdev;
	u16 ctl;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	pci_read_config_word(pdev, PCI_BRIDGE_CONTROL, &ctl);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL,
			      ctl | PCI_BRIDGE_CTL_BUS_RESET);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
	fsleep(2000);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL, ctl);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* A switch goes with all that is below it, and comes with it */
static void hp_switch(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *up = pci_sim_add_switch(hp.sim, hp.port);
	struct pci_sim_func *down[2], *ep[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		down[i] = pci_sim_downstream_port(up, .hotplug = true);
		ep[i] = pci_sim_endpoint(hp.sim, down[i]);
	}
	/* At boot, for the kernel to keep bus numbers for it */
	sim_kunit_start(test, hp.sim);
	SIM_EXPECT_BOUND(test, ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ep[1], 1, 0);

	pci_sim_unplug(down[1]);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ep[1], 1, 1);

	pci_sim_unplug(hp.port);
	msleep(HP_NESTED_MS);
	SIM_EXPECT_BOUND(test, ep[0], 1, 1);
	SIM_EXPECT_BOUND(test, ep[1], 1, 1);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, up));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep[0], 2, 1);
	SIM_EXPECT_BOUND(test, ep[1], 1, 1);
}

static void hp_multifunction(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *f0 = pci_sim_endpoint(hp.sim, NULL);
	struct pci_sim_func *f1 = pci_sim_function(f0);

	sim_kunit_start(test, hp.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, f0));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, f0, 1, 0);
	SIM_EXPECT_BOUND(test, f1, 1, 0);

	pci_sim_unplug(hp.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, f0, 1, 1);
	SIM_EXPECT_BOUND(test, f1, 1, 1);
}

/* The interrupt comes long after the card has gone */
static void hp_late_interrupt(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	pci_sim_set_irq_us(hp.port, 500 * USEC_PER_MSEC);
	pci_sim_unplug(hp.port);
	msleep(400);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
}

static void hp_button(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.button = true, .power_ctrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	pci_sim_press_button(hp.port);
	msleep(2000);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_BLINK,
			hp_slot_control(hp.port) & PCI_EXP_SLTCTL_PIC);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	msleep(HP_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_OFF,
			hp_slot_control(hp.port) & PCI_EXP_SLTCTL_PCC);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));

	pci_sim_press_button(hp.port);
	msleep(HP_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_ON,
			hp_slot_control(hp.port) & PCI_EXP_SLTCTL_PIC);
}

static void hp_button_cancel(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.button = true, .power_ctrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	pci_sim_press_button(hp.port);
	msleep(2000);
	pci_sim_press_button(hp.port);
	msleep(HP_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_ON,
			hp_slot_control(hp.port) & PCI_EXP_SLTCTL_PIC);
}

/* As if somebody had written to the slot's "power" in sysfs */
static void hp_software(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.power_ctrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, ep);
	KUNIT_ASSERT_NOT_NULL(test, pdev->slot);
	slot = pdev->slot->hotplug;
	KUNIT_ASSERT_NOT_NULL(test, slot);

	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));

	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 1);

	pci_sim_unplug(hp.port);
	msleep(HP_POWER_MS);
	KUNIT_EXPECT_NE(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 2);
}

/* The card is still there, so the slot is turned on again */
static void hp_power_fault(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.power_ctrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	pci_sim_power_fault(hp.port, false);
	msleep(HP_POWER_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(hp.port));
}

/* The fault comes back, so the slot stays off and says so */
static void hp_power_fault_permanent(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.power_ctrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	pci_sim_power_fault(hp.port, true);
	msleep(2 * HP_POWER_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_OFF,
			hp_slot_control(hp.port) & PCI_EXP_SLTCTL_PCC);
	KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_ATTN_IND_ON,
			hp_slot_control(hp.port) & PCI_EXP_SLTCTL_AIC);
}

/*
 * An open latch takes power away, and what is in the slot with it.  The slot
 * cannot be turned on before the latch is closed, nor does it turn on then.
 */
static void hp_latch(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.mrl = true, .power_ctrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	struct hotplug_slot *slot;
	u8 open;

	sim_kunit_start(test, hp.sim);
	slot = sim_kunit_dev(test, ep)->slot->hotplug;
	KUNIT_ASSERT_NOT_NULL(test, slot->ops->get_latch_status);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->get_latch_status(slot, &open));
	KUNIT_EXPECT_EQ(test, 0, open);

	pci_sim_mrl(hp.port, true);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_COLD));
	KUNIT_EXPECT_TRUE(test, hp_slot_event(hp.port, PCI_EXP_SLTSTA_MRLSC));
	msleep(HP_POWER_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->get_latch_status(slot, &open));
	KUNIT_EXPECT_EQ(test, 1, open);
	KUNIT_EXPECT_EQ(test, -ENODEV, slot->ops->enable_slot(slot));

	pci_sim_mrl(hp.port, false);
	msleep(HP_POWER_MS);
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* Not even who does not look at the latch can turn on the slot */
static void hp_latch_power(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.mrl = true, .power_ctrl = true });
	struct pci_dev *pdev;
	unsigned int i;

	/* Nothing sees that it was without power */
	sim_kunit_expect_dead(test, pci_sim_endpoint(hp.sim, hp.port));
	sim_kunit_expect_unbound(test, hp.port);
	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	device_release_driver(&pdev->dev);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(hp.port));

	pci_sim_mrl(hp.port, true);
	/* Latch open, closed but not switched on again, switched on */
	for (i = 0; i < 3; i++) {
		if (i == 1)
			pci_sim_mrl(hp.port, false);
		if (i != 1) {
			pcie_capability_set_word(pdev, PCI_EXP_SLTCTL,
						 PCI_EXP_SLTCTL_PCC);
			pcie_capability_clear_word(pdev, PCI_EXP_SLTCTL,
						   PCI_EXP_SLTCTL_PCC);
		}
		msleep(100);
		KUNIT_EXPECT_EQ_MSG(test, i == 2,
				    pci_sim_link_is_up(hp.port),
				    "step %u", i);
	}
}

/* A slot without a power controller reports the latch, and that is all */
static void hp_latch_only(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.mrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	KUNIT_EXPECT_FALSE(test, hp_slot_event(hp.port, PCI_EXP_SLTSTA_MRLSC));
	pci_sim_mrl(hp.port, true);
	KUNIT_EXPECT_TRUE(test, hp_slot_event(hp.port, PCI_EXP_SLTSTA_MRLSC));
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(hp.port));
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/* A card whose Link does not train is not added, and another one is */
static void hp_no_link(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);

	sim_kunit_start(test, hp.sim);
	pci_sim_link_stuck(hp.port, true);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 0, 0);

	pci_sim_unplug(hp.port);
	pci_sim_link_stuck(hp.port, false);
	msleep(SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/* One that is ready within a second is added, and one that never is, is not */
static void hp_not_ready(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *late, *never;

	late = pci_sim_endpoint(hp.sim, NULL, .ready_ms = 900);
	never = pci_sim_endpoint(hp.sim, NULL, .ready_ms = PCI_SIM_NEVER);
	sim_kunit_start(test, hp.sim);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, late));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, late, 1, 0);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, never));
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, late, 1, 1);
	SIM_EXPECT_BOUND(test, never, 0, 0);
}

static void hp_pull(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

/*
 * What is in the slot is bound and could work.  Whether it does if its driver
 * has recovered it is for the suites of errors.
 */
static void hp_expect_works(struct kunit *test, struct pci_sim_func *ep,
			    const char *when)
{
	struct pci_sim_counts c = pci_sim_counts(ep);

	KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove + 1, "%s", when);
	if (c.probe == c.remove + 1 && !c.slot_reset)
		KUNIT_EXPECT_TRUE_MSG(test, sim_kunit_is_master(test, ep), "%s",
				      when);
}

/* ... and the slot notices when it is pulled, and when it is put back */
static void hp_expect_notices(struct kunit *test, struct pci_sim_func *port,
			      struct pci_sim_func *ep, const char *when)
{
	struct pci_sim_counts c;

	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	c = pci_sim_counts(ep);
	KUNIT_EXPECT_EQ_MSG(test, c.probe, c.remove, "%s, pulled", when);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
	msleep(SIM_SETTLE_MS);
	hp_expect_works(test, ep, when);
}

/* It asks for more time, as it may, and gets that until it is pulled */
static void hp_not_ready_yet(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL,
						   .ready_ms = 5000);

	sim_kunit_start(test, hp.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(5000 + SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	pci_sim_unplug(hp.port);
	msleep(SIM_SETTLE_MS);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(3000);
	pci_sim_unplug(hp.port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	pci_sim_set_ready_ms(ep, 0);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* That is no reason for anything else to wait, if time can be told */
#define HP_EXPECT_SOON(test, start)					\
	do {								\
		if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))		\
			KUNIT_EXPECT_LT(test, jiffies - (start), 3 * HZ); \
	} while (0)

static void hp_not_ready_off(struct kunit *test)
{
	struct hotplug_slot *slot;
	struct pci_sim_func *ep;
	unsigned long start;
	struct hp hp;

	for (int power_ctrl = 0; power_ctrl < 2; power_ctrl++) {
		hp = hp_build(test, (struct pci_sim_port_config){
			      .power_ctrl = power_ctrl });
		ep = pci_sim_endpoint(hp.sim, NULL, .ready_ms = 40000);
		sim_kunit_start(test, hp.sim);
		slot = hp_slot(test, hp.port);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
		msleep(3000);

		start = jiffies;
		KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
		HP_EXPECT_SOON(test, start);
		msleep(60000);
		KUNIT_EXPECT_EQ(test, !power_ctrl,
				pci_sim_link_is_up(hp.port));
		SIM_EXPECT_BOUND(test, ep, 0, 0);

		pci_sim_set_ready_ms(ep, 0);
		KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
		SIM_EXPECT_BOUND(test, ep, 1, 0);
	}
}

/* The button cancels what it has begun, until the card is there */
static void hp_not_ready_button(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct hp hp;

	for (int power_ctrl = 0; power_ctrl < 2; power_ctrl++) {
		hp = hp_build(test, (struct pci_sim_port_config){
			      .power_ctrl = power_ctrl, .button = true });
		ep = pci_sim_endpoint(hp.sim, NULL, .ready_ms = 40000);
		sim_kunit_start(test, hp.sim);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
		/* Without power control it is the link that turns the slot on */
		if (power_ctrl)
			pci_sim_press_button(hp.port);
		msleep(HP_BUTTON_MS);
		KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_BLINK,
				hp_slot_control(hp.port) & PCI_EXP_SLTCTL_PIC);

		pci_sim_press_button(hp.port);
		msleep(HP_POWER_MS);
		KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_PWR_IND_OFF,
				hp_slot_control(hp.port) & PCI_EXP_SLTCTL_PIC);
		KUNIT_EXPECT_EQ(test, PCI_EXP_SLTCTL_ATTN_IND_OFF,
				hp_slot_control(hp.port) & PCI_EXP_SLTCTL_AIC);
		msleep(60000);
		KUNIT_EXPECT_EQ(test, !power_ctrl,
				pci_sim_link_is_up(hp.port));
		SIM_EXPECT_BOUND(test, ep, 0, 0);

		pci_sim_set_ready_ms(ep, 0);
		pci_sim_press_button(hp.port);
		msleep(HP_BUTTON_MS);
		SIM_EXPECT_BOUND(test, ep, 1, 0);
	}
}

/* System sleep does not wait either, and the device is tried again afterwards */
static void hp_not_ready_suspend(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.power_ctrl = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL,
						   .ready_ms = 40000);
	static const unsigned int ms[] = { 2000, 100 };
	struct device *dev;

	if (!IS_ENABLED(CONFIG_PM_SLEEP))
		kunit_skip(test, "without CONFIG_PM_SLEEP");

	sim_kunit_start(test, hp.sim);
	dev = &sim_kunit_dev(test, hp.port)->dev;
	/* Resume once it is given up, and while that is going on */
	for (int i = 0; i < ARRAY_SIZE(ms); i++) {
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
		msleep(3000);
		/* As the PM core does before it suspends the device */
		pm_runtime_get_noresume(dev);
		KUNIT_EXPECT_EQ(test, 0, dev->bus->pm->suspend(dev));
		msleep(ms[i]);
		KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(hp.port));
		pci_sim_set_ready_ms(ep, 0);
		KUNIT_EXPECT_EQ(test, 0, dev->bus->pm->resume(dev));
		pm_runtime_put(dev);
		msleep(HP_POWER_MS);
		hp_expect_works(test, ep, "after resume");
		pci_sim_unplug(hp.port);
		pci_sim_set_ready_ms(ep, 40000);
		msleep(HP_POWER_MS);
	}
	KUNIT_EXPECT_EQ(test, 2, pci_sim_counts(ep).probe);
}

/* Nor does a reset of the link, after which the device starts anew */
static void hp_not_ready_reset(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL,
						   .ready_ms = 10000);
	struct hotplug_slot *slot;
	unsigned long start;

	sim_kunit_start(test, hp.sim);
	slot = hp_slot(test, hp.port);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(3000);
	start = jiffies;
	slot->ops->reset_slot(slot, PCI_RESET_DO_RESET);
	HP_EXPECT_SOON(test, start);
	msleep(20000);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
}

static const unsigned int hp_away_ms[] = { 300, 900, 1100, 2000, 8000 };

/* However long the link is down, the device is there again when it is up */
static void hp_link_away(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	char when[32];

	sim_kunit_start(test, hp.sim);
	for (int i = 0; i < ARRAY_SIZE(hp_away_ms); i++) {
		snprintf(when, sizeof(when), "down for %u ms", hp_away_ms[i]);
		pci_sim_link_flap(hp.port, hp_away_ms[i]);
		msleep(hp_away_ms[i] + 2 * SIM_SETTLE_MS);
		hp_expect_works(test, ep, when);
		hp_expect_notices(test, hp.port, ep, when);
	}
}

/* The same from the beginning: it takes its time before it trains */
static void hp_link_late(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);

	sim_kunit_start(test, hp.sim);
	pci_sim_link_stuck(hp.port, true);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(4 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 0, 0);
	pci_sim_link_stuck(hp.port, false);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	hp_expect_notices(test, hp.port, ep, "trained late");
}

/* A card that restarts, and a port that detects an error and contains it */
struct hp_order {
	const char *name;
	u32 flap_us, contain_us;
	u32 slot_us, dpc_us;
};

static const struct hp_order hp_orders[] = {
	{ "link, error", 0, 10, 1, 1 },
	{ "link, error after 50 ms", 0, 50000, 1, 1 },
	{ "error, link", 10, 0, 1, 1 },
	{ "error, link after 50 ms", 50000, 0, 1, 1 },
	{ "error, link once it is back", 500000, 0, 1, 1 },
	{ "late slot interrupt", 0, 0, 500000, 1 },
	{ "late DPC interrupt", 0, 0, 1, 500000 },
	{ "very late DPC interrupt", 0, 0, 1, 3000000 },
};

KUNIT_ARRAY_PARAM_DESC(hp_order, hp_orders, name);

static void hp_flap(struct pci_sim_func *port, void *ms)
{
	pci_sim_link_flap(port, *(const unsigned int *)ms);
}

static void hp_surprise_down(struct pci_sim_func *port, void *data)
{
	pci_sim_uncor_error(port, PCI_ERR_UNC_SURPDN);
}

static void hp_contain(struct pci_sim_func *port, void *data)
{
	pci_sim_dpc_trigger(port);
}

static void hp_link_away_dpc_port(struct kunit *test, struct pci_sim_func *port,
				  struct pci_sim_func *ep, bool surprise_down)
{
	static const unsigned int ms[] = { 300, 2000, 8000 };
	const struct hp_order *o = test->param_value;
	char when[64];

	for (int i = 0; i < ARRAY_SIZE(ms); i++) {
		snprintf(when, sizeof(when), "%s, down for %u ms",
			 surprise_down ? "Surprise Down" : "other error", ms[i]);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_SLOT, o->slot_us);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_DPC, o->dpc_us);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_at(port, o->flap_us, hp_flap,
						    (void *)&ms[i]));
		KUNIT_ASSERT_EQ(test, 0, pci_sim_at(port, o->contain_us,
						    surprise_down ?
						    hp_surprise_down :
						    hp_contain, NULL));
		msleep(ms[i] + 5 * SIM_SETTLE_MS);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_SLOT, 1);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_DPC, 1);
		hp_expect_works(test, ep, when);
		hp_expect_notices(test, port, ep, when);
	}
}

static void hp_link_away_dpc(struct kunit *test)
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
		hp_link_away_dpc_port(test, port, ep, i & 2);
	}
}

/* The interrupts of these ports are for what happens once they are enabled */
static void hp_no_late_events(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.no_late_events = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);

	sim_kunit_start(test, hp.sim);
	for (int i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, i + 1, i);
		pci_sim_unplug(hp.port);
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, i + 1, i + 1);
	}
}

static void hp_no_late_button(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.button = true, .power_ctrl = true,
				.no_late_events = true });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);

	sim_kunit_start(test, hp.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 0, 0);
	pci_sim_press_button(hp.port);
	msleep(HP_BUTTON_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

struct hp_masked {
	struct pci_sim_func *ep;
	u16 slot;
	bool done;
};

/* Called for each slot command: when the interrupt is disabled, plug it in */
static void hp_plug_masked(struct pci_sim_func *port, void *data)
{
	struct hp_masked *m = data;

	if (pci_sim_peek(port, m->slot) & PCI_EXP_SLTCTL_HPIE) {
		pci_sim_on_write(port, m->slot, hp_plug_masked, m);
	} else {
		m->done = true;
		pci_sim_plug(port, m->ep);
	}
}

/* The port is about to sleep, but not asleep yet, so there is no PME either */
static void hp_falls_asleep(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.no_late_events = true });
	struct hp_masked m = { .ep = pci_sim_endpoint(hp.sim, NULL) };
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	m.slot = pci_pcie_cap(pdev) + PCI_EXP_SLTCTL;
	pm_runtime_get_sync(&pdev->dev);
	msleep(SIM_SETTLE_MS);
	pci_sim_on_write(hp.port, m.slot, hp_plug_masked, &m);
	pm_runtime_put(&pdev->dev);
	msleep(2 * SIM_SETTLE_MS);
	pci_sim_on_write(hp.port, m.slot, NULL, NULL);
	if (!m.done)
		kunit_skip(test, "the port stays awake");
	SIM_EXPECT_BOUND(test, m.ep, 1, 0);
	hp_expect_notices(test, hp.port, m.ep, "while the port fell asleep");
}

/* Without PME, the port of a slot that is empty or off has to stay awake */
static void hp_no_pme(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	pm_runtime_get_sync(&pdev->dev);
	pdev->pme_support = 0;
	pm_runtime_put(&pdev->dev);
	msleep(SIM_SETTLE_MS);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	hp_expect_notices(test, hp.port, ep, "without PME");

	slot = hp_slot(test, hp.port);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	msleep(SIM_SETTLE_MS);
	pci_sim_unplug(hp.port);
	msleep(SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(SIM_SETTLE_MS);
	hp_expect_works(test, ep, "swapped while turned off");
}

/*
 * One whose slot is on may sleep for as long as its device does, and notices
 * that it was pulled when it is used.
 */
static void hp_no_pme_on(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	sim_kunit_dev(test, hp.port)->pme_support = 0;
	pdev = sim_kunit_dev(test, ep);
	/* A port that is awake notices at once */
	for (int pull = 0; pull <= hp_ports_sleep(); pull++) {
		pm_runtime_allow(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(SIM_IDLE_MS);
		if (hp_ports_sleep())
			KUNIT_EXPECT_TRUE(test,
					  hp_power_state(test, hp.port) ==
					  PCI_D3hot);
		if (pull)
			pci_sim_unplug(hp.port);
		msleep(SIM_SETTLE_MS);
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_forbid(&pdev->dev);
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, 1, pull);
	}
}

/* It is told from another one of its kind by its serial number */
static void hp_swapped_asleep(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *old = pci_sim_endpoint(hp.sim, hp.port, .dsn = 1);
	struct pci_sim_func *new = pci_sim_endpoint(hp.sim, NULL, .dsn = 2);
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	sim_kunit_dev(test, hp.port)->pme_support = 0;
	pdev = sim_kunit_dev(test, old);
	pm_runtime_allow(&pdev->dev);
	pm_runtime_put(&pdev->dev);
	msleep(SIM_IDLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, new));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, new, !hp_ports_sleep(), 0);
	pm_runtime_get_sync(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, old, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
}

/*
 * A port that sleeps while the system does may wake it for a card that is put
 * in, but not for the link of one that had none.  Afterwards it is noticed.
 */
static void hp_link_no_wakeup(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);
	struct device *dev;
	u32 pme;

	if (!IS_ENABLED(CONFIG_PM_SLEEP) || !hp_ports_sleep())
		kunit_skip(test, "the port stays awake");

	sim_kunit_start(test, hp.sim);
	dev = &sim_kunit_dev(test, hp.port)->dev;
	pci_sim_link_stuck(hp.port, true);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
	msleep(4 * SIM_SETTLE_MS);

	KUNIT_EXPECT_EQ(test, 0, device_wakeup_enable(dev));
	/* As the PM core does before it suspends the device */
	dev->power.smart_suspend = true;
	KUNIT_EXPECT_EQ(test, 0, dev->bus->pm->suspend(dev));
	pci_sim_link_stuck(hp.port, false);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(hp.port));
	KUNIT_EXPECT_TRUE(test, hp_power_state(test, hp.port) == PCI_D3hot);
	pme = pci_sim_peek(hp.port, to_pci_dev(dev)->pm_cap + PCI_PM_CTRL);
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

/* Another card is taken after the system has slept, and without a button press */
static void hp_replaced_suspended(struct kunit *test)
{
	struct pci_sim_func *old, *new;
	const struct dev_pm_ops *pm;
	struct device *dev;
	struct hp hp;

	if (!IS_ENABLED(CONFIG_PM_SLEEP))
		kunit_skip(test, "without CONFIG_PM_SLEEP");

	for (int button = 0; button < 2; button++) {
		hp = hp_build(test, (struct pci_sim_port_config){
			      .power_ctrl = button, .button = button });
		old = pci_sim_endpoint(hp.sim, hp.port);
		new = pci_sim_endpoint(hp.sim, NULL, .device = 0x99);
		sim_kunit_start(test, hp.sim);
		dev = &sim_kunit_dev(test, hp.port)->dev;
		pm = dev->bus->pm;

		pm_runtime_get_sync(dev);
		KUNIT_EXPECT_EQ(test, 0, pm->suspend(dev));
		KUNIT_EXPECT_EQ(test, 0, pm->suspend_noirq(dev));
		/* As the PM core does for a device that was in use */
		dev->power.must_resume = true;
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, new));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, old, 1, 0);
		KUNIT_EXPECT_EQ(test, 0, pm->resume_noirq(dev));
		KUNIT_EXPECT_EQ(test, 0, pm->resume(dev));
		pm_runtime_put(dev);
		msleep(HP_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);
		SIM_EXPECT_BOUND(test, new, 1, 0);
	}
}

static bool hp_ptm_is_on(struct pci_dev *pdev)
{
	u16 ptm = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_PTM);
	u32 ctrl;

	pci_read_config_dword(pdev, ptm + PCI_PTM_CTRL, &ctrl);
	return ctrl & PCI_PTM_CTRL_ENABLE;
}

/* A device that goes on working keeps its Precision Time Measurement */
static void hp_ptm_refused(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.ptm = true });
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	if (!IS_ENABLED(CONFIG_PCIE_PTM) || !hp_ports_sleep() ||
	    !pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_PTM))
		kunit_skip(test, "no PTM, or the port stays awake");

	pm_runtime_get_sync(&pdev->dev);
	KUNIT_ASSERT_EQ(test, 0, pci_enable_ptm(pdev));
	KUNIT_EXPECT_TRUE(test, hp_ptm_is_on(pdev));
	pdev->bridge_d3 = false;
	pm_runtime_put_noidle(&pdev->dev);
	KUNIT_EXPECT_EQ(test, -EBUSY, pm_runtime_suspend(&pdev->dev));
	KUNIT_EXPECT_TRUE(test, hp_ptm_is_on(pdev));

	pdev->bridge_d3 = true;
	KUNIT_EXPECT_EQ(test, 0, pm_runtime_suspend(&pdev->dev));
	pm_runtime_get_sync(&pdev->dev);
	KUNIT_EXPECT_TRUE(test, hp_ptm_is_on(pdev));
	pci_disable_ptm(pdev);
	pm_runtime_put(&pdev->dev);
}

/*
 * What the user has turned off stays off, whoever wakes the port, until there
 * is another card.  With a button, not even that turns it on.
 */
static void hp_off_swapped(struct kunit *test)
{
	struct pci_sim_func *old, *new;
	struct hotplug_slot *slot;
	struct pci_dev *pdev;
	struct hp hp;

	for (int i = 0; i < 4; i++) {
		bool button = i & 1;

		hp = hp_build(test, (struct pci_sim_port_config){
			      .power_ctrl = true, .button = button,
			      .no_late_events = i & 2 });
		old = pci_sim_endpoint(hp.sim, hp.port);
		new = pci_sim_endpoint(hp.sim, NULL, .device = 0x99);
		sim_kunit_start(test, hp.sim);
		pdev = sim_kunit_dev(test, hp.port);
		slot = sim_kunit_dev(test, old)->slot->hotplug;

		KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
		msleep(SIM_SETTLE_MS);
		/* As lspci does */
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(HP_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);

		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, new));
		msleep(HP_POWER_MS);
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(HP_POWER_MS);
		SIM_EXPECT_BOUND(test, new, !button, 0);
		if (button) {
			KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
			SIM_EXPECT_BOUND(test, new, 1, 0);
		}
	}
}

/* So it is if it came while link changes are ignored */
static void hp_off_swapped_ignored(struct kunit *test)
{
	struct pci_sim_func *old, *new;
	struct hotplug_slot *slot;
	struct pci_dev *pdev;
	struct hp hp;

	for (int i = 0; i < 4; i++) {
		bool awake = i & 1;

		hp = hp_build(test, (struct pci_sim_port_config){
			      .power_ctrl = i & 2 });
		old = pci_sim_endpoint(hp.sim, hp.port);
		new = pci_sim_endpoint(hp.sim, NULL, .device = 0x99);
		sim_kunit_start(test, hp.sim);
		pdev = sim_kunit_dev(test, hp.port);
		slot = hp_slot(test, hp.port);
		if (awake)
			pm_runtime_get_sync(&pdev->dev);
		KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
		msleep(SIM_SETTLE_MS);

		pci_hp_ignore_link_change(pdev);
		pci_sim_unplug(hp.port);
		msleep(100);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, new));
		msleep(SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, new, 0, 0);
		pci_hp_unignore_link_change(pdev);
		msleep(HP_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);
		SIM_EXPECT_BOUND(test, new, 1, 0);
		if (awake)
			pm_runtime_put(&pdev->dev);
	}
}

/*
 * With the power of the port off, its events are lost.  If the slot is found
 * empty once, what is in it afterwards is another card.
 */
static void hp_off_unpowered(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.power_ctrl = true });
	struct pci_sim_func *old = pci_sim_endpoint(hp.sim, hp.port);
	struct pci_sim_func *new = pci_sim_endpoint(hp.sim, NULL);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	if (!hp_ports_sleep())
		kunit_skip(test, "the port stays awake");

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	slot = hp_slot(test, hp.port);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	for (int i = 0; i < 3; i++) {
		msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE(test, pdev->current_state == PCI_D3hot);
		/* As the platform does */
		pdev->current_state = PCI_D3cold;
		if (i == 1)
			pci_sim_unplug(hp.port);
		if (i == 2)
			KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, new));
		pm_runtime_get_sync(&pdev->dev);
		pm_runtime_put(&pdev->dev);
		msleep(HP_POWER_MS);
		SIM_EXPECT_BOUND(test, old, 1, 1);
		SIM_EXPECT_BOUND(test, new, i == 2, 0);
	}
}

/*
 * A slot without power control keeps its link when it is turned off.  It goes
 * down with the port, and comes up with it: that is not another card.
 */
static void hp_off_link_sleeps(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){
				.link_sleeps = true, .train_ms = 5 });
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);
	struct hotplug_slot *slot;
	struct pci_dev *pdev;

	sim_kunit_start(test, hp.sim);
	pdev = sim_kunit_dev(test, hp.port);
	slot = hp_slot(test, hp.port);
	KUNIT_EXPECT_EQ(test, 0, slot->ops->disable_slot(slot));
	for (int i = 0; i < 2; i++) {
		msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_EQ(test, !hp_ports_sleep(),
				pci_sim_link_is_up(hp.port));
		pm_runtime_get_sync(&pdev->dev);
		msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(hp.port));
		pm_runtime_put(&pdev->dev);
		SIM_EXPECT_BOUND(test, ep, 1, 1);
	}
	KUNIT_EXPECT_EQ(test, 0, slot->ops->enable_slot(slot));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* Pulled at every stage of being added, there is nothing left behind */
static void hp_pulled_while_added(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, NULL);
	struct pci_sim_counts counts;
	unsigned int ms;

	sim_kunit_start(test, hp.sim);
	for (ms = 1; ms < 400; ms += 13) {
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(hp.port, ep));
		KUNIT_ASSERT_EQ(test, 0,
				pci_sim_at(hp.port, ms * USEC_PER_MSEC,
					   hp_pull, NULL));
		msleep(SIM_SETTLE_MS);
		counts = pci_sim_counts(ep);
		KUNIT_EXPECT_EQ_MSG(test, counts.probe, counts.remove,
				    "pulled after %u ms", ms);
	}
}

/* What befalls a port that has no power leaves no trace in it */
static void hp_unpowered(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *up = pci_sim_add_switch(hp.sim, hp.port);
	struct pci_sim_func *down, *ep;

	down = pci_sim_downstream_port(up, .hotplug = true, .button = true,
				       .dpc = true);
	ep = pci_sim_endpoint(hp.sim, NULL);
	sim_kunit_start(test, hp.sim);
	pci_sim_unplug(hp.port);
	msleep(HP_NESTED_MS);

	pci_sim_press_button(down);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(down));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(down, ep));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(hp.port, up));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/* A time that is too long to be told in ns is one that never comes */
static void hp_never(struct kunit *test)
{
	struct hp hp = hp_build(test, (struct pci_sim_port_config){});
	struct pci_sim_func *ep = pci_sim_endpoint(hp.sim, hp.port);

	sim_kunit_start(test, hp.sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(hp.port, U64_MAX, hp_pull, NULL));
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(hp.port, U64_MAX / NSEC_PER_USEC,
					    hp_pull, NULL));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/*
 * As EEH does: reset a link without the PCI core, restore config headers, and
 * call ->slot_reset().  A hotplug port further down does not take that for an
 * unplug, unless its card is gone.
 */
static void hp_foreign_reset(struct kunit *test)
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

static struct kunit_case hp_cases[] = {
	KUNIT_CASE_PARAM(hp_occupied, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_insert, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_surprise_removal, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_bounce, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_replace, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_replace_dsn, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_link_flap, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_link_disable, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_raw_bus_reset, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_switch, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_multifunction, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_late_interrupt, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_button, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_button_cancel, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_software, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_power_fault, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_power_fault_permanent, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_latch, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_latch_power, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_latch_only, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_no_link, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_not_ready, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_not_ready_yet, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_not_ready_off, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_not_ready_button, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_not_ready_suspend, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_not_ready_reset, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_link_away, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_link_late, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_link_away_dpc, hp_order_gen_params),
	KUNIT_CASE_PARAM(hp_no_late_events, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_no_late_button, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_falls_asleep, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_no_pme, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_no_pme_on, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_swapped_asleep, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_link_no_wakeup, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_replaced_suspended, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_ptm_refused, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_off_swapped, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_off_swapped_ignored, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_off_unpowered, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_off_link_sleeps, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_pulled_while_added, hp_variant_gen_params),
	KUNIT_CASE_PARAM(hp_unpowered, hp_variant_gen_params),
	KUNIT_CASE(hp_never),
	KUNIT_CASE(hp_foreign_reset),
	{}
};

static struct kunit_suite hp_suite = {
	.name = "pci-sim-hotplug",
	.test_cases = hp_cases,
};

kunit_test_suite(hp_suite);
