// SPDX-License-Identifier: GPL-2.0
/*
 * PCI reset: who is affected, in which order they are locked, and the way
 * through a reset
 *
 *   select, snapshot, lock, verify, quiesce, reset, restore, unlock
 *
 * The affected devices are collected once, with a reference for each.  Every
 * later step walks this snapshot and never a live list, which hotplug may
 * change at any time.
 *
 * Locking, in this order:
 *
 *   pci_rescan_remove_lock	not taken here: a device that is being added may
 *				be reset from its driver's probe with this lock
 *				held, and a removal holds it while it waits for
 *				a device lock
 *   runtime PM references	first, so that a suspend or resume in flight is
 *				over before any lock is held
 *   device lock and config	of the bridge above the link, then of the
 *   access (pci_dev_lock())	affected devices in the order of the snapshot:
 *				top down, the same order for every reset, a PF
 *				before its VFs, which a function reset of the PF
 *				takes as well.  It does not lock the bridge.  An
 *				enumeration takes the config access of one
 *				device at a time, for a moment: of the bridge
 *				above what it looks for, and of a device to
 *				which it assigns something.  It may be waited
 *				for with any device lock held, so a reset that
 *				waits for a device lock lends it the config
 *				access that it has (pci_cfg_access_lend()).  A
 *				reset that only tries waits for config access,
 *				but for all of its devices together no longer
 *				than PCI_CFG_ACCESS_TRY_MS
 *   reset_sem of a slot	for reading, around ->reset_slot(), to keep the
 *				hotplug driver from going away
 *   pciehp's reset_lock	taken inside of ->reset_slot(); pciehp drops it
 *				before it waits for a device lock or for
 *				pci_rescan_remove_lock
 *   pci_slot_mutex		held to take and drop the reference to a slot
 *				and to call ->check_slot(), never across a reset
 *   pci_bus_sem		for reading, to compare the snapshot with the
 *				topology, and from the last such look until
 *				the Secondary Bus Reset bit is set and cleared.
 *				No memory is allocated inside of it
 *
 * Lockdep does not check the order of device locks.  It sees the config access
 * of a scope as one lock, pci_cfg_access, from before the first device lock on.
 *
 * A caller that holds the lock of its device already (PCI_RESET_LOCKED) comes
 * from below: it must not wait for the bridge or for a device before its own,
 * so it only tries.  So does a reset that goes on to another method, for what
 * that method needs in addition.
 *
 * Error recovery (PCI_RESET_RECOVERY) is mostly run by a service of the bridge,
 * in an interrupt thread.  A removal of the bridge holds its device lock and
 * waits for that thread, which therefore leaves the lock alone.  Blocked config
 * access of the bridge is enough to keep other resets of the same link away,
 * and the reference of the scope to the bus keeps the bridge.  The recovery has
 * it for as long as the reset takes, from pci_recovery_lock() on.  In its other
 * steps it takes device locks one at a time, to call a driver, to stop and start
 * the IOMMU, to restore a device and to look whether it is configured, and holds
 * no other lock.
 *
 * Hotplug ports, the one above the link and those below it, are told to ignore
 * link changes (pci_hp_ignore_link_change()) until everything is restored.
 * This is not a lock, but pciehp's interrupt thread waits for its end, unless
 * the port is being removed or shut down, and holds no lock while it does.
 */

#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "pci.h"

/* Nobody else recovers from an error, so do not fail for lack of some bytes */
#define PCI_RECOVERY_GFP	(GFP_KERNEL | __GFP_NOFAIL)

/* After this, a device is what it says it is (PCIe r6.0, sec 6.6.1) */
#define PCI_RESET_IDENTIFY_MS	1000

/* A card that fails again within this is not replaced, or that would not end */
#define PCI_RECOVERY_AGAIN_MS	(60 * MSEC_PER_SEC)

static gfp_t pci_reset_gfp(pci_reset_flags_t modifiers)
{
	return modifiers & PCI_RESET_RECOVERY ? PCI_RECOVERY_GFP : GFP_KERNEL;
}

/*
 * Call @fn for every device that a reset of @bus reaches, or of @slot on
 * @bus only, bridges before what is below them, or for the VFs of @pf only.
 * Ends with the first non-zero value that @fn returns.
 */
static int pci_reset_walk(struct pci_bus *bus, struct pci_slot *slot,
			  struct pci_dev *pf,
			  int (*fn)(struct pci_dev *, void *), void *data)
{
	struct pci_bus *child;
	struct pci_dev *dev;
	int rc;

	lockdep_assert_held(&pci_bus_sem);

	list_for_each_entry(dev, &bus->devices, bus_list) {
		/*
		 * A VF goes with its PF, whichever slot its number maps to,
		 * unless each has a slot of its own (s390)
		 */
		if (slot &&
		    (slot->per_func_slot ? dev : pci_physfn(dev))->slot != slot)
			continue;
		if (pf && (!dev->is_virtfn || pci_physfn(dev) != pf))
			continue;

		rc = fn(dev, data);
		if (!rc && dev->subordinate)
			rc = pci_reset_walk(dev->subordinate, NULL, NULL, fn,
					    data);
		if (rc)
			return rc;
	}

	/* VFs may be on a bus of their own, which no bridge leads to */
	list_for_each_entry(child, &bus->children, node) {
		if (child->self)
			continue;

		rc = pci_reset_walk(child, slot, pf, fn, data);
		if (rc)
			return rc;
	}

	return 0;
}

static int pci_reset_count_dev(struct pci_dev *dev, void *data)
{
	unsigned int *n = data;

	(*n)++;

	return 0;
}

static int pci_reset_add_dev(struct pci_dev *dev, void *data)
{
	struct pci_reset_scope *scope = data;

	scope->nr_devs++;
	scope->devs[scope->nr_devs - 1] = pci_dev_get(dev);

	return 0;
}

/* The bridge above the link that is reset, %NULL for a function reset */
static struct pci_dev *pci_reset_bridge_above(const struct pci_reset_scope *scope)
{
	return scope->bus ? scope->bus->self : NULL;
}

/*
 * Everything below the link, or the Function and what loses its state with it:
 * what is below, if it is a bridge, or the VFs, if it is a PF (PCIe r6.0,
 * sec 9.2.2.3)
 */
static int pci_reset_walk_scope(const struct pci_reset_scope *scope,
				int (*fn)(struct pci_dev *, void *), void *data)
{
	int rc;

	if (scope->bus)
		return pci_reset_walk(scope->bus, scope->slot, NULL, fn, data);

	rc = fn(scope->dev, data);
	if (!rc && scope->dev->subordinate)
		rc = pci_reset_walk(scope->dev->subordinate, NULL, NULL, fn,
				    data);
	if (!rc && scope->dev->is_physfn)
		rc = pci_reset_walk(scope->dev->bus, NULL, scope->dev, fn,
				    data);

	return rc;
}

static struct pci_slot *pci_reset_get_slot(struct pci_dev *dev)
{
	guard(mutex)(&pci_slot_mutex);

	if (dev->slot)
		kobject_get(&dev->slot->kobj);

	return dev->slot;
}

static void pci_reset_put_slot(struct pci_slot *slot)
{
	guard(mutex)(&pci_slot_mutex);

	kobject_put(&slot->kobj);
}

/**
 * pci_reset_scope_put - drop what pci_reset_scope_get() returned
 * @scope: the scope, whose memory and references to devices are released,
 *	or %NULL or an ERR_PTR()
 *
 * Context: May sleep, takes pci_slot_mutex.
 */
void pci_reset_scope_put(struct pci_reset_scope *scope)
{
	if (IS_ERR_OR_NULL(scope))
		return;

	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pci_dev_put(scope->devs[i]);

	if (scope->slot)
		pci_reset_put_slot(scope->slot);
	if (scope->bus)
		put_device(&scope->bus->dev);

	pci_dev_put(scope->dev);
	kvfree(scope);
}
EXPORT_SYMBOL_GPL(pci_reset_scope_put);

/*
 * Who would be reset by @method?  @dev may be %NULL if it is the link of @bus,
 * @bus is %NULL if it is @dev alone, and @slot if all of @bus: a Secondary Bus
 * Reset does not stop at a slot.  Takes over the reference to @slot.
 */
static struct pci_reset_scope *
pci_reset_scope_alloc(pci_reset_flags_t method, struct pci_dev *dev,
		      struct pci_bus *bus, struct pci_slot *slot, gfp_t gfp)
{
	struct pci_reset_scope ask = { .dev = dev, .bus = bus, .slot = slot };
	struct pci_reset_scope *scope = NULL;
	unsigned int room = 0, n;

	/*
	 * No memory is allocated with pci_bus_sem held: to get some, a device
	 * may have to be resumed, for which pci_bus_sem is taken as well.  So
	 * there may be more devices than there is room for by then.
	 */
	for (;;) {
		down_read(&pci_bus_sem);

		n = 0;
		pci_reset_walk_scope(&ask, pci_reset_count_dev, &n);
		if (scope && n <= room)
			break;

		up_read(&pci_bus_sem);

		kvfree(scope);
		room = n;
		scope = kvzalloc_flex(*scope, devs, room, gfp);
		if (!scope) {
			if (slot)
				pci_reset_put_slot(slot);
			return ERR_PTR(-ENOMEM);
		}
	}

	scope->nr_devs = 0;
	scope->method = method;
	scope->dev = pci_dev_get(dev);
	scope->bus = bus;
	scope->slot = slot;
	scope->id = slot ?: bus ?: (void *)dev;
	if (bus)
		get_device(&bus->dev);
	pci_reset_walk_scope(scope, pci_reset_add_dev, scope);

	up_read(&pci_bus_sem);

	return scope;
}

/*
 * The secondary bus of @bridge, with a reference, or %NULL.  A removal takes it
 * away with pci_bus_sem held.
 */
static struct pci_bus *pci_reset_get_subordinate(struct pci_dev *bridge)
{
	guard(rwsem_read)(&pci_bus_sem);

	return pci_bus_get(bridge->subordinate);
}

DEFINE_FREE(pci_reset_bus_put, struct pci_bus *, pci_bus_put(_T))

/* Is there a hotplug driver that can reset the slot? */
static bool pci_reset_slot_capable(struct pci_slot *slot)
{
	return !pci_reset_hotplug_slot(slot, PCI_RESET_PROBE);
}

/* A Secondary Bus Reset that the port ignores resets nothing */
static bool pci_reset_is_masked(struct pci_dev *bridge)
{
	return bridge && pcie_is_cxl(bridge) && cxl_sbr_masked(bridge);
}

/*
 * A scope for @method, which is one that resets a link.  The device @dev was
 * asked about, or is %NULL if it was the whole of @bus or @slot.
 */
static struct pci_reset_scope *
pci_reset_scope_link(pci_reset_flags_t method, struct pci_dev *dev,
		     struct pci_bus *bus, struct pci_slot *slot, gfp_t gfp)
{
	struct pci_dev *bridge = bus->self;
	struct pci_reset_scope *scope;
	bool capable = true;

	scope = pci_reset_scope_alloc(method, dev, bus, slot, gfp);
	if (IS_ERR(scope))
		return scope;

	if (bridge && bridge->dev_flags & PCI_DEV_FLAGS_NO_BUS_RESET)
		capable = false;

	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i]->dev_flags & PCI_DEV_FLAGS_NO_BUS_RESET)
			capable = false;

	if (!capable) {
		pci_reset_scope_put(scope);
		return ERR_PTR(-ENOTTY);
	}

	return scope;
}

/* Does @method, which resets a link, work for @dev where it is? */
static struct pci_reset_scope *
pci_reset_scope_dev_link(pci_reset_flags_t method, struct pci_dev *dev)
{
	struct pci_dev *bridge = dev->bus->self;
	struct pci_slot *slot = NULL;
	bool capable;

	if (method == PCI_RESET_SLOT) {
		slot = pci_reset_get_slot(dev);
		capable = slot && pci_reset_slot_capable(slot);
	} else if (method == PCI_RESET_BUS) {
		capable = bridge;
	} else {
		capable = bridge && cxl_port_dvsec(bridge);
	}

	if (method != PCI_RESET_CXL_BUS && pci_reset_is_masked(bridge))
		capable = false;

	if (capable)
		return pci_reset_scope_link(method, dev, dev->bus, slot,
					    GFP_KERNEL);

	if (slot)
		pci_reset_put_slot(slot);

	return ERR_PTR(-ENOTTY);
}

/* Does one method from pci_reset_fn_methods[] in %PCI_RESET_FUNC work? */
static struct pci_reset_scope *
pci_reset_scope_func(struct pci_dev *dev, pci_reset_flags_t flags, u8 m,
		     const struct pci_reset_scope *held, unsigned long deadline)
{
	bool locked = true, works;

	/*
	 * During another reset the device would not report what it supports:
	 * block config access, which waits for the end of that reset.
	 */
	if (!held) {
		pm_runtime_get_sync(&dev->dev);
		if (flags & (PCI_RESET_LOCKED | PCI_RESET_TRYLOCK))
			locked = pci_cfg_access_lock_until(dev, deadline);
		else
			pci_cfg_access_lock(dev);
	}

	works = locked && pci_reset_fn_works(dev, m);

	if (!held) {
		if (locked)
			pci_cfg_access_unlock(dev);
		pm_runtime_put(&dev->dev);
	}

	if (!locked)
		return ERR_PTR(-EAGAIN);
	if (!works)
		return ERR_PTR(-ENOTTY);

	return pci_reset_scope_alloc(pci_reset_fn_methods[m].flags, dev, NULL,
				     NULL, GFP_KERNEL);
}

/* Does one of @methods, which reset a link, work? */
static struct pci_reset_scope *
pci_reset_scope_any_link(struct pci_dev *dev, pci_reset_flags_t flags,
			 pci_reset_flags_t methods)
{
	static const pci_reset_flags_t links[] = {
		PCI_RESET_SLOT, PCI_RESET_BUS, PCI_RESET_CXL_BUS,
	};
	struct pci_reset_scope *scope = ERR_PTR(-ENOTTY);

	for (unsigned int i = 0; i < ARRAY_SIZE(links); i++) {
		if (!(methods & links[i]))
			continue;

		scope = pci_reset_scope_dev_link(links[i], dev);
		if (scope != ERR_PTR(-ENOTTY))
			break;
	}

	/* "bus" in reset_method is a reset of @dev alone, or none at all */
	if (!IS_ERR(scope) && flags & PCI_RESET_FUNCTION && scope->nr_devs > 1) {
		pci_reset_scope_put(scope);
		return ERR_PTR(-ENOTTY);
	}

	return scope;
}

/*
 * The first method in @order that works, and what may be tried after it.  @held
 * is %NULL, or a scope that @dev is locked for.
 */
static struct pci_reset_scope *
pci_reset_select(struct pci_dev *dev, pci_reset_flags_t flags, const u8 *order,
		 const struct pci_reset_scope *held)
{
	struct pci_reset_scope *scope = ERR_PTR(-ENOTTY);
	unsigned long deadline = pci_cfg_access_deadline();

	for (; *order; order++) {
		pci_reset_flags_t methods =
			pci_reset_fn_methods[*order].flags & flags;

		if (methods & PCI_RESET_FUNC)
			scope = pci_reset_scope_func(dev, flags, *order, held,
						     deadline);
		else
			scope = pci_reset_scope_any_link(dev, flags, methods);
		if (scope != ERR_PTR(-ENOTTY))
			break;
	}
	if (IS_ERR(scope))
		return scope;

	/* "bus" is two methods, so the same entry may have another one */
	scope->allowed = flags;
	if (!(scope->method & PCI_RESET_FUNC))
		scope->allowed &= ~scope->method;

	for (unsigned int i = 0; order[i]; i++)
		scope->order[i] = order[i];
	scope->held = held;

	return scope;
}

/**
 * __pci_reset_scope_get - ask what a reset would do, without resetting
 * @dev: device to be reset
 * @flags: as for pci_reset_scope_get(), and %PCI_RESET_FUNCTION
 *
 * Context: As pci_reset_scope_get().
 *
 * Return: As pci_reset_scope_get(), which checks @flags and %PCI_RESET_ALONE.
 * If the method turns out not to be supported, the others that @flags allows
 * are tried.
 */
struct pci_reset_scope *__pci_reset_scope_get(struct pci_dev *dev,
					      pci_reset_flags_t flags)
{
	u8 order[PCI_RESET_ORDER_LEN];

	if (pci_dev_is_disconnected(dev) || !device_is_registered(&dev->dev))
		return ERR_PTR(-ENODEV);

	pci_reset_fn_order(dev, flags, order);

	return pci_reset_select(dev, flags, order, NULL);
}

/**
 * pci_reset_flags_valid - check what a caller asks for
 * @flags: methods and modifiers
 *
 * Return: whether @flags has a method, and no bit that is not known
 */
bool pci_reset_flags_valid(pci_reset_flags_t flags)
{
	return flags & PCI_RESET_ANY &&
	       !(flags & ~(PCI_RESET_ANY | PCI_RESET_MODIFIERS));
}

/**
 * pci_reset_scope_get - ask what a reset would do, without resetting
 * @dev: device to be reset
 * @flags: methods that are allowed, any of %PCI_RESET_ANY, and optionally
 *	modifiers, of which %PCI_RESET_TRYLOCK and %PCI_RESET_LOCKED say here
 *	not to wait for the end of another reset of @dev
 *
 * Select the method that pci_reset_bus_flags() would use and collect the
 * devices that it affects: @dev alone for a function reset, everything in the
 * slot and below for %PCI_RESET_SLOT, everything on the bus and below for
 * %PCI_RESET_BUS and %PCI_RESET_CXL_BUS.  SR-IOV Virtual Functions are affected
 * whenever their Physical Function is.
 *
 * The answer does not lock anything: once the caller has decided that it
 * agrees, pci_reset_scope_commit() performs this very reset, or fails if it
 * would be another one by then.
 *
 * Context: May sleep.  Takes pci_bus_sem and pci_slot_mutex.  If @flags allows
 * a function reset, takes the config access of @dev, which the caller does not
 * hold, and may resume @dev.
 *
 * Return:
 * * what the reset would do, to be released by pci_reset_scope_put()
 * * %-EINVAL: no method or an unknown bit in @flags
 * * %-ENODEV: @dev has been removed or disconnected
 * * %-ENOTTY: none of the methods works for @dev where it is
 * * %-EAGAIN: @dev is being reset and @flags forbids to wait
 * * %-EBUSY: another device would be reset and @flags forbids that
 * * %-ENOMEM: out of memory
 */
struct pci_reset_scope *pci_reset_scope_get(struct pci_dev *dev,
					    pci_reset_flags_t flags)
{
	struct pci_reset_scope *scope;

	if (!pci_reset_flags_valid(flags))
		return ERR_PTR(-EINVAL);

	scope = __pci_reset_scope_get(dev, flags);
	if (IS_ERR(scope))
		return scope;

	if (flags & PCI_RESET_ALONE && scope->nr_devs > 1) {
		pci_reset_scope_put(scope);
		return ERR_PTR(-EBUSY);
	}

	/* Nobody has agreed to another method */
	scope->allowed = 0;

	return scope;
}
EXPORT_SYMBOL_GPL(pci_reset_scope_get);

struct pci_reset_check {
	const struct pci_reset_scope *scope;
	unsigned int i;
};

static int pci_reset_check_dev(struct pci_dev *dev, void *data)
{
	struct pci_reset_check *check = data;

	if (check->i == check->scope->nr_devs ||
	    check->scope->devs[check->i] != dev)
		return -ESTALE;

	check->i++;

	return 0;
}

/*
 * Is the snapshot still what the reset would reach?  With the device locks
 * held, what is in it can not go away: a removal starts with unbinding the
 * driver, for which it needs the lock.  More can be added at any time.
 */
static int pci_reset_verify(const struct pci_reset_scope *scope)
{
	struct pci_reset_check check = { .scope = scope };
	int rc;

	lockdep_assert_held(&pci_bus_sem);

	rc = pci_reset_walk_scope(scope, pci_reset_check_dev, &check);
	if (!rc && check.i != scope->nr_devs)
		rc = -ESTALE;

	return rc;
}

/* Does the Bridge Control register do, or has the platform its own means? */
static bool pci_reset_by_platform(struct pci_dev *bridge)
{
#ifdef HAVE_PCIBIOS_RESET_SECONDARY_BUS
	return true;
#else
	return pci_is_root_bus(bridge->bus) &&
	       pci_find_host_bridge(bridge->bus)->reset_root_port;
#endif
}

/**
 * pci_reset_assert - perform a Secondary Bus Reset
 * @bridge: bridge above the link
 *
 * The last look at the topology and the reset itself are one step: no device
 * can be added to the bus in between.  Only the means of a platform or of a
 * host controller, which may sleep for long or want pci_bus_sem for themselves,
 * follow the look without holding it.
 *
 * Context: May sleep, takes pci_bus_sem.  The caller holds the config access of
 * @bridge if a scope is being reset.
 *
 * Return: 0, or -EBUSY if the devices below @bridge are no longer those which
 * the caller of the reset agreed to; then nothing was reset.  Otherwise an error
 * of pcibios_reset_secondary_bus().
 */
int pci_reset_assert(struct pci_dev *bridge)
{
	bool by_platform = pci_reset_by_platform(bridge);
	int rc;

	if (!bridge->reset_scope)
		return pcibios_reset_secondary_bus(bridge);

	down_read(&pci_bus_sem);
	rc = pci_reset_verify(bridge->reset_scope) ? -EBUSY : 0;
	if (!rc && !by_platform)
		rc = pcibios_reset_secondary_bus(bridge);
	up_read(&pci_bus_sem);

	if (!rc && by_platform)
		rc = pcibios_reset_secondary_bus(bridge);

	return rc;
}

static void pci_reset_pm_get(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	/*
	 * A device which fails to resume may well be the one that needs the
	 * reset, so go on.
	 */
	if (bridge)
		pm_runtime_get_sync(&bridge->dev);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pm_runtime_get_sync(&scope->devs[i]->dev);
}

static void pci_reset_pm_put(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	for (unsigned int i = scope->nr_devs; i-- > 0; )
		pm_runtime_put(&scope->devs[i]->dev);
	if (bridge)
		pm_runtime_put(&bridge->dev);
}

static bool pci_reset_only_tries(pci_reset_flags_t modifiers)
{
	return modifiers & (PCI_RESET_LOCKED | PCI_RESET_TRYLOCK);
}

/* Locked and prepared for a method that turned out not to be supported? */
static bool pci_reset_is_held(const struct pci_reset_scope *scope,
			      struct pci_dev *dev)
{
	const struct pci_reset_scope *held;

	for (held = scope->held; held; held = held->held) {
		if (dev == pci_reset_bridge_above(held))
			return true;

		for (unsigned int i = 0; i < held->nr_devs; i++)
			if (dev == held->devs[i])
				return true;
	}

	return false;
}

/*
 * Lock a device, or only its config access if its device lock is held by the
 * caller already, or is none of the caller's business.  For lockdep, which
 * cannot remember more than 48 locks, all of the scope are one.
 *
 * If @modifiers only allow to try, do not wait for the device lock, and for
 * config access until @deadline (in jiffies) at most.
 */
static bool pci_reset_lock_dev(struct pci_dev *dev, bool config_only,
			       pci_reset_flags_t modifiers,
			       unsigned long deadline)
{
	bool try = pci_reset_only_tries(modifiers);

	if (!config_only) {
		if (!try)
			mutex_lock_nest_lock(&dev->dev.mutex, &pci_cfg_access);
		else if (!mutex_trylock_nest_lock(&dev->dev.mutex,
						  &pci_cfg_access))
			return false;
	}

	if (!try) {
		__pci_cfg_access_lock(dev);
		pci_cfg_access_lend(dev);
	} else if (!pci_cfg_access_lock_until(dev, deadline)) {
		if (!config_only)
			device_unlock(&dev->dev);
		return false;
	}

	return true;
}

static void pci_reset_unlock_dev(struct pci_dev *dev, bool config_only)
{
	if (config_only)
		pci_cfg_access_unlock(dev);
	else
		pci_dev_unlock(dev);
}

static bool pci_reset_owns_lock(const struct pci_reset_scope *scope,
				struct pci_dev *dev, pci_reset_flags_t modifiers)
{
	return modifiers & PCI_RESET_LOCKED && dev == scope->dev;
}

/* Does the recovery that asks for the reset have the bridge already? */
static bool pci_reset_owns_bridge(struct pci_dev *bridge,
				  pci_reset_flags_t modifiers)
{
	return modifiers & PCI_RESET_RECOVERY &&
	       test_bit(PCI_DEV_RECOVERING, &bridge->priv_flags);
}

/* Release the bridge and the first @n devices, from the bottom up */
static void pci_reset_unlock(const struct pci_reset_scope *scope,
			     unsigned int n, pci_reset_flags_t modifiers)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	while (n-- > 0) {
		struct pci_dev *dev = scope->devs[n];

		if (!pci_reset_is_held(scope, dev))
			pci_reset_unlock_dev(dev,
					     pci_reset_owns_lock(scope, dev,
								 modifiers));
	}
	if (bridge && !pci_reset_owns_bridge(bridge, modifiers) &&
	    !pci_reset_is_held(scope, bridge))
		pci_reset_unlock_dev(bridge, modifiers & PCI_RESET_RECOVERY);

	lock_map_release(&pci_cfg_access.dep_map);
}

/*
 * The VFs of a PF that is reset alone have users of their own, and each VF may
 * be in the middle of an FLR, with its device lock held.  That takes less than
 * a second if the VF is ready in time, so it is no reason to fail at once.
 */
static bool pci_reset_trylock_vf(struct pci_dev *vf, unsigned long deadline)
{
	while (!pci_reset_lock_dev(vf, false, PCI_RESET_TRYLOCK, deadline)) {
		if (time_after_eq(jiffies, deadline))
			return false;
		fsleep(10 * USEC_PER_MSEC);
	}

	return true;
}

static int pci_reset_lock(const struct pci_reset_scope *scope,
			  pci_reset_flags_t modifiers)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);
	/* One for all devices: others may wait for what the caller holds */
	unsigned long deadline = pci_cfg_access_deadline();

	if (pci_reset_only_tries(modifiers))
		lock_map_acquire_try(&pci_cfg_access.dep_map);
	else
		lock_map_acquire(&pci_cfg_access.dep_map);

	if (bridge && pci_reset_owns_bridge(bridge, modifiers)) {
		pci_cfg_access_lend(bridge);
	} else if (bridge && !pci_reset_is_held(scope, bridge) &&
		   !pci_reset_lock_dev(bridge, modifiers & PCI_RESET_RECOVERY,
				       modifiers, deadline)) {
		lock_map_release(&pci_cfg_access.dep_map);
		return -EAGAIN;
	}

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		struct pci_dev *dev = scope->devs[i];

		if (pci_reset_is_held(scope, dev))
			continue;

		if (pci_reset_lock_dev(dev, pci_reset_owns_lock(scope, dev,
								modifiers),
				       modifiers, deadline))
			continue;

		if (!dev->is_virtfn || dev == scope->dev || scope->bus ||
		    !pci_reset_trylock_vf(dev, deadline)) {
			pci_reset_unlock(scope, i, modifiers);
			return -EAGAIN;
		}
	}

	/* Whoever only tries has not waited for a device lock, nor lent it */
	if (pci_reset_only_tries(modifiers))
		return 0;

	if (bridge)
		pci_cfg_access_reclaim(bridge);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pci_cfg_access_reclaim(scope->devs[i]);

	return 0;
}

/**
 * struct pci_reset_state - what a reset has to know about one device
 * @above: index of the device in the scope that this one is below of, or of
 *	which it is a VF; its own if there is none
 * @level: how many links are between it and the one that is reset
 * @dsn: another serial number that it may have, besides the one in @dev->dsn:
 *	the one that was known before the reset read that, or what the error
 *	recovery has read when it began
 * @stopped: its IOMMU has been stopped
 * @absent: it did not answer before the reset
 * @lost: it, or its secondary bus, did not come back
 * @gone: it did not come back itself, or another device did, or its driver has
 *	given it up
 * @replaced: another device did, or one that it is below of, or a VF of
 * @bare: reset for error recovery, and not configured by its driver since
 * @slot: index of the device that stands for the slot that this one is in or
 *	below of, which is Function 0 (pciehp looks at no other), or -1
 * @in_use: it stands for a slot, and a driver in it is not to be unbound without
 *	the consent of its user
 * @replace: it stands for a slot, in which all is to be removed and enumerated
 *	again
 * @late: found after the error recovery has begun and before its reset was over
 * @spared: VF of a Function that recovers alone and has not been reset so far,
 *	so that there is nothing for the VF to recover from
 * @wait: if it is a bridge, the wait for its secondary bus, and whether its link
 *	was up before the reset
 */
struct pci_reset_state {
	unsigned int above;
	unsigned int level;
	u64 dsn;
	bool stopped;
	bool absent;
	bool lost;
	bool gone;
	bool replaced;
	bool bare;
	int slot;
	bool in_use;
	bool replace;
	bool late;
	bool spared;
	struct pci_secondary_wait wait;
};

/* Who is below whom?  In the snapshot, what is above comes first. */
static struct pci_reset_state *
pci_reset_state_alloc(const struct pci_reset_scope *scope, gfp_t gfp)
{
	struct pci_reset_state *state;

	state = kvcalloc(scope->nr_devs, sizeof(*state), gfp);
	if (!state)
		return NULL;

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		struct pci_dev *dev = scope->devs[i];
		struct pci_dev *above = dev->is_virtfn ? pci_physfn(dev) :
						dev->bus->self;

		state[i].above = i;
		for (unsigned int j = 0; j < i; j++) {
			if (scope->devs[j] != above)
				continue;
			state[i].above = j;
			state[i].level = state[j].level + !dev->is_virtfn;
		}
	}

	return state;
}

/*
 * Whether a device is in its IOMMU group, for as long as its device lock is
 * held.  device_add() and device_del() take the lock as well, the former after
 * the device has joined the group, the latter before the device leaves it.
 */
static bool pci_reset_in_iommu_group(struct pci_dev *dev)
{
	return dev_ready_to_probe(&dev->dev) && !pci_dev_is_removed(dev);
}

/*
 * Takes the mutex of the IOMMU group, inside of the device lock.
 *
 * PCIe r6.0, sec 10.3.1: ATS is to be stopped before a reset.  The function
 * methods do that themselves.  A device that does not answer, as when DPC has
 * taken the link down, does not use ATS, and would not answer the invalidation
 * that stops it either.  Others may have to wait behind that.
 */
static int pci_reset_iommu_stop_dev(struct pci_dev *dev,
				    struct pci_reset_state *state)
{
	int rc;

	if (!pci_reset_in_iommu_group(dev) || !pci_device_is_present(dev))
		return 0;

	rc = pci_dev_reset_iommu_prepare(dev);
	state->stopped = !rc;
	if (rc)
		pci_err(dev, "failed to stop IOMMU for a PCI reset: %d\n", rc);

	return rc;
}

static void pci_reset_iommu_start_dev(struct pci_dev *dev,
				      struct pci_reset_state *state)
{
	if (state->stopped)
		pci_dev_reset_iommu_done(dev);
	state->stopped = false;
}

static int pci_reset_iommu_stop(const struct pci_reset_scope *scope,
				struct pci_reset_state *state)
{
	int rc = 0;

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		int ret;

		/* The methods stop the one that they reset */
		if (scope->method & PCI_RESET_FUNC && scope->devs[i] == scope->dev)
			continue;

		ret = pci_reset_iommu_stop_dev(scope->devs[i], &state[i]);
		rc = rc ?: ret;
	}

	return rc;
}

/*
 * The hotplug port above the link that is reset, and those below, which lose
 * their own links as well.  They are told once more by who resets the link.
 */
static void pci_reset_hotplug_ignore(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	if (bridge)
		pci_hp_ignore_link_change(bridge);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_ignore_link_change(scope->devs[i]);
}

static void pci_reset_hotplug_unignore(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	for (unsigned int i = scope->nr_devs; i-- > 0; )
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_unignore_link_change(scope->devs[i]);
	if (bridge)
		pci_hp_unignore_link_change(bridge);
}

/*
 * Does a device still have its bus numbers, or the addresses in its BARs?  One
 * that does not answer does not say that it has not.
 */
static bool pci_reset_dev_configured(struct pci_dev *dev)
{
	u32 config[16];

	for (unsigned int i = 0; i < ARRAY_SIZE(config); i++)
		pci_read_config_dword(dev, 4 * i, &config[i]);

	return PCI_POSSIBLE_ERROR(config[PCI_CACHE_LINE_SIZE / 4]) ||
	       pci_config_assigned(dev, config);
}

/* Where pciehp is not bound, it does not replace what is not configured */
static bool pci_reset_in_slot(struct pci_dev *dev)
{
	struct pci_dev *port = dev->bus->self;

	return !dev->is_virtfn && port && port->is_hotplug_bridge &&
	       pciehp_is_bound(port);
}

/*
 * A device that is pulled and put back once it was restored says that it is
 * still the same.  While link changes are ignored nobody else notices.
 */
static void pci_reset_hotplug_check(struct pci_dev *dev)
{
	if (pci_reset_in_slot(dev))
		assign_bit(PCI_DEV_UNCONFIGURED, &dev->priv_flags,
			   !pci_reset_dev_configured(dev));
}

static int pci_reset_cxl_link(struct pci_dev *bridge)
{
	u16 ctl = cxl_port_dvsec(bridge) + PCI_DVSEC_CXL_PORT_CTL;
	u16 reg;
	int rc;

	if (pci_read_config_word(bridge, ctl, &reg) || PCI_POSSIBLE_ERROR(reg))
		return -ENOTTY;

	/* CXL r3.1, sec 8.1.5.2: reset by SBR is masked until this is set */
	pci_write_config_word(bridge, ctl,
			      reg | PCI_DVSEC_CXL_PORT_CTL_UNMASK_SBR);
	rc = pci_bridge_secondary_bus_reset(bridge);
	pci_write_config_word(bridge, ctl, reg);

	return rc;
}

static int pci_reset_run(const struct pci_reset_scope *scope,
			 pci_reset_flags_t modifiers)
{
	const struct pci_reset_fn_method *fn =
		&pci_reset_fn_methods[scope->order[0]];
	struct pci_dev *bridge = pci_reset_bridge_above(scope);
	int rc;

	if (scope->method & PCI_RESET_FUNC ||
	    scope->allowed & PCI_RESET_FUNCTION)
		pci_dbg(scope->dev, "reset via %s\n", fn->name);

	if (scope->method & PCI_RESET_FUNC)
		return fn->reset_fn(scope->dev, PCI_RESET_DO_RESET);

	/* Let pci_reset_assert() have the last look */
	if (bridge && !(modifiers & PCI_RESET_RECOVERY))
		bridge->reset_scope = scope;

	if (scope->method == PCI_RESET_SLOT)
		rc = pci_reset_hotplug_slot(scope->slot, PCI_RESET_DO_RESET);
	else if (scope->method == PCI_RESET_BUS)
		rc = pci_bridge_secondary_bus_reset(bridge);
	else
		rc = pci_reset_cxl_link(bridge);

	if (bridge && !(modifiers & PCI_RESET_RECOVERY))
		bridge->reset_scope = NULL;

	return rc;
}

/*
 * Not the Vendor or Device ID that was saved, or another serial number?  Whoever
 * activates firmware by a reset may find another revision, class or subsystem
 * after it, and a serial number that was not there or is not any more.  What a
 * driver has written there may be gone, and what it was before be back.  A
 * Function that is reset while its link stays up is in the same card, whatever
 * serial number its firmware has now, but the links below a bridge go down.  VFs
 * have no identity.
 */
static bool pci_reset_dev_differs(const struct pci_reset_scope *scope,
				  const struct pci_reset_state *state,
				  struct pci_dev *dev, u32 *id, u64 *dsn)
{
	u32 saved = dev->saved_config_space[PCI_VENDOR_ID / 4];

	*dsn = 0;
	if (dev->is_virtfn || !saved || PCI_POSSIBLE_ERROR(saved))
		return false;

	/* What does not respond, or is not ready, does not tell */
	if (pci_read_config_dword(dev, PCI_VENDOR_ID, id) ||
	    PCI_POSSIBLE_ERROR(*id) || pci_bus_rrs_vendor_id(*id))
		return false;

	if (*id == saved && dev->dsn &&
	    !(scope->method & PCI_RESET_FUNC && dev == scope->dev))
		*dsn = pci_get_dsn(dev);
	if (*dsn == U64_MAX)
		return false;

	return *id != saved ||
	       (*dsn && *dsn != dev->dsn && *dsn != state->dsn);
}

/*
 * Is this another device than the one before the reset?  One that has not
 * loaded its firmware yet may look like another, so give it a second.
 */
static bool pci_reset_dev_replaced(const struct pci_reset_scope *scope,
				   const struct pci_reset_state *state,
				   struct pci_dev *dev)
{
	u32 id, saved = dev->saved_config_space[PCI_VENDOR_ID / 4];
	bool differs;
	u64 dsn;

	read_poll_timeout(pci_reset_dev_differs, differs, !differs,
			  20 * USEC_PER_MSEC,
			  PCI_RESET_IDENTIFY_MS * USEC_PER_MSEC, false,
			  scope, state, dev, &id, &dsn);
	if (differs)
		pci_err(dev, "another device after reset: [%04x:%04x] serial number %016llx, was [%04x:%04x] %016llx; not restored\n",
			id & 0xffff, id >> 16, dsn, saved & 0xffff, saved >> 16,
			dev->dsn);
	else if (dsn)
		dev->dsn = dsn;

	return differs;
}

/*
 * Still the method may turn out not to be supported, for instance by a device
 * that has died since, or by a host controller.  Go on to the next one that is
 * allowed, without telling the drivers twice: what @scope has locked and
 * prepared stays so, and whoever else is affected by that method is locked,
 * prepared and restored for it.  These locks are only tried, since some of them
 * rank before those that are held.
 */
static int pci_reset_next(const struct pci_reset_scope *scope,
			  pci_reset_flags_t modifiers)
{
	struct pci_reset_scope *next __free(pci_reset_scope_put) = NULL;
	const u8 *order = scope->order;
	int rc;

	if (scope->method & PCI_RESET_FUNC)
		order++;

	next = pci_reset_select(scope->dev, scope->allowed, order, scope);
	if (IS_ERR(next))
		return PTR_ERR(next);

	rc = __pci_reset_scope_commit(next, modifiers | PCI_RESET_TRYLOCK);

	/* Looking again from the start would tell the drivers twice */
	return rc == -ESTALE ? -EAGAIN : rc;
}

/* Does a device not answer at all, not even to ask for more time? */
static bool pci_reset_dev_absent(struct pci_dev *dev)
{
	u32 id;

	/* The Vendor ID of a VF always reads as all ones */
	pci_read_config_dword(dev, dev->is_virtfn ? PCI_COMMAND : PCI_VENDOR_ID,
			      &id);

	return PCI_POSSIBLE_ERROR(id);
}

typedef void (*pci_reset_restore_t)(struct pci_dev *dev,
				    struct pci_reset_state *state, void *data);

/*
 * A device that nobody has asked for, and that had been lost before the reset,
 * may stay so: the others are reset nevertheless.
 */
static bool pci_reset_may_be_lost(const struct pci_reset_scope *scope,
				  struct pci_reset_state *state, unsigned int i)
{
	return state[i].absent && scope->devs[i] != scope->dev;
}

/* The same for all that is directly below a bridge */
static bool pci_reset_may_lose_link(const struct pci_reset_scope *scope,
				    struct pci_reset_state *state,
				    unsigned int bridge)
{
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (i != bridge && state[i].above == bridge &&
		    !pci_reset_may_be_lost(scope, state, i))
			return false;

	return true;
}

/* Were others there before the reset, on the bus of a device that was not? */
static bool pci_reset_was_missing(const struct pci_reset_scope *scope,
				  struct pci_reset_state *state, unsigned int i)
{
	for (unsigned int j = 0; j < scope->nr_devs; j++)
		if (scope->devs[j]->bus == scope->devs[i]->bus &&
		    !state[j].absent)
			return state[i].absent;

	return false;
}

/* Wait for a device that has had the time that it may be silent at @since */
static int pci_reset_wait_dev(const struct pci_reset_scope *scope,
			      struct pci_reset_state *state, unsigned int i,
			      unsigned long since)
{
	struct pci_dev *dev = scope->devs[i];
	int rc;

	/*
	 * The method has waited for its Function, and one with Immediate
	 * Readiness is ready at any time (PCIe r6.0, sec 7.5.1.1.4)
	 */
	if (scope->method & PCI_RESET_FUNC && dev == scope->dev &&
	    dev->imm_ready)
		return 0;

	if (dev != scope->dev && pci_reset_was_missing(scope, state, i) &&
	    pci_reset_dev_absent(dev)) {
		pci_info(dev, "not there after reset, as before\n");
		state[i].lost = true;
		return 0;
	}

	/* Free of charge for those who have been waited for already */
	rc = pci_dev_wait_link(dev, "reset", since, PCIE_RESET_READY_POLL_MS);
	if (!rc)
		return 0;

	state[i].lost = true;
	if (pci_reset_may_be_lost(scope, state, i))
		return 0;

	/* That it stays cut off goes for the others on its bus as well */
	if (pci_dev_is_cut_off(dev))
		for (unsigned int j = i + 1; j < scope->nr_devs; j++)
			if (scope->devs[j]->bus == dev->bus)
				state[j].lost = true;

	return rc;
}

/*
 * Wait for a device and restore it.  There is no point in waiting for what is
 * below a link that is lost.
 */
static int pci_reset_restore_dev(const struct pci_reset_scope *scope,
				 struct pci_reset_state *state, unsigned int i,
				 unsigned long since,
				 pci_reset_restore_t restore, void *data)
{
	struct pci_dev *dev = scope->devs[i];
	int rc = 0;

	state[i].lost |= state[state[i].above].lost;
	state[i].replaced |= state[state[i].above].replaced;

	if (!state[i].lost)
		rc = pci_reset_wait_dev(scope, state, i, since);
	if (!rc && !state[i].lost &&
	    pci_reset_dev_replaced(scope, &state[i], dev)) {
		state[i].replaced = true;
		state[i].lost = true;
		rc = -ENXIO;
	}
	state[i].gone = state[i].lost;

	restore(dev, &state[i], data);

	return rc;
}

/*
 * Wait for the devices and restore them, level by level: what is below a bridge
 * can be reached once the bridge is restored and its link is up.  The links of
 * a level come up, and its devices become ready, at the same time, so that all
 * this takes as long as the scope is deep.
 */
static int pci_reset_restore(const struct pci_reset_scope *scope,
			     struct pci_reset_state *state, int rc,
			     pci_reset_restore_t restore, void *data)
{
	unsigned int done = 0;

	/* The link that was reset is not back */
	for (unsigned int i = 0; rc && i < scope->nr_devs; i++)
		state[i].lost = true;

	for (unsigned int level = 0; done < scope->nr_devs; level++) {
		unsigned long since = jiffies;
		LIST_HEAD(waits);

		for (unsigned int i = 0; i < scope->nr_devs; i++) {
			int ready;

			if (state[i].level != level)
				continue;

			ready = pci_reset_restore_dev(scope, state, i, since,
						      restore, data);
			rc = rc ?: ready;
			done++;

			if (!state[i].lost) {
				state[i].wait.bridge = scope->devs[i];
				list_add_tail(&state[i].wait.node, &waits);
			}
		}

		pci_wait_for_secondary_buses(&waits, "reset");

		for (unsigned int i = 0; i < scope->nr_devs; i++) {
			if (!state[i].wait.rc)
				continue;

			state[i].lost = true;
			if (!rc && !pci_reset_may_lose_link(scope, state, i))
				rc = state[i].wait.rc;
		}
	}

	return rc;
}

static void pci_reset_dev_done(struct pci_dev *dev,
			       struct pci_reset_state *state, void *data)
{
	const struct pci_reset_scope *scope = data;
	u64 dsn;
	u32 id;

	pci_reset_iommu_start_dev(dev, state);

	/* What was saved is not for another device, nor is what the driver does */
	if (state->replaced)
		pci_dev_set_disconnected(dev, NULL);
	else if (!state->lost ||
		 !pci_reset_dev_differs(scope, state, dev, &id, &dsn))
		pci_restore_state(dev);

	/* Its driver is told at the end of the reset that it was prepared for */
	if (pci_reset_is_held(scope, dev))
		return;

	pci_dev_reset_done(dev);
	clear_bit(PCI_DEV_RESET_WITH_PF, &dev->priv_flags);
}

/**
 * pci_reset_with_pf - is a VF being reset because its PF is?
 * @vf: VF whose driver is called
 *
 * When a PF is reset, the drivers of its VFs are told as well: to prepare
 * before that of the PF, and that it is done after that.  Those that have the
 * PF's driver do all this for its VFs can tell.
 *
 * Context: ->reset_prepare() and ->reset_done() of @vf.
 *
 * Return: true if the PF is reset along with @vf, false if @vf alone is reset
 */
bool pci_reset_with_pf(struct pci_dev *vf)
{
	return test_bit(PCI_DEV_RESET_WITH_PF, &vf->priv_flags);
}
EXPORT_SYMBOL_GPL(pci_reset_with_pf);

/*
 * Tell the drivers while their devices still work: what is below first, and
 * before any bridge stops to forward their accesses.  Save when all are awake:
 * PM registers default to D0 after a reset, and a simple restore does not
 * reliably return to another state anyway.
 */
static void pci_reset_quiesce(const struct pci_reset_scope *scope,
			      struct pci_reset_state *state)
{
	for (unsigned int i = scope->nr_devs; i-- > 0; ) {
		struct pci_dev *dev = scope->devs[i];

		if (pci_reset_is_held(scope, dev))
			continue;

		/* A VF is above itself, unless its PF is in the scope */
		if (dev->is_virtfn && state[i].above != i)
			set_bit(PCI_DEV_RESET_WITH_PF, &dev->priv_flags);
		pci_dev_reset_prepare(dev);
	}

	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pci_set_power_state(scope->devs[i], PCI_D0);

	for (unsigned int i = scope->nr_devs; i-- > 0; ) {
		struct pci_dev *dev = scope->devs[i];

		state[i].absent = pci_reset_dev_absent(dev);
		if (pci_reset_is_held(scope, dev))
			continue;

		/* A driver may have programmed another one, with a MAC address */
		state[i].dsn = dev->dsn;
		if (pci_reset_dev_configured(dev))
			pci_dsn_init(dev);
		pci_dev_save_and_disable(dev);
	}
}

/* Looked at again with the locks held, before drivers are told */
static bool pci_reset_works(const struct pci_reset_scope *scope)
{
	if (scope->method & PCI_RESET_FUNC)
		return pci_reset_fn_works(scope->dev, scope->order[0]);

	return !scope->slot || pci_reset_slot_capable(scope->slot);
}

/* Some may have a device below that an enumeration has not seen yet */
static void pci_reset_look_at_links(const struct pci_reset_scope *scope,
				    struct pci_reset_state *state)
{
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		state[i].wait.was_up = pcie_link_is_up(scope->devs[i]);
}

/* Everything below the locks */
static int pci_reset_locked(const struct pci_reset_scope *scope,
			    struct pci_reset_state *state,
			    pci_reset_flags_t modifiers)
{
	int rc;

	if (scope->dev && (pci_dev_is_disconnected(scope->dev) ||
			   !device_is_registered(&scope->dev->dev)))
		return -ENODEV;

	down_read(&pci_bus_sem);
	rc = pci_reset_verify(scope);
	up_read(&pci_bus_sem);
	if (rc)
		return rc;

	/* Whoever may use another method looks again */
	if (!pci_reset_works(scope))
		return scope->allowed ? -ESTALE : -ENOTTY;

	pci_reset_look_at_links(scope, state);

	pci_reset_quiesce(scope, state);
	pci_reset_hotplug_ignore(scope);

	rc = pci_reset_iommu_stop(scope, state);
	if (!rc)
		rc = pci_reset_run(scope, 0);
	if (rc == -ENOTTY && scope->allowed)
		rc = pci_reset_next(scope, modifiers);
	rc = pci_reset_restore(scope, state, rc, pci_reset_dev_done,
			       (void *)scope);

	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pci_reset_hotplug_check(scope->devs[i]);
	pci_reset_hotplug_unignore(scope);

	return rc;
}

/*
 * The same for error recovery, whose caller tells the drivers, before and
 * after, and lets them restore their devices.  Nobody has agreed to the devices
 * that are affected: if a scan has found others while it had the config access
 * of the bridge, pci_reset_link() looks again, and locks these as well.
 */
static int pci_reset_recovery_locked(const struct pci_reset_scope *scope,
				     struct pci_reset_state *state)
{
	int rc;

	down_read(&pci_bus_sem);
	rc = pci_reset_verify(scope);
	up_read(&pci_bus_sem);
	if (rc)
		return rc;

	pci_reset_look_at_links(scope, state);
	pci_reset_hotplug_ignore(scope);

	/* A device that cannot be stopped does not make the error go away */
	pci_reset_iommu_stop(scope, state);
	rc = pci_reset_run(scope, PCI_RESET_RECOVERY);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pci_reset_iommu_start_dev(scope->devs[i], &state[i]);

	pci_reset_hotplug_unignore(scope);

	return rc;
}

/**
 * __pci_reset_scope_commit - reset a scope
 * @scope: what to reset
 * @modifiers: how to go about it, any of %PCI_RESET_MODIFIERS and
 *	%PCI_RESET_RECOVERY
 *
 * Context: As pci_reset_scope_commit().  With %PCI_RESET_RECOVERY the caller
 * holds no device lock.
 *
 * Return: As pci_reset_scope_commit(), but -ESTALE if @scope was outdated
 * before anything was touched, so that the caller may look again.
 */
int __pci_reset_scope_commit(const struct pci_reset_scope *scope,
			     pci_reset_flags_t modifiers)
{
	struct pci_reset_state *state __free(kvfree) = NULL;
	int rc;

	if (modifiers & PCI_RESET_LOCKED) {
		struct device *dev = &scope->dev->dev;

		if (!mutex_is_locked(&dev->mutex)) {
			pci_err(scope->dev, "reset with a device lock that nobody holds\n");
			return -EINVAL;
		}

		/*
		 * ->probe() may run in a work on the node of the device, and
		 * the task that waits for it holds the lock
		 */
		if (!dev->driver || device_is_bound(dev))
			device_lock_assert(dev);
	}

	if (modifiers & PCI_RESET_ALONE && scope->nr_devs > 1)
		return -EBUSY;

	state = pci_reset_state_alloc(scope, pci_reset_gfp(modifiers));
	if (!state)
		return -ENOMEM;

	pci_reset_pm_get(scope);

	rc = pci_reset_lock(scope, modifiers);
	if (!rc) {
		if (modifiers & PCI_RESET_RECOVERY)
			rc = pci_reset_recovery_locked(scope, state);
		else
			rc = pci_reset_locked(scope, state, modifiers);
		pci_reset_unlock(scope, scope->nr_devs, modifiers);
	}

	pci_reset_pm_put(scope);

	return rc;
}

/**
 * pci_reset_scope_commit - reset what was asked about
 * @scope: the answer of pci_reset_scope_get()
 * @modifiers: how to go about it, any of %PCI_RESET_MODIFIERS or 0
 *
 * Reset with the method of @scope exactly the devices of @scope, or nothing:
 * if a device has been added or removed since pci_reset_scope_get(), or the
 * slot has gone, the reset fails.  This is checked with all devices locked,
 * before any of them or its driver notices, and again in one step with the
 * Secondary Bus Reset.  What is reset by other means is checked by the former
 * only, so that a device which is added at the last moment is reset as well:
 * a slot by its hotplug driver, a bus by the platform (powerpc), and the bus
 * below a Root Port by its host controller (->reset_root_port()).
 *
 * Everything else is as for pci_reset_bus_flags().  @scope may be committed
 * again, and is still to be released by pci_reset_scope_put().
 *
 * Context: May sleep.  See pci_reset_bus_flags() for the locks.
 *
 * Return:
 * * 0: all devices of @scope were reset
 * * %-EINVAL: an unknown bit in @modifiers, or %PCI_RESET_LOCKED although
 *   the device is not locked
 * * %-ENODEV: the device has been removed or disconnected
 * * %-ENOTTY: the method does not work any more
 * * %-EAGAIN: a lock was contended
 * * %-EBUSY: @scope is not what would be reset now, or is more than the
 *   device itself and @modifiers has %PCI_RESET_ALONE
 * * %-ETIMEDOUT: the link or a device did not come back from the reset
 * * %-ENXIO: another device did, by its IDs or its serial number; it is not
 *   restored
 * * %-ENOMEM: out of memory
 */
int pci_reset_scope_commit(struct pci_reset_scope *scope,
			   pci_reset_flags_t modifiers)
{
	int rc;

	if (modifiers & ~PCI_RESET_MODIFIERS)
		return -EINVAL;

	rc = __pci_reset_scope_commit(scope, modifiers);

	return rc == -ESTALE ? -EBUSY : rc;
}
EXPORT_SYMBOL_GPL(pci_reset_scope_commit);

/* Reset the link of @bus, or of @slot on it, whoever is there.  As above. */
static int pci_reset_link(struct pci_bus *bus, struct pci_slot *slot,
			  pci_reset_flags_t modifiers)
{
	for (int tries = 0; tries < PCI_RESET_TRIES; tries++) {
		struct pci_reset_scope *scope __free(pci_reset_scope_put) = NULL;
		int rc;

		if (slot)
			kobject_get(&slot->kobj);

		scope = pci_reset_scope_link(slot ? PCI_RESET_SLOT :
						    PCI_RESET_BUS,
					     NULL, bus, slot,
					     pci_reset_gfp(modifiers));
		if (IS_ERR(scope))
			return PTR_ERR(scope);

		rc = __pci_reset_scope_commit(scope, modifiers);
		if (rc != -ESTALE)
			return rc;
	}

	return -EAGAIN;
}

/**
 * pci_reset_subordinate - reset what is below a bridge
 * @bridge: bridge
 * @modifiers: %PCI_RESET_TRYLOCK, or %PCI_RESET_RECOVERY, or 0
 *
 * Reset each slot on the secondary bus if all of them can be reset, and
 * otherwise the bus.
 *
 * Context: As __pci_reset_scope_commit().
 *
 * Return:
 * * 0: everything was reset
 * * %-ENOTTY: there is no secondary bus, or a device cannot stand it
 * * %-EAGAIN: a lock was contended, or devices came and went all the time
 * * %-EBUSY: a device was added at the last moment
 * * %-ETIMEDOUT: the link or a device did not come back from the reset
 * * %-ENXIO: another device did
 * * %-ENODEV: a device was disconnected meanwhile
 * * %-ENOMEM: out of memory
 */
int pci_reset_subordinate(struct pci_dev *bridge, pci_reset_flags_t modifiers)
{
	struct pci_bus *bus __free(pci_reset_bus_put) =
				pci_reset_get_subordinate(bridge);
	struct pci_slot **slots __free(kfree) = NULL;
	bool capable = true;
	struct pci_slot *slot;
	unsigned int n = 0;
	int rc = 0;

	if (!bus)
		return -ENOTTY;

	/* Error recovery has always taken this for a reset, for lack of one */
	if (!(modifiers & PCI_RESET_RECOVERY) && pci_reset_is_masked(bridge))
		return -ENOTTY;

	scoped_guard(mutex, &pci_slot_mutex) {
		slots = kmalloc_objs(*slots, list_count_nodes(&bus->slots),
				     pci_reset_gfp(modifiers));
		if (!slots)
			return -ENOMEM;

		list_for_each_entry(slot, &bus->slots, list) {
			kobject_get(&slot->kobj);
			slots[n++] = slot;
		}
	}

	for (unsigned int i = 0; i < n; i++)
		capable &= pci_reset_slot_capable(slots[i]);

	if (!n || !capable)
		rc = pci_reset_link(bus, NULL, modifiers);
	else
		for (unsigned int i = 0; !rc && i < n; i++)
			rc = pci_reset_link(bus, slots[i], modifiers);

	for (unsigned int i = 0; i < n; i++)
		pci_reset_put_slot(slots[i]);

	return rc;
}

/**
 * pci_recovery_begin - begin to recover from an error below a bridge
 * @recovery: to be passed to the other functions
 * @bridge: bridge, or a device that is to be recovered on its own
 *
 * Collect the devices that are affected, let hotplug ports ignore link changes
 * until pci_recovery_end(), those that come with the error as well as those
 * that the recovery causes, and then resume the devices.
 *
 * The VFs of a Function that is recovered on its own take part from
 * pci_recovery_reset_begin() on: they are affected by its reset, but not by its
 * error.
 *
 * Context: May sleep.  Holds no lock when it returns.
 */
void pci_recovery_begin(struct pci_recovery *recovery, struct pci_dev *bridge)
{
	struct pci_bus *bus __free(pci_reset_bus_put) =
				pci_reset_get_subordinate(bridge);
	struct pci_reset_scope *scope;

	scope = pci_reset_scope_alloc(bus ? PCI_RESET_BUS : PCI_RESET_FLR,
				      bus ? NULL : bridge, bus, NULL,
				      PCI_RECOVERY_GFP);

	recovery->scope = scope;
	recovery->state = pci_reset_state_alloc(scope, PCI_RECOVERY_GFP);
	recovery->was_reset = false;
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		recovery->state[i].spared = scope->devs[i] != scope->dev &&
					    !scope->bus;

	pci_reset_hotplug_ignore(scope);
	pci_reset_pm_get(scope);

	/* Those that the error has left accessible say who they are now */
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i]->dsn && !pci_dev_is_removed(scope->devs[i]) &&
		    pci_reset_dev_configured(scope->devs[i]))
			recovery->state[i].dsn = pci_get_dsn(scope->devs[i]);
}

static bool pci_reset_scope_has(const struct pci_reset_scope *scope,
				const struct pci_dev *dev)
{
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i] == dev)
			return true;

	return false;
}

/*
 * Devices that were found since pci_recovery_begin() come last in the scope.
 * They are below one that is in it already, or below one another.
 */
static void pci_recovery_add_late(struct pci_recovery *recovery)
{
	struct pci_reset_scope *now __free(pci_reset_scope_put) = NULL;
	struct pci_reset_scope *scope, *old = recovery->scope;
	struct pci_reset_state *state;

	now = pci_reset_scope_alloc(old->method, NULL, old->bus, NULL,
				    PCI_RECOVERY_GFP);
	scope = kvzalloc_flex(*scope, devs, old->nr_devs + now->nr_devs,
			      PCI_RECOVERY_GFP);

	/* The references go with it */
	scope->method = old->method;
	scope->bus = old->bus;
	scope->id = old->id;
	scope->nr_devs = old->nr_devs;
	memcpy(scope->devs, old->devs, flex_array_size(old, devs, old->nr_devs));

	for (unsigned int i = 0; i < now->nr_devs; i++)
		if (!pci_reset_scope_has(old, now->devs[i]))
			pci_reset_add_dev(now->devs[i], scope);

	/* No list is in use between the reset and the wait after it */
	state = pci_reset_state_alloc(scope, PCI_RECOVERY_GFP);
	memcpy(state, recovery->state, array_size(old->nr_devs, sizeof(*state)));

	for (unsigned int i = old->nr_devs; i < scope->nr_devs; i++) {
		state[i].late = true;
		state[i].bare = true;
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_ignore_link_change(scope->devs[i]);
	}

	kvfree(recovery->state);
	kvfree(old);
	recovery->state = state;
	recovery->scope = scope;
}

/**
 * pci_recovery_lock - keep others away from the link that is to be reset
 * @recovery: of pci_recovery_begin()
 *
 * Until pci_recovery_unlock() no other reset of the link begins, and who takes
 * the config access of the bridge to look for devices below it has to wait.
 * Only while pci_reset_subordinate() waits for device locks, it is lent to
 * enumerations.  The devices that these add are locked and reset as well.
 *
 * Context: May sleep.  Takes the config access of the bridge above the link, for
 * which others may wait who hold pci_rescan_remove_lock or its device lock.
 */
void pci_recovery_lock(struct pci_recovery *recovery)
{
	struct pci_dev *bridge = pci_reset_bridge_above(recovery->scope);

	if (!bridge)
		return;

	pci_cfg_access_lock(bridge);
	set_bit(PCI_DEV_RECOVERING, &bridge->priv_flags);
}

/**
 * pci_recovery_unlock - end what pci_recovery_lock() began
 * @recovery: of pci_recovery_begin()
 * @was_reset: whether the link was reset and is back
 * @report: tells the driver of a device, called for those that were found since
 *	pci_recovery_begin()
 * @data: for @report
 *
 * What was found before the end of the reset was reset as well, or has been
 * found while the link was not to be relied on.  It takes part in the recovery
 * from here on.  What is found later is found as the reset has left it.
 *
 * Context: May sleep, and that of @report.
 */
void pci_recovery_unlock(struct pci_recovery *recovery, bool was_reset,
			 void (*report)(struct pci_dev *dev, void *data),
			 void *data)
{
	struct pci_dev *bridge = pci_reset_bridge_above(recovery->scope);

	recovery->was_reset = was_reset;
	if (!bridge)
		return;

	pci_recovery_add_late(recovery);
	clear_bit(PCI_DEV_RECOVERING, &bridge->priv_flags);
	pci_cfg_access_unlock(bridge);

	for (unsigned int i = 0; i < recovery->scope->nr_devs; i++) {
		if (!recovery->state[i].late)
			continue;

		pm_runtime_get_sync(&recovery->scope->devs[i]->dev);
		report(recovery->scope->devs[i], data);
	}
}

/**
 * pci_recovery_report - tell the drivers of all devices that are affected
 * @recovery: of pci_recovery_begin()
 * @report: tells the driver of a device, called for bridges before what is
 *	below them, and not for what takes no part so far, nor for what
 *	pci_recovery_restore() has found to be lost
 * @data: for @report
 *
 * Context: That of @report.
 */
void pci_recovery_report(struct pci_recovery *recovery,
			 void (*report)(struct pci_dev *dev, void *data),
			 void *data)
{
	for (unsigned int i = 0; i < recovery->scope->nr_devs; i++)
		if (!recovery->state[i].gone && !recovery->state[i].spared)
			report(recovery->scope->devs[i], data);
}

/**
 * pci_recovery_reset_begin - prepare the affected devices for a reset
 * @recovery: of pci_recovery_begin()
 * @report: tells the driver of a device, called for the VFs of a Function that
 *	is recovered on its own
 * @data: for @report
 *
 * Stop ATS, until the device is restored or pci_recovery_reset_end().
 *
 * Context: May sleep, takes the device locks, and that of @report.
 */
void pci_recovery_reset_begin(struct pci_recovery *recovery,
			      void (*report)(struct pci_dev *dev, void *data),
			      void *data)
{
	for (unsigned int i = 0; i < recovery->scope->nr_devs; i++) {
		struct pci_dev *dev = recovery->scope->devs[i];

		recovery->state[i].bare = true;
		if (recovery->state[i].spared) {
			recovery->state[i].spared = false;
			report(dev, data);
		}

		/* As in pci_reset_recovery_locked(), whatever comes of it */
		guard(device)(&dev->dev);
		pci_reset_iommu_stop_dev(dev, &recovery->state[i]);
	}
}

/**
 * pci_recovery_restore_state - restore a device that no driver restores
 * @dev: device that was reset and is ready
 *
 * It gets the configuration that was saved last, which is the one that it was
 * added with, unless a driver or a suspend has saved another.  It is not saved
 * when the recovery begins: if the error has taken the link down, there is
 * nothing left to be read.  Whether it decodes addresses and masters the bus is
 * not from what was saved, but what it was enabled for, by a driver or by sysfs.
 *
 * Context: May sleep.  The caller holds the device lock.
 */
void pci_recovery_restore_state(struct pci_dev *dev)
{
	device_lock_assert(&dev->dev);

	if (pci_dev_is_removed(dev))
		return;

	pci_set_power_state(dev, PCI_D0);

	/* One that is just being added may not be saved yet */
	if (pci_dev_is_added(dev) || dev->state_saved)
		pci_restore_state(dev);
	if (!pci_reset_dev_configured(dev))
		for (int i = 0; i < PCI_BRIDGE_RESOURCES; i++)
			pci_update_resource(dev, i);

	if (pci_reenable_device(dev))
		pci_warn(dev, "not enabled again after a reset\n");
	if (dev->is_busmaster)
		pci_set_master(dev);
}

/* @alone: Function that is recovered on its own, or %NULL */
struct pci_recovery_restore {
	struct pci_dev *alone;
	bool (*restore)(struct pci_dev *dev, void *data);
	void (*lost)(struct pci_dev *dev, void *data);
	void *data;
};

static void pci_recovery_iommu_start(struct pci_dev *dev,
				     struct pci_reset_state *state)
{
	guard(device)(&dev->dev);

	/* Removed since, and from its IOMMU group, too */
	if (!pci_reset_in_iommu_group(dev))
		state->stopped = false;
	pci_reset_iommu_start_dev(dev, state);
}

static void pci_recovery_restore_dev(struct pci_dev *dev,
				     struct pci_reset_state *state, void *data)
{
	struct pci_recovery_restore *r = data;

	pci_recovery_iommu_start(dev, state);
	if (!state->gone &&
	    !r->restore(dev, !r->alone || dev == r->alone ? r->data : NULL))
		state->gone = true;
	if (state->gone)
		r->lost(dev, r->data);

	/* With the device lock, what is added cannot go away */
	guard(device)(&dev->dev);
	state->bare = pci_dev_is_added(dev) && !pci_reset_dev_configured(dev);
}

/**
 * pci_recovery_restore - wait for the devices after a reset and restore them
 * @recovery: of pci_recovery_begin()
 * @restore: restores a device and makes what is below it accessible; false if its
 *	driver does not go on with it
 * @lost: tells the driver of a device that did not come back, or for which
 *	@restore has returned false
 * @data: for @restore and @lost.  @restore gets %NULL for the VFs of a Function
 *	that is recovered on its own: it does not fail because of them
 *
 * One device that is lost does not keep the others from being recovered.
 *
 * Context: May sleep, takes the device locks.
 *
 * Return: 0, or if all Functions but bridges are lost, -ETIMEDOUT if a link or
 * a device did not come back, -ENXIO if another device did, -ENODEV if it has
 * been removed or disconnected
 */
int pci_recovery_restore(struct pci_recovery *recovery,
			 bool (*restore)(struct pci_dev *dev, void *data),
			 void (*lost)(struct pci_dev *dev, void *data),
			 void *data)
{
	struct pci_recovery_restore r = {
		.alone = recovery->scope->bus ? NULL : recovery->scope->dev,
		.restore = restore, .lost = lost, .data = data,
	};
	struct pci_reset_scope *scope = recovery->scope;
	int rc;

	rc = pci_reset_restore(scope, recovery->state, 0,
			       pci_recovery_restore_dev, &r);

	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (!recovery->state[i].gone && !scope->devs[i]->subordinate)
			return 0;

	return rc;
}

/**
 * pci_recovery_reset_end - let the affected devices do what a reset forbids
 * @recovery: of pci_recovery_begin()
 *
 * The counterpart of pci_recovery_reset_begin(), if that was called, for those
 * that were not restored.
 *
 * Context: May sleep, takes the device locks.
 */
void pci_recovery_reset_end(struct pci_recovery *recovery)
{
	for (unsigned int i = 0; i < recovery->scope->nr_devs; i++)
		pci_recovery_iommu_start(recovery->scope->devs[i],
					 &recovery->state[i]);
}

/* The device that stands for the slot that @dev is in */
static unsigned int pci_recovery_func0(const struct pci_reset_scope *scope,
				       unsigned int dev)
{
	/* The last one, if it was removed and found again */
	for (unsigned int i = scope->nr_devs; i-- > 0; )
		if (scope->devs[i]->bus == scope->devs[dev]->bus &&
		    !scope->devs[i]->devfn)
			return i;

	return dev;
}

static void pci_recovery_find_slots(struct pci_recovery *recovery)
{
	struct pci_reset_scope *scope = recovery->scope;
	struct pci_reset_state *state = recovery->state;

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		if (pci_reset_in_slot(scope->devs[i]))
			state[i].slot = pci_recovery_func0(scope, i);
		else if (state[i].above != i)
			state[i].slot = state[state[i].above].slot;
		else
			state[i].slot = -1;
	}
}

/* The slot that what is in @slot is below of, or -1 */
static int pci_recovery_outer_slot(const struct pci_recovery *recovery, int slot)
{
	unsigned int above = recovery->state[slot].above;

	return above == slot ? -1 : recovery->state[above].slot;
}

static bool pci_recovery_is_replaced(const struct pci_recovery *recovery,
				     unsigned int i)
{
	int slot;

	for (slot = recovery->state[i].slot; slot >= 0;
	     slot = pci_recovery_outer_slot(recovery, slot))
		if (recovery->state[slot].replace)
			return true;

	return false;
}

/*
 * The driver of a device that userspace has may wait until it is given back, for
 * ever, when it is unbound (vfio-pci).  pciehp would wait for it with
 * pci_rescan_remove_lock held.
 */
static bool pci_recovery_dev_in_use(struct pci_dev *dev)
{
	guard(device)(&dev->dev);

	return dev->driver && dev->driver->driver_managed_dma &&
	       !pci_is_bridge(dev);
}

static bool pci_recovery_may_replace(struct pci_dev *dev, bool in_use,
				     bool recovered)
{
	struct pci_dev *port = dev->bus->self;
	u64 now = get_jiffies_64();
	bool again = false;

	/* The lock of Function 0 protects recovery_failed of its slot's port */
	scoped_guard(device, &dev->dev) {
		if (!recovered) {
			again = time_before64(now, port->recovery_failed +
				msecs_to_jiffies(PCI_RECOVERY_AGAIN_MS));
			port->recovery_failed = now;
		}
	}

	if (in_use)
		pci_warn(dev, "%s, but a driver in this slot lets userspace use its device: left alone\n",
			 recovered ? "found during recovery" :
				     "recovery failed");
	else if (again)
		pci_warn(dev, "recovery failed again in this slot: left alone\n");

	return !in_use && !again;
}

/*
 * Which slots are to have their card removed and enumerated again?  Not what is
 * in use, nor what fails as soon as it is set up.
 */
static void pci_recovery_choose(struct pci_recovery *recovery, bool recovered)
{
	struct pci_reset_scope *scope = recovery->scope;
	struct pci_reset_state *state = recovery->state;

	pci_recovery_find_slots(recovery);

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		bool in_use = pci_recovery_dev_in_use(scope->devs[i]);
		int outer = -1;

		if (state[i].late && state[i].slot >= 0)
			state[state[i].slot].replace = true;

		for (int slot = state[i].slot; slot >= 0;
		     slot = pci_recovery_outer_slot(recovery, slot)) {
			state[slot].in_use |= in_use;
			outer = slot;
		}

		/* With what is in a slot goes what is in those below of it */
		if (!recovered && outer >= 0)
			state[outer].replace = true;
	}

	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (state[i].replace)
			state[i].replace =
				pci_recovery_may_replace(scope->devs[i],
							 state[i].in_use,
							 recovered);
}

/*
 * Hotplug removes what it replaces as if it had been pulled.  It has not, so it
 * must not go on to interrupt or do DMA without a driver: the PCI core takes it
 * for disconnected, so its driver does not see to that.  A driver that was told
 * of a failure does not access its device any more, but others do.  Once it is
 * removed, another one may have its number.
 */
static void pci_recovery_silence(struct pci_dev *dev, bool recovered)
{
	u16 command = 0;

	device_lock_assert(&dev->dev);

	if (pci_dev_is_removed(dev))
		return;

	if (recovered)
		pci_bus_read_config_word(dev->bus, dev->devfn, PCI_COMMAND,
					 &command);
	if (PCI_POSSIBLE_ERROR(command))
		return;

	command &= ~PCI_COMMAND_MASTER;
	pci_bus_write_config_word(dev->bus, dev->devfn, PCI_COMMAND,
				  command | PCI_COMMAND_INTX_DISABLE);
}

/**
 * pci_recovery_end - end what pci_recovery_begin() began
 * @recovery: of pci_recovery_begin()
 * @recovered: whether the devices were recovered
 *
 * Hotplug ports remove what is not there any more.  They replace what has lost
 * its configuration since it was restored, what a recovery that failed has
 * reset, and what was found while the link was not to be relied on: nothing says
 * which of the registers that were read then were true.  The latter two are left
 * alone if userspace may use a device in the slot, and if a recovery has failed
 * in the slot less than a minute ago.
 *
 * Context: May sleep, takes the device locks.
 */
void pci_recovery_end(struct pci_recovery *recovery, bool recovered)
{
	struct pci_reset_scope *scope = recovery->scope;
	bool failed = !recovered && recovery->was_reset;

	pci_recovery_reset_end(recovery);

	if (recovery->was_reset)
		pci_recovery_choose(recovery, recovered);

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		struct pci_dev *dev = scope->devs[i];
		struct pci_reset_state *state = &recovery->state[i];

		guard(device)(&dev->dev);

		if (recovery->was_reset && pci_recovery_is_replaced(recovery, i))
			pci_recovery_silence(dev, recovered);

		/* A driver may take its time until it restores its device */
		if (recovered && state->bare && dev->driver && !state->late &&
		    !state->replace)
			continue;

		if (state->replace)
			set_bit(PCI_DEV_UNCONFIGURED, &dev->priv_flags);
		else if (pci_dev_is_added(dev) && !failed)
			pci_reset_hotplug_check(dev);
	}

	pci_reset_hotplug_unignore(scope);
	pci_reset_pm_put(scope);
	kvfree(recovery->state);
	pci_reset_scope_put(scope);
}
