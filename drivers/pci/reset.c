// SPDX-License-Identifier: GPL-2.0
/*
 * PCI reset: which devices are affected, in which order they are locked, and the
 * steps of a reset
 *
 *   select, snapshot, lock, verify, quiesce, reset, restore, unlock
 *
 * The methods, which reset one Function, one slot or one link, are in pci.c.
 * Waiting until links and devices are ready is in readiness.c.
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
 *				reset that must not wait for device locks waits
 *				for config access, but for all of its devices
 *				together no longer than PCI_CFG_ACCESS_TRY_MS
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
 * A caller that holds the lock of its device already (PCI_RESET_LOCKED) takes
 * locks against this order: it must not wait for the bridge or for a device that
 * comes before its own, so it uses trylocks.  So does a reset that goes on to
 * another method, for the locks which that method needs in addition.
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
 * Hotplug ports, the one above the link and those below it, ignore link changes
 * (pci_hp_ignore_link_change()) until everything is restored.  This is not a
 * lock, but pciehp's interrupt thread waits until it is over, unless the port is
 * being removed or shut down, and holds no lock while it waits.
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
#include "reset.h"

/* After this time the IDs of a device are valid (PCIe r6.0, sec 6.6.1) */
#define PCI_RESET_IDENTIFY_MS	1000

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

/**
 * pci_reset_scope_add - add a device to a scope, as its last one
 * @dev: PCI device, of which the scope gets a reference
 * @data: the &struct pci_reset_scope, in which there is room for another device
 *
 * Return: 0, to go on with pci_reset_walk()
 */
int pci_reset_scope_add(struct pci_dev *dev, void *data)
{
	struct pci_reset_scope *scope = data;

	scope->nr_devs++;
	scope->devs[scope->nr_devs - 1] = pci_dev_get(dev);

	return 0;
}

/**
 * pci_reset_bridge_above - the bridge above the link of a scope
 * @scope: the scope, which holds a reference to the bus, and so to the bridge
 *
 * Return: the bridge, or %NULL for a function reset or on a root bus
 */
struct pci_dev *pci_reset_bridge_above(const struct pci_reset_scope *scope)
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

/**
 * pci_reset_scope_alloc - collect the devices that a reset affects
 * @method: the PCI_RESET_* method
 * @dev: device that is to be reset, or %NULL if it is the whole link of @bus
 * @bus: bus that is reset, or %NULL for a function reset of @dev
 * @slot: slot on @bus that is reset, or %NULL for all of @bus: a Secondary Bus
 *	Reset is not limited to one slot.  The scope takes over the reference,
 *	which is dropped on failure
 * @gfp: allocation flags
 *
 * Context: May sleep, takes pci_bus_sem.  No memory is allocated with it held.
 *
 * Return: the scope, to be released by pci_reset_scope_put(), or -ENOMEM
 */
struct pci_reset_scope *
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
	pci_reset_walk_scope(scope, pci_reset_scope_add, scope);

	up_read(&pci_bus_sem);

	return scope;
}

/**
 * pci_reset_get_subordinate - get a reference to the secondary bus of a bridge
 * @bridge: PCI bridge
 *
 * Context: May sleep.  Takes pci_bus_sem, with which a removal clears the
 * pointer to the bus.
 *
 * Return: the bus, to be released by pci_bus_put(), or %NULL if there is none
 */
struct pci_bus *pci_reset_get_subordinate(struct pci_dev *bridge)
{
	guard(rwsem_read)(&pci_bus_sem);

	return pci_bus_get(bridge->subordinate);
}

/* Does the slot have a hotplug driver that can reset it? */
static bool pci_reset_slot_capable(struct pci_slot *slot)
{
	return !pci_reset_hotplug_slot(slot, PCI_METHOD_PROBE);
}

/* A Secondary Bus Reset that the port ignores resets nothing */
static bool pci_reset_is_masked(struct pci_dev *bridge)
{
	return bridge && pcie_is_cxl(bridge) && cxl_sbr_masked(bridge);
}

/*
 * The scope of @method, which resets a link.  @dev is the device to be reset, or
 * %NULL if all of @bus or @slot is.
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

	/* "bus" in reset_method only works for a device that is alone */
	if (!IS_ERR(scope) && flags & PCI_RESET_FUNCTION && scope->nr_devs > 1) {
		pci_reset_scope_put(scope);
		return ERR_PTR(-ENOTTY);
	}

	return scope;
}

/*
 * Select the first method in @order that works, and note which ones may be tried
 * after it.  @held is %NULL, or a scope for which @dev is locked already.
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
 * __pci_reset_scope_get - find out what a reset would affect, without resetting
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
 * pci_reset_flags_valid - check the flags of a caller
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
 * pci_reset_scope_get - find out what a reset would affect, without resetting
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
 * Nothing is locked when this returns.  pci_reset_scope_commit() later resets
 * exactly these devices by this method, or fails if that is not possible any
 * more.
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

	/* The caller agrees to this method only */
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

/**
 * pci_reset_scope_verify - compare a scope with the topology of now
 * @scope: the scope
 *
 * With the device locks held, no device of the scope can go away: a removal
 * starts with unbinding the driver, for which it needs the lock.  Devices can be
 * added at any time.
 *
 * Context: The caller holds pci_bus_sem, for reading at least.
 *
 * Return: 0 if a reset would affect the devices of @scope and no other, -ESTALE
 * otherwise
 */
int pci_reset_scope_verify(const struct pci_reset_scope *scope)
{
	struct pci_reset_check check = { .scope = scope };
	int rc;

	lockdep_assert_held(&pci_bus_sem);

	rc = pci_reset_walk_scope(scope, pci_reset_check_dev, &check);
	if (!rc && check.i != scope->nr_devs)
		rc = -ESTALE;

	return rc;
}

/**
 * pci_reset_pm_get - resume the devices of a scope, and the bridge above
 * @scope: the scope
 *
 * A device that fails to resume may well be the reason for the reset, so errors
 * are ignored.
 *
 * Context: May sleep.  Waits for a runtime suspend or resume in flight.
 */
void pci_reset_pm_get(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	if (bridge)
		pm_runtime_get_sync(&bridge->dev);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pm_runtime_get_sync(&scope->devs[i]->dev);
}

/**
 * pci_reset_pm_put - let the devices of a scope suspend again
 * @scope: the scope for which pci_reset_pm_get() was called
 */
void pci_reset_pm_put(const struct pci_reset_scope *scope)
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

/* Is @dev locked and prepared already, for a method that was not supported? */
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
 * Lock a device, or only its config access if the caller holds the device lock
 * already or must not take it.  Lockdep cannot keep track of more than 48 locks,
 * so all locks of a scope are nested in one, pci_cfg_access.
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
 * The VFs of a PF that is reset alone have users of their own.  Any VF may be in
 * the middle of an FLR, with its device lock held.  An FLR takes less than a
 * second if the VF is ready in time, so wait for that long.
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

	/* Trylocks do not wait for a device lock, so no access was lent */
	if (pci_reset_only_tries(modifiers))
		return 0;

	if (bridge)
		pci_cfg_access_reclaim(bridge);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pci_cfg_access_reclaim(scope->devs[i]);

	return 0;
}

/**
 * pci_reset_state_alloc - allocate the state of the devices of a scope
 * @scope: the scope, in which bridges come before the devices below them
 * @gfp: allocation flags
 *
 * Return: an array with an entry for each device, which has found its place in
 * the topology, to be released by kvfree(), or %NULL without memory
 */
struct pci_reset_state *
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

/**
 * pci_reset_in_iommu_group - is a device in its IOMMU group?
 * @dev: PCI device
 *
 * Context: The caller holds the device lock, for as long as the answer matters.
 * device_add() and device_del() take it as well, the former after the device has
 * joined the group, the latter before the device leaves it.
 *
 * Return: whether it is
 */
bool pci_reset_in_iommu_group(struct pci_dev *dev)
{
	return dev_ready_to_probe(&dev->dev) && !pci_dev_is_removed(dev);
}

/**
 * pci_reset_iommu_stop_dev - stop ATS before a reset (PCIe r6.0, sec 10.3.1)
 * @dev: PCI device
 * @state: its state, which remembers that ATS is stopped
 *
 * A device that does not answer, as when DPC has taken the link down, does not
 * use ATS, and would not answer the invalidation that stops it either, for which
 * other devices might have to wait.
 *
 * Context: May sleep.  The caller holds the device lock.  Takes the mutex of the
 * IOMMU group.
 *
 * Return: 0 or an error of the IOMMU driver
 */
int pci_reset_iommu_stop_dev(struct pci_dev *dev, struct pci_reset_state *state)
{
	int rc;

	if (!pci_reset_in_iommu_group(dev) || !pci_device_is_present(dev))
		return 0;

	rc = pci_dev_reset_iommu_prepare(dev);
	state->iommu_stopped = !rc;
	if (rc)
		pci_err(dev, "failed to stop IOMMU for a PCI reset: %d\n", rc);

	return rc;
}

/**
 * pci_reset_iommu_start_dev - allow ATS again, if it was stopped
 * @dev: PCI device
 * @state: its state, as of pci_reset_iommu_stop_dev()
 *
 * Context: As pci_reset_iommu_stop_dev().
 */
void pci_reset_iommu_start_dev(struct pci_dev *dev,
			       struct pci_reset_state *state)
{
	if (state->iommu_stopped)
		pci_dev_reset_iommu_done(dev);
	state->iommu_stopped = false;
}

static int pci_reset_iommu_stop(const struct pci_reset_scope *scope,
				struct pci_reset_state *state)
{
	int rc = 0;

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		int ret;

		/* Function methods do that for the Function they reset */
		if (scope->method & PCI_RESET_FUNC && scope->devs[i] == scope->dev)
			continue;

		ret = pci_reset_iommu_stop_dev(scope->devs[i], &state[i]);
		rc = rc ?: ret;
	}

	return rc;
}

/**
 * pci_reset_hotplug_ignore - let hotplug ports ignore link changes
 * @scope: the scope that will be reset
 *
 * These are the port above the link and those below, whose links go down as
 * well.  For the former, calls nest with those in the methods.
 */
void pci_reset_hotplug_ignore(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	if (bridge)
		pci_hp_ignore_link_change(bridge);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_ignore_link_change(scope->devs[i]);
}

/**
 * pci_reset_hotplug_unignore - let hotplug ports see link changes again
 * @scope: the scope for which pci_reset_hotplug_ignore() was called
 *
 * Their hotplug driver then looks what is in the slot.
 */
void pci_reset_hotplug_unignore(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	for (unsigned int i = scope->nr_devs; i-- > 0; )
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_unignore_link_change(scope->devs[i]);
	if (bridge)
		pci_hp_unignore_link_change(bridge);
}

/**
 * pci_reset_dev_configured - does a device have its bus numbers and addresses?
 * @dev: PCI device
 *
 * Return: false if its BARs, or the bus numbers of a bridge, are not what the PCI
 * core assigned.  true if they are, and if the device does not answer
 */
bool pci_reset_dev_configured(struct pci_dev *dev)
{
	u32 config[16];

	for (unsigned int i = 0; i < ARRAY_SIZE(config); i++)
		pci_read_config_dword(dev, 4 * i, &config[i]);

	return PCI_POSSIBLE_ERROR(config[PCI_CACHE_LINE_SIZE / 4]) ||
	       pci_config_assigned(dev, config);
}

/**
 * pci_reset_in_slot - is a device in a hotplug slot with pciehp bound to it?
 * @dev: PCI device
 *
 * pciehp removes devices that are marked PCI_DEV_UNCONFIGURED and adds them
 * again.  Without it the mark has no effect.
 *
 * Return: whether it is, directly below the port
 */
bool pci_reset_in_slot(struct pci_dev *dev)
{
	struct pci_dev *port = dev->bus->self;

	return !dev->is_virtfn && port && port->is_hotplug_bridge &&
	       pciehp_is_bound(port);
}

/**
 * pci_reset_hotplug_check - mark a device that has lost its configuration
 * @dev: PCI device, after it was restored
 *
 * A device that is pulled and put back after it was restored has the same IDs,
 * and link changes are ignored until the end of the reset.  But it has lost its
 * configuration: mark it for pciehp.
 *
 * Context: The caller holds the device lock.
 */
void pci_reset_hotplug_check(struct pci_dev *dev)
{
	if (pci_reset_in_slot(dev))
		assign_bit(PCI_DEV_UNCONFIGURED, &dev->priv_flags,
			   !pci_reset_dev_configured(dev));
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
		return fn->reset_fn(scope->dev, PCI_METHOD_RESET);

	/* For pci_bridge_assert_reset(), to verify the scope once more */
	if (bridge && !(modifiers & PCI_RESET_RECOVERY))
		bridge->reset_scope = scope;

	if (scope->method == PCI_RESET_SLOT)
		rc = pci_reset_hotplug_slot(scope->slot, PCI_METHOD_RESET);
	else if (scope->method == PCI_RESET_BUS)
		rc = pci_bridge_secondary_bus_reset(bridge);
	else
		rc = cxl_reset_link(bridge);

	if (bridge && !(modifiers & PCI_RESET_RECOVERY))
		bridge->reset_scope = NULL;

	return rc;
}

/*
 * Does the device have another Vendor or Device ID than was saved, or another
 * serial number?  If the reset activates firmware, the revision, class and
 * subsystem may change, and a serial number may appear or disappear.  The serial
 * number may also be one that a driver has programmed, or the one before that.
 * When a Function is reset and its link stays up, it is in the same card,
 * whatever serial number its firmware reports now.  This is not so for what is
 * below a bridge, where links go down.  VFs have no IDs of their own.
 */
static bool pci_reset_dev_differs(const struct pci_reset_scope *scope,
				  const struct pci_reset_state *state,
				  struct pci_dev *dev, u32 *id, u64 *dsn)
{
	u32 saved = dev->saved_config_space[PCI_VENDOR_ID / 4];

	*dsn = 0;
	if (dev->is_virtfn || !saved || PCI_POSSIBLE_ERROR(saved))
		return false;

	/* Not known while it does not respond or is not ready */
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
 * Is this another device than the one before the reset?  A device that has not
 * loaded its firmware yet may have other IDs, so look for up to a second.
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
 * A method may turn out not to be supported only when it is used, for instance by
 * a device that has stopped working, or by a host controller.  Go on to the next
 * one that is allowed, without calling drivers twice: the devices of @scope stay
 * locked and prepared, and the others that the next method affects are locked,
 * prepared and restored for it.  Their locks are trylocks, because some of them
 * come before those that are held.
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

	/* Starting again would call the drivers twice */
	return rc == -ESTALE ? -EAGAIN : rc;
}

/* Does a device not answer at all, not even with Request Retry Status? */
static bool pci_reset_dev_absent(struct pci_dev *dev)
{
	u32 id;

	/* The Vendor ID of a VF always reads as all ones */
	pci_read_config_dword(dev, dev->is_virtfn ? PCI_COMMAND : PCI_VENDOR_ID,
			      &id);

	return PCI_POSSIBLE_ERROR(id);
}

/*
 * A device that did not answer before the reset, and is not the one to be reset,
 * does not make the reset fail if it does not answer afterwards.
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
		state[i].unreachable = true;
		return 0;
	}

	/* Returns at once for a device that is ready already */
	rc = pci_dev_wait_link(dev, "reset", since, PCIE_RESET_READY_POLL_MS);
	if (!rc)
		return 0;

	state[i].unreachable = true;
	if (pci_reset_may_be_lost(scope, state, i))
		return 0;

	/* If its link stays down, so does that of the others on this bus */
	if (pci_dev_is_cut_off(dev))
		for (unsigned int j = i + 1; j < scope->nr_devs; j++)
			if (scope->devs[j]->bus == dev->bus)
				state[j].unreachable = true;

	return rc;
}

/* Wait for a device, unless it is unreachable, and restore it */
static int pci_reset_restore_dev(const struct pci_reset_scope *scope,
				 struct pci_reset_state *state, unsigned int i,
				 unsigned long since,
				 pci_reset_restore_t restore, void *data)
{
	struct pci_dev *dev = scope->devs[i];
	int rc = 0;

	state[i].unreachable |= state[state[i].above].unreachable;
	state[i].replaced |= state[state[i].above].replaced;

	if (!state[i].unreachable)
		rc = pci_reset_wait_dev(scope, state, i, since);
	if (!rc && !state[i].unreachable &&
	    pci_reset_dev_replaced(scope, &state[i], dev)) {
		state[i].replaced = true;
		state[i].unreachable = true;
		rc = -ENXIO;
	}
	state[i].failed = state[i].unreachable;

	restore(dev, &state[i], data);

	return rc;
}

/**
 * pci_reset_restore - wait for the devices of a scope and restore them
 * @scope: the scope
 * @state: the state of its devices
 * @rc: 0, or the error with which the reset failed
 * @restore: called for each device when it is ready, or known not to become
 *	ready (see @state), bridges before the devices below them
 * @data: for @restore
 *
 * Go level by level: a device below a bridge can be reached once the bridge is
 * restored and its link is up.  The links of a level come up, and its devices
 * become ready, at the same time, so the time depends on the depth of the scope
 * and not on the number of devices.
 *
 * Context: May sleep, and that of @restore.
 *
 * Return: @rc, or if that is 0 the first of these errors: -ETIMEDOUT if a link or
 * a device did not come back, -ENXIO if another device did, -ENODEV if it has
 * been removed or disconnected
 */
int pci_reset_restore(const struct pci_reset_scope *scope,
		      struct pci_reset_state *state, int rc,
		      pci_reset_restore_t restore, void *data)
{
	unsigned int done = 0;

	/* The link that was reset did not come up again */
	for (unsigned int i = 0; rc && i < scope->nr_devs; i++)
		state[i].unreachable = true;

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

			if (!state[i].unreachable) {
				state[i].wait.bridge = scope->devs[i];
				list_add_tail(&state[i].wait.node, &waits);
			}
		}

		pci_wait_for_secondary_buses(&waits, "reset");

		for (unsigned int i = 0; i < scope->nr_devs; i++) {
			if (!state[i].wait.rc)
				continue;

			state[i].unreachable = true;
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

	/* Neither the saved state nor the driver is for another device */
	if (state->replaced)
		pci_dev_set_disconnected(dev, NULL);
	else if (!state->unreachable ||
		 !pci_reset_dev_differs(scope, state, dev, &id, &dsn))
		pci_restore_state(dev);

	/* Its driver is called at the end of the reset that it was prepared for */
	if (pci_reset_is_held(scope, dev))
		return;

	pci_dev_reset_done(dev);
	clear_bit(PCI_DEV_RESET_WITH_PF, &dev->priv_flags);
}

/**
 * pci_reset_with_pf - is a VF being reset because its PF is?
 * @vf: VF whose driver is called
 *
 * When a PF is reset, the drivers of its VFs are called as well: ->reset_prepare()
 * before that of the PF, ->reset_done() after that of the PF.  If the driver of
 * the PF does their work for them, they can use this to leave it alone.
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
 * Call the drivers while all devices still work, from the bottom up, and before a
 * bridge stops forwarding accesses.  Then wake all devices and save their state:
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

		/* Its PF is in the scope, too */
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

		/* A driver may have changed it, along with the MAC address */
		state[i].dsn = dev->dsn;
		if (pci_reset_dev_configured(dev))
			pci_dsn_init(dev);
		pci_dev_save_and_disable(dev);
	}
}

/* Does the method still work, now that the locks are held? */
static bool pci_reset_works(const struct pci_reset_scope *scope)
{
	if (scope->method & PCI_RESET_FUNC)
		return pci_reset_fn_works(scope->dev, scope->order[0]);

	return !scope->slot || pci_reset_slot_capable(scope->slot);
}

/*
 * Remember which links are up: a device below may not have been enumerated yet,
 * and is to be waited for all the same.
 */
static void pci_reset_save_links(const struct pci_reset_scope *scope,
				 struct pci_reset_state *state)
{
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		state[i].wait.was_up = pcie_link_is_up(scope->devs[i]);
}

/* Reset a scope, with its locks held */
static int pci_reset_locked(const struct pci_reset_scope *scope,
			    struct pci_reset_state *state,
			    pci_reset_flags_t modifiers)
{
	int rc;

	if (scope->dev && (pci_dev_is_disconnected(scope->dev) ||
			   !device_is_registered(&scope->dev->dev)))
		return -ENODEV;

	down_read(&pci_bus_sem);
	rc = pci_reset_scope_verify(scope);
	up_read(&pci_bus_sem);
	if (rc)
		return rc;

	/* If other methods are allowed, the caller selects one of them */
	if (!pci_reset_works(scope))
		return scope->allowed ? -ESTALE : -ENOTTY;

	pci_reset_save_links(scope, state);

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
 * The same for error recovery, whose caller calls the drivers, before and after,
 * and lets them restore their devices.  It has not agreed to particular devices:
 * if a scan has found others while the config access of the bridge was lent to
 * it, pci_reset_link() collects the devices again, and locks these as well.
 */
static int pci_reset_recovery_locked(const struct pci_reset_scope *scope,
				     struct pci_reset_state *state)
{
	int rc;

	down_read(&pci_bus_sem);
	rc = pci_reset_scope_verify(scope);
	up_read(&pci_bus_sem);
	if (rc)
		return rc;

	pci_reset_save_links(scope, state);
	pci_reset_hotplug_ignore(scope);

	/* Go on if ATS of a device cannot be stopped: the error needs a reset */
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
 * @modifiers: any of %PCI_RESET_MODIFIERS and %PCI_RESET_RECOVERY
 *
 * Context: As pci_reset_scope_commit().  With %PCI_RESET_RECOVERY the caller
 * holds no device lock.
 *
 * Return: As pci_reset_scope_commit(), but -ESTALE if @scope was outdated
 * before anything was touched, so that the caller may get a new one.
 */
int __pci_reset_scope_commit(const struct pci_reset_scope *scope,
			     pci_reset_flags_t modifiers)
{
	struct pci_reset_state *state __free(kvfree) = NULL;
	int rc;

	if (modifiers & PCI_RESET_LOCKED) {
		struct device *dev = &scope->dev->dev;

		if (!mutex_is_locked(&dev->mutex)) {
			pci_err(scope->dev, "reset without the device lock held\n");
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
 * pci_reset_scope_commit - reset exactly the devices of a scope
 * @scope: as returned by pci_reset_scope_get()
 * @modifiers: any of %PCI_RESET_MODIFIERS or 0
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

/* Reset the link of @bus, or of @slot on it, whatever devices are there */
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
 * * %-ENOTTY: there is no secondary bus, or a quirk of a device forbids it
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

	/* Error recovery goes on even if the port masks Secondary Bus Resets */
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
