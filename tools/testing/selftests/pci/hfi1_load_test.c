// SPDX-License-Identifier: GPL-2.0
/*
 * hfi1 resets its link in probe. Without the hardware, a test can check that it
 * uses pci_reset_bus_flags(), not pci_bridge_secondary_bus_reset(), which pciehp
 * takes for a surprise removal, and that the module loads and unloads.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "reset_lib.h"

#define DRIVER "/sys/bus/pci/drivers/hfi1"

/* Copy the module that modprobe would load to a fixed place */
#define COPY_MODULE \
	"ko=$(modprobe -D hfi1 | sed -n 's/.* \\([^ ]*hfi1\\.ko\\).*/\\1/p') && " \
	"cd /lib/modules/$(uname -r) && cp \"$ko\" /tmp/hfi1.ko"

/* Whether the module refers to this symbol */
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

	/* Search the string table; no other symbol ends in this name */
	return memmem(image, size, symbol, strlen(symbol) + 1);
}

TEST(calls_pci_reset_bus_flags)
{
	if (system(COPY_MODULE))
		SKIP(return, "the kernel has no module hfi1");

	EXPECT_TRUE(wants(_metadata, "pci_reset_bus_flags"));
	EXPECT_FALSE(wants(_metadata, "pci_bridge_secondary_bus_reset"));
}

TEST(loads_and_unloads)
{
	if (system("modprobe -D hfi1 > /dev/null 2>&1"))
		SKIP(return, "the kernel has no module hfi1");

	ASSERT_EQ(0, system("modprobe hfi1"));
	EXPECT_EQ(0, access(DRIVER, F_OK));
	ASSERT_EQ(0, system("modprobe -r hfi1"));
	EXPECT_NE(0, access(DRIVER, F_OK));
}

int main(int argc, char **argv)
{
	require_vm();
	return test_harness_run(argc, argv);
}
