// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The history shown in README.md: a minute and a half of four services that share a region. The
 * test prints the history, and "make example" writes it to docs/.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define RECORDER	"example-record.service"
#define HISTORY		"/var/lib/dmem/example.history"
#define TAKE(mib)	" " CAMERA_HEAP "=" #mib

struct service {
	const char *unit, *buffers, *max;
};

static const struct service services[] = {
	{ "display.service", TAKE(4) TAKE(4), "12M" },
	{ "camera.service", TAKE(3) TAKE(3) TAKE(3) TAKE(3), "16M" },
	{ "codec.service", TAKE(2) TAKE(2) TAKE(2) TAKE(2) TAKE(2) TAKE(2), "16M" },
	/* The second buffer exceeds its limit, and is refused. */
	{ "ai.service", TAKE(6) TAKE(6), "8M" },
};

struct step {
	int seconds;	/* pause before the step */
	const char *unit;
	bool stops;
};

/* First without ai.service, then without camera.service, then without display.service. */
static const struct step steps[] = {
	{ 5, "display.service", false }, { 6, "camera.service", false },
	{ 8, "codec.service", false }, { 10, "codec.service", true },
	{ 5, "ai.service", false }, { 6, "codec.service", false },
	{ 6, "camera.service", true }, { 5, "display.service", true },
	{ 2, "display.service", false }, { 5, "camera.service", false },
	{ 6, "ai.service", true }, { 1, "codec.service", true },
	{ 5, "camera.service", true }, { 1, "display.service", true },
	{ 4, RECORDER, true },
};

FIXTURE(example) {
	int unused;
};

FIXTURE_SETUP(example)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	unlink(HISTORY);
	ASSERT_EQ(0, unit_write(RECORDER, "[Service]\nStateDirectory=dmem\nExecStart=/usr/sbin/dmemctl record "
				"--buffers --interval=250ms --output=" HISTORY "\n"));
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		ASSERT_EQ(0, unit_write(services[i].unit, SERVICE "Type=notify\nSlice=media.slice\n"
					"ExecStart=" PROBE "%s ready hold\n"
					"[X-Dmem]\nDeviceMemoryMax=" CAMERA " %s\n",
					services[i].buffers, services[i].max));
	ASSERT_EQ(0, reload());
}

FIXTURE_TEARDOWN(example)
{
	EXPECT_EQ(0, units_end());
	unlink(HISTORY);
	unlink(HISTORY ".lock");
}

/* A number of the plan: the first one after @after. */
static long long planned(const char *after, const char *key)
{
	const char *at = run("/usr/sbin/dmemctl", "plan", "--json", HISTORY, NULL) ?
			 NULL : strstr(output(), after);
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = at ? strstr(at, quoted) : NULL;
	return at ? strtoll(at + strlen(quoted), NULL, 10) : -1;
}

static void print_history(void)
{
	char *text = strdup(text_of(HISTORY)), *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		printf("# history: %s\n", line);
	free(text);
}

/* Expected MiB: camera, codec and ai with the display 38, without the camera 26. */
TEST_F_TIMEOUT(example, history, 240)
{
	ASSERT_EQ(0, start(RECORDER));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		sleep_ms((unsigned int)steps[i].seconds * 1000);
		EXPECT_EQ(0, steps[i].stops ? stop(steps[i].unit) : start(steps[i].unit));
	}
	print_history();
	EXPECT_EQ(38 * MIB, planned("\"region\":\"" CAMERA "\"", "together"));
	EXPECT_EQ(12 * MIB, planned("\"service\":\"camera.service\"", "peak"));
	EXPECT_EQ(12 * MIB, planned("\"service\":\"codec.service\"", "peak"));
	EXPECT_EQ(8 * MIB, planned("\"service\":\"display.service\"", "peak"));
	EXPECT_EQ(6 * MIB, planned("\"service\":\"ai.service\"", "peak"));
}

TEST_HARNESS_MAIN
