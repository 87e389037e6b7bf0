// SPDX-License-Identifier: GPL-2.0
/*
 * Config space of simulated Functions: reads, writes and resets, as described
 * by the tables in regs.c
 */

#include "sim.h"

/**
 * sim_cfg_reset - set config space to its power-on values
 * @f: Function
 * @kind: kind of reset; sticky bits keep their value in any but a cold one
 *
 * Updates the counters of resets in config space, which the caller has
 * incremented in @f.
 *
 * Context: Any.  The caller holds &pci_sim.lock, or @f is not yet part of the
 * fabric.
 */
void sim_cfg_reset(struct pci_sim_func *f, enum pci_sim_reset kind)
{
	bool flr = kind == PCI_SIM_RESET_FLR || kind == PCI_SIM_RESET_AF_FLR;
	unsigned int i, counters;

	for (i = 0; i < SIM_CFG_DWORDS; i++) {
		struct sim_dword *d = &f->cfg[i];
		u32 keep = 0;

		if (!d->reg)
			continue;
		if (kind != PCI_SIM_RESET_COLD)
			keep |= d->reg->sticky;
		if (flr)
			keep |= d->reg->flr_keep;
		d->val = (d->val & keep) | (d->por & ~keep);
	}

	counters = sim_has(f, PCI_SIM_VSEC) ? PCI_SIM_VSEC : PCI_SIM_VNDR;
	counters += PCI_SIM_VSEC_RESETS;
	for (i = 0; i < PCI_SIM_RESET_KINDS; i++)
		*sim_val(f, counters + 4 * i) = f->resets[i];
}

/**
 * sim_cfg_read - read the config space of a Function
 * @f: Function
 * @where: offset in bytes, aligned to @size
 * @size: 1, 2 or 4 bytes
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 * Return: the value; 0 from SIM_CFG_SIZE on and for reserved dwords.
 */
u32 sim_cfg_read(struct pci_sim_func *f, int where, int size)
{
	if (where >= SIM_CFG_SIZE)
		return 0;

	return *sim_val(f, where) >> 8 * (where & 3) &
	       GENMASK(8 * size - 1, 0);
}

/**
 * sim_cfg_write - write the config space of a Function
 * @f: Function, in state SIM_READY
 * @where: offset in bytes, aligned to @size
 * @size: 1, 2 or 4 bytes
 * @val: value
 *
 * Includes the side effects of the write, but for interrupts: the caller calls
 * sim_irq_update() afterwards.
 *
 * Context: Any.  The caller holds &pci_sim.lock.
 */
void sim_cfg_write(struct pci_sim_func *f, int where, int size, u32 val)
{
	int shift = 8 * (where & 3);
	struct sim_write w;
	struct sim_dword *d;

	if (where >= SIM_CFG_SIZE)
		return;

	d = &f->cfg[where / 4];
	if (!d->reg)
		return;

	w.mask = GENMASK(8 * size - 1, 0) << shift;
	w.raw = val << shift & w.mask;
	w.old = d->val;
	w.new = (w.old & ~(d->rw & w.mask)) | (w.raw & d->rw);
	w.new &= ~(w.raw & d->reg->w1c);
	d->val = w.new;

	if (d->reg->written)
		d->reg->written(f, &w);
}
