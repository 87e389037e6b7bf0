/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the reset tests: access to devices by their sysfs name
 * ("0000:01:00.0"), marks that show whether a function was reset, and checks that
 * its state is restored. Unless said otherwise, functions return 0, or -1 after
 * printing the reason to stderr.
 */
#ifndef RESET_LIB_H
#define RESET_LIB_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define BDF_LEN		16
#define MAX_DEVS	8
#define MAX_PORTS	4
#define CFG_SIZE	4096

/*
 * Timeout of a test, in seconds of guest time. Guest time runs fast while the
 * guest waits for the host's disk (see vmtest.sh), so timeouts are long.
 */
#define LONG_TIMEOUT	3600

/**
 * struct reset_args - devices given on the command line
 * @scope: the devices that a reset of the first one affects
 * @nr_scope: number of entries in @scope
 * @outside: devices that no reset may affect
 * @nr_outside: number of entries in @outside
 * @port: ports above the first device, by their QEMU IDs
 * @nr_port: number of entries in @port
 */
struct reset_args {
	const char *scope[MAX_DEVS];
	int nr_scope;
	const char *outside[MAX_DEVS];
	int nr_outside;
	const char *port[MAX_PORTS];
	int nr_port;
};

/* Take the devices out of @argv, which keeps the options of the test harness */
int reset_parse_args(struct reset_args *args, int *argc, char **argv);

/*
 * Skip the whole test program, that is, do not return, unless it runs as root in
 * a VM of vmtest.sh, or the environment says to reset devices of this machine.
 */
void require_vm(void);

/* Attributes in sysfs, relative to the device's directory; reads drop the newline */
int pci_read_attr(const char *bdf, const char *attr, char *buf, size_t size);
int pci_write_attr(const char *bdf, const char *attr, const char *value);
bool pci_has_attr(const char *bdf, const char *attr);
int write_file(const char *path, const char *value);

/* Writes that a test expects to fail: 0 or the errno, without a message */
int write_errno(const char *path, const char *value);
int pci_write_errno(const char *bdf, const char *attr, const char *value);

/* The name of the driver, "" without one */
int pci_driver(const char *bdf, char *name, size_t size);

/* Bind to @driver only, or keep all drivers away if @driver is "" */
int pci_bind(const char *bdf, const char *driver);

/* Undo pci_bind(): bind to the driver that matches the device */
int pci_bind_default(const char *bdf);

/* Read config space: its length, or -1 */
int pci_config(const char *bdf, __u8 cfg[CFG_SIZE]);

/* Offset of a capability, 0 without it */
int pci_cap(const __u8 cfg[CFG_SIZE], int id);
int pci_ext_cap(const __u8 cfg[CFG_SIZE], int len, int id);

/*
 * Compare config space, without the bits that hardware sets: print what differs
 * to stdout, return the number of bytes
 */
int pci_config_diff(const char *bdf, const __u8 *before, const __u8 *after,
		    int len);

/*
 * A mark is device state that only a reset clears: the last entry of the MSI-X
 * table, which no driver uses in our topologies, or the MSI address of a device
 * that has unused MSI only.
 *
 * reset_marked() returns 1 if the mark is there, 0 if it is gone, and -1 if the
 * device does not respond, which does not show that it was reset.
 */
int reset_mark(const char *bdf);
int reset_marked(const char *bdf);

/*
 * kmsg_open() opens the kernel's log at its end. pciehp_complaints() prints the
 * messages of pciehp that were logged since, except that it ignored an event, and
 * returns their number.
 */
int kmsg_open(void);
int pciehp_complaints(int kmsg);

/*
 * Have QEMU inject a fatal error into a port: a Data Link Protocol Error, which
 * the port itself detects
 */
int inject_fatal(const char *port);

/* Messages about error recovery, in a log opened by kmsg_open() */
struct error_log {
	int kmsg;
	unsigned int recovered;
	unsigned int failed;
	unsigned int restarted;		/* by the NVMe driver */
};

void error_log_read(struct error_log *log);

/* Wait until @nr recoveries have succeeded or failed; false after a timeout */
bool error_log_wait(struct error_log *log, unsigned int nr);

/*
 * fail_nth() lets the @n-th allocation of this thread fail. fail_nth_done() tells
 * whether it did, and ends fault injection. fail_nth_open() must be called first,
 * and fails if the kernel has no CONFIG_FAILSLAB.
 */
int fail_nth_open(void);
void fail_nth(int n);
bool fail_nth_done(void);

/*
 * Unreclaimable slab memory in use, in KiB. Waits some seconds for deferred frees
 */
long slab_kb(void);

/* Without an IOMMU, vfio_allow_noiommu() is needed to use a device by vfio */
bool has_iommu(void);
int vfio_allow_noiommu(void);

/*
 * Open the cdev of a device that is bound to vfio-pci: a file descriptor, or -1
 * without a message, as the device may be unbound at any time. libvfio does not
 * find the cdev of a device without an IOMMU, and exits on errors.
 */
int vfio_cdev_open(const char *bdf);

/* The disk of an NVMe controller, "/dev/nvme0n1"; -1 without a message if there is none yet */
int nvme_disk(const char *bdf, char *dev, size_t size);

/* Write a block of an NVMe controller's disk and read it back, with O_DIRECT */
int nvme_does_io(const char *bdf);

#endif
