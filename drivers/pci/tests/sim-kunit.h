/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites on the simulated PCIe fabric have in common
 */
#ifndef _DRIVERS_PCI_TESTS_SIM_KUNIT_H
#define _DRIVERS_PCI_TESTS_SIM_KUNIT_H

#include <kunit/test.h>
#include <linux/debug_locks.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/pci-sim.h>
#include <linux/sched/mm.h>
#include <linux/sysfs.h>

/* Where the simulator has it, in all Functions */
#define SIM_SCRATCH	(PCI_SIM_VSEC + PCI_SIM_VSEC_SCRATCH)
#define SIM_SCRATCH_PCI	(PCI_SIM_VNDR + PCI_SIM_VSEC_SCRATCH)
#define SIM_MARK	0x5eed5eed

/* A device is added or removed in far less, unless something is broken */
#define SIM_SETTLE_MS	1000
/* After this a port with nothing below it is asleep */
#define SIM_IDLE_MS	300

/* How long a device may be on its way to be there and to work */
#define SIM_LIVE_MS	300000
/* Until pciehp acts on its Attention Button */
#define SIM_BUTTON_MS	5000
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

static inline struct sim_exempt *sim_exempt_get(struct kunit *test)
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
	KUNIT_ASSERT_EQ(test, 0, kunit_add_named_resource(test, NULL, NULL,
							  &exempt->res,
							  "sim_exempt", exempt));
	return exempt;
}

static inline void sim_exempt_add(struct kunit *test, struct pci_sim_func *f,
				  bool unbound)
{
	struct sim_exempt *exempt = sim_exempt_get(test);

	KUNIT_ASSERT_LT(test, exempt->nr, SIM_MAX_EXEMPT);
	exempt->devs[exempt->nr].f = f;
	exempt->devs[exempt->nr++].unbound = unbound;
}

/*
 * The test leaves it like this on purpose: neither it nor what is below it has
 * to work or be noticed in the end
 */
static inline void sim_kunit_expect_dead(struct kunit *test,
					 struct pci_sim_func *f)
{
	sim_exempt_add(test, f, false);
}

/* The test takes its driver away */
static inline void sim_kunit_expect_unbound(struct kunit *test,
					    struct pci_sim_func *f)
{
	sim_exempt_add(test, f, true);
}

static inline bool sim_is_exempt(struct kunit *test, struct pci_sim_func *f,
				 bool unbound)
{
	struct sim_exempt *exempt = sim_exempt_get(test);
	unsigned int i;

	for (i = 0; i < exempt->nr; i++) {
		if (exempt->devs[i].f == f && exempt->devs[i].unbound == unbound)
			return true;
	}

	f = pci_sim_upstream(f);
	return f && !unbound && sim_is_exempt(test, f, false);
}

/* How many Functions were added before one, to tell it from others */
static inline unsigned int sim_index(struct pci_sim *sim, struct pci_sim_func *f)
{
	struct pci_sim_func *other;
	unsigned int n = 0;

	for (other = pci_sim_next(sim, NULL); other && other != f;
	     other = pci_sim_next(sim, other))
		n++;
	return n;
}

static inline u32 sim_bus_address(struct pci_dev *pdev)
{
	struct pci_bus_region region;

	pcibios_resource_to_bus(pdev->bus, &region, &pdev->resource[0]);
	return lower_32_bits(region.start);
}

static inline const char *sim_dead_bridge(struct pci_sim_func *f,
					  struct pci_dev *pdev)
{
	if (!pdev->subordinate)
		return "has no secondary bus";
	if ((pci_sim_peek(f, PCI_PRIMARY_BUS) >> 8 & 0xff) !=
	    pdev->subordinate->number)
		return "has lost its bus numbers";
	if (pdev->is_busmaster &&
	    !(pci_sim_peek(f, PCI_COMMAND) & PCI_COMMAND_MASTER))
		return "does not forward memory requests upstream";

	return NULL;
}

static inline const char *sim_dead_endpoint(struct pci_sim_func *f,
					    struct pci_dev *pdev, bool unbound)
{
	u32 command = pci_sim_peek(f, PCI_COMMAND);

	if (!pdev->is_virtfn && pdev->resource[0].parent &&
	    (pci_sim_peek(f, PCI_BASE_ADDRESS_0) & PCI_BASE_ADDRESS_MEM_MASK) !=
	    sim_bus_address(pdev))
		return "has lost its address";
	if (!unbound && !pdev->is_virtfn && !(command & PCI_COMMAND_MEMORY))
		return "does not decode memory";
	if (!unbound && !(command & PCI_COMMAND_MASTER))
		return "is not a bus master";

	return NULL;
}

/* Why a Function that can be reached does not work, or NULL if it does */
static inline const char *sim_dead_func(struct kunit *test,
					struct pci_sim_func *f)
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

/* Says what does not work, which is the first of possibly many */
static inline const char *sim_find_dead(struct sim_live *live,
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

static inline void sim_expect_alive(struct sim_live *live)
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
		   pci_sim_peek(f, PCI_VENDOR_ID) >> 16, sim_index(live->sim, f),
		   why);
}

static inline bool sim_port_is_empty(struct pci_sim_func *port)
{
	struct pci_dev *pdev __free(pci_dev_put) = pci_sim_get_dev(port);

	return !pdev || !pdev->subordinate ||
	       list_empty(&pdev->subordinate->devices);
}

/*
 * A slot that is empty notices a card, and that it is pulled.  Where time is
 * real, this would take more of it than the tests themselves.
 */
static inline void sim_expect_slots(struct sim_live *live)
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
		KUNIT_FAIL(live->test, "port %u does not notice that a card is gone",
			   sim_index(live->sim, ports[i]));
}

/*
 * What every test has to leave behind: all that is plugged in and has a Link is
 * there and works, and an empty slot notices a card.  If the test has failed,
 * there is no need to say so again.
 */
static inline void sim_kunit_live(void *data)
{
	struct sim_live *live = data;

	if (live->lockdep && !debug_locks)
		KUNIT_FAIL(live->test, "lockdep has something to report");
	if (live->test->status == KUNIT_FAILURE)
		return;

	sim_expect_alive(live);
	if (live->test->status != KUNIT_FAILURE)
		sim_expect_slots(live);
}

/*
 * Removing a hotplug port while its interrupt thread adds or removes a device
 * can deadlock (free_irq() of the PME interrupt, with pci_rescan_remove_lock
 * held): let things settle, after a test that has failed halfway as well.
 */
static inline void sim_kunit_destroy(void *sim)
{
	msleep(SIM_SETTLE_MS);
	pci_sim_destroy(sim);
}

KUNIT_DEFINE_ACTION_WRAPPER(sim_kunit_dev_put, pci_dev_put, struct pci_dev *);

/* A fabric that goes away with the test */
static inline struct pci_sim *sim_kunit_alloc(struct kunit *test)
{
	struct pci_sim *sim = pci_sim_alloc();

	KUNIT_ASSERT_NOT_NULL(test, sim);
	/* To be there for as long as what is found in it */
	sim_exempt_get(test);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_destroy,
						  sim));
	return sim;
}

/*
 * To get memory, pages may have to be written to a device below a port in
 * D3cold.  To resume that takes pci_bus_sem, which must not be held then: show
 * lockdep this order, so that it reports whatever allocates memory with
 * pci_bus_sem held.  pci_find_next_bus() takes it.
 *
 * Not where sysfs is mounted: then kernfs_rwsem, under which memory is allocated
 * for inodes, is taken by callbacks of pci_walk_bus() that add sysfs files.
 */
static inline void sim_kunit_teach_lockdep(void)
{
	if (!IS_ENABLED(CONFIG_PROVE_LOCKING) || !IS_ENABLED(CONFIG_UML))
		return;

	fs_reclaim_acquire(GFP_KERNEL);
	pci_find_next_bus(NULL);
	fs_reclaim_release(GFP_KERNEL);
}

/*
 * Start it, and wait until the drivers have nothing to do any more.  At the end
 * of the test everything has to be there and to work.
 */
static inline void sim_kunit_start(struct kunit *test, struct pci_sim *sim)
{
	struct sim_live *live = kunit_kzalloc(test, sizeof(*live), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, live);
	live->test = test;
	live->sim = sim;
	sim_kunit_teach_lockdep();
	live->lockdep = IS_ENABLED(CONFIG_PROVE_LOCKING) && debug_locks;
	KUNIT_ASSERT_EQ(test, 0, pci_sim_start(sim));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, sim_kunit_live, live));
	list_add_tail(&live->node, &sim_exempt_get(test)->fabrics);
	msleep(SIM_IDLE_MS);
}

/* Look at it and take it down now, in a test that goes on with another one */
static inline void sim_kunit_finish(struct kunit *test, struct pci_sim *sim)
{
	struct sim_exempt *exempt = sim_exempt_get(test);
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

/* The device of a Function, with a reference until the end of the test */
static inline struct pci_dev *sim_kunit_dev(struct kunit *test,
					    struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_dev_put,
						  pdev));
	return pdev;
}

/* Whether the kernel has a device for a Function now */
static inline bool sim_kunit_has_dev(struct pci_sim_func *f)
{
	struct pci_dev *pdev = pci_sim_get_dev(f);

	pci_dev_put(pdev);
	return pdev;
}

static inline int sim_scratch(struct pci_sim_func *f)
{
	return pci_sim_peek(f, PCI_SIM_VSEC) ? SIM_SCRATCH : SIM_SCRATCH_PCI;
}

/* Leave a mark that only a reset takes away */
static inline void sim_kunit_mark(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);

	pci_write_config_dword(pdev, sim_scratch(f), SIM_MARK);
	KUNIT_ASSERT_EQ(test, SIM_MARK, pci_sim_peek(f, sim_scratch(f)));
}

/*
 * Tables that are combined make thousands of parameters, which take days where
 * time is real, and minutes with KASAN.  One in so many is run then: a step that
 * has no divisor in common with the length of a table comes across all of it.
 */
static inline unsigned int sim_kunit_step(unsigned int real_time,
					  unsigned int kasan)
{
	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		return real_time;

	return IS_ENABLED(CONFIG_KASAN) ? kasan : 1;
}

static inline int sim_unaware_probe(struct pci_dev *pdev,
				    const struct pci_device_id *id)
{
	int ret = pcim_enable_device(pdev);

	if (!ret)
		pci_set_master(pdev);
	return ret;
}

KUNIT_DEFINE_ACTION_WRAPPER(sim_kunit_unregister, pci_unregister_driver,
			    struct pci_driver *);

/* Bind a driver like @template to a Function until it is removed */
static inline void sim_kunit_bind(struct kunit *test, struct pci_sim_func *f,
				  const struct pci_driver *template)
{
	struct pci_dev *pdev = sim_kunit_dev(test, f);
	struct pci_driver *driver;

	driver = kunit_kzalloc(test, sizeof(*driver), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, driver);
	*driver = *template;
	driver->probe = sim_unaware_probe;
	KUNIT_ASSERT_EQ(test, 0, pci_register_driver(driver));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sim_kunit_unregister,
						  driver));

	device_release_driver(&pdev->dev);
	KUNIT_ASSERT_EQ(test, 0, device_set_driver_override(&pdev->dev,
							    driver->name));
	KUNIT_ASSERT_EQ(test, 1, device_attach(&pdev->dev));
	KUNIT_ASSERT_PTR_EQ(test, &driver->driver, pdev->dev.driver);
}

/* One without error handlers */
static inline void sim_kunit_bind_unaware(struct kunit *test,
					  struct pci_sim_func *f)
{
	sim_kunit_bind(test, f,
		       &(struct pci_driver){ .name = "pci-sim-unaware" });
}

/* Let the driver of the simulator have it again, or anew */
static inline void sim_kunit_rebind(struct kunit *test, struct pci_dev *pdev)
{
	device_release_driver(&pdev->dev);
	KUNIT_EXPECT_EQ(test, 0, device_set_driver_override(&pdev->dev, ""));
	KUNIT_EXPECT_EQ(test, 1, device_attach(&pdev->dev));
}

/* As if somebody had written to the PF's "sriov_numvfs" in sysfs */
static inline int sim_kunit_set_vfs(struct pci_dev *pdev, int n)
{
	int ret;

	pci_lock_rescan_remove();
	device_lock(&pdev->dev);
	ret = pdev->driver->sriov_configure(pdev, n);
	device_unlock(&pdev->dev);
	pci_unlock_rescan_remove();
	return ret;
}

/* Whether what the driver of a Function has set up is there */
static inline bool sim_kunit_is_master(struct kunit *test,
				       struct pci_sim_func *f)
{
	u16 command;

	pci_read_config_word(sim_kunit_dev(test, f), PCI_COMMAND, &command);
	return !PCI_POSSIBLE_ERROR(command) && command & PCI_COMMAND_MASTER;
}

/*
 * Write to a file in sysfs without a file system: attributes are looked up
 * where the driver core has them from.  Returns 0 or an error.
 */
static inline int sim_kunit_store(struct pci_dev *pdev, const char *name,
				  const char *value)
{
	const struct attribute_group *const *lists[] = {
		pdev->dev.bus->dev_groups,
		pdev->dev.type->groups,
	};
	const struct attribute_group *const *group;
	struct device_attribute *attr;
	unsigned int i, j;
	ssize_t ret;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (group = lists[i]; group && *group; group++) {
			for (j = 0; (*group)->attrs && (*group)->attrs[j]; j++) {
				if (strcmp((*group)->attrs[j]->name, name))
					continue;
				attr = container_of((*group)->attrs[j],
						    struct device_attribute,
						    attr);
				ret = attr->store(&pdev->dev, attr, value,
						  strlen(value));
				return ret < 0 ? ret : 0;
			}
		}
	}
	return -ENOENT;
}

/* Those registers of an Endpoint that the kernel has set up and restores */
struct sim_config {
	u32 command;
	u32 bar;
	u16 devctl;
	u16 lnkctl;
	u32 msi;
	u32 severity;
};

static inline void sim_config_get(struct sim_config *c, struct pci_dev *pdev)
{
	memset(c, 0, sizeof(*c));
	pci_read_config_dword(pdev, PCI_COMMAND, &c->command);
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0, &c->bar);
	pcie_capability_read_word(pdev, PCI_EXP_DEVCTL, &c->devctl);
	pcie_capability_read_word(pdev, PCI_EXP_LNKCTL, &c->lnkctl);
	pci_read_config_dword(pdev, pdev->msi_cap, &c->msi);
	pci_read_config_dword(pdev, pdev->aer_cap + PCI_ERR_UNCOR_SEVER,
			      &c->severity);
}

static inline void sim_config_expect(struct kunit *test,
				     const struct sim_config *before,
				     struct pci_dev *pdev)
{
	struct sim_config now;

	/* A driver has set these, so what is restored is not the default */
	KUNIT_EXPECT_TRUE(test, before->command & PCI_COMMAND_MASTER);
	KUNIT_EXPECT_NE(test, 0, before->bar);

	sim_config_get(&now, pdev);
	KUNIT_EXPECT_MEMEQ(test, before, &now, sizeof(now));
}

/* How often a Function was probed and removed */
#define SIM_EXPECT_BOUND(test, f, probes, removes)			\
	sim_expect_bound(test, f, #f, __LINE__, probes, removes)

static inline void sim_expect_bound(struct kunit *test, struct pci_sim_func *f,
				    const char *name, int line,
				    unsigned int probes, unsigned int removes)
{
	struct pci_sim_counts c = pci_sim_counts(f);

	KUNIT_EXPECT_EQ_MSG(test, c.probe, probes, "%s probed, line %d",
			    name, line);
	KUNIT_EXPECT_EQ_MSG(test, c.remove, removes, "%s removed, line %d",
			    name, line);
}

/* How often its driver was told to prepare for a reset and that it is over */
#define SIM_EXPECT_TOLD(test, f, times)					\
	sim_expect_told(test, f, #f, __LINE__, times)

static inline void sim_expect_told(struct kunit *test, struct pci_sim_func *f,
				   const char *name, int line,
				   unsigned int times)
{
	struct pci_sim_counts c = pci_sim_counts(f);

	KUNIT_EXPECT_EQ_MSG(test, c.reset_prepare, times,
			    "%s: reset_prepare, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, c.reset_done, times,
			    "%s: reset_done, line %d", name, line);
}

/* It was marked, and then reset once, in this way, with its driver bound */
#define SIM_EXPECT_RESET(test, f, kind)					\
	sim_expect_reset(test, f, #f, __LINE__, kind)

static inline void sim_expect_reset(struct kunit *test, struct pci_sim_func *f,
				    const char *name, int line,
				    enum pci_sim_reset kind)
{
	KUNIT_EXPECT_EQ_MSG(test, 0, pci_sim_peek(f, sim_scratch(f)),
			    "%s was not reset, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 1, pci_sim_resets(f, kind),
			    "%s: resets of this kind, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 1, pci_sim_resets_all(f),
			    "%s: resets, line %d", name, line);
	sim_expect_told(test, f, name, line, 1);
	sim_expect_bound(test, f, name, line, 1, 0);
}

/* It was marked, and nothing has happened to it since */
#define SIM_EXPECT_UNTOUCHED(test, f)					\
	sim_expect_untouched(test, f, #f, __LINE__)

static inline void sim_expect_untouched(struct kunit *test,
					struct pci_sim_func *f,
					const char *name, int line)
{
	KUNIT_EXPECT_EQ_MSG(test, SIM_MARK, pci_sim_peek(f, sim_scratch(f)),
			    "%s was reset, line %d", name, line);
	KUNIT_EXPECT_EQ_MSG(test, 0, pci_sim_resets_all(f),
			    "%s: resets, line %d", name, line);
	sim_expect_told(test, f, name, line, 0);
	sim_expect_bound(test, f, name, line, 1, 0);
}

#endif /* _DRIVERS_PCI_TESTS_SIM_KUNIT_H */
