// SPDX-License-Identifier: GPL-2.0
/*
 * Driver of simulated Endpoints and their VFs, which counts the calls of its
 * callbacks
 *
 * It matches by Subsystem Vendor ID and Subsystem ID.  So an Endpoint may have
 * the Vendor ID and Device ID of real hardware, to be subject to the quirks for
 * it.
 */

#include <linux/module.h>

#include "sim.h"

/**
 * pci_sim_counts - get the number of calls of the driver of an Endpoint
 * @f: Function of an Endpoint, or VF
 *
 * Context: Any.
 * Return: the counters.  Unplugging a card does not clear them.
 */
struct pci_sim_counts pci_sim_counts(struct pci_sim_func *f)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	return f->counts;
}
EXPORT_SYMBOL_GPL(pci_sim_counts);

/**
 * pci_sim_on_call - call a function in the callbacks of the driver of an Endpoint
 * @f: Function of an Endpoint, or VF
 * @fn: function to call in each of them, see pci_sim_call_t, or NULL for none
 * @data: argument of @fn
 *
 * Context: Any.
 */
void pci_sim_on_call(struct pci_sim_func *f, pci_sim_call_t fn, void *data)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	f->on_call = fn;
	f->call_data = data;
}
EXPORT_SYMBOL_GPL(pci_sim_on_call);

static unsigned int sim_counter_get(const struct pci_sim_counts *counts,
				    const struct attribute *attr)
{
	const struct dev_ext_attribute *counter;

	counter = container_of_const(attr, struct dev_ext_attribute,
				     attr.attr);
	return *(unsigned int *)((void *)counts + (uintptr_t)counter->var);
}

/* The counters are in sysfs too, where a device is found without its fabric */
static ssize_t sim_counter_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct pci_sim_counts counts = pci_sim_counts(dev_get_drvdata(dev));

	return sysfs_emit(buf, "%u\n", sim_counter_get(&counts, &attr->attr));
}

#define SIM_COUNTER(_name)						\
static struct dev_ext_attribute sim_counter_##_name = {			\
	.attr	= {							\
		.attr	= { .name = #_name, .mode = 0444 },		\
		.show	= sim_counter_show,				\
	},								\
	.var	= (void *)offsetof(struct pci_sim_counts, _name),	\
}

SIM_COUNTER(probe);
SIM_COUNTER(remove);
SIM_COUNTER(reset_prepare);
SIM_COUNTER(reset_done);
SIM_COUNTER(error_detected);
SIM_COUNTER(perm_failure);
SIM_COUNTER(mmio_enabled);
SIM_COUNTER(slot_reset);
SIM_COUNTER(resume);

static struct attribute *sim_counter_attrs[] = {
	&sim_counter_probe.attr.attr,
	&sim_counter_remove.attr.attr,
	&sim_counter_reset_prepare.attr.attr,
	&sim_counter_reset_done.attr.attr,
	&sim_counter_error_detected.attr.attr,
	&sim_counter_perm_failure.attr.attr,
	&sim_counter_mmio_enabled.attr.attr,
	&sim_counter_slot_reset.attr.attr,
	&sim_counter_resume.attr.attr,
	NULL
};

static const struct attribute_group sim_counter_group = {
	.name	= "pci-sim",
	.attrs	= sim_counter_attrs,
};

static const struct attribute_group *sim_counter_groups[] = {
	&sim_counter_group,
	NULL
};

/**
 * sim_counts_emit - print the counters of the driver of an Endpoint
 * @f: Function of an Endpoint
 * @page: buffer of PAGE_SIZE bytes, page aligned; gets a line for each counter
 *
 * Context: Any.
 * Return: length of the text in bytes.
 */
int sim_counts_emit(struct pci_sim_func *f, char *page)
{
	struct pci_sim_counts counts = pci_sim_counts(f);
	struct attribute **attr;
	int len = 0;

	for (attr = sim_counter_attrs; *attr; attr++)
		len += sysfs_emit_at(page, len, "%s %u\n", (*attr)->name,
				     sim_counter_get(&counts, *attr));
	return len;
}

static void sim_count(struct pci_sim_func *f, unsigned int *counter)
{
	guard(raw_spinlock_irqsave)(&f->sim->lock);
	(*counter)++;
}

/* Returns what the test's callback does, 0 if there is none */
static int sim_call(struct pci_dev *pdev, enum pci_sim_call call)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);
	pci_sim_call_t fn;
	void *data;

	scoped_guard(raw_spinlock_irqsave, &f->sim->lock) {
		fn = f->on_call;
		data = f->call_data;
	}

	return fn ? fn(pdev, call, data) : 0;
}

static int pci_sim_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct pci_sim_func *f = pci_sim_of_dev(pdev);
	int rc;

	/* The device may have been pulled since it was enumerated */
	if (!f)
		return -ENODEV;

	pci_set_drvdata(pdev, f);
	sim_count(f, &f->counts.probe);

	rc = pcim_enable_device(pdev);
	if (rc)
		return rc;
	pci_set_master(pdev);

	return sim_call(pdev, PCI_SIM_PROBE);
}

static void pci_sim_remove(struct pci_dev *pdev)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);

	/* The PCI core does not remove VFs, which must go before their PF */
	pci_disable_sriov(pdev);
	sim_count(f, &f->counts.remove);
	sim_call(pdev, PCI_SIM_REMOVE);
}

static void pci_sim_reset_prepare(struct pci_dev *pdev)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);

	sim_count(f, &f->counts.reset_prepare);
	sim_call(pdev, PCI_SIM_RESET_PREPARE);
}

static void pci_sim_reset_done(struct pci_dev *pdev)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);

	sim_count(f, &f->counts.reset_done);
	sim_call(pdev, PCI_SIM_RESET_DONE);
}

static pci_ers_result_t pci_sim_error_detected(struct pci_dev *pdev,
					       pci_channel_state_t state)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);
	int rc;

	sim_count(f, &f->counts.error_detected);
	if (state == pci_channel_io_perm_failure)
		sim_count(f, &f->counts.perm_failure);

	rc = sim_call(pdev, PCI_SIM_ERROR_DETECTED);
	if (rc)
		return (__force pci_ers_result_t)rc;
	if (state == pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_DISCONNECT;
	if (state == pci_channel_io_normal && !f->ask_reset)
		return PCI_ERS_RESULT_CAN_RECOVER;

	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t pci_sim_mmio_enabled(struct pci_dev *pdev)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);
	int rc;

	sim_count(f, &f->counts.mmio_enabled);
	rc = sim_call(pdev, PCI_SIM_MMIO_ENABLED);

	return rc ? (__force pci_ers_result_t)rc : PCI_ERS_RESULT_RECOVERED;
}

static pci_ers_result_t pci_sim_slot_reset(struct pci_dev *pdev)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);
	int rc;

	sim_count(f, &f->counts.slot_reset);

	/* That state is from before the probe, so enable the device again */
	pci_restore_state(pdev);
	if (pci_reenable_device(pdev))
		return PCI_ERS_RESULT_DISCONNECT;
	pci_set_master(pdev);
	rc = sim_call(pdev, PCI_SIM_SLOT_RESET);

	return rc ? (__force pci_ers_result_t)rc : PCI_ERS_RESULT_RECOVERED;
}

static void pci_sim_resume(struct pci_dev *pdev)
{
	struct pci_sim_func *f = pci_get_drvdata(pdev);

	sim_count(f, &f->counts.resume);
	sim_call(pdev, PCI_SIM_RESUME);
}

static const struct pci_error_handlers pci_sim_err_handler = {
	.error_detected	= pci_sim_error_detected,
	.mmio_enabled	= pci_sim_mmio_enabled,
	.slot_reset	= pci_sim_slot_reset,
	.reset_prepare	= pci_sim_reset_prepare,
	.reset_done	= pci_sim_reset_done,
	.resume		= pci_sim_resume,
};

static const struct pci_device_id pci_sim_ids[] = {
	{ PCI_DEVICE_SUB(PCI_ANY_ID, PCI_ANY_ID,
			 PCI_SIM_VENDOR_ID, PCI_SIM_DEVICE_ENDPOINT) },
	{ }
};

/* Registered by module.c */
struct pci_driver sim_driver = {
	.name			= "pci-sim",
	.id_table		= pci_sim_ids,
	.probe			= pci_sim_probe,
	.remove			= pci_sim_remove,
	.sriov_configure	= pci_sriov_configure_simple,
	.err_handler		= &pci_sim_err_handler,
	.dev_groups		= sim_counter_groups,
};
