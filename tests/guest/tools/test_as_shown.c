// SPDX-License-Identifier: GPL-2.0-or-later
/* README.md and docs/demo.md show the output of lsdmem and dmemctl: the test runs their
 * commands and compares. It is the first program in the list, since others leave refusals
 * behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define README	"/tests/tools/README.md"
#define DEMO	"/tests/tools/demo.md"
#define BLOCK	"```console\n"

FIXTURE(shown) {
	int unused;
};

/* The camera holds 12 MiB, and its display 4 MiB of the same region. */
FIXTURE_SETUP(shown)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, unit_write("camera.service", SERVICE "Type=notify\nSlice=media.slice\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=12 " CAMERA_HEAP "=16 ready hold\n"
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\n"));
	ASSERT_EQ(0, unit_write("display.service", SERVICE "Type=notify\nSlice=media.slice\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=4 display@60000000=8 ready hold\n"
				"[X-Dmem]\nDeviceMemoryMax=" DISPLAY " 8M\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("camera.service"));
	ASSERT_EQ(0, start("display.service"));
}

FIXTURE_TEARDOWN(shown)
{
	run("/usr/sbin/dmemctl", "set", "--revert", "display.service", NULL);
	EXPECT_EQ(0, units_end());
}

/* Runs the first block of a document: lines with a prompt are commands, and the lines below must be
 * their complete output. Returns the number of commands. */
static int run_block(struct __test_metadata *_metadata, const char *path)
{
	char *text = strdup(text_of(path)), *p = strstr(text, BLOCK), *end;
	int commands = 0;

	ASSERT_NE(NULL, p) TH_LOG("%s has no transcript", path);
	p += strlen(BLOCK);
	end = strstr(p, "```");
	ASSERT_NE(NULL, end);
	*end = 0;
	while (*p == '#') {
		char *command = p + 2, *want = strchr(p, '\n') + 1, *next = want;

		want[-1] = 0;
		while (*next && strncmp(next, "# ", 2))
			next = strchr(next, '\n') + 1;
		p = *next ? next : next + strlen(next);
		want = strndup(want, (size_t)(next - want));
		/* The empty line before a prompt is not part of the output. */
		if (strlen(want) && !strcmp(want + strlen(want) - 1, "\n") &&
		    (strlen(want) == 1 || want[strlen(want) - 2] == '\n'))
			want[strlen(want) - 1] = 0;
		run("/bin/sh", "-c", command, NULL);
		EXPECT_STREQ(want, output()) TH_LOG("%s:\n%s", command, output());
		free(want);
		commands++;
	}
	EXPECT_EQ(0, *p);
	free(text);
	return commands;
}

/* The session of README.md goes on in docs/demo.md. */
TEST_F_TIMEOUT(shown, transcript, 120)
{
	EXPECT_EQ(4, run_block(_metadata, README));
	EXPECT_EQ(3, run_block(_metadata, DEMO));
}

TEST_HARNESS_MAIN
