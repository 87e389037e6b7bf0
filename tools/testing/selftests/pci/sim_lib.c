// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reset_lib.h"
#include "sim_lib.h"

#define CONFIGFS	"/sys/kernel/config/pci-sim/"
#define MODULE		"pci_sim"

static const char *config_path(const char *path)
{
	static __thread char full[sizeof(CONFIGFS) + PATH_MAX];

	snprintf(full, sizeof(full), CONFIGFS "%s", path);
	return full;
}

int sim_make(const char *path)
{
	return mkdir(config_path(path), 0755) ? errno : 0;
}

int sim_drop(const char *path)
{
	return rmdir(config_path(path)) ? errno : 0;
}

int sim_set(const char *path, const char *value)
{
	return write_errno(config_path(path), value);
}

const char *sim_get(const char *path)
{
	static __thread char text[4096];
	int fd = open(config_path(path), O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len < 0) {
		snprintf(text, sizeof(text), "error %d", errno);
	} else {
		text[len] = 0;
		if (len && text[len - 1] == '\n')
			text[len - 1] = 0;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

int sim_number(const char *path, const char *name)
{
	const char *at = sim_get(path);
	size_t len = strlen(name);

	while (at) {
		if (!strncmp(at, name, len) && at[len] == ' ')
			return atoi(at + len + 1);
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return -1;
}

const char *sim_address(const char *path)
{
	static __thread char text[BDF_LEN + 16];
	char attr[PATH_MAX];

	snprintf(attr, sizeof(attr), "%s/address", path);
	snprintf(text, sizeof(text), "%s", sim_get(attr));
	return text;
}

void sim_drop_all(const char *path)
{
	char below[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(below, sizeof(below), "%s/live", path);
	if (path[0] && !strcmp(sim_get(below), "1"))
		sim_set(below, "0");

	dir = opendir(config_path(path));
	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s%s%s", path, path[0] ? "/" : "",
			 entry->d_name);
		sim_drop_all(below);
		sim_drop(below);
	}
	if (dir)
		closedir(dir);
}

bool sim_exists(void)
{
	return !system("modprobe -D pci-sim > /dev/null 2>&1");
}

bool sim_is_loaded(void)
{
	return !access("/sys/module/" MODULE, F_OK);
}

int sim_load(void)
{
	return system("modprobe pci-sim") ? ENOENT : 0;
}

int sim_unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? errno : 0;
}
