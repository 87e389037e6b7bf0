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
 *   runtime PM references	first, so that a suspend or resume in flight is
 *				over before any lock is held
 *   device lock and config	of the bridge above the link, then of the
 *   access (pci_dev_lock())	affected devices in the order of the snapshot:
 *				top down, the same order for every reset.  A
 *				function reset does not lock the bridge
 *   pciehp's reset_lock	taken inside of ->reset_slot(); pciehp drops it
 *				before it waits for a device lock
 *   pci_bus_sem		for reading, to compare the snapshot with the
 *				topology, and from the last such look until
 *				the Secondary Bus Reset bit is set and cleared
 *
 * pci_slot_mutex is held to take and drop the reference to a slot, never
 * across a reset.  pci_rescan_remove_lock is not taken here: a device that is
 * being added may be reset from its driver's probe with this lock held, and a
 * removal holds it while it waits for a device lock.
 *
 * A caller that holds the lock of its device already (PCI_RESET_LOCKED) comes
 * from below: it must not wait for the bridge or for a device before its own,
 * so it only tries.
 */

#include <linux/cleanup.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "pci.h"

/*
 * Call @fn for every device that a reset of @bus reaches, or of @slot on
 * @bus only, bridges before what is below them.  Ends with the first
 * non-zero value that @fn returns.
 */
static int pci_reset_walk(struct pci_bus *bus, struct pci_slot *slot,
			  int (*fn)(struct pci_dev *, void *), void *data)
{
	struct pci_bus *child;
	struct pci_dev *dev;
	int rc;

	lockdep_assert_held(&pci_bus_sem);

	list_for_each_entry(dev, &bus->devices, bus_list) {
		/* A VF goes with its PF, whichever slot its number maps to */
		if (slot && pci_physfn(dev)->slot != slot)
			continue;

		rc = fn(dev, data);
		if (!rc && dev->subordinate)
			rc = pci_reset_walk(dev->subordinate, NULL, fn, data);
		if (rc)
			return rc;
	}

	/* VFs may be on a bus of their own, which no bridge leads to */
	list_for_each_entry(child, &bus->children, node) {
		if (child->self)
			continue;

		rc = pci_reset_walk(child, slot, fn, data);
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

	scope->devs[scope->nr_devs++] = pci_dev_get(dev);

	return 0;
}

/* The bridge above the link that is reset, %NULL for a function reset */
static struct pci_dev *pci_reset_bridge_above(const struct pci_reset_scope *scope)
{
	if (scope->method & PCI_RESET_FUNC)
		return NULL;

	return scope->dev->bus->self;
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

	pci_dev_put(scope->dev);
	kfree(scope);
}
EXPORT_SYMBOL_GPL(pci_reset_scope_put);

/*
 * Who would be reset by @method?  @slot is the slot for %PCI_RESET_SLOT and
 * %NULL for all else: a Secondary Bus Reset does not stop at a slot.  Takes
 * over the reference to @slot.
 */
static struct pci_reset_scope *
pci_reset_scope_alloc(struct pci_dev *dev, pci_reset_flags_t method,
		      struct pci_slot *slot)
{
	bool func = method & PCI_RESET_FUNC;
	struct pci_reset_scope *scope;
	unsigned int n = 0;

	down_read(&pci_bus_sem);

	if (func)
		n = 1;
	else
		pci_reset_walk(dev->bus, slot, pci_reset_count_dev, &n);

	scope = kzalloc_flex(*scope, devs, n);
	if (!scope) {
		up_read(&pci_bus_sem);
		if (slot)
			pci_reset_put_slot(slot);
		return ERR_PTR(-ENOMEM);
	}

	scope->nr_devs = 0;
	scope->dev = pci_dev_get(dev);
	scope->method = method;
	scope->slot = slot;

	if (func) {
		scope->id = dev;
		pci_reset_add_dev(dev, scope);
	} else {
		scope->id = slot ? (void *)slot : dev->bus;
		pci_reset_walk(dev->bus, slot, pci_reset_add_dev, scope);
	}

	up_read(&pci_bus_sem);

	return scope;
}

/* Is there a hotplug driver that can reset the slot? */
static bool pci_reset_slot_capable(struct pci_slot *slot)
{
	return !pci_reset_hotplug_slot(slot->hotplug, PCI_RESET_PROBE);
}

static struct pci_reset_scope *
pci_reset_scope_link(struct pci_dev *dev, pci_reset_flags_t method)
{
	struct pci_dev *bridge = dev->bus->self;
	struct pci_reset_scope *scope;
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

	/* A Secondary Bus Reset that the port ignores resets nothing */
	if (method != PCI_RESET_CXL_BUS && bridge && pcie_is_cxl(bridge) &&
	    cxl_sbr_masked(bridge))
		capable = false;

	if (!capable) {
		if (slot)
			pci_reset_put_slot(slot);
		return ERR_PTR(-ENOTTY);
	}

	scope = pci_reset_scope_alloc(dev, method, slot);
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

/*
 * In the middle of another reset a device would deny all it can do, so have
 * its config access to oneself.
 */
static int pci_reset_select_func(struct pci_dev *dev, pci_reset_flags_t flags,
				 pci_reset_flags_t *method)
{
	bool locked = true;

	pm_runtime_get_sync(&dev->dev);

	if (flags & (PCI_RESET_LOCKED | PCI_RESET_TRYLOCK))
		locked = pci_cfg_access_trylock(dev);
	else
		pci_cfg_access_lock(dev);

	if (locked) {
		*method = pci_reset_fn_select(dev, flags & PCI_RESET_FUNC);
		pci_cfg_access_unlock(dev);
	}

	pm_runtime_put(&dev->dev);

	return locked ? 0 : -EAGAIN;
}

static struct pci_reset_scope *
pci_reset_scope_select(struct pci_dev *dev, pci_reset_flags_t flags)
{
	static const pci_reset_flags_t links[] = {
		PCI_RESET_SLOT, PCI_RESET_BUS, PCI_RESET_CXL_BUS,
	};
	struct pci_reset_scope *scope;
	pci_reset_flags_t method = 0;

	if (flags & PCI_RESET_FUNC) {
		int rc = pci_reset_select_func(dev, flags, &method);

		if (rc)
			return ERR_PTR(rc);
	}
	if (method)
		return pci_reset_scope_alloc(dev, method, NULL);

	for (unsigned int i = 0; i < ARRAY_SIZE(links); i++) {
		if (!(flags & links[i]))
			continue;

		scope = pci_reset_scope_link(dev, links[i]);
		if (scope != ERR_PTR(-ENOTTY))
			return scope;
	}

	return ERR_PTR(-ENOTTY);
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
 * %PCI_RESET_BUS and %PCI_RESET_CXL_BUS.  SR-IOV Virtual Functions count with
 * their Physical Function.
 *
 * The answer does not lock anything: once the caller has decided that it
 * agrees, pci_reset_scope_commit() performs this very reset, or fails if it
 * would be another one by then.
 *
 * Context: May sleep.  Takes pci_bus_sem and pci_slot_mutex.  If @flags allows
 * a function reset, takes the config access of @dev, which the caller does not
 * hold, and may resume @dev.
 *
 * Return: what the reset would do, to be released by pci_reset_scope_put(),
 * or an ERR_PTR():
 * * -EINVAL	- no method or an unknown bit in @flags
 * * -ENODEV	- @dev has been removed or disconnected
 * * -ENOTTY	- none of the methods works for @dev where it is
 * * -EAGAIN	- @dev is being reset and @flags forbids to wait
 * * -EBUSY	- another device would be reset and @flags forbids that
 * * -ENOMEM	- out of memory
 */
struct pci_reset_scope *pci_reset_scope_get(struct pci_dev *dev,
					    pci_reset_flags_t flags)
{
	struct pci_reset_scope *scope;

	if (!(flags & PCI_RESET_ANY) ||
	    flags & ~(PCI_RESET_ANY | PCI_RESET_MODIFIERS))
		return ERR_PTR(-EINVAL);

	if (pci_dev_is_disconnected(dev) || !device_is_registered(&dev->dev))
		return ERR_PTR(-ENODEV);

	scope = pci_reset_scope_select(dev, flags);
	if (IS_ERR(scope))
		return scope;

	if (flags & PCI_RESET_ALONE && scope->nr_devs > 1) {
		pci_reset_scope_put(scope);
		return ERR_PTR(-EBUSY);
	}

	scope->methods = scope->method;

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

	if (scope->method & PCI_RESET_FUNC)
		return 0;

	rc = pci_reset_walk(scope->dev->bus, scope->slot, pci_reset_check_dev,
			    &check);
	if (!rc && check.i != scope->nr_devs)
		rc = -ESTALE;

	return rc;
}

/**
 * pci_reset_assert - perform a Secondary Bus Reset
 * @bridge: bridge above the link
 *
 * The last look at the topology and the reset itself are one step: no device
 * can be added to the bus in between.  Only a host controller that resets its
 * Root Port by means of its own, which may want pci_bus_sem for itself,
 * follows the look without holding it.
 *
 * Context: May sleep, takes pci_bus_sem.  The caller holds the device lock of
 * @bridge if a scope is being reset.
 *
 * Return: 0, or -EBUSY if the devices below @bridge are no longer those which
 * the caller of the reset agreed to; then nothing was reset.
 */
int pci_reset_assert(struct pci_dev *bridge)
{
	bool by_host = pci_is_root_bus(bridge->bus) &&
		       pci_find_host_bridge(bridge->bus)->reset_root_port;
	int rc;

	if (!bridge->reset_scope) {
		pcibios_reset_secondary_bus(bridge);
		return 0;
	}

	down_read(&pci_bus_sem);
	rc = pci_reset_verify(bridge->reset_scope);
	if (!rc && !by_host)
		pcibios_reset_secondary_bus(bridge);
	up_read(&pci_bus_sem);

	if (!rc && by_host)
		pcibios_reset_secondary_bus(bridge);

	return rc ? -EBUSY : 0;
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

static bool pci_reset_lock_dev(const struct pci_reset_scope *scope,
			       struct pci_dev *dev, pci_reset_flags_t modifiers)
{
	if (modifiers & PCI_RESET_LOCKED && dev == scope->dev)
		return pci_cfg_access_trylock(dev);

	if (modifiers & (PCI_RESET_LOCKED | PCI_RESET_TRYLOCK))
		return pci_dev_trylock(dev);

	pci_dev_lock(dev);

	return true;
}

/* Release the bridge and the first @n devices, from the bottom up */
static void pci_reset_unlock(const struct pci_reset_scope *scope,
			     unsigned int n, pci_reset_flags_t modifiers)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	while (n-- > 0) {
		if (modifiers & PCI_RESET_LOCKED && scope->devs[n] == scope->dev)
			pci_cfg_access_unlock(scope->devs[n]);
		else
			pci_dev_unlock(scope->devs[n]);
	}

	if (bridge)
		pci_dev_unlock(bridge);
}

static int pci_reset_lock(const struct pci_reset_scope *scope,
			  pci_reset_flags_t modifiers)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);

	if (bridge && !pci_reset_lock_dev(scope, bridge, modifiers))
		return -EAGAIN;

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		if (!pci_reset_lock_dev(scope, scope->devs[i], modifiers)) {
			pci_reset_unlock(scope, i, modifiers);
			return -EAGAIN;
		}
	}

	return 0;
}

/**
 * struct pci_reset_state - what a reset has to know about one device
 * @above: index of the device in the scope that this one is below of, or of
 *	which it is a VF; its own if there is none
 * @level: how many links are between it and the one that is reset
 * @stopped: its IOMMU has been stopped
 * @lost: it, or its secondary bus, did not come back
 * @wait: if it is a bridge, the wait for its secondary bus
 */
struct pci_reset_state {
	unsigned int above;
	unsigned int level;
	bool stopped;
	bool lost;
	struct pci_secondary_wait wait;
};

/* Who is below whom?  In the snapshot, what is above comes first. */
static struct pci_reset_state *
pci_reset_state_alloc(const struct pci_reset_scope *scope)
{
	struct pci_reset_state *state;

	state = kcalloc(scope->nr_devs, sizeof(*state), GFP_KERNEL);
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
 * PCIe r6.0, sec 10.3.1: ATS is to be stopped before a reset.  The function
 * methods do that themselves.  A device that is not added yet, or not any
 * more, may lose its IOMMU group at any time.
 */
static int pci_reset_iommu_stop(const struct pci_reset_scope *scope,
				struct pci_reset_state *state)
{
	if (scope->method & PCI_RESET_FUNC)
		return 0;

	for (unsigned int i = 0; i < scope->nr_devs; i++) {
		struct pci_dev *dev = scope->devs[i];
		int rc;

		if (!pci_dev_is_added(dev))
			continue;

		rc = pci_dev_reset_iommu_prepare(dev);
		if (rc) {
			pci_err(dev, "failed to stop IOMMU for a PCI reset: %d\n",
				rc);
			return rc;
		}
		state[i].stopped = true;
	}

	return 0;
}

/*
 * Hotplug ports below the link that is reset lose their own links as well.
 * The port above is told by the one who resets its link.
 */
static void pci_reset_hotplug_ignore(const struct pci_reset_scope *scope)
{
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_ignore_link_change(scope->devs[i]);
}

static void pci_reset_hotplug_unignore(const struct pci_reset_scope *scope)
{
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_unignore_link_change(scope->devs[i]);
}

static int pci_reset_bus_link(struct pci_dev *bridge)
{
	int rc;

	/* No hotplug driver was asked, but there may be one */
	pci_hp_ignore_link_change(bridge);
	rc = pci_bridge_secondary_bus_reset(bridge);
	pci_hp_unignore_link_change(bridge);

	return rc;
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
	rc = pci_reset_bus_link(bridge);
	pci_write_config_word(bridge, ctl, reg);

	return rc;
}

static int pci_reset_run(const struct pci_reset_scope *scope)
{
	struct pci_dev *bridge = pci_reset_bridge_above(scope);
	int rc;

	if (scope->method & PCI_RESET_FUNC)
		return pci_reset_fn_run(scope->dev, scope->methods);

	/* Let pci_reset_assert() have the last look */
	if (bridge)
		bridge->reset_scope = scope;

	if (scope->method == PCI_RESET_SLOT)
		rc = pci_reset_hotplug_slot(scope->slot->hotplug,
					    PCI_RESET_DO_RESET);
	else if (scope->method == PCI_RESET_BUS)
		rc = pci_reset_bus_link(bridge);
	else
		rc = pci_reset_cxl_link(bridge);

	if (bridge)
		bridge->reset_scope = NULL;

	return rc;
}

/*
 * Wait for a device and restore it.  There is no point in waiting for what is
 * below a link that is lost.
 */
static int pci_reset_restore_dev(const struct pci_reset_scope *scope,
				 struct pci_reset_state *state, unsigned int i,
				 unsigned long since)
{
	struct pci_dev *dev = scope->devs[i];
	int rc = 0;

	state[i].lost |= state[state[i].above].lost;

	/* Free of charge for those who have been waited for already */
	if (!state[i].lost)
		rc = pci_dev_wait(dev, "reset", PCIE_RESET_READY_POLL_MS -
				  jiffies_to_msecs(jiffies - since));
	if (rc)
		state[i].lost = true;

	if (state[i].stopped)
		pci_dev_reset_iommu_done(dev);

	pci_dev_restore(dev);

	return rc;
}

/*
 * Wait for the devices and restore them, level by level: what is below a bridge
 * can be reached once the bridge is restored and its link is up.  The links of
 * a level come up, and its devices become ready, at the same time, so that all
 * this takes as long as the scope is deep.
 */
static int pci_reset_restore(const struct pci_reset_scope *scope,
			     struct pci_reset_state *state, int rc)
{
	unsigned int done = 0;

	/* The link that was reset is not back, or was none */
	if (rc || scope->method & PCI_RESET_FUNC)
		for (unsigned int i = 0; i < scope->nr_devs; i++)
			state[i].lost = true;

	for (unsigned int level = 0; done < scope->nr_devs; level++) {
		unsigned long since = jiffies;
		LIST_HEAD(waits);

		for (unsigned int i = 0; i < scope->nr_devs; i++) {
			int ready;

			if (state[i].level != level)
				continue;

			ready = pci_reset_restore_dev(scope, state, i, since);
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
			rc = rc ?: state[i].wait.rc;
		}
	}

	return rc;
}

/* Everything below the locks */
static int pci_reset_locked(const struct pci_reset_scope *scope,
			    struct pci_reset_state *state)
{
	int rc;

	if (pci_dev_is_disconnected(scope->dev) ||
	    !device_is_registered(&scope->dev->dev))
		return -ENODEV;

	down_read(&pci_bus_sem);
	rc = pci_reset_verify(scope);
	up_read(&pci_bus_sem);
	if (rc)
		return rc;

	if (scope->slot && !pci_reset_slot_capable(scope->slot))
		return -ENOTTY;

	for (unsigned int i = 0; i < scope->nr_devs; i++)
		pci_dev_save_and_disable(scope->devs[i]);

	pci_reset_hotplug_ignore(scope);

	rc = pci_reset_iommu_stop(scope, state);
	if (!rc)
		rc = pci_reset_run(scope);
	rc = pci_reset_restore(scope, state, rc);

	pci_reset_hotplug_unignore(scope);

	return rc;
}

/**
 * __pci_reset_scope_commit - reset a scope
 * @scope: what to reset
 * @modifiers: how to go about it, any of %PCI_RESET_MODIFIERS
 *
 * Context: As pci_reset_scope_commit().
 *
 * Return: As pci_reset_scope_commit(), but -ESTALE if @scope was outdated
 * before anything was touched, so that the caller may look again.
 */
int __pci_reset_scope_commit(const struct pci_reset_scope *scope,
			     pci_reset_flags_t modifiers)
{
	struct pci_reset_state *state __free(kfree) = NULL;
	int rc;

	if (modifiers & ~PCI_RESET_MODIFIERS)
		return -EINVAL;

	/*
	 * Not device_lock_assert(): ->probe() may run in a worker on the node
	 * of the device, while another task holds the lock for it.
	 */
	if (modifiers & PCI_RESET_LOCKED &&
	    !mutex_is_locked(&scope->dev->dev.mutex)) {
		pci_err(scope->dev, "reset with a device lock that nobody holds\n");
		return -EINVAL;
	}

	if (modifiers & PCI_RESET_ALONE && scope->nr_devs > 1)
		return -EBUSY;

	state = pci_reset_state_alloc(scope);
	if (!state)
		return -ENOMEM;

	pci_reset_pm_get(scope);

	rc = pci_reset_lock(scope, modifiers);
	if (!rc) {
		rc = pci_reset_locked(scope, state);
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
 * Secondary Bus Reset.  A slot which its hotplug driver resets by other means
 * is checked by the former only.
 *
 * Everything else is as for pci_reset_bus_flags().  @scope may be committed
 * again, and is still to be released by pci_reset_scope_put().
 *
 * Context: May sleep.  See pci_reset_bus_flags() for the locks.
 *
 * Return: 0 if all devices of @scope were reset, otherwise
 * * -EINVAL	- an unknown bit in @modifiers, or %PCI_RESET_LOCKED although
 *		  the device is not locked
 * * -ENODEV	- the device has been removed or disconnected
 * * -ENOTTY	- the method does not work any more
 * * -EAGAIN	- a lock was contended
 * * -EBUSY	- @scope is not what would be reset now, or is more than the
 *		  device itself and @modifiers has %PCI_RESET_ALONE
 * * -ETIMEDOUT	- the link or a device did not come back from the reset
 * * -ENOMEM	- out of memory
 */
int pci_reset_scope_commit(struct pci_reset_scope *scope,
			   pci_reset_flags_t modifiers)
{
	int rc = __pci_reset_scope_commit(scope, modifiers);

	return rc == -ESTALE ? -EBUSY : rc;
}
EXPORT_SYMBOL_GPL(pci_reset_scope_commit);
