// SPDX-License-Identifier: GPL-2.0
/*
 * What a device gets back from a reset: the last configuration that was valid,
 * and nothing if it was replaced by another device
 */

#include <linux/ktime.h>
#include <linux/pci.h>

#include "sim-kunit.h"

/* More than it takes to reset a device that is ready at once */
#define RESTORE_LATE_MS	500

static int restore_reset_bus(struct pci_dev *pdev)
{
	return pci_reset_bus(pdev);
}

static int restore_reset_function(struct pci_dev *pdev)
{
	return pci_reset_function(pdev);
}

static int restore_reset_subordinate(struct pci_dev *pdev)
{
	return sim_kunit_store(pdev->bus->self, "reset_subordinate", "1");
}

static const struct restore_variant {
	const char *name;
	int (*reset)(struct pci_dev *pdev);
	bool below_switch;
} restore_variants[] = {
	{ .name = "pci_reset_bus()", .reset = restore_reset_bus },
	{ .name = "pci_reset_function()", .reset = restore_reset_function },
	{ .name = "reset_subordinate", .reset = restore_reset_subordinate },
	{ .name = "below a switch", .reset = restore_reset_bus,
	  .below_switch = true },
};

KUNIT_ARRAY_PARAM_DESC(restore, restore_variants, name);

static struct pci_sim_func *restore_port(struct kunit *test,
					 struct pci_sim *sim)
{
	const struct restore_variant *v = test->param_value;
	struct pci_sim_func *port = pci_sim_root_port(sim);

	if (v && v->below_switch)
		port = pci_sim_downstream_port(pci_sim_add_switch(sim, port));

	return port;
}

struct restore {
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	struct sim_config before;
};

static void restore_start(struct kunit *test, struct restore *r,
			  struct pci_sim *sim, struct pci_sim_func *port,
			  struct pci_sim_ep_config config)
{
	r->port = port;
	r->ep = pci_sim_add_endpoint(sim, port, &config);
	sim_kunit_start(test, sim);
	r->pdev = sim_kunit_dev(test, r->ep);
	sim_kunit_config_get(&r->before, r->pdev);
}

/* The device has lost its configuration, and the next reset gives it back */
static void restore_lost(struct kunit *test, struct restore *r)
{
	const struct restore_variant *v = test->param_value;

	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(r->ep, PCI_BASE_ADDRESS_0));

	KUNIT_EXPECT_EQ(test, 0, v->reset(r->pdev));
	sim_kunit_config_expect(test, &r->before, r->pdev);
	SIM_EXPECT_BOUND(test, r->ep, 1, 0);
}

/*
 * The reset that fails has saved the configuration, and the device has lost it
 * when the next one begins.
 */
static void second_reset_restores(struct kunit *test)
{
	const struct restore_variant *v = test->param_value;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct restore r;

	restore_start(test, &r, sim, restore_port(test, sim),
		      (struct pci_sim_ep_config){});
	pci_sim_link_stuck(r.port, true);
	KUNIT_EXPECT_GT(test, 0, v->reset(r.pdev));
	pci_sim_link_stuck(r.port, false);
	restore_lost(test, &r);
}

/* Without a slot the kernel is not told that a link was down */
static void reset_after_link_loss_restores(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct restore r;

	restore_start(test, &r, sim, restore_port(test, sim),
		      (struct pci_sim_ep_config){});
	pci_sim_link_flap(r.port, 50);
	restore_lost(test, &r);
}

/* The same for a switch, which has lost its bus numbers */
static void reset_after_link_loss_restores_switch(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root = pci_sim_root_port(sim);
	struct pci_sim_func *up = pci_sim_add_switch(sim, root);
	struct sim_config before[2];
	struct pci_sim_func *ep[2];
	struct pci_dev *pdev;
	int i;

	for (i = 0; i < 2; i++)
		ep[i] = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	sim_kunit_start(test, sim);
	for (i = 0; i < 2; i++)
		sim_kunit_config_get(&before[i], sim_kunit_dev(test, ep[i]));

	pci_sim_link_flap(root, 50);
	msleep(SIM_SETTLE_MS);
	pdev = sim_kunit_dev(test, root);
	KUNIT_EXPECT_EQ(test, 0,
			sim_kunit_store(pdev, "reset_subordinate", "1"));
	for (i = 0; i < 2; i++)
		sim_kunit_config_expect(test, &before[i],
					sim_kunit_dev(test, ep[i]));
}

static const struct save_variant {
	const char *name;
	bool responds;
} save_variants[] = {
	{ .name = "power-on values", .responds = true },
	{ .name = "no response" },
};

KUNIT_ARRAY_PARAM_DESC(save, save_variants, name);

/* Configuration that was lost is not saved, for example by a suspend */
static void lost_configuration_is_not_saved(struct kunit *test)
{
	const struct save_variant *v = test->param_value;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct restore r;

	restore_start(test, &r, sim, pci_sim_root_port(sim),
		      (struct pci_sim_ep_config){});
	pci_sim_link_flap(r.port, 50);
	if (v->responds)
		msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_save_state(r.pdev));
	KUNIT_EXPECT_TRUE(test, r.pdev->state_saved);
	msleep(SIM_SETTLE_MS);
	pci_restore_state(r.pdev);
	sim_kunit_config_expect(test, &r.before, r.pdev);
}

/* Configuration that a driver has changed is saved */
static void changed_configuration_is_saved(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	struct pci_dev *pdev;
	u16 command;

	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_write_config_word(pdev, PCI_COMMAND, 0);
	pci_save_state(pdev);
	pci_write_config_word(pdev, PCI_COMMAND, command);
	pci_restore_state(pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(ep, PCI_COMMAND) & 0xffff);
	pci_write_config_word(pdev, PCI_COMMAND, command);
}

static const struct swap_variant {
	const char *name;
	u16 device;
	u8 revision;
	u64 dsn;
	u64 old_dsn;
	bool late;
	bool other;
} swap_variants[] = {
	{ .name = "another Device ID", .device = 0x5678, .dsn = 1, .old_dsn = 1,
	  .other = true },
	{ .name = "another serial number", .dsn = 2, .old_dsn = 1,
	  .other = true },
	{ .name = "another serial number, late", .dsn = 2, .old_dsn = 1,
	  .late = true, .other = true },
	{ .name = "the same again", .dsn = 1, .old_dsn = 1 },
	/* As after a reset that has activated other firmware */
	{ .name = "another revision", .revision = 2, .dsn = 1, .old_dsn = 1 },
	{ .name = "no serial number any more", .old_dsn = 1 },
	{ .name = "a serial number now", .dsn = 1 },
};

KUNIT_ARRAY_PARAM_DESC(swap, swap_variants, name);

static void swap_plug(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
	pci_sim_plug(port, data);
}

/* Returns what is going to take the place of the card */
static struct pci_sim_func *swap_start(struct kunit *test, struct restore *r)
{
	const struct swap_variant *v = test->param_value;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *new;

	new = pci_sim_endpoint(sim, NULL, .dsn = v->dsn, .device = v->device,
			       .class = v->revision,
			       .ready_ms = v->late ? 2000 : 0);
	restore_start(test, r, sim, pci_sim_root_port(sim),
		      (struct pci_sim_ep_config){
			.dsn = v->old_dsn, .ready_ms = RESTORE_LATE_MS });
	if (v->other)
		sim_kunit_expect_dead(test, new);

	return new;
}

/*
 * A card below a port without a slot was replaced, or runs other firmware, when
 * the reset is over
 */
static void another_device_is_not_restored(struct kunit *test)
{
	const struct swap_variant *v = test->param_value;
	struct pci_sim_func *new;
	struct restore r;

	new = swap_start(test, &r);
	pci_sim_at(r.port, 200 * USEC_PER_MSEC, swap_plug, new);
	KUNIT_EXPECT_EQ(test, v->other ? -ENXIO : 0, pci_reset_bus(r.pdev));
	SIM_EXPECT_TOLD(test, r.ep, 1);
	KUNIT_EXPECT_EQ(test, v->other ? 0 : r.before.bar,
			pci_sim_peek(new, PCI_BASE_ADDRESS_0));
	if (!v->other)
		sim_kunit_config_expect(test, &r.before, r.pdev);
}

/*
 * The same for a reset by error recovery: the driver does not restore its
 * device either, but is told that it is gone.
 */
static void another_device_is_not_recovered(struct kunit *test)
{
	const struct swap_variant *v = test->param_value;
	struct pci_sim_func *new;
	struct restore r;

	new = swap_start(test, &r);
	pci_sim_uncor_error(r.port, PCI_ERR_UNC_DLP);
	pci_sim_at(r.port, 200 * USEC_PER_MSEC, swap_plug, new);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, !v->other, pci_sim_counts(r.ep).slot_reset);
	KUNIT_EXPECT_EQ(test, !v->other, pci_sim_counts(r.ep).resume);
	KUNIT_EXPECT_EQ(test, v->other, pci_sim_counts(r.ep).perm_failure > 0);
	KUNIT_EXPECT_EQ(test, v->other,
			!pci_sim_peek(new, PCI_BASE_ADDRESS_0));
}

/*
 * The link stays up during a Function Level Reset, so what has another serial
 * number after it is the same card with other firmware.  The simulator can do
 * that only by putting another one in its place.
 */
static void function_reset_may_change_serial_number(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *new;
	struct restore r;

	new = pci_sim_endpoint(sim, NULL, .flr = true, .dsn = 2);
	restore_start(test, &r, sim, pci_sim_root_port(sim),
		      (struct pci_sim_ep_config){ .flr = true, .dsn = 1 });
	pci_sim_at(r.port, 20 * USEC_PER_MSEC, swap_plug, new);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(r.pdev));
	sim_kunit_config_expect(test, &r.before, r.pdev);
}

/*
 * A serial number that a driver has programmed is lost in each reset.  The
 * simulator uses another card for that, too.
 */
static void serial_number_of_driver_may_be_lost(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *programmed;
	struct restore r;
	int i;

	programmed = pci_sim_endpoint(sim, NULL, .dsn = 2,
				      .ready_ms = RESTORE_LATE_MS);
	restore_start(test, &r, sim, pci_sim_root_port(sim),
		      (struct pci_sim_ep_config){ .dsn = 1 });
	for (i = 0; i < 2; i++) {
		swap_plug(r.port, programmed);
		msleep(SIM_SETTLE_MS);
		KUNIT_EXPECT_EQ(test, 0, pci_save_state(r.pdev));
		pci_restore_state(r.pdev);
		sim_kunit_config_expect(test, &r.before, r.pdev);

		pci_sim_at(r.port, 200 * USEC_PER_MSEC, swap_plug, r.ep);
		KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(r.pdev));
		sim_kunit_config_expect(test, &r.before, r.pdev);
	}
}

struct order {
	struct kunit *test;
	struct pci_sim_func *port;
	struct pci_sim_func *ep[2];
	unsigned int disabled;
};

/* When a bridge stops forwarding, all drivers below must have been told */
static void order_disabled(struct pci_sim_func *f, void *data)
{
	struct order *o = data;
	int i;

	if (pci_sim_peek(f, PCI_COMMAND) & PCI_COMMAND_MEMORY)
		return;

	o->disabled++;
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(o->test, 1,
				pci_sim_counts(o->ep[i]).reset_prepare);
}

static void drivers_prepare_before_bridges_are_disabled(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root = pci_sim_root_port(sim);
	struct pci_sim_func *up = pci_sim_add_switch(sim, root);
	struct order *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);
	struct pci_sim_func *port[2];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, o);
	o->test = test;
	for (i = 0; i < 2; i++) {
		port[i] = pci_sim_downstream_port(up);
		o->ep[i] = pci_sim_endpoint(sim, port[i]);
	}
	sim_kunit_start(test, sim);

	pci_sim_on_write(up, PCI_COMMAND, order_disabled, o);
	for (i = 0; i < 2; i++)
		pci_sim_on_write(port[i], PCI_COMMAND, order_disabled, o);
	KUNIT_EXPECT_EQ(test, 0,
			sim_kunit_store(sim_kunit_dev(test, root),
					"reset_subordinate", "1"));
	pci_sim_on_write(up, PCI_COMMAND, NULL, NULL);
	for (i = 0; i < 2; i++)
		pci_sim_on_write(port[i], PCI_COMMAND, NULL, NULL);
	KUNIT_EXPECT_GE(test, o->disabled, 3);
	for (i = 0; i < 2; i++)
		SIM_EXPECT_TOLD(test, o->ep[i], 1);
}

/* Function below the bridge that has order_prepare() */
static struct pci_sim_func *order_below;
static unsigned int order_told;

static void order_prepare(struct pci_dev *bridge)
{
	order_told = pci_sim_counts(order_below).reset_prepare;
}

static void drivers_prepare_bottom_up(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.reset_prepare = order_prepare,
	};
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up;

	up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	order_below = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	order_told = 0;
	sim_kunit_start(test, sim);
	sim_kunit_bind(test, up, &(struct pci_driver){
			.name = "pci-sim-order", .err_handler = &handlers });
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(sim_kunit_dev(test, up)));
	KUNIT_EXPECT_EQ(test, 1, order_told);
	SIM_EXPECT_TOLD(test, order_below, 1);
	sim_kunit_rebind(test, sim_kunit_dev(test, up));
}

static struct kunit_case restore_cases[] = {
	KUNIT_CASE_PARAM(second_reset_restores, restore_gen_params),
	KUNIT_CASE_PARAM(reset_after_link_loss_restores, restore_gen_params),
	KUNIT_CASE(reset_after_link_loss_restores_switch),
	KUNIT_CASE_PARAM(lost_configuration_is_not_saved, save_gen_params),
	KUNIT_CASE(changed_configuration_is_saved),
	KUNIT_CASE_PARAM(another_device_is_not_restored, swap_gen_params),
	KUNIT_CASE_PARAM(another_device_is_not_recovered, swap_gen_params),
	KUNIT_CASE(function_reset_may_change_serial_number),
	KUNIT_CASE(serial_number_of_driver_may_be_lost),
	KUNIT_CASE(drivers_prepare_before_bridges_are_disabled),
	KUNIT_CASE(drivers_prepare_bottom_up),
	{ }
};

static struct kunit_suite restore_suite = {
	.name = "pci_restore",
	.test_cases = restore_cases,
};

kunit_test_suite(restore_suite);
