// SPDX-License-Identifier: GPL-2.0
/*
 * Test pci_reset_bus_flags() and pci_reset_scope_*() with all flags, called without
 * locks, and from probe with the device lock held.
 *
 *	reset_flags_test [-f flags] methods=NAME,... BDF... [outside=BDF...]
 *
 * The first device is reset; it supports exactly these methods. A link reset affects
 * all devices given, and must not affect those outside.
 *
 * As success of a call does not show what was reset, each reset has to clear a mark
 * on the functions in its scope, and on no other; a refused one must not clear any
 * (see reset_mark()). The functions that were reset and the kernel's log show which
 * method was used.
 *
 * Limits of QEMU: its devices are not reset on the way from D3hot to D0, so a mark
 * that is kept shows that no other method was used, and a fault that starts with the
 * write of D3hot shows that the PM reset was. Its CXL ports do a Secondary Bus Reset
 * even if it is masked, so the test does not see that CXL_BUS unmasks it.
 *
 * Fixtures: flags runs on any device, shared on two or more functions below one
 * port, hotplug on a device in a pciehp slot, quirk on an NVMe.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "kselftest_harness.h"
#include "reset_api.h"
#include "reset_lib.h"

/* In the order in which pci_reset_bus_flags() tries them */
static const struct method {
	const char *name;
	unsigned int flag;
	bool flr, pm;		/* the kernel waits for the device after these */
} methods[] = {
	/* nvme_disable_and_flr() */
	{ .name = "device_specific", .flag = DEV_SPECIFIC, .flr = true },
	{ .name = "acpi", .flag = ACPI },
	{ .name = "flr", .flag = FLR, .flr = true },
	{ .name = "pm", .flag = PM, .pm = true },
	{ .name = "slot", .flag = SLOT },
	{ .name = "bus", .flag = BUS },
	{ .name = "cxl_bus", .flag = CXL_BUS },
};

#define for_each_method(m) \
	for (m = methods; m < methods + ARRAY_SIZE(methods); m++)

/* The SATA controller of q35: on the root bus, without a driver */
static const char root_bus_dev[] = "0000:00:1f.2";

static struct reset_args args;
static unsigned int supported;

/* State of a device before a reset */
struct state {
	__u8 cfg[CFG_SIZE];
	int prepared, done;
};

struct env {
	const char *dev;		/* the device to reset */
	int ctl;
	int kmsg;			/* log since the start of the test */
	int log;			/* log since the last api_log_read() */
	bool bridge[MAX_DEVS];		/* has the port driver, no mark */
	char driver[MAX_DEVS][NAME_MAX];
	struct state state[MAX_DEVS];
	__u8 outside_cfg[MAX_DEVS][CFG_SIZE];
};

/* The method that the kernel has to select from a mask, or NULL */
static const struct method *choose(unsigned int mask)
{
	const struct method *m;

	for_each_method(m)
		if (m->flag & supported & mask)
			return m;
	return NULL;
}

static int nr_affected(const struct method *m)
{
	return m->flag & FUNC ? 1 : args.nr_scope;
}

/* --- before, after, compare --------------------------------------------- */

/* As EXPECT_EQ(), but tells which of the resets of a test failed */
#define CHECK(expected, seen) ({						\
	EXPECT_EQ(expected, seen) {					\
		TH_LOG("%s", what);					\
	}								\
})

static void remember(struct __test_metadata *_metadata, struct env *env)
{
	struct api_log log;
	int i;

	for (i = 0; i < args.nr_scope; i++) {
		ASSERT_LT(0, pci_config(args.scope[i], env->state[i].cfg));
		if (env->bridge[i])
			continue;
		ASSERT_EQ(0, reset_mark(args.scope[i]));
		env->state[i].prepared = api_counter(args.scope[i], "prepared");
		env->state[i].done = api_counter(args.scope[i], "done");
	}
	ASSERT_EQ(0, api_log_read(env->log, &log));
}

/* reset_prepare() and reset_done() were called once for the first @affected devices only */
static void check_callbacks(struct __test_metadata *_metadata, struct env *env,
			    int affected, const char *what)
{
	int i;

	for (i = 0; i < args.nr_scope; i++) {
		if (env->bridge[i])
			continue;
		CHECK(env->state[i].prepared + (i < affected),
		      api_counter(args.scope[i], "prepared"));
		CHECK(env->state[i].done + (i < affected),
		      api_counter(args.scope[i], "done"));
	}
}

static void check_marks(struct __test_metadata *_metadata, struct env *env,
			int affected, const char *what)
{
	int i;

	for (i = 0; i < args.nr_scope; i++)
		if (!env->bridge[i])
			CHECK(i < affected ? 0 : 1, reset_marked(args.scope[i]));
}

static void check_configs(struct __test_metadata *_metadata, struct env *env,
			  const char *what)
{
	__u8 now[CFG_SIZE];
	int i, len;

	for (i = 0; i < args.nr_scope; i++) {
		len = pci_config(args.scope[i], now);
		ASSERT_LT(0, len);
		CHECK(0, pci_config_diff(args.scope[i], env->state[i].cfg, now, len));
	}
}

/* The log shows a reset by @m only, or no reset if @m is NULL */
static void check_log(struct __test_metadata *_metadata, struct env *env,
		      const struct method *m, int gave_up, const char *what)
{
	struct api_log log;

	ASSERT_EQ(0, api_log_read(env->log, &log));
	EXPECT_STREQ(m && m->flag & FUNC ? m->name : "", log.via) {
		TH_LOG("%s", what);
	}
	CHECK(m && m->flr, log.flr);
	CHECK(m && m->pm, log.pm);
	CHECK(gave_up, log.gave_up);
}

/* All devices in the scope of @m were reset by it and restored since remember() */
static void check_reset(struct __test_metadata *_metadata, struct env *env,
			const struct method *m, const char *what)
{
	int affected = nr_affected(m);

	check_callbacks(_metadata, env, affected, what);
	check_marks(_metadata, env, m->flag == PM ? 0 : affected, what);
	check_configs(_metadata, env, what);
	check_log(_metadata, env, m, 0, what);
}

/* Nothing was reset since remember(), and no driver callback was called */
static void check_untouched(struct __test_metadata *_metadata, struct env *env,
			    const char *what)
{
	check_callbacks(_metadata, env, 0, what);
	check_marks(_metadata, env, 0, what);
	check_configs(_metadata, env, what);
	check_log(_metadata, env, NULL, 0, what);
}

#define EXPECT_RESET(method, request) do {				\
	remember(_metadata, env);					\
	EXPECT_EQ(0, request);						\
	check_reset(_metadata, env, method, #request);			\
} while (0)

#define EXPECT_REFUSED(error, request) do {				\
	remember(_metadata, env);					\
	EXPECT_EQ(error, request);					\
	check_untouched(_metadata, env, #request);			\
} while (0)

/* A query and a reset with these flags select this method, or fail if it is NULL */
static void expect_choice(struct __test_metadata *_metadata, struct env *env,
			  const struct method *m, unsigned int flags)
{
	struct api_scope scope;
	char what[64];
	int i, j;

	snprintf(what, sizeof(what), "flags %#x: %s", flags, m ? m->name : "no method");

	remember(_metadata, env);
	CHECK(m ? 0 : ENOTTY, api_query(env->ctl, env->dev, flags, &scope));
	check_untouched(_metadata, env, what);
	if (m) {
		CHECK(m->flag, scope.method);
		CHECK(nr_affected(m), scope.nr);
		for (i = 0; i < nr_affected(m); i++) {
			for (j = 0; j < scope.nr; j++)
				if (!strcmp(args.scope[i], scope.bdf[j]))
					break;
			EXPECT_LT(j, scope.nr) {
				TH_LOG("%s: no %s", what, args.scope[i]);
			}
		}
	}

	remember(_metadata, env);
	CHECK(m ? 0 : ENOTTY, api_reset(env->ctl, env->dev, flags));
	if (m)
		check_reset(_metadata, env, m, what);
	else
		check_untouched(_metadata, env, what);
}

/* --- before and after each test ----------------------------------------- */

static void bind_all(struct __test_metadata *_metadata, struct env *env)
{
	int i;

	for (i = 0; i < args.nr_scope; i++)
		if (!env->bridge[i])
			ASSERT_EQ(0, api_bind(args.scope[i]));
}

static void env_setup(struct __test_metadata *_metadata, struct env *env)
{
	int i;

	env->dev = args.scope[0];
	env->ctl = api_open();
	ASSERT_LE(0, env->ctl);
	for (i = 0; i < args.nr_scope; i++) {
		env->bridge[i] = pci_is_bridge(args.scope[i]);
		ASSERT_EQ(0, pci_driver(args.scope[i], env->driver[i], NAME_MAX));
	}
	bind_all(_metadata, env);
	for (i = 0; i < args.nr_outside; i++) {
		ASSERT_EQ(0, reset_mark(args.outside[i]));
		ASSERT_LT(0, pci_config(args.outside[i], env->outside_cfg[i]));
	}
	env->log = kmsg_open();
	env->kmsg = kmsg_open();
	ASSERT_LE(0, env->kmsg);
}

static void env_teardown(struct __test_metadata *_metadata, struct env *env)
{
	__u8 now[CFG_SIZE];
	char driver[NAME_MAX];
	int i, len;

	close(env->ctl);
	EXPECT_EQ(0, pciehp_complaints(env->kmsg));
	for (i = 0; i < args.nr_outside; i++) {
		EXPECT_EQ(1, reset_marked(args.outside[i]));
		len = pci_config(args.outside[i], now);
		ASSERT_LT(0, len);
		EXPECT_EQ(0, pci_config_diff(args.outside[i], env->outside_cfg[i],
					     now, len));
	}
	for (i = 0; i < args.nr_scope; i++) {
		if (env->bridge[i])
			continue;
		ASSERT_EQ(0, pci_bind_default(args.scope[i]));
		ASSERT_EQ(0, pci_driver(args.scope[i], driver, sizeof(driver)));
		EXPECT_STREQ(env->driver[i], driver);
		if (!strcmp(driver, "nvme"))
			EXPECT_EQ(0, nvme_does_io(args.scope[i]));
	}
}

#define RESET_FIXTURE(name)						\
	FIXTURE(name) { struct env env; };				\
	FIXTURE_SETUP(name) { env_setup(_metadata, &self->env); }	\
	FIXTURE_TEARDOWN(name) { env_teardown(_metadata, &self->env); }

#define RESET_TEST(fixture, name)					\
	static void test_##fixture##_##name(struct __test_metadata *_metadata, \
					    struct env *env);		\
	TEST_F_TIMEOUT(fixture, name, LONG_TIMEOUT)			\
	{								\
		test_##fixture##_##name(_metadata, &self->env);		\
	}								\
	static void test_##fixture##_##name(struct __test_metadata *_metadata, \
					    struct env *env)

/* --- flags: any device -------------------------------------------------- */

RESET_FIXTURE(flags)

RESET_TEST(flags, mask_selects_its_method)
{
	const struct method *m;
	int i;

	for_each_method(m)
		for (i = 0; i < 3; i++)
			expect_choice(_metadata, env, choose(m->flag), m->flag);
}

RESET_TEST(flags, alias_selects_first_method)
{
	static const unsigned int masks[] = { FUNC, LINK, ANY, LINK | CXL_BUS, FUNC | BUS };
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(masks); i++) {
		expect_choice(_metadata, env, choose(masks[i]), masks[i]);
		expect_choice(_metadata, env, choose(masks[i]), masks[i] | TRYLOCK);
	}
}

/* An empty mask, modifiers without a method, and undefined bits */
RESET_TEST(flags, refuses_unknown_bits)
{
	struct api_scope scope;
	unsigned int bit, flags;

	EXPECT_REFUSED(EINVAL, api_reset(env->ctl, env->dev, 0));
	EXPECT_REFUSED(EINVAL, api_query(env->ctl, env->dev, 0, &scope));
	for (flags = TRYLOCK; flags <= MODIFIERS; flags += TRYLOCK) {
		EXPECT_REFUSED(EINVAL, api_reset(env->ctl, env->dev, flags));
		EXPECT_REFUSED(EINVAL, api_query(env->ctl, env->dev, flags, &scope));
	}
	for (bit = 1; bit; bit <<= 1) {
		if (bit & (ANY | MODIFIERS))
			continue;
		EXPECT_REFUSED(EINVAL, api_reset(env->ctl, env->dev, bit));
		EXPECT_REFUSED(EINVAL, api_reset(env->ctl, env->dev, bit | ANY));
		EXPECT_REFUSED(EINVAL, api_query(env->ctl, env->dev, bit | ANY, &scope));
	}

	/* A commit takes modifiers only, its method is that of the query */
	ASSERT_EQ(0, api_query(env->ctl, env->dev, ANY, &scope));
	for (bit = 1; bit; bit <<= 1)
		if (!(bit & MODIFIERS))
			EXPECT_REFUSED(EINVAL, api_commit(env->ctl, bit));
}

/* PCI_RESET_LOCKED without the device lock held */
RESET_TEST(flags, locked_needs_device_lock)
{
	struct api_scope scope;
	const struct method *m;

	for_each_method(m)
		if (m->flag & supported)
			EXPECT_REFUSED(EINVAL, api_reset(env->ctl, env->dev,
							 m->flag | LOCKED));
	ASSERT_EQ(0, api_query(env->ctl, env->dev, ANY | LOCKED, &scope));
	EXPECT_REFUSED(EINVAL, api_commit(env->ctl, LOCKED));
}

RESET_TEST(flags, commit_resets_scope)
{
	const struct method *m;
	struct api_scope scope;

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		EXPECT_RESET(m, api_commit(env->ctl, 0));
		/* A scope can be reset repeatedly */
		EXPECT_RESET(m, api_commit(env->ctl, TRYLOCK));
	}
}

RESET_TEST(flags, alone_refuses_shared_link)
{
	const struct method *m;
	struct api_scope scope;

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		if (nr_affected(m) == 1) {
			EXPECT_RESET(m, api_commit(env->ctl, ALONE));
			EXPECT_RESET(m, api_reset(env->ctl, env->dev, m->flag | ALONE));
		} else {
			EXPECT_REFUSED(EBUSY, api_commit(env->ctl, ALONE));
			EXPECT_REFUSED(EBUSY, api_query(env->ctl, env->dev,
							m->flag | ALONE, &scope));
			EXPECT_REFUSED(EBUSY, api_reset(env->ctl, env->dev,
							m->flag | ALONE));
		}
	}
}

/* reset_method orders and restricts function resets, not link resets */
RESET_TEST(flags, obeys_reset_method)
{
	const struct method *m, *link = choose(LINK);

	if (!pci_has_attr(env->dev, "reset_method"))
		SKIP(return, "%s has no function reset", env->dev);

	for_each_method(m) {
		if (!(m->flag & supported & FUNC))
			continue;
		/* This method only */
		ASSERT_EQ(0, pci_write_attr(env->dev, "reset_method", m->name));
		expect_choice(_metadata, env, m, FUNC);
		expect_choice(_metadata, env, m, ANY);
		expect_choice(_metadata, env, m, m->flag);
		expect_choice(_metadata, env, link, LINK);
	}

	if (supported & FLR && supported & PM) {
		ASSERT_EQ(0, pci_write_attr(env->dev, "reset_method", "pm flr"));
		expect_choice(_metadata, env, choose(PM), FUNC);
		expect_choice(_metadata, env, choose(FLR), FLR);
		ASSERT_EQ(0, pci_write_attr(env->dev, "reset_method", "flr pm"));
		expect_choice(_metadata, env, choose(FLR), FUNC);
	}

	/* No method */
	ASSERT_EQ(0, pci_write_attr(env->dev, "reset_method", "\n"));
	for_each_method(m)
		expect_choice(_metadata, env, m->flag & FUNC ? NULL : choose(m->flag), m->flag);
	expect_choice(_metadata, env, NULL, FUNC);
	expect_choice(_metadata, env, choose(LINK | CXL_BUS), ANY);

	ASSERT_EQ(0, pci_write_attr(env->dev, "reset_method", "default"));
	expect_choice(_metadata, env, choose(FUNC), FUNC);
}

/* If the device does not respond, the reset times out, and no other method is used */
static void expect_timeout(struct __test_metadata *_metadata, struct env *env,
			   const struct method *m, const char *fault, unsigned int flags)
{
	char what[64];

	snprintf(what, sizeof(what), "%s with %s, flags %#x", fault, m->name, flags);
	remember(_metadata, env);
	ASSERT_EQ(0, api_request(env->ctl, "fault %s %s", env->dev, fault));
	CHECK(ETIMEDOUT, api_reset(env->ctl, env->dev, flags));
	ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
	check_callbacks(_metadata, env, nr_affected(m), what);
	check_marks(_metadata, env, m->flag == PM ? 0 : nr_affected(m), what);
	check_log(_metadata, env, m, 1, what);
	check_configs(_metadata, env, what);
}

/*
 * The module does not see accesses of firmware to config space. After a link reset,
 * the kernel waits for devices with a PM capability only; a conventional device may
 * have none, and QEMU's CXL device has none.
 */
static bool can_time_out(struct env *env, const struct method *m)
{
	__u8 cfg[CFG_SIZE];

	if (m->flag & ACPI)
		return false;
	/* pciehp removes a device that does not respond after a link reset */
	if (m->flag & LINK && supported & SLOT)
		return false;
	return m->flag & FUNC ||
	       (pci_config(env->dev, cfg) > 0 && pci_cap(cfg, PCI_CAP_ID_PM));
}

RESET_TEST(flags, absent_device_times_out)
{
	const struct method *m;

	for_each_method(m) {
		if (!(m->flag & supported) || !can_time_out(env, m))
			continue;
		expect_timeout(_metadata, env, m, "absent", m->flag);
		expect_timeout(_metadata, env, m, "rrs", m->flag);
		expect_choice(_metadata, env, m, m->flag);
	}
	m = choose(ANY);
	if (can_time_out(env, m))
		expect_timeout(_metadata, env, m, "absent", ANY);
}

/* The same by "reset" in sysfs */
RESET_TEST(flags, sysfs_reset_times_out)
{
	const struct method *m = choose(ANY);
	const char *what = "sysfs reset";

	/* "reset" does not reset a link with several devices */
	if (nr_affected(m) > 1 || !can_time_out(env, m))
		SKIP(return, "%s has no reset of its own that can time out", env->dev);

	remember(_metadata, env);
	ASSERT_EQ(0, api_request(env->ctl, "fault %s absent", env->dev));
	EXPECT_EQ(ETIMEDOUT, pci_write_errno(env->dev, "reset", "1"));
	ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
	check_callbacks(_metadata, env, 1, what);
	if (m->flag & FUNC)
		check_log(_metadata, env, m, 1, what);
}

/* The device is removed between query and commit */
RESET_TEST(flags, refuses_removed_device)
{
	const struct method *m;
	struct api_scope scope;
	struct api_log log;
	int kmsg;

	if (env->bridge[0] || args.nr_scope > 1)
		SKIP(return, "%s shares its link", env->dev);

	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		kmsg = kmsg_open();
		remember(_metadata, env);
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		ASSERT_EQ(0, pci_write_attr(env->dev, "remove", "1"));
		EXPECT_EQ(ENODEV, api_commit(env->ctl, 0));
		EXPECT_EQ(ENODEV, api_request(env->ctl, "reset - %#x", m->flag));
		EXPECT_EQ(ENODEV, api_request(env->ctl, "query - %#x", m->flag));
		EXPECT_EQ(ENXIO, api_reset(env->ctl, env->dev, m->flag));

		/* The scope has the last reference */
		EXPECT_EQ(0, api_log_freed(kmsg, env->dev));
		close(env->ctl);
		usleep(10000);
		EXPECT_EQ(1, api_log_freed(kmsg, env->dev)) {
			TH_LOG("after %s", m->name);
		}
		close(kmsg);
		env->ctl = api_open();

		ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
		ASSERT_EQ(0, api_bind(env->dev));
		EXPECT_EQ(1, reset_marked(env->dev));
		ASSERT_EQ(0, api_log_read(env->log, &log));
		expect_choice(_metadata, env, m, m->flag);
	}
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "1"));
}

RESET_TEST(flags, root_bus_device_has_no_method)
{
	const struct method *m;
	struct api_scope scope;

	for_each_method(m)
		EXPECT_EQ(ENOTTY, api_reset(env->ctl, root_bus_dev, m->flag));
	EXPECT_EQ(ENOTTY, api_reset(env->ctl, root_bus_dev, ANY));
	EXPECT_EQ(ENOTTY, api_query(env->ctl, root_bus_dev, ANY, &scope));
	EXPECT_EQ(ENOTTY, api_probe(root_bus_dev, LINK | LOCKED | ALONE));
	EXPECT_EQ(ENOTTY, api_probe(root_bus_dev, ANY | LOCKED));
	EXPECT_EQ(0, api_counter(root_bus_dev, "prepared"));
	ASSERT_EQ(0, pci_bind(root_bus_dev, ""));
}

/* Invalid requests to the module call no function of the API */
RESET_TEST(flags, module_refuses_bad_requests)
{
	char longest[200];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;

	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "\n"));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "reset"));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "reset %s", env->dev));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "reset %s bus", env->dev));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "reset %s -1", env->dev));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "reset %s 0x10y", env->dev));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "reset %s 0x100000010", env->dev));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "RESET %s 0x10", env->dev));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "reset 01 0x10"));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "%s", longest));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "commit - 0"));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "fault %s broken", env->dev));
	EXPECT_REFUSED(EBADMSG, api_request(env->ctl, "fault %s id=144d", env->dev));
	EXPECT_REFUSED(ENXIO, api_request(env->ctl, "reset 0000:7f:00.0 0x10"));
	EXPECT_REFUSED(ENXIO, api_request(env->ctl, "query 0001:00:00.0 0x10"));

	/* A valid request */
	EXPECT_EQ(0, api_reset(env->ctl, env->dev, ANY));
}

/* --- flags: memory allocation fails ------------------------------------- */

enum request { RESET, QUERY, COMMIT };

static int request(struct env *env, enum request request, unsigned int flag)
{
	struct api_scope scope;

	switch (request) {
	case RESET:
		return api_reset(env->ctl, env->dev, flag);
	case QUERY:
		return api_query(env->ctl, env->dev, flag, &scope);
	default:
		return api_commit(env->ctl, 0);
	}
}

/*
 * Whether a failing request leaks memory, 8 bytes at least. Slab memory grows by
 * some pages now and then, so only growth in each of several tries is a leak.
 */
static bool leaks(struct env *env, enum request req, const struct method *m, int n)
{
	const int rounds = 5000;
	int i, tries;
	long kb;

	for (tries = 0; tries < 5; tries++) {
		kb = slab_kb();
		for (i = 0; i < rounds; i++) {
			fail_nth(n);
			request(env, req, m->flag);
			fail_nth(0);
		}
		if (slab_kb() - kb < rounds * 8 / 1024)
			return false;
	}
	return true;
}

/* Let each allocation fail in turn: nothing is reset, and no memory is leaked */
static void expect_nomem(struct __test_metadata *_metadata, struct env *env,
			 enum request req, const struct method *m)
{
	struct api_scope scope;
	int n, rc, failed = 0;
	char what[64];
	bool done;

	for (n = 1; n < 100; n++) {
		snprintf(what, sizeof(what), "%s, request %d, allocation %d", m->name,
			 req, n);
		if (req == COMMIT)
			ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		remember(_metadata, env);
		fail_nth(n);
		rc = request(env, req, m->flag);
		done = fail_nth_done();
		if (!done)
			break;
		if (!rc && req != QUERY) {
			/* The allocation is not needed for the reset */
			check_reset(_metadata, env, m, what);
			continue;
		}
		CHECK(ENOMEM, rc);
		check_untouched(_metadata, env, what);
		CHECK(false, leaks(env, req, m, n));
		failed++;
	}
	CHECK(0, rc);
	EXPECT_FALSE(done);
	EXPECT_LT(0, failed) {
		TH_LOG("%s: no allocation failed", what);
	}
}

RESET_TEST(flags, no_memory_resets_nothing)
{
	const struct method *m;

	if (fail_nth_open())
		SKIP(return, "the kernel has no CONFIG_FAILSLAB");

	for_each_method(m) {
		/* ACPICA leaves the mutex of _RST locked on a failed allocation */
		if (!(m->flag & supported & ~ACPI))
			continue;
		expect_nomem(_metadata, env, QUERY, m);
		expect_nomem(_metadata, env, COMMIT, m);
		expect_nomem(_metadata, env, RESET, m);
	}
}

/* --- flags: from probe -------------------------------------------------- */

/* A reset in probe returns @error, and the driver stays bound */
static void expect_probe(struct __test_metadata *_metadata, struct env *env,
			 int error, const struct method *m, unsigned int flags)
{
	int i, probed, removed, called = !error || error == ETIMEDOUT;
	char what[64];

	snprintf(what, sizeof(what), "from probe, flags %#x", flags);
	ASSERT_EQ(0, pci_bind(env->dev, ""));
	ASSERT_EQ(0, reset_mark(env->dev));
	for (i = 1; i < args.nr_scope; i++) {
		if (env->bridge[i])
			continue;
		ASSERT_EQ(0, reset_mark(args.scope[i]));
		env->state[i].prepared = api_counter(args.scope[i], "prepared");
		env->state[i].done = api_counter(args.scope[i], "done");
	}
	/* The counters of the device start with its probe */
	env->state[0].prepared = 0;
	env->state[0].done = 0;
	probed = api_counter("", "probed");
	removed = api_counter("", "removed");

	CHECK(error, api_probe(env->dev, flags));
	check_callbacks(_metadata, env, called ? nr_affected(m) : 0, what);
	check_marks(_metadata, env, called && m->flag != PM ? nr_affected(m) : 0, what);

	/* Give pciehp time to handle events */
	usleep(500000);
	CHECK(probed + 1, api_counter("", "probed"));
	CHECK(removed, api_counter("", "removed"));
}

RESET_TEST(flags, resets_in_probe)
{
	const struct method *m;

	if (env->bridge[0])
		SKIP(return, "%s is bound to the port driver", env->dev);

	for_each_method(m) {
		if (!(m->flag & supported)) {
			expect_probe(_metadata, env, ENOTTY, m, m->flag | LOCKED);
			continue;
		}
		expect_probe(_metadata, env, 0, m, m->flag | LOCKED);
		expect_probe(_metadata, env, 0, m, m->flag | LOCKED | TRYLOCK);
		expect_probe(_metadata, env, nr_affected(m) > 1 ? EBUSY : 0, m,
			     m->flag | LOCKED | ALONE);
	}
	expect_probe(_metadata, env, EINVAL, NULL, LOCKED);
	expect_probe(_metadata, env, EINVAL, NULL, LOCKED | LINK | 0x8000);
}

/* As hfi1 does */
RESET_TEST(flags, link_reset_in_probe)
{
	const struct method *m = choose(LINK);

	if (env->bridge[0])
		SKIP(return, "%s is bound to the port driver", env->dev);

	expect_probe(_metadata, env, !m ? ENOTTY : args.nr_scope > 1 ? EBUSY : 0, m,
		     LINK | LOCKED | ALONE);
}

RESET_TEST(flags, absent_device_times_out_in_probe)
{
	const struct method *m;

	if (env->bridge[0])
		SKIP(return, "%s is bound to the port driver", env->dev);

	for_each_method(m) {
		if (!(m->flag & supported) || !can_time_out(env, m))
			continue;
		ASSERT_EQ(0, pci_bind(env->dev, ""));
		ASSERT_EQ(0, api_request(env->ctl, "fault %s absent", env->dev));
		/* With the fault, the mark cannot be read */
		EXPECT_EQ(ETIMEDOUT, api_probe(env->dev, m->flag | LOCKED));
		EXPECT_EQ(1, api_counter(env->dev, "prepared"));
		EXPECT_EQ(1, api_counter(env->dev, "done"));
		ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
		expect_choice(_metadata, env, m, m->flag);
	}
}

/* --- flags: locks ------------------------------------------------------- */

#define HOLD_MS		5000

static int ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 +
	       (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* Without TRYLOCK, a reset waits until a concurrent probe has ended */
RESET_TEST(flags, waits_for_device_lock)
{
	struct api_holder holder;
	struct timespec start;
	const struct method *m;
	struct api_scope scope;
	struct api_log log;

	if (env->bridge[0])
		SKIP(return, "%s is bound to the port driver", env->dev);

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		ASSERT_EQ(0, reset_mark(env->dev));
		ASSERT_EQ(0, api_log_read(env->log, &log));
		ASSERT_EQ(0, api_hold(&holder, env->dev, HOLD_MS));
		EXPECT_EQ(EAGAIN, api_reset(env->ctl, env->dev, m->flag | TRYLOCK));
		EXPECT_EQ(EAGAIN, api_commit(env->ctl, TRYLOCK));
		EXPECT_EQ(1, reset_marked(env->dev));
		check_log(_metadata, env, NULL, 0, m->name);
		clock_gettime(CLOCK_MONOTONIC, &start);
		EXPECT_EQ(0, api_reset(env->ctl, env->dev, m->flag));
		EXPECT_LT(HOLD_MS / 2, ms_since(&start));
		check_log(_metadata, env, m, 0, m->name);
		ASSERT_EQ(0, api_hold_end(&holder));
		EXPECT_EQ(api_counter(env->dev, "prepared"),
			  api_counter(env->dev, "done"));
	}
}

/*
 * Only a link reset takes the lock of the bridge. A function reset does not wait for
 * it.
 */
RESET_TEST(flags, only_link_reset_takes_bridge_lock)
{
	const struct method *func = choose(FUNC);
	struct api_holder holder;
	char bridge[BDF_LEN];

	ASSERT_EQ(0, pci_bridge_above(env->dev, bridge));
	ASSERT_EQ(0, api_hold(&holder, bridge, HOLD_MS));

	/* api_hold() unbound the port driver, which removed the slot */
	EXPECT_REFUSED(EAGAIN, api_reset(env->ctl, env->dev, (LINK | CXL_BUS) | TRYLOCK));
	if (func) {
		EXPECT_RESET(func, api_reset(env->ctl, env->dev, FUNC));
		EXPECT_RESET(func, api_reset(env->ctl, env->dev, FUNC | TRYLOCK));
	}
	if (!env->bridge[0]) {
		expect_probe(_metadata, env, EAGAIN, NULL, LINK | CXL_BUS | LOCKED);
		expect_probe(_metadata, env, EAGAIN, NULL, LINK | CXL_BUS | LOCKED | TRYLOCK);
		if (func)
			expect_probe(_metadata, env, 0, func, FUNC | LOCKED);
	}
	ASSERT_EQ(0, api_hold_end(&holder));
	ASSERT_EQ(0, pci_bind_default(bridge));
	/* Ignore what pciehp logs when it is bound */
	close(env->kmsg);
	env->kmsg = kmsg_open();
}

/* --- shared: two or more functions -------------------------------------- */

RESET_FIXTURE(shared)

static void remove_last(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	ASSERT_EQ(0, pci_write_attr(args.scope[args.nr_scope - 1], "remove", "1"));
	args.nr_scope--;
}

static void rescan_last(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
	args.nr_scope++;
	ASSERT_EQ(0, api_bind(args.scope[args.nr_scope - 1]));
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "1"));
}

/* A commit is refused after the scope of a link reset has changed */
RESET_TEST(shared, commit_refused_after_removal)
{
	const struct method *m;
	struct api_scope scope;

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		remove_last(_metadata);
		if (m->flag & FUNC)
			EXPECT_RESET(m, api_commit(env->ctl, 0));
		else
			EXPECT_REFUSED(EBUSY, api_commit(env->ctl, 0));
		/* A new query returns the new scope */
		expect_choice(_metadata, env, m, m->flag);
		if (args.nr_scope == 1)
			EXPECT_RESET(m, api_reset(env->ctl, env->dev, m->flag | ALONE));
		rescan_last(_metadata);
	}
}

RESET_TEST(shared, commit_refused_after_addition)
{
	const struct method *m;
	struct api_scope scope;

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		remove_last(_metadata);
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		EXPECT_EQ(nr_affected(m), scope.nr);
		rescan_last(_metadata);
		if (m->flag & FUNC)
			EXPECT_RESET(m, api_commit(env->ctl, 0));
		else
			EXPECT_REFUSED(EBUSY, api_commit(env->ctl, 0));
		expect_choice(_metadata, env, m, m->flag);
	}
}

/* A function that was removed and added is not the one in the scope */
RESET_TEST(shared, commit_refused_after_replacement)
{
	const struct method *m;
	struct api_scope scope;

	for_each_method(m) {
		if (!(m->flag & supported & ~FUNC))
			continue;
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		remove_last(_metadata);
		rescan_last(_metadata);
		EXPECT_REFUSED(EBUSY, api_commit(env->ctl, 0));
	}
}

/* The device itself is removed, the others stay */
RESET_TEST(shared, commit_refused_for_removed_device)
{
	const struct method *m;
	struct api_scope scope;
	int i;

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		remember(_metadata, env);
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "0"));
		ASSERT_EQ(0, pci_write_attr(env->dev, "remove", "1"));
		EXPECT_EQ(ENODEV, api_commit(env->ctl, 0)) {
			TH_LOG("%s", m->name);
		}
		EXPECT_EQ(ENODEV, api_request(env->ctl, "reset - %#x", m->flag));
		ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
		ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "1"));
		ASSERT_EQ(0, api_bind(env->dev));
		for (i = 0; i < args.nr_scope; i++)
			EXPECT_EQ(1, reset_marked(args.scope[i]));
	}
}

/* A link reset takes the locks of all functions, a function reset its own only */
RESET_TEST(shared, link_reset_takes_all_locks)
{
	const char *last = args.scope[args.nr_scope - 1];
	struct api_holder holder;
	const struct method *m;
	struct timespec start;
	int i, error;

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		error = m->flag & FUNC ? 0 : EAGAIN;
		ASSERT_EQ(0, api_hold(&holder, last, HOLD_MS));
		for (i = 0; i < args.nr_scope; i++)
			ASSERT_EQ(0, reset_mark(args.scope[i]));
		EXPECT_EQ(error, api_reset(env->ctl, env->dev, m->flag | TRYLOCK));
		EXPECT_EQ(error, api_probe(env->dev, m->flag | LOCKED));
		if (error) {
			EXPECT_EQ(0, api_counter(env->dev, "prepared"));
			for (i = 0; i < args.nr_scope; i++)
				EXPECT_EQ(1, reset_marked(args.scope[i]));
		}
		clock_gettime(CLOCK_MONOTONIC, &start);
		EXPECT_EQ(0, api_reset(env->ctl, env->dev, m->flag));
		EXPECT_EQ(!!error, ms_since(&start) > HOLD_MS / 2);
		ASSERT_EQ(0, api_hold_end(&holder));
	}
}

/* A link reset of @asked times out if @absent does not respond */
static void expect_link_timeout(struct __test_metadata *_metadata, struct env *env,
				const struct method *m, const char *absent,
				const char *asked)
{
	char what[64];

	snprintf(what, sizeof(what), "%s of %s, %s is absent", m->name, asked, absent);
	remember(_metadata, env);
	ASSERT_EQ(0, api_request(env->ctl, "fault %s absent", absent));
	CHECK(ETIMEDOUT, api_reset(env->ctl, asked, m->flag));
	ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
	check_callbacks(_metadata, env, args.nr_scope, what);
	check_marks(_metadata, env, args.nr_scope, what);
	check_configs(_metadata, env, what);
}

RESET_TEST(shared, absent_function_times_out)
{
	const struct method *m;
	int i, j;

	for_each_method(m) {
		if (!(m->flag & supported & ~FUNC) || !can_time_out(env, m))
			continue;
		for (i = 0; i < args.nr_scope; i++)
			for (j = 0; j < args.nr_scope; j++)
				expect_link_timeout(_metadata, env, m, args.scope[i],
						    args.scope[j]);
	}
}

/* --- hotplug: a pciehp slot --------------------------------------------- */

RESET_FIXTURE(hotplug)

/* Bind pciehp to, or unbind it from, the service above @bdf, "0000:00:02.0:pcie004" */
static int pciehp_bind(const char *bdf, const char *attr)
{
	char bridge[BDF_LEN], path[PATH_MAX], service[32];

	if (pci_bridge_above(bdf, bridge))
		return -1;
	/* Port type 0 or 6 (Root, Downstream Port), service 4: hotplug */
	snprintf(service, sizeof(service), "%s:pcie004", bridge);
	snprintf(path, sizeof(path), "/sys/bus/pci_express/devices/%s", service);
	if (access(path, F_OK))
		snprintf(service, sizeof(service), "%s:pcie204", bridge);
	snprintf(path, sizeof(path), "/sys/bus/pci_express/drivers/pciehp/%s", attr);
	return write_file(path, service);
}

/* pciehp is unbound between query and commit, which removes the slot */
RESET_TEST(hotplug, commit_refused_without_slot)
{
	const struct method *slot = choose(SLOT), *bus = choose(BUS);
	struct api_scope scope;

	ASSERT_NE(NULL, slot);
	ASSERT_NE(NULL, bus);
	ASSERT_EQ(0, api_query(env->ctl, env->dev, LINK, &scope));
	EXPECT_EQ(SLOT, scope.method);
	ASSERT_EQ(0, pciehp_bind(env->dev, "unbind"));

	EXPECT_REFUSED(ENOTTY, api_commit(env->ctl, 0));
	EXPECT_REFUSED(ENOTTY, api_reset(env->ctl, env->dev, SLOT));
	EXPECT_RESET(bus, api_reset(env->ctl, env->dev, LINK));
	EXPECT_EQ(0, api_query(env->ctl, env->dev, LINK, &scope));
	EXPECT_EQ(BUS, scope.method);
	EXPECT_RESET(bus, api_commit(env->ctl, 0));

	ASSERT_EQ(0, pciehp_bind(env->dev, "bind"));
	EXPECT_RESET(slot, api_reset(env->ctl, env->dev, SLOT));
	/* Ignore what pciehp logs when it is bound */
	close(env->kmsg);
	env->kmsg = kmsg_open();
}

/* --- quirk: an NVMe with the IDs of one with a device-specific reset ---- */

RESET_FIXTURE(quirk)

static void rescan_dev(struct __test_metadata *_metadata, struct env *env)
{
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	ASSERT_EQ(0, pci_write_attr(env->dev, "remove", "1"));
	ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "1"));
	ASSERT_EQ(0, api_bind(env->dev));
}

RESET_TEST(quirk, device_specific_comes_first)
{
	char methods[64];
	unsigned int mine = supported;

	/* Samsung SM961/PM961, see nvme_disable_and_flr() in drivers/pci/quirks.c */
	ASSERT_EQ(0, api_request(env->ctl, "fault %s id=144d:a804", env->dev));
	rescan_dev(_metadata, env);
	supported |= DEV_SPECIFIC;
	ASSERT_EQ(0, pci_read_attr(env->dev, "reset_method", methods, sizeof(methods)));
	EXPECT_EQ(0, strncmp(methods, "device_specific ", strlen("device_specific ")));

	test_flags_mask_selects_its_method(_metadata, env);
	test_flags_alias_selects_first_method(_metadata, env);
	test_flags_obeys_reset_method(_metadata, env);
	test_flags_resets_in_probe(_metadata, env);

	ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
	rescan_dev(_metadata, env);
	supported = mine;
	expect_choice(_metadata, env, NULL, DEV_SPECIFIC);
}

/* --- main --------------------------------------------------------------- */

/* Take "methods=flr,slot,bus" out of argv */
static int parse_methods(int *argc, char **argv)
{
	static const char prefix[] = "methods=";
	const struct method *m;
	char *list, *name;
	int i, left = 1;

	for (i = 1; i < *argc; i++) {
		if (strncmp(argv[i], prefix, strlen(prefix))) {
			argv[left++] = argv[i];
			continue;
		}
		list = argv[i] + strlen(prefix);
		while ((name = strsep(&list, ","))) {
			for_each_method(m)
				if (!strcmp(name, m->name))
					break;
			if (m == methods + ARRAY_SIZE(methods)) {
				fprintf(stderr, "no such method: '%s'\n", name);
				return -1;
			}
			supported |= m->flag;
		}
	}
	argv[left] = NULL;
	*argc = left;
	return 0;
}

int main(int argc, char **argv)
{
	require_vm();
	if (reset_parse_args(&args, &argc, argv) || parse_methods(&argc, argv))
		return KSFT_FAIL;
	if (!args.nr_scope) {
		ksft_print_header();
		ksft_exit_skip("no devices given, see run_vm_tests.sh\n");
	}
	if (api_load() || api_log_on())
		return KSFT_FAIL;
	return test_harness_run(argc, argv);
}
