// SPDX-License-Identifier: GPL-2.0
/*
 * Resets of devices that are late, lost or replaced meanwhile.  Resets that
 * succeed are in sweep_kunit.c.
 */

#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "sim-kunit.h"

/* The port above the device that is reset */
struct reset_variant {
	const char *name;
	bool hotplug;
	bool below_switch;
};

static const struct reset_variant reset_ports[] = {
	{ .name = "Root Port" },
	{ .name = "hotplug Root Port", .hotplug = true },
	{ .name = "Downstream Port", .below_switch = true },
	{ .name = "hotplug Downstream Port", .hotplug = true,
	  .below_switch = true },
};

KUNIT_ARRAY_PARAM_DESC(reset_port, reset_ports, name);

struct reset_ctx {
	struct pci_sim *sim;
	struct pci_sim_func *port;
};

static struct reset_ctx reset_build(struct kunit *test)
{
	const struct reset_variant *v = test->param_value;
	struct pci_sim_port_config config = {};
	struct pci_sim_func *up;
	struct reset_ctx ctx;

	ctx.sim = sim_kunit_alloc(test);
	config.hotplug = v && v->hotplug;
	if (v && v->below_switch) {
		up = pci_sim_add_switch(ctx.sim, pci_sim_root_port(ctx.sim));
		ctx.port = pci_sim_add_downstream_port(up, &config);
	} else {
		ctx.port = pci_sim_add_root_port(ctx.sim, &config);
	}
	return ctx;
}

/* An Endpoint that can be reset by its Link only */
static struct pci_sim_func *reset_endpoint(struct reset_ctx *ctx)
{
	return pci_sim_endpoint(ctx->sim, ctx->port, .ready_ms = 30);
}

/*
 * The method "bus" was found to work before the second Function was found.  It
 * is refused nevertheless.
 */
static void reset_by_bus_refused_for_one_function(struct kunit *test)
{
	struct reset_ctx ctx = reset_build(test);
	struct pci_sim_func *f0 = reset_endpoint(&ctx);
	struct pci_sim_func *f1 = pci_sim_function(f0, .flr = true);

	sim_kunit_start(test, ctx.sim);
	sim_kunit_mark(test, f0);
	sim_kunit_mark(test, f1);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_function(sim_kunit_dev(test, f0)));
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, SIM_MARK, pci_sim_peek(f0, SIM_SCRATCH));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(f0));
	SIM_EXPECT_UNTOUCHED(test, f1);
}

/* A device that is late is waited for */
static void reset_waits_for_late_device(struct kunit *test)
{
	struct reset_ctx ctx = reset_build(test);
	struct pci_sim_func *ep = reset_endpoint(&ctx);

	sim_kunit_start(test, ctx.sim);
	sim_kunit_mark(test, ep);
	pci_sim_set_ready_ms(ep, 3000);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(sim_kunit_dev(test, ep)));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ep, PCI_SIM_RESET_HOT);
}

/* A Link that does not come back is an error */
static void reset_without_link_fails(struct kunit *test)
{
	const struct reset_variant *v = test->param_value;
	struct pci_sim_func *ep;
	struct reset_ctx ctx;

	ctx = reset_build(test);
	ep = reset_endpoint(&ctx);
	sim_kunit_start(test, ctx.sim);
	pci_sim_link_stuck(ctx.port, true);
	KUNIT_EXPECT_NE(test, 0, pci_reset_bus(sim_kunit_dev(test, ep)));
	SIM_EXPECT_TOLD(test, ep, 1);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, v->hotplug);
}

static void reset_unplug(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

static void reset_unplug_self(struct pci_sim_func *ep, void *port)
{
	pci_sim_unplug(port);
}

static void reset_plug(struct pci_sim_func *port, void *card)
{
	pci_sim_plug(port, card);
}

/* pciehp ignores the events that the reset causes, and no others */
static void reset_removed_meanwhile(struct kunit *test)
{
	/* At once, with SBR asserted, while the Link trains, after that */
	static const unsigned int ms[] = { 0, 1, 15, 110 };
	const struct reset_variant *v = test->param_value;
	unsigned int i;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");

	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		struct reset_ctx ctx = reset_build(test);
		struct pci_sim_func *ep;
		struct pci_dev *pdev;

		ep = reset_endpoint(&ctx);
		sim_kunit_start(test, ctx.sim);
		pdev = sim_kunit_dev(test, ep);
		pci_sim_at(ctx.port, ms[i] * USEC_PER_MSEC, reset_unplug, NULL);
		pci_reset_bus(pdev);
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, 1, 1);
	}
}

/*
 * The same with the removal at the access that starts the reset, or checks for
 * its end
 */
static void reset_removed_on_access(struct kunit *test)
{
	const struct reset_variant *v = test->param_value;
	struct pci_sim_func *ep;
	struct reset_ctx ctx;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");

	ctx = reset_build(test);
	ep = reset_endpoint(&ctx);
	sim_kunit_start(test, ctx.sim);
	pci_sim_on_write(ctx.port, PCI_BRIDGE_CONTROL, reset_unplug, NULL);
	KUNIT_EXPECT_NE(test, 0, pci_reset_bus(sim_kunit_dev(test, ep)));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	pci_sim_on_read(ep, PCI_BASE_ADDRESS_0, reset_unplug_self, ctx.port);
	pci_reset_bus(sim_kunit_dev(test, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 2);
}

static void reset_replaced_meanwhile(struct kunit *test)
{
	const struct reset_variant *v = test->param_value;
	struct pci_sim_func *ep, *new;
	struct reset_ctx ctx;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");

	ctx = reset_build(test);
	ep = pci_sim_endpoint(ctx.sim, ctx.port, .dsn = 1);
	new = pci_sim_endpoint(ctx.sim, NULL, .dsn = 2);
	sim_kunit_start(test, ctx.sim);
	pci_sim_at(ctx.port, 50 * USEC_PER_MSEC, reset_plug, new);
	pci_reset_bus(sim_kunit_dev(test, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
}

/*
 * pciehp removes a Function that was pulled during its reset as soon as the
 * reset has unlocked it, while the other Functions are still being unlocked.
 */
static void reset_removal_while_unlocked_is_safe(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *f0, *f1;

	if (!IS_ENABLED(CONFIG_PREEMPTION) && !IS_ENABLED(CONFIG_SMP))
		kunit_skip(test, "needs preemption or a second CPU");

	port = pci_sim_root_port(sim, .hotplug = true);
	f0 = pci_sim_endpoint(sim, port);
	f1 = pci_sim_function(f0);
	sim_kunit_start(test, sim);
	pci_sim_at(port, USEC_PER_MSEC, reset_unplug, NULL);
	KUNIT_EXPECT_NE(test, 0, pci_reset_bus(sim_kunit_dev(test, f0)));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_TOLD(test, f0, 1);
	SIM_EXPECT_TOLD(test, f1, 1);
	SIM_EXPECT_BOUND(test, f0, 1, 1);
	SIM_EXPECT_BOUND(test, f1, 1, 1);
}

static int reset_reset_subordinate(struct pci_dev *pdev)
{
	return sim_kunit_store(pci_upstream_bridge(pdev), "reset_subordinate",
			       "1");
}

/* How long ago a device was allowed to suspend when the reset comes */
struct reset_suspend {
	const char *name;
	int (*reset)(struct pci_dev *pdev);
	unsigned int ms;
};

static const struct reset_suspend reset_suspends[] = {
	{ .name = "pci_reset_bus, suspending", .reset = pci_reset_bus,
	  .ms = 0 },
	{ .name = "pci_reset_bus, suspended", .reset = pci_reset_bus,
	  .ms = 50 },
	{ .name = "pci_reset_bus, port suspending", .reset = pci_reset_bus,
	  .ms = 115 },
	{ .name = "pci_reset_bus, port suspended", .reset = pci_reset_bus,
	  .ms = 500 },
	{ .name = "reset_subordinate, suspending",
	  .reset = reset_reset_subordinate, .ms = 0 },
	{ .name = "reset_subordinate, suspended",
	  .reset = reset_reset_subordinate, .ms = 50 },
	{ .name = "reset_subordinate, port suspending",
	  .reset = reset_reset_subordinate, .ms = 115 },
	{ .name = "reset_subordinate, port suspended",
	  .reset = reset_reset_subordinate, .ms = 500 },
};

KUNIT_ARRAY_PARAM_DESC(reset_suspend, reset_suspends, name);

/* A device that is suspended, or about to be, is reset like any other */
static void reset_of_suspended_device(struct kunit *test)
{
	const struct reset_suspend *v = test->param_value;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct sim_config before;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim, .hotplug = true);
	ep = pci_sim_endpoint(sim, port, .flr = true);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);
	sim_kunit_mark(test, ep);
	sim_kunit_config_get(&before, pdev);

	pm_runtime_allow(&pdev->dev);
	pm_runtime_put(&pdev->dev);
	msleep(v->ms);
	KUNIT_EXPECT_EQ(test, 0, v->reset(pdev));
	pm_runtime_get_sync(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);

	msleep(SIM_SETTLE_MS);
	sim_kunit_config_expect(test, &before, pdev);
	SIM_EXPECT_RESET(test, ep, PCI_SIM_RESET_HOT);
}

/* No other method is tried if a Function does not come back from FLR */
static void reset_tries_nothing_after_flr_timeout(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;

	port = pci_sim_root_port(sim);
	ep = pci_sim_endpoint(sim, port, .flr = true,
			      .flr_ms = PCI_SIM_NEVER);
	sim_kunit_start(test, sim);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT,
			pci_reset_function(sim_kunit_dev(test, ep)));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(ep, PCI_SIM_RESET_FLR));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ep));
}

/* All Functions are waited for, not only the first one */
static void reset_waits_for_all_functions(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *f0, *f1;
	u32 command;

	port = pci_sim_root_port(sim);
	f0 = pci_sim_endpoint(sim, port);
	f1 = pci_sim_function(f0);
	sim_kunit_start(test, sim);
	pci_sim_set_ready_ms(f1, 2000);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(sim_kunit_dev(test, f0)));
	pci_read_config_dword(sim_kunit_dev(test, f1), PCI_COMMAND, &command);
	KUNIT_EXPECT_EQ(test, PCI_COMMAND_MASTER,
			command & PCI_COMMAND_MASTER);
	KUNIT_EXPECT_FALSE(test, PCI_POSSIBLE_ERROR(command));
}

/* A Function that says that it is ready at once is not waited for */
static void reset_immediate_readiness(struct kunit *test)
{
	struct reset_ctx ctx = reset_build(test);
	struct pci_sim_func *ep[2];
	struct pci_dev *pdev;
	ktime_t start;
	s64 ms[2];
	int i;

	for (i = 0; i < 2; i++)
		ep[i] = pci_sim_endpoint(ctx.sim, pci_sim_root_port(ctx.sim),
					 .flr = true, .imm_ready = i);
	sim_kunit_start(test, ctx.sim);
	for (i = 0; i < 2; i++) {
		pdev = sim_kunit_dev(test, ep[i]);
		KUNIT_EXPECT_TRUE(test, pdev->imm_ready == i);
		sim_kunit_mark(test, ep[i]);
		start = ktime_get();
		KUNIT_EXPECT_EQ(test, 0, pci_reset_function(pdev));
		ms[i] = ktime_ms_delta(ktime_get(), start);
		SIM_EXPECT_RESET(test, ep[i], PCI_SIM_RESET_FLR);
	}
	KUNIT_EXPECT_GE(test, ms[0], 100);
	KUNIT_EXPECT_LT(test, ms[1], 100);
}

/* ... nor accessed to see whether it is ready */
static void reset_immediate_readiness_is_trusted(struct kunit *test)
{
	struct reset_ctx ctx = reset_build(test);
	struct pci_sim_func *ep;
	ktime_t start;

	ep = pci_sim_endpoint(ctx.sim, ctx.port, .flr = true, .flr_ms = 1,
			      .imm_ready = true);
	sim_kunit_start(test, ctx.sim);
	start = ktime_get();
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(sim_kunit_dev(test, ep)));
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_EQ(test, 0, ktime_ms_delta(ktime_get(), start));
	SIM_EXPECT_TOLD(test, ep, 1);

	/* It was not ready when its configuration was restored */
	sim_kunit_expect_dead(test, ep);
}

static u16 reset_aspm_state(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);

	return pci_sim_peek(f, pci_pcie_cap(pdev) + PCI_EXP_LNKCTL) &
	       PCI_EXP_LNKCTL_ASPMC;
}

/* ASPM is the same at both ends of a Link after each kind of reset */
static void reset_keeps_aspm(struct kunit *test)
{
	static const char * const methods[] = { "flr", "pm", "bus" };
	struct reset_ctx ctx = reset_build(test);
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	unsigned int i;
	int rc;

	ep = pci_sim_endpoint(ctx.sim, ctx.port, .flr = true, .pm_reset = true);
	sim_kunit_start(test, ctx.sim);
	pdev = sim_kunit_dev(test, ep);
	rc = pci_enable_link_state(pdev, PCIE_LINK_STATE_L1);
	if (!IS_ENABLED(CONFIG_PCIEASPM) || rc == -EPERM)
		kunit_skip(test, "needs ASPM");
	KUNIT_ASSERT_EQ(test, 0, rc);
	KUNIT_ASSERT_EQ(test, PCI_EXP_LNKCTL_ASPM_L1,
			reset_aspm_state(test, ep));

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		KUNIT_EXPECT_EQ(test, 0, sim_kunit_store(pdev, "reset_method",
							 methods[i]));
		KUNIT_EXPECT_EQ(test, 0, pci_reset_function(pdev));
		KUNIT_EXPECT_EQ(test, PCI_EXP_LNKCTL_ASPM_L1,
				reset_aspm_state(test, ep));
		KUNIT_EXPECT_EQ(test, PCI_EXP_LNKCTL_ASPM_L1,
				reset_aspm_state(test, ctx.port));
	}
}

/* A PCIe-to-PCI bridge, with two devices that share its secondary bus */
struct reset_pci {
	struct pci_sim_func *bridge;
	struct pci_sim_func *dev[2];
};

static struct reset_pci reset_build_pci(struct kunit *test,
					const struct pci_sim_ep_config *config)
{
	struct reset_ctx ctx = reset_build(test);
	struct reset_pci pci;
	int i;

	pci.bridge = pci_sim_add_pci_bridge(ctx.sim, ctx.port);
	for (i = 0; i < 2; i++)
		pci.dev[i] = pci_sim_add_endpoint(ctx.sim, pci.bridge, config);
	sim_kunit_start(test, ctx.sim);
	for (i = 0; i < 2; i++)
		sim_kunit_mark(test, pci.dev[i]);
	return pci;
}

/* By its own Function Level Reset, and with all devices on the bus */
static void reset_of_conventional_device(struct kunit *test)
{
	struct pci_sim_ep_config config = {
		.conventional = true, .af_flr = true, .flr_ms = 50,
	};
	struct reset_pci pci = reset_build_pci(test, &config);
	struct pci_dev *pdev = sim_kunit_dev(test, pci.dev[1]);
	int i;

	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(pdev));
	SIM_EXPECT_RESET(test, pci.dev[1], PCI_SIM_RESET_AF_FLR);
	SIM_EXPECT_UNTOUCHED(test, pci.dev[0]);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, pci.dev[1]));

	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
	SIM_EXPECT_RESET(test, pci.dev[0], PCI_SIM_RESET_HOT);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(pci.dev[1],
						PCI_SIM_RESET_HOT));
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, pci.dev[i]));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(pci.bridge));
}

/* The Link above the bridge is reset, and with it all below the bridge */
static void reset_of_link_above_pci_bridge(struct kunit *test)
{
	struct pci_sim_ep_config config = { .conventional = true };
	struct reset_pci pci = reset_build_pci(test, &config);
	int i;

	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus(sim_kunit_dev(test, pci.bridge)));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(pci.bridge));
	for (i = 0; i < 2; i++) {
		SIM_EXPECT_RESET(test, pci.dev[i], PCI_SIM_RESET_HOT);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, pci.dev[i]));
	}
}

/*
 * A conventional device may take 2^25 clocks after RST#, a second (PCI r3.0,
 * sec 4.3.2).  It is waited for before it is restored, below a PCIe-to-PCI
 * bridge as well.
 */
static void reset_waits_for_conventional_device(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *bridge, *dev;

	bridge = pci_sim_add_pci_bridge(sim, pci_sim_root_port(sim));
	dev = pci_sim_endpoint(sim, bridge, .conventional = true);
	sim_kunit_start(test, sim);
	pci_sim_set_ready_ms(dev, 500);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(sim_kunit_dev(test, dev)));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(dev, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, dev));
}

/*
 * A device without Power Management Capability is left alone for 100 ms, as others
 * are (PCIe r6.0, sec 6.6.1)
 */
static void reset_waits_without_pm(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	ktime_t start;

	ep = pci_sim_endpoint(sim, pci_sim_root_port(sim), .no_pm = true);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);

	start = ktime_get();
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), start), 100);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(ep));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ep));
}

static s64 reset_time(struct kunit *test, u64 seed)
{
	struct reset_ctx ctx = reset_build(test);
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	ktime_t start;
	u16 ctl;

	ep = pci_sim_endpoint(ctx.sim, ctx.port);
	sim_kunit_start(test, ctx.sim);
	pdev = pci_upstream_bridge(sim_kunit_dev(test, ep));
	/* Nothing restores it after this reset */
	sim_kunit_expect_dead(test, ep);
	pci_sim_jitter(ctx.sim, seed, 100);

	pci_read_config_word(pdev, PCI_BRIDGE_CONTROL, &ctl);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL,
			      ctl | PCI_BRIDGE_CTL_BUS_RESET);
	fsleep(2000);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL, ctl);
	start = ktime_get();
	while (!pci_sim_link_is_up(ctx.port))
		usleep_range(10, 20);
	return ktime_us_delta(ktime_get(), start);
}

/* The same seed gives the same times to the microsecond, another one others */
static void reset_time_depends_on_seed(struct kunit *test)
{
	s64 first;

	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		kunit_skip(test, "needs virtual time");

	first = reset_time(test, 1);
	KUNIT_EXPECT_EQ(test, first, reset_time(test, 1));
	KUNIT_EXPECT_NE(test, first, reset_time(test, 2));
}

static struct kunit_case reset_cases[] = {
	KUNIT_CASE_PARAM(reset_by_bus_refused_for_one_function,
			 reset_port_gen_params),
	KUNIT_CASE_PARAM(reset_waits_for_late_device, reset_port_gen_params),
	KUNIT_CASE_PARAM(reset_without_link_fails, reset_port_gen_params),
	KUNIT_CASE_PARAM(reset_removed_meanwhile, reset_port_gen_params),
	KUNIT_CASE_PARAM(reset_removed_on_access, reset_port_gen_params),
	KUNIT_CASE_PARAM(reset_replaced_meanwhile, reset_port_gen_params),
	KUNIT_CASE(reset_removal_while_unlocked_is_safe),
	KUNIT_CASE_PARAM(reset_of_suspended_device, reset_suspend_gen_params),
	KUNIT_CASE(reset_tries_nothing_after_flr_timeout),
	KUNIT_CASE(reset_waits_for_all_functions),
	KUNIT_CASE(reset_immediate_readiness),
	KUNIT_CASE(reset_immediate_readiness_is_trusted),
	KUNIT_CASE_PARAM(reset_keeps_aspm, reset_port_gen_params),
	KUNIT_CASE(reset_of_conventional_device),
	KUNIT_CASE(reset_of_link_above_pci_bridge),
	KUNIT_CASE(reset_waits_for_conventional_device),
	KUNIT_CASE(reset_waits_without_pm),
	KUNIT_CASE(reset_time_depends_on_seed),
	{}
};

static struct kunit_suite reset_suite = {
	.name = "pci_reset",
	.test_cases = reset_cases,
};

kunit_test_suite(reset_suite);
