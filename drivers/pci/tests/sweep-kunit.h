/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fabrics for sweeps, see sweep.c
 */
#ifndef _DRIVERS_PCI_TESTS_SWEEP_KUNIT_H
#define _DRIVERS_PCI_TESTS_SWEEP_KUNIT_H

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
 * struct sweep_case - one combination, and its expected outcome
 * @topology: what the fabric is made of
 * @variant: what its ports are like
 * @data: what is done to it, of the sweep
 * @error: what that has to return; if not 0, nothing may happen
 * @scope: what is reset
 * @kind: by what
 * @raw: no driver is told and nothing is restored, which is up to the caller;
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

/* The largest topology: 16 ports and Endpoints, and the Upstream Port */
#define SWEEP_MAX_FUNCS	33
/* Registers of a bridge that are compared */
#define SWEEP_NR_REGS	6

/**
 * struct sweep_func - a Function below the Root Port
 * @f: Function
 * @pdev: its device
 * @scope: the smallest scope that it is in
 * @bridge: it is a bridge
 * @config: what is in its config space, if it is none
 * @regs: the same, if it is one
 */
struct sweep_func {
	struct pci_sim_func *f;
	struct pci_dev *pdev;
	enum sweep_scope scope;
	bool bridge;
	struct sim_config config;
	u32 regs[SWEEP_NR_REGS];
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

/**
 * sim_sweep_params - make the parameters of a sweep
 * @test: of param_init
 * @n: number of resets in the table of the sweep
 * @fill: completes a case for reset number @i, or returns false if the
 *	  combination is not to be run
 * @desc: describes a case
 *
 * Return: 0 or -ENOMEM.
 */
int sim_sweep_params(struct kunit *test, unsigned int n,
		     bool (*fill)(struct sweep_case *c, unsigned int i),
		     void (*desc)(struct kunit *test, const void *param,
				  char *desc));

/**
 * sim_sweep_start - build the fabric of a case and start it
 * @test: test
 * @c: its parameter
 * @ep: what its Endpoints are like, apart from their times
 *
 * Return: the fabric, with notes of what must be the same after the reset.
 */
struct sweep *sim_sweep_start(struct kunit *test, const struct sweep_case *c,
			      struct pci_sim_ep_config ep);

/**
 * sim_sweep_expect - check the outcome of a reset
 * @test: test
 * @c: its parameter
 * @s: what sim_sweep_start() returned
 * @us: time that the reset took, in microseconds
 */
void sim_sweep_expect(struct kunit *test, const struct sweep_case *c,
		      const struct sweep *s, s64 us);

/**
 * sim_sweep_nested_hotplug - a reset reaches hotplug ports that lose their Links
 * @c: case with its scope
 *
 * Return: true if it does.
 */
bool sim_sweep_nested_hotplug(const struct sweep_case *c);

/**
 * sim_sweep_below_hotplug - the port above the Link that is reset has a slot
 * @c: case with its scope
 *
 * Return: true if the slot is hot-plug capable.
 */
bool sim_sweep_below_hotplug(const struct sweep_case *c);

#endif /* _DRIVERS_PCI_TESTS_SWEEP_KUNIT_H */
