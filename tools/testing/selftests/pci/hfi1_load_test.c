// SPDX-License-Identifier: GPL-2.0
/*
 * hfi1 resets its link in probe. Without its hardware, this much can be seen: it
 * calls pci_reset_bus_flags() for that and no longer the function behind the back
 * of pciehp, loads, registers, and goes.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define DRIVER "/sys/bus/pci/drivers/hfi1"

/* Copy what modprobe would load to a place with a known name */
#define COPY_MODULE \
	"ko=$(modprobe -D hfi1 | sed -n 's/.* \\([^ ]*hfi1\\.ko\\).*/\\1/p') && " \
	"cd /lib/modules/$(uname -r) && cp \"$ko\" /tmp/hfi1.ko"

/* Does the module want this symbol? */
static bool wants(struct __test_metadata *_metadata, const char *symbol)
{
	size_t size;
	char *image;
	FILE *f;

	f = fopen("/tmp/hfi1.ko", "r");
	ASSERT_NE(NULL, f);
	ASSERT_EQ(0, fseek(f, 0, SEEK_END));
	size = ftell(f);
	rewind(f);
	image = malloc(size);
	ASSERT_NE(NULL, image);
	ASSERT_EQ(size, fread(image, 1, size, f));
	fclose(f);

	/* In the string table, with its zero; no other symbol ends in it */
	return memmem(image, size, symbol, strlen(symbol) + 1);
}

TEST(calls)
{
	if (system(COPY_MODULE))
		SKIP(return, "the kernel has no module hfi1");

	EXPECT_TRUE(wants(_metadata, "pci_reset_bus_flags"));
	EXPECT_FALSE(wants(_metadata, "pci_bridge_secondary_bus_reset"));
}

TEST(load_and_unload)
{
	if (system("modprobe -D hfi1 > /dev/null 2>&1"))
		SKIP(return, "the kernel has no module hfi1");

	ASSERT_EQ(0, system("modprobe hfi1"));
	EXPECT_EQ(0, access(DRIVER, F_OK));
	ASSERT_EQ(0, system("modprobe -r hfi1"));
	EXPECT_NE(0, access(DRIVER, F_OK));
}

TEST_HARNESS_MAIN
