// SPDX-License-Identifier: GPL-2.0
/*
 * Test pci-sim through configfs (Documentation/PCI/pci-sim.rst): a fabric that is
 * built there appears in sysfs, drivers get its events, and invalid requests fail
 * without effect.
 *
 * Each test loads the module and unloads it in the end, which needs all devices to
 * be freed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libvfio.h>

#include "kselftest_harness.h"
#include "reset_api.h"
#include "reset_lib.h"
#include "sim_lib.h"

/* Longer than any event takes, including the 5 s that pciehp waits after a button press */
#define DEADLINE_S	60

/* Wait for the condition: true, or false if it does not hold before the deadline */
#define EVENTUALLY(condition) ({					\
	time_t __end = seconds() + DEADLINE_S;				\
	bool __is;							\
									\
	while (!(__is = (condition)) && seconds() < __end)		\
		usleep(1000);						\
	__is;								\
})

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#define EXPECT_SHOWS(text, path)					\
	EXPECT_STREQ(text, sim_get(path)) {				\
		TH_LOG("%s", path);					\
	}

static bool is_bound(const char *path)
{
	char driver[NAME_MAX];
	const char *bdf = sim_address(path);

	return bdf[0] && !pci_driver(bdf, driver, sizeof(driver)) &&
	       !strcmp(driver, "pci-sim");
}

static bool is_gone(const char *bdf)
{
	return !pci_has_attr(bdf, "vendor");
}

/* --- before and after each test ----------------------------------------- */

/* Open the file of the module, as found by modprobe */
static int module_open(void)
{
	char path[PATH_MAX] = "";
	FILE *f = popen("modprobe -D pci-sim", "r");

	while (f && fscanf(f, "insmod %4095s ", path) == 1)
		;
	if (f)
		pclose(f);
	return open(path, O_RDONLY);
}

static int load(int fd)
{
	return syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
}

/* Whether the kernel's log has this text; consumes the log up to it */
static bool kernel_logs(int kmsg, const char *text)
{
	char line[8192];
	ssize_t len;

	while ((len = read(kmsg, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		line[len > 0 ? len : 0] = 0;
		if (strstr(line, text))
			return true;
	}
	return false;
}

FIXTURE(sim) {
	int kmsg;
};

FIXTURE_SETUP(sim)
{
	if (!sim_exists())
		SKIP(return, "the kernel has no module pci-sim");

	ASSERT_FALSE(sim_is_loaded());
	ASSERT_EQ(0, sim_load());
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN(sim)
{
	if (!sim_is_loaded())
		return;
	sim_drop_all("");
	/* Other tasks may still hold references to devices */
	EXPECT_TRUE(EVENTUALLY(!sim_unload()));
}

#define SIM_TEST(name) TEST_F_TIMEOUT(sim, name, LONG_TIMEOUT)

/*
 * Whether fn() leaks this many bytes per call. Slab memory grows by some pages now
 * and then, so only growth in each of several tries is a leak.
 */
static bool is_leaking(int rounds, int bytes, void (*fn)(void))
{
	int i, tries;
	long kb;

	for (tries = 0; tries < 10; tries++) {
		kb = slab_kb();
		for (i = 0; i < rounds; i++)
			fn();
		if (slab_kb() - kb < rounds * bytes / 1024)
			return false;
	}
	return true;
}

/* --- building ----------------------------------------------------------- */

/*
 * A hotplug port with an Endpoint, and one with a switch that has an Endpoint with
 * two Functions and an empty port. Ports may be made in any order.
 */
static const char * const fabric_dirs[] = {
	"f",
	"f/port1",
	"f/port0",
	"f/port0/endpoint",
	"f/port1/switch",
	"f/port1/switch/port0",
	"f/port1/switch/port0/endpoint",
	"f/port1/switch/port0/endpoint/function1",
	"f/port1/switch/port1",
};

#define EP0	"f/port0/endpoint"
#define EP1	"f/port1/switch/port0/endpoint"
#define EP1F1	EP1 "/function1"

static void build(struct __test_metadata *_metadata)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fabric_dirs); i++)
		ASSERT_EQ(0, sim_make(fabric_dirs[i]));
	ASSERT_EQ(0, sim_set("f/port0/hotplug", "1"));
	ASSERT_EQ(0, sim_set("f/port1/hotplug", "1"));
	ASSERT_EQ(0, sim_set("f/port1/switch/port0/hotplug", "1"));
}

static void go_live(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, sim_set("f/live", "1"));
	ASSERT_STREQ("1", sim_get("f/live"));
}

static void live_fabric(struct __test_metadata *_metadata)
{
	build(_metadata);
	go_live(_metadata);
	ASSERT_TRUE(is_bound(EP0));
	ASSERT_TRUE(is_bound(EP1));
	ASSERT_TRUE(is_bound(EP1F1));
}

SIM_TEST(names_are_checked)
{
	static const char * const wrong[] = {
		"f/port", "f/port32", "f/port01", "f/port+1", "f/port-1", "f/port0x",
		"f/Port0", "f/por", "f/endpoint", "f/switch", "f/function1",
		"f/port4294967296",
		"f/port0/port0", "f/port0/switch0", "f/port0/endpoint0",
		"f/port0/endpoint32", "f/port0/endpoints", "f/port0/function1",
		EP0 "/function", EP0 "/function0", EP0 "/function8", EP0 "/endpoint",
		"f/port1/switch/endpoint", "f/port1/switch/switch",
		EP1F1 "/function2",
		"f/bridge", "f/port0/bridge0", "f/port0/device0",
		"f/port1/switch/device0",
	};
	static const char * const right[] = {
		"f/port31", "f/port0/endpoint1", "f/port0/endpoint31",
		"f/port0/switch", "f/port0/switch31", EP0 "/function7",
		"f/port0/bridge", "f/port0/bridge31",
		"a name that is longer than what a config_item has room for",
	};
	unsigned int i;

	build(_metadata);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(EINVAL, sim_make(wrong[i])) {
			TH_LOG("%s", wrong[i]);
		}
		EXPECT_EQ(ENOENT, sim_drop(wrong[i]));
	}
	for (i = 0; i < ARRAY_SIZE(right); i++) {
		EXPECT_EQ(0, sim_make(right[i])) {
			TH_LOG("%s", right[i]);
		}
		EXPECT_EQ(EEXIST, sim_make(right[i]));
		EXPECT_EQ(0, sim_drop(right[i]));
	}
	EXPECT_EQ(ENOTEMPTY, sim_drop("f/port0"));
}

/* Default, range and format of attributes, as documented */
static const struct {
	const char *path;
	const char *initial;
	const char *value;
	const char *shown;
	const char *wrong;
	int error;
} attrs[] = {
	{ .path = "f/seed", .initial = "0", .value = "18446744073709551615",
	  .shown = "18446744073709551615", .wrong = "18446744073709551616",
	  .error = ERANGE },
	{ .path = "f/jitter", .initial = "0", .value = "1000", .shown = "1000",
	  .wrong = "1001", .error = ERANGE },
	{ .path = "f/port1/hotplug", .initial = "1", .value = "0", .shown = "0",
	  .wrong = "2", .error = ERANGE },
	{ .path = "f/port1/power_ctrl", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "2", .error = ERANGE },
	{ .path = "f/port1/button", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "-1", .error = EINVAL },
	{ .path = "f/port1/no_cmd_compl", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "\n", .error = EINVAL },
	{ .path = "f/port1/no_late_events", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "2", .error = ERANGE },
	{ .path = "f/port1/dpc", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "one", .error = EINVAL },
	{ .path = "f/port1/intx", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "1 1", .error = EINVAL },
	{ .path = "f/port1/multi_msi", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "2", .error = ERANGE },
	{ .path = "f/port1/no_link_active", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "1x", .error = EINVAL },
	{ .path = "f/port1/no_rrs_sv", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "0x", .error = EINVAL },
	{ .path = "f/port1/no_acs", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "2", .error = ERANGE },
	{ .path = "f/port1/ptm", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "yes", .error = EINVAL },
	{ .path = "f/port1/link_sleeps", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "2", .error = ERANGE },
	{ .path = "f/port1/speed", .initial = "0", .value = "6", .shown = "6",
	  .wrong = "7", .error = ERANGE },
	{ .path = "f/port1/slot", .initial = "0", .value = "8191", .shown = "8191",
	  .wrong = "8192", .error = ERANGE },
	{ .path = "f/port1/train_ms", .initial = "0", .value = "0x10", .shown = "16",
	  .wrong = "never", .error = EINVAL },
	{ .path = "f/port1/cmd_us", .initial = "0", .value = " 7 ", .shown = "7",
	  .wrong = "4294967296", .error = ERANGE },
	{ .path = "f/port1/irq_us", .initial = "0", .value = "4294967295",
	  .shown = "4294967295", .wrong = "1 x", .error = EINVAL },
	{ .path = EP1 "/present", .initial = "1", .value = "0", .shown = "0",
	  .wrong = "2", .error = ERANGE },
	{ .path = EP1 "/vendor", .initial = "0x0", .value = "0x8086", .shown = "0x8086",
	  .wrong = "0xffff", .error = ERANGE },
	{ .path = EP1 "/device", .initial = "0x0", .value = "65535", .shown = "0xffff",
	  .wrong = "65536", .error = ERANGE },
	{ .path = EP1 "/class", .initial = "0x0", .value = "0x01080200",
	  .shown = "0x1080200", .wrong = "0x100000000", .error = ERANGE },
	{ .path = EP1 "/dsn", .initial = "0x0", .value = "0x123456789abcdef0",
	  .shown = "0x123456789abcdef0", .wrong = "0x10000000000000000",
	  .error = ERANGE },
	{ .path = EP1 "/flr", .initial = "0", .value = "1", .shown = "1", .wrong = "2",
	  .error = ERANGE },
	{ .path = EP1 "/af_flr", .initial = "0", .value = "1", .shown = "1", .wrong = "2",
	  .error = ERANGE },
	{ .path = EP1 "/pm_reset", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "2", .error = ERANGE },
	{ .path = EP1 "/no_pm", .initial = "0", .value = "1", .shown = "1", .wrong = "2",
	  .error = ERANGE },
	{ .path = EP1 "/ask_reset", .initial = "0", .value = "1", .shown = "1",
	  .wrong = "2", .error = ERANGE },
	{ .path = EP1 "/bar_size", .initial = "0", .value = "128", .shown = "128",
	  .wrong = "4294967296", .error = ERANGE },
	{ .path = EP1 "/ready_ms", .initial = "0", .value = "never", .shown = "never",
	  .wrong = "ever", .error = EINVAL },
	{ .path = EP1 "/flr_ms", .initial = "0", .value = "100", .shown = "100",
	  .wrong = "100 ms", .error = EINVAL },
	{ .path = EP1 "/d3_ms", .initial = "0", .value = "10", .shown = "10",
	  .wrong = "10 20 30", .error = EINVAL },
	{ .path = EP1F1 "/vendor", .initial = "0x0", .value = "0x1234", .shown = "0x1234",
	  .wrong = "0xffff", .error = ERANGE },
	{ .path = EP1F1 "/flr", .initial = "0", .value = "1", .shown = "1", .wrong = "2",
	  .error = ERANGE },
};

/* Attributes that only a live fabric accepts */
static const char * const actions[] = {
	"f/port1/press_button", "f/port1/power_fault", "f/port1/link_stuck",
	"f/port1/link_flap", "f/port1/dpc_trigger",
	"f/port1/uncor_error", "f/port1/cor_error",
	"f/port1/switch/uncor_error", EP1 "/cor_error", EP1F1 "/uncor_error",
};

SIM_TEST(attributes_keep_values)
{
	unsigned int i;

	build(_metadata);
	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		EXPECT_SHOWS(attrs[i].initial, attrs[i].path);
		EXPECT_EQ(0, sim_set(attrs[i].path, attrs[i].value)) {
			TH_LOG("%s to %s", attrs[i].value, attrs[i].path);
		}
		EXPECT_SHOWS(attrs[i].shown, attrs[i].path);
		EXPECT_EQ(attrs[i].error, sim_set(attrs[i].path, attrs[i].wrong)) {
			TH_LOG("%s to %s", attrs[i].wrong, attrs[i].path);
		}
		EXPECT_SHOWS(attrs[i].shown, attrs[i].path);
	}

	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		EXPECT_EQ(ENODEV, sim_set(actions[i], "1")) {
			TH_LOG("%s", actions[i]);
		}
	}
	EXPECT_EQ(ENOENT, sim_set(EP1F1 "/present", "0"));
	EXPECT_EQ(EACCES, sim_set("f/port1/link_up", "1"));
	EXPECT_SHOWS("0", "f/port1/link_up");
	EXPECT_SHOWS("", "f/domain");
	EXPECT_SHOWS("", EP1 "/address");
	EXPECT_SHOWS("0", "f/live");
}

/* A live fabric cannot be changed */
static void expect_no_change(struct __test_metadata *_metadata)
{
	unsigned int i;

	EXPECT_EQ(EBUSY, sim_set("f/jitter", "1"));
	EXPECT_EQ(EBUSY, sim_set("f/port0/hotplug", "0"));
	EXPECT_EQ(EBUSY, sim_set("f/port0/slot", "9"));
	EXPECT_EQ(EBUSY, sim_set(EP0 "/vendor", "0x0"));
	EXPECT_SHOWS("1", "f/port0/hotplug");
	EXPECT_SHOWS("0x8086", EP0 "/vendor");
	EXPECT_EQ(ENOTEMPTY, sim_drop(fabric_dirs[0]));
	for (i = 1; i < ARRAY_SIZE(fabric_dirs); i++) {
		EXPECT_EQ(EBUSY, sim_drop(fabric_dirs[i])) {
			TH_LOG("%s", fabric_dirs[i]);
		}
	}
	EXPECT_EQ(EBUSY, sim_make("f/port2"));
	EXPECT_EQ(EBUSY, sim_make(EP0 "/function1"));
	EXPECT_EQ(EAGAIN, sim_unload());
}

SIM_TEST(live_adds_devices)
{
	char bdf[BDF_LEN], buf[64], path[PATH_MAX];
	unsigned long domain;

	build(_metadata);
	ASSERT_EQ(0, sim_set(EP0 "/vendor", "0x8086"));
	ASSERT_EQ(0, sim_set(EP0 "/device", "0x1234"));
	ASSERT_EQ(0, sim_set(EP0 "/class", "0x02000001"));
	EXPECT_EQ(EINVAL, sim_set("f/live", "maybe"));
	EXPECT_EQ(EPERM, sim_set("f/live", "0"));
	go_live(_metadata);
	EXPECT_EQ(EPERM, sim_set("f/live", "1"));

	/* The fabric has its own domain, devices are in the order of their numbers */
	domain = strtoul(sim_get("f/domain"), NULL, 16);
	EXPECT_LE(0x10000, domain);
	snprintf(bdf, sizeof(bdf), "%04lx:01:00.0", domain);
	EXPECT_STREQ(bdf, sim_address(EP0));
	ASSERT_EQ(0, pci_read_attr(bdf, "vendor", buf, sizeof(buf)));
	EXPECT_STREQ("0x8086", buf);
	ASSERT_EQ(0, pci_read_attr(bdf, "device", buf, sizeof(buf)));
	EXPECT_STREQ("0x1234", buf);
	ASSERT_EQ(0, pci_read_attr(bdf, "class", buf, sizeof(buf)));
	EXPECT_STREQ("0x020000", buf);
	snprintf(bdf, sizeof(bdf), "%04lx:00:02.0", domain);
	EXPECT_STREQ(bdf, sim_address("f/port1"));
	EXPECT_TRUE(pci_is_bridge(bdf));
	EXPECT_NE('\0', sim_address("f/port1/switch")[0]);
	EXPECT_TRUE(is_bound(EP0));
	EXPECT_TRUE(is_bound(EP1));
	EXPECT_TRUE(is_bound(EP1F1));
	EXPECT_EQ('1', sim_address(EP1F1)[strlen(sim_address(EP1F1)) - 1]);
	EXPECT_SHOWS("1", "f/port0/link_up");
	EXPECT_SHOWS("1", "f/port1/switch/port0/link_up");
	EXPECT_SHOWS("0", "f/port1/switch/port1/link_up");
	EXPECT_STRNE("0", sim_get("f/port0/slot"));
	EXPECT_EQ(1, sim_number(EP0 "/counts", "probe"));

	expect_no_change(_metadata);

	/* Stop the fabric */
	strcpy(bdf, sim_address(EP0));
	ASSERT_EQ(0, sim_set("f/live", "0"));
	EXPECT_EQ(EPERM, sim_set("f/live", "0"));
	EXPECT_TRUE(is_gone(bdf));
	EXPECT_SHOWS("0", "f/live");
	EXPECT_SHOWS("", "f/domain");
	EXPECT_SHOWS("", EP0 "/address");
	EXPECT_EQ(0, sim_set(EP0 "/vendor", "0x0"));
	EXPECT_EQ(EAGAIN, sim_unload());

	/* Start it again without one Function */
	EXPECT_EQ(0, sim_drop(EP1F1));
	go_live(_metadata);
	EXPECT_TRUE(is_bound(EP1));
	snprintf(path, sizeof(path), "%s", sim_address(EP1));
	path[strlen(path) - 1] = '1';
	EXPECT_TRUE(is_gone(path));
}

SIM_TEST(invalid_fabrics_are_refused)
{
	char path[PATH_MAX];
	int i;

	ASSERT_EQ(0, sim_make("f"));
	EXPECT_EQ(ENODATA, sim_set("f/live", "1"));
	ASSERT_EQ(0, sim_drop("f"));

	build(_metadata);
	ASSERT_EQ(0, sim_set(EP1F1 "/bar_size", "3"));
	EXPECT_EQ(EINVAL, sim_set("f/live", "1"));
	EXPECT_TRUE(kernel_logs(self->kmsg, EP1F1 ": "));
	EXPECT_SHOWS("0", "f/live");
	EXPECT_SHOWS("", EP0 "/address");
	ASSERT_EQ(0, sim_set(EP1F1 "/bar_size", "0"));

	/* By default, the first card of a port is present */
	ASSERT_EQ(0, sim_make("f/port0/endpoint1"));
	EXPECT_SHOWS("1", EP0 "/present");
	EXPECT_SHOWS("0", "f/port0/endpoint1/present");
	ASSERT_EQ(0, sim_set("f/port0/endpoint1/present", "1"));
	EXPECT_EQ(EINVAL, sim_set("f/live", "1"));
	EXPECT_TRUE(kernel_logs(self->kmsg, "f/port0/endpoint1: "));
	ASSERT_EQ(0, sim_drop("f/port0/endpoint1"));

	/* Device numbers on the root bus are 1 to 31, 0 is the host bridge */
	for (i = 2; i < 32; i++) {
		snprintf(path, sizeof(path), "f/port%d", i);
		ASSERT_EQ(0, sim_make(path));
	}
	EXPECT_EQ(EINVAL, sim_set("f/live", "1"));
	EXPECT_TRUE(kernel_logs(self->kmsg, "f/port31: "));
	ASSERT_EQ(0, sim_drop("f/port31"));
	go_live(_metadata);
	EXPECT_TRUE(is_bound(EP1F1));
}

/* Eight switches in a row, and an Endpoint with two Functions */
SIM_TEST(deep_fabric_is_enumerated)
{
	char path[PATH_MAX] = "f/port1/switch/port1", below[PATH_MAX];
	int i;

	build(_metadata);
	for (i = 1; i < 8; i++) {
		strcat(path, "/switch");
		ASSERT_EQ(0, sim_make(path));
		strcat(path, "/port0");
		ASSERT_EQ(0, sim_make(path));
	}
	/* No card fits below a ninth switch */
	snprintf(below, sizeof(below), "%s/switch", path);
	ASSERT_EQ(0, sim_make(below));
	ASSERT_EQ(0, sim_set(strcat(below, "/present"), "0"));
	snprintf(below, sizeof(below), "%s/switch/port0", path);
	ASSERT_EQ(0, sim_make(below));
	EXPECT_EQ(EINVAL, sim_make(strcat(below, "/endpoint")));

	strcat(path, "/endpoint");
	ASSERT_EQ(0, sim_make(path));
	ASSERT_EQ(0, sim_set(strcat(strcpy(below, path), "/present"), "1"));
	ASSERT_EQ(0, sim_make(strcat(strcpy(below, path), "/function1")));
	go_live(_metadata);
	EXPECT_TRUE(is_bound(path));
	EXPECT_TRUE(is_bound(below));
}

/* --- concurrency -------------------------------------------------------- */

#define ROUNDS	40

/* Set live to @value repeatedly; returns how often it succeeded, 255 on an error */
static int set_live_often(const char *value)
{
	int i, done = 0, rc;

	for (i = 0; i < ROUNDS; i++) {
		rc = sim_set("f/live", value);
		done += !rc;
		/* EBUSY: make_and_drop_often() holds the directory */
		if (rc && rc != EPERM && rc != EBUSY)
			return 255;
		usleep(20000);
	}
	return done;
}

/* Make and remove a directory while the fabric is not live; returns how often */
static int make_and_drop_often(void)
{
	time_t end = seconds() + DEADLINE_S;
	int rc, done = 0;

	while (done < ROUNDS / 4 && seconds() < end) {
		rc = sim_make("f/port7");
		if (rc && rc != EBUSY && rc != EEXIST)
			return 255;
		rc = sim_drop("f/port7");
		done += !rc;
		if (rc && rc != EBUSY && rc != ENOENT)
			return 255;
		usleep(1000);
	}
	return done;
}

SIM_TEST(concurrent_writes_are_serialized)
{
	int i, status, up = 0, down = 0;
	pid_t child[5];

	build(_metadata);
	for (i = 0; i < 5; i++) {
		child[i] = fork();
		ASSERT_LE(0, child[i]);
		if (!child[i])
			_exit(i == 4 ? make_and_drop_often() :
				       set_live_often(i % 2 ? "0" : "1"));
	}
	for (i = 0; i < 5; i++) {
		/* make_and_drop_often() needs a fabric that is not live */
		if (i == 4) {
			EXPECT_LT(1, up);
			EXPECT_EQ(up - down, atoi(sim_get("f/live")));
			EXPECT_NE(255, set_live_often("0"));
		}
		ASSERT_EQ(child[i], waitpid(child[i], &status, 0));
		ASSERT_TRUE(WIFEXITED(status));
		status = WEXITSTATUS(status);
		ASSERT_NE(255, status) {
			TH_LOG("child %d", i);
		}
		if (i == 4) {
			EXPECT_EQ(ROUNDS / 4, status);
			continue;
		}
		*(i % 2 ? &down : &up) += status;
	}
}

SIM_TEST(bridge_and_vfs_are_enumerated)
{
	static const char * const dirs[] = {
		"f", "f/port0", "f/port0/bridge", "f/port0/bridge/device0",
		"f/port0/bridge/device1", "f/port0/bridge/device1/function1",
		"f/port1", "f/port1/endpoint",
	};
	char path[PATH_MAX], bdf[BDF_LEN + 16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		ASSERT_EQ(0, sim_make(dirs[i]));
	EXPECT_EQ(EINVAL, sim_make("f/port0/bridge/device32"));
	EXPECT_EQ(EINVAL, sim_make("f/port0/bridge/endpoint"));
	ASSERT_EQ(0, sim_set("f/port1/endpoint/vfs", "2"));

	/* SR-IOV needs PCI Express */
	ASSERT_EQ(0, sim_set("f/port0/bridge/device0/vfs", "1"));
	EXPECT_EQ(EINVAL, sim_set("f/live", "1"));
	EXPECT_TRUE(kernel_logs(self->kmsg, "f/port0/bridge/device0: "));
	ASSERT_EQ(0, sim_set("f/port0/bridge/device0/vfs", "0"));

	go_live(_metadata);
	for (i = 3; i < 6; i++) {
		EXPECT_TRUE(is_bound(dirs[i])) {
			TH_LOG("%s", dirs[i]);
		}
	}

	strcpy(bdf, sim_address("f/port1/endpoint"));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/sriov_numvfs",
		 bdf);
	ASSERT_EQ(0, write_file(path, "2"));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn1/driver",
		 bdf);
	EXPECT_EQ(0, access(path, F_OK));
	EXPECT_EQ(0, sim_set("f/live", "0"));
}

/* --- memory allocation fails -------------------------------------------- */

/* The log names a fabric that is invalid */
static void expect_complaint(struct __test_metadata *_metadata, int kmsg,
			     const char *fabric)
{
	char path[PATH_MAX];
	size_t len = strlen(fabric);

	strcpy(path, fabric);
	ASSERT_EQ(0, sim_make(strcat(path, "/port0")));
	ASSERT_EQ(0, sim_make(strcat(path, "/endpoint")));
	ASSERT_EQ(0, sim_set(strcat(path, "/bar_size"), "3"));
	strcpy(path + len, "/live");
	EXPECT_EQ(EINVAL, sim_set(path, "1"));
	strcpy(path + len, "/port0/endpoint: ");
	EXPECT_TRUE(kernel_logs(kmsg, path));
	sim_drop_all(fabric);
}

SIM_TEST(mkdir_fails_without_memory)
{
	static const char name[] =
		"f/port1/switch/port0/endpoint/function2";
	static const char fabric[] =
		"a name that is longer than what a config_item has room for";
	const char *path;
	int n, i, rc, failed;

	if (fail_nth_open())
		SKIP(return, "the kernel has no CONFIG_FAILSLAB");

	build(_metadata);
	for (i = 0; i < 2; i++) {
		path = i ? fabric : name;
		failed = 0;
		for (n = 1; ; n++) {
			fail_nth(n);
			rc = sim_make(path);
			if (!fail_nth_done())
				break;
			/* configfs or the VFS does not need this allocation */
			if (!rc) {
				if (path == fabric)
					expect_complaint(_metadata, self->kmsg, path);
				ASSERT_EQ(0, sim_drop(path));
				continue;
			}
			EXPECT_EQ(ENOMEM, rc);
			EXPECT_EQ(ENOENT, sim_drop(path));
			failed++;
		}
		ASSERT_EQ(0, rc);
		EXPECT_LT(1, failed);
		if (path == fabric)
			expect_complaint(_metadata, self->kmsg, path);
		EXPECT_EQ(0, sim_drop(path));
	}
	go_live(_metadata);
}

/* A failed load leaves nothing behind */
SIM_TEST(load_fails_without_memory)
{
	int n, fd, rc, failed = 0;

	if (fail_nth_open())
		SKIP(return, "the kernel has no CONFIG_FAILSLAB");

	fd = module_open();
	ASSERT_LE(0, fd);
	ASSERT_TRUE(EVENTUALLY(!sim_unload()));
	for (n = 1; ; n++) {
		fail_nth(n);
		rc = load(fd);
		if (!fail_nth_done())
			break;
		/* The module loader or the driver core does not need this allocation */
		if (!rc) {
			EXPECT_EQ(0, sim_make("f"));
			EXPECT_EQ(0, sim_drop("f"));
			ASSERT_TRUE(EVENTUALLY(!sim_unload()));
			continue;
		}
		EXPECT_FALSE(sim_is_loaded());
		EXPECT_NE(0, access("/sys/kernel/config/pci-sim", F_OK));
		EXPECT_NE(0, access("/sys/bus/pci/drivers/pci-sim", F_OK));
		failed++;
	}
	TH_LOG("%d of %d allocations are needed", failed, n - 1);
	ASSERT_EQ(0, rc);
	EXPECT_LT(10, failed);
	live_fabric(_metadata);
	close(fd);
}

static int fail_at;

static void fail_to_go_live(void)
{
	fail_nth(fail_at);
	sim_set("f/live", "1");
	fail_nth(0);
}

/* pci_host_probe() logs this if its first allocation fails */
#define PCI_CORE_FAILS	"Scanning root bridge failed"

SIM_TEST(live_fails_without_memory)
{
	int n, rc, failed = 0;

	if (fail_nth_open())
		SKIP(return, "the kernel has no CONFIG_FAILSLAB");

	build(_metadata);
	ASSERT_EQ(0, sim_set("f/port1/dpc", "1"));
	for (n = 1; ; n++) {
		fail_nth(n);
		rc = sim_set("f/live", "1");
		ASSERT_TRUE(fail_nth_done());
		/* The allocation is optional, e.g. for a file in debugfs */
		if (!rc) {
			EXPECT_TRUE(is_bound(EP1F1));
			ASSERT_EQ(0, sim_set("f/live", "0"));
			continue;
		}
		EXPECT_EQ(ENOMEM, rc) {
			TH_LOG("allocation %d", n);
		}
		EXPECT_SHOWS("0", "f/live");
		EXPECT_SHOWS("", "f/domain");
		EXPECT_SHOWS("", EP0 "/address");
		EXPECT_EQ(EPERM, sim_set("f/live", "0"));
		EXPECT_EQ(0, sim_make("f/port2"));
		EXPECT_EQ(0, sim_drop("f/port2"));
		/* The PCI core does not handle all failures: stop at its first allocation */
		if (kernel_logs(self->kmsg, PCI_CORE_FAILS))
			break;
		fail_at = n;
		EXPECT_FALSE(is_leaking(200, 64, fail_to_go_live)) {
			TH_LOG("allocation %d", n);
		}
		failed++;
	}
	/* At least one allocation for each Function */
	EXPECT_LT(ARRAY_SIZE(fabric_dirs), failed);
	go_live(_metadata);
	EXPECT_TRUE(is_bound(EP0));
	EXPECT_TRUE(is_bound(EP1F1));
}

/* --- events ------------------------------------------------------------- */

SIM_TEST(unplug_and_plug_are_handled)
{
	char bdf[BDF_LEN], buf[64];

	build(_metadata);
	ASSERT_EQ(0, sim_make("f/port0/endpoint1"));
	ASSERT_EQ(0, sim_set("f/port0/endpoint1/device", "0x4321"));
	go_live(_metadata);
	strcpy(bdf, sim_address(EP0));

	ASSERT_EQ(0, sim_set(EP0 "/present", "0"));
	EXPECT_SHOWS("0", EP0 "/present");
	EXPECT_SHOWS("0", "f/port0/link_up");
	EXPECT_TRUE(EVENTUALLY(is_gone(bdf)));
	EXPECT_TRUE(EVENTUALLY(sim_number(EP0 "/counts", "remove") == 1));
	/* Pulling an absent card has no effect */
	EXPECT_EQ(0, sim_set(EP0 "/present", "0"));

	ASSERT_EQ(0, sim_set(EP0 "/present", "1"));
	EXPECT_SHOWS("1", EP0 "/present");
	EXPECT_TRUE(EVENTUALLY(is_bound(EP0)));
	EXPECT_SHOWS("1", "f/port0/link_up");
	/* The driver link appears before probe is called */
	EXPECT_TRUE(EVENTUALLY(sim_number(EP0 "/counts", "probe") == 2));

	/* Another card replaces it, and is not pulled with it */
	ASSERT_EQ(0, sim_set("f/port0/endpoint1/present", "1"));
	EXPECT_SHOWS("0", EP0 "/present");
	EXPECT_SHOWS("", EP0 "/address");
	EXPECT_TRUE(EVENTUALLY(sim_number("f/port0/endpoint1/counts", "probe") == 1));
	EXPECT_TRUE(is_bound("f/port0/endpoint1"));
	EXPECT_EQ(0, sim_set(EP0 "/present", "0"));
	EXPECT_SHOWS("1", "f/port0/endpoint1/present");
	EXPECT_STREQ(bdf, sim_address("f/port0/endpoint1"));
	EXPECT_EQ(2, sim_number(EP0 "/counts", "remove"));
	ASSERT_EQ(0, pci_read_attr(bdf, "device", buf, sizeof(buf)));
	EXPECT_STREQ("0x4321", buf);

	/* A switch with the devices below it */
	strcpy(bdf, sim_address(EP1F1));
	ASSERT_EQ(0, sim_set("f/port1/switch/present", "0"));
	EXPECT_TRUE(EVENTUALLY(is_gone(bdf)));
	ASSERT_EQ(0, sim_set("f/port1/switch/present", "1"));
	EXPECT_TRUE(EVENTUALLY(is_bound(EP1F1)));

	/* Events do not change the configuration */
	ASSERT_EQ(0, sim_set("f/live", "0"));
	EXPECT_SHOWS("1", EP0 "/present");
	EXPECT_SHOWS("0", "f/port0/endpoint1/present");

	/* A card can be added to a live fabric */
	ASSERT_EQ(0, sim_set(EP0 "/present", "0"));
	go_live(_metadata);
	EXPECT_SHOWS("", EP0 "/address");
	ASSERT_EQ(0, sim_set(EP0 "/present", "1"));
	EXPECT_TRUE(EVENTUALLY(is_bound(EP0)));
}

static void happen(void)
{
	sim_set(EP1 "/flr_ms", "1 1");
}

SIM_TEST(delayed_event_happens_in_time)
{
	long start;

	live_fabric(_metadata);
	start = milliseconds();
	ASSERT_EQ(0, sim_set(EP0 "/present", "0 300000"));
	ASSERT_EQ(0, sim_set(EP1 "/flr_ms", "77\t200000\n"));
	EXPECT_SHOWS("1", EP0 "/present");
	EXPECT_SHOWS("0", EP1 "/flr_ms");
	EXPECT_TRUE(EVENTUALLY(!strcmp(sim_get(EP1 "/flr_ms"), "77")));
	EXPECT_LE(199, milliseconds() - start);
	EXPECT_TRUE(EVENTUALLY(!strcmp(sim_get(EP0 "/present"), "0")));
	EXPECT_LE(299, milliseconds() - start);
	EXPECT_TRUE(EVENTUALLY(!is_bound(EP0)));

	EXPECT_EQ(EINVAL, sim_set(EP0 "/present", "1 x"));
	EXPECT_EQ(ERANGE, sim_set(EP0 "/present", "1 4294967296"));
	EXPECT_EQ(EINVAL, sim_set(EP0 "/present", "1 1 1"));
	EXPECT_SHOWS("0", EP0 "/present");

	EXPECT_FALSE(is_leaking(1000, 64, happen));

	/* Stopping the fabric cancels pending events */
	ASSERT_EQ(0, sim_set(EP0 "/present", "1 1000000"));
	ASSERT_EQ(0, sim_set("f/live", "0"));
	EXPECT_EQ(EINVAL, sim_set(EP0 "/flr_ms", "1 1"));
}

SIM_TEST(button_and_power_fault_are_handled)
{
	char bdf[BDF_LEN];

	build(_metadata);
	ASSERT_EQ(0, sim_set("f/port0/button", "1"));
	ASSERT_EQ(0, sim_set("f/port0/power_ctrl", "1"));
	go_live(_metadata);
	strcpy(bdf, sim_address(EP0));

	EXPECT_EQ(EOPNOTSUPP, sim_set("f/port1/press_button", "1"));
	EXPECT_EQ(EOPNOTSUPP, sim_set("f/port1/power_fault", "1"));
	EXPECT_EQ(ERANGE, sim_set("f/port0/press_button", "0"));
	EXPECT_EQ(ERANGE, sim_set("f/port0/power_fault", "3"));

	ASSERT_EQ(0, sim_set("f/port0/press_button", "1"));
	EXPECT_TRUE(EVENTUALLY(kernel_logs(self->kmsg,
					   "Button press: will power off")));
	EXPECT_TRUE(EVENTUALLY(is_gone(bdf)));
	EXPECT_SHOWS("1", EP0 "/present");
	EXPECT_TRUE(EVENTUALLY(!strcmp(sim_get("f/port0/link_up"), "0")));
	ASSERT_EQ(0, sim_set("f/port0/press_button", "1"));
	EXPECT_TRUE(EVENTUALLY(is_bound(EP0)));

	ASSERT_EQ(0, sim_set("f/port0/power_fault", "1"));
	EXPECT_SHOWS("0", "f/port0/link_up");
	EXPECT_TRUE(EVENTUALLY(kernel_logs(self->kmsg, "Power fault")));
	EXPECT_TRUE(EVENTUALLY(is_gone(bdf)));
}

SIM_TEST(stuck_link_stays_down)
{
	live_fabric(_metadata);
	ASSERT_EQ(0, sim_set("f/port0/link_stuck", "1"));
	/* It only affects a link that trains */
	EXPECT_SHOWS("1", "f/port0/link_up");
	ASSERT_EQ(0, sim_set(EP0 "/present", "0"));
	EXPECT_TRUE(EVENTUALLY(sim_number(EP0 "/counts", "remove") == 1));
	ASSERT_EQ(0, sim_set(EP0 "/present", "1"));
	EXPECT_TRUE(EVENTUALLY(kernel_logs(self->kmsg, "No link")));
	EXPECT_SHOWS("0", "f/port0/link_up");
	EXPECT_EQ(1, sim_number(EP0 "/counts", "probe"));

	ASSERT_EQ(0, sim_set("f/port0/link_stuck", "0"));
	EXPECT_TRUE(EVENTUALLY(is_bound(EP0)));
}

/* --- resets and errors -------------------------------------------------- */

static const char * const reset_kinds[] = { "cold", "hot", "flr", "af_flr", "pm" };
static const char * const reset_functions[] = { EP0, EP1, EP1F1 };

struct reset_counts {
	int nr[ARRAY_SIZE(reset_functions)][ARRAY_SIZE(reset_kinds)];
};

static struct reset_counts read_reset_counts(void)
{
	struct reset_counts counts;
	char path[PATH_MAX];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(reset_functions); i++) {
		snprintf(path, sizeof(path), "%s/resets", reset_functions[i]);
		for (j = 0; j < ARRAY_SIZE(reset_kinds); j++)
			counts.nr[i][j] = sim_number(path, reset_kinds[j]);
	}
	return counts;
}

/* Only the counter of this kind of reset of this Function has increased, by one */
static void expect_one_reset(struct __test_metadata *_metadata,
			     const struct reset_counts *before, const char *function,
			     const char *kind)
{
	struct reset_counts now = read_reset_counts();
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(reset_functions); i++) {
		for (j = 0; j < ARRAY_SIZE(reset_kinds); j++) {
			bool is = !strcmp(reset_functions[i], function) &&
				  !strcmp(reset_kinds[j], kind);

			EXPECT_EQ(before->nr[i][j] + is, now.nr[i][j]) {
				TH_LOG("%s of %s: counter %s of %s", kind, function,
				       reset_kinds[j], reset_functions[i]);
			}
		}
	}
}

SIM_TEST(each_reset_is_counted)
{
	static const struct {
		const char *path;
		const char *method;
		const char *kind;
	} resets[] = {
		{ .path = EP0, .method = "flr", .kind = "flr" },
		{ .path = EP0, .method = "bus", .kind = "hot" },
		{ .path = EP1, .method = "af_flr", .kind = "af_flr" },
		{ .path = EP1F1, .method = "pm", .kind = "pm" },
	};
	char path[PATH_MAX], bdf[BDF_LEN], buf[64];
	struct reset_counts before;
	unsigned int i;
	int calls;

	build(_metadata);
	ASSERT_EQ(0, sim_set(EP0 "/flr", "1"));
	ASSERT_EQ(0, sim_set(EP1 "/af_flr", "1"));
	ASSERT_EQ(0, sim_set(EP1F1 "/pm_reset", "1"));
	go_live(_metadata);

	for (i = 0; i < ARRAY_SIZE(resets); i++) {
		strcpy(bdf, sim_address(resets[i].path));
		before = read_reset_counts();
		snprintf(path, sizeof(path), "%s/counts", resets[i].path);
		calls = sim_number(path, "reset_prepare");

		ASSERT_EQ(0, pci_write_attr(bdf, "reset_method", resets[i].method));
		ASSERT_EQ(0, pci_write_attr(bdf, "reset", "1"));

		EXPECT_EQ(calls + 1, sim_number(path, "reset_prepare"));
		EXPECT_EQ(calls + 1, sim_number(path, "reset_done"));
		ASSERT_EQ(0, pci_read_attr(bdf, "pci-sim/reset_done", buf,
					   sizeof(buf)));
		EXPECT_EQ(calls + 1, atoi(buf));
		expect_one_reset(_metadata, &before, resets[i].path, resets[i].kind);
	}
}

SIM_TEST(slow_reset_is_waited_for)
{
	char bdf[BDF_LEN];
	long start;

	build(_metadata);
	ASSERT_EQ(0, sim_set(EP0 "/flr", "1"));
	ASSERT_EQ(0, sim_set(EP0 "/flr_ms", "10"));
	go_live(_metadata);
	strcpy(bdf, sim_address(EP0));
	ASSERT_EQ(0, pci_write_attr(bdf, "reset_method", "flr"));
	ASSERT_EQ(0, sim_set(EP0 "/flr_ms", "1500"));
	EXPECT_SHOWS("1500", EP0 "/flr_ms");

	start = milliseconds();
	EXPECT_EQ(0, pci_write_attr(bdf, "reset", "1"));
	EXPECT_LE(1499, milliseconds() - start);

	ASSERT_EQ(0, sim_set(EP0 "/ready_ms", "never"));
	EXPECT_SHOWS("never", EP0 "/ready_ms");
	ASSERT_EQ(0, sim_set("f/live", "0"));
	EXPECT_SHOWS("10", EP0 "/flr_ms");
	EXPECT_SHOWS("0", EP0 "/ready_ms");
}

/* PCI_ERR_COR_RCVR, and PCI_ERR_UNC_DLP, a fatal error */
#define RECEIVER_ERROR	"0x1"
#define DATA_LINK_ERROR	"0x10"

static bool is_enabled(const char *bdf)
{
	__u8 cfg[CFG_SIZE];

	return pci_config(bdf, cfg) > 0 && cfg[PCI_COMMAND] & PCI_COMMAND_MEMORY;
}

/* Give a device to vfio-pci and open it */
static struct vfio_pci_device *vfio_open(struct __test_metadata *_metadata,
					 const char *bdf)
{
	struct vfio_pci_device *device;
	char driver[NAME_MAX];

	ASSERT_EQ(0, pci_bind(bdf, "vfio-pci"));
	ASSERT_EQ(0, pci_driver(bdf, driver, sizeof(driver)));
	EXPECT_STREQ("vfio-pci", driver);
	device = vfio_pci_device_alloc(bdf, iommu_init(MODE_IOMMUFD));
	device->fd = vfio_cdev_open(bdf);
	ASSERT_LE(0, device->fd);
	ASSERT_EQ(0, __vfio_device_bind_iommufd(device->fd, device->iommu->iommufd,
						NULL));
	return device;
}

static void vfio_close(struct vfio_pci_device *device)
{
	struct iommu *iommu = device->iommu;

	close(device->fd);
	vfio_pci_device_free(device);
	iommu_cleanup(iommu);
}

/*
 * A user of vfio-pci can reset a simulated device, and keeps it through the recovery
 * from a fatal error in a hotplug slot.
 */
SIM_TEST(vfio_resets_device)
{
	struct vfio_pci_hot_reset hot_reset = { .argsz = sizeof(hot_reset) };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	char bdf[BDF_LEN], driver[NAME_MAX];
	struct vfio_pci_device *device;
	int fd, flr, hot;

	if (vfio_allow_noiommu())
		SKIP(return, "the kernel has no CONFIG_VFIO_NOIOMMU");

	build(_metadata);
	ASSERT_EQ(0, sim_set(EP0 "/flr", "1"));
	go_live(_metadata);
	strcpy(bdf, sim_address(EP0));
	device = vfio_open(_metadata, bdf);
	fd = device->fd;
	ASSERT_EQ(0, ioctl(fd, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_TRUE(info.flags & VFIO_DEVICE_FLAGS_RESET);

	flr = sim_number(EP0 "/resets", "flr");
	hot = sim_number(EP0 "/resets", "hot");
	EXPECT_EQ(0, __vfio_pci_device_reset(device));
	EXPECT_EQ(flr + 1, sim_number(EP0 "/resets", "flr"));
	EXPECT_EQ(0, ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, &hot_reset));
	EXPECT_EQ(hot + 1, sim_number(EP0 "/resets", "hot"));
	EXPECT_EQ(flr + 1, sim_number(EP0 "/resets", "flr"));

	EXPECT_TRUE(is_enabled(bdf));
	ASSERT_EQ(0, sim_set(EP0 "/uncor_error", DATA_LINK_ERROR));
	EXPECT_TRUE(EVENTUALLY(sim_number(EP0 "/resets", "hot") == hot + 2));
	EXPECT_TRUE(EVENTUALLY(is_enabled(bdf)));
	ASSERT_EQ(0, pci_driver(bdf, driver, sizeof(driver)));
	EXPECT_STREQ("vfio-pci", driver);
	/* The recovery may still hold locks */
	EXPECT_TRUE(EVENTUALLY(!__vfio_pci_device_reset(device)));
	EXPECT_EQ(flr + 2, sim_number(EP0 "/resets", "flr"));

	vfio_close(device);
	ASSERT_EQ(0, pci_bind_default(bdf));
	EXPECT_TRUE(is_bound(EP0));
	EXPECT_EQ(2, sim_number(EP0 "/counts", "probe"));
}

#define NR_VFS	2

/* The number of VFs that respond, as vfio-pci or another driver left them */
static int vfs_respond(const char *pf, __u8 cfg[][CFG_SIZE])
{
	char path[PATH_MAX], target[PATH_MAX];
	int i, nr = 0;

	for (i = 0; i < NR_VFS; i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn%d", pf, i);
		if (!realpath(path, target))
			continue;
		/* A VF has neither IDs nor a Memory Space Enable bit */
		nr += pci_config(strrchr(target, '/') + 1, cfg[i]) > 0 &&
		      cfg[i][PCI_CLASS_DEVICE + 1] != 0xff;
	}
	return nr;
}

/*
 * A PF is reset along with its VFs, which are in device sets of their own and are not
 * reported: by a hot reset, and when it is closed without a function reset.
 */
SIM_TEST(vfio_resets_pf_with_vfs)
{
	struct {
		struct vfio_pci_hot_reset_info hdr;
		struct vfio_pci_dependent_device devices[1 + NR_VFS];
	} info = { .hdr.argsz = sizeof(info) };
	struct vfio_pci_hot_reset hot_reset = { .argsz = sizeof(hot_reset) };
	__u8 before[NR_VFS][CFG_SIZE], after[NR_VFS][CFG_SIZE];
	struct vfio_pci_device *device;
	char bdf[BDF_LEN];
	int i, hot;

	if (vfio_allow_noiommu())
		SKIP(return, "the kernel has no CONFIG_VFIO_NOIOMMU");

	build(_metadata);
	ASSERT_EQ(0, sim_set(EP0 "/vfs", "2"));
	go_live(_metadata);
	strcpy(bdf, sim_address(EP0));
	ASSERT_EQ(0, write_file("/sys/module/vfio_pci/parameters/enable_sriov", "1"));
	ASSERT_EQ(0, pci_write_attr(bdf, "reset_method", "\n"));
	device = vfio_open(_metadata, bdf);
	ASSERT_EQ(0, pci_write_attr(bdf, "sriov_numvfs", "2"));
	ASSERT_EQ(NR_VFS, vfs_respond(bdf, before));

	EXPECT_EQ(0, ioctl(device->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info));
	EXPECT_EQ(1, info.hdr.count);

	hot = sim_number(EP0 "/resets", "hot");
	EXPECT_EQ(0, ioctl(device->fd, VFIO_DEVICE_PCI_HOT_RESET, &hot_reset));
	EXPECT_EQ(hot + 1, sim_number(EP0 "/resets", "hot"));
	EXPECT_EQ(NR_VFS, vfs_respond(bdf, after));
	for (i = 0; i < NR_VFS; i++)
		EXPECT_EQ(0, memcmp(before[i], after[i], PCI_STD_HEADER_SIZEOF));

	vfio_close(device);
	EXPECT_EQ(hot + 2, sim_number(EP0 "/resets", "hot"));
	EXPECT_EQ(NR_VFS, vfs_respond(bdf, after));

	ASSERT_EQ(0, pci_write_attr(bdf, "sriov_numvfs", "0"));
	ASSERT_EQ(0, pci_bind_default(bdf));
	EXPECT_TRUE(is_bound(EP0));
}

#define VF_TOKEN	"01234567-89ab-cdef-0123-456789abcdef"

/* Open the group of a device that is bound to vfio-pci, for a container */
static int vfio_open_group(struct __test_metadata *_metadata, const char *bdf,
			   int *container)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/noiommu-%u", sysfs_iommu_group_get(bdf));
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	if (*container >= 0) {
		ASSERT_EQ(0, ioctl(fd, VFIO_GROUP_SET_CONTAINER, container));
		return fd;
	}

	*container = open("/dev/vfio/vfio", O_RDWR);
	ASSERT_LE(0, *container);
	ASSERT_EQ(0, ioctl(fd, VFIO_GROUP_SET_CONTAINER, container));
	ASSERT_EQ(0, ioctl(*container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU));
	return fd;
}

/* Open a device of a group, with a token if it is a VF */
static int vfio_open_by_group(int group, const char *bdf, const char *token)
{
	char arg[BDF_LEN + 64];

	snprintf(arg, sizeof(arg), "%s%s%s", bdf, token ? " vf_token=" : "",
		 token ?: "");
	return ioctl(group, VFIO_GROUP_GET_DEVICE_FD, arg);
}

/*
 * To own a PF, not open, does not allow a hot reset of its VFs while these are open:
 * only who opens the PF has to know their token
 */
SIM_TEST(vfio_hot_reset_spares_open_vfs)
{
	char pf[2][BDF_LEN], vf[BDF_LEN], path[PATH_MAX], target[PATH_MAX];
	int i, hot, vf_group, vf_fd, container = -1, group[2], fd[2];
	struct {
		struct vfio_pci_hot_reset hdr;
		__s32 group[2];
	} reset = { .hdr = { .argsz = sizeof(reset), .count = 2 } };

	if (vfio_allow_noiommu())
		SKIP(return, "the kernel has no CONFIG_VFIO_NOIOMMU");

	build(_metadata);
	ASSERT_EQ(0, sim_set(EP1 "/vfs", "1"));
	ASSERT_EQ(0, sim_set(EP1F1 "/vfs", "1"));
	go_live(_metadata);
	strcpy(pf[0], sim_address(EP1));
	strcpy(pf[1], sim_address(EP1F1));
	ASSERT_EQ(0, write_file("/sys/module/vfio_pci/parameters/enable_sriov", "1"));
	/* The other has no reset of its own anyway */
	ASSERT_EQ(0, pci_write_attr(pf[0], "reset_method", "\n"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pci_bind(pf[i], "vfio-pci"));
		group[i] = vfio_open_group(_metadata, pf[i], &container);
		reset.group[i] = group[i];
		fd[i] = vfio_open_by_group(group[i], pf[i], NULL);
		ASSERT_LE(0, fd[i]);
	}

	vfio_device_set_vf_token(fd[1], VF_TOKEN);
	ASSERT_EQ(0, pci_write_attr(pf[1], "sriov_numvfs", "1"));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn0", pf[1]);
	ASSERT_NE(NULL, realpath(path, target));
	strcpy(vf, strrchr(target, '/') + 1);
	ASSERT_EQ(0, pci_bind(vf, "vfio-pci"));
	vf_group = vfio_open_group(_metadata, vf, &container);
	vf_fd = vfio_open_by_group(vf_group, vf, VF_TOKEN);
	ASSERT_LE(0, vf_fd);

	hot = sim_number(EP1 "/resets", "hot");
	EXPECT_EQ(0, ioctl(fd[0], VFIO_DEVICE_PCI_HOT_RESET, &reset));
	EXPECT_EQ(hot + 1, sim_number(EP1 "/resets", "hot"));

	close(fd[1]);
	EXPECT_EQ(-1, ioctl(fd[0], VFIO_DEVICE_PCI_HOT_RESET, &reset));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(hot + 1, sim_number(EP1 "/resets", "hot"));

	/* Nor does the close of the last device, which has no reset of its own */
	close(fd[0]);
	EXPECT_EQ(hot + 1, sim_number(EP1 "/resets", "hot"));
	fd[0] = vfio_open_by_group(group[0], pf[0], NULL);
	ASSERT_LE(0, fd[0]);

	close(vf_fd);
	EXPECT_EQ(0, ioctl(fd[0], VFIO_DEVICE_PCI_HOT_RESET, &reset));
	EXPECT_EQ(hot + 2, sim_number(EP1 "/resets", "hot"));

	close(fd[0]);
	EXPECT_EQ(hot + 3, sim_number(EP1 "/resets", "hot"));
	close(vf_group);
	for (i = 0; i < 2; i++)
		close(group[i]);
	close(container);
	ASSERT_EQ(0, pci_write_attr(pf[1], "sriov_numvfs", "0"));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pci_bind_default(pf[i]));
}

SIM_TEST(errors_reach_drivers)
{
	char buf[256];

	build(_metadata);
	ASSERT_EQ(0, sim_set("f/port1/dpc", "1"));
	go_live(_metadata);

	EXPECT_EQ(ERANGE, sim_set(EP0 "/cor_error", "0"));
	ASSERT_EQ(0, sim_set(EP0 "/cor_error", RECEIVER_ERROR));
	EXPECT_TRUE(EVENTUALLY(!pci_read_attr(sim_address(EP0), "aer_dev_correctable",
					      buf, sizeof(buf)) &&
			       !strcmp(buf, "RxErr 1")));
	EXPECT_EQ(0, sim_number(EP0 "/counts", "error_detected"));

	ASSERT_EQ(0, sim_set(EP0 "/uncor_error", DATA_LINK_ERROR));
	EXPECT_TRUE(EVENTUALLY(sim_number(EP0 "/counts", "resume") == 1));
	EXPECT_EQ(1, sim_number(EP0 "/counts", "error_detected"));
	EXPECT_EQ(1, sim_number(EP0 "/counts", "slot_reset"));
	EXPECT_EQ(1, sim_number(EP0 "/resets", "hot"));
	EXPECT_EQ(0, sim_number(EP1 "/counts", "error_detected"));

	EXPECT_EQ(EOPNOTSUPP, sim_set("f/port0/dpc_trigger", "1"));
	ASSERT_EQ(0, sim_set("f/port1/dpc_trigger", "1"));
	EXPECT_TRUE(EVENTUALLY(sim_number(EP1F1 "/counts", "resume") == 1));
	EXPECT_EQ(1, sim_number(EP1F1 "/counts", "slot_reset"));
	EXPECT_EQ(1, sim_number(EP1F1 "/resets", "hot"));
	EXPECT_EQ(1, sim_number(EP0 "/counts", "error_detected"));
}

int main(int argc, char **argv)
{
	require_vm();
	return test_harness_run(argc, argv);
}
