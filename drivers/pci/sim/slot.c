// SPDX-License-Identifier: GPL-2.0
/*
 * Hot-plug slots of a simulated fabric: presence, latch, power, button,
 * commands (PCIe r6.0, sec 6.7)
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
 * sim_slot_powered - whether what is below a port has power
 * @port: Root Port or Downstream Port, its fabric locked
 *
 * Return: true unless the slot is empty or its power is off.
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
 * sim_slot_status - set bits in the Slot Status register
 * @port: Root Port or Downstream Port, its fabric locked
 * @set: event bits
 *
 * Presence Detect State and MRL Sensor State follow the slot.  A port that is
 * held in reset, or without power, sees no events.  The caller calls
 * sim_irq_update().
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
 * sim_slot_reset - bring the slot of a port to its power-on state
 * @port: Root Port or Downstream Port, its fabric locked
 *
 * A power controller that has tripped is reset with its port, and then power is
 * on, unless the latch is open or it would trip again at once.
 */
void sim_slot_reset(struct pci_sim_func *port)
{
	if (!port->port.mrl_open && !port->port.fault_permanent)
		port->port.power_fault = false;
	sim_slot_status(port, 0);
}

/**
 * sim_slot_sleeps - a port goes to sleep or wakes up
 * @port: Root Port or Downstream Port, its fabric locked
 * @sleeps: it is in D3hot now
 */
void sim_slot_sleeps(struct pci_sim_func *port, bool sleeps)
{
	port->port.no_pme = 0;
	if (sleeps && port->port.config.no_late_events)
		port->port.no_pme = *sim_val(port, SIM_EXP + PCI_EXP_SLTCTL) >> 16;
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
 * sim_wrote_slot_control - a slot command, PCIe r6.0, sec 6.7.3.2
 * @f: Root Port or Downstream Port
 * @w: write
 *
 * Any write to the Slot Control register is a command, changed or not.
 */
void sim_wrote_slot_control(struct pci_sim_func *f, const struct sim_write *w)
{
	struct sim_port *p = &f->port;

	if (!(w->mask & 0xffff) || !sim_slot_has(f, PCI_EXP_SLTCAP_HPC))
		return;

	if (sim_slot_has(f, PCI_EXP_SLTCAP_PCP) &&
	    (w->old ^ w->new) & PCI_EXP_SLTCTL_PCC) {
		/*
		 * A power controller that has tripped, or was stopped by the
		 * latch, is reset by switching it on
		 */
		if (!(w->new & PCI_EXP_SLTCTL_PCC) && p->power_fault &&
		    !p->mrl_open) {
			p->power_fault = false;
			if (p->fault_permanent && p->card)
				sim_power_tripped(f);
		}
		sim_secondary_update(f);
	}

	/* What has just been enabled is late for what has already happened */
	if (p->config.no_late_events && w->new & ~w->old & 0xffff)
		sim_irq_skip_slot(f);

	if (!p->config.no_cmd_compl)
		sim_event_queue(f->sim, &p->command, p->config.cmd_us);
}

/**
 * sim_slot_init - prepare what a port needs from this file
 * @port: new Root Port or Downstream Port
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

/* Whether a port is on the card that is to be plugged into it */
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
 * pci_sim_plug - plug a device into a port
 * @port: Root Port or Downstream Port
 * @card: Function 0 of the device: an Endpoint, a Switch Upstream Port or a
 *	  PCIe-to-PCI bridge
 *
 * What was plugged in before is unplugged in the same instant.
 *
 * Context: Any.
 * Return: 0, or -EINVAL if @port is none, or if @card is no Function 0, is
 * plugged in somewhere, is of another fabric or is what @port is on.
 */
int pci_sim_plug(struct pci_sim_func *port, struct pci_sim_func *card)
{
	unsigned long flags;
	int ret = -EINVAL;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	if (sim_is_port(port) && !sim_is_port(card) && card->card == card &&
	    sim_has(card, SIM_EXP) && card->sim == port->sim &&
	    !card->upstream && !sim_is_on_card(port, card)) {
		sim_unplug(port);
		sim_plug(port, card);
		ret = 0;
	}
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(pci_sim_plug);

/**
 * pci_sim_unplug - pull what is plugged into a port, without notice
 * @port: Root Port or Downstream Port
 *
 * Context: Any.
 * Return: Function 0 of what was pulled, NULL if there was nothing.
 */
struct pci_sim_func *pci_sim_unplug(struct pci_sim_func *port)
{
	struct pci_sim_func *card;
	unsigned long flags;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	card = sim_unplug(port);
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
	return card;
}
EXPORT_SYMBOL_GPL(pci_sim_unplug);

/**
 * pci_sim_mrl - open or close the manually operated retention latch of a slot
 * @port: port of the slot; without an MRL Sensor nothing happens
 * @open: it is open now
 *
 * The port of a slot with a power controller takes power away when the latch
 * is opened (PCIe r6.0, sec 6.7.1.3).  Once it is closed, power has to be
 * switched off and on again.
 *
 * Context: Any.
 */
void pci_sim_mrl(struct pci_sim_func *port, bool open)
{
	struct sim_port *p = &port->port;
	unsigned long flags;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	if (sim_slot_has(port, PCI_EXP_SLTCAP_MRLSP) && p->mrl_open != open) {
		p->mrl_open = open;
		if (open && sim_slot_has(port, PCI_EXP_SLTCAP_PCP))
			p->power_fault = true;
		sim_slot_status(port, PCI_EXP_SLTSTA_MRLSC);
		sim_secondary_update(port);
	}
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_mrl);

/**
 * sim_slot_holds - whether a card is plugged into a port
 * @port: Root Port or Downstream Port
 * @card: Function 0 of a device
 *
 * Context: Any.
 * Return: true if it is.
 */
bool sim_slot_holds(struct pci_sim_func *port, struct pci_sim_func *card)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	return port->port.card == card;
}

/**
 * sim_slot_pull - pull a card, unless another one has taken its place
 * @port: Root Port or Downstream Port
 * @card: Function 0 of a device, plugged in or not
 *
 * Context: Any.
 */
void sim_slot_pull(struct pci_sim_func *port, struct pci_sim_func *card)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	if (port->port.card == card)
		sim_unplug(port);
}

/**
 * pci_sim_press_button - press the attention button of a slot
 * @port: port of the slot; without a button nothing happens
 *
 * Context: Any.
 */
void pci_sim_press_button(struct pci_sim_func *port)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	if (sim_slot_has(port, PCI_EXP_SLTCAP_ABP)) {
		sim_slot_status(port, PCI_EXP_SLTSTA_ABP);
		sim_irq_update(port);
	}
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_press_button);

/**
 * pci_sim_power_fault - let the power controller of a slot trip
 * @port: port of the slot; without a power controller nothing happens
 * @permanent: trip again whenever power is switched on
 *
 * Context: Any.
 */
void pci_sim_power_fault(struct pci_sim_func *port, bool permanent)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	if (sim_slot_has(port, PCI_EXP_SLTCAP_PCP)) {
		port->port.fault_permanent = permanent;
		sim_power_tripped(port);
	}
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_power_fault);

/**
 * pci_sim_link_stuck - let the Link of a port no longer train, or train again
 * @port: Root Port or Downstream Port
 * @stuck: it does not train; a Link that is up stays up
 *
 * Context: Any.
 */
void pci_sim_link_stuck(struct pci_sim_func *port, bool stuck)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	port->port.stuck = stuck;
	if (stuck)
		sim_event_cancel(port->sim, &port->port.train);
	sim_secondary_update(port);
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_link_stuck);

/**
 * pci_sim_link_flap - let the Link of a port go down by itself, and come back
 * @port: Root Port or Downstream Port
 * @ms: time until it trains again, unless something else keeps it down then
 *
 * What is below is reset, as always when a Link goes down.  A Link that is
 * down already stays down for that time.
 *
 * Context: Any.
 */
void pci_sim_link_flap(struct pci_sim_func *port, u32 ms)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	sim_link_drop(port, ms);
}
EXPORT_SYMBOL_GPL(pci_sim_link_flap);
