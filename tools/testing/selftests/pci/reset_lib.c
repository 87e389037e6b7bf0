// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "kselftest.h"
#include "reset_lib.h"

#define SYSFS_PCI	"/sys/bus/pci/"

/* An MSI-X or MSI message that no driver writes */
#define MARK		0x5e1ec7ec

static int failed(const char *fmt, ...)
{
	int rc = errno;
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(rc));
	errno = rc;
	return -1;
}

static const char *attr_path(const char *bdf, const char *attr)
{
	static __thread char path[PATH_MAX];

	snprintf(path, sizeof(path), SYSFS_PCI "devices/%s/%s", bdf, attr);
	return path;
}

/* Parse "0000:01:00.0 0000:01:00.1 outside=0000:02:00.0 port=rp0" */
int reset_parse_args(struct reset_args *args, int *argc, char **argv)
{
	static const char outside[] = "outside=", port[] = "port=";
	unsigned int dom, bus, dev, fn;
	int i, left = 1;

	memset(args, 0, sizeof(*args));
	for (i = 1; i < *argc; i++) {
		bool out = !strncmp(argv[i], outside, strlen(outside));
		char *list;
		const char *bdf = argv[i] + (out ? strlen(outside) : 0);
		int *nr = out ? &args->nr_outside : &args->nr_scope;

		if (!strncmp(argv[i], port, strlen(port))) {
			list = argv[i] + strlen(port);
			while (list && args->nr_port < MAX_PORTS)
				args->port[args->nr_port++] = strsep(&list, ",");
			if (list) {
				fprintf(stderr, "more than %d ports\n", MAX_PORTS);
				return -1;
			}
			continue;
		}
		if (strlen(bdf) >= BDF_LEN ||
		    sscanf(bdf, "%x:%x:%x.%x", &dom, &bus, &dev, &fn) != 4) {
			argv[left++] = argv[i];
			continue;
		}
		if (!pci_has_attr(bdf, "config")) {
			fprintf(stderr, "no such PCI device: %s\n", bdf);
			return -1;
		}
		if (*nr == MAX_DEVS) {
			fprintf(stderr, "more than %d devices\n", MAX_DEVS);
			return -1;
		}
		(out ? args->outside : args->scope)[(*nr)++] = bdf;
	}
	argv[left] = NULL;
	*argc = left;
	return 0;
}

/* vmtest-init sets this in the guest */
#define VM_VARIABLE	"PCI_SELFTESTS_VM"

void require_vm(void)
{
	const char *value = getenv(VM_VARIABLE);
	const char *why = NULL;

	if (!value || strcmp(value, "1"))
		why = "resets devices: use run_vm_tests.sh, or set " VM_VARIABLE
		      "=1 to run it on this machine";
	else if (geteuid())
		why = "needs root";
	if (!why)
		return;
	ksft_print_header();
	ksft_exit_skip("%s %s\n", program_invocation_short_name, why);
}

int write_errno(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), rc;

	if (fd < 0)
		return errno;
	rc = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return rc;
}

int pci_write_errno(const char *bdf, const char *attr, const char *value)
{
	return write_errno(attr_path(bdf, attr), value);
}

int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), rc = 0;

	if (fd < 0)
		return failed("open %s", path);
	if (write(fd, value, strlen(value)) < 0)
		rc = failed("write '%s' to %s", value, path);
	close(fd);
	return rc;
}

int pci_write_attr(const char *bdf, const char *attr, const char *value)
{
	return write_file(attr_path(bdf, attr), value);
}

int pci_read_attr(const char *bdf, const char *attr, char *buf, size_t size)
{
	const char *path = attr_path(bdf, attr);
	int fd = open(path, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return failed("open %s", path);
	len = read(fd, buf, size - 1);
	close(fd);
	if (len < 0)
		return failed("read %s", path);
	buf[len] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return 0;
}

bool pci_has_attr(const char *bdf, const char *attr)
{
	return !access(attr_path(bdf, attr), F_OK);
}

int pci_driver(const char *bdf, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t len = readlink(attr_path(bdf, "driver"), target, sizeof(target) - 1);

	name[0] = 0;
	if (len < 0)
		return errno == ENOENT ? 0 : failed("readlink driver of %s", bdf);
	target[len] = 0;
	snprintf(name, size, "%s", strrchr(target, '/') + 1);
	return 0;
}

static int probe(const char *bdf)
{
	return write_file(SYSFS_PCI "drivers_probe", bdf);
}

static int unbind_driver(const char *bdf)
{
	char driver[NAME_MAX];

	if (pci_driver(bdf, driver, sizeof(driver)))
		return -1;
	return driver[0] ? pci_write_attr(bdf, "driver/unbind", bdf) : 0;
}

int pci_bind(const char *bdf, const char *driver)
{
	char now[NAME_MAX];

	/* With a driver_override that no driver has, none binds */
	if (pci_write_attr(bdf, "driver_override", driver[0] ? driver : "none") ||
	    unbind_driver(bdf))
		return -1;
	if (!driver[0])
		return 0;
	if (probe(bdf) || pci_driver(bdf, now, sizeof(now)))
		return -1;
	if (strcmp(now, driver)) {
		fprintf(stderr, "%s is bound to '%s', not to '%s'\n", bdf, now, driver);
		return -1;
	}
	return 0;
}

int pci_bind_default(const char *bdf)
{
	if (pci_write_attr(bdf, "driver_override", "\n") || unbind_driver(bdf))
		return -1;
	return probe(bdf);
}

int pci_config(const char *bdf, __u8 cfg[CFG_SIZE])
{
	const char *path = attr_path(bdf, "config");
	int fd = open(path, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return failed("open %s", path);
	memset(cfg, 0, CFG_SIZE);
	len = pread(fd, cfg, CFG_SIZE, 0);
	close(fd);
	return len < 0 ? failed("read %s", path) : len;
}

static int config_write(const char *bdf, int pos, const void *val, int len)
{
	const char *path = attr_path(bdf, "config");
	int fd = open(path, O_WRONLY);
	ssize_t done;

	if (fd < 0)
		return failed("open %s", path);
	done = pwrite(fd, val, len, pos);
	close(fd);
	return done == len ? 0 : failed("write %s", path);
}

static __u32 get_le(const __u8 *p, int len)
{
	__u32 val = 0;

	while (len--)
		val = val << 8 | p[len];
	return val;
}

int pci_cap(const __u8 cfg[CFG_SIZE], int id)
{
	int pos, ttl = 48;

	if (!(cfg[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	for (pos = cfg[PCI_CAPABILITY_LIST] & ~3; pos >= 0x40 && ttl--;
	     pos = cfg[pos + PCI_CAP_LIST_NEXT] & ~3)
		if (cfg[pos] == id)
			return pos;
	return 0;
}

int pci_ext_cap(const __u8 cfg[CFG_SIZE], int len, int id)
{
	int pos = PCI_CFG_SPACE_SIZE, ttl = (CFG_SIZE - PCI_CFG_SPACE_SIZE) / 8;
	__u32 header;

	for (; pos >= PCI_CFG_SPACE_SIZE && pos < len && ttl--;
	     pos = PCI_EXT_CAP_NEXT(header)) {
		header = get_le(cfg + pos, 4);
		if (header && PCI_EXT_CAP_ID(header) == id)
			return pos;
	}
	return 0;
}

/* Status bits, which the kernel does not restore after a reset */
static const struct volatile_bits {
	int cap;	/* 0: the header */
	bool ext;
	int pos;
	__u16 bits;
} volatile_bits[] = {
	/* errors detected, interrupt pending */
	{ .pos = PCI_STATUS, .bits = 0xf900 | PCI_STATUS_INTERRUPT },
	{ .cap = PCI_CAP_ID_PM, .pos = PCI_PM_CTRL, .bits = PCI_PM_CTRL_PME_STATUS },
	/* errors detected, transactions pending */
	{ .cap = PCI_CAP_ID_EXP, .pos = PCI_EXP_DEVSTA, .bits = 0x002f },
	/* link training and bandwidth changes */
	{ .cap = PCI_CAP_ID_EXP, .pos = PCI_EXP_LNKSTA,
	  .bits = PCI_EXP_LNKSTA_LT | PCI_EXP_LNKSTA_LBMS | PCI_EXP_LNKSTA_LABS },
	/* a slot command completed */
	{ .cap = PCI_CAP_ID_EXP, .pos = PCI_EXP_SLTSTA, .bits = PCI_EXP_SLTSTA_CC },
	/* errors that AER has logged since the reset */
	{ .cap = PCI_EXT_CAP_ID_ERR, .ext = true, .pos = PCI_ERR_UNCOR_STATUS,
	  .bits = 0xffff },
	{ .cap = PCI_EXT_CAP_ID_ERR, .ext = true, .pos = PCI_ERR_UNCOR_STATUS + 2,
	  .bits = 0xffff },
	{ .cap = PCI_EXT_CAP_ID_ERR, .ext = true, .pos = PCI_ERR_COR_STATUS,
	  .bits = 0xffff },
};

/* The offset of a mark in config space, 0 if the device has MSI-X: see access_mark() */
static int config_mark_pos(const __u8 *cfg)
{
	int cap = pci_cap(cfg, PCI_CAP_ID_MSI);

	if (pci_cap(cfg, PCI_CAP_ID_MSIX) || !cap ||
	    (cfg[cap + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_ENABLE))
		return 0;
	return cap + PCI_MSI_ADDRESS_LO;
}

int pci_config_diff(const char *bdf, const __u8 *before, const __u8 *after,
		    int len)
{
	__u8 mask[CFG_SIZE] = { };
	int i, pos, diffs = 0;

	for (i = 0; i < (int)(sizeof(volatile_bits) / sizeof(*volatile_bits)); i++) {
		const struct volatile_bits *v = &volatile_bits[i];

		if (!v->cap)
			pos = 0;
		else
			pos = v->ext ? pci_ext_cap(before, len, v->cap) :
				       pci_cap(before, v->cap);
		if (v->cap && !pos)
			continue;
		mask[pos + v->pos] = v->bits & 0xff;
		mask[pos + v->pos + 1] = v->bits >> 8;
	}

	pos = config_mark_pos(before);
	if (pos)
		memset(mask + pos, 0xff, 4);

	for (i = 0; i < len; i++) {
		if (!((before[i] ^ after[i]) & ~mask[i]))
			continue;
		/* All bytes differ if the device does not respond */
		if (diffs++ < 16)
			printf("# %s: config byte %#05x was %#04x, is %#04x\n", bdf,
			       i, before[i], after[i]);
	}
	return diffs;
}

/* Map the last entry of the MSI-X table */
static __u32 *map_msix_data(const char *bdf, const __u8 *cfg, int cap, void **map)
{
	__u32 table = get_le(cfg + cap + PCI_MSIX_TABLE, 4);
	int last = get_le(cfg + cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE;
	off_t pos = (table & PCI_MSIX_TABLE_OFFSET) + last * PCI_MSIX_ENTRY_SIZE +
		    PCI_MSIX_ENTRY_DATA;
	long page = sysconf(_SC_PAGESIZE);
	char attr[sizeof("resourceN")];
	int fd;

	snprintf(attr, sizeof(attr), "resource%u", table & PCI_MSIX_TABLE_BIR);
	fd = open(attr_path(bdf, attr), O_RDWR | O_SYNC);
	if (fd < 0) {
		failed("open %s of %s", attr, bdf);
		return NULL;
	}
	*map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, pos & -page);
	close(fd);
	if (*map == MAP_FAILED) {
		failed("mmap %s of %s", attr, bdf);
		return NULL;
	}
	return *map + (pos & (page - 1));
}

static int access_config_mark(const char *bdf, int pos, bool write, __u32 *val)
{
	__u8 cfg[CFG_SIZE];

	if (!pos) {
		fprintf(stderr, "%s has no MSI-X and no unused MSI\n", bdf);
		return -1;
	}
	if ((write && config_write(bdf, pos, val, 4)) || pci_config(bdf, cfg) < 0)
		return -1;
	*val = get_le(cfg + pos, 4);
	return 0;
}

/* Write the mark, or read its location */
static int access_mark(const char *bdf, bool write, __u32 *val)
{
	__u32 *data;
	__u8 cfg[CFG_SIZE];
	__u16 cmd, decode;
	void *map;
	int cap;

	if (pci_config(bdf, cfg) < 0)
		return -1;
	cap = pci_cap(cfg, PCI_CAP_ID_MSIX);
	if (!cap)
		return access_config_mark(bdf, config_mark_pos(cfg), write, val);

	/* Memory decoding may be off without a driver or a user of vfio */
	cmd = get_le(cfg + PCI_COMMAND, 2);
	decode = cmd | PCI_COMMAND_MEMORY;
	if (cmd != decode && config_write(bdf, PCI_COMMAND, &decode, 2))
		return -1;
	data = map_msix_data(bdf, cfg, cap, &map);
	if (data) {
		if (write)
			__atomic_store_n(data, *val, __ATOMIC_SEQ_CST);
		*val = __atomic_load_n(data, __ATOMIC_SEQ_CST);
		munmap(map, sysconf(_SC_PAGESIZE));
	}
	if (cmd != decode && config_write(bdf, PCI_COMMAND, &cmd, 2))
		return -1;
	return data ? 0 : -1;
}

int reset_mark(const char *bdf)
{
	__u32 val = MARK;

	if (access_mark(bdf, true, &val))
		return -1;
	if (val != MARK) {
		fprintf(stderr, "%s does not hold a value written to its MSI(-X) message: %#x\n",
			bdf, val);
		return -1;
	}
	return 0;
}

int reset_marked(const char *bdf)
{
	__u32 val;

	if (access_mark(bdf, false, &val))
		return -1;
	if (val == UINT_MAX) {
		fprintf(stderr, "%s does not respond\n", bdf);
		return -1;
	}
	return val == MARK;
}

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		return failed("open /dev/kmsg");
	return fd;
}

int pciehp_complaints(int kmsg)
{
	char rec[8192];
	int found = 0;
	ssize_t len;

	/* Each read returns one record */
	while ((len = read(kmsg, rec, sizeof(rec) - 1)) > 0) {
		char *text;

		rec[len] = 0;
		text = strchr(rec, ';');
		if (!text || !strstr(text, "pciehp") ||
		    strstr(text, "Link Down/Up ignored"))
			continue;
		printf("# %.*s\n", (int)strcspn(text + 1, "\n"), text + 1);
		found++;
	}
	return errno == EAGAIN ? found : failed("read /dev/kmsg");
}

int inject_fatal(const char *port)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "vm-monitor pcie_aer_inject_error %s DLP > /dev/null", port);
	return system(command) ? failed("run %s", command) : 0;
}

void error_log_read(struct error_log *log)
{
	char rec[8192];
	ssize_t len;

	/* EPIPE: records were overwritten, the next read returns the oldest one left */
	while ((len = read(log->kmsg, rec, sizeof(rec) - 1)) > 0 || errno == EPIPE) {
		rec[len > 0 ? len : 0] = 0;
		log->recovered += !!strstr(rec, "device recovery successful");
		log->failed += !!strstr(rec, "device recovery failed");
		log->restarted += !!strstr(rec, "restart after slot reset");
	}
}

bool error_log_wait(struct error_log *log, unsigned int nr)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		error_log_read(log);
		if (log->recovered + log->failed >= nr)
			return true;
		usleep(10000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < LONG_TIMEOUT / 6);
	return false;
}

static int fail_nth_fd = -1;

int fail_nth_open(void)
{
	/* By default, allocations that may sleep do not fail */
	if (write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N") ||
	    write_file("/sys/kernel/debug/failslab/verbose", "0"))
		return -1;
	fail_nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	return fail_nth_fd < 0 ? -1 : 0;
}

void fail_nth(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	if (pwrite(fail_nth_fd, text, strlen(text), 0) < 0)
		perror("fail-nth");
}

bool fail_nth_done(void)
{
	char text[16] = "";
	bool done;

	if (pread(fail_nth_fd, text, sizeof(text) - 1, 0) <= 0)
		perror("fail-nth");
	done = !atoi(text);
	fail_nth(0);
	return done;
}

/* kfree_rcu() batches objects for up to five seconds */
#define RCU_FREES_S	6

long slab_kb(void)
{
	char line[128];
	long kb = -1;
	FILE *f;

	sleep(RCU_FREES_S);
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "SUnreclaim: %ld", &kb);
	if (f)
		fclose(f);
	return kb;
}

bool has_iommu(void)
{
	DIR *dir = opendir("/sys/class/iommu");
	struct dirent *de;
	bool found = false;

	while (dir && (de = readdir(dir)))
		if (de->d_name[0] != '.')
			found = true;
	if (dir)
		closedir(dir);
	return found;
}

int vfio_allow_noiommu(void)
{
	return write_file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "1");
}

int vfio_cdev_open(const char *bdf)
{
	DIR *dir = opendir(attr_path(bdf, "vfio-dev"));
	char path[PATH_MAX];
	struct dirent *de;
	int fd = -1;

	while (dir && (de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", de->d_name);
		fd = open(path, O_RDWR);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* nvme0 is in .../<bdf>/nvme/ */
int nvme_disk(const char *bdf, char *dev, size_t size)
{
	char path[PATH_MAX], ctrl[NAME_MAX + 1] = "";
	struct dirent *de;
	DIR *dir;

	snprintf(path, sizeof(path), "%s", attr_path(bdf, "nvme"));
	dir = opendir(path);
	while (dir && (de = readdir(dir)))
		if (!strncmp(de->d_name, "nvme", 4))
			snprintf(ctrl, sizeof(ctrl), "%s", de->d_name);
	if (dir)
		closedir(dir);
	if (!ctrl[0])
		return -1;
	snprintf(dev, size, "/dev/%sn1", ctrl);
	return access(dev, F_OK);
}

int nvme_does_io(const char *bdf)
{
	static unsigned int round;
	int fd = -1, i, rc = -1;
	const int size = 4096;
	__u8 *out, *in;
	char dev[64];

	/* The driver probes and scans for namespaces asynchronously */
	for (i = 0; i < 1000 && nvme_disk(bdf, dev, sizeof(dev)); i++)
		usleep(10000);

	if (posix_memalign((void **)&out, size, 2 * size))
		return -1;
	in = out + size;
	round += getpid();
	for (i = 0; i < size; i++)
		out[i] = round + i + (i >> 8);
	memset(in, 0, size);

	fd = open(dev, O_RDWR | O_DIRECT);
	if (fd < 0)
		failed("open %s, the disk of %s", dev, bdf);
	else if (pwrite(fd, out, size, 0) != size)
		failed("write %s", dev);
	else if (pread(fd, in, size, 0) != size)
		failed("read %s", dev);
	else if (memcmp(in, out, size))
		fprintf(stderr, "%s does not return the data that was written\n", dev);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	free(out);
	return rc;
}
