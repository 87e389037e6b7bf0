// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a simulated fabric in time
 *
 * All events of a fabric are in one queue behind one timer, so their order
 * depends on their times alone, and to cancel an event is to take it out of
 * the queue.  Events run in hard interrupt context with the fabric's lock
 * held.  The interrupts that they cause are delivered after the lock has been
 * dropped: handlers read config space, and a config access never delivers an
 * interrupt itself.
 */

#include <linux/slab.h>

#include "sim.h"

/* An action of the test, which runs without the fabric's lock */
struct sim_action {
	struct sim_event event;
	struct list_head node;
	struct pci_sim_func *func;
	pci_sim_action_t fn;
	void *data;
	bool done;
};

static void sim_run_action(struct sim_event *ev)
{
	struct sim_action *action = container_of(ev, struct sim_action, event);
	struct pci_sim *sim = action->func->sim;

	raw_spin_unlock(&sim->lock);
	action->fn(action->func, action->data);
	raw_spin_lock(&sim->lock);
	action->done = true;
}

/* Memory cannot be freed where actions run, so the next one pays for them */
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
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	if (!sim->stopped)
		sim_run_events(sim);
	sim->deliver(sim);
	if (!sim->stopped)
		sim_rearm(sim);
	raw_spin_unlock_irqrestore(&sim->lock, flags);

	return HRTIMER_NORESTART;
}

/**
 * sim_event_init - prepare an event
 * @ev: event
 * @fn: what happens, called with the fabric's lock held
 */
void sim_event_init(struct sim_event *ev, void (*fn)(struct sim_event *ev))
{
	timerqueue_init(&ev->node);
	ev->fn = fn;
}

/**
 * sim_event_cancel - take an event out of the queue
 * @sim: fabric, locked
 * @ev: event, queued or not
 */
void sim_event_cancel(struct pci_sim *sim, struct sim_event *ev)
{
	lockdep_assert_held(&sim->lock);
	if (timerqueue_node_queued(&ev->node))
		timerqueue_del(&sim->queue, &ev->node);
}

/**
 * sim_event_queue - let an event happen
 * @sim: fabric, locked
 * @ev: event; if it is queued, it is moved
 * @delay_us: time from now
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
 * sim_jitter_ms - how long something takes this time
 * @sim: fabric, locked
 * @ms: how long it takes at least
 *
 * Return: the time in microseconds, longer than @ms by up to the configured
 * percentage.
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
 * sim_events_init - set up the queue of a new fabric
 * @sim: fabric
 * @deliver: delivers the interrupts that events have caused; called in hard
 *	     interrupt context with the fabric's lock held, which it drops while
 *	     handlers run
 */
void sim_events_init(struct pci_sim *sim, void (*deliver)(struct pci_sim *sim))
{
	sim->deliver = deliver;
	timerqueue_init_head(&sim->queue);
	hrtimer_setup(&sim->timer, sim_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_HARD);
}

/**
 * sim_events_stop - stop the time of a fabric
 * @sim: fabric, not locked
 *
 * Context: May sleep.  Waits for events that are running.
 */
void sim_events_stop(struct pci_sim *sim)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	sim->stopped = true;
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	hrtimer_cancel(&sim->timer);
}

/**
 * sim_actions_cancel - what the test wants to happen does not happen any more
 * @sim: fabric, locked
 */
void sim_actions_cancel(struct pci_sim *sim)
{
	struct sim_action *action;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry(action, &sim->actions, node)
		sim_event_cancel(sim, &action->event);
}

/**
 * sim_actions_free - forget the actions of the test
 * @sim: fabric, stopped
 */
void sim_actions_free(struct pci_sim *sim)
{
	sim_free_actions(&sim->actions);
}

/**
 * pci_sim_at - let something happen at a time to come
 * @f: Function that it happens to
 * @delay_us: time from now; 0 is as soon as interrupts are enabled, and what
 *	      is beyond the end of time never happens
 * @fn: what happens
 * @data: argument of @fn
 *
 * @fn is called in hard interrupt context and may use every function of
 * linux/pci-sim.h that can be called from any context.
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int pci_sim_at(struct pci_sim_func *f, u64 delay_us, pci_sim_action_t fn,
	       void *data)
{
	struct pci_sim *sim = f->sim;
	struct sim_action *action;
	unsigned long flags;
	LIST_HEAD(done);

	action = kzalloc_obj(*action);
	if (!action)
		return -ENOMEM;

	sim_event_init(&action->event, sim_run_action);
	action->func = f;
	action->fn = fn;
	action->data = data;

	raw_spin_lock_irqsave(&sim->lock, flags);
	sim_take_done(sim, &done);
	list_add_tail(&action->node, &sim->actions);
	sim_event_queue(sim, &action->event, delay_us);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	sim_free_actions(&done);
	return 0;
}
EXPORT_SYMBOL_GPL(pci_sim_at);

static void sim_set_hook(struct pci_sim_func *f, struct sim_hook *hook,
			 int where, pci_sim_action_t fn, void *data)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&f->sim->lock, flags);
	hook->where = where & ~3;
	hook->data = data;
	hook->fn = fn;
	raw_spin_unlock_irqrestore(&f->sim->lock, flags);
}

/**
 * pci_sim_on_read - let something happen on the next read of a register
 * @f: Function whose register it is
 * @where: offset in config space; the dword that it is in counts
 * @fn: what happens, or NULL to forget the last call
 * @data: argument of @fn
 *
 * @fn is called once, after a read that reached @f, in the context of the
 * read.  It may call pci_sim_on_read() again.
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
 * pci_sim_on_write - let something happen on the next write of a register
 * @f: Function whose register it is
 * @where: offset in config space; the dword that it is in counts
 * @fn: what happens, or NULL to forget the last call
 * @data: argument of @fn
 *
 * @fn is called once, after a write that reached @f and has had its effect,
 * in the context of the write.  It may call pci_sim_on_write() again.
 *
 * Context: Any.
 */
void pci_sim_on_write(struct pci_sim_func *f, int where, pci_sim_action_t fn,
		      void *data)
{
	sim_set_hook(f, &f->on_write, where, fn, data);
}
EXPORT_SYMBOL_GPL(pci_sim_on_write);
