// SPDX-License-Identifier: GPL-2.0
/*
 * PCIe r6.0, sec 10.3.1: a device does not use ATS while it is reset.  A
 * simulated IOMMU sees that all devices which a reset affects are blocked.
 */

#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "sim-kunit.h"

#define RI_FUNCS	2

/* An IOMMU, and what it knows about the Functions of the device behind it */
struct ri {
	struct iommu_device iommu;
	struct pci_sim_func *port;
	bool blocked[RI_FUNCS];
	unsigned int times[RI_FUNCS];	/* that it was blocked in a reset */
	bool resetting;
	unsigned int blocked_in_reset;	/* Functions that are, at that moment */
	unsigned int absent;		/* times that one did not answer */
	int result;
};

/* The domains have nothing that leads to their IOMMU */
static struct ri *ri;

static int ri_attach(struct iommu_domain *domain, struct device *dev,
		     struct iommu_domain *old)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	unsigned int func = PCI_FUNC(pdev->devfn);

	/* ATS would be stopped by an invalidation, which is to be answered */
	ri->absent += ri->resetting && !pci_device_is_present(pdev);
	ri->blocked[func] = domain->type == IOMMU_DOMAIN_BLOCKED;
	ri->times[func] += ri->resetting && ri->blocked[func];
	return 0;
}

static const struct iommu_domain_ops ri_domain_ops = {
	.attach_dev = ri_attach,
};

static struct iommu_domain ri_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &ri_domain_ops,
};

static struct iommu_domain ri_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &ri_domain_ops,
};

static struct iommu_device *ri_probe_device(struct device *dev)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return ERR_PTR(-ENODEV);

	pdev = to_pci_dev(dev);
	if (pdev->vendor != PCI_SIM_VENDOR_ID || pci_is_bridge(pdev) ||
	    PCI_FUNC(pdev->devfn) >= RI_FUNCS)
		return ERR_PTR(-ENODEV);

	return &ri->iommu;
}

static int ri_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops ri_ops = {
	.owner = THIS_MODULE,
	.probe_device = ri_probe_device,
	.device_group = generic_device_group,
	.def_domain_type = ri_def_domain_type,
	.identity_domain = &ri_identity,
	.blocked_domain = &ri_blocked,
};

static void ri_unregister(void *data)
{
	iommu_device_unregister(&ri->iommu);
	iommu_device_sysfs_remove(&ri->iommu);
	ri = NULL;
}

static void ri_register(struct kunit *test)
{
	ri = kunit_kzalloc(test, sizeof(*ri), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ri);
	ri->result = 1;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_sysfs_add(&ri->iommu, NULL, NULL,
					       "pci-sim-iommu"));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_register(&ri->iommu, &ri_ops, NULL));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, ri_unregister, NULL));
}

/* When the link goes down */
static void ri_count_blocked(struct pci_sim_func *port, void *data)
{
	for (unsigned int i = 0; i < RI_FUNCS; i++)
		ri->blocked_in_reset += ri->blocked[i];
}

/* The simulator has no ATS, and the IOMMU does not look for its registers */
static void ri_set_ats(struct pci_dev *pdev, u16 cap)
{
	for (unsigned int i = 0; i < RI_FUNCS; i++) {
		struct pci_dev *func = pci_get_slot(pdev->bus, i);

		if (func)
			func->ats_cap = cap;
		pci_dev_put(func);
	}
}

static void ri_begin(struct pci_dev *pdev)
{
	ri_set_ats(pdev, PCI_SIM_VSEC);
	pci_sim_on_write(ri->port, PCI_BRIDGE_CONTROL, ri_count_blocked, NULL);
	ri->resetting = true;
}

static void ri_end(struct pci_dev *pdev)
{
	ri->resetting = false;
	ri_set_ats(pdev, 0);
}

static int ri_reset(struct pci_dev *pdev, pci_reset_flags_t flags)
{
	int rc;

	ri_begin(pdev);
	rc = pci_reset_bus_flags(pdev, flags);
	ri_end(pdev);
	return rc;
}

static int ri_reset_in_probe(struct pci_dev *pdev, void *data)
{
	ri->result = ri_reset(pdev, PCI_RESET_LINK | PCI_RESET_LOCKED);
	return 0;
}

static struct pci_sim *ri_build(struct kunit *test, struct pci_sim_func **ep,
				bool dpc)
{
	struct pci_sim *sim;

	ri_register(test);
	sim = sim_kunit_alloc(test);
	ri->port = pci_sim_root_port(sim, .dpc = dpc);
	*ep = pci_sim_endpoint(sim, ri->port);
	pci_sim_function(*ep);
	return sim;
}

static void ri_expect(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, ri->result);
	KUNIT_EXPECT_EQ(test, RI_FUNCS, ri->blocked_in_reset);
	for (unsigned int i = 0; i < RI_FUNCS; i++) {
		KUNIT_EXPECT_EQ_MSG(test, 1, ri->times[i], "Function %u", i);
		KUNIT_EXPECT_FALSE_MSG(test, ri->blocked[i], "Function %u", i);
	}
}

static void ri_skip_without_iommu(struct kunit *test, struct pci_sim_func *ep)
{
	/* Where there is an IOMMU of another kind already */
	if (!device_iommu_mapped(&sim_kunit_dev(test, ep)->dev))
		kunit_skip(test, "needs a machine without an IOMMU");
}

/* The usual reset, of devices that have been there for long */
static void ri_link(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct pci_sim *sim;

	sim = ri_build(test, &ep, false);
	sim_kunit_start(test, sim);
	ri_skip_without_iommu(test, ep);

	ri->result = ri_reset(sim_kunit_dev(test, ep), PCI_RESET_LINK);
	ri_expect(test);
}

/* When nothing has been added yet but the Function whose driver resets */
static void ri_first_probe(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct pci_sim *sim;

	sim = ri_build(test, &ep, false);
	pci_sim_on_probe(ep, ri_reset_in_probe, NULL);
	sim_kunit_start(test, sim);
	ri_skip_without_iommu(test, ep);

	ri_expect(test);
}

static void ri_recover(struct kunit *test, bool dpc)
{
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	struct pci_sim *sim;

	if (!IS_ENABLED(CONFIG_PCIE_DPC))
		kunit_skip(test, "needs AER and DPC");

	sim = ri_build(test, &ep, dpc);
	sim_kunit_start(test, sim);
	ri_skip_without_iommu(test, ep);

	pdev = sim_kunit_dev(test, ep);
	ri_begin(pdev);
	pci_sim_uncor_error(ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	ri_end(pdev);
	ri->result = pci_sim_counts(ep).resume == 1 ? 0 : -EIO;
}

/* The reset of a recovery */
static void ri_recovery(struct kunit *test)
{
	ri_recover(test, false);
	ri_expect(test);
}

/* What does not answer is left alone: DPC has taken its link down */
static void ri_contained(struct kunit *test)
{
	ri_recover(test, true);
	KUNIT_EXPECT_EQ(test, 0, ri->result);
	KUNIT_EXPECT_EQ(test, 0, ri->absent);
	for (unsigned int i = 0; i < RI_FUNCS; i++)
		KUNIT_EXPECT_FALSE_MSG(test, ri->blocked[i], "Function %u", i);
}

static struct kunit_case ri_cases[] = {
	KUNIT_CASE(ri_link),
	KUNIT_CASE(ri_first_probe),
	KUNIT_CASE(ri_recovery),
	KUNIT_CASE(ri_contained),
	{}
};

static struct kunit_suite ri_suite = {
	.name = "pci-reset-iommu",
	.test_cases = ri_cases,
};

kunit_test_suite(ri_suite);

MODULE_DESCRIPTION("KUnit tests of PCI resets behind an IOMMU");
MODULE_LICENSE("GPL");
