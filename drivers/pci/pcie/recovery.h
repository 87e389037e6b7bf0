/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recovery from errors: what err.c uses of recovery.c
 */
#ifndef DRIVERS_PCI_PCIE_RECOVERY_H
#define DRIVERS_PCI_PCIE_RECOVERY_H

#include <linux/types.h>

struct pci_dev;
struct pci_reset_scope;
struct pci_reset_state;

/**
 * struct pci_recovery - recovery from an error below a bridge
 * @scope: the affected devices, bridges before the devices below them
 * @state: the state of each of them
 * @was_reset: their link was reset, and came up again
 */
struct pci_recovery {
	struct pci_reset_scope *scope;
	struct pci_reset_state *state;
	bool was_reset;
};

void pci_recovery_begin(struct pci_recovery *recovery, struct pci_dev *bridge);
void pci_recovery_report(struct pci_recovery *recovery,
			 void (*report)(struct pci_dev *dev, void *data),
			 void *data);
void pci_recovery_reset_begin(struct pci_recovery *recovery,
			      void (*report)(struct pci_dev *dev, void *data),
			      void *data);
void pci_recovery_lock(struct pci_recovery *recovery);
void pci_recovery_unlock(struct pci_recovery *recovery, bool was_reset,
			 void (*report)(struct pci_dev *dev, void *data),
			 void *data);
void pci_recovery_restore_state(struct pci_dev *dev);
int pci_recovery_restore(struct pci_recovery *recovery,
			 bool (*restore)(struct pci_dev *dev, void *data),
			 void (*lost)(struct pci_dev *dev, void *data),
			 void *data);
void pci_recovery_reset_end(struct pci_recovery *recovery);
void pci_recovery_end(struct pci_recovery *recovery, bool recovered);

#endif /* DRIVERS_PCI_PCIE_RECOVERY_H */
