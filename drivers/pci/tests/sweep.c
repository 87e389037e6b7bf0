// SPDX-License-Identifier: GPL-2.0
/*
 * Fabrics for sweeps: topologies x variants, and what to expect of them
 *
 * A sweep runs one generic case over all fabrics of this file and a table of
 * resets of its own.  What the outcome has to be is computed here from the
 * rules, for each fabric:
 *
 * - what is in the scope of the reset is reset once, in the one way that was
 *   asked for, and what is not is not touched;
 * - each driver in the scope is told once, and finds its config space restored;
 * - nothing is removed or added;
 * - it takes as long as PCIe r6.0, sec 6.6 demands and as the hardware needs,
 *   and not much longer.  All Links of a level train at the same time, so that
 *   depends on how deep the fabric is, not on how many ports it has.
 */

#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/pci-sim.h>
#include <linux/pci.h>

#include "sweep-kunit.h"

static const struct sweep_topology sweep_topologies[] = {
	{ .name = "Endpoint", .functions = 1, .all = true },
	{ .name = "2 Functions", .functions = 2, .all = true },
	{ .name = "8 Functions", .functions = 8 },
	{ .name = "switch, 1 port", .levels = 1, .ports = 1, .functions = 1 },
	{ .name = "switch, 2 ports", .levels = 1, .ports = 2, .functions = 1,
	  .all = true },
	{ .name = "switch, 2 ports, 2 Functions", .levels = 1, .ports = 2,
	  .functions = 2 },
	{ .name = "switch, 3 ports", .levels = 1, .ports = 3, .functions = 1 },
	{ .name = "switch, 4 ports", .levels = 1, .ports = 4, .functions = 1 },
	{ .name = "switch, 8 ports", .levels = 1, .ports = 8, .functions = 1 },
	{ .name = "switch, 16 ports", .levels = 1, .ports = 16,
	  .functions = 1 },
	{ .name = "2 levels of switches", .levels = 2, .ports = 2,
	  .functions = 1 },
	{ .name = "3 levels of switches", .levels = 3, .ports = 2,
	  .functions = 1 },
};

static const struct sweep_variant sweep_variants[] = {
	{ .name = "MSI" },
	{ .name = "MSI, hotplug", .root_hotplug = true, .down_hotplug = true },
	{ .name = "MSI, hotplug Root Port", .root_hotplug = true,
	  .down_hotplug = false },
	{ .name = "MSI, hotplug Downstream Ports", .root_hotplug = false,
	  .down_hotplug = true },
	{ .name = "2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	{ .name = "2.5 GT/s, hotplug", .root_hotplug = true,
	  .down_hotplug = true, .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	{ .name = "5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_5_0GB },
	{ .name = "5 GT/s, hotplug", .root_hotplug = true, .down_hotplug = true,
	  .speed = PCI_EXP_LNKCAP_SLS_5_0GB },
	{ .name = "16 GT/s", .speed = PCI_EXP_LNKCAP_SLS_16_0GB },
	{ .name = "16 GT/s, hotplug", .root_hotplug = true,
	  .down_hotplug = true, .speed = PCI_EXP_LNKCAP_SLS_16_0GB },
	{ .name = "32 GT/s", .speed = PCI_EXP_LNKCAP_SLS_32_0GB },
	{ .name = "32 GT/s, hotplug", .root_hotplug = true,
	  .down_hotplug = true, .speed = PCI_EXP_LNKCAP_SLS_32_0GB },
	{ .name = "64 GT/s", .speed = PCI_EXP_LNKCAP_SLS_64_0GB },
	{ .name = "64 GT/s, hotplug", .root_hotplug = true,
	  .down_hotplug = true, .speed = PCI_EXP_LNKCAP_SLS_64_0GB },
	/* Last: removals in the thread of a shared interrupt may deadlock */
	{ .name = "INTx", .intx = true },
	{ .name = "INTx, hotplug", .root_hotplug = true, .down_hotplug = true,
	  .intx = true },
};

/* The Link trains, the Functions become ready; less than the 100 ms */
#define SWEEP_TRAIN_MS	20
#define SWEEP_READY_MS	30
#define SWEEP_FLR_MS	50
#define SWEEP_D3_MS	5

/* Registers of bridges that the kernel has set up and restores */
static const struct sweep_reg {
	u16 where;
	u32 mask;
	bool pcie;
} sweep_bridge_regs[SWEEP_NR_REGS] = {
	{ .where = PCI_COMMAND, .mask = 0xffff },
	{ .where = PCI_PRIMARY_BUS, .mask = 0xffffff },
	{ .where = PCI_MEMORY_BASE, .mask = ~0U },
	{ .where = PCI_INTERRUPT_LINE, .mask = ~0U },
	{ .where = PCI_EXP_DEVCTL, .mask = 0xffff, .pcie = true },
	{ .where = PCI_EXP_SLTCTL, .mask = 0xffff, .pcie = true },
};

static struct pci_sim_func *sweep_add(struct sweep *s, struct pci_sim_func *f,
				      enum sweep_scope scope, bool bridge)
{
	struct sweep_func *func = &s->funcs[s->nr++];

	func->f = f;
	func->scope = scope;
	func->bridge = bridge;
	if (!s->top)
		s->top = f;
	return f;
}

static void sweep_build(struct sweep *s, const struct sweep_case *c,
			struct pci_sim_ep_config ep)
{
	const struct sweep_topology *t = c->topology;
	struct pci_sim_port_config root = {
		.hotplug = c->variant->root_hotplug,
		.intx = c->variant->intx,
		.speed = c->variant->speed,
		.train_ms = SWEEP_TRAIN_MS,
	};
	struct pci_sim_port_config down = root;
	struct pci_sim_func *port, *up, *next;
	unsigned int level, i;

	ep.ready_ms = SWEEP_READY_MS;
	ep.flr_ms = SWEEP_FLR_MS;
	ep.d3_ms = SWEEP_D3_MS;
	down.hotplug = c->variant->down_hotplug;

	s->root = pci_sim_add_root_port(s->sim, &root);
	port = s->root;
	for (level = 0; level < t->levels; level++) {
		up = sweep_add(s, pci_sim_add_switch(s->sim, port), SWEEP_ALL,
			       true);
		next = NULL;
		for (i = 0; i < t->ports; i++) {
			port = pci_sim_add_downstream_port(up, &down);
			sweep_add(s, port, SWEEP_ALL, true);
			next = next ?: port;
			if (port != next)
				sweep_add(s,
					  pci_sim_add_endpoint(s->sim, port,
							       &ep),
					  SWEEP_ALL, false);
		}
		port = next;
	}

	s->port = port;
	s->ep = sweep_add(s, pci_sim_add_endpoint(s->sim, port, &ep),
			  SWEEP_FUNCTION, false);
	s->last = s->ep;
	for (i = 1; i < t->functions; i++)
		s->last = sweep_add(s, pci_sim_add_function(s->ep, &ep),
				    SWEEP_DEVICE, false);

	port = pci_sim_add_root_port(s->sim, &root);
	s->other = pci_sim_add_endpoint(s->sim, port, &ep);
}

static u32 sweep_peek(const struct sweep_func *func,
		      const struct sweep_reg *reg)
{
	u16 where = reg->where + (reg->pcie ? pci_pcie_cap(func->pdev) : 0);

	return pci_sim_peek(func->f, where) & reg->mask;
}

struct sweep *sim_sweep_start(struct kunit *test, const struct sweep_case *c,
			      struct pci_sim_ep_config ep)
{
	struct sweep *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->sim = sim_kunit_alloc(test);
	sweep_build(s, c, ep);
	sim_kunit_start(test, s->sim);

	for (i = 0; i < s->nr; i++) {
		struct sweep_func *func = &s->funcs[i];

		func->pdev = sim_kunit_dev(test, func->f);
		sim_kunit_mark(test, func->f);
		if (!func->bridge)
			sim_kunit_config_get(&func->config, func->pdev);
		for (j = 0; func->bridge && j < ARRAY_SIZE(func->regs); j++)
			func->regs[j] = sweep_peek(func, &sweep_bridge_regs[j]);
	}
	sim_kunit_mark(test, s->other);
	return s;
}
EXPORT_SYMBOL_GPL(sim_sweep_start);

/* Whether the reset of a case has to reach a Function */
static bool sweep_reached(const struct sweep_case *c,
			  const struct sweep_func *func)
{
	return !c->error && func->scope <= c->scope;
}

/* As soon as the reset is over, a driver may use its device again */
static void sweep_expect_config(struct kunit *test, const struct sweep_case *c,
				const struct sweep *s)
{
	unsigned int i, j;

	for (i = 0; i < s->nr; i++) {
		const struct sweep_func *func = &s->funcs[i];

		if (c->raw && sweep_reached(c, func)) {
			KUNIT_EXPECT_EQ_MSG(test, 0,
					    pci_sim_peek(func->f, PCI_COMMAND) &
						    0xffff,
					    "Function %u", i);
			sim_kunit_expect_dead(test, func->f);
			continue;
		}
		if (!func->bridge)
			sim_kunit_config_expect(test, &func->config,
						func->pdev);
		for (j = 0; func->bridge && j < ARRAY_SIZE(func->regs); j++)
			KUNIT_EXPECT_EQ_MSG(test, func->regs[j],
					    sweep_peek(func,
						       &sweep_bridge_regs[j]),
					    "Function %u, %x", i,
					    sweep_bridge_regs[j].where);
	}
}

static void sweep_expect_endpoint(struct kunit *test,
				  const struct sweep_case *c,
				  struct pci_sim_func *f, bool reached)
{
	if (!reached) {
		SIM_EXPECT_UNTOUCHED(test, f);
	} else if (!c->raw) {
		SIM_EXPECT_RESET(test, f, c->kind);
	} else {
		KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(f, c->kind));
		KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(f));
		SIM_EXPECT_TOLD(test, f, 0);
		SIM_EXPECT_BOUND(test, f, 1, 0);
	}
}

/* A bridge has no driver that counts */
static void sweep_expect_bridge(struct kunit *test, struct pci_sim_func *f,
				bool reached)
{
	KUNIT_EXPECT_EQ(test, reached, pci_sim_resets(f, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_EQ(test, reached, pci_sim_resets_all(f));
}

/*
 * Once everything has settled: which Functions were reset and which drivers
 * told
 */
static void sweep_expect_scope(struct kunit *test, const struct sweep_case *c,
			       const struct sweep *s)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++) {
		const struct sweep_func *func = &s->funcs[i];
		bool reached = sweep_reached(c, func);

		if (func->bridge)
			sweep_expect_bridge(test, func->f, reached);
		else
			sweep_expect_endpoint(test, c, func->f, reached);
	}
	sweep_expect_bridge(test, s->root, false);
	SIM_EXPECT_UNTOUCHED(test, s->other);
}

/* Levels of Links that the reset of a case brings up again and waits for */
static unsigned int sweep_depth(const struct sweep_case *c)
{
	if (c->kind != PCI_SIM_RESET_HOT)
		return 0;

	return c->scope == SWEEP_ALL && !c->raw ? 1 + c->topology->levels : 1;
}

/*
 * No reset may be faster than this, in ms: PCIe r6.0, sec 6.6.1 counts the 100
 * ms from the end of reset up to 5 GT/s, and from the end of Link training
 * above.  Function Level Reset has 100 ms (sec 6.6.2), D3hot 10 ms for each way
 * (sec 5.9), and a Secondary Bus Reset 1 ms (PCI r3.0, sec 7.6.4.2).
 */
static u32 sweep_min_ms(const struct sweep_case *c)
{
	u32 train = sweep_depth(c) * SWEEP_TRAIN_MS;
	u8 speed = c->variant->speed;

	if (c->error)
		return 0;
	if (c->kind == PCI_SIM_RESET_PM)
		return 10 + max(10, SWEEP_D3_MS);
	if (c->kind != PCI_SIM_RESET_HOT)
		return max(100, SWEEP_FLR_MS) + c->extra_ms;
	if (speed && speed <= PCI_EXP_LNKCAP_SLS_5_0GB)
		return 1 + train - SWEEP_TRAIN_MS +
		       max(100, SWEEP_TRAIN_MS + SWEEP_READY_MS);

	return 1 + train + max(100, SWEEP_READY_MS);
}

/*
 * Level by level there is a Link and 100 ms to wait for.  Timers are inexact by
 * an eighth at most.
 */
static u32 sweep_max_ms(const struct sweep_case *c)
{
	u32 depth = sweep_depth(c);
	u32 ms = depth ? 2 + depth * (SWEEP_TRAIN_MS + 100) : sweep_min_ms(c);

	return ms + ms / 8 + 5;
}

/*
 * pciehp has begun to remove and add devices.  The fabric must not be destroyed
 * until it is done, which takes seconds for each hotplug port further down.
 */
static void sweep_settle(const struct sweep *s)
{
	struct pci_sim_counts counts;
	unsigned int i;

	msleep(2 * SIM_SETTLE_MS);
	for (i = 0; i < s->nr; i++) {
		counts = pci_sim_counts(s->funcs[i].f);
		if (counts.remove)
			break;
	}
	if (i < s->nr)
		msleep(100 * SIM_SETTLE_MS);
}

void sim_sweep_expect(struct kunit *test, const struct sweep_case *c,
		      const struct sweep *s, s64 us)
{
	s64 ms = div_s64(us, USEC_PER_MSEC);

	kunit_info(test, "%lld ms\n", ms);
	KUNIT_EXPECT_GE(test, ms, sweep_min_ms(c));
	if (IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LE(test, ms, sweep_max_ms(c));

	sweep_expect_config(test, c, s);
	sweep_settle(s);
	sweep_expect_scope(test, c, s);
}
EXPORT_SYMBOL_GPL(sim_sweep_expect);

bool sim_sweep_nested_hotplug(const struct sweep_case *c)
{
	return c->scope == SWEEP_ALL && c->topology->levels &&
	       c->variant->down_hotplug;
}
EXPORT_SYMBOL_GPL(sim_sweep_nested_hotplug);

bool sim_sweep_below_hotplug(const struct sweep_case *c)
{
	if (c->scope == SWEEP_ALL || !c->topology->levels)
		return c->variant->root_hotplug;

	return c->variant->down_hotplug;
}
EXPORT_SYMBOL_GPL(sim_sweep_below_hotplug);

/* Whether topology and variant are combined */
static bool sweep_combines(const struct sweep_topology *t,
			   const struct sweep_variant *v)
{
	if (v->speed && !t->all)
		return false;

	return t->levels || v->root_hotplug == v->down_hotplug;
}

int sim_sweep_params(struct kunit *test, unsigned int n,
		     bool (*fill)(struct sweep_case *c, unsigned int i),
		     void (*desc)(struct kunit *test, const void *param,
				  char *desc))
{
	unsigned int step = sim_kunit_step(97, 11);
	unsigned int t, v, i, all = 0, nr = 0;
	struct sweep_case *cases;

	cases = kunit_kcalloc(test,
			      ARRAY_SIZE(sweep_topologies) *
				      ARRAY_SIZE(sweep_variants) * n,
			      sizeof(*cases), GFP_KERNEL);
	if (!cases)
		return -ENOMEM;

	for (v = 0; v < ARRAY_SIZE(sweep_variants); v++) {
		for (t = 0; t < ARRAY_SIZE(sweep_topologies); t++) {
			if (!sweep_combines(&sweep_topologies[t],
					    &sweep_variants[v]))
				continue;
			for (i = 0; i < n; i++) {
				cases[nr] = (struct sweep_case){
					.topology = &sweep_topologies[t],
					.variant = &sweep_variants[v],
				};
				if (fill(&cases[nr], i) && !(all++ % step))
					nr++;
			}
		}
	}
	kunit_register_params_array(test, cases, nr, desc);
	return 0;
}
EXPORT_SYMBOL_GPL(sim_sweep_params);
