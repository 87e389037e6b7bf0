// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual Functions of a simulated fabric (PCIe r6.0, sec 9)
 *
 * A VF exists as long as its PF.  Whether it answers is decided by VF Enable
 * and NumVFs of the PF, and so by every reset of the PF, which clears them.  It
 * is on no bus of its own: requests are routed to it by its Routing ID, which
 * follows from that of the PF.
 */

#include "sim.h"

/* PCIe r6.0, sec 9.3.3.3.1: software waits that long after VF Enable */
#define SIM_VF_MS	100
#define SIM_VF_OFFSET	8
#define SIM_VF_STRIDE	8

/**
 * sim_iov_init - prepare what a Function needs from this file
 * @f: new Function
 */
void sim_iov_init(struct pci_sim_func *f)
{
	INIT_LIST_HEAD(&f->vfs);
}

/* Whether a VF of @pf has this Routing ID, relative to that of the device */
static bool sim_iov_has(struct pci_sim_func *pf, u32 id)
{
	u32 layout = pf->cfg[(SIM_SRIOV + PCI_SRIOV_VF_OFFSET) / 4].por;
	u16 total = pf->cfg[(SIM_SRIOV + PCI_SRIOV_INITIAL_VF) / 4].por;
	u32 first = pf->devfn + (layout & 0xffff), stride = layout >> 16;

	return total && id >= first && !((id - first) % stride) &&
	       (id - first) / stride < total;
}

/**
 * sim_iov_collides - whether two Functions would have the same Routing ID
 * @f: Function of a device that it is no part of yet, with @card and its VFs
 *     set
 *
 * Return: true if @f or one of its VFs has the Routing ID of another Function
 * of the device, or of a VF of one.
 */
bool sim_iov_collides(struct pci_sim_func *f)
{
	struct pci_sim_func *other, *vf;

	list_for_each_entry(other, &f->card->functions, function) {
		if (sim_iov_has(f, other->devfn) || sim_iov_has(other, f->devfn))
			return true;
		list_for_each_entry(vf, &f->vfs, sibling) {
			if (sim_iov_has(other, f->devfn + vf->vf_offset))
				return true;
		}
	}
	return false;
}

/**
 * sim_iov_add_vfs - give a Function its VFs
 * @pf: Function of an Endpoint that is no part of the fabric yet, with @card
 *	and its config space set
 * @config: what the test asked for, TotalVFs may be 0
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, or -EINVAL if they are more than there are Routing IDs.
 * The caller frees @pf then.
 */
int sim_iov_add_vfs(struct pci_sim_func *pf,
		    const struct pci_sim_ep_config *config)
{
	u32 offset = config->vf_offset ?: SIM_VF_OFFSET;
	u32 stride = config->vf_stride ?: SIM_VF_STRIDE;
	struct pci_sim_func *vf;
	unsigned int n;

	if (!config->vfs)
		return 0;
	if (pf->devfn + offset + (config->vfs - 1) * stride > U16_MAX)
		return -EINVAL;

	sim_cfg_add_sriov(pf, config->vfs, offset, stride);
	for (n = 0; n < config->vfs; n++) {
		vf = sim_alloc_func(pf->sim, PCI_EXP_TYPE_ENDPOINT, 0);
		if (!vf)
			return -ENOMEM;

		list_add_tail(&vf->sibling, &pf->vfs);
		vf->pf = pf;
		vf->card = pf->card;
		vf->vf_offset = offset + n * stride;
		vf->ready_ms = config->vf_ms ?: SIM_VF_MS;
		vf->flr_ms = config->flr_ms;
		sim_cfg_init_vf(vf, config);
	}
	return 0;
}

/**
 * sim_iov_update - let VFs follow the registers of their PF
 * @pf: Function, PF or not, its fabric locked
 */
void sim_iov_update(struct pci_sim_func *pf)
{
	bool enabled = *sim_val(pf, SIM_SRIOV + PCI_SRIOV_CTRL) &
		       PCI_SRIOV_CTRL_VFE;
	u16 num = *sim_val(pf, SIM_SRIOV + PCI_SRIOV_NUM_VF);
	struct pci_sim_func *vf;
	unsigned int n = 0;

	list_for_each_entry(vf, &pf->vfs, sibling) {
		if (enabled && n++ < num)
			sim_func_release(vf);
		else
			sim_func_reset_below(vf, pf->state == SIM_OFF ?
						 PCI_SIM_RESET_COLD :
						 PCI_SIM_RESET_HOT);
	}
}

/**
 * sim_wrote_sriov_control - VF Enable, PCIe r6.0, sec 9.3.3.3.1
 * @f: PF
 * @w: write
 */
void sim_wrote_sriov_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if ((w->old ^ w->new) & PCI_SRIOV_CTRL_VFE)
		sim_iov_update(f);
}
