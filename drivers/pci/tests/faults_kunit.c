// SPDX-License-Identifier: GPL-2.0
/*
 * What the PCI core is known to do wrong, as tests that fail
 *
 * Each test says what should happen.  One that starts to pass moves to the
 * suite that its subject belongs to, until this file is empty.
 */

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "sim-kunit.h"

#define FT_MAX_PORTS	8

/* A switch with n ports, and an Endpoint below each */
struct ft {
	struct pci_sim *sim;
	struct pci_sim_func *up;
	struct pci_sim_func *ep[FT_MAX_PORTS];
};

static void ft_build(struct kunit *test, struct ft *ft, unsigned int n,
		     bool hotplug)
{
	struct pci_sim_func *port;
	unsigned int i;

	ft->sim = sim_kunit_alloc(test);
	ft->up = pci_sim_add_switch(ft->sim, pci_sim_root_port(ft->sim));
	for (i = 0; i < n; i++) {
		port = pci_sim_downstream_port(ft->up, .hotplug = hotplug);
		ft->ep[i] = pci_sim_endpoint(ft->sim, port);
	}
	sim_kunit_start(test, ft->sim);
}

/*
 * A reset above hotplug ports: they take the loss of their Links for an
 * unplug, and remove and add everything below them after the reset.  With
 * preemption or a second CPU this ends in a crash, because __pci_bus_unlock()
 * walks the list of devices meanwhile.
 */
static void ft_reset_above_hotplug(struct kunit *test)
{
	struct ft ft;

	ft_build(test, &ft, 2, true);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(sim_kunit_dev(test, ft.up)));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_TOLD(test, ft.ep[0], 1);
	SIM_EXPECT_BOUND(test, ft.ep[0], 1, 0);
	SIM_EXPECT_BOUND(test, ft.ep[1], 1, 0);
}

static s64 ft_reset_time(struct kunit *test, unsigned int ports)
{
	struct pci_dev *up;
	struct ft ft;
	ktime_t start;

	ft_build(test, &ft, ports, false);
	up = sim_kunit_dev(test, ft.up);
	start = ktime_get();
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(up));
	return ktime_ms_delta(ktime_get(), start);
}

/*
 * All Links of a switch train at the same time, but the ports are waited for
 * one after the other.
 */
static void ft_time_of_many_ports(struct kunit *test)
{
	s64 one = ft_reset_time(test, 1);

	KUNIT_EXPECT_LE(test, ft_reset_time(test, FT_MAX_PORTS), one + 50);
}

/*
 * A Function that does not come back from FLR is not one that does not support
 * FLR: no other method may be tried on it.
 */
static void ft_flr_timeout(struct kunit *test)
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

/* Who waits for the first Function does not know about the others */
static void ft_second_function_late(struct kunit *test)
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

static struct kunit_case ft_cases[] = {
	KUNIT_CASE(ft_reset_above_hotplug),
	KUNIT_CASE(ft_time_of_many_ports),
	KUNIT_CASE(ft_flr_timeout),
	KUNIT_CASE(ft_second_function_late),
	{}
};

static struct kunit_suite ft_suite = {
	.name = "pci-known-faults",
	.test_cases = ft_cases,
};

kunit_test_suite(ft_suite);

MODULE_DESCRIPTION("KUnit tests of known faults of the PCI core");
MODULE_LICENSE("GPL");
