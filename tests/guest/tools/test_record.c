// SPDX-License-Identifier: GPL-2.0-or-later
/* "dmemctl record" as a service, and at the stop of services. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define EXAMPLES	"/usr/share/doc/dmem/examples/"
#define RECORDER	"dmem-record.service"
#define DIR		"/var/lib/dmem/"
#define HISTORY		DIR "record.history"
#define STOPS		DIR "stops.history"
#define DMEMCTL		"/usr/sbin/dmemctl"

FIXTURE(record) {
	int unused;
};

static void clear(void)
{
	static const char * const files[] = {
		HISTORY, HISTORY ".1", HISTORY ".lock", STOPS, STOPS ".1", STOPS ".lock",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(files[i]);
}

FIXTURE_SETUP(record)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	clear();
}

/* All services had a drop-in, also those that end the guest. */
FIXTURE_TEARDOWN(record)
{
	EXPECT_EQ(0, units_end());
	EXPECT_EQ(0, reload());
	clear();
}

/* Waits until the file has both texts, the second one after the first. */
static bool wait_text(const char *file, const char *what, const char *then)
{
	for (int i = 0; i < 100; i++) {
		const char *at = strstr(text_of(file), what);

		if (at && strstr(at, then))
			return true;
		sleep_ms(100);
	}
	return false;
}

/* A number of the plan for these histories: the first one after @after. */
static long long planned(const char *file, const char *after, const char *key)
{
	const char *at = run(DMEMCTL, "plan", "--json", file, NULL) ? NULL : strstr(output(), after);
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = at ? strstr(at, quoted) : NULL;
	return at ? strtoll(at + strlen(quoted), NULL, 10) : -1;
}

/* The unchanged example: the usage, later changes, a restart, and the end. */
TEST_F_TIMEOUT(record, service, 120)
{
	ASSERT_EQ(0, unit_write(RECORDER, "%s", text_of(EXAMPLES RECORDER)));
	ASSERT_EQ(0, unit_write("rec.service", SERVICE "ExecStart=" PROBE " " CAMERA_HEAP "=3 hold\n"
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start(RECORDER));
	EXPECT_TRUE(wait_text(HISTORY, " H 1 ", " S "));
	ASSERT_EQ(0, start("rec.service"));
	EXPECT_TRUE(wait_text(HISTORY, "system.slice/rec.service\n", "=3145728"))
		TH_LOG("%s", text_of(HISTORY));
	ASSERT_EQ(0, restart("rec.service"));
	EXPECT_TRUE(wait_text(HISTORY, " x", "=3145728"));
	ASSERT_EQ(0, stop("rec.service"));
	ASSERT_EQ(0, stop(RECORDER));
	EXPECT_STREQ("success", property(RECORDER, "Result"));
	EXPECT_NE(NULL, strstr(text_of(HISTORY), " E "));
	EXPECT_EQ(3 * MIB, planned(HISTORY, "\"rec.service\"", "peak"));
	EXPECT_EQ(2, planned(HISTORY, "\"rec.service\"", "runs"));
	EXPECT_EQ(8 * MIB, planned(HISTORY, "\"rec.service\"", "current_max"));
	EXPECT_EQ(40 * MIB, planned(HISTORY, "\"region\":\"" CAMERA "\"", "capacity"));
}

/* The time that a service with its buffer needs to stop, in ms, or -1 after a failure. */
static long long stop_time(const char *unit)
{
	long long begin;

	out_clear();
	if (start(unit) || !wait_out(CAMERA_HEAP "=5 0", 30))
		return -1;
	begin = now_ms();
	if (stop(unit) || strcmp(property(unit, "Result"), "success"))
		return -1;
	return now_ms() - begin;
}

/* Only the last peak shows the use between two samples. */
TEST_F_TIMEOUT(record, at_stop, 240)
{
	long long plain, with, locked;
	int lock;

	ASSERT_EQ(0, unit_write("stops.service", SERVICE "ExecStart=" PROBE " " CAMERA_HEAP "=5 hold\n"
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"));
	ASSERT_EQ(0, reload());
	plain = stop_time("stops.service");
	ASSERT_EQ(0, unit_write("dmem-record-now.socket", "%s",
				text_of(EXAMPLES "dmem-record-now.socket")));
	ASSERT_EQ(0, unit_write("dmem-record-now@.service", "%s",
				text_of(EXAMPLES "dmem-record-now@.service")));
	ASSERT_EQ(0, unit_write("service.d/60-dmem-record.conf", "%s",
				text_of(EXAMPLES "dmem-record-stop.conf")));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("dmem-record-now.socket"));
	with = stop_time("stops.service");
	EXPECT_NE(NULL, strstr(text_of(STOPS), "system.slice/stops.service\n"));
	EXPECT_EQ(5 * MIB, planned(STOPS, "\"stops.service\"", "peak"))
		TH_LOG("%s", text_of(STOPS));
	EXPECT_EQ(1, planned(STOPS, "\"stops.service\"", "runs"));

	/* With another writer, or without a recorder, the stop takes as long as before. */
	lock = open(STOPS ".lock", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, flock(lock, LOCK_EX));
	locked = stop_time("stops.service");
	EXPECT_EQ(1, planned(STOPS, "\"stops.service\"", "runs"));
	close(lock);
	TH_LOG("a stop takes %lld ms, with a record %lld, with a lock on the file %lld", plain, with,
	       locked);
	EXPECT_LE(0, plain);
	EXPECT_LE(0, with);
	EXPECT_LE(0, locked);
	EXPECT_GT(with + 5000, locked);

	ASSERT_EQ(0, unit_write("stops.service.d/61-broken.conf",
				"[Service]\nExecStopPost=\nExecStopPost=-/no/dmem-record-request\n"));
	ASSERT_EQ(0, reload());
	EXPECT_LE(0, stop_time("stops.service"));
	/* No recorder serves the requests. */
	ASSERT_EQ(0, unit_write("stops.service.d/61-broken.conf", "%s", "[Service]\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, stop("dmem-record-now.socket"));
	EXPECT_LE(0, stop_time("stops.service"));
}

TEST_HARNESS_MAIN
