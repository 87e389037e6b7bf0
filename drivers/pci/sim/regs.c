// SPDX-License-Identifier: GPL-2.0
/*
 * Config space of each kind of simulated Function
 *
 * Each header and capability is a table of struct sim_reg, with an entry for
 * each dword.  A dword without an entry reads as 0, and writes to it are
 * dropped.  See config.c for how the entries are used.
 *
 * All functions here work on a Function that is not yet part of a fabric, but
 * for sim_cfg_link_functions().
 */

#include <linux/bitfield.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "sim.h"

/*
 * The maximum of a time in Readiness Time Reporting is 511 * 32^5 ns, which is
 * 17.1 s.  This leaves room for SIM_RTR_TRAIN_MS.
 */
#define SIM_RTR_MAX_MS		17000

/* Difference of Reset Time and DL_Up Time: Link training */
#define SIM_RTR_TRAIN_MS	20

/*
 * For multi_msi: Interrupt Message Numbers of AER and DPC, the other sources
 * having 0, and Multiple Message Capable for 4 messages
 */
#define SIM_MSI_AER		1
#define SIM_MSI_DPC		2
#define SIM_MSI_MMC		FIELD_PREP(PCI_MSI_FLAGS_QMASK, 2)

/* The dword that contains VF Device ID */
#define SIM_SRIOV_VF_DID	(PCI_SRIOV_VF_DID & ~3)

/* Common to Type 0 and Type 1 headers, PCIe r6.0, sec 7.5.1.1 */
static const struct sim_reg sim_header_regs[] = {
	{ .offset = PCI_VENDOR_ID },
	{ .offset = PCI_COMMAND,
	  .por = PCI_STATUS_CAP_LIST << 16,
	  .rw = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
		PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
	  .w1c = PCI_STATUS_ERROR_BITS << 16 },
	{ .offset = PCI_CLASS_REVISION },
	{ .offset = PCI_CACHE_LINE_SIZE, .rw = 0xff },
	{ .offset = PCI_CAPABILITY_LIST },
};

/* Type 0 header, PCIe r6.0, sec 7.5.1.2 */
static const struct sim_reg sim_type0_regs[] = {
	{ .offset = PCI_BASE_ADDRESS_0 },
	{ .offset = PCI_SUBSYSTEM_VENDOR_ID },
	{ .offset = PCI_INTERRUPT_LINE, .por = 1 << 8, .rw = 0xff },
};

/*
 * Type 1 header, PCIe r6.0, sec 7.5.1.3.  There is no I/O and no prefetchable
 * window: their base and limit are read-only zero.
 */
static const struct sim_reg sim_type1_regs[] = {
	{ .offset = PCI_PRIMARY_BUS, .rw = 0x00ffffff },
	{ .offset = PCI_IO_BASE, .w1c = PCI_STATUS_ERROR_BITS << 16 },
	{ .offset = PCI_MEMORY_BASE, .rw = 0xfff0fff0 },
	{ .offset = PCI_INTERRUPT_LINE, .por = 1 << 8,
	  .rw = 0xff | (PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR |
			PCI_BRIDGE_CTL_ISA | PCI_BRIDGE_CTL_VGA |
			PCI_BRIDGE_CTL_BUS_RESET) << 16,
	  .written = sim_wrote_bridge_control },
};

/* Header of a VF: its Vendor ID and Device ID read as 0xffff, sec 9.3.4.1 */
static const struct sim_reg sim_vf_header_regs[] = {
	{ .offset = PCI_VENDOR_ID, .por = ~0U },
	{ .offset = PCI_COMMAND,
	  .por = PCI_STATUS_CAP_LIST << 16,
	  .rw = PCI_COMMAND_MASTER,
	  .w1c = PCI_STATUS_ERROR_BITS << 16 },
	{ .offset = PCI_CLASS_REVISION },
	{ .offset = PCI_SUBSYSTEM_VENDOR_ID },
	{ .offset = PCI_CAPABILITY_LIST },
};

/* Power Management, PCIe r6.0, sec 7.5.2; version 3 */
static const struct sim_reg sim_pm_regs[] = {
	{ .offset = PCI_CAP_LIST_ID, .por = 3 << 16 },
	{ .offset = PCI_PM_CTRL,
	  .rw = PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE,
	  .w1c = PCI_PM_CTRL_PME_STATUS,
	  .sticky = PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS,
	  .written = sim_wrote_pm_control },
};

/* MSI, PCIe r6.0, sec 7.7.1; 64-bit address, no per-vector masking */
static const struct sim_reg sim_msi_regs[] = {
	{ .offset = PCI_CAP_LIST_ID, .por = PCI_MSI_FLAGS_64BIT << 16,
	  .rw = (PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE) << 16 },
	{ .offset = PCI_MSI_ADDRESS_LO, .rw = ~3U },
	{ .offset = PCI_MSI_ADDRESS_HI, .rw = ~0U },
	{ .offset = PCI_MSI_DATA_64, .rw = 0xffff },
};

#define SIM_LINK_CONTROL (PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB |	\
			  PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES)

/*
 * PCI Express, PCIe r6.0, sec 7.5.3: every Function but VFs.  A Function Level
 * Reset does not affect the registers of the Link (sec 6.6.2).
 */
static const struct sim_reg sim_exp_regs[] = {
	{ .offset = PCI_CAP_LIST_ID },
	{ .offset = PCI_EXP_DEVCAP, .por = PCI_EXP_DEVCAP_RBER },
	{ .offset = PCI_EXP_DEVCTL,
	  .por = PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
		 PCI_EXP_DEVCTL_READRQ_512B,
	  .rw = 0x7fff,
	  .w1c = (PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
		  PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD) << 16,
	  .flr_keep = PCI_EXP_DEVCTL_PAYLOAD,
	  .written = sim_wrote_device_control },
	{ .offset = PCI_EXP_LNKCAP },
	{ .offset = PCI_EXP_LNKCTL, .rw = SIM_LINK_CONTROL, .flr_keep = ~0U },
	{ .offset = PCI_EXP_DEVCAP2 },
	{ .offset = PCI_EXP_DEVCTL2, .rw = 0x001f },
	{ .offset = PCI_EXP_LNKCAP2 },
	{ .offset = PCI_EXP_LNKCTL2, .rw = 0xffff, .flr_keep = 0xffff },
};

/* PCI Express of a VF: the rest is controlled by the PF, sec 9.3.5 */
static const struct sim_reg sim_vf_exp_regs[] = {
	{ .offset = PCI_CAP_LIST_ID },
	{ .offset = PCI_EXP_DEVCAP, .por = PCI_EXP_DEVCAP_RBER },
	{ .offset = PCI_EXP_DEVCTL, .written = sim_wrote_device_control },
	{ .offset = PCI_EXP_LNKCAP },
	{ .offset = PCI_EXP_LNKCAP2 },
};

/*
 * PCI Express of Root Ports and Downstream Ports: in addition to sim_exp_regs,
 * or instead of an entry with the same offset
 */
static const struct sim_reg sim_exp_port_regs[] = {
	{ .offset = PCI_EXP_LNKCTL,
	  .rw = SIM_LINK_CONTROL | PCI_EXP_LNKCTL_LD,
	  .written = sim_wrote_link_control },
	{ .offset = PCI_EXP_DEVCAP2, .por = PCI_EXP_DEVCAP2_ARI },
	{ .offset = PCI_EXP_DEVCTL2, .rw = 0x001f | PCI_EXP_DEVCTL2_ARI },
	{ .offset = PCI_EXP_SLTCAP },
	{ .offset = PCI_EXP_SLTCTL,
	  .rw = PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PFDE |
		PCI_EXP_SLTCTL_MRLSCE | PCI_EXP_SLTCTL_PDCE |
		PCI_EXP_SLTCTL_CCIE | PCI_EXP_SLTCTL_HPIE |
		PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC |
		PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_DLLSCE,
	  .w1c = (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD |
		  PCI_EXP_SLTSTA_MRLSC | PCI_EXP_SLTSTA_PDC |
		  PCI_EXP_SLTSTA_CC | PCI_EXP_SLTSTA_DLLSC) << 16,
	  .written = sim_wrote_slot_control },
};

/* PCI Express of Root Ports only */
static const struct sim_reg sim_exp_root_regs[] = {
	{ .offset = PCI_EXP_RTCTL, .por = PCI_EXP_RTCAP_RRS_SV << 16,
	  .rw = PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE |
		PCI_EXP_RTCTL_SEFEE | PCI_EXP_RTCTL_PMEIE |
		PCI_EXP_RTCTL_RRS_SVE },
	{ .offset = PCI_EXP_RTSTA, .w1c = PCI_EXP_RTSTA_PME,
	  .written = sim_wrote_root_status },
};

/* Advanced Features (PCI Advanced Capabilities ECN), PCIe r6.0, sec 7.7.5 */
static const struct sim_reg sim_af_regs[] = {
	{ .offset = PCI_CAP_LIST_ID,
	  .por = 6 << 16 | (PCI_AF_CAP_TP | PCI_AF_CAP_FLR) << 24 },
	{ .offset = PCI_AF_CTRL, .written = sim_wrote_af_control },
};

/*
 * Vendor-Specific Extended Capability (PCIe r6.0, sec 7.9.5): a scratch
 * register that every reset clears, and a counter for each kind of reset.
 */
static const struct sim_reg sim_vsec_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_VNDR_HEADER, .por = 1 | 0x20 << 20 },
	{ .offset = PCI_SIM_VSEC_SCRATCH, .rw = ~0U },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_COLD },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_HOT },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_FLR },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_AF_FLR },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_PM },
};

/* The same as a Vendor-Specific Capability (PCIe r6.0, sec 7.9.4) */
static const struct sim_reg sim_vndr_regs[] = {
	{ .offset = PCI_CAP_LIST_ID, .por = 0x20 << 16 },
	{ .offset = PCI_SIM_VSEC_SCRATCH, .rw = ~0U },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_COLD },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_HOT },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_FLR },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_AF_FLR },
	{ .offset = PCI_SIM_VSEC_RESETS + 4 * PCI_SIM_RESET_PM },
};

/* AER, PCIe r6.0, sec 7.8.4, with the default severities of sec 7.8.4.4 */
static const struct sim_reg sim_aer_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_ERR_UNCOR_STATUS, .w1c = ~0U, .sticky = ~0U },
	{ .offset = PCI_ERR_UNCOR_MASK, .rw = ~0U, .sticky = ~0U },
	{ .offset = PCI_ERR_UNCOR_SEVER,
	  .por = PCI_ERR_UNC_DLP | PCI_ERR_UNC_SURPDN | PCI_ERR_UNC_FCP |
		 PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP |
		 PCI_ERR_UNC_INTN,
	  .rw = ~0U, .sticky = ~0U },
	{ .offset = PCI_ERR_COR_STATUS, .w1c = ~0U, .sticky = ~0U },
	{ .offset = PCI_ERR_COR_MASK,
	  .por = PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL,
	  .rw = ~0U, .sticky = ~0U },
	{ .offset = PCI_ERR_CAP },
};

/* AER of Root Ports only */
static const struct sim_reg sim_aer_root_regs[] = {
	{ .offset = PCI_ERR_ROOT_COMMAND,
	  .rw = PCI_ERR_ROOT_CMD_COR_EN | PCI_ERR_ROOT_CMD_NONFATAL_EN |
		PCI_ERR_ROOT_CMD_FATAL_EN },
	{ .offset = PCI_ERR_ROOT_STATUS, .w1c = 0x7f, .sticky = ~0U },
	{ .offset = PCI_ERR_ROOT_ERR_SRC, .sticky = ~0U },
};

/* Device Serial Number, PCIe r6.0, sec 7.9.3 */
static const struct sim_reg sim_dsn_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_DSN_LOW },
	{ .offset = PCI_DSN_HIGH },
};

/* Readiness Time Reporting, PCIe r6.0, sec 7.9.16 */
static const struct sim_reg sim_rtr_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_RTR_1 },
	{ .offset = PCI_RTR_2 },
};

/* ARI, PCIe r6.0, sec 7.8.8, without Function Groups */
static const struct sim_reg sim_ari_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_ARI_CAP },
};

/* SR-IOV, PCIe r6.0, sec 9.3.3, without VF Migration, for pages of 4 KiB */
static const struct sim_reg sim_sriov_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_SRIOV_CAP },
	{ .offset = PCI_SRIOV_CTRL,
	  .rw = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE,
	  .written = sim_wrote_sriov_control },
	{ .offset = PCI_SRIOV_INITIAL_VF },
	{ .offset = PCI_SRIOV_NUM_VF, .rw = 0xffff },
	{ .offset = PCI_SRIOV_VF_OFFSET },
	{ .offset = SIM_SRIOV_VF_DID },
	{ .offset = PCI_SRIOV_SUP_PGSIZE, .por = 1 },
	{ .offset = PCI_SRIOV_SYS_PGSIZE, .por = 1, .rw = ~0U },
	{ .offset = PCI_SRIOV_BAR, .rw = ~(SZ_4K - 1) },
};

#define SIM_ACS_BITS	(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

/* ACS, PCIe r6.0, sec 7.7.11 */
static const struct sim_reg sim_acs_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_ACS_CAP, .por = SIM_ACS_BITS,
	  .rw = SIM_ACS_BITS << 16 },
};

/* PTM, PCIe r6.0, sec 7.9.15: a PTM Root with a clock granularity of 1 ns */
static const struct sim_reg sim_ptm_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_PTM_CAP,
	  .por = PCI_PTM_CAP_RES | PCI_PTM_CAP_ROOT | 1 << 8 },
	{ .offset = PCI_PTM_CTRL,
	  .rw = PCI_PTM_CTRL_ENABLE | PCI_PTM_CTRL_ROOT |
		PCI_PTM_GRANULARITY_MASK },
};

/* DPC, PCIe r6.0, sec 7.9.14, without the Root Port extensions */
static const struct sim_reg sim_dpc_regs[] = {
	{ .offset = 0 },
	{ .offset = PCI_EXP_DPC_CAP, .por = PCI_EXP_DPC_CAP_SW_TRIGGER,
	  .rw = (PCI_EXP_DPC_CTL_EN_FATAL | PCI_EXP_DPC_CTL_EN_NONFATAL |
		 PCI_EXP_DPC_CTL_INT_EN) << 16,
	  .written = sim_wrote_dpc_control },
	{ .offset = PCI_EXP_DPC_STATUS,
	  .w1c = PCI_EXP_DPC_STATUS_TRIGGER | PCI_EXP_DPC_STATUS_INTERRUPT,
	  .sticky = ~0U,
	  .written = sim_wrote_dpc_status },
};

/* Add a table at an offset; its entries replace those of an earlier table */
static void sim_add_regs(struct pci_sim_func *f, int base,
			 const struct sim_reg *regs, unsigned int n)
{
	struct sim_dword *d;

	for (; n; n--, regs++) {
		d = &f->cfg[(base + regs->offset) / 4];
		d->reg = regs;
		d->por = regs->por;
		d->rw = regs->rw;
	}
}

/* Set bits in the power-on value of a register of this Function */
static void sim_preset(struct pci_sim_func *f, int where, u32 bits)
{
	f->cfg[where / 4].por |= bits;
}

/* Append to the list of capabilities */
static void sim_add_cap(struct pci_sim_func *f, u8 id, u8 base)
{
	if (f->last_cap)
		sim_preset(f, f->last_cap, base << 8);
	else
		sim_preset(f, PCI_CAPABILITY_LIST, base);
	sim_preset(f, base, id);
	f->last_cap = base;
}

/* Append to the list of extended capabilities */
static void sim_add_ext_cap(struct pci_sim_func *f, u16 id, u8 ver, u16 base)
{
	if (f->last_ext)
		sim_preset(f, f->last_ext, (u32)base << 20);
	sim_preset(f, base, id | ver << 16);
	f->last_ext = base;
}

static void sim_add_pm(struct pci_sim_func *f, bool soft_reset, bool pme)
{
	sim_add_regs(f, SIM_PM, sim_pm_regs, ARRAY_SIZE(sim_pm_regs));
	sim_add_cap(f, PCI_CAP_ID_PM, SIM_PM);
	if (!soft_reset)
		sim_preset(f, SIM_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	if (pme)
		sim_preset(f, SIM_PM, (PCI_PM_CAP_PME_D0 |
				       PCI_PM_CAP_PME_D3hot |
				       PCI_PM_CAP_PME_D3cold) << 16);
}

static void sim_add_msi(struct pci_sim_func *f)
{
	sim_add_regs(f, SIM_MSI, sim_msi_regs, ARRAY_SIZE(sim_msi_regs));
	sim_add_cap(f, PCI_CAP_ID_MSI, SIM_MSI);
}

static void sim_add_vf_exp(struct pci_sim_func *f)
{
	sim_add_regs(f, SIM_EXP, sim_vf_exp_regs, ARRAY_SIZE(sim_vf_exp_regs));
	sim_add_cap(f, PCI_CAP_ID_EXP, SIM_EXP);
	sim_preset(f, SIM_EXP, (2 | f->type << 4) << 16);
	sim_preset(f, SIM_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR);
}

static void sim_add_exp(struct pci_sim_func *f, u8 speed)
{
	u32 link = speed | 4 << PCI_EXP_LNKSTA_NLW_SHIFT;

	sim_add_regs(f, SIM_EXP, sim_exp_regs, ARRAY_SIZE(sim_exp_regs));
	if (sim_is_port(f))
		sim_add_regs(f, SIM_EXP, sim_exp_port_regs,
			     ARRAY_SIZE(sim_exp_port_regs));
	if (f->type == PCI_EXP_TYPE_ROOT_PORT)
		sim_add_regs(f, SIM_EXP, sim_exp_root_regs,
			     ARRAY_SIZE(sim_exp_root_regs));
	sim_add_cap(f, PCI_CAP_ID_EXP, SIM_EXP);
	sim_preset(f, SIM_EXP, (2 | f->type << 4) << 16);
	sim_preset(f, SIM_EXP + PCI_EXP_LNKCAP, link | PCI_EXP_LNKCAP_ASPMS);
	sim_preset(f, SIM_EXP + PCI_EXP_LNKCAP2, GENMASK(speed, 1));
	if (!sim_is_port(f))
		sim_preset(f, SIM_EXP + PCI_EXP_LNKCTL, link << 16);
}

static void sim_add_slot(struct pci_sim_func *f)
{
	const struct pci_sim_port_config *config = &f->port.config;
	u32 cap = PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_HPS |
		  PCI_EXP_SLTCAP_AIP | PCI_EXP_SLTCAP_PIP |
		  (u32)config->slot << 19;

	if (config->power_ctrl)
		cap |= PCI_EXP_SLTCAP_PCP;
	if (config->button)
		cap |= PCI_EXP_SLTCAP_ABP;
	if (config->mrl)
		cap |= PCI_EXP_SLTCAP_MRLSP;
	if (config->no_cmd_compl)
		cap |= PCI_EXP_SLTCAP_NCCS;

	sim_preset(f, SIM_EXP, PCI_EXP_FLAGS_SLOT << 16);
	sim_preset(f, SIM_EXP + PCI_EXP_SLTCAP, cap);
	/* The indicators are off */
	sim_preset(f, SIM_EXP + PCI_EXP_SLTCTL,
		   PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_PWR_IND_OFF);
}

static void sim_add_vsec(struct pci_sim_func *f)
{
	sim_add_regs(f, PCI_SIM_VSEC, sim_vsec_regs, ARRAY_SIZE(sim_vsec_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_VNDR, 1, PCI_SIM_VSEC);
}

static void sim_add_vndr(struct pci_sim_func *f)
{
	sim_add_regs(f, PCI_SIM_VNDR, sim_vndr_regs, ARRAY_SIZE(sim_vndr_regs));
	sim_add_cap(f, PCI_CAP_ID_VNDR, PCI_SIM_VNDR);
}

static void sim_add_aer(struct pci_sim_func *f)
{
	sim_add_regs(f, SIM_AER, sim_aer_regs, ARRAY_SIZE(sim_aer_regs));
	if (f->type == PCI_EXP_TYPE_ROOT_PORT)
		sim_add_regs(f, SIM_AER, sim_aer_root_regs,
			     ARRAY_SIZE(sim_aer_root_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_ERR, 2, SIM_AER);
}

static void sim_add_acs(struct pci_sim_func *f)
{
	sim_add_regs(f, SIM_ACS, sim_acs_regs, ARRAY_SIZE(sim_acs_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_ACS, 1, SIM_ACS);
}

static void sim_add_ptm(struct pci_sim_func *f)
{
	sim_add_regs(f, SIM_PTM, sim_ptm_regs, ARRAY_SIZE(sim_ptm_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_PTM, 1, SIM_PTM);
}

static void sim_add_dpc(struct pci_sim_func *f)
{
	sim_add_regs(f, SIM_DPC, sim_dpc_regs, ARRAY_SIZE(sim_dpc_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_DPC, 1, SIM_DPC);
}

static void sim_add_dsn(struct pci_sim_func *f, u64 dsn)
{
	sim_add_regs(f, SIM_DSN, sim_dsn_regs, ARRAY_SIZE(sim_dsn_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_DSN, 1, SIM_DSN);
	sim_preset(f, SIM_DSN + PCI_DSN_LOW, lower_32_bits(dsn));
	sim_preset(f, SIM_DSN + PCI_DSN_HIGH, upper_32_bits(dsn));
}

static void sim_add_ari(struct pci_sim_func *f)
{
	sim_add_regs(f, SIM_ARI, sim_ari_regs, ARRAY_SIZE(sim_ari_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_ARI, 1, SIM_ARI);
}

/* A time in the encoding of PCIe r6.0, sec 7.9.16.2, rounded up */
static u32 sim_rtr_time(u32 ms)
{
	u64 value = (u64)ms * NSEC_PER_MSEC;
	u32 scale = 0;

	for (; value > PCI_RTR_VALUE; scale++)
		value = DIV_ROUND_UP_ULL(value, 32);

	return FIELD_PREP(PCI_RTR_SCALE, scale) | value;
}

static void sim_add_rtr(struct pci_sim_func *f, u32 reset_ms, u32 dl_up_ms,
			u32 flr_ms, u32 d3_ms)
{
	sim_add_regs(f, SIM_RTR, sim_rtr_regs, ARRAY_SIZE(sim_rtr_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_RTR, 1, SIM_RTR);
	sim_preset(f, SIM_RTR + PCI_RTR_1, PCI_RTR_1_VALID |
		   FIELD_PREP(PCI_RTR_1_RESET, sim_rtr_time(reset_ms)) |
		   FIELD_PREP(PCI_RTR_1_DL_UP, sim_rtr_time(dl_up_ms)));
	sim_preset(f, SIM_RTR + PCI_RTR_2,
		   FIELD_PREP(PCI_RTR_2_FLR, sim_rtr_time(flr_ms)) |
		   FIELD_PREP(PCI_RTR_2_D3HOT, sim_rtr_time(d3_ms)));
}

/**
 * sim_cfg_add_sriov - add the SR-IOV Capability to a new Function
 * @f: Function of an Endpoint, after sim_cfg_init_ep()
 * @vfs: TotalVFs, not 0
 * @offset: First VF Offset
 * @stride: VF Stride
 *
 * Context: Any.
 */
void sim_cfg_add_sriov(struct pci_sim_func *f, u16 vfs, u16 offset,
		       u16 stride)
{
	sim_add_regs(f, SIM_SRIOV, sim_sriov_regs, ARRAY_SIZE(sim_sriov_regs));
	sim_add_ext_cap(f, PCI_EXT_CAP_ID_SRIOV, 1, SIM_SRIOV);
	sim_preset(f, SIM_SRIOV + PCI_SRIOV_INITIAL_VF, vfs | (u32)vfs << 16);
	/* Function Dependency Link: its own number, for no dependency */
	sim_preset(f, SIM_SRIOV + PCI_SRIOV_NUM_VF, (u32)f->devfn << 16);
	sim_preset(f, SIM_SRIOV + PCI_SRIOV_VF_OFFSET,
		   offset | (u32)stride << 16);
	sim_preset(f, SIM_SRIOV + SIM_SRIOV_VF_DID,
		   (u32)PCI_SIM_DEVICE_VF << 16);
	/* ARI Capable Hierarchy exists in Function 0 only, sec 9.3.3.3.5 */
	if (!f->devfn)
		f->cfg[(SIM_SRIOV + PCI_SRIOV_CTRL) / 4].rw |=
			PCI_SRIOV_CTRL_ARI;
}

static void sim_add_bridge(struct pci_sim_func *f, u16 device)
{
	sim_add_regs(f, 0, sim_header_regs, ARRAY_SIZE(sim_header_regs));
	sim_add_regs(f, 0, sim_type1_regs, ARRAY_SIZE(sim_type1_regs));
	sim_preset(f, PCI_VENDOR_ID, PCI_SIM_VENDOR_ID | (u32)device << 16);
	sim_preset(f, PCI_CLASS_REVISION, PCI_CLASS_BRIDGE_PCI_NORMAL << 8);
	sim_preset(f, PCI_CACHE_LINE_SIZE, PCI_HEADER_TYPE_BRIDGE << 16);
	sim_add_pm(f, false, true);
}

/**
 * sim_cfg_init_port - initialize the config space of a port
 * @f: new Root Port or Downstream Port, with &sim_port.config complete
 *
 * Context: Any.
 * Return: 0, or -EINVAL if the Link speed is not one of PCI_EXP_LNKCAP_SLS_*.
 */
int sim_cfg_init_port(struct pci_sim_func *f)
{
	const struct pci_sim_port_config *config = &f->port.config;
	bool root = f->type == PCI_EXP_TYPE_ROOT_PORT;

	if (!config->speed || config->speed > PCI_EXP_LNKCAP_SLS_64_0GB)
		return -EINVAL;

	sim_add_bridge(f, root ? PCI_SIM_DEVICE_ROOT_PORT :
				 PCI_SIM_DEVICE_DOWNSTREAM);
	if (!config->intx)
		sim_add_msi(f);
	if (!config->intx && config->multi_msi)
		sim_preset(f, SIM_MSI, SIM_MSI_MMC << 16);
	sim_add_exp(f, config->speed);
	if (!config->no_link_active)
		sim_preset(f, SIM_EXP + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_DLLLARC);
	if (config->no_rrs_sv)
		f->cfg[(SIM_EXP + PCI_EXP_RTCTL) / 4].por = 0;
	if (config->hotplug)
		sim_add_slot(f);

	sim_add_vsec(f);
	sim_add_aer(f);
	if (!config->no_acs)
		sim_add_acs(f);
	if (config->dpc)
		sim_add_dpc(f);
	if (config->ptm && root)
		sim_add_ptm(f);
	if (config->multi_msi && root)
		sim_preset(f, SIM_AER + PCI_ERR_ROOT_STATUS,
			   FIELD_PREP(PCI_ERR_ROOT_AER_IRQ, SIM_MSI_AER));
	if (config->multi_msi && config->dpc)
		sim_preset(f, SIM_DPC + PCI_EXP_DPC_CAP,
			   FIELD_PREP(PCI_EXP_DPC_IRQ, SIM_MSI_DPC));
	return 0;
}

/**
 * sim_cfg_init_upstream - initialize the config space of a Switch Upstream Port
 * @f: new Function
 *
 * Context: Any.
 */
void sim_cfg_init_upstream(struct pci_sim_func *f)
{
	sim_add_bridge(f, PCI_SIM_DEVICE_UPSTREAM);
	sim_add_exp(f, PCI_EXP_LNKCAP_SLS_64_0GB);
	sim_add_vsec(f);
	sim_add_aer(f);
}

/**
 * sim_cfg_init_pci_bridge - initialize the config space of a PCIe-to-PCI bridge
 * @f: new Function
 *
 * Context: Any.
 */
void sim_cfg_init_pci_bridge(struct pci_sim_func *f)
{
	sim_add_bridge(f, PCI_SIM_DEVICE_PCI_BRIDGE);
	sim_add_exp(f, PCI_EXP_LNKCAP_SLS_2_5GB);
	f->cfg[(SIM_EXP + PCI_EXP_DEVCTL) / 4].rw |= PCI_EXP_DEVCTL_BCR_FLR;
	sim_add_vsec(f);
	sim_add_aer(f);
}

/* Class Code, and the Subsystem IDs that the driver of this module matches */
static void sim_preset_identity(struct pci_sim_func *f,
				const struct pci_sim_ep_config *config)
{
	sim_preset(f, PCI_CLASS_REVISION,
		   config->class ?: PCI_CLASS_OTHERS << 16);
	sim_preset(f, PCI_SUBSYSTEM_VENDOR_ID,
		   PCI_SIM_VENDOR_ID | PCI_SIM_DEVICE_ENDPOINT << 16);
}

static bool sim_config_is_sane(struct pci_sim_func *f,
			       const struct pci_sim_ep_config *config)
{
	u32 bar = config->bar_size ?: SZ_4K;

	if (!is_power_of_2(bar) || bar < 128)
		return false;
	/* Reserved for a device that is absent and one that is not ready */
	if (config->vendor == 0xffff || config->vendor == 0x0001)
		return false;
	if (config->conventional && (config->flr || config->dsn ||
				     config->rtr || config->vfs))
		return false;
	/* VFs need ARI, which all Functions have if Function 0 has VFs */
	if (config->vfs && f->card != f && !sim_has(f->card, SIM_ARI))
		return false;

	return !config->rtr || (config->ready_ms <= SIM_RTR_MAX_MS &&
				config->flr_ms <= SIM_RTR_MAX_MS &&
				config->d3_ms <= SIM_RTR_MAX_MS &&
				config->vf_ms <= SIM_RTR_MAX_MS);
}

/**
 * sim_cfg_init_ep - initialize the config space of a Function of an Endpoint or
 *		     of a conventional device
 * @f: new Function, with &pci_sim_func.card set
 * @config: configuration
 *
 * Context: Any.
 * Return: 0, or -EINVAL if the configuration has a BAR size that is not a power
 * of two or is less than 128 bytes (PCIe r6.0, sec 7.5.1.2.1), a Vendor ID of
 * 0x0001 or 0xffff (sec 2.3.2), a conventional device with an option for PCI
 * Express only, VFs in a Function other than Function 0 if that has none, or
 * Readiness Time Reporting with a time of more than SIM_RTR_MAX_MS.
 */
int sim_cfg_init_ep(struct pci_sim_func *f,
		    const struct pci_sim_ep_config *config)
{
	if (!sim_config_is_sane(f, config))
		return -EINVAL;

	sim_add_regs(f, 0, sim_header_regs, ARRAY_SIZE(sim_header_regs));
	sim_add_regs(f, 0, sim_type0_regs, ARRAY_SIZE(sim_type0_regs));
	sim_preset(f, PCI_VENDOR_ID,
		   (config->vendor ?: PCI_SIM_VENDOR_ID) |
		   (u32)(config->device ?: PCI_SIM_DEVICE_ENDPOINT) << 16);
	sim_preset_identity(f, config);
	f->cfg[PCI_BASE_ADDRESS_0 / 4].rw = ~((config->bar_size ?: SZ_4K) - 1);
	if (config->imm_ready)
		sim_preset(f, PCI_COMMAND, PCI_STATUS_IMM_READY << 16);

	if (!config->no_pm)
		sim_add_pm(f, config->pm_reset, false);
	if (!config->no_pm && config->imm_ready_d0)
		sim_preset(f, SIM_PM, PCI_PM_CAP_IMM_READY_D0 << 16);
	sim_add_msi(f);
	if (config->af_flr) {
		sim_add_regs(f, SIM_AF, sim_af_regs, ARRAY_SIZE(sim_af_regs));
		sim_add_cap(f, PCI_CAP_ID_AF, SIM_AF);
	}
	if (config->conventional) {
		sim_add_vndr(f);
		return 0;
	}

	sim_add_exp(f, PCI_EXP_LNKCAP_SLS_64_0GB);
	if (config->flr)
		sim_preset(f, SIM_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR);
	sim_add_vsec(f);
	sim_add_aer(f);
	if (config->dsn)
		sim_add_dsn(f, config->dsn);
	if (config->rtr)
		sim_add_rtr(f, config->ready_ms + SIM_RTR_TRAIN_MS,
			    config->ready_ms, config->flr_ms, config->d3_ms);
	if (f->card == f ? config->vfs : sim_has(f->card, SIM_ARI))
		sim_add_ari(f);
	return 0;
}

/**
 * sim_cfg_init_vf - initialize the config space of a VF
 * @f: new VF, with &pci_sim_func.ready_ms set
 * @config: configuration of its PF
 *
 * Context: Any.
 */
void sim_cfg_init_vf(struct pci_sim_func *f,
		     const struct pci_sim_ep_config *config)
{
	sim_add_regs(f, 0, sim_vf_header_regs, ARRAY_SIZE(sim_vf_header_regs));
	sim_preset_identity(f, config);
	if (!config->no_pm)
		sim_add_pm(f, false, false);
	sim_add_vf_exp(f);
	sim_add_vsec(f);
	sim_add_ari(f);
	/* In a VF, Reset Time counts from VF Enable, sec 9.3.3.3.1 */
	if (config->rtr)
		sim_add_rtr(f, f->ready_ms, 0, config->flr_ms, 0);
	sim_cfg_reset(f, PCI_SIM_RESET_COLD);
}

/* sim_preset() for a Function that is already part of the fabric */
static void sim_preset_now(struct pci_sim_func *f, int where, u32 bits)
{
	sim_preset(f, where, bits);
	*sim_val(f, where) |= bits;
}

/**
 * sim_cfg_link_functions - let the last Function of a device refer to a new one
 * @f: last Function so far of an Endpoint or a conventional device
 * @next: new Function, which is not yet part of the fabric
 *
 * Makes the device a Multi-Function Device, and sets the Next Function Number
 * of ARI.
 *
 * Context: Any.  &pci_sim.lock is not needed, because no config request reaches
 * the device: it has no power.
 */
void sim_cfg_link_functions(struct pci_sim_func *f, struct pci_sim_func *next)
{
	sim_preset_now(f->card, PCI_CACHE_LINE_SIZE,
		       PCI_HEADER_TYPE_MFD << 16);
	if (sim_has(f, SIM_ARI))
		sim_preset_now(f, SIM_ARI + PCI_ARI_CAP, next->devfn << 8);
}
