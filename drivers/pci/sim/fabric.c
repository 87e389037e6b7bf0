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
 * Each file calls those below it in this list, and no file above, but for
 * link.c to irq.c, which call each other as what they simulate does:
 *
 *	module.c    the module
 *	configfs.c  all of this from userspace
 *	driver.c    driver of the Endpoints, which counts what it is told
 *	fabric.c    life of a fabric and its parts
 *	request.c   Config Requests of the kernel
 *	func.c	    a Function as a test sees it
 *	regs.c	    config space of each kind of Function, as tables
 *	link.c	    Links, resets, power states
 *	iov.c	    VFs
 *	slot.c	    hot-plug slots: presence, power, button, commands
 *	error.c	    AER, DPC and PME
 *	irq.c	    INTx and MSI
 *	config.c    what a dword of config space does when it is accessed or reset
 *	route.c	    routing by the bus numbers that the bridges have
 *	event.c	    what happens in time, and the hooks of a test
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

/* PCIe r6.0, sec 9.3.3.3.1: software waits that long after VF Enable */
#define SIM_VF_MS	100
#define SIM_VF_OFFSET	8
#define SIM_VF_STRIDE	8

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

/* Free a Function that is no part of a fabric, or no longer, and its VFs */
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
	sim_events_init(sim, sim_irq_deliver);
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

/* A Function without config space; without memory pci_sim_start() says so */
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

/* Whether a VF of @pf has this Routing ID, relative to that of the device */
static bool sim_iov_has(struct pci_sim_func *pf, u32 id)
{
	u32 layout = pf->cfg[(SIM_SRIOV + PCI_SRIOV_VF_OFFSET) / 4].por;
	u16 total = pf->cfg[(SIM_SRIOV + PCI_SRIOV_INITIAL_VF) / 4].por;
	u32 first = pf->devfn + (layout & 0xffff), stride = layout >> 16;

	return total && id >= first && !((id - first) % stride) &&
	       (id - first) / stride < total;
}

/*
 * Whether a Function, or one of its VFs, has the Routing ID of another one of
 * its device, of which it is no part yet
 */
static bool sim_iov_collides(struct pci_sim_func *f)
{
	struct pci_sim_func *other, *vf;

	list_for_each_entry(other, &f->card->functions, function) {
		if (sim_iov_has(f, other->devfn) || sim_iov_has(other, f->devfn))
			return true;
		list_for_each_entry(vf, &f->vfs, sibling) {
			if (sim_iov_has(other, f->devfn + vf->vf_offset))
				return true;
		}
	}
	return false;
}

/* If there is an error, the caller frees @pf with the VFs that it got */
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
 * pci_sim_set_first_bus - let a fabric have part of the bus numbers only
 * @sim: fabric that is not started yet, or NULL
 * @busnr: number of the root bus, 0 unless told; the last number is 255
 */
void pci_sim_set_first_bus(struct pci_sim *sim, u8 busnr)
{
	if (sim)
		sim->busn.start = busnr;
}
EXPORT_SYMBOL_GPL(pci_sim_set_first_bus);

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
