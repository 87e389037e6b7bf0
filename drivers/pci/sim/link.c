// SPDX-License-Identifier: GPL-2.0
/*
 * Links and resets of a simulated fabric
 *
 * Whether a secondary bus can work is not remembered but computed from the
 * registers and the slot each time one of them has changed, by
 * sim_secondary_update(): it brings the Link down or lets it train, and holds
 * what is below in reset or releases it.  There are two reasons for a Function
 * to go to its power-on state: something above it (sim_func_reset_below()), or
 * a request to the Function itself (sim_func_reset_self()).
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

static void sim_count_reset(struct pci_sim_func *f, enum pci_sim_reset kind)
{
	sim_event_cancel(f->sim, &f->ready);
	sim_event_cancel(f->sim, &f->port.command);
	sim_irq_reset(f);
	f->resets[kind]++;
	sim_cfg_reset(f, kind);
	if (sim_is_port(f))
		sim_slot_reset(f);
	sim_iov_update(f);
}

/**
 * sim_func_reset_self - reset a Function that asked for it
 * @f: Function of an Endpoint, its fabric locked
 * @kind: kind of reset
 * @ready_ms: time until it is ready again
 */
void sim_func_reset_self(struct pci_sim_func *f, enum pci_sim_reset kind,
			 u32 ready_ms)
{
	sim_count_reset(f, kind);
	sim_start_init(f, ready_ms);
}

/**
 * sim_func_reset_below - reset a Function because of what is above it
 * @f: Function, its fabric locked
 * @kind: PCI_SIM_RESET_COLD if it is without power, else PCI_SIM_RESET_HOT
 *
 * Resets everything below as well, and holds it in reset until
 * sim_func_release().  A Function that is already held is left alone.
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
 * sim_func_release - let a Function out of reset
 * @f: Function, its fabric locked
 */
void sim_func_release(struct pci_sim_func *f)
{
	if (f->state > SIM_RESET)
		return;

	sim_start_init(f, f->ready_ms);
	if (sim_is_bridge(f))
		sim_secondary_update(f);
}

static bool sim_link_enabled(struct pci_sim_func *port)
{
	if (*sim_val(port, SIM_EXP + PCI_EXP_LNKCTL) & PCI_EXP_LNKCTL_LD ||
	    port->port.dropped)
		return false;

	if (port->port.config.link_sleeps &&
	    sim_power_state(*sim_val(port, SIM_PM + PCI_PM_CTRL)) == PCI_D3hot)
		return false;

	/* DPC holds the Link down until software clears the status */
	if (sim_has(port, SIM_DPC) &&
	    *sim_val(port, SIM_DPC + PCI_EXP_DPC_STATUS) &
	    PCI_EXP_DPC_STATUS_TRIGGER)
		return false;

	return port->port.card;
}

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

static enum pci_sim_reset sim_secondary_kind(struct pci_sim_func *bridge)
{
	if (bridge->state == SIM_OFF ||
	    (sim_is_port(bridge) && !sim_slot_powered(bridge)))
		return PCI_SIM_RESET_COLD;

	return PCI_SIM_RESET_HOT;
}

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

/* DLLSC follows DLLLA, which not all ports report (PCIe r6.0, sec 7.5.3.11) */
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

/**
 * sim_link_drop - let a Link go down by itself
 * @port: Root Port or Downstream Port, its fabric locked
 * @ms: time until it trains again
 */
void sim_link_drop(struct pci_sim_func *port, u32 ms)
{
	port->port.dropped = true;
	sim_secondary_update(port);
	sim_event_queue(port->sim, &port->port.restored,
			(u64)ms * USEC_PER_MSEC);
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
 * sim_secondary_update - let a secondary bus follow the state of its bridge
 * @bridge: Root Port, Switch Port or PCIe-to-PCI bridge, its fabric locked
 *
 * A Link that goes down resets what is below it (PCIe r6.0, sec 2.9.1), and so
 * does Secondary Bus Reset (sec 7.5.1.3.13), for the internal bus of a switch
 * and the conventional bus of a PCIe-to-PCI bridge as well.
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
 * sim_link_init - prepare what a Function needs from this file
 * @f: new Function
 */
void sim_link_init(struct pci_sim_func *f)
{
	sim_event_init(&f->ready, sim_set_ready);
	sim_event_init(&f->port.train, sim_link_trained);
	sim_event_init(&f->port.restored, sim_link_restored);
}

/**
 * sim_wrote_bridge_control - Secondary Bus Reset, PCIe r6.0, sec 7.5.1.3.13
 * @f: bridge
 * @w: write
 */
void sim_wrote_bridge_control(struct pci_sim_func *f,
			      const struct sim_write *w)
{
	if ((w->old ^ w->new) & PCI_BRIDGE_CTL_BUS_RESET << 16)
		sim_secondary_update(f);
}

/**
 * sim_wrote_link_control - Link Disable, PCIe r6.0, sec 7.5.3.7
 * @f: Root Port or Downstream Port
 * @w: write
 */
void sim_wrote_link_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if ((w->old ^ w->new) & PCI_EXP_LNKCTL_LD)
		sim_secondary_update(f);
}

/**
 * sim_wrote_pm_control - power states, PCIe r6.0, sec 5.3.1.4
 * @f: Function
 * @w: write
 *
 * Without No_Soft_Reset, leaving D3hot is an internal reset.
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
 * sim_wrote_device_control - Initiate Function Level Reset, PCIe r6.0,
 *			      sec 7.5.3.4
 * @f: Function
 * @w: write
 */
void sim_wrote_device_control(struct pci_sim_func *f,
			      const struct sim_write *w)
{
	u32 devcap = *sim_val(f, SIM_EXP + PCI_EXP_DEVCAP);

	if (devcap & PCI_EXP_DEVCAP_FLR && w->raw & PCI_EXP_DEVCTL_BCR_FLR)
		sim_func_reset_self(f, PCI_SIM_RESET_FLR, f->flr_ms);
}

/**
 * sim_wrote_af_control - Initiate FLR, PCIe r6.0, sec 7.7.5.3
 * @f: Function
 * @w: write
 */
void sim_wrote_af_control(struct pci_sim_func *f, const struct sim_write *w)
{
	if (w->raw & PCI_AF_CTRL_FLR)
		sim_func_reset_self(f, PCI_SIM_RESET_AF_FLR, f->flr_ms);
}
