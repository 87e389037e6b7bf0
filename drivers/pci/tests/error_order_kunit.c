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

#define EO_MAX_EPS	2
/* Root Port, Upstream Port, the slots */
#define EO_MAX_PORTS	(2 + EO_MAX_EPS)

/* For a device that needs 6 s, even if found by a wait that doubles each time */
#define EO_RECOVERY_MS	30000
/* The core gives up on a device after 60 s */
#define EO_GIVE_UP_MS	120000
/* How long a Link that goes down by itself is down */
#define EO_FLAP_MS	100
/* What a device needs in whose recovery something else happens */
#define EO_BUSY_MS	200

/**
 * struct eo_fabric - where the slot is, and what is in it
 * @name: for the log
 * @below_switch: its port is a Downstream Port, below a Root Port that has no
 *		  slot; AER interrupts are from the Root Port
 * @nested: in it is a switch with two hotplug Downstream Ports and an Endpoint
 *	    below each
 * @functions: of the Endpoint
 */
struct eo_fabric {
	const char *name;
	bool below_switch;
	bool nested;
	u8 functions;
};

static const struct eo_fabric eo_fabrics[] = {
	{ "Root Port", .functions = 1 },
	{ "Root Port, 2 Functions", .functions = 2 },
	{ "Downstream Port", .below_switch = true, .functions = 1 },
	{ "nested slots", .nested = true, .functions = 1 },
};

/**
 * struct eo_irq - how ports interrupt
 * @name: for the log
 * @intx: by INTx
 * @multi_msi: by one MSI for each purpose, so that the interrupts of a port can
 *	       be told apart
 */
struct eo_irq {
	const char *name;
	bool intx;
	bool multi_msi;
};

static const struct eo_irq eo_irqs[] = {
	{ "MSI each", .multi_msi = true },
	{ "MSI" },
	{ "INTx", .intx = true },
};

/**
 * struct eo_error - what happens
 * @name: for the log
 * @status: what is detected, PCI_ERR_UNC_*, or 0 to trigger DPC
 * @below: by what is below the port, not by the port itself
 * @dpc: the port has DPC, and contains it
 * @ask_reset: it is not fatal, but the driver wants a reset
 */
struct eo_error {
	const char *name;
	u32 status;
	bool below;
	bool dpc;
	bool ask_reset;
};

static const struct eo_error eo_errors[] = {
	{ "ERR_FATAL", PCI_ERR_UNC_MALF_TLP, .below = true },
	{ "fatal error of port", PCI_ERR_UNC_DLP },
	{ "ERR_NONFATAL", PCI_ERR_UNC_COMP_TIME, .below = true,
	  .ask_reset = true },
	{ "ERR_FATAL contained", PCI_ERR_UNC_MALF_TLP, .below = true,
	  .dpc = true },
	{ "fatal error of port contained", PCI_ERR_UNC_DLP, .dpc = true },
	{ "DPC trigger", .dpc = true },
};

/**
 * struct eo_order - which interrupt is late
 * @name: for the log
 * @error: that of AER and DPC
 * @slot: that of the slot
 * @nested: those of the slots further down
 * @needs_nested: does not differ from another order without nested slots
 */
struct eo_order {
	const char *name;
	bool error;
	bool slot;
	bool nested;
	bool needs_nested;
};

static const struct eo_order eo_orders[] = {
	{ "at once" },
	{ "error first", .slot = true, .nested = true },
	{ "slot first", .error = true },
	{ "nested slots last", .nested = true, .needs_nested = true },
	{ "nested slots first", .error = true, .slot = true,
	  .needs_nested = true },
};

/* By how much it is late */
static const u32 eo_gaps_ms[] = { 0, 1, 10, 60, 200 };

/* What the device needs to become ready: pci_dpc_recovered() waits for 4 s */
static const u32 eo_ready_ms[] = { 20, 1500, 6000 };

/**
 * struct eo_case - a combination of these
 * @fabric: fabric
 * @irq: how its ports interrupt
 * @error: what happens
 * @order: which interrupt is late
 * @gap_ms: by how much
 * @ready_ms: what the devices need to become ready
 * @flap: the Link goes down by itself with the error
 * @data: what else happens, of the test
 */
struct eo_case {
	const struct eo_fabric *fabric;
	const struct eo_irq *irq;
	const struct eo_error *error;
	const struct eo_order *order;
	u32 gap_ms;
	u32 ready_ms;
	bool flap;
	const void *data;
};

/**
 * struct eo - a fabric that was started
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
struct eo {
	struct pci_sim *sim;
	struct pci_sim_func *root;
	struct pci_sim_func *port;
	struct pci_sim_func *card;
	struct pci_sim_func *slots[EO_MAX_EPS];
	struct pci_sim_func *cards[EO_MAX_EPS];
	unsigned int nr_slots;
	struct pci_sim_func *ep[EO_MAX_EPS];
	struct pci_dev *pdev[EO_MAX_EPS];
	struct sim_config before[EO_MAX_EPS];
	unsigned int nr;
};

static void eo_add_endpoint(struct eo *eo, const struct eo_case *c,
			    struct pci_sim_func *port)
{
	const struct pci_sim_ep_config config = {
		.dsn = 0x1000 + eo->nr_slots,
		.ask_reset = c->error->ask_reset,
	};
	struct pci_sim_func *f0;
	unsigned int i;

	f0 = pci_sim_add_endpoint(eo->sim, port, &config);
	eo->ep[eo->nr++] = f0;
	for (i = 1; i < c->fabric->functions; i++)
		eo->ep[eo->nr++] = pci_sim_add_function(f0, &config);
	eo->slots[eo->nr_slots] = port;
	eo->cards[eo->nr_slots++] = f0;
}

/*
 * Device 0 of a switch has the INTA of the Root Port.  With one interrupt for
 * two ports none can be late, and to remove one port in the interrupt thread
 * of the other is a deadlock: ft_shared_interrupt().  So the slots come after
 * a port without one.
 */
static struct pci_sim_func *
eo_add_switch(struct eo *eo, struct pci_sim_func *port,
	      const struct pci_sim_port_config *plain)
{
	struct pci_sim_func *up = pci_sim_add_switch(eo->sim, port);

	pci_sim_add_downstream_port(up, plain);
	return up;
}

static void eo_build(struct eo *eo, const struct eo_case *c)
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
		eo->root = pci_sim_add_root_port(eo->sim, &plain);
		eo->card = eo_add_switch(eo, eo->root, &plain);
		eo->port = pci_sim_add_downstream_port(eo->card, &slot);
	} else {
		eo->root = pci_sim_add_root_port(eo->sim, &slot);
		eo->port = eo->root;
	}

	if (c->fabric->nested) {
		eo->card = eo_add_switch(eo, eo->port, &plain);
		for (i = 0; i < EO_MAX_EPS; i++)
			eo_add_endpoint(eo, c,
					pci_sim_add_downstream_port(eo->card,
								    &slot));
	} else {
		eo_add_endpoint(eo, c, eo->port);
		eo->card = eo->ep[0];
	}
}

static void eo_delay(struct pci_sim_func *port, bool error, bool slot,
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
 * Where a test has failed, there may be a card that pciehp could not add.  It
 * tries again when its port wakes up to be removed, which is a deadlock:
 * ft_port_removed_while_adding().
 */
static void eo_empty(void *data)
{
	struct eo *eo = data;
	unsigned int i;

	for (i = 0; i < eo->nr_slots; i++)
		pci_sim_unplug(eo->slots[i]);
	msleep(EO_RECOVERY_MS);
	pci_sim_unplug(eo->port);
	msleep(EO_RECOVERY_MS);
}

static struct eo *eo_start(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	struct eo *eo = kunit_kzalloc(test, sizeof(*eo), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, eo);
	eo->sim = sim_kunit_alloc(test);
	eo_build(eo, c);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, eo_empty, eo));
	sim_kunit_start(test, eo->sim);

	for (i = 0; i < eo->nr; i++) {
		eo->pdev[i] = sim_kunit_dev(test, eo->ep[i]);
		sim_kunit_mark(test, eo->ep[i]);
		sim_config_get(&eo->before[i], eo->pdev[i]);
		pci_sim_set_ready_ms(eo->ep[i], c->ready_ms);
	}

	eo_delay(eo->root, c->order->error, false, c->gap_ms);
	eo_delay(eo->port, c->order->error, c->order->slot, c->gap_ms);
	for (i = 0; c->fabric->nested && i < eo->nr_slots; i++)
		eo_delay(eo->slots[i], false, c->order->nested, c->gap_ms);
	return eo;
}

static void eo_happens(struct kunit *test, struct eo *eo)
{
	const struct eo_case *c = test->param_value;
	const struct eo_error *e = c->error;

	if (e->status)
		pci_sim_uncor_error(e->below ? eo->card : eo->port, e->status);
	else
		KUNIT_EXPECT_EQ(test, 0, pci_sim_dpc_trigger(eo->port));
	if (c->flap)
		pci_sim_link_flap(eo->port, EO_FLAP_MS);
}

/* Each driver has heard of @n errors, and was neither removed nor added */
static void eo_expect_recoveries(struct kunit *test, struct eo *eo,
				 unsigned int n)
{
	unsigned int i;

	for (i = 0; i < eo->nr; i++) {
		struct pci_sim_counts is = pci_sim_counts(eo->ep[i]);

		KUNIT_EXPECT_EQ_MSG(test, 1, is.probe, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.remove, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, n, is.error_detected,
				    "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.perm_failure, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, is.mmio_enabled, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, n, is.slot_reset, "Endpoint %u", i);
		KUNIT_EXPECT_EQ_MSG(test, n, is.resume, "Endpoint %u", i);
		sim_config_expect(test, &eo->before[i], eo->pdev[i]);
	}
}

/* One error, one reset, one recovery */
static void eo_recovered(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	struct eo *eo = eo_start(test);
	unsigned int i, resets;

	eo_happens(test, eo);
	msleep(EO_RECOVERY_MS);
	eo_expect_recoveries(test, eo, 1);
	for (i = 0; i < eo->nr; i++) {
		resets = pci_sim_resets_all(eo->ep[i]);
		KUNIT_EXPECT_EQ_MSG(test, 0, pci_sim_peek(eo->ep[i],
							  SIM_SCRATCH),
				    "Endpoint %u", i);
		/* A Link that goes down is a reset that nobody asked for */
		KUNIT_EXPECT_GE_MSG(test, resets, 1, "Endpoint %u", i);
		KUNIT_EXPECT_LE_MSG(test, resets, 1 + c->flap,
				    "Endpoint %u", i);
	}
}

/* The next error is recovered from as well */
static void eo_again(struct kunit *test)
{
	struct eo *eo = eo_start(test);
	unsigned int n;

	for (n = 1; n <= 3; n++) {
		eo_happens(test, eo);
		msleep(EO_RECOVERY_MS);
		eo_expect_recoveries(test, eo, n);
	}
}

/* What the kernel has set up in ports, and a reset takes away */
static const struct {
	const char *name;
	u16 where;
	u32 mask;
	bool pcie;
} eo_port_regs[] = {
	{ "Command", PCI_COMMAND, 0xffff },
	{ "bus numbers", PCI_PRIMARY_BUS, 0xffffff },
	{ "memory window", PCI_MEMORY_BASE, ~0U },
	{ "Bridge Control", PCI_INTERRUPT_LINE, 0xffff0000 },
	{ "Device Control", PCI_EXP_DEVCTL, 0xffff, .pcie = true },
	{ "Slot Control", PCI_EXP_SLTCTL, 0xffff, .pcie = true },
};

struct eo_port_state {
	struct pci_sim_func *f;
	u16 pcie_cap;
	u32 regs[ARRAY_SIZE(eo_port_regs)];
};

static u32 eo_peek(const struct eo_port_state *s, unsigned int i)
{
	u16 base = eo_port_regs[i].pcie ? s->pcie_cap : 0;

	return pci_sim_peek(s->f, base + eo_port_regs[i].where) &
	       eo_port_regs[i].mask;
}

static void eo_save_port(struct kunit *test, struct eo_port_state *s,
			 struct pci_sim_func *f)
{
	unsigned int i;

	s->f = f;
	s->pcie_cap = pci_pcie_cap(sim_kunit_dev(test, f));
	for (i = 0; i < ARRAY_SIZE(eo_port_regs); i++)
		s->regs[i] = eo_peek(s, i);
}

/*
 * Ports below the reset have their config space back as well, or what is below
 * them can neither interrupt nor access memory
 */
static void eo_ports(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	struct eo_port_state state[EO_MAX_PORTS];
	struct eo *eo = eo_start(test);
	unsigned int i, j, n = 0;

	eo_save_port(test, &state[n++], eo->root);
	if (c->fabric->nested) {
		eo_save_port(test, &state[n++], eo->card);
		for (i = 0; i < eo->nr_slots; i++)
			eo_save_port(test, &state[n++], eo->slots[i]);
	} else if (eo->port != eo->root) {
		eo_save_port(test, &state[n++], eo->port);
	}

	eo_happens(test, eo);
	msleep(EO_RECOVERY_MS);
	for (i = 0; i < n; i++) {
		for (j = 0; j < ARRAY_SIZE(eo_port_regs); j++)
			KUNIT_EXPECT_EQ_MSG(test, state[i].regs[j],
					    eo_peek(&state[i], j),
					    "port %u: %s", i,
					    eo_port_regs[j].name);
	}
}

/* What was ignored for the recovery is not ignored any more after it */
static void eo_pulled_after(struct kunit *test)
{
	struct eo *eo = eo_start(test);
	unsigned int i;

	eo_happens(test, eo);
	msleep(EO_RECOVERY_MS);
	for (i = 0; i < eo->nr_slots; i++)
		pci_sim_unplug(eo->slots[i]);
	msleep(EO_RECOVERY_MS);
	for (i = 0; i < eo->nr; i++)
		SIM_EXPECT_BOUND(test, eo->ep[i], 1, 1);

	for (i = 0; i < eo->nr_slots; i++)
		KUNIT_EXPECT_EQ(test, 0,
				pci_sim_plug(eo->slots[i], eo->cards[i]));
	msleep(EO_RECOVERY_MS);
	for (i = 0; i < eo->nr; i++)
		SIM_EXPECT_BOUND(test, eo->ep[i], 2, 1);
}

/* --- more than one error ------------------------------------------------- */

/**
 * struct eo_three - in which order the three interrupts come
 * @name: for the log
 * @aer: how many gaps it takes until that of AER
 * @dpc: until that of DPC
 * @slot: until that of the slot
 */
struct eo_three {
	const char *name;
	u8 aer;
	u8 dpc;
	u8 slot;
};

static const struct eo_three eo_threes[] = {
	{ "AER, DPC, slot", 0, 1, 2 },
	{ "AER, slot, DPC", 0, 2, 1 },
	{ "DPC, AER, slot", 1, 0, 2 },
	{ "DPC, slot, AER", 2, 0, 1 },
	{ "slot, AER, DPC", 1, 2, 0 },
	{ "slot, DPC, AER", 2, 1, 0 },
};

static struct eo *eo_start_three(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	const struct eo_three *three = c->data;
	struct eo *eo = eo_start(test);
	u32 gap_us = c->gap_ms * USEC_PER_MSEC;

	pci_sim_set_one_irq_us(eo->root, PCI_SIM_IRQ_AER,
			       1 + three->aer * gap_us);
	pci_sim_set_one_irq_us(eo->port, PCI_SIM_IRQ_DPC,
			       1 + three->dpc * gap_us);
	pci_sim_set_one_irq_us(eo->port, PCI_SIM_IRQ_SLOT,
			       1 + three->slot * gap_us);
	return eo;
}

/* Two errors may be recovered from together, or one after the other */
static void eo_expect_two(struct kunit *test, struct eo *eo)
{
	unsigned int i;

	for (i = 0; i < eo->nr; i++) {
		struct pci_sim_counts is = pci_sim_counts(eo->ep[i]);

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
		sim_config_expect(test, &eo->before[i], eo->pdev[i]);
	}
}

/*
 * DPC is enabled for fatal errors, so ERR_NONFATAL goes on to the Root Port,
 * just before the Link goes down
 */
static void eo_nonfatal_then_contained(struct kunit *test)
{
	struct eo *eo = eo_start_three(test);

	pci_sim_uncor_error(eo->card, PCI_ERR_UNC_COMP_TIME);
	eo_happens(test, eo);
	msleep(EO_RECOVERY_MS);
	eo_expect_two(test, eo);
}

/* The reset that AER asks for reaches a port which contains an error */
static void eo_fatal_above_contained(struct kunit *test)
{
	struct eo *eo = eo_start_three(test);

	eo_happens(test, eo);
	pci_sim_uncor_error(eo->root, PCI_ERR_UNC_DLP);
	msleep(EO_RECOVERY_MS);
	eo_expect_two(test, eo);
}

/* --- recovery fails ------------------------------------------------------ */

/* What was not there when the error happened is told nothing of it */
static void eo_expect_stranger(struct kunit *test, struct pci_sim_func *f)
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
static void eo_reseat(struct kunit *test, struct pci_sim_func *port)
{
	struct pci_sim_func *card = pci_sim_unplug(port);

	msleep(EO_RECOVERY_MS);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(port, card));
	msleep(EO_RECOVERY_MS);
}

/* The Link does not come back.  Once it does, the slot can be used again. */
static void eo_link_stuck(struct kunit *test)
{
	struct eo *eo = eo_start(test);
	unsigned int i;

	pci_sim_link_stuck(eo->port, true);
	eo_happens(test, eo);
	msleep(EO_GIVE_UP_MS);
	for (i = 0; i < eo->nr; i++) {
		SIM_EXPECT_BOUND(test, eo->ep[i], 1, 1);
		KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(eo->ep[i]).resume);
	}

	pci_sim_link_stuck(eo->port, false);
	eo_reseat(test, eo->port);
	for (i = 0; i < eo->nr; i++)
		SIM_EXPECT_BOUND(test, eo->ep[i], 2, 1);
}

/* The Link comes back, the device does not */
static void eo_never_ready(struct kunit *test)
{
	struct eo *eo = eo_start(test);
	unsigned int i;

	for (i = 0; i < eo->nr; i++)
		pci_sim_set_ready_ms(eo->ep[i], PCI_SIM_NEVER);
	eo_happens(test, eo);
	msleep(EO_GIVE_UP_MS);
	for (i = 0; i < eo->nr; i++) {
		SIM_EXPECT_BOUND(test, eo->ep[i], 1, 1);
		KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(eo->ep[i]).resume);
	}
}

/* The Link of one of two slots further down does not come back, the other does */
static void eo_nested_link_stuck(struct kunit *test)
{
	struct eo *eo = eo_start(test);

	pci_sim_link_stuck(eo->slots[0], true);
	eo_happens(test, eo);
	msleep(EO_GIVE_UP_MS);
	SIM_EXPECT_BOUND(test, eo->ep[0], 1, 1);
	SIM_EXPECT_BOUND(test, eo->ep[1], 1, 0);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(eo->ep[0]).slot_reset);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(eo->ep[0]).resume);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(eo->ep[0]).perm_failure);
	KUNIT_EXPECT_EQ(test, 1, pci_sim_counts(eo->ep[1]).resume);
	KUNIT_EXPECT_EQ(test, 0, pci_sim_counts(eo->ep[1]).perm_failure);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, eo->ep[1]));

	pci_sim_link_stuck(eo->slots[0], false);
	eo_reseat(test, eo->slots[0]);
	SIM_EXPECT_BOUND(test, eo->ep[0], 2, 1);
	SIM_EXPECT_BOUND(test, eo->ep[1], 1, 0);
}

/*
 * When in the recovery a card is pulled: before anybody knows of the error,
 * while the Link is down, in the 100 ms that any device may need (PCIe r6.0,
 * sec 6.6.1), while it answers with RRS, and around the end
 */
static const u32 eo_pull_ms[] = { 0, 1, 3, 30, 110, 150, 250 };

static struct eo *eo_start_busy(struct kunit *test)
{
	struct eo *eo = eo_start(test);
	unsigned int i;

	for (i = 0; i < eo->nr; i++)
		pci_sim_set_ready_ms(eo->ep[i], EO_BUSY_MS);
	return eo;
}

static void eo_pull(struct pci_sim_func *port, void *data)
{
	pci_sim_unplug(port);
}

static void eo_replace(struct pci_sim_func *port, void *data)
{
	pci_sim_plug(port, data);
}

/* Pulled in the middle, and plugged in again later */
static void eo_pulled(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	u32 ms = *(const u32 *)c->data;
	struct eo *eo = eo_start_busy(test);
	unsigned int i;

	eo_happens(test, eo);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(eo->slots[0], ms * USEC_PER_MSEC,
					    eo_pull, NULL));
	msleep(EO_GIVE_UP_MS);
	for (i = 0; i < eo->nr; i++) {
		bool stays = c->fabric->nested && i;

		SIM_EXPECT_BOUND(test, eo->ep[i], 1, !stays);
	}

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(eo->slots[0], eo->cards[0]));
	msleep(EO_RECOVERY_MS);
	for (i = 0; i < eo->nr; i++) {
		bool stays = c->fabric->nested && i;

		SIM_EXPECT_BOUND(test, eo->ep[i], 1 + !stays, !stays);
	}
}

/* A switch is pulled, with slots on it that are being waited for */
static void eo_switch_pulled(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	u32 ms = *(const u32 *)c->data;
	struct eo *eo = eo_start_busy(test);
	unsigned int i;

	eo_happens(test, eo);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(eo->port, ms * USEC_PER_MSEC,
					    eo_pull, NULL));
	msleep(EO_GIVE_UP_MS);
	for (i = 0; i < eo->nr; i++)
		SIM_EXPECT_BOUND(test, eo->ep[i], 1, 1);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(eo->port, eo->card));
	msleep(EO_RECOVERY_MS);
	for (i = 0; i < eo->nr; i++)
		SIM_EXPECT_BOUND(test, eo->ep[i], 2, 1);
}

/* Replaced by the same model with another serial number in the middle */
static void eo_replaced(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	u32 ms = *(const u32 *)c->data;
	struct eo *eo = eo_start_busy(test);
	struct pci_sim_func *new;
	unsigned int i;

	new = pci_sim_endpoint(eo->sim, NULL, .dsn = 0x2000, .ready_ms = 20);
	KUNIT_ASSERT_NOT_NULL(test, new);
	eo_happens(test, eo);
	KUNIT_ASSERT_EQ(test, 0, pci_sim_at(eo->slots[0], ms * USEC_PER_MSEC,
					    eo_replace, new));
	msleep(EO_GIVE_UP_MS);
	for (i = 0; i < eo->nr; i++) {
		bool stays = c->fabric->nested && i;

		SIM_EXPECT_BOUND(test, eo->ep[i], 1, !stays);
	}
	eo_expect_stranger(test, new);
}

/* --- a card that is pulled causes an error ------------------------------- */

/**
 * struct eo_removal - what is detected when a card is pulled
 * @name: for the log
 * @status: by the port of the slot, PCI_ERR_UNC_*
 * @root_status: by the Root Port
 * @after_ms: how long after the card was pulled
 */
struct eo_removal {
	const char *name;
	u32 status;
	u32 root_status;
	u32 after_ms;
};

static const struct eo_removal eo_removals[] = {
	{ "Surprise Down", PCI_ERR_UNC_SURPDN },
	{ "Surprise Down 10 ms late", PCI_ERR_UNC_SURPDN, .after_ms = 10 },
	{ "Surprise Down 200 ms late", PCI_ERR_UNC_SURPDN, .after_ms = 200 },
	{ "Data Link Protocol Error", PCI_ERR_UNC_DLP },
	{ "Data Link Protocol Error 10 ms late", PCI_ERR_UNC_DLP,
	  .after_ms = 10 },
	{ "Root Port fatal", .root_status = PCI_ERR_UNC_RX_OVER },
	{ "Root Port fatal 10 ms late", .root_status = PCI_ERR_UNC_RX_OVER,
	  .after_ms = 10 },
	{ "Root Port Completion Timeout 50 ms late",
	  .root_status = PCI_ERR_UNC_COMP_TIME, .after_ms = 50 },
};

static void eo_removal_error(struct pci_sim_func *port, void *data)
{
	const struct eo_removal *r = data;

	pci_sim_uncor_error(port, r->status ?: r->root_status);
}

/* Removed once; another one is added, and recovers from errors */
static void eo_surprise(struct kunit *test)
{
	const struct eo_case *c = test->param_value;
	const struct eo_removal *r = c->data;
	struct eo *eo = eo_start(test);
	struct pci_sim_counts is;
	struct pci_sim_func *new;
	unsigned int i;

	new = pci_sim_endpoint(eo->sim, NULL, .dsn = 0x2000, .ready_ms = 20);
	KUNIT_ASSERT_NOT_NULL(test, new);
	pci_sim_unplug(eo->port);
	KUNIT_ASSERT_EQ(test, 0,
			pci_sim_at(r->status ? eo->port : eo->root,
				   r->after_ms * USEC_PER_MSEC,
				   eo_removal_error, (void *)r));
	msleep(EO_GIVE_UP_MS);
	for (i = 0; i < eo->nr; i++)
		SIM_EXPECT_BOUND(test, eo->ep[i], 1, 1);

	KUNIT_EXPECT_EQ(test, 0, pci_sim_plug(eo->port, new));
	msleep(EO_RECOVERY_MS);
	eo_expect_stranger(test, new);

	pci_sim_uncor_error(new, PCI_ERR_UNC_MALF_TLP);
	msleep(EO_RECOVERY_MS);
	is = pci_sim_counts(new);
	KUNIT_EXPECT_EQ(test, 1, is.error_detected);
	KUNIT_EXPECT_EQ(test, 1, is.slot_reset);
	KUNIT_EXPECT_EQ(test, 1, is.resume);
	SIM_EXPECT_BOUND(test, new, 1, 0);
	for (i = 0; i < eo->nr; i++)
		SIM_EXPECT_BOUND(test, eo->ep[i], 1, 1);
}

/* --- combinations -------------------------------------------------------- */

static unsigned int eo_index(unsigned int *i, unsigned int n)
{
	unsigned int r = *i % n;

	*i /= n;
	return r;
}

/* All combinations of all tables, whether they make sense or not */
#define EO_NR	(ARRAY_SIZE(eo_ready_ms) * 2 * ARRAY_SIZE(eo_gaps_ms) *	\
		 ARRAY_SIZE(eo_orders) * ARRAY_SIZE(eo_irqs) *		\
		 ARRAY_SIZE(eo_errors) * ARRAY_SIZE(eo_fabrics))

static struct eo_case eo_combination(unsigned int i)
{
	struct eo_case c = {};

	c.ready_ms = eo_ready_ms[eo_index(&i, ARRAY_SIZE(eo_ready_ms))];
	c.flap = eo_index(&i, 2);
	c.gap_ms = eo_gaps_ms[eo_index(&i, ARRAY_SIZE(eo_gaps_ms))];
	c.order = &eo_orders[eo_index(&i, ARRAY_SIZE(eo_orders))];
	c.irq = &eo_irqs[eo_index(&i, ARRAY_SIZE(eo_irqs))];
	c.error = &eo_errors[eo_index(&i, ARRAY_SIZE(eo_errors))];
	c.fabric = &eo_fabrics[eo_index(&i, ARRAY_SIZE(eo_fabrics))];
	return c;
}

static bool eo_makes_sense(const struct eo_case *c)
{
	const struct eo_order *o = c->order;
	bool is_late = o->error || o->slot || o->nested;

	/* A gap is one between two interrupts */
	if (is_late != !!c->gap_ms)
		return false;
	if (o->needs_nested && !c->fabric->nested)
		return false;
	/* Who shares an interrupt cannot be later than the first one */
	if (!c->irq->multi_msi && o->error != o->slot &&
	    (!c->fabric->below_switch || c->error->dpc))
		return false;
	/* An error that is not fatal leaves the Link alone */
	return !c->flap || !c->error->ask_reset;
}

/* A slow device makes no difference to all of this: a few will do */
static bool eo_is_new(const struct eo_case *c)
{
	return eo_makes_sense(c) &&
	       (c->ready_ms == eo_ready_ms[0] || !c->gap_ms ||
		(c->gap_ms == 10 && c->irq->multi_msi));
}

/* Where the order has been tried out already, and something else is */
static bool eo_is_basic(const struct eo_case *c)
{
	return eo_makes_sense(c) && c->ready_ms == eo_ready_ms[0] &&
	       (!c->gap_ms || c->gap_ms == 60);
}

static bool eo_is_nested_basic(const struct eo_case *c)
{
	return eo_is_basic(c) && c->fabric->nested;
}

/* Together with when it happens, the order would be too many combinations */
static bool eo_is_pulled(const struct eo_case *c)
{
	return eo_is_basic(c) && !c->flap &&
	       (!c->gap_ms || (c->irq->multi_msi && !c->order->needs_nested));
}

static bool eo_is_switch_pulled(const struct eo_case *c)
{
	return eo_is_pulled(c) && c->fabric->nested;
}

/* New cards have one Function */
static bool eo_is_replaced(const struct eo_case *c)
{
	return eo_is_pulled(c) && c->fabric->functions == 1;
}

/* It is the removal that causes the error, whatever the table has */
static bool eo_is_surprise(const struct eo_case *c)
{
	return eo_is_basic(c) && !c->flap && !c->fabric->nested &&
	       c->error->status == PCI_ERR_UNC_DLP;
}

/* Two errors at once, with gaps between three interrupts */
static bool eo_is_double(const struct eo_case *c)
{
	return c->ready_ms == eo_ready_ms[0] && !c->flap && c->gap_ms &&
	       c->order == &eo_orders[0] && !c->fabric->nested &&
	       !c->error->status;
}

static bool eo_is_three(const struct eo_case *c)
{
	return eo_is_double(c) && c->irq->multi_msi;
}

/* AER interrupts are from another port then, whatever they are */
static bool eo_is_three_above(const struct eo_case *c)
{
	return eo_is_double(c) && c->fabric->below_switch;
}

static void eo_desc(struct kunit *test, const void *param, char *desc)
{
	const struct eo_case *c = param;
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
	if (c->ready_ms != eo_ready_ms[0])
		snprintf(desc + n, KUNIT_PARAM_DESC_SIZE - n, ", ready in %u ms",
			 c->ready_ms);
}

static void eo_desc_pull(struct kunit *test, const void *param, char *desc)
{
	const struct eo_case *c = param;
	size_t n;

	eo_desc(test, param, desc);
	n = strlen(desc);
	snprintf(desc + n, KUNIT_PARAM_DESC_SIZE - n, ", after %u ms",
		 *(const u32 *)c->data);
}

static void eo_desc_three(struct kunit *test, const void *param, char *desc)
{
	const struct eo_case *c = param;
	const struct eo_three *three = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s, %s, %u ms apart",
		 c->fabric->name, c->irq->name, three->name, c->gap_ms);
}

static void eo_desc_surprise(struct kunit *test, const void *param, char *desc)
{
	const struct eo_case *c = param;
	const struct eo_removal *r = c->data;

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s, %s, %s, %s by %u ms",
		 c->fabric->name, c->irq->name, c->error->dpc ? "DPC" : "AER",
		 r->name, c->order->name, c->gap_ms);
}

/**
 * struct eo_set - the combinations that a test is run with
 * @test: test
 * @wanted: whether a combination is one of them
 * @desc: describes it
 * @data: table of what else differs, or NULL
 * @size: of one entry of @data
 * @nr: number of entries, 1 if there is no table
 */
struct eo_set {
	const char *test;
	bool (*wanted)(const struct eo_case *c);
	void (*desc)(struct kunit *test, const void *param, char *desc);
	const void *data;
	size_t size;
	unsigned int nr;
};

static const struct eo_set eo_sets[] = {
	{ "eo_recovered", eo_is_new, eo_desc, .nr = 1 },
	{ "eo_again", eo_is_basic, eo_desc, .nr = 1 },
	{ "eo_ports", eo_is_basic, eo_desc, .nr = 1 },
	{ "eo_pulled_after", eo_is_basic, eo_desc, .nr = 1 },
	{ "eo_nonfatal_then_contained", eo_is_three, eo_desc_three,
	  eo_threes, sizeof(eo_threes[0]), ARRAY_SIZE(eo_threes) },
	{ "eo_fatal_above_contained", eo_is_three_above, eo_desc_three,
	  eo_threes, sizeof(eo_threes[0]), ARRAY_SIZE(eo_threes) },
	{ "eo_link_stuck", eo_is_basic, eo_desc, .nr = 1 },
	{ "eo_never_ready", eo_is_basic, eo_desc, .nr = 1 },
	{ "eo_nested_link_stuck", eo_is_nested_basic, eo_desc, .nr = 1 },
	{ "eo_pulled", eo_is_pulled, eo_desc_pull,
	  eo_pull_ms, sizeof(eo_pull_ms[0]), ARRAY_SIZE(eo_pull_ms) },
	{ "eo_switch_pulled", eo_is_switch_pulled, eo_desc_pull,
	  eo_pull_ms, sizeof(eo_pull_ms[0]), ARRAY_SIZE(eo_pull_ms) },
	{ "eo_replaced", eo_is_replaced, eo_desc_pull,
	  eo_pull_ms, sizeof(eo_pull_ms[0]), ARRAY_SIZE(eo_pull_ms) },
	{ "eo_surprise", eo_is_surprise, eo_desc_surprise,
	  eo_removals, sizeof(eo_removals[0]), ARRAY_SIZE(eo_removals) },
};

static const struct eo_set *eo_find_set(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(eo_sets); i++) {
		if (!strcmp(eo_sets[i].test, name))
			return &eo_sets[i];
	}
	return NULL;
}

static int eo_init(struct kunit *test)
{
	const struct eo_set *set = eo_find_set(test->name);
	unsigned int step = sim_kunit_step(1009, 23);
	unsigned int i, j, all = 0, n = 0;
	struct eo_case *cases, c;

	if (!set)
		return -EINVAL;

	for (i = 0; i < EO_NR; i++) {
		c = eo_combination(i);
		if (set->wanted(&c))
			n += set->nr;
	}
	cases = kunit_kcalloc(test, n, sizeof(*cases), GFP_KERNEL);
	if (!cases)
		return -ENOMEM;

	n = 0;
	for (i = 0; i < EO_NR; i++) {
		c = eo_combination(i);
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

#define EO_CASE(_test)							\
	KUNIT_CASE_PARAM_WITH_INIT(_test, kunit_array_gen_params, eo_init, NULL)

static struct kunit_case eo_cases[] = {
	EO_CASE(eo_recovered),
	EO_CASE(eo_again),
	EO_CASE(eo_ports),
	EO_CASE(eo_pulled_after),
	EO_CASE(eo_nonfatal_then_contained),
	EO_CASE(eo_fatal_above_contained),
	EO_CASE(eo_link_stuck),
	EO_CASE(eo_never_ready),
	EO_CASE(eo_nested_link_stuck),
	EO_CASE(eo_pulled),
	EO_CASE(eo_switch_pulled),
	EO_CASE(eo_replaced),
	EO_CASE(eo_surprise),
	{}
};

/* Half an hour where time is real */
static struct kunit_suite eo_suite = {
	.name = "pci-sim-error-order",
	.attr.speed = KUNIT_SPEED_VERY_SLOW,
	.test_cases = eo_cases,
};

kunit_test_suite(eo_suite);
