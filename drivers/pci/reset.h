/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reset of PCI devices: what pci.c, which has the methods and the functions that
 * drivers call, reset.c, which takes the affected devices through a reset, and
 * pcie/recovery.c share
 */
#ifndef DRIVERS_PCI_RESET_H
#define DRIVERS_PCI_RESET_H

#include <linux/gfp.h>
#include <linux/pci.h>

#include "pci.h"

/*
 * For use by the PCI core only, in addition to the PCI_RESET_* flags in
 * include/linux/pci.h.
 *
 * What pci_reset_function() asks for: link resets are tried in the place that
 * reset_method in sysfs gives them, and only if the device is alone on its link.
 * The device may be a bridge; then a function reset affects everything below it
 * as well.
 */
#define PCI_RESET_FUNCTION	((__force pci_reset_flags_t)BIT(24))
/*
 * Error recovery: the caller holds the bridge, calls the drivers and restores
 * the devices.
 */
#define PCI_RESET_RECOVERY	((__force pci_reset_flags_t)BIT(25))

/*
 * How often to collect the affected devices again if they changed before all
 * locks were taken: devices below a switch are added one after the other.
 */
#define PCI_RESET_TRIES		64

/* There is no second attempt at error recovery, so it must not fail for memory */
#define PCI_RECOVERY_GFP	(GFP_KERNEL | __GFP_NOFAIL)

/**
 * struct pci_reset_state - what a reset has to know about one device
 * @above: index in the scope of the bridge above this device, or of its PF if it
 *	is a VF; its own index if that is not in the scope
 * @level: number of links between this device and the link that is reset
 * @dsn: serial number that is accepted after the reset besides the one in
 *	&pci_dev.dsn: the one known before the reset read it again, or the one
 *	read at the beginning of error recovery
 * @iommu_stopped: pci_dev_reset_iommu_prepare() has been called
 * @absent: did not answer before the reset
 * @unreachable: not to be accessed, nor what is below it: it did not come back,
 *	its secondary bus did not, or what is above it is unreachable
 * @failed: the device itself did not come back, another one did, or its driver
 *	gave up during error recovery.  A bridge that works but whose secondary
 *	bus did not come back is @unreachable and not @failed
 * @replaced: another device came back, here or at what this device is below, or
 *	at the PF of this VF
 * @unconfigured: reset by error recovery, and not configured by its driver since
 * @slot: index of the device that represents the hotplug slot that this device is
 *	in or below, which is Function 0 (pciehp looks at no other), or -1
 * @in_use: represents a slot, and a driver in it must not be unbound without the
 *	consent of its user
 * @replace: represents a slot whose devices are to be removed and enumerated
 *	again
 * @late: found after error recovery began and before its reset was over
 * @spared: VF of a Function that recovers alone and has not been reset yet, so
 *	that there is nothing for the VF to recover from
 * @wait: if it is a bridge, the wait for its secondary bus, and whether its link
 *	was up before the reset
 *
 * One for each device of a scope, with the same index.  Belongs to the reset or
 * to the recovery that allocated it, and needs no lock.
 */
struct pci_reset_state {
	unsigned int above;
	unsigned int level;
	u64 dsn;
	bool iommu_stopped;
	bool absent;
	bool unreachable;
	bool failed;
	bool replaced;
	bool unconfigured;
	int slot;
	bool in_use;
	bool replace;
	bool late;
	bool spared;
	struct pci_secondary_wait wait;
};

typedef void (*pci_reset_restore_t)(struct pci_dev *dev,
				    struct pci_reset_state *state, void *data);

/* pci.c: the methods, and the driver's callbacks of one device */
void pci_reset_fn_order(struct pci_dev *dev, pci_reset_flags_t flags,
			u8 order[PCI_RESET_ORDER_LEN]);
bool pci_reset_fn_works(struct pci_dev *dev, u8 m);
int pci_reset_hotplug_slot(struct pci_slot *slot, bool probe);
u16 cxl_port_dvsec(struct pci_dev *dev);
bool cxl_sbr_masked(struct pci_dev *dev);
int cxl_reset_link(struct pci_dev *bridge);
void pci_dev_reset_prepare(struct pci_dev *dev);
void pci_dev_save_and_disable(struct pci_dev *dev);
void pci_dev_reset_done(struct pci_dev *dev);

/* reset.c, for pci.c */
bool pci_reset_flags_valid(pci_reset_flags_t flags);
struct pci_reset_scope *__pci_reset_scope_get(struct pci_dev *dev,
					      pci_reset_flags_t flags);
int __pci_reset_scope_commit(const struct pci_reset_scope *scope,
			     pci_reset_flags_t modifiers);
int pci_reset_scope_verify(const struct pci_reset_scope *scope);
int pci_reset_subordinate(struct pci_dev *bridge, pci_reset_flags_t modifiers);

/* reset.c, for pcie/recovery.c: the steps that a recovery goes through itself */
struct pci_bus *pci_reset_get_subordinate(struct pci_dev *bridge);
struct pci_reset_scope *
pci_reset_scope_alloc(pci_reset_flags_t method, struct pci_dev *dev,
		      struct pci_bus *bus, struct pci_slot *slot, gfp_t gfp);
int pci_reset_scope_add(struct pci_dev *dev, void *data);
struct pci_dev *pci_reset_bridge_above(const struct pci_reset_scope *scope);
struct pci_reset_state *
pci_reset_state_alloc(const struct pci_reset_scope *scope, gfp_t gfp);
void pci_reset_pm_get(const struct pci_reset_scope *scope);
void pci_reset_pm_put(const struct pci_reset_scope *scope);
void pci_reset_hotplug_ignore(const struct pci_reset_scope *scope);
void pci_reset_hotplug_unignore(const struct pci_reset_scope *scope);
bool pci_reset_in_slot(struct pci_dev *dev);
void pci_reset_hotplug_check(struct pci_dev *dev);
bool pci_reset_in_iommu_group(struct pci_dev *dev);
int pci_reset_iommu_stop_dev(struct pci_dev *dev, struct pci_reset_state *state);
void pci_reset_iommu_start_dev(struct pci_dev *dev,
			       struct pci_reset_state *state);
bool pci_reset_dev_configured(struct pci_dev *dev);
int pci_reset_restore(const struct pci_reset_scope *scope,
		      struct pci_reset_state *state, int rc,
		      pci_reset_restore_t restore, void *data);

DEFINE_FREE(pci_reset_bus_put, struct pci_bus *, pci_bus_put(_T))

#endif /* DRIVERS_PCI_RESET_H */
