// SPDX-License-Identifier: GPL-2.0
/*
 * A fabric that is built, and drivers that are bound to it, while each
 * allocation fails in turn: there is an error or what was asked for, and
 * whichever it is goes away without a trace
 */

#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/panic.h>
#include <linux/pci.h>
#include <linux/sched.h>

#include "sim-kunit.h"

/* Far more allocations than there are */
#define AL_MAX		10000

/*
 * failslab can be set by its files in debugfs only, and they are made from
 * these variables.
 */
static void *al_failslab(const char *name)
{
	struct dentry *dir, *file;
	void *where = NULL;

	dir = debugfs_lookup("failslab", NULL);
	if (!dir)
		return NULL;

	file = debugfs_lookup(name, dir);
	if (file)
		where = d_inode(file)->i_private;
	dput(file);
	dput(dir);
	return where;
}

/* Settings of failslab, and what they were before the test */
struct al_failslab {
	bool *ignore_wait;
	unsigned long *verbose;
	bool was_ignored;
	unsigned long was_verbose;
};

/* Allocations that may sleep can fail as well, and nobody tells the log */
static void al_failslab_begin(struct kunit *test, struct al_failslab *fs)
{
	fs->ignore_wait = al_failslab("ignore-gfp-wait");
	fs->verbose = al_failslab("verbose");
	if (!fs->verbose || !fs->ignore_wait)
		kunit_skip(test, "needs failslab in debugfs");

	fs->was_ignored = *fs->ignore_wait;
	fs->was_verbose = *fs->verbose;
	*fs->ignore_wait = false;
	*fs->verbose = 0;
}

static void al_failslab_end(struct al_failslab *fs)
{
	*fs->ignore_wait = fs->was_ignored;
	*fs->verbose = fs->was_verbose;
}

/* How far a fabric gets while allocations fail */
enum al_until {
	AL_POWERED,	/* the simulator has done its part */
	AL_FOUND,	/* the PCI core has found the first Function */
};

struct al {
	struct task_struct *task;
	enum al_until until;
	bool untouched;		/* got there without a failure */
	int domain;		/* in which the fabric was, or -1 */
};

static void al_stop(struct pci_sim_func *f, void *data)
{
	struct al *al = data;

	al->untouched = al->task->fail_nth;
	al->task->fail_nth = 0;
}

static int al_arm(struct al *al, struct pci_sim_func *port)
{
	if (!port)
		return -ENOMEM;

	/* Links train for 200 ms before the kernel gets to see them */
	if (al->until == AL_POWERED)
		return pci_sim_at(port, 100 * USEC_PER_MSEC, al_stop, al);

	pci_sim_on_read(port, PCI_VENDOR_ID, al_stop, al);
	return 0;
}

/*
 * Build a fabric with the nth allocation failing.  Later than AL_FOUND nothing
 * can be expected: pci_device_add() warns if device_add() fails, and binding
 * a driver crashes then.
 */
static int al_build(struct al *al, unsigned int nth)
{
	struct pci_sim_func *port, *ep = NULL;
	struct pci_sim *sim;
	struct pci_dev *pdev;
	int ret = -ENOMEM;

	al->task = current;
	al->untouched = false;
	al->domain = -1;
	current->fail_nth = nth;
	sim = pci_sim_alloc();
	if (sim) {
		port = pci_sim_root_port(sim, .hotplug = true, .dpc = true);
		ep = pci_sim_endpoint(sim, port, .vfs = 2);
		pci_sim_function(ep);
		pci_sim_add_switch(sim, NULL);
		ret = al_arm(al, port) ?: pci_sim_start(sim);
	}
	current->fail_nth = 0;

	pdev = ret ? NULL : pci_sim_get_dev(ep);
	if (pdev)
		al->domain = pci_domain_nr(pdev->bus);
	pci_dev_put(pdev);
	pci_sim_destroy(sim);
	return ret;
}

static unsigned int al_fail_each(struct kunit *test, struct al *al)
{
	unsigned int alive = pci_sim_alive();
	unsigned int nth, errors = 0;

	for (nth = 1; nth < AL_MAX; nth++) {
		if (al_build(al, nth))
			errors++;
		KUNIT_EXPECT_EQ_MSG(test, alive, pci_sim_alive(),
				    "leaked after allocation %u", nth);
		if (al->untouched)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, AL_MAX);
	return errors;
}

static void al_check(struct kunit *test, enum al_until until)
{
	bool warned = test_taint(TAINT_WARN);
	struct al al = { .until = until };
	struct al_failslab fs;
	int domain;

	KUNIT_ASSERT_EQ(test, 0, al_build(&al, 0));
	domain = al.domain;
	KUNIT_EXPECT_NE(test, -1, domain);

	al_failslab_begin(test, &fs);
	/* The fabric itself, its Functions, three domains: all tell */
	KUNIT_EXPECT_GT(test, al_fail_each(test, &al), 10);
	al_failslab_end(&fs);

	/* Each fabric has given back its domain */
	KUNIT_EXPECT_EQ(test, domain, al.domain);
	KUNIT_EXPECT_EQ(test, warned, test_taint(TAINT_WARN));
}

static void al_simulator(struct kunit *test)
{
	al_check(test, AL_POWERED);
}

/* Bind a driver with the nth allocation failing, if there are that many */
static bool al_attach(struct pci_dev *pdev, unsigned int nth, bool *failed)
{
	bool bound;

	current->fail_nth = nth;
	bound = device_attach(&pdev->dev) == 1;
	*failed = !current->fail_nth;
	current->fail_nth = 0;
	return bound;
}

/*
 * The driver of the Endpoints binds, or does not, and does later.  Not so that
 * of a port: genirq warns if it had no memory for what it has in /proc.
 */
static void al_driver(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct al_failslab fs;
	struct pci_sim_func *ep;
	unsigned int nth, unbound = 0;
	struct pci_dev *pdev;
	bool failed = true;

	ep = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);

	al_failslab_begin(test, &fs);
	for (nth = 1; failed && nth < AL_MAX; nth++) {
		device_release_driver(&pdev->dev);
		KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, ep));
		unbound += !al_attach(pdev, nth, &failed);
	}
	al_failslab_end(&fs);
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GT(test, unbound, 5);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ep));
}

static struct kunit_case al_cases[] = {
	KUNIT_CASE_SLOW(al_simulator),
	KUNIT_CASE_SLOW(al_driver),
	{}
};

static struct kunit_suite al_suite = {
	.name = "pci-sim-alloc",
	.test_cases = al_cases,
};

kunit_test_suite(al_suite);

#if IS_ENABLED(CONFIG_PCI_FAULTS_KUNIT_TEST)

/* If its device can not be registered, a host bridge is put once too often */
static void al_host_bridge(struct kunit *test)
{
	al_check(test, AL_FOUND);
}

static struct kunit_case al_fault_cases[] = {
	KUNIT_CASE_SLOW(al_host_bridge),
	{}
};

static struct kunit_suite al_fault_suite = {
	.name = "pci-fault-alloc",
	.test_cases = al_fault_cases,
};

kunit_test_suite(al_fault_suite);

#endif
