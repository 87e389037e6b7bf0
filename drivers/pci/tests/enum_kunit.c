// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI core enumerates a simulated fabric and finds what was built
 */

#include <linux/module.h>
#include <linux/pci.h>

#include "sim-kunit.h"

/* A single Endpoint: IDs, BAR, serial number, capabilities */
static void sim_enum_endpoint(struct kunit *test)
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

/* What is not there answers ~0, and a write to it is dropped */
static void sim_enum_absent(struct kunit *test)
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
static void sim_enum_access(struct kunit *test)
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

/* Two Functions, with the second found because the first says so */
static void sim_enum_multifunction(struct kunit *test)
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

static void sim_enum_write_acs(struct kunit *test, struct pci_sim_func *port,
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
 * Whose requests all go upstream, which is how IOMMU groups are made: those of a
 * device below ports that redirect them, but not of one of several Functions,
 * which may talk to the others.
 */
static void sim_enum_acs(struct kunit *test)
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

	sim_enum_write_acs(test, root, acs);
	sim_enum_write_acs(test, down[0], acs);
	sim_enum_write_acs(test, down[1], acs & ~PCI_ACS_RR);
	sim_enum_write_acs(test, down[2], acs);
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
static void sim_enum_switch(struct kunit *test)
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
static void sim_enum_services(struct kunit *test)
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

/* Each port gets messages next to each other, whoever else has some already */
static void sim_enum_messages(struct kunit *test)
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
static void sim_enum_not_ready(struct kunit *test)
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
static void sim_enum_conventional(struct kunit *test)
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
	/* No request for an extended register gets through */
	pci_read_config_dword(pdev, PCI_CFG_SPACE_SIZE, &val);
	KUNIT_EXPECT_EQ(test, ~0, val);
}

/*
 * A bridge waits for a device that is not ready, unless it may pass that on:
 * then the kernel is told with Request Retry Status
 */
static void sim_enum_conventional_not_ready(struct kunit *test)
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
static u64 sim_enum_rtr_ns(u32 reg, int shift)
{
	u32 time = reg >> shift & 0xfff;

	return (u64)(time & 0x1ff) << 5 * (time >> 9);
}

static void sim_enum_expect_rtr(struct kunit *test, u32 reg, int shift,
				u32 ms)
{
	u64 ns = sim_enum_rtr_ns(reg, shift);

	/* Nothing is ready later than it says, and not much earlier */
	KUNIT_EXPECT_GE(test, ns, (u64)ms * NSEC_PER_MSEC);
	KUNIT_EXPECT_LE(test, ns, (u64)ms * NSEC_PER_MSEC * 17 / 16);
}

/* What a Function says about the time that it needs */
static void sim_enum_readiness(struct kunit *test)
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
	sim_enum_expect_rtr(test, reg[0], 0, 40 + 20);
	sim_enum_expect_rtr(test, reg[0], 12, 40);
	sim_enum_expect_rtr(test, reg[1], 0, 1);
	sim_enum_expect_rtr(test, reg[1], 12, 3000);

	KUNIT_EXPECT_FALSE(test, pdev->imm_ready);
	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_PMC, &word);
	KUNIT_EXPECT_TRUE(test, word & BIT(4));
	pci_read_config_word(sdev, sdev->pm_cap + PCI_PM_PMC, &word);
	KUNIT_EXPECT_FALSE(test, word & BIT(4));
	KUNIT_EXPECT_EQ(test, 0, pci_find_ext_capability(sdev, 0x22));
}

/* Physical Slot Numbers: the one asked for, or the lowest that is free */
static void sim_enum_slots(struct kunit *test)
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
static void sim_enum_no_slot(struct kunit *test)
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

/* Errors while building come out when the fabric is started */
static void sim_enum_bad_fabric(struct kunit *test)
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

/* So does a conventional device where there is no conventional bus, or v.v. */
static void sim_enum_bad_bus(struct kunit *test)
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

/* A card fits into a port once, and into none of its own */
static void sim_enum_bad_plug(struct kunit *test)
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
static void sim_enum_rescan(struct kunit *test)
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

	pci_lock_rescan_remove();
	pci_rescan_bus(port->bus);
	pci_unlock_rescan_remove();
	SIM_EXPECT_BOUND(test, ep, 2, 1);
}

/* Many fabrics, one after the other, with all that is in them */
static void sim_enum_again(struct kunit *test)
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

static struct kunit_case sim_enum_cases[] = {
	KUNIT_CASE(sim_enum_endpoint),
	KUNIT_CASE(sim_enum_absent),
	KUNIT_CASE(sim_enum_access),
	KUNIT_CASE(sim_enum_multifunction),
	KUNIT_CASE(sim_enum_switch),
	KUNIT_CASE(sim_enum_acs),
	KUNIT_CASE(sim_enum_services),
	KUNIT_CASE(sim_enum_messages),
	KUNIT_CASE(sim_enum_not_ready),
	KUNIT_CASE(sim_enum_conventional),
	KUNIT_CASE(sim_enum_conventional_not_ready),
	KUNIT_CASE(sim_enum_readiness),
	KUNIT_CASE(sim_enum_slots),
	KUNIT_CASE(sim_enum_no_slot),
	KUNIT_CASE(sim_enum_bad_fabric),
	KUNIT_CASE(sim_enum_bad_bus),
	KUNIT_CASE(sim_enum_bad_plug),
	KUNIT_CASE(sim_enum_rescan),
	KUNIT_CASE(sim_enum_again),
	{}
};

static struct kunit_suite sim_enum_suite = {
	.name = "pci-sim-enum",
	.test_cases = sim_enum_cases,
};

kunit_test_suite(sim_enum_suite);

MODULE_DESCRIPTION("KUnit tests of the PCI core on a simulated fabric");
MODULE_LICENSE("GPL");
