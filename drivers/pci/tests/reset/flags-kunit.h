/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Endpoints with one method of their own, for the suites of
 * pci_reset_bus_flags()
 */
#ifndef _DRIVERS_PCI_TESTS_RESET_FLAGS_KUNIT_H
#define _DRIVERS_PCI_TESTS_RESET_FLAGS_KUNIT_H

#define FLAGS_FLR	{ .flr = true, .flr_ms = 50 }
#define FLAGS_AF_FLR	{ .af_flr = true, .flr_ms = 50 }
#define FLAGS_PM	{ .pm_reset = true, .d3_ms = 5 }
#define FLAGS_PLAIN	{ .ready_ms = 30 }
/* delay_250ms_after_flr() in the table of quirks */
#define FLAGS_QUIRK	{ .vendor = 0x8086, .device = 0x0953, .flr = true }

#endif /* _DRIVERS_PCI_TESTS_RESET_FLAGS_KUNIT_H */
