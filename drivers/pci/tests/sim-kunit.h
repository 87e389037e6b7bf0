/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites on the simulated PCIe fabric have in common
 */
#ifndef _DRIVERS_PCI_TESTS_SIM_KUNIT_H
#define _DRIVERS_PCI_TESTS_SIM_KUNIT_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/pci-sim.h>
#include <linux/sysfs.h>

/* Where the simulator has it, in all Functions */
#define SIM_SCRATCH	(PCI_SIM_VSEC + PCI_SIM_VSEC_SCRATCH)
#define SIM_SCRATCH_PCI	(PCI_SIM_VNDR + PCI_SIM_VSEC_SCRATCH)
#define SIM_MARK	0x5eed5eed

/* A device is added or removed in far less, unless something is broken */
#define SIM_SETTLE_MS	1000
/* After this a port with nothing below it is asleep */
#define SIM_IDLE_MS	300

/*
 * Removing a hotplug port while its interrupt thread adds or removes a device
 * can deadlock (free_irq() of the PME interrupt, with pci_rescan_remove_lock
 * held): let things settle, after a test that has failed halfway as well.
 */
static inline void sim_kunit_destroy(void *sim)
{
	msleep(SIM_SETTLE_MS);
	pci_sim_destroy(sim);
}

KUNIT_DEFINE_ACTION_WRAPPER(sim_kunit_dev_put, pci_dev_put, struct pci_dev *);

/* A fabric that goes away with the test */
static inline struct pci_sim *sim_kunit_alloc(struct kunit *test)
{
	struct pci_sim *sim = pci_sim_alloc();

	KUNIT_ASSERT_NOT_NULL(test, sim);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_destroy,
						  sim));
	return sim;
}

/* Start it, and wait until the drivers have nothing to do any more */
static inline void sim_kunit_start(struct kunit *test, struct pci_sim *sim)
{
	KUNIT_ASSERT_EQ(test, 0, pci_sim_start(sim));
	msleep(SIM_IDLE_MS);
}

/* The device of a Function, with a reference until the end of the test */
static inline struct pci_dev *sim_kunit_dev(struct kunit *test,
					    struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_dev_put,
						  pdev));
	return pdev;
}

/* Whether the kernel has a device for a Function now */
static inline bool sim_kunit_has_dev(struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);

	pci_dev_put(pdev);
	return pdev;
}

static inline int sim_scratch(struct pci_sim_func *f)
{
	return pci_sim_peek(f, PCI_SIM_VSEC) ? SIM_SCRATCH : SIM_SCRATCH_PCI;
}

/* Leave a mark that only a reset takes away */
static inline void sim_kunit_mark(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);

	pci_write_config_dword(pdev, sim_scratch(f), SIM_MARK);
	KUNIT_ASSERT_EQ(test, SIM_MARK, pci_sim_peek(f, sim_scratch(f)));
}

/*
 * Tables that are combined make thousands of parameters, which take days where
 * time is real, and minutes with KASAN.  One in so many is run then: a step that
 * has no divisor in common with the length of a table comes across all of it.
 */
static inline unsigned int sim_kunit_step(unsigned int real_time,
					  unsigned int kasan)
{
	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		return real_time;

	return IS_ENABLED(CONFIG_KASAN) ? kasan : 1;
}

/* As if somebody had written to the PF's "sriov_numvfs" in sysfs */
static inline int sim_kunit_set_vfs(struct pci_dev *pdev, int n)
{
	int ret;

	pci_lock_rescan_remove();
	device_lock(&pdev->dev);
	ret = pdev->driver->sriov_configure(pdev, n);
	device_unlock(&pdev->dev);
	pci_unlock_rescan_remove();
	return ret;
}

/* Whether what the driver of a Function has set up is there */
static inline bool sim_kunit_is_master(struct kunit *test,
				       struct pci_sim_func *f)
{
	u16 command;

	pci_read_config_word(sim_kunit_dev(test, f), PCI_COMMAND, &command);
	return !PCI_POSSIBLE_ERROR(command) && command & PCI_COMMAND_MASTER;
}

/*
 * Write to a file in sysfs without a file system: attributes are looked up
 * where the driver core has them from.  Returns 0 or an error.
 */
static inline int sim_kunit_store(struct pci_dev *pdev, const char *name,
				  const char *value)
{
	const struct attribute_group *const *lists[] = {
		pdev->dev.bus->dev_groups,
		pdev->dev.type->groups,
	};
	const struct attribute_group *const *group;
	struct device_attribute *attr;
	unsigned int i, j;
	ssize_t ret;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (group = lists[i]; group && *group; group++) {
			for (j = 0; (*group)->attrs && (*group)->attrs[j]; j++) {
				if (strcmp((*group)->attrs[j]->name, name))
					continue;
				attr = container_of((*group)->attrs[j],
						    struct device_attribute,
						    attr);
				ret = attr->store(&pdev->dev, attr, value,
						  strlen(value));
				return ret < 0 ? ret : 0;
			}
		}
	}
	return -ENOENT;
}

/* Those registers of an Endpoint that the kernel has set up and restores */
struct sim_config {
	u32 command;
	u32 bar;
	u16 devctl;
	u16 lnkctl;
	u32 msi;
	u32 severity;
};

static inline void sim_config_get(struct sim_config *c, struct pci_dev *pdev)
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

static inline void sim_config_expect(struct kunit *test,
				     const struct sim_config *before,
				     struct pci_dev *pdev)
{
	struct sim_config now;

	/* A driver has set these, so what is restored is not the default */
	KUNIT_EXPECT_TRUE(test, before->command & PCI_COMMAND_MASTER);
	KUNIT_EXPECT_NE(test, 0, before->bar);

	sim_config_get(&now, pdev);
	KUNIT_EXPECT_MEMEQ(test, before, &now, sizeof(now));
}

/* How often a Function was probed and removed */
#define SIM_EXPECT_BOUND(test, f, probes, removes)			\
	sim_expect_bound(test, f, #f, __LINE__, probes, removes)

static inline void sim_expect_bound(struct kunit *test, struct pci_sim_func *f,
				    const char *name, int line,
				    unsigned int probes, unsigned int removes)
{
	struct pci_sim_counts c = pci_sim_counts(f);

	KUNIT_EXPECT_EQ_MSG(test, c.probe, probes, "%s probed, line %d",
			    name, line);
	KUNIT_EXPECT_EQ_MSG(test, c.remove, removes, "%s removed, line %d",
			    name, line);
}

/* How often its driver was told to prepare for a reset and that it is over */
#define SIM_EXPECT_TOLD(test, f, times)					\
	sim_expect_told(test, f, #f, __LINE__, times)

static inline void sim_expect_told(struct kunit *test, struct pci_sim_func *f,
				   const char *name, int line,
				   unsigned int times)
{
	struct pci_sim_counts c = pci_sim_counts(f);

	KUNIT_EXPECT_EQ_MSG(test, c.reset_prepare, times,
			    "%s: reset_prepare, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, c.reset_done, times,
			    "%s: reset_done, line %d", name, line);
}

/* It was marked, and then reset once, in this way, with its driver bound */
#define SIM_EXPECT_RESET(test, f, kind)					\
	sim_expect_reset(test, f, #f, __LINE__, kind)

static inline void sim_expect_reset(struct kunit *test, struct pci_sim_func *f,
				    const char *name, int line,
				    enum pci_sim_reset kind)
{
	KUNIT_EXPECT_EQ_MSG(test, 0, pci_sim_peek(f, sim_scratch(f)),
			    "%s was not reset, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 1, pci_sim_resets(f, kind),
			    "%s: resets of this kind, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 1, pci_sim_resets_all(f),
			    "%s: resets, line %d", name, line);
	sim_expect_told(test, f, name, line, 1);
	sim_expect_bound(test, f, name, line, 1, 0);
}

/* It was marked, and nothing has happened to it since */
#define SIM_EXPECT_UNTOUCHED(test, f)					\
	sim_expect_untouched(test, f, #f, __LINE__)

static inline void sim_expect_untouched(struct kunit *test,
					struct pci_sim_func *f,
					const char *name, int line)
{
	KUNIT_EXPECT_EQ_MSG(test, SIM_MARK, pci_sim_peek(f, sim_scratch(f)),
			    "%s was reset, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 0, pci_sim_resets_all(f),
			    "%s: resets, line %d", name, line);
	sim_expect_told(test, f, name, line, 0);
	sim_expect_bound(test, f, name, line, 1, 0);
}

#endif /* _DRIVERS_PCI_TESTS_SIM_KUNIT_H */
