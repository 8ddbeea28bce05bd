// SPDX-License-Identifier: GPL-2.0
/*
 * Names and sizes of all regions and heaps of the machine, also of those that tests may
 * not use: nothing is allocated.
 */
#include <ctype.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

#define REGIONS	64

FIXTURE(region) {
	struct dmem_test t;
	struct dmem_heap heaps[DMEM_HEAPS];
	int n;
};

FIXTURE_SETUP(region)
{
	begin_or_skip(_metadata, &self->t, DMEM_NO_HEAP);
	self->n = heap_list(self->heaps, DMEM_HEAPS);
	if (self->n <= 0) {
		dmem_end(&self->t);
		SKIP(return, "no heap in /dev/dma_heap");
	}
}

FIXTURE_TEARDOWN(region)
{
	dmem_end(&self->t);
}

/* Each line is "<name> <number>", and no name comes twice. */
TEST_F(region, names)
{
	char text[8192], *line, *name[REGIONS], *value, *end, *pos = text;
	int ret, n = 0, i;

	ret = cg_read(self->t.root, "dmem.capacity", text, sizeof(text));
	ASSERT_EQ(0, ret);
	ASSERT_LT(0, (int)strlen(text));
	EXPECT_EQ('\n', text[strlen(text) - 1]);
	text[strlen(text) - 1] = '\0';

	while ((line = strsep(&pos, "\n"))) {
		ASSERT_GT(REGIONS, n);
		value = line;
		name[n] = strsep(&value, " ");
		ASSERT_TRUE(name[n][0] && value && isdigit(value[0]))
			TH_LOG("no name and number: %s", line);
		EXPECT_EQ(strlen(name[n]), strcspn(name[n], "\t\r\v\f"));
		EXPECT_LT(0, strtoll(value, &end, 10));
		EXPECT_EQ(0, *end);
		for (i = 0; i < n; i++)
			EXPECT_STRNE(name[i], name[n]);
		n++;
	}
	EXPECT_LT(0, n);
}

/*
 * Heaps of firmware and vendors may have no region; a name that the file has is that of
 * a region. The system heap and those of the tests have one.
 */
TEST_F(region, heaps)
{
	int i, system = 0;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];

		EXPECT_TRUE(h->has_region_file)
			TH_LOG("heap %s: no dmem_region", h->name);
		if (h->usable)
			EXPECT_NE(0, h->region[0])
				TH_LOG("heap %s is not accounted", h->name);
		if (h->region[0])
			EXPECT_LT(0, dmem_read(self->t.root, "dmem.capacity", h->region))
				TH_LOG("heap %s: no region \"%s\"", h->name, h->region);
		if (!strcmp(h->name, "system")) {
			EXPECT_STREQ("heap/system", h->region);
			system++;
		}
	}
	EXPECT_EQ(1, system);
}

/* The file has the name and a newline, no more. */
TEST_F(region, sysfs_file)
{
	char path[512], buf[DMEM_NAME_LEN], want[DMEM_NAME_LEN + 1];
	ssize_t len;
	int fd, i;

	for (i = 0; i < self->n; i++) {
		snprintf(path, sizeof(path), "/sys/class/dma_heap/%s/dmem_region",
			 self->heaps[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		len = read(fd, buf, sizeof(buf) - 1);
		close(fd);
		ASSERT_LT(0, len);
		buf[len] = '\0';
		snprintf(want, sizeof(want), "%s\n", self->heaps[i].region);
		EXPECT_STREQ(want, buf);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		EXPECT_GT(0, fd);
		if (fd >= 0)
			close(fd);
	}
}

/* heap/system is all of RAM, but for memory that the boot used or freed later. */
TEST_F(region, system_capacity)
{
	long long total, size;

	size = dmem_read(self->t.root, "dmem.capacity", "heap/system");
	total = cg_read_key_long("/proc", "meminfo", "MemTotal:") * 1024LL;
	ASSERT_LT(0, total);
	EXPECT_EQ(0, size % self->t.page);
	EXPECT_LE(total / 10 * 9, size);
	EXPECT_GE(total / 10 * 11, size);
}

TEST_HARNESS_MAIN
