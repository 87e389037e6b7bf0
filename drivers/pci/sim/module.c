// SPDX-License-Identifier: GPL-2.0
/*
 * The module of the simulated PCIe fabric
 */

#include <linux/module.h>

#include "sim.h"

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
