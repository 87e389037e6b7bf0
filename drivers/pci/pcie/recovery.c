// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery from errors by AER and DPC: the steps of pcie_do_recovery() for all
 * devices that an error affects
 *
 *   begin, report, reset, restore, report, end
 *
 * The devices are collected once, as for any reset (see ../reset.c).  Those which
 * an enumeration adds meanwhile join them after the reset.
 *
 * Locking: config access of the bridge above the link is held from
 * pci_recovery_lock() to pci_recovery_unlock().  Device locks are taken one at a
 * time, with no other lock held.  The snapshot and the state of its devices
 * belong to the task that runs the recovery.
 */

#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "../pci.h"
#include "../reset.h"
#include "recovery.h"

/* Do not replace a card whose recovery fails again within this time */
#define PCI_RECOVERY_AGAIN_MS	(60 * MSEC_PER_SEC)

/**
 * pci_recovery_begin - begin to recover from an error below a bridge
 * @recovery: to be passed to the other functions
 * @bridge: bridge, or a device without a secondary bus that is recovered alone
 *
 * Collect the affected devices, let hotplug ports ignore link changes until
 * pci_recovery_end(), those that come with the error as well as those that the
 * recovery causes, and then resume the devices.
 *
 * The VFs of a Function that is recovered alone take part from
 * pci_recovery_reset_begin() on: its reset affects them, its error does not.
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

	/* Read the serial numbers of devices that are still accessible */
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i]->dsn && !pci_dev_is_removed(scope->devs[i]) &&
		    pci_reset_dev_configured(scope->devs[i]))
			recovery->state[i].dsn = pci_get_dsn(scope->devs[i]);
}

static bool pci_recovery_has_dev(const struct pci_reset_scope *scope,
				 const struct pci_dev *dev)
{
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		if (scope->devs[i] == dev)
			return true;

	return false;
}

/*
 * Add the devices that were found since pci_recovery_begin() to the end of the
 * scope.  Each is below a device that comes before it.
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

	/* The new scope takes over the references */
	scope->method = old->method;
	scope->bus = old->bus;
	scope->id = old->id;
	scope->nr_devs = old->nr_devs;
	memcpy(scope->devs, old->devs, flex_array_size(old, devs, old->nr_devs));

	for (unsigned int i = 0; i < now->nr_devs; i++)
		if (!pci_recovery_has_dev(old, now->devs[i]))
			pci_reset_scope_add(now->devs[i], scope);

	/* The lists in @wait are not in use between the reset and the wait */
	state = pci_reset_state_alloc(scope, PCI_RECOVERY_GFP);
	memcpy(state, recovery->state, array_size(old->nr_devs, sizeof(*state)));

	for (unsigned int i = old->nr_devs; i < scope->nr_devs; i++) {
		state[i].late = true;
		state[i].unconfigured = true;
		if (scope->devs[i]->is_hotplug_bridge)
			pci_hp_ignore_link_change(scope->devs[i]);
	}

	kvfree(recovery->state);
	kvfree(old);
	recovery->state = state;
	recovery->scope = scope;
}

/**
 * pci_recovery_lock - take the config access of the bridge above the link
 * @recovery: as set up by pci_recovery_begin()
 *
 * Until pci_recovery_unlock() no other reset of the link begins, and an
 * enumeration below the bridge waits.  While pci_reset_subordinate() waits for
 * device locks, config access is lent to enumerations.  Devices that these add
 * are locked and reset as well.
 *
 * Context: May sleep.  A task that waits for this config access may hold
 * pci_rescan_remove_lock or the device lock of the bridge.
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
 * pci_recovery_unlock - release the config access of the bridge
 * @recovery: for which pci_recovery_lock() was called
 * @was_reset: whether the link was reset and came up again
 * @report: reports the error to the driver of a device, called for devices that
 *	were found since pci_recovery_begin()
 * @data: for @report
 *
 * Devices that were found before the end of the reset were reset as well, or
 * were found while the link was unreliable.  They take part in the recovery from
 * here on.  Devices that are found later have not been reset since.
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
 * pci_recovery_report - call the drivers of all affected devices
 * @recovery: as set up by pci_recovery_begin()
 * @report: calls the driver of a device.  Called for bridges before the devices
 *	below them, but neither for devices that do not take part yet, nor for
 *	those that pci_recovery_restore() could not recover
 * @data: for @report
 *
 * Context: That of @report.
 */
void pci_recovery_report(struct pci_recovery *recovery,
			 void (*report)(struct pci_dev *dev, void *data),
			 void *data)
{
	for (unsigned int i = 0; i < recovery->scope->nr_devs; i++)
		if (!recovery->state[i].failed && !recovery->state[i].spared)
			report(recovery->scope->devs[i], data);
}

/**
 * pci_recovery_reset_begin - prepare the affected devices for a reset
 * @recovery: as set up by pci_recovery_begin()
 * @report: reports the error to the driver of a device, called for the VFs of a
 *	Function that is recovered alone
 * @data: for @report
 *
 * ATS is stopped until the device is restored, or pci_recovery_reset_end().
 *
 * Context: May sleep, takes the device locks, and that of @report.
 */
void pci_recovery_reset_begin(struct pci_recovery *recovery,
			      void (*report)(struct pci_dev *dev, void *data),
			      void *data)
{
	for (unsigned int i = 0; i < recovery->scope->nr_devs; i++) {
		struct pci_dev *dev = recovery->scope->devs[i];

		recovery->state[i].unconfigured = true;
		if (recovery->state[i].spared) {
			recovery->state[i].spared = false;
			report(dev, data);
		}

		/* Go on if it fails: the error needs a reset */
		guard(device)(&dev->dev);
		pci_reset_iommu_stop_dev(dev, &recovery->state[i]);
	}
}

/**
 * pci_recovery_restore_state - restore a device on behalf of its driver
 * @dev: device that was reset and is ready, and whose driver does not restore it
 *
 * Restore the configuration that was saved last.  This is the one that the device
 * was added with, unless its driver or a suspend has saved it again.  It is not
 * saved at the beginning of the recovery, when the link may be down.  Memory
 * decoding and bus mastering are not restored from what was saved, but as they
 * were enabled by a driver or by sysfs.
 *
 * Context: May sleep.  The caller holds the device lock.
 */
void pci_recovery_restore_state(struct pci_dev *dev)
{
	device_lock_assert(&dev->dev);

	if (pci_dev_is_removed(dev))
		return;

	pci_set_power_state(dev, PCI_D0);

	/* The state of a device that is being added may not be saved yet */
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

/* @alone: Function that is recovered alone, or %NULL */
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

	/* If it was removed, it is not in its IOMMU group any more */
	if (!pci_reset_in_iommu_group(dev))
		state->iommu_stopped = false;
	pci_reset_iommu_start_dev(dev, state);
}

static void pci_recovery_restore_dev(struct pci_dev *dev,
				     struct pci_reset_state *state, void *data)
{
	struct pci_recovery_restore *r = data;

	pci_recovery_iommu_start(dev, state);
	if (!state->failed &&
	    !r->restore(dev, !r->alone || dev == r->alone ? r->data : NULL))
		state->failed = true;
	if (state->failed)
		r->lost(dev, r->data);

	/* With the device lock held, it cannot be removed */
	guard(device)(&dev->dev);
	state->unconfigured = pci_dev_is_added(dev) && !pci_reset_dev_configured(dev);
}

/**
 * pci_recovery_restore - wait for the devices after a reset and restore them
 * @recovery: as set up by pci_recovery_begin()
 * @restore: restores a device and makes the devices below it accessible; returns
 *	false if its driver gives it up
 * @lost: reports a permanent failure to the driver of a device that did not come
 *	back, or for which @restore has returned false
 * @data: for @restore and @lost.  @restore gets %NULL for the VFs of a Function
 *	that is recovered alone: they have no vote in its recovery
 *
 * A device that does not come back does not keep the others from being recovered.
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
		if (!recovery->state[i].failed && !scope->devs[i]->subordinate)
			return 0;

	return rc;
}

/**
 * pci_recovery_reset_end - allow ATS again
 * @recovery: as set up by pci_recovery_begin()
 *
 * The counterpart of pci_recovery_reset_begin(), if that was called, for devices
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

/* The device that represents the slot that device @dev is in */
static unsigned int pci_recovery_func0(const struct pci_reset_scope *scope,
				       unsigned int dev)
{
	/* If it was removed and found again, the last one counts */
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

/* The next slot above @slot, or -1 */
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
 * When a driver that gives its device to userspace is unbound, it may wait until
 * userspace closes the device, without a limit (vfio-pci).  pciehp would wait for
 * that with pci_rescan_remove_lock held.
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

	/* recovery_failed of the port: protected by the lock of Function 0 */
	scoped_guard(device, &dev->dev) {
		if (!recovered) {
			again = time_before64(now, port->recovery_failed +
				msecs_to_jiffies(PCI_RECOVERY_AGAIN_MS));
			port->recovery_failed = now;
		}
	}

	if (in_use)
		pci_warn(dev, "%s, but userspace may use a device in this slot: left alone\n",
			 recovered ? "found during recovery" :
				     "recovery failed");
	else if (again)
		pci_warn(dev, "recovery failed again in this slot: left alone\n");

	return !in_use && !again;
}

/*
 * Choose the slots whose devices are to be removed and enumerated again, except
 * those in use, and those where recovery fails again and again.
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

		/* Replacing a slot replaces the slots below it as well */
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
 * pciehp removes a device that it replaces as if it had been pulled: it is marked
 * as disconnected, so its driver does not stop it.  But it is still there, and
 * must not go on with DMA and interrupts.  After a failed recovery its driver
 * does not access it any more.  Once it is removed, its device number may belong
 * to another device.
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
 * pci_recovery_end - end a recovery
 * @recovery: as set up by pci_recovery_begin()
 * @recovered: whether the devices were recovered
 *
 * Hotplug ports remove devices that are not there any more.  They replace, which
 * is to remove and add again,
 *
 * * devices that lost their configuration since they were restored,
 * * devices that a failed recovery has reset, and
 * * devices that were found while the link was unreliable, because registers that
 *   were read then may have been wrong.
 *
 * The latter two are left alone if userspace may use a device in the slot, or if
 * recovery failed in the slot less than a minute ago.
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

		/* Its driver may restore it later */
		if (recovered && state->unconfigured && dev->driver && !state->late &&
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
