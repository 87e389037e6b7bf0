// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate pci_reset_bus_flags(): print a table of resets and their results. Runs
 * in the VMs of reset_demo.sh.
 *
 *	reset_demo hotplug|neighbours|switch BDF... [outside=BDF...]
 *
 * The devices are as for reset_flags_test. Exit status 0 if all results were as
 * expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "reset_api.h"
#include "reset_lib.h"

enum requester { CALLER, PROBE, VFIO, LATE };

static const char * const requesters[] = {
	[CALLER] = "a caller in the kernel",
	[PROBE] = "its driver, from probe, lock held",
	[VFIO] = "a user of vfio, hot reset ioctl",
	[LATE] = "a caller, after a removal",
};

struct step {
	enum requester requester;
	unsigned int flags;
	const char *method;	/* expected method */
	int error;		/* or errno, for the reason @why */
	const char *why;
	const char *fault;
};

/* One device in a hotplug slot */
static const struct step hotplug[] = {
	{ .requester = CALLER, .flags = FUNC, .method = "flr" },
	{ .requester = CALLER, .flags = LINK, .method = "slot" },
	{ .requester = CALLER, .flags = BUS, .method = "bus" },
	{ .requester = PROBE, .flags = LINK | LOCKED | ALONE, .method = "slot" },
	{ .requester = VFIO, .flags = LINK, .method = "slot" },
	{ .requester = CALLER, .flags = 0x80, .error = EINVAL, .why = "no such method" },
	{ .requester = CALLER, .flags = DEV_SPECIFIC | PM, .error = ENOTTY,
	  .why = "device has neither, no other is allowed" },
	{ .requester = CALLER, .flags = ANY, .method = "flr", .error = ETIMEDOUT,
	  .fault = "absent", .why = "made to not respond after the FLR" },
	{ }
};

/* One of two functions */
static const struct step neighbours[] = {
	{ .requester = CALLER, .flags = LINK, .method = "slot" },
	{ .requester = PROBE, .flags = LINK | LOCKED, .method = "slot" },
	{ .requester = PROBE, .flags = LINK | LOCKED | ALONE, .error = EBUSY,
	  .why = "shares its link" },
	{ .requester = LATE, .flags = LINK, .error = EBUSY,
	  .why = "scope has changed since the query" },
	{ }
};

/* Upstream Port of a switch */
static const struct step below_switch[] = {
	{ .requester = CALLER, .flags = LINK, .method = "slot" },
	{ .requester = CALLER, .flags = FUNC, .error = ENOTTY,
	  .why = "a switch has no function reset" },
	{ }
};

static const struct {
	const char *name;
	const struct step *steps;
} scenes[] = {
	{ .name = "hotplug", .steps = hotplug },
	{ .name = "neighbours", .steps = neighbours },
	{ .name = "switch", .steps = below_switch },
};

static struct reset_args args;
static int ctl, log_fd, vfio_fd, iommu_fd, wrong;

/* Print an unexpected result below its row */
#define WRONG(fmt, ...) do {						\
	printf("      WRONG: " fmt "\n", ##__VA_ARGS__);		\
	wrong++;							\
} while (0)

static const char *short_name(const char *bdf)
{
	return strncmp(bdf, "0000:", 5) ? bdf : bdf + 5;
}

/* "01:00.0 Non-Volatile memory controller: ..." */
static void print_device(const char *indent, const char *bdf)
{
	char command[64], line[256] = "", vendor[16], device[16];
	FILE *f;

	snprintf(command, sizeof(command), "lspci -s %s 2> /dev/null", bdf);
	f = popen(command, "r");
	if (f && fgets(line, sizeof(line), f)) {
		printf("%s%s", indent, line);
	} else if (!pci_read_attr(bdf, "vendor", vendor, sizeof(vendor)) &&
		   !pci_read_attr(bdf, "device", device, sizeof(device))) {
		printf("%s%s [%s:%s]\n", indent, short_name(bdf), vendor + 2, device + 2);
	}
	if (f)
		pclose(f);
}

static const char *flags_text(unsigned int flags)
{
	static const struct {
		unsigned int flags;
		const char *name;
	} names[] = {
		{ .flags = ANY, .name = "ANY" },
		{ .flags = FUNC, .name = "FUNC" },
		{ .flags = LINK, .name = "LINK" },
		{ .flags = DEV_SPECIFIC, .name = "DEV_SPECIFIC" },
		{ .flags = FLR, .name = "FLR" },
		{ .flags = PM, .name = "PM" },
		{ .flags = SLOT, .name = "SLOT" },
		{ .flags = BUS, .name = "BUS" },
		{ .flags = ALONE, .name = "ALONE" },
	};
	static char text[64];
	unsigned int i;

	text[0] = 0;
	flags &= ~LOCKED;	/* shown as the requester */
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if ((flags & names[i].flags) != names[i].flags)
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			 text[0] ? "|" : "", names[i].name);
		flags &= ~names[i].flags;
	}
	if (flags)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%#x",
			 text[0] ? "|" : "", flags);
	return text;
}

static const char *method_name(unsigned int method)
{
	switch (method) {
	case FLR:
		return "flr";
	case PM:
		return "pm";
	case SLOT:
		return "slot";
	case BUS:
		return "bus";
	default:
		return "?";
	}
}

/* Open a device that is bound to vfio-pci, which resets it */
static int vfio_open(const char *bdf)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };

	vfio_fd = vfio_cdev_open(bdf);
	iommu_fd = open("/dev/iommu", O_RDWR);
	bind.iommufd = iommu_fd;
	return ioctl(vfio_fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

static void vfio_close(void)
{
	close(vfio_fd);
	close(iommu_fd);
}

static int vfio_hot_reset(void)
{
	struct vfio_pci_hot_reset reset = { .argsz = sizeof(reset) };

	return ioctl(vfio_fd, VFIO_DEVICE_PCI_HOT_RESET, &reset) ? errno : 0;
}

static int do_request(const struct step *step)
{
	const char *dev = args.scope[0], *last = args.scope[args.nr_scope - 1];
	struct api_scope scope;
	int rc;

	switch (step->requester) {
	case PROBE:
		return api_probe(dev, step->flags);
	case VFIO:
		return vfio_hot_reset();
	case LATE:
		rc = api_query(ctl, dev, step->flags, &scope);
		if (!rc && pci_write_attr(last, "remove", "1"))
			rc = EIO;
		return rc ? rc : api_commit(ctl, 0);
	default:
		return api_reset(ctl, dev, step->flags);
	}
}

struct cleared {
	int seen, expected;
};

/* Only the first @nr devices were reset, and config space of all is restored */
static struct cleared check_devices(int nr, __u8 cfg[][CFG_SIZE])
{
	struct cleared cleared = { };
	__u8 now[CFG_SIZE];
	int i, len, marked;

	for (i = 0; i < args.nr_scope; i++) {
		if (!pci_has_attr(args.scope[i], "config"))
			continue;
		len = pci_config(args.scope[i], now);
		if (len < 0 || pci_config_diff(args.scope[i], cfg[i], now, len))
			WRONG("config space of %s is not restored", args.scope[i]);
		if (pci_is_bridge(args.scope[i]))
			continue;
		marked = reset_marked(args.scope[i]);
		cleared.seen += marked == 0;
		cleared.expected += i < nr;
		if (marked != (i < nr ? 0 : 1))
			WRONG("%s was %sreset", args.scope[i], i < nr ? "not " : "");
	}
	for (i = 0; i < args.nr_outside; i++)
		if (reset_marked(args.outside[i]) != 1)
			WRONG("%s was reset as well", args.outside[i]);
	return cleared;
}

static int bind_for(const struct step *step, const char *bdf)
{
	if (pci_is_bridge(bdf))
		return 0;
	if (step->requester == VFIO)
		return pci_bind(bdf, "vfio-pci") ||
		       pci_write_attr(bdf, "power/control", "on");
	if (step->requester == PROBE && bdf == args.scope[0])
		return pci_bind(bdf, "");
	return api_bind(bdf);
}

static void prepare(const struct step *step, __u8 cfg[][CFG_SIZE])
{
	const char *bdf;
	int i;

	for (i = 0; i < args.nr_scope; i++)
		if (bind_for(step, args.scope[i]))
			WRONG("%s cannot be bound", args.scope[i]);
	if (step->requester == VFIO && vfio_open(args.scope[0]))
		WRONG("%s cannot be opened by vfio", args.scope[0]);
	for (i = 0; i < args.nr_scope; i++) {
		bdf = args.scope[i];
		if ((!pci_is_bridge(bdf) && reset_mark(bdf)) || pci_config(bdf, cfg[i]) < 0)
			WRONG("%s is not ready", bdf);
	}
	for (i = 0; i < args.nr_outside; i++)
		if (reset_mark(args.outside[i]))
			WRONG("%s is not ready", args.outside[i]);
}

static void print_row(const struct step *step, const struct api_scope *scope, double ms,
		      int slot_events, struct cleared cleared)
{
	char took[32];
	int i;

	if (ms < 10000)
		snprintf(took, sizeof(took), "%.0f ms", ms);
	else
		snprintf(took, sizeof(took), "%.1f s", ms / 1000);

	printf("  %-37s%-18s", requesters[step->requester], flags_text(step->flags));
	if (step->error) {
		printf("%s: %s", strerrorname_np(step->error), step->why);
		if (step->fault)
			printf(", given up after %s", took);
		printf("\n");
		return;
	}
	printf("%-7s%7s  %-7s %3d/%-4d", method_name(scope->method), took,
	       slot_events ? "EVENTS" : "silent", cleared.seen, cleared.expected);
	if (scope->nr == 1)
		printf(" -");
	for (i = 1; i < scope->nr; i++)
		printf(" %s", short_name(scope->bdf[i]));
	printf("\n");
}

static void run(const struct step *step)
{
	bool reset = !step->error || step->error == ETIMEDOUT;
	__u8 cfg[MAX_DEVS][CFG_SIZE];
	struct api_scope scope = { };
	struct timespec start, end;
	int rc, slot_events, kmsg;
	struct cleared cleared;
	struct api_log log;

	prepare(step, cfg);
	/* Query which method is selected, and which devices it affects */
	if (api_query(ctl, args.scope[0], step->flags & ~ALONE, &scope) && step->method)
		WRONG("no method for %s", flags_text(step->flags));
	if (step->fault && api_request(ctl, "fault %s %s", args.scope[0], step->fault))
		WRONG("no fault");

	api_log_read(log_fd, &log);
	kmsg = kmsg_open();
	clock_gettime(CLOCK_MONOTONIC, &start);
	rc = do_request(step);
	clock_gettime(CLOCK_MONOTONIC, &end);
	api_log_read(log_fd, &log);
	if (step->fault)
		api_request(ctl, "fault - none");
	/* Give pciehp time to log events */
	usleep(300000);
	slot_events = pciehp_complaints(kmsg);
	close(kmsg);

	cleared = check_devices(reset ? scope.nr : 0, cfg);
	print_row(step, &scope, (end.tv_sec - start.tv_sec) * 1e3 +
		  (end.tv_nsec - start.tv_nsec) / 1e6, slot_events, cleared);

	if (rc != step->error)
		WRONG("the result is %d (%s)", rc, strerror(rc));
	if (step->method && strcmp(method_name(scope.method), step->method))
		WRONG("expected %s", step->method);
	/* The kernel logs "reset via" for function resets only */
	if (strcmp(log.via, reset && scope.method & FUNC ? step->method : ""))
		WRONG("the kernel logs \"reset via %s\"", log.via);
	if (log.gave_up != !!step->fault)
		WRONG("the kernel gave up %d times", log.gave_up);
	if (slot_events)
		WRONG("pciehp logged events");

	if (step->requester == VFIO)
		vfio_close();
	if (step->requester == LATE && write_file("/sys/bus/pci/rescan", "1"))
		WRONG("no rescan");
}

static void scene(const struct step *step)
{
	const char *dev = args.scope[0];
	char bridge[BDF_LEN];
	int i;

	printf("\n");
	print_device("", dev);
	for (i = 1; i < args.nr_scope; i++)
		print_device("  and  ", args.scope[i]);
	if (!pci_bridge_above(dev, bridge))
		print_device("  below ", bridge);

	printf("\n  %-37s%-18s%-7s%7s  %-7s %-8s %s\n", "requested by", "allowed", "method",
	       "took", "pciehp", "cleared", "reset with it");
	for (; step->method && !step->error; step++)
		run(step);
	printf("  refused, nothing was reset\n");
	for (; step->error && !step->method; step++)
		run(step);
	if (step->error)
		printf("  failed, no other method was tried\n");
	for (; step->error; step++)
		run(step);
}

int main(int argc, char **argv)
{
	unsigned int i;

	require_vm();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (reset_parse_args(&args, &argc, argv))
		return 1;
	if (!args.nr_scope || argc != 2) {
		fprintf(stderr, "run reset_demo.sh, not reset_demo\n");
		return 1;
	}
	if (api_load() || api_log_on() ||
	    write_file("/sys/bus/pci/drivers_autoprobe", "0"))
		return 1;
	ctl = api_open();
	log_fd = kmsg_open();
	if (ctl < 0 || log_fd < 0)
		return 1;

	for (i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
		if (strcmp(argv[1], scenes[i].name))
			continue;
		scene(scenes[i].steps);
		return wrong ? 1 : 0;
	}
	fprintf(stderr, "no scene '%s'\n", argv[1]);
	return 1;
}
