// SPDX-License-Identifier: GPL-2.0
/*
 * AER and DPC on a simulated fabric: errors reach the driver, what has to be
 * reset is reset once, and pciehp does not interfere
 */

#include <linux/pci.h>

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

struct er {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	struct sim_config before;
};

static void er_start(struct kunit *test, struct er *er)
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
	sim_kunit_start(test, er->sim);

	er->pdev = sim_kunit_dev(test, er->ep);
	sim_kunit_mark(test, er->ep);
	sim_config_get(&er->before, er->pdev);
}

static void er_expect(struct kunit *test, struct er *er,
		      struct pci_sim_counts want)
{
	struct pci_sim_counts is = pci_sim_counts(er->ep);

	KUNIT_EXPECT_EQ(test, want.probe, is.probe);
	KUNIT_EXPECT_EQ(test, want.remove, is.remove);
	KUNIT_EXPECT_EQ(test, want.error_detected, is.error_detected);
	KUNIT_EXPECT_EQ(test, want.perm_failure, is.perm_failure);
	KUNIT_EXPECT_EQ(test, want.mmio_enabled, is.mmio_enabled);
	KUNIT_EXPECT_EQ(test, want.slot_reset, is.slot_reset);
	KUNIT_EXPECT_EQ(test, want.resume, is.resume);
}

/* Nothing but a line in the log */
static void er_correctable(struct kunit *test)
{
	struct er er;

	er_start(test, &er);
	pci_sim_cor_error(er.ep, PCI_ERR_COR_BAD_TLP);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(er.ep));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(er.ep, er.pdev->aer_cap +
						     PCI_ERR_COR_STATUS));
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
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(er.ep));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(er.ep, er.pdev->aer_cap +
						     PCI_ERR_UNCOR_STATUS));
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

static struct kunit_case er_cases[] = {
	KUNIT_CASE_PARAM(er_correctable, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_nonfatal, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_fatal, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_masked, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_contained, er_variant_gen_params),
	KUNIT_CASE_PARAM(er_failed, er_variant_gen_params),
	{}
};

static struct kunit_suite er_suite = {
	.name = "pci-sim-error",
	.test_cases = er_cases,
};

kunit_test_suite(er_suite);
