// SPDX-License-Identifier: GPL-2.0
/*
 * Test driver for pci_reset_bus_flags() and pci_reset_scope_*()
 *
 * tools/testing/selftests/pci/ uses it to call the in-kernel interface with any
 * arguments, on any device:
 *
 *  - without locks, by requests written to
 *    /sys/kernel/debug/pci-reset-test/ctl, see test_ctl_requests[];
 *
 *  - from ->probe(), with the device lock held, by binding the device to this
 *    driver (driver_override) with the module parameter probe_flags set.
 *    /sys/kernel/debug/pci-reset-test/<device>/ has the result, and counts the
 *    calls of reset_prepare() and reset_done().
 *
 * It can also make a device not respond after its next reset.
 *
 * Do not enable this on a machine in production.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>

static struct dentry *test_dir;

/*
 * The driver
 */

static unsigned int probe_flags;
module_param(probe_flags, uint, 0644);
MODULE_PARM_DESC(probe_flags, "flags of the reset in probe (0: no reset)");

static unsigned int probe_hold_ms;
module_param(probe_hold_ms, uint, 0644);
MODULE_PARM_DESC(probe_hold_ms, "time in ms that probe sleeps with the device lock held");

/* For all devices, as the directory of a removed device is gone */
static atomic_t test_probed, test_removed;

struct test_dev {
	struct dentry *dir;
	atomic_t prepared;
	atomic_t done;
	atomic_t probe_result;
};

static int test_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	pci_reset_flags_t flags = (__force pci_reset_flags_t)probe_flags;
	struct test_dev *test;

	test = devm_kzalloc(&pdev->dev, sizeof(*test), GFP_KERNEL);
	if (!test)
		return -ENOMEM;

	pci_set_drvdata(pdev, test);

	if (flags)
		atomic_set(&test->probe_result,
			   pci_reset_bus_flags(pdev, flags));

	if (probe_hold_ms)
		msleep(probe_hold_ms);

	test->dir = debugfs_create_dir(pci_name(pdev), test_dir);
	debugfs_create_atomic_t("prepared", 0444, test->dir, &test->prepared);
	debugfs_create_atomic_t("done", 0444, test->dir, &test->done);
	debugfs_create_atomic_t("probe_result", 0444, test->dir,
				&test->probe_result);
	atomic_inc(&test_probed);

	return 0;
}

static void test_remove(struct pci_dev *pdev)
{
	struct test_dev *test = pci_get_drvdata(pdev);

	debugfs_remove(test->dir);
	atomic_inc(&test_removed);
}

static void test_reset_prepare(struct pci_dev *pdev)
{
	struct test_dev *test = pci_get_drvdata(pdev);

	atomic_inc(&test->prepared);
}

static void test_reset_done(struct pci_dev *pdev)
{
	struct test_dev *test = pci_get_drvdata(pdev);

	atomic_inc(&test->done);
}

static const struct pci_error_handlers test_err_handler = {
	.reset_prepare	= test_reset_prepare,
	.reset_done	= test_reset_done,
};

static struct pci_driver test_driver = {
	.name		= "pci-reset-test",
	.probe		= test_probe,
	.remove		= test_remove,
	.err_handler	= &test_err_handler,
	.driver_managed_dma = true,
};

/*
 * Faults: the config accesses of one device are intercepted
 */

enum test_fault_kind {
	TEST_FAULT_NONE,
	TEST_FAULT_ABSENT,	/* does not respond */
	TEST_FAULT_RRS,		/* responds with Request Retry Status */
	TEST_FAULT_ID,		/* has other Vendor and Device IDs */
};

/*
 * Only one fault exists at a time.  It is set and cleared under
 * test_fault_lock.  test_fault_ops are installed only while it is set, so that
 * config accesses may use the fields without the lock; they set @active.
 */
static DEFINE_MUTEX(test_fault_lock);

static struct {
	enum test_fault_kind kind;
	const void *owner;		/* open file, clears the fault on release */
	struct pci_ops *ops;		/* original ops of the hierarchy */
	struct pci_bus *bus;
	struct pci_bus *parent;		/* the bus of the bridge */
	unsigned int devfn;
	unsigned int bridge_devfn;
	u32 id;
	u8 pcie_cap, af_cap, pm_cap;
	bool active;			/* the device was reset */
} test_fault;

/* A copy of the original ops with other ->read() and ->write() */
static struct pci_ops test_fault_ops;

static bool test_fault_is_dev(struct pci_bus *bus, unsigned int devfn)
{
	return bus == test_fault.bus && devfn == test_fault.devfn;
}

static int test_fault_read(struct pci_bus *bus, unsigned int devfn, int where,
			   int size, u32 *val)
{
	bool active = READ_ONCE(test_fault.active);
	int rc;

	if (!test_fault_is_dev(bus, devfn))
		return test_fault.ops->read(bus, devfn, where, size, val);

	if (test_fault.kind == TEST_FAULT_ID) {
		if (where >= 4)
			return test_fault.ops->read(bus, devfn, where, size, val);

		*val = (test_fault.id >> (where * 8)) & GENMASK(size * 8 - 1, 0);
		return PCIBIOS_SUCCESSFUL;
	}

	rc = test_fault.ops->read(bus, devfn, where, size, val);

	/* PCIe r6.0, sec 2.3.2: Vendor ID 0001h indicates RRS */
	if (active && test_fault.kind == TEST_FAULT_RRS && where == PCI_VENDOR_ID)
		*val = 0xffff0001 & GENMASK(size * 8 - 1, 0);
	else if (active)
		*val = ~0;

	return rc;
}

/* Whether this write resets the device */
static bool test_fault_is_reset(struct pci_bus *bus, unsigned int devfn,
				int where, u32 val)
{
	if (bus == test_fault.parent && devfn == test_fault.bridge_devfn)
		return where == PCI_BRIDGE_CONTROL &&
		       val & PCI_BRIDGE_CTL_BUS_RESET;

	if (!test_fault_is_dev(bus, devfn))
		return false;

	if (test_fault.pcie_cap && where == test_fault.pcie_cap + PCI_EXP_DEVCTL)
		return val & PCI_EXP_DEVCTL_BCR_FLR;

	if (test_fault.af_cap && where == test_fault.af_cap + PCI_AF_CTRL)
		return val & PCI_AF_CTRL_FLR;

	if (test_fault.pm_cap && where == test_fault.pm_cap + PCI_PM_CTRL)
		return (val & PCI_PM_CTRL_STATE_MASK) == (u32 __force)PCI_D3hot;

	return false;
}

static int test_fault_write(struct pci_bus *bus, unsigned int devfn, int where,
			    int size, u32 val)
{
	if (test_fault_is_reset(bus, devfn, where, val))
		WRITE_ONCE(test_fault.active, true);

	return test_fault.ops->write(bus, devfn, where, size, val);
}

/* Restore the ops of @bus and all buses below, new ones have inherited ours */
static void test_fault_restore_ops(struct pci_bus *bus)
{
	struct pci_bus *child;

	if (bus->ops == &test_fault_ops)
		pci_bus_set_ops(bus, test_fault.ops);

	list_for_each_entry(child, &bus->children, node)
		test_fault_restore_ops(child);
}

static void test_fault_clear(const void *owner)
{
	struct pci_bus *root;

	guard(mutex)(&test_fault_lock);

	if (test_fault.owner != owner)
		return;

	root = test_fault.bus;
	while (!pci_is_root_bus(root))
		root = root->parent;

	pci_lock_rescan_remove();
	test_fault_restore_ops(root);
	pci_unlock_rescan_remove();

	put_device(&test_fault.bus->dev);

	/* Accesses in flight may still use test_fault.ops */
	test_fault.kind = TEST_FAULT_NONE;
	WRITE_ONCE(test_fault.active, false);
	test_fault.owner = NULL;
}

static int test_fault_set(const void *owner, struct pci_dev *pdev,
			  enum test_fault_kind kind, u32 id)
{
	struct pci_dev *bridge = pdev->bus->self;

	guard(mutex)(&test_fault_lock);

	if (test_fault.owner)
		return -EBUSY;

	/* Host bridges with different ops for each level are not supported */
	if (!bridge || bridge->bus->ops != pdev->bus->ops)
		return -EOPNOTSUPP;

	get_device(&pdev->bus->dev);
	test_fault.owner = owner;
	test_fault.kind = kind;
	test_fault.id = id;
	test_fault.ops = pdev->bus->ops;
	test_fault.bus = pdev->bus;
	test_fault.devfn = pdev->devfn;
	test_fault.parent = bridge->bus;
	test_fault.bridge_devfn = bridge->devfn;
	test_fault.pcie_cap = pci_pcie_cap(pdev);
	test_fault.af_cap = pci_find_capability(pdev, PCI_CAP_ID_AF);
	test_fault.pm_cap = pdev->pm_cap;

	test_fault_ops = *test_fault.ops;
	test_fault_ops.read = test_fault_read;
	test_fault_ops.write = test_fault_write;

	pci_bus_set_ops(bridge->bus, &test_fault_ops);
	pci_bus_set_ops(pdev->bus, &test_fault_ops);

	return 0;
}

/*
 * /sys/kernel/debug/pci-reset-test/ctl: each write() is one request and
 * returns its errno
 */

struct test_ctl {
	struct mutex lock;		/* serializes requests */
	struct pci_dev *pdev;		/* device of the last request */
	struct pci_reset_scope *scope;	/* result of the last query */
	char answer[SZ_8K];
};

static int test_reset(struct test_ctl *ctl, const char *arg)
{
	unsigned int flags;

	if (kstrtouint(arg, 0, &flags))
		return -EBADMSG;

	return pci_reset_bus_flags(ctl->pdev, (__force pci_reset_flags_t)flags);
}

static int test_query(struct test_ctl *ctl, const char *arg)
{
	struct pci_reset_scope *scope;
	unsigned int flags;
	struct seq_buf s;

	if (kstrtouint(arg, 0, &flags))
		return -EBADMSG;

	scope = pci_reset_scope_get(ctl->pdev, (__force pci_reset_flags_t)flags);
	if (IS_ERR(scope))
		return PTR_ERR(scope);

	if (ctl->scope)
		pci_reset_scope_put(ctl->scope);
	ctl->scope = scope;

	seq_buf_init(&s, ctl->answer, sizeof(ctl->answer));
	seq_buf_printf(&s, "method %#x\n", (__force unsigned int)scope->method);
	for (unsigned int i = 0; i < scope->nr_devs; i++)
		seq_buf_printf(&s, "%s\n", pci_name(scope->devs[i]));
	seq_buf_str(&s);

	return seq_buf_has_overflowed(&s) ? -E2BIG : 0;
}

static int test_commit(struct test_ctl *ctl, const char *arg)
{
	unsigned int modifiers;

	if (!ctl->scope || kstrtouint(arg, 0, &modifiers))
		return -EBADMSG;

	return pci_reset_scope_commit(ctl->scope,
				      (__force pci_reset_flags_t)modifiers);
}

static int test_set_fault(struct test_ctl *ctl, const char *arg)
{
	unsigned int vendor, device;

	test_fault_clear(ctl);

	if (!strcmp(arg, "none"))
		return 0;
	if (!strcmp(arg, "absent"))
		return test_fault_set(ctl, ctl->pdev, TEST_FAULT_ABSENT, 0);
	if (!strcmp(arg, "rrs"))
		return test_fault_set(ctl, ctl->pdev, TEST_FAULT_RRS, 0);
	if (sscanf(arg, "id=%4x:%4x", &vendor, &device) == 2)
		return test_fault_set(ctl, ctl->pdev, TEST_FAULT_ID,
				      device << 16 | vendor);

	return -EBADMSG;
}

static const struct {
	const char *name;
	int (*fn)(struct test_ctl *ctl, const char *arg);
} test_ctl_requests[] = {
	/* <name> <device, or - for the last request's> <argument> */
	/* pci_reset_flags_t */
	{ .name = "reset", .fn = test_reset },
	/* pci_reset_flags_t; read() returns the scope */
	{ .name = "query", .fn = test_query },
	/* modifiers; resets the scope of the last query */
	{ .name = "commit", .fn = test_commit },
	/* absent, rrs, id=VVVV:DDDD or none */
	{ .name = "fault", .fn = test_set_fault },
};

static int test_ctl_request(struct test_ctl *ctl, const char *buf)
{
	unsigned int domain, bus, slot, fn;
	char name[16], addr[16], arg[32];
	struct pci_dev *pdev;

	if (sscanf(buf, "%15s %15s %31s", name, addr, arg) != 3)
		return -EBADMSG;

	if (sscanf(addr, "%x:%x:%x.%x", &domain, &bus, &slot, &fn) == 4) {
		pdev = pci_get_domain_bus_and_slot(domain, bus,
						   PCI_DEVFN(slot, fn));
		if (!pdev)
			return -ENXIO;
		pci_dev_put(ctl->pdev);
		ctl->pdev = pdev;
	} else if (strcmp(addr, "-") || !ctl->pdev) {
		return -EBADMSG;
	}

	for (int i = 0; i < ARRAY_SIZE(test_ctl_requests); i++)
		if (!strcmp(name, test_ctl_requests[i].name))
			return test_ctl_requests[i].fn(ctl, arg);

	return -EBADMSG;
}

static int test_ctl_open(struct inode *inode, struct file *file)
{
	struct test_ctl *ctl = kzalloc_obj(*ctl);

	if (!ctl)
		return -ENOMEM;

	mutex_init(&ctl->lock);
	file->private_data = ctl;

	return 0;
}

static ssize_t test_ctl_write(struct file *file, const char __user *ubuf,
			      size_t count, loff_t *ppos)
{
	struct test_ctl *ctl = file->private_data;
	char buf[80];
	int rc;

	if (count >= sizeof(buf))
		return -EBADMSG;
	if (copy_from_user(buf, ubuf, count))
		return -EFAULT;
	buf[count] = '\0';

	guard(mutex)(&ctl->lock);

	ctl->answer[0] = '\0';
	rc = test_ctl_request(ctl, buf);

	return rc ?: count;
}

static ssize_t test_ctl_read(struct file *file, char __user *ubuf,
			     size_t count, loff_t *ppos)
{
	struct test_ctl *ctl = file->private_data;

	guard(mutex)(&ctl->lock);

	return simple_read_from_buffer(ubuf, count, ppos, ctl->answer,
				       strlen(ctl->answer));
}

static int test_ctl_release(struct inode *inode, struct file *file)
{
	struct test_ctl *ctl = file->private_data;

	test_fault_clear(ctl);
	if (ctl->scope)
		pci_reset_scope_put(ctl->scope);
	pci_dev_put(ctl->pdev);
	kfree(ctl);

	return 0;
}

static const struct file_operations test_ctl_fops = {
	.owner		= THIS_MODULE,
	.open		= test_ctl_open,
	.read		= test_ctl_read,
	.write		= test_ctl_write,
	.llseek		= default_llseek,
	.release	= test_ctl_release,
};

static int __init test_init(void)
{
	int rc;

	test_dir = debugfs_create_dir("pci-reset-test", NULL);
	debugfs_create_atomic_t("probed", 0444, test_dir, &test_probed);
	debugfs_create_atomic_t("removed", 0444, test_dir, &test_removed);

	rc = pci_register_driver(&test_driver);
	if (rc)
		goto out;

	debugfs_create_file("ctl", 0600, test_dir, NULL, &test_ctl_fops);

	return 0;
out:
	debugfs_remove(test_dir);
	return rc;
}
module_init(test_init);

static void __exit test_exit(void)
{
	/* Unregister first: test_remove() removes directories below */
	pci_unregister_driver(&test_driver);
	debugfs_remove(test_dir);
}
module_exit(test_exit);

MODULE_DESCRIPTION("Test driver for PCI resets");
MODULE_LICENSE("GPL");
