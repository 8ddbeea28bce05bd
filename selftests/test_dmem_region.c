// SPDX-License-Identifier: GPL-2.0
/*
 * Regions and heaps: the test's heaps are accounted, in the region that the sysfs file
 * names and in no other; heaps on one area share one counter; the usage of a
 * region equals the memory allocated from its area.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"

#define PAGES	4

FIXTURE(region) {
	struct dmem_test t;
	char *cg;
	struct dmem_heap heaps[DMEM_HEAPS];
	int n;
};

FIXTURE_SETUP(region)
{
	int ret = dmem_begin(&self->t, DMEM_NO_HEAP);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->n = heap_list(self->heaps, DMEM_HEAPS);
	if (self->n <= 0) {
		dmem_end(&self->t);
		SKIP(return, "no heap in /dev/dma_heap");
	}
	if (!self->heaps[0].has_region_file) {
		dmem_end(&self->t);
		SKIP(return, "this kernel's heaps have no dmem_region");
	}
	self->cg = cg_name(self->t.cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
	EXPECT_EQ(0, cg_enter_current(self->cg));
}

FIXTURE_TEARDOWN(region)
{
	dmem_end(&self->t);
}

/* Two usable heaps with the same region, if same, or with different ones. */
static bool find_pair(struct dmem_heap *heaps, int n, bool same,
		      struct dmem_heap **a, struct dmem_heap **b)
{
	int i, j;

	for (i = 0; i < n; i++) {
		for (j = i + 1; j < n; j++) {
			if (!heaps[i].usable || !heaps[j].usable ||
			    !heaps[i].region[0] || !heaps[j].region[0] ||
			    !strcmp(heaps[i].region, heaps[j].region) != same)
				continue;
			*a = &heaps[i];
			*b = &heaps[j];
			return true;
		}
	}
	return false;
}

/*
 * A heap's region exists, and starts without usage and limit. Heaps of firmware may have
 * none, but those of the test must: they could not be limited.
 */
TEST_F(region, every_heap_is_accounted)
{
	int i;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];

		EXPECT_TRUE(h->has_region_file)
			TH_LOG("heap %s: no dmem_region", h->name);
		if (h->usable)
			EXPECT_NE(0, h->region[0])
				TH_LOG("heap %s is not accounted", h->name);
		if (!h->region[0])
			continue;
		EXPECT_LT(0, dmem_read(self->t.root, "dmem.capacity",
				       h->region))
			TH_LOG("heap %s: no region \"%s\"", h->name, h->region);
		EXPECT_EQ(0, dmem_current(self->cg, h->region));
		EXPECT_EQ(DMEM_MAX, dmem_read(self->cg, "dmem.max", h->region));
	}
}

/* Each line is "<name> <number>", and no name comes twice. */
TEST_F(region, names)
{
	char text[8192], *line, *name[64], *value, *end, *pos = text;
	int fd, n = 0, i;
	ssize_t len;
	char *path;

	path = cg_name(self->t.root, "dmem.capacity");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	ASSERT_LE(0, fd);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	ASSERT_LT(0, len);
	EXPECT_EQ('\n', text[len - 1]);
	text[len - 1] = '\0';

	while (n < 64 && (line = strsep(&pos, "\n"))) {
		value = line;
		name[n] = strsep(&value, " ");
		ASSERT_TRUE(name[n][0] && value && isdigit(value[0]));
		EXPECT_EQ(strlen(name[n]), strcspn(name[n], "\t\r\v\f"));
		EXPECT_LT(0, strtoll(value, &end, 10));
		EXPECT_EQ(0, *end);
		for (i = 0; i < n; i++)
			EXPECT_STRNE(name[i], name[n]);
		n++;
	}
	EXPECT_LT(0, n);
}

/* The file has the name and a newline, no more. */
TEST_F(region, sysfs_file)
{
	char path[512], buf[DMEM_NAME_LEN], want[DMEM_NAME_LEN + 1];
	ssize_t len;
	int fd, i;

	for (i = 0; i < self->n; i++) {
		snprintf(path, sizeof(path),
			 "/sys/class/dma_heap/%s/dmem_region",
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

TEST_F(region, capacity)
{
	int i, seen = 0;

	for (i = 0; i < self->n; i++) {
		const char *area = region_area(self->heaps[i].region);
		long long pages;

		if (!area)
			continue;
		pages = cma_read(area, "total_pages");
		if (pages == -ENOENT && access("/sys/kernel/mm/cma", F_OK))
			SKIP(return, "no CONFIG_CMA_SYSFS");
		EXPECT_LT(0, pages)
			TH_LOG("region %s is no CMA area",
			       self->heaps[i].region);
		EXPECT_EQ(pages * self->t.page,
			  dmem_read(self->t.root, "dmem.capacity",
				    self->heaps[i].region));
		seen++;
	}
	if (!seen)
		SKIP(return, "no CMA heap");
}

/* heap/system is all of RAM, but for memory that the boot used or freed later. */
TEST_F(region, system_capacity)
{
	long long total, size;

	size = dmem_read(self->t.root, "dmem.capacity", "heap/system");
	if (size == -ENODATA)
		SKIP(return, "no region heap/system");
	total = cg_read_key_long("/proc", "meminfo", "MemTotal:") * 1024LL;
	ASSERT_LT(0, total);
	EXPECT_EQ(0, size % self->t.page);
	EXPECT_LE(total / 10 * 9, size);
	EXPECT_GE(total / 10 * 11, size);
}

/* Each usable heap in turn: its region is charged, and no other. */
TEST_F(region, charged_is_what_is_named)
{
	struct dmem_test *t = &self->t;
	int i, j, seen = 0;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];
		int heap_fd, fd;

		if (!h->region[0] || !h->usable)
			continue;
		seen++;
		heap_fd = heap_open(h->name);
		ASSERT_LE(0, heap_fd);
		fd = heap_alloc(heap_fd, PAGES * t->page);
		ASSERT_LE(0, fd)
			TH_LOG("heap %s", h->name);
		for (j = 0; j < self->n; j++) {
			const char *region = self->heaps[j].region;
			bool same = !strcmp(region, h->region);

			if (!region[0])
				continue;
			EXPECT_EQ(same ? PAGES * t->page : 0,
				  dmem_current(self->cg, region))
				TH_LOG("heap %s, region %s", h->name, region);
		}
		close(fd);
		close(heap_fd);
		EXPECT_EQ(0, dmem_current(self->cg, h->region));
	}
	if (!seen)
		SKIP(return, "no usable heap with a dmem region");
}

/* Another heap on the same area does not evade the limit. */
TEST_F(region, aliases)
{
	struct dmem_test *t = &self->t;
	struct dmem_heap *a, *b;
	int heap_a, heap_b, fd[2];

	if (!find_pair(self->heaps, self->n, true, &a, &b))
		SKIP(return, "no two usable heaps on one area");
	heap_a = heap_open(a->name);
	heap_b = heap_open(b->name);
	ASSERT_LE(0, heap_a);
	ASSERT_LE(0, heap_b);

	fd[0] = heap_alloc(heap_a, PAGES * t->page);
	ASSERT_LE(0, fd[0]);
	EXPECT_EQ(PAGES * t->page, dmem_current(self->cg, a->region));
	fd[1] = heap_alloc(heap_b, 2 * PAGES * t->page);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(3 * PAGES * t->page, dmem_current(self->cg, a->region));

	ASSERT_EQ(0, dmem_set_max(self->cg, a->region, 3 * PAGES * t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap_a, t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap_b, t->page));
	close(fd[0]);
	EXPECT_EQ(2 * PAGES * t->page, dmem_current(self->cg, a->region));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap_b, (PAGES + 1) * t->page));
	fd[0] = heap_alloc(heap_b, PAGES * t->page);
	EXPECT_LE(0, fd[0]);
	EXPECT_EQ(-ENOMEM, heap_alloc(heap_a, t->page));
	close(fd[0]);
	close(fd[1]);
	EXPECT_EQ(0, dmem_current(self->cg, a->region));
}

/* A region at its limit does not affect another region. */
TEST_F(region, independent)
{
	struct dmem_test *t = &self->t;
	struct dmem_heap *a, *b;
	int heap_a, heap_b, fd;

	if (!find_pair(self->heaps, self->n, false, &a, &b))
		SKIP(return, "only one usable region");
	heap_a = heap_open(a->name);
	heap_b = heap_open(b->name);
	ASSERT_LE(0, heap_a);
	ASSERT_LE(0, heap_b);

	ASSERT_EQ(0, dmem_set_max(self->cg, a->region, 0));
	EXPECT_EQ(DMEM_MAX, dmem_read(self->cg, "dmem.max", b->region));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap_a, t->page));
	fd = heap_alloc(heap_b, PAGES * t->page);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, dmem_current(self->cg, a->region));
	EXPECT_EQ(PAGES * t->page, dmem_current(self->cg, b->region));
	close(fd);

	ASSERT_EQ(0, dmem_set_max(self->cg, b->region, 0));
	ASSERT_EQ(0, dmem_set_max(self->cg, a->region, DMEM_MAX));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap_b, t->page));
	fd = heap_alloc(heap_a, PAGES * t->page);
	ASSERT_LE(0, fd);
	EXPECT_EQ(PAGES * t->page, dmem_current(self->cg, a->region));
	EXPECT_EQ(0, dmem_current(self->cg, b->region));
	close(fd);
	EXPECT_EQ(0, dmem_current(self->cg, a->region));
}

/*
 * All allocated pages of an area are either charged or counted as unaccounted.
 * The files cannot be read at one moment, so the test retries.
 */
static bool area_adds_up(struct dmem_test *t, const char *region)
{
	const char *area = region_area(region);
	int tries;

	for (tries = 0; tries < 50; tries++) {
		long long total = cma_read(area, "total_pages");
		long long avail = cma_read(area, "available_pages");
		long long unaccounted = cma_read(area, "unaccounted_pages");
		long long charged = dmem_current(t->root, region);

		if (total < 0 || avail < 0 || unaccounted < 0 || charged < 0)
			return false;
		if (total - avail == unaccounted + charged / t->page)
			return true;
		sleep_ms(10);
	}
	return false;
}

TEST_F(region, area_adds_up)
{
	struct dmem_test *t = &self->t;
	int i, seen = 0;

	if (access("/sys/kernel/mm/cma", F_OK))
		SKIP(return, "no CONFIG_CMA_SYSFS");
	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];
		const char *area = region_area(h->region);
		long long unaccounted, avail;
		int heap_fd, fd;

		if (!area || !h->usable)
			continue;
		seen++;
		EXPECT_TRUE(area_adds_up(t, h->region))
			TH_LOG("area %s, at rest", area);

		heap_fd = heap_open(h->name);
		ASSERT_LE(0, heap_fd);
		unaccounted = cma_read(area, "unaccounted_pages");
		avail = cma_read(area, "available_pages");
		fd = heap_alloc(heap_fd, PAGES * t->page);
		ASSERT_LE(0, fd);
		EXPECT_TRUE(area_adds_up(t, h->region))
			TH_LOG("area %s, with a buffer", area);
		/* A heap's buffer is never among the unaccounted. */
		if (!region_is_private(h->region))
			goto next;
		EXPECT_EQ(unaccounted, cma_read(area, "unaccounted_pages"));
		EXPECT_EQ(avail - PAGES, cma_read(area, "available_pages"));
next:
		close(fd);
		close(heap_fd);
		EXPECT_TRUE(area_adds_up(t, h->region))
			TH_LOG("area %s, at rest again", area);
		if (region_is_private(h->region))
			EXPECT_EQ(avail, cma_read(area, "available_pages"));
	}
	if (!seen)
		SKIP(return, "no CMA heap");
}

TEST_HARNESS_MAIN
