// SPDX-License-Identifier: GPL-2.0
/*
 * A fabric is built and its drivers are bound while each allocation fails in
 * turn: either there is an error or it works, and nothing is leaked
 */

#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/panic.h>
#include <linux/pci.h>
#include <linux/sched.h>

#include "sim-kunit.h"

/* More allocations than there are */
#define ALLOC_MAX	10000

/*
 * failslab can be set by its files in debugfs only, and they are made from
 * these variables.
 */
static void *alloc_failslab(const char *name)
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
struct alloc_failslab {
	bool *ignore_wait;
	unsigned long *verbose;
	bool was_ignored;
	unsigned long was_verbose;
};

/* Let allocations that may sleep fail as well, without a message for each */
static void alloc_failslab_begin(struct kunit *test, struct alloc_failslab *fs)
{
	fs->ignore_wait = alloc_failslab("ignore-gfp-wait");
	fs->verbose = alloc_failslab("verbose");
	if (!fs->verbose || !fs->ignore_wait)
		kunit_skip(test, "needs failslab in debugfs");

	fs->was_ignored = *fs->ignore_wait;
	fs->was_verbose = *fs->verbose;
	*fs->ignore_wait = false;
	*fs->verbose = 0;
}

static void alloc_failslab_end(struct alloc_failslab *fs)
{
	*fs->ignore_wait = fs->was_ignored;
	*fs->verbose = fs->was_verbose;
}

/* How far a fabric gets while allocations fail */
enum alloc_until {
	ALLOC_POWERED, /* the simulator has done its part */
	ALLOC_FOUND, /* the PCI core has found the first Function */
};

struct alloc_ctx {
	struct task_struct *task;
	enum alloc_until until;
	bool untouched;		/* got there without a failure */
	int domain;		/* in which the fabric was, or -1 */
};

static void alloc_stop(struct pci_sim_func *f, void *data)
{
	struct alloc_ctx *ctx = data;

	ctx->untouched = ctx->task->fail_nth;
	ctx->task->fail_nth = 0;
}

static int alloc_arm(struct alloc_ctx *ctx, struct pci_sim_func *port)
{
	if (!port)
		return -ENOMEM;

	/* Links train for 200 ms before the kernel enumerates the fabric */
	if (ctx->until == ALLOC_POWERED)
		return pci_sim_at(port, 100 * USEC_PER_MSEC, alloc_stop, ctx);

	pci_sim_on_read(port, PCI_VENDOR_ID, alloc_stop, ctx);
	return 0;
}

/*
 * Build a fabric with the nth allocation failing.  Not later than ALLOC_FOUND:
 * pci_device_add() warns if device_add() fails, and binding a driver crashes
 * then.
 */
static int alloc_build(struct alloc_ctx *ctx, unsigned int nth)
{
	struct pci_sim_func *port, *ep = NULL;
	struct pci_sim *sim;
	struct pci_dev *pdev;
	int rc = -ENOMEM;

	ctx->task = current;
	ctx->untouched = false;
	ctx->domain = -1;
	current->fail_nth = nth;
	sim = pci_sim_alloc();
	if (sim) {
		port = pci_sim_root_port(sim, .hotplug = true, .dpc = true);
		ep = pci_sim_endpoint(sim, port, .vfs = 2);
		pci_sim_function(ep);
		pci_sim_add_switch(sim, NULL);
		rc = alloc_arm(ctx, port) ?: pci_sim_start(sim);
	}
	current->fail_nth = 0;

	pdev = rc ? NULL : pci_sim_get_dev(ep);
	if (pdev)
		ctx->domain = pci_domain_nr(pdev->bus);
	pci_dev_put(pdev);
	pci_sim_destroy(sim);
	return rc;
}

static unsigned int alloc_fail_each(struct kunit *test, struct alloc_ctx *ctx)
{
	unsigned int alive = pci_sim_alive();
	unsigned int nth, errors = 0;

	for (nth = 1; nth < ALLOC_MAX; nth++) {
		if (alloc_build(ctx, nth))
			errors++;
		KUNIT_EXPECT_EQ_MSG(test, alive, pci_sim_alive(),
				    "leaked after allocation %u", nth);
		if (ctx->untouched)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, ALLOC_MAX);
	return errors;
}

static void alloc_check(struct kunit *test, enum alloc_until until)
{
	bool warned = test_taint(TAINT_WARN);
	struct alloc_ctx ctx = { .until = until };
	struct alloc_failslab fs;
	int domain;

	KUNIT_ASSERT_EQ(test, 0, alloc_build(&ctx, 0));
	domain = ctx.domain;
	KUNIT_EXPECT_NE(test, -1, domain);

	alloc_failslab_begin(test, &fs);
	/*
	 * The fabric, its Functions and three domains: all allocations are
	 * checked
	 */
	KUNIT_EXPECT_GT(test, alloc_fail_each(test, &ctx), 10);
	alloc_failslab_end(&fs);

	/* Each fabric has given back its domain */
	KUNIT_EXPECT_EQ(test, domain, ctx.domain);
	KUNIT_EXPECT_EQ(test, warned, test_taint(TAINT_WARN));
}

static void alloc_failure_in_simulator(struct kunit *test)
{
	alloc_check(test, ALLOC_POWERED);
}

/* If the device of a host bridge cannot be registered, it is put once */
static void alloc_failure_of_host_bridge(struct kunit *test)
{
	alloc_check(test, ALLOC_FOUND);
}

/* Bind a driver with the nth allocation failing, if there are that many */
static bool alloc_attach(struct pci_dev *pdev, unsigned int nth, bool *failed)
{
	bool bound;

	current->fail_nth = nth;
	bound = device_attach(&pdev->dev) == 1;
	*failed = !current->fail_nth;
	current->fail_nth = 0;
	return bound;
}

/*
 * The driver of the Endpoints binds, or fails and binds later.  Not tested for
 * ports: genirq warns if there is no memory for its entries in /proc.
 */
static void alloc_failure_in_probe(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct alloc_failslab fs;
	struct pci_sim_func *ep;
	unsigned int nth, unbound = 0;
	struct pci_dev *pdev;
	bool failed = true;

	ep = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);

	alloc_failslab_begin(test, &fs);
	for (nth = 1; failed && nth < ALLOC_MAX; nth++) {
		device_release_driver(&pdev->dev);
		KUNIT_EXPECT_FALSE(test, sim_kunit_is_master(test, ep));
		unbound += !alloc_attach(pdev, nth, &failed);
	}
	alloc_failslab_end(&fs);
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GT(test, unbound, 5);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ep));
}

static struct kunit_case alloc_cases[] = {
	KUNIT_CASE_SLOW(alloc_failure_in_simulator),
	KUNIT_CASE_SLOW(alloc_failure_of_host_bridge),
	KUNIT_CASE_SLOW(alloc_failure_in_probe),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "pci_alloc",
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);
