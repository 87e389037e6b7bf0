// SPDX-License-Identifier: GPL-2.0
/*
 * Operations and faults of torture.c
 *
 * What a user does is done through sysfs, which is mounted for this, so that it
 * meets the same locks, and the same attributes that go away, as a user does.
 */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/sched/mm.h>

#include "../pci.h"
#include "torture-kunit.h"

#define TORTURE_KIND_FUNC	(BIT(PCI_SIM_RESET_FLR) |		\
				 BIT(PCI_SIM_RESET_AF_FLR) |		\
				 BIT(PCI_SIM_RESET_PM))
#define TORTURE_KIND_HOT	BIT(PCI_SIM_RESET_HOT)
#define TORTURE_KIND_ALL	(BIT(PCI_SIM_RESET_KINDS) - 1)

#define TORTURE_PORTS		(BIT(TORTURE_ROOT_PORT) |		\
				 BIT(TORTURE_DOWN_PORT))
#define TORTURE_BRIDGES		(TORTURE_PORTS | BIT(TORTURE_SWITCH) |	\
				 BIT(TORTURE_PCI_BRIDGE))
#define TORTURE_EPS		(BIT(TORTURE_ENDPOINT) |		\
				 BIT(TORTURE_FUNCTION))

static struct vfsmount *torture_sysfs;

/*
 * sysfs allocates inodes with kernfs_rwsem held.  pci_bus_sem is held while
 * files are added, with this lock: do not tell lockdep, which would connect it
 * with the order that sim_kunit_start() has taught it.
 */
int torture_sysfs_mount(void)
{
	struct file_system_type *type = get_fs_type("sysfs");
	unsigned int flags;

	if (torture_sysfs)
		return 0;
	if (!type)
		return -ENODEV;

	flags = memalloc_noio_save();
	torture_sysfs = kern_mount(type);
	memalloc_noio_restore(flags);
	if (IS_ERR(torture_sysfs))
		return PTR_ERR(torture_sysfs);
	return 0;
}

void torture_sysfs_unmount(void *unused)
{
	kern_unmount(torture_sysfs);
	torture_sysfs = NULL;
}

static struct file *torture_open(const char *path)
{
	unsigned int flags = memalloc_noio_save();
	struct file *file = file_open_root_mnt(torture_sysfs, path, O_WRONLY, 0);

	memalloc_noio_restore(flags);
	return file;
}

/* Write to a file in sysfs */
static __printf(2, 3) int torture_write(const char *value, const char *fmt, ...)
{
	struct file *file;
	char path[128];
	va_list args;
	loff_t pos = 0;
	ssize_t n;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);

	file = torture_open(path);
	if (IS_ERR(file))
		return PTR_ERR(file);

	n = kernel_write(file, value, strlen(value), &pos);
	fput(file);
	return n < 0 ? n : 0;
}

/* The same, in the directory of a device */
static int torture_write_dev(struct torture_func *func, const char *name,
			     const char *value)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	if (!pdev)
		return -ENODEV;

	return torture_write(value, "bus/pci/devices/%s/%s", pci_name(pdev),
			     name);
}

static int torture_locked(struct pci_dev *pdev)
{
	guard(device)
		(&pdev->dev);

	return pci_reset_function_locked(pdev);
}

static int torture_reset_function(struct torture *t, struct torture_func *func,
				  u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev ? pci_reset_function(pdev) : -ENODEV;
}

static int torture_try_reset_function(struct torture *t,
				      struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev ? pci_try_reset_function(pdev) : -ENODEV;
}

static int torture_reset_function_locked(struct torture *t,
					 struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev ? torture_locked(pdev) : -ENODEV;
}

static int torture_reset_bus(struct torture *t, struct torture_func *func,
			     u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev ? pci_reset_bus(pdev) : -ENODEV;
}

#if IS_ENABLED(CONFIG_PCI_RESET_KUNIT_TEST)
static int torture_flags(struct torture *t, struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev ? torture_reset_flags(pdev, arg) : -ENODEV;
}

static int torture_scope(struct torture *t, struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev ? torture_reset_scope(pdev, arg) : -ENODEV;
}
#else
#define torture_flags	NULL
#define torture_scope	NULL
#endif

static int torture_sysfs_reset(struct torture *t, struct torture_func *func,
			       u32 arg)
{
	return torture_write_dev(func, "reset", "1");
}

static int torture_sysfs_reset_subordinate(struct torture *t,
					   struct torture_func *func, u32 arg)
{
	return torture_write_dev(func, "reset_subordinate", "1");
}

static const char *const torture_methods[] = {
	"default", "flr", "af_flr", "pm", "bus", "bus pm", "",
};

static int torture_sysfs_reset_method(struct torture *t,
				      struct torture_func *func, u32 arg)
{
	return torture_write_dev(func, "reset_method",
				 torture_methods[arg %
					ARRAY_SIZE(torture_methods)] ?: "");
}

static bool torture_is_slot(struct torture_func *func)
{
	return func->node->port.hotplug;
}

static int torture_unplug(struct torture *t, struct torture_func *func, u32 arg)
{
	if (!torture_is_slot(func))
		return -EOPNOTSUPP;

	return pci_sim_unplug(func->f) ? 0 : -ENODEV;
}

/*
 * One of the cards that are in no slot.  A slot has bus numbers only for those
 * bridges that it had in the beginning.
 */
static struct pci_sim_func *torture_spare(struct torture *t,
					  struct torture_func *port, u32 arg)
{
	struct pci_sim_func *spare[TORTURE_NODES];
	unsigned int i, n = 0;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		struct torture_func *func = &t->funcs[i];
		enum torture_type type = func->node->type;

		if (type != TORTURE_ENDPOINT &&
		    &t->plan->nodes[func->node->parent] != port->node)
			continue;
		if ((type == TORTURE_ENDPOINT || type == TORTURE_SWITCH ||
		     type == TORTURE_PCI_BRIDGE) &&
		    !func->node->ep.conventional && !pci_sim_upstream(func->f))
			spare[n++] = func->f;
	}
	return n ? spare[arg % n] : NULL;
}

static int torture_plug_spare(struct torture *t, struct torture_func *func,
			      u32 arg)
{
	struct pci_sim_func *card = torture_spare(t, func, arg);

	if (!card)
		return -ENODEV;
	if (pci_sim_plug(func->f, card))
		return -EINVAL;
	if (func->node->port.button)
		pci_sim_press_button(func->f);
	return 0;
}

static int torture_plug(struct torture *t, struct torture_func *func, u32 arg)
{
	if (!torture_is_slot(func))
		return -EOPNOTSUPP;
	if (pci_sim_card(func->f))
		return -EBUSY;

	return torture_plug_spare(t, func, arg);
}

/* Faster than hands can */
static int torture_replace(struct torture *t, struct torture_func *func,
			   u32 arg)
{
	if (!torture_is_slot(func))
		return -EOPNOTSUPP;

	return torture_plug_spare(t, func, arg);
}

static int torture_link_flap(struct torture *t, struct torture_func *func,
			     u32 arg)
{
	if (!torture_is_slot(func))
		return -EOPNOTSUPP;

	pci_sim_link_flap(func->f, arg);
	return 0;
}

static int torture_button(struct torture *t, struct torture_func *func, u32 arg)
{
	pci_sim_press_button(func->f);
	return 0;
}

static int torture_latch(struct torture *t, struct torture_func *func, u32 arg)
{
	pci_sim_mrl(func->f, arg);
	return 0;
}

static int torture_power_fault(struct torture *t, struct torture_func *func,
			       u32 arg)
{
	pci_sim_power_fault(func->f, false);
	return 0;
}

int torture_slot_power(struct torture *t, struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	if (!pdev)
		return -ENODEV;

	/* The name of a slot is its number, and no two have the same */
	return torture_write(arg ? "1" : "0", "bus/pci/slots/%u/power",
			     pci_sim_get_port_config(func->f)->slot);
}

static int torture_correctable(struct torture *t, struct torture_func *func,
			       u32 arg)
{
	pci_sim_cor_error(func->f, PCI_ERR_COR_RCVR);
	return 0;
}

static int torture_nonfatal(struct torture *t, struct torture_func *func,
			    u32 arg)
{
	pci_sim_uncor_error(func->f, PCI_ERR_UNC_COMP_TIME);
	return 0;
}

static int torture_fatal(struct torture *t, struct torture_func *func, u32 arg)
{
	pci_sim_uncor_error(func->f, PCI_ERR_UNC_DLP);
	return 0;
}

static int torture_dpc(struct torture *t, struct torture_func *func, u32 arg)
{
	return pci_sim_dpc_trigger(func->f);
}

int torture_unbind(struct torture *t, struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	if (!pdev)
		return -ENODEV;

	return torture_write(pci_name(pdev),
			     "bus/pci/devices/%s/driver/unbind",
			     pci_name(pdev));
}

/*
 * Not of a port that has others below it: 7.3.4 disables Bus Master with the
 * port, and so the interrupts of those
 */
static int torture_unbind_port(struct torture *t, struct torture_func *func,
			       u32 arg)
{
	struct pci_sim_func *card = pci_sim_card(func->f);
	struct torture_func *other;

	for (other = t->funcs; other < t->funcs + t->plan->nr_nodes; other++) {
		if (other->f == card && other->node->type == TORTURE_SWITCH)
			return -EOPNOTSUPP;
	}
	return torture_unbind(t, func, arg);
}

int torture_bind(struct torture *t, struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev ? torture_write(pci_name(pdev), "bus/pci/drivers_probe") :
		      -ENODEV;
}

static int torture_remove(struct torture *t, struct torture_func *func, u32 arg)
{
	return torture_write_dev(func, "remove", "1");
}

int torture_rescan(struct torture *t, struct torture_func *func, u32 arg)
{
	return torture_write("1", "bus/pci/rescan");
}

static int torture_sriov(struct torture *t, struct torture_func *func, u32 arg)
{
	char value[8];

	if (!func->node->ep.vfs)
		return -EOPNOTSUPP;

	snprintf(value, sizeof(value), "%u", arg % (func->node->ep.vfs + 1));
	return torture_write_dev(func, "sriov_numvfs", value);
}

/* Keep the port from being suspended for a while */
static int torture_wake(struct torture *t, struct torture_func *func, u32 arg)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	if (!pdev)
		return -ENODEV;

	pm_runtime_get_sync(&pdev->dev);
	msleep(arg);
	pm_runtime_put(&pdev->dev);
	return 0;
}

/* 7.3.4 does not wait for a conventional device, unless it has reset it */
static int torture_late(struct torture *t, struct torture_func *func, u32 arg)
{
	if (func->node->ep.conventional)
		return -EOPNOTSUPP;

	pci_sim_set_ready_ms(func->f, arg);
	pci_sim_set_flr_ms(func->f, arg);
	return 0;
}

static const u32 torture_flag_args[] = {
	0x02, 0x04, 0x08, 0x10, 0x18, 0x07, 0x1f, 0x06,
	0x10002, 0x10018, 0x1001f, 0x20002, 0x20018, 0x2001f,
	0x40018, 0x4001f, 0x60018, 0x50010,
};

static const u32 torture_ms_args[] = { 1, 10, 100, 500, 1500, 5000, 20000 };
static const u32 torture_ready_args[] = { 0, 1, 90, 110, 700, 3000, 12000 };
static const u32 torture_n_args[] = { 0, 1, 2, 3, 4, 5, 6 };
static const u32 torture_flag_arg[] = { 0, 1 };

#define TORTURE_LASTS		.lasting = true, .kinds = TORTURE_KIND_ALL

const struct torture_op_info torture_ops[TORTURE_OPS] = {
	[TORTURE_RESET_FUNCTION] = { .name = "TORTURE_RESET_FUNCTION",
		.weight = 6,
		.targets = TORTURE_EPS, .run = torture_reset_function,
		.reach = TORTURE_REACH_ALONE, .kinds = TORTURE_KIND_FUNC },
	[TORTURE_TRY_RESET_FUNCTION] = { .name = "TORTURE_TRY_RESET_FUNCTION",
		.weight = 3,
		.targets = TORTURE_EPS, .run = torture_try_reset_function,
		.reach = TORTURE_REACH_ALONE, .kinds = TORTURE_KIND_FUNC },
	[TORTURE_RESET_FUNCTION_LOCKED] = { .name = "TORTURE_RESET_FUNCTION_LOCKED",
		.weight = 3,
		.targets = TORTURE_EPS, .run = torture_reset_function_locked,
		.reach = TORTURE_REACH_ALONE, .kinds = TORTURE_KIND_FUNC },
	[TORTURE_RESET_BUS] = { .name = "TORTURE_RESET_BUS",
		.weight = 8,
		.targets = TORTURE_EPS | BIT(TORTURE_SWITCH) |
			   BIT(TORTURE_PCI_BRIDGE),
		.run = torture_reset_bus,
		.reach = TORTURE_REACH_LINK, .kinds = TORTURE_KIND_HOT },
	[TORTURE_SYSFS_RESET] = { .name = "TORTURE_SYSFS_RESET",
		.weight = 4,
		.targets = TORTURE_EPS, .run = torture_sysfs_reset,
		.reach = TORTURE_REACH_ALONE, .kinds = TORTURE_KIND_FUNC },
	[TORTURE_SYSFS_RESET_SUBORDINATE] = { .name = "TORTURE_SYSFS_RESET_SUBORDINATE",
		.weight = 6,
		.targets = TORTURE_BRIDGES,
		.run = torture_sysfs_reset_subordinate,
		.reach = TORTURE_REACH_BELOW, .kinds = TORTURE_KIND_HOT },
	[TORTURE_SYSFS_RESET_METHOD] = { .name = "TORTURE_SYSFS_RESET_METHOD",
		.weight = 3,
		.targets = TORTURE_EPS, .run = torture_sysfs_reset_method,
		.args = torture_n_args,
		.nr_args = ARRAY_SIZE(torture_n_args) },
	[TORTURE_RESET_FLAGS] = { .name = "TORTURE_RESET_FLAGS",
		.weight = 10,
		.targets = TORTURE_EPS | BIT(TORTURE_SWITCH) |
			   BIT(TORTURE_PCI_BRIDGE),
		.run = torture_flags, .args = torture_flag_args,
		.nr_args = ARRAY_SIZE(torture_flag_args),
		.reach = TORTURE_REACH_LINK },
	[TORTURE_RESET_SCOPE] = { .name = "TORTURE_RESET_SCOPE",
		.weight = 5,
		.targets = TORTURE_EPS | BIT(TORTURE_SWITCH) |
			   BIT(TORTURE_PCI_BRIDGE),
		.run = torture_scope, .args = torture_flag_args,
		.nr_args = ARRAY_SIZE(torture_flag_args),
		.reach = TORTURE_REACH_LINK },

	[TORTURE_UNPLUG] = { .name = "TORTURE_UNPLUG",
		.weight = 6, .targets = TORTURE_PORTS,
		.run = torture_unplug, TORTURE_LASTS,
		.reach = TORTURE_REACH_BELOW },
	[TORTURE_PLUG] = { .name = "TORTURE_PLUG",
		.weight = 8, .targets = TORTURE_PORTS,
		.run = torture_plug, .args = torture_n_args,
		.nr_args = ARRAY_SIZE(torture_n_args),
		TORTURE_LASTS, .reach = TORTURE_REACH_BELOW },
	[TORTURE_REPLACE] = { .name = "TORTURE_REPLACE",
		.weight = 4, .targets = TORTURE_PORTS,
		.run = torture_replace, .args = torture_n_args,
		.nr_args = ARRAY_SIZE(torture_n_args),
		TORTURE_LASTS, .reach = TORTURE_REACH_BELOW },
	[TORTURE_LINK_FLAP] = { .name = "TORTURE_LINK_FLAP",
		.weight = 5, .targets = TORTURE_PORTS,
		.run = torture_link_flap, .args = torture_ms_args,
		.nr_args = ARRAY_SIZE(torture_ms_args),
		TORTURE_LASTS, .reach = TORTURE_REACH_BELOW },
	[TORTURE_BUTTON] = { .name = "TORTURE_BUTTON",
		.weight = 2, .targets = TORTURE_PORTS,
		.run = torture_button, TORTURE_LASTS,
		.reach = TORTURE_REACH_BELOW },
	[TORTURE_SLOT_POWER] = { .name = "TORTURE_SLOT_POWER",
		.weight = 3, .targets = TORTURE_PORTS,
		.run = torture_slot_power, .args = torture_flag_arg,
		.nr_args = ARRAY_SIZE(torture_flag_arg),
		TORTURE_LASTS, .reach = TORTURE_REACH_BELOW },
	[TORTURE_LATCH] = { .name = "TORTURE_LATCH",
		.weight = 1, .targets = TORTURE_PORTS,
		.run = torture_latch, .args = torture_flag_arg,
		.nr_args = ARRAY_SIZE(torture_flag_arg),
		TORTURE_LASTS, .reach = TORTURE_REACH_BELOW },
	[TORTURE_POWER_FAULT] = { .name = "TORTURE_POWER_FAULT",
		.weight = 1, .targets = TORTURE_PORTS,
		.run = torture_power_fault, TORTURE_LASTS,
		.reach = TORTURE_REACH_BELOW },

	[TORTURE_CORRECTABLE] = { .name = "TORTURE_CORRECTABLE",
		.weight = 1,
		.targets = TORTURE_PORTS | TORTURE_EPS,
		.run = torture_correctable },
	[TORTURE_NONFATAL] = { .name = "TORTURE_NONFATAL",
		.weight = 3,
		.targets = TORTURE_PORTS | TORTURE_EPS,
		.run = torture_nonfatal, TORTURE_LASTS,
		.reach = TORTURE_REACH_LINK },
	[TORTURE_FATAL] = { .name = "TORTURE_FATAL",
		.weight = 6,
		.targets = TORTURE_PORTS | TORTURE_EPS, .run = torture_fatal,
		TORTURE_LASTS, .reach = TORTURE_REACH_LINK },
	[TORTURE_DPC] = { .name = "TORTURE_DPC",
		.weight = 3, .targets = TORTURE_PORTS,
		.run = torture_dpc, TORTURE_LASTS,
		.reach = TORTURE_REACH_BELOW },

	[TORTURE_UNBIND] = { .name = "TORTURE_UNBIND",
		.weight = 3, .targets = TORTURE_EPS,
		.run = torture_unbind, .lasting = true,
		.kinds = BIT(PCI_SIM_RESET_PM), .reach = TORTURE_REACH_FUNC },
	[TORTURE_BIND] = { .name = "TORTURE_BIND",
		.weight = 3, .targets = TORTURE_EPS,
		.run = torture_bind, .lasting = true,
		.kinds = BIT(PCI_SIM_RESET_PM), .reach = TORTURE_REACH_FUNC },
	[TORTURE_REMOVE] = { .name = "TORTURE_REMOVE",
		.weight = 2,
		.targets = TORTURE_EPS | TORTURE_BRIDGES,
		.run = torture_remove, TORTURE_LASTS,
		.reach = TORTURE_REACH_LINK },
	[TORTURE_RESCAN] = { .name = "TORTURE_RESCAN",
		.weight = 4,
		.targets = BIT(TORTURE_ROOT_PORT), .run = torture_rescan },
	[TORTURE_SRIOV] = { .name = "TORTURE_SRIOV",
		.weight = 5, .targets = TORTURE_EPS,
		.run = torture_sriov, .args = torture_n_args,
		.nr_args = ARRAY_SIZE(torture_n_args),
		TORTURE_LASTS, .reach = TORTURE_REACH_FUNC },
	[TORTURE_UNBIND_PORT] = { .name = "TORTURE_UNBIND_PORT",
		.weight = 2,
		.targets = TORTURE_PORTS, .run = torture_unbind_port,
		TORTURE_LASTS,
		.reach = TORTURE_REACH_BELOW },
	[TORTURE_WAKE] = { .name = "TORTURE_WAKE",
		.weight = 1,
		.targets = TORTURE_PORTS | BIT(TORTURE_SWITCH),
		.run = torture_wake, .args = torture_ms_args,
		.nr_args = ARRAY_SIZE(torture_ms_args) },
	[TORTURE_LATE] = { .name = "TORTURE_LATE",
		.weight = 2,
		.targets = TORTURE_EPS | BIT(TORTURE_SWITCH),
		.run = torture_late, .args = torture_ready_args,
		.nr_args = ARRAY_SIZE(torture_ready_args) },
};

const struct torture_quirk torture_quirks[TORTURE_QUIRKS] = {
	/* quirk_no_bus_reset(), quirk_no_flr(), quirk_no_pm_reset() */
	{ PCI_VENDOR_ID_ATHEROS, 0x0030, TORTURE_KIND_HOT },
	{ PCI_VENDOR_ID_INTEL, 0x1502,
	  BIT(PCI_SIM_RESET_FLR) | BIT(PCI_SIM_RESET_AF_FLR) },
	{ PCI_VENDOR_ID_MELLANOX, 0xcb84, BIT(PCI_SIM_RESET_PM) },
};
