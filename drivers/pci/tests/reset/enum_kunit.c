// SPDX-License-Identifier: GPL-2.0
/*
 * Resets of devices that are being enumerated or rescanned
 *
 * A device that is being enumerated is either reset before, or after, or
 * enumerated again.  In the end it is there, has a driver, and works.  A reset
 * with PCI_RESET_TRYLOCK does not fail because of a rescan.
 */

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "../../pci.h"
#include "../sim-kunit.h"

/* From plugging in the card to its last probe, resets included */
#define ENUM_SETTLE_MS	5000
/* More than all of it takes */
#define ENUM_DEADLOCK_MS	(200 * MSEC_PER_SEC)
/* After this, a link that is being reset is down */
#define ENUM_MIDDLE_MS	10
/* The second Endpoint is late */
#define ENUM_READY_MS	800

/*
 * Root Port, switch, hotplug port, and the card: a switch with two Endpoints,
 * the second of which is late
 */
struct enum_ctx {
	struct kunit *test;
	const struct enum_rival *rival;
	struct pci_sim *sim;
	struct pci_sim_func *root;
	struct pci_sim_func *port;
	struct pci_sim_func *up;
	struct pci_sim_func *down[2];
	struct pci_sim_func *ep[2];
	struct completion done;
	bool running;
	bool probing;
	bool write;
	unsigned int skip;
	int where;
	int result;
};

/**
 * struct enum_rival - what is reset meanwhile
 * @name: name of the parameter
 * @run: reset it; returns 0, or a negative error
 */
struct enum_rival {
	const char *name;
	int (*run)(struct enum_ctx *ctx);
};

static int enum_store(struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);
	int rc = -ENODEV;

	if (pdev)
		rc = sim_kunit_store(pdev, "reset_subordinate", "1");
	pci_dev_put(pdev);
	return rc;
}

static int enum_flags(struct pci_sim_func *f, pci_reset_flags_t flags)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);
	int rc = -ENODEV;

	if (pdev)
		rc = pci_reset_bus_flags(pdev, flags);
	pci_dev_put(pdev);
	return rc;
}

static int enum_below_root(struct enum_ctx *ctx)
{
	return enum_store(ctx->root);
}

static int enum_below_port(struct enum_ctx *ctx)
{
	return enum_store(ctx->port);
}

static int enum_reset_link(struct enum_ctx *ctx)
{
	return enum_flags(ctx->up, PCI_RESET_LINK);
}

static int enum_below_up(struct enum_ctx *ctx)
{
	return enum_store(ctx->up);
}

static int enum_below_down(struct enum_ctx *ctx)
{
	return enum_store(ctx->down[1]);
}

static int enum_reset_func(struct enum_ctx *ctx)
{
	return enum_flags(ctx->ep[1], PCI_RESET_FUNC);
}

static const struct enum_rival enum_rivals[] = {
	{ .name = "below the Root Port", .run = enum_below_root },
	{ .name = "below the hotplug port", .run = enum_below_port },
	{ .name = "link of the hotplug port", .run = enum_reset_link },
	{ .name = "below the new Upstream Port", .run = enum_below_up },
	{ .name = "below the new Downstream Port", .run = enum_below_down },
	{ .name = "the new Endpoint", .run = enum_reset_func },
};

/**
 * struct enum_case - parameter of a test
 * @rival: what is reset
 * @n: when, as the test counts
 */
struct enum_case {
	const struct enum_rival *rival;
	unsigned int n;
};

static void enum_desc(struct kunit *test, const void *param, char *desc)
{
	const struct enum_case *c = param;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %u", c->rival->name, c->n);
}

static int enum_params(struct kunit *test, unsigned int nr)
{
	unsigned int step = sim_kunit_step(97, 11), n = 0;
	struct enum_case *cases;

	cases = kunit_kcalloc(test, ARRAY_SIZE(enum_rivals) * nr,
			      sizeof(*cases), GFP_KERNEL);
	if (!cases)
		return -ENOMEM;

	for (unsigned int i = 0; i < ARRAY_SIZE(enum_rivals) * nr; i += step) {
		cases[n].rival = &enum_rivals[i / nr];
		cases[n++].n = i % nr;
	}
	kunit_register_params_array(test, cases, n, enum_desc);
	return 0;
}

static void enum_start(struct kunit *test, struct enum_ctx *ctx)
{
	const struct enum_case *c = test->param_value;
	struct pci_sim_func *up;

	ctx->test = test;
	ctx->rival = c->rival;
	ctx->sim = sim_kunit_alloc(test);
	ctx->root = pci_sim_root_port(ctx->sim);
	up = pci_sim_add_switch(ctx->sim, ctx->root);
	/* Device 0 would share its INTA with the Root Port */
	pci_sim_downstream_port(up);
	ctx->port = pci_sim_downstream_port(up, .hotplug = true);
	/* Plugged in from the beginning, so that it has bus numbers */
	ctx->up = pci_sim_add_switch(ctx->sim, ctx->port);
	for (int i = 0; i < ARRAY_SIZE(ctx->ep); i++) {
		ctx->down[i] = pci_sim_downstream_port(ctx->up);
		ctx->ep[i] =
			pci_sim_endpoint(ctx->sim, ctx->down[i], .flr = true);
	}
	sim_kunit_start(test, ctx->sim);
	pci_sim_set_ready_ms(ctx->ep[1], ENUM_READY_MS);
	init_completion(&ctx->done);

	pci_sim_unplug(ctx->port);
	msleep(SIM_SETTLE_MS);
	for (int i = 0; i < ARRAY_SIZE(ctx->ep); i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, 1);
	msleep(SIM_IDLE_MS);
}

static int enum_thread(void *data)
{
	struct enum_ctx *ctx = data;

	ctx->result = ctx->rival->run(ctx);
	complete(&ctx->done);
	return 0;
}

static void enum_run(struct enum_ctx *ctx)
{
	struct task_struct *task = kthread_run(enum_thread, ctx, "reset");

	ctx->running = !IS_ERR(task);
}

static bool enum_usable(struct pci_sim_func *f)
{
	struct pci_sim_counts c = pci_sim_counts(f);
	u32 command = pci_sim_peek(f, PCI_COMMAND);

	return c.probe == c.remove + 1 && command & PCI_COMMAND_MASTER &&
	       command & PCI_COMMAND_MEMORY &&
	       pci_sim_peek(f, PCI_BASE_ADDRESS_0);
}

static void enum_wait(struct enum_ctx *ctx)
{
	if (wait_for_completion_timeout(&ctx->done,
					msecs_to_jiffies(ENUM_DEADLOCK_MS)))
		return;

	KUNIT_FAIL(ctx->test, "deadlock");
	wait_for_completion(&ctx->done);
}

/* Everything works in the end, whatever the reset returned */
static void enum_finish(struct enum_ctx *ctx)
{
	struct kunit *test = ctx->test;

	if (ctx->running)
		enum_wait(ctx);
	msleep(ENUM_SETTLE_MS);
	for (int i = 0; i < ARRAY_SIZE(ctx->ep); i++)
		KUNIT_EXPECT_TRUE_MSG(test, enum_usable(ctx->ep[i]),
				      "Endpoint %d", i);
	if (ctx->running)
		KUNIT_EXPECT_TRUE_MSG(test,
				      !ctx->result || ctx->result == -ENODEV ||
					      ctx->result == -ENOTTY ||
					      (ctx->result == -EAGAIN &&
					       ctx->probing),
				      "the reset returned %d", ctx->result);

	/* pciehp still notices that the card is pulled */
	pci_sim_unplug(ctx->port);
	msleep(SIM_SETTLE_MS);
	for (int i = 0; i < ARRAY_SIZE(ctx->ep); i++) {
		struct pci_sim_counts c = pci_sim_counts(ctx->ep[i]);

		KUNIT_EXPECT_EQ(test, c.probe, c.remove);
	}
}

/* Every 10 ms from plugging it in until it has a driver */
static int enum_init_time(struct kunit *test)
{
	return enum_params(test, 151);
}

static void enum_reset_at_any_time(struct kunit *test)
{
	const struct enum_case *c = test->param_value;
	struct enum_ctx ctx = {};

	enum_start(test, &ctx);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ctx.up));
	msleep(10 * c->n);
	enum_run(&ctx);
	enum_finish(&ctx);
}

static void enum_hook(struct pci_sim_func *f, void *data);

static void enum_set_hook(struct enum_ctx *ctx, struct pci_sim_func *f)
{
	if (ctx->write)
		pci_sim_on_write(f, ctx->where, enum_hook, ctx);
	else
		pci_sim_on_read(f, ctx->where, enum_hook, ctx);
}

/* Let the reset take place, unless it has to wait */
static void enum_hook(struct pci_sim_func *f, void *data)
{
	struct enum_ctx *ctx = data;
	struct pci_dev *pdev;

	if (ctx->skip) {
		ctx->skip--;
		enum_set_hook(ctx, f);
		return;
	}
	/* "reset_subordinate" does not wait for the lock of a device */
	pdev = pci_sim_get_dev(f);
	ctx->probing = pdev && mutex_is_locked(&pdev->dev.mutex);
	pci_dev_put(pdev);
	enum_run(ctx);
	msleep(500);
}

/*
 * When a register of the header is read or written for the first time, the second
 * time and so on, which is a point in the middle of something
 */
static int enum_init_access(struct kunit *test)
{
	return enum_params(test, 3 * 4 * 16 * 2);
}

static void enum_reset_at_any_access(struct kunit *test)
{
	const struct enum_case *c = test->param_value;
	struct enum_ctx ctx = {
		.write = c->n & 1,
		.where = 4 * (c->n / 2 % 16),
		.skip = c->n / 32 % 4,
	};
	struct pci_sim_func *f;

	enum_start(test, &ctx);
	if (c->n < 128)
		f = ctx.up;
	else if (c->n < 256)
		f = ctx.down[1];
	else
		f = ctx.ep[1];
	enum_set_hook(&ctx, f);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ctx.up));
	msleep(1500);
	enum_finish(&ctx);
	pci_sim_on_read(f, 0, NULL, NULL);
	pci_sim_on_write(f, 0, NULL, NULL);
}

struct enum_looker {
	struct pci_bus *bus;
	bool stop;
	unsigned int rescans;
	struct completion done;
};

static int enum_rescans(void *data)
{
	struct enum_looker *looker = data;

	while (!READ_ONCE(looker->stop)) {
		sim_kunit_rescan(looker->bus);
		looker->rescans++;
		/* Less than a reset takes */
		fsleep(USEC_PER_MSEC);
	}
	complete(&looker->done);
	return 0;
}

/*
 * A rescan that waits for a late device, or rescans in a row, do not make a
 * reset with PCI_RESET_TRYLOCK beside that device fail
 */
static void enum_rescan_does_not_block_trylock(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *late_port, *late, *ep;
	struct enum_looker looker = {};

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	pci_sim_downstream_port(up);
	late_port = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up), .flr = true);
	late = pci_sim_endpoint(sim, NULL, .ready_ms = 30000);
	sim_kunit_start(test, sim);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(late_port, late));
	msleep(SIM_SETTLE_MS);

	looker.bus = sim_kunit_dev(test, root)->bus;
	init_completion(&looker.done);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(enum_rescans, &looker,
						    "rescan")));
	msleep(SIM_SETTLE_MS);
	/* The first rescan waits for the late device */
	KUNIT_EXPECT_EQ(test, 0, looker.rescans);
	for (int i = 0; i < 60; i++) {
		KUNIT_EXPECT_EQ(test, 0,
				enum_flags(ep,
					   PCI_RESET_LINK | PCI_RESET_TRYLOCK));
		KUNIT_EXPECT_EQ(test, 0,
				enum_flags(ep,
					   PCI_RESET_FUNC | PCI_RESET_TRYLOCK));
	}
	SIM_EXPECT_TOLD(test, ep, 120);
	SIM_EXPECT_BOUND(test, late, 0, 0);
	msleep(40 * MSEC_PER_SEC);
	SIM_EXPECT_BOUND(test, late, 1, 0);
	KUNIT_EXPECT_GT(test, looker.rescans, 0);
	pci_sim_set_ready_ms(late, 0);
	/* Nothing was set aside for its BAR: its port has no slot */
	sim_kunit_expect_dead(test, late);

	for (int i = 0; i < 60; i++) {
		KUNIT_EXPECT_EQ(test, 0,
				enum_flags(ep,
					   PCI_RESET_LINK | PCI_RESET_TRYLOCK));
		KUNIT_EXPECT_EQ(test, 0,
				enum_flags(up,
					   PCI_RESET_LINK | PCI_RESET_TRYLOCK));
		msleep(i);
	}
	WRITE_ONCE(looker.stop, true);
	wait_for_completion(&looker.done);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	SIM_EXPECT_BOUND(test, late, 1, 0);
}

static int enum_beside(struct enum_ctx *ctx)
{
	return enum_flags(ctx->ep[0], PCI_RESET_LINK);
}

static const struct enum_rival enum_rival_beside = {
	.name = "link that it shares with a known Function",
	.run = enum_beside,
};

/* A Root Port and a device with two Functions, which share its link */
static void enum_start_beside(struct kunit *test, struct enum_ctx *ctx)
{
	ctx->test = test;
	ctx->rival = &enum_rival_beside;
	ctx->sim = sim_kunit_alloc(test);
	ctx->root = pci_sim_root_port(ctx->sim);
	ctx->ep[0] = pci_sim_endpoint(ctx->sim, ctx->root);
	ctx->ep[1] = pci_sim_function(ctx->ep[0]);
	init_completion(&ctx->done);
	sim_kunit_start(test, ctx->sim);
}

struct enum_scan {
	struct enum_ctx *ctx;
	struct pci_bus *bus;
	struct completion begun;
	struct completion done;
};

/* Like hotplug drivers that scan the bus of their own controller */
static int enum_scan_thread(void *data)
{
	struct enum_scan *scan = data;

	pci_lock_rescan_remove();
	pci_scan_slot(scan->bus, PCI_DEVFN(0, 0));
	pci_assign_unassigned_bus_resources(scan->bus);
	pci_bus_add_devices(scan->bus);
	pci_unlock_rescan_remove();
	complete(&scan->done);
	return 0;
}

static void enum_scan_begun(struct pci_sim_func *f, void *data)
{
	struct enum_scan *scan = data;

	complete(&scan->begun);
	msleep(ENUM_MIDDLE_MS);
}

/* Function 1 is found again while the link that it shares with 0 is reset */
static void enum_scan_start(struct kunit *test, struct enum_ctx *ctx,
			    struct enum_scan *scan)
{
	struct pci_dev *pdev;

	enum_start_beside(test, ctx);
	scan->ctx = ctx;
	scan->bus = sim_kunit_dev(test, ctx->ep[0])->bus;
	init_completion(&scan->begun);
	init_completion(&scan->done);

	pdev = sim_kunit_dev(test, ctx->ep[1]);
	pci_stop_and_remove_bus_device_locked(pdev);
	pci_sim_on_read(ctx->ep[1], PCI_CLASS_REVISION, enum_scan_begun, scan);
}

static void enum_scan_finish(struct enum_scan *scan)
{
	struct kunit *test = scan->ctx->test;

	wait_for_completion(&scan->done);
	enum_wait(scan->ctx);
	KUNIT_EXPECT_EQ(test, 0, scan->ctx->result);
	KUNIT_EXPECT_TRUE(test, enum_usable(scan->ctx->ep[0]));
	SIM_EXPECT_BOUND(test, scan->ctx->ep[1], 2, 1);
	KUNIT_EXPECT_TRUE(test, enum_usable(scan->ctx->ep[1]));
}

/* A reset waits for a scan that is looking at a device */
static void enum_reset_waits_for_scan(struct kunit *test)
{
	struct enum_scan scan;
	struct enum_ctx ctx = {};

	enum_scan_start(test, &ctx, &scan);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(enum_scan_thread, &scan,
						    "scan")));
	wait_for_completion(&scan.begun);
	enum_run(&ctx);
	enum_scan_finish(&scan);
}

/*
 * A scan does not wait for a reset that waits for a device lock, since the
 * holder of that lock may wait for the scan.  When the reset gets the lock, it
 * waits for the scan.
 */
static void enum_scan_does_not_wait_for_device_lock(struct kunit *test)
{
	struct enum_scan scan;
	struct pci_dev *pdev;
	struct enum_ctx ctx = {};

	enum_scan_start(test, &ctx, &scan);
	pdev = sim_kunit_dev(test, ctx.ep[0]);

	device_lock(&pdev->dev);
	enum_run(&ctx);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, IS_ERR(kthread_run(enum_scan_thread, &scan,
						    "scan")));
	if (!wait_for_completion_timeout(&scan.begun,
					 msecs_to_jiffies(ENUM_DEADLOCK_MS)))
		KUNIT_FAIL(test,
			   "the scan waits for a reset that waits for a device lock");
	device_unlock(&pdev->dev);
	enum_scan_finish(&scan);
}

/* Max_Payload_Size that is set during a reset is kept */
static void enum_mps_set_in_reset_is_kept(struct kunit *test)
{
	enum pcie_bus_config_types config;
	struct pci_dev *root, *pdev;
	struct enum_ctx ctx = {};

	/* Not exported to modules */
	if (!IS_BUILTIN(CONFIG_PCI_RESET_KUNIT_TEST)) {
		kunit_skip(test, "not for modules");
		return;
	}

	enum_start_beside(test, &ctx);
	root = sim_kunit_dev(test, ctx.root);
	pdev = sim_kunit_dev(test, ctx.ep[0]);
	KUNIT_EXPECT_EQ(test, 128, pcie_get_mps(pdev));
	root->pcie_mpss = 1;
	pdev->pcie_mpss = 1;

	enum_run(&ctx);
	msleep(ENUM_MIDDLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&ctx.done));
	pci_lock_rescan_remove();
	config = pcie_bus_config;
	pcie_bus_config = PCIE_BUS_PERFORMANCE;
	pcie_bus_configure_settings(pdev->bus);
	pcie_bus_config = config;
	pci_unlock_rescan_remove();
	enum_wait(&ctx);

	KUNIT_EXPECT_EQ(test, 0, ctx.result);
	KUNIT_EXPECT_EQ(test, 256, pcie_get_mps(root));
	KUNIT_EXPECT_EQ(test, 256, pcie_get_mps(pdev));
	/* Its own limit is lower */
	KUNIT_EXPECT_EQ(test, 128,
			pcie_get_mps(sim_kunit_dev(test, ctx.ep[1])));
}

struct enum_mps_set {
	struct pci_bus *bus;
	struct completion done;
};

static int enum_mps_thread(void *data)
{
	struct enum_mps_set *set = data;

	pcie_bus_configure_settings(set->bus);
	complete(&set->done);
	return 0;
}

/*
 * A host controller driver sets Max_Payload_Size without
 * pci_rescan_remove_lock.  It continues if the device that it waits for is
 * removed.
 */
static void enum_mps_set_while_device_is_removed(struct kunit *test)
{
	enum pcie_bus_config_types config;
	struct pci_dev *root, *pdev[2];
	struct enum_mps_set set;
	struct enum_ctx ctx = {};

	if (!IS_BUILTIN(CONFIG_PCI_RESET_KUNIT_TEST)) {
		kunit_skip(test, "not for modules");
		return;
	}

	enum_start_beside(test, &ctx);
	root = sim_kunit_dev(test, ctx.root);
	for (int i = 0; i < ARRAY_SIZE(pdev); i++)
		pdev[i] = sim_kunit_dev(test, ctx.ep[i]);
	root->pcie_mpss = 1;
	pdev[0]->pcie_mpss = 1;
	pdev[1]->pcie_mpss = 1;
	set.bus = pdev[0]->bus;
	init_completion(&set.done);

	config = pcie_bus_config;
	pcie_bus_config = PCIE_BUS_PERFORMANCE;
	pci_cfg_access_lock_enum(pdev[0]);
	KUNIT_EXPECT_FALSE(test,
			   IS_ERR(kthread_run(enum_mps_thread, &set, "mps")));
	msleep(ENUM_MIDDLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&set.done));
	pci_stop_and_remove_bus_device_locked(pdev[0]);
	pci_cfg_access_unlock_enum(pdev[0]);
	wait_for_completion(&set.done);
	pcie_bus_config = config;

	KUNIT_EXPECT_EQ(test, 256, pcie_get_mps(pdev[1]));
	/* Its Routing ID may have been reused */
	KUNIT_EXPECT_EQ(test, 128, pcie_get_mps(pdev[0]));

	sim_kunit_rescan(root->bus);
	SIM_EXPECT_BOUND(test, ctx.ep[0], 2, 1);
}

/* What is below @port is reset as by setpci, without the kernel knowing */
static void enum_reset_by_user(struct pci_dev *port)
{
	u16 ctrl;

	pci_read_config_word(port, PCI_BRIDGE_CONTROL, &ctrl);
	pci_write_config_word(port, PCI_BRIDGE_CONTROL,
			      ctrl | PCI_BRIDGE_CTL_BUS_RESET);
	fsleep(2 * USEC_PER_MSEC);
	pci_write_config_word(port, PCI_BRIDGE_CONTROL, ctrl);
	msleep(SIM_SETTLE_MS);
}

/*
 * Some vendors tell users to remove a device, reset the switch above it with
 * setpci, and rescan
 */
static void enum_rescan_restores_bridges(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *down, *ep;
	struct pci_dev *port, *empty;
	u32 numbers, window;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	down = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	sim_kunit_start(test, sim);
	port = sim_kunit_dev(test, root);
	empty = sim_kunit_dev(test, down);

	/* A bridge that resumes is restored as well, so keep this one awake */
	pm_runtime_get_sync(&empty->dev);
	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, ep));
	numbers = pci_sim_peek(up, PCI_PRIMARY_BUS);
	window = pci_sim_peek(up, PCI_MEMORY_BASE);
	KUNIT_EXPECT_NE(test, 0, window);

	enum_reset_by_user(port);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(up, PCI_PRIMARY_BUS));

	sim_kunit_rescan(port->bus);
	KUNIT_EXPECT_EQ(test, numbers, pci_sim_peek(up, PCI_PRIMARY_BUS));
	KUNIT_EXPECT_EQ(test, window, pci_sim_peek(up, PCI_MEMORY_BASE));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, enum_usable(ep));
	pm_runtime_put(&empty->dev);
}

/* The bridges get their latest windows, not those that they had when found */
static void enum_rescan_restores_latest_windows(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *down, *ep;
	struct pci_dev *port, *awake[2];
	u32 closed, window[2];

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	down = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, NULL);
	sim_kunit_start(test, sim);
	port = sim_kunit_dev(test, root);
	awake[0] = sim_kunit_dev(test, up);
	awake[1] = sim_kunit_dev(test, down);

	/* A suspend would save the new windows */
	for (int i = 0; i < ARRAY_SIZE(awake); i++)
		pm_runtime_get_sync(&awake[i]->dev);
	closed = pci_sim_peek(down, PCI_MEMORY_BASE);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(down, ep));
	msleep(SIM_SETTLE_MS);
	sim_kunit_rescan(port->bus);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	/* A rescan does not write the windows of bridges in use, hotplug does */
	pci_lock_rescan_remove();
	for (int i = 0; i < ARRAY_SIZE(awake); i++)
		pci_assign_unassigned_bridge_resources(awake[i]);
	pci_unlock_rescan_remove();
	window[0] = pci_sim_peek(up, PCI_MEMORY_BASE);
	window[1] = pci_sim_peek(down, PCI_MEMORY_BASE);
	KUNIT_EXPECT_NE(test, closed, window[1]);

	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, ep));
	enum_reset_by_user(port);
	sim_kunit_rescan(port->bus);
	KUNIT_EXPECT_EQ(test, window[0], pci_sim_peek(up, PCI_MEMORY_BASE));
	KUNIT_EXPECT_EQ(test, window[1], pci_sim_peek(down, PCI_MEMORY_BASE));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, enum_usable(ep));
	for (int i = 0; i < ARRAY_SIZE(awake); i++)
		pm_runtime_put(&awake[i]->dev);
}

/* Slot Control is restored to its latest value, not that of the empty slot */
static void enum_rescan_restores_slot_control(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *down, *ep;
	struct pci_dev *port, *slot;
	u32 control;
	int pos;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	down = pci_sim_downstream_port(up, .hotplug = true, .power_ctrl = true);
	ep = pci_sim_endpoint(sim, NULL);
	sim_kunit_start(test, sim);
	port = sim_kunit_dev(test, root);
	slot = sim_kunit_dev(test, down);
	pos = pci_pcie_cap(slot) + PCI_EXP_SLTCTL;

	/* It is suspended once while it is empty, and not again */
	pm_runtime_get_sync(&slot->dev);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(down, ep));
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	control = pci_sim_peek(down, pos) & U16_MAX;
	KUNIT_EXPECT_FALSE(test, control & PCI_EXP_SLTCTL_PCC);
	KUNIT_EXPECT_TRUE(test, control & PCI_EXP_SLTCTL_HPIE);

	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, ep));
	enum_reset_by_user(port);
	sim_kunit_rescan(port->bus);
	KUNIT_EXPECT_EQ(test, control, pci_sim_peek(down, pos) & U16_MAX);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, enum_usable(ep));
	pm_runtime_put(&slot->dev);
}

/*
 * A driver that is stuck in a reset does not keep a rescan from finding others
 */
static void enum_rescan_skips_stuck_reset(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep[2];
	struct pci_dev *stuck;

	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		kunit_skip(test, "takes minutes");

	port = pci_sim_root_port(sim);
	ep[0] = pci_sim_endpoint(sim, port);
	ep[1] = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	sim_kunit_start(test, sim);
	stuck = sim_kunit_dev(test, port);
	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, ep[1]));
	pci_cfg_access_lock(stuck);
	sim_kunit_rescan(stuck->bus);
	pci_cfg_access_unlock(stuck);
	SIM_EXPECT_BOUND(test, ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ep[1], 2, 1);
}

/*
 * Resizing a BAR does not wait for a reset: without pci_rescan_remove_lock the
 * device may be gone afterwards
 */
static void enum_resized_bar_does_not_wait(struct kunit *test)
{
	struct enum_ctx ctx = {};
	struct pci_dev *pdev;

	enum_start_beside(test, &ctx);
	pdev = sim_kunit_dev(test, ctx.ep[0]);
	pci_cfg_access_lock(pdev);
	pci_release_resource(pdev, 0);
	pci_assign_unassigned_bus_resources(pdev->bus);
	KUNIT_EXPECT_NOT_NULL(test, pdev->resource[0].parent);
	pci_cfg_access_unlock(pdev);
}

/* Another bridge in the place of a known one is not restored */
static void enum_other_bridge_is_not_restored(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *other;
	struct pci_dev *known;
	struct pci_bus *bus;
	u32 numbers;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	pci_sim_downstream_port(up);
	other = pci_sim_add_pci_bridge(sim, NULL);
	sim_kunit_start(test, sim);
	bus = sim_kunit_dev(test, root)->bus;
	known = sim_kunit_dev(test, up);
	numbers = pci_sim_peek(up, PCI_PRIMARY_BUS);

	/* A bridge that resumes is restored, so keep this one awake */
	pm_runtime_get_sync(&known->dev);
	pci_sim_unplug(root);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(root, other));
	msleep(SIM_SETTLE_MS);
	sim_kunit_rescan(bus);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(other, PCI_PRIMARY_BUS));

	/* The known bridge is restored once it is back */
	pci_sim_unplug(root);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(root, up));
	msleep(SIM_SETTLE_MS);
	sim_kunit_rescan(bus);
	KUNIT_EXPECT_EQ(test, numbers, pci_sim_peek(up, PCI_PRIMARY_BUS));
	pm_runtime_put(&known->dev);
}

#define ENUM_CASE(_test, _init) \
	KUNIT_CASE_PARAM_WITH_INIT(_test, kunit_array_gen_params, _init, NULL)

static struct kunit_case enum_cases[] = {
	ENUM_CASE(enum_reset_at_any_time, enum_init_time),
	ENUM_CASE(enum_reset_at_any_access, enum_init_access),
	KUNIT_CASE(enum_rescan_does_not_block_trylock),
	KUNIT_CASE(enum_reset_waits_for_scan),
	KUNIT_CASE(enum_scan_does_not_wait_for_device_lock),
	KUNIT_CASE(enum_mps_set_in_reset_is_kept),
	KUNIT_CASE(enum_mps_set_while_device_is_removed),
	KUNIT_CASE(enum_rescan_restores_bridges),
	KUNIT_CASE(enum_rescan_restores_latest_windows),
	KUNIT_CASE(enum_rescan_restores_slot_control),
	KUNIT_CASE(enum_rescan_skips_stuck_reset),
	KUNIT_CASE(enum_resized_bar_does_not_wait),
	KUNIT_CASE(enum_other_bridge_is_not_restored),
	{}
};

/* Slow where time is real */
static struct kunit_suite enum_suite = {
	.name = "pci_reset_enum",
	.attr.speed = KUNIT_SPEED_SLOW,
	.test_cases = enum_cases,
};

kunit_test_suite(enum_suite);

MODULE_DESCRIPTION("KUnit tests of resets and enumeration at the same time");
MODULE_LICENSE("GPL");
