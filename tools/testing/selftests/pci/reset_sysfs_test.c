// SPDX-License-Identifier: GPL-2.0
/*
 * Test "reset", "reset_method" and "reset_subordinate" as described in
 * Documentation/ABI/testing/sysfs-bus-pci.
 *
 *	reset_sysfs_test methods=NAME,... BDF... [outside=BDF...]
 *
 * The first device has these reset methods, in this order. All devices are below the
 * same port, except those outside. A cleared mark shows that a device was reset (see
 * reset_mark()).
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "reset_api.h"
#include "reset_lib.h"

#define MAX_METHODS	8

static struct reset_args args;
static const char *methods[MAX_METHODS];
static int nr_methods;
static char methods_line[128];		/* as reset_method shows them */

FIXTURE(sysfs) {
	const char *dev;
	char bridge[BDF_LEN];
	int kmsg;
	int log;
	__u8 cfg[MAX_DEVS][CFG_SIZE];
	__u8 outside_cfg[MAX_DEVS][CFG_SIZE];
	__u8 bridge_cfg[CFG_SIZE];
};

FIXTURE_SETUP(sysfs)
{
	int i;

	self->dev = args.scope[0];
	ASSERT_EQ(0, pci_bridge_above(self->dev, self->bridge));
	for (i = 0; i < args.nr_scope; i++)
		if (!pci_is_bridge(args.scope[i]))
			ASSERT_EQ(0, api_bind(args.scope[i]));
	/* The methods found at enumeration may be out of date */
	ASSERT_EQ(0, pci_write_errno(self->dev, "reset_method", "default"));
	for (i = 0; i < args.nr_outside; i++) {
		ASSERT_EQ(0, reset_mark(args.outside[i]));
		ASSERT_LT(0, pci_config(args.outside[i], self->outside_cfg[i]));
	}
	self->kmsg = kmsg_open();
	self->log = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN(sysfs)
{
	__u8 now[CFG_SIZE];
	char driver[NAME_MAX];
	int i, len;

	EXPECT_EQ(0, pciehp_complaints(self->kmsg));
	for (i = 0; i < args.nr_outside; i++) {
		EXPECT_EQ(1, reset_marked(args.outside[i]));
		len = pci_config(args.outside[i], now);
		ASSERT_LT(0, len);
		EXPECT_EQ(0, pci_config_diff(args.outside[i], self->outside_cfg[i],
					     now, len));
	}
	for (i = 0; i < args.nr_scope; i++) {
		if (pci_is_bridge(args.scope[i]))
			continue;
		ASSERT_EQ(0, pci_bind_default(args.scope[i]));
		ASSERT_EQ(0, pci_driver(args.scope[i], driver, sizeof(driver)));
		if (!strcmp(driver, "nvme"))
			EXPECT_EQ(0, nvme_does_io(args.scope[i]));
	}
}

#define SYSFS_TEST(name) TEST_F_TIMEOUT(sysfs, name, LONG_TIMEOUT)

static void remember(struct __test_metadata *_metadata, FIXTURE_DATA(sysfs) *self)
{
	struct api_log log;
	int i;

	ASSERT_LT(0, pci_config(self->bridge, self->bridge_cfg));
	for (i = 0; i < args.nr_scope; i++) {
		ASSERT_LT(0, pci_config(args.scope[i], self->cfg[i]));
		if (!pci_is_bridge(args.scope[i]))
			ASSERT_EQ(0, reset_mark(args.scope[i]));
	}
	ASSERT_EQ(0, api_log_read(self->log, &log));
}

/* The first @nr devices were reset; config space of all and of the port is as before */
static void check(struct __test_metadata *_metadata, FIXTURE_DATA(sysfs) *self, int nr,
		  const char *what)
{
	__u8 now[CFG_SIZE];
	int i, len;

	len = pci_config(self->bridge, now);
	EXPECT_EQ(0, pci_config_diff(self->bridge, self->bridge_cfg, now, len)) {
		TH_LOG("%s", what);
	}
	for (i = 0; i < args.nr_scope; i++) {
		len = pci_config(args.scope[i], now);
		ASSERT_LT(0, len);
		EXPECT_EQ(0, pci_config_diff(args.scope[i], self->cfg[i], now, len)) {
			TH_LOG("%s", what);
		}
		if (pci_is_bridge(args.scope[i]))
			continue;
		EXPECT_EQ(i < nr ? 0 : 1, reset_marked(args.scope[i])) {
			TH_LOG("%s: %s", what, args.scope[i]);
		}
		EXPECT_EQ(api_counter(args.scope[i], "prepared"),
			  api_counter(args.scope[i], "done"));
	}
}

#define EXPECT_WRITE(error, nr, bdf, attr, value) do {			\
	remember(_metadata, self);					\
	EXPECT_EQ(error, pci_write_errno(bdf, attr, value)) {		\
		TH_LOG("'%s' to %s", value, attr);			\
	}								\
	check(_metadata, self, nr, "'" value "' to " attr);		\
} while (0)

static void expect_methods(struct __test_metadata *_metadata, const char *dev,
			   const char *expected)
{
	char now[128];

	ASSERT_EQ(0, pci_read_attr(dev, "reset_method", now, sizeof(now)));
	EXPECT_STREQ(expected, now);
}

SYSFS_TEST(reset_uses_first_method)
{
	char via[128] = "";
	struct api_log log;

	/* QEMU's devices are not reset on the way from D3hot to D0 */
	EXPECT_WRITE(0, strcmp(methods[0], "pm") ? 1 : 0, self->dev, "reset", "1");
	ASSERT_EQ(0, api_log_read(self->log, &log));
	snprintf(via, sizeof(via), "%s", methods[0]);
	EXPECT_STREQ(via, log.via);
	EXPECT_EQ(1, api_counter(self->dev, "prepared"));
}

SYSFS_TEST(reset_refuses_bad_input)
{
	EXPECT_WRITE(EINVAL, 0, self->dev, "reset", "0");
	EXPECT_WRITE(EINVAL, 0, self->dev, "reset", "2");
	EXPECT_WRITE(EINVAL, 0, self->dev, "reset", "-1");
	EXPECT_WRITE(EINVAL, 0, self->dev, "reset", "bus");
	EXPECT_WRITE(EINVAL, 0, self->dev, "reset", "\n");
	EXPECT_EQ(0, api_counter(self->dev, "prepared"));
}

/* "reset" uses the only method in reset_method */
SYSFS_TEST(reset_uses_selected_method)
{
	struct api_log log;
	bool pm;
	int i;

	expect_methods(_metadata, self->dev, methods_line);
	for (i = 0; i < nr_methods; i++) {
		ASSERT_EQ(0, pci_write_errno(self->dev, "reset_method", methods[i]));
		expect_methods(_metadata, self->dev, methods[i]);
		pm = !strcmp(methods[i], "pm");
		/* Only a function that is alone on its bus has "bus" */
		EXPECT_WRITE(0, pm ? 0 : 1, self->dev, "reset", "1");
		ASSERT_EQ(0, api_log_read(self->log, &log));
		EXPECT_STREQ(methods[i], log.via);
		EXPECT_EQ(pm, log.pm);
		EXPECT_EQ(!strcmp(methods[i], "flr"), log.flr);
	}
	ASSERT_EQ(0, pci_write_errno(self->dev, "reset_method", "default"));
	expect_methods(_metadata, self->dev, methods_line);
}

SYSFS_TEST(reset_method_sets_order)
{
	char reversed[128] = "";
	struct api_log log;
	int i;

	if (nr_methods < 2)
		SKIP(return, "%s has one method only", self->dev);

	for (i = nr_methods - 1; i >= 0; i--) {
		strcat(reversed, methods[i]);
		strcat(reversed, i ? " " : "");
	}
	ASSERT_EQ(0, pci_write_errno(self->dev, "reset_method", reversed));
	expect_methods(_metadata, self->dev, reversed);
	EXPECT_WRITE(0, 1, self->dev, "reset", "1");
	ASSERT_EQ(0, api_log_read(self->log, &log));
	EXPECT_STREQ(methods[nr_methods - 1], log.via);
	ASSERT_EQ(0, pci_write_errno(self->dev, "reset_method", "default\n"));
	expect_methods(_metadata, self->dev, methods_line);
}

/* Without a method, "reset" fails */
SYSFS_TEST(empty_reset_method_disables_reset)
{
	ASSERT_EQ(0, pci_write_errno(self->dev, "reset_method", "\n"));
	expect_methods(_metadata, self->dev, "");
	EXPECT_WRITE(ENOTTY, 0, self->dev, "reset", "1");
	ASSERT_EQ(0, pci_write_errno(self->dev, "reset_method", "default"));
	expect_methods(_metadata, self->dev, methods_line);
	EXPECT_WRITE(0, strcmp(methods[0], "pm") ? 1 : 0, self->dev, "reset", "1");
}

/* Invalid values do not change the methods */
SYSFS_TEST(reset_method_refuses_bad_input)
{
	static const char * const bad[] = {
		"none", "FLR", "flrbus", "flr,bus", "default flr", "1",
	};
	char value[256];
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(EINVAL, pci_write_errno(self->dev, "reset_method", bad[i])) {
			TH_LOG("'%s'", bad[i]);
		}
		expect_methods(_metadata, self->dev, methods_line);
	}
	/* A valid method before an invalid one */
	snprintf(value, sizeof(value), "%s nonsense", methods[0]);
	EXPECT_EQ(EINVAL, pci_write_errno(self->dev, "reset_method", value));
	expect_methods(_metadata, self->dev, methods_line);

	/* Methods that the device does not have */
	EXPECT_EQ(EINVAL, pci_write_errno(self->dev, "reset_method", "device_specific"));
	EXPECT_EQ(EINVAL, pci_write_errno(self->dev, "reset_method", "af_flr"));
	expect_methods(_metadata, self->dev, methods_line);

	/* More words than methods exist */
	value[0] = 0;
	for (i = 0; i < 16; i++) {
		strcat(value, methods[0]);
		strcat(value, " ");
	}
	EXPECT_EQ(EINVAL, pci_write_errno(self->dev, "reset_method", value));
	expect_methods(_metadata, self->dev, methods_line);
}

SYSFS_TEST(reset_subordinate_resets_all_below)
{
	int i;

	/* Only bridges have it */
	EXPECT_FALSE(pci_has_attr(self->dev, "reset_subordinate") && !pci_is_bridge(self->dev));
	EXPECT_TRUE(pci_has_attr(self->bridge, "reset_subordinate"));

	for (i = 0; i < 3; i++)
		EXPECT_WRITE(0, args.nr_scope, self->bridge, "reset_subordinate", "1");
	for (i = 0; i < args.nr_scope; i++)
		if (!pci_is_bridge(args.scope[i]))
			EXPECT_EQ(3, api_counter(args.scope[i], "prepared"));
}

SYSFS_TEST(reset_subordinate_refuses_bad_input)
{
	/* 0 is accepted and resets nothing */
	EXPECT_WRITE(0, 0, self->bridge, "reset_subordinate", "0");
	EXPECT_WRITE(EINVAL, 0, self->bridge, "reset_subordinate", "\n");
	EXPECT_WRITE(EINVAL, 0, self->bridge, "reset_subordinate", "-1");
	EXPECT_WRITE(EINVAL, 0, self->bridge, "reset_subordinate", "bus");
	EXPECT_WRITE(EINVAL, 0, self->bridge, "reset_subordinate", "1 1");
}

SYSFS_TEST(reset_subordinate_needs_capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3], less[2];

	ASSERT_EQ(0, syscall(SYS_capget, &header, data));
	memcpy(less, data, sizeof(less));
	less[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);

	remember(_metadata, self);
	ASSERT_EQ(0, syscall(SYS_capset, &header, less));
	EXPECT_EQ(EPERM, pci_write_errno(self->bridge, "reset_subordinate", "1"));
	EXPECT_EQ(EPERM, pci_write_errno(self->bridge, "reset_subordinate", "0"));
	ASSERT_EQ(0, syscall(SYS_capset, &header, data));
	check(_metadata, self, 0, "without CAP_SYS_ADMIN");

	EXPECT_WRITE(0, args.nr_scope, self->bridge, "reset_subordinate", "1");
}

/* Take "methods=flr,bus" out of argv */
static int parse_methods(int *argc, char **argv)
{
	static const char prefix[] = "methods=";
	char *list, *name;
	int i, left = 1;

	for (i = 1; i < *argc; i++) {
		if (strncmp(argv[i], prefix, strlen(prefix))) {
			argv[left++] = argv[i];
			continue;
		}
		list = argv[i] + strlen(prefix);
		while ((name = strsep(&list, ",")) && nr_methods < MAX_METHODS) {
			snprintf(methods_line + strlen(methods_line),
				 sizeof(methods_line) - strlen(methods_line), "%s%s",
				 nr_methods ? " " : "", name);
			methods[nr_methods++] = name;
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
	if (!nr_methods) {
		fprintf(stderr, "no methods=... of %s given\n", args.scope[0]);
		return KSFT_FAIL;
	}
	if (api_load() || api_log_on())
		return KSFT_FAIL;
	return test_harness_run(argc, argv);
}
