// SPDX-License-Identifier: GPL-2.0
/*
 * Functions for tests that get or set the state of a simulated Function:
 * position, times, registers, resets
 */

#include "sim.h"

static void sim_set(struct pci_sim_func *f, u32 *var, u32 val)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	*var = val;
}

/**
 * pci_sim_set_ready_ms - set how long a conventional reset takes
 * @f: Function; in a VF, the time counts from VF Enable
 * @ms: milliseconds until the Function is ready, or PCI_SIM_NEVER; for resets
 *	that end after this call
 *
 * Context: Any.
 */
void pci_sim_set_ready_ms(struct pci_sim_func *f, u32 ms)
{
	sim_set(f, &f->ready_ms, ms);
}
EXPORT_SYMBOL_GPL(pci_sim_set_ready_ms);

/**
 * pci_sim_set_flr_ms - set how long a Function Level Reset takes
 * @f: Function
 * @ms: milliseconds until the Function is ready, or PCI_SIM_NEVER; for resets
 *	that begin after this call
 *
 * Context: Any.
 */
void pci_sim_set_flr_ms(struct pci_sim_func *f, u32 ms)
{
	sim_set(f, &f->flr_ms, ms);
}
EXPORT_SYMBOL_GPL(pci_sim_set_flr_ms);

/**
 * pci_sim_set_d3_ms - set how long D3hot to D0 takes, if that is a reset
 * @f: Function
 * @ms: milliseconds until the Function is ready, or PCI_SIM_NEVER; for resets
 *	that begin after this call
 *
 * Context: Any.
 */
void pci_sim_set_d3_ms(struct pci_sim_func *f, u32 ms)
{
	sim_set(f, &f->d3_ms, ms);
}
EXPORT_SYMBOL_GPL(pci_sim_set_d3_ms);

/**
 * pci_sim_set_irq_us - set the latency of all interrupts of a port
 * @f: Root Port or Downstream Port
 * @us: microseconds from an event to its interrupt
 *
 * Context: Any.
 */
void pci_sim_set_irq_us(struct pci_sim_func *f, u32 us)
{
	enum pci_sim_irq irq;

	guard(raw_spinlock_irqsave)(&f->sim->lock);
	f->irq_us = us;
	for (irq = 0; irq < PCI_SIM_IRQS; irq++)
		f->irq[irq].us = us;
}
EXPORT_SYMBOL_GPL(pci_sim_set_irq_us);

/**
 * pci_sim_set_one_irq_us - set the latency of one interrupt source of a port
 * @f: Root Port or Downstream Port
 * @irq: interrupt source
 * @us: microseconds from an event to its interrupt
 *
 * Sources that share an INTx or an MSI share their handlers: the first of the
 * interrupts calls the handlers of all of them, which may find an event whose
 * own latency is not over.
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
 * pci_sim_get_dev - get the device of a Function
 * @f: Function
 *
 * The device is looked up by the current Routing ID of @f.  After a card was
 * replaced, it may be that of the previous card.
 *
 * Context: May sleep.
 * Return: the device, with a reference that the caller drops; NULL if there is
 * none at that address or if @f is not plugged in.
 */
struct pci_dev *pci_sim_get_dev(struct pci_sim_func *f)
{
	struct pci_sim *sim = f->sim;
	bool plugged;
	u16 id;

	scoped_guard(raw_spinlock_irqsave, &sim->lock) {
		id = sim_requester_id(f);
		plugged = f->upstream || f->type == PCI_EXP_TYPE_ROOT_PORT;
	}

	if (!plugged || !sim->bridge)
		return NULL;

	return pci_get_domain_bus_and_slot(sim->bridge->domain_nr,
					   PCI_BUS_NUM(id), id & 0xff);
}
EXPORT_SYMBOL_GPL(pci_sim_get_dev);

/**
 * pci_sim_peek - read a register without a config access
 * @f: Function; need not be reachable or ready
 * @where: offset in config space, rounded down to a dword
 *
 * Context: Any.
 * Return: the value of the dword.
 */
u32 pci_sim_peek(struct pci_sim_func *f, int where)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	return sim_cfg_read(f, where & ~3, 4);
}
EXPORT_SYMBOL_GPL(pci_sim_peek);

/**
 * pci_sim_resets - get the number of resets of a kind
 * @f: Function
 * @kind: kind of reset
 *
 * Context: Any.
 * Return: how often @f has been reset in that way.
 */
unsigned int pci_sim_resets(struct pci_sim_func *f, enum pci_sim_reset kind)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	return f->resets[kind];
}
EXPORT_SYMBOL_GPL(pci_sim_resets);

/**
 * pci_sim_resets_all - get the number of resets of all kinds
 * @f: Function
 *
 * Context: Any.
 * Return: how often @f has been reset in any way.
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
 * pci_sim_link_is_up - check whether the Link below a port is in DL_Active
 * @port: Root Port or Downstream Port
 *
 * Context: Any.
 * Return: true if it is.
 */
bool pci_sim_link_is_up(struct pci_sim_func *port)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	return port->port.link_up;
}
EXPORT_SYMBOL_GPL(pci_sim_link_is_up);

/**
 * pci_sim_is_reachable - check whether a Function could be reached
 * @f: Function
 *
 * Does not consider what depends on software: bus numbers and power states of
 * the bridges above.
 *
 * Context: Any.
 * Return: true if the Function and all bridges above it are plugged in and
 * ready, and all Links up to the Root Port are up.  A VF that is not enabled is
 * not ready.
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
 * pci_sim_next - iterate over the Functions of a fabric
 * @sim: fabric
 * @f: previous Function, or NULL to start
 *
 * Includes Functions that are not plugged in, but no VFs, for which there is
 * pci_sim_vf().
 *
 * Context: Any.  The caller ensures that no Function is added meanwhile.
 * Return: the Function that was added to the fabric after @f, or the first one
 * if @f is NULL; NULL if there are no more.
 */
struct pci_sim_func *pci_sim_next(struct pci_sim *sim, struct pci_sim_func *f)
{
	if (!f)
		return list_first_entry_or_null(&sim->functions, typeof(*f),
						node);

	if (list_is_last(&f->node, &sim->functions))
		return NULL;

	return list_next_entry(f, node);
}
EXPORT_SYMBOL_GPL(pci_sim_next);

/**
 * pci_sim_on_reset - call a function whenever a Function is reset
 * @sim: fabric
 * @fn: function to call, see pci_sim_reset_t, or NULL for none
 * @data: argument of @fn
 *
 * Context: Any.
 */
void pci_sim_on_reset(struct pci_sim *sim, pci_sim_reset_t fn, void *data)
{
	guard(raw_spinlock_irqsave)(&sim->lock);
	sim->on_reset = fn;
	sim->reset_data = data;
}
EXPORT_SYMBOL_GPL(pci_sim_on_reset);

/**
 * pci_sim_vf - get a VF
 * @pf: PF, or NULL
 * @n: number of the VF, from 0
 *
 * All VFs of a PF exist from the time the PF is added.  They are held in reset
 * until the kernel enables them.
 *
 * Context: Any.
 * Return: the VF, NULL if @pf is NULL or has no VF of that number.
 */
struct pci_sim_func *pci_sim_vf(struct pci_sim_func *pf, unsigned int n)
{
	struct pci_sim_func *vf;

	if (!pf)
		return NULL;

	/* The list of VFs does not change, so no lock is needed */
	list_for_each_entry(vf, &pf->vfs, sibling) {
		if (!n--)
			return vf;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(pci_sim_vf);

/**
 * pci_sim_card - get the card that is plugged into a port
 * @port: Root Port or Downstream Port
 *
 * Context: Any.
 * Return: Function 0 of the card, NULL if there is none.
 */
struct pci_sim_func *pci_sim_card(struct pci_sim_func *port)
{
	guard(raw_spinlock_irqsave)(&port->sim->lock);
	return port->port.card;
}
EXPORT_SYMBOL_GPL(pci_sim_card);

/**
 * pci_sim_upstream - get the bridge above a Function
 * @f: Function
 *
 * Context: Any.
 * Return: the bridge, NULL if @f is on the root bus or not plugged in.
 */
struct pci_sim_func *pci_sim_upstream(struct pci_sim_func *f)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	return f->upstream;
}
EXPORT_SYMBOL_GPL(pci_sim_upstream);

/**
 * pci_sim_get_port_config - get the configuration of a port
 * @f: Function
 *
 * Context: Any.
 * Return: the configuration, with the defaults filled in and valid as long as
 * the fabric; NULL if @f is neither a Root Port nor a Downstream Port.
 */
const struct pci_sim_port_config *
pci_sim_get_port_config(struct pci_sim_func *f)
{
	return sim_is_port(f) ? &f->port.config : NULL;
}
EXPORT_SYMBOL_GPL(pci_sim_get_port_config);
