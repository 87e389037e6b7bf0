// SPDX-License-Identifier: GPL-2.0
/*
 * Config accesses by the kernel: the pci_ops of a simulated fabric
 */

#include <linux/delay.h>

#include "sim.h"

/*
 * Whether a read of the Vendor ID returns 0001h while a Function is not ready:
 * Configuration RRS Software Visibility is enabled in the Root Port.
 *
 * Conventional PCI has no RRS.  A PCIe-to-PCI bridge completes a request for a
 * device that is not ready with RRS only if Bridge Configuration Retry Enable
 * is set (PCIe r6.0, sec 7.5.3.4).
 */
static bool sim_rrs_visible(struct pci_sim_func *f)
{
	while (f->upstream) {
		f = f->upstream;
		if (f->type == PCI_EXP_TYPE_PCI_BRIDGE &&
		    !(*sim_val(f, SIM_EXP + PCI_EXP_DEVCTL) &
		      PCI_EXP_DEVCTL_BCR_FLR))
			return false;
	}

	return *sim_val(f, SIM_EXP + PCI_EXP_RTCTL) & PCI_EXP_RTCTL_RRS_SVE;
}

/*
 * A Function that is not ready completes a read with Request Retry Status.
 * With Configuration RRS Software Visibility, a read of the Vendor ID returns
 * 0001h.  The Root Complex retries any other read until it times out (PCIe
 * r6.0, sec 2.3.2).
 */
static u32 sim_read_not_ready(struct pci_sim_func *f, int where, int size)
{
	if (where == PCI_VENDOR_ID && size >= 2 && sim_rrs_visible(f))
		return size == 2 ? 0x0001 : 0xffff0001;

	return ~0;
}

/* Get and clear the callback for a register, if one is set */
static struct sim_hook sim_take_hook(struct sim_hook *hook, int where)
{
	struct sim_hook taken = {};

	if (hook->fn && hook->where == (where & ~3)) {
		taken = *hook;
		hook->fn = NULL;
	}
	return taken;
}

/* See pci_sim_access_time() */
static void sim_take_time(struct pci_sim *sim)
{
	u32 us = 0;

	scoped_guard(raw_spinlock_irqsave, &sim->lock) {
		if (sim->access_us)
			us = prandom_u32_state(&sim->rnd) %
			     (sim->access_us + 1);
	}
	if (us)
		udelay(us);
}

static int sim_read(struct pci_bus *bus, unsigned int devfn, int where,
		    int size, u32 *val)
{
	struct pci_sim *sim = sim_of_bus(bus);
	struct sim_hook hook = {};
	struct pci_sim_func *f;

	sim_take_time(sim);
	scoped_guard(raw_spinlock_irqsave, &sim->lock) {
		f = sim_route(sim, bus->number, devfn);
		if (!f) {
			*val = ~0;
		} else if (f->state == SIM_INIT) {
			*val = sim_read_not_ready(f, where, size);
		} else if (where >= PCI_CFG_SPACE_SIZE &&
			   !sim_has(f, SIM_EXP)) {
			/* No extended config space on a conventional bus */
			*val = ~0;
		} else {
			*val = sim_cfg_read(f, where, size);
			hook = sim_take_hook(&f->on_read, where);
		}
	}

	if (hook.fn)
		hook.fn(f, hook.data);
	return PCIBIOS_SUCCESSFUL;
}

static int sim_write(struct pci_bus *bus, unsigned int devfn, int where,
		     int size, u32 val)
{
	struct pci_sim *sim = sim_of_bus(bus);
	struct sim_hook hook = {};
	struct pci_sim_func *f;

	sim_take_time(sim);
	scoped_guard(raw_spinlock_irqsave, &sim->lock) {
		f = sim_route(sim, bus->number, devfn);
		if (f && f->state == SIM_READY) {
			sim_cfg_write(f, where, size, val);
			sim_irq_update(f);
			hook = sim_take_hook(&f->on_write, where);
		}
	}

	if (hook.fn)
		hook.fn(f, hook.data);
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops sim_pci_ops = {
	.read	= sim_read,
	.write	= sim_write,
};

/**
 * pci_sim_of_dev - get the Function that a device stands for
 * @pdev: device, of a simulated fabric or not
 *
 * Context: Any.
 * Return: the Function that Config Requests for @pdev are routed to; NULL if
 * they reach none, or if @pdev is not in a simulated fabric.
 */
struct pci_sim_func *pci_sim_of_dev(struct pci_dev *pdev)
{
	struct pci_sim *sim;

	if (pdev->bus->ops != &sim_pci_ops)
		return NULL;

	sim = sim_of_bus(pdev->bus);
	guard(raw_spinlock_irqsave)(&sim->lock);
	return sim_route(sim, pdev->bus->number, pdev->devfn);
}
EXPORT_SYMBOL_GPL(pci_sim_of_dev);
