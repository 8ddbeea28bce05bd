// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to dmem.max, .low and .min: an invalid one fails with EINVAL
 * and leaves the limit as it was, a valid one reads back as documented.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"

#define KIB	1024LL
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define TIB	(1024 * GIB)

/* The value in the file before each write. */
#define BEFORE	MIB

FIXTURE(input) {
	struct dmem_test t;
	char *cg;
};

FIXTURE_VARIANT(input) {
	enum dmem_kind kind;
	const char *file;
};

FIXTURE_VARIANT_ADD(input, cma_max) {
	.kind = DMEM_CMA,
	.file = "dmem.max",
};

FIXTURE_VARIANT_ADD(input, cma_low) {
	.kind = DMEM_CMA,
	.file = "dmem.low",
};

FIXTURE_VARIANT_ADD(input, cma_min) {
	.kind = DMEM_CMA,
	.file = "dmem.min",
};

FIXTURE_VARIANT_ADD(input, system_max) {
	.kind = DMEM_SYSTEM,
	.file = "dmem.max",
};

FIXTURE_SETUP(input)
{
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->cg = cg_name(self->t.cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
}

FIXTURE_TEARDOWN(input)
{
	dmem_end(&self->t);
}

/* Writes text, in which each '@' stands for the region's name. */
static int write_line(struct dmem_test *t, const char *cg, const char *file,
		      const char *text)
{
	char buf[4 * DMEM_NAME_LEN];
	size_t len = 0;

	for (; *text && len < 3 * DMEM_NAME_LEN; text++) {
		if (*text == '@')
			len += sprintf(buf + len, "%s", t->heap.region);
		else
			buf[len++] = *text;
	}
	buf[len] = '\0';
	return cg_write(cg, file, buf);
}

TEST_F(input, refused)
{
	struct dmem_test *t = &self->t;
	static const char * const cases[] = {
		/* the region */
		"cma/no_such_area 4096",
		"no_such_region 4096",
		"@x 4096",
		"cma/ 4096",
		"4096",
		"max",
		/* no value */
		"@",
		"@ ",
		"@\n",
		"@\t",
		/* no number */
		"@ K",
		"@ m",
		"@ E",
		"@ x",
		"@ none",
		"@ maximum",
		"@ ma",
		"@ MAX",
		"@ 0x",
		/* negative */
		"@ -1",
		"@ -4096",
		"@ -1K",
		"@ -",
		/* junk after the number */
		"@ 4096x",
		"@ 4096 x",
		"@ 4096B",
		"@ 4KB",
		"@ 4KK",
		"@ 4 K",
		"@ 1.5M",
		"@ 4096,",
		"@ 4096 8192",
		"@ max 4096",
		"@ 4096 max",
		"@ maxx",
		/* two lines, blanks */
		"@ 4096\n@ 8192\n",
		"@ 4096\n@ 8192",
		"@ max\n@ 8192\n",
		"@ 4096\nx",
		"@  4096",
		"@ \t4096",
		"@\t\t4096",
		"@\n4096",
		"@=4096",
		"\n",
		" ",
		" \t\n",
		"@ 18446744073709551616x",
		"@ 16EE",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, dmem_set(self->cg, variant->file, t->heap.region,
				      BEFORE));
		EXPECT_EQ(-EINVAL,
			  write_line(t, self->cg, variant->file, cases[i]))
			TH_LOG("wrote \"%s\"", cases[i]);
		EXPECT_EQ(BEFORE, dmem_read(self->cg, variant->file,
					    t->heap.region))
			TH_LOG("wrote \"%s\"", cases[i]);
	}
}

TEST_F(input, accepted)
{
	struct dmem_test *t = &self->t;
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
		{ "@ 131071", 0 },	/* filled in below */
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
		if (!strcmp(cases[i].text, "@ 131071"))
			cases[i].value = 131071 / t->page * t->page;
		ASSERT_EQ(0, dmem_set(self->cg, variant->file, t->heap.region,
				      BEFORE));
		EXPECT_EQ(0, write_line(t, self->cg, variant->file,
					cases[i].text))
			TH_LOG("wrote \"%s\"", cases[i].text);
		EXPECT_EQ(cases[i].value, dmem_read(self->cg, variant->file,
						    t->heap.region))
			TH_LOG("wrote \"%s\"", cases[i].text);
	}
}

/* Values that fit in the counter of a 64-bit kernel, but not of a 32-bit one. */
TEST_F(input, counter_range)
{
	struct dmem_test *t = &self->t;
	bool wide = kernel_is_64bit();
	/* pages that a counter holds, as bytes */
	long long top = wide ? (LLONG_MAX / t->page - 1) * t->page :
			       (0x7fffffffLL - 1) * t->page;

	EXPECT_EQ(0, dmem_set(self->cg, variant->file, t->heap.region, top));
	EXPECT_EQ(0, write_line(t, self->cg, variant->file, "@ 1P"));
	EXPECT_EQ(wide ? 1024 * TIB : DMEM_MAX,
		  dmem_read(self->cg, variant->file, t->heap.region));
	EXPECT_EQ(0, write_line(t, self->cg, variant->file, "@ 7E"));
	EXPECT_EQ(wide ? 7 * 1024 * 1024 * TIB : DMEM_MAX,
		  dmem_read(self->cg, variant->file, t->heap.region));
}

/* Writes of no byte, of exactly a page and of more. */
TEST_F(input, sizes)
{
	struct dmem_test *t = &self->t;
	size_t page = t->page;
	static char buf[65536 + 1];

	ASSERT_GT(sizeof(buf), page);
	ASSERT_EQ(0, dmem_set(self->cg, variant->file, t->heap.region, BEFORE));

	/* The cgroup core accepts an empty write and ignores it */
	EXPECT_EQ(0, cg_write_buf(self->cg, variant->file, buf, 0));
	EXPECT_EQ(BEFORE,
		  dmem_read(self->cg, variant->file, t->heap.region));

	memset(buf, 'x', page + 1);
	EXPECT_EQ(-EINVAL, cg_write_buf(self->cg, variant->file, buf, page));
	EXPECT_EQ(-E2BIG, cg_write_buf(self->cg, variant->file, buf, page + 1));
	memset(buf, ' ', page + 1);
	EXPECT_EQ(-EINVAL, cg_write_buf(self->cg, variant->file, buf, page));
	memset(buf, '9', page + 1);
	EXPECT_EQ(-EINVAL, cg_write_buf(self->cg, variant->file, buf, page));
	EXPECT_EQ(BEFORE,
		  dmem_read(self->cg, variant->file, t->heap.region));

	/* a right line, then a page's worth of junk */
	memset(buf, 'x', page + 1);
	buf[snprintf(buf, page, "%s 4096 ", t->heap.region)] = 'x';
	EXPECT_EQ(-EINVAL, cg_write_buf(self->cg, variant->file, buf, page));
	EXPECT_EQ(BEFORE,
		  dmem_read(self->cg, variant->file, t->heap.region));
	/* a number as long as a page */
	memset(buf, '9', page + 1);
	buf[snprintf(buf, page, "%s ", t->heap.region)] = '9';
	EXPECT_EQ((ssize_t)page,
		  cg_write_buf(self->cg, variant->file, buf, page));
	EXPECT_EQ(DMEM_MAX,
		  dmem_read(self->cg, variant->file, t->heap.region));

	/* a right line, then blanks: they are stripped */
	memset(buf, ' ', page + 1);
	buf[snprintf(buf, page, "%s 2M", t->heap.region)] = ' ';
	EXPECT_EQ((ssize_t)page,
		  cg_write_buf(self->cg, variant->file, buf, page));
	EXPECT_EQ(2 * MIB,
		  dmem_read(self->cg, variant->file, t->heap.region));
}

/* A write sets the regions that it names, and no others. */
TEST_F(input, only_what_was_named)
{
	struct dmem_test *t = &self->t;
	static const char * const files[] = {
		"dmem.max", "dmem.low", "dmem.min"
	};
	char other[DMEM_NAME_LEN] = "";
	struct dmem_heap heaps[DMEM_HEAPS];
	char *sibling = cg_name(t->cg, "b");
	int i, n;

	ASSERT_EQ(0, cg_create(sibling));
	n = heap_list(heaps, DMEM_HEAPS);
	for (i = 0; i < n; i++) {
		if (heaps[i].region[0] &&
		    strcmp(heaps[i].region, t->heap.region))
			snprintf(other, sizeof(other), "%s",
				 heaps[i].region);
	}
	EXPECT_EQ(0, dmem_set(self->cg, variant->file, t->heap.region,
			      3 * MIB));
	for (i = 0; i < (int)ARRAY_SIZE(files); i++) {
		long long none = i ? 0 : DMEM_MAX;

		EXPECT_EQ(none, dmem_read(sibling, files[i], t->heap.region));
		EXPECT_EQ(other[0] ? none : -ENODATA,
			  dmem_read(self->cg, files[i], other));
		if (!strcmp(files[i], variant->file))
			continue;
		EXPECT_EQ(none, dmem_read(self->cg, files[i], t->heap.region));
	}
	free(sibling);
	if (!other[0])
		SKIP(return, "only one region");
}

TEST_HARNESS_MAIN
