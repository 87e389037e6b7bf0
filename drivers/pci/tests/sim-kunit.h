/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the KUnit suites on the simulated PCIe fabric
 */
#ifndef _DRIVERS_PCI_TESTS_SIM_KUNIT_H
#define _DRIVERS_PCI_TESTS_SIM_KUNIT_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/pci-sim.h>
#include <linux/pci.h>

/* Where the simulator has it, in all Functions with extended config space */
#define SIM_SCRATCH	(PCI_SIM_VSEC + PCI_SIM_VSEC_SCRATCH)
#define SIM_MARK	0x5eed5eed

/* A device is added or removed in far less, unless something is broken */
#define SIM_SETTLE_MS	1000
/* After this a port with nothing below it is asleep */
#define SIM_IDLE_MS	300

/**
 * sim_kunit_alloc - make a fabric that goes away with the test
 * @test: test
 *
 * Fails the test if there is no memory.
 *
 * Return: the fabric, to be filled and started with sim_kunit_start().
 */
struct pci_sim *sim_kunit_alloc(struct kunit *test);

/**
 * sim_kunit_start - start a fabric and wait until its drivers are idle
 * @test: test
 * @sim: fabric
 *
 * At the end of the test whatever is plugged in and has a Link has to be there
 * and to work, and each empty slot to notice a card.
 */
void sim_kunit_start(struct kunit *test, struct pci_sim *sim);

/**
 * sim_kunit_finish - check and destroy a fabric before the end of the test
 * @test: test
 * @sim: what sim_kunit_alloc() returned
 *
 * What sim_kunit_expect_dead() and sim_kunit_expect_unbound() were told is
 * forgotten.
 */
void sim_kunit_finish(struct kunit *test, struct pci_sim *sim);

/**
 * sim_kunit_expect_dead - exempt a Function from the checks at the end
 * @test: test
 * @f: Function; neither it nor what is below it has to work, nor has its slot
 *     to notice a card
 */
void sim_kunit_expect_dead(struct kunit *test, struct pci_sim_func *f);

/**
 * sim_kunit_expect_unbound - a Function needs no driver at the end
 * @test: test
 * @f: Function; it still has to be there with its addresses
 */
void sim_kunit_expect_unbound(struct kunit *test, struct pci_sim_func *f);

/**
 * sim_kunit_dev - get the device of a Function
 * @test: test; fails if there is no device
 * @f: Function
 *
 * Return: the device, with a reference that is dropped at the end of the test.
 */
struct pci_dev *sim_kunit_dev(struct kunit *test, struct pci_sim_func *f);

/**
 * sim_kunit_dev_put - drop the reference of sim_kunit_dev()
 * @pdev: struct pci_dev
 *
 * For kunit_release_action().
 */
void sim_kunit_dev_put(void *pdev);

/**
 * sim_kunit_has_dev - whether the kernel has a device for a Function now
 * @f: Function
 *
 * Return: true if it has.
 */
bool sim_kunit_has_dev(struct pci_sim_func *f);

/**
 * sim_kunit_mark - leave a mark that only a reset removes
 * @test: test
 * @f: Function
 */
void sim_kunit_mark(struct kunit *test, struct pci_sim_func *f);

/**
 * sim_kunit_step - how many parameters of a long table to run
 * @real_time: step where time is real
 * @kasan: step with KASAN
 *
 * Tables that are combined make thousands of parameters, which take days where
 * time is real, and minutes with KASAN.  A step that has no divisor in common
 * with the length of a table comes across all of it.
 *
 * Return: n, for one parameter in n to be run.
 */
unsigned int sim_kunit_step(unsigned int real_time, unsigned int kasan);

/**
 * sim_kunit_probe - enable a device and make it a bus master
 * @pdev: device
 * @id: not used
 *
 * Return: 0 or a negative error.
 */
int sim_kunit_probe(struct pci_dev *pdev, const struct pci_device_id *id);

/**
 * sim_kunit_bind - bind a driver to a Function
 * @test: test, until whose end the driver is registered
 * @f: Function
 * @template: driver, apart from its ->probe(), which is sim_kunit_probe()
 */
void sim_kunit_bind(struct kunit *test, struct pci_sim_func *f,
		    const struct pci_driver *template);

/**
 * sim_kunit_bind_unaware - bind a driver without error handlers
 * @test: test
 * @f: Function
 */
void sim_kunit_bind_unaware(struct kunit *test, struct pci_sim_func *f);

/**
 * sim_kunit_rebind - bind the driver of the simulator, or bind it anew
 * @test: test
 * @pdev: device
 */
void sim_kunit_rebind(struct kunit *test, struct pci_dev *pdev);

/**
 * sim_kunit_set_vfs - call ->sriov_configure() like "sriov_numvfs" in sysfs
 * @pdev: PF
 * @n: number of VFs
 *
 * Return: number of VFs, or a negative error.
 */
int sim_kunit_set_vfs(struct pci_dev *pdev, int n);

/**
 * sim_kunit_rescan - rescan a bus with pci_rescan_remove_lock held
 * @bus: bus
 */
void sim_kunit_rescan(struct pci_bus *bus);

/**
 * sim_kunit_is_master - whether a Function is a bus master
 * @test: test
 * @f: Function
 *
 * The driver of an Endpoint sets that up, and a reset undoes it.
 *
 * Return: true if the Function answers and is one.
 */
bool sim_kunit_is_master(struct kunit *test, struct pci_sim_func *f);

/**
 * sim_kunit_store - write to a file in sysfs without a file system
 * @pdev: device
 * @name: of the attribute
 * @value: what is written
 *
 * Return: 0, the error of the attribute, or -ENOENT if there is none.
 */
int sim_kunit_store(struct pci_dev *pdev, const char *name, const char *value);

/**
 * struct sim_config - registers that the kernel has set up and restores
 * @command: Command and Status
 * @bar: BAR 0
 * @devctl: Device Control
 * @lnkctl: Link Control
 * @msi: MSI capability header
 * @severity: Uncorrectable Error Severity
 */
struct sim_config {
	u32 command;
	u32 bar;
	u16 devctl;
	u16 lnkctl;
	u32 msi;
	u32 severity;
};

/**
 * sim_kunit_config_get - read the registers of an Endpoint
 * @c: what they are now
 * @pdev: device
 */
void sim_kunit_config_get(struct sim_config *c, struct pci_dev *pdev);

/**
 * sim_kunit_config_expect - check that an Endpoint has its configuration
 * @test: test
 * @before: what sim_kunit_config_get() read when a driver had set it up
 * @pdev: device
 */
void sim_kunit_config_expect(struct kunit *test,
			     const struct sim_config *before,
			     struct pci_dev *pdev);

/* How often a Function was probed and removed */
#define SIM_EXPECT_BOUND(test, f, probes, removes) \
	sim_kunit_expect_bound(test, f, #f, __LINE__, probes, removes)

/* How often its driver was told to prepare for a reset and that it is over */
#define SIM_EXPECT_TOLD(test, f, times) \
	sim_kunit_expect_told(test, f, #f, __LINE__, times)

/* It was marked, and then reset once, in this way, with its driver bound */
#define SIM_EXPECT_RESET(test, f, kind) \
	sim_kunit_expect_reset(test, f, #f, __LINE__, kind)

/* It was marked, and nothing has happened to it since */
#define SIM_EXPECT_UNTOUCHED(test, f) \
	sim_kunit_expect_untouched(test, f, #f, __LINE__)

void sim_kunit_expect_bound(struct kunit *test, struct pci_sim_func *f,
			    const char *name, int line, unsigned int probes,
			    unsigned int removes);
void sim_kunit_expect_told(struct kunit *test, struct pci_sim_func *f,
			   const char *name, int line, unsigned int times);
void sim_kunit_expect_reset(struct kunit *test, struct pci_sim_func *f,
			    const char *name, int line,
			    enum pci_sim_reset kind);
void sim_kunit_expect_untouched(struct kunit *test, struct pci_sim_func *f,
				const char *name, int line);

#endif /* _DRIVERS_PCI_TESTS_SIM_KUNIT_H */
