/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the reset tests have in common: devices by their sysfs name
 * ("0000:01:00.0"), a proof that a function was reset, and what must be the
 * same before and after. Functions return 0 or -1 and have said on stderr why.
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
 * Seconds as the guest counts them. They pass in no time while it waits for the
 * host's disk (see vmtest.sh), so a time-out has to be far away.
 */
#define LONG_TIMEOUT	3600

/**
 * struct reset_args - the devices that a test was given
 * @scope: the devices that the reset under test affects, it is asked of the
 *	   first one
 * @nr_scope: how many
 * @outside: devices that it must leave alone
 * @nr_outside: how many
 * @port: ports above the first device, by the IDs that QEMU's monitor knows
 * @nr_port: how many
 */
struct reset_args {
	const char *scope[MAX_DEVS];
	int nr_scope;
	const char *outside[MAX_DEVS];
	int nr_outside;
	const char *port[MAX_PORTS];
	int nr_port;
};

int reset_parse_args(struct reset_args *args, int *argc, char **argv);

/* sysfs; @attr is relative to the device's directory, @buf loses the newline */
int pci_read_attr(const char *bdf, const char *attr, char *buf, size_t size);
int pci_write_attr(const char *bdf, const char *attr, const char *value);
bool pci_has_attr(const char *bdf, const char *attr);
int pci_link_name(const char *bdf, const char *attr, char *name, size_t size);
int write_file(const char *path, const char *value);

/* The same for a write that may well be refused: 0 or its errno, and no message */
int write_errno(const char *path, const char *value);
int pci_write_errno(const char *bdf, const char *attr, const char *value);

/* The driver's name, or "" if there is none */
int pci_driver(const char *bdf, char *name, size_t size);

/* Bind to @driver, or to none if @driver is ""; only @driver may claim it then */
int pci_bind(const char *bdf, const char *driver);

/* Find out again, after pci_bind(), which driver matches by itself */
int pci_bind_default(const char *bdf);

/* Config space: its length, or -1 */
int pci_config(const char *bdf, __u8 cfg[CFG_SIZE]);

/* Offset of a capability, or 0 */
int pci_cap(const __u8 cfg[CFG_SIZE], int id);
int pci_ext_cap(const __u8 cfg[CFG_SIZE], int len, int id);

/*
 * Number of bytes that differ, with bits that hardware changes by itself left
 * out; says on stdout what differs
 */
int pci_config_diff(const char *bdf, const __u8 *before, const __u8 *after,
		    int len);

/*
 * A mark is state that nothing but a reset clears and nothing but a reset does
 * clear: the last entry of the MSI-X table, which no driver uses (topologies
 * see to that), or the MSI address of a device that has MSI only, unused.
 *
 * reset_marked() is 1 if the mark is there, 0 if it is gone, -1 if the device
 * does not answer, which is no proof of a reset.
 */
int reset_mark(const char *bdf);
int reset_marked(const char *bdf);

/*
 * The kernel's log from here on. pciehp_complaints() counts the lines that
 * pciehp has logged since, without those that say it ignored an event, and
 * shows them on stdout.
 */
int kmsg_open(void);
int pciehp_complaints(int kmsg);

/*
 * Have QEMU inject a fatal error into a port: a Data Link Protocol Error, which
 * the port finds itself
 */
int inject_fatal(const char *port);

/* What the kernel has said of errors, in a log that kmsg_open() opened */
struct error_log {
	int kmsg;
	unsigned int recovered;
	unsigned int failed;
	unsigned int restarted;		/* by the NVMe driver */
};

void error_log_read(struct error_log *log);

/* Wait until @nr recoveries have ended, well or not; false if they do not */
bool error_log_wait(struct error_log *log, unsigned int nr);

/*
 * The @n-th allocation of this thread from here on fails. fail_nth_done() tells
 * whether it came to pass, and lets no other one fail. fail_nth_open() comes
 * first, and fails if the kernel has no CONFIG_FAILSLAB.
 */
int fail_nth_open(void);
void fail_nth(int n);
bool fail_nth_done(void);

/*
 * Kernel memory that is in use for small objects, but for caches, in KiB; takes
 * some seconds until what was freed before is
 */
long slab_kb(void);

/* Is there an IOMMU? Without one, vfio gives devices only to who asks for it */
bool has_iommu(void);
int vfio_allow_noiommu(void);

/* The cdev of a device with vfio-pci, not yet bound to an iommufd, or -1 */
int vfio_cdev_open(const char *bdf);

/* The disk of an NVMe controller, "/dev/nvme0n1"; no message if there is none yet */
int nvme_disk(const char *bdf, char *dev, size_t size);

/* Write and read back a block of the disk below an NVMe controller, O_DIRECT */
int nvme_does_io(const char *bdf);

#endif
