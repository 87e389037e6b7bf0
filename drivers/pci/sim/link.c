// SPDX-License-Identifier: GPL-2.0
/*
 * Links and resets of a simulated fabric
 *
 * Whether a secondary bus is operational follows from the registers of the
 * bridge and from the state of its slot.  Each time one of these has changed,
 * sim_secondary_update() is called: it takes the Link down or lets it train,
 * and holds the Functions below in reset or releases them.
 *
 * A Function is reset either because of what is above it, by
 * sim_func_reset_below(), or by a write to one of its own registers, by
 * sim_func_reset_self().
 *
 * Static functions are called with &pci_sim.lock held.
 */

#include "sim.h"

static void sim_set_ready(struct sim_event *ev)
{
	struct pci_sim_func *f = container_of(ev, struct pci_sim_func, ready);

	f->state = SIM_READY;
	sim_irq_update(f);
}

static void sim_start_init(struct pci_sim_func *f, u32 ready_ms)
{
	f->state = SIM_INIT;
	if (!ready_ms)
		f->state = SIM_READY;
	else if (ready_ms != PCI_SIM_NEVER)
		sim_event_queue(f->sim, &f->ready,
				sim_jitter_ms(f->sim, ready_ms));
}

/* Everything that all kinds of reset have in common */
static void sim_count_reset(struct pci_sim_func *f, enum pci_sim_reset kind)
{
	sim_event_cancel(f->sim, &f->ready);
	sim_event_cancel(f->sim, &f->port.command);
	sim_irq_reset(f);
	f->resets[kind]++;
	if (f->sim->on_reset)
		f->sim->on_reset(f, kind, f->sim->reset_data);
	sim_cfg_reset(f, kind);
	if (sim_is_port(f))
		sim_slot_reset(f);
	sim_iov_update(f);
}

/**
 * sim_func_reset_self - reset a Function by one of its own registers
 * @f: Function, in state SIM_READY
 * @kind: kind of reset: neither PCI_SIM_RESET_COLD nor PCI_SIM_RESET_HOT
 * @ready_ms: milliseconds until it is ready again, or PCI_SIM_NEVER
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_func_reset_self(struct pci_sim_func *f, enum pci_sim_reset kind,
			 u32 ready_ms)
{
	sim_count_reset(f, kind);
	sim_start_init(f, ready_ms);
}

/**
 * sim_func_reset_below - reset a Function because of what is above it
 * @f: Function
 * @kind: PCI_SIM_RESET_COLD if it has no power, PCI_SIM_RESET_HOT otherwise
 *
 * Holds the Function, and all Functions below it, in reset until
 * sim_func_release().  A Function that is in reset already is only reset again
 * if it loses power.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_func_reset_below(struct pci_sim_func *f, enum pci_sim_reset kind)
{
	enum sim_state state;

	state = kind == PCI_SIM_RESET_COLD ? SIM_OFF : SIM_RESET;
	if (f->state <= state)
		return;

	f->state = state;
	sim_count_reset(f, kind);
	if (sim_is_bridge(f))
		sim_secondary_update(f);
}

/**
 * sim_func_release - release a Function from reset
 * @f: Function; nothing happens unless it is in state SIM_OFF or SIM_RESET
 *
 * Starts the time until it is ready, and updates its secondary bus.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_func_release(struct pci_sim_func *f)
{
	if (f->state > SIM_RESET)
		return;

	sim_start_init(f, f->ready_ms);
	if (sim_is_bridge(f))
		sim_secondary_update(f);
}

/* Whether the Link below a port that has power may train or be up */
static bool sim_link_enabled(struct pci_sim_func *port)
{
	if (*sim_val(port, SIM_EXP + PCI_EXP_LNKCTL) & PCI_EXP_LNKCTL_LD ||
	    port->port.dropped)
		return false;

	if (port->port.config.link_sleeps &&
	    sim_power_state(*sim_val(port, SIM_PM + PCI_PM_CTRL)) == PCI_D3hot)
		return false;

	/* DPC holds the Link down until software clears DPC Trigger Status */
	if (sim_has(port, SIM_DPC) &&
	    *sim_val(port, SIM_DPC + PCI_EXP_DPC_STATUS) &
	    PCI_EXP_DPC_STATUS_TRIGGER)
		return false;

	return port->port.card;
}

/* Whether the secondary bus of a bridge is held in reset */
static bool sim_secondary_held(struct pci_sim_func *bridge)
{
	if (bridge->state <= SIM_RESET)
		return true;
	if (sim_bridge_control(bridge) & PCI_BRIDGE_CTL_BUS_RESET)
		return true;
	if (!sim_is_port(bridge))
		return false;

	return !sim_slot_powered(bridge) || !sim_link_enabled(bridge);
}

/* The kind of reset, if sim_secondary_held() */
static enum pci_sim_reset sim_secondary_kind(struct pci_sim_func *bridge)
{
	if (bridge->state == SIM_OFF ||
	    (sim_is_port(bridge) && !sim_slot_powered(bridge)))
		return PCI_SIM_RESET_COLD;

	return PCI_SIM_RESET_HOT;
}

/* Update the Link Status register */
static void sim_link_status(struct pci_sim_func *port, bool training)
{
	const struct pci_sim_port_config *config = &port->port.config;
	u32 *val = sim_val(port, SIM_EXP + PCI_EXP_LNKCTL);
	u16 sta = 0;

	if (training)
		sta = PCI_EXP_LNKSTA_LT;
	if (port->port.link_up) {
		sta = config->speed | 4 << PCI_EXP_LNKSTA_NLW_SHIFT;
		if (!config->no_link_active)
			sta |= PCI_EXP_LNKSTA_DLLLA;
	}
	*val = (*val & 0xffff) | (u32)sta << 16;
}

/*
 * A port that does not report Data Link Layer Link Active does not report its
 * changes either (PCIe r6.0, sec 7.5.3.11).
 */
static void sim_link_changed(struct pci_sim_func *port)
{
	sim_link_status(port, false);
	if (!port->port.config.no_link_active)
		sim_slot_status(port, PCI_EXP_SLTSTA_DLLSC);
}

static void sim_link_down(struct pci_sim_func *port)
{
	sim_event_cancel(port->sim, &port->port.train);
	if (!port->port.link_up) {
		sim_link_status(port, false);
		return;
	}
	port->port.link_up = false;
	sim_link_changed(port);
}

static void sim_link_trained(struct sim_event *ev)
{
	struct pci_sim_func *port = container_of(ev, struct pci_sim_func,
						 port.train);
	struct pci_sim_func *f;

	port->port.link_up = true;
	sim_link_changed(port);
	list_for_each_entry(f, &port->below, sibling)
		sim_func_release(f);
	sim_irq_update(port);
}

static void sim_link_restored(struct sim_event *ev)
{
	struct pci_sim_func *port = container_of(ev, struct pci_sim_func,
						 port.restored);

	port->port.dropped = false;
	sim_secondary_update(port);
}

static void sim_link_train(struct pci_sim_func *port)
{
	struct sim_port *p = &port->port;

	if (p->link_up || timerqueue_node_queued(&p->train.node))
		return;

	sim_link_status(port, true);
	if (!p->stuck)
		sim_event_queue(port->sim, &p->train,
				sim_jitter_ms(port->sim, p->config.train_ms));
}

/**
 * sim_secondary_update - update the secondary bus of a bridge
 * @bridge: Root Port, Switch Port or PCIe-to-PCI bridge
 *
 * Takes the Link down or lets it train, and resets the Functions on the bus or
 * releases them, as the state of the bridge and its slot requires.
 *
 * A Link that goes down resets what is below it (PCIe r6.0, sec 2.9.1), and so
 * does Secondary Bus Reset (sec 7.5.1.3.13).  The latter also resets the
 * internal bus of a switch and the conventional bus of a PCIe-to-PCI bridge.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_secondary_update(struct pci_sim_func *bridge)
{
	bool held = sim_secondary_held(bridge);
	struct pci_sim_func *f;

	if (sim_is_port(bridge)) {
		if (held)
			sim_link_down(bridge);
		else
			sim_link_train(bridge);
	}

	list_for_each_entry(f, &bridge->below, sibling) {
		if (held)
			sim_func_reset_below(f, sim_secondary_kind(bridge));
		else if (!sim_is_port(bridge))
			sim_func_release(f);
	}
	sim_irq_update(bridge);
}

/**
 * sim_link_init - initialize the Link and reset state of a new Function
 * @f: Function
 *
 * Context: Any.
 */
void sim_link_init(struct pci_sim_func *f)
{
	sim_event_init(&f->ready, sim_set_ready);
	sim_event_init(&f->port.train, sim_link_trained);
	sim_event_init(&f->port.restored, sim_link_restored);
}

/**
 * sim_wrote_bridge_control - write to Bridge Control (PCIe r6.0, 7.5.1.3.13)
 * @f: bridge
 * @w: the write
 *
 * Secondary Bus Reset.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_bridge_control(struct pci_sim_func *f,
			      const struct sim_write *w)
{
	if ((w->old ^ w->new) & PCI_BRIDGE_CTL_BUS_RESET << 16)
		sim_secondary_update(f);
}

/**
 * sim_wrote_link_control - write to Link Control (PCIe r6.0, sec 7.5.3.7)
 * @f: Root Port or Downstream Port
 * @w: the write
 *
 * Link Disable.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_link_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if ((w->old ^ w->new) & PCI_EXP_LNKCTL_LD)
		sim_secondary_update(f);
}

/**
 * sim_wrote_pm_control - write to PMCSR (PCIe r6.0, sec 5.3.1.4)
 * @f: Function
 * @w: the write
 *
 * Power states.  With No_Soft_Reset clear, D3hot to D0 is a reset.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_pm_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if (sim_is_port(f) &&
	    sim_power_state(w->old) != sim_power_state(w->new)) {
		sim_slot_sleeps(f, sim_power_state(w->new) == PCI_D3hot);
		if (f->port.config.link_sleeps)
			sim_secondary_update(f);
	}

	if (sim_power_state(w->old) == PCI_D3hot &&
	    sim_power_state(w->new) == PCI_D0 &&
	    !(w->new & PCI_PM_CTRL_NO_SOFT_RESET))
		sim_func_reset_self(f, PCI_SIM_RESET_PM, f->d3_ms);
	else
		sim_pme(f);
}

/**
 * sim_wrote_device_control - write to Device Control (PCIe r6.0, sec 7.5.3.4)
 * @f: Function
 * @w: the write
 *
 * Initiate Function Level Reset.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_device_control(struct pci_sim_func *f,
			      const struct sim_write *w)
{
	u32 devcap = *sim_val(f, SIM_EXP + PCI_EXP_DEVCAP);

	if (devcap & PCI_EXP_DEVCAP_FLR && w->raw & PCI_EXP_DEVCTL_BCR_FLR)
		sim_func_reset_self(f, PCI_SIM_RESET_FLR, f->flr_ms);
}

/**
 * sim_wrote_af_control - write to AF Control (PCIe r6.0, sec 7.7.5.3)
 * @f: Function
 * @w: the write
 *
 * Initiate FLR.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_wrote_af_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if (w->raw & PCI_AF_CTRL_FLR)
		sim_func_reset_self(f, PCI_SIM_RESET_AF_FLR, f->flr_ms);
}

/**
 * pci_sim_link_stuck - keep the Link of a port from training, or let it train
 * @port: Root Port or Downstream Port
 * @stuck: true if Link training does not complete from now on; a Link that is
 *	   up stays up
 *
 * Context: Any.
 */
void pci_sim_link_stuck(struct pci_sim_func *port, bool stuck)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	port->port.stuck = stuck;
	if (stuck)
		sim_event_cancel(port->sim, &port->port.train);
	sim_secondary_update(port);
}
EXPORT_SYMBOL_GPL(pci_sim_link_stuck);

/**
 * pci_sim_link_flap - take the Link of a port down for some time
 * @port: Root Port or Downstream Port
 * @ms: milliseconds until it may train again
 *
 * As with any Link that goes down, what is below is reset.  A Link that is
 * down already stays down for that time, and one that is also held down for
 * another reason, such as Link Disable, does not train at its end.
 *
 * Context: Any.
 */
void pci_sim_link_flap(struct pci_sim_func *port, u32 ms)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	port->port.dropped = true;
	sim_secondary_update(port);
	sim_event_queue(port->sim, &port->port.restored,
			(u64)ms * USEC_PER_MSEC);
}
EXPORT_SYMBOL_GPL(pci_sim_link_flap);
