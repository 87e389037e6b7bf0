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

#define IV_VFS		4
#define IV_TOTAL	5

/* Where the PF is, and which Routing IDs the VFs have */
struct iv_variant {
	const char *name;
	bool hotplug;
	bool below_switch;
	u16 offset;
	u16 stride;
	bool fault;	/* Linux 7.3 does not get it right */
};

static const struct iv_variant iv_variants[] = {
	{ "Root Port" },
	{ "hotplug Root Port", .hotplug = true },
	{ "Downstream Port", .below_switch = true },
	{ "bus of their own", .offset = 0x100, .stride = 1 },
	{ "bus of their own, hotplug", .hotplug = true,
	  .offset = 0x100, .stride = 1 },
	{ "two buses, Downstream Port", .below_switch = true,
	  .offset = 0xfe, .stride = 1 },
};

KUNIT_ARRAY_PARAM_DESC(iv_variant, iv_variants, name);

#if IS_ENABLED(CONFIG_PCI_FAULTS_KUNIT_TEST)

/* Whoever resets the bus of the PF forgets the VFs that are on another one */
static const struct iv_variant iv_fault_variants[] = {
	{ "bus of their own", .offset = 0x100, .stride = 1, .fault = true },
	{ "bus of their own, hotplug", .hotplug = true,
	  .offset = 0x100, .stride = 1, .fault = true },
	{ "two buses, Downstream Port", .below_switch = true,
	  .offset = 0xfe, .stride = 1, .fault = true },
};

KUNIT_ARRAY_PARAM_DESC(iv_fault_variant, iv_fault_variants, name);

#endif

struct iv {
	struct pci_sim *sim;
	struct pci_sim_func *port;
	struct pci_sim_func *pf;
	struct pci_sim_func *vf[IV_TOTAL];
	struct pci_dev *pdev;
};

static void iv_start(struct kunit *test, struct iv *iv,
		     struct pci_sim_ep_config config)
{
	const struct iv_variant *v = test->param_value;
	struct pci_sim_func *up;
	unsigned int n;

	iv->sim = sim_kunit_alloc(test);
	if (v->below_switch) {
		up = pci_sim_add_switch(iv->sim, pci_sim_root_port(iv->sim));
		iv->port = pci_sim_downstream_port(up, .hotplug = v->hotplug);
	} else {
		iv->port = pci_sim_root_port(iv->sim, .hotplug = v->hotplug);
	}

	config.flr = true;
	config.vfs = IV_TOTAL;
	config.vf_offset = v->offset;
	config.vf_stride = v->stride;
	iv->pf = pci_sim_add_endpoint(iv->sim, iv->port, &config);
	for (n = 0; n < IV_TOTAL; n++)
		iv->vf[n] = pci_sim_vf(iv->pf, n);
	sim_kunit_start(test, iv->sim);
	iv->pdev = sim_kunit_dev(test, iv->pf);
}

static void iv_start_enabled(struct kunit *test, struct iv *iv)
{
	unsigned int n;

	iv_start(test, iv, (struct pci_sim_ep_config){ .flr_ms = 50 });
	KUNIT_ASSERT_EQ(test, IV_VFS, sim_kunit_set_vfs(iv->pdev, IV_VFS));
	sim_kunit_mark(test, iv->pf);
	for (n = 0; n < IV_VFS; n++)
		sim_kunit_mark(test, iv->vf[n]);
}

static u16 iv_rid(struct kunit *test, struct iv *iv, unsigned int n)
{
	const struct iv_variant *v = test->param_value;

	return pci_dev_id(iv->pdev) + (v->offset ?: 8) + n * (v->stride ?: 8);
}

/* Read from where a VF is, whether the kernel knows it or not */
static u32 iv_read(struct kunit *test, struct iv *iv, unsigned int n,
		   int where)
{
	u16 rid = iv_rid(test, iv, n);
	struct pci_bus *bus;
	u32 val;

	bus = pci_find_bus(pci_domain_nr(iv->pdev->bus), PCI_BUS_NUM(rid));
	if (!bus)
		return ~0;

	pci_bus_read_config_dword(bus, rid & 0xff, where, &val);
	return val;
}

/* The SR-IOV registers of the PF, as the kernel has set them up */
struct iv_config {
	u16 ctrl;
	u16 num;
	u32 pgsize;
	u32 bar;
};

static void iv_config_get(struct iv_config *c, struct pci_dev *pdev)
{
	int pos = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_SRIOV);

	memset(c, 0, sizeof(*c));
	pci_read_config_word(pdev, pos + PCI_SRIOV_CTRL, &c->ctrl);
	pci_read_config_word(pdev, pos + PCI_SRIOV_NUM_VF, &c->num);
	pci_read_config_dword(pdev, pos + PCI_SRIOV_SYS_PGSIZE, &c->pgsize);
	pci_read_config_dword(pdev, pos + PCI_SRIOV_BAR, &c->bar);
}

static void iv_config_expect(struct kunit *test, const struct iv_config *c,
			     struct pci_dev *pdev)
{
	struct iv_config now;

	KUNIT_EXPECT_TRUE(test, c->ctrl & PCI_SRIOV_CTRL_VFE);
	KUNIT_EXPECT_EQ(test, IV_VFS, c->num);
	KUNIT_EXPECT_NE(test, 0, c->bar);
	iv_config_get(&now, pdev);
	KUNIT_EXPECT_MEMEQ(test, c, &now, sizeof(now));
}

/* VFs come with VF Enable, as many as NumVFs, and go with it */
static void iv_enable(struct kunit *test)
{
	struct pci_dev *pdev;
	struct iv iv;
	unsigned int n;

	iv_start(test, &iv, (struct pci_sim_ep_config){});
	KUNIT_EXPECT_EQ(test, IV_TOTAL, pci_sriov_get_totalvfs(iv.pdev));
	KUNIT_EXPECT_EQ(test, ~0, iv_read(test, &iv, 0, PCI_COMMAND));
	KUNIT_ASSERT_EQ(test, IV_VFS, sim_kunit_set_vfs(iv.pdev, IV_VFS));

	for (n = 0; n < IV_VFS; n++) {
		SIM_EXPECT_BOUND(test, iv.vf[n], 1, 0);
		pdev = sim_kunit_dev(test, iv.vf[n]);
		KUNIT_EXPECT_PTR_EQ(test, iv.pdev, pci_physfn(pdev));
		KUNIT_EXPECT_TRUE(test, pdev->is_virtfn);
		KUNIT_EXPECT_EQ(test, PCI_SIM_DEVICE_VF, pdev->device);
		KUNIT_EXPECT_EQ(test, ~0, iv_read(test, &iv, n, PCI_VENDOR_ID));
		KUNIT_EXPECT_TRUE(test, pdev->devcap & PCI_EXP_DEVCAP_FLR);
		KUNIT_EXPECT_EQ(test,
				pci_resource_start(iv.pdev,
						   PCI_IOV_RESOURCES) +
				n * SZ_4K, pci_resource_start(pdev, 0));
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, iv.vf[n]));
		KUNIT_EXPECT_EQ(test, iv_rid(test, &iv, n), pci_dev_id(pdev));
	}
	KUNIT_EXPECT_EQ(test, ~0, iv_read(test, &iv, IV_VFS, PCI_COMMAND));

	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(iv.pdev, 0));
	for (n = 0; n < IV_VFS; n++) {
		SIM_EXPECT_BOUND(test, iv.vf[n], 1, 1);
		KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(iv.vf[n]));
		KUNIT_EXPECT_EQ(test, ~0, iv_read(test, &iv, n, PCI_COMMAND));
	}

	KUNIT_EXPECT_EQ(test, 1, sim_kunit_set_vfs(iv.pdev, 1));
	SIM_EXPECT_BOUND(test, iv.vf[0], 2, 1);
	SIM_EXPECT_BOUND(test, iv.vf[1], 1, 1);
	SIM_EXPECT_BOUND(test, iv.pf, 1, 0);
}

/* If a VF does not answer there are none, and nothing is left behind */
static void iv_broken(struct kunit *test)
{
	struct iv iv;

	iv_start(test, &iv, (struct pci_sim_ep_config){});
	pci_sim_set_ready_ms(iv.vf[0], PCI_SIM_NEVER);
	KUNIT_EXPECT_GT(test, 0, sim_kunit_set_vfs(iv.pdev, 2));
	KUNIT_EXPECT_EQ(test, 0, pci_num_vf(iv.pdev));
	SIM_EXPECT_BOUND(test, iv.vf[0], 0, 0);
	SIM_EXPECT_BOUND(test, iv.vf[1], 0, 0);
	KUNIT_EXPECT_EQ(test, ~0, iv_read(test, &iv, 1, PCI_COMMAND));

	pci_sim_set_ready_ms(iv.vf[0], 90);
	KUNIT_EXPECT_EQ(test, 2, sim_kunit_set_vfs(iv.pdev, 2));
	SIM_EXPECT_BOUND(test, iv.vf[0], 1, 0);
	SIM_EXPECT_BOUND(test, iv.vf[1], 1, 0);
}

/* FLR of a VF is its own affair */
static void iv_vf_flr(struct kunit *test)
{
	struct pci_dev *pdev;
	struct iv iv;
	unsigned int n;

	iv_start_enabled(test, &iv);
	pdev = sim_kunit_dev(test, iv.vf[2]);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(pdev));
	SIM_EXPECT_RESET(test, iv.vf[2], PCI_SIM_RESET_FLR);
	KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, iv.vf[2]));
	SIM_EXPECT_UNTOUCHED(test, iv.pf);
	for (n = 0; n < IV_VFS; n++) {
		if (n != 2)
			SIM_EXPECT_UNTOUCHED(test, iv.vf[n]);
	}
}

/*
 * FLR of the PF resets its VFs and ends VF Enable: their drivers are told, and
 * they are restored, as the PF is.
 */
static void iv_pf_flr(struct kunit *test)
{
	struct iv_config before;
	struct iv iv;
	unsigned int n;

	iv_start_enabled(test, &iv);
	iv_config_get(&before, iv.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(iv.pdev));
	SIM_EXPECT_RESET(test, iv.pf, PCI_SIM_RESET_FLR);
	iv_config_expect(test, &before, iv.pdev);
	for (n = 0; n < IV_VFS; n++) {
		SIM_EXPECT_RESET(test, iv.vf[n], PCI_SIM_RESET_HOT);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, iv.vf[n]));
	}
	KUNIT_EXPECT_EQ(test, ~0, iv_read(test, &iv, IV_VFS, PCI_COMMAND));
}

/* A reset of the Link takes all of them */
static void iv_bus_reset(struct kunit *test)
{
	const struct iv_variant *v = test->param_value;
	struct sim_config pf_before;
	struct iv_config before;
	struct iv iv;
	unsigned int n;

	if (v->offset && !v->fault)
		kunit_skip(test, "is in pci-fault-sriov");

	iv_start_enabled(test, &iv);
	iv_config_get(&before, iv.pdev);
	sim_config_get(&pf_before, iv.pdev);
	KUNIT_EXPECT_EQ(test, 0, pci_reset_bus(iv.pdev));
	SIM_EXPECT_RESET(test, iv.pf, PCI_SIM_RESET_HOT);
	sim_config_expect(test, &pf_before, iv.pdev);
	iv_config_expect(test, &before, iv.pdev);
	for (n = 0; n < IV_VFS; n++) {
		SIM_EXPECT_RESET(test, iv.vf[n], PCI_SIM_RESET_HOT);
		KUNIT_EXPECT_TRUE(test, sim_kunit_is_master(test, iv.vf[n]));
	}
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, iv.pf, 1, 0);
}

/* The card is pulled with VFs enabled, and comes back without */
static void iv_unplug(struct kunit *test)
{
	const struct iv_variant *v = test->param_value;
	struct pci_sim_func *card;
	struct iv iv;
	unsigned int n;

	if (!v->hotplug)
		kunit_skip(test, "needs a hotplug port");

	iv_start_enabled(test, &iv);
	card = pci_sim_unplug(iv.port);
	msleep(3 * SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, iv.pf, 1, 1);
	for (n = 0; n < IV_VFS; n++) {
		SIM_EXPECT_BOUND(test, iv.vf[n], 1, 1);
		KUNIT_EXPECT_FALSE(test, sim_kunit_has_dev(iv.vf[n]));
	}

	KUNIT_ASSERT_EQ(test, 0, pci_sim_plug(iv.port, card));
	msleep(SIM_SETTLE_MS);
	SIM_EXPECT_BOUND(test, iv.pf, 2, 1);
	SIM_EXPECT_BOUND(test, iv.vf[0], 1, 1);
	iv.pdev = sim_kunit_dev(test, iv.pf);
	KUNIT_EXPECT_EQ(test, 0, pci_num_vf(iv.pdev));
	KUNIT_EXPECT_EQ(test, IV_VFS, sim_kunit_set_vfs(iv.pdev, IV_VFS));
	SIM_EXPECT_BOUND(test, iv.vf[0], 2, 1);
}

/* Two PFs in one device: their VFs neither collide nor fall together */
static void iv_two_pfs(struct kunit *test)
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

static DEFINE_MUTEX(iv_driver_lock);

static int iv_locked_configure(struct pci_dev *pdev, int n)
{
	guard(mutex)(&iv_driver_lock);

	return pci_sriov_configure_simple(pdev, n);
}

static void iv_locked_prepare(struct pci_dev *pdev)
{
	guard(mutex)(&iv_driver_lock);
}

/*
 * A driver may hold a mutex while it enables or disables VFs, and take it to
 * prepare for a reset: the device lock keeps these apart, so lockdep has
 * nothing to say.
 */
static void iv_lock_of_driver(struct kunit *test)
{
	const struct pci_error_handlers handlers = {
		.reset_prepare = iv_locked_prepare,
	};
	bool lockdep = debug_locks;
	struct iv iv;

	iv_start(test, &iv, (struct pci_sim_ep_config){});
	sim_kunit_bind(test, iv.pf, &(struct pci_driver){
			.name = "pci-sim-locked", .err_handler = &handlers,
			.sriov_configure = iv_locked_configure });
	KUNIT_ASSERT_EQ(test, IV_VFS, sim_kunit_set_vfs(iv.pdev, IV_VFS));
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(iv.pdev, 0));
	KUNIT_ASSERT_EQ(test, IV_VFS, sim_kunit_set_vfs(iv.pdev, IV_VFS));
	KUNIT_EXPECT_EQ(test, 0, pci_reset_function(iv.pdev));
	KUNIT_EXPECT_EQ(test, lockdep, debug_locks);

	KUNIT_EXPECT_EQ(test, 0, sim_kunit_set_vfs(iv.pdev, 0));
	sim_kunit_rebind(test, iv.pdev);
}

/*
 * While the driver of the PF is busy, whoever sets the number of VFs tries it
 * again, and keeps nobody else from adding or removing other devices
 */
static void iv_driver_busy(struct kunit *test)
{
	struct iv iv;

	iv_start(test, &iv, (struct pci_sim_ep_config){});
	device_lock(&iv.pdev->dev);
	KUNIT_EXPECT_EQ(test, -ERESTARTNOINTR,
			sim_kunit_store(iv.pdev, "sriov_numvfs", "1"));
	/* That is for the return to user space, which starts it again */
	flush_signals(current);
	device_unlock(&iv.pdev->dev);
	pci_lock_rescan_remove();
	pci_unlock_rescan_remove();
	KUNIT_EXPECT_EQ(test, 0, sim_kunit_store(iv.pdev, "sriov_numvfs", "1"));
	SIM_EXPECT_BOUND(test, iv.vf[0], 1, 0);
}

/*
 * What cannot be built: more VFs than Routing IDs, VFs without ARI, two that
 * have the same Routing ID
 */
static void iv_bad_fabric(struct kunit *test)
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

static struct kunit_case iv_cases[] = {
	KUNIT_CASE_PARAM(iv_enable, iv_variant_gen_params),
	KUNIT_CASE_PARAM(iv_broken, iv_variant_gen_params),
	KUNIT_CASE_PARAM(iv_vf_flr, iv_variant_gen_params),
	KUNIT_CASE_PARAM(iv_pf_flr, iv_variant_gen_params),
	KUNIT_CASE_PARAM(iv_bus_reset, iv_variant_gen_params),
	KUNIT_CASE_PARAM(iv_unplug, iv_variant_gen_params),
	KUNIT_CASE(iv_two_pfs),
	KUNIT_CASE_PARAM(iv_lock_of_driver, iv_variant_gen_params),
	KUNIT_CASE_PARAM(iv_driver_busy, iv_variant_gen_params),
	KUNIT_CASE(iv_bad_fabric),
	{}
};

static struct kunit_suite iv_suite = {
	.name = "pci-sim-sriov",
	.test_cases = iv_cases,
};

kunit_test_suite(iv_suite);

#if IS_ENABLED(CONFIG_PCI_FAULTS_KUNIT_TEST)

static struct kunit_case iv_fault_cases[] = {
	KUNIT_CASE_PARAM(iv_bus_reset, iv_fault_variant_gen_params),
	{}
};

static struct kunit_suite iv_fault_suite = {
	.name = "pci-fault-sriov",
	.test_cases = iv_fault_cases,
};

kunit_test_suite(iv_fault_suite);

#endif
