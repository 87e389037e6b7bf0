// SPDX-License-Identifier: GPL-2.0
/*
 * Resets with difficulties: devices that are late, lost or replaced meanwhile.
 * Those that go well are in sweep_kunit.c.
 */

#include <linux/ktime.h>
#include <linux/pci.h>

#include "sim-kunit.h"

/* The port above the device that is reset */
struct rs_variant {
	const char *name;
	bool hotplug;
	bool below_switch;
	bool fault;	/* the kernel may crash */
};

static const struct rs_variant rs_ports[] = {
	{ "Root Port" },
	{ "hotplug Root Port", .hotplug = true },
	{ "Downstream Port", .below_switch = true },
	{ "hotplug Downstream Port", .hotplug = true, .below_switch = true },
};

KUNIT_ARRAY_PARAM_DESC(rs_port, rs_ports, name);

#if IS_ENABLED(CONFIG_PCI_FAULTS_KUNIT_TEST)

static const struct rs_variant rs_fault_ports[] = {
	{ "hotplug Root Port", .hotplug = true, .fault = true },
	{ "hotplug Downstream Port", .hotplug = true, .below_switch = true,
	  .fault = true },
};

KUNIT_ARRAY_PARAM_DESC(rs_fault_port, rs_fault_ports, name);

#endif

struct rs {
	struct pci_sim *sim;
	struct pci_sim_func *port;
};

static struct rs rs_build(struct kunit *test)
{
	const struct rs_variant *v = test->param_value;
	struct pci_sim_port_config config = {};
	struct pci_sim_func *up;
	struct rs rs;

	rs.sim = sim_kunit_alloc(test);
	config.hotplug = v && v->hotplug;
	if (v && v->below_switch) {
		up = pci_sim_add_switch(rs.sim, pci_sim_root_port(rs.sim));
		rs.port = pci_sim_add_downstream_port(up, &config);
	} else {
		rs.port = pci_sim_add_root_port(rs.sim, &config);
	}
	return rs;
}

/* An Endpoint that can be reset by its Link only */
static struct pci_sim_func *rs_endpoint(struct rs *rs)
{
	return pci_sim_endpoint(rs->sim, rs->port, .ready_ms = 30);
}

/*
 * The method "bus" was found to work before the second Function was; it is
 * refused all the same.
 */
static void rs_one_of_two(struct kunit *test)
{
	struct rs rs = rs_build(test);
	struct pci_sim_func *f0 = rs_endpoint(&rs);
	struct pci_sim_func *f1 = pci_sim_function(f0, .flr = true);

	sim_kunit_start(test, rs.sim);
	sim_kunit_mark(test, f0);
	sim_kunit_mark(test, f1);
	KUNIT_EXPECT_EQ(test, -ENOTTY,
			pci_reset_function(sim_kunit_dev(test, f0)));
	msleep(SIM_SETTLE_MS);
	KUNIT_EXPECT_EQ(test, SIM_MARK, pci_sim_peek(f0, SIM_SCRATCH));
	KUNIT_EXPECT_EQ(test, 0, pci_sim_resets_all(f0));
	SIM_EXPECT_UNTOUCHED(test, f1);
}

/* A device that needs its time gets it */
static void rs_late(struct kunit *test)
{
	struct rs rs = rs_build(test);
	struct pci_sim_func *ep = rs_endpoint(&rs);

	sim_kunit_start(test, rs.sim);
	sim_kunit_mark(test, ep);
	pci_sim_set_ready_ms(ep, 3000);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(sim_kunit_dev(test, ep)));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_RESET(test, ep, PCI_SIM_RESET_HOT);
}

/*
 * pciehp removes a device that did not come back as soon as pci_reset_bus()
 * has unlocked it, and the __pci_bus_unlock() of Linux 7.3 goes on from there
 * on the list of devices.  Unless the kernel can be preempted nobody gets in
 * between.
 */
static void rs_skip_unlock_crash(struct kunit *test)
{
	const struct rs_variant *v = test->param_value;

	if (!v->fault &&
	    (IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_SMP)))
		kunit_skip(test, "is in pci-fault-reset");
}

/* A Link that does not come back is an error */
static void rs_no_link(struct kunit *test)
{
	const struct rs_variant *v = test->param_value;
	struct pci_sim_func *ep;
	struct rs rs;

	if (v->hotplug)
		rs_skip_unlock_crash(test);

	rs = rs_build(test);
	ep = rs_endpoint(&rs);
	sim_kunit_start(test, rs.sim);
	pci_sim_link_stuck(rs.port, true);
	KUNIT_EXPECT_NE(test, 0, pci_reset_bus(sim_kunit_dev(test, ep)));
	SIM_EXPECT_TOLD(test, ep, 1);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, v->hotplug);
}

static void rs_unplug(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

static void rs_unplug_self(struct pci_sim_func *ep, void *port)
{
	pci_sim_unplug(port);
}

static void rs_plug(struct pci_sim_func *port, void *card)
{
	pci_sim_plug(port, card);
}

/* pciehp ignores what the reset causes, not what happens at the same time */
static void rs_removed_meanwhile(struct kunit *test)
{
	/* At once, with SBR asserted, while the Link trains, after that */
	static const unsigned int ms[] = { 0, 1, 15, 110 };
	const struct rs_variant *v = test->param_value;
	unsigned int i;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");
	rs_skip_unlock_crash(test);

	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		struct rs rs = rs_build(test);
		struct pci_sim_func *ep;
		struct pci_dev *pdev;

		ep = rs_endpoint(&rs);
		sim_kunit_start(test, rs.sim);
		pdev = sim_kunit_dev(test, ep);
		pci_sim_at(rs.port, ms[i] * USEC_PER_MSEC, rs_unplug, NULL);
		pci_reset_bus(pdev);
		msleep(2 * SIM_SETTLE_MS);
		SIM_EXPECT_BOUND(test, ep, 1, 1);
	}
}

/* The same at the very access that starts the reset, or looks for its end */
static void rs_removed_on_access(struct kunit *test)
{
	const struct rs_variant *v = test->param_value;
	struct pci_sim_func *ep;
	struct rs rs;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");
	rs_skip_unlock_crash(test);

	rs = rs_build(test);
	ep = rs_endpoint(&rs);
	sim_kunit_start(test, rs.sim);
	pci_sim_on_write(rs.port, PCI_BRIDGE_CONTROL, rs_unplug, NULL);
	KUNIT_EXPECT_NE(test, 0, pci_reset_bus(sim_kunit_dev(test, ep)));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(rs.port, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	pci_sim_on_read(ep, PCI_BASE_ADDRESS_0, rs_unplug_self, rs.port);
	pci_reset_bus(sim_kunit_dev(test, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 2);
}

static void rs_replaced_meanwhile(struct kunit *test)
{
	const struct rs_variant *v = test->param_value;
	struct pci_sim_func *ep, *new;
	struct rs rs;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");
	rs_skip_unlock_crash(test);

	rs = rs_build(test);
	ep = pci_sim_endpoint(rs.sim, rs.port, .dsn = 1);
	new = pci_sim_endpoint(rs.sim, NULL, .dsn = 2);
	sim_kunit_start(test, rs.sim);
	pci_sim_at(rs.port, 50 * USEC_PER_MSEC, rs_plug, new);
	pci_reset_bus(sim_kunit_dev(test, ep));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	SIM_EXPECT_BOUND(test, new, 1, 0);
}

/* A Function that says that it is ready at once is not waited for */
static void rs_immediate(struct kunit *test)
{
	struct rs rs = rs_build(test);
	struct pci_sim_func *ep[2];
	struct pci_dev *pdev;
	ktime_t start;
	s64 ms[2];
	int i;

	for (i = 0; i < 2; i++)
		ep[i] = pci_sim_endpoint(rs.sim, pci_sim_root_port(rs.sim),
					 .flr = true, .imm_ready = i);
	sim_kunit_start(test, rs.sim);
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

/* ... not even looked at again once its reset is over */
static void rs_immediate_trusted(struct kunit *test)
{
	struct rs rs = rs_build(test);
	struct pci_sim_func *ep;
	ktime_t start;

	ep = pci_sim_endpoint(rs.sim, rs.port, .flr = true, .flr_ms = 1,
			      .imm_ready = true);
	sim_kunit_start(test, rs.sim);
	start = ktime_get();
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(sim_kunit_dev(test, ep)));
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_EQ(test, 0, ktime_ms_delta(ktime_get(), start));
	SIM_EXPECT_TOLD(test, ep, 1);

	/* It was not ready to take its configuration */
	sim_kunit_expect_dead(test, ep);
}

static u16 rs_aspm_state(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);

	return pci_sim_peek(f, pci_pcie_cap(pdev) + PCI_EXP_LNKCTL) &
	       PCI_EXP_LNKCTL_ASPMC;
}

/* ASPM stays as it is at both ends of a Link, whatever is reset */
static void rs_aspm(struct kunit *test)
{
	static const char * const methods[] = { "flr", "pm", "bus" };
	struct rs rs = rs_build(test);
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	unsigned int i;
	int ret;

	ep = pci_sim_endpoint(rs.sim, rs.port, .flr = true, .pm_reset = true);
	sim_kunit_start(test, rs.sim);
	pdev = sim_kunit_dev(test, ep);
	ret = pci_enable_link_state(pdev, PCIE_LINK_STATE_L1);
	if (!IS_ENABLED(CONFIG_PCIEASPM) || ret == -EPERM)
		kunit_skip(test, "needs ASPM");
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_ASSERT_EQ(test, PCI_EXP_LNKCTL_ASPM_L1, rs_aspm_state(test, ep));

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		KUNIT_EXPECT_EQ(test, 0, sim_kunit_store(pdev, "reset_method",
							 methods[i]));
		KUNIT_EXPECT_EQ(test, 0, pci_reset_function(pdev));
		KUNIT_EXPECT_EQ(test, PCI_EXP_LNKCTL_ASPM_L1,
				rs_aspm_state(test, ep));
		KUNIT_EXPECT_EQ(test, PCI_EXP_LNKCTL_ASPM_L1,
				rs_aspm_state(test, rs.port));
	}
}

/* A PCIe-to-PCI bridge, with two devices that share its secondary bus */
struct rs_pci {
	struct pci_sim_func *bridge;
	struct pci_sim_func *dev[2];
};

static struct rs_pci rs_build_pci(struct kunit *test,
				  const struct pci_sim_ep_config *config)
{
	struct rs rs = rs_build(test);
	struct rs_pci pci;
	int i;

	pci.bridge = pci_sim_add_pci_bridge(rs.sim, rs.port);
	for (i = 0; i < 2; i++)
		pci.dev[i] = pci_sim_add_endpoint(rs.sim, pci.bridge, config);
	sim_kunit_start(test, rs.sim);
	for (i = 0; i < 2; i++)
		sim_kunit_mark(test, pci.dev[i]);
	return pci;
}

/* By itself, as far as it can, and with everything on the bus */
static void rs_conventional(struct kunit *test)
{
	struct pci_sim_ep_config config = {
		.conventional = true, .af_flr = true, .flr_ms = 50,
	};
	struct rs_pci pci = rs_build_pci(test, &config);
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
static void rs_conventional_link(struct kunit *test)
{
	struct pci_sim_ep_config config = { .conventional = true };
	struct rs_pci pci = rs_build_pci(test, &config);
	int i;

	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_bus(sim_kunit_dev(test, pci.bridge)));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(pci.bridge));
	for (i = 0; i < 2; i++) {
		SIM_EXPECT_RESET(test, pci.dev[i], PCI_SIM_RESET_HOT);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, pci.dev[i]));
	}
}

static s64 rs_time(struct kunit *test, u64 seed)
{
	struct rs rs = rs_build(test);
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	ktime_t start;
	u16 ctl;

	ep = pci_sim_endpoint(rs.sim, rs.port);
	sim_kunit_start(test, rs.sim);
	pdev = pci_upstream_bridge(sim_kunit_dev(test, ep));
	/* Nothing restores it after this reset */
	sim_kunit_expect_dead(test, ep);
	pci_sim_jitter(rs.sim, seed, 100);

	pci_read_config_word(pdev, PCI_BRIDGE_CONTROL, &ctl);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL,
			      ctl | PCI_BRIDGE_CTL_BUS_RESET);
	fsleep(2000);
	pci_write_config_word(pdev, PCI_BRIDGE_CONTROL, ctl);
	start = ktime_get();
	while (!pci_sim_link_is_up(rs.port))
		usleep_range(10, 20);
	return ktime_us_delta(ktime_get(), start);
}

/* The same seed gives the same times to the microsecond, another one others */
static void rs_seed(struct kunit *test)
{
	s64 first;

	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		kunit_skip(test, "needs virtual time");

	first = rs_time(test, 1);
	KUNIT_EXPECT_EQ(test, first, rs_time(test, 1));
	KUNIT_EXPECT_NE(test, first, rs_time(test, 2));
}

static struct kunit_case rs_cases[] = {
	KUNIT_CASE_PARAM(rs_one_of_two, rs_port_gen_params),
	KUNIT_CASE_PARAM(rs_late, rs_port_gen_params),
	KUNIT_CASE_PARAM(rs_no_link, rs_port_gen_params),
	KUNIT_CASE_PARAM(rs_removed_meanwhile, rs_port_gen_params),
	KUNIT_CASE_PARAM(rs_removed_on_access, rs_port_gen_params),
	KUNIT_CASE_PARAM(rs_replaced_meanwhile, rs_port_gen_params),
	KUNIT_CASE(rs_immediate),
	KUNIT_CASE(rs_immediate_trusted),
	KUNIT_CASE_PARAM(rs_aspm, rs_port_gen_params),
	KUNIT_CASE(rs_conventional),
	KUNIT_CASE(rs_conventional_link),
	KUNIT_CASE(rs_seed),
	{}
};

static struct kunit_suite rs_suite = {
	.name = "pci-sim-reset",
	.test_cases = rs_cases,
};

kunit_test_suite(rs_suite);

#if IS_ENABLED(CONFIG_PCI_FAULTS_KUNIT_TEST)

static struct kunit_case rs_fault_cases[] = {
	KUNIT_CASE_PARAM(rs_no_link, rs_fault_port_gen_params),
	KUNIT_CASE_PARAM(rs_removed_meanwhile, rs_fault_port_gen_params),
	KUNIT_CASE_PARAM(rs_removed_on_access, rs_fault_port_gen_params),
	KUNIT_CASE_PARAM(rs_replaced_meanwhile, rs_fault_port_gen_params),
	{}
};

static struct kunit_suite rs_fault_suite = {
	.name = "pci-fault-reset",
	.test_cases = rs_fault_cases,
};

kunit_test_suite(rs_fault_suite);

#endif
