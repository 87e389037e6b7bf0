// SPDX-License-Identifier: GPL-2.0
/*
 * Errors below a hotplug slot on a simulated fabric: AER, DPC and pciehp are
 * told about the same event by interrupts of their own, which may arrive in
 * any order and far apart
 *
 * - One error is one recovery: each driver hears of it once, nothing is
 *   removed or added, and what is behind the port is as it was before.
 * - If the recovery fails, what is in the slot is removed once.  If something
 *   else is in the slot by then, that is added.
 * - An error that comes with a card that is pulled, an expected side effect
 *   (PCIe r6.0, sec 6.7.6), makes no difference to its removal.
 * - Afterwards the port works as before: the next error is recovered from, and
 *   the next card that is pulled is noticed.
 *
 * What has to come out follows from these rules alone.
 */

#include <linux/pci.h>

#include "sim-kunit.h"

#define ORDER_MAX_EPS	2
/* Root Port, Upstream Port, the slots */
#define ORDER_MAX_PORTS	(2 + ORDER_MAX_EPS)

/* For a device that needs 6 s, even if found by a wait that doubles each time */
#define ORDER_RECOVERY_MS	30000
/* The core gives up on a device after 60 s */
#define ORDER_GIVE_UP_MS	120000
/* How long a Link is down that drops together with the error */
#define ORDER_FLAP_MS	100
/* What a device needs in whose recovery something else happens */
#define ORDER_BUSY_MS	200

/**
 * struct order_fabric - where the slot is, and what is in it
 * @name: for the log
 * @below_switch: its port is a Downstream Port, below a Root Port that has no
 *		  slot; AER interrupts are from the Root Port
 * @nested: in it is a switch with two hotplug Downstream Ports and an Endpoint
 *	    below each
 * @functions: of the Endpoint
 */
struct order_fabric {
	const char *name;
	bool below_switch;
	bool nested;
	u8 functions;
};

static const struct order_fabric order_fabrics[] = {
	{ .name = "Root Port", .functions = 1 },
	{ .name = "Root Port, 2 Functions", .functions = 2 },
	{ .name = "Downstream Port", .below_switch = true, .functions = 1 },
	{ .name = "nested slots", .nested = true, .functions = 1 },
};

/**
 * struct order_irq - how ports interrupt
 * @name: for the log
 * @intx: by INTx
 * @multi_msi: by one MSI for each purpose, so that the interrupts of a port can
 *	       be told apart
 */
struct order_irq {
	const char *name;
	bool intx;
	bool multi_msi;
};

static const struct order_irq order_irqs[] = {
	{ .name = "MSI each", .multi_msi = true },
	{ .name = "MSI" },
	{ .name = "INTx", .intx = true },
};

/**
 * struct order_error - what happens
 * @name: for the log
 * @status: what is detected, PCI_ERR_UNC_*, or 0 to trigger DPC
 * @below: by what is below the port, not by the port itself
 * @dpc: the port has DPC, and contains it
 * @ask_reset: it is not fatal, but the driver wants a reset
 */
struct order_error {
	const char *name;
	u32 status;
	bool below;
	bool dpc;
	bool ask_reset;
};

static const struct order_error order_errors[] = {
	{ .name = "ERR_FATAL", .status = PCI_ERR_UNC_MALF_TLP, .below = true },
	{ .name = "fatal error of port", .status = PCI_ERR_UNC_DLP },
	{ .name = "ERR_NONFATAL", .status = PCI_ERR_UNC_COMP_TIME,
	  .below = true, .ask_reset = true },
	{ .name = "ERR_FATAL contained", .status = PCI_ERR_UNC_MALF_TLP,
	  .below = true, .dpc = true },
	{ .name = "fatal error of port contained", .status = PCI_ERR_UNC_DLP,
	  .dpc = true },
	{ .name = "DPC trigger", .dpc = true },
};

/**
 * struct order_sequence - which interrupt is late
 * @name: for the log
 * @error: that of AER and DPC
 * @slot: that of the slot
 * @nested: those of the slots further down
 * @needs_nested: does not differ from another order without nested slots
 */
struct order_sequence {
	const char *name;
	bool error;
	bool slot;
	bool nested;
	bool needs_nested;
};

static const struct order_sequence order_sequences[] = {
	{ .name = "at once" },
	{ .name = "error first", .slot = true, .nested = true },
	{ .name = "slot first", .error = true },
	{ .name = "nested slots last", .nested = true, .needs_nested = true },
	{ .name = "nested slots first", .error = true, .slot = true,
	  .needs_nested = true },
};

/* By how much it is late */
static const u32 order_gaps_ms[] = { 0, 1, 10, 60, 200 };

/* What the device needs to become ready: pci_dpc_recovered() waits for 4 s */
static const u32 order_ready_ms[] = { 20, 1500, 6000 };

/**
 * struct order_case - a combination of these
 * @fabric: fabric
 * @irq: how its ports interrupt
 * @error: what happens
 * @order: which interrupt is late
 * @gap_ms: by how much
 * @ready_ms: what the devices need to become ready
 * @flap: the Link goes down by itself with the error
 * @data: what else happens, of the test
 */
struct order_case {
	const struct order_fabric *fabric;
	const struct order_irq *irq;
	const struct order_error *error;
	const struct order_sequence *order;
	u32 gap_ms;
	u32 ready_ms;
	bool flap;
	const void *data;
};

/**
 * struct order_ctx - a fabric that was started
 * @sim: fabric
 * @root: Root Port
 * @port: the one with the slot where it happens
 * @card: Function 0 of what is in the slot
 * @slots: the slots with Endpoints in them
 * @cards: Function 0 of those
 * @nr_slots: how many there are
 * @ep: all Functions of all Endpoints
 * @pdev: their devices
 * @before: their config space
 * @nr: how many there are
 */
struct order_ctx {
	struct pci_sim *sim;
	struct pci_sim_func *root;
	struct pci_sim_func *port;
	struct pci_sim_func *card;
	struct pci_sim_func *slots[ORDER_MAX_EPS];
	struct pci_sim_func *cards[ORDER_MAX_EPS];
	unsigned int nr_slots;
	struct pci_sim_func *ep[ORDER_MAX_EPS];
	struct pci_dev *pdev[ORDER_MAX_EPS];
	struct sim_config before[ORDER_MAX_EPS];
	unsigned int nr;
};

static void order_add_endpoint(struct order_ctx *ctx,
			       const struct order_case *c,
			       struct pci_sim_func *port)
{
	const struct pci_sim_ep_config config = {
		.dsn = 0x1000 + ctx->nr_slots,
		.ask_reset = c->error->ask_reset,
	};
	struct pci_sim_func *f0;
	unsigned int i;

	f0 = pci_sim_add_endpoint(ctx->sim, port, &config);
	ctx->ep[ctx->nr++] = f0;
	for (i = 1; i < c->fabric->functions; i++)
		ctx->ep[ctx->nr++] = pci_sim_add_function(f0, &config);
	ctx->slots[ctx->nr_slots] = port;
	ctx->cards[ctx->nr_slots++] = f0;
}

/*
 * Device 0 of a switch has the INTA of the Root Port.  Two ports that share an
 * interrupt are notified together, so the slots come after a port without one.
 */
static struct pci_sim_func *
order_add_switch(struct order_ctx *ctx, struct pci_sim_func *port,
		 const struct pci_sim_port_config *plain)
{
	struct pci_sim_func *up = pci_sim_add_switch(ctx->sim, port);

	pci_sim_add_downstream_port(up, plain);
	return up;
}

static void order_build(struct order_ctx *ctx, const struct order_case *c)
{
	const struct pci_sim_port_config slot = {
		.hotplug = true,
		.dpc = c->error->dpc,
		.intx = c->irq->intx,
		.multi_msi = c->irq->multi_msi,
	};
	const struct pci_sim_port_config plain = {
		.intx = c->irq->intx,
		.multi_msi = c->irq->multi_msi,
	};
	unsigned int i;

	if (c->fabric->below_switch) {
		ctx->root = pci_sim_add_root_port(ctx->sim, &plain);
		ctx->card = order_add_switch(ctx, ctx->root, &plain);
		ctx->port = pci_sim_add_downstream_port(ctx->card, &slot);
	} else {
		ctx->root = pci_sim_add_root_port(ctx->sim, &slot);
		ctx->port = ctx->root;
	}

	if (c->fabric->nested) {
		ctx->card = order_add_switch(ctx, ctx->port, &plain);
		for (i = 0; i < ORDER_MAX_EPS; i++)
			order_add_endpoint(ctx, c,
					   pci_sim_add_downstream_port(ctx->card,
								       &slot));
	} else {
		order_add_endpoint(ctx, c, ctx->port);
		ctx->card = ctx->ep[0];
	}
}

static void order_delay(struct pci_sim_func *port, bool error, bool slot,
			u32 gap_ms)
{
	u32 us = 1 + gap_ms * USEC_PER_MSEC;

	if (error) {
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_AER, us);
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_DPC, us);
	}
	if (slot)
		pci_sim_set_one_irq_us(port, PCI_SIM_IRQ_SLOT, us);
}

/*
 * If a test has failed, there may be a card that pciehp could not add.  It
 * tries again when its port resumes to be removed, which may deadlock.
 */
static void order_empty(void *data)
{
	struct order_ctx *ctx = data;
	unsigned int i;

	for (i = 0; i < ctx->nr_slots; i++)
		pci_sim_unplug(ctx->slots[i]);
	msleep(ORDER_RECOVERY_MS);
	pci_sim_unplug(ctx->port);
	msleep(ORDER_RECOVERY_MS);
}

static struct order_ctx *order_start(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct order_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->sim = sim_kunit_alloc(test);
	order_build(ctx, c);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, order_empty, ctx));
	sim_kunit_start(test, ctx->sim);

	for (i = 0; i < ctx->nr; i++) {
		ctx->pdev[i] = sim_kunit_dev(test, ctx->ep[i]);
		sim_kunit_mark(test, ctx->ep[i]);
		sim_kunit_config_get(&ctx->before[i], ctx->pdev[i]);
		pci_sim_set_ready_ms(ctx->ep[i], c->ready_ms);
	}

	order_delay(ctx->root, c->order->error, false, c->gap_ms);
	order_delay(ctx->port, c->order->error, c->order->slot, c->gap_ms);
	for (i = 0; c->fabric->nested && i < ctx->nr_slots; i++)
		order_delay(ctx->slots[i], false, c->order->nested, c->gap_ms);
	return ctx;
}

static void order_happens(struct kunit *test, struct order_ctx *ctx)
{
	const struct order_case *c = test->param_value;
	const struct order_error *e = c->error;

	if (e->status)
		pci_sim_uncor_error(e->below ? ctx->card : ctx->port,
				    e->status);
	else
		KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(ctx->port));
	if (c->flap)
		pci_sim_link_flap(ctx->port, ORDER_FLAP_MS);
}

/* Each driver was told of @n errors, and was neither removed nor added */
static void order_expect_recoveries(struct kunit *test, struct order_ctx *ctx,
				    unsigned int n)
{
	unsigned int i;

	for (i = 0; i < ctx->nr; i++) {
		struct pci_sim_counts is = pci_sim_counts(ctx->ep[i]);

		KUNIT_EXPECT_EQ_MSG(test, 1, is.probe, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.remove, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, n, is.error_detected,
				    "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.perm_failure, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.mmio_enabled, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, n, is.slot_reset, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, n, is.resume, "Endpoint %u", i);
		sim_kunit_config_expect(test, &ctx->before[i], ctx->pdev[i]);
	}
}

/* One error, one reset, one recovery */
static void order_recovered_once(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct order_ctx *ctx = order_start(test);
	unsigned int i, resets;

	order_happens(test, ctx);
	msleep(ORDER_RECOVERY_MS);
	order_expect_recoveries(test, ctx, 1);
	for (i = 0; i < ctx->nr; i++) {
		resets = pci_sim_resets_all(ctx->ep[i]);
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    pci_sim_peek(ctx->ep[i], SIM_SCRATCH),
				    "Endpoint %u", i);
		/* A Link that goes down resets what is below it once more */
		KUNIT_EXPECT_GE_MSG(test, resets, 1, "Endpoint %u", i);
		KUNIT_EXPECT_LE_MSG(test, resets, 1 + c->flap,
				    "Endpoint %u", i);
	}
}

/* The next error is recovered from as well */
static void order_recovered_again(struct kunit *test)
{
	struct order_ctx *ctx = order_start(test);
	unsigned int n;

	for (n = 1; n <= 3; n++) {
		order_happens(test, ctx);
		msleep(ORDER_RECOVERY_MS);
		order_expect_recoveries(test, ctx, n);
	}
}

/* What the kernel has set up in ports, and a reset takes away */
static const struct {
	const char *name;
	u16 where;
	u32 mask;
	bool pcie;
} order_port_regs[] = {
	{ .name = "Command", .where = PCI_COMMAND, .mask = 0xffff },
	{ .name = "bus numbers", .where = PCI_PRIMARY_BUS, .mask = 0xffffff },
	{ .name = "memory window", .where = PCI_MEMORY_BASE, .mask = ~0U },
	{ .name = "Bridge Control", .where = PCI_INTERRUPT_LINE,
	  .mask = 0xffff0000 },
	{ .name = "Device Control", .where = PCI_EXP_DEVCTL, .mask = 0xffff,
	  .pcie = true },
	{ .name = "Slot Control", .where = PCI_EXP_SLTCTL, .mask = 0xffff,
	  .pcie = true },
};

struct order_port_state {
	struct pci_sim_func *f;
	u16 pcie_cap;
	u32 regs[ARRAY_SIZE(order_port_regs)];
};

static u32 order_peek(const struct order_port_state *s, unsigned int i)
{
	u16 base = order_port_regs[i].pcie ? s->pcie_cap : 0;

	return pci_sim_peek(s->f, base + order_port_regs[i].where) &
	       order_port_regs[i].mask;
}

static void order_save_port(struct kunit *test, struct order_port_state *s,
			    struct pci_sim_func *f)
{
	unsigned int i;

	s->f = f;
	s->pcie_cap = pci_pcie_cap(sim_kunit_dev(test, f));
	for (i = 0; i < ARRAY_SIZE(order_port_regs); i++)
		s->regs[i] = order_peek(s, i);
}

/*
 * Ports below the reset have their config space back as well, or what is below
 * them can neither interrupt nor access memory
 */
static void order_ports_are_restored(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct order_port_state state[ORDER_MAX_PORTS];
	struct order_ctx *ctx = order_start(test);
	unsigned int i, j, n = 0;

	order_save_port(test, &state[n++], ctx->root);
	if (c->fabric->nested) {
		order_save_port(test, &state[n++], ctx->card);
		for (i = 0; i < ctx->nr_slots; i++)
			order_save_port(test, &state[n++], ctx->slots[i]);
	} else if (ctx->port != ctx->root) {
		order_save_port(test, &state[n++], ctx->port);
	}

	order_happens(test, ctx);
	msleep(ORDER_RECOVERY_MS);
	for (i = 0; i < n; i++) {
		for (j = 0; j < ARRAY_SIZE(order_port_regs); j++)
			KUNIT_EXPECT_EQ_MSG(test, state[i].regs[j],
					    order_peek(&state[i], j),
					    "port %u: %s", i,
					    order_port_regs[j].name);
	}
}

/* A removal after the recovery is not ignored */
static void order_pulled_after_recovery(struct kunit *test)
{
	struct order_ctx *ctx = order_start(test);
	unsigned int i;

	order_happens(test, ctx);
	msleep(ORDER_RECOVERY_MS);
	for (i = 0; i < ctx->nr_slots; i++)
		pci_sim_unplug(ctx->slots[i]);
	msleep(ORDER_RECOVERY_MS);
	for (i = 0; i < ctx->nr; i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, 1);

	for (i = 0; i < ctx->nr_slots; i++)
		KUNIT_EXPECT_EQ(test, 0,
				pci_sim_plug(ctx->slots[i], ctx->cards[i]));
	msleep(ORDER_RECOVERY_MS);
	for (i = 0; i < ctx->nr; i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 2, 1);
}

/* --- more than one error ------------------------------------------------- */

/**
 * struct order_three - in which order the three interrupts come
 * @name: for the log
 * @aer: how many gaps it takes until that of AER
 * @dpc: until that of DPC
 * @slot: until that of the slot
 */
struct order_three {
	const char *name;
	u8 aer;
	u8 dpc;
	u8 slot;
};

static const struct order_three order_threes[] = {
	{ .name = "AER, DPC, slot", .aer = 0, .dpc = 1, .slot = 2 },
	{ .name = "AER, slot, DPC", .aer = 0, .dpc = 2, .slot = 1 },
	{ .name = "DPC, AER, slot", .aer = 1, .dpc = 0, .slot = 2 },
	{ .name = "DPC, slot, AER", .aer = 2, .dpc = 0, .slot = 1 },
	{ .name = "slot, AER, DPC", .aer = 1, .dpc = 2, .slot = 0 },
	{ .name = "slot, DPC, AER", .aer = 2, .dpc = 1, .slot = 0 },
};

static struct order_ctx *order_start_three(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	const struct order_three *three = c->data;
	struct order_ctx *ctx = order_start(test);
	u32 gap_us = c->gap_ms * USEC_PER_MSEC;

	pci_sim_set_one_irq_us(ctx->root, PCI_SIM_IRQ_AER,
			       1 + three->aer * gap_us);
	pci_sim_set_one_irq_us(ctx->port, PCI_SIM_IRQ_DPC,
			       1 + three->dpc * gap_us);
	pci_sim_set_one_irq_us(ctx->port, PCI_SIM_IRQ_SLOT,
			       1 + three->slot * gap_us);
	return ctx;
}

/* Two errors may be recovered from together, or one after the other */
static void order_expect_two(struct kunit *test, struct order_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ctx->nr; i++) {
		struct pci_sim_counts is = pci_sim_counts(ctx->ep[i]);

		KUNIT_EXPECT_EQ_MSG(test, 1, is.probe, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.remove, "Endpoint %u", i);
		KUNIT_EXPECT_GE_MSG(test, is.error_detected, 1,
				    "Endpoint %u", i);
		KUNIT_EXPECT_LE_MSG(test, is.error_detected, 2,
				    "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.perm_failure, "Endpoint %u", i);
		KUNIT_EXPECT_GE_MSG(test, is.slot_reset, 1, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, is.error_detected, is.resume,
				    "Endpoint %u", i);
		sim_kunit_config_expect(test, &ctx->before[i], ctx->pdev[i]);
	}
}

/*
 * DPC is enabled for fatal errors, so ERR_NONFATAL goes on to the Root Port,
 * just before the Link goes down
 */
static void order_nonfatal_then_contained(struct kunit *test)
{
	struct order_ctx *ctx = order_start_three(test);

	pci_sim_uncor_error(ctx->card, PCI_ERR_UNC_COMP_TIME);
	order_happens(test, ctx);
	msleep(ORDER_RECOVERY_MS);
	order_expect_two(test, ctx);
}

/* The reset that AER asks for reaches a port which contains an error */
static void order_fatal_above_contained(struct kunit *test)
{
	struct order_ctx *ctx = order_start_three(test);

	order_happens(test, ctx);
	pci_sim_uncor_error(ctx->root, PCI_ERR_UNC_DLP);
	msleep(ORDER_RECOVERY_MS);
	order_expect_two(test, ctx);
}

/* --- recovery fails ------------------------------------------------------ */

/* The driver of a device that was added after the error is not told of it */
static void order_expect_stranger(struct kunit *test, struct pci_sim_func *f)
{
	struct pci_sim_counts is = pci_sim_counts(f);

	KUNIT_EXPECT_EQ(test, 1, is.probe);
	KUNIT_EXPECT_EQ(test, 0, is.remove);
	KUNIT_EXPECT_EQ(test, 0, is.error_detected);
	KUNIT_EXPECT_EQ(test, 0, is.slot_reset);
	KUNIT_EXPECT_EQ(test, 0, is.resume);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, f));
}

/* A port that sleeps is woken by a change of presence, not by its Link */
static void order_reseat(struct kunit *test, struct pci_sim_func *port)
{
	struct pci_sim_func *card = pci_sim_unplug(port);

	msleep(ORDER_RECOVERY_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(port, card));
	msleep(ORDER_RECOVERY_MS);
}

/* The Link does not come back.  Once it does, the slot can be used again. */
static void order_link_stays_down(struct kunit *test)
{
	struct order_ctx *ctx = order_start(test);
	unsigned int i;

	pci_sim_link_stuck(ctx->port, true);
	order_happens(test, ctx);
	msleep(ORDER_GIVE_UP_MS);
	for (i = 0; i < ctx->nr; i++) {
		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, 1);
		KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(ctx->ep[i]).resume);
	}

	pci_sim_link_stuck(ctx->port, false);
	order_reseat(test, ctx->port);
	for (i = 0; i < ctx->nr; i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 2, 1);
}

/* The Link comes back, the device does not */
static void order_device_never_ready(struct kunit *test)
{
	struct order_ctx *ctx = order_start(test);
	unsigned int i;

	for (i = 0; i < ctx->nr; i++)
		pci_sim_set_ready_ms(ctx->ep[i], PCI_SIM_NEVER);
	order_happens(test, ctx);
	msleep(ORDER_GIVE_UP_MS);
	for (i = 0; i < ctx->nr; i++) {
		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, 1);
		KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(ctx->ep[i]).resume);
	}
}

/* The Link of one of two slots further down does not come back, the other does */
static void order_nested_link_stays_down(struct kunit *test)
{
	struct order_ctx *ctx = order_start(test);

	pci_sim_link_stuck(ctx->slots[0], true);
	order_happens(test, ctx);
	msleep(ORDER_GIVE_UP_MS);
	SIM_EXPECT_BOUND(test, ctx->ep[0], 1, 1);
	SIM_EXPECT_BOUND(test, ctx->ep[1], 1, 0);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(ctx->ep[0]).slot_reset);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(ctx->ep[0]).resume);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(ctx->ep[0]).perm_failure);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(ctx->ep[1]).resume);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(ctx->ep[1]).perm_failure);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx->ep[1]));

	pci_sim_link_stuck(ctx->slots[0], false);
	order_reseat(test, ctx->slots[0]);
	SIM_EXPECT_BOUND(test, ctx->ep[0], 2, 1);
	SIM_EXPECT_BOUND(test, ctx->ep[1], 1, 0);
}

/*
 * When in the recovery a card is pulled: before the error is handled, while the
 * Link is down, in the 100 ms that any device may need (PCIe r6.0, sec 6.6.1),
 * while it answers with RRS, and around the end
 */
static const u32 order_pull_ms[] = { 0, 1, 3, 30, 110, 150, 250 };

static struct order_ctx *order_start_busy(struct kunit *test)
{
	struct order_ctx *ctx = order_start(test);
	unsigned int i;

	for (i = 0; i < ctx->nr; i++)
		pci_sim_set_ready_ms(ctx->ep[i], ORDER_BUSY_MS);
	return ctx;
}

static void order_pull(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

static void order_replace(struct pci_sim_func *port, void *data)
{
	pci_sim_plug(port, data);
}

/* Pulled in the middle, and plugged in again later */
static void order_card_pulled_in_recovery(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	u32 ms = *(const u32 *)c->data;
	struct order_ctx *ctx = order_start_busy(test);
	unsigned int i;

	order_happens(test, ctx);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx->slots[0], ms * USEC_PER_MSEC,
				   order_pull, NULL));
	msleep(ORDER_GIVE_UP_MS);
	for (i = 0; i < ctx->nr; i++) {
		bool stays = c->fabric->nested && i;

		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, !stays);
	}

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(ctx->slots[0], ctx->cards[0]));
	msleep(ORDER_RECOVERY_MS);
	for (i = 0; i < ctx->nr; i++) {
		bool stays = c->fabric->nested && i;

		SIM_EXPECT_BOUND(test, ctx->ep[i], 1 + !stays, !stays);
	}
}

/* A switch is pulled, with slots on it that are being waited for */
static void order_switch_pulled_in_recovery(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	u32 ms = *(const u32 *)c->data;
	struct order_ctx *ctx = order_start_busy(test);
	unsigned int i;

	order_happens(test, ctx);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx->port, ms * USEC_PER_MSEC, order_pull,
				   NULL));
	msleep(ORDER_GIVE_UP_MS);
	for (i = 0; i < ctx->nr; i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, 1);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(ctx->port, ctx->card));
	msleep(ORDER_RECOVERY_MS);
	for (i = 0; i < ctx->nr; i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 2, 1);
}

/* Replaced by the same model with another serial number in the middle */
static void order_card_replaced_in_recovery(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	u32 ms = *(const u32 *)c->data;
	struct order_ctx *ctx = order_start_busy(test);
	struct pci_sim_func *new;
	unsigned int i;

	new = pci_sim_endpoint(ctx->sim, NULL, .dsn = 0x2000, .ready_ms = 20);
	KUNIT_ASSERT_NOT_NULL(test, new);
	order_happens(test, ctx);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(ctx->slots[0], ms * USEC_PER_MSEC,
				   order_replace, new));
	msleep(ORDER_GIVE_UP_MS);
	for (i = 0; i < ctx->nr; i++) {
		bool stays = c->fabric->nested && i;

		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, !stays);
	}
	order_expect_stranger(test, new);
}

/* --- a card that is pulled causes an error ------------------------------- */

/**
 * struct order_removal - what is detected when a card is pulled
 * @name: for the log
 * @status: by the port of the slot, PCI_ERR_UNC_*
 * @root_status: by the Root Port
 * @after_ms: how long after the card was pulled
 */
struct order_removal {
	const char *name;
	u32 status;
	u32 root_status;
	u32 after_ms;
};

static const struct order_removal order_removals[] = {
	{ .name = "Surprise Down", .status = PCI_ERR_UNC_SURPDN },
	{ .name = "Surprise Down 10 ms late", .status = PCI_ERR_UNC_SURPDN,
	  .after_ms = 10 },
	{ .name = "Surprise Down 200 ms late", .status = PCI_ERR_UNC_SURPDN,
	  .after_ms = 200 },
	{ .name = "Data Link Protocol Error", .status = PCI_ERR_UNC_DLP },
	{ .name = "Data Link Protocol Error 10 ms late",
	  .status = PCI_ERR_UNC_DLP, .after_ms = 10 },
	{ .name = "Root Port fatal", .root_status = PCI_ERR_UNC_RX_OVER },
	{ .name = "Root Port fatal 10 ms late",
	  .root_status = PCI_ERR_UNC_RX_OVER, .after_ms = 10 },
	{ .name = "Root Port Completion Timeout 50 ms late",
	  .root_status = PCI_ERR_UNC_COMP_TIME, .after_ms = 50 },
};

static void order_removal_error(struct pci_sim_func *port, void *data)
{
	const struct order_removal *r = data;

	pci_sim_uncor_error(port, r->status ?: r->root_status);
}

/* Removed once; another one is added, and recovers from errors */
static void order_removal_causes_error(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	const struct order_removal *r = c->data;
	struct order_ctx *ctx = order_start(test);
	struct pci_sim_counts is;
	struct pci_sim_func *new;
	unsigned int i;

	new = pci_sim_endpoint(ctx->sim, NULL, .dsn = 0x2000, .ready_ms = 20);
	KUNIT_ASSERT_NOT_NULL(test, new);
	pci_sim_unplug(ctx->port);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(r->status ? ctx->port : ctx->root,
				   r->after_ms * USEC_PER_MSEC,
				   order_removal_error, (void *)r));
	msleep(ORDER_GIVE_UP_MS);
	for (i = 0; i < ctx->nr; i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, 1);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(ctx->port, new));
	msleep(ORDER_RECOVERY_MS);
	order_expect_stranger(test, new);

	pci_sim_uncor_error(new, PCI_ERR_UNC_MALF_TLP);
	msleep(ORDER_RECOVERY_MS);
	is = pci_sim_counts(new);
	KUNIT_EXPECT_EQ(test, 1, is.error_detected);
	KUNIT_EXPECT_EQ(test, 1, is.slot_reset);
	KUNIT_EXPECT_EQ(test, 1, is.resume);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	for (i = 0; i < ctx->nr; i++)
		SIM_EXPECT_BOUND(test, ctx->ep[i], 1, 1);
}

/* --- combinations -------------------------------------------------------- */

static unsigned int order_index(unsigned int *i, unsigned int n)
{
	unsigned int r = *i % n;

	*i /= n;
	return r;
}

/* All combinations of all tables, valid or not */
#define ORDER_NR                                                      \
	(ARRAY_SIZE(order_ready_ms) * 2 * ARRAY_SIZE(order_gaps_ms) * \
	 ARRAY_SIZE(order_sequences) * ARRAY_SIZE(order_irqs) *       \
	 ARRAY_SIZE(order_errors) * ARRAY_SIZE(order_fabrics))

static struct order_case order_combination(unsigned int i)
{
	struct order_case c = {};

	c.ready_ms =
		order_ready_ms[order_index(&i, ARRAY_SIZE(order_ready_ms))];
	c.flap = order_index(&i, 2);
	c.gap_ms = order_gaps_ms[order_index(&i, ARRAY_SIZE(order_gaps_ms))];
	c.order =
		&order_sequences[order_index(&i, ARRAY_SIZE(order_sequences))];
	c.irq = &order_irqs[order_index(&i, ARRAY_SIZE(order_irqs))];
	c.error = &order_errors[order_index(&i, ARRAY_SIZE(order_errors))];
	c.fabric = &order_fabrics[order_index(&i, ARRAY_SIZE(order_fabrics))];
	return c;
}

static bool order_makes_sense(const struct order_case *c)
{
	const struct order_sequence *o = c->order;
	bool is_late = o->error || o->slot || o->nested;

	/* A gap is one between two interrupts */
	if (is_late != !!c->gap_ms)
		return false;
	if (o->needs_nested && !c->fabric->nested)
		return false;
	/* Services that share an interrupt are notified together */
	if (!c->irq->multi_msi && o->error != o->slot &&
	    (!c->fabric->below_switch || c->error->dpc))
		return false;
	/* An error that is not fatal leaves the Link alone */
	return !c->flap || !c->error->ask_reset;
}

/* A few combinations with slow devices suffice */
static bool order_is_new(const struct order_case *c)
{
	return order_makes_sense(c) &&
	       (c->ready_ms == order_ready_ms[0] || !c->gap_ms ||
		(c->gap_ms == 10 && c->irq->multi_msi));
}

/* For tests that are not about the order */
static bool order_is_basic(const struct order_case *c)
{
	return order_makes_sense(c) && c->ready_ms == order_ready_ms[0] &&
	       (!c->gap_ms || c->gap_ms == 60);
}

static bool order_is_nested_basic(const struct order_case *c)
{
	return order_is_basic(c) && c->fabric->nested;
}

/* Together with when it happens, the order would be too many combinations */
static bool order_is_pulled(const struct order_case *c)
{
	return order_is_basic(c) && !c->flap &&
	       (!c->gap_ms || (c->irq->multi_msi && !c->order->needs_nested));
}

static bool order_is_switch_pulled(const struct order_case *c)
{
	return order_is_pulled(c) && c->fabric->nested;
}

/* New cards have one Function */
static bool order_is_replaced(const struct order_case *c)
{
	return order_is_pulled(c) && c->fabric->functions == 1;
}

/* It is the removal that causes the error, whatever the table has */
static bool order_is_surprise(const struct order_case *c)
{
	return order_is_basic(c) && !c->flap && !c->fabric->nested &&
	       c->error->status == PCI_ERR_UNC_DLP;
}

/* Two errors at once, with gaps between three interrupts */
static bool order_is_double(const struct order_case *c)
{
	return c->ready_ms == order_ready_ms[0] && !c->flap && c->gap_ms &&
	       c->order == &order_sequences[0] && !c->fabric->nested &&
	       !c->error->status;
}

static bool order_is_three(const struct order_case *c)
{
	return order_is_double(c) && c->irq->multi_msi;
}

/* AER interrupts are from another port then, whatever they are */
static bool order_is_three_above(const struct order_case *c)
{
	return order_is_double(c) && c->fabric->below_switch;
}

static void order_desc(struct kunit *test, const void *param, char *desc)
{
	const struct order_case *c = param;
	int n;

	n = snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s, %s, %s",
		     c->fabric->name, c->irq->name, c->error->name,
		     c->order->name);
	if (c->gap_ms)
		n += snprintf(desc + n, KUNIT_PARAM_DESC_SIZE - n, " by %u ms",
			      c->gap_ms);
	if (c->flap)
		n += snprintf(desc + n, KUNIT_PARAM_DESC_SIZE - n,
			      ", Link drops");
	if (c->ready_ms != order_ready_ms[0])
		snprintf(desc + n, KUNIT_PARAM_DESC_SIZE - n, ", ready in %u ms",
			 c->ready_ms);
}

static void order_desc_pull(struct kunit *test, const void *param, char *desc)
{
	const struct order_case *c = param;
	size_t n;

	order_desc(test, param, desc);
	n = strlen(desc);
	snprintf(desc + n, KUNIT_PARAM_DESC_SIZE - n, ", after %u ms",
		 *(const u32 *)c->data);
}

static void order_desc_three(struct kunit *test, const void *param, char *desc)
{
	const struct order_case *c = param;
	const struct order_three *three = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s, %s, %u ms apart",
		 c->fabric->name, c->irq->name, three->name, c->gap_ms);
}

static void order_desc_surprise(struct kunit *test, const void *param,
				char *desc)
{
	const struct order_case *c = param;
	const struct order_removal *r = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s, %s, %s, %s by %u ms",
		 c->fabric->name, c->irq->name, c->error->dpc ? "DPC" : "AER",
		 r->name, c->order->name, c->gap_ms);
}

/**
 * struct order_set - the combinations that a test is run with
 * @test: test
 * @wanted: whether a combination is one of them
 * @desc: describes it
 * @data: table of what else differs, or NULL
 * @size: of one entry of @data
 * @nr: number of entries, 1 if there is no table
 */
struct order_set {
	const char *test;
	bool (*wanted)(const struct order_case *c);
	void (*desc)(struct kunit *test, const void *param, char *desc);
	const void *data;
	size_t size;
	unsigned int nr;
};

static const struct order_set order_sets[] = {
	{ .test = "order_recovered_once", .wanted = order_is_new,
	  .desc = order_desc, .nr = 1 },
	{ .test = "order_recovered_again", .wanted = order_is_basic,
	  .desc = order_desc, .nr = 1 },
	{ .test = "order_ports_are_restored", .wanted = order_is_basic,
	  .desc = order_desc, .nr = 1 },
	{ .test = "order_pulled_after_recovery", .wanted = order_is_basic,
	  .desc = order_desc, .nr = 1 },
	{ .test = "order_nonfatal_then_contained", .wanted = order_is_three,
	  .desc = order_desc_three, .data = order_threes,
	  .size = sizeof(order_threes[0]), .nr = ARRAY_SIZE(order_threes) },
	{ .test = "order_fatal_above_contained", .wanted = order_is_three_above,
	  .desc = order_desc_three, .data = order_threes,
	  .size = sizeof(order_threes[0]), .nr = ARRAY_SIZE(order_threes) },
	{ .test = "order_link_stays_down", .wanted = order_is_basic,
	  .desc = order_desc, .nr = 1 },
	{ .test = "order_device_never_ready", .wanted = order_is_basic,
	  .desc = order_desc, .nr = 1 },
	{ .test = "order_nested_link_stays_down",
	  .wanted = order_is_nested_basic, .desc = order_desc, .nr = 1 },
	{ .test = "order_card_pulled_in_recovery", .wanted = order_is_pulled,
	  .desc = order_desc_pull, .data = order_pull_ms,
	  .size = sizeof(order_pull_ms[0]), .nr = ARRAY_SIZE(order_pull_ms) },
	{ .test = "order_switch_pulled_in_recovery",
	  .wanted = order_is_switch_pulled, .desc = order_desc_pull,
	  .data = order_pull_ms, .size = sizeof(order_pull_ms[0]),
	  .nr = ARRAY_SIZE(order_pull_ms) },
	{ .test = "order_card_replaced_in_recovery",
	  .wanted = order_is_replaced, .desc = order_desc_pull,
	  .data = order_pull_ms, .size = sizeof(order_pull_ms[0]),
	  .nr = ARRAY_SIZE(order_pull_ms) },
	{ .test = "order_removal_causes_error", .wanted = order_is_surprise,
	  .desc = order_desc_surprise, .data = order_removals,
	  .size = sizeof(order_removals[0]), .nr = ARRAY_SIZE(order_removals) },
};

static const struct order_set *order_find_set(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order_sets); i++) {
		if (!strcmp(order_sets[i].test, name))
			return &order_sets[i];
	}
	return NULL;
}

static int order_init(struct kunit *test)
{
	const struct order_set *set = order_find_set(test->name);
	unsigned int step = sim_kunit_step(1009, 23);
	unsigned int i, j, all = 0, n = 0;
	struct order_case *cases, c;

	if (!set)
		return -EINVAL;

	for (i = 0; i < ORDER_NR; i++) {
		c = order_combination(i);
		if (set->wanted(&c))
			n += set->nr;
	}
	cases = kunit_kcalloc(test, n, sizeof(*cases), GFP_KERNEL);
	if (!cases)
		return -ENOMEM;

	n = 0;
	for (i = 0; i < ORDER_NR; i++) {
		c = order_combination(i);
		if (!set->wanted(&c))
			continue;
		for (j = 0; j < set->nr; j++) {
			c.data = set->data ? set->data + j * set->size : NULL;
			if (!(all++ % step))
				cases[n++] = c;
		}
	}
	kunit_register_params_array(test, cases, n, set->desc);
	return 0;
}

#define ORDER_CASE(_test)                                                     \
	KUNIT_CASE_PARAM_WITH_INIT(_test, kunit_array_gen_params, order_init, \
				   NULL)

static struct kunit_case order_cases[] = {
	ORDER_CASE(order_recovered_once),
	ORDER_CASE(order_recovered_again),
	ORDER_CASE(order_ports_are_restored),
	ORDER_CASE(order_pulled_after_recovery),
	ORDER_CASE(order_nonfatal_then_contained),
	ORDER_CASE(order_fatal_above_contained),
	ORDER_CASE(order_link_stays_down),
	ORDER_CASE(order_device_never_ready),
	ORDER_CASE(order_nested_link_stays_down),
	ORDER_CASE(order_card_pulled_in_recovery),
	ORDER_CASE(order_switch_pulled_in_recovery),
	ORDER_CASE(order_card_replaced_in_recovery),
	ORDER_CASE(order_removal_causes_error),
	{}
};

/* Half an hour where time is real */
static struct kunit_suite order_suite = {
	.name = "pci_error_order",
	.attr.speed = KUNIT_SPEED_VERY_SLOW,
	.test_cases = order_cases,
};

kunit_test_suite(order_suite);
