// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of ../torture.c by pci_reset_bus_flags() and scopes
 */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/pci.h>

#include "../torture-kunit.h"

/* Between the look at a scope and the commit */
#define TORTURE_SCOPE_MS	300

int torture_reset_flags(struct pci_dev *pdev, u32 flags)
{
	int rc;

	if (flags & (__force u32)PCI_RESET_LOCKED)
		device_lock(&pdev->dev);
	rc = pci_reset_bus_flags(pdev, (__force pci_reset_flags_t)flags);
	if (flags & (__force u32)PCI_RESET_LOCKED)
		device_unlock(&pdev->dev);
	return rc;
}

int torture_reset_scope(struct pci_dev *pdev, u32 flags)
{
	pci_reset_flags_t mask = (__force pci_reset_flags_t)flags;
	struct pci_reset_scope *scope __free(pci_reset_scope_put) = NULL;

	mask &= PCI_RESET_ANY;
	scope = pci_reset_scope_get(pdev, mask);
	if (IS_ERR(scope))
		return PTR_ERR(no_free_ptr(scope));

	msleep(TORTURE_SCOPE_MS);
	return pci_reset_scope_commit(scope, 0);
}
