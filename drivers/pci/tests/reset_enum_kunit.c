// SPDX-License-Identifier: GPL-2.0
/*
 * Something is reset while it is enumerated, or somebody looks at it
 *
 * A device that is being enumerated is either reset before, or after, or
 * enumerated again.  In the end it is there, with a driver, and works.  And who
 * only tries to reset something does not fail because of a rescan.
 */

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "../pci.h"
#include "sim-kunit.h"

/* From plugging in the card to its last probe, resets included */
#define RE_SETTLE_MS	5000
/* Far more than everything takes together */
#define RE_DEADLOCK_MS	(200 * MSEC_PER_SEC)
/* After this, a link that is being reset is down */
#define RE_MIDDLE_MS	10
/* The second Endpoint is late */
#define RE_READY_MS	800

/*
 * Root Port, switch, hotplug port, and the card: a switch with two Endpoints,
 * the second of which is late
 */
struct re {
	struct kunit *test;
	const struct re_rival *rival;
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
 * struct re_rival - what is reset meanwhile
 * @name: name of the parameter
 * @run: reset it; returns 0, or a negative error
 */
struct re_rival {
	const char *name;
	int (*run)(struct re *re);
};

static int re_store(struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);
	int rc = -ENODEV;

	if (pdev)
		rc = sim_kunit_store(pdev, "reset_subordinate", "1");
	pci_dev_put(pdev);
	return rc;
}

static int re_flags(struct pci_sim_func *f, pci_reset_flags_t flags)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);
	int rc = -ENODEV;

	if (pdev)
		rc = pci_reset_bus_flags(pdev, flags);
	pci_dev_put(pdev);
	return rc;
}

static int re_below_root(struct re *re)
{
	return re_store(re->root);
}

static int re_below_port(struct re *re)
{
	return re_store(re->port);
}

static int re_link(struct re *re)
{
	return re_flags(re->up, PCI_RESET_LINK);
}

static int re_below_up(struct re *re)
{
	return re_store(re->up);
}

static int re_below_down(struct re *re)
{
	return re_store(re->down[1]);
}

static int re_func(struct re *re)
{
	return re_flags(re->ep[1], PCI_RESET_FUNC);
}

static const struct re_rival re_rivals[] = {
	{ "below the Root Port", re_below_root },
	{ "below the hotplug port", re_below_port },
	{ "link of the hotplug port", re_link },
	{ "below the new Upstream Port", re_below_up },
	{ "below the new Downstream Port", re_below_down },
	{ "the new Endpoint", re_func },
};

/**
 * struct re_case - parameter of a test
 * @rival: what is reset
 * @n: when, as the test counts
 */
struct re_case {
	const struct re_rival *rival;
	unsigned int n;
};

static void re_desc(struct kunit *test, const void *param, char *desc)
{
	const struct re_case *c = param;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %u", c->rival->name, c->n);
}

static int re_params(struct kunit *test, unsigned int nr)
{
	unsigned int step = sim_kunit_step(97, 11), n = 0;
	struct re_case *cases;

	cases = kunit_kcalloc(test, ARRAY_SIZE(re_rivals) * nr, sizeof(*cases),
			      GFP_KERNEL);
	if (!cases)
		return -ENOMEM;

	for (unsigned int i = 0; i < ARRAY_SIZE(re_rivals) * nr; i += step) {
		cases[n].rival = &re_rivals[i / nr];
		cases[n++].n = i % nr;
	}
	kunit_register_params_array(test, cases, n, re_desc);
	return 0;
}

static void re_start(struct kunit *test, struct re *re)
{
	const struct re_case *c = test->param_value;
	struct pci_sim_func *up;

	re->test = test;
	re->rival = c->rival;
	re->sim = sim_kunit_alloc(test);
	re->root = pci_sim_root_port(re->sim);
	up = pci_sim_add_switch(re->sim, re->root);
	/* Device 0 would share its INTA with the Root Port */
	pci_sim_downstream_port(up);
	re->port = pci_sim_downstream_port(up, .hotplug = true);
	/* Plugged in from the beginning, so that it has bus numbers */
	re->up = pci_sim_add_switch(re->sim, re->port);
	for (int i = 0; i < ARRAY_SIZE(re->ep); i++) {
		re->down[i] = pci_sim_downstream_port(re->up);
		re->ep[i] = pci_sim_endpoint(re->sim, re->down[i], .flr = true);
	}
	sim_kunit_start(test, re->sim);
	pci_sim_set_ready_ms(re->ep[1], RE_READY_MS);
	init_completion(&re->done);

	pci_sim_unplug(re->port);
	msleep(SIM_SETTLE_MS);
	for (int i = 0; i < ARRAY_SIZE(re->ep); i++)
		SIM_EXPECT_BOUND(test, re->ep[i], 1, 1);
	msleep(SIM_IDLE_MS);
}

static int re_thread(void *data)
{
	struct re *re = data;

	re->result = re->rival->run(re);
	complete(&re->done);
	return 0;
}

static void re_run(struct re *re)
{
	struct task_struct *task = kthread_run(re_thread, re, "reset");

	re->running = !IS_ERR(task);
}

static bool re_usable(struct pci_sim_func *f)
{
	struct pci_sim_counts c = pci_sim_counts(f);
	u32 command = pci_sim_peek(f, PCI_COMMAND);

	return c.probe == c.remove + 1 && command & PCI_COMMAND_MASTER &&
	       command & PCI_COMMAND_MEMORY &&
	       pci_sim_peek(f, PCI_BASE_ADDRESS_0);
}

static void re_wait(struct re *re)
{
	if (wait_for_completion_timeout(&re->done,
					msecs_to_jiffies(RE_DEADLOCK_MS)))
		return;

	KUNIT_FAIL(re->test, "deadlock");
	wait_for_completion(&re->done);
}

/* Everything is there and works, whatever the reset has to say */
static void re_finish(struct re *re)
{
	struct kunit *test = re->test;

	if (re->running)
		re_wait(re);
	msleep(RE_SETTLE_MS);
	for (int i = 0; i < ARRAY_SIZE(re->ep); i++)
		KUNIT_EXPECT_TRUE_MSG(test, re_usable(re->ep[i]), "Endpoint %d",
				      i);
	if (re->running)
		KUNIT_EXPECT_TRUE_MSG(test,
				      !re->result || re->result == -ENODEV ||
				      re->result == -ENOTTY ||
				      (re->result == -EAGAIN && re->probing),
				      "the reset returned %d", re->result);

	/* The slot still notices what happens to it */
	pci_sim_unplug(re->port);
	msleep(SIM_SETTLE_MS);
	for (int i = 0; i < ARRAY_SIZE(re->ep); i++) {
		struct pci_sim_counts c = pci_sim_counts(re->ep[i]);

		KUNIT_EXPECT_EQ(test, c.probe, c.remove);
	}
}

/* Every 10 ms from plugging it in until it has a driver */
static int re_init_time(struct kunit *test)
{
	return re_params(test, 151);
}

static void re_at_any_time(struct kunit *test)
{
	const struct re_case *c = test->param_value;
	struct re re = {};

	re_start(test, &re);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(re.port, re.up));
	msleep(10 * c->n);
	re_run(&re);
	re_finish(&re);
}

static void re_hook(struct pci_sim_func *f, void *data);

static void re_set_hook(struct re *re, struct pci_sim_func *f)
{
	if (re->write)
		pci_sim_on_write(f, re->where, re_hook, re);
	else
		pci_sim_on_read(f, re->where, re_hook, re);
}

/* Gives the reset time to take place, unless it has to wait */
static void re_hook(struct pci_sim_func *f, void *data)
{
	struct re *re = data;
	struct pci_dev *pdev;

	if (re->skip) {
		re->skip--;
		re_set_hook(re, f);
		return;
	}
	/* "reset_subordinate" does not wait for the lock of a device */
	pdev = pci_sim_get_dev(f);
	re->probing = pdev && mutex_is_locked(&pdev->dev.mutex);
	pci_dev_put(pdev);
	re_run(re);
	msleep(500);
}

/*
 * When a register of the header is read or written for the first time, the second
 * time and so on, which is a point in the middle of something
 */
static int re_init_access(struct kunit *test)
{
	return re_params(test, 3 * 4 * 16 * 2);
}

static void re_at_any_access(struct kunit *test)
{
	const struct re_case *c = test->param_value;
	struct re re = {
		.write = c->n & 1,
		.where = 4 * (c->n / 2 % 16),
		.skip = c->n / 32 % 4,
	};
	struct pci_sim_func *f;

	re_start(test, &re);
	if (c->n < 128)
		f = re.up;
	else if (c->n < 256)
		f = re.down[1];
	else
		f = re.ep[1];
	re_set_hook(&re, f);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(re.port, re.up));
	msleep(1500);
	re_finish(&re);
	pci_sim_on_read(f, 0, NULL, NULL);
	pci_sim_on_write(f, 0, NULL, NULL);
}

struct re_looker {
	struct pci_bus *bus;
	bool stop;
	unsigned int rescans;
	struct completion done;
};

static int re_rescans(void *data)
{
	struct re_looker *looker = data;

	while (!READ_ONCE(looker->stop)) {
		pci_lock_rescan_remove();
		pci_rescan_bus(looker->bus);
		pci_unlock_rescan_remove();
		looker->rescans++;
		/* Less than a reset takes */
		fsleep(USEC_PER_MSEC);
	}
	complete(&looker->done);
	return 0;
}

/*
 * A rescan, which finds a device that asks to be waited for, and rescans one after
 * the other do not keep those away who only try to reset something beside it
 */
static void re_try(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *late_port, *late, *ep;
	struct re_looker looker = {};

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
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(re_rescans, &looker,
						    "rescan")));
	msleep(SIM_SETTLE_MS);
	/* Nobody else waits for it, and nothing is below its port for others */
	KUNIT_EXPECT_EQ(test, 0, looker.rescans);
	for (int i = 0; i < 60; i++) {
		KUNIT_EXPECT_EQ(test, 0,
				re_flags(ep, PCI_RESET_LINK | PCI_RESET_TRYLOCK));
		KUNIT_EXPECT_EQ(test, 0,
				re_flags(ep, PCI_RESET_FUNC | PCI_RESET_TRYLOCK));
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
				re_flags(ep, PCI_RESET_LINK | PCI_RESET_TRYLOCK));
		KUNIT_EXPECT_EQ(test, 0,
				re_flags(up, PCI_RESET_LINK | PCI_RESET_TRYLOCK));
		msleep(i);
	}
	WRITE_ONCE(looker.stop, true);
	wait_for_completion(&looker.done);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	SIM_EXPECT_BOUND(test, late, 1, 0);
}

static int re_beside(struct re *re)
{
	return re_flags(re->ep[0], PCI_RESET_LINK);
}

static const struct re_rival re_rival_beside = {
	"link that it shares with a known Function", re_beside
};

/* A Root Port and a device with two Functions, which share its link */
static void re_start_beside(struct kunit *test, struct re *re)
{
	re->test = test;
	re->rival = &re_rival_beside;
	re->sim = sim_kunit_alloc(test);
	re->root = pci_sim_root_port(re->sim);
	re->ep[0] = pci_sim_endpoint(re->sim, re->root);
	re->ep[1] = pci_sim_function(re->ep[0]);
	init_completion(&re->done);
	sim_kunit_start(test, re->sim);
}

struct re_scan {
	struct re *re;
	struct pci_bus *bus;
	struct completion begun;
	struct completion done;
};

/* As hotplug drivers do it that scan the bus of their own controller */
static int re_scan_thread(void *data)
{
	struct re_scan *scan = data;

	pci_lock_rescan_remove();
	pci_scan_slot(scan->bus, PCI_DEVFN(0, 0));
	pci_assign_unassigned_bus_resources(scan->bus);
	pci_bus_add_devices(scan->bus);
	pci_unlock_rescan_remove();
	complete(&scan->done);
	return 0;
}

static void re_scan_begun(struct pci_sim_func *f, void *data)
{
	struct re_scan *scan = data;

	complete(&scan->begun);
	msleep(RE_MIDDLE_MS);
}

/* Function 1 is found again while the link that it shares with 0 is reset */
static void re_scan_start(struct kunit *test, struct re *re,
			  struct re_scan *scan)
{
	struct pci_dev *pdev;

	re_start_beside(test, re);
	scan->re = re;
	scan->bus = sim_kunit_dev(test, re->ep[0])->bus;
	init_completion(&scan->begun);
	init_completion(&scan->done);

	pdev = sim_kunit_dev(test, re->ep[1]);
	pci_stop_and_remove_bus_device_locked(pdev);
	pci_sim_on_read(re->ep[1], PCI_CLASS_REVISION, re_scan_begun, scan);
}

static void re_scan_finish(struct re_scan *scan)
{
	struct kunit *test = scan->re->test;

	wait_for_completion(&scan->done);
	re_wait(scan->re);
	KUNIT_EXPECT_EQ(test, 0, scan->re->result);
	KUNIT_EXPECT_TRUE(test, re_usable(scan->re->ep[0]));
	SIM_EXPECT_BOUND(test, scan->re->ep[1], 2, 1);
	KUNIT_EXPECT_TRUE(test, re_usable(scan->re->ep[1]));
}

/* A reset waits for a scan that is looking at a device */
static void re_scan_first(struct kunit *test)
{
	struct re_scan scan;
	struct re re = {};

	re_scan_start(test, &re, &scan);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(re_scan_thread, &scan,
						    "scan")));
	wait_for_completion(&scan.begun);
	re_run(&re);
	re_scan_finish(&scan);
}

/*
 * A scan does not wait for a reset that waits for a device lock, since whoever
 * holds that may wait for the scan.  When the reset gets the lock, it waits for
 * the scan.
 */
static void re_scan_locked(struct kunit *test)
{
	struct re_scan scan;
	struct pci_dev *pdev;
	struct re re = {};

	re_scan_start(test, &re, &scan);
	pdev = sim_kunit_dev(test, re.ep[0]);

	device_lock(&pdev->dev);
	re_run(&re);
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_FALSE(test, IS_ERR(kthread_run(re_scan_thread, &scan,
						    "scan")));
	if (!wait_for_completion_timeout(&scan.begun,
					 msecs_to_jiffies(RE_DEADLOCK_MS)))
		KUNIT_FAIL(test, "the scan waits for who waits for a device lock");
	device_unlock(&pdev->dev);
	re_scan_finish(&scan);
}

/* Max_Payload_Size that is set during a reset is there after it */
static void re_mps(struct kunit *test)
{
	enum pcie_bus_config_types config;
	struct pci_dev *root, *pdev;
	struct re re = {};

	/* Not exported to modules */
	if (!IS_BUILTIN(CONFIG_PCI_SIM_KUNIT_TEST)) {
		kunit_skip(test, "not for modules");
		return;
	}

	re_start_beside(test, &re);
	root = sim_kunit_dev(test, re.root);
	pdev = sim_kunit_dev(test, re.ep[0]);
	KUNIT_EXPECT_EQ(test, 128, pcie_get_mps(pdev));
	root->pcie_mpss = 1;
	pdev->pcie_mpss = 1;

	re_run(&re);
	msleep(RE_MIDDLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&re.done));
	pci_lock_rescan_remove();
	config = pcie_bus_config;
	pcie_bus_config = PCIE_BUS_PERFORMANCE;
	pcie_bus_configure_settings(pdev->bus);
	pcie_bus_config = config;
	pci_unlock_rescan_remove();
	re_wait(&re);

	KUNIT_EXPECT_EQ(test, 0, re.result);
	KUNIT_EXPECT_EQ(test, 256, pcie_get_mps(root));
	KUNIT_EXPECT_EQ(test, 256, pcie_get_mps(pdev));
	/* Its own limit is lower */
	KUNIT_EXPECT_EQ(test, 128, pcie_get_mps(sim_kunit_dev(test, re.ep[1])));
}

static void re_rescan(struct pci_bus *bus)
{
	pci_lock_rescan_remove();
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
}

struct re_mps_set {
	struct pci_bus *bus;
	struct completion done;
};

static int re_mps_thread(void *data)
{
	struct re_mps_set *set = data;

	pcie_bus_configure_settings(set->bus);
	complete(&set->done);
	return 0;
}

/*
 * Whoever sets Max_Payload_Size without pci_rescan_remove_lock, as a host
 * controller driver does, goes on if the device is removed that it waits for
 */
static void re_mps_removed(struct kunit *test)
{
	enum pcie_bus_config_types config;
	struct pci_dev *root, *pdev[2];
	struct re_mps_set set;
	struct re re = {};

	if (!IS_BUILTIN(CONFIG_PCI_SIM_KUNIT_TEST)) {
		kunit_skip(test, "not for modules");
		return;
	}

	re_start_beside(test, &re);
	root = sim_kunit_dev(test, re.root);
	for (int i = 0; i < ARRAY_SIZE(pdev); i++)
		pdev[i] = sim_kunit_dev(test, re.ep[i]);
	root->pcie_mpss = 1;
	pdev[0]->pcie_mpss = 1;
	pdev[1]->pcie_mpss = 1;
	set.bus = pdev[0]->bus;
	init_completion(&set.done);

	config = pcie_bus_config;
	pcie_bus_config = PCIE_BUS_PERFORMANCE;
	pci_cfg_access_lock_enum(pdev[0]);
	KUNIT_EXPECT_FALSE(test, IS_ERR(kthread_run(re_mps_thread, &set,
						    "mps")));
	msleep(RE_MIDDLE_MS);
	KUNIT_EXPECT_FALSE(test, completion_done(&set.done));
	pci_stop_and_remove_bus_device_locked(pdev[0]);
	pci_cfg_access_unlock_enum(pdev[0]);
	wait_for_completion(&set.done);
	pcie_bus_config = config;

	KUNIT_EXPECT_EQ(test, 256, pcie_get_mps(pdev[1]));
	/* Its number may be that of another one */
	KUNIT_EXPECT_EQ(test, 128, pcie_get_mps(pdev[0]));

	re_rescan(root->bus);
	SIM_EXPECT_BOUND(test, re.ep[0], 2, 1);
}

/* What is below @port is reset as by setpci, without the kernel knowing */
static void re_reset_by_user(struct pci_dev *port)
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
 * To remove a device, to reset the switch above it by setpci and to rescan is
 * what some vendors tell users to do
 */
static void re_setpci(struct kunit *test)
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

	/* What resumes gets its configuration back as well */
	pm_runtime_get_sync(&empty->dev);
	pci_stop_and_remove_bus_device_locked(sim_kunit_dev(test, ep));
	numbers = pci_sim_peek(up, PCI_PRIMARY_BUS);
	window = pci_sim_peek(up, PCI_MEMORY_BASE);
	KUNIT_EXPECT_NE(test, 0, window);

	re_reset_by_user(port);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(up, PCI_PRIMARY_BUS));

	re_rescan(port->bus);
	KUNIT_EXPECT_EQ(test, numbers, pci_sim_peek(up, PCI_PRIMARY_BUS));
	KUNIT_EXPECT_EQ(test, window, pci_sim_peek(up, PCI_MEMORY_BASE));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, re_usable(ep));
	pm_runtime_put(&empty->dev);
}

/* The bridges get the windows that they had last, not when they were found */
static void re_setpci_windows(struct kunit *test)
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
	re_rescan(port->bus);
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
	re_reset_by_user(port);
	re_rescan(port->bus);
	KUNIT_EXPECT_EQ(test, window[0], pci_sim_peek(up, PCI_MEMORY_BASE));
	KUNIT_EXPECT_EQ(test, window[1], pci_sim_peek(down, PCI_MEMORY_BASE));
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, re_usable(ep));
	for (int i = 0; i < ARRAY_SIZE(awake); i++)
		pm_runtime_put(&awake[i]->dev);
}

/* A slot gets back what it was told last, not what it was when it was empty */
static void re_setpci_slot(struct kunit *test)
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
	re_reset_by_user(port);
	re_rescan(port->bus);
	KUNIT_EXPECT_EQ(test, control, pci_sim_peek(down, pos) & U16_MAX);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, re_usable(ep));
	pm_runtime_put(&slot->dev);
}

/* A driver that is stuck in a reset keeps nobody else from being found */
static void re_stuck(struct kunit *test)
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
	re_rescan(stuck->bus);
	pci_cfg_access_unlock(stuck);
	SIM_EXPECT_BOUND(test, ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ep[1], 2, 1);
}

/*
 * Whoever has resized a BAR does not wait for a reset: without
 * pci_rescan_remove_lock the device may be gone afterwards
 */
static void re_resized(struct kunit *test)
{
	struct re re = {};
	struct pci_dev *pdev;

	re_start_beside(test, &re);
	pdev = sim_kunit_dev(test, re.ep[0]);
	pci_cfg_access_lock(pdev);
	pci_release_resource(pdev, 0);
	pci_assign_unassigned_bus_resources(pdev->bus);
	KUNIT_EXPECT_NOT_NULL(test, pdev->resource[0].parent);
	pci_cfg_access_unlock(pdev);
}

/* Another bridge in the place of a known one gets nothing of that */
static void re_other_bridge(struct kunit *test)
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

	/* What resumes gets its configuration back, whatever it is */
	pm_runtime_get_sync(&known->dev);
	pci_sim_unplug(root);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(root, other));
	msleep(SIM_SETTLE_MS);
	re_rescan(bus);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_peek(other, PCI_PRIMARY_BUS));

	/* The known one does, once it is back */
	pci_sim_unplug(root);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(root, up));
	msleep(SIM_SETTLE_MS);
	re_rescan(bus);
	KUNIT_EXPECT_EQ(test, numbers, pci_sim_peek(up, PCI_PRIMARY_BUS));
	pm_runtime_put(&known->dev);
}

#define RE_CASE(_test, _init)						\
	KUNIT_CASE_PARAM_WITH_INIT(_test, kunit_array_gen_params, _init, NULL)

static struct kunit_case re_cases[] = {
	RE_CASE(re_at_any_time, re_init_time),
	RE_CASE(re_at_any_access, re_init_access),
	KUNIT_CASE(re_try),
	KUNIT_CASE(re_scan_first),
	KUNIT_CASE(re_scan_locked),
	KUNIT_CASE(re_mps),
	KUNIT_CASE(re_mps_removed),
	KUNIT_CASE(re_setpci),
	KUNIT_CASE(re_setpci_windows),
	KUNIT_CASE(re_setpci_slot),
	KUNIT_CASE(re_stuck),
	KUNIT_CASE(re_resized),
	KUNIT_CASE(re_other_bridge),
	{}
};

/* Slow where time is real */
static struct kunit_suite re_suite = {
	.name = "pci-reset-enum",
	.attr.speed = KUNIT_SPEED_SLOW,
	.test_cases = re_cases,
};

kunit_test_suite(re_suite);

MODULE_DESCRIPTION("KUnit tests of resets and enumeration at the same time");
MODULE_LICENSE("GPL");
