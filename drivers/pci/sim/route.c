// SPDX-License-Identifier: GPL-2.0
/*
 * Routing in a simulated fabric: what is above a Function, and which Function is
 * meant by a bus, device and Function number, as the registers of the bridges
 * have it
 */

#include "sim.h"

/**
 * sim_of_bus - the fabric that a bus belongs to
 * @bus: bus of a simulated fabric
 *
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
 * sim_set_upstream - set what is above a Function
 * @f: Function, its fabric locked
 * @upstream: bridge, or NULL
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
 * sim_requester_id - bus, device and Function number of a Function
 * @f: Function, its fabric locked
 *
 * Return: the ID, with the bus number that the bridge above it has, or what
 * follows from that for a VF (PCIe r6.0, sec 9.2.1.2).
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
 * Without ARI Forwarding, there is only Device 0 on a Link (PCIe r6.0, sec
 * 7.3.1).
 */
static bool sim_device_exists(struct pci_sim_func *bridge, unsigned int devfn)
{
	return !bridge || !sim_is_port(bridge) || !PCI_SLOT(devfn) ||
	       *sim_val(bridge, SIM_EXP + PCI_EXP_DEVCTL2) &
	       PCI_EXP_DEVCTL2_ARI;
}

/**
 * sim_route - route a Config Request by the bus numbers of the bridges
 * @sim: fabric, locked
 * @busnr: bus number
 * @devfn: device and Function number
 *
 * See PCIe r6.0, sec 7.3.3.  A request for a bus that no bridge on the way has
 * is for a VF (sec 9.2.1.2).
 *
 * Return: the Function, or NULL if the request reaches none that is out of
 * reset.
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
 * sim_bridge_forwards - whether Config Requests pass a bridge
 * @f: Root Port, Switch Port or PCIe-to-PCI bridge, its fabric locked
 *
 * Return: true if the bridge is ready, in D0 (PCIe r6.0, sec 5.3.1), and its
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
