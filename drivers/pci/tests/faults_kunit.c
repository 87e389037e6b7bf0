// SPDX-License-Identifier: GPL-2.0
/*
 * What the PCI core of Linux 7.3 does wrong, as tests of what it should do
 *
 *   1	a reset that the hotplug driver was not told about
 *   2	a reset above hotplug ports
 *   3	a crash while devices are unlocked
 *   4	a time that is a sum over ports
 *   5	deadlocks of removals with pciehp
 *   6	a lockdep report about pciehp's locks
 *   7	resets of devices that are runtime suspended
 *
 * 1, 2 and 4 concern all fabrics, so they are in sweep_kunit.c.
 *
 * One test may take the whole kernel with it, so each is to be run in a boot
 * of its own.
 */

#include <linux/debug_locks.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "../pci.h"
#include "sim-kunit.h"

static void ft_unplug(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

/*
 * 3: pciehp removes a Function that was pulled during its reset as soon as
 * that reset has unlocked it.  __pci_bus_unlock() goes on from there on the
 * list of devices.  Who can get in between: a thread that preempts, or another
 * CPU.
 */
static void ft_removed_while_unlocked(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *f0, *f1;

	if (!IS_ENABLED(CONFIG_PREEMPTION) && !IS_ENABLED(CONFIG_SMP))
		kunit_skip(test, "needs preemption or a second CPU");

	port = pci_sim_root_port(sim, .hotplug = true);
	f0 = pci_sim_endpoint(sim, port);
	f1 = pci_sim_function(f0);
	sim_kunit_start(test, sim);
	pci_sim_at(port, USEC_PER_MSEC, ft_unplug, NULL);
	KUNIT_EXPECT_NE(test, 0, pci_reset_bus(sim_kunit_dev(test, f0)));
	msleep(2 * SIM_SETTLE_MS);
	SIM_EXPECT_TOLD(test, f0, 1);
	SIM_EXPECT_TOLD(test, f1, 1);
	SIM_EXPECT_BOUND(test, f0, 1, 1);
	SIM_EXPECT_BOUND(test, f1, 1, 1);
}

/*
 * 5: the removal of a hotplug port holds pci_rescan_remove_lock and waits in
 * free_irq() for the interrupt thread, which waits for that lock to add what
 * was plugged in.
 */
static void ft_port_removed_while_adding(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim, .hotplug = true);
	ep = pci_sim_endpoint(sim, NULL);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, port);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
	/* The Link is up, and the 100 ms after that are not over */
	msleep(60);
	sim_kunit_expect_dead(test, port);
	pci_stop_and_remove_bus_device_locked(pdev);
	KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(port));
	KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(ep));
}

/*
 * 5: pciehp removes another hotplug port that shares its interrupt, in the
 * interrupt's thread, and free_irq() waits for the end of that thread.
 */
static void ft_shared_interrupt(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *root, *up, *down, *ep;

	root = pci_sim_root_port(sim, .hotplug = true, .intx = true);
	up = pci_sim_add_switch(sim, root);
	/* Device 0 below device 0 has the INTA of the Root Port */
	down = pci_sim_downstream_port(up, .hotplug = true, .intx = true);
	ep = pci_sim_endpoint(sim, down);
	sim_kunit_start(test, sim);
	KUNIT_ASSERT_EQ(test, sim_kunit_dev(test, root)->irq,
			sim_kunit_dev(test, down)->irq);
	pci_sim_unplug(root);
	msleep(10 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
}

/* 6: pciehp's reset_lock and pci_rescan_remove_lock are taken both ways */
static void ft_lock_order(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;

	if (!IS_ENABLED(CONFIG_PROVE_LOCKING) || !debug_locks)
		kunit_skip(test, "needs lockdep, and nothing reported before");

	port = pci_sim_root_port(sim, .hotplug = true);
	ep = pci_sim_endpoint(sim, port);
	sim_kunit_start(test, sim);
	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_TRUE(test, debug_locks);
}

static int ft_reset_subordinate(struct pci_dev *pdev)
{
	return sim_kunit_store(pci_upstream_bridge(pdev), "reset_subordinate",
			       "1");
}

/* How long ago a device was allowed to suspend when the reset comes */
struct ft_suspend {
	const char *name;
	int (*reset)(struct pci_dev *pdev);
	unsigned int ms;
};

static const struct ft_suspend ft_suspends[] = {
	{ "pci_reset_bus, suspending", pci_reset_bus, 0 },
	{ "pci_reset_bus, suspended", pci_reset_bus, 50 },
	{ "pci_reset_bus, port suspending", pci_reset_bus, 115 },
	{ "pci_reset_bus, port suspended", pci_reset_bus, 500 },
	{ "reset_subordinate, suspending", ft_reset_subordinate, 0 },
	{ "reset_subordinate, suspended", ft_reset_subordinate, 50 },
	{ "reset_subordinate, port suspending", ft_reset_subordinate, 115 },
	{ "reset_subordinate, port suspended", ft_reset_subordinate, 500 },
};

KUNIT_ARRAY_PARAM_DESC(ft_suspend, ft_suspends, name);

/* 7: a device that sleeps, or is about to, is reset like any other */
static void ft_runtime_pm(struct kunit *test)
{
	const struct ft_suspend *v = test->param_value;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *ep;
	struct sim_config before;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim, .hotplug = true);
	ep = pci_sim_endpoint(sim, port, .flr = true);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, ep);
	sim_kunit_mark(test, ep);
	sim_config_get(&before, pdev);

	pm_runtime_allow(&pdev->dev);
	pm_runtime_put(&pdev->dev);
	msleep(v->ms);
	KUNIT_EXPECT_EQ(test, 0, v->reset(pdev));
	pm_runtime_get_sync(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);

	msleep(SIM_SETTLE_MS);
	sim_config_expect(test, &before, pdev);
	SIM_EXPECT_RESET(test, ep, PCI_SIM_RESET_HOT);
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

/*
 * VFs with Routing IDs beyond the bus of their PF are on a bus that no bridge
 * leads to, and so nobody saves, restores or tells them.
 */
static void ft_vfs_on_another_bus(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *pf, *vf;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim);
	pf = pci_sim_endpoint(sim, port, .vfs = 1, .vf_offset = 0x100);
	vf = pci_sim_vf(pf, 0);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, pf);
	KUNIT_ASSERT_EQ(test, 1, sim_kunit_set_vfs(pdev, 1));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf));
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(vf, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf));
	SIM_EXPECT_TOLD(test, vf, 1);
}

/*
 * A fabric that the test itself takes down, to see whether all of it is freed,
 * with a hotplug port or another one and an Endpoint below
 */
struct ft_counted {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_dev *pdev;
	unsigned int alive;
};

static void ft_counted_start(struct kunit *test, struct ft_counted *c,
			     bool hotplug, u16 vfs)
{
	c->alive = pci_sim_alive();
	c->sim = pci_sim_alloc();
	KUNIT_ASSERT_NOT_NULL(test, c->sim);
	c->port = pci_sim_root_port(c->sim, .hotplug = hotplug);
	c->ep = pci_sim_endpoint(c->sim, c->port, .vfs = vfs);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_start(c->sim));
	msleep(SIM_IDLE_MS);
	c->pdev = pci_sim_get_dev(c->ep);
}

static void ft_counted_finish(struct kunit *test, struct ft_counted *c)
{
	pci_sim_destroy(c->sim);
	KUNIT_EXPECT_EQ(test, c->alive, pci_sim_alive());
}

/*
 * pciehp removes VFs before their PF, and disabling SR-IOV does not find them
 * any more then: it forgets to drop the reference to the PF that each has.
 */
static void ft_vf_leaks_pf(struct kunit *test)
{
	struct ft_counted c;

	ft_counted_start(test, &c, true, 1);
	KUNIT_EXPECT_EQ(test, 1, sim_kunit_set_vfs(c.pdev, 1));
	pci_dev_put(c.pdev);

	pci_sim_unplug(c.port);
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, c.ep, 1, 1);
	ft_counted_finish(test, &c);
}

/*
 * The source of an error has no error any more when AER gets to look at it,
 * and AER forgets to drop its reference to the device.
 */
static void ft_aer_status_cleared(struct kunit *test)
{
	struct ft_counted c;

	ft_counted_start(test, &c, false, 0);
	pci_sim_set_one_irq_us(c.port, PCI_SIM_IRQ_AER, 10 * USEC_PER_MSEC);
	pci_sim_cor_error(c.ep, PCI_ERR_COR_RCVR);
	pci_write_config_dword(c.pdev, c.pdev->aer_cap + PCI_ERR_COR_STATUS,
			       PCI_ERR_COR_RCVR);
	pci_dev_put(c.pdev);
	msleep(SIM_SETTLE_MS);
	ft_counted_finish(test, &c);
}

/*
 * A conventional device may take 2^25 clocks after RST#, a second (PCI r3.0,
 * sec 4.3.2).  It is waited for below a conventional bridge, but not below a
 * PCIe-to-PCI bridge, and what is restored meanwhile is lost.
 */
static void ft_conventional_late(struct kunit *test)
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
 * A VF may take up to a second after VF Enable, and answer with Request Retry
 * Status meanwhile (PCIe r6.0, sec 9.3.3.3.1).  The kernel adds it after 100
 * ms, with whatever it reads; on a bus without a bridge it crashes then, in
 * pci_common_swizzle(), because the Interrupt Pin reads as 0xff.
 */
static void ft_vf_late(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *pf;

	port = pci_sim_root_port(sim);
	pf = pci_sim_endpoint(sim, port, .vfs = 2);
	sim_kunit_start(test, sim);
	pci_sim_set_ready_ms(pci_sim_vf(pf, 1), 150);
	KUNIT_ASSERT_EQ(test, 2,
			sim_kunit_set_vfs(sim_kunit_dev(test, pf), 2));
	KUNIT_EXPECT_TRUE(test, pci_is_pcie(sim_kunit_dev(test,
							  pci_sim_vf(pf, 1))));
}

/* One VF that does not get ready at all is an error, and not for ever */
static void ft_vf_never(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *pf;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim);
	pf = pci_sim_endpoint(sim, port, .vfs = 2);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, pf);
	pci_sim_set_ready_ms(pci_sim_vf(pf, 1), PCI_SIM_NEVER);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, sim_kunit_set_vfs(pdev, 2));
	KUNIT_EXPECT_EQ(test, 0, pci_num_vf(pdev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(pci_sim_vf(pf, 0)));

	pci_sim_set_ready_ms(pci_sim_vf(pf, 1), 0);
	KUNIT_EXPECT_EQ(test, 2, sim_kunit_set_vfs(pdev, 2));
	KUNIT_EXPECT_TRUE(test, pci_is_pcie(sim_kunit_dev(test,
							  pci_sim_vf(pf, 1))));
}

/*
 * A switch is plugged in again.  Its second port has nothing below, and what is
 * left of the window for its first one is less than that needs.
 */
static void ft_switch_again(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *up, *ep;

	port = pci_sim_root_port(sim, .hotplug = true);
	up = pci_sim_add_switch(sim, port);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	pci_sim_downstream_port(up);
	sim_kunit_start(test, sim);
	pci_sim_unplug(port);
	msleep(2 * SIM_SETTLE_MS);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(port, up));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 2, 1);
	KUNIT_EXPECT_NE(test, 0,
			pci_resource_start(sim_kunit_dev(test, ep), 0));
}

/* More bridges than bus numbers: those that get none are of no use, that is all */
static void ft_bus_numbers(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *up, *down, *first = NULL, *last = NULL;
	struct pci_dev *pdev;

	for (int i = 0; i < 8; i++) {
		up = pci_sim_add_switch(sim, pci_sim_root_port(sim));
		for (int j = 0; j < 32; j++) {
			down = pci_sim_downstream_port(up);
			if (!j || j == 31)
				last = pci_sim_endpoint(sim, down);
			if (!j && !i)
				first = last;
		}
	}
	sim_kunit_start(test, sim);
	SIM_EXPECT_BOUND(test, first, 1, 0);
	SIM_EXPECT_BOUND(test, last, 0, 0);

	pdev = sim_kunit_dev(test, first);
	pci_lock_rescan_remove();
	pci_rescan_bus(pci_find_bus(pci_domain_nr(pdev->bus), 0));
	pci_unlock_rescan_remove();
	SIM_EXPECT_BOUND(test, first, 1, 0);
	SIM_EXPECT_BOUND(test, last, 0, 0);
	sim_kunit_expect_dead(test, up);
}

static void ft_rescan(struct kunit *test, struct pci_sim_func *root)
{
	struct pci_dev *pdev = pci_sim_get_dev(root);

	KUNIT_EXPECT_NOT_NULL(test, pdev);
	if (!pdev)
		return;

	pci_lock_rescan_remove();
	pci_rescan_bus(pdev->bus);
	pci_unlock_rescan_remove();
	pci_dev_put(pdev);
}

/* The same with a host bridge that does not begin with bus 0 */
static void ft_high_bus_numbers(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep[18];

	pci_sim_set_first_bus(sim, 0xf0);
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		ep[i] = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	sim_kunit_start(test, sim);
	ft_rescan(test, pci_sim_upstream(ep[0]));
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		SIM_EXPECT_BOUND(test, ep[i], i < 15, 0);
	for (int i = 15; i < ARRAY_SIZE(ep); i++)
		sim_kunit_expect_dead(test, pci_sim_upstream(ep[i]));
}

/*
 * Below a port that had nothing below it when it was numbered, a switch gets
 * its numbers from what is left, and nothing else is numbered anew.  Where
 * firmware numbers the buses, unlike in User Mode Linux, it may have reserved
 * these, so the switch gets none.
 */
static void ft_more_buses(struct kunit *test)
{
	struct pci_sim_func *root, *up, *inner, *other, *ep[2];
	struct pci_sim *sim = sim_kunit_alloc(test);
	u32 numbers;

	other = pci_sim_endpoint(sim, pci_sim_root_port(sim));
	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, NULL);
	ep[0] = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	inner = pci_sim_add_switch(sim, pci_sim_downstream_port(up));
	ep[1] = pci_sim_endpoint(sim, pci_sim_downstream_port(inner));
	sim_kunit_start(test, sim);
	numbers = pci_sim_peek(pci_sim_upstream(other), PCI_PRIMARY_BUS);

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(root, up));
	msleep(SIM_SETTLE_MS);
	ft_rescan(test, root);
	SIM_EXPECT_BOUND(test, other, 1, 0);
	KUNIT_EXPECT_EQ(test, numbers, pci_sim_peek(pci_sim_upstream(other),
						    PCI_PRIMARY_BUS));
	if (!IS_ENABLED(CONFIG_UML)) {
		KUNIT_EXPECT_NULL(test, sim_kunit_dev(test, up)->subordinate);
		sim_kunit_expect_dead(test, up);
		return;
	}

	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		SIM_EXPECT_BOUND(test, ep[i], 1, 0);
	ft_rescan(test, root);
	for (int i = 0; i < ARRAY_SIZE(ep); i++)
		SIM_EXPECT_BOUND(test, ep[i], 1, 0);
}

/*
 * A switch that is found by a rescan, before a bridge that is known, does not
 * get that bridge's bus number.
 */
static void ft_known_bus_numbers(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim_func *root, *up, *port, *known, *ep, *new;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_dev *pdev;
	u32 id = 0;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	port = pci_sim_downstream_port(up);
	known = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, known);
	new = pci_sim_add_switch(sim, NULL);
	pci_sim_endpoint(sim, pci_sim_downstream_port(new));
	sim_kunit_start(test, sim);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(port, new));
	msleep(SIM_SETTLE_MS);
	ft_rescan(test, root);

	SIM_EXPECT_BOUND(test, ep, 1, 0);
	pdev = pci_sim_get_dev(ep);
	KUNIT_EXPECT_NOT_NULL(test, pdev);
	if (pdev)
		pci_read_config_dword(pdev, PCI_VENDOR_ID, &id);
	KUNIT_EXPECT_EQ(test, PCI_SIM_VENDOR_ID, id & 0xffff);
	pci_dev_put(pdev);

	/* Its port has neither a bus number nor a window for it */
	sim_kunit_expect_dead(test, new);
	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

/*
 * Bridges that have lost their numbers keep what is known of them.  Without a
 * slot, the kernel is not told that their link was down, but a rescan sees it.
 */
static void ft_lost_bus_numbers(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim_func *root, *port, *up, *ep;
	struct pci_sim *sim = sim_kunit_alloc(test);

	root = pci_sim_root_port(sim);
	port = pci_sim_downstream_port(pci_sim_add_switch(sim, root),
				       .hotplug = true);
	up = pci_sim_add_switch(sim, port);
	ep = pci_sim_endpoint(sim, pci_sim_downstream_port(up));
	sim_kunit_start(test, sim);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	pci_sim_link_flap(root, 20);
	msleep(SIM_SETTLE_MS);
	ft_rescan(test, root);
	msleep(SIM_SETTLE_MS);

	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

/*
 * What is known below other bridges stays below them if a rescan finds one
 * bridge less.  If it does not, one that is removed leaves the state of its link
 * behind, and the next removal follows that to a bus that is not there: a fault
 * at 0x28 in pcie_aspm_exit_link_state().
 */
static void ft_fewer_bridges(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim_func *root, *up, *port, *card, *down, *ep;
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_dev *pdev;

	root = pci_sim_root_port(sim);
	up = pci_sim_add_switch(sim, root);
	port = pci_sim_downstream_port(up, .hotplug = true);
	card = pci_sim_add_switch(sim, port);
	pci_sim_endpoint(sim, pci_sim_downstream_port(card));
	down = pci_sim_downstream_port(up);
	ep = pci_sim_endpoint(sim, down);
	sim_kunit_start(test, sim);

	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	ft_rescan(test, root);
	SIM_EXPECT_BOUND(test, ep, 1, 0);

	pdev = pci_sim_get_dev(down);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pci_stop_and_remove_bus_device_locked(pdev);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	ep = pci_sim_endpoint(sim, NULL);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(port, ep));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 0);
	pci_sim_unplug(port);
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ep, 1, 1);
	pci_dev_put(pdev);

	/* It was removed and not looked for again */
	sim_kunit_expect_dead(test, down);
	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

static struct kunit_case ft_cases[] = {
	KUNIT_CASE(ft_removed_while_unlocked),
	KUNIT_CASE(ft_port_removed_while_adding),
	KUNIT_CASE(ft_shared_interrupt),
	KUNIT_CASE(ft_lock_order),
	KUNIT_CASE_PARAM(ft_runtime_pm, ft_suspend_gen_params),
	KUNIT_CASE(ft_flr_timeout),
	KUNIT_CASE(ft_second_function_late),
	KUNIT_CASE(ft_vfs_on_another_bus),
	KUNIT_CASE(ft_vf_leaks_pf),
	KUNIT_CASE(ft_aer_status_cleared),
	KUNIT_CASE(ft_conventional_late),
	KUNIT_CASE(ft_vf_late),
	KUNIT_CASE(ft_vf_never),
	KUNIT_CASE(ft_switch_again),
	KUNIT_CASE(ft_bus_numbers),
	KUNIT_CASE(ft_high_bus_numbers),
	KUNIT_CASE(ft_more_buses),
	KUNIT_CASE(ft_known_bus_numbers),
	KUNIT_CASE(ft_lost_bus_numbers),
	KUNIT_CASE(ft_fewer_bridges),
	{}
};

static struct kunit_suite ft_suite = {
	.name = "pci-fault",
	.test_cases = ft_cases,
};

kunit_test_suite(ft_suite);

MODULE_DESCRIPTION("KUnit tests of known faults of the PCI core");
MODULE_LICENSE("GPL");
