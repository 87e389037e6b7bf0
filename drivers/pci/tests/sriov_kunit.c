// SPDX-License-Identifier: GPL-2.0
/*
 * SR-IOV on a simulated fabric: VFs come and go with VF Enable, with resets of
 * their PF and with the card, wherever their Routing IDs are
 */

#include <linux/debug_locks.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>

#include "sim-kunit.h"

#define SRIOV_VFS	4
#define SRIOV_TOTAL	5

/* Where the PF is, and which Routing IDs the VFs have */
struct sriov_variant {
	const char *name;
	bool hotplug;
	bool below_switch;
	u16 offset;
	u16 stride;
};

static const struct sriov_variant sriov_variants[] = {
	{ .name = "Root Port" },
	{ .name = "hotplug Root Port", .hotplug = true },
	{ .name = "Downstream Port", .below_switch = true },
	{ .name = "bus of their own", .offset = 0x100, .stride = 1 },
	{ .name = "bus of their own, hotplug", .hotplug = true, .offset = 0x100,
	  .stride = 1 },
	{ .name = "two buses, Downstream Port", .below_switch = true,
	  .offset = 0xfe, .stride = 1 },
};

KUNIT_ARRAY_PARAM_DESC(sriov_variant, sriov_variants, name);

struct sriov_ctx {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *pf;
	struct pci_sim_func *vf[SRIOV_TOTAL];
	struct pci_dev *pdev;
};

static void sriov_start(struct kunit *test, struct sriov_ctx *ctx,
			struct pci_sim_ep_config config)
{
	const struct sriov_variant *v = test->param_value;
	struct pci_sim_func *up;
	unsigned int n;

	ctx->sim = sim_kunit_alloc(test);
	if (v->below_switch) {
		up = pci_sim_add_switch(ctx->sim, pci_sim_root_port(ctx->sim));
		ctx->port = pci_sim_downstream_port(up, .hotplug = v->hotplug);
	} else {
		ctx->port = pci_sim_root_port(ctx->sim, .hotplug = v->hotplug);
	}

	config.flr = true;
	config.vfs = SRIOV_TOTAL;
	config.vf_offset = v->offset;
	config.vf_stride = v->stride;
	ctx->pf = pci_sim_add_endpoint(ctx->sim, ctx->port, &config);
	for (n = 0; n < SRIOV_TOTAL; n++)
		ctx->vf[n] = pci_sim_vf(ctx->pf, n);
	sim_kunit_start(test, ctx->sim);
	ctx->pdev = sim_kunit_dev(test, ctx->pf);
}

static void sriov_start_enabled(struct kunit *test, struct sriov_ctx *ctx)
{
	unsigned int n;

	sriov_start(test, ctx, (struct pci_sim_ep_config){ .flr_ms = 50 });
	KUNIT_ASSERT_EQ(test, SRIOV_VFS,
			sim_kunit_set_vfs(ctx->pdev, SRIOV_VFS));
	sim_kunit_mark(test, ctx->pf);
	for (n = 0; n < SRIOV_VFS; n++)
		sim_kunit_mark(test, ctx->vf[n]);
}

static u16 sriov_rid(struct kunit *test, struct sriov_ctx *ctx, unsigned int n)
{
	const struct sriov_variant *v = test->param_value;

	return pci_dev_id(ctx->pdev) + (v->offset ?: 8) + n * (v->stride ?: 8);
}

/* Read from where a VF is, whether the kernel knows it or not */
static u32 sriov_read(struct kunit *test, struct sriov_ctx *ctx, unsigned int n,
		      int where)
{
	u16 rid = sriov_rid(test, ctx, n);
	struct pci_bus *bus;
	u32 val;

	bus = pci_find_bus(pci_domain_nr(ctx->pdev->bus), PCI_BUS_NUM(rid));
	if (!bus)
		return ~0;

	pci_bus_read_config_dword(bus, rid & 0xff, where, &val);
	return val;
}

/* The SR-IOV registers of the PF, as the kernel has set them up */
struct sriov_config {
	u16 ctrl;
	u16 num;
	u32 pgsize;
	u32 bar;
};

static void sriov_config_get(struct sriov_config *c, struct pci_dev *pdev)
{
	int pos = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_SRIOV);

	memset(c, 0, sizeof(*c));
	pci_read_config_word(pdev, pos + PCI_SRIOV_CTRL, &c->ctrl);
	pci_read_config_word(pdev, pos + PCI_SRIOV_NUM_VF, &c->num);
	pci_read_config_dword(pdev, pos + PCI_SRIOV_SYS_PGSIZE, &c->pgsize);
	pci_read_config_dword(pdev, pos + PCI_SRIOV_BAR, &c->bar);
}

static void sriov_config_expect(struct kunit *test,
				const struct sriov_config *c,
				struct pci_dev *pdev)
{
	struct sriov_config now;

	KUNIT_EXPECT_TRUE(test, c->ctrl & PCI_SRIOV_CTRL_VFE);
	KUNIT_EXPECT_EQ(test, SRIOV_VFS, c->num);
	KUNIT_EXPECT_NE(test, 0, c->bar);
	sriov_config_get(&now, pdev);
	KUNIT_EXPECT_MEMEQ(test, c, &now, sizeof(now));
}

/* VFs come with VF Enable, as many as NumVFs, and go with it */
static void sriov_vfs_come_and_go(struct kunit *test)
{
	struct pci_dev *pdev;
	struct sriov_ctx ctx;
	unsigned int n;

	sriov_start(test, &ctx, (struct pci_sim_ep_config){});
	KUNIT_EXPECT_EQ(test, SRIOV_TOTAL, pci_sriov_get_totalvfs(ctx.pdev));
	KUNIT_EXPECT_EQ(test, ~0, sriov_read(test, &ctx, 0, PCI_COMMAND));
	KUNIT_ASSERT_EQ(test, SRIOV_VFS,
			sim_kunit_set_vfs(ctx.pdev, SRIOV_VFS));

	for (n = 0; n < SRIOV_VFS; n++) {
		SIM_EXPECT_BOUND(test, ctx.vf[n], 1, 0);
		pdev = sim_kunit_dev(test, ctx.vf[n]);
		KUNIT_EXPECT_PTR_EQ(test, ctx.pdev, pci_physfn(pdev));
		KUNIT_EXPECT_TRUE(test, pdev->is_virtfn);
		KUNIT_EXPECT_EQ(test, PCI_SIM_DEVICE_VF, pdev->device);
		KUNIT_EXPECT_EQ(test, ~0,
				sriov_read(test, &ctx, n, PCI_VENDOR_ID));
		KUNIT_EXPECT_TRUE(test, pdev->devcap & PCI_EXP_DEVCAP_FLR);
		KUNIT_EXPECT_EQ(test,
				pci_resource_start(ctx.pdev,
						   PCI_IOV_RESOURCES) +
					n * SZ_4K,
				pci_resource_start(pdev, 0));
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.vf[n]));
		KUNIT_EXPECT_EQ(test, sriov_rid(test, &ctx, n),
				pci_dev_id(pdev));
	}
	KUNIT_EXPECT_EQ(test, ~0,
			sriov_read(test, &ctx, SRIOV_VFS, PCI_COMMAND));

	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(ctx.pdev, 0));
	for (n = 0; n < SRIOV_VFS; n++) {
		SIM_EXPECT_BOUND(test, ctx.vf[n], 1, 1);
		KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(ctx.vf[n]));
		KUNIT_EXPECT_EQ(test, ~0,
				sriov_read(test, &ctx, n, PCI_COMMAND));
	}

	KUNIT_EXPECT_EQ(test, 1, sim_kunit_set_vfs(ctx.pdev, 1));
	SIM_EXPECT_BOUND(test, ctx.vf[0], 2, 1);
	SIM_EXPECT_BOUND(test, ctx.vf[1], 1, 1);
	SIM_EXPECT_BOUND(test, ctx.pf, 1, 0);
}

/* If one VF does not answer, no VF is enabled, and nothing is left behind */
static void sriov_silent_vf_disables_all(struct kunit *test)
{
	struct sriov_ctx ctx;

	sriov_start(test, &ctx, (struct pci_sim_ep_config){});
	pci_sim_set_ready_ms(ctx.vf[0], PCI_SIM_NEVER);
	KUNIT_EXPECT_GT(test, 0, sim_kunit_set_vfs(ctx.pdev, 2));
	KUNIT_EXPECT_EQ(test, 0, pci_num_vf(ctx.pdev));
	SIM_EXPECT_BOUND(test, ctx.vf[0], 0, 0);
	SIM_EXPECT_BOUND(test, ctx.vf[1], 0, 0);
	KUNIT_EXPECT_EQ(test, ~0, sriov_read(test, &ctx, 1, PCI_COMMAND));

	pci_sim_set_ready_ms(ctx.vf[0], 90);
	KUNIT_EXPECT_EQ(test, 2, sim_kunit_set_vfs(ctx.pdev, 2));
	SIM_EXPECT_BOUND(test, ctx.vf[0], 1, 0);
	SIM_EXPECT_BOUND(test, ctx.vf[1], 1, 0);
}

/* FLR of a VF resets no other Function */
static void sriov_vf_flr_resets_one_vf(struct kunit *test)
{
	struct pci_dev *pdev;
	struct sriov_ctx ctx;
	unsigned int n;

	sriov_start_enabled(test, &ctx);
	pdev = sim_kunit_dev(test, ctx.vf[2]);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(pdev));
	SIM_EXPECT_RESET(test, ctx.vf[2], PCI_SIM_RESET_FLR);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.vf[2]));
	SIM_EXPECT_UNTOUCHED(test, ctx.pf);
	for (n = 0; n < SRIOV_VFS; n++) {
		if (n != 2)
			SIM_EXPECT_UNTOUCHED(test, ctx.vf[n]);
	}
}

/*
 * FLR of the PF resets its VFs and ends VF Enable: their drivers are told, and
 * they are restored, as the PF is.
 */
static void sriov_pf_flr_resets_vfs(struct kunit *test)
{
	struct sriov_config before;
	struct sriov_ctx ctx;
	unsigned int n;

	sriov_start_enabled(test, &ctx);
	sriov_config_get(&before, ctx.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(ctx.pdev));
	SIM_EXPECT_RESET(test, ctx.pf, PCI_SIM_RESET_FLR);
	sriov_config_expect(test, &before, ctx.pdev);
	for (n = 0; n < SRIOV_VFS; n++) {
		SIM_EXPECT_RESET(test, ctx.vf[n], PCI_SIM_RESET_HOT);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.vf[n]));
	}
	KUNIT_EXPECT_EQ(test, ~0,
			sriov_read(test, &ctx, SRIOV_VFS, PCI_COMMAND));
}

/* A reset of the Link resets the PF and all its VFs */
static void sriov_bus_reset_restores_vfs(struct kunit *test)
{
	struct sim_config pf_before;
	struct sriov_config before;
	struct sriov_ctx ctx;
	unsigned int n;

	sriov_start_enabled(test, &ctx);
	sriov_config_get(&before, ctx.pdev);
	sim_kunit_config_get(&pf_before, ctx.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(ctx.pdev));
	SIM_EXPECT_RESET(test, ctx.pf, PCI_SIM_RESET_HOT);
	sim_kunit_config_expect(test, &pf_before, ctx.pdev);
	sriov_config_expect(test, &before, ctx.pdev);
	for (n = 0; n < SRIOV_VFS; n++) {
		SIM_EXPECT_RESET(test, ctx.vf[n], PCI_SIM_RESET_HOT);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, ctx.vf[n]));
	}
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.pf, 1, 0);
}

/* A card that is pulled with VFs enabled comes back without VFs */
static void sriov_unplug_removes_vfs(struct kunit *test)
{
	const struct sriov_variant *v = test->param_value;
	struct pci_sim_func *card;
	struct sriov_ctx ctx;
	unsigned int n;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");

	sriov_start_enabled(test, &ctx);
	card = pci_sim_unplug(ctx.port);
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.pf, 1, 1);
	for (n = 0; n < SRIOV_VFS; n++) {
		SIM_EXPECT_BOUND(test, ctx.vf[n], 1, 1);
		KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(ctx.vf[n]));
	}

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(ctx.port, card));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, ctx.pf, 2, 1);
	SIM_EXPECT_BOUND(test, ctx.vf[0], 1, 1);
	ctx.pdev = sim_kunit_dev(test, ctx.pf);
	KUNIT_EXPECT_EQ(test, 0, pci_num_vf(ctx.pdev));
	KUNIT_EXPECT_EQ(test, SRIOV_VFS,
			sim_kunit_set_vfs(ctx.pdev, SRIOV_VFS));
	SIM_EXPECT_BOUND(test, ctx.vf[0], 2, 1);
}

/*
 * The VFs of two PFs in one device have different Routing IDs and separate
 * resets
 */
static void sriov_two_pfs_are_independent(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *f0, *f1, *vf;
	unsigned int n;

	f0 = pci_sim_endpoint(sim, pci_sim_root_port(sim), .flr = true,
			      .vfs = 40);
	f1 = pci_sim_function(f0, .flr = true, .vfs = 2);
	sim_kunit_start(test, sim);
	KUNIT_ASSERT_EQ(test, 40,
			sim_kunit_set_vfs(sim_kunit_dev(test, f0), 40));
	KUNIT_ASSERT_EQ(test, 2,
			sim_kunit_set_vfs(sim_kunit_dev(test, f1), 2));
	sim_kunit_mark(test, f0);
	for (n = 0; n < 40; n++) {
		vf = pci_sim_vf(f0, n);
		SIM_EXPECT_BOUND(test, vf, 1, 0);
		sim_kunit_mark(test, vf);
	}
	KUNIT_EXPECT_PTR_EQ(test, sim_kunit_dev(test, f1),
			    pci_physfn(sim_kunit_dev(test,
						     pci_sim_vf(f1, 1))));

	KUNIT_EXPECT_EQ(test, 0,
			pci_reset_function(sim_kunit_dev(test, f1)));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets_all(pci_sim_vf(f1, 1)));
	SIM_EXPECT_UNTOUCHED(test, f0);
	for (n = 0; n < 40; n++)
		SIM_EXPECT_UNTOUCHED(test, pci_sim_vf(f0, n));
}

/*
 * VFs with Routing IDs beyond the bus of their PF are on a bus that no bridge
 * leads to.  They are told and restored all the same.
 */
static void sriov_vfs_on_another_bus_are_reset(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *pf, *vf;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim);
	pf = pci_sim_endpoint(sim, port, .vfs = 1, .vf_offset = 0x100);
	vf = pci_sim_vf(pf, 0);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, pf);
	KUNIT_ASSERT_EQ(test, 1, sim_kunit_set_vfs(pdev, 1));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf));
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(pdev));
	KUNIT_EXPECT_EQ(test, 1, pci_sim_resets(vf, PCI_SIM_RESET_HOT));
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, vf));
	SIM_EXPECT_TOLD(test, vf, 1);
}

/* VFs that go with their PF drop their references to it */
static void sriov_removed_vf_puts_pf(struct kunit *test)
{
	unsigned int alive = pci_sim_alive();
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *pf;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim, .hotplug = true);
	pf = pci_sim_endpoint(sim, port, .vfs = 1);
	sim_kunit_start(test, sim);
	pdev = pci_sim_get_dev(pf);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	KUNIT_EXPECT_EQ(test, 1, sim_kunit_set_vfs(pdev, 1));
	pci_dev_put(pdev);

	pci_sim_unplug(port);
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, pf, 1, 1);
	sim_kunit_finish(test, sim);
	KUNIT_EXPECT_EQ(test, alive, pci_sim_alive());
}

/*
 * A VF may take up to a second after VF Enable, and answer with Request Retry
 * Status meanwhile (PCIe r6.0, sec 9.3.3.3.1).
 */
static void sriov_late_vf_is_waited_for(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *pf;

	port = pci_sim_root_port(sim);
	pf = pci_sim_endpoint(sim, port, .vfs = 2);
	sim_kunit_start(test, sim);
	pci_sim_set_ready_ms(pci_sim_vf(pf, 1), 150);
	KUNIT_ASSERT_EQ(test, 2,
			sim_kunit_set_vfs(sim_kunit_dev(test, pf), 2));
	KUNIT_EXPECT_TRUE(test, pci_is_pcie(sim_kunit_dev(test,
							  pci_sim_vf(pf, 1))));
}

/* A VF that never becomes ready is an error, and the next attempt may work */
static void sriov_vf_never_ready_is_error(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *port, *pf;
	struct pci_dev *pdev;

	port = pci_sim_root_port(sim);
	pf = pci_sim_endpoint(sim, port, .vfs = 2);
	sim_kunit_start(test, sim);
	pdev = sim_kunit_dev(test, pf);
	pci_sim_set_ready_ms(pci_sim_vf(pf, 1), PCI_SIM_NEVER);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, sim_kunit_set_vfs(pdev, 2));
	KUNIT_EXPECT_EQ(test, 0, pci_num_vf(pdev));
	KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(pci_sim_vf(pf, 0)));

	pci_sim_set_ready_ms(pci_sim_vf(pf, 1), 0);
	KUNIT_EXPECT_EQ(test, 2, sim_kunit_set_vfs(pdev, 2));
	KUNIT_EXPECT_TRUE(test, pci_is_pcie(sim_kunit_dev(test,
							  pci_sim_vf(pf, 1))));
}

static DEFINE_MUTEX(sriov_driver_lock);

static int sriov_locked_configure(struct pci_dev *pdev, int n)
{
	guard(mutex)
		(&sriov_driver_lock);

	return pci_sriov_configure_simple(pdev, n);
}

static void sriov_locked_prepare(struct pci_dev *pdev)
{
	guard(mutex)
		(&sriov_driver_lock);
}

/*
 * A driver may take the same mutex to enable or disable VFs and to prepare for
 * a reset.  Both are called with the device lock held, so lockdep must not
 * complain.
 */
static void sriov_driver_lock_in_configure(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.reset_prepare = sriov_locked_prepare,
	};
	bool lockdep = debug_locks;
	struct sriov_ctx ctx;

	sriov_start(test, &ctx, (struct pci_sim_ep_config){});
	sim_kunit_bind(test, ctx.pf,
		       &(struct pci_driver){ .name = "pci-sim-locked",
					     .err_handler = &handlers,
					     .sriov_configure =
						     sriov_locked_configure });
	KUNIT_ASSERT_EQ(test, SRIOV_VFS,
			sim_kunit_set_vfs(ctx.pdev, SRIOV_VFS));
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(ctx.pdev, 0));
	KUNIT_ASSERT_EQ(test, SRIOV_VFS,
			sim_kunit_set_vfs(ctx.pdev, SRIOV_VFS));
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(ctx.pdev));
	KUNIT_EXPECT_EQ(test, lockdep, debug_locks);

	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(ctx.pdev, 0));
	sim_kunit_rebind(test, ctx.pdev);
}

/*
 * While the driver of the PF is busy, a write to sriov_numvfs is restarted, and
 * does not block pci_rescan_remove_lock
 */
static void sriov_numvfs_is_retried_if_busy(struct kunit *test)
{
	struct sriov_ctx ctx;

	sriov_start(test, &ctx, (struct pci_sim_ep_config){});
	device_lock(&ctx.pdev->dev);
	KUNIT_EXPECT_EQ(test, -ERESTARTNOINTR,
			sim_kunit_store(ctx.pdev, "sriov_numvfs", "1"));
	/*
	 * The pending signal makes the return to user space restart the system
	 * call
	 */
	flush_signals(current);
	device_unlock(&ctx.pdev->dev);
	pci_lock_rescan_remove();
	pci_unlock_rescan_remove();
	KUNIT_EXPECT_EQ(test, 0,
			sim_kunit_store(ctx.pdev, "sriov_numvfs", "1"));
	SIM_EXPECT_BOUND(test, ctx.vf[0], 1, 0);
}

/*
 * Fabrics with more VFs than Routing IDs, VFs without ARI, or two VFs with the
 * same Routing ID are refused
 */
static void sriov_bad_fabric_is_refused(struct kunit *test)
{
	struct pci_sim *sim = sim_kunit_alloc(test);
	struct pci_sim_func *ep = pci_sim_endpoint(sim, NULL);
	struct pci_sim_func *pf;

	KUNIT_EXPECT_NULL(test, pci_sim_endpoint(sim, NULL, .vfs = 3,
						 .vf_stride = 0x8000));
	KUNIT_EXPECT_NULL(test, pci_sim_function(ep, .vfs = 1));

	/* Its VFs are 2, 4 and 6 */
	pf = pci_sim_endpoint(sim, NULL, .vfs = 3, .vf_offset = 2,
			      .vf_stride = 2);
	KUNIT_EXPECT_NULL(test, pci_sim_function(pf, .vfs = 2, .vf_offset = 3));
	KUNIT_EXPECT_NOT_NULL(test, pci_sim_function(pf, .vfs = 2,
						     .vf_offset = 7));
	KUNIT_EXPECT_NULL(test, pci_sim_function(pf));
	KUNIT_EXPECT_EQ(test, -EINVAL, pci_sim_start(sim));
}

static struct kunit_case sriov_cases[] = {
	KUNIT_CASE_PARAM(sriov_vfs_come_and_go, sriov_variant_gen_params),
	KUNIT_CASE_PARAM(sriov_silent_vf_disables_all,
			 sriov_variant_gen_params),
	KUNIT_CASE_PARAM(sriov_vf_flr_resets_one_vf, sriov_variant_gen_params),
	KUNIT_CASE_PARAM(sriov_pf_flr_resets_vfs, sriov_variant_gen_params),
	KUNIT_CASE_PARAM(sriov_bus_reset_restores_vfs,
			 sriov_variant_gen_params),
	KUNIT_CASE_PARAM(sriov_unplug_removes_vfs, sriov_variant_gen_params),
	KUNIT_CASE(sriov_two_pfs_are_independent),
	KUNIT_CASE(sriov_vfs_on_another_bus_are_reset),
	KUNIT_CASE(sriov_removed_vf_puts_pf),
	KUNIT_CASE(sriov_late_vf_is_waited_for),
	KUNIT_CASE(sriov_vf_never_ready_is_error),
	KUNIT_CASE_PARAM(sriov_driver_lock_in_configure,
			 sriov_variant_gen_params),
	KUNIT_CASE_PARAM(sriov_numvfs_is_retried_if_busy,
			 sriov_variant_gen_params),
	KUNIT_CASE(sriov_bad_fabric_is_refused),
	{}
};

static struct kunit_suite sriov_suite = {
	.name = "pci_sriov",
	.test_cases = sriov_cases,
};

kunit_test_suite(sriov_suite);
