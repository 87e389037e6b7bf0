// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that travel up a simulated fabric: errors (PCIe r6.0, sec 6.2),
 * with Downstream Port Containment (sec 6.2.11) on their way, and PM_PME
 * (sec 5.3.3)
 */

#include "sim.h"

#define SIM_SLOT_WAKE	(PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD |	\
			 PCI_EXP_SLTSTA_PDC)

static struct pci_sim_func *sim_root_port(struct pci_sim_func *f)
{
	while (f->upstream)
		f = f->upstream;

	return f->type == PCI_EXP_TYPE_ROOT_PORT ? f : NULL;
}

/* PCIe r6.0, sec 6.1.6: one source in the register, one pending */
static void sim_root_pme(struct pci_sim_func *root, u16 source)
{
	u32 *sta = sim_val(root, SIM_EXP + PCI_EXP_RTSTA);

	if (*sta & PCI_EXP_RTSTA_PME) {
		*sta |= PCI_EXP_RTSTA_PENDING;
		root->port.pme_pending = true;
		root->port.pme_source = source;
		return;
	}
	*sta = PCI_EXP_RTSTA_PME | source;
	sim_irq_update(root);
}

/**
 * sim_wrote_root_status - PME Status was cleared
 * @f: Root Port
 * @w: write
 */
void sim_wrote_root_status(struct pci_sim_func *f, const struct sim_write *w)
{
	if (!(w->old & ~w->new & PCI_EXP_RTSTA_PME) || !f->port.pme_pending)
		return;

	/* The condition is false for a moment, which an MSI needs to see */
	sim_irq_update(f);
	*sim_val(f, SIM_EXP + PCI_EXP_RTSTA) &= ~PCI_EXP_RTSTA_PENDING;
	f->port.pme_pending = false;
	sim_root_pme(f, f->port.pme_source);
}

static bool sim_slot_wakes(struct pci_sim_func *f)
{
	u32 slot = *sim_val(f, SIM_EXP + PCI_EXP_SLTCTL);
	u16 events = slot >> 16 & ~f->port.no_pme;

	if (events & PCI_EXP_SLTSTA_DLLSC && slot & PCI_EXP_SLTCTL_DLLSCE)
		return true;

	return events & slot & SIM_SLOT_WAKE;
}

/**
 * sim_pme - wake the system if a port in D3hot has a reason to
 * @f: Function, its fabric locked
 *
 * An enabled hot-plug event in a port that is in D3hot is a wakeup event,
 * whether hot-plug interrupts are enabled or not (PCIe r6.0, sec 6.7.3.4).
 */
void sim_pme(struct pci_sim_func *f)
{
	u32 *ctrl = sim_val(f, SIM_PM + PCI_PM_CTRL);
	struct pci_sim_func *root = sim_root_port(f);

	if (!sim_is_port(f) || !root || f->state != SIM_READY ||
	    sim_power_state(*ctrl) != PCI_D3hot ||
	    *ctrl & PCI_PM_CTRL_PME_STATUS || !sim_slot_wakes(f))
		return;

	*ctrl |= PCI_PM_CTRL_PME_STATUS;
	if (*ctrl & PCI_PM_CTRL_PME_ENABLE)
		sim_root_pme(root, sim_requester_id(f));
}

static int sim_contain(struct pci_sim_func *port, u16 reason, u16 source)
{
	u32 *sta = sim_val(port, SIM_DPC + PCI_EXP_DPC_STATUS);

	if (!sim_has(port, SIM_DPC))
		return -EOPNOTSUPP;
	/* Nothing is contained below a port that is not up itself */
	if (port->state != SIM_READY || *sta & PCI_EXP_DPC_STATUS_TRIGGER)
		return 0;

	*sta = PCI_EXP_DPC_STATUS_TRIGGER | PCI_EXP_DPC_STATUS_INTERRUPT |
	       reason | (u32)source << 16;
	sim_secondary_update(port);
	return 0;
}

static bool sim_dpc_enabled(struct pci_sim_func *port, bool fatal)
{
	u32 ctl;

	if (!sim_has(port, SIM_DPC))
		return false;

	ctl = *sim_val(port, SIM_DPC + PCI_EXP_DPC_CAP) >> 16;
	return ctl & PCI_EXP_DPC_CTL_EN_NONFATAL ||
	       (fatal && ctl & PCI_EXP_DPC_CTL_EN_FATAL);
}

/**
 * sim_wrote_dpc_control - software trigger, PCIe r6.0, sec 7.9.14.3
 * @f: Root Port or Downstream Port
 * @w: write
 */
void sim_wrote_dpc_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if (w->raw & PCI_EXP_DPC_CTL_SW_TRIGGER << 16 &&
	    sim_dpc_enabled(f, true))
		sim_contain(f, PCI_EXP_DPC_STATUS_TRIGGER_RSN_IN_EXT |
			       PCI_EXP_DPC_STATUS_TRIGGER_RSN_SW_TRIGGER, 0);
}

/**
 * sim_wrote_dpc_status - release from containment, PCIe r6.0, sec 7.9.14.4
 * @f: Root Port or Downstream Port
 * @w: write
 */
void sim_wrote_dpc_status(struct pci_sim_func *f, const struct sim_write *w)
{
	if (w->old & ~w->new & PCI_EXP_DPC_STATUS_TRIGGER)
		sim_secondary_update(f);
}

/* PCIe r6.0, sec 7.8.4.10 */
static void sim_root_error(struct pci_sim_func *root, bool fatal, u16 source)
{
	u32 *sta = sim_val(root, SIM_AER + PCI_ERR_ROOT_STATUS);
	u32 *src = sim_val(root, SIM_AER + PCI_ERR_ROOT_ERR_SRC);

	*sta |= fatal ? PCI_ERR_ROOT_FATAL_RCV : PCI_ERR_ROOT_NONFATAL_RCV;
	if (*sta & PCI_ERR_ROOT_UNCOR_RCV) {
		*sta |= PCI_ERR_ROOT_MULTI_UNCOR_RCV;
	} else {
		*sta |= PCI_ERR_ROOT_UNCOR_RCV;
		if (fatal)
			*sta |= PCI_ERR_ROOT_FIRST_FATAL;
		*src = (*src & 0xffff) | (u32)source << 16;
	}
	sim_irq_update(root);
}

static void sim_root_cor_error(struct pci_sim_func *root, u16 source)
{
	u32 *sta = sim_val(root, SIM_AER + PCI_ERR_ROOT_STATUS);
	u32 *src = sim_val(root, SIM_AER + PCI_ERR_ROOT_ERR_SRC);

	if (*sta & PCI_ERR_ROOT_COR_RCV) {
		*sta |= PCI_ERR_ROOT_MULTI_COR_RCV;
	} else {
		*sta |= PCI_ERR_ROOT_COR_RCV;
		*src = (*src & ~0xffffU) | source;
	}
	sim_irq_update(root);
}

/*
 * A bridge sends an error message from below on if SERR# is enabled in its
 * Bridge Control register, and error reporting in its Device Control register
 * or SERR# in its Command register (PCIe r6.0, sec 6.2.6).
 */
static bool sim_forwards_errors(struct pci_sim_func *bridge, u16 devctl)
{
	if (!sim_bridge_forwards(bridge))
		return false;
	if (!(*sim_val(bridge, PCI_INTERRUPT_LINE) &
	      PCI_BRIDGE_CTL_SERR << 16))
		return false;

	return *sim_val(bridge, SIM_EXP + PCI_EXP_DEVCTL) & devctl ||
	       *sim_val(bridge, PCI_COMMAND) & PCI_COMMAND_SERR;
}

/* Returns true if the message reached @root, false if it ended before */
static bool sim_send_error(struct pci_sim_func *f, struct pci_sim_func *root,
			   u16 devctl, u16 source)
{
	bool uncor = devctl != PCI_EXP_DEVCTL_CERE;
	bool fatal = devctl == PCI_EXP_DEVCTL_FERE;
	struct pci_sim_func *p;

	for (p = f->upstream; p; p = p->upstream) {
		if (uncor && sim_is_port(p) && sim_dpc_enabled(p, fatal)) {
			sim_contain(p,
				    fatal ? PCI_EXP_DPC_STATUS_TRIGGER_RSN_FE :
					    PCI_EXP_DPC_STATUS_TRIGGER_RSN_NFE,
				    source);
			return false;
		}
		if (!sim_forwards_errors(p, devctl))
			return false;
	}
	return root;
}

static bool sim_reports(struct pci_sim_func *f, u16 devctl)
{
	if (*sim_val(f, SIM_EXP + PCI_EXP_DEVCTL) & devctl)
		return true;

	return devctl != PCI_EXP_DEVCTL_CERE &&
	       *sim_val(f, PCI_COMMAND) & PCI_COMMAND_SERR;
}

static void sim_uncor_error(struct pci_sim_func *f, u32 status)
{
	struct pci_sim_func *root = sim_root_port(f);
	u16 source = sim_requester_id(f);
	bool fatal;

	if (f->state != SIM_READY || !sim_has(f, SIM_AER))
		return;

	*sim_val(f, SIM_AER + PCI_ERR_UNCOR_STATUS) |= status;
	status &= ~*sim_val(f, SIM_AER + PCI_ERR_UNCOR_MASK);
	fatal = status & *sim_val(f, SIM_AER + PCI_ERR_UNCOR_SEVER);
	*sim_val(f, SIM_EXP + PCI_EXP_DEVCTL) |=
		(fatal ? PCI_EXP_DEVSTA_FED : PCI_EXP_DEVSTA_NFED) << 16;
	if (!status)
		return;

	/* A port contains what it has detected itself */
	if (sim_is_port(f) && sim_dpc_enabled(f, fatal)) {
		sim_contain(f, PCI_EXP_DPC_STATUS_TRIGGER_RSN_UNCOR, 0);
		return;
	}

	if (sim_reports(f, fatal ? PCI_EXP_DEVCTL_FERE :
				   PCI_EXP_DEVCTL_NFERE) &&
	    sim_send_error(f, root, fatal ? PCI_EXP_DEVCTL_FERE :
					    PCI_EXP_DEVCTL_NFERE, source))
		sim_root_error(root, fatal, source);
}

static void sim_cor_error(struct pci_sim_func *f, u32 status)
{
	struct pci_sim_func *root = sim_root_port(f);
	u16 source = sim_requester_id(f);

	if (f->state != SIM_READY || !sim_has(f, SIM_AER))
		return;

	*sim_val(f, SIM_AER + PCI_ERR_COR_STATUS) |= status;
	*sim_val(f, SIM_EXP + PCI_EXP_DEVCTL) |= PCI_EXP_DEVSTA_CED << 16;
	if (!(status & ~*sim_val(f, SIM_AER + PCI_ERR_COR_MASK)))
		return;

	if (sim_reports(f, PCI_EXP_DEVCTL_CERE) &&
	    sim_send_error(f, root, PCI_EXP_DEVCTL_CERE, source))
		sim_root_cor_error(root, source);
}

/**
 * pci_sim_uncor_error - let a Function detect an uncorrectable error
 * @f: Function; a VF and a conventional device detect none
 * @status: bits of its Uncorrectable Error Status register, PCI_ERR_UNC_*
 *
 * Its Uncorrectable Error Severity register decides whether the error is
 * fatal: by default PCI_ERR_UNC_DLP is, and PCI_ERR_UNC_COMP_TIME is not.
 *
 * Context: Any.
 */
void pci_sim_uncor_error(struct pci_sim_func *f, u32 status)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&f->sim->lock, flags);
	sim_uncor_error(f, status);
	raw_spin_unlock_irqrestore(&f->sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_uncor_error);

/**
 * pci_sim_cor_error - let a Function detect a correctable error
 * @f: Function; a VF and a conventional device detect none
 * @status: bits of its Correctable Error Status register, PCI_ERR_COR_*
 *
 * Context: Any.
 */
void pci_sim_cor_error(struct pci_sim_func *f, u32 status)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&f->sim->lock, flags);
	sim_cor_error(f, status);
	raw_spin_unlock_irqrestore(&f->sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_cor_error);

/**
 * pci_sim_dpc_trigger - let a port go into containment
 * @port: Root Port or Downstream Port
 *
 * As if it had detected an uncorrectable error itself that it did not log.  A
 * port that is without power or held in reset detects none.
 *
 * Context: Any.
 * Return: 0, or -EOPNOTSUPP if @port has no Downstream Port Containment.
 */
int pci_sim_dpc_trigger(struct pci_sim_func *port)
{
	unsigned long flags;
	int ret;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	ret = sim_contain(port, PCI_EXP_DPC_STATUS_TRIGGER_RSN_UNCOR, 0);
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(pci_sim_dpc_trigger);
