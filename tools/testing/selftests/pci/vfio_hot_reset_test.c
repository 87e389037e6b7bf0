// SPDX-License-Identifier: GPL-2.0
/*
 * Test VFIO_DEVICE_GET_PCI_HOT_RESET_INFO and VFIO_DEVICE_PCI_HOT_RESET, by group
 * and by cdev with iommufd, with and without an IOMMU.
 *
 *	vfio_hot_reset_test [-f hot_reset] BDF... [outside=BDF...] [port=ID]
 *
 * The first devices are those that a reset of the bus of the first one affects; the
 * devices outside must not be reset. As success of the ioctl does not show what was
 * reset, each reset has to clear a mark on every function in its scope, and a
 * refused reset must not clear any (see reset_mark()).
 *
 * Fixtures: hot_reset runs on any devices, rescans on a device that can only be
 * reset by its bus, shared and race on two or more devices below one port,
 * last_close on two or more devices without a function reset, error on a device
 * below the port with this QEMU ID.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include <libvfio.h>

#include "kselftest_harness.h"
#include "reset_lib.h"

#define INFO_MINSZ	sizeof(struct vfio_pci_hot_reset_info)
#define RESET_MINSZ	sizeof(struct vfio_pci_hot_reset)

#define PCIEHP		"/sys/bus/pci_express/drivers/pciehp/"

static struct reset_args args;
static bool noiommu;

/*
 * A user of vfio: a container with its groups, or an iommufd. Devices are opened
 * here, not by libvfio: that cannot open two devices of one group, does not know
 * the file names of devices without an IOMMU, and exits where a test expects an
 * error.
 */
struct user {
	struct iommu *iommu;	/* NULL until a device is opened */
	int nr_groups;
	struct {
		int id;
		int fd;
	} group[MAX_DEVS];
};

struct dev {
	struct vfio_pci_device *vfio;	/* NULL if it is not open */
	__u32 devid;			/* cdev only */
};

struct env {
	bool cdev;
	struct user user;
	struct dev dev[MAX_DEVS];
	void *map;		/* a mapping keeps the device open */
	size_t map_size;
	char driver[MAX_DEVS][NAME_MAX];
	__u8 outside_cfg[MAX_DEVS][CFG_SIZE];
	int kmsg;
};

struct info {
	struct vfio_pci_hot_reset_info hdr;
	struct vfio_pci_dependent_device devices[MAX_DEVS];
};

struct reset {
	struct vfio_pci_hot_reset hdr;
	__s32 fds[MAX_DEVS];
};

/* --- vfio --------------------------------------------------------------- */

static void user_close(struct user *user)
{
	while (user->nr_groups)
		close(user->group[--user->nr_groups].fd);
	if (user->iommu)
		iommu_cleanup(user->iommu);
	user->iommu = NULL;
}

/* The user's container, or its iommufd */
static int user_fd(const struct user *user)
{
	return user->iommu->iommufd ?: user->iommu->container_fd;
}

/* Return an open file of the group of @bdf; with @attach, one that can give devices */
static int group_fd(struct user *user, const char *bdf, bool attach)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int i, fd, id = sysfs_iommu_group_get(bdf);
	char path[64];

	for (i = 0; i < user->nr_groups; i++)
		if (user->group[i].id == id)
			return user->group[i].fd;

	snprintf(path, sizeof(path), "/dev/vfio/%s%d", noiommu ? "noiommu-" : "", id);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return -1;
	user->group[i].id = id;
	user->group[i].fd = fd;
	user->nr_groups++;
	if (!attach)
		return fd;

	user->iommu = user->iommu ?: iommu_init(MODE_VFIO_TYPE1V2_IOMMU);
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) ||
	    ioctl(fd, VFIO_GROUP_SET_CONTAINER, &user->iommu->container_fd))
		return -1;
	/* The first group sets the IOMMU of the container, the others get -EINVAL */
	if (ioctl(user->iommu->container_fd, VFIO_SET_IOMMU,
		  noiommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU) && !i)
		return -1;
	return fd;
}

/* As __vfio_device_bind_iommufd(), but tells the devid; 0, or -1 and errno */
static int bind_iommufd(struct dev *dev, int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	if (ioctl(dev->vfio->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return -1;
	dev->devid = bind.out_devid;
	return 0;
}

static void dev_close(struct dev *dev)
{
	if (!dev->vfio)
		return;
	if (dev->vfio->fd >= 0)
		close(dev->vfio->fd);
	vfio_pci_device_free(dev->vfio);
	dev->vfio = NULL;
}

/* 0, or -1 and errno if vfio refuses the device */
static int dev_open(struct user *user, bool cdev, const char *bdf, struct dev *dev)
{
	struct vfio_region_info *config;
	int group, rc, fd;

	if (cdev) {
		user->iommu = user->iommu ?: iommu_init(MODE_IOMMUFD);
		dev->vfio = vfio_pci_device_alloc(bdf, user->iommu);
		dev->vfio->fd = vfio_cdev_open(bdf);
		if (dev->vfio->fd < 0 || bind_iommufd(dev, user->iommu->iommufd)) {
			rc = errno;
			dev_close(dev);
			errno = rc;
			return -1;
		}
	} else {
		group = group_fd(user, bdf, true);
		if (group < 0)
			return -1;
		fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf);
		if (fd < 0)
			return -1;
		dev->vfio = vfio_pci_device_alloc(bdf, user->iommu);
		dev->vfio->fd = fd;
	}

	/* For vfio_pci_config_*() */
	config = &dev->vfio->config_space;
	config->argsz = sizeof(*config);
	config->index = VFIO_PCI_CONFIG_REGION_INDEX;
	return ioctl(dev->vfio->fd, VFIO_DEVICE_GET_REGION_INFO, config);
}

/* 0 or an errno */
static int get_info(int fd, struct info *info)
{
	memset(info, 0, sizeof(*info));
	info->hdr.argsz = sizeof(*info);
	return ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info) ? errno : 0;
}

static int reset_ioctl(int fd, struct reset *reset)
{
	return ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, reset) ? errno : 0;
}

/* Reset the first device: with all groups of the user, or no array for a cdev */
static int hot_reset(struct env *env)
{
	struct reset reset = { .hdr.argsz = sizeof(reset) };
	int i;

	if (!env->cdev) {
		reset.hdr.count = env->user.nr_groups;
		for (i = 0; i < env->user.nr_groups; i++)
			reset.fds[i] = env->user.group[i].fd;
	}
	return reset_ioctl(env->dev[0].vfio->fd, &reset);
}

/* --- proofs ------------------------------------------------------------- */

static void mark_scope(struct __test_metadata *_metadata)
{
	int i;

	for (i = 0; i < args.nr_scope; i++)
		ASSERT_EQ(0, reset_mark(args.scope[i]));
}

static void expect_marks(struct __test_metadata *_metadata, int there)
{
	int i;

	for (i = 0; i < args.nr_scope; i++)
		EXPECT_EQ(there, reset_marked(args.scope[i])) {
			TH_LOG("%s: %s", args.scope[i],
			       there ? "was reset" : "was not reset");
		}
}

static void read_configs(struct __test_metadata *_metadata, __u8 cfg[][CFG_SIZE])
{
	int i;

	for (i = 0; i < args.nr_scope; i++)
		ASSERT_LT(0, pci_config(args.scope[i], cfg[i]));
}

static void expect_configs(struct __test_metadata *_metadata, __u8 cfg[][CFG_SIZE])
{
	__u8 now[CFG_SIZE];
	int i, len;

	for (i = 0; i < args.nr_scope; i++) {
		len = pci_config(args.scope[i], now);
		ASSERT_LT(0, len);
		EXPECT_EQ(0, pci_config_diff(args.scope[i], cfg[i], now, len));
	}
}

/* The reset succeeds, resets the whole scope, and restores config space */
static void expect_reset(struct __test_metadata *_metadata, struct env *env)
{
	__u8 cfg[MAX_DEVS][CFG_SIZE];
	int rc;

	mark_scope(_metadata);
	read_configs(_metadata, cfg);
	rc = hot_reset(env);
	ASSERT_EQ(0, rc) {
		TH_LOG("hot reset: %s", strerror(rc));
	}
	expect_marks(_metadata, 0);
	expect_configs(_metadata, cfg);
}

/* The ioctl fails with this errno and resets nothing */
#define EXPECT_REFUSED(error, statement) do {			\
	mark_scope(_metadata);					\
	EXPECT_EQ(error, statement);				\
	expect_marks(_metadata, 1);				\
} while (0)

/* --- before and after each test ----------------------------------------- */

static void own(struct __test_metadata *_metadata, const char *bdf)
{
	ASSERT_EQ(0, pci_bind(bdf, "vfio-pci"));
	/* The mark is accessible in D0 only */
	ASSERT_EQ(0, pci_write_attr(bdf, "power/control", "on"));
}

static void disown(struct __test_metadata *_metadata, const char *bdf, const char *driver)
{
	char now[NAME_MAX];

	ASSERT_EQ(0, pci_bind_default(bdf));
	ASSERT_EQ(0, pci_driver(bdf, now, sizeof(now)));
	ASSERT_STREQ(driver, now);
	if (!strcmp(driver, "nvme"))
		ASSERT_EQ(0, nvme_does_io(bdf));
}

static void env_setup(struct __test_metadata *_metadata, struct env *env, bool cdev)
{
	int i;

	env->cdev = cdev;

	env->kmsg = kmsg_open();
	ASSERT_LE(0, env->kmsg);
	for (i = 0; i < args.nr_outside; i++) {
		ASSERT_EQ(0, reset_mark(args.outside[i]));
		ASSERT_LT(0, pci_config(args.outside[i], env->outside_cfg[i]));
	}
	for (i = 0; i < args.nr_scope; i++) {
		ASSERT_EQ(0, pci_driver(args.scope[i], env->driver[i], NAME_MAX));
		own(_metadata, args.scope[i]);
	}
}

static void env_open(struct __test_metadata *_metadata, struct env *env, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, dev_open(&env->user, env->cdev, args.scope[i], &env->dev[i])) {
			TH_LOG("cannot open %s: %s", args.scope[i], strerror(errno));
		}
}

static void env_close(struct env *env)
{
	int i;

	if (env->map)
		munmap(env->map, env->map_size);
	env->map = NULL;
	for (i = 0; i < MAX_DEVS; i++)
		dev_close(&env->dev[i]);
	user_close(&env->user);
}

/* Drivers, disks, and devices outside are as before, and pciehp logged nothing */
static void env_teardown(struct __test_metadata *_metadata, struct env *env)
{
	__u8 now[CFG_SIZE];
	int i, len;

	env_close(env);
	for (i = 0; i < args.nr_scope; i++)
		disown(_metadata, args.scope[i], env->driver[i]);
	for (i = 0; i < args.nr_outside; i++) {
		EXPECT_EQ(1, reset_marked(args.outside[i]));
		len = pci_config(args.outside[i], now);
		ASSERT_LT(0, len);
		EXPECT_EQ(0, pci_config_diff(args.outside[i], env->outside_cfg[i],
					     now, len));
	}
	EXPECT_EQ(0, pciehp_complaints(env->kmsg));
	close(env->kmsg);
}

#define RESET_FIXTURE(name)						\
	FIXTURE(name) { struct env env; };				\
	FIXTURE_VARIANT(name) { bool cdev; };				\
	FIXTURE_VARIANT_ADD(name, group) { .cdev = false };		\
	FIXTURE_VARIANT_ADD(name, cdev) { .cdev = true };		\
	FIXTURE_SETUP(name) { env_setup(_metadata, &self->env, variant->cdev); } \
	FIXTURE_TEARDOWN(name) { env_teardown(_metadata, &self->env); }

#define RESET_TEST(fixture, name) TEST_F_TIMEOUT(fixture, name, LONG_TIMEOUT)

/* --- hot_reset: the user owns the whole scope --------------------------- */

RESET_FIXTURE(hot_reset)

RESET_TEST(hot_reset, resets_all_in_scope)
{
	int i;

	env_open(_metadata, &self->env, args.nr_scope);
	for (i = 0; i < 3; i++)
		expect_reset(_metadata, &self->env);
}

/* The device that was opened last can be used for the reset as well */
RESET_TEST(hot_reset, resets_all_by_any_device)
{
	struct env *env = &self->env;
	struct dev first;
	int last = args.nr_scope - 1;

	env_open(_metadata, env, args.nr_scope);
	first = env->dev[0];
	env->dev[0] = env->dev[last];
	env->dev[last] = first;
	expect_reset(_metadata, env);
}

static const struct vfio_pci_dependent_device *find_info(const struct info *info,
							 const char *bdf)
{
	unsigned int seg, bus, dev, fn, i;

	if (sscanf(bdf, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4)
		return NULL;
	for (i = 0; i < info->hdr.count; i++)
		if (info->devices[i].segment == seg && info->devices[i].bus == bus &&
		    info->devices[i].devfn == (dev << 3 | fn))
			return &info->devices[i];
	return NULL;
}

RESET_TEST(hot_reset, info_lists_the_scope)
{
	const struct vfio_pci_dependent_device *entry;
	struct env *env = &self->env;
	struct info info;
	int i, j;

	env_open(_metadata, env, args.nr_scope);
	for (i = 0; i < args.nr_scope; i++) {
		ASSERT_EQ(0, get_info(env->dev[i].vfio->fd, &info));
		EXPECT_EQ(args.nr_scope, info.hdr.count);
		EXPECT_EQ(env->cdev ? VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
				      VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED : 0,
			  info.hdr.flags);
		for (j = 0; j < args.nr_scope; j++) {
			entry = find_info(&info, args.scope[j]);
			ASSERT_NE(NULL, entry);
			if (env->cdev) {
				EXPECT_EQ(env->dev[j].devid, entry->devid);
				continue;
			}
			EXPECT_EQ(sysfs_iommu_group_get(args.scope[j]), entry->group_id);
		}
	}
}

/* The pciehp service of the port above the first device, or "" */
static void pciehp_service(char *name, size_t size)
{
	char path[PATH_MAX], above[PATH_MAX], *port;
	struct dirent *de;
	DIR *dir;

	name[0] = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/..", args.scope[0]);
	if (!realpath(path, above))
		return;
	port = strrchr(above, '/') + 1;
	dir = opendir(PCIEHP);
	while (dir && (de = readdir(dir)))
		if (!strncmp(de->d_name, port, strlen(port)))
			snprintf(name, size, "%s", de->d_name);
	if (dir)
		closedir(dir);
}

/* Ignore what pciehp logs when it is bound again */
static void rebind_pciehp(struct __test_metadata *_metadata, struct env *env,
			  const char *service)
{
	ASSERT_EQ(0, write_file(PCIEHP "bind", service));
	close(env->kmsg);
	env->kmsg = kmsg_open();
	ASSERT_LE(0, env->kmsg);
}

/* When the device was opened, its slot could be reset. Without it, the bus can. */
RESET_TEST(hot_reset, resets_without_the_slot)
{
	struct env *env = &self->env;
	char service[NAME_MAX + 1];
	struct info info;

	pciehp_service(service, sizeof(service));
	if (!service[0])
		SKIP(return, "pciehp has no slot there");

	env_open(_metadata, env, args.nr_scope);
	ASSERT_EQ(0, write_file(PCIEHP "unbind", service));
	EXPECT_EQ(0, get_info(env->dev[0].vfio->fd, &info));
	EXPECT_EQ(args.nr_scope, info.hdr.count);
	expect_reset(_metadata, env);

	rebind_pciehp(_metadata, env, service);
	EXPECT_EQ(0, get_info(env->dev[0].vfio->fd, &info));
	expect_reset(_metadata, env);
}

/* The same when the last device is closed, and none has a function reset */
RESET_TEST(hot_reset, close_resets_without_the_slot)
{
	struct env *env = &self->env;
	char service[NAME_MAX + 1];
	int i;

	pciehp_service(service, sizeof(service));
	if (!service[0])
		SKIP(return, "pciehp has no slot there");

	for (i = 0; i < args.nr_scope; i++)
		ASSERT_EQ(0, pci_write_attr(args.scope[i], "reset_method", "\n"));
	env_open(_metadata, env, args.nr_scope);
	ASSERT_EQ(0, write_file(PCIEHP "unbind", service));
	mark_scope(_metadata);
	env_close(env);
	expect_marks(_metadata, 0);

	rebind_pciehp(_metadata, env, service);
	for (i = 0; i < args.nr_scope; i++)
		ASSERT_EQ(0, pci_write_attr(args.scope[i], "reset_method", "default"));
}

/* The end of a writable page; the page behind it cannot be accessed */
static void *page_before_hole(struct __test_metadata *_metadata)
{
	long page = sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, mprotect(map + page, page, PROT_NONE));
	return map + page;
}

RESET_TEST(hot_reset, info_refuses_bad_arguments)
{
	const size_t dev_size = sizeof(struct vfio_pci_dependent_device);
	struct vfio_pci_hot_reset_info *hdr;
	void *hole = page_before_hole(_metadata);
	struct info info;
	int fd, nr = args.nr_scope;

	env_open(_metadata, &self->env, nr);
	fd = self->env.dev[0].vfio->fd;

#define INFO_ERRNO(arg) \
	(ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, arg) ? errno : 0)

	memset(&info, 0xa5, sizeof(info));
	info.hdr.argsz = 0;
	EXPECT_EQ(EINVAL, INFO_ERRNO(&info));
	info.hdr.argsz = INFO_MINSZ - 1;
	EXPECT_EQ(EINVAL, INFO_ERRNO(&info));
	EXPECT_EQ(0xa5a5a5a5, info.hdr.count);

	/* No room for any device, or all but one: count is set nevertheless */
	info.hdr.argsz = INFO_MINSZ;
	EXPECT_EQ(ENOSPC, INFO_ERRNO(&info));
	EXPECT_EQ(nr, info.hdr.count);
	memset(&info, 0xa5, sizeof(info));
	info.hdr.argsz = INFO_MINSZ + nr * dev_size - 1;
	EXPECT_EQ(ENOSPC, INFO_ERRNO(&info));
	EXPECT_EQ(nr, info.hdr.count);
	EXPECT_EQ(0xa5a5a5a5, info.devices[0].group_id);

	/* Exactly enough room: nothing is written beyond it */
	info.hdr.argsz = INFO_MINSZ + nr * dev_size;
	EXPECT_EQ(0, INFO_ERRNO(&info));
	EXPECT_EQ(nr, info.hdr.count);
	if (nr < MAX_DEVS)
		EXPECT_EQ(0xa5a5a5a5, info.devices[nr].group_id);

	EXPECT_EQ(EFAULT, INFO_ERRNO(NULL));
	hdr = hole - INFO_MINSZ + 4;	/* count cannot be read */
	hdr->argsz = INFO_MINSZ;
	EXPECT_EQ(EFAULT, INFO_ERRNO(hdr));
	hdr = hole - INFO_MINSZ;	/* devices[] cannot be written */
	hdr->argsz = sizeof(info);
	EXPECT_EQ(EFAULT, INFO_ERRNO(hdr));
	hdr = hole - sysconf(_SC_PAGESIZE);
	hdr->argsz = INFO_MINSZ;
	ASSERT_EQ(0, mprotect(hdr, sysconf(_SC_PAGESIZE), PROT_READ));
	EXPECT_EQ(EFAULT, INFO_ERRNO(hdr));
}

/* Both ioctls need a cdev that is bound to an iommufd */
static void expect_unbound_refused(struct __test_metadata *_metadata)
{
	struct reset reset = { .hdr.argsz = sizeof(reset) };
	struct info info;
	int fd;

	fd = vfio_cdev_open(args.scope[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EINVAL, get_info(fd, &info));
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &reset));
	close(fd);
}

/* A cdev takes no array, whatever its contents */
static void expect_array_refused(struct __test_metadata *_metadata, struct env *env)
{
	struct reset bad = { .hdr.argsz = sizeof(bad), .hdr.count = 1 };
	int fd = env->dev[0].vfio->fd;

	bad.fds[0] = user_fd(&env->user);
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	bad.fds[0] = fd;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	bad.fds[0] = -1;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
}

/* Arrays of groups: of a wrong size, unreadable, or with other files */
static void expect_bad_groups_refused(struct __test_metadata *_metadata, struct env *env,
				      const struct reset *good, void *hole)
{
	struct vfio_pci_hot_reset *hdr = hole - RESET_MINSZ;
	int i, null, fd = env->dev[0].vfio->fd;
	struct reset bad = *good;

	bad.hdr.count = 0;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));

	/* More groups than devices */
	bad = *good;
	bad.hdr.count = args.nr_scope + 1;
	for (i = 0; i < (int)bad.hdr.count && i < MAX_DEVS; i++)
		bad.fds[i] = good->fds[0];
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	bad.hdr.count = UINT_MAX;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));

	/* group_fds[] cannot be read */
	*hdr = good->hdr;
	EXPECT_REFUSED(EFAULT, reset_ioctl(fd, (struct reset *)hdr));

	null = open("/dev/null", O_RDWR);
	ASSERT_LE(0, null);
	bad = *good;
	bad.fds[0] = -1;
	EXPECT_REFUSED(EBADF, reset_ioctl(fd, &bad));
	bad.fds[0] = null;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	bad.fds[0] = user_fd(&env->user);
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	bad.fds[0] = fd;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));

	/* A valid entry before the invalid one */
	bad = *good;
	bad.fds[good->hdr.count - 1] = null;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	close(null);
}

RESET_TEST(hot_reset, reset_refuses_bad_arguments)
{
	struct reset good = { .hdr.argsz = sizeof(good) }, bad;
	void *hole = page_before_hole(_metadata);
	struct vfio_pci_hot_reset *hdr;
	struct env *env = &self->env;
	int i, fd;

	if (env->cdev)
		expect_unbound_refused(_metadata);
	env_open(_metadata, env, args.nr_scope);
	fd = env->dev[0].vfio->fd;
	if (!env->cdev) {
		good.hdr.count = env->user.nr_groups;
		for (i = 0; i < env->user.nr_groups; i++)
			good.fds[i] = env->user.group[i].fd;
	}

	bad = good;
	bad.hdr.argsz = 0;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	bad.hdr.argsz = RESET_MINSZ - 1;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));

	bad = good;
	bad.hdr.flags = 1;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));
	bad.hdr.flags = 1u << 31;
	EXPECT_REFUSED(EINVAL, reset_ioctl(fd, &bad));

	EXPECT_REFUSED(EFAULT, reset_ioctl(fd, NULL));
	hdr = hole - RESET_MINSZ + 4;	/* count cannot be read */
	hdr->argsz = RESET_MINSZ;
	hdr->flags = 0;
	EXPECT_REFUSED(EFAULT, reset_ioctl(fd, (struct reset *)hdr));

	if (env->cdev)
		expect_array_refused(_metadata, env);
	else
		expect_bad_groups_refused(_metadata, env, &good, hole);

	/* The same arguments without an error */
	EXPECT_EQ(0, reset_ioctl(fd, &good));
	expect_marks(_metadata, 0);
}

/* A mapping of the user stays valid and shows the state after the reset */
RESET_TEST(hot_reset, mapping_shows_new_state)
{
	struct vfio_region_info region = { .argsz = sizeof(region) };
	__u8 cfg[CFG_SIZE];
	__u32 *reg, before, after;
	int fd, cap;
	void *map;

	env_open(_metadata, &self->env, args.nr_scope);
	fd = self->env.dev[0].vfio->fd;

	ASSERT_LT(0, pci_config(args.scope[0], cfg));
	cap = pci_cap(cfg, PCI_CAP_ID_MSIX);
	if (cap)
		region.index = cfg[cap + PCI_MSIX_TABLE] & PCI_MSIX_TABLE_BIR;
	ASSERT_EQ(0, ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &region));
	vfio_pci_config_writew(self->env.dev[0].vfio, PCI_COMMAND, PCI_COMMAND_MEMORY);
	ASSERT_TRUE(region.flags & VFIO_REGION_INFO_FLAG_MMAP);
	map = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   region.offset);
	ASSERT_NE(MAP_FAILED, map);
	self->env.map = map;
	self->env.map_size = region.size;

	if (cap) {
		/* Entry 0 of the MSI-X table, not used here */
		__u32 table;

		memcpy(&table, cfg + cap + PCI_MSIX_TABLE, 4);
		reg = map + (table & PCI_MSIX_TABLE_OFFSET);
		__atomic_store_n(reg, 0x5eed0000, __ATOMIC_SEQ_CST);
		before = __atomic_load_n(reg, __ATOMIC_SEQ_CST);
		EXPECT_EQ(0x5eed0000, before);
	} else {
		reg = map;
		before = ~__atomic_load_n(reg, __ATOMIC_SEQ_CST);
	}
	expect_reset(_metadata, &self->env);
	after = __atomic_load_n(reg, __ATOMIC_SEQ_CST);
	EXPECT_NE(before, after);
	EXPECT_NE(UINT_MAX, after);
}

/* A device of the same user on another bus is not affected */
RESET_TEST(hot_reset, spares_other_buses)
{
	const char *bdf = args.outside[0];
	struct reset reset = { .hdr.argsz = sizeof(reset), .hdr.count = 1 };
	struct dev bystander = { };
	struct env *env = &self->env;
	char driver[NAME_MAX];
	__u8 cfg[CFG_SIZE], now[CFG_SIZE];
	int len;

	if (!args.nr_outside)
		SKIP(return, "no device outside was given");

	ASSERT_EQ(0, pci_driver(bdf, driver, sizeof(driver)));
	own(_metadata, bdf);
	env_open(_metadata, env, args.nr_scope);
	if (!env->cdev) {
		/* Its group does not show that the user owns the others */
		struct user other = { };

		reset.fds[0] = group_fd(&other, bdf, false);
		ASSERT_LE(0, reset.fds[0]);
		EXPECT_REFUSED(EINVAL, reset_ioctl(env->dev[0].vfio->fd, &reset));
		user_close(&other);
	}

	/* By group, hot_reset() would pass one group too many */
	if (env->cdev)
		ASSERT_EQ(0, dev_open(&env->user, true, bdf, &bystander));
	ASSERT_EQ(0, reset_mark(bdf));
	ASSERT_LT(0, pci_config(bdf, cfg));
	expect_reset(_metadata, env);
	EXPECT_EQ(1, reset_marked(bdf));
	len = pci_config(bdf, now);
	ASSERT_LT(0, len);
	EXPECT_EQ(0, pci_config_diff(bdf, cfg, now, len));

	dev_close(&bystander);
	disown(_metadata, bdf, driver);
	ASSERT_EQ(0, reset_mark(bdf));	/* checked by the teardown */
}

/* Closing a device resets it */
RESET_TEST(hot_reset, close_resets)
{
	__u8 before[MAX_DEVS][CFG_SIZE], now[CFG_SIZE];
	struct env *env = &self->env;
	char methods[64];
	__u16 cmd;
	int i;

	for (i = 0; i < args.nr_scope; i++) {
		ASSERT_EQ(0, pci_read_attr(args.scope[i], "reset_method", methods,
					   sizeof(methods)));
		if (!strstr(methods, "flr"))
			SKIP(return, "no FLR");
	}

	env_open(_metadata, env, args.nr_scope);
	read_configs(_metadata, before);
	for (i = 0; i < args.nr_scope; i++) {
		memcpy(&cmd, before[i] + PCI_COMMAND, 2);
		cmd ^= PCI_COMMAND_SERR;
		vfio_pci_config_writew(env->dev[i].vfio, PCI_COMMAND, cmd);
		ASSERT_LT(0, pci_config(args.scope[i], now));
		EXPECT_EQ(0, memcmp(&cmd, now + PCI_COMMAND, 2));
	}
	mark_scope(_metadata);
	for (i = 0; i < args.nr_scope; i++)
		dev_close(&env->dev[i]);
	expect_marks(_metadata, 0);
	expect_configs(_metadata, before);
}

static void *unbind(void *bdf)
{
	return (void *)(long)pci_bind(bdf, "");
}

/*
 * An unbind holds the device lock until the device is closed. Until then, resets fail
 * with EAGAIN, and the close does not wait for the lock.
 */
RESET_TEST(hot_reset, errno_while_locked)
{
	struct vfio_device_info device_info = { .argsz = sizeof(device_info) };
	struct env *env = &self->env;
	pthread_t thread;
	struct info info;
	void *rc;

	env_open(_metadata, env, args.nr_scope);
	ASSERT_EQ(0, ioctl(env->dev[0].vfio->fd, VFIO_DEVICE_GET_INFO, &device_info));
	ASSERT_EQ(0, pthread_create(&thread, NULL, unbind, (void *)args.scope[0]));
	usleep(50000);
	EXPECT_EQ(0, get_info(env->dev[0].vfio->fd, &info));
	EXPECT_REFUSED(EAGAIN, hot_reset(env));
	if (device_info.flags & VFIO_DEVICE_FLAGS_RESET)
		EXPECT_REFUSED(EAGAIN, -__vfio_pci_device_reset(env->dev[0].vfio));
	env_close(env);
	expect_marks(_metadata, 1);
	pthread_join(thread, &rc);
	EXPECT_EQ(NULL, rc);

	own(_metadata, args.scope[0]);
	env_open(_metadata, env, args.nr_scope);
	expect_reset(_metadata, env);
}

/* --- rescans: resets during a rescan of the bus ------------------------- */

RESET_FIXTURE(rescans)

#define RESCAN_ROUNDS	20

struct rescans {
	bool stop;
	int rounds;
	int failures;
};

static void *rescan_loop(void *data)
{
	struct rescans *rescans = data;

	while (!__atomic_load_n(&rescans->stop, __ATOMIC_RELAXED)) {
		if (write_file("/sys/bus/pci/rescan", "1"))
			rescans->failures++;
		rescans->rounds++;
		/* Guest time runs faster while the guest is idle */
		usleep(100);
	}
	return NULL;
}

/* 0 or an errno; 0 for a device without a function reset */
static int device_reset(struct vfio_pci_device *device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info))
		return errno;
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		return 0;
	return -__vfio_pci_device_reset(device);
}

/*
 * Opening a device resets it. Neither open nor reset may fail because of a
 * concurrent rescan that finds no new devices.
 */
RESET_TEST(rescans, open_and_reset_succeed)
{
	int i, not_opened = 0, not_reset = 0, not_hot_reset = 0;
	struct env *env = &self->env;
	struct rescans rescans = {};
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, rescan_loop, &rescans));
	for (i = 0; i < RESCAN_ROUNDS; i++) {
		if (dev_open(&env->user, env->cdev, args.scope[0], &env->dev[0])) {
			TH_LOG("open: %s", strerror(errno));
			not_opened++;
		} else {
			not_reset += !!device_reset(env->dev[0].vfio);
			not_hot_reset += args.nr_scope == 1 && hot_reset(env);
		}
		env_close(env);
	}
	__atomic_store_n(&rescans.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);

	TH_LOG("%d rescans", rescans.rounds);
	EXPECT_LT(0, rescans.rounds);
	EXPECT_EQ(0, rescans.failures);
	EXPECT_EQ(0, not_opened);
	EXPECT_EQ(0, not_reset);
	EXPECT_EQ(0, not_hot_reset);

	env_open(_metadata, env, args.nr_scope);
	expect_reset(_metadata, env);
}

/* --- shared: the user owns a part of the scope only --------------------- */

RESET_FIXTURE(shared)

static bool same_group(const char *a, const char *b)
{
	return sysfs_iommu_group_get(a) == sysfs_iommu_group_get(b);
}

/* The first device reports this devid for @bdf, and whether all devices are owned */
static void expect_devid(struct __test_metadata *_metadata, struct env *env,
			 const char *bdf, __u32 devid)
{
	const struct vfio_pci_dependent_device *entry;
	struct info info;

	ASSERT_EQ(0, get_info(env->dev[0].vfio->fd, &info));
	EXPECT_EQ(args.nr_scope, info.hdr.count);
	EXPECT_EQ(VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
		  (devid == (__u32)VFIO_PCI_DEVID_NOT_OWNED ? 0 :
		   VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED), info.hdr.flags);
	entry = find_info(&info, bdf);
	ASSERT_NE(NULL, entry);
	EXPECT_EQ(devid, entry->devid);
	entry = find_info(&info, args.scope[0]);
	ASSERT_NE(NULL, entry);
	EXPECT_EQ(env->dev[0].devid, entry->devid);
}

/* The other devices have no driver */
RESET_TEST(shared, refused_without_driver)
{
	struct env *env = &self->env;
	int i;

	for (i = 1; i < args.nr_scope; i++)
		ASSERT_EQ(0, pci_bind(args.scope[i], ""));
	env_open(_metadata, env, 1);
	if (env->cdev)
		expect_devid(_metadata, env, args.scope[1], VFIO_PCI_DEVID_NOT_OWNED);
	EXPECT_REFUSED(EINVAL, hot_reset(env));
}

/* The other devices are bound to their drivers */
RESET_TEST(shared, refused_with_other_driver)
{
	struct env *env = &self->env;
	char driver[NAME_MAX];
	bool one_group;
	int i;

	one_group = same_group(args.scope[0], args.scope[1]);
	if (!env->driver[1][0])
		SKIP(return, "no driver but vfio-pci for %s", args.scope[1]);
	for (i = 1; i < args.nr_scope; i++)
		disown(_metadata, args.scope[i], env->driver[i]);
	mark_scope(_metadata);
	if (one_group) {
		/* vfio refuses to open a device of a group that is not all vfio's */
		EXPECT_EQ(-1, dev_open(&env->user, env->cdev, args.scope[0], &env->dev[0]));
		EXPECT_EQ(EPERM, errno);
		expect_marks(_metadata, 1);
	} else {
		env_open(_metadata, env, 1);
		if (env->cdev)
			expect_devid(_metadata, env, args.scope[1],
				     VFIO_PCI_DEVID_NOT_OWNED);
		EXPECT_REFUSED(EINVAL, hot_reset(env));
	}
	for (i = 1; i < args.nr_scope; i++) {
		ASSERT_EQ(0, pci_driver(args.scope[i], driver, sizeof(driver)));
		EXPECT_STREQ(env->driver[i], driver);
	}
}

/* The other devices are bound to vfio-pci, but not open */
RESET_TEST(shared, unopened_needs_its_group)
{
	struct env *env = &self->env;
	int i;

	env_open(_metadata, env, 1);
	if (same_group(args.scope[0], args.scope[1])) {
		/* Devices of the user's group count as owned */
		if (env->cdev)
			expect_devid(_metadata, env, args.scope[1], VFIO_PCI_DEVID_OWNED);
		expect_reset(_metadata, env);
		return;
	}

	if (env->cdev)
		expect_devid(_metadata, env, args.scope[1], VFIO_PCI_DEVID_NOT_OWNED);
	EXPECT_REFUSED(EINVAL, hot_reset(env));
	if (env->cdev)
		return;
	/* Their groups suffice, even if not in a container */
	for (i = 1; i < args.nr_scope; i++)
		ASSERT_LE(0, group_fd(&env->user, args.scope[i], false));
	expect_reset(_metadata, env);
}

/* The other devices are opened by another user */
RESET_TEST(shared, refused_with_other_user)
{
	struct env *env = &self->env;
	struct dev dev = { };
	struct user other = { };

	env_open(_metadata, env, 1);
	if (same_group(args.scope[0], args.scope[1])) {
		EXPECT_EQ(-1, dev_open(&other, env->cdev, args.scope[1], &dev));
		expect_reset(_metadata, env);
	} else {
		ASSERT_EQ(0, dev_open(&other, env->cdev, args.scope[1], &dev));
		if (env->cdev)
			expect_devid(_metadata, env, args.scope[1],
				     VFIO_PCI_DEVID_NOT_OWNED);
		EXPECT_REFUSED(EINVAL, hot_reset(env));
	}
	dev_close(&dev);
	user_close(&other);
}

/* --- race: a function is removed and added while another one is reset --- */

RESET_FIXTURE(race)

#define RACE_ROUNDS	20	/* of removal and reset, at least */
#define RACE_ATTEMPTS	20000

struct race {
	const char *bdf;
	bool stop;
	int rounds;
	int failures;
};

static void *remove_and_add(void *data)
{
	struct race *race = data;
	unsigned int seed = 1;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		if (pci_write_attr(race->bdf, "remove", "1"))
			race->failures++;
		usleep(rand_r(&seed) % 300000);
		/* Rescan this bus only, not the bridge above */
		if (pci_write_attr(args.scope[0], "rescan", "1"))
			race->failures++;
		usleep(rand_r(&seed) % 300000);
		if (pci_bind(race->bdf, "vfio-pci"))
			race->failures++;
		usleep(rand_r(&seed) % 300000);
		__atomic_fetch_add(&race->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/*
 * Each reset either succeeds and resets the device, or fails with a documented
 * error and does not.
 */
RESET_TEST(race, resets_or_refuses)
{
	struct env *env = &self->env;
	struct race race = { .bdf = args.scope[args.nr_scope - 1] };
	int i, rc, done = 0, refused = 0;
	pthread_t thread;

	ASSERT_LT(1, args.nr_scope);
	/* remove_and_add() binds the new device */
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	env_open(_metadata, env, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, remove_and_add, &race));
	for (i = 0; i < RACE_ATTEMPTS; i++) {
		if (done >= RACE_ROUNDS &&
		    __atomic_load_n(&race.rounds, __ATOMIC_RELAXED) >= RACE_ROUNDS)
			break;
		EXPECT_EQ(0, reset_mark(args.scope[0]));
		rc = hot_reset(env);
		EXPECT_EQ(rc ? 1 : 0, reset_marked(args.scope[0])) {
			TH_LOG("errno %d", rc);
		}
		/* Not all devices owned; or a lock is held by another task */
		EXPECT_TRUE(!rc || rc == EINVAL || rc == EAGAIN || rc == EBUSY) {
			TH_LOG("undocumented errno %d: %s", rc, strerror(rc));
		}
		if (rc) {
			refused++;
			usleep(10000);
		} else {
			done++;
		}
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TH_LOG("%d resets, %d refused, during %d rounds of remove and rescan",
	       done, refused, race.rounds);
	EXPECT_LE(RACE_ROUNDS, done);
	EXPECT_LE(RACE_ROUNDS, race.rounds);
	EXPECT_EQ(0, race.failures);
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "1"));
}

#define NEW_FUNCTION_ROUNDS		20

static void *resetter(void *env)
{
	return (void *)(long)hot_reset(env);
}

static int set_feature(int fd, __u32 feature)
{
	struct vfio_device_feature arg = {
		.argsz = sizeof(arg), .flags = VFIO_DEVICE_FEATURE_SET | feature,
	};

	return ioctl(fd, VFIO_DEVICE_FEATURE, &arg);
}

/* Suspend the device to D3hot, from which a resume takes 10 ms */
static int low_power(const char *bdf, int fd)
{
	char status[32];

	/* A reset resumes the device, but does not end low power */
	if (set_feature(fd, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT) ||
	    set_feature(fd, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY))
		return -1;
	for (int i = 0; i < 100; i++) {
		if (pci_read_attr(bdf, "power/runtime_status", status, sizeof(status)))
			return -1;
		if (!strcmp(status, "suspended"))
			return 0;
		usleep(10000);
	}
	errno = ETIMEDOUT;
	return -1;
}

/*
 * A function that is added after vfio has checked who owns the devices must not be
 * reset. The window is short, even after a device had to be resumed: approach it by
 * bisection between a delay with which the reset is refused and one with which it
 * is done.
 */
RESET_TEST(race, new_function_is_not_reset)
{
	const char *added = args.scope[args.nr_scope - 1];
	struct env *env = &self->env;
	int i, us = 8000, step = 8000, done = 0;
	pthread_t thread;
	void *rc;

	ASSERT_LT(1, args.nr_scope);
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	env_open(_metadata, env, 1);
	ASSERT_EQ(0, pci_write_attr(args.scope[0], "power/control", "auto"));
	for (i = 0; i < NEW_FUNCTION_ROUNDS; i++) {
		ASSERT_EQ(0, pci_write_attr(added, "remove", "1"));
		ASSERT_EQ(0, low_power(args.scope[0], env->dev[0].vfio->fd)) {
			TH_LOG("no low power: %s", strerror(errno));
		}
		ASSERT_EQ(0, pthread_create(&thread, NULL, resetter, env));
		usleep(us);
		EXPECT_EQ(0, pci_write_attr(args.scope[0], "rescan", "1"));
		EXPECT_EQ(0, reset_mark(added));
		pthread_join(thread, &rc);
		EXPECT_EQ(1, reset_marked(added)) {
			TH_LOG("added %d us after the start of a reset (%ld), and was reset",
			       us, (long)rc);
		}
		done += !rc;
		us += rc ? step : -step;
		if (us < 0)
			us = 0;
		if (step > 250)
			step /= 2;
	}
	TH_LOG("%d of %d resets were done", done, i);
	ASSERT_EQ(0, pci_write_attr(args.scope[0], "power/control", "on"));
	EXPECT_EQ(0, pci_bind(added, "vfio-pci"));
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers_autoprobe", "1"));
}

/* --- last_close: devices without a function reset ----------------------- */

RESET_FIXTURE(last_close)

/*
 * A function without a function reset is reset with all others of its bus when
 * the last of them is closed.
 */
RESET_TEST(last_close, resets_all)
{
	struct env *env = &self->env;
	int i;

	env_open(_metadata, env, args.nr_scope);
	mark_scope(_metadata);
	for (i = 0; i < args.nr_scope - 1; i++) {
		dev_close(&env->dev[i]);
		expect_marks(_metadata, 1);
	}
	dev_close(&env->dev[i]);
	expect_marks(_metadata, 0);
}

/* --- error: a fatal error at the port above ----------------------------- */

RESET_FIXTURE(error)

/* An eventfd for the first interrupt of this kind, or -1 */
static int irq_event(int fd, __u32 index)
{
	struct {
		struct vfio_irq_set hdr;
		__s32 event;
	} set = {
		.hdr.argsz = sizeof(set),
		.hdr.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.hdr.index = index,
		.hdr.count = 1,
		.event = eventfd(0, EFD_NONBLOCK),
	};

	return ioctl(fd, VFIO_DEVICE_SET_IRQS, &set) ? -1 : set.event;
}

/* Mask or unmask INTx */
static void set_intx(struct __test_metadata *_metadata, int fd, __u32 action)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};

	ASSERT_EQ(0, ioctl(fd, VFIO_DEVICE_SET_IRQS, &set));
}

/*
 * The recovery resets the device of a user, and vfio signals the error. The config
 * space is restored, except that bus mastering is off until the user enables it.
 */
RESET_TEST(error, user_keeps_device)
{
	const __u16 on = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct vfio_pci_device *device;
	__u8 before[MAX_DEVS][CFG_SIZE], after[CFG_SIZE];
	struct env *env = &self->env;
	struct error_log log = {};
	__u64 count;
	int event;

	if (args.nr_scope != 1 || args.nr_port != 1)
		SKIP(return, "needs one device and the port above it");
	env_open(_metadata, env, 1);
	device = env->dev[0].vfio;
	/* QEMU does this when it starts a guest, which then enables the device */
	vfio_pci_config_writew(device, PCI_COMMAND, 0);
	ASSERT_EQ(0, __vfio_pci_device_reset(device));
	vfio_pci_config_writew(device, PCI_COMMAND, on);
	event = irq_event(device->fd, VFIO_PCI_ERR_IRQ_INDEX);
	ASSERT_LE(0, event);
	log.kmsg = kmsg_open();
	ASSERT_LE(0, log.kmsg);

	mark_scope(_metadata);
	read_configs(_metadata, before);
	ASSERT_EQ(0, inject_fatal(args.port[0]));
	ASSERT_TRUE(error_log_wait(&log, 1));
	EXPECT_EQ(1, log.recovered);
	EXPECT_EQ(0, log.failed);
	EXPECT_EQ(8, read(event, &count, sizeof(count)));

	/* Bus mastering is off for the user, and in the device */
	EXPECT_EQ(PCI_COMMAND_MEMORY, vfio_pci_config_readw(device, PCI_COMMAND) & on);
	ASSERT_LT(0, pci_config(args.scope[0], after));
	EXPECT_EQ(PCI_COMMAND_MEMORY, after[PCI_COMMAND] & on);
	vfio_pci_config_writew(device, PCI_COMMAND, on);
	expect_configs(_metadata, before);
	expect_marks(_metadata, 0);

	expect_reset(_metadata, env);
	error_log_read(&log);
	EXPECT_EQ(1, log.recovered);
	EXPECT_EQ(0, log.failed);
	close(log.kmsg);
	close(event);
}

/* The state of INTx in the device: true if it is disabled */
static bool intx_disabled(struct __test_metadata *_metadata, const char *bdf)
{
	__u8 cfg[CFG_SIZE];

	ASSERT_LT(0, pci_config(bdf, cfg));
	return cfg[PCI_COMMAND + 1] & (PCI_COMMAND_INTX_DISABLE >> 8);
}

static void recover(struct __test_metadata *_metadata)
{
	struct error_log log = {};

	log.kmsg = kmsg_open();
	ASSERT_LE(0, log.kmsg);
	mark_scope(_metadata);
	ASSERT_EQ(0, inject_fatal(args.port[0]));
	ASSERT_TRUE(error_log_wait(&log, 1));
	EXPECT_EQ(1, log.recovered);
	EXPECT_EQ(0, log.failed);
	expect_marks(_metadata, 0);
	close(log.kmsg);
}

/* INTx is masked after a recovery if it was before, whoever has masked it, and how */
RESET_TEST(error, intx_stays_masked)
{
	const char *bdf = args.scope[0];
	struct env *env = &self->env;
	struct vfio_pci_device *device;
	int event;
	__u16 cmd;

	if (args.nr_scope != 1 || args.nr_port != 1)
		SKIP(return, "needs one device and the port above it");
	env_open(_metadata, env, 1);
	device = env->dev[0].vfio;
	cmd = vfio_pci_config_readw(device, PCI_COMMAND) & ~PCI_COMMAND_INTX_DISABLE;

	/* Not in use, and disabled in the Command register that the user sees */
	vfio_pci_config_writew(device, PCI_COMMAND, cmd | PCI_COMMAND_INTX_DISABLE);
	EXPECT_TRUE(intx_disabled(_metadata, bdf));
	recover(_metadata);
	EXPECT_TRUE(intx_disabled(_metadata, bdf));
	vfio_pci_config_writew(device, PCI_COMMAND, cmd);
	EXPECT_FALSE(intx_disabled(_metadata, bdf));

	/* In use, and masked by the user */
	event = irq_event(device->fd, VFIO_PCI_INTX_IRQ_INDEX);
	ASSERT_LE(0, event);
	set_intx(_metadata, device->fd, VFIO_IRQ_SET_ACTION_MASK);
	EXPECT_TRUE(intx_disabled(_metadata, bdf));
	recover(_metadata);
	EXPECT_TRUE(intx_disabled(_metadata, bdf));

	/* Saved while it was masked, and not masked any more */
	ASSERT_EQ(0, __vfio_pci_device_reset(device));
	set_intx(_metadata, device->fd, VFIO_IRQ_SET_ACTION_UNMASK);
	EXPECT_FALSE(intx_disabled(_metadata, bdf));
	recover(_metadata);
	EXPECT_FALSE(intx_disabled(_metadata, bdf));
	close(event);
}

/* Whether an access to the device causes a page fault */
static bool read_faults(struct __test_metadata *_metadata, __u32 *reg)
{
	struct rusage before, after;

	ASSERT_EQ(0, getrusage(RUSAGE_THREAD, &before));
	EXPECT_NE(UINT_MAX, __atomic_load_n(reg, __ATOMIC_SEQ_CST));
	ASSERT_EQ(0, getrusage(RUSAGE_THREAD, &after));
	return after.ru_minflt != before.ru_minflt;
}

/* Map a BAR of the first device, with memory enabled */
static __u32 *map_bar(struct __test_metadata *_metadata, struct env *env)
{
	struct vfio_region_info region = { .argsz = sizeof(region) };
	int fd = env->dev[0].vfio->fd;
	void *map;

	ASSERT_EQ(0, ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &region));
	vfio_pci_config_writew(env->dev[0].vfio, PCI_COMMAND, PCI_COMMAND_MEMORY);
	map = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   region.offset);
	ASSERT_NE(MAP_FAILED, map);
	env->map = map;
	env->map_size = region.size;
	return map;
}

/*
 * The next access of a mapping after a recovery is a page fault, in which vfio knows
 * of the reset, and then shows the device.
 */
RESET_TEST(error, mapping_is_zapped)
{
	__u32 *reg;

	if (args.nr_scope != 1 || args.nr_port != 1)
		SKIP(return, "needs one device and the port above it");
	env_open(_metadata, &self->env, 1);
	reg = map_bar(_metadata, &self->env);
	EXPECT_TRUE(read_faults(_metadata, reg));
	EXPECT_FALSE(read_faults(_metadata, reg));
	recover(_metadata);
	EXPECT_TRUE(read_faults(_metadata, reg));
	EXPECT_FALSE(read_faults(_metadata, reg));
}

/* A device that the user has put into D3 is in D0 after a recovery, and accessible */
RESET_TEST(error, low_power_ends)
{
	struct env *env = &self->env;
	struct error_log log = {};
	__u8 cfg[CFG_SIZE];
	__u32 *reg;
	int pm;

	if (args.nr_scope != 1 || args.nr_port != 1)
		SKIP(return, "needs one device and the port above it");
	ASSERT_LT(0, pci_config(args.scope[0], cfg));
	pm = pci_cap(cfg, PCI_CAP_ID_PM);
	if (!pm)
		SKIP(return, "no Power Management capability");

	env_open(_metadata, env, 1);
	reg = map_bar(_metadata, env);
	vfio_pci_config_writew(env->dev[0].vfio, pm + PCI_PM_CTRL, 3);
	EXPECT_EQ(3, vfio_pci_config_readw(env->dev[0].vfio, pm + PCI_PM_CTRL) &
		     PCI_PM_CTRL_STATE_MASK);

	log.kmsg = kmsg_open();
	ASSERT_LE(0, log.kmsg);
	ASSERT_EQ(0, inject_fatal(args.port[0]));
	ASSERT_TRUE(error_log_wait(&log, 1));
	EXPECT_EQ(1, log.recovered);
	close(log.kmsg);

	EXPECT_EQ(0, vfio_pci_config_readw(env->dev[0].vfio, pm + PCI_PM_CTRL) &
		     PCI_PM_CTRL_STATE_MASK);
	/* SIGBUS if vfio takes it for suspended */
	EXPECT_NE(UINT_MAX, __atomic_load_n(reg, __ATOMIC_SEQ_CST));
}

/* --- main --------------------------------------------------------------- */

int main(int argc, char **argv)
{
	require_vm();
	if (reset_parse_args(&args, &argc, argv))
		return KSFT_FAIL;
	if (!args.nr_scope) {
		ksft_print_header();
		ksft_exit_skip("no devices given, see run_vm_tests.sh\n");
	}
	noiommu = !has_iommu();
	if (noiommu && vfio_allow_noiommu())
		return KSFT_FAIL;
	return test_harness_run(argc, argv);
}
