// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the Root Complex: errors (PCIe r6.0, sec 6.2), which Downstream
 * Port Containment (sec 6.2.11) may stop on their way, and PM_PME (sec 5.3.3)
 *
 * Static functions are called with &pci_sim.lock held.
 */

#include "sim.h"

#define SIM_SLOT_WAKE	(PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD |	\
			 PCI_EXP_SLTSTA_PDC)

/* The Root Port above a Function, NULL if it is not plugged in */
static struct pci_sim_func *sim_root_port(struct pci_sim_func *f)
{
	while (f->upstream)
		f = f->upstream;

	return f->type == PCI_EXP_TYPE_ROOT_PORT ? f : NULL;
}

/* Root Status has one Requester ID, and PME Pending (PCIe r6.0, sec 6.1.6) */
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
 * sim_wrote_root_status - write to Root Status (PCIe r6.0, sec 6.1.6)
 * @f: Root Port
 * @w: the write
 *
 * Once PME Status is cleared, a PM_PME that is pending sets it again.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_root_status(struct pci_sim_func *f, const struct sim_write *w)
{
	if (!(w->old & ~w->new & PCI_EXP_RTSTA_PME) || !f->port.pme_pending)
		return;

	/* PME Status is clear for a moment, so the next PME sends an MSI */
	sim_irq_update(f);
	*sim_val(f, SIM_EXP + PCI_EXP_RTSTA) &= ~PCI_EXP_RTSTA_PENDING;
	f->port.pme_pending = false;
	sim_root_pme(f, f->port.pme_source);
}

/* Whether a port in D3hot has a hot-plug event that is a wakeup event */
static bool sim_slot_wakes(struct pci_sim_func *f)
{
	u32 slot = *sim_val(f, SIM_EXP + PCI_EXP_SLTCTL);
	u16 events = slot >> 16 & ~f->port.no_pme;

	if (events & PCI_EXP_SLTSTA_DLLSC && slot & PCI_EXP_SLTCTL_DLLSCE)
		return true;

	return events & slot & SIM_SLOT_WAKE;
}

/**
 * sim_pme - send a PM_PME if a port has a wakeup event
 * @f: Function; if it is not a port in D3hot, nothing happens
 *
 * In a port that is in D3hot, an enabled hot-plug event is a wakeup event,
 * whether Hot-Plug Interrupt Enable is set or not (PCIe r6.0, sec 6.7.3.4).
 *
 * Context: Any.  The caller holds &pci_sim.lock.
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

/* Trigger DPC in a port */
static int sim_contain(struct pci_sim_func *port, u16 reason, u16 source)
{
	u32 *sta = sim_val(port, SIM_DPC + PCI_EXP_DPC_STATUS);

	if (!sim_has(port, SIM_DPC))
		return -EOPNOTSUPP;
	/* A port that is not ready detects no error and receives no message */
	if (port->state != SIM_READY || *sta & PCI_EXP_DPC_STATUS_TRIGGER)
		return 0;

	*sta = PCI_EXP_DPC_STATUS_TRIGGER | PCI_EXP_DPC_STATUS_INTERRUPT |
	       reason | (u32)source << 16;
	sim_secondary_update(port);
	return 0;
}

/* Whether DPC is enabled in a port for ERR_FATAL or ERR_NONFATAL */
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
 * sim_wrote_dpc_control - write to DPC Control (PCIe r6.0, sec 7.9.14.3)
 * @f: Root Port or Downstream Port
 * @w: the write
 *
 * DPC Software Trigger.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_dpc_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if (w->raw & PCI_EXP_DPC_CTL_SW_TRIGGER << 16 &&
	    sim_dpc_enabled(f, true))
		sim_contain(f, PCI_EXP_DPC_STATUS_TRIGGER_RSN_IN_EXT |
			       PCI_EXP_DPC_STATUS_TRIGGER_RSN_SW_TRIGGER, 0);
}

/**
 * sim_wrote_dpc_status - write to DPC Status (PCIe r6.0, sec 7.9.14.4)
 * @f: Root Port or Downstream Port
 * @w: the write
 *
 * Clearing DPC Trigger Status releases the port from DPC.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_dpc_status(struct pci_sim_func *f, const struct sim_write *w)
{
	if (w->old & ~w->new & PCI_EXP_DPC_STATUS_TRIGGER)
		sim_secondary_update(f);
}

/* An ERR_FATAL or ERR_NONFATAL arrives (PCIe r6.0, sec 7.8.4.10) */
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

/* An ERR_COR arrives (PCIe r6.0, sec 7.8.4.10) */
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
 * A bridge forwards an error message from its secondary bus if SERR# is enabled
 * in Bridge Control, and either the kind of error in Device Control or SERR# in
 * the Command register (PCIe r6.0, sec 6.2.6).
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

/*
 * Send an error message to the Root Port @root.  @devctl is the enable bit of
 * its kind in Device Control.  Returns true if the message arrives, false if a
 * bridge does not forward it or DPC stops it.
 */
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

/* Whether a Function sends messages for errors of a kind that it detects */
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

	/* For an error that a port detects itself, DPC replaces the message */
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
 * @f: Function; nothing happens in one that is not ready, a VF or a
 *	conventional device
 * @status: bits of its Uncorrectable Error Status register, PCI_ERR_UNC_*
 *
 * The Uncorrectable Error Severity register decides whether the error is
 * fatal: by default PCI_ERR_UNC_DLP is, and PCI_ERR_UNC_COMP_TIME is not.
 *
 * Context: Any.
 */
void pci_sim_uncor_error(struct pci_sim_func *f, u32 status)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	sim_uncor_error(f, status);
}
EXPORT_SYMBOL_GPL(pci_sim_uncor_error);

/**
 * pci_sim_cor_error - let a Function detect a correctable error
 * @f: Function; nothing happens in one that is not ready, a VF or a
 *	conventional device
 * @status: bits of its Correctable Error Status register, PCI_ERR_COR_*
 *
 * Context: Any.
 */
void pci_sim_cor_error(struct pci_sim_func *f, u32 status)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	sim_cor_error(f, status);
}
EXPORT_SYMBOL_GPL(pci_sim_cor_error);

/**
 * pci_sim_dpc_trigger - trigger Downstream Port Containment
 * @port: Root Port or Downstream Port; nothing happens in one that is not
 *	  ready, in which DPC is not enabled or has been triggered already
 *
 * The Trigger Reason is an unmasked uncorrectable error that the port has
 * detected itself.  It is not logged in the AER Capability.
 *
 * Context: Any.
 * Return: 0, or -EOPNOTSUPP if @port has no DPC.
 */
int pci_sim_dpc_trigger(struct pci_sim_func *port)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	if (sim_has(port, SIM_DPC) && !sim_dpc_enabled(port, true))
		return 0;

	return sim_contain(port, PCI_EXP_DPC_STATUS_TRIGGER_RSN_UNCOR, 0);
}
EXPORT_SYMBOL_GPL(pci_sim_dpc_trigger);
