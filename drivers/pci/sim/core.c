// SPDX-License-Identifier: GPL-2.0
/*
 * A simulated PCIe fabric below a real host bridge
 *
 * The kernel sees a host bridge with its own pci_ops in a PCI domain of its
 * own, and runs its real drivers on what it finds there: pcieport, pciehp,
 * AER, DPC, PME.  Root Ports, switches, Endpoints with VFs and PCIe-to-PCI
 * bridges are simulated as far as config space, Links, slots, resets, errors
 * and interrupts go.  Nothing is behind a BAR.
 *
 *	core.c	  life of a fabric and its parts, routing of Config Requests
 *	config.c  config space, described by tables
 *	link.c	  Links, resets, power states
 *	iov.c	  VFs
 *	slot.c	  hot-plug slots: presence, power, button, commands
 *	error.c	  AER, DPC and PME
 *	irq.c	  INTx and MSI
 *	event.c	  what happens in time, and the hooks of a test
 *	driver.c  driver of the Endpoints, which counts what it is told
 *	configfs.c  all of this from userspace
 *
 * A fabric has one raw spinlock, because config accesses come from any
 * context and not every architecture serializes them
 * (CONFIG_PCI_LOCKLESS_CONFIG).  All times are kept by one hrtimer: in User
 * Mode Linux with time-travel=inf-cpu they are virtual, and what happens is
 * the same in every run.
 */

#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "sim.h"

/* Domains below are for firmware and the architecture */
#define SIM_MIN_DOMAIN		0x10000

/*
 * Memory as the devices see it, and as the CPU would, were anything there: out
 * of the way of all real memory, and not in the resource tree.
 */
#define SIM_WINDOW_BUS		0x40000000ULL
#define SIM_WINDOW_CPU		0x400000000000ULL
#define SIM_WINDOW_SIZE		SZ_1G

/* What a Link needs to come up before firmware passes on control */
#define SIM_BOOT_MS		200

/* Fabrics whose memory is not freed yet */
static atomic_t sim_alive;

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

	return PCI_DEVID(f->upstream ? sim_secondary(f->upstream) : 0,
			 f->devfn);
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

/*
 * Route a Config Request (PCIe r6.0, sec 7.3.3) by the bus numbers of the
 * bridges.  One for a bus that no bridge on the way has is for a VF (sec
 * 9.2.1.2).  Returns NULL if it reaches no Function that is out of reset.
 */
static struct pci_sim_func *sim_route(struct pci_sim *sim, u8 busnr,
				      unsigned int devfn)
{
	struct pci_sim_func *f, *bridge = NULL;
	struct list_head *bus = &sim->root_bus;
	u8 here = 0;

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
		hook = sim_take_hook(&f->on_write, where);
	}
	raw_spin_unlock_irqrestore(&sim->lock, flags);

	if (hook.fn)
		hook.fn(f, hook.data);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops sim_pci_ops = {
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

/**
 * sim_free_func - free a Function and its VFs
 * @f: Function that is no part of a fabric, or no longer
 */
void sim_free_func(struct pci_sim_func *f)
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

/* The last reference to a device of the fabric is gone */
static void sim_release(struct pci_host_bridge *bridge)
{
	sim_free(bridge->release_data);
}

/**
 * pci_sim_alloc - start to build a fabric
 *
 * Context: May sleep.
 * Return: an empty fabric, or NULL if there is no memory.
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
	/* 0 is for a port that is connected to a device on the board */
	__set_bit(0, sim->slots);
	sim_events_init(sim);
	prandom_seed_state(&sim->rnd, 0);
	return sim;
}
EXPORT_SYMBOL_GPL(pci_sim_alloc);

/**
 * pci_sim_alive - whether fabrics were leaked
 *
 * A fabric lives until pci_sim_destroy(), and until the last reference to one
 * of its devices is gone.
 *
 * Context: Any.
 * Return: the number of fabrics that are alive.
 */
unsigned int pci_sim_alive(void)
{
	return atomic_read(&sim_alive);
}
EXPORT_SYMBOL_GPL(pci_sim_alive);

/**
 * pci_sim_jitter - let the times of a fabric vary
 * @sim: fabric
 * @seed: start of the random numbers; the same seed gives the same times
 * @percent: by how much Links train longer and Functions take longer to be
 *	     ready than configured
 *
 * Context: Any.
 */
void pci_sim_jitter(struct pci_sim *sim, u64 seed, unsigned int percent)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	prandom_seed_state(&sim->rnd, seed);
	sim->jitter = percent;
	raw_spin_unlock_irqrestore(&sim->lock, flags);
}
EXPORT_SYMBOL_GPL(pci_sim_jitter);

/**
 * sim_alloc_func - allocate a Function
 * @sim: fabric
 * @type: PCI_EXP_TYPE_*
 * @devfn: device and Function number
 *
 * Context: May sleep.
 * Return: a Function without config space, or NULL, and pci_sim_start()
 * returns the error.
 */
struct pci_sim_func *sim_alloc_func(struct pci_sim *sim, int type, u8 devfn)
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

/* Make a Function part of the fabric, on the bus below @upstream or on none */
static void sim_add_func(struct pci_sim_func *f, struct pci_sim_func *upstream,
			 struct list_head *bus)
{
	struct pci_sim *sim = f->sim;
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	sim_cfg_reset(f, PCI_SIM_RESET_COLD);
	list_add_tail(&f->node, &sim->functions);
	sim_set_upstream(f, upstream);
	if (bus)
		list_add_tail(&f->sibling, bus);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
}

static struct pci_sim_func *sim_reject(struct pci_sim *sim,
				       struct pci_sim_func *f, int error)
{
	sim_free_func(f);
	sim->error = error;
	return NULL;
}

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
	int ret;

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
	ret = sim_number_slot(sim, c);
	if (!ret)
		ret = sim_cfg_init_port(f);
	if (ret)
		return sim_reject(sim, f, ret);

	sim_add_func(f, upstream, bus);
	return f;
}

/**
 * pci_sim_add_root_port - add a Root Port
 * @sim: fabric that is not started yet
 * @config: what it is like
 *
 * Context: May sleep.
 * Return: the Root Port, or NULL, and pci_sim_start() returns the error.
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
 * @upstream: Upstream Port, not powered yet; NULL is passed through
 * @config: what it is like
 *
 * Context: May sleep.
 * Return: the Downstream Port, or NULL, and pci_sim_start() returns the error.
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
 * pci_sim_add_switch - add a switch, for now without Downstream Ports
 * @sim: fabric
 * @port: Root Port or Downstream Port to plug it into, or NULL
 *
 * Context: May sleep.
 * Return: its Upstream Port, or NULL, and pci_sim_start() returns the error.
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
 * pci_sim_add_pci_bridge - add a PCIe-to-PCI bridge, for now with nothing
 *			    below
 * @sim: fabric
 * @port: Root Port or Downstream Port to plug it into, or NULL
 *
 * A device below it that is not ready lets reads time out, unless Bridge
 * Configuration Retry Enable is set.
 *
 * Context: May sleep.
 * Return: the bridge, or NULL, and pci_sim_start() returns the error.
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

static struct pci_sim_func *
sim_alloc_ep(struct pci_sim *sim, u8 devfn, struct pci_sim_func *card,
	     const struct pci_sim_ep_config *config)
{
	struct pci_sim_func *f;
	int ret;

	f = sim_alloc_func(sim, PCI_EXP_TYPE_ENDPOINT, devfn);
	if (!f)
		return NULL;

	f->ready_ms = config->ready_ms;
	f->flr_ms = config->flr_ms;
	f->d3_ms = config->d3_ms;
	f->ask_reset = config->ask_reset;
	if (card)
		f->card = card;
	ret = sim_cfg_init_ep(f, config);
	if (!ret)
		ret = sim_iov_add_vfs(f, config);
	if (!ret && sim_iov_collides(f))
		ret = -EINVAL;
	return ret ? sim_reject(sim, f, ret) : f;
}

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

/* On a bus that is shared, where nothing can be plugged */
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
 * pci_sim_add_endpoint - add an Endpoint, or a conventional device
 * @sim: fabric
 * @port: Root Port or Downstream Port to plug it into, or NULL; for a
 *	  conventional device a PCIe-to-PCI bridge that is not powered yet, on
 *	  whose bus it gets the next device number
 * @config: what its Function 0 is like
 *
 * Context: May sleep.
 * Return: its Function 0, or NULL, and pci_sim_start() returns the error.
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
 * pci_sim_add_function - add another Function to an Endpoint, or to a
 *			  conventional device
 * @ep: its Function 0, not powered yet; NULL is passed through
 * @config: what the new Function is like
 *
 * Context: May sleep.
 * Return: the Function, or NULL, and pci_sim_start() returns the error.
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

/* The Root Complex gets power, and what is plugged in comes up */
static void sim_power_on(struct pci_sim *sim)
{
	struct pci_sim_func *f;
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	list_for_each_entry(f, &sim->root_bus, sibling) {
		sim_slot_status(f, 0);
		sim_func_release(f);
	}
	raw_spin_unlock_irqrestore(&sim->lock, flags);
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
	/* From here on the host bridge holds the fabric */
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

	/* The PCI core only says in the log that it has no memory for one */
	return list_count_nodes(&sim->bridge->windows) == 2 ? 0 : -ENOMEM;
}

/**
 * pci_sim_start - power a fabric and let the kernel enumerate it
 * @sim: fabric, or NULL
 *
 * Context: May sleep.
 * Return: 0, or an error with nothing started: -ENOMEM, -EINVAL for a fabric
 * that was built wrongly, -ENOSPC if it has more ports than there are Physical
 * Slot Numbers, or what the PCI core says.
 */
int pci_sim_start(struct pci_sim *sim)
{
	int ret;

	if (!sim)
		return -ENOMEM;
	if (sim->error)
		return sim->error;
	if (sim->bridge)
		return -EINVAL;

	ret = sim_alloc_bridge(sim);
	if (ret)
		return ret;

	ret = sim_irq_init(sim);
	if (ret)
		return ret;

	ret = sim_add_windows(sim);
	if (ret)
		return ret;

	dev_set_msi_domain(&sim->bridge->dev, sim->msi_domain);
	sim_power_on(sim);
	ret = pci_host_probe(sim->bridge);
	sim->started = !ret;
	return ret;
}
EXPORT_SYMBOL_GPL(pci_sim_start);

/**
 * pci_sim_destroy - remove a fabric
 * @sim: fabric, started or not, or NULL
 *
 * The kernel removes all its devices first, with the fabric still working.
 * The caller has to have dropped its references to them.
 *
 * Context: May sleep.
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
 * sim_settle - let nothing begin any more before a fabric is removed
 * @sim: fabric that is started
 *
 * A port that is removed while its pciehp adds or removes a device waits for
 * pciehp, which waits for pci_rescan_remove_lock.  So no card is pulled or
 * plugged in any more, Links that are down stay down, and what pciehp is just
 * doing comes to its end.
 *
 * Context: May sleep; must not hold pci_rescan_remove_lock.
 */
void sim_settle(struct pci_sim *sim)
{
	struct pci_sim_func *f;
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	sim_actions_cancel(sim);
	list_for_each_entry(f, &sim->functions, node) {
		if (sim_is_port(f)) {
			sim_event_cancel(sim, &f->port.train);
			sim_event_cancel(sim, &f->port.restored);
		}
	}
	raw_spin_unlock_irqrestore(&sim->lock, flags);

	sim_irq_synchronize(sim);
}

/* The highest bus number that the VFs of a PF need, beyond its own */
static unsigned int sim_vf_buses(struct pci_sim_func *pf)
{
	struct pci_sim_func *vf;
	unsigned int n = 0;

	list_for_each_entry(vf, &pf->vfs, sibling)
		n = max(n, PCI_BUS_NUM(pf->devfn + vf->vf_offset));

	return n;
}

/**
 * sim_bus_numbers - how many bus numbers the kernel needs for a fabric
 * @sim: fabric that is not started yet
 *
 * Return: one for each bridge that is plugged in, and those for VFs.
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

static int __init sim_init(void)
{
	int ret;

	ret = pci_register_driver(&sim_driver);
	if (ret)
		return ret;

	ret = sim_configfs_init();
	if (ret)
		pci_unregister_driver(&sim_driver);
	return ret;
}
module_init(sim_init);

static void __exit sim_exit(void)
{
	sim_configfs_exit();
	pci_unregister_driver(&sim_driver);
}
module_exit(sim_exit);

MODULE_DESCRIPTION("Simulated PCIe fabric");
MODULE_LICENSE("GPL");
