// SPDX-License-Identifier: GPL-2.0
/*
 * Events in the simulated time of a fabric, and callbacks of a test
 *
 * All events of a fabric are in one queue, served by one hrtimer.  So their
 * order depends on nothing but their times, and removing an event from the
 * queue is enough to cancel it.
 *
 * Events run in hard interrupt context with &pci_sim.lock held.  They only mark
 * interrupts as due; the timer delivers these when all events that have
 * expired are done.  &pci_sim.lock is dropped for that, because interrupt
 * handlers access config space.  For the same reason a config access does not
 * deliver an interrupt itself, but queues an event.
 */

#include <linux/slab.h>

#include "sim.h"

/**
 * struct sim_action - a callback queued by pci_sim_at()
 * @event: event that calls it
 * @node: entry in &pci_sim.actions
 * @func: first argument of @fn
 * @fn: callback, called without &pci_sim.lock
 * @data: second argument of @fn
 * @done: @fn has returned, and the action can be freed
 *
 * &pci_sim.lock protects @event, @node and @done.
 */
struct sim_action {
	struct sim_event event;
	struct list_head node;
	struct pci_sim_func *func;
	pci_sim_action_t fn;
	void *data;
	bool done;
};

/* The action is not freed before done is set, so it may be used unlocked */
static void sim_run_action(struct sim_event *ev)
{
	struct sim_action *action = container_of(ev, struct sim_action, event);
	struct pci_sim *sim = action->func->sim;

	raw_spin_unlock(&sim->lock);
	action->fn(action->func, action->data);
	raw_spin_lock(&sim->lock);
	action->done = true;
}

/*
 * Actions run in hard interrupt context, where memory cannot be freed on
 * PREEMPT_RT: pci_sim_at() frees those that are done, and sim_actions_free()
 * the rest.
 */
static void sim_take_done(struct pci_sim *sim, struct list_head *done)
{
	struct sim_action *action, *next;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry_safe(action, next, &sim->actions, node) {
		if (action->done)
			list_move(&action->node, done);
	}
}

static void sim_free_actions(struct list_head *actions)
{
	struct sim_action *action, *next;

	list_for_each_entry_safe(action, next, actions, node)
		kfree(action);
}

/* Start the timer for the first event in the queue */
static void sim_rearm(struct pci_sim *sim)
{
	struct timerqueue_node *next = timerqueue_getnext(&sim->queue);

	if (next)
		hrtimer_start(&sim->timer, next->expires,
			      HRTIMER_MODE_ABS_HARD);
}

static void sim_run_events(struct pci_sim *sim)
{
	struct timerqueue_node *node;
	struct sim_event *ev;

	while ((node = timerqueue_getnext(&sim->queue))) {
		if (ktime_after(node->expires, ktime_get()))
			break;
		timerqueue_del(&sim->queue, node);
		ev = container_of(node, struct sim_event, node);
		ev->fn(ev);
	}
}

static enum hrtimer_restart sim_timer(struct hrtimer *timer)
{
	struct pci_sim *sim = container_of(timer, struct pci_sim, timer);

	guard(raw_spinlock_irqsave)(&sim->lock);
	if (!sim->stopped)
		sim_run_events(sim);
	/* Drops and retakes the lock; events may be queued meanwhile */
	sim->deliver(sim);
	if (!sim->stopped)
		sim_rearm(sim);

	return HRTIMER_NORESTART;
}

/**
 * sim_event_init - initialize an event
 * @ev: event
 * @fn: callback, called in hard interrupt context with &pci_sim.lock held
 *
 * Context: Any.
 */
void sim_event_init(struct sim_event *ev, void (*fn)(struct sim_event *ev))
{
	timerqueue_init(&ev->node);
	ev->fn = fn;
}

/**
 * sim_event_cancel - remove an event from the queue
 * @sim: fabric
 * @ev: event, queued or not
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_event_cancel(struct pci_sim *sim, struct sim_event *ev)
{
	lockdep_assert_held(&sim->lock);
	if (timerqueue_node_queued(&ev->node))
		timerqueue_del(&sim->queue, &ev->node);
}

/**
 * sim_event_queue - queue an event
 * @sim: fabric
 * @ev: event; if it is queued already, it is moved to the new time
 * @delay_us: delay in microseconds; beyond the range of ktime_t, the event
 *	      never happens
 *
 * Does nothing after sim_events_stop().
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_event_queue(struct pci_sim *sim, struct sim_event *ev, u64 delay_us)
{
	ktime_t delay = KTIME_MAX;

	lockdep_assert_held(&sim->lock);
	if (sim->stopped)
		return;

	sim_event_cancel(sim, ev);
	if (delay_us < KTIME_MAX / NSEC_PER_USEC)
		delay = us_to_ktime(delay_us);
	ev->node.expires = ktime_add_safe(ktime_get(), delay);
	if (timerqueue_add(&sim->queue, &ev->node))
		sim_rearm(sim);
}

/**
 * sim_jitter_ms - apply the configured jitter to a time
 * @sim: fabric
 * @ms: time in milliseconds
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 * Return: the time in microseconds, longer than @ms by a random part of
 * &pci_sim.jitter percent of it.
 */
u64 sim_jitter_ms(struct pci_sim *sim, u32 ms)
{
	u64 us = (u64)ms * USEC_PER_MSEC;

	lockdep_assert_held(&sim->lock);
	if (!sim->jitter)
		return us;

	return us + div_u64(mul_u64_u32_shr(us, prandom_u32_state(&sim->rnd),
					    32) * sim->jitter, 100);
}

/**
 * sim_events_init - set up the event queue of a new fabric
 * @sim: fabric
 * @deliver: delivers the interrupts that are due; called in hard interrupt
 *	     context with &pci_sim.lock held, which it drops and retakes
 *
 * Context: Any.
 */
void sim_events_init(struct pci_sim *sim, void (*deliver)(struct pci_sim *sim))
{
	sim->deliver = deliver;
	timerqueue_init_head(&sim->queue);
	hrtimer_setup(&sim->timer, sim_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
}

/**
 * sim_events_stop - stop the events of a fabric
 * @sim: fabric
 *
 * On return no event is running, and none will run any more.  Events remain in
 * the queue.
 *
 * Context: May sleep.  The caller does not hold &pci_sim.lock.
 */
void sim_events_stop(struct pci_sim *sim)
{
	scoped_guard(raw_spinlock_irqsave, &sim->lock)
		sim->stopped = true;
	hrtimer_cancel(&sim->timer);
}

/**
 * sim_actions_cancel - cancel all actions queued by pci_sim_at()
 * @sim: fabric
 *
 * Does not wait for an action that is running.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_actions_cancel(struct pci_sim *sim)
{
	struct sim_action *action;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry(action, &sim->actions, node)
		sim_event_cancel(sim, &action->event);
}

/**
 * sim_actions_free - free all actions queued by pci_sim_at()
 * @sim: fabric, after sim_events_stop()
 *
 * Context: May sleep.
 */
void sim_actions_free(struct pci_sim *sim)
{
	sim_free_actions(&sim->actions);
}

/**
 * pci_sim_at - call a function after a delay
 * @f: Function, passed to @fn
 * @delay_us: delay in microseconds; 0 is as soon as interrupts are enabled, and
 *	      a delay beyond the range of ktime_t never ends
 * @fn: function to call
 * @data: argument of @fn
 *
 * @fn is called once, in hard interrupt context, and may use every function of
 * linux/pci-sim.h whose context is "Any".  It is not called after
 * pci_sim_destroy().
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int pci_sim_at(struct pci_sim_func *f, u64 delay_us, pci_sim_action_t fn,
	       void *data)
{
	struct pci_sim *sim = f->sim;
	struct sim_action *action;
	LIST_HEAD(done);

	action = kzalloc_obj(*action);
	if (!action)
		return -ENOMEM;

	sim_event_init(&action->event, sim_run_action);
	action->func = f;
	action->fn = fn;
	action->data = data;

	scoped_guard(raw_spinlock_irqsave, &sim->lock) {
		sim_take_done(sim, &done);
		list_add_tail(&action->node, &sim->actions);
		sim_event_queue(sim, &action->event, delay_us);
	}
	sim_free_actions(&done);
	return 0;
}
EXPORT_SYMBOL_GPL(pci_sim_at);

static void sim_set_hook(struct pci_sim_func *f, struct sim_hook *hook,
			 int where, pci_sim_action_t fn, void *data)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	hook->where = where & ~3;
	hook->data = data;
	hook->fn = fn;
}

/**
 * pci_sim_on_read - call a function on the next read of a register
 * @f: Function that has the register
 * @where: offset in config space; any read of the dword at this offset counts
 * @fn: function to call, or NULL to cancel
 * @data: argument of @fn
 *
 * @fn is called once, after a read that @f has completed successfully, in the
 * context of the read.  It may call pci_sim_on_read() again.  A Function has
 * one such callback; a new one replaces it.
 *
 * Context: Any.
 */
void pci_sim_on_read(struct pci_sim_func *f, int where, pci_sim_action_t fn,
		     void *data)
{
	sim_set_hook(f, &f->on_read, where, fn, data);
}
EXPORT_SYMBOL_GPL(pci_sim_on_read);

/**
 * pci_sim_on_write - call a function on the next write of a register
 * @f: Function that has the register
 * @where: offset in config space; any write to the dword at this offset counts
 * @fn: function to call, or NULL to cancel
 * @data: argument of @fn
 *
 * @fn is called once, after a write that @f has completed successfully and its
 * side effects, in the context of the write.  It may call pci_sim_on_write()
 * again.  A Function has one such callback; a new one replaces it.
 *
 * Context: Any.
 */
void pci_sim_on_write(struct pci_sim_func *f, int where, pci_sim_action_t fn,
		      void *data)
{
	sim_set_hook(f, &f->on_write, where, fn, data);
}
EXPORT_SYMBOL_GPL(pci_sim_on_write);
