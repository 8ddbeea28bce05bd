// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs on a kernel that has booted with a device tree into which an overlay of "dmemctl plan --dts"
 * was merged. The kernel has made each area of the plan with the planned size, in an allowed place;
 * its log has no objection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "boards.h"

#define READ_ALL	3	/* an action of syslog(2) */
#define MIB		(1024 * 1024ul)

static char text[1 << 20];

static const char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

FIXTURE(board) {
	const struct board *b;
	char *log;
};

FIXTURE_SETUP(board)
{
	char name[64] = "";
	const char *word;
	int len = klogctl(READ_ALL, text, sizeof(text) - 1);

	ASSERT_GT(len, 0);
	text[len] = 0;
	self->log = strdup(text);
	ASSERT_NE(NULL, self->log);
	word = strstr(read_file("/proc/cmdline"), "dmem.board=");
	ASSERT_NE(NULL, word);
	ASSERT_EQ(1, sscanf(word, "dmem.board=%63[a-z-]", name));
	self->b = board_find(name);
	ASSERT_NE(NULL, self->b);
}

FIXTURE_TEARDOWN(board)
{
	free(self->log);
}

/* Each area is a region of the planned capacity, and a heap. */
TEST_F(board, areas)
{
	for (const struct board_area *a = self->b->area; a->name; a++) {
		char want[256];

		snprintf(want, sizeof(want), "cma/%s %lu\n", a->name, a->needs * MIB);
		EXPECT_NE(NULL, strstr(read_file("/sys/fs/cgroup/dmem.capacity"), want))
			TH_LOG("%s: not '%s'", a->name, want);
		snprintf(want, sizeof(want), "/sys/kernel/mm/cma/%s/total_pages", a->name);
		EXPECT_EQ(a->needs * MIB, strtoul(read_file(want), NULL, 10) * (unsigned long)getpagesize())
			TH_LOG("%s", a->name);
		snprintf(want, sizeof(want), "/dev/dma_heap/%s", a->name);
		EXPECT_EQ(0, access(want, F_OK))
			TH_LOG("%s", a->name);
	}
}

/* "OF: reserved mem: 0xBASE..0xEND (N KiB) map reusable NAME" */
TEST_F(board, places)
{
	for (const struct board_area *a = self->b->area; a->name; a++) {
		unsigned long base = 0, end = 0;
		char want[128], *at, *line;

		/* The area of the command line has no such line. */
		if (!strcmp(a->name, "reserved"))
			continue;
		snprintf(want, sizeof(want), " map reusable %s\n", a->name);
		at = strstr(self->log, want);
		ASSERT_NE(NULL, at)
			TH_LOG("the log has no line about %s", a->name);
		for (line = at; line > self->log && line[-1] != '\n'; line--)
			;
		line = strstr(line, "reserved mem: ");
		ASSERT_NE(NULL, line);
		ASSERT_EQ(2, sscanf(line, "reserved mem: %lx..%lx (", &base, &end))
			TH_LOG("%.100s", line);
		EXPECT_EQ(a->needs * MIB, end + 1 - base);
		if (a->high) {
			EXPECT_GE(base, a->low);
			EXPECT_LT(end, a->high);
			EXPECT_EQ(0ul, base % a->align);
		} else {
			EXPECT_EQ(a->low, base);
		}
	}
}

TEST_F(board, no_objection)
{
	static const char * const objections[] = {
		"unsupported node format", "OVERLAP DETECTED", "failed to allocate memory",
		"failed to reserve memory", "invalid size property", "invalid alignment property",
		"incorrect alignment", "unable to setup CMA", "could not be activated",
		"compatible matching fail", "not enough space", "Not enough slots", "too many defined",
	};

	for (size_t i = 0; i < sizeof(objections) / sizeof(*objections); i++) {
		const char *at = strstr(self->log, objections[i]);

		EXPECT_EQ(NULL, at)
			TH_LOG("%.120s", at);
	}
	/* Checks that the log contains the boot. */
	EXPECT_NE(NULL, strstr(self->log, "created CMA memory pool"));
}

TEST_F(board, command_line)
{
	if (!self->b->words) {
		EXPECT_EQ(NULL, strstr(read_file("/proc/cmdline"), " cma="));
		EXPECT_EQ(NULL, strstr(self->log, "Skipping dt"));
		return;
	}
	EXPECT_NE(NULL, strstr(read_file("/proc/cmdline"), self->b->words));
	EXPECT_NE(NULL, strstr(self->log, "Skipping dt linux,cma-default node"));
}

TEST_HARNESS_MAIN
