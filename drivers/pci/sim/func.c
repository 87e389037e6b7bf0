// SPDX-License-Identifier: GPL-2.0
/*
 * A Function of a simulated fabric as a test sees it: where it is, how long it
 * takes, its registers and how often it was reset
 */

#include "sim.h"

static void sim_set(struct pci_sim_func *f, u32 *var, u32 val)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&f->sim->lock, flags);
	*var = val;
	raw_spin_unlock_irqrestore(&f->sim->lock, flags);
}

/**
 * pci_sim_set_ready_ms - change how long a Function takes after a conventional
 *			  reset
 * @f: Function
 * @ms: time until it is ready, or PCI_SIM_NEVER; counts from the next reset on
 *
 * Context: Any.
 */
void pci_sim_set_ready_ms(struct pci_sim_func *f, u32 ms)
{
	sim_set(f, &f->ready_ms, ms);
}
EXPORT_SYMBOL_GPL(pci_sim_set_ready_ms);

/**
 * pci_sim_set_flr_ms - change how long a Function Level Reset takes
 * @f: Function
 * @ms: time until it is ready, or PCI_SIM_NEVER; counts from the next reset on
 *
 * Context: Any.
 */
void pci_sim_set_flr_ms(struct pci_sim_func *f, u32 ms)
{
	sim_set(f, &f->flr_ms, ms);
}
EXPORT_SYMBOL_GPL(pci_sim_set_flr_ms);

/**
 * pci_sim_set_d3_ms - change how long a Function takes after D3hot, if leaving
 *		       it is a reset
 * @f: Function
 * @ms: time until it is ready, or PCI_SIM_NEVER; counts from the next reset on
 *
 * Context: Any.
 */
void pci_sim_set_d3_ms(struct pci_sim_func *f, u32 ms)
{
	sim_set(f, &f->d3_ms, ms);
}
EXPORT_SYMBOL_GPL(pci_sim_set_d3_ms);

/**
 * pci_sim_set_irq_us - change how long interrupts take
 * @f: Function
 * @us: time from an event to its interrupt, whatever it is for
 *
 * Context: Any.
 */
void pci_sim_set_irq_us(struct pci_sim_func *f, u32 us)
{
	enum pci_sim_irq irq;
	unsigned long flags;

	raw_spin_lock_irqsave(&f->sim->lock, flags);
	f->irq_us = us;
	for (irq = 0; irq < PCI_SIM_IRQS; irq++)
		f->irq[irq].us = us;
	raw_spin_unlock_irqrestore(&f->sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_set_irq_us);

/**
 * pci_sim_set_one_irq_us - change how long the interrupt for one purpose takes
 * @f: Function
 * @irq: what the interrupt is for
 * @us: time from the event to the interrupt
 *
 * If it shares an INTx or an MSI with others, the first one lets the handlers
 * of all of them look.
 *
 * Context: Any.
 */
void pci_sim_set_one_irq_us(struct pci_sim_func *f, enum pci_sim_irq irq,
			    u32 us)
{
	sim_set(f, &f->irq[irq].us, us);
}
EXPORT_SYMBOL_GPL(pci_sim_set_one_irq_us);

/**
 * pci_sim_get_dev - the device that the kernel has for a Function
 * @f: Function
 *
 * Context: May sleep.
 * Return: the device with a reference, or NULL if the kernel has none where
 * the Function is.
 */
struct pci_dev *pci_sim_get_dev(struct pci_sim_func *f)
{
	struct pci_sim *sim = f->sim;
	unsigned long flags;
	bool plugged;
	u16 id;

	raw_spin_lock_irqsave(&sim->lock, flags);
	id = sim_requester_id(f);
	plugged = f->upstream || f->type == PCI_EXP_TYPE_ROOT_PORT;
	raw_spin_unlock_irqrestore(&sim->lock, flags);

	if (!plugged || !sim->bridge)
		return NULL;

	return pci_get_domain_bus_and_slot(sim->bridge->domain_nr,
					   PCI_BUS_NUM(id), id & 0xff);
}
EXPORT_SYMBOL_GPL(pci_sim_get_dev);

/**
 * pci_sim_peek - look at a register without a config access
 * @f: Function, reachable or not
 * @where: offset in config space; the dword that it is in counts
 *
 * Context: Any.
 * Return: the value.
 */
u32 pci_sim_peek(struct pci_sim_func *f, int where)
{
	unsigned long flags;
	u32 val;

	raw_spin_lock_irqsave(&f->sim->lock, flags);
	val = sim_cfg_read(f, where & ~3, 4);
	raw_spin_unlock_irqrestore(&f->sim->lock, flags);
	return val;
}
EXPORT_SYMBOL_GPL(pci_sim_peek);

/**
 * pci_sim_resets - how often a Function really was reset
 * @f: Function
 * @kind: kind of reset
 *
 * Context: Any.
 * Return: the number of resets of that kind.
 */
unsigned int pci_sim_resets(struct pci_sim_func *f, enum pci_sim_reset kind)
{
	unsigned long flags;
	unsigned int n;

	raw_spin_lock_irqsave(&f->sim->lock, flags);
	n = f->resets[kind];
	raw_spin_unlock_irqrestore(&f->sim->lock, flags);
	return n;
}
EXPORT_SYMBOL_GPL(pci_sim_resets);

/**
 * pci_sim_resets_all - how often a Function really was reset, by any means
 * @f: Function
 *
 * Context: Any.
 * Return: the number of resets of all kinds.
 */
unsigned int pci_sim_resets_all(struct pci_sim_func *f)
{
	unsigned int kind, n = 0;

	for (kind = 0; kind < PCI_SIM_RESET_KINDS; kind++)
		n += pci_sim_resets(f, kind);
	return n;
}
EXPORT_SYMBOL_GPL(pci_sim_resets_all);

/**
 * pci_sim_link_is_up - whether the Link below a port is in DL_Active
 * @port: Root Port or Downstream Port
 *
 * Context: Any.
 * Return: true if it is.
 */
bool pci_sim_link_is_up(struct pci_sim_func *port)
{
	unsigned long flags;
	bool up;

	raw_spin_lock_irqsave(&port->sim->lock, flags);
	up = port->port.link_up;
	raw_spin_unlock_irqrestore(&port->sim->lock, flags);
	return up;
}
EXPORT_SYMBOL_GPL(pci_sim_link_is_up);

/**
 * pci_sim_is_reachable - whether a Function can be reached, if the kernel has
 *			  set up what is above it
 * @f: Function
 *
 * Bus numbers and power states of bridges are the kernel's business, and count
 * for nothing here.
 *
 * Context: Any.
 * Return: true if it is plugged in and ready, all Links on the way to the Root
 * Complex are up, and a VF is enabled.
 */
bool pci_sim_is_reachable(struct pci_sim_func *f)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);

	for (;;) {
		if (f->state != SIM_READY)
			return false;
		if (!f->upstream)
			return f->type == PCI_EXP_TYPE_ROOT_PORT;

		f = f->upstream;
		if (sim_is_port(f) && !f->port.link_up)
			return false;
	}
}
EXPORT_SYMBOL_GPL(pci_sim_is_reachable);

/**
 * pci_sim_next - go through the Functions of a fabric
 * @sim: fabric
 * @f: a Function of it, or NULL
 *
 * Context: Any.  The caller keeps others from adding Functions.
 * Return: the Function that was added after @f, or the first one if @f is NULL,
 * plugged in or not; NULL after the last one.  VFs are not among them, see
 * pci_sim_vf().
 */
struct pci_sim_func *pci_sim_next(struct pci_sim *sim, struct pci_sim_func *f)
{
	if (!f)
		return list_first_entry_or_null(&sim->functions, typeof(*f),
						node);

	return list_is_last(&f->node, &sim->functions) ? NULL :
							 list_next_entry(f, node);
}
EXPORT_SYMBOL_GPL(pci_sim_next);

/**
 * pci_sim_vf - a VF of an Endpoint
 * @pf: its PF, or NULL
 * @n: its number, from 0
 *
 * It is there from the beginning, and does not answer before the kernel has
 * enabled it.
 *
 * Context: Any.
 * Return: the VF, or NULL if @pf has no such VF.
 */
struct pci_sim_func *pci_sim_vf(struct pci_sim_func *pf, unsigned int n)
{
	struct pci_sim_func *vf;

	if (!pf)
		return NULL;

	/* The list does not change */
	list_for_each_entry(vf, &pf->vfs, sibling) {
		if (!n--)
			return vf;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(pci_sim_vf);

/**
 * pci_sim_card - what is plugged into a port
 * @port: Root Port or Downstream Port
 *
 * Context: Any.
 * Return: Function 0 of the device, or NULL.
 */
struct pci_sim_func *pci_sim_card(struct pci_sim_func *port)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);

	return port->port.card;
}
EXPORT_SYMBOL_GPL(pci_sim_card);

/**
 * pci_sim_upstream - the bridge that a Function is below of
 * @f: Function
 *
 * Context: Any.
 * Return: the bridge, or NULL if @f is not plugged in, or on the root bus.
 */
struct pci_sim_func *pci_sim_upstream(struct pci_sim_func *f)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);

	return f->upstream;
}
EXPORT_SYMBOL_GPL(pci_sim_upstream);

/**
 * pci_sim_get_port_config - what a port is like
 * @f: Function
 *
 * Context: Any.
 * Return: its configuration, or NULL if it is no Root Port or Downstream Port.
 */
const struct pci_sim_port_config *
pci_sim_get_port_config(struct pci_sim_func *f)
{
	return sim_is_port(f) ? &f->port.config : NULL;
}
EXPORT_SYMBOL_GPL(pci_sim_get_port_config);
