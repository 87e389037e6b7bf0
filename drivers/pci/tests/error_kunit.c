// SPDX-License-Identifier: GPL-2.0
/*
 * AER and DPC on a simulated fabric: errors reach the driver, what has to be
 * reset is reset once, and pciehp does not interfere
 */

#include <linux/notifier.h>
#include <linux/pci.h>

#include "../pci.h"
#include "sim-kunit.h"

struct er_variant {
	const char *name;
	bool hotplug;
	bool intx;
	bool dpc;
	bool below_switch;
};

static const struct er_variant er_variants[] = {
	{ "AER" },
	{ "AER, INTx", .intx = true },
	{ "AER, hotplug", .hotplug = true },
	{ "AER, switch", .below_switch = true },
	{ "AER, switch, hotplug", .below_switch = true, .hotplug = true },
	{ "DPC", .dpc = true },
	{ "DPC, INTx", .dpc = true, .intx = true },
	{ "DPC, hotplug", .dpc = true, .hotplug = true },
	{ "DPC, switch", .dpc = true, .below_switch = true },
	{ "DPC, switch, hotplug", .dpc = true, .below_switch = true,
	  .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(er_variant, er_variants, name);

/* Where a scan has to find what is new, and the reset is not done by DPC */
static const struct er_variant er_found_variants[] = {
	{ "AER" },
	{ "AER, switch", .below_switch = true },
};

KUNIT_ARRAY_PARAM_DESC(er_found, er_found_variants, name);

/* The same in a slot */
static const struct er_variant er_found_slot_variants[] = {
	{ "AER, hotplug", .hotplug = true },
	{ "AER, switch, hotplug", .below_switch = true, .hotplug = true },
};

KUNIT_ARRAY_PARAM_DESC(er_found_slot, er_found_slot_variants, name);

struct er {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_sim_func *sibling;
	struct pci_dev *pdev;
	struct sim_config before;
};

static void er_build(struct kunit *test, struct er *er)
{
	const struct er_variant *v = test->param_value;
	struct pci_sim_port_config config = {
		.hotplug = v->hotplug,
		.intx = v->intx,
		.dpc = v->dpc,
	};
	struct pci_sim_func *up;

	er->sim = sim_kunit_alloc(test);
	if (v->below_switch) {
		up = pci_sim_add_switch(er->sim, pci_sim_root_port(er->sim));
		er->port = pci_sim_add_downstream_port(up, &config);
	} else {
		er->port = pci_sim_add_root_port(er->sim, &config);
	}
	er->ep = pci_sim_endpoint(er->sim, er->port, .ready_ms = 20);
}

static void er_start(struct kunit *test, struct er *er)
{
	er_build(test, er);
	sim_kunit_start(test, er->sim);

	er->pdev = sim_kunit_dev(test, er->ep);
	sim_kunit_mark(test, er->ep);
	sim_config_get(&er->before, er->pdev);
}

/* Two Functions, and the first one has no driver */
static void er_start_unbound(struct kunit *test, struct er *er)
{
	er_build(test, er);
	er->sibling = pci_sim_function(er->ep, .ready_ms = 20);
	sim_kunit_start(test, er->sim);

	er->pdev = sim_kunit_dev(test, er->ep);
	device_release_driver(&er->pdev->dev);
	sim_kunit_mark(test, er->ep);
	sim_kunit_mark(test, er->sibling);
	sim_config_get(&er->before, sim_kunit_dev(test, er->sibling));
}

static void er_expect_counts(struct kunit *test, struct pci_sim_func *f,
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

static void er_expect(struct kunit *test, struct er *er,
		      struct pci_sim_counts want)
{
	er_expect_counts(test, er->ep, want);
}

static void er_expect_no_reset(struct kunit *test, struct er *er, int status)
{
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(er->ep));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(er->ep, er->pdev->aer_cap +
						      status));
}

/* Nothing but a line in the log */
static void er_correctable(struct kunit *test)
{
	struct er er;

	er_start(test, &er);
	pci_sim_cor_error(er.ep, PCI_ERR_COR_BAD_TLP);
	msleep(SIM_SETTLE_MS);
	er_expect_no_reset(test, &er, PCI_ERR_COR_STATUS);
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1 });
}

/* The driver is asked, and recovers without a reset */
static void er_nonfatal(struct kunit *test)
{
	struct er er;

	er_start(test, &er);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_COMP_TIME);
	msleep(SIM_SETTLE_MS);
	er_expect_no_reset(test, &er, PCI_ERR_UNCOR_STATUS);
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.mmio_enabled = 1, .resume = 1 });
}

/* One reset of the Link, one recovery, no removal */
static void er_fatal(struct kunit *test)
{
	struct er er;

	er_start(test, &er);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(er.ep, SIM_SCRATCH));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(er.ep, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.slot_reset = 1, .resume = 1 });
	sim_config_expect(test, &er.before, er.pdev);
}

/* A masked error is logged and not reported */
static void er_masked(struct kunit *test)
{
	struct er er;
	u32 reg;

	er_start(test, &er);
	pci_write_config_dword(er.pdev, er.pdev->aer_cap + PCI_ERR_UNCOR_MASK,
			       PCI_ERR_UNC_MALF_TLP);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(SIM_SETTLE_MS);
	pci_read_config_dword(er.pdev, er.pdev->aer_cap + PCI_ERR_UNCOR_STATUS,
			      &reg);
	KUNIT_EXPECT_EQ(test, PCI_ERR_UNC_MALF_TLP, reg);
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1 });
}

/* What the port contains by itself is recovered the same way */
static void er_contained(struct kunit *test)
{
	const struct er_variant *v = test->param_value;
	struct er er;

	er_start(test, &er);
	if (!v->dpc) {
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				pci_sim_dpc_trigger(er.port));
		return;
	}

	KUNIT_ASSERT_EQ(test, 0, pci_sim_dpc_trigger(er.port));
	KUNIT_EXPECT_FALSE(test, pci_sim_link_is_up(er.port));
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_TRUE(test, pci_sim_link_is_up(er.port));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(er.ep, PCI_SIM_RESET_HOT));
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.slot_reset = 1, .resume = 1 });
}

/* If the Link does not come back, the driver is told so, and that is it */
static void er_failed(struct kunit *test)
{
	const struct er_variant *v = test->param_value;
	struct er er;

	er_start(test, &er);
	pci_sim_link_stuck(er.port, true);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1, .remove = v->hotplug,
			.error_detected = 2, .perm_failure = 1 });
}

/*
 * What has no driver does not keep what is beside it from being recovered, and
 * a driver that is bound to it later finds an address
 */
static void er_unbound(struct kunit *test)
{
	struct er er;

	er_start_unbound(test, &er);
	pci_sim_uncor_error(er.sibling, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1, .remove = 1 });
	er_expect_counts(test, er.sibling, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.slot_reset = 1, .resume = 1 });
	sim_config_expect(test, &er.before, sim_kunit_dev(test, er.sibling));

	KUNIT_EXPECT_EQ(test, 1, device_attach(&er.pdev->dev));
}

/* Nor if the error needs no reset */
static void er_unbound_nonfatal(struct kunit *test)
{
	struct er er;

	er_start_unbound(test, &er);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_COMP_TIME);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(er.ep));
	er_expect_counts(test, er.sibling, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.mmio_enabled = 1, .resume = 1 });
	KUNIT_EXPECT_EQ(test, 1, device_attach(&er.pdev->dev));
}

/* If nothing has a driver, there is something to be done all the same */
static void er_none_bound(struct kunit *test)
{
	struct er er;

	er_start_unbound(test, &er);
	device_release_driver(&sim_kunit_dev(test, er.sibling)->dev);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	er_expect(test, &er, (struct pci_sim_counts){
			.probe = 1, .remove = 1 });

	KUNIT_EXPECT_EQ(test, 1, device_attach(&er.pdev->dev));
	KUNIT_EXPECT_EQ(test, 1,
			device_attach(&sim_kunit_dev(test, er.sibling)->dev));
}

/* Who uses a device without a driver, by sysfs, can go on to use it */
static void er_enabled_by_user(struct kunit *test)
{
	u16 before, after;
	struct er er;

	er_start_unbound(test, &er);
	KUNIT_ASSERT_EQ(test, 0, sim_kunit_store(er.pdev, "enable", "1"));
	pci_set_master(er.pdev);
	pci_read_config_word(er.pdev, PCI_COMMAND, &before);
	KUNIT_EXPECT_TRUE(test, before & PCI_COMMAND_MEMORY);

	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	pci_read_config_word(er.pdev, PCI_COMMAND, &after);
	KUNIT_EXPECT_EQ(test, before, after);

	KUNIT_EXPECT_EQ(test, 0, sim_kunit_store(er.pdev, "enable", "0"));
	KUNIT_EXPECT_EQ(test, 1, device_attach(&er.pdev->dev));
}

/*
 * A driver that cannot be told has lost what it relies on, so that is no
 * recovery.  Those that can be told know that they have failed.  A driver that
 * is bound anew works: in a slot by itself, as all is enumerated again.
 */
static void er_unaware(struct kunit *test)
{
	const struct er_variant *v = test->param_value;
	struct sim_config now;
	struct pci_dev *pdev;
	struct er er;

	er_start_unbound(test, &er);
	sim_kunit_bind_unaware(test, er.ep);
	pci_sim_uncor_error(er.sibling, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	er_expect_counts(test, er.sibling, (struct pci_sim_counts){
			.probe = 1 + v->hotplug, .remove = v->hotplug,
			.error_detected = 2, .perm_failure = 1 });
	if (v->hotplug)
		return;

	/* The other one has its addresses too, and does no DMA until it is told */
	pdev = sim_kunit_dev(test, er.sibling);
	er.before.command &= ~PCI_COMMAND_MASTER;
	sim_config_get(&now, pdev);
	KUNIT_EXPECT_MEMEQ(test, &er.before, &now, sizeof(now));
	sim_kunit_rebind(test, pdev);
	sim_kunit_rebind(test, er.pdev);
}

/* A driver that only keeps others away is no driver in this respect */
static void er_reserved(struct kunit *test)
{
	struct er er;

	er_start_unbound(test, &er);
	sim_kunit_bind(test, er.ep, &(struct pci_driver){
			.name = "pci-sim-stub", .driver_managed_dma = true });
	pci_sim_uncor_error(er.sibling, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	er_expect_counts(test, er.sibling, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.slot_reset = 1, .resume = 1 });
	KUNIT_EXPECT_STREQ(test, "pci-sim-stub",
			   dev_driver_string(&er.pdev->dev));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, er.ep));
	sim_kunit_rebind(test, er.pdev);
}

static pci_ers_result_t er_vote_need_reset(struct pci_dev *pdev,
					   pci_channel_state_t state)
{
	return PCI_ERS_RESULT_NEED_RESET;
}

static const struct pci_error_handlers er_user_handlers = {
	.error_detected = er_vote_need_reset,
};

/*
 * A driver like vfio-pci may wait for its user for ever when it is unbound, so
 * what is in the slot is left alone if the recovery fails
 */
static void er_in_use(struct kunit *test)
{
	struct er er;

	er_start_unbound(test, &er);
	sim_kunit_bind_unaware(test, er.sibling);
	sim_kunit_bind(test, er.ep, &(struct pci_driver){
			.name = "pci-sim-user", .driver_managed_dma = true,
			.err_handler = &er_user_handlers });
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	KUNIT_EXPECT_STREQ(test, "pci-sim-user",
			   dev_driver_string(&er.pdev->dev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, er.ep));
	er_expect(test, &er, (struct pci_sim_counts){ .probe = 1, .remove = 1 });
	er_expect_counts(test, er.sibling, (struct pci_sim_counts){
			.probe = 1, .remove = 1 });
	sim_kunit_rebind(test, er.pdev);
	sim_kunit_rebind(test, sim_kunit_dev(test, er.sibling));
}

/* A driver without error handlers, and whose device fails when it is set up */
static struct pci_sim_func *er_fragile;
static unsigned int er_fragile_probes;

static int er_fragile_probe(struct pci_dev *pdev,
			    const struct pci_device_id *id)
{
	int ret = sim_unaware_probe(pdev, id);

	er_fragile_probes++;
	/* That it ends, if nothing else does */
	if (!ret && er_fragile && er_fragile_probes < 10)
		pci_sim_uncor_error(er_fragile, PCI_ERR_UNC_MALF_TLP);
	return ret;
}

static struct pci_driver er_fragile_driver = {
	.name = "pci-sim-fragile",
	.probe = er_fragile_probe,
};

static int er_fragile_added(struct notifier_block *nb, unsigned long action,
			    void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (action == BUS_NOTIFY_ADD_DEVICE &&
	    pdev->hdr_type == PCI_HEADER_TYPE_NORMAL)
		device_set_driver_override(&pdev->dev, er_fragile_driver.name);
	return NOTIFY_DONE;
}

static struct notifier_block er_fragile_nb = {
	.notifier_call = er_fragile_added,
};

static void er_fragile_end(void *unused)
{
	bus_unregister_notifier(&pci_bus_type, &er_fragile_nb);
	pci_unregister_driver(&er_fragile_driver);
}

/* Whatever is added from now on, until the end of the test, is for this driver */
static void er_fragile_begin(struct kunit *test, struct pci_sim_func *fails)
{
	er_fragile = fails;
	er_fragile_probes = 0;
	KUNIT_ASSERT_EQ(test, 0, pci_register_driver(&er_fragile_driver));
	KUNIT_ASSERT_EQ(test, 0,
			bus_register_notifier(&pci_bus_type, &er_fragile_nb));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, er_fragile_end, NULL));
}

/* How long it takes until a failure does not count as one that goes on */
#define ER_AGAIN_MS	61000

/*
 * What fails as soon as it is set up again is left alone, so that this ends, and
 * is replaced once more if it has worked for some time
 */
static void er_fails_again(struct kunit *test)
{
	const struct er_variant *v = test->param_value;
	struct pci_dev *pdev;
	struct er er;

	er_build(test, &er);
	er_fragile_begin(test, er.ep);
	sim_kunit_start(test, er.sim);
	msleep(20 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1 + v->hotplug, er_fragile_probes);

	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1 + v->hotplug, er_fragile_probes);

	er_fragile = NULL;
	msleep(ER_AGAIN_MS);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1 + 2 * v->hotplug, er_fragile_probes);

	pdev = sim_kunit_dev(test, er.ep);
	KUNIT_EXPECT_STREQ(test, er_fragile_driver.name,
			   dev_driver_string(&pdev->dev));
	KUNIT_EXPECT_EQ(test, v->hotplug, sim_kunit_is_master(test, er.ep));
	sim_kunit_rebind(test, pdev);
}

struct er_removal {
	struct notifier_block nb;
	struct kunit *test;
	struct pci_sim *sim;
	u16 command;	/* the bits to look at */
	unsigned int silent;
};

/* A device that is removed has not been a bus master nor interrupted for long */
static int er_removed(struct notifier_block *nb, unsigned long action,
		      void *data)
{
	struct er_removal *r = container_of(nb, struct er_removal, nb);
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

static void er_expect_silent(struct kunit *test, struct pci_sim *sim,
			     struct pci_sim_func *f, unsigned int removed)
{
	struct er_removal r = { .test = test, .sim = sim, .command = 0xffff };

	r.nb.notifier_call = er_removed;
	KUNIT_ASSERT_EQ(test, 0, bus_register_notifier(&pci_bus_type, &r.nb));
	pci_sim_uncor_error(f, PCI_ERR_UNC_MALF_TLP);
	msleep(5 * SIM_SETTLE_MS);
	bus_unregister_notifier(&pci_bus_type, &r.nb);
	KUNIT_EXPECT_EQ(test, removed, r.silent);
}

/*
 * What a failed recovery has reset is removed from its slot as if it had been
 * pulled, but it has not: until then it neither interrupts nor does DMA, with a
 * driver that cannot be told, and without one but enabled by sysfs.
 */
static void er_failed_is_silent(struct kunit *test)
{
	const struct er_variant *v = test->param_value;
	struct er er;

	if (!v->hotplug)
		return;

	er_start_unbound(test, &er);
	KUNIT_ASSERT_EQ(test, 0, sim_kunit_store(er.pdev, "enable", "1"));
	pci_set_master(er.pdev);
	sim_kunit_bind_unaware(test, er.sibling);
	er_expect_silent(test, er.sim, er.ep, 2);
}

/* The same for a switch, whose ports would interrupt for their slots */
static void er_failed_switch_is_silent(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *port, *ep;

	up = pci_sim_add_switch(sim, pci_sim_root_port(sim, .hotplug = true,
						       .intx = true));
	port = pci_sim_downstream_port(up, .hotplug = true, .intx = true);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);
	sim_kunit_bind_unaware(test, ep);
	er_expect_silent(test, sim, up, 3);
}

static const struct er_vf_variant {
	const char *name;
	u16 offset;
	bool alone;
	bool ask_reset;
	const struct pci_error_handlers *pf;	/* of the PF, if not the usual */
} er_vf_variants[] = {
	{ "on the bus of the PF" },
	{ "on another bus", .offset = 0x100 },
	{ "Root Complex Integrated", .alone = true },
	{ "Root Complex Integrated, non-fatal, with a reset", .alone = true,
	  .ask_reset = true },
};

KUNIT_ARRAY_PARAM_DESC(er_vf, er_vf_variants, name);

struct er_vfs {
	struct pci_sim_func *pf;
	struct pci_sim_func *vf[2];
	struct pci_dev *pdev;
};

/* As if it were on a root bus */
static void er_integrate(struct pci_dev *pdev)
{
	pdev->pcie_flags_reg &= ~PCI_EXP_FLAGS_TYPE;
	pdev->pcie_flags_reg |= PCI_EXP_TYPE_RC_END << 4;
}

static void er_vfs_start(struct kunit *test, struct er_vfs *er,
			 const struct er_vf_variant *v)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	int i;

	er->pf = pci_sim_endpoint(sim, pci_sim_root_port(sim), .flr = true,
				  .vfs = 2, .vf_offset = v->offset,
				  .ask_reset = v->ask_reset);
	sim_kunit_start(test, sim);
	er->pdev = sim_kunit_dev(test, er->pf);
	if (v->pf)
		sim_kunit_bind(test, er->pf, &(struct pci_driver){
				.name = "pci-sim-pf", .err_handler = v->pf,
				.sriov_configure = pci_sriov_configure_simple });
	KUNIT_ASSERT_EQ(test, 2, sim_kunit_set_vfs(er->pdev, 2));
	for (i = 0; i < 2; i++) {
		er->vf[i] = pci_sim_vf(er->pf, i);
		sim_kunit_mark(test, er->vf[i]);
	}
	if (!v->alone)
		return;

	er_integrate(er->pdev);
	for (i = 0; i < 2; i++)
		er_integrate(sim_kunit_dev(test, er->vf[i]));
}

/* What AER does for an integrated Endpoint */
static pci_ers_result_t er_flr(struct pci_dev *pdev)
{
	return pcie_reset_flr(pdev, PCI_RESET_DO_RESET) ?
		PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_RECOVERED;
}

static void er_recover(struct kunit *test, struct pci_dev *pdev,
		       pci_channel_state_t state, pci_ers_result_t result)
{
	KUNIT_EXPECT_TRUE(test,
			  pcie_do_recovery(pdev, state, er_flr) == result);
}

static void er_expect_recovered(struct kunit *test, struct pci_sim_func *f)
{
	er_expect_counts(test, f, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.slot_reset = 1, .resume = 1 });
}

/*
 * The driver of a VF that cannot be told does not keep its PF from being
 * recovered, wherever its number is, but has to let the VF do DMA again
 */
static void er_vf_unaware(struct kunit *test)
{
	const struct er_vf_variant *v = test->param_value;
	struct pci_dev *vf;
	struct er_vfs er;

	er_vfs_start(test, &er, v);
	sim_kunit_bind_unaware(test, er.vf[1]);
	vf = sim_kunit_dev(test, er.vf[1]);
	if (!v->alone)
		pci_sim_uncor_error(er.pf, PCI_ERR_UNC_MALF_TLP);
	else
		er_recover(test, er.pdev, v->ask_reset ? pci_channel_io_normal :
							  pci_channel_io_frozen,
			   PCI_ERS_RESULT_RECOVERED);
	msleep(2 * SIM_SETTLE_MS);
	er_expect_recovered(test, er.pf);
	er_expect_recovered(test, er.vf[0]);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, er.vf[0]));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.vf[1]));
	KUNIT_EXPECT_STREQ(test, "pci-sim-unaware", dev_driver_string(&vf->dev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, er.vf[1]));
	KUNIT_EXPECT_TRUE(test, vf->error_state == pci_channel_io_normal);
	sim_kunit_rebind(test, vf);
}

static struct pci_sim_counts er_told;

static pci_ers_result_t er_vote_can_recover(struct pci_dev *pdev,
					    pci_channel_state_t state)
{
	return PCI_ERS_RESULT_CAN_RECOVER;
}

static pci_ers_result_t er_vote_disconnect(struct pci_dev *pdev,
					   pci_channel_state_t state)
{
	if (state == pci_channel_io_perm_failure)
		er_told.perm_failure++;
	return PCI_ERS_RESULT_DISCONNECT;
}

static pci_ers_result_t er_fail_slot_reset(struct pci_dev *pdev)
{
	er_told.slot_reset++;
	return PCI_ERS_RESULT_DISCONNECT;
}

static void er_count_resume(struct pci_dev *pdev)
{
	er_told.resume++;
}

/*
 * Nor does one that fails, if the PF is integrated: nothing else is affected.
 * It has failed alone.
 */
static void er_vf_fails(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.error_detected = er_vote_disconnect,
		.slot_reset = er_fail_slot_reset,
		.resume = er_count_resume,
	};
	struct er_vfs er;

	er_told = (struct pci_sim_counts){};
	er_vfs_start(test, &er, &(struct er_vf_variant){ .alone = true });
	sim_kunit_bind(test, er.vf[1], &(struct pci_driver){
			.name = "pci-sim-fails", .err_handler = &handlers });
	er_recover(test, er.pdev, pci_channel_io_frozen,
		   PCI_ERS_RESULT_RECOVERED);
	er_expect_recovered(test, er.pf);
	er_expect_recovered(test, er.vf[0]);
	KUNIT_EXPECT_EQ(test, 1, er_told.slot_reset);
	KUNIT_EXPECT_EQ(test, 1, er_told.perm_failure);
	KUNIT_EXPECT_EQ(test, 0, er_told.resume);
	sim_kunit_rebind(test, sim_kunit_dev(test, er.vf[1]));
}

/* A VF that asks for a reset gets it, whatever the driver of another VF can do */
static void er_vf_asks(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.error_detected = er_vote_can_recover,
	};
	struct er_vfs er;

	er_vfs_start(test, &er, &(struct er_vf_variant){
			.alone = true, .pf = &handlers });
	sim_kunit_bind_unaware(test, er.vf[1]);
	er_recover(test, er.pdev, pci_channel_io_frozen,
		   PCI_ERS_RESULT_RECOVERED);
	er_expect_recovered(test, er.vf[0]);
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(er.pdev, 0));
	sim_kunit_rebind(test, er.pdev);
}

/* But a VF that asks for a reset does not recover a PF that has given up */
static void er_pf_gives_up(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.error_detected = er_vote_disconnect,
		.slot_reset = er_fail_slot_reset,
	};
	struct er_vfs er;

	er_told = (struct pci_sim_counts){};
	er_vfs_start(test, &er, &(struct er_vf_variant){
			.alone = true, .pf = &handlers });
	er_recover(test, er.pdev, pci_channel_io_frozen,
		   PCI_ERS_RESULT_DISCONNECT);
	KUNIT_EXPECT_EQ(test, 0, er_told.slot_reset);
	KUNIT_EXPECT_EQ(test, 1, er_told.perm_failure);
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(er.pdev, 0));
	sim_kunit_rebind(test, er.pdev);
}

/* But there is no recovery of the VF itself if its driver cannot be told */
static void er_vf_alone_unaware(struct kunit *test)
{
	struct pci_dev *vf;
	struct er_vfs er;

	er_vfs_start(test, &er, &(struct er_vf_variant){ .alone = true });
	sim_kunit_bind_unaware(test, er.vf[1]);
	vf = sim_kunit_dev(test, er.vf[1]);
	er_recover(test, vf, pci_channel_io_frozen,
		   PCI_ERS_RESULT_NO_AER_DRIVER);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(er.pf));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(er.vf[1], PCI_SIM_RESET_FLR));
	SIM_EXPECT_UNTOUCHED(test, er.vf[0]);
	sim_kunit_rebind(test, vf);
}

/* Without a reset its VFs are not affected by an error of an integrated PF */
static void er_vf_not_affected(struct kunit *test)
{
	struct er_vfs er;
	int i;

	er_vfs_start(test, &er, &(struct er_vf_variant){ .alone = true });
	er_recover(test, er.pdev, pci_channel_io_normal,
		   PCI_ERS_RESULT_RECOVERED);
	er_expect_counts(test, er.pf, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.mmio_enabled = 1, .resume = 1 });
	for (i = 0; i < 2; i++)
		SIM_EXPECT_UNTOUCHED(test, er.vf[i]);
	er_expect_counts(test, er.vf[0], (struct pci_sim_counts){ .probe = 1 });
}

/* The PCIe port driver does not restore a PCIe-to-PCI bridge */
static void er_conventional(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *bridge, *dev;
	struct sim_config before;

	port = pci_sim_root_port(sim);
	bridge = pci_sim_add_pci_bridge(sim, port);
	dev = pci_sim_endpoint(sim, bridge, .conventional = true);
	sim_kunit_start(test, sim);
	sim_config_get(&before, sim_kunit_dev(test, dev));

	pci_sim_uncor_error(port, PCI_ERR_UNC_DLP);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(dev));
	er_expect_counts(test, dev, (struct pci_sim_counts){
			.probe = 1, .error_detected = 1,
			.slot_reset = 1, .resume = 1 });
	sim_config_expect(test, &before, sim_kunit_dev(test, dev));
}

/*
 * After a card was put in: while its Link trains, while the 100 ms go by that
 * it has to become ready, when it is enumerated, and later
 */
static const u32 er_hot_add_ms[] = { 10, 50, 100, 120, 124, 128, 130, 150, 300 };

/* Whatever is in flight when the error comes, the card works in the end */
static void er_in_hot_add(struct kunit *test)
{
	const struct er_variant *v = test->param_value;
	struct er er;
	unsigned int i;

	if (!v->hotplug)
		return;

	er_build(test, &er);
	sim_kunit_start(test, er.sim);
	for (i = 0; i < ARRAY_SIZE(er_hot_add_ms); i++) {
		pci_sim_unplug(er.port);
		msleep(5 * SIM_SETTLE_MS);
		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(er.port, er.ep));
		msleep(er_hot_add_ms[i]);
		if (v->dpc)
			pci_sim_dpc_trigger(er.port);
		else
			pci_sim_uncor_error(er.port, PCI_ERR_UNC_DLP);
		msleep(5 * SIM_SETTLE_MS);
		KUNIT_EXPECT_TRUE_MSG(test, sim_kunit_has_dev(er.ep) &&
				      sim_kunit_is_master(test, er.ep),
				      "error after %u ms", er_hot_add_ms[i]);
	}
}

/* After the error: when the Link is down, when it trains, when all is waited for */
static const u32 er_rescan_ms[] = { 0, 1, 3, 30, 110, 140 };

/* Without a slot it is a rescan that finds it, in the middle of the reset */
static void er_in_rescan(struct kunit *test)
{
	struct pci_bus *bus;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(er_rescan_ms); i++) {
		struct pci_sim *sim = sim_kunit_alloc(test);
		struct pci_sim_func *port, *ep;

		port = pci_sim_root_port(sim);
		ep = pci_sim_endpoint(sim, NULL);
		sim_kunit_start(test, sim);
		bus = sim_kunit_dev(test, port)->bus;

		KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
		msleep(SIM_IDLE_MS);
		pci_sim_uncor_error(port, PCI_ERR_UNC_DLP);
		msleep(er_rescan_ms[i]);
		pci_lock_rescan_remove();
		pci_rescan_bus(bus);
		pci_unlock_rescan_remove();
		msleep(2 * SIM_SETTLE_MS);

		/* It may have been without a Link then */
		pci_lock_rescan_remove();
		pci_rescan_bus(bus);
		pci_unlock_rescan_remove();
		KUNIT_EXPECT_TRUE_MSG(test, sim_kunit_has_dev(ep) &&
				      sim_kunit_is_master(test, ep),
				      "error after %u ms", er_rescan_ms[i]);
	}
}

struct er_found {
	struct pci_sim_func *f;
	bool locked;
};

static void er_at_reset(struct pci_sim_func *port, void *data)
{
	struct er_found *found = data;
	struct pci_dev *pdev __free(pci_dev_put) = pci_sim_get_dev(found->f);

	found->locked = pdev && mutex_is_locked(&pdev->dev.mutex);
}

/* A second Function that is there, and not known */
static void er_start_hidden(struct kunit *test, struct er *er,
			    struct er_found *found)
{
	found->f = pci_sim_function(er->ep, .ready_ms = 20);
	sim_kunit_start(test, er->sim);
	er->pdev = sim_kunit_dev(test, er->ep);
	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, found->f));
}

/*
 * A scan has the config access of the port while the reset waits for the lock
 * of a device, which it gets when that is unlocked.
 */
static void er_find_at_lock(struct kunit *test, struct er *er,
			    struct pci_sim_func *fails, struct er_found *found)
{
	struct pci_dev *port = sim_kunit_dev(test, er->port);

	/* The recovery has called ->error_detected() and waits for this */
	pci_cfg_access_lock(port);
	pci_sim_uncor_error(fails, PCI_ERR_UNC_MALF_TLP);
	msleep(SIM_SETTLE_MS);
	device_lock(&er->pdev->dev);
	pci_cfg_access_unlock(port);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(er->ep));

	pci_lock_rescan_remove();
	pci_rescan_bus(port->bus);
	pci_unlock_rescan_remove();
	KUNIT_EXPECT_TRUE(test, sim_kunit_has_dev(found->f));
	pci_sim_on_write(er->port, PCI_BRIDGE_CONTROL, er_at_reset, found);
}

/* What it finds is locked for the reset as well */
static void er_found_at_lock(struct kunit *test)
{
	struct er_found found = {};
	struct er er;

	er_build(test, &er);
	er_start_hidden(test, &er, &found);
	er_find_at_lock(test, &er, er.ep, &found);
	device_unlock(&er.pdev->dev);
	msleep(2 * SIM_SETTLE_MS);

	KUNIT_EXPECT_TRUE(test, found.locked);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(er.ep));
	er_expect_recovered(test, er.ep);
	er_expect_counts(test, found.f, (struct pci_sim_counts){
			.probe = 2, .remove = 1, .error_detected = 1,
			.slot_reset = 1, .resume = 1 });
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, found.f));
}

/* The others are recovered, but a driver that cannot be told has no DMA */
static void er_found_unaware(struct kunit *test)
{
	struct er_found found = {};
	struct pci_dev *pdev;
	struct er er;

	er_build(test, &er);
	er_start_hidden(test, &er, &found);
	er_fragile_begin(test, NULL);
	er_find_at_lock(test, &er, er.ep, &found);
	pdev = sim_kunit_dev(test, found.f);
	KUNIT_EXPECT_STREQ(test, er_fragile_driver.name,
			   dev_driver_string(&pdev->dev));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, found.f));
	device_unlock(&er.pdev->dev);
	msleep(2 * SIM_SETTLE_MS);

	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(found.f));
	er_expect_recovered(test, er.ep);
	KUNIT_EXPECT_STREQ(test, er_fragile_driver.name,
			   dev_driver_string(&pdev->dev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, found.f));
	sim_kunit_rebind(test, pdev);
}

static void er_expect_enumerated_again(struct kunit *test, struct er *er,
				       struct pci_sim_func *fails)
{
	struct er_removal r = {
		.test = test, .sim = er->sim,
		.command = PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE,
	};
	struct er_found found = {};

	er_start_hidden(test, er, &found);
	er_find_at_lock(test, er, fails, &found);
	r.nb.notifier_call = er_removed;
	KUNIT_EXPECT_EQ(test, 0, bus_register_notifier(&pci_bus_type, &r.nb));
	device_unlock(&er->pdev->dev);
	msleep(5 * SIM_SETTLE_MS);
	bus_unregister_notifier(&pci_bus_type, &r.nb);

	KUNIT_EXPECT_GE(test, r.silent, 2);
	SIM_EXPECT_BOUND(test, er->ep, 2, 1);
	SIM_EXPECT_BOUND(test, found.f, 3, 2);
}

/* Whichever Function of a card it is, the slot is enumerated again */
static void er_found_in_slot(struct kunit *test)
{
	struct er er;

	er_build(test, &er);
	er_expect_enumerated_again(test, &er, er.ep);
}

/* ... and whatever is between them */
static void er_found_below_slot(struct kunit *test)
{
	struct pci_sim_func *up;
	struct er er = {};

	er.sim = sim_kunit_alloc(test);
	er.port = pci_sim_root_port(er.sim, .hotplug = true);
	up = pci_sim_add_switch(er.sim, er.port);
	er.ep = pci_sim_endpoint(er.sim, pci_sim_downstream_port(up));
	er_expect_enumerated_again(test, &er, up);
}

static unsigned int er_uevents;

static int er_count_uevent(const struct device *dev,
			   struct kobj_uevent_env *env)
{
	for (int i = 0; i < env->envp_idx; i++)
		er_uevents += strstarts(env->envp[i], "ERROR_EVENT=");
	return 0;
}

static const struct device_type er_uevent_type = {
	.name = "pci-sim-uevent",
	.uevent = er_count_uevent,
};

/* What is removed meanwhile has no say, and sends no uevent afterwards */
static void er_removed_meanwhile(struct kunit *test)
{
	struct pci_dev *sibling;
	struct er er;

	er_build(test, &er);
	er.sibling = pci_sim_function(er.ep, .ready_ms = 20);
	sim_kunit_start(test, er.sim);
	er.pdev = sim_kunit_dev(test, er.ep);
	sibling = sim_kunit_dev(test, er.sibling);
	sibling->dev.type = &er_uevent_type;
	er_uevents = 0;

	/* The recovery waits to tell the driver of this */
	device_lock(&er.pdev->dev);
	pci_sim_uncor_error(er.ep, PCI_ERR_UNC_MALF_TLP);
	msleep(SIM_SETTLE_MS);
	pci_stop_and_remove_bus_device_locked(sibling);
	device_unlock(&er.pdev->dev);
	msleep(2 * SIM_SETTLE_MS);
	er_expect_recovered(test, er.ep);
	KUNIT_EXPECT_EQ(test, 0, er_uevents);

	pci_lock_rescan_remove();
	pci_rescan_bus(er.pdev->bus);
	pci_unlock_rescan_remove();
	SIM_EXPECT_BOUND(test, er.sibling, 2, 1);
}

static struct kunit_case er_cases[] = {
	KUNIT_CASE_PARAM(er_correctable, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_nonfatal, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_fatal, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_masked, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_contained, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_failed, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_unbound, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_unbound_nonfatal, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_none_bound, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_enabled_by_user, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_unaware, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_reserved, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_in_use, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_fails_again, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_failed_is_silent, er_variant_gen_params),
	KUNIT_CASE(er_failed_switch_is_silent),
	KUNIT_CASE_PARAM(er_vf_unaware, er_vf_gen_params),
	KUNIT_CASE(er_vf_fails),
	KUNIT_CASE(er_vf_asks),
	KUNIT_CASE(er_pf_gives_up),
	KUNIT_CASE(er_vf_alone_unaware),
	KUNIT_CASE(er_vf_not_affected),
	KUNIT_CASE(er_conventional),
	KUNIT_CASE_PARAM(er_in_hot_add, er_variant_gen_params),
	KUNIT_CASE(er_in_rescan),
	KUNIT_CASE_PARAM(er_found_at_lock, er_found_gen_params),
	KUNIT_CASE_PARAM(er_found_unaware, er_found_gen_params),
	KUNIT_CASE_PARAM(er_found_in_slot, er_found_slot_gen_params),
	KUNIT_CASE(er_found_below_slot),
	KUNIT_CASE_PARAM(er_removed_meanwhile, er_found_gen_params),
	{}
};

static struct kunit_suite er_suite = {
	.name = "pci-sim-error",
	.test_cases = er_cases,
};

kunit_test_suite(er_suite);
