/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Call pci_reset_bus_flags() and pci_reset_scope_*() through the module
 * pci-reset-test, and read from the kernel's log what a reset did.
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

/* Result of a query */
struct api_scope {
	unsigned int method;
	int nr;
	char bdf[MAX_DEVS][BDF_LEN];
};

/* Load pci-reset-test unless it is there already; 0 or -1 */
int api_load(void);

/* Open the control file of the module: a file descriptor or -1 */
int api_open(void);

/* Requests: 0, the errno of the request, or -1 if the result cannot be parsed */
int api_request(int ctl, const char *fmt, ...);
int api_reset(int ctl, const char *bdf, unsigned int flags);
int api_query(int ctl, const char *bdf, unsigned int flags, struct api_scope *scope);
int api_commit(int ctl, unsigned int modifiers);

/* A counter of the module or, with a device's name as @bdf, of that device */
int api_counter(const char *bdf, const char *name);

/* Set a module parameter: probe_flags or probe_hold_ms */
int api_set_param(const char *name, unsigned int value);

/*
 * api_bind() binds a device to the test driver. api_probe() does so with a reset
 * in probe: 0 or the errno of the reset, or -1 if the driver was not probed.
 */
int api_bind(const char *bdf);
int api_probe(const char *bdf, unsigned int flags);

/* A thread that holds the device lock: it has the test driver probe the device */
struct api_holder {
	pthread_t thread;
	const char *bdf;
	int rc;
};

int api_hold(struct api_holder *holder, const char *bdf, unsigned int ms);
int api_hold_end(struct api_holder *holder);

/* What the kernel's log says about resets, with debug messages enabled */
struct api_log {
	char via[64];		/* function reset methods, in the order they were used */
	bool flr, pm;		/* waited for the device after an FLR, a PM reset */
	int gave_up;		/* how often the wait for a device timed out */
};

int api_log_on(void);
int api_log_read(int kmsg, struct api_log *log);

/* 1 if the log says that a removed device was freed, 0 if not, or -1 */
int api_log_freed(int kmsg, const char *bdf);

/* Name of the bridge above a device, "" for a device on a root bus */
int pci_bridge_above(const char *bdf, char bridge[BDF_LEN]);
bool pci_is_bridge(const char *bdf);

#endif
