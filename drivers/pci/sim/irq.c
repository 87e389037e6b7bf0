// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts of a simulated fabric: level triggered INTx, edge triggered MSI
 *
 * A port has four interrupt sources, enum pci_sim_irq, each with a condition.
 * With MSI, a message is sent when a condition becomes true; with INTx, the pin
 * is asserted as long as one of the conditions is true (PCIe r6.0, sec 6.7.3.4
 * and 6.2.4.1.2).  Both happen after the latency of the source, from the timer
 * of the fabric and never from within the config access that is the cause.
 *
 * Static functions up to sim_irq_kick() are called with &pci_sim.lock held, the
 * others without it.  Those of the irq_chips take it while the lock of an
 * irq_desc is held, so sim_irq_deliver() drops it before it calls the irq core.
 */

#include <linux/bitfield.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqchip/irq-msi-lib.h>
#include <linux/irqdomain.h>
#include <linux/log2.h>
#include <linux/msi.h>

#include "sim.h"

/* Not written to: sim_msi_send() looks at the data of a message only */
#define SIM_MSI_ADDRESS		0xfee00000

/* From unmasking an INTx that is asserted to its delivery, in microseconds */
#define SIM_INTX_AGAIN_US	1

static bool sim_slot_condition(struct pci_sim_func *f)
{
	u32 slot = *sim_val(f, SIM_EXP + PCI_EXP_SLTCTL);
	u16 ctl = slot, sta = slot >> 16;

	if (!(ctl & PCI_EXP_SLTCTL_HPIE))
		return false;
	if (sta & PCI_EXP_SLTSTA_DLLSC && ctl & PCI_EXP_SLTCTL_DLLSCE)
		return true;

	/* The other enable bits are where the status bits are */
	return sta & ctl & (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD |
			    PCI_EXP_SLTSTA_MRLSC | PCI_EXP_SLTSTA_PDC |
			    PCI_EXP_SLTSTA_CC);
}

static bool sim_pme_condition(struct pci_sim_func *f)
{
	return *sim_val(f, SIM_EXP + PCI_EXP_RTCTL) & PCI_EXP_RTCTL_PMEIE &&
	       *sim_val(f, SIM_EXP + PCI_EXP_RTSTA) & PCI_EXP_RTSTA_PME;
}

static bool sim_aer_condition(struct pci_sim_func *f)
{
	u32 cmd = *sim_val(f, SIM_AER + PCI_ERR_ROOT_COMMAND);
	u32 sta = *sim_val(f, SIM_AER + PCI_ERR_ROOT_STATUS);

	return (cmd & PCI_ERR_ROOT_CMD_COR_EN && sta & PCI_ERR_ROOT_COR_RCV) ||
	       (cmd & PCI_ERR_ROOT_CMD_NONFATAL_EN &&
		sta & PCI_ERR_ROOT_NONFATAL_RCV) ||
	       (cmd & PCI_ERR_ROOT_CMD_FATAL_EN &&
		sta & PCI_ERR_ROOT_FATAL_RCV);
}

static bool sim_dpc_condition(struct pci_sim_func *f)
{
	return *sim_val(f, SIM_DPC + PCI_EXP_DPC_CAP) &
	       PCI_EXP_DPC_CTL_INT_EN << 16 &&
	       *sim_val(f, SIM_DPC + PCI_EXP_DPC_STATUS) &
	       PCI_EXP_DPC_STATUS_INTERRUPT;
}

/* Mask of the interrupt sources whose condition is true */
static unsigned int sim_conditions(struct pci_sim_func *f)
{
	unsigned int conditions = 0;

	if (!sim_is_port(f) || f->state != SIM_READY)
		return 0;

	/*
	 * In D3hot a Function may send no message but PME (PCIe r6.0, sec
	 * 5.3.1.4.1).  A Root Port is part of the Root Complex and needs none.
	 */
	if (f->type != PCI_EXP_TYPE_ROOT_PORT &&
	    sim_power_state(*sim_val(f, SIM_PM + PCI_PM_CTRL)) != PCI_D0)
		return 0;

	if (sim_slot_condition(f))
		conditions |= BIT(PCI_SIM_IRQ_SLOT);
	if (sim_dpc_condition(f))
		conditions |= BIT(PCI_SIM_IRQ_DPC);
	if (f->type != PCI_EXP_TYPE_ROOT_PORT)
		return conditions;

	if (sim_pme_condition(f))
		conditions |= BIT(PCI_SIM_IRQ_PME);
	if (sim_aer_condition(f))
		conditions |= BIT(PCI_SIM_IRQ_AER);
	return conditions;
}

static bool sim_msi_enabled(struct pci_sim_func *f)
{
	return *sim_val(f, SIM_MSI) & PCI_MSI_FLAGS_ENABLE << 16;
}

/*
 * An MSI is a Memory Write: the Function and all bridges above it need Bus
 * Master Enable, and the bridges have to forward it.
 */
static bool sim_msi_reaches_root(struct pci_sim_func *f)
{
	if (!(*sim_val(f, PCI_COMMAND) & PCI_COMMAND_MASTER))
		return false;

	while ((f = f->upstream)) {
		if (!sim_bridge_forwards(f) ||
		    !(*sim_val(f, PCI_COMMAND) & PCI_COMMAND_MASTER))
			return false;
	}
	return true;
}

/*
 * The Interrupt Message Number of a source, from the register that reports it.
 * It is 0 if software has enabled fewer messages than that.
 */
static unsigned int sim_msi_message(struct sim_irq *irq)
{
	struct pci_sim_func *f = irq->func;
	u16 flags = *sim_val(f, SIM_MSI) >> 16;
	unsigned int n = 0;

	if (irq == &f->irq[PCI_SIM_IRQ_AER])
		n = FIELD_GET(PCI_ERR_ROOT_AER_IRQ,
			      *sim_val(f, SIM_AER + PCI_ERR_ROOT_STATUS));
	else if (irq == &f->irq[PCI_SIM_IRQ_DPC])
		n = FIELD_GET(PCI_EXP_DPC_IRQ,
			      *sim_val(f, SIM_DPC + PCI_EXP_DPC_CAP));

	return n < 1 << FIELD_GET(PCI_MSI_FLAGS_QSIZE, flags) ? n : 0;
}

/* Mark an MSI as due, for sim_irq_deliver() */
static void sim_msi_send(struct sim_irq *irq)
{
	struct pci_sim_func *f = irq->func;
	u32 data = *sim_val(f, SIM_MSI + PCI_MSI_DATA_64);

	irq->pending = false;
	data |= sim_msi_message(irq);
	if (data < SIM_NR_MSI && sim_msi_reaches_root(f))
		__set_bit(data, f->sim->msi_due);
}

/*
 * The pin on the root bus for INTA of a Function: each bridge swizzles it as in
 * pci_common_swizzle(), and so does the root bus, see sim_map_irq().
 */
static unsigned int sim_intx_pin(struct pci_sim_func *f)
{
	unsigned int pin = 0;

	for (; f; f = f->upstream)
		pin += PCI_SLOT(f->devfn);

	return pin % SIM_NR_INTX;
}

static void sim_intx_assert(struct pci_sim_func *f)
{
	struct pci_sim *sim = f->sim;

	if (f->intx)
		return;

	f->intx = true;
	f->intx_pin = sim_intx_pin(f);
	sim->intx_count[f->intx_pin]++;
	if (!test_bit(f->intx_pin, &sim->intx_masked))
		__set_bit(f->intx_pin, &sim->intx_due);
}

static void sim_intx_deassert(struct pci_sim_func *f)
{
	struct pci_sim *sim = f->sim;

	if (!f->intx)
		return;

	f->intx = false;
	if (!--sim->intx_count[f->intx_pin])
		__clear_bit(f->intx_pin, &sim->intx_due);
}

/* The latency of an interrupt source is over */
static void sim_irq_fire(struct sim_event *ev)
{
	struct sim_irq *irq = container_of(ev, struct sim_irq, event);

	if (!sim_msi_enabled(irq->func))
		sim_intx_assert(irq->func);
	else if (irq->pending)
		sim_msi_send(irq);
}

static void sim_irq_cancel(struct sim_irq *irq)
{
	sim_event_cancel(irq->func->sim, &irq->event);
	irq->pending = false;
}

/**
 * sim_irq_reset - cancel all interrupts of a Function that is reset
 * @f: Function
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_irq_reset(struct pci_sim_func *f)
{
	unsigned int i;

	for (i = 0; i < PCI_SIM_IRQS; i++)
		sim_irq_cancel(&f->irq[i]);
	sim_intx_deassert(f);
	f->irq_sources = 0;
}

static void sim_irq_update_msi(struct sim_irq *irq, bool rising)
{
	if (!rising || irq->pending)
		return;

	irq->pending = true;
	sim_event_queue(irq->func->sim, &irq->event, irq->us);
}

static void sim_irq_update_intx(struct sim_irq *irq, bool on)
{
	irq->pending = false;
	if (!on || irq->func->intx)
		sim_irq_cancel(irq);
	else if (!timerqueue_node_queued(&irq->event.node))
		sim_event_queue(irq->func->sim, &irq->event, irq->us);
}

/**
 * sim_irq_update - update the interrupts of a Function
 * @f: Function
 *
 * To be called when a register that has to do with interrupts, or the state of
 * the Function, may have changed.  Also sends a PM_PME if that is due.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_irq_update(struct pci_sim_func *f)
{
	unsigned int i, rising, sources;

	sim_pme(f);
	sources = sim_conditions(f);

	if (sim_msi_enabled(f)) {
		sim_intx_deassert(f);
		rising = sources & ~f->irq_sources;
		f->irq_sources = sources;
		for (i = 0; i < PCI_SIM_IRQS; i++)
			sim_irq_update_msi(&f->irq[i], rising & BIT(i));
		return;
	}

	f->irq_sources = 0;
	if (*sim_val(f, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE)
		sources = 0;
	if (!sources)
		sim_intx_deassert(f);
	for (i = 0; i < PCI_SIM_IRQS; i++)
		sim_irq_update_intx(&f->irq[i], sources & BIT(i));
}

/**
 * sim_irq_skip_slot - send no MSI for the hot-plug events that are pending
 * @f: Root Port or Downstream Port
 *
 * Does nothing with INTx, which is asserted as long as the condition is true.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_irq_skip_slot(struct pci_sim_func *f)
{
	if (sim_msi_enabled(f) && sim_conditions(f) & BIT(PCI_SIM_IRQ_SLOT))
		f->irq_sources |= BIT(PCI_SIM_IRQ_SLOT);
}

/**
 * sim_irq_init_func - initialize the interrupt sources of a new Function
 * @f: Function
 *
 * Context: Any.
 */
void sim_irq_init_func(struct pci_sim_func *f)
{
	unsigned int i;

	f->irq_us = 1;
	for (i = 0; i < PCI_SIM_IRQS; i++) {
		sim_event_init(&f->irq[i].event, sim_irq_fire);
		f->irq[i].func = f;
		f->irq[i].us = f->irq_us;
	}
}

/**
 * sim_irq_deliver - deliver the interrupts that are due
 * @sim: fabric
 *
 * Context: Hard interrupt.  The caller holds &pci_sim.lock, which is dropped
 * while handlers run.
 */
void sim_irq_deliver(struct pci_sim *sim)
{
	DECLARE_BITMAP(msi, SIM_NR_MSI);
	unsigned long intx;
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	while (sim->intx_due || !bitmap_empty(sim->msi_due, SIM_NR_MSI)) {
		intx = sim->intx_due;
		sim->intx_due = 0;
		bitmap_copy(msi, sim->msi_due, SIM_NR_MSI);
		bitmap_zero(sim->msi_due, SIM_NR_MSI);
		raw_spin_unlock(&sim->lock);

		for_each_set_bit(i, &intx, SIM_NR_INTX)
			generic_handle_domain_irq(sim->intx_domain, i);
		for_each_set_bit(i, msi, SIM_NR_MSI)
			generic_handle_domain_irq(sim->msi_domain, i);

		raw_spin_lock(&sim->lock);
	}
}

/* An INTx that is still asserted when it is unmasked is delivered again */
static void sim_irq_kick(struct sim_event *ev)
{
	struct pci_sim *sim = container_of(ev, struct pci_sim, irq_kick);
	unsigned int i;

	for (i = 0; i < SIM_NR_INTX; i++) {
		if (sim->intx_count[i] && !test_bit(i, &sim->intx_masked))
			__set_bit(i, &sim->intx_due);
	}
}

static void sim_intx_mask(struct irq_data *d)
{
	struct pci_sim *sim = irq_data_get_irq_chip_data(d);

	guard(raw_spinlock_irqsave)(&sim->lock);
	__set_bit(d->hwirq, &sim->intx_masked);
	__clear_bit(d->hwirq, &sim->intx_due);
}

static void sim_intx_unmask(struct irq_data *d)
{
	struct pci_sim *sim = irq_data_get_irq_chip_data(d);

	guard(raw_spinlock_irqsave)(&sim->lock);
	__clear_bit(d->hwirq, &sim->intx_masked);
	if (sim->intx_count[d->hwirq])
		sim_event_queue(sim, &sim->irq_kick, SIM_INTX_AGAIN_US);
}

static struct irq_chip sim_intx_chip = {
	.name		= "pci-sim-INTx",
	.irq_mask	= sim_intx_mask,
	.irq_unmask	= sim_intx_unmask,
};

static int sim_intx_map(struct irq_domain *d, unsigned int virq,
			irq_hw_number_t hwirq)
{
	irq_set_status_flags(virq, IRQ_LEVEL);
	irq_set_chip_and_handler(virq, &sim_intx_chip, handle_level_irq);
	irq_set_chip_data(virq, d->host_data);
	return 0;
}

static void sim_intx_unmap(struct irq_domain *d, unsigned int virq)
{
	irq_set_chip_and_handler(virq, NULL, NULL);
	irq_set_chip_data(virq, NULL);
}

static const struct irq_domain_ops sim_intx_ops = {
	.map	= sim_intx_map,
	.unmap	= sim_intx_unmap,
};

/**
 * sim_map_irq - &pci_host_bridge.map_irq
 * @pdev: device
 * @slot: device number on the root bus, of the device or of a bridge above it
 * @pin: interrupt pin on the root bus, 1 for INTA to 4 for INTD
 *
 * Context: May sleep.
 * Return: the interrupt number, 0 if it cannot be mapped.
 */
int sim_map_irq(const struct pci_dev *pdev, u8 slot, u8 pin)
{
	struct pci_sim *sim = sim_of_bus(pdev->bus);

	return irq_create_mapping(sim->intx_domain,
				  (pin - 1 + slot) % SIM_NR_INTX);
}

static void sim_msi_ack(struct irq_data *d)
{
}

static int sim_msi_retrigger(struct irq_data *d)
{
	struct pci_sim *sim = irq_data_get_irq_chip_data(d);

	guard(raw_spinlock_irqsave)(&sim->lock);
	__set_bit(d->hwirq, sim->msi_due);
	sim_event_queue(sim, &sim->irq_kick, 0);
	return 1;
}

static void sim_msi_compose_msg(struct irq_data *d, struct msi_msg *msg)
{
	msg->address_hi = 0;
	msg->address_lo = SIM_MSI_ADDRESS;
	msg->data = d->hwirq;
}

static struct irq_chip sim_msi_chip = {
	.name			= "pci-sim-MSI",
	.irq_ack		= sim_msi_ack,
	.irq_retrigger		= sim_msi_retrigger,
	.irq_compose_msi_msg	= sim_msi_compose_msg,
};

static int sim_msi_alloc(struct irq_domain *d, unsigned int virq,
			 unsigned int nr_irqs, void *arg)
{
	unsigned int i, n = roundup_pow_of_two(nr_irqs);
	struct pci_sim *sim = d->host_data;
	unsigned long bit;

	/* The messages of a Function only differ in the low bits of the data */
	scoped_guard(raw_spinlock_irqsave, &sim->msi_lock) {
		bit = bitmap_find_next_zero_area(sim->msi_used, SIM_NR_MSI, 0,
						 n, n - 1);
		if (bit < SIM_NR_MSI)
			bitmap_set(sim->msi_used, bit, nr_irqs);
	}
	if (bit >= SIM_NR_MSI)
		return -ENOSPC;

	for (i = 0; i < nr_irqs; i++)
		irq_domain_set_info(d, virq + i, bit + i, &sim_msi_chip, sim,
				    handle_edge_irq, NULL, NULL);
	return 0;
}

static void sim_msi_free_one(struct irq_domain *d, unsigned int virq)
{
	struct irq_data *data = irq_domain_get_irq_data(d, virq);
	struct pci_sim *sim = d->host_data;

	scoped_guard(raw_spinlock_irqsave, &sim->lock)
		__clear_bit(data->hwirq, sim->msi_due);
	scoped_guard(raw_spinlock_irqsave, &sim->msi_lock)
		__clear_bit(data->hwirq, sim->msi_used);
	irq_domain_reset_irq_data(data);
}

static void sim_msi_free(struct irq_domain *d, unsigned int virq,
			 unsigned int nr_irqs)
{
	unsigned int i;

	for (i = 0; i < nr_irqs; i++)
		sim_msi_free_one(d, virq + i);
}

static const struct irq_domain_ops sim_msi_ops = {
	.alloc	= sim_msi_alloc,
	.free	= sim_msi_free,
};

static const struct msi_parent_ops sim_msi_parent_ops = {
	.required_flags		= MSI_FLAG_USE_DEF_DOM_OPS |
				  MSI_FLAG_USE_DEF_CHIP_OPS |
				  MSI_FLAG_NO_AFFINITY,
	.supported_flags	= MSI_GENERIC_FLAGS_MASK |
				  MSI_FLAG_MULTI_PCI_MSI,
	.chip_flags		= MSI_CHIP_FLAG_SET_ACK,
	.bus_select_token	= DOMAIN_BUS_NEXUS,
	.bus_select_mask	= MATCH_PCI_MSI,
	.prefix			= "pci-sim-",
	.init_dev_msi_info	= msi_lib_init_dev_msi_info,
};

static int sim_msi_init(struct pci_sim *sim)
{
	struct irq_domain_info info = {
		.ops		= &sim_msi_ops,
		.size		= SIM_NR_MSI,
		.host_data	= sim,
	};

	info.fwnode = irq_domain_alloc_named_id_fwnode("pci-sim-MSI",
						       sim->bridge->domain_nr);
	if (!info.fwnode)
		return -ENOMEM;

	sim->msi_domain = msi_create_parent_irq_domain(&info,
						       &sim_msi_parent_ops);
	if (!sim->msi_domain) {
		irq_domain_free_fwnode(info.fwnode);
		return -ENOMEM;
	}
	return 0;
}

static int sim_intx_init(struct pci_sim *sim)
{
	struct fwnode_handle *fwnode;

	fwnode = irq_domain_alloc_named_id_fwnode("pci-sim-INTx",
						  sim->bridge->domain_nr);
	if (!fwnode)
		return -ENOMEM;

	sim->intx_domain = irq_domain_create_linear(fwnode, SIM_NR_INTX,
						    &sim_intx_ops, sim);
	if (!sim->intx_domain) {
		irq_domain_free_fwnode(fwnode);
		return -ENOMEM;
	}
	return 0;
}

static void sim_domain_remove(struct irq_domain *d)
{
	struct fwnode_handle *fwnode;

	if (!d)
		return;

	fwnode = d->fwnode;
	irq_domain_remove(d);
	irq_domain_free_fwnode(fwnode);
}

/* Wait for the handler of an interrupt and its thread */
static void sim_irq_wait(struct irq_domain *d, irq_hw_number_t hwirq)
{
	unsigned int virq = irq_find_mapping(d, hwirq);

	if (virq)
		synchronize_irq(virq);
}

/**
 * sim_irq_synchronize - wait for interrupt handlers and their threads
 * @sim: fabric that is started
 *
 * Waits for all handlers that were running or pending when it was called, but
 * not for those of interrupts that are delivered later.
 *
 * Context: May sleep.  The caller does not hold pci_rescan_remove_lock, which
 * the interrupt thread of pciehp may be waiting for.
 */
void sim_irq_synchronize(struct pci_sim *sim)
{
	DECLARE_BITMAP(msi, SIM_NR_MSI);
	unsigned int i;

	scoped_guard(raw_spinlock_irqsave, &sim->msi_lock)
		bitmap_copy(msi, sim->msi_used, SIM_NR_MSI);

	for (i = 0; i < SIM_NR_INTX; i++)
		sim_irq_wait(sim->intx_domain, i);
	for_each_set_bit(i, msi, SIM_NR_MSI)
		sim_irq_wait(sim->msi_domain, i);
}

/**
 * sim_irq_exit - remove the interrupt domains of a fabric
 * @sim: fabric without devices, after sim_events_stop(); one or both of the
 *	 domains may not exist
 *
 * Context: May sleep.
 */
void sim_irq_exit(struct pci_sim *sim)
{
	unsigned int i;

	if (sim->intx_domain) {
		for (i = 0; i < SIM_NR_INTX; i++)
			irq_dispose_mapping(irq_find_mapping(sim->intx_domain,
							     i));
	}
	sim_domain_remove(sim->intx_domain);
	sim_domain_remove(sim->msi_domain);
	sim->intx_domain = NULL;
	sim->msi_domain = NULL;
}

/**
 * sim_irq_init - create the interrupt domains of a fabric
 * @sim: fabric with a host bridge
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM with no domain created.
 */
int sim_irq_init(struct pci_sim *sim)
{
	int rc;

	sim_event_init(&sim->irq_kick, sim_irq_kick);
	rc = sim_msi_init(sim);
	if (!rc)
		rc = sim_intx_init(sim);
	if (rc)
		sim_irq_exit(sim);
	return rc;
}
