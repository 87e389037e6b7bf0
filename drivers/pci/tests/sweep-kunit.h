/* SPDX-License-Identifier: GPL-2.0 */
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
#ifndef _DRIVERS_PCI_TESTS_SWEEP_KUNIT_H
#define _DRIVERS_PCI_TESTS_SWEEP_KUNIT_H

#include <linux/ktime.h>

#include "sim-kunit.h"

/**
 * struct sweep_topology - what is below the Root Port
 * @name: for the log
 * @levels: switches one below the other, 0 for none
 * @ports: Downstream Ports of each; what goes on to the next level is below
 *	   the first, and an Endpoint below each of the others
 * @functions: Functions of the Endpoint at the end of the first ports
 * @all: is combined with everything that the sweep has
 */
struct sweep_topology {
	const char *name;
	u8 levels;
	u8 ports;
	u8 functions;
	bool all;
};

static const struct sweep_topology sweep_topologies[] = {
	{ "Endpoint", .functions = 1, .all = true },
	{ "2 Functions", .functions = 2, .all = true },
	{ "8 Functions", .functions = 8 },
	{ "switch, 1 port", 1, 1, 1 },
	{ "switch, 2 ports", 1, 2, 1, .all = true },
	{ "switch, 2 ports, 2 Functions", 1, 2, 2 },
	{ "switch, 3 ports", 1, 3, 1 },
	{ "switch, 4 ports", 1, 4, 1 },
	{ "switch, 8 ports", 1, 8, 1 },
	{ "switch, 16 ports", 1, 16, 1 },
	{ "2 levels of switches", 2, 2, 1 },
	{ "3 levels of switches", 3, 2, 1 },
};

/**
 * struct sweep_variant - what its ports are like
 * @name: for the log
 * @root_hotplug: the Root Port has a hot-plug capable slot
 * @down_hotplug: the Downstream Ports have
 * @intx: the ports interrupt by INTx, not MSI
 * @speed: Link speed; 0 is 8 GT/s
 */
struct sweep_variant {
	const char *name;
	bool root_hotplug;
	bool down_hotplug;
	bool intx;
	u8 speed;
};

static const struct sweep_variant sweep_variants[] = {
	{ "MSI" },
	{ "MSI, hotplug", true, true },
	{ "MSI, hotplug Root Port", true, false },
	{ "MSI, hotplug Downstream Ports", false, true },
	{ "2.5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	{ "2.5 GT/s, hotplug", true, true,
	  .speed = PCI_EXP_LNKCAP_SLS_2_5GB },
	{ "5 GT/s", .speed = PCI_EXP_LNKCAP_SLS_5_0GB },
	{ "5 GT/s, hotplug", true, true,
	  .speed = PCI_EXP_LNKCAP_SLS_5_0GB },
	{ "16 GT/s", .speed = PCI_EXP_LNKCAP_SLS_16_0GB },
	{ "16 GT/s, hotplug", true, true,
	  .speed = PCI_EXP_LNKCAP_SLS_16_0GB },
	{ "32 GT/s", .speed = PCI_EXP_LNKCAP_SLS_32_0GB },
	{ "32 GT/s, hotplug", true, true,
	  .speed = PCI_EXP_LNKCAP_SLS_32_0GB },
	{ "64 GT/s", .speed = PCI_EXP_LNKCAP_SLS_64_0GB },
	{ "64 GT/s, hotplug", true, true,
	  .speed = PCI_EXP_LNKCAP_SLS_64_0GB },
	/* Last, for ft_shared_interrupt() is what becomes of a failure */
	{ "INTx", .intx = true },
	{ "INTx, hotplug", true, true, .intx = true },
};

/**
 * enum sweep_scope - how far a reset reaches
 * @SWEEP_FUNCTION: Function 0 of the Endpoint
 * @SWEEP_DEVICE: all its Functions
 * @SWEEP_ALL: everything below the Root Port
 */
enum sweep_scope {
	SWEEP_FUNCTION,
	SWEEP_DEVICE,
	SWEEP_ALL,
};

/**
 * struct sweep_case - one combination, and what has to come out of it
 * @topology: what the fabric is made of
 * @variant: what its ports are like
 * @data: what is done to it, of the sweep
 * @error: what that has to return; if not 0, nothing may happen
 * @scope: what is reset
 * @kind: by what
 * @raw: nobody is told and nothing restored, that is up to the caller; and
 *	 only the Link that was reset is waited for
 * @extra_ms: time that the device is known to need in addition
 */
struct sweep_case {
	const struct sweep_topology *topology;
	const struct sweep_variant *variant;
	const void *data;
	int error;
	enum sweep_scope scope;
	enum pci_sim_reset kind;
	bool raw;
	u32 extra_ms;
};

/* The Link trains, the Functions become ready; less than the 100 ms */
#define SWEEP_TRAIN_MS	20
#define SWEEP_READY_MS	30
#define SWEEP_FLR_MS	50
#define SWEEP_D3_MS	5

/* The largest topology: 16 ports and Endpoints, and the Upstream Port */
#define SWEEP_MAX_FUNCS	33

/* Registers of bridges that the kernel has set up and restores */
static const struct sweep_reg {
	u16 where;
	u32 mask;
	bool pcie;
} sweep_bridge_regs[] = {
	{ PCI_COMMAND, 0xffff },
	{ PCI_PRIMARY_BUS, 0xffffff },
	{ PCI_MEMORY_BASE, ~0U },
	{ PCI_INTERRUPT_LINE, ~0U },
	{ PCI_EXP_DEVCTL, 0xffff, .pcie = true },
	{ PCI_EXP_SLTCTL, 0xffff, .pcie = true },
};

/* A Function below the Root Port, and what is in its config space */
struct sweep_func {
	struct pci_sim_func *f;
	struct pci_dev *pdev;
	enum sweep_scope scope;
	bool bridge;
	struct sim_config config;
	u32 regs[ARRAY_SIZE(sweep_bridge_regs)];
};

/**
 * struct sweep - a fabric
 * @sim: simulator
 * @root: Root Port
 * @port: port above the Endpoint with @functions Functions
 * @ep: Function 0 of that
 * @last: its last Function
 * @top: what is directly below @root
 * @other: Endpoint below another Root Port, which no reset may reach
 * @nr: number of entries in @funcs
 * @funcs: everything below @root
 */
struct sweep {
	struct pci_sim *sim;
	struct pci_sim_func *root;
	struct pci_sim_func *port;
	struct pci_sim_func *ep;
	struct pci_sim_func *last;
	struct pci_sim_func *top;
	struct pci_sim_func *other;
	unsigned int nr;
	struct sweep_func funcs[SWEEP_MAX_FUNCS];
};

static inline struct pci_sim_func *sweep_add(struct sweep *s,
					     struct pci_sim_func *f,
					     enum sweep_scope scope,
					     bool bridge)
{
	struct sweep_func *func = &s->funcs[s->nr++];

	func->f = f;
	func->scope = scope;
	func->bridge = bridge;
	if (!s->top)
		s->top = f;
	return f;
}

static inline void sweep_build(struct sweep *s, const struct sweep_case *c,
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
				sweep_add(s, pci_sim_add_endpoint(s->sim, port,
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

static inline u32 sweep_peek(const struct sweep_func *func,
			     const struct sweep_reg *reg)
{
	u16 where = reg->where + (reg->pcie ? pci_pcie_cap(func->pdev) : 0);

	return pci_sim_peek(func->f, where) & reg->mask;
}

/**
 * sweep_start - build the fabric of a case and start it
 * @test: test
 * @c: its parameter
 * @ep: what its Endpoints are like, apart from their times
 *
 * Return: the fabric, with notes of what must be the same after the reset.
 */
static inline struct sweep *sweep_start(struct kunit *test,
					const struct sweep_case *c,
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
			sim_config_get(&func->config, func->pdev);
		for (j = 0; func->bridge && j < ARRAY_SIZE(func->regs); j++)
			func->regs[j] = sweep_peek(func, &sweep_bridge_regs[j]);
	}
	sim_kunit_mark(test, s->other);
	return s;
}

/* Whether the reset of a case has to reach a Function */
static inline bool sweep_reached(const struct sweep_case *c,
				 const struct sweep_func *func)
{
	return !c->error && func->scope <= c->scope;
}

/* As soon as the reset is over, a driver may use its device again */
static inline void sweep_expect_config(struct kunit *test,
				       const struct sweep_case *c,
				       const struct sweep *s)
{
	unsigned int i, j;

	for (i = 0; i < s->nr; i++) {
		const struct sweep_func *func = &s->funcs[i];

		if (c->raw && sweep_reached(c, func)) {
			KUNIT_EXPECT_EQ_MSG(test, 0,
					    pci_sim_peek(func->f, PCI_COMMAND) &
					    0xffff, "Function %u", i);
			sim_kunit_expect_dead(test, func->f);
			continue;
		}
		if (!func->bridge)
			sim_config_expect(test, &func->config, func->pdev);
		for (j = 0; func->bridge && j < ARRAY_SIZE(func->regs); j++)
			KUNIT_EXPECT_EQ_MSG(test, func->regs[j],
					    sweep_peek(func,
						       &sweep_bridge_regs[j]),
					    "Function %u, %x", i,
					    sweep_bridge_regs[j].where);
	}
}

static inline void sweep_expect_endpoint(struct kunit *test,
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
static inline void sweep_expect_bridge(struct kunit *test,
				       struct pci_sim_func *f, bool reached)
{
	KUNIT_EXPECT_EQ(test, reached, pci_sim_resets(f, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_EQ(test, reached, pci_sim_resets_all(f));
}

/* When all is quiet again: who was reset, and who was told */
static inline void sweep_expect_scope(struct kunit *test,
				      const struct sweep_case *c,
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
static inline unsigned int sweep_depth(const struct sweep_case *c)
{
	if (c->kind != PCI_SIM_RESET_HOT)
		return 0;

	return c->scope == SWEEP_ALL && !c->raw ? 1 + c->topology->levels : 1;
}

/*
 * Nobody may be faster than this, in ms: PCIe r6.0, sec 6.6.1 counts the
 * 100 ms from the end of reset up to 5 GT/s, and from the end of Link training
 * above.  Function Level Reset has 100 ms (sec 6.6.2), D3hot 10 ms for each
 * way (sec 5.9), and a Secondary Bus Reset 1 ms (PCI r3.0, sec 7.6.4.2).
 */
static inline u32 sweep_min_ms(const struct sweep_case *c)
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
 * Who goes from one level to the next waits for a Link and 100 ms at each.
 * Timers are inexact by an eighth at most.
 */
static inline u32 sweep_max_ms(const struct sweep_case *c)
{
	u32 depth = sweep_depth(c);
	u32 ms = depth ? 2 + depth * (SWEEP_TRAIN_MS + 100) : sweep_min_ms(c);

	return ms + ms / 8 + 5;
}

/*
 * pciehp has begun to remove and to add what is below.  Until it is done, which
 * takes seconds for each hotplug port further down, the fabric must not go.
 */
static inline void sweep_settle(const struct sweep *s)
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

/**
 * sweep_expect - check the outcome of a reset
 * @test: test
 * @c: its parameter
 * @s: what sweep_start() returned
 * @us: time that the reset took
 * @in_time: it must not take longer than sweep_max_ms()
 */
static inline void sweep_expect(struct kunit *test, const struct sweep_case *c,
				const struct sweep *s, s64 us, bool in_time)
{
	s64 ms = div_s64(us, USEC_PER_MSEC);

	kunit_info(test, "%lld ms\n", ms);
	KUNIT_EXPECT_GE(test, ms, sweep_min_ms(c));
	if (in_time && IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		KUNIT_EXPECT_LE(test, ms, sweep_max_ms(c));

	sweep_expect_config(test, c, s);
	sweep_settle(s);
	sweep_expect_scope(test, c, s);
}

/* The reset reaches hotplug ports which lose their Links */
static inline bool sweep_nested_hotplug(const struct sweep_case *c)
{
	return c->scope == SWEEP_ALL && c->topology->levels &&
	       c->variant->down_hotplug;
}

/* The reset reaches more than one Link of a level */
static inline bool sweep_many_ports(const struct sweep_case *c)
{
	return c->scope == SWEEP_ALL && c->topology->ports > 1;
}

/* The port above the Link that is reset has a hot-plug capable slot */
static inline bool sweep_below_hotplug(const struct sweep_case *c)
{
	if (c->scope == SWEEP_ALL || !c->topology->levels)
		return c->variant->root_hotplug;

	return c->variant->down_hotplug;
}

/* Whether topology and variant are worth to be combined */
static inline bool sweep_combines(const struct sweep_topology *t,
				  const struct sweep_variant *v)
{
	if (v->speed && !t->all)
		return false;

	return t->levels || v->root_hotplug == v->down_hotplug;
}

/**
 * sweep_params - make the parameters of a sweep
 * @test: of param_init
 * @n: number of resets in the table of the sweep
 * @fill: completes a case for reset number @i, or returns false if the
 *	  combination is not to be run
 * @desc: describes a case
 *
 * Return: 0 or -ENOMEM.
 */
static inline int
sweep_params(struct kunit *test, unsigned int n,
	     bool (*fill)(struct sweep_case *c, unsigned int i),
	     void (*desc)(struct kunit *test, const void *param, char *desc))
{
	unsigned int step = sim_kunit_step(97, 11);
	unsigned int t, v, i, all = 0, nr = 0;
	struct sweep_case *cases;

	cases = kunit_kcalloc(test, ARRAY_SIZE(sweep_topologies) *
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

#endif /* _DRIVERS_PCI_TESTS_SWEEP_KUNIT_H */
