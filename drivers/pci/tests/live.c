// SPDX-License-Identifier: GPL-2.0
/*
 * Checks at the end of every test on a simulated fabric
 *
 * All that is plugged in and has a Link is there and works, and an empty slot
 * notices a card, except for what the test has exempted.
 */

#include <kunit/test.h>
#include <linux/debug_locks.h>
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/pci-sim.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/sched/mm.h>

#include "sim-kunit.h"

/* How long a device may be on its way to be there and to work */
#define SIM_LIVE_MS	300000
/* Until pciehp acts on its Attention Button */
#define SIM_BUTTON_MS	5000
/*
 * Memory Base and Memory Limit of a bridge without a window.  7.3.4 leaves them
 * like this if a rescan assigns a window to a bridge that is enabled.
 */
#define SIM_CLOSED		0x0000fff0
#define SIM_MAX_EXEMPT	64
#define SIM_MAX_EMPTY	16

/**
 * struct sim_exempt - what need not work at the end of a test
 * @res: found by name
 * @fabrics: those that are looked at when the test is over
 * @nr: number of entries
 * @devs: what need not work
 * @devs.f: Function of a device, or a port
 * @devs.unbound: it has to be there with its addresses, but needs no driver
 */
struct sim_exempt {
	struct kunit_resource res;
	struct list_head fabrics;
	unsigned int nr;
	struct {
		struct pci_sim_func *f;
		bool unbound;
	} devs[SIM_MAX_EXEMPT];
};

/**
 * struct sim_live - a fabric that is looked at when its test is over
 * @node: entry in the list of the test
 * @test: test
 * @sim: fabric
 * @lockdep: lockdep had reported nothing by then
 */
struct sim_live {
	struct list_head node;
	struct kunit *test;
	struct pci_sim *sim;
	bool lockdep;
};

static struct sim_exempt *sim_kunit_exempt(struct kunit *test)
{
	struct kunit_resource *res;
	struct sim_exempt *exempt;

	res = kunit_find_named_resource(test, "sim_exempt");
	if (res) {
		kunit_put_resource(res);
		return container_of(res, struct sim_exempt, res);
	}

	exempt = kunit_kzalloc(test, sizeof(*exempt), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, exempt);
	INIT_LIST_HEAD(&exempt->fabrics);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_named_resource(test, NULL, NULL, &exempt->res,
						 "sim_exempt", exempt));
	return exempt;
}

static void sim_exempt_add(struct kunit *test, struct pci_sim_func *f,
			   bool unbound)
{
	struct sim_exempt *exempt = sim_kunit_exempt(test);

	KUNIT_ASSERT_LT(test, exempt->nr, SIM_MAX_EXEMPT);
	exempt->devs[exempt->nr].f = f;
	exempt->devs[exempt->nr++].unbound = unbound;
}

void sim_kunit_expect_dead(struct kunit *test, struct pci_sim_func *f)
{
	sim_exempt_add(test, f, false);
}
EXPORT_SYMBOL_GPL(sim_kunit_expect_dead);

void sim_kunit_expect_unbound(struct kunit *test, struct pci_sim_func *f)
{
	sim_exempt_add(test, f, true);
}
EXPORT_SYMBOL_GPL(sim_kunit_expect_unbound);

static bool sim_is_exempt(struct kunit *test, struct pci_sim_func *f,
			  bool unbound)
{
	struct sim_exempt *exempt = sim_kunit_exempt(test);
	unsigned int i;

	for (i = 0; i < exempt->nr; i++) {
		if (exempt->devs[i].f == f &&
		    exempt->devs[i].unbound == unbound)
			return true;
	}

	f = pci_sim_upstream(f);
	return f && !unbound && sim_is_exempt(test, f, false);
}

/* Index of a Function, for messages */
static unsigned int sim_index(struct pci_sim *sim, struct pci_sim_func *f)
{
	struct pci_sim_func *other;
	unsigned int n = 0;

	for (other = pci_sim_next(sim, NULL); other && other != f;
	     other = pci_sim_next(sim, other))
		n++;
	return n;
}

static u32 sim_bus_address(struct pci_dev *pdev)
{
	struct pci_bus_region region;

	pcibios_resource_to_bus(pdev->bus, &region, &pdev->resource[0]);
	return lower_32_bits(region.start);
}

/* Memory Base and Memory Limit of a bridge */
static u32 sim_window(struct pci_dev *pdev)
{
	struct resource *res = &pdev->resource[PCI_BRIDGE_MEM_WINDOW];
	struct pci_bus_region region;

	if (!res->parent)
		return SIM_CLOSED;

	pcibios_resource_to_bus(pdev->bus, &region, res);
	return (region.start >> 16 & 0xfff0) | (region.end & 0xfff00000);
}

static const char *sim_dead_bridge(struct pci_sim_func *f, struct pci_dev *pdev)
{
	u32 window;

	if (!pdev->subordinate)
		return "has no secondary bus";
	if (pci_sim_peek(f, PCI_INTERRUPT_LINE) >> 16 &
	    PCI_BRIDGE_CTL_BUS_RESET)
		return "resets its secondary bus";
	/* What it has lost while it sleeps it gets when it is resumed */
	if (pm_runtime_suspended(&pdev->dev))
		return NULL;
	if ((pci_sim_peek(f, PCI_PRIMARY_BUS) >> 8 & 0xffff) !=
	    (pdev->subordinate->number | pdev->subordinate->busn_res.end << 8))
		return "has lost its bus numbers";
	window = pci_sim_peek(f, PCI_MEMORY_BASE);
	if (window != SIM_CLOSED && window != sim_window(pdev))
		return "has lost its memory window";
	if (pdev->is_busmaster &&
	    !(pci_sim_peek(f, PCI_COMMAND) & PCI_COMMAND_MASTER))
		return "does not forward memory requests upstream";

	return NULL;
}

static const char *sim_dead_endpoint(struct pci_sim_func *f,
				     struct pci_dev *pdev, bool unbound)
{
	u32 command = pci_sim_peek(f, PCI_COMMAND);

	if (!pdev->is_virtfn && pdev->resource[0].parent &&
	    (pci_sim_peek(f, PCI_BASE_ADDRESS_0) & PCI_BASE_ADDRESS_MEM_MASK) !=
		    sim_bus_address(pdev))
		return "has lost its address";
	if (!unbound && pdev->resource[0].parent && !pdev->is_virtfn &&
	    !(command & PCI_COMMAND_MEMORY))
		return "does not decode memory";
	if (!unbound && !(command & PCI_COMMAND_MASTER))
		return "is not a bus master";

	return NULL;
}

/* Why a Function that can be reached does not work, or NULL if it does */
static const char *sim_dead_func(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_dev *pdev __free(pci_dev_put) = pci_sim_get_dev(f);
	bool unbound = sim_is_exempt(test, f, true);

	if (!pdev)
		return "has no device";
	if (pci_dev_is_disconnected(pdev))
		return "is marked as disconnected";
	if (pdev->error_state != pci_channel_io_normal)
		return "is marked as frozen";
	/* There is no driver for a PCIe-to-PCI bridge */
	if (!unbound && !pdev->dev.driver &&
	    pci_pcie_type(pdev) != PCI_EXP_TYPE_PCI_BRIDGE)
		return "has no driver";

	return pci_is_bridge(pdev) ? sim_dead_bridge(f, pdev) :
				     sim_dead_endpoint(f, pdev, unbound);
}

/* The first Function that does not work, and why */
static const char *sim_find_dead(struct sim_live *live,
				 struct pci_sim_func **dead)
{
	struct pci_sim_func *f, *vf;
	const char *why;
	unsigned int n;

	for (f = pci_sim_next(live->sim, NULL); f;
	     f = pci_sim_next(live->sim, f)) {
		*dead = f;
		if (!pci_sim_is_reachable(f) ||
		    sim_is_exempt(live->test, f, false))
			continue;

		why = sim_dead_func(live->test, f);
		if (why)
			return why;

		for (n = 0; (vf = pci_sim_vf(f, n)); n++) {
			*dead = vf;
			if (!pci_sim_is_reachable(vf) ||
			    sim_is_exempt(live->test, vf, false))
				continue;

			why = sim_dead_func(live->test, vf);
			if (why)
				return why;
		}
	}
	return NULL;
}

static void sim_expect_alive(struct sim_live *live)
{
	struct pci_sim_func *f;
	const char *why;
	unsigned int ms;

	for (ms = 0; ms < SIM_LIVE_MS; ms += SIM_SETTLE_MS) {
		why = sim_find_dead(live, &f);
		if (!why)
			return;
		msleep(SIM_SETTLE_MS);
	}

	KUNIT_FAIL(live->test, "%04x:%04x, %u: %s",
		   pci_sim_peek(f, PCI_VENDOR_ID) & 0xffff,
		   pci_sim_peek(f, PCI_VENDOR_ID) >> 16,
		   sim_index(live->sim, f), why);
}

static bool sim_port_is_empty(struct pci_sim_func *port)
{
	struct pci_dev *pdev __free(pci_dev_put) = pci_sim_get_dev(port);

	return !pdev || !pdev->subordinate ||
	       list_empty(&pdev->subordinate->devices);
}

/*
 * An empty slot notices a card, and its removal.  In virtual time only: in real
 * time this would take longer than the tests themselves.
 */
static void sim_expect_slots(struct sim_live *live)
{
	struct pci_sim_func *port, *cards[SIM_MAX_EMPTY], *ports[SIM_MAX_EMPTY];
	const struct pci_sim_port_config *config;
	unsigned int i, ms, n = 0;
	bool button = false;

	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		return;

	for (port = pci_sim_next(live->sim, NULL); port && n < SIM_MAX_EMPTY;
	     port = pci_sim_next(live->sim, port)) {
		config = pci_sim_get_port_config(port);
		if (!config || !config->hotplug || pci_sim_card(port) ||
		    !pci_sim_is_reachable(port) ||
		    sim_is_exempt(live->test, port, false))
			continue;
		button |= config->button;
		ports[n++] = port;
	}
	if (!n)
		return;

	for (i = 0; i < n; i++) {
		cards[i] = pci_sim_endpoint(live->sim, NULL, .dsn = 0x11fe + i);
		if (!cards[i] || pci_sim_plug(ports[i], cards[i])) {
			KUNIT_FAIL(live->test, "no card for an empty slot");
			return;
		}
		pci_sim_press_button(ports[i]);
	}
	if (button)
		msleep(SIM_BUTTON_MS);
	for (i = 0, ms = 0; i < n && ms < SIM_LIVE_MS; ms += SIM_SETTLE_MS) {
		msleep(SIM_SETTLE_MS);
		while (i < n && pci_sim_counts(cards[i]).probe)
			i++;
	}
	if (i < n)
		KUNIT_FAIL(live->test, "port %u does not notice a card",
			   sim_index(live->sim, ports[i]));
	else
		sim_expect_alive(live);

	for (i = 0; i < n; i++)
		pci_sim_unplug(ports[i]);
	for (i = 0, ms = 0; i < n && ms < SIM_LIVE_MS; ms += SIM_SETTLE_MS) {
		msleep(SIM_SETTLE_MS);
		while (i < n && sim_port_is_empty(ports[i]))
			i++;
	}
	if (i < n)
		KUNIT_FAIL(live->test,
			   "port %u does not notice that a card is gone",
			   sim_index(live->sim, ports[i]));
}

/*
 * At the end of each test all that is plugged in and has a Link is there and
 * works, and an empty slot notices a card.  Not checked again if the test has
 * failed.
 */
static void sim_kunit_live(void *data)
{
	struct sim_live *live = data;

	if (live->lockdep && !debug_locks)
		KUNIT_FAIL(live->test, "lockdep has reported a problem");
	if (live->test->status == KUNIT_FAILURE)
		return;

	sim_expect_alive(live);
	if (live->test->status != KUNIT_FAILURE)
		sim_expect_slots(live);
}

/*
 * Removing a hotplug port while its interrupt thread adds or removes a device
 * can deadlock (free_irq() of the PME interrupt, with pci_rescan_remove_lock
 * held): wait until pciehp is idle, also after a test that has failed.
 */
static void sim_kunit_destroy(void *sim)
{
	msleep(SIM_SETTLE_MS);
	pci_sim_destroy(sim);
}

struct pci_sim *sim_kunit_alloc(struct kunit *test)
{
	struct pci_sim *sim = pci_sim_alloc();

	KUNIT_ASSERT_NOT_NULL(test, sim);
	/* Allocated first, so that it outlives the fabric */
	sim_kunit_exempt(test);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_destroy,
						  sim));
	return sim;
}
EXPORT_SYMBOL_GPL(sim_kunit_alloc);

/*
 * Memory reclaim may have to write pages to a device below a port in D3cold,
 * whose resume takes pci_bus_sem.  Teach lockdep this order, so that it reports
 * allocations with pci_bus_sem held.  pci_find_next_bus() takes it.
 *
 * Not where sysfs is mounted: then kernfs_rwsem, under which memory is allocated
 * for inodes, is taken by callbacks of pci_walk_bus() that add sysfs files.
 */
static void sim_kunit_teach_lockdep(void)
{
	if (!IS_ENABLED(CONFIG_PROVE_LOCKING) || !IS_ENABLED(CONFIG_UML))
		return;

	fs_reclaim_acquire(GFP_KERNEL);
	pci_find_next_bus(NULL);
	fs_reclaim_release(GFP_KERNEL);
}

void sim_kunit_start(struct kunit *test, struct pci_sim *sim)
{
	struct sim_live *live = kunit_kzalloc(test, sizeof(*live), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, live);
	live->test = test;
	live->sim = sim;
	sim_kunit_teach_lockdep();
	live->lockdep = IS_ENABLED(CONFIG_PROVE_LOCKING) && debug_locks;
	KUNIT_ASSERT_EQ(test, 0, pci_sim_start(sim));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, sim_kunit_live, live));
	list_add_tail(&live->node, &sim_kunit_exempt(test)->fabrics);
	msleep(SIM_IDLE_MS);
}
EXPORT_SYMBOL_GPL(sim_kunit_start);

void sim_kunit_finish(struct kunit *test, struct pci_sim *sim)
{
	struct sim_exempt *exempt = sim_kunit_exempt(test);
	struct sim_live *live, *next;

	list_for_each_entry_safe(live, next, &exempt->fabrics, node) {
		if (live->sim != sim)
			continue;
		list_del(&live->node);
		kunit_release_action(test, sim_kunit_live, live);
	}
	exempt->nr = 0;
	kunit_release_action(test, sim_kunit_destroy, sim);
}
EXPORT_SYMBOL_GPL(sim_kunit_finish);
