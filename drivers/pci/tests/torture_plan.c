// SPDX-License-Identifier: GPL-2.0
/*
 * Random plans for torture.c: a fabric, and what is done to it
 *
 * Most plans are small, because that finds most, and is understood most easily.
 */

#include <linux/bitmap.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/prandom.h>
#include <linux/sort.h>
#include <linux/time64.h>

#include "torture-kunit.h"

/* Depth of switches */
#define PLAN_LEVELS	4
/* Cards that are in no slot at the start */
#define PLAN_SPARE	3

struct plan {
	struct torture_plan *p;
	struct rnd_state rnd;
	unsigned int budget;
	bool intx;
	bool no_rrs_sv;
	u64 dsn;
};

/* 0 to @n - 1 */
static u32 plan_rnd(struct plan *g, u32 n)
{
	return mul_u64_u32_shr(prandom_u32_state(&g->rnd), n, 32);
}

static bool plan_chance(struct plan *g, u32 percent)
{
	return plan_rnd(g, 100) < percent;
}

/* Between 1 and 10^@digits, and any number of digits is as likely */
static u32 plan_log(struct plan *g, unsigned int digits)
{
	u32 n = 1;

	for (digits = plan_rnd(g, digits); digits; digits--)
		n *= 10;
	return n * (1 + plan_rnd(g, 10));
}

/*
 * Without a way to see that a Function is not ready yet, 7.3.4 takes it for
 * absent if it is not ready after the 100 ms that the specification demands.
 */
static u32 plan_ready_ms(struct plan *g, bool conventional)
{
	if (conventional || g->no_rrs_sv)
		return plan_rnd(g, 60);

	return plan_chance(g, 90) ? plan_rnd(g, 90) : plan_rnd(g, 3000);
}

static struct torture_node *plan_add(struct plan *g, enum torture_type type,
				     u8 parent)
{
	struct torture_node *node = &g->p->nodes[g->p->nr_nodes++];

	*node = (struct torture_node){ .type = type, .parent = parent };
	g->budget--;
	return node;
}

static u8 plan_last(const struct plan *g)
{
	return g->p->nr_nodes - 1;
}

static void plan_port(struct plan *g, struct torture_node *node)
{
	struct pci_sim_port_config *c = &node->port;

	c->intx = g->intx;
	c->hotplug = plan_chance(g, 60);
	if (c->hotplug) {
		c->power_ctrl = plan_chance(g, 50);
		c->button = plan_chance(g, 25);
		c->mrl = plan_chance(g, 15);
		c->no_cmd_compl = plan_chance(g, 10);
	}
	c->no_late_events = plan_chance(g, 20);
	c->dpc = plan_chance(g, 40);
	c->multi_msi = plan_chance(g, 25);
	c->no_acs = plan_chance(g, 20);
	/* pciehp in 7.3.4 takes a Link that sleeps for one that went down */
	c->link_sleeps = !c->hotplug && plan_chance(g, 10);
	c->speed = plan_rnd(g, 7);
	c->irq_us = plan_chance(g, 70) ? 0 : plan_log(g, 4);
	c->cmd_us = plan_chance(g, 70) ? 0 : plan_log(g, 5);
	c->no_rrs_sv = g->no_rrs_sv && node->type == TORTURE_ROOT_PORT;
	/* All Links are up when firmware passes the fabric on, after 200 ms */
	if (plan_chance(g, 30))
		c->train_ms = 1 + plan_rnd(g, node->type == TORTURE_ROOT_PORT ?
						100 : 20);
}

static void plan_ep(struct plan *g, struct torture_node *node,
		    bool conventional)
{
	struct pci_sim_ep_config *c = &node->ep;
	bool first = node->type == TORTURE_ENDPOINT;

	c->conventional = conventional;
	c->af_flr = plan_chance(g, 25);
	c->pm_reset = plan_chance(g, 50);
	c->no_pm = plan_chance(g, 10);
	c->ready_ms = plan_ready_ms(g, conventional);
	c->flr_ms = plan_ready_ms(g, conventional);
	c->d3_ms = plan_rnd(g, 20);
	c->imm_ready = !c->ready_ms && !c->flr_ms;
	c->ask_reset = plan_chance(g, 30);
	node->mood = plan_chance(g, 65) ? TORTURE_CALM :
					  plan_rnd(g, TORTURE_MOODS);
	if (conventional)
		return;

	c->flr = plan_chance(g, 60);
	c->rtr = plan_chance(g, 10);
	if (plan_chance(g, 70))
		c->dsn = ++g->dsn;
	if (first && plan_chance(g, 20)) {
		c->vfs = 1 + plan_rnd(g, 4);
		c->vf_ms = plan_chance(g, 80) ? 0 : plan_rnd(g, 500);
	}
}

static void plan_device(struct plan *g, u8 parent, bool conventional)
{
	unsigned int n = plan_chance(g, 70) ? 0 : 1 + plan_rnd(g, 7);
	u8 first;

	plan_ep(g, plan_add(g, TORTURE_ENDPOINT, parent), conventional);
	first = plan_last(g);
	while (n-- && g->budget)
		plan_ep(g, plan_add(g, TORTURE_FUNCTION, first), conventional);
}

static void plan_pci_bridge(struct plan *g, u8 parent)
{
	unsigned int n = 1 + plan_rnd(g, 3);
	u8 bridge;

	plan_add(g, TORTURE_PCI_BRIDGE, parent);
	bridge = plan_last(g);
	while (n-- && g->budget)
		plan_device(g, bridge, true);
}

static void plan_card(struct plan *g, u8 parent, unsigned int level);

static void plan_switch(struct plan *g, u8 parent, unsigned int level)
{
	unsigned int n = plan_chance(g, 80) ? 1 + plan_rnd(g, 3) :
					      1 + plan_rnd(g, 16);
	u8 up;

	plan_add(g, TORTURE_SWITCH, parent);
	up = plan_last(g);
	while (n-- && g->budget) {
		plan_port(g, plan_add(g, TORTURE_DOWN_PORT, up));
		plan_card(g, plan_last(g), level + 1);
	}
}

static void plan_card(struct plan *g, u8 parent, unsigned int level)
{
	u32 what = plan_rnd(g, 100);

	if (!g->budget)
		return;

	if (what < 35 && level < PLAN_LEVELS)
		plan_switch(g, parent, level);
	else if (what < 43)
		plan_pci_bridge(g, parent);
	else if (what < 92)
		plan_device(g, parent, false);
}

static void plan_fabric(struct plan *g)
{
	u32 size = plan_rnd(g, 100);
	unsigned int n;

	g->budget = size < 60 ? 2 + plan_rnd(g, 6) :
		    size < 92 ? 6 + plan_rnd(g, 14) : 20 + plan_rnd(g, 40);
	g->intx = plan_chance(g, 15);
	g->no_rrs_sv = plan_chance(g, 10);

	n = 1 + plan_rnd(g, 3);
	while (n-- && g->budget) {
		plan_port(g, plan_add(g, TORTURE_ROOT_PORT, TORTURE_NOWHERE));
		plan_card(g, plan_last(g), 0);
	}

	g->budget = PLAN_SPARE;
	n = plan_rnd(g, PLAN_SPARE);
	while (n-- && g->budget)
		plan_device(g, TORTURE_NOWHERE, false);
}

/* Some devices are such that the kernel's quirks know */
static void plan_quirks(struct plan *g)
{
	const struct torture_quirk *quirk;
	struct torture_node *node;

	for (node = g->p->nodes; node < g->p->nodes + g->p->nr_nodes; node++) {
		if ((node->type != TORTURE_ENDPOINT &&
		     node->type != TORTURE_FUNCTION) || plan_chance(g, 92))
			continue;

		quirk = &torture_quirks[plan_rnd(g, TORTURE_QUIRKS)];
		node->ep.vendor = quirk->vendor;
		node->ep.device = quirk->device;
	}
}

static enum torture_op plan_op(struct plan *g)
{
	unsigned int op, sum = 0, n;

	for (op = 0; op < TORTURE_OPS; op++)
		sum += torture_ops[op].weight;
	n = plan_rnd(g, sum);
	for (op = 0; n >= torture_ops[op].weight; op++)
		n -= torture_ops[op].weight;
	return op;
}

/* Most operations meet others, so there are few moments at which they begin */
static void plan_step(struct plan *g, const u32 *moments, unsigned int nr,
		      unsigned int threads)
{
	struct torture_plan *p = g->p;
	struct torture_step *step = &p->steps[p->nr_steps];
	const struct torture_op_info *op;
	unsigned int tries;

	step->op = plan_op(g);
	if (step->op == TORTURE_LATE && g->no_rrs_sv)
		return;
	op = &torture_ops[step->op];
	step->us = moments[plan_rnd(g, nr)] + plan_log(g, 6);
	step->thread = plan_rnd(g, threads);
	step->arg = op->nr_args ? op->args[plan_rnd(g, op->nr_args)] : 0;
	for (tries = 0; tries < 4 * TORTURE_NODES; tries++) {
		step->node = plan_rnd(g, p->nr_nodes);
		if (op->targets & BIT(p->nodes[step->node].type)) {
			p->nr_steps++;
			return;
		}
	}
}

static int plan_cmp(const void *a, const void *b)
{
	const struct torture_step *s = a, *t = b;

	return s->us < t->us ? -1 : s->us > t->us;
}

static void plan_steps(struct plan *g)
{
	u32 moments[4], size = plan_rnd(g, 100);
	unsigned int i, n, nr, threads;

	n = size < 60 ? 2 + plan_rnd(g, 4) :
	    size < 90 ? 4 + plan_rnd(g, 12) : 12 + plan_rnd(g, 30);
	nr = 1 + plan_rnd(g, min(n / 2, ARRAY_SIZE(moments)));
	threads = 1 + plan_rnd(g, TORTURE_THREADS);
	for (i = 0; i < nr; i++)
		moments[i] = i ? plan_rnd(g, 20 * USEC_PER_SEC) : 0;
	while (n--)
		plan_step(g, moments, nr, threads);

	sort(g->p->steps, g->p->nr_steps, sizeof(*g->p->steps), plan_cmp, NULL);
}

void torture_plan_make(struct torture_plan *plan, u64 seed)
{
	struct plan g = { .p = plan };

	memset(plan, 0, sizeof(*plan));
	plan->seed = seed;
	prandom_seed_state(&g.rnd, seed);
	plan->jitter = plan_chance(&g, 50) ? 0 : plan_rnd(&g, 50);
	plan_fabric(&g);
	plan_steps(&g);
	plan->access_us = plan_chance(&g, 50) ? 0 : plan_log(&g, 3);
	plan_quirks(&g);
}

/* Compact the steps whose bit is not set */
static void plan_drop_steps(struct torture_plan *p, const unsigned long *drop)
{
	unsigned int i, n = 0;

	for (i = 0; i < p->nr_steps; i++) {
		if (!test_bit(i, drop))
			p->steps[n++] = p->steps[i];
	}
	p->nr_steps = n;
}

/* The same for nodes, all that is below them, and what is done to them */
static void plan_drop_nodes(struct torture_plan *p, unsigned long *drop)
{
	DECLARE_BITMAP(steps, TORTURE_STEPS) = {};
	u8 to[TORTURE_NODES];
	unsigned int i, n = 0;

	for (i = 0; i < p->nr_nodes; i++) {
		struct torture_node *node = &p->nodes[i];

		if (node->parent != TORTURE_NOWHERE &&
		    test_bit(node->parent, drop))
			set_bit(i, drop);
		if (test_bit(i, drop))
			continue;

		if (node->parent != TORTURE_NOWHERE)
			node->parent = to[node->parent];
		to[i] = n;
		p->nodes[n++] = *node;
	}

	for (i = 0; i < p->nr_steps; i++) {
		if (test_bit(p->steps[i].node, drop))
			set_bit(i, steps);
		else
			p->steps[i].node = to[p->steps[i].node];
	}
	p->nr_nodes = n;
	plan_drop_steps(p, steps);
}

int torture_plan_drop(struct torture_plan *plan, const char *steps,
		      const char *nodes, unsigned int threads)
{
	DECLARE_BITMAP(drop_steps, TORTURE_STEPS);
	DECLARE_BITMAP(drop_nodes, TORTURE_NODES);
	unsigned int i;

	if (bitmap_parselist(steps, drop_steps, TORTURE_STEPS) ||
	    bitmap_parselist(nodes, drop_nodes, TORTURE_NODES))
		return -EINVAL;

	/* The numbers of both are those of the whole plan */
	plan_drop_steps(plan, drop_steps);
	plan_drop_nodes(plan, drop_nodes);
	for (i = 0; i < plan->nr_steps; i++)
		plan->steps[i].thread %= clamp(threads, 1, TORTURE_THREADS);
	return 0;
}

static const char *const plan_types[] = {
	[TORTURE_ROOT_PORT] = "TORTURE_ROOT_PORT",
	[TORTURE_SWITCH] = "TORTURE_SWITCH",
	[TORTURE_DOWN_PORT] = "TORTURE_DOWN_PORT",
	[TORTURE_PCI_BRIDGE] = "TORTURE_PCI_BRIDGE",
	[TORTURE_ENDPOINT] = "TORTURE_ENDPOINT",
	[TORTURE_FUNCTION] = "TORTURE_FUNCTION",
};

static const char *const plan_moods[TORTURE_MOODS] = {
	[TORTURE_UNBOUND] = "TORTURE_UNBOUND",
	[TORTURE_UNAWARE] = "TORTURE_UNAWARE",
	[TORTURE_SLEEPS] = "TORTURE_SLEEPS",
	[TORTURE_RESETS] = "TORTURE_RESETS",
	[TORTURE_FAILS] = "TORTURE_FAILS",
	[TORTURE_GIVES_UP] = "TORTURE_GIVES_UP",
};

/* Members of a structure, in as few lines as they need */
struct plan_line {
	struct kunit *test;
	size_t len;
	char text[64];
};

static void plan_line_end(struct plan_line *line)
{
	if (line->len)
		kunit_info(line->test, "\t\t\t%s\n", line->text + 1);
	line->len = 0;
}

static void plan_print_member(struct plan_line *line, const char *name, u64 val)
{
	char text[40];

	if (!val)
		return;

	if (line->len + snprintf(text, sizeof(text), " .%s = %llu,", name,
				 val) >= sizeof(line->text))
		plan_line_end(line);
	line->len += scnprintf(line->text + line->len,
			       sizeof(line->text) - line->len, "%s", text);
}

static void plan_print_port(struct kunit *test,
			    const struct pci_sim_port_config *c)
{
	struct plan_line line = { .test = test };

	kunit_info(test, "\t\t  .port = {\n");
	plan_print_member(&line, "hotplug", c->hotplug);
	plan_print_member(&line, "power_ctrl", c->power_ctrl);
	plan_print_member(&line, "button", c->button);
	plan_print_member(&line, "mrl", c->mrl);
	plan_print_member(&line, "no_cmd_compl", c->no_cmd_compl);
	plan_print_member(&line, "no_late_events", c->no_late_events);
	plan_print_member(&line, "dpc", c->dpc);
	plan_print_member(&line, "intx", c->intx);
	plan_print_member(&line, "multi_msi", c->multi_msi);
	plan_print_member(&line, "no_rrs_sv", c->no_rrs_sv);
	plan_print_member(&line, "no_acs", c->no_acs);
	plan_print_member(&line, "link_sleeps", c->link_sleeps);
	plan_print_member(&line, "speed", c->speed);
	plan_print_member(&line, "train_ms", c->train_ms);
	plan_print_member(&line, "cmd_us", c->cmd_us);
	plan_print_member(&line, "irq_us", c->irq_us);
	plan_line_end(&line);
	kunit_info(test, "\t\t  } },\n");
}

static void plan_print_ep(struct kunit *test, const struct pci_sim_ep_config *c)
{
	struct plan_line line = { .test = test };

	kunit_info(test, "\t\t  .ep = {\n");
	plan_print_member(&line, "vendor", c->vendor);
	plan_print_member(&line, "device", c->device);
	plan_print_member(&line, "conventional", c->conventional);
	plan_print_member(&line, "dsn", c->dsn);
	plan_print_member(&line, "flr", c->flr);
	plan_print_member(&line, "af_flr", c->af_flr);
	plan_print_member(&line, "pm_reset", c->pm_reset);
	plan_print_member(&line, "no_pm", c->no_pm);
	plan_print_member(&line, "imm_ready", c->imm_ready);
	plan_print_member(&line, "rtr", c->rtr);
	plan_print_member(&line, "ready_ms", c->ready_ms);
	plan_print_member(&line, "flr_ms", c->flr_ms);
	plan_print_member(&line, "d3_ms", c->d3_ms);
	plan_print_member(&line, "vfs", c->vfs);
	plan_print_member(&line, "vf_ms", c->vf_ms);
	plan_print_member(&line, "ask_reset", c->ask_reset);
	plan_line_end(&line);
	kunit_info(test, "\t\t  } },\n");
}

static bool plan_is_port(const struct torture_node *node)
{
	return node->type == TORTURE_ROOT_PORT ||
	       node->type == TORTURE_DOWN_PORT;
}

static bool plan_is_ep(const struct torture_node *node)
{
	return node->type == TORTURE_ENDPOINT || node->type == TORTURE_FUNCTION;
}

static void plan_print_node(struct kunit *test, const struct torture_node *node)
{
	char parent[20] = "TORTURE_NOWHERE";

	if (node->parent != TORTURE_NOWHERE)
		snprintf(parent, sizeof(parent), "%u", node->parent);
	kunit_info(test, "\t\t{ .type = %s, .parent = %s,%s\n",
		   plan_types[node->type], parent,
		   plan_is_port(node) || plan_is_ep(node) ? "" : " },");
	if (node->mood)
		kunit_info(test, "\t\t  .mood = %s,\n", plan_moods[node->mood]);
	if (plan_is_port(node))
		plan_print_port(test, &node->port);
	if (plan_is_ep(node))
		plan_print_ep(test, &node->ep);
}

void torture_plan_print(struct kunit *test, const struct torture_plan *plan)
{
	unsigned int i;

	kunit_info(test, "\t{\n");
	kunit_info(test, "\t  .seed = %llu, .jitter = %u, .access_us = %u,\n",
		   plan->seed, plan->jitter, plan->access_us);
	kunit_info(test, "\t  .nr_nodes = %u, .nodes = {\n", plan->nr_nodes);
	for (i = 0; i < plan->nr_nodes; i++)
		plan_print_node(test, &plan->nodes[i]);
	kunit_info(test, "\t  },\n");
	kunit_info(test, "\t  .nr_steps = %u, .steps = {\n", plan->nr_steps);
	for (i = 0; i < plan->nr_steps; i++) {
		const struct torture_step *s = &plan->steps[i];

		kunit_info(test, "\t\t{ .us = %u, .thread = %u, .op = %s,\n",
			   s->us, s->thread, torture_ops[s->op].name);
		kunit_info(test, "\t\t  .node = %u, .arg = %u },\n", s->node,
			   s->arg);
	}
	kunit_info(test, "\t  } },\n");
}
