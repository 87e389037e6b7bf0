/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pci_reset_bus_flags() and pci_reset_scope_*(), called through the module
 * pci-reset-test, and the kernel's own account of what it did.
 */
#ifndef RESET_API_H
#define RESET_API_H

#include <pthread.h>

#include "reset_lib.h"

#define TEST_DRIVER	"pci-reset-test"
#define TEST_DEBUGFS	"/sys/kernel/debug/" TEST_DRIVER "/"

/* include/linux/pci.h, PCI_RESET_* */
#define DEV_SPECIFIC	0x01
#define FLR		0x02
#define PM		0x04
#define SLOT		0x08
#define BUS		0x10
#define ACPI		0x20
#define CXL_BUS		0x40

#define FUNC		(DEV_SPECIFIC | FLR | PM | ACPI)
#define LINK		(SLOT | BUS)
#define ANY		(FUNC | LINK | CXL_BUS)

#define TRYLOCK		0x10000
#define LOCKED		0x20000
#define ALONE		0x40000
#define MODIFIERS	(TRYLOCK | LOCKED | ALONE)

/* Answer to a query */
struct api_scope {
	unsigned int method;
	int nr;
	char bdf[MAX_DEVS][BDF_LEN];
};

/* Load the module, if it is one */
int api_load(void);

/* A file to make requests with, or -1 */
int api_open(void);

/* 0 or the errno of the request, -1 for an answer that makes no sense */
int api_request(int ctl, const char *fmt, ...);
int api_reset(int ctl, const char *bdf, unsigned int flags);
int api_query(int ctl, const char *bdf, unsigned int flags, struct api_scope *scope);
int api_commit(int ctl, unsigned int modifiers);

/* Value of a counter of the module or, in a device's directory, of the driver */
int api_counter(const char *bdf, const char *name);

/* probe_flags and probe_hold_ms */
int api_set_param(const char *name, unsigned int value);

/*
 * Bind to the test driver. Then with @flags, its probe resets: 0 or the errno of
 * that, or -1 if there was no probe.
 */
int api_bind(const char *bdf);
int api_probe(const char *bdf, unsigned int flags);

/* Somebody who holds the lock of a device, for a while: it is being probed */
struct api_holder {
	pthread_t thread;
	const char *bdf;
	int ret;
};

int api_hold(struct api_holder *holder, const char *bdf, unsigned int ms);
int api_hold_end(struct api_holder *holder);

/* What the kernel's log says about a reset, with debug messages on */
struct api_log {
	char via[64];		/* function methods that were started, in order */
	bool flr, pm;		/* waited for that */
	int gave_up;		/* number of times it stopped to wait for a device */
};

int api_log_on(void);
int api_log_read(int kmsg, struct api_log *log);

/* Is the memory of a device that was removed free, did the last user let go? */
int api_log_freed(int kmsg, const char *bdf);

/* Name of the bridge above a device, "" below a root bus */
int pci_bridge_above(const char *bdf, char bridge[BDF_LEN]);
bool pci_is_bridge(const char *bdf);

#endif
