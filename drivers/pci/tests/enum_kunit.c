// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI core enumerates a simulated fabric and finds what was built
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>

#include "sim-kunit.h"

/* A single Endpoint: IDs, BAR, serial number, capabilities */
static void enum_endpoint(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim);
	ep = pci_sim_endpoint(sim, port, .device = 0x1234, .flr = true,
			      .bar_size = SZ_64K, .dsn = 0x1122334455667788);
	sim_kunit_start(test, sim);

	pdev = sim_kunit_dev(test, ep);
	KUNIT_EXPECT_EQ(test, PCI_SIM_VENDOR_ID, pdev->vendor);
	KUNIT_EXPECT_EQ(test, 0x1234, pdev->device);
	KUNIT_EXPECT_EQ(test, 0x1122334455667788, pci_get_dsn(pdev));
	KUNIT_EXPECT_EQ(test, SZ_64K, pci_resource_len(pdev, 0));
	KUNIT_EXPECT_NE(test, 0, pci_resource_start(pdev, 0));
	KUNIT_EXPECT_EQ(test, PCI_EXP_TYPE_ENDPOINT, pci_pcie_type(pdev));
	KUNIT_EXPECT_NE(test, 0, pci_find_capability(pdev, PCI_CAP_ID_PM));
	KUNIT_EXPECT_NE(test, 0, pci_find_capability(pdev, PCI_CAP_ID_MSI));
	KUNIT_EXPECT_EQ(test, 0, pci_find_capability(pdev, PCI_CAP_ID_AF));
	KUNIT_EXPECT_NE(test, 0,
			pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_ERR));
	KUNIT_EXPECT_TRUE(test, pdev->devcap & PCI_EXP_DEVCAP_FLR);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/* A read of an absent Function returns ~0, and a write to it is dropped */
static void enum_absent_device_reads_all_ones(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *empty, *port, *ep;
	struct pci_bus *bus;
	u32 val;

	empty = pci_sim_root_port(sim);
	port = pci_sim_root_port(sim);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);

	bus = sim_kunit_dev(test, empty)->subordinate;
	pci_bus_read_config_dword(bus, 0, PCI_VENDOR_ID, &val);
	KUNIT_EXPECT_EQ(test, ~0, val);

	bus = sim_kunit_dev(test, ep)->bus;
	pci_bus_read_config_dword(bus, PCI_DEVFN(0, 1), PCI_VENDOR_ID, &val);
	KUNIT_EXPECT_EQ(test, ~0, val);
	pci_bus_read_config_dword(bus, PCI_DEVFN(1, 0), PCI_VENDOR_ID, &val);
	KUNIT_EXPECT_EQ(test, ~0, val);
	pci_bus_write_config_dword(bus, PCI_DEVFN(0, 1), SIM_SCRATCH, 1);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(ep, SIM_SCRATCH));
}

/* Access of one, two and four bytes, read-only and write-one-to-clear bits */
static void enum_config_access_sizes(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct pci_dev *pdev;
	u16 word;
	u8 byte;
	u32 val;

	port = pci_sim_root_port(sim);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);

	pci_write_config_dword(pdev, SIM_SCRATCH, 0x11223344);
	pci_write_config_byte(pdev, SIM_SCRATCH + 1, 0xaa);
	pci_write_config_word(pdev, SIM_SCRATCH + 2, 0xbbcc);
	pci_read_config_dword(pdev, SIM_SCRATCH, &val);
	KUNIT_EXPECT_EQ(test, 0xbbccaa44, val);
	pci_read_config_byte(pdev, SIM_SCRATCH + 3, &byte);
	KUNIT_EXPECT_EQ(test, 0xbb, byte);
	pci_read_config_word(pdev, SIM_SCRATCH, &word);
	KUNIT_EXPECT_EQ(test, 0xaa44, word);

	pci_write_config_dword(pdev, PCI_VENDOR_ID, 0);
	pci_read_config_word(pdev, PCI_VENDOR_ID, &word);
	KUNIT_EXPECT_EQ(test, PCI_SIM_VENDOR_ID, word);

	/* Masked, or the AER driver would clear them, sooner or later */
	pci_write_config_dword(pdev, pdev->aer_cap + PCI_ERR_COR_MASK, ~0);
	pci_sim_cor_error(ep, PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP);
	val = pdev->aer_cap + PCI_ERR_COR_STATUS;
	pci_write_config_dword(pdev, val, PCI_ERR_COR_RCVR);
	KUNIT_EXPECT_EQ(test, PCI_ERR_COR_BAD_TLP, pci_sim_peek(ep, val));
}

/*
 * The second of two Functions is found because Function 0 has the multifunction
 * bit
 */
static void enum_multifunction(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *f0, *f1;
	struct pci_dev *d0, *d1;

	port = pci_sim_root_port(sim, .hotplug = true);
	f0 = pci_sim_endpoint(sim, port);
	f1 = pci_sim_function(f0, .device = 0x11);
	sim_kunit_start(test, sim);

	d0 = sim_kunit_dev(test, f0);
	d1 = sim_kunit_dev(test, f1);
	KUNIT_EXPECT_TRUE(test, d0->multifunction);
	KUNIT_EXPECT_EQ(test, PCI_DEVFN(0, 1), d1->devfn);
	KUNIT_EXPECT_PTR_EQ(test, d0->bus, d1->bus);
	KUNIT_EXPECT_EQ(test, 0x11, d1->device);
	SIM_EXPECT_BOUND(test, f0, 1, 0);
	SIM_EXPECT_BOUND(test, f1, 1, 0);
}

static void enum_write_acs(struct kunit *test, struct pci_sim_func *port,
			   u16 control)
{
	struct pci_dev *pdev = sim_kunit_dev(test, port);
	u16 now;

	KUNIT_ASSERT_NE(test, 0, pdev->acs_cap);
	pci_write_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, control);
	pci_read_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, &now);
	KUNIT_EXPECT_EQ(test, control, now);
}

/*
 * IOMMU groups depend on ACS: all requests of a device below ports that
 * redirect them go upstream, but not those of a multifunction device without
 * ACS.
 */
static void enum_acs_isolates(struct kunit *test)
{
	const u16 acs = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *down[3], *ep[3];

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	for (int i = 0; i < ARRAY_SIZE(down); i++) {
		down[i] = pci_sim_downstream_port(up);
		ep[i] = pci_sim_endpoint(sim, down[i]);
	}
	pci_sim_function(ep[2]);
	sim_kunit_start(test, sim);

	enum_write_acs(test, root, acs);
	enum_write_acs(test, down[0], acs);
	enum_write_acs(test, down[1], acs & ~PCI_ACS_RR);
	enum_write_acs(test, down[2], acs);
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_dev(test, ep[2])->acs_cap);

	/* Not exported to modules */
	if (!IS_BUILTIN(CONFIG_PCI_SIM_KUNIT_TEST))
		return;
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		KUNIT_EXPECT_EQ(test, !i,
				pci_acs_path_enabled(sim_kunit_dev(test, ep[i]),
						     NULL, acs));
}

/* A switch below a switch, and what Links train to */
static void enum_nested_switch(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *down[2], *up2, *down2, *ep[2];
	struct pci_dev *pdev;
	u16 lnksta;

	root = pci_sim_root_port(sim, .speed = PCI_EXP_LNKCAP_SLS_16_0GB);
	up = pci_sim_add_switch(sim, root);
	down[0] = pci_sim_downstream_port(up, .hotplug = true);
	down[1] = pci_sim_downstream_port(up);
	up2 = pci_sim_add_switch(sim, down[1]);
	down2 = pci_sim_downstream_port(up2, .hotplug = true);
	ep[0] = pci_sim_endpoint(sim, down[0]);
	ep[1] = pci_sim_endpoint(sim, down2);
	sim_kunit_start(test, sim);

	SIM_EXPECT_BOUND(test, ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ep[1], 1, 0);
	pdev = sim_kunit_dev(test, up2);
	KUNIT_EXPECT_EQ(test, PCI_EXP_TYPE_UPSTREAM, pci_pcie_type(pdev));
	KUNIT_EXPECT_PTR_EQ(test, sim_kunit_dev(test, down[1]),
			    pci_upstream_bridge(pdev));

	pdev = sim_kunit_dev(test, root);
	pcie_capability_read_word(pdev, PCI_EXP_LNKSTA, &lnksta);
	KUNIT_EXPECT_EQ(test, PCI_EXP_LNKSTA_CLS_16_0GB,
			lnksta & PCI_EXP_LNKSTA_CLS);
	KUNIT_EXPECT_TRUE(test, lnksta & PCI_EXP_LNKSTA_DLLLA);
}

/* The drivers of a port's services bind, with INTx as with MSI */
static void enum_port_services_bind(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *msi, *intx;
	struct pci_dev *pdev;

	msi = pci_sim_root_port(sim, .hotplug = true, .dpc = true);
	intx = pci_sim_root_port(sim, .hotplug = true, .intx = true);
	/* The port of an empty slot would go to sleep */
	pci_sim_endpoint(sim, msi);
	pci_sim_endpoint(sim, intx);
	sim_kunit_start(test, sim);

	pdev = sim_kunit_dev(test, msi);
	KUNIT_EXPECT_TRUE(test, pdev->is_pciehp);
	KUNIT_EXPECT_TRUE(test, pci_dev_msi_enabled(pdev));
	KUNIT_EXPECT_TRUE(test, pci_sim_peek(msi, pci_pcie_cap(pdev) +
						  PCI_EXP_SLTCTL) &
				PCI_EXP_SLTCTL_DLLSCE);
	KUNIT_EXPECT_TRUE(test, pci_sim_peek(msi, pdev->aer_cap +
						  PCI_ERR_ROOT_COMMAND) &
				PCI_ERR_ROOT_CMD_FATAL_EN);
	KUNIT_EXPECT_TRUE(test, pci_sim_peek(msi, pdev->dpc_cap +
						  PCI_EXP_DPC_CAP) >> 16 &
				PCI_EXP_DPC_CTL_EN_FATAL);

	pdev = sim_kunit_dev(test, intx);
	KUNIT_EXPECT_TRUE(test, pdev->is_pciehp);
	KUNIT_EXPECT_FALSE(test, pci_dev_msi_enabled(pdev));
	KUNIT_EXPECT_GT(test, pdev->irq, 0);
}

/* The messages of a port are contiguous, whatever other ports have allocated */
static void enum_messages_are_contiguous(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port[3];
	struct pci_dev *pdev;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(port); i++)
		port[i] = pci_sim_root_port(sim, .hotplug = true, .dpc = true,
					    .multi_msi = i);
	sim_kunit_start(test, sim);

	for (i = 0; i < ARRAY_SIZE(port); i++) {
		pdev = sim_kunit_dev(test, port[i]);
		KUNIT_EXPECT_TRUE(test, pci_dev_msi_enabled(pdev));
		for (j = 0; j < 3; j++)
			KUNIT_EXPECT_EQ(test, i || !j,
					pci_irq_vector(pdev, j) > 0);
	}
}

/* Request Retry Status is waited for where it can be seen, ~0 is not */
static void enum_retry_status_is_waited_for(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *rrs, *plain, *late, *missed;

	/* Enumerated first, while the other one is not waited for yet */
	plain = pci_sim_root_port(sim, .no_rrs_sv = true);
	rrs = pci_sim_root_port(sim);
	late = pci_sim_endpoint(sim, rrs, .ready_ms = 5000);
	missed = pci_sim_endpoint(sim, plain, .ready_ms = 5000);
	sim_kunit_expect_dead(test, missed);
	sim_kunit_start(test, sim);

	SIM_EXPECT_BOUND(test, late, 1, 0);
	SIM_EXPECT_BOUND(test, missed, 0, 0);
}

/* Two conventional devices, one of them with two Functions, and an INTx each */
static void enum_conventional_devices(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *bridge, *dev[2], *fn;
	struct pci_dev *pdev;
	u32 val;

	bridge = pci_sim_add_pci_bridge(sim, pci_sim_root_port(sim));
	dev[0] = pci_sim_endpoint(sim, bridge, .conventional = true);
	fn = pci_sim_function(dev[0], .conventional = true);
	dev[1] = pci_sim_endpoint(sim, bridge, .conventional = true,
				  .af_flr = true);
	sim_kunit_start(test, sim);

	pdev = sim_kunit_dev(test, bridge);
	KUNIT_EXPECT_EQ(test, PCI_EXP_TYPE_PCI_BRIDGE, pci_pcie_type(pdev));
	SIM_EXPECT_BOUND(test, dev[0], 1, 0);
	SIM_EXPECT_BOUND(test, fn, 1, 0);
	SIM_EXPECT_BOUND(test, dev[1], 1, 0);
	KUNIT_EXPECT_EQ(test, PCI_DEVFN(0, 1), sim_kunit_dev(test, fn)->devfn);

	pdev = sim_kunit_dev(test, dev[1]);
	KUNIT_EXPECT_EQ(test, PCI_DEVFN(1, 0), pdev->devfn);
	KUNIT_EXPECT_FALSE(test, pci_is_pcie(pdev));
	KUNIT_EXPECT_EQ(test, PCI_CFG_SPACE_SIZE, pdev->cfg_size);
	KUNIT_EXPECT_NE(test, 0, pci_find_capability(pdev, PCI_CAP_ID_AF));
	KUNIT_EXPECT_NE(test, 0, pci_resource_start(pdev, 0));
	/* Requests for extended registers do not pass the bridge */
	pci_read_config_dword(pdev, PCI_CFG_SPACE_SIZE, &val);
	KUNIT_EXPECT_EQ(test, ~0, val);
}

/*
 * A bridge retries while a device is not ready, unless Bridge Configuration
 * Retry Enable is set: then it returns Request Retry Status
 */
static void enum_conventional_not_ready(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *bridge, *dev;
	struct pci_dev *pdev, *up;
	u32 val;

	bridge = pci_sim_add_pci_bridge(sim, pci_sim_root_port(sim));
	dev = pci_sim_endpoint(sim, bridge, .conventional = true,
			       .af_flr = true, .flr_ms = 1000);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, dev);
	up = sim_kunit_dev(test, bridge);
	/* Nothing restores it after this reset */
	sim_kunit_expect_dead(test, dev);

	pci_write_config_byte(pdev, pci_find_capability(pdev, PCI_CAP_ID_AF) +
				    PCI_AF_CTRL, PCI_AF_CTRL_FLR);
	pci_read_config_dword(pdev, PCI_VENDOR_ID, &val);
	KUNIT_EXPECT_EQ(test, ~0, val);
	pcie_capability_set_word(up, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	pci_read_config_dword(pdev, PCI_VENDOR_ID, &val);
	KUNIT_EXPECT_EQ(test, 0xffff0001, val);
	msleep(SIM_SETTLE_MS);
	pci_read_config_dword(pdev, PCI_VENDOR_ID, &val);
	KUNIT_EXPECT_EQ(test, PCI_SIM_VENDOR_ID, val & 0xffff);
}

/* Time of Readiness Time Reporting in ns, PCIe r6.0, sec 7.9.16.2 */
static u64 enum_rtr_ns(u32 reg, int shift)
{
	u32 time = reg >> shift & 0xfff;

	return (u64)(time & 0x1ff) << 5 * (time >> 9);
}

static void enum_expect_rtr(struct kunit *test, u32 reg, int shift, u32 ms)
{
	u64 ns = enum_rtr_ns(reg, shift);

	/* The reported time is at least the actual one, and not much longer */
	KUNIT_EXPECT_GE(test, ns, (u64)ms * NSEC_PER_MSEC);
	KUNIT_EXPECT_LE(test, ns, (u64)ms * NSEC_PER_MSEC * 17 / 16);
}

/* The times that a Function reports */
static void enum_readiness_time_reporting(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *silent, *ep;
	struct pci_dev *pdev, *sdev;
	u32 reg[2];
	u16 word;
	int pos;

	port = pci_sim_root_port(sim);
	silent = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	ep = pci_sim_endpoint(sim, port, .flr = true, .rtr = true,
			      .imm_ready_d0 = true, .ready_ms = 40,
			      .flr_ms = 1, .d3_ms = 3000);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);
	sdev = sim_kunit_dev(test, silent);

	pos = pci_find_ext_capability(pdev, 0x22);
	KUNIT_ASSERT_NE(test, 0, pos);
	pci_read_config_dword(pdev, pos + 4, &reg[0]);
	pci_read_config_dword(pdev, pos + 8, &reg[1]);
	KUNIT_EXPECT_TRUE(test, reg[0] & BIT(31));
	enum_expect_rtr(test, reg[0], 0, 40 + 20);
	enum_expect_rtr(test, reg[0], 12, 40);
	enum_expect_rtr(test, reg[1], 0, 1);
	enum_expect_rtr(test, reg[1], 12, 3000);

	KUNIT_EXPECT_FALSE(test, pdev->imm_ready);
	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_PMC, &word);
	KUNIT_EXPECT_TRUE(test, word & BIT(4));
	pci_read_config_word(sdev, sdev->pm_cap + PCI_PM_PMC, &word);
	KUNIT_EXPECT_FALSE(test, word & BIT(4));
	KUNIT_EXPECT_EQ(test, 0, pci_find_ext_capability(sdev, 0x22));
}

/* Physical Slot Numbers: the one asked for, or the lowest that is free */
static void enum_slot_numbers(struct kunit *test)
{
	static const u16 wanted[] = { 0, 8191, 0, 1, 0 };
	static const u16 numbers[] = { 1, 8191, 2, 1, 3 };
	struct pci_sim_func *port[ARRAY_SIZE(wanted)];
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_dev *pdev;
	unsigned int i;
	u32 cap;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		port[i] = pci_sim_root_port(sim, .hotplug = true,
					    .slot = wanted[i]);
	sim_kunit_start(test, sim);
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		pdev = sim_kunit_dev(test, port[i]);
		cap = pci_sim_peek(port[i], pci_pcie_cap(pdev) +
					    PCI_EXP_SLTCAP);
		KUNIT_EXPECT_EQ(test, numbers[i], cap >> 19);
		KUNIT_EXPECT_TRUE(test, cap & PCI_EXP_SLTCAP_HPC);
	}
}

/* The field has 13 bits, and its value 0 is taken */
static void enum_slot_numbers_exhausted(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up = NULL, *port = NULL;
	unsigned int i;

	for (i = 1; i <= 8192; i++) {
		if (i % 32 == 1)
			up = pci_sim_add_switch(sim, NULL);
		port = pci_sim_downstream_port(up);
		if (!port)
			break;
	}
	KUNIT_EXPECT_EQ(test, 8192, i);
	KUNIT_EXPECT_EQ(test, -ENOSPC, pci_sim_start(sim));
}

/* Errors in building a fabric are returned when it is started */
static void enum_bad_fabric_is_refused(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port;

	port = pci_sim_root_port(sim);
	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, port, .bar_size = 100));
	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, port, .vendor = 1));
	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, port, .vendor = 0xffff));
	KUNIT_EXPECT_NULL(test, pci_sim_root_port(sim, .slot = 8192));
	KUNIT_EXPECT_NULL(test, pci_sim_downstream_port(port));
	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_start(sim));
}

/*
 * So do conventional devices on PCIe Links, and PCIe devices on conventional
 * buses
 */
static void enum_bad_bus_is_refused(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *bridge, *dev;

	port = pci_sim_root_port(sim);
	bridge = pci_sim_add_pci_bridge(sim, NULL);
	dev = pci_sim_endpoint(sim, bridge, .conventional = true);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, bridge));
	KUNIT_EXPECT_NULL(test, pci_sim_function(dev));
	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, port,
						 .conventional = true));
	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, bridge, .flr = true,
						 .conventional = true));
	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, NULL, .rtr = true,
						 .flr_ms = PCI_SIM_NEVER));
	KUNIT_EXPECT_NE(test, 0, pci_sim_plug(port, dev));
	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_start(sim));
}

/* A card cannot be plugged into two ports, or into a port of its own */
static void enum_bad_plug_is_refused(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *up, *down, *up2, *down2, *ep;

	port = pci_sim_root_port(sim, .hotplug = true);
	up = pci_sim_add_switch(sim, NULL);
	down = pci_sim_downstream_port(up, .hotplug = true);
	up2 = pci_sim_add_switch(sim, down);
	down2 = pci_sim_downstream_port(up2, .hotplug = true);
	ep = pci_sim_endpoint(sim, down2);
	sim_kunit_start(test, sim);

	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_plug(down, up));
	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_plug(down2, up));
	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_plug(port, up2));
	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_plug(port, down));
	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_plug(up, ep));
	KUNIT_EXPECT_PTR_EQ(test, ep, pci_sim_unplug(down2));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
}

/* A switch that is removed is found again by a rescan, and its slots work */
static void enum_rescan_finds_removed_switch(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *ep;
	struct pci_dev *pdev, *port;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up, .hotplug = true));
	pci_sim_downstream_port(up, .hotplug = true);
	sim_kunit_start(test, sim);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	port = sim_kunit_dev(test, root);
	pdev = pci_sim_get_dev(up);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pci_stop_and_remove_bus_device_locked(pdev);
	pci_dev_put(pdev);
	SIM_EXPECT_BOUND(test, ep, 1, 1);

	sim_kunit_rescan(port->bus);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/*
 * More bridges than bus numbers: only the bridges without a number are unusable
 */
static void enum_bus_numbers_exhausted(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *down, *first = NULL, *last = NULL;
	struct pci_dev *pdev;

	for (int i = 0; i < 8; i++) {
		up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
		for (int j = 0; j < 32; j++) {
			down = pci_sim_downstream_port(up);
			if (!j || j == 31)
				last = pci_sim_endpoint(sim, down);
			if (!j && !i)
				first = last;
		}
	}
	sim_kunit_start(test, sim);
	SIM_EXPECT_BOUND(test, first, 1, 0);
	SIM_EXPECT_BOUND(test, last, 0, 0);

	pdev = sim_kunit_dev(test, first);
	sim_kunit_rescan(pci_find_bus(pci_domain_nr(pdev->bus), 0));
	SIM_EXPECT_BOUND(test, first, 1, 0);
	SIM_EXPECT_BOUND(test, last, 0, 0);
	sim_kunit_expect_dead(test, up);
}

static void enum_rescan_root(struct kunit *test, struct pci_sim_func *root)
{
	struct pci_dev *pdev = pci_sim_get_dev(root);

	KUNIT_EXPECT_NOT_NULL(test, pdev);
	if (!pdev)
		return;

	sim_kunit_rescan(pdev->bus);
	pci_dev_put(pdev);
}

/* A slot that comes or goes while its device is added */
struct enum_slot {
	struct completion reached;
	struct completion done;
	struct pci_bus *bus;
	struct pci_slot *slot;
};

static int enum_slot_thread(void *data)
{
	struct enum_slot *ctx = data;

	wait_for_completion(&ctx->reached);
	if (ctx->slot) {
		pci_destroy_slot(ctx->slot);
		ctx->slot = NULL;
	} else {
		ctx->slot = pci_create_slot(ctx->bus, 0, "enum", NULL);
	}
	complete(&ctx->done);
	return 0;
}

static void enum_slot_reached(struct pci_sim_func *f, void *data)
{
	struct enum_slot *ctx = data;

	complete(&ctx->reached);
}

/*
 * A device has the slot that it is in, and no other, even if that is created or
 * destroyed after the device was set up and before it is in the list of its
 * bus.  Only with preemption is it then, for that is when config registers are
 * read.
 */
static void enum_slot_while_device_is_added(struct kunit *test, bool created)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct task_struct *task;
	struct pci_sim_func *root, *ep;
	struct enum_slot ctx = {};
	struct pci_dev *pdev;

	root = pci_sim_root_port(sim);
	ep = pci_sim_endpoint(sim, root);
	sim_kunit_start(test, sim);

	init_completion(&ctx.reached);
	init_completion(&ctx.done);
	ctx.bus = sim_kunit_dev(test, root)->subordinate;
	if (!created)
		ctx.slot = pci_create_slot(ctx.bus, 0, "enum", NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ctx.slot));

	pdev = pci_sim_get_dev(ep);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pci_stop_and_remove_bus_device_locked(pdev);
	pci_dev_put(pdev);

	task = kthread_create(enum_slot_thread, &ctx, "slot");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	sched_set_fifo(task);
	wake_up_process(task);
	msleep(1);
	pci_sim_on_read(ep, PCI_CLASS_REVISION, enum_slot_reached, &ctx);
	enum_rescan_root(test, root);
	wait_for_completion(&ctx.done);
	pci_sim_on_read(ep, PCI_CLASS_REVISION, NULL, NULL);

	KUNIT_EXPECT_FALSE(test, IS_ERR(ctx.slot));
	KUNIT_EXPECT_PTR_EQ(test, ctx.slot, sim_kunit_dev(test, ep)->slot);
	if (!IS_ERR_OR_NULL(ctx.slot))
		pci_destroy_slot(ctx.slot);
	KUNIT_EXPECT_NULL(test, sim_kunit_dev(test, ep)->slot);
}

static void enum_slot_created_while_device_is_added(struct kunit *test)
{
	enum_slot_while_device_is_added(test, true);
}

static void enum_slot_destroyed_while_device_is_added(struct kunit *test)
{
	enum_slot_while_device_is_added(test, false);
}

/* Its slot may be freed before it is */
static void enum_removed_device_has_no_slot(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *ep;
	struct pci_slot *slot;
	struct pci_dev *pdev;

	root = pci_sim_root_port(sim);
	ep = pci_sim_endpoint(sim, root);
	sim_kunit_start(test, sim);

	slot = pci_create_slot(sim_kunit_dev(test, root)->subordinate, 0,
			       "enum", NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(slot));
	pdev = pci_sim_get_dev(ep);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	KUNIT_EXPECT_PTR_EQ(test, slot, pdev->slot);

	pci_stop_and_remove_bus_device_locked(pdev);
	KUNIT_EXPECT_NULL(test, pdev->slot);

	pci_dev_put(pdev);
	pci_destroy_slot(slot);
	enum_rescan_root(test, root);
}

/* The same with a host bridge that does not begin with bus 0 */
static void enum_high_bus_numbers_exhausted(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep[18];

	pci_sim_set_first_bus(sim, 0xf0);
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		ep[i] = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	sim_kunit_start(test, sim);
	enum_rescan_root(test, pci_sim_upstream(ep[0]));
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		SIM_EXPECT_BOUND(test, ep[i], i < 15, 0);
	for (int i = 15; i < ARRAY_SIZE(ep); i++)
		sim_kunit_expect_dead(test, pci_sim_upstream(ep[i]));
}

/*
 * Below a port that had nothing below it when it was numbered, a switch gets
 * its numbers from what is left, and nothing else is numbered anew.  Where
 * firmware numbers the buses, unlike in User Mode Linux, it may have reserved
 * these, so the switch gets none.
 */
static void enum_rescan_numbers_new_switch(struct kunit *test)
{
	struct pci_sim_func *root, *up, *inner, *other, *ep[2];
	struct pci_sim *sim = sim_kunit_alloc(test);
	u32 numbers;

	other = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, NULL);
	ep[0] = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	inner = pci_sim_add_switch(sim, pci_sim_downstream_port(up));
	ep[1] = pci_sim_endpoint(sim, pci_sim_downstream_port(inner));
	sim_kunit_start(test, sim);
	numbers = pci_sim_peek(pci_sim_upstream(other), PCI_PRIMARY_BUS);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(root, up));
	msleep(SIM_SETTLE_MS);
	enum_rescan_root(test, root);
	SIM_EXPECT_BOUND(test, other, 1, 0);
	KUNIT_EXPECT_EQ(test, numbers, pci_sim_peek(pci_sim_upstream(other),
						    PCI_PRIMARY_BUS));
	if (!IS_ENABLED(CONFIG_UML)) {
		KUNIT_EXPECT_NULL(test, sim_kunit_dev(test, up)->subordinate);
		sim_kunit_expect_dead(test, up);
		return;
	}

	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		SIM_EXPECT_BOUND(test, ep[i], 1, 0);
	enum_rescan_root(test, root);
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		SIM_EXPECT_BOUND(test, ep[i], 1, 0);
}

/*
 * A switch that is found by a rescan, before a bridge that is known, does not
 * get that bridge's bus number.
 */
static void enum_rescan_keeps_known_bus_numbers(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim_func *root, *up, *port, *known, *ep, *new;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_dev *pdev;
	u32 id = 0;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	port = pci_sim_downstream_port(up);
	known = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, known);
	new = pci_sim_add_switch(sim, NULL);
	pci_sim_endpoint(sim, pci_sim_downstream_port(new));
	sim_kunit_start(test, sim);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(port, new));
	msleep(SIM_SETTLE_MS);
	enum_rescan_root(test, root);

	SIM_EXPECT_BOUND(test, ep, 1, 0);
	pdev = pci_sim_get_dev(ep);
	KUNIT_EXPECT_NOT_NULL(test, pdev);
	if (pdev)
		pci_read_config_dword(pdev, PCI_VENDOR_ID, &id);
	KUNIT_EXPECT_EQ(test, PCI_SIM_VENDOR_ID, id & 0xffff);
	pci_dev_put(pdev);

	/* Its port has neither a bus number nor a window for it */
	sim_kunit_expect_dead(test, new);
	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

/*
 * The kernel keeps the state of bridges that have lost their numbers.  Without
 * a slot it is not notified that their link was down, but a rescan finds out.
 */
static void enum_rescan_after_bus_numbers_lost(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim_func *root, *port, *up, *ep;
	struct pci_sim *sim = sim_kunit_alloc(test);

	root = pci_sim_root_port(sim);
	port = pci_sim_downstream_port(pci_sim_add_switch(sim, root),
				       .hotplug = true);
	up = pci_sim_add_switch(sim, port);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	sim_kunit_start(test, sim);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	pci_sim_link_flap(root, 20);
	msleep(SIM_SETTLE_MS);
	enum_rescan_root(test, root);
	msleep(SIM_SETTLE_MS);

	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

/*
 * What is known below other bridges stays below them if a rescan finds one
 * bridge less.  Otherwise pcie_aspm_exit_link_state() would follow the state of a
 * removed link to a bus that does not exist.
 */
static void enum_rescan_finds_fewer_bridges(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim_func *root, *up, *port, *card, *down, *ep;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_dev *pdev;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	port = pci_sim_downstream_port(up, .hotplug = true);
	card = pci_sim_add_switch(sim, port);
	pci_sim_endpoint(sim, pci_sim_downstream_port(card));
	down = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, down);
	sim_kunit_start(test, sim);

	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	enum_rescan_root(test, root);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	pdev = pci_sim_get_dev(down);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pci_stop_and_remove_bus_device_locked(pdev);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	ep = pci_sim_endpoint(sim, NULL);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	pci_dev_put(pdev);

	/* It was removed and there was no rescan */
	sim_kunit_expect_dead(test, down);
	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

/* Fabrics can be built and destroyed in turn */
static void enum_many_fabrics_in_turn(struct kunit *test)
{
	struct pci_sim_func *port;
	struct pci_sim *sim;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		sim = pci_sim_alloc();
		KUNIT_ASSERT_NOT_NULL(test, sim);
		port = pci_sim_root_port(sim, .hotplug = true, .dpc = true);
		pci_sim_endpoint(sim, port);
		KUNIT_EXPECT_EQ(test, 0, pci_sim_start(sim));
		pci_sim_destroy(sim);
	}
}

static struct kunit_case enum_cases[] = {
	KUNIT_CASE(enum_endpoint),
	KUNIT_CASE(enum_absent_device_reads_all_ones),
	KUNIT_CASE(enum_config_access_sizes),
	KUNIT_CASE(enum_multifunction),
	KUNIT_CASE(enum_nested_switch),
	KUNIT_CASE(enum_acs_isolates),
	KUNIT_CASE(enum_port_services_bind),
	KUNIT_CASE(enum_messages_are_contiguous),
	KUNIT_CASE(enum_retry_status_is_waited_for),
	KUNIT_CASE(enum_conventional_devices),
	KUNIT_CASE(enum_conventional_not_ready),
	KUNIT_CASE(enum_readiness_time_reporting),
	KUNIT_CASE(enum_slot_numbers),
	KUNIT_CASE(enum_slot_numbers_exhausted),
	KUNIT_CASE(enum_bad_fabric_is_refused),
	KUNIT_CASE(enum_bad_bus_is_refused),
	KUNIT_CASE(enum_bad_plug_is_refused),
	KUNIT_CASE(enum_rescan_finds_removed_switch),
	KUNIT_CASE(enum_bus_numbers_exhausted),
	KUNIT_CASE(enum_high_bus_numbers_exhausted),
	KUNIT_CASE(enum_rescan_numbers_new_switch),
	KUNIT_CASE(enum_rescan_keeps_known_bus_numbers),
	KUNIT_CASE(enum_rescan_after_bus_numbers_lost),
	KUNIT_CASE(enum_rescan_finds_fewer_bridges),
	KUNIT_CASE(enum_slot_created_while_device_is_added),
	KUNIT_CASE(enum_slot_destroyed_while_device_is_added),
	KUNIT_CASE(enum_removed_device_has_no_slot),
	KUNIT_CASE(enum_many_fabrics_in_turn),
	{}
};

static struct kunit_suite enum_suite = {
	.name = "pci_enum",
	.test_cases = enum_cases,
};

kunit_test_suite(enum_suite);

MODULE_DESCRIPTION("KUnit tests of the PCI core on a simulated fabric");
MODULE_LICENSE("GPL");
