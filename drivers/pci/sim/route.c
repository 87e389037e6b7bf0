// SPDX-License-Identifier: GPL-2.0
/*
 * Routing in a simulated fabric, by the bus numbers in the registers of the
 * bridges: Routing ID to Function and Function to Routing ID
 */

#include "sim.h"

/**
 * sim_of_bus - get the fabric that a bus belongs to
 * @bus: bus of a simulated fabric
 *
 * Context: Any.
 * Return: the fabric.
 */
struct pci_sim *sim_of_bus(struct pci_bus *bus)
{
#ifdef CONFIG_X86
	return container_of(bus->sysdata, struct pci_sim, sysdata);
#else
	return bus->sysdata;
#endif
}

/**
 * sim_set_upstream - set the bridge above a Function and its VFs
 * @f: Function
 * @upstream: bridge, or NULL for none
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_set_upstream(struct pci_sim_func *f, struct pci_sim_func *upstream)
{
	struct pci_sim_func *vf;

	f->upstream = upstream;
	list_for_each_entry(vf, &f->vfs, sibling)
		vf->upstream = upstream;
}

static u8 sim_secondary(struct pci_sim_func *bridge)
{
	return *sim_val(bridge, PCI_PRIMARY_BUS) >> 8;
}

static u8 sim_subordinate(struct pci_sim_func *bridge)
{
	return *sim_val(bridge, PCI_PRIMARY_BUS) >> 16;
}

/**
 * sim_requester_id - get the Requester ID of a Function
 * @f: Function
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 * Return: the Requester ID.  Its bus number is the Secondary Bus Number of the
 * bridge above.  That of a VF is calculated from that of the PF (PCIe r6.0,
 * sec 9.2.1.2), and may be on a higher bus.
 */
u16 sim_requester_id(struct pci_sim_func *f)
{
	if (f->pf)
		return sim_requester_id(f->pf) + f->vf_offset;

	return PCI_DEVID(f->upstream ? sim_secondary(f->upstream) :
			 f->sim->busn.start, f->devfn);
}

static struct pci_sim_func *sim_find(struct list_head *bus,
				     unsigned int devfn)
{
	struct pci_sim_func *f;

	list_for_each_entry(f, bus, sibling) {
		if (f->devfn == devfn)
			return f;
	}
	return NULL;
}

/* Find a VF whose PF is on a bus, by its Routing ID */
static struct pci_sim_func *sim_find_vf(struct list_head *bus, u16 id)
{
	struct pci_sim_func *pf, *vf;

	list_for_each_entry(pf, bus, sibling) {
		list_for_each_entry(vf, &pf->vfs, sibling) {
			if (sim_requester_id(vf) == id)
				return vf;
		}
	}
	return NULL;
}

/* Find the bridge on a bus that leads to bus number @busnr */
static struct pci_sim_func *sim_find_bridge(struct list_head *bus, u8 busnr)
{
	struct pci_sim_func *f;

	list_for_each_entry(f, bus, sibling) {
		if (sim_is_bridge(f) && sim_secondary(f) &&
		    sim_secondary(f) <= busnr && busnr <= sim_subordinate(f))
			return f;
	}
	return NULL;
}

/*
 * Without ARI Forwarding a port only forwards requests for Device 0 (PCIe r6.0,
 * sec 7.3.1).  With it the device number is part of the Function number.
 */
static bool sim_device_exists(struct pci_sim_func *bridge, unsigned int devfn)
{
	return !bridge || !sim_is_port(bridge) || !PCI_SLOT(devfn) ||
	       *sim_val(bridge, SIM_EXP + PCI_EXP_DEVCTL2) &
	       PCI_EXP_DEVCTL2_ARI;
}

/**
 * sim_route - route a Config Request
 * @sim: fabric
 * @busnr: bus number
 * @devfn: device and Function number
 *
 * The request is routed by the bus numbers of the bridges (PCIe r6.0, sec
 * 7.3.3).  A bus number that no bridge on the way forwards any further can only
 * be that of a VF (sec 9.2.1.2).
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 * Return: the Function, in state SIM_INIT or SIM_READY; NULL if there is none,
 * if it is in reset or if a bridge above does not forward the request.
 */
struct pci_sim_func *sim_route(struct pci_sim *sim, u8 busnr,
			       unsigned int devfn)
{
	struct pci_sim_func *f, *bridge = NULL;
	struct list_head *bus = &sim->root_bus;
	u8 here = sim->busn.start;

	while (here != busnr) {
		f = sim_find_bridge(bus, busnr);
		if (!f)
			break;
		if (!sim_bridge_forwards(f))
			return NULL;
		bridge = f;
		bus = &f->below;
		here = sim_secondary(f);
	}

	f = NULL;
	if (here == busnr) {
		if (!sim_device_exists(bridge, devfn))
			return NULL;
		f = sim_find(bus, devfn);
	}
	if (!f)
		f = sim_find_vf(bus, PCI_DEVID(busnr, devfn));

	return f && f->state > SIM_RESET ? f : NULL;
}

/**
 * sim_bridge_forwards - check whether a bridge forwards requests
 * @f: Root Port, Switch Port or PCIe-to-PCI bridge
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 * Return: true if the bridge is ready and in D0 (PCIe r6.0, sec 5.3.1), and its
 * secondary bus is neither down nor held in reset.
 */
bool sim_bridge_forwards(struct pci_sim_func *f)
{
	if (f->state != SIM_READY)
		return false;
	if (sim_power_state(*sim_val(f, SIM_PM + PCI_PM_CTRL)) != PCI_D0)
		return false;
	if (sim_is_port(f))
		return f->port.link_up;

	return !(sim_bridge_control(f) & PCI_BRIDGE_CTL_BUS_RESET);
}
