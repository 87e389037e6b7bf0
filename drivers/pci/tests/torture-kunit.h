/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random fabrics, and random operations and faults on them, see torture.c
 */
#ifndef _DRIVERS_PCI_TESTS_TORTURE_KUNIT_H
#define _DRIVERS_PCI_TESTS_TORTURE_KUNIT_H

#include <linux/bitmap.h>
#include <linux/ktime.h>
#include <linux/notifier.h>
#include <linux/pci-sim.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "sim-kunit.h"

struct torture;
struct torture_func;

#define TORTURE_NODES		64
#define TORTURE_STEPS		48
#define TORTURE_THREADS		4
/* As parent: not plugged in at the start */
#define TORTURE_NOWHERE		0xff

/* What a node of the plan is, and a mask of these: the nodes for an operation */
enum torture_type {
	TORTURE_ROOT_PORT,
	TORTURE_SWITCH,
	TORTURE_DOWN_PORT,
	TORTURE_PCI_BRIDGE,
	TORTURE_ENDPOINT,
	TORTURE_FUNCTION,
};

/**
 * enum torture_mood - what is special about the driver of an Endpoint
 * @TORTURE_CALM: nothing
 * @TORTURE_UNBOUND: there is none
 * @TORTURE_UNAWARE: it has no error handlers
 * @TORTURE_SLEEPS: each callback takes a while
 * @TORTURE_RESETS: it resets its device in probe()
 * @TORTURE_FAILS: its probe() fails
 * @TORTURE_GIVES_UP: it returns PCI_ERS_RESULT_DISCONNECT in error recovery
 * @TORTURE_MOODS: number of them
 */
enum torture_mood {
	TORTURE_CALM,
	TORTURE_UNBOUND,
	TORTURE_UNAWARE,
	TORTURE_SLEEPS,
	TORTURE_RESETS,
	TORTURE_FAILS,
	TORTURE_GIVES_UP,
	TORTURE_MOODS
};

/* What is done to a node; torture.c has a table of these */
enum torture_op {
	/* Resets */
	TORTURE_RESET_FUNCTION,
	TORTURE_TRY_RESET_FUNCTION,
	TORTURE_RESET_FUNCTION_LOCKED,
	TORTURE_RESET_BUS,
	TORTURE_SYSFS_RESET,
	TORTURE_SYSFS_RESET_SUBORDINATE,
	TORTURE_SYSFS_RESET_METHOD,
	TORTURE_RESET_FLAGS,
	TORTURE_RESET_SCOPE,
	/* Slots and Links */
	TORTURE_UNPLUG,
	TORTURE_PLUG,
	TORTURE_REPLACE,
	TORTURE_LINK_FLAP,
	TORTURE_BUTTON,
	TORTURE_SLOT_POWER,
	TORTURE_LATCH,
	TORTURE_POWER_FAULT,
	/* Errors */
	TORTURE_CORRECTABLE,
	TORTURE_NONFATAL,
	TORTURE_FATAL,
	TORTURE_DPC,
	/* Drivers and devices */
	TORTURE_UNBIND,
	TORTURE_BIND,
	TORTURE_REMOVE,
	TORTURE_RESCAN,
	TORTURE_SRIOV,
	TORTURE_UNBIND_PORT,
	TORTURE_WAKE,
	TORTURE_LATE,
	TORTURE_OPS
};

/**
 * struct torture_node - a part of the fabric
 * @type: what it is
 * @parent: index of the port it is plugged into, or TORTURE_NOWHERE; of the
 *	    Upstream Port of a Downstream Port, the PCIe-to-PCI bridge of a
 *	    conventional device, Function 0 of another Function
 * @mood: of an Endpoint's driver
 * @port: if it is a Root Port or Downstream Port
 * @ep: if it is a Function of an Endpoint
 */
struct torture_node {
	enum torture_type type;
	u8 parent;
	enum torture_mood mood;
	struct pci_sim_port_config port;
	struct pci_sim_ep_config ep;
};

/**
 * struct torture_step - one operation
 * @us: when, in microseconds from the start
 * @thread: by which thread; if it is still busy, as soon as it is not
 * @op: which operation
 * @node: index of its node
 * @arg: random argument, the meaning of which depends on the operation
 */
struct torture_step {
	u32 us;
	u8 thread;
	enum torture_op op;
	u8 node;
	u32 arg;
};

/**
 * struct torture_plan - all that is done in one run
 * @seed: that it was made from, 0 if by hand
 * @jitter: see pci_sim_jitter(), in percent
 * @access_us: see pci_sim_access_time()
 * @nr_nodes: number of entries in @nodes
 * @nr_steps: number of entries in @steps
 * @nodes: the fabric; a parent is before what is below it
 * @steps: what is done to it, in the order of time
 */
struct torture_plan {
	u64 seed;
	u8 jitter;
	u16 access_us;
	u8 nr_nodes;
	u8 nr_steps;
	struct torture_node nodes[TORTURE_NODES];
	struct torture_step steps[TORTURE_STEPS];
};

/**
 * torture_plan_make - make a plan from a seed
 * @plan: plan to be filled
 * @seed: the same seed always gives the same plan
 */
void torture_plan_make(struct torture_plan *plan, u64 seed);

/**
 * torture_plan_drop - leave out parts of a plan
 * @plan: plan
 * @steps: list of the steps to be left out, as "0,3-5"
 * @nodes: list of the nodes to be left out, with all that is below them and
 *	   what is done to them
 * @threads: number of threads that do what is left, at most
 *
 * Return: 0, or -EINVAL if this is not a list.
 */
int torture_plan_drop(struct torture_plan *plan, const char *steps,
		      const char *nodes, unsigned int threads);

/**
 * torture_plan_print - print a plan as C source
 * @test: test, to whose log it goes
 * @plan: plan
 */
void torture_plan_print(struct kunit *test, const struct torture_plan *plan);

/* All Functions of a fabric, its VFs and one Endpoint outside of the plan */
#define TORTURE_FUNCS		160
#define TORTURE_CALLS		256
#define TORTURE_RESETS_MAX	8192

/**
 * enum torture_reach - which Functions a reset may affect
 * @TORTURE_REACH_NONE: none
 * @TORTURE_REACH_FUNC: the Function, and its VFs
 * @TORTURE_REACH_ALONE: the same; the Link, if it is the only one on it
 * @TORTURE_REACH_LINK: all below the bridge above it
 * @TORTURE_REACH_BELOW: all below it
 */
enum torture_reach {
	TORTURE_REACH_NONE,
	TORTURE_REACH_FUNC,
	TORTURE_REACH_ALONE,
	TORTURE_REACH_LINK,
	TORTURE_REACH_BELOW,
};

/**
 * struct torture_op_info - an operation
 * @name: of its constant
 * @targets: mask of the nodes that it is for, BIT(enum torture_type)
 * @weight: how often a random plan has it, relative to others
 * @args: values of its argument, in random plans
 * @nr_args: number of entries in @args, 0 if it has no argument
 * @reach: what it may reset
 * @kinds: how, mask of BIT(enum pci_sim_reset)
 * @lasting: it has consequences for all below its node, as long as the test
 *	     lasts: Links go down, devices are removed and added
 * @run: do it; returns 0 or a negative error
 */
struct torture_op_info {
	const char *name;
	unsigned int targets;
	unsigned int weight;
	const u32 *args;
	unsigned int nr_args;
	enum torture_reach reach;
	unsigned int kinds;
	bool lasting;
	int (*run)(struct torture *t, struct torture_func *func, u32 arg);
};

extern const struct torture_op_info torture_ops[TORTURE_OPS];

/**
 * struct torture_quirk - a device that the kernel's quirks know
 * @vendor: Vendor ID
 * @device: Device ID
 * @never: how it must not be reset, mask of BIT(enum pci_sim_reset)
 */
struct torture_quirk {
	u16 vendor;
	u16 device;
	unsigned int never;
};

#define TORTURE_QUIRKS		3
extern const struct torture_quirk torture_quirks[TORTURE_QUIRKS];

/**
 * struct torture_func - a Function while a plan is run
 * @t: the run
 * @f: Function
 * @node: what the plan says of it; of its PF, if it is a VF
 * @pdev: its device, even if the Function can no longer be reached by it
 * @added: how often it got a device
 * @usage: runtime PM usage counter of its device when all was well
 * @usage_added: @added at that time
 */
struct torture_func {
	struct torture *t;
	struct pci_sim_func *f;
	const struct torture_node *node;
	struct pci_dev *pdev;
	unsigned int added;
	int usage;
	unsigned int usage_added;
};

/**
 * struct torture_call - an operation that was done, or was begun
 * @op: which
 * @func: to what
 * @arg: with which argument
 * @from: when it began, in microseconds from the start
 * @to: when it ended, S64_MAX if it has not
 * @rc: what it returned
 * @reach: the Functions that it may affect
 * @alone: nothing else was on the Link of the Function
 * @must: those that were reachable when it began
 * @config: of an Endpoint, when it began
 * @compared: the same config was found when it ended
 */
struct torture_call {
	enum torture_op op;
	struct torture_func *func;
	u32 arg;
	s64 from;
	s64 to;
	int rc;
	bool alone;
	DECLARE_BITMAP(reach, TORTURE_FUNCS);
	DECLARE_BITMAP(must, TORTURE_FUNCS);
	struct sim_config config;
	bool compared;
};

/**
 * struct torture_reset - a reset of a Function
 * @us: when, in microseconds from the start
 * @func: Function
 * @kind: kind of reset
 */
struct torture_reset {
	s64 us;
	struct torture_func *func;
	enum pci_sim_reset kind;
};

/**
 * struct torture - a run
 * @test: test
 * @plan: plan
 * @sim: fabric
 * @log: log operations and resets
 * @prepared: devices whose driver has been told of a reset, but not of its end
 * @notifier: keeps @funcs.pdev
 * @start: when the threads began
 * @running: operations are recorded
 * @lock: protects all below, but what a call's own thread writes
 * @problem: what was wrong first, empty if nothing
 * @nr_funcs: number of entries in @funcs
 * @nr_calls: number of entries in @calls
 * @nr_resets: number of entries in @resets
 * @funcs: those of the nodes come first, with the same index
 * @calls: in the order in which they began
 * @resets: in the order of time
 */
struct torture {
	struct kunit *test;
	const struct torture_plan *plan;
	struct pci_sim *sim;
	bool log;
	struct xarray prepared;
	struct notifier_block notifier;
	ktime_t start;
	bool running;
	raw_spinlock_t lock;
	char problem[160];
	unsigned int nr_funcs;
	unsigned int nr_calls;
	unsigned int nr_resets;
	struct torture_func funcs[TORTURE_FUNCS];
	struct torture_call calls[TORTURE_CALLS];
	struct torture_reset resets[TORTURE_RESETS_MAX];
};

/**
 * torture_run - build the fabric of a plan, do what it says, and check
 * @test: test
 * @plan: plan
 * @log: log the plan, and operations and resets as they happen
 */
void torture_run(struct kunit *test, const struct torture_plan *plan, bool log);

/* The device of a Function, with a reference that the caller drops, or NULL */
struct pci_dev *torture_dev(struct torture_func *func);

/* In torture_ops.c; the others also put things right in the end */
int torture_sysfs_mount(void);
void torture_sysfs_unmount(void *unused);
int torture_slot_power(struct torture *t, struct torture_func *func, u32 on);
int torture_unbind(struct torture *t, struct torture_func *func, u32 arg);
int torture_bind(struct torture *t, struct torture_func *func, u32 arg);
int torture_rescan(struct torture *t, struct torture_func *func, u32 arg);

/* In reset/torture.c, see enum pci_reset_flags_t for the bits of @flags */
int torture_reset_flags(struct pci_dev *pdev, u32 flags);
int torture_reset_scope(struct pci_dev *pdev, u32 flags);

#endif /* _DRIVERS_PCI_TESTS_TORTURE_KUNIT_H */
