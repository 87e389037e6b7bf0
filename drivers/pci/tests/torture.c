// SPDX-License-Identifier: GPL-2.0
/*
 * Do what a random plan says, and check the outcome by rules
 *
 * The rules are those of the PCI Express specification and of the kernel-doc of
 * what is called, and know nothing of how the kernel does it:
 *
 * - A Function is only reset by an operation whose scope it is in, and in a way
 *   that the operation allows, or in consequence of a fault or of a removal.
 * - A device is not reset by an operation in a way that a quirk forbids.
 * - An operation that returns 0 has reset its Function, and everything that was
 *   reachable on the Link if it resets that.  One that returns an error of which
 *   it is documented that nothing was reset, has reset nothing.  After the
 *   former, config space is as before.
 * - Every operation ends.
 * - Callbacks of drivers come in pairs, and a driver never reads the config
 *   space of another device than its own.
 * - In the end no lock and no runtime PM reference is left.
 * - When all faults are over, whatever is plugged in and has a Link works, can
 *   be reset, and recovers from an error; each empty slot notices a card.
 *
 * A rule that other operations interfere with is not applied, but the others
 * are.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/sched/debug.h>

#include "torture-kunit.h"

/* No plan and no operation takes that long, unless it hangs */
#define TORTURE_HANG_MS		(20 * 60 * MSEC_PER_SEC)
/* What follows from faults is over after this */
#define TORTURE_QUIET_MS	30000
/* Recovery from one error is, with nothing else going on */
#define TORTURE_RECOVER_MS	10000
/* A device may take a minute to become ready, each of 5 levels of switches */
#define TORTURE_CALL_US		(6 * 61 * USEC_PER_SEC)

/* Jiffies in which the timer wheel turns, as far as it matters here */
#define TORTURE_TURN		BIT(15)

/* Bits of pci_reset_flags_t */
#define TORTURE_MASK_FLR	(BIT(0) | BIT(1))
#define TORTURE_MASK_PM		BIT(2)
#define TORTURE_MASK_LINK	(BIT(3) | BIT(4))
#define TORTURE_MASK_ALONE	BIT(18)

#define TORTURE_ANY_KIND	(BIT(PCI_SIM_RESET_KINDS) - 1)

static const char *const torture_resets[PCI_SIM_RESET_KINDS] = {
	[PCI_SIM_RESET_COLD] = "cold",
	[PCI_SIM_RESET_HOT] = "hot",
	[PCI_SIM_RESET_FLR] = "FLR",
	[PCI_SIM_RESET_AF_FLR] = "AF FLR",
	[PCI_SIM_RESET_PM] = "PM",
};

static s64 torture_us(struct torture *t)
{
	return ktime_us_delta(ktime_get(), t->start);
}

static __printf(2, 3) void torture_problem(struct torture *t, const char *fmt,
					   ...)
{
	va_list args;

	guard(raw_spinlock_irqsave)(&t->lock);
	if (*t->problem)
		return;

	va_start(args, fmt);
	vsnprintf(t->problem, sizeof(t->problem), fmt, args);
	va_end(args);
}

static unsigned int torture_index(const struct torture_func *func)
{
	return func - func->t->funcs;
}

/* The index of its node; of a VF, that of the PF */
static unsigned int torture_node(const struct torture_func *func)
{
	return func->node - func->t->plan->nodes;
}

static struct torture_func *torture_find(struct torture *t,
					 struct pci_sim_func *f)
{
	unsigned int i;

	for (i = 0; i < t->nr_funcs; i++) {
		if (t->funcs[i].f == f)
			return &t->funcs[i];
	}
	return NULL;
}

/* The bridge above; of a VF, that above the PF */
static struct pci_sim_func *torture_above(const struct torture_func *func)
{
	return pci_sim_upstream(func->t->funcs[torture_node(func)].f);
}

static bool torture_is_vf(const struct torture_func *func)
{
	return torture_index(func) >= func->t->plan->nr_nodes;
}

static bool torture_is_below(struct torture_func *func,
			     struct pci_sim_func *bridge)
{
	struct pci_sim_func *f;

	for (f = torture_above(func); f; f = pci_sim_upstream(f)) {
		if (f == bridge)
			return true;
	}
	return false;
}

struct pci_dev *torture_dev(struct torture_func *func)
{
	guard(raw_spinlock_irqsave)(&func->t->lock);
	return pci_dev_get(func->pdev);
}

/*
 * What an operation may affect
 */

static void torture_reach_below(struct torture *t, struct pci_sim_func *bridge,
				unsigned long *reach)
{
	unsigned int i;

	for (i = 0; bridge && i < t->nr_funcs; i++) {
		if (torture_is_below(&t->funcs[i], bridge))
			set_bit(i, reach);
	}
}

static void torture_reach_func(struct torture *t, struct torture_func *func,
			       unsigned long *reach)
{
	unsigned int i;

	set_bit(torture_index(func), reach);
	for (i = t->plan->nr_nodes; i < t->nr_funcs; i++) {
		if (t->funcs[i].node == func->node)
			set_bit(i, reach);
	}
}

/* Is nothing else on the Link of a Function but its VFs? */
static bool torture_is_alone(struct torture *t, struct torture_func *func)
{
	struct pci_sim_func *above = torture_above(func);
	unsigned int i;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		if (t->funcs[i].f && t->funcs[i].node != func->node &&
		    torture_is_below(&t->funcs[i], above))
			return false;
	}
	return above;
}

/*
 * An error is recovered from by a reset of the nearest Link, or of that below
 * the port which has contained it
 */
static void torture_reach_error(struct torture *t, struct torture_func *func,
				unsigned long *reach)
{
	const struct pci_sim_port_config *config;
	struct pci_sim_func *f = torture_above(func);

	torture_reach_below(t, func->f, reach);
	torture_reach_below(t, f, reach);
	for (; f; f = pci_sim_upstream(f)) {
		config = pci_sim_get_port_config(f);
		if (config && config->dpc)
			torture_reach_below(t, f, reach);
	}
}

/* Which Functions a call may affect, by what is plugged in where now */
static void torture_reach(struct torture *t, struct torture_call *c)
{
	enum torture_reach reach = torture_ops[c->op].reach;

	if (c->op == TORTURE_NONFATAL || c->op == TORTURE_FATAL) {
		torture_reach_error(t, c->func, c->reach);
		return;
	}

	switch (reach) {
	case TORTURE_REACH_NONE:
		return;
	case TORTURE_REACH_ALONE:
	case TORTURE_REACH_FUNC:
		torture_reach_func(t, c->func, c->reach);
		return;
	case TORTURE_REACH_LINK:
		torture_reach_below(t, torture_above(c->func), c->reach);
		torture_reach_below(t, c->func->f, c->reach);
		torture_reach_func(t, c->func, c->reach);
		return;
	case TORTURE_REACH_BELOW:
		torture_reach_below(t, c->func->f, c->reach);
		return;
	}
}

/* In which ways no operation may reset a Function, because of a quirk */
static unsigned int torture_never(const struct torture_func *func)
{
	const struct torture_quirk *quirk;

	for (quirk = torture_quirks; quirk < torture_quirks + TORTURE_QUIRKS;
	     quirk++) {
		if (func->node->ep.vendor == quirk->vendor &&
		    func->node->ep.device == quirk->device)
			return quirk->never;
	}
	return 0;
}

/* In which ways a call may reset a Function that it may affect */
static unsigned int torture_kinds(const struct torture_call *c,
				  struct torture_func *func)
{
	unsigned int kinds = torture_ops[c->op].kinds;
	bool is_func = func->node == c->func->node;

	if (c->op == TORTURE_RESET_FLAGS || c->op == TORTURE_RESET_SCOPE) {
		if (is_func && c->arg & TORTURE_MASK_FLR)
			kinds |= BIT(PCI_SIM_RESET_FLR) |
				 BIT(PCI_SIM_RESET_AF_FLR);
		if (is_func && c->arg & TORTURE_MASK_PM)
			kinds |= BIT(PCI_SIM_RESET_PM);
		if (c->arg & TORTURE_MASK_LINK &&
		    (is_func || c->op == TORTURE_RESET_SCOPE ||
		     !(c->arg & TORTURE_MASK_ALONE)))
			kinds |= BIT(PCI_SIM_RESET_HOT);
	}
	if (c->alone && torture_ops[c->op].reach == TORTURE_REACH_ALONE)
		kinds |= BIT(PCI_SIM_RESET_HOT);
	/* But not what is reset by a fault, or to recover from one */
	if (!torture_ops[c->op].lasting)
		kinds &= ~torture_never(func);
	/* A VF is disabled by any reset of its PF */
	if (kinds && torture_is_vf(func))
		kinds |= BIT(PCI_SIM_RESET_HOT);

	return kinds;
}

/*
 * What happens while the threads run
 */

static void torture_on_reset(struct pci_sim_func *f, enum pci_sim_reset kind,
			     void *data)
{
	struct torture *t = data;
	struct torture_func *func;

	guard(raw_spinlock_irqsave)(&t->lock);
	func = torture_find(t, f);
	if (!func)
		return;
	if (t->log)
		pr_info("torture: node %u%s: %s reset\n", torture_node(func),
			torture_is_vf(func) ? ", VF" : "", torture_resets[kind]);
	if (t->nr_resets < TORTURE_RESETS_MAX)
		t->resets[t->nr_resets++] = (struct torture_reset){
			.us = torture_us(t), .func = func, .kind = kind,
		};
}

static void torture_config_get(struct torture_func *func, struct sim_config *c)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	memset(c, 0, sizeof(*c));
	if (pdev && !pci_is_bridge(pdev) && !func->node->ep.conventional)
		sim_kunit_config_get(c, pdev);
}

static void torture_must(struct torture *t, struct torture_call *c)
{
	unsigned int i;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		if (t->funcs[i].f && test_bit(i, c->reach) &&
		    pci_sim_is_reachable(t->funcs[i].f))
			set_bit(i, c->must);
	}
}

static struct torture_call *torture_begin(struct torture *t,
					  struct torture_func *func,
					  enum torture_op op, u32 arg)
{
	struct torture_call *c = NULL;

	if (!t->running)
		return NULL;

	scoped_guard(raw_spinlock_irqsave, &t->lock) {
		if (t->nr_calls < TORTURE_CALLS)
			c = &t->calls[t->nr_calls++];
	}
	if (!c)
		return NULL;

	c->op = op;
	c->func = func;
	c->arg = arg;
	c->to = S64_MAX;
	c->alone = torture_is_alone(t, func);
	torture_reach(t, c);
	if (torture_ops[op].kinds || op == TORTURE_RESET_FLAGS ||
	    op == TORTURE_RESET_SCOPE) {
		torture_must(t, c);
		torture_config_get(func, &c->config);
	}
	c->from = torture_us(t);
	if (t->log)
		pr_info("torture: %s of node %u, 0x%x: begins\n",
			torture_ops[op].name, torture_node(func), arg);
	return c;
}

static void torture_end(struct torture *t, struct torture_call *c, int rc)
{
	struct sim_config config;

	if (!c)
		return;

	c->rc = rc;
	c->to = torture_us(t);
	if (t->log)
		pr_info("torture: %s of node %u, 0x%x: %d\n",
			torture_ops[c->op].name, torture_node(c->func), c->arg,
			rc);
	torture_reach(t, c);
	torture_config_get(c->func, &config);
	c->compared = !memcmp(&config, &c->config, sizeof(config));
}

/*
 * A driver must not see another device, unless it was pulled in this moment.  If
 * its Link has just been down, the device may ask for more time.
 */
static void torture_see_config(struct torture_func *func, struct pci_dev *pdev)
{
	u32 id;

	if (torture_is_vf(func))
		return;

	pci_read_config_dword(pdev, PCI_VENDOR_ID, &id);
	if (id != (pdev->vendor | pdev->device << 16) &&
	    !PCI_POSSIBLE_ERROR(id) && (id & 0xffff) != PCI_VENDOR_ID_PCI_SIG)
		torture_problem(func->t, "a driver reads the ID %#010x", id);
}

/* Once a card is in another slot, there may be two devices for a Function */
static void torture_prepare(struct torture_func *func, struct pci_dev *pdev)
{
	struct torture *t = func->t;

	if (xa_store(&t->prepared, (unsigned long)pdev, func, GFP_KERNEL))
		torture_problem(t, "reset_prepare twice");
}

static void torture_done(struct torture_func *func, struct pci_dev *pdev)
{
	if (!xa_erase(&func->t->prepared, (unsigned long)pdev))
		torture_problem(func->t, "reset_done without reset_prepare");
	torture_see_config(func, pdev);
}

static int torture_probe(struct torture_func *func, struct pci_dev *pdev)
{
	struct torture_call *c;

	switch (func->node->mood) {
	case TORTURE_FAILS:
		return -EIO;
	case TORTURE_UNBOUND:
		return -ENODEV;
	case TORTURE_RESETS:
		c = torture_begin(func->t, func, TORTURE_RESET_FUNCTION_LOCKED,
				  0);
		torture_end(func->t, c, pci_reset_function_locked(pdev));
		return 0;
	default:
		return 0;
	}
}

static void torture_remove_dev(struct torture_func *func, struct pci_dev *pdev)
{
	if (xa_erase(&func->t->prepared, (unsigned long)pdev))
		torture_problem(func->t, "remove in a reset");
}

static int torture_on_call(struct pci_dev *pdev, enum pci_sim_call call,
			   void *data)
{
	struct torture_func *func = data;

	if (func->node->mood == TORTURE_SLEEPS)
		msleep(50);

	switch (call) {
	case PCI_SIM_PROBE:
		return torture_probe(func, pdev);
	case PCI_SIM_REMOVE:
		torture_remove_dev(func, pdev);
		return 0;
	case PCI_SIM_RESET_PREPARE:
		torture_prepare(func, pdev);
		return 0;
	case PCI_SIM_RESET_DONE:
		torture_done(func, pdev);
		return 0;
	case PCI_SIM_ERROR_DETECTED:
		return func->node->mood == TORTURE_GIVES_UP ?
			       (__force int)PCI_ERS_RESULT_DISCONNECT : 0;
	default:
		torture_see_config(func, pdev);
		return 0;
	}
}

/**
 * struct torture_thread - a thread
 * @t: run
 * @n: its number
 * @step: what it is doing
 * @done: when all is done
 */
struct torture_thread {
	struct torture *t;
	unsigned int n;
	const struct torture_step *step;
	struct completion done;
};

static void torture_sleep_until(struct torture *t, u32 us)
{
	s64 now = torture_us(t);

	if (us > now)
		usleep_range(us - now, us - now);
}

static int torture_thread(void *data)
{
	struct torture_thread *thread = data;
	struct torture *t = thread->t;
	unsigned int i;

	for (i = 0; i < t->plan->nr_steps; i++) {
		const struct torture_step *step = &t->plan->steps[i];
		struct torture_func *func = &t->funcs[step->node];
		struct torture_call *c;

		if (step->thread != thread->n || !torture_ops[step->op].run)
			continue;

		thread->step = step;
		torture_sleep_until(t, step->us);
		c = torture_begin(t, func, step->op, step->arg);
		torture_end(t, c, torture_ops[step->op].run(t, func,
							    step->arg));
	}
	complete(&thread->done);
	return 0;
}

static void torture_threads(struct torture *t)
{
	unsigned long timeout = msecs_to_jiffies(TORTURE_HANG_MS);
	struct torture_thread threads[TORTURE_THREADS];
	unsigned int i;

	t->start = ktime_get();
	t->running = true;
	pci_sim_on_reset(t->sim, torture_on_reset, t);
	for (i = 0; i < TORTURE_THREADS; i++) {
		threads[i] = (struct torture_thread){ .t = t, .n = i };
		init_completion(&threads[i].done);
		kthread_run(torture_thread, &threads[i], "torture%u", i);
	}
	for (i = 0; i < TORTURE_THREADS; i++) {
		if (wait_for_completion_timeout(&threads[i].done, timeout))
			continue;
		/* There is no way to go on.  Modules cannot show all tasks. */
		if (IS_BUILTIN(CONFIG_PCI_SIM_KUNIT_TEST))
			show_state_filter(TASK_UNINTERRUPTIBLE);
		panic("seed %llu: %s of node %u hangs", t->plan->seed,
		      torture_ops[threads[i].step->op].name,
		      threads[i].step->node);
	}
}

/*
 * The fabric
 */

static struct pci_sim_func *torture_add(struct torture *t,
					const struct torture_node *node)
{
	struct pci_sim_func *parent = NULL;

	if (node->parent != TORTURE_NOWHERE)
		parent = t->funcs[node->parent].f;

	switch (node->type) {
	case TORTURE_ROOT_PORT:
		return pci_sim_add_root_port(t->sim, &node->port);
	case TORTURE_SWITCH:
		return pci_sim_add_switch(t->sim, parent);
	case TORTURE_DOWN_PORT:
		return pci_sim_add_downstream_port(parent, &node->port);
	case TORTURE_PCI_BRIDGE:
		return pci_sim_add_pci_bridge(t->sim, parent);
	case TORTURE_ENDPOINT:
		return pci_sim_add_endpoint(t->sim, parent, &node->ep);
	default:
		return pci_sim_add_function(parent, &node->ep);
	}
}

static void torture_add_func(struct torture *t, struct pci_sim_func *f,
			     const struct torture_node *node)
{
	struct torture_func *func = &t->funcs[t->nr_funcs++];

	*func = (struct torture_func){ .t = t, .f = f, .node = node };
	if (f)
		pci_sim_on_call(f, torture_on_call, func);
}

static void torture_build(struct torture *t)
{
	const struct torture_plan *p = t->plan;
	struct pci_sim_func *vf;
	unsigned int i, n;

	for (i = 0; i < p->nr_nodes; i++)
		torture_add_func(t, torture_add(t, &p->nodes[i]), &p->nodes[i]);
	for (i = 0; i < p->nr_nodes; i++) {
		for (n = 0; (vf = pci_sim_vf(t->funcs[i].f, n)); n++) {
			if (t->nr_funcs < TORTURE_FUNCS)
				torture_add_func(t, vf, &p->nodes[i]);
		}
	}
}

/* Nothing is said of the end of what has no driver, or one that fails */
static void torture_moods(struct torture *t)
{
	unsigned int i;

	for (i = 0; i < t->nr_funcs; i++) {
		if (t->funcs[i].node->mood == TORTURE_UNBOUND ||
		    t->funcs[i].node->mood == TORTURE_FAILS)
			sim_kunit_expect_unbound(t->test, t->funcs[i].f);
	}
}

static struct pci_driver torture_unaware = {
	.name	= "pci-torture-unaware",
	.probe	= sim_kunit_probe,
};

KUNIT_DEFINE_ACTION_WRAPPER(torture_unregister, pci_unregister_driver,
			    struct pci_driver *);

static void torture_set_dev(struct torture_func *func, struct pci_dev *pdev)
{
	scoped_guard(raw_spinlock_irqsave, &func->t->lock) {
		swap(func->pdev, pdev);
		if (func->pdev)
			func->added++;
	}
	pci_dev_put(pdev);
}

static int torture_notify(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	struct torture *t = container_of(nb, struct torture, notifier);
	struct pci_dev *pdev = to_pci_dev(data);
	struct torture_func *func;
	unsigned int i;

	if (action == BUS_NOTIFY_ADD_DEVICE) {
		func = torture_find(t, pci_sim_of_dev(pdev));
		if (!func)
			return NOTIFY_DONE;
		torture_set_dev(func, pci_dev_get(pdev));
		if (func->node->mood == TORTURE_UNAWARE)
			device_set_driver_override(&pdev->dev,
						   torture_unaware.name);
	} else if (action == BUS_NOTIFY_REMOVED_DEVICE) {
		for (i = 0; i < t->nr_funcs; i++) {
			if (t->funcs[i].pdev == pdev)
				torture_set_dev(&t->funcs[i], NULL);
		}
	}
	return NOTIFY_DONE;
}

KUNIT_DEFINE_ACTION_WRAPPER(torture_free, kvfree, const void *);
KUNIT_DEFINE_ACTION_WRAPPER(torture_xa_destroy, xa_destroy, struct xarray *);

static void torture_unnotify(void *data)
{
	struct torture *t = data;

	bus_unregister_notifier(&pci_bus_type, &t->notifier);
}

/* To be done at the end of the test */
static void torture_defer(struct torture *t, kunit_action_t *action, void *data)
{
	int rc = kunit_add_action_or_reset(t->test, action, data);

	KUNIT_ASSERT_EQ(t->test, 0, rc);
}

/* What has to outlive the fabric */
static void torture_prepare_test(struct torture *t)
{
	KUNIT_ASSERT_EQ(t->test, 0, torture_sysfs_mount());
	torture_defer(t, torture_sysfs_unmount, NULL);
	KUNIT_ASSERT_EQ(t->test, 0, pci_register_driver(&torture_unaware));
	torture_defer(t, torture_unregister, &torture_unaware);
	xa_init(&t->prepared);
	torture_defer(t, torture_xa_destroy, &t->prepared);
	t->notifier.notifier_call = torture_notify;
	KUNIT_ASSERT_EQ(t->test, 0,
			bus_register_notifier(&pci_bus_type, &t->notifier));
	torture_defer(t, torture_unnotify, t);
}

static int torture_usage(struct torture_func *func)
{
	struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

	return pdev && pdev->dev.driver ?
		       atomic_read(&pdev->dev.power.usage_count) : -1;
}

static void torture_note_usage(struct torture *t)
{
	unsigned int i;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		t->funcs[i].usage = torture_usage(&t->funcs[i]);
		t->funcs[i].usage_added = t->funcs[i].added;
	}
}

/*
 * The rules
 */

/* A Link that is down while its port sleeps resets what is below */
static bool torture_sleeps(const struct torture_func *func)
{
	const struct pci_sim_port_config *config;
	struct pci_sim_func *f;

	for (f = torture_above(func); f; f = pci_sim_upstream(f)) {
		config = pci_sim_get_port_config(f);
		if (config && config->link_sleeps)
			return true;
	}
	return false;
}

static bool torture_may(struct torture *t, const struct torture_reset *r)
{
	unsigned int i;

	if (r->kind == PCI_SIM_RESET_HOT && torture_sleeps(r->func))
		return true;

	for (i = 0; i < t->nr_calls; i++) {
		const struct torture_call *c = &t->calls[i];
		bool lasting = torture_ops[c->op].lasting;

		if (r->us >= c->from && (lasting || r->us <= c->to) &&
		    test_bit(torture_index(r->func), c->reach) &&
		    torture_kinds(c, r->func) & BIT(r->kind))
			return true;
	}
	return false;
}

static void torture_check_resets(struct torture *t)
{
	unsigned int i;

	for (i = 0; i < t->nr_resets; i++) {
		const struct torture_reset *r = &t->resets[i];

		if (!torture_may(t, r))
			torture_problem(t, "node %u%s: %s reset after %lld us, by nothing",
					torture_node(r->func),
					torture_is_vf(r->func) ? ", VF" : "",
					torture_resets[r->kind], r->us);
	}
}

/* No other operation interferes with a call */
static bool torture_undisturbed(struct torture *t, const struct torture_call *c)
{
	unsigned int i;

	for (i = 0; i < t->nr_calls; i++) {
		const struct torture_call *d = &t->calls[i];

		if (d == c || d->from > c->to ||
		    (d->to < c->from && !torture_ops[d->op].lasting))
			continue;
		if (bitmap_intersects(c->reach, d->reach, TORTURE_FUNCS))
			return false;
		/* These may do anything to anything */
		if (d->op == TORTURE_RESCAN || d->op == TORTURE_LATE)
			return false;
	}
	return true;
}

static bool torture_was_reset(struct torture *t, const struct torture_call *c,
			      unsigned int n, unsigned int kinds)
{
	unsigned int i;

	for (i = 0; i < t->nr_resets; i++) {
		const struct torture_reset *r = &t->resets[i];

		if (torture_index(r->func) == n && r->us >= c->from &&
		    r->us <= c->to && BIT(r->kind) & kinds)
			return true;
	}
	return false;
}

/* Those of which it is documented that nothing was reset */
static bool torture_did_nothing(int rc)
{
	switch (rc) {
	case -EINVAL:
	case -ENOTTY:
	case -EAGAIN:
	case -EBUSY:
	case -ENOMEM:
		return true;
	default:
		return false;
	}
}

/*
 * Success is a reset of the Function, or of all that was reachable below it.
 * If other operations interfere, a reset by one of those will do.  Of some
 * errors it is documented that nothing was reset.
 */
static void torture_check_outcome(struct torture *t,
				  const struct torture_call *c)
{
	bool below = torture_ops[c->op].reach == TORTURE_REACH_BELOW;
	bool undisturbed = torture_undisturbed(t, c);
	const char *name = torture_ops[c->op].name;
	unsigned int i, node = torture_node(c->func);
	unsigned int kinds;

	for_each_set_bit(i, c->must, TORTURE_FUNCS) {
		if (!below && &t->funcs[i] != c->func)
			continue;

		kinds = undisturbed ? torture_kinds(c, &t->funcs[i]) :
				      TORTURE_ANY_KIND;
		if (!c->rc && !torture_was_reset(t, c, i, kinds))
			torture_problem(t, "%s of node %u: success without a reset of node %u",
					name, node, i);
		if (undisturbed && torture_did_nothing(c->rc) &&
		    torture_was_reset(t, c, i, TORTURE_ANY_KIND))
			torture_problem(t, "%s of node %u: %pe, but node %u was reset",
					name, node, ERR_PTR(c->rc), i);
	}

	if (!c->rc && undisturbed && !c->compared)
		torture_problem(t, "%s of node %u: config space is not as before",
				name, node);
}

static void torture_check_call(struct torture *t, const struct torture_call *c)
{
	const struct torture_op_info *info = &torture_ops[c->op];

	if (c->to - c->from > TORTURE_CALL_US)
		torture_problem(t, "%s of node %u takes %lld ms", info->name,
				torture_node(c->func),
				div_s64(c->to - c->from, USEC_PER_MSEC));
	if (!info->lasting && info->reach != TORTURE_REACH_NONE)
		torture_check_outcome(t, c);
}

static void torture_check_left(struct torture *t)
{
	unsigned int i;

	if (!xa_empty(&t->prepared))
		torture_problem(t, "reset_prepare without reset_done");
	for (i = 0; i < t->nr_funcs; i++) {
		struct torture_func *func = &t->funcs[i];
		struct pci_dev *pdev __free(pci_dev_put) = NULL;

		if (!func->f)
			continue;
		pdev = torture_dev(func);
		if (!pdev)
			continue;
		if (!device_trylock(&pdev->dev)) {
			torture_problem(t, "node %u: device lock is held", i);
			continue;
		}
		if (pci_cfg_access_trylock(pdev))
			pci_cfg_access_unlock(pdev);
		else
			torture_problem(t, "node %u: config access is blocked",
					i);
		device_unlock(&pdev->dev);
	}
}

static void torture_check_usage(struct torture *t)
{
	unsigned int i;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		struct torture_func *func = &t->funcs[i];
		int usage = func->f ? torture_usage(func) : -1;

		if (func->usage_added == func->added && func->usage >= 0 &&
		    usage >= 0 && usage != func->usage)
			torture_problem(t, "node %u: runtime PM usage counter is %d, was %d",
					i, usage, func->usage);
	}
}

/*
 * The end
 */

static bool torture_has(struct torture *t, enum torture_op op)
{
	unsigned int i;

	for (i = 0; i < t->plan->nr_steps; i++) {
		if (t->plan->steps[i].op == op)
			return true;
	}
	return false;
}

/*
 * 7.3.4 gives a bridge that was removed and is found again the next bus number
 * after those of its siblings, and none if that is in use
 */
static void torture_expect_no_bus(struct torture *t)
{
	unsigned int i;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		struct torture_func *func = &t->funcs[i];
		struct pci_dev *pdev __free(pci_dev_put) = torture_dev(func);

		if (func->added > 1 && pdev && pci_is_bridge(pdev) &&
		    !pdev->subordinate)
			sim_kunit_expect_dead(t->test, func->f);
	}
}

static void torture_bind_all(struct torture *t)
{
	unsigned int i;

	for (i = 0; i < t->nr_funcs; i++)
		torture_bind(t, &t->funcs[i], 0);
}

/*
 * What a user does to get all devices back.  Where recovery from an error has
 * failed, or the driver has not been told of it, the driver has to be bound
 * again.
 */
static void torture_faults_end(struct torture *t)
{
	struct torture_func *func;
	unsigned int i;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		func = &t->funcs[i];
		if (func->node->port.mrl)
			pci_sim_mrl(func->f, false);
		pci_sim_set_ready_ms(func->f, func->node->ep.ready_ms);
		pci_sim_set_flr_ms(func->f, func->node->ep.flr_ms);
	}
	msleep(TORTURE_QUIET_MS);

	if (torture_has(t, TORTURE_REMOVE))
		torture_rescan(t, NULL, 0);
	for (i = 0; i < t->plan->nr_nodes; i++) {
		func = &t->funcs[i];
		if (func->node->type != TORTURE_ENDPOINT &&
		    func->node->type != TORTURE_FUNCTION)
			torture_bind(t, func, 0);
	}
	msleep(TORTURE_QUIET_MS);

	for (i = 0; i < t->plan->nr_nodes; i++) {
		func = &t->funcs[i];
		if (func->node->port.hotplug && pci_sim_card(func->f))
			torture_slot_power(t, func, 1);
	}
	msleep(TORTURE_QUIET_MS);

	for (i = 0; i < t->nr_funcs; i++) {
		func = &t->funcs[i];
		if (func->node->mood == TORTURE_UNAWARE ||
		    pci_sim_counts(func->f).perm_failure)
			torture_unbind(t, func, 0);
	}
	torture_bind_all(t);
	msleep(TORTURE_QUIET_MS);
}

/*
 * Recovery fails for all on a Link if one driver gives up or is not aware, or
 * if one device must not be reset
 */
static bool torture_can_recover(struct torture *t, struct torture_func *func)
{
	DECLARE_BITMAP(reach, TORTURE_FUNCS) = {};
	unsigned int i;

	torture_reach_error(t, func, reach);
	for_each_set_bit(i, reach, TORTURE_FUNCS) {
		if (t->funcs[i].node->mood == TORTURE_UNAWARE ||
		    t->funcs[i].node->mood == TORTURE_GIVES_UP ||
		    torture_never(&t->funcs[i]) & BIT(PCI_SIM_RESET_HOT))
			return false;
	}
	return true;
}

/* All Functions can be reset, and recover from a fatal error */
static void torture_expect_works(struct torture *t)
{
	struct torture_func *func;
	unsigned int i, failures;
	int rc;

	for (i = 0; i < t->plan->nr_nodes; i++) {
		struct pci_dev *pdev __free(pci_dev_put) = NULL;

		func = &t->funcs[i];
		if (*t->problem)
			return;
		pdev = torture_dev(func);
		if (!pdev || !pci_sim_is_reachable(func->f))
			continue;

		rc = pci_reset_function(pdev);
		if (rc && rc != -ENOTTY)
			torture_problem(t, "node %u: reset in the end: %pe", i,
					ERR_PTR(rc));
		if (!torture_can_recover(t, func))
			continue;

		failures = pci_sim_counts(func->f).perm_failure;
		pci_sim_uncor_error(func->f, PCI_ERR_UNC_DLP);
		msleep(TORTURE_RECOVER_MS);
		if (pci_sim_counts(func->f).perm_failure != failures)
			torture_problem(t, "node %u: no recovery in the end",
					i);
	}
}

static void torture_check(struct torture *t)
{
	unsigned int i;

	torture_check_resets(t);
	for (i = 0; i < t->nr_calls; i++)
		torture_check_call(t, &t->calls[i]);
	torture_check_left(t);
	torture_check_usage(t);
}

/*
 * The timer wheel rounds up to multiples of up to a second.  Where time is
 * virtual, begin at the same point of its turn, so that a seed does the same
 * whatever was run before it.
 */
static void torture_align(void)
{
	u64 turn = jiffies_to_nsecs(TORTURE_TURN), now = ktime_get_ns();
	ktime_t begin = div64_u64(now + turn, turn) * turn;

	if (!IS_ENABLED(CONFIG_UML_TIME_TRAVEL_SUPPORT))
		return;

	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_hrtimeout(&begin, HRTIMER_MODE_ABS);
}

void torture_run(struct kunit *test, const struct torture_plan *plan, bool log)
{
	struct torture *t = kvzalloc_obj(*t);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	torture_defer(t, torture_free, t);
	t->plan = plan;
	t->log = log;
	if (log)
		torture_plan_print(test, plan);
	raw_spin_lock_init(&t->lock);
	torture_prepare_test(t);
	torture_align();
	t->sim = sim_kunit_alloc(test);
	torture_build(t);
	sim_kunit_start(test, t->sim);
	pci_sim_jitter(t->sim, plan->seed, plan->jitter);
	pci_sim_access_time(t->sim, plan->access_us);
	torture_moods(t);
	msleep(SIM_IDLE_MS);
	torture_note_usage(t);

	torture_threads(t);
	msleep(TORTURE_QUIET_MS);
	pci_sim_on_reset(t->sim, NULL, NULL);
	t->running = false;
	torture_faults_end(t);
	torture_check(t);
	torture_expect_works(t);
	torture_bind_all(t);
	torture_expect_no_bus(t);
	if (*t->problem)
		KUNIT_FAIL(test, "%s", t->problem);
}
