// SPDX-License-Identifier: GPL-2.0
/*
 * PCIe r6.0, sec 10.3.1: a device does not use ATS while it is reset.  A
 * simulated IOMMU sees that all devices which a reset affects are blocked.
 */

#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "../sim-kunit.h"

#define TEST_IOMMU_FUNCS	2

/* An IOMMU, and what it knows about the Functions of the device behind it */
struct test_iommu {
	struct iommu_device iommu;
	struct pci_sim_func *port;
	bool blocked[TEST_IOMMU_FUNCS];
	unsigned int times[TEST_IOMMU_FUNCS]; /* that it was blocked in a reset */
	bool resetting;
	unsigned int blocked_in_reset;	/* Functions that are, at that moment */
	unsigned int absent;		/* times that one did not answer */
	int result;
};

/* Domains have no pointer to their IOMMU */
static struct test_iommu *test_iommu;

static int test_iommu_attach(struct iommu_domain *domain, struct device *dev,
			     struct iommu_domain *old)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	unsigned int func = PCI_FUNC(pdev->devfn);

	/*
	 * ATS is disabled with an invalidation, which the device has to answer
	 */
	test_iommu->absent += test_iommu->resetting &&
			      !pci_device_is_present(pdev);
	test_iommu->blocked[func] = domain->type == IOMMU_DOMAIN_BLOCKED;
	test_iommu->times[func] += test_iommu->resetting &&
				   test_iommu->blocked[func];
	return 0;
}

static const struct iommu_domain_ops test_iommu_domain_ops = {
	.attach_dev = test_iommu_attach,
};

static struct iommu_domain test_iommu_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &test_iommu_domain_ops,
};

static struct iommu_domain test_iommu_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &test_iommu_domain_ops,
};

static struct iommu_device *test_iommu_probe_device(struct device *dev)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return ERR_PTR(-ENODEV);

	pdev = to_pci_dev(dev);
	if (pdev->vendor != PCI_SIM_VENDOR_ID || pci_is_bridge(pdev) ||
	    PCI_FUNC(pdev->devfn) >= TEST_IOMMU_FUNCS)
		return ERR_PTR(-ENODEV);

	return &test_iommu->iommu;
}

static int test_iommu_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops test_iommu_ops = {
	.owner = THIS_MODULE,
	.probe_device = test_iommu_probe_device,
	.device_group = generic_device_group,
	.def_domain_type = test_iommu_def_domain_type,
	.identity_domain = &test_iommu_identity,
	.blocked_domain = &test_iommu_blocked,
};

static void test_iommu_unregister(void *data)
{
	iommu_device_unregister(&test_iommu->iommu);
	iommu_device_sysfs_remove(&test_iommu->iommu);
	test_iommu = NULL;
}

static void test_iommu_register(struct kunit *test)
{
	test_iommu = kunit_kzalloc(test, sizeof(*test_iommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, test_iommu);
	test_iommu->result = 1;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_sysfs_add(&test_iommu->iommu, NULL, NULL,
					       "pci-sim-iommu"));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_device_register(&test_iommu->iommu,
					      &test_iommu_ops, NULL));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, test_iommu_unregister,
						  NULL));
}

/* When the link goes down */
static void test_iommu_count_blocked(struct pci_sim_func *port, void *data)
{
	for (unsigned int i = 0; i < TEST_IOMMU_FUNCS; i++)
		test_iommu->blocked_in_reset += test_iommu->blocked[i];
}

/* The simulator has no ATS, and the IOMMU does not look for its registers */
static void test_iommu_set_ats(struct pci_dev *pdev, u16 cap)
{
	for (unsigned int i = 0; i < TEST_IOMMU_FUNCS; i++) {
		struct pci_dev *func = pci_get_slot(pdev->bus, i);

		if (func)
			func->ats_cap = cap;
		pci_dev_put(func);
	}
}

static void test_iommu_begin(struct pci_dev *pdev)
{
	test_iommu_set_ats(pdev, PCI_SIM_VSEC);
	pci_sim_on_write(test_iommu->port, PCI_BRIDGE_CONTROL,
			 test_iommu_count_blocked, NULL);
	test_iommu->resetting = true;
}

static void test_iommu_end(struct pci_dev *pdev)
{
	test_iommu->resetting = false;
	test_iommu_set_ats(pdev, 0);
}

static int test_iommu_reset(struct pci_dev *pdev, pci_reset_flags_t flags)
{
	int rc;

	test_iommu_begin(pdev);
	rc = pci_reset_bus_flags(pdev, flags);
	test_iommu_end(pdev);
	return rc;
}

static int test_iommu_reset_in_probe(struct pci_dev *pdev,
				     enum pci_sim_call call, void *data)
{
	if (call != PCI_SIM_PROBE)
		return 0;

	test_iommu->result =
		test_iommu_reset(pdev, PCI_RESET_LINK | PCI_RESET_LOCKED);
	return 0;
}

static struct pci_sim *test_iommu_build(struct kunit *test,
					struct pci_sim_func **ep, bool dpc)
{
	struct pci_sim *sim;

	test_iommu_register(test);
	sim = sim_kunit_alloc(test);
	test_iommu->port = pci_sim_root_port(sim, .dpc = dpc);
	*ep = pci_sim_endpoint(sim, test_iommu->port);
	pci_sim_function(*ep);
	return sim;
}

static void test_iommu_expect(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, test_iommu->result);
	KUNIT_EXPECT_EQ(test, TEST_IOMMU_FUNCS, test_iommu->blocked_in_reset);
	for (unsigned int i = 0; i < TEST_IOMMU_FUNCS; i++) {
		KUNIT_EXPECT_EQ_MSG(test, 1, test_iommu->times[i],
				    "Function %u", i);
		KUNIT_EXPECT_FALSE_MSG(test, test_iommu->blocked[i],
				       "Function %u", i);
	}
}

static void test_iommu_skip_without_iommu(struct kunit *test,
					  struct pci_sim_func *ep)
{
	/* Where there is an IOMMU of another kind already */
	if (!device_iommu_mapped(&sim_kunit_dev(test, ep)->dev))
		kunit_skip(test, "needs a machine without an IOMMU");
}

/* Reset of devices that are bound to their drivers */
static void iommu_blocks_in_link_reset(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct pci_sim *sim;

	sim = test_iommu_build(test, &ep, false);
	sim_kunit_start(test, sim);
	test_iommu_skip_without_iommu(test, ep);

	test_iommu->result =
		test_iommu_reset(sim_kunit_dev(test, ep), PCI_RESET_LINK);
	test_iommu_expect(test);
}

/* A driver resets before the other Functions have been added */
static void iommu_blocks_in_reset_by_first_probe(struct kunit *test)
{
	struct pci_sim_func *ep;
	struct pci_sim *sim;

	sim = test_iommu_build(test, &ep, false);
	pci_sim_on_call(ep, test_iommu_reset_in_probe, NULL);
	sim_kunit_start(test, sim);
	test_iommu_skip_without_iommu(test, ep);

	test_iommu_expect(test);
}

static void test_iommu_recover(struct kunit *test, bool dpc)
{
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	struct pci_sim *sim;

	if (!IS_ENABLED(CONFIG_PCIE_DPC))
		kunit_skip(test, "needs AER and DPC");

	sim = test_iommu_build(test, &ep, dpc);
	sim_kunit_start(test, sim);
	test_iommu_skip_without_iommu(test, ep);

	pdev = sim_kunit_dev(test, ep);
	test_iommu_begin(pdev);
	pci_sim_uncor_error(ep, PCI_ERR_UNC_MALF_TLP);
	msleep(2 * SIM_SETTLE_MS);
	test_iommu_end(pdev);
	test_iommu->result = pci_sim_counts(ep).resume == 1 ? 0 : -EIO;
}

/* The reset of a recovery */
static void iommu_blocks_in_recovery(struct kunit *test)
{
	test_iommu_recover(test, false);
	test_iommu_expect(test);
}

/* Devices that do not answer are not blocked: DPC has disabled their link */
static void iommu_is_left_alone_if_contained(struct kunit *test)
{
	test_iommu_recover(test, true);
	KUNIT_EXPECT_EQ(test, 0, test_iommu->result);
	KUNIT_EXPECT_EQ(test, 0, test_iommu->absent);
	for (unsigned int i = 0; i < TEST_IOMMU_FUNCS; i++)
		KUNIT_EXPECT_FALSE_MSG(test, test_iommu->blocked[i],
				       "Function %u", i);
}

static struct kunit_case test_iommu_cases[] = {
	KUNIT_CASE(iommu_blocks_in_link_reset),
	KUNIT_CASE(iommu_blocks_in_reset_by_first_probe),
	KUNIT_CASE(iommu_blocks_in_recovery),
	KUNIT_CASE(iommu_is_left_alone_if_contained),
	{}
};

static struct kunit_suite test_iommu_suite = {
	.name = "pci_reset_iommu",
	.test_cases = test_iommu_cases,
};

kunit_test_suite(test_iommu_suite);

MODULE_DESCRIPTION("KUnit tests of PCI resets behind an IOMMU");
MODULE_LICENSE("GPL");
