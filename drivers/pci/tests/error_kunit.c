// SPDX-License-Identifier: GPL-2.0
/*
 * AER and DPC on a simulated fabric: drivers are told of errors, what has to be
 * reset is reset once, and pciehp does not interfere
 */

#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "../pci.h"
#include "sim-kunit.h"

struct error_variant {
	const char *name;
	bool hotplug;
	bool intx;
	bool dpc;
	bool below_switch;
};

static const struct error_variant error_variants[] = {
	{ .name = "AER" },
	{ .name = "AER, INTx", .intx = true },
	{ .name = "AER, hotplug", .hotplug = true },
	{ .name = "AER, switch", .below_switch = true },
	{ .name = "AER, switch, hotplug", .below_switch = true,
	  .hotplug = true },
	{ .name = "DPC", .dpc = true },
	{ .name = "DPC, INTx", .dpc = true, .intx = true },
	{ .name = "DPC, hotplug", .dpc = true, .hotplug = true },
	{ .name = "DPC, switch", .dpc = true, .below_switch = true },
	{ .name = "DPC, switch, hotplug", .dpc = true, .below_switch = true,
	  .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(error_variant, error_variants, name);

/* Without a slot, a scan finds the new device; the reset is not done by DPC */
static const struct error_variant error_found_variants[] = {
	{ .name = "AER" },
	{ .name = "AER, switch", .below_switch = true },
};

KUNIT_ARRAY_PARAM_DESC(error_found, error_found_variants, name);

/* The same in a slot */
static const struct error_variant error_found_slot_variants[] = {
	{ .name = "AER, hotplug", .hotplug = true },
	{ .name = "AER, switch, hotplug", .below_switch = true,
	  .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(error_found_slot, error_found_slot_variants, name);

struct error_ctx {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_sim_func *sibling;
	struct pci_dev *pdev;
	struct sim_config before;
};

static void error_build(struct kunit *test, struct error_ctx *ctx)
{
	const struct error_variant *v = test->param_value;
	struct pci_sim_port_config config = {
		.hotplug = v->hotplug,
		.intx = v->intx,
		.dpc = v->dpc,
	};
	struct pci_sim_func *up;

	ctx->sim = sim_kunit_alloc(test);
	if (v->below_switch) {
		up = pci_sim_add_switch(ctx->sim, pci_sim_root_port(ctx->sim));
		ctx->port = pci_sim_add_downstream_port(up, &config);
	} else {
		ctx->port = pci_sim_add_root_port(ctx->sim, &config);
	}
	ctx->ep = pci_sim_endpoint(ctx->sim, ctx->port, .ready_ms = 20);
}

static void error_start(struct kunit *test, struct error_ctx *ctx)
{
	error_build(test, ctx);
	sim_kunit_start(test, ctx->sim);

	ctx->pdev = sim_kunit_dev(test, ctx->ep);
	sim_kunit_mark(test, ctx->ep);
	sim_kunit_config_get(&ctx->before, ctx->pdev);
}

/* Two Functions, and the first one has no driver */
static void error_start_unbound(struct kunit *test, struct error_ctx *ctx)
{
	error_build(test, ctx);
	ctx->sibling = pci_sim_function(ctx->ep, .ready_ms = 20);
	sim_kunit_start(test, ctx->sim);

	ctx->pdev = sim_kunit_dev(test, ctx->ep);
	device_release_driver(&ctx->pdev->dev);
	sim_kunit_mark(test, ctx->ep);
	sim_kunit_mark(test, ctx->sibling);
	sim_kunit_config_get(&ctx->before, sim_kunit_dev(test, ctx->sibling));
}

static void __error_expect_counts(struct kunit *test, struct pci_sim_func *f,
				  struct pci_sim_counts want)
{
	struct pci_sim_counts is = pci_sim_counts(f);

	KUNIT_EXPECT_EQ(test, want.probe, is.probe);
	KUNIT_EXPECT_EQ(test, want.remove, is.remove);
	KUNIT_EXPECT_EQ(test, want.error_detected, is.error_detected);
	KUNIT_EXPECT_EQ(test, want.perm_failure, is.perm_failure);
	KUNIT_EXPECT_EQ(test, want.mmio_enabled, is.mmio_enabled);
	KUNIT_EXPECT_EQ(test, want.slot_reset, is.slot_reset);
	KUNIT_EXPECT_EQ(test, want.resume, is.resume);
}

#define error_expect_counts(test, f, ...) \
	__error_expect_counts(test, f, (struct pci_sim_counts){ __VA_ARGS__ })

#define error_expect(test, ctx, ...) \
	error_expect_counts(test, (ctx)->ep, __VA_ARGS__)

static void error_expect_no_reset(struct kunit *test, struct error_ctx *ctx,
				  int status)
{
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx->ep));
	KUNIT_EXPECT_EQ(test, 0,
			pci_sim_peek(ctx->ep, ctx->pdev->aer_cap + status));
}

/* A correctable error is only logged */
static void error_correctable_is_logged(struct kunit *test)
{
	struct error_ctx ctx;

	error_start(test, &ctx);
	pci_sim_cor_error(ctx.ep, PCI_ERR_COR_BAD_TLP);
	msleep(SIM_SETTLE_MS);
	error_expect_no_reset(test, &ctx, PCI_ERR_COR_STATUS);
	error_expect(test, &ctx, .probe = 1);
}

/*
 * The error was cleared by the time AER reads the status of its source, whose
 * reference AER drops as well.
 */
static void error_cleared_source_is_released(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);
	pdev = pci_sim_get_dev(ep);
	KUNIT_ASSERT_NOT_NULL(test, pdev);

	pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_AER, 10 * USEC_PER_MSEC);
	pci_sim_cor_error(ep, PCI_ERR_COR_RCVR);
	pci_write_config_dword(pdev, pdev->aer_cap + PCI_ERR_COR_STATUS,
			       PCI_ERR_COR_RCVR);
	pci_dev_put(pdev);
	msleep(SIM_SETTLE_MS);
	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

/* The driver is asked, and recovers without a reset */
static void error_nonfatal_needs_no_reset(struct kunit *test)
{
	struct error_ctx ctx;

	error_start(test, &ctx);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_COMP_TIME);
	msleep(SIM_SETTLE_MS);
	error_expect_no_reset(test, &ctx, PCI_ERR_UNCOR_STATUS);
	error_expect(test, &ctx, .probe = 1, .error_detected = 1,
		     .mmio_enabled = 1, .resume = 1);
}

/* One reset of the Link, one recovery, no removal */
static void error_fatal_resets_once(struct kunit *test)
{
	struct error_ctx ctx;

	error_start(test, &ctx);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(ctx.ep, SIM_SCRATCH));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ctx.ep, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	error_expect(test, &ctx, .probe = 1, .error_detected = 1,
		     .slot_reset = 1, .resume = 1);
	sim_kunit_config_expect(test, &ctx.before, ctx.pdev);
}

/* A masked error is logged and not reported */
static void error_masked_is_not_reported(struct kunit *test)
{
	struct error_ctx ctx;
	u32 reg;

	error_start(test, &ctx);
	pci_write_config_dword(ctx.pdev, ctx.pdev->aer_cap + PCI_ERR_UNCOR_MASK,
			       PCI_ERR_UNC_MALF_TLP);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(SIM_SETTLE_MS);
	pci_read_config_dword(ctx.pdev,
			      ctx.pdev->aer_cap + PCI_ERR_UNCOR_STATUS, &reg);
	KUNIT_EXPECT_EQ(test, PCI_ERR_UNC_MALF_TLP, reg);
	error_expect(test, &ctx, .probe = 1);
}

/* An error that the port itself contains is recovered the same way */
static void error_contained_is_recovered(struct kunit *test)
{
	const struct error_variant *v = test->param_value;
	struct error_ctx ctx;

	error_start(test, &ctx);
	if (!v->dpc) {
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				pci_sim_dpc_trigger(ctx.port));
		return;
	}

	KUNIT_ASSERT_EQ(test, 0, pci_sim_dpc_trigger(ctx.port));
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(ctx.port));
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(ctx.port));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ctx.ep, PCI_SIM_RESET_HOT));
	error_expect(test, &ctx, .probe = 1, .error_detected = 1,
		     .slot_reset = 1, .resume = 1);
}

/*
 * If the Link does not come back, the driver is told that the recovery has
 * failed
 */
static void error_failed_recovery_is_told(struct kunit *test)
{
	const struct error_variant *v = test->param_value;
	struct error_ctx ctx;

	error_start(test, &ctx);
	pci_sim_link_stuck(ctx.port, true);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	error_expect(test, &ctx, .probe = 1, .remove = v->hotplug,
		     .error_detected = 2, .perm_failure = 1);
}

/*
 * A Function without a driver does not prevent the recovery of its siblings,
 * and has its address restored for a driver that is bound later
 */
static void error_unbound_sibling_is_no_obstacle(struct kunit *test)
{
	struct error_ctx ctx;

	error_start_unbound(test, &ctx);
	pci_sim_uncor_error(ctx.sibling, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	error_expect(test, &ctx, .probe = 1, .remove = 1);
	error_expect_counts(test, ctx.sibling, .probe = 1, .error_detected = 1,
			    .slot_reset = 1, .resume = 1);
	sim_kunit_config_expect(test, &ctx.before,
				sim_kunit_dev(test, ctx.sibling));

	KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.pdev->dev));
}

/* The same for an error that needs no reset */
static void error_unbound_sibling_nonfatal(struct kunit *test)
{
	struct error_ctx ctx;

	error_start_unbound(test, &ctx);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_COMP_TIME);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx.ep));
	error_expect_counts(test, ctx.sibling, .probe = 1, .error_detected = 1,
			    .mmio_enabled = 1, .resume = 1);
	KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.pdev->dev));
}

/*
 * Without any driver the Link is reset as well, and drivers can be bound later
 */
static void error_reset_without_drivers(struct kunit *test)
{
	struct error_ctx ctx;

	error_start_unbound(test, &ctx);
	device_release_driver(&sim_kunit_dev(test, ctx.sibling)->dev);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	error_expect(test, &ctx, .probe = 1, .remove = 1);

	KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.pdev->dev));
	KUNIT_EXPECT_EQ(test, 1,
			device_attach(&sim_kunit_dev(test, ctx.sibling)->dev));
}

/*
 * A device that was enabled by sysfs, without a driver, can be used afterwards
 */
static void error_device_enabled_by_user(struct kunit *test)
{
	u16 before, after;
	struct error_ctx ctx;

	error_start_unbound(test, &ctx);
	KUNIT_ASSERT_EQ(test, 0, sim_kunit_store(ctx.pdev, "enable", "1"));
	pci_set_master(ctx.pdev);
	pci_read_config_word(ctx.pdev, PCI_COMMAND, &before);
	KUNIT_EXPECT_TRUE(test, before & PCI_COMMAND_MEMORY);

	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	pci_read_config_word(ctx.pdev, PCI_COMMAND, &after);
	KUNIT_EXPECT_EQ(test, before, after);

	KUNIT_EXPECT_EQ(test, 0, sim_kunit_store(ctx.pdev, "enable", "0"));
	KUNIT_EXPECT_EQ(test, 1, device_attach(&ctx.pdev->dev));
}

/*
 * A driver without error handlers has lost the state of its device, so the
 * recovery fails.  The other drivers are told.  A driver that is bound anew
 * works; in a slot this happens automatically, since the slot is enumerated
 * again.
 */
static void error_unaware_driver_fails_recovery(struct kunit *test)
{
	const struct error_variant *v = test->param_value;
	struct sim_config now;
	struct pci_dev *pdev;
	struct error_ctx ctx;

	error_start_unbound(test, &ctx);
	sim_kunit_bind_unaware(test, ctx.ep);
	pci_sim_uncor_error(ctx.sibling, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	error_expect_counts(test, ctx.sibling, .probe = 1 + v->hotplug,
			    .remove = v->hotplug, .error_detected = 2,
			    .perm_failure = 1);
	if (v->hotplug)
		return;

	/*
	 * The other Function has its addresses too, and no DMA until its driver
	 * is told
	 */
	pdev = sim_kunit_dev(test, ctx.sibling);
	ctx.before.command &= ~PCI_COMMAND_MASTER;
	sim_kunit_config_get(&now, pdev);
	KUNIT_EXPECT_MEMEQ(test, &ctx.before, &now, sizeof(now));
	sim_kunit_rebind(test, pdev);
	sim_kunit_rebind(test, ctx.pdev);
}

/* A driver that only reserves its device, like pci-stub, has no vote */
static void error_reserving_driver_has_no_vote(struct kunit *test)
{
	struct error_ctx ctx;

	error_start_unbound(test, &ctx);
	sim_kunit_bind(test, ctx.ep,
		       &(struct pci_driver){ .name = "pci-sim-stub",
					     .driver_managed_dma = true });
	pci_sim_uncor_error(ctx.sibling, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	error_expect_counts(test, ctx.sibling, .probe = 1, .error_detected = 1,
			    .slot_reset = 1, .resume = 1);
	KUNIT_EXPECT_STREQ(test, "pci-sim-stub",
			   dev_driver_string(&ctx.pdev->dev));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.ep));
	sim_kunit_rebind(test, ctx.pdev);
}

static pci_ers_result_t error_vote_need_reset(struct pci_dev *pdev,
					      pci_channel_state_t state)
{
	return PCI_ERS_RESULT_NEED_RESET;
}

static const struct pci_error_handlers error_user_handlers = {
	.error_detected = error_vote_need_reset,
};

/*
 * The unbinding of a driver like vfio-pci may wait indefinitely for its user,
 * so the card in the slot is not replaced if the recovery fails
 */
static void error_device_in_use_is_not_replaced(struct kunit *test)
{
	struct error_ctx ctx;

	error_start_unbound(test, &ctx);
	sim_kunit_bind_unaware(test, ctx.sibling);
	sim_kunit_bind(test, ctx.ep,
		       &(struct pci_driver){ .name = "pci-sim-user",
					     .driver_managed_dma = true,
					     .err_handler =
						     &error_user_handlers });
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	KUNIT_EXPECT_STREQ(test, "pci-sim-user",
			   dev_driver_string(&ctx.pdev->dev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, ctx.ep));
	error_expect(test, &ctx, .probe = 1, .remove = 1);
	error_expect_counts(test, ctx.sibling, .probe = 1, .remove = 1);
	sim_kunit_rebind(test, ctx.pdev);
	sim_kunit_rebind(test, sim_kunit_dev(test, ctx.sibling));
}

/* A driver without error handlers, and whose device fails when it is set up */
static struct pci_sim_func *error_fragile;
static unsigned int error_fragile_probes;

static int error_fragile_probe(struct pci_dev *pdev,
			       const struct pci_device_id *id)
{
	int rc = sim_kunit_probe(pdev, id);

	error_fragile_probes++;
	/* A limit, in case the kernel has none */
	if (!rc && error_fragile && error_fragile_probes < 10)
		pci_sim_uncor_error(error_fragile, PCI_ERR_UNC_MALF_TLP);
	return rc;
}

static struct pci_driver error_fragile_driver = {
	.name = "pci-sim-fragile",
	.probe = error_fragile_probe,
};

static int error_fragile_added(struct notifier_block *nb, unsigned long action,
			       void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (action == BUS_NOTIFY_ADD_DEVICE &&
	    pdev->hdr_type == PCI_HEADER_TYPE_NORMAL)
		device_set_driver_override(&pdev->dev,
					   error_fragile_driver.name);
	return NOTIFY_DONE;
}

static struct notifier_block error_fragile_nb = {
	.notifier_call = error_fragile_added,
};

static void error_fragile_end(void *unused)
{
	bus_unregister_notifier(&pci_bus_type, &error_fragile_nb);
	pci_unregister_driver(&error_fragile_driver);
}

/* Bind all devices that are added until the end of the test to this driver */
static void error_fragile_begin(struct kunit *test, struct pci_sim_func *fails)
{
	error_fragile = fails;
	error_fragile_probes = 0;
	KUNIT_ASSERT_EQ(test, 0, pci_register_driver(&error_fragile_driver));
	KUNIT_ASSERT_EQ(test, 0,
			bus_register_notifier(&pci_bus_type,
					      &error_fragile_nb));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, error_fragile_end,
						  NULL));
}

/* After this time another failure is a new one */
#define ERROR_AGAIN_MS	61000

/*
 * A device that fails as soon as it is set up again is not replaced once more,
 * but is if it has worked for some time
 */
static void error_repeated_failure_is_left_alone(struct kunit *test)
{
	const struct error_variant *v = test->param_value;
	struct pci_dev *pdev;
	struct error_ctx ctx;

	error_build(test, &ctx);
	error_fragile_begin(test, ctx.ep);
	sim_kunit_start(test, ctx.sim);
	msleep(20 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1 + v->hotplug, error_fragile_probes);

	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1 + v->hotplug, error_fragile_probes);

	error_fragile = NULL;
	msleep(ERROR_AGAIN_MS);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1 + 2 * v->hotplug, error_fragile_probes);

	pdev = sim_kunit_dev(test, ctx.ep);
	KUNIT_EXPECT_STREQ(test, error_fragile_driver.name,
			   dev_driver_string(&pdev->dev));
	KUNIT_EXPECT_EQ(test, v->hotplug, sim_kunit_is_master(test, ctx.ep));
	sim_kunit_rebind(test, pdev);
}

struct error_removal {
	struct notifier_block nb;
	struct kunit *test;
	struct pci_sim *sim;
	u16 command;	/* the bits to look at */
	unsigned int silent;
};

/* When a device is removed, DMA and interrupts were disabled before */
static int error_removed(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	struct error_removal *r = container_of(nb, struct error_removal, nb);
	struct pci_sim_func *f;

	if (action != BUS_NOTIFY_DEL_DEVICE)
		return NOTIFY_DONE;

	for (f = pci_sim_next(r->sim, NULL); f; f = pci_sim_next(r->sim, f)) {
		struct pci_dev *pdev __free(pci_dev_put) = pci_sim_get_dev(f);

		if (!pdev || &pdev->dev != data)
			continue;

		KUNIT_EXPECT_EQ_MSG(r->test, PCI_COMMAND_INTX_DISABLE,
				    (u16)pci_sim_peek(f, PCI_COMMAND) &
				    r->command,
				    "Command of %04x",
				    pci_sim_peek(f, PCI_VENDOR_ID) >> 16);
		r->silent++;
	}

	return NOTIFY_DONE;
}

static void error_expect_silent(struct kunit *test, struct pci_sim *sim,
				struct pci_sim_func *f, unsigned int removed)
{
	struct error_removal r = { .test = test,
				   .sim = sim,
				   .command = 0xffff };

	r.nb.notifier_call = error_removed;
	KUNIT_ASSERT_EQ(test, 0, bus_register_notifier(&pci_bus_type, &r.nb));
	pci_sim_uncor_error(f, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	bus_unregister_notifier(&pci_bus_type, &r.nb);
	KUNIT_EXPECT_EQ(test, removed, r.silent);
}

/*
 * After a failed recovery the devices in the slot are removed as if unplugged,
 * but are still there.  Until then they neither interrupt nor do DMA, be it
 * with a driver without error handlers or enabled by sysfs without a driver.
 */
static void error_failed_device_is_silent(struct kunit *test)
{
	const struct error_variant *v = test->param_value;
	struct error_ctx ctx;

	if (!v->hotplug)
		return;

	error_start_unbound(test, &ctx);
	KUNIT_ASSERT_EQ(test, 0, sim_kunit_store(ctx.pdev, "enable", "1"));
	pci_set_master(ctx.pdev);
	sim_kunit_bind_unaware(test, ctx.sibling);
	error_expect_silent(test, ctx.sim, ctx.ep, 2);
}

/* The same for a switch, whose ports would interrupt for their slots */
static void error_failed_switch_is_silent(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *port, *ep;

	up = pci_sim_add_switch(sim, pci_sim_root_port(sim, .hotplug = true,
						       .intx = true));
	port = pci_sim_downstream_port(up, .hotplug = true, .intx = true);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);
	sim_kunit_bind_unaware(test, ep);
	error_expect_silent(test, sim, up, 3);
}

static const struct error_vf_variant {
	const char *name;
	u16 offset;
	bool alone;
	bool ask_reset;
	const struct pci_error_handlers *pf;	/* of the PF, if not the usual */
} error_vf_variants[] = {
	{ .name = "on the bus of the PF" },
	{ .name = "on another bus", .offset = 0x100 },
	{ .name = "Root Complex Integrated", .alone = true },
	{ .name = "Root Complex Integrated, non-fatal, with a reset",
	  .alone = true, .ask_reset = true },
};

KUNIT_ARRAY_PARAM_DESC(error_vf, error_vf_variants, name);

struct error_vfs {
	struct pci_sim_func *pf;
	struct pci_sim_func *vf[2];
	struct pci_dev *pdev;
};

/* As if it were on a root bus */
static void error_integrate(struct pci_dev *pdev)
{
	pdev->pcie_flags_reg &= ~PCI_EXP_FLAGS_TYPE;
	pdev->pcie_flags_reg |= PCI_EXP_TYPE_RC_END << 4;
}

static void error_vfs_start(struct kunit *test, struct error_vfs *ctx,
			    const struct error_vf_variant *v)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	int i;

	ctx->pf = pci_sim_endpoint(sim, pci_sim_root_port(sim), .flr = true,
				   .vfs = 2, .vf_offset = v->offset,
				   .ask_reset = v->ask_reset);
	sim_kunit_start(test, sim);
	ctx->pdev = sim_kunit_dev(test, ctx->pf);
	if (v->pf)
		sim_kunit_bind(test, ctx->pf,
			       &(struct pci_driver){
				       .name = "pci-sim-pf",
				       .err_handler = v->pf,
				       .sriov_configure =
					       pci_sriov_configure_simple });
	KUNIT_ASSERT_EQ(test, 2, sim_kunit_set_vfs(ctx->pdev, 2));
	for (i = 0; i < 2; i++) {
		ctx->vf[i] = pci_sim_vf(ctx->pf, i);
		sim_kunit_mark(test, ctx->vf[i]);
	}
	if (!v->alone)
		return;

	error_integrate(ctx->pdev);
	for (i = 0; i < 2; i++)
		error_integrate(sim_kunit_dev(test, ctx->vf[i]));
}

/* What AER does for an integrated Endpoint */
static pci_ers_result_t error_flr(struct pci_dev *pdev)
{
	return pcie_reset_flr(pdev, false) ?
		PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_RECOVERED;
}

static void error_recover(struct kunit *test, struct pci_dev *pdev,
			  pci_channel_state_t state, pci_ers_result_t result)
{
	KUNIT_EXPECT_TRUE(test,
			  pcie_do_recovery(pdev, state, error_flr) == result);
}

static void error_expect_recovered(struct kunit *test, struct pci_sim_func *f)
{
	error_expect_counts(test, f, .probe = 1, .error_detected = 1,
			    .slot_reset = 1, .resume = 1);
}

/*
 * A VF whose driver has no error handlers does not prevent the recovery of its
 * PF, whatever its Routing ID, but loses DMA
 */
static void error_unaware_vf_loses_dma(struct kunit *test)
{
	const struct error_vf_variant *v = test->param_value;
	struct pci_dev *vf;
	struct error_vfs ctx;

	error_vfs_start(test, &ctx, v);
	sim_kunit_bind_unaware(test, ctx.vf[1]);
	vf = sim_kunit_dev(test, ctx.vf[1]);
	if (!v->alone)
		pci_sim_uncor_error(ctx.pf, PCI_ERR_UNC_MALF_TLP);
	else
		error_recover(test, ctx.pdev,
			      v->ask_reset ? pci_channel_io_normal :
					     pci_channel_io_frozen,
			      PCI_ERS_RESULT_RECOVERED);
	msleep(2 * SIM_SETTLE_MS);
	error_expect_recovered(test, ctx.pf);
	error_expect_recovered(test, ctx.vf[0]);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.vf[0]));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.vf[1]));
	KUNIT_EXPECT_STREQ(test, "pci-sim-unaware", dev_driver_string(&vf->dev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, ctx.vf[1]));
	KUNIT_EXPECT_TRUE(test, vf->error_state == pci_channel_io_normal);
	sim_kunit_rebind(test, vf);
}

static struct pci_sim_counts error_told;

static pci_ers_result_t error_vote_can_recover(struct pci_dev *pdev,
					       pci_channel_state_t state)
{
	return PCI_ERS_RESULT_CAN_RECOVER;
}

static pci_ers_result_t error_vote_disconnect(struct pci_dev *pdev,
					      pci_channel_state_t state)
{
	if (state == pci_channel_io_perm_failure)
		error_told.perm_failure++;
	return PCI_ERS_RESULT_DISCONNECT;
}

static pci_ers_result_t error_fail_slot_reset(struct pci_dev *pdev)
{
	error_told.slot_reset++;
	return PCI_ERS_RESULT_DISCONNECT;
}

static void error_count_resume(struct pci_dev *pdev)
{
	error_told.resume++;
}

/*
 * Nor does a VF whose driver fails, if the PF is integrated: only that VF has
 * failed
 */
static void error_failed_vf_fails_alone(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.error_detected = error_vote_disconnect,
		.slot_reset = error_fail_slot_reset,
		.resume = error_count_resume,
	};
	struct error_vfs ctx;

	error_told = (struct pci_sim_counts){};
	error_vfs_start(test, &ctx,
			&(struct error_vf_variant){ .alone = true });
	sim_kunit_bind(test, ctx.vf[1],
		       &(struct pci_driver){ .name = "pci-sim-fails",
					     .err_handler = &handlers });
	error_recover(test, ctx.pdev, pci_channel_io_frozen,
		      PCI_ERS_RESULT_RECOVERED);
	error_expect_recovered(test, ctx.pf);
	error_expect_recovered(test, ctx.vf[0]);
	KUNIT_EXPECT_EQ(test, 1, error_told.slot_reset);
	KUNIT_EXPECT_EQ(test, 1, error_told.perm_failure);
	KUNIT_EXPECT_EQ(test, 0, error_told.resume);
	sim_kunit_rebind(test, sim_kunit_dev(test, ctx.vf[1]));
}

/*
 * A VF that asks for a reset is reset, even if the driver of another VF has no
 * error handlers
 */
static void error_vf_gets_requested_reset(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.error_detected = error_vote_can_recover,
	};
	struct error_vfs ctx;

	error_vfs_start(test, &ctx,
			&(struct error_vf_variant){ .alone = true,
						    .pf = &handlers });
	sim_kunit_bind_unaware(test, ctx.vf[1]);
	error_recover(test, ctx.pdev, pci_channel_io_frozen,
		      PCI_ERS_RESULT_RECOVERED);
	error_expect_recovered(test, ctx.vf[0]);
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(ctx.pdev, 0));
	sim_kunit_rebind(test, ctx.pdev);
}

/* A VF that asks for a reset does not recover a PF that has given up */
static void error_pf_that_gives_up_is_not_recovered(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.error_detected = error_vote_disconnect,
		.slot_reset = error_fail_slot_reset,
	};
	struct error_vfs ctx;

	error_told = (struct pci_sim_counts){};
	error_vfs_start(test, &ctx,
			&(struct error_vf_variant){ .alone = true,
						    .pf = &handlers });
	error_recover(test, ctx.pdev, pci_channel_io_frozen,
		      PCI_ERS_RESULT_DISCONNECT);
	KUNIT_EXPECT_EQ(test, 0, error_told.slot_reset);
	KUNIT_EXPECT_EQ(test, 1, error_told.perm_failure);
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(ctx.pdev, 0));
	sim_kunit_rebind(test, ctx.pdev);
}

/* A VF is not recovered if its own driver has no error handlers */
static void error_unaware_vf_is_not_recovered(struct kunit *test)
{
	struct pci_dev *vf;
	struct error_vfs ctx;

	error_vfs_start(test, &ctx,
			&(struct error_vf_variant){ .alone = true });
	sim_kunit_bind_unaware(test, ctx.vf[1]);
	vf = sim_kunit_dev(test, ctx.vf[1]);
	error_recover(test, vf, pci_channel_io_frozen,
		      PCI_ERS_RESULT_NO_AER_DRIVER);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx.pf));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ctx.vf[1], PCI_SIM_RESET_FLR));
	SIM_EXPECT_UNTOUCHED(test, ctx.vf[0]);
	sim_kunit_rebind(test, vf);
}

/* Without a reset its VFs are not affected by an error of an integrated PF */
static void error_nonfatal_leaves_vfs_alone(struct kunit *test)
{
	struct error_vfs ctx;
	int i;

	error_vfs_start(test, &ctx,
			&(struct error_vf_variant){ .alone = true });
	error_recover(test, ctx.pdev, pci_channel_io_normal,
		      PCI_ERS_RESULT_RECOVERED);
	error_expect_counts(test, ctx.pf, .probe = 1, .error_detected = 1,
			    .mmio_enabled = 1, .resume = 1);
	for (i = 0; i < 2; i++)
		SIM_EXPECT_UNTOUCHED(test, ctx.vf[i]);
	error_expect_counts(test, ctx.vf[0], .probe = 1);
}

/* The PCIe port driver does not restore a PCIe-to-PCI bridge */
static void error_below_pci_bridge_is_recovered(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *bridge, *dev;
	struct sim_config before;

	port = pci_sim_root_port(sim);
	bridge = pci_sim_add_pci_bridge(sim, port);
	dev = pci_sim_endpoint(sim, bridge, .conventional = true);
	sim_kunit_start(test, sim);
	sim_kunit_config_get(&before, sim_kunit_dev(test, dev));

	pci_sim_uncor_error(port, PCI_ERR_UNC_DLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(dev));
	error_expect_counts(test, dev, .probe = 1, .error_detected = 1,
			    .slot_reset = 1, .resume = 1);
	sim_kunit_config_expect(test, &before, sim_kunit_dev(test, dev));
}

/*
 * After a card was inserted: while its Link trains, in the 100 ms until it has
 * to be ready, while it is enumerated, and later
 */
static const u32 error_hot_add_ms[] = { 10,  50,  100, 120, 124,
					128, 130, 150, 300 };

/*
 * Wherever the hot-add is interrupted by the error, the card works in the end
 */
static void error_while_hot_added(struct kunit *test)
{
	const struct error_variant *v = test->param_value;
	struct error_ctx ctx;
	unsigned int i;

	if (!v->hotplug)
		return;

	error_build(test, &ctx);
	sim_kunit_start(test, ctx.sim);
	for (i = 0; i < ARRAY_SIZE(error_hot_add_ms); i++) {
		pci_sim_unplug(ctx.port);
		msleep(5 * SIM_SETTLE_MS);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ctx.ep));
		msleep(error_hot_add_ms[i]);
		if (v->dpc)
			pci_sim_dpc_trigger(ctx.port);
		else
			pci_sim_uncor_error(ctx.port, PCI_ERR_UNC_DLP);
		msleep(5 * SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE_MSG(test,
				      sim_kunit_has_dev(ctx.ep) &&
					      sim_kunit_is_master(test, ctx.ep),
				      "error after %u ms", error_hot_add_ms[i]);
	}
}

/*
 * After the error: while the Link is down, while it trains, while the device
 * becomes ready
 */
static const u32 error_rescan_ms[] = { 0, 1, 3, 30, 110, 140 };

/* Without a slot a rescan finds the device, in the middle of the reset */
static void error_while_rescanned(struct kunit *test)
{
	struct pci_bus *bus;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(error_rescan_ms); i++) {
		struct pci_sim *sim = sim_kunit_alloc(test);
		struct pci_sim_func *port, *ep;

		port = pci_sim_root_port(sim);
		ep = pci_sim_endpoint(sim, NULL);
		sim_kunit_start(test, sim);
		bus = sim_kunit_dev(test, port)->bus;

		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
		msleep(SIM_IDLE_MS);
		pci_sim_uncor_error(port, PCI_ERR_UNC_DLP);
		msleep(error_rescan_ms[i]);
		sim_kunit_rescan(bus);
		msleep(2 * SIM_SETTLE_MS);

		/* Once more, as the Link may have been down */
		sim_kunit_rescan(bus);
		KUNIT_EXPECT_TRUE_MSG(test,
				      sim_kunit_has_dev(ep) &&
					      sim_kunit_is_master(test, ep),
				      "error after %u ms", error_rescan_ms[i]);
	}
}

struct error_found {
	struct pci_sim_func *f;
	bool locked;
};

static void error_at_reset(struct pci_sim_func *port, void *data)
{
	struct error_found *found = data;
	struct pci_dev *pdev __free(pci_dev_put) = pci_sim_get_dev(found->f);

	found->locked = pdev && mutex_is_locked(&pdev->dev.mutex);
}

/* A second Function that is present but unknown to the kernel */
static void error_start_hidden(struct kunit *test, struct error_ctx *ctx,
			       struct error_found *found)
{
	found->f = pci_sim_function(ctx->ep, .ready_ms = 20);
	sim_kunit_start(test, ctx->sim);
	ctx->pdev = sim_kunit_dev(test, ctx->ep);
	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, found->f));
}

/*
 * A scan takes the config access of the port while the reset waits for the lock
 * of a device
 */
static void error_find_at_lock(struct kunit *test, struct error_ctx *ctx,
			       struct pci_sim_func *fails,
			       struct error_found *found)
{
	struct pci_dev *port = sim_kunit_dev(test, ctx->port);

	/* The recovery has called ->error_detected() and waits for this */
	pci_cfg_access_lock(port);
	pci_sim_uncor_error(fails, PCI_ERR_UNC_MALF_TLP);
	msleep(SIM_SETTLE_MS);
	device_lock(&ctx->pdev->dev);
	pci_cfg_access_unlock(port);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ctx->ep));

	sim_kunit_rescan(port->bus);
	KUNIT_EXPECT_TRUE(test, sim_kunit_has_dev(found->f));
	pci_sim_on_write(ctx->port, PCI_BRIDGE_CONTROL, error_at_reset, found);
}

/* A device that the scan finds is locked for the reset as well */
static void error_found_device_is_locked(struct kunit *test)
{
	struct error_found found = {};
	struct error_ctx ctx;

	error_build(test, &ctx);
	error_start_hidden(test, &ctx, &found);
	error_find_at_lock(test, &ctx, ctx.ep, &found);
	device_unlock(&ctx.pdev->dev);
	msleep(2 * SIM_SETTLE_MS);

	KUNIT_EXPECT_TRUE(test, found.locked);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ctx.ep));
	error_expect_recovered(test, ctx.ep);
	error_expect_counts(test, found.f, .probe = 2, .remove = 1,
			    .error_detected = 1, .slot_reset = 1, .resume = 1);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, found.f));
}

/*
 * The other Functions are recovered; one whose driver has no error handlers
 * loses DMA
 */
static void error_found_unaware_loses_dma(struct kunit *test)
{
	struct error_found found = {};
	struct pci_dev *pdev;
	struct error_ctx ctx;

	error_build(test, &ctx);
	error_start_hidden(test, &ctx, &found);
	error_fragile_begin(test, NULL);
	error_find_at_lock(test, &ctx, ctx.ep, &found);
	pdev = sim_kunit_dev(test, found.f);
	KUNIT_EXPECT_STREQ(test, error_fragile_driver.name,
			   dev_driver_string(&pdev->dev));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, found.f));
	device_unlock(&ctx.pdev->dev);
	msleep(2 * SIM_SETTLE_MS);

	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(found.f));
	error_expect_recovered(test, ctx.ep);
	KUNIT_EXPECT_STREQ(test, error_fragile_driver.name,
			   dev_driver_string(&pdev->dev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, found.f));
	sim_kunit_rebind(test, pdev);
}

static void error_expect_enumerated_again(struct kunit *test,
					  struct error_ctx *ctx,
					  struct pci_sim_func *fails)
{
	struct error_removal r = {
		.test = test,
		.sim = ctx->sim,
		.command = PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE,
	};
	struct error_found found = {};

	error_start_hidden(test, ctx, &found);
	error_find_at_lock(test, ctx, fails, &found);
	r.nb.notifier_call = error_removed;
	KUNIT_EXPECT_EQ(test, 0, bus_register_notifier(&pci_bus_type, &r.nb));
	device_unlock(&ctx->pdev->dev);
	msleep(5 * SIM_SETTLE_MS);
	bus_unregister_notifier(&pci_bus_type, &r.nb);

	KUNIT_EXPECT_GE(test, r.silent, 2);
	SIM_EXPECT_BOUND(test, ctx->ep, 2, 1);
	SIM_EXPECT_BOUND(test, found.f, 3, 2);
}

/* Whichever Function of a card is found, the slot is enumerated again */
static void error_found_in_slot_is_added_anew(struct kunit *test)
{
	struct error_ctx ctx;

	error_build(test, &ctx);
	error_expect_enumerated_again(test, &ctx, ctx.ep);
}

/* ... also if there is a switch in between */
static void error_found_below_slot_is_added_anew(struct kunit *test)
{
	struct pci_sim_func *up;
	struct error_ctx ctx = {};

	ctx.sim = sim_kunit_alloc(test);
	ctx.port = pci_sim_root_port(ctx.sim, .hotplug = true);
	up = pci_sim_add_switch(ctx.sim, ctx.port);
	ctx.ep = pci_sim_endpoint(ctx.sim, pci_sim_downstream_port(up));
	error_expect_enumerated_again(test, &ctx, up);
}

static unsigned int error_uevents;

static int error_count_uevent(const struct device *dev,
			      struct kobj_uevent_env *env)
{
	for (int i = 0; i < env->envp_idx; i++)
		error_uevents += strstarts(env->envp[i], "ERROR_EVENT=");
	return 0;
}

static const struct device_type error_uevent_type = {
	.name = "pci-sim-uevent",
	.uevent = error_count_uevent,
};

/*
 * A device that is removed during the recovery has no vote and sends no uevent
 */
static void error_removed_device_has_no_vote(struct kunit *test)
{
	struct pci_dev *sibling;
	struct error_ctx ctx;

	error_build(test, &ctx);
	ctx.sibling = pci_sim_function(ctx.ep, .ready_ms = 20);
	sim_kunit_start(test, ctx.sim);
	ctx.pdev = sim_kunit_dev(test, ctx.ep);
	sibling = sim_kunit_dev(test, ctx.sibling);
	sibling->dev.type = &error_uevent_type;
	error_uevents = 0;

	/* The recovery waits for this lock to call ->error_detected() */
	device_lock(&ctx.pdev->dev);
	pci_sim_uncor_error(ctx.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(SIM_SETTLE_MS);
	pci_stop_and_remove_bus_device_locked(sibling);
	device_unlock(&ctx.pdev->dev);
	msleep(2 * SIM_SETTLE_MS);
	error_expect_recovered(test, ctx.ep);
	KUNIT_EXPECT_EQ(test, 0, error_uevents);

	sim_kunit_rescan(ctx.pdev->bus);
	SIM_EXPECT_BOUND(test, ctx.sibling, 2, 1);
}

/*
 * Ports that are asleep when the port above contains an error cannot be resumed
 * until its Link is reset, and can be afterwards
 */
static void error_again_while_ports_sleep(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up;
	unsigned int i;

	root = pci_sim_root_port(sim, .dpc = true);
	up = pci_sim_add_switch(sim, root);
	pci_sim_downstream_port(up, .hotplug = true);
	pci_sim_downstream_port(up, .hotplug = true);
	sim_kunit_start(test, sim);

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(root));
		msleep(5 * SIM_SETTLE_MS);
	}
}

/* Remove a port; the next scan of the bus finds it and all that is below it */
static void error_replace_bus(struct kunit *test, struct pci_sim_func *port)
{
	struct pci_dev *pdev = sim_kunit_dev(test, port);

	pci_stop_and_remove_bus_device_locked(pdev);
	sim_kunit_rescan(pdev->bus);
	msleep(SIM_IDLE_MS);
}

/*
 * Bus numbers, and the windows of bridges, that have changed since the driver of
 * the bridge was bound are restored
 */
static void error_after_bus_was_added(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *port, *ep;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	port = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, port);
	pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	sim_kunit_start(test, sim);

	/* Its number is taken, so the next one is above all others */
	error_replace_bus(test, port);
	pci_sim_uncor_error(root, PCI_ERR_UNC_DLP);
	msleep(5 * SIM_SETTLE_MS);
	error_expect_counts(test, ep, .probe = 2, .remove = 1,
			    .error_detected = 1, .slot_reset = 1, .resume = 1);
}

/**
 * struct error_told - what a driver is told, and an error meanwhile
 * @told: as letters
 * @during: the first time that it is told this,
 * @error: this happens
 * @f: to this Function
 */
struct error_told {
	char told[16];
	enum pci_sim_call during;
	void (*error)(struct pci_sim_func *f);
	struct pci_sim_func *f;
};

static int error_note_call(struct pci_dev *pdev, enum pci_sim_call call,
			   void *data)
{
	static const char letters[] = {
		[PCI_SIM_ERROR_DETECTED] = 'd', [PCI_SIM_MMIO_ENABLED] = 'm',
		[PCI_SIM_SLOT_RESET] = 's', [PCI_SIM_RESUME] = 'r',
	};
	struct error_told *ctx = data;
	char *told = ctx->told;

	if (call < ARRAY_SIZE(letters) && letters[call] && strlen(told) < 15)
		told[strlen(told)] = letters[call];

	if (ctx->error && call == ctx->during) {
		ctx->error(ctx->f);
		ctx->error = NULL;
		msleep(50);
	}
	return 0;
}

static void error_contain(struct pci_sim_func *f)
{
	pci_sim_dpc_trigger(f);
}

static void error_nonfatal(struct pci_sim_func *f)
{
	pci_sim_uncor_error(f, PCI_ERR_UNC_COMP_TIME);
}

/* A non-fatal error of a port that is being reset needs no recovery of its own */
static void error_of_contained_port(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *port, *ep;
	struct error_told ctx = {};

	up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	port = pci_sim_downstream_port(up, .dpc = true);
	ep = pci_sim_endpoint(sim, port, .ready_ms = 300);
	sim_kunit_start(test, sim);
	pci_sim_on_call(ep, error_note_call, &ctx);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(port));
	msleep(2);
	pci_sim_uncor_error(port, PCI_ERR_UNC_COMP_TIME);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_STREQ(test, "dsr", ctx.told);
	pci_sim_on_call(ep, NULL, NULL);
}

/*
 * A port contains an error while AER recovers from a non-fatal one.  That takes the
 * place of the reset that the driver asks for, and no other recovery is necessary.
 */
static void error_contained_before_reset(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct error_told ctx = {
		.during = PCI_SIM_ERROR_DETECTED, .error = error_contain,
	};

	port = pci_sim_root_port(sim, .dpc = true);
	ep = pci_sim_endpoint(sim, port, .ask_reset = true, .ready_ms = 300);
	sim_kunit_start(test, sim);
	ctx.f = port;
	pci_sim_on_call(ep, error_note_call, &ctx);

	error_nonfatal(ep);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_STREQ(test, "dsr", ctx.told);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(ep).perm_failure);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(port));
	pci_sim_on_call(ep, NULL, NULL);
}

/* An error that occurs when the device has been reset is a new one */
static void error_after_reset_is_reported(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct error_told ctx = {
		.during = PCI_SIM_RESUME, .error = error_nonfatal,
	};

	port = pci_sim_root_port(sim, .dpc = true);
	ep = pci_sim_endpoint(sim, port, .ready_ms = 300);
	sim_kunit_start(test, sim);
	ctx.f = ep;
	pci_sim_on_call(ep, error_note_call, &ctx);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(port));
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_STREQ(test, "dsrdmr", ctx.told);
	pci_sim_on_call(ep, NULL, NULL);
}

static void error_contain_above(struct pci_sim_func *f, void *root)
{
	pci_sim_dpc_trigger(root);
}

/*
 * A port above contains an error as well, just when the interrupt of the port below
 * has been handled, but not its error
 */
static void error_contained_above_contained(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *port;
	struct pci_dev *pdev;

	root = pci_sim_root_port(sim, .dpc = true);
	port = pci_sim_downstream_port(pci_sim_add_switch(sim, root),
				       .dpc = true, .hotplug = true);
	pci_sim_endpoint(sim, port, .ready_ms = 20);
	sim_kunit_start(test, sim);

	pdev = sim_kunit_dev(test, port);
	pci_sim_on_write(port, pdev->dpc_cap + PCI_EXP_DPC_STATUS,
			 error_contain_above, root);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(port));
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(port));
}

/* A device that must not be reset with its Link can be used after the failure */
static void error_without_reset_ends(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep;
	struct pci_dev *pdev;

	/* quirk_no_bus_reset() */
	ep = pci_sim_endpoint(sim, pci_sim_root_port(sim), .vendor = 0x168c,
			      .device = 0x0030);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);

	pci_sim_uncor_error(ep, PCI_ERR_UNC_DLP);
	msleep(SIM_SETTLE_MS);
	error_expect_counts(test, ep, .probe = 1, .error_detected = 2,
			    .perm_failure = 1);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(ep));
	KUNIT_EXPECT_FALSE(test, pci_channel_offline(pdev));
	sim_kunit_rebind(test, pdev);
}

/*
 * A port without a secondary bus recovers without its device lock: who removes it
 * holds that, and waits for the interrupt thread
 */
static void error_of_port_without_bus(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *port;
	struct pci_dev *pdev;

	/* The switch gets the last two bus numbers */
	pci_sim_set_first_bus(sim, 0xfd);
	up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
	port = pci_sim_downstream_port(up, .dpc = true);
	sim_kunit_expect_dead(test, port);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, port);
	KUNIT_ASSERT_NULL(test, pdev->subordinate);

	pm_runtime_get_sync(&pdev->dev);
	device_lock(&pdev->dev);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(port));
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_FALSE(test,
			   pci_sim_peek(port, pdev->dpc_cap + PCI_EXP_DPC_STATUS) &
			   PCI_EXP_DPC_STATUS_TRIGGER);
	device_unlock(&pdev->dev);
	pm_runtime_put(&pdev->dev);
}

static int error_give_up_slowly(struct pci_dev *pdev, enum pci_sim_call call,
				void *data)
{
	if (call == PCI_SIM_ERROR_DETECTED &&
	    pdev->error_state == pci_channel_io_perm_failure)
		msleep(5000);
	return 0;
}

/* A PF that responds when it has been given up has lost its VFs nevertheless */
static void error_lost_vfs_stay_offline(struct kunit *test)
{
	struct error_vfs ctx;

	error_vfs_start(test, &ctx, &(struct error_vf_variant){});
	/* Given up after 60 s */
	pci_sim_set_ready_ms(ctx.pf, 63000);
	sim_kunit_expect_dead(test, ctx.pf);
	pci_sim_on_call(ctx.pf, error_give_up_slowly, NULL);

	pci_sim_uncor_error(ctx.pf, PCI_ERR_UNC_DLP);
	msleep(120 * MSEC_PER_SEC);
	pci_sim_on_call(ctx.pf, NULL, NULL);
	KUNIT_EXPECT_TRUE(test, pci_device_is_present(ctx.pdev));
	KUNIT_EXPECT_TRUE(test,
			  pci_channel_offline(sim_kunit_dev(test, ctx.vf[0])));
}

static struct kunit_case error_cases[] = {
	KUNIT_CASE_PARAM(error_correctable_is_logged, error_variant_gen_params),
	KUNIT_CASE(error_cleared_source_is_released),
	KUNIT_CASE_PARAM(error_nonfatal_needs_no_reset,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_fatal_resets_once, error_variant_gen_params),
	KUNIT_CASE_PARAM(error_masked_is_not_reported,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_contained_is_recovered,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_failed_recovery_is_told,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_unbound_sibling_is_no_obstacle,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_unbound_sibling_nonfatal,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_reset_without_drivers, error_variant_gen_params),
	KUNIT_CASE_PARAM(error_device_enabled_by_user,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_unaware_driver_fails_recovery,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_reserving_driver_has_no_vote,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_device_in_use_is_not_replaced,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_repeated_failure_is_left_alone,
			 error_variant_gen_params),
	KUNIT_CASE_PARAM(error_failed_device_is_silent,
			 error_variant_gen_params),
	KUNIT_CASE(error_failed_switch_is_silent),
	KUNIT_CASE_PARAM(error_unaware_vf_loses_dma, error_vf_gen_params),
	KUNIT_CASE(error_failed_vf_fails_alone),
	KUNIT_CASE(error_vf_gets_requested_reset),
	KUNIT_CASE(error_pf_that_gives_up_is_not_recovered),
	KUNIT_CASE(error_unaware_vf_is_not_recovered),
	KUNIT_CASE(error_nonfatal_leaves_vfs_alone),
	KUNIT_CASE(error_below_pci_bridge_is_recovered),
	KUNIT_CASE_PARAM(error_while_hot_added, error_variant_gen_params),
	KUNIT_CASE(error_while_rescanned),
	KUNIT_CASE_PARAM(error_found_device_is_locked, error_found_gen_params),
	KUNIT_CASE_PARAM(error_found_unaware_loses_dma, error_found_gen_params),
	KUNIT_CASE_PARAM(error_found_in_slot_is_added_anew,
			 error_found_slot_gen_params),
	KUNIT_CASE(error_found_below_slot_is_added_anew),
	KUNIT_CASE_PARAM(error_removed_device_has_no_vote,
			 error_found_gen_params),
	KUNIT_CASE(error_again_while_ports_sleep),
	KUNIT_CASE(error_after_bus_was_added),
	KUNIT_CASE(error_of_contained_port),
	KUNIT_CASE(error_contained_before_reset),
	KUNIT_CASE(error_after_reset_is_reported),
	KUNIT_CASE(error_contained_above_contained),
	KUNIT_CASE(error_without_reset_ends),
	KUNIT_CASE(error_lost_vfs_stay_offline),
	KUNIT_CASE(error_of_port_without_bus),
	{}
};

static struct kunit_suite error_suite = {
	.name = "pci_error",
	.test_cases = error_cases,
};

kunit_test_suite(error_suite);
