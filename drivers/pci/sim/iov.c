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

/**
 * sim_iov_init - prepare what a Function needs from this file
 * @f: new Function
 */
void sim_iov_init(struct pci_sim_func *f)
{
	INIT_LIST_HEAD(&f->vfs);
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
