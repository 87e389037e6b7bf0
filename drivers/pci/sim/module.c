// SPDX-License-Identifier: GPL-2.0
/*
 * PCIe fabric simulator: module init and exit
 */

#include <linux/module.h>

#include "sim.h"

static int __init sim_init(void)
{
	int rc;

	rc = pci_register_driver(&sim_driver);
	if (rc)
		return rc;

	rc = sim_configfs_init();
	if (rc)
		pci_unregister_driver(&sim_driver);
	return rc;
}
module_init(sim_init);

static void __exit sim_exit(void)
{
	sim_configfs_exit();
	pci_unregister_driver(&sim_driver);
}
module_exit(sim_exit);

MODULE_DESCRIPTION("PCIe fabric simulator");
MODULE_LICENSE("GPL");
