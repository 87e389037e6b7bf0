// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers of the KUnit suites on the simulated PCIe fabric
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci-sim.h>
#include <linux/pci.h>
#include <linux/sysfs.h>

#include "sim-kunit.h"

/* Where pci_sim_peek() finds it in Functions without extended config space */
#define SIM_SCRATCH_PCI	(PCI_SIM_VNDR + PCI_SIM_VSEC_SCRATCH)

void sim_kunit_dev_put(void *pdev)
{
	pci_dev_put(pdev);
}
EXPORT_SYMBOL_GPL(sim_kunit_dev_put);

struct pci_dev *sim_kunit_dev(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_dev_put,
						  pdev));
	return pdev;
}
EXPORT_SYMBOL_GPL(sim_kunit_dev);

bool sim_kunit_has_dev(struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);

	pci_dev_put(pdev);
	return pdev;
}
EXPORT_SYMBOL_GPL(sim_kunit_has_dev);

static int sim_kunit_scratch(struct pci_sim_func *f)
{
	return pci_sim_peek(f, PCI_SIM_VSEC) ? SIM_SCRATCH : SIM_SCRATCH_PCI;
}

void sim_kunit_mark(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);

	pci_write_config_dword(pdev, sim_kunit_scratch(f), SIM_MARK);
	KUNIT_ASSERT_EQ(test, SIM_MARK, pci_sim_peek(f, sim_kunit_scratch(f)));
}
EXPORT_SYMBOL_GPL(sim_kunit_mark);

unsigned int sim_kunit_step(unsigned int real_time, unsigned int kasan)
{
	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		return real_time;

	return IS_ENABLED(CONFIG_KASAN) ? kasan : 1;
}
EXPORT_SYMBOL_GPL(sim_kunit_step);

int sim_kunit_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int rc = pcim_enable_device(pdev);

	if (!rc)
		pci_set_master(pdev);
	return rc;
}
EXPORT_SYMBOL_GPL(sim_kunit_probe);

KUNIT_DEFINE_ACTION_WRAPPER(sim_kunit_unregister, pci_unregister_driver,
			    struct pci_driver *);

void sim_kunit_bind(struct kunit *test, struct pci_sim_func *f,
		    const struct pci_driver *template)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);
	struct pci_driver *driver;

	driver = kunit_kzalloc(test, sizeof(*driver), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, driver);
	*driver = *template;
	driver->probe = sim_kunit_probe;
	KUNIT_ASSERT_EQ(test, 0, pci_register_driver(driver));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_unregister,
						  driver));

	device_release_driver(&pdev->dev);
	KUNIT_ASSERT_EQ(test, 0,
			device_set_driver_override(&pdev->dev, driver->name));
	KUNIT_ASSERT_EQ(test, 1, device_attach(&pdev->dev));
	KUNIT_ASSERT_PTR_EQ(test, &driver->driver, pdev->dev.driver);
}
EXPORT_SYMBOL_GPL(sim_kunit_bind);

void sim_kunit_bind_unaware(struct kunit *test, struct pci_sim_func *f)
{
	sim_kunit_bind(test, f,
		       &(struct pci_driver){ .name = "pci-sim-unaware" });
}
EXPORT_SYMBOL_GPL(sim_kunit_bind_unaware);

void sim_kunit_rebind(struct kunit *test, struct pci_dev *pdev)
{
	device_release_driver(&pdev->dev);
	KUNIT_EXPECT_EQ(test, 0, device_set_driver_override(&pdev->dev, ""));
	KUNIT_EXPECT_EQ(test, 1, device_attach(&pdev->dev));
}
EXPORT_SYMBOL_GPL(sim_kunit_rebind);

int sim_kunit_set_vfs(struct pci_dev *pdev, int n)
{
	int rc;

	pci_lock_rescan_remove();
	scoped_guard(device, &pdev->dev)
		rc = pdev->driver->sriov_configure(pdev, n);
	pci_unlock_rescan_remove();
	return rc;
}
EXPORT_SYMBOL_GPL(sim_kunit_set_vfs);

void sim_kunit_rescan(struct pci_bus *bus)
{
	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
}
EXPORT_SYMBOL_GPL(sim_kunit_rescan);

bool sim_kunit_is_master(struct kunit *test, struct pci_sim_func *f)
{
	u16 command;

	pci_read_config_word(sim_kunit_dev(test, f), PCI_COMMAND, &command);
	return !PCI_POSSIBLE_ERROR(command) && command & PCI_COMMAND_MASTER;
}
EXPORT_SYMBOL_GPL(sim_kunit_is_master);

int sim_kunit_store(struct pci_dev *pdev, const char *name, const char *value)
{
	const struct attribute_group *const *lists[] = {
		pdev->dev.bus->dev_groups,
		pdev->dev.type->groups,
	};
	const struct attribute_group *const *group;
	struct device_attribute *attr;
	unsigned int i, j;
	ssize_t rc;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (group = lists[i]; group && *group; group++) {
			for (j = 0; (*group)->attrs && (*group)->attrs[j];
			     j++) {
				if (strcmp((*group)->attrs[j]->name, name))
					continue;
				attr = container_of((*group)->attrs[j],
						    struct device_attribute,
						    attr);
				rc = attr->store(&pdev->dev, attr, value,
						 strlen(value));
				return rc < 0 ? rc : 0;
			}
		}
	}
	return -ENOENT;
}
EXPORT_SYMBOL_GPL(sim_kunit_store);

void sim_kunit_config_get(struct sim_config *c, struct pci_dev *pdev)
{
	memset(c, 0, sizeof(*c));
	pci_read_config_dword(pdev, PCI_COMMAND, &c->command);
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0, &c->bar);
	pcie_capability_read_word(pdev, PCI_EXP_DEVCTL, &c->devctl);
	pcie_capability_read_word(pdev, PCI_EXP_LNKCTL, &c->lnkctl);
	pci_read_config_dword(pdev, pdev->msi_cap, &c->msi);
	pci_read_config_dword(pdev, pdev->aer_cap + PCI_ERR_UNCOR_SEVER,
			      &c->severity);
}
EXPORT_SYMBOL_GPL(sim_kunit_config_get);

void sim_kunit_config_expect(struct kunit *test,
			     const struct sim_config *before,
			     struct pci_dev *pdev)
{
	struct sim_config now;

	/* A driver has set these, so they differ from the defaults */
	KUNIT_EXPECT_TRUE(test, before->command & PCI_COMMAND_MASTER);
	KUNIT_EXPECT_NE(test, 0, before->bar);

	sim_kunit_config_get(&now, pdev);
	KUNIT_EXPECT_MEMEQ(test, before, &now, sizeof(now));
}
EXPORT_SYMBOL_GPL(sim_kunit_config_expect);

void sim_kunit_expect_bound(struct kunit *test, struct pci_sim_func *f,
			    const char *name, int line, unsigned int probes,
			    unsigned int removes)
{
	struct pci_sim_counts c = pci_sim_counts(f);

	KUNIT_EXPECT_EQ_MSG(test, c.probe, probes, "%s probed, line %d", name,
			    line);
	KUNIT_EXPECT_EQ_MSG(test, c.remove, removes, "%s removed, line %d",
			    name, line);
}
EXPORT_SYMBOL_GPL(sim_kunit_expect_bound);

void sim_kunit_expect_told(struct kunit *test, struct pci_sim_func *f,
			   const char *name, int line, unsigned int times)
{
	struct pci_sim_counts c = pci_sim_counts(f);

	KUNIT_EXPECT_EQ_MSG(test, c.reset_prepare, times,
			    "%s: reset_prepare, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, c.reset_done, times,
			    "%s: reset_done, line %d", name, line);
}
EXPORT_SYMBOL_GPL(sim_kunit_expect_told);

void sim_kunit_expect_reset(struct kunit *test, struct pci_sim_func *f,
			    const char *name, int line, enum pci_sim_reset kind)
{
	KUNIT_EXPECT_EQ_MSG(test, 0, pci_sim_peek(f, sim_kunit_scratch(f)),
			    "%s was not reset, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 1, pci_sim_resets(f, kind),
			    "%s: resets of this kind, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 1, pci_sim_resets_all(f),
			    "%s: resets, line %d", name, line);
	sim_kunit_expect_told(test, f, name, line, 1);
	sim_kunit_expect_bound(test, f, name, line, 1, 0);
}
EXPORT_SYMBOL_GPL(sim_kunit_expect_reset);

void sim_kunit_expect_untouched(struct kunit *test, struct pci_sim_func *f,
				const char *name, int line)
{
	KUNIT_EXPECT_EQ_MSG(test, SIM_MARK,
			    pci_sim_peek(f, sim_kunit_scratch(f)),
			    "%s was reset, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 0, pci_sim_resets_all(f),
			    "%s: resets, line %d", name, line);
	sim_kunit_expect_told(test, f, name, line, 0);
	sim_kunit_expect_bound(test, f, name, line, 1, 0);
}
EXPORT_SYMBOL_GPL(sim_kunit_expect_untouched);

MODULE_DESCRIPTION("Helpers of the KUnit suites on a simulated PCIe fabric");
MODULE_LICENSE("GPL");
