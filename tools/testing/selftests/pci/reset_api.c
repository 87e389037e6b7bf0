// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "reset_api.h"

int api_load(void)
{
	if (!access(TEST_DEBUGFS "ctl", F_OK))
		return 0;
	if (system("modprobe " TEST_DRIVER))
		return -1;
	return access(TEST_DEBUGFS "ctl", F_OK);
}

int api_open(void)
{
	int ctl = open(TEST_DEBUGFS "ctl", O_RDWR);

	if (ctl < 0)
		fprintf(stderr, "cannot open " TEST_DEBUGFS "ctl: %s; is "
			TEST_DRIVER " loaded?\n", strerror(errno));
	return ctl;
}

int api_request(int ctl, const char *fmt, ...)
{
	char request[128];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(request, sizeof(request), fmt, ap);
	va_end(ap);
	return write(ctl, request, len) < 0 ? errno : 0;
}

int api_reset(int ctl, const char *bdf, unsigned int flags)
{
	return api_request(ctl, "reset %s %#x", bdf, flags);
}

int api_query(int ctl, const char *bdf, unsigned int flags, struct api_scope *scope)
{
	int rc = api_request(ctl, "query %s %#x", bdf, flags);
	char answer[4096], *line, *next = answer;
	ssize_t len;

	memset(scope, 0, sizeof(*scope));
	if (rc)
		return rc;
	len = pread(ctl, answer, sizeof(answer) - 1, 0);
	if (len < 0)
		return errno;
	answer[len] = 0;

	line = strsep(&next, "\n");
	if (sscanf(line, "method %x", &scope->method) != 1)
		return -1;
	while ((line = strsep(&next, "\n")) && *line) {
		if (scope->nr == MAX_DEVS || strlen(line) >= BDF_LEN)
			return -1;
		snprintf(scope->bdf[scope->nr++], BDF_LEN, "%s", line);
	}
	return 0;
}

int api_commit(int ctl, unsigned int modifiers)
{
	return api_request(ctl, "commit - %#x", modifiers);
}

int api_counter(const char *bdf, const char *name)
{
	char path[PATH_MAX], value[16] = "";
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), TEST_DEBUGFS "%s/%s", bdf, name);
	fd = open(path, O_RDONLY);
	len = read(fd, value, sizeof(value) - 1);
	close(fd);
	if (len <= 0) {
		fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
		return INT_MIN;
	}
	return atoi(value);
}

int api_set_param(const char *name, unsigned int value)
{
	char path[PATH_MAX], text[16];

	snprintf(path, sizeof(path), "/sys/module/pci_reset_test/parameters/%s", name);
	snprintf(text, sizeof(text), "%u", value);
	return write_file(path, text);
}

int api_bind(const char *bdf)
{
	/* In D3, the device has no mark that could be read */
	return pci_bind(bdf, TEST_DRIVER) || pci_write_attr(bdf, "power/control", "on");
}

int api_probe(const char *bdf, unsigned int flags)
{
	int rc = -1;

	if (!api_set_param("probe_flags", flags) && !api_bind(bdf))
		rc = -api_counter(bdf, "probe_result");
	return api_set_param("probe_flags", 0) ? -1 : rc;
}

static void *hold(void *data)
{
	struct api_holder *holder = data;

	holder->rc = api_bind(holder->bdf);
	return NULL;
}

int api_hold(struct api_holder *holder, const char *bdf, unsigned int ms)
{
	char driver[NAME_MAX] = "";
	int i;

	holder->bdf = bdf;
	if (pci_bind(bdf, "") || api_set_param("probe_hold_ms", ms) ||
	    pthread_create(&holder->thread, NULL, hold, holder))
		return -1;
	/* The driver link appears just before probe is called */
	for (i = 0; i < 10000 && !driver[0]; i++) {
		usleep(1000);
		if (pci_driver(bdf, driver, sizeof(driver)))
			return -1;
	}
	usleep(50000);
	/* Other devices are not held */
	return api_set_param("probe_hold_ms", 0);
}

int api_hold_end(struct api_holder *holder)
{
	pthread_join(holder->thread, NULL);
	return holder->rc;
}

/* --- the kernel's log --------------------------------------------------- */

int api_log_on(void)
{
	static const char control[] = "/proc/dynamic_debug/control";

	/* "reset via flr", "ready 0ms after FLR"; "... kobject_cleanup" */
	return write_file(control, "file drivers/pci/pci.c +p") ||
	       write_file(control, "file drivers/pci/reset.c +p") ||
	       write_file(control, "file drivers/pci/readiness.c +p") ||
	       write_file(control, "func kobject_cleanup +p");
}

/* The text of the next line that the kernel has logged, NULL without one */
static char *log_line(int kmsg, char *rec, size_t size)
{
	ssize_t len = read(kmsg, rec, size - 1);
	char *text;

	/* Records were overwritten: the next read returns the oldest one left */
	if (len < 0 && errno == EPIPE)
		len = read(kmsg, rec, size - 1);
	if (len <= 0)
		return NULL;
	rec[len] = 0;
	text = strchr(rec, ';');
	if (!text)
		return rec + len;
	text[strcspn(text, "\n")] = 0;
	return text + 1;
}

int api_log_read(int kmsg, struct api_log *log)
{
	static const char via[] = ": reset via ";
	char rec[8192], *text, *name;

	memset(log, 0, sizeof(*log));
	while ((text = log_line(kmsg, rec, sizeof(rec)))) {
		name = strstr(text, via);
		if (name) {
			if (log->via[0])
				strncat(log->via, " ", sizeof(log->via) - strlen(log->via) - 1);
			strncat(log->via, name + strlen(via),
				sizeof(log->via) - strlen(log->via) - 1);
		}
		if (strstr(text, "ms after FLR"))
			log->flr = true;
		if (strstr(text, "ms after PM D3hot->D0"))
			log->pm = true;
		if (strstr(text, "; giving up"))
			log->gave_up++;
	}
	return errno == EAGAIN ? 0 : -1;
}

int api_log_freed(int kmsg, const char *bdf)
{
	char rec[8192], *text, name[BDF_LEN + 3];
	int freed = 0;

	snprintf(name, sizeof(name), "'%s'", bdf);
	while ((text = log_line(kmsg, rec, sizeof(rec))))
		if (strstr(text, "kobject_cleanup") && strstr(text, name))
			freed = 1;
	return errno == EAGAIN ? freed : -1;
}

/* --- topology ----------------------------------------------------------- */

int pci_bridge_above(const char *bdf, char bridge[BDF_LEN])
{
	char link[PATH_MAX], path[PATH_MAX], *name;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/..", bdf);
	bridge[0] = 0;
	if (!realpath(link, path)) {
		fprintf(stderr, "%s: %s\n", link, strerror(errno));
		return -1;
	}
	name = strrchr(path, '/') + 1;
	if (strlen(name) < BDF_LEN && strchr(name, '.'))
		snprintf(bridge, BDF_LEN, "%s", name);
	return 0;
}

bool pci_is_bridge(const char *bdf)
{
	__u8 cfg[CFG_SIZE];

	return pci_config(bdf, cfg) > PCI_HEADER_TYPE &&
	       (cfg[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE;
}
