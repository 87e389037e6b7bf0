// SPDX-License-Identifier: GPL-2.0
/*
 * Everything that can happen to PCI devices, at the same time: resets by every
 * entry point that userspace can reach, against insertion and removal, slots that
 * lose power, drivers that come and go, AER and DPC, and readers of sysfs. On a
 * fabric of pci-sim, see Documentation/PCI/pci-sim.rst.
 *
 *	reset_stress [seconds=N] [seed=N] [without=KIND|TEAM]...
 *
 * Each worker is a thread that draws one kind of operation of its team after the
 * other, with a target and a delay. What it draws follows from the seed and from
 * nothing else; the order in which the workers get to it does not.
 *
 * An operation may be refused, with an error that is documented for it. In the
 * end all has to be as in the beginning: every device there, or to be had by a
 * rescan, with its driver, and able to be reset; as many calls of reset_done as
 * of reset_prepare; and nothing left when the fabric is gone and the modules are
 * unloaded. What the kernel says meanwhile is for the caller to look at
 * (vmtest.sh does), and so is the end of a kernel that hangs: hung_task_panic.
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

/* One operation takes as long as this in a kernel that has lost its way */
#define HUNG_S		240

/* Whatever is under way when the workers stop is over by then */
#define DEADLINE_S	120

/* By what chance has left out in the given time is waited for, up to this often */
#define MAX_FACTOR	15

#define PICK(array, n)	(&(array)[(n) % ARRAY_SIZE(array)])

static unsigned int seconds = 20;
static unsigned long long seed;

/* --- the fabric ----------------------------------------------------------- */

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
	/* Nothing but a link to be reset by */
	"port4", "port4/endpoint",
};

static const struct {
	const char *path;
	const char *value;
} attrs[] = {
	{ "jitter", "300" },
	{ "port0/hotplug", "1" },
	{ "port0/slot", "100" },
	{ "port0/power_ctrl", "1" },
	{ "port0/switch/port0/hotplug", "1" },
	{ "port0/switch/port0/slot", "101" },
	{ "port0/switch/port0/power_ctrl", "1" },
	{ "port0/switch/port0/button", "1" },
	{ "port0/switch/port0/endpoint/flr", "1" },
	{ "port0/switch/port0/endpoint/dsn", "1" },
	{ "port0/switch/port0/endpoint1/flr", "1" },
	{ "port0/switch/port0/endpoint1/dsn", "2" },
	{ "port0/switch/port1/hotplug", "1" },
	{ "port0/switch/port1/slot", "102" },
	{ "port0/switch/port1/dpc", "1" },
	{ "port0/switch/port1/endpoint/pm_reset", "1" },
	{ "port1/endpoint/flr", "1" },
	{ "port1/endpoint/function1/pm_reset", "1" },
	{ "port2/dpc", "1" },
	{ "port2/endpoint/flr", "1" },
	{ "port2/endpoint/vfs", "4" },
	/* With the jitter: not longer than a VF may take */
	{ "port2/endpoint/vf_ms", "20" },
	{ "port3/hotplug", "1" },
	{ "port3/slot", "103" },
	{ "port3/power_ctrl", "1" },
	{ "port3/button", "1" },
	{ "port3/dpc", "1" },
	{ "port3/intx", "1" },
	{ "port3/endpoint/af_flr", "1" },
	{ "port3/endpoint/dsn", "3" },
	{ "port3/endpoint1/af_flr", "1" },
	{ "port3/endpoint1/dsn", "4" },
};

/*
 * A PF that is pulled with its VFs is never freed. That is so without any reset.
 * So VFs come and go, are reset and meet errors, but their PF stays, and keeps
 * the driver that knows about VFs.
 */
#define PF	"port2/endpoint"

/* An endpoint stands for whichever card is in its slot */
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

/* Root Ports have no link above that a reset could use */
static const char * const switch_ports[] = {
	"port0/switch", "port0/switch/port0", "port0/switch/port1",
};

static const char * const cards[] = {
	"port0/switch", "port0/switch/port0/endpoint", "port0/switch/port1/endpoint",
	"port3/endpoint",
};

/* Cards that take the place of the one without a number */
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

/* Something that is going to happen, @us from now */
static int event_later(const char *path, const char *attr, const char *value,
		       unsigned int us)
{
	char text[32];

	snprintf(text, sizeof(text), "%s %u", value, us);
	return event(path, attr, text);
}

/* Where it is now: ENXIO if the kernel has no device there */
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

/* --- operations: 0 or an errno -------------------------------------------- */

/* What a worker has drawn */
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
	int err = address(*PICK(functions, draw->target), bdf);

	err = err ?: pci_write_errno(bdf, "reset_method", kind->arg);
	return err ?: pci_write_errno(bdf, "reset", "1");
}

static int reset_subordinate(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int err = address(*PICK(bridges, draw->target), bdf);

	return err ?: pci_write_errno(bdf, "reset_subordinate", "1");
}

static int reset_vf(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN], attr[32];
	int err = address(PF, bdf);

	snprintf(attr, sizeof(attr), "virtfn%u/reset", draw->target % 4);
	return err ?: pci_write_errno(bdf, attr, "1");
}

static const unsigned int modifiers[] = { 0, 0, TRYLOCK, ALONE };

static int reset_flags(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int err = link_address(draw->target, bdf);

	return err ?: api_reset(ctl, bdf, kind->flags | *PICK(modifiers, draw->choice));
}

static int query_and_commit(const struct kind *kind, const struct draw *draw, int ctl)
{
	struct api_scope scope;
	char bdf[BDF_LEN];
	int err = link_address(draw->target, bdf);

	err = err ?: api_query(ctl, bdf, kind->flags, &scope);
	if (err)
		return err;
	usleep(draw->us / 16);
	return api_commit(ctl, *PICK(modifiers, draw->choice));
}

/* Let @driver have the device, if it is there and wants to; "none" for none */
static int rebind(const char *bdf, const char *driver)
{
	int err = pci_write_errno(bdf, "driver_override", driver);

	if (err)
		return err;
	err = pci_write_errno(bdf, "driver/unbind", bdf);
	/* Without a driver already, or just losing it */
	if (err && err != ENOENT && err != ENODEV)
		return err;
	return write_errno("/sys/bus/pci/drivers_probe", bdf);
}

static int bind_driver(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int err = address(functions[draw->target % NR_FREE], bdf);

	return err ?: rebind(bdf, kind->arg);
}

static int reset_in_probe(const struct kind *kind, const struct draw *draw, int ctl)
{
	static const unsigned int masks[] = { FUNC, LINK, ANY, LINK | ALONE, BUS };
	char bdf[BDF_LEN], path[PATH_MAX], text[16] = "";
	int fd, err = address(functions[draw->target % NR_FREE], bdf);
	ssize_t len;

	if (err)
		return err;
	snprintf(text, sizeof(text), "%#x", LOCKED | *PICK(masks, draw->choice));
	err = write_errno("/sys/module/pci_reset_test/parameters/probe_flags", text);
	err = err ?: rebind(bdf, TEST_DRIVER);
	if (err)
		return err;

	snprintf(path, sizeof(path), TEST_DEBUGFS "%s/probe_result", bdf);
	fd = open(path, O_RDONLY);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	/* That is how debugfs says that the driver is gone again */
	if (err == EIO)
		err = ENODEV;
	return err ?: -atoi(text);
}

/* The reset that vfio-pci's user asks for: of the device, or of all on its link */
static int vfio_reset(const struct kind *kind, const struct draw *draw, int ctl)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_pci_hot_reset hot = { .argsz = sizeof(hot) };
	char bdf[BDF_LEN], driver[NAME_MAX];
	int dev, iommufd, err = address(functions[draw->target % NR_FREE], bdf);

	if (err)
		return err;
	if (pci_driver(bdf, driver, sizeof(driver)))
		return errno;
	if (strcmp(driver, "vfio-pci"))
		err = rebind(bdf, "vfio-pci");
	if (err)
		return err;

	dev = vfio_cdev_open(bdf);
	if (dev < 0)
		return errno;
	iommufd = open("/dev/iommu", O_RDWR);
	bind.iommufd = iommufd;
	if (ioctl(dev, VFIO_DEVICE_BIND_IOMMUFD, &bind) ||
	    (kind->flags ? ioctl(dev, VFIO_DEVICE_PCI_HOT_RESET, &hot) :
			   ioctl(dev, VFIO_DEVICE_RESET)))
		err = errno;
	usleep(draw->us / 16);
	close(dev);
	if (iommufd >= 0)
		close(iommufd);
	return err;
}

static int pull_and_plug(const struct kind *kind, const struct draw *draw, int ctl)
{
	const char *card = *PICK(cards, draw->target);
	int err = event(card, "present", "0");

	return err ?: event_later(card, "present", "1", draw->us);
}

static int replace(const struct kind *kind, const struct draw *draw, int ctl)
{
	/* The other one comes back in pull_and_plug() */
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
	int err = event(port, "link_stuck", "1");

	return err ?: event_later(port, "link_stuck", "0", draw->us);
}

static int slot_power(const struct kind *kind, const struct draw *draw, int ctl)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), SLOTS "%s/power", *PICK(slots, draw->target));
	err = write_errno(path, "0");
	usleep(draw->us);
	return write_errno(path, "1") ?: err;
}

/* The flags are the bits of the Status register */
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

/* It takes its time from the next reset on */
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
	int err = address(port, bdf);

	if (err)
		return err;
	snprintf(service, sizeof(service), "%s:pcie%c04", bdf, strchr(port, '/') ? '2' : '0');
	err = write_errno(PCIEHP "unbind", service);
	usleep(draw->us / 16);
	/* Bound again whatever came out */
	return write_errno(PCIEHP "bind", service) ?: err;
}

static int runtime_pm(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int err = any_address(draw->target, bdf);

	return err ?: pci_write_errno(bdf, "power/control", kind->arg);
}

/* It is found again a while later, unless somebody else has found it before */
static int remove_and_rescan(const char *path, const struct draw *draw)
{
	char bdf[BDF_LEN];
	int err = address(path, bdf);

	err = err ?: pci_write_errno(bdf, "remove", "1");
	usleep(draw->us);
	return write_errno("/sys/bus/pci/rescan", "1") ?: err;
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
	int err = address(*PICK(bridges, draw->target), bdf);

	return err ?: pci_write_errno(bdf, "rescan", "1");
}

static int numvfs(const struct kind *kind, const struct draw *draw, int ctl)
{
	char bdf[BDF_LEN];
	int err = address(PF, bdf);

	return err ?: pci_write_errno(bdf, "sriov_numvfs", kind->arg);
}

/* 0 if one of the files could be read, or why the first one could not */
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
	int err = any_address(draw->target, bdf);

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	return err ?: read_files(path, names, ARRAY_SIZE(names));
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

/* /proc goes from device to device, with a reference to one at a time */
static int read_lists(const struct kind *kind, const struct draw *draw, int ctl)
{
	static const char * const names[] = { "bus/pci/devices", "iomem", "interrupts" };

	return read_files("/proc", names, ARRAY_SIZE(names));
}

/* --- what there is to do -------------------------------------------------- */

/* What may come of an operation besides 0 */
#define GONE	ENXIO, ENOENT, ENODEV

static const int never[] = { 0 };
static const int gone[] = { GONE, 0 };
/* reset_method: EINVAL if it does not have this one */
static const int by_reset[] = { GONE, ENOTTY, EAGAIN, EBUSY, ETIMEDOUT, EINVAL, 0 };
static const int by_api[] = { GONE, ENOTTY, EAGAIN, EBUSY, ETIMEDOUT, 0 };
/* Not all owned, another one has it open */
static const int by_vfio[] = { GONE, ENOTTY, EAGAIN, EBUSY, ETIMEDOUT, EINVAL, EPERM, 0 };
/* pciehp: in the middle of something else, nothing there, already so, no link */
static const int by_slot[] = { GONE, EBUSY, EINVAL, EAGAIN, EPERM, 0 };
static const int by_bind[] = { GONE, EBUSY, EAGAIN, EINVAL, 0 };
/* VFs are there already; the device does not answer */
static const int by_numvfs[] = { GONE, EBUSY, EIO, ENOTTY, ETIMEDOUT, 0 };

static const struct kind kinds[] = {
	{ RESET, "reset: flr", sysfs_reset, "flr", 0, by_reset },
	{ RESET, "reset: af_flr", sysfs_reset, "af_flr", 0, by_reset },
	{ RESET, "reset: pm", sysfs_reset, "pm", 0, by_reset },
	{ RESET, "reset: bus", sysfs_reset, "bus", 0, by_reset },
	{ RESET, "reset: default", sysfs_reset, "default", 0, by_reset },
	{ RESET, "reset_subordinate", reset_subordinate, NULL, 0, by_api },
	{ RESET, "reset of a VF", reset_vf, NULL, 0, by_api },

	{ API, "flags: FUNC", reset_flags, NULL, FUNC, by_api },
	{ API, "flags: SLOT", reset_flags, NULL, SLOT, by_api },
	{ API, "flags: BUS", reset_flags, NULL, BUS, by_api },
	{ API, "flags: LINK", reset_flags, NULL, LINK, by_api },
	{ API, "flags: ANY", reset_flags, NULL, ANY, by_api },
	{ API, "query, commit: LINK", query_and_commit, NULL, LINK, by_api },
	{ API, "query, commit: ANY", query_and_commit, NULL, ANY, by_api },

	{ VFIO, "vfio: device", vfio_reset, NULL, false, by_vfio },
	{ VFIO, "vfio: hot reset", vfio_reset, NULL, true, by_vfio },

	{ PLUG, "pull, plug in again", pull_and_plug, NULL, 0, never },
	{ PLUG, "replace", replace, NULL, 0, never },

	{ SLOT_CONTROL, "button", press_button, NULL, 0, never },
	{ SLOT_CONTROL, "power fault", power_fault, NULL, 0, never },
	{ SLOT_CONTROL, "power: off and on", slot_power, NULL, 0, by_slot },
	{ SLOT_CONTROL, "link stuck", link_stuck, NULL, 0, never },
	{ SLOT_CONTROL, "pciehp: unbind, bind", rebind_pciehp, NULL, 0, by_bind },

	{ FAULT, "error: correctable", error, "cor_error", PCI_ERR_COR_RCVR, never },
	{ FAULT, "error: non-fatal", error, "uncor_error", PCI_ERR_UNC_UNSUP, never },
	{ FAULT, "error: fatal", error, "uncor_error", PCI_ERR_UNC_DLP, never },
	{ FAULT, "dpc", contain, NULL, 0, never },
	{ FAULT, "slow reset", slow_down, "ready_ms", 0, never },
	{ FAULT, "slow flr", slow_down, "flr_ms", 0, never },

	{ DRIVER, "bind: pci-sim", bind_driver, "pci-sim", 0, by_bind },
	{ DRIVER, "bind: " TEST_DRIVER, bind_driver, TEST_DRIVER, 0, by_bind },
	{ DRIVER, "bind: none", bind_driver, "none", 0, by_bind },
	{ DRIVER, "reset in probe", reset_in_probe, NULL, 0, by_api },
	{ DRIVER, "runtime PM: auto", runtime_pm, "auto", 0, gone },
	{ DRIVER, "runtime PM: on", runtime_pm, "on", 0, gone },

	{ REMOVE, "remove: device", remove_device, NULL, 0, gone },
	{ REMOVE, "remove: bridge", remove_bridge, NULL, 0, gone },
	{ REMOVE, "rescan", rescan_all, NULL, 0, never },
	{ REMOVE, "rescan of a bridge", rescan_below, NULL, 0, gone },

	{ VFS, "VFs: enable", numvfs, "4", 0, by_numvfs },
	{ VFS, "VFs: disable", numvfs, "0", 0, by_numvfs },

	{ READ, "read: device", read_device, NULL, 0, gone },
	{ READ, "read: slot", read_slot, NULL, 0, gone },
	{ READ, "read: lists", read_lists, NULL, 0, never },
};

#define for_each_kind(k) for (k = kinds; k < kinds + ARRAY_SIZE(kinds); k++)

/* Pauses of up to so many ms: longer for what keeps devices away */
static const struct {
	const char *name;
	unsigned int workers;
	unsigned int pause_ms;
} teams[] = {
	[RESET] = { "reset", 3, 30 },
	[API] = { "flags", 3, 30 },
	[VFIO] = { "vfio", 1, 60 },
	[PLUG] = { "plug", 1, 2000 },
	[SLOT_CONTROL] = { "slot", 1, 1500 },
	[FAULT] = { "fault", 1, 1000 },
	[DRIVER] = { "driver", 1, 150 },
	[REMOVE] = { "remove", 1, 600 },
	[VFS] = { "vfs", 1, 600 },
	[READ] = { "read", 2, 2 },
};

static bool left_out[ARRAY_SIZE(kinds)];

/* --- workers -------------------------------------------------------------- */

#define NR_ERRNO	134

struct worker {
	pthread_t thread;
	enum team team;
	unsigned int nr;
	unsigned long long random;
	int ctl;
	bool running;			/* not yet at its end */
	const struct kind *kind;	/* what it is doing, */
	time_t since;			/* and since when */
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
	int err;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		kind = draw_kind(worker);
		draw.target = draw_number(worker);
		draw.choice = draw_number(worker);
		draw.us = draw_number(worker) % 400000;
		pause = draw_number(worker) % (teams[worker->team].pause_ms * 1000);

		if (!left_out[kind - kinds]) {
			__atomic_store_n(&worker->since, now(), __ATOMIC_RELAXED);
			__atomic_store_n(&worker->kind, kind, __ATOMIC_RELEASE);
			err = kind->fn(kind, &draw, worker->ctl);
			__atomic_store_n(&worker->kind, NULL, __ATOMIC_RELEASE);
			if (err < 0 || err >= NR_ERRNO)
				err = NR_ERRNO - 1;
			worker->results[kind - kinds][err]++;
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

/* Who has been at the same thing for long? Returns the longest time */
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
			ksft_print_msg("%s %u: \"%s\" is taking more than %ld s\n",
				       teams[worker->team].name, worker->nr, kind->name,
				       (long)busy);
		worker->reported = true;
		if (busy > longest)
			longest = busy;
	}
	return longest;
}

/* The results of a kind, by all who may do it */
static void add_up(const struct kind *kind, unsigned int sum[NR_ERRNO])
{
	unsigned int i, err;

	memset(sum, 0, NR_ERRNO * sizeof(*sum));
	for (i = 0; i < nr_workers; i++)
		for (err = 0; err < NR_ERRNO; err++)
			sum[err] += workers[i].results[kind - kinds][err];
}

static void progress(time_t since)
{
	unsigned int sum[NR_ERRNO], done[ARRAY_SIZE(teams)] = { }, err, team;
	unsigned int all[ARRAY_SIZE(teams)] = { };
	const struct kind *kind;
	char line[512];
	int len = 0;

	for_each_kind(kind) {
		add_up(kind, sum);
		done[kind->team] += sum[0];
		for (err = 0; err < NR_ERRNO; err++)
			all[kind->team] += sum[err];
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
		if (!sum[0] && !left_out[kind - kinds])
			return false;
	}
	return true;
}

static bool is_refusal(const struct kind *kind, int err)
{
	const int *refusal;

	for (refusal = kind->refusals; *refusal; refusal++)
		if (*refusal == err)
			return true;
	return false;
}

/* A line for each kind of operation: how often it was done, why it was not */
static void check_results(struct __test_metadata *_metadata)
{
	unsigned int sum[NR_ERRNO], err, tried;
	const struct kind *kind;
	char line[512];
	int len;

	ksft_print_msg("%-22s %7s %7s  refused\n", "operation", "tried", "done");
	for_each_kind(kind) {
		add_up(kind, sum);
		tried = 0;
		len = 0;
		line[0] = 0;
		for (err = 0; err < NR_ERRNO; err++) {
			tried += sum[err];
			if (!err || !sum[err])
				continue;
			len += snprintf(line + len, sizeof(line) - len, " %s %u,",
					strerrorname_np(err) ?: "?", sum[err]);
			EXPECT_TRUE(is_refusal(kind, err)) {
				TH_LOG("%s: undocumented errno %u: %s", kind->name, err,
				       strerror(err));
			}
		}
		if (len)
			line[len - 1] = 0;
		ksft_print_msg("%-22s %7u %7u %s\n", kind->name, tried, sum[0], line);
		if (!left_out[kind - kinds]) {
			EXPECT_LT(0, sum[0]) {
				TH_LOG("%s: never done", kind->name);
			}
		}
	}
}

/* --- afterwards ----------------------------------------------------------- */

/* A device is back if it answers */
static bool is_back(const char *path)
{
	char bdf[BDF_LEN];
	__u8 cfg[CFG_SIZE];

	return !address(path, bdf) && pci_has_attr(bdf, "config") &&
	       pci_config(bdf, cfg) > 0 && (cfg[0] & cfg[1]) != 0xff;
}

static unsigned int nr_missing(bool say)
{
	unsigned int i, missing = 0;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		if (is_back(functions[i]))
			continue;
		missing++;
		if (say)
			ksft_print_msg("%s is not there\n", functions[i]);
	}
	return missing;
}

/* As fast as it was, every card in its place, power on, and a look around */
static void mend(void)
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
		 * pciehp, if it was bound after a power fault, takes the slot for
		 * one that is on. So it is without any reset.
		 */
		if (strcmp(sim_get(in_fabric(with_slot[i], "link_up")), "1"))
			write_errno(path, "0");
		write_errno(path, "1");
	}
	write_errno("/sys/bus/pci/rescan", "1");
}

/* What does not come by itself is removed, to be found anew */
static void remove_missing(void)
{
	unsigned int i, j;
	char bdf[BDF_LEN];

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		if (is_back(functions[i]))
			continue;
		/* By the topmost bridge */
		for (j = 0; j < ARRAY_SIZE(bridges); j++) {
			if (strchr(bridges[j], '/') ||
			    strncmp(functions[i], bridges[j], strlen(bridges[j])))
				continue;
			ksft_print_msg("%s has to be removed and found anew for %s\n",
				       bridges[j], functions[i]);
			if (!address(bridges[j], bdf))
				pci_write_errno(bdf, "remove", "1");
		}
	}
}

/* A word that the kernel says of a slot, "?" if it does not */
static const char *slot_says(const char *slot, const char *attr, char word[16])
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

static void say_slots(void)
{
	char power[16], adapter[16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		ksft_print_msg("slot %s: power %s, adapter %s, link up %s\n", slots[i],
			       slot_says(slots[i], "power", power),
			       slot_says(slots[i], "adapter", adapter),
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
		mend();
		sleep(2);
		if (!nr_missing(false))
			return true;
		if (!removed && now() > end - DEADLINE_S / 2) {
			remove_missing();
			removed = true;
		}
	}
	nr_missing(true);
	say_slots();
	return false;
}

/* Every device has its driver, was told of the end of each reset, and can be reset */
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
		TH_LOG("%s can not be reset", path);
	}
	EXPECT_TRUE(is_back(path)) {
		TH_LOG("%s does not come back from a reset", path);
	}
	snprintf(counts, sizeof(counts), "%s", in_fabric(path, "counts"));
	EXPECT_EQ(sim_number(counts, "reset_prepare"), sim_number(counts, "reset_done")) {
		TH_LOG("%s: reset_prepare, reset_done", path);
	}
}

/* Objects that nothing points to, if the kernel looks for them */
static void check_leaks(struct __test_metadata *_metadata)
{
	char buf[4096];
	ssize_t len;
	int fd;

	if (access(KMEMLEAK, F_OK))
		return;
	/* What is younger than 5 s does not count, and a pointer may be on its way */
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

/* --- the test ------------------------------------------------------------- */

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
	int err;

	if (self->hung)
		return;
	sim_drop_all("");
	/* The last references to devices may be dropped by others */
	while ((err = sim_unload()) && now() < end)
		usleep(100000);
	EXPECT_EQ(0, err);
	if (err)
		TH_LOG("a device is still in use: pci-sim can not be unloaded");
	EXPECT_EQ(0, system("modprobe -r " TEST_DRIVER));
	check_leaks(_metadata);
	if (_metadata->exit_code != KSFT_PASS)
		TH_LOG("again: reset_stress seconds=%u seed=%llu", seconds, seed);
}

TEST_F_TIMEOUT(stress, all_at_once, 24 * LONG_TIMEOUT)
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
		/* All tasks that are blocked, and all locks that are held */
		write_file("/proc/sysrq-trigger", "w");
		write_file("/proc/sysrq-trigger", "d");
		TH_LOG("%u operations hang; again: reset_stress seconds=%u seed=%llu",
		       running, seconds, seed);
	}
	for (i = 0; i < nr_workers; i++) {
		pthread_join(workers[i].thread, NULL);
		close(workers[i].ctl);
	}
	check_results(_metadata);

	write_file("/sys/module/pci_reset_test/parameters/probe_flags", "0");
	ASSERT_TRUE(all_come_back());
	/* Its driver, when it is unbound, would remove them without the lock for that */
	ASSERT_EQ(0, address(PF, bdf));
	EXPECT_EQ(0, pci_write_errno(bdf, "sriov_numvfs", "0"));
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		check_device(_metadata, functions[i]);
}

/* "seconds=600 seed=1 without=remove", taken out of argv */
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
				left_out[kind] = true;
				end = "";
			}
		} else {
			argv[left++] = argv[i];
			continue;
		}
		if (!end || *end) {
			fprintf(stderr, "what is %s?\n", argv[i]);
			return -1;
		}
	}
	argv[left] = NULL;
	*argc = left;
	return 0;
}

int main(int argc, char **argv)
{
	if (parse_args(&argc, argv))
		return KSFT_FAIL;
	return test_harness_run(argc, argv);
}
