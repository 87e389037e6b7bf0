// SPDX-License-Identifier: GPL-2.0
/*
 * Stress test of resets, on a fabric of pci-sim (Documentation/PCI/pci-sim.rst):
 * resets by every entry point of userspace, concurrently with hotplug, slot power,
 * binding of drivers, AER, DPC, removal and reads of sysfs.
 *
 *	reset_stress [seconds=N] [seed=N] [without=KIND|TEAM]...
 *
 * Each worker is a thread that repeats a random operation of its team on a random
 * target after a random delay. The seed determines the sequence of each worker, but
 * not how the sequences interleave.
 *
 * An operation may fail with an error that is documented for it. In the end, each
 * device must be present, after a rescan at the latest, be bound to its driver and
 * respond to a reset, and reset_done() must have been called as often as
 * reset_prepare(). The fabric must go away, and the modules must unload, without
 * leaks. vmtest.sh checks the kernel's log, and hung_task_panic ends a kernel that
 * hangs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "kselftest_harness.h"
#include "reset_api.h"
#include "reset_lib.h"
#include "sim_lib.h"

#define PCIEHP		"/sys/bus/pci_express/drivers/pciehp/"
#define SLOTS		"/sys/bus/pci/slots/"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

/* An operation that takes longer hangs */
#define HUNG_S		240

/* Time for recoveries and hotplug to end after the workers have stopped */
#define DEADLINE_S	120

/* Run until each operation has succeeded once, for up to this many times @seconds */
#define MAX_FACTOR	15

#define PICK(array, n)	(&(array)[(n) % ARRAY_SIZE(array)])

static unsigned int seconds = 20;
static unsigned long long seed;

/* --- the fabric --------------------------------------------------------- */

#define FABRIC	"stress/"

static const char * const dirs[] = {
	"",
	/* A switch in a slot, with two slots */
	"port0", "port0/switch",
	"port0/switch/port0", "port0/switch/port0/endpoint",
	"port0/switch/port0/endpoint1",
	"port0/switch/port1", "port0/switch/port1/endpoint",
	/* Two Functions, no slot */
	"port1", "port1/endpoint", "port1/endpoint/function1",
	/* VFs, no slot */
	"port2", "port2/endpoint",
	/* A slot with a card to replace the other one */
	"port3", "port3/endpoint", "port3/endpoint1",
	/* No reset but that of the link */
	"port4", "port4/endpoint",
};

static const struct {
	const char *path;
	const char *value;
} attrs[] = {
	{ .path = "jitter", .value = "300" },
	{ .path = "port0/hotplug", .value = "1" },
	{ .path = "port0/slot", .value = "100" },
	{ .path = "port0/power_ctrl", .value = "1" },
	{ .path = "port0/switch/port0/hotplug", .value = "1" },
	{ .path = "port0/switch/port0/slot", .value = "101" },
	{ .path = "port0/switch/port0/power_ctrl", .value = "1" },
	{ .path = "port0/switch/port0/button", .value = "1" },
	{ .path = "port0/switch/port0/endpoint/flr", .value = "1" },
	{ .path = "port0/switch/port0/endpoint/dsn", .value = "1" },
	{ .path = "port0/switch/port0/endpoint1/flr", .value = "1" },
	{ .path = "port0/switch/port0/endpoint1/dsn", .value = "2" },
	{ .path = "port0/switch/port1/hotplug", .value = "1" },
	{ .path = "port0/switch/port1/slot", .value = "102" },
	{ .path = "port0/switch/port1/dpc", .value = "1" },
	{ .path = "port0/switch/port1/endpoint/pm_reset", .value = "1" },
	{ .path = "port1/endpoint/flr", .value = "1" },
	{ .path = "port1/endpoint/function1/pm_reset", .value = "1" },
	{ .path = "port2/dpc", .value = "1" },
	{ .path = "port2/endpoint/flr", .value = "1" },
	{ .path = "port2/endpoint/vfs", .value = "4" },
	/* With the jitter, no longer than the 100 ms that a VF may take */
	{ .path = "port2/endpoint/vf_ms", .value = "20" },
	{ .path = "port3/hotplug", .value = "1" },
	{ .path = "port3/slot", .value = "103" },
	{ .path = "port3/power_ctrl", .value = "1" },
	{ .path = "port3/button", .value = "1" },
	{ .path = "port3/dpc", .value = "1" },
	{ .path = "port3/intx", .value = "1" },
	{ .path = "port3/endpoint/af_flr", .value = "1" },
	{ .path = "port3/endpoint/dsn", .value = "3" },
	{ .path = "port3/endpoint1/af_flr", .value = "1" },
	{ .path = "port3/endpoint1/dsn", .value = "4" },
};

/*
 * A PF that is unplugged while its VFs are enabled is never freed, with or without
 * resets. So the PF is neither removed nor bound to another driver; its VFs are
 * enabled, disabled and reset, and get errors.
 */
#define PF	"port2/endpoint"

/* An endpoint stands for the card that is present in its slot */
static const char * const functions[] = {
	"port0/switch/port0/endpoint", "port0/switch/port1/endpoint",
	"port1/endpoint", "port1/endpoint/function1",
	"port3/endpoint", "port4/endpoint",
	PF,
};

#define NR_FREE		(ARRAY_SIZE(functions) - 1)	/* the last one is PF */

static const char * const bridges[] = {
	"port0", "port0/switch", "port0/switch/port0", "port0/switch/port1",
	"port1", "port2", "port3", "port4",
};

/* All but the one above PF */
static const char * const removable[] = {
	"port0", "port0/switch", "port0/switch/port0", "port0/switch/port1", "port1",
	"port3", "port4",
};

/* Root Ports have no link above them that could be reset */
static const char * const switch_ports[] = {
	"port0/switch", "port0/switch/port0", "port0/switch/port1",
};

static const char * const cards[] = {
	"port0/switch", "port0/switch/port0/endpoint", "port0/switch/port1/endpoint",
	"port3/endpoint",
};

/* Cards that replace the one without a number */
static const char * const spares[] = { "port0/switch/port0/endpoint1", "port3/endpoint1" };

static const char * const with_button[] = { "port0/switch/port0", "port3" };
static const char * const with_power[] = { "port0", "port0/switch/port0", "port3" };
static const char * const with_dpc[] = { "port0/switch/port1", "port2", "port3" };
static const char * const with_slot[] = {
	"port0", "port0/switch/port0", "port0/switch/port1", "port3",
};

/* In the order of with_slot[] */
static const char * const slots[] = { "100", "101", "102", "103" };

static const char *in_fabric(const char *path, const char *attr)
{
	static __thread char full[PATH_MAX];

	snprintf(full, sizeof(full), FABRIC "%s%s%s", path, *attr ? "/" : "", attr);
	return full;
}

static int event(const char *path, const char *attr, const char *value)
{
	return sim_set(in_fabric(path, attr), value);
}

/* An event that happens in @us */
static int event_later(const char *path, const char *attr, const char *value,
		       unsigned int us)
{
	char text[32];

	snprintf(text, sizeof(text), "%s %u", value, us);
	return event(path, attr, text);
}

/* The current address: 0, or ENXIO if the kernel has no such device */
static int address(const char *path, char bdf[BDF_LEN])
{
	unsigned int i;

	snprintf(bdf, BDF_LEN, "%.15s", sim_address(in_fabric(path, "")));
	for (i = 0; i < ARRAY_SIZE(spares) && !strchr(bdf, ':'); i++)
		if (!strncmp(spares[i], path, strlen(spares[i]) - 1) &&
		    strlen(path) == strlen(spares[i]) - 1)
			snprintf(bdf, BDF_LEN, "%.15s", sim_address(in_fabric(spares[i], "")));
	return strchr(bdf, ':') ? 0 : ENXIO;
}

/* --- operations: 0 or an errno ------------------------------------------ */

/* Random parameters of an operation */
struct draw {
	unsigned int target;
	unsigned int choice;
	unsigned int us;
};

struct kind;

typedef int (*operation)(const struct kind *kind, const struct draw *draw, int ctl);

/* In the order of teams[] */
enum team { RESET, API, VFIO, PLUG, SLOT_CONTROL, FAULT, DRIVER, REMOVE, VFS, READ };

struct kind {
	enum team team;
	const char *name;
	operation fn;
	const char *arg;
	unsigned int flags;
	bool hot_reset;
	const int *refusals;
};

/* A Function or a bridge */
static int any_address(unsigned int target, char bdf[BDF_LEN])
{
	target %= ARRAY_SIZE(functions) + ARRAY_SIZE(bridges);
	if (target < ARRAY_SIZE(functions))
		return address(functions[target], bdf);
	return address(bridges[target - ARRAY_SIZE(functions)], bdf);
}

/* A Function or a part of the switch */
static int link_address(unsigned int target, char bdf[BDF_LEN])
{
	target %= ARRAY_SIZE(functions) + ARRAY_SIZE(switch_ports);
	if (target < ARRAY_SIZE(functions))
		return address(functions[target], bdf);
	return address(switch_ports[target - ARRAY_SIZE(functions)], bdf);
}

static const char *any_path(unsigned int target)
{
	target %= ARRAY_SIZE(functions) + ARRAY_SIZE(bridges);
	return target < ARRAY_SIZE(functions) ? functions[target] :
	       bridges[target - ARRAY_SIZE(functions)];
}

static int sysfs_reset(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int rc = address(*PICK(functions, draw->target), bdf);

	rc = rc ?: pci_write_errno(bdf, "reset_method", kind->arg);
	return rc ?: pci_write_errno(bdf, "reset", "1");
}

static int reset_subordinate(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int rc = address(*PICK(bridges, draw->target), bdf);

	return rc ?: pci_write_errno(bdf, "reset_subordinate", "1");
}

static int reset_vf(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN], attr[32];
	int rc = address(PF, bdf);

	snprintf(attr, sizeof(attr), "virtfn%u/reset", draw->target % 4);
	return rc ?: pci_write_errno(bdf, attr, "1");
}

static const unsigned int modifiers[] = { 0, 0, TRYLOCK, ALONE };

static int reset_flags(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int rc = link_address(draw->target, bdf);

	return rc ?: api_reset(ctl, bdf, kind->flags | *PICK(modifiers, draw->choice));
}

static int query_and_commit(const struct kind *kind, const struct draw *draw, int ctl)
{
	struct api_scope scope;
	char bdf[BDF_LEN];
	int rc = link_address(draw->target, bdf);

	rc = rc ?: api_query(ctl, bdf, kind->flags, &scope);
	if (rc)
		return rc;
	usleep(draw->us / 16);
	return api_commit(ctl, *PICK(modifiers, draw->choice));
}

/* Bind the device to @driver only, "none" for no driver */
static int rebind(const char *bdf, const char *driver)
{
	int rc = pci_write_errno(bdf, "driver_override", driver);

	if (rc)
		return rc;
	rc = pci_write_errno(bdf, "driver/unbind", bdf);
	/* It has no driver, or is being unbound */
	if (rc && rc != ENOENT && rc != ENODEV)
		return rc;
	return write_errno("/sys/bus/pci/drivers_probe", bdf);
}

static int bind_driver(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int rc = address(functions[draw->target % NR_FREE], bdf);

	return rc ?: rebind(bdf, kind->arg);
}

static int reset_in_probe(const struct kind *kind, const struct draw *draw, int ctl)
{
	static const unsigned int masks[] = { FUNC, LINK, ANY, LINK | ALONE, BUS };
	char bdf[BDF_LEN], path[PATH_MAX], text[16] = "";
	int fd, rc = address(functions[draw->target % NR_FREE], bdf);
	ssize_t len;

	if (rc)
		return rc;
	snprintf(text, sizeof(text), "%#x", LOCKED | *PICK(masks, draw->choice));
	rc = write_errno("/sys/module/pci_reset_test/parameters/probe_flags", text);
	rc = rc ?: rebind(bdf, TEST_DRIVER);
	if (rc)
		return rc;

	snprintf(path, sizeof(path), TEST_DEBUGFS "%s/probe_result", bdf);
	fd = open(path, O_RDONLY);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len < 0)
		rc = errno;
	if (fd >= 0)
		close(fd);
	/* debugfs returns EIO after the driver was unbound */
	if (rc == EIO)
		rc = ENODEV;
	return rc ?: -atoi(text);
}

/* A reset by a user of vfio-pci, of the device or of all devices on its link */
static int vfio_reset(const struct kind *kind, const struct draw *draw, int ctl)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_pci_hot_reset hot = { .argsz = sizeof(hot) };
	char bdf[BDF_LEN], driver[NAME_MAX];
	int dev, iommufd, rc = address(functions[draw->target % NR_FREE], bdf);

	if (rc)
		return rc;
	if (pci_driver(bdf, driver, sizeof(driver)))
		return errno;
	if (strcmp(driver, "vfio-pci"))
		rc = rebind(bdf, "vfio-pci");
	if (rc)
		return rc;

	dev = vfio_cdev_open(bdf);
	if (dev < 0)
		return errno;
	iommufd = open("/dev/iommu", O_RDWR);
	bind.iommufd = iommufd;
	if (ioctl(dev, VFIO_DEVICE_BIND_IOMMUFD, &bind) ||
	    (kind->hot_reset ? ioctl(dev, VFIO_DEVICE_PCI_HOT_RESET, &hot) :
			   ioctl(dev, VFIO_DEVICE_RESET)))
		rc = errno;
	usleep(draw->us / 16);
	close(dev);
	if (iommufd >= 0)
		close(iommufd);
	return rc;
}

static int pull_and_plug(const struct kind *kind, const struct draw *draw, int ctl)
{
	const char *card = *PICK(cards, draw->target);
	int rc = event(card, "present", "0");

	return rc ?: event_later(card, "present", "1", draw->us);
}

static int replace(const struct kind *kind, const struct draw *draw, int ctl)
{
	/* pull_and_plug() plugs the first card again */
	return event(*PICK(spares, draw->target), "present", "1");
}

static int press_button(const struct kind *kind, const struct draw *draw, int ctl)
{
	return event(*PICK(with_button, draw->target), "press_button", "1");
}

static int power_fault(const struct kind *kind, const struct draw *draw, int ctl)
{
	return event(*PICK(with_power, draw->target), "power_fault", "1");
}

static int link_stuck(const struct kind *kind, const struct draw *draw, int ctl)
{
	const char *port = *PICK(with_slot, draw->target);
	int rc = event(port, "link_stuck", "1");

	return rc ?: event_later(port, "link_stuck", "0", draw->us);
}

static int slot_power(const struct kind *kind, const struct draw *draw, int ctl)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), SLOTS "%s/power", *PICK(slots, draw->target));
	rc = write_errno(path, "0");
	usleep(draw->us);
	return write_errno(path, "1") ?: rc;
}

/* kind->flags are the bits of the Status register */
static int error(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bits[16];

	snprintf(bits, sizeof(bits), "%#x", kind->flags);
	return event(any_path(draw->target), kind->arg, bits);
}

static int contain(const struct kind *kind, const struct draw *draw, int ctl)
{
	return event(*PICK(with_dpc, draw->target), "dpc_trigger", "1");
}

/* The device takes longer from its next reset on */
static int slow_down(const struct kind *kind, const struct draw *draw, int ctl)
{
	char ms[16];

	snprintf(ms, sizeof(ms), "%u", draw->us / 2000);
	return event(*PICK(functions, draw->target), kind->arg, ms);
}

static int rebind_pciehp(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN], service[BDF_LEN + 16];
	const char *port = *PICK(with_slot, draw->target);
	int rc = address(port, bdf);

	if (rc)
		return rc;
	snprintf(service, sizeof(service), "%s:pcie%c04", bdf, strchr(port, '/') ? '2' : '0');
	rc = write_errno(PCIEHP "unbind", service);
	usleep(draw->us / 16);
	/* Bind it even if the unbind failed */
	return write_errno(PCIEHP "bind", service) ?: rc;
}

static int runtime_pm(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int rc = any_address(draw->target, bdf);

	return rc ?: pci_write_errno(bdf, "power/control", kind->arg);
}

/* Remove the device, rescan after a while */
static int remove_and_rescan(const char *path, const struct draw *draw)
{
	char bdf[BDF_LEN];
	int rc = address(path, bdf);

	rc = rc ?: pci_write_errno(bdf, "remove", "1");
	usleep(draw->us);
	return write_errno("/sys/bus/pci/rescan", "1") ?: rc;
}

static int remove_device(const struct kind *kind, const struct draw *draw, int ctl)
{
	return remove_and_rescan(functions[draw->target % NR_FREE], draw);
}

static int remove_bridge(const struct kind *kind, const struct draw *draw, int ctl)
{
	return remove_and_rescan(*PICK(removable, draw->target), draw);
}

static int rescan_all(const struct kind *kind, const struct draw *draw, int ctl)
{
	return write_errno("/sys/bus/pci/rescan", "1");
}

static int rescan_below(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int rc = address(*PICK(bridges, draw->target), bdf);

	return rc ?: pci_write_errno(bdf, "rescan", "1");
}

static int numvfs(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int rc = address(PF, bdf);

	return rc ?: pci_write_errno(bdf, "sriov_numvfs", kind->arg);
}

/* 0 if any of the files could be read, or the errno of the first one */
static int read_files(const char *dir, const char * const *names, unsigned int nr)
{
	char path[PATH_MAX], buf[CFG_SIZE];
	int fd, first = 0, done = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, buf, sizeof(buf)) >= 0)
			done++;
		else
			first = first ?: errno;
		if (fd >= 0)
			close(fd);
	}
	return done ? 0 : first;
}

static int read_device(const struct kind *kind, const struct draw *draw, int ctl)
{
	static const char * const names[] = {
		"config", "resource", "reset_method", "vendor", "class", "enable",
		"current_link_speed", "current_link_width", "max_link_speed",
		"power_state", "power/runtime_status", "uevent", "modalias",
		"aer_dev_correctable", "aer_dev_fatal", "aer_rootport_total_err_fatal",
		"sriov_numvfs", "sriov_totalvfs", "subordinate_bus_number",
		"driver_override", "local_cpus", "pci-sim/reset_done",
	};
	char bdf[BDF_LEN], path[PATH_MAX];
	int rc = any_address(draw->target, bdf);

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	return rc ?: read_files(path, names, ARRAY_SIZE(names));
}

static int read_slot(const struct kind *kind, const struct draw *draw, int ctl)
{
	static const char * const names[] = {
		"address", "adapter", "attention", "latch", "power",
		"cur_bus_speed", "max_bus_speed",
	};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), SLOTS "%s", *PICK(slots, draw->target));
	return read_files(path, names, ARRAY_SIZE(names));
}

/* Files in /proc that iterate over devices */
static int read_lists(const struct kind *kind, const struct draw *draw, int ctl)
{
	static const char * const names[] = { "bus/pci/devices", "iomem", "interrupts" };

	return read_files("/proc", names, ARRAY_SIZE(names));
}

/* --- kinds of operations ------------------------------------------------ */

/* Errors that are documented for an operation */
#define GONE	ENXIO, ENOENT, ENODEV

static const int never[] = { 0 };
static const int gone[] = { GONE, 0 };
/* EINVAL: reset_method names a method that the device does not have */
static const int by_reset[] = { GONE, ENOTTY, EAGAIN, EBUSY, ETIMEDOUT, EINVAL, 0 };
static const int by_api[] = { GONE, ENOTTY, EAGAIN, EBUSY, ETIMEDOUT, 0 };
/* EINVAL: not all devices are owned; EPERM, EBUSY: another user has it open */
static const int by_vfio[] = { GONE, ENOTTY, EAGAIN, EBUSY, ETIMEDOUT, EINVAL, EPERM, 0 };
/* pciehp: slot in transition, empty, or already on or off; no link */
static const int by_slot[] = { GONE, EBUSY, EINVAL, EAGAIN, EPERM, 0 };
static const int by_bind[] = { GONE, EBUSY, EAGAIN, EINVAL, 0 };
/* EBUSY: VFs are enabled already; EIO: the device does not respond */
static const int by_numvfs[] = { GONE, EBUSY, EIO, ENOTTY, ETIMEDOUT, 0 };

static const struct kind kinds[] = {
	{ .team = RESET, .name = "reset: flr", .fn = sysfs_reset, .arg = "flr",
	  .refusals = by_reset },
	{ .team = RESET, .name = "reset: af_flr", .fn = sysfs_reset, .arg = "af_flr",
	  .refusals = by_reset },
	{ .team = RESET, .name = "reset: pm", .fn = sysfs_reset, .arg = "pm",
	  .refusals = by_reset },
	{ .team = RESET, .name = "reset: bus", .fn = sysfs_reset, .arg = "bus",
	  .refusals = by_reset },
	{ .team = RESET, .name = "reset: default", .fn = sysfs_reset, .arg = "default",
	  .refusals = by_reset },
	{ .team = RESET, .name = "reset_subordinate", .fn = reset_subordinate,
	  .refusals = by_api },
	{ .team = RESET, .name = "reset of a VF", .fn = reset_vf, .refusals = by_api },

	{ .team = API, .name = "flags: FUNC", .fn = reset_flags, .flags = FUNC,
	  .refusals = by_api },
	{ .team = API, .name = "flags: SLOT", .fn = reset_flags, .flags = SLOT,
	  .refusals = by_api },
	{ .team = API, .name = "flags: BUS", .fn = reset_flags, .flags = BUS,
	  .refusals = by_api },
	{ .team = API, .name = "flags: LINK", .fn = reset_flags, .flags = LINK,
	  .refusals = by_api },
	{ .team = API, .name = "flags: ANY", .fn = reset_flags, .flags = ANY,
	  .refusals = by_api },
	{ .team = API, .name = "query, commit: LINK", .fn = query_and_commit, .flags = LINK,
	  .refusals = by_api },
	{ .team = API, .name = "query, commit: ANY", .fn = query_and_commit, .flags = ANY,
	  .refusals = by_api },

	{ .team = VFIO, .name = "vfio: device", .fn = vfio_reset,
	  .refusals = by_vfio },
	{ .team = VFIO, .name = "vfio: hot reset", .fn = vfio_reset, .hot_reset = true,
	  .refusals = by_vfio },

	{ .team = PLUG, .name = "pull, plug in again", .fn = pull_and_plug, .refusals = never },
	{ .team = PLUG, .name = "replace", .fn = replace, .refusals = never },

	{ .team = SLOT_CONTROL, .name = "button", .fn = press_button, .refusals = never },
	{ .team = SLOT_CONTROL, .name = "power fault", .fn = power_fault, .refusals = never },
	{ .team = SLOT_CONTROL, .name = "power: off and on", .fn = slot_power,
	  .refusals = by_slot },
	{ .team = SLOT_CONTROL, .name = "link stuck", .fn = link_stuck, .refusals = never },
	{ .team = SLOT_CONTROL, .name = "pciehp: unbind, bind", .fn = rebind_pciehp,
	  .refusals = by_bind },

	{ .team = FAULT, .name = "error: correctable", .fn = error, .arg = "cor_error",
	  .flags = PCI_ERR_COR_RCVR, .refusals = never },
	{ .team = FAULT, .name = "error: non-fatal", .fn = error, .arg = "uncor_error",
	  .flags = PCI_ERR_UNC_UNSUP, .refusals = never },
	{ .team = FAULT, .name = "error: fatal", .fn = error, .arg = "uncor_error",
	  .flags = PCI_ERR_UNC_DLP, .refusals = never },
	{ .team = FAULT, .name = "dpc", .fn = contain, .refusals = never },
	{ .team = FAULT, .name = "slow reset", .fn = slow_down, .arg = "ready_ms",
	  .refusals = never },
	{ .team = FAULT, .name = "slow flr", .fn = slow_down, .arg = "flr_ms",
	  .refusals = never },

	{ .team = DRIVER, .name = "bind: pci-sim", .fn = bind_driver, .arg = "pci-sim",
	  .refusals = by_bind },
	{ .team = DRIVER, .name = "bind: " TEST_DRIVER, .fn = bind_driver, .arg = TEST_DRIVER,
	  .refusals = by_bind },
	{ .team = DRIVER, .name = "bind: none", .fn = bind_driver, .arg = "none",
	  .refusals = by_bind },
	{ .team = DRIVER, .name = "reset in probe", .fn = reset_in_probe, .refusals = by_api },
	{ .team = DRIVER, .name = "runtime PM: auto", .fn = runtime_pm, .arg = "auto",
	  .refusals = gone },
	{ .team = DRIVER, .name = "runtime PM: on", .fn = runtime_pm, .arg = "on",
	  .refusals = gone },

	{ .team = REMOVE, .name = "remove: device", .fn = remove_device, .refusals = gone },
	{ .team = REMOVE, .name = "remove: bridge", .fn = remove_bridge, .refusals = gone },
	{ .team = REMOVE, .name = "rescan", .fn = rescan_all, .refusals = never },
	{ .team = REMOVE, .name = "rescan of a bridge", .fn = rescan_below, .refusals = gone },

	{ .team = VFS, .name = "VFs: enable", .fn = numvfs, .arg = "4", .refusals = by_numvfs },
	{ .team = VFS, .name = "VFs: disable", .fn = numvfs, .arg = "0", .refusals = by_numvfs },

	{ .team = READ, .name = "read: device", .fn = read_device, .refusals = gone },
	{ .team = READ, .name = "read: slot", .fn = read_slot, .refusals = gone },
	{ .team = READ, .name = "read: lists", .fn = read_lists, .refusals = never },
};

#define for_each_kind(k) for (k = kinds; k < kinds + ARRAY_SIZE(kinds); k++)

/* The maximal pause is longer for operations that keep devices away */
static const struct {
	const char *name;
	unsigned int workers;
	unsigned int pause_ms;
} teams[] = {
	[RESET] = { .name = "reset", .workers = 3, .pause_ms = 30 },
	[API] = { .name = "flags", .workers = 3, .pause_ms = 30 },
	[VFIO] = { .name = "vfio", .workers = 1, .pause_ms = 60 },
	[PLUG] = { .name = "plug", .workers = 1, .pause_ms = 2000 },
	[SLOT_CONTROL] = { .name = "slot", .workers = 1, .pause_ms = 1500 },
	[FAULT] = { .name = "fault", .workers = 1, .pause_ms = 1000 },
	[DRIVER] = { .name = "driver", .workers = 1, .pause_ms = 150 },
	[REMOVE] = { .name = "remove", .workers = 1, .pause_ms = 600 },
	[VFS] = { .name = "vfs", .workers = 1, .pause_ms = 600 },
	[READ] = { .name = "read", .workers = 2, .pause_ms = 2 },
};

static bool excluded[ARRAY_SIZE(kinds)];

/* --- workers ------------------------------------------------------------ */

#define NR_ERRNO	134

struct worker {
	pthread_t thread;
	enum team team;
	unsigned int nr;
	unsigned long long random;
	int ctl;
	bool running;			/* the thread has not ended */
	const struct kind *kind;	/* operation in progress, or NULL */
	time_t since;			/* start of that operation */
	bool reported;
	unsigned int results[ARRAY_SIZE(kinds)][NR_ERRNO];
};

static struct worker workers[32];
static unsigned int nr_workers;
static bool stop;

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* splitmix64, a generator for each worker */
static unsigned int draw_number(struct worker *worker)
{
	unsigned long long z = worker->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) >> 32;
}

static const struct kind *draw_kind(struct worker *worker)
{
	const struct kind *kind;

	do {
		kind = PICK(kinds, draw_number(worker));
	} while (kind->team != worker->team);
	return kind;
}

static void *work(void *data)
{
	struct worker *worker = data;
	const struct kind *kind;
	struct draw draw;
	unsigned int pause;
	int rc;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		kind = draw_kind(worker);
		draw.target = draw_number(worker);
		draw.choice = draw_number(worker);
		draw.us = draw_number(worker) % 400000;
		pause = draw_number(worker) % (teams[worker->team].pause_ms * 1000);

		if (!excluded[kind - kinds]) {
			__atomic_store_n(&worker->since, now(), __ATOMIC_RELAXED);
			__atomic_store_n(&worker->kind, kind, __ATOMIC_RELEASE);
			rc = kind->fn(kind, &draw, worker->ctl);
			__atomic_store_n(&worker->kind, NULL, __ATOMIC_RELEASE);
			if (rc < 0 || rc >= NR_ERRNO)
				rc = NR_ERRNO - 1;
			worker->results[kind - kinds][rc]++;
		}
		usleep(pause);
	}
	__atomic_store_n(&worker->running, false, __ATOMIC_RELEASE);
	return NULL;
}

static void start(struct __test_metadata *_metadata)
{
	struct worker *worker = workers;
	unsigned int team, i;

	for (team = 0; team < ARRAY_SIZE(teams); team++) {
		for (i = 0; i < teams[team].workers; i++, worker++) {
			worker->team = team;
			worker->nr = i;
			worker->random = seed + (worker - workers) * 0x632be59bd9b4e019;
			worker->ctl = api_open();
			ASSERT_LE(0, worker->ctl);
			worker->running = true;
			ASSERT_EQ(0, pthread_create(&worker->thread, NULL, work, worker));
		}
	}
	nr_workers = worker - workers;
}

/* Report operations that take long; returns the time of the longest one */
static time_t check_on(void)
{
	const struct kind *kind;
	time_t longest = 0, busy;
	struct worker *worker;

	for (worker = workers; worker < workers + nr_workers; worker++) {
		kind = __atomic_load_n(&worker->kind, __ATOMIC_ACQUIRE);
		busy = now() - __atomic_load_n(&worker->since, __ATOMIC_RELAXED);
		if (!kind || busy < 30) {
			worker->reported = false;
			continue;
		}
		if (!worker->reported)
			ksft_print_msg("%s %u: \"%s\" takes more than %ld s\n",
				       teams[worker->team].name, worker->nr, kind->name,
				       (long)busy);
		worker->reported = true;
		if (busy > longest)
			longest = busy;
	}
	return longest;
}

/* Sum up the results of a kind of operation over all workers */
static void add_up(const struct kind *kind, unsigned int sum[NR_ERRNO])
{
	unsigned int i, rc;

	memset(sum, 0, NR_ERRNO * sizeof(*sum));
	for (i = 0; i < nr_workers; i++)
		for (rc = 0; rc < NR_ERRNO; rc++)
			sum[rc] += workers[i].results[kind - kinds][rc];
}

static void progress(time_t since)
{
	unsigned int sum[NR_ERRNO], done[ARRAY_SIZE(teams)] = { }, rc, team;
	unsigned int all[ARRAY_SIZE(teams)] = { };
	const struct kind *kind;
	char line[512];
	int len = 0;

	for_each_kind(kind) {
		add_up(kind, sum);
		done[kind->team] += sum[0];
		for (rc = 0; rc < NR_ERRNO; rc++)
			all[kind->team] += sum[rc];
	}
	for (team = 0; team < ARRAY_SIZE(teams); team++)
		len += snprintf(line + len, sizeof(line) - len, ", %s %u/%u",
				teams[team].name, done[team], all[team]);
	ksft_print_msg("%ld s, done/tried%s\n", (long)(now() - since), line);
	fflush(stdout);
}

static bool all_done_once(void)
{
	unsigned int sum[NR_ERRNO];
	const struct kind *kind;

	for_each_kind(kind) {
		add_up(kind, sum);
		if (!sum[0] && !excluded[kind - kinds])
			return false;
	}
	return true;
}

static bool is_refusal(const struct kind *kind, int rc)
{
	const int *refusal;

	for (refusal = kind->refusals; *refusal; refusal++)
		if (*refusal == rc)
			return true;
	return false;
}

/* Print the results of each kind of operation, check that errors are documented */
static void check_results(struct __test_metadata *_metadata)
{
	unsigned int sum[NR_ERRNO], rc, tried;
	const struct kind *kind;
	char line[512];
	int len;

	ksft_print_msg("%-22s %7s %7s  refused\n", "operation", "tried", "done");
	for_each_kind(kind) {
		add_up(kind, sum);
		tried = 0;
		len = 0;
		line[0] = 0;
		for (rc = 0; rc < NR_ERRNO; rc++) {
			tried += sum[rc];
			if (!rc || !sum[rc])
				continue;
			len += snprintf(line + len, sizeof(line) - len, " %s %u,",
					strerrorname_np(rc) ?: "?", sum[rc]);
			EXPECT_TRUE(is_refusal(kind, rc)) {
				TH_LOG("%s: undocumented errno %u: %s", kind->name, rc,
				       strerror(rc));
			}
		}
		if (len)
			line[len - 1] = 0;
		ksft_print_msg("%-22s %7u %7u %s\n", kind->name, tried, sum[0], line);
		if (!excluded[kind - kinds]) {
			EXPECT_LT(0, sum[0]) {
				TH_LOG("%s: never done", kind->name);
			}
		}
	}
}

/* --- checks after the run ----------------------------------------------- */

/* A device is back if its config space can be read */
static bool is_back(const char *path)
{
	char bdf[BDF_LEN];
	__u8 cfg[CFG_SIZE];

	return !address(path, bdf) && pci_has_attr(bdf, "config") &&
	       pci_config(bdf, cfg) > 0 && (cfg[0] & cfg[1]) != 0xff;
}

static unsigned int nr_missing(bool print)
{
	unsigned int i, missing = 0;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		if (is_back(functions[i]))
			continue;
		missing++;
		if (print)
			ksft_print_msg("%s is missing\n", functions[i]);
	}
	return missing;
}

/* Undo all events: delays, empty slots, slots without power; and rescan */
static void undo_events(void)
{
	char path[PATH_MAX];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		event(functions[i], "ready_ms", "0");
		event(functions[i], "flr_ms", "0");
	}
	for (i = 0; i < ARRAY_SIZE(with_slot); i++)
		event(with_slot[i], "link_stuck", "0");
	for (i = 0; i < ARRAY_SIZE(cards); i++)
		if (strcmp(sim_get(in_fabric(cards[i], "present")), "1"))
			event(cards[i], "present", "1");
	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		snprintf(path, sizeof(path), SLOTS "%s/power", slots[i]);
		/*
		 * If pciehp is bound after a power fault, it takes the slot to be on,
		 * with or without resets.
		 */
		if (strcmp(sim_get(in_fabric(with_slot[i], "link_up")), "1"))
			write_errno(path, "0");
		write_errno(path, "1");
	}
	write_errno("/sys/bus/pci/rescan", "1");
}

/* Remove Root Ports with missing devices below, for the next rescan */
static void remove_missing(void)
{
	unsigned int i, j;
	char bdf[BDF_LEN];

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		if (is_back(functions[i]))
			continue;
		/* Remove the Root Port above */
		for (j = 0; j < ARRAY_SIZE(bridges); j++) {
			if (strchr(bridges[j], '/') ||
			    strncmp(functions[i], bridges[j], strlen(bridges[j])))
				continue;
			ksft_print_msg("removing %s because %s is missing\n",
				       bridges[j], functions[i]);
			if (!address(bridges[j], bdf))
				pci_write_errno(bdf, "remove", "1");
		}
	}
}

/* Read an attribute of a slot, "?" on failure */
static const char *slot_attr(const char *slot, const char *attr, char word[16])
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), SLOTS "%s/%s", slot, attr);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%15s", word) != 1)
		snprintf(word, 16, "?");
	if (f)
		fclose(f);
	return word;
}

static void print_slots(void)
{
	char power[16], adapter[16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		ksft_print_msg("slot %s: power %s, adapter %s, link up %s\n", slots[i],
			       slot_attr(slots[i], "power", power),
			       slot_attr(slots[i], "adapter", adapter),
			       sim_get(in_fabric(with_slot[i], "link_up")));
	for (i = 0; i < ARRAY_SIZE(cards); i++)
		ksft_print_msg("%s: present %s\n", cards[i],
			       sim_get(in_fabric(cards[i], "present")));
}

static bool all_come_back(void)
{
	time_t end = now() + DEADLINE_S;
	bool removed = false;

	while (now() < end) {
		undo_events();
		sleep(2);
		if (!nr_missing(false))
			return true;
		if (!removed && now() > end - DEADLINE_S / 2) {
			remove_missing();
			removed = true;
		}
	}
	nr_missing(true);
	print_slots();
	return false;
}

/* The device is bound to its driver, its callbacks were paired, and it can be reset */
static void check_device(struct __test_metadata *_metadata, const char *path)
{
	char bdf[BDF_LEN], driver[NAME_MAX], counts[PATH_MAX];

	ASSERT_EQ(0, address(path, bdf));
	ASSERT_EQ(0, pci_bind_default(bdf));
	ASSERT_EQ(0, pci_driver(bdf, driver, sizeof(driver)));
	EXPECT_STREQ("pci-sim", driver) {
		TH_LOG("%s", path);
	}
	EXPECT_EQ(0, pci_write_errno(bdf, "reset_method", "default"));
	EXPECT_EQ(0, pci_write_errno(bdf, "reset", "1")) {
		TH_LOG("%s cannot be reset", path);
	}
	EXPECT_TRUE(is_back(path)) {
		TH_LOG("%s does not respond after a reset", path);
	}
	snprintf(counts, sizeof(counts), "%s", in_fabric(path, "counts"));
	EXPECT_EQ(sim_number(counts, "reset_prepare"), sim_number(counts, "reset_done")) {
		TH_LOG("%s: reset_prepare, reset_done", path);
	}
}

/* Leaked objects, if the kernel has kmemleak */
static void check_leaks(struct __test_metadata *_metadata)
{
	char buf[4096];
	ssize_t len;
	int fd;

	if (access(KMEMLEAK, F_OK))
		return;
	/* kmemleak ignores objects younger than 5 s; a second scan avoids false positives */
	write_file(KMEMLEAK, "scan");
	sleep(6);
	write_file(KMEMLEAK, "scan");
	fd = open(KMEMLEAK, O_RDONLY);
	ASSERT_LE(0, fd);
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	EXPECT_EQ(0, len) {
		buf[len > 0 ? len : 0] = 0;
		TH_LOG("kmemleak:\n%s", buf);
	}
}

/* --- the test ----------------------------------------------------------- */

FIXTURE(stress) {
	bool hung;
};

FIXTURE_SETUP(stress)
{
	unsigned int i;
	char text[32];

	if (!sim_exists())
		SKIP(return, "the kernel has no module pci-sim");
	if (api_load())
		SKIP(return, "the kernel has no module " TEST_DRIVER);
	ASSERT_EQ(0, sim_load());
	ASSERT_EQ(0, vfio_allow_noiommu());
	if (!access(KMEMLEAK, F_OK)) {
		write_file(KMEMLEAK, "scan");
		write_file(KMEMLEAK, "clear");
	}

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		ASSERT_EQ(0, sim_make(in_fabric(dirs[i], ""))) {
			TH_LOG("%s", dirs[i]);
		}
	}
	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		ASSERT_EQ(0, event(attrs[i].path, "", attrs[i].value)) {
			TH_LOG("%s", attrs[i].path);
		}
	}
	snprintf(text, sizeof(text), "%llu", seed);
	ASSERT_EQ(0, event("seed", "", text));
	ASSERT_EQ(0, event("live", "", "1"));
	ASSERT_EQ(0, nr_missing(true));
}

FIXTURE_TEARDOWN(stress)
{
	time_t end = now() + DEADLINE_S;
	int rc;

	if (self->hung)
		return;
	sim_drop_all("");
	/* Other tasks may still hold references to devices */
	while ((rc = sim_unload()) && now() < end)
		usleep(100000);
	EXPECT_EQ(0, rc);
	if (rc)
		TH_LOG("pci-sim cannot be unloaded, a device is still in use");
	EXPECT_EQ(0, system("modprobe -r " TEST_DRIVER));
	check_leaks(_metadata);
	if (_metadata->exit_code != KSFT_PASS)
		TH_LOG("to repeat: reset_stress seconds=%u seed=%llu", seconds, seed);
}

TEST_F_TIMEOUT(stress, all_devices_come_back, 24 * LONG_TIMEOUT)
{
	time_t began = now(), next = 10, hung = 0;
	unsigned int i, running;
	char bdf[BDF_LEN];

	ksft_print_msg("%u s, seed=%llu\n", seconds, seed);
	start(_metadata);
	while (hung < HUNG_S && now() < began + MAX_FACTOR * seconds &&
	       (now() < began + seconds || !all_done_once())) {
		sleep(1);
		hung = check_on();
		if (now() - began < next)
			continue;
		progress(began);
		next += seconds > 120 ? 30 : 10;
	}

	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	do {
		usleep(100000);
		hung = check_on();
		for (running = 0, i = 0; i < nr_workers; i++)
			running += __atomic_load_n(&workers[i].running, __ATOMIC_ACQUIRE);
	} while (running && hung < HUNG_S);
	progress(began);
	self->hung = running;
	ASSERT_EQ(0, running) {
		/* Print all blocked tasks and all locks */
		write_file("/proc/sysrq-trigger", "w");
		write_file("/proc/sysrq-trigger", "d");
		TH_LOG("%u operations hang; to repeat: reset_stress seconds=%u seed=%llu",
		       running, seconds, seed);
	}
	for (i = 0; i < nr_workers; i++) {
		pthread_join(workers[i].thread, NULL);
		close(workers[i].ctl);
	}
	check_results(_metadata);

	write_file("/sys/module/pci_reset_test/parameters/probe_flags", "0");
	ASSERT_TRUE(all_come_back());
	/* Unbinding the PF's driver would remove VFs without the rescan lock */
	ASSERT_EQ(0, address(PF, bdf));
	EXPECT_EQ(0, pci_write_errno(bdf, "sriov_numvfs", "0"));
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		check_device(_metadata, functions[i]);
}

/* Take "seconds=600 seed=1 without=remove" out of argv */
static int parse_args(int *argc, char **argv)
{
	unsigned int i, kind, left = 1;
	char *end;

	if (getrandom(&seed, sizeof(seed), 0) < 0)
		seed = time(NULL);
	for (i = 1; i < (unsigned int)*argc; i++) {
		if (!strncmp(argv[i], "seconds=", 8)) {
			seconds = strtoul(argv[i] + 8, &end, 0);
		} else if (!strncmp(argv[i], "seed=", 5)) {
			seed = strtoull(argv[i] + 5, &end, 0);
		} else if (!strncmp(argv[i], "without=", 8)) {
			end = NULL;
			for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
				if (strcmp(argv[i] + 8, kinds[kind].name) &&
				    strcmp(argv[i] + 8, teams[kinds[kind].team].name))
					continue;
				excluded[kind] = true;
				end = "";
			}
		} else {
			argv[left++] = argv[i];
			continue;
		}
		if (!end || *end) {
			fprintf(stderr, "invalid argument: %s\n", argv[i]);
			return -1;
		}
	}
	argv[left] = NULL;
	*argc = left;
	return 0;
}

int main(int argc, char **argv)
{
	require_vm();
	if (parse_args(&argc, argv))
		return KSFT_FAIL;
	return test_harness_run(argc, argv);
}
