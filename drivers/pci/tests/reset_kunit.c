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
};

static const struct rs_variant rs_ports[] = {
	{ "Root Port" },
	{ "hotplug Root Port", .hotplug = true },
	{ "Downstream Port", .below_switch = true },
	{ "hotplug Downstream Port", .hotplug = true, .below_switch = true },
};

KUNIT_ARRAY_PARAM_DESC(rs_port, rs_ports, name);

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
 * has unlocked it, and __pci_bus_unlock() goes on from there on the list of
 * devices.  Unless the kernel can be preempted nobody gets in between.
 */
static void rs_skip_unlock_crash(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_SMP))
		kunit_skip(test, "known fault: __pci_bus_unlock() crashes");
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

		ep = rs_endpoint(&rs);
		sim_kunit_start(test, rs.sim);
		pci_sim_at(rs.port, ms[i] * USEC_PER_MSEC, rs_unplug, NULL);
		pci_reset_bus(sim_kunit_dev(test, ep));
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
	KUNIT_CASE(rs_seed),
	{}
};

static struct kunit_suite rs_suite = {
	.name = "pci-sim-reset",
	.test_cases = rs_cases,
};

kunit_test_suite(rs_suite);
