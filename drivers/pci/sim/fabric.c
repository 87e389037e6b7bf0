// SPDX-License-Identifier: GPL-2.0
/*
 * PCIe fabric simulator: building, starting and removing a fabric
 *
 * A simulated fabric is a host bridge with pci_ops of its own, in a PCI domain
 * of its own.  The kernel enumerates it and runs its drivers on it: pcieport,
 * pciehp, AER, DPC, PME.  Root Ports, switches, Endpoints with VFs and
 * PCIe-to-PCI bridges are simulated: their config space, Links, slots, resets,
 * errors and interrupts.  There is no memory behind a BAR.
 *
 * Each file only calls files below it in this list:
 *
 *	module.c    module init and exit
 *	configfs.c  configfs interface for userspace
 *	driver.c    driver of the Endpoints, which counts its calls
 *	fabric.c    building, starting and removing a fabric
 *	request.c   pci_ops: config accesses by the kernel
 *	func.c	    state of a Function, for tests
 *	regs.c	    config space of each kind of Function, as tables
 *	link.c	    Links, resets, power states
 *	iov.c	    VFs
 *	slot.c	    hot-plug slots: presence, power, button, commands
 *	error.c	    AER, DPC and PME
 *	irq.c	    INTx and MSI
 *	config.c    config reads, writes and resets, by the tables in regs.c
 *	route.c	    routing by the bus numbers of the bridges
 *	event.c	    event queue, timer, and callbacks for tests
 *
 * The exceptions are link.c to irq.c, which also call each other, as the parts
 * of PCIe that they simulate depend on each other: a reset clears the registers
 * of a slot, power and DPC act on the Link, and all of them cause interrupts.
 * Callbacks lead back up from config.c to the side effects of a write
 * (&sim_reg.written) and from event.c to events (&sim_event.fn) and to the
 * delivery of interrupts (&pci_sim.deliver).
 *
 * A fabric has one raw spinlock, &pci_sim.lock, because config accesses come
 * from any context, and not every architecture serializes them
 * (CONFIG_PCI_LOCKLESS_CONFIG).  See struct pci_sim for what it protects and
 * for the lock order.
 *
 * All times of a fabric are kept by one hrtimer.  In User Mode Linux with
 * time-travel=inf-cpu time is virtual, and every run is the same.
 */

#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "sim.h"

/* Lower domain numbers are left to firmware and the architecture */
#define SIM_MIN_DOMAIN		0x10000

/*
 * Memory window of the host bridge: bus address, CPU address and size.  It is
 * not in the resource tree, and the CPU address is above all real memory.
 */
#define SIM_WINDOW_BUS		0x40000000ULL
#define SIM_WINDOW_CPU		0x400000000000ULL
#define SIM_WINDOW_SIZE		SZ_1G

/* Time between power-on and enumeration, as firmware would take, in ms */
#define SIM_BOOT_MS		500

/*
 * Defaults of VFs: the time that software has to wait after VF Enable (PCIe
 * r6.0, sec 9.3.3.3.1), First VF Offset and VF Stride
 */
#define SIM_VF_MS		100
#define SIM_VF_OFFSET		8
#define SIM_VF_STRIDE		8

/* Number of fabrics whose memory is not freed yet */
static atomic_t sim_alive;

static void *sim_sysdata(struct pci_sim *sim)
{
#ifdef CONFIG_X86
	sim->sysdata.domain = sim->bridge->domain_nr;
	sim->sysdata.node = NUMA_NO_NODE;
	return &sim->sysdata;
#else
	return sim;
#endif
}

/* Free a Function and its VFs; it is not removed from &pci_sim.functions */
static void sim_free_func(struct pci_sim_func *f)
{
	struct pci_sim_func *vf, *next;

	list_for_each_entry_safe(vf, next, &f->vfs, sibling)
		kvfree(vf);
	kvfree(f);
}

static void sim_free(struct pci_sim *sim)
{
	struct pci_sim_func *f, *next;

	sim_actions_free(sim);
	list_for_each_entry_safe(f, next, &sim->functions, node)
		sim_free_func(f);
	kfree(sim);
	atomic_dec(&sim_alive);
	module_put(THIS_MODULE);
}

/* The last reference to the host bridge is dropped */
static void sim_release(struct pci_host_bridge *bridge)
{
	sim_free(bridge->release_data);
}

/**
 * pci_sim_alloc - allocate a fabric
 *
 * The caller adds Root Ports, Endpoints and so on, and then calls
 * pci_sim_start().
 *
 * Context: May sleep.
 * Return: an empty fabric, to be freed by pci_sim_destroy(); NULL if there is
 * not enough memory.
 */
struct pci_sim *pci_sim_alloc(void)
{
	struct pci_sim *sim;

	sim = kzalloc_obj(*sim);
	if (!sim)
		return NULL;

	__module_get(THIS_MODULE);
	atomic_inc(&sim_alive);
	raw_spin_lock_init(&sim->lock);
	raw_spin_lock_init(&sim->msi_lock);
	INIT_LIST_HEAD(&sim->functions);
	INIT_LIST_HEAD(&sim->root_bus);
	INIT_LIST_HEAD(&sim->actions);
	/* 0 means that the port has a device on the board instead of a slot */
	__set_bit(0, sim->slots);
	sim_events_init(sim, sim_irq_deliver);
	prandom_seed_state(&sim->rnd, 0);
	return sim;
}
EXPORT_SYMBOL_GPL(pci_sim_alloc);

/**
 * pci_sim_alive - get the number of fabrics that exist, to detect leaks
 *
 * A fabric exists from pci_sim_alloc() until pci_sim_destroy() was called and
 * the last reference to one of its devices was dropped.
 *
 * Context: Any.
 * Return: the number of fabrics.
 */
unsigned int pci_sim_alive(void)
{
	return atomic_read(&sim_alive);
}
EXPORT_SYMBOL_GPL(pci_sim_alive);

/**
 * pci_sim_jitter - extend the times of a fabric at random
 * @sim: fabric
 * @seed: seed of the pseudo-random numbers, also for pci_sim_access_time(); the
 *	  same seed gives the same times
 * @percent: maximum, in percent, that is added to the time that a Link trains
 *	     and that a Function takes to become ready; 0 for none
 *
 * Context: Any.
 */
void pci_sim_jitter(struct pci_sim *sim, u64 seed, unsigned int percent)
{
	guard(raw_spinlock_irqsave)(&sim->lock);
	prandom_seed_state(&sim->rnd, seed);
	sim->jitter = percent;
}
EXPORT_SYMBOL_GPL(pci_sim_jitter);

/**
 * pci_sim_access_time - let config accesses take time
 * @sim: fabric
 * @max_us: maximum in microseconds, at most 1000; each access takes a random
 *	    part of it.  0 for no time, the default
 *
 * In that time interrupts are handled, and in a kernel with preemption other
 * tasks may run.
 *
 * Context: Any.
 */
void pci_sim_access_time(struct pci_sim *sim, u32 max_us)
{
	guard(raw_spinlock_irqsave)(&sim->lock);
	sim->access_us = min(max_us, 1000);
}
EXPORT_SYMBOL_GPL(pci_sim_access_time);

/* Allocate a Function, without config space; sets &pci_sim.error on failure */
static struct pci_sim_func *sim_alloc_func(struct pci_sim *sim, int type,
					   u8 devfn)
{
	struct pci_sim_func *f;

	f = kvzalloc_obj(*f);
	if (!f) {
		sim->error = -ENOMEM;
		return NULL;
	}

	f->sim = sim;
	f->type = type;
	f->devfn = devfn;
	f->card = f;
	INIT_LIST_HEAD(&f->sibling);
	INIT_LIST_HEAD(&f->below);
	INIT_LIST_HEAD(&f->functions);
	INIT_LIST_HEAD(&f->function);
	sim_iov_init(f);
	sim_link_init(f);
	sim_slot_init(f);
	sim_irq_init_func(f);
	return f;
}

/* Add a Function to the fabric, on the bus below @upstream or on none */
static void sim_add_func(struct pci_sim_func *f, struct pci_sim_func *upstream,
			 struct list_head *bus)
{
	struct pci_sim *sim = f->sim;

	guard(raw_spinlock_irqsave)(&sim->lock);
	sim_cfg_reset(f, PCI_SIM_RESET_COLD);
	list_add_tail(&f->node, &sim->functions);
	sim_set_upstream(f, upstream);
	if (bus)
		list_add_tail(&f->sibling, bus);
}

/* Free a Function that cannot be added */
static struct pci_sim_func *sim_reject(struct pci_sim *sim,
				       struct pci_sim_func *f, int error)
{
	sim_free_func(f);
	sim->error = error;
	return NULL;
}

/* Allocate a Physical Slot Number */
static int sim_number_slot(struct pci_sim *sim,
			   struct pci_sim_port_config *config)
{
	if (config->slot >= SIM_NR_SLOTS)
		return -EINVAL;
	if (!config->slot) {
		config->slot = find_first_zero_bit(sim->slots, SIM_NR_SLOTS);
		if (config->slot == SIM_NR_SLOTS)
			return -ENOSPC;
	}
	__set_bit(config->slot, sim->slots);
	return 0;
}

static struct pci_sim_func *
sim_add_port(struct pci_sim *sim, int type, u8 devfn,
	     struct pci_sim_func *upstream, struct list_head *bus,
	     const struct pci_sim_port_config *config)
{
	struct pci_sim_port_config *c;
	struct pci_sim_func *f;
	int rc;

	f = sim_alloc_func(sim, type, devfn);
	if (!f)
		return NULL;

	c = &f->port.config;
	*c = *config;
	c->speed = c->speed ?: PCI_EXP_LNKCAP_SLS_8_0GB;
	c->train_ms = c->train_ms ?: 20;
	c->cmd_us = c->cmd_us ?: 100;
	if (c->irq_us)
		pci_sim_set_irq_us(f, c->irq_us);
	rc = sim_number_slot(sim, c);
	if (!rc)
		rc = sim_cfg_init_port(f);
	if (rc)
		return sim_reject(sim, f, rc);

	sim_add_func(f, upstream, bus);
	return f;
}

/**
 * pci_sim_add_root_port - add a Root Port
 * @sim: fabric, before pci_sim_start()
 * @config: configuration
 *
 * The n-th Root Port becomes device n on the root bus; there can be 31.
 *
 * Context: May sleep.
 * Return: the Root Port; NULL on an error, which pci_sim_start() returns:
 * -EINVAL if the fabric is started, has 31 Root Ports or @config is invalid,
 * -ENOSPC if all Physical Slot Numbers are in use, or -ENOMEM.
 */
struct pci_sim_func *
pci_sim_add_root_port(struct pci_sim *sim,
		      const struct pci_sim_port_config *config)
{
	unsigned int n = list_count_nodes(&sim->root_bus);

	if (sim->bridge || n >= 31) {
		sim->error = -EINVAL;
		return NULL;
	}

	return sim_add_port(sim, PCI_EXP_TYPE_ROOT_PORT, PCI_DEVFN(n + 1, 0),
			    NULL, &sim->root_bus, config);
}
EXPORT_SYMBOL_GPL(pci_sim_add_root_port);

/**
 * pci_sim_add_downstream_port - add a Downstream Port to a switch
 * @upstream: Upstream Port of the switch, which has no power yet; or NULL, and
 *	      nothing is added
 * @config: configuration
 *
 * Context: May sleep.
 * Return: the Downstream Port; NULL on an error, which pci_sim_start() returns:
 * -EINVAL if @upstream is no Upstream Port, has power or has 32 Downstream
 * Ports, or if @config is invalid, -ENOSPC if all Physical Slot Numbers are in
 * use, or -ENOMEM.
 */
struct pci_sim_func *
pci_sim_add_downstream_port(struct pci_sim_func *upstream,
			    const struct pci_sim_port_config *config)
{
	unsigned int n;

	if (!upstream)
		return NULL;

	n = list_count_nodes(&upstream->below);
	if (upstream->type != PCI_EXP_TYPE_UPSTREAM ||
	    upstream->state != SIM_OFF || n >= 32) {
		upstream->sim->error = -EINVAL;
		return NULL;
	}

	return sim_add_port(upstream->sim, PCI_EXP_TYPE_DOWNSTREAM,
			    PCI_DEVFN(n, 0), upstream, &upstream->below,
			    config);
}
EXPORT_SYMBOL_GPL(pci_sim_add_downstream_port);

/* Add Function 0 of a card, and plug it in if there is a port */
static struct pci_sim_func *sim_add_card(struct pci_sim_func *f,
					 struct pci_sim_func *port)
{
	struct pci_sim *sim = f->sim;

	list_add_tail(&f->function, &f->functions);
	sim_add_func(f, NULL, NULL);
	if (port && pci_sim_plug(port, f))
		sim->error = -EINVAL;
	return f;
}

/**
 * pci_sim_add_switch - add a switch without Downstream Ports
 * @sim: fabric
 * @port: Root Port or Downstream Port to plug it into, or NULL for none
 *
 * Context: May sleep.
 * Return: its Upstream Port; NULL on -ENOMEM, which pci_sim_start() returns, as
 * it does -EINVAL if @port is no such port.
 */
struct pci_sim_func *pci_sim_add_switch(struct pci_sim *sim,
					struct pci_sim_func *port)
{
	struct pci_sim_func *f;

	f = sim_alloc_func(sim, PCI_EXP_TYPE_UPSTREAM, 0);
	if (!f)
		return NULL;

	sim_cfg_init_upstream(f);
	return sim_add_card(f, port);
}
EXPORT_SYMBOL_GPL(pci_sim_add_switch);

/**
 * pci_sim_add_pci_bridge - add a PCIe-to-PCI bridge without devices below it
 * @sim: fabric
 * @port: Root Port or Downstream Port to plug it into, or NULL for none
 *
 * Config reads of a device below the bridge that is not ready time out and
 * return all ones, unless Bridge Configuration Retry Enable is set.
 *
 * Context: May sleep.
 * Return: the bridge; NULL on -ENOMEM, which pci_sim_start() returns, as it
 * does -EINVAL if @port is no such port.
 */
struct pci_sim_func *pci_sim_add_pci_bridge(struct pci_sim *sim,
					    struct pci_sim_func *port)
{
	struct pci_sim_func *f;

	f = sim_alloc_func(sim, PCI_EXP_TYPE_PCI_BRIDGE, 0);
	if (!f)
		return NULL;

	sim_cfg_init_pci_bridge(f);
	return sim_add_card(f, port);
}
EXPORT_SYMBOL_GPL(pci_sim_add_pci_bridge);

/* Whether a VF of @pf has a Routing ID, given relative to that of the device */
static bool sim_iov_has(struct pci_sim_func *pf, u32 id)
{
	u32 layout = pf->cfg[(SIM_SRIOV + PCI_SRIOV_VF_OFFSET) / 4].por;
	u16 total = pf->cfg[(SIM_SRIOV + PCI_SRIOV_INITIAL_VF) / 4].por;
	u32 first = pf->devfn + (layout & 0xffff), stride = layout >> 16;

	return total && id >= first && !((id - first) % stride) &&
	       (id - first) / stride < total;
}

/*
 * Whether a new Function or one of its VFs has the same Routing ID as another
 * Function or VF of the device.  The new Function is not in the list of the
 * device yet.
 */
static bool sim_iov_collides(struct pci_sim_func *f)
{
	struct pci_sim_func *other, *vf;

	list_for_each_entry(other, &f->card->functions, function) {
		if (sim_iov_has(f, other->devfn) ||
		    sim_iov_has(other, f->devfn))
			return true;
		list_for_each_entry(vf, &f->vfs, sibling) {
			if (sim_iov_has(other, f->devfn + vf->vf_offset))
				return true;
		}
	}
	return false;
}

/* On an error, the caller frees @pf and with it the VFs added so far */
static int sim_iov_add_vfs(struct pci_sim_func *pf,
			   const struct pci_sim_ep_config *config)
{
	u32 offset = config->vf_offset ?: SIM_VF_OFFSET;
	u32 stride = config->vf_stride ?: SIM_VF_STRIDE;
	struct pci_sim_func *vf;
	unsigned int n;

	if (!config->vfs)
		return 0;
	if (pf->devfn + offset + (config->vfs - 1) * stride > U16_MAX)
		return -EINVAL;

	sim_cfg_add_sriov(pf, config->vfs, offset, stride);
	for (n = 0; n < config->vfs; n++) {
		vf = sim_alloc_func(pf->sim, PCI_EXP_TYPE_ENDPOINT, 0);
		if (!vf)
			return -ENOMEM;

		list_add_tail(&vf->sibling, &pf->vfs);
		vf->pf = pf;
		vf->card = pf->card;
		vf->vf_offset = offset + n * stride;
		vf->ready_ms = config->vf_ms ?: SIM_VF_MS;
		vf->flr_ms = config->flr_ms;
		sim_cfg_init_vf(vf, config);
	}
	return 0;
}

static struct pci_sim_func *
sim_alloc_ep(struct pci_sim *sim, u8 devfn, struct pci_sim_func *card,
	     const struct pci_sim_ep_config *config)
{
	struct pci_sim_func *f;
	int rc;

	f = sim_alloc_func(sim, PCI_EXP_TYPE_ENDPOINT, devfn);
	if (!f)
		return NULL;

	f->ready_ms = config->ready_ms;
	f->flr_ms = config->flr_ms;
	f->d3_ms = config->d3_ms;
	f->ask_reset = config->ask_reset;
	if (card)
		f->card = card;
	rc = sim_cfg_init_ep(f, config);
	if (!rc)
		rc = sim_iov_add_vfs(f, config);
	if (!rc && sim_iov_collides(f))
		rc = -EINVAL;
	return rc ? sim_reject(sim, f, rc) : f;
}

/* Number of devices, not Functions, on the bus of a PCIe-to-PCI bridge */
static unsigned int sim_count_devices(struct pci_sim_func *bridge)
{
	struct pci_sim_func *f;
	unsigned int n = 0;

	list_for_each_entry(f, &bridge->below, sibling) {
		if (f->card == f)
			n++;
	}
	return n;
}

/* Add a device to the bus of a PCIe-to-PCI bridge, which has no slots */
static struct pci_sim_func *
sim_add_conventional(struct pci_sim *sim, struct pci_sim_func *bridge,
		     const struct pci_sim_ep_config *config)
{
	unsigned int n = sim_count_devices(bridge);
	struct pci_sim_func *f;

	if (!config->conventional || bridge->state != SIM_OFF || n > 31) {
		sim->error = -EINVAL;
		return NULL;
	}

	f = sim_alloc_ep(sim, PCI_DEVFN(n, 0), NULL, config);
	if (!f)
		return NULL;

	list_add_tail(&f->function, &f->functions);
	sim_add_func(f, bridge, &bridge->below);
	return f;
}

/**
 * pci_sim_add_endpoint - add an Endpoint or a conventional device
 * @sim: fabric
 * @port: Root Port or Downstream Port to plug an Endpoint into, or NULL for
 *	  none; for a conventional device, the PCIe-to-PCI bridge, which has no
 *	  power yet, on whose bus it gets the next device number
 * @config: configuration of Function 0
 *
 * If an Endpoint can be added, but @port is no such port, the Endpoint is
 * returned, and pci_sim_start() returns -EINVAL.
 *
 * Context: May sleep.
 * Return: Function 0; NULL on an error, which pci_sim_start() returns: -EINVAL
 * if @config is invalid or does not fit @port, if two of its VFs or Functions
 * have the same Routing ID, or if the bridge has power or 32 devices; or
 * -ENOMEM.
 */
struct pci_sim_func *
pci_sim_add_endpoint(struct pci_sim *sim, struct pci_sim_func *port,
		     const struct pci_sim_ep_config *config)
{
	struct pci_sim_func *f;

	if (port && port->type == PCI_EXP_TYPE_PCI_BRIDGE)
		return sim_add_conventional(sim, port, config);

	if (config->conventional) {
		sim->error = -EINVAL;
		return NULL;
	}

	f = sim_alloc_ep(sim, 0, NULL, config);
	return f ? sim_add_card(f, port) : NULL;
}
EXPORT_SYMBOL_GPL(pci_sim_add_endpoint);

/**
 * pci_sim_add_function - add another Function to an Endpoint or a conventional
 *			  device
 * @ep: Function 0 of the device, which has no power yet; or NULL, and nothing
 *	is added
 * @config: configuration of the new Function
 *
 * Context: May sleep.
 * Return: the Function; NULL on an error, which pci_sim_start() returns:
 * -EINVAL if @ep is not Function 0 of such a device, has power or 8 Functions,
 * or if @config is invalid or does not fit the other Functions; or -ENOMEM.
 */
struct pci_sim_func *
pci_sim_add_function(struct pci_sim_func *ep,
		     const struct pci_sim_ep_config *config)
{
	struct pci_sim_func *f, *last;
	unsigned int n;

	if (!ep)
		return NULL;

	n = list_count_nodes(&ep->functions);
	if (ep->type != PCI_EXP_TYPE_ENDPOINT || ep->state != SIM_OFF ||
	    n < 1 || n > 7 || config->conventional == sim_has(ep, SIM_EXP)) {
		ep->sim->error = -EINVAL;
		return NULL;
	}

	f = sim_alloc_ep(ep->sim, ep->devfn + n, ep, config);
	if (!f)
		return NULL;

	last = list_last_entry(&ep->functions, typeof(*last), function);
	list_add_tail(&f->function, &ep->functions);
	sim_cfg_link_functions(last, f);
	sim_add_func(f, ep->upstream,
		     ep->upstream ? &ep->upstream->below : NULL);
	return f;
}
EXPORT_SYMBOL_GPL(pci_sim_add_function);

/* Power on the Root Complex, and wait for what is plugged in */
static void sim_power_on(struct pci_sim *sim)
{
	struct pci_sim_func *f;

	scoped_guard(raw_spinlock_irqsave, &sim->lock) {
		list_for_each_entry(f, &sim->root_bus, sibling) {
			sim_slot_status(f, 0);
			sim_func_release(f);
		}
	}
	msleep(SIM_BOOT_MS);
}

static int sim_alloc_bridge(struct pci_sim *sim)
{
	struct pci_host_bridge *bridge;
	int domain;

	bridge = pci_alloc_host_bridge(0);
	if (!bridge)
		return -ENOMEM;

	domain = pci_bus_find_emul_domain_nr(0, SIM_MIN_DOMAIN, INT_MAX);
	if (domain < 0) {
		pci_free_host_bridge(bridge);
		return domain;
	}

	sim->bridge = bridge;
	bridge->domain_nr = domain;
	bridge->sysdata = sim_sysdata(sim);
	bridge->ops = &sim_pci_ops;
	bridge->map_irq = sim_map_irq;
	bridge->swizzle_irq = pci_common_swizzle;
	/* From now on the fabric is freed with the host bridge */
	pci_set_host_bridge_release(bridge, sim_release, sim);
	return 0;
}

static int sim_add_windows(struct pci_sim *sim)
{
	sim->window.name = "PCI simulator MEM";
	sim->window.flags = IORESOURCE_MEM;
	sim->window.start = SIM_WINDOW_CPU;
	sim->window.end = SIM_WINDOW_CPU + SIM_WINDOW_SIZE - 1;
	pci_add_resource_offset(&sim->bridge->windows, &sim->window,
				SIM_WINDOW_CPU - SIM_WINDOW_BUS);

	sim->busn.name = "PCI simulator busn";
	sim->busn.flags = IORESOURCE_BUS;
	sim->busn.end = 0xff;
	pci_add_resource(&sim->bridge->windows, &sim->busn);

	/* pci_add_resource() does not return an error if there is no memory */
	return list_count_nodes(&sim->bridge->windows) == 2 ? 0 : -ENOMEM;
}

/**
 * pci_sim_set_first_bus - set the bus number of the root bus
 * @sim: fabric, before pci_sim_start(); or NULL, and nothing happens
 * @busnr: first bus number of the host bridge, 0 by default; the last one is
 *	   always 255
 *
 * Context: Any.
 */
void pci_sim_set_first_bus(struct pci_sim *sim, u8 busnr)
{
	if (sim)
		sim->busn.start = busnr;
}
EXPORT_SYMBOL_GPL(pci_sim_set_first_bus);

/**
 * pci_sim_start - power on a fabric and let the kernel enumerate it
 * @sim: fabric; NULL gives -ENOMEM, as pci_sim_alloc() has failed
 *
 * Takes SIM_BOOT_MS and the time that the drivers of the devices take.
 *
 * Context: May sleep.  Takes pci_rescan_remove_lock.
 * Return: 0, or an error, after which the fabric can only be destroyed: the
 * last error of the functions that add Functions (-ENOMEM, -EINVAL or -ENOSPC),
 * -EINVAL if it was started before, -ENOMEM, or an error of
 * pci_bus_find_emul_domain_nr() or pci_host_probe().
 */
int pci_sim_start(struct pci_sim *sim)
{
	int rc;

	if (!sim)
		return -ENOMEM;
	if (sim->error)
		return sim->error;
	if (sim->bridge)
		return -EINVAL;

	rc = sim_alloc_bridge(sim);
	if (rc)
		return rc;

	rc = sim_irq_init(sim);
	if (rc)
		return rc;

	rc = sim_add_windows(sim);
	if (rc)
		return rc;

	dev_set_msi_domain(&sim->bridge->dev, sim->msi_domain);
	sim_power_on(sim);
	rc = pci_host_probe(sim->bridge);
	sim->started = !rc;
	return rc;
}
EXPORT_SYMBOL_GPL(pci_sim_start);

/**
 * pci_sim_destroy - remove and free a fabric
 * @sim: fabric, started or not; or NULL, and nothing happens
 *
 * Removes all devices while the fabric still works, then stops its events.  The
 * caller has dropped its references to the devices, and does not access the
 * fabric any more.
 *
 * Context: May sleep.  Takes pci_rescan_remove_lock.
 */
void pci_sim_destroy(struct pci_sim *sim)
{
	struct pci_host_bridge *bridge;

	if (!sim)
		return;

	bridge = sim->bridge;
	if (sim->started) {
		pci_lock_rescan_remove();
		pci_stop_root_bus(bridge->bus);
		pci_remove_root_bus(bridge->bus);
		pci_unlock_rescan_remove();
	}
	sim_events_stop(sim);

	if (bridge) {
		sim_irq_exit(sim);
		pci_free_host_bridge(bridge);
	} else {
		sim_free(sim);
	}
}
EXPORT_SYMBOL_GPL(pci_sim_destroy);

/**
 * sim_settle - wait for hot-plug operations before a fabric is removed
 * @sim: fabric that is started
 *
 * Removing a port waits for the interrupt thread of its pciehp, with
 * pci_rescan_remove_lock held, and the thread takes the same lock to add or
 * remove a device.  So that these do not meet, cancel the actions and Link
 * changes that are queued, and wait for the interrupt threads.
 *
 * Context: May sleep.  The caller does not hold pci_rescan_remove_lock.
 */
void sim_settle(struct pci_sim *sim)
{
	struct pci_sim_func *f;

	scoped_guard(raw_spinlock_irqsave, &sim->lock) {
		sim_actions_cancel(sim);
		list_for_each_entry(f, &sim->functions, node) {
			if (sim_is_port(f)) {
				sim_event_cancel(sim, &f->port.train);
				sim_event_cancel(sim, &f->port.restored);
			}
		}
	}

	sim_irq_synchronize(sim);
}

/* Number of buses above that of the PF that its VFs are on */
static unsigned int sim_vf_buses(struct pci_sim_func *pf)
{
	struct pci_sim_func *vf;
	unsigned int n = 0;

	list_for_each_entry(vf, &pf->vfs, sibling)
		n = max(n, PCI_BUS_NUM(pf->devfn + vf->vf_offset));

	return n;
}

/**
 * sim_bus_numbers - calculate how many bus numbers a fabric needs
 * @sim: fabric, before pci_sim_start()
 *
 * Context: Any.  Nothing changes the fabric meanwhile.
 * Return: the number of secondary buses of the bridges that are plugged in, and
 * of further buses for VFs.
 */
unsigned int sim_bus_numbers(struct pci_sim *sim)
{
	struct pci_sim_func *f, *top;
	unsigned int n = 0;

	list_for_each_entry(f, &sim->functions, node) {
		for (top = f; top->upstream; top = top->upstream)
			;
		if (top->type == PCI_EXP_TYPE_ROOT_PORT)
			n += sim_is_bridge(f) ? 1 : sim_vf_buses(f);
	}

	return n;
}
