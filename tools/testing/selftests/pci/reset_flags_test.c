// SPDX-License-Identifier: GPL-2.0
/*
 * pci_reset_bus_flags() and pci_reset_scope_*(), with any mask, from outside of
 * the device's driver and from its probe with the device lock held.
 *
 *	reset_flags_test [-f flags] methods=NAME,... BDF... [outside=BDF...]
 *
 * A reset is asked of the first device, which supports exactly these methods. A
 * link reset affects all devices, the ones outside must never notice.
 *
 * That a call returns 0 proves nothing: each reset has to clear a mark on the
 * functions in its scope and on no other, each refusal on none (reset_mark()).
 * Which method it was shows in who was reset and in the kernel's log. The devices
 * of QEMU do not reset themselves on the way from D3hot to D0: after a PM reset
 * the mark proves that it was no other method, and the fault of a device which
 * goes away with the write of D3hot that it was this one. Its CXL ports obey to a
 * Secondary Bus Reset also if it is masked: that CXL_BUS unmasks it goes unseen.
 *
 * Fixtures: flags is for any device, shared for two or more functions below one
 * port, hotplug for a device in a slot of pciehp, quirk for an NVMe.
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
	bool flr, pm;		/* what the kernel waits for */
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

/* Nobody is above this one, and no driver has it: the SATA controller of q35 */
static const char root_bus_dev[] = "0000:00:1f.2";

static struct reset_args args;
static unsigned int supported;

/* What a device looks like before a reset */
struct state {
	__u8 cfg[CFG_SIZE];
	int prepared, done;
};

struct env {
	const char *dev;		/* whom the resets are asked of */
	int ctl;
	int kmsg;			/* since the test began */
	int log;			/* since the last look */
	bool bridge[MAX_DEVS];		/* has the port driver, no mark */
	char driver[MAX_DEVS][NAME_MAX];
	struct state state[MAX_DEVS];
	__u8 outside_cfg[MAX_DEVS][CFG_SIZE];
};

/* The method that the kernel has to choose from a mask, NULL if there is none */
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

/* --- before, after, compare ----------------------------------------------- */

/* Every EXPECT_* below says which of the many resets of a test it was about */
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

/* The first @affected devices were told of a reset, once, and nobody else */
static void check_told(struct __test_metadata *_metadata, struct env *env,
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

/* By @m and nothing else; NULL: by no method at all */
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

/* After remember(): all that @m affects was reset by @m, and is as before */
static void check_reset(struct __test_metadata *_metadata, struct env *env,
			const struct method *m, const char *what)
{
	int affected = nr_affected(m);

	check_told(_metadata, env, affected, what);
	check_marks(_metadata, env, m->flag == PM ? 0 : affected, what);
	check_configs(_metadata, env, what);
	check_log(_metadata, env, m, 0, what);
}

/* After remember(): nothing was reset, and no driver heard of it */
static void check_untouched(struct __test_metadata *_metadata, struct env *env,
			    const char *what)
{
	check_told(_metadata, env, 0, what);
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

/* The mask leads to this method, or to none */
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
				TH_LOG("%s: without %s", what, args.scope[i]);
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

/* --- before and after each test ------------------------------------------- */

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

/* --- flags: any device ---------------------------------------------------- */

RESET_FIXTURE(flags)

RESET_TEST(flags, each_method)
{
	const struct method *m;
	int i;

	for_each_method(m)
		for (i = 0; i < 3; i++)
			expect_choice(_metadata, env, choose(m->flag), m->flag);
}

RESET_TEST(flags, aliases)
{
	static const unsigned int masks[] = { FUNC, LINK, ANY, LINK | CXL_BUS, FUNC | BUS };
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(masks); i++) {
		expect_choice(_metadata, env, choose(masks[i]), masks[i]);
		expect_choice(_metadata, env, choose(masks[i]), masks[i] | TRYLOCK);
	}
}

/* An empty mask, modifiers without a method, bits that mean nothing */
RESET_TEST(flags, unknown_bits)
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

	/* A commit takes modifiers, its method is that of the query */
	ASSERT_EQ(0, api_query(env->ctl, env->dev, ANY, &scope));
	for (bit = 1; bit; bit <<= 1)
		if (!(bit & MODIFIERS))
			EXPECT_REFUSED(EINVAL, api_commit(env->ctl, bit));
}

/* PCI_RESET_LOCKED is a promise, and nobody holds the lock here */
RESET_TEST(flags, not_locked)
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

RESET_TEST(flags, commit)
{
	const struct method *m;
	struct api_scope scope;

	for_each_method(m) {
		if (!(m->flag & supported))
			continue;
		ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		EXPECT_RESET(m, api_commit(env->ctl, 0));
		/* As often as one likes */
		EXPECT_RESET(m, api_commit(env->ctl, TRYLOCK));
	}
}

RESET_TEST(flags, alone)
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

/* The administrator orders and filters function resets, and vetoes no other */
RESET_TEST(flags, reset_method)
{
	const struct method *m, *link = choose(LINK);

	if (!pci_has_attr(env->dev, "reset_method"))
		SKIP(return, "%s can not be reset by itself", env->dev);

	for_each_method(m) {
		if (!(m->flag & supported & FUNC))
			continue;
		/* It alone */
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

	/* None of them */
	ASSERT_EQ(0, pci_write_attr(env->dev, "reset_method", "\n"));
	for_each_method(m)
		expect_choice(_metadata, env, m->flag & FUNC ? NULL : choose(m->flag), m->flag);
	expect_choice(_metadata, env, NULL, FUNC);
	expect_choice(_metadata, env, choose(LINK | CXL_BUS), ANY);

	ASSERT_EQ(0, pci_write_attr(env->dev, "reset_method", "default"));
	expect_choice(_metadata, env, choose(FUNC), FUNC);
}

/* A device that stays away is -ETIMEDOUT, and nothing else is tried on it */
static void expect_timeout(struct __test_metadata *_metadata, struct env *env,
			   const struct method *m, const char *fault, unsigned int flags)
{
	char what[64];

	snprintf(what, sizeof(what), "%s with %s, flags %#x", fault, m->name, flags);
	remember(_metadata, env);
	ASSERT_EQ(0, api_request(env->ctl, "fault %s %s", env->dev, fault));
	CHECK(ETIMEDOUT, api_reset(env->ctl, env->dev, flags));
	ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
	check_told(_metadata, env, nr_affected(m), what);
	check_marks(_metadata, env, m->flag == PM ? 0 : nr_affected(m), what);
	check_log(_metadata, env, m, 1, what);
	check_configs(_metadata, env, what);
}

/*
 * Firmware's accesses to config space do not pass through the module. After a
 * link reset, the kernel waits only for devices with a PM capability, which a
 * conventional device may do without, and QEMU's CXL device does.
 */
static bool can_time_out(struct env *env, const struct method *m)
{
	__u8 cfg[CFG_SIZE];

	if (m->flag & ACPI)
		return false;
	/* pciehp removes what does not come back from a reset of its link */
	if (m->flag & LINK && supported & SLOT)
		return false;
	return m->flag & FUNC ||
	       (pci_config(env->dev, cfg) > 0 && pci_cap(cfg, PCI_CAP_ID_PM));
}

RESET_TEST(flags, does_not_come_back)
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

/* The same through today's functions: "reset" in sysfs */
RESET_TEST(flags, sysfs_reset_does_not_come_back)
{
	const struct method *m = choose(ANY);
	const char *what = "sysfs reset";

	/* Today's functions reset no link for one of many */
	if (nr_affected(m) > 1 || !can_time_out(env, m))
		SKIP(return, "%s can not be reset by itself, or will come back", env->dev);

	remember(_metadata, env);
	ASSERT_EQ(0, api_request(env->ctl, "fault %s absent", env->dev));
	EXPECT_EQ(ETIMEDOUT, pci_write_errno(env->dev, "reset", "1"));
	ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
	check_told(_metadata, env, 1, what);
	if (m->flag & FUNC)
		check_log(_metadata, env, m, 1, what);
}

/* Whoever is removed while somebody thinks about its reset */
RESET_TEST(flags, removed)
{
	const struct method *m;
	struct api_scope scope;
	struct api_log log;
	int kmsg;

	if (env->bridge[0] || args.nr_scope > 1)
		SKIP(return, "%s is not alone", env->dev);

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

RESET_TEST(flags, no_bridge)
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

/* Requests that the module refuses are none to the API */
RESET_TEST(flags, bad_requests)
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

	/* The same with nothing wrong */
	EXPECT_EQ(0, api_reset(env->ctl, env->dev, ANY));
}

/* --- flags: no memory ----------------------------------------------------- */

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
 * A request that fails as before, often: the memory that is in use grows by some
 * pages now and then, but not every time by what even the smallest allocation
 * would leave behind, 8 bytes.
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

/* Every allocation fails in turn: nothing is reset then, and nothing is lost */
static void expect_nomem(struct __test_metadata *_metadata, struct env *env,
			 enum request req, const struct method *m)
{
	struct api_scope scope;
	int n, err, failed = 0;
	char what[64];
	bool done;

	for (n = 1; n < 100; n++) {
		snprintf(what, sizeof(what), "%s, request %d, allocation %d", m->name,
			 req, n);
		if (req == COMMIT)
			ASSERT_EQ(0, api_query(env->ctl, env->dev, m->flag, &scope));
		remember(_metadata, env);
		fail_nth(n);
		err = request(env, req, m->flag);
		done = fail_nth_done();
		if (!done)
			break;
		if (!err && req != QUERY) {
			/* One that can be done without */
			check_reset(_metadata, env, m, what);
			continue;
		}
		CHECK(ENOMEM, err);
		check_untouched(_metadata, env, what);
		CHECK(false, leaks(env, req, m, n));
		failed++;
	}
	CHECK(0, err);
	EXPECT_FALSE(done);
	EXPECT_LT(0, failed) {
		TH_LOG("%s: no allocation failed", what);
	}
}

RESET_TEST(flags, no_memory)
{
	const struct method *m;

	if (fail_nth_open())
		SKIP(return, "the kernel has no CONFIG_FAILSLAB");

	for_each_method(m) {
		/* ACPI's interpreter does not survive it: _RST keeps its mutex */
		if (!(m->flag & supported & ~ACPI))
			continue;
		expect_nomem(_metadata, env, QUERY, m);
		expect_nomem(_metadata, env, COMMIT, m);
		expect_nomem(_metadata, env, RESET, m);
	}
}

/* --- flags: from probe ---------------------------------------------------- */

/* A reset in the probe of the device, after which it is bound once and for good */
static void expect_probe(struct __test_metadata *_metadata, struct env *env,
			 int error, const struct method *m, unsigned int flags)
{
	int i, probed, removed, told = !error || error == ETIMEDOUT;
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
	/* The driver has none before its probe */
	env->state[0].prepared = 0;
	env->state[0].done = 0;
	probed = api_counter("", "probed");
	removed = api_counter("", "removed");

	CHECK(error, api_probe(env->dev, flags));
	check_told(_metadata, env, told ? nr_affected(m) : 0, what);
	check_marks(_metadata, env, told && m->flag != PM ? nr_affected(m) : 0, what);

	/* Time for pciehp to see what it may have taken for an unplug */
	usleep(500000);
	CHECK(probed + 1, api_counter("", "probed"));
	CHECK(removed, api_counter("", "removed"));
}

RESET_TEST(flags, probe)
{
	const struct method *m;

	if (env->bridge[0])
		SKIP(return, "%s has the port driver", env->dev);

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

/* What hfi1 does */
RESET_TEST(flags, probe_as_hfi1)
{
	const struct method *m = choose(LINK);

	if (env->bridge[0])
		SKIP(return, "%s has the port driver", env->dev);

	expect_probe(_metadata, env, !m ? ENOTTY : args.nr_scope > 1 ? EBUSY : 0, m,
		     LINK | LOCKED | ALONE);
}

RESET_TEST(flags, probe_does_not_come_back)
{
	const struct method *m;

	if (env->bridge[0])
		SKIP(return, "%s has the port driver", env->dev);

	for_each_method(m) {
		if (!(m->flag & supported) || !can_time_out(env, m))
			continue;
		ASSERT_EQ(0, pci_bind(env->dev, ""));
		ASSERT_EQ(0, api_request(env->ctl, "fault %s absent", env->dev));
		/* Whether its mark is gone can only be seen without the fault */
		EXPECT_EQ(ETIMEDOUT, api_probe(env->dev, m->flag | LOCKED));
		EXPECT_EQ(1, api_counter(env->dev, "prepared"));
		EXPECT_EQ(1, api_counter(env->dev, "done"));
		ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
		expect_choice(_metadata, env, m, m->flag);
	}
}

/* --- flags: locks --------------------------------------------------------- */

#define HOLD_MS		5000

static int ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 +
	       (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* The device is busy being probed: wait for it, or don't */
RESET_TEST(flags, device_lock_held)
{
	struct api_holder holder;
	struct timespec start;
	const struct method *m;
	struct api_scope scope;
	struct api_log log;

	if (env->bridge[0])
		SKIP(return, "%s has the port driver", env->dev);

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
 * The bridge's lock is for who resets the link. A function reset, of this device
 * or of another below the same port, has no need to wait for it.
 */
RESET_TEST(flags, bridge_lock_held)
{
	const struct method *func = choose(FUNC);
	struct api_holder holder;
	char bridge[BDF_LEN];

	ASSERT_EQ(0, pci_bridge_above(env->dev, bridge));
	ASSERT_EQ(0, api_hold(&holder, bridge, HOLD_MS));

	/* The port driver was unbound for this, and the slot went with it */
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
	/* It says which slot it has found */
	close(env->kmsg);
	env->kmsg = kmsg_open();
}

/* --- shared: two or more functions ---------------------------------------- */

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

/* The answer to the query is not true any more, for a link reset */
RESET_TEST(shared, removed_after_query)
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
		/* Who asks now gets another answer */
		expect_choice(_metadata, env, m, m->flag);
		if (args.nr_scope == 1)
			EXPECT_RESET(m, api_reset(env->ctl, env->dev, m->flag | ALONE));
		rescan_last(_metadata);
	}
}

RESET_TEST(shared, added_after_query)
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

/* Gone and back: not the one that was asked about, whatever it is called */
RESET_TEST(shared, replaced_after_query)
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

/* The device itself goes, the others stay */
RESET_TEST(shared, first_removed)
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

/* A link reset wants the locks of all, a function reset only its own */
RESET_TEST(shared, neighbour_lock_held)
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

/* Whichever function it is that stays away */
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
	check_told(_metadata, env, args.nr_scope, what);
	check_marks(_metadata, env, args.nr_scope, what);
	check_configs(_metadata, env, what);
}

RESET_TEST(shared, one_does_not_come_back)
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

/* --- hotplug: a slot of pciehp -------------------------------------------- */

RESET_FIXTURE(hotplug)

/* "0000:00:02.0:pcie004": where pciehp is bound; its slot comes and goes with it */
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

/* The slot goes away: its reset is no longer what was asked about */
RESET_TEST(hotplug, slot_goes_away)
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
	/* It says which slot it has found */
	close(env->kmsg);
	env->kmsg = kmsg_open();
}

/* --- quirk: an NVMe that looks like one with a reset of its own ----------- */

RESET_FIXTURE(quirk)

static void rescan_dev(struct __test_metadata *_metadata, struct env *env)
{
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	ASSERT_EQ(0, pci_write_attr(env->dev, "remove", "1"));
	ASSERT_EQ(0, write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "1"));
	ASSERT_EQ(0, api_bind(env->dev));
}

RESET_TEST(quirk, device_specific)
{
	char methods[64];
	unsigned int mine = supported;

	/* Samsung SM961/PM961, see nvme_disable_and_flr() in drivers/pci/quirks.c */
	ASSERT_EQ(0, api_request(env->ctl, "fault %s id=144d:a804", env->dev));
	rescan_dev(_metadata, env);
	supported |= DEV_SPECIFIC;
	ASSERT_EQ(0, pci_read_attr(env->dev, "reset_method", methods, sizeof(methods)));
	EXPECT_EQ(0, strncmp(methods, "device_specific ", strlen("device_specific ")));

	test_flags_each_method(_metadata, env);
	test_flags_aliases(_metadata, env);
	test_flags_reset_method(_metadata, env);
	test_flags_probe(_metadata, env);

	ASSERT_EQ(0, api_request(env->ctl, "fault - none"));
	rescan_dev(_metadata, env);
	supported = mine;
	expect_choice(_metadata, env, NULL, DEV_SPECIFIC);
}

/* --- main ----------------------------------------------------------------- */

/* "methods=flr,slot,bus", taken out of argv */
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
	if (reset_parse_args(&args, &argc, argv) || parse_methods(&argc, argv))
		return KSFT_FAIL;
	if (!args.nr_scope) {
		ksft_print_header();
		ksft_exit_skip("no devices given, they would be reset: see run_vm_tests.sh\n");
	}
	if (api_load() || api_log_on())
		return KSFT_FAIL;
	return test_harness_run(argc, argv);
}
