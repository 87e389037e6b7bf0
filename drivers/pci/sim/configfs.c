// SPDX-License-Identifier: GPL-2.0
/*
 * configfs interface of the PCIe fabric simulator
 *
 * A directory stands for a fabric or a part of it; its name says which kind of
 * part.  sim_kinds[] has the kinds: which of them may be in which, and how each
 * is added to the fabric when that goes live.  A struct sim_attr describes an
 * attribute: where its value is stored, its range, and what a write does while
 * the fabric is live.  See Documentation/PCI/pci-sim.rst for the interface.
 *
 * Locks, outermost first:
 *
 *   sim_fabric::lock	  protects the values of the attributes of a fabric,
 *			  sim_fabric::sim and sim_item::func.  It is held while
 *			  the fabric goes live or stops, so attributes see it
 *			  either live or not.
 *   sim_subsys.su_mutex  protects sim_fabric::items and sim_fabric::live.
 *			  configfs holds it when it calls sim_make_group() and
 *			  sim_drop_item(), which take no other lock.
 *   pci_sim::lock	  see struct pci_sim.
 *
 * While sim_fabric::live is set, no directory of the fabric can be removed,
 * because the fabric depends on it, and none can be made.  So its items may be
 * walked without su_mutex.
 *
 * The show and store functions of an attribute are only called while its
 * directory, and all above it, exist.  sim_release() may be called later, so it
 * accesses nothing but the item itself.
 */

#define pr_fmt(fmt) "pci-sim: " fmt

#include <linux/configfs.h>
#include <linux/ctype.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "sim.h"

/*
 * Maximum depth of directories: eight switches in a row and an Endpoint with a
 * functionN below the last.  The PCI core recurses from bus to bus, and the
 * kernel stack is limited.
 */
#define SIM_MAX_DEPTH		19

struct sim_item;

/**
 * struct sim_kind - a kind of directory
 * @name: start of the directory's name, which is followed by a number
 * @bare: the number may be left out, and is 0 then
 * @card: the part is a card, which can be plugged into a port
 * @min: lowest number
 * @max: highest number
 * @below: mask of the kinds that may be in the directory
 * @add: add the part to the simulated fabric, see sim_add()
 * @type: attributes and operations of the directory
 */
struct sim_kind {
	const char *name;
	bool bare;
	bool card;
	unsigned int min;
	unsigned int max;
	unsigned int below;
	struct pci_sim_func *(*add)(struct sim_item *item);
	struct config_item_type type;
};

/* Index in sim_kinds[] */
enum {
	SIM_FABRIC,
	SIM_PORT,
	SIM_SWITCH,
	SIM_BRIDGE,
	SIM_ENDPOINT,
	SIM_DEVICE,
	SIM_FUNCTION,
};

/**
 * struct sim_item - a directory
 * @group: its representation in configfs
 * @kind: entry of sim_kinds[]
 * @fabric: the fabric that it belongs to
 * @parent: the directory that it is in; NULL for a fabric
 * @node: entry in &sim_fabric.items; unused in a fabric
 * @depth: number of directories between it and pci-sim
 * @number: number in its name
 * @func: Function 0 of the part while the fabric is live, otherwise NULL
 * @present: card: it is plugged in when the fabric goes live
 * @rnd: fabric: arguments of pci_sim_jitter()
 * @rnd.seed: seed
 * @rnd.jitter: maximum, in percent
 * @port: port: its configuration
 * @ep: Endpoint, conventional device or further Function: its configuration
 *
 * &sim_fabric.lock protects @func, @present, @rnd, @port and @ep; su_mutex
 * protects @node; all else does not change.  sim_card_by_default() reads
 * @present with su_mutex only, for the default of a new card.
 */
struct sim_item {
	struct config_group group;
	const struct sim_kind *kind;
	struct sim_fabric *fabric;
	struct sim_item *parent;
	struct list_head node;
	unsigned int depth;
	unsigned int number;
	struct pci_sim_func *func;
	bool present;
	union {
		struct {
			u64 seed;
			u32 jitter;
		} rnd;
		struct pci_sim_port_config port;
		struct pci_sim_ep_config ep;
	};
};

/**
 * struct sim_fabric - a directory that stands for a fabric
 * @item: the directory; must be the first member, see sim_release()
 * @lock: protects @sim and the attributes of all directories of the fabric
 * @items: all directories below, sorted by depth, then by number; protected by
 *	   su_mutex, constant while @live is set
 * @live: directories can be neither made nor removed; protected by su_mutex,
 *	  and only written with @lock held as well
 * @sim: the simulated fabric while it is live, otherwise NULL
 */
struct sim_fabric {
	struct sim_item item;
	/* See the lock order at the top of this file */
	struct mutex lock;
	struct list_head items;
	bool live;
	struct pci_sim *sim;
};

/**
 * struct sim_attr - an attribute that is a number
 * @offset: offset of the configured value in struct sim_item
 * @size: its size in bytes, 0 if the attribute is no configuration
 * @live: offset of the current value in struct pci_sim_func, where it has the
 *	  same size, to be shown while the fabric is live; 0 for none
 * @hex: show the value in hexadecimal
 * @never: a time that may be PCI_SIM_NEVER, shown as "never"
 * @min: minimum
 * @max: maximum
 * @fn: action of a write while the fabric is live, with the value cast to a
 *	pointer as its argument; NULL if it cannot be written then
 * @reg: register that shows whether the Function supports @fn
 * @bits: bits in @reg of which at least one is set if it does; 0 if every
 *	  Function does
 */
struct sim_attr {
	u16 offset;
	u8 size;
	u16 live;
	bool hex;
	bool never;
	u32 min;
	u64 max;
	pci_sim_action_t fn;
	u16 reg;
	u32 bits;
};

static struct configfs_subsystem sim_subsys;

static struct sim_item *to_sim_item(struct config_item *item)
{
	return container_of(to_config_group(item), struct sim_item, group);
}

/* Read an unsigned integer of 1, 2, 4 or 8 bytes */
static u64 sim_load(const void *from, u8 size)
{
	switch (size) {
	case 1:
		return *(const u8 *)from;
	case 2:
		return *(const u16 *)from;
	case 4:
		return *(const u32 *)from;
	default:
		return *(const u64 *)from;
	}
}

/* Write an unsigned integer of 1, 2, 4 or 8 bytes */
static void sim_store(void *to, u8 size, u64 val)
{
	switch (size) {
	case 1:
		*(u8 *)to = val;
		break;
	case 2:
		*(u16 *)to = val;
		break;
	case 4:
		*(u32 *)to = val;
		break;
	default:
		*(u64 *)to = val;
	}
}

static u64 sim_attr_get(struct sim_item *item, const struct sim_attr *a)
{
	if (!item->func || !a->live)
		return sim_load((void *)item + a->offset, a->size);

	guard(raw_spinlock_irqsave)(&item->func->sim->lock);
	return sim_load((void *)item->func + a->live, a->size);
}

static ssize_t sim_attr_show(struct config_item *ci, char *page,
			     const struct sim_attr *a)
{
	struct sim_item *item = to_sim_item(ci);
	u64 val;

	guard(mutex)(&item->fabric->lock);
	val = sim_attr_get(item, a);
	if (a->never && val == PCI_SIM_NEVER)
		return sysfs_emit(page, "never\n");

	return sysfs_emit(page, a->hex ? "%#llx\n" : "%llu\n", val);
}

/* Parse "VALUE" or "VALUE DELAY"; the delay is in microseconds, 0 by default */
static int sim_parse(const char *page, const struct sim_attr *a, u64 *val,
		     u32 *delay_us)
{
	char buf[48], *rest = buf, *value, *delay;
	int rc;

	if (strscpy(buf, skip_spaces(page)) < 0)
		return -EINVAL;

	strim(buf);
	value = strsep(&rest, " \t");
	delay = rest ? skip_spaces(rest) : NULL;

	*val = PCI_SIM_NEVER;
	if (!a->never || strcmp(value, "never")) {
		rc = kstrtou64(value, 0, val);
		if (rc)
			return rc;
	}
	if (*val < a->min || *val > a->max)
		return -ERANGE;

	*delay_us = 0;
	return delay ? kstrtou32(delay, 0, delay_us) : 0;
}

/* Call an action on a live fabric, now or after a delay */
static int sim_act(struct pci_sim_func *f, u32 delay_us, pci_sim_action_t fn,
		   void *data)
{
	if (delay_us)
		return pci_sim_at(f, delay_us, fn, data);

	fn(f, data);
	return 0;
}

static int sim_attr_set(struct sim_item *item, const struct sim_attr *a,
			u64 val, u32 delay_us)
{
	lockdep_assert_held(&item->fabric->lock);

	if (item->fabric->sim) {
		if (!a->fn)
			return -EBUSY;
		if (a->bits && !(pci_sim_peek(item->func, a->reg) & a->bits))
			return -EOPNOTSUPP;
		return sim_act(item->func, delay_us, a->fn,
			       (void *)(uintptr_t)val);
	}

	if (!a->size)
		return -ENODEV;
	if (delay_us)
		return -EINVAL;
	sim_store((void *)item + a->offset, a->size, val);
	return 0;
}

static ssize_t sim_attr_store(struct config_item *ci, const char *page,
			      size_t count, const struct sim_attr *a)
{
	struct sim_item *item = to_sim_item(ci);
	u32 delay_us;
	u64 val;
	int rc;

	rc = sim_parse(page, a, &val, &delay_us);
	if (rc)
		return rc;

	guard(mutex)(&item->fabric->lock);
	rc = sim_attr_set(item, a, val, delay_us);
	return rc ?: count;
}

/*
 * configfs does not pass the attribute to show() and store().  So each has
 * functions of its own, which pass its struct sim_attr to the common ones.
 */
#define SIM_STORE(_attr)						\
static ssize_t sim_##_attr##_store(struct config_item *item,		\
				   const char *page, size_t count)	\
{									\
	return sim_attr_store(item, page, count, &sim_##_attr);		\
}

/* Where a configured value is: a member of a struct sim_item at address 0 */
#define SIM_FIELD(_field)						\
	.offset = (uintptr_t)&(_field), .size = sizeof(typeof(_field))

/* Define an attribute that is configuration: _kind._name in struct sim_item */
#define SIM_ATTR(_kind, _name, ...)					\
static const struct sim_attr sim_##_kind##_##_name = {			\
	SIM_FIELD((*(struct sim_item *)NULL)._kind._name),		\
	__VA_ARGS__							\
};									\
									\
static ssize_t sim_##_kind##_##_name##_show(struct config_item *item,	\
					    char *page)			\
{									\
	return sim_attr_show(item, page, &sim_##_kind##_##_name);	\
}									\
									\
SIM_STORE(_kind##_##_name)						\
									\
static struct configfs_attribute sim_##_kind##_attr_##_name = {		\
	.ca_name	= #_name,					\
	.ca_owner	= THIS_MODULE,					\
	.ca_mode	= 0644,						\
	.show		= sim_##_kind##_##_name##_show,			\
	.store		= sim_##_kind##_##_name##_store,		\
}

/*
 * For SIM_ATTR(): _fn changes the value while the fabric is live, _member is
 * the current value in struct pci_sim_func.
 */
#define SIM_LIVE(_member, _fn)						\
	.live = offsetof(struct pci_sim_func, _member), .fn = _fn

/* Define a write-only attribute that is an event in a live fabric */
#define SIM_EVENT(_kind, _name, ...)					\
static const struct sim_attr sim_##_kind##_##_name = { __VA_ARGS__ };	\
									\
SIM_STORE(_kind##_##_name)						\
									\
CONFIGFS_ATTR_WO(sim_##_kind##_, _name)

/* Actions; the argument is the value that was written, cast to a pointer */

static u32 sim_value(void *data)
{
	return (uintptr_t)data;
}

static void sim_do_uncor_error(struct pci_sim_func *f, void *status)
{
	pci_sim_uncor_error(f, sim_value(status));
}

static void sim_do_cor_error(struct pci_sim_func *f, void *status)
{
	pci_sim_cor_error(f, sim_value(status));
}

static void sim_do_irq_us(struct pci_sim_func *port, void *us)
{
	pci_sim_set_irq_us(port, sim_value(us));
}

static void sim_do_press_button(struct pci_sim_func *port, void *data)
{
	pci_sim_press_button(port);
}

static void sim_do_power_fault(struct pci_sim_func *port, void *kind)
{
	pci_sim_power_fault(port, sim_value(kind) == 2);
}

static void sim_do_latch_open(struct pci_sim_func *port, void *open)
{
	pci_sim_mrl(port, sim_value(open));
}

static void sim_do_link_stuck(struct pci_sim_func *port, void *stuck)
{
	pci_sim_link_stuck(port, sim_value(stuck));
}

static void sim_do_link_flap(struct pci_sim_func *port, void *ms)
{
	pci_sim_link_flap(port, sim_value(ms));
}

static void sim_do_dpc_trigger(struct pci_sim_func *port, void *data)
{
	pci_sim_dpc_trigger(port);
}

static void sim_do_ready_ms(struct pci_sim_func *f, void *ms)
{
	pci_sim_set_ready_ms(f, sim_value(ms));
}

static void sim_do_flr_ms(struct pci_sim_func *f, void *ms)
{
	pci_sim_set_flr_ms(f, sim_value(ms));
}

static void sim_do_d3_ms(struct pci_sim_func *f, void *ms)
{
	pci_sim_set_d3_ms(f, sim_value(ms));
}

static void sim_do_insert(struct pci_sim_func *card, void *port)
{
	/* It fails if the card is plugged in already, which is no error here */
	pci_sim_plug(port, card);
}

static void sim_do_pull(struct pci_sim_func *card, void *port)
{
	sim_slot_pull(port, card);
}

/* Attributes of ports, switches and Functions */

SIM_EVENT(func, uncor_error, .fn = sim_do_uncor_error,
	  .min = 1, .max = U32_MAX);
SIM_EVENT(func, cor_error, .fn = sim_do_cor_error,
	  .min = 1, .max = U32_MAX);

static ssize_t sim_func_address_show(struct config_item *ci, char *page)
{
	struct sim_item *item = to_sim_item(ci);
	struct pci_dev *pdev = NULL;
	ssize_t rc;

	guard(mutex)(&item->fabric->lock);
	if (item->func)
		pdev = pci_sim_get_dev(item->func);
	rc = sysfs_emit(page, "%s\n", pdev ? pci_name(pdev) : "");
	pci_dev_put(pdev);
	return rc;
}
CONFIGFS_ATTR_RO(sim_func_, address);

static const char * const sim_reset_names[PCI_SIM_RESET_KINDS] = {
	[PCI_SIM_RESET_COLD]	= "cold",
	[PCI_SIM_RESET_HOT]	= "hot",
	[PCI_SIM_RESET_FLR]	= "flr",
	[PCI_SIM_RESET_AF_FLR]	= "af_flr",
	[PCI_SIM_RESET_PM]	= "pm",
};

static ssize_t sim_func_resets_show(struct config_item *ci, char *page)
{
	struct sim_item *item = to_sim_item(ci);
	enum pci_sim_reset kind;
	int len = 0;

	guard(mutex)(&item->fabric->lock);
	if (!item->func)
		return -ENODEV;

	for (kind = 0; kind < PCI_SIM_RESET_KINDS; kind++)
		len += sysfs_emit_at(page, len, "%s %u\n",
				     sim_reset_names[kind],
				     pci_sim_resets(item->func, kind));
	return len;
}
CONFIGFS_ATTR_RO(sim_func_, resets);

/* Attributes of ports */

SIM_ATTR(port, hotplug, .max = 1);
SIM_ATTR(port, power_ctrl, .max = 1);
SIM_ATTR(port, button, .max = 1);
SIM_ATTR(port, mrl, .max = 1);
SIM_ATTR(port, no_cmd_compl, .max = 1);
SIM_ATTR(port, no_late_events, .max = 1);
SIM_ATTR(port, dpc, .max = 1);
SIM_ATTR(port, intx, .max = 1);
SIM_ATTR(port, multi_msi, .max = 1);
SIM_ATTR(port, no_link_active, .max = 1);
SIM_ATTR(port, no_rrs_sv, .max = 1);
SIM_ATTR(port, no_acs, .max = 1);
SIM_ATTR(port, ptm, .max = 1);
SIM_ATTR(port, link_sleeps, .max = 1);
SIM_ATTR(port, speed, .max = PCI_EXP_LNKCAP_SLS_64_0GB);
SIM_ATTR(port, slot, .max = PCI_EXP_SLTCAP_PSN >> 19,
	 SIM_LIVE(port.config.slot, NULL));
SIM_ATTR(port, train_ms, .max = U32_MAX);
SIM_ATTR(port, cmd_us, .max = U32_MAX);
SIM_ATTR(port, irq_us, .max = U32_MAX, SIM_LIVE(irq_us, sim_do_irq_us));

SIM_EVENT(port, press_button, .fn = sim_do_press_button, .min = 1, .max = 1,
	  .reg = SIM_EXP + PCI_EXP_SLTCAP, .bits = PCI_EXP_SLTCAP_ABP);
SIM_EVENT(port, power_fault, .fn = sim_do_power_fault, .min = 1, .max = 2,
	  .reg = SIM_EXP + PCI_EXP_SLTCAP, .bits = PCI_EXP_SLTCAP_PCP);
SIM_EVENT(port, latch_open, .fn = sim_do_latch_open, .max = 1,
	  .reg = SIM_EXP + PCI_EXP_SLTCAP, .bits = PCI_EXP_SLTCAP_MRLSP);
SIM_EVENT(port, link_stuck, .fn = sim_do_link_stuck, .max = 1);
SIM_EVENT(port, link_flap, .fn = sim_do_link_flap, .max = U32_MAX);
SIM_EVENT(port, dpc_trigger, .fn = sim_do_dpc_trigger, .min = 1, .max = 1,
	  .reg = SIM_DPC + PCI_EXP_DPC_CAP,
	  .bits = PCI_EXP_DPC_CAP_SW_TRIGGER);

static ssize_t sim_port_link_up_show(struct config_item *ci, char *page)
{
	struct sim_item *item = to_sim_item(ci);

	guard(mutex)(&item->fabric->lock);
	return sysfs_emit(page, "%d\n",
			  item->func && pci_sim_link_is_up(item->func));
}
CONFIGFS_ATTR_RO(sim_port_, link_up);

static struct configfs_attribute *sim_port_attrs[] = {
	&sim_port_attr_hotplug,
	&sim_port_attr_power_ctrl,
	&sim_port_attr_button,
	&sim_port_attr_mrl,
	&sim_port_attr_no_cmd_compl,
	&sim_port_attr_no_late_events,
	&sim_port_attr_dpc,
	&sim_port_attr_intx,
	&sim_port_attr_multi_msi,
	&sim_port_attr_no_link_active,
	&sim_port_attr_no_rrs_sv,
	&sim_port_attr_no_acs,
	&sim_port_attr_ptm,
	&sim_port_attr_link_sleeps,
	&sim_port_attr_speed,
	&sim_port_attr_slot,
	&sim_port_attr_train_ms,
	&sim_port_attr_cmd_us,
	&sim_port_attr_irq_us,
	&sim_port_attr_press_button,
	&sim_port_attr_power_fault,
	&sim_port_attr_latch_open,
	&sim_port_attr_link_stuck,
	&sim_port_attr_link_flap,
	&sim_port_attr_dpc_trigger,
	&sim_port_attr_link_up,
	&sim_func_attr_uncor_error,
	&sim_func_attr_cor_error,
	&sim_func_attr_address,
	&sim_func_attr_resets,
	NULL
};

/* Attributes of cards */

static const struct sim_attr sim_card_present = {
	SIM_FIELD((*(struct sim_item *)NULL).present), .max = 1,
};

static ssize_t sim_card_present_show(struct config_item *ci, char *page)
{
	struct sim_item *item = to_sim_item(ci);

	guard(mutex)(&item->fabric->lock);
	return sysfs_emit(page, "%d\n", item->func ?
			  sim_slot_holds(item->parent->func, item->func) :
			  item->present);
}

static ssize_t sim_card_present_store(struct config_item *ci, const char *page,
				      size_t count)
{
	struct sim_item *item = to_sim_item(ci);
	u32 delay_us;
	u64 val;
	int rc;

	rc = sim_parse(page, &sim_card_present, &val, &delay_us);
	if (rc)
		return rc;

	guard(mutex)(&item->fabric->lock);
	if (!item->func)
		rc = sim_attr_set(item, &sim_card_present, val, delay_us);
	else
		rc = sim_act(item->func, delay_us,
			     val ? sim_do_insert : sim_do_pull,
			     item->parent->func);
	return rc ?: count;
}
CONFIGFS_ATTR(sim_card_, present);

/* The default of "present": no other card of the same port is */
static bool sim_card_by_default(struct sim_item *card)
{
	struct sim_item *item;

	list_for_each_entry(item, &card->fabric->items, node) {
		if (item->parent == card->parent && item->present)
			return false;
	}
	return true;
}

static struct configfs_attribute *sim_switch_attrs[] = {
	&sim_card_attr_present,
	&sim_func_attr_uncor_error,
	&sim_func_attr_cor_error,
	&sim_func_attr_address,
	&sim_func_attr_resets,
	NULL
};

/* Attributes of Functions of Endpoints and conventional devices */

SIM_ATTR(ep, vendor, .max = 0xfffe, .hex = true);
SIM_ATTR(ep, device, .max = U16_MAX, .hex = true);
SIM_ATTR(ep, class, .max = U32_MAX, .hex = true);
SIM_ATTR(ep, dsn, .max = U64_MAX, .hex = true);
SIM_ATTR(ep, flr, .max = 1);
SIM_ATTR(ep, af_flr, .max = 1);
SIM_ATTR(ep, pm_reset, .max = 1);
SIM_ATTR(ep, no_pm, .max = 1);
SIM_ATTR(ep, imm_ready, .max = 1);
SIM_ATTR(ep, imm_ready_d0, .max = 1);
SIM_ATTR(ep, rtr, .max = 1);
SIM_ATTR(ep, ask_reset, .max = 1);
SIM_ATTR(ep, vfs, .max = U16_MAX);
SIM_ATTR(ep, vf_offset, .max = U16_MAX);
SIM_ATTR(ep, vf_stride, .max = U16_MAX);
SIM_ATTR(ep, vf_ms, .max = U32_MAX);
SIM_ATTR(ep, bar_size, .max = U32_MAX);
SIM_ATTR(ep, ready_ms, .max = U32_MAX, .never = true,
	 SIM_LIVE(ready_ms, sim_do_ready_ms));
SIM_ATTR(ep, flr_ms, .max = U32_MAX, .never = true,
	 SIM_LIVE(flr_ms, sim_do_flr_ms));
SIM_ATTR(ep, d3_ms, .max = U32_MAX, .never = true,
	 SIM_LIVE(d3_ms, sim_do_d3_ms));

static ssize_t sim_ep_counts_show(struct config_item *ci, char *page)
{
	struct sim_item *item = to_sim_item(ci);

	guard(mutex)(&item->fabric->lock);
	return item->func ? sim_counts_emit(item->func, page) : -ENODEV;
}
CONFIGFS_ATTR_RO(sim_ep_, counts);

static struct configfs_attribute *sim_ep_attrs[] = {
	&sim_card_attr_present,
	&sim_ep_attr_vendor,
	&sim_ep_attr_device,
	&sim_ep_attr_class,
	&sim_ep_attr_dsn,
	&sim_ep_attr_flr,
	&sim_ep_attr_af_flr,
	&sim_ep_attr_pm_reset,
	&sim_ep_attr_no_pm,
	&sim_ep_attr_imm_ready,
	&sim_ep_attr_imm_ready_d0,
	&sim_ep_attr_rtr,
	&sim_ep_attr_ask_reset,
	&sim_ep_attr_vfs,
	&sim_ep_attr_vf_offset,
	&sim_ep_attr_vf_stride,
	&sim_ep_attr_vf_ms,
	&sim_ep_attr_bar_size,
	&sim_ep_attr_ready_ms,
	&sim_ep_attr_flr_ms,
	&sim_ep_attr_d3_ms,
	&sim_ep_attr_counts,
	&sim_func_attr_uncor_error,
	&sim_func_attr_cor_error,
	&sim_func_attr_address,
	&sim_func_attr_resets,
	NULL
};

/* Only a card has "present"; a functionN is plugged in with its Function 0 */
static bool sim_is_visible(struct config_item *ci,
			   struct configfs_attribute *attr, int n)
{
	return attr != &sim_card_attr_present || to_sim_item(ci)->kind->card;
}

/* A fabric that goes live or stops, and its attributes */

/* Log an error with the path of the part that it is about, and return it */
static int sim_complain(struct sim_item *item, int error, const char *what)
{
	char buf[128], *p = buf + sizeof(buf) - 1;
	const char *name;
	size_t len;

	*p = 0;
	for (; item; item = item->parent) {
		name = config_item_name(&item->group.cg_item);
		len = strlen(name);
		if (p - buf < len + 1)
			break;
		p -= len;
		memcpy(p, name, len);
		if (item->parent)
			*--p = '/';
	}
	pr_err("%s: %s (%pe)\n", p, what, ERR_PTR(error));
	return error;
}

/* The port that a card is plugged into when the fabric goes live, or NULL */
static struct pci_sim_func *sim_first_port(struct sim_item *card)
{
	return card->present ? card->parent->func : NULL;
}

static struct pci_sim_func *sim_add_port(struct sim_item *item)
{
	if (!item->parent->parent)
		return pci_sim_add_root_port(item->fabric->sim, &item->port);

	return pci_sim_add_downstream_port(item->parent->func, &item->port);
}

static struct pci_sim_func *sim_add_switch(struct sim_item *item)
{
	return pci_sim_add_switch(item->fabric->sim, sim_first_port(item));
}

static struct pci_sim_func *sim_add_endpoint(struct sim_item *item)
{
	return pci_sim_add_endpoint(item->fabric->sim, sim_first_port(item),
				    &item->ep);
}

static struct pci_sim_func *sim_add_bridge(struct sim_item *item)
{
	return pci_sim_add_pci_bridge(item->fabric->sim, sim_first_port(item));
}

static struct pci_sim_func *sim_add_device(struct sim_item *item)
{
	item->ep.conventional = true;
	return pci_sim_add_endpoint(item->fabric->sim, item->parent->func,
				    &item->ep);
}

static struct pci_sim_func *sim_add_function(struct sim_item *item)
{
	item->ep.conventional = item->parent->ep.conventional;
	return pci_sim_add_function(item->parent->func, &item->ep);
}

/* Add the part that a directory stands for to the simulated fabric */
static int sim_add(struct sim_item *item)
{
	struct sim_fabric *fabric = item->fabric;

	if (item->kind->card && item->present && item->parent->func->port.card)
		return sim_complain(item, -EINVAL,
				    "another card is present in this port");

	item->func = item->kind->add(item);
	if (fabric->sim->error)
		return sim_complain(item, fabric->sim->error,
				    "cannot be added to the fabric");
	return 0;
}

static int sim_fabric_build(struct sim_fabric *fabric)
{
	struct sim_item *item;
	int rc;

	fabric->sim = pci_sim_alloc();
	if (!fabric->sim)
		return -ENOMEM;

	pci_sim_jitter(fabric->sim, fabric->item.rnd.seed,
		       fabric->item.rnd.jitter);
	/* Sorted by depth, so a part is added before those below it */
	list_for_each_entry(item, &fabric->items, node) {
		rc = sim_add(item);
		if (rc)
			return rc;
	}

	/* Not checked by pci_sim_start(): KUnit tests run out of bus numbers */
	if (sim_bus_numbers(fabric->sim) > 255)
		return sim_complain(&fabric->item, -ENOSPC,
				    "more than 255 bus numbers are needed");

	rc = pci_sim_start(fabric->sim);
	return rc ? sim_complain(&fabric->item, rc, "cannot be started") : 0;
}

/*
 * Keep directories of a fabric from being made and removed.  Returns -ENODATA
 * if it has none, -EBUSY if one is just being made or removed.
 */
static int sim_fabric_pin(struct sim_fabric *fabric)
{
	struct sim_item *item;

	guard(mutex)(&sim_subsys.su_mutex);
	if (list_empty(&fabric->items))
		return -ENODATA;

	list_for_each_entry(item, &fabric->items, node) {
		if (configfs_depend_item_unlocked(&sim_subsys,
						  &item->group.cg_item))
			goto undo;
	}
	fabric->live = true;
	return 0;

undo:
	/* mkdir or rmdir of this item is in progress */
	list_for_each_entry_continue_reverse(item, &fabric->items, node)
		configfs_undepend_item_unlocked(&item->group.cg_item);
	return -EBUSY;
}

static void sim_fabric_unpin(struct sim_fabric *fabric)
{
	struct sim_item *item;

	guard(mutex)(&sim_subsys.su_mutex);
	fabric->live = false;
	list_for_each_entry(item, &fabric->items, node)
		configfs_undepend_item_unlocked(&item->group.cg_item);
}

static void sim_fabric_stop(struct sim_fabric *fabric)
{
	struct sim_item *item;

	/* Userspace may stop a fabric while pciehp handles an event */
	if (fabric->sim && fabric->sim->started)
		sim_settle(fabric->sim);

	list_for_each_entry(item, &fabric->items, node)
		item->func = NULL;
	pci_sim_destroy(fabric->sim);
	fabric->sim = NULL;
	sim_fabric_unpin(fabric);
}

static int sim_fabric_start(struct sim_fabric *fabric)
{
	int rc;

	rc = sim_fabric_pin(fabric);
	if (rc)
		return rc;

	rc = sim_fabric_build(fabric);
	if (rc)
		sim_fabric_stop(fabric);
	return rc;
}

static ssize_t sim_fabric_live_show(struct config_item *ci, char *page)
{
	struct sim_fabric *fabric = to_sim_item(ci)->fabric;

	guard(mutex)(&fabric->lock);
	return sysfs_emit(page, "%d\n", !!fabric->sim);
}

static ssize_t sim_fabric_live_store(struct config_item *ci, const char *page,
				     size_t count)
{
	struct sim_fabric *fabric = to_sim_item(ci)->fabric;
	bool live;
	int rc;

	rc = kstrtobool(page, &live);
	if (rc)
		return rc;

	guard(mutex)(&fabric->lock);
	if (live == !!fabric->sim)
		return -EPERM;
	if (live)
		rc = sim_fabric_start(fabric);
	else
		sim_fabric_stop(fabric);
	return rc ?: count;
}
CONFIGFS_ATTR(sim_fabric_, live);

static ssize_t sim_fabric_domain_show(struct config_item *ci, char *page)
{
	struct sim_fabric *fabric = to_sim_item(ci)->fabric;

	guard(mutex)(&fabric->lock);
	if (!fabric->sim)
		return sysfs_emit(page, "\n");

	return sysfs_emit(page, "%04x\n", fabric->sim->bridge->domain_nr);
}
CONFIGFS_ATTR_RO(sim_fabric_, domain);

SIM_ATTR(rnd, seed, .max = U64_MAX);
SIM_ATTR(rnd, jitter, .max = 1000);

static struct configfs_attribute *sim_fabric_attrs[] = {
	&sim_fabric_attr_live,
	&sim_fabric_attr_domain,
	&sim_rnd_attr_seed,
	&sim_rnd_attr_jitter,
	NULL
};

/* Making and removing directories */

/* The last reference is dropped; other items may be freed already */
static void sim_release(struct config_item *ci)
{
	/* Also frees a struct sim_fabric, which begins with its item */
	kfree(to_sim_item(ci));
}

static const struct configfs_item_operations sim_item_ops = {
	.release	= sim_release,
};

static struct config_group *sim_make_group(struct config_group *group,
					   const char *name);

static void sim_drop_item(struct config_group *group, struct config_item *ci)
{
	list_del(&to_sim_item(ci)->node);
	config_item_put(ci);
}

static const struct configfs_group_operations sim_group_ops = {
	.make_group	= sim_make_group,
	.drop_item	= sim_drop_item,
	.is_visible	= sim_is_visible,
};

#define SIM_TYPE(_attrs)						\
	{								\
		.ct_owner	= THIS_MODULE,				\
		.ct_item_ops	= &sim_item_ops,			\
		.ct_group_ops	= &sim_group_ops,			\
		.ct_attrs	= _attrs,				\
	}

static const struct sim_kind sim_kinds[] = {
	[SIM_FABRIC] = {
		.name = "",
		.below = BIT(SIM_PORT),
		.type = SIM_TYPE(sim_fabric_attrs),
	},
	[SIM_PORT] = {
		.name = "port", .max = 31,
		.below = BIT(SIM_SWITCH) | BIT(SIM_BRIDGE) | BIT(SIM_ENDPOINT),
		.add = sim_add_port,
		.type = SIM_TYPE(sim_port_attrs),
	},
	[SIM_SWITCH] = {
		.name = "switch", .bare = true, .min = 1, .max = 31,
		.card = true,
		.below = BIT(SIM_PORT),
		.add = sim_add_switch,
		.type = SIM_TYPE(sim_switch_attrs),
	},
	[SIM_BRIDGE] = {
		.name = "bridge", .bare = true, .min = 1, .max = 31,
		.card = true,
		.below = BIT(SIM_DEVICE),
		.add = sim_add_bridge,
		.type = SIM_TYPE(sim_switch_attrs),
	},
	[SIM_ENDPOINT] = {
		.name = "endpoint", .bare = true, .min = 1, .max = 31,
		.card = true,
		.below = BIT(SIM_FUNCTION),
		.add = sim_add_endpoint,
		.type = SIM_TYPE(sim_ep_attrs),
	},
	[SIM_DEVICE] = {
		.name = "device", .max = 31,
		.below = BIT(SIM_FUNCTION),
		.add = sim_add_device,
		.type = SIM_TYPE(sim_ep_attrs),
	},
	[SIM_FUNCTION] = {
		.name = "function", .min = 1, .max = 7,
		.add = sim_add_function,
		.type = SIM_TYPE(sim_ep_attrs),
	},
};

/* Whether a name is one of a kind; sets its number */
static bool sim_name_is(const struct sim_kind *kind, const char *name,
			unsigned int *number)
{
	size_t len = strlen(kind->name);

	if (strncmp(name, kind->name, len))
		return false;

	name += len;
	*number = 0;
	if (!*name)
		return kind->bare;

	/* No leading zeros, so that each number has one name */
	if (!isdigit(name[0]) || (name[0] == '0' && name[1]))
		return false;
	return !kstrtouint(name, 10, number) &&
	       *number >= kind->min && *number <= kind->max;
}

static const struct sim_kind *sim_kind_below(struct sim_item *parent,
					     const char *name,
					     unsigned int *number)
{
	unsigned long below = parent->kind->below;
	unsigned int i;

	for_each_set_bit(i, &below, ARRAY_SIZE(sim_kinds)) {
		if (sim_name_is(&sim_kinds[i], name, number))
			return &sim_kinds[i];
	}
	return NULL;
}

static int sim_item_init(struct sim_item *item, const struct sim_kind *kind,
			 const char *name)
{
	item->kind = kind;
	config_group_init_type_name(&item->group, name, &kind->type);
	/* A long name is allocated, which may fail */
	return config_item_name(&item->group.cg_item) ? 0 : -ENOMEM;
}

/* Insert into the list of the fabric, sorted by depth, then by number */
static void sim_list_item(struct sim_item *item)
{
	struct sim_item *pos;

	list_for_each_entry(pos, &item->fabric->items, node) {
		if (pos->depth > item->depth ||
		    (pos->depth == item->depth && pos->number > item->number))
			break;
	}
	list_add_tail(&item->node, &pos->node);
}

static struct config_group *sim_make_group(struct config_group *group,
					   const char *name)
{
	struct sim_item *parent = to_sim_item(&group->cg_item);
	const struct sim_kind *kind;
	struct sim_item *item;
	unsigned int number;
	int rc;

	kind = sim_kind_below(parent, name, &number);
	if (!kind || parent->depth == SIM_MAX_DEPTH)
		return ERR_PTR(-EINVAL);
	if (parent->fabric->live)
		return ERR_PTR(-EBUSY);

	item = kzalloc_obj(*item);
	if (!item)
		return ERR_PTR(-ENOMEM);

	rc = sim_item_init(item, kind, name);
	if (rc) {
		kfree(item);
		return ERR_PTR(rc);
	}
	item->fabric = parent->fabric;
	item->parent = parent;
	item->depth = parent->depth + 1;
	item->number = number;
	item->present = kind->card && sim_card_by_default(item);
	sim_list_item(item);
	return &item->group;
}

static struct config_group *sim_make_fabric(struct config_group *group,
					    const char *name)
{
	struct sim_fabric *fabric;
	int rc;

	fabric = kzalloc_obj(*fabric);
	if (!fabric)
		return ERR_PTR(-ENOMEM);

	rc = sim_item_init(&fabric->item, &sim_kinds[SIM_FABRIC], name);
	if (rc) {
		kfree(fabric);
		return ERR_PTR(rc);
	}
	fabric->item.fabric = fabric;
	mutex_init(&fabric->lock);
	INIT_LIST_HEAD(&fabric->items);
	return &fabric->item.group;
}

static const struct configfs_group_operations sim_subsys_ops = {
	.make_group	= sim_make_fabric,
};

static const struct config_item_type sim_subsys_type = {
	.ct_owner	= THIS_MODULE,
	.ct_group_ops	= &sim_subsys_ops,
};

static struct configfs_subsystem sim_subsys = {
	.su_group = {
		.cg_item = {
			.ci_namebuf	= "pci-sim",
			.ci_type	= &sim_subsys_type,
		},
	},
	.su_mutex = __MUTEX_INITIALIZER(sim_subsys.su_mutex),
};

/**
 * sim_configfs_init - register the configfs interface
 *
 * Context: May sleep.
 * Return: 0, or an error of configfs_register_subsystem().
 */
int __init sim_configfs_init(void)
{
	config_group_init(&sim_subsys.su_group);
	return configfs_register_subsystem(&sim_subsys);
}

/**
 * sim_configfs_exit - unregister the configfs interface
 *
 * No fabric is left: each directory holds a reference to the module.
 *
 * Context: May sleep.
 */
void sim_configfs_exit(void)
{
	configfs_unregister_subsystem(&sim_subsys);
}
