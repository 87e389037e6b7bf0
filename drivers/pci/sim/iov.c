// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual Functions of a simulated fabric (PCIe r6.0, sec 9)
 *
 * All VFs of a PF are allocated together with the PF.  A VF is held in reset
 * unless VF Enable is set in the PF and NumVFs covers the VF; any reset of the
 * PF clears both.  VFs are not in the list of a bus: requests are routed to
 * them by their Routing ID, which is calculated from that of the PF.
 */

#include "sim.h"

/**
 * sim_iov_init - initialize the SR-IOV state of a new Function
 * @f: Function
 *
 * Context: Any.
 */
void sim_iov_init(struct pci_sim_func *f)
{
	INIT_LIST_HEAD(&f->vfs);
}

/**
 * sim_iov_update - release VFs from reset or reset them
 * @pf: Function; without VFs nothing happens
 *
 * To be called when VF Enable or NumVFs may have changed.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
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
 * sim_wrote_sriov_control - write to SR-IOV Control (PCIe r6.0, sec 9.3.3.3.1)
 * @f: PF
 * @w: the write
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_sriov_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if ((w->old ^ w->new) & PCI_SRIOV_CTRL_VFE)
		sim_iov_update(f);
}
