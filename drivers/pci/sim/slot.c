// SPDX-License-Identifier: GPL-2.0
/*
 * Hot-plug slots of a simulated fabric: presence, retention latch, power
 * controller, attention button, commands (PCIe r6.0, sec 6.7)
 *
 * Static functions are called with &pci_sim.lock held.
 */

#include "sim.h"

static u16 sim_slot_control(struct pci_sim_func *port)
{
	return *sim_val(port, SIM_EXP + PCI_EXP_SLTCTL);
}

static bool sim_slot_has(struct pci_sim_func *port, u32 cap)
{
	return *sim_val(port, SIM_EXP + PCI_EXP_SLTCAP) & cap;
}

/**
 * sim_slot_powered - check whether the card in a slot has power
 * @port: Root Port or Downstream Port
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 * Return: true if there is a card and its power is on.
 */
bool sim_slot_powered(struct pci_sim_func *port)
{
	if (!port->port.card || port->port.power_fault)
		return false;
	if (!sim_slot_has(port, PCI_EXP_SLTCAP_PCP))
		return true;

	return !(sim_slot_control(port) & PCI_EXP_SLTCTL_PCC);
}

/**
 * sim_slot_status - update the Slot Status register
 * @port: Root Port or Downstream Port; without a hot-plug capable slot, nothing
 *	  happens
 * @set: event bits to set, PCI_EXP_SLTSTA_*; ignored while the port has no
 *	 power or is held in reset
 *
 * Also updates Presence Detect State and MRL Sensor State.  The caller calls
 * sim_irq_update() afterwards.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_slot_status(struct pci_sim_func *port, u16 set)
{
	u32 *val = sim_val(port, SIM_EXP + PCI_EXP_SLTCTL);

	if (!sim_slot_has(port, PCI_EXP_SLTCAP_HPC))
		return;

	if (port->state <= SIM_RESET)
		set = 0;
	*val &= ~((PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_MRLSS) << 16);
	if (port->port.card)
		set |= PCI_EXP_SLTSTA_PDS;
	if (port->port.mrl_open)
		set |= PCI_EXP_SLTSTA_MRLSS;
	*val |= (u32)set << 16;
}

/**
 * sim_slot_reset - reset the slot of a port together with the port
 * @port: Root Port or Downstream Port
 *
 * A power controller that has tripped turns power on again, unless the
 * retention latch is open or the power fault is permanent.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_slot_reset(struct pci_sim_func *port)
{
	if (!port->port.mrl_open && !port->port.fault_permanent)
		port->port.power_fault = false;
	sim_slot_status(port, 0);
}

/**
 * sim_slot_sleeps - note that a port has changed its power state
 * @port: Root Port or Downstream Port
 * @sleeps: true if the new power state is D3hot
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_slot_sleeps(struct pci_sim_func *port, bool sleeps)
{
	u32 slot = *sim_val(port, SIM_EXP + PCI_EXP_SLTCTL);

	port->port.no_pme = 0;
	if (sleeps && port->port.config.no_late_events)
		port->port.no_pme = slot >> 16;
}

static void sim_power_tripped(struct pci_sim_func *port)
{
	port->port.power_fault = true;
	sim_slot_status(port, PCI_EXP_SLTSTA_PFD);
	sim_secondary_update(port);
}

static void sim_command_completed(struct sim_event *ev)
{
	struct pci_sim_func *port = container_of(ev, struct pci_sim_func,
						 port.command);

	sim_slot_status(port, PCI_EXP_SLTSTA_CC);
	sim_irq_update(port);
}

/**
 * sim_wrote_slot_control - write to Slot Control (PCIe r6.0, sec 6.7.3.2)
 * @f: Root Port or Downstream Port
 * @w: the write
 *
 * Any write to Slot Control is a command, even if it changes no bit.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_slot_control(struct pci_sim_func *f, const struct sim_write *w)
{
	struct sim_port *p = &f->port;

	if (!(w->mask & 0xffff) || !sim_slot_has(f, PCI_EXP_SLTCAP_HPC))
		return;

	if (sim_slot_has(f, PCI_EXP_SLTCAP_PCP) &&
	    (w->old ^ w->new) & PCI_EXP_SLTCTL_PCC) {
		/*
		 * A power controller that has tripped, or has removed power
		 * because the latch was opened, is reset by turning power on.
		 */
		if (!(w->new & PCI_EXP_SLTCTL_PCC) && p->power_fault &&
		    !p->mrl_open) {
			p->power_fault = false;
			if (p->fault_permanent && p->card)
				sim_power_tripped(f);
		}
		sim_secondary_update(f);
	}

	/* No MSI for events from before they were enabled */
	if (p->config.no_late_events && w->new & ~w->old & 0xffff)
		sim_irq_skip_slot(f);

	if (!p->config.no_cmd_compl)
		sim_event_queue(f->sim, &p->command, p->config.cmd_us);
}

/**
 * sim_slot_init - initialize the slot of a new Function
 * @port: Function, Root Port or Downstream Port or not
 *
 * Context: Any.
 */
void sim_slot_init(struct pci_sim_func *port)
{
	sim_event_init(&port->port.command, sim_command_completed);
}

static struct pci_sim_func *sim_unplug(struct pci_sim_func *port)
{
	struct pci_sim_func *card = port->port.card;
	struct pci_sim_func *f;

	if (!card)
		return NULL;

	port->port.card = NULL;
	sim_slot_status(port, PCI_EXP_SLTSTA_PDC);
	sim_secondary_update(port);
	list_for_each_entry(f, &card->functions, function) {
		list_del_init(&f->sibling);
		sim_set_upstream(f, NULL);
	}
	return card;
}

static void sim_plug(struct pci_sim_func *port, struct pci_sim_func *card)
{
	struct pci_sim_func *f;

	port->port.card = card;
	list_for_each_entry(f, &card->functions, function) {
		sim_set_upstream(f, port);
		list_add_tail(&f->sibling, &port->below);
	}
	sim_slot_status(port, PCI_EXP_SLTSTA_PDC);
	sim_secondary_update(port);
}

/* Whether a port is below a card, so that it cannot hold the card */
static bool sim_is_on_card(struct pci_sim_func *port,
			   struct pci_sim_func *card)
{
	for (; port; port = port->upstream) {
		if (port == card)
			return true;
	}
	return false;
}

/**
 * pci_sim_plug - plug a card into the slot of a port
 * @port: Root Port or Downstream Port
 * @card: Function 0 of the card: an Endpoint, a Switch Upstream Port or a
 *	  PCIe-to-PCI bridge
 *
 * A card that is in the slot is unplugged at the same time.
 *
 * Context: Any.
 * Return: 0, or -EINVAL if @port is neither a Root Port nor a Downstream Port,
 * if @card is such a port, a conventional device or not Function 0, if it is
 * plugged in already or belongs to another fabric, or if @port is below it.
 */
int pci_sim_plug(struct pci_sim_func *port, struct pci_sim_func *card)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	if (!sim_is_port(port) || sim_is_port(card) || card->card != card ||
	    !sim_has(card, SIM_EXP) || card->sim != port->sim ||
	    card->upstream || sim_is_on_card(port, card))
		return -EINVAL;

	sim_unplug(port);
	sim_plug(port, card);
	return 0;
}
EXPORT_SYMBOL_GPL(pci_sim_plug);

/**
 * pci_sim_unplug - pull the card out of the slot of a port (surprise removal)
 * @port: Root Port or Downstream Port
 *
 * Context: Any.
 * Return: Function 0 of the card, NULL if the slot was empty.
 */
struct pci_sim_func *pci_sim_unplug(struct pci_sim_func *port)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	return sim_unplug(port);
}
EXPORT_SYMBOL_GPL(pci_sim_unplug);

/**
 * pci_sim_mrl - open or close the Manually-operated Retention Latch of a slot
 * @port: Root Port or Downstream Port; without an MRL Sensor, nothing happens
 * @open: true to open the latch
 *
 * If the slot has a power controller, it removes power when the latch is
 * opened (PCIe r6.0, sec 6.7.1.3).  After the latch is closed, software has to
 * turn power off and on again.
 *
 * Context: Any.
 */
void pci_sim_mrl(struct pci_sim_func *port, bool open)
{
	struct sim_port *p = &port->port;

	guard(raw_spinlock_irqsave)(&port->sim->lock);
	if (sim_slot_has(port, PCI_EXP_SLTCAP_MRLSP) && p->mrl_open != open) {
		p->mrl_open = open;
		if (open && sim_slot_has(port, PCI_EXP_SLTCAP_PCP))
			p->power_fault = true;
		sim_slot_status(port, PCI_EXP_SLTSTA_MRLSC);
		sim_secondary_update(port);
	}
}
EXPORT_SYMBOL_GPL(pci_sim_mrl);

/**
 * sim_slot_holds - check whether a card is plugged into a port
 * @port: Root Port or Downstream Port
 * @card: Function 0 of a card
 *
 * Context: Any.  Takes &pci_sim.lock.
 * Return: true if it is.
 */
bool sim_slot_holds(struct pci_sim_func *port, struct pci_sim_func *card)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	return port->port.card == card;
}

/**
 * sim_slot_pull - pull a card out of the slot of a port
 * @port: Root Port or Downstream Port
 * @card: Function 0 of the card; if it is not in the slot, nothing happens
 *
 * Context: Any.  Takes &pci_sim.lock.
 */
void sim_slot_pull(struct pci_sim_func *port, struct pci_sim_func *card)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	if (port->port.card == card)
		sim_unplug(port);
}

/**
 * pci_sim_press_button - press the attention button of a slot
 * @port: Root Port or Downstream Port; without a button, nothing happens
 *
 * Context: Any.
 */
void pci_sim_press_button(struct pci_sim_func *port)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	if (sim_slot_has(port, PCI_EXP_SLTCAP_ABP)) {
		sim_slot_status(port, PCI_EXP_SLTSTA_ABP);
		sim_irq_update(port);
	}
}
EXPORT_SYMBOL_GPL(pci_sim_press_button);

/**
 * pci_sim_power_fault - trip the power controller of a slot
 * @port: Root Port or Downstream Port; without a power controller, nothing
 *	  happens
 * @permanent: true if it trips again whenever power is turned on
 *
 * Context: Any.
 */
void pci_sim_power_fault(struct pci_sim_func *port, bool permanent)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	if (sim_slot_has(port, PCI_EXP_SLTCAP_PCP)) {
		port->port.fault_permanent = permanent;
		sim_power_tripped(port);
	}
}
EXPORT_SYMBOL_GPL(pci_sim_power_fault);
