// SPDX-License-Identifier: GPL-2.0
/*
 * Config Requests of the kernel to a simulated fabric
 */

#include "sim.h"

/*
 * Conventional PCI has no RRS.  A PCIe-to-PCI bridge completes with RRS for a
 * device that is not ready only if Bridge Configuration Retry Enable is set
 * (PCIe r6.0, sec 7.5.3.4).
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
 * A Function that is not ready completes with Request Retry Status.  If
 * software is to see that, a read of the Vendor ID returns 0001h; anything
 * else is retried by the Root Complex until it gives up (PCIe r6.0, sec
 * 2.3.2).
 */
static u32 sim_read_not_ready(struct pci_sim_func *f, int where, int size)
{
	if (where == PCI_VENDOR_ID && size >= 2 && sim_rrs_visible(f))
		return size == 2 ? 0x0001 : 0xffff0001;

	return ~0;
}

static struct sim_hook sim_take_hook(struct sim_hook *hook, int where)
{
	struct sim_hook taken = {};

	if (hook->fn && hook->where == (where & ~3)) {
		taken = *hook;
		hook->fn = NULL;
	}
	return taken;
}

static int sim_read(struct pci_bus *bus, unsigned int devfn, int where,
		    int size, u32 *val)
{
	struct pci_sim *sim = sim_of_bus(bus);
	struct sim_hook hook = {};
	struct pci_sim_func *f;
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	f = sim_route(sim, bus->number, devfn);
	if (!f) {
		*val = ~0;
	} else if (f->state == SIM_INIT) {
		*val = sim_read_not_ready(f, where, size);
	} else if (where >= PCI_CFG_SPACE_SIZE && !sim_has(f, SIM_EXP)) {
		/* The bridge above cannot forward it: Unsupported Request */
		*val = ~0;
	} else {
		*val = sim_cfg_read(f, where, size);
		hook = sim_take_hook(&f->on_read, where);
	}
	raw_spin_unlock_irqrestore(&sim->lock, flags);

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
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	f = sim_route(sim, bus->number, devfn);
	if (f && f->state == SIM_READY) {
		sim_cfg_write(f, where, size, val);
		sim_irq_update(f);
		hook = sim_take_hook(&f->on_write, where);
	}
	raw_spin_unlock_irqrestore(&sim->lock, flags);

	if (hook.fn)
		hook.fn(f, hook.data);
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops sim_pci_ops = {
	.read	= sim_read,
	.write	= sim_write,
};

/**
 * sim_of_dev - the Function behind a device
 * @pdev: device, of a simulated fabric or not
 *
 * Return: the Function, NULL if there is none (any more).
 */
struct pci_sim_func *sim_of_dev(struct pci_dev *pdev)
{
	struct pci_sim_func *f;
	unsigned long flags;
	struct pci_sim *sim;

	if (pdev->bus->ops != &sim_pci_ops)
		return NULL;

	sim = sim_of_bus(pdev->bus);
	raw_spin_lock_irqsave(&sim->lock, flags);
	f = sim_route(sim, pdev->bus->number, pdev->devfn);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	return f;
}
