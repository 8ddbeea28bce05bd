// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to dmem.max, .low and .min: an invalid one fails with EINVAL
 * and leaves the limit as it was, a valid one reads back as documented.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define INPUT	FIXTURE_DATA(input)
#define KIB	1024LL
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define TIB	(1024 * GIB)

/* The value in the file before each write. */
#define BEFORE	MIB

FIXTURE(input) {
	struct dmem_test t;
	const char *region, *file;
	char *cg;
};

FIXTURE_VARIANT(input) {
	enum dmem_kind kind;
	const char *file;
};

FIXTURE_VARIANT_ADD(input, cma_max) { .kind = DMEM_CMA, .file = "dmem.max" };
FIXTURE_VARIANT_ADD(input, cma_low) { .kind = DMEM_CMA, .file = "dmem.low" };
FIXTURE_VARIANT_ADD(input, cma_min) { .kind = DMEM_CMA, .file = "dmem.min" };
FIXTURE_VARIANT_ADD(input, system_max) { .kind = DMEM_SYSTEM, .file = "dmem.max" };

FIXTURE_SETUP(input)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->region = self->t.heap.region;
	self->file = variant->file;
	self->cg = new_cgroup(_metadata, cg_create, self->t.cg, "a");
}

FIXTURE_TEARDOWN(input)
{
	dmem_end(&self->t);
}

static int set(INPUT *self, long long bytes)
{
	return dmem_set(self->cg, self->file, self->region, bytes);
}

static long long value(INPUT *self)
{
	return dmem_read(self->cg, self->file, self->region);
}

/* In one write(); returns what that does, or a negative errno. */
static ssize_t write_bytes(INPUT *self, char *buf, size_t len)
{
	char *path = cg_control(self->cg, self->file);
	ssize_t ret = write_text(path, buf, len);

	free(path);
	return ret;
}

/* Writes text, in which each '@' stands for the region's name. */
static int write_line(INPUT *self, const char *text)
{
	char buf[4 * DMEM_NAME_LEN];
	size_t len = 0;

	for (; *text && len < 3 * DMEM_NAME_LEN; text++) {
		if (*text == '@')
			len += sprintf(buf + len, "%s", self->region);
		else
			buf[len++] = *text;
	}
	buf[len] = '\0';
	return cg_write(self->cg, self->file, buf);
}

TEST_F(input, refused)
{
	static const char * const cases[] = {
		/* the region */
		"cma/no_such_area 4096", "no_such_region 4096", "@x 4096",
		"cma/ 4096", "4096", "max",
		/* no value */
		"@", "@ ", "@\n", "@\t",
		/* no number */
		"@ K", "@ m", "@ E", "@ x", "@ none", "@ maximum", "@ ma",
		"@ MAX", "@ 0x",
		/* negative */
		"@ -1", "@ -4096", "@ -1K", "@ -",
		/* junk after the number */
		"@ 4096x", "@ 4096 x", "@ 4096B", "@ 4KB", "@ 4KK", "@ 4 K",
		"@ 1.5M", "@ 4096,", "@ 4096 8192", "@ max 4096",
		"@ 4096 max", "@ maxx", "@ 18446744073709551616x", "@ 16EE",
		/* two lines, blanks */
		"@ 4096\n@ 8192\n", "@ 4096\n@ 8192", "@ max\n@ 8192\n",
		"@ 4096\nx", "@  4096", "@ \t4096", "@\t\t4096", "@\n4096",
		"@=4096", "\n", " ", " \t\n",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, set(self, BEFORE));
		EXPECT_EQ(-EINVAL, write_line(self, cases[i]))
			TH_LOG("wrote \"%s\"", cases[i]);
		EXPECT_EQ(BEFORE, value(self))
			TH_LOG("wrote \"%s\"", cases[i]);
	}
}

TEST_F(input, accepted)
{
	struct {
		const char *text;
		long long value;
	} cases[] = {
		{ "@ max", DMEM_MAX },
		{ "@ 0", 0 },
		{ "@ 1048576", MIB },
		{ "@ 64K", 64 * KIB },
		{ "@ 64k", 64 * KIB },
		{ "@ 2M", 2 * MIB },
		{ "@ 2m", 2 * MIB },
		{ "@ 1G", GIB },
		{ "@ 1g", GIB },
		{ "@ 4G", 4 * GIB },
		{ "@ 6G", 6 * GIB },
		{ "@ 4294967296", 4 * GIB },
		{ "@ 1T", TIB },
		{ "@ 1t", TIB },
		/* white space around the line */
		{ "@ 2M\n", 2 * MIB },
		{ "@ 2M\t\n", 2 * MIB },
		{ " @ 2M", 2 * MIB },
		{ "\t@ 2M\t", 2 * MIB },
		{ "@\t2M", 2 * MIB },
		{ "@ max\n", DMEM_MAX },
		/* part of a page does not count */
		{ "@ 1", 0 },
		{ "@ 65537", 64 * KIB },
		{ "@ 131071", 131071 / self->t.page * self->t.page },
		/* beyond the counter's range, within 64 bits */
		{ "@ 8E", DMEM_MAX },
		{ "@ 8e", DMEM_MAX },
		{ "@ 15E", DMEM_MAX },
		{ "@ 9223372036854775808", DMEM_MAX },
		{ "@ 18446744073709551615", DMEM_MAX },
		{ "@ 17179869183G", DMEM_MAX },
		{ "@ 16383P", DMEM_MAX },
		/* beyond 64 bits, by the digits or by the suffix */
		{ "@ 18446744073709551616", DMEM_MAX },
		{ "@ 18446744073709551617", DMEM_MAX },
		{ "@ 99999999999999999999999999", DMEM_MAX },
		{ "@ 99999999999999999999999999K", DMEM_MAX },
		{ "@ 0x10000000000000001", DMEM_MAX },
		{ "@ 16E", DMEM_MAX },
		{ "@ 16e", DMEM_MAX },
		{ "@ 99999999999G", DMEM_MAX },
		{ "@ 17179869184G", DMEM_MAX },
		{ "@ 16384P", DMEM_MAX },
		{ "@ 18014398509481984K", DMEM_MAX },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, set(self, BEFORE));
		EXPECT_EQ(0, write_line(self, cases[i].text))
			TH_LOG("wrote \"%s\"", cases[i].text);
		EXPECT_EQ(cases[i].value, value(self))
			TH_LOG("wrote \"%s\"", cases[i].text);
	}
}

/* Values that fit in the counter of a 64-bit kernel, but not of a 32-bit one. */
TEST_F(input, counter_range)
{
	bool wide = kernel_is_64bit();
	long long page = self->t.page;

	/* as many pages as the counter holds */
	EXPECT_EQ(0, set(self, wide ? (LLONG_MAX / page - 1) * page : (INT_MAX - 1LL) * page));
	EXPECT_EQ(0, write_line(self, "@ 1P"));
	EXPECT_EQ(wide ? 1024 * TIB : DMEM_MAX, value(self));
	EXPECT_EQ(0, write_line(self, "@ 7E"));
	EXPECT_EQ(wide ? 7 * 1024 * 1024 * TIB : DMEM_MAX, value(self));
}

/* Writes of no byte, of exactly a page and of more. */
TEST_F(input, sizes)
{
	size_t page = self->t.page;
	static char buf[65536 + 1];

	ASSERT_GT(sizeof(buf), page);
	ASSERT_EQ(0, set(self, BEFORE));

	/* The cgroup core accepts an empty write and ignores it */
	EXPECT_EQ(0, write_bytes(self, buf, 0));
	EXPECT_EQ(BEFORE, value(self));

	memset(buf, 'x', page + 1);
	EXPECT_EQ(-EINVAL, write_bytes(self, buf, page));
	EXPECT_EQ(-E2BIG, write_bytes(self, buf, page + 1));
	memset(buf, ' ', page + 1);
	EXPECT_EQ(-EINVAL, write_bytes(self, buf, page));
	memset(buf, '9', page + 1);
	EXPECT_EQ(-EINVAL, write_bytes(self, buf, page));
	EXPECT_EQ(BEFORE, value(self));

	/* a right line, then a page's worth of junk */
	memset(buf, 'x', page + 1);
	buf[snprintf(buf, page, "%s 4096 ", self->region)] = 'x';
	EXPECT_EQ(-EINVAL, write_bytes(self, buf, page));
	EXPECT_EQ(BEFORE, value(self));
	/* a number as long as a page */
	memset(buf, '9', page + 1);
	buf[snprintf(buf, page, "%s ", self->region)] = '9';
	EXPECT_EQ((ssize_t)page, write_bytes(self, buf, page));
	EXPECT_EQ(DMEM_MAX, value(self));

	/* a right line, then blanks: they are stripped */
	memset(buf, ' ', page + 1);
	buf[snprintf(buf, page, "%s 2M", self->region)] = ' ';
	EXPECT_EQ((ssize_t)page, write_bytes(self, buf, page));
	EXPECT_EQ(2 * MIB, value(self));
}

/* A write sets one file of one cgroup. */
TEST_F(input, other_files)
{
	static const char * const files[] = { "dmem.max", "dmem.low", "dmem.min" };
	char *sibling = new_cgroup(_metadata, cg_create, self->t.cg, "b");
	unsigned int i;

	EXPECT_EQ(0, set(self, 3 * MIB));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		long long none = i ? 0 : DMEM_MAX;

		EXPECT_EQ(none, dmem_read(sibling, files[i], self->region));
		if (strcmp(files[i], self->file))
			EXPECT_EQ(none, dmem_read(self->cg, files[i], self->region));
	}
	free(sibling);
}

/* A write sets the region that it names, and no other one. */
TEST_F(input, other_region)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS);

	for (i = 0; i < n; i++) {
		if (heaps[i].region[0] && strcmp(heaps[i].region, self->region))
			break;
	}
	if (i >= n)
		SKIP(return, "only one heap has a region");
	EXPECT_EQ(0, dmem_set(self->cg, self->file, heaps[i].region, 2 * MIB));
	EXPECT_EQ(0, set(self, 3 * MIB));
	EXPECT_EQ(2 * MIB, dmem_read(self->cg, self->file, heaps[i].region));
	EXPECT_EQ(3 * MIB, value(self));
}

TEST_HARNESS_MAIN
